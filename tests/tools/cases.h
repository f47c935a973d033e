/* cases.h - how mkcases puts a DICOM file together, from elements to bytes. */
#ifndef CASES_H
#define CASES_H

#include "cases-value.h"

/* ---- elements --------------------------------------------------------------- */

struct head {
	uint32_t tag, length;
	char vr[3];
	bool has_vr, lies, odd;
	char *value;
};

static inline bool parse(const struct making *m, char *s, struct head *h)
{
	unsigned g, e;
	struct bytes vr = { 0 };
	char *v, *slash;

	if (sscanf(s, "%4x,%4x", &g, &e) != 2 || s[4] != ',' || strlen(s) < 9)
		return false;
	h->tag = g << 16 | e;
	s += 9;
	h->value = strchr(s, '=');
	if (h->value)
		*h->value++ = '\0';
	if (h->value && *h->value == '!') {
		h->odd = true;
		h->value++;
	}
	slash = strchr(s, '/');
	if (slash) {
		*slash++ = '\0';
		h->lies = true;
		h->length = *slash == '~' ? 0xFFFFFFFF
					  : (uint32_t)strtoul(slash, NULL, 0);
	}
	v = *s == ':' ? s + 1 : NULL;
	if (v) {
		literal(m, &vr, v);
		put(&vr, "\0\0", 3);
		memcpy(h->vr, vr.p, 2);
		h->has_vr = true;
		free(vr.p);
	}
	return true;
}

static inline bool is_long(const char *vr)
{
	return strstr("OB OW OF OD OL OV SQ UT UN UC UR SV UV", vr) && *vr;
}

static inline void encode(const struct making *m, struct bytes *b,
			  const struct head *h)
{
	struct making plain = { .enc = EXPLICIT_VR };
	struct bytes v = { 0 };
	uint32_t len;

	/* The meta header is explicit, little endian (PS3.10 7.1). */
	if (h->tag >> 16 != 2)
		plain.enc = m->enc;
	if (h->value)
		value(m, &v, h->value);
	if (v.n % 2 && !h->odd)
		put(&v, strcmp(h->vr, "UI") && strcmp(h->vr, "OB") ? " " : "",
		    1);
	len = h->lies ? h->length : (uint32_t)v.n;
	number(&plain, b, h->tag >> 16, 2);
	number(&plain, b, h->tag & 0xFFFF, 2);
	if (!h->has_vr || plain.enc == IMPLICIT_VR) {
		number(&plain, b, len, 4);
	} else {
		put(b, h->vr, 2);
		if (is_long(h->vr))
			number(&plain, b, 0, 2);
		number(&plain, b, len, is_long(h->vr) ? 4 : 2);
	}
	put(b, v.p, v.n);
	free(v.p);
}

static inline struct piece *insert(struct making *m, size_t at, uint32_t tag)
{
	if (m->n == m->room) {
		m->room = m->room * 2 + 64;
		m->pieces = realloc(m->pieces, m->room * sizeof(*m->pieces));
		if (!m->pieces)
			abort();
	}
	memmove(m->pieces + at + 1, m->pieces + at,
		(m->n - at) * sizeof(*m->pieces));
	m->n++;
	m->pieces[at] = (struct piece){ .tag = tag };
	return &m->pieces[at];
}

/* Where tag is, or belongs. */
static inline size_t place(const struct making *m, uint32_t tag, bool *there)
{
	size_t i = 0;

	while (i < m->n && m->pieces[i].tag < tag)
		i++;
	*there = i < m->n && m->pieces[i].tag == tag;
	return i;
}

static inline size_t before_pixels(const struct making *m)
{
	size_t i = 0;

	while (i < m->n &&
	       (m->pieces[i].tag < 0x7FE00001 || m->pieces[i].tag > 0x7FE00010))
		i++;
	return i;
}

static inline bool element_word(struct making *m, char *w)
{
	struct head h = { 0 };
	char how = strchr("<+-", *w) ? *w++ : 0;
	struct piece *p;
	bool there;
	size_t at;

	if (how && strncmp(w, "raw=", 4) == 0) {
		p = insert(m, how == '<' ? before_pixels(m) : m->n, 1);
		value(m, &p->b, w + 4);
		return true;
	}
	if (!parse(m, w, &h))
		return false;
	if (h.tag == 0x00020000)
		m->meta_length = true;
	if (how == '<' || how == '+') {
		p = insert(m, how == '<' ? before_pixels(m) : m->n, 1);
		/* Those behind it find their place by it. */
		if (h.tag == 0x7FE00010 && how == '+')
			p->tag = h.tag;
		encode(m, &p->b, &h);
		return true;
	}
	at = place(m, h.tag, &there);
	if (how == '-') {
		if (!there)
			quit("%s: -%s is not there", m->name, w);
		free(m->pieces[at].b.p);
		memmove(m->pieces + at, m->pieces + at + 1,
			(--m->n - at) * sizeof(*m->pieces));
		return true;
	}
	p = there ? &m->pieces[at] : insert(m, at, h.tag);
	p->b.n = 0;
	encode(m, &p->b, &h);
	return true;
}

static inline bool encoding_word(struct making *m, const char *w)
{
	if (strncmp(w, "ts:", 3) == 0) {
		snprintf(m->ts, sizeof(m->ts), "%s", w + 3);
		m->enc = strcmp(m->ts, "1.2.840.10008.1.2") == 0 ? IMPLICIT_VR
			 : strcmp(m->ts, "1.2.840.10008.1.2.2") == 0
				 ? BIG
				 : EXPLICIT_VR;
	} else if (strcmp(w, "enc:explicit") == 0) {
		m->enc = EXPLICIT_VR;
	} else if (strcmp(w, "enc:implicit") == 0) {
		m->enc = IMPLICIT_VR;
	} else if (strcmp(w, "enc:big") == 0) {
		m->enc = BIG;
	} else {
		return false;
	}
	return true;
}

static inline bool build_word(struct making *m, char *w)
{
	if (m->settled)
		return false;
	if (strncmp(w, "pre=", 4) == 0) {
		m->preamble.n = 0;
		value(m, &m->preamble, w + 4);
		if (m->preamble.n < 128)
			put(&m->preamble, NULL, 128 - m->preamble.n);
	} else if (strncmp(w, "magic=", 6) == 0) {
		m->magic.n = 0;
		value(m, &m->magic, w + 6);
	} else if (strcmp(w, "nopre") == 0) {
		m->preamble.n = m->magic.n = 0;
	} else {
		return encoding_word(m, w) || element_word(m, w);
	}
	return true;
}

/* ---- bytes ------------------------------------------------------------------ */

static inline void meta_length(struct making *m)
{
	size_t n = 0;
	struct piece *p;

	for (size_t i = 0; i < m->n; i++)
		if (m->pieces[i].tag >> 16 == 2)
			n += m->pieces[i].b.n;
	if (!n || m->meta_length)
		return;
	p = insert(m, 0, 0x00020000);
	put(&p->b, "\2\0\0\0UL\4\0", 8);
	le(&p->b, n, 4);
}

/* From here on there are bytes, no elements. */
static inline void settle(struct making *m)
{
	if (m->settled)
		return;
	meta_length(m);
	m->settled = true;
	put(&m->out, m->preamble.p, m->preamble.n);
	put(&m->out, m->magic.p, m->magic.n);
	for (size_t i = 0; i < m->n; i++)
		put(&m->out, m->pieces[i].b.p, m->pieces[i].b.n);
}

static inline void deflate_all(struct making *m)
{
	struct bytes in = { 0 };

	for (size_t i = 0; i < m->n; i++)
		if (m->pieces[i].tag >> 16 != 2)
			put(&in, m->pieces[i].b.p, m->pieces[i].b.n);
	m->out.n -= in.n;
	deflated(&m->out, in.p, in.n, 0);
	free(in.p);
}

static inline void overwrite(struct making *m, size_t at, char *v)
{
	struct bytes b = { 0 };

	value(m, &b, v);
	if (at > m->out.n || b.n > m->out.n - at)
		quit("%s: %zu bytes at %zu of %zu", m->name, b.n, at, m->out.n);
	memcpy(m->out.p + at, b.p, b.n);
	free(b.p);
}

static inline bool patch_word(struct making *m, char *w)
{
	char *v = strchr(w, '=');
	long n;

	settle(m);
	if (strcmp(w, "deflate") == 0) {
		deflate_all(m);
		return true;
	}
	if (!v)
		return false;
	*v++ = '\0';
	n = strtol(*w == '@' ? w + 1 : v, NULL, 0);
	if (*w == '~')
		overwrite(m, look_for(m, w + 1 + (w[1] == '~'), w[1] == '~'),
			  v);
	else if (*w == '@')
		overwrite(m, n < 0 ? m->out.n + (size_t)n : (size_t)n, v);
	else if (strcmp(w, "cut") == 0 && n >= 0 && (size_t)n < m->out.n)
		m->out.n -= (size_t)n;
	else if (strcmp(w, "keep") == 0 && n >= 0 && (size_t)n < m->out.n)
		m->out.n = (size_t)n;
	else if (strcmp(w, "append") == 0)
		value(m, &m->out, v);
	else
		return false;
	return true;
}

#endif
