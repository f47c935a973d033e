/*
 * out.h - what the writing half of this room shares.
 *
 * write.c  tar and zip: libarchive's, in the order of the members
 * iso.c    an image: the members' bytes, and before them what libarchive says
 *          of their names
 */
#ifndef IMG_ARCHIVE_OUT_H
#define IMG_ARCHIVE_OUT_H

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include "archive/archive.h"

#define OUT_BUFFER (256u * 1024)

struct iso;

struct img_archive_out {
	struct img_archive_make how;
	char *name;
	int fd;
	locale_t utf8;
	struct img_err dead; /* of a callback */
	uint64_t left;       /* bytes the member is to get yet */
	/* tar, zip */
	struct archive *la;
	struct archive_entry *entry;
	uint8_t *buf; /* small writes are collected */
	size_t have;
	/* ISO */
	struct iso *iso;
};

/* Writes through the buffer. */
int out_write(struct img_archive_out *o, const void *p, size_t n);
int out_flush(struct img_archive_out *o);
/* What libarchive says, or what our callback has met. */
int out_failed(struct img_archive_out *o, struct archive *la,
	       struct img_err *err);

int iso_create(struct img_archive_out *o, struct img_err *err);
int iso_begin(struct img_archive_out *o, const char *name, uint64_t size,
	      int64_t mtime, struct img_err *err);
int iso_finish(struct img_archive_out *o, struct img_err *err);
void iso_discard(struct iso *iso);

#endif
