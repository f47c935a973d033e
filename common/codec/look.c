/*
 * look.c - what a coded frame says of itself, before a decoder runs.
 *
 * Rows, columns, samples and precision have to be those of the data set: a
 * decoder then writes no more than was reserved.  RLE says nothing of itself,
 * so its segments are counted out.  What is known to lead a decoder astray is
 * refused: a TEM marker (endless loop), RLE offsets outside the frame, more
 * tiles than any image has.
 */
#include <string.h>

#include "codec/inside.h"

#define TILES_MAX 16384u
#define SCANS_MAX 200u /* a progressive coder makes about ten */

static int bad(struct img_err *err, const char *what)
{
	return img_err_set(err, IMG_E_MALFORMED, "%s", what);
}

static int cut_off(struct img_err *err, const char *what)
{
	return img_err_set(err, IMG_E_TRUNCATED, "%s", what);
}

static uint32_t big16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t big32(const uint8_t *p)
{
	return big16(p) << 16 | big16(p + 2);
}

static int agrees(const struct look *look, const struct img_codec_image *image,
		  struct img_err *err)
{
	if (look->rows != image->rows || look->columns != image->columns)
		return img_err_set(err, IMG_E_MALFORMED,
				   "coded as %u x %u, the object says %u x %u",
				   look->columns, look->rows, image->columns,
				   image->rows);
	if (look->samples != image->samples)
		return img_err_set(err, IMG_E_MALFORMED,
				   "coded as %u samples, the object says %u",
				   look->samples, image->samples);
	if (!look->precision || look->precision > image->allocated)
		return img_err_set(err, IMG_E_MALFORMED,
				   "coded with %u bits, the object allocates "
				   "%u",
				   look->precision, image->allocated);
	return 0;
}

/* ---- JPEG, JPEG-LS (ISO 10918-1 B.1, ISO 14495-1 C.1) -------------------- */

static bool is_frame_header(enum codec_kind kind, unsigned m)
{
	if (kind == CODEC_JPEG_LS)
		return m == 0xF7;
	return m >= 0xC0 && m <= 0xCF && m != 0xC4 && m != 0xC8 && m != 0xCC;
}

static int take_header(enum codec_kind kind, unsigned m, const uint8_t *p,
		       uint32_t length, struct look *look, struct img_err *err)
{
	if (look->rows)
		return bad(err, "two frame headers");
	if (length < 8 || length < 8 + 3u * p[7])
		return bad(err, "frame header too short");
	look->precision = p[2];
	look->rows = big16(p + 3);
	look->columns = big16(p + 5);
	look->samples = p[7];
	look->lossless = kind == CODEC_JPEG_LS || m == 0xC3;
	if (!look->rows)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "number of lines comes after them");
	if (kind == CODEC_JPEG && m > 0xC3)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "hierarchical or arithmetic JPEG");
	return 0;
}

/* Each costs a pass over the frame, however few its bytes are. */
static int count_scans(const uint8_t *p, size_t n, struct img_err *err)
{
	const uint8_t *end = p + n;
	unsigned scans = 0;

	while ((p = memchr(p, 0xFF, (size_t)(end - p))) && ++p < end)
		if (*p == 0xDA && ++scans > SCANS_MAX)
			return img_err_set(err, IMG_E_LIMIT,
					   "more than %u scans", SCANS_MAX);
	return 0;
}

/* CharLS reads on behind the frame where none is. */
static int find_end(const uint8_t *p, size_t n, struct img_err *err)
{
	for (size_t i = n; i >= 2; i--)
		if (p[i - 2] == 0xFF && p[i - 1] == 0xD9)
			return 0;
	return cut_off(err, "has no end of image");
}

static int look_jpeg(enum codec_kind kind, const uint8_t *p, size_t n,
		     struct look *look, struct img_err *err)
{
	size_t at = 2;

	if (n < 4 || big16(p) != 0xFFD8)
		return bad(err, "does not begin like JPEG");
	for (;;) {
		uint32_t length;
		unsigned m;

		if (at >= n)
			return cut_off(err, "ends in its headers");
		if (p[at] != 0xFF)
			return bad(err, "no marker where one belongs");
		while (at < n && p[at] == 0xFF)
			at++;
		m = at < n ? p[at] : 0;
		if (n - at < 3)
			return cut_off(err, "ends in its headers");
		if (m <= 0x01 || (m >= 0xD0 && m <= 0xD9))
			return bad(err, "a marker where none belongs");
		at++;
		length = big16(p + at);
		if (length < 2)
			return bad(err, "length of a marker segment");
		if (length > n - at)
			return cut_off(err, "ends in its headers");
		if (is_frame_header(kind, m) &&
		    take_header(kind, m, p + at, length, look, err) < 0)
			return -1;
		at += length;
		if (m == 0xDA)
			break;
	}
	if (!look->rows)
		return bad(err, "no frame header");
	if (kind == CODEC_JPEG_LS && find_end(p + at, n - at, err) < 0)
		return -1;
	return count_scans(p, n, err);
}

/* ---- JPEG 2000 (ISO 15444-1 A.5.1, I.4) ---------------------------------- */

int img_look_boxes(const uint8_t **p, size_t *n, struct img_err *err)
{
	size_t at = 0;

	if (*n < 12 || memcmp(*p, "\0\0\0\x0CjP  ", 8) != 0)
		return 0; /* a codestream, as it should be (PS3.5 A.4.4) */
	while (*n - at >= 8) {
		uint64_t length = big32(*p + at);

		if (memcmp(*p + at + 4, "jp2c", 4) == 0) {
			at += length == 1 ? 16 : 8;
			if (at >= *n)
				break;
			*p += at;
			*n -= at;
			return 0;
		}
		if (length < 8 || length > *n - at)
			break;
		at += (size_t)length;
	}
	return bad(err, "a JP2 file without codestream");
}

static int look_components(const uint8_t *p, struct look *look,
			   struct img_err *err)
{
	look->precision = (p[0] & 0x7Fu) + 1;
	for (unsigned i = 0; i < look->samples; i++) {
		if (p[3 * i] != p[0])
			return img_err_set(err, IMG_E_UNSUPPORTED,
					   "samples of different precision");
		if (p[3 * i + 1] != 1 || p[3 * i + 2] != 1)
			return img_err_set(err, IMG_E_UNSUPPORTED,
					   "samples of different size");
	}
	return 0;
}

static int look_tiles(const uint8_t *p, struct img_err *err)
{
	uint32_t x = big32(p + 8), y = big32(p + 12);
	uint64_t across, down;

	if (!big32(p + 24) || !big32(p + 28) || x <= big32(p + 32) ||
	    y <= big32(p + 36))
		return bad(err, "size of tiles");
	across = ((uint64_t)(x - big32(p + 32)) + big32(p + 24) - 1) /
		 big32(p + 24);
	down = ((uint64_t)(y - big32(p + 36)) + big32(p + 28) - 1) /
	       big32(p + 28);
	if (across > TILES_MAX || across * down > TILES_MAX)
		return img_err_set(err, IMG_E_LIMIT, "more than %u tiles",
				   TILES_MAX);
	return 0;
}

static int look_j2k(const uint8_t *p, size_t n,
		    const struct img_codec_image *image, struct look *look,
		    struct img_err *err)
{
	if (img_look_boxes(&p, &n, err) < 0)
		return -1;
	if (n < 6 || memcmp(p, "\xFF\x4F\xFF\x51", 4) != 0)
		return bad(err, "does not begin like JPEG 2000");
	if (n < 42 || big16(p + 4) > n - 4)
		return cut_off(err, "ends in its headers");
	look->samples = big16(p + 40);
	if (!look->samples || big16(p + 4) != 38 + 3 * look->samples)
		return bad(err, "number of components");
	if (big32(p + 8) <= big32(p + 16) || big32(p + 12) <= big32(p + 20))
		return bad(err, "no image area");
	look->columns = big32(p + 8) - big32(p + 16);
	look->rows = big32(p + 12) - big32(p + 20);
	if (look_components(p + 42, look, err) < 0)
		return -1;
	return agrees(look, image, err) < 0 ? -1 : look_tiles(p, err);
}

/* ---- RLE (PS3.5 annex G) ------------------------------------------------- */

static uint32_t little32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* Whether a segment gives as many bytes as a plane has. */
static int count_segment(const uint8_t *p, size_t n, uint64_t want,
			 struct img_err *err)
{
	uint64_t got = 0;
	size_t at = 0;

	while (got < want) {
		if (at >= n)
			return cut_off(err, "an RLE segment ends too early");
		if (p[at] < 128) {
			if (p[at] + 1u > n - at - 1)
				return cut_off(err, "an RLE segment ends "
						    "inside a run");
			got += p[at] + 1u;
			at += p[at] + 2u;
		} else if (p[at] > 128) {
			if (n - at < 2)
				return cut_off(err, "an RLE segment ends "
						    "inside a run");
			got += 257u - p[at];
			at += 2;
		} else {
			at++;
		}
	}
	return 0;
}

static int look_rle(const uint8_t *p, size_t n,
		    const struct img_codec_image *image, struct img_err *err)
{
	uint64_t plane = (uint64_t)image->rows * image->columns;
	uint32_t segments = image->samples * (image->allocated / 8u);

	if (image->allocated == 1) {
		plane = (img_codec_frame_bits(image) + 7) / 8;
		segments = 1;
	}
	if (n < 64)
		return cut_off(err, "ends in its RLE header");
	if (segments > 15)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "RLE of more than 15 segments");
	if (little32(p) != segments)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%u RLE segments, %u are needed",
				   little32(p), segments);
	for (uint32_t i = 0; i < segments; i++) {
		uint32_t at = little32(p + 4 + 4 * i);
		uint32_t end = i + 1 < segments ? little32(p + 8 + 4 * i)
						: (uint32_t)n;

		if (at < 64 || at > n || end > n || end < at)
			return bad(err, "RLE offsets");
		if (count_segment(p + at, end - at, plane, err) < 0)
			return -1;
	}
	return 0;
}

int img_codec_look(enum codec_kind kind, const uint8_t *p, size_t n,
		   const struct img_codec_image *image, struct look *look,
		   struct img_err *err)
{
	memset(look, 0, sizeof(*look));
	switch (kind) {
	case CODEC_RLE:
		look->precision = image->allocated;
		return look_rle(p, n, image, err);
	case CODEC_JPEG:
	case CODEC_JPEG_LS:
		return look_jpeg(kind, p, n, look, err) < 0
			       ? -1
			       : agrees(look, image, err);
	case CODEC_J2K:
		return look_j2k(p, n, image, look, err);
	default:
		return img_err_set(err, IMG_E_BUG, "no coded frame");
	}
}
