/*
 * bitflip - flip one bit of a file.
 *
 *	bitflip FILE OFFSET [BIT]
 *	bitflip -s TEXT [-n N] FILE [BIT]    in the middle of the Nth TEXT
 *	bitflip -x HEX [-n N] FILE [BIT]     the same for bytes
 *
 * BIT is 0 to 7, 0 without it.  The offset goes to stdout; 1 if there is no
 * such place.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

static int usage(void)
{
	fprintf(stderr, "usage: bitflip [-s TEXT | -x HEX] [-n N] FILE "
			"[OFFSET] [BIT]\n");
	return 64;
}

static long find(int fd, const uint8_t *what, size_t n, uint64_t which)
{
	struct stat st;
	uint8_t *p, *at;
	long found = -1;

	if (fstat(fd, &st) < 0 || !(p = malloc((size_t)st.st_size + 1)))
		return -1;
	if (img_pread_full(fd, p, (size_t)st.st_size, 0) != st.st_size)
		st.st_size = 0;
	at = p;
	while (n && which &&
	       (at = memmem(at, (size_t)(p + st.st_size - at), what, n))) {
		found = at - p + (long)(n / 2);
		at++;
		which--;
	}
	free(p);
	return which ? -1 : found;
}

static int flip(int fd, long at, unsigned bit)
{
	uint8_t byte;

	if (pread(fd, &byte, 1, at) != 1)
		return -1;
	byte ^= (uint8_t)(1u << (bit & 7));
	return pwrite(fd, &byte, 1, at) == 1 ? 0 : -1;
}

static bool number(const char *s, uint64_t max, uint64_t *out)
{
	return s && img_parse_u64(s, max, out);
}

int main(int argc, char **argv)
{
	uint8_t bytes[256];
	const uint8_t *what = NULL;
	size_t n = 0;
	uint64_t which = 1, bit = 0, offset = 0;
	int opt, fd;
	long at;

	while ((opt = getopt(argc, argv, "s:x:n:")) != -1) {
		if (opt == 's') {
			what = (const uint8_t *)optarg;
			n = strlen(optarg);
		} else if (opt == 'x') {
			n = strlen(optarg) / 2;
			if (n > sizeof(bytes) || !img_unhex(bytes, n, optarg))
				return usage();
			what = bytes;
		} else if (opt == 'n') {
			if (!number(optarg, 1000000, &which))
				return usage();
		} else {
			return usage();
		}
	}
	argv += optind;
	argc -= optind;
	if (argc < (what ? 1 : 2) ||
	    (!what && !number(argv[1], INT64_MAX, &offset)) ||
	    (argc > (what ? 1 : 2) && !number(argv[what ? 1 : 2], 7, &bit)))
		return usage();
	fd = open(argv[0], O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		perror(argv[0]);
		return 3;
	}
	at = what ? find(fd, what, n, which) : (long)offset;
	if (at < 0 || flip(fd, at, (unsigned)bit) < 0) {
		fprintf(stderr, "bitflip: no such place\n");
		return 1;
	}
	printf("%ld\n", at);
	return close(fd) < 0 ? 3 : 0;
}
