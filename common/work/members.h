/*
 * members.h - the members of an archive, read by a process that can do nothing
 * else.
 *
 * libarchive and the decompressors run in a jailed worker, one for each
 * archive; it gets the open file and tells the members through shared memory.
 * All of it is checked again here: names, sizes, ceilings, the order of what
 * comes.  A worker that crashes ends its archive with an error; members told
 * before stay told.
 *
 * Order of calls: img_members_jail before any thread starts; then, for each
 * archive, open, next and read in turn, close.  A member that is an archive
 * itself can be entered: next and read are then about its members, until next
 * says 0 or -1; then they are about the outer one again.
 */
#ifndef IMG_MEMBERS_H
#define IMG_MEMBERS_H

#include "archive/archive.h"
#include "jail/jail.h"

#define IMG_MEMBERS_DEPTH 4 /* archives in archives, at most */
/* Bytes of a member that are unpacked before they are asked for. */
#define IMG_MEMBERS_AHEAD (1024 * 1024 + 1)

int img_members_jail(struct img_jail **jail, struct img_err *err);

struct img_members;

/* fd is read from where it stands, and not closed.  depth: how many archives
   one in another, 1 for no nested ones. */
int img_members_open(struct img_members **out, struct img_jail *jail, int fd,
		     const char *name, const struct img_archive_limits *limits,
		     unsigned depth, struct img_err *err);
void img_members_close(struct img_members *m);
/* As img_archive_next and img_archive_read. */
int img_members_next(struct img_members *m, struct img_member *member,
		     struct img_err *err);
ssize_t img_members_read(struct img_members *m, void *p, size_t n,
			 struct img_err *err);
/* Whether it ended because its process did, which may go otherwise the next
   time. */
bool img_members_died(const struct img_members *m);
/* Whether the member is an archive, not deeper than depth: read gives what it
   begins with, and then 0. */
bool img_members_is_archive(const struct img_members *m);
void img_members_enter(struct img_members *m);

#endif
