/* read.c - objects out of the store: look, open, verify. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_private.h"

#define BLOCK (256 * 1024)

int img_store_has(struct img_store *s, const uint8_t digest[IMG_DIGEST_SIZE],
		  uint64_t bytes)
{
	char name[IMG_OBJECT_NAME];
	struct stat st;

	img_store_name(name, digest);
	return fstatat(s->objects, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && (uint64_t)st.st_size == bytes;
}

/* O_NONBLOCK: a FIFO put in an object's place must not hang us. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

int img_store_get(struct img_store *s, const uint8_t digest[IMG_DIGEST_SIZE],
		  struct img_err *err)
{
	char name[IMG_OBJECT_NAME];
	int fd;

	img_store_name(name, digest);
	fd = openat(s->objects, name, OPEN_FLAGS);
	if (fd < 0)
		return img_err_sys(err, "%s/objects/%s", s->dir, name);
	return fd;
}

static int verify_fd(int fd, const uint8_t digest[IMG_DIGEST_SIZE], bool fresh,
		     enum img_fixity *out, struct img_err *err)
{
	uint8_t *block = malloc(BLOCK), got[IMG_DIGEST_SIZE];
	struct img_digest d;
	struct stat st;
	ssize_t n = 0;
	off_t at = 0;

	if (!block)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	if (fresh)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	*out = IMG_DAMAGED;
	img_digest_init(&d);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		goto out;
	while ((n = img_pread_full(fd, block, BLOCK, at)) > 0) {
		img_digest_add(&d, block, (size_t)n);
		at += n;
	}
	img_digest_end(&d, got);
	if (n == 0 && memcmp(got, digest, sizeof(got)) == 0)
		*out = IMG_INTACT;
out:
	free(block);
	return 0;
}

static int verify_at(int at, const char *name, int flags,
		     const uint8_t digest[IMG_DIGEST_SIZE], bool fresh,
		     enum img_fixity *out, struct img_err *err)
{
	int fd = openat(at, name, flags), rc;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		*out = IMG_MISSING;
		return 0;
	}
	if (fd < 0 && (errno == ELOOP || errno == ENXIO || errno == EIO)) {
		*out = IMG_DAMAGED;
		return 0;
	}
	if (fd < 0)
		return img_err_sys(err, "%s", name);
	rc = verify_fd(fd, digest, fresh, out, err);
	close(fd);
	return rc;
}

int img_store_verify(struct img_store *s, const uint8_t digest[IMG_DIGEST_SIZE],
		     bool fresh, enum img_fixity *out, struct img_err *err)
{
	char name[IMG_OBJECT_NAME];

	img_store_name(name, digest);
	return verify_at(s->objects, name, OPEN_FLAGS, digest, fresh, out, err);
}

int img_store_verify_path(const char *path,
			  const uint8_t digest[IMG_DIGEST_SIZE], bool fresh,
			  enum img_fixity *out, struct img_err *err)
{
	/* A file in place may be reached through a link of the user's. */
	return verify_at(AT_FDCWD, path, OPEN_FLAGS & ~O_NOFOLLOW, digest,
			 fresh, out, err);
}
