/* group.c - the records of patients, studies and series. */
#include <stdio.h>
#include <string.h>

#include "media/plan.h"

#define STUDY_DATE IMG_TAG(0x0008, 0x0020)
#define STUDY_TIME IMG_TAG(0x0008, 0x0030)
#define ACCESSION  IMG_TAG(0x0008, 0x0050)
#define STUDY_ID   IMG_TAG(0x0020, 0x0010)
#define MODALITY   IMG_TAG(0x0008, 0x0060)

/* The same text, whatever character sets it is in. */
static bool equal(const struct img_media_set *m, const struct value *a,
		  const struct value *b)
{
	struct img_err ignored = IMG_ERR_INIT;
	struct img_buf x, y;
	bool same;

	if (a->charset == b->charset)
		return a->length == b->length &&
		       memcmp(media_text(m, a->at), media_text(m, b->at),
			      a->length) == 0;
	img_buf_init(&x, 8 * FACT_BYTES);
	img_buf_init(&y, 8 * FACT_BYTES);
	same = media_value_utf8(m, a, &x, &ignored) == 0 &&
	       media_value_utf8(m, b, &y, &ignored) == 0 && x.len == y.len &&
	       memcmp(img_buf_str(&x), img_buf_str(&y), x.len) == 0;
	img_buf_release(&x);
	img_buf_release(&y);
	return same;
}

static int merge_key(struct img_media_set *m, struct group *g, struct object *o,
		     const struct key *key, struct img_err *err)
{
	const struct value *have = media_value_find(&g->keys, key->tag);
	const char *type = media_group_type(g->level)->name;
	struct value room[1];
	struct values other = { .v = room, .room = 1 };
	size_t mark = m->arena.len;
	enum verdict v;

	if (media_value_take(m, have ? &other : &g->keys, key->tag, &v, err) <
		    0 ||
	    ((!have || v == VALUE_MARKED) &&
	     media_note_value(o, key, v, type, err) < 0))
		return -1;
	if (!have)
		return 0;
	if (v >= VALUE_OK && !equal(m, have, &room[0]) &&
	    media_change(o, IMG_MEDIA_DIFFERS, key->tag, "", type, err) < 0)
		return -1;
	m->arena.len = mark;
	return 0;
}

/* The best of what the objects of a study say about when it was. */
static void merge_moment(struct img_media_set *m, struct group *g)
{
	char date[9];
	bool known = media_date(m, STUDY_DATE, date);
	struct moment t, *best = &g->moment;
	int order;

	media_study_moment(m, known ? date : NULL, &t);
	if (!t.rank || (best->rank && best->rank < t.rank))
		return;
	order = strcmp(t.date, best->date);
	if (best->rank == t.rank &&
	    (order > 0 || (order == 0 && strcmp(t.time, best->time) >= 0)))
		return;
	*best = t;
}

int media_merge_group(struct img_media_set *m, struct group *g,
		      struct object *o, struct img_err *err)
{
	const struct record_type *t = media_group_type(g->level);
	const char *modality = media_modality_of(media_text(m, o->sop_class));

	g->identity_removed |= media_identity_removed(m);
	if (g->level == STUDY)
		merge_moment(m, g);
	for (size_t i = 0; i < t->count; i++)
		if (merge_key(m, g, o, &t->keys[i], err) < 0)
			return -1;
	if (g->level == SERIES && !media_value_find(&g->keys, MODALITY) &&
	    !media_set_find(m, MODALITY) && modality)
		return media_derive(m, &g->keys, o, MODALITY, modality,
				    "SOPClassUID", t->name, err);
	return 0;
}

int media_derive_patient(struct img_media_set *m, struct group *g,
			 struct object *o, const char *study,
			 struct img_err *err)
{
	return media_derive(m, &g->keys, o, PATIENT_ID, study,
			    "StudyInstanceUID", "PATIENT", err);
}

/* The last characters of the UID, as many as an SH has. */
static int derive_study_id(struct img_media_set *m, struct group *g,
			   struct object *o, struct img_err *err)
{
	const struct value *accession = media_value_find(&g->keys, ACCESSION);
	const char *uid = media_text(m, g->uid);
	size_t n = strlen(uid);
	char t[17];

	if (accession && accession->length && accession->length <= 16 &&
	    accession->charset == CHARSET_ASCII) {
		snprintf(t, sizeof t, "%.*s", (int)accession->length,
			 media_text(m, accession->at));
		return media_derive(m, &g->keys, o, STUDY_ID, t,
				    "AccessionNumber", "STUDY", err);
	}
	uid += n > 16 ? n - 16 : 0;
	snprintf(t, sizeof t, "%s", *uid == '.' ? uid + 1 : uid);
	return media_derive(m, &g->keys, o, STUDY_ID, t, "StudyInstanceUID",
			    "STUDY", err);
}

/* 1 added, 0 there is nothing. */
static int derive_study_moment(struct img_media_set *m, struct group *g,
			       struct object *o, uint32_t tag,
			       struct img_err *err)
{
	const struct value *date = media_value_find(&g->keys, STUDY_DATE);
	const struct moment *t = &g->moment;
	const char *text = tag == STUDY_DATE ? t->date : t->time;
	const char *from =
		media_keyword(tag == STUDY_DATE ? t->date_tag : t->time_tag);

	if (tag == STUDY_TIME && t->date[0] && date &&
	    strncmp(t->date, media_text(m, date->at), 8) != 0)
		text = "";
	if (!*text && g->identity_removed) {
		text = tag == STUDY_DATE ? DUMMY_DATE : DUMMY_TIME;
		from = media_keyword(IDENTITY_REMOVED);
	}
	if (!*text)
		return 0;
	return media_derive(m, &g->keys, o, tag, text, from, "STUDY", err) < 0
		       ? -1
		       : 1;
}

static int group_key(struct img_media_set *m, struct group *g, struct object *o,
		     const struct key *key, struct img_err *err)
{
	const struct record_type *t = media_group_type(g->level);
	const struct set_value *s = media_set_find(m, key->tag);
	const struct img_dict *d = img_dict_tag(key->tag);
	int rc = 0;

	if (media_value_find(&g->keys, key->tag))
		return 0;
	if (s)
		return media_add_set(m, &g->keys, o, s, t->name, err);
	if (key->type == KEY_2)
		return media_value_add(m, &g->keys, key->tag, d->vr,
				       CHARSET_ASCII, "", 0, err);
	if (key->type != KEY_1)
		return 0;
	if (key->tag == SERIES_NUMBER)
		return media_change(o, IMG_MEDIA_KEY, key->tag,
				    "ReferencedFileID", t->name, err);
	if (key->tag == STUDY_ID)
		return derive_study_id(m, g, o, err);
	if (key->tag == STUDY_DATE || key->tag == STUDY_TIME)
		rc = derive_study_moment(m, g, o, key->tag, err);
	if (rc == 0 && !g->refused) {
		g->refused = true;
		media_refuse_key(key->tag, VALUE_MISSING, &g->why);
	}
	return rc < 0 ? -1 : 0;
}

int media_repair_group(struct img_media_set *m, struct group *g,
		       struct img_err *err)
{
	const struct record_type *t = media_group_type(g->level);
	struct object *o = &m->objects[g->object];

	for (size_t i = 0; i < t->count; i++)
		if (group_key(m, g, o, &t->keys[i], err) < 0)
			return -1;
	return 0;
}
