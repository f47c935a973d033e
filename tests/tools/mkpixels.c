/*
 * mkpixels - writes an object with pixels to stdout.
 *
 *	mkpixels [name=number ...] [pi=RGB] [ts=big]
 *
 * Names: rows columns samples allocated stored high signed planar frames
 * stated (NumberOfFrames), short (bytes left out at the end), junk (values in
 * the bits that are not stored), ob (VR of big endian bytes).
 *
 *	mkpixels hostile=name
 *
 * writes coded pixel data that was made to do harm; hostile=list names them.
 */
#include <stdio.h>

#include "../unit/dicom_make.h"

static struct {
	unsigned rows, columns, samples, allocated, stored, high;
	unsigned is_signed, planar, frames, stated, cut, junk, ob;
	const char *pi, *ts, *hostile;
} o = { .rows = 17,
	.columns = 23,
	.samples = 1,
	.allocated = 8,
	.frames = 1,
	.pi = "MONOCHROME2",
	.ts = TS_EXPLICIT };

static const struct {
	const char *name;
	unsigned *to;
} numbers[] = {
	{ "rows", &o.rows },
	{ "columns", &o.columns },
	{ "samples", &o.samples },
	{ "allocated", &o.allocated },
	{ "stored", &o.stored },
	{ "high", &o.high },
	{ "signed", &o.is_signed },
	{ "planar", &o.planar },
	{ "frames", &o.frames },
	{ "stated", &o.stated },
	{ "short", &o.cut },
	{ "junk", &o.junk },
	{ "ob", &o.ob },
};

static struct made m;

/* ---- native pixels ------------------------------------------------------- */

/* A sample's bits allocated. */
static uint64_t sample(unsigned f, unsigned y, unsigned x, unsigned s)
{
	unsigned low = o.high + 1 - o.stored;
	uint64_t all = o.allocated == 64 ? UINT64_MAX
					 : (UINT64_C(1) << o.allocated) - 1;
	uint64_t keep =
		o.stored == 64 ? UINT64_MAX : (UINT64_C(1) << o.stored) - 1;
	uint64_t v = (y * UINT64_C(0x101) + x * 13 + s * 101 + f * 57 +
		      (x * y >> 3) * UINT64_C(0x1000100010001)) &
		     keep;

	if (o.is_signed && v >> (o.stored - 1))
		v |= ~keep;
	v <<= low;
	if (o.junk)
		v = (v & keep << low) |
		    (~(keep << low) & UINT64_C(0xA5A5A5A5A5A5A5A5));
	return v & all;
}

static void put_sample(uint64_t v)
{
	/* Words of 16 bits, the lowest first (PS3.5 8.1.1). */
	for (unsigned i = 0; i < o.allocated; i += 16)
		m_u16(&m, (uint32_t)(v >> i) & 0xFFFF);
}

static void put_bytes(const uint8_t *p, size_t n)
{
	if (!m.big || o.ob) {
		m_bytes(&m, p, n);
		return;
	}
	for (size_t i = 0; i < n; i += 2)
		m_u16(&m, p[i] | (uint32_t)p[i + 1] << 8);
}

/* Frames of samples below 16 bits follow each other without a gap. */
static void put_small(size_t bits)
{
	uint8_t *p = calloc(1, bits / 8 + 2);
	size_t at = 0, n = (bits + 7) / 8;
	unsigned a = o.planar ? o.samples : 1, b = o.planar ? 1 : o.samples;

	if (!p)
		abort();
	for (unsigned f = 0; f < o.frames; f++)
		for (unsigned s = 0; s < a; s++)
			for (unsigned i = 0; i < o.rows * o.columns; i++)
				for (unsigned t = 0; t < b; t++) {
					uint64_t v =
						sample(f, i / o.columns,
						       i % o.columns, s + t);

					p[at / 8] |= (uint8_t)(v << at % 8);
					at += o.allocated;
				}
	put_bytes(p, n + n % 2 - o.cut);
	free(p);
}

static void put_large(void)
{
	unsigned a = o.planar ? o.samples : 1, b = o.planar ? 1 : o.samples;

	for (unsigned f = 0; f < o.frames; f++)
		for (unsigned s = 0; s < a; s++)
			for (unsigned i = 0; i < o.rows * o.columns; i++)
				for (unsigned t = 0; t < b; t++)
					put_sample(sample(f, i / o.columns,
							  i % o.columns,
							  s + t));
}

static void put_422(void)
{
	for (unsigned f = 0; f < o.frames; f++)
		for (unsigned y = 0; y < o.rows; y++)
			for (unsigned x = 0; x < o.columns; x += 2) {
				uint8_t p[4] = { (uint8_t)sample(f, y, x, 0),
						 (uint8_t)sample(f, y, x + 1,
								 0),
						 (uint8_t)sample(f, y, x, 1),
						 (uint8_t)sample(f, y, x, 2) };

				put_bytes(p, 4);
			}
}

static void put_shape(void)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", o.stated);
	m_short(&m, 0x00280002, o.samples);
	m_text(&m, 0x00280004, "CS", o.pi);
	if (o.samples > 1)
		m_short(&m, 0x00280006, o.planar);
	m_text(&m, 0x00280008, "IS", text);
	m_short(&m, 0x00280010, o.rows);
	m_short(&m, 0x00280011, o.columns);
	m_short(&m, 0x00280100, o.allocated);
	m_short(&m, 0x00280101, o.stored);
	m_short(&m, 0x00280102, o.high);
	m_short(&m, 0x00280103, o.is_signed);
}

static void put_native(void)
{
	size_t bits =
		(size_t)o.rows * o.columns * o.samples * o.allocated * o.frames;
	bool half = strcmp(o.pi, "YBR_FULL_422") == 0;
	size_t n;

	if (half)
		bits = bits / 3 * 2;
	n = (bits + 7) / 8;
	m_head(&m, T_PIXELS, o.ob ? "OB" : "OW", (uint32_t)(n + n % 2 - o.cut));
	if (half)
		put_422();
	else if (o.allocated < 16)
		put_small(bits);
	else
		put_large();
}

/* ---- hostile ------------------------------------------------------------- */

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

static bool make(const char *s)
{
	static uint8_t zeros[8192];

#define IS(name) (strcmp(s, name) == 0)
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
	else if (IS("jpeg-tem"))
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
	else if (IS("j2k-larger"))
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
	} else if (IS("basic-lie"))
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

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (!value)
			return 64;
		*value++ = '\0';
		if (strcmp(argv[i], "pi") == 0)
			o.pi = value;
		else if (strcmp(argv[i], "ts") == 0)
			o.ts = strcmp(value, "big") == 0        ? TS_BIG
			       : strcmp(value, "implicit") == 0 ? TS_IMPLICIT
			       : strcmp(value, "explicit") == 0 ? TS_EXPLICIT
			       : strcmp(value, "deflated") == 0 ? TS_DEFLATED
								: value;
		else if (strcmp(argv[i], "hostile") == 0)
			o.hostile = value;
		for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]);
		     k++)
			if (strcmp(argv[i], numbers[k].name) == 0)
				*numbers[k].to =
					(unsigned)strtoul(value, NULL, 10);
	}
	o.stored = o.stored ? o.stored : o.allocated;
	o.high = o.high ? o.high : o.stored - 1;
	o.stated = o.stated ? o.stated : o.frames;
	img_buf_init(&m.b, SIZE_MAX / 2);
	if (o.hostile && strcmp(o.hostile, "list") == 0) {
		for (size_t i = 0; i < NAMES; i++)
			puts(names[i]);
		return 0;
	}
	if (o.hostile) {
		if (!make(o.hostile))
			return 64;
	} else {
		size_t at;

		m_meta(&m, o.ts);
		at = m.b.len;
		m_ids(&m);
		put_shape();
		put_native();
		if (strcmp(o.ts, TS_DEFLATED) == 0)
			m_deflate(&m, at, -15);
	}
	return fwrite(m.b.data, 1, m.b.len, stdout) == m.b.len &&
			       fflush(stdout) == 0
		       ? 0
		       : 1;
}
