/* iso.h - an ISO 9660 image in the making. */
#ifndef IMG_ARCHIVE_ISO_PARTS_H
#define IMG_ARCHIVE_ISO_PARTS_H

#include "archive/out.h"

#define SECTOR 2048u

struct iso_member {
	char *name;
	uint64_t sector, size;
	int64_t mtime;
};

struct iso {
	off_t base;           /* where the image begins in the file */
	uint64_t first, next; /* sectors: of the first member, of the next */
	struct iso_member *member;
	size_t n, room;
	struct img_buf tables;
};

/* Fills places, sizes and times into iso->tables: sectors in all, the time
   that the first member has, that of the volume. */
int iso_patch(struct iso *iso, uint64_t sectors, int64_t first_time,
	      int64_t volume_time, const char *name, struct img_err *err);

#endif
