/* deidentify_input.c - folders, the archive, records. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/deidentify_private.h"
#include "work/folder.h"
#include "work/scope.h"

/* digest: what it is to be, or NULL. */
static int add_copy(struct img_deid *d, const char *name, int fd, bool found,
		    const uint8_t *digest, struct img_err *err)
{
	struct deid_task t = { .name = strdup(name),
			       .fd = fd,
			       .found = found,
			       .known = digest != NULL };

	if (!t.name) {
		if (fd >= 0)
			close(fd);
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	}
	if (digest)
		memcpy(t.digest, digest, IMG_DIGEST_SIZE);
	return deid_add_take(d, &t, err);
}

/* ---- folders ---------------------------------------------------------- */

/* What we write ourselves is no input. */
static bool is_output(const struct img_deid *d, const struct stat *st)
{
	return d->out_fd >= 0 && st->st_dev == d->out_dev &&
	       st->st_ino == d->out_ino;
}

static int add_entry(void *arg, const struct folder_entry *e,
		     struct img_err *err)
{
	struct img_deid *d = arg;

	if (d->host.stopped(d->host.arg))
		return 1;
	if (e->why)
		return deid_failed(d, e->path, e->why, err);
	if (e->ignored)
		return deid_ignored(d, e->path, e->ignored, err);
	return add_copy(d, e->path, -1, true, NULL, err);
}

static int add_folder(struct img_deid *d, const char *path, struct img_err *err)
{
	const struct stat out = { .st_dev = d->out_dev, .st_ino = d->out_ino };

	return folder_each(path, d->out_fd >= 0 ? &out : NULL, add_entry, d,
			   err);
}

/* ---- the archive ------------------------------------------------------ */

static int open_archive(struct img_deid *d, struct img_err *err)
{
	if (d->archive)
		return 0;
	d->archive_tried = true;
	if (img_store_open(&d->store, d->opts.catalog, IMG_READ, err) < 0)
		return -1;
	return img_catalog_open(&d->archive, d->opts.catalog, IMG_READ, err);
}

/* Messages call it by its digest, which tells nothing to anybody who has not
   the archive. */
static int add_object(struct img_deid *d, const struct img_object *o,
		      struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	char hex[IMG_DIGEST_HEX];
	int fd;

	img_hex(hex, o->digest, IMG_DIGEST_SIZE);
	fd = o->place ? open(o->place, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
		      : img_store_get(d->store, o->digest, &why);
	if (fd < 0) {
		if (why.code == IMG_OK)
			img_err_sys(&why, "%s", hex);
		return deid_failed(d, hex, &why, err);
	}
	return add_copy(d, hex, fd, false, o->digest, err);
}

/* 1 there was something, 0 not, -1.  wanted: only the object with this
   digest, or NULL. */
static int add_scope(struct img_deid *d, const struct img_scope *scope,
		     const uint8_t *wanted, struct img_err *err)
{
	struct img_objects *all = NULL;
	struct img_object o;
	int more = 0, rc = 0, found = 0;

	if (img_catalog_expand(d->archive, scope, &all, err) < 0)
		return -1;
	while (rc == 0 && !d->host.stopped(d->host.arg) &&
	       (more = img_objects_next(all, &o, err)) > 0) {
		if (wanted && memcmp(wanted, o.digest, IMG_DIGEST_SIZE) != 0)
			continue;
		found = 1;
		rc = add_object(d, &o, err);
	}
	img_objects_close(all);
	return rc < 0 || more < 0 ? -1 : found;
}

static int add_uid(struct img_deid *d, const char *uid, struct img_err *err)
{
	struct img_scope scope = { .uid = uid };
	int rc = open_archive(d, err);

	if (rc == 0)
		rc = img_catalog_level_of(d->archive, uid, &scope.level, err);
	if (rc > 0 && d->to_stdout && scope.level != IMG_IMAGE)
		return img_err_set(err, IMG_E_REFUSED,
				   "a UID of more than the one object that "
				   "goes to standard output");
	return rc > 0 ? add_scope(d, &scope, NULL, err) : rc;
}

/* ---- inputs ----------------------------------------------------------- */

static int refuse_folder(const struct img_deid *d, const char *path,
			 const struct stat *st, struct img_err *why)
{
	if (d->to_stdout)
		return img_err_set(why, IMG_E_REFUSED,
				   "%s: a folder, and one object goes to "
				   "standard output",
				   path);
	if (is_output(d, st))
		return img_err_set(why, IMG_E_REFUSED,
				   "%s: the folder of the new objects", path);
	return 0;
}

int img_deid_text(struct img_deid *d, const char *text, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct stat st;
	int rc;

	if (stat(text, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			return add_copy(d, text, -1, false, NULL, err);
		if (refuse_folder(d, text, &st, &why) == 0)
			return add_folder(d, text, err);
		return deid_failed(d, text, &why, err);
	}
	if (errno != ENOENT || !img_uid_ok(text)) {
		img_err_sys(&why, "%s", text);
		return deid_failed(d, text, &why, err);
	}
	rc = add_uid(d, text, &why);
	if (rc == 0)
		img_err_set(&why, IMG_E_IO,
			    "no such file, and no such UID in "
			    "the archive");
	return rc > 0 ? 0 : deid_failed(d, NULL, &why, err);
}

/* A record of one object with its digest means that object, not another one
   that the archive has under the same UID. */
static int add_record(struct img_deid *d, const struct img_record *rec,
		      const uint8_t *digest, struct img_err *err)
{
	struct img_scope scope;

	if (!img_scope_of_record(rec, &scope))
		return 0;
	if (open_archive(d, err) < 0)
		return -1;
	scope.all = digest != NULL;
	return add_scope(d, &scope, digest, err);
}

int img_deid_record(struct img_deid *d, const struct img_record *rec,
		    struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	uint8_t bytes[IMG_DIGEST_SIZE], *digest = NULL;
	struct stat st;
	int rc;

	if (rec->sop && rec->digest &&
	    img_unhex(bytes, sizeof(bytes), rec->digest))
		digest = bytes;
	rc = add_record(d, rec, digest, &why);
	if (rc > 0)
		return 0;
	if (rec->path && stat(rec->path, &st) == 0 && S_ISREG(st.st_mode))
		return add_copy(d, rec->path, -1, false, digest, err);
	if (rc == 0)
		img_err_set(&why, IMG_E_USAGE,
			    "a record of nothing that is in "
			    "the archive or in a file");
	return deid_failed(d, NULL, &why, err);
}

/* Into a file without a name, so that it can be read three times. */
int img_deid_stream(struct img_deid *d, int fd, struct img_err *err)
{
	const char *dir = getenv("TMPDIR");
	char block[65536], name[IMG_PATH_MAX];
	int tmp = -1;
	ssize_t n;

	if (img_path_join(name, sizeof(name), dir ? dir : "/tmp",
			  "imganon.XXXXXX", err) < 0)
		return -1;
	tmp = mkostemp(name, O_CLOEXEC);
	if (tmp < 0)
		return img_err_sys(err, "%s", name);
	unlink(name);
	while ((n = img_read_full(fd, block, sizeof(block))) > 0)
		if (img_write_full(tmp, block, (size_t)n) < 0) {
			n = -1;
			break;
		}
	if (n < 0) {
		img_err_sys(err, "stdin");
		close(tmp);
		return -1;
	}
	return add_copy(d, "-", tmp, false, NULL, err);
}
