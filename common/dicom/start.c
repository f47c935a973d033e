/* start.c - how an input begins: preamble, file meta information (PS3.10
   7.1), and the encoding of what follows. */
#include <stdio.h>
#include <stdlib.h>

#include "dicom/reader.h"

#define PREAMBLE 128u
#define HEAD     1024u

static const struct img_dicom_limits defaults = {
	.depth = 64,
	.elements = 4000000,
	.header = 1ull << 30,
	.value = 4096,
	.inflated = 4ull << 30,
	.ratio = 200,
};

struct img_dicom_reader *img_dicom_reader_new(struct img_err *err)
{
	struct img_dicom_reader *r = calloc(1, sizeof(*r));

	if (!r)
		img_err_set(err, IMG_E_NOMEM, "no memory for a reader");
	return r;
}

void img_dicom_reader_free(struct img_dicom_reader *r)
{
	if (!r)
		return;
	img_source_free(r);
	free(r->arena);
	free(r);
}

const struct img_dicom_facts *img_dicom_facts(const struct img_dicom_reader *r)
{
	return &r->facts;
}

static void set_limits(struct img_dicom_reader *r,
		       const struct img_dicom_limits *l)
{
	const struct img_dicom_limits *d = &defaults;

	if (!l)
		l = d;
	r->max_depth = l->depth ? l->depth : d->depth;
	if (r->max_depth > DEPTH_CAP)
		r->max_depth = DEPTH_CAP;
	r->max_elements = l->elements ? l->elements : d->elements;
	r->max_spent = l->header ? l->header : d->header;
	r->max_value = l->value ? l->value : d->value;
	if (r->max_value > BUF_SIZE)
		r->max_value = BUF_SIZE;
	r->max_inflated = l->inflated ? l->inflated : d->inflated;
	r->max_ratio = l->ratio ? l->ratio : d->ratio;
	r->holds_items = l->holds_items;
	r->holds_arg = l->arg;
}

static void push_bottom(struct img_dicom_reader *r, enum frame_kind kind,
			enum encoding enc)
{
	struct frame *f = r->top = r->stack;

	f->end = r->size;
	f->last = 0;
	f->length = IMG_UNDEFINED_LEN;
	f->tag = 0;
	f->kind = (uint8_t)kind;
	f->implicit = enc == ENC_IMPLICIT_LE;
	f->big = enc == ENC_EXPLICIT_BE;
	f->open_ended = false;
}

static const char *uid_of(enum encoding enc)
{
	if (enc == ENC_IMPLICIT_LE)
		return "1.2.840.10008.1.2";
	if (enc == ENC_EXPLICIT_BE)
		return "1.2.840.10008.1.2.2";
	return "1.2.840.10008.1.2.1";
}

/* Up to HEAD bytes from at on are in the window; their number, or -1. */
static ssize_t peek(struct img_dicom_reader *r, uint64_t at,
		    struct img_err *err)
{
	uint64_t left = r->size - at;
	size_t n = left < HEAD ? (size_t)left : HEAD;
	int rc = need(r, at, n, err);

	if (rc < 0)
		return -1;
	if (rc)
		return (ssize_t)n;
	return r->size > at ? (ssize_t)(r->size - at) : 0;
}

static enum encoding declared(struct img_dicom_reader *r)
{
	const struct img_ts *ts = img_ts_find(r->facts.transfer_syntax);

	if (!ts) {
		r->notes |= IMG_NOTE_UNKNOWN_SYNTAX;
		return ENC_EXPLICIT_LE;
	}
	r->facts.deflated = ts->deflated;
	if (ts->implicit)
		return ENC_IMPLICIT_LE;
	return ts->big ? ENC_EXPLICIT_BE : ENC_EXPLICIT_LE;
}

/* Cheap test of the first header against what was declared. */
static bool agrees(enum encoding enc, const uint8_t *p, size_t n)
{
	if (n < 8)
		return true;
	if (enc == ENC_IMPLICIT_LE)
		return !img_vr_class(p + 4) && get16(p, false) < 0x100;
	return img_vr_class(p + 4) && get16(p, enc == ENC_EXPLICIT_BE) < 0x100;
}

/* Decides how the data set is encoded: as declared, unless its first bytes
   tell otherwise for certain. */
static enum encoding choose(struct img_dicom_reader *r, const uint8_t *p,
			    size_t n)
{
	uint64_t room = r->size - r->pos;
	enum encoding want, found;

	if (r->facts.transfer_syntax[0] == '\0') {
		r->notes |= IMG_NOTE_NO_META;
		found = img_probe_encoding(p, n, room, false);
		if (found == ENC_NONE && r->pos)
			found = img_probe_encoding(p, n, room, true);
		if (found != ENC_NONE)
			snprintf(r->facts.transfer_syntax, IMG_UID_MAX, "%s",
				 uid_of(found));
		return found;
	}
	want = declared(r);
	if (r->facts.deflated) {
		/* A plain data set begins with bytes that no deflated stream
		   can begin with. */
		if (img_probe_encoding(p, n, room, false) != ENC_EXPLICIT_LE)
			return want;
		r->facts.deflated = false;
		r->notes |= IMG_NOTE_WRONG_SYNTAX;
		return want;
	}
	if (agrees(want, p, n) || img_probe_fits(p, n, room, want))
		return want;
	found = img_probe_encoding(p, n, room, false);
	if (found == ENC_NONE || found == want)
		return want;
	r->notes |= IMG_NOTE_WRONG_SYNTAX;
	return found;
}

int img_start_dataset(struct img_dicom_reader *r, struct img_err *err)
{
	ssize_t n = peek(r, r->pos, err);
	enum encoding enc;

	if (n < 0)
		return -1;
	if (n == 0)
		return img_err_set(err, IMG_E_NOT_DICOM,
				   "%s: no data set after the file meta "
				   "information",
				   r->name);
	enc = choose(r, window(r, r->pos), (size_t)n);
	if (enc == ENC_NONE)
		return img_err_set(err, IMG_E_NOT_DICOM,
				   "%s: no data set at byte %llu", r->name,
				   (unsigned long long)r->pos);
	r->facts.dataset = r->pos;
	r->facts.implicit = enc == ENC_IMPLICIT_LE;
	r->facts.big = enc == ENC_EXPLICIT_BE;
	if (r->facts.deflated && img_source_inflate(r, r->pos, err) < 0)
		return -1;
	push_bottom(r, FRAME_TOP, enc);
	return 0;
}

static bool is_meta(const uint8_t *p, size_t n)
{
	return n >= 8 && get16(p, false) == 2 && p[3] < 2;
}

/* Where the first element is; NO_END if this is not DICOM. */
static uint64_t find_begin(struct img_dicom_reader *r, const uint8_t *p,
			   size_t n)
{
	bool magic = n >= PREAMBLE + 4 && memcmp(p + PREAMBLE, "DICM", 4) == 0;

	if (magic) {
		size_t at = PREAMBLE + 4;

		/* The magic may stand there by chance, inside a value. */
		if (is_meta(p + at, n - at) ||
		    img_probe_encoding(p, n, r->size, false) == ENC_NONE) {
			if (img_probe_is_program(p))
				r->notes |= IMG_NOTE_ACTIVE_PREAMBLE;
			return at;
		}
	}
	r->notes |= IMG_NOTE_NO_PREAMBLE;
	if (n >= 12 && memcmp(p, "DICM", 4) == 0 && is_meta(p + 4, n - 4))
		return 4;
	if (is_meta(p, n) &&
	    img_probe_encoding(p, n, r->size, false) != ENC_NONE)
		return 0;
	return img_probe_encoding(p, n, r->size, false) == ENC_NONE ? NO_END
								    : 0;
}

static int start(struct img_dicom_reader *r, struct img_err *err)
{
	const uint8_t *p;
	ssize_t n;

	img_source_reset(r);
	n = peek(r, 0, err);
	if (n < 0)
		return -1;
	p = window(r, 0);
	if (n == 0)
		return img_err_set(err, IMG_E_NOT_DICOM, "%s: empty", r->name);
	r->pos = find_begin(r, p, (size_t)n);
	if (r->pos == NO_END && n >= 12 &&
	    memcmp(p, "\0\0\0\0\4\0\0\0", 8) == 0)
		return img_err_set(err, IMG_E_NOT_DICOM,
				   "%s: a command set, not a data set",
				   r->name);
	if (r->pos == NO_END)
		return img_err_set(err, IMG_E_NOT_DICOM, "%s: not DICOM",
				   r->name);
	p += r->pos;
	n -= (ssize_t)r->pos;
	if (is_meta(p, (size_t)n)) {
		/* Must be explicit VR little endian; some are not. */
		bool implicit = !img_vr_is_letters(p + 4);

		if (implicit)
			r->notes |= IMG_NOTE_WRONG_SYNTAX;
		push_bottom(r, FRAME_META,
			    implicit ? ENC_IMPLICIT_LE : ENC_EXPLICIT_LE);
		return 0;
	}
	if (n < 8)
		return img_err_set(err, IMG_E_TRUNCATED,
				   "%s: ends at byte %llu, before its first "
				   "element",
				   r->name, (unsigned long long)r->size);
	return img_start_dataset(r, err);
}

static int begin(struct img_dicom_reader *r, const char *name,
		 const struct img_dicom_limits *limits, struct img_err *err)
{
	r->name = name;
	set_limits(r, limits);
	r->elements = r->spent = 0;
	r->depth = r->sequences = 0;
	r->notes = 0;
	r->pixels_seen = false;
	r->value_at = r->value_len = 0;
	r->event_tag = 0;
	r->meta_end = 0;
	r->arena_len = 0;
	memset(&r->facts, 0, sizeof(r->facts));
	r->state = READER_FAILED;
	if (start(r, err) < 0)
		return -1;
	r->state = READER_RUNNING;
	return 0;
}

int img_dicom_start_fd(struct img_dicom_reader *r, int fd, uint64_t size,
		       const char *name, const struct img_dicom_limits *limits,
		       struct img_err *err)
{
	r->mem = NULL;
	r->fd = fd;
	/* Offsets have to fit off_t, and sums of them must not wrap. */
	r->file_size = size < NO_END / 2 ? size : NO_END / 2;
	return begin(r, name, limits, err);
}

int img_dicom_start_mem(struct img_dicom_reader *r, const void *p, size_t n,
			const char *name, const struct img_dicom_limits *limits,
			struct img_err *err)
{
	static const uint8_t nothing;

	r->mem = p ? p : &nothing;
	r->fd = -1;
	r->file_size = n;
	return begin(r, name, limits, err);
}
