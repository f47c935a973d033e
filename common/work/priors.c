/* priors.c - the earlier studies of a patient that matter most. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "work/priors.h"

enum { UID, DATE, TIME, MODALITIES, PARTS, FIELDS };
static const char *const names[FIELDS] = { "StudyInstanceUID", "StudyDate",
					   "StudyTime", "ModalitiesInStudy",
					   "BodyPartExamined" };

struct study {
	int64_t id;
	int score;
	char when[64]; /* date and time; "" without a date */
};

struct search {
	struct img_catalog *c;
	char uid[128], when[64], modalities[512], parts[512];
	struct study best[IMG_PRIORS_MAX];
	size_t n, most;
};

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static void when_of(char out[64], const char *const *value)
{
	out[0] = '\0';
	if (value[DATE])
		snprintf(out, 64, "%.16s %.32s", value[DATE],
			 value[TIME] ? value[TIME] : "");
}

/* Whether two lists with backslashes have a value in common. */
static bool overlap(const char *a, const char *b)
{
	while (*a) {
		size_t n = strcspn(a, "\\");

		for (const char *p = b; *p;) {
			size_t m = strcspn(p, "\\");

			if (n && n == m && memcmp(a, p, n) == 0)
				return true;
			p += m + (p[m] == '\\');
		}
		a += n + (a[n] == '\\');
	}
	return false;
}

static bool is_before(const struct study *a, const struct study *b)
{
	if (a->score != b->score)
		return a->score > b->score;
	return strcmp(a->when, b->when) > 0;
}

/* Keeps the best in order. */
static void insert(struct search *s, const struct study *one)
{
	size_t i = s->n;

	if (s->n == s->most && (!s->n || !is_before(one, &s->best[s->n - 1])))
		return;
	if (s->n < s->most)
		s->n++;
	else
		i--;
	for (; i && is_before(one, &s->best[i - 1]); i--)
		s->best[i] = s->best[i - 1];
	s->best[i] = *one;
}

static void consider(struct search *s, const struct img_row *row)
{
	struct study one = { .id = row->id };
	const char *const *v = row->value;

	if (v[UID] && strcmp(v[UID], s->uid) == 0)
		return;
	when_of(one.when, v);
	if (s->when[0] && (!one.when[0] || strcmp(one.when, s->when) >= 0))
		return;
	one.score = 2 * overlap(v[PARTS] ? v[PARTS] : "", s->parts) +
		    overlap(v[MODALITIES] ? v[MODALITIES] : "", s->modalities);
	insert(s, &one);
}

static int open_query(struct search *s, struct img_query *q,
		      struct img_rows **rows, struct img_err *err)
{
	int field[FIELDS];

	for (int i = 0; i < FIELDS; i++)
		field[i] = img_query_field(names[i]);
	q->level = IMG_STUDY;
	q->field = field;
	q->fields = FIELDS;
	return img_catalog_query(s->c, q, rows, err);
}

static int search_patient(struct search *s, int64_t patient,
			  struct img_err *err)
{
	struct img_query q = { .within_level = IMG_PATIENT, .within = patient };
	struct img_rows *rows;
	struct img_row row;
	int rc;

	if (open_query(s, &q, &rows, err) < 0)
		return -1;
	while ((rc = img_rows_next(rows, &row, err)) == 1)
		consider(s, &row);
	img_rows_close(rows);
	return rc;
}

/* The patients that have the study. */
static int search_all(struct search *s, const char *uid, struct img_err *err)
{
	struct img_query_key key = { img_query_field("StudyInstanceUID"), uid };
	struct img_query q = { .level = IMG_PATIENT, .key = &key, .keys = 1 };
	struct img_rows *rows;
	struct img_row row;
	int rc;

	if (img_catalog_query(s->c, &q, &rows, err) < 0)
		return -1;
	while ((rc = img_rows_next(rows, &row, err)) == 1)
		if (search_patient(s, row.id, err) < 0) {
			rc = -1;
			break;
		}
	img_rows_close(rows);
	return rc;
}

/* What there is to compare with; 1, 0 no such study, -1. */
static int load_study(struct search *s, const char *uid, struct img_err *err)
{
	struct img_query_key key = { img_query_field("StudyInstanceUID"), uid };
	struct img_query q = { .key = &key, .keys = 1, .limit = 1 };
	struct img_rows *rows;
	struct img_row row;
	int rc;

	if (open_query(s, &q, &rows, err) < 0)
		return -1;
	rc = img_rows_next(rows, &row, err);
	if (rc == 1) {
		copy(s->uid, sizeof(s->uid), row.value[UID]);
		when_of(s->when, row.value);
		copy(s->modalities, sizeof(s->modalities),
		     row.value[MODALITIES]);
		copy(s->parts, sizeof(s->parts), row.value[PARTS]);
	}
	img_rows_close(rows);
	return rc;
}

int img_priors(struct img_catalog *c, const char *study_uid, size_t most,
	       int64_t row[IMG_PRIORS_MAX], size_t *n, struct img_err *err)
{
	struct search *s;
	int rc;

	*n = 0;
	if (!*study_uid || strpbrk(study_uid, "*?\\\""))
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	s->c = c;
	s->most = most < IMG_PRIORS_MAX ? most : IMG_PRIORS_MAX;
	rc = load_study(s, study_uid, err);
	if (rc == 1 && search_all(s, study_uid, err) < 0)
		rc = -1;
	for (; rc == 1 && *n < s->n; ++*n)
		row[*n] = s->best[*n].id;
	free(s);
	return rc;
}
