/*
 * verify_media.c - is a medium what it says: every file readable, as its
 * DICOMDIR lists it, and with the digest that its MANIFEST.TXT gives.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "media/media.h"
#include "work/verify_private.h"
#include "work/verify_source.h"

#define MANIFEST_MAX (256u * 1024 * 1024)

struct seen {
	char *path;
	uint8_t digest[IMG_DIGEST_SIZE], sha256[IMG_DIGEST_SIZE];
	bool listed;
};

struct medium {
	struct img_verify *v;
	struct img_media_check *check;
	struct img_dicom_reader *reader;
	struct img_buf manifest;
	struct seen *seen;
	size_t n, room;
	uint64_t files, faults;
	bool dicomdir, has_manifest;
	char told[IMG_PATH_MAX]; /* of the manifest: it has two lines a file */
};

static int tell(struct medium *m, const char *status, const char *path,
		const char *fault, uint32_t tag, const char *text,
		struct img_err *err)
{
	struct img_record rec;
	char extra[96], name[12];

	img_record_init(&rec);
	m->faults++;
	rec.status = status;
	rec.path = path;
	rec.reason = text;
	img_dict_format_tag(tag, name);
	snprintf(extra, sizeof(extra),
		 tag ? "\"rule\":\"%s\",\"tag\":\"%s\"" : "\"rule\":\"%s\"",
		 fault, name);
	rec.extra = extra;
	return verify_emit(m->v, &rec) < 0
		       ? img_err_set(err, IMG_E_IO, "stdout")
		       : 0;
}

/* ---- one file ----------------------------------------------------------- */

static bool is_named(const char *path, const char *name)
{
	return strcasecmp(path, name) == 0;
}

static int keep(struct medium *m, const struct verify_entry *e,
		struct img_err *err)
{
	if (m->n == m->room) {
		size_t room = m->room ? m->room * 2 : 256;
		struct seen *more = reallocarray(m->seen, room, sizeof(*more));

		if (!more)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		m->seen = more;
		m->room = room;
	}
	memset(&m->seen[m->n], 0, sizeof(m->seen[0]));
	m->seen[m->n].path = strdup(e->path);
	if (!m->seen[m->n].path)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	memcpy(m->seen[m->n].sha256, e->sha256, IMG_DIGEST_SIZE);
	memcpy(m->seen[m->n].digest, e->digest, IMG_DIGEST_SIZE);
	m->n++;
	return 0;
}

static int keep_manifest(struct medium *m, const struct verify_entry *e,
			 struct img_err *err)
{
	char block[65536];
	uint64_t at = 0;
	ssize_t n;

	m->has_manifest = true;
	while ((n = img_pread_full(e->fd, block, sizeof(block), (off_t)at)) >
	       0) {
		if (img_buf_add(&m->manifest, block, (size_t)n, err) < 0)
			return -1;
		at += (uint64_t)n;
	}
	return 0;
}

/* 0 checked, or -1 with what is wrong with it. */
static int check_dicom(struct medium *m, const struct verify_entry *e,
		       struct img_err *why)
{
	char head[1024];
	ssize_t n = img_pread_full(e->fd, head, sizeof(head), 0);
	bool dicom = n > 0 && img_dicom_looks_like(head, (size_t)n);

	if (dicom && img_dicom_start_fd(m->reader, e->fd, e->bytes, e->path,
					&img_media_limits, why) < 0)
		return -1;
	if (dicom && is_named(e->path, "DICOMDIR")) {
		m->dicomdir = true;
		return img_media_check_dicomdir(m->check, m->reader, e->path,
						why);
	}
	return img_media_check_file(m->check, e->path, dicom ? m->reader : NULL,
				    why);
}

static int visit(const struct verify_entry *e, void *arg, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct medium *m = arg;

	if (m->v->host.stopped(m->v->host.arg))
		return img_err_set(err, IMG_E_BUSY, "stopped by a signal");
	m->files++;
	m->v->host.progress(m->v->host.arg, m->files, m->v->bytes += e->bytes);
	if (e->why)
		return tell(m, "damaged", e->path, "unreadable", 0,
			    verify_said(e->why, e->path), err);
	if (keep(m, e, err) < 0)
		return -1;
	if (is_named(e->path, "MANIFEST.TXT") && keep_manifest(m, e, err) < 0)
		return -1;
	if (check_dicom(m, e, &why) == 0)
		return 0;
	if (why.code == IMG_E_NOMEM)
		return img_err_set(err, why.code, "%s", why.text);
	return tell(m, "invalid", e->path, img_code_word(why.code), 0,
		    verify_said(&why, e->path), err);
}

/* ---- the manifest ------------------------------------------------------- */

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

static int tell_line(struct medium *m, const char *status, const char *path,
		     const char *text, struct img_err *err)
{
	if (strcmp(m->told, path) == 0)
		return 0;
	snprintf(m->told, sizeof(m->told), "%s", path);
	return tell(m, status, path, "manifest", 0, text, err);
}

static int check_line(struct medium *m, const char *path, const uint8_t *sum,
		      bool blake, struct img_err *err)
{
	bool there = false;

	if (strncmp(path, "./", 2) == 0)
		path += 2;
	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->seen[i].path, path) != 0)
			continue;
		there = m->seen[i].listed = true;
		if (memcmp(blake ? m->seen[i].digest : m->seen[i].sha256, sum,
			   IMG_DIGEST_SIZE) != 0)
			return tell_line(m, "damaged", m->seen[i].path,
					 "not the digest of the manifest", err);
	}
	return there ? 0
		     : tell_line(m, "missing", path,
				 "in the manifest, and not there", err);
}

/* Lines end, and one with both digests has both of each file. */
static int check_whole(struct medium *m, bool ended, const uint64_t lines[2],
		       struct img_err *err)
{
	if (ended && (!lines[0] || !lines[1] || lines[0] == lines[1]))
		return 0;
	return tell(m, "damaged", "MANIFEST.TXT", "manifest", 0,
		    ended ? "lines are gone" : "it is cut off", err);
}

static int check_manifest(struct medium *m, struct img_err *err)
{
	uint8_t sum[IMG_DIGEST_SIZE];
	bool blake = false, ended = true;
	uint64_t lines[2] = { 0, 0 };
	char *line = m->manifest.data, *path, *next;
	int rc = 0;

	for (; line && *line && rc == 0; line = next) {
		next = strchr(line, '\n');
		ended = next != NULL;
		if (next)
			*next++ = '\0';
		if (line[0] && line[strlen(line) - 1] == '\r')
			line[strlen(line) - 1] = '\0';
		if (!*line || *line == '#')
			continue;
		rc = parse_line(line, &path, sum, &blake)
			     ? check_line(m, path, sum, blake, err)
			     : tell(m, "damaged", "MANIFEST.TXT", "manifest", 0,
				    "a line that is none of a manifest", err);
		lines[blake]++;
	}
	if (rc == 0)
		rc = check_whole(m, ended, lines, err);
	for (size_t i = 0; i < m->n && rc == 0; i++)
		if (!m->seen[i].listed &&
		    !is_named(m->seen[i].path, "MANIFEST.TXT"))
			rc = tell(m, "extra", m->seen[i].path, "manifest", 0,
				  "not in the manifest", err);
	return rc;
}

/* ---- all of it ---------------------------------------------------------- */

static int found(const struct img_media_finding *f, void *arg,
		 struct img_err *err)
{
	static const char *const status[] = {
		[IMG_MEDIA_NOT_THERE] = "missing",
		[IMG_MEDIA_UNLISTED] = "extra",
	};
	const char *word =
		f->fault <= IMG_MEDIA_UNLISTED ? status[f->fault] : "invalid";

	return tell(arg, word, *f->path ? f->path : "DICOMDIR",
		    img_media_fault_word(f->fault), f->tag, f->text, err);
}

static int tell_whole(struct medium *m, const char *path, struct img_err *err)
{
	struct img_record rec;
	char extra[96];

	img_record_init(&rec);
	rec.status = m->faults ? "invalid" : "intact";
	rec.path = path;
	snprintf(extra, sizeof(extra), "\"members\":%llu,\"faults\":%llu",
		 (unsigned long long)m->files, (unsigned long long)m->faults);
	rec.extra = extra;
	return verify_emit(m->v, &rec) < 0
		       ? img_err_set(err, IMG_E_IO, "stdout")
		       : 0;
}

int img_verify_media(struct img_verify *v, const char *path,
		     const char *profile, struct img_err *err)
{
	struct medium m = { .v = v };
	int rc = -1;

	img_buf_init(&m.manifest, MANIFEST_MAX);
	m.check = img_media_check_new(profile, profile != NULL, err);
	m.reader = m.check ? img_dicom_reader_new(err) : NULL;
	if (!m.reader || verify_each(path, visit, &m, err) < 0)
		goto out;
	if (!m.dicomdir && tell(&m, "missing", "DICOMDIR", "no-dicomdir", 0,
				"no DICOMDIR", err) < 0)
		goto out;
	if (m.dicomdir && img_media_check_end(m.check, found, &m, err) < 0)
		goto out;
	if (m.has_manifest && check_manifest(&m, err) < 0)
		goto out;
	rc = tell_whole(&m, path, err);
out:
	for (size_t i = 0; i < m.n; i++)
		free(m.seen[i].path);
	free(m.seen);
	img_buf_release(&m.manifest);
	img_dicom_reader_free(m.reader);
	img_media_check_free(m.check);
	return rc;
}
