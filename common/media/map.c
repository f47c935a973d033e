/* map.c - texts to numbers: an open hash table over texts in the arena. */
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "media/plan.h"

size_t media_keep(struct img_media_set *m, const void *p, size_t n,
		  struct img_err *err)
{
	size_t at = m->arena.len;
	uintptr_t from = (uintptr_t)p - (uintptr_t)m->arena.data;

	/* A text of the arena moves with it. */
	if (img_buf_grow(&m->arena, n + 1, err) < 0)
		return NONE;
	if (p && from < at)
		p = m->arena.data + from;
	if (img_buf_add(&m->arena, p, n, err) < 0 ||
	    img_buf_putc(&m->arena, '\0', err) < 0)
		return NONE;
	return at;
}

static size_t slot_of(const char *key, size_t room)
{
	return (size_t)img_sum64(key, strlen(key)) & (room - 1);
}

/* The slot of key, or the empty one where it would be. */
static struct map_slot *find(const struct img_media_set *m,
			     const struct map *map, const char *key)
{
	size_t i = slot_of(key, map->room);

	for (;; i = (i + 1) & (map->room - 1)) {
		struct map_slot *s = &map->slot[i];

		if (!s->key || strcmp(media_text(m, s->key - 1), key) == 0)
			return s;
	}
}

size_t media_map_get(const struct img_media_set *m, const struct map *map,
		     const char *key)
{
	const struct map_slot *s;

	if (!map->room)
		return NONE;
	s = find(m, map, key);
	return s->key ? s->value : NONE;
}

static int grow(const struct img_media_set *m, struct map *map,
		struct img_err *err)
{
	size_t room = map->room ? map->room * 2 : 64;
	struct map_slot *slot = calloc(room, sizeof *slot);

	if (!slot)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (size_t i = 0; i < map->room; i++) {
		size_t at;

		if (!map->slot[i].key)
			continue;
		at = slot_of(media_text(m, map->slot[i].key - 1), room);
		while (slot[at].key)
			at = (at + 1) & (room - 1);
		slot[at] = map->slot[i];
	}
	free(map->slot);
	map->slot = slot;
	map->room = room;
	return 0;
}

/* Where the key is, or NONE. */
static size_t place_of(struct img_media_set *m, const char *key,
		       struct img_err *err)
{
	uintptr_t from = (uintptr_t)key - (uintptr_t)m->arena.data;

	return from < m->arena.len ? from
				   : media_keep(m, key, strlen(key), err);
}

int media_map_put(struct img_media_set *m, struct map *map, const char *key,
		  size_t value, struct img_err *err)
{
	struct map_slot *s;
	size_t at;

	if (map->count >= map->room / 2 && grow(m, map, err) < 0)
		return -1;
	s = find(m, map, key);
	if (!s->key) {
		at = place_of(m, key, err);
		if (at == NONE)
			return -1;
		if (at >= UINT32_MAX)
			return img_err_set(err, IMG_E_LIMIT, "too many texts");
		map->count++;
		s->key = (uint32_t)at + 1;
	}
	s->value = (uint32_t)value;
	return 0;
}

void media_map_release(struct map *map)
{
	free(map->slot);
	memset(map, 0, sizeof *map);
}
