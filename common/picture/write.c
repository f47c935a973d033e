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

struct trap {
	struct jpeg_error_mgr mgr;
	jmp_buf back;
};

static void fail(j_common_ptr c)
{
	longjmp(((struct trap *)c->err)->back, 1);
}

static void silent(j_common_ptr c)
{
	(void)c;
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
	struct trap trap;
	unsigned char *volatile mem = NULL;
	unsigned char *got = NULL;
	unsigned long n = 0;
	int rc = -1;

	if (r->width > JPEG_MAX_DIMENSION || r->height > JPEG_MAX_DIMENSION)
		return img_err_set(err, IMG_E_LIMIT,
				   "a picture too large for JPEG");
	c.err = jpeg_std_error(&trap.mgr);
	trap.mgr.error_exit = fail;
	trap.mgr.output_message = silent;
	if (setjmp(trap.back) == 0) {
		jpeg_create_compress(&c);
		jpeg_mem_dest(&c, &got, &n);
		write_rows(&c, r, quality);
		rc = 0;
	}
	mem = got;
	jpeg_destroy_compress(&c);
	if (rc < 0)
		img_err_set(err, IMG_E_NOMEM, "libjpeg failed");
	else
		rc = img_buf_add(out, mem, n, err);
	free(mem);
	return rc;
}
