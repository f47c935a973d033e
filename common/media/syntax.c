/* syntax.c - how an object has to be written for the profile. */
#include <string.h>

#include "media/plan.h"

#define ROWS      IMG_TAG(0x0028, 0x0010)
#define COLUMNS   IMG_TAG(0x0028, 0x0011)
#define FRAMES    IMG_TAG(0x0028, 0x0008)
#define SAMPLES   IMG_TAG(0x0028, 0x0002)
#define ALLOCATED IMG_TAG(0x0028, 0x0100)

/* A file that is no PS3.10 file, or not the one that its meta header says (so
   are those where that names another SOP instance, PS3.10 7.1). */
#define NEEDS_META                                                             \
	(IMG_NOTE_NO_PREAMBLE | IMG_NOTE_NO_META | IMG_NOTE_WRONG_SYNTAX |     \
	 IMG_NOTE_NATIVE_PIXELS | IMG_NOTE_META_IN_DATA)

unsigned media_syntax_tags(uint32_t *out)
{
	const uint32_t tags[] = { ROWS, COLUMNS, FRAMES, SAMPLES, ALLOCATED };

	memcpy(out, tags, sizeof tags);
	return sizeof tags / sizeof *tags;
}

/* JPIP: the pixel data lies behind an address. */
static bool is_referenced(const char *ts)
{
	static const char *const jpip[] = { "1.2.840.10008.1.2.4.94",
					    "1.2.840.10008.1.2.4.95",
					    "1.2.840.10008.1.2.4.204",
					    "1.2.840.10008.1.2.4.205" };

	for (size_t i = 0; i < sizeof jpip / sizeof *jpip; i++)
		if (strcmp(ts, jpip[i]) == 0)
			return true;
	return false;
}

static const char *choose(const struct img_media_set *m,
			  const struct img_ts *ts)
{
	const struct img_ts *want =
		m->syntax[0] ? img_ts_find(m->syntax) : NULL;
	bool fits = ts && media_profile_has(m->profile, m->facts.ts);

	if (m->facts.notes & (IMG_NOTE_WRONG_SYNTAX | IMG_NOTE_NATIVE_PIXELS))
		fits = false;
	if (want && want->kind != IMG_TS_NATIVE && !m->facts.has_pixels)
		want = NULL; /* there is nothing to compress */
	if (want && (!fits || m->syntax_always))
		return want->uid;
	return fits ? ts->uid : NATIVE_LE;
}

static int judge(const struct img_media_set *m, const struct img_ts *from,
		 const char *target, struct img_err *err)
{
	if (is_referenced(m->facts.ts))
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "its pixel data lies elsewhere (JPIP)");
	if (!from)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "unknown transfer syntax, and %s has others",
				   m->profile->name);
	if (strcmp(target, from->uid) == 0 || !m->facts.has_pixels ||
	    m->facts.notes & IMG_NOTE_NATIVE_PIXELS)
		return 0;
	if (from->video)
		return img_err_set(err, IMG_E_REFUSED, "video, and %s has none",
				   m->profile->name);
	if (from->lossy && !m->allow_lossy)
		return img_err_set(err, IMG_E_REFUSED,
				   "lossy frames of %s would have to be "
				   "decoded for %s: another --profile has "
				   "them, or --allow lossy",
				   from->name, m->profile->name);
	return 0;
}

/* Bytes of the frames as native pixel data; 0 if that cannot be told. */
static uint64_t native_size(const struct img_media_set *m)
{
	const uint32_t tags[] = { ROWS, COLUMNS, SAMPLES, FRAMES };
	uint64_t bits = media_fact_number(m, ALLOCATED, 0);

	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
		uint64_t n = media_fact_number(m, tags[i], i >= 2);

		if (__builtin_mul_overflow(bits, n, &bits))
			return UINT64_MAX;
	}
	return bits / 8;
}

/* The size of the file as it is going to be; never too small by much. */
static uint64_t planned(const struct img_media_set *m, const struct object *o,
			const struct img_ts *from, const struct img_ts *to)
{
	const struct facts *f = &m->facts;
	uint64_t size = o->bytes, native;

	if (f->end > size)
		size = f->end;
	if (!o->rewrite && from == to)
		return o->bytes;
	size += 4 * f->elements + 4096;
	if (!f->has_pixels || from->kind == to->kind)
		return size;
	if (from->kind == IMG_TS_ENCAPSULATED) {
		native = native_size(m);
		size = f->pixels + 4 * f->elements + 4096;
		if (f->after)
			size += f->end - f->after;
		size = native > UINT64_MAX / 2 ? UINT64_MAX : size + native;
	} else {
		size += size / 16;
	}
	return size;
}

/* A VR as a string that stays. */
static const char *vr_name(const char *vr)
{
	static const char *const names[] = { "UC", "UR", "OD", "OL",
					     "OV", "SV", "UV" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], vr) == 0)
			return names[i];
	return "";
}

int media_syntax(struct img_media_set *m, struct object *o, struct img_err *err)
{
	const struct facts *f = &m->facts;
	const struct img_ts *from = img_ts_find(f->ts);
	const char *target = choose(m, from);

	if (judge(m, from, target, err) < 0)
		return -1;
	o->ts = media_intern(m, f->ts, err);
	o->target = media_intern(m, target, err);
	if (o->ts == NONE || o->target == NONE)
		return -1;
	o->rewrite = f->notes & NEEDS_META ||
		     strcmp(f->meta_class, media_text(m, o->sop_class)) != 0 ||
		     strcmp(f->meta_sop, media_text(m, o->sop)) != 0;
	if (strcmp(from->uid, target) != 0) {
		o->rewrite = true;
		if (media_change(o, IMG_MEDIA_SYNTAX, TAG_SYNTAX, from->name,
				 img_ts_find(target)->name, err) < 0)
			return -1;
	} else if (o->rewrite &&
		   media_change(o, IMG_MEDIA_META, IMG_TAG(0x0002, 0), "", "",
				err) < 0) {
		return -1;
	}
	for (unsigned i = 0; m->plain_vrs && i < f->young_count; i++) {
		o->rewrite = true;
		if (media_change(o, IMG_MEDIA_VR, f->young[i].tag,
				 vr_name(f->young[i].vr), "UN", err) < 0)
			return -1;
	}
	o->planned = planned(m, o, from, img_ts_find(target));
	if (o->planned > IMG_MEDIA_FILE_MAX)
		return img_err_set(err, IMG_E_LIMIT,
				   "over 4 GiB, which no file on such media "
				   "can have");
	return 0;
}
