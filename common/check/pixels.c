/* pixels.c - the arithmetic of pixel data (PS3.3 C.7.6.3, PS3.5 8 and A.4). */
#include <string.h>

#include "check/inside.h"

enum {
	ROWS = 1 << 0,
	COLUMNS = 1 << 1,
	SAMPLES = 1 << 2,
	ALLOCATED = 1 << 3,
	STORED = 1 << 4,
	HIGH = 1 << 5,
	REPRESENTATION = 1 << 6,
	PLANAR = 1 << 7
};

#define TABLE_MAX (64u * 1024 * 1024)

void check_pixels_start(struct check_pixels *p)
{
	struct img_buf table = p->table;

	memset(p, 0, sizeof(*p));
	p->table = table;
	img_buf_reset(&p->table);
	p->frames = 1;
}

/* ---- what describes it -------------------------------------------------- */

static uint64_t *place(struct check_pixels *p, uint32_t tag, unsigned *bit)
{
	static const uint32_t tags[] = { 0x00280010, 0x00280011, 0x00280002,
					 0x00280100, 0x00280101, 0x00280102,
					 0x00280103, 0x00280006 };
	uint64_t *const at[] = { &p->rows,           &p->columns, &p->samples,
				 &p->allocated,      &p->stored,  &p->high,
				 &p->representation, &p->planar };

	for (unsigned i = 0; i < 8; i++)
		if (tags[i] == tag) {
			*bit = 1u << i;
			return at[i];
		}
	return NULL;
}

static void describe(struct check_pixels *p, const struct img_dicom_event *ev)
{
	unsigned bit = 0;
	uint64_t *v = place(p, ev->tag, &bit), frames;
	char text[32], *s = text;

	if (v && ev->length >= 2 && ev->value) {
		*v = ev->big ? (uint64_t)ev->value[0] << 8 | ev->value[1]
			     : (uint64_t)ev->value[1] << 8 | ev->value[0];
		p->have |= bit;
	}
	if (ev->tag == 0x00280004)
		(void)check_text(ev, p->photometric, sizeof(p->photometric));
	if (ev->tag == 0x00281101)
		p->palette = true;
	if (ev->tag == 0x00287FE0)
		p->url = ev->length > 0;
	if (ev->tag != 0x00280008 || !check_text(ev, text, sizeof(text)))
		return;
	while (*s == ' ' || *s == '+')
		s++;
	if (img_parse_u64(s, UINT32_MAX, &frames)) {
		p->frames_stated = true;
		p->frames = frames;
	}
}

/* ---- tables of offsets -------------------------------------------------- */

static int take_table(struct img_check *c, struct img_dicom_reader *r,
		      const struct img_dicom_event *ev, unsigned size,
		      struct img_err *err)
{
	struct check_pixels *p = &c->pixels;
	uint8_t part[4096];

	if (ev->length % size || ev->length > TABLE_MAX) {
		p->table_wrong = true;
		return 0;
	}
	img_buf_reset(&p->table);
	for (uint64_t at = 0; at < ev->length; at += sizeof(part)) {
		size_t n = ev->length - at < sizeof(part)
				   ? (size_t)(ev->length - at)
				   : sizeof(part);

		if (img_dicom_value(r, at, part, n, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i += size) {
			uint64_t v = 0;

			for (unsigned k = size; k-- > 0;)
				v = v << 8 | part[i + k];
			if (img_buf_add(&p->table, &v, sizeof(v), err) < 0)
				return -1;
		}
	}
	p->n_table = p->table.len / sizeof(uint64_t);
	return 0;
}

static void meet(struct check_pixels *p, uint64_t relative)
{
	uint64_t want;

	if (p->matched >= p->n_table)
		return;
	memcpy(&want, p->table.data + p->matched * sizeof(want), sizeof(want));
	if (want == relative)
		p->matched++;
	else if (want < relative)
		p->table_wrong = true;
}

static int fragment(struct img_check *c, struct img_dicom_reader *r,
		    const struct img_dicom_event *ev, struct img_err *err)
{
	struct check_pixels *p = &c->pixels;

	if (p->fragments++ == 0) {
		p->first = ev->offset + ev->length;
		if (p->extended) { /* PS3.5 A.4: then the basic one is empty */
			p->table_wrong |= ev->length > 0;
			return 0;
		}
		return ev->length ? take_table(c, r, ev, 4, err) : 0;
	}
	meet(p, ev->start - p->first);
	if (ev->length == 0)
		p->empty_fragment = true;
	if (ev->length & 1)
		p->odd_fragment = true;
	return 0;
}

int check_pixels_event(struct img_check *c, struct img_dicom_reader *r,
		       const struct img_dicom_event *ev, struct img_err *err)
{
	struct check_pixels *p = &c->pixels;

	if (ev->kind == IMG_DICOM_FRAGMENT)
		return p->nested ? 0 : fragment(c, r, ev, err);
	if (ev->kind == IMG_DICOM_PIXELS)
		p->nested = ev->depth > 0 || ev->tag != 0x7FE00010;
	if (ev->depth > 0)
		return 0;
	if (ev->kind == IMG_DICOM_PIXELS && ev->tag == 0x7FE00010)
		p->encapsulated = true;
	if (ev->kind != IMG_DICOM_ELEMENT)
		return 0;
	if (ev->tag >> 16 == 0x0028)
		describe(p, ev);
	if (ev->tag == 0x7FE00001 && ev->length) {
		p->extended = true;
		return take_table(c, r, ev, 8, err);
	}
	if (ev->tag == 0x7FE00002)
		p->n_lengths = ev->length / 8;
	if (ev->tag == 0x7FE00010 || ev->tag == 0x7FE00008 ||
	    ev->tag == 0x7FE00009) {
		p->native = true;
		p->tag = ev->tag;
		p->length = ev->length;
	}
	return 0;
}

/* ---- the arithmetic ----------------------------------------------------- */

static void check_bits(struct img_check *c)
{
	const struct check_pixels *p = &c->pixels;

	if ((p->have & (ALLOCATED | STORED)) == (ALLOCATED | STORED) &&
	    (p->stored > p->allocated || p->stored == 0))
		check_found(c, true, "bits", 0x00280101,
			    "BitsStored does not fit BitsAllocated");
	if ((p->have & (STORED | HIGH)) == (STORED | HIGH) && p->stored &&
	    p->high != p->stored - 1)
		check_found(c, p->high >= p->allocated, "bits", 0x00280102,
			    "HighBit is not BitsStored less one");
	if ((p->have & ALLOCATED) && p->allocated != 1 && p->allocated % 8)
		check_found(c, true, "bits", 0x00280100,
			    "BitsAllocated is neither 1 nor whole bytes");
	if ((p->have & REPRESENTATION) && p->representation > 1)
		check_found(c, true, "bits", 0x00280103,
			    "PixelRepresentation is neither 0 nor 1");
}

static void check_color(struct img_check *c)
{
	const struct check_pixels *p = &c->pixels;
	const char *pi = p->photometric;
	uint64_t want = 3;

	if (!*pi || !(p->have & SAMPLES))
		return;
	if (strncmp(pi, "MONOCHROME", 10) == 0 ||
	    strcmp(pi, "PALETTE COLOR") == 0)
		want = 1;
	else if (strcmp(pi, "ARGB") == 0 || strcmp(pi, "CMYK") == 0)
		want = 4;
	else if (strcmp(pi, "RGB") != 0 && strcmp(pi, "HSV") != 0 &&
		 strncmp(pi, "YBR_", 4) != 0)
		return;
	if (p->samples != want)
		check_found(c, true, "color", 0x00280002,
			    "SamplesPerPixel does not fit "
			    "PhotometricInterpretation");
	if (p->samples > 1 && !(p->have & PLANAR))
		check_found(c, false, "color", 0x00280006,
			    "PlanarConfiguration is absent");
	if (strcmp(pi, "PALETTE COLOR") == 0 && !p->palette)
		check_found(c, false, "color", 0x00281101,
			    "a palette is absent");
}

/* -1: no 64 bits hold it. */
static int product(const struct check_pixels *p, unsigned bits, uint64_t *out)
{
	uint64_t n;

	if (__builtin_mul_overflow(p->rows, p->columns, &n) ||
	    __builtin_mul_overflow(n, p->samples, &n) ||
	    __builtin_mul_overflow(n, (uint64_t)bits, &n) ||
	    __builtin_mul_overflow(n, p->frames, &n))
		return -1;
	/* Two samples of color for four or two pixels. */
	if (strcmp(p->photometric, "YBR_FULL_422") == 0 ||
	    strcmp(p->photometric, "YBR_PARTIAL_422") == 0)
		n = n / 3 * 2;
	if (strcmp(p->photometric, "YBR_PARTIAL_420") == 0)
		n /= 2;
	*out = n / 8 + (n % 8 != 0);
	return 0;
}

static void check_native(struct img_check *c)
{
	const struct check_pixels *p = &c->pixels;
	unsigned bits = p->tag == 0x7FE00008   ? 32
			: p->tag == 0x7FE00009 ? 64
					       : (unsigned)p->allocated;
	unsigned need = ROWS | COLUMNS | SAMPLES | ALLOCATED;
	uint64_t want;

	if ((p->have & need) != need) {
		check_found(c, true, "pixel-length", p->tag,
			    "what describes pixel data is absent");
		return;
	}
	if (product(p, bits, &want) < 0 || want > p->length)
		check_found(c, true, "pixel-length", p->tag,
			    "%llu bytes, fewer than its frames take",
			    (unsigned long long)p->length);
	else if (p->length > want + (want & 1))
		check_found(c, false, "pixel-length", p->tag,
			    "%llu bytes, frames take %llu",
			    (unsigned long long)p->length,
			    (unsigned long long)want);
}

static void check_table(struct img_check *c)
{
	struct check_pixels *p = &c->pixels;
	uint32_t tag = p->extended ? 0x7FE00001 : 0x7FE00010;

	if (p->n_table == 0 && !p->table_wrong)
		return;
	if (p->table_wrong || p->matched != p->n_table)
		check_found(c, true, "offset-table", tag,
			    "points where no fragment begins");
	else if (p->n_table != p->frames)
		check_found(c, true, "offset-table", tag,
			    "%llu entries for %llu frames",
			    (unsigned long long)p->n_table,
			    (unsigned long long)p->frames);
	if (p->extended && p->n_lengths != p->n_table)
		check_found(c, true, "offset-table", 0x7FE00002,
			    "%llu lengths for %llu offsets",
			    (unsigned long long)p->n_lengths,
			    (unsigned long long)p->n_table);
}

static void check_encapsulated(struct img_check *c, const char *uid)
{
	const struct img_ts *ts = img_ts_find(uid);
	struct check_pixels *p = &c->pixels;
	uint64_t pieces = p->fragments ? p->fragments - 1 : 0;
	bool one_each = strcmp(uid, "1.2.840.10008.1.2.5") == 0;

	check_table(c);
	if (ts && ts->video)
		return;
	if (pieces < p->frames || (one_each && pieces != p->frames))
		check_found(c, true, "frames", 0x00280008,
			    "%llu fragments for %llu frames",
			    (unsigned long long)pieces,
			    (unsigned long long)p->frames);
	else if (p->frames > 1 && pieces != p->frames && p->n_table == 0)
		check_found(c, false, "frames", 0x00280008,
			    "%llu fragments for %llu frames and no table",
			    (unsigned long long)pieces,
			    (unsigned long long)p->frames);
	if (p->empty_fragment)
		check_found(c, true, "fragment", 0x7FE00010,
			    "an empty fragment");
	if (p->odd_fragment)
		check_found(c, false, "fragment", 0x7FE00010,
			    "a fragment of odd length");
}

void check_pixels_end(struct img_check *c, const struct img_dicom_facts *f)
{
	struct check_pixels *p = &c->pixels;

	c->facts.rows = p->rows;
	c->facts.columns = p->columns;
	c->facts.samples = p->samples;
	c->facts.allocated = p->allocated;
	c->facts.frames = p->frames;
	c->facts.has_pixels = p->encapsulated || p->native;
	if (!c->facts.has_pixels)
		return;
	if (p->frames == 0)
		check_found(c, true, "frames", 0x00280008, "no frames");
	if (((p->have & ROWS) && !p->rows) ||
	    ((p->have & COLUMNS) && !p->columns))
		check_found(c, true, "pixel-length", 0x00280010,
			    "an image without extent");
	if (p->native && p->tag != 0x7FE00010) {
		p->samples = 1;
		p->have |= SAMPLES;
	} else {
		check_bits(c);
		check_color(c);
	}
	if (p->encapsulated)
		check_encapsulated(c, f->transfer_syntax);
	else
		check_native(c);
}
