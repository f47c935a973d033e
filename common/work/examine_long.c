/* examine_long.c - objects that are too long to be held in memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work/coerce.h"

/* Reads fd from its start: into tmp, or only through the digest.  Not on and
   on when it grows as fast as it is read. */
static int copy_in(struct examiner *x, struct item *it, int fd, off_t size,
		   struct img_err *err)
{
	bool write = examine_copies(x, it);
	ssize_t n = 0;
	off_t at = 0;

	if (write && img_store_begin(x->g->store, x->lane, &it->file, err) < 0)
		return -1;
	if (!write)
		img_digest_init(&it->file.digest);
	while (at <= size && (n = img_pread_full(fd, x->buf, WHOLE, at)) > 0) {
		if (!write)
			img_digest_add(&it->file.digest, x->buf, (size_t)n);
		else if (img_store_write(&it->file, x->buf, (size_t)n, err) < 0)
			return -1;
		at += n;
	}
	if (n < 0)
		return img_err_sys(err, "%s", it->path);
	it->in.bytes = (uint64_t)at;
	return 0;
}

/* Parses the copy in tmp (or fd, where there is none) and ends it. */
static void settle(struct examiner *x, struct arena *a, struct item *it, int fd)
{
	struct img_err err = IMG_ERR_INIT;
	bool copied = it->file.name[0];

	if (img_dicom_start_fd(x->reader, copied ? it->file.fd : fd,
			       it->in.bytes, it->path, NULL, &err) < 0)
		item_fail(a, it, examine_is_ours(&err) ? FAILED : REJECTED,
			  &err);
	else
		(void)examine_parse(x, a, it);
	if (!copied)
		img_digest_end(&it->file.digest, it->in.digest);
	else if (img_store_end(&it->file, it->in.digest, &err) < 0)
		item_not_stored(a, it, &err);
	if (it->outcome != OBJECT && copied)
		img_store_drop(x->g->store, &it->file);
}

/* A dry run leaves nothing behind: a file without a name. */
static int begin_stream(struct examiner *x, struct item *it,
			struct img_err *err)
{
	const char *dir = getenv("TMPDIR");

	if (!x->g->opts.dry_run)
		return img_store_begin(x->g->store, x->lane, &it->file, err);
	if (!dir || !*dir)
		dir = "/tmp";
	it->file.fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (it->file.fd < 0)
		return img_err_sys(err, "%s", dir);
	img_digest_init(&it->file.digest);
	return 0;
}

/* What begin_stream began and all was written to. */
static void settle_file(struct examiner *x, struct arena *a, struct item *it)
{
	int fd = -1;

	if (x->g->opts.dry_run) {
		fd = it->file.fd;
		it->file.fd = -1;
	}
	settle(x, a, it, fd);
	if (fd >= 0)
		close(fd);
}

/* ---- --set ------------------------------------------------------------ */

/* What fd holds is read as it is, then written anew and read again. */
static void change(struct examiner *x, struct arena *a, struct item *it, int fd,
		   uint64_t size)
{
	struct img_err err = IMG_ERR_INIT;

	if (img_dicom_start_fd(x->reader, fd, size, it->path, NULL, &err) < 0)
		item_fail(a, it, examine_is_ours(&err) ? FAILED : REJECTED,
			  &err);
	else
		(void)examine_parse(x, a, it);
	/* A DICOMDIR is no object: it is not changed. */
	if (it->outcome != OBJECT)
		return;
	memset(&it->in, 0, sizeof(it->in));
	it->warnings = 0;
	if (begin_stream(x, it, &err) < 0 ||
	    coerce_file(x, it->path, fd, size, &it->file, &err) < 0) {
		img_store_drop(x->g->store, &it->file);
		if (examine_is_ours(&err))
			item_not_stored(a, it, &err);
		else
			item_fail(a, it, REJECTED, &err);
		return;
	}
	it->in.bytes = it->file.bytes;
	settle_file(x, a, it);
}

/* Of a member that was read into it->file. */
static void change_stream(struct examiner *x, struct arena *a, struct item *it)
{
	struct img_store_file plain = it->file;

	it->file = (struct img_store_file){ .fd = -1 };
	change(x, a, it, plain.fd, plain.bytes);
	img_store_drop(x->g->store, &plain);
}

/* ---- files and members ------------------------------------------------ */

void examine_long(struct examiner *x, struct arena *a, struct item *it, int fd,
		  off_t size, size_t head)
{
	struct img_err err = IMG_ERR_INIT;

	if (!img_dicom_looks_like(x->buf, head)) {
		examine_other(a, it, x->buf, head);
		return;
	}
	if (x->g->opts.n_set) {
		change(x, a, it, fd, (uint64_t)size);
		return;
	}
	if (copy_in(x, it, fd, size, &err) < 0) {
		if (x->g->store)
			img_store_drop(x->g->store, &it->file);
		item_not_stored(a, it, &err);
		return;
	}
	settle(x, a, it, fd);
}

void examine_stream(struct examiner *x, struct arena *a, struct item *it,
		    const uint8_t *head, size_t n, struct img_members *from)
{
	struct img_err err = IMG_ERR_INIT;
	ssize_t got = (ssize_t)n;

	if (begin_stream(x, it, &err) < 0 ||
	    img_store_write(&it->file, head, n, &err) < 0)
		goto fail;
	while ((got = img_members_read(from, x->buf, WHOLE, &err)) > 0)
		if (img_store_write(&it->file, x->buf, (size_t)got, &err) < 0)
			goto fail;
	if (got < 0)
		goto fail;
	it->in.bytes = it->file.bytes;
	it->size = it->in.bytes;
	if (x->g->opts.n_set) {
		change_stream(x, a, it);
		return;
	}
	settle_file(x, a, it);
	return;
fail:
	img_store_drop(x->g->store, &it->file);
	if (examine_is_ours(&err))
		item_not_stored(a, it, &err);
	else
		item_fail(a, it, REJECTED, &err);
}
