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
#include "mkpixels-hostile.h"

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

static void make_native(void)
{
	size_t at;

	m_meta(&m, o.ts);
	at = m.b.len;
	m_ids(&m);
	put_shape();
	put_native();
	if (strcmp(o.ts, TS_DEFLATED) == 0)
		m_deflate(&m, at, -15);
}

static bool options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (!value)
			return false;
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
	return true;
}

int main(int argc, char **argv)
{
	if (!options(argc, argv))
		return 64;
	img_buf_init(&m.b, SIZE_MAX / 2);
	if (o.hostile && strcmp(o.hostile, "list") == 0) {
		for (size_t i = 0; i < NAMES; i++)
			puts(names[i]);
		return 0;
	}
	if (!o.hostile)
		make_native();
	else if (!make(o.hostile))
		return 64;
	return fwrite(m.b.data, 1, m.b.len, stdout) == m.b.len &&
			       fflush(stdout) == 0
		       ? 0
		       : 1;
}
