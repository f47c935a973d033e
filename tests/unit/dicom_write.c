/* dicom_write.c - the writer: bytes as expected, and what was read comes back
   from what was written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "dicom_samples.h"

static int to_buf(void *arg, const void *p, size_t n, struct img_err *err)
{
	return img_buf_add(arg, p, n, err);
}

/* Passes every event of m on to a writer; given: keep lengths. */
static int copy(const struct made *m, const char *ts, bool meta, bool given,
		struct img_buf *out, struct img_err *err)
{
	struct img_dicom_sink sink = { to_buf, out };
	struct img_dicom_limits limits = { .value = 65536 };
	struct img_dicom_reader *r = img_dicom_reader_new(err);
	struct img_dicom_writer *w = img_dicom_writer_new(&sink, err);
	struct img_dicom_event ev;
	int rc;

	assert_non_null(r);
	assert_non_null(w);
	rc = meta ? img_dicom_put_meta(w, SC_CLASS, "2.25.1", ts, err)
		  : img_dicom_put_encoding(w, ts, err);
	if (rc == 0)
		rc = img_dicom_start_mem(r, m->b.data, m->b.len, "a", &limits,
					 err);
	while (rc >= 0 && (rc = img_dicom_next(r, &ev, err)) == 1) {
		if (!given && (ev.kind == IMG_DICOM_SEQUENCE ||
			       ev.kind == IMG_DICOM_ITEM))
			ev.length = UNDEF;
		rc = img_dicom_put(w, &ev, ev.value, err);
	}
	if (rc == 0)
		rc = img_dicom_finish(w, err);
	img_dicom_writer_free(w);
	img_dicom_reader_free(r);
	return rc;
}

static uint64_t dataset_of(const struct made *m)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_reader *r = img_dicom_reader_new(&err);
	struct img_dicom_event ev;
	uint64_t at;

	assert_int_equal(
		img_dicom_start_mem(r, m->b.data, m->b.len, "a", NULL, &err),
		0);
	while (img_dicom_next(r, &ev, &err) == 1)
		;
	at = img_dicom_facts(r)->dataset;
	img_dicom_reader_free(r);
	return at;
}

/* Canonical explicit VR little endian comes out byte for byte. */
static void same_bytes(void **state)
{
	static const char *const names[] = { "explicit",  "sequences",
					     "fragments", "fragments-no-table",
					     "padding",   "icon" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct img_err err = IMG_ERR_INIT;
		struct img_buf out;
		struct made m;
		uint64_t at;

		sample_make(sample_find(names[i]), &m);
		img_buf_init(&out, 1 << 20);
		assert_int_equal(copy(&m, TS_EXPLICIT, false, true, &out, &err),
				 0);
		at = dataset_of(&m);
		assert_int_equal(out.len, m.b.len - at);
		assert_memory_equal(out.data, m.b.data + at, out.len);
		img_buf_release(&out);
		img_buf_release(&m.b);
	}
}

/* Reads what s holds and what out holds, side by side. */
static void same_events(const struct made *a, const struct img_buf *b,
			bool same_vr)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_reader *r = img_dicom_reader_new(&err);
	struct img_dicom_reader *q = img_dicom_reader_new(&err);
	struct img_dicom_event x, y;
	int rx, ry;

	assert_int_equal(
		img_dicom_start_mem(r, a->b.data, a->b.len, "a", NULL, &err),
		0);
	assert_int_equal(
		img_dicom_start_mem(q, b->data, b->len, "b", NULL, &err), 0);
	do {
		do
			rx = img_dicom_next(r, &x, &err);
		while (rx == 1 && x.meta);
		do
			ry = img_dicom_next(q, &y, &err);
		while (ry == 1 && y.meta);
		assert_int_equal(rx, ry);
		if (rx != 1)
			break;
		assert_int_equal(x.kind, y.kind);
		assert_int_equal(x.tag, y.tag);
		assert_int_equal(x.depth, y.depth);
		if (same_vr)
			assert_string_equal(x.vr, y.vr);
		if (x.value) {
			assert_true(y.length == x.length + (x.length & 1));
			if (x.big == y.big)
				assert_memory_equal(x.value, y.value, x.length);
		}
	} while (true);
	assert_int_equal(rx, 0);
	img_dicom_reader_free(r);
	img_dicom_reader_free(q);
}

static void convert(const char *to, bool same_vr)
{
	static const char *const names[] = {
		"explicit",           "implicit",    "big-endian",
		"deflated",           "sequences",   "sequences-implicit",
		"un-implicit",        "un-explicit", "un-in-big-endian",
		"un-big-in-big",      "odd-length",  "stray",
		"no-item-end",        "no-preamble", "wrong-syntax",
		"implicit-inside",    "fragments",   "icon",
		"sequences-implicit", "nest64",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct img_err err = IMG_ERR_INIT;
		struct img_buf out;
		struct made m;

		sample_make(sample_find(names[i]), &m);
		img_buf_init(&out, 1 << 20);
		if (copy(&m, to, true, false, &out, &err) < 0)
			fail_msg("%s: %s", names[i], err.text);
		same_events(&m, &out,
			    same_vr && strncmp(names[i], "un-", 3) != 0);
		img_buf_release(&out);
		img_buf_release(&m.b);
	}
}

static void to_explicit(void **state)
{
	(void)state;
	convert(TS_EXPLICIT, true);
}

static void to_implicit(void **state)
{
	(void)state;
	convert(TS_IMPLICIT, false);
}

static void to_big_endian(void **state)
{
	(void)state;
	convert(TS_BIG, true);
}

static void to_deflated(void **state)
{
	(void)state;
	convert(TS_DEFLATED, true);
}

/* Numbers keep their value when the byte order changes. */
static void swapped(void **state)
{
	static const uint8_t want[] = { 0x00, 0x28, 0x00, 0x10, 'U',
					'S',  0x00, 0x02, 0x00, 0x02 };
	struct img_err err = IMG_ERR_INIT;
	struct img_buf out, back;
	struct made m, n = { .implicit = false };

	(void)state;
	sample_make(sample_find("explicit"), &m);
	img_buf_init(&out, 1 << 20);
	img_buf_init(&back, 1 << 20);
	assert_int_equal(copy(&m, TS_BIG, true, true, &out, &err), 0);
	assert_non_null(memmem(out.data, out.len, want, sizeof(want)));
	n.b = out;
	assert_int_equal(copy(&n, TS_EXPLICIT, true, true, &back, &err), 0);
	assert_memory_equal(back.data + dataset_of(&n),
			    m.b.data + dataset_of(&m),
			    m.b.len - dataset_of(&m));
	img_buf_release(&out);
	img_buf_release(&back);
	img_buf_release(&m.b);
}

struct rig {
	struct img_buf out;
	struct img_dicom_sink sink;
	struct img_dicom_writer *w;
	struct img_err err;
};

static void rig_up(struct rig *g, const char *ts)
{
	memset(g, 0, sizeof(*g));
	img_buf_init(&g->out, 1 << 22);
	g->sink.write = to_buf;
	g->sink.arg = &g->out;
	g->w = img_dicom_writer_new(&g->sink, &g->err);
	assert_non_null(g->w);
	assert_int_equal(img_dicom_put_encoding(g->w, ts, &g->err), 0);
}

static void rig_down(struct rig *g)
{
	img_dicom_writer_free(g->w);
	img_buf_release(&g->out);
}

static void padding(void **state)
{
	static const uint8_t want[] = "\x08\0\x16\0UI\x04\0"
				      "1.2\0"
				      "\x08\0\x60\0CS\x04\0"
				      "ABC ";
	struct rig g;

	(void)state;
	rig_up(&g, TS_EXPLICIT);
	assert_int_equal(
		img_dicom_put_text(g.w, 0x00080016, "UI", "1.2", &g.err), 0);
	assert_int_equal(
		img_dicom_put_text(g.w, 0x00080060, "CS", "ABC", &g.err), 0);
	assert_int_equal(img_dicom_finish(g.w, &g.err), 0);
	assert_int_equal(g.out.len, sizeof(want) - 1);
	assert_memory_equal(g.out.data, want, g.out.len);
	rig_down(&g);
}

/* A text too long for a 16-bit length becomes UN (PS3.5 6.2.2). */
static void too_long_for_vr(void **state)
{
	struct rig g;
	char *text = malloc(70001);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 70000);
	text[70000] = '\0';
	rig_up(&g, TS_EXPLICIT);
	assert_int_equal(
		img_dicom_put_text(g.w, 0x00104000, "LT", text, &g.err), 0);
	assert_int_equal(img_dicom_finish(g.w, &g.err), 0);
	assert_int_equal(g.out.len, 12 + 70000);
	assert_memory_equal(g.out.data, "\x10\0\0\x40UN\0\0\x70\x11\1\0", 12);
	rig_down(&g);
	free(text);
}

static void announced(void **state)
{
	struct img_dicom_event ev = { .kind = IMG_DICOM_ELEMENT,
				      .tag = T_PIXELS,
				      .vr = "OB",
				      .length = 3 };
	struct rig g;

	(void)state;
	rig_up(&g, TS_EXPLICIT);
	assert_int_equal(img_dicom_put(g.w, &ev, NULL, &g.err), 0);
	assert_int_equal(g.out.len, 12); /* the header has left the writer */
	assert_int_equal(to_buf(&g.out, "abc", 3, &g.err), 0);
	assert_int_equal(img_dicom_finish(g.w, &g.err), 0);
	assert_int_equal(g.out.len, 16);
	assert_memory_equal(g.out.data, "\xE0\x7F\x10\0OB\0\0\4\0\0\0abc\0",
			    16);
	rig_down(&g);
}

/* The longest value there is, and the longest odd one (PS3.5 7.1.1). */
static void longest(void **state)
{
	struct img_dicom_event ev = { .kind = IMG_DICOM_ELEMENT,
				      .tag = T_PIXELS,
				      .vr = "OB" };
	struct rig g;

	(void)state;
	for (uint32_t n = 0xFFFFFFFDu; n; n++) {
		rig_up(&g, TS_EXPLICIT);
		ev.length = n;
		assert_int_equal(img_dicom_put(g.w, &ev, NULL, &g.err),
				 n == UNDEF ? -1 : 0);
		if (n != UNDEF)
			assert_memory_equal(g.out.data,
					    "\xE0\x7F\x10\0OB\0\0"
					    "\xFE\xFF\xFF\xFF",
					    12);
		rig_down(&g);
	}
}

static void parts_swapped(void **state)
{
	struct img_dicom_event ev = { .kind = IMG_DICOM_ELEMENT,
				      .tag = T_PIXELS,
				      .vr = "OW",
				      .length = 6,
				      .big = true };
	struct rig g;

	(void)state;
	rig_up(&g, TS_EXPLICIT);
	assert_int_equal(img_dicom_put(g.w, &ev, NULL, &g.err), 0);
	assert_int_equal(img_dicom_put_part(g.w, "\1\2\3\4", 4, &g.err), 0);
	assert_int_equal(img_dicom_put_part(g.w, "\5\6", 2, &g.err), 0);
	assert_int_equal(img_dicom_finish(g.w, &g.err), 0);
	assert_memory_equal(g.out.data + 12, "\2\1\4\3\6\5", 6);
	rig_down(&g);
}

/* Misuse is told as our own mistake, and nothing is written after it. */
static void misuse(void **state)
{
	struct img_dicom_event sq = { .kind = IMG_DICOM_SEQUENCE,
				      .tag = 0x00081115,
				      .vr = "SQ",
				      .length = 0 };
	struct img_dicom_event item = { .kind = IMG_DICOM_ITEM,
					.length = UNDEF };
	struct img_dicom_event end = { .kind = IMG_DICOM_END_SEQUENCE };
	struct img_dicom_event ob = { .kind = IMG_DICOM_ELEMENT,
				      .tag = T_PIXELS,
				      .vr = "OB",
				      .length = 4 };
	struct rig g;

	(void)state;
	rig_up(&g, TS_EXPLICIT); /* content where a length of 0 was given */
	assert_int_equal(img_dicom_put(g.w, &sq, NULL, &g.err), 0);
	assert_int_equal(img_dicom_put(g.w, &item, NULL, &g.err), 0);
	item.kind = IMG_DICOM_END_ITEM;
	assert_int_equal(img_dicom_put(g.w, &item, NULL, &g.err), 0);
	assert_int_equal(img_dicom_put(g.w, &end, NULL, &g.err), -1);
	assert_int_equal(g.err.code, IMG_E_BUG);
	img_err_clear(&g.err);
	assert_int_equal(img_dicom_finish(g.w, &g.err), -1);
	rig_down(&g);

	rig_up(&g, TS_EXPLICIT); /* left open */
	assert_int_equal(img_dicom_put(g.w, &sq, NULL, &g.err), 0);
	assert_int_equal(img_dicom_finish(g.w, &g.err), -1);
	assert_int_equal(g.err.code, IMG_E_BUG);
	rig_down(&g);

	rig_up(&g, TS_EXPLICIT); /* item at the top */
	item.kind = IMG_DICOM_ITEM;
	assert_int_equal(img_dicom_put(g.w, &item, NULL, &g.err), -1);
	rig_down(&g);

	rig_up(&g, TS_DEFLATED); /* an announced value has to come */
	assert_int_equal(img_dicom_put(g.w, &ob, NULL, &g.err), 0);
	assert_int_equal(img_dicom_finish(g.w, &g.err), -1);
	assert_int_equal(g.err.code, IMG_E_BUG);
	rig_down(&g);
}

static int full(void *arg, const void *p, size_t n, struct img_err *err)
{
	(void)arg;
	(void)p;
	(void)n;
	return img_err_set(err, IMG_E_IO, "full");
}

static void sink_fails(void **state)
{
	struct img_dicom_sink sink = { full, NULL };
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_writer *w = img_dicom_writer_new(&sink, &err);

	(void)state;
	assert_int_equal(
		img_dicom_put_meta(w, SC_CLASS, "2.25.1", TS_EXPLICIT, &err),
		0);
	assert_int_equal(img_dicom_finish(w, &err), -1);
	assert_int_equal(err.code, IMG_E_IO);
	img_dicom_writer_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_bytes),
		cmocka_unit_test(to_explicit),
		cmocka_unit_test(to_implicit),
		cmocka_unit_test(to_big_endian),
		cmocka_unit_test(to_deflated),
		cmocka_unit_test(swapped),
		cmocka_unit_test(padding),
		cmocka_unit_test(too_long_for_vr),
		cmocka_unit_test(announced),
		cmocka_unit_test(longest),
		cmocka_unit_test(parts_swapped),
		cmocka_unit_test(misuse),
		cmocka_unit_test(sink_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
