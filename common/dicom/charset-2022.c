/*
 * charset-2022.c - text with code extensions, PS3.5 6.1.2.
 *
 * A value is decoded byte by byte with a state of two code elements: G0 for
 * the bytes below 0x80, G1 for those above.  Escape sequences designate sets
 * to them; line ends and delimiters set them back (PS3.5 6.1.2.5.3).
 */
#include <string.h>

#include "charset_private.h"

#define ESC 0x1B

struct state {
	enum img_set g0, g1, g1_start;
	const struct img_charset *cs;
	const char *delimiters;
};

/* PS3.3 Table C.12-3 and C.12-4; the last five are not DICOM's, but what
   ISO-2022-JP, -KR and -CN software writes for the same sets. */
static const struct {
	char seq[4];
	uint8_t g, set;
} escapes[] = {
	{ "(B", 0, IMG_SET_ASCII },    { "(J", 0, IMG_SET_ASCII },
	{ ")I", 1, IMG_SET_JISX0201 }, { "-A", 1, IMG_SET_LATIN1 },
	{ "-B", 1, IMG_SET_LATIN2 },   { "-C", 1, IMG_SET_LATIN3 },
	{ "-D", 1, IMG_SET_LATIN4 },   { "-L", 1, IMG_SET_CYRILLIC },
	{ "-G", 1, IMG_SET_ARABIC },   { "-F", 1, IMG_SET_GREEK },
	{ "-H", 1, IMG_SET_HEBREW },   { "-M", 1, IMG_SET_LATIN5 },
	{ "-b", 1, IMG_SET_LATIN9 },   { "-T", 1, IMG_SET_THAI },
	{ "$B", 0, IMG_SET_JISX0208 }, { "$(D", 0, IMG_SET_JISX0212 },
	{ "$)C", 1, IMG_SET_KSX1001 }, { "$)A", 1, IMG_SET_GB2312 },
	{ "$@", 0, IMG_SET_JISX0208 }, { "$(B", 0, IMG_SET_JISX0208 },
	{ "$(C", 0, IMG_SET_KSX1001 }, { "$A", 0, IMG_SET_GB2312 },
	{ "(I", 0, IMG_SET_JISX0201 },
};

static bool has_g1(enum img_set set)
{
	return set == IMG_SET_KSX1001 || set == IMG_SET_GB2312 ||
	       (set >= IMG_SET_JISX0201 && set <= IMG_SET_THAI);
}

/*
 * G1 at the start of each component is that of the first term.  If it has
 * none, high bytes without an escape would be errors; the first set declared
 * that has a G1 is what the many writers mean who do not repeat the escape.
 */
static enum img_set start_of_g1(const struct img_charset *cs)
{
	for (unsigned i = 0; i < cs->n; i++)
		if (has_g1((enum img_set)cs->terms[i]))
			return (enum img_set)cs->terms[i];
	return IMG_SET_NONE;
}

static void reset(struct state *s)
{
	s->g0 = IMG_SET_ASCII;
	s->g1 = s->g1_start;
}

/* PS3.5 6.1.2.5.3 and 6.2: PN has its own, long text has none. */
static const char *delimiters_of(const char vr[3])
{
	if (strncmp(vr, "PN", 2) == 0)
		return "\\^=";
	if (strncmp(vr, "ST", 2) == 0 || strncmp(vr, "LT", 2) == 0 ||
	    strncmp(vr, "UT", 2) == 0)
		return "";
	return "\\";
}

static bool is_delimiter(const struct state *s, uint8_t b)
{
	return b && strchr(s->delimiters, b);
}

static bool is_declared(const struct img_charset *cs, enum img_set set)
{
	if (set == IMG_SET_ASCII)
		return true;
	for (unsigned i = 0; i < cs->n; i++)
		if (cs->terms[i] == set)
			return true;
	return false;
}

/* The length of an unknown sequence after ESC (ECMA-35 13.2.1); 0: none. */
static size_t foreign_escape(const struct state *s, const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && i < 3 && p[i] >= 0x20 && p[i] < 0x30)
		i++;
	if (!i || i >= n || p[i] < 0x30 || p[i] > 0x7E || is_delimiter(s, p[i]))
		return 0;
	return i + 1;
}

/* p follows ESC.  The bytes used, or -1. */
static ssize_t escape(struct state *s, struct img_text *t, const uint8_t *p,
		      size_t n)
{
	for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
		size_t len = strlen(escapes[i].seq);
		enum img_set set = (enum img_set)escapes[i].set;

		if (len > n || memcmp(p, escapes[i].seq, len) != 0)
			continue;
		if (escapes[i].g)
			s->g1 = set;
		else
			s->g0 = set;
		if (!is_declared(s->cs, set))
			t->notes |= IMG_CHARSET_UNDECLARED;
		return (ssize_t)len;
	}
	if (img_text_bad(t) < 0)
		return -1;
	return (ssize_t)foreign_escape(s, p, n);
}

/* A character of g0 when that is not ASCII.  The bytes used, or -1. */
static ssize_t low(const struct state *s, struct img_text *t, const uint8_t *p,
		   size_t n)
{
	uint32_t cp = 0;
	size_t used = 1;

	if (*p == ' ') {
		cp = ' ';
	} else if (s->g0 == IMG_SET_JISX0201) {
		cp = img_set_byte(s->g0, *p | 0x80);
	} else if (n > 1 && p[1] > 0x20 && p[1] < 0x7F) {
		cp = img_set_pair(s->g0, p[0], p[1]);
		used = 2;
	}
	if ((cp ? img_text_put(t, cp) : img_text_bad(t)) < 0)
		return -1;
	return (ssize_t)used;
}

/* A character of g1.  The bytes used, or -1. */
static ssize_t high(const struct state *s, struct img_text *t, const uint8_t *p,
		    size_t n)
{
	uint32_t cp = 0;
	size_t used = 1;

	if (!img_set_is_wide(s->g1)) {
		cp = img_set_byte(s->g1, *p);
	} else if (n > 1 && p[0] > 0xA0 && p[0] < 0xFF && p[1] > 0xA0 &&
		   p[1] < 0xFF) {
		cp = img_set_pair(s->g1, p[0] & 0x7F, p[1] & 0x7F);
		used = 2;
	}
	if ((cp ? img_text_put(t, cp) : img_text_bad(t)) < 0)
		return -1;
	return (ssize_t)used;
}

/* Printable ASCII as one piece; a delimiter in it sets the state back. */
static ssize_t ascii(struct state *s, struct img_text *t, const uint8_t *p,
		     size_t n)
{
	ssize_t len = img_text_plain(t, p, n);

	for (ssize_t i = 0; i < len; i++)
		if (is_delimiter(s, p[i])) {
			reset(s);
			break;
		}
	return len;
}

static ssize_t step(struct state *s, struct img_text *t, const uint8_t *p,
		    size_t n)
{
	ssize_t used;

	if (*p == ESC) {
		used = escape(s, t, p + 1, n - 1);
		return used < 0 ? -1 : used + 1;
	}
	if (*p >= 0x80)
		return high(s, t, p, n);
	if (*p < 0x20 || *p == 0x7F) {
		reset(s);
		return img_text_put(t, *p) < 0 ? -1 : 1;
	}
	if (s->g0 == IMG_SET_ASCII)
		return ascii(s, t, p, n);
	return low(s, t, p, n);
}

int img_decode_2022(struct img_text *t, const struct img_charset *cs,
		    const char vr[3], const uint8_t *p, size_t n)
{
	struct state s = { .cs = cs,
			   .g1_start = start_of_g1(cs),
			   .delimiters = delimiters_of(vr) };

	reset(&s);
	for (size_t i = 0; i < n;) {
		ssize_t used = step(&s, t, p + i, n - i);

		if (used < 0)
			return -1;
		i += (size_t)used;
	}
	return 0;
}
