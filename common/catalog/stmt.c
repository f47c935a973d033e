/* stmt.c - statements: prepared once, stepped, their failures ours. */
#include <errno.h>
#include <string.h>

#include "catalog/inside.h"

static enum img_code code_of(int rc)
{
	switch (rc & 0xFF) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return IMG_E_BUSY;
	case SQLITE_NOMEM:
		return IMG_E_NOMEM;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return IMG_E_DENIED;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_MISMATCH:
	case SQLITE_CONSTRAINT: /* rows that we had just looked up */
		return IMG_E_MALFORMED;
	case SQLITE_TOOBIG:
		return IMG_E_LIMIT;
	case SQLITE_ERROR:
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
		return IMG_E_BUG;
	default:
		return IMG_E_IO;
	}
}

/* Our statements fit our schema: where a table or a column is not there, it is
   the schema that was changed. */
static bool is_other_schema(const char *why)
{
	static const char *const words[] = {
		"no such ",           "malformed ",
		" has no column ",    " already exists",
		"duplicate column",   "unsupported file format",
		"same text encoding", "foreign key mismatch"
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(why, words[i]))
			return true;
	return false;
}

/* What the system said; 0 if it was not asked.  ENOENT is none: of a file that
   could not be made it tells only that it then could not be read. */
static int errno_of(int rc, bool *temporary)
{
	int e = img_catalog_errno(temporary);

	switch (rc & 0xFF) {
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_IOERR:
		return rc == SQLITE_IOERR_NOMEM ? ENOMEM : e;
	case SQLITE_CANTOPEN:
		return e == ENOENT ? 0 : e;
	default:
		return 0;
	}
}

int img_catalog_failed(struct img_catalog *c, const char *what,
		       struct img_err *err)
{
	int rc = sqlite3_extended_errcode(c->db);
	const char *why = sqlite3_errmsg(c->db);
	bool temporary = false;
	int e = errno_of(rc, &temporary);

	if (e != 0) {
		errno = e;
		return img_err_sys(err, "%s%s", c->file,
				   temporary ? ": temporary file" : "");
	}
	if ((rc & 0xFF) == SQLITE_ERROR && is_other_schema(why))
		rc = SQLITE_CORRUPT;
	return img_err_set(err, code_of(rc), "%s: %s: %.*s", c->file, what,
			   (int)strcspn(why, "\n"), why);
}

int img_catalog_wrong(struct img_catalog *c, const char *what,
		      struct img_err *err)
{
	return img_err_set(
		err, IMG_E_MALFORMED,
		"%s: %s; imgverify --rebuild makes the catalog again", c->file,
		what);
}

sqlite3_stmt *img_catalog_stmt(struct img_catalog *c, enum img_sql which,
			       struct img_err *err)
{
	struct img_buf text;

	if (c->st[which]) {
		sqlite3_reset(c->st[which]);
		return c->st[which];
	}
	img_buf_init(&text, 65536);
	if (img_catalog_sql(which, &text, err) == 0 &&
	    sqlite3_prepare_v3(c->db, img_buf_str(&text), -1,
			       SQLITE_PREPARE_PERSISTENT, &c->st[which],
			       NULL) != SQLITE_OK)
		img_catalog_failed(c, "prepare", err);
	img_buf_release(&text);
	return c->st[which];
}

int img_catalog_step(struct img_catalog *c, sqlite3_stmt *st, const char *what,
		     struct img_err *err)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		img_catalog_failed(c, what, err);
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? 0 : -1;
}

int img_catalog_run(struct img_catalog *c, sqlite3_stmt *st, const char *what,
		    struct img_err *err)
{
	int rc = img_catalog_step(c, st, what, err);

	if (rc == 1)
		sqlite3_reset(st);
	return rc < 0 ? -1 : 0;
}

int img_catalog_number(struct img_catalog *c, enum img_sql which, int64_t *out,
		       struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, which, err);

	if (!st || img_catalog_step(c, st, "read", err) < 0)
		return -1;
	*out = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return 0;
}

void img_catalog_bind(sqlite3_stmt *st, int i, const char *text)
{
	if (text && *text)
		sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(st, i);
}

int img_catalog_lend(struct img_catalog *c, sqlite3_stmt *st, int col,
		     size_t *at, struct img_err *err)
{
	const void *p = sqlite3_column_text(st, col);

	*at = SIZE_MAX;
	if (!p)
		return 0;
	*at = c->lent.len;
	return img_buf_add(&c->lent, p,
			   (size_t)sqlite3_column_bytes(st, col) + 1, err);
}

const char *img_catalog_lent(const struct img_catalog *c, size_t at)
{
	return at == SIZE_MAX ? NULL : c->lent.data + at;
}

/* Left there, it would be in the way of the next one. */
static int let_go(struct img_catalog *c, struct img_err *err)
{
	c->beside = sqlite3_exec(c->db, "DETACH before", NULL, NULL, NULL) !=
		    SQLITE_OK;
	return c->beside ? img_catalog_failed(c, "detach", err) : 0;
}

int img_catalog_beside(struct img_catalog *c, const char *other,
		       int (*f)(struct img_catalog *c, void *arg,
				struct img_err *err),
		       void *arg, struct img_err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (c->beside && let_go(c, err) < 0)
		return -1;
	st = img_catalog_prepare(c, "ATTACH ?1 AS before", err);
	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, other, -1, SQLITE_STATIC);
	rc = img_catalog_step(c, st, "attach", err);
	sqlite3_finalize(st);
	if (rc < 0)
		return -1;
	rc = f(c, arg, err);
	return let_go(c, err) < 0 ? -1 : rc;
}
