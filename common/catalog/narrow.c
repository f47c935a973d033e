/* narrow.c - conditions of a query about what became of objects: what was sent
   to whom, what was read when. */
#include <string.h>

#include "catalog/inside.h"

int img_query_unsent(struct img_where *w, enum img_level level,
		     const char *peer, struct img_err *err)
{
	static const char *const below[] = { "st.patient = patient.id",
					     "se.study = study.id",
					     "i.series = series.id",
					     "i.id = instance.id" };

	if (img_buf_printf(&w->text, err,
			   "EXISTS (SELECT 1 FROM instance AS i"
			   " JOIN series AS se ON se.id = i.series"
			   " JOIN study AS st ON st.id = se.study"
			   " JOIN object AS o ON o.instance = i.id"
			   " AND o.n = i.current WHERE %s AND NOT EXISTS"
			   " (SELECT 1 FROM sent WHERE sent.peer ="
			   " (SELECT id FROM peer WHERE name = ",
			   below[level]) < 0 ||
	    img_where_param(w, peer, strlen(peer), err) < 0)
		return -1;
	return img_where_puts(w,
			      ") AND sent.SOPInstanceUID = i.SOPInstanceUID"
			      " AND sent.digest = o.digest"
			      " AND sent.status = 'sent'))",
			      err);
}

int img_query_oldest(struct img_where *w, enum img_level level,
		     const char *column, struct img_err *err)
{
	static const char *const from[] = {
		"study AS st CROSS JOIN series AS se ON se.study = st.id"
		" CROSS JOIN instance AS i ON i.series = se.id"
		" CROSS JOIN object AS o ON o.instance = i.id"
		" WHERE st.patient = patient.id",
		"series AS se CROSS JOIN instance AS i ON i.series = se.id"
		" CROSS JOIN object AS o ON o.instance = i.id"
		" WHERE se.study = study.id",
		"instance AS i CROSS JOIN object AS o ON o.instance = i.id"
		" WHERE i.series = series.id",
		"object AS o WHERE o.instance = instance.id"
	};

	return img_buf_printf(&w->text, err,
			      ", (SELECT o.%s FROM %s ORDER BY o.checked"
			      " LIMIT 1)",
			      column, from[level]);
}

int img_query_unchecked(struct img_where *w, const struct img_query *q,
			struct img_err *err)
{
	static const char *const up[] = { "st.patient", "se.study", "i.series",
					  "o.instance" };
	static const char *const join[] = {
		" CROSS JOIN study AS st ON st.id = se.study",
		" CROSS JOIN series AS se ON se.id = i.series",
		" CROSS JOIN instance AS i ON i.id = o.instance"
	};

	if (q->conflicts)
		return img_where_puts(w, "coalesce(object.checked, '') < ",
				      err) < 0
			       ? -1
			       : img_where_param(w, q->unchecked_since,
						 strlen(q->unchecked_since),
						 err);
	if (img_buf_printf(&w->text, err, "%s.id IN (",
			   img_table_of[q->level]) < 0)
		return -1;
	for (int never = 0; never < 2; never++) {
		if (img_buf_printf(
			    &w->text, err, "%sSELECT %s FROM object AS o",
			    never ? " UNION ALL " : "", up[q->level]) < 0)
			return -1;
		for (int i = 2; i >= (int)q->level; i--)
			if (img_where_puts(w, join[i], err) < 0)
				return -1;
		if (img_where_puts(w,
				   never ? " WHERE o.checked IS NULL"
					 : " WHERE o.checked < ",
				   err) < 0 ||
		    (!never &&
		     img_where_param(w, q->unchecked_since,
				     strlen(q->unchecked_since), err) < 0))
			return -1;
	}
	return img_where_puts(w, ")", err);
}
