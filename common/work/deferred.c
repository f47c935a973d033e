/* deferred.c - containers that workers meet, left for the walker to open. */
#include <stdlib.h>
#include <string.h>

#include "work/ingest_private.h"

void deferred_free(struct deferred *d)
{
	if (!d)
		return;
	free(d->path);
	free(d->container);
	free(d->name);
	free(d->rides);
	free(d);
}

static struct deferred *deferred_new(const struct item *it)
{
	struct deferred *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->path = strdup(it->path);
	d->container = strdup(it->container ? it->container : "");
	d->name = strdup(it->name ? it->name : "");
	d->rides = it->rides ? strdup(it->rides) : NULL;
	d->size = it->size;
	d->inode = it->inode;
	d->device = it->device;
	d->mtime_ns = it->mtime_ns;
	d->dicomdir = it->seen_as != NULL;
	if (d->path && d->container && d->name && (d->rides || !it->rides))
		return d;
	deferred_free(d);
	return NULL;
}

static void link_behind(struct img_ingest *g, struct deferred *after,
			struct deferred *d)
{
	d->prev = after;
	d->next = after ? after->next : g->deferred;
	if (after)
		after->next = d;
	else
		g->deferred = d;
	if (d->next)
		d->next->prev = d;
	else
		g->deferred_last = d;
}

void defer(struct img_ingest *g, struct chunk *c, struct item *it)
{
	struct deferred *d = deferred_new(it), *after = g->deferred_last;
	struct img_err err = IMG_ERR_INIT;

	if (d) {
		d->order = c->order;
		while (after && after->order > d->order)
			after = after->prev;
		link_behind(g, after, d);
		return;
	}
	/* It must not be lost without a word. */
	img_err_set(&err, IMG_E_NOMEM, "out of memory");
	item_fail(&c->arena, it, FAILED, &err);
}

/* Which of two objects with one UID is the first one must not depend on which
   worker was faster. */
static bool is_next(const struct img_ingest *g, const struct deferred *d)
{
	const struct chunk *c = g->head;

	while (c && c->done)
		c = c->next;
	return !c || d->order < c->order;
}

struct deferred *next_deferred(struct img_ingest *g, bool any)
{
	struct deferred *d;

	pthread_mutex_lock(&g->lock);
	d = g->deferred;
	if (d && (any || is_next(g, d))) {
		g->deferred = d->next;
		if (d->next)
			d->next->prev = NULL;
		else
			g->deferred_last = NULL;
	} else {
		d = NULL;
	}
	pthread_mutex_unlock(&g->lock);
	return d;
}

int walk_deferred(struct img_ingest *g, bool all, struct img_err *err)
{
	struct deferred *d;
	int rc = 0;

	if (all)
		wait_examined(g);
	while (rc == 0 && (d = next_deferred(g, false))) {
		rc = d->dicomdir ? check_dicomdir(g, d, err)
				 : expand_archive(g, d, err);
		deferred_free(d);
		if (all)
			wait_examined(g);
	}
	return rc;
}
