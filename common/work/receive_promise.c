/* receive_promise.c - storage commitment: what is asked for, and what is said
   of it (PS3.4 J.3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "work/receive_private.h"

#define PROCESSING 0x0110

/* 0 when an object of this instance and class is in the catalog and has the
   bytes that were stored; else FailureReason (PS3.3 C.14.1.1). */
static uint16_t is_safe(struct assoc *s, const char *sop, const char *sop_class)
{
	struct img_scope scope = { .level = IMG_IMAGE, .uid = sop };
	struct img_err err = IMG_ERR_INIT;
	enum img_fixity fixity = IMG_MISSING;
	struct img_objects *list = NULL;
	uint16_t reason = 0x0112; /* no such object instance */
	struct img_object o;

	if (!s->catalog &&
	    img_catalog_open(&s->catalog, s->r->g->home, IMG_READ, &err) < 0)
		return PROCESSING;
	if (img_catalog_expand(s->catalog, &scope, &list, &err) < 0)
		return PROCESSING;
	while (reason && img_objects_next(list, &o, &err) > 0) {
		int rc = o.place ? img_store_verify_path(o.place, o.digest,
							 false, &fixity, &err)
				 : img_store_verify(s->r->g->store, o.digest,
						    false, &fixity, &err);

		if (rc < 0 || fixity != IMG_INTACT)
			reason = PROCESSING;
		else
			reason = o.sop_class && strcmp(o.sop_class,
						       sop_class) == 0
					 ? 0
					 : 0x0119; /* class-instance conflict */
	}
	img_objects_close(list);
	return err.code == IMG_OK ? reason : PROCESSING;
}

/* Reports go to where peers.json has the peer, not to where it came from. */
static void ask_anew(struct assoc *s)
{
	struct img_err err = IMG_ERR_INIT;
	char title[PEER_MAX];

	img_commitment_release(&s->owed);
	memset(&s->owed, 0, sizeof(s->owed));
	s->owes = false;
	s->asking = true;
	if (s->asked)
		return;
	s->asked = true;
	snprintf(title, sizeof(title), "%s", s->peer);
	if (strrchr(title, '@'))
		*strrchr(title, '@') = '\0';
	s->reports_to = calloc(1, sizeof(*s->reports_to));
	if (s->reports_to && img_peer_titled(s->reports_to, s->r->g->home,
					     title, s->address, &err) > 0) {
		snprintf(s->reports_to->calling, IMG_AET_MAX, "%s", s->called);
		return;
	}
	free(s->reports_to);
	s->reports_to = NULL;
	if (err.code != IMG_OK)
		s->r->host.note(s->r->host.arg, &err);
}

int receive_reported(struct assoc *s, const struct img_up *up)
{
	/* It may have asked for nothing. */
	if (up->code == 0 && !s->asking)
		ask_anew(s);
	s->asking = false;
	s->owes = up->code == 0;
	memcpy(s->owed.transaction, up->u.object.sop, IMG_UID_MAX);
	return 1;
}

int receive_promise(struct assoc *s, const struct img_up *up,
		    struct img_err *err)
{
	struct img_down m = { .kind = IMG_DOWN_COMMIT };

	if (!s->granted || s->open)
		return img_err_set(err, IMG_E_MALFORMED, "out of step");
	if (!s->asking)
		ask_anew(s);
	m.status = is_safe(s, up->u.object.sop, up->u.object.sop_class);
	if (s->reports_to &&
	    img_commitment_add(&s->owed, up->u.object.sop_class,
			       up->u.object.sop, m.status, err) < 0)
		return -1;
	return img_down_send(s->worker.fd, &m, -1, err);
}
