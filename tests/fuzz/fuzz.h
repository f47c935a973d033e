/* fuzz.h - what fuzz targets share: an input taken apart, an oracle's voice,
   a folder in memory. */
#ifndef IMG_FUZZ_H
#define IMG_FUZZ_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the oracle ------------------------------------------------------- */

static inline _Noreturn void fuzz_wrong(const char *what,
					const struct img_err *err)
{
	fprintf(stderr, "oracle: %s%s%s\n", what, err ? ": " : "",
		err ? err->text : "");
	abort();
}

static inline void fuzz_must(bool truth, const char *what)
{
	if (!truth)
		fuzz_wrong(what, NULL);
}

/* A failure has a reason, and the reason is never a mistake of ours. */
static inline void fuzz_verdict(int rc, const struct img_err *err)
{
	if ((rc < 0) != (err->code != IMG_OK))
		fuzz_wrong(rc < 0 ? "failed without a reason"
				  : "a reason without a failure",
			   err);
	if (err->code == IMG_E_BUG)
		fuzz_wrong("bug", err);
}

/* ---- the input -------------------------------------------------------- */

struct fuzz_in {
	const uint8_t *p;
	size_t n;
};

/* What is not there is 0. */
static inline unsigned fuzz_byte(struct fuzz_in *in)
{
	if (!in->n)
		return 0;
	in->n--;
	return *in->p++;
}

static inline unsigned fuzz_word(struct fuzz_in *in)
{
	unsigned low = fuzz_byte(in);

	return low | fuzz_byte(in) << 8;
}

/* Up to n bytes, and how many they are. */
static inline const uint8_t *fuzz_take(struct fuzz_in *in, size_t *n)
{
	const uint8_t *p = in->p;

	if (*n > in->n)
		*n = in->n;
	in->p += *n;
	in->n -= *n;
	return p;
}

/* Before and after an input: a descriptor that stays open. */
static inline void fuzz_fds(bool after)
{
	static int lowest;
	int fd = fcntl(0, F_DUPFD_CLOEXEC, 3);

	close(fd);
	fuzz_must(!after || fd <= lowest, "a descriptor stays open");
	lowest = fd;
}

/* ---- a folder --------------------------------------------------------- */

/* Makes one in memory; it stays until the caller has removed it. */
static inline void fuzz_folder(char path[64], const char *name)
{
	const char *at = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	snprintf(path, 64, "%s/fuzz-%.16s.XXXXXX", at, name);
	if (!mkdtemp(path)) {
		perror(path);
		exit(3);
	}
}

static inline void fuzz_file(const char *path, const void *p, size_t n,
			     mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0 || img_write_full(fd, p, n) < 0 || fchmod(fd, mode) < 0) {
		perror(path);
		exit(3);
	}
	close(fd);
}

#endif
