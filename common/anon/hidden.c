/*
 * hidden.c - what a coded frame can carry besides its pixels: application
 * segments (Exif, XMP, a thumbnail of JFIF), comments, boxes of JP2, bytes
 * behind the end of the image, offset tables
 * of something else.
 *
 * These are set to zero where they are.  Nothing gets shorter, so that lengths
 * and offset tables stay true, and no decoder looks at them.  What a decoder
 * needs stays: the colour transform of Adobe and SPIFF, JFIF's first bytes.
 */
#include "anon/hidden.h"

int view_see(struct view *v, uint64_t at, size_t n, const uint8_t **p,
	     struct img_err *err)
{
	uint64_t size = v->ev->length;

	if (at > size || n > size - at)
		return 0;
	if (v->ev->value) {
		*p = v->ev->value + at;
		return 1;
	}
	if (at < v->at || at + n > v->at + v->n) {
		v->at = at;
		v->n = size - at < VIEW ? size - at : VIEW;
		if (img_dicom_value(v->r, at, v->buf, (size_t)v->n, err) < 0)
			return -1;
	}
	*p = v->buf + (at - v->at);
	return 1;
}

int view_hide(struct view *v, uint64_t at, uint64_t end, struct img_err *err)
{
	const uint8_t *p;

	if (end > v->ev->length)
		end = v->ev->length;
	for (uint64_t i = at; i < end; i++) {
		int rc = view_see(v, i, 1, &p, err);

		if (rc <= 0)
			return rc;
		if (!*p)
			continue;
		if (v->out->n == HIDDEN_MAX) {
			v->out->unclear = true;
			return 0;
		}
		v->out->range[v->out->n++] = (struct hidden_range){ at, end };
		return 0;
	}
	return 0;
}

int view_odd(struct view *v)
{
	v->out->unclear = true;
	return 0;
}

/* ---- JPEG and JPEG-LS (ISO 10918-1 B.1, ISO 14495-1 C.1) -------------- */

/* How many of its first bytes a decoder may need. */
static uint64_t needed(unsigned marker, const uint8_t *p, uint64_t n)
{
	if (marker == 0xE0 && n >= 12 && memcmp(p, "JFIF", 5) == 0)
		return 12; /* the thumbnail's size becomes 0 */
	if (marker == 0xEE && n >= 12 && memcmp(p, "Adobe", 5) == 0)
		return 12;
	if (marker == 0xE8 && n >= 5 && memcmp(p, "mrfx", 4) == 0)
		return 5;
	if (marker == 0xE8 && n >= 30 && memcmp(p, "SPIFF", 6) == 0)
		return 30;
	return 0;
}

int view_next_marker(struct view *v, uint64_t *at, struct img_err *err)
{
	const uint8_t *p;
	int rc;

	for (;;) {
		uint64_t left = v->ev->length - *at;
		size_t n = left < VIEW ? (size_t)left : VIEW;
		const uint8_t *ff;

		if (n < 2)
			return 0;
		rc = view_see(v, *at, n, &p, err);
		if (rc <= 0)
			return rc;
		ff = memchr(p, 0xFF, n - 1);
		if (!ff) {
			*at += n - 1;
			continue;
		}
		*at += (uint64_t)(ff - p);
		if (ff[1] >= 0xC0 && ff[1] != 0xFF &&
		    (ff[1] < 0xD0 || ff[1] > 0xD7))
			return 1;
		*at += 1;
	}
}

static int jpeg_segment(struct view *v, unsigned marker, uint64_t *at,
			struct img_err *err)
{
	const uint8_t *p;
	uint64_t size, keep;
	int rc = view_see(v, *at, 2, &p, err);

	if (rc <= 0)
		return rc;
	size = big16(p);
	if (size < 2)
		return 0;
	if ((marker >= 0xE0 && marker <= 0xEF) || marker == 0xFE) {
		size_t head = size - 2 < 30 ? (size_t)size - 2 : 30;

		rc = view_see(v, *at + 2, head, &p, err);
		if (rc < 0)
			return -1;
		keep = rc ? needed(marker, p, size - 2) : 0;
		if (view_hide(v, *at + 2 + keep, *at + size, err) < 0)
			return -1;
	}
	*at += size;
	return 1;
}

static int look_jpeg(struct view *v, uint64_t at, bool coded,
		     struct img_err *err)
{
	const uint8_t *p;
	int rc = 1;

	while (rc > 0) {
		unsigned marker;

		if (coded && (rc = view_next_marker(v, &at, err)) <= 0)
			return rc;
		rc = view_see(v, at, 2, &p, err);
		if (rc <= 0)
			break;
		marker = p[1];
		if (p[0] != 0xFF)
			break;
		if (marker == 0xFF) { /* fill */
			at++;
			continue;
		}
		at += 2;
		if (marker == 0xD9) {
			v->out->ended = true;
			return view_hide(v, at, v->ev->length, err);
		}
		if (marker == 0xD8 || marker == 0x01 ||
		    (marker >= 0xD0 && marker <= 0xD7))
			continue;
		rc = jpeg_segment(v, marker, &at, err);
		coded |= marker == 0xDA;
	}
	/* A header that goes on in another fragment, or is none. */
	if (rc >= 0 && !coded)
		v->out->unclear = true;
	return rc < 0 ? -1 : 0;
}

/* ---- RLE (PS3.5 annex G) ------------------------------------------------ */

static uint32_t little32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* Where a segment of so many bytes, unpacked, ends; 0: nowhere. */
static int segment_end(struct view *v, uint64_t *at, uint64_t plane,
		       struct img_err *err)
{
	const uint8_t *p;
	int rc;

	for (uint64_t got = 0; got < plane;) {
		rc = view_see(v, *at, 1, &p, err);
		if (rc <= 0)
			return rc;
		*at += *p < 128 ? *p + 2u : *p > 128 ? 2u : 1u;
		got += *p < 128 ? *p + 1u : *p > 128 ? 257u - *p : 0u;
	}
	return *at <= v->ev->length;
}

static int look_rle(struct view *v, const struct pixels *x, struct img_err *err)
{
	uint64_t plane = (uint64_t)x->rows * x->columns;
	uint32_t n, offset[16] = { 0 };
	const uint8_t *p;
	int rc = view_see(v, 0, 64, &p, err);

	if (rc <= 0 || !plane || plane > UINT32_MAX)
		goto unclear;
	if (x->bits == 1)
		plane = (plane * (x->samples ? x->samples : 1) + 7) / 8;
	n = little32(p);
	if (!n || n > 15)
		goto unclear;
	for (uint32_t i = 0; i < n; i++)
		offset[i] = little32(p + 4 + (size_t)4 * i);
	rc = view_hide(v, 4 + (uint64_t)4 * n, 64, err);
	for (uint32_t i = 0; i < n && rc >= 0; i++) {
		uint64_t at = offset[i];
		uint64_t end = i + 1 < n ? offset[i + 1] : v->ev->length;

		if (at < 64 || end < at)
			goto unclear;
		rc = segment_end(v, &at, plane, err);
		if (rc <= 0 || at > end)
			goto unclear;
		rc = view_hide(v, at, end, err);
	}
	v->out->ended = true;
	return rc < 0 ? -1 : 0;
unclear:
	v->out->unclear = rc >= 0;
	return rc < 0 ? -1 : 0;
}

/* Whether it cannot be one: the first frame is at 0, the others behind. */
static int look_table(struct view *v, struct img_err *err)
{
	uint32_t last = 0;
	const uint8_t *p;

	v->out->table = v->ev->length % 4 != 0;
	for (uint64_t at = 0; at < v->ev->length && !v->out->table; at += 4) {
		int rc = view_see(v, at, 4, &p, err);

		if (rc <= 0)
			return rc;
		v->out->table = at ? little32(p) <= last : little32(p) != 0;
		last = little32(p);
	}
	return 0;
}

/* ---- any -------------------------------------------------------------- */

static bool is_jpeg(const char *syntax)
{
	static const char root[] = "1.2.840.10008.1.2.4.";
	size_t n = sizeof(root) - 1;

	/* .50 to .81, JPEG and JPEG-LS; .57 and .70 among them. */
	return strncmp(syntax, root, n) == 0 && strlen(syntax) == n + 2 &&
	       syntax[n] >= '5' && syntax[n] <= '8';
}

/* .90 to .93 and .201 to .203. */
static bool is_j2k(const char *syntax)
{
	static const char root[] = "1.2.840.10008.1.2.4.";

	return strncmp(syntax, root, sizeof(root) - 1) == 0 &&
	       (syntax[sizeof(root) - 1] == '9' ||
		strncmp(syntax + sizeof(root) - 1, "20", 2) == 0);
}

/* Of a frame that began in another fragment. */
static int look_on(struct view *v, struct img_err *err)
{
	uint64_t n = v->ev->length;
	const uint8_t *p;
	int rc;

	/* Nothing else in a codestream of JPEG 2000 is FFD9 (15444-1 A.1). */
	for (uint64_t end = 2; end <= 3 && !v->out->ended; end++) {
		if (end > n)
			break;
		rc = view_see(v, n - end, 2, &p, err);
		if (rc <= 0)
			return rc;
		v->out->ended = p[0] == 0xFF && p[1] == 0xD9;
	}
	return 0;
}

static int look_frame(struct img_anon *a, struct view *v, struct img_err *err)
{
	bool jpeg = is_jpeg(a->facts.syntax), j2k = is_j2k(a->facts.syntax);
	const uint8_t *p;
	int rc;

	if (strcmp(a->facts.syntax, "1.2.840.10008.1.2.5") == 0)
		return look_rle(v, &a->pixels, err);
	rc = view_see(v, 0, 12, &p, err);
	if (rc < 0)
		return -1;
	if (rc && p[0] == 0xFF && p[1] == 0xD8 && p[2] == 0xFF)
		return look_jpeg(v, 0, false, err);
	if (rc && memcmp(p, "\xFF\x4F\xFF\x51", 4) == 0)
		return look_j2k(v, 0, err);
	if (rc && memcmp(p, "\0\0\0\x0CjP  ", 8) == 0)
		return look_jp2(v, err);
	if (a->frame_ended) { /* and this begins none */
		v->out->ended = true;
		return view_hide(v, 0, v->ev->length, err);
	}
	if (a->fragments == 1 && (jpeg || j2k)) /* nor can it go on */
		return v->ev->length ? view_odd(v) : 0;
	if (rc && jpeg)
		return look_jpeg(v, 0, true, err);
	return j2k ? look_on(v, err) : 0;
}

int anon_find_hidden(struct img_anon *a, struct img_dicom_reader *r,
		     const struct img_dicom_event *ev, struct hidden *out,
		     struct img_err *err)
{
	struct view v = { .r = r, .ev = ev, .out = out };
	int rc;

	memset(out, 0, sizeof(*out));
	if (!a->fragments) {
		a->fragments = 1;
		a->frame_ended = false;
		return look_table(&v, err);
	}
	rc = look_frame(a, &v, err);
	if (ev->length)
		a->fragments = 2;
	a->frame_ended = out->ended;
	return rc;
}

/* ---- written ---------------------------------------------------------- */

static void wipe(const struct hidden *h, uint64_t at, uint8_t *p, size_t n)
{
	for (unsigned i = 0; i < h->n; i++) {
		uint64_t from = h->range[i].at, to = h->range[i].end;

		if (to <= at || from >= at + n)
			continue;
		from = from > at ? from - at : 0;
		to = to - at < n ? to - at : n;
		memset(p + from, 0, to - from);
	}
}

int anon_put_wiped(struct img_anon *a, const struct img_dicom_event *ev,
		   const struct hidden *h, struct img_err *err)
{
	uint8_t part[16384];

	if (img_dicom_put(a->w, ev, NULL, err) < 0)
		return -1;
	for (uint64_t at = 0; at < ev->length; at += sizeof(part)) {
		size_t n = ev->length - at < sizeof(part)
				   ? (size_t)(ev->length - at)
				   : sizeof(part);

		if (ev->value)
			memcpy(part, ev->value + at, n);
		else if (img_dicom_value(a->r, at, part, n, err) < 0)
			return -1;
		wipe(h, at, part, n);
		if (img_dicom_put_part(a->w, part, n, err) < 0)
			return -1;
	}
	return 0;
}
