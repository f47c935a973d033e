/*
 * writer.c - fuzz target of the writer of DICOM streams: the input is a list
 * of events, not a stream.
 *
 * Whatever is put: no crash.  What is put in order is written in every
 * transfer syntax, and our reader finds the same events with the same values;
 * what is put in no order is refused, or ends in a stream that can be read.
 */
#include "dicom/dicom.h"
#include "fuzz.h"

#define EVENTS  300
#define OUT_MAX (8u << 20)

static const char *const syntaxes[] = {
	"1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99",
	"1.2.840.10008.1.2", "1.2.840.10008.1.2.4.50"
};
#define SYNTAXES 5
#define IMPLICIT 3
#define CODED    4

static const char vrs[][3] = { "AE", "AS", "AT", "CS", "DA", "DS", "DT",
			       "FL", "FD", "IS", "LO", "LT", "OB", "OD",
			       "OF", "OL", "OV", "OW", "PN", "SH", "SL",
			       "SS", "ST", "SV", "TM", "UC", "UI", "UL",
			       "UN", "UR", "US", "UT", "UV" };

struct put {
	struct img_dicom_event ev;
	const uint8_t *p;
	bool announced;
	bool in_un; /* the VRs are lost */
};

static struct put list[EVENTS];
static size_t count;
static bool ordered, coded; /* made as it has to be; has coded pixels */
static unsigned longs;      /* values of the filler */
static uint8_t filler[70000];
static struct img_buf out;
static struct img_dicom_reader *reader;

static unsigned unit_of(const char *vr)
{
	if (strstr("US SS OW AT", vr))
		return 2;
	if (strstr("UL SL FL OF OL", vr))
		return 4;
	return strstr("FD SV UV OD OV", vr) ? 8 : 1;
}

/* ---- a list of events ------------------------------------------------- */

struct open {
	enum img_dicom_kind kind;
	uint32_t last; /* tag */
	bool un;
};

/* Above the last one; no sequence for the dictionary, and nothing that has a
   meaning to readers. */
static uint32_t next_tag(struct open *o, unsigned by)
{
	const struct img_dict *d;
	uint32_t tag =
		o->last + 1 + (by & 0x80 ? (by & 0x7F) << 16 | by << 2 : by);

	if (tag < 0x00080006)
		tag = 0x00080006 + by;
	while ((d = img_dict_tag(tag)) &&
	       (strcmp(d->vr, "SQ") == 0 || strcmp(d->vr, "UN") == 0))
		tag++;
	if (!(tag & 0xFFFF))
		tag += 0x10;
	o->last = tag;
	return tag;
}

static struct put *add(enum img_dicom_kind kind, uint32_t tag, const char *vr)
{
	struct put *e = &list[count++];

	memset(e, 0, sizeof(*e));
	e->ev.kind = kind;
	e->ev.tag = tag;
	memcpy(e->ev.vr, vr, strlen(vr));
	e->ev.length = IMG_UNDEFINED_LEN;
	return e;
}

static void add_value(struct put *e, struct fuzz_in *in)
{
	unsigned how = fuzz_byte(in), unit = unit_of(e->ev.vr);
	size_t n = fuzz_byte(in) % 64;

	e->p = fuzz_take(in, &n);
	/* Long, and for some VRs too long; two are as good as many. */
	if (how % 32 == 31 && longs < 2) {
		longs++;
		n = 60000 + how * 39;
		e->p = filler;
	}
	if (e->ev.kind == IMG_DICOM_ELEMENT)
		n -= unit > 1 ? n % unit : 0;
	e->ev.length = (uint32_t)n;
	e->ev.big = how & 64;
	e->announced = how & 128 && n;
}

static void add_pixels(struct fuzz_in *in)
{
	unsigned n = fuzz_byte(in) % 5;

	add(IMG_DICOM_PIXELS, 0x7FE00010, "OB");
	for (unsigned i = 0; i <= n; i++)
		add_value(add(IMG_DICOM_FRAGMENT, 0xFFFEE000, ""), in);
	add(IMG_DICOM_END_SEQUENCE, 0xFFFEE0DD, "");
	coded = true;
}

static void close_one(struct open *stack, unsigned *top)
{
	struct open *o = &stack[(*top)--];

	if (o->kind == IMG_DICOM_ITEM)
		add(IMG_DICOM_END_ITEM, 0xFFFEE00D, "");
	else
		add(IMG_DICOM_END_SEQUENCE, 0xFFFEE0DD, "");
}

static void make_list(struct fuzz_in *in)
{
	struct open stack[40] = { { .kind = IMG_DICOM_ELEMENT } };
	unsigned top = 0;

	count = longs = 0;
	ordered = true;
	coded = false;
	while (in->n && count < EVENTS - 100) {
		unsigned what = fuzz_byte(in), kind = what % 8;
		struct open *o = &stack[top];
		const char *vr =
			vrs[fuzz_byte(in) % (sizeof(vrs) / sizeof(vrs[0]))];
		struct put *e;

		if (what == 255) { /* whatever, wherever */
			ordered = false;
			e = add((enum img_dicom_kind)(fuzz_byte(in) % 8),
				fuzz_word(in) << 16 | fuzz_word(in), vr);
			add_value(e, in);
			if (fuzz_byte(in) & 1)
				e->ev.length = IMG_UNDEFINED_LEN;
			continue;
		}
		if (kind == 7 && top) {
			close_one(stack, &top);
		} else if (o->kind == IMG_DICOM_SEQUENCE) {
			if (top + 1 == 40)
				continue;
			add(IMG_DICOM_ITEM, 0xFFFEE000, "");
			stack[++top] = (struct open){ .kind = IMG_DICOM_ITEM,
						      .un = o->un };
		} else if (kind == 6 && top + 2 < 40) {
			bool un = what & 64;

			e = add(IMG_DICOM_SEQUENCE,
				next_tag(o, fuzz_byte(in)) | 0x10000,
				un ? "UN" : "SQ");
			o->last = e->ev.tag;
			e->in_un = o->un;
			stack[++top] =
				(struct open){ .kind = IMG_DICOM_SEQUENCE,
					       .un = o->un || un };
		} else {
			e = add(IMG_DICOM_ELEMENT, next_tag(o, fuzz_byte(in)),
				vr);
			e->in_un = o->un;
			add_value(e, in);
		}
	}
	while (top)
		close_one(stack, &top);
	if (stack[0].last < 0x7FE00000 && count % 3 == 0)
		add_pixels(in);
	/* Nothing may stand behind the pixels. */
	if (stack[0].last >= 0xFFF00000)
		ordered = false;
}

/* ---- writing and reading ---------------------------------------------- */

static int to_buf(void *arg, const void *p, size_t n, struct img_err *err)
{
	return img_buf_add(arg, p, n, err);
}

static int put_parts(struct img_dicom_writer *w, const struct put *e,
		     struct img_err *err)
{
	size_t step = (e->ev.length > 4096 ? 512 : 8) * (1 + e->ev.length % 7);

	for (size_t at = 0; at < e->ev.length; at += step) {
		size_t n = e->ev.length - at < step ? e->ev.length - at : step;

		if (img_dicom_put_part(w, e->p + at, n, err) < 0)
			return -1;
	}
	return 0;
}

static int write_list(const char *ts, struct img_err *err)
{
	const struct img_dicom_sink sink = { to_buf, &out };
	struct img_dicom_writer *w = img_dicom_writer_new(&sink, err);
	int rc;

	img_buf_reset(&out);
	if (!w)
		return -1;
	rc = img_dicom_put_meta(w, "1.2.840.10008.5.1.4.1.1.7", "2.25.1", ts,
				err);
	for (size_t i = 0; i < count && rc == 0; i++) {
		const struct put *e = &list[i];

		rc = img_dicom_put(w, &e->ev, e->announced ? NULL : e->p, err);
		if (rc == 0 && e->announced &&
		    e->ev.length != IMG_UNDEFINED_LEN)
			rc = put_parts(w, e, err);
	}
	if (rc == 0)
		rc = img_dicom_finish(w, err);
	img_dicom_writer_free(w);
	return rc;
}

static bool has_value(const struct img_dicom_event *ev)
{
	return ev->kind == IMG_DICOM_ELEMENT || ev->kind == IMG_DICOM_FRAGMENT;
}

/* Whether p is q with the bytes of each number the other way round.  Each byte
   told to the fuzzer would be a third of a run. */
#if defined(__clang__)
__attribute__((no_sanitize("coverage")))
#endif
static bool
is_turned(const uint8_t *p, const uint8_t *q, uint32_t n, unsigned unit)
{
	for (uint32_t i = 0; i < n; i += unit)
		for (unsigned k = 0; k < unit; k++)
			if (p[i + k] != q[i + unit - 1 - k])
				return false;
	return true;
}

static void same_value(const struct put *e, const struct img_dicom_event *y)
{
	unsigned unit = e->ev.kind == IMG_DICOM_ELEMENT && e->ev.big != y->big
				? unit_of(e->ev.vr)
				: 1;

	fuzz_must(y->length == e->ev.length + (e->ev.length & 1),
		  "another length");
	if (!y->value)
		return;
	if (unit == 1) {
		fuzz_must(!e->ev.length ||
				  memcmp(y->value, e->p, e->ev.length) == 0,
			  "another value");
		return;
	}
	fuzz_must(is_turned(y->value, e->p, e->ev.length, unit),
		  "another value");
}

static void compare(unsigned which)
{
	static const struct img_dicom_limits limits = { .value = 65536 };
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_event y;
	size_t i = 0;
	int rc;

	if (img_dicom_start_mem(reader, out.data, out.len, "out", &limits,
				&err) < 0)
		fuzz_wrong("cannot be read", &err);
	while ((rc = img_dicom_next(reader, &y, &err)) == 1) {
		const struct put *e = &list[i];
		bool kept = which != IMPLICIT && !e->in_un &&
			    e->ev.length <= 0xFFFE;

		if (y.meta)
			continue;
		fuzz_must(i++ < count, "an event too many");
		fuzz_must(y.kind == e->ev.kind && y.tag == e->ev.tag,
			  "another event");
		if (e->ev.kind == IMG_DICOM_ELEMENT && kept)
			fuzz_must(strcmp(y.vr, e->ev.vr) == 0, "another VR");
		if (has_value(&e->ev))
			same_value(e, &y);
	}
	if (rc < 0)
		fuzz_wrong("cannot be read", &err);
	fuzz_must(i == count, "an event too few");
	/* A data set of nothing but what begins like another encoding may be
	   taken for it; ours never is. */
	fuzz_must(!(img_dicom_facts(reader)->notes & IMG_NOTE_WRONG_SYNTAX),
		  "taken for another syntax");
}

/* What cannot be in order, but was taken, can be read, or not: no crash. */
static void read_any(void)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_event ev;
	int rc = img_dicom_start_mem(reader, out.data, out.len, "out", NULL,
				     &err);

	while (rc == 0 && (rc = img_dicom_next(reader, &ev, &err)) == 1)
		rc = 0;
	fuzz_verdict(rc < 0 ? -1 : 0, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct img_err err = IMG_ERR_INIT;

	if (!reader) {
		reader = img_dicom_reader_new(&err);
		img_buf_init(&out, OUT_MAX);
		memset(filler, 'x', sizeof(filler));
		if (!reader)
			return 0;
	}
	make_list(&in);
	if (!count)
		return 0;
	for (unsigned i = 0; i < SYNTAXES; i++) {
		if (coded && i != CODED)
			continue;
		img_err_clear(&err);
		if (write_list(syntaxes[i], &err) < 0) {
			fuzz_must(err.code != IMG_OK, "no reason");
			if (ordered)
				fuzz_wrong("events in order are refused", &err);
		} else if (ordered) {
			compare(i);
		} else {
			read_any();
		}
	}
	return 0;
}
