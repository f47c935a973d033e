/* render.c - stored values to grey or RGB. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "picture/parts.h"

#define TABLE 65536u

/* ---- stored values ----------------------------------------------------- */

struct source {
	const struct img_codec_image *image;
	const uint8_t *p;
	uint64_t pixels; /* of a plane */
};

/* Sample s of pixel i, all allocated bits. */
static uint32_t raw(const struct source *src, uint64_t i, unsigned s)
{
	const struct img_codec_image *m = src->image;
	uint64_t at = m->planar && m->samples > 1 ? s * src->pixels + i
						  : i * m->samples + s;

	if (m->allocated == 1)
		return src->p[at / 8] >> (at % 8) & 1;
	if (m->allocated == 8)
		return src->p[at];
	if (m->allocated == 16)
		return (uint32_t)src->p[2 * at] | (uint32_t)src->p[2 * at + 1]
							  << 8;
	return (uint32_t)src->p[4 * at] | (uint32_t)src->p[4 * at + 1] << 8 |
	       (uint32_t)src->p[4 * at + 2] << 16 |
	       (uint32_t)src->p[4 * at + 3] << 24;
}

/* The stored value, without what lies beside it, and with its sign. */
static int64_t stored(const struct img_codec_image *m, uint32_t v)
{
	unsigned shift = m->high + 1u - m->stored;
	uint64_t mask = ((uint64_t)1 << m->stored) - 1;
	int64_t out = (int64_t)((v >> shift) & mask);

	if (m->representation == 1 && out >> (m->stored - 1))
		out -= (int64_t)1 << m->stored;
	return out;
}

/* ---- grey: PS3.3 C.11.2.1.2, C.11.2.1.3 -------------------------------- */

struct grey {
	const struct img_picture *p;
	const struct showing *s;
	double center, width;
	enum voi_function function;
	bool lut; /* the VOI LUT */
};

static double modality(const struct grey *g, int64_t v)
{
	if (g->p->modality.n)
		return lut_at(&g->p->modality, v);
	return g->s->has_rescale ? (double)v * g->s->slope + g->s->intercept
				 : (double)v;
}

/* A rescale makes numbers that no integer holds, and some that are none. */
static uint16_t lut_near(const struct lut *l, double x)
{
	double i = floor(x) - l->first;

	return l->v[!(i > 0) ? 0 : i >= l->n ? l->n - 1 : (uint32_t)i];
}

static uint8_t shade(const struct grey *g, int64_t v)
{
	double x = modality(g, v), y, c = g->center, w = g->width;

	if (g->lut) {
		const struct lut *l = &g->p->voi;

		y = lut_near(l, x) / (double)((1u << l->bits) - 1);
	} else if (g->function == VOI_SIGMOID) {
		y = 1 / (1 + exp(-4 * (x - c) / w));
	} else if (g->function == VOI_LINEAR_EXACT) {
		y = (x - c) / w + 0.5;
	} else {
		y = w > 1         ? (x - (c - 0.5)) / (w - 1) + 0.5
		    : x > c - 0.5 ? 1
				  : 0;
	}
	if (!(y > 0))
		y = 0;
	if (y > 1)
		y = 1;
	if (g->p->inverse)
		y = 1 - y;
	return (uint8_t)(y * 255 + 0.5);
}

static bool is_padding(const struct img_picture *p, int64_t v)
{
	int32_t lo = p->padding < p->padding_end ? p->padding : p->padding_end;
	int32_t hi = p->padding < p->padding_end ? p->padding_end : p->padding;

	return p->has_padding && v >= lo && v <= hi;
}

/* What the frame itself spans. */
static void range(struct grey *g, const struct source *src)
{
	double lo = INFINITY, hi = -INFINITY, x;

	for (uint64_t i = 0; i < src->pixels; i++) {
		int64_t v = stored(src->image, raw(src, i, 0));

		if (is_padding(g->p, v))
			continue;
		x = modality(g, v);
		lo = x < lo ? x : lo;
		hi = x > hi ? x : hi;
	}
	if (!(lo <= hi))
		lo = 0, hi = 1;
	g->function = VOI_LINEAR_EXACT;
	g->center = (lo + hi) / 2;
	g->width = hi > lo ? hi - lo : 1;
}

static void choose(struct grey *g, const struct source *src,
		   const struct img_picture_window *w)
{
	unsigned i = w && w->preset ? w->preset - 1 : 0;

	g->function = g->s->function;
	if (w && w->given) {
		g->center = w->center;
		g->width = w->width;
	} else if (src->image->stored == 1) {
		g->function = VOI_LINEAR_EXACT;
		g->center = 0.5;
		g->width = 1;
	} else if (g->p->voi.n && !(w && w->preset)) {
		g->lut = true;
	} else if (i < g->s->windows && g->s->width[i] > 0) {
		g->center = g->s->center[i];
		g->width = g->s->width[i];
	} else {
		range(g, src);
	}
}

static int make_grey(const struct img_picture *p, uint32_t frame,
		     const struct source *src,
		     const struct img_picture_window *w, uint8_t *out,
		     struct img_err *err)
{
	struct grey g = { .p = p,
			  .s = frame < p->frames ? &p->frame[frame] : &p->all };
	uint8_t *table = NULL;

	choose(&g, src, w);
	if (src->image->allocated <= 16 && src->pixels > TABLE / 4) {
		table = malloc(TABLE);
		if (!table)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		for (uint32_t v = 0; v < TABLE; v++)
			table[v] = shade(&g, stored(src->image, v));
	}
	for (uint64_t i = 0; i < src->pixels; i++) {
		uint32_t v = raw(src, i, 0);

		out[i] = table ? table[v] : shade(&g, stored(src->image, v));
	}
	free(table);
	return 0;
}

/* ---- colour ------------------------------------------------------------ */

static uint8_t eight(const struct img_codec_image *m, uint32_t v)
{
	int64_t s = stored(m, v);

	return (uint8_t)(m->stored > 8 ? s >> (m->stored - 8) : s);
}

static uint8_t clamp(double v)
{
	return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5);
}

/* PS3.3 C.7.6.3.1.2 */
static void from_ybr(uint8_t *o, double y, double b, double r)
{
	o[0] = clamp(y + 1.402 * (r - 128));
	o[1] = clamp(y - 0.344136 * (b - 128) - 0.714136 * (r - 128));
	o[2] = clamp(y + 1.772 * (b - 128));
}

/* Two pixels share their colour: Y1 Y2 Cb Cr. */
static void make_422(const struct source *src, uint8_t *out)
{
	for (uint64_t i = 0; i + 1 < src->pixels; i += 2) {
		const uint8_t *q = src->p + 2 * i;

		from_ybr(out + 3 * i, q[0], q[2], q[3]);
		from_ybr(out + 3 * i + 3, q[1], q[2], q[3]);
	}
}

static int make_palette(const struct img_picture *p, const struct source *src,
			uint8_t *out, struct img_err *err)
{
	for (unsigned c = 0; c < 3; c++)
		if (!p->palette[c].v)
			return img_err_set(err,
					   p->segmented ? IMG_E_UNSUPPORTED
							: IMG_E_MALFORMED,
					   "%s: %s", p->name,
					   p->segmented
						   ? "a palette in segments"
						   : "no palette");
	for (uint64_t i = 0; i < src->pixels; i++) {
		int64_t v = stored(src->image, raw(src, i, 0));

		for (unsigned c = 0; c < 3; c++) {
			const struct lut *l = &p->palette[c];

			out[3 * i + c] =
				(uint8_t)(lut_at(l, v) >> (l->bits - 8));
		}
	}
	return 0;
}

static int make_colour(const struct img_picture *p, const struct source *src,
		       uint8_t *out, struct img_err *err)
{
	const struct img_codec_image *m = src->image;
	bool ybr = strncmp(m->photometric, "YBR_FULL", 8) == 0;
	bool half = strcmp(m->photometric, "YBR_FULL_422") == 0;

	if (!ybr && strcmp(m->photometric, "RGB") != 0)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%s: a colour model that is not shown",
				   p->name);
	if (half) {
		make_422(src, out);
		return 0;
	}
	for (uint64_t i = 0; i < src->pixels; i++) {
		uint8_t v[3];

		for (unsigned c = 0; c < 3; c++)
			v[c] = eight(m, raw(src, i, c));
		if (ybr)
			from_ybr(out + 3 * i, v[0], v[1], v[2]);
		else
			memcpy(out + 3 * i, v, 3);
	}
	return 0;
}

/* ---- the picture ------------------------------------------------------- */

/* Each pixel of the small picture is the mean of those it stands for. */
static void shrink(struct img_raster *r, unsigned size)
{
	uint32_t most = r->width > r->height ? r->width : r->height;
	uint32_t w = (uint32_t)((uint64_t)r->width * size / most);
	uint32_t h = (uint32_t)((uint64_t)r->height * size / most);

	w = w ? w : 1;
	h = h ? h : 1;
	for (uint32_t y = 0; y < h; y++)
		for (uint32_t x = 0; x < w; x++)
			for (unsigned c = 0; c < r->channels; c++) {
				uint64_t x0 = (uint64_t)x * r->width / w;
				uint64_t x1 = (uint64_t)(x + 1) * r->width / w;
				uint64_t y0 = (uint64_t)y * r->height / h;
				uint64_t y1 = (uint64_t)(y + 1) * r->height / h;
				uint64_t sum = 0;

				for (uint64_t v = y0; v < y1; v++)
					for (uint64_t u = x0; u < x1; u++)
						sum += r->pixels
							       [(v * r->width +
								 u) * r->channels +
								c];
				/* What is overwritten was read already. */
				r->pixels[((uint64_t)y * w + x) * r->channels +
					  c] = (uint8_t)(sum / ((x1 - x0) *
								(y1 - y0)));
			}
	r->width = w;
	r->height = h;
}

static int check(const struct img_picture *p, const struct img_codec_image *m,
		 size_t n, struct img_err *err)
{
	size_t size;

	if (img_codec_frame_size(m, &size, err) < 0)
		return -1;
	if (m->stored == 0 || m->stored > m->allocated || m->stored > 32 ||
	    m->high + 1u < m->stored || m->high >= m->allocated || size > n ||
	    (m->allocated != 1 && m->allocated != 8 && m->allocated != 16 &&
	     m->allocated != 32) ||
	    (m->samples != 1 && m->samples != 3))
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%s: a frame that cannot be shown", p->name);
	return 0;
}

int img_picture_render(struct img_picture *p, uint32_t frame,
		       const struct img_codec_image *image, const void *bytes,
		       size_t n, const struct img_picture_window *window,
		       unsigned size, struct img_raster *out,
		       struct img_err *err)
{
	struct source src = { image, bytes,
			      (uint64_t)image->rows * image->columns };
	bool palette = strcmp(image->photometric, "PALETTE COLOR") == 0;
	int rc;

	memset(out, 0, sizeof(*out));
	if (check(p, image, n, err) < 0)
		return -1;
	out->width = image->columns;
	out->height = image->rows;
	out->channels = image->samples == 3 || palette ? 3 : 1;
	out->pixels = calloc(src.pixels, out->channels);
	if (!out->pixels)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	rc = palette ? make_palette(p, &src, out->pixels, err)
	     : image->samples == 3
		     ? make_colour(p, &src, out->pixels, err)
		     : make_grey(p, frame, &src, window, out->pixels, err);
	if (rc < 0)
		img_raster_release(out);
	else if (size && (out->width > size || out->height > size))
		shrink(out, size);
	return rc;
}

void img_raster_release(struct img_raster *r)
{
	free(r->pixels);
	r->pixels = NULL;
}
