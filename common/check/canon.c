/*
 * canon.c - the digest of the canonical data set.
 *
 * Each element gives a digest of its tag and its value: little endian, text
 * as UTF-8, padding gone.  The digests of an item are sorted by tag and make
 * the item's digest, those of its items make a sequence's.  Left out is what
 * belongs to the encoding: file meta, group lengths, SpecificCharacterSet,
 * pixel data with its offset tables, and what says only how a codec laid out
 * its samples.  A private value may have lost its VR on the way through
 * implicit VR, so it counts as bytes.
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "check/inside.h"

#define PARTS_MAX 4200000

void check_canon_start(struct check_canon *k)
{
	k->parts = 0;
	k->open = 0;
	k->start[0] = 0;
	k->off = false;
	k->whole = 0;
}

static int add_part(struct check_canon *k, uint32_t tag, struct img_digest *d,
		    struct img_err *err)
{
	struct img_check_part *more;

	if (k->parts == k->room) {
		size_t room = k->room ? k->room * 2 : 512;

		more = room > PARTS_MAX * 2
			       ? NULL
			       : reallocarray(k->part, room, sizeof(*more));
		if (!more)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		k->part = more;
		k->room = room;
	}
	k->part[k->parts].tag = tag;
	k->part[k->parts].n = (uint32_t)k->parts;
	img_digest_end(d, k->part[k->parts].digest);
	k->parts++;
	return 0;
}

static void add_tag(struct img_digest *d, char kind, uint32_t tag)
{
	const uint8_t bytes[] = { (uint8_t)kind, (uint8_t)tag,
				  (uint8_t)(tag >> 8), (uint8_t)(tag >> 16),
				  (uint8_t)(tag >> 24) };

	img_digest_add(d, bytes, sizeof(bytes));
}

/* ---- values ------------------------------------------------------------- */

static unsigned unit(const char vr[3])
{
	if (strstr("US SS OW AT", vr))
		return 2;
	if (strstr("UL SL FL OF OL", vr))
		return 4;
	return strstr("FD UV SV OD OV", vr) ? 8 : 1;
}

static void swap(uint8_t *p, size_t n, unsigned size)
{
	for (size_t i = 0; i + size <= n; i += size)
		for (unsigned k = 0; k < size / 2; k++) {
			uint8_t t = p[i + k];

			p[i + k] = p[i + size - 1 - k];
			p[i + size - 1 - k] = t;
		}
}

static int add_bytes(struct img_digest *d, struct img_dicom_reader *r,
		     const struct img_dicom_event *ev, size_t n,
		     struct img_err *err)
{
	unsigned size = ev->big ? unit(ev->vr) : 1;
	uint8_t part[8192];

	if (ev->value && size == 1) {
		img_digest_add(d, ev->value, n);
		return 0;
	}
	for (size_t at = 0; at < n; at += sizeof(part)) {
		size_t now = n - at < sizeof(part) ? n - at : sizeof(part);

		if (ev->value)
			memcpy(part, ev->value + at, now);
		else if (img_dicom_value(r, at, part, now, err) < 0)
			return -1;
		swap(part, now, size);
		img_digest_add(d, part, now);
	}
	return 0;
}

static void add_trimmed(struct img_digest *d, const char *p, size_t n)
{
	while (n && *p == ' ') {
		p++;
		n--;
	}
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\0'))
		n--;
	img_digest_add(d, p, n);
}

static void add_values(struct img_digest *d, const char *vr, const char *p,
		       size_t n)
{
	const char *cut;

	if (!strstr("LT ST UT UR", vr))
		while ((cut = memchr(p, '\\', n))) {
			add_trimmed(d, p, (size_t)(cut - p));
			img_digest_add(d, "\\", 1);
			n -= (size_t)(cut + 1 - p);
			p = cut + 1;
		}
	add_trimmed(d, p, n);
}

static bool is_string(const char *vr)
{
	return strstr("AE AS CS DA DS DT IS TM UI UR", vr) != NULL;
}

/* Photometric models that only a codec has. */
static bool add_photometric(struct img_digest *d,
			    const struct img_dicom_event *ev)
{
	char text[17];

	if (ev->tag != 0x00280004 || !check_text(ev, text, sizeof(text)))
		return false;
	if (strcmp(text, "YBR_RCT") == 0 || strcmp(text, "YBR_ICT") == 0 ||
	    strcmp(text, "YBR_FULL_422") == 0)
		snprintf(text, sizeof(text), "RGB");
	img_digest_add(d, text, strlen(text));
	return true;
}

/* As it is after a way through implicit VR: bytes, and whatever padding. */
static int add_private(struct img_check *c, struct img_digest *d,
		       const struct img_dicom_event *ev, struct img_err *err)
{
	struct img_buf *b = &c->canon.text;
	size_t n = ev->length;

	img_buf_reset(b);
	if (n && img_buf_add(b, ev->value, n, err) < 0)
		return -1;
	if (ev->big)
		swap((uint8_t *)b->data, n, unit(ev->vr));
	while (n && (b->data[n - 1] == ' ' || !b->data[n - 1]))
		n--;
	img_digest_add(d, n ? b->data : "", n);
	return 0;
}

static int add_value(struct img_check *c, struct img_digest *d,
		     struct img_dicom_reader *r,
		     const struct img_dicom_event *ev, struct img_err *err)
{
	const struct img_dict *known =
		ev->tag >> 16 & 1 ? NULL : img_dict_tag(ev->tag);
	struct img_err full = IMG_ERR_INIT;
	const char *vr = known && ev->vr[0] == 'U' && ev->vr[1] == 'N'
				 ? known->vr
				 : ev->vr;
	size_t n = ev->length;
	unsigned notes = 0;

	if (!ev->value && n)
		return add_bytes(d, r, ev, n, err);
	if (add_photometric(d, ev))
		return 0;
	if (!known)
		return add_private(c, d, ev, err);
	img_buf_reset(&c->canon.text);
	if (img_vr_is_text(vr) &&
	    img_charset_utf8(&c->charset[ev->depth], vr, ev->value, n,
			     &c->canon.text, &notes, &full) == 0 &&
	    !(notes & IMG_CHARSET_REPLACED)) {
		add_values(d, vr, img_buf_str(&c->canon.text),
			   c->canon.text.len);
		return 0;
	}
	if (img_vr_is_text(vr) || is_string(vr)) {
		add_values(d, vr, n ? (const char *)ev->value : "", n);
		return 0;
	}
	return add_bytes(d, r, ev, n, err);
}

/* ---- items and sequences ------------------------------------------------ */

static int by_tag(const void *a, const void *b)
{
	const struct img_check_part *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return x->n < y->n ? -1 : x->n > y->n;
}

static bool in_order(const struct img_check_part *p, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (p[i - 1].tag > p[i].tag)
			return false;
	return true;
}

static void sum_up(struct check_canon *k, size_t from, bool sort,
		   struct img_digest *d)
{
	struct img_check_part *p = k->part + from;
	size_t n = k->parts - from;

	if (sort && n && !in_order(p, n))
		qsort(p, n, sizeof(*p), by_tag);
	for (size_t i = 0; i < n; i++)
		img_digest_add(d, p[i].digest, sizeof(p[i].digest));
	k->parts = from;
}

static void open_part(struct check_canon *k, uint32_t tag)
{
	if (k->open + 1 < sizeof(k->start) / sizeof(k->start[0]))
		k->open++;
	k->start[k->open] = k->parts;
	k->tag[k->open] = tag;
}

static int close_part(struct check_canon *k, bool item, struct img_err *err)
{
	uint32_t tag = item ? 0 : k->tag[k->open];
	struct img_digest d;

	if (k->open == 0)
		return 0;
	img_digest_init(&d);
	add_tag(&d, item ? 'I' : 'S', tag);
	sum_up(k, k->start[k->open], item, &d);
	k->open--;
	return add_part(k, tag, &d, err);
}

static bool counts(const struct img_dicom_event *ev)
{
	if ((ev->tag & 0xFFFF) == 0 || ev->tag == 0x00080001 ||
	    ev->tag == 0x00080005 || ev->tag == 0xFFFCFFFC)
		return false;
	if (ev->depth)
		return true;
	return ev->tag >> 16 != 0x7FE0 && ev->tag != 0x00280006;
}

static int element(struct img_check *c, struct img_dicom_reader *r,
		   const struct img_dicom_event *ev, struct img_err *err)
{
	struct img_digest d;

	img_digest_init(&d);
	add_tag(&d, 'E', ev->kind == IMG_DICOM_FRAGMENT ? 0 : ev->tag);
	if (add_value(c, &d, r, ev, err) < 0)
		return -1;
	return add_part(&c->canon, ev->kind == IMG_DICOM_FRAGMENT ? 0 : ev->tag,
			&d, err);
}

int check_canon_event(struct img_check *c, struct img_dicom_reader *r,
		      const struct img_dicom_event *ev, struct img_err *err)
{
	struct check_canon *k = &c->canon;

	switch (ev->kind) {
	case IMG_DICOM_PIXELS:
		if (ev->depth == 0) {
			k->off = true;
			return 0;
		}
		open_part(k, ev->tag);
		return 0;
	case IMG_DICOM_SEQUENCE:
	case IMG_DICOM_ITEM:
		open_part(k, ev->tag);
		return 0;
	case IMG_DICOM_END_SEQUENCE:
	case IMG_DICOM_END_ITEM:
		if (k->off) {
			k->off = false;
			return 0;
		}
		return close_part(k, ev->kind == IMG_DICOM_END_ITEM, err);
	case IMG_DICOM_FRAGMENT:
		return k->off ? 0 : element(c, r, ev, err);
	case IMG_DICOM_ELEMENT:
		break;
	}
	return counts(ev) ? element(c, r, ev, err) : 0;
}

int check_canon_end(struct img_check *c, struct img_err *err)
{
	struct check_canon *k = &c->canon;
	struct img_digest d;

	(void)err;
	while (k->open)
		if (close_part(k, true, err) < 0)
			return -1;
	img_digest_init(&d);
	add_tag(&d, 'D', 1); /* the rules' version */
	k->whole = k->parts;
	sum_up(k, 0, true, &d);
	img_digest_end(&d, c->facts.data);
	return 0;
}

size_t img_check_parts(const struct img_check *c,
		       const struct img_check_part **out)
{
	*out = c->canon.part;
	return c->facts.complete ? c->canon.whole : 0;
}
