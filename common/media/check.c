/*
 * check.c - a medium is read: the records of its DICOMDIR, its files.
 *
 * Only what has to be compared is kept, so that a disc of a hundred thousand
 * files is checked in some tens of megabytes.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "media/check.h"

#define TAG_SET_ID  IMG_TAG(0x0004, 0x1130)
#define TAG_FIRST   IMG_TAG(0x0004, 0x1200)
#define TAG_LAST    IMG_TAG(0x0004, 0x1202)
#define TAG_RECORDS IMG_TAG(0x0004, 0x1220)
#define TAG_NEXT    IMG_TAG(0x0004, 0x1400)
#define TAG_IN_USE  IMG_TAG(0x0004, 0x1410)
#define TAG_LOWER   IMG_TAG(0x0004, 0x1420)
#define TAG_TYPE    IMG_TAG(0x0004, 0x1430)
#define TAG_FILE_ID IMG_TAG(0x0004, 0x1500)
#define TAG_SOP_CLS IMG_TAG(0x0004, 0x1510)
#define TAG_SOP     IMG_TAG(0x0004, 0x1511)
#define TAG_TS      IMG_TAG(0x0004, 0x1512)

struct img_media_check *img_media_check_new(const char *profile, bool pdi,
					    struct img_err *err)
{
	struct img_media_check *c = calloc(1, sizeof *c);

	if (!c) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		return NULL;
	}
	img_buf_init(&c->m.arena, (size_t)2 << 30);
	img_buf_init(&c->buf, IMG_PATH_MAX);
	c->pdi = pdi;
	c->file_set_id = ABSENT;
	c->profile = profile ? media_profile_find(profile) : NULL;
	if (profile && !c->profile) {
		img_err_set(err, IMG_E_USAGE,
			    "%.40s: no media profile of that name", profile);
	} else if (img_crypto_init(err) == 0) {
		return c;
	}
	img_media_check_free(c);
	return NULL;
}

void img_media_check_free(struct img_media_check *c)
{
	if (!c)
		return;
	img_buf_release(&c->m.arena);
	img_buf_release(&c->buf);
	media_map_release(&c->m.texts);
	media_map_release(&c->names);
	free(c->record);
	free(c->file);
	free(c);
}

/* A text of the file, trimmed and shared; ABSENT if it is empty, too long or not
   ASCII: a record may have another character set than its file. */
static int take(struct img_media_check *c, const void *value, size_t n,
		uint32_t *at, struct img_err *err)
{
	const char *p = value;
	char t[IMG_MEDIA_ID_MAX];
	size_t text;

	*at = ABSENT;
	while (n && p && (p[n - 1] == ' ' || p[n - 1] == '\0'))
		n--;
	while (n && p && *p == ' ') {
		p++;
		n--;
	}
	if (!p || !n || n >= sizeof t)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)p[i] >= 0x7F || p[i] < 0x20)
			return 0; /* not comparable as bytes */
		t[i] = p[i];
	}
	t[n] = '\0';
	text = media_intern(&c->m, t, err);
	if (text == NONE)
		return -1;
	*at = (uint32_t)text;
	return 0;
}

/* ---- records ---------------------------------------------------------- */

struct reading {
	struct img_media_check *c;
	bool inside;
	unsigned level;
	uint32_t seen[64]; /* tags of the open record that have a value */
	uint32_t bare[64]; /* and those that have none */
	unsigned seen_count, bare_count;
};

static uint32_t number(const struct img_dicom_event *ev)
{
	const uint8_t *p = ev->value;

	if (!p || ev->length != 4)
		return UINT32_MAX;
	return ev->big ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
				 (uint32_t)p[2] << 8 | p[3]
		       : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 |
				 (uint32_t)p[1] << 8 | p[0];
}

static int begin_record(struct reading *s, uint64_t start, struct img_err *err)
{
	struct img_media_check *c = s->c;
	struct listed *r;

	if (c->record_count == IMG_MEDIA_RECORDS)
		return img_err_set(err, IMG_E_LIMIT,
				   "more than %d directory records",
				   IMG_MEDIA_RECORDS);
	if (c->record_count == c->record_room) {
		size_t room = c->record_room ? 2 * c->record_room : 64;

		r = realloc(c->record, room * sizeof *r);
		if (!r)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		c->record = r;
		c->record_room = room;
	}
	r = &c->record[c->record_count++];
	memset(r, 0, sizeof *r);
	r->start = start < UINT32_MAX ? (uint32_t)start : UINT32_MAX;
	r->parent = r->type = r->file_id = r->sop_class = r->sop = ABSENT;
	r->ts = r->id = ABSENT;
	s->seen_count = s->bare_count = 0;
	return 0;
}

static bool among(const uint32_t *tags, unsigned n, uint32_t tag)
{
	for (unsigned i = 0; i < n; i++)
		if (tags[i] == tag)
			return true;
	return false;
}

/* Which keys of its type the record does not have. */
static void end_record(struct reading *s)
{
	struct listed *r = &s->c->record[s->c->record_count - 1];
	const struct record_type *t =
		media_type_named(check_text(s->c, r->type));

	for (size_t i = 0; t && i < t->count && i < RECORD_KEYS; i++) {
		uint32_t tag = t->keys[i].tag;

		if (among(s->seen, s->seen_count, tag))
			continue;
		if (among(s->bare, s->bare_count, tag))
			r->empty |= (uint16_t)(1u << i);
		else
			r->absent |= (uint16_t)(1u << i);
	}
}

static int take_file_id(struct img_media_check *c, struct listed *r,
			const struct img_dicom_event *ev, struct img_err *err)
{
	char id[IMG_MEDIA_ID_MAX];

	if (!ev->value || !ev->length)
		return 0;
	img_media_file_id(ev->value, ev->length, id, sizeof id);
	return take(c, id, strlen(id), &r->file_id, err);
}

/* An element of the record itself. */
static int take_element(struct reading *s, const struct img_dicom_event *ev,
			struct img_err *err)
{
	struct img_media_check *c = s->c;
	struct listed *r = &c->record[c->record_count - 1];

	if (ev->length ? s->seen_count < 64 : s->bare_count < 64) {
		if (ev->length)
			s->seen[s->seen_count++] = ev->tag;
		else
			s->bare[s->bare_count++] = ev->tag;
	}
	switch (ev->tag) {
	case TAG_NEXT:
		r->next = number(ev);
		return 0;
	case TAG_LOWER:
		r->lower = number(ev);
		return 0;
	case TAG_IN_USE:
		r->inactive = ev->value && ev->length == 2 && !ev->value[0] &&
			      !ev->value[1];
		return 0;
	case TAG_TYPE:
		return take(c, ev->value, ev->length, &r->type, err);
	case TAG_FILE_ID:
		return take_file_id(c, r, ev, err);
	case TAG_SOP_CLS:
		return take(c, ev->value, ev->length, &r->sop_class, err);
	case TAG_SOP:
		return take(c, ev->value, ev->length, &r->sop, err);
	case TAG_TS:
		return take(c, ev->value, ev->length, &r->ts, err);
	case PATIENT_ID:
	case STUDY_UID:
	case SERIES_UID:
		return take(c, ev->value, ev->length, &r->id, err);
	default:
		return 0;
	}
}

static int see(struct reading *s, const struct img_dicom_event *ev,
	       struct img_err *err)
{
	if (!s->inside) {
		if (ev->kind == IMG_DICOM_SEQUENCE && ev->tag == TAG_RECORDS &&
		    !ev->depth)
			s->inside = s->c->has_dir = true;
		else if (ev->tag == TAG_FIRST)
			s->c->first = number(ev);
		else if (ev->tag == TAG_LAST)
			s->c->last = number(ev);
		else if (ev->tag == TAG_SET_ID && !ev->depth)
			return take(s->c, ev->value, ev->length,
				    &s->c->file_set_id, err);
		return 0;
	}
	if (ev->kind == IMG_DICOM_ITEM && s->level++ == 0)
		return begin_record(s, ev->start, err);
	if (ev->kind == IMG_DICOM_END_ITEM && s->level && --s->level == 0)
		end_record(s);
	if (ev->kind == IMG_DICOM_END_SEQUENCE && !s->level)
		s->inside = false;
	if (s->level != 1)
		return 0;
	if (ev->kind == IMG_DICOM_SEQUENCE && s->seen_count < 64)
		s->seen[s->seen_count++] = ev->tag;
	return ev->kind == IMG_DICOM_ELEMENT ? take_element(s, ev, err) : 0;
}

int img_media_check_dicomdir(struct img_media_check *c,
			     struct img_dicom_reader *r, const char *name,
			     struct img_err *err)
{
	struct reading s = { .c = c };
	struct img_dicom_event ev;
	int more;

	while ((more = img_dicom_next(r, &ev, err)) > 0)
		if (see(&s, &ev, err) < 0)
			return -1;
	if (more < 0)
		return -1;
	if (!c->has_dir)
		return img_err_set(err, IMG_E_UNSUPPORTED, "%s: not a DICOMDIR",
				   name);
	return 0;
}

/* ---- files ------------------------------------------------------------ */

static int look_into(struct img_media_check *c, struct medium_file *f,
		     struct img_dicom_reader *r, struct img_err *err)
{
	static const uint32_t tags[] = { IMG_TAG(0x0008, 0x0016),
					 IMG_TAG(0x0008, 0x0018), PATIENT_ID,
					 STUDY_UID, SERIES_UID };
	uint32_t *const to[] = { &f->sop_class, &f->sop, &f->patient, &f->study,
				 &f->series };
	struct img_dicom_pick v[5];
	const char *ts;
	int rc;

	f->dicom = true;
	rc = img_dicom_pick(r, tags, 5, v, err);
	for (size_t i = 0; rc == 0 && i < 5; i++)
		if (take(c, v[i].p, v[i].length, to[i], err) < 0)
			rc = -1;
	ts = img_dicom_facts(r)->transfer_syntax;
	if (rc == 0 && take(c, ts, strlen(ts), &f->ts, err) < 0)
		rc = -1;
	return rc;
}

int img_media_check_file(struct img_media_check *c, const char *path,
			 struct img_dicom_reader *r, struct img_err *err)
{
	struct medium_file *f;
	char key[IMG_PATH_MAX];
	size_t at;
	int rc = 0;

	if (c->file_count == c->file_room) {
		size_t room = c->file_room ? 2 * c->file_room : 64;

		f = realloc(c->file, room * sizeof *f);
		if (!f)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		c->file = f;
		c->file_room = room;
	}
	f = &c->file[c->file_count];
	memset(f, 0, sizeof *f);
	f->sop_class = f->sop = f->ts = ABSENT;
	f->study = f->series = f->patient = ABSENT;
	if (!img_media_key(path, key, sizeof key))
		return img_err_set(err, IMG_E_LIMIT, "path too long");
	at = media_intern(&c->m, path, err);
	f->path = f->key = (uint32_t)at;
	if (at != NONE && strcmp(key, path) != 0)
		f->key = (uint32_t)(at = media_keep(&c->m, key, strlen(key),
						    err));
	if (at == NONE)
		return -1;
	if (r)
		rc = look_into(c, f, r, err);
	if (media_map_put(&c->m, &c->names, check_text(c, f->key),
			  c->file_count, err) < 0)
		return -1;
	c->file_count++;
	return rc;
}

int img_media_check_unread(struct img_media_check *c, const char *path,
			   struct img_err *err)
{
	if (img_media_check_file(c, path, NULL, err) < 0)
		return -1;
	c->file[c->file_count - 1].unread = true;
	return 0;
}

int img_media_check_keep(struct img_media_check *c, const char *name,
			 uint32_t *id, struct img_err *err)
{
	size_t at = media_intern(&c->m, name, err);

	*id = (uint32_t)at;
	return at == NONE ? -1 : 0;
}

const char *img_media_check_name(const struct img_media_check *c, uint32_t id)
{
	return media_text(&c->m, id);
}

const char *img_media_check_id(const struct img_media_check *c)
{
	return check_text(c, c->file_set_id);
}

/* ---- telling ---------------------------------------------------------- */

const char *img_media_fault_word(enum img_media_fault fault)
{
	static const char *const words[] = {
		[IMG_MEDIA_NOT_THERE] = "missing",
		[IMG_MEDIA_UNLISTED] = "unlisted",
		[IMG_MEDIA_MISMATCH] = "mismatch",
		[IMG_MEDIA_FILE_ID] = "file-id",
		[IMG_MEDIA_FOREIGN] = "profile",
		[IMG_MEDIA_RECORD] = "record",
		[IMG_MEDIA_CHAIN] = "chain",
		[IMG_MEDIA_LAYOUT] = "layout",
	};

	return words[fault];
}

int media_tell(struct telling *t, enum img_media_fault fault, uint32_t record,
	       uint32_t path, uint32_t tag, const char *text)
{
	struct img_media_finding f = {
		.fault = fault,
		.record = record == ABSENT ? 0 : (uint64_t)record + 1,
		.path = check_text(t->c, path),
		.tag = tag,
		.text = text,
	};

	t->any = true;
	return t->fn(&f, t->arg, t->err);
}

int img_media_check_end(struct img_media_check *c,
			int (*fn)(const struct img_media_finding *f, void *arg,
				  struct img_err *err),
			void *arg, struct img_err *err)
{
	struct telling t = { .c = c, .fn = fn, .arg = arg, .err = err };
	int rc = media_judge(&t);

	return rc ? rc : t.any;
}
