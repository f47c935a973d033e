/* archive.c - open an archive and walk its members. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "archive/walk.h"

/* libarchive keeps every member of a zip's central directory in memory. */
#define ZIP_SEEK_MEMBERS 50000
/* ... and every entry of an image's folders, with no other way. */
#define ISO_MEMORY  ((size_t)40 << 20)
#define ISO_RECORDS 12 /* bytes kept for a byte of a folder, at worst */

/* Bytes of the heap.  A sanitizer has a heap of its own, and the system's may
   not even have begun. */
static size_t in_use(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return 0;
#else
	struct mallinfo2 heap = mallinfo2();

	return heap.uordblks + heap.hblkhd;
#endif
}

/* Whether the folders of an image, those just being read included, take too
   much memory; n more bytes are about to be read. */
static bool is_crowded(struct img_archive *a, size_t n)
{
	size_t now;

	if (a->kind != IMG_ARCHIVE_ISO || !a->heading)
		return false;
	now = in_use();
	now = now > a->heap ? now - a->heap : 0;
	a->fed += n;
	return now + (a->fed - n) * ISO_RECORDS > ISO_MEMORY;
}

static la_ssize_t feed(struct archive *la, void *arg, const void **p)
{
	struct img_archive *a = arg;
	ssize_t n = img_source_read(a->src, p);

	if (n < 0)
		archive_set_error(la, EIO, "input");
	if (n > 0 && is_crowded(a, (size_t)n)) {
		img_err_set(&a->dead, IMG_E_LIMIT,
			    "%s: too many files for an ISO 9660 image",
			    a->name);
		archive_set_error(la, EIO, "limit");
		n = -1;
	}
	if (n > 0 && a->src == &a->plain &&
	    img_archive_ratio_ok(a, a->plain.in) < 0) {
		archive_set_error(la, EIO, "limit");
		n = -1;
	}
	return n;
}

static la_int64_t skip(struct archive *la, void *arg, la_int64_t n)
{
	struct img_archive *a = arg;

	(void)la;
	return img_source_skip(a->src, n);
}

static la_int64_t seek(struct archive *la, void *arg, la_int64_t at, int whence)
{
	struct img_archive *a = arg;

	(void)la;
	if (whence == SEEK_CUR)
		at += a->src->at;
	else if (whence == SEEK_END)
		at += a->src->size;
	at = img_source_seek(a->src, at);
	return at < 0 ? ARCHIVE_FATAL : at;
}

/* Reads the end of a zip that can be sought, to choose how to read it. */
static int look_at_zip(struct img_archive *a, struct img_err *err)
{
	struct img_zip_end end = { 0 };
	size_t n = IMG_ZIP_TAIL;
	uint8_t *tail;
	ssize_t got;
	bool bare;

	a->streamed = true;
	if (a->src->size < 0)
		return 0;
	if ((int64_t)n > a->src->size)
		n = (size_t)a->src->size;
	tail = malloc(n ? n : 1);
	if (!tail)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory",
				   a->name);
	got = img_pread_full(a->raw.fd, tail, n,
			     a->raw.base + a->raw.size - (int64_t)n);
	if (got < 0)
		img_err_sys(err, "%s: cannot be read", a->name);
	else
		img_zip_end(&end, tail, (size_t)got);
	/* libarchive finds no directory in a zip without members. */
	bare = got >= 4 && got == a->src->size &&
	       memcmp(tail, "PK\5\6", 4) == 0;
	free(tail);
	if (got >= 0 && end.split)
		img_err_set(err, IMG_E_UNSUPPORTED,
			    "%s: one part of a split "
			    "zip: join the parts first (zip -s 0)",
			    a->name);
	/* Where the directory is empty, members may lie in front of it. */
	a->streamed = bare || !end.members || end.members > ZIP_SEEK_MEMBERS;
	a->listed = end.members;
	return err->code == IMG_OK ? 0 : -1;
}

static int add_format(struct img_archive *a)
{
	int rc;

	switch (a->kind) {
	case IMG_ARCHIVE_ZIP:
		/* Both: it looks for the directory in the last 16 KiB. */
		return a->streamed ? archive_read_support_format_zip_streamable(
					     a->la)
				   : archive_read_support_format_zip(a->la);
	case IMG_ARCHIVE_ISO:
		return archive_read_support_format_iso9660(a->la);
	default:
		rc = archive_read_support_format_tar(a->la);
		if (rc == ARCHIVE_OK) /* so that the end is the very end */
			rc = archive_read_set_format_option(
				a->la, "tar", "read_concatenated_archives",
				"1");
		return rc;
	}
}

static int open_format(struct img_archive *a, struct img_err *err)
{
	int rc;

	if (a->kind == IMG_ARCHIVE_ZIP && look_at_zip(a, err) < 0)
		return -1;
	a->heap = in_use();
	a->la = archive_read_new();
	/* Without its data libarchive opens all the same, and crashes. */
	if (!a->la || add_format(a) != ARCHIVE_OK ||
	    archive_read_set_callback_data(a->la, a) != ARCHIVE_OK)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory",
				   a->name);
	if (a->limits.passphrase &&
	    archive_read_add_passphrase(a->la, a->limits.passphrase) !=
		    ARCHIVE_OK)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory",
				   a->name);
	archive_read_set_read_callback(a->la, feed);
	if (a->src->size >= 0) {
		archive_read_set_skip_callback(a->la, skip);
		archive_read_set_seek_callback(a->la, seek);
	}
	rc = archive_read_open1(a->la);
	return rc == ARCHIVE_OK ? 0 : img_archive_failed(a, NULL, err);
}

/* Puts the filter in; what is inside must be a tar. */
static int open_filter(struct img_archive *a, const uint8_t *p, size_t n,
		       struct img_err *err)
{
	enum img_filter_kind filter = img_filter_sniff(p, n);

	if (img_unpack_new(&a->unpack, filter, &a->raw, err) < 0 ||
	    img_source_fn_init(&a->plain, img_unpack_read, a->unpack, a->name,
			       err) < 0)
		return -1;
	a->src = &a->plain;
	if (img_source_head(&a->plain, &p, &n) < 0) {
		*err = a->plain.err;
		return -1;
	}
	a->kind = img_archive_sniff(p, n);
	if (a->kind != IMG_ARCHIVE_TAR && a->plain.err.code != IMG_OK) {
		*err = a->plain.err;
		return -1;
	}
	if (a->kind == IMG_ARCHIVE_NONE && n >= 512 && n % 512 == 0 &&
	    memcmp(p, p + 1, n - 1) == 0 && p[0] == 0)
		a->kind = IMG_ARCHIVE_TAR; /* a tar without members */
	if (a->kind != IMG_ARCHIVE_TAR)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%s: compressed by %s, and no tar is inside",
				   a->name, img_filter_word(filter));
	return 0;
}

static int open_source(struct img_archive *a, struct img_err *err)
{
	const char *foreign;
	const uint8_t *p;
	size_t n;

	if (img_source_head(&a->raw, &p, &n) < 0) {
		*err = a->raw.err;
		return -1;
	}
	a->kind = img_archive_sniff(p, n);
	a->raw.disc = a->kind == IMG_ARCHIVE_ISO;
	if (a->kind == IMG_ARCHIVE_NONE) {
		foreign = img_archive_foreign(p, n);
		return img_err_set(err, IMG_E_UNSUPPORTED, "%s: %s%s", a->name,
				   foreign ? foreign : "not an archive",
				   " (zip, tar and ISO 9660 are read)");
	}
	if (a->kind == IMG_ARCHIVE_COMPRESSED && open_filter(a, p, n, err) < 0)
		return -1;
	return open_format(a, err);
}

void img_archive_defaults(struct img_archive_limits *l)
{
	if (!l->members)
		l->members = 10000000;
	if (!l->member)
		l->member = (uint64_t)64 << 30;
	if (!l->total)
		l->total = (uint64_t)1 << 40;
	if (!l->ratio)
		l->ratio = 200;
}

/* What libc may load for it, it loads once: another newlocale() may look for
   files again. */
static struct {
	bool warm;
	locale_t utf8;
} kept;

int img_archive_warm_up(struct img_err *err)
{
	if (kept.utf8)
		return 0;
	kept.utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (!kept.utf8 && errno == ENOMEM)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	kept.warm = true;
	return 0;
}

static locale_t utf8(void)
{
	if (!kept.warm)
		return newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	return kept.utf8 ? duplocale(kept.utf8) : (locale_t)0;
}

static struct img_archive *new_archive(const char *name,
				       const struct img_archive_limits *limits,
				       struct img_err *err)
{
	struct img_archive *a = calloc(1, sizeof(*a));

	if (a)
		a->name = strdup(name);
	if (!a || !a->name) {
		free(a);
		img_err_set(err, IMG_E_NOMEM, "%s: out of memory", name);
		return NULL;
	}
	if (limits)
		a->limits = *limits;
	img_archive_defaults(&a->limits);
	a->src = &a->raw;
	/* libarchive converts names to the locale's character set */
	errno = 0;
	a->utf8 = utf8();
	if (!a->utf8 && errno == ENOMEM) {
		img_archive_close(a);
		img_err_set(err, IMG_E_NOMEM, "%s: out of memory", name);
		return NULL;
	}
	return a;
}

static int open_any(struct img_archive **out, int fd, img_source_fn *read,
		    void *arg, const char *name,
		    const struct img_archive_limits *limits,
		    struct img_err *err)
{
	struct img_archive *a = new_archive(name, limits, err);
	locale_t old;
	int rc;

	*out = NULL;
	if (!a)
		return -1;
	if (read)
		rc = img_source_fn_init(&a->raw, read, arg, a->name, err);
	else
		rc = img_source_fd(&a->raw, fd, a->name, err);
	if (rc == 0) {
		old = img_archive_locale(a);
		rc = open_source(a, err);
		uselocale(old);
	}
	if (rc < 0) {
		img_archive_close(a);
		return -1;
	}
	*out = a;
	return 0;
}

int img_archive_open_fd(struct img_archive **a, int fd, const char *name,
			const struct img_archive_limits *limits,
			struct img_err *err)
{
	return open_any(a, fd, NULL, NULL, name, limits, err);
}

int img_archive_open_fn(struct img_archive **a,
			ssize_t (*read)(void *arg, const void **p,
					struct img_err *err),
			void *arg, const char *name,
			const struct img_archive_limits *limits,
			struct img_err *err)
{
	return open_any(a, -1, read, arg, name, limits, err);
}

void img_archive_close(struct img_archive *a)
{
	if (!a)
		return;
	if (a->la)
		archive_read_free(a->la);
	img_unpack_free(a->unpack);
	img_source_release(&a->plain);
	img_source_release(&a->raw);
	if (a->utf8)
		freelocale(a->utf8);
	free(a->name);
	free(a);
}
