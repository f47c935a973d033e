/* dicom_read.c - the reader: events in detail, values, limits, picks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dicom_samples.h"

struct rig {
	struct made m;
	struct img_dicom_reader *r;
	struct img_err err;
	int fd;
};

static void rig_new(struct rig *g)
{
	memset(g, 0, sizeof(*g));
	g->r = img_dicom_reader_new(&g->err);
	assert_non_null(g->r);
	img_buf_init(&g->m.b, 64u << 20);
	g->fd = -1;
}

static void rig_start(struct rig *g, const struct img_dicom_limits *limits,
		      bool from_file)
{
	if (!from_file) {
		assert_int_equal(img_dicom_start_mem(g->r, g->m.b.data,
						     g->m.b.len, "a", limits,
						     &g->err),
				 0);
		return;
	}
	g->fd = memfd_create("a", MFD_CLOEXEC);
	assert_int_equal(img_write_full(g->fd, g->m.b.data, g->m.b.len), 0);
	assert_int_equal(img_dicom_start_fd(g->r, g->fd, g->m.b.len, "a",
					    limits, &g->err),
			 0);
}

static void rig_free(struct rig *g)
{
	if (g->fd >= 0)
		close(g->fd);
	img_buf_release(&g->m.b);
	img_dicom_reader_free(g->r);
}

static enum img_code run(struct rig *g)
{
	struct img_dicom_event ev;

	while (img_dicom_next(g->r, &ev, &g->err) == 1)
		;
	return g->err.code;
}

/* ---- events ----------------------------------------------------------- */

static void depths(void **state)
{
	static const struct {
		enum img_dicom_kind kind;
		unsigned depth;
		uint32_t length;
	} want[] = {
		{ IMG_DICOM_SEQUENCE, 0, UNDEF },
		{ IMG_DICOM_ITEM, 0, UNDEF },
		{ IMG_DICOM_ELEMENT, 1, 26 },
		{ IMG_DICOM_SEQUENCE, 1, 0 },
		{ IMG_DICOM_END_SEQUENCE, 1, 0 },
		{ IMG_DICOM_END_ITEM, 0, UNDEF },
		{ IMG_DICOM_ITEM, 0, 0 },
		{ IMG_DICOM_END_ITEM, 0, 0 },
		{ IMG_DICOM_ITEM, 0, 10 },
		{ IMG_DICOM_ELEMENT, 1, 2 },
		{ IMG_DICOM_END_ITEM, 0, 10 },
		{ IMG_DICOM_END_SEQUENCE, 0, UNDEF },
		{ IMG_DICOM_SEQUENCE, 0, 18 },
		{ IMG_DICOM_ITEM, 0, 10 },
		{ IMG_DICOM_ELEMENT, 1, 2 },
		{ IMG_DICOM_END_ITEM, 0, 10 },
		{ IMG_DICOM_END_SEQUENCE, 0, 18 },
		{ IMG_DICOM_ELEMENT, 0, 2 },
	};
	struct img_dicom_event ev;
	struct rig g;

	(void)state;
	rig_new(&g);
	s_sequences(&g.m);
	rig_start(&g, NULL, false);
	do
		assert_int_equal(img_dicom_next(g.r, &ev, &g.err), 1);
	while (ev.meta);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(ev.kind, want[i].kind);
		assert_int_equal(ev.depth, want[i].depth);
		assert_int_equal(ev.length, want[i].length);
		assert_int_equal(img_dicom_next(g.r, &ev, &g.err),
				 i + 1 < sizeof(want) / sizeof(want[0]));
	}
	rig_free(&g);
}

static void facts(void **state)
{
	const struct img_dicom_facts *f;
	struct rig g;

	(void)state;
	rig_new(&g);
	s_zero_tail(&g.m);
	rig_start(&g, NULL, false);
	assert_int_equal(run(&g), IMG_OK);
	f = img_dicom_facts(g.r);
	assert_string_equal(f->transfer_syntax, TS_EXPLICIT);
	assert_false(f->big || f->implicit || f->deflated || f->encapsulated);
	assert_int_equal(f->trailing, 1000);
	assert_int_equal(f->end, g.m.b.len - 1000);
	assert_int_equal(f->elements, 6 + 10 + 4);
	rig_free(&g);

	rig_new(&g);
	s_fragments(&g.m);
	rig_start(&g, NULL, false);
	assert_int_equal(run(&g), IMG_OK);
	assert_true(img_dicom_facts(g.r)->encapsulated);
	rig_free(&g);
}

/* ---- values ----------------------------------------------------------- */

#define LARGE 300000u

static uint8_t pattern(uint64_t i)
{
	return (uint8_t)(i * 7 + (i >> 8));
}

static void large(struct made *m, const char *ts)
{
	uint8_t *p = malloc(LARGE);
	size_t from;

	assert_non_null(p);
	for (uint32_t i = 0; i < LARGE; i++)
		p[i] = pattern(i);
	m_meta(m, ts);
	from = m->b.len;
	m_ids(m);
	m_put(m, 0x00420011, "OB", p, LARGE);
	m_text(m, 0x00420012, "LO", "after");
	if (strcmp(ts, TS_DEFLATED) == 0)
		m_deflate(m, from, -15);
	free(p);
}

static void check_part(struct rig *g, uint64_t at, size_t n)
{
	uint8_t *p = malloc(n + 1);

	assert_int_equal(img_dicom_value(g->r, at, p, n, &g->err), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p[i], pattern(at + i));
	free(p);
}

/* In any order, and the walk goes on as if nothing had been read. */
static void large_values(void **state)
{
	static const char *const ts[] = { TS_EXPLICIT, TS_DEFLATED };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct img_dicom_event ev;
		struct rig g;

		rig_new(&g);
		large(&g.m, ts[i % 2]);
		rig_start(&g, NULL, i / 2);
		do
			assert_int_equal(img_dicom_next(g.r, &ev, &g.err), 1);
		while (ev.tag != 0x00420011);
		assert_null(ev.value);
		assert_int_equal(ev.length, LARGE);
		check_part(&g, 0, LARGE);
		check_part(&g, 100, 70000);
		check_part(&g, LARGE - 10, 10);
		check_part(&g, 5, 1);
		check_part(&g, LARGE, 0);
		assert_int_equal(img_dicom_value(g.r, LARGE, &ev, 1, &g.err),
				 -1);
		assert_int_equal(g.err.code, IMG_E_BUG);
		img_err_clear(&g.err);
		assert_int_equal(img_dicom_next(g.r, &ev, &g.err), 1);
		assert_int_equal(ev.tag, 0x00420012);
		assert_memory_equal(ev.value, "after ", 6);
		assert_int_equal(run(&g), IMG_OK);
		rig_free(&g);
	}
}

static void value_limit(void **state)
{
	struct img_dicom_limits limits = { .value = 10 };
	struct img_dicom_event ev;
	struct rig g;

	(void)state;
	rig_new(&g);
	s_explicit(&g.m);
	rig_start(&g, &limits, false);
	while (img_dicom_next(g.r, &ev, &g.err) == 1)
		assert_true((ev.value != NULL) == (ev.length <= 10));
	assert_int_equal(g.err.code, IMG_OK);
	rig_free(&g);
}

/* ---- limits ----------------------------------------------------------- */

static void limit(void (*make)(struct made *),
		  const struct img_dicom_limits *limits, enum img_code want)
{
	struct rig g;

	rig_new(&g);
	make(&g.m);
	rig_start(&g, limits, false);
	assert_int_equal(run(&g), want);
	rig_free(&g);
}

static void limits(void **state)
{
	struct img_dicom_limits l = { .elements = 10 };

	(void)state;
	limit(s_explicit, &l, IMG_E_LIMIT);
	l = (struct img_dicom_limits){ .elements = 20 };
	limit(s_explicit, &l, IMG_OK);
	l = (struct img_dicom_limits){ .header = 200 };
	limit(s_explicit, &l, IMG_E_LIMIT);
	l = (struct img_dicom_limits){ .depth = 1 };
	limit(s_sequences, &l, IMG_E_LIMIT);
	l = (struct img_dicom_limits){ .depth = 2 };
	limit(s_sequences, &l, IMG_OK);
	l = (struct img_dicom_limits){ .depth = 65 };
	limit(s_nest65, &l, IMG_OK);
	l = (struct img_dicom_limits){ .depth = 1000000 };
	limit(s_nest20000, &l, IMG_E_LIMIT); /* the hard cap */
	l = (struct img_dicom_limits){ .inflated = 100 };
	limit(s_deflated, &l, IMG_E_LIMIT);
}

/* The file is shorter than was said: it shrinks while it is read. */
static void shrinks(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++)
		for (int step = 1; step < 40; step++) {
			size_t most = 1u << 20, cut;
			struct rig g;

			if (samples[i].big)
				break;
			rig_new(&g);
			samples[i].make(&g.m);
			cut = g.m.b.len * (size_t)step / 40;
			g.fd = memfd_create("a", MFD_CLOEXEC);
			assert_int_equal(img_write_full(g.fd, g.m.b.data, cut),
					 0);
			if (img_dicom_start_fd(g.r, g.fd, most, "a", NULL,
					       &g.err) == 0)
				run(&g);
			assert_true(g.err.code == IMG_OK ||
				    g.err.code == IMG_E_TRUNCATED ||
				    g.err.code == IMG_E_NOT_DICOM ||
				    g.err.code == IMG_E_LIMIT ||
				    g.err.code == IMG_E_MALFORMED);
			rig_free(&g);
		}
}

/* ---- first bytes ------------------------------------------------------ */

static void looks_like(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct made m;
		size_t n;

		if (samples[i].big)
			continue;
		sample_make(&samples[i], &m);
		n = m.b.len < 1024 ? m.b.len : 1024;
		if (samples[i].verdict != IMG_E_NOT_DICOM &&
		    !img_dicom_looks_like(m.b.data, n))
			fail_msg("%s does not look like DICOM",
				 samples[i].name);
		img_buf_release(&m.b);
	}
	assert_false(img_dicom_looks_like("", 0));
	assert_false(img_dicom_looks_like("DICM", 4));
	assert_false(img_dicom_looks_like("PK\3\4\0\0\0\0\0\0\0\0", 12));
	assert_false(img_dicom_looks_like("ISO_IR 100 and more text", 24));
}

/* ---- picking ---------------------------------------------------------- */

static const uint32_t wanted[] = {
	0x00020010, 0x00080005, 0x00080060, 0x00081110,
	0x00100010, 0x00100020, 0x00280010, T_PIXELS,
};
#define WANTED (sizeof(wanted) / sizeof(wanted[0]))

static bool holds(const struct img_dicom_pick *v, const char *text)
{
	return v->present && v->p && v->length == strlen(text) &&
	       memcmp(v->p, text, v->length) == 0;
}

static void pick_one(void (*make)(struct made *), bool from_file,
		     const char *rows)
{
	struct img_dicom_pick out[WANTED];
	char number[32];
	struct rig g;

	rig_new(&g);
	make(&g.m);
	rig_start(&g, NULL, from_file);
	assert_int_equal(img_dicom_pick(g.r, wanted, WANTED, out, &g.err), 0);
	assert_true(holds(&out[1], "ISO_IR 192"));
	assert_true(holds(&out[2], "OT"));
	assert_false(out[3].present);
	assert_true(holds(&out[4], "Test^Synthetic"));
	assert_true(holds(&out[5], "T1"));
	assert_true(img_dicom_number(&out[6], number, sizeof(number)));
	assert_string_equal(number, rows);
	assert_true(out[7].present && out[7].length == 8);
	rig_free(&g);
}

static void picks(void **state)
{
	(void)state;
	for (int file = 0; file < 2; file++) {
		pick_one(s_explicit, file, "2");
		pick_one(s_implicit, file, "2");
		pick_one(s_big, file, "2");
		pick_one(s_deflated, file, "2");
	}
}

/* Many large values: what was kept before stays where the pick says. */
static void picks_grow(void **state)
{
	struct img_dicom_limits l = { .value = 65536 };
	struct img_dicom_pick out[64];
	uint32_t tags[64];
	struct rig g;

	(void)state;
	rig_new(&g);
	m_meta(&g.m, TS_EXPLICIT);
	m_text(&g.m, 0x00090010, "LO", "TEST");
	for (uint32_t i = 0; i < 64; i++) {
		tags[i] = 0x00091000 + i;
		m_head(&g.m, tags[i], "OB", 3000);
		m_fill(&g.m, 3000, (int)i);
	}
	rig_start(&g, &l, true);
	assert_int_equal(img_dicom_pick(g.r, tags, 64, out, &g.err), 0);
	for (uint32_t i = 0; i < 64; i++) {
		assert_int_equal(out[i].length, 3000);
		assert_int_equal(out[i].p[0], i);
		assert_int_equal(out[i].p[2999], i);
	}
	rig_free(&g);
}

/* Of two the first counts, also where tags do not ascend. */
static void picks_first(void **state)
{
	struct img_dicom_pick out[WANTED];
	struct rig g;

	(void)state;
	rig_new(&g);
	s_order(&g.m);
	rig_start(&g, NULL, false);
	assert_int_equal(img_dicom_pick(g.r, wanted, WANTED, out, &g.err), 0);
	assert_true(holds(&out[2], "OT"));
	assert_true(holds(&out[5], "T1"));
	rig_free(&g);

	rig_new(&g);
	s_meta_in_data(&g.m);
	rig_start(&g, NULL, false);
	assert_int_equal(img_dicom_pick(g.r, wanted, WANTED, out, &g.err), 0);
	assert_memory_equal(out[0].p, TS_EXPLICIT, strlen(TS_EXPLICIT));
	rig_free(&g);
}

static void number(const char *vr, const void *p, size_t n, bool big,
		   const char *want)
{
	struct img_dicom_pick v = {
		.p = p, .length = (uint32_t)n, .big = big, .present = true
	};
	char out[32];

	memcpy(v.vr, vr, 3);
	if (!want) {
		assert_false(img_dicom_number(&v, out, sizeof(out)));
		return;
	}
	assert_true(img_dicom_number(&v, out, sizeof(out)));
	assert_string_equal(out, want);
}

static void numbers(void **state)
{
	(void)state;
	number("US", "\1\2", 2, false, "513");
	number("US", "\1\2", 2, true, "258");
	number("SS", "\xFE\xFF", 2, false, "-2");
	number("UL", "\0\0\0\x80", 4, false, "2147483648");
	number("SL", "\0\0\0\x80", 4, false, "-2147483648");
	number("SV", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, false, "-1");
	number("UV", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, true,
	       "18446744073709551615");
	number("FL", "\0\0\x20\x40", 4, false, "2.5");
	number("FD", "\x40\x04\0\0\0\0\0\0", 8, true, "2.5");
	number("AT", "\x10\0\x20\0", 4, false, "1048608");
	number("IS", " 12 ", 4, false, "12");
	number("IS", "12\\13", 5, false, "12");
	number("DS", "-1.5e3", 6, false, "-1.5e3");
	number("IS", "", 0, false, NULL);
	number("IS", "  ", 2, false, NULL);
	number("IS", "1;2", 3, false, NULL);
	number("US", "\1", 1, false, NULL);
	number("FD", "\0\0\0\0\0\0\xF0\x7F", 8, false, NULL);
	number("OB", "\1\2\3\4", 4, false, NULL);
	number("UN", "\1\2\3\4", 4, false, NULL);
}

/* One reader for many inputs, whatever became of the one before. */
static void used_again(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_reader *r = img_dicom_reader_new(&err);
	struct img_dicom_event ev;

	(void)state;
	assert_int_equal(img_dicom_next(r, &ev, &err), -1);
	for (size_t i = 0; i < 2 * SAMPLES; i++) {
		const struct sample *s = &samples[i % SAMPLES];
		struct made m;
		int rc;

		if (s->big)
			continue;
		img_err_clear(&err);
		sample_make(s, &m);
		rc = img_dicom_start_mem(r, m.b.data, m.b.len, "a", NULL, &err);
		while (rc >= 0 && (rc = img_dicom_next(r, &ev, &err)) == 1)
			;
		assert_int_equal(err.code, s->verdict);
		img_buf_release(&m.b);
	}
	img_dicom_reader_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(depths),       cmocka_unit_test(facts),
		cmocka_unit_test(large_values), cmocka_unit_test(value_limit),
		cmocka_unit_test(limits),       cmocka_unit_test(looks_like),
		cmocka_unit_test(picks),        cmocka_unit_test(picks_grow),
		cmocka_unit_test(picks_first),  cmocka_unit_test(numbers),
		cmocka_unit_test(used_again),   cmocka_unit_test(shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
