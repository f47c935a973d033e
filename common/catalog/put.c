/* put.c - putting instances into the catalog, and saying what would be. */
#include <stdio.h>
#include <string.h>

#include "catalog/inside.h"

static const char *text_of(const struct img_instance *in, int field)
{
	return in->field[field] ? in->field[field] : "";
}

/* ---- rows used last --------------------------------------------------- */

/* Puts the key together; false if it is too long to be kept. */
static bool known_key(char key[IMG_KNOWN_KEY], const char *a, const char *b,
		      const char *c)
{
	int n = snprintf(key, IMG_KNOWN_KEY, "%s%c%s%c%s", a, 1, b, 1, c);

	return n >= 0 && n < IMG_KNOWN_KEY;
}

static bool is_known(const struct img_known *k, int64_t parent, const char *key)
{
	return k->id && k->parent == parent && strcmp(k->key, key) == 0;
}

static void know(struct img_known *k, int64_t parent, const char *key,
		 int64_t id)
{
	k->id = id;
	k->parent = parent;
	memcpy(k->key, key, strlen(key) + 1);
}

/* ---- adding rows ------------------------------------------------------ */

static int next_id(struct img_catalog *c, enum img_level level, int64_t *id,
		   struct img_err *err)
{
	if (!c->next[level] &&
	    img_catalog_number(c, (enum img_sql)(IMG_SQL_NEXT_PATIENT + level),
			       &c->next[level], err) < 0)
		return -1;
	*id = c->next[level]++;
	return 0;
}

/* ACR-NEMA wrote 2026.11.21 and 12:30:00 (PS3.5 6.2): without delimiters
   ranges and order are those of text. */
static bool plain_date(const char *vr, const char *text, char out[20])
{
	char mark = strcmp(vr, "DA") == 0 ? '.' : ':';
	size_t n = 0;

	if ((mark == ':' && strcmp(vr, "TM") != 0) || strlen(text) > 18 ||
	    !strchr(text, mark) || text[strspn(text, "0123456789.:")])
		return false;
	for (; *text; text++)
		if (*text != mark)
			out[n++] = *text;
	out[n] = '\0';
	return true;
}

/* Keys are never NULL. */
static int bind_field(sqlite3_stmt *st, int i, int field, const char *text)
{
	size_t n;
	const char *vr = img_catalog_fields(&n)[field].vr;
	char plain[20];

	if (field == IMG_F_PATIENT_ID || field == IMG_F_ISSUER ||
	    field == IMG_F_STUDY || field == IMG_F_SERIES)
		sqlite3_bind_text(st, i, text ? text : "", -1, SQLITE_STATIC);
	else if (text && plain_date(vr, text, plain))
		return sqlite3_bind_text(st, i, plain, -1, SQLITE_TRANSIENT);
	else
		img_catalog_bind(st, i, text);
	return SQLITE_OK;
}

/* Binds the fields of a level from parameter i on. */
static int bind_fields(struct img_catalog *c, sqlite3_stmt *st, int i,
		       enum img_level level, const struct img_instance *in,
		       struct img_err *err)
{
	size_t n;
	const struct img_field *f = img_catalog_fields(&n);

	for (size_t k = 0; k < n; k++)
		if (f[k].level == level &&
		    bind_field(st, i++, (int)k, in->field[k]) != SQLITE_OK)
			return img_catalog_failed(c, "bind", err);
	return 0;
}

static int add_patient(struct img_catalog *c, const struct img_instance *in,
		       const char *lone, int64_t *id, struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_ADD_PATIENT, err);

	if (!st || next_id(c, IMG_PATIENT, id, err) < 0)
		return -1;
	img_buf_reset(&c->name_key);
	if (img_catalog_name_key(text_of(in, IMG_F_PATIENT_NAME), &c->name_key,
				 err) < 0)
		return -1;
	sqlite3_bind_int64(st, 1, *id);
	sqlite3_bind_text(st, 2, lone, -1, SQLITE_STATIC);
	img_catalog_bind(st, 3, img_buf_str(&c->name_key));
	if (bind_fields(c, st, 4, IMG_PATIENT, in, err) < 0)
		return -1;
	return img_catalog_run(c, st, "add patient", err);
}

static int add_child(struct img_catalog *c, enum img_level level,
		     int64_t parent, const struct img_instance *in, int64_t *id,
		     struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(
		c, (enum img_sql)(IMG_SQL_ADD_PATIENT + level), err);
	int at = 3;

	if (!st || next_id(c, level, id, err) < 0)
		return -1;
	sqlite3_bind_int64(st, 1, *id);
	sqlite3_bind_int64(st, 2, parent);
	if (level == IMG_IMAGE)
		sqlite3_bind_int64(st, at++, 0); /* current */
	if (bind_fields(c, st, at, level, in, err) < 0)
		return -1;
	return img_catalog_run(c, st, "add", err);
}

static int add_object(struct img_catalog *c, const struct img_instance *in,
		      int64_t instance, int64_t n, struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_ADD_OBJECT, err);

	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, instance);
	sqlite3_bind_int64(st, 2, n);
	sqlite3_bind_blob(st, 3, in->digest, IMG_DIGEST_SIZE, SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, (sqlite3_int64)in->bytes);
	img_catalog_bind(st, 5, in->place);
	sqlite3_bind_text(st, 6, c->now, -1, SQLITE_STATIC);
	return img_catalog_run(c, st, "add object", err);
}

/* ---- finding the parents ---------------------------------------------- */

/* 1 and *id if there is such a row; the name's key goes to c->name_key. */
static int find_patient(struct img_catalog *c, const char *pid,
			const char *issuer, const char *lone, int64_t *id,
			struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_FIND_PATIENT, err);
	const char *key;
	int rc;

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, pid, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, issuer, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, lone, -1, SQLITE_STATIC);
	rc = img_catalog_step(c, st, "find patient", err);
	if (rc != 1)
		return rc;
	*id = sqlite3_column_int64(st, 0);
	key = (const char *)sqlite3_column_text(st, 1);
	img_buf_reset(&c->name_key);
	if (key && img_buf_puts(&c->name_key, key, err) < 0)
		rc = -1;
	sqlite3_reset(st);
	return rc;
}

/* 1 and *id if the parent has this UID. */
static int find_child(struct img_catalog *c, enum img_sql which,
		      const char *uid, int64_t parent, int64_t *id,
		      struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, which, err);
	int rc;

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, uid, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, parent);
	rc = img_catalog_step(c, st, "find", err);
	if (rc == 1) {
		*id = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
	}
	return rc;
}

/* Whether this name is another one than the patient's: by their keys, so
   that case, accents and delimiters make no difference. */
static int compare_name(struct img_catalog *c, const char *name,
			struct img_err *err)
{
	if (c->name.data && strcmp(c->name.data, name) == 0)
		return 0;
	img_buf_reset(&c->name);
	img_buf_reset(&c->fold);
	if (img_buf_puts(&c->name, name, err) < 0 ||
	    img_catalog_name_key(name, &c->fold, err) < 0)
		return -1;
	c->name_differs = c->fold.len && c->name_key.len &&
			  strcmp(c->fold.data, c->name_key.data) != 0;
	return 0;
}

/* What an unknown patient is known by: the study, or what there is of it. */
static const char *lone_of(const struct img_instance *in)
{
	if (*text_of(in, IMG_F_STUDY))
		return text_of(in, IMG_F_STUDY);
	return *text_of(in, IMG_F_SERIES) ? text_of(in, IMG_F_SERIES)
					  : text_of(in, IMG_F_SOP);
}

static int patient_of(struct img_catalog *c, const struct img_instance *in,
		      bool create, int64_t *id, struct img_put *out,
		      struct img_err *err)
{
	const char *pid = text_of(in, IMG_F_PATIENT_ID);
	const char *issuer = *pid ? text_of(in, IMG_F_ISSUER) : "";
	const char *lone = *pid ? "" : lone_of(in);
	char key[IMG_KNOWN_KEY];
	bool fits = known_key(key, pid, issuer, lone);
	int rc = 1;

	*id = c->patient.id;
	if (!fits || !is_known(&c->patient, 0, key)) {
		*id = c->patient.id = 0;
		img_buf_release(&c->name);
		rc = find_patient(c, pid, issuer, lone, id, err);
		if (rc == 0 && create)
			rc = add_patient(c, in, lone, id, err) < 0 ? -1 : 1;
		if (rc <= 0)
			return rc;
		if (fits)
			know(&c->patient, 0, key, *id);
	}
	if (compare_name(c, text_of(in, IMG_F_PATIENT_NAME), err) < 0)
		return -1;
	out->two_names = *pid && c->name_differs;
	return 1;
}

static int has_other_study(struct img_catalog *c, const char *uid,
			   int64_t patient, bool *other, struct img_err *err)
{
	int64_t one;
	int rc = find_child(c, IMG_SQL_OTHER_STUDY, uid, patient, &one, err);

	*other = rc == 1;
	return rc < 0 ? -1 : 0;
}

/* The study, or with patient 0 (none yet) whether others have it. */
static int study_of(struct img_catalog *c, const struct img_instance *in,
		    int64_t patient, bool create, int64_t *id,
		    struct img_put *out, struct img_err *err)
{
	const char *uid = text_of(in, IMG_F_STUDY);
	char key[IMG_KNOWN_KEY];
	bool fits = known_key(key, uid, "", "");
	int rc;

	if (fits && is_known(&c->study, patient, key)) {
		*id = c->study.id;
		out->two_patients = c->study.other;
		return 1;
	}
	c->study.id = 0;
	if (*uid &&
	    has_other_study(c, uid, patient, &out->two_patients, err) < 0)
		return -1;
	rc = patient ? find_child(c, IMG_SQL_FIND_STUDY, uid, patient, id, err)
		     : 0;
	if (rc == 0 && create)
		rc = add_child(c, IMG_STUDY, patient, in, id, err) < 0 ? -1 : 1;
	if (rc == 1 && fits) {
		know(&c->study, patient, key, *id);
		c->study.other = out->two_patients;
	}
	return rc;
}

static int series_of(struct img_catalog *c, const struct img_instance *in,
		     int64_t study, bool create, int64_t *id,
		     struct img_err *err)
{
	const char *uid = text_of(in, IMG_F_SERIES);
	char key[IMG_KNOWN_KEY];
	bool fits = known_key(key, uid, "", "");
	int rc;

	if (fits && is_known(&c->series, study, key)) {
		*id = c->series.id;
		return 1;
	}
	c->series.id = 0;
	rc = find_child(c, IMG_SQL_FIND_SERIES, uid, study, id, err);
	if (rc == 0 && create)
		rc = add_child(c, IMG_SERIES, study, in, id, err) < 0 ? -1 : 1;
	if (rc == 1 && fits)
		know(&c->series, study, key, *id);
	return rc;
}

/* The series' row: made with its parents if create, else 0 if absent. */
static int resolve(struct img_catalog *c, const struct img_instance *in,
		   bool create, int64_t *series, struct img_put *out,
		   struct img_err *err)
{
	int64_t patient = 0, study = 0;

	*series = 0;
	if (patient_of(c, in, create, &patient, out, err) < 0 ||
	    study_of(c, in, patient, create, &study, out, err) < 0)
		return -1;
	if (study && series_of(c, in, study, create, series, err) < 0)
		return -1;
	return 0;
}

/* ---- putting ---------------------------------------------------------- */

/* Series and study may be missing: colour palettes have none, for one. */
static int check_uids(const struct img_instance *in, struct img_err *err)
{
	if (!*text_of(in, IMG_F_SOP))
		return img_err_set(err, IMG_E_MALFORMED, "no SOPInstanceUID");
	return 0;
}

static int find_instance(struct img_catalog *c, const char *uid, int64_t *id,
			 int64_t *series, struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_FIND_INSTANCE, err);
	int rc;

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, uid, -1, SQLITE_STATIC);
	rc = img_catalog_step(c, st, "find instance", err);
	if (rc == 1) {
		*id = sqlite3_column_int64(st, 0);
		*series = sqlite3_column_int64(st, 1);
		sqlite3_reset(st);
	}
	return rc;
}

/* Says whether the instance has these bytes, or which number is free. */
static int judge_digest(struct img_catalog *c, const struct img_instance *in,
			struct img_put *out, struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_FIND_DIGEST, err);
	int rc;

	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, out->instance);
	sqlite3_bind_blob(st, 2, in->digest, IMG_DIGEST_SIZE, SQLITE_STATIC);
	rc = img_catalog_step(c, st, "find object", err);
	if (rc == 1) {
		out->verdict = IMG_DUPLICATE;
		out->object = sqlite3_column_int64(st, 0);
		out->placed = sqlite3_column_int(st, 1);
		sqlite3_reset(st);
		return 0;
	}
	out->verdict = IMG_CONFLICT;
	st = rc < 0 ? NULL : img_catalog_stmt(c, IMG_SQL_NEXT_OBJECT, err);
	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, out->instance);
	if (img_catalog_step(c, st, "find object", err) < 0)
		return -1;
	out->object = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return 0;
}

static int judge(struct img_catalog *c, const struct img_instance *in,
		 bool create, int64_t *series, struct img_put *out,
		 struct img_err *err)
{
	int64_t was = 0;
	int found;

	memset(out, 0, sizeof(*out));
	if (check_uids(in, err) < 0)
		return -1;
	found = find_instance(c, text_of(in, IMG_F_SOP), &out->instance, &was,
			      err);
	if (found < 0 || resolve(c, in, create && !found, series, out, err) < 0)
		return -1;
	if (!found)
		return 0;
	if (judge_digest(c, in, out, err) < 0)
		return -1;
	out->two_studies = *series != was;
	return 0;
}

int img_catalog_judge(struct img_catalog *c, const struct img_instance *in,
		      struct img_put *out, struct img_err *err)
{
	int64_t series;

	return judge(c, in, false, &series, out, err);
}

static int prune(struct img_catalog *c, enum img_sql which, int64_t id,
		 struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, which, err);

	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, id);
	return img_catalog_run(c, st, "prune", err);
}

/* The new object becomes the current one, and its attributes those of the
   instance; parents that this leaves empty go. */
static int replace(struct img_catalog *c, const struct img_instance *in,
		   const struct img_put *put, struct img_err *err)
{
	struct img_put ignored = { 0 };
	int64_t series, old[3];
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_PARENTS, err);

	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, put->instance);
	if (img_catalog_step(c, st, "find parents", err) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		old[i] = sqlite3_column_int64(st, i);
	sqlite3_reset(st);
	if (resolve(c, in, true, &series, &ignored, err) < 0)
		return -1;
	st = img_catalog_stmt(c, IMG_SQL_SET_INSTANCE, err);
	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, put->instance);
	sqlite3_bind_int64(st, 2, series);
	sqlite3_bind_int64(st, 3, put->object);
	if (bind_fields(c, st, 4, IMG_IMAGE, in, err) < 0 ||
	    img_catalog_run(c, st, "replace", err) < 0)
		return -1;
	if (series == old[0])
		return 0;
	for (int i = 0; i < 3; i++)
		if (prune(c, (enum img_sql)(IMG_SQL_PRUNE_SERIES + i), old[i],
			  err) < 0)
			return -1;
	/* One of them may be gone; inputs are counted on. */
	img_catalog_forget_rows(c);
	return 0;
}

int img_catalog_put(struct img_catalog *c, const struct img_instance *in,
		    enum img_on_conflict how, struct img_put *out,
		    struct img_err *err)
{
	int64_t series;

	if (!c->begun)
		return img_err_set(err, IMG_E_BUG,
				   "%s: put outside a "
				   "transaction",
				   c->file);
	if (judge(c, in, true, &series, out, err) < 0)
		return -1;
	if (out->verdict == IMG_DUPLICATE ||
	    (out->verdict == IMG_CONFLICT && how == IMG_REJECT))
		return 0;
	if (out->verdict == IMG_STORED &&
	    add_child(c, IMG_IMAGE, series, in, &out->instance, err) < 0)
		return -1;
	if (add_object(c, in, out->instance, out->object, err) < 0)
		return -1;
	if (out->verdict == IMG_CONFLICT && how == IMG_REPLACE)
		return replace(c, in, out, err);
	return 0;
}
