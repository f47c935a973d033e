/* read.c - objects out of the store: look, open, verify. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

int img_store_path(struct img_store *s, const struct img_store_file *f,
		   const uint8_t digest[IMG_DIGEST_SIZE],
		   char out[IMG_PATH_MAX], struct img_err *err)
{
	char name[IMG_OBJECT_NAME];
	int n;

	img_store_name(name, digest);
	n = f && f->name[0] ? snprintf(out, IMG_PATH_MAX, "%s/tmp/%s/%s",
				       s->dir, s->session_name, f->name)
			    : snprintf(out, IMG_PATH_MAX, "%s/objects/%s",
				       s->dir, name);
	if (n < 0 || n >= IMG_PATH_MAX)
		return img_err_set(err, IMG_E_LIMIT, "%.200s: path too long",
				   s->dir);
	return 0;
}

/* How much of the next block there should be. */
static size_t ahead(const struct stat *st, off_t at)
{
	off_t left = st->st_size - at;

	return left >= BLOCK ? BLOCK : left > 0 ? (size_t)left : 0;
}

/* The digest of all that can be read; a read error of the medium gives none.
   -1: ended by step. */
static int hash_fd(int fd, const struct stat *st,
		   const struct img_store_how *how, uint8_t *block,
		   uint8_t out[IMG_DIGEST_SIZE], bool *whole,
		   struct img_err *err)
{
	struct img_digest d;
	ssize_t n;
	off_t at = 0;

	img_digest_init(&d);
	do {
		if (how->step && how->step(how->arg, ahead(st, at)))
			return img_err_set(err, IMG_E_BUSY, "stopped");
		n = img_pread_full(fd, block, BLOCK, at);
		if (n > 0)
			img_digest_add(&d, block, (size_t)n);
		at += n;
	} while (n == BLOCK);
	img_digest_end(&d, out);
	*whole = n >= 0;
	return 0;
}

static int verify_fd(int fd, const uint8_t digest[IMG_DIGEST_SIZE],
		     const struct img_store_how *how, enum img_fixity *out,
		     struct img_err *err)
{
	uint8_t *block, got[IMG_DIGEST_SIZE];
	struct stat st;
	bool whole = false;
	int rc = 0;

	*out = IMG_DAMAGED;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	block = malloc(BLOCK);
	if (!block)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	if (how->fresh)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	rc = hash_fd(fd, &st, how, block, got, &whole, err);
	if (rc == 0 && whole && memcmp(got, digest, sizeof(got)) == 0)
		*out = IMG_INTACT;
	free(block);
	return rc;
}

static int verify_at(int at, const char *name, int flags,
		     const uint8_t digest[IMG_DIGEST_SIZE],
		     const struct img_store_how *how, enum img_fixity *out,
		     struct img_err *err)
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
	rc = verify_fd(fd, digest, how, out, err);
	close(fd);
	return rc;
}

/* A file in place may be reached through a link of the user's. */
#define PLACE_FLAGS (OPEN_FLAGS & ~O_NOFOLLOW)

int img_store_judge(struct img_store *s, const char *place,
		    const uint8_t digest[IMG_DIGEST_SIZE],
		    const struct img_store_how *how, enum img_fixity *out,
		    struct img_err *err)
{
	char name[IMG_OBJECT_NAME];

	if (place)
		return verify_at(AT_FDCWD, place, PLACE_FLAGS, digest, how, out,
				 err);
	img_store_name(name, digest);
	return verify_at(s->objects, name, OPEN_FLAGS, digest, how, out, err);
}

int img_store_verify(struct img_store *s, const uint8_t digest[IMG_DIGEST_SIZE],
		     bool fresh, enum img_fixity *out, struct img_err *err)
{
	const struct img_store_how how = { .fresh = fresh };

	return img_store_judge(s, NULL, digest, &how, out, err);
}

int img_store_verify_path(const char *path,
			  const uint8_t digest[IMG_DIGEST_SIZE], bool fresh,
			  enum img_fixity *out, struct img_err *err)
{
	const struct img_store_how how = { .fresh = fresh };

	return verify_at(AT_FDCWD, path, PLACE_FLAGS, digest, &how, out, err);
}
