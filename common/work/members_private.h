/* members_private.h - what the two ends of members.h say to each other. */
#ifndef IMG_MEMBERS_PRIVATE_H
#define IMG_MEMBERS_PRIVATE_H

#include "work/members.h"

/* The request: this, with the archive's descriptor; the name; the passphrase,
   to which limits does not point. */
struct members_request {
	struct img_archive_limits limits;
	uint32_t depth;
	uint32_t name_n, passphrase_n;
};

/*
 * The answer is frames: a head, then size bytes.  Of an archive:
 *
 *	(MEMBER DATA* [INNER archive] MEMBER_END)* ARCHIVE_END
 *
 * After IMG_MEMBERS_AHEAD bytes of a member, and then now and again, MORE asks
 * whether the rest is wanted: a byte, members_answer, comes back.
 */
enum members_frame {
	FRAME_MEMBER = 1, /* members_facts, the name, why it is refused */
	FRAME_DATA,       /* up to FRAME_MAX bytes of it */
	FRAME_MORE,       /* waits for an answer */
	FRAME_INNER,      /* it is an archive, which follows */
	FRAME_MEMBER_END, /* members_end */
	FRAME_ARCHIVE_END /* members_end */
};
#define FRAME_MAX (256u * 1024)

/* Bytes from MORE to MORE. */
#define MEMBERS_STRIDE ((uint64_t)64 << 20)
enum members_answer { ANSWER_GO = 'g', ANSWER_SKIP = 's' };

struct members_head {
	uint32_t type, size;
};

struct members_facts {
	uint64_t size;
	int64_t mtime;
	uint16_t name_n, refused_n;
	uint8_t kind, encrypted;
};

struct members_end {
	uint32_t code; /* enum img_code; IMG_OK: nothing is wrong */
	char text[512];
};

/* members.c: a reader of what comes through in, which it takes over.  Closing
   it ends the worker. */
int members_on(struct img_members **out, const struct img_jail_worker *worker,
	       struct img_jail_ring *in, const char *name,
	       const struct img_archive_limits *limits, unsigned depth,
	       struct img_err *err);

/* unpack.c: the worker. */
int members_worker(int fd, void *arg);

#endif
