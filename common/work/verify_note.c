/* verify_note.c - what was found is written down: findings in the audit log,
   verdicts in the catalog; and how fast objects are read. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "work/verify_private.h"

#define LATE 1.0 /* seconds until what was found is written down */

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
static bool has_identity(const struct img_verify *v, const struct deep_out *d)
{
	return v->opts.deep && d->done && d->facts.complete &&
	       d->facts.has_pixels == d->has_pixels;
}

static void put_off(struct img_verify *v, size_t i, const char *word)
{
	const struct verdict *d = &v->verdict[i];
	struct later *l = &v->later[v->n_later++];

	memset(l, 0, sizeof(*l));
	/* A row that was changed is evidence: it is left alone. */
	if (!d->row_ok || d->err.code != IMG_OK)
		return;
	l->instance = v->page[i].instance;
	l->object = v->page[i].object;
	l->word = word;
	l->has_identity = has_identity(v, &d->deep);
	if (!l->has_identity)
		return;
	l->identity.has_pixels = d->deep.has_pixels;
	memcpy(l->identity.data, d->deep.facts.data, sizeof(l->identity.data));
	memcpy(l->identity.pixels, d->deep.pixels, sizeof(l->identity.pixels));
}

static int write_later(struct img_verify *v, const struct later *l,
		       const char *now, struct img_err *err)
{
	if (!l->word)
		return 0;
	if (img_catalog_checked(v->catalog, l->instance, l->object, now,
				l->word, err) < 0)
		return -1;
	return l->has_identity
		       ? img_catalog_note_identity(v->catalog, l->instance,
						   l->object, &l->identity, err)
		       : 0;
}

static int write_all(struct img_verify *v, struct img_err *err)
{
	char now[IMG_TIME_MAX];
	int rc = 0;

	img_time_now(now);
	if (strcmp(now, v->not_before) < 0)
		snprintf(now, sizeof(now), "%s", v->not_before);
	for (size_t i = 0; i < v->n_later && rc == 0; i++)
		rc = write_later(v, &v->later[i], now, err);
	return rc;
}

/* With what is found in the page in hand, n of it. */
static int write_down(struct img_verify *v, size_t n, struct img_err *err)
{
	int rc;

	if (verify_begin(v, err) == 0) {
		rc = log_findings(v, n, err);
		if (rc == 0)
			rc = write_all(v, err);
		rc = verify_end(v, rc, err);
	} else {
		rc = -1;
	}
	if (rc == 0)
		v->checked += v->n_later;
	v->n_later = 0;
	v->written = img_time_mono();
	return v->unlogged ? verify_tell_unlogged(v, err) : rc;
}

int verify_write_down(struct img_verify *v, size_t n, struct img_err *err)
{
	bool news = false;

	if (!v->writes || v->unlogged)
		return 0;
	if (v->n_later + n > IMG_PAGE && write_down(v, 0, err) < 0)
		return -1;
	for (size_t i = 0; i < n && !v->unlogged; i++) {
		const char *word = verify_word(v, &v->verdict[i]);

		news |= is_news(&v->page[i], &v->verdict[i], word);
		put_off(v, i, word);
	}
	if (v->by_and_by && v->checked && !news &&
	    img_time_mono() - v->written < LATE)
		return 0;
	return v->n_later ? write_down(v, n, err) : 0;
}

int img_verify_finish(struct img_verify *v, struct img_err *err)
{
	const struct img_audit_line line = { .act = "verified",
					     .count = v->checked + v->n_later };
	int rc;

	if (!v->checked || v->unlogged)
		return 0;
	if (verify_begin(v, err) < 0)
		return -1;
	rc = write_all(v, err);
	if (rc == 0)
		rc = img_audit_add(v->audit, &line, err);
	if (rc == 0)
		rc = img_journal_write(v->audit, v->catalog, err);
	v->n_later = 0;
	return verify_end(v, rc, err);
}
