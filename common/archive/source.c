/* source.c - the bytes of an archive: a file, a device, a pipe, a function. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/parts.h"

#define ZEROS 512 /* a block of zeros ends a tar */

static int source_init(struct img_source *s, const char *name,
		       struct img_err *err)
{
	memset(s, 0, sizeof(*s));
	s->name = name;
	s->fd = -1;
	s->size = s->bad = -1;
	s->head = malloc(IMG_ARCHIVE_HEAD);
	if (!s->head)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory", name);
	return 0;
}

int img_source_fd(struct img_source *s, int fd, const char *name,
		  struct img_err *err)
{
	struct stat st;
	off_t end = -1;

	if (source_init(s, name, err) < 0)
		return -1;
	s->fd = fd;
	if (fstat(fd, &st) < 0)
		return img_err_sys(err, "%s", name);
	if (S_ISDIR(st.st_mode))
		return img_err_set(err, IMG_E_USAGE, "%s: is a folder", name);
	s->base = lseek(fd, 0, SEEK_CUR);
	if (s->base >= 0 && S_ISREG(st.st_mode))
		end = st.st_size;
	else if (s->base >= 0 && S_ISBLK(st.st_mode))
		end = lseek(fd, 0, SEEK_END);
	if (end >= 0)
		s->size = end > s->base ? end - s->base : 0;
	/* No more than a small file takes. */
	s->room = IMG_SOURCE_BLOCK;
	if (s->size > 0 && s->size < IMG_SOURCE_BLOCK)
		s->room = (size_t)s->size;
	s->buf = malloc(s->room);
	if (!s->buf)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory", name);
	return 0;
}

int img_source_fn_init(struct img_source *s, img_source_fn *read, void *arg,
		       const char *name, struct img_err *err)
{
	if (source_init(s, name, err) < 0)
		return -1;
	s->read = read;
	s->arg = arg;
	return 0;
}

void img_source_release(struct img_source *s)
{
	free(s->buf);
	free(s->head);
	s->buf = s->head = NULL;
}

static ssize_t read_some(struct img_source *s, size_t n)
{
	ssize_t got;

	do {
		if (s->size >= 0)
			got = pread(s->fd, s->buf, n, s->base + s->at);
		else
			got = read(s->fd, s->buf, n);
	} while (got < 0 && errno == EINTR);
	return got;
}

/* The block at s->at cannot be read as a whole: what lies before the sector
   that is the reason, or that sector. */
static ssize_t fill_careful(struct img_source *s)
{
	size_t n = 16 * IMG_SOURCE_SECTOR, sector;
	ssize_t got;

	sector = IMG_SOURCE_SECTOR -
		 (size_t)((s->base + s->at) % IMG_SOURCE_SECTOR);
	if (sector > s->room)
		sector = s->room;
	got = read_some(s, n < s->room ? n : s->room);
	if (got < 0 && errno == EIO)
		got = read_some(s, sector);
	if (got >= 0 || errno != EIO || !s->disc)
		return got;
	s->blank = true;
	memset(s->buf, 0, sector);
	return (ssize_t)sector;
}

/* Reads a block at s->at into buf. */
static ssize_t fill(struct img_source *s)
{
	ssize_t n = -1;

	s->blank = false;
	if (s->at >= s->careful) {
		n = read_some(s, s->room);
		if (n < 0 && errno == EIO && s->size >= 0)
			s->careful = s->at + (int64_t)s->room;
	}
	if (n < 0 && s->at < s->careful)
		n = fill_careful(s);
	if (n < 0)
		return img_err_sys(&s->err, "%s: cannot be read at byte %lld",
				   s->name, (long long)s->at);
	s->from = s->at;
	s->have = (size_t)n;
	s->in += (uint64_t)n;
	return n;
}

/* The next block without its bookkeeping. */
static ssize_t block(struct img_source *s, const uint8_t **p)
{
	const void *q = NULL;
	ssize_t n;

	if (s->rest_n) {
		*p = s->rest;
		n = (ssize_t)s->rest_n;
		s->rest_n = 0;
		return n;
	}
	if (s->read) {
		n = s->read(s->arg, &q, &s->err);
		*p = q;
		if (n > 0)
			s->in += (uint64_t)n;
		return n;
	}
	if (s->size >= 0 && s->have && s->at >= s->from &&
	    s->at < s->from + (int64_t)s->have) {
		*p = s->buf + (s->at - s->from);
		return (ssize_t)(s->from + (int64_t)s->have - s->at);
	}
	n = fill(s);
	*p = s->buf;
	return n;
}

int img_source_head(struct img_source *s, const uint8_t **p, size_t *n)
{
	const uint8_t *q;
	ssize_t got;
	size_t take;

	while (s->head_n < IMG_ARCHIVE_HEAD) {
		got = block(s, &q);
		if (got < 0 && s->head_n == 0)
			return -1;
		if (got <= 0) /* a failure is met again, behind the head */
			break;
		take = IMG_ARCHIVE_HEAD - s->head_n;
		if (take > (size_t)got)
			take = (size_t)got;
		memcpy(s->head + s->head_n, q, take);
		s->head_n += take;
		if (s->size >= 0) {
			s->at += (int64_t)take;
		} else {
			s->rest = q + take;
			s->rest_n = (size_t)got - take;
		}
	}
	*p = s->head;
	*n = s->head_n;
	if (s->size >= 0) { /* the bytes will be read again, from buf */
		s->at = 0;
		s->head_n = 0;
	}
	return 0;
}

static void note_zeros(struct img_source *s, const uint8_t *p, size_t n)
{
	size_t z = 0;

	while (z < n && z < ZEROS && p[n - 1 - z] == 0)
		z++;
	if (z == n)
		z += s->zeros;
	s->zeros = z > ZEROS ? ZEROS : (unsigned)z;
}

ssize_t img_source_read(struct img_source *s, const void **p)
{
	const uint8_t *q = NULL;
	ssize_t n;

	if (s->head_n) {
		q = s->head;
		n = (ssize_t)s->head_n;
		s->head_n = 0;
	} else if (s->err.code != IMG_OK) {
		return -1;
	} else if (s->ended && s->size < 0) {
		return 0;
	} else {
		n = block(s, &q);
	}
	if (n <= 0) {
		s->ended = true;
		return n;
	}
	s->ended = false;
	if (s->blank && s->bad < 0)
		s->bad = s->at;
	s->at += n;
	s->last = q;
	s->last_n = (size_t)n;
	note_zeros(s, q, (size_t)n);
	*p = q;
	return n;
}

int64_t img_source_skip(struct img_source *s, int64_t n)
{
	if (s->size < 0 || n <= 0 || s->at >= s->size)
		return 0;
	if (n > s->size - s->at)
		n = s->size - s->at;
	s->at += n;
	return n;
}

int64_t img_source_seek(struct img_source *s, int64_t at)
{
	if (at < 0 || at > s->size) /* -1: it cannot be sought */
		return -1;
	s->at = at;
	s->ended = false;
	return at;
}

uint64_t img_source_in(const struct img_source *s)
{
	if (s->size >= 0 && s->in > (uint64_t)s->size)
		return (uint64_t)s->size;
	return s->in;
}
