/* archive_write - tar, zip and ISO written and read back by the same room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "archive/archive.h"

static const char *const names[] = { "DICOM/A/IM000001", "DICOM/A/IM000002",
				     "Ein sehr langer Name \xc3\xbc.dcm",
				     "README.TXT" };
#define NAMES (sizeof(names) / sizeof(*names))

static struct img_archive_make how(enum img_archive_kind kind)
{
	struct img_archive_make h = { .kind = kind,
				      .time = 1700000000,
				      .volume = "TEST_1",
				      .names = names,
				      .n = NAMES };

	return h;
}

static FILE *start(struct img_archive_out **o, const struct img_archive_make *h)
{
	struct img_err err = IMG_ERR_INIT;
	FILE *f = tmpfile();

	assert_non_null(f);
	assert_int_equal(img_archive_create(o, fileno(f), "test", h, &err), 0);
	return f;
}

/* Sizes about a sector: none, one byte, a sector, a little more. */
static size_t size_of(size_t i)
{
	static const size_t size[] = { 0, 1, 2048, 5000 };

	return size[i % 4];
}

static void write_all(struct img_archive_out *o, size_t n)
{
	struct img_err err = IMG_ERR_INIT;
	char bytes[5000];

	for (size_t i = 0; i < n; i++) {
		memset(bytes, 'a' + (int)i, sizeof(bytes));
		assert_int_equal(img_archive_begin(o, names[i], size_of(i),
						   1600000000 + (int)i, &err),
				 0);
		assert_int_equal(img_archive_put(o, bytes, size_of(i), &err),
				 0);
	}
	assert_int_equal(img_archive_finish(o, &err), 0);
	img_archive_discard(o);
}

static void read_all(FILE *f, size_t n)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_archive *a;
	struct img_member m;
	char got[6000];
	size_t files = 0;

	rewind(f);
	lseek(fileno(f), 0, SEEK_SET);
	assert_int_equal(img_archive_open_fd(&a, fileno(f), "test", NULL, &err),
			 0);
	while (img_archive_next(a, &m, &err) == 1) {
		size_t i = 0;

		if (m.kind == IMG_MEMBER_FOLDER)
			continue;
		while (i < NAMES && strcmp(names[i], m.name) != 0)
			i++;
		assert_true(i < NAMES);
		assert_int_equal(m.mtime, 1600000000 + (int)i);
		assert_int_equal(img_archive_read(a, got, sizeof(got), &err),
				 size_of(i));
		for (size_t k = 0; k < size_of(i); k++)
			assert_int_equal(got[k], 'a' + (int)i);
		files++;
	}
	assert_int_equal(err.code, IMG_OK);
	assert_int_equal(files, n);
	img_archive_close(a);
}

static void round_trip(enum img_archive_kind kind, size_t n)
{
	struct img_archive_make h = how(kind);
	struct img_archive_out *o;
	FILE *f = start(&o, &h);

	write_all(o, n);
	read_all(f, n);
	fclose(f);
}

static void test_forms(void **state)
{
	(void)state;
	for (size_t n = 1; n <= NAMES; n++) {
		round_trip(IMG_ARCHIVE_TAR, n);
		round_trip(IMG_ARCHIVE_ZIP, n);
		/* Names that were announced need not come. */
		round_trip(IMG_ARCHIVE_ISO, n);
	}
}

static void test_limits(void **state)
{
	struct img_archive_make h = how(IMG_ARCHIVE_ISO);
	struct img_err err = IMG_ERR_INIT;
	struct img_archive_out *o;
	FILE *f = start(&o, &h);

	(void)state;
	assert_int_equal(
		img_archive_begin(o, "A", IMG_ISO_MEMBER_MAX + 1, 0, &err), -1);
	assert_int_equal(err.code, IMG_E_LIMIT);
	img_archive_discard(o);
	fclose(f);
}

static void test_lengths(void **state)
{
	static const enum img_archive_kind kind[] = { IMG_ARCHIVE_TAR,
						      IMG_ARCHIVE_ZIP,
						      IMG_ARCHIVE_ISO };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct img_archive_make h = how(kind[i]);
		struct img_err err = IMG_ERR_INIT;
		struct img_archive_out *o;
		FILE *f = start(&o, &h);

		assert_int_equal(img_archive_begin(o, "A", 2, 0, &err), 0);
		assert_int_equal(img_archive_put(o, "xyz", 3, &err), -1);
		assert_int_equal(err.code, IMG_E_BUG);
		img_err_clear(&err);
		assert_int_equal(img_archive_put(o, "x", 1, &err), 0);
		assert_int_equal(img_archive_finish(o, &err), -1);
		assert_int_equal(err.code, IMG_E_BUG);
		img_archive_discard(o);
		fclose(f);
	}
}

/* More names than there is room for in front of the members. */
static void test_room(void **state)
{
	struct img_archive_make h = how(IMG_ARCHIVE_ISO);
	struct img_err err = IMG_ERR_INIT;
	struct img_archive_out *o;
	char name[64];
	FILE *f;

	(void)state;
	h.n = 1;
	f = start(&o, &h);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "F%05u/X", i);
		assert_int_equal(img_archive_begin(o, name, 0, 0, &err), 0);
	}
	assert_int_equal(img_archive_finish(o, &err), -1);
	assert_int_equal(err.code, IMG_E_BUG);
	img_archive_discard(o);
	fclose(f);
}

/* What cannot be written is said, and nothing leaks. */
static void test_full(void **state)
{
	static const enum img_archive_kind kind[] = { IMG_ARCHIVE_TAR,
						      IMG_ARCHIVE_ZIP };
	static char block[1 << 20];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct img_archive_make h = how(kind[i]);
		struct img_err err = IMG_ERR_INIT;
		struct img_archive_out *o;
		FILE *f = fopen("/dev/full", "w");

		assert_non_null(f);
		assert_int_equal(
			img_archive_create(&o, fileno(f), "full", &h, &err), 0);
		assert_int_equal(
			img_archive_begin(o, "A", sizeof(block), 0, &err), 0);
		assert_int_equal(img_archive_put(o, block, sizeof(block), &err),
				 -1);
		assert_int_equal(err.code, IMG_E_IO);
		img_archive_discard(o);
		fclose(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),   cmocka_unit_test(test_limits),
		cmocka_unit_test(test_lengths), cmocka_unit_test(test_room),
		cmocka_unit_test(test_full),
	};

	/* Zip files and ISO 9660 have local times. */
	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
