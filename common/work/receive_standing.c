/*
 * receive_standing.c - how peers have behaved, and who has to wait for it.
 *
 * Each title at an address that has done something useful has a standing of
 * its own; all others of that address share one.  An association that came to
 * nothing costs it one, and one more for each time that it took as much of the
 * processor as a plain one; each second, and each ten useful ones, give one
 * back.  Who has little left gets no more associations side by side than that,
 * and those of all such peers together are few, however many addresses they
 * have.
 *
 * A title is only what a peer says of itself: who knows one that is good can
 * use up its standing, from the same address.  And it costs nothing to have a
 * new one: what a title is charged all those are, too, that come from there
 * for the first time, and theirs begins with what they share; an address has
 * so many titles and takes no more place from others.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "work/receive_private.h"

#define TITLES       64    /* of one address */
#define FORGIVEN     1.0   /* a second, of one peer */
#define ALL_FORGIVEN 5.0   /* of all */
#define PLAIN        0.01  /* seconds of processor time */
#define PACE         100.0 /* strangers a second, */
#define SIDE_BY_SIDE 4     /* and so many at once */
#define MERIT        0.1   /* of an association that was useful */
#define TOO_MANY     "too many associations"

static double full(const struct img_receive *r)
{
	return r->opts.max_bad;
}

static void forgive(struct standing *p, double rate, double most, double now)
{
	p->left += (now - p->at) * rate;
	if (p->left > most)
		p->left = most;
	p->at = now;
}

/* FNV-1a, so that most need not be compared. */
static uint32_t sum_of(const char *origin, const char *title)
{
	uint32_t h = 2166136261u;

	for (; *origin; origin++)
		h = (h ^ (uint8_t)*origin) * 16777619u;
	for (; *title; title++)
		h = (h ^ (uint8_t)*title) * 16777619u;
	return h;
}

static struct standing *find(struct img_receive *r, const char *origin,
			     const char *title)
{
	uint32_t sum = sum_of(origin, title);

	for (size_t i = 0; i < STANDINGS; i++) {
		struct standing *p = &r->standing[i];

		if (p->sum == sum && strcmp(p->title, title) == 0 &&
		    strcmp(p->origin, origin) == 0)
			return p;
	}
	return NULL;
}

/* The one that has not been asked for longest, of there alone if those are
   many.  NULL: all have associations. */
static struct standing *oldest_of(struct img_receive *r, const char *origin)
{
	struct standing *oldest = NULL, *there = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < STANDINGS; i++) {
		struct standing *p = &r->standing[i];

		if (p->running)
			continue;
		if (!oldest || p->at < oldest->at)
			oldest = p;
		if (!*p->title || strcmp(p->origin, origin) != 0)
			continue;
		n++;
		if (!there || p->at < there->at)
			there = p;
	}
	return n >= TITLES ? there : oldest;
}

static struct standing *make(struct img_receive *r, const char *origin,
			     const char *title, double now)
{
	struct standing *oldest = oldest_of(r, origin);

	if (!oldest)
		return NULL;
	memset(oldest, 0, sizeof(*oldest));
	snprintf(oldest->origin, sizeof(oldest->origin), "%s", origin);
	snprintf(oldest->title, sizeof(oldest->title), "%s", title);
	oldest->sum = sum_of(origin, title);
	oldest->left = full(r);
	oldest->at = now;
	return oldest;
}

/* Little is left for one more. */
static bool is_suspect(const struct img_receive *r, const struct standing *p)
{
	return p->left < full(r) && p->left - p->running < full(r) / 2;
}

static bool has_turn(struct img_receive *r, const struct standing *p)
{
	struct standing *all = &r->suspects;
	unsigned most = r->opts.max_per_peer / 2;

	return p->left - p->running >= 1 && all->left - all->running >= 1 &&
	       p->running < (most ? most : 1);
}

/* NULL: there is no place to remember it. */
static struct standing *standing_of(struct img_receive *r, const char *origin,
				    const char *title)
{
	double now = img_time_mono();
	struct standing *p = *title ? find(r, origin, title) : NULL;
	unsigned half = (r->opts.max_associations + 1) / 2;

	if (!p)
		p = find(r, origin, "");
	if (!p)
		p = make(r, origin, "", now);
	if (p)
		forgive(p, FORGIVEN, full(r), now);
	forgive(&r->suspects, ALL_FORGIVEN, half, now);
	forgive(&r->strangers, PACE, SIDE_BY_SIDE, now);
	return p;
}

const char *receive_not_yet(struct img_receive *r, struct coming *c)
{
	struct standing *p = NULL;

	c->lack = LACK_TURN;
	if (r->opts.max_bad && !(p = standing_of(r, c->origin->name, c->title)))
		return TOO_MANY;
	c->standing = p;
	if (p && is_suspect(r, p) && !has_turn(r, p))
		return "too many of its associations came to nothing";
	c->lack = receive_lack(r, c);
	if (c->lack == LACK_THERE)
		return TOO_MANY " from this address";
	return c->lack == LACK_NONE ? NULL : TOO_MANY;
}

bool receive_is_blamed(const struct standing *p, const char *title)
{
	return p && strcmp(p->blamed, title) == 0;
}

void receive_standing_begin(struct assoc *s)
{
	if (!s->standing)
		return;
	s->suspect = is_suspect(s->r, s->standing);
	s->standing->running++;
	s->r->suspects.running += s->suspect;
	s->stranger = !s->standing->proved;
	s->r->strangers.running += s->stranger;
	s->r->strangers.left -= s->stranger;
}

/* By the thread, which reads objects and looks things up. */
static double spent(void)
{
	struct timespec t = { 0, 0 };

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void take(struct standing *p, double n, double least)
{
	double left = p->left - n;

	if (left < least)
		left = p->left < least ? p->left : least;
	p->left = left;
}

/* Only what cost much is still to be made good when nothing is left. */
static void charge(struct img_receive *r, struct assoc *s, double now)
{
	struct standing *p = s->standing, *shared;
	double n = 1 + spent() / PLAIN, least = n < 2 ? 0 : -full(r);

	take(p, n, least);
	if (*p->title) {
		shared = find(r, s->origin->name, "");
		if (shared || (shared = make(r, s->origin->name, "", now))) {
			forgive(shared, FORGIVEN, full(r), now);
			take(shared, n, 0);
		}
	}
	snprintf(p->blamed, sizeof(p->blamed), "%s", s->title);
	if (s->suspect)
		take(&r->suspects, n, least);
}

static void reward(struct img_receive *r, struct assoc *s, double now)
{
	struct standing *p = s->standing;
	double left;

	p->left += MERIT;
	if (p->left > full(r))
		p->left = full(r);
	left = p->left < 1 ? 1 : p->left;
	/* Where titles are known, what one has done is to no other's credit. */
	if (*s->title && !*p->title &&
	    !(p = find(r, s->origin->name, s->title)) &&
	    (p = make(r, s->origin->name, s->title, now)))
		p->left = left;
	if (p)
		p->proved = true;
}

void receive_standing_end(struct assoc *s)
{
	struct img_receive *r = s->r;
	double now = img_time_mono();

	if (!s->standing)
		return;
	s->standing->running--;
	r->suspects.running -= s->suspect;
	r->strangers.running -= s->stranger;
	forgive(s->standing, FORGIVEN, full(r), now);
	if (s->useful && !s->broke_rules)
		reward(r, s, now);
	else if (!s->useful && !s->excused)
		charge(r, s, now);
}
