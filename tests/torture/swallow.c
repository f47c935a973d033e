/*
 * swallow - a program that does not look at what its writes say, for
 * LD_PRELOAD: one that fails is told to have written all, and a file that it
 * has its name.  The test of system calls that fail must tell, or it proves
 * nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

ssize_t write(int fd, const void *p, size_t n)
{
	ssize_t (*next)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");

	next(fd, p, n);
	return (ssize_t)n;
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	ssize_t (*next)(int, const void *, size_t, off64_t) =
		dlsym(RTLD_NEXT, "pwrite64");

	next(fd, p, n, at);
	return (ssize_t)n;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return pwrite64(fd, p, n, at);
}

int renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
	int (*next)(int, const char *, int, const char *, unsigned) =
		dlsym(RTLD_NEXT, "renameat2");
	int rc = next(from, a, to, b, flags);

	return rc < 0 && errno == EIO ? 0 : rc;
}
