/*
 * numbers.c - do the numbers of a series leave a gap?  A number that no image
 * ever had is no image that is missing, so numbers are heard together with the
 * positions of the slices: where both have a gap, something is missing; where
 * the slices lie evenly, the numbers only raise a doubt, and the other way
 * round.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "whole/inside.h"

struct numbers {
	bool usable; /* each has one, and no other object has the same */
	uint64_t present, absent;
	char text[128]; /* "4,7-9" */
};

/* Numbers that count through the study are in other series. */
static uint64_t elsewhere(const struct img_whole *w, int64_t first,
			  int64_t last)
{
	size_t low = 0, high = w->numbers_n;
	uint64_t n = 0;

	if (!w->numbered_through)
		return 0;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (w->numbers[mid] < first)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < w->numbers_n && w->numbers[low] <= last; low++)
		n++;
	return n;
}

static void add_gap(struct img_whole *w, struct numbers *out, int64_t first,
		    int64_t last)
{
	uint64_t n = (uint64_t)(last - first) + 1 - elsewhere(w, first, last);
	size_t at = strlen(out->text), room = sizeof(out->text) - at;

	out->absent += n;
	if (n == 0 || room < 32)
		return;
	if (first == last)
		snprintf(out->text + at, room, "%s%lld", at ? "," : "",
			 (long long)first);
	else
		snprintf(out->text + at, room, "%s%lld-%lld", at ? "," : "",
			 (long long)first, (long long)last);
}

static int by_acquisition(const void *p, const void *q)
{
	const struct whole_object *a = *(const struct whole_object *const *)p;
	const struct whole_object *b = *(const struct whole_object *const *)q;

	if (a->acquisition != b->acquisition)
		return a->acquisition < b->acquisition ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* o[0..n) in order: gaps within each acquisition, or in all of them. */
static void count_numbers(struct img_whole *w,
			  const struct whole_object *const *o, size_t n,
			  bool acquisitions, struct numbers *out)
{
	memset(out, 0, sizeof(*out));
	out->usable = n > 0;
	out->present = n;
	for (size_t i = 1; i < n && out->usable; i++) {
		const struct whole_object *a = o[i - 1], *b = o[i];

		if (acquisitions && a->acquisition != b->acquisition)
			continue;
		if (a->number == b->number)
			out->usable = false;
		else if (b->number - a->number > 1)
			add_gap(w, out, a->number + 1, b->number - 1);
	}
}

static int look_at_numbers(struct img_whole *w, size_t first, size_t end,
			   struct numbers *out, struct img_err *err)
{
	size_t n = end - first;
	const struct whole_object **o = calloc(n, sizeof(*o));

	if (!o)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	/* They are sorted; those without a number come last. */
	for (size_t i = 0; i < n; i++) {
		o[i] = &w->object[first + i];
		if (!o[i]->has_number)
			n = i;
	}
	count_numbers(w, o, n, false, out);
	if (n && !out->usable) {
		qsort(o, n, sizeof(*o), by_acquisition);
		count_numbers(w, o, n, true, out);
	}
	out->usable &= n == end - first;
	free(o);
	return 0;
}

/* ---- together ----------------------------------------------------------- */

static bool all_slices(const struct img_whole *w, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		if (!w->object[i].slice)
			return false;
	return true;
}

static struct img_whole_witness *say_numbers(struct img_whole *w, size_t series,
					     enum img_whole_says says,
					     const struct numbers *n,
					     const char *why)
{
	struct img_whole_witness *h = whole_say(
		w, "instance-numbers", says, series,
		"%llu InstanceNumber%s absent%s", (unsigned long long)n->absent,
		n->absent == 1 ? " is" : "s are", why);

	if (!h)
		return NULL;
	h->missing = n->absent;
	snprintf(h->numbers, sizeof(h->numbers), "%s", n->text);
	return h;
}

static void say_slices(struct img_whole *w, size_t series,
		       enum img_whole_says says, const struct whole_slices *s,
		       const char *why)
{
	struct img_whole_witness *h =
		whole_say(w, "slices", says, series,
			  "%llu slice%s missing between others%s",
			  (unsigned long long)s->missing,
			  s->missing == 1 ? " is" : "s are", why);

	if (h)
		h->missing = s->missing;
}

/* Both can be heard. */
static void weigh(struct img_whole *w, size_t series, bool slices,
		  const struct numbers *n, const struct whole_slices *s)
{
	bool holes = s->missing && !s->uneven;

	if (!n->absent && holes) {
		say_slices(w, series, IMG_WHOLE_UNKNOWN, s,
			   ", but no number is");
	} else if (n->absent && holes) {
		say_slices(w, series, IMG_WHOLE_GAP, s, "");
		say_numbers(w, series, IMG_WHOLE_GAP, n, "");
	} else if (n->absent && s->stacks) {
		say_numbers(w, series, IMG_WHOLE_UNKNOWN, n,
			    s->uneven ? "; the slices lie unevenly"
				      : ", but no slice is missing between "
					"others");
	} else if (n->absent) {
		bool gap = slices && n->absent <= n->present;

		whole_soften(
			w, say_numbers(w, series,
				       gap ? IMG_WHOLE_GAP : IMG_WHOLE_UNKNOWN,
				       n, ""));
	}
}

int whole_hear_numbers(struct img_whole *w, size_t first, size_t end,
		       struct img_err *err)
{
	size_t series = w->object[first].series;
	struct whole_slices s;
	struct numbers n;
	int rc = -1;

	if (whole_look_at_slices(&w->object[first], end - first, &s, err) < 0 ||
	    look_at_numbers(w, first, end, &n, err) < 0)
		goto out;
	if (n.usable)
		weigh(w, series, all_slices(w, first, end), &n, &s);
	else if (s.missing && !s.uneven)
		say_slices(w, series,
			   s.sure ? IMG_WHOLE_GAP : IMG_WHOLE_UNKNOWN, &s, "");
	rc = 0;
out:
	free(s.stack);
	return rc;
}
