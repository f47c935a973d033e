/* fhir.c - a study as a FHIR R4 ImagingStudy. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "dicom/dicom.h"
#include "jsonl/jsonl.h"
#include "work/fhir.h"

#define DCM "http://dicom.nema.org/resources/ontology/DCM"
#define MAX 24

/* A query of one level within a row, and its values by name. */
struct part {
	struct img_rows *rows;
	struct img_row row;
	const char *const *name;
	size_t n;
	struct img_catalog *catalog; /* and whether a series lists its images */
	bool images;
};

static const char *const study_names[] = { "StudyInstanceUID",
					   "StudyDate",
					   "AccessionNumber",
					   "StudyDescription",
					   "ReferringPhysicianName",
					   "PatientID",
					   "IssuerOfPatientID",
					   "PatientName",
					   "ModalitiesInStudy",
					   "NumberOfStudyRelatedSeries",
					   "NumberOfStudyRelatedInstances",
					   NULL };
static const char *const series_names[] = { "SeriesInstanceUID",
					    "SeriesNumber",
					    "Modality",
					    "SeriesDescription",
					    "BodyPartExamined",
					    "Laterality",
					    "SeriesDate",
					    "NumberOfSeriesRelatedInstances",
					    NULL };
static const char *const image_names[] = { "SOPInstanceUID", "SOPClassUID",
					   "InstanceNumber", NULL };

static int open_part(struct part *p, struct img_catalog *c,
		     const char *const *names, enum img_level level,
		     enum img_level within_level, int64_t within,
		     struct img_err *err)
{
	struct img_query_sort sort = { -1, false };
	int field[MAX];
	struct img_query q = { .level = level,
			       .field = field,
			       .sort = &sort,
			       .within_level = within_level,
			       .within = within };

	memset(p, 0, sizeof(*p));
	for (; names[q.fields]; q.fields++)
		field[q.fields] = img_query_field(names[q.fields]);
	p->name = names;
	p->n = q.fields;
	if (level != IMG_STUDY) {
		sort.field =
			img_query_field(level == IMG_SERIES ? "SeriesNumber"
							    : "InstanceNumber");
		q.sorts = 1;
	}
	return img_catalog_query(c, &q, &p->rows, err);
}

static const char *get(const struct part *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->name[i], name) == 0)
			return p->row.value[i];
	return NULL;
}

/* ---- pieces ----------------------------------------------------------- */

/* "key":{"system":...,"code":...,"display":...}; NULLs are left out. */
static int put_coding(struct img_buf *b, const char *key, const char *system,
		      const char *code, const char *display,
		      struct img_err *err)
{
	if (!code && !display)
		return 0;
	if ((key && img_json_key(b, key, err) < 0) ||
	    img_json_open(b, '{', err) < 0 ||
	    img_json_put(b, "system", code ? system : NULL, err) < 0 ||
	    img_json_put(b, "code", code, err) < 0 ||
	    img_json_put(b, "display", display, err) < 0)
		return -1;
	return img_json_close(b, '}', err);
}

/* A whole number of 0 and more, else nothing. */
static int put_count(struct img_buf *b, const char *key, const char *v,
		     struct img_err *err)
{
	uint64_t n;

	if (!v || !img_parse_u64(v, 0x7FFFFFFF, &n))
		return 0;
	return img_json_put_u64(b, key, n, err);
}

/* A FHIR date must be one of the calendar. */
static bool is_date(const char *v)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30,
				    31, 31, 30, 31, 30, 31 };
	int year, month, day;

	if (!v || strlen(v) != 8 || strspn(v, "0123456789") != 8 ||
	    sscanf(v, "%4d%2d%2d", &year, &month, &day) != 3)
		return false;
	if (month == 2 && day == 29)
		return year && year % 4 == 0 && (year % 100 || year % 400 == 0);
	return year > 0 && month >= 1 && month <= 12 && day >= 1 &&
	       day <= days[month - 1];
}

static int put_date(struct img_buf *b, const char *key, const char *v,
		    struct img_err *err)
{
	char date[16];

	if (!is_date(v))
		return 0;
	snprintf(date, sizeof(date), "%.4s-%.2s-%.2s", v, v + 4, v + 6);
	return img_json_put(b, key, date, err);
}

/* FHIR has no component delimiters: the first group, blanks between. */
#define DISPLAY_MAX 1024
static bool name_text(const char *v, char text[DISPLAY_MAX])
{
	size_t n = 0;

	while (v && (*v == '=' || *v == '^')) /* no alphabetic group */
		v++;
	for (; v && *v && *v != '=' && n < DISPLAY_MAX - 1; v++)
		if (*v != '^')
			text[n++] = *v;
		else if (text[n - 1] != ' ')
			text[n++] = ' ';
	while (n && text[n - 1] == ' ')
		n--;
	text[n] = '\0';
	return n > 0;
}

/* What FHIR takes as id; a UID that breaks the rules of UIDs may still be. */
static bool is_id(const char *uid)
{
	size_t n = uid ? strlen(uid) : 0;

	return n && n <= 64 &&
	       strspn(uid, "0123456789.-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			   "abcdefghijklmnopqrstuvwxyz") == n;
}

/* FHIR has no empty lists: what was begun at `from` is taken back. */
static void take_back(struct img_buf *b, size_t from)
{
	b->len = from;
	b->data[from] = '\0';
}

static int put_urn(struct img_buf *b, const char *key, const char *uid,
		   struct img_err *err)
{
	char urn[IMG_UID_MAX + 16];

	if (!uid || !img_uid_ok(uid))
		return 0;
	snprintf(urn, sizeof(urn), "urn:oid:%s", uid);
	return img_json_put(b, key, urn, err);
}

static int put_identifiers(struct img_buf *b, const struct part *s,
			   struct img_err *err)
{
	const char *accession = get(s, "AccessionNumber");
	const char *uid = get(s, "StudyInstanceUID");
	bool named = uid && img_uid_ok(uid);

	if (!named && !accession)
		return 0;
	if (img_json_key(b, "identifier", err) < 0 ||
	    img_json_open(b, '[', err) < 0)
		return -1;
	if (named &&
	    (img_json_raw(b, "{\"system\":\"urn:dicom:uid\"", err) < 0 ||
	     put_urn(b, "value", uid, err) < 0 ||
	     img_json_close(b, '}', err) < 0))
		return -1;
	if (accession &&
	    (img_json_raw(b,
			  "{\"type\":{\"coding\":[{\"system\":"
			  "\"http://terminology.hl7.org/CodeSystem/v2-0203\","
			  "\"code\":\"ACSN\"}]}",
			  err) < 0 ||
	     img_json_put(b, "value", accession, err) < 0 ||
	     img_json_close(b, '}', err) < 0))
		return -1;
	return img_json_close(b, ']', err);
}

static int put_subject(struct img_buf *b, const struct part *s,
		       struct img_err *err)
{
	const char *id = get(s, "PatientID");
	const char *issuer = get(s, "IssuerOfPatientID");
	char name[DISPLAY_MAX];

	if (img_json_key(b, "subject", err) < 0 ||
	    img_json_open(b, '{', err) < 0)
		return -1;
	if (id && (img_json_key(b, "identifier", err) < 0 ||
		   img_json_open(b, '{', err) < 0 ||
		   img_json_put(b, "value", id, err) < 0 ||
		   (issuer && (img_json_key(b, "assigner", err) < 0 ||
			       img_json_open(b, '{', err) < 0 ||
			       img_json_put(b, "display", issuer, err) < 0 ||
			       img_json_close(b, '}', err) < 0)) ||
		   img_json_close(b, '}', err) < 0))
		return -1;
	if (!name_text(get(s, "PatientName"), name) && !id)
		snprintf(name, sizeof(name), "unknown");
	if (img_json_put(b, "display", *name ? name : NULL, err) < 0)
		return -1;
	return img_json_close(b, '}', err);
}

static int put_modalities(struct img_buf *b, const char *list,
			  struct img_err *err)
{
	char code[64];

	if (!list)
		return 0;
	if (img_json_key(b, "modality", err) < 0 ||
	    img_json_open(b, '[', err) < 0)
		return -1;
	for (;;) {
		size_t n = strcspn(list, "\\");

		snprintf(code, sizeof(code), "%.*s",
			 n < sizeof(code) ? (int)n : (int)sizeof(code) - 1,
			 list);
		if (put_coding(b, NULL, DCM, code, NULL, err) < 0)
			return -1;
		if (!list[n])
			return img_json_close(b, ']', err);
		list += n + 1;
	}
}

/* ---- levels ----------------------------------------------------------- */

static int put_image(struct img_buf *b, const struct part *p,
		     struct img_err *err)
{
	const char *class = get(p, "SOPClassUID");
	char urn[IMG_UID_MAX + 16] = "";

	if (!is_id(get(p, "SOPInstanceUID")))
		return 0;
	if (class && img_uid_ok(class))
		snprintf(urn, sizeof(urn), "urn:oid:%s", class);
	if (img_json_open(b, '{', err) < 0 ||
	    img_json_put(b, "uid", get(p, "SOPInstanceUID"), err) < 0 ||
	    put_coding(b, "sopClass", "urn:ietf:rfc:3986", *urn ? urn : NULL,
		       class ? img_uid_name(class) : "unknown", err) < 0 ||
	    put_count(b, "number", get(p, "InstanceNumber"), err) < 0)
		return -1;
	return img_json_close(b, '}', err);
}

/* The list under key of what lies below id; put writes one row.  Of an empty
   list nothing is written, as FHIR forbids it. */
static int put_list(struct img_buf *b, const char *key, struct part *p,
		    int (*put)(struct img_buf *b, const struct part *p,
			       struct img_err *err),
		    struct img_err *err)
{
	size_t before = b->len, none;
	int rc;

	if (img_json_key(b, key, err) < 0 || img_json_open(b, '[', err) < 0) {
		img_rows_close(p->rows);
		return -1;
	}
	none = b->len;
	while ((rc = img_rows_next(p->rows, &p->row, err)) == 1)
		if (put(b, p, err) < 0) {
			rc = -1;
			break;
		}
	img_rows_close(p->rows);
	if (rc == 0 && b->len == none)
		take_back(b, before);
	else if (rc == 0)
		rc = img_json_close(b, ']', err);
	return rc;
}

static int put_images(struct img_buf *b, struct img_catalog *c, int64_t series,
		      struct img_err *err)
{
	struct part p;

	if (open_part(&p, c, image_names, IMG_IMAGE, IMG_SERIES, series, err) <
	    0)
		return -1;
	return put_list(b, "instance", &p, put_image, err);
}

static int put_series(struct img_buf *b, const struct part *p,
		      struct img_err *err)
{
	const char *modality = get(p, "Modality");

	if (!is_id(get(p, "SeriesInstanceUID")))
		return 0;
	if (img_json_open(b, '{', err) < 0 ||
	    img_json_put(b, "uid", get(p, "SeriesInstanceUID"), err) < 0 ||
	    put_count(b, "number", get(p, "SeriesNumber"), err) < 0 ||
	    put_coding(b, "modality", DCM, modality ? modality : "OT", NULL,
		       err) < 0 ||
	    img_json_put(b, "description", get(p, "SeriesDescription"), err) <
		    0 ||
	    put_count(b, "numberOfInstances",
		      get(p, "NumberOfSeriesRelatedInstances"), err) < 0 ||
	    put_coding(b, "bodySite", NULL, NULL, get(p, "BodyPartExamined"),
		       err) < 0 ||
	    put_coding(b, "laterality", NULL, NULL, get(p, "Laterality"), err) <
		    0 ||
	    put_date(b, "started", get(p, "SeriesDate"), err) < 0 ||
	    (p->images && put_images(b, p->catalog, p->row.id, err) < 0))
		return -1;
	return img_json_close(b, '}', err);
}

static int put_all_series(struct img_buf *b, struct img_catalog *c,
			  int64_t study, bool images, struct img_err *err)
{
	struct part p;

	if (open_part(&p, c, series_names, IMG_SERIES, IMG_STUDY, study, err) <
	    0)
		return -1;
	p.catalog = c;
	p.images = images;
	return put_list(b, "series", &p, put_series, err);
}

static int put_study(struct img_buf *b, const struct part *s,
		     struct img_err *err)
{
	const char *uid = get(s, "StudyInstanceUID");
	char referrer[DISPLAY_MAX];

	if (img_json_put(b, "resourceType", "ImagingStudy", err) < 0 ||
	    img_json_put(b, "id", is_id(uid) ? uid : NULL, err) < 0 ||
	    put_identifiers(b, s, err) < 0 ||
	    img_json_put(b, "status", "available", err) < 0 ||
	    put_modalities(b, get(s, "ModalitiesInStudy"), err) < 0 ||
	    put_subject(b, s, err) < 0 ||
	    put_date(b, "started", get(s, "StudyDate"), err) < 0)
		return -1;
	if (name_text(get(s, "ReferringPhysicianName"), referrer) &&
	    (img_json_key(b, "referrer", err) < 0 ||
	     img_json_open(b, '{', err) < 0 ||
	     img_json_put(b, "display", referrer, err) < 0 ||
	     img_json_close(b, '}', err) < 0))
		return -1;
	if (put_count(b, "numberOfSeries", get(s, "NumberOfStudyRelatedSeries"),
		      err) < 0 ||
	    put_count(b, "numberOfInstances",
		      get(s, "NumberOfStudyRelatedInstances"), err) < 0)
		return -1;
	return img_json_put(b, "description", get(s, "StudyDescription"), err);
}

int img_fhir_study(struct img_catalog *c, int64_t study, bool images,
		   struct img_buf *out, struct img_err *err)
{
	struct part s;
	int rc = -1;

	if (open_part(&s, c, study_names, IMG_STUDY, IMG_STUDY, study, err) < 0)
		return -1;
	if (img_rows_next(s.rows, &s.row, err) == 1 &&
	    img_json_open(out, '{', err) == 0 && put_study(out, &s, err) == 0 &&
	    put_all_series(out, c, study, images, err) == 0 &&
	    img_json_close(out, '}', err) == 0)
		rc = img_buf_putc(out, '\n', err);
	img_rows_close(s.rows);
	return rc;
}
