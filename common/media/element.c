/* element.c - elements as explicit VR little endian (PS3.5 7.1.2). */
#include <stdio.h>
#include <string.h>

#include "media/plan.h"

static int put_header(struct img_buf *out, uint32_t tag, const char *vr,
		      uint32_t n, struct img_err *err)
{
	uint8_t h[12] = { (uint8_t)(tag >> 16), (uint8_t)(tag >> 24),
			  (uint8_t)tag,         (uint8_t)(tag >> 8),
			  (uint8_t)vr[0],       (uint8_t)vr[1] };
	size_t size = img_vr_is_long(vr) ? 12 : 8;

	h[size - (size == 12 ? 4 : 2)] = (uint8_t)n;
	h[size - (size == 12 ? 3 : 1)] = (uint8_t)(n >> 8);
	if (size == 12) {
		h[10] = (uint8_t)(n >> 16);
		h[11] = (uint8_t)(n >> 24);
	}
	return img_buf_add(out, h, size, err);
}

static int put_item(struct img_buf *out, unsigned element, uint32_t n,
		    struct img_err *err)
{
	uint8_t h[8] = { 0xFE,
			 0xFF,
			 (uint8_t)element,
			 (uint8_t)(element >> 8),
			 (uint8_t)n,
			 (uint8_t)(n >> 8),
			 (uint8_t)(n >> 16),
			 (uint8_t)(n >> 24) };

	return img_buf_add(out, h, sizeof h, err);
}

/* PS3.5 6.2: text is padded with a blank, all else with zero. */
static char pad_of(const char *vr)
{
	static const char blank[] = "CS DA DS DT IS AE AS TM";

	return strstr(blank, vr) || img_vr_is_text(vr) ? ' ' : '\0';
}

int media_put_element(struct img_buf *out, uint32_t tag, const char *vr,
		      const void *p, size_t n, struct img_err *err)
{
	if (strcmp(vr, "SQ") == 0)
		return put_header(out, tag, vr, IMG_UNDEFINED_LEN, err) < 0 ||
				       img_buf_add(out, p, n, err) < 0
			       ? -1
			       : put_item(out, 0xE0DD, 0, err);
	if (n > UINT16_MAX - 1)
		return img_err_set(err, IMG_E_LIMIT, "value too long");
	if (put_header(out, tag, vr, (uint32_t)(n + n % 2), err) < 0 ||
	    img_buf_add(out, p, n, err) < 0)
		return -1;
	return n % 2 ? img_buf_putc(out, pad_of(vr), err) : 0;
}

static unsigned unit_of(const char *vr)
{
	static const char two[] = "US SS OW", four[] = "UL SL FL OF OL",
			  eight[] = "FD SV UV OD OV";

	if (strcmp(vr, "AT") == 0 || strstr(two, vr))
		return 2;
	return strstr(four, vr) ? 4 : strstr(eight, vr) ? 8 : 1;
}

/* A value in little endian. */
static int put_value(struct img_buf *out, const struct img_dicom_event *ev,
		     struct img_err *err)
{
	unsigned unit = ev->big ? unit_of(ev->vr) : 1;
	uint8_t t[8];

	if (put_header(out, ev->tag, ev->vr, ev->length + ev->length % 2, err) <
	    0)
		return -1;
	if (unit == 1 || ev->length % unit) {
		if (img_buf_add(out, ev->value, ev->length, err) < 0)
			return -1;
	} else {
		for (uint32_t i = 0; i < ev->length; i += unit) {
			for (unsigned k = 0; k < unit; k++)
				t[k] = ev->value[i + unit - 1 - k];
			if (img_buf_add(out, t, unit, err) < 0)
				return -1;
		}
	}
	return ev->length % 2 ? img_buf_putc(out, pad_of(ev->vr), err) : 0;
}

static bool is_wide(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] >= 0x7F || p[i] == 0x1B)
			return true;
	return false;
}

/* 1 done, 0 it does not fit into a short VR any more. */
static int put_utf8(struct img_buf *out, const struct img_dicom_event *ev,
		    const struct img_charset *cs, struct img_err *err)
{
	struct img_buf text;
	unsigned notes = 0;
	int rc;

	img_buf_init(&text, 8 * FACT_BYTES);
	rc = img_charset_utf8(cs, ev->vr, ev->value, ev->length, &text, &notes,
			      err);
	if (rc == 0 && (notes & IMG_CHARSET_REPLACED || text.len > 65000))
		rc = 1;
	if (rc == 0)
		rc = media_put_element(out, ev->tag, ev->vr, text.data,
				       text.len, err);
	img_buf_release(&text);
	return rc < 0 ? -1 : rc == 0;
}

/* Whether a value keeps the rules of its VR; 1 yes, 0 no. */
static int is_valid(const struct img_dicom_event *ev,
		    const struct img_charset *cs, struct img_err *err)
{
	static const char checked[] = "UI CS SH LO PN DA TM DT IS DS ST";
	const struct img_dict *d = img_dict_tag(ev->tag);
	struct img_buf text, out;
	unsigned notes = 0;
	int rc;

	if (!d || !strstr(checked, ev->vr))
		return 1;
	img_buf_init(&text, 8 * FACT_BYTES);
	img_buf_init(&out, 8 * FACT_BYTES);
	rc = img_charset_utf8(cs, ev->vr, ev->value, ev->length, &text, &notes,
			      err);
	if (rc == 0)
		rc = !(notes & IMG_CHARSET_REPLACED) &&
		     media_value_check(ev->vr, d->vm_min, d->vm_max,
				       img_buf_str(&text), text.len, &out,
				       err) != VALUE_BAD;
	img_buf_release(&text);
	img_buf_release(&out);
	return rc;
}

/* Text is padded to an even length and no further (PS3.5 6.2): DCMTK takes the
   rest off, and the record would not be the one that was planned. */
static void trim(struct img_dicom_event *ev)
{
	static const char chars[] = "AE AS CS DA DS DT IS TM UI";

	if (!ev->value || (!strstr(chars, ev->vr) && !img_vr_is_text(ev->vr)))
		return;
	while (ev->length && (ev->value[ev->length - 1] == '\0' ||
			      ev->value[ev->length - 1] == ' '))
		ev->length--;
}

static int put_leaf(struct img_buf *out, const struct img_dicom_event *given,
		    const struct img_charset *cs, bool *wide,
		    struct img_err *err)
{
	struct img_dicom_event trimmed = *given, *ev = &trimmed;
	int rc;

	if (cs)
		trim(ev);

	if (ev->length && !ev->value)
		return 0;
	if (!img_vr_is_long(ev->vr) && ev->length > UINT16_MAX - 1)
		return 0;
	rc = cs && ev->length ? is_valid(ev, cs, err) : 1;
	if (rc <= 0)
		return rc;
	if (cs && img_vr_is_text(ev->vr) && is_wide(ev->value, ev->length)) {
		*wide = true;
		return put_utf8(out, ev, cs, err);
	}
	return put_value(out, ev, err) < 0 ? -1 : 1;
}

int media_put_event(struct img_buf *out, const struct img_dicom_event *ev,
		    const struct img_charset *cs, bool *wide,
		    struct img_err *err)
{
	int rc;

	switch (ev->kind) {
	case IMG_DICOM_ELEMENT:
		return put_leaf(out, ev, cs, wide, err);
	case IMG_DICOM_SEQUENCE:
		rc = put_header(out, ev->tag, "SQ", IMG_UNDEFINED_LEN, err);
		break;
	case IMG_DICOM_ITEM:
		rc = put_item(out, 0xE000, IMG_UNDEFINED_LEN, err);
		break;
	case IMG_DICOM_END_ITEM:
		rc = put_item(out, 0xE00D, 0, err);
		break;
	case IMG_DICOM_END_SEQUENCE:
		rc = put_item(out, 0xE0DD, 0, err);
		break;
	default: /* encapsulated data has no place in a record */
		return 0;
	}
	return rc < 0 ? -1 : 1;
}
