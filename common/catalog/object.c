/* object.c - objects of the catalog. */
#include <string.h>

#include "catalog/inside.h"

/* The row a statement of IMG_SQL_OBJECT's columns stands on. */
static int get_row(struct img_catalog *c, sqlite3_stmt *st,
		   struct img_object *out, struct img_err *err)
{
	static const int text_cols[] = { 2, 3, 4, 5, 6, 7, 10, 12, 13, 14 };
	const char **text[] = {
		&out->study,     &out->series,          &out->sop,
		&out->sop_class, &out->transfer_syntax, &out->modality,
		&out->place,     &out->added,           &out->checked,
		&out->verdict
	};
	size_t at[10];
	const void *digest = sqlite3_column_blob(st, 8);

	if (sqlite3_column_bytes(st, 8) != IMG_DIGEST_SIZE)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: digest of a wrong size", c->file);
	memcpy(out->digest, digest, IMG_DIGEST_SIZE);
	img_buf_reset(&c->lent);
	for (size_t i = 0; i < 10; i++)
		if (img_catalog_lend(c, st, text_cols[i], &at[i], err) < 0)
			return -1;
	for (size_t i = 0; i < 10; i++)
		*text[i] = img_catalog_lent(c, at[i]);
	out->instance = sqlite3_column_int64(st, 0);
	out->object = sqlite3_column_int64(st, 1);
	out->bytes = (uint64_t)sqlite3_column_int64(st, 9);
	out->current = sqlite3_column_int(st, 11);
	return 0;
}

int img_catalog_object(struct img_catalog *c, int64_t instance, int64_t object,
		       struct img_object *out, struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_OBJECT, err);
	int rc;

	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, instance);
	sqlite3_bind_int64(st, 2, object);
	rc = img_catalog_step(c, st, "find object", err);
	if (rc != 1)
		return rc;
	rc = get_row(c, st, out, err) < 0 ? -1 : 1;
	sqlite3_reset(st);
	return rc;
}
