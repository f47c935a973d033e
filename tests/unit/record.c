/* record - what is written, what is read, what passes through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record/record.h"

static char *written(const struct img_record *r)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf b;

	img_buf_init(&b, 2 * IMG_LINE_MAX);
	assert_int_equal(img_record_write(r, "imgtest", &b, &err), 0);
	return b.data;
}

/* Parses line and expects what is written then. */
static void rides(const char *line, const char *want)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_record r;
	char *got;

	assert_int_equal(img_record_parse(&r, line, strlen(line), &err), 0);
	got = written(&r);
	assert_string_equal(got, want);
	free(got);
	img_record_release(&r);
}

static void order(void **state)
{
	struct img_record r;
	char *got;

	(void)state;
	img_record_init(&r);
	r.status = "stored";
	r.path = "in/\"a\".dcm";
	r.study = "2.25.1";
	r.series = "2.25.2";
	r.sop = "2.25.3";
	r.sop_class = "1.2.840.10008.5.1.4.1.1.2";
	r.transfer_syntax = "1.2.840.10008.1.2.1";
	r.modality = "CT";
	r.has_bytes = true;
	r.bytes = 0;
	r.digest = "9f";
	r.reason = "why";
	r.extra = "\"members\":12";
	img_record_warn(&r, "one");
	img_record_warn(&r, "two");
	img_record_warn(&r, "one");
	got = written(&r);
	assert_string_equal(
		got, "{\"status\":\"stored\",\"path\":\"in/\\\"a\\\".dcm\","
		     "\"StudyInstanceUID\":\"2.25.1\","
		     "\"SeriesInstanceUID\":\"2.25.2\","
		     "\"SOPInstanceUID\":\"2.25.3\","
		     "\"SOPClassUID\":\"1.2.840.10008.5.1.4.1.1.2\","
		     "\"TransferSyntaxUID\":\"1.2.840.10008.1.2.1\","
		     "\"Modality\":\"CT\",\"bytes\":0,\"digest\":\"9f\","
		     "\"reason\":\"why\",\"warning\":[\"one\",\"two\"],"
		     "\"members\":12}\n");
	free(got);
	img_record_release(&r);
}

static void empty(void **state)
{
	struct img_record r;
	char *got;

	(void)state;
	img_record_init(&r);
	got = written(&r);
	assert_string_equal(got, "{}\n");
	free(got);
	for (size_t i = 0; i < 2 * IMG_RECORD_WARNINGS; i++)
		img_record_warn(&r, i & 1 ? "a" : "b");
	assert_int_equal(r.warnings, 2);
}

static void error(void **state)
{
	struct img_record r;
	char *got;

	(void)state;
	img_record_init(&r);
	r.path = "b.dcm";
	img_err_set(&r.error, IMG_E_TRUNCATED, "b.dcm: ends at byte 7");
	got = written(&r);
	assert_string_equal(got,
			    "{\"status\":\"failed\",\"path\":\"b.dcm\","
			    "\"error\":{\"code\":\"truncated\",\"message\":"
			    "\"b.dcm: ends at byte 7\",\"by\":\"imgtest\"}}\n");
	free(got);
	r.status = "rejected";
	r.error_by = "imgimport";
	got = written(&r);
	assert_string_equal(got,
			    "{\"status\":\"rejected\",\"path\":\"b.dcm\","
			    "\"error\":{\"code\":\"truncated\",\"message\":"
			    "\"b.dcm: ends at byte 7\","
			    "\"by\":\"imgimport\"}}\n");
	free(got);
	img_record_release(&r);
}

static void passes(void **state)
{
	(void)state;
	rides("{}", "{}\n");
	rides("{\"x\":99999999999999999999999,\"path\":\"a\",\"y\":{\"z\":"
	      "[1, 2.50,null]},\"status\":\"s\"}\n",
	      "{\"status\":\"s\",\"path\":\"a\",\"x\":99999999999999999999999,"
	      "\"y\":{\"z\":[1, 2.50,null]}}\n");
	rides("{\"PatientName\":\"\\u5c71\",\"k\\\"\":1}",
	      "{\"PatientName\":\"\\u5c71\",\"k\\\"\":1}\n");
	rides("{\"bytes\":18446744073709551615,\"warning\":[\"w\",\"v\"]}",
	      "{\"bytes\":18446744073709551615,\"warning\":[\"w\",\"v\"]}\n");
	rides("{\"error\":{\"code\":\"io\",\"message\":\"m\",\"by\":\"b\"}}",
	      "{\"status\":\"failed\",\"error\":{\"code\":\"io\","
	      "\"message\":\"m\",\"by\":\"b\"}}\n");
}

/* What extra says anew replaces what came in: no key stands twice. */
static void extra_wins(void **state)
{
	static const char line[] = "{\"members\":1,\"other\":2}";
	struct img_err err = IMG_ERR_INIT;
	struct img_record r;
	char *got;

	(void)state;
	assert_int_equal(img_record_parse(&r, line, sizeof(line) - 1, &err), 0);
	r.status = "done";
	r.extra = "\"members\":12,\"more\":[]";
	got = written(&r);
	assert_string_equal(got, "{\"status\":\"done\",\"members\":12,"
				 "\"more\":[],\"other\":2}\n");
	free(got);
	img_record_release(&r);
}

static void wrong_types(void **state)
{
	static const char *const bad[] = {
		"{\"status\":1}",
		"{\"path\":null}",
		"{\"digest\":[]}",
		"{\"SOPInstanceUID\":2.25}",
		"{\"bytes\":\"12\"}",
		"{\"bytes\":-1}",
		"{\"bytes\":1.5}",
		"{\"error\":\"io\"}",
		"{\"error\":[]}",
		"{\"path\":\"a\",\"path\":\"b\"}",
		"{\"bytes\":18446744073709551616}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct img_err err = IMG_ERR_INIT;
		struct img_record r;

		if (img_record_parse(&r, bad[i], strlen(bad[i]), &err) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(err.code, IMG_E_MALFORMED);
		assert_null(r.in);
	}
}

/* An error without code or message is an error all the same. */
static void odd_errors(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_record r;
	char line[2000] = "{\"error\":{\"message\":\"x";
	size_t n = strlen(line);

	(void)state;
	assert_int_equal(img_record_parse(&r, "{\"error\":{}}", 12, &err), 0);
	assert_int_not_equal(r.error.code, IMG_OK);
	img_record_release(&r);
	assert_int_equal(
		img_record_parse(&r, "{\"error\":{\"code\":\"ok\"}}", 23, &err),
		0);
	assert_int_not_equal(r.error.code, IMG_OK);
	img_record_release(&r);
	/* A long message is cut between characters. */
	for (size_t i = 0; i < 600; i++, n += 2)
		memcpy(line + n, "\xc3\xbc", 2);
	memcpy(line + n, "\"}}", 4);
	assert_int_equal(img_record_parse(&r, line, strlen(line), &err), 0);
	assert_int_equal(strlen(r.error.text), 511);
	assert_true(img_utf8_ok(r.error.text, 511));
	img_record_release(&r);
}

static void too_long(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_record r;
	struct img_buf b;
	char *path = malloc(IMG_LINE_MAX + 1);

	(void)state;
	assert_non_null(path);
	memset(path, 'p', IMG_LINE_MAX);
	path[IMG_LINE_MAX - 12] = '\0'; /* {"path":"..."}\n */
	img_record_init(&r);
	r.path = path;
	img_buf_init(&b, 2 * IMG_LINE_MAX);
	assert_int_equal(img_buf_puts(&b, "{}\n", &err), 0);
	assert_int_equal(img_record_write(&r, "imgtest", &b, &err), 0);
	assert_int_equal(b.len, 3 + IMG_LINE_MAX);
	b.len = 3;
	path[IMG_LINE_MAX - 12] = 'p';
	path[IMG_LINE_MAX - 11] = '\0';
	assert_int_equal(img_record_write(&r, "imgtest", &b, &err), -1);
	assert_int_equal(err.code, IMG_E_LIMIT);
	assert_int_equal(b.len, 3);
	assert_string_equal(b.data, "{}\n");
	img_buf_release(&b);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),      cmocka_unit_test(empty),
		cmocka_unit_test(error),      cmocka_unit_test(passes),
		cmocka_unit_test(extra_wins), cmocka_unit_test(wrong_types),
		cmocka_unit_test(odd_errors), cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
