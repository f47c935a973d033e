/*
 * archive.h - walk the members of archives and disc images safely; the only
 * door to libarchive.
 *
 * Formats: zip, tar (plain, gzip, bzip2, xz, zstd) and ISO 9660 with Joliet
 * and Rock Ridge; nothing else is registered.  Members are streamed, never
 * unpacked: a member's name is data, not a path that anything opens.
 * Order of calls: open, then next and read in turn, close.  Not thread safe
 * per handle; handles are independent.
 *
 * Writing makes tar (pax where a name or size needs it), zip (zip64 where
 * needed) and ISO 9660 level 1 with Joliet and Rock Ridge beside.  Owners are
 * 0, modes plain, times given, so that the same members in the same order give
 * the same bytes.  Order of calls: create, then begin and put for each member,
 * finish, discard.
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
/* The name of a format that we know and do not read, or NULL. */
const char *img_archive_foreign(const uint8_t *p, size_t n);

#define IMG_ARCHIVE_PASSPHRASE 127 /* bytes of the longest */

/* 0 takes the default in brackets. */
struct img_archive_limits {
	uint64_t members; /* [10,000,000] */
	uint64_t member;  /* bytes of one member [64 GiB] */
	uint64_t total;   /* bytes of all members [1 TiB] */
	unsigned ratio;   /* bytes out to bytes in, after 64 MiB out [200] */
	const char *passphrase; /* of encrypted members, or NULL; it is needed
				   until the archive is closed */
	uint64_t session;       /* no ceiling: where the last session of a disc
			     begins, if its drive knows of several */
};

void img_archive_defaults(struct img_archive_limits *limits);

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
	bool encrypted; /* it cannot be read without the right passphrase */
};

/* The safe form of a member's name that came from elsewhere; NULL, or why it
   is refused. */
const char *img_archive_name_check(char out[IMG_PATH_MAX], const char *name);

/* Loads what libc opens files for, character sets and locales, so that
   archives can be read where none can be opened.  Before any thread starts. */
int img_archive_warm_up(struct img_err *err);

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

/* ---- writing ----------------------------------------------------------- */

struct img_archive_make {
	enum img_archive_kind kind; /* IMG_ARCHIVE_TAR, _ZIP or _ISO */
	bool deflate;               /* zip: members are compressed */
	const char *passphrase;     /* zip: and encrypted; NULL: not */
	int64_t time;               /* ISO: of the volume and its folders */
	/* ISO only. */
	const char *volume;       /* volume ID, A-Z 0-9 _, up to 32 */
	const char *const *names; /* members that may come */
	size_t n;
	size_t more;     /* and how many others, at most */
	const char *tmp; /* folder for small files of libarchive's */
};

/* The greatest member of ISO 9660 level 1, which is what DICOM allows. */
#define IMG_ISO_MEMBER_MAX UINT64_C(4294965248)

struct img_archive_out;

/*
 * Writes to fd from where it stands; an ISO image needs one that seeks.  name
 * is for messages and is copied; how's strings are used until the first begin
 * only, how.tmp until the end.  The process' time zone must be UTC.
 */
int img_archive_create(struct img_archive_out **out, int fd, const char *name,
		       const struct img_archive_make *how, struct img_err *err);
/* A member of size bytes, exactly; its name is a safe relative path (UTF-8,
   '/'), which the caller answers for. */
int img_archive_begin(struct img_archive_out *o, const char *name,
		      uint64_t size, int64_t mtime, struct img_err *err);
int img_archive_put(struct img_archive_out *o, const void *p, size_t n,
		    struct img_err *err);
/* Writes the end; syncing is the caller's. */
int img_archive_finish(struct img_archive_out *o, struct img_err *err);
void img_archive_discard(struct img_archive_out *o);

#endif
