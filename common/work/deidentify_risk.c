/*
 * deidentify_risk.c - k-anonymity of what was written: how many patients share
 * what is still told of each.
 *
 * Pairs of patient and group are kept as sums, each once; the memory for them
 * has a ceiling, and a run that goes over it is said to be incomplete.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jsonl/jsonl.h"
#include "work/deidentify_private.h"

#define PAIRS_MAX (1u << 20)

struct pair {
	uint64_t person, group; /* person 0: free */
};

struct deid_risk {
	struct pair *pair; /* open hash */
	size_t pairs, room;
	uint64_t objects;
	bool full;
	int fd;
};

int deid_risk_open(struct img_deid *d, struct img_err *err)
{
	struct deid_risk *r;

	if (!d->opts.risk)
		return 0;
	r = d->risk = calloc(1, sizeof(*r));
	if (!r)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	r->fd = open(d->opts.risk, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		     0666);
	return r->fd < 0 ? img_err_sys(err, "%s", d->opts.risk) : 0;
}

void deid_risk_close(struct img_deid *d)
{
	if (!d->risk)
		return;
	if (d->risk->fd >= 0)
		close(d->risk->fd);
	free(d->risk->pair);
	free(d->risk);
	d->risk = NULL;
}

static struct pair *place(struct pair *pair, size_t room, const struct pair *p)
{
	size_t at = (p->person ^ p->group * 31) & (room - 1);

	while (pair[at].person &&
	       (pair[at].person != p->person || pair[at].group != p->group))
		at = (at + 1) & (room - 1);
	return &pair[at];
}

static int grow(struct deid_risk *r, struct img_err *err)
{
	size_t room = r->room ? r->room * 2 : 1024;
	struct pair *more = calloc(room, sizeof(*more));

	if (!more)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (size_t i = 0; i < r->room; i++)
		if (r->pair[i].person)
			*place(more, room, &r->pair[i]) = r->pair[i];
	free(r->pair);
	r->pair = more;
	r->room = room;
	return 0;
}

/* One at a time: under the lock of commits. */
int deid_risk_add(struct img_deid *d, const struct img_anon_alike *alike,
		  struct img_err *err)
{
	struct pair one = { alike->person ? alike->person : 1, alike->group };
	struct deid_risk *r = d->risk;
	struct pair *p;

	if (!r)
		return 0;
	r->objects++;
	if (r->pairs * 2 >= r->room && !r->full && grow(r, err) < 0)
		return -1;
	p = place(r->pair, r->room, &one);
	if (p->person)
		return 0;
	if (r->pairs == PAIRS_MAX) {
		r->full = true;
		return 0;
	}
	*p = one;
	r->pairs++;
	return 0;
}

/* ---- summing up ------------------------------------------------------- */

static int by_group(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return x->group < y->group ? -1 : x->group > y->group;
}

static int by_person(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return x->person < y->person ? -1 : x->person > y->person;
}

struct sums {
	uint64_t patients, groups, k, below5, below11;
};

static size_t pack(struct deid_risk *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->room; i++)
		if (r->pair[i].person)
			r->pair[n++] = r->pair[i];
	return n;
}

/* A patient is as safe as in the smallest of the groups that it is in. */
static void sum_up(struct deid_risk *r, struct sums *s)
{
	struct pair *p = r->pair;
	size_t n = pack(r);

	if (n)
		qsort(p, n, sizeof(*p), by_group);
	for (size_t i = 0, end; i < n; i = end) {
		end = i;
		while (end < n && p[end].group == p[i].group)
			end++;
		for (size_t k = end - i, j = i; j < end; j++)
			p[j].group = k;
		s->groups++;
	}
	if (n)
		qsort(p, n, sizeof(*p), by_person);
	for (size_t i = 0, end; i < n; i = end) {
		uint64_t k = UINT64_MAX;

		for (end = i; end < n && p[end].person == p[i].person; end++)
			k = p[end].group < k ? p[end].group : k;
		s->patients++;
		s->k = s->patients == 1 || k < s->k ? k : s->k;
		s->below5 += k < 5;
		s->below11 += k < 11;
	}
}

static int put_share(struct img_buf *out, const char *key, uint64_t part,
		     uint64_t of, struct img_err *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%.4f",
		 of ? (double)part / (double)of : 0.0);
	if (img_json_key(out, key, err) < 0)
		return -1;
	return img_json_raw(out, text, err);
}

static int put(const struct deid_risk *r, const struct sums *s,
	       struct img_buf *out, struct img_err *err)
{
	if (img_json_open(out, '{', err) < 0 ||
	    img_json_key(out, "by", err) < 0 ||
	    img_json_open(out, '[', err) < 0)
		return -1;
	for (size_t i = 0; img_anon_quasi(i); i++)
		if (img_json_str(out, img_anon_quasi(i),
				 strlen(img_anon_quasi(i)), err) < 0)
			return -1;
	if (img_json_close(out, ']', err) < 0 ||
	    img_json_put_u64(out, "objects", r->objects, err) < 0 ||
	    img_json_put_u64(out, "patients", s->patients, err) < 0 ||
	    img_json_put_u64(out, "groups", s->groups, err) < 0 ||
	    img_json_put_u64(out, "min_k", s->k, err) < 0 ||
	    put_share(out, "below_5", s->below5, s->patients, err) < 0 ||
	    put_share(out, "below_11", s->below11, s->patients, err) < 0 ||
	    img_json_key(out, "complete", err) < 0 ||
	    img_json_raw(out, r->full ? "false" : "true", err) < 0 ||
	    img_json_close(out, '}', err) < 0)
		return -1;
	return img_buf_putc(out, '\n', err);
}

int deid_risk_finish(struct img_deid *d, struct img_err *err)
{
	struct deid_risk *r = d->risk;
	struct sums s = { 0 };
	struct img_buf line;
	int rc = -1;

	if (!r)
		return 0;
	img_buf_init(&line, IMG_LINE_MAX);
	sum_up(r, &s);
	if (put(r, &s, &line, err) == 0) {
		if (img_write_full(r->fd, line.data, line.len) < 0)
			img_err_sys(err, "%s", d->opts.risk);
		else if (img_sync_fd(r->fd, d->opts.risk, err) == 0)
			rc = img_close(&r->fd, d->opts.risk, err);
	}
	img_buf_release(&line);
	return rc;
}
