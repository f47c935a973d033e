/* receive_stable.c - studies of which nothing has come for a while. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "work/receive_private.h"

/* More studies at a time than this, and the quietest is said early. */
#define STUDIES 1024

struct study {
	char uid[IMG_UID_MAX];
	uint64_t objects;
	double last;
};

struct img_stable {
	struct study study[STUDIES];
	size_t n;
};

int receive_stable_open(struct img_receive *r, struct img_err *err)
{
	if (!r->opts.stable_seconds)
		return 0;
	r->stable = calloc(1, sizeof(*r->stable));
	return r->stable ? 0 : img_err_set(err, IMG_E_NOMEM, "out of memory");
}

static int say(struct img_receive *r, size_t i)
{
	struct study *s = &r->stable->study[i];
	struct img_record rec;
	char extra[40];
	int rc;

	img_record_init(&rec);
	rec.status = "stable";
	rec.study = s->uid;
	snprintf(extra, sizeof(extra), "\"objects\":%llu",
		 (unsigned long long)s->objects);
	rec.extra = extra;
	rc = r->host.emit(r->host.arg, &rec);
	*s = r->stable->study[--r->stable->n];
	return rc;
}

static size_t quietest(const struct img_stable *t)
{
	size_t best = 0;

	for (size_t i = 1; i < t->n; i++)
		if (t->study[i].last < t->study[best].last)
			best = i;
	return best;
}

void receive_stable_met(struct img_receive *r, const char *uid)
{
	struct img_stable *t = r->stable;
	size_t i = 0;

	if (!t || !uid || strlen(uid) >= IMG_UID_MAX)
		return;
	while (i < t->n && strcmp(t->study[i].uid, uid) != 0)
		i++;
	if (i == t->n) {
		if (t->n == STUDIES)
			(void)say(r, quietest(t));
		i = t->n++;
		snprintf(t->study[i].uid, IMG_UID_MAX, "%s", uid);
		t->study[i].objects = 0;
	}
	t->study[i].objects++;
	t->study[i].last = img_time_mono();
}

bool receive_stable_waits(const struct img_receive *r)
{
	return r->stable && r->stable->n;
}

int receive_stable_say(struct img_receive *r)
{
	double until = img_time_mono() - r->opts.stable_seconds;

	if (!r->stable)
		return 0;
	for (size_t i = r->stable->n; i-- > 0;)
		if (r->stable->study[i].last <= until && say(r, i) < 0)
			return -1;
	return 0;
}
