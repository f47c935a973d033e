/* base - failures, buffers, paths, files, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

static void failure(void **state)
{
	struct img_err err = IMG_ERR_INIT;

	(void)state;
	assert_int_equal(img_err_set(&err, IMG_E_LIMIT, "%s: %d", "a", 7), -1);
	assert_int_equal(err.code, IMG_E_LIMIT);
	assert_string_equal(err.text, "a: 7");
	assert_int_equal(img_err_set(&err, IMG_E_BUG, "later"), -1);
	errno = EIO;
	assert_int_equal(img_err_sys(&err, "later"), -1);
	assert_string_equal(err.text, "a: 7");
	img_err_clear(&err);
	errno = ENOENT;
	img_err_sys(&err, "%s", "a.dcm");
	assert_int_equal(err.code, IMG_E_IO);
	assert_string_equal(err.text, "a.dcm: No such file or directory");
}

static void long_failure(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	char path[2001];

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		memcpy(path + 2 * i, "\xc3\xbc", 2);
	path[2000] = '\0';
	for (int shift = 0; shift < 2; shift++) {
		img_err_clear(&err);
		errno = EACCES;
		img_err_sys(&err, "%s%s", shift ? "x" : "", path);
		assert_int_equal(err.code, IMG_E_DENIED);
		assert_true(strlen(err.text) < sizeof(err.text));
		assert_true(img_utf8_ok(err.text, strlen(err.text)));
		assert_non_null(strstr(err.text, "...: Permission denied"));
	}
	for (int shift = 0; shift < 2; shift++) {
		img_err_clear(&err);
		img_err_set(&err, IMG_E_IO, "%s%s: bad at %d", shift ? "x" : "",
			    path, 7);
		assert_true(strlen(err.text) > sizeof(err.text) - 8);
		assert_true(img_utf8_ok(err.text, strlen(err.text)));
		assert_memory_equal(err.text, shift ? "x\xc3" : "\xc3\xbc", 2);
		assert_non_null(strstr(err.text, "\xbc: bad at 7"));
	}
}

static void codes(void **state)
{
	static const int each[][2] = {
		{ ENOMEM, IMG_E_NOMEM }, { EACCES, IMG_E_DENIED },
		{ EROFS, IMG_E_DENIED }, { EBUSY, IMG_E_BUSY },
		{ EMFILE, IMG_E_BUSY },  { ENOSPC, IMG_E_IO },
		{ EPIPE, IMG_E_IO },     { 99999, IMG_E_IO },
	};

	(void)state;
	for (int c = IMG_E_NOT_DICOM; c < IMG_E_NOMEM; c++)
		assert_int_equal(img_code_of(img_code_word((enum img_code)c)),
				 c);
	assert_string_equal(img_code_word(IMG_E_NOMEM), "limit");
	assert_string_equal(img_code_word((enum img_code)999), "bug");
	assert_int_equal(img_code_of("ok"), IMG_E_BUG);
	assert_int_equal(img_code_of(""), IMG_E_BUG);
	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		struct img_err err = IMG_ERR_INIT;

		errno = each[i][0];
		img_err_sys(&err, "x");
		assert_int_equal(err.code, each[i][1]);
	}
}

static void buffer(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf b;

	(void)state;
	img_buf_init(&b, 10);
	assert_string_equal(img_buf_str(&b), "");
	img_buf_reset(&b);
	assert_int_equal(img_buf_add(&b, NULL, 0, &err), 0);
	assert_int_equal(img_buf_puts(&b, "abc", &err), 0);
	assert_int_equal(img_buf_putc(&b, 'd', &err), 0);
	assert_int_equal(img_buf_printf(&b, &err, "%d", 567890), 0);
	assert_string_equal(b.data, "abcd567890");
	assert_int_equal(b.len, 10);
	assert_int_equal(img_buf_putc(&b, 'x', &err), -1);
	assert_int_equal(err.code, IMG_E_LIMIT);
	assert_string_equal(b.data, "abcd567890");
	img_err_clear(&err);
	assert_int_equal(img_buf_printf(&b, &err, "%s", "x"), -1);
	assert_int_equal(img_buf_grow(&b, SIZE_MAX, &err), -1);
	assert_string_equal(b.data, "abcd567890");
	img_buf_reset(&b);
	assert_string_equal(b.data, "");
	img_buf_release(&b);
	img_buf_release(&b);
	assert_int_equal(b.max, 10);
}

/* Memory stays near the ceiling, too. */
static void ceiling(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf b;

	(void)state;
	img_buf_init(&b, 100000);
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(img_buf_putc(&b, 'x', &err), 0);
	assert_int_equal(img_buf_putc(&b, 'x', &err), -1);
	assert_true(b.room <= 100001);
	img_buf_release(&b);
}

static void paths(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	char out[8];

	(void)state;
	assert_int_equal(img_path_join(out, 8, "a", "b", &err), 0);
	assert_string_equal(out, "a/b");
	assert_int_equal(img_path_join(out, 8, "/", "b", &err), 0);
	assert_string_equal(out, "/b");
	assert_int_equal(img_path_join(out, 8, "a/", "bcdef", &err), 0);
	assert_string_equal(out, "a/bcdef");
	assert_int_equal(img_path_join(out, 8, "a", "bcdefg", &err), -1);
	assert_int_equal(err.code, IMG_E_LIMIT);
	assert_string_equal(img_path_base("a/b/c"), "c");
	assert_string_equal(img_path_base("c"), "c");
	assert_string_equal(img_path_base("a/"), "");
	assert_true(img_path_has_ext("a.DCM", ".dcm"));
	assert_true(img_path_has_ext(".dcm", ".dcm"));
	assert_false(img_path_has_ext("dcm", ".dcm"));
	assert_false(img_path_has_ext("a.dcm.x", ".dcm"));
}

static void files(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	char name[] = P_tmpdir "/imgtest-base.XXXXXX", in[16] = "";
	int fd = mkstemp(name), ends[2], was;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(img_write_full(fd, "0123456789", 10), 0);
	assert_int_equal(img_pread_full(fd, in, 16, 4), 6);
	assert_memory_equal(in, "456789", 6);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(img_read_full(fd, in, 4), 4);
	assert_int_equal(img_read_full(fd, in, 16), 6);
	assert_int_equal(img_read_full(fd, in, 16), 0);
	assert_int_equal(img_sync_fd(fd, name, &err), 0);
	was = fd;
	assert_int_equal(img_close(&fd, name, &err), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(img_close(&fd, name, &err), 0);
	assert_int_equal(img_close(&was, name, &err), -1);
	assert_int_equal(err.code, IMG_E_IO);
	assert_int_equal(img_read_full(-1, in, 1), -1);
	assert_int_equal(img_write_full(-1, in, 1), -1);
	img_err_clear(&err);
	assert_int_equal(img_sync_fd(-1, "x", &err), -1);
	assert_string_equal(err.text, "x: sync: Bad file descriptor");
	/* Short reads are put together. */
	assert_int_equal(pipe(ends), 0);
	if (fork() == 0) {
		for (int i = 0; i < 5; i++) {
			usleep(2000);
			(void)!write(ends[1], "ab", 2);
		}
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(img_read_full(ends[0], in, 16), 10);
	close(ends[0]);
	wait(NULL);
	unlink(name);
}

static void locks(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	char name[] = P_tmpdir "/imgtest-base.XXXXXX";
	int a = mkstemp(name), b = open(name, O_RDWR | O_CLOEXEC), status;
	double before = img_time_mono();

	(void)state;
	assert_true(a >= 0 && b >= 0);
	assert_int_equal(img_lock(a, true, 0, name, &err), 0);
	assert_int_equal(img_lock(b, true, 0, name, &err), -1);
	assert_int_equal(err.code, IMG_E_BUSY);
	img_err_clear(&err);
	assert_int_equal(img_lock(b, false, 1, name, &err), -1);
	assert_int_equal(err.code, IMG_E_BUSY);
	assert_true(img_time_mono() - before >= 1);
	img_err_clear(&err);
	img_unlock(a);
	assert_int_equal(img_lock(a, false, 0, name, &err), 0);
	assert_int_equal(img_lock(b, false, 0, name, &err), 0);
	img_unlock(a);
	img_unlock(b);
	/* Whoever is killed lets go. */
	if (fork() == 0) {
		struct img_err e = IMG_ERR_INIT;
		int c = open(name, O_RDWR);

		if (img_lock(c, true, 0, name, &e) == 0)
			raise(SIGKILL);
		_exit(0);
	}
	wait(&status);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(img_lock(a, true, 0, name, &err), 0);
	close(a);
	close(b);
	unlink(name);
}

static void numbers(void **state)
{
	uint64_t v = 7;

	(void)state;
	assert_true(img_parse_u64("0", 10, &v));
	assert_int_equal(v, 0);
	assert_true(img_parse_u64("18446744073709551615", UINT64_MAX, &v));
	assert_true(v == UINT64_MAX);
	assert_false(img_parse_u64("18446744073709551616", UINT64_MAX, &v));
	assert_false(img_parse_u64("99999999999999999999", UINT64_MAX, &v));
	assert_true(img_parse_u64("0010", 10, &v));
	assert_false(img_parse_u64("11", 10, &v));
	assert_false(img_parse_u64("", 10, &v));
	assert_false(img_parse_u64("-1", 10, &v));
	assert_false(img_parse_u64(" 1", 10, &v));
	assert_false(img_parse_u64("1 ", 10, &v));
	assert_int_equal(v, 10);
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t v;
	} good[] = {
		{ "0", 0 },
		{ "12", 12 },
		{ "12B", 12 },
		{ "9007199254740993", 9007199254740993 },
		{ "64KiB", 65536 },
		{ "1k", 1024 },
		{ "700M", 734003200 },
		{ "4.7G", 5046586572 },
		/* Less than the 2295104 sectors of a DVD: imgexport(1). */
		{ "4.37G", 4692251770 },
		{ "1.5KB", 1536 },
		{ "2T", 2199023255552 },
		{ "9223372036854775807", INT64_MAX },
	};
	static const char *const bad[] = { "",
					   "-1",
					   "+1",
					   " 1",
					   "x",
					   "M",
					   "1 M",
					   "1Q",
					   "1MM",
					   "1Mi",
					   "1e3",
					   "0x10",
					   "1.5",
					   "1.",
					   ".5M",
					   "1.5.5M",
					   "1,5M",
					   "inf",
					   "9223372036854775808",
					   "9999999T",
					   "1\xdf" };
	uint64_t v = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!img_parse_size(good[i].text, &v))
			fail_msg("not taken: %s", good[i].text);
		assert_true(v == good[i].v);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (img_parse_size(bad[i], &v))
			fail_msg("taken: %s", bad[i]);
}

static void hex(void **state)
{
	uint8_t bytes[3] = { 0x00, 0x9f, 0xff }, back[3];
	char text[7];

	(void)state;
	img_hex(text, bytes, 3);
	assert_string_equal(text, "009fff");
	assert_true(img_unhex(back, 3, text));
	assert_memory_equal(bytes, back, 3);
	assert_false(img_unhex(back, 3, "009ff"));
	assert_false(img_unhex(back, 3, "009fff0"));
	assert_false(img_unhex(back, 3, "009fFF"));
	assert_false(img_unhex(back, 3, "009fgf"));
	assert_false(img_unhex(back, 3, ""));
}

static void utf8(void **state)
{
	static const char *const good[] = { "",
					    "plain",
					    "\xc2\x80",
					    "\xdf\xbf",
					    "\xe0\xa0\x80",
					    "\xed\x9f\xbf",
					    "\xee\x80\x80",
					    "\xef\xbf\xbf",
					    "\xf0\x90\x80\x80",
					    "\xf4\x8f\xbf\xbf",
					    "a\xc3\xbcz" };
	static const char *const bad[] = { "\x80",
					   "\xbf",
					   "\xc0\x80",
					   "\xc1\xbf",
					   "\xc2",
					   "\xc2\x41",
					   "\xc2\xc2",
					   "\xe0\x9f\xbf",
					   "\xe0\xa0",
					   "\xed\xa0\x80",
					   "\xed\xbf\xbf",
					   "\xf0\x8f\xbf\xbf",
					   "\xf4\x90\x80\x80",
					   "\xf5\x80\x80\x80",
					   "\xff",
					   "\xfe",
					   "a\xf0\x90\x80",
					   "\xe0\xa0\x41",
					   "\xf0\x90\x80\x41" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(img_utf8_ok(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(img_utf8_ok(bad[i], strlen(bad[i])));
	assert_true(img_utf8_ok("a\0b", 3));
	/* The length counts, not what lies behind. */
	assert_false(img_utf8_ok("\xc3\xbc", 1));
}

static void clock_is_utc(void **state)
{
	char now[IMG_TIME_MAX];

	(void)state;
	setenv("TZ", "Asia/Tokyo", 1);
	img_time_now(now);
	assert_int_equal(strlen(now), 20);
	assert_int_equal(now[10], 'T');
	assert_int_equal(now[19], 'Z');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failure),      cmocka_unit_test(long_failure),
		cmocka_unit_test(codes),        cmocka_unit_test(buffer),
		cmocka_unit_test(ceiling),      cmocka_unit_test(paths),
		cmocka_unit_test(files),        cmocka_unit_test(locks),
		cmocka_unit_test(numbers),      cmocka_unit_test(sizes),
		cmocka_unit_test(hex),          cmocka_unit_test(utf8),
		cmocka_unit_test(clock_is_utc),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
