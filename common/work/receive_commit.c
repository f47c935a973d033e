/* receive_commit.c - what all associations have complete, made durable at
   once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "work/receive_private.h"

#define STOP_SECONDS 5 /* for another writer, once we are to end */

/* ---- reporting -------------------------------------------------------- */

/* An object from the network has no path; who sent it is in extra. */
static int emit(void *arg, const struct img_record *rec)
{
	struct img_receive *r = arg;
	struct img_record plain = *rec;

	plain.path = NULL;
	if (rec->error.code == IMG_OK)
		receive_stable_met(r, rec->study);
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
	struct img_err ignored = IMG_ERR_INIT;

	g->batch_end = &g->batch;
	(void)ingest_follow(g, &ignored);
	(void)img_catalog_hold(g->catalog, true, &ignored);
	for (struct assoc *s = list; s; s = s->queued) {
		s->turn = receive_same(s, list);
		if (s->turn != RECEIVE_NOW)
			continue;
		s->chunk.next = NULL;
		*g->batch_end = &s->chunk;
		g->batch_end = &s->chunk.next;
	}
	(void)img_catalog_hold(g->catalog, false, &ignored);
}

static int add_line(struct img_receive *r, const char *act, const char *from,
		    uint64_t count, struct img_err *err)
{
	const struct img_audit_line line = { .act = act,
					     .from = from,
					     .count = count };

	return img_audit_add(r->g->audit, &line, err);
}

/* What was added to the audit log, in a transaction of its own. */
static int write_lines(struct img_receive *r, struct img_err *err)
{
	struct img_ingest *g = r->g;
	int rc = -1, seconds = (int)r->opts.lock_seconds;

	if (stopped(r) && seconds > STOP_SECONDS)
		seconds = STOP_SECONDS;
	if (img_store_lock(g->store, seconds, err) < 0)
		goto out;
	if (ingest_follow(g, err) == 0 &&
	    img_catalog_begin(g->catalog, err) == 0) {
		if (img_journal_write(g->audit, g->catalog, err) == 0 &&
		    img_catalog_commit(g->catalog, err) == 0)
			rc = 0;
		else
			img_catalog_rollback(g->catalog);
	}
	img_store_unlock(g->store);
out:
	img_audit_rollback(g->audit);
	return rc;
}

/* What is to go into the audit log, by peer; how many there were beyond that
   in one line.  A flood of them writes little. */
struct news {
	char refused[REFUSALS][PEER_MAX];
	struct unreported unreported[REFUSALS];
	size_t n_refused, n_unreported;
	uint64_t more_refused, more_unreported;
};

static int audit_news(struct img_receive *r, const struct news *w,
		      struct img_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < w->n_refused && rc == 0; i++)
		rc = add_line(r, "refused", w->refused[i], 0, err);
	if (w->more_refused && rc == 0)
		rc = add_line(r, "refused", NULL, w->more_refused, err);
	for (size_t i = 0; i < w->n_unreported && rc == 0; i++)
		rc = add_line(r, "unreported", w->unreported[i].peer,
			      w->unreported[i].count, err);
	if (w->more_unreported && rc == 0)
		rc = add_line(r, "unreported", NULL, w->more_unreported, err);
	if (rc == 0)
		return write_lines(r, err);
	img_audit_rollback(r->g->audit);
	return -1;
}

/* With the lock, which is let go of in between. */
static void take_news(struct img_receive *r)
{
	struct news w = { .n_refused = r->n_refused,
			  .n_unreported = r->n_unreported,
			  .more_refused = r->more_refused,
			  .more_unreported = r->more_unreported };
	struct img_err err = IMG_ERR_INIT;

	memcpy(w.refused, r->refused, sizeof(w.refused));
	memcpy(w.unreported, r->unreported, sizeof(w.unreported));
	r->n_refused = r->n_unreported = 0;
	r->more_refused = r->more_unreported = 0;
	r->audited = img_time_mono();
	pthread_mutex_unlock(&r->lock);
	if (audit_news(r, &w, &err) < 0)
		r->host.note(r->host.arg, &err);
	pthread_mutex_lock(&r->lock);
}

static bool has_news(const struct img_receive *r)
{
	return r->n_refused || r->n_unreported;
}

static bool news_due(const struct img_receive *r)
{
	return has_news(r) && (r->ended || img_time_mono() - r->audited >= 1);
}

/* Until there is something to do; refusals are looked at now and then. */
static void wait_work(struct img_receive *r)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	if (has_news(r) || receive_stable_waits(r))
		pthread_cond_timedwait(&r->work, &r->lock, &until);
	else
		pthread_cond_wait(&r->work, &r->lock);
}

/* Commits what is queued.  With the lock, which is let go of in between. */
static void commit_queue(struct img_receive *r)
{
	struct img_ingest *g = r->g;
	struct assoc *list = r->queue, *next;

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
		pthread_cond_signal(&list->woken);
	}
	if (g->failure.code == IMG_E_IO && !r->broken) {
		r->failure = g->failure;
		r->broken = img_store_is_broken(g->store);
	}
	memset(&g->failure, 0, sizeof(g->failure));
}

/* With the lock, which is let go of in between. */
static void say_stable(struct img_receive *r)
{
	if (!receive_stable_waits(r) || r->ended)
		return;
	pthread_mutex_unlock(&r->lock);
	r->host.batch(r->host.arg, true);
	(void)receive_stable_say(r);
	r->host.batch(r->host.arg, false);
	pthread_mutex_lock(&r->lock);
}

/* Whoever waits for the committer's part: the first of the queue has it next. */
static void hand_on(struct img_receive *r)
{
	r->committing = false;
	if (r->queue)
		pthread_cond_signal(&r->queue->woken);
	pthread_cond_signal(&r->idle);
}

static void *committer(void *arg)
{
	struct img_receive *r = arg;

	pthread_mutex_lock(&r->lock);
	while (has_news(r) || !r->ended) {
		if (!r->ended)
			wait_work(r);
		while (r->committing)
			pthread_cond_wait(&r->idle, &r->lock);
		r->committing = true;
		if (news_due(r))
			take_news(r);
		say_stable(r);
		hand_on(r);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

void receive_coming(struct assoc *s)
{
	pthread_mutex_lock(&s->r->lock);
	s->coming = true;
	s->coming_since = img_time_mono();
	pthread_mutex_unlock(&s->r->lock);
}

/* An object that has been on its way for long may be so for longer. */
static bool more_come(const struct img_receive *r, double now)
{
	for (const struct assoc *s = r->running; s; s = s->next)
		if (s->coming && now - s->coming_since < 8 * r->took)
			return true;
	return false;
}

/* Peers wait for each answer before they send the next object: what comes
   while a batch is committed waits for the next one, and batches of one would
   take turns for ever.  So a batch waits for what is about to come, at most
   half as long as it takes itself. */
static void gather(struct img_receive *r)
{
	double now = img_time_mono(), until = now + r->took / 2;
	struct timespec t = { .tv_sec = (time_t)until };

	t.tv_nsec = (long)((until - (double)t.tv_sec) * 1e9);
	while (more_come(r, now) && now < until) {
		pthread_cond_timedwait(&r->more, &r->lock, &t);
		now = img_time_mono();
	}
}

static void take_turn(struct assoc *s)
{
	struct img_receive *r = s->r;
	double began;

	pthread_mutex_lock(&r->lock);
	s->queued = NULL;
	s->done = false;
	s->coming = false;
	*r->queue_end = s;
	r->queue_end = &s->queued;
	pthread_cond_signal(&r->more);
	while (!s->done)
		if (r->committing) {
			pthread_cond_wait(&s->woken, &r->lock);
		} else {
			r->committing = true;
			gather(r);
			began = img_time_mono();
			commit_queue(r);
			r->took += (img_time_mono() - began - r->took) / 4;
			hand_on(r);
			if (r->stable)
				pthread_cond_signal(&r->work);
		}
	pthread_mutex_unlock(&r->lock);
}

void receive_commit(struct assoc *s)
{
	for (;;) {
		take_turn(s);
		if (s->turn == RECEIVE_NOW)
			break;
		if (s->turn == RECEIVE_COMPARE)
			receive_compare(s);
	}
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
	r->g->opts.compare = true;
	r->g->follows = true;
	r->g->patience = (int)r->opts.lock_seconds;
	r->queue_end = &r->queue;
	if (add_line(r, "started", NULL, 0, err) < 0 || write_lines(r, err) < 0)
		return -1;
	if (pthread_create(&r->committer, NULL, committer, r) != 0)
		return img_err_set(err, IMG_E_NOMEM, "threads");
	r->has_committer = true;
	return 0;
}

void receive_commit_end(struct img_receive *r)
{
	struct img_err err = IMG_ERR_INIT;

	if (!r->has_committer)
		return;
	pthread_mutex_lock(&r->lock);
	r->ended = true;
	pthread_cond_broadcast(&r->work);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->committer, NULL);
	r->has_committer = false;
	if (add_line(r, "stopped", NULL, 0, &err) < 0 ||
	    write_lines(r, &err) < 0)
		r->host.note(r->host.arg, &err);
}

static bool is_told(const struct img_receive *r, const char *peer)
{
	for (size_t i = 0; i < r->n_refused; i++)
		if (strcmp(r->refused[i], peer) == 0)
			return true;
	return false;
}

void receive_refused(struct img_receive *r, const char *peer, bool once)
{
	pthread_mutex_lock(&r->lock);
	if (r->n_refused == REFUSALS || (once && is_told(r, peer)))
		r->more_refused++;
	else
		snprintf(r->refused[r->n_refused++], PEER_MAX, "%s", peer);
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
}

void receive_unreported(struct img_receive *r, const char *peer, uint64_t n)
{
	pthread_mutex_lock(&r->lock);
	if (r->n_unreported < REFUSALS) {
		struct unreported *u = &r->unreported[r->n_unreported++];

		snprintf(u->peer, sizeof(u->peer), "%s", peer);
		u->count = n;
	} else {
		r->more_unreported += n;
	}
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
}
