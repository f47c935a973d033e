/* native.c - native frames: bits, byte order, planes (PS3.5 8.1, PS3.3
 * C.7.6.3.1). */
#include <stdlib.h>
#include <string.h>

#include "codec/inside.h"

void img_native_turn(uint8_t *p, size_t n, uint32_t unit)
{
	for (size_t at = 0; at + unit <= n; at += unit)
		for (uint32_t i = 0; i < unit / 2; i++) {
			uint8_t b = p[at + i];

			p[at + i] = p[at + unit - 1 - i];
			p[at + unit - 1 - i] = b;
		}
}

void img_native_cut(uint8_t *p, size_t n, const struct native_form *form,
		    const struct img_codec_image *image, size_t size)
{
	size_t from = form->skip / 8;
	unsigned shift = form->skip % 8;

	if (form->swap > 1)
		img_native_turn(p, n, form->swap);
	if (!shift) {
		memmove(p, p + from, size);
	} else { /* the first pixel is the lowest bit */
		for (size_t i = 0; i < size; i++) {
			unsigned next = from + i + 1 < n ? p[from + i + 1] : 0;

			p[i] = (uint8_t)(p[from + i] >> shift |
					 next << (8 - shift));
		}
	}
	img_native_end(p, image, size);
}

void img_native_end(uint8_t *p, const struct img_codec_image *image,
		    size_t size)
{
	unsigned rest = (unsigned)(img_codec_frame_bits(image) % 8);

	if (rest)
		p[size - 1] &= (uint8_t)((1u << rest) - 1);
}

int img_native_interleave(uint8_t *p, size_t size,
			  struct img_codec_image *image, struct img_err *err)
{
	size_t unit = image->allocated / 8u, samples = image->samples;
	size_t plane, at = 0;
	uint8_t *copy;

	if (!image->planar || samples < 2)
		return 0;
	if (!unit)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "planes of single bits");
	plane = size / samples;
	copy = malloc(size);
	if (!copy)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (size_t i = 0; i < plane; i += unit)
		for (size_t s = 0; s < samples; s++) {
			memcpy(copy + at, p + s * plane + i, unit);
			at += unit;
		}
	memcpy(p, copy, at);
	free(copy);
	image->planar = 0;
	return 0;
}

int img_native_widen(uint8_t **p, size_t *size, struct img_codec_image *image,
		     struct img_err *err)
{
	size_t pairs = (size_t)image->rows * image->columns / 2;
	const uint8_t *in = *p;
	uint8_t *out = malloc(pairs * 6), *at = out;

	if (!out)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (size_t i = 0; i < pairs; i++, in += 4) {
		memcpy(at,
		       (uint8_t[]){ in[0], in[2], in[3], in[1], in[2], in[3] },
		       6);
		at += 6;
	}
	free(*p);
	*p = out;
	*size = pairs * 6;
	img_codec_model(image, "YBR_FULL");
	return 0;
}
