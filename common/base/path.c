/* path.c - paths, numbers and the shape of bytes. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/base.h"

int img_path_join(char *out, size_t size, const char *dir, const char *name,
		  struct img_err *err)
{
	size_t n = strlen(dir);
	const char *slash = n && dir[n - 1] == '/' ? "" : "/";
	int w = snprintf(out, size, "%s%s%s", dir, slash, name);

	if (w < 0 || (size_t)w >= size)
		return img_err_set(err, IMG_E_LIMIT,
				   "%.64s...: path longer than %zu bytes", dir,
				   size - 1);
	return 0;
}

const char *img_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool img_path_has_ext(const char *path, const char *ext)
{
	size_t n = strlen(path), m = strlen(ext);

	return n >= m && strcasecmp(path + n - m, ext) == 0;
}

bool img_path_same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

bool img_parse_u64(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return false;
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

/* The scale of a suffix: K, M, G, T, each alone or with B or iB behind. */
static bool parse_unit(const char *s, uint64_t *scale)
{
	static const char units[] = "KMGT";
	const char *u = *s ? strchr(units, *s & ~0x20) : NULL;

	*scale = 1;
	if (!*s)
		return true;
	if (!u || !*u)
		return strcmp(s, "B") == 0;
	*scale = 1024ull << (10 * (u - units));
	return !s[1] || strcmp(s + 1, "B") == 0 || strcmp(s + 1, "iB") == 0;
}

bool img_parse_size(const char *s, uint64_t *out)
{
	char digits[24];
	size_t n = strspn(s, "0123456789");
	uint64_t whole, scale;
	double part = 0, place = 0.1;

	if (n == 0 || n >= sizeof(digits))
		return false;
	memcpy(digits, s, n);
	digits[n] = '\0';
	if (!img_parse_u64(digits, INT64_MAX, &whole))
		return false;
	s += n;
	if (*s == '.' && s[1] >= '0' && s[1] <= '9')
		for (s++; *s >= '0' && *s <= '9'; s++, place /= 10)
			part += (*s - '0') * place;
	if (!parse_unit(s, &scale) || (part > 0 && scale == 1) ||
	    __builtin_mul_overflow(whole, scale, &whole) ||
	    __builtin_add_overflow(whole, (uint64_t)(part * (double)scale),
				   &whole) ||
	    whole > INT64_MAX)
		return false;
	*out = whole;
	return true;
}

bool img_parse_duration(const char *s, uint64_t *out)
{
	static const struct {
		char letter;
		uint64_t seconds;
	} units[] = { { '\0', 1 },   { 's', 1 },     { 'm', 60 },
		      { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	char digits[24];
	size_t n = strspn(s, "0123456789");
	uint64_t v;

	if (n == 0 || n >= sizeof(digits) || (s[n] && s[n + 1]))
		return false;
	memcpy(digits, s, n);
	digits[n] = '\0';
	if (!img_parse_u64(digits, IMG_DURATION_MAX, &v))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].letter == s[n] &&
		    v <= IMG_DURATION_MAX / units[i].seconds) {
			*out = v * units[i].seconds;
			return true;
		}
	return false;
}

void img_hex(char *out, const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = '\0';
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool img_unhex(uint8_t *out, size_t n, const char *hex)
{
	for (size_t i = 0; i < n; i++) {
		int hi = nibble(hex[2 * i]);
		int lo = hi < 0 ? -1 : nibble(hex[2 * i + 1]);

		if (lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return hex[2 * n] == '\0';
}

static size_t utf8_tail(const unsigned char *s, size_t left)
{
	size_t n;

	if (s[0] >= 0xC2 && s[0] <= 0xDF)
		n = 1;
	else if (s[0] >= 0xE0 && s[0] <= 0xEF)
		n = 2;
	else if (s[0] >= 0xF0 && s[0] <= 0xF4)
		n = 3;
	else
		return 0;
	if (left <= n)
		return 0;
	for (size_t i = 1; i <= n; i++)
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
	    (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
		return 0;
	return n;
}

size_t img_utf8_mark(const char *p, size_t n)
{
	return n >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

bool img_utf16_mark(const char *p, size_t n)
{
	return n >= 2 &&
	       (memcmp(p, "\xFF\xFE", 2) == 0 || memcmp(p, "\xFE\xFF", 2) == 0);
}

bool img_utf8_ok(const char *p, size_t n)
{
	const unsigned char *s = (const unsigned char *)p;

	for (size_t i = 0; i < n; i++) {
		size_t tail;

		if (s[i] < 0x80)
			continue;
		tail = utf8_tail(s + i, n - i);
		if (!tail)
			return false;
		i += tail;
	}
	return true;
}
