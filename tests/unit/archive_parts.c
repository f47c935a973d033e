/* archive_parts - names, the end of a zip, windows of xz and zstd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "archive/parts.h"

/* ---- names ------------------------------------------------------------------------ */

static void named(const char *raw, enum img_name_from from, const char *want,
		  const char *why)
{
	char out[IMG_PATH_MAX];
	const char *got = img_archive_name(out, raw, from);

	if (why)
		assert_string_equal(got ? got : "(accepted)", why);
	else
		assert_null(got);
	if (want)
		assert_string_equal(out, want);
}

static void test_names(void **state)
{
	static const char dots[] = "name with '..'", abs[] = "absolute name",
			  drive[] = "name with a drive letter";

	(void)state;
	named("a/b", IMG_NAME_TAR, "a/b", NULL);
	named("./a//b/./c/", IMG_NAME_TAR, "a/b/c", NULL);
	named("./", IMG_NAME_TAR, ".", NULL);
	named("a\\b", IMG_NAME_ZIP, "a/b", NULL);
	named("...", IMG_NAME_TAR, "...", NULL);
	named("..a/b..", IMG_NAME_TAR, "..a/b..", NULL);
	named("", IMG_NAME_TAR, NULL, "empty name");
	named("..", IMG_NAME_TAR, NULL, dots);
	named("a/..", IMG_NAME_TAR, NULL, dots);
	named("a/../b", IMG_NAME_TAR, NULL, dots);
	named("a\\..\\..\\y", IMG_NAME_ZIP, NULL, dots);
	named("/", IMG_NAME_TAR, NULL, abs);
	named("/a", IMG_NAME_TAR, NULL, abs);
	named("\\\\server\\share", IMG_NAME_ZIP, NULL, abs);
	named("C:\\x", IMG_NAME_ZIP, NULL, drive);
	named("c:x", IMG_NAME_TAR, NULL, drive);
	named("IM1.;1", IMG_NAME_ISO, "IM1", NULL);
	named("A/IM1.DCM;12", IMG_NAME_ISO, "A/IM1.DCM", NULL);
	named("A;B", IMG_NAME_ISO, "A;B", NULL);
	named("..;1", IMG_NAME_ISO, NULL, dots);
	named("A/..;2", IMG_NAME_ISO, NULL, dots);
	named("A\\..;1", IMG_NAME_ISO, NULL, dots);
	named("A/.;1", IMG_NAME_ISO, "A", NULL);
	named("A/;1", IMG_NAME_ISO, "A", NULL);
	named("IM1.;1", IMG_NAME_TAR, "IM1.;1", NULL);
	named("a\tb\x7F"
	      "c\xC2\x9B"
	      "d",
	      IMG_NAME_TAR, "a?b?c?d", NULL);
	named("\xC3\xBC\xFF\xE3\x81", IMG_NAME_TAR, "\xC3\xBC???", NULL);
	named("\x81", IMG_NAME_ZIP, "\xC3\xBC", NULL);
	named("\xC3\xBC", IMG_NAME_ZIP, "\xC3\xBC", NULL);
}

static void test_long_names(void **state)
{
	static char raw[70000];
	char out[IMG_PATH_MAX];

	(void)state;
	for (size_t n = 4000; n < 5000; n++) {
		const char *why;

		memset(raw, n % 2 ? 'x' : '\x81', n);
		raw[n] = '\0';
		why = img_archive_name(out, raw, IMG_NAME_ZIP);
		if (why)
			assert_string_equal(why, "name longer than 4095 bytes");
		else
			assert_true(n % 2 && strlen(out) == n);
		assert_true(strlen(out) < IMG_PATH_MAX);
	}
	memset(raw, 'x', sizeof(raw) - 1);
	assert_non_null(img_archive_name(out, raw, IMG_NAME_TAR));
}

/* ---- the end of a zip --------------------------------------------------------------- */

static void test_zip_end(void **state)
{
	struct img_zip_end e;
	uint8_t p[200] = { 0 };

	(void)state;
	img_zip_end(&e, p, sizeof(p));
	assert_false(e.found);
	memcpy(p + 100, "PK\5\6\0\0\0\0\3\0\3\0", 12);
	img_zip_end(&e, p, 122);
	assert_true(e.found && !e.split && e.members == 3);
	img_zip_end(&e, p, 121);
	assert_false(e.found);
	p[120] = 200; /* a comment longer than what follows */
	img_zip_end(&e, p, 130);
	assert_false(e.found);
	p[120] = 8;
	p[104] = 1;
	img_zip_end(&e, p, 130);
	assert_true(e.found && e.split);
	p[104] = 0;
	memcpy(p + 80, "PK\6\7", 4);
	memcpy(p + 24, "PK\6\6", 4);
	p[24 + 32 + 2] = 1;
	img_zip_end(&e, p, 130);
	assert_true(e.found && e.members == 65536);
}

/* ---- windows ------------------------------------------------------------------------ */

/* Passes p in steps; the bytes that went through. */
static size_t passes(enum img_filter_kind kind, const void *p, size_t n,
		     size_t step, enum img_code want)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_window *w = img_window_new(kind, "w", &err);
	size_t at = 0, k, got;

	assert_non_null(w);
	while (at < n && err.code == IMG_OK) {
		k = n - at < step ? n - at : step;
		got = img_window_pass(w, (const uint8_t *)p + at, k, &err);
		assert_true(got == k || err.code != IMG_OK);
		at += got;
	}
	assert_int_equal(err.code, want);
	img_window_free(w);
	return at;
}

static void test_window(void **state)
{
	/* stored block of 3 bytes, then a frame that asks for 2 GiB */
	static const char zstd[] = "\x28\xB5\x2F\xFD\0\0\x19\0\0abc"
				   "\x50\x2A\x4D\x18\2\0\0\0zz"
				   "\x28\xB5\x2F\xFD\0\xA8\x19\0\0abc";
	static const char xz[] = "\xFD"
				 "7zXZ\0\0\1iCRC"
				 "\2\0\x21\1\x08\0\0\0CRC4"
				 "\1\0\2abc\0\0CRC4"
				 "\2\0\x21\1\x28\0\0\0CRC4\1\0\2abc\0\0CRC4";

	(void)state;
	for (size_t step = 1; step < 80; step++) {
		passes(IMG_FILTER_ZSTD, zstd, 22, step, IMG_OK);
		assert_true(passes(IMG_FILTER_ZSTD, zstd, sizeof(zstd) - 1,
				   step, IMG_E_LIMIT) <= 22 + 5);
		passes(IMG_FILTER_XZ, xz, 36, step, IMG_OK);
		assert_true(passes(IMG_FILTER_XZ, xz, sizeof(xz) - 1, step,
				   IMG_E_LIMIT) <= 36 + 11);
	}
	passes(IMG_FILTER_ZSTD, "no frame", 8, 8, IMG_E_MALFORMED);
	passes(IMG_FILTER_XZ, "no stream at all", 16, 3, IMG_E_MALFORMED);
}

/* ---- offsets --------------------------------------------------------------------- */

/* Offsets are an archive's word, and what stands before it counts, too. */
static void test_offsets(void **state)
{
	FILE *f = tmpfile();
	struct img_err err = IMG_ERR_INIT;
	struct img_source s;
	const void *p;

	(void)state;
	assert_non_null(f);
	assert_int_equal(fwrite("before0123456789", 1, 16, f), 16);
	assert_int_equal(fflush(f), 0);
	assert_int_equal(lseek(fileno(f), 6, SEEK_SET), 6);
	assert_int_equal(img_source_fd(&s, fileno(f), "file", &err), 0);
	assert_int_equal(img_source_seek(&s, INT64_MAX), -1);
	assert_int_equal(img_source_seek(&s, 11), -1);
	assert_int_equal(img_source_seek(&s, -1), -1);
	assert_int_equal(img_source_read(&s, &p), 10);
	assert_int_equal(img_source_seek(&s, 10), 10);
	assert_int_equal(img_source_read(&s, &p), 0);
	assert_int_equal(img_source_seek(&s, 7), 7);
	assert_int_equal(img_source_read(&s, &p), 3);
	assert_memory_equal(p, "789", 3);
	assert_int_equal(img_source_seek(&s, 2), 2);
	assert_int_equal(img_source_skip(&s, INT64_MAX), 8);
	assert_int_equal(img_source_skip(&s, INT64_MAX), 0);
	assert_int_equal(img_source_read(&s, &p), 0);
	assert_int_equal(s.err.code, IMG_OK);
	img_source_release(&s);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_zip_end),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_offsets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
