/* send_worker.c - one association after the other, objects on each. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "work/send_worker.h"

#define GIVE_UP      12
#define SILENCES     2
#define BUSY_LEAST   10 /* objects in a row */
#define BUSY_PAUSE   10 /* seconds without one that was taken */
#define BUSY_GIVE_UP 120
#define DOWN_SECONDS 30

/* ---- waiting ---------------------------------------------------------- */

/* Sleeps, but not through a signal to stop. */
static void nap(struct img_send *s, double seconds)
{
	double until = img_time_mono() + seconds;

	while (!s->host.stopped(s->host.arg)) {
		double left = until - img_time_mono();
		struct timespec t = { 0, 200000000 };

		if (left <= 0)
			break;
		if (left < 0.2)
			t.tv_nsec = (long)(left * 1e9);
		nanosleep(&t, NULL);
	}
}

/* 1, 2, 4 ... 60 s, give or take a quarter, so that many senders do not come
   back all at once. */
double send_delay(unsigned attempt)
{
	double d = attempt < 6 ? (double)(1u << attempt) : 60;
	uint16_t r;

	img_random(&r, sizeof(r));
	return d * (0.75 + 0.5 * r / 65535.0);
}

/* Bytes may go at the rate that was asked for, over all associations. */
static void pace(void *arg, size_t n)
{
	struct send_worker *w = arg;
	struct img_send *s = w->s;
	double now, at;

	if (!s->opts.rate)
		return;
	pthread_mutex_lock(&s->pace_lock);
	now = img_time_mono();
	if (s->pace_at < now)
		s->pace_at = now;
	at = s->pace_at;
	s->pace_at += (double)n / (double)s->opts.rate;
	pthread_mutex_unlock(&s->pace_lock);
	if (at > now)
		nap(s, at - now);
}

static bool in_window(const struct img_send *s)
{
	int from = s->opts.from, until = s->opts.until, now;
	time_t t = time(NULL);
	struct tm tm;

	if (from == until || !localtime_r(&t, &tm))
		return true;
	now = tm.tm_hour * 60 + tm.tm_min;
	return from < until ? now >= from && now < until
			    : now >= from || now < until;
}

bool send_window(struct img_send *s)
{
	while (!in_window(s) && !s->host.stopped(s->host.arg))
		nap(s, 5);
	return in_window(s);
}

/* ---- reading ahead ---------------------------------------------------- */

/* The next object is read and checked while this one is on its way. */
static void *load_ahead(void *arg)
{
	struct send_worker *w = arg;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->ask && !w->quit)
			pthread_cond_wait(&w->turn, &w->lock);
		if (w->quit)
			break;
		pthread_mutex_unlock(&w->lock);
		w->rc[w->slot] =
			send_load(&w->loader, w->ask, &w->loaded[w->slot]);
		pthread_mutex_lock(&w->lock);
		w->ask = NULL;
		pthread_cond_broadcast(&w->turn);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void fetch(struct send_worker *w, struct send_item *it, int slot)
{
	pthread_mutex_lock(&w->lock);
	w->ask = it;
	w->slot = slot;
	pthread_cond_broadcast(&w->turn);
	pthread_mutex_unlock(&w->lock);
}

static void fetched(struct send_worker *w)
{
	pthread_mutex_lock(&w->lock);
	while (w->ask)
		pthread_cond_wait(&w->turn, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

/* ---- the association -------------------------------------------------- */

void send_set_down(struct img_send *s, const struct img_err *why)
{
	pthread_mutex_lock(&s->lock);
	if (!s->down) {
		s->down = strdup(why->text);
		s->down_code = why->code;
		s->down_since = img_time_mono();
	}
	pthread_mutex_unlock(&s->lock);
}

/* Inputs may come for weeks, as from a listener.  With the lock. */
static void up_again(struct img_send *s, const struct send_item *it)
{
	if (s->down && it->came - s->down_since >= DOWN_SECONDS) {
		free(s->down);
		s->down = NULL;
	}
}

static int open_assoc(struct send_worker *w, struct img_scu **scu,
		      struct send_plan *p)
{
	struct img_send *s = w->s;
	struct img_scu_opts o = { .connect_seconds = s->opts.connect_seconds,
				  .assoc_seconds = s->opts.assoc_seconds,
				  .dimse_seconds = s->opts.dimse_seconds,
				  .query_seconds = s->opts.commit_seconds,
				  .pace = s->opts.rate ? pace : NULL,
				  .event = s->opts.commit ? send_event : NULL,
				  .arg = w };
	struct img_err err = IMG_ERR_INIT;

	for (unsigned i = 0;; i++) {
		img_err_clear(&err);
		if (img_scu_open(scu, &s->opts.peer, &o, p->c, p->n, &err) == 0)
			return 0;
		if (i == s->opts.retries || s->host.stopped(s->host.arg) ||
		    (err.code != IMG_E_BUSY && err.code != IMG_E_TRANSPORT))
			break;
		nap(s, send_delay(i));
	}
	send_set_down(s, &err);
	return -1;
}

/* What became of the association: it stands; it is to be released, and
   something waited for; it is broken. */
enum then { GO_ON, LATER, BROKEN };

/* ---- one object ------------------------------------------------------- */

/* One and the same object that the peer has taken an association for, and then
   fallen silent on: it is the object that silences it. */
static bool silences(struct img_scu *scu, struct send_item *it)
{
	return img_scu_is_silent(scu) && ++it->silences >= SILENCES;
}

static int again(struct send_worker *w, struct send_item *it)
{
	if (it->attempts++ >= w->s->opts.retries)
		return 0;
	send_queue_later(w->s, it, send_delay(it->attempts - 1));
	return 1;
}

/* Some peers answer so to what they cannot read, so one object says nothing
   about the next; but one that takes nothing for long is out of resources. */
static enum then busy(struct send_worker *w, struct send_item *it,
		      uint16_t status)
{
	struct img_err why = IMG_ERR_INIT;
	bool first = it->attempts == 0;
	double since = img_time_mono() - w->last_ok;

	if (!again(w, it)) {
		send_answered(it, status);
		send_queue_done(w->s, it);
	}
	if (!first || since < BUSY_PAUSE || ++w->busy < BUSY_LEAST)
		return GO_ON;
	if (since > BUSY_GIVE_UP) {
		img_err_set(&why, IMG_E_BUSY, "the peer answers %04X: %s",
			    status, img_answer_text(status));
		send_set_down(w->s, &why);
	}
	return LATER;
}

static enum then send_bytes(struct send_worker *w, struct img_scu *scu,
			    uint8_t context, struct send_item *it,
			    struct send_loaded *d)
{
	const struct img_scu_data data = { d->length, send_next, d };
	struct img_err err = IMG_ERR_INIT;
	uint16_t status = 0;

	if (w->s->opts.commit)
		send_uids_note(w->s, it);
	if (img_scu_store(scu, context, it->sop_class, it->sop, &data, &status,
			  &err) < 0) {
		if (err.code != IMG_E_TRANSPORT || silences(scu, it) ||
		    !again(w, it)) {
			send_item_fail(it, "failed", &err);
			send_queue_done(w->s, it);
		}
		return BROKEN;
	}
	w->answers++;
	if (img_answer_of(status) == IMG_ANSWER_BUSY)
		return busy(w, it, status);
	w->busy = 0;
	w->last_ok = img_time_mono();
	send_answered(it, status);
	if (w->s->opts.commit && !it->error)
		send_unproved(w, it);
	else
		send_queue_done(w->s, it);
	return GO_ON;
}

static enum then send_one(struct send_worker *w, struct img_scu *scu,
			  struct send_plan *p, struct send_item *it, int slot)
{
	struct send_loaded *d = &w->loaded[slot];
	const struct send_choice *c;
	struct img_err err = IMG_ERR_INIT;

	if (w->rc[slot] == 2) { /* it is of another group */
		send_queue_back(w->s, it);
		return GO_ON;
	}
	if (w->rc[slot] != 0) {
		send_queue_done(w->s, it);
		return GO_ON;
	}
	if (it->stored) { /* says the ledger: only proof is wanted */
		send_uids_note(w->s, it);
		it->status = "sent";
		it->proof = "response";
		send_unproved(w, it);
		return GO_ON;
	}
	c = send_plan_of(p, send_group_of(w->s, it));
	if (!c) {
		send_queue_back(w->s, it);
		return GO_ON;
	}
	if (strcmp(c->ts, d->ts) != 0 || send_is_odd(d)) {
		bool other = strcmp(c->ts, d->ts) != 0;

		if (send_recode(&w->recoder, it, d, c->ts, &err) < 0) {
			send_item_fail(it, "failed", &err);
			send_queue_done(w->s, it);
			return GO_ON;
		}
		if (other)
			memcpy(it->sent_as, d->ts, sizeof(it->sent_as));
	}
	return send_bytes(w, scu, c->context, it, d);
}

/* Neither outside of the window nor once we are asked to stop. */
static bool may_go_on(const struct img_send *s)
{
	return in_window(s) && !s->host.stopped(s->host.arg);
}

/* All that this association takes. */
static enum then use_assoc(struct send_worker *w, struct img_scu *scu,
			   struct send_plan *p)
{
	struct img_send *s = w->s;
	struct send_item *it, *next = NULL;
	enum then then = GO_ON;
	int slot = 0;

	it = send_queue_of(s, p->accepted, p->n_accepted, true);
	if (it)
		fetch(w, it, slot);
	while (it && then == GO_ON) {
		fetched(w);
		next = may_go_on(s) ? send_queue_of(s, p->accepted,
						    p->n_accepted, false)
				    : NULL;
		if (next)
			fetch(w, next, !slot);
		then = send_one(w, scu, p, it, slot);
		if (then == GO_ON && w->n_unproved >= SEND_PROVE &&
		    send_prove(w, scu, p) < 0)
			then = BROKEN;
		send_loaded_drop(&w->loaded[slot]);
		it = next;
		slot = !slot;
		if (!it && then == GO_ON && may_go_on(s)) {
			it = send_queue_of(s, p->accepted, p->n_accepted, true);
			if (it)
				fetch(w, it, slot);
		}
	}
	if (it) {
		fetched(w);
		send_loaded_drop(&w->loaded[slot]);
		if (it->status)
			send_queue_done(s, it);
		else
			send_queue_back(s, it);
	}
	if (send_prove(w, then == BROKEN ? NULL : scu, p) < 0)
		then = BROKEN;
	return then;
}

/* A peer that breaks every association is not there. */
static void give_up(struct img_send *s)
{
	struct img_err why = IMG_ERR_INIT;

	img_err_set(&why, IMG_E_TRANSPORT,
		    "the peer has broken %d associations in a row", GIVE_UP);
	send_set_down(s, &why);
}

/* ---- the thread ------------------------------------------------------- */

bool send_is_hopeless(struct img_send *s, struct send_item *it)
{
	struct img_err why = IMG_ERR_INIT;
	const struct send_group *g;
	size_t i;

	pthread_mutex_lock(&s->lock);
	i = send_group_find(s, it);
	g = i != SIZE_MAX ? &s->groups[i] : NULL;
	up_again(s, it);
	if (s->down)
		img_err_set(&why, s->down_code, "%s", s->down);
	else if (!g)
		img_err_set(&why, IMG_E_NOMEM, "out of memory");
	else if (g->asked && g->result && !*g->via)
		img_err_set(&why, IMG_E_REFUSED, "%s",
			    img_context_text(g->result));
	pthread_mutex_unlock(&s->lock);
	if (why.code == IMG_OK)
		return false;
	it->common = true;
	/* A file of ours that cannot be read is no answer of the peer. */
	send_item_fail(it,
		       why.code == IMG_E_REFUSED || why.code == IMG_E_BUSY ||
				       why.code == IMG_E_UNSUPPORTED
			       ? "refused"
			       : "failed",
		       &why);
	send_queue_done(s, it);
	return true;
}

static void *work(void *arg)
{
	struct send_worker *w = arg;
	struct img_send *s = w->s;
	struct send_item *it;
	unsigned idle = 0; /* associations in a row without an answer */

	if (*s->opts.peer.url) {
		send_stow(w);
		return NULL;
	}
	while ((it = send_queue_any(s)) != NULL) {
		struct img_scu *scu = NULL;
		struct send_plan p;
		enum then then;

		if (send_is_hopeless(s, it))
			continue;
		if (!send_window(s)) {
			send_queue_back(s, it);
			break;
		}
		if (send_plan_make(s, send_group_of(s, it), &p) < 0) {
			struct img_err why = IMG_ERR_INIT;

			img_err_set(&why, IMG_E_NOMEM, "out of memory");
			send_item_fail(it, "failed", &why);
			send_queue_done(s, it);
			continue;
		}
		/* The association takes it out again, with what is like it. */
		send_queue_back(s, it);
		if (open_assoc(w, &scu, &p) == 0) {
			send_plan_answered(s, &p);
			w->answers = 0;
			if (w->last_ok == 0)
				w->last_ok = img_time_mono();
			then = use_assoc(w, scu, &p);
			img_scu_close(scu, then != BROKEN);
			idle = then == BROKEN && !w->answers ? idle + 1 : 0;
			if (idle > GIVE_UP)
				give_up(s);
			else if (idle > 3)
				nap(s, send_delay(idle - 4));
			if (then == LATER)
				nap(s, send_delay(2));
		}
		send_plan_release(&p);
	}
	return NULL;
}

/* ---- starting and ending ---------------------------------------------- */

static int start_one(struct img_send *s, struct send_worker *w,
		     struct img_err *err)
{
	w->s = w->loader.s = w->recoder.s = s;
	w->loaded[0].fd = w->loaded[1].fd = -1;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->turn, NULL);
	w->loader.reader = img_dicom_reader_new(err);
	w->recoder.reader = img_dicom_reader_new(err);
	if (!w->loader.reader || !w->recoder.reader)
		return -1;
	if (pthread_create(&w->helper, NULL, load_ahead, w) != 0)
		return img_err_set(err, IMG_E_NOMEM, "no more threads");
	w->has_helper = true;
	if (pthread_create(&w->thread, NULL, work, w) != 0)
		return img_err_set(err, IMG_E_NOMEM, "no more threads");
	w->has_thread = true;
	return 0;
}

int send_workers_start(struct img_send *s, struct img_err *err)
{
	unsigned n = s->opts.jobs ? s->opts.jobs : 1;

	s->workers = calloc(n, sizeof(*s->workers));
	if (!s->workers)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	while (s->n_workers < n)
		if (start_one(s, &s->workers[s->n_workers++], err) < 0)
			return -1;
	return 0;
}

void send_workers_join(struct img_send *s)
{
	for (unsigned i = 0; i < s->n_workers; i++) {
		struct send_worker *w = &s->workers[i];

		if (w->has_thread)
			pthread_join(w->thread, NULL);
		pthread_mutex_lock(&w->lock);
		w->quit = true;
		pthread_cond_broadcast(&w->turn);
		pthread_mutex_unlock(&w->lock);
		if (w->has_helper)
			pthread_join(w->helper, NULL);
		for (int k = 0; k < 2; k++) {
			send_loaded_drop(&w->loaded[k]);
			free(w->loaded[k].p);
		}
		img_dicom_reader_free(w->loader.reader);
		img_dicom_reader_free(w->recoder.reader);
		img_codec_session_close(w->recoder.session);
		pthread_cond_destroy(&w->turn);
		pthread_mutex_destroy(&w->lock);
	}
	free(s->workers);
	s->workers = NULL;
	s->n_workers = 0;
}
