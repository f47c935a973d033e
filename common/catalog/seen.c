/* seen.c - inputs seen before, and what became of them. */
#include <stdio.h>
#include <string.h>

#include "catalog/inside.h"

/* 1 and c->container set if the container is known; 0; -1. */
static int find_container(struct img_catalog *c, const char *path,
			  struct img_err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (c->container && strcmp(img_buf_str(&c->container_path), path) == 0)
		return 1;
	c->container = 0;
	st = img_catalog_stmt(c, IMG_SQL_FIND_CONTAINER, err);
	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, path, -1, SQLITE_STATIC);
	rc = img_catalog_step(c, st, "find container", err);
	if (rc != 1)
		return rc;
	img_buf_reset(&c->container_path);
	if (img_buf_puts(&c->container_path, path, err) < 0)
		rc = -1;
	else
		c->container = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return rc;
}

static int add_container(struct img_catalog *c, const char *path,
			 struct img_err *err)
{
	sqlite3_stmt *st;
	int64_t id;

	if (img_catalog_number(c, IMG_SQL_NEXT_CONTAINER, &id, err) < 0)
		return -1;
	st = img_catalog_stmt(c, IMG_SQL_ADD_CONTAINER, err);
	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, id);
	sqlite3_bind_text(st, 2, path, -1, SQLITE_STATIC);
	if (img_catalog_run(c, st, "add container", err) < 0)
		return -1;
	img_buf_reset(&c->container_path);
	if (img_buf_puts(&c->container_path, path, err) < 0)
		return -1;
	c->container = id;
	return 0;
}

static int64_t row_or_none(sqlite3_stmt *st, int col)
{
	if (sqlite3_column_type(st, col) == SQLITE_NULL)
		return -1;
	return sqlite3_column_int64(st, col);
}

/* The row a statement stands on; its strings are lent. */
static int get_row(struct img_catalog *c, sqlite3_stmt *st,
		   struct img_seen *out, struct img_err *err)
{
	size_t name, status, code, text;

	img_buf_reset(&c->lent);
	if (img_catalog_lend(c, st, 0, &name, err) < 0 ||
	    img_catalog_lend(c, st, 5, &status, err) < 0 ||
	    img_catalog_lend(c, st, 6, &code, err) < 0 ||
	    img_catalog_lend(c, st, 7, &text, err) < 0)
		return -1;
	out->name = img_catalog_lent(c, name);
	out->status = img_catalog_lent(c, status);
	if (!out->name || !out->status)
		return img_catalog_wrong(c, "an input without name or status",
					 err);
	out->code = img_catalog_lent(c, code);
	out->text = img_catalog_lent(c, text);
	out->size = (uint64_t)sqlite3_column_int64(st, 1);
	out->inode = (uint64_t)sqlite3_column_int64(st, 2);
	out->device = (uint64_t)sqlite3_column_int64(st, 3);
	out->mtime_ns = sqlite3_column_int64(st, 4);
	out->instance = row_or_none(st, 8);
	out->object = row_or_none(st, 9);
	return 0;
}

int img_catalog_seen(struct img_catalog *c, const char *container,
		     const char *name, struct img_seen *out,
		     struct img_err *err)
{
	sqlite3_stmt *st;
	int rc = find_container(c, container, err);

	if (rc != 1)
		return rc;
	st = img_catalog_stmt(c, IMG_SQL_SEEN, err);
	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, c->container);
	sqlite3_bind_text(st, 2, name, -1, SQLITE_STATIC);
	rc = img_catalog_step(c, st, "find input", err);
	if (rc != 1)
		return rc;
	rc = get_row(c, st, out, err) < 0 ? -1 : 1;
	sqlite3_reset(st);
	out->container = img_buf_str(&c->container_path);
	return rc;
}

/* ---- remembering ------------------------------------------------------ */

/* Numbers the inputs in the order in which they come. */
static int next_seq(struct img_catalog *c, struct img_err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (c->seq) {
		c->seq++;
		return 0;
	}
	st = img_catalog_stmt(c, IMG_SQL_GET_META, err);
	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, "inputs", -1, SQLITE_STATIC);
	rc = img_catalog_step(c, st, "read", err);
	if (rc < 0)
		return -1;
	c->seq = (rc ? sqlite3_column_int64(st, 0) : 0) + 1;
	sqlite3_reset(st);
	return 0;
}

int img_catalog_save_seq(struct img_catalog *c, struct img_err *err)
{
	sqlite3_stmt *st;

	if (!c->seq)
		return 0;
	st = img_catalog_stmt(c, IMG_SQL_SET_META, err);
	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, "inputs", -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, c->seq);
	return img_catalog_run(c, st, "write", err);
}

int img_catalog_note_audit(void *catalog, uint64_t lines, const char *head,
			   struct img_err *err)
{
	struct img_catalog *c = catalog;
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_SET_META, err);
	char text[IMG_DIGEST_HEX + 24];

	if (!st)
		return -1;
	snprintf(text, sizeof(text), "%s %llu", head,
		 (unsigned long long)lines);
	sqlite3_bind_text(st, 1, "audit", -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, text, -1, SQLITE_STATIC);
	return img_catalog_run(c, st, "write", err);
}

/* "HEAD LINES" */
static bool take_audit(const char *text, uint64_t *lines,
		       char head[IMG_DIGEST_HEX])
{
	if (!text || strlen(text) <= IMG_DIGEST_HEX ||
	    !img_parse_u64(text + IMG_DIGEST_HEX, UINT64_MAX, lines))
		return false;
	memcpy(head, text, IMG_DIGEST_HEX - 1);
	head[IMG_DIGEST_HEX - 1] = '\0';
	return true;
}

int img_catalog_audit(void *catalog, uint64_t *lines, char head[IMG_DIGEST_HEX],
		      struct img_err *err)
{
	struct img_catalog *c = catalog;
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_GET_META, err);
	int rc;

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, "audit", -1, SQLITE_STATIC);
	rc = img_catalog_step(c, st, "read", err);
	if (rc == 1 &&
	    !take_audit((const char *)sqlite3_column_text(st, 0), lines, head))
		rc = img_err_set(err, IMG_E_MALFORMED,
				 "%s: what it knew of the audit log is damaged",
				 c->file);
	sqlite3_reset(st);
	return rc;
}

static void bind_row(sqlite3_stmt *st, int i, int64_t row)
{
	if (row < 0)
		sqlite3_bind_null(st, i);
	else
		sqlite3_bind_int64(st, i, row);
}

int img_catalog_remember(struct img_catalog *c, const struct img_seen *in,
			 struct img_err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (!c->begun)
		return img_err_set(err, IMG_E_BUG,
				   "%s: remember outside a transaction",
				   c->file);
	rc = find_container(c, in->container, err);
	if (rc < 0 || (!rc && add_container(c, in->container, err) < 0) ||
	    next_seq(c, err) < 0)
		return -1;
	st = img_catalog_stmt(c, IMG_SQL_REMEMBER, err);
	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, c->container);
	sqlite3_bind_text(st, 2, in->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, c->seq);
	sqlite3_bind_int64(st, 4, (sqlite3_int64)in->size);
	sqlite3_bind_int64(st, 5, (sqlite3_int64)in->inode);
	sqlite3_bind_int64(st, 6, (sqlite3_int64)in->device);
	sqlite3_bind_int64(st, 7, in->mtime_ns);
	sqlite3_bind_text(st, 8, in->status, -1, SQLITE_STATIC);
	img_catalog_bind(st, 9, in->code);
	img_catalog_bind(st, 10, in->text);
	bind_row(st, 11, in->instance);
	bind_row(st, 12, in->object);
	return img_catalog_run(c, st, "remember", err);
}

int img_catalog_seen_each(struct img_catalog *c, const char *container,
			  int (*f)(void *arg, const struct img_seen *s,
				   struct img_err *err),
			  void *arg, struct img_err *err)
{
	sqlite3_stmt *st;
	int rc = find_container(c, container, err);

	if (rc != 1)
		return rc;
	st = img_catalog_stmt(c, IMG_SQL_SEEN_EACH, err);
	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, c->container);
	while ((rc = img_catalog_step(c, st, "read inputs", err)) == 1) {
		struct img_seen seen;

		seen.container = container;
		if (get_row(c, st, &seen, err) < 0 || f(arg, &seen, err) < 0) {
			rc = -1;
			break;
		}
	}
	sqlite3_reset(st);
	return rc;
}
