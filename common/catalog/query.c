/* query.c - finding rows: PS3.4 C.4.1 over the catalog. */
#include <stdlib.h>
#include <string.h>

#include "catalog/inside.h"

struct img_rows {
	struct img_catalog *c;
	sqlite3_stmt *st;
	bool objects, conflicts, checks;
	int lone; /* column; 0: there is none */
	size_t fields;
	const char **value;
};

/* What is known of a query before its text is made. */
struct plan {
	const struct img_query *q;
	const struct img_field *f; /* of all fields */
	enum img_level driver, top;
	bool sharp;            /* a key finds rows at driver by an index */
	enum img_level low;    /* deepest key below the level */
	bool lower, low_sharp; /* there are keys below; found by an index */
	enum img_level low_driver;
};

/* Whether a key picks few rows by an index. */
static bool is_sharp(const struct img_query_key *k, const struct img_field *f)
{
	static const char *const indexed[] = { "SOPInstanceUID",
					       "SeriesInstanceUID",
					       "StudyInstanceUID",
					       "AccessionNumber", "PatientID" };

	if (strpbrk(k->value, "*?\"") || !*k->value)
		return false;
	for (size_t i = 0; i < sizeof(indexed) / sizeof(indexed[0]); i++)
		if (strcmp(f->keyword, indexed[i]) == 0)
			return true;
	return false;
}

static void raise_top(struct plan *p, int field)
{
	if (p->f[field].level < p->top)
		p->top = p->f[field].level;
}

static void plan_key(struct plan *p, const struct img_query_key *k)
{
	const struct img_field *f = &p->f[k->field];
	bool sharp = is_sharp(k, f);

	if (img_match_is_universal(k->value))
		return;
	if (f->level > p->q->level) {
		if (!p->lower || f->level > p->low)
			p->low = f->level;
		if (sharp && (!p->low_sharp || f->level > p->low_driver))
			p->low_driver = f->level;
		p->lower = true;
		p->low_sharp |= sharp;
		return;
	}
	raise_top(p, k->field);
	if (sharp && (!p->sharp || f->level > p->driver)) {
		p->sharp = true;
		p->driver = f->level;
	}
}

static void make_plan(struct plan *p, const struct img_query *q)
{
	size_t n;

	memset(p, 0, sizeof(*p));
	p->q = q;
	p->f = img_query_fields(&n);
	p->top = q->level;
	for (size_t i = 0; i < q->fields; i++)
		raise_top(p, q->field[i]);
	for (size_t i = 0; i < q->sorts; i++)
		raise_top(p, q->sort[i].field);
	for (size_t i = 0; i < q->keys; i++)
		plan_key(p, &q->key[i]);
	if (q->within && q->within_level < p->top)
		p->top = q->within_level;
	if (p->sharp)
		return;
	if (q->within)
		p->driver = q->within_level;
	else if (p->low_sharp || q->conflicts || q->unchecked_since)
		p->driver = q->level;
	else
		p->driver = p->top;
}

/* ---- text ------------------------------------------------------------- */

/* Whether an object is known to be the current one in another encoding. */
static int put_equivalent(struct img_where *w, const struct img_query *q,
			  struct img_err *err)
{
	if (!q->conflicts)
		return 0;
	return img_where_puts(
		w,
		w->identity ? ", EXISTS (SELECT 1 FROM identity AS x JOIN"
			      " identity AS y ON y.instance = x.instance AND"
			      " y.data = x.data AND y.pixels IS x.pixels WHERE"
			      " x.instance = object.instance AND x.n ="
			      " object.n AND y.n = instance.current)"
			    : ", 0",
		err);
}

static int put_checks(struct img_where *w, const struct img_query *q,
		      struct img_err *err)
{
	if (!q->unchecked_since || q->conflicts)
		return q->objects || q->conflicts
			       ? img_where_puts(
					 w, ", object.checked, object.verdict",
					 err)
			       : 0;
	if (img_query_oldest(w, q->level, "checked", err) < 0)
		return -1;
	return img_query_oldest(w, q->level, "verdict", err);
}

/* What names an unknown patient, or a study or a series without a UID: the
   most general UID that stands for it alone, behind the digit of its level;
   none where only several would. */
static const char *const lone[] = {
	", CASE WHEN patient.lone <> '' THEN"
	" (SELECT CASE WHEN t.StudyInstanceUID <> ''"
	" THEN '1' || t.StudyInstanceUID"
	" WHEN s.SeriesInstanceUID <> '' THEN '2' || s.SeriesInstanceUID"
	" ELSE '3' || i.SOPInstanceUID END FROM study AS t"
	" JOIN series AS s ON s.study = t.id"
	" JOIN instance AS i ON i.series = s.id"
	" WHERE t.patient = patient.id LIMIT 1) END",
	", CASE WHEN study.StudyInstanceUID = '' THEN"
	" (SELECT CASE WHEN count(DISTINCT s.id) = 1"
	" AND max(s.SeriesInstanceUID) <> ''"
	" THEN '2' || max(s.SeriesInstanceUID)"
	" WHEN count(*) = 1 THEN '3' || max(i.SOPInstanceUID)"
	" ELSE '1' END FROM series AS s"
	" JOIN instance AS i ON i.series = s.id"
	" WHERE s.study = study.id) END",
	", CASE WHEN series.SeriesInstanceUID = '' THEN"
	" (SELECT CASE WHEN count(*) = 1 THEN '3' || max(i.SOPInstanceUID)"
	" ELSE '2' END FROM instance AS i WHERE i.series = series.id) END"
};

static int put_columns(struct img_where *w, const struct img_query *q,
		       struct img_err *err)
{
	if (img_buf_printf(&w->text, err, "SELECT %s.id",
			   img_table_of[q->level]) < 0)
		return -1;
	for (size_t i = 0; i < q->fields; i++)
		if (img_where_puts(w, ", ", err) < 0 ||
		    img_field_expr(&w->text, q->level, q->field[i], err) < 0)
			return -1;
	if (q->level < IMG_IMAGE)
		return img_where_puts(w, lone[q->level], err);
	if (!q->objects && !q->conflicts)
		return 0;
	return img_where_puts(w,
			      ", object.n, digest, bytes, place, added,"
			      " object.n = current",
			      err);
}

static int put_select(struct img_where *w, const struct img_query *q,
		      struct img_err *err)
{
	if (put_columns(w, q, err) < 0 || put_equivalent(w, q, err) < 0)
		return -1;
	return put_checks(w, q, err);
}

/* The condition of one key; the tables it needs are in the text already. */
static int put_match(struct img_where *w, const struct plan *p,
		     const struct img_query_key *k, struct img_err *err)
{
	const struct img_field *f = &p->f[k->field];
	struct img_buf expr;
	int rc;

	if (k->field == IMG_F_MODALITIES) {
		static const struct img_field modality = { "Modality", 0, "CS",
							   IMG_SERIES };

		if (img_where_puts(w,
				   "EXISTS (SELECT 1 FROM series AS m WHERE"
				   " m.study = study.id AND ",
				   err) < 0 ||
		    img_where_match(w, "m.Modality", &modality, k->value, err) <
			    0)
			return -1;
		return img_where_puts(w, ")", err);
	}
	img_buf_init(&expr, 65536);
	if (k->field == IMG_F_PATIENT_NAME)
		rc = img_buf_puts(&expr, "patient.name_key", err);
	else if (strcmp(f->vr, "PN") == 0)
		rc = img_buf_printf(&expr, err, "img_name_key(%s.\"%s\")",
				    img_table_of[f->level], f->keyword);
	else
		rc = img_field_expr(&expr, f->level, k->field, err);
	if (rc == 0)
		rc = img_where_match(w, img_buf_str(&expr), f, k->value, err);
	img_buf_release(&expr);
	return rc;
}

/* Keys of levels below: the same series or instance matches all of them. */
static int put_lower(struct img_where *w, const struct plan *p,
		     struct img_err *err)
{
	const struct img_query *q = p->q;
	enum img_level top = (enum img_level)(q->level + 1);
	const char *table = img_table_of[q->level];

	if (img_where_and(w, err) < 0)
		return -1;
	if (p->low_sharp) {
		if (img_buf_printf(&w->text, err, "%s.id IN (SELECT %s.%s",
				   table, img_table_of[top],
				   img_parent_of[top]) < 0 ||
		    img_where_from(w, p->low_driver, top, p->low, err) < 0 ||
		    img_where_puts(w, " WHERE 1 = 1", err) < 0)
			return -1;
	} else if (img_where_puts(w, "EXISTS (SELECT 1", err) < 0 ||
		   img_where_from(w, top, top, p->low, err) < 0 ||
		   img_buf_printf(&w->text, err, " WHERE %s.%s = %s.id",
				  img_table_of[top], img_parent_of[top],
				  table) < 0) {
		return -1;
	}
	for (size_t i = 0; i < q->keys; i++)
		if (p->f[q->key[i].field].level > q->level &&
		    !img_match_is_universal(q->key[i].value) &&
		    (img_where_puts(w, " AND ", err) < 0 ||
		     put_match(w, p, &q->key[i], err) < 0))
			return -1;
	return img_where_puts(w, ")", err);
}

static int put_where(struct img_where *w, const struct plan *p,
		     struct img_err *err)
{
	const struct img_query *q = p->q;

	for (size_t i = 0; i < q->keys; i++)
		if (p->f[q->key[i].field].level <= q->level &&
		    !img_match_is_universal(q->key[i].value) &&
		    (img_where_and(w, err) < 0 ||
		     put_match(w, p, &q->key[i], err) < 0))
			return -1;
	if (q->within && (img_where_and(w, err) < 0 ||
			  img_buf_printf(&w->text, err, "%s.id = %lld",
					 img_table_of[q->within_level],
					 (long long)q->within) < 0))
		return -1;
	if (q->conflicts &&
	    (img_where_and(w, err) < 0 ||
	     img_where_puts(w,
			    "instance.id IN (SELECT o.instance FROM object"
			    " AS o WHERE o.n > 0)",
			    err) < 0))
		return -1;
	/* Nothing was ever sent from a catalog without a ledger. */
	if (q->not_sent_to && w->ledger &&
	    (img_where_and(w, err) < 0 ||
	     img_query_unsent(w, q->level, q->not_sent_to, err) < 0))
		return -1;
	if (q->unchecked_since &&
	    (img_where_and(w, err) < 0 || img_query_unchecked(w, q, err) < 0))
		return -1;
	return p->lower ? put_lower(w, p, err) : 0;
}

static int put_from(struct img_where *w, const struct plan *p,
		    struct img_err *err)
{
	const struct img_query *q = p->q;

	if (img_where_from(w, p->driver, p->top, q->level, err) < 0)
		return -1;
	if (!q->objects && !q->conflicts)
		return 0;
	return img_buf_printf(
		&w->text, err,
		" CROSS JOIN object ON object.instance ="
		" instance.id%s",
		q->conflicts ? "" : " AND object.n = instance.current");
}

static int put_order(struct img_where *w, const struct plan *p,
		     struct img_err *err)
{
	const struct img_query *q = p->q;

	for (size_t i = 0; i < q->sorts; i++) {
		int field = q->sort[i].field;
		const char *vr = p->f[field].vr;
		bool number = strcmp(vr, "IS") == 0 || strcmp(vr, "US") == 0;

		if (img_where_puts(w, i ? ", " : " ORDER BY ", err) < 0 ||
		    (number && img_where_puts(w, "CAST(", err) < 0))
			return -1;
		if (field == IMG_F_PATIENT_NAME) {
			if (img_where_puts(w, "patient.name_key", err) < 0)
				return -1;
		} else if (img_field_expr(&w->text, q->level, field, err) < 0) {
			return -1;
		}
		if (img_buf_printf(&w->text, err, "%s%s NULLS LAST",
				   number ? " AS INTEGER)" : "",
				   q->sort[i].descending ? " DESC" : "") < 0)
			return -1;
	}
	if (q->sorts && img_buf_printf(&w->text, err, ", %s.id",
				       img_table_of[q->level]) < 0)
		return -1;
	if (!q->conflicts || !q->sorts)
		return 0;
	return img_where_puts(w, ", object.n", err);
}

static int put_limit(struct img_where *w, const struct img_query *q,
		     struct img_err *err)
{
	if (!q->limit && !q->offset)
		return 0;
	return img_buf_printf(
		&w->text, err, " LIMIT %lld OFFSET %llu",
		q->limit && q->limit < INT64_MAX ? (long long)q->limit : -1LL,
		(unsigned long long)q->offset);
}

static int put_query(struct img_where *w, const struct img_query *q,
		     struct img_err *err)
{
	struct plan p;

	if ((q->objects || q->conflicts) && q->level != IMG_IMAGE)
		return img_err_set(err, IMG_E_BUG, "objects have images");
	make_plan(&p, q);
	if (put_select(w, q, err) < 0 || put_from(w, &p, err) < 0 ||
	    put_where(w, &p, err) < 0 || put_order(w, &p, err) < 0)
		return -1;
	return put_limit(w, q, err);
}

/* ---- rows ------------------------------------------------------------- */

int img_catalog_query(struct img_catalog *c, const struct img_query *q,
		      struct img_rows **out, struct img_err *err)
{
	struct img_rows *r = calloc(1, sizeof(*r));
	struct img_where w;
	int rc = -1;

	*out = NULL;
	img_where_init(&w);
	w.ledger = c->ledger;
	w.identity = c->summed;
	if (r)
		r->value = calloc(q->fields + 1, sizeof(*r->value));
	if (!r || !r->value) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		goto out;
	}
	r->c = c;
	r->fields = q->fields;
	r->objects = q->objects || q->conflicts;
	r->conflicts = q->conflicts;
	r->lone = q->level == IMG_IMAGE ? 0 : (int)q->fields + 1;
	r->checks = r->objects || q->unchecked_since;
	if (put_query(&w, q, err) < 0)
		goto out;
	r->st = img_where_prepare(c, &w, err);
	if (!r->st)
		goto out;
	*out = r;
	r = NULL;
	rc = 0;
out:
	img_rows_close(r);
	img_where_release(&w);
	return rc;
}

static int get_object(struct img_rows *r, struct img_row *row,
		      struct img_err *err)
{
	int at = 1 + (int)r->fields;
	const void *digest = sqlite3_column_blob(r->st, at + 1);

	if (sqlite3_column_bytes(r->st, at + 1) != IMG_DIGEST_SIZE)
		return img_catalog_wrong(r->c, "a digest of a wrong size", err);
	memcpy(row->digest, digest, IMG_DIGEST_SIZE);
	row->object = sqlite3_column_int64(r->st, at);
	row->bytes = (uint64_t)sqlite3_column_int64(r->st, at + 2);
	row->place = (const char *)sqlite3_column_text(r->st, at + 3);
	row->added = (const char *)sqlite3_column_text(r->st, at + 4);
	row->current = sqlite3_column_int(r->st, at + 5);
	row->equivalent = r->conflicts && !row->current &&
			  sqlite3_column_int(r->st, at + 6);
	return 0;
}

int img_rows_next(struct img_rows *r, struct img_row *row, struct img_err *err)
{
	int rc = img_catalog_step(r->c, r->st, "query", err);

	if (rc != 1)
		return rc;
	memset(row, 0, sizeof(*row));
	row->id = sqlite3_column_int64(r->st, 0);
	for (size_t i = 0; i < r->fields; i++) {
		const char *v =
			(const char *)sqlite3_column_text(r->st, (int)i + 1);

		r->value[i] = v && *v ? v : NULL;
	}
	row->value = r->value;
	if (r->lone)
		row->lone = (const char *)sqlite3_column_text(r->st, r->lone);
	if (row->lone)
		row->lone_level = (enum img_level)(*row->lone++ - '0');
	if (r->objects && get_object(r, row, err) < 0)
		return -1;
	if (r->checks) {
		int n = sqlite3_column_count(r->st);

		row->checked = (const char *)sqlite3_column_text(r->st, n - 2);
		row->verdict = (const char *)sqlite3_column_text(r->st, n - 1);
	}
	return 1;
}

void img_rows_close(struct img_rows *r)
{
	if (!r)
		return;
	sqlite3_finalize(r->st);
	free(r->value);
	free(r);
}

int img_catalog_count(struct img_catalog *c, const struct img_query *q,
		      uint64_t *n, struct img_err *err)
{
	struct img_query bare = *q;
	struct img_where w;
	sqlite3_stmt *st = NULL;
	int rc = -1;

	bare.fields = bare.sorts = 0;
	img_where_init(&w);
	w.ledger = c->ledger;
	w.identity = c->summed;
	if (img_where_puts(&w, "SELECT count(*) FROM (", err) == 0 &&
	    put_query(&w, &bare, err) == 0 &&
	    img_where_puts(&w, ") AS counted", err) == 0)
		st = img_where_prepare(c, &w, err);
	if (st && img_catalog_step(c, st, "count", err) == 1) {
		*n = (uint64_t)sqlite3_column_int64(st, 0);
		rc = 0;
	}
	sqlite3_finalize(st);
	img_where_release(&w);
	return rc;
}
