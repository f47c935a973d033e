/*
 * charset.c - SpecificCharacterSet: its terms, and values to UTF-8.
 *
 * PS3.3 C.12.1.1.2 has the defined terms, PS3.5 6.1 what they mean.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "charset_private.h"

/* The numbers of ISO_IR n and ISO 2022 IR n. */
static const struct {
	uint16_t number;
	uint8_t set;
} registered[] = {
	{ 6, IMG_SET_ASCII },      { 13, IMG_SET_JISX0201 },
	{ 14, IMG_SET_JISX0201 },  { 58, IMG_SET_GB2312 },
	{ 87, IMG_SET_JISX0208 },  { 100, IMG_SET_LATIN1 },
	{ 101, IMG_SET_LATIN2 },   { 109, IMG_SET_LATIN3 },
	{ 110, IMG_SET_LATIN4 },   { 126, IMG_SET_GREEK },
	{ 127, IMG_SET_ARABIC },   { 138, IMG_SET_HEBREW },
	{ 144, IMG_SET_CYRILLIC }, { 148, IMG_SET_LATIN5 },
	{ 149, IMG_SET_KSX1001 },  { 159, IMG_SET_JISX0212 },
	{ 166, IMG_SET_THAI },     { 192, IMG_SET_UTF8 },
	{ 203, IMG_SET_LATIN9 },
};

/* Names that are no registration number, reduced to letters and digits. */
static const struct {
	const char *name;
	uint8_t set;
} named[] = {
	{ "GB18030", IMG_SET_GB18030 },  { "GBK", IMG_SET_GB18030 },
	{ "GB2312", IMG_SET_GB18030 },   { "UTF8", IMG_SET_UTF8 },
	{ "ISO10646", IMG_SET_UTF8 },    { "ASCII", IMG_SET_ASCII },
	{ "USASCII", IMG_SET_ASCII },    { "ISO646", IMG_SET_ASCII },
	{ "LATIN1", IMG_SET_LATIN1 },    { "ISO88591", IMG_SET_LATIN1 },
	{ "ISO88592", IMG_SET_LATIN2 },  { "ISO88593", IMG_SET_LATIN3 },
	{ "ISO88594", IMG_SET_LATIN4 },  { "ISO88595", IMG_SET_CYRILLIC },
	{ "ISO88596", IMG_SET_ARABIC },  { "ISO88597", IMG_SET_GREEK },
	{ "ISO88598", IMG_SET_HEBREW },  { "ISO88599", IMG_SET_LATIN5 },
	{ "ISO885911", IMG_SET_THAI },   { "TIS620", IMG_SET_THAI },
	{ "ISO885915", IMG_SET_LATIN9 },
};

static enum img_set set_of_number(const char *digits)
{
	unsigned long n;
	char *end;

	if (!isdigit((unsigned char)*digits))
		return IMG_SET_UNKNOWN;
	n = strtoul(digits, &end, 10);
	if (*end)
		return IMG_SET_UNKNOWN;
	for (size_t i = 0; i < sizeof registered / sizeof *registered; i++)
		if (registered[i].number == n)
			return registered[i].set;
	return IMG_SET_UNKNOWN;
}

static const char *after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

/*
 * Case, spaces and punctuation do not count, so that "ISO-IR 100",
 * "iso_ir100" and "ISO 2022-IR 100" are seen for what they mean.
 */
static enum img_set set_of_term(const char *p, size_t n, bool *extension)
{
	static const char *const forms[] = { "ISO2022IR", "ISO2022", "ISOIR",
					     "IR", "" };
	char key[24];
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (!isalnum(c) || c >= 0x80)
			continue;
		if (len == sizeof key - 1)
			return IMG_SET_UNKNOWN;
		key[len++] = (char)toupper(c);
	}
	key[len] = '\0';
	if (!len)
		return IMG_SET_ASCII;
	*extension = after(key, "ISO2022") != NULL;
	for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
		const char *rest = after(key, "ISOIR");

		if (strcmp(named[i].name, rest ? rest : key) == 0)
			return named[i].set;
	}
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		const char *rest = after(key, forms[i]);

		if (rest)
			return set_of_number(rest);
	}
	return IMG_SET_UNKNOWN;
}

void img_charset_parse(struct img_charset *cs, const void *value, size_t n)
{
	const char *p = value, *end;

	memset(cs, 0, sizeof *cs);
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\0'))
		n--;
	if (!n)
		return;
	end = p + n;
	while (p && cs->n < IMG_CHARSET_TERMS) {
		const char *stop = memchr(p, '\\', (size_t)(end - p));
		size_t len = (size_t)((stop ? stop : end) - p);
		bool extension = false;
		enum img_set set = set_of_term(p, len, &extension);

		if (set == IMG_SET_UNKNOWN)
			cs->notes |= IMG_CHARSET_UNKNOWN;
		cs->extensions |= extension || cs->n > 0;
		cs->terms[cs->n++] = (uint8_t)set;
		p = stop ? stop + 1 : NULL;
	}
}

/* ---- putting text ----------------------------------------------------- */

static bool plain(uint8_t b)
{
	return b >= 0x20 && b < 0x7F;
}

static size_t plain_span(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && plain(p[i]))
		i++;
	return i;
}

ssize_t img_text_plain(struct img_text *t, const uint8_t *p, size_t n)
{
	size_t len = plain_span(p, n);

	if (img_buf_add(t->out, p, len, t->err) < 0)
		return -1;
	return (ssize_t)len;
}

int img_text_bad(struct img_text *t)
{
	if (t->strict) {
		t->bad = true;
		return -1;
	}
	t->notes |= IMG_CHARSET_REPLACED;
	return img_buf_add(t->out, "\xEF\xBF\xBD", 3, t->err);
}

static bool is_control(uint32_t cp)
{
	if (cp == '\n' || cp == '\t' || cp == '\f' || cp == '\r')
		return false;
	return cp < 0x20 || (cp >= 0x7F && cp < 0xA0);
}

int img_text_put(struct img_text *t, uint32_t cp)
{
	char s[4];
	size_t n = 0;

	if (is_control(cp) || cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000))
		return img_text_bad(t);
	if (cp < 0x80) {
		s[n++] = (char)cp;
	} else if (cp < 0x800) {
		s[n++] = (char)(0xC0 | cp >> 6);
	} else if (cp < 0x10000) {
		s[n++] = (char)(0xE0 | cp >> 12);
		s[n++] = (char)(0x80 | (cp >> 6 & 0x3F));
	} else {
		s[n++] = (char)(0xF0 | cp >> 18);
		s[n++] = (char)(0x80 | (cp >> 12 & 0x3F));
		s[n++] = (char)(0x80 | (cp >> 6 & 0x3F));
	}
	if (cp >= 0x80)
		s[n++] = (char)(0x80 | (cp & 0x3F));
	return img_buf_add(t->out, s, n, t->err);
}

/* ---- values ----------------------------------------------------------- */

/* The set that decides alone, PS3.3 C.12.1.1.2 Table C.12-5; else ASCII. */
static enum img_set whole_set(const struct img_charset *cs)
{
	for (unsigned i = 0; i < cs->n; i++) {
		if (cs->terms[i] == IMG_SET_UTF8 ||
		    cs->terms[i] == IMG_SET_GB18030)
			return (enum img_set)cs->terms[i];
		if (cs->terms[i] != IMG_SET_ASCII)
			break;
	}
	return IMG_SET_ASCII;
}

/* What is declared says next to nothing: devices write it without a look. */
static bool is_weak(const struct img_charset *cs)
{
	for (unsigned i = 0; i < cs->n; i++)
		if (cs->terms[i] != IMG_SET_ASCII &&
		    cs->terms[i] != IMG_SET_LATIN1 &&
		    cs->terms[i] != IMG_SET_UNKNOWN)
			return false;
	return true;
}

static int decode_as(enum img_set set, struct img_text *t,
		     const struct img_charset *cs, const char vr[3],
		     const uint8_t *p, size_t n)
{
	if (set == IMG_SET_UTF8)
		return img_decode_utf8(t, p, n);
	if (set == IMG_SET_GB18030)
		return img_decode_gb18030(t, p, n);
	return img_decode_2022(t, cs, vr, p, n);
}

/* Decodes as declared; 1 if that leaves bytes undecoded, with out as before. */
static int try_declared(enum img_set set, struct img_text *t,
			const struct img_charset *cs, const char vr[3],
			const uint8_t *p, size_t n)
{
	struct img_text strict = *t;
	size_t start = t->out->len;

	strict.strict = true;
	if (decode_as(set, &strict, cs, vr, p, n) == 0) {
		t->notes |= strict.notes;
		return 0;
	}
	if (!strict.bad)
		return -1;
	t->out->len = start;
	if (t->out->data)
		t->out->data[start] = '\0';
	return 1;
}

/* The set that decides alone, or ASCII, in the light of the bytes. */
static enum img_set seen_set(struct img_text *t, const struct img_charset *cs,
			     const char vr[3], const uint8_t *p, size_t n)
{
	enum img_set set = whole_set(cs);
	bool weak = is_weak(cs);

	if (set == IMG_SET_GB18030 || (set == IMG_SET_ASCII && !weak))
		return set;
	if (img_gbk_certain(p, n, strncmp(vr, "PN", 2) == 0)) {
		t->notes |= IMG_CHARSET_IS_GBK;
		return IMG_SET_GB18030;
	}
	return set;
}

static bool has_high(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] >= 0x80)
			return true;
	return false;
}

/*
 * Text that is well formed in UTF-8 is next to never anything else, so that
 * wins over a weak declaration, and over any other that leaves bytes
 * undecoded.
 */
static int decode(struct img_text *t, const struct img_charset *cs,
		  const char vr[3], const uint8_t *p, size_t n)
{
	enum img_set set = whole_set(cs);
	int rc = 1;

	if (!has_high(p, n) || memchr(p, 0x1B, n))
		return decode_as(set, t, cs, vr, p, n);
	if (!img_utf8_ok((const char *)p, n))
		return decode_as(seen_set(t, cs, vr, p, n), t, cs, vr, p, n);
	if (set == IMG_SET_UTF8)
		return img_decode_utf8(t, p, n);
	if (!is_weak(cs))
		rc = try_declared(set, t, cs, vr, p, n);
	if (rc <= 0)
		return rc;
	t->notes |= IMG_CHARSET_IS_UTF8;
	return img_decode_utf8(t, p, n);
}

int img_charset_utf8(const struct img_charset *cs, const char vr[3],
		     const void *p, size_t n, struct img_buf *out,
		     unsigned *notes, struct img_err *err)
{
	struct img_text t = { .out = out, .err = err };
	const uint8_t *s = p;
	int rc;

	while (n && (s[n - 1] == ' ' || s[n - 1] == '\0'))
		n--;
	if (plain_span(s, n) == n)
		return img_buf_add(out, s, n, err);
	rc = decode(&t, cs, vr, s, n);
	if (notes)
		*notes |= t.notes;
	return rc;
}
