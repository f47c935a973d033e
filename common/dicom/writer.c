/* writer.c - events in, a DICOM stream out (PS3.5 7, PS3.10 7). */
#include <stdlib.h>

#include "dicom/writer.h"

#define IMPLEMENTATION "2.25.20697644332570380957276503455034688131"
#define VERSION_NAME   "IMGTOOLS_" IMG_VERSION

struct img_dicom_writer *img_dicom_writer_new(const struct img_dicom_sink *s,
					      struct img_err *err)
{
	struct img_dicom_writer *w = malloc(sizeof(*w));

	if (!w) {
		img_err_set(err, IMG_E_NOMEM, "no memory for a writer");
		return NULL;
	}
	/* Not the buffers: there is a writer for each object. */
	memset(w, 0, offsetof(struct img_dicom_writer, stack));
	memset(&w->stack[0], 0, sizeof(w->stack[0]));
	w->sink = *s;
	w->stack[0].end = NO_END;
	return w;
}

void img_dicom_writer_free(struct img_dicom_writer *w)
{
	if (!w)
		return;
	if (w->deflating)
		deflateEnd(&w->z);
	free(w);
}

/* ---- headers ---------------------------------------------------------- */

static void put16(uint8_t *p, uint32_t v, bool big)
{
	p[big ? 1 : 0] = (uint8_t)v;
	p[big ? 0 : 1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v, bool big)
{
	put16(p + (big ? 2 : 0), v & 0xFFFF, big);
	put16(p + (big ? 0 : 2), v >> 16, big);
}

static void put_tag(uint8_t *p, uint32_t tag, bool big)
{
	put16(p, tag >> 16, big);
	put16(p + 2, tag & 0xFFFF, big);
}

static int emit_header(struct img_dicom_writer *w, const uint8_t *p, size_t n,
		       struct img_err *err)
{
	w->count += n;
	return img_out_put(w, p, n, err);
}

static int element_header(struct img_dicom_writer *w, uint32_t tag,
			  const char *vr, uint32_t length, struct img_err *err)
{
	const struct level *l = &w->stack[w->top];
	const uint8_t *v = (const uint8_t *)vr;
	unsigned class = img_vr_class(v);
	uint8_t h[12] = { 0 };

	put_tag(h, tag, l->big);
	if (l->implicit) {
		put32(h + 4, length, l->big);
		return emit_header(w, h, 8, err);
	}
	/* What is no VR, or too long for it, becomes UN (PS3.5 6.2.2). */
	if (!img_vr_is_letters(v) ||
	    (class && !(class & VR_LONG) && length > 0xFFFF))
		vr = "UN";
	memcpy(h + 4, vr, 2);
	class = img_vr_class(h + 4);
	if (class && !(class & VR_LONG)) {
		put16(h + 6, length, l->big);
		return emit_header(w, h, 8, err);
	}
	put32(h + 8, length, l->big);
	return emit_header(w, h, 12, err);
}

static int item_header(struct img_dicom_writer *w, uint32_t tag,
		       uint32_t length, struct img_err *err)
{
	bool big = w->stack[w->top].big;
	uint8_t h[8];

	put_tag(h, tag, big);
	put32(h + 4, length, big);
	return emit_header(w, h, 8, err);
}

/* ---- values ----------------------------------------------------------- */

static unsigned unit_of(const char *vr)
{
	unsigned class = img_vr_class((const uint8_t *)vr);

	if ((class & VR_8) == VR_8)
		return 8;
	return class & VR_4 ? 4 : class & VR_2 ? 2 : 0;
}

static uint8_t pad_of(const char *vr)
{
	return img_vr_class((const uint8_t *)vr) & VR_CHAR ? ' ' : 0;
}

static int settle(struct img_dicom_writer *w, struct img_err *err)
{
	bool due = w->pad_due;

	if (w->failed)
		return img_out_fail(w, "used after it failed", err);
	if (w->announced && w->in_parts)
		return img_out_fail(w, "an announced value did not come", err);
	w->announced = 0;
	w->pad_due = false;
	return due ? img_out_put(w, &w->pad, 1, err) : 0;
}

/* The value of the header just written; NULL p announces it. */
static int put_value(struct img_dicom_writer *w,
		     const struct img_dicom_event *ev, const void *p,
		     struct img_err *err)
{
	uint32_t n = ev->length;
	bool turn = ev->kind == IMG_DICOM_ELEMENT &&
		    ev->big != w->stack[w->top].big;
	unsigned unit = turn ? unit_of(ev->vr) : 0;

	w->count += (uint64_t)n + (n & 1);
	w->pad_due = n & 1;
	w->pad = pad_of(ev->vr);
	if (!p && n) {
		w->announced = n;
		w->swap = unit;
		w->in_parts = unit || w->deflating;
		return w->deflating ? 0 : img_out_flush(w, err);
	}
	if (unit ? img_out_swapped(w, p, n, unit, err)
		 : img_out_put(w, p, n, err))
		return -1;
	return settle(w, err);
}

int img_dicom_put_part(struct img_dicom_writer *w, const void *p, size_t n,
		       struct img_err *err)
{
	if (w->failed || n > w->announced)
		return img_out_fail(w, "more bytes than were announced", err);
	if (w->swap && n != w->announced && n % w->swap)
		return img_out_fail(w, "a part cuts a number", err);
	w->announced -= n;
	w->in_parts = true;
	if (w->swap)
		return img_out_swapped(w, p, n, w->swap, err);
	return img_out_put(w, p, n, err);
}

/* ---- events ----------------------------------------------------------- */

/* Opens a level whose bytes begin here.  A given length holds only where the
   encoding stays what it was. */
static int open_level(struct img_dicom_writer *w,
		      const struct img_dicom_event *ev, bool implicit, bool big,
		      uint32_t length, struct img_err *err)
{
	struct level *l;

	if (w->top + 1 >= WRITER_DEPTH)
		return img_out_fail(w, "nested too deep", err);
	l = &w->stack[++w->top];
	l->kind = ev->kind;
	l->implicit = implicit;
	l->big = big;
	l->end = length == IMG_UNDEFINED_LEN ? NO_END : w->count + length;
	return 0;
}

static int put_sequence(struct img_dicom_writer *w,
			const struct img_dicom_event *ev, struct img_err *err)
{
	const struct level *l = &w->stack[w->top];
	bool un = ev->kind == IMG_DICOM_SEQUENCE && !l->implicit &&
		  memcmp(ev->vr, "UN", 2) == 0;
	bool same = ev->implicit == l->implicit && !un;
	uint32_t length = same ? ev->length : IMG_UNDEFINED_LEN;
	const char *vr = ev->kind == IMG_DICOM_SEQUENCE && !un ? "SQ" : ev->vr;

	if (l->kind == IMG_DICOM_SEQUENCE && w->top)
		return img_out_fail(w, "a sequence where an item should be",
				    err);
	if (element_header(w, ev->tag, vr, length, err) < 0)
		return -1;
	return open_level(w, ev, l->implicit || un, l->big && !un, length, err);
}

static int put_item(struct img_dicom_writer *w,
		    const struct img_dicom_event *ev, struct img_err *err)
{
	const struct level *l = &w->stack[w->top];
	uint32_t length =
		ev->implicit == l->implicit ? ev->length : IMG_UNDEFINED_LEN;

	if (w->top == 0 || l->kind != IMG_DICOM_SEQUENCE)
		return img_out_fail(w, "an item outside of a sequence", err);
	if (item_header(w, TAG_ITEM, length, err) < 0)
		return -1;
	return open_level(w, ev, l->implicit, l->big, length, err);
}

static int put_end(struct img_dicom_writer *w, const struct img_dicom_event *ev,
		   struct img_err *err)
{
	const struct level *l = &w->stack[w->top];
	bool item = ev->kind == IMG_DICOM_END_ITEM;

	if (w->top == 0 || item != (l->kind == IMG_DICOM_ITEM))
		return img_out_fail(w, "an end of what is not open", err);
	if (l->end != NO_END && l->end != w->count)
		return img_out_fail(w, "content differs from the length given",
				    err);
	if (l->end == NO_END &&
	    item_header(w, item ? TAG_END_IT : TAG_END_SQ, 0, err) < 0)
		return -1;
	w->top--;
	return 0;
}

static int put_element(struct img_dicom_writer *w,
		       const struct img_dicom_event *ev, const void *p,
		       struct img_err *err)
{
	bool fragment = ev->kind == IMG_DICOM_FRAGMENT;
	uint32_t even = ev->length + (ev->length & 1);
	enum img_dicom_kind around = w->stack[w->top].kind;

	if (ev->length == IMG_UNDEFINED_LEN)
		return img_out_fail(w, "a value that is too long", err);
	if (fragment != (w->top && around == IMG_DICOM_PIXELS) ||
	    (w->top && around == IMG_DICOM_SEQUENCE))
		return img_out_fail(w, "a value in the wrong place", err);
	if (fragment ? item_header(w, TAG_ITEM, even, err)
		     : element_header(w, ev->tag, ev->vr, even, err))
		return -1;
	return put_value(w, ev, p, err);
}

int img_dicom_put(struct img_dicom_writer *w, const struct img_dicom_event *ev,
		  const void *p, struct img_err *err)
{
	if (settle(w, err) < 0)
		return -1;
	if (!w->started)
		return img_out_fail(w, "no encoding was set", err);
	/* img_dicom_put_meta makes it anew; a data set has none. */
	if (ev->meta || (w->top == 0 && ev->tag >> 16 == 2 && !w->in_meta))
		return 0;
	switch (ev->kind) {
	case IMG_DICOM_SEQUENCE:
	case IMG_DICOM_PIXELS:
		return put_sequence(w, ev, err);
	case IMG_DICOM_ITEM:
		return put_item(w, ev, err);
	case IMG_DICOM_END_ITEM:
	case IMG_DICOM_END_SEQUENCE:
		return put_end(w, ev, err);
	case IMG_DICOM_ELEMENT:
	case IMG_DICOM_FRAGMENT:
		return put_element(w, ev, p, err);
	}
	return img_out_fail(w, "no such event", err);
}

int img_dicom_put_text(struct img_dicom_writer *w, uint32_t tag,
		       const char vr[3], const char *text, struct img_err *err)
{
	struct img_dicom_event ev = { .kind = IMG_DICOM_ELEMENT, .tag = tag };
	size_t n = strlen(text);

	if (n >= 0xFFFFFFFEu)
		return img_out_fail(w, "a text that is too long", err);
	memcpy(ev.vr, vr, 2);
	ev.length = (uint32_t)n;
	return img_dicom_put(w, &ev, text, err);
}

int img_dicom_put_u16(struct img_dicom_writer *w, uint32_t tag, uint16_t v,
		      struct img_err *err)
{
	struct img_dicom_event ev = {
		.kind = IMG_DICOM_ELEMENT, .tag = tag, .vr = "US", .length = 2
	};
	uint8_t p[2];

	put16(p, v, false);
	return img_dicom_put(w, &ev, p, err);
}

/* ---- beginning and end ------------------------------------------------ */

int img_dicom_put_encoding(struct img_dicom_writer *w, const char *ts,
			   struct img_err *err)
{
	const struct img_ts *t = img_ts_find(ts);
	struct level *l = &w->stack[0];

	if (w->started || w->top)
		return img_out_fail(w, "the encoding was set before", err);
	w->started = true;
	w->count = 0;
	l->implicit = t && t->implicit;
	l->big = t && t->big;
	if (!t || !t->deflated)
		return 0;
	if (img_out_flush(w, err) < 0)
		return -1;
	if (deflateInit2(&w->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS,
			 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		w->failed = true;
		return img_err_set(err, IMG_E_NOMEM, "no memory to deflate");
	}
	w->deflating = true;
	return 0;
}

/* Length of a text element with a short header. */
static uint32_t text_size(const char *text)
{
	size_t n = strlen(text);

	return (uint32_t)(8 + n + (n & 1));
}

int img_dicom_put_meta(struct img_dicom_writer *w, const char *sop_class,
		       const char *sop_instance, const char *ts,
		       struct img_err *err)
{
	static const uint8_t head[132] = { [128] = 'D', 'I', 'C', 'M' };
	struct img_dicom_event group = { .kind = IMG_DICOM_ELEMENT,
					 .tag = 0x00020000u,
					 .vr = "UL",
					 .length = 4 };
	struct img_dicom_event version = { .kind = IMG_DICOM_ELEMENT,
					   .tag = 0x00020001u,
					   .vr = "OB",
					   .length = 2 };
	uint8_t size[4];

	if (w->started)
		return img_out_fail(w, "the file meta comes first", err);
	if (strlen(sop_class) >= IMG_UID_MAX ||
	    strlen(sop_instance) >= IMG_UID_MAX || strlen(ts) >= IMG_UID_MAX)
		return img_err_set(err, IMG_E_MALFORMED,
				   "UID longer than 64 characters");
	put32(size,
	      14 + text_size(sop_class) + text_size(sop_instance) +
		      text_size(ts) + text_size(IMPLEMENTATION) +
		      text_size(VERSION_NAME),
	      false);
	w->started = w->in_meta = true;
	if (img_out_put(w, head, sizeof(head), err) < 0 ||
	    img_dicom_put(w, &group, size, err) < 0 ||
	    img_dicom_put(w, &version, "\0\1", err) < 0 ||
	    img_dicom_put_text(w, 0x00020002u, "UI", sop_class, err) < 0 ||
	    img_dicom_put_text(w, 0x00020003u, "UI", sop_instance, err) < 0 ||
	    img_dicom_put_text(w, 0x00020010u, "UI", ts, err) < 0 ||
	    img_dicom_put_text(w, 0x00020012u, "UI", IMPLEMENTATION, err) < 0 ||
	    img_dicom_put_text(w, 0x00020013u, "SH", VERSION_NAME, err) < 0)
		return -1;
	w->started = w->in_meta = false;
	return img_dicom_put_encoding(w, ts, err);
}

int img_dicom_finish(struct img_dicom_writer *w, struct img_err *err)
{
	static const uint8_t zero;

	if (settle(w, err) < 0)
		return -1;
	if (w->top)
		return img_out_fail(w, "a sequence or item was left open", err);
	if (img_out_flush(w, err) < 0)
		return -1;
	/* Behind a file meta alone the data set comes from elsewhere. */
	if (!w->deflating || !w->z.total_in)
		return 0;
	if (img_out_pack(w, NULL, 0, Z_FINISH, err) < 0)
		return -1;
	/* Padded to even length, PS3.5 A.5. */
	return w->z.total_out & 1 ? img_out_sink(w, &zero, 1, err) : 0;
}
