/* plan.c - patients, studies, series and objects of a file-set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "media/plan.h"

#define SOP_CLASS IMG_TAG(0x0008, 0x0016)
#define SOP       IMG_TAG(0x0008, 0x0018)
#define ISSUER    IMG_TAG(0x0010, 0x0021)

/* ---- a new plan ------------------------------------------------------- */

static bool is_id(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return n && n <= 16 && !s[n];
}

/* Keyword=value, checked as one from an object is. */
static int add_set(struct img_media_set *m, const char *text,
		   struct img_err *err)
{
	const char *eq = strchr(text, '=');
	struct set_value *s = &m->set[m->set_count];
	const struct img_dict *d = NULL;
	char keyword[80];

	if (eq && (size_t)(eq - text) < sizeof keyword) {
		snprintf(keyword, sizeof keyword, "%.*s", (int)(eq - text),
			 text);
		if (img_dict_parse_tag(keyword, &s->tag))
			d = img_dict_tag(s->tag);
	}
	if (!d || s->tag == STUDY_UID || s->tag == SERIES_UID ||
	    !bsearch(&s->tag, m->wanted, m->wanted_count, sizeof s->tag,
		     media_by_tag))
		return img_err_set(err, IMG_E_USAGE,
				   "%.40s: no key of a directory record",
				   eq ? keyword : text);
	eq++;
	if (!img_utf8_ok(eq, strlen(eq)) ||
	    media_value_check(d->vr, d->vm_min, d->vm_max, eq, strlen(eq),
			      &m->scratch, err) != VALUE_OK)
		return img_err_set(err, IMG_E_USAGE,
				   "%s: not a valid value of VR %s", keyword,
				   d->vr);
	memcpy(s->vr, d->vr, 3);
	s->length = (uint32_t)m->scratch.len;
	s->wide = false;
	for (size_t i = 0; i < m->scratch.len; i++)
		s->wide |= (unsigned char)m->scratch.data[i] >= 0x80;
	s->at = media_keep(m, m->scratch.data, m->scratch.len, err);
	if (s->at == NONE)
		return -1;
	m->set_count++;
	return 0;
}

const struct set_value *media_set_find(const struct img_media_set *m,
				       uint32_t tag)
{
	for (size_t i = 0; i < m->set_count; i++)
		if (m->set[i].tag == tag)
			return &m->set[i];
	return NULL;
}

static int take_syntax(struct img_media_set *m, const char *ts,
		       struct img_err *err)
{
	if (!ts)
		return 0;
	if (!img_ts_find(ts) || strlen(ts) >= sizeof m->syntax)
		return img_err_set(err, IMG_E_USAGE, "unknown transfer syntax");
	if (!media_profile_has(m->profile, ts))
		return img_err_set(err, IMG_E_USAGE,
				   "%s is no transfer syntax of %s",
				   img_ts_find(ts)->name, m->profile->name);
	memcpy(m->syntax, ts, strlen(ts) + 1);
	return 0;
}

static int take_options(struct img_media_set *m,
			const struct img_media_options *o, struct img_err *err)
{
	const char *profile = o->profile ? o->profile : "STD-GEN-CD";
	const char *id = o->file_set_id ? o->file_set_id : "DICOM";

	m->profile = media_profile_find(profile);
	if (!m->profile)
		return img_err_set(err, IMG_E_USAGE,
				   "%.40s: no media profile of that name",
				   profile);
	if (!is_id(id))
		return img_err_set(err, IMG_E_USAGE,
				   "%.40s: a file-set ID has up to 16 of A-Z, "
				   "0-9 and _",
				   id);
	memcpy(m->file_set_id, id, strlen(id) + 1);
	m->syntax_always = o->syntax_always;
	m->allow_lossy = o->allow_lossy;
	m->plain_vrs = o->plain_vrs;
	m->web = o->web;
	m->volume = o->volume;
	m->reserve = o->reserve;
	m->per_object = o->per_object;
	if (take_syntax(m, o->syntax, err) < 0 || media_wanted(m, err) < 0)
		return -1;
	m->institution = NONE;
	if (o->institution) {
		m->institution = media_keep(m, o->institution,
					    strlen(o->institution), err);
		if (m->institution == NONE)
			return -1;
	}
	m->set = calloc(o->set_count ? o->set_count : 1, sizeof *m->set);
	if (!m->set)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (size_t i = 0; i < o->set_count; i++)
		if (add_set(m, o->set[i], err) < 0)
			return -1;
	return 0;
}

struct img_media_set *img_media_new(const struct img_media_options *opts,
				    struct img_err *err)
{
	struct img_media_set *m = calloc(1, sizeof *m);

	if (!m) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		return NULL;
	}
	img_buf_init(&m->arena, (size_t)4 << 30);
	img_buf_init(&m->facts.bytes, FACTS_MAX * FACT_BYTES + 4 * SEQ_BYTES);
	img_buf_init(&m->scratch, FACTS_MAX * FACT_BYTES);
	m->first[0] = m->first[1] = m->last[0] = m->last[1] = NONE;
	if (img_crypto_init(err) < 0 || take_options(m, opts, err) < 0) {
		img_media_free(m);
		return NULL;
	}
	return m;
}

static void release_object(struct object *o)
{
	free(o->keys.v);
	free(o->changes);
	free(o->why);
}

void img_media_free(struct img_media_set *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->object_count; i++)
		release_object(&m->objects[i]);
	for (size_t i = 0; i < m->group_count; i++)
		free(m->groups[i].keys.v);
	free(m->objects);
	free(m->groups);
	free(m->set);
	media_map_release(&m->patients);
	media_map_release(&m->studies);
	media_map_release(&m->series);
	media_map_release(&m->sops);
	media_map_release(&m->texts);
	img_buf_release(&m->arena);
	img_buf_release(&m->facts.bytes);
	img_buf_release(&m->scratch);
	free(m);
}

/* ---- parts of an object ----------------------------------------------- */

size_t media_intern(struct img_media_set *m, const char *text,
		    struct img_err *err)
{
	size_t at = media_map_get(m, &m->texts, text);

	if (at != NONE)
		return at;
	at = media_keep(m, text, strlen(text), err);
	if (at == NONE || media_map_put(m, &m->texts, text, at, err) < 0)
		return NONE;
	return at;
}

int media_change(struct object *o, enum img_media_change_kind kind,
		 uint32_t tag, const char *from, const char *to,
		 struct img_err *err)
{
	struct img_media_change c = { kind, tag, from, to };

	if (o->change_count == o->change_room) {
		uint16_t room =
			(uint16_t)(o->change_room ? 2 * o->change_room : 2);
		struct img_media_change *more =
			room > 1024 ? NULL
				    : realloc(o->changes, room * sizeof *more);

		if (!more)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		o->changes = more;
		o->change_room = room;
	}
	o->changes[o->change_count++] = c;
	return 0;
}

int media_refuse(struct object *o, const struct img_err *why,
		 struct img_err *err)
{
	if (o->refused)
		return 0;
	o->refused = true;
	o->why = malloc(sizeof *o->why);
	if (!o->why)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	*o->why = *why;
	return 0;
}

static bool uid_of(const struct img_media_set *m, uint32_t tag,
		   char out[IMG_UID_MAX])
{
	return media_fact_text(m, tag, out, IMG_UID_MAX) && img_uid_ok(out);
}

/* ---- where it belongs ------------------------------------------------- */

/* UIDs and, where there are any already, groups of an object. */
struct place {
	char study[IMG_UID_MAX], series[IMG_UID_MAX];
	struct img_buf patient; /* PatientID, in UTF-8 */
	bool derived;           /* the ID is the study's UID */
	size_t at[LEVELS];      /* groups, or NONE */
};

/* The PatientID it is to be filed under; PS3.3 F.5.1 wants one. */
static int patient_of(struct img_media_set *m, struct place *p,
		      struct img_err *err)
{
	const struct set_value *s = media_set_find(m, PATIENT_ID);
	struct value room[1];
	struct values vs = { .v = room, .room = 1 };
	size_t mark = m->arena.len;
	enum verdict v;
	char t[17];
	int rc;

	if (media_value_take(m, &vs, PATIENT_ID, &v, err) < 0)
		return -1;
	if (v == VALUE_OK) {
		rc = media_value_utf8(m, &room[0], &p->patient, err);
		m->arena.len = mark;
		return rc;
	}
	if (s)
		return img_buf_add(&p->patient, media_text(m, s->at), s->length,
				   err);
	if (p->at[STUDY] != NONE)
		return img_buf_puts(
			&p->patient,
			media_text(
				m,
				m->groups[m->groups[p->at[STUDY]].parent].uid),
			err);
	if (media_fact_text(m, IDENTITY_REMOVED, t, sizeof t) &&
	    strcmp(t, "YES") == 0) {
		p->derived = true;
		return img_buf_puts(&p->patient, p->study, err);
	}
	return img_err_set(err, IMG_E_REFUSED,
			   "no PatientID (0010,0020), and the directory "
			   "needs it");
}

/* Two issuers give the same ID to two people. */
static bool other_issuer(struct img_media_set *m, const struct group *g,
			 struct img_err *err)
{
	const struct value *have = media_value_find(&g->keys, ISSUER);
	struct value room[1];
	struct values vs = { .v = room, .room = 1 };
	size_t mark = m->arena.len;
	enum verdict v;
	bool other;

	if (!have || media_value_take(m, &vs, ISSUER, &v, err) < 0 ||
	    v != VALUE_OK)
		return false;
	other = have->length != room[0].length ||
		memcmp(media_text(m, have->at), media_text(m, room[0].at),
		       have->length) != 0;
	m->arena.len = mark;
	return other;
}

/* A study belongs to one patient, a series to one study (F.5.2, F.5.3). */
static int find_place(struct img_media_set *m, struct place *p,
		      struct img_err *err)
{
	if (!uid_of(m, STUDY_UID, p->study))
		return img_err_set(err, IMG_E_REFUSED,
				   "no valid StudyInstanceUID (0020,000D)");
	if (!uid_of(m, SERIES_UID, p->series))
		return img_err_set(err, IMG_E_REFUSED,
				   "no valid SeriesInstanceUID (0020,000E)");
	p->at[STUDY] = media_map_get(m, &m->studies, p->study);
	p->at[SERIES] = media_map_get(m, &m->series, p->series);
	if (patient_of(m, p, err) < 0)
		return -1;
	p->at[PATIENT] =
		media_map_get(m, &m->patients, img_buf_str(&p->patient));
	if (p->at[STUDY] != NONE &&
	    m->groups[p->at[STUDY]].parent != p->at[PATIENT])
		return img_err_set(err, IMG_E_REFUSED,
				   "its study is listed under another "
				   "PatientID");
	if (p->at[SERIES] != NONE &&
	    m->groups[p->at[SERIES]].parent != p->at[STUDY])
		return img_err_set(err, IMG_E_REFUSED,
				   "its series is listed in another study");
	if (p->at[PATIENT] != NONE &&
	    other_issuer(m, &m->groups[p->at[PATIENT]], err))
		return img_err_set(err, IMG_E_REFUSED,
				   "its PatientID is listed for a patient of "
				   "another issuer");
	return 0;
}

static size_t new_group(struct img_media_set *m, enum level level,
			const char *uid, size_t parent, struct img_err *err)
{
	size_t at = m->group_count, *first, *last;
	struct group *g;

	if (at == m->group_room) {
		size_t room = at ? 2 * at : 16;
		struct group *more = realloc(m->groups, room * sizeof *more);

		if (!more) {
			img_err_set(err, IMG_E_NOMEM, "out of memory");
			return NONE;
		}
		m->groups = more;
		m->group_room = room;
	}
	g = &m->groups[at];
	memset(g, 0, sizeof *g);
	g->level = level;
	g->parent = parent;
	g->first = g->last = g->next = NONE;
	g->object = m->object_count;
	g->uid = media_keep(m, uid, strlen(uid), err);
	if (g->uid == NONE)
		return NONE;
	m->group_count++;
	first = parent == NONE ? &m->first[0] : &m->groups[parent].first;
	last = parent == NONE ? &m->last[0] : &m->groups[parent].last;
	if (*last == NONE)
		*first = at;
	else
		m->groups[*last].next = at;
	*last = at;
	return at;
}

/* Makes the groups that are not there, and tells all what the object says. */
static int enter(struct img_media_set *m, struct object *o, struct place *p,
		 struct img_err *err)
{
	const char *uid[LEVELS] = { img_buf_str(&p->patient), p->study,
				    p->series };
	struct map *map[LEVELS] = { &m->patients, &m->studies, &m->series };

	for (int i = 0; i < LEVELS; i++) {
		bool fresh = p->at[i] == NONE;

		if (fresh) {
			p->at[i] = new_group(m, (enum level)i, uid[i],
					     i ? p->at[i - 1] : NONE, err);
			if (p->at[i] == NONE ||
			    media_map_put(m, map[i], uid[i], p->at[i], err) < 0)
				return -1;
		}
		if (i == PATIENT && fresh && p->derived &&
		    media_derive_patient(m, &m->groups[p->at[i]], o, p->study,
					 err) < 0)
			return -1;
		if (media_merge_group(m, &m->groups[p->at[i]], o, err) < 0)
			return -1;
	}
	o->series = p->at[SERIES];
	return 0;
}

static int append(struct img_media_set *m, struct object *o,
		  struct img_err *err)
{
	size_t at = m->object_count;
	size_t *first = &m->first[1], *last = &m->last[1];

	if (at == m->object_room) {
		size_t room = at ? 2 * at : 64;
		struct object *more = realloc(m->objects, room * sizeof *more);

		if (!more)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		m->objects = more;
		m->object_room = room;
	}
	if (o->series != NONE) {
		first = &m->groups[o->series].first;
		last = &m->groups[o->series].last;
	}
	if (*last == NONE)
		*first = at;
	else
		m->objects[*last].next = at;
	*last = at;
	m->objects[m->object_count++] = *o;
	return 0;
}

/* ---- adding ----------------------------------------------------------- */

/* What can be wrong with it without regard to others. */
static int look_at(struct img_media_set *m, struct object *o,
		   struct img_err *err)
{
	char sop_class[IMG_UID_MAX], sop[IMG_UID_MAX];
	const char *name;

	if (!uid_of(m, SOP_CLASS, sop_class) || !uid_of(m, SOP, sop))
		return img_err_set(err, IMG_E_REFUSED,
				   "no valid SOPClassUID and SOPInstanceUID");
	name = img_uid_name(sop_class);
	o->type = media_type_of(sop_class);
	if (!o->type)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "no directory record is defined for %s",
				   name ? name : "its SOP class");
	if (!media_profile_class(m->profile, sop_class))
		return img_err_set(err, IMG_E_REFUSED, "%s is not part of %s",
				   name ? name : "its SOP class",
				   m->profile->name);
	if (media_map_get(m, &m->sops, sop) != NONE)
		return img_err_set(err, IMG_E_REFUSED,
				   "its SOPInstanceUID is listed already");
	o->sop_class = media_intern(m, sop_class, err);
	o->sop = media_keep(m, sop, strlen(sop), err);
	if (o->sop_class == NONE || o->sop == NONE)
		return -1;
	return media_syntax(m, o, err) < 0 || media_repair_object(m, o, err) < 0
		       ? -1
		       : 0;
}

static int place_object(struct img_media_set *m, struct object *o,
			struct img_err *err)
{
	struct place p = { .at = { NONE, NONE, NONE } };
	int rc = 0;

	o->series = o->next = NONE;
	img_buf_init(&p.patient, 4 * FACT_BYTES);
	if (!o->type->root)
		rc = find_place(m, &p, err) < 0 ? -1 : enter(m, o, &p, err);
	img_buf_release(&p.patient);
	return rc;
}

/* The name of the input in front of what is wrong with it. */
static int named(struct img_err *err, const struct img_err *why,
		 const char *name)
{
	return img_err_set(err, why->code, "%s: %s", name, why->text);
}

int img_media_add(struct img_media_set *m, struct img_dicom_reader *r,
		  const char *name, uint64_t bytes, size_t *index,
		  struct img_err *err)
{
	struct object o = { .bytes = bytes };
	struct img_err why = IMG_ERR_INIT;

	if (m->settled)
		return img_err_set(err, IMG_E_BUG, "the plan is settled");
	if (m->object_count == IMG_MEDIA_OBJECTS)
		return img_err_set(err, IMG_E_LIMIT,
				   "%s: more than %d objects in one plan", name,
				   IMG_MEDIA_OBJECTS);
	if (media_collect(m, r, err) < 0)
		return -1; /* the reader names the file */
	if (look_at(m, &o, &why) < 0 || place_object(m, &o, &why) < 0 ||
	    media_map_put(m, &m->sops, media_text(m, o.sop), m->object_count,
			  &why) < 0 ||
	    append(m, &o, &why) < 0) {
		release_object(&o);
		return named(err, &why, name);
	}
	*index = m->object_count - 1;
	return 0;
}
