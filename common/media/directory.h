/* directory.h - inside the room: the records of one DICOMDIR. */
#ifndef IMG_MEDIA_DIRECTORY_H
#define IMG_MEDIA_DIRECTORY_H

#include "media/plan.h"

/* A record, parents before their children, beside each other in order. */
struct entry {
	size_t parent, next, child; /* NONE: there is none */
	size_t at, size;            /* in bytes */
	uint64_t sum;
};

struct directory {
	char file_set_id[IMG_MEDIA_LABEL];
	char sop[IMG_UID_MAX];
	struct entry *entry;
	size_t count, room;
	struct img_buf bytes;
};

/* Whether fd is the DICOMDIR of d, record by record and chain by chain. */
int media_directory_check(const struct directory *d, int fd, uint64_t size,
			  struct img_err *err);

#endif
