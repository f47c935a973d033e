/* verify_note.c - what was found is written down: findings in the audit log,
   verdicts in the catalog; and how fast objects are read. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "work/verify_private.h"

/* ---- reading ------------------------------------------------------------ */

/* A signal ends the wait soon. */
static int nap_until(struct img_verify *v, double at)
{
	double left;

	while ((left = at - img_time_mono()) > 0) {
		struct timespec t = { 0, (long)(left * 1e9) };

		if (v->host.stopped(v->host.arg))
			return 1;
		if (left > 0.2)
			t.tv_nsec = 200000000;
		nanosleep(&t, NULL);
	}
	return 0;
}

/* Bytes may be read at the rate that was asked for, by all threads together. */
static int pace(void *arg, size_t n)
{
	struct img_verify *v = arg;
	double now, at;

	if (v->host.stopped(v->host.arg))
		return 1;
	if (!v->opts.rate)
		return 0;
	pthread_mutex_lock(&v->pace_lock);
	now = img_time_mono();
	if (v->pace_at < now)
		v->pace_at = now;
	at = v->pace_at;
	v->pace_at += (double)n / (double)v->opts.rate;
	pthread_mutex_unlock(&v->pace_lock);
	return nap_until(v, at);
}

struct img_store_how verify_how(struct img_verify *v, struct deep *deep)
{
	struct img_err none = IMG_ERR_INIT; /* the store says so again */
	struct img_store_how how = { .fresh = true, .step = pace, .arg = v };

	if (!deep->block)
		deep->block = img_store_block(&none);
	how.block = deep->block;
	return how;
}

/* ---- writing ------------------------------------------------------------ */

int verify_begin(struct img_verify *v, struct img_err *err)
{
	if (img_store_lock(v->store, VERIFY_LOCK, err) < 0)
		return -1;
	if (img_catalog_begin(v->catalog, err) == 0)
		return 0;
	img_store_unlock(v->store);
	return -1;
}

int verify_end(struct img_verify *v, int rc, struct img_err *err)
{
	if (rc == 0)
		rc = img_catalog_commit(v->catalog, err);
	if (rc < 0) {
		img_catalog_rollback(v->catalog);
		if (v->audit)
			img_audit_rollback(v->audit);
	}
	img_store_unlock(v->store);
	return rc;
}

/* A finding, or the end of one, is news once.  A row that was changed cannot
   be marked as known, and is told each time. */
static bool is_news(const struct img_object *o, const struct verdict *d,
		    const char *word)
{
	const char *was = o->verdict ? o->verdict : "intact";

	/* What could not be looked into has its bytes. */
	if (strcmp(word, "failed") == 0)
		word = "intact";
	if (strcmp(was, "failed") == 0)
		was = "intact";
	return d->err.code == IMG_OK && (!d->row_ok || strcmp(was, word) != 0);
}

static int open_audit(struct img_verify *v, struct img_err *err)
{
	if (v->audit || img_audit_open(&v->audit, v->opts.dir, "imgverify",
				       IMG_WRITE, err) == 0)
		return 0;
	v->unlogged = err->code == IMG_E_MALFORMED;
	return -1;
}

/* That a check began, once; then what it finds. */
static int log_findings(struct img_verify *v, size_t n, struct img_err *err)
{
	if (open_audit(v, err) < 0)
		return -1;
	if (!v->checked &&
	    img_audit_add(v->audit,
			  &(struct img_audit_line){ .act = "verifying" },
			  err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct verdict *d = &v->verdict[i];
		const struct img_audit_line line = {
			.act = verify_word(v, d), .digest = v->page[i].digest
		};

		if (is_news(&v->page[i], d, line.act) &&
		    img_audit_add(v->audit, &line, err) < 0)
			return -1;
	}
	if (img_journal_write(v->audit, v->catalog, err) == 0)
		return 0;
	v->unlogged = img_audit_is_foreign(v->audit);
	return -1;
}

/* Known of what was read and decoded whole. */
static int write_identity(struct img_verify *v, size_t i, struct img_err *err)
{
	const struct deep_out *d = &v->verdict[i].deep;
	struct img_identity id = { .has_pixels = d->has_pixels };

	if (!v->opts.deep || !d->done || !d->facts.complete ||
	    d->facts.has_pixels != d->has_pixels)
		return 0;
	memcpy(id.data, d->facts.data, sizeof(id.data));
	memcpy(id.pixels, d->pixels, sizeof(id.pixels));
	return img_catalog_note_identity(v->catalog, v->page[i].instance,
					 v->page[i].object, &id, err);
}

static int write_verdict(struct img_verify *v, size_t i, const char *now,
			 struct img_err *err)
{
	const struct verdict *d = &v->verdict[i];

	/* A row that was changed is evidence: it is left alone. */
	if (!d->row_ok || d->err.code != IMG_OK)
		return 0;
	if (img_catalog_checked(v->catalog, v->page[i].instance,
				v->page[i].object, now, verify_word(v, d),
				err) < 0)
		return -1;
	return write_identity(v, i, err);
}

int verify_write_down(struct img_verify *v, size_t n, struct img_err *err)
{
	char now[IMG_TIME_MAX];
	int rc;

	if (!v->writes || v->unlogged)
		return 0;
	img_time_now(now);
	if (strcmp(now, v->not_before) < 0)
		snprintf(now, sizeof(now), "%s", v->not_before);
	if (verify_begin(v, err) < 0)
		return -1;
	rc = log_findings(v, n, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = write_verdict(v, i, now, err);
	rc = verify_end(v, rc, err);
	if (rc == 0)
		v->checked += n;
	return v->unlogged ? verify_tell_unlogged(v, err) : rc;
}

int img_verify_finish(struct img_verify *v, struct img_err *err)
{
	const struct img_audit_line line = { .act = "verified",
					     .count = v->checked };
	int rc = 0;

	if (!v->checked || v->unlogged)
		return 0;
	if (verify_begin(v, err) < 0)
		return -1;
	rc = img_audit_add(v->audit, &line, err);
	if (rc == 0)
		rc = img_journal_write(v->audit, v->catalog, err);
	return verify_end(v, rc, err);
}
