/*
 * repair.c - where a key that is missing may come from.
 *
 * From the caller's own values first, then from other attributes, in the
 * order of the tables here; the manual imgexport(1) has the same tables.
 * Nothing else: an object that has none of them is refused.
 */
#include <stdio.h>
#include <string.h>

#include "media/plan.h"

#define STUDY_DATE       IMG_TAG(0x0008, 0x0020)
#define STUDY_TIME       IMG_TAG(0x0008, 0x0030)
#define CONTENT_DATE     IMG_TAG(0x0008, 0x0023)
#define CONTENT_TIME     IMG_TAG(0x0008, 0x0033)
#define CREATION_DATE    IMG_TAG(0x0008, 0x0012)
#define CREATION_TIME    IMG_TAG(0x0008, 0x0013)
#define ACQUISITION_DATE IMG_TAG(0x0008, 0x0022)
#define ACQUISITION_TIME IMG_TAG(0x0008, 0x0032)
#define ACQUISITION_DT   IMG_TAG(0x0008, 0x002A)
#define SERIES_DATE      IMG_TAG(0x0008, 0x0021)
#define SERIES_TIME      IMG_TAG(0x0008, 0x0031)
#define PR_DATE          IMG_TAG(0x0070, 0x0082)
#define PR_TIME          IMG_TAG(0x0070, 0x0083)
#define VERIFIED_AT      IMG_TAG(0x0040, 0xA030)
#define VERIFICATION     IMG_TAG(0x0040, 0xA493)
#define MIME_TYPE        IMG_TAG(0x0042, 0x0012)
#define PLAN_LABEL       IMG_TAG(0x300A, 0x0002)
#define PLAN_NAME        IMG_TAG(0x300A, 0x0003)
#define SET_LABEL        IMG_TAG(0x3006, 0x0002)
#define SET_NAME         IMG_TAG(0x3006, 0x0004)

struct pair {
	uint32_t date, time; /* time 0: date is a DT of both */
};

static const struct pair study_pairs[] = {
	{ SERIES_DATE, SERIES_TIME },
	{ ACQUISITION_DATE, ACQUISITION_TIME },
	{ ACQUISITION_DT, 0 },
	{ CONTENT_DATE, CONTENT_TIME },
	{ CREATION_DATE, CREATION_TIME },
};
static const struct pair content_pairs[] = {
	{ ACQUISITION_DATE, ACQUISITION_TIME },
	{ ACQUISITION_DT, 0 },
	{ PR_DATE, PR_TIME },
	{ CREATION_DATE, CREATION_TIME },
};
static const struct pair presentation_pairs[] = {
	{ CONTENT_DATE, CONTENT_TIME },
	{ CREATION_DATE, CREATION_TIME },
};
static const struct pair creation_pairs[] = {
	{ CONTENT_DATE, CONTENT_TIME },
};

/* Keys that come in twos. */
static const struct moments {
	uint32_t date, time;
	const struct pair *pairs;
	size_t count;
} moments[] = {
	{ STUDY_DATE, STUDY_TIME, study_pairs,
	  sizeof study_pairs / sizeof *study_pairs },
	{ CONTENT_DATE, CONTENT_TIME, content_pairs,
	  sizeof content_pairs / sizeof *content_pairs },
	{ PR_DATE, PR_TIME, presentation_pairs,
	  sizeof presentation_pairs / sizeof *presentation_pairs },
	{ CREATION_DATE, CREATION_TIME, creation_pairs,
	  sizeof creation_pairs / sizeof *creation_pairs },
};

#define MOMENTS (sizeof moments / sizeof *moments)

/* Keys that are another attribute's text, where that fits. */
static const struct {
	uint32_t tag, from;
} texts[] = {
	{ PLAN_LABEL, PLAN_NAME },
	{ SET_LABEL, SET_NAME },
};

unsigned media_repair_tags(uint32_t *out, unsigned max)
{
	const uint32_t others[] = { PLAN_NAME, SET_NAME, IDENTITY_REMOVED };
	unsigned n = 0;

	for (size_t i = 0; i < MOMENTS; i++)
		for (size_t k = 0; k < moments[i].count; k++) {
			if (n + 2 > max)
				return n;
			out[n++] = moments[i].pairs[k].date;
			if (moments[i].pairs[k].time)
				out[n++] = moments[i].pairs[k].time;
		}
	for (size_t i = 0; i < sizeof others / sizeof *others && n < max; i++)
		out[n++] = others[i];
	return n;
}

const char *media_keyword(uint32_t tag)
{
	const struct img_dict *d = img_dict_tag(tag);

	return d ? d->keyword : "?";
}

const struct record_type *media_group_type(enum level level)
{
	return level == PATIENT ? &media_patient
	       : level == STUDY ? &media_study
				: &media_series;
}

/* ---- dates and times -------------------------------------------------- */

static void pair_of(const struct img_media_set *m, const struct pair *p,
		    struct moment *out)
{
	char t[32];

	memset(out, 0, sizeof *out);
	out->date_tag = p->date;
	out->time_tag = p->time ? p->time : p->date;
	if (p->time) {
		if (!media_date(m, p->date, out->date))
			out->date[0] = '\0';
		if (!media_time(m, p->time, out->time))
			out->time[0] = '\0';
	} else if (media_date_time(m, p->date, t)) {
		memcpy(out->date, t, 8);
		snprintf(out->time, sizeof out->time, "%.6s", t + 8);
	}
}

/* The first pair that has a date; or, where the date is known, a time that is
   not of another day. */
static void find(const struct img_media_set *m, const struct moments *of,
		 const char *date, struct moment *out)
{
	for (size_t i = 0; i < of->count; i++) {
		pair_of(m, &of->pairs[i], out);
		out->rank = (unsigned)i + 1;
		if (date ? out->time[0] && (!out->date[0] ||
					    strcmp(out->date, date) == 0)
			 : out->date[0])
			return;
	}
	memset(out, 0, sizeof *out);
}

static const struct moments *moments_of(uint32_t tag)
{
	for (size_t i = 0; i < MOMENTS; i++)
		if (moments[i].date == tag || moments[i].time == tag)
			return &moments[i];
	return NULL;
}

void media_study_moment(const struct img_media_set *m, const char *date,
			struct moment *out)
{
	find(m, &moments[0], date, out);
}

/* ---- derived values --------------------------------------------------- */

int media_derive(struct img_media_set *m, struct values *vs, struct object *o,
		 uint32_t tag, const char *text, const char *from,
		 const char *type, struct img_err *err)
{
	const struct img_dict *d = img_dict_tag(tag);

	if (media_value_add(m, vs, tag, d->vr, CHARSET_ASCII, text,
			    strlen(text), err) < 0)
		return -1;
	return media_change(o, IMG_MEDIA_KEY, tag, from, type, err);
}

int media_add_set(struct img_media_set *m, struct values *vs, struct object *o,
		  const struct set_value *s, const char *type,
		  struct img_err *err)
{
	if (media_value_add(m, vs, s->tag, s->vr,
			    s->wide ? CHARSET_UTF8 : CHARSET_ASCII,
			    media_text(m, s->at), s->length, err) < 0)
		return -1;
	return media_change(o, IMG_MEDIA_KEY, s->tag, "set", type, err);
}

bool media_identity_removed(const struct img_media_set *m)
{
	char t[17];

	return media_fact_text(m, IDENTITY_REMOVED, t, sizeof t) &&
	       strcmp(t, "YES") == 0;
}

/* 1 added, 0 there is nothing. */
static int derive_moment(struct img_media_set *m, struct object *o,
			 uint32_t tag, struct img_err *err)
{
	const struct moments *of = moments_of(tag);
	const struct value *known = media_value_find(&o->keys, of->date);
	bool want_date = tag == of->date;
	char date[9];
	struct moment t;

	if (known)
		snprintf(date, sizeof date, "%.8s", media_text(m, known->at));
	find(m, of, known ? date : NULL, &t);
	if (want_date ? t.date[0] : t.time[0])
		return media_derive(m, &o->keys, o, tag,
				    want_date ? t.date : t.time,
				    media_keyword(want_date ? t.date_tag
							    : t.time_tag),
				    o->type->name, err) < 0
			       ? -1
			       : 1;
	if (!media_identity_removed(m))
		return 0;
	return media_derive(
		       m, &o->keys, o, tag, want_date ? DUMMY_DATE : DUMMY_TIME,
		       media_keyword(IDENTITY_REMOVED), o->type->name, err) < 0
		       ? -1
		       : 1;
}

static int derive_text(struct img_media_set *m, struct object *o, uint32_t tag,
		       uint32_t from, struct img_err *err)
{
	char t[17];

	if (!media_fact_text(m, from, t, sizeof t))
		return 0;
	for (const char *c = t; *c; c++)
		if (*c < 0x20 || *c >= 0x7F)
			return 0;
	return media_derive(m, &o->keys, o, tag, t, media_keyword(from),
			    o->type->name, err) < 0
		       ? -1
		       : 1;
}

static int derive(struct img_media_set *m, struct object *o, uint32_t tag,
		  struct img_err *err)
{
	const char *mime;

	if (tag == INSTANCE_NUMBER) {
		o->number_due = true;
		return media_change(o, IMG_MEDIA_KEY, tag, "ReferencedFileID",
				    o->type->name, err) < 0
			       ? -1
			       : 1;
	}
	if (moments_of(tag))
		return derive_moment(m, o, tag, err);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].tag == tag)
			return derive_text(m, o, tag, texts[i].from, err);
	mime = media_mime_of(media_text(m, o->sop_class));
	if (tag == MIME_TYPE && mime)
		return media_derive(m, &o->keys, o, tag, mime, "SOPClassUID",
				    o->type->name, err) < 0
			       ? -1
			       : 1;
	return 0;
}

/* ---- an object's own record ------------------------------------------- */

int media_refuse_key(uint32_t tag, enum verdict v, struct img_err *err)
{
	char name[12];

	img_dict_format_tag(tag, name);
	return img_err_set(err, IMG_E_REFUSED,
			   v == VALUE_BAD
				   ? "%s %s is not valid, and the directory "
				     "needs it"
				   : "no %s %s, and the directory needs it",
			   media_keyword(tag), name);
}

int media_note_value(struct object *o, const struct key *key, enum verdict v,
		     const char *type, struct img_err *err)
{
	if (v == VALUE_MARKED)
		return media_change(o, IMG_MEDIA_MARKED, key->tag, "", type,
				    err);
	if (v == VALUE_BAD && key->type != KEY_1)
		return media_change(o, IMG_MEDIA_DROPPED, key->tag, "", type,
				    err);
	return 0;
}

static int object_key(struct img_media_set *m, struct object *o,
		      const struct key *key, struct img_err *err)
{
	const struct set_value *s = media_set_find(m, key->tag);
	const struct img_dict *d = img_dict_tag(key->tag);
	enum verdict v;
	int rc;

	if (media_value_take(m, &o->keys, key->tag, &v, err) < 0)
		return -1;
	if (v >= VALUE_OK)
		return media_note_value(o, key, v, o->type->name, err);
	if (s && key->type != KEY_1C)
		return media_add_set(m, &o->keys, o, s, o->type->name, err);
	if (key->type == KEY_1) {
		rc = derive(m, o, key->tag, err);
		return rc ? (rc < 0 ? -1 : 0)
			  : media_refuse_key(key->tag, v, err);
	}
	if (media_note_value(o, key, v, o->type->name, err) < 0)
		return -1;
	if (key->type == KEY_2)
		return media_value_add(m, &o->keys, key->tag, d->vr,
				       CHARSET_ASCII, "", 0, err);
	return 0;
}

/* F.5.25: a verified report says when it was. */
static int verification(struct img_media_set *m, struct object *o,
			struct img_err *err)
{
	const struct value *flag = media_value_find(&o->keys, VERIFICATION);

	if (!flag || flag->length != 8 ||
	    memcmp(media_text(m, flag->at), "VERIFIED", 8) != 0 ||
	    media_value_find(&o->keys, VERIFIED_AT))
		return 0;
	if (media_identity_removed(m))
		return media_derive(
			m, &o->keys, o, VERIFIED_AT, DUMMY_DATE DUMMY_TIME,
			media_keyword(IDENTITY_REMOVED), o->type->name, err);
	return media_refuse_key(VERIFIED_AT, VALUE_MISSING, err);
}

int media_repair_object(struct img_media_set *m, struct object *o,
			struct img_err *err)
{
	const struct record_type *t = o->type;

	for (size_t i = 0; i < t->count; i++)
		if (object_key(m, o, &t->keys[i], err) < 0)
			return -1;
	if (strcmp(t->name, "IMAGE") != 0)
		return verification(m, o, err);
	for (size_t i = 0; i < m->profile->image_key_count; i++)
		if (object_key(m, o, &m->profile->image_keys[i], err) < 0)
			return -1;
	return 0;
}
