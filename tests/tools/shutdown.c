/*
 * shutdown - an ext4 file system loses its power: nothing is written any more,
 * and the journal is not flushed.
 *
 *	shutdown mount-point file
 *
 * Prints how long file was just before: what a program says after a power cut
 * nobody hears.  (A program may still run here, and a sync under way when the
 * journal ends can succeed and be void.)
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXT4_IOC_SHUTDOWN _IOR('X', 125, uint32_t)
#define NOLOGFLUSH        2

int main(int argc, char **argv)
{
	uint32_t how = NOLOGFLUSH;
	struct stat st;
	int fd;

	if (argc != 3)
		return 64;
	fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || stat(argv[2], &st) < 0 ||
	    ioctl(fd, EXT4_IOC_SHUTDOWN, &how) < 0) {
		perror(argv[1]);
		return 3;
	}
	close(fd);
	printf("%lld\n", (long long)st.st_size);
	return fflush(stdout) == 0 ? 0 : 3;
}
