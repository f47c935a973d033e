/*
 * collect.c - what an object says, read once.
 *
 * The reader walks the whole object, so that one that is cut or malformed is
 * found out before it gets a place.  Kept are the attributes that directory
 * records are made of, sequences as explicit VR little endian.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/plan.h"

#define TAG_CONTENT      IMG_TAG(0x0040, 0xA730)
#define TAG_RELATIONSHIP IMG_TAG(0x0040, 0xA010)
#define TAG_META_CLASS   IMG_TAG(0x0002, 0x0002)
#define TAG_META_SOP     IMG_TAG(0x0002, 0x0003)
#define TAG_RECORDS      IMG_TAG(0x0004, 0x1220)
#define TAG_OBSERVERS    IMG_TAG(0x0040, 0xA073)
#define TAG_VERIFIED_AT  IMG_TAG(0x0040, 0xA030)
#define TAG_PIXELS       IMG_TAG(0x7FE0, 0x0010)
#define SEQ_DEPTH        8

/* An open sequence that is being kept. */
struct capture {
	struct fact *fact; /* NULL: none is */
	bool modifiers;    /* only items HAS CONCEPT MOD, F.5.25 */
	bool skip;         /* the open item is not wanted, or too long */
	bool wanted;       /* it is a modifier */
	size_t item;       /* where the open item begins */
	uint32_t last[SEQ_DEPTH + 2]; /* tags read last, by depth */
};

/* ---- wanted attributes ------------------------------------------------ */

int media_by_tag(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Sorts, and drops what is there twice. */
static void tidy(uint32_t *tags, unsigned *count)
{
	unsigned n = 0;

	qsort(tags, *count, sizeof *tags, media_by_tag);
	for (unsigned i = 0; i < *count; i++)
		if (!n || tags[n - 1] != tags[i])
			tags[n++] = tags[i];
	*count = n;
}

int media_wanted(struct img_media_set *m, struct img_err *err)
{
	uint32_t tags[4 * FACTS_MAX];
	unsigned n;

	n = media_type_tags(tags, 2 * FACTS_MAX);
	n += media_repair_tags(tags + n, FACTS_MAX);
	n += media_syntax_tags(tags + n);
	tags[n++] = IMG_TAG(0x0008, 0x0016);
	tags[n++] = IMG_TAG(0x0008, 0x0018);
	for (size_t i = 0; i < m->profile->image_key_count; i++)
		tags[n++] = m->profile->image_keys[i].tag;
	tidy(tags, &n);
	if (n > FACTS_MAX)
		return img_err_set(err, IMG_E_BUG, "too many attributes");
	memcpy(m->wanted, tags, n * sizeof *tags);
	m->wanted_count = n;
	return 0;
}

static size_t place(const struct img_media_set *m, uint32_t tag)
{
	size_t lo = 0, hi = m->wanted_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->wanted[mid] < tag)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->wanted_count && m->wanted[lo] == tag ? lo : NONE;
}

const struct fact *media_fact(const struct img_media_set *m, uint32_t tag)
{
	size_t i = place(m, tag);

	return i == NONE ? NULL : &m->facts.f[i];
}

static struct img_dicom_pick pick(const struct img_media_set *m,
				  const struct fact *f)
{
	struct img_dicom_pick v = {
		.p = (const uint8_t *)m->facts.bytes.data + f->at,
		.length = f->length,
		.big = f->big,
		.present = true,
	};

	memcpy(v.vr, f->vr, 3);
	return v;
}

bool media_fact_text(const struct img_media_set *m, uint32_t tag, char *out,
		     size_t size)
{
	const struct fact *f = media_fact(m, tag);
	const char *p;
	size_t n = 0;

	if (!f || !f->present || f->too_long || !f->length)
		return false;
	p = m->facts.bytes.data + f->at;
	while (n < f->length && p[n] != '\\' && p[n] != '\0')
		n++;
	while (n && p[n - 1] == ' ')
		n--;
	while (n && *p == ' ') {
		p++;
		n--;
	}
	if (!n || n >= size)
		return false;
	memcpy(out, p, n);
	out[n] = '\0';
	return true;
}

bool media_fact_uid(const struct img_media_set *m, uint32_t tag,
		    char out[IMG_UID_MAX])
{
	return media_fact_text(m, tag, out, IMG_UID_MAX) && img_uid_ok(out);
}

uint64_t media_fact_number(const struct img_media_set *m, uint32_t tag,
			   uint64_t otherwise)
{
	const struct fact *f = media_fact(m, tag);
	struct img_dicom_pick v;
	uint64_t number;
	char t[32];

	if (!f || !f->present || f->too_long || !f->length)
		return otherwise;
	v = pick(m, f);
	return img_dicom_number(&v, t, sizeof t) &&
			       img_parse_u64(t, UINT64_MAX, &number)
		       ? number
		       : otherwise;
}

/* ---- collecting ------------------------------------------------------- */

static void take_charset(struct img_media_set *m,
			 const struct img_dicom_event *ev)
{
	struct facts *f = &m->facts;
	uint32_t n = ev->value ? ev->length : 0;

	img_charset_parse(&f->cs, ev->value, n);
	f->charset =
		f->cs.notes ? CHARSET_UTF8 : media_charset(m, ev->value, n);
}

/* VRs of later than 2000; of private elements too. */
static void look_at_vr(struct facts *f, const struct img_dicom_event *ev)
{
	static const char young[] = "UC UR OD OL OV SV UV";

	if (ev->implicit || f->young_count == YOUNG_MAX ||
	    !strstr(young, ev->vr))
		return;
	for (unsigned i = 0; i < f->young_count; i++)
		if (f->young[i].tag == ev->tag)
			return;
	f->young[f->young_count].tag = ev->tag;
	memcpy(f->young[f->young_count++].vr, ev->vr, 3);
}

static int begin(struct img_media_set *m, struct capture *c,
		 const struct img_dicom_event *ev)
{
	size_t i = place(m, ev->tag);

	if (i == NONE || m->facts.f[i].present)
		return 0;
	c->fact = &m->facts.f[i];
	c->fact->present = true;
	c->fact->at = c->item = m->facts.bytes.len;
	memcpy(c->fact->vr, "SQ", 3);
	c->modifiers = ev->tag == TAG_CONTENT;
	c->skip = c->wanted = false;
	return 0;
}

static void end(struct img_media_set *m, struct capture *c)
{
	c->fact->length = (uint32_t)(m->facts.bytes.len - c->fact->at);
	if (c->fact->too_long)
		m->facts.bytes.len = c->fact->at;
	c->fact = NULL;
}

/* The items of ContentSequence that are no modifiers are passed over as soon
   as that is known: they may be the whole report. */
static void judge_item(struct capture *c, const struct img_dicom_event *ev)
{
	static const char want[] = "HAS CONCEPT MOD";

	if (ev->kind != IMG_DICOM_ELEMENT || ev->tag != TAG_RELATIONSHIP ||
	    ev->depth != 1)
		return;
	c->wanted = ev->value && ev->length >= sizeof want - 1 &&
		    memcmp(ev->value, want, sizeof want - 1) == 0;
	c->skip |= !c->wanted;
}

/*
 * Whether an event of a sequence goes into the record: group lengths, private
 * elements and those of a wrong VR do not; *ok becomes false where the tags do
 * not ascend, so that the record could not be written.
 */
static bool of_use(struct capture *c, const struct img_dicom_event *ev,
		   bool *ok)
{
	const struct img_dict *d;

	if (ev->depth > SEQ_DEPTH) {
		*ok = false;
		return false;
	}
	if (ev->kind == IMG_DICOM_ITEM)
		c->last[ev->depth + 1] = 0;
	if (ev->kind != IMG_DICOM_ELEMENT && ev->kind != IMG_DICOM_SEQUENCE)
		return true;
	if (ev->tag <= c->last[ev->depth])
		*ok = false;
	c->last[ev->depth] = ev->tag;
	d = img_dict_tag(ev->tag);
	if (ev->kind == IMG_DICOM_SEQUENCE) {
		*ok &= d && !(ev->tag >> 16 & 1) && strcmp(ev->vr, "SQ") == 0;
		return true;
	}
	return d && !(ev->tag >> 16 & 1) && ev->tag & 0xFFFF &&
	       strcmp(ev->vr, d->vr) == 0;
}

static int inside(struct img_media_set *m, struct capture *c,
		  const struct img_dicom_event *ev, struct img_err *err)
{
	struct img_buf *out = &m->facts.bytes;
	bool ok = true, use = of_use(c, ev, &ok);
	int rc = 1;

	if (ev->kind == IMG_DICOM_ITEM && ev->depth == 0) {
		c->item = out->len;
		c->skip = c->wanted = false;
	}
	if (c->modifiers)
		judge_item(c, ev);
	if (!c->skip && (!ok || out->len - c->fact->at > SEQ_BYTES))
		rc = 0;
	else if (!c->skip && use)
		rc = media_put_event(out, ev, &m->facts.cs, &c->fact->wide,
				     err);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		c->skip = true;
		c->fact->too_long |= !c->modifiers || c->wanted;
	}
	if (ev->kind == IMG_DICOM_END_ITEM && ev->depth == 0 &&
	    (c->skip || (c->modifiers && !c->wanted)))
		out->len = c->item;
	return 0;
}

static int keep(struct img_media_set *m, const struct img_dicom_event *ev,
		struct img_err *err)
{
	size_t i = place(m, ev->tag);
	struct fact *f;

	if (i == NONE || m->facts.f[i].present)
		return 0;
	f = &m->facts.f[i];
	f->present = true;
	f->too_long = ev->length && (!ev->value || ev->length > FACT_BYTES);
	f->length = f->too_long ? 0 : ev->length;
	f->big = ev->big;
	f->at = m->facts.bytes.len;
	memcpy(f->vr, ev->vr, 3);
	return img_buf_add(&m->facts.bytes, ev->value, f->length, err);
}

static void take_uid(const struct img_dicom_event *ev, char out[IMG_UID_MAX])
{
	size_t n = ev->value ? ev->length : 0;

	while (n && (ev->value[n - 1] == '\0' || ev->value[n - 1] == ' '))
		n--;
	if (n >= IMG_UID_MAX)
		n = 0;
	memcpy(out, n ? (const char *)ev->value : "", n);
	out[n] = '\0';
}

/* The latest time that an observer verified a report: what PS3.3 F.5.25 means
   by VerificationDateTime, which is no attribute of the report itself. */
static int take_verification(struct img_media_set *m,
			     const struct img_dicom_event *ev,
			     struct img_err *err)
{
	struct fact *f = &m->facts.f[place(m, TAG_VERIFIED_AT)];

	if (!ev->value || !ev->length || ev->length > 26 ||
	    (f->present &&
	     (f->length > ev->length ||
	      memcmp(m->facts.bytes.data + f->at, ev->value, f->length) >= 0)))
		return 0;
	f->present = false;
	return keep(m, ev, err);
}

static int see(struct img_media_set *m, struct capture *c,
	       const struct img_dicom_event *ev, struct img_err *err)
{
	if (ev->meta) {
		if (ev->tag == TAG_META_CLASS)
			take_uid(ev, m->facts.meta_class);
		else if (ev->tag == TAG_META_SOP)
			take_uid(ev, m->facts.meta_sop);
		return 0;
	}
	if (ev->kind == IMG_DICOM_ELEMENT)
		look_at_vr(&m->facts, ev);
	if (c->fact) {
		if (ev->kind == IMG_DICOM_END_SEQUENCE && ev->depth == 0)
			end(m, c);
		else
			return inside(m, c, ev, err);
		return 0;
	}
	if (ev->kind == IMG_DICOM_SEQUENCE && !ev->depth) {
		m->facts.observers = ev->tag == TAG_OBSERVERS;
		m->facts.is_dicomdir |= ev->tag == TAG_RECORDS;
	}
	if (m->facts.observers && ev->depth == 1 &&
	    ev->kind == IMG_DICOM_ELEMENT && ev->tag == TAG_VERIFIED_AT)
		return take_verification(m, ev, err);
	if (ev->depth)
		return 0;
	if (ev->tag == TAG_PIXELS && !m->facts.has_pixels) {
		m->facts.has_pixels = true;
		m->facts.pixels = ev->start;
	} else if (m->facts.has_pixels && !m->facts.after &&
		   ev->kind != IMG_DICOM_FRAGMENT &&
		   ev->kind != IMG_DICOM_END_SEQUENCE) {
		m->facts.after = ev->start;
	}
	if (ev->kind == IMG_DICOM_SEQUENCE)
		return begin(m, c, ev);
	if (ev->kind != IMG_DICOM_ELEMENT)
		return 0;
	if (ev->tag == TAG_CS)
		take_charset(m, ev);
	return keep(m, ev, err);
}

int media_collect(struct img_media_set *m, struct img_dicom_reader *r,
		  struct img_err *err)
{
	struct facts *f = &m->facts;
	struct capture c = { 0 };
	const struct img_dicom_facts *facts;
	struct img_dicom_event ev;
	int more;

	memset(f->f, 0, sizeof f->f);
	img_buf_reset(&f->bytes);
	img_charset_parse(&f->cs, NULL, 0);
	f->charset = CHARSET_ASCII;
	f->young_count = 0;
	f->meta_class[0] = f->meta_sop[0] = '\0';
	f->pixels = f->after = 0;
	f->has_pixels = f->observers = f->is_dicomdir = false;
	while ((more = img_dicom_next(r, &ev, err)) > 0)
		if (see(m, &c, &ev, err) < 0)
			return -1;
	if (more < 0)
		return -1;
	facts = img_dicom_facts(r);
	f->notes = facts->notes;
	f->end = facts->end;
	f->elements = facts->elements;
	memcpy(f->ts, facts->transfer_syntax, sizeof f->ts);
	return 0;
}
