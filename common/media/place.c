/* place.c - the patient, study and series of an object (PS3.3 F.5.1-3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/plan.h"

/* UIDs and, where there are any already, groups of an object. */
struct place {
	char study[IMG_UID_MAX], series[IMG_UID_MAX];
	struct img_buf patient; /* PatientID, in UTF-8 */
	bool derived;           /* the ID is the study's UID */
	size_t at[LEVELS];      /* groups, or NONE */
};

int media_check_root(const struct img_media_set *m, const char *uid,
		     const char *keyword, struct img_err *err)
{
	if (!m->profile->syntaxes || strncmp(uid, "1.", 2) == 0 ||
	    strncmp(uid, "2.", 2) == 0)
		return 0;
	return img_err_set(err, IMG_E_REFUSED, "its %s has no registered root",
			   keyword);
}

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
	if (!media_fact_uid(m, STUDY_UID, p->study))
		return img_err_set(err, IMG_E_REFUSED,
				   "no valid StudyInstanceUID (0020,000D)");
	if (!media_fact_uid(m, SERIES_UID, p->series))
		return img_err_set(err, IMG_E_REFUSED,
				   "no valid SeriesInstanceUID (0020,000E)");
	if (media_check_root(m, p->study, "StudyInstanceUID", err) < 0 ||
	    media_check_root(m, p->series, "SeriesInstanceUID", err) < 0)
		return -1;
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

int media_place(struct img_media_set *m, struct object *o, struct img_err *err)
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
