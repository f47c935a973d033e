/* arena.c - strings that live as long as their chunk. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "work/arena.h"

#define BLOCK 16384

struct arena_block {
	struct arena_block *next;
	size_t room;
	_Alignas(16) char data[];
};

void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->head;
	size_t room = n > BLOCK - 16 ? n + 16 : BLOCK;
	void *p;

	n = (n + 15) & ~(size_t)15;
	if (!b || b->room - a->used < n) {
		if (room < n || room > SIZE_MAX - sizeof(*b))
			return NULL;
		b = malloc(sizeof(*b) + room);
		if (!b)
			return NULL;
		b->next = a->head;
		b->room = room;
		a->head = b;
		a->used = 0;
	}
	p = b->data + a->used;
	a->used += n;
	return p;
}

char *arena_text(struct arena *a, const char *s, size_t n)
{
	char *p = n < SIZE_MAX ? arena_alloc(a, n + 1) : NULL;

	if (!p)
		return NULL;
	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

void arena_release(struct arena *a)
{
	while (a->head) {
		struct arena_block *b = a->head;

		a->head = b->next;
		free(b);
	}
	a->used = 0;
}
