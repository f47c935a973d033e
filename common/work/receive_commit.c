/* receive_commit.c - what all associations have complete, made durable at
   once. */
#include <stdlib.h>
#include <string.h>

#include "work/receive_private.h"

/* ---- reporting -------------------------------------------------------- */

/* An object from the network has no path; who sent it is in extra. */
static int emit(void *arg, const struct img_record *rec)
{
	struct img_receive *r = arg;
	struct img_record plain = *rec;

	plain.path = NULL;
	if (r->host.emit(r->host.arg, &plain) == 0)
		return 0;
	pthread_mutex_lock(&r->lock);
	if (!r->broken)
		img_err_set(&r->failure, IMG_E_IO, "records cannot be written");
	r->broken = true;
	pthread_mutex_unlock(&r->lock);
	return -1;
}

static void batch(void *arg, bool begins)
{
	struct img_receive *r = arg;

	r->host.batch(r->host.arg, begins);
}

static void progress(void *arg, uint64_t items, uint64_t bytes)
{
	(void)arg, (void)items, (void)bytes;
}

static bool stopped(void *arg)
{
	struct img_receive *r = arg;
	bool yes;

	pthread_mutex_lock(&r->lock);
	yes = r->stopping;
	pthread_mutex_unlock(&r->lock);
	return yes;
}

/* ---- the committer ---------------------------------------------------- */

/* All that is complete by now, as one batch. */
static void take_queue(struct img_receive *r, struct assoc *list)
{
	struct img_ingest *g = r->g;

	g->batch_end = &g->batch;
	for (struct assoc *s = list; s; s = s->queued) {
		s->chunk.next = NULL;
		*g->batch_end = &s->chunk;
		g->batch_end = &s->chunk.next;
	}
}

static void *committer(void *arg)
{
	struct img_receive *r = arg;
	struct img_ingest *g = r->g;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		struct assoc *list, *next;

		while (!r->queue && !r->ended)
			pthread_cond_wait(&r->work, &r->lock);
		list = r->queue;
		if (!list)
			break;
		r->queue = NULL;
		r->queue_end = &r->queue;
		pthread_mutex_unlock(&r->lock);
		take_queue(r, list);
		commit_batch(g);
		g->batch = NULL;
		pthread_mutex_lock(&r->lock);
		for (; list; list = next) {
			next = list->queued;
			list->done = true;
		}
		if (g->failure.code == IMG_E_IO && !r->broken) {
			r->failure = g->failure;
			r->broken = img_store_is_broken(g->store);
		}
		memset(&g->failure, 0, sizeof(g->failure));
		pthread_cond_broadcast(&r->done);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

void receive_commit(struct assoc *s)
{
	struct img_receive *r = s->r;

	pthread_mutex_lock(&r->lock);
	s->queued = NULL;
	s->done = false;
	*r->queue_end = s;
	r->queue_end = &s->queued;
	pthread_cond_signal(&r->work);
	while (!s->done)
		pthread_cond_wait(&r->done, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

struct img_ingest_host receive_host(struct img_receive *r)
{
	return (struct img_ingest_host){ .emit = emit,
					 .batch = batch,
					 .progress = progress,
					 .stopped = stopped,
					 .arg = r };
}

int receive_commit_start(struct img_receive *r, struct img_err *err)
{
	r->g->opts.on_conflict = r->opts.on_conflict;
	r->g->patience = (int)r->opts.lock_seconds;
	r->queue_end = &r->queue;
	if (pthread_create(&r->committer, NULL, committer, r) != 0)
		return img_err_set(err, IMG_E_NOMEM, "threads");
	r->has_committer = true;
	return 0;
}

void receive_commit_end(struct img_receive *r)
{
	if (!r->has_committer)
		return;
	pthread_mutex_lock(&r->lock);
	r->ended = true;
	pthread_cond_broadcast(&r->work);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->committer, NULL);
	r->has_committer = false;
}

/* ---- refusals --------------------------------------------------------- */

void receive_refused(struct assoc *s, const char *why)
{
	(void)s, (void)why;
}
