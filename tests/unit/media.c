/* media - DICOMDIRs read as evidence, and file IDs found on disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "media/media.h"

/* ---- a DICOMDIR made by hand ------------------------------------------ */

static uint8_t file[1 << 16];
static size_t used;

static void raw(const void *p, size_t n)
{
	assert_true(used + n <= sizeof file);
	memcpy(file + used, p, n);
	used += n;
}

static void u16(unsigned v)
{
	raw((uint8_t[]){ v & 255, v >> 8 & 255 }, 2);
}

static void u32(uint32_t v)
{
	u16(v & 0xFFFF);
	u16(v >> 16);
}

static void head(uint32_t tag, const char *vr, uint32_t n)
{
	u16(tag >> 16);
	u16(tag & 0xFFFF);
	raw(vr, 2);
	if (strcmp(vr, "SQ") == 0) {
		u16(0);
		u32(n);
	} else {
		u16(n);
	}
}

static void text_n(uint32_t tag, const char *vr, const char *s, size_t n)
{
	head(tag, vr, (uint32_t)(n + n % 2));
	raw(s, n);
	if (n % 2)
		raw(strcmp(vr, "UI") == 0 ? "" : " ", 1);
}

static void text(uint32_t tag, const char *vr, const char *s)
{
	text_n(tag, vr, s, strlen(s));
}

static void item(uint32_t element, uint32_t n)
{
	u16(0xFFFE);
	u16(element);
	u32(n);
}

static void begin(const char *sop_class)
{
	static const uint8_t zero[128];
	size_t at;

	used = 0;
	raw(zero, sizeof zero);
	raw("DICM", 4);
	head(IMG_TAG(2, 0), "UL", 4);
	at = used;
	u32(0);
	text(IMG_TAG(2, 2), "UI", sop_class);
	text(IMG_TAG(2, 3), "UI", "2.25.1");
	text(IMG_TAG(2, 0x10), "UI", "1.2.840.10008.1.2.1");
	file[at] = (uint8_t)(used - at - 4);
}

static void records(void)
{
	text(IMG_TAG(4, 0x1130), "CS", "TEST");
	head(IMG_TAG(4, 0x1220), "SQ", IMG_UNDEFINED_LEN);
}

/* One record; in_use -1 leaves the flag out, id NULL the file ID. */
static void record(const char *type, const char *id, int in_use)
{
	item(0xE000, IMG_UNDEFINED_LEN);
	head(IMG_TAG(4, 0x1400), "UL", 4);
	u32(1); /* points nowhere */
	if (in_use >= 0) {
		head(IMG_TAG(4, 0x1410), "US", 2);
		u16((unsigned)in_use);
	}
	text(IMG_TAG(4, 0x1430), "CS", type);
	if (id) {
		text(IMG_TAG(4, 0x1500), "CS", id);
		text(IMG_TAG(4, 0x1510), "UI", "1.2.840.10008.5.1.4.1.1.7");
		text(IMG_TAG(4, 0x1511), "UI", "2.25.42");
		text(IMG_TAG(4, 0x1512), "UI", "1.2.840.10008.1.2.1");
	}
	item(0xE00D, 0);
}

/* ---- what is told ----------------------------------------------------- */

static char told[1 << 16];
static unsigned count, ids, stop_at;

/* A line "number type flags id [sop]" for each record. */
static int tell(const struct img_media_record *rec, void *arg,
		struct img_err *err)
{
	size_t len = strlen(told);

	(void)arg;
	(void)err;
	count++;
	ids += rec->file_id[0] != '\0';
	snprintf(told + len, sizeof told - len, "%llu %s%s%s%s %s %s\n",
		 (unsigned long long)rec->number, rec->type,
		 rec->inactive ? " inactive" : "", rec->refused ? " " : "",
		 rec->refused ? rec->refused : "", rec->file_id, rec->sop);
	return stop_at && count == stop_at ? 7 : 0;
}

static int read_it(bool all, struct img_err *err)
{
	struct img_dicom_reader *r = img_dicom_reader_new(err);
	int rc;

	assert_non_null(r);
	img_err_clear(err);
	told[0] = '\0';
	count = ids = 0;
	rc = img_dicom_start_mem(r, file, used, "t", &img_media_limits, err);
	if (rc == 0)
		rc = img_media_each(r, "t", all, tell, NULL, err);
	img_dicom_reader_free(r);
	return rc;
}

static void test_records(void **state)
{
	struct img_err err = IMG_ERR_INIT;

	(void)state;
	begin("1.2.840.10008.1.3.10");
	records();
	record("PATIENT", NULL, 0xFFFF);
	record("IMAGE", "DICOM\\IM1 ", 0xFFFF);
	record("IMAGE", "DICOM\\IM2", 0);
	record("PRIVATE", "dicom\\im3.dcm", -1);
	record("IMAGE", "..\\..\\etc\\passwd", 0xFFFF);
	record("IMAGE", "A\\B\\C\\D\\E\\F\\G\\H\\I", 0xFFFF);
	record("IMAGE", "", 0xFFFF);
	item(0xE0DD, 0);
	assert_int_equal(read_it(false, &err), 0);
	assert_string_equal(told,
			    "2 IMAGE DICOM/IM1 2.25.42\n"
			    "3 IMAGE inactive DICOM/IM2 2.25.42\n"
			    "4 PRIVATE dicom/im3.dcm 2.25.42\n"
			    "5 IMAGE has .. in it ../../etc/passwd 2.25.42\n"
			    "6 IMAGE A/B/C/D/E/F/G/H/I 2.25.42\n");
	assert_int_equal(read_it(true, &err), 0);
	assert_int_equal(count, 7);
	stop_at = 2;
	assert_int_equal(read_it(true, &err), 7);
	assert_int_equal(count, 2);
	stop_at = 0;
}

/* Elements of a sequence inside a record are not the record's. */
static void test_nested(void **state)
{
	struct img_err err = IMG_ERR_INIT;

	(void)state;
	begin("1.2.840.10008.1.3.10");
	records();
	item(0xE000, IMG_UNDEFINED_LEN);
	text(IMG_TAG(4, 0x1430), "CS", "IMAGE");
	text(IMG_TAG(4, 0x1500), "CS", "RIGHT");
	head(IMG_TAG(8, 0x1140), "SQ", IMG_UNDEFINED_LEN);
	item(0xE000, IMG_UNDEFINED_LEN);
	text(IMG_TAG(4, 0x1500), "CS", "WRONG");
	item(0xE00D, 0);
	item(0xE0DD, 0);
	item(0xE00D, 0);
	item(0xE0DD, 0);
	/* Nor is what follows the records. */
	text(IMG_TAG(4, 0x1500), "CS", "WRONG");
	assert_int_equal(read_it(true, &err), 0);
	assert_string_equal(told, "1 IMAGE RIGHT \n");
}

static void test_broken(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	char id[5000];

	(void)state;
	begin("1.2.840.10008.5.1.4.1.1.7");
	text(IMG_TAG(8, 0x18), "UI", "2.25.1");
	assert_int_equal(read_it(true, &err), -1);
	assert_int_equal(err.code, IMG_E_UNSUPPORTED);

	/* Without records, but it says what it is. */
	begin("1.2.840.10008.1.3.10");
	text(IMG_TAG(4, 0x1130), "CS", "TEST");
	assert_int_equal(read_it(true, &err), 0);
	assert_int_equal(count, 0);

	/* Cut in the second record: the first has been told. */
	begin("1.2.840.10008.1.3.10");
	records();
	record("IMAGE", "IM1", 0xFFFF);
	record("IMAGE", "IM2", 0xFFFF);
	used -= 20;
	assert_int_equal(read_it(true, &err), -1);
	assert_int_equal(err.code, IMG_E_TRUNCATED);
	assert_int_equal(count, 1);

	memset(id, 'A', sizeof id);
	id[sizeof id - 1] = '\0';
	begin("1.2.840.10008.1.3.10");
	records();
	record("IMAGE", id, 0xFFFF);
	id[600] = '\0';
	record("IMAGE", id, 0xFFFF);
	item(0xE0DD, 0);
	assert_int_equal(read_it(true, &err), 0);
	assert_string_equal(told, "1 IMAGE is too long  2.25.42\n"
				  "2 IMAGE is too long  2.25.42\n");
}

/* ---- file IDs --------------------------------------------------------- */

static void id_is(const char *value, size_t n, const char *want,
		  const char *why)
{
	char out[64];
	const char *got = img_media_file_id(value, n, out, sizeof out);

	assert_string_equal(out, want);
	if (why)
		assert_string_equal(got, why);
	else
		assert_null(got);
}

#define ID(value, want, why) id_is(value, sizeof(value) - 1, want, why)

static void test_file_ids(void **state)
{
	(void)state;
	ID("DICOM\\IM1", "DICOM/IM1", NULL);
	ID("DICOM \\IM1 \0", "DICOM/IM1", NULL);
	ID("DICOM/IM1", "DICOM/IM1", NULL);
	ID(".\\DICOM\\\\IM1\\", "DICOM/IM1", NULL);
	ID("IM1.dcm;1", "IM1.dcm;1", NULL);
	ID("a b\\c...d", "a b/c...d", NULL);
	ID("", "", "is empty");
	ID("  \0", "", "is empty");
	ID(".", "", "is empty");
	ID("\\IM1", "/IM1", "is absolute");
	ID("/etc/passwd", "/etc/passwd", "is absolute");
	ID("\\\\host\\share", "/host/share", "is absolute");
	ID("C:\\IM1", "C:/IM1", "names a drive");
	ID("..", "..", "has .. in it");
	ID("A\\..\\B", "A/../B", "has .. in it");
	ID("A\\.. \\B", "A/../B", "has .. in it");
	ID("A/../B", "A/../B", "has .. in it");
	ID("A\0\\B", "A/B", NULL);
	ID("A\0B", "A?B", "has bytes that are no text");
	ID("A\33[2J\\B", "A?[2J/B", "has bytes that are no text");
	ID("\xFF\xFE", "??", "has bytes that are no text");
	ID("0123456789012345678901234567890123456789012345678901234567890123",
	   "", "is too long");
}

static void test_keys(void **state)
{
	char key[8];

	(void)state;
	assert_true(img_media_name_match("DICOM/IM1", "DICOM/IM1"));
	assert_true(img_media_name_match("DICOM/IM1", "dicom/im1.dcm"));
	assert_true(img_media_name_match("DICOM/IM1", "./DICOM/IM1.;1"));
	assert_true(img_media_name_match("DICOM/IM1", "Dicom/Im1.DCM;12"));
	assert_true(img_media_name_match("DICOM\\IM1.DCM", "DICOM/IM1"));
	assert_false(img_media_name_match("DICOM/IM1", "DICOM/IM2"));
	assert_false(img_media_name_match("DICOM/IM1", "X/DICOM/IM1"));
	assert_false(img_media_name_match("DICOM/IM1", "DICOM/IM1;"));
	assert_false(img_media_name_match("DICOM/IM1", "DICOM/IM1.jpg"));
	assert_false(img_media_name_match("DICOM/A", "DICOM/.dcm"));
	assert_true(img_media_key("./a.dcm", key, sizeof key));
	assert_string_equal(key, "A");
	assert_true(img_media_key(".dcm", key, sizeof key));
	assert_string_equal(key, ".DCM");
	assert_true(img_media_key(";1", key, sizeof key));
	assert_true(img_media_key("", key, sizeof key));
	assert_string_equal(key, "");
	assert_false(img_media_key("ABCDEFGH", key, sizeof key));
}

/* ---- on disk ---------------------------------------------------------- */

static char top[] = "/tmp/imgmedia.XXXXXX";

static void touch(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void found(int dirfd, const char *id, const char *want)
{
	struct img_err err = IMG_ERR_INIT;
	char out[256];
	int rc = img_media_resolve(dirfd, id, out, sizeof out, &err);

	assert_int_equal(rc, want != NULL);
	if (want)
		assert_string_equal(out, want);
}

/* A file-set with an outside; its folder. */
static int make_set(void)
{
	char out[256];
	int d;

	assert_non_null(mkdtemp(top));
	d = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(d >= 0);
	touch(d, "outside");
	assert_int_equal(mkdirat(d, "set", 0700), 0);
	close(d);
	snprintf(out, sizeof out, "%s/set", top);
	d = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(d >= 0);
	assert_int_equal(mkdirat(d, "DICOM", 0700), 0);
	assert_int_equal(mkdirat(d, "lower", 0700), 0);
	assert_int_equal(mkdirat(d, "Mixed", 0700), 0);
	assert_int_equal(mkdirat(d, "DICOM/FOLDER", 0700), 0);
	touch(d, "DICOM/IM1");
	touch(d, "DICOM/im1");
	touch(d, "DICOM/Im2");
	touch(d, "DICOM/im2.dcm");
	touch(d, "DICOM/IM3.dcm");
	touch(d, "DICOM/IM4.;1");
	touch(d, "DICOM/IM5;1");
	touch(d, "DICOM/im6.DCM;1");
	touch(d, "lower/im1");
	touch(d, "Mixed/Im1");
	assert_int_equal(symlinkat("../../outside", d, "DICOM/LINK"), 0);
	assert_int_equal(symlinkat("..", d, "UP"), 0);
	assert_int_equal(symlinkat("DICOM", d, "ALIAS"), 0);
	return d;
}

static void test_resolve(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	char out[256];
	int d = make_set();

	(void)state;
	found(d, "DICOM/IM1", "DICOM/IM1");
	found(d, "DICOM\\IM1", "DICOM/IM1");
	found(d, "dicom/iM1", "DICOM/IM1");
	found(d, "DICOM/IM2", "DICOM/Im2");
	found(d, "DICOM/IM2.DCM", "DICOM/im2.dcm");
	found(d, "DICOM/IM3", "DICOM/IM3.dcm");
	found(d, "DICOM/IM4", "DICOM/IM4.;1");
	found(d, "DICOM/IM5", "DICOM/IM5;1");
	found(d, "DICOM/IM6", "DICOM/im6.DCM;1");
	found(d, "LOWER/IM1", "lower/im1");
	found(d, "MIXED/IM1", "Mixed/Im1");
	found(d, "DICOM/IM7", NULL);
	found(d, "NOWHERE/IM1", NULL);
	found(d, "DICOM/FOLDER", NULL);
	found(d, "DICOM/IM1/IM1", NULL);
	found(d, "DICOM", NULL);
	/* Nothing leads out, and no link is followed. */
	found(d, "../outside", NULL);
	found(d, "..\\OUTSIDE", NULL);
	found(d, "/etc/passwd", NULL);
	found(d, "DICOM/LINK", NULL);
	found(d, "dicom/link", NULL);
	found(d, "UP/outside", NULL);
	found(d, "up/OUTSIDE", NULL);
	found(d, "ALIAS/IM1", NULL);
	found(d, "alias/im1", NULL);
	found(d, "", NULL);
	assert_int_equal(img_media_resolve(d, "DICOM/IM3", out, 10, &err), -1);
	assert_int_equal(err.code, IMG_E_LIMIT);
	img_err_clear(&err);
	assert_int_equal(img_media_resolve(d, "DICOM/IM3", out, 9, &err), -1);
	close(d);
	snprintf(out, sizeof out, "rm -rf %s", top);
	assert_int_equal(system(out), 0);
}

/* ---- the corpus ------------------------------------------------------- */

/* Records and file IDs of each; the IDs as dcmdump counts them. */
static const struct {
	const char *path;
	unsigned records, ids;
	enum img_code code;
} corpus[] = {
#define PYDICOM "pydicom+pydicom/src/pydicom/data/test_files/dicomdirtests/"
	{ PYDICOM "DICOMDIR", 52, 31, IMG_OK },
	{ PYDICOM "DICOMDIR-bigEnd", 52, 31, IMG_OK },
	{ PYDICOM "DICOMDIR-empty.dcm", 0, 0, IMG_OK },
	{ PYDICOM "DICOMDIR-implicit", 52, 31, IMG_OK },
	/* Its last item claims 24 bytes more than the file has. */
	{ PYDICOM "DICOMDIR-nooffset", 51, 30, IMG_E_TRUNCATED },
	{ PYDICOM "DICOMDIR-nopatient", 52, 31, IMG_OK },
	{ PYDICOM "DICOMDIR-reordered", 52, 31, IMG_OK },
	{ PYDICOM "TINY_ALPHA/DICOMDIR", 53, 50, IMG_OK },
#define NEMA "wearemothership+dicom-test-files/medical.nema.org/"
	{ NEMA "compsamples_refanddir/DICOMDIR", 169, 109, IMG_OK },
	{ NEMA "compsamples_rle_20040210/DICOMDIR", 80, 20, IMG_OK },
	{ NEMA "multiframe/DISCIMG/DICOMDIR", 313, 131, IMG_OK },
	{ "dcm4che+dcm4che/dcm4che-test-data/src/main/resources/DICOMDIR", 44,
	  11, IMG_OK },
	{ "fo-dicom+fo-dicom/Tests/FO-DICOM.Benchmark/Data/DICOMDIR", 80, 20,
	  IMG_OK },
	{ "grailbio+go-dicom/examples/testdicomdir", 32, 14, IMG_OK },
	{ "ivmartel+dwv/tests/data/DICOMDIR", 50, 44, IMG_OK },
	{ "ivmartel+dwv/tests/data/bbmri.dcmdir", 6, 4, IMG_OK },
};

static void corpus_one(const char *root, size_t i)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_reader *r = img_dicom_reader_new(&err);
	char path[1024];
	struct stat st;
	int fd, rc;

	assert_non_null(r);
	snprintf(path, sizeof path, "%s/%s", root, corpus[i].path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	told[0] = '\0';
	count = ids = 0;
	rc = img_dicom_start_fd(r, fd, (uint64_t)st.st_size, corpus[i].path,
				&img_media_limits, &err);
	if (rc == 0)
		rc = img_media_each(r, corpus[i].path, true, tell, NULL, &err);
	if (err.code != corpus[i].code || count != corpus[i].records ||
	    ids != corpus[i].ids)
		print_error("%s: %s: %u records, %u ids\n", corpus[i].path,
			    err.text, count, ids);
	assert_int_equal(rc, corpus[i].code == IMG_OK ? 0 : -1);
	assert_int_equal(err.code, corpus[i].code);
	assert_int_equal(count, corpus[i].records);
	assert_int_equal(ids, corpus[i].ids);
	close(fd);
	img_dicom_reader_free(r);
}

static void test_corpus(void **state)
{
	const char *root = getenv("IMG_CORPUS");

	(void)state;
	root = root ? root : "build/corpus/dev";
	if (access(root, R_OK) != 0)
		skip(); /* corpus absent */
	for (size_t i = 0; i < sizeof corpus / sizeof *corpus; i++)
		corpus_one(root, i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records), cmocka_unit_test(test_nested),
		cmocka_unit_test(test_broken),  cmocka_unit_test(test_file_ids),
		cmocka_unit_test(test_keys),    cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
