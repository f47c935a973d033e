/*
 * charset.c - character sets of the values (PS3.3 C.12.1.1.2).
 *
 * A record keeps the bytes and the character set of its object, so that what
 * reads the one reads the other.  Where the object's declaration is wrong, or
 * values of two sets meet in one record, it is UTF-8.
 */
#include <string.h>

#include "media/plan.h"

/* 0 and 1 are ASCII and UTF-8. */
static unsigned ready(struct img_media_set *m)
{
	static const char utf8[] = "ISO_IR 192";

	if (m->charset_count < 2) {
		img_charset_parse(&m->charsets[CHARSET_ASCII].cs, NULL, 0);
		img_charset_parse(&m->charsets[CHARSET_UTF8].cs, utf8,
				  sizeof utf8 - 1);
		m->charset_count = 2;
	}
	return m->charset_count;
}

uint8_t media_charset(struct img_media_set *m, const void *p, size_t n)
{
	struct img_err ignored = IMG_ERR_INIT;
	const char *end = p;
	struct charset *c;
	unsigned i;

	while (n && (end[n - 1] == ' ' || end[n - 1] == '\0'))
		n--;
	for (i = 2; i < ready(m); i++) {
		c = &m->charsets[i];
		if (c->length == n && memcmp(media_text(m, c->at), p, n) == 0)
			return (uint8_t)i;
	}
	if (!n || i == CHARSETS_MAX)
		return n ? CHARSET_UTF8 : CHARSET_ASCII;
	c = &m->charsets[i];
	img_charset_parse(&c->cs, p, n);
	c->length = (uint32_t)n;
	c->at = media_keep(m, p, n, &ignored);
	if (c->at == NONE)
		return CHARSET_UTF8;
	m->charset_count++;
	return (uint8_t)i;
}

uint8_t media_charset_of(const struct values *vs)
{
	uint8_t found = CHARSET_ASCII;

	for (size_t i = 0; i < vs->count; i++) {
		uint8_t c = vs->v[i].charset;

		if (c == CHARSET_ASCII)
			continue;
		if (found != CHARSET_ASCII && found != c)
			return CHARSET_UTF8;
		found = c;
	}
	return found;
}

int media_value_utf8(const struct img_media_set *m, const struct value *v,
		     struct img_buf *out, struct img_err *err)
{
	unsigned notes = 0;

	if (v->charset == CHARSET_ASCII || v->charset == CHARSET_UTF8)
		return img_buf_add(out, media_text(m, v->at), v->length, err);
	return img_charset_utf8(&m->charsets[v->charset].cs, v->vr,
				media_text(m, v->at), v->length, out, &notes,
				err);
}
