/*
 * iso.c - ISO 9660 images.
 *
 * libarchive writes members into a temporary file first and copies them from
 * there; and at level 1 it leaves out what is too long without saying so.  So
 * it is given the names alone, as empty members: what it makes of them are
 * descriptors, path tables and folders with all names.  These are kept in
 * memory, while the members' bytes are written behind the room they will
 * take; at the end the places, sizes and times of the members are filled in
 * (ECMA-119 9.1, SUSP and RRIP TF), and they are written in front.
 *
 * Which record is whose is told by its time: members get times of their own,
 * a second apart, before they get the right ones.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "archive/iso.h"

#define FIRST_TIME 946684800 /* 2000-01-01, and 2^31 seconds from there */
#define PAD        150       /* sectors at the end, for drives that read on */
#define TABLES_MAX ((size_t)2 << 30)
#define MEMBERS    4000000u

static la_ssize_t keep(struct archive *la, void *arg, const void *p, size_t n)
{
	struct img_buf *b = arg;
	struct img_err err = IMG_ERR_INIT;

	if (img_buf_add(b, p, n, &err) == 0)
		return (la_ssize_t)n;
	archive_set_error(la, ENOMEM, "too many names");
	return -1;
}

static int set_options(struct img_archive_out *o, struct archive *la)
{
	char text[256];
	int rc = archive_write_set_format_iso9660(la);

	/* PS3.12 wants level 1; the others read their own trees. */
	snprintf(text, sizeof(text),
		 "iso9660:volume-id=%s,iso9660:iso-level=1,"
		 "iso9660:joliet,iso9660:rockridge=useful,iso9660:!pad,"
		 "iso9660:application-id=IMGTOOLS",
		 o->how.volume ? o->how.volume : "IMAGES");
	if (rc == ARCHIVE_OK)
		rc = archive_write_set_options(la, text);
	if (rc == ARCHIVE_OK)
		rc = archive_write_set_bytes_per_block(la, 0);
	return rc;
}

static int add_name(struct img_archive_out *o, struct archive *la,
		    const char *name, size_t i)
{
	struct archive_entry *e = archive_entry_new2(la);
	int rc;

	if (!e)
		return ARCHIVE_FATAL;
	(void)o;
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0444);
	archive_entry_set_nlink(e, 1);
	archive_entry_set_mtime(e, FIRST_TIME + (time_t)i, 0);
	archive_entry_set_size(e, 0);
	archive_entry_set_pathname(e, name);
	rc = archive_write_header(la, e);
	archive_entry_free(e);
	return rc;
}

/* What libarchive makes of n names and of more that are not known yet. */
static int make_tables(struct img_archive_out *o, const char *const *names,
		       size_t n, size_t more, struct img_buf *out,
		       struct img_err *err)
{
	struct archive *la = archive_write_new();
	locale_t old = uselocale(o->utf8);
	int rc = la ? set_options(o, la) : ARCHIVE_FATAL;
	char name[64];

	if (rc == ARCHIVE_OK)
		rc = archive_write_open(la, out, NULL, keep, NULL);
	for (size_t i = 0; rc == ARCHIVE_OK && i < n; i++)
		rc = add_name(o, la, names[i], i);
	for (size_t i = 0; rc == ARCHIVE_OK && i < more; i++) {
		snprintf(name, sizeof(name), "MORE%04zu/OTHER%07zu.TXT",
			 i / 512, i);
		rc = add_name(o, la, name, n + i);
	}
	/* Any warning is a name that was changed or left out. */
	if (rc == ARCHIVE_OK)
		rc = archive_write_close(la);
	if (rc != ARCHIVE_OK)
		out_failed(o, la, err);
	archive_write_free(la);
	uselocale(old);
	return rc == ARCHIVE_OK ? 0 : -1;
}

static int seek(struct img_archive_out *o, uint64_t sector, struct img_err *err)
{
	off_t at = o->iso->base + (off_t)(sector * SECTOR);

	if (lseek(o->fd, at, SEEK_SET) != at)
		return img_err_sys(err, "%s", o->name);
	return 0;
}

int iso_create(struct img_archive_out *o, struct img_err *err)
{
	struct iso *iso = calloc(1, sizeof(*iso));

	if (!iso)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory",
				   o->name);
	o->iso = iso;
	img_buf_init(&iso->tables, TABLES_MAX);
	o->buf = malloc(OUT_BUFFER);
	if (!o->buf)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory",
				   o->name);
	iso->base = lseek(o->fd, 0, SEEK_CUR);
	if (iso->base < 0)
		return img_err_sys(err, "%s", o->name);
	if (make_tables(o, o->how.names, o->how.n, o->how.more, &iso->tables,
			err) < 0)
		return -1;
	iso->first = (iso->tables.len + SECTOR - 1) / SECTOR;
	iso->next = iso->first;
	img_buf_release(&iso->tables);
	img_buf_init(&iso->tables, TABLES_MAX);
	return seek(o, iso->first, err);
}

void iso_discard(struct iso *iso)
{
	if (!iso)
		return;
	for (size_t i = 0; i < iso->n; i++)
		free(iso->member[i].name);
	free(iso->member);
	img_buf_release(&iso->tables);
	free(iso);
}

static int fill_sector(struct img_archive_out *o, struct img_err *err)
{
	static const uint8_t zeros[SECTOR];
	struct iso *iso = o->iso;
	size_t part;

	if (!iso->n)
		return 0;
	part = iso->member[iso->n - 1].size % SECTOR;
	return part && out_write(o, zeros, SECTOR - part) < 0
		       ? out_failed(o, NULL, err)
		       : 0;
}

int iso_begin(struct img_archive_out *o, const char *name, uint64_t size,
	      int64_t mtime, struct img_err *err)
{
	struct iso *iso = o->iso;
	size_t room = iso->room ? 2 * iso->room : 256;
	struct iso_member *m;

	if (size > IMG_ISO_MEMBER_MAX || iso->n == MEMBERS)
		return img_err_set(err, IMG_E_LIMIT,
				   "%s: too much for ISO 9660 level 1",
				   o->name);
	if (iso->n == iso->room) {
		m = reallocarray(iso->member, room, sizeof(*m));
		if (!m)
			return img_err_set(err, IMG_E_NOMEM,
					   "%s: out of memory", o->name);
		iso->member = m;
		iso->room = room;
	}
	if (fill_sector(o, err) < 0)
		return -1;
	m = &iso->member[iso->n];
	m->name = strdup(name);
	if (!m->name)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory",
				   o->name);
	m->sector = size ? iso->next : 0;
	m->size = size;
	m->mtime = mtime;
	iso->next += (size + SECTOR - 1) / SECTOR;
	iso->n++;
	if (iso->next > UINT32_MAX - PAD)
		return img_err_set(err, IMG_E_LIMIT,
				   "%s: too much for an ISO 9660 image",
				   o->name);
	return 0;
}

static int end_tables(struct img_archive_out *o, struct img_err *err)
{
	struct iso *iso = o->iso;
	const char **names = reallocarray(NULL, iso->n + 1, sizeof(*names));
	int rc;

	if (!names)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory",
				   o->name);
	for (size_t i = 0; i < iso->n; i++)
		names[i] = iso->member[i].name;
	rc = make_tables(o, names, iso->n, 0, &iso->tables, err);
	free(names);
	if (rc == 0 && iso->tables.len > iso->first * SECTOR)
		rc = img_err_set(err, IMG_E_BUG,
				 "%s: more names than announced", o->name);
	return rc;
}

int iso_finish(struct img_archive_out *o, struct img_err *err)
{
	static const uint8_t zeros[SECTOR];
	struct iso *iso = o->iso;

	if (fill_sector(o, err) < 0)
		return -1;
	for (unsigned i = 0; i < PAD; i++)
		if (out_write(o, zeros, SECTOR) < 0)
			return out_failed(o, NULL, err);
	if (out_flush(o) < 0)
		return out_failed(o, NULL, err);
	if (end_tables(o, err) < 0 ||
	    iso_patch(iso, iso->next + PAD, FIRST_TIME, o->how.time, o->name,
		      err) < 0 ||
	    seek(o, 0, err) < 0)
		return -1;
	if (img_write_full(o->fd, iso->tables.data, iso->tables.len) < 0)
		return img_err_sys(err, "%s", o->name);
	return seek(o, iso->next + PAD, err);
}
