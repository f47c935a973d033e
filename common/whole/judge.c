/* judge.c - what the witnesses say of one study, taken together. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "whole/inside.h"

struct img_whole_witness *whole_say(struct img_whole *w, const char *name,
				    enum img_whole_says says, size_t series,
				    const char *fmt, ...)
{
	struct img_whole_verdict *v = &w->verdict;
	struct img_whole_witness *h;
	va_list ap;

	w->hard |= says == IMG_WHOLE_GAP;
	w->vouched |= says == IMG_WHOLE_COMPLETE && !series;
	if (v->n == IMG_WHOLE_WITNESSES) {
		v->more++;
		return NULL;
	}
	w->soft[v->n] = false;
	h = &w->witness[v->n++];
	memset(h, 0, sizeof(*h));
	h->name = name;
	h->says = says;
	snprintf(h->series, sizeof(h->series), "%s", whole_text(w, series));
	va_start(ap, fmt);
	vsnprintf(h->text, sizeof(h->text), fmt, ap);
	va_end(ap);
	return h;
}

void whole_soften(struct img_whole *w, struct img_whole_witness *h)
{
	if (h)
		w->soft[h - w->witness] = true;
}

/* Gaps of the soft count if nobody vouches for the study. */
static void conclude(struct img_whole *w)
{
	struct img_whole_verdict *v = &w->verdict;
	bool hard = v->more > 0 && w->hard, soft = false;

	for (size_t i = 0; i < v->n; i++)
		if (w->witness[i].says == IMG_WHOLE_GAP) {
			hard |= !w->soft[i];
			soft |= w->soft[i];
		}
	v->says = hard         ? IMG_WHOLE_GAP
		  : w->vouched ? IMG_WHOLE_COMPLETE
		  : soft       ? IMG_WHOLE_GAP
			       : IMG_WHOLE_UNKNOWN;
	for (size_t i = 0; i < v->n && v->says == IMG_WHOLE_COMPLETE; i++)
		if (w->soft[i])
			w->witness[i].says = IMG_WHOLE_UNKNOWN;
}

void whole_absent(struct img_whole *w, struct img_whole_witness *h,
		  const char *uid)
{
	if (!h || w->uids == IMG_WHOLE_ABSENT)
		return;
	if (!h->absent)
		h->absent = &w->uid[w->uids];
	snprintf(w->uid[w->uids++], IMG_UID_MAX, "%s", uid);
	h->n_absent++;
}

/* ---- the study in hand -------------------------------------------------- */

static int by_sop(const void *p, const void *q, void *arg)
{
	const struct img_whole *w = arg;

	return whole_by_text(w, w->object[*(const size_t *)p].sop,
			     w->object[*(const size_t *)q].sop);
}

static int by_number(const void *p, const void *q)
{
	int64_t a = *(const int64_t *)p, b = *(const int64_t *)q;

	return a < b ? -1 : a > b;
}

static int prepare(struct img_whole *w, const struct whole_study *s,
		   struct img_err *err)
{
	size_t n = s->end - s->first;
	void *p =
		whole_more(w->order, 0, n, &w->order_room, sizeof(size_t), err);

	if (!p)
		return -1;
	w->order = p;
	p = whole_more(w->numbers, 0, n, &w->numbers_room, sizeof(int64_t),
		       err);
	if (!p)
		return -1;
	w->numbers = p;
	w->order_n = w->numbers_n = 0;
	for (size_t i = s->first; i < s->end; i++) {
		w->order[w->order_n++] = i;
		if (w->object[i].has_number)
			w->numbers[w->numbers_n++] = w->object[i].number;
	}
	if (n)
		qsort_r(w->order, n, sizeof(size_t), by_sop, w);
	if (w->numbers_n)
		qsort(w->numbers, w->numbers_n, sizeof(int64_t), by_number);
	w->numbered_through = true;
	for (size_t i = 1; i < w->numbers_n; i++)
		w->numbered_through &= w->numbers[i] != w->numbers[i - 1];
	return 0;
}

static int judge_series(struct img_whole *w, const struct whole_study *s,
			struct img_err *err)
{
	struct img_whole_verdict *v = &w->verdict;

	for (size_t i = s->first, end; i < s->end; i = end) {
		for (end = i + 1;
		     end < s->end && whole_by_text(w, w->object[end].series,
						   w->object[i].series) == 0;)
			end++;
		v->series++;
		if (whole_hear_numbers(w, i, end, err) < 0)
			return -1;
		v->whole_series += whole_hear_counts(w, s, i, end);
	}
	return 0;
}

/* The word of the first witness that counts. */
static const char *reason(struct img_whole *w)
{
	const struct img_whole_verdict *v = &w->verdict;

	for (size_t i = 0; v->says != IMG_WHOLE_UNKNOWN && i < v->n; i++) {
		const struct img_whole_witness *h = &w->witness[i];

		if (h->says != v->says ||
		    (v->says == IMG_WHOLE_COMPLETE && h->series[0]))
			continue;
		snprintf(w->reason, sizeof(w->reason), "%s: %s", h->name,
			 h->text);
		return w->reason;
	}
	if (v->says != IMG_WHOLE_UNKNOWN)
		return "a witness for whom there was no room";
	if (v->series && v->whole_series == v->series)
		return "each series is whole, and nobody says how many there "
		       "are";
	return "nobody knows what belongs to it";
}

int img_whole_judge(struct img_whole *w, size_t i,
		    const struct img_whole_verdict **out, struct img_err *err)
{
	const struct whole_study *s = &w->study[i];
	struct img_whole_verdict *v = &w->verdict;

	memset(v, 0, sizeof(*v));
	w->uids = 0;
	w->hard = w->vouched = false;
	v->study = whole_text(w, s->name);
	v->witness = w->witness;
	v->objects = s->end - s->first;
	if (prepare(w, s, err) < 0 || whole_note_judged(w, s->name, err) < 0)
		return -1;
	if (judge_series(w, s, err) < 0)
		return -1;
	whole_hear_study(w, s);
	whole_hear_lists(w, s);
	conclude(w);
	v->reason = reason(w);
	w->peer.said = false;
	w->peer.refs.n = 0;
	*out = v;
	return 0;
}
