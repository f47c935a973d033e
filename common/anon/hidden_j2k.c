/* hidden_j2k.c - comments, boxes and bytes behind the end of JPEG 2000. */
#include "anon/hidden.h"

/* ---- codestream (ISO 15444-1 A.4) --------------------------------------- */

/* Segments up to SOT, SOD or EOC; which one. */
static int j2k_header(struct view *v, uint64_t *at, unsigned *marker,
		      struct img_err *err)
{
	const uint8_t *p;
	int rc;

	while ((rc = view_see(v, *at, 2, &p, err)) > 0) {
		uint64_t size;

		*marker = p[1];
		if (p[0] != 0xFF)
			return view_odd(v);
		if (*marker == 0x90 || *marker == 0x93 || *marker == 0xD9)
			return 1;
		rc = view_see(v, *at + 2, 2, &p, err);
		if (rc <= 0)
			return rc;
		size = big16(p);
		if (size < 2)
			return view_odd(v);
		if (*marker == 0x64 && /* COM: Rcom stays */
		    view_hide(v, *at + 6, *at + 2 + size, err) < 0)
			return -1;
		*at += 2 + size;
	}
	return rc;
}

/* In coded data no byte above 8F comes behind FF. */
static int j2k_end(struct view *v, uint64_t at, struct img_err *err)
{
	const uint8_t *p;
	int rc;

	while ((rc = view_next_marker(v, &at, err)) > 0) {
		rc = view_see(v, at, 2, &p, err);
		if (rc <= 0)
			return rc;
		at += 2;
		if (p[1] != 0xD9)
			continue;
		v->out->ended = true;
		return view_hide(v, at, v->ev->length, err);
	}
	return rc;
}

/* A tile part, of which at is the SOT: 1 it is over, 0 so is the fragment. */
static int j2k_tile(struct view *v, uint64_t *at, struct img_err *err)
{
	uint64_t tile = *at, size;
	unsigned marker = 0;
	const uint8_t *p;
	int rc = view_see(v, tile, 12, &p, err);

	if (rc <= 0)
		return rc;
	size = big32(p + 6);
	*at += 12;
	rc = j2k_header(v, at, &marker, err);
	if (rc <= 0)
		return rc;
	if (marker != 0x93 || (size && size < *at - tile))
		return view_odd(v);
	if (!size) /* the last one, up to EOC */
		return j2k_end(v, *at, err);
	*at = tile + size;
	return 1;
}

int look_j2k(struct view *v, uint64_t at, struct img_err *err)
{
	unsigned marker = 0;
	int rc;

	at += 2; /* SOC */
	while ((rc = j2k_header(v, &at, &marker, err)) > 0) {
		if (marker == 0xD9) {
			v->out->ended = true;
			return view_hide(v, at + 2, v->ev->length, err);
		}
		if (marker != 0x90)
			return view_odd(v);
		rc = j2k_tile(v, &at, err);
		if (rc <= 0)
			break;
	}
	/* A header that goes on in another fragment. */
	if (rc == 0 && marker != 0x90)
		return view_odd(v);
	return rc < 0 ? -1 : 0;
}

/* ---- boxes (ISO 15444-1 I.4) -------------------------------------------- */

static bool is_picture_box(const uint8_t *type)
{
	return memcmp(type, "jP  ", 4) == 0 || memcmp(type, "ftyp", 4) == 0 ||
	       memcmp(type, "jp2h", 4) == 0;
}

/* Not allowed in DICOM, and met all the same. */
int look_jp2(struct view *v, struct img_err *err)
{
	bool found = false;
	uint64_t at = 0;
	const uint8_t *p;
	int rc;

	while ((rc = view_see(v, at, 16, &p, err)) > 0) {
		uint64_t size = big32(p), head = 8, left = v->ev->length - at;
		bool coded = memcmp(p + 4, "jp2c", 4) == 0;
		bool picture = coded || is_picture_box(p + 4);

		if (size == 1) {
			size = big32(p + 8) << 32 | big32(p + 12);
			head = 16;
		}
		if (size && size < head)
			return view_odd(v);
		if (!size || size > left) /* the last one, or one cut off */
			size = left;
		found |= coded;
		if (coded && look_j2k(v, at + head, err) < 0)
			return -1;
		if (!picture && view_hide(v, at + head, at + size, err) < 0)
			return -1;
		at += size;
	}
	if (rc == 0 && !found) /* it is in another fragment */
		return view_odd(v);
	/* Less than any box of a picture. */
	return rc < 0 ? -1 : view_hide(v, at, v->ev->length, err);
}
