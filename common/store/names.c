/* names.c - the names of a batch made durable. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store_private.h"

int img_store_adopt(struct img_store *s, const uint8_t digest[IMG_DIGEST_SIZE],
		    struct img_err *err)
{
	char name[IMG_OBJECT_NAME];

	img_store_name(name, digest);
	s->touched[digest[0]] = true;
	if (++s->adopted > STORE_FEW)
		return 0; /* one syncfs will do for all */
	return store_sync_one(s, s->objects, name, O_NOFOLLOW | O_NONBLOCK,
			      err);
}

/* ---- side by side ----------------------------------------------------- */

static int sync_shard(const struct img_store *s, int shard)
{
	char name[3];
	int fd, rc;

	if (shard < 0)
		return syncfs(s->objects) < 0 ? errno : 0;
	snprintf(name, sizeof(name), "%02x", (unsigned)shard & 255);
	fd = openat(s->objects, name, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	rc = fd < 0 || fsync(fd) < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	return rc;
}

/* The next job, with the lock, which is let go of meanwhile. */
static void do_job(struct img_store *s, struct store_syncer *y)
{
	int shard = y->shard[y->begun++], rc;

	pthread_mutex_unlock(&y->lock);
	rc = sync_shard(s, shard);
	pthread_mutex_lock(&y->lock);
	if (rc)
		y->error = rc;
	if (++y->ended == y->jobs)
		pthread_cond_signal(&y->done);
}

static void *syncer(void *arg)
{
	struct img_store *s = arg;
	struct store_syncer *y = s->syncer;

	pthread_mutex_lock(&y->lock);
	while (!y->over)
		if (y->begun < y->jobs)
			do_job(s, y);
		else
			pthread_cond_wait(&y->work, &y->lock);
	pthread_mutex_unlock(&y->lock);
	return NULL;
}

static struct store_syncer *syncer_new(struct img_err *err)
{
	struct store_syncer *y = calloc(1, sizeof(*y));

	if (!y) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&y->lock, NULL);
	pthread_cond_init(&y->work, NULL);
	pthread_cond_init(&y->done, NULL);
	return y;
}

void store_syncer_free(struct store_syncer *y)
{
	if (!y)
		return;
	pthread_mutex_lock(&y->lock);
	y->over = true;
	pthread_cond_broadcast(&y->work);
	pthread_mutex_unlock(&y->lock);
	for (size_t i = 0; i < y->threads; i++)
		pthread_join(y->thread[i], NULL);
	pthread_cond_destroy(&y->work);
	pthread_cond_destroy(&y->done);
	pthread_mutex_destroy(&y->lock);
	free(y);
}

/* ---- names ------------------------------------------------------------ */

static void add_jobs(struct img_store *s, struct store_syncer *y)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 256; i++)
		n += s->touched[i];
	y->jobs = y->begun = y->ended = 0;
	y->error = 0;
	if (n > STORE_FEW || s->adopted > STORE_FEW)
		y->shard[y->jobs++] = -1;
	else
		for (int i = 0; i < 256; i++)
			if (s->touched[i])
				y->shard[y->jobs++] = i;
	memset(s->touched, 0, sizeof(s->touched));
	s->adopted = 0;
}

int img_store_sync_names_begin(struct img_store *s, struct img_err *err)
{
	struct store_syncer *y;

	if (!s->syncer && !(s->syncer = syncer_new(err)))
		return -1;
	y = s->syncer;
	pthread_mutex_lock(&y->lock);
	add_jobs(s, y);
	/* What no thread can be had for is done by who waits for the end. */
	while (y->threads < y->jobs &&
	       pthread_create(&y->thread[y->threads], NULL, syncer, s) == 0)
		y->threads++;
	for (size_t i = 0; i < y->jobs; i++)
		pthread_cond_signal(&y->work);
	pthread_mutex_unlock(&y->lock);
	return 0;
}

int img_store_sync_names_end(struct img_store *s, struct img_err *err)
{
	struct store_syncer *y = s->syncer;
	int error;

	pthread_mutex_lock(&y->lock);
	while (y->begun < y->jobs)
		do_job(s, y);
	while (y->ended < y->jobs)
		pthread_cond_wait(&y->done, &y->lock);
	error = y->error;
	pthread_mutex_unlock(&y->lock);
	errno = error;
	return error ? store_fail_sync(s, err) : 0;
}
