/* due.c - which objects a check should look at next, and what it found. */
#include <stdio.h>
#include <string.h>

#include "catalog/inside.h"

static int out_of_order(struct img_catalog *c, struct img_err *err)
{
	return img_err_set(err, IMG_E_MALFORMED, "%s: objects out of order",
			   c->file);
}

/* What the statement lists, behind *after. */
static int take(struct img_catalog *c, sqlite3_stmt *st,
		struct img_catalog_due *after, struct img_object_key *keys,
		size_t max, size_t *n, struct img_err *err)
{
	int rc = 1;

	while (*n < max && (rc = img_catalog_step(c, st, "list", err)) == 1) {
		const char *checked = (const char *)sqlite3_column_text(st, 2);
		struct img_object_key *k = &keys[*n];
		int later;

		k->instance = sqlite3_column_int64(st, 0);
		k->object = sqlite3_column_int64(st, 1);
		if (!checked)
			return out_of_order(c, err);
		/* A damaged index must not lead round in circles. */
		later = strncmp(checked, after->checked, IMG_TIME_MAX - 1);
		if (later < 0 || (later == 0 && after->begun &&
				  (k->instance < after->instance ||
				   (k->instance == after->instance &&
				    k->object <= after->object))))
			return out_of_order(c, err);
		snprintf(after->checked, sizeof(after->checked), "%s", checked);
		after->instance = k->instance;
		after->object = k->object;
		after->begun = true;
		++*n;
	}
	sqlite3_reset(st);
	return rc < 0 ? -1 : 0;
}

int img_catalog_due(struct img_catalog *c, const char *before,
		    struct img_catalog_due *after, struct img_object_key *keys,
		    size_t max, size_t *n, struct img_err *err)
{
	sqlite3_stmt *st;
	int64_t instance = after->begun ? after->instance : -1;
	char from[IMG_TIME_MAX];

	*n = 0;
	if (!after->checked[0]) {
		st = img_catalog_stmt(c, IMG_SQL_DUE_NEVER, err);
		if (!st)
			return -1;
		sqlite3_bind_int64(st, 1, instance);
		sqlite3_bind_int64(st, 2, after->object);
		sqlite3_bind_int64(st, 3, (sqlite3_int64)max);
		if (take(c, st, after, keys, max, n, err) < 0)
			return -1;
	}
	if (*n)
		return 0;
	memcpy(from, after->checked, sizeof(from)); /* which take() moves on */
	st = img_catalog_stmt(c, IMG_SQL_DUE, err);
	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, before, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, from, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, instance);
	sqlite3_bind_int64(st, 4, after->object);
	sqlite3_bind_int64(st, 5, (sqlite3_int64)max);
	return take(c, st, after, keys, max, n, err);
}

int img_catalog_checked(struct img_catalog *c, int64_t instance, int64_t object,
			const char *when, const char *verdict,
			struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_CHECKED, err);

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, when, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, verdict, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, instance);
	sqlite3_bind_int64(st, 4, object);
	return img_catalog_run(c, st, "update object", err);
}

/* ---- a scrub that takes several runs ------------------------------------ */

/* The one time that st gives, "" for none. */
static int take_time(struct img_catalog *c, sqlite3_stmt *st,
		     char when[IMG_TIME_MAX], struct img_err *err)
{
	int rc = img_catalog_step(c, st, "read", err);
	const char *text =
		rc == 1 ? (const char *)sqlite3_column_text(st, 0) : NULL;

	if (text && strlen(text) < IMG_TIME_MAX)
		snprintf(when, IMG_TIME_MAX, "%s", text);
	sqlite3_reset(st);
	return rc < 0 ? -1 : 0;
}

int img_catalog_newest_check(struct img_catalog *c, char when[IMG_TIME_MAX],
			     struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_NEWEST_CHECK, err);

	when[0] = '\0';
	return st ? take_time(c, st, when, err) : -1;
}

int img_catalog_scrub(struct img_catalog *c, char began[IMG_TIME_MAX],
		      struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_GET_META, err);

	began[0] = '\0';
	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, "scrub", -1, SQLITE_STATIC);
	return take_time(c, st, began, err);
}

int img_catalog_note_scrub(struct img_catalog *c, const char *began,
			   struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_SET_META, err);

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, "scrub", -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, began, -1, SQLITE_STATIC);
	return img_catalog_run(c, st, "write", err);
}
