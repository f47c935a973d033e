/*
 * coerce.c - attributes changed on the way in (--set), the original values
 * kept in OriginalAttributesSequence (PS3.3 C.12.1.1.9).
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "work/coerce.h"

#define OUT_MAX (4 * WHOLE)

#define CHARSET    IMG_TAG(0x0008, 0x0005)
#define SOP_CLASS  IMG_TAG(0x0008, 0x0016)
#define SOP        IMG_TAG(0x0008, 0x0018)
#define MODIFIED   IMG_TAG(0x0400, 0x0550)
#define ORIGINAL   IMG_TAG(0x0400, 0x0561)
#define MOD_TIME   IMG_TAG(0x0400, 0x0562)
#define MOD_SYSTEM IMG_TAG(0x0400, 0x0563)
#define PREVIOUS   IMG_TAG(0x0400, 0x0564)
#define REASON     IMG_TAG(0x0400, 0x0565)

/* ---- rewriting -------------------------------------------------------- */

struct rewriting {
	struct examiner *x;
	const char *name;
	const uint8_t *p; /* the object, or NULL: what fd holds */
	int fd;
	uint64_t n;
	struct changes want;
	size_t next;        /* change not yet written */
	bool original_done; /* our item is in the sequence */
	struct img_dicom_pick was[SET_MAX];
	struct img_buf kept; /* the bytes of was */
	char charset[64];
	struct img_dicom_writer *w;
};

static int to_buf(void *arg, const void *p, size_t n, struct img_err *err)
{
	return img_buf_add(arg, p, n, err);
}

static int to_file(void *arg, const void *p, size_t n, struct img_err *err)
{
	return img_store_write(arg, p, n, err);
}

/* UTF-8 to the object's own character set: ASCII, Latin 1 or UTF-8. */
static int encode(struct rewriting *r, const char *s, struct img_buf *out,
		  struct img_err *err)
{
	bool latin =
		strstr(r->charset, "IR 100") || strstr(r->charset, "IR_100");
	bool utf8 = strstr(r->charset, "192") != NULL;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x80 && !utf8) {
			if (!latin || c > 0xC3)
				return img_err_set(
					err, IMG_E_UNSUPPORTED,
					"%s: --set: the object's character set "
					"has no such characters",
					r->name);
			c = (unsigned char)(c << 6 | (*++s & 0x3F));
		}
		if (img_buf_putc(out, (char)c, err) < 0)
			return -1;
	}
	return 0;
}

static int put_change(struct rewriting *r, const struct change *c,
		      struct img_err *err)
{
	struct img_buf text;
	int rc = -1;

	img_buf_init(&text, 16384);
	if (encode(r, c->value, &text, err) == 0)
		rc = img_dicom_put_text(r->w, c->tag, c->vr, img_buf_str(&text),
					err);
	img_buf_release(&text);
	return rc;
}

static int put_mark(struct rewriting *r, enum img_dicom_kind kind, uint32_t tag,
		    struct img_err *err)
{
	const struct img_dicom_event ev = { .kind = kind,
					    .tag = tag,
					    .vr = "SQ",
					    .length = IMG_UNDEFINED_LEN };

	return img_dicom_put(r->w, &ev, NULL, err);
}

/* The values that were there, in an item of ModifiedAttributesSequence. */
static int put_modified(struct rewriting *r, struct img_err *err)
{
	if (put_mark(r, IMG_DICOM_SEQUENCE, MODIFIED, err) < 0 ||
	    put_mark(r, IMG_DICOM_ITEM, MODIFIED, err) < 0)
		return -1;
	for (size_t i = 0; i < r->want.n; i++) {
		const struct img_dicom_pick *v = &r->was[i];
		struct img_dicom_event ev = { .kind = IMG_DICOM_ELEMENT,
					      .tag = r->want.change[i].tag,
					      .length = v->length,
					      .big = v->big };

		if (!v->present)
			continue;
		memcpy(ev.vr, v->vr, sizeof(ev.vr));
		if (img_dicom_put(r->w, &ev, v->p ? v->p : (const uint8_t *)"",
				  err) < 0)
			return -1;
	}
	if (put_mark(r, IMG_DICOM_END_ITEM, MODIFIED, err) < 0)
		return -1;
	return put_mark(r, IMG_DICOM_END_SEQUENCE, MODIFIED, err);
}

static int put_original_item(struct rewriting *r, struct img_err *err)
{
	time_t t = time(NULL);
	struct tm tm;
	char now[32] = "";

	if (gmtime_r(&t, &tm))
		strftime(now, sizeof(now), "%Y%m%d%H%M%S+0000", &tm);
	r->original_done = true;
	if (put_mark(r, IMG_DICOM_ITEM, ORIGINAL, err) < 0 ||
	    put_modified(r, err) < 0 ||
	    img_dicom_put_text(r->w, MOD_TIME, "DT", now, err) < 0 ||
	    img_dicom_put_text(r->w, MOD_SYSTEM, "LO", "imgimport " IMG_VERSION,
			       err) < 0 ||
	    img_dicom_put_text(r->w, PREVIOUS, "LO", "", err) < 0 ||
	    img_dicom_put_text(r->w, REASON, "CS", "COERCE", err) < 0)
		return -1;
	return put_mark(r, IMG_DICOM_END_ITEM, ORIGINAL, err);
}

static int put_original(struct rewriting *r, struct img_err *err)
{
	if (put_mark(r, IMG_DICOM_SEQUENCE, ORIGINAL, err) < 0 ||
	    put_original_item(r, err) < 0)
		return -1;
	return put_mark(r, IMG_DICOM_END_SEQUENCE, ORIGINAL, err);
}

/* What comes before a tag at the top level. */
static int put_pending(struct rewriting *r, uint32_t tag, struct img_err *err)
{
	for (;;) {
		uint32_t mine = r->next < r->want.n
					? r->want.change[r->next].tag
					: UINT32_MAX;

		if (!r->original_done && ORIGINAL < mine) {
			if (ORIGINAL >= tag)
				return 0;
			if (put_original(r, err) < 0)
				return -1;
			continue;
		}
		if (mine >= tag || mine == UINT32_MAX)
			return 0;
		if (put_change(r, &r->want.change[r->next++], err) < 0)
			return -1;
	}
}

static int put_long(struct rewriting *r, const struct img_dicom_event *ev,
		    struct img_err *err)
{
	uint8_t part[8192];

	if (img_dicom_put(r->w, ev, NULL, err) < 0)
		return -1;
	for (uint64_t at = 0; at < ev->length; at += sizeof(part)) {
		size_t n = ev->length - at < sizeof(part)
				   ? (size_t)(ev->length - at)
				   : sizeof(part);

		if (img_dicom_value(r->x->reader, at, part, n, err) < 0 ||
		    img_dicom_put_part(r->w, part, n, err) < 0)
			return -1;
	}
	return 0;
}

static int put_event(struct rewriting *r, const struct img_dicom_event *in,
		     struct img_err *err)
{
	struct img_dicom_event ev = *in;
	bool top = ev.depth == 0 && (ev.kind == IMG_DICOM_ELEMENT ||
				     ev.kind == IMG_DICOM_SEQUENCE ||
				     ev.kind == IMG_DICOM_PIXELS);

	if (ev.meta || (ev.kind == IMG_DICOM_ELEMENT && (ev.tag & 0xFFFF) == 0))
		return 0; /* group lengths would be wrong */
	if (top && put_pending(r, ev.tag, err) < 0)
		return -1;
	if (top && r->next < r->want.n &&
	    r->want.change[r->next].tag == ev.tag) {
		if (ev.kind != IMG_DICOM_ELEMENT)
			return img_err_set(err, IMG_E_UNSUPPORTED,
					   "%s: --set: a sequence stands where "
					   "a value was expected",
					   r->name);
		return put_change(r, &r->want.change[r->next++], err);
	}
	/* Lengths around what changes are no longer true. */
	if (ev.kind == IMG_DICOM_SEQUENCE || ev.kind == IMG_DICOM_ITEM)
		ev.length = IMG_UNDEFINED_LEN;
	if ((ev.kind == IMG_DICOM_ELEMENT || ev.kind == IMG_DICOM_FRAGMENT) &&
	    !ev.value && ev.length)
		return put_long(r, &ev, err);
	if (img_dicom_put(r->w, &ev, ev.value ? ev.value : (const uint8_t *)"",
			  err) < 0)
		return -1;
	if (top && ev.tag == ORIGINAL && ev.kind == IMG_DICOM_SEQUENCE &&
	    !r->original_done)
		return put_original_item(r, err);
	return 0;
}

/* ---- two passes ------------------------------------------------------- */

static void text_of(const struct img_dicom_pick *v, char *out, size_t size)
{
	size_t n = v->present && v->p ? v->length : 0;

	if (n >= size)
		n = size - 1;
	if (n)
		memcpy(out, v->p, n);
	while (n && (out[n - 1] == ' ' || out[n - 1] == '\0'))
		n--;
	out[n] = '\0';
}

struct identity {
	char sop_class[IMG_UID_MAX], sop[IMG_UID_MAX];
	const char *ts;
};

/* The syntax to write: the one that the bytes are really in. */
static const char *syntax_of(const struct img_dicom_facts *f)
{
	if (!(f->notes & IMG_NOTE_WRONG_SYNTAX))
		return f->transfer_syntax;
	return f->implicit ? "1.2.840.10008.1.2"
	       : f->big    ? "1.2.840.10008.1.2.2"
			   : "1.2.840.10008.1.2.1";
}

static int start(struct rewriting *r, const struct img_dicom_limits *limits,
		 struct img_err *err)
{
	if (r->p)
		return img_dicom_start_mem(r->x->reader, r->p, (size_t)r->n,
					   r->name, limits, err);
	return img_dicom_start_fd(r->x->reader, r->fd, r->n, r->name, limits,
				  err);
}

/* First pass: values that will be changed, and what the meta needs. */
static int first_pass(struct rewriting *r, struct identity *id,
		      struct img_err *err)
{
	uint32_t tags[SET_MAX + 3] = { CHARSET, SOP_CLASS, SOP };
	struct img_dicom_pick v[SET_MAX + 3];
	size_t at[SET_MAX + 3], k = 3;
	struct img_dicom_reader *d = r->x->reader;

	for (size_t i = 0; i < r->want.n; i++)
		tags[k++] = r->want.change[i].tag;
	/* pick wants them ascending; at[] says where each one went. */
	for (size_t i = 0; i < k; i++)
		at[i] = i;
	for (size_t i = 1; i < k; i++)
		for (size_t j = i; j > 0 && tags[j - 1] > tags[j]; j--) {
			uint32_t t = tags[j];
			size_t a = at[j];

			tags[j] = tags[j - 1];
			tags[j - 1] = t;
			at[j] = at[j - 1];
			at[j - 1] = a;
		}
	if (start(r, NULL, err) < 0 || img_dicom_pick(d, tags, k, v, err) < 0)
		return -1;
	for (size_t i = 0; i < k; i++) {
		if (at[i] == 0)
			text_of(&v[i], r->charset, sizeof(r->charset));
		else if (at[i] == 1)
			text_of(&v[i], id->sop_class, sizeof(id->sop_class));
		else if (at[i] == 2)
			text_of(&v[i], id->sop, sizeof(id->sop));
		else
			r->was[at[i] - 3] = v[i];
	}
	id->ts = syntax_of(img_dicom_facts(d));
	return 0;
}

/* The picked bytes end with the first pass: keep copies. */
static int keep_originals(struct rewriting *r, struct img_err *err)
{
	size_t at = 0;

	for (size_t i = 0; i < r->want.n; i++) {
		if (!r->was[i].p && r->was[i].length)
			return img_err_set(err, IMG_E_UNSUPPORTED,
					   "%s: --set: what stands there is "
					   "too long to be kept",
					   r->name);
		if (r->was[i].p && img_buf_add(&r->kept, r->was[i].p,
					       r->was[i].length, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < r->want.n; i++) {
		if (!r->was[i].p)
			continue;
		r->was[i].p = (const uint8_t *)r->kept.data + at;
		at += r->was[i].length;
	}
	return 0;
}

static int second_pass(struct rewriting *r, const struct identity *id,
		       struct img_err *err)
{
	const struct img_dicom_limits limits = { .value = 65536 };
	struct img_dicom_event ev;
	int more;

	if (start(r, &limits, err) < 0 ||
	    img_dicom_put_meta(r->w, id->sop_class, id->sop, id->ts, err) < 0)
		return -1;
	while ((more = img_dicom_next(r->x->reader, &ev, err)) > 0)
		if (put_event(r, &ev, err) < 0)
			return -1;
	if (more < 0 || put_pending(r, UINT32_MAX, err) < 0)
		return -1;
	return img_dicom_finish(r->w, err);
}

static int rewrite(struct rewriting *r, const struct img_dicom_sink *to,
		   struct img_err *err)
{
	const struct img_ingest_opts *o = &r->x->g->opts;
	struct identity id = { .ts = "" };
	char ts[IMG_UID_MAX];
	int rc = -1;

	img_buf_init(&r->kept, WHOLE);
	if (coerce_parse(o->set, o->n_set, &r->want, err) < 0 ||
	    first_pass(r, &id, err) < 0 || keep_originals(r, err) < 0)
		goto out;
	memcpy(ts, id.ts, strlen(id.ts) + 1);
	id.ts = ts;
	r->w = img_dicom_writer_new(to, err);
	if (r->w)
		rc = second_pass(r, &id, err);
out:
	img_dicom_writer_free(r->w);
	img_buf_release(&r->kept);
	free(r);
	return rc;
}

static struct rewriting *rewriting_new(struct examiner *x, const char *name,
				       uint64_t n, struct img_err *err)
{
	struct rewriting *r = calloc(1, sizeof(*r));

	if (!r) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		return NULL;
	}
	r->x = x;
	r->name = name;
	r->n = n;
	r->fd = -1;
	return r;
}

int coerce(struct examiner *x, const char *name, const uint8_t *p, size_t n,
	   struct img_buf *out, struct img_err *err)
{
	const struct img_dicom_sink to = { to_buf, out };
	struct rewriting *r = rewriting_new(x, name, n, err);

	img_buf_init(out, OUT_MAX);
	if (!r)
		return -1;
	r->p = p;
	return rewrite(r, &to, err);
}

int coerce_file(struct examiner *x, const char *name, int fd, uint64_t n,
		struct img_store_file *out, struct img_err *err)
{
	const struct img_dicom_sink to = { to_file, out };
	struct rewriting *r = rewriting_new(x, name, n, err);

	if (!r)
		return -1;
	r->fd = fd;
	return rewrite(r, &to, err);
}
