/* when.c - dates, times and their ranges in keys (PS3.4 C.2.2.2.5). */
#include <ctype.h>
#include <string.h>

#include "catalog/inside.h"

/* What is left to read, and the bound as the catalog writes it. */
struct scan {
	const char *p, *end;
	char *out;
	size_t n;
};

static size_t digits(const struct scan *s, const char *from)
{
	size_t n = 0;

	while (from + n < s->end && isdigit((unsigned char)from[n]))
		n++;
	return n;
}

/* Two digits from low to high, with or without sep before them. */
static bool take_two(struct scan *s, char sep, int low, int high)
{
	bool separated = sep && s->p < s->end && *s->p == sep;
	const char *at = s->p + separated;
	size_t n = digits(s, at);
	int v;

	/* 2023-2024 is a range, 2023-11 a month. */
	if (n < 2 || (separated && n > 2))
		return false;
	v = (at[0] - '0') * 10 + at[1] - '0';
	if (v < low || v > high)
		return false;
	memcpy(s->out + s->n, at, 2);
	s->n += 2;
	s->p = at + 2;
	return true;
}

/* YYYY[MM[DD]], with dashes, or with the dots of ACR-NEMA.  All of it: *whole.
   Days that a month does not have do no harm. */
static bool take_date(struct scan *s, bool *whole)
{
	char sep = '\0';

	*whole = false;
	if (digits(s, s->p) < 4)
		return false;
	memcpy(s->out, s->p, 4);
	s->n = 4;
	s->p += 4;
	if (s->p < s->end && (*s->p == '-' || *s->p == '.'))
		sep = *s->p;
	*whole = take_two(s, sep, 1, 12) && take_two(s, sep, 1, 31);
	return true;
}

/* HH[MM[SS[.F]]], with or without colons; a second may be the 60th. */
static bool take_time(struct scan *s)
{
	size_t n;

	if (!take_two(s, '\0', 0, 23))
		return false;
	if (!take_two(s, ':', 0, 59) || !take_two(s, ':', 0, 60))
		return true;
	if (s->p == s->end || *s->p != '.')
		return true;
	n = 1 + digits(s, s->p + 1);
	if (n < 2 || n > 7)
		return false;
	memcpy(s->out + s->n, s->p, n);
	s->n += n;
	s->p += n;
	return true;
}

/* +0100: only of a date and time; -0100 would be a range. */
static bool take_zone(struct scan *s)
{
	if (s->p == s->end || *s->p != '+')
		return true;
	if (digits(s, s->p + 1) != 4)
		return false;
	memcpy(s->out + s->n, s->p, 5);
	s->n += 5;
	s->p += 5;
	return true;
}

static bool take_bound(struct scan *s, const char *vr, char out[IMG_WHEN_MAX])
{
	bool whole, ok;

	s->out = out;
	s->n = 0;
	if (s->p == s->end || *s->p == '-') {
		ok = true;
	} else if (strcmp(vr, "TM") == 0) {
		ok = take_time(s);
	} else {
		ok = take_date(s, &whole);
		if (ok && strcmp(vr, "DT") == 0) {
			if (whole && s->p < s->end && *s->p == 'T')
				s->p++;
			if (whole && digits(s, s->p))
				ok = take_time(s);
			ok = ok && take_zone(s);
		}
	}
	out[s->n] = '\0';
	return ok;
}

/* 08:30:00.500 begins where 08:30:00.5 does. */
static void trim_fraction(char *from)
{
	char *dot = strchr(from, '.');
	size_t n = strlen(from);

	if (!dot || strchr(from, '+'))
		return;
	while (from[n - 1] == '0')
		n--;
	n -= from + n - 1 == dot;
	from[n] = '\0';
}

/* As far as both say: 2024-20240301 is that year's begin and its first of
   March. */
static bool is_backwards(const char *from, const char *to)
{
	size_t a = strspn(from, "0123456789"), b = strspn(to, "0123456789");

	return strncmp(from, to, a < b ? a : b) > 0;
}

int img_when_range(const struct img_field *f, const char *v, size_t n,
		   char from[IMG_WHEN_MAX], char to[IMG_WHEN_MAX],
		   struct img_err *err)
{
	struct scan s = { .p = v, .end = v + n };
	bool ok = take_bound(&s, f->vr, from);

	if (ok && s.p == s.end) {
		memcpy(to, from, IMG_WHEN_MAX);
	} else if (ok && *s.p == '-') {
		s.p++;
		ok = take_bound(&s, f->vr, to) && s.p == s.end;
	} else {
		ok = false;
	}
	if (!ok || (!*from && !*to))
		return img_err_set(
			err, IMG_E_USAGE, "%s: neither a %s nor a range of two",
			f->keyword,
			strcmp(f->vr, "TM") == 0 ? "time as 0830 or 083000.5"
						 : "date as 20240131 or 2024");
	if (is_backwards(from, to))
		return img_err_set(err, IMG_E_USAGE,
				   "%s: a range that ends before it begins",
				   f->keyword);
	trim_fraction(from);
	return 0;
}
