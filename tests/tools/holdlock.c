/*
 * holdlock - hold the lock of an archive.
 *
 *	holdlock FILE [SECONDS]
 *
 * Locks the file as img_lock does, says "held" on stdout, and keeps the lock
 * for so long, or until it is killed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	uint64_t seconds = 600;
	int fd;

	if (argc < 2 || (argc > 2 && !img_parse_u64(argv[2], 3600, &seconds)))
		return 64;
	fd = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || img_lock(fd, true, 10, argv[1], &err) < 0) {
		fprintf(stderr, "holdlock: %s: %s\n", argv[1], err.text);
		return 3;
	}
	puts("held");
	fflush(stdout);
	sleep((unsigned)seconds);
	return 0;
}
