/*
 * picture - fuzz target of the picture room: attributes from a DICOM object,
 * pixels from its end.
 *
 * The first eight bytes say how a frame is made: rows, columns, samples,
 * allocated, stored, high, a byte of flags, and the size of a preview.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picture/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const models[] = {
	"MONOCHROME1", "MONOCHROME2",  "RGB", "PALETTE COLOR",
	"YBR_FULL",    "YBR_FULL_422", "",    "YBR_RCT"
};

static void show(struct img_picture *p, const struct img_codec_image *m,
		 const uint8_t *bytes, size_t n, unsigned side)
{
	static const struct img_picture_window wide = { .given = true,
							.center = 40,
							.width = 400 };
	struct img_err err = IMG_ERR_INIT;
	struct img_raster r;
	struct img_buf out;

	for (uint32_t frame = 0; frame < 3; frame++) {
		img_err_clear(&err);
		if (img_picture_render(p, frame, m, bytes, n,
				       frame == 2 ? &wide : NULL, side, &r,
				       &err) < 0)
			continue;
		img_buf_init(&out, 1 << 24);
		if (!r.width || !r.height ||
		    (frame == 0 && (img_picture_png(&r, &out, &err) ||
				    img_picture_jpeg(&r, 50, &out, &err))))
			abort();
		img_buf_release(&out);
		img_raster_release(&r);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[1 << 20];
	struct img_codec_image m = { 0 };
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_reader *r;
	struct img_picture *p = NULL;
	size_t n = 0;

	if (size < 8)
		return 0;
	m.rows = data[0];
	m.columns = data[1];
	m.samples = data[2] & 7;
	m.allocated = data[3] & 63;
	m.stored = data[4] & 63;
	m.high = data[5] & 63;
	m.representation = data[6] & 1;
	m.planar = data[6] >> 1 & 1;
	snprintf(m.photometric, sizeof(m.photometric), "%s",
		 models[data[6] >> 2 & 7]);
	r = img_dicom_reader_new(&err);
	if (!r)
		return 0;
	if (img_dicom_start_mem(r, data + 8, size - 8, "fuzz", NULL, &err) ==
		    0 &&
	    img_picture_open(&p, r, "fuzz", &err) == 0) {
		img_err_clear(&err);
		if (img_codec_frame_size(&m, &n, &err) < 0 || n > sizeof(bytes))
			n = 0;
		/* The end of the input, again and again. */
		for (size_t i = 0; i < n; i++)
			bytes[i] = data[size - 1 - i % size];
		if (n)
			show(p, &m, bytes, n, data[7]);
		img_picture_close(p);
	}
	img_dicom_reader_free(r);
	return 0;
}
