/*
 * unpack.c - the stream inside a compressed one.  gzip is zlib's own reader,
 * because libarchive's does not check the sum at the end of a gzip member.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "archive/parts.h"

struct img_unpack {
	enum img_filter_kind kind;
	struct img_source *in;
	struct archive *la; /* bzip2, xz, zstd */
	struct img_window *window;
	z_stream z; /* gzip */
	uint8_t *out;
	const uint8_t *next;
	size_t left;
	bool zlib, inside, done;
	struct img_err late; /* reported after the bytes before it */
};

static la_ssize_t feed(struct archive *la, void *arg, const void **p)
{
	struct img_unpack *u = arg;
	ssize_t n = -1;

	if (u->late.code == IMG_OK)
		n = img_source_read(u->in, p);
	else
		u->in->err = u->late;
	if (n > 0 && u->window) {
		n = (ssize_t)img_window_pass(u->window, *p, (size_t)n,
					     &u->late);
		if (n == 0) {
			u->in->err = u->late;
			n = -1;
		}
	}
	if (n < 0)
		archive_set_error(la, EIO, "input");
	return n;
}

static int add_filter(struct archive *la, enum img_filter_kind kind)
{
	switch (kind) {
	case IMG_FILTER_BZIP2:
		return archive_read_support_filter_bzip2(la);
	case IMG_FILTER_XZ:
		return archive_read_support_filter_xz(la);
	case IMG_FILTER_ZSTD:
		return archive_read_support_filter_zstd(la);
	default:
		return ARCHIVE_FATAL;
	}
}

/* Why libarchive stopped; the source's own failure comes first. */
static int stopped(struct img_unpack *u, struct img_err *err)
{
	const char *text = archive_error_string(u->la);

	if (u->in->err.code != IMG_OK) {
		if (err->code == IMG_OK)
			*err = u->in->err;
		return -1;
	}
	if (archive_errno(u->la) == ENOMEM)
		return img_err_set(err, IMG_E_NOMEM,
				   "%s: no memory for its %s stream",
				   u->in->name, img_filter_word(u->kind));
	if (u->in->ended || (text && strstr(text, "runcated")))
		return img_err_set(err, IMG_E_TRUNCATED,
				   "%s: ends inside its %s stream, after %llu "
				   "bytes",
				   u->in->name, img_filter_word(u->kind),
				   (unsigned long long)img_source_in(u->in));
	return img_err_set(err, IMG_E_MALFORMED, "%s: damaged %s stream",
			   u->in->name, img_filter_word(u->kind));
}

static int open_la(struct img_unpack *u, struct img_err *err)
{
	struct archive_entry *entry;

	u->la = archive_read_new();
	if (!u->la || archive_read_support_format_raw(u->la) != ARCHIVE_OK ||
	    archive_read_support_format_empty(u->la) != ARCHIVE_OK ||
	    add_filter(u->la, u->kind) != ARCHIVE_OK ||
	    archive_read_set_callback_data(u->la, u) != ARCHIVE_OK)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory",
				   u->in->name);
	if (archive_read_open(u->la, u, NULL, feed, NULL) != ARCHIVE_OK)
		return stopped(u, err);
	switch (archive_read_next_header(u->la, &entry)) {
	case ARCHIVE_OK:
		return 0;
	case ARCHIVE_EOF:
		u->done = true;
		return 0;
	default:
		return stopped(u, err);
	}
}

static int open_gzip(struct img_unpack *u, struct img_err *err)
{
	u->out = malloc(IMG_SOURCE_BLOCK);
	if (!u->out || inflateInit2(&u->z, 15 + 16) != Z_OK)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory",
				   u->in->name);
	u->zlib = true;
	return 0;
}

int img_unpack_new(struct img_unpack **out, enum img_filter_kind kind,
		   struct img_source *in, struct img_err *err)
{
	struct img_unpack *u = calloc(1, sizeof(*u));
	int rc = -1;

	*out = u;
	if (!u)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory",
				   in->name);
	u->kind = kind;
	u->in = in;
	if (kind == IMG_FILTER_GZIP)
		return open_gzip(u, err);
	if (kind != IMG_FILTER_BZIP2) {
		u->window = img_window_new(kind, in->name, err);
		if (!u->window)
			goto out;
	}
	rc = open_la(u, err);
out:
	return rc;
}

void img_unpack_free(struct img_unpack *u)
{
	if (!u)
		return;
	if (u->la)
		archive_read_free(u->la);
	if (u->zlib)
		inflateEnd(&u->z);
	img_window_free(u->window);
	free(u->out);
	free(u);
}

/* ---- gzip (RFC 1952) ----------------------------------------------------- */

/* Makes sure that there is input; 0 at its end. */
static int more(struct img_unpack *u, struct img_err *err)
{
	const void *p;
	ssize_t n;

	if (u->left)
		return 1;
	n = img_source_read(u->in, &p);
	if (n < 0) {
		*err = u->in->err;
		return -1;
	}
	u->next = p;
	u->left = (size_t)n;
	return n > 0;
}

/* Between members: another member, or zero bytes of padding to the end. */
static int next_member(struct img_unpack *u, struct img_err *err)
{
	int rc;

	while ((rc = more(u, err)) > 0 && u->next[0] == 0) {
		u->next++;
		u->left--;
	}
	if (rc <= 0)
		return rc;
	if (u->next[0] != 0x1F)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: bytes after the end of its gzip stream",
				   u->in->name);
	inflateReset(&u->z);
	return 1;
}

static int inflate_some(struct img_unpack *u, struct img_err *err)
{
	int rc = more(u, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return img_err_set(err, IMG_E_TRUNCATED,
				   "%s: ends inside its gzip stream, after "
				   "%llu bytes",
				   u->in->name,
				   (unsigned long long)img_source_in(u->in));
	u->z.next_in = (Bytef *)u->next;
	u->z.avail_in = (uInt)u->left;
	rc = inflate(&u->z, Z_NO_FLUSH);
	u->next += u->left - u->z.avail_in;
	u->left = u->z.avail_in;
	if (rc == Z_STREAM_END)
		u->inside = false;
	else if (rc != Z_OK && rc != Z_BUF_ERROR)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: damaged gzip stream (%s)", u->in->name,
				   u->z.msg ? u->z.msg : "inflate");
	return 0;
}

static ssize_t read_gzip(struct img_unpack *u, const void **p,
			 struct img_err *err)
{
	int rc = 1;

	u->z.next_out = u->out;
	u->z.avail_out = IMG_SOURCE_BLOCK;
	while (rc > 0 && u->z.avail_out && u->late.code == IMG_OK) {
		if (!u->inside)
			rc = next_member(u, &u->late);
		u->inside = u->inside || rc > 0;
		if (rc > 0 && inflate_some(u, &u->late) < 0)
			rc = -1;
	}
	*p = u->out;
	if (u->z.avail_out < IMG_SOURCE_BLOCK)
		return (ssize_t)(IMG_SOURCE_BLOCK - u->z.avail_out);
	if (u->late.code == IMG_OK)
		return 0;
	*err = u->late;
	return -1;
}

ssize_t img_unpack_read(void *arg, const void **p, struct img_err *err)
{
	struct img_unpack *u = arg;
	int64_t at;
	size_t n = 0;
	int rc;

	if (u->kind == IMG_FILTER_GZIP)
		return read_gzip(u, p, err);
	if (u->done)
		return 0;
	do {
		rc = archive_read_data_block(u->la, p, &n, &at);
	} while (rc == ARCHIVE_OK && n == 0);
	if (rc == ARCHIVE_OK)
		return (ssize_t)n;
	u->done = true;
	if (rc == ARCHIVE_EOF && u->in->err.code == IMG_OK)
		return 0;
	return stopped(u, err);
}
