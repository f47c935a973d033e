/* verify_scrub.c - objects that have gone unread for longest, a slice at a
   time, so that hardly anything is read twice when it is ended. */
#include <string.h>
#include <time.h>

#include "work/verify_private.h"

#define SLICE 5 /* seconds until what was found is written down */

struct scrub {
	struct img_verify *v;
	char before[IMG_TIME_MAX];
	double until;               /* when no object is begun any more */
	size_t got;                 /* objects of the slice at hand */
	struct img_object_key last; /* of them, judged */
};

static bool is_over(const struct scrub *s)
{
	return s->until > 0 && img_time_mono() >= s->until;
}

static int do_slice(void *arg, const struct img_object *o, size_t n,
		    struct img_err *err)
{
	struct scrub *s = arg;
	struct img_verify *v = s->v;
	int rc;

	v->until = img_time_mono() + SLICE;
	if (s->until > 0 && s->until < v->until)
		v->until = s->until;
	rc = verify_page(v, o, n, err);
	if (rc == 0 && v->unlogged)
		rc = img_err_set(err, IMG_E_DENIED,
				 "%s: a scrub writes down what it has read, "
				 "and may not write into the audit log",
				 v->opts.dir);
	s->got = n;
	if (v->judged) {
		s->last.instance = o[v->judged - 1].instance;
		s->last.object = o[v->judged - 1].object;
	}
	return rc;
}

/* An object without an instance, series, study or patient is in no page. */
static int tell_orphans(struct img_verify *v, struct img_err *err)
{
	struct img_record rec;

	img_record_init(&rec);
	rec.status = "damaged";
	rec.path = "catalog.db";
	rec.reason = "object rows without an instance (imgverify --all)";
	return verify_emit(v, &rec) < 0 ? img_err_set(err, IMG_E_IO, "stdout")
					: 0;
}

/* How many of the keys are dealt with. */
static size_t dealt_with(const struct scrub *s,
			 const struct img_object_key *keys, size_t n)
{
	size_t i = 0;

	if (s->v->judged == s->got)
		return n;
	if (!s->v->judged)
		return 0;
	while (i < n && (keys[i].instance != s->last.instance ||
			 keys[i].object != s->last.object))
		i++;
	return i < n ? i + 1 : n;
}

static int do_keys(struct scrub *s, const struct img_object_key *keys, size_t n,
		   struct img_err *err)
{
	size_t did;

	for (size_t i = 0; i < n && !is_over(s); i += did) {
		if (img_catalog_page(s->v->catalog, keys + i, n - i, do_slice,
				     s, err) < 0)
			return -1;
		did = dealt_with(s, keys + i, n - i);
		if (s->got < n - i && did == n - i &&
		    tell_orphans(s->v, err) < 0)
			return -1;
	}
	return 0;
}

/* 1 all of them, 0 time is over, -1. */
static int do_due(struct scrub *s, struct img_catalog_due *after,
		  const char *before, struct img_err *err)
{
	struct img_object_key keys[IMG_PAGE];
	size_t n = 0;

	do {
		if (img_catalog_due(s->v->catalog, before, after, keys,
				    IMG_PAGE, &n, err) < 0 ||
		    do_keys(s, keys, n, err) < 0)
			return -1;
		if (n && is_over(s))
			return 0;
	} while (n);
	return 1;
}

static int do_all_due(struct scrub *s, struct img_err *err)
{
	struct img_catalog_due from_start = { .begun = false };
	struct img_catalog_due future = { .begun = true, .instance = -1 };
	int rc = do_due(s, &from_start, s->before, err);

	/* A clock that was wrong once must not hide an object for years. */
	if (rc == 1 && verify_before(-1, future.checked))
		rc = do_due(s, &future, "9999", err);
	return rc;
}

/* ---- a pass over all ---------------------------------------------------- */

static int note(struct img_verify *v, const char *began, struct img_err *err)
{
	if (verify_begin(v, err) < 0)
		return -1;
	return verify_end(v, img_catalog_note_scrub(v->catalog, began, err),
			  err);
}

/* What was read before is of an earlier second than what will be. */
static void next_second(void)
{
	char was[IMG_TIME_MAX], now[IMG_TIME_MAX];
	const struct timespec nap = { 0, 20 * 1000 * 1000 };

	img_time_now(was);
	do {
		nanosleep(&nap, NULL);
		img_time_now(now);
	} while (strcmp(was, now) == 0);
}

/* A clock that was put back must not let what was read by it before count as
   read in this pass: that begins behind it, by up to a day; what is from later
   than that is read anyway. */
static int begin_time(struct scrub *s, struct img_err *err)
{
	char newest[IMG_TIME_MAX];
	struct tm tm = { .tm_isdst = 0 };
	time_t t;

	img_time_now(s->before);
	if (img_catalog_newest_check(s->v->catalog, newest, err) < 0)
		return -1;
	if (strcmp(newest, s->before) < 0 ||
	    !strptime(newest, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return 0;
	t = timegm(&tm) + 1;
	if (t - time(NULL) <= 86400 && gmtime_r(&t, &tm))
		strftime(s->before, sizeof(s->before), "%Y-%m-%dT%H:%M:%SZ",
			 &tm);
	return 0;
}

/* The pages of the catalog before anything is written into them: that would
   give them other sums. */
static int begin_pass(struct scrub *s, struct img_err *err)
{
	if (img_catalog_scrub(s->v->catalog, s->before, err) < 0)
		return -1;
	if (s->before[0])
		return 0;
	if (verify_catalog_pages(s->v, err) < 0 ||
	    verify_audit_log(s->v, err) < 0)
		return -1;
	next_second();
	return begin_time(s, err) < 0 ? -1 : note(s->v, s->before, err);
}

static int end_pass(struct scrub *s, struct img_err *err)
{
	const struct img_catalog_scope all = { 0 };

	if (verify_catalog_rows(s->v, &all, err) < 0)
		return -1;
	return note(s->v, "", err);
}

int img_verify_scrub(struct img_verify *v, bool *ended, struct img_err *err)
{
	struct scrub s = { .v = v };
	uint64_t days = v->opts.older_than;
	int rc;

	*ended = false;
	if (v->opts.max_time)
		s.until = img_time_mono() + (double)v->opts.max_time;
	if (verify_archive(v, err) < 0)
		return -1;
	if (!v->writes)
		return img_err_set(err, IMG_E_DENIED,
				   "%s: a scrub writes down what it has read, "
				   "and may not write here",
				   v->opts.dir);
	rc = days ? (verify_before((int64_t)days, s.before) ? 0 : -1)
		  : begin_pass(&s, err);
	memcpy(v->not_before, s.before, sizeof(v->not_before));
	if (rc == 0)
		rc = do_all_due(&s, err);
	*ended = rc > 0;
	if (rc > 0 && !days)
		rc = end_pass(&s, err);
	return rc < 0 ? verify_tell_catalog(v, err) : 0;
}
