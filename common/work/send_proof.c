/* send_proof.c - does the peer vouch for what it has answered to have? */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work/send_worker.h"

/* ---- storage commitment ----------------------------------------------- */

struct send_event {
	const char *transaction;
	struct img_commitment found;
	bool came;
};

/* That of another run, or of another list, is heard and not used. */
static bool take_report(struct send_worker *w, struct img_commitment *got)
{
	struct send_event *e = w->event;

	if (!e || e->came || strcmp(got->transaction, e->transaction) != 0)
		return false;
	e->found = *got;
	e->came = true;
	return true;
}

/* An N-EVENT-REPORT: 1 all committed, 2 some failed (PS3.4 J.3.3). */
static uint16_t report(struct img_send *s, const struct img_command *c,
		       const char *ts, const void *data, size_t n)
{
	struct img_commitment got = { 0 };
	struct img_err err = IMG_ERR_INIT;
	bool taken = false;
	int rc;

	if (strcmp(c->sop_class, IMG_COMMITMENT) != 0)
		return 0x0118;
	if (c->type != 1 && c->type != 2)
		return 0x0113;
	rc = img_commitment_read(&got, ts, data, n, &err);
	pthread_mutex_lock(&s->event_lock);
	for (unsigned i = 0; rc == 0 && i < s->n_workers && !taken; i++)
		taken = take_report(&s->workers[i], &got);
	pthread_mutex_unlock(&s->event_lock);
	if (!taken)
		img_commitment_release(&got);
	return rc < 0 ? 0x0110 : 0;
}

uint16_t send_event(void *arg, const struct img_command *c, const char *ts,
		    const void *data, size_t n)
{
	struct send_worker *w = arg;

	return report(w->s, c, ts, data, n);
}

static uint16_t event_of_theirs(void *arg, const struct img_command *c,
				const char *ts, const void *data, size_t n)
{
	return report(arg, c, ts, data, n);
}

int send_await(struct img_send *s, struct img_err *err)
{
	if (!s->opts.commit_port)
		return 0;
	return img_await_open(&s->await, &s->opts.peer, s->opts.commit_port,
			      s->opts.connect_seconds, event_of_theirs, s, err);
}

static void set_event(struct send_worker *w, struct send_event *e)
{
	pthread_mutex_lock(&w->s->event_lock);
	w->event = e;
	pthread_mutex_unlock(&w->s->event_lock);
}

static bool has_come(struct send_worker *w, const struct send_event *e)
{
	bool came;

	pthread_mutex_lock(&w->s->event_lock);
	came = e->came;
	pthread_mutex_unlock(&w->s->event_lock);
	return came;
}

static void committed(struct send_item *it, uint16_t reason)
{
	struct img_err why = IMG_ERR_INIT;

	if (reason == 0) {
		it->status = "committed";
		it->proof = "committed";
		return;
	}
	it->status = NULL;
	it->response = reason;
	img_err_set(&why, IMG_E_REFUSED,
		    "the peer has answered that it stored it, and does not "
		    "commit to it: %04X: %s",
		    reason, img_answer_text(reason));
	send_item_fail(it, "failed", &why);
}

static int by_sop(const void *a, const void *b)
{
	const struct img_commitment_ref *x = a, *y = b;

	return strcmp(x->sop, y->sop);
}

/* What the report says of it: 0 committed, else why not; -1 nothing.  Of one
   that is reported twice the failure counts.  One that is committed to has the
   SOP class that was asked for (PS3.4 J.3.3). */
static int reason_of(const struct img_commitment *found,
		     const struct img_commitment_ref *r, const char *sop_class)
{
	const struct img_commitment_ref *end = found->ref + found->n;
	const struct img_commitment_ref *first = r;
	int reason = -1;

	while (first > found->ref && by_sop(first - 1, r) == 0)
		first--;
	for (; first < end && by_sop(first, r) == 0; first++) {
		if (first->reason != 0)
			return first->reason;
		if (strcmp(first->sop_class, sop_class) == 0)
			reason = 0;
	}
	return reason;
}

static void apply(struct img_send *s, struct send_item *list,
		  struct img_commitment *found)
{
	if (found->n)
		qsort(found->ref, found->n, sizeof(*found->ref), by_sop);
	for (struct send_item *it = list; it; it = it->next) {
		struct img_commitment_ref key, *r;
		int reason = -1;

		memset(&key, 0, sizeof(key));
		memcpy(key.sop, it->sop, sizeof(key.sop));
		r = found->n ? bsearch(&key, found->ref, found->n,
				       sizeof(*found->ref), by_sop)
			     : NULL;
		if (r)
			reason = reason_of(found, r, it->sop_class);
		if (reason > 0 || (reason == 0 && send_uids_alone(s, it)))
			committed(it, (uint16_t)reason);
	}
}

/* 1 the peer has told what it commits to, 0 not, -1 the association broke. */
static int ask_commitment(struct send_worker *w, struct img_scu *scu,
			  uint8_t context, struct send_item *list,
			  struct img_err *err)
{
	struct img_commitment ask = { 0 };
	struct send_event e = { .transaction = ask.transaction };
	double until;
	uint64_t number;
	uint16_t status = 0;
	bool over = false;
	int rc = 0;

	img_random(&number, sizeof(number));
	snprintf(ask.transaction, sizeof(ask.transaction), "2.25.%" PRIu64,
		 number | (uint64_t)1 << 63);
	for (struct send_item *it = list; it && rc == 0; it = it->next)
		rc = img_commitment_add(&ask, it->sop_class, it->sop, 0, err);
	set_event(w, &e);
	if (rc == 0)
		rc = img_scu_commit(scu, context, &ask, &status, err);
	until = img_time_mono() + w->s->opts.commit_seconds;
	while (rc == 0 && status == 0 && !has_come(w, &e)) {
		if (img_time_mono() > until ||
		    w->s->host.stopped(w->s->host.arg))
			break;
		if (!over && img_scu_wait(scu, 1, &over, err) < 0 &&
		    !w->s->await)
			break;
		if (over)
			usleep(100000);
	}
	set_event(w, NULL);
	if (e.came)
		apply(w->s, list, &e.found);
	img_commitment_release(&e.found);
	img_commitment_release(&ask);
	return e.came ? 1 : rc < 0 || over ? -1 : 0;
}

/* ---- C-FIND ----------------------------------------------------------- */

struct search {
	struct img_send *s;
	struct send_item *list;
	const char *series;
};

static void is_there(void *arg, const char *sop)
{
	struct search *s = arg;

	for (struct send_item *it = s->list; it; it = it->next)
		if (strcmp(it->sop, sop) == 0 &&
		    strcmp(it->series, s->series) == 0 &&
		    send_uids_alone(s->s, it))
			it->proof = "found";
}

static bool wants_query(const struct send_item *it)
{
	return strcmp(it->status, "sent") == 0 && *it->study && *it->series &&
	       strcmp(it->proof, "response") == 0;
}

/* A series at a time; its instances are next to each other as a rule. */
static int ask_query(struct img_send *s, struct img_scu *scu, uint8_t context,
		     struct send_item *list, struct img_err *err)
{
	const char *last = "";

	for (struct send_item *it = list; it; it = it->next) {
		struct search search = { s, list, it->series };

		if (!wants_query(it) || strcmp(it->series, last) == 0)
			continue;
		last = it->series;
		if (img_scu_find(scu, context, it->study, it->series, is_there,
				 &search, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- all of it -------------------------------------------------------- */

static void unproved(struct img_send *s, struct send_item *it,
		     const struct img_err *why)
{
	const char *text = "the peer does not vouch for it";

	if (strcmp(it->status, "sent") != 0 ||
	    strcmp(it->proof, "response") != 0)
		return;
	if (why->code != IMG_OK)
		text = why->text;
	else if (!send_uids_alone(s, it))
		text = "other bytes with its UID were sent there, too";
	free(it->warning);
	if (asprintf(&it->warning, "unproved: %s", text) < 0)
		it->warning = NULL;
}

/* So that a run that is killed while it waits need not send it again. */
static void remember(struct img_send *s, struct send_item *list)
{
	struct img_err err = IMG_ERR_INIT;

	if (send_ledger_note(s, list, &err) < 0)
		s->host.trouble(s->host.arg, &err);
}

int send_prove(struct send_worker *w, struct img_scu *scu,
	       const struct send_plan *p)
{
	struct send_item *list = w->unproved, *it;
	struct img_err err = IMG_ERR_INIT;
	int rc = 0;

	w->unproved = NULL;
	w->n_unproved = 0;
	if (!list)
		return 0;
	remember(w->s, list);
	if (scu && p->commit && p->commit->result == 0)
		rc = ask_commitment(w, scu, p->commit->id, list, &err);
	if (scu && rc == 0 && p->find && p->find->result == 0) {
		img_err_clear(&err);
		if (ask_query(w->s, scu, p->find->id, list, &err) < 0 &&
		    err.code != IMG_E_REFUSED)
			rc = -1;
	}
	while ((it = list) != NULL) {
		list = it->next;
		unproved(w->s, it, &err);
		send_queue_done(w->s, it);
	}
	return rc < 0 ? -1 : 0;
}

void send_unproved(struct send_worker *w, struct send_item *it)
{
	it->next = NULL;
	if (w->unproved)
		w->last_unproved->next = it;
	else
		w->unproved = it;
	w->last_unproved = it;
	w->n_unproved++;
}
