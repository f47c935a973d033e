/* check.c - the catalog against itself and against another one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/inside.h"

/* ---- statements made for one call ------------------------------------- */

sqlite3_stmt *img_catalog_prepare(struct img_catalog *c, const char *sql,
				  struct img_err *err)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(c->db, sql, -1, &st, NULL) != SQLITE_OK)
		img_catalog_failed(c, "prepare", err);
	return st;
}

/* ---- sums of rows ----------------------------------------------------- */

static const char *const tables[] = { "patient",  "study",   "series",
				      "instance", "object",  "container",
				      "input",    "meta",    "peer",
				      "sent",     "identity" };
static const size_t tables_of[] = { 0, 8, 10, 11 }; /* by version */

/* Appends table."column", ... of all columns but the sum, in their order. */
static int add_columns(struct img_catalog *c, const char *table,
		       struct img_buf *b, struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_COLUMNS, err);
	const char *comma = "";
	int rc;

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, table, -1, SQLITE_STATIC);
	while ((rc = img_catalog_step(c, st, "columns", err)) == 1) {
		rc = img_buf_printf(b, err, "%s%s.\"%s\"", comma, table,
				    (const char *)sqlite3_column_text(st, 0));
		comma = ", ";
		if (rc < 0)
			break;
	}
	sqlite3_reset(st);
	return rc;
}

/* "table.sum IS img_sum(...)" */
static int add_test(struct img_catalog *c, const char *table, struct img_buf *b,
		    struct img_err *err)
{
	if (img_buf_printf(b, err, "%s.sum IS img_sum(", table) < 0 ||
	    add_columns(c, table, b, err) < 0)
		return -1;
	return img_buf_puts(b, ")", err);
}

static int check_table(struct img_catalog *c, const char *table,
		       int (*f)(void *, const char *, int64_t,
				struct img_err *),
		       void *arg, struct img_err *err)
{
	bool object = strcmp(table, "object") == 0;
	bool by_id = !object && strcmp(table, "input") != 0 &&
		     strcmp(table, "meta") != 0 && strcmp(table, "sent") != 0 &&
		     strcmp(table, "identity") != 0;
	char what[64];
	struct img_buf sql;
	sqlite3_stmt *st = NULL;
	int rc = -1;

	img_buf_init(&sql, 65536);
	if (img_buf_printf(&sql, err, "SELECT %s FROM %s WHERE NOT (",
			   object  ? "instance"
			   : by_id ? "id"
				   : "0",
			   table) < 0 ||
	    add_test(c, table, &sql, err) < 0 ||
	    img_buf_puts(&sql, ")", err) < 0)
		goto out;
	st = img_catalog_prepare(c, sql.data, err);
	if (!st)
		goto out;
	while ((rc = img_catalog_step(c, st, "check", err)) == 1) {
		int64_t id = sqlite3_column_int64(st, 0);
		bool inst = object || strcmp(table, "instance") == 0;

		snprintf(what, sizeof(what), "%s row %lld has another sum",
			 table, (long long)id);
		if (f(arg, what, inst ? id : -1, err) < 0) {
			rc = -1;
			break;
		}
	}
out:
	sqlite3_finalize(st);
	img_buf_release(&sql);
	return rc;
}

static int check_structure(struct img_catalog *c, const char *pragma,
			   int (*f)(void *, const char *, int64_t,
				    struct img_err *),
			   void *arg, struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_prepare(c, pragma, err);
	int rc;

	if (!st)
		return -1;
	while ((rc = img_catalog_step(c, st, "check", err)) == 1) {
		const char *said = (const char *)sqlite3_column_text(st, 0);

		if (said && strcmp(said, "ok") == 0)
			continue;
		if (f(arg, said ? said : "row without its parent", -1, err) <
		    0) {
			rc = -1;
			break;
		}
	}
	sqlite3_finalize(st);
	return rc;
}

int img_catalog_check(struct img_catalog *c,
		      int (*f)(void *arg, const char *what, int64_t instance,
			       struct img_err *err),
		      void *arg, struct img_err *err)
{
	size_t n = tables_of[c->summed ? 3 : c->ledger ? 2 : 1];

	for (size_t i = 0; i < n; i++)
		if (check_table(c, tables[i], f, arg, err) < 0)
			return -1;
	if (check_structure(c, "PRAGMA integrity_check(100)", f, arg, err) < 0)
		return -1;
	return check_structure(c, "PRAGMA foreign_key_check", f, arg, err);
}

/* Rows and parents of one object; made once and kept with the others. */
static int row_sql(struct img_catalog *c, struct img_buf *b,
		   struct img_err *err)
{
	static const char *const five[] = { "object", "instance", "series",
					    "study", "patient" };

	if (img_buf_puts(b, "SELECT ", err) < 0)
		return -1;
	for (size_t i = 0; i < 5; i++)
		if (img_buf_puts(b, i ? " AND " : "", err) < 0 ||
		    add_test(c, five[i], b, err) < 0)
			return -1;
	return img_buf_puts(b,
			    " FROM object JOIN instance ON instance.id ="
			    " object.instance JOIN series ON series.id ="
			    " instance.series JOIN study ON study.id ="
			    " series.study JOIN patient ON patient.id ="
			    " study.patient WHERE object.instance = ?1"
			    " AND object.n = ?2",
			    err);
}

int img_catalog_row_ok(struct img_catalog *c, int64_t instance, int64_t object,
		       bool *ok, struct img_err *err)
{
	struct img_buf sql;
	int rc;

	if (!c->row_ok) {
		img_buf_init(&sql, 65536);
		if (row_sql(c, &sql, err) == 0)
			c->row_ok = img_catalog_prepare(c, sql.data, err);
		img_buf_release(&sql);
		if (!c->row_ok)
			return -1;
	}
	sqlite3_bind_int64(c->row_ok, 1, instance);
	sqlite3_bind_int64(c->row_ok, 2, object);
	rc = img_catalog_step(c, c->row_ok, "check", err);
	*ok = rc == 1 && sqlite3_column_int(c->row_ok, 0);
	sqlite3_reset(c->row_ok);
	return rc < 0 ? -1 : 0;
}

/* ---- digests ---------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int img_catalog_digests(struct img_catalog *c, uint64_t **out, size_t *n,
			struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_prepare(
		c, "SELECT digest FROM object WHERE place IS NULL", err);
	uint64_t *list = NULL, *more;
	size_t room = 0;
	int rc = -1;

	*n = 0;
	while (st && (rc = img_catalog_step(c, st, "digests", err)) == 1) {
		if (*n == room) {
			room = room ? room * 2 : 4096;
			more = reallocarray(list, room, sizeof(*list));
			if (!more) {
				rc = img_err_set(err, IMG_E_NOMEM,
						 "out of memory");
				break;
			}
			list = more;
		}
		if (sqlite3_column_bytes(st, 0) >= 8)
			memcpy(&list[(*n)++], sqlite3_column_blob(st, 0), 8);
	}
	sqlite3_finalize(st);
	if (rc < 0) {
		free(list);
		return -1;
	}
	if (*n)
		qsort(list, *n, sizeof(*list), by_value);
	*out = list;
	return 0;
}

/* ---- comparing -------------------------------------------------------- */

/* All that an object's rows say, without numbers and times of ours. */
static int view(const char *schema, struct img_buf *b, struct img_err *err)
{
	size_t n;
	const struct img_field *f = img_catalog_fields(&n);

	if (img_buf_puts(b, "SELECT SOPInstanceUID, digest, bytes, place",
			 err) < 0)
		return -1;
	/* Attributes of the instance are its current object's. */
	if (img_buf_puts(b, ", object.n = current", err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (f[i].tag &&
		    img_buf_printf(b, err, ", \"%s\"", f[i].keyword) < 0)
			return -1;
	return img_buf_printf(
		b, err,
		" FROM %s.object JOIN %s.instance ON instance.id ="
		" object.instance JOIN %s.series ON series.id ="
		" instance.series JOIN %s.study ON study.id = series.study"
		" JOIN %s.patient ON patient.id = study.patient",
		schema, schema, schema, schema, schema);
}

struct compare {
	struct img_catalog *c;
	int (*f)(void *arg, char how, const char *sop, const uint8_t *digest,
		 struct img_err *err);
	void *arg;
};

/* Rows of a that b has not; an object that b has with other attributes is
   told once, from the first side. */
static int one_side(struct compare *k, const char *a, const char *b, char how,
		    struct img_err *err)
{
	struct img_buf sql;
	sqlite3_stmt *st = NULL;
	int rc = -1;

	img_buf_init(&sql, 65536);
	if (img_buf_printf(&sql, err,
			   "SELECT SOPInstanceUID, digest, EXISTS (SELECT 1"
			   " FROM %s.instance i JOIN %s.object o ON"
			   " o.instance = i.id WHERE i.SOPInstanceUID ="
			   " d.SOPInstanceUID AND o.digest = d.digest)"
			   " FROM (",
			   b, b) < 0 ||
	    view(a, &sql, err) < 0 || img_buf_puts(&sql, " EXCEPT ", err) < 0 ||
	    view(b, &sql, err) < 0 ||
	    img_buf_puts(&sql, ") d ORDER BY SOPInstanceUID", err) < 0)
		goto out;
	st = img_catalog_prepare(k->c, sql.data, err);
	while (st && (rc = img_catalog_step(k->c, st, "compare", err)) == 1) {
		bool both = sqlite3_column_int(st, 2);
		const void *digest = sqlite3_column_blob(st, 1);

		if (both && how == '-')
			continue;
		if (sqlite3_column_bytes(st, 1) != IMG_DIGEST_SIZE)
			digest = NULL;
		if (k->f(k->arg, both ? '~' : how,
			 (const char *)sqlite3_column_text(st, 0), digest,
			 err) < 0) {
			rc = -1;
			break;
		}
	}
out:
	sqlite3_finalize(st);
	img_buf_release(&sql);
	return rc;
}

static int both_sides(struct img_catalog *c, void *arg, struct img_err *err)
{
	(void)c;
	if (one_side(arg, "main", "before", '+', err) < 0)
		return -1;
	return one_side(arg, "before", "main", '-', err);
}

int img_catalog_compare(struct img_catalog *c, const char *other,
			int (*f)(void *arg, char how, const char *sop,
				 const uint8_t *digest, struct img_err *err),
			void *arg, struct img_err *err)
{
	struct compare k = { c, f, arg };

	return img_catalog_beside(c, other, both_sides, &k, err);
}
