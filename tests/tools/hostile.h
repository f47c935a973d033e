/*
 * hostile.h - what the parts of mkhostile share: bytes are built in
 * memory, little endian, and every case is the same on every run.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct bytes {
	uint8_t *p;
	size_t n, room;
};

struct kind {
	const char *name;
	void (*make)(struct bytes *b, unsigned long arg);
	unsigned long arg;
	const char *what;
};

static inline void put(struct bytes *b, const void *p, size_t n)
{
	if (!n)
		return;
	if (n > b->room - b->n) {
		b->room = (b->n + n) * 2;
		b->p = realloc(b->p, b->room);
		if (!b->p)
			abort();
	}
	if (p)
		memcpy(b->p + b->n, p, n);
	else
		memset(b->p + b->n, 0, n);
	b->n += n;
}

static inline void puts_(struct bytes *b, const char *s)
{
	put(b, s, strlen(s));
}

static inline void le(struct bytes *b, uint64_t v, size_t n)
{
	for (; n > 0; n--, v >>= 8)
		put(b, &(uint8_t){ (uint8_t)v }, 1);
}

static inline void be(struct bytes *b, uint64_t v, size_t n)
{
	while (n-- > 0)
		put(b, &(uint8_t){ (uint8_t)(v >> (8 * n)) }, 1);
}

static inline void both(struct bytes *b, uint64_t v, size_t n)
{
	le(b, v, n);
	be(b, v, n);
}

static inline void pad_to(struct bytes *b, size_t unit)
{
	put(b, NULL, (unit - b->n % unit) % unit);
}

/* Raw deflate of n bytes; open: a full flush, so that more may follow. */
static inline void deflated(struct bytes *b, const void *p, size_t n, int open)
{
	z_stream z = { 0 };
	size_t room = n + n / 1000 + 64;

	if (deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	put(b, NULL, room);
	z.next_in = (Bytef *)p;
	z.avail_in = (uInt)n;
	z.next_out = b->p + b->n - room;
	z.avail_out = (uInt)room;
	deflate(&z, open ? Z_FULL_FLUSH : Z_FINISH);
	b->n -= z.avail_out;
	deflateEnd(&z);
}

/* Raw deflate of mib MiB of zero bytes, quickly; not ended. */
static inline void deflated_zeros(struct bytes *b, unsigned mib)
{
	static uint8_t zeros[1 << 20];
	struct bytes one = { 0 };

	deflated(&one, zeros, sizeof(zeros), 1);
	while (mib-- > 0)
		put(b, one.p, one.n);
	free(one.p);
}

static inline uint32_t crc_zeros(uint32_t crc, unsigned mib)
{
	static uint8_t zeros[1 << 20];
	uint32_t one = (uint32_t)crc32(0, zeros, sizeof(zeros));

	while (mib-- > 0)
		crc = (uint32_t)crc32_combine(crc, one, sizeof(zeros));
	return crc;
}

/* The bytes of a text and how many, without its NUL. */
#define BYTES(s) s, sizeof(s) - 1

#endif
