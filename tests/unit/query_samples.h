/* query_samples.h - the catalog that unit tests of finding things look into. */
#ifndef QUERY_SAMPLES_H
#define QUERY_SAMPLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalog/catalog.h"

static char dir[] = "/tmp/imgqueryXXXXXX";
static struct img_catalog *cat;
static struct img_err err;

static void must(int rc)
{
	if (rc < 0)
		fail_msg("%s", err.text);
}

/* One instance from "Keyword=value" strings, NULL at the end. */
static void put(uint8_t digest, ...)
{
	struct img_instance in = { .bytes = digest };
	struct img_put out;
	char *text[32];
	size_t n = 0;
	const char *s;
	va_list ap;

	memset(in.digest, digest, sizeof(in.digest));
	va_start(ap, digest);
	while ((s = va_arg(ap, const char *))) {
		char *eq;
		int f;

		text[n] = strdup(s);
		eq = strchr(text[n], '=');
		*eq = '\0';
		f = img_catalog_field(text[n++]);
		assert_true(f >= 0);
		in.field[f] = eq + 1;
	}
	va_end(ap);
	must(img_catalog_put(cat, &in, IMG_KEEP, &out, &err));
	while (n)
		free(text[--n]);
}

#define A                                                                      \
	"PatientID=A", "PatientName=Müller^Jürgen^Test",                       \
		"PatientBirthDate=19700131", "StudyInstanceUID=2.25.1",        \
		"StudyDate=20240115", "StudyTime=0930", "AccessionNumber=A1",  \
		"StudyDescription=CT [head]"
#define B                                                                      \
	"PatientID=B", "PatientName=Yamada^Tarou=山田^太郎=やまだ^たろう",     \
		"StudyInstanceUID=2.25.2", "StudyDate=20250630",               \
		"StudyTime=120000.5", "AccessionNumber=A2",                    \
		"ReferringPhysicianName=Doe^Jane"

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	must(img_catalog_open(&cat, dir, IMG_WRITE, &err));
	must(img_catalog_begin(cat, &err));
	put(1, A, "SeriesInstanceUID=2.25.1.1", "Modality=CT", "SeriesNumber=2",
	    "SOPInstanceUID=2.25.1.1.1",
	    "SOPClassUID=1.2.840.10008.5.1.4.1.1.2", "InstanceNumber=10",
	    "ImageType=ORIGINAL\\PRIMARY\\AXIAL", "Rows=512",
	    "BodyPartExamined=HEAD", NULL);
	put(2, A, "SeriesInstanceUID=2.25.1.1", "Modality=CT", "SeriesNumber=2",
	    "SOPInstanceUID=2.25.1.1.2", "InstanceNumber=9",
	    "SOPClassUID=1.2.840.10008.5.1.4.1.1.2",
	    "ImageType=DERIVED\\SECONDARY", "Rows=256", "BodyPartExamined=HEAD",
	    NULL);
	put(3, A, "SeriesInstanceUID=2.25.1.2", "Modality=SR",
	    "SeriesNumber=10", "SOPInstanceUID=2.25.1.2.1", NULL);
	put(4, B, "SeriesInstanceUID=2.25.2.1", "Modality=MR",
	    "SOPInstanceUID=2.25.2.1.1", "BodyPartExamined=CHEST", NULL);
	put(5, B, "SeriesInstanceUID=2.25.2.1", "Modality=MR",
	    "SOPInstanceUID=2.25.2.1.1", "BodyPartExamined=CHEST", NULL);
	/* nobody: no ID, no name, no date */
	put(6, "StudyInstanceUID=2.25.3", "SeriesInstanceUID=2.25.3.1",
	    "SOPInstanceUID=2.25.3.1.1", NULL);
	must(img_catalog_commit(cat, &err));
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "catalog.db", "catalog.db-wal",
					     "catalog.db-shm" };
	char path[IMG_PATH_MAX];

	(void)state;
	img_catalog_close(cat);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

#endif
