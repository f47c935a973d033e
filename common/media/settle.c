/*
 * settle.c - refusals, names and volumes.
 *
 * All objects are known now.  A group that lacks what its record must have
 * takes its objects along; those that are left are numbered, so that the names
 * of all volumes differ, and put on volumes: a series stays together where it
 * fits on one.
 */
#include <stdio.h>
#include <string.h>

#include "media/plan.h"

#define SECTOR 2048u

bool media_is_listed(const struct object *o)
{
	return !o->refused && !o->dropped;
}

/* ---- refusals --------------------------------------------------------- */

static int repair_groups(struct img_media_set *m, struct img_err *err)
{
	for (size_t i = 0; i < m->group_count; i++) {
		struct group *g = &m->groups[i];

		if (media_repair_group(m, g, err) < 0)
			return -1;
		/* parents come before their children */
		if (g->parent != NONE && m->groups[g->parent].refused &&
		    !g->refused) {
			g->refused = true;
			g->why = m->groups[g->parent].why;
		}
	}
	/* A patient or study has no record where nothing below it has. */
	for (size_t i = 0; i < m->object_count; i++) {
		struct object *o = &m->objects[i];

		if (o->series != NONE && m->groups[o->series].refused &&
		    media_refuse(o, &m->groups[o->series].why, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- volumes ---------------------------------------------------------- */

/* How full the volume in hand is. */
struct filling {
	uint64_t used, base;
	size_t at[LEVELS]; /* groups that have a folder on it */
};

static uint64_t sectors(uint64_t bytes)
{
	return (bytes + SECTOR - 1) / SECTOR * SECTOR;
}

/* What an object takes: its sectors, entries in two trees of folders (ISO
   9660 with Rock Ridge, and Joliet), and its record. */
static uint64_t cost(const struct img_media_set *m, const struct object *o)
{
	uint64_t record = 384;

	for (size_t i = 0; i < o->keys.count; i++)
		record += 12 + (uint64_t)o->keys.v[i].length;
	return sectors(o->planned) + 512 + record + m->per_object;
}

/* A folder in two trees and in the path tables, a record, and what the pages
   have of it: a picture of a series, a file of a study. */
static uint64_t group_cost(const struct img_media_set *m, int level)
{
	uint64_t pages = level == SERIES  ? MEDIA_PREVIEW_MAX + SECTOR
			 : level == STUDY ? 2 * SECTOR
					  : 512;

	return 3 * SECTOR + 1024 + (m->web ? pages + 2 * m->per_object : 0);
}

static uint64_t path_cost(const struct img_media_set *m,
			  const struct filling *f, size_t series)
{
	uint64_t sum = 0;
	size_t g = series;

	for (int i = SERIES; i >= 0 && g != NONE; i--) {
		if (f->at[i] != g)
			sum += group_cost(m, i);
		g = m->groups[g].parent;
	}
	return sum;
}

static void enter(const struct img_media_set *m, struct filling *f,
		  size_t series)
{
	size_t g = series;

	f->used += path_cost(m, f, series);
	for (int i = SERIES; i >= 0 && g != NONE; i--) {
		f->at[i] = g;
		g = m->groups[g].parent;
	}
}

static void next_volume(struct img_media_set *m, struct filling *f)
{
	m->volumes++;
	f->used = f->base;
	f->at[0] = f->at[1] = f->at[2] = NONE;
}

static bool fits(const struct img_media_set *m, uint64_t used, uint64_t more)
{
	return more <= m->volume && used <= m->volume - more;
}

static int refuse_size(struct object *o, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	img_err_set(&why, IMG_E_LIMIT, "larger than a volume");
	return media_refuse(o, &why, err);
}

/* The objects of one list, from first on: those of a series, or those that
   belong to no patient. */
static int fill(struct img_media_set *m, struct filling *f, size_t series,
		size_t first, struct img_err *err)
{
	struct filling empty = { .at = { NONE, NONE, NONE } };
	uint64_t whole = 0, way = path_cost(m, &empty, series);

	for (size_t i = first; i != NONE; i = m->objects[i].next) {
		struct object *o = &m->objects[i];

		if (o->refused)
			continue;
		if (!fits(m, f->base, way + cost(m, o))) {
			if (refuse_size(o, err) < 0)
				return -1;
			continue;
		}
		whole += cost(m, o);
	}
	if (!fits(m, f->used, whole + path_cost(m, f, series)) &&
	    f->used > f->base && fits(m, f->base, whole + way))
		next_volume(m, f);
	for (size_t i = first; i != NONE; i = m->objects[i].next) {
		struct object *o = &m->objects[i];

		if (o->refused)
			continue;
		if (!fits(m, f->used, path_cost(m, f, series) + cost(m, o)))
			next_volume(m, f);
		enter(m, f, series);
		f->used += cost(m, o);
		o->volume = m->volumes - 1;
	}
	return 0;
}

static int split(struct img_media_set *m, struct img_err *err)
{
	struct filling f = { .at = { NONE, NONE, NONE } };

	/* Descriptors, path tables, the root and the files that lie in it. */
	f.base = 384 * 1024 + m->reserve;
	f.used = f.base;
	m->volumes = 1;
	if (!m->volume)
		return 0;
	for (size_t p = m->first[0]; p != NONE; p = m->groups[p].next)
		for (size_t s = m->groups[p].first; s != NONE;
		     s = m->groups[s].next)
			for (size_t i = m->groups[s].first; i != NONE;
			     i = m->groups[i].next)
				if (fill(m, &f, i, m->groups[i].first, err) < 0)
					return -1;
	return fill(m, &f, NONE, m->first[1], err);
}

/* ---- names ------------------------------------------------------------ */

static int number_objects(struct img_media_set *m, size_t first)
{
	uint32_t n = 0;

	for (size_t i = first; i != NONE; i = m->objects[i].next)
		if (!m->objects[i].refused)
			m->objects[i].number = ++n;
	return n > 0;
}

/* Numbers what is below g, deepest first; whether there is anything. */
static bool number_study(struct img_media_set *m, struct group *study)
{
	uint32_t n = 0;

	for (size_t i = study->first; i != NONE; i = m->groups[i].next)
		if (number_objects(m, m->groups[i].first))
			m->groups[i].number = ++n;
	return n > 0;
}

static void number(struct img_media_set *m)
{
	uint32_t patients = 0;

	for (size_t p = m->first[0]; p != NONE; p = m->groups[p].next) {
		uint32_t studies = 0;

		for (size_t s = m->groups[p].first; s != NONE;
		     s = m->groups[s].next)
			if (number_study(m, &m->groups[s]))
				m->groups[s].number = ++studies;
		if (studies)
			m->groups[p].number = ++patients;
	}
	number_objects(m, m->first[1]);
}

/* Five digits, or as many as it takes: 8 characters hold a million. */
void media_file_id(const struct img_media_set *m, const struct object *o,
		   char separator, char out[IMG_MEDIA_NAME])
{
	const struct group *series, *study, *patient;
	char c = separator;

	if (o->series == NONE) {
		snprintf(out, IMG_MEDIA_NAME, "DICOM%cOTHER%cOB%05u", c, c,
			 o->number);
		return;
	}
	series = &m->groups[o->series];
	study = &m->groups[series->parent];
	patient = &m->groups[study->parent];
	snprintf(out, IMG_MEDIA_NAME, "DICOM%cP%05u%cST%05u%cSE%05u%cIM%05u", c,
		 patient->number, c, study->number, c, series->number, c,
		 o->number);
}

/* ---- the door --------------------------------------------------------- */

int img_media_settle(struct img_media_set *m, struct img_err *err)
{
	if (m->settled)
		return img_err_set(err, IMG_E_BUG, "the plan is settled");
	m->settled = true;
	if (repair_groups(m, err) < 0 || split(m, err) < 0)
		return -1;
	number(m);
	for (size_t i = 0; i < m->object_count; i++)
		if (!m->objects[i].refused)
			return 0;
	m->volumes = 0;
	return 0;
}

size_t img_media_count(const struct img_media_set *m)
{
	return m->object_count;
}

static void copy(const struct img_media_set *m, char *out, size_t at)
{
	snprintf(out, IMG_UID_MAX, "%s", media_text(m, at));
}

void img_media_item(const struct img_media_set *m, size_t index,
		    struct img_media_item *out)
{
	const struct object *o = &m->objects[index];

	memset(out, 0, sizeof *out);
	if (!o->refused)
		media_file_id(m, o, '/', out->file_id);
	out->volume = o->volume;
	out->bytes = o->bytes;
	copy(m, out->sop_class, o->sop_class);
	copy(m, out->sop, o->sop);
	copy(m, out->ts, o->ts);
	copy(m, out->target, o->target);
	if (o->series != NONE) {
		const struct group *series = &m->groups[o->series];

		copy(m, out->series, series->uid);
		copy(m, out->study, m->groups[series->parent].uid);
	}
	out->type = o->type->name;
	out->rewrite = o->rewrite;
	out->refused = o->refused;
	if (o->why)
		out->why = *o->why;
	out->changes = o->changes;
	out->change_count = o->change_count;
}

void img_media_drop(struct img_media_set *m, size_t index)
{
	m->objects[index].dropped = true;
}

unsigned img_media_volumes(const struct img_media_set *m)
{
	return m->volumes;
}

void img_media_label(const struct img_media_set *m, unsigned volume,
		     char out[IMG_MEDIA_LABEL])
{
	char tail[12] = "";

	if (m->volumes > 1)
		snprintf(tail, sizeof tail, "_%u", volume + 1);
	snprintf(out, IMG_MEDIA_LABEL, "%.*s%s",
		 (int)(IMG_MEDIA_LABEL - 1 - strlen(tail)), m->file_set_id,
		 tail);
}
