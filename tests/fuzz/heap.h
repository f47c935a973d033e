/* heap.h - memory for SQLite that costs little and is watched all the same:
   freed blocks are used again at once, by size, and what is free or beyond the
   end of a block is poison to a sanitizer.  What is not given back is counted.
   For one thread. */
#ifndef IMG_FUZZ_HEAP_H
#define IMG_FUZZ_HEAP_H

#include <sanitizer/asan_interface.h>
#include <sqlite3.h>

#include "fuzz.h"

#define HEAP_ROOM  (192u << 20)
#define HEAP_HEAD  16 /* before a block: its room and its size */
#define HEAP_SIZES 32

struct heap_block {
	uint32_t size, room;
	struct heap_block *next; /* while it is free */
};

static struct {
	uint8_t *base;
	size_t used;
	struct heap_block *free[HEAP_SIZES];
	size_t blocks; /* that are not given back */
} heap;

/* Not looked at itself: it would be a tenth of a run, and lead a fuzzer by
   sizes of blocks. */
#if defined(__clang__)
#define HEAP_PLAIN                                                             \
	__attribute__((no_sanitize("address", "undefined", "coverage")))
#else
#define HEAP_PLAIN
#endif

HEAP_PLAIN static inline struct heap_block *heap_of(void *p)
{
	return (struct heap_block *)(void *)((uint8_t *)p - HEAP_HEAD);
}

/* Half powers of two: 32, 48, 64, 96 ... */
HEAP_PLAIN static inline unsigned heap_class(size_t n, uint32_t *room)
{
	unsigned k = 0;
	size_t r = 32;

	while (r < n && r + r / 2 < n) {
		r *= 2;
		k += 2;
	}
	if (r < n) {
		r += r / 2;
		k++;
	}
	*room = (uint32_t)r;
	return k;
}

HEAP_PLAIN static inline void *heap_malloc(int size)
{
	struct heap_block *b;
	size_t n = (size_t)size;
	uint32_t room;
	unsigned k = heap_class(n + 8, &room); /* 8 of it always poison */

	if (size <= 0 || k >= HEAP_SIZES)
		return NULL;
	b = heap.free[k];
	if (b) {
		heap.free[k] = b->next;
	} else {
		if (heap.used + HEAP_HEAD + room > HEAP_ROOM)
			return NULL;
		b = (struct heap_block *)(void *)(heap.base + heap.used);
		heap.used += HEAP_HEAD + room;
		ASAN_UNPOISON_MEMORY_REGION(b, HEAP_HEAD);
	}
	b->size = (uint32_t)size;
	b->room = room;
	heap.blocks++;
	ASAN_UNPOISON_MEMORY_REGION((uint8_t *)b + HEAP_HEAD, n);
	return (uint8_t *)b + HEAP_HEAD;
}

HEAP_PLAIN static inline void heap_free(void *p)
{
	struct heap_block *b = heap_of(p);
	uint32_t room;
	unsigned k = heap_class(b->room, &room);

	heap.blocks--;
	ASAN_POISON_MEMORY_REGION(p, b->room);
	b->next = heap.free[k];
	heap.free[k] = b;
}

HEAP_PLAIN static inline int heap_size(void *p)
{
	return (int)heap_of(p)->size;
}

HEAP_PLAIN static inline void *heap_realloc(void *p, int size)
{
	size_t was = heap_of(p)->size;
	void *more = heap_malloc(size);

	if (!more)
		return NULL;
	memcpy(more, p, was < (size_t)size ? was : (size_t)size);
	heap_free(p);
	return more;
}

/* SQLite wants to be told the size it will get: that of a block is as asked,
   by eights. */
HEAP_PLAIN static inline int heap_round(int n)
{
	return (n + 7) & ~7;
}

static inline int heap_init(void *arg)
{
	(void)arg;
	return SQLITE_OK;
}

static inline void heap_end(void *arg)
{
	(void)arg;
}

/* Before anything else is done with SQLite. */
static inline void heap_prepare(void)
{
	static const sqlite3_mem_methods methods = { heap_malloc,  heap_free,
						     heap_realloc, heap_size,
						     heap_round,   heap_init,
						     heap_end,     NULL };

	heap.base = malloc(HEAP_ROOM);
	fuzz_must(heap.base != NULL, "no memory");
	ASAN_POISON_MEMORY_REGION(heap.base, HEAP_ROOM);
	fuzz_must(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK &&
			  sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) ==
				  SQLITE_OK &&
			  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) ==
				  SQLITE_OK,
		  "SQLite has begun before");
}

/* Before and after an input: memory that is not given back. */
static inline void heap_check(bool after)
{
	static size_t before;

	fuzz_must(!after || heap.blocks <= before,
		  "memory of SQLite's stays in use");
	before = heap.blocks;
}

#endif
