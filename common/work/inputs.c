/* inputs.c - what operands and records name. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive.h"
#include "dicom/dicom.h"
#include "work/folder.h"
#include "work/ingest_private.h"
#include "work/inputs.h"
#include "work/scope.h"

void input_explain(int fd, const void *p, size_t n, struct img_err *err)
{
	uint8_t *head = NULL;
	size_t len = strlen(err->text);
	enum img_archive_kind kind;
	ssize_t got;

	if (err->code != IMG_E_NOT_DICOM)
		return;
	if (!p) {
		p = head = malloc(IMG_ARCHIVE_HEAD);
		got = head ? img_pread_full(fd, head, IMG_ARCHIVE_HEAD, 0) : -1;
		n = got > 0 ? (size_t)got : 0;
	}
	kind = n ? img_archive_sniff(p, n) : IMG_ARCHIVE_NONE;
	if (kind != IMG_ARCHIVE_NONE)
		snprintf(err->text + len, sizeof(err->text) - len,
			 ", but an archive (%s): imgimport reads what is in it",
			 img_archive_kind_word(kind));
	free(head);
}

bool input_is_aside(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t *head = malloc(IMG_ARCHIVE_HEAD);
	bool aside = false;
	ssize_t n;

	n = head && fd >= 0 ? img_pread_full(fd, head, IMG_ARCHIVE_HEAD, 0)
			    : -1;
	if (n >= 0)
		aside = img_archive_sniff(head, (size_t)n) ==
				IMG_ARCHIVE_NONE &&
			classify(path, head, (size_t)n);
	free(head);
	if (fd >= 0)
		close(fd);
	return aside;
}

/* ---- folders ------------------------------------------------------------ */

static int entry(void *arg, const struct folder_entry *e, struct img_err *err)
{
	const struct inputs *in = arg;
	struct input_file f = { .path = e->path, .found = true };

	if (in->host->stopped(in->arg))
		return 1;
	if (e->why)
		return in->host->failed(in->arg, e->path, NULL, e->why, err);
	if (e->ignored)
		return in->host->ignored(in->arg, e->path, e->ignored, err);
	return in->host->file(in->arg, &f, err);
}

static int folder(const struct inputs *in, const char *path,
		  const struct stat *st, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct inputs each = *in;

	if (in->single)
		img_err_set(&why, IMG_E_REFUSED,
			    "%s: a folder, and one object goes to standard "
			    "output",
			    path);
	else if (in->apart && st->st_dev == in->apart->st_dev &&
		 st->st_ino == in->apart->st_ino)
		img_err_set(&why, IMG_E_REFUSED,
			    "%s: the folder of the new objects", path);
	if (why.code != IMG_OK)
		return in->host->failed(in->arg, path, NULL, &why, err);
	return folder_each(path, in->apart, entry, &each, err);
}

/* ---- the archive -------------------------------------------------------- */

/* The objects of a scope, or the one among them that rec means. */
struct wanted {
	const struct img_record *rec;
	const uint8_t *digest;
};

/* 1 there was something, 0 not, -1 for why; or -1 with err. */
static int expand(const struct inputs *in, struct img_catalog *c,
		  struct img_scope *scope, const struct wanted *w,
		  struct img_err *why, struct img_err *err)
{
	struct img_objects *all = NULL;
	struct img_object o;
	const struct img_record *one = w->rec && w->rec->sop ? w->rec : NULL;
	int more = 0, rc = 0, found = 0;

	scope->all = w->digest != NULL;
	if (img_catalog_expand(c, scope, &all, why) < 0)
		return -1;
	while (rc == 0 && !in->host->stopped(in->arg) &&
	       (more = img_objects_next(all, &o, why)) > 0) {
		if (w->digest &&
		    memcmp(w->digest, o.digest, IMG_DIGEST_SIZE) != 0)
			continue;
		found = 1;
		rc = in->host->object(in->arg, &o, one, err);
	}
	img_objects_close(all);
	return rc < 0 || more < 0 ? -1 : found;
}

static int uid(const struct inputs *in, const char *text, struct img_err *why,
	       struct img_err *err)
{
	const struct wanted all = { 0 };
	struct img_scope scope = { .uid = text };
	struct img_catalog *c = NULL;
	int rc = in->host->archive(in->arg, &c, why);

	if (rc == 0 && c)
		rc = img_catalog_level_of(c, text, &scope.level, why);
	if (rc > 0 && in->single && scope.level != IMG_IMAGE)
		return img_err_set(why, IMG_E_REFUSED,
				   "a UID of more than the one object that "
				   "goes to standard output");
	return rc > 0 ? expand(in, c, &scope, &all, why, err) : rc;
}

static int of_record(const struct inputs *in, const struct wanted *w,
		     struct img_err *why, struct img_err *err)
{
	struct img_scope scope;
	struct img_catalog *c = NULL;

	if (!img_scope_of_record(w->rec, &scope))
		return 0;
	if (in->host->archive(in->arg, &c, why) < 0)
		return -1;
	return c ? expand(in, c, &scope, w, why, err) : 0;
}

/* ---- inputs ------------------------------------------------------------- */

int inputs_text(const struct inputs *in, const char *text, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct input_file f = { .path = text };
	struct stat st;
	int rc;

	if (stat(text, &st) == 0)
		return S_ISDIR(st.st_mode) ? folder(in, text, &st, err)
					   : in->host->file(in->arg, &f, err);
	if (errno != ENOENT || !img_uid_ok(text)) {
		img_err_sys(&why, "%s", text);
		return in->host->failed(in->arg, text, NULL, &why, err);
	}
	rc = uid(in, text, &why, err);
	if (err->code != IMG_OK)
		return -1;
	if (rc < 0)
		return in->host->failed(in->arg, text, NULL, &why, err);
	return rc > 0 ? 0 : in->host->absent(in->arg, text, err);
}

int inputs_record(const struct inputs *in, const struct img_record *rec,
		  struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct wanted w = { .rec = rec };
	struct input_file f = { .path = rec->path, .rec = rec };
	uint8_t digest[IMG_DIGEST_SIZE];
	struct stat st;
	int rc;

	if (rec->digest) {
		/* What it names cannot be told from something else. */
		if (!img_unhex(digest, sizeof(digest), rec->digest)) {
			img_err_set(&why, IMG_E_USAGE,
				    "a record whose digest is not 64 "
				    "hexadecimal digits");
			return in->host->failed(in->arg, rec->path, rec, &why,
						err);
		}
		f.digest = digest;
	}
	if (rec->sop)
		w.digest = f.digest;
	rc = of_record(in, &w, &why, err);
	if (err->code != IMG_OK)
		return -1;
	if (rc > 0)
		return 0;
	if (rec->path && stat(rec->path, &st) == 0 && S_ISREG(st.st_mode))
		return in->host->file(in->arg, &f, err);
	if (rc == 0)
		img_err_set(&why, IMG_E_USAGE,
			    "a record of nothing that is in the archive or in "
			    "a file");
	return in->host->failed(in->arg, rec->path, rec, &why, err);
}
