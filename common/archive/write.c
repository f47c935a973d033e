/* write.c - tar and zip files; the door of writing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/out.h"

int out_flush(struct img_archive_out *o)
{
	size_t n = o->have;

	o->have = 0;
	if (n && img_write_full(o->fd, o->buf, n) < 0) {
		img_err_sys(&o->dead, "%s", o->name);
		return -1;
	}
	return 0;
}

int out_write(struct img_archive_out *o, const void *p, size_t n)
{
	if (o->have + n > OUT_BUFFER && out_flush(o) < 0)
		return -1;
	if (n >= OUT_BUFFER) {
		if (img_write_full(o->fd, p, n) < 0) {
			img_err_sys(&o->dead, "%s", o->name);
			return -1;
		}
		return 0;
	}
	memcpy(o->buf + o->have, p, n);
	o->have += n;
	return 0;
}

int out_failed(struct img_archive_out *o, struct archive *la,
	       struct img_err *err)
{
	const char *text = la ? archive_error_string(la) : NULL;

	if (o->dead.code != IMG_OK) {
		*err = o->dead;
		return -1;
	}
	return img_err_set(err, IMG_E_IO, "%s: cannot be written: %s", o->name,
			   text ? text : "no reason given");
}

static la_ssize_t take(struct archive *la, void *arg, const void *p, size_t n)
{
	struct img_archive_out *o = arg;

	/* It is told nothing of failures, or it would not free all it has; they
	   are found in dead. */
	(void)la;
	if (o->dead.code == IMG_OK)
		(void)out_write(o, p, n);
	return (la_ssize_t)n;
}

/* pax_restricted is ustar but for the members that need more. */
static int set_format(struct img_archive_out *o)
{
	struct archive *la = o->la;
	int rc;

	if (o->how.kind == IMG_ARCHIVE_TAR)
		rc = archive_write_set_format_pax_restricted(la);
	else
		rc = archive_write_set_format_zip(la);
	if (rc == ARCHIVE_OK && o->how.kind == IMG_ARCHIVE_ZIP)
		rc = archive_write_set_options(
			la, o->how.deflate
				    ? "zip:compression=deflate,hdrcharset=UTF-8"
				    : "zip:compression=store,hdrcharset=UTF-8");
	if (rc == ARCHIVE_OK && o->how.passphrase) {
		rc = archive_write_set_options(la, "zip:encryption=aes256");
		if (rc == ARCHIVE_OK)
			rc = archive_write_set_passphrase(la,
							  o->how.passphrase);
	}
	if (rc == ARCHIVE_OK)
		rc = archive_write_set_bytes_per_block(la, 0);
	return rc;
}

static int start(struct img_archive_out *o, struct img_err *err)
{
	locale_t old;
	int rc;

	o->la = archive_write_new();
	o->entry = archive_entry_new();
	o->buf = malloc(OUT_BUFFER);
	if (!o->la || !o->entry || !o->buf)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory",
				   o->name);
	old = uselocale(o->utf8);
	rc = set_format(o);
	if (rc == ARCHIVE_OK)
		rc = archive_write_open(o->la, o, NULL, take, NULL);
	uselocale(old);
	return rc == ARCHIVE_OK ? 0 : out_failed(o, o->la, err);
}

int img_archive_create(struct img_archive_out **out, int fd, const char *name,
		       const struct img_archive_make *how, struct img_err *err)
{
	struct img_archive_out *o = calloc(1, sizeof(*o));

	if (!o)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory", name);
	o->how = *how;
	o->fd = fd;
	o->name = strdup(name);
	o->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (!o->name || !o->utf8) {
		img_err_set(err, IMG_E_NOMEM, "%s: out of memory", name);
		img_archive_discard(o);
		return -1;
	}
	if ((how->kind == IMG_ARCHIVE_ISO ? iso_create(o, err)
					  : start(o, err)) < 0) {
		img_archive_discard(o);
		return -1;
	}
	*out = o;
	return 0;
}

/* A warning is a name or a size that was changed. */
static bool is_well(const struct img_archive_out *o, int rc)
{
	return rc == ARCHIVE_OK && o->dead.code == IMG_OK;
}

static int check_whole(const struct img_archive_out *o, struct img_err *err)
{
	return o->left == 0
		       ? 0
		       : img_err_set(err, IMG_E_BUG,
				     "%s: a member is shorter than announced",
				     o->name);
}

int img_archive_begin(struct img_archive_out *o, const char *name,
		      uint64_t size, int64_t mtime, struct img_err *err)
{
	locale_t old;
	int rc;

	if (check_whole(o, err) < 0)
		return -1;
	o->left = size;
	if (o->how.kind == IMG_ARCHIVE_ISO)
		return iso_begin(o, name, size, mtime, err);
	archive_entry_clear(o->entry);
	archive_entry_set_filetype(o->entry, AE_IFREG);
	archive_entry_set_perm(o->entry, 0644);
	archive_entry_set_mtime(o->entry, mtime, 0);
	archive_entry_set_size(o->entry, (la_int64_t)size);
	old = uselocale(o->utf8);
	archive_entry_set_pathname(o->entry, name);
	rc = archive_write_header(o->la, o->entry);
	uselocale(old);
	return is_well(o, rc) ? 0 : out_failed(o, o->la, err);
}

int img_archive_put(struct img_archive_out *o, const void *p, size_t n,
		    struct img_err *err)
{
	if (n > o->left)
		return img_err_set(err, IMG_E_BUG,
				   "%s: a member is longer than announced",
				   o->name);
	o->left -= n;
	if (o->how.kind == IMG_ARCHIVE_ISO)
		return out_write(o, p, n) == 0 ? 0 : out_failed(o, NULL, err);
	while (n > 0) {
		la_ssize_t put = archive_write_data(o->la, p, n);

		if (put <= 0 || o->dead.code != IMG_OK)
			return out_failed(o, o->la, err);
		p = (const char *)p + put;
		n -= (size_t)put;
	}
	return 0;
}

int img_archive_finish(struct img_archive_out *o, struct img_err *err)
{
	locale_t old;
	int rc;

	if (check_whole(o, err) < 0)
		return -1;
	if (o->how.kind == IMG_ARCHIVE_ISO)
		return iso_finish(o, err);
	old = uselocale(o->utf8);
	rc = archive_write_close(o->la);
	uselocale(old);
	if (!is_well(o, rc))
		return out_failed(o, o->la, err);
	return out_flush(o) == 0 ? 0 : out_failed(o, NULL, err);
}

void img_archive_discard(struct img_archive_out *o)
{
	if (!o)
		return;
	/* Freeing it writes the end: to nowhere. */
	if (o->dead.code == IMG_OK)
		o->dead.code = IMG_E_BUG;
	if (o->la)
		archive_write_free(o->la);
	if (o->entry)
		archive_entry_free(o->entry);
	iso_discard(o->iso);
	if (o->utf8)
		freelocale(o->utf8);
	free(o->buf);
	free(o->name);
	free(o);
}
