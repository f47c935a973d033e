/*
 * verify_media.c - is a medium what it says: every file readable, as its
 * DICOMDIR lists it, and with the digest that its MANIFEST.TXT gives.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "archive/archive.h"
#include "media/media.h"
#include "work/verify_manifest.h"
#include "work/verify_private.h"

struct medium {
	struct img_verify *v;
	struct img_media_check *check;
	struct img_dicom_reader *reader;
	struct manifest *manifest;
	uint64_t files, faults, unread;
	bool dicomdir, unread_dicomdir;
};

static int tell(struct medium *m, const char *status, const char *path,
		const char *fault, uint32_t tag, const char *text,
		struct img_err *err)
{
	struct img_record rec;
	char extra[96], name[12];

	img_record_init(&rec);
	m->faults++;
	rec.status = status;
	rec.path = path;
	rec.reason = text;
	img_dict_format_tag(tag, name);
	snprintf(extra, sizeof(extra),
		 tag ? "\"rule\":\"%s\",\"tag\":\"%s\"" : "\"rule\":\"%s\"",
		 fault, name);
	rec.extra = extra;
	return verify_emit(m->v, &rec) < 0
		       ? img_err_set(err, IMG_E_IO, "stdout")
		       : 0;
}

/* Without the names before it. */
static const char *reason_of(const struct img_err *why)
{
	const char *reason = why->text, *p;

	while ((p = strstr(reason, ": ")) != NULL)
		reason = p + 2;
	return reason;
}

/* ---- one file ----------------------------------------------------------- */

static bool is_named(const char *path, const char *name)
{
	return strcasecmp(path, name) == 0;
}

/* 0 checked, or -1 with what is wrong with it. */
static int check_dicom(struct medium *m, const struct verify_entry *e,
		       struct img_err *why)
{
	char head[1024];
	ssize_t n = img_pread_full(e->fd, head, sizeof(head), 0);
	bool dicom = n > 0 && img_dicom_looks_like(head, (size_t)n);

	if (n < 0)
		return img_err_sys(why, "%s", e->path);
	if (dicom && img_dicom_start_fd(m->reader, e->fd, e->bytes, e->path,
					&img_media_limits, why) < 0)
		return -1;
	if (is_named(e->path, "DICOMDIR")) {
		m->dicomdir = true;
		return dicom ? img_media_check_dicomdir(m->check, m->reader,
							e->path, why)
			     : img_err_set(why, IMG_E_NOT_DICOM,
					   "%s: not a DICOM file", e->path);
	}
	return img_media_check_file(m->check, e->path, dicom ? m->reader : NULL,
				    why);
}

/* What is encrypted, or packed in a way that we do not know, may be whole. */
static bool is_bad(const struct img_err *why)
{
	return verify_is_bad(why) && why->code != IMG_E_UNSUPPORTED;
}

static int unread(struct medium *m, const struct verify_entry *e,
		  struct img_err *err)
{
	m->unread_dicomdir |= is_named(e->path, "DICOMDIR");
	if (img_media_check_unread(m->check, e->path, err) < 0)
		return -1;
	if (is_bad(e->why))
		return tell(m, "damaged", e->path, "unreadable", 0,
			    verify_said(e->why, e->path), err);
	m->unread++;
	/* One passphrase is missing, not one for each file. */
	return verify_failed(
		m->v, e->path, NULL,
		e->why->code == IMG_E_UNSUPPORTED ? reason_of(e->why) : NULL,
		e->why, err);
}

static int visit(const struct verify_entry *e, void *arg, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct medium *m = arg;

	if (m->v->host.stopped(m->v->host.arg))
		return img_err_set(err, IMG_E_BUSY, "stopped by a signal");
	m->files++;
	m->v->host.progress(m->v->host.arg, m->files, m->v->bytes += e->bytes);
	if (e->why && e->why->code == IMG_E_NOMEM)
		return img_err_set(err, IMG_E_NOMEM, "%s", e->why->text);
	if (manifest_file(m->manifest, e, err) < 0)
		return -1;
	if (e->why)
		return unread(m, e, err);
	if (check_dicom(m, e, &why) == 0)
		return 0;
	if (why.code == IMG_E_NOMEM)
		return img_err_set(err, why.code, "%s", why.text);
	return tell(m, "invalid", e->path, img_code_word(why.code), 0,
		    verify_said(&why, e->path), err);
}

/* ---- all of it ---------------------------------------------------------- */

static int found(const struct img_media_finding *f, void *arg,
		 struct img_err *err)
{
	static const char *const status[] = {
		[IMG_MEDIA_NOT_THERE] = "missing",
		[IMG_MEDIA_UNLISTED] = "extra",
	};
	const char *word =
		f->fault <= IMG_MEDIA_UNLISTED ? status[f->fault] : "invalid";

	return tell(arg, word, *f->path ? f->path : "DICOMDIR",
		    img_media_fault_word(f->fault), f->tag, f->text, err);
}

static int manifest_says(void *arg, const char *status, const char *path,
			 const char *text, struct img_err *err)
{
	return tell(arg, status, path, "manifest", 0, text, err);
}

static int tell_whole(struct medium *m, const char *path, struct img_err *err)
{
	struct img_record rec;
	char extra[96];

	img_record_init(&rec);
	rec.status = m->faults ? "invalid" : m->unread ? "failed" : "intact";
	rec.path = path;
	if (!m->faults && m->unread)
		img_err_set(
			&rec.error, IMG_E_DENIED,
			"%s: %llu of its files and folders could not be read",
			path, (unsigned long long)m->unread);
	snprintf(extra, sizeof(extra), "\"members\":%llu,\"faults\":%llu",
		 (unsigned long long)m->files, (unsigned long long)m->faults);
	rec.extra = extra;
	return verify_emit(m->v, &rec) < 0
		       ? img_err_set(err, IMG_E_IO, "stdout")
		       : 0;
}

/* What was read: with the DICOMDIR, and with the manifest. */
static int compare(struct medium *m, const char *path, struct img_err *err)
{
	if (!m->dicomdir && !m->unread_dicomdir &&
	    tell(m, "missing", "DICOMDIR", "no-dicomdir", 0, "no DICOMDIR",
		 err) < 0)
		return -1;
	if (m->dicomdir && img_media_check_end(m->check, found, m, err) < 0)
		return -1;
	if (manifest_check(m->manifest, manifest_says, m, err) < 0)
		return -1;
	return tell_whole(m, path, err);
}

/* It could not be read, or not to its end. */
static int tell_unread(struct medium *m, const char *path, struct img_err *err)
{
	struct img_err why = *err;

	img_err_clear(err);
	return verify_failed(m->v, path, NULL, NULL, &why, err);
}

static int get_passphrase(struct img_passphrase **p, int fd,
			  struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	if (fd < 0)
		return 0;
	if (img_crypto_init(&why) == 0 &&
	    img_passphrase_read(p, fd, 1, IMG_ARCHIVE_PASSPHRASE, &why) == 0) {
		if (strlen((*p)->text) == (*p)->n)
			return 0;
		img_err_set(&why, IMG_E_USAGE,
			    "a passphrase is one line of text");
	}
	return img_err_set(err, why.code, "--passphrase-fd: %s", why.text);
}

int img_verify_media(struct img_verify *v, const char *path,
		     const char *profile, struct img_err *err)
{
	struct medium m = { .v = v };
	struct img_passphrase *p = NULL;
	int rc = -1;

	if (get_passphrase(&p, v->opts.passphrase_fd, err) < 0)
		goto out;
	m.check = img_media_check_new(profile, profile != NULL, err);
	m.manifest = m.check ? manifest_new(m.check, err) : NULL;
	m.reader = m.manifest ? img_dicom_reader_new(err) : NULL;
	if (!m.reader)
		goto out;
	rc = verify_each(path, p ? p->text : NULL, visit, &m, err);
	if (rc > 0)
		rc = tell_unread(&m, path, err);
	else if (rc == 0)
		rc = compare(&m, path, err);
out:
	img_passphrase_free(p);
	manifest_free(m.manifest);
	img_dicom_reader_free(m.reader);
	img_media_check_free(m.check);
	return rc;
}
