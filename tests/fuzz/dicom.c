/*
 * dicom.c - fuzz target of the DICOM room: reader, character sets, writer.
 *
 * Whatever comes in: no crash, no hang, a verdict; the same verdict from
 * memory and from a file; text is always valid UTF-8.  What was read is
 * written and read again, gives the same events, and written once more gives
 * the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dicom/dicom.h"

#define OUT_MAX (256u << 20) /* corpus files come here too */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct img_dicom_limits limits = {
	.elements = 100000,
	.header = 4 << 20,
	.value = 65536,
	.inflated = 2 << 20,
};

static struct img_dicom_reader *first, *second;
static struct img_buf once, twice, text;

static void wrong(const char *what, const struct img_err *err)
{
	fprintf(stderr, "oracle: %s: %s\n", what, err->text);
	abort();
}

static void prepare(void)
{
	struct img_err err = IMG_ERR_INIT;

	if (first)
		return;
	first = img_dicom_reader_new(&err);
	second = img_dicom_reader_new(&err);
	if (!first || !second)
		abort();
	img_buf_init(&once, OUT_MAX);
	img_buf_init(&twice, OUT_MAX);
	img_buf_init(&text, 4 << 20);
}

/* ---- reading ---------------------------------------------------------- */

struct verdict {
	enum img_code code;
	char why[512];
	uint64_t events, data_events;
	bool copies;    /* can be written and compared */
	bool loses;     /* VRs that the output cannot hold */
	unsigned in_un; /* items around, the UN sequence's included */
};

/* Explicit VRs inside a UN sequence become implicit when written. */
static void watch_un(struct verdict *v, const struct img_dicom_event *ev)
{
	if (!v->in_un && ev->kind == IMG_DICOM_SEQUENCE &&
	    strcmp(ev->vr, "UN") == 0)
		v->in_un = ev->depth + 1;
	else if (v->in_un && ev->depth + 1 == v->in_un &&
		 ev->kind == IMG_DICOM_END_SEQUENCE)
		v->in_un = 0;
	else if (v->in_un && ev->depth && !ev->implicit)
		v->loses = true;
}

static void decode(const struct img_charset *cs,
		   const struct img_dicom_event *ev)
{
	struct img_err err = IMG_ERR_INIT;
	unsigned notes = 0;

	img_buf_reset(&text);
	if (img_charset_utf8(cs, ev->vr, ev->value, ev->length, &text, &notes,
			     &err) < 0)
		wrong("text does not fit", &err);
	if (text.len && !img_utf8_ok(text.data, text.len))
		wrong("not UTF-8", &err);
}

static void look(struct img_dicom_reader *r, struct verdict *v)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_charset cs;
	struct img_dicom_event ev;
	int rc;

	img_charset_parse(&cs, "", 0);
	while ((rc = img_dicom_next(r, &ev, &err)) == 1) {
		v->events++;
		watch_un(v, &ev);
		if (!ev.meta && (ev.depth || ev.tag >> 16 != 2))
			v->data_events++;
		if (ev.kind != IMG_DICOM_ELEMENT || !ev.value)
			continue;
		if (ev.tag == 0x00080005)
			img_charset_parse(&cs, ev.value, ev.length);
		else if (img_vr_is_text(ev.vr))
			decode(&cs, &ev);
	}
	v->code = err.code;
	strcpy(v->why, err.text);
	if (rc < 0 && (err.code == IMG_OK || err.code == IMG_E_BUG))
		wrong("no verdict", &err);
	v->copies = rc == 0 && v->data_events;
}

static void judge(struct img_dicom_reader *r, const uint8_t *data, size_t size,
		  struct verdict *v)
{
	struct img_err err = IMG_ERR_INIT;

	memset(v, 0, sizeof(*v));
	if (img_dicom_start_mem(r, data, size, "in", &limits, &err) == 0) {
		look(r, v);
		return;
	}
	v->code = err.code;
	strcpy(v->why, err.text);
}

static void judge_file(const uint8_t *data, size_t size, size_t said,
		       struct verdict *v)
{
	struct img_err err = IMG_ERR_INIT;
	int fd = memfd_create("in", MFD_CLOEXEC);

	memset(v, 0, sizeof(*v));
	if (fd < 0 || img_write_full(fd, data, size) < 0)
		abort();
	if (img_dicom_start_fd(second, fd, said, "in", &limits, &err) == 0) {
		look(second, v);
	} else {
		v->code = err.code;
		strcpy(v->why, err.text);
	}
	close(fd);
}

static void same_from_file(const uint8_t *data, size_t size,
			   const struct verdict *v)
{
	struct img_err err = IMG_ERR_INIT;
	struct verdict f;

	judge_file(data, size, size, &f);
	if (f.code != v->code || f.events != v->events ||
	    strcmp(f.why, v->why) != 0)
		wrong("file and memory differ", &err);
}

/* ---- writing ---------------------------------------------------------- */

static int to_buf(void *arg, const void *p, size_t n, struct img_err *err)
{
	return img_buf_add(arg, p, n, err);
}

static int put_value(struct img_dicom_reader *r, struct img_dicom_writer *w,
		     const struct img_dicom_event *ev, struct img_err *err)
{
	uint8_t part[4096];

	for (uint64_t at = 0; at < ev->length; at += sizeof(part)) {
		size_t n = ev->length - at < sizeof(part)
				   ? (size_t)(ev->length - at)
				   : sizeof(part);

		if (img_dicom_value(r, at, part, n, err) < 0 ||
		    img_dicom_put_part(w, part, n, err) < 0)
			return -1;
	}
	return 0;
}

static bool has_value(const struct img_dicom_event *ev)
{
	return ev->kind == IMG_DICOM_ELEMENT || ev->kind == IMG_DICOM_FRAGMENT;
}

/* Reads data and writes it encoded as ts; loose: all lengths undefined. */
static void copy(const uint8_t *data, size_t size, const char *ts, bool loose,
		 struct img_buf *out)
{
	struct img_dicom_sink sink = { to_buf, out };
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_writer *w = img_dicom_writer_new(&sink, &err);
	struct img_dicom_event ev;
	int rc;

	img_buf_reset(out);
	if (!w ||
	    img_dicom_put_meta(w, "1.2.840.10008.5.1.4.1.1.7", "2.25.1", ts,
			       &err) < 0 ||
	    img_dicom_start_mem(first, data, size, "in", NULL, &err) < 0)
		wrong("cannot copy", &err);
	while ((rc = img_dicom_next(first, &ev, &err)) == 1) {
		if (loose && (ev.kind == IMG_DICOM_SEQUENCE ||
			      ev.kind == IMG_DICOM_ITEM))
			ev.length = IMG_UNDEFINED_LEN;
		if (img_dicom_put(w, &ev, ev.value, &err) < 0)
			wrong("put", &err);
		if (!ev.meta && (ev.depth || ev.tag >> 16 != 2) &&
		    has_value(&ev) && !ev.value && ev.length &&
		    put_value(first, w, &ev, &err) < 0)
			wrong("put part", &err);
	}
	if (rc < 0 || img_dicom_finish(w, &err) < 0)
		wrong("copy", &err);
	img_dicom_writer_free(w);
}

static int next_data(struct img_dicom_reader *r, struct img_dicom_event *ev,
		     struct img_err *err)
{
	int rc;

	do
		rc = img_dicom_next(r, ev, err);
	while (rc == 1 && (ev->meta || (ev->depth == 0 && ev->tag >> 16 == 2)));
	return rc;
}

static void compare(const uint8_t *data, size_t size)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_event x, y;
	int rx, ry;

	if (img_dicom_start_mem(first, data, size, "in", NULL, &err) < 0 ||
	    img_dicom_start_mem(second, once.data, once.len, "out", NULL,
				&err) < 0)
		wrong("start", &err);
	do {
		rx = next_data(first, &x, &err);
		ry = next_data(second, &y, &err);
		if (rx != ry)
			wrong("one is longer", &err);
		if (rx != 1)
			break;
		if (x.kind != y.kind || x.tag != y.tag || x.depth != y.depth)
			wrong("other event", &err);
		if (has_value(&x) && y.length != x.length + (x.length & 1))
			wrong("other length", &err);
		if (x.value && y.value && x.big == y.big &&
		    memcmp(x.value, y.value, x.length) != 0)
			wrong("other value", &err);
	} while (true);
	if (rx < 0)
		wrong("read again", &err);
}

static void round_trip(const uint8_t *data, size_t size, bool loses)
{
	static const char *const ts[] = {
		"1.2.840.10008.1.2.1",
		"1.2.840.10008.1.2.2",
		"1.2.840.10008.1.2.1.99",
		"1.2.840.10008.1.2",
	};
	unsigned which = size % 4;
	bool may_fail = loses || which == 3;
	struct img_err err = IMG_ERR_INIT;
	struct verdict v;

	copy(data, size, ts[which], true, &once);
	/* Without VRs the dictionary decides: what was written with a wrong
	   VR comes back as something else, or not at all. */
	judge(second, (const uint8_t *)once.data, once.len, &v);
	if (v.code == IMG_E_LIMIT || (may_fail && v.code != IMG_OK))
		return;
	if (v.code != IMG_OK)
		wrong(v.why, &err);
	if (!may_fail)
		compare(data, size);
	copy((const uint8_t *)once.data, once.len, ts[which], false, &twice);
	if (once.len != twice.len ||
	    memcmp(once.data, twice.data, once.len) != 0)
		wrong("no fixed point", &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verdict v;

	prepare();
	(void)img_dicom_looks_like(data, size);
	judge(first, data, size, &v);
	if (size % 16 == 0)
		same_from_file(data, size, &v);
	if (size % 16 == 1) { /* a file that has shrunk */
		struct verdict f;

		judge_file(data, size, 2 * size, &f);
	}
	if (v.copies)
		round_trip(data, size, v.loses);
	return 0;
}
