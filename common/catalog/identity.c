/* identity.c - what is in objects, however they are encoded; and what a rebuild
   takes over of what is known of objects. */
#include <string.h>

#include "catalog/inside.h"

bool img_identity_same(const struct img_identity *a,
		       const struct img_identity *b)
{
	if (memcmp(a->data, b->data, IMG_DIGEST_SIZE) != 0 ||
	    a->has_pixels != b->has_pixels)
		return false;
	return !a->has_pixels ||
	       memcmp(a->pixels, b->pixels, IMG_DIGEST_SIZE) == 0;
}

static bool get_digest(sqlite3_stmt *st, int col, uint8_t out[IMG_DIGEST_SIZE])
{
	const void *p = sqlite3_column_blob(st, col);

	if (!p || sqlite3_column_bytes(st, col) != IMG_DIGEST_SIZE)
		return false;
	memcpy(out, p, IMG_DIGEST_SIZE);
	return true;
}

int img_catalog_identity(struct img_catalog *c, int64_t instance,
			 int64_t object, struct img_identity *out,
			 struct img_err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (!c->summed)
		return 0;
	st = img_catalog_stmt(c, IMG_SQL_IDENTITY, err);
	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, instance);
	sqlite3_bind_int64(st, 2, object);
	rc = img_catalog_step(c, st, "find identity", err);
	if (rc != 1)
		return rc;
	memset(out, 0, sizeof(*out));
	out->has_pixels = sqlite3_column_type(st, 1) != SQLITE_NULL;
	/* One that is none is as good as none. */
	rc = get_digest(st, 0, out->data) &&
	     (!out->has_pixels || get_digest(st, 1, out->pixels));
	sqlite3_reset(st);
	return rc;
}

int img_catalog_note_identity(struct img_catalog *c, int64_t instance,
			      int64_t object, const struct img_identity *in,
			      struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_NOTE_IDENTITY, err);

	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, instance);
	sqlite3_bind_int64(st, 2, object);
	sqlite3_bind_blob(st, 3, in->data, IMG_DIGEST_SIZE, SQLITE_STATIC);
	if (in->has_pixels)
		sqlite3_bind_blob(st, 4, in->pixels, IMG_DIGEST_SIZE,
				  SQLITE_STATIC);
	else
		sqlite3_bind_null(st, 4);
	return img_catalog_run(c, st, "note identity", err);
}

/* ---- of another catalog ------------------------------------------------- */

/* Objects are the same by UID and digest.  What has another sum than it was
   written with is not taken. */
#define OF_BEFORE                                                              \
	" FROM before.object AS b JOIN before.instance AS bi ON bi.id ="       \
	" b.instance JOIN main.instance AS i ON i.SOPInstanceUID ="            \
	" bi.SOPInstanceUID JOIN main.object AS o ON o.instance = i.id"        \
	" AND o.digest = b.digest"
#define SOUND                                                                  \
	" b.sum IS img_sum(b.instance, b.n, b.digest, b.bytes, b.place,"       \
	" b.added, b.checked, b.verdict)"

static const char take_checks[] =
	"UPDATE main.object AS t SET checked = s.checked, verdict = s.verdict,"
	" sum = img_sum(t.instance, t.n, t.digest, t.bytes, t.place, t.added,"
	" s.checked, s.verdict) FROM (SELECT o.instance, o.n, b.checked,"
	" b.verdict" OF_BEFORE " WHERE b.checked IS NOT NULL AND" SOUND ") AS s"
	" WHERE t.instance = s.instance AND t.n = s.n";

static const char take_identities[] =
	"INSERT OR IGNORE INTO main.identity SELECT o.instance, o.n, d.data,"
	" d.pixels, img_sum(o.instance, o.n, d.data, d.pixels)" OF_BEFORE
	" JOIN before.identity AS d ON d.instance = b.instance AND d.n = b.n"
	" WHERE" SOUND
	" AND d.sum IS img_sum(d.instance, d.n, d.data, d.pixels)";

static int take(struct img_catalog *c, const char *sql, struct img_err *err)
{
	return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : img_catalog_failed(c, "take over", err);
}

static int take_attached(struct img_catalog *c, void *unused,
			 struct img_err *err)
{
	struct img_err old = IMG_ERR_INIT;

	(void)unused;
	if (take(c, take_checks, err) < 0)
		return -1;
	/* One of before version 3 has none. */
	if (take(c, take_identities, &old) < 0 && old.code != IMG_E_MALFORMED)
		return img_err_set(err, old.code, "%s", old.text);
	return 0;
}

int img_catalog_take_checks(struct img_catalog *c, const char *other,
			    struct img_err *err)
{
	return img_catalog_beside(c, other, take_attached, NULL, err);
}
