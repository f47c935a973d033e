/*
 * arena.h - strings that live as long as their chunk.
 */
#ifndef IMG_ARENA_H
#define IMG_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
	struct arena_block *head;
	size_t used;
};
void *arena_alloc(struct arena *a, size_t n); /* NULL: out of memory */
char *arena_text(struct arena *a, const char *s, size_t n);
void arena_release(struct arena *a);

#endif
