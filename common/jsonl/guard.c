/* guard.c - what json-c lets by, and walking the text of an object. */
#include <string.h>

#include "jsonl/guard.h"
#include "jsonl/jsonl.h"

static int bad(struct img_err *err, size_t at, const char *what)
{
	return img_err_set(err, IMG_E_MALFORMED, "not JSON at byte %zu: %s", at,
			   what);
}

/* The index after the string that begins at i, n if it does not end. */
static size_t skip_string(const char *s, size_t n, size_t i)
{
	for (i++; i < n && s[i] != '"'; i++)
		if (s[i] == '\\')
			i++;
	return i < n ? i + 1 : n;
}

static int guard_string(const char *s, size_t n, size_t *at,
			struct img_err *err)
{
	size_t i = *at + 1;

	for (; i < n && s[i] != '"'; i++) {
		if ((unsigned char)s[i] < 0x20)
			return bad(err, i, "control character in a string");
		if (s[i] != '\\')
			continue;
		if (n - i > 5 && memcmp(s + i, "\\u0000", 6) == 0)
			return bad(err, i, "NUL in a string");
		i++;
	}
	*at = i;
	return 0;
}

static size_t digits(const char *s, size_t n, size_t i)
{
	while (i < n && s[i] >= '0' && s[i] <= '9')
		i++;
	return i;
}

/* RFC 8259 section 6, as far as the first digits and the point: json-c sees
   to the rest. */
static int guard_number(const char *s, size_t n, size_t *at,
			struct img_err *err)
{
	size_t i = *at + (s[*at] == '-'), end = digits(s, n, i);

	if (end == i || (s[i] == '0' && end > i + 1))
		return bad(err, *at, "not a number");
	if (end < n && s[end] == '.') {
		i = end + 1;
		end = digits(s, n, i);
		if (end == i)
			return bad(err, *at, "not a number");
	}
	while (end < n && s[end] != '\0' && strchr("eE+-0123456789.", s[end]))
		end++;
	*at = end - 1;
	return 0;
}

int img_json_guard(const char *s, size_t n, size_t *members,
		   struct img_err *err)
{
	*members = 0;
	for (size_t i = 0; i < n; i++) {
		int rc = 0;

		if (s[i] == '"')
			rc = guard_string(s, n, &i, err);
		else if (s[i] == '-' || (s[i] >= '0' && s[i] <= '9'))
			rc = guard_number(s, n, &i, err);
		else if (s[i] == ':')
			++*members;
		else if (s[i] == '\0' || !strchr("{}[], \taeflnrstu", s[i]))
			rc = bad(err, i, "unexpected character");
		if (rc < 0)
			return -1;
	}
	return 0;
}

static size_t skip_space(const char *s, size_t n, size_t i)
{
	while (i < n && (s[i] == ' ' || s[i] == '\t'))
		i++;
	return i;
}

/* The index after the value that begins at i. */
static size_t skip_value(const char *s, size_t n, size_t i)
{
	size_t depth = 0;

	while (i < n) {
		if (s[i] == '"') {
			i = skip_string(s, n, i);
			continue;
		}
		if (s[i] == '{' || s[i] == '[')
			depth++;
		else if (depth == 0 && (s[i] == ',' || s[i] == '}'))
			break;
		else if (s[i] == '}' || s[i] == ']')
			depth--;
		i++;
	}
	while (s[i - 1] == ' ' || s[i - 1] == '\t')
		i--;
	return i;
}

bool img_json_walk(const char *s, size_t n, size_t *at,
		   struct img_json_span *span)
{
	size_t i = skip_space(s, n, *at), end;

	/* The opening bracket, or the comma after the member before. */
	if (i < n && (s[i] == '{' || s[i] == ','))
		i = skip_space(s, n, i + 1);
	if (i >= n || s[i] != '"')
		return false;
	end = skip_string(s, n, i);
	span->key = s + i;
	span->key_n = end - i;
	i = skip_space(s, n, end);
	i = skip_space(s, n, i + 1);
	end = skip_value(s, n, i);
	span->value = s + i;
	span->value_n = end - i;
	*at = end;
	return true;
}
