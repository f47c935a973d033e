/*
 * walk.c - one event after the other.  An explicit stack of frames stands for
 * what is open; a frame's end bounds everything inside it, so one comparison
 * checks an element's length against all that holds it.
 */
#include "dicom/reader.h"

/* ---- frames ----------------------------------------------------------- */

static struct frame *push(struct img_dicom_reader *r, enum frame_kind kind,
			  const struct head *h, uint64_t begin)
{
	const struct frame *up = r->top;
	struct frame *f = ++r->top;

	f->kind = (uint8_t)kind;
	f->implicit = up->implicit;
	f->big = up->big;
	f->last = 0;
	f->tag = h->tag;
	f->length = h->length;
	f->open_ended = h->length == IMG_UNDEFINED_LEN;
	f->end = f->open_ended ? up->end : begin + h->length;
	if (kind == FRAME_ITEM)
		r->depth++;
	else
		r->sequences++;
	return f;
}

int img_walk_end_event(struct img_dicom_reader *r, struct img_dicom_event *ev,
		       unsigned size)
{
	const struct frame *f = r->top--;
	bool item = f->kind == FRAME_ITEM;

	if (item)
		r->depth--;
	else
		r->sequences--;
	memset(ev, 0, sizeof(*ev));
	ev->kind = item ? IMG_DICOM_END_ITEM : IMG_DICOM_END_SEQUENCE;
	ev->tag = item ? TAG_END_IT : TAG_END_SQ;
	ev->big = r->top->big;
	ev->implicit = r->top->implicit;
	ev->meta = r->stack[0].kind == FRAME_META;
	ev->depth = r->depth;
	ev->length = f->length;
	ev->start = r->pos;
	r->pos += size;
	ev->offset = r->pos;
	return 1;
}

int img_walk_frame_over(struct img_dicom_reader *r, struct img_dicom_event *ev,
			struct img_err *err)
{
	const struct frame *f = r->top;
	uint64_t end = f->end < r->size ? f->end : r->size;

	if (r->pos > r->size) /* the file has shrunk */
		return img_fail_truncated(r, r->event_tag, r->pos - r->size,
					  err);
	if (f->kind == FRAME_TOP)
		return end == r->pos ? img_odd_finish(r, 0, err)
				     : img_odd_tail(r, err);
	if (f->kind == FRAME_META)
		return end == r->pos ? img_start_dataset(r, err)
				     : img_odd_tail(r, err);
	if (!f->open_ended && r->pos == f->end)
		return img_walk_end_event(r, ev, 0);
	if (!f->open_ended && f->end > r->size)
		return img_fail_truncated(r, f->tag, f->end - r->size, err);
	if (f->open_ended && end == r->size)
		return img_fail_truncated(r, f->tag, 8, err);
	return img_fail_malformed(
		r, r->pos, f->open_ended ? "sequence not closed" : "cut header",
		err);
}

/* ---- events ----------------------------------------------------------- */

static inline int count(struct img_dicom_reader *r, uint64_t bytes,
			struct img_err *err)
{
	r->spent += bytes;
	if (unlikely(++r->elements > r->max_elements))
		return img_fail_limit(r, "elements", r->max_elements, err);
	if (unlikely(r->spent > r->max_spent))
		return img_fail_limit(r, "bytes of header", r->max_spent, err);
	return 0;
}

static inline void fill_event(struct img_dicom_reader *r,
			      struct img_dicom_event *ev,
			      enum img_dicom_kind kind, const struct head *h)
{
	ev->kind = kind;
	ev->tag = h->tag;
	ev->vr[0] = h->vr[0];
	ev->vr[1] = h->vr[1];
	ev->vr[2] = '\0';
	ev->big = r->top->big;
	ev->implicit = h->implicit;
	ev->meta = r->stack[0].kind == FRAME_META;
	ev->depth = r->depth;
	ev->length = h->length;
	ev->start = r->pos;
	ev->offset = r->pos + h->size;
	ev->value = NULL;
	r->event_tag = h->tag;
	r->value_at = ev->offset;
	r->value_len = 0;
}

/* Elements ascend (PS3.5 7.1). */
static inline void order(struct img_dicom_reader *r, uint32_t tag)
{
	struct frame *f = r->top;

	if (unlikely(tag <= f->last && f->last))
		r->notes |= IMG_NOTE_ORDER;
	f->last = tag;
}

/*
 * PS3.5 6.2.2: a UN of undefined length holds implicit VR little endian
 * items.  Some writers kept the encoding of the data set: the bytes tell.
 */
static int un_encoding(struct img_dicom_reader *r, uint64_t at, struct frame *f,
		       struct img_err *err)
{
	const uint8_t *p;
	uint32_t tag;
	int rc = need(r, at, 8, err);

	f->implicit = true;
	f->big = false;
	r->notes |= IMG_NOTE_UN_IMPLICIT;
	if (rc <= 0)
		return rc;
	tag = get_tag(window(r, at), true);
	f->big = tag == TAG_ITEM || tag == TAG_END_SQ;
	rc = need(r, at, 16, err);
	if (rc <= 0 || f->end - at < 16)
		return rc < 0 ? -1 : 0;
	p = window(r, at);
	if (get_tag(p, f->big) != TAG_ITEM || !img_vr_class(p + 12))
		return 0;
	tag = get_tag(p + 8, f->big);
	if (get32(p + 12, f->big) > f->end - at ||
	    memcmp(p + 12, img_dict_vr(tag), 2) == 0) {
		f->implicit = false;
		r->notes &= ~(unsigned)IMG_NOTE_UN_IMPLICIT;
	}
	return 0;
}

static int begin_sequence(struct img_dicom_reader *r, const struct head *h,
			  struct img_dicom_event *ev, struct img_err *err)
{
	bool pixels = h->tag == TAG_PIXELS ||
		      (h->vr[0] == 'O' && (h->class & VR_LONG));
	struct frame *f;

	if (r->top->kind == FRAME_TOP && h->tag >> 16 == 2)
		return img_fail_malformed(r, r->pos, "sequence of group 0002",
					  err);
	if (r->sequences >= r->max_depth)
		return img_fail_limit(r, "nested sequences", r->max_depth, err);
	if (count(r, h->size, err) < 0)
		return -1;
	order(r, h->tag);
	fill_event(r, ev, pixels ? IMG_DICOM_PIXELS : IMG_DICOM_SEQUENCE, h);
	if (!pixels && !(h->class & VR_UN))
		memcpy(ev->vr, "SQ", 2); /* whatever the dictionary says */
	f = push(r, pixels ? FRAME_PIXELS : FRAME_SEQ, h, ev->offset);
	r->pos = ev->offset;
	if (pixels) {
		if (h->tag == TAG_PIXELS && r->depth == 0) {
			r->pixels_seen = true;
			r->facts.encapsulated = true;
		}
		return 1;
	}
	if ((h->class & VR_UN) && !h->implicit &&
	    un_encoding(r, ev->offset, f, err) < 0)
		return -1;
	return 1;
}

/* ---- elements --------------------------------------------------------- */

static void native_pixels(struct img_dicom_reader *r)
{
	const struct img_ts *ts = img_ts_find(r->facts.transfer_syntax);

	r->pixels_seen = true;
	if (ts && ts->kind == IMG_TS_ENCAPSULATED)
		r->notes |= IMG_NOTE_NATIVE_PIXELS;
}

static void meta_element(struct img_dicom_reader *r,
			 const struct img_dicom_event *ev)
{
	char *uid = r->facts.transfer_syntax;
	uint32_t n = ev->length;

	if (ev->tag == 0x00020000u && n == 4 && ev->value)
		r->meta_end = r->pos + get32(ev->value, ev->big);
	if (ev->tag != 0x00020010u || !ev->value || uid[0])
		return;
	while (n && (ev->value[n - 1] == '\0' || ev->value[n - 1] == ' '))
		n--;
	if (n >= IMG_UID_MAX)
		n = IMG_UID_MAX - 1;
	memcpy(uid, ev->value, n);
	uid[n] = '\0';
}

static inline int plain_element(struct img_dicom_reader *r,
				const struct head *h,
				struct img_dicom_event *ev, struct img_err *err)
{
	uint64_t small = 0;
	int rc;

	fill_event(r, ev, IMG_DICOM_ELEMENT, h);
	if (h->length <= r->max_value) {
		rc = need(r, ev->offset, h->length, err);
		if (unlikely(rc <= 0))
			return rc < 0 ? -1
				      : img_fail_truncated(r, h->tag,
							   ev->offset +
								   h->length -
								   r->size,
							   err);
		ev->value = window(r, ev->offset);
		small = h->length;
	}
	order(r, h->tag);
	r->value_len = h->length;
	r->pos = ev->offset + h->length;
	if (unlikely(h->length & 1))
		r->notes |= IMG_NOTE_ODD_LENGTH;
	if (unlikely(h->tag >= 0x7FE00008u) && r->depth == 0 &&
	    h->tag <= TAG_PIXELS)
		native_pixels(r);
	if (unlikely(r->top->kind == FRAME_META))
		meta_element(r, ev);
	return count(r, h->size + small, err) < 0 ? -1 : 1;
}

/* Undefined length: PS3.5 7.5, A.4, 6.2.2. */
static int undefined(struct img_dicom_reader *r, const struct head *h,
		     struct img_dicom_event *ev, struct img_err *err)
{
	bool ok = h->implicit || h->tag == TAG_PIXELS ||
		  (h->class & (VR_SQ | VR_UN)) ||
		  (h->vr[0] == 'O' && (h->class & VR_LONG));

	if (r->top->kind == FRAME_META || !ok)
		return img_fail_malformed(r, r->pos,
					  "undefined length not allowed", err);
	return begin_sequence(r, h, ev, err);
}

/* 1 it is to be looked into, and begins like an item; 0 not, -1. */
static int is_asked(struct img_dicom_reader *r, const struct head *h,
		    struct img_err *err)
{
	const struct img_dicom_event ev = { .kind = IMG_DICOM_ELEMENT,
					    .tag = h->tag,
					    .vr = "UN",
					    .implicit = h->implicit,
					    .depth = r->depth,
					    .length = h->length };
	int rc;

	if (r->top->kind == FRAME_META || h->length < 8 ||
	    !r->holds_items(r->holds_arg, &ev))
		return 0;
	rc = need(r, r->pos + h->size, 4, err);
	if (rc <= 0)
		return rc;
	return get_tag(window(r, r->pos + h->size), false) == TAG_ITEM;
}

int img_walk_value(struct img_dicom_reader *r, const struct head *h,
		   struct img_dicom_event *ev, struct img_err *err)
{
	uint64_t room = r->top->end - r->pos;

	if (unlikely(h->length == IMG_UNDEFINED_LEN) &&
	    (h->implicit || h->size == 12))
		return undefined(r, h, ev, err);
	if (unlikely(h->size > room || h->length > room - h->size))
		return img_odd_length(r, h, err);
	if (unlikely(h->class & VR_SQ))
		return begin_sequence(r, h, ev, err);
	if (unlikely((h->class & VR_UN) && r->holds_items)) {
		int rc = is_asked(r, h, err);

		if (rc)
			return rc < 0 ? -1 : begin_sequence(r, h, ev, err);
	}
	return plain_element(r, h, ev, err);
}

/* ---- next ------------------------------------------------------------- */

static int element(struct img_dicom_reader *r, struct img_dicom_event *ev,
		   struct img_err *err)
{
	struct frame *f = r->top;
	const uint8_t *p;
	struct head h;
	const char *vr;
	int rc;

	if (unlikely(f->end - r->pos < 8))
		return img_walk_frame_over(r, ev, err);
	rc = need(r, r->pos, 8, err);
	if (unlikely(rc <= 0))
		return rc < 0 ? -1 : img_walk_frame_over(r, ev, err);
	p = window(r, r->pos);
	h.tag = get_tag(p, f->big);
	if (unlikely(h.tag < 0x00040000u || h.tag >= 0xFFFE0000u ||
		     f->kind == FRAME_META)) {
		rc = img_odd_tag(r, h.tag, ev, err);
		if (rc != ODD_NO)
			return rc;
	}
	h.implicit = f->implicit;
	h.size = 8;
	if (f->implicit) {
		vr = img_dict_vr(h.tag);
		memcpy(h.vr, vr, 2);
		h.class = img_vr_class((const uint8_t *)vr);
		h.length = get32(p + 4, f->big);
		return img_walk_value(r, &h, ev, err);
	}
	h.vr[0] = (char)p[4];
	h.vr[1] = (char)p[5];
	h.class = img_vr_class(p + 4);
	if (unlikely(!h.class))
		return img_odd_vr(r, &h, ev, err);
	if (h.class & VR_LONG) {
		rc = need(r, r->pos, 12, err);
		if (unlikely(rc <= 0))
			return rc < 0 ? -1 : img_walk_frame_over(r, ev, err);
		h.size = 12;
		h.length = get32(window(r, r->pos) + 8, f->big);
	} else {
		h.length = get16(p + 6, f->big);
	}
	return img_walk_value(r, &h, ev, err);
}

/* Inside a sequence or encapsulated pixel data: items only (PS3.5 7.5). */
static int item(struct img_dicom_reader *r, struct img_dicom_event *ev,
		struct img_err *err)
{
	struct frame *f = r->top;
	struct head h = { .vr = "", .implicit = f->implicit, .size = 8 };
	bool pixels = f->kind == FRAME_PIXELS;
	const uint8_t *p;
	int rc;

	if (f->end - r->pos < 8)
		return img_walk_frame_over(r, ev, err);
	rc = need(r, r->pos, 8, err);
	if (rc <= 0)
		return rc < 0 ? -1 : img_walk_frame_over(r, ev, err);
	p = window(r, r->pos);
	h.tag = get_tag(p, f->big);
	h.length = get32(p + 4, f->big);
	if (h.tag == TAG_END_SQ && f->open_ended)
		return img_walk_end_event(r, ev, 8);
	if ((h.tag == TAG_END_SQ || h.tag == TAG_END_IT) && !pixels &&
	    h.length == 0)
		return img_odd_delimiter(r);
	if (h.tag != TAG_ITEM || (pixels && h.length == IMG_UNDEFINED_LEN))
		return img_fail_malformed(r, r->pos, "no item", err);
	if (h.length != IMG_UNDEFINED_LEN && h.length > f->end - r->pos - 8)
		return img_odd_length(r, &h, err);
	if (pixels) {
		if (count(r, 8, err) < 0)
			return -1;
		fill_event(r, ev, IMG_DICOM_FRAGMENT, &h);
		if (h.length <= r->max_value) {
			rc = need(r, ev->offset, h.length, err);
			if (rc <= 0)
				return rc < 0 ? -1 : img_odd_length(r, &h, err);
			ev->value = window(r, ev->offset);
		}
		r->value_len = h.length;
		r->pos = ev->offset + h.length;
		return 1;
	}
	if (count(r, 8, err) < 0)
		return -1;
	fill_event(r, ev, IMG_DICOM_ITEM, &h);
	push(r, FRAME_ITEM, &h, ev->offset);
	r->pos = ev->offset;
	return 1;
}

/* In a deflated stream a value's end is seen only when it is passed. */
static int settle(struct img_dicom_reader *r, struct img_err *err)
{
	int rc = need(r, r->pos, 0, err);

	if (rc == 0)
		return img_fail_truncated(r, r->event_tag, r->pos - r->size,
					  err);
	return rc;
}

int img_dicom_next(struct img_dicom_reader *r, struct img_dicom_event *ev,
		   struct img_err *err)
{
	int rc = AGAIN;

	if (unlikely(r->state != READER_RUNNING)) {
		if (r->state == READER_DONE)
			return 0;
		return img_err_set(err, IMG_E_BUG, "reader is not started");
	}
	if (unlikely(r->inflating) && settle(r, err) < 0)
		rc = -1;
	while (rc == AGAIN) {
		if (r->top->kind >= FRAME_SEQ)
			rc = item(r, ev, err);
		else
			rc = element(r, ev, err);
	}
	if (unlikely(rc <= 0))
		r->state = rc == 0 ? READER_DONE : READER_FAILED;
	return rc;
}
