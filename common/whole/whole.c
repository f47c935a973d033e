/* whole.c - objects and lists of studies, in the order they are judged in. */
#include <stdlib.h>
#include <string.h>

#include "whole/inside.h"

struct img_whole *img_whole_new(struct img_err *err)
{
	struct img_whole *w = calloc(1, sizeof(*w));

	if (!w) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		return NULL;
	}
	img_buf_init(&w->text, WHOLE_TEXT);
	/* Offset 0 is no text. */
	if (img_buf_putc(&w->text, '\0', err) < 0) {
		img_whole_free(w);
		return NULL;
	}
	w->kept_text = w->text.len;
	return w;
}

void img_whole_free(struct img_whole *w)
{
	if (!w)
		return;
	img_buf_release(&w->text);
	free(w->object);
	free(w->stay.at);
	free(w->refs.at);
	free(w->peer.refs.at);
	free(w->list);
	free(w->judged);
	free(w->study);
	free(w->order);
	free(w->numbers);
	free(w);
}

void img_whole_reset(struct img_whole *w)
{
	w->text.len = w->kept_text;
	w->last_study = w->last_series = 0;
	w->n = w->studies = 0;
	w->refs.n = 0;
	w->lists = w->kept_lists;
	w->peer.said = false;
	w->peer.refs.n = 0;
}

/* ---- memory ------------------------------------------------------------- */

int whole_keep(struct img_whole *w, const char *s, size_t *at,
	       struct img_err *err)
{
	*at = 0;
	if (!*s)
		return 0;
	*at = w->text.len;
	return img_buf_add(&w->text, s, strlen(s) + 1, err);
}

void *whole_more(void *p, size_t n, size_t more, size_t *room, size_t size,
		 struct img_err *err)
{
	size_t want = *room ? *room : 256;
	void *q;

	if (p && n + more <= *room)
		return p;
	while (want < n + more)
		want *= 2;
	q = want <= WHOLE_OBJECTS * 2 ? reallocarray(p, want, size) : NULL;
	if (q)
		*room = want;
	else
		img_err_set(err, IMG_E_NOMEM, "out of memory");
	return q;
}

int whole_add_ref(struct whole_refs *r, const struct whole_ref *ref,
		  struct img_err *err)
{
	struct whole_ref *at =
		whole_more(r->at, r->n, 1, &r->room, sizeof(*at), err);

	if (!at)
		return -1;
	r->at = at;
	r->at[r->n++] = *ref;
	return 0;
}

int whole_add_list(struct img_whole *w, const struct whole_list *l,
		   struct img_err *err)
{
	struct whole_list *at = whole_more(w->list, w->lists, 1, &w->lists_room,
					   sizeof(*at), err);

	if (!at)
		return -1;
	w->list = at;
	w->list[w->lists++] = *l;
	return 0;
}

/* ---- a peer ------------------------------------------------------------- */

int img_whole_peer(struct img_whole *w, const char *series, const char *sop,
		   uint64_t count, struct img_err *err)
{
	struct whole_ref ref = { .list = (size_t)count };

	if (whole_keep(w, series, &ref.series, err) < 0 ||
	    (sop && whole_keep(w, sop, &ref.sop, err) < 0))
		return -1;
	return whole_add_ref(&w->peer.refs, &ref, err);
}

void img_whole_peer_said(struct img_whole *w, const char *name)
{
	w->peer.said = true;
	strncpy(w->peer.name, name, sizeof(w->peer.name) - 1);
}

/* ---- order -------------------------------------------------------------- */

int whole_by_text(const struct img_whole *w, size_t a, size_t b)
{
	return a == b ? 0 : strcmp(whole_text(w, a), whole_text(w, b));
}

static int by_place(const void *p, const void *q, void *arg)
{
	const struct whole_object *a = p, *b = q;
	const struct img_whole *w = arg;
	int rc = whole_by_text(w, a->study, b->study);

	if (rc == 0)
		rc = whole_by_text(w, a->series, b->series);
	if (rc == 0 && a->has_number != b->has_number)
		rc = b->has_number - a->has_number;
	if (rc == 0 && a->number != b->number)
		rc = a->number < b->number ? -1 : 1;
	return rc ? rc : whole_by_text(w, a->sop, b->sop);
}

static int by_study(const void *p, const void *q, void *arg)
{
	const struct whole_ref *a = p, *b = q;
	const struct img_whole *w = arg;
	int rc = whole_by_text(w, a->study, b->study);

	if (rc == 0 && a->list != b->list)
		rc = a->list < b->list ? -1 : 1;
	return rc ? rc : whole_by_text(w, a->sop, b->sop);
}

/* Copies of one object count once. */
static void drop_copies(struct img_whole *w)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct whole_object *o = &w->object[i],
					  *k = &w->object[kept ? kept - 1 : 0];

		if (kept && whole_by_text(w, k->sop, o->sop) == 0 &&
		    whole_by_text(w, k->series, o->series) == 0 &&
		    whole_by_text(w, k->study, o->study) == 0)
			continue;
		w->object[kept++] = *o;
	}
	w->n = kept;
}

static int add_study(struct img_whole *w, size_t name, size_t first, size_t end,
		     struct img_err *err)
{
	struct whole_study *s = whole_more(w->study, w->studies, 1,
					   &w->studies_room, sizeof(*s), err);

	if (!s)
		return -1;
	w->study = s;
	w->study[w->studies++] = (struct whole_study){ name, first, end };
	return 0;
}

/* ---- studies of which only lists know ----------------------------------- */

static uint64_t sum_of(const char *s)
{
	uint64_t sum = 14695981039346656037u;

	while (*s)
		sum = (sum ^ (uint8_t)*s++) * 1099511628211u;
	return sum;
}

static int by_sum(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool was_judged(const struct img_whole *w, size_t study)
{
	uint64_t sum = sum_of(whole_text(w, study));

	return w->judged_n &&
	       bsearch(&sum, w->judged, w->judged_n, sizeof(sum), by_sum);
}

int whole_note_judged(struct img_whole *w, size_t study, struct img_err *err)
{
	uint64_t *at = whole_more(w->judged, w->judged_n, 1, &w->judged_room,
				  sizeof(*at), err);

	if (!at)
		return -1;
	w->judged = at;
	w->judged[w->judged_n++] = sum_of(whole_text(w, study));
	return 0;
}

/* References are to objects of other studies, too, which nobody asked about. */
static int add_listed(struct img_whole *w, const struct whole_refs *refs,
		      size_t with, struct img_err *err)
{
	size_t k = 0, last = 0;

	for (size_t i = 0; i < refs->n; i++) {
		const struct whole_ref *r = &refs->at[i];
		int rc = -1;

		if (w->list[r->list].kind >= WHOLE_REFERENCES ||
		    (last && whole_by_text(w, last, r->study) == 0))
			continue;
		last = r->study;
		while (k < with &&
		       (rc = whole_by_text(w, w->study[k].name, last)) < 0)
			k++;
		if ((k < with && rc == 0) || was_judged(w, last))
			continue;
		if (add_study(w, last, 0, 0, err) < 0 ||
		    whole_note_judged(w, last, err) < 0)
			return -1;
		qsort(w->judged, w->judged_n, sizeof(w->judged[0]), by_sum);
	}
	return 0;
}

static void sort_refs(struct img_whole *w, struct whole_refs *refs)
{
	if (refs->n)
		qsort_r(refs->at, refs->n, sizeof(refs->at[0]), by_study, w);
}

int img_whole_settle(struct img_whole *w, bool listed, size_t *n,
		     struct img_err *err)
{
	w->studies = 0;
	if (w->n)
		qsort_r(w->object, w->n, sizeof(w->object[0]), by_place, w);
	sort_refs(w, &w->refs);
	if (!w->stay_sorted)
		sort_refs(w, &w->stay);
	w->stay_sorted = true;
	drop_copies(w);
	for (size_t i = 0, end; i < w->n; i = end) {
		for (end = i + 1;
		     end < w->n && whole_by_text(w, w->object[end].study,
						 w->object[i].study) == 0;)
			end++;
		if (add_study(w, w->object[i].study, i, end, err) < 0)
			return -1;
	}
	*n = w->studies;
	if (!listed)
		return 0;
	if (w->judged_n)
		qsort(w->judged, w->judged_n, sizeof(w->judged[0]), by_sum);
	if (add_listed(w, &w->stay, *n, err) < 0 ||
	    add_listed(w, &w->refs, *n, err) < 0)
		return -1;
	*n = w->studies;
	return 0;
}

const char *img_whole_study(const struct img_whole *w, size_t i)
{
	return whole_text(w, w->study[i].name);
}
