/* receive_promise.c - storage commitment: what is asked for, and what is said
   of it (PS3.4 J.3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "work/receive_private.h"

/* Failure reasons (PS3.3 C.14.1.1) and a status (PS3.7 C.5.20). */
#define PROCESSING  0x0110
#define NO_INSTANCE 0x0112
#define OTHER_CLASS 0x0119
#define NO_ROOM     0x0213

/* 0 when an object of this instance and class is in the catalog and has the
   bytes that were stored. */
uint16_t receive_is_safe(struct img_catalog *c, struct img_store *store,
			 const char *sop, const char *sop_class)
{
	struct img_scope scope = { .level = IMG_IMAGE, .uid = sop };
	struct img_err err = IMG_ERR_INIT;
	enum img_fixity fixity = IMG_MISSING;
	struct img_objects *list = NULL;
	uint16_t reason = NO_INSTANCE;
	struct img_object o;

	if (img_catalog_expand(c, &scope, &list, &err) < 0)
		return PROCESSING;
	while (reason && img_objects_next(list, &o, &err) > 0) {
		int rc = o.place ? img_store_verify_path(o.place, o.digest,
							 false, &fixity, &err)
				 : img_store_verify(store, o.digest, false,
						    &fixity, &err);

		if (rc < 0 || fixity != IMG_INTACT)
			reason = PROCESSING;
		else
			reason = o.sop_class && strcmp(o.sop_class,
						       sop_class) == 0
					 ? 0
					 : OTHER_CLASS;
	}
	img_objects_close(list);
	return err.code == IMG_OK ? reason : PROCESSING;
}

static uint16_t is_safe(struct assoc *s, const char *sop, const char *sop_class)
{
	struct img_err err = IMG_ERR_INIT;

	if (img_catalog_follow(&s->catalog, s->r->g->home, IMG_READ, &err) < 0)
		return PROCESSING;
	return receive_is_safe(s->catalog, s->r->g->store, sop, sop_class);
}

/* Reports go to where peers.json has the peer, not to where it came from. */
static void look_up(struct assoc *s)
{
	struct img_peer *p = calloc(1, sizeof(*p));
	struct img_err err = IMG_ERR_INIT;
	struct img_owed *o = &s->owed;

	s->asked = true;
	snprintf(o->title, sizeof(o->title), "%.*s",
		 (int)(strrchr(s->peer, '@') - s->peer), s->peer);
	snprintf(o->address, sizeof(o->address), "%s", s->address);
	snprintf(o->called, sizeof(o->called), "%s", s->called);
	s->listed = p && img_peer_titled(p, s->r->g->home, o->title, s->address,
					 &err) > 0;
	free(p);
	if (err.code != IMG_OK)
		s->r->host.note(s->r->host.arg, &err);
}

/* What it has asked for so far: its answer to that report may be on its way. */
static void put_aside(struct assoc *s)
{
	if (!*s->owed.name)
		return;
	receive_report_hand(s->r, s->before);
	memcpy(s->before, s->owed.name, sizeof(s->before));
	memcpy(s->before_of, s->owed.c.transaction, sizeof(s->before_of));
	*s->owed.name = '\0';
}

static void ask_anew(struct assoc *s)
{
	put_aside(s);
	img_commitment_release(&s->owed.c);
	s->owed.judged = s->owes = false;
	s->judged = s->n_asked = 0;
	if (!s->asked)
		look_up(s);
}

/* All instances are known: with a place for the report, it is owed from the
   answer on. */
static int announced(struct assoc *s, const char *transaction,
		     struct img_err *err)
{
	struct img_down m = { .kind = IMG_DOWN_COMMIT };
	struct img_err why = IMG_ERR_INIT, text = IMG_ERR_INIT;

	if (!s->noting) /* it asks for nothing */
		ask_anew(s);
	s->noting = false;
	s->judging = true;
	memcpy(s->owed.c.transaction, transaction, IMG_UID_MAX);
	if (s->listed && img_owed_add(&s->r->owed, &s->owed, &why) < 0) {
		img_err_set(&text, why.code,
			    "%.96s: storage commitment refused: %.300s",
			    s->peer, why.text);
		s->r->host.note(s->r->host.arg, &text);
		m.status = NO_ROOM;
		s->judging = false;
	}
	return img_down_send(s->worker.fd, &m, -1, err);
}

static void confirmed(struct assoc *s, const char *transaction)
{
	struct img_owed_dir *d = &s->r->owed;

	if (strcmp(s->owed.c.transaction, transaction) == 0) {
		s->owes = false;
		if (*s->owed.name)
			img_owed_drop(d, s->owed.name);
		*s->owed.name = '\0';
	} else if (*s->before && strcmp(s->before_of, transaction) == 0) {
		img_owed_drop(d, s->before);
		*s->before = '\0';
	}
}

int receive_reported(struct assoc *s, const struct img_up *up,
		     struct img_err *err)
{
	if (!s->granted || s->open)
		return img_err_set(err, IMG_E_MALFORMED, "out of step");
	if (up->code == 2)
		return announced(s, up->u.object.sop, err);
	if (up->code == 1) {
		confirmed(s, up->u.object.sop);
		return 0;
	}
	if (!s->judging || s->judged != s->n_asked)
		return img_err_set(err, IMG_E_MALFORMED, "out of step");
	s->judging = false;
	s->owes = s->owed.judged = true;
	return 0;
}

/* It will be asked for; only what can be owed is kept. */
static int noted(struct assoc *s, const struct img_up *up, struct img_err *err)
{
	if (!s->noting)
		ask_anew(s);
	s->noting = true;
	s->n_asked++;
	return s->listed
		       ? img_commitment_add(&s->owed.c, up->u.object.sop_class,
					    up->u.object.sop, PROCESSING, err)
		       : 0;
}

int receive_promise(struct assoc *s, const struct img_up *up,
		    struct img_err *err)
{
	struct img_down m = { .kind = IMG_DOWN_COMMIT };

	if (!s->granted || s->open)
		return img_err_set(err, IMG_E_MALFORMED, "out of step");
	if (up->code)
		return noted(s, up, err);
	if (!s->judging || s->judged == s->n_asked ||
	    (s->listed &&
	     strcmp(s->owed.c.ref[s->judged].sop, up->u.object.sop) != 0))
		return img_err_set(err, IMG_E_MALFORMED, "out of step");
	m.status = is_safe(s, up->u.object.sop, up->u.object.sop_class);
	s->useful |= m.status == 0;
	if (s->listed)
		s->owed.c.ref[s->judged].reason = m.status;
	s->judged++;
	return img_down_send(s->worker.fd, &m, -1, err);
}
