/*
 * odd.c - the reader where the stream is not as PS3.5 has it, or ends: what is
 * tolerated with a note, what is refused, and in which words.
 */
#include "dicom/reader.h"

/* ---- failures --------------------------------------------------------- */

int img_fail_malformed(const struct img_dicom_reader *r, uint64_t at,
		       const char *what, struct img_err *err)
{
	return img_err_set(err, IMG_E_MALFORMED, "%s: %s at byte %llu%s",
			   r->name, what, (unsigned long long)at,
			   r->inflating ? " (inflated)" : "");
}

int img_fail_truncated(const struct img_dicom_reader *r, uint32_t tag,
		       uint64_t needs, struct img_err *err)
{
	char text[12];

	img_dict_format_tag(tag, text);
	return img_err_set(err, IMG_E_TRUNCATED,
			   "%s: ends at byte %llu%s, element %s needs %llu "
			   "more",
			   r->name, (unsigned long long)r->size,
			   r->inflating ? " (inflated)" : "", text,
			   (unsigned long long)needs);
}

int img_fail_limit(const struct img_dicom_reader *r, const char *what,
		   uint64_t limit, struct img_err *err)
{
	return img_err_set(err, IMG_E_LIMIT,
			   "%s: more than %llu %s at byte "
			   "%llu",
			   r->name, (unsigned long long)limit, what,
			   (unsigned long long)r->pos);
}

/* ---- the end ---------------------------------------------------------- */

int img_odd_finish(struct img_dicom_reader *r, uint64_t trailing,
		   struct img_err *err)
{
	if (r->top->kind != FRAME_TOP || r->top->last == 0)
		return img_err_set(err, IMG_E_NOT_DICOM, "%s: no data set",
				   r->name);
	if (r->inflating && img_source_left_over(r) > 1)
		/* One byte of padding is allowed, PS3.5 A.5. */
		trailing += img_source_left_over(r);
	if (trailing)
		r->notes |= IMG_NOTE_TRAILING;
	r->facts.end = r->pos;
	r->facts.trailing = trailing;
	r->facts.elements = r->elements;
	r->facts.notes = r->notes;
	return 0;
}

/* Whether all from pos to the end is zero: 1 yes, 0 no, -1 error. */
static int zeros_to_end(struct img_dicom_reader *r, uint64_t *n,
			struct img_err *err)
{
	uint64_t at = r->pos;

	for (;;) {
		uint64_t left;
		const uint8_t *p;
		int rc = need(r, at, BUF_SIZE / 2, err);

		if (rc < 0)
			return -1;
		if (at > r->size)
			return 0; /* the file has shrunk */
		p = window(r, at);
		left = rc ? BUF_SIZE / 2 : r->size - at;
		for (uint64_t i = 0; i < left; i++)
			if (p[i])
				return 0;
		at += left;
		if (!rc)
			break;
		if (at - r->pos > r->max_spent)
			return img_fail_limit(r, "zero bytes", r->max_spent,
					      err);
	}
	*n = at - r->pos;
	return 1;
}

/* The data set ends here and the rest is junk. */
static int finish_with_junk(struct img_dicom_reader *r, struct img_err *err)
{
	/* Only a known end tells how much there is. */
	while (r->size == NO_END) {
		uint64_t at = r->win_at + r->win_len;

		if (need(r, at, BUF_SIZE / 2, err) < 0)
			return -1;
	}
	return img_odd_finish(r, r->size - r->pos, err);
}

/*
 * The top level has fewer bytes left than a header, or a tag of zeros.  Zeros
 * to the end are the padding of some medium.  Other bytes may follow pixel
 * data, which is where data sets end; before it they are a cut header.
 */
int img_odd_tail(struct img_dicom_reader *r, struct img_err *err)
{
	uint64_t n = 0;
	int rc = zeros_to_end(r, &n, err);

	if (rc < 0)
		return -1;
	if (rc)
		return img_odd_finish(r, n, err);
	if (r->pixels_seen)
		return finish_with_junk(r, err);
	rc = need(r, r->pos, 8, err);
	if (rc < 0)
		return -1;
	if (rc == 0 || get16(window(r, r->pos), r->top->big) != 0)
		return img_err_set(err, IMG_E_TRUNCATED,
				   "%s: ends at byte %llu, in the header of "
				   "an element",
				   r->name, (unsigned long long)r->size);
	if (r->top->last == 0)
		return img_err_set(err, IMG_E_NOT_DICOM,
				   "%s: a command set, not a data set",
				   r->name);
	return img_fail_malformed(r, r->pos, "command element (group 0000)",
				  err);
}

int img_odd_length(struct img_dicom_reader *r, const struct head *h,
		   struct img_err *err)
{
	uint64_t end = r->pos + h->size + h->length;

	if (r->pixels_seen && r->top->kind == FRAME_TOP &&
	    (h->tag <= r->top->last || !h->class))
		return finish_with_junk(r, err);
	if (end > r->size)
		return img_fail_truncated(r, h->tag, end - r->size, err);
	return img_fail_malformed(r, r->pos,
				  "element longer than what holds it", err);
}

/* ---- odd VRs ---------------------------------------------------------- */

/* Whether an element of this form would be followed by something sensible. */
static bool leads_on(struct img_dicom_reader *r, uint32_t tag, uint32_t length,
		     struct img_err *err)
{
	const struct frame *f = r->top;
	uint64_t room = f->end - r->pos, next = r->pos + 8 + length;
	uint32_t after;

	if (room < 8 || length > room - 8)
		return false;
	if (next == f->end)
		return true;
	if (f->end - next < 8 || length > BUF_SIZE / 2 ||
	    need(r, r->pos, 8 + length + 8, err) <= 0)
		return false;
	after = get_tag(window(r, next), f->big);
	if (after == TAG_END_IT)
		return f->kind == FRAME_ITEM;
	return after > tag &&
	       (after == TAG_PIXELS || (after >> 16) - (tag >> 16) < 0x4000);
}

/*
 * A VR that PS3.5 does not know.  Letters: a VR of the future has a 32-bit
 * length (PS3.5 7.1.2).  Anything else: the element may have been written
 * with implicit VR, or with a short length; the one that leads to a next
 * element is taken.
 */
static int read_odd_vr(struct img_dicom_reader *r, struct head *h,
		       struct img_dicom_event *ev, struct img_err *err)
{
	const uint8_t *p = window(r, r->pos);
	bool big = r->top->big, letters = img_vr_is_letters(p + 4);
	uint32_t as_short = get16(p + 6, big), as_implicit = get32(p + 4, big);
	const char *vr;
	int rc;

	/* Flash that was never written. */
	if (h->tag == 0xFFFFFFFFu && r->pixels_seen &&
	    r->top->kind == FRAME_TOP)
		return finish_with_junk(r, err);
	h->class = 0;
	h->vr[0] = letters ? (char)p[4] : 'U';
	h->vr[1] = letters ? (char)p[5] : 'N';
	if (letters && as_short == 0) {
		rc = need(r, r->pos, 12, err);
		if (rc <= 0)
			return rc < 0 ? -1 : img_walk_frame_over(r, ev, err);
		h->size = 12;
		h->length = get32(window(r, r->pos) + 8, big);
		return img_walk_value(r, h, ev, err);
	}
	if (!letters && (as_implicit == IMG_UNDEFINED_LEN ||
			 leads_on(r, h->tag, as_implicit, err))) {
		vr = img_dict_vr(h->tag);
		memcpy(h->vr, vr, 2);
		h->class = img_vr_class((const uint8_t *)vr);
		h->implicit = true;
		h->length = as_implicit;
		return img_walk_value(r, h, ev, err);
	}
	if (leads_on(r, h->tag, as_short, err)) {
		h->length = as_short;
		return img_walk_value(r, h, ev, err);
	}
	if (r->pixels_seen && r->top->kind == FRAME_TOP)
		return finish_with_junk(r, err);
	return img_fail_malformed(r, r->pos, "no VR and no length", err);
}

int img_odd_vr(struct img_dicom_reader *r, struct head *h,
	       struct img_dicom_event *ev, struct img_err *err)
{
	int rc = read_odd_vr(r, h, ev, err);

	if (rc == 1)
		r->notes |= IMG_NOTE_BAD_VR;
	return rc;
}

/* ---- delimiters and odd groups ---------------------------------------- */

int img_odd_delimiter(struct img_dicom_reader *r)
{
	r->notes |= IMG_NOTE_STRAY_DELIMITER;
	r->pos += 8;
	return AGAIN;
}

/* A tag of group FFFE where an element should be. */
static int delimiter(struct img_dicom_reader *r, uint32_t tag,
		     struct img_dicom_event *ev, struct img_err *err)
{
	const struct frame *f = r->top;
	bool open_item = f->kind == FRAME_ITEM && f->open_ended;
	uint32_t length = get32(window(r, r->pos) + 4, f->big);

	if (length != 0 && tag != TAG_ITEM)
		return img_fail_malformed(r, r->pos, "delimiter with a length",
					  err);
	if (tag == TAG_END_IT)
		return open_item ? img_walk_end_event(r, ev, 8)
				 : img_odd_delimiter(r);
	if (open_item && (tag == TAG_ITEM || f[-1].open_ended)) {
		/* The item's own delimiter was left out. */
		r->notes |= IMG_NOTE_STRAY_DELIMITER;
		return img_walk_end_event(r, ev, 0);
	}
	if (tag == TAG_END_SQ || length == 0)
		return img_odd_delimiter(r); /* holds nothing to misread */
	if (r->pixels_seen && f->kind == FRAME_TOP)
		return finish_with_junk(r, err);
	return img_fail_malformed(r, r->pos, "item outside of a sequence", err);
}

static bool meta_goes_on(const struct img_dicom_reader *r, uint32_t tag)
{
	const struct img_ts *ts;

	if (tag >> 16 != 2)
		return false;
	if (r->pos != r->meta_end)
		return true;
	/* By its length the group is over.  More of it, in order, means that
	   the length is wrong, if these are not deflated bytes, or big endian ones. */
	ts = img_ts_find(r->facts.transfer_syntax);
	return tag > r->top->last && !(ts && (ts->deflated || ts->big));
}

int img_odd_tag(struct img_dicom_reader *r, uint32_t tag,
		struct img_dicom_event *ev, struct img_err *err)
{
	uint32_t group = tag >> 16;

	if (r->top->kind == FRAME_META) {
		if (meta_goes_on(r, tag))
			return ODD_NO;
		if (r->pos != r->meta_end)
			r->notes |= IMG_NOTE_META_LENGTH;
		return img_start_dataset(r, err) < 0 ? -1 : AGAIN;
	}
	if (tag == TAG_ITEM || tag == TAG_END_IT || tag == TAG_END_SQ)
		return delimiter(r, tag, ev, err);
	if (group == 0xFFFE) {
		if (r->pixels_seen && r->top->kind == FRAME_TOP)
			return finish_with_junk(r, err);
		return img_fail_malformed(r, r->pos, "no tag (group FFFE)",
					  err);
	}
	if (group == 0) {
		if (r->top->kind == FRAME_TOP)
			return img_odd_tail(r, err);
		return img_fail_malformed(r, r->pos,
					  "command element (group 0000)", err);
	}
	if (group == 2)
		r->notes |= IMG_NOTE_META_IN_DATA;
	return ODD_NO;
}
