/* send_worker.h - a thread that sends, and what it asks of the peer. */
#ifndef IMG_SEND_WORKER_H
#define IMG_SEND_WORKER_H

#include <stdio.h>

#include "work/send_private.h"

struct send_worker {
	struct img_send *s;
	pthread_t thread, helper;
	bool has_thread, has_helper;
	pthread_mutex_t lock;
	pthread_cond_t turn;
	/* the helper's */
	struct send_loader loader;
	struct send_loader recoder; /* of the thread that sends */
	struct send_item *ask;      /* to be loaded into slot */
	int slot;
	bool quit;
	struct send_item *unproved; /* sent; proof is still to come */
	struct send_item *last_unproved;
	size_t n_unproved;
	struct send_event *event; /* that is waited for */
	unsigned answers;         /* on this association */
	unsigned busy;            /* answers of A7xx in a row */
	double last_ok;           /* when an object was taken */
	struct send_loaded loaded[2];
	int rc[2];
};

/* How objects of a group go over an association. */
struct send_choice {
	size_t group;
	int own, other; /* contexts; -1: none */
	bool accepted;
	uint8_t context;
	char ts[IMG_UID_MAX];
};

/* The presentation contexts of one association. */
struct send_plan {
	struct img_assoc_context c[IMG_ASSOC_CONTEXTS];
	const char *ts[IMG_ASSOC_CONTEXTS][2];
	char (*uid)[IMG_UID_MAX]; /* what c and ts point to */
	size_t n, uids;
	struct send_choice of[IMG_ASSOC_CONTEXTS];
	size_t n_of;
	size_t accepted[IMG_ASSOC_CONTEXTS]; /* groups, when answered */
	size_t n_accepted;
	struct img_assoc_context *commit, *find; /* NULL: not asked for */
};

/* Contexts for the group first and as many others that wait as fit. */
int send_plan_make(struct img_send *s, size_t first, struct send_plan *p);
void send_plan_release(struct send_plan *p);
/* The peer has answered; what it takes of no kind is told by its group. */
void send_plan_answered(struct img_send *s, struct send_plan *p);
/* How objects of a group go; NULL: not on this association. */
const struct send_choice *send_plan_of(const struct send_plan *p, size_t group);

/* ---- send_worker.c ---- */

/* The peer cannot be reached: nothing more is sent. */
void send_set_down(struct img_send *s, const struct img_err *why);
/* Seconds to wait before another attempt, of which this many have failed
   before. */
double send_delay(unsigned attempt);
/* Whether an item has no chance; then its record comes. */
bool send_is_hopeless(struct img_send *s, struct send_item *it);
/* Waits for the time of the day at which objects may begin; false: it was
   stopped before. */
bool send_window(struct img_send *s);

/* ---- send_stow.c ---- */

/* The thread of a peer that is a DICOMweb server. */
void send_stow(struct send_worker *w);

/* ---- send_proof.c ---- */

#define SEND_PROVE 500 /* so many at a time */

uint16_t send_event(void *arg, const struct img_command *c, const char *ts,
		    const void *data, size_t n);
/* Reports that come on associations of the peer's. */
int send_await(struct img_send *s, struct img_err *err);
void send_unproved(struct send_worker *w, struct send_item *it);
/* Asks for proof of all that wait for it; their records come.  scu NULL: there
   is no association.  -1: it broke. */
int send_prove(struct send_worker *w, struct img_scu *scu,
	       const struct send_plan *p);

#endif
