/* send_queue.c - items waiting for an association, by what they need of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "work/send_private.h"

#define GATHER_MS 200 /* so long more inputs are waited for */
#define GATHER_N  256
#define IDLE_MS   2000 /* an association without work is given up */

struct send_item *send_item_new(struct img_err *err)
{
	struct send_item *it = calloc(1, sizeof(*it));

	if (!it)
		img_err_set(err, IMG_E_NOMEM, "out of memory");
	else
		it->response = -1;
	return it;
}

void send_item_free(struct send_item *it)
{
	if (!it)
		return;
	free(it->path);
	free(it->more);
	free(it->warning);
	free(it->error);
	free(it);
}

void send_item_fail(struct send_item *it, const char *status,
		    const struct img_err *why)
{
	if (it->status)
		return;
	it->status = status;
	it->code = why->code;
	it->error = strdup(why->text);
}

static struct send_item *pop(struct img_send *s, struct send_group *g)
{
	struct send_item *it = g->head;

	g->head = it->next;
	if (!g->head)
		g->tail = NULL;
	g->n--;
	it->next = NULL;
	s->pending--;
	s->in_hand++;
	pthread_cond_signal(&s->room);
	return it;
}

/* ---- putting in ------------------------------------------------------- */

static void deadline(struct timespec *t, unsigned ms)
{
	clock_gettime(CLOCK_MONOTONIC, t);
	t->tv_sec += ms / 1000;
	t->tv_nsec += (long)(ms % 1000) * 1000000;
	if (t->tv_nsec >= 1000000000) {
		t->tv_sec++;
		t->tv_nsec -= 1000000000;
	}
}

int send_queue_take(struct img_send *s, struct send_item *it,
		    struct img_err *err)
{
	struct timespec t;
	size_t i;

	pthread_mutex_lock(&s->lock);
	while (s->pending >= SEND_AHEAD && !s->host.stopped(s->host.arg)) {
		deadline(&t, 500);
		pthread_cond_timedwait(&s->room, &s->lock, &t);
	}
	it->came = img_time_mono();
	i = send_group_find(s, it);
	if (i != SIZE_MAX) {
		struct send_group *g = &s->groups[i];

		if (g->tail)
			g->tail->next = it;
		else
			g->head = it;
		g->tail = it;
		g->n++;
		s->pending++;
		pthread_cond_broadcast(&s->more);
	}
	pthread_mutex_unlock(&s->lock);
	if (i != SIZE_MAX)
		return 0;
	send_item_free(it);
	return img_err_set(err, IMG_E_NOMEM, "out of memory");
}

/* With the lock held. */
static void put_result(struct img_send *s, struct send_item *it)
{
	it->next = NULL;
	*s->done_tail = it;
	s->done_tail = &it->next;
	pthread_cond_signal(&s->result);
}

/* With the lock held.  When it was loaded it may have turned out to be of
   another group than the one that it was put into. */
static void put_first(struct img_send *s, struct send_item *it)
{
	struct img_err why = IMG_ERR_INIT;
	size_t i = send_group_find(s, it);
	struct send_group *g;

	if (i == SIZE_MAX) {
		img_err_set(&why, IMG_E_NOMEM, "out of memory");
		send_item_fail(it, "failed", &why);
		put_result(s, it);
		return;
	}
	g = &s->groups[i];
	it->next = g->head;
	g->head = it;
	if (!g->tail)
		g->tail = it;
	g->n++;
	s->pending++;
	pthread_cond_broadcast(&s->more);
}

void send_queue_back(struct img_send *s, struct send_item *it)
{
	pthread_mutex_lock(&s->lock);
	put_first(s, it);
	s->in_hand--;
	pthread_mutex_unlock(&s->lock);
}

void send_queue_later(struct img_send *s, struct send_item *it, double seconds)
{
	pthread_mutex_lock(&s->lock);
	it->not_before = img_time_mono() + seconds;
	it->next = s->later;
	s->later = it;
	s->in_hand--;
	pthread_mutex_unlock(&s->lock);
}

/* With the lock held: what was put off and is due waits with the others. */
static void recall(struct img_send *s)
{
	double now = s->later ? img_time_mono() : 0;

	for (struct send_item **p = &s->later; *p;) {
		struct send_item *it = *p;

		if (it->not_before > now) {
			p = &it->next;
			continue;
		}
		*p = it->next;
		put_first(s, it);
	}
}

/* ---- taking out ------------------------------------------------------- */

/* Contexts can be asked for at the start of an association only: some inputs
   are waited for before there is one. */
static void gather(struct img_send *s)
{
	struct timespec t;

	deadline(&t, GATHER_MS);
	while (!s->closed && s->pending && s->pending < GATHER_N)
		if (pthread_cond_timedwait(&s->more, &s->lock, &t) == ETIMEDOUT)
			break;
}

struct send_item *send_queue_any(struct img_send *s)
{
	struct send_item *it = NULL;
	struct timespec t;

	pthread_mutex_lock(&s->lock);
	while (!it) {
		recall(s);
		if (s->host.stopped(s->host.arg) ||
		    (s->closed && !s->pending && !s->in_hand && !s->later))
			break;
		if (!s->pending) {
			deadline(&t, s->later ? 100 : 500);
			pthread_cond_timedwait(&s->more, &s->lock, &t);
			continue;
		}
		gather(s);
		for (size_t i = 0; i < s->n_groups && !it; i++)
			if (s->groups[i].head)
				it = pop(s, &s->groups[i]);
	}
	pthread_mutex_unlock(&s->lock);
	return it;
}

static struct send_item *pick(struct img_send *s, const size_t *groups,
			      size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s->groups[groups[i]].head)
			return pop(s, &s->groups[groups[i]]);
	return NULL;
}

struct send_item *send_queue_of(struct img_send *s, const size_t *groups,
				size_t n, bool wait)
{
	struct send_item *it;
	struct timespec t;

	deadline(&t, IDLE_MS);
	pthread_mutex_lock(&s->lock);
	while ((it = pick(s, groups, n)) == NULL) {
		/* What waits needs other contexts. */
		if (!wait || s->pending || s->closed ||
		    s->host.stopped(s->host.arg) ||
		    pthread_cond_timedwait(&s->more, &s->lock, &t) == ETIMEDOUT)
			break;
	}
	pthread_mutex_unlock(&s->lock);
	return it;
}

void send_queue_done(struct img_send *s, struct send_item *it)
{
	bool told = it->status != NULL;

	pthread_mutex_lock(&s->lock);
	if (told)
		put_result(s, it);
	s->in_hand--;
	if (s->closed && !s->pending && !s->in_hand)
		pthread_cond_broadcast(&s->more);
	pthread_mutex_unlock(&s->lock);
	/* One that was told is another thread's now. */
	if (!told)
		send_item_free(it);
}
