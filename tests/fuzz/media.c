/*
 * media.c - fuzz target of the media room: an object for a file-set, a
 * DICOMDIR to be checked.
 *
 * Whatever comes in: no crash, a verdict.  What was taken into a plan gets a
 * DICOMDIR that reads back as planned, and that our own check has nothing
 * against; made twice it is the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/media.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct img_dicom_limits limits = {
	.elements = 100000,
	.header = 4 << 20,
	.inflated = 2 << 20,
};

static struct img_dicom_reader *r;
static struct img_buf once, twice;

static void wrong(const char *what, const struct img_err *err)
{
	fprintf(stderr, "oracle: %s: %s\n", what, err->text);
	abort();
}

static int put(void *arg, const char *name, const void *p, size_t n,
	       struct img_err *err)
{
	if (strcmp(name, "DICOMDIR") != 0)
		return 0;
	img_buf_reset(arg);
	return img_buf_add(arg, p, n, err);
}

static int count(const struct img_media_finding *f, void *arg,
		 struct img_err *err)
{
	(void)err;
	if (f->fault != IMG_MEDIA_NOT_THERE)
		++*(unsigned *)arg;
	return 0;
}

/* What the check finds in a DICOMDIR without its files. */
static unsigned check(const void *p, size_t n, bool ours)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_media_check *c =
		img_media_check_new("STD-GEN-CD", false, &err);
	unsigned found = 0;

	if (!c || img_dicom_start_mem(r, p, n, "DICOMDIR", &limits, &err) < 0 ||
	    img_media_check_dicomdir(c, r, "DICOMDIR", &err) < 0) {
		if (ours)
			wrong("our own DICOMDIR", &err);
	}
	if (c && img_media_check_end(c, count, &found, &err) < 0 &&
	    err.code == IMG_OK)
		wrong("no reason", &err);
	img_media_check_free(c);
	return found;
}

static struct img_media_set *plan(const uint8_t *data, size_t size)
{
	static const char *const set[] = { "PatientID=P", "StudyTime=12",
					   "StudyDate=20000101",
					   "Modality=OT" };
	struct img_media_options o = { .set = set, .set_count = 4 };
	struct img_err err = IMG_ERR_INIT;
	struct img_media_set *m = img_media_new(&o, &err);
	size_t index;

	if (!m)
		wrong("a plan", &err);
	if (img_dicom_start_mem(r, data, size, "in", &limits, &err) < 0 ||
	    img_media_add(m, r, "in", size, &index, &err) < 0) {
		if (err.code == IMG_OK || err.code == IMG_E_BUG)
			wrong("verdict", &err);
		img_media_free(m);
		return NULL;
	}
	if (img_media_settle(m, &err) < 0)
		wrong("settle", &err);
	return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct img_media_out out = { .put = put, .arg = &once };
	struct img_err err = IMG_ERR_INIT;
	struct img_media_item item;
	struct img_media_set *m;

	if (!r) {
		r = img_dicom_reader_new(&err);
		img_buf_init(&once, 16 << 20);
		img_buf_init(&twice, 16 << 20);
	}
	check(data, size, false);
	m = plan(data, size);
	if (!m)
		return 0;
	img_media_item(m, 0, &item);
	if (img_media_dicomdir(m, 0, NULL, &out, &err) < 0)
		wrong("DICOMDIR", &err);
	out.arg = &twice;
	if (img_media_dicomdir(m, 0, NULL, &out, &err) < 0 ||
	    img_media_pdi(m, 0, &out, &err) < 0)
		wrong("DICOMDIR again", &err);
	if (once.len != twice.len ||
	    memcmp(once.data, twice.data, once.len) != 0)
		wrong("two DICOMDIRs", &err);
	if (check(once.data, once.len, true))
		wrong("our own check", &err);
	img_media_free(m);
	return 0;
}
