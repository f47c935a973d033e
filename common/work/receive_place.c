/*
 * receive_place.c - who holds the places of a listener, and who gives one up.
 *
 * A place is an association that runs; an origin is an address, or a network
 * of IPv6.  What a peer did before is of no account here: many addresses with
 * one C-ECHO each are cheap, and could hold all places for ever otherwise.
 *
 * An origin that holds its share leaves some places to the others, who so find
 * one at once and need not take it from anybody.  Where there is none all the
 * same, an association in which nothing is under way gives up its own; who
 * stores is never touched, but the slowest of too many that are slow.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "work/receive_private.h"

#define IDLE      3.0 /* seconds without an object, while others wait; */
#define HANDSHAKE 1.0 /* until there is a request that can be read */
#define TICK_MS   500
#define HURRY_MS  100 /* the same where its place may soon be wanted */
#define GO        1.0 /* to end it in, once it is told to */
#define GO_SLOW   5.0 /* and its object */
#define AGAIN     1.0 /* until somebody else gives way for the same one */

/* Forgets those that nothing is left of, too. */
struct origin *receive_origin(struct img_receive *r, const char *name)
{
	struct origin *o, *found = NULL, **at = &r->origins;

	while ((o = *at)) {
		if (strcmp(o->name, name) == 0)
			found = o;
		if (o == found || o->held || o->guests) {
			at = &o->next;
			continue;
		}
		*at = o->next;
		free(o);
	}
	if (found || !(found = calloc(1, sizeof(*found))))
		return found;
	snprintf(found->name, sizeof(found->name), "%s", name);
	*at = found;
	return found;
}

void receive_origins_free(struct img_receive *r)
{
	struct origin *o;

	while ((o = r->origins)) {
		r->origins = o->next;
		free(o);
	}
}

void receive_ask_anew(struct img_receive *r)
{
	for (struct origin *o = r->origins; o; o = o->next)
		o->asking = 0;
}

/* As if one more came: who has filled it all would have left it no place. */
void receive_share(struct img_receive *r)
{
	unsigned n = 1;

	for (const struct origin *o = r->origins; o; o = o->next)
		n += o->held || o->asking;
	r->share = r->opts.max_associations / n;
	if (!r->share)
		r->share = 1;
}

/* Those that have not done anything useful yet leave a quarter to the rest, and
   come in one after the other. */
enum lack receive_lack(const struct img_receive *r, const struct coming *c)
{
	unsigned most = r->opts.max_associations, held = c->origin->held;

	if (held >= r->opts.max_per_peer)
		return LACK_THERE;
	if (c->standing && !c->standing->proved) {
		if (r->strangers.running >= most - most / 4)
			return LACK_STRANGERS;
		if (r->strangers.left < 1)
			return LACK_TURN;
	}
	if (r->n_running >= most)
		return LACK_ANY;
	return held >= r->share && r->n_running >= most - most / 8 ? LACK_TURN
								   : LACK_NONE;
}

static bool is_idle(struct assoc *s, double now)
{
	double since = s->quiet;

	return since > 0 && now - since >= (s->granted ? IDLE : HANDSHAKE);
}

/* Whether c may have the place of s: who holds no more than c gives none up. */
static bool may_have(const struct coming *c, const struct assoc *s)
{
	const struct origin *o = s->origin;

	if (o == c->origin)
		return true;
	return c->lack != LACK_THERE && o->held - o->leaving > c->rank &&
	       (c->lack != LACK_STRANGERS || s->stranger);
}

/* Of those who hold most: the one that has been silent longest. */
double receive_make_way(struct img_receive *r, const struct coming *c)
{
	unsigned most = 0, held;
	double now = img_time_mono();
	struct assoc *best = NULL;

	if (c->lack == LACK_NONE || c->lack == LACK_TURN ||
	    (c->lack == LACK_ANY && c->rank >= r->share &&
	     r->opts.max_associations / 8))
		return 0;
	for (struct assoc *s = r->running; s; s = s->next) {
		if (s->gives_way || !is_idle(s, now) || !may_have(c, s))
			continue;
		held = s->origin->held - s->origin->leaving;
		if (best &&
		    (held < most || (held == most && s->quiet >= best->quiet)))
			continue;
		best = s;
		most = held;
	}
	if (!best && c->lack != LACK_THERE) {
		best = receive_slowest(r, may_have, c);
		if (best)
			best->too_slow = true;
	}
	if (!best)
		return 0;
	best->gives_way = true;
	best->origin->leaving++;
	return best->too_slow ? GO_SLOW + AGAIN : AGAIN;
}

static bool is_crowded(const struct assoc *s)
{
	const struct img_receive_opts *o = &s->r->opts;

	return s->r->n_running > o->max_associations / 2 ||
	       s->origin->held >= o->max_per_peer;
}

int receive_stop_if_asked(struct assoc *s)
{
	const struct img_down stop = { .kind = IMG_DOWN_STOP };
	struct img_err ignored = IMG_ERR_INIT;
	bool stopping, crowded;

	pthread_mutex_lock(&s->r->lock);
	stopping = s->r->stopping || s->r->broken || s->gives_way;
	if (s->gives_way && s->leaves == 0)
		s->leaves = img_time_mono();
	crowded = is_crowded(s);
	pthread_mutex_unlock(&s->r->lock);
	if (stopping && !s->told_to_stop)
		(void)img_down_send(s->worker.fd, &stop, -1, &ignored);
	s->told_to_stop |= stopping;
	return crowded ? HURRY_MS : TICK_MS;
}

/* C-ECHOs do not keep it, and what is no request yet is not waited for. */
bool receive_has_to_go(const struct assoc *s)
{
	double since;

	if (!(s->leaves > 0) || (s->open && !s->too_slow))
		return false;
	since = img_time_mono() - s->leaves;
	return !s->granted || since > (s->too_slow ? GO_SLOW : GO);
}

int receive_gave_way(const struct assoc *s, struct img_err *err)
{
	return img_err_set(err, IMG_E_LIMIT,
			   "%s came, and others wait for its place",
			   s->too_slow ? "little" : "nothing");
}
