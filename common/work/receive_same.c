/* receive_same.c - whether what came is in the archive already, behind other
   file meta information: on the network there is none, and each program that
   writes a file makes its own.  If it is not, whether it is the same image in
   another encoding (alike.c). */
#include <string.h>
#include <unistd.h>

#include "work/receive_private.h"

#define BLOCK 65536

/* Both files from these offsets on to their ends. */
static bool same_bytes(int a, uint64_t at_a, int b, uint64_t at_b, uint64_t n)
{
	static uint8_t x[BLOCK], y[BLOCK];

	while (n) {
		size_t part = n < BLOCK ? (size_t)n : BLOCK;

		if (img_pread_full(a, x, part, (off_t)at_a) != (ssize_t)part ||
		    img_pread_full(b, y, part, (off_t)at_b) != (ssize_t)part ||
		    memcmp(x, y, part) != 0)
			return false;
		at_a += part;
		at_b += part;
		n -= part;
	}
	return true;
}

static bool skip_meta(struct img_dicom_reader *in, struct img_err *err)
{
	struct img_dicom_event ev;

	do
		if (img_dicom_next(in, &ev, err) <= 0)
			return false;
	while (ev.meta);
	return true;
}

/* Whether the object has the data set that fd has from offset dataset on. */
static bool has_data_set(struct assoc *s, const struct img_object *o, int fd)
{
	const struct item *it = &s->chunk.item[0];
	struct img_receive *r = s->r;
	struct img_err err = IMG_ERR_INIT;
	uint64_t dataset, n = it->in.bytes - s->dataset;
	bool same = false;
	int old;

	if (o->place)
		return false; /* a file of somebody else's promises nothing */
	old = img_store_get(r->g->store, o->digest, &err);
	if (old < 0)
		return false;
	/* Where the data set begins is known with its first element. */
	if (img_dicom_start_fd(r->reader, old, o->bytes, "object", NULL,
			       &err) == 0 &&
	    skip_meta(r->reader, &err)) {
		dataset = img_dicom_facts(r->reader)->dataset;
		same = dataset < o->bytes && o->bytes - dataset == n &&
		       same_bytes(old, dataset, fd, s->dataset, n);
	}
	close(old);
	return same;
}

/* In the archive, in the same transfer syntax; it is known then. */
static void look_for(struct assoc *s, int64_t instance)
{
	struct img_ingest *g = s->r->g;
	struct item *it = &s->chunk.item[0];
	int syntax = img_catalog_field("TransferSyntaxUID");
	struct img_err err = IMG_ERR_INIT;
	struct img_object o;
	int fd = img_store_reopen(g->store, &it->file, &err);

	for (int64_t n = 0; fd >= 0 && img_catalog_object(g->catalog, instance,
							  n, &o, &err) > 0;
	     n++) {
		if (!o.transfer_syntax || !it->in.field[syntax] ||
		    strcmp(o.transfer_syntax, it->in.field[syntax]) != 0 ||
		    !has_data_set(s, &o, fd))
			continue;
		img_store_drop(g->store, &it->file);
		it->outcome = KNOWN;
		memcpy(it->in.digest, o.digest, sizeof(it->in.digest));
		it->in.bytes = o.bytes;
		break;
	}
	if (fd >= 0)
		close(fd);
}

static bool has_uid_of(const struct assoc *s, const struct assoc *other)
{
	const struct item *a = &s->chunk.item[0], *b = &other->chunk.item[0];
	int sop = img_catalog_field("SOPInstanceUID");

	return b->outcome == OBJECT && a->in.field[sop] && b->in.field[sop] &&
	       strcmp(a->in.field[sop], b->in.field[sop]) == 0;
}

/* Whether it is still to be compared with what has its UID: others may have
   come while that was done. */
static bool note_rivals(struct assoc *s, const struct img_put *put)
{
	struct item *it = &s->chunk.item[0];
	struct likeness *l = it->alike;
	size_t n = l && l->compared ? l->n : 0;
	struct img_err err = IMG_ERR_INIT;

	if (l && l->same)
		return false;
	it->put = *put;
	if (alike_note_rivals(s->r->g, &s->chunk.arena, it, &err) < 0)
		return false;
	it->alike->compared = it->alike->n == n;
	return !it->alike->compared;
}

enum receive_turn receive_same(struct assoc *s, const struct assoc *before)
{
	struct item *it = &s->chunk.item[0];
	struct img_err err = IMG_ERR_INIT;
	struct img_put put;

	if (it->outcome != OBJECT)
		return RECEIVE_NOW;
	for (; before != s; before = before->queued)
		if (has_uid_of(s, before))
			return RECEIVE_AGAIN;
	if (img_catalog_judge(s->r->g->catalog, &it->in, &put, &err) < 0 ||
	    put.verdict != IMG_CONFLICT)
		return RECEIVE_NOW;
	look_for(s, put.instance);
	return it->outcome == OBJECT && note_rivals(s, &put) ? RECEIVE_COMPARE
							     : RECEIVE_NOW;
}

/* ---- decoding --------------------------------------------------------- */

/* The peer waits for its answer; what is being compared now is over first. */
#define COMPARE_SECONDS 20
#define TURN_SECONDS    (COMPARE_SECONDS + 2)

struct patience {
	struct img_receive *r;
	double until;
};

static bool no_time(void *arg)
{
	struct patience *p = arg;
	bool stopping;

	pthread_mutex_lock(&p->r->lock);
	stopping = p->r->stopping;
	pthread_mutex_unlock(&p->r->lock);
	return stopping || img_time_mono() >= p->until;
}

void receive_compare(struct assoc *s)
{
	struct img_receive *r = s->r;
	struct patience p = { r, 0 };
	bool mine = receive_turn_take(s, &r->comparing, TURN_SECONDS);

	if (mine)
		p.until = img_time_mono() + COMPARE_SECONDS;
	alike_resolve_one(r->g, &s->chunk.arena, &s->chunk.item[0], no_time,
			  &p);
	if (mine)
		receive_turn_give(s, &r->comparing);
}
