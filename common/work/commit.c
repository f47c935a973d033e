/* commit.c - a batch is made durable, and only then reported. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "work/ingest_private.h"

#define LOCK_SECONDS 600 /* how long another importer may take */
#define STOP_SECONDS 5   /* the same after a signal */
#define LOST_MAX     8   /* items that fail by themselves, of a batch */

/* Calls f for each item of the batch; stops at -1. */
static int each(struct img_ingest *g,
		int (*f)(struct img_ingest *g, struct arena *a, struct item *it,
			 struct img_err *err),
		struct img_err *err)
{
	for (struct chunk *c = g->batch; c; c = c->next)
		for (size_t i = 0; i < c->n; i++)
			if (f(g, &c->arena, &c->item[i], err) < 0)
				return -1;
	return 0;
}

static size_t count_files(struct img_ingest *g, struct img_store_file **list,
			  size_t max)
{
	size_t n = 0;

	for (struct chunk *c = g->batch; c; c = c->next)
		for (size_t i = 0; i < c->n; i++)
			if (c->item[i].file.name[0] && !c->item[i].synced) {
				if (n < max)
					list[n] = &c->item[i].file;
				n++;
			}
	return n;
}

/* ---- writing ---------------------------------------------------------- */

static void warn_put(struct arena *a, struct item *it)
{
	size_t before = it->warnings -= it->warned; /* by an earlier try */

	if (it->put.two_names)
		item_warn(a, it,
			  "two-names: this PatientID has another "
			  "PatientName in the archive");
	if (it->put.two_patients)
		item_warn(a, it,
			  "two-patients: this StudyInstanceUID has "
			  "another PatientID in the archive");
	if (it->put.two_studies)
		item_warn(a, it,
			  "two-series: this SOPInstanceUID is of "
			  "another series in the archive");
	if (it->put.verdict == IMG_CONFLICT && it->put.object > 1 &&
	    !is_equivalent(it))
		item_warn(a, it,
			  "uid-collapse: %lld objects with different bytes "
			  "have this SOPInstanceUID",
			  (long long)it->put.object + 1);
	it->warned = it->warnings - before;
}

/* Whether a duplicate is where the archive has its bytes from now on: a copy of
   what only lies in place, and a file in place where the archive's own is lost
   or is no longer what it was.  1, 0, -1. */
static int is_new_home(struct img_ingest *g, const struct item *it,
		       struct img_err *err)
{
	enum img_fixity fixity = IMG_MISSING;
	struct img_object o;
	int rc;

	if (it->put.verdict != IMG_DUPLICATE)
		return 0;
	if (!g->opts.in_place || it->member)
		return it->put.placed;
	if (!it->put.placed)
		return !img_store_has(g->store, it->in.digest, it->in.bytes);
	rc = img_catalog_object(g->catalog, it->put.instance, it->put.object,
				&o, err);
	if (rc <= 0 || (it->in.place && strcmp(o.place, it->in.place) == 0))
		return rc < 0 ? -1 : 0;
	if (img_store_verify_path(o.place, o.digest, false, &fixity, err) < 0)
		return -1;
	return fixity != IMG_INTACT;
}

/* What it is called is what becomes of it. */
static int find_home(struct img_ingest *g, struct item *it, bool write,
		     struct img_err *err)
{
	int rc = is_new_home(g, it, err);

	if (rc > 0 && write)
		rc = img_catalog_move(g->catalog, it->put.instance,
				      it->put.object, it->in.place, err) < 0
			     ? -1
			     : 1;
	if (rc > 0)
		it->put.verdict = IMG_STORED;
	return rc < 0 ? -1 : 0;
}

static int judge(struct img_ingest *g, struct arena *a, struct item *it,
		 struct img_err *err)
{
	if (it->outcome != OBJECT || !g->catalog)
		return 0;
	if (img_catalog_judge(g->catalog, &it->in, &it->put, err) < 0 ||
	    find_home(g, it, false, err) < 0)
		return -1;
	warn_put(a, it);
	return 0;
}

static int add_audit(struct img_ingest *g, const struct item *it,
		     struct img_err *err)
{
	const char *act = it->in.place ? "catalogued" : "stored";

	if (it->put.verdict == IMG_DUPLICATE)
		act = "restored";
	else if (it->put.verdict == IMG_CONFLICT)
		act = g->opts.on_conflict == IMG_REPLACE ? "replaced"
		      : is_equivalent(it)                ? "equivalent"
							 : "conflict";
	return img_audit_add(g->audit,
			     &(struct img_audit_line){ .act = act,
						       .digest = it->in.digest,
						       .from = it->from },
			     err);
}

static void fail_stored(struct img_ingest *g, struct arena *a, struct item *it,
			const struct img_err *err)
{
	img_store_drop(g->store, &it->file);
	item_not_stored(a, it, err);
}

/* Whether it is the fault of one object's place and not of the disk. */
static bool is_its_own(int e)
{
	return e != ENOSPC && e != EDQUOT && e != EROFS && e != EIO &&
	       e != EMFILE && e != ENFILE && e != ENOMEM;
}

static bool is_uncompared(const struct img_ingest *g, const struct item *it)
{
	return g->opts.compare && it->put.verdict == IMG_CONFLICT &&
	       !(it->alike && it->alike->compared);
}

/* The file in tmp gets its name.  A duplicate that has one heals an object
   that was lost. */
static int link_file(struct img_ingest *g, struct arena *a, struct item *it,
		     struct img_err *err)
{
	int rc = img_store_link(g->store, &it->file, it->in.digest, err);

	if (rc < 0 && is_its_own(errno)) {
		fail_stored(g, a, it, err);
		g->lost_one = true;
	}
	if (rc > 0 && it->put.verdict == IMG_DUPLICATE)
		it->restored = true;
	return rc < 0 ? -1 : 0;
}

/* What --on-conflict rejects; its bytes were synced with those of the batch. */
static void put_away(struct img_ingest *g, struct arena *a, struct item *it)
{
	struct img_err err = IMG_ERR_INIT;

	if (!it->file.name[0] || !g->opts.quarantine || is_equivalent(it))
		img_store_drop(g->store, &it->file);
	else if (img_store_set_aside(g->store, &it->file, it->in.digest, &err) <
		 0)
		item_warn(a, it, "not-quarantined: %s", err.text);
}

/* The catalog's verdict decides what becomes of the file in tmp. */
static int put(struct img_ingest *g, struct arena *a, struct item *it,
	       struct img_err *err)
{
	bool had_file = it->file.name[0];

	if (it->outcome != OBJECT)
		return 0;
	if (it->alike && it->alike->catalog != g->catalogs)
		it->alike = NULL;
	if (img_catalog_put(g->catalog, &it->in, g->opts.on_conflict, &it->put,
			    err) < 0 ||
	    find_home(g, it, true, err) < 0)
		return -1;
	warn_put(a, it);
	if (is_uncompared(g, it)) {
		if (alike_note_rivals(g, a, it, err) < 0)
			return -1;
		/* Others of this batch may be alike to it, so it goes on. */
		if (is_refused(g, it))
			return 0;
	}
	if (is_refused(g, it)) {
		put_away(g, a, it);
		return 0;
	}
	if (it->file.name[0] && link_file(g, a, it, err) < 0)
		return -1;
	if (it->put.verdict == IMG_DUPLICATE)
		return it->restored ? add_audit(g, it, err) : 0;
	if (!had_file && !it->in.place &&
	    img_store_adopt(g->store, it->in.digest, err) < 0)
		return -1;
	if (alike_store(g, it, err) < 0)
		return -1;
	return add_audit(g, it, err);
}

static bool has_writes(struct img_ingest *g)
{
	for (struct chunk *c = g->batch; c; c = c->next)
		for (size_t i = 0; i < c->n; i++)
			if (c->item[i].outcome == OBJECT ||
			    (c->item[i].remember && c->item[i].container))
				return true;
	return false;
}

/* Waits for other importers; not for long once we are asked to stop. */
static int take_turn(struct img_ingest *g, struct img_err *err)
{
	int left = g->patience ? g->patience : LOCK_SECONDS;

	for (;;) {
		struct img_err busy = IMG_ERR_INIT;

		if (img_store_lock(g->store, 1, &busy) == 0)
			return 0;
		if (left > STOP_SECONDS && g->host.stopped(g->host.arg))
			left = STOP_SECONDS;
		if (busy.code != IMG_E_BUSY || --left <= 0)
			return img_err_set(err, busy.code, "%s", busy.text);
	}
}

/* The order is the promise: bytes, names, audit, catalog. */
static int write_batch(struct img_ingest *g, struct img_err *err)
{
	struct img_store_file *few[16];
	size_t n = count_files(g, few, 16);

	if (n && img_store_sync_data(g->store, few, n, err) < 0)
		return -1;
	if (take_turn(g, err) < 0)
		return -1;
	if ((g->follows && ingest_follow(g, err) < 0) ||
	    img_catalog_begin(g->catalog, err) < 0)
		goto unlock;
	if (each(g, put, err) < 0 || g->uncompared ||
	    each(g, remember, err) < 0 || sync_batch(g, err) < 0 ||
	    img_catalog_commit(g->catalog, err) < 0) {
		img_catalog_rollback(g->catalog);
		img_audit_rollback(g->audit);
		goto unlock;
	}
	img_store_unlock(g->store);
	return 0;
unlock:
	img_store_unlock(g->store);
	return -1;
}

/* An object that cannot get its name fails alone: the rest is written without
   it.  Not on and on: then it is the archive that is at fault. */
static int write_rest(struct img_ingest *g, struct img_err *err)
{
	unsigned lost = 0;
	int rc;

	do {
		img_err_clear(err);
		g->lost_one = false;
		g->uncompared = 0;
		rc = write_batch(g, err);
		/* What is new meanwhile may have another UID of the batch. */
		while (rc < 0 && g->uncompared && err->code == IMG_OK) {
			alike_resolve(g);
			rc = write_batch(g, err);
		}
	} while (rc < 0 && g->lost_one && ++lost < LOST_MAX &&
		 !img_store_is_broken(g->store));
	return rc;
}

/* Nothing of the batch was promised: say so, object by object. */
static int fail_item(struct img_ingest *g, struct arena *a, struct item *it,
		     struct img_err *err)
{
	if (it->outcome == OBJECT)
		fail_stored(g, a, it, err);
	else
		img_store_drop(g->store, &it->file);
	return 0;
}

static void fail_batch(struct img_ingest *g, struct img_err *why)
{
	(void)each(g, fail_item, why);
	(void)each(g, note_forgotten, why);
	if (g->failure.code == IMG_OK)
		g->failure = *why;
}

/* ---- reporting -------------------------------------------------------- */

/* Members that only this import has, one behind the other. */
static const char *extra_of(const struct img_ingest *g, struct arena *a,
			    const struct item *it)
{
	const char *part[] = { it->extra, it->alike ? it->alike->extra : NULL,
			       g->opts.dry_run ? "\"dry_run\":true" : NULL };
	size_t n = 0;
	char *all, *p;

	for (size_t i = 0; i < 3; i++)
		n += part[i] && *part[i] ? strlen(part[i]) + 1 : 0;
	if (!n)
		return NULL;
	p = all = arena_alloc(a, n);
	for (size_t i = 0; p && i < 3; i++)
		if (part[i] && *part[i])
			p = stpcpy(p > all ? stpcpy(p, ",") : p, part[i]);
	return all;
}

/* What is wrong with the archive is that for all that are not stored. */
static const char *cause_of(const struct item *it)
{
	static const char words[] = ": not stored: ";
	const char *p = it->outcome == FAILED ? strstr(it->text, words) : NULL;

	return p ? p + sizeof(words) - 1 : NULL;
}

static int report(struct img_ingest *g, struct arena *a, struct item *it,
		  struct img_err *err)
{
	struct img_record rec;
	char hex[IMG_DIGEST_HEX];

	if (it->outcome == DEFERRED || it->outcome == TO_EXAMINE)
		return 0; /* its record comes when it has been opened */
	img_record_init(&rec);
	rec.status = item_status(g, it);
	rec.path = it->path;
	rec.extra = extra_of(g, a, it);
	if (it->rides) /* it was read as a record before */
		rec.in = img_json_parse(it->rides, strlen(it->rides), err);
	if (it->outcome == OBJECT || it->outcome == KNOWN) {
		fill_facts(&rec, it);
		rec.has_bytes = true;
		rec.bytes = it->in.bytes;
		img_hex(hex, it->in.digest, IMG_DIGEST_SIZE);
		rec.digest = hex;
	}
	if (it->outcome == IGNORED)
		rec.reason = it->text;
	else if (it->outcome == REJECTED || it->outcome == FAILED) {
		img_err_set(&rec.error, it->code, "%s", it->text);
		rec.cause = cause_of(it);
	} else if (it->outcome == OBJECT && is_refused(g, it) &&
		   !is_equivalent(it))
		img_err_set(&rec.error, IMG_E_REFUSED,
			    "%s: other bytes with this SOPInstanceUID are in "
			    "the archive",
			    it->path);
	/* Of this run alone: it is not remembered. */
	if (it->outcome == OBJECT && it->restored)
		item_warn(a, it,
			  "restored: the archive's own copy was lost or "
			  "damaged, and is whole again");
	fill_warnings(&rec, it);
	g->items++;
	g->bytes += it->in.bytes;
	if (g->host.emit(g->host.arg, &rec) < 0) {
		pthread_mutex_lock(&g->lock);
		g->mute = true;
		pthread_mutex_unlock(&g->lock);
	}
	img_record_release(&rec);
	return 0;
}

void commit_batch(struct img_ingest *g)
{
	struct img_err err = IMG_ERR_INIT;
	int rc = 0;

	if (g->opts.dry_run)
		rc = each(g, judge, &err);
	else if (has_writes(g)) {
		if (g->opts.pixel_digest)
			alike_prepare(g);
		rc = write_rest(g, &err);
	} else
		(void)each(g, note_forgotten, &err);
	if (rc < 0)
		fail_batch(g, &err);
	g->host.batch(g->host.arg, true);
	(void)each(g, report, &err);
	g->host.batch(g->host.arg, false);
	g->host.progress(g->host.arg, g->items, g->bytes);
}
