/* map.c - given pairs of PatientIDs, and telling what was replaced. */
#include <stdlib.h>

#include "anon/inside.h"

#define PAIRS_MAX 4000000u

struct pair {
	const char *old, *to;
	size_t line;
};

struct img_anon_map {
	struct pair *pair; /* by old */
	size_t n;
	char *text;
};

/* ---- reading ---------------------------------------------------------- */

/* One cell, unquoted in place; *p is set behind it and its comma.  NULL where
   the quotes do not fit. */
static char *cell(char **p)
{
	char *from = *p, *to = *p, *s = *p;
	bool quoted = *s == '"';

	s += quoted;
	for (;; s++) {
		if (quoted && s[0] == '"' && s[1] == '"')
			s++;
		else if (quoted && s[0] == '"')
			break;
		else if (!*s || (!quoted && *s == ','))
			break;
		*to++ = *s;
	}
	if (quoted && *s++ != '"')
		return NULL;
	if (*s && *s != ',')
		return NULL;
	*p = s + (*s == ',');
	*to = '\0';
	return from;
}

/* What PatientID may be: PS3.5 6.2, LO. */
static bool is_id(const char *s)
{
	size_t n = strlen(s);

	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7E ||
		    *p == '\\')
			return false;
	return n > 0 && n <= 64 && s[0] != ' ' && s[n - 1] != ' ';
}

static int by_old(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->old,
		      ((const struct pair *)b)->old);
}

static int by_new(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->to,
		      ((const struct pair *)b)->to);
}

static int add_line(struct img_anon_map *m, char *line, size_t number,
		    struct img_err *err)
{
	char *p = line, *old = cell(&p), *to = old ? cell(&p) : NULL;
	struct pair *more;

	/* No values in messages. */
	if (!old || !to || *p || !old[0] || strlen(old) > 64 || !is_id(to))
		return img_err_set(err, IMG_E_USAGE,
				   "map, line %zu: not \"old,new\"", number);
	if (m->n >= PAIRS_MAX)
		return img_err_set(err, IMG_E_LIMIT, "map: more than %u lines",
				   PAIRS_MAX);
	if ((m->n & (m->n - 1)) == 0) {
		more = realloc(m->pair, (m->n ? m->n * 2 : 1) * sizeof(*more));
		if (!more)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		m->pair = more;
	}
	m->pair[m->n++] = (struct pair){ old, to, number };
	return 0;
}

typedef int by_fn(const void *a, const void *b);

/* Two that are one by this are one by that, too; they are left in order. */
static int check(struct img_anon_map *m, by_fn *by, by_fn *and_by,
		 const char *why, struct img_err *err)
{
	struct pair *p = m->pair;

	qsort(p, m->n, sizeof(*p), by);
	for (size_t i = 1; i < m->n; i++) {
		bool turned = p[i].line < p[i - 1].line;

		if (by(&p[i], &p[i - 1]) == 0 && and_by(&p[i], &p[i - 1]) != 0)
			return img_err_set(
				err, IMG_E_USAGE, "map, lines %zu and %zu: %s",
				p[i - !turned].line, p[i - turned].line, why);
	}
	return 0;
}

int img_anon_map_parse(struct img_anon_map **out, const char *text, size_t n,
		       struct img_err *err)
{
	struct img_anon_map *m = calloc(1, sizeof(*m));
	size_t number = 0;
	char *line, *next;

	if (m)
		m->text = malloc(n + 1);
	if (!m || !m->text) {
		free(m);
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	}
	memcpy(m->text, text, n);
	m->text[n] = '\0';
	for (line = m->text; line < m->text + n; line = next) {
		char *end = memchr(line, '\n', n - (size_t)(line - m->text));

		if (!end)
			end = m->text + n;
		next = end + 1;
		*end = '\0';
		number++;
		if (memchr(line, '\0', (size_t)(end - line))) {
			img_err_set(err, IMG_E_USAGE,
				    "map, line %zu: a NUL byte", number);
			goto fail;
		}
		if (end > line && end[-1] == '\r')
			end[-1] = '\0';
		/* A heading, as --id-map writes it. */
		if (!*line || (number == 1 && strcmp(line, "old,new") == 0))
			continue;
		if (add_line(m, line, number, err) < 0)
			goto fail;
	}
	if (check(m, by_new, by_old, "two are given one new ID", err) < 0 ||
	    check(m, by_old, by_new, "one is given two new IDs", err) < 0)
		goto fail;
	*out = m;
	return 0;
fail:
	img_anon_map_free(m);
	return -1;
}

void img_anon_map_free(struct img_anon_map *m)
{
	if (!m)
		return;
	free(m->pair);
	free(m->text);
	free(m);
}

const char *anon_mapped(const struct img_anon *a, const char *old, size_t n)
{
	char text[65];
	struct pair key = { text, NULL, 0 };
	const struct pair *found;

	if (!a->p->map || !n || n >= sizeof(text))
		return NULL;
	memcpy(text, old, n);
	text[n] = '\0';
	found = bsearch(&key, a->p->map->pair, a->p->map->n, sizeof(key),
			by_old);
	return found ? found->to : NULL;
}

/* ---- telling ---------------------------------------------------------- */

void img_anon_listen(struct img_anon *a, const struct img_anon_ear *ear)
{
	a->ear = ear;
}

int anon_tell_pair(const struct img_anon *a, char kind, const char *old,
		   size_t n, const char *new_value, struct img_err *err)
{
	if (!a->ear)
		return 0;
	return a->ear->pair(a->ear->arg, kind, old, n, new_value, err);
}
