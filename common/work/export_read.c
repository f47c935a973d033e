/* export_read.c - objects are opened, read and compared with their digests. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/export_private.h"

void export_sum_init(struct export_sum *s)
{
	img_bulk_init(&s->digest);
	img_sha256_init(&s->sha256);
	s->bytes = 0;
}

void export_sum_add(struct export_sum *s, const void *p, size_t n)
{
	img_bulk_add(&s->digest, p, n);
	img_sha256_add(&s->sha256, p, n);
	s->bytes += n;
}

void export_sum_drop(struct export_sum *s)
{
	img_bulk_drop(&s->digest);
}

int export_sum_end(struct export_sum *s, struct export_item *it,
		   struct img_err *err)
{
	uint8_t digest[IMG_DIGEST_SIZE];

	img_bulk_end(&s->digest, digest);
	img_sha256_end(&s->sha256, it->sha256);
	if (it->known && memcmp(digest, it->digest, sizeof(digest)) != 0)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: damaged: it does not have the digest "
				   "it was stored with",
				   it->name);
	memcpy(it->digest, digest, sizeof(digest));
	it->bytes = s->bytes;
	it->known = true;
	return 0;
}

int export_source(struct img_export *x, const struct export_item *it,
		  struct img_err *err)
{
	struct stat st;
	int fd;

	if (!it->place)
		return img_store_get(x->store, it->digest, err);
	fd = open(it->place, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return img_err_sys(err, "%s", it->place);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return img_err_set(err, IMG_E_IO, "%s: not a file", it->place);
	}
	return fd;
}

int export_read(int fd, const char *name, struct export_sum *sum,
		int (*f)(void *arg, const void *p, size_t n,
			 struct img_err *err),
		void *arg, struct img_err *err)
{
	char block[EXPORT_BLOCK];
	off_t at = 0;
	ssize_t n;

	while ((n = img_pread_full(fd, block, sizeof(block), at)) > 0) {
		if (sum)
			export_sum_add(sum, block, (size_t)n);
		if (f && f(arg, block, (size_t)n, err) < 0)
			return -1;
		at += n;
		if ((size_t)n < sizeof(block))
			break;
	}
	return n < 0 ? img_err_sys(err, "%s", name) : 0;
}

int export_hash(int fd, const char *name, bool fresh,
		uint8_t digest[IMG_DIGEST_SIZE], struct img_err *err)
{
	char block[EXPORT_BLOCK];
	struct img_bulk d;
	off_t at = 0;
	ssize_t n;

	if (fresh)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	img_bulk_init(&d);
	while ((n = img_pread_full(fd, block, sizeof(block), at)) > 0) {
		img_bulk_add(&d, block, (size_t)n);
		at += n;
		if ((size_t)n < sizeof(block))
			break;
	}
	img_bulk_end(&d, digest);
	return n < 0 ? img_err_sys(err, "%s", name) : 0;
}

int export_compare(int fd, const char *name,
		   const uint8_t digest[IMG_DIGEST_SIZE], struct img_err *err)
{
	uint8_t got[IMG_DIGEST_SIZE];

	if (export_hash(fd, name, true, got, err) < 0)
		return -1;
	if (memcmp(got, digest, sizeof(got)) != 0)
		return img_err_set(err, IMG_E_IO,
				   "%s: reads back otherwise than it was "
				   "written",
				   name);
	return 0;
}
