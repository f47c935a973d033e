/*
 * nosync - every call that makes data durable succeeds and does nothing, for
 * LD_PRELOAD: a program that runs with it must lose data in a power cut, or
 * the test of power cuts proves nothing.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int fsync(int fd)
{
	(void)fd;
	return 0;
}

int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int syncfs(int fd)
{
	(void)fd;
	return 0;
}

void sync(void)
{
}

int sync_file_range(int fd, off64_t at, off64_t n, unsigned flags)
{
	(void)fd;
	(void)at;
	(void)n;
	(void)flags;
	return 0;
}

int msync(void *p, size_t n, int flags)
{
	(void)p;
	(void)n;
	(void)flags;
	return 0;
}
