/*
 * deidentify_batch.c - finished objects wait for one sync, get their names
 * after it, and their records after a second one.
 *
 * Until its bytes are on the disk an object has no name, so a crash leaves
 * nothing of it; no record is printed for a name that a crash could undo.
 * Whoever fills the batch commits it, while the others fill the next one.
 *
 * Names are given in the order of the inputs, whoever was faster: of two that
 * claim one name the first has it.  So an object waits until all before it are
 * done, and when a batch is full of those that wait, workers do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/deidentify_private.h"

#define BATCH_ITEMS 2048
#define BATCH_BYTES (256ull << 20)
#define BATCH_AGE   1.0 /* seconds */
/* Up to so many files are synced one by one: syncfs waits for what everybody
   else has written, too. */
#define FEW   4
#define BLOCK 65536

/* Each object of a batch holds a descriptor. */
size_t deid_batch_room(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return 64;
	if (files.rlim_cur < 3 * BATCH_ITEMS) {
		files.rlim_cur = files.rlim_max < 3 * BATCH_ITEMS
					 ? files.rlim_max
					 : 3 * BATCH_ITEMS;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	/* Two batches, the inputs waiting, the rest of the program. */
	if (files.rlim_cur >= 3 * BATCH_ITEMS)
		return BATCH_ITEMS;
	return files.rlim_cur > 400 ? (files.rlim_cur - 200) / 3
				    : files.rlim_cur / 8 + 1;
}

/* ---- names ------------------------------------------------------------ */

static bool same_bytes(const struct deid_done *o)
{
	int fd = open(o->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char a[BLOCK / 2], b[BLOCK / 2];
	struct stat st;
	bool same = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		    (uint64_t)st.st_size == o->bytes;
	off_t at = 0;

	while (same && (uint64_t)at < o->bytes) {
		ssize_t n = img_pread_full(fd, a, sizeof(a), at);

		same = n > 0 && img_pread_full(o->fd, b, (size_t)n, at) == n &&
		       memcmp(a, b, (size_t)n) == 0;
		at += n;
	}
	if (fd >= 0)
		close(fd);
	return same;
}

static int name_it(const struct deid_done *o)
{
	char self[64];

	if (o->part)
		return link(o->part, o->path);
	if (linkat(o->fd, "", AT_FDCWD, o->path, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno == EEXIST)
		return -1;
	/* Older kernels want a privilege for that. */
	snprintf(self, sizeof(self), "/proc/self/fd/%d", o->fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, o->path, AT_SYMLINK_FOLLOW);
}

static int link_it(const struct deid_done *o, struct img_err *err)
{
	if (name_it(o) == 0)
		return 0;
	if (errno != EEXIST)
		return img_err_sys(err, "%s", o->path);
	if (!same_bytes(o))
		return img_err_set(err, IMG_E_REFUSED,
				   "%s: is there already, with other bytes",
				   o->path);
	return 0;
}

/* ---- syncs ------------------------------------------------------------ */

static int sync_all(struct img_deid *d, struct img_err *err)
{
	if (syncfs(d->out_fd) < 0)
		return img_err_sys(err, "%s: sync", d->opts.out);
	return 0;
}

static int sync_data(struct img_deid *d, struct deid_done *const *all, size_t n,
		     struct img_err *err)
{
	if (n > FEW)
		return sync_all(d, err);
	for (size_t i = 0; i < n; i++)
		if (img_sync_fd(all[i]->fd, all[i]->path, err) < 0)
			return -1;
	return 0;
}

static int sync_folder(const char *path, struct img_err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return img_err_sys(err, "%s", path);
	rc = img_sync_fd(fd, path, err);
	close(fd);
	return rc;
}

/* The folder of the name, and those above that were made for it. */
static int sync_names(struct img_deid *d, struct deid_done *const *all,
		      size_t n, struct img_err *err)
{
	char path[IMG_PATH_MAX];

	if (n > FEW)
		return sync_all(d, err);
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s", all[i]->path);
		for (unsigned level = 0; level < 3; level++) {
			char *slash = strrchr(path, '/');

			if (!slash ||
			    slash - path < (ptrdiff_t)strlen(d->opts.out))
				break;
			*slash = '\0';
			if (sync_folder(path, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* ---- records ---------------------------------------------------------- */

void deid_name_failure(struct img_err *to, const char *name,
		       const struct img_err *why)
{
	if (!name || strncmp(why->text, name, strlen(name)) == 0)
		*to = *why;
	else
		img_err_set(to, why->code, "%.200s: %.280s", name, why->text);
}

const char *deid_cause(const struct img_deid *d, const struct img_err *why)
{
	size_t n = strlen(d->opts.out);

	return strncmp(why->text, d->opts.out, n) == 0 &&
			       strncmp(why->text + n, ": ", 2) == 0
		       ? why->text
		       : NULL;
}

int deid_tell_done(struct img_deid *d, const struct deid_done *o,
		   const struct img_err *why)
{
	struct img_record rec;
	char hex[IMG_DIGEST_HEX];
	int rc;

	img_record_init(&rec);
	if (why->code != IMG_OK) {
		rec.status = "failed";
		rec.path = o->input;
		deid_name_failure(&rec.error, o->input, why);
		rec.cause = deid_cause(d, why);
	} else {
		img_hex(hex, o->digest, IMG_DIGEST_SIZE);
		rec.status = "deidentified";
		rec.path = o->path;
		rec.study = o->facts.study[0] ? o->facts.study : NULL;
		rec.series = o->facts.series[0] ? o->facts.series : NULL;
		rec.sop = o->facts.sop;
		rec.sop_class = o->facts.sop_class;
		rec.transfer_syntax = o->facts.syntax;
		rec.modality = o->facts.modality[0] ? o->facts.modality : NULL;
		rec.has_bytes = true;
		rec.bytes = o->bytes;
		rec.digest = hex;
		rec.extra = o->extra[0] ? o->extra : NULL;
		if (o->archived && d->unaudited)
			img_record_warn(&rec, "unaudited: the archive may only "
					      "be read, its audit log says "
					      "nothing");
	}
	rc = d->host.emit(d->host.arg, &rec);
	img_record_release(&rec);
	return rc;
}

static void done_free(struct deid_done *o)
{
	if (o->fd >= 0)
		close(o->fd);
	if (o->part)
		unlink(o->part);
	free(o->part);
	free(o->path);
	free(o->input);
	free(o);
}

/* ---- the batch -------------------------------------------------------- */

/* One sync for the bytes, one for the names.  A sync that failed is final:
   nothing of the batch was promised, and the run ends. */
static void write_batch(struct img_deid *d, struct deid_done **all, size_t n,
			struct img_err *each, struct img_err *err)
{
	size_t linked = 0;

	/* What can be seen can be traced. */
	if (sync_data(d, all, n, err) < 0 || deid_told_sync(d, err) < 0 ||
	    deid_audit(d, all, n, err) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		linked += link_it(all[i], &each[i]) == 0;
	if (linked)
		(void)sync_names(d, all, n, err);
}

/* Under commit_lock. */
static void commit(struct img_deid *d, struct deid_done **all, size_t n)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_err *each = calloc(n, sizeof(*each));
	int rc = 0;

	if (!each)
		img_err_set(&err, IMG_E_NOMEM, "out of memory");
	else
		write_batch(d, all, n, each, &err);
	d->host.hold(d->host.arg, true);
	for (size_t i = 0; i < n; i++) {
		const struct img_err *why =
			err.code != IMG_OK ? &err : &each[i];

		if (why->code == IMG_OK &&
		    deid_risk_add(d, &all[i]->alike, &err) < 0)
			why = &err;
		if (deid_tell_done(d, all[i], why) < 0)
			rc = -1;
		done_free(all[i]);
	}
	d->host.hold(d->host.arg, false);
	free(each);
	if (err.code != IMG_OK)
		deid_broken(d, &err);
	if (rc < 0) {
		img_err_set(&err, IMG_E_IO, "stdout");
		deid_broken(d, &err);
	}
}

static bool is_due(const struct img_deid *d)
{
	return d->dones >= d->done_room || d->done_bytes >= BATCH_BYTES ||
	       (d->dones && img_time_mono() - d->done_born >= BATCH_AGE);
}

/* What is in work comes before these. */
static uint64_t in_work(const struct img_deid *d)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < DEID_JOBS; i++)
		if (d->worker[i].busy && d->worker[i].busy < least)
			least = d->worker[i].busy;
	return least;
}

/* Those before which nothing is in work. */
static size_t ready(const struct img_deid *d)
{
	uint64_t least = in_work(d);
	size_t n = 0;

	for (size_t i = 0; i < d->dones; i++)
		n += d->done[i]->number < least;
	return n;
}

static int by_number(const void *a, const void *b)
{
	const struct deid_done *x = *(struct deid_done *const *)a;
	const struct deid_done *y = *(struct deid_done *const *)b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* Room for those of workers that came when it was full. */
static struct deid_done **room(const struct img_deid *d)
{
	return calloc(d->done_room + DEID_JOBS, sizeof(struct deid_done *));
}

/* Takes what is ready; NULL if that is nothing.  Under both locks. */
static struct deid_done **take(struct img_deid *d, size_t *n)
{
	struct deid_done **batch = d->done, **rest = NULL;

	*n = ready(d);
	if (!*n)
		return NULL;
	if (*n < d->dones) {
		rest = room(d);
		if (!rest)
			return NULL; /* another time */
	}
	qsort(batch, d->dones, sizeof(struct deid_done *), by_number);
	d->done_bytes = 0;
	for (size_t i = *n; i < d->dones; i++) {
		rest[i - *n] = batch[i];
		d->done_bytes += batch[i]->bytes;
	}
	d->done = rest;
	d->dones -= *n;
	d->done_born = img_time_mono();
	return batch;
}

void deid_batch_flush(struct img_deid *d, bool all)
{
	struct deid_done **batch = NULL;
	size_t n = 0;

	pthread_mutex_lock(&d->commit_lock);
	pthread_mutex_lock(&d->lock);
	if (all || is_due(d))
		batch = take(d, &n);
	pthread_mutex_unlock(&d->lock);
	if (batch)
		commit(d, batch, n);
	pthread_mutex_unlock(&d->commit_lock);
	free(batch);
}

void deid_batch_moved(struct deid_worker *w)
{
	w->busy = 0;
	if (w->d->waiting)
		pthread_cond_broadcast(&w->d->moved);
}

int deid_batch_add_take(struct deid_worker *w, struct deid_done *o,
			struct img_err *err)
{
	struct img_deid *d = w->d;
	bool due;

	pthread_mutex_lock(&d->lock);
	if (!d->done)
		d->done = room(d);
	/* Full beyond that: nothing has been taken out, for want of memory. */
	if (!d->done || d->dones == d->done_room + DEID_JOBS) {
		pthread_mutex_unlock(&d->lock);
		done_free(o);
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	}
	if (!d->dones)
		d->done_born = img_time_mono();
	d->done[d->dones++] = o;
	d->done_bytes += o->bytes;
	deid_batch_moved(w);
	d->waiting++;
	while (d->dones >= d->done_room && !ready(d) && !d->broken)
		pthread_cond_wait(&d->moved, &d->lock);
	d->waiting--;
	due = is_due(d) && ready(d);
	pthread_mutex_unlock(&d->lock);
	if (due)
		deid_batch_flush(d, false);
	return 0;
}
