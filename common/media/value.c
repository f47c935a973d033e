/*
 * value.c - whether a value may stand in a directory record (PS3.5 6.2).
 *
 * What breaks the rules of its VR counts as missing: it is not passed on into
 * the directory, where it would break the reading of all the others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/plan.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool digits(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_digit(p[i]))
			return false;
	return true;
}

static unsigned two(const char *p)
{
	return (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
}

/* YYYYMMDD, or YYYY.MM.DD of before 1993 (PS3.5 6.2 note 3). */
static bool date(const char *p, size_t n, char out[9])
{
	if (n == 10 && p[4] == '.' && p[7] == '.')
		snprintf(out, 9, "%.4s%.2s%.2s", p, p + 5, p + 8);
	else if (n == 8)
		snprintf(out, 9, "%.8s", p);
	else
		return false;
	return strlen(out) == 8 && digits(out, 8) && two(out + 4) >= 1 &&
	       two(out + 4) <= 12 && two(out + 6) >= 1 && two(out + 6) <= 31;
}

/* HH, HHMM, HHMMSS, HHMMSS.F; or with colons. */
static bool time_of_day(const char *p, size_t n, char out[17])
{
	char t[17];
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == ':' && (i == 2 || i == 5))
			continue;
		if (len == 13)
			return false;
		t[len++] = p[i];
	}
	t[len] = '\0';
	if (len > 6 ? t[6] != '.' || len == 7 || !digits(t + 7, len - 7)
		    : len != 2 && len != 4 && len != 6)
		return false;
	if (!digits(t, len < 6 ? len : 6) || two(t) > 23 ||
	    (len >= 4 && two(t + 2) > 59) || (len >= 6 && two(t + 4) > 60))
		return false;
	memcpy(out, t, len + 1);
	return true;
}

static bool date_time(const char *p, size_t n)
{
	size_t len = 0, zone;
	char t[9];

	while (len < n && is_digit(p[len]))
		len++;
	if (len < 4 || len > 14 || len % 2 ||
	    (len < 14 && len < n && p[len] == '.'))
		return false;
	if (len >= 8 && !date(p, 8, t))
		return false;
	zone = len;
	if (zone < n && p[zone] == '.') {
		zone++;
		while (zone < n && zone < len + 7 && is_digit(p[zone]))
			zone++;
		if (zone == len + 1)
			return false;
	}
	if (zone == n)
		return true;
	return n - zone == 5 && (p[zone] == '+' || p[zone] == '-') &&
	       digits(p + zone + 1, 4);
}

static bool code(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(p[i] >= 'A' && p[i] <= 'Z') && !is_digit(p[i]) &&
		    p[i] != ' ' && p[i] != '_')
			return false;
	return n <= 16;
}

static bool integer(const char *p, size_t n)
{
	size_t sign = n && (*p == '-' || *p == '+');
	long long v;
	char t[13];

	if (n > 12 || n == sign || !digits(p + sign, n - sign))
		return false;
	memcpy(t, p, n);
	t[n] = '\0';
	v = strtoll(t, NULL, 10);
	return v >= INT32_MIN && v <= INT32_MAX;
}

static bool decimal(const char *p, size_t n)
{
	char t[17], *end;

	if (n > 16)
		return false;
	memcpy(t, p, n);
	t[n] = '\0';
	if (strspn(t, "0123456789+-.eE") != n)
		return false;
	strtod(t, &end);
	return *end == '\0';
}

static bool uid(const char *p, size_t n)
{
	char t[IMG_UID_MAX];

	if (n >= sizeof t)
		return false;
	memcpy(t, p, n);
	t[n] = '\0';
	return img_uid_ok(t);
}

/* At most max characters between separators, no control characters. */
static bool text(const char *p, size_t n, size_t max, char separator)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (((unsigned char)p[i] & 0xC0) == 0x80)
			continue; /* not the first byte of a character */
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7F)
			return false;
		count = separator && p[i] == separator ? 0 : count + 1;
		if (count > max)
			return false;
	}
	return true;
}

static bool long_text(const char *p, size_t n, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += ((unsigned char)p[i] & 0xC0) != 0x80;
	return count <= max;
}

static bool is(const char *vr, const char *what)
{
	return vr[0] == what[0] && vr[1] == what[1];
}

/* One value; t is what it becomes where that is not what it was. */
static bool one(const char *vr, const char *p, size_t n, char t[17])
{
	t[0] = '\0';
	if (is(vr, "DA"))
		return date(p, n, t);
	if (is(vr, "TM"))
		return time_of_day(p, n, t);
	if (is(vr, "DT"))
		return date_time(p, n);
	if (is(vr, "CS"))
		return code(p, n);
	if (is(vr, "IS"))
		return integer(p, n);
	if (is(vr, "DS"))
		return decimal(p, n);
	if (is(vr, "UI"))
		return uid(p, n);
	if (is(vr, "PN"))
		return text(p, n, 64, '=');
	if (is(vr, "LO"))
		return text(p, n, 64, 0);
	if (is(vr, "SH"))
		return text(p, n, 16, 0);
	if (is(vr, "ST"))
		return long_text(p, n, 1024);
	return false;
}

static bool single(const char *vr)
{
	return is(vr, "ST") || is(vr, "LT") || is(vr, "UT");
}

enum verdict media_value_check(const char *vr, unsigned vm_min, unsigned vm_max,
			       const char *p, size_t n, struct img_buf *out,
			       struct img_err *err)
{
	const char *end = p + n;
	unsigned count = 0;
	bool any = false;
	char t[17];

	img_buf_reset(out);
	for (;;) {
		const char *stop =
			single(vr) ? NULL : memchr(p, '\\', (size_t)(end - p));
		const char *last = stop ? stop : end;
		const char *first = p;

		while (first < last && (*first == ' ' || *first == '\0'))
			first++;
		while (last > first && (last[-1] == ' ' || last[-1] == '\0'))
			last--;
		any |= last > first;
		if (last > first && !one(vr, first, (size_t)(last - first), t))
			return VALUE_BAD;
		if ((count++ && img_buf_putc(out, '\\', err) < 0) ||
		    (last > first && t[0]
			     ? img_buf_puts(out, t, err) < 0
			     : img_buf_add(out, first, (size_t)(last - first),
					   err) < 0))
			return VALUE_BAD;
		if (!stop)
			break;
		p = stop + 1;
	}
	if (!any)
		return VALUE_MISSING;
	return count < vm_min || (vm_max && count > vm_max) ? VALUE_BAD
							    : VALUE_OK;
}

/* ---- what an object has ----------------------------------------------- */

static int take_number(struct img_media_set *m, struct values *vs,
		       const struct fact *f, uint32_t tag,
		       enum verdict *verdict, struct img_err *err)
{
	const char *vr = img_dict_tag(tag)->vr;
	uint64_t v = media_fact_number(m, tag, UINT64_MAX);
	uint8_t le[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
			  (uint8_t)(v >> 24) };
	bool wide = is(vr, "UL");

	if (f->length == 0)
		return 0;
	*verdict = v <= (wide ? UINT32_MAX : UINT16_MAX) ? VALUE_OK : VALUE_BAD;
	if (*verdict != VALUE_OK)
		return 0;
	return media_value_add(m, vs, tag, vr, CHARSET_ASCII, le, wide ? 4 : 2,
			       err);
}

static bool is_ascii(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] >= 0x7F || p[i] == 0x1B)
			return false;
	return true;
}

/* The value is good as the text that scratch holds. */
static int keep_text(struct img_media_set *m, struct values *vs, uint32_t tag,
		     const char *vr, const struct fact *f, unsigned notes,
		     struct img_err *err)
{
	const char *raw = f->length ? m->facts.bytes.data + f->at : "";
	size_t n = f->length;

	if (is_ascii(m->scratch.data, m->scratch.len))
		return media_value_add(m, vs, tag, vr, CHARSET_ASCII,
				       m->scratch.data, m->scratch.len, err);
	if (notes || m->facts.charset == CHARSET_UTF8)
		return media_value_add(m, vs, tag, vr, CHARSET_UTF8,
				       m->scratch.data, m->scratch.len, err);
	while (n && (raw[n - 1] == ' ' || raw[n - 1] == '\0'))
		n--;
	return media_value_add(m, vs, tag, vr, m->facts.charset, raw, n, err);
}

/* Names and descriptions; an identifier would be another one. */
static bool may_be_marked(const char *vr, uint32_t tag)
{
	return is(vr, "PN") || is(vr, "ST") ||
	       (is(vr, "LO") && tag != PATIENT_ID && tag != ISSUER);
}

static void mark(struct img_buf *utf8)
{
	static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */
	size_t to = 0;

	for (size_t i = 0; i < utf8->len; i++) {
		bool is_one = utf8->len - i >= 3 &&
			      memcmp(utf8->data + i, replacement, 3) == 0;

		utf8->data[to++] = is_one ? '?' : utf8->data[i];
		i += is_one ? 2 : 0;
	}
	utf8->len = to;
}

int media_value_take(struct img_media_set *m, struct values *vs, uint32_t tag,
		     enum verdict *verdict, struct img_err *err)
{
	const struct fact *f = media_fact(m, tag);
	const struct img_dict *d = img_dict_tag(tag);
	struct img_buf utf8;
	unsigned notes = 0;
	int rc = -1;

	*verdict = VALUE_MISSING;
	if (!f || !f->present || !d)
		return 0;
	if (f->too_long) {
		*verdict = VALUE_BAD;
		return 0;
	}
	if (is(d->vr, "US") || is(d->vr, "UL"))
		return take_number(m, vs, f, tag, verdict, err);
	if (!f->length)
		return 0;
	if (is(d->vr, "SQ")) {
		*verdict = is(f->vr, "SQ") ? VALUE_OK : VALUE_BAD;
		return *verdict == VALUE_BAD
			       ? 0
			       : media_value_add(m, vs, tag, "SQ",
						 f->wide ? CHARSET_UTF8
							 : CHARSET_ASCII,
						 m->facts.bytes.data + f->at,
						 f->length, err);
	}
	img_buf_init(&utf8, 4 * FACT_BYTES);
	if (img_charset_utf8(&m->facts.cs, d->vr, m->facts.bytes.data + f->at,
			     f->length, &utf8, &notes, err) < 0)
		goto out;
	rc = 0;
	*verdict = VALUE_BAD;
	if (notes & IMG_CHARSET_REPLACED && !may_be_marked(d->vr, tag))
		goto out;
	if (notes & IMG_CHARSET_REPLACED)
		mark(&utf8);
	*verdict = media_value_check(d->vr, d->vm_min, d->vm_max,
				     img_buf_str(&utf8), utf8.len, &m->scratch,
				     err);
	if (*verdict == VALUE_OK)
		rc = keep_text(m, vs, tag, d->vr, f, notes, err);
	if (*verdict == VALUE_OK && notes & IMG_CHARSET_REPLACED)
		*verdict = VALUE_MARKED;
out:
	img_buf_release(&utf8);
	return rc;
}

bool media_date(const struct img_media_set *m, uint32_t tag, char out[9])
{
	char t[32];

	return media_fact_text(m, tag, t, sizeof t) && date(t, strlen(t), out);
}

bool media_time(const struct img_media_set *m, uint32_t tag, char out[17])
{
	char t[32];

	return media_fact_text(m, tag, t, sizeof t) &&
	       time_of_day(t, strlen(t), out);
}

bool media_date_time(const struct img_media_set *m, uint32_t tag, char out[32])
{
	if (!media_fact_text(m, tag, out, 32) || strlen(out) < 14 ||
	    !date_time(out, strlen(out)))
		return false;
	out[14] = '\0';
	return true;
}

/* ---- kept values ------------------------------------------------------ */

const struct value *media_value_find(const struct values *vs, uint32_t tag)
{
	for (size_t i = 0; i < vs->count; i++)
		if (vs->v[i].tag == tag)
			return &vs->v[i];
	return NULL;
}

int media_value_add(struct img_media_set *m, struct values *vs, uint32_t tag,
		    const char *vr, uint8_t charset, const void *p, size_t n,
		    struct img_err *err)
{
	struct value v = { .tag = tag, .charset = charset };
	size_t i = vs->count;

	if (vs->count == vs->room) {
		uint16_t room = (uint16_t)(vs->room ? vs->room + 8 : 4);
		struct value *more = realloc(vs->v, room * sizeof *more);

		if (!more)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		vs->v = more;
		vs->room = room;
	}
	v.at = media_keep(m, p, n, err);
	if (v.at == NONE)
		return -1;
	v.length = (uint32_t)n;
	memcpy(v.vr, vr, 3);
	for (; i && vs->v[i - 1].tag > tag; i--)
		vs->v[i] = vs->v[i - 1];
	vs->v[i] = v;
	vs->count++;
	return 0;
}
