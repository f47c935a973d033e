/* gate.c - the third pass: nothing of the old object is in the new one. */
#include <stdio.h>

#include "anon/inside.h"

#define CHUNK   32768u
#define OVERLAP 2048u /* names in characters of four bytes, too */

static bool is_vr(const char *vr, const char *list)
{
	for (; *list; list += 2)
		if (vr[0] == list[0] && vr[1] == list[1])
			return true;
	return false;
}

static bool is_plain_number(const struct img_dicom_event *ev)
{
	for (uint32_t i = 0; i < ev->length; i++)
		if (ev->value[i] && !strchr("0123456789+-.eE\\ ", ev->value[i]))
			return false;
	return true;
}

/* Of a UID that stays, numbers of the device and dates are parts that have to
   be. */
static unsigned what_in_uid(const struct img_anon *a,
			    const struct img_dicom_event *ev)
{
	const char *p = (const char *)ev->value;
	size_t n = p ? anon_trim(&p, ev->length) : 0;

	if (!(a->p->options >> IMG_ANON_UIDS & 1) ||
	    (n && anon_uid_fixed(p, n)))
		return LOOK_UIDS;
	return LOOK_UIDS | LOOK_SUBJECTS;
}

/* What to look for in an element; 0 nothing.  Dates that were moved or kept
   may fall on others, as a child's on its birth. */
static unsigned what_in(const struct img_anon *a,
			const struct img_dicom_event *ev)
{
	unsigned all = LOOK_IDS | LOOK_DATES | LOOK_UIDS;
	struct ruling u;

	if (ev->meta)
		return is_vr(ev->vr, "UI") ? what_in_uid(a, ev) : all;
	if (ev->depth == 0 && anon_is_marker(a, ev->tag))
		return 0;
	anon_rule(a, ev, &u);
	/* In what is technical, "Head" is no name. */
	if (u.action == IMG_ACT_C || (ev->tag >> 16 & 1))
		all |= LOOK_WORDS;
	if (u.row != ANON_NO_ROW && is_vr(u.vr, "DADTTM"))
		return LOOK_UIDS;
	if (ev->tag >= T_FLOATS && ev->tag <= T_PIXELS && ev->depth == 0)
		return 0;
	if (is_vr(ev->vr, "OBOWOFODOLOVUN"))
		all |= LOOK_WIDE;
	if (ev->tag >> 16 & 1)
		return all;
	if (is_vr(ev->vr, "OWOFODOLOV"))
		return all | LOOK_BLOB;
	if (is_vr(ev->vr, "USSSULSLSVUVFLFDAT"))
		return 0;
	if (is_vr(ev->vr, "DSIS") && ev->value && is_plain_number(ev))
		return 0;
	return is_vr(ev->vr, "UI") ? what_in_uid(a, ev) : all;
}

static bool finds_in(const struct img_anon *a, const uint8_t *p, size_t n,
		     unsigned what)
{
	return look_finds(&a->look, p, n, what & ~LOOK_WIDE) ||
	       ((what & LOOK_WIDE) &&
		look_finds_wide(&a->look, p, n, what & ~LOOK_BLOB));
}

static int finds_long(struct img_anon *a, struct img_dicom_reader *r,
		      const struct img_dicom_event *ev, uint64_t from,
		      unsigned what, struct img_err *err)
{
	uint8_t part[CHUNK + OVERLAP];
	size_t kept = 0;

	for (uint64_t at = from; at < ev->length;) {
		size_t n = ev->length - at < CHUNK ? (size_t)(ev->length - at)
						   : CHUNK;

		if (img_dicom_value(r, at, part + kept, n, err) < 0)
			return -1;
		at += n;
		n += kept;
		if (finds_in(a, part, n, what))
			return 1;
		kept = n < OVERLAP ? n : OVERLAP;
		memmove(part, part + n - kept, kept);
	}
	return 0;
}

static int finds(struct img_anon *a, struct img_dicom_reader *r,
		 const struct img_dicom_event *ev, struct img_err *err)
{
	unsigned what = ev->length ? what_in(a, ev) : 0, notes = 0;

	if (!what)
		return 0;
	if (!ev->value)
		return finds_long(a, r, ev, 0, what, err);
	if (finds_in(a, ev->value, ev->length, what))
		return 1;
	if (!img_vr_is_text(ev->vr) || (what & LOOK_BLOB))
		return 0;
	img_buf_reset(&a->text2);
	if (img_charset_utf8(&a->charset, ev->vr, ev->value, ev->length,
			     &a->text2, &notes, err) < 0)
		return -1;
	/* Not if it is plain ASCII or UTF-8. */
	if ((a->text2.len > ev->length ||
	     memcmp(img_buf_str(&a->text2), ev->value, a->text2.len) != 0) &&
	    look_finds(&a->look, (const uint8_t *)img_buf_str(&a->text2),
		       a->text2.len, what))
		return 1;
	return look_finds_spelt(&a->look, img_buf_str(&a->text2), a->text2.len,
				what, err);
}

/* What lies behind the last native frame, or in a coded one.  Of frames that
   we have coded ourselves we know what is in them. */
static int finds_in_pixels(struct img_anon *a, struct img_dicom_reader *r,
			   const struct img_dicom_event *ev,
			   struct img_err *err)
{
	const struct pixels *x = &a->pixels;
	uint64_t from = 0, frame;
	struct hidden h;

	if (ev->kind == IMG_DICOM_FRAGMENT && !a->recoded) {
		if (anon_find_hidden(a, r, ev, &h, err) < 0)
			return -1;
		if (h.n || h.unclear || h.table)
			return 1;
	} else if (ev->kind != IMG_DICOM_FRAGMENT) {
		frame = (uint64_t)x->rows * x->columns *
			(x->samples ? x->samples : 1);
		from = (frame * x->bits / 8) * (x->frames ? x->frames : 1);
	}
	if (from >= ev->length)
		return 0;
	return finds_long(
		a, r, ev, from,
		LOOK_IDS | LOOK_DATES | LOOK_UIDS | LOOK_BLOB | LOOK_WIDE, err);
}

static bool is_pixels(const struct img_dicom_event *ev)
{
	return ev->kind == IMG_DICOM_FRAGMENT ||
	       (ev->tag == T_PIXELS && ev->depth == 0 && !ev->meta);
}

int img_anon_gate(struct img_anon *a, struct img_dicom_reader *r,
		  struct img_err *err)
{
	struct img_dicom_event ev;
	char tag[12];
	int more, found;

	a->creators = 0;
	anon_alike_begin(a);
	while ((more = img_dicom_next(r, &ev, err)) > 0) {
		if (ev.kind == IMG_DICOM_PIXELS)
			a->fragments = 0;
		if (ev.kind == IMG_DICOM_END_ITEM)
			anon_creators_cut(a, ev.depth);
		if (ev.kind != IMG_DICOM_ELEMENT &&
		    ev.kind != IMG_DICOM_FRAGMENT)
			continue;
		if ((ev.tag >> 16 & 1) && (ev.tag & 0xFFFF) >= 0x10 &&
		    (ev.tag & 0xFFFF) <= 0xFF)
			anon_creator_seen(a, &ev);
		if (ev.kind == IMG_DICOM_ELEMENT)
			anon_charset_seen(a, &ev);
		if (anon_alike_take(a, &ev, err) < 0)
			return -1;
		found = is_pixels(&ev) ? finds_in_pixels(a, r, &ev, err)
				       : finds(a, r, &ev, err);
		if (found < 0)
			return -1;
		if (found) {
			img_dict_format_tag(is_pixels(&ev) ? T_PIXELS : ev.tag,
					    tag);
			snprintf(a->reason, sizeof(a->reason),
				 "%s still has an identifying value of the "
				 "input",
				 tag);
			return 0;
		}
	}
	anon_alike_end(a);
	return more < 0 ? -1 : 1;
}
