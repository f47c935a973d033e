/*
 * wide.c - texts of two or four bytes a character in what is no text of
 * DICOM: programs leave UTF-16 and UTF-32 in private and binary elements.
 *
 * Each run of characters becomes UTF-8, in which the search is done.  Nothing
 * says where a text begins, nor its byte order: all are tried.
 */
#include "anon/inside.h"

#define RUN  4096u
#define KEPT 512u

struct run {
	const struct look *l;
	unsigned what;
	size_t n;
	uint8_t text[RUN];
};

static bool run_finds(const struct run *r)
{
	return r->n >= 3 && look_finds(r->l, r->text, r->n, r->what);
}

/* True: found in what had to make room. */
static bool run_add(struct run *r, uint32_t c)
{
	uint8_t *p;

	if (r->n + 4 > RUN) {
		if (run_finds(r))
			return true;
		memmove(r->text, r->text + r->n - KEPT, KEPT);
		r->n = KEPT;
	}
	p = r->text + r->n;
	if (c < 0x80) {
		*p++ = (uint8_t)c;
	} else if (c < 0x800) {
		*p++ = (uint8_t)(0xC0 | c >> 6);
		*p++ = (uint8_t)(0x80 | (c & 0x3F));
	} else {
		*p++ = c < 0x10000 ? (uint8_t)(0xE0 | c >> 12)
				   : (uint8_t)(0xF0 | c >> 18);
		if (c >= 0x10000)
			*p++ = (uint8_t)(0x80 | (c >> 12 & 0x3F));
		*p++ = (uint8_t)(0x80 | (c >> 6 & 0x3F));
		*p++ = (uint8_t)(0x80 | (c & 0x3F));
	}
	r->n = (size_t)(p - r->text);
	return false;
}

static inline uint32_t unit(const uint8_t *p, unsigned width, bool big)
{
	if (width == 2)
		return big ? (uint32_t)(p[0] << 8 | p[1])
			   : (uint32_t)(p[1] << 8 | p[0]);
	return big ? (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]
		   : (uint32_t)p[3] << 24 | p[2] << 16 | p[1] << 8 | p[0];
}

static bool is_high(uint32_t c)
{
	return c >= 0xD800 && c < 0xDC00;
}

static bool is_low(uint32_t c)
{
	return c >= 0xDC00 && c < 0xE000;
}

/* Nearly any number is a character: those that no item has end a run. */
static inline bool is_text(const struct look *l, uint32_t c)
{
	if (c < 0x7F)
		return c >= ' ';
	return l->beyond && c >= 0xA0 && !is_high(c) && !is_low(c) &&
	       c < 0x110000;
}

static inline bool finds(const struct look *l, const uint8_t *p, size_t n,
			 unsigned what, unsigned width, bool big)
{
	struct run r;
	uint32_t high = 0;

	r.l = l;
	r.what = what;
	r.n = 0;
	for (size_t i = 0; i + width <= n; i += width) {
		uint32_t c = unit(p + i, width, big);

		if (high && is_low(c))
			c = 0x10000 + ((high & 0x3FF) << 10) + (c & 0x3FF);
		high = width == 2 && is_high(c) ? c : 0;
		if (high)
			continue;
		if (is_text(l, c)) {
			if (run_add(&r, c))
				return true;
		} else if (r.n) {
			if (run_finds(&r))
				return true;
			r.n = 0;
		}
	}
	return run_finds(&r);
}

bool look_finds_wide(const struct look *l, const uint8_t *p, size_t n,
		     unsigned what)
{
	/* Every second byte of ASCII is 0, and two of four. */
	if (!l->beyond && !memchr(p, 0, n))
		return false;
	for (unsigned from = 0; from < 2 && from < n; from++)
		if (finds(l, p + from, n - from, what, 2, false) ||
		    finds(l, p + from, n - from, what, 2, true))
			return true;
	if (!l->beyond && !memmem(p, n, "\0\0", 2))
		return false;
	for (unsigned from = 0; from < 4 && from < n; from++)
		if (finds(l, p + from, n - from, what, 4, false) ||
		    finds(l, p + from, n - from, what, 4, true))
			return true;
	return false;
}
