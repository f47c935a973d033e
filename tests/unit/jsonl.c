/* jsonl - the emitter's bytes, and what the reader takes and refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jsonl/jsonl.h"

static const char *emit(struct img_buf *b, const char *s, size_t n)
{
	struct img_err err = IMG_ERR_INIT;

	img_buf_reset(b);
	assert_int_equal(img_json_str(b, s, n, &err), 0);
	return img_buf_str(b);
}

static void strings(void **state)
{
	static const struct {
		const char *in;
		size_t n;
		const char *out;
	} rows[] = {
		{ "", 0, "\"\"" },
		{ "plain", 5, "\"plain\"" },
		{ "exactly8", 8, "\"exactly8\"" },
		{ "a\"b\\c", 5, "\"a\\\"b\\\\c\"" },
		{ "1234567\"", 8, "\"1234567\\\"\"" },
		{ "12345678\n", 9, "\"12345678\\n\"" },
		{ "\b\t\n\v\f\r", 6, "\"\\b\\t\\n\\u000b\\f\\r\"" },
		{ "\0\x1f\x7f", 3, "\"\\u0000\\u001f\\u007f\"" },
		{ "M\xc3\xbcller", 7, "\"M\xc3\xbcller\"" },
		{ "M\xfcller", 6, "\"M\xef\xbf\xbdller\"" },
		{ "\xe5\xb1\xb1\xf0\x9f\xa9\xbb", 7,
		  "\"\xe5\xb1\xb1\xf0\x9f\xa9\xbb\"" },
		{ "\xe5\xb1", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", 3,
		  "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xc2\x9b"
		  "A",
		  3, "\"\\u009bA\"" },
		{ "\xff", 1, "\"\xef\xbf\xbd\"" },
	};
	struct img_buf b;

	(void)state;
	img_buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(emit(&b, rows[i].in, rows[i].n),
				    rows[i].out);
	img_buf_release(&b);
}

/* Every byte at every place of a word, alone and next to a quote, comes out
   as the reader reads it. */
static void every_byte(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf b;

	(void)state;
	img_buf_init(&b, 1000);
	for (int c = 1; c < 0x80; c++)
		for (size_t at = 0; at < 20; at++) {
			char s[21];
			struct img_json *j;

			memset(s, 'x', 20);
			s[20] = '\0';
			s[at] = (char)c;
			s[(at * 7 + 3) % 20] =
				at & 1 ? '"' : s[(at * 7 + 3) % 20];
			img_buf_reset(&b);
			img_json_open(&b, '{', &err);
			img_json_put(&b, "k", s, &err);
			img_json_close(&b, '}', &err);
			j = img_json_parse(b.data, b.len, &err);
			assert_non_null(j);
			assert_string_equal(img_json_get(j, "k"), s);
			img_json_free(j);
		}
	img_buf_release(&b);
}

static void structure(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf b;

	(void)state;
	img_buf_init(&b, 1000);
	img_json_open(&b, '{', &err);
	img_json_put(&b, "a", "1", &err);
	img_json_put(&b, "none", NULL, &err);
	img_json_put_u64(&b, "n", UINT64_MAX, &err);
	img_json_key(&b, "list", &err);
	img_json_open(&b, '[', &err);
	img_json_u64(&b, 0, &err);
	img_json_str(&b, ":", 1, &err);
	img_json_str(&b, "{", 1, &err);
	img_json_raw(&b, "true", &err);
	img_json_open(&b, '{', &err);
	img_json_close(&b, '}', &err);
	img_json_close(&b, ']', &err);
	img_json_raw(&b, "\"x\":1", &err);
	img_json_close(&b, '}', &err);
	img_buf_putc(&b, '\n', &err);
	img_json_open(&b, '{', &err);
	assert_int_equal(err.code, IMG_OK);
	assert_string_equal(b.data,
			    "{\"a\":\"1\",\"n\":18446744073709551615,"
			    "\"list\":[0,\":\",\"{\",true,{}],\"x\":1}\n{");
	img_buf_release(&b);
}

static void full(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf b;

	(void)state;
	img_buf_init(&b, 6);
	assert_int_equal(img_json_str(&b, "1234", 4, &err), 0);
	img_buf_reset(&b);
	assert_int_equal(img_json_str(&b, "12345", 5, &err), -1);
	assert_int_equal(err.code, IMG_E_LIMIT);
	img_err_clear(&err);
	img_buf_reset(&b);
	assert_int_equal(img_json_str(&b, "12\n\n", 4, &err), -1);
	assert_int_equal(err.code, IMG_E_LIMIT);
	img_buf_release(&b);
}

static enum img_code verdict(const char *s, size_t n)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_json *j = img_json_parse(s, n, &err);

	assert_true((j != NULL) == (err.code == IMG_OK));
	img_json_free(j);
	return err.code;
}

static void takes(void **state)
{
	static const char *const good[] = {
		"{}",
		"{}\n",
		" { \"a\" : 1 , \"b\" : [ ] } \r\n",
		"{\"a\":-0.5e+10,\"b\":[0,-0,10,1.25,1E5,9e-1]}",
		"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"}",
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}",
		"{\"a\":{\"a\":1},\"b\":{\"a\":1}}",
		"{\"a:a\":\":\",\"b\":[\"{:\",true,false,null]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(verdict(good[i], strlen(good[i])), IMG_OK);
}

static const char *const bad[] = {
	"",
	" ",
	"\n",
	"[]",
	"1",
	"\"a\"",
	"null",
	"{",
	"}",
	"{}x",
	"{}{}",
	"{} {}",
	"{\"a\"}",
	"{\"a\":}",
	"{\"a\":1,}",
	"{,\"a\":1}",
	"{\"a\":[1,]}",
	"{'a':1}",
	"{\"a\":'b'}",
	"{a:1}",
	"{\"a\":NaN}",
	"{\"a\":Infinity}",
	"{\"a\":-Infinity}",
	"{\"a\":nan}",
	"{\"a\":TRUE}",
	"{\"a\":01}",
	"{\"a\":-01}",
	"{\"a\":00}",
	"{\"a\":1.}",
	"{\"a\":.5}",
	"{\"a\":-.5}",
	"{\"a\":-}",
	"{\"a\":+1}",
	"{\"a\":1e}",
	"{\"a\":0x10}",
	"{\"a\":1.5.5}",
	"{\"a\":1-1}",
	"{\"a\":1 2}",
	"{/**/}",
	"{}//",
	"{\"a\":\"\t\"}",
	"{\"a\":\"\n\"}",
	"{\n}",
	"{\"a\":\"\\x\"}",
	"{\"a\":\"\\u0000\"}",
	"{\"\\u0000\":1}",
	"{\"a\":1,\"a\":2}",
	"{\"a\":1,\"\\u0061\":2}",
	"{\"b\":{\"a\":1,\"a\":1}}",
	"{\"b\":[{\"a\":1,\"a\":1}]}",
	"{\"a\":\"\xff\"}",
	"{\"a\":\"\xc0\x80\"}",
	"{\"a\":\"\xed\xa0\x80\"}",
	"\xef\xbb\xbf{}",
	"{\"a\":\"b",
	"{\"a\":\"b\\",
	"{\"a\":\"b\\\"}",
};

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (verdict(bad[i], strlen(bad[i])) != IMG_E_MALFORMED)
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(verdict("{}\0", 3), IMG_E_MALFORMED);
	assert_int_equal(verdict("{\"a\":\"\0\"}", 9), IMG_E_MALFORMED);
	assert_int_equal(verdict("{\"a\":[[[[[[[[1]]]]]]]]}", 23), IMG_E_LIMIT);
}

static void size(void **state)
{
	size_t n = IMG_LINE_MAX;
	char *s = malloc(n + 1);

	(void)state;
	assert_non_null(s);
	memset(s, 'x', n + 1);
	memcpy(s, "{\"a\":\"", 6);
	memcpy(s + n - 2, "\"}\n", 3);
	assert_int_equal(verdict(s, n + 1), IMG_OK);
	memcpy(s + n - 1, "\"}", 2);
	s[n - 2] = 'x';
	assert_int_equal(verdict(s, n + 1), IMG_E_LIMIT);
	/* Brackets without end cost neither the stack nor time. */
	memset(s, '[', n);
	memcpy(s, "{\"a\":", 5);
	assert_int_equal(verdict(s, n), IMG_E_LIMIT);
	free(s);
}

static int join(void *arg, const char *key, const char *json,
		struct img_err *err)
{
	return img_buf_printf(arg, err, "<%s=%s>", key, json);
}

static void members(void **state)
{
	static const char line[] =
		"{ \"s\" : \"x\\ny\", \"n\":18446744073709551615 ,\"big\":"
		"18446744073709551616,\"neg\":-1,\"f\":1.50,\"o\":{\"i\":7, "
		"\"p\":{\"q\":\"}\\\"{\"}},\"\\u0061\":[1, 2 ],\"e\":{} }";
	struct img_err err = IMG_ERR_INIT;
	struct img_json *j = img_json_parse(line, sizeof(line) - 1, &err);
	const struct img_json *o, *p;
	struct img_buf b;
	uint64_t v = 0;

	(void)state;
	assert_non_null(j);
	assert_string_equal(img_json_get(j, "s"), "x\ny");
	assert_null(img_json_get(j, "n"));
	assert_null(img_json_get(j, "absent"));
	assert_true(img_json_has(j, "a"));
	assert_false(img_json_has(j, "absent"));
	assert_true(img_json_get_u64(j, "n", &v));
	assert_true(v == UINT64_MAX);
	assert_false(img_json_get_u64(j, "big", &v));
	assert_false(img_json_get_u64(j, "neg", &v));
	assert_false(img_json_get_u64(j, "f", &v));
	assert_false(img_json_get_u64(j, "s", &v));
	o = img_json_sub(j, "o");
	assert_non_null(o);
	assert_true(img_json_get_u64(o, "i", &v));
	assert_int_equal(v, 7);
	p = img_json_sub(o, "p");
	assert_non_null(p);
	assert_string_equal(img_json_get(p, "q"), "}\"{");
	assert_null(img_json_sub(j, "s"));
	img_buf_init(&b, 1000);
	assert_int_equal(img_json_each(j, join, &b, &err), 0);
	assert_string_equal(
		b.data,
		"<s=\"x\\ny\"><n=18446744073709551615>"
		"<big=18446744073709551616><neg=-1><f=1.50>"
		"<o={\"i\":7, \"p\":{\"q\":\"}\\\"{\"}}><a=[1, 2 ]><e={}>");
	img_buf_reset(&b);
	assert_int_equal(img_json_each(o, join, &b, &err), 0);
	assert_string_equal(b.data, "<i=7><p={\"q\":\"}\\\"{\"}>");
	img_buf_release(&b);
	img_json_free(j);
	img_json_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings),   cmocka_unit_test(every_byte),
		cmocka_unit_test(structure), cmocka_unit_test(full),
		cmocka_unit_test(takes),     cmocka_unit_test(refuses),
		cmocka_unit_test(size),      cmocka_unit_test(members),
	};

	return cmocka_run_group_tests_name("jsonl", tests, NULL, NULL);
}
