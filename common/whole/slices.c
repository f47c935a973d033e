/*
 * slices.c - do the positions of slices leave a hole?  Slices that lie parallel
 * and look alike are a stack; along its normal they lie evenly, or they do so
 * but for the places where some are missing.  What is uneven by itself says
 * nothing: localizers, slabs, slices of two thicknesses.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "whole/inside.h"

#define STACKS 256    /* more: radial images, no stacks */
#define ALIKE  0.9998 /* cosine: one degree */
#define SAME   0.01   /* mm: one position */

struct stack {
	uint64_t key;
	double normal[3], row[3];
};

struct place {
	double at;
	int stack;
};

static double dot(const double *a, const double *b)
{
	return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* PS3.3 C.7.6.2.1.1; false where the directions are none. */
static bool normal_of(const struct whole_object *o, double *n)
{
	const double *r = o->row, *c = o->column;
	double length;

	n[0] = r[1] * c[2] - r[2] * c[1];
	n[1] = r[2] * c[0] - r[0] * c[2];
	n[2] = r[0] * c[1] - r[1] * c[0];
	length = sqrt(dot(n, n));
	if (!(fabs(length - 1) < 0.01) || !(fabs(dot(r, r) - 1) < 0.01))
		return false;
	for (int i = 0; i < 3; i++)
		n[i] /= length;
	return true;
}

static int stack_of(struct stack *s, int *n, const struct whole_object *o)
{
	double normal[3];

	if (!o->has_plane || !normal_of(o, normal))
		return -1;
	for (int i = *n - 1; i >= 0; i--)
		if (s[i].key == o->key && dot(s[i].normal, normal) > ALIKE &&
		    dot(s[i].row, o->row) > ALIKE)
			return i;
	if (*n == STACKS)
		return -1;
	s[*n].key = o->key;
	memcpy(s[*n].normal, normal, sizeof(normal));
	memcpy(s[*n].row, o->row, sizeof(o->row));
	return (*n)++;
}

static int by_place(const void *p, const void *q)
{
	const struct place *a = p, *b = q;

	if (a->stack != b->stack)
		return a->stack - b->stack;
	return a->at < b->at ? -1 : a->at > b->at;
}

/* ---- one stack ---------------------------------------------------------- */

struct spread {
	double *gap;     /* between distinct positions */
	uint32_t *times; /* objects at each position */
	double *sorted;
	size_t positions;
};

static int by_size(const void *p, const void *q)
{
	double a = *(const double *)p, b = *(const double *)q;

	return a < b ? -1 : a > b;
}

static void spread_out(struct spread *s, const struct place *p, size_t n)
{
	s->positions = 1;
	s->times[0] = 1;
	for (size_t i = 1; i < n; i++) {
		if (p[i].at - p[i - 1].at > SAME) {
			s->gap[s->positions - 1] = p[i].at - p[i - 1].at;
			s->times[s->positions++] = 0;
		}
		s->times[s->positions - 1]++;
	}
}

/* As most places have as many slices (phases, echoes), a few with less have
   lost some.  Those with more do no harm. */
static void look_at_times(const struct spread *s, struct whole_slices *out)
{
	uint64_t usual = 0, lost = 0;
	size_t full = 0, low = 0, most = s->positions / 10 + 1;

	for (size_t i = 0; i < s->positions; i++)
		usual = s->times[i] > usual ? s->times[i] : usual;
	for (size_t i = 0; i < s->positions; i++)
		full += s->times[i] == usual;
	if (full * 2 <= s->positions) { /* the most is not the usual */
		out->uneven |= usual > 2;
		return;
	}
	for (size_t i = 0; i < s->positions; i++)
		if (s->times[i] < usual) {
			low++;
			lost += usual - s->times[i];
		}
	if (low && (low > most || s->positions < 4))
		out->uneven = true;
	else
		out->missing += lost;
}

static void look_at_gaps(const struct spread *s, struct whole_slices *out)
{
	size_t n = s->positions - 1, holes = 0;
	uint64_t missing = 0;
	double usual;

	memcpy(s->sorted, s->gap, n * sizeof(*s->sorted));
	qsort(s->sorted, n, sizeof(*s->sorted), by_size);
	usual = s->sorted[(n - 1) / 2];
	for (size_t i = 0; i < n; i++) {
		double times = s->gap[i] / usual, whole = round(times);

		if (fabs(times - 1) <= 0.1)
			continue;
		if (whole < 2 || whole > 10000 || fabs(times - whole) > 0.15) {
			out->uneven = true;
			return;
		}
		holes++;
		missing += (uint64_t)whole - 1;
	}
	out->missing += missing;
	if (holes)
		out->sure &= n >= 4 && holes <= n / 5 + (n < 5);
}

static void look_at_stack(struct spread *s, const struct place *p, size_t n,
			  struct whole_slices *out)
{
	spread_out(s, p, n);
	if (s->positions < 3)
		return;
	out->stacks++;
	look_at_gaps(s, out);
	look_at_times(s, out);
}

/* ---- a series ----------------------------------------------------------- */

static int sort_out(const struct whole_object *o, size_t n,
		    struct whole_slices *out, struct place *place,
		    struct stack *stacks)
{
	int found = 0;

	for (size_t i = 0; i < n; i++) {
		int k = stack_of(stacks, &found, &o[i]);

		out->stack[i] = k;
		place[i].stack = k;
		place[i].at = k < 0 ? 0 : dot(stacks[k].normal, o[i].position);
	}
	qsort(place, n, sizeof(*place), by_place);
	return found;
}

static void look_at_all(const struct place *place, size_t n, struct spread *s,
			struct whole_slices *out)
{
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1;
		     end < n && place[end].stack == place[i].stack;)
			end++;
		if (place[i].stack >= 0)
			look_at_stack(s, &place[i], end - i, out);
	}
}

int whole_look_at_slices(const struct whole_object *o, size_t n,
			 struct whole_slices *out, struct img_err *err)
{
	struct stack *stacks = calloc(STACKS, sizeof(*stacks));
	struct place *place = calloc(n + 1, sizeof(*place));
	struct spread s = { .gap = calloc(n + 1, sizeof(double)),
			    .times = calloc(n + 1, sizeof(uint32_t)),
			    .sorted = calloc(n + 1, sizeof(double)) };
	int rc = -1;

	memset(out, 0, sizeof(*out));
	out->sure = true;
	out->stack = calloc(n + 1, sizeof(int));
	if (stacks && place && s.gap && s.times && s.sorted && out->stack) {
		if (sort_out(o, n, out, place, stacks) < STACKS)
			look_at_all(place, n, &s, out);
		rc = 0;
	} else {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
	}
	free(stacks);
	free(place);
	free(s.gap);
	free(s.times);
	free(s.sorted);
	return rc;
}
