/* counts.c - what objects say of how many they are. */
#include <string.h>

#include "whole/inside.h"

static void counted(struct img_whole_witness *h, uint64_t expected,
		    uint64_t found)
{
	if (!h)
		return;
	h->expected = expected;
	h->found = found;
	h->missing = expected > found ? expected - found : 0;
}

/* More than was counted once came later: that count says nothing. */
static bool hear_count(struct img_whole *w, const char *name, size_t series,
		       uint64_t expected, uint64_t found, const char *what)
{
	if (!expected || found > expected)
		return false;
	counted(whole_say(w, name,
			  found < expected ? IMG_WHOLE_GAP : IMG_WHOLE_COMPLETE,
			  series, "%llu of %llu %s are here",
			  (unsigned long long)found,
			  (unsigned long long)expected, what),
		expected, found);
	return found == expected;
}

/* ---- acquisitions ------------------------------------------------------- */

struct acquisition {
	const struct whole_object *o; /* one of it */
	uint64_t n;                   /* of it */
};

static bool is_of(const struct whole_object *a, const struct whole_object *b)
{
	return a->has_acquisition == b->has_acquisition &&
	       (!a->has_acquisition || a->acquisition == b->acquisition);
}

static uint64_t count_like(const struct img_whole *w, size_t first, size_t end,
			   const struct whole_object *o)
{
	uint64_t n = 0;

	for (size_t i = first; i < end; i++)
		n += is_of(&w->object[i], o) &&
		     w->object[i].in_acquisition == o->in_acquisition;
	return n;
}

/*
 * ImagesInAcquisition (PS3.3 C.7.6.1): an acquisition can fill several series,
 * so what is short in one is looked for in all.  How many are here of one that
 * is whole, or 0.
 */
static uint64_t hear_acquisition(struct img_whole *w,
				 const struct whole_study *s, size_t first,
				 size_t end, const struct whole_object *o)
{
	uint64_t n = count_like(w, first, end, o);

	if (n >= o->in_acquisition)
		return n == o->in_acquisition ? n : 0;
	if (count_like(w, s->first, s->end, o) < o->in_acquisition)
		(void)hear_count(w, "images-in-acquisition", o->series,
				 o->in_acquisition, n,
				 "images of an acquisition");
	return 0;
}

#define ACQUISITIONS 64

static bool hear_acquisitions(struct img_whole *w, const struct whole_study *s,
			      size_t first, size_t end)
{
	const struct whole_object *seen[ACQUISITIONS];
	uint64_t whole = 0, images = 0, here;
	size_t n = 0, k;

	for (size_t i = first; i < end; i++) {
		const struct whole_object *o = &w->object[i];

		for (k = 0; k < n; k++)
			if (is_of(seen[k], o) &&
			    seen[k]->in_acquisition == o->in_acquisition)
				break;
		if (k < n)
			continue;
		if (n == ACQUISITIONS)
			return false;
		seen[n++] = o;
		here = hear_acquisition(w, s, first, end, o);
		whole += here > 0;
		images += here;
	}
	if (whole)
		(void)hear_count(w, "images-in-acquisition",
				 w->object[first].series, images, images,
				 whole == 1 ? "images of an acquisition"
					    : "images of its acquisitions");
	return whole == n;
}

/* ---- concatenations ----------------------------------------------------- */

/* PS3.3 C.7.6.16.1.3: one object in several parts. */
static void hear_concatenation(struct img_whole *w, size_t first, size_t end,
			       size_t at)
{
	const struct whole_object *o = &w->object[at];
	uint64_t found = 0, parts = 0;

	for (size_t i = first; i < end; i++) {
		const struct whole_object *p = &w->object[i];

		if (!p->concatenation ||
		    whole_by_text(w, p->concatenation, o->concatenation) != 0)
			continue;
		if (i < at)
			return; /* heard */
		found++;
		parts = p->parts > parts ? p->parts : parts;
	}
	if (found < parts)
		(void)hear_count(w, "concatenation", o->series, parts, found,
				 "parts of a concatenation");
}

/* ---- all of them -------------------------------------------------------- */

bool whole_hear_counts(struct img_whole *w, const struct whole_study *s,
		       size_t first, size_t end)
{
	const struct whole_object *o = &w->object[first];
	uint64_t n = end - first, most = 0, pet = o->pet;
	bool whole;

	for (size_t i = first; i < end; i++) {
		const struct whole_object *p = &w->object[i];

		most = p->in_series > most ? p->in_series : most;
		if (p->pet != pet)
			pet = 0;
		if (p->concatenation && p->parts)
			hear_concatenation(w, first, end, i);
	}
	whole = hear_count(w, "series-instances", o->series, most, n,
			   "instances of a series");
	whole |= hear_count(w, "pet-slices", o->series, pet, n,
			    "images of a PET series");
	whole |= hear_acquisitions(w, s, first, end);
	return whole;
}

void whole_hear_study(struct img_whole *w, const struct whole_study *s)
{
	uint64_t instances = 0, series = 0, here = w->verdict.series;

	for (size_t i = s->first; i < s->end; i++) {
		const struct whole_object *o = &w->object[i];

		if (o->in_study > instances)
			instances = o->in_study;
		if (o->series_in_study > series)
			series = o->series_in_study;
	}
	(void)hear_count(w, "study-instances", 0, instances, s->end - s->first,
			 "instances of the study");
	if (here < series)
		(void)hear_count(w, "study-series", 0, series, here,
				 "series of the study");
	else if (here == series && w->verdict.whole_series == here)
		(void)hear_count(w, "study-series", 0, series, here,
				 "series of the study, each whole,");
}
