/*
 * name.c - the names of members.  A name is data: nothing opens it.  What
 * could mislead whoever extracts by it is refused all the same.
 */
#include <stdio.h>
#include <string.h>

#include "archive/parts.h"

/* Code page 437 from 0x80: what a zip means that does not say UTF-8. */
static const uint16_t cp437[128] = {
	0x00C7, 0x00FC, 0x00E9, 0x00E2, 0x00E4, 0x00E0, 0x00E5, 0x00E7, 0x00EA,
	0x00EB, 0x00E8, 0x00EF, 0x00EE, 0x00EC, 0x00C4, 0x00C5, 0x00C9, 0x00E6,
	0x00C6, 0x00F4, 0x00F6, 0x00F2, 0x00FB, 0x00F9, 0x00FF, 0x00D6, 0x00DC,
	0x00A2, 0x00A3, 0x00A5, 0x20A7, 0x0192, 0x00E1, 0x00ED, 0x00F3, 0x00FA,
	0x00F1, 0x00D1, 0x00AA, 0x00BA, 0x00BF, 0x2310, 0x00AC, 0x00BD, 0x00BC,
	0x00A1, 0x00AB, 0x00BB, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561,
	0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255D, 0x255C, 0x255B,
	0x2510, 0x2514, 0x2534, 0x252C, 0x251C, 0x2500, 0x253C, 0x255E, 0x255F,
	0x255A, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256C, 0x2567, 0x2568,
	0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256B, 0x256A, 0x2518,
	0x250C, 0x2588, 0x2584, 0x258C, 0x2590, 0x2580, 0x03B1, 0x00DF, 0x0393,
	0x03C0, 0x03A3, 0x03C3, 0x00B5, 0x03C4, 0x03A6, 0x0398, 0x03A9, 0x03B4,
	0x221E, 0x03C6, 0x03B5, 0x2229, 0x2261, 0x00B1, 0x2265, 0x2264, 0x2320,
	0x2321, 0x00F7, 0x2248, 0x00B0, 0x2219, 0x00B7, 0x221A, 0x207F, 0x00B2,
	0x25A0, 0x00A0,
};

/* Bytes of the well-formed UTF-8 character at p, 0 if there is none. */
static size_t utf8_length(const char *p, size_t n)
{
	for (size_t len = 1; len <= 4 && len <= n; len++)
		if (img_utf8_ok(p, len))
			return len;
	return 0;
}

static size_t put_cp437(char *out, uint8_t c)
{
	uint16_t u = cp437[c - 0x80];

	if (u < 0x800) {
		out[0] = (char)(0xC0 | u >> 6);
		out[1] = (char)(0x80 | (u & 0x3F));
		return 2;
	}
	out[0] = (char)(0xE0 | u >> 12);
	out[1] = (char)(0x80 | (u >> 6 & 0x3F));
	out[2] = (char)(0x80 | (u & 0x3F));
	return 3;
}

/* One character of raw to out; the bytes of raw that it took. */
static size_t put_char(char *out, size_t *len, const char *raw, size_t n,
		       bool dos)
{
	uint8_t c = (uint8_t)*raw;
	size_t k;

	if (c < 0x20 || c == 0x7F) {
		out[(*len)++] = '?';
		return 1;
	}
	if (c < 0x80) {
		out[(*len)++] = c == '\\' ? '/' : (char)c;
		return 1;
	}
	if (dos) {
		*len += put_cp437(out + *len, c);
		return 1;
	}
	k = utf8_length(raw, n);
	if (k == 0 || (c == 0xC2 && (uint8_t)raw[1] < 0xA0)) { /* C1 */
		out[(*len)++] = '?';
		return k ? k : 1;
	}
	memcpy(out + *len, raw, k);
	*len += k;
	return k;
}

/* Drops empty and "." components in place; false if there is a "..". */
static bool tidy(char *name)
{
	char *in = name, *out = name;
	bool ok = true;

	while (*in) {
		size_t n = strcspn(in, "/");

		if (n == 2 && in[0] == '.' && in[1] == '.')
			ok = false;
		if (n > 0 && !(n == 1 && in[0] == '.')) {
			if (out != name)
				*out++ = '/';
			memmove(out, in, n);
			out += n;
			in += n;
		} else {
			in += n;
		}
		if (*in == '/')
			in++;
	}
	*out = '\0';
	return ok;
}

/* ISO 9660 names a file "IM000001.;1". */
static void drop_version(char *name)
{
	size_t n = strlen(name), k = n;

	while (k > 0 && name[k - 1] >= '0' && name[k - 1] <= '9')
		k--;
	if (k > 0 && k < n && name[k - 1] == ';')
		n = k - 1;
	if (n > 1 && name[n - 1] == '.' && name[n - 2] != '.' &&
	    name[n - 2] != '/')
		n--;
	name[n] = '\0';
}

static bool is_drive(const char *s)
{
	char c = (char)(s[0] | 0x20);

	return c >= 'a' && c <= 'z' && s[1] == ':';
}

const char *img_archive_name(char out[IMG_PATH_MAX], const char *raw,
			     enum img_name_from from)
{
	const char *why = NULL;
	size_t n = strlen(raw), len = 0, i = 0;
	bool dos = from == IMG_NAME_ZIP && !img_utf8_ok(raw, n);

	while (i < n && len < IMG_PATH_MAX - 4)
		i += put_char(out, &len, raw + i, n - i, dos);
	out[len] = '\0';
	if (i < n)
		why = "name longer than 4095 bytes";
	else if (n == 0)
		why = "empty name";
	else if (out[0] == '/')
		why = "absolute name";
	else if (is_drive(out))
		why = "name with a drive letter";
	if (why)
		return why;
	/* First, or it would lay "..;1" bare. */
	if (from == IMG_NAME_ISO)
		drop_version(out);
	if (!tidy(out))
		return "name with '..'";
	if (!out[0])
		snprintf(out, IMG_PATH_MAX, ".");
	return NULL;
}

const char *img_archive_name_check(char out[IMG_PATH_MAX], const char *name)
{
	return img_archive_name(out, name, IMG_NAME_TAR);
}
