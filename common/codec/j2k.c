/* j2k.c - JPEG 2000 and HTJ2K by OpenJPEG: a frame in memory, nothing said. */
#include <openjpeg.h>
#include <stdlib.h>
#include <string.h>

#include "codec/inside.h"

/* Of the worker's 512 MiB; the encoder holds its blocks besides. */
#define DECODES (480u << 20)
#define ENCODES (380u << 20)

/* ---- streams over memory ------------------------------------------------- */

struct memory {
	const uint8_t *p;
	size_t n, at;
	struct img_buf *out;
	bool failed;
};

static OPJ_SIZE_T take(void *to, OPJ_SIZE_T n, void *arg)
{
	struct memory *m = arg;

	if (m->at >= m->n)
		return (OPJ_SIZE_T)-1;
	if (n > m->n - m->at)
		n = m->n - m->at;
	memcpy(to, m->p + m->at, n);
	m->at += n;
	return n;
}

static OPJ_OFF_T skip(OPJ_OFF_T n, void *arg)
{
	struct memory *m = arg;

	if (n < 0 || (uint64_t)n > m->n - m->at)
		return -1;
	m->at += (size_t)n;
	return n;
}

static OPJ_BOOL seek(OPJ_OFF_T at, void *arg)
{
	struct memory *m = arg;

	if (at < 0 || (uint64_t)at > m->n)
		return OPJ_FALSE;
	m->at = (size_t)at;
	return OPJ_TRUE;
}

/* The encoder goes back to fill in lengths. */
static OPJ_SIZE_T put(void *from, OPJ_SIZE_T n, void *arg)
{
	struct memory *m = arg;
	struct img_err err = IMG_ERR_INIT;

	if (m->at + n > m->n) {
		if (img_buf_grow(m->out, m->at + n - m->n, &err) < 0) {
			m->failed = true;
			return (OPJ_SIZE_T)-1;
		}
		m->n = m->at + n;
		m->out->len = m->n;
	}
	memcpy(m->out->data + m->at, from, n);
	m->at += n;
	return n;
}

static OPJ_OFF_T put_skip(OPJ_OFF_T n, void *arg)
{
	struct memory *m = arg;
	static char zeros[4096];

	if (n < 0)
		return -1;
	for (OPJ_OFF_T left = n; left > 0;) {
		size_t part = left < 4096 ? (size_t)left : 4096;

		if (put(zeros, part, m) != part)
			return -1;
		left -= (OPJ_OFF_T)part;
	}
	return n;
}

static void silent(const char *text, void *arg)
{
	(void)text;
	(void)arg;
}

static void hush(opj_codec_t *codec)
{
	opj_set_info_handler(codec, silent, NULL);
	opj_set_warning_handler(codec, silent, NULL);
	opj_set_error_handler(codec, silent, NULL);
}

/* OpenJPEG holds each sample twice, in 32 bits. */
static int affordable(const struct img_codec_image *image, uint64_t memory,
		      struct img_err *err)
{
	uint64_t samples =
		(uint64_t)image->rows * image->columns * image->samples;

	if (samples * (8 + image->allocated / 8u) > memory)
		return img_err_set(err, IMG_E_LIMIT,
				   "JPEG 2000 of %llu samples, more than a "
				   "worker has memory for",
				   (unsigned long long)samples);
	return 0;
}

/* ---- decoding ------------------------------------------------------------ */

/* The samples of all components, as bits allocated, little endian. */
static void put_samples(const opj_image_t *from, unsigned unit, uint8_t *out)
{
	size_t pixels = (size_t)from->comps[0].w * from->comps[0].h;
	size_t step = (size_t)unit * from->numcomps;

	for (unsigned c = 0; c < from->numcomps; c++) {
		const OPJ_INT32 *v = from->comps[c].data;
		uint8_t *at = out + (size_t)c * unit;

		for (size_t i = 0; i < pixels; i++, at += step) {
			at[0] = (uint8_t)v[i];
			if (unit > 1)
				at[1] = (uint8_t)((uint32_t)v[i] >> 8);
			for (unsigned b = 2; b < unit; b++)
				at[b] = (uint8_t)(b < 4 ? (uint32_t)v[i] >>
								  8 * b
						  : v[i] < 0 ? 0xFF
							     : 0);
		}
	}
}

/* Bits, the first pixel lowest (PS3.5 8.1.1). */
static void put_bits(const opj_image_t *from, uint8_t *out, size_t size)
{
	size_t pixels = (size_t)from->comps[0].w * from->comps[0].h, bit = 0;

	memset(out, 0, size);
	for (size_t i = 0; i < pixels; i++)
		for (unsigned c = 0; c < from->numcomps; c++, bit++)
			out[bit / 8] |= (uint8_t)((from->comps[c].data[i] & 1)
						  << bit % 8);
}

static int shape_fits(const opj_image_t *got, const struct img_codec_image *i,
		      struct img_err *err)
{
	if (got->numcomps != i->samples)
		return img_err_set(err, IMG_E_MALFORMED,
				   "number of components");
	for (unsigned c = 0; c < got->numcomps; c++)
		if (got->comps[c].w != i->columns ||
		    got->comps[c].h != i->rows || !got->comps[c].data)
			return img_err_set(err, IMG_E_MALFORMED,
					   "size of a component");
	return 0;
}

int img_j2k_decode(const uint8_t *p, size_t n, struct img_codec_image *image,
		   uint8_t *out, size_t size, struct img_err *err)
{
	struct memory in = { .p = p, .n = n };
	opj_dparameters_t how;
	opj_stream_t *stream = NULL;
	opj_codec_t *codec = NULL;
	opj_image_t *got = NULL;
	int rc = -1;

	if (affordable(image, DECODES, err) < 0 ||
	    img_look_boxes(&in.p, &in.n, err) < 0)
		return -1;
	codec = opj_create_decompress(OPJ_CODEC_J2K);
	stream = opj_stream_create(65536, OPJ_TRUE);
	if (!codec || !stream) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		goto out;
	}
	hush(codec);
	opj_stream_set_user_data(stream, &in, NULL);
	opj_stream_set_user_data_length(stream, in.n);
	opj_stream_set_read_function(stream, take);
	opj_stream_set_skip_function(stream, skip);
	opj_stream_set_seek_function(stream, seek);
	opj_set_default_decoder_parameters(&how);
	if (!opj_setup_decoder(codec, &how) ||
	    !opj_decoder_set_strict_mode(codec, OPJ_TRUE) ||
	    !opj_read_header(stream, codec, &got) ||
	    !opj_decode(codec, stream, got)) {
		img_err_set(err, IMG_E_MALFORMED,
			    "JPEG 2000 data cannot be decoded");
		goto out;
	}
	if (shape_fits(got, image, err) < 0)
		goto out;
	if (image->allocated == 1)
		put_bits(got, out, size);
	else
		put_samples(got, image->allocated / 8u, out);
	/* The transform of colors is part of the coding, and undone. */
	if (strcmp(image->photometric, "YBR_RCT") == 0 ||
	    strcmp(image->photometric, "YBR_ICT") == 0)
		img_codec_model(image, "RGB");
	image->planar = 0;
	rc = 0;
out:
	opj_image_destroy(got);
	opj_stream_destroy(stream);
	opj_destroy_codec(codec);
	return rc;
}

/* ---- encoding ------------------------------------------------------------ */

/* Sample i of all, in the order of the frame. */
static int32_t sample(const uint8_t *p, size_t i,
		      const struct img_codec_image *image)
{
	bool negative = image->representation;

	switch (image->allocated) {
	case 1:
		return negative ? -(p[i / 8] >> i % 8 & 1)
				: p[i / 8] >> i % 8 & 1;
	case 8:
		return negative ? (int8_t)p[i] : p[i];
	default:
		p += 2 * i;
		return negative ? (int16_t)(p[0] | p[1] << 8)
				: p[0] | p[1] << 8;
	}
}

/* Colors are transformed, without loss, where that is known to help. */
bool img_j2k_mixes(const struct img_codec_image *image)
{
	return strcmp(image->photometric, "RGB") == 0 && image->samples == 3;
}

/*
 * The bits to code: those stored, as the standard wants it (PS3.5 8.2.4), or
 * all allocated where samples have bits elsewhere, which are kept.
 */
unsigned img_j2k_bits(const uint8_t *p, const struct img_codec_image *image)
{
	size_t n = (size_t)image->rows * image->columns * image->samples;
	int32_t top = (int32_t)1 << (image->stored - 1);
	int32_t least = image->representation ? -top : 0;
	int32_t most = image->representation ? top - 1 : 2 * top - 1;

	if (image->high + 1u != image->stored)
		return image->allocated;
	for (size_t i = 0; i < n; i++) {
		int32_t v = sample(p, i, image);

		if (v < least || v > most)
			return image->allocated;
	}
	return image->stored;
}

static opj_image_t *make(const uint8_t *p, const struct img_codec_image *image)
{
	opj_image_cmptparm_t parts[4];
	size_t pixels = (size_t)image->rows * image->columns;
	unsigned bits = img_j2k_bits(p, image);
	opj_image_t *made;

	memset(parts, 0, sizeof(parts));
	for (unsigned c = 0; c < image->samples; c++) {
		parts[c].dx = parts[c].dy = 1;
		parts[c].w = image->columns;
		parts[c].h = image->rows;
		parts[c].prec = bits;
		parts[c].sgnd = image->representation;
	}
	made = opj_image_create(image->samples, parts,
				image->samples == 3 ? OPJ_CLRSPC_SRGB
						    : OPJ_CLRSPC_GRAY);
	if (!made)
		return NULL;
	made->x1 = image->columns;
	made->y1 = image->rows;
	for (size_t i = 0; i < pixels; i++)
		for (unsigned c = 0; c < image->samples; c++)
			made->comps[c].data[i] =
				sample(p, i * image->samples + c, image);
	return made;
}

int img_j2k_encode(const uint8_t *p, struct img_codec_image *image,
		   struct img_buf *out, struct img_err *err)
{
	bool mix = img_j2k_mixes(image);
	struct memory to = { .out = out };
	opj_cparameters_t how;
	opj_stream_t *stream = NULL;
	opj_codec_t *codec = NULL;
	opj_image_t *from = NULL;
	unsigned least;
	int rc = -1;

	if (image->samples > 4 ||
	    (image->allocated != 1 && image->allocated != 8 &&
	     image->allocated != 16))
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%u samples of %u bits cannot be encoded",
				   image->samples, image->allocated);
	if (affordable(image, ENCODES, err) < 0)
		return -1;
	codec = opj_create_compress(OPJ_CODEC_J2K);
	stream = opj_stream_create(65536, OPJ_FALSE);
	from = make(p, image);
	if (!codec || !stream || !from) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		goto out;
	}
	hush(codec);
	opj_stream_set_user_data(stream, &to, NULL);
	opj_stream_set_write_function(stream, put);
	opj_stream_set_skip_function(stream, put_skip);
	opj_stream_set_seek_function(stream, seek);
	opj_set_default_encoder_parameters(&how);
	how.tcp_numlayers = 1;
	how.cp_disto_alloc = 1; /* a single layer of rate 0: without loss */
	how.tcp_mct = mix;
	least = image->rows < image->columns ? image->rows : image->columns;
	/* Of one bit the transform's roundings add up to more than the guard
	   bits hold; and it makes such an image no smaller. */
	if (from->comps[0].prec == 1)
		how.numresolution = 1;
	while (how.numresolution > 1 && 1u << (how.numresolution - 1) > least)
		how.numresolution--;
	if (!opj_setup_encoder(codec, &how, from) ||
	    !opj_start_compress(codec, from, stream) ||
	    !opj_encode(codec, stream) || !opj_end_compress(codec, stream)) {
		img_err_set(err, IMG_E_UNSUPPORTED,
			    "JPEG 2000 cannot encode it");
		goto out;
	}
	if (mix)
		img_codec_model(image, "YBR_RCT");
	image->planar = 0;
	rc = 0;
out:
	opj_image_destroy(from);
	opj_stream_destroy(stream);
	opj_destroy_codec(codec);
	return rc;
}
