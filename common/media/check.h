/* check.h - inside the room: a medium that is being checked. */
#ifndef IMG_MEDIA_CHECK_H
#define IMG_MEDIA_CHECK_H

#include "media/plan.h"

#define RECORD_KEYS 16 /* of one type, at most */

/* What refers to nothing; the arena and the counts end below it. */
#define ABSENT UINT32_MAX

/* A record as it was read; texts are offsets in the arena. */
struct listed {
	uint32_t start; /* as others refer to it */
	uint32_t next, lower;
	uint32_t parent;
	uint32_t type, file_id, sop_class, sop, ts;
	uint32_t id;     /* what a file has to agree with: PatientID, UID */
	uint16_t absent; /* bits: keys of its type that are not there */
	uint16_t empty;  /* bits: those that have no value */
	bool inactive, reached;
};

struct medium_file {
	uint32_t path, key; /* in the arena */
	uint32_t sop_class, sop, ts, study, series, patient;
	bool dicom, listed, unread;
};

struct img_media_check {
	const struct profile *profile; /* or NULL */
	bool pdi, has_dir;
	uint32_t first, last;
	uint32_t file_set_id;   /* in the arena, or ABSENT */
	struct img_media_set m; /* for its arena and maps */
	struct map names;       /* keys of names to files */
	struct listed *record;
	size_t record_count, record_room;
	struct medium_file *file;
	size_t file_count, file_room;
	struct img_buf buf;
};

/* Says one thing that is wrong. */
struct telling {
	struct img_media_check *c;
	int (*fn)(const struct img_media_finding *f, void *arg,
		  struct img_err *err);
	void *arg;
	struct img_err *err;
	bool any;
};

int media_tell(struct telling *t, enum img_media_fault fault, uint32_t record,
	       uint32_t path, uint32_t tag, const char *text);
static inline const char *check_text(const struct img_media_check *c,
				     uint32_t at)
{
	return at == ABSENT ? "" : media_text(&c->m, at);
}

/* ---- judge.c ---------------------------------------------------------- */

/* All was read: tells what is wrong with the records, then with the files. */
int media_judge(struct telling *t);

#endif
