/*
 * prompt - stdout does not look like a file, for LD_PRELOAD: a record is
 * written when it is made, not when there are many.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int fstat64(int fd, struct stat64 *st)
{
	int rc = fstatat64(fd, "", st, AT_EMPTY_PATH);

	if (rc == 0 && fd == STDOUT_FILENO)
		st->st_mode = (st->st_mode & ~(mode_t)S_IFMT) | S_IFIFO;
	return rc;
}
