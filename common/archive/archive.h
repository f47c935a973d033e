/*
 * archive.h - walk the members of archives and disc images safely; the only
 * door to libarchive.
 *
 * Formats: zip, tar (plain, gzip, bzip2, xz, zstd) and ISO 9660 with Joliet
 * and Rock Ridge; nothing else is registered.  Members are streamed, never
 * unpacked: a member's name is data, not a path that anything opens.
 * Order of calls: open, then next and read in turn, close.  Not thread safe
 * per handle; handles are independent.
 */
#ifndef IMG_ARCHIVE_H
#define IMG_ARCHIVE_H

#include "base/base.h"

enum img_archive_kind {
	IMG_ARCHIVE_NONE,
	IMG_ARCHIVE_ZIP,
	IMG_ARCHIVE_TAR,
	IMG_ARCHIVE_ISO,
	IMG_ARCHIVE_COMPRESSED /* gzip, bzip2, xz, zstd: a tar may be inside */
};
#define IMG_ARCHIVE_HEAD                                                       \
	36864 /* bytes that sniff wants (ISO: CD001 at 32769) */

/* What the first n bytes of a file are; program packages (jar, docx, apk)
   are NONE. */
enum img_archive_kind img_archive_sniff(const void *head, size_t n);
const char *img_archive_kind_word(enum img_archive_kind kind);

/* 0 takes the default in brackets. */
struct img_archive_limits {
	uint64_t members; /* [10,000,000] */
	uint64_t member;  /* bytes of one member [64 GiB] */
	uint64_t total;   /* bytes of all members [1 TiB] */
	unsigned ratio;   /* bytes out to bytes in, after 64 MiB out [200] */
};

enum img_member_kind {
	IMG_MEMBER_FILE,
	IMG_MEMBER_FOLDER,
	IMG_MEMBER_REFUSED /* link, device, or a name we do not accept */
};

struct img_member {
	enum img_member_kind kind;
	char name[IMG_PATH_MAX]; /* UTF-8, '/' between components; control
				    characters and bad bytes replaced by '?' */
	const char *refused;     /* why, for IMG_MEMBER_REFUSED */
	uint64_t size;           /* as declared; UINT64_MAX if not known */
	int64_t mtime;           /* seconds; 0 if not known */
	bool encrypted;
};

struct img_archive;

/* fd is read from where it stands, seeked when it can be; not closed. */
int img_archive_open_fd(struct img_archive **a, int fd, const char *name,
			const struct img_archive_limits *limits,
			struct img_err *err);
/* Streamed from a function: the number read, 0 at the end, -1 with err. */
int img_archive_open_fn(struct img_archive **a,
			ssize_t (*read)(void *arg, const void **p,
					struct img_err *err),
			void *arg, const char *name,
			const struct img_archive_limits *limits,
			struct img_err *err);
void img_archive_close(struct img_archive *a);
/* 1 a member, 0 the end, -1 the archive cannot be read further (IMG_E_LIMIT
   when a ceiling was reached, IMG_E_TRUNCATED, IMG_E_MALFORMED, ...). */
int img_archive_next(struct img_archive *a, struct img_member *m,
		     struct img_err *err);
/* Up to n bytes of the current member; 0 at its end, -1 on error: the member
   is lost; img_archive_next says whether the archive is, too. */
ssize_t img_archive_read(struct img_archive *a, void *p, size_t n,
			 struct img_err *err);
/* The same without a copy: *p is valid until the next call on a. */
ssize_t img_archive_block(struct img_archive *a, const void **p,
			  struct img_err *err);

#endif
