/* plan.c - patients, studies, series and objects of a file-set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "media/plan.h"

#define SOP_CLASS IMG_TAG(0x0008, 0x0016)
#define SOP       IMG_TAG(0x0008, 0x0018)

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

	if (!eq)
		return img_err_set(err, IMG_E_USAGE, "%.40s: not Keyword=value",
				   text);
	if ((size_t)(eq - text) < sizeof keyword) {
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
	if (at == NONE ||
	    media_map_put(m, &m->texts, media_text(m, at), at, err) < 0)
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

/* ---- adding ----------------------------------------------------------- */

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

/* What can be wrong with it without regard to others. */
static int look_at(struct img_media_set *m, struct object *o,
		   struct img_err *err)
{
	char sop_class[IMG_UID_MAX], sop[IMG_UID_MAX];
	const char *name;

	if (m->facts.is_dicomdir)
		return img_err_set(err, IMG_E_REFUSED,
				   "a DICOMDIR, which is made anew");
	if (!media_fact_uid(m, SOP_CLASS, sop_class) ||
	    !media_fact_uid(m, SOP, sop))
		return img_err_set(err, IMG_E_REFUSED,
				   "no valid SOPClassUID and SOPInstanceUID");
	if (media_check_root(m, sop, "SOPInstanceUID", err) < 0)
		return -1;
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
	if (look_at(m, &o, &why) < 0 || media_place(m, &o, &why) < 0 ||
	    media_map_put(m, &m->sops, media_text(m, o.sop), m->object_count,
			  &why) < 0 ||
	    append(m, &o, &why) < 0) {
		release_object(&o);
		return named(err, &why, name);
	}
	*index = m->object_count - 1;
	return 0;
}
