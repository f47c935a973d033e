/*
 * anon_bytes.h - what anonrows.c and anonplaces.c share: an encoder of their
 * own, files, and CSV.  Nothing of what they test.
 */
#ifndef ANON_BYTES_H
#define ANON_BYTES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "dicom/dicom.h"

static bool big, implicit_vr;

static void die(const char *what)
{
	fprintf(stderr, "anonrows: %s\n", what);
	exit(2);
}

static size_t split(char *line, char cell[][40], size_t max)
{
	size_t n = 0, k = 0;
	bool quoted = false;

	for (char *p = line; *p && *p != '\n' && *p != '\r'; p++) {
		if (*p == '"') {
			quoted = !quoted;
		} else if (*p == ',' && !quoted) {
			cell[n][k] = '\0';
			k = 0;
			if (++n == max)
				die("too many cells");
		} else if (k < 39) {
			cell[n][k++] = *p;
		}
	}
	cell[n][k] = '\0';
	return n + 1;
}

/* ---- encoding --------------------------------------------------------- */

struct bytes {
	uint8_t p[1 << 20];
	size_t n;
};

static void put(struct bytes *b, const void *p, size_t n)
{
	if (b->n + n > sizeof(b->p))
		die("too much");
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static void put_n(struct bytes *b, uint32_t v, unsigned n)
{
	uint8_t x[4];

	for (unsigned i = 0; i < n; i++)
		x[big ? n - 1 - i : i] = (uint8_t)(v >> 8 * i);
	put(b, x, n);
}

static void head(struct bytes *b, uint32_t tag, const char *vr, uint32_t n)
{
	put_n(b, tag >> 16, 2);
	put_n(b, tag & 0xFFFF, 2);
	if (implicit_vr || tag >> 16 == 0xFFFE) {
		put_n(b, n, 4);
		return;
	}
	put(b, vr, 2);
	if (img_vr_is_long(vr)) {
		put_n(b, 0, 2);
		put_n(b, n, 4);
	} else {
		put_n(b, n, 2);
	}
}

static void element(struct bytes *b, uint32_t tag, const char *vr,
		    const char *value)
{
	size_t n = strlen(value);
	const char *pad = strcmp(vr, "UI") == 0 || vr[0] == 'O' ? "" : " ";

	head(b, tag, vr, (uint32_t)(n + (n & 1)));
	put(b, value, n);
	if (n & 1)
		put(b, pad, 1);
}

static void write_file(const char *path, const struct bytes *meta,
		       struct bytes *b, bool deflated)
{
	static struct bytes z;
	z_stream s = { 0 };
	FILE *f = fopen(path, "w");

	if (deflated) {
		s.next_in = b->p;
		s.avail_in = (uInt)b->n;
		s.next_out = z.p;
		s.avail_out = sizeof(z.p);
		if (deflateInit2(&s, 6, Z_DEFLATED, -MAX_WBITS, 8, 0) != Z_OK ||
		    deflate(&s, Z_FINISH) != Z_STREAM_END)
			die("deflate");
		z.n = s.total_out + (s.total_out & 1);
		deflateEnd(&s);
		b = &z;
	}
	if (!f || fwrite(meta->p, 1, meta->n, f) != meta->n ||
	    fwrite(b->p, 1, b->n, f) != b->n || fclose(f) != 0)
		die(path);
}

/* "1.2.840..." of implicit, explicit, big or deflated; sets the encoding. */
static const char *syntax_of(const char *word)
{
	big = strcmp(word, "big") == 0;
	implicit_vr = strcmp(word, "implicit") == 0;
	return implicit_vr                     ? "1.2.840.10008.1.2"
	       : big                           ? "1.2.840.10008.1.2.2"
	       : strcmp(word, "deflated") == 0 ? "1.2.840.10008.1.2.1.99"
					       : "1.2.840.10008.1.2.1";
}

/* Preamble and file meta information around the elements given. */
static void begin_file(struct bytes *out, const struct bytes *meta)
{
	bool was_big = big, was_implicit = implicit_vr;

	big = implicit_vr = false;
	put(out, "QZPREAMBLE", 10);
	memset(out->p + 10, 'Q', 118);
	out->n = 128;
	put(out, "DICM", 4);
	head(out, 0x00020000u, "UL", 4);
	put_n(out, (uint32_t)meta->n, 4);
	put(out, meta->p, meta->n);
	big = was_big;
	implicit_vr = was_implicit;
}

#endif
