/*
 * session.c - whether a disc has a later session than the one that is read.
 *
 * What is written to a disc later is a session of its own, with a volume that
 * has all of the disc; who mounts the disc sees the last one.  libarchive
 * reads the first.  Of a device the drive knows it, see img_archive_limits; in
 * an image the descriptor of another volume lies behind the end of the first.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/parts.h"

#define BEFORE (16 * IMG_SOURCE_SECTOR) /* its descriptor, ECMA-119 6.2.1 */
/* Between sessions nothing can be read: 23 MB of a CD, 100 of a DVD. */
#define REACH ((int64_t)256 << 20)

/* A primary volume descriptor, ECMA-119 8.4. */
static bool is_volume(const uint8_t *p)
{
	return memcmp(p, "\1CD001\1", 7) == 0;
}

/* Where the first volume ends, or -1. */
static int64_t volume_end(const struct img_source *s)
{
	uint8_t p[IMG_SOURCE_SECTOR];
	uint32_t sectors;

	if (img_pread_full(s->fd, p, sizeof(p), s->base + BEFORE) !=
		    (ssize_t)sizeof(p) ||
	    !is_volume(p))
		return -1;
	sectors = (uint32_t)p[80] | (uint32_t)p[81] << 8 |
		  (uint32_t)p[82] << 16 | (uint32_t)p[83] << 24;
	return sectors ? (int64_t)sectors * IMG_SOURCE_SECTOR : -1;
}

int64_t img_source_later_session(const struct img_source *s)
{
	int64_t at, end, found = -1;
	uint8_t *block;
	struct stat st;
	ssize_t n;

	if (s->size < 0 || fstat(s->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	at = volume_end(s);
	end = at < 0 || s->size < at + REACH ? s->size : at + REACH;
	block = at < 0 || at >= end ? NULL : malloc(IMG_SOURCE_BLOCK);
	for (; block && found < 0 && at < end; at += n) {
		n = img_pread_full(s->fd, block, IMG_SOURCE_BLOCK,
				   s->base + at);
		n -= n % IMG_SOURCE_SECTOR;
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n && found < 0; i += IMG_SOURCE_SECTOR)
			if (is_volume(block + i))
				found = at + i - BEFORE;
	}
	free(block);
	return found;
}
