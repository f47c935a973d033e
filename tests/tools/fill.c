/*
 * fill - fill a catalog with synthetic instances, and say how fast: for
 * benches of the catalog alone.
 *
 *	fill [-r] dir instances [first]
 *
 * Rows only: there are no objects behind them.  A series has 100 instances,
 * a study five series, a patient one study, so that 1,000,000 instances are
 * 2,000 patients.  -r makes SOPInstanceUIDs that are random (2.25 of a
 * UUID), the worst case for an index; else they count within their series.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog.h"

#define BATCH 4096

static bool random_uids;

static void set(struct img_instance *in, const char *keyword, const char *v)
{
	in->field[img_catalog_field(keyword)] = v;
}

/* Digits that look random, but are the same in every run. */
static void uuid_uid(char *out, size_t size, uint64_t i)
{
	uint64_t a = img_sum64(&i, sizeof(i)), b = img_sum64(&a, sizeof(a));

	snprintf(out, size, "2.25.1%019llu%019llu", (unsigned long long)a,
		 (unsigned long long)b);
}

static int put_one(struct img_catalog *c, uint64_t i, struct img_err *err)
{
	struct img_instance in = { .bytes = 8000 };
	struct img_put out;
	char pid[32], name[64], study[65], series[65], sop[65], number[16],
		container[64], file[32], accession[32], date[16];
	unsigned long long se = i / 100, st = se / 5, p = st;
	struct img_seen seen = { .container = container,
				 .name = file,
				 .size = 8000,
				 .inode = i,
				 .device = 1,
				 .mtime_ns = 1700000000000000000 + (int64_t)i,
				 .status = "stored" };

	snprintf(pid, sizeof(pid), "PID%08llu", p);
	snprintf(name, sizeof(name), "Test%llu^Synthetic", p);
	snprintf(accession, sizeof(accession), "A%08llu", st);
	snprintf(date, sizeof(date), "20%02llu%02llu%02llu", st % 25,
		 st % 12 + 1, st % 28 + 1);
	snprintf(study, sizeof(study), "2.25.3141592653.%llu", st);
	snprintf(series, sizeof(series), "2.25.3141592653.%llu.%llu", st, se);
	snprintf(number, sizeof(number), "%llu",
		 (unsigned long long)(i % 100 + 1));
	snprintf(sop, sizeof(sop), "2.25.3141592653.%llu.%llu.2026112.%llu", st,
		 se, (unsigned long long)i);
	if (random_uids)
		uuid_uid(sop, sizeof(sop), i);
	snprintf(container, sizeof(container), "/data/disc%llu/DICOM", st);
	snprintf(file, sizeof(file), "IM%06llu", (unsigned long long)i);
	set(&in, "PatientID", pid);
	set(&in, "PatientName", name);
	set(&in, "PatientBirthDate", "19700101");
	set(&in, "PatientSex", "O");
	set(&in, "StudyInstanceUID", study);
	set(&in, "StudyDate", date);
	set(&in, "StudyTime", "120000");
	set(&in, "AccessionNumber", accession);
	set(&in, "StudyDescription", "Synthetic study");
	set(&in, "SeriesInstanceUID", series);
	set(&in, "Modality", se % 3 ? "CT" : "MR");
	set(&in, "BodyPartExamined", st % 2 ? "HEAD" : "CHEST");
	set(&in, "SeriesDescription", "Synthetic series");
	set(&in, "SOPInstanceUID", sop);
	set(&in, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.2");
	set(&in, "TransferSyntaxUID", "1.2.840.10008.1.2.1");
	set(&in, "InstanceNumber", number);
	set(&in, "ImageType", "ORIGINAL\\PRIMARY\\AXIAL");
	set(&in, "Rows", "512");
	set(&in, "Columns", "512");
	img_digest_of(in.digest, sop, strlen(sop));
	if (img_catalog_put(c, &in, IMG_KEEP, &out, err) < 0)
		return -1;
	seen.instance = out.instance;
	seen.object = out.object;
	return img_catalog_remember(c, &seen, err);
}

static int fill(struct img_catalog *c, uint64_t first, uint64_t n,
		struct img_err *err)
{
	for (uint64_t i = 0; i < n; i++) {
		if (i % BATCH == 0 && i && img_catalog_commit(c, err) < 0)
			return -1;
		if (i % BATCH == 0 && img_catalog_begin(c, err) < 0)
			return -1;
		if (put_one(c, first + i, err) < 0)
			return -1;
	}
	return n ? img_catalog_commit(c, err) : 0;
}

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_catalog *c;
	uint64_t n, first = 0;
	double t;

	if (argc > 1 && strcmp(argv[1], "-r") == 0) {
		random_uids = true;
		argv++, argc--;
	}
	if (argc < 3 || argc > 4 || !img_parse_u64(argv[2], 1u << 30, &n) ||
	    (argc > 3 && !img_parse_u64(argv[3], 1u << 30, &first))) {
		fputs("usage: fill [-r] dir instances [first]\n", stderr);
		return 64;
	}
	t = img_time_mono();
	if (img_catalog_open(&c, argv[1], IMG_WRITE, &err) < 0 ||
	    fill(c, first, n, &err) < 0) {
		fprintf(stderr, "fill: %s\n", err.text);
		return 3;
	}
	img_catalog_close(c);
	t = img_time_mono() - t;
	printf("%llu instances, %.2f s, %.0f a second\n", (unsigned long long)n,
	       t, (double)n / t);
	return 0;
}
