/* marker.c - attributes that say what was done (PS3.15 E.1.1, CID 7050). */
#include <stdio.h>

#include "anon/rules.h"

#define T_REMOVED      0x00120062u
#define T_METHOD       0x00120063u
#define T_METHOD_CODES 0x00120064u
#define T_BURNED       0x00280301u
#define T_FACES        0x00280302u
#define T_DATES        0x00280303u

static const struct {
	const char *value, *meaning;
} codes[IMG_ANON_OPTIONS] = {
	{ "113100", "Basic Application Confidentiality Profile" },
	{ "113111", "Retain Safe Private Option" },
	{ "113110", "Retain UIDs Option" },
	{ "113109", "Retain Device Identity Option" },
	{ "113112", "Retain Institution Identity Option" },
	{ "113108", "Retain Patient Characteristics Option" },
	{ "113106", "Retain Longitudinal Temporal Information Full Dates "
		    "Option" },
	{ "113107", "Retain Longitudinal Temporal Information Modified Dates "
		    "Option" },
	{ "113105", "Clean Descriptors Option" },
	{ "113104", "Clean Structured Content Option" },
	{ "113103", "Clean Graphics Option" },
	{ "113101", "Clean Pixel Data Option" },
	{ "113102", "Clean Recognizable Visual Features Option" }
};

static bool has(const struct img_anon *a, unsigned o)
{
	return a->p->options >> o & 1;
}

static int put(struct img_anon *a, uint32_t tag, const char *vr, const char *s,
	       struct img_err *err)
{
	return img_dicom_put_text(a->w, tag, vr, s, err);
}

/* A profile of which less was done than it demands is not claimed. */
static bool claims(const struct img_anon *a, unsigned o)
{
	return has(a, o) && !(o == IMG_ANON_BASIC && a->p->weaker);
}

static int put_codes(struct img_anon *a, struct img_err *err)
{
	if (a->p->weaker && a->p->options == 1u << IMG_ANON_BASIC)
		return 0; /* it has no empty form */
	if (anon_put_mark(a, IMG_DICOM_SEQUENCE, T_METHOD_CODES, err) < 0)
		return -1;
	for (unsigned o = 0; o < IMG_ANON_OPTIONS; o++) {
		if (!claims(a, o))
			continue;
		if (anon_put_mark(a, IMG_DICOM_ITEM, T_METHOD_CODES, err) < 0 ||
		    put(a, 0x00080100u, "SH", codes[o].value, err) < 0 ||
		    put(a, 0x00080102u, "SH", "DCM", err) < 0 ||
		    put(a, 0x00080104u, "LO", codes[o].meaning, err) < 0 ||
		    anon_put_mark(a, IMG_DICOM_END_ITEM, T_METHOD_CODES, err) <
			    0)
			return -1;
	}
	return anon_put_mark(a, IMG_DICOM_END_SEQUENCE, T_METHOD_CODES, err);
}

/* PS3.3 C.12.1: what was modified before stays so. */
static const char *dates(const struct img_anon *a)
{
	if (has(a, IMG_ANON_MOD_DATES) || a->p->moves_dates)
		return "MODIFIED";
	if (has(a, IMG_ANON_FULL_DATES) || a->p->keeps_dates)
		return a->was_modified ? "MODIFIED" : "UNMODIFIED";
	return "REMOVED";
}

/* NO where pixels that show who it is, or a name or an identifier, were kept
   on request: PS3.3 C.7.1.1 means the pixel data, too. */
static const char *removed(const struct img_anon *a)
{
	return a->burned_in || a->p->identity ? "NO" : "YES";
}

static int put_method(struct img_anon *a, struct img_err *err)
{
	static const char by[] =
		"imgtools imganon " IMG_VERSION
		"\\DICOM PS3.15 " IMG_ANON_EDITION " Table E.1-1";
	char text[sizeof(by) + 80], sum[17];

	if (!a->p->rules)
		return put(a, T_METHOD, "LO", by, err);
	img_hex(sum, a->p->rules->digest, 8);
	snprintf(text, sizeof(text), "%s\\%s by rules %s", by,
		 a->p->weaker ? "weakened" : "changed", sum);
	return put(a, T_METHOD, "LO", text, err);
}

/* Pixels that no rule knew and that bear no risk are vouched for, too. */
static bool vouches(const struct img_anon *a)
{
	return has(a, IMG_ANON_CLEAN_PIXEL) && a->has_pixels;
}

/* The next marker; 0 when there is none. */
static uint32_t next(const struct img_anon *a)
{
	static const uint32_t tags[] = { T_REMOVED, T_METHOD, T_METHOD_CODES,
					 T_BURNED,  T_FACES,  T_DATES };

	return a->marker < sizeof(tags) / sizeof(tags[0]) ? tags[a->marker] : 0;
}

int anon_put_markers(struct img_anon *a, uint32_t before, struct img_err *err)
{
	uint32_t tag;
	int rc = 0;

	while (rc == 0 && (tag = next(a)) != 0 && tag <= before) {
		a->marker++;
		switch (tag) {
		case T_REMOVED:
			rc = put(a, tag, "CS", removed(a), err);
			break;
		case T_METHOD:
			rc = put_method(a, err);
			break;
		case T_METHOD_CODES:
			rc = put_codes(a, err);
			break;
		case T_BURNED:
			if (vouches(a))
				rc = put(a, tag, "CS", "NO", err);
			break;
		case T_FACES:
			if (has(a, IMG_ANON_CLEAN_FACES))
				rc = put(a, tag, "CS", "NO", err);
			break;
		default:
			rc = put(a, tag, "CS", dates(a), err);
			break;
		}
	}
	return rc;
}

bool anon_is_marker(const struct img_anon *a, uint32_t tag)
{
	return tag == T_REMOVED || tag == T_METHOD || tag == T_METHOD_CODES ||
	       tag == T_DATES || (tag == T_BURNED && vouches(a)) ||
	       (tag == T_FACES && has(a, IMG_ANON_CLEAN_FACES));
}
