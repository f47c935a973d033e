/* mkpixels-hostile.h - the part of mkpixels that makes pixel data to do harm. */
#ifndef MKPIXELS_HOSTILE_H
#define MKPIXELS_HOSTILE_H

#include "mkpixels.h"

#define TS_RLE   "1.2.840.10008.1.2.5"
#define TS_JPEGL "1.2.840.10008.1.2.4.70"
#define TS_PROG  "1.2.840.10008.1.2.4.55"
#define TS_JLS   "1.2.840.10008.1.2.4.80"
#define TS_J2K   "1.2.840.10008.1.2.4.90"

static void big16(struct made *b, unsigned v)
{
	uint8_t p[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	m_bytes(b, p, 2);
}

static void begin(const char *ts)
{
	m_meta(&m, ts);
	m_ids(&m);
	o.rows = o.rows == 17 ? 64 : o.rows;
	o.columns = o.columns == 23 ? 64 : o.columns;
	put_shape();
}

/* One frame in one fragment. */
static void whole(const char *ts, const void *p, size_t n)
{
	begin(ts);
	m_head(&m, T_PIXELS, "OB", UNDEF);
	m_item(&m, 0);
	m_item(&m, (uint32_t)(n + n % 2));
	m_bytes(&m, p, n);
	m_bytes(&m, "", n % 2);
	m_end(&m, T_END_SQ);
}

static void rle(uint32_t segments, uint32_t first, const void *p, size_t n)
{
	struct made f = { .implicit = false };

	img_buf_init(&f.b, 1 << 20);
	m_u32(&f, segments);
	m_u32(&f, first);
	m_fill(&f, 56, 0);
	m_bytes(&f, p, n);
	whole(TS_RLE, f.b.data, f.b.len);
	img_buf_release(&f.b);
}

/* JPEG from its first marker to the scan. */
static void jpeg(struct made *f, unsigned sof, unsigned rows, unsigned columns)
{
	img_buf_init(&f->b, 64 << 20);
	m_bytes(f, "\xFF\xD8\xFF\xDB\0\x43\0", 7);
	m_fill(f, 64, 1);
	big16(f, 0xFF00 | sof);
	m_bytes(f, "\0\x0B\x08", 3);
	big16(f, rows);
	big16(f, columns);
	m_bytes(f, "\1\1\x11\0", 4);
	/* Huffman tables of one code: DC 0, AC an end of band of 2^14. */
	m_bytes(f, "\xFF\xC4\0\x14\0\1", 6);
	m_fill(f, 15, 0);
	m_bytes(f, "", 1);
	m_bytes(f, "\xFF\xC4\0\x14\x10\1", 6);
	m_fill(f, 15, 0);
	m_bytes(f, "\xE0", 1);
}

static void jpeg_tem(void)
{
	struct made f = { .implicit = false };

	img_buf_init(&f.b, 1 << 20);
	m_bytes(&f, "\xFF\xD8", 2);
	for (int i = 0; i < 200; i++)
		m_bytes(&f, "\xFF\x01", 2);
	m_bytes(&f, "\xFF\xD9", 2);
	whole("1.2.840.10008.1.2.4.50", f.b.data, f.b.len);
	img_buf_release(&f.b);
}

static void jpeg_of(unsigned sof, unsigned rows, unsigned columns,
		    const char *ts)
{
	struct made f = { .implicit = false };

	jpeg(&f, sof, rows, columns);
	m_bytes(&f, "\xFF\xDA\0\x08\1\1\0\0\x3F\0", 10);
	m_bytes(&f, "\0\0\0\0\xFF\xD9", 6);
	whole(ts, f.b.data, f.b.len);
	img_buf_release(&f.b);
}

/* Scan after scan over 16 million pixels, each of a few bytes. */
static void jpeg_scans(void)
{
	struct made f = { .implicit = false };

	o.rows = o.columns = 4096;
	jpeg(&f, 0xC2, 4096, 4096);
	m_bytes(&f, "\xFF\xDA\0\x08\1\1\0\0\0\0", 10);
	m_fill(&f, 4096 * 4096 / 64 / 8 + 8, 0);
	for (int i = 0; i < 20000; i++) {
		m_bytes(&f, "\xFF\xDA\0\x08\1\1\0\1\x3F\0", 10);
		m_fill(&f, 64, 0);
	}
	m_bytes(&f, "\xFF\xD9", 2);
	whole(TS_PROG, f.b.data, f.b.len);
	img_buf_release(&f.b);
}

static void jls_of(unsigned rows, unsigned columns, unsigned bits, size_t n)
{
	struct made f = { .implicit = false };

	img_buf_init(&f.b, 1 << 20);
	m_bytes(&f, "\xFF\xD8\xFF\xF7\0\x0B", 6);
	m_bytes(&f, &(uint8_t){ (uint8_t)bits }, 1);
	big16(&f, rows);
	big16(&f, columns);
	m_bytes(&f, "\1\1\x11\0\xFF\xDA\0\x08\1\1\0\0\0\0", 14);
	m_fill(&f, n, 0x55);
	m_bytes(&f, "\xFF\xD9", 2);
	whole(TS_JLS, f.b.data, f.b.len);
	img_buf_release(&f.b);
}

static void j2k_of(uint32_t rows, uint32_t columns, uint32_t tile,
		   unsigned parts, unsigned layers)
{
	struct made f = { .implicit = false };
	const uint32_t size[] = { columns, rows, 0, 0, tile, tile, 0, 0 };

	img_buf_init(&f.b, 8 << 20);
	m_bytes(&f, "\xFF\x4F\xFF\x51", 4);
	big16(&f, 38 + 3 * parts);
	big16(&f, 0);
	for (int i = 0; i < 8; i++) {
		big16(&f, size[i] >> 16);
		big16(&f, size[i] & 0xFFFF);
	}
	big16(&f, parts);
	for (unsigned i = 0; i < parts; i++)
		m_bytes(&f, "\7\1\1", 3);
	m_bytes(&f, "\xFF\x52\0\x0C\0\0", 6);
	big16(&f, layers);
	m_bytes(&f, "\0\5\4\4\0\1", 6);
	m_bytes(&f, "\xFF\x5C\0\x13\x40", 5);
	m_fill(&f, 16, 0x48);
	m_bytes(&f, "\xFF\x90\0\x0A\0\0\0\0\0\0\0\1\xFF\x93", 14);
	m_fill(&f, 4096, 0);
	m_bytes(&f, "\xFF\xD9", 2);
	whole(TS_J2K, f.b.data, f.b.len);
	img_buf_release(&f.b);
}

static void table_lie(uint32_t tag, unsigned unit)
{
	uint8_t lie[64];

	memset(lie, 0xFF, sizeof(lie));
	o.frames = o.stated = 64 / unit;
	begin(TS_RLE);
	if (tag)
		m_put(&m, tag, "OV", lie, sizeof(lie));
	m_head(&m, T_PIXELS, "OB", UNDEF);
	m_item(&m, tag ? 0 : sizeof(lie));
	m_bytes(&m, lie, tag ? 0 : sizeof(lie));
	m_item(&m, 66);
	m_u32(&m, 1);
	m_u32(&m, 64);
	m_fill(&m, 58, 0);
	m_end(&m, T_END_SQ);
}

static void many_fragments(unsigned n)
{
	begin(TS_RLE);
	m_head(&m, T_PIXELS, "OB", UNDEF);
	m_item(&m, 0);
	while (n--)
		m_item(&m, 0);
	m_end(&m, T_END_SQ);
}

static void lie(unsigned rows, unsigned samples, unsigned bits, unsigned stated)
{
	o.rows = o.columns = rows;
	o.samples = samples;
	o.allocated = o.stored = bits;
	o.high = bits - 1;
	o.stated = stated;
	begin(TS_EXPLICIT);
	m_put(&m, T_PIXELS, "OW", "0123456789", 10);
}

/* A frame of deflated bytes that gives far more than a frame. */
static void deflated_frame(void)
{
	struct made f = { .implicit = false };

	img_buf_init(&f.b, 128 << 20);
	m_fill(&f, 64 << 20, 0);
	m_deflate(&f, 0, -15);
	whole("1.2.840.10008.1.2.8.1", f.b.data, f.b.len);
	img_buf_release(&f.b);
}

static const char *const names[] = {
	"rle-short",     "rle-offset", "rle-cut",          "rle-segments",
	"rle-backwards", "jpeg-tem",   "jpeg-larger",      "jpeg-empty",
	"jpeg-lossless", "jpeg-scans", "jls-larger",       "jls-noise",
	"jls-bits",      "j2k-larger", "j2k-tiles",        "j2k-parts",
	"j2k-layers",    "j2k-huge",   "basic-lie",        "extended-lie",
	"fragments",     "pixels",     "frames",           "samples",
	"bits",          "deflated",   "frame-of-nothing",
};
#define NAMES (sizeof(names) / sizeof(names[0]))

#define IS(name) (strcmp(s, name) == 0)

static bool make_rle(const char *s)
{
	static uint8_t zeros[8192];

	if (IS("rle-short"))
		whole(TS_RLE, "\1\0\0\0\x40\0\0\0", 8);
	else if (IS("rle-offset"))
		rle(1, 0xFFFFFF00u, zeros, 100);
	else if (IS("rle-cut"))
		rle(1, 64, zeros, 100);
	else if (IS("rle-segments"))
		rle(16, 64, zeros, 100);
	else if (IS("rle-backwards"))
		rle(0x80000001u, 64, zeros, 8192);
	else
		return false;
	return true;
}

static bool make_jpeg(const char *s)
{
	if (IS("jpeg-tem"))
		jpeg_tem();
	else if (IS("jpeg-larger"))
		jpeg_of(0xC0, 65000, 65000, "1.2.840.10008.1.2.4.50");
	else if (IS("jpeg-empty"))
		jpeg_of(0xC0, 64, 64, "1.2.840.10008.1.2.4.50");
	else if (IS("jpeg-lossless"))
		jpeg_of(0xC3, 64, 64, TS_JPEGL);
	else if (IS("jpeg-scans"))
		jpeg_scans();
	else if (IS("jls-larger"))
		jls_of(65000, 65000, 8, 1000);
	else if (IS("jls-noise"))
		jls_of(64, 64, 8, 50);
	else if (IS("jls-bits"))
		jls_of(64, 64, 16, 50);
	else
		return false;
	return true;
}

static bool make_j2k(const char *s)
{
	if (IS("j2k-larger"))
		j2k_of(65000, 65000, 65000, 1, 1);
	else if (IS("j2k-tiles"))
		j2k_of(64, 64, 0, 1, 1);
	else if (IS("j2k-parts"))
		j2k_of(64, 64, 64, 16000, 1);
	else if (IS("j2k-layers"))
		j2k_of(64, 64, 64, 1, 65535);
	else if (IS("j2k-huge")) {
		o.rows = o.columns = 13000;
		j2k_of(13000, 13000, 13000, 1, 1);
	} else
		return false;
	return true;
}

static bool make_lie(const char *s)
{
	if (IS("basic-lie"))
		table_lie(0, 4);
	else if (IS("extended-lie"))
		table_lie(0x7FE00001u, 8);
	else if (IS("fragments"))
		many_fragments(1000001);
	else if (IS("pixels"))
		lie(65535, 1, 16, 1);
	else if (IS("frames"))
		lie(2, 1, 16, 2147483647);
	else if (IS("samples"))
		lie(4000, 65535, 64, 1);
	else if (IS("bits"))
		lie(64, 1, 7, 1);
	else if (IS("deflated"))
		deflated_frame();
	else if (IS("frame-of-nothing"))
		whole(TS_RLE, "", 0);
	else
		return false;
	return true;
}

static bool make(const char *s)
{
	return make_rle(s) || make_jpeg(s) || make_j2k(s) || make_lie(s);
}

#endif
