/* expr.c - how the fields of a query are said in SQL. */
#include <string.h>

#include "catalog/inside.h"

/* In the order of fields.c. */
static const char *const derived[IMG_DERIVED_COUNT] = {
	"(SELECT group_concat(v, '\\') FROM (SELECT DISTINCT s.Modality AS v"
	" FROM series AS s WHERE s.study = study.id AND s.Modality <> ''"
	" ORDER BY v))",
	"(SELECT group_concat(v, '\\') FROM (SELECT DISTINCT i.SOPClassUID AS v"
	" FROM series AS s CROSS JOIN instance AS i ON i.series = s.id"
	" WHERE s.study = study.id AND i.SOPClassUID <> '' ORDER BY v))",
	"(SELECT count(*) FROM study AS t WHERE t.patient = patient.id)",
	"(SELECT count(*) FROM study AS t CROSS JOIN series AS s"
	" ON s.study = t.id WHERE t.patient = patient.id)",
	"(SELECT count(*) FROM study AS t CROSS JOIN series AS s"
	" ON s.study = t.id CROSS JOIN instance AS i ON i.series = s.id"
	" WHERE t.patient = patient.id)",
	"(SELECT count(*) FROM series AS s WHERE s.study = study.id)",
	"(SELECT count(*) FROM series AS s CROSS JOIN instance AS i"
	" ON i.series = s.id WHERE s.study = study.id)",
	"(SELECT count(*) FROM instance AS i WHERE i.series = series.id)",
};

/* The different values below a row of a higher level. */
static int below(struct img_buf *b, enum img_level level, const char *value,
		 enum img_level at, struct img_err *err)
{
	enum img_level top = (enum img_level)(level + 1);

	if (img_buf_printf(b, err,
			   "(SELECT group_concat(v, '\\') FROM (SELECT DISTINCT"
			   " %s AS v FROM %s",
			   value, img_table_of[top]) < 0)
		return -1;
	for (int i = (int)top + 1; i <= (int)at; i++)
		if (img_buf_printf(b, err, " CROSS JOIN %s ON %s.%s = %s.id",
				   img_table_of[i], img_table_of[i],
				   img_parent_of[i], img_table_of[i - 1]) < 0)
			return -1;
	return img_buf_printf(b, err,
			      " WHERE %s.%s = %s.id AND %s <> '' ORDER BY v))",
			      img_table_of[top], img_parent_of[top],
			      img_table_of[level], value);
}

int img_field_expr(struct img_buf *b, enum img_level level, int field,
		   struct img_err *err)
{
	size_t n;
	const struct img_field *f = &img_query_fields(&n)[field];
	struct img_buf value;
	int rc;

	img_buf_init(&value, 65536);
	if (field >= IMG_F_COUNT)
		rc = img_buf_puts(&value, derived[field - IMG_F_COUNT], err);
	else
		rc = img_buf_printf(&value, err, "%s.\"%s\"",
				    img_table_of[f->level], f->keyword);
	if (rc == 0 && f->level > level)
		rc = strcmp(f->vr, "UI") == 0
			     ? img_err_set(err, IMG_E_USAGE,
					   "%s: below the level asked for",
					   f->keyword)
			     : below(b, level, img_buf_str(&value), f->level,
				     err);
	else if (rc == 0)
		rc = img_buf_puts(b, img_buf_str(&value), err);
	img_buf_release(&value);
	return rc;
}
