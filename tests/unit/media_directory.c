/* media_directory - a DICOMDIR that is not the one that was planned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "dcmtk/dcmtk.h"
#include "media/directory.h"

static char folder[] = "/tmp/imgtest.XXXXXX";
static char path[64];
static struct entry entries[3];
static struct directory d = {
	.file_set_id = "SET", .sop = "2.25.1", .entry = entries, .count = 3
};

static void add(size_t i, size_t parent, const char *type, uint32_t tag,
		const char *vr, const char *value)
{
	struct img_err err = IMG_ERR_INIT;
	struct entry *e = &entries[i];

	*e = (struct entry){
		.parent = parent, .next = NONE, .child = NONE, .at = d.bytes.len
	};
	media_put_element(&d.bytes, IMG_TAG(0x0004, 0x1430), "CS", type,
			  strlen(type), &err);
	media_put_element(&d.bytes, tag, vr, value, strlen(value), &err);
	assert_int_equal(err.code, IMG_OK);
	e->size = d.bytes.len - e->at;
}

/* Two patients, the first with a study. */
static int make(void **state)
{
	struct img_dcmtk_record rec[3];
	struct img_err err = IMG_ERR_INIT;

	(void)state;
	if (img_crypto_init(&err) < 0 || !mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/DICOMDIR", folder);
	img_buf_init(&d.bytes, 1 << 20);
	add(0, NONE, "PATIENT", IMG_TAG(0x0010, 0x0020), "LO", "ONE");
	add(1, 0, "STUDY", IMG_TAG(0x0020, 0x000D), "UI", "2.25.2");
	add(2, NONE, "PATIENT", IMG_TAG(0x0010, 0x0020), "LO", "TWO");
	entries[0].child = 1;
	entries[0].next = 2;
	for (size_t i = 0; i < 3; i++) {
		struct entry *e = &entries[i];

		e->sum = img_sum64(d.bytes.data + e->at, e->size);
		rec[i] = (struct img_dcmtk_record){ e->parent,
						    d.bytes.data + e->at,
						    e->size };
	}
	if (img_dcmtk_dicomdir(path, d.file_set_id, d.sop, rec, 3, &err) < 0) {
		print_error("%s\n", err.text);
		return -1;
	}
	return 0;
}

static int away(void **state)
{
	(void)state;
	img_buf_release(&d.bytes);
	unlink(path);
	return rmdir(folder);
}

/* IMG_OK, or what the check says; the file is cut to size unless that is 0. */
static enum img_code check(off_t size)
{
	struct img_err err = IMG_ERR_INIT;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	rc = media_directory_check(&d, fd, (uint64_t)(size ? size : st.st_size),
				   &err);
	close(fd);
	assert_int_equal(rc == 0, err.code == IMG_OK);
	return err.code;
}

static void as_planned(void **state)
{
	(void)state;
	assert_int_equal(check(0), IMG_OK);
}

static void another_plan(void **state)
{
	struct directory copy = d;
	struct entry saved = entries[2];

	(void)state;
	entries[2].sum++;
	assert_int_equal(check(0), IMG_E_BUG);
	entries[2] = saved;
	entries[0].next = NONE;
	assert_int_equal(check(0), IMG_E_BUG);
	entries[0].next = 2;
	entries[0].child = NONE;
	assert_int_equal(check(0), IMG_E_BUG);
	entries[0].child = 1;
	entries[2].child = 1;
	assert_int_equal(check(0), IMG_E_BUG);
	entries[2] = saved;
	d.count = 2;
	assert_int_equal(check(0), IMG_E_BUG);
	d = copy;
	d.file_set_id[0] = 'X';
	assert_int_equal(check(0), IMG_E_BUG);
	d = copy;
	d.sop[0] = '1';
	assert_int_equal(check(0), IMG_E_BUG);
	d = copy;
	assert_int_equal(check(0), IMG_OK);
}

/* No change of one byte in the data set goes unnoticed, but for the flag that
   says that a record is in use. */
static void another_byte(void **state)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned unseen = 0;
	struct stat st;

	(void)state;
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	for (off_t at = 324; at < st.st_size; at++) {
		uint8_t b, other;

		assert_int_equal(pread(fd, &b, 1, at), 1);
		other = b ^ 1;
		assert_int_equal(pwrite(fd, &other, 1, at), 1);
		unseen += check(0) == IMG_OK;
		assert_int_equal(pwrite(fd, &b, 1, at), 1);
	}
	assert_true(unseen <= 3 * 10);
	assert_int_equal(check(0), IMG_OK);
	for (off_t at = 200; at < st.st_size; at += 7)
		assert_int_not_equal(check(at), IMG_OK);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_planned),
		cmocka_unit_test(another_plan),
		cmocka_unit_test(another_byte),
	};

	return cmocka_run_group_tests(tests, make, away);
}
