/* export_order.c - headers are read, items sorted, twins set aside. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "work/export_private.h"
#include "work/inputs.h"

static const char *const fields[EX_FIELDS] = {
	[EX_TS] = "0002,0010",
	[EX_MEDIA_CLASS] = "0002,0002",
	[EX_SOP_CLASS] = "SOPClassUID",
	[EX_SOP] = "SOPInstanceUID",
	[EX_DATE] = "StudyDate",
	[EX_TIME] = "StudyTime",
	[EX_MODALITY] = "Modality",
	[EX_PATIENT] = "PatientID",
	[EX_ISSUER] = "IssuerOfPatientID",
	[EX_STUDY] = "StudyInstanceUID",
	[EX_SERIES] = "SeriesInstanceUID",
	[EX_SERIES_NUMBER] = "SeriesNumber",
	[EX_INSTANCE_NUMBER] = "InstanceNumber",
	[EX_PADDING] = "FFFC,FFFC",
};

/* ---- what a header says ------------------------------------------------ */

/* The probes of all workers; the paths must outlive them. */
struct probes {
	struct img_probe_path path[EX_FIELDS + EXPORT_PARTS];
	struct img_probe *probe[EXPORT_JOBS];
	size_t n;
};

static int64_t number_of(const char *text)
{
	char *end;
	long long v = strtoll(text, &end, 10);

	return end == text ? INT64_MAX : v;
}

/* Seconds since 1970 of StudyDate and StudyTime, as if they were UTC; archives
   of DOS days begin in 1980. */
static int64_t time_of(const char *date, const char *time)
{
	const int64_t epoch = 315532800;
	struct tm tm = { .tm_mday = 1 };
	int64_t t;

	if (strlen(date) != 8 || strspn(date, "0123456789") != 8 ||
	    sscanf(date, "%4d%2d%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday) !=
		    3)
		return epoch;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (strspn(time, "0123456789") >= 6)
		(void)sscanf(time, "%2d%2d%2d", &tm.tm_hour, &tm.tm_min,
			     &tm.tm_sec);
	if (tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 ||
	    tm.tm_mday > 31 || tm.tm_year > 205)
		return epoch;
	t = timegm(&tm);
	return t < epoch ? epoch : t;
}

static const char *keep(struct arena *a, const char *s)
{
	return !s || !*s ? "" : arena_text(a, s, strlen(s));
}

/* A UID that is none would be a name to escape by; the catalog has its own
   words for those that are absent. */
static int take(struct img_export *x, struct arena *a, struct export_item *it,
		struct img_probe *p, struct img_err *err)
{
	const char **layout = arena_alloc(
		a, (x->layout.paths ? x->layout.paths : 1) * sizeof(*layout));

	if (!layout)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (unsigned i = 0; i < EX_FIELDS; i++) {
		if (it->value[i][0])
			continue;
		it->value[i] = keep(a, img_probe_value(p, i));
		if (!it->value[i])
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
	}
	for (unsigned i = 0; i < x->layout.paths; i++) {
		layout[i] = keep(a, img_probe_value(p, EX_FIELDS + i));
		if (!layout[i])
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
	}
	it->layout = layout;
	it->series_number = number_of(it->value[EX_SERIES_NUMBER]);
	it->instance_number = number_of(it->value[EX_INSTANCE_NUMBER]);
	it->mtime = time_of(it->value[EX_DATE], it->value[EX_TIME]);
	return 0;
}

static const char dicomdir_class[] = "1.2.840.10008.1.3.10";

static int look(struct img_export *x, unsigned worker, struct export_item *it,
		void *arg, struct img_err *err)
{
	struct img_probe *p = ((struct probes *)arg)->probe[worker];
	struct img_err why = IMG_ERR_INIT;
	struct arena *a = &x->worker_arena[worker];

	if (img_probe_read(p, x->store, it->digest, it->place, &why) < 0) {
		if (it->in_folder && why.code == IMG_E_NOT_DICOM &&
		    input_is_aside(it->place)) {
			it->state = EX_IGNORED;
			it->reason = "not a DICOM file";
		} else {
			export_fail(x, worker, it, &why);
		}
		return 0;
	}
	if (take(x, a, it, p, err) < 0)
		return -1;
	if (strcmp(it->value[EX_MEDIA_CLASS], dicomdir_class) == 0) {
		it->state = EX_IGNORED;
		it->reason = "a DICOMDIR";
	}
	return 0;
}

static int read_headers(struct img_export *x, struct img_err *err)
{
	struct probes *p = calloc(1, sizeof(*p));
	int rc = -1;

	if (!p)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (unsigned i = 0; i < EX_FIELDS; i++)
		if (!img_probe_parse(&p->path[i], fields[i])) {
			img_err_set(err, IMG_E_BUG, "no path: %s", fields[i]);
			goto out;
		}
	memcpy(p->path + EX_FIELDS, x->layout.path,
	       x->layout.paths * sizeof(*p->path));
	for (unsigned i = 0; i < x->jobs; i++)
		if (img_probe_new(&p->probe[i], p->path,
				  EX_FIELDS + x->layout.paths, err) < 0)
			goto out;
	rc = export_each(x, NULL, look, p, err);
out:
	for (unsigned i = 0; i < EXPORT_JOBS; i++)
		img_probe_free(p->probe[i]);
	free(p);
	return rc;
}

/* ---- order ------------------------------------------------------------- */

static int numbers(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_order(const void *pa, const void *pb)
{
	static const enum export_field first[] = { EX_PATIENT, EX_ISSUER,
						   EX_DATE, EX_TIME, EX_STUDY };
	const struct export_item *a = pa, *b = pb;
	int d = 0;

	for (unsigned i = 0; d == 0 && i < sizeof(first) / sizeof(*first); i++)
		d = strcmp(a->value[first[i]], b->value[first[i]]);
	if (d == 0)
		d = numbers(a->series_number, b->series_number);
	if (d == 0)
		d = strcmp(a->value[EX_SERIES], b->value[EX_SERIES]);
	if (d == 0)
		d = numbers(a->instance_number, b->instance_number);
	if (d == 0)
		d = strcmp(a->value[EX_SOP], b->value[EX_SOP]);
	if (d == 0)
		d = strcmp(a->name, b->name);
	if (d == 0)
		d = numbers((int64_t)a->number, (int64_t)b->number);
	return d;
}

/* The same object named twice goes out once. */
static void set_twins_aside(struct img_export *x)
{
	struct export_item *last = NULL;

	for (size_t i = 0; i < x->items; i++) {
		struct export_item *it = &x->item[i];

		if (it->state != EX_WANTED)
			continue;
		if (last && strcmp(last->name, it->name) == 0 &&
		    (last->place != NULL) == (it->place != NULL)) {
			it->state = EX_IGNORED;
			it->reason = "named before";
			continue;
		}
		last = it;
	}
}

int export_order(struct img_export *x, struct img_err *err)
{
	if (read_headers(x, err) < 0)
		return -1;
	if (x->items)
		qsort(x->item, x->items, sizeof(*x->item), by_order);
	set_twins_aside(x);
	return 0;
}
