/* write.c - PNG by libpng, JPEG by libjpeg, into memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>
#include <setjmp.h>

#include "picture/parts.h"

int img_picture_png(const struct img_raster *r, struct img_buf *out,
		    struct img_err *err)
{
	png_image image = { .version = PNG_IMAGE_VERSION,
			    .width = r->width,
			    .height = r->height,
			    .format = r->channels == 3 ? PNG_FORMAT_RGB
						       : PNG_FORMAT_GRAY };
	png_alloc_size_t n = PNG_IMAGE_PNG_SIZE_MAX(image);
	int rc = -1;

	if (img_buf_grow(out, n, err) < 0)
		return -1;
	if (png_image_write_to_memory(&image, out->data + out->len, &n, 0,
				      r->pixels, 0, NULL)) {
		out->len += n;
		out->data[out->len] = '\0';
		rc = 0;
	} else {
		img_err_set(err, IMG_E_BUG, "libpng: %s", image.message);
	}
	png_image_free(&image);
	return rc;
}

#define PIECE 16384 /* bytes that libjpeg gathers at a time */

/* libjpeg's own destination in memory loses its buffer when there is no more:
   what it then leaves behind is freed already. */
struct target {
	struct jpeg_destination_mgr mgr; /* must be first */
	struct jpeg_error_mgr errors;
	jmp_buf back;
	struct img_buf *out;
	struct img_err *err;
	JOCTET piece[PIECE];
};

static void fail(j_common_ptr c)
{
	struct target *t = c->client_data;

	longjmp(t->back, 1);
}

static void silent(j_common_ptr c)
{
	(void)c;
}

static void begin(j_compress_ptr c)
{
	struct target *t = c->client_data;

	t->mgr.next_output_byte = t->piece;
	t->mgr.free_in_buffer = PIECE;
}

static void put(j_compress_ptr c, size_t n)
{
	struct target *t = c->client_data;

	if (img_buf_add(t->out, t->piece, n, t->err) < 0)
		longjmp(t->back, 1);
	begin(c);
}

static boolean full(j_compress_ptr c)
{
	put(c, PIECE);
	return TRUE;
}

static void end(j_compress_ptr c)
{
	put(c, PIECE - c->dest->free_in_buffer);
}

static void write_rows(struct jpeg_compress_struct *c,
		       const struct img_raster *r, unsigned quality)
{
	c->image_width = r->width;
	c->image_height = r->height;
	c->input_components = (int)r->channels;
	c->in_color_space = r->channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
	jpeg_set_defaults(c);
	jpeg_set_quality(c, (int)quality, TRUE);
	jpeg_start_compress(c, TRUE);
	while (c->next_scanline < c->image_height) {
		JSAMPROW row = r->pixels + (size_t)c->next_scanline * r->width *
						   r->channels;

		jpeg_write_scanlines(c, &row, 1);
	}
	jpeg_finish_compress(c);
}

int img_picture_jpeg(const struct img_raster *r, unsigned quality,
		     struct img_buf *out, struct img_err *err)
{
	struct jpeg_compress_struct c;
	struct target t = { .mgr = { .init_destination = begin,
				     .empty_output_buffer = full,
				     .term_destination = end },
			    .out = out,
			    .err = err };
	volatile int rc = -1;

	if (r->width > JPEG_MAX_DIMENSION || r->height > JPEG_MAX_DIMENSION)
		return img_err_set(err, IMG_E_LIMIT,
				   "a picture too large for JPEG");
	memset(&c, 0, sizeof(c));
	c.err = jpeg_std_error(&t.errors);
	t.errors.error_exit = fail;
	t.errors.output_message = silent;
	c.client_data = &t;
	if (setjmp(t.back) == 0) {
		jpeg_create_compress(&c);
		c.dest = &t.mgr;
		write_rows(&c, r, quality);
		rc = 0;
	}
	jpeg_destroy_compress(&c);
	return rc < 0 ? img_err_set(err, IMG_E_NOMEM, "out of memory") : 0;
}
