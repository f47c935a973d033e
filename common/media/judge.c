/* judge.c - what is wrong with a medium, now that all of it was read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/check.h"

#define TELL(...)                                                              \
	do {                                                                   \
		int rc_ = media_tell(__VA_ARGS__);                             \
		if (rc_)                                                       \
			return rc_;                                            \
	} while (0)

/* ---- names ------------------------------------------------------------ */

/* Components of eight of A-Z 0-9 _, eight of them (PS3.10 8.2, 8.5). */
static bool is_file_id(const char *id)
{
	unsigned parts = 1;
	size_t n = 0;

	for (; *id; id++) {
		if (*id == '/') {
			if (!n || ++parts > 8)
				return false;
			n = 0;
		} else if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
				   *id) ||
			   ++n > 8) {
			return false;
		}
	}
	return n > 0;
}

/* Names of files that are no DICOM: with an extension of three. */
static bool is_83(const char *path)
{
	size_t name = 0, ext = 0;
	bool dot = false;

	for (; *path; path++) {
		if (*path == '/') {
			if (dot || !name)
				return false;
			name = 0;
			continue;
		}
		if (*path == '.') {
			if (dot || !name)
				return false;
			dot = true;
			continue;
		}
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", *path) ||
		    (dot ? ++ext > 3 : ++name > 8))
			return false;
	}
	return name > 0;
}

/* ---- chains ----------------------------------------------------------- */

static uint32_t at_offset(const struct img_media_check *c, uint32_t start)
{
	uint32_t lo = 0, hi = (uint32_t)c->record_count;

	if (start == UINT32_MAX) /* no number, or out of reach */
		return ABSENT;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (c->record[mid].start < start)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->record_count && c->record[lo].start == start ? lo
								    : ABSENT;
}

/* Follows one chain; what it reaches gets its parent.  Each record is reached
   once, so that circles end. */
static int follow(struct telling *t, uint32_t offset, uint32_t parent,
		  uint32_t *queue, size_t *queued)
{
	struct img_media_check *c = t->c;

	while (offset) {
		uint32_t i = at_offset(c, offset);

		if (i == ABSENT || c->record[i].reached)
			return media_tell(
				t, IMG_MEDIA_CHAIN, parent, ABSENT, 0,
				i == ABSENT ? "an offset leads to no record"
					    : "a record is reached twice");
		c->record[i].reached = true;
		c->record[i].parent = parent;
		queue[(*queued)++] = i;
		offset = c->record[i].next;
	}
	return 0;
}

static int check_chains(struct telling *t)
{
	struct img_media_check *c = t->c;
	uint32_t *queue = calloc(c->record_count + 1, sizeof *queue);
	size_t queued = 0;
	int rc;

	if (!queue)
		return img_err_set(t->err, IMG_E_NOMEM, "out of memory");
	rc = follow(t, c->first, ABSENT, queue, &queued);
	for (size_t i = 0; rc == 0 && i < queued; i++)
		rc = follow(t, c->record[queue[i]].lower, queue[i], queue,
			    &queued);
	free(queue);
	for (uint32_t i = 0; rc == 0 && i < c->record_count; i++)
		if (!c->record[i].reached && !c->record[i].inactive)
			rc = media_tell(t, IMG_MEDIA_CHAIN, i,
					c->record[i].file_id, 0,
					"no chain leads to the record");
	return rc;
}

/* ---- records ---------------------------------------------------------- */

static const char *type_of(const struct img_media_check *c, uint32_t record)
{
	return record == ABSENT ? "" : check_text(c, c->record[record].type);
}

/* PS3.3 table F.4-1 */
static int check_level(struct telling *t, uint32_t i,
		       const struct record_type *type)
{
	const struct listed *r = &t->c->record[i];
	const char *above = type_of(t->c, r->parent);
	const char *want = type == &media_study    ? "PATIENT"
			   : type == &media_series ? "STUDY"
			   : type->root            ? ""
						   : "SERIES";

	if (r->reached && strcmp(above, want) != 0)
		return media_tell(t, IMG_MEDIA_RECORD, i, r->file_id, 0,
				  "in a wrong place of the directory");
	return 0;
}

static int check_keys(struct telling *t, uint32_t i,
		      const struct record_type *type)
{
	const struct listed *r = &t->c->record[i];

	for (size_t k = 0; k < type->count && k < RECORD_KEYS; k++) {
		const struct key *key = &type->keys[k];
		bool absent = r->absent >> k & 1, empty = r->empty >> k & 1;

		if ((key->type == KEY_1 && (absent || empty)) ||
		    (key->type == KEY_2 && absent))
			TELL(t, IMG_MEDIA_RECORD, i, r->file_id, key->tag,
			     absent ? "a key is missing"
				    : "a key has no value");
	}
	return 0;
}

static int check_reference(struct telling *t, uint32_t i,
			   const struct record_type *type)
{
	struct img_media_check *c = t->c;
	const struct listed *r = &c->record[i];
	const char *sop_class = check_text(c, r->sop_class);
	const struct record_type *right = media_type_of(sop_class);

	if (r->file_id == ABSENT || r->sop_class == ABSENT ||
	    r->sop == ABSENT || r->ts == ABSENT)
		TELL(t, IMG_MEDIA_RECORD, i, r->file_id, 0,
		     "the reference to its file is not complete");
	else if (right && right != type)
		TELL(t, IMG_MEDIA_RECORD, i, r->file_id,
		     IMG_TAG(0x0004, 0x1430),
		     "not the type of record for its SOP class");
	if (r->file_id != ABSENT && !is_file_id(check_text(c, r->file_id)))
		TELL(t, IMG_MEDIA_FILE_ID, i, r->file_id,
		     IMG_TAG(0x0004, 0x1500), "not a file ID");
	if (c->profile && r->ts != ABSENT &&
	    !media_profile_has(c->profile, check_text(c, r->ts)))
		TELL(t, IMG_MEDIA_FOREIGN, i, r->file_id,
		     IMG_TAG(0x0004, 0x1512),
		     "a transfer syntax that the profile has not");
	if (c->profile && r->sop_class != ABSENT &&
	    !media_profile_class(c->profile, sop_class))
		TELL(t, IMG_MEDIA_FOREIGN, i, r->file_id,
		     IMG_TAG(0x0004, 0x1510),
		     "a SOP class that the profile has not");
	return 0;
}

/* ---- records and their files ------------------------------------------ */

static int compare(struct telling *t, uint32_t i, uint32_t a, uint32_t b,
		   uint32_t tag, const char *text)
{
	if (a == ABSENT || b == ABSENT || a == b)
		return 0; /* shared texts: the same one is at the same place */
	return media_tell(t, IMG_MEDIA_MISMATCH, i, t->c->record[i].file_id,
			  tag, text);
}

/* Patient, study and series, and what may lie between; those of a hostile
   DICOMDIR may be as many as its records. */
#define ABOVE 8

/* What the records above it say. */
static int compare_above(struct telling *t, uint32_t i,
			 const struct medium_file *f)
{
	struct img_media_check *c = t->c;
	unsigned level = 0;

	for (uint32_t up = c->record[i].parent; up != ABSENT && level < ABOVE;
	     up = c->record[up].parent, level++) {
		const char *type = type_of(c, up);
		uint32_t id = c->record[up].id;
		int rc = 0;

		if (strcmp(type, "SERIES") == 0)
			rc = compare(t, i, id, f->series, SERIES_UID,
				     "listed in another series");
		else if (strcmp(type, "STUDY") == 0)
			rc = compare(t, i, id, f->study, STUDY_UID,
				     "listed in another study");
		else if (strcmp(type, "PATIENT") == 0)
			rc = compare(t, i, id, f->patient, PATIENT_ID,
				     "listed under another patient");
		if (rc)
			return rc;
	}
	return 0;
}

/* Whether it lies in a folder that cannot be read: then it is not known to be
   gone.  Cuts the key short. */
static bool is_in_unread(const struct img_media_check *c, char *key)
{
	char *slash;
	size_t at;

	while ((slash = strrchr(key, '/'))) {
		*slash = '\0';
		at = media_map_get(&c->m, &c->names, key);
		if (at != NONE && c->file[at].unread)
			return true;
	}
	return false;
}

static int check_file(struct telling *t, uint32_t i)
{
	struct img_media_check *c = t->c;
	struct listed *r = &c->record[i];
	struct medium_file *f;
	char key[IMG_PATH_MAX];
	size_t at;
	int rc;

	if (r->file_id == ABSENT)
		return 0;
	if (!img_media_key(check_text(c, r->file_id), key, sizeof key))
		key[0] = '\0';
	at = media_map_get(&c->m, &c->names, key);
	if (at == NONE && is_in_unread(c, key))
		return 0;
	if (at == NONE)
		return media_tell(t, IMG_MEDIA_NOT_THERE, i, r->file_id, 0,
				  "listed, and not there");
	f = &c->file[at];
	if (f->listed)
		TELL(t, IMG_MEDIA_RECORD, i, r->file_id, 0,
		     "another record refers to the same file");
	f->listed = true;
	if (f->unread)
		return 0;
	if (!f->dicom)
		return media_tell(t, IMG_MEDIA_MISMATCH, i, r->file_id, 0,
				  "listed, and no DICOM file");
	rc = compare(t, i, r->sop, f->sop, IMG_TAG(0x0004, 0x1511),
		     "another SOP instance");
	if (rc == 0)
		rc = compare(t, i, r->sop_class, f->sop_class,
			     IMG_TAG(0x0004, 0x1510), "another SOP class");
	if (rc == 0)
		rc = compare(t, i, r->ts, f->ts, IMG_TAG(0x0004, 0x1512),
			     "another transfer syntax");
	return rc ? rc : compare_above(t, i, f);
}

static int check_record(struct telling *t, uint32_t i)
{
	const struct listed *r = &t->c->record[i];
	const char *name = check_text(t->c, r->type);
	const struct record_type *type = media_type_named(name);
	bool leaf = type && type != &media_patient && type != &media_study &&
		    type != &media_series;
	int rc;

	if (r->inactive)
		return 0;
	if (!type && strcmp(name, "PRIVATE") != 0)
		TELL(t, IMG_MEDIA_RECORD, i, r->file_id,
		     IMG_TAG(0x0004, 0x1430),
		     r->type == ABSENT ? "no type" : "unknown type");
	rc = type ? check_level(t, i, type) : 0;
	if (rc == 0 && type)
		rc = check_keys(t, i, type);
	if (rc == 0 && leaf)
		rc = check_reference(t, i, type);
	return rc ? rc : check_file(t, i);
}

/* ---- files ------------------------------------------------------------ */

static bool is_directory_file(const char *key)
{
	return strcmp(key, "DICOMDIR") == 0;
}

/* Without what ISO 9660 adds to a name: ";1" and a dot at the end. */
static void plain_name(const char *path, char *out, size_t size)
{
	size_t n;

	snprintf(out, size, "%s", path);
	out[strcspn(out, ";")] = '\0';
	n = strlen(out);
	if (n && out[n - 1] == '.')
		out[n - 1] = '\0';
}

static int check_name(struct telling *t, const struct medium_file *f)
{
	char path[IMG_PATH_MAX];

	plain_name(check_text(t->c, f->path), path, sizeof path);
	if (f->dicom ? !is_file_id(path) : !is_83(path))
		return media_tell(
			t, f->dicom ? IMG_MEDIA_FILE_ID : IMG_MEDIA_LAYOUT,
			ABSENT, f->path, 0,
			f->dicom ? "its name is no file ID"
				 : "its name is not 8.3");
	return 0;
}

static int check_files(struct telling *t)
{
	struct img_media_check *c = t->c;
	bool readme = false, index = false, pages = false;

	for (size_t i = 0; i < c->file_count; i++) {
		const struct medium_file *f = &c->file[i];
		const char *key = check_text(c, f->key);
		int rc;

		readme |= strcmp(key, "README.TXT") == 0;
		index |= strcmp(key, "INDEX.HTM") == 0;
		pages |= strncmp(key, "IHE_PDI/", 8) == 0;
		if (is_directory_file(key))
			continue;
		if (f->dicom && !f->listed)
			TELL(t, IMG_MEDIA_UNLISTED, ABSENT, f->path, 0,
			     "no record refers to it");
		if (f->dicom && strncmp(key, "IHE_PDI/", 8) == 0)
			TELL(t, IMG_MEDIA_LAYOUT, ABSENT, f->path, 0,
			     "a DICOM file in IHE_PDI");
		rc = check_name(t, f);
		if (rc)
			return rc;
	}
	if (c->pdi && !readme)
		TELL(t, IMG_MEDIA_LAYOUT, ABSENT, ABSENT, 0, "no README.TXT");
	if (c->pdi && pages && !index)
		TELL(t, IMG_MEDIA_LAYOUT, ABSENT, ABSENT, 0, "no INDEX.HTM");
	return 0;
}

int media_judge(struct telling *t)
{
	struct img_media_check *c = t->c;
	int rc = check_chains(t);

	for (uint32_t i = 0; rc == 0 && i < c->record_count; i++)
		rc = check_record(t, i);
	return rc ? rc : check_files(t);
}
