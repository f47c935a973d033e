/*
 * parts.h - inside the room.
 *
 * read.c    attributes that say how to show an object
 * render.c  stored values to grey, or to RGB
 * write.c   PNG by libpng, JPEG by libjpeg
 */
#ifndef IMG_PICTURE_PARTS_H
#define IMG_PICTURE_PARTS_H

#include "picture/picture.h"

#define WINDOWS 8

enum voi_function { VOI_LINEAR, VOI_LINEAR_EXACT, VOI_SIGMOID };

struct lut {
	uint32_t n;    /* entries; 0: no LUT */
	int32_t first; /* value of the first */
	unsigned bits;
	uint16_t *v;
};

/* How a frame is shown; of the whole object, or of one frame. */
struct showing {
	bool has_rescale;
	double slope, intercept;
	unsigned windows;
	double center[WINDOWS], width[WINDOWS];
	enum voi_function function;
};

struct img_picture {
	const char *name;
	struct showing all;
	struct showing *frame; /* of single frames, or NULL */
	uint32_t frames, room;
	struct lut modality, voi, palette[3];
	bool inverse, has_padding;
	bool segmented; /* a palette of segments */
	int32_t padding, padding_end;
};

/* The value of entry, clamped to the ends. */
static inline uint16_t lut_at(const struct lut *l, int64_t value)
{
	int64_t i = value - l->first;

	return l->v[i < 0 ? 0 : i >= (int64_t)l->n ? l->n - 1 : (uint32_t)i];
}

#endif
