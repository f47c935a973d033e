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

void defer(struct img_ingest *g, struct arena *a, struct item *it)
{
	struct deferred *d = deferred_new(it);
	struct img_err err = IMG_ERR_INIT;

	if (d) {
		*g->deferred_end = d;
		g->deferred_end = &d->next;
		return;
	}
	/* It must not be lost without a word. */
	img_err_set(&err, IMG_E_NOMEM, "out of memory");
	item_fail(a, it, FAILED, &err);
}

struct deferred *next_deferred(struct img_ingest *g)
{
	struct deferred *d;

	pthread_mutex_lock(&g->lock);
	d = g->deferred;
	if (d) {
		g->deferred = d->next;
		if (!g->deferred)
			g->deferred_end = &g->deferred;
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
	while (rc == 0 && (d = next_deferred(g))) {
		rc = d->dicomdir ? check_dicomdir(g, d, err)
				 : expand_archive(g, d, err);
		deferred_free(d);
		if (all)
			wait_examined(g);
	}
	return rc;
}
