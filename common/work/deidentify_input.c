/* deidentify_input.c - folders, the archive, records. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/deidentify_private.h"
#include "work/inputs.h"

/* digest: what it is to be, or NULL; archived: it is of the archive. */
static int add_copy(struct img_deid *d, const char *name, int fd, bool found,
		    const uint8_t *digest, bool archived, struct img_err *err)
{
	struct deid_task t = { .name = strdup(name),
			       .fd = fd,
			       .found = found,
			       .known = digest != NULL,
			       .archived = archived };

	if (!t.name) {
		if (fd >= 0)
			close(fd);
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	}
	if (digest)
		memcpy(t.digest, digest, IMG_DIGEST_SIZE);
	return deid_add_take(d, &t, err);
}

static int file(void *arg, const struct input_file *f, struct img_err *err)
{
	return add_copy(arg, f->path, -1, f->found, f->digest, false, err);
}

static int ignored(void *arg, const char *path, const char *reason,
		   struct img_err *err)
{
	return deid_ignored(arg, path, reason, err);
}

/* What a record says of its original is not repeated, nor a UID. */
static int failed(void *arg, const char *path, const struct img_record *rec,
		  const struct img_err *why, struct img_err *err)
{
	return deid_failed(arg, rec ? NULL : path, why, err);
}

static int absent(void *arg, const char *text, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	(void)text;
	img_err_set(&why, IMG_E_IO,
		    "no such file, and no such UID in the archive");
	return deid_failed(arg, NULL, &why, err);
}

static int archive(void *arg, struct img_catalog **c, struct img_err *err)
{
	struct img_deid *d = arg;

	if (!d->store &&
	    img_store_open(&d->store, d->opts.catalog, IMG_READ, err) < 0)
		return -1;
	if (!d->archive &&
	    img_catalog_open(&d->archive, d->opts.catalog, IMG_READ, err) < 0)
		return -1;
	*c = d->archive;
	return 0;
}

/* Messages call it by its digest, which tells nothing to anybody who has not
   the archive. */
static int object(void *arg, const struct img_object *o,
		  const struct img_record *rec, struct img_err *err)
{
	struct img_deid *d = arg;
	struct img_err why = IMG_ERR_INIT;
	char hex[IMG_DIGEST_HEX];
	int fd;

	(void)rec;
	img_hex(hex, o->digest, IMG_DIGEST_SIZE);
	fd = o->place ? open(o->place, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
		      : img_store_get(d->store, o->digest, &why);
	if (fd < 0) {
		if (why.code == IMG_OK)
			img_err_sys(&why, "%s", hex);
		return deid_failed(d, hex, &why, err);
	}
	return add_copy(d, hex, fd, false, o->digest, true, err);
}

static bool stopped(void *arg)
{
	const struct img_deid *d = arg;

	return d->host.stopped(d->host.arg);
}

static const struct inputs_host host = { file,   object,  ignored, failed,
					 absent, archive, stopped };

/* What we write ourselves is no input. */
static struct inputs inputs_of(struct img_deid *d)
{
	return (struct inputs){ .host = &host,
				.arg = d,
				.single = d->to_stdout,
				.apart = d->out_fd >= 0 ? &d->out_st : NULL };
}

int img_deid_text(struct img_deid *d, const char *text, struct img_err *err)
{
	const struct inputs in = inputs_of(d);

	return inputs_text(&in, text, err);
}

int img_deid_record(struct img_deid *d, const struct img_record *rec,
		    struct img_err *err)
{
	const struct inputs in = inputs_of(d);

	/* The key that was asked for may identify: it goes no further. */
	if (img_record_has_status(rec, "missing") && !rec->path &&
	    !rec->study && !rec->series && !rec->sop)
		return deid_missing(d, err);
	return inputs_record(&in, rec, err);
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
	return add_copy(d, "-", tmp, false, NULL, false, err);
}
