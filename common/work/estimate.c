/* estimate.c - counting bytes beside the real work. */
#include <fts.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "work/estimate.h"

/* fts holds a whole folder in memory: leave the counting then. */
#define FILES_MAX 200000

struct img_estimate {
	pthread_t thread;
	char **paths; /* NULL-ended, as fts wants it */
	atomic_ullong total;
	atomic_bool stop;
};

static void *count(void *arg)
{
	struct img_estimate *e = arg;
	FTS *fts = fts_open(e->paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	unsigned long long sum = 0, files = 0;
	FTSENT *f;

	while (fts && !atomic_load(&e->stop) && (f = fts_read(fts)))
		if (f->fts_info == FTS_F) {
			sum += (unsigned long long)f->fts_statp->st_size;
			if (++files > FILES_MAX)
				break;
		}
	if (files <= FILES_MAX && !atomic_load(&e->stop))
		atomic_store(&e->total, sum);
	if (fts)
		fts_close(fts);
	return NULL;
}

struct img_estimate *img_estimate_start(char *const *paths, size_t n)
{
	struct img_estimate *e = calloc(1, sizeof(*e));
	sigset_t all, was;
	int rc;

	if (!e)
		return NULL;
	e->paths = calloc(n + 1, sizeof(*e->paths));
	if (!e->paths) {
		free(e);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		e->paths[i] = paths[i];
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	rc = n ? pthread_create(&e->thread, NULL, count, e) : -1;
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (rc != 0) {
		free(e->paths);
		free(e);
		return NULL;
	}
	return e;
}

uint64_t img_estimate_total(const struct img_estimate *e)
{
	return e ? atomic_load(&e->total) : 0;
}

void img_estimate_stop(struct img_estimate *e)
{
	if (!e)
		return;
	atomic_store(&e->stop, true);
	pthread_join(e->thread, NULL);
	free(e->paths);
	free(e);
}
