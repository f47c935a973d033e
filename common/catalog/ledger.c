/* ledger.c - what was sent where. */
#include <string.h>

#include "catalog/inside.h"

/* 1 and *id, 0 unknown, -1. */
static int find_peer(struct img_catalog *c, const char *name, int64_t *id,
		     struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_FIND_PEER, err);
	int rc;

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
	rc = img_catalog_step(c, st, "find peer", err);
	if (rc == 1) {
		*id = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
	}
	return rc;
}

static int add_peer(struct img_catalog *c, const char *name,
		    struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_ADD_PEER, err);

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
	return img_catalog_run(c, st, "add peer", err);
}

static int get_sent(struct img_catalog *c, sqlite3_stmt *st,
		    struct img_sent *out, struct img_err *err)
{
	size_t status, proof, at;

	img_buf_reset(&c->lent);
	if (img_catalog_lend(c, st, 0, &status, err) < 0 ||
	    img_catalog_lend(c, st, 2, &proof, err) < 0 ||
	    img_catalog_lend(c, st, 3, &at, err) < 0)
		return -1;
	out->status = img_catalog_lent(c, status);
	out->proof = img_catalog_lent(c, proof);
	out->at = img_catalog_lent(c, at);
	if (!out->status || !out->at)
		return img_catalog_wrong(c, "a sending without status or time",
					 err);
	out->response = sqlite3_column_type(st, 1) == SQLITE_NULL
				? -1
				: sqlite3_column_int(st, 1);
	return 1;
}

/* 1: *st is at a row, 0, -1. */
static int find_sent(struct img_catalog *c, unsigned sql, const char *peer,
		     const char *sop, const uint8_t digest[IMG_DIGEST_SIZE],
		     sqlite3_stmt **st, struct img_err *err)
{
	if (!c->ledger)
		return 0;
	*st = img_catalog_stmt(c, sql, err);
	if (!*st)
		return -1;
	sqlite3_bind_text(*st, 1, peer, -1, SQLITE_STATIC);
	sqlite3_bind_text(*st, 2, sop, -1, SQLITE_STATIC);
	sqlite3_bind_blob(*st, 3, digest, IMG_DIGEST_SIZE, SQLITE_STATIC);
	return img_catalog_step(c, *st, "find sent", err);
}

int img_catalog_sent_other(struct img_catalog *c, const char *peer,
			   const char *sop,
			   const uint8_t digest[IMG_DIGEST_SIZE],
			   struct img_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = find_sent(c, IMG_SQL_SENT_OTHER, peer, sop, digest, &st, err);

	if (rc == 1)
		sqlite3_reset(st);
	return rc;
}

int img_catalog_sent(struct img_catalog *c, const char *peer, const char *sop,
		     const uint8_t digest[IMG_DIGEST_SIZE],
		     struct img_sent *out, struct img_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = find_sent(c, IMG_SQL_SENT, peer, sop, digest, &st, err);

	if (rc != 1)
		return rc;
	out->peer = peer;
	out->sop = sop;
	out->digest = digest;
	rc = get_sent(c, st, out, err);
	sqlite3_reset(st);
	return rc;
}

int img_catalog_note_sent(struct img_catalog *c, const struct img_sent *in,
			  struct img_err *err)
{
	sqlite3_stmt *st;
	int64_t peer = 0;
	int rc;

	if (!c->begun)
		return img_err_set(err, IMG_E_BUG,
				   "%s: sent outside a transaction", c->file);
	rc = find_peer(c, in->peer, &peer, err);
	if (rc == 0 && add_peer(c, in->peer, err) == 0)
		rc = find_peer(c, in->peer, &peer, err);
	if (rc < 1)
		return -1;
	st = img_catalog_stmt(c, IMG_SQL_NOTE_SENT, err);
	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, peer);
	sqlite3_bind_text(st, 2, in->sop, -1, SQLITE_STATIC);
	sqlite3_bind_blob(st, 3, in->digest, IMG_DIGEST_SIZE, SQLITE_STATIC);
	sqlite3_bind_text(st, 4, in->status, -1, SQLITE_STATIC);
	if (in->response < 0)
		sqlite3_bind_null(st, 5);
	else
		sqlite3_bind_int(st, 5, in->response);
	img_catalog_bind(st, 6, in->proof);
	sqlite3_bind_text(st, 7, c->now, -1, SQLITE_STATIC);
	return img_catalog_run(c, st, "note sent", err);
}

/* Sums move with their rows: a row that was changed stays known as such. */
static const char take_over[] =
	"BEGIN IMMEDIATE;"
	"INSERT OR IGNORE INTO peer SELECT * FROM before.peer;"
	"INSERT OR IGNORE INTO sent SELECT * FROM before.sent;"
	"COMMIT";

static int number(struct img_catalog *c, const char *sql, int64_t *out,
		  struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_prepare(c, sql, err);
	int rc = st ? img_catalog_step(c, st, "ledger", err) : -1;

	*out = rc == 1 ? sqlite3_column_int64(st, 0) : 0;
	sqlite3_finalize(st);
	return rc < 0 ? -1 : 0;
}

/* 0: none, as in one of version 1, of which nothing is lost. */
static int has_ledger(struct img_catalog *c, struct img_err *err)
{
	int64_t version, tables;

	if (number(c, "PRAGMA before.user_version", &version, err) < 0 ||
	    number(c,
		   "SELECT count(*) FROM before.sqlite_schema"
		   " WHERE name IN ('peer', 'sent')",
		   &tables, err) < 0)
		return -1;
	return version != 1 || tables > 0;
}

static int take_attached(struct img_catalog *c, void *unused,
			 struct img_err *err)
{
	int rc = has_ledger(c, err);

	(void)unused;
	if (rc <= 0)
		return rc;
	if (sqlite3_exec(c->db, take_over, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	img_catalog_failed(c, "ledger", err);
	(void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

int img_catalog_take_ledger(struct img_catalog *c, const char *other,
			    struct img_err *err)
{
	return img_catalog_beside(c, other, take_attached, NULL, err);
}
