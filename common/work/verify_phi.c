/*
 * verify_phi.c - residual identity: does an object hold a value that
 * identifies a patient of the source?
 *
 * Values are folded (case, marks and separators gone) and looked for in the
 * folded text of every element, and as they are, but for case, in all other
 * bytes: private blobs, encapsulated documents, UTF-16 text, coded frames.
 * Only where a value comes from and where it was found is told.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "catalog/catalog.h"
#include "work/verify_phi.h"

#define SHORTEST 4 /* bytes; shorter ones are everywhere */
#define ALONE    8 /* shorter ones have to stand alone */
#define BULK     65536
#define BITS     20
#define TEXT_MAX (1024 * 1024)

struct value {
	uint32_t at, n;
	uint16_t from; /* number of its attribute */
	bool uid;
	uint32_t next; /* of the same slot, plus one */
};

struct phi {
	struct img_buf text;
	struct value *value;
	size_t n, room;
	uint32_t slot[1u << BITS];
};

static const char *const sources[] = {
	"a line of the list", "PatientName",      "PatientID",
	"PatientBirthDate",   "AccessionNumber",  "ReferringPhysicianName",
	"InstitutionName",    "StudyInstanceUID", "SeriesInstanceUID",
	"SOPInstanceUID"
};
enum { FROM_LIST, FROM_NAME, FROM_UID = 7, N_SOURCES = 10 };

/* ---- values ------------------------------------------------------------- */

static uint32_t slot_of(const uint8_t *p)
{
	uint32_t v = (uint32_t)p[0] | (uint32_t)p[1] << 8 |
		     (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

	return (v * 2654435761u) >> (32 - BITS);
}

static bool is_known(const struct phi *p, const char *s, size_t n)
{
	uint32_t i = p->slot[slot_of((const uint8_t *)s)];

	for (; i; i = p->value[i - 1].next)
		if (p->value[i - 1].n == n &&
		    memcmp(p->text.data + p->value[i - 1].at, s, n) == 0)
			return true;
	return false;
}

static int add_folded(struct phi *p, const char *s, size_t n, unsigned from,
		      struct img_err *err)
{
	struct value *v;
	uint32_t slot;

	while (n && s[n - 1] == ' ')
		n--;
	if (n < SHORTEST || is_known(p, s, n))
		return 0;
	if (p->n == p->room) {
		size_t room = p->room ? p->room * 2 : 1024;

		v = reallocarray(p->value, room, sizeof(*v));
		if (!v)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		p->value = v;
		p->room = room;
	}
	v = &p->value[p->n++];
	v->at = (uint32_t)p->text.len;
	v->n = (uint32_t)n;
	v->from = (uint16_t)from;
	v->uid = from >= FROM_UID;
	slot = slot_of((const uint8_t *)s);
	v->next = p->slot[slot];
	p->slot[slot] = (uint32_t)p->n;
	return img_buf_add(&p->text, s, n, err);
}

/* A name also word by word. */
static int add_value(struct phi *p, const char *s, unsigned from,
		     struct img_err *err)
{
	struct img_buf b;
	char *word, *rest;
	int rc = 0;

	img_buf_init(&b, TEXT_MAX);
	if (from >= FROM_UID) {
		rc = add_folded(p, s, strlen(s), from, err);
	} else if (img_text_fold(s, strlen(s), &b, err) < 0 ||
		   add_folded(p, img_buf_str(&b), b.len, from, err) < 0) {
		rc = -1;
	} else if (b.len && from == FROM_NAME) {
		for (word = strtok_r(b.data, " ", &rest); word && rc == 0;
		     word = strtok_r(NULL, " ", &rest))
			rc = add_folded(p, word, strlen(word), from, err);
	}
	img_buf_release(&b);
	return rc;
}

static int from_list(struct phi *p, const char *file, struct img_err *err)
{
	FILE *f = fopen(file, "re");
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int rc = 0;

	if (!f)
		return img_err_sys(err, "%s", file);
	while (rc == 0 && (n = getline(&line, &room, f)) >= 0) {
		while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			line[--n] = '\0';
		if (n)
			rc = add_value(p, line, FROM_LIST, err);
	}
	if (rc == 0 && ferror(f))
		rc = img_err_sys(err, "%s", file);
	if (line)
		explicit_bzero(line, room);
	free(line);
	(void)fclose(f);
	return rc;
}

static int from_level(struct phi *p, struct img_catalog *c,
		      enum img_level level, unsigned first, unsigned last,
		      struct img_err *err)
{
	int field[N_SOURCES];
	struct img_query q = { .level = level, .field = field };
	struct img_rows *rows = NULL;
	struct img_row row;
	int rc;

	for (unsigned i = first; i <= last; i++)
		field[q.fields++] = img_query_field(sources[i]);
	if (img_catalog_query(c, &q, &rows, err) < 0)
		return -1;
	while ((rc = img_rows_next(rows, &row, err)) > 0) {
		for (unsigned i = first; i <= last && rc > 0; i++)
			if (row.value[i - first] &&
			    add_value(p, row.value[i - first], i, err) < 0)
				rc = -1;
		if (rc < 0)
			break;
	}
	img_rows_close(rows);
	return rc;
}

static int from_catalog(struct phi *p, const char *dir, struct img_err *err)
{
	struct img_catalog *c = NULL;
	int rc = -1;

	if (img_catalog_open(&c, dir, IMG_READ, err) == 0 &&
	    from_level(p, c, IMG_PATIENT, 1, 3, err) == 0 &&
	    from_level(p, c, IMG_STUDY, 4, 5, err) == 0 &&
	    from_level(p, c, IMG_STUDY, 7, 7, err) == 0 &&
	    from_level(p, c, IMG_SERIES, 6, 6, err) == 0 &&
	    from_level(p, c, IMG_SERIES, 8, 8, err) == 0)
		rc = from_level(p, c, IMG_IMAGE, 9, 9, err);
	img_catalog_close(c);
	return rc;
}

int phi_load(struct phi **out, const char *source, struct img_err *err)
{
	struct phi *p = calloc(1, sizeof(*p));
	struct stat st;
	int rc;

	if (!p)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	img_buf_init(&p->text, UINT32_MAX);
	if (stat(source, &st) < 0)
		rc = img_err_sys(err, "%s", source);
	else if (S_ISDIR(st.st_mode))
		rc = from_catalog(p, source, err);
	else
		rc = from_list(p, source, err);
	if (rc == 0 && p->n == 0)
		rc = img_err_set(err, IMG_E_USAGE,
				 "%s: no value of %d characters or more",
				 source, SHORTEST);
	if (rc < 0) {
		phi_free(p);
		return -1;
	}
	*out = p;
	return 0;
}

void phi_free(struct phi *p)
{
	if (!p)
		return;
	if (p->text.data)
		explicit_bzero(p->text.data, p->text.len);
	img_buf_release(&p->text);
	free(p->value);
	free(p);
}

/* ---- searching ---------------------------------------------------------- */

void phi_start(struct phi_search *s, const struct phi *phi)
{
	if (!s->phi) {
		img_buf_init(&s->text, TEXT_MAX);
		img_buf_init(&s->folded, TEXT_MAX);
	}
	s->phi = phi;
	s->depth = 0;
	img_charset_parse(&s->charset, "", 0);
}

void phi_release(struct phi_search *s)
{
	if (!s->phi)
		return;
	img_buf_release(&s->text);
	img_buf_release(&s->folded);
}

static bool stands(const struct value *v, const uint8_t *p, size_t n, size_t at)
{
	uint8_t before = at ? p[at - 1] : ' ';
	uint8_t after = at + v->n < n ? p[at + v->n] : ' ';

	if (v->uid)
		return !isdigit(before) && before != '.' && !isdigit(after) &&
		       (after != '.' || at + v->n + 1 >= n ||
			!isdigit(p[at + v->n + 1]));
	return v->n >= ALONE || (!isalnum(before) && !isalnum(after));
}

/* The first value that is in lower-case bytes; NULL. */
static const struct value *find(const struct phi *phi, const uint8_t *p,
				size_t n, size_t shortest)
{
	for (size_t at = 0; at + SHORTEST <= n; at++) {
		uint32_t i = phi->slot[slot_of(p + at)];

		for (; i; i = phi->value[i - 1].next) {
			const struct value *v = &phi->value[i - 1];

			if (v->n >= shortest && v->n <= n - at &&
			    memcmp(phi->text.data + v->at, p + at, v->n) == 0 &&
			    stands(v, p, n, at))
				return v;
		}
	}
	return NULL;
}

static void tell(struct img_check *c, const char *where, const struct value *v)
{
	img_check_add(c, true, "phi", where, "holds a value of the source: %s",
		      sources[v->from]);
}

/* Bytes as they are, in lower case, and again without NULs (UTF-16). */
static const struct value *find_bytes(const struct phi *phi, uint8_t *p,
				      size_t n, size_t shortest)
{
	const struct value *v;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)tolower(p[i]);
	v = find(phi, p, n, shortest);
	for (size_t i = 0; i < n && !v; i++)
		if (p[i])
			p[kept++] = p[i];
	return v || kept == n ? v : find(phi, p, kept, shortest);
}

void phi_bytes(struct phi_search *s, struct img_check *c, const char *where,
	       const void *p, size_t n)
{
	struct img_err full = IMG_ERR_INIT;
	const struct value *v;

	img_buf_reset(&s->text);
	if (n == 0 || img_buf_add(&s->text, p, n, &full) < 0)
		return;
	v = find_bytes(s->phi, (uint8_t *)s->text.data, n, SHORTEST);
	if (v)
		tell(c, where, v);
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
static const struct value *find_text(struct phi_search *s,
				     const struct img_dicom_event *ev)
{
	struct img_err full = IMG_ERR_INIT;
	unsigned notes = 0;

	img_buf_reset(&s->text);
	img_buf_reset(&s->folded);
	if (img_charset_utf8(&s->charset, ev->vr, ev->value, ev->length,
			     &s->text, &notes, &full) < 0 ||
	    img_text_fold(img_buf_str(&s->text), s->text.len, &s->folded,
			  &full) < 0)
		return NULL;
	return find(s->phi, (const uint8_t *)img_buf_str(&s->folded),
		    s->folded.len, SHORTEST);
}

/* Long values in parts that overlap; chance hits are not told. */
static int find_long(struct phi_search *s, struct img_dicom_reader *r,
		     const struct img_dicom_event *ev, const struct value **v,
		     struct img_err *err)
{
	const size_t overlap = 256;
	size_t shortest = ev->length > BULK ? ALONE : SHORTEST;
	uint64_t at = 0;

	while (at < ev->length && !*v) {
		size_t n = ev->length - at < BULK ? (size_t)(ev->length - at)
						  : BULK;

		img_buf_reset(&s->text);
		if (img_buf_grow(&s->text, n, err) < 0 ||
		    img_dicom_value(r, at, s->text.data, n, err) < 0)
			return -1;
		*v = find_bytes(s->phi, (uint8_t *)s->text.data, n, shortest);
		at += at + n < ev->length ? n - overlap : n;
	}
	return 0;
}

static int search(struct phi_search *s, struct img_check *c,
		  struct img_dicom_reader *r, const struct img_dicom_event *ev,
		  struct img_err *err)
{
	const struct value *v = NULL;
	char place[64];

	if (ev->length == 0 || ev->length == IMG_UNDEFINED_LEN)
		return 0;
	if (ev->value && img_vr_is_text(ev->vr))
		v = find_text(s, ev);
	if (!v && find_long(s, r, ev, &v, err) < 0)
		return -1;
	if (v) {
		where(s, ev, place);
		tell(c, place, v);
	}
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
