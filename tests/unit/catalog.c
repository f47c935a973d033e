/* catalog - unit test of the catalog room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalog/catalog.h"

static char dir[] = "/tmp/imgcatalogXXXXXX";
static struct img_catalog *cat;
static struct img_err err;

static void must(int rc)
{
	if (rc < 0)
		fail_msg("%s", err.text);
}

static int setup(void **state)
{
	(void)state;
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	memset(&err, 0, sizeof(err));
	must(img_catalog_open(&cat, dir, IMG_WRITE, &err));
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "catalog.db", "catalog.db-wal",
					     "catalog.db-shm" };
	char path[IMG_PATH_MAX];

	(void)state;
	img_catalog_close(cat);
	cat = NULL;
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

static void set(struct img_instance *in, const char *keyword, const char *v)
{
	int f = img_catalog_field(keyword);

	assert_true(f >= 0);
	in->field[f] = v;
}

static void make(struct img_instance *in, const char *pid, const char *study,
		 const char *series, const char *sop, uint8_t digest)
{
	memset(in, 0, sizeof(*in));
	set(in, "PatientID", pid);
	set(in, "PatientName", "Test^Synthetic");
	set(in, "StudyInstanceUID", study);
	set(in, "SeriesInstanceUID", series);
	set(in, "SOPInstanceUID", sop);
	set(in, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.2");
	set(in, "Modality", "CT");
	memset(in->digest, digest, sizeof(in->digest));
	in->bytes = 1000u + digest;
}

static struct img_put put(const struct img_instance *in,
			  enum img_on_conflict how)
{
	struct img_put judged, out;

	must(img_catalog_judge(cat, in, &judged, &err));
	must(img_catalog_put(cat, in, how, &out, &err));
	assert_int_equal(judged.verdict, out.verdict);
	assert_int_equal(judged.two_names, out.two_names);
	assert_int_equal(judged.two_patients, out.two_patients);
	assert_int_equal(judged.two_studies, out.two_studies);
	return out;
}

static void test_fields(void **state)
{
	size_t n;
	const struct img_field *f = img_catalog_fields(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(img_catalog_field(f[i].keyword), i);
		if (i)
			assert_true(f[i].tag > f[i - 1].tag);
	}
	assert_int_equal(img_catalog_field("PixelData"), -1);
}

static void test_put(void **state)
{
	struct img_instance in;
	struct img_object obj;
	struct img_put out;

	(void)state;
	must(img_catalog_begin(cat, &err));
	make(&in, "P1", "2.25.1", "2.25.2", "2.25.3", 7);
	out = put(&in, IMG_KEEP);
	assert_int_equal(out.verdict, IMG_STORED);
	assert_int_equal(out.object, 0);
	assert_false(out.two_names || out.two_patients || out.two_studies);
	out = put(&in, IMG_KEEP);
	assert_int_equal(out.verdict, IMG_DUPLICATE);
	must(img_catalog_commit(cat, &err));

	assert_int_equal(img_catalog_object(cat, out.instance, 0, &obj, &err),
			 1);
	assert_string_equal(obj.study, "2.25.1");
	assert_string_equal(obj.series, "2.25.2");
	assert_string_equal(obj.sop, "2.25.3");
	assert_string_equal(obj.modality, "CT");
	assert_null(obj.transfer_syntax);
	assert_null(obj.place);
	assert_null(obj.checked);
	assert_int_equal(obj.bytes, 1007);
	assert_true(obj.current);
	assert_memory_equal(obj.digest, in.digest, sizeof(in.digest));
	assert_int_equal(img_catalog_object(cat, out.instance, 1, &obj, &err),
			 0);
}

static void test_conflict(void **state)
{
	struct img_instance in;
	struct img_object obj;
	struct img_put first, out;

	(void)state;
	must(img_catalog_begin(cat, &err));
	make(&in, "P1", "2.25.1", "2.25.2", "2.25.3", 7);
	first = put(&in, IMG_KEEP);
	in.digest[0] = 1;
	out = put(&in, IMG_REJECT);
	assert_int_equal(out.verdict, IMG_CONFLICT);
	assert_int_equal(img_catalog_object(cat, first.instance, 1, &obj, &err),
			 0);
	out = put(&in, IMG_KEEP);
	assert_int_equal(out.verdict, IMG_CONFLICT);
	assert_int_equal(out.instance, first.instance);
	assert_int_equal(out.object, 1);
	assert_int_equal(img_catalog_object(cat, first.instance, 1, &obj, &err),
			 1);
	assert_false(obj.current);
	out = put(&in, IMG_REPLACE); /* known bytes: nothing is replaced */
	assert_int_equal(out.verdict, IMG_DUPLICATE);
	assert_int_equal(out.object, 1);

	/* Another series: the instance moves, the empty series goes. */
	make(&in, "P2", "2.25.11", "2.25.12", "2.25.3", 9);
	out = put(&in, IMG_REPLACE);
	assert_int_equal(out.verdict, IMG_CONFLICT);
	assert_true(out.two_studies);
	assert_int_equal(out.object, 2);
	assert_int_equal(img_catalog_object(cat, first.instance, 2, &obj, &err),
			 1);
	assert_true(obj.current);
	assert_string_equal(obj.series, "2.25.12");
	make(&in, "P1", "2.25.1", "2.25.2", "2.25.4", 8);
	out = put(&in, IMG_KEEP);
	assert_int_equal(out.verdict, IMG_STORED);
	must(img_catalog_commit(cat, &err));
}

static void test_warnings(void **state)
{
	struct img_instance in;
	struct img_put out;

	(void)state;
	must(img_catalog_begin(cat, &err));
	make(&in, "P1", "2.25.1", "2.25.2", "2.25.3", 1);
	put(&in, IMG_KEEP);
	make(&in, "P1", "2.25.1", "2.25.2", "2.25.4", 2);
	set(&in, "PatientName", "TEST^SYNTHETIC");
	assert_false(put(&in, IMG_KEEP).two_names);
	make(&in, "P1", "2.25.1", "2.25.2", "2.25.5", 3);
	set(&in, "PatientName", "Other^Synthetic");
	assert_true(put(&in, IMG_KEEP).two_names);
	make(&in, "P1", "2.25.1", "2.25.2", "2.25.6", 4);
	assert_false(put(&in, IMG_KEEP).two_names);
	make(&in, "P2", "2.25.1", "2.25.2", "2.25.7", 5);
	assert_true(put(&in, IMG_KEEP).two_patients);
	make(&in, "P2", "2.25.1", "2.25.2", "2.25.8", 6);
	assert_true(put(&in, IMG_KEEP).two_patients);
	make(&in, "P3", "2.25.20", "2.25.21", "2.25.9", 6);
	out = put(&in, IMG_KEEP);
	assert_false(out.two_patients || out.two_names || out.two_studies);

	/* No PatientID: a patient for each study, and no warnings. */
	make(&in, NULL, "2.25.30", "2.25.31", "2.25.32", 6);
	put(&in, IMG_KEEP);
	make(&in, "", "2.25.40", "2.25.41", "2.25.42", 6);
	set(&in, "PatientName", "Other^Synthetic");
	out = put(&in, IMG_KEEP);
	assert_false(out.two_patients || out.two_names || out.two_studies);
	must(img_catalog_commit(cat, &err));
}

static void test_refused(void **state)
{
	struct img_instance in;
	struct img_put out;

	(void)state;
	make(&in, "P1", "2.25.1", "2.25.2", "2.25.3", 1);
	assert_int_equal(img_catalog_put(cat, &in, IMG_KEEP, &out, &err), -1);
	assert_int_equal(err.code, IMG_E_BUG);
	img_err_clear(&err);
	must(img_catalog_begin(cat, &err));
	set(&in, "SOPInstanceUID", "");
	assert_int_equal(img_catalog_put(cat, &in, IMG_KEEP, &out, &err), -1);
	assert_int_equal(err.code, IMG_E_MALFORMED);
	img_err_clear(&err);
	set(&in, "SOPInstanceUID", "2.25.3");
	out = put(&in, IMG_KEEP);
	img_catalog_rollback(cat);
	must(img_catalog_judge(cat, &in, &out, &err));
	assert_int_equal(out.verdict, IMG_STORED);
}

static int count_seen(void *arg, const struct img_seen *s, struct img_err *e)
{
	int *n = arg;
	char name[32];

	(void)e;
	snprintf(name, sizeof(name), "IM%d", 9 - *n);
	assert_string_equal(s->name, name);
	++*n;
	return 0;
}

static void test_seen(void **state)
{
	struct img_seen in = { .container = "/in",
			       .name = "a.dcm",
			       .size = 5,
			       .inode = UINT64_MAX,
			       .device = 7,
			       .mtime_ns = -1,
			       .status = "rejected",
			       .code = "truncated",
			       .text = "ends at byte 5",
			       .instance = -1,
			       .object = -1 };
	struct img_instance other;
	struct img_seen out;
	int n = 0;

	(void)state;
	assert_int_equal(img_catalog_seen(cat, "/in", "a.dcm", &out, &err), 0);
	must(img_catalog_begin(cat, &err));
	must(img_catalog_remember(cat, &in, &err));
	must(img_catalog_commit(cat, &err));
	assert_int_equal(img_catalog_seen(cat, "/in", "b.dcm", &out, &err), 0);
	assert_int_equal(img_catalog_seen(cat, "/in", "a.dcm", &out, &err), 1);
	assert_string_equal(out.status, "rejected");
	assert_string_equal(out.code, "truncated");
	assert_string_equal(out.text, "ends at byte 5");
	assert_true(out.inode == UINT64_MAX && out.mtime_ns == -1);
	assert_int_equal(out.instance, -1);
	must(img_catalog_begin(cat, &err));
	make(&other, "P1", "2.25.1", "2.25.2", "2.25.3", 1);
	put(&other, IMG_KEEP);
	make(&other, "P2", "2.25.11", "2.25.12", "2.25.3", 2);
	in.status = "stored";
	in.code = in.text = NULL;
	in.instance = 12;
	in.object = 0;
	must(img_catalog_remember(cat, &in, &err));
	in.container = "/in/disc.zip";
	for (int i = 0; i < 10; i++) {
		char name[32];

		snprintf(name, sizeof(name), "IM%d", 9 - i);
		in.name = name;
		must(img_catalog_remember(cat, &in, &err));
		if (i == 5) /* a row that goes is no end of counting */
			put(&other, IMG_REPLACE);
	}
	must(img_catalog_commit(cat, &err));
	assert_int_equal(img_catalog_seen(cat, "/in", "a.dcm", &out, &err), 1);
	assert_string_equal(out.status, "stored");
	assert_null(out.code);
	assert_int_equal(out.instance, 12);
	must(img_catalog_seen_each(cat, "/in/disc.zip", count_seen, &n, &err));
	assert_int_equal(n, 10);
}

static void test_reader(void **state)
{
	struct img_catalog *other;
	struct img_instance in;
	struct img_put out;

	(void)state;
	must(img_catalog_open(&other, dir, IMG_READ, &err));
	must(img_catalog_begin(cat, &err));
	make(&in, "P1", "2.25.1", "2.25.2", "2.25.3", 1);
	put(&in, IMG_KEEP);
	must(img_catalog_judge(other, &in, &out, &err));
	assert_int_equal(out.verdict, IMG_STORED); /* not committed yet */
	must(img_catalog_commit(cat, &err));
	must(img_catalog_judge(other, &in, &out, &err));
	assert_int_equal(out.verdict, IMG_DUPLICATE);
	img_catalog_close(other);
}

static void test_absent(void **state)
{
	struct img_catalog *other;

	(void)state;
	assert_int_equal(
		img_catalog_open(&other, "/nonexistent", IMG_READ, &err), -1);
	assert_int_equal(err.code, IMG_E_IO);
	assert_null(other);
	img_err_clear(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test_setup_teardown(test_put, setup, teardown),
		cmocka_unit_test_setup_teardown(test_conflict, setup, teardown),
		cmocka_unit_test_setup_teardown(test_warnings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reader, setup, teardown),
		cmocka_unit_test(test_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
