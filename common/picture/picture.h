/*
 * picture.h - frames as pictures for people: 8 bits of grey or RGB, PNG and
 * JPEG.
 *
 * Grey values go through the modality LUT or rescale, then the VOI LUT or a
 * window (PS3.3 C.11.1, C.11.2; those of single frames of enhanced objects,
 * too), and are inverted for MONOCHROME1.  Without either the frame's own
 * range is shown, padding left out.  Palettes and YBR become RGB.  Nothing is
 * drawn into a picture: no overlay, no text.
 *
 * Order of calls: img_picture_open, img_picture_render for each frame with its
 * native bytes, img_picture_png or _jpeg; img_picture_close.
 */
#ifndef IMG_PICTURE_H
#define IMG_PICTURE_H

#include "codec/codec.h"

/* What is asked for; all zero: what the object says. */
struct img_picture_window {
	bool given;
	double center, width;
	unsigned preset; /* which of the object's windows, from 1 */
};
/* "40,400", a name ("lung", "bone", "brain", "abdomen", "mediastinum"), or
   the number of a window of the object; false if it is none. */
bool img_picture_parse_window(const char *text, struct img_picture_window *out);

struct img_picture;

/* Reads the started r, an object whose image is as its frames say. */
int img_picture_open(struct img_picture **out, struct img_dicom_reader *r,
		     const char *name, struct img_err *err);
void img_picture_close(struct img_picture *p);

struct img_raster {
	uint32_t width, height;
	unsigned channels; /* 1 or 3 */
	uint8_t *pixels;   /* free with img_raster_release */
};
/* Frame number of the object, whose native little endian bytes are n at p,
   made as image says.  size: the greatest side of the picture, 0 as it is. */
int img_picture_render(struct img_picture *p, uint32_t frame,
		       const struct img_codec_image *image, const void *bytes,
		       size_t n, const struct img_picture_window *window,
		       unsigned size, struct img_raster *out,
		       struct img_err *err);
void img_raster_release(struct img_raster *r);

int img_picture_png(const struct img_raster *r, struct img_buf *out,
		    struct img_err *err);
int img_picture_jpeg(const struct img_raster *r, unsigned quality,
		     struct img_buf *out, struct img_err *err);

#endif
