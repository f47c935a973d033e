/* write.c - objects into the store: write, sync, link. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/store_private.h"

/* Files from this size on are sent to the disk when they are complete. */
#define EARLY (128 * 1024)

void img_store_name(char out[IMG_OBJECT_NAME],
		    const uint8_t digest[IMG_DIGEST_SIZE])
{
	img_hex(out + 3, digest, IMG_DIGEST_SIZE);
	out[0] = out[3];
	out[1] = out[4];
	out[2] = '/';
}

int img_store_begin(struct img_store *s, unsigned lane,
		    struct img_store_file *f, struct img_err *err)
{
	unsigned serial = atomic_fetch_add(&s->serial, 1);

	f->fd = -1;
	f->bytes = 0;
	snprintf(f->name, sizeof(f->name), "%x/%x", lane % IMG_STORE_LANES,
		 serial);
	f->fd = openat(s->session, f->name,
		       O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		       0440);
	if (f->fd < 0) {
		f->name[0] = '\0';
		return img_err_sys(err, "%s/tmp", s->dir);
	}
	if (s->given)
		img_give(f->fd, s->dirfd, ".");
	img_digest_init(&f->digest);
	return 0;
}

int img_store_write(struct img_store_file *f, const void *p, size_t n,
		    struct img_err *err)
{
	img_digest_add(&f->digest, p, n);
	if (img_write_full(f->fd, p, n) < 0)
		return img_err_sys(err, "writing to the archive");
	f->bytes += n;
	return 0;
}

/* The disk may begin at once, so that the batch's sync has less to wait for.
   Only a hint: the sync that counts comes later. */
static void start_writing(const struct img_store_file *f)
{
	if (f->bytes >= EARLY)
		(void)sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

int img_store_end(struct img_store_file *f, uint8_t digest[IMG_DIGEST_SIZE],
		  struct img_err *err)
{
	img_digest_end(&f->digest, digest);
	start_writing(f);
	return img_close(&f->fd, "writing to the archive", err);
}

int img_store_reopen(struct img_store *s, const struct img_store_file *f,
		     struct img_err *err)
{
	int fd = openat(s->session, f->name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? img_err_sys(err, "%s/tmp", s->dir) : fd;
}

int img_store_put(struct img_store *s, unsigned lane, const void *p, size_t n,
		  struct img_store_file *f, struct img_err *err)
{
	if (img_store_begin(s, lane, f, err) < 0)
		return -1;
	if (img_write_full(f->fd, p, n) < 0) {
		img_err_sys(err, "writing to the archive");
		goto out;
	}
	f->bytes = n;
	start_writing(f);
	if (img_close(&f->fd, "writing to the archive", err) == 0)
		return 0;
out:
	img_store_drop(s, f);
	return -1;
}

void img_store_drop(struct img_store *s, struct img_store_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	if (s && f->name[0])
		unlinkat(s->session, f->name, 0);
	f->name[0] = '\0';
}

int store_fail_sync(struct img_store *s, struct img_err *err)
{
	s->broken = true;
	return img_err_sys(err, "%s: sync", s->dir);
}

int store_sync_one(struct img_store *s, int at, const char *name, int flags,
		   struct img_err *err)
{
	int fd = openat(at, name, O_RDONLY | O_CLOEXEC | flags);
	int rc = 0;

	if (fd < 0 || fsync(fd) < 0)
		rc = store_fail_sync(s, err);
	if (fd >= 0)
		close(fd);
	return rc;
}

int img_store_sync_data(struct img_store *s,
			struct img_store_file *const *files, size_t n,
			struct img_err *err)
{
	if (s->broken)
		return img_err_set(err, IMG_E_IO, "%s: an earlier sync failed",
				   s->dir);
	if (n > STORE_FEW)
		return syncfs(s->session) < 0 ? store_fail_sync(s, err) : 0;
	for (size_t i = 0; i < n; i++)
		if (store_sync_one(s, s->session, files[i]->name, 0, err) < 0)
			return -1;
	return 0;
}

int img_store_sync_file(struct img_store *s, const struct img_store_file *f,
			struct img_err *err)
{
	if (s->broken)
		return img_err_set(err, IMG_E_IO, "%s: an earlier sync failed",
				   s->dir);
	return fdatasync(f->fd) < 0 ? store_fail_sync(s, err) : 0;
}

bool img_store_is_broken(const struct img_store *s)
{
	return s->broken;
}

uint64_t img_store_room(const struct img_store *s)
{
	struct statvfs v;

	/* Where it cannot be told, writing will tell. */
	return fstatvfs(s->dirfd, &v) < 0 ? UINT64_MAX
					  : (uint64_t)v.f_bavail * v.f_frsize;
}

/* The folder of a name, made again if somebody has taken it away.  Never
   through a link, which could lead out of the archive. */
static int open_shard(struct img_store *s, const char *name,
		      struct img_err *err)
{
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	char shard[3] = { name[0], name[1], '\0' };
	int fd = openat(s->objects, shard, flags);

	if (fd < 0 && errno == ENOENT) {
		if (store_make_folder(s, s->objects, shard) < 0 &&
		    errno != EEXIST)
			return img_err_sys(err, "%s/objects/%s", s->dir, shard);
		if (fsync(s->objects) < 0)
			return store_fail_sync(s, err);
		fd = openat(s->objects, shard, flags);
	}
	return fd < 0 ? img_err_sys(err, "%s/objects/%s", s->dir, shard) : fd;
}

/* A file takes the place of a damaged one; what is no file goes aside. */
static int take_place(struct img_store *s, const char *from, int shard,
		      const char *name)
{
	char aside[IMG_OBJECT_NAME + 24];
	uint8_t id[4];

	if (renameat(s->session, from, shard, name) == 0)
		return 0;
	if (errno != EISDIR)
		return -1;
	img_random(id, sizeof(id));
	snprintf(aside, sizeof(aside), "%s.aside-", name);
	img_hex(aside + strlen(aside), id, sizeof(id));
	if (img_rename_new(shard, name, shard, aside) < 0)
		return -1;
	return img_rename_new(s->session, from, shard, name);
}

/* 1 it has the name, 0 an intact object had it, -1. */
static int link_at(struct img_store *s, struct img_store_file *f, int shard,
		   const char *name, const uint8_t digest[IMG_DIGEST_SIZE],
		   struct img_err *err)
{
	enum img_fixity fixity;

	if (img_rename_new(s->session, f->name, shard, name + 3) == 0)
		return 1;
	if (errno != EEXIST)
		return img_err_sys(err, "%s/objects/%s", s->dir, name);
	/* A damaged copy must not swallow a good one. */
	if (img_store_verify(s, digest, true, &fixity, err) < 0)
		return -1;
	if (fixity == IMG_INTACT)
		return 0;
	if (take_place(s, f->name, shard, name + 3) < 0)
		return img_err_sys(err, "%s/objects/%s", s->dir, name);
	return 1;
}

int img_store_link(struct img_store *s, struct img_store_file *f,
		   const uint8_t digest[IMG_DIGEST_SIZE], struct img_err *err)
{
	char name[IMG_OBJECT_NAME];
	int shard, rc;

	img_store_name(name, digest);
	shard = open_shard(s, name, err);
	if (shard < 0)
		return -1;
	rc = link_at(s, f, shard, name, digest, err);
	close(shard);
	if (rc >= 0)
		s->touched[digest[0]] = true;
	if (rc == 0)
		img_store_drop(s, f);
	else if (rc > 0)
		f->name[0] = '\0';
	return rc;
}

/* ---- quarantine ------------------------------------------------------- */

static int copy_fd(struct img_store_file *f, int fd, struct img_err *err)
{
	char block[65536];
	ssize_t n;
	off_t at = 0;

	while ((n = img_pread_full(fd, block, sizeof(block), at)) > 0) {
		if (img_store_write(f, block, (size_t)n, err) < 0)
			return -1;
		at += n;
	}
	return n < 0 ? img_err_sys(err, "reading for quarantine") : 0;
}

int img_store_set_aside(struct img_store *s, struct img_store_file *f,
			const uint8_t digest[IMG_DIGEST_SIZE],
			struct img_err *err)
{
	char hex[IMG_DIGEST_HEX];
	int to = openat(s->dirfd, "quarantine",
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc = -1;

	img_hex(hex, digest, IMG_DIGEST_SIZE);
	if (to < 0) {
		img_err_sys(err, "%s/quarantine", s->dir);
	} else if (renameat(s->session, f->name, to, hex) < 0) {
		img_err_sys(err, "%s/quarantine/%s", s->dir, hex);
	} else {
		f->name[0] = '\0';
		rc = fsync(to) < 0 ? store_fail_sync(s, err) : 0;
	}
	if (to >= 0)
		close(to);
	img_store_drop(s, f);
	return rc;
}

int img_store_quarantine(struct img_store *s, const void *p, size_t n, int fd,
			 struct img_err *err)
{
	struct img_store_file f = { .fd = -1 }, *list = &f;
	uint8_t digest[IMG_DIGEST_SIZE];

	if (img_store_begin(s, 0, &f, err) < 0 ||
	    (p ? img_store_write(&f, p, n, err) : copy_fd(&f, fd, err)) < 0 ||
	    img_store_end(&f, digest, err) < 0 ||
	    img_store_sync_data(s, &list, 1, err) < 0) {
		img_store_drop(s, &f);
		return -1;
	}
	return img_store_set_aside(s, &f, digest, err);
}
