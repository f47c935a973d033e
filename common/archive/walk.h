/* walk.h - the handle of this room; no other room includes it. */
#ifndef IMG_ARCHIVE_WALK_H
#define IMG_ARCHIVE_WALK_H

#include <locale.h>

#include "archive/parts.h"

struct archive;

struct img_archive {
	char *name;
	enum img_archive_kind kind; /* zip, tar or iso */
	struct img_archive_limits limits;
	struct img_source raw, plain;
	struct img_source *src; /* what libarchive reads: raw or plain */
	struct img_unpack *unpack;
	struct archive *la;
	locale_t utf8;
	size_t heap;      /* iso: in use when it was opened */
	size_t fed;       /* iso: bytes read for this header */
	bool heading;     /* a header is being read */
	uint64_t listed;  /* zip: members, as its directory says */
	bool streamed;    /* a zip without its central directory */
	uint64_t members; /* delivered */
	uint64_t total;   /* bytes delivered of all members */
	/* the current member */
	bool open; /* has data that was not read to its end */
	char member[IMG_PATH_MAX];
	uint64_t declared, out;
	uint64_t hole; /* zero bytes to deliver before block */
	const uint8_t *block;
	size_t left;
	bool at_end;          /* libarchive has no more of it */
	bool finished;        /* the end of the archive was given */
	struct img_err fault; /* why the member cannot be read */
	struct img_err late;  /* a loss to report where the end would be */
	struct img_err dead;  /* the archive cannot be read further */
};

/* The calling thread's locale becomes UTF-8; give the result to uselocale. */
locale_t img_archive_locale(const struct img_archive *a);
/* Sets err from what libarchive or the source says of the archive or, if not
   NULL, of its member; -1. */
int img_archive_failed(struct img_archive *a, const char *member,
		       struct img_err *err);
/* Sets err, once, if a sector that was handed to libarchive could not be read;
   member as above. */
int img_archive_bad(struct img_archive *a, const char *member,
		    struct img_err *err);
/* Whether out bytes are not too many for what was read; else a->dead. */
int img_archive_ratio_ok(struct img_archive *a, uint64_t out);
/* The member's next bytes without its locale: as img_archive_block. */
ssize_t img_archive_more(struct img_archive *a, const void **p,
			 struct img_err *err);

#endif
