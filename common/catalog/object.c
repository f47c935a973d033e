/* object.c - objects: one, those of a scope, and what a check found. */
#include <stdlib.h>
#include <string.h>

#include "catalog/inside.h"

#define PAGE 512

struct img_objects {
	struct img_catalog *c;
	sqlite3_stmt *st;
	bool paged;
	int in_page;
	int64_t instance, object; /* read last */
};

#define COLUMNS                                                                \
	"SELECT object.instance, object.n, study.StudyInstanceUID,"            \
	" series.SeriesInstanceUID, instance.SOPInstanceUID,"                  \
	" instance.SOPClassUID, instance.TransferSyntaxUID, series.Modality,"  \
	" object.digest, object.bytes, object.place,"                          \
	" object.n = instance.current, object.added, object.checked,"          \
	" object.verdict"

const char img_object_columns[] = COLUMNS;

static const char *text(sqlite3_stmt *st, int col)
{
	return (const char *)sqlite3_column_text(st, col);
}

/* The row of COLUMNS that a statement stands on; strings are sqlite's. */
static int get_row(struct img_catalog *c, sqlite3_stmt *st,
		   struct img_object *out, struct img_err *err)
{
	const void *digest = sqlite3_column_blob(st, 8);

	if (sqlite3_column_bytes(st, 8) != IMG_DIGEST_SIZE)
		return img_catalog_wrong(c, "a digest of a wrong size", err);
	memcpy(out->digest, digest, IMG_DIGEST_SIZE);
	out->instance = sqlite3_column_int64(st, 0);
	out->object = sqlite3_column_int64(st, 1);
	out->study = text(st, 2);
	out->series = text(st, 3);
	out->sop = text(st, 4);
	out->sop_class = text(st, 5);
	out->transfer_syntax = text(st, 6);
	out->modality = text(st, 7);
	out->bytes = (uint64_t)sqlite3_column_int64(st, 9);
	out->place = text(st, 10);
	out->current = sqlite3_column_int(st, 11);
	out->added = text(st, 12);
	out->checked = text(st, 13);
	out->verdict = text(st, 14);
	/* Only a schema that somebody has changed has none. */
	if (!out->study || !out->series || !out->sop || !out->added)
		return img_catalog_wrong(c, "an object without its UIDs", err);
	return 0;
}

/* Copies the strings, so that the statement need not stay open. */
static int lend_strings(struct img_catalog *c, struct img_object *o,
			struct img_err *err)
{
	const char **s[] = { &o->study,     &o->series,          &o->sop,
			     &o->sop_class, &o->transfer_syntax, &o->modality,
			     &o->place,     &o->added,           &o->checked,
			     &o->verdict };
	const size_t n = sizeof(s) / sizeof(s[0]);
	size_t at[sizeof(s) / sizeof(s[0])];

	img_buf_reset(&c->lent);
	for (size_t i = 0; i < n; i++) {
		at[i] = *s[i] ? c->lent.len : SIZE_MAX;
		if (*s[i] &&
		    img_buf_add(&c->lent, *s[i], strlen(*s[i]) + 1, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < n; i++)
		*s[i] = img_catalog_lent(c, at[i]);
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
	if (get_row(c, st, out, err) < 0 || lend_strings(c, out, err) < 0)
		rc = -1;
	sqlite3_reset(st);
	return rc;
}

int img_catalog_move(struct img_catalog *c, int64_t instance, int64_t object,
		     const char *place, struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_MOVE, err);

	if (!st)
		return -1;
	img_catalog_bind(st, 1, place);
	sqlite3_bind_int64(st, 2, instance);
	sqlite3_bind_int64(st, 3, object);
	return img_catalog_run(c, st, "move object", err);
}

int img_catalog_whose(struct img_catalog *c, int64_t instance,
		      struct img_whose *out, struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_WHOSE, err);
	size_t at[4];
	int rc;

	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, instance);
	rc = img_catalog_step(c, st, "find whose it is", err);
	if (rc != 1)
		return rc;
	out->patient = sqlite3_column_int64(st, 0);
	out->study = sqlite3_column_int64(st, 1);
	img_buf_reset(&c->lent);
	for (int i = 0; i < 4; i++)
		if (img_catalog_lend(c, st, i + 2, &at[i], err) < 0)
			rc = -1;
	sqlite3_reset(st);
	if (rc < 0)
		return -1;
	out->patient_id = img_catalog_lent(c, at[0]);
	out->issuer = img_catalog_lent(c, at[1]);
	out->study_uid = img_catalog_lent(c, at[2]);
	out->sop_class = img_catalog_lent(c, at[3]);
	return 1;
}

/* ---- scopes ----------------------------------------------------------- */

static const char *const uid_of[] = { "PatientID", "StudyInstanceUID",
				      "SeriesInstanceUID", "SOPInstanceUID" };

static int put_scope(struct img_where *w, const struct img_scope *s,
		     struct img_err *err)
{
	enum img_level top = s->level == IMG_PATIENT ? IMG_PATIENT : IMG_STUDY;
	const char *table = img_table_of[s->level];

	if (img_where_from(w, s->level, top, IMG_IMAGE, err) < 0 ||
	    img_where_puts(w,
			   " CROSS JOIN object ON object.instance ="
			   " instance.id",
			   err) < 0 ||
	    img_where_and(w, err) < 0)
		return -1;
	if (s->id)
		return img_buf_printf(&w->text, err, "%s.id = %lld", table,
				      (long long)s->id);
	if (img_buf_printf(&w->text, err, "%s.%s = ", table, uid_of[s->level]) <
	    0)
		return -1;
	if (img_where_param(w, s->uid, strlen(s->uid), err) < 0)
		return -1;
	if (s->level != IMG_PATIENT || !s->issuer)
		return 0;
	if (img_where_and(w, err) < 0 ||
	    img_where_puts(w, "patient.IssuerOfPatientID = ", err) < 0)
		return -1;
	return img_where_param(w, s->issuer, strlen(s->issuer), err);
}

static int put_everything(struct img_where *w, bool paged, struct img_err *err)
{
	if (img_where_puts(w,
			   " FROM object CROSS JOIN instance ON instance.id ="
			   " object.instance CROSS JOIN series ON series.id ="
			   " instance.series CROSS JOIN study ON study.id ="
			   " series.study",
			   err) < 0)
		return -1;
	if (!paged)
		return 0;
	if (img_where_and(w, err) < 0)
		return -1;
	return img_where_puts(
		w, "(object.instance, object.n) > (:instance, :n)", err);
}

static int put_expand(struct img_where *w, const struct img_scope *s,
		      bool paged, struct img_err *err)
{
	bool scoped = s->id || s->uid;

	if (img_where_puts(w, img_object_columns, err) < 0 ||
	    (scoped ? put_scope(w, s, err) : put_everything(w, paged, err)) < 0)
		return -1;
	if (!s->all &&
	    (img_where_and(w, err) < 0 ||
	     img_where_puts(w, "object.n = instance.current", err) < 0))
		return -1;
	if (s->unchecked_since &&
	    (img_where_and(w, err) < 0 ||
	     img_where_puts(w, "coalesce(object.checked, '') < ", err) < 0 ||
	     img_where_param(w, s->unchecked_since, strlen(s->unchecked_since),
			     err) < 0))
		return -1;
	if (s->oldest_first)
		return img_where_puts(w,
				      " ORDER BY object.checked NULLS FIRST,"
				      " object.instance, object.n",
				      err);
	if (!paged)
		return 0;
	return img_buf_printf(&w->text, err,
			      " ORDER BY object.instance, object.n LIMIT %d",
			      PAGE);
}

static void bind_page(struct img_objects *o)
{
	sqlite3_stmt *st = o->st;

	sqlite3_bind_int64(st, sqlite3_bind_parameter_index(st, ":instance"),
			   o->instance);
	sqlite3_bind_int64(st, sqlite3_bind_parameter_index(st, ":n"),
			   o->object);
	o->in_page = 0;
}

int img_catalog_expand(struct img_catalog *c, const struct img_scope *s,
		       struct img_objects **out, struct img_err *err)
{
	struct img_objects *o = calloc(1, sizeof(*o));
	struct img_where w;

	*out = NULL;
	if (!o)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	o->c = c;
	o->paged = !s->id && !s->uid && !s->oldest_first;
	o->instance = o->object = -1;
	img_where_init(&w);
	if (put_expand(&w, s, o->paged, err) == 0)
		o->st = img_where_prepare(c, &w, err);
	img_where_release(&w);
	if (!o->st) {
		img_objects_close(o);
		return -1;
	}
	if (o->paged)
		bind_page(o);
	*out = o;
	return 0;
}

int img_objects_next(struct img_objects *o, struct img_object *out,
		     struct img_err *err)
{
	int rc = img_catalog_step(o->c, o->st, "read objects", err);

	if (rc == 0 && o->paged && o->in_page == PAGE) {
		bind_page(o);
		rc = img_catalog_step(o->c, o->st, "read objects", err);
	}
	if (rc != 1)
		return rc;
	if (get_row(o->c, o->st, out, err) < 0)
		return -1;
	if (o->paged && !img_catalog_follows(out->instance, out->object,
					     o->instance, o->object))
		return img_catalog_disorder(o->c, err);
	o->in_page++;
	o->instance = out->instance;
	o->object = out->object;
	return 1;
}

void img_objects_close(struct img_objects *o)
{
	if (!o)
		return;
	sqlite3_finalize(o->st);
	free(o);
}

int img_catalog_level_of(struct img_catalog *c, const char *uid,
			 enum img_level *level, struct img_err *err)
{
	for (int i = IMG_STUDY; i <= IMG_IMAGE; i++) {
		sqlite3_stmt *st = img_catalog_stmt(
			c, (enum img_sql)(IMG_SQL_HAS_STUDY + i - IMG_STUDY),
			err);
		int rc;

		if (!st)
			return -1;
		sqlite3_bind_text(st, 1, uid, -1, SQLITE_STATIC);
		rc = img_catalog_step(c, st, "find uid", err);
		sqlite3_reset(st);
		if (rc < 0)
			return -1;
		if (rc == 1) {
			*level = (enum img_level)i;
			return 1;
		}
	}
	return 0;
}
