/* pixels.c - native pixel data with parts of it blanked, and nothing behind
   its last frame. */
#include "anon/inside.h"

#define PART 65536u

struct painting {
	const struct pixels *x;
	bool clear_high, big;
	uint8_t *blank;            /* by column: of the row in hand */
	uint32_t row_bytes, lines; /* of a frame, all planes */
};

/* Which columns of row y go. */
static void plan_row(const struct painting *c, uint32_t y)
{
	const struct pixels *x = c->x;
	uint32_t columns = x->columns;

	memset(c->blank, x->only_regions, columns);
	for (unsigned i = 0; x->only_regions && i < x->regions; i++) {
		const struct img_rect *r = &x->region[i];
		uint32_t end = r->w < columns ? r->w + 1 : columns;

		/* Both maxima belong to the region. */
		if (y >= r->y && y <= r->h && r->x < end)
			memset(c->blank + r->x, 0, end - r->x);
	}
	for (unsigned i = 0; i < x->scrubs; i++) {
		const struct img_rect *r = &x->scrub[i];
		uint32_t end = r->w > columns || r->x > columns - r->w
				       ? columns
				       : r->x + r->w;

		if (y >= r->y && y - r->y < r->h && r->x < end)
			memset(c->blank + r->x, 1, end - r->x);
	}
}

/* Black; the colour differences of YBR are half way. */
static uint8_t black(const struct pixels *x, unsigned sample)
{
	return sample && x->photometric[0] == 'Y' ? 128 : 0;
}

static void paint_row(const struct painting *c, uint8_t *p, uint32_t line)
{
	const struct pixels *x = c->x;
	unsigned bytes = x->bits / 8, each = x->planar ? 1 : x->samples;
	unsigned plane = x->planar ? line / x->rows : 0;

	plan_row(c, line % x->rows);
	for (uint32_t col = 0; col < x->columns; col++) {
		if (!c->blank[col])
			continue;
		for (unsigned s = 0; s < each; s++)
			memset(p + ((size_t)col * each + s) * bytes,
			       black(x, x->planar ? plane : s), bytes);
	}
}

/* Only the bits that are stored: overlays may lie in the others. */
static void clear_high(const struct painting *c, uint8_t *p, size_t n)
{
	const struct pixels *x = c->x;
	uint32_t low = x->high + 1 >= x->stored ? x->high + 1 - x->stored : 0;
	uint32_t mask = x->stored && x->stored < 32
				? ((1u << x->stored) - 1) << low
				: 0xFFFF;

	for (size_t i = 0; i + x->bits / 8 <= n; i += x->bits / 8) {
		if (x->bits == 8) {
			p[i] &= (uint8_t)mask;
			continue;
		}
		p[i + c->big] &= (uint8_t)mask;
		p[i + !c->big] &= (uint8_t)(mask >> 8);
	}
}

static int put_rows(struct img_anon *a, const struct painting *c,
		    const struct img_dicom_event *ev, uint64_t lines,
		    struct img_err *err)
{
	uint32_t at_once = PART / c->row_bytes ? PART / c->row_bytes : 1;
	uint8_t *p;

	img_buf_reset(&a->text);
	if (img_buf_grow(&a->text, (size_t)at_once * c->row_bytes, err) < 0)
		return -1;
	p = (uint8_t *)a->text.data;
	for (uint64_t line = 0; line < lines; line += at_once) {
		uint64_t left = lines - line;
		size_t k = left < at_once ? (size_t)left : at_once;
		size_t n = k * c->row_bytes;

		if (img_dicom_value(a->r, line * c->row_bytes, p, n, err) < 0)
			return -1;
		for (size_t i = 0; i < k; i++)
			paint_row(c, p + i * c->row_bytes,
				  (uint32_t)((line + i) % c->lines));
		if (c->clear_high)
			clear_high(c, p, n);
		if (img_dicom_put_part(a->w, p, n, err) < 0)
			return -1;
	}
	/* What lies behind the last frame is padding. */
	memset(p, 0, c->row_bytes);
	for (uint64_t at = lines * c->row_bytes; at < ev->length;) {
		uint64_t left = ev->length - at;
		size_t n = left < c->row_bytes ? (size_t)left : c->row_bytes;

		if (img_dicom_put_part(a->w, p, n, err) < 0)
			return -1;
		at += n;
	}
	return 0;
}

int anon_put_pixels(struct img_anon *a, const struct img_dicom_event *ev,
		    struct img_err *err)
{
	const struct pixels *x = &a->pixels;
	uint32_t planes = x->planar ? x->samples : 1;
	uint64_t frames = x->frames ? x->frames : 1, lines;
	struct painting c = { .x = x,
			      .clear_high = a->high_bits,
			      .big = ev->big };

	c.row_bytes = x->columns * x->bits / 8 * (x->planar ? 1 : x->samples);
	c.lines = x->rows * planes;
	lines = frames * c.lines;
	if (ev->kind != IMG_DICOM_ELEMENT || lines * c.row_bytes > ev->length)
		return img_err_set(err, IMG_E_IO,
				   "pixels changed while they were read");
	img_buf_reset(&a->text2);
	if (img_buf_grow(&a->text2, x->columns, err) < 0 ||
	    img_dicom_put(a->w, ev, NULL, err) < 0)
		return -1;
	c.blank = (uint8_t *)a->text2.data;
	return put_rows(a, &c, ev, lines, err);
}

/* ---- what lies behind the last frame ------------------------------------ */

/* Where the frames end that the data set speaks of; 0: that is not clear. */
static uint64_t frames_end(const struct pixels *x)
{
	uint64_t bits = (uint64_t)x->rows * x->columns;

	if (x->seen > 1 || x->rows > 65535 || x->columns > 65535 ||
	    x->samples > 4 || x->bits > 64 || (x->bits != 1 && x->bits % 8) ||
	    strstr(x->photometric, "42"))
		return 0;
	bits *= (x->samples ? x->samples : 1) * x->bits;
	if (__builtin_mul_overflow(bits, x->frames ? x->frames : 1, &bits))
		return 0;
	return bits / 8 + (bits % 8 != 0);
}

/* 1 something is there, 0 only zeros, -1. */
static int is_there(struct img_anon *a, const struct img_dicom_event *ev,
		    uint64_t at, uint8_t *part, struct img_err *err)
{
	while (at < ev->length) {
		uint64_t left = ev->length - at;
		size_t n = left < PART ? (size_t)left : PART;

		if (img_dicom_value(a->r, at, part, n, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++)
			if (part[i])
				return 1;
		at += n;
	}
	return 0;
}

/* Zeros from there on. */
static int put_cut(struct img_anon *a, const struct img_dicom_event *ev,
		   uint64_t end, uint8_t *part, struct img_err *err)
{
	if (img_dicom_put(a->w, ev, NULL, err) < 0)
		return -1;
	for (uint64_t at = 0; at < ev->length;) {
		uint64_t left = (at < end ? end : ev->length) - at;
		size_t n = left < PART ? (size_t)left : PART;

		if (at >= end)
			memset(part, 0, n);
		else if (img_dicom_value(a->r, at, part, n, err) < 0)
			return -1;
		if (img_dicom_put_part(a->w, part, n, err) < 0)
			return -1;
		at += n;
	}
	return 1;
}

int anon_put_native(struct img_anon *a, const struct img_dicom_event *ev,
		    struct img_err *err)
{
	uint64_t end = frames_end(&a->pixels);
	uint8_t *part;
	int rc;

	if (!end || end >= ev->length)
		return 0;
	img_buf_reset(&a->text);
	if (img_buf_grow(&a->text, PART, err) < 0)
		return -1;
	part = (uint8_t *)a->text.data;
	rc = is_there(a, ev, end, part, err);
	return rc <= 0 ? rc : put_cut(a, ev, end, part, err);
}
