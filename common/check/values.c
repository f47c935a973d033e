/* values.c - values against their VR (PS3.5 6.2), VM and character set. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "check/inside.h"

bool check_text(const struct img_dicom_event *ev, char *out, size_t size)
{
	size_t n = ev->length;

	if (!ev->value)
		return false;
	while (n && (ev->value[n - 1] == ' ' || ev->value[n - 1] == '\0'))
		n--;
	if (n >= size || memchr(ev->value, '\0', n))
		return false;
	memcpy(out, ev->value, n);
	out[n] = '\0';
	return true;
}

/* ---- one value of a VR -------------------------------------------------- */

static bool digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isdigit((unsigned char)s[i]))
			return false;
	return true;
}

static unsigned number(const char *s, size_t n)
{
	unsigned v = 0;

	while (n--)
		v = v * 10 + (unsigned)(*s++ - '0');
	return v;
}

static bool is_da(const char *s, size_t n)
{
	static const uint8_t days[] = { 31, 29, 31, 30, 31, 30,
					31, 31, 30, 31, 30, 31 };
	unsigned year, month, day;

	if (n != 8 || !digits(s, 8))
		return false;
	year = number(s, 4);
	month = number(s + 4, 2);
	day = number(s + 6, 2);
	if (month == 2 && day == 29)
		return year % 4 == 0 && (year % 100 || year % 400 == 0);
	return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

/* hhmmss.ffffff, shortened from the right; second 60 is a leap one. */
static bool is_tm(const char *s, size_t n)
{
	size_t whole = 0;

	while (whole < n && s[whole] != '.')
		whole++;
	if ((whole != 2 && whole != 4 && whole != 6) || !digits(s, whole))
		return false;
	if (number(s, 2) > 23 || (whole > 2 && number(s + 2, 2) > 59) ||
	    (whole > 4 && number(s + 4, 2) > 60))
		return false;
	if (whole == n)
		return true;
	return whole == 6 && n > 7 && n <= 13 && digits(s + 7, n - 7);
}

static bool is_dt(const char *s, size_t n)
{
	size_t body = 0;

	while (body < n && s[body] != '+' && s[body] != '-')
		body++;
	if (body < n && (n - body != 5 || !digits(s + body + 1, 4)))
		return false;
	if (body < 4 || !digits(s, body < 8 ? body : 8) ||
	    (body < 8 && (body & 1)))
		return false;
	if (body >= 6 && (number(s + 4, 2) < 1 || number(s + 4, 2) > 12))
		return false;
	if (body < 8)
		return true;
	return is_da(s, 8) && (body == 8 || is_tm(s + 8, body - 8));
}

static bool is_as(const char *s, size_t n)
{
	return n == 4 && digits(s, 3) && s[3] && strchr("DWMY", s[3]);
}

static bool is_cs(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isupper((unsigned char)s[i]) &&
		    !isdigit((unsigned char)s[i]) && s[i] != ' ' && s[i] != '_')
			return false;
	return n <= 16;
}

static void trim(const char **s, size_t *n)
{
	while (*n && **s == ' ') {
		++*s;
		--*n;
	}
	while (*n && ((*s)[*n - 1] == ' '))
		--*n;
}

static bool is_ds(const char *s, size_t n)
{
	char text[20], *end;

	if (n > 16)
		return false;
	trim(&s, &n);
	memcpy(text, s, n);
	text[n] = '\0';
	if (strspn(text, "0123456789+-.eE") != n)
		return false;
	(void)strtod(text, &end);
	return n && !*end;
}

static bool is_is(const char *s, size_t n)
{
	char text[20], *end;
	long long v;

	if (n > 12)
		return false;
	trim(&s, &n);
	memcpy(text, s, n);
	text[n] = '\0';
	if (strspn(text, "0123456789+-") != n)
		return false;
	v = strtoll(text, &end, 10);
	return n && !*end && v >= INT32_MIN && v <= INT32_MAX;
}

static bool is_ae(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || (unsigned char)s[i] > 0x7E)
			return false;
	return n <= 16;
}

static bool is_ui(const char *s, size_t n)
{
	char text[IMG_UID_MAX];

	if (n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	return img_uid_ok(text);
}

struct grammar {
	char vr[3];
	bool (*ok)(const char *s, size_t n);
};

static const struct grammar grammars[] = {
	{ "AE", is_ae }, { "AS", is_as }, { "CS", is_cs },
	{ "DA", is_da }, { "DS", is_ds }, { "DT", is_dt },
	{ "IS", is_is }, { "TM", is_tm }, { "UI", is_ui },
};

/* ---- all values of an element ------------------------------------------- */

static unsigned unit(const char vr[3])
{
	static const char two[] = "US SS OW ", four[] = "UL SL FL AT OF OL ",
			  eight[] = "FD UV SV OD OV ";

	if (strstr(two, vr))
		return 2;
	if (strstr(four, vr))
		return 4;
	return strstr(eight, vr) ? 8 : 0;
}

static bool multiple(const char vr[3])
{
	return !strstr("LT ST UT UR", vr);
}

static void check_vm(struct img_check *c, const struct img_dicom_event *ev,
		     const struct img_dict *d, uint64_t vm)
{
	if (!d || !ev->length || vm == 0 || strcmp(d->vr, "SQ") == 0)
		return;
	/* Lookup tables have US or OW; the dictionary counts for US. */
	if (vm < d->vm_min || (d->vm_max && vm > d->vm_max))
		check_found(c, false, "vm", ev->tag,
			    "%llu values, %u%s%.0u are allowed",
			    (unsigned long long)vm, d->vm_min,
			    d->vm_max == d->vm_min ? "" : " to ",
			    d->vm_max == d->vm_min ? 0 : d->vm_max);
}

static void check_grammar(struct img_check *c, const struct img_dicom_event *ev,
			  const char *p, size_t n)
{
	for (size_t i = 0; i < sizeof(grammars) / sizeof(grammars[0]); i++) {
		if (strcmp(grammars[i].vr, ev->vr) != 0)
			continue;
		trim(&p, &n);
		if (n && !grammars[i].ok(p, n))
			check_found(c, false, "value", ev->tag,
				    "not a value of VR %s", ev->vr);
	}
}

/* Characters, not bytes (PS3.5 6.2): those of a PN for each group. */
static void check_length(struct img_check *c, const struct img_dicom_event *ev,
			 const char *s, size_t n)
{
	size_t max = strcmp(ev->vr, "SH") == 0 ? 16 : 64, chars = 0, groups = 1;
	bool name = strcmp(ev->vr, "PN") == 0, over = false;

	for (size_t i = 0; i < n; i++) {
		if (name && s[i] == '=') {
			groups++;
			over |= chars > max;
			chars = 0;
		} else if (((unsigned char)s[i] & 0xC0) != 0x80) {
			chars++;
		}
	}
	if (over || chars > max)
		check_found(c, false, "value-length", ev->tag,
			    "longer than VR %s allows", ev->vr);
	if (groups > 3)
		check_found(c, false, "value", ev->tag,
			    "more than three component groups");
}

static void check_charset(struct img_check *c, const struct img_dicom_event *ev)
{
	struct img_err err = IMG_ERR_INIT;
	unsigned notes = 0;

	img_buf_reset(&c->text);
	if (img_charset_utf8(&c->charset[ev->depth], ev->vr, ev->value,
			     ev->length, &c->text, &notes, &err) < 0)
		return;
	if (notes &
	    (IMG_CHARSET_IS_UTF8 | IMG_CHARSET_IS_GBK | IMG_CHARSET_UNDECLARED))
		check_found(c, false, "charset-wrong", ev->tag,
			    "certainly not in the declared character set");
	else if (notes & IMG_CHARSET_REPLACED)
		check_found(c, false, "charset-damaged", ev->tag,
			    "characters that cannot be decoded");
}

static void each_text(struct img_check *c, const struct img_dicom_event *ev,
		      const struct img_dict *d)
{
	bool text = img_vr_is_text(ev->vr);
	const char *p = (const char *)ev->value, *end;
	size_t n = ev->length, vm = 1;

	if (text) {
		check_charset(c, ev);
		p = img_buf_str(&c->text);
		n = c->text.len;
	}
	while (n && (p[n - 1] == '\0' || p[n - 1] == ' '))
		n--;
	if (!multiple(ev->vr))
		return;
	end = p + n;
	for (;;) {
		const char *cut = memchr(p, '\\', (size_t)(end - p));
		size_t len = (size_t)((cut ? cut : end) - p);

		if (strcmp(ev->vr, "SH") == 0 || strcmp(ev->vr, "LO") == 0 ||
		    strcmp(ev->vr, "PN") == 0)
			check_length(c, ev, p, len);
		else
			check_grammar(c, ev, p, len);
		if (!cut)
			break;
		p = cut + 1;
		vm++;
	}
	if (n)
		check_vm(c, ev, d, vm);
}

/* Whether a VR may stand where the dictionary has another. */
static bool vr_fits(const char *dict, const char *vr)
{
	if (strcmp(dict, vr) == 0 || strcmp(vr, "UN") == 0 ||
	    strcmp(dict, "UN") == 0 || dict[0] == ' ')
		return true;
	if (strcmp(dict, "OW") == 0)
		return strstr("OB US SS", vr);
	if (strcmp(dict, "OB") == 0)
		return strcmp(vr, "OW") == 0;
	if (strcmp(dict, "US") == 0 || strcmp(dict, "SS") == 0)
		return strstr("US SS OW", vr);
	return false;
}

void check_value(struct img_check *c, const struct img_dicom_event *ev)
{
	bool odd = ev->tag >> 16 & 1;
	const struct img_dict *d = odd ? NULL : img_dict_tag(ev->tag);
	unsigned size = unit(ev->vr);

	if (d && !ev->implicit && !vr_fits(d->vr, ev->vr))
		check_found(c, false, "vr", ev->tag, "VR %s instead of %s",
			    ev->vr, d->vr);
	if (size && ev->length % size) {
		check_found(c, true, "value-length", ev->tag,
			    "no multiple of %u bytes", size);
		return;
	}
	if (ev->length & 1)
		check_found(c, false, "odd-length", ev->tag, "odd length");
	if (size && ev->vr[0] != 'O') {
		if (!(d && strcmp(d->vr, "OW") == 0))
			check_vm(c, ev, d, ev->length / size);
		return;
	}
	if (ev->value && !size && strcmp(ev->vr, "UN") != 0 &&
	    strcmp(ev->vr, "OB") != 0)
		each_text(c, ev, d);
}
