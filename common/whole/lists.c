/* lists.c - what should be there, one by one: discs, selections, a peer. */
#include <stdio.h>
#include <string.h>

#include "whole/inside.h"

struct tally {
	uint64_t listed, here; /* of what is listed */
	struct img_whole_witness *h;
};

static const struct whole_object *find_here(const struct img_whole *w,
					    size_t sop)
{
	size_t low = 0, high = w->order_n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct whole_object *o = &w->object[w->order[mid]];
		int rc = whole_by_text(w, o->sop, sop);

		if (rc == 0)
			return o;
		if (rc < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static const char *const kinds[] = { [WHOLE_DICOMDIR] = "dicomdir",
				     [WHOLE_MANIFEST] = "manifest",
				     [WHOLE_REFERENCES] = "references",
				     [WHOLE_DOSE] = "references" };

/* refs[0..n): of one list and one study, by UID. */
static void count_refs(const struct img_whole *w, const struct whole_ref *refs,
		       size_t n, struct tally *t)
{
	for (size_t i = 0; i < n; i++) {
		if (i && whole_by_text(w, refs[i].sop, refs[i - 1].sop) == 0)
			continue;
		t->listed++;
		t->here += find_here(w, refs[i].sop) != NULL;
	}
}

static void name_absent(struct img_whole *w, const struct whole_ref *refs,
			size_t n, struct img_whole_witness *h)
{
	for (size_t i = 0; i < n; i++)
		if ((i == 0 ||
		     whole_by_text(w, refs[i].sop, refs[i - 1].sop) != 0) &&
		    !find_here(w, refs[i].sop))
			whole_absent(w, h, whole_text(w, refs[i].sop));
}

/* Whether something is here that a list should have and has not: selections
   are made after what they list. */
static bool has_fewer(const struct img_whole *w, const struct whole_study *s,
		      bool selections, uint64_t listed)
{
	uint64_t n = 0;

	for (size_t i = s->first; i < s->end; i++)
		n += selections || !w->object[i].selection;
	return n > listed;
}

static void hear_list(struct img_whole *w, const struct whole_study *s,
		      const struct whole_ref *refs, size_t n)
{
	const struct whole_list *list = &w->list[refs->list];
	const char *name = kinds[list->kind];
	struct img_whole_witness *h;
	struct tally t = { 0 };

	count_refs(w, refs, n, &t);
	if (t.here < t.listed)
		h = whole_say(w, name,
			      list->kind == WHOLE_DOSE ? IMG_WHOLE_UNKNOWN
						       : IMG_WHOLE_GAP,
			      0, "%llu of %llu that it lists are not here",
			      (unsigned long long)(t.listed - t.here),
			      (unsigned long long)t.listed);
	else if (list->kind >= WHOLE_REFERENCES)
		return;
	else if (list->partial ||
		 has_fewer(w, s, list->kind == WHOLE_DICOMDIR, t.listed))
		h = whole_say(w, name, IMG_WHOLE_UNKNOWN, 0,
			      "all that it lists is here, and more");
	else
		h = whole_say(w, name, IMG_WHOLE_COMPLETE, 0,
			      "all that it lists is here");
	if (!h)
		return;
	snprintf(h->source, sizeof(h->source), "%s", whole_text(w, list->name));
	h->expected = t.listed;
	h->found = t.here;
	h->missing = t.listed - t.here;
	name_absent(w, refs, n, h);
}

/* The references of a study, list by list. */
static void hear_refs(struct img_whole *w, const struct whole_study *s,
		      const struct whole_refs *refs)
{
	size_t low = 0, high = refs->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (whole_by_text(w, refs->at[mid].study, s->name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t i = low, end; i < refs->n; i = end) {
		if (whole_by_text(w, refs->at[i].study, s->name) != 0)
			return;
		for (end = i + 1;
		     end < refs->n && refs->at[end].list == refs->at[i].list &&
		     whole_by_text(w, refs->at[end].study, s->name) == 0;)
			end++;
		hear_list(w, s, &refs->at[i], end - i);
	}
}

/* ---- the peer ----------------------------------------------------------- */

static uint64_t in_series(const struct img_whole *w,
			  const struct whole_study *s, size_t series)
{
	uint64_t n = 0;

	for (size_t i = s->first; i < s->end; i++)
		n += whole_by_text(w, w->object[i].series, series) == 0;
	return n;
}

static void hear_peer(struct img_whole *w, const struct whole_study *s)
{
	const struct whole_refs *refs = &w->peer.refs;
	uint64_t here, listed = 0, found = 0;
	struct img_whole_witness *h;

	for (size_t i = 0; i < refs->n; i++) {
		const struct whole_ref *r = &refs->at[i];

		listed += r->sop ? 1 : r->list;
		here = r->sop ? find_here(w, r->sop) != NULL
			      : in_series(w, s, r->series);
		found += r->sop || here < r->list ? here : r->list;
	}
	if (!listed)
		h = whole_say(w, "peer", IMG_WHOLE_UNKNOWN, 0,
			      "it does not have this study");
	else if (found < listed)
		h = whole_say(w, "peer", IMG_WHOLE_GAP, 0,
			      "%llu of %llu that it has are not here",
			      (unsigned long long)(listed - found),
			      (unsigned long long)listed);
	else if (has_fewer(w, s, true, listed))
		h = whole_say(w, "peer", IMG_WHOLE_UNKNOWN, 0,
			      "all that it has is here, and more");
	else
		h = whole_say(w, "peer", IMG_WHOLE_COMPLETE, 0,
			      "all that it has is here");
	if (!h)
		return;
	snprintf(h->source, sizeof(h->source), "%s", w->peer.name);
	h->expected = listed;
	h->found = found;
	h->missing = listed - found;
	for (size_t i = 0; i < refs->n; i++)
		if (refs->at[i].sop && !find_here(w, refs->at[i].sop))
			whole_absent(w, h, whole_text(w, refs->at[i].sop));
}

void whole_hear_lists(struct img_whole *w, const struct whole_study *s)
{
	hear_refs(w, s, &w->stay);
	hear_refs(w, s, &w->refs);
	if (w->peer.said)
		hear_peer(w, s);
}
