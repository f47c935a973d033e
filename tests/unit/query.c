/* query - unit test of finding things in the catalog. */
#include "query_samples.h"

static size_t parse(const char *text, struct img_query_key *key, char *copy)
{
	size_t n = 0;

	strcpy(copy, text);
	for (char *s = copy; s && *s; n++) {
		char *end = strchr(s, ';'), *eq = strchr(s, '=');

		if (end)
			*end = '\0';
		*eq = '\0';
		key[n].field = img_query_field(s);
		assert_true(key[n].field >= 0);
		key[n].value = eq + 1;
		s = end ? end + 1 : NULL;
	}
	return n;
}

/* The rows of a query as "value|value;": keys "K=v;K=v", fields blank
   separated, sort as imgquery -s. */
static const char *ask(enum img_level level, const char *keys,
		       const char *fields, const char *sort)
{
	static char out[8192];
	struct img_query_key key[8];
	struct img_query_sort order;
	int field[8];
	char copy[512], names[512];
	struct img_query q = { .level = level, .key = key, .field = field };
	struct img_rows *rows;
	struct img_row row;
	uint64_t n, got = 0;
	int rc;

	q.keys = parse(keys, key, copy);
	strcpy(names, fields);
	for (char *f = strtok(names, " "); f; f = strtok(NULL, " ")) {
		field[q.fields] = img_query_field(f);
		assert_true(field[q.fields++] >= 0);
	}
	if (sort) {
		order.descending = *sort == '-';
		order.field = img_query_field(sort + order.descending);
		q.sort = &order;
		q.sorts = 1;
	}
	out[0] = '\0';
	must(img_catalog_query(cat, &q, &rows, &err));
	while ((rc = img_rows_next(rows, &row, &err)) == 1) {
		for (size_t i = 0; i < q.fields; i++) {
			if (i)
				strcat(out, "|");
			strcat(out, row.value[i] ? row.value[i] : "-");
		}
		strcat(out, ";");
		got++;
	}
	must(rc);
	img_rows_close(rows);
	must(img_catalog_count(cat, &q, &n, &err));
	assert_int_equal(n, got);
	return out;
}

#define STUDIES(keys, want)                                                    \
	assert_string_equal(                                                   \
		ask(IMG_STUDY, keys, "StudyInstanceUID", "StudyInstanceUID"),  \
		want)
#define IMAGES(keys, want)                                                     \
	assert_string_equal(                                                   \
		ask(IMG_IMAGE, keys, "SOPInstanceUID", "SOPInstanceUID"),      \
		want)

static void test_single(void **state)
{
	(void)state;
	STUDIES("", "2.25.1;2.25.2;2.25.3;");
	STUDIES("PatientID=A", "2.25.1;");
	STUDIES("PatientID=a", "");
	STUDIES("PatientID=", "2.25.1;2.25.2;2.25.3;");
	STUDIES("PatientID=*", "2.25.1;2.25.2;2.25.3;");
	STUDIES("PatientID=\"\"", "2.25.3;");
	STUDIES("StudyDate=\"\"", "2.25.3;");
	STUDIES("PatientID=A\\B", "2.25.1;2.25.2;");
	STUDIES("AccessionNumber=A?", "2.25.1;2.25.2;");
	STUDIES("AccessionNumber=A2;PatientID=A", "");
	STUDIES("StudyDescription=CT [head]", "2.25.1;");
	STUDIES("StudyDescription=*[head]", "2.25.1;");
	STUDIES("StudyDescription=CT h*", "");
	STUDIES("StudyInstanceUID=2.25.3\\2.25.1\\2.25.9", "2.25.1;2.25.3;");
	STUDIES("StudyInstanceUID=2.25.*", "2.25.1;2.25.2;2.25.3;");
}

static void test_names(void **state)
{
	(void)state;
	STUDIES("PatientName=MULLER^JURGEN^TEST", "2.25.1;");
	STUDIES("PatientName=test jürgen müller", "2.25.1;");
	STUDIES("PatientName=muller", "");
	STUDIES("PatientName=muller*", "2.25.1;");
	STUDIES("PatientName=jurgen*", "2.25.1;");
	STUDIES("PatientName=m?ller^j*", "2.25.1;");
	STUDIES("PatientName=*m?*", "2.25.1;2.25.2;");
	STUDIES("PatientName=jurgen jurgen test", "");
	STUDIES("PatientName=Tarou^Yamada", "2.25.2;");
	STUDIES("PatientName=山田*", "2.25.2;");
	STUDIES("PatientName=太郎^山田", "2.25.2;");
	STUDIES("PatientName=yamada^tarou=山田^太郎", "2.25.2;");
	STUDIES("PatientName=yamada^tarou=山田^花子", "");
	STUDIES("ReferringPhysicianName=jane doe", "2.25.2;");
	STUDIES("PatientName=\"\"", "2.25.3;");
}

static void test_ranges(void **state)
{
	(void)state;
	STUDIES("StudyDate=20240115", "2.25.1;");
	STUDIES("StudyDate=2024-01-15", "2.25.1;");
	STUDIES("StudyDate=20240115-20250630", "2.25.1;2.25.2;");
	STUDIES("StudyDate=-20240115", "2.25.1;");
	STUDIES("StudyDate=20240116-", "2.25.2;");
	STUDIES("StudyDate=2024-2025", "2.25.1;2.25.2;");
	STUDIES("StudyDate=2024", "2.25.1;");
	STUDIES("StudyDate=2024*", "2.25.1;");
	STUDIES("StudyTime=0930", "2.25.1;");
	STUDIES("StudyTime=09:00-10:00", "2.25.1;");
	STUDIES("StudyTime=12-", "2.25.2;");
	STUDIES("StudyTime=120000", "2.25.2;");
}

static void test_bad_value(void **state)
{
	static const char *const bad[] = { "today", "-", "2024x-2025" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct img_query_key key = { img_query_field("StudyDate"),
					     bad[i] };
		struct img_query q = { .level = IMG_STUDY,
				       .key = &key,
				       .keys = 1 };
		struct img_rows *rows;

		assert_int_equal(img_catalog_query(cat, &q, &rows, &err), -1);
		assert_int_equal(err.code, IMG_E_USAGE);
		assert_null(strstr(err.text, bad[i]));
		img_err_clear(&err);
	}
}

static void test_levels(void **state)
{
	(void)state;
	STUDIES("Modality=CT", "2.25.1;");
	STUDIES("ModalitiesInStudy=SR", "2.25.1;");
	STUDIES("ModalitiesInStudy=SR;Modality=CT", "2.25.1;");
	STUDIES("Modality=SR;BodyPartExamined=HEAD", "");
	STUDIES("Modality=CT;Rows=512", "2.25.1;");
	STUDIES("SOPInstanceUID=2.25.2.1.1", "2.25.2;");
	STUDIES("SeriesInstanceUID=2.25.1.1;Rows=0256", "2.25.1;");
	STUDIES("SeriesInstanceUID=2.25.1.1;Rows=1", "");
	IMAGES("PatientID=A", "2.25.1.1.1;2.25.1.1.2;2.25.1.2.1;");
	IMAGES("PatientName=müller*;Modality=CT", "2.25.1.1.1;2.25.1.1.2;");
	IMAGES("SOPInstanceUID=2.25.1.1.2;PatientID=A", "2.25.1.1.2;");
	IMAGES("SOPInstanceUID=2.25.1.1.2;PatientID=B", "");
	IMAGES("ImageType=PRIMARY", "2.25.1.1.1;");
	IMAGES("ImageType=ORIGINAL\\PRIMARY", "2.25.1.1.1;");
	IMAGES("ImageType=PRIM*", "2.25.1.1.1;");
	IMAGES("ImageType=PRIMARY\\ORIGINAL", "");
	IMAGES("Rows=512", "2.25.1.1.1;");
	IMAGES("ModalitiesInStudy=MR", "2.25.2.1.1;");
	assert_string_equal(ask(IMG_PATIENT, "Modality=MR", "PatientID", NULL),
			    "B;");
	assert_string_equal(ask(IMG_PATIENT, "SOPInstanceUID=2.25.1.2.1",
				"PatientID", NULL),
			    "A;");
	assert_string_equal(ask(IMG_SERIES, "PatientID=A;Rows=256",
				"SeriesInstanceUID", NULL),
			    "2.25.1.1;");
}

static void test_fields(void **state)
{
	(void)state;
	assert_string_equal(
		ask(IMG_STUDY, "PatientID=A",
		    "ModalitiesInStudy NumberOfStudyRelatedSeries"
		    " NumberOfStudyRelatedInstances Modality BodyPartExamined"
		    " SOPClassesInStudy",
		    NULL),
		"CT\\SR|2|3|CT\\SR|HEAD|1.2.840.10008.5.1.4.1.1.2;");
	assert_string_equal(ask(IMG_PATIENT, "",
				"PatientID NumberOfPatientRelatedStudies"
				" NumberOfPatientRelatedSeries"
				" NumberOfPatientRelatedInstances",
				"PatientID"),
			    "-|1|1|1;A|1|2|3;B|1|1|1;");
	assert_string_equal(ask(IMG_SERIES, "NumberOfSeriesRelatedInstances=2",
				"SeriesInstanceUID", NULL),
			    "2.25.1.1;");
	assert_string_equal(
		ask(IMG_SERIES, "PatientID=A", "SeriesNumber", "SeriesNumber"),
		"2;10;");
	assert_string_equal(ask(IMG_IMAGE, "Modality=CT", "InstanceNumber",
				"-InstanceNumber"),
			    "10;9;");
	assert_string_equal(ask(IMG_STUDY, "", "StudyDate", "-StudyDate"),
			    "20250630;20240115;-;");
}

static void test_conflicts(void **state)
{
	int field = img_query_field("SOPInstanceUID");
	struct img_query q = { .level = IMG_IMAGE,
			       .field = &field,
			       .fields = 1,
			       .conflicts = true };
	struct img_rows *rows;
	struct img_row row;

	(void)state;
	must(img_catalog_query(cat, &q, &rows, &err));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(img_rows_next(rows, &row, &err), 1);
		assert_string_equal(row.value[0], "2.25.2.1.1");
		assert_int_equal(row.object, i);
		assert_int_equal(row.bytes, 4 + i);
		assert_int_equal(row.digest[31], 4 + i);
		assert_int_equal(row.current, i == 0);
	}
	assert_int_equal(img_rows_next(rows, &row, &err), 0);
	img_rows_close(rows);
}

static void test_limit(void **state)
{
	int field = img_query_field("StudyInstanceUID");
	struct img_query_sort sort = { field, true };
	struct img_query q = { .level = IMG_STUDY,
			       .field = &field,
			       .fields = 1,
			       .sort = &sort,
			       .sorts = 1,
			       .limit = 1,
			       .offset = 1 };
	struct img_rows *rows;
	struct img_row row;
	uint64_t n;

	(void)state;
	must(img_catalog_query(cat, &q, &rows, &err));
	assert_int_equal(img_rows_next(rows, &row, &err), 1);
	assert_string_equal(row.value[0], "2.25.2");
	q.within_level = IMG_STUDY;
	q.within = row.id;
	assert_int_equal(img_rows_next(rows, &row, &err), 0);
	img_rows_close(rows);
	must(img_catalog_count(cat, &q, &n, &err));
	assert_int_equal(n, 0);
	q.offset = 0;
	must(img_catalog_count(cat, &q, &n, &err));
	assert_int_equal(n, 1);
}

static const char *expand(const struct img_scope *s)
{
	static char out[1024];
	struct img_objects *o;
	struct img_object obj;
	int rc;

	out[0] = '\0';
	must(img_catalog_expand(cat, s, &o, &err));
	while ((rc = img_objects_next(o, &obj, &err)) == 1) {
		size_t n = strlen(out);

		snprintf(out + n, sizeof(out) - n, "%s:%d%s ", obj.sop,
			 (int)obj.object, obj.current ? "" : "!");
		assert_non_null(obj.study);
		assert_non_null(obj.added);
	}
	must(rc);
	img_objects_close(o);
	return out;
}

static void test_expand(void **state)
{
	enum img_level level;

	(void)state;
	assert_string_equal(
		expand(&(struct img_scope){ 0 }),
		"2.25.1.1.1:0 2.25.1.1.2:0 2.25.1.2.1:0 2.25.2.1.1:0 "
		"2.25.3.1.1:0 ");
	assert_string_equal(expand(&(struct img_scope){ .level = IMG_STUDY,
							.uid = "2.25.2",
							.all = true }),
			    "2.25.2.1.1:0 2.25.2.1.1:1! ");
	assert_string_equal(
		expand(&(struct img_scope){ .level = IMG_PATIENT, .uid = "A" }),
		"2.25.1.1.1:0 2.25.1.1.2:0 2.25.1.2.1:0 ");
	assert_string_equal(expand(&(struct img_scope){ .level = IMG_PATIENT,
							.uid = "A",
							.issuer = "X" }),
			    "");
	assert_string_not_equal(
		expand(&(struct img_scope){
			.level = IMG_PATIENT, .uid = "A", .issuer = "" }),
		"");
	assert_string_equal(expand(&(struct img_scope){ .level = IMG_SERIES,
							.uid = "2.25.1.2" }),
			    "2.25.1.2.1:0 ");
	assert_string_equal(expand(&(struct img_scope){ .level = IMG_IMAGE,
							.uid = "2.25.9" }),
			    "");
	assert_int_equal(img_catalog_level_of(cat, "2.25.1.2", &level, &err),
			 1);
	assert_int_equal(level, IMG_SERIES);
	assert_int_equal(img_catalog_level_of(cat, "2.25.9", &level, &err), 0);
}

static int complain(void *arg, const char *what, int64_t instance,
		    struct img_err *e)
{
	(void)instance;
	(void)e;
	strcat(arg, what);
	strcat(arg, "\n");
	return 0;
}

static void test_mark(void **state)
{
	struct img_object obj;
	char found[1024] = "";

	(void)state;
	must(img_catalog_begin(cat, &err));
	must(img_catalog_checked(cat, 1, 0, "2026-11-21T22:10:22Z", "intact",
				 &err));
	must(img_catalog_commit(cat, &err));
	assert_int_equal(img_catalog_object(cat, 1, 0, &obj, &err), 1);
	assert_string_equal(obj.verdict, "intact");
	assert_non_null(obj.checked);
	assert_string_equal(
		expand(&(struct img_scope){ .oldest_first = true }),
		"2.25.1.1.2:0 2.25.1.2.1:0 2.25.2.1.1:0 2.25.3.1.1:0 "
		"2.25.1.1.1:0 ");
	assert_string_equal(
		expand(&(struct img_scope){ .unchecked_since = "2000" }),
		"2.25.1.1.2:0 2.25.1.2.1:0 2.25.2.1.1:0 2.25.3.1.1:0 ");
	must(img_catalog_check(cat, complain, found, &err));
	assert_string_equal(found, "");
}

static void test_pages(void **state)
{
	struct img_objects *o;
	struct img_object obj;
	int n = 0;

	(void)state;
	must(img_catalog_begin(cat, &err));
	for (int i = 0; i < 1100; i++) {
		char sop[64];

		snprintf(sop, sizeof(sop), "SOPInstanceUID=2.25.7.%d", i);
		put(9, "StudyInstanceUID=2.25.7", "SeriesInstanceUID=2.25.7.0",
		    sop, NULL);
	}
	must(img_catalog_expand(cat, &(struct img_scope){ 0 }, &o, &err));
	while (img_objects_next(o, &obj, &err) == 1)
		n++;
	assert_int_equal(err.code, IMG_OK);
	assert_int_equal(n, 1105);
	img_objects_close(o);
	img_catalog_rollback(cat);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single),    cmocka_unit_test(test_names),
		cmocka_unit_test(test_ranges),    cmocka_unit_test(test_levels),
		cmocka_unit_test(test_bad_value), cmocka_unit_test(test_fields),
		cmocka_unit_test(test_conflicts), cmocka_unit_test(test_limit),
		cmocka_unit_test(test_expand),    cmocka_unit_test(test_mark),
		cmocka_unit_test(test_pages),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
