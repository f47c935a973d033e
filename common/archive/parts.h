/*
 * parts.h - what the files of this room share; no other room includes it.
 *
 * source -> [unpack -> source] -> libarchive's format reader.  The filters run
 * in a layer of their own, so that the bytes of the tar inside are counted and
 * its end is seen.
 */
#ifndef IMG_ARCHIVE_PARTS_H
#define IMG_ARCHIVE_PARTS_H

#include "archive/archive.h"

#define IMG_SOURCE_BLOCK   (256 * 1024)
#define IMG_SOURCE_SECTOR  2048
#define IMG_ARCHIVE_WINDOW (32u << 20) /* dictionary of xz, window of zstd */

typedef ssize_t img_source_fn(void *arg, const void **p, struct img_err *err);

/* ---- bytes in --------------------------------------------------------- */

struct img_source {
	const char *name;
	img_source_fn *read; /* NULL: fd */
	void *arg;
	int fd;
	int64_t base; /* where fd stood */
	int64_t size; /* bytes from base on; -1: cannot seek */
	int64_t at;   /* offset of the next byte handed out */
	uint8_t *buf; /* fd: the bytes [from, from + have), room for more */
	int64_t from;
	size_t have, room;
	/* Of a disc a sector that cannot be read becomes zeros and bad its
	   offset, for the reader to say so and to set it to -1 again. */
	bool disc, blank; /* blank: buf is such a sector */
	int64_t bad;
	int64_t careful; /* up to here less is read at a time */
	uint8_t *head;   /* the first bytes, until they are handed out */
	size_t head_n;
	const uint8_t *rest; /* what the head did not take of a block */
	size_t rest_n;
	const uint8_t *last; /* the block handed out last */
	size_t last_n;
	uint64_t in;    /* bytes read, again and again counted */
	unsigned zeros; /* zero bytes handed out last, up to 512 */
	bool ended;     /* the end was met */
	struct img_err err;
};

int img_source_fd(struct img_source *s, int fd, const char *name,
		  struct img_err *err);
int img_source_fn_init(struct img_source *s, img_source_fn *read, void *arg,
		       const char *name, struct img_err *err);
void img_source_release(struct img_source *s);
/* Of the image of a disc: where a later session begins, or -1. */
int64_t img_source_later_session(const struct img_source *s);
/* The first bytes, up to IMG_ARCHIVE_HEAD, without taking them. */
int img_source_head(struct img_source *s, const uint8_t **p, size_t *n);
/* A block: its size, 0 at the end, -1 with s->err. */
ssize_t img_source_read(struct img_source *s, const void **p);
/* How far it went; at most to the end. */
int64_t img_source_skip(struct img_source *s, int64_t n);
/* at, or -1: there is no such place. */
int64_t img_source_seek(struct img_source *s, int64_t at);
/* Bytes of the input that were needed so far, no byte twice. */
uint64_t img_source_in(const struct img_source *s);

/* ---- what the bytes are ------------------------------------------------ */

enum img_filter_kind {
	IMG_FILTER_NONE,
	IMG_FILTER_GZIP,
	IMG_FILTER_BZIP2,
	IMG_FILTER_XZ,
	IMG_FILTER_ZSTD
};
enum img_filter_kind img_filter_sniff(const uint8_t *p, size_t n);
const char *img_filter_word(enum img_filter_kind kind);

/* The end of a zip's central directory, PKWARE APPNOTE 4.3.16. */
struct img_zip_end {
	bool found, split;
	uint64_t members;
};
/* tail: the last bytes of the file, up to IMG_ZIP_TAIL. */
#define IMG_ZIP_TAIL (65535 + 22 + 20 + 56)
void img_zip_end(struct img_zip_end *end, const uint8_t *tail, size_t n);

/* ---- filters ----------------------------------------------------------- */

struct img_unpack;
int img_unpack_new(struct img_unpack **u, enum img_filter_kind kind,
		   struct img_source *in, struct img_err *err);
void img_unpack_free(struct img_unpack *u);
img_source_fn img_unpack_read; /* arg: struct img_unpack */

/*
 * Follows the framing of an xz or zstd stream and refuses a dictionary or
 * window over IMG_ARCHIVE_WINDOW before a decoder reserves it.
 */
struct img_window;
struct img_window *img_window_new(enum img_filter_kind kind, const char *name,
				  struct img_err *err);
void img_window_free(struct img_window *w);
/* How many of the bytes may go to the decoder; fewer than n with err. */
size_t img_window_pass(struct img_window *w, const uint8_t *p, size_t n,
		       struct img_err *err);

/* ---- names -------------------------------------------------------------- */

enum img_name_from { IMG_NAME_TAR, IMG_NAME_ZIP, IMG_NAME_ISO };
/* The safe form of a raw name into out; NULL, or why it is refused. */
const char *img_archive_name(char out[IMG_PATH_MAX], const char *raw,
			     enum img_name_from from);

#endif
