/* dicomjson.c - what was found, in the DICOM JSON model (PS3.18 F.2). */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jsonl/jsonl.h"
#include "work/format.h"

#define MAX 128

/* PS3.18 F.2: no group 0002; the encoding is said by this instead. */
#define TRANSFER_SYNTAX  IMG_TAG(0x0002, 0x0010)
#define AVAILABLE_SYNTAX IMG_TAG(0x0008, 0x3002)

struct member {
	const struct img_find_field *field;
	const char *value;
};

static uint32_t tag_at(const struct img_find_field *f, unsigned i)
{
	return f->tag[i] == TRANSFER_SYNTAX ? AVAILABLE_SYNTAX : f->tag[i];
}

static int by_path(const void *a, const void *b)
{
	const struct img_find_field *x = ((const struct member *)a)->field;
	const struct img_find_field *y = ((const struct member *)b)->field;

	for (unsigned i = 0; i < x->tags && i < y->tags; i++)
		if (tag_at(x, i) != tag_at(y, i))
			return tag_at(x, i) < tag_at(y, i) ? -1 : 1;
	return (x->tags > y->tags) - (x->tags < y->tags);
}

static bool is_vr(const struct img_find_field *f, const char *vr)
{
	return strcmp(f->vr, vr) == 0;
}

static bool is_number(const struct img_find_field *f)
{
	static const char numbers[] = "IS DS US SS UL SL UV SV FL FD";

	return strstr(numbers, f->vr) != NULL;
}

/* One value: backslashes belong to the text. */
static bool is_whole(const struct img_find_field *f)
{
	return is_vr(f, "LT") || is_vr(f, "ST") || is_vr(f, "UT") ||
	       is_vr(f, "UR");
}

/* Bytes are not given.  The attribute is left out: an empty one would say that
   the object has no value there (PS3.18 F.2.5). */
static bool is_bytes(const struct img_find_field *f)
{
	return f->vr[0] == 'O' || is_vr(f, "UN");
}

static int put_string(struct img_buf *b, const char *s, size_t n,
		      struct img_err *err)
{
	return n ? img_json_str(b, s, n, err) : img_json_raw(b, "null", err);
}

/* The JSON number that text means; as text where it is none (IS and DS may
   be, PS3.18 F.2.3). */
static int put_number(struct img_buf *b, const char *s, size_t n,
		      struct img_err *err)
{
	char text[64], out[64], *end;
	double d;

	if (n == 0 || n >= sizeof(text))
		return put_string(b, s, n, err);
	memcpy(text, s, n);
	text[n] = '\0';
	if (strspn(text, "0123456789") == n && n < 18 &&
	    (text[0] != '0' || n == 1))
		return img_json_raw(b, text, err);
	if (text[strspn(text, "0123456789+-.eE ")])
		return put_string(b, s, n, err);
	d = strtod(text, &end);
	if (end == text || end[strspn(end, " ")] || !isfinite(d))
		return put_string(b, s, n, err);
	snprintf(out, sizeof(out), "%.15g", d);
	if (strtod(out, NULL) != d)
		snprintf(out, sizeof(out), "%.17g", d);
	return img_json_raw(b, out, err);
}

/* PS3.18 F.2.2: the groups of a name. */
static int put_name(struct img_buf *b, const char *s, size_t n,
		    struct img_err *err)
{
	static const char *const groups[] = { "Alphabetic", "Ideographic",
					      "Phonetic" };
	const char *end = s + n;

	if (n == 0)
		return img_json_raw(b, "null", err);
	if (img_json_open(b, '{', err) < 0)
		return -1;
	for (int i = 0; i < 3 && s <= end; i++) {
		const char *eq = memchr(s, '=', (size_t)(end - s));
		const char *to = eq && i < 2 ? eq : end;

		if (to > s && (img_json_key(b, groups[i], err) < 0 ||
			       img_json_str(b, s, (size_t)(to - s), err) < 0))
			return -1;
		s = to + 1;
	}
	return img_json_close(b, '}', err);
}

static int put_value(struct img_buf *b, const struct member *m,
		     struct img_err *err)
{
	const char *s = m->value;

	if (img_json_key(b, "Value", err) < 0 || img_json_open(b, '[', err) < 0)
		return -1;
	for (;;) {
		size_t n = is_whole(m->field) ? strlen(s) : strcspn(s, "\\");
		int rc;

		if (is_vr(m->field, "PN"))
			rc = put_name(b, s, n, err);
		else if (is_number(m->field))
			rc = put_number(b, s, n, err);
		else
			rc = put_string(b, s, n, err);
		if (rc < 0)
			return -1;
		if (!s[n])
			break;
		s += n + 1;
	}
	return img_json_close(b, ']', err);
}

static int open_tag(struct img_buf *b, uint32_t tag, const char *vr,
		    struct img_err *err)
{
	char key[9];

	snprintf(key, sizeof(key), "%08X", tag);
	if (img_json_key(b, key, err) < 0 || img_json_open(b, '{', err) < 0)
		return -1;
	return img_json_put(b, "vr", vr, err);
}

/* Sequences open around the last member are closed down to `keep`. */
static int close_to(struct img_buf *b, unsigned *open, unsigned keep,
		    struct img_err *err)
{
	for (; *open > keep; --*open)
		if (img_json_close(b, '}', err) < 0 ||
		    img_json_close(b, ']', err) < 0 ||
		    img_json_close(b, '}', err) < 0)
			return -1;
	return 0;
}

static int open_to(struct img_buf *b, unsigned *open,
		   const struct img_find_field *f, struct img_err *err)
{
	for (; *open + 1 < f->tags; ++*open)
		if (open_tag(b, f->tag[*open], "SQ", err) < 0 ||
		    img_json_key(b, "Value", err) < 0 ||
		    img_json_open(b, '[', err) < 0 ||
		    img_json_open(b, '{', err) < 0)
			return -1;
	return 0;
}

static unsigned shared(const struct img_find_field *a,
		       const struct img_find_field *b)
{
	unsigned n = 0;

	while (a && n + 1 < a->tags && n + 1 < b->tags &&
	       a->tag[n] == b->tag[n])
		n++;
	return n;
}

static int put_members(struct img_buf *b, const struct member *m, size_t n,
		       struct img_err *err)
{
	const struct img_find_field *last = NULL;
	unsigned open = 0;

	for (size_t i = 0; i < n; i++) {
		const struct img_find_field *f = m[i].field;

		if (is_bytes(f))
			continue;
		if (close_to(b, &open, shared(last, f), err) < 0 ||
		    open_to(b, &open, f, err) < 0 ||
		    open_tag(b, tag_at(f, f->tags - 1), f->vr, err) < 0 ||
		    (m[i].value && put_value(b, &m[i], err) < 0) ||
		    img_json_close(b, '}', err) < 0)
			return -1;
		last = f;
	}
	return close_to(b, &open, 0, err);
}

static bool is_ascii(const char *s)
{
	for (; s && *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

int img_format_dicom_json(const struct img_writer *w, const struct img_found *f,
			  struct img_buf *out, struct img_err *err)
{
	static const uint32_t charset_tag = IMG_TAG(0x0008, 0x0005);
	static const struct img_find_field charset = { -1,
						       "SpecificCharacterSet",
						       "CS", &charset_tag, 1 };
	struct member m[MAX + 1];
	bool ascii = true, told = false;
	size_t n = 0;

	for (size_t i = 0; i < w->fields && n < MAX; i++) {
		if (by_path(&(struct member){ &w->field[i], NULL },
			    &(struct member){ &charset, NULL }) == 0)
			told = true;
		m[n].field = &w->field[i];
		m[n++].value = f->value[i];
		ascii = ascii && is_ascii(f->value[i]);
	}
	/* What is given is UTF-8, whatever the object itself has. */
	for (size_t i = 0; told && i < n; i++)
		if (m[i].field->tags == 1 && *m[i].field->tag == charset_tag)
			m[i].value = ascii ? m[i].value : "ISO_IR 192";
	if (!told && !ascii) {
		m[n].field = &charset;
		m[n++].value = "ISO_IR 192";
	}
	qsort(m, n, sizeof(*m), by_path);
	if (img_json_open(out, '{', err) < 0 ||
	    put_members(out, m, n, err) < 0 ||
	    img_json_close(out, '}', err) < 0)
		return -1;
	return img_buf_putc(out, '\n', err);
}
