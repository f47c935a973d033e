/* receive_turns.c - work that few may have done for them at once: whose turn it
   is.  The origins take turns, however many associations one has, so that one
   with much or slow work waits for itself; where there is more than one place,
   one is left to the others. */
#include <string.h>
#include <time.h>

#include "work/receive_private.h"

static unsigned held_by(const struct turns *t, const char *origin)
{
	unsigned n = 0;

	for (unsigned i = 0; i < TURNS_MAX; i++)
		n += t->holder[i] &&
		     strcmp(t->holder[i]->origin->name, origin) == 0;
	return n;
}

/* When it had its last one; 0: not of late. */
static double last_of(const struct turns *t, const char *origin)
{
	for (size_t i = 0; i < TURNS_KNOWN; i++)
		if (strcmp(t->known[i].origin, origin) == 0)
			return t->known[i].at;
	return 0;
}

static void note_turn(struct turns *t, const char *origin)
{
	struct turn_of *at = &t->known[0];

	for (size_t i = 0; i < TURNS_KNOWN; i++) {
		struct turn_of *k = &t->known[i];

		if (strcmp(k->origin, origin) == 0) {
			at = k;
			break;
		}
		if (k->at < at->at)
			at = k;
	}
	memcpy(at->origin, origin, sizeof(at->origin));
	at->at = img_time_mono();
}

/* Where it waits whose turn is next; NULL: nobody may. */
static struct assoc **next_of(struct turns *t)
{
	unsigned most = t->places > 1 ? t->places - 1 : 1;
	struct assoc **next = NULL;
	double oldest = 0;

	for (struct assoc **at = &t->waiting; *at; at = &(*at)->behind) {
		double last = last_of(t, (*at)->origin->name);

		if (held_by(t, (*at)->origin->name) < most &&
		    (!next || last < oldest)) {
			next = at;
			oldest = last;
		}
	}
	return next;
}

static void deal(struct turns *t)
{
	for (unsigned i = 0; i < t->places; i++) {
		struct assoc **at = t->holder[i] ? NULL : next_of(t);

		if (!at)
			continue;
		t->holder[i] = *at;
		*at = t->holder[i]->behind;
		note_turn(t, t->holder[i]->origin->name);
		pthread_cond_signal(&t->holder[i]->woken);
	}
}

static bool holds(const struct turns *t, const struct assoc *s)
{
	for (unsigned i = 0; i < t->places; i++)
		if (t->holder[i] == s)
			return true;
	return false;
}

static void leave(struct turns *t, const struct assoc *s)
{
	for (struct assoc **at = &t->waiting; *at; at = &(*at)->behind)
		if (*at == s) {
			*at = s->behind;
			return;
		}
}

bool receive_turn_take(struct assoc *s, struct turns *t, unsigned seconds)
{
	struct assoc **end = &t->waiting;
	struct timespec until;
	int e = 0;
	bool mine;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&s->r->lock);
	while (*end)
		end = &(*end)->behind;
	s->behind = NULL;
	*end = s;
	deal(t);
	while (!(mine = holds(t, s)) && e == 0)
		e = pthread_cond_timedwait(&s->woken, &s->r->lock, &until);
	if (!mine)
		leave(t, s);
	pthread_mutex_unlock(&s->r->lock);
	return mine;
}

void receive_turn_give(struct assoc *s, struct turns *t)
{
	pthread_mutex_lock(&s->r->lock);
	for (unsigned i = 0; i < t->places; i++)
		if (t->holder[i] == s)
			t->holder[i] = NULL;
	deal(t);
	pthread_mutex_unlock(&s->r->lock);
}
