/*
 * work.c - one frame decoded, cleaned, encoded and proved, in memory.
 *
 * Runs in the jailed worker.  Every buffer's size follows from attributes that
 * were checked before; what the object says is checked here once more, because
 * the worker trusts nobody either.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "codec/inside.h"
#include "dcmtk/dcmtk.h"

static void *room(size_t n, struct img_err *err)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		img_err_set(err, IMG_E_NOMEM, "out of memory");
	return p;
}

/* ---- bytes of the object ------------------------------------------------- */

static int read_pieces(int fd, const struct img_frames_piece *pieces, size_t n,
		       uint8_t **out, size_t *len, struct img_err *err)
{
	uint64_t total = 0;
	uint8_t *p;
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (pieces[i].length > IMG_FRAME_MAX - total)
			return img_err_set(err, IMG_E_LIMIT,
					   "a coded frame of more than %u "
					   "bytes",
					   IMG_FRAME_MAX);
		total += pieces[i].length;
	}
	p = room((size_t)total + 8, err);
	if (!p)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t want = (size_t)pieces[i].length;
		ssize_t got =
			img_pread_full(fd, p + at, want, (off_t)pieces[i].at);

		if (got < 0 || (size_t)got != want) {
			free(p);
			return got < 0 ? img_err_sys(err, "reading a frame")
				       : img_err_set(err, IMG_E_TRUNCATED,
						     "the object ends in it");
		}
		at += want;
	}
	*out = p;
	*len = at;
	return 0;
}

/* ---- decoding ------------------------------------------------------------ */

static void to_dcmtk(struct img_dcmtk_image *to,
		     const struct img_codec_image *from)
{
	to->rows = from->rows;
	to->columns = from->columns;
	to->samples = from->samples;
	to->allocated = from->allocated;
	to->stored = from->stored;
	to->high = from->high;
	to->representation = from->representation;
	to->planar = from->planar;
	memcpy(to->photometric, from->photometric, sizeof(to->photometric));
}

/* A row of bytes that has as many as a frame of single bits. */
static int as_bytes(struct img_dcmtk_image *image, size_t size,
		    struct img_err *err)
{
	uint32_t across = 65535;

	while (across > 1 && (size % across || size / across > 65535))
		across--;
	if (size / across > 65535)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "a frame of %zu bytes of single bits", size);
	image->columns = across;
	image->rows = (uint32_t)(size / across);
	image->allocated = image->stored = 8;
	image->high = 7;
	image->samples = 1;
	return 0;
}

/* Samples of fewer bytes than allocated, spread out from the end on. */
static void spread(uint8_t *p, size_t samples, unsigned from, unsigned to)
{
	for (size_t i = samples; i-- > 0;) {
		uint8_t v[2] = { p[i * from], from > 1 ? p[i * from + 1] : 0 };

		memset(p + i * to, 0, to);
		memcpy(p + i * to, v, from);
	}
}

static int decode_dcmtk(const char *ts, const struct look *look,
			const uint8_t *p, size_t n,
			struct img_codec_image *image, uint8_t *out,
			size_t size, struct img_err *err)
{
	unsigned unit = image->allocated / 8u,
		 coded = look->precision > 8 ? 2 : 1;
	bool narrow = image->allocated > 1 && coded < unit &&
		      img_codec_kind(ts) != CODEC_RLE;
	struct img_dcmtk_image as;

	to_dcmtk(&as, image);
	if (image->allocated == 1 && as_bytes(&as, size, err) < 0)
		return -1;
	if (narrow) {
		as.allocated = (uint16_t)(8 * coded);
		as.stored = (uint16_t)look->precision;
		as.high = (uint16_t)(look->precision - 1);
	}
	if (img_dcmtk_decode(ts, &as, p, n, out,
			     narrow ? size / unit * coded : size, err) < 0)
		return -1;
	if (narrow)
		spread(out, size / unit, coded, unit);
	if (image->allocated > 1)
		memcpy(image->photometric, as.photometric,
		       sizeof(image->photometric));
	image->planar = 0;
	return 0;
}

/* Raw deflate (PS3.5 A.4.12), padded. */
static int decode_deflated(const uint8_t *p, size_t n, uint8_t *out,
			   size_t size, struct img_err *err)
{
	z_stream z;
	int rc;

	memset(&z, 0, sizeof(z));
	if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	z.next_out = out;
	z.avail_out = (uInt)size + 2; /* an odd frame may be padded inside */
	rc = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	if (z.total_out < size)
		return img_err_set(err,
				   rc == Z_BUF_ERROR ? IMG_E_TRUNCATED
						     : IMG_E_MALFORMED,
				   "deflated data gives %lu bytes, %zu are "
				   "needed",
				   z.total_out, size);
	if (rc != Z_STREAM_END)
		return img_err_set(err, IMG_E_MALFORMED,
				   "deflated data does not end with the "
				   "frame");
	return 0;
}

/* Whatever is coded is coded by whole pixels: 4:2:2 says how the coder went
   about it. */
int img_codec_whole_size(const char *ts, const struct img_codec_image *image,
			 size_t *size, struct img_err *err)
{
	struct img_codec_image whole = *image;
	enum codec_kind kind = img_codec_kind(ts);

	if (kind != CODEC_NATIVE && kind != CODEC_RAW &&
	    kind != CODEC_DEFLATE && img_codec_is_422(&whole))
		img_codec_model(&whole, "YBR_FULL");
	return img_codec_frame_size(&whole, size, err);
}

/* Decodes p[0..n) into out[0..size). */
static int decode_into(const char *ts, const uint8_t *p, size_t n,
		       struct img_codec_image *image, uint8_t *out, size_t size,
		       struct img_err *err)
{
	enum codec_kind kind = img_codec_kind(ts);
	struct look look;

	if (kind == CODEC_DEFLATE)
		return decode_deflated(p, n, out, size, err);
	if (kind == CODEC_RAW) {
		if (n < size)
			return img_err_set(err, IMG_E_TRUNCATED,
					   "%zu bytes, %zu are needed", n,
					   size);
		memcpy(out, p, size);
		return 0;
	}
	if (img_codec_look(kind, p, n, image, &look, err) < 0)
		return -1;
	if (kind == CODEC_J2K)
		return img_j2k_decode(p, n, image, out, size, err);
	return decode_dcmtk(ts, &look, p, n, image, out, size, err);
}

static int decode(const struct task *t, uint8_t **p, size_t n,
		  struct done *done, struct img_err *err)
{
	size_t size;

	if (img_codec_whole_size(t->from, &done->image, &size, err) < 0)
		return -1;
	if (img_codec_is_native(t->from)) {
		if (n < t->form.skip / 8 + size)
			return img_err_set(err, IMG_E_TRUNCATED,
					   "%zu bytes, %zu are needed", n,
					   size);
		img_native_cut(*p, n, &t->form, &done->image, size);
		done->data = *p;
		*p = NULL;
	} else {
		done->data = room(size + 8, err);
		if (!done->data || decode_into(t->from, *p, n, &done->image,
					       done->data, size, err) < 0)
			return -1;
		if (done->image.allocated == 1)
			img_native_end(done->data, &done->image, size);
		free(*p);
		*p = NULL;
	}
	done->size = size;
	return img_native_interleave(done->data, size, &done->image, err);
}

/* ---- encoding ------------------------------------------------------------ */

static int encode_htj2k(const struct done *native,
			struct img_codec_image *image, struct done *out,
			struct img_err *err)
{
	bool mix = img_j2k_mixes(image);
	struct img_dcmtk_image as;
	size_t len;

	if (image->samples > 4 ||
	    (image->allocated != 8 && image->allocated != 16))
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%u samples of %u bits cannot be encoded",
				   image->samples, image->allocated);
	to_dcmtk(&as, image);
	if (img_dcmtk_htj2k(&as, img_j2k_bits(native->data, image), mix,
			    native->data, &out->data, &len, err) < 0)
		return -1;
	out->size = len;
	if (mix)
		img_codec_model(image, "YBR_RCT");
	return 0;
}

static int encode_into(const struct task *t, const struct done *native,
		       struct img_codec_image *image, struct done *out,
		       struct img_err *err)
{
	struct img_dcmtk_image as;
	struct img_buf coded;
	size_t len = 0;

	if (strcmp(t->to, img_codec_ts("htj2k")) == 0)
		return encode_htj2k(native, image, out, err);
	if (img_codec_kind(t->to) == CODEC_J2K) {
		img_buf_init(&coded, 2u * IMG_FRAME_MAX);
		if (img_j2k_encode(native->data, image, &coded, err) < 0 ||
		    (coded.len & 1 && img_buf_putc(&coded, 0, err) < 0)) {
			img_buf_release(&coded);
			return -1;
		}
		out->data = (uint8_t *)coded.data;
		out->size = coded.len;
		return 0;
	}
	to_dcmtk(&as, image);
	if (image->allocated == 1 &&
	    (img_codec_kind(t->to) != CODEC_RLE
		     ? img_err_set(err, IMG_E_UNSUPPORTED,
				   "single bits cannot be encoded so")
		     : as_bytes(&as, (size_t)native->size, err)) < 0)
		return -1;
	if (img_dcmtk_encode(t->to, &as, native->data, (size_t)native->size,
			     &out->data, &len, err) < 0)
		return -1;
	out->size = len;
	return 0;
}

static int prove(const struct task *t, const struct done *native,
		 const struct done *coded, struct img_err *err)
{
	struct img_codec_image image = coded->image;
	uint8_t *again = room((size_t)native->size + 8, err);
	int rc = -1;

	if (again &&
	    decode_into(t->to, coded->data, (size_t)coded->size, &image, again,
			(size_t)native->size, err) == 0) {
		rc = 0;
		if (memcmp(again, native->data, (size_t)native->size) != 0)
			rc = img_err_set(err, IMG_E_BUG,
					 "what was encoded does not decode to "
					 "the same");
	}
	free(again);
	return rc;
}

static int encode(const struct task *t, struct done *done, struct img_err *err)
{
	struct done coded = { .image = done->image };
	size_t size = (size_t)done->size;

	if (img_codec_is_422(&done->image)) {
		if (img_native_widen(&done->data, &size, &done->image, err) < 0)
			return -1;
		done->size = size;
		coded.image = done->image;
	}
	if (encode_into(t, done, &coded.image, &coded, err) < 0 ||
	    (t->prove && prove(t, done, &coded, err) < 0)) {
		free(coded.data);
		return -1;
	}
	free(done->data);
	*done = coded;
	return 0;
}

/* ---- the whole ----------------------------------------------------------- */

int img_codec_do(const struct task *t, int fd,
		 const struct img_frames_piece *pieces,
		 const struct img_codec_mask *masks, struct done *done,
		 struct img_err *err)
{
	uint8_t *p = NULL;
	size_t n = 0;
	int rc = -1;

	*done = (struct done){ .image = t->image };
	if (!img_codec_decodes(t->from) || !img_codec_encodes(t->to))
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "no codec for this transfer syntax");
	if (read_pieces(fd, pieces, t->n_pieces, &p, &n, err) < 0 ||
	    decode(t, &p, n, done, err) < 0)
		goto out;
	if (t->clear_unused)
		img_clean_unused(done->data, (size_t)done->size, &done->image);
	img_clean_masks(done->data, &done->image, masks, t->n_masks);
	if (!img_codec_is_native(t->to) && encode(t, done, err) < 0)
		goto out;
	rc = 0;
out:
	free(p);
	if (rc < 0)
		img_codec_undo(done);
	return rc;
}

void img_codec_undo(struct done *done)
{
	free(done->data);
	done->data = NULL;
}
