/* rebuild.c - a catalog made again from the objects alone. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work/ingest_private.h"
#include "work/rebuild_private.h"
#include "work/verify.h"

#define BATCH 4096

struct rebuild {
	const struct img_verify_host *host;
	struct img_store *store;
	struct img_catalog *fresh;
	struct examiner x;
	struct img_page_order last; /* of the old one's pages */
	struct img_buf done; /* first 8 bytes of digests, sorted in runs */
	size_t in_batch;
	uint64_t items, bytes;
	bool has_old;          /* and it was read to its end */
	bool has_log;          /* with a line at least */
	struct img_err failed; /* from_places: not for want of the old one */
};

static int tell(struct rebuild *r, const char *status, const char *path,
		const char *sop, const uint8_t *digest, const char *reason,
		const struct img_err *error, struct img_err *err)
{
	struct img_record rec;
	char hex[IMG_DIGEST_HEX];
	int rc;

	img_record_init(&rec);
	rec.status = status;
	rec.path = path;
	rec.sop = sop;
	if (digest) {
		img_hex(hex, digest, IMG_DIGEST_SIZE);
		rec.digest = hex;
	}
	rec.reason = reason;
	if (error)
		rec.error = *error;
	rc = r->host->emit(r->host->arg, &rec);
	img_record_release(&rec);
	return rc < 0 ? img_err_set(err, IMG_E_IO, "stdout") : 0;
}

static int next_batch(struct rebuild *r, struct img_err *err)
{
	if (++r->in_batch < BATCH)
		return 0;
	r->in_batch = 0;
	r->host->progress(r->host->arg, r->items, r->bytes);
	if (img_catalog_commit(r->fresh, err) < 0)
		return -1;
	return img_catalog_begin(r->fresh, err);
}

/* What the system did not let us read may be whole. */
static bool may_be_whole(const struct img_err *why)
{
	return why->code == IMG_E_BUSY || why->code == IMG_E_DENIED ||
	       why->code == IMG_E_NOMEM;
}

/* ---- one object ------------------------------------------------------- */

static int put_fd(struct rebuild *r, int fd, const char *name,
		  const uint8_t *digest, const char *place,
		  enum img_on_conflict how, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct arena a = { 0 };
	struct item it = { .path = name };
	struct img_put put;
	bool dicomdir = false;
	struct stat st;
	int rc = -1;

	if (fstat(fd, &st) < 0) {
		rc = img_err_sys(err, "%s", name);
		goto out;
	}
	if (img_dicom_start_fd(r->x.reader, fd, (uint64_t)st.st_size, name,
			       NULL, &why) < 0 ||
	    describe(&r->x, &a, &it, &dicomdir, &why) < 0 || dicomdir) {
		if (dicomdir)
			img_err_set(&why, IMG_E_UNSUPPORTED, "%s: DICOMDIR",
				    name);
		if (may_be_whole(&why)) {
			rc = img_err_set(err, why.code, "%s", why.text);
			goto out;
		}
		rc = tell(r, "failed", name, NULL, digest, NULL, &why, err);
		goto out;
	}
	memcpy(it.in.digest, digest, IMG_DIGEST_SIZE);
	it.in.bytes = (uint64_t)st.st_size;
	it.in.place = place;
	rc = img_catalog_put(r->fresh, &it.in, how, &put, err);
	/* The log has it twice where its rows were lost in between. */
	if (rc == 0 && put.verdict != IMG_DUPLICATE) {
		r->items++;
		r->bytes += it.in.bytes;
	}
	if (rc == 0)
		rc = next_batch(r, err);
out:
	arena_release(&a);
	return rc;
}

static int put_object(struct rebuild *r, const uint8_t *digest,
		      enum img_on_conflict how, struct img_err *err)
{
	char hex[IMG_DIGEST_HEX], name[IMG_DIGEST_HEX + 16];
	enum img_fixity fixity;
	int fd, rc;

	img_hex(hex, digest, IMG_DIGEST_SIZE);
	snprintf(name, sizeof(name), "objects/%.2s/%s", hex, hex);
	if (img_store_verify(r->store, digest, false, &fixity, err) < 0)
		return -1;
	if (fixity == IMG_MISSING)
		return 0; /* the comparison tells it */
	if (fixity != IMG_INTACT)
		return tell(r, "damaged", name, NULL, digest,
			    img_fixity_reason(fixity), NULL, err);
	fd = img_store_get(r->store, digest, err);
	if (fd < 0)
		return -1;
	rc = put_fd(r, fd, name, digest, NULL, how, err);
	close(fd);
	return rc;
}

/* ---- in the order of the audit log, then the rest --------------------- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Of all that was done to objects, what put them in the store. */
static bool put_it(const struct img_audit_entry *e)
{
	return e->has_digest && (strcmp(e->act, "stored") == 0 ||
				 strcmp(e->act, "equivalent") == 0 ||
				 strcmp(e->act, "conflict") == 0 ||
				 strcmp(e->act, "replaced") == 0);
}

static int from_audit(void *arg, const struct img_audit_entry *e,
		      struct img_err *err)
{
	struct rebuild *r = arg;
	enum img_on_conflict how =
		strcmp(e->act, "replaced") == 0 ? IMG_REPLACE : IMG_KEEP;

	r->has_log = true;
	if (!put_it(e))
		return 0;
	if (r->host->stopped(r->host->arg))
		return img_err_set(err, IMG_E_BUSY, "stopped by a signal");
	if (img_buf_add(&r->done, e->digest, 8, err) < 0)
		return -1;
	return put_object(r, e->digest, how, err);
}

static int from_store(void *arg, const uint8_t *digest, const char *name,
		      struct img_err *err)
{
	struct rebuild *r = arg;
	uint64_t key;

	(void)name;
	if (!digest)
		return 0;
	memcpy(&key, digest, sizeof(key));
	if (r->done.len &&
	    bsearch(&key, r->done.data, r->done.len / 8, 8, by_value))
		return 0;
	if (r->host->stopped(r->host->arg))
		return img_err_set(err, IMG_E_BUSY, "stopped by a signal");
	return put_object(r, digest, IMG_KEEP, err);
}

/* Objects in place are known from nowhere but the old catalog. */
static int from_places(void *arg, const struct img_object *o, size_t n,
		       struct img_err *err)
{
	struct rebuild *r = arg;
	enum img_fixity fixity;

	if (!img_page_follows(&r->last, o, n))
		return -1; /* what it gives from here on cannot be trusted */
	for (size_t i = 0; i < n; i++) {
		struct img_err why = IMG_ERR_INIT;
		int fd, rc;

		/* What cannot be read now, the comparison tells. */
		if (!o[i].place ||
		    img_store_verify_path(o[i].place, o[i].digest, false,
					  &fixity, &why) < 0)
			continue;
		if (fixity != IMG_INTACT)
			continue;
		fd = open(o[i].place, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			continue;
		/* Which of several was current, only the old one knows. */
		rc = put_fd(r, fd, o[i].place, o[i].digest, o[i].place,
			    o[i].current ? IMG_REPLACE : IMG_KEEP, err);
		close(fd);
		if (rc < 0) {
			r->failed = *err;
			return -1;
		}
	}
	return 0;
}

/* Without a log, or with one that is none, objects come as they lie. */
static int read_log(struct rebuild *r, const char *dir, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct img_audit *audit = NULL;
	int rc = 0;

	if (img_audit_open(&audit, dir, "imgverify", IMG_READ, &why) == 0)
		rc = img_audit_each(audit, from_audit, r, err) < 0 ? -1 : 0;
	else if (may_be_whole(&why))
		rc = img_err_set(err, why.code, "%s", why.text);
	img_audit_close(audit);
	return rc;
}

/* A catalog too damaged to be read gives no places. */
static int read_places(struct rebuild *r, const char *dir, struct img_err *err)
{
	const struct img_catalog_scope all = { 0 };
	struct img_err why = IMG_ERR_INIT;
	struct img_catalog *old = NULL;

	if (img_catalog_open(&old, dir, IMG_READ, &why) == 0)
		(void)img_catalog_pages(old, &all, from_places, r, &why);
	img_catalog_close(old);
	if (r->failed.code != IMG_OK)
		return img_err_set(err, r->failed.code, "%s", r->failed.text);
	return may_be_whole(&why) ? img_err_set(err, why.code, "%s", why.text)
				  : 0;
}

static int fill(struct rebuild *r, const char *dir, struct img_err *err)
{
	int rc;

	if (img_catalog_begin(r->fresh, err) < 0)
		return -1;
	rc = read_log(r, dir, err);
	if (r->done.len)
		qsort(r->done.data, r->done.len / 8, 8, by_value);
	if (rc == 0)
		rc = img_store_each(r->store, from_store, r, err);
	if (rc == 0)
		rc = read_places(r, dir, err);
	if (rc < 0) {
		img_catalog_rollback(r->fresh);
		return -1;
	}
	return img_catalog_commit(r->fresh, err);
}

/* ---- against the old one ---------------------------------------------- */

static int differs(void *arg, char how, const char *sop, const uint8_t *digest,
		   struct img_err *err)
{
	struct rebuild *r = arg;

	if (how == '+')
		return tell(r, "extra", NULL, sop, digest,
			    "the old catalog did not list it", NULL, err);
	if (how == '-')
		return tell(r, "missing", NULL, sop, digest,
			    "only the old catalog listed it", NULL, err);
	return tell(r, "damaged", NULL, sop, digest,
		    "the old catalog gave it other attributes", NULL, err);
}

static int compare(struct rebuild *r, const char *old, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct stat st;

	if (stat(old, &st) < 0)
		return errno != ENOENT
			       ? img_err_sys(err, "%s", old)
			       : tell(r, "missing", "catalog.db", NULL, NULL,
				      "there was no catalog", NULL, err);
	r->has_old = S_ISREG(st.st_mode) &&
		     img_catalog_compare(r->fresh, old, differs, r, &why) == 0;
	if (r->has_old)
		return 0;
	if (why.code == IMG_E_IO || may_be_whole(&why))
		return img_err_set(err, why.code, "%s", why.text);
	return tell(r, "damaged", "catalog.db", NULL, NULL,
		    "it cannot be read to its end", NULL, err);
}

/* An object does not say when it came; without either, nobody does. */
static int tell_log(struct rebuild *r, struct img_err *err)
{
	if (r->has_old || r->has_log || !r->items)
		return 0;
	return tell(r, "missing", "audit.log", NULL, NULL,
		    "there was no log; of conflicts, which came first is not "
		    "known",
		    NULL, err);
}

/* Objects do not say where they were sent, nor when they were read; what is in
   them takes long to find out.  What an old catalog too damaged to be read knew
   of that is lost, and it has been told. */
static int take_over(struct rebuild *r, const char *old, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	int rc;

	if (access(old, R_OK) < 0)
		return r->has_old ? img_err_sys(err, "%s", old) : 0;
	rc = img_catalog_take_ledger(r->fresh, old, &why);
	if (rc == 0 || !r->has_old) {
		img_err_clear(&why);
		rc = img_catalog_take_checks(r->fresh, old, &why);
	}
	if (rc == 0 || !r->has_old)
		return 0;
	/* Damaged, or of a version that has not all of it. */
	if (why.code != IMG_E_MALFORMED && why.code != IMG_E_BUG)
		return img_err_set(err, why.code, "%s", why.text);
	return tell(r, "damaged", "catalog.db", NULL, NULL,
		    "what it knew beyond the objects cannot all be read", NULL,
		    err);
}

/* A log whose end is not ours gets no line; it is told. */
static int add_rebuilt(struct rebuild *r, const char *dir, struct img_err *err)
{
	const struct img_audit_line line = { .act = "rebuilt",
					     .count = r->items };
	struct img_err why = IMG_ERR_INIT;
	struct img_audit *audit = NULL;
	int rc = img_audit_open(&audit, dir, "imgverify", IMG_WRITE, &why);
	bool is_log;

	if (rc == 0)
		rc = img_audit_add(audit, &line, &why);
	if (rc == 0)
		rc = img_journal_write(audit, r->fresh, &why);
	is_log = audit != NULL;
	img_audit_close(audit);
	if (rc == 0)
		return 0;
	if (why.code != IMG_E_MALFORMED)
		return img_err_set(err, why.code, "%s", why.text);
	return tell(r, "damaged", "audit.log", NULL, NULL,
		    is_log ? "its last line is not of this log" : "not a file",
		    NULL, err);
}

/* The newest line that the old one knew of. */
static int keep_head(struct rebuild *r, const char *dir, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct img_catalog *old = NULL;
	char head[IMG_DIGEST_HEX] = "";
	uint64_t lines = 0;
	int rc = img_catalog_open(&old, dir, IMG_READ, &why);

	if (rc == 0)
		rc = img_catalog_audit(old, &lines, head, &why);
	img_catalog_close(old);
	if (rc == 1)
		return img_catalog_note_audit(r->fresh, lines, head, err);
	if (rc == 0 || !r->has_old)
		return 0;
	if (why.code != IMG_E_MALFORMED)
		return img_err_set(err, why.code, "%s", why.text);
	return tell(r, "damaged", "catalog.db", NULL, NULL,
		    "what it knew of the audit log cannot be read", NULL, err);
}

/* What is known of the log, and one line more on this. */
static int write_audit(struct rebuild *r, const char *dir, struct img_err *err)
{
	if (img_catalog_begin(r->fresh, err) < 0)
		return -1;
	if (keep_head(r, dir, err) == 0 && add_rebuilt(r, dir, err) == 0 &&
	    img_catalog_commit(r->fresh, err) == 0)
		return 0;
	img_catalog_rollback(r->fresh);
	return -1;
}

/* ---- all of it ----------------------------------------------------------- */

int img_verify_rebuild(const char *dir, bool dry,
		       const struct img_verify_host *host, struct img_err *err)
{
	struct rebuild r = { .host = host };
	char fresh[IMG_PATH_MAX], old[IMG_PATH_MAX];
	bool locked = false;
	int rc = -1;

	img_buf_init(&r.done, SIZE_MAX / 2);
	if (img_path_join(fresh, sizeof(fresh), dir, "catalog.db.new", err) <
		    0 ||
	    img_path_join(old, sizeof(old), dir, "catalog.db", err) < 0 ||
	    img_crypto_init(err) < 0 ||
	    img_store_open(&r.store, dir, IMG_READ, err) < 0)
		goto out;
	img_store_close(r.store);
	r.store = NULL;
	/* No importer may add what the new catalog would not know. */
	if (img_store_open(&r.store, dir, IMG_WRITE, err) < 0 ||
	    img_store_lock(r.store, 60, err) < 0)
		goto out;
	locked = true;
	rebuild_remove(fresh);
	if (examiner_init(&r.x, NULL, 0, err) < 0 ||
	    img_catalog_open_file(&r.fresh, fresh, IMG_WRITE, err) < 0 ||
	    fill(&r, dir, err) < 0 || compare(&r, old, err) < 0 ||
	    tell_log(&r, err) < 0 || take_over(&r, old, err) < 0)
		goto out;
	host->progress(host->arg, r.items, r.bytes);
	if (!dry && write_audit(&r, dir, err) < 0)
		goto out;
	if (img_catalog_settle(r.fresh, err) < 0)
		goto out;
	img_catalog_close(r.fresh);
	r.fresh = NULL;
	rc = dry ? 0 : rebuild_take_place(dir, fresh, old, err);
out:
	img_catalog_close(r.fresh);
	if (locked) {
		rebuild_remove(fresh); /* with its log, if it took its place */
		img_store_unlock(r.store);
	}
	examiner_release(&r.x);
	img_store_close(r.store);
	img_buf_release(&r.done);
	return rc;
}
