/* verify_peer.c - what a peer has of a study (C-FIND, PS3.4 Annex C). */
#include <stdlib.h>
#include <string.h>

#include "net/net.h"
#include "whole/whole.h"
#include "work/verify_complete.h"

#define SECONDS 30

struct series {
	char uid[IMG_UID_MAX];
	uint64_t instances;
};

struct asked {
	struct img_peer peer;
	struct img_assoc_context context;
	struct img_scu *scu;
	struct img_err down; /* it cannot be reached at all */
	struct img_buf series,
		uids;       /* of the study; of the series, NUL ended */
	uint64_t n;         /* uids */
	struct img_err why; /* an answer could not be kept */
};

int asked_open(struct asked **out, const char *archive, const char *peer,
	       struct img_err *err)
{
	struct asked *a = calloc(1, sizeof(*a));

	if (!a)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	img_buf_init(&a->series, 64u << 20);
	img_buf_init(&a->uids, 256u << 20);
	if (img_peer_get(&a->peer, archive, peer, err) < 0 ||
	    img_peer_check(&a->peer, err) < 0) {
		asked_close(a);
		return -1;
	}
	if (*a->peer.url) {
		asked_close(a);
		return img_err_set(err, IMG_E_USAGE,
				   "--peer: C-FIND is not for https");
	}
	*out = a;
	return 0;
}

void asked_close(struct asked *a)
{
	if (!a)
		return;
	img_scu_close(a->scu, true);
	img_buf_release(&a->series);
	img_buf_release(&a->uids);
	free(a);
}

static int connect_peer(struct asked *a, struct img_err *err)
{
	static const char *const ts[] = { "1.2.840.10008.1.2.1",
					  "1.2.840.10008.1.2" };
	const struct img_scu_opts o = { .connect_seconds = SECONDS,
					.assoc_seconds = SECONDS,
					.dimse_seconds = SECONDS };

	if (a->scu)
		return 0;
	if (a->down.code != IMG_OK)
		return img_err_set(err, a->down.code, "%s", a->down.text);
	memset(&a->context, 0, sizeof(a->context));
	a->context.abstract = IMG_STUDY_ROOT_FIND;
	a->context.ts = ts;
	a->context.n_ts = 2;
	if (img_scu_open(&a->scu, &a->peer, &o, &a->context, 1, &a->down) < 0)
		return img_err_set(err, a->down.code, "%s", a->down.text);
	if (a->context.result == 0)
		return 0;
	img_scu_close(a->scu, true);
	a->scu = NULL;
	img_err_set(&a->down, IMG_E_REFUSED, "%s: C-FIND: %s", a->peer.name,
		    img_context_text(a->context.result));
	return img_err_set(err, a->down.code, "%s", a->down.text);
}

static void one_series(void *arg, const char *uid, uint64_t instances)
{
	struct asked *a = arg;
	struct series s = { .instances = instances };

	if (!*uid || strlen(uid) >= sizeof(s.uid))
		return;
	memcpy(s.uid, uid, strlen(uid));
	(void)img_buf_add(&a->series, &s, sizeof(s), &a->why);
}

static void one_instance(void *arg, const char *sop)
{
	struct asked *a = arg;

	a->n++;
	(void)img_buf_add(&a->uids, sop, strlen(sop) + 1, &a->why);
}

/* Its instances one by one, or as many as it says where it does not list all
   of them. */
static int ask_series(struct asked *a, const char *study,
		      const struct series *s, struct img_whole *w,
		      struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	const char *p, *end;

	img_buf_reset(&a->uids);
	a->n = 0;
	if (img_scu_find(a->scu, a->context.id, study, s->uid, one_instance, a,
			 &why) < 0 &&
	    (why.code != IMG_E_REFUSED || !s->instances))
		return img_err_set(err, why.code, "%s", why.text);
	if (a->why.code != IMG_OK)
		return img_err_set(err, a->why.code, "%s", a->why.text);
	if (a->n == 0 && s->instances == 0)
		return img_err_set(err, IMG_E_REFUSED,
				   "%s: lists a series and none of its images",
				   a->peer.name);
	if (why.code != IMG_OK || a->n < s->instances)
		return img_whole_peer(w, s->uid, NULL, s->instances, err);
	p = img_buf_str(&a->uids);
	for (end = p + a->uids.len; p < end; p += strlen(p) + 1)
		if (img_whole_peer(w, s->uid, p, 1, err) < 0)
			return -1;
	return 0;
}

static int ask(struct asked *a, const char *study, struct img_whole *w,
	       struct img_err *err)
{
	struct series s;

	img_buf_reset(&a->series);
	if (img_scu_find_series(a->scu, a->context.id, study, one_series, a,
				err) < 0)
		return -1;
	if (a->why.code != IMG_OK)
		return img_err_set(err, a->why.code, "%s", a->why.text);
	for (size_t at = 0; at < a->series.len; at += sizeof(s)) {
		memcpy(&s, a->series.data + at, sizeof(s));
		if (ask_series(a, study, &s, w, err) < 0)
			return -1;
	}
	img_whole_peer_said(w, a->peer.name);
	return 0;
}

int asked_about(struct asked *a, const char *study, struct img_whole *w,
		struct img_err *err)
{
	if (!img_uid_ok(study))
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: not asked for what is no UID",
				   a->peer.name);
	img_err_clear(&a->why);
	if (connect_peer(a, err) < 0)
		return -1;
	if (ask(a, study, w, err) == 0)
		return 0;
	if (err->code != IMG_E_REFUSED) {
		img_scu_close(a->scu, false);
		a->scu = NULL;
	}
	return -1;
}
