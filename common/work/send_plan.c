/* send_plan.c - presentation contexts from what is to be sent (PS3.8 9.3.2). */
#include <stdlib.h>
#include <string.h>

#include "work/send_worker.h"

#define EXPLICIT_LE "1.2.840.10008.1.2.1"
#define IMPLICIT_LE "1.2.840.10008.1.2"
#define CONTEXTS    (IMG_ASSOC_CONTEXTS - 2) /* two for proof */

static bool has_other(const struct img_send *s, const char *ts)
{
	return send_recodes(s, ts, EXPLICIT_LE) ||
	       send_recodes(s, ts, IMPLICIT_LE);
}

/* Groups are moved when there are more of them: a plan has its own copy. */
static const char *keep(struct send_plan *p, const char *uid)
{
	return memcpy(p->uid[p->uids++], uid, strlen(uid) + 1);
}

static int add_context(struct send_plan *p, const char *sop_class,
		       const char *one, const char *two)
{
	struct img_assoc_context *c = &p->c[p->n];

	c->abstract = keep(p, sop_class);
	p->ts[p->n][0] = keep(p, one);
	p->ts[p->n][1] = two;
	c->ts = p->ts[p->n];
	c->n_ts = two ? 2 : 1;
	return (int)p->n++;
}

/* The context with native syntaxes that another group of this class has. */
static int other_of_class(const struct img_send *s, const struct send_plan *p,
			  const char *sop_class)
{
	for (size_t i = 0; i < p->n_of; i++)
		if (p->of[i].other >= 0 &&
		    strcmp(s->groups[p->of[i].group].sop_class, sop_class) == 0)
			return p->of[i].other;
	return -1;
}

/* Its own transfer syntax first; what it can be turned into in a context of
   its own, so that the peer's choice of one does not hide the other. */
static void propose(struct img_send *s, struct send_plan *p, size_t i)
{
	struct send_group *g = &s->groups[i];
	struct send_choice *c = &p->of[p->n_of];

	c->group = i;
	c->own = add_context(p, g->sop_class, g->ts, NULL);
	c->other = -1;
	if (has_other(s, g->ts)) {
		c->other = other_of_class(s, p, g->sop_class);
		if (c->other < 0)
			c->other = add_context(p, g->sop_class, EXPLICIT_LE,
					       IMPLICIT_LE);
	}
	p->n_of++;
}

int send_plan_make(struct img_send *s, size_t first, struct send_plan *p)
{
	memset(p, 0, sizeof(*p));
	p->uid = calloc((size_t)IMG_ASSOC_CONTEXTS * 3, sizeof(*p->uid));
	if (!p->uid)
		return -1;
	pthread_mutex_lock(&s->lock);
	propose(s, p, first);
	for (size_t i = 0; i < s->n_groups && p->n + 2 <= CONTEXTS; i++)
		if (i != first && s->groups[i].head)
			propose(s, p, i);
	if (s->opts.commit) {
		p->commit = &p->c[add_context(p, IMG_COMMITMENT, EXPLICIT_LE,
					      IMPLICIT_LE)];
		p->find = &p->c[add_context(p, IMG_STUDY_ROOT_FIND, EXPLICIT_LE,
					    IMPLICIT_LE)];
	}
	pthread_mutex_unlock(&s->lock);
	return 0;
}

const struct send_choice *send_plan_of(const struct send_plan *p, size_t group)
{
	for (size_t i = 0; i < p->n_of; i++)
		if (p->of[i].group == group)
			return p->of[i].accepted ? &p->of[i] : NULL;
	return NULL;
}

void send_plan_release(struct send_plan *p)
{
	free(p->uid);
	memset(p, 0, sizeof(*p));
}

static bool take(const struct img_send *s, struct send_plan *p,
		 struct send_choice *c, int context, const char *from)
{
	const struct img_assoc_context *a;

	if (context < 0)
		return false;
	a = &p->c[context];
	if (a->result != 0 || (strcmp(a->accepted, from) != 0 &&
			       !send_recodes(s, from, a->accepted)))
		return false;
	c->context = a->id;
	memcpy(c->ts, a->accepted, sizeof(c->ts));
	return true;
}

void send_plan_answered(struct img_send *s, struct send_plan *p)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < p->n_of; i++) {
		struct send_choice *c = &p->of[i];
		struct send_group *g = &s->groups[c->group];

		c->accepted = take(s, p, c, c->own, g->ts) ||
			      take(s, p, c, c->other, g->ts);
		if (c->accepted)
			p->accepted[p->n_accepted++] = c->group;
		g->asked = true;
		g->result = p->c[c->own].result;
		if (c->accepted && g->result)
			memcpy(g->via, c->ts, sizeof(g->via));
	}
	pthread_mutex_unlock(&s->lock);
}
