/* cases-value.h - how mkcases makes bytes of a VALUE. */
#ifndef CASES_VALUE_H
#define CASES_VALUE_H

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>

#include "hostile.h"

#define BASE_UID "2.25.710000000" /* in the files of -b */
#define UID_N    14

enum encoding { EXPLICIT_VR, IMPLICIT_VR, BIG };

struct piece {
	uint32_t tag; /* 0: raw bytes */
	struct bytes b;
};

struct making {
	const char *name, *dir;
	char uid[UID_N + 1], ts[65];
	enum encoding enc;
	struct piece *pieces;
	size_t n, room;
	struct bytes preamble, magic, out;
	bool meta_length, settled;
};

static inline void __attribute__((format(printf, 1, 2), noreturn))
quit(const char *fmt, ...)
{
	va_list ap;

	fputs("mkcases: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(64);
}

static inline void make_uid(char *uid, unsigned n)
{
	snprintf(uid, UID_N + 1, "2.25.71%07u", 1000000 + n % 1000000);
}

static inline void start(struct making *m, unsigned n)
{
	make_uid(m->uid, n);
	snprintf(m->ts, sizeof(m->ts), "1.2.840.10008.1.2.1");
	put(&m->preamble, NULL, 128);
	puts_(&m->magic, "DICM");
}

static inline void release(struct making *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->pieces[i].b.p);
	free(m->pieces);
	free(m->preamble.p);
	free(m->magic.p);
	free(m->out.p);
}

/* ---- values ----------------------------------------------------------------- */

static inline void number(const struct making *m, struct bytes *b, uint64_t v,
			  size_t n)
{
	if (m->enc == BIG)
		be(b, v, n);
	else
		le(b, v, n);
}

static inline void numbers(const struct making *m, struct bytes *b,
			   const char *s, size_t n)
{
	char *end;

	for (;; s = end + 1) {
		number(m, b, (uint64_t)strtoll(s, &end, 0), n);
		if (end == s || (*end && *end != ','))
			quit("%s: no number: %s", m->name, s);
		if (!*end)
			return;
	}
}

static inline unsigned nibble(int c)
{
	return isdigit(c) ? (unsigned)c - '0' : (unsigned)toupper(c) - 'A' + 10;
}

static inline void hex(const struct making *m, struct bytes *b, const char *s)
{
	for (; *s; s += 2) {
		uint8_t v;

		if (!isxdigit((uint8_t)s[0]) || !isxdigit((uint8_t)s[1]))
			quit("%s: no hex: %s", m->name, s);
		v = (uint8_t)(nibble(s[0]) << 4 | nibble(s[1]));
		put(b, &v, 1);
	}
}

static inline void literal(const struct making *m, struct bytes *b,
			   const char *s)
{
	for (; *s; s++) {
		if (s[0] == '%' && isxdigit((uint8_t)s[1]) &&
		    isxdigit((uint8_t)s[2])) {
			uint8_t v = (uint8_t)(nibble(s[1]) << 4 | nibble(s[2]));

			put(b, &v, 1);
			s += 2;
		} else if (strncmp(s, "$u", 2) == 0) {
			puts_(b, m->uid);
			s++;
		} else if (strncmp(s, "$t", 2) == 0) {
			puts_(b, m->ts);
			s++;
		} else {
			put(b, s, 1);
		}
	}
}

/* The first fragment behind the offset table that is not empty. */
static inline void fragment(const struct making *m, struct bytes *b,
			    const char *name)
{
	static uint8_t file[1 << 20];
	char path[4096];
	size_t n, at = 132;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", m->dir ? m->dir : ".", name);
	f = fopen(path, "rb");
	if (!f)
		quit("no file %s", path);
	n = fread(file, 1, sizeof(file), f);
	fclose(f);
	while (at + 12 < n && memcmp(file + at, "\xE0\x7F\x10\0OB\0\0\xFF", 9))
		at++;
	for (at += 12; at + 8 < n && file[at + 2] == 0;) {
		uint32_t len = file[at + 4] | (uint32_t)file[at + 5] << 8 |
			       (uint32_t)file[at + 6] << 16;

		if (len > n - at - 8)
			break;
		/* An offset table is no longer than this. */
		if (len > 8) {
			put(b, file + at + 8, len);
			return;
		}
		at += 8 + len;
	}
	quit("%s: no coded frame", path);
}

static inline void repeated(const struct making *m, struct bytes *b, char *s)
{
	struct bytes one = { 0 };
	char *end;
	unsigned long n = strtoul(s, &end, 0);

	if (*end != ':')
		quit("%s: rep:N:hex", m->name);
	hex(m, &one, end + 1);
	while (n-- > 0)
		put(b, one.p, one.n);
	free(one.p);
}

/* HEX+N, or HEX-N. */
static inline size_t look_for(const struct making *m, char *s, bool last)
{
	size_t digits = strspn(s, "0123456789ABCDEF"), at = SIZE_MAX;
	long add = strtol(s + digits, NULL, 0);
	struct bytes b = { 0 };

	s[digits] = '\0';
	hex(m, &b, s);
	for (size_t i = 0; b.n && i + b.n <= m->out.n; i++)
		if (memcmp(m->out.p + i, b.p, b.n) == 0) {
			at = i;
			if (!last)
				break;
		}
	free(b.p);
	if (at == SIZE_MAX)
		quit("%s: no %s in it", m->name, s);
	return at + (size_t)add;
}

/* Where the first HEX is in the file, +N. */
static inline void offset(const struct making *m, struct bytes *b, char *s)
{
	le(b, look_for(m, s, false), 4);
}

static inline void value(const struct making *m, struct bytes *b, char *s)
{
	char *part;

	while ((part = strsep(&s, "&"))) {
		if (*part == '#')
			hex(m, b, part + 1);
		else if (strncmp(part, "us:", 3) == 0)
			numbers(m, b, part + 3, 2);
		else if (strncmp(part, "ul:", 3) == 0)
			numbers(m, b, part + 3, 4);
		else if (strncmp(part, "uq:", 3) == 0)
			numbers(m, b, part + 3, 8);
		else if (strncmp(part, "rep:", 4) == 0)
			repeated(m, b, part + 4);
		else if (strncmp(part, "off:", 4) == 0)
			offset(m, b, part + 4);
		else if (strncmp(part, "frag:", 5) == 0)
			fragment(m, b, part + 5);
		else
			literal(m, b, part);
	}
}

#endif
