/*
 * window.c - how much memory an xz or zstd stream asks of its decoder.
 *
 * A decoder reserves whatever a header asks for, and every block and frame has
 * a header; so the framing of the whole stream is followed (.xz file format
 * 1.0.4, LZMA2 chunks; RFC 8878).  Compressed data is passed over.  Memory
 * that is reserved becomes real as it is filled: a block that asks for more
 * than it can fill does no harm.
 */
#include <stdlib.h>
#include <string.h>

#include "archive/parts.h"

#define RESERVE   (128u << 20) /* more is not even reserved */
#define PACK_XZ   "xz -8"
#define PACK_ZSTD "zstd -19"

typedef int img_window_step(struct img_window *w, struct img_err *err);

struct img_window {
	const char *name;
	img_window_step *step; /* called when need bytes are held */
	uint64_t skip;         /* bytes to pass over first */
	size_t need, have;
	uint8_t hold[1024];
	uint64_t window; /* asked for by this block or frame */
	uint64_t out;    /* unpacked bytes of it, at most */
	/* xz */
	unsigned check; /* bytes of the check after a block */
	uint64_t block; /* bytes of the block's data so far */
	uint64_t count, value;
	unsigned shift;
	/* zstd */
	bool sum;
};

/* Next: step with need fresh bytes, after skip bytes. */
static int then(struct img_window *w, img_window_step *step, size_t need,
		uint64_t skip)
{
	w->step = step;
	w->need = need;
	w->have = 0;
	w->skip = skip;
	return 0;
}

/* Next: step with need bytes, those held included. */
static int widen(struct img_window *w, img_window_step *step, size_t need)
{
	w->step = step;
	w->need = need;
	return 0;
}

static int bad(struct img_window *w, const char *what, struct img_err *err)
{
	return img_err_set(err, IMG_E_MALFORMED, "%s: damaged %s stream",
			   w->name, what);
}

/* n more bytes come out of a block or frame. */
static int allow(struct img_window *w, uint64_t n, const char *how,
		 struct img_err *err)
{
	w->out += n;
	if (w->window <= IMG_ARCHIVE_WINDOW ||
	    (w->out <= IMG_ARCHIVE_WINDOW && w->window <= RESERVE))
		return 0;
	return img_err_set(err, IMG_E_LIMIT,
			   "%s: needs %llu MiB of memory to unpack, %u MiB "
			   "are allowed: pack it again with %s",
			   w->name,
			   (unsigned long long)((w->window + 1048575) >> 20),
			   IMG_ARCHIVE_WINDOW >> 20, how);
}

/* A block or frame begins that asks for size. */
static int begin(struct img_window *w, uint64_t size, const char *how,
		 struct img_err *err)
{
	w->window = size;
	w->out = 0;
	return allow(w, 0, how, err);
}

/* ---- xz -------------------------------------------------------------------- */

static img_window_step xz_head, xz_block, xz_chunk;

static int xz_head(struct img_window *w, struct img_err *err)
{
	static const uint8_t sizes[16] = { 0,  4,  4,  4,  8,  8,  8,  16,
					   16, 16, 32, 32, 32, 64, 64, 64 };

	if (memcmp(w->hold,
		   "\xFD"
		   "7zXZ\0",
		   7) != 0)
		return bad(w, "xz", err);
	w->check = sizes[w->hold[7] & 15];
	return then(w, xz_block, 1, 0);
}

/* Between streams there are zero bytes, by fours. */
static int xz_between(struct img_window *w, struct img_err *err)
{
	(void)err;
	if (memcmp(w->hold, "\0\0\0", 4) == 0)
		return then(w, xz_between, 4, 0);
	return widen(w, xz_head, 12);
}

/* The index: a count, then two numbers a record, 7 bits a byte. */
static int xz_index(struct img_window *w, struct img_err *err)
{
	uint8_t c = w->hold[0];
	bool first = w->count == UINT64_MAX;

	w->block++;
	if (w->shift > 62)
		return bad(w, "xz", err);
	w->value |= (uint64_t)(c & 0x7F) << w->shift;
	w->shift += 7;
	if (!(c & 0x80)) {
		if (first && w->value > UINT64_MAX / 4)
			return bad(w, "xz", err);
		w->count = first ? w->value * 2 : w->count - 1;
		w->value = 0;
		w->shift = 0;
		if (w->count == 0) /* padding, CRC32, footer */
			return then(w, xz_between, 4, (-w->block & 3) + 4 + 12);
	}
	return then(w, xz_index, 1, 0);
}

static bool number(const uint8_t *p, size_t n, size_t *at, uint64_t *out)
{
	*out = 0;
	for (unsigned shift = 0; shift < 63 && *at < n; shift += 7) {
		uint8_t c = p[(*at)++];

		*out |= (uint64_t)(c & 0x7F) << shift;
		if (!(c & 0x80))
			return true;
	}
	return false;
}

static int xz_header(struct img_window *w, struct img_err *err)
{
	const uint8_t *p = w->hold;
	size_t n = w->need - 4, at = 2;
	unsigned filters = (p[1] & 3) + 1;
	uint64_t v, id, len, size = 0;

	if ((p[1] & 0x40) && !number(p, n, &at, &v))
		return bad(w, "xz", err);
	if ((p[1] & 0x80) && !number(p, n, &at, &v))
		return bad(w, "xz", err);
	for (unsigned i = 0; i < filters; i++) {
		if (!number(p, n, &at, &id) || !number(p, n, &at, &len) ||
		    len > n - at)
			return bad(w, "xz", err);
		if (id == 0x21) { /* LZMA2 */
			if (len != 1 || p[at] > 40)
				return bad(w, "xz", err);
			size = (uint64_t)(2 | (p[at] & 1)) << (p[at] / 2 + 11);
		}
		at += len;
	}
	if (size == 0)
		return bad(w, "xz", err);
	w->block = 0;
	if (begin(w, size, PACK_XZ, err) < 0)
		return -1;
	return then(w, xz_chunk, 1, 0);
}

static int xz_block(struct img_window *w, struct img_err *err)
{
	(void)err;
	if (w->hold[0])
		return widen(w, xz_header, (w->hold[0] + 1u) * 4);
	w->block = 1;
	w->count = UINT64_MAX;
	w->value = 0;
	w->shift = 0;
	return then(w, xz_index, 1, 0);
}

static int xz_chunk_size(struct img_window *w, struct img_err *err)
{
	const uint8_t *p = w->hold;
	unsigned out = ((unsigned)p[1] << 8 | p[2]) + 1, size = out;

	if (p[0] >= 0x80) { /* compressed */
		out += (p[0] & 0x1Fu) << 16;
		size = ((unsigned)p[3] << 8 | p[4]) + 1;
	}
	if (allow(w, out, PACK_XZ, err) < 0)
		return -1;
	w->block += w->need + size;
	return then(w, xz_chunk, 1, size);
}

static int xz_chunk(struct img_window *w, struct img_err *err)
{
	uint8_t c = w->hold[0];

	if (c >= 0x80)
		return widen(w, xz_chunk_size, c >= 0xC0 ? 6 : 5);
	if (c > 2)
		return bad(w, "xz", err);
	if (c)
		return widen(w, xz_chunk_size, 3);
	w->block++;
	return then(w, xz_block, 1, (-w->block & 3) + w->check);
}

/* ---- zstd ------------------------------------------------------------------ */

static img_window_step zstd_magic;

static uint64_t le(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

static int zstd_block(struct img_window *w, struct img_err *err)
{
	uint32_t v = (uint32_t)le(w->hold, 3), size = v >> 3, out = size;

	if ((v >> 1 & 3) == 3)
		return bad(w, "zstd", err);
	if ((v >> 1 & 3) == 1) /* one byte, repeated */
		size = 1;
	else if ((v >> 1 & 3) == 2) /* compressed, up to Block_Maximum_Size */
		out = 128 * 1024;
	if (allow(w, out, PACK_ZSTD, err) < 0)
		return -1;
	if (v & 1)
		return then(w, zstd_magic, 4, size + (w->sum ? 4u : 0u));
	return then(w, zstd_block, 3, size);
}

static int zstd_header(struct img_window *w, struct img_err *err)
{
	static const uint8_t id_size[4] = { 0, 1, 2, 4 };
	const uint8_t *p = w->hold + 5;
	uint8_t d = w->hold[4];
	bool single = d & 0x20;
	uint64_t size;
	unsigned n;

	if (single) {
		p += id_size[d & 3];
		n = d >> 6 ? 1u << (d >> 6) : 1;
		size = le(p, n) + (n == 2 ? 256 : 0);
	} else {
		size = (uint64_t)1 << (10 + (*p >> 3));
		size += size / 8 * (*p & 7);
	}
	w->sum = d & 4;
	if (begin(w, size, PACK_ZSTD, err) < 0)
		return -1;
	return then(w, zstd_block, 3, 0);
}

static int zstd_descriptor(struct img_window *w, struct img_err *err)
{
	static const uint8_t id_size[4] = { 0, 1, 2, 4 };
	uint8_t d = w->hold[4];
	unsigned n = d >> 6 ? 1u << (d >> 6) : (d & 0x20 ? 1 : 0);

	(void)err;
	return widen(w, zstd_header,
		     5 + n + id_size[d & 3] + (d & 0x20 ? 0 : 1));
}

static int zstd_skippable(struct img_window *w, struct img_err *err)
{
	(void)err;
	return then(w, zstd_magic, 4, le(w->hold + 4, 4));
}

static int zstd_magic(struct img_window *w, struct img_err *err)
{
	if (le(w->hold, 4) == 0xFD2FB528)
		return widen(w, zstd_descriptor, 5);
	if ((le(w->hold, 4) & 0xFFFFFFF0) == 0x184D2A50)
		return widen(w, zstd_skippable, 8);
	return bad(w, "zstd", err);
}

/* ---- both ------------------------------------------------------------------ */

struct img_window *img_window_new(enum img_filter_kind kind, const char *name,
				  struct img_err *err)
{
	struct img_window *w = calloc(1, sizeof(*w));

	if (!w) {
		img_err_set(err, IMG_E_NOMEM, "%s: out of memory", name);
		return NULL;
	}
	w->name = name;
	if (kind == IMG_FILTER_XZ)
		then(w, xz_head, 12, 0);
	else
		then(w, zstd_magic, 4, 0);
	return w;
}

void img_window_free(struct img_window *w)
{
	free(w);
}

size_t img_window_pass(struct img_window *w, const uint8_t *p, size_t n,
		       struct img_err *err)
{
	size_t at = 0, ok = 0, k;

	while (at < n) {
		if (w->skip) {
			k = w->skip < n - at ? (size_t)w->skip : n - at;
			w->skip -= k;
			at += k;
		} else {
			k = w->need - w->have;
			if (k > n - at)
				k = n - at;
			memcpy(w->hold + w->have, p + at, k);
			w->have += k;
			at += k;
			if (w->have == w->need && w->step(w, err) < 0)
				return ok;
		}
		if (w->have == 0)
			ok = at;
	}
	return n;
}
