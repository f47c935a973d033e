/*
 * verify_phi_find.c - residual identity: does an object hold a value that
 * identifies a patient of the source, and what is that hit worth?
 *
 * Values are looked for in the folded text of every element, and as they are,
 * but for case, in all other bytes: private blobs, encapsulated documents,
 * UTF-16 text, coded frames.  What a hit is worth depends on the value and on
 * where it is: "Basic" is a name and a word, 19700101 a birthday and a day,
 * 123456 an identifier and a number.  Only where a value comes from and where
 * it was found is told.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "work/verify_phi.h"

#define ALONE    8 /* bytes; shorter ones have to stand alone */
#define BULK     65536
#define TEXT_MAX (1024 * 1024)

/* Where it is looked. */
enum place_kind {
	TEXT,
	CODE,   /* CS: words of the standard */
	TERM,   /* coded and technical texts, makers */
	NUMBER, /* DS, IS */
	TIME,   /* DA, TM, DT, AS */
	UIDS,
	BYTES
};

struct place {
	enum place_kind kind;
	uint32_t tag;
	size_t shortest;
};

enum worth { NONE, WEAK, STRONG };

struct hit {
	const struct phi_value *v;
	enum worth worth;
};

void phi_start(struct phi_search *s, const struct phi *phi)
{
	if (!s->phi) {
		img_buf_init(&s->text, TEXT_MAX);
		img_buf_init(&s->folded, TEXT_MAX);
	}
	s->phi = phi;
	s->depth = 0;
	s->strong = s->weak = false;
	img_charset_parse(&s->charset, "", 0);
}

void phi_release(struct phi_search *s)
{
	if (!s->phi)
		return;
	img_buf_release(&s->text);
	img_buf_release(&s->folded);
}

/* ---- what a hit is worth ------------------------------------------------ */

struct around {
	bool alone;  /* neither a letter nor a digit beside it */
	bool figure; /* a digit beside it */
	bool part;   /* a point or sign beside it, as in a number */
	bool entire; /* a whole value, or one of several */
};

static bool ends(const uint8_t *p, size_t n, size_t at)
{
	return at >= n || p[at] == '\\' || p[at] == ' ' || p[at] == '\0';
}

static struct around look_around(const struct phi_value *v, const uint8_t *p,
				 size_t n, size_t at)
{
	size_t end = at + v->n;
	uint8_t before = at ? p[at - 1] : ' ', after = end < n ? p[end] : ' ';
	struct around a = { .alone = !isalnum(before) && !isalnum(after),
			    .figure = isdigit(before) || isdigit(after),
			    .part = strchr(".+-", before) ||
				    strchr(".+-", after) };

	a.entire = ends(p, n, end) && (at == 0 || before == '\\' ||
				       (before == ' ' && v->kind != PHI_WORDS));
	if (v->kind == PHI_UID)
		a.alone =
			!isdigit(before) && before != '.' && !isdigit(after) &&
			(after != '.' || end + 1 >= n || !isdigit(p[end + 1]));
	return a;
}

static enum worth if_long(const struct phi_value *v, size_t least)
{
	return v->n >= least ? STRONG : WEAK;
}

static enum worth of_uid(const struct phi_value *v, const struct place *in,
			 const struct around *a)
{
	if (!a->alone)
		return NONE;
	/* "1.0.0.0" is a version, too. */
	return in->kind == UIDS ? STRONG : if_long(v, 16);
}

static enum worth of_date(const struct phi_value *v, const struct place *in,
			  const struct around *a)
{
	if (a->figure || (v->nothing && in->kind == TIME))
		return NONE;
	if (in->kind == TEXT || in->kind == CODE || in->kind == BYTES)
		return a->alone ? STRONG : WEAK;
	return a->alone && !a->part ? WEAK : NONE;
}

static enum worth of_figures(const struct phi_value *v, const struct place *in,
			     const struct around *a)
{
	if (a->figure)
		return NONE;
	switch (in->kind) {
	case NUMBER:
		return a->entire ? if_long(v, 7) : NONE;
	case TIME:
		return a->entire ? WEAK : NONE;
	case UIDS:
		return a->alone ? if_long(v, 7) : NONE;
	case BYTES:
		return a->alone && v->n >= 6 ? STRONG
		       : v->n >= ALONE       ? STRONG
					     : NONE;
	default:
		return a->alone ? if_long(v, 5) : if_long(v, ALONE);
	}
}

static enum worth of_mixed(const struct phi_value *v, const struct place *in,
			   const struct around *a)
{
	if (in->kind == NUMBER || in->kind == TIME)
		return a->entire ? STRONG : NONE;
	if (in->kind == BYTES)
		return a->alone ? if_long(v, 5) : if_long(v, ALONE);
	return a->alone || v->n >= ALONE ? STRONG : NONE;
}

static enum worth of_words(const struct phi_value *v, const struct place *in,
			   const struct around *a)
{
	if (in->kind == NUMBER || in->kind == TIME || in->kind == UIDS ||
	    v->nothing)
		return NONE;
	/* "BRAIN", "Basic", a maker of medical systems: it belongs there. */
	if (v->nobody && (in->kind == CODE || in->kind == TERM))
		return NONE;
	if (v->common)
		return a->alone ? WEAK : NONE;
	/* Makers have clinics, too. */
	if (in->kind == TERM && phi_sources[v->from].tag == 0x00080080)
		return WEAK;
	if (v->words > 1)
		return STRONG;
	if (!a->alone)
		return WEAK;
	if (in->kind == BYTES)
		return if_long(v, 6);
	return in->kind == CODE || in->kind == TERM ? WEAK : STRONG;
}

static enum worth judge(const struct phi_value *v, const struct place *in,
			const uint8_t *p, size_t n, size_t at)
{
	struct around a = look_around(v, p, n, at);
	enum worth w = NONE;

	if (v->n < ALONE && !a.alone)
		return NONE;
	/* The attribute that it is from has it still. */
	if (in->tag == phi_sources[v->from].tag && at == 0 && v->n == n &&
	    in->tag && !v->part)
		return v->holder && v->kind == PHI_WORDS ? WEAK : STRONG;
	switch (v->kind) {
	case PHI_UID:
		w = of_uid(v, in, &a);
		break;
	case PHI_DATE:
		w = of_date(v, in, &a);
		break;
	case PHI_FIGURES:
		w = of_figures(v, in, &a);
		break;
	case PHI_MIXED:
		w = of_mixed(v, in, &a);
		break;
	case PHI_WORDS:
		w = of_words(v, in, &a);
		break;
	}
	return w == STRONG && v->holder ? WEAK : w;
}

/* ---- searching ---------------------------------------------------------- */

/* The value in lower-case bytes that is worth most, the first of these. */
static struct hit find(const struct phi *phi, const struct place *in,
		       const uint8_t *p, size_t n)
{
	struct hit best = { NULL, NONE };

	for (size_t at = 0; at + PHI_SHORTEST <= n; at++) {
		uint32_t i = phi->slot[phi_slot(p + at)];

		for (; i; i = phi->value[i - 1].next) {
			const struct phi_value *v = &phi->value[i - 1];
			enum worth w;

			if (v->n < in->shortest || v->n > n - at ||
			    memcmp(phi->text.data + v->at, p + at, v->n) != 0)
				continue;
			w = judge(v, in, p, n, at);
			if (w > best.worth)
				best = (struct hit){ v, w };
			if (w == STRONG)
				return best;
		}
	}
	return best;
}

static void tell(struct phi_search *s, struct img_check *c, const char *where,
		 const struct hit *hit)
{
	const char *keyword;

	if (hit->worth == NONE)
		return;
	keyword = phi_sources[hit->v->from].keyword;
	s->strong |= hit->worth == STRONG;
	s->weak |= hit->worth == WEAK;
	if (hit->worth == STRONG)
		img_check_add(c, true, "phi", where,
			      "holds a value of the source: %s", keyword);
	else
		img_check_add(c, false, "phi-word", where,
			      "holds what may be there by chance: %s%s",
			      hit->v->part ? "a word of " : "", keyword);
}

/* Bytes as they are, in lower case, and again without NULs (UTF-16). */
static struct hit find_bytes(const struct phi *phi, const struct place *in,
			     uint8_t *p, size_t n)
{
	struct hit hit, other;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)tolower(p[i]);
	while (in->kind != BYTES && n && (p[n - 1] == ' ' || !p[n - 1]))
		n--;
	hit = find(phi, in, p, n);
	for (size_t i = 0; i < n && hit.worth != STRONG; i++)
		if (p[i])
			p[kept++] = p[i];
	if (hit.worth == STRONG || kept == n)
		return hit;
	other = find(phi, in, p, kept);
	return other.worth > hit.worth ? other : hit;
}

void phi_bytes(struct phi_search *s, struct img_check *c, const char *where,
	       const void *p, size_t n)
{
	const struct place in = { BYTES, 0, PHI_SHORTEST };
	struct img_err full = IMG_ERR_INIT;
	struct hit hit;

	img_buf_reset(&s->text);
	if (n == 0 || img_buf_add(&s->text, p, n, &full) < 0)
		return;
	hit = find_bytes(s->phi, &in, (uint8_t *)s->text.data, n);
	tell(s, c, where, &hit);
}

/* Where words are those of coding schemes, devices and methods. */
static bool is_term(uint32_t tag)
{
	static const uint32_t terms[] = {
		0x00080070, /* Manufacturer */
		0x00080100, 0x00080102, 0x00080103, 0x00080104, /* codes */
		0x00080112, 0x00080114, 0x00080115, 0x00080116,
		0x00081090, /* ManufacturerModelName */
		0x00120063, /* DeidentificationMethod */
		0x00180024, /* SequenceName */
		0x00181020, /* SoftwareVersions */
		0x00189005, /* PulseSequenceName */
		0x00080005, 0x00280303,
	};

	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++)
		if (terms[i] == tag)
			return true;
	return false;
}

static struct place place_of(const struct img_dicom_event *ev, uint32_t tag)
{
	static const struct {
		char vr[3];
		enum place_kind kind;
	} kinds[] = { { "CS", CODE }, { "DS", NUMBER }, { "IS", NUMBER },
		      { "DA", TIME }, { "TM", TIME },   { "DT", TIME },
		      { "AS", TIME }, { "UI", UIDS },   { "AE", TEXT },
		      { "UR", TEXT } };
	struct place in = { BYTES, tag, PHI_SHORTEST };
	const struct img_dict *d = img_dict_tag(tag);
	const char *vr = d && strcmp(ev->vr, "UN") == 0 ? d->vr : ev->vr;

	if (ev->kind == IMG_DICOM_FRAGMENT || ev->length > BULK)
		in.shortest = ALONE;
	if (img_vr_is_text(vr))
		in.kind = TEXT;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].vr, vr) == 0)
			in.kind = kinds[i].kind;
	if (is_term(tag))
		in.kind = TERM;
	return in;
}

static void where(const struct phi_search *s, const struct img_dicom_event *ev,
		  char out[64])
{
	char tag[12];
	size_t at = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < ev->depth && i < 3; i++) {
		img_dict_format_tag(s->path[i], tag);
		at += (size_t)snprintf(out + at, 64 - at, "%s/", tag);
	}
	img_dict_format_tag(
		ev->kind == IMG_DICOM_FRAGMENT ? s->path[3] : ev->tag, tag);
	snprintf(out + at, 64 - at, "%s", tag);
}

/* Text, decoded and folded. */
static struct hit find_text(struct phi_search *s, const struct place *in,
			    const struct img_dicom_event *ev)
{
	struct img_err full = IMG_ERR_INIT;
	struct hit none = { NULL, NONE };
	unsigned notes = 0;

	img_buf_reset(&s->text);
	img_buf_reset(&s->folded);
	if (img_charset_utf8(&s->charset, ev->vr, ev->value, ev->length,
			     &s->text, &notes, &full) < 0 ||
	    img_text_fold(img_buf_str(&s->text), s->text.len, &s->folded,
			  &full) < 0)
		return none;
	return find(s->phi, in, (const uint8_t *)img_buf_str(&s->folded),
		    s->folded.len);
}

/* Long values in parts that overlap; chance hits are not told. */
static int find_long(struct phi_search *s, struct img_dicom_reader *r,
		     const struct img_dicom_event *ev, const struct place *in,
		     struct hit *best, struct img_err *err)
{
	const size_t overlap = 256;
	uint64_t at = 0;

	while (at < ev->length && best->worth != STRONG) {
		size_t n = ev->length - at < BULK ? (size_t)(ev->length - at)
						  : BULK;
		struct hit hit;

		img_buf_reset(&s->text);
		if (img_buf_grow(&s->text, n, err) < 0 ||
		    img_dicom_value(r, at, s->text.data, n, err) < 0)
			return -1;
		hit = find_bytes(s->phi, in, (uint8_t *)s->text.data, n);
		if (hit.worth > best->worth)
			*best = hit;
		at += at + n < ev->length ? n - overlap : n;
	}
	return 0;
}

static int search(struct phi_search *s, struct img_check *c,
		  struct img_dicom_reader *r, const struct img_dicom_event *ev,
		  struct img_err *err)
{
	struct place in = place_of(
		ev, ev->kind == IMG_DICOM_FRAGMENT ? s->path[3] : ev->tag);
	struct hit hit = { NULL, NONE };
	char place[64];

	if (ev->length == 0 || ev->length == IMG_UNDEFINED_LEN)
		return 0;
	if (ev->value && img_vr_is_text(ev->vr))
		hit = find_text(s, &in, ev);
	if (hit.worth != STRONG && find_long(s, r, ev, &in, &hit, err) < 0)
		return -1;
	where(s, ev, place);
	tell(s, c, place, &hit);
	return 0;
}

int phi_event(struct phi_search *s, struct img_check *c,
	      struct img_dicom_reader *r, const struct img_dicom_event *ev,
	      struct img_err *err)
{
	switch (ev->kind) {
	case IMG_DICOM_SEQUENCE:
		if (ev->depth < 3)
			s->path[ev->depth] = ev->tag;
		return 0;
	case IMG_DICOM_PIXELS:
		s->path[3] = ev->tag;
		return 0;
	case IMG_DICOM_ELEMENT:
		if (ev->tag == 0x00080005 && ev->value)
			img_charset_parse(&s->charset, ev->value, ev->length);
		return search(s, c, r, ev, err);
	case IMG_DICOM_FRAGMENT:
		return search(s, c, r, ev, err);
	default:
		return 0;
	}
}
