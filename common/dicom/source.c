/* source.c - bytes for the reader: memory, a file, an inflated stream. */
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "dicom/reader.h"

#define AHEAD_MIN   8192u
#define RATIO_AFTER (1u << 20)
#define ZBUF_SIZE   16384u

struct inflater {
	z_stream z;
	bool live;
	uint64_t origin; /* where the deflated bytes begin in the input */
	uint64_t at;     /* input bytes handed to zlib so far, from origin */
	uint8_t in[ZBUF_SIZE];
	bool full; /* its last output filled the room */
};

void img_source_reset(struct img_dicom_reader *r)
{
	if (r->inflater && r->inflater->live) {
		inflateEnd(&r->inflater->z);
		r->inflater->live = false;
	}
	r->inflating = false;
	r->ahead = AHEAD_MIN;
	r->size = r->file_size;
	r->win_at = 0;
	r->win = r->mem ? r->mem : r->buf;
	r->win_len = r->mem ? r->file_size : 0;
}

void img_source_free(struct img_dicom_reader *r)
{
	if (r->inflater && r->inflater->live)
		inflateEnd(&r->inflater->z);
	free(r->inflater);
	r->inflater = NULL;
}

/* Drops what lies before at from the buffered window. */
static void slide(struct img_dicom_reader *r, uint64_t at)
{
	uint64_t d = at - r->win_at;

	if (d < r->win_len) {
		r->win_len -= d;
		memmove(r->buf, r->buf + d, r->win_len);
	} else {
		r->win_len = 0;
	}
	r->win_at = at;
}

static int fill_fd(struct img_dicom_reader *r, uint64_t at, size_t n,
		   struct img_err *err)
{
	uint64_t left;
	size_t want;
	ssize_t got;

	if (at > r->size)
		return 0;
	/* Reading on: take more at a time.  After a jump: little again. */
	if (at >= r->win_at && at - r->win_at <= r->win_len) {
		if (r->win_len && r->ahead < BUF_SIZE)
			r->ahead *= 2;
		slide(r, at);
	} else {
		r->ahead = AHEAD_MIN;
		r->win_at = at;
		r->win_len = 0;
	}
	left = r->size - at;
	want = n > r->ahead ? n : r->ahead;
	if (want > left)
		want = (size_t)left;
	if (want > r->win_len) {
		got = img_pread_full(r->fd, r->buf + r->win_len,
				     want - r->win_len,
				     (off_t)(at + r->win_len));
		if (got < 0)
			return img_err_sys(err, "%s", r->name);
		if ((size_t)got < want - r->win_len) /* it has shrunk */
			r->size = at + r->win_len + (uint64_t)got;
		r->win_len += (uint64_t)got;
	}
	return n <= r->win_len;
}

/* ---- deflate (PS3.5 A.5) ---- */

static int feed(struct img_dicom_reader *r, struct inflater *d,
		struct img_err *err)
{
	uint64_t from = d->origin + d->at, left = r->file_size - from;
	size_t n = left < ZBUF_SIZE ? (size_t)left : ZBUF_SIZE;
	ssize_t got = (ssize_t)n;

	if (r->mem) {
		d->z.next_in = (Bytef *)(uintptr_t)(r->mem + from);
	} else {
		got = img_pread_full(r->fd, d->in, n, (off_t)from);
		d->z.next_in = d->in;
	}
	if (got < 0)
		return img_err_sys(err, "%s", r->name);
	if (got == 0)
		return img_err_set(err, IMG_E_TRUNCATED,
				   "%s: ends at byte %llu, inside the "
				   "deflated data set",
				   r->name, (unsigned long long)from);
	n = (size_t)got;
	d->z.avail_in = (uInt)n;
	d->at += n;
	return 0;
}

static int check_caps(const struct img_dicom_reader *r,
		      const struct inflater *d, struct img_err *err)
{
	uint64_t out = d->z.total_out, in = d->z.total_in;

	if (out > r->max_inflated)
		return img_err_set(err, IMG_E_LIMIT,
				   "%s: inflates to more than %llu bytes",
				   r->name,
				   (unsigned long long)r->max_inflated);
	if (out > RATIO_AFTER && out / r->max_ratio > in)
		return img_err_set(err, IMG_E_LIMIT,
				   "%s: inflates to more than %u times its "
				   "size",
				   r->name, r->max_ratio);
	return 0;
}

/* Inflates into the free part of the window. */
static int inflate_some(struct img_dicom_reader *r, struct img_err *err)
{
	struct inflater *d = r->inflater;
	size_t room = BUF_SIZE - r->win_len;
	int rc;

	/* Where there was no room, it may have more of what it was fed. */
	if (d->z.avail_in == 0 && !d->full && feed(r, d, err) < 0)
		return -1;
	d->z.next_out = r->buf + r->win_len;
	d->z.avail_out = (uInt)room;
	rc = inflate(&d->z, Z_NO_FLUSH);
	d->full = d->z.avail_out == 0;
	r->win_len += room - d->z.avail_out;
	if (rc == Z_STREAM_END)
		r->size = r->win_at + r->win_len;
	else if (rc != Z_OK && rc != Z_BUF_ERROR)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: damaged deflated data at byte %llu",
				   r->name,
				   (unsigned long long)(d->origin + d->at -
							d->z.avail_in));
	return check_caps(r, d, err);
}

static int rewind_inflater(struct img_dicom_reader *r, struct img_err *err)
{
	struct inflater *d = r->inflater;

	if (inflateReset(&d->z) != Z_OK)
		return img_err_set(err, IMG_E_BUG, "%s: inflateReset", r->name);
	d->z.avail_in = 0;
	d->full = false;
	d->at = 0;
	r->win_at = d->origin;
	r->win_len = 0;
	r->size = NO_END;
	return 0;
}

static int fill_inflated(struct img_dicom_reader *r, uint64_t at, size_t n,
			 struct img_err *err)
{
	if (at < r->win_at && rewind_inflater(r, err) < 0)
		return -1;
	for (;;) {
		uint64_t end = r->win_at + r->win_len;

		slide(r, at < end ? at : end);
		if (r->win_at == at && r->win_len >= n)
			return 1;
		if (r->size != NO_END)
			return 0;
		if (inflate_some(r, err) < 0)
			return -1;
	}
}

/* Some writers wrap the stream as zlib does (RFC 1950).  Such a header can
   not be the beginning of a raw stream that is valid: 0x78 would announce a
   stored block, whose length is followed by its complement. */
static bool has_zlib_header(const uint8_t *p, size_t n)
{
	if (n < 5 || (p[0] & 15) != 8 || (p[0] << 8 | p[1]) % 31 != 0)
		return false;
	return (p[0] & 7) != 0 || (p[1] ^ p[3]) != 0xFF ||
	       (p[2] ^ p[4]) != 0xFF;
}

int img_source_inflate(struct img_dicom_reader *r, uint64_t at,
		       struct img_err *err)
{
	struct inflater *d = r->inflater;
	uint64_t left = r->size - at;
	int bits = -MAX_WBITS;

	if (!d) {
		d = r->inflater = calloc(1, sizeof(*d));
		if (!d)
			return img_err_set(err, IMG_E_NOMEM, "%s: no memory",
					   r->name);
	}
	if (need(r, at, left < 5 ? (size_t)left : 5, err) < 0)
		return -1;
	if (has_zlib_header(window(r, at), left < 5 ? (size_t)left : 5)) {
		bits = MAX_WBITS;
		r->notes |= IMG_NOTE_WRONG_SYNTAX;
	}
	memset(&d->z, 0, sizeof(d->z));
	if (inflateInit2(&d->z, bits) != Z_OK)
		return img_err_set(err, IMG_E_NOMEM, "%s: no memory", r->name);
	d->live = true;
	d->origin = at;
	d->full = false;
	d->at = 0;
	r->inflating = true;
	r->win = r->buf;
	r->win_at = at;
	r->win_len = 0;
	r->size = NO_END;
	return 0;
}

uint64_t img_source_left_over(const struct img_dicom_reader *r)
{
	const struct inflater *d = r->inflater;

	return r->file_size - (d->origin + d->at - d->z.avail_in);
}

/* ---- the window ---- */

int img_source_fill(struct img_dicom_reader *r, uint64_t at, size_t n,
		    struct img_err *err)
{
	if (r->inflating)
		return fill_inflated(r, at, n, err);
	if (r->mem)
		return 0; /* all there is was in the window */
	return fill_fd(r, at, n, err);
}

static int copy_window(struct img_dicom_reader *r, uint64_t at, uint8_t *p,
		       size_t n, struct img_err *err)
{
	while (n) {
		size_t part = n < BUF_SIZE ? n : BUF_SIZE;
		int rc = need(r, at, part, err);

		if (rc < 0)
			return -1;
		if (rc == 0)
			return img_fail_truncated(r, r->event_tag,
						  at + n - r->size, err);
		memcpy(p, window(r, at), part);
		at += part;
		p += part;
		n -= part;
	}
	return 0;
}

int img_dicom_value(struct img_dicom_reader *r, uint64_t at, void *p, size_t n,
		    struct img_err *err)
{
	ssize_t got;

	if (at > r->value_len || n > r->value_len - at)
		return img_err_set(err, IMG_E_BUG,
				   "%s: read outside of a value", r->name);
	at += r->value_at;
	if (r->inflating || r->mem || n <= BUF_SIZE / 4)
		return copy_window(r, at, p, n, err);
	got = img_pread_full(r->fd, p, n, (off_t)at);
	if (got < 0)
		return img_err_sys(err, "%s", r->name);
	if ((size_t)got < n)
		return img_fail_truncated(r, r->event_tag, n - (size_t)got,
					  err);
	return 0;
}
