/* coerce_want.c - what --set asks for. */
#include <stdlib.h>
#include <string.h>

#include "work/coerce.h"

#define CHARSET   IMG_TAG(0x0008, 0x0005)
#define SOP_CLASS IMG_TAG(0x0008, 0x0016)
#define SOP       IMG_TAG(0x0008, 0x0018)

static bool is_date(const char *s, size_t digits)
{
	size_t n = strspn(s, "0123456789");

	return s[n] == '\0' && (n == 0 || n == digits);
}

/* PS3.5 6.2: what a value of this VR may look like. */
static bool value_ok(const char vr[3], const char *s)
{
	static const struct {
		char vr[3];
		size_t max;
	} longest[] = { { "AE", 16 },    { "AS", 4 },    { "CS", 16 },
			{ "DS", 16 },    { "DT", 26 },   { "IS", 12 },
			{ "LO", 64 },    { "PN", 324 },  { "SH", 16 },
			{ "ST", 1024 },  { "TM", 14 },   { "LT", 10240 },
			{ "UC", 10240 }, { "UT", 10240 } };

	if (!img_utf8_ok(s, strlen(s)))
		return false;
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	if (strcmp(vr, "UI") == 0)
		return img_uid_ok(s);
	if (strcmp(vr, "DA") == 0)
		return is_date(s, 8);
	for (size_t i = 0; i < sizeof(longest) / sizeof(longest[0]); i++)
		if (strcmp(vr, longest[i].vr) == 0)
			return strlen(s) <= longest[i].max;
	return false;
}

/* What an object is and how it is written is not for --set. */
static bool is_fixed(uint32_t tag)
{
	return tag < IMG_TAG(0x0008, 0x0000) || tag == CHARSET ||
	       tag == SOP_CLASS || tag == SOP || (tag >> 16) == 0x0400 ||
	       tag >= IMG_TAG(0x5000, 0x0000) || (tag >> 16) % 2;
}

static int parse_one(const char *text, struct change *out, struct img_err *err)
{
	const char *eq = strchr(text, '=');
	const struct img_dict *d;
	char keyword[80];

	if (!eq || (size_t)(eq - text) >= sizeof(keyword))
		return img_err_set(err, IMG_E_USAGE,
				   "--set: '%.60s' is no Keyword=value", text);
	memcpy(keyword, text, (size_t)(eq - text));
	keyword[eq - text] = '\0';
	d = img_dict_parse_tag(keyword, &out->tag) ? img_dict_tag(out->tag)
						   : NULL;
	if (!d)
		return img_err_set(err, IMG_E_USAGE, "--set: no attribute '%s'",
				   keyword);
	if (is_fixed(out->tag))
		return img_err_set(err, IMG_E_USAGE,
				   "--set: %s cannot be changed", keyword);
	memcpy(out->vr, d->vr, sizeof(out->vr));
	out->value = eq + 1;
	if (!value_ok(out->vr, out->value))
		return img_err_set(err, IMG_E_USAGE,
				   "--set: no value for %s (%s)", keyword,
				   out->vr);
	return 0;
}

int coerce_parse(const char *const *set, size_t n, struct changes *out,
		 struct img_err *err)
{
	out->n = 0;
	if (n > SET_MAX)
		return img_err_set(err, IMG_E_USAGE, "--set: more than %d",
				   SET_MAX);
	for (size_t i = 0; i < n; i++) {
		struct change c;
		size_t k = 0;

		if (parse_one(set[i], &c, err) < 0)
			return -1;
		while (k < out->n && out->change[k].tag < c.tag)
			k++;
		if (k == out->n || out->change[k].tag != c.tag) {
			memmove(&out->change[k + 1], &out->change[k],
				(out->n - k) * sizeof(c));
			out->n++;
		}
		out->change[k] = c;
	}
	return 0;
}

int coerce_check(const char *const *set, size_t n, struct img_err *err)
{
	struct changes c;

	return coerce_parse(set, n, &c, err);
}
