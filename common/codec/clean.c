/* clean.c - masks, and bits outside BitsStored. */
#include <string.h>

#include "codec/inside.h"

static uint64_t load(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}

static void store(uint8_t *p, unsigned n, uint64_t v)
{
	for (unsigned i = 0; i < n; i++, v >>= 8)
		p[i] = (uint8_t)v;
}

static uint64_t low_bits(unsigned n)
{
	return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

void img_clean_unused(uint8_t *p, size_t size,
		      const struct img_codec_image *image)
{
	unsigned low = image->high + 1u - image->stored;
	unsigned unit = image->allocated / 8u;
	uint64_t keep = low_bits(image->stored) << low, sign;

	if (!unit || image->stored == image->allocated)
		return;
	/* A negative number stays one: the bits above repeat its sign. */
	sign = image->representation ? UINT64_C(1) << image->high : 0;
	for (size_t at = 0; at + unit <= size; at += unit) {
		uint64_t v = load(p + at, unit) & keep;

		if (v & sign)
			v |= ~low_bits(image->high);
		store(p + at, unit, v);
	}
}

/* ---- masks ---------------------------------------------------------------
 */

/* Black, as all bits allocated of sample s. */
static uint64_t black(const struct img_codec_image *image, unsigned s)
{
	unsigned low = image->high + 1u - image->stored;
	uint64_t top = UINT64_C(1) << (image->stored - 1);

	if (strcmp(image->photometric, "MONOCHROME1") == 0)
		return (image->representation ? top - 1
					      : low_bits(image->stored))
		       << low;
	if (strncmp(image->photometric, "YBR_", 4) == 0 && s > 0)
		return top << low;
	if (image->representation && image->samples == 1)
		return (~UINT64_C(0) << (image->stored - 1)) << low;
	return 0;
}

static void mask_bits(uint8_t *p, const struct img_codec_image *image,
		      const struct img_codec_mask *m)
{
	bool one = strcmp(image->photometric, "MONOCHROME1") == 0;
	uint64_t row = (uint64_t)image->columns * image->samples;

	for (uint64_t y = m->top; y <= m->bottom; y++)
		for (uint64_t x = (uint64_t)m->left * image->samples;
		     x < (m->right + UINT64_C(1)) * image->samples; x++) {
			uint64_t bit = y * row + x;

			if (one)
				p[bit / 8] |= (uint8_t)(1u << bit % 8);
			else
				p[bit / 8] &= (uint8_t) ~(1u << bit % 8);
		}
}

/* Two pixels in four bytes: Y Y Cb Cr. */
static void mask_422(uint8_t *p, const struct img_codec_image *image,
		     const struct img_codec_mask *m)
{
	static const uint8_t black_pair[4] = { 0, 0, 0x80, 0x80 };

	for (size_t y = m->top; y <= m->bottom; y++)
		for (size_t x = m->left / 2; x <= m->right / 2; x++)
			memcpy(p + (y * image->columns / 2 + x) * 4, black_pair,
			       sizeof(black_pair));
}

static void mask_bytes(uint8_t *p, const struct img_codec_image *image,
		       const struct img_codec_mask *m)
{
	unsigned unit = image->allocated / 8u;
	size_t pixel = (size_t)unit * image->samples;

	for (size_t y = m->top; y <= m->bottom; y++)
		for (size_t x = m->left; x <= m->right; x++) {
			uint8_t *at = p + (y * image->columns + x) * pixel;

			for (unsigned s = 0; s < image->samples; s++)
				store(at + (size_t)s * unit, unit,
				      black(image, s));
		}
}

void img_clean_masks(uint8_t *p, const struct img_codec_image *image,
		     const struct img_codec_mask *masks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct img_codec_mask m = masks[i];

		if (m.left > m.right || m.top > m.bottom ||
		    m.left >= image->columns || m.top >= image->rows)
			continue;
		if (m.right >= image->columns)
			m.right = image->columns - 1;
		if (m.bottom >= image->rows)
			m.bottom = image->rows - 1;
		if (image->allocated == 1)
			mask_bits(p, image, &m);
		else if (img_codec_is_422(image))
			mask_422(p, image, &m);
		else
			mask_bytes(p, image, &m);
	}
}
