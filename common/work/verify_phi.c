/*
 * verify_phi.c - residual identity: what identifies the patients of a source.
 *
 * Values are folded (case, marks and separators gone) and kept with what is to
 * be known of them to say what a hit is worth: a word that names nobody is
 * found everywhere.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "anon/anon.h"
#include "catalog/catalog.h"
#include "work/verify_phi.h"

#define TEXT_MAX (1024 * 1024)
/* Registered by the standard: they are of no patient. */
#define OF_THE_STANDARD "1.2.840.10008."

const struct phi_source phi_sources[] = {
	{ "a line of the list", 0 },
	{ "PatientName", 0x00100010 },
	{ "PatientID", 0x00100020 },
	{ "PatientBirthDate", 0x00100030 },
	{ "AccessionNumber", 0x00080050 },
	{ "ReferringPhysicianName", 0x00080090 },
	{ "InstitutionName", 0x00080080 },
	{ "StudyInstanceUID", 0x0020000D },
	{ "SeriesInstanceUID", 0x0020000E },
	{ "SOPInstanceUID", 0x00080018 },
};
enum {
	FROM_LIST,
	FROM_NAME,
	FROM_BIRTH = 3,
	FROM_PHYSICIAN = 5,
	FROM_UID = 7,
	N_SOURCES = 10
};

/* ---- values ------------------------------------------------------------- */

static bool is_known(const struct phi *p, const char *s, size_t n)
{
	uint32_t i = p->slot[phi_slot((const uint8_t *)s)];

	for (; i; i = p->value[i - 1].next)
		if (p->value[i - 1].n == n &&
		    memcmp(p->text.data + p->value[i - 1].at, s, n) == 0)
			return true;
	return false;
}

/* "000000", "123456": what is typed where something has to be. */
static bool is_degenerate(const char *s, size_t n)
{
	int step = n > 1 ? s[1] - s[0] : 0;

	if (step < -1 || step > 1)
		return false;
	for (size_t i = 1; i < n; i++)
		if (s[i] - s[i - 1] != step)
			return false;
	return true;
}

/* Whether a word is one of all, which has a blank before and after each. */
static bool is_among(const char *all, const char *s, size_t n)
{
	for (; all[1]; all += 1 + strcspn(all + 1, " "))
		if (strcspn(all + 1, " ") == n && memcmp(all + 1, s, n) == 0)
			return true;
	return false;
}

/* What is written instead of a value, and so stands in any de-identified
   object; imgverify(1) lists them. */
static bool is_nothing(const char *s, size_t n)
{
	static const char all[] = " none null unknown unnamed noname anonymous "
				  "anonymized anonymised deidentified "
				  "unidentified redacted removed hidden "
				  "00010101 19000101 99991231 ";

	return is_among(all, s, n);
}

/* With it, the words of the profession are the name of a place. */
static bool is_place(const char *s, size_t n)
{
	static const char all[] = " center centre clinic department hospital "
				  "institute institution klinik lab "
				  "laboratory practice university ";

	return is_among(all, s, n);
}

/* What all words of a value are; a value without letters has none. */
static void judge_words(struct phi_value *v, const char *s)
{
	bool common = true, holders = true, nobody = true, any = false;

	for (size_t i = 0, end; i < v->n; i = end) {
		bool is_common, is_holder;

		while (i < v->n && !isalnum((unsigned char)s[i]) &&
		       !(s[i] & 0x80))
			i++;
		for (end = i; end < v->n && (isalnum((unsigned char)s[end]) ||
					     (s[end] & 0x80));)
			end++;
		if (end == i)
			break;
		v->words++;
		if (end - i < 3) /* an initial, or "co" */
			continue;
		any = true;
		is_common = img_anon_is_common(s + i, end - i);
		is_holder = img_anon_is_placeholder(s + i, end - i);
		common &= is_common;
		holders &= is_holder;
		/* Or more than one of it. */
		nobody &= (is_common ||
			   (s[end - 1] == 's' &&
			    img_anon_is_common(s + i, end - i - 1))) &&
			  !is_place(s + i, end - i);
	}
	/* Whoever makes a list means what is in it. */
	if (v->from == FROM_LIST)
		return;
	v->common = any && common;
	v->nobody = any && nobody;
	v->nothing = is_nothing(s, v->n);
	v->holder = (any && holders && v->kind == PHI_WORDS) ||
		    is_degenerate(s, v->n);
}

static void judge_value(struct phi_value *v, const char *s)
{
	size_t digits = 0;

	for (size_t i = 0; i < v->n; i++)
		digits += s[i] >= '0' && s[i] <= '9';
	if (v->from >= FROM_UID)
		v->kind = PHI_UID;
	else if (v->from == FROM_BIRTH && digits == v->n)
		v->kind = PHI_DATE;
	else if (digits == v->n)
		v->kind = PHI_FIGURES;
	else
		v->kind = digits ? PHI_MIXED : PHI_WORDS;
	judge_words(v, s);
}

static int add_folded(struct phi *p, const char *s, size_t n, unsigned from,
		      bool part, struct img_err *err)
{
	struct phi_value *v;
	uint32_t slot;

	while (n && s[n - 1] == ' ')
		n--;
	if (n < PHI_SHORTEST || is_known(p, s, n))
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
	memset(v, 0, sizeof(*v));
	v->at = (uint32_t)p->text.len;
	v->n = (uint32_t)n;
	v->from = (uint8_t)from;
	v->part = part;
	judge_value(v, s);
	slot = phi_slot((const uint8_t *)s);
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
		if (strncmp(s, OF_THE_STANDARD, strlen(OF_THE_STANDARD)) != 0)
			rc = add_folded(p, s, strlen(s), from, false, err);
	} else if (img_text_fold(s, strlen(s), &b, err) < 0 ||
		   add_folded(p, img_buf_str(&b), b.len, from, false, err) <
			   0) {
		rc = -1;
	} else if (b.len && from == FROM_NAME) {
		for (word = strtok_r(b.data, " ", &rest); word && rc == 0;
		     word = strtok_r(NULL, " ", &rest))
			rc = add_folded(p, word, strlen(word), from, true, err);
	}
	img_buf_release(&b);
	return rc;
}

static int from_list(struct phi *p, const char *file, struct img_err *err)
{
	FILE *f = fopen(file, "re");
	char *line = NULL;
	size_t room = 0, mark = 0, lines = 0;
	ssize_t n;
	int rc = 0;

	if (!f)
		return img_err_sys(err, "%s", file);
	while (rc == 0 && (n = getline(&line, &room, f)) >= 0) {
		while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			line[--n] = '\0';
		mark = lines++ ? 0 : img_utf8_mark(line, (size_t)n);
		/* Of another character set it would be found nowhere. */
		if (strlen(line) != (size_t)n || !img_utf8_ok(line, (size_t)n))
			rc = img_err_set(err, IMG_E_MALFORMED,
					 "%s: line %zu: not UTF-8", file,
					 lines);
		else if (line[mark])
			rc = add_value(p, line + mark, FROM_LIST, err);
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
		field[q.fields++] = img_query_field(phi_sources[i].keyword);
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
		rc = img_err_set(err, IMG_E_UNSUPPORTED,
				 "%s: no value of %d characters or more",
				 source, PHI_SHORTEST);
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
