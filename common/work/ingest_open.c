/* ingest_open.c - the archive that objects go into, opened. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "work/ingest_private.h"

void ingest_init(struct img_ingest *g)
{
	pthread_condattr_t mono;
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->to_work, NULL);
	pthread_cond_init(&g->to_commit, &mono);
	pthread_cond_init(&g->has_room, NULL);
	pthread_condattr_destroy(&mono);
	g->batch_end = &g->batch;
	if (!g->opts.jobs)
		g->opts.jobs = n > 0 ? (unsigned)n : 1;
	if (g->opts.jobs > WORKERS_MAX - 1)
		g->opts.jobs = WORKERS_MAX - 1;
}

/* Of several that make a catalog at once, one is told to wait. */
static int open_catalog(struct img_ingest *g, const char *dir,
			enum img_mode mode, struct img_err *err)
{
	const struct timespec nap = { 0, 20000000 };
	double until = img_time_mono() + 60;

	for (;;) {
		struct img_err why = IMG_ERR_INIT;

		if (img_catalog_open(&g->catalog, dir, mode, &why) == 0) {
			img_catalog_host(g->catalog, g->host.stopped,
					 g->host.arg);
			return 0;
		}
		if (why.code != IMG_E_BUSY || img_time_mono() > until ||
		    g->host.stopped(g->host.arg))
			return img_err_set(err, why.code, "%s", why.text);
		nanosleep(&nap, NULL);
	}
}

/* A dry run does not need one, but what is there must be readable. */
static bool is_archive(const char *dir)
{
	char file[IMG_PATH_MAX];
	struct img_err ignored = IMG_ERR_INIT;

	return img_path_join(file, sizeof(file), dir, "catalog.db", &ignored) <
		       0 ||
	       access(file, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* Readers make nothing. */
static int must_be_there(struct img_ingest *g, const char *dir,
			 struct img_err *err)
{
	if (!is_archive(dir))
		return img_err_set(err, IMG_E_IO,
				   "%s: no archive is there, and --no-create "
				   "makes none; is its disk mounted?",
				   dir);
	if (open_catalog(g, dir, IMG_READ, err) < 0)
		return -1;
	img_catalog_close(g->catalog);
	g->catalog = NULL;
	return 0;
}

int open_archive(struct img_ingest *g, const char *dir, const char *by,
		 struct img_err *err)
{
	enum img_mode mode = g->opts.dry_run ? IMG_READ : IMG_WRITE;

	if (img_catalog_check_lost(dir, err) < 0)
		return -1;
	if (g->opts.no_create && must_be_there(g, dir, err) < 0)
		return -1;
	if (g->opts.dry_run && !is_archive(dir))
		return img_store_check_place(dir, err);
	if (img_store_open(&g->store, dir, mode, err) < 0)
		return -1;
	/* The log first: a catalog without one looks as if somebody had
	   removed it. */
	if (!g->opts.dry_run &&
	    img_audit_open(&g->audit, dir, by, IMG_WRITE, err) < 0)
		return -1;
	if (open_catalog(g, dir, mode, err) < 0)
		return -1;
	if (img_catalog_open(&g->known, dir, IMG_READ, err) < 0)
		return -1;
	if (!realpath(dir, g->home))
		return img_err_sys(err, "%s", dir);
	return 0;
}

int ingest_follow(struct img_ingest *g, struct img_err *err)
{
	int rc = img_catalog_follow(&g->catalog, g->home, IMG_WRITE, err);

	if (rc > 0)
		g->catalogs++;
	return rc < 0 ? -1 : 0;
}

int ingest_open_bare(struct img_ingest **out, const char *dir, bool no_create,
		     const char *by, const struct img_ingest_host *host,
		     struct img_err *err)
{
	struct img_ingest *g = calloc(1, sizeof(*g));

	if (!g)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	g->opts.no_create = no_create;
	g->host = *host;
	ingest_init(g);
	if (img_crypto_init(err) < 0 || open_archive(g, dir, by, err) < 0) {
		img_ingest_close(g);
		return -1;
	}
	*out = g;
	return 0;
}
