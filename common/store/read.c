/* read.c - objects out of the store: look, open, verify. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_private.h"

#define BLOCK IMG_STORE_BLOCK
#define ALIGN 4096 /* of memory and offsets, for O_DIRECT */

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

/* A block, less at the end of the file.  What O_DIRECT has read in part goes on
   at a multiple of ALIGN, or has met the end. */
static ssize_t read_block(int fd, uint8_t *block, off_t at)
{
	size_t got = 0;

	while (got < BLOCK) {
		ssize_t n =
			pread(fd, block + got, BLOCK - got, at + (off_t)got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		got += (size_t)n;
		if (n == 0 || got % ALIGN)
			break;
	}
	return (ssize_t)got;
}

/* Whether an error is the medium's, or a file system's that has found itself
   damaged.  What a disk says comes as it is with O_DIRECT. */
static bool is_of_medium(int e)
{
	return e == EIO || e == ENODATA || e == EREMOTEIO || e == EILSEQ ||
	       e == EBADMSG || e == EUCLEAN;
}

/* The digest of all that can be read; failed: 0, or the errno of the read that
   was the last.  -1: ended by step. */
static int hash_fd(int fd, const struct stat *st,
		   const struct img_store_how *how, uint8_t *block,
		   uint8_t out[IMG_DIGEST_SIZE], int *failed,
		   struct img_err *err)
{
	struct img_bulk d;
	ssize_t n = BLOCK;
	off_t at = 0;
	int rc = 0;

	img_bulk_init(&d);
	while (n == BLOCK) {
		if (how->step && how->step(how->arg, ahead(st, at))) {
			rc = img_err_set(err, IMG_E_BUSY, "stopped");
			break;
		}
		n = read_block(fd, block, at);
		if (n < 0)
			*failed = errno;
		if (n > 0)
			img_bulk_add(&d, block, (size_t)n);
		at += n;
	}
	img_bulk_end(&d, out);
	return rc;
}

uint8_t *img_store_block(struct img_err *err)
{
	uint8_t *block = aligned_alloc(ALIGN, BLOCK);

	if (!block)
		img_err_set(err, IMG_E_NOMEM, "out of memory");
	return block;
}

const char *img_fixity_reason(enum img_fixity fixity)
{
	static const char *const of[] = {
		[IMG_DAMAGED] = "its bytes are not those that were stored",
		[IMG_UNREADABLE] = "its bytes cannot be read from the medium",
		[IMG_MISSING] = NULL
	};

	return of[fixity];
}

static int verify_fd(int fd, const char *name,
		     const uint8_t digest[IMG_DIGEST_SIZE],
		     const struct img_store_how *how, enum img_fixity *out,
		     struct img_err *err)
{
	uint8_t *block, got[IMG_DIGEST_SIZE];
	struct stat st;
	int rc = 0, failed = 0;

	*out = IMG_DAMAGED;
	if (fstat(fd, &st) < 0) {
		*out = IMG_UNREADABLE;
		return is_of_medium(errno) ? 0 : img_err_sys(err, "%s", name);
	}
	if (!S_ISREG(st.st_mode))
		return 0;
	block = how->block ? how->block : img_store_block(err);
	if (!block)
		return -1;
	rc = hash_fd(fd, &st, how, block, got, &failed, err);
	if (rc == 0 && !failed && memcmp(got, digest, sizeof(got)) == 0)
		*out = IMG_INTACT;
	if (rc == 0 && failed) {
		*out = IMG_UNREADABLE;
		errno = failed;
		if (!is_of_medium(failed))
			rc = img_err_sys(err, "%s", name);
	}
	if (!how->block)
		free(block);
	return rc;
}

/* Fresh: from the disk itself.  O_DIRECT leaves the memory of the system alone,
   and costs half as much; where a file system has none, what is in memory is
   dropped first. */
static int open_fresh(int at, const char *name, int flags)
{
	int fd = openat(at, name, flags | O_DIRECT);

	if (fd >= 0 || errno != EINVAL)
		return fd;
	fd = openat(at, name, flags);
	if (fd >= 0)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return fd;
}

static int verify_at(int at, const char *name, int flags,
		     const uint8_t digest[IMG_DIGEST_SIZE],
		     const struct img_store_how *how, enum img_fixity *out,
		     struct img_err *err)
{
	int fd = how->fresh ? open_fresh(at, name, flags)
			    : openat(at, name, flags),
	    rc;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		*out = IMG_MISSING;
		return 0;
	}
	if (fd < 0 && (errno == ELOOP || errno == ENXIO)) {
		*out = IMG_DAMAGED;
		return 0;
	}
	if (fd < 0 && is_of_medium(errno)) {
		*out = IMG_UNREADABLE;
		return 0;
	}
	if (fd < 0)
		return img_err_sys(err, "%s", name);
	rc = verify_fd(fd, name, digest, how, out, err);
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
