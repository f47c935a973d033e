/*
 * verify_manifest.c - the files of a medium against its MANIFEST.TXT.
 *
 * A hostile medium has a hundred thousand files, as many of them of one name
 * as it likes, and a line for each: names are sorted and looked up, and the
 * lines, as the digests, lie in temporary files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "work/verify_manifest.h"

#define LINE_ROOM (IMG_PATH_MAX + 256)
/* Folders in folders that are looked for; ISO 9660 has eight. */
#define DEEP 64

struct seen {
	uint32_t name;
	bool listed;
	bool unread;  /* its digests are not known */
	bool several; /* this name is there twice, with different bytes */
};

struct digests {
	uint8_t blake[IMG_DIGEST_SIZE], sha256[IMG_DIGEST_SIZE];
};

struct manifest {
	FILE *text;                    /* MANIFEST.TXT, or NULL */
	FILE *digests;                 /* of seen, one after the other */
	struct img_media_check *check; /* has the names */
	struct seen *seen;
	size_t n, room;
	uint32_t *order; /* of seen, by name; each name once */
	size_t unique;
	bool second; /* there is one more MANIFEST.TXT */

	int (*fn)(void *arg, const char *status, const char *path,
		  const char *text, struct img_err *err);
	void *arg;
	char told[LINE_ROOM]; /* it has two lines a file */
};

static FILE *temporary(struct img_err *err)
{
	int fd = verify_temporary(err);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r+");

	if (fd >= 0 && !f) {
		img_err_sys(err, "temporary file");
		close(fd);
	}
	return f;
}

struct manifest *manifest_new(struct img_media_check *check,
			      struct img_err *err)
{
	struct manifest *m = calloc(1, sizeof(*m));

	if (!m) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		return NULL;
	}
	m->check = check;
	m->digests = temporary(err);
	if (m->digests)
		return m;
	manifest_free(m);
	return NULL;
}

void manifest_free(struct manifest *m)
{
	if (!m)
		return;
	if (m->text)
		fclose(m->text);
	if (m->digests)
		fclose(m->digests);
	free(m->seen);
	free(m->order);
	free(m);
}

static bool is_manifest(const char *path)
{
	return strcasecmp(path, "MANIFEST.TXT") == 0;
}

static const char *name_of(const struct manifest *m, size_t i)
{
	return img_media_check_name(m->check, m->seen[i].name);
}

static int keep_text(struct manifest *m, const struct verify_entry *e,
		     struct img_err *err)
{
	char block[16384];
	uint64_t at = 0;
	ssize_t n;

	m->text = temporary(err);
	if (!m->text)
		return -1;
	while ((n = img_pread_full(e->fd, block, sizeof(block), (off_t)at)) >
	       0) {
		if (fwrite(block, 1, (size_t)n, m->text) != (size_t)n)
			return img_err_sys(err, "temporary file");
		at += (uint64_t)n;
	}
	return n < 0 ? img_err_sys(err, "%s", e->path) : 0;
}

int manifest_file(struct manifest *m, const struct verify_entry *e,
		  struct img_err *err)
{
	struct digests d;
	struct seen *s;

	if (m->n == m->room) {
		size_t room = m->room ? m->room * 2 : 256;

		s = reallocarray(m->seen, room, sizeof(*s));
		if (!s)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		m->seen = s;
		m->room = room;
	}
	s = &m->seen[m->n];
	memset(s, 0, sizeof(*s));
	s->unread = e->why != NULL;
	if (img_media_check_keep(m->check, e->path, &s->name, err) < 0)
		return -1;
	m->n++;
	memcpy(d.blake, e->digest, IMG_DIGEST_SIZE);
	memcpy(d.sha256, e->sha256, IMG_DIGEST_SIZE);
	if (fwrite(&d, sizeof(d), 1, m->digests) != 1)
		return img_err_sys(err, "temporary file");
	if (!is_manifest(e->path) || s->unread)
		return 0;
	m->second = m->text != NULL;
	return m->second ? 0 : keep_text(m, e, err);
}

static int digests_of(const struct manifest *m, size_t i, struct digests *d,
		      struct img_err *err)
{
	return img_pread_full(fileno(m->digests), d, sizeof(*d),
			      (off_t)(i * sizeof(*d))) == sizeof(*d)
		       ? 0
		       : img_err_sys(err, "temporary file");
}

/* ---- names ---------------------------------------------------------------- */

static int by_name(const void *a, const void *b, void *arg)
{
	const struct manifest *m = arg;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	int d = strcmp(name_of(m, i), name_of(m, j));

	return d ? d : i < j ? -1 : i > j;
}

/* The first of a name stands for all of that name. */
static int is_again(struct manifest *m, uint32_t first, uint32_t at,
		    struct img_err *err)
{
	struct digests a, b;

	if (digests_of(m, first, &a, err) < 0 || digests_of(m, at, &b, err) < 0)
		return -1;
	m->seen[at].listed = true; /* as the first is told */
	m->seen[first].several |= memcmp(&a, &b, sizeof(a)) != 0;
	return 0;
}

static int sort_names(struct manifest *m, struct img_err *err)
{
	m->order = calloc(m->n + 1, sizeof(m->order[0]));
	if (!m->order)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (size_t i = 0; i < m->n; i++)
		m->order[i] = (uint32_t)i;
	qsort_r(m->order, m->n, sizeof(m->order[0]), by_name, m);
	for (size_t i = 0; i < m->n; i++) {
		uint32_t at = m->order[i];
		uint32_t first = m->unique ? m->order[m->unique - 1] : 0;

		if (!m->unique ||
		    strcmp(name_of(m, first), name_of(m, at)) != 0)
			m->order[m->unique++] = at;
		else if (is_again(m, first, at, err) < 0)
			return -1;
	}
	return 0;
}

static struct seen *find(const struct manifest *m, const char *name)
{
	size_t lo = 0, hi = m->unique;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int d = strcmp(name_of(m, m->order[mid]), name);

		if (d == 0)
			return &m->seen[m->order[mid]];
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* ---- lines ---------------------------------------------------------------- */

/* As img_unhex, but for capitals: one bit makes a letter one. */
static bool unhex(uint8_t sum[IMG_DIGEST_SIZE], const char *hex)
{
	return strpbrk(hex, "ABCDEF") == NULL &&
	       img_unhex(sum, IMG_DIGEST_SIZE, hex);
}

/* "SHA256 (path) = hex", the same for BLAKE2b-256, or sha256sum's "hex  path".
 */
static bool parse_line(char *line, char **path, uint8_t sum[IMG_DIGEST_SIZE],
		       bool *blake)
{
	static const char *const names[] = { "SHA256 (", "BLAKE2b-256 (" };
	size_t n = strlen(line);

	for (int i = 0; i < 2; i++) {
		size_t head = strlen(names[i]);
		char *end = n > head + 68 ? line + n - 68 : NULL;

		if (!end || strncmp(line, names[i], head) != 0)
			continue;
		if (strncmp(end, ") = ", 4) != 0)
			return false;
		*end = '\0';
		*path = line + head;
		*blake = i == 1;
		return unhex(sum, end + 4);
	}
	if (n < 67 || line[64] != ' ')
		return false;
	line[64] = '\0';
	*path = line + 66;
	*blake = false;
	return unhex(sum, line);
}

static int tell(struct manifest *m, const char *status, const char *path,
		const char *text, struct img_err *err)
{
	if (strcmp(m->told, path) == 0)
		return 0;
	snprintf(m->told, sizeof(m->told), "%s", path);
	return m->fn(m->arg, status, path, text, err);
}

static int tell_itself(struct manifest *m, const char *text,
		       struct img_err *err)
{
	return m->fn(m->arg, "damaged", "MANIFEST.TXT", text, err);
}

/* Whether it lies in a folder that cannot be read, which is no file that the
   manifest lacks. */
static bool is_in_unread(const struct manifest *m, const char *path)
{
	char folder[LINE_ROOM], *slash = folder;
	struct seen *s;

	snprintf(folder, sizeof(folder), "%s", path);
	for (int deep = 0; deep < DEEP && (slash = strchr(slash, '/'));
	     deep++) {
		*slash = '\0';
		s = find(m, folder);
		if (s && s->unread)
			return s->listed = true;
		*slash++ = '/';
	}
	return false;
}

static int check_line(struct manifest *m, const char *path, const uint8_t *sum,
		      bool blake, struct img_err *err)
{
	struct digests d;
	struct seen *s;

	if (strncmp(path, "./", 2) == 0)
		path += 2;
	s = find(m, path);
	if (!s && is_in_unread(m, path))
		return 0;
	if (!s)
		return tell(m, "missing", path,
			    "in the manifest, and not there", err);
	s->listed = true;
	if (s->unread)
		return 0;
	if (digests_of(m, (size_t)(s - m->seen), &d, err) < 0)
		return -1;
	if (!s->several &&
	    memcmp(blake ? d.blake : d.sha256, sum, IMG_DIGEST_SIZE) == 0)
		return 0;
	return tell(m, "damaged", path, "not the digest of the manifest", err);
}

/* 1: a line without its end; 0: there is none; -1: one that is too long, or
   has a NUL. */
static int next_line(FILE *in, char line[LINE_ROOM], bool *ended)
{
	size_t n;
	int c;

	if (!fgets(line, LINE_ROOM, in))
		return 0;
	n = strlen(line);
	*ended = n && line[n - 1] == '\n';
	if (!*ended && feof(in))
		return 1;
	if (!*ended) {
		while ((c = getc(in)) != EOF && c != '\n')
			;
		*ended = c == '\n';
		return -1;
	}
	line[--n] = '\0';
	if (n && line[n - 1] == '\r')
		line[n - 1] = '\0';
	return 1;
}

/* Lines end, and one with both digests has both of each file. */
static int check_whole(struct manifest *m, bool ended, const uint64_t lines[2],
		       struct img_err *err)
{
	if (ended && (!lines[0] || !lines[1] || lines[0] == lines[1]))
		return 0;
	return tell_itself(m, ended ? "lines are gone" : "it is cut off", err);
}

static int check_lines(struct manifest *m, FILE *in, struct img_err *err)
{
	char line[LINE_ROOM], *path;
	uint8_t sum[IMG_DIGEST_SIZE];
	bool blake = false, ended = true;
	uint64_t lines[2] = { 0, 0 };
	int rc = 0, got;

	while (rc == 0 && (got = next_line(in, line, &ended)) != 0) {
		if (got > 0 && (!*line || *line == '#'))
			continue;
		rc = got > 0 && parse_line(line, &path, sum, &blake)
			     ? check_line(m, path, sum, blake, err)
			     : tell_itself(m,
					   "a line that is none of a manifest",
					   err);
		lines[blake]++;
	}
	if (rc == 0 && ferror(in))
		return img_err_sys(err, "MANIFEST.TXT");
	return rc ? rc : check_whole(m, ended, lines, err);
}

int manifest_check(struct manifest *m,
		   int (*fn)(void *arg, const char *status, const char *path,
			     const char *text, struct img_err *err),
		   void *arg, struct img_err *err)
{
	int rc;

	if (!m->text)
		return 0;
	m->fn = fn;
	m->arg = arg;
	if (fflush(m->digests) != 0 || fseek(m->text, 0, SEEK_SET) != 0)
		return img_err_sys(err, "temporary file");
	if (sort_names(m, err) < 0)
		return -1;
	rc = check_lines(m, m->text, err);
	if (rc == 0 && m->second)
		rc = tell_itself(m, "it is there twice", err);
	for (size_t i = 0; i < m->n && rc == 0; i++)
		if (!m->seen[i].listed && !is_manifest(name_of(m, i)))
			rc = fn(arg, "extra", name_of(m, i),
				"not in the manifest", err);
	return rc;
}
