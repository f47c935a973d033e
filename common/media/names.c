/* names.c - file IDs and the names of files. */
#include <stdio.h>
#include <string.h>

#include "media/media.h"

static bool is_separator(char c)
{
	return c == '\\' || c == '/';
}

static bool is_printable(char c)
{
	return c >= 0x20 && c < 0x7F;
}

/* What is wrong with a component; NULL if nothing is. */
static const char *judge(const char *p, size_t n)
{
	if (n == 2 && p[0] == '.' && p[1] == '.')
		return "has .. in it";
	for (size_t i = 0; i < n; i++) {
		if (p[i] == ':')
			return "names a drive";
		if (!is_printable(p[i]))
			return "has bytes that are no text";
	}
	return NULL;
}

/* Appends a component; false if there is no room. */
static bool append(char *out, size_t size, size_t *len, const char *p, size_t n)
{
	size_t need = n + (*len > 0);

	if (n >= size || need >= size - *len)
		return false;
	if (*len && out[*len - 1] != '/')
		out[(*len)++] = '/';
	for (size_t i = 0; i < n; i++)
		out[(*len)++] = is_printable(p[i]) ? p[i] : '?';
	out[*len] = '\0';
	return true;
}

const char *img_media_file_id(const void *value, size_t n, char *out,
			      size_t size)
{
	const char *p = value, *end, *why = NULL;
	size_t len = 0;

	out[0] = '\0';
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\0'))
		n--;
	while (n && *p == ' ') {
		p++;
		n--;
	}
	if (!n)
		return "is empty";
	end = p + n;
	if (is_separator(*p)) {
		out[len++] = '/';
		out[len] = '\0';
		why = "is absolute";
	}
	while (p < end) {
		const char *stop = p;
		size_t part;

		while (stop < end && !is_separator(*stop))
			stop++;
		part = (size_t)(stop - p);
		while (part && (p[part - 1] == ' ' || p[part - 1] == '\0'))
			part--;
		for (; part && *p == ' '; part--)
			p++;
		if (!why)
			why = judge(p, part);
		if (part && !(part == 1 && *p == '.') &&
		    !append(out, size, &len, p, part))
			return why ? why : "is too long";
		p = stop + 1;
	}
	return why || len ? why : "is empty";
}

/* The length of name without the suffixes that discs and people add. */
static size_t stem(const char *name, size_t n)
{
	size_t i = n;

	while (i && name[i - 1] >= '0' && name[i - 1] <= '9')
		i--;
	if (i > 1 && i < n && name[i - 1] == ';')
		n = i - 1;
	if (n > 1 && name[n - 1] == '.')
		n--;
	if (n > 4 && name[n - 4] == '.' && (name[n - 3] | 32) == 'd' &&
	    (name[n - 2] | 32) == 'c' && (name[n - 1] | 32) == 'm' &&
	    !is_separator(name[n - 5]))
		n -= 4;
	return n;
}

bool img_media_key(const char *name, char *out, size_t size)
{
	size_t n;

	while (name[0] == '.' && is_separator(name[1]))
		name += 2;
	n = stem(name, strlen(name));
	if (n >= size)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = name[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		out[i] = c == '\\' ? '/' : c;
	}
	out[n] = '\0';
	return true;
}

bool img_media_name_match(const char *file_id, const char *member)
{
	char a[IMG_PATH_MAX], b[IMG_PATH_MAX];

	return img_media_key(file_id, a, sizeof a) &&
	       img_media_key(member, b, sizeof b) && strcmp(a, b) == 0;
}
