/* deidentify.c - threads and their queue, open and close. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "work/deidentify_private.h"

/* ---- workers ---------------------------------------------------------- */

void deid_broken(struct img_deid *d, const struct img_err *why)
{
	pthread_mutex_lock(&d->lock);
	if (!d->broken)
		d->why = *why;
	d->broken = true;
	pthread_cond_broadcast(&d->emptied);
	pthread_cond_broadcast(&d->moved);
	pthread_mutex_unlock(&d->lock);
}

/* Waits for a task, but not longer than a batch may get old. */
static void wait_filled(struct img_deid *d)
{
	struct timespec until;

	if (!d->dones) {
		pthread_cond_wait(&d->filled, &d->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	if (pthread_cond_timedwait(&d->filled, &d->lock, &until) == 0)
		return;
	pthread_mutex_unlock(&d->lock);
	deid_batch_flush(d, false);
	pthread_mutex_lock(&d->lock);
}

static bool next_task(struct deid_worker *w, struct deid_task *t)
{
	struct img_deid *d = w->d;
	bool got;

	pthread_mutex_lock(&d->lock);
	deid_batch_moved(w);
	while (!d->queued && !d->ending)
		wait_filled(d);
	got = d->queued > 0;
	if (got) {
		*t = d->queue[d->head];
		w->busy = t->number;
		d->head = (d->head + 1) % DEID_QUEUE;
		/* Nobody wakes up for a single place. */
		if (--d->queued == DEID_QUEUE / 2)
			pthread_cond_signal(&d->emptied);
	}
	pthread_mutex_unlock(&d->lock);
	return got;
}

static void *work(void *arg)
{
	struct deid_worker *w = arg;
	struct deid_task t;

	while (next_task(w, &t))
		deid_object(w, &t);
	return NULL;
}

int deid_add_take(struct img_deid *d, const struct deid_task *t,
		  struct img_err *err)
{
	struct deid_task *at;
	int rc = 0;

	pthread_mutex_lock(&d->lock);
	if (d->queued == DEID_QUEUE)
		while (d->queued > DEID_QUEUE / 2 && !d->broken)
			pthread_cond_wait(&d->emptied, &d->lock);
	if (d->broken) {
		*err = d->why;
		rc = -1;
	} else {
		at = &d->queue[(d->head + d->queued++) % DEID_QUEUE];
		*at = *t;
		at->number = ++d->inputs;
		pthread_cond_signal(&d->filled);
	}
	pthread_mutex_unlock(&d->lock);
	if (rc < 0) {
		free(t->name);
		if (t->fd >= 0)
			close(t->fd);
	}
	return rc;
}

static int tell_input(struct img_deid *d, struct img_record *rec,
		      struct img_err *err)
{
	int rc = d->host.emit(d->host.arg, rec);

	d->inputs++;
	img_record_release(rec);
	return rc < 0 ? img_err_set(err, IMG_E_IO, "stdout") : 0;
}

#define NUMBER 40

/* An input whose name is not repeated, as that of a UID. */
static const char *number_of(const struct img_deid *d, char out[NUMBER])
{
	snprintf(out, NUMBER, "input %llu", (unsigned long long)d->inputs + 1);
	return out;
}

int deid_missing(struct img_deid *d, struct img_err *err)
{
	struct img_record rec;
	char number[NUMBER];

	img_record_init(&rec);
	rec.status = "missing";
	rec.path = number_of(d, number);
	rec.reason = "it was asked for, and is not there";
	return tell_input(d, &rec, err);
}

int deid_failed(struct img_deid *d, const char *path, const struct img_err *why,
		struct img_err *err)
{
	struct img_record rec;
	char number[NUMBER];

	number_of(d, number);
	img_record_init(&rec);
	rec.status = "failed";
	rec.path = path ? path : number;
	deid_name_failure(&rec.error, rec.path, why);
	return tell_input(d, &rec, err);
}

int deid_ignored(struct img_deid *d, const char *path, const char *reason,
		 struct img_err *err)
{
	struct img_record rec;

	img_record_init(&rec);
	rec.status = "ignored";
	rec.path = path;
	rec.reason = reason;
	return tell_input(d, &rec, err);
}

static int worker_init(struct img_deid *d, struct img_err *err)
{
	struct deid_worker *w = &d->worker[d->workers];

	w->d = d;
	w->number = d->workers;
	w->out.fd = -1;
	img_buf_init(&w->in, DEID_SMALL + 16);
	img_buf_init(&w->line, IMG_LINE_MAX);
	/* Sequences of defined length grow by their delimiters. */
	img_buf_init(&w->out.mem, 16 * DEID_SMALL);
	w->anon = img_anon_new(&d->profile, d->opts.key, err);
	w->reader = img_dicom_reader_new(err);
	if (!w->anon || !w->reader)
		return -1;
	img_anon_limits(w->anon, &w->limits);
	deid_pairs_listen(w);
	deid_coder_init(w);
	if (pthread_create(&w->thread, NULL, work, w) != 0)
		return img_err_set(err, IMG_E_NOMEM, "cannot start a thread");
	d->workers++;
	return 0;
}

static void worker_release(struct deid_worker *w)
{
	deid_coder_release(w);
	img_anon_free(w->anon);
	img_dicom_reader_free(w->reader);
	img_buf_release(&w->in);
	img_buf_release(&w->line);
	img_buf_release(&w->pairs);
	img_buf_release(&w->out.mem);
}

/* ---- open and close --------------------------------------------------- */

static int open_out(struct img_deid *d, struct img_err *err)
{
	d->to_stdout = strcmp(d->opts.out, "-") == 0;
	if (d->to_stdout)
		return 0;
	if (mkdir(d->opts.out, 0777) == 0) {
		if (img_sync_folder_of(d->opts.out, err) < 0)
			return -1;
	} else if (errno != EEXIST) {
		return img_err_sys(err, "%s", d->opts.out);
	}
	d->out_fd = open(d->opts.out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->out_fd < 0 || fstat(d->out_fd, &d->out_st) < 0)
		return img_err_sys(err, "%s", d->opts.out);
	return 0;
}

static int open_report(struct img_deid *d, struct img_err *err)
{
	const char *name = d->opts.report;

	return name ? deid_lines_open(name, &d->report_fd, err) : 0;
}

/* The first three are written to, and a key with a report is none any more. */
static int check_files(const struct img_deid_opts *o, struct img_err *err)
{
	const char *const file[] = { o->report, o->risk,    o->linkage,
				     o->map,    o->trustee, o->key_file,
				     o->rules };

	for (size_t i = 0; i < 3; i++)
		for (size_t j = i + 1; j < sizeof(file) / sizeof(*file); j++)
			if (file[i] && file[j] &&
			    (strcmp(file[i], file[j]) == 0 ||
			     img_path_same(file[i], file[j])))
				return img_err_set(
					err, IMG_E_USAGE,
					"%s: is named for two things, and "
					"would be written over",
					file[i]);
	return 0;
}

int img_deid_open(struct img_deid **out, const struct img_deid_opts *opts,
		  const struct img_deid_host *host, struct img_err *err)
{
	struct img_deid *d;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned jobs = opts->jobs ? opts->jobs : cpus > 0 ? (unsigned)cpus : 1;
	pthread_condattr_t mono;

	if (check_files(opts, err) < 0)
		return -1;
	d = calloc(1, sizeof(*d));
	if (!d)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	d->opts = *opts;
	d->profile = *opts->profile;
	d->host = *host;
	d->out_fd = d->report_fd = -1;
	d->umask = umask(0);
	umask(d->umask);
	pthread_mutex_init(&d->lock, NULL);
	pthread_mutex_init(&d->commit_lock, NULL);
	d->done_room = deid_batch_room();
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(&d->filled, &mono);
	pthread_condattr_destroy(&mono);
	pthread_cond_init(&d->emptied, NULL);
	pthread_cond_init(&d->moved, NULL);
	if (deid_read_map(d, err) < 0 || deid_pairs_open(d, err) < 0 ||
	    open_out(d, err) < 0 || open_report(d, err) < 0 ||
	    deid_risk_open(d, err) < 0)
		goto fail;
	if (jobs > DEID_JOBS)
		jobs = DEID_JOBS;
	while (d->workers < jobs)
		if (worker_init(d, err) < 0)
			goto fail;
	*out = d;
	return 0;
fail:
	img_deid_close(d);
	return -1;
}

static void end_workers(struct img_deid *d)
{
	pthread_mutex_lock(&d->lock);
	d->ending = true;
	pthread_cond_broadcast(&d->filled);
	pthread_mutex_unlock(&d->lock);
	for (unsigned i = 0; i < d->workers; i++)
		pthread_join(d->worker[i].thread, NULL);
	d->workers = 0;
	deid_batch_flush(d, true);
	free(d->done);
	d->done = NULL;
}

int img_deid_finish(struct img_deid *d, struct img_err *err)
{
	end_workers(d);
	if (d->broken) {
		*err = d->why;
		return -1;
	}
	if (deid_told_sync(d, err) < 0 || deid_risk_finish(d, err) < 0)
		return -1;
	return img_close(&d->report_fd, d->opts.report, err);
}

void img_deid_close(struct img_deid *d)
{
	if (!d)
		return;
	end_workers(d);
	for (unsigned i = 0; i < DEID_JOBS; i++)
		worker_release(&d->worker[i]);
	if (d->out_fd >= 0)
		close(d->out_fd);
	if (d->report_fd >= 0)
		close(d->report_fd);
	deid_pairs_close(d);
	img_anon_map_free((struct img_anon_map *)d->profile.map);
	deid_risk_close(d);
	img_catalog_close(d->archive);
	img_journal_close(d->journal);
	img_store_close(d->store);
	pthread_mutex_destroy(&d->lock);
	pthread_mutex_destroy(&d->commit_lock);
	pthread_cond_destroy(&d->filled);
	pthread_cond_destroy(&d->emptied);
	pthread_cond_destroy(&d->moved);
	free(d);
}
