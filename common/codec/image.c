/* image.c - what the attributes of an image allow; transfer syntaxes. */
#include <stdio.h>
#include <string.h>

#include "codec/inside.h"
#include "dcmtk/dcmtk.h"

static const struct {
	const char *name, *uid;
	enum codec_kind kind;
	bool encodes;
} table[] = {
	{ "explicit", "1.2.840.10008.1.2.1", CODEC_NATIVE, true },
	{ "implicit", "1.2.840.10008.1.2", CODEC_NATIVE, true },
	{ "big", "1.2.840.10008.1.2.2", CODEC_NATIVE, true },
	{ "deflated", "1.2.840.10008.1.2.1.99", CODEC_NATIVE, true },
	{ "rle", "1.2.840.10008.1.2.5", CODEC_RLE, true },
	{ "jpeg", "1.2.840.10008.1.2.4.70", CODEC_JPEG, true },
	{ "jpegls", "1.2.840.10008.1.2.4.80", CODEC_JPEG_LS, true },
	{ "j2k", "1.2.840.10008.1.2.4.90", CODEC_J2K, true },
	{ "htj2k", "1.2.840.10008.1.2.4.201", CODEC_J2K, true },
	{ NULL, "1.2.840.10008.1.2.4.50", CODEC_JPEG, false },
	{ NULL, "1.2.840.10008.1.2.4.51", CODEC_JPEG, false },
	{ NULL, "1.2.840.10008.1.2.4.53", CODEC_JPEG, false },
	{ NULL, "1.2.840.10008.1.2.4.55", CODEC_JPEG, false },
	{ NULL, "1.2.840.10008.1.2.4.57", CODEC_JPEG, false },
	{ NULL, "1.2.840.10008.1.2.4.81", CODEC_JPEG_LS, false },
	{ NULL, "1.2.840.10008.1.2.4.91", CODEC_J2K, false },
	{ NULL, "1.2.840.10008.1.2.4.202", CODEC_J2K, false },
	{ NULL, "1.2.840.10008.1.2.4.203", CODEC_J2K, false },
	{ NULL, "1.2.840.10008.1.2.1.98", CODEC_RAW, false },
	{ NULL, "1.2.840.10008.1.2.8.1", CODEC_DEFLATE, false },
};
#define TABLE (sizeof(table) / sizeof(table[0]))

static int find(const char *ts)
{
	for (size_t i = 0; i < TABLE; i++)
		if (strcmp(table[i].uid, ts) == 0)
			return (int)i;
	return -1;
}

enum codec_kind img_codec_kind(const char *ts)
{
	int i = find(ts);

	return i < 0 ? CODEC_NONE : table[i].kind;
}

bool img_codec_is_native(const char *ts)
{
	return img_codec_kind(ts) == CODEC_NATIVE;
}

bool img_codec_is_lossy(const char *ts)
{
	const struct img_ts *known = img_ts_find(ts);

	return known && known->lossy;
}

bool img_codec_decodes(const char *ts)
{
	return find(ts) >= 0;
}

bool img_codec_encodes(const char *ts)
{
	int i = find(ts);

	return i >= 0 && table[i].encodes;
}

const char *img_codec_ts(const char *name)
{
	for (size_t i = 0; i < TABLE; i++)
		if ((table[i].name && strcmp(table[i].name, name) == 0) ||
		    strcmp(table[i].uid, name) == 0)
			return table[i].uid;
	return NULL;
}

/* ---- sizes --------------------------------------------------------------- */

bool img_codec_is_422(const struct img_codec_image *image)
{
	return strcmp(image->photometric, "YBR_FULL_422") == 0 ||
	       strcmp(image->photometric, "YBR_PARTIAL_422") == 0;
}

void img_codec_model(struct img_codec_image *image, const char *model)
{
	snprintf(image->photometric, sizeof(image->photometric), "%s", model);
}

/* Attributes that no image can have together. */
static int check(const struct img_codec_image *image, struct img_err *err)
{
	const char *wrong = NULL;

	if (!image->rows || image->rows > 65535)
		wrong = "Rows";
	else if (!image->columns || image->columns > 65535)
		wrong = "Columns";
	else if (!image->samples)
		wrong = "SamplesPerPixel";
	else if (image->allocated != 1 &&
		 (!image->allocated || image->allocated % 8 ||
		  image->allocated > 64))
		wrong = "BitsAllocated";
	else if (!image->stored || image->stored > image->allocated)
		wrong = "BitsStored";
	else if (image->high >= image->allocated ||
		 image->high + 1u < image->stored)
		wrong = "HighBit";
	else if (image->representation > 1)
		wrong = "PixelRepresentation";
	else if (image->planar > 1)
		wrong = "PlanarConfiguration";
	else if (img_codec_is_422(image) &&
		 (image->samples != 3 || image->allocated != 8 ||
		  image->columns % 2))
		wrong = "PhotometricInterpretation";
	if (image->allocated % 8 && image->allocated != 1 &&
	    image->allocated < 64)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%u bits allocated, packed",
				   image->allocated);
	if (wrong)
		return img_err_set(err, IMG_E_MALFORMED, "no image has this %s",
				   wrong);
	return 0;
}

/* 65,535 x 65,535 x 65,535 x 64 is below 2^54. */
uint64_t img_codec_frame_bits(const struct img_codec_image *image)
{
	/* Two pixels share their color samples (PS3.3 C.7.6.3.1.2). */
	unsigned samples = img_codec_is_422(image) ? 2 : image->samples;

	return (uint64_t)image->rows * image->columns * samples *
	       image->allocated;
}

int img_codec_frame_size(const struct img_codec_image *image, size_t *out,
			 struct img_err *err)
{
	uint64_t size;

	if (check(image, err) < 0)
		return -1;
	size = (img_codec_frame_bits(image) + 7) / 8;
	if (size > IMG_FRAME_MAX)
		return img_err_set(err, IMG_E_LIMIT,
				   "a frame of %llu bytes, %u are the limit",
				   (unsigned long long)size, IMG_FRAME_MAX);
	*out = (size_t)size;
	return 0;
}
