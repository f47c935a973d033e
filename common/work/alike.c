/*
 * alike.c - what has the UID of another object, and is the same image in
 * another encoding, is no conflict.
 *
 * That takes decoding, and so is done outside of the transaction that has found
 * the UID: the batch is given back, its conflicts are looked into, and it is
 * written again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "work/ingest_private.h"

#define RIVALS_MAX 16 /* objects of one UID that are compared */

static struct likeness *likeness(struct arena *a, struct item *it)
{
	if (!it->alike) {
		it->alike = arena_alloc(a, sizeof(*it->alike));
		if (it->alike)
			memset(it->alike, 0, sizeof(*it->alike));
	}
	return it->alike;
}

/* ---- rivals ------------------------------------------------------------- */

static int add_rival(struct img_ingest *g, struct arena *a, struct likeness *l,
		     const struct img_object *o, struct img_err *err)
{
	struct rival *r = &l->rival[l->n];
	int rc;

	memset(r, 0, sizeof(*r));
	r->object = o->object;
	memcpy(r->digest, o->digest, sizeof(r->digest));
	if (o->place && !(r->place = arena_text(a, o->place, strlen(o->place))))
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	rc = img_catalog_identity(g->catalog, l->instance, r->object, &r->id,
				  err);
	r->known = rc > 0;
	l->n++;
	return rc < 0 ? -1 : 0;
}

int alike_note_rivals(struct img_ingest *g, struct arena *a, struct item *it,
		      struct img_err *err)
{
	struct likeness *l = likeness(a, it);
	struct img_object o;
	int rc = 1;

	if (!l || !(l->rival = arena_alloc(a, RIVALS_MAX * sizeof(*l->rival))))
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	l->n = 0;
	l->catalog = g->catalogs;
	l->instance = it->put.instance;
	for (int64_t i = 0; rc > 0 && i < it->put.object && l->n < RIVALS_MAX;
	     i++) {
		rc = img_catalog_object(g->catalog, l->instance, i, &o, err);
		if (rc > 0 && add_rival(g, a, l, &o, err) < 0)
			return -1;
	}
	g->uncompared++;
	return rc < 0 ? -1 : 0;
}

/* ---- what is in them ---------------------------------------------------- */

/* What is to be looked into, and whose it is. */
struct look {
	struct img_ingest *g;
	struct identify *list;
	struct whose {
		bool *known;
		struct img_identity *id;
	} * whose;
	size_t n, room;
};

static int add(struct look *k, const char *place,
	       const struct img_store_file *f, const uint8_t *digest,
	       bool *known, struct img_identity *id)
{
	struct img_err err = IMG_ERR_INIT;
	char path[IMG_PATH_MAX];
	struct identify *more;
	struct whose *whose;

	if (!place) {
		if (img_store_path(k->g->store, f, digest, path, &err) < 0)
			return -1;
		place = path;
	}
	if (k->n == k->room) {
		size_t room = k->room ? 2 * k->room : 64;

		more = reallocarray(k->list, room, sizeof(*more));
		if (more)
			k->list = more;
		whose = reallocarray(k->whose, room, sizeof(*whose));
		if (whose)
			k->whose = whose;
		if (!more || !whose)
			return -1;
		k->room = room;
	}
	memset(&k->list[k->n], 0, sizeof(k->list[k->n]));
	k->list[k->n].path = strdup(place);
	if (!k->list[k->n].path)
		return -1;
	memcpy(k->list[k->n].digest, digest, IMG_DIGEST_SIZE);
	k->whose[k->n].known = known;
	k->whose[k->n].id = id;
	k->n++;
	return 0;
}

static int add_item(struct look *k, struct item *it)
{
	struct likeness *l = it->alike;

	return l->known ? 0
			: add(k, it->in.place, &it->file, it->in.digest,
			      &l->known, &l->id);
}

static void look(struct look *k, bool (*stopped)(void *arg), void *arg,
		 struct img_err *err)
{
	if (k->n && !stopped(arg) &&
	    identify(k->list, k->n, stopped, arg, err) == 0)
		for (size_t i = 0; i < k->n; i++)
			if (k->list[i].known) {
				*k->whose[i].known = true;
				*k->whose[i].id = k->list[i].id;
			}
	for (size_t i = 0; i < k->n; i++)
		free((char *)(uintptr_t)k->list[i].path);
	free(k->list);
	free(k->whose);
}

/* ---- a batch ------------------------------------------------------------ */

static void put_extra(struct arena *a, struct item *it, const char *key,
		      const uint8_t *digest)
{
	struct likeness *l = it->alike;
	char text[IMG_DIGEST_HEX + 32], hex[IMG_DIGEST_HEX];
	size_t n = l->extra ? strlen(l->extra) : 0, m;
	char *both;

	img_hex(hex, digest, IMG_DIGEST_SIZE);
	m = (size_t)snprintf(text, sizeof(text), "%s\"%s\":\"%s\"",
			     n ? "," : "", key, hex);
	both = arena_alloc(a, n + m + 1);
	if (!both)
		return;
	if (n)
		memcpy(both, l->extra, n);
	memcpy(both + n, text, m + 1);
	l->extra = both;
}

void alike_prepare(struct img_ingest *g)
{
	struct img_err err = IMG_ERR_INIT;
	struct look k = { .g = g };

	for (struct chunk *c = g->batch; c; c = c->next)
		for (size_t i = 0; i < c->n; i++) {
			struct item *it = &c->item[i];

			if (it->outcome == OBJECT &&
			    (it->file.name[0] || it->in.place) &&
			    likeness(&c->arena, it))
				(void)add_item(&k, it);
		}
	look(&k, g->host.stopped, g->host.arg, &err);
	for (struct chunk *c = g->batch; c; c = c->next)
		for (size_t i = 0; i < c->n; i++) {
			struct item *it = &c->item[i];

			if (!it->alike || !it->alike->known)
				continue;
			put_extra(&c->arena, it, "data_digest",
				  it->alike->id.data);
			if (it->alike->id.has_pixels)
				put_extra(&c->arena, it, "pixel_digest",
					  it->alike->id.pixels);
		}
}

static void compare(struct arena *a, struct item *it)
{
	struct likeness *l = it->alike;

	l->compared = true;
	for (size_t i = 0; l->known && i < l->n && !l->same; i++)
		if (l->rival[i].known &&
		    img_identity_same(&l->id, &l->rival[i].id))
			l->same = &l->rival[i];
	if (l->same)
		put_extra(a, it, "equivalent_to", l->same->digest);
}

static void add_both(struct look *k, struct item *it)
{
	struct likeness *l = it->alike;

	if (!l || !l->n || l->compared)
		return;
	(void)add_item(k, it);
	for (size_t r = 0; r < l->n; r++)
		if (!l->rival[r].known)
			(void)add(k, l->rival[r].place, NULL,
				  l->rival[r].digest, &l->rival[r].known,
				  &l->rival[r].id);
}

static void resolve(struct arena *a, struct item *it, const struct img_err *err)
{
	if (!it->alike || it->alike->compared || !it->alike->rival)
		return;
	compare(a, it);
	if (err->code == IMG_OK)
		return;
	/* Those of the catalog come again, behind this one. */
	it->warnings -= it->warned;
	it->warned = 0;
	item_warn(a, it, "not-compared: %s", err->text);
}

void alike_resolve(struct img_ingest *g)
{
	struct img_err err = IMG_ERR_INIT;
	struct look k = { .g = g };

	for (struct chunk *c = g->batch; c; c = c->next)
		for (size_t i = 0; i < c->n; i++)
			add_both(&k, &c->item[i]);
	look(&k, g->host.stopped, g->host.arg, &err);
	for (struct chunk *c = g->batch; c; c = c->next)
		for (size_t i = 0; i < c->n; i++)
			resolve(&c->arena, &c->item[i], &err);
	g->uncompared = 0;
}

void alike_resolve_one(struct img_ingest *g, struct arena *a, struct item *it,
		       bool (*stopped)(void *arg), void *arg)
{
	struct img_err err = IMG_ERR_INIT;
	struct look k = { .g = g };

	add_both(&k, it);
	look(&k, stopped, arg, &err);
	if (err.code == IMG_OK && stopped(arg))
		img_err_set(&err, IMG_E_BUSY, "no time for it");
	resolve(a, it, &err);
}

int alike_store(struct img_ingest *g, struct item *it, struct img_err *err)
{
	struct likeness *l = it->alike;

	if (!l)
		return 0;
	if (l->known &&
	    img_catalog_note_identity(g->catalog, it->put.instance,
				      it->put.object, &l->id, err) < 0)
		return -1;
	for (size_t i = 0; i < l->n; i++)
		if (l->instance == it->put.instance && l->rival[i].known &&
		    img_catalog_note_identity(g->catalog, l->instance,
					      l->rival[i].object,
					      &l->rival[i].id, err) < 0)
			return -1;
	return 0;
}
