/* transcode_frames.c - frame by frame through the codec. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work/transcode_private.h"

static int same_kind(const struct transcode *t, uint32_t i, struct img_err *err)
{
	const struct img_codec_image *a = &t->first, *b = &t->image;

	if (a->rows == b->rows && a->columns == b->columns &&
	    a->samples == b->samples && a->allocated == b->allocated &&
	    a->stored == b->stored && a->planar == b->planar &&
	    strcmp(a->photometric, b->photometric) == 0)
		return 0;
	return img_err_set(err, IMG_E_UNSUPPORTED,
			   "%s: frame %u is made otherwise than the first",
			   t->name, i + 1);
}

bool transcode_is_coded(const struct transcode *t)
{
	return t->to->kind == IMG_TS_ENCAPSULATED;
}

/* Frames of single bits follow each other without a gap, PS3.5 8.1.1; the
   codec's begin with a byte. */
static uint64_t frame_bits(const struct transcode *t)
{
	return (uint64_t)t->first.rows * t->first.columns * t->first.samples;
}

static bool is_cut(const struct transcode *t)
{
	return !transcode_is_coded(t) && t->first.allocated == 1 &&
	       frame_bits(t) % 8;
}

static int put_bits(struct transcode *t, const uint8_t *p, size_t n,
		    struct img_err *err)
{
	uint64_t left = frame_bits(t) - 8 * t->got;

	for (size_t i = 0; i < n; i++, left -= left < 8 ? left : 8) {
		unsigned more = left < 8 ? (unsigned)left : 8;
		unsigned v = p[i] & ((1u << more) - 1);
		uint8_t full;

		v = v << t->n_bits | t->bits;
		t->n_bits += more;
		t->bits = (uint8_t)v;
		if (t->n_bits < 8)
			continue;
		full = (uint8_t)v;
		t->n_bits -= 8;
		t->bits = (uint8_t)(v >> 8);
		if (img_dicom_put_part(t->w, &full, 1, err) < 0)
			return -1;
	}
	return 0;
}

static int end_bits(struct transcode *t, struct img_err *err)
{
	return t->n_bits ? img_dicom_put_part(t->w, &t->bits, 1, err) : 0;
}

static int begin_native(struct transcode *t, struct img_err *err)
{
	struct img_dicom_event ev = { .kind = IMG_DICOM_ELEMENT,
				      .tag = PIXELS,
				      .implicit = t->to->implicit };
	uint32_t n = t->facts->frames;
	uint64_t all;

	if (__builtin_mul_overflow(is_cut(t) ? frame_bits(t) : t->size, n,
				   &all))
		all = UINT64_MAX;
	else if (is_cut(t))
		all = all / 8 + (all % 8 > 0);
	if (all >= 0xFFFFFFFEu)
		return img_err_set(err, IMG_E_LIMIT,
				   "%s: native pixel data of 4 GiB or more",
				   t->name);
	memcpy(ev.vr, t->first.allocated > 8 ? "OW" : "OB", 3);
	ev.length = (uint32_t)all;
	t->frame_size = t->size;
	return img_dicom_put(t->w, &ev, NULL, err);
}

/* An item of the encapsulated pixel data; what is announced to the writer
   makes it write all that came before. */
static int begin_fragment(struct transcode *t, uint64_t n, struct img_err *err)
{
	struct img_dicom_event ev = { .kind = IMG_DICOM_FRAGMENT,
				      .tag = IMG_TAG(0xFFFE, 0xE000),
				      .vr = "OB",
				      .length = (uint32_t)n };

	if (n >= 0xFFFFFFFEu)
		return img_err_set(err, IMG_E_LIMIT, "%s: a frame of 4 GiB",
				   t->name);
	return img_dicom_put(t->w, &ev, NULL, err);
}

/* The Basic Offset Table has zeros until the offsets are known. */
static int begin_coded(struct transcode *t, struct img_err *err)
{
	struct img_dicom_event ev = { .kind = IMG_DICOM_PIXELS,
				      .tag = PIXELS,
				      .vr = "OB",
				      .length = IMG_UNDEFINED_LEN };
	size_t n = 4 * (size_t)t->facts->frames;

	t->table = calloc(n, 1);
	if (!t->table)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	if (img_dicom_put(t->w, &ev, NULL, err) < 0 ||
	    begin_fragment(t, n, err) < 0)
		return -1;
	t->table_at = t->at;
	return img_dicom_put_part(t->w, t->table, n, err);
}

/* What the first frame has become is known when its first bytes come: then
   the attributes are written. */
static int begin_frame(struct transcode *t, struct img_err *err)
{
	if (t->frame == 0) {
		t->first = t->image;
		transcode_changes(t);
		if (transcode_head(t, err) < 0 ||
		    (transcode_is_coded(t) ? begin_coded(t, err)
					   : begin_native(t, err)) < 0)
			return -1;
	}
	if (same_kind(t, t->frame, err) < 0)
		return -1;
	if (transcode_is_coded(t))
		return begin_fragment(t, t->size, err);
	return t->size == t->frame_size
		       ? 0
		       : img_err_set(err, IMG_E_UNSUPPORTED,
				     "%s: frames of different sizes", t->name);
}

static int take_bytes(const void *p, size_t n, void *arg, struct img_err *err)
{
	struct transcode *t = arg;

	if (t->got == 0 && begin_frame(t, err) < 0)
		return -1;
	if (is_cut(t)) {
		if (put_bits(t, p, n, err) < 0)
			return -1;
		t->got += n;
		return 0;
	}
	t->got += n;
	return img_dicom_put_part(t->w, p, n, err);
}

static void note_offset(struct transcode *t, uint64_t offset)
{
	for (unsigned b = 0; t->table && b < 4; b++)
		t->table[4 * (size_t)t->frame + b] = (uint8_t)(offset >> 8 * b);
}

/* The offsets, over the zeros that were left for them. */
static int put_table(const struct transcode *t, struct img_err *err)
{
	const size_t n = 4 * (size_t)t->facts->frames;
	size_t put = 0;

	while (put < n) {
		ssize_t w = pwrite(t->out, (const char *)t->table + put,
				   n - put, (off_t)(t->table_at + put));

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return img_err_sys(err, "destination");
		put += (size_t)w;
	}
	return 0;
}

int transcode_frames(struct transcode *t, struct img_err *err)
{
	const struct img_codec_request req = { .to = t->to->uid,
					       .prove = true };
	uint64_t offset = 0;

	for (t->frame = 0; t->frame < t->facts->frames; t->frame++) {
		t->got = 0;
		if (img_codec_run(t->s, t->frames, t->frame, &req, &t->image,
				  &t->size, take_bytes, t, err) != 0)
			return -1;
		if (t->got == 0 || t->got != t->size)
			return img_err_set(err, IMG_E_BUG,
					   "%s: frame %u is not whole", t->name,
					   t->frame + 1);
		note_offset(t, offset);
		offset += 8 + t->size + (t->size & 1);
	}
	if (!t->table)
		return is_cut(t) ? end_bits(t, err) : 0;
	if (offset > UINT32_MAX)
		return img_err_set(err, IMG_E_LIMIT,
				   "%s: coded pixel data of 4 GiB or more",
				   t->name);
	return put_table(t, err);
}

int transcode_end(struct transcode *t, struct img_err *err)
{
	const struct img_dicom_event end = { .kind = IMG_DICOM_END_SEQUENCE,
					     .tag = PIXELS,
					     .length = IMG_UNDEFINED_LEN };

	return img_dicom_put(t->w, &end, NULL, err);
}
