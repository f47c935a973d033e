/* sums_check.c - whether the pages of catalog.db have their sums. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "catalog/inside.h"

#define RETRIES 5

/* A page that somebody writes just now is looked at again. */
static int page_ok(int fd, uint8_t *buf, unsigned size, uint64_t number,
		   int tries, const char *file, struct img_err *err)
{
	const struct timespec nap = { 0, 50 * 1000 * 1000 };
	off_t at = (off_t)((number - 1) * size);

	while (tries--) {
		ssize_t n = img_pread_full(fd, buf, size, at);

		if (n < 0)
			return img_err_sys(err, "%s", file);
		if (n == (ssize_t)size && img_page_has_sum(buf, size, number))
			return 1;
		if (tries)
			nanosleep(&nap, NULL);
	}
	return 0;
}

static bool log_is_empty(const char *file)
{
	char log[PATH_MAX];
	struct stat st;

	if (snprintf(log, sizeof(log), "%s-wal", file) >= (int)sizeof(log))
		return false;
	return stat(log, &st) == 0 ? st.st_size == 0 : errno == ENOENT;
}

/* How many pages the file must have, by its header (file format section
   1.3.7); 0 if that cannot be told, as when the log holds some of them. */
static uint64_t pages_due(const uint8_t *header, const char *file)
{
	const uint8_t *n = header + 28;

	if (memcmp(header + 24, header + 92, 4) != 0 || !log_is_empty(file))
		return 0;
	return (uint64_t)n[0] << 24 | (uint64_t)n[1] << 16 | n[2] << 8 | n[3];
}

static int check_pages(int fd, const char *file, unsigned size, uint64_t pages,
		       int tries,
		       int (*f)(void *arg, uint64_t page, struct img_err *err),
		       void *arg, struct img_err *err)
{
	uint8_t *buf = malloc(size);
	int rc = 1;

	if (!buf)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (uint64_t i = 1; i <= pages && rc >= 0; i++) {
		rc = page_ok(fd, buf, size, i, tries, file, err);
		if (rc == 0)
			rc = f(arg, i, err);
	}
	free(buf);
	return rc < 0 ? -1 : 0;
}

int img_catalog_check_file(const char *file, bool in_use,
			   int (*f)(void *arg, uint64_t page,
				    struct img_err *err),
			   void *arg, struct img_err *err)
{
	uint8_t header[IMG_PAGE_HEADER];
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc = -1;
	uint64_t there;
	unsigned size;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		img_err_sys(err, "%s", file);
		goto out;
	}
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (st.st_size == 0) { /* all of it is still in the log */
		rc = log_is_empty(file) ? f(arg, 1, err) : 0;
		goto out;
	}
	memset(header, 0, sizeof(header));
	if (img_pread_full(fd, header, sizeof(header), 0) < 0) {
		img_err_sys(err, "%s", file);
		goto out;
	}
	size = img_page_size(header);
	if (size == 0) {
		rc = f(arg, 1, err);
		goto out;
	}
	there = ((uint64_t)st.st_size + size - 1) / size;
	rc = check_pages(fd, file, size, there, in_use ? RETRIES : 1, f, arg,
			 err);
	if (rc == 0 && there < pages_due(header, file))
		rc = f(arg, there + 1, err); /* the first that is not there */
out:
	if (fd >= 0)
		close(fd);
	return rc;
}

int img_catalog_check_pages(struct img_catalog *c,
			    int (*f)(void *arg, uint64_t page,
				     struct img_err *err),
			    void *arg, struct img_err *err)
{
	return c->summed ? img_catalog_check_file(c->file, true, f, arg, err)
			 : 0;
}
