/* pages.c - the objects of the archive or of a part of it, page by page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/inside.h"

/* When the last of the percent was checked; "" if that is never. */
static int cut_off(struct img_catalog *c, unsigned percent,
		   char out[IMG_TIME_MAX], uint64_t *most, struct img_err *err)
{
	sqlite3_stmt *st =
		img_catalog_prepare(c, "SELECT count(*) FROM object", err);
	int rc = -1;

	if (!st || img_catalog_step(c, st, "count", err) != 1)
		goto out;
	*most = ((uint64_t)sqlite3_column_int64(st, 0) * percent + 99) / 100;
	sqlite3_finalize(st);
	st = img_catalog_prepare(
		c,
		"SELECT coalesce(checked, '') FROM object"
		" ORDER BY coalesce(checked, '') LIMIT 1 OFFSET ?1",
		err);
	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, *most ? (int64_t)*most - 1 : 0);
	out[0] = '\0';
	rc = img_catalog_step(c, st, "order", err);
	if (rc == 1)
		snprintf(out, IMG_TIME_MAX, "%s",
			 (const char *)sqlite3_column_text(st, 0));
	rc = rc < 0 ? -1 : 0;
out:
	sqlite3_finalize(st);
	return rc;
}

bool img_catalog_follows(int64_t instance, int64_t object,
			 int64_t after_instance, int64_t after_object)
{
	return instance > after_instance ||
	       (instance == after_instance && object > after_object);
}

int img_catalog_disorder(struct img_catalog *c, struct img_err *err)
{
	return img_catalog_wrong(c, "objects are out of order", err);
}

/* last: the one before this page. */
static int fill_page(struct img_catalog *c, sqlite3_stmt *st,
		     struct img_object_key page[IMG_PAGE], size_t *n,
		     struct img_object_key last, struct img_err *err)
{
	int rc;

	for (*n = 0; *n < IMG_PAGE; ++*n) {
		struct img_object_key *k = &page[*n];

		rc = img_catalog_step(c, st, "list", err);
		if (rc <= 0)
			return rc;
		k->instance = sqlite3_column_int64(st, 0);
		k->object = sqlite3_column_int64(st, 1);
		/* In a damaged catalog pages might never come to an end. */
		if (!img_catalog_follows(k->instance, k->object, last.instance,
					 last.object))
			return img_catalog_disorder(c, err);
		last = *k;
	}
	sqlite3_reset(st);
	return 0;
}

/* Strings of an object that must outlive the next lookup. */
static int keep(struct img_object *o, char **text, struct img_err *err)
{
	const char **s[] = { &o->study,     &o->series,          &o->sop,
			     &o->sop_class, &o->transfer_syntax, &o->modality,
			     &o->place,     &o->added,           &o->checked,
			     &o->verdict };
	size_t size = 0;
	char *p;

	for (size_t i = 0; i < sizeof(s) / sizeof(s[0]); i++)
		size += *s[i] ? strlen(*s[i]) + 1 : 0;
	p = *text = malloc(size + 1);
	if (!p)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (size_t i = 0; i < sizeof(s) / sizeof(s[0]); i++) {
		size_t n = *s[i] ? strlen(*s[i]) + 1 : 0;

		if (!n)
			continue;
		memcpy(p, *s[i], n);
		*s[i] = p;
		p += n;
	}
	return 0;
}

int img_catalog_page(struct img_catalog *c, const struct img_object_key *page,
		     size_t n,
		     int (*f)(void *, const struct img_object *, size_t,
			      struct img_err *),
		     void *arg, struct img_err *err)
{
	struct img_object *o = calloc(n, sizeof(*o));
	char **text = calloc(n, sizeof(*text));
	size_t got = 0;
	int rc = 0;

	if (!o || !text)
		rc = img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n && rc >= 0; i++) {
		rc = img_catalog_object(c, page[i].instance, page[i].object,
					&o[got], err);
		if (rc == 1 && (rc = keep(&o[got], &text[got], err)) == 0)
			got++;
	}
	if (rc >= 0)
		rc = f(arg, o, got, err);
	for (size_t i = 0; text && i < n; i++)
		free(text[i]);
	free(text);
	free(o);
	return rc < 0 ? -1 : 0;
}

/* What the statement lists, most objects at the most. */
static int each_page(struct img_catalog *c, sqlite3_stmt *st, uint64_t *most,
		     int (*f)(void *arg, const struct img_object *o, size_t n,
			      struct img_err *err),
		     void *arg, struct img_err *err)
{
	struct img_object_key page[IMG_PAGE] = { { -1, -1 } };
	size_t n = 1;
	int rc = 0;

	while (rc == 0 && n && *most) {
		sqlite3_bind_int64(st, 1, page[n - 1].instance);
		sqlite3_bind_int64(st, 2, page[n - 1].object);
		sqlite3_bind_int64(
			st, 7, *most < IMG_PAGE ? (int64_t)*most : IMG_PAGE);
		rc = fill_page(c, st, page, &n, page[n - 1], err);
		*most -= n;
		if (rc == 0 && n)
			rc = img_catalog_page(c, page, n, f, arg, err);
	}
	return rc < 0 ? -1 : 0;
}

int img_catalog_pages(struct img_catalog *c,
		      const struct img_catalog_scope *scope,
		      int (*f)(void *arg, const struct img_object *o, size_t n,
			       struct img_err *err),
		      void *arg, struct img_err *err)
{
	char cut[IMG_TIME_MAX];
	uint64_t most = UINT64_MAX;
	int rc = 0;
	sqlite3_stmt *st = img_catalog_prepare(
		c,
		"SELECT instance, n FROM object"
		" WHERE (instance, n) > (?1, ?2)"
		" AND (?3 = 0 OR instance % ?3 = ?4)"
		" AND CASE ?8 WHEN 0 THEN coalesce(checked, '') < ?5"
		" WHEN 1 THEN coalesce(checked, '') = ?5 ELSE 1 END"
		" AND (?6 IS NULL OR checked IS NULL OR checked < ?6)"
		" ORDER BY instance, n LIMIT ?7",
		err);

	if (!st || (scope->percent &&
		    cut_off(c, scope->percent, cut, &most, err) < 0)) {
		sqlite3_finalize(st);
		return -1;
	}
	sqlite3_bind_int64(st, 3, scope->parts);
	sqlite3_bind_int64(st, 4, scope->part ? scope->part - 1 : 0);
	if (scope->percent)
		sqlite3_bind_text(st, 5, cut, -1, SQLITE_STATIC);
	if (scope->before)
		sqlite3_bind_text(st, 6, scope->before, -1, SQLITE_STATIC);
	/* All that is older than the last of the percent, then, of what is as
	   old, as many as there is room for. */
	sqlite3_bind_int(st, 8, scope->percent ? 0 : 2);
	rc = each_page(c, st, &most, f, arg, err);
	if (rc == 0 && scope->percent) {
		sqlite3_bind_int(st, 8, 1);
		rc = each_page(c, st, &most, f, arg, err);
	}
	sqlite3_finalize(st);
	return rc;
}
