/*
 * walk.c - from member to member.
 *
 * libarchive is lenient: a tar may end at any block, a zip's directory may be
 * gone, a warning may mean lost data.  Here the end of an archive is only what
 * its format calls the end.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/walk.h"

locale_t img_archive_locale(const struct img_archive *a)
{
	return uselocale(a->utf8 ? a->utf8 : (locale_t)0);
}

static enum img_code code_of(const struct img_archive *a, const char *text)
{
	/* Without memory zlib does not begin. */
	if (archive_errno(a->la) == ENOMEM ||
	    strstr(text, "Can't initialize ZIP decompression"))
		return IMG_E_NOMEM;
	if (strstr(text, "assphrase") || strstr(text, "ncrypt") ||
	    strstr(text, "nsupported") || strstr(text, "not supported"))
		return IMG_E_UNSUPPORTED;
	if (a->src->ended || strstr(text, "runcated") ||
	    strstr(text, "Premature"))
		return IMG_E_TRUNCATED;
	/* and libarchive has no words. */
	return *text ? IMG_E_MALFORMED : IMG_E_NOMEM;
}

int img_archive_failed(struct img_archive *a, const char *member,
		       struct img_err *err)
{
	const char *text = archive_error_string(a->la);
	enum img_code code;
	char clean[160];

	if (err->code != IMG_OK)
		return -1;
	if (a->dead.code != IMG_OK)
		*err = a->dead;
	else if (a->raw.err.code != IMG_OK)
		*err = a->raw.err;
	else if (a->plain.err.code != IMG_OK)
		*err = a->plain.err;
	if (err->code != IMG_OK || img_archive_bad(a, member, err) < 0)
		return -1;
	code = code_of(a, text ? text : "");
	snprintf(clean, sizeof(clean), "%s",
		 text                  ? text
		 : code == IMG_E_NOMEM ? "out of memory"
				       : "damaged");
	clean[strcspn(clean, "\n")] = '\0';
	if (member)
		return img_err_set(err, code, "%s!/%s: %s", a->name, member,
				   clean);
	return img_err_set(err, code, "%s: %s %s, after %llu members (%s)",
			   a->name, img_archive_kind_word(a->kind),
			   code == IMG_E_TRUNCATED ? "is cut off"
						   : "cannot be read",
			   (unsigned long long)a->members, clean);
}

int img_archive_bad(struct img_archive *a, const char *member,
		    struct img_err *err)
{
	int64_t at = a->raw.bad;

	if (at < 0)
		return 0;
	a->raw.bad = -1;
	return img_err_set(
		err, IMG_E_IO,
		"%s%s%s: cannot be read at byte %lld of the disc: %s", a->name,
		member ? "!/" : "", member ? member : "", (long long)at,
		strerror(EIO));
}

int img_archive_ratio_ok(struct img_archive *a, uint64_t out)
{
	uint64_t in = img_source_in(&a->raw);

	if (out <= (uint64_t)64 << 20 || out / a->limits.ratio <= in)
		return 0;
	return img_err_set(&a->dead, IMG_E_LIMIT,
			   "%s: unpacks to more than %u times its size",
			   a->name, a->limits.ratio);
}

/* ---- the end ------------------------------------------------------------- */

/* Reads a streamed zip to its very end, which must be there. */
static int find_zip_end(struct img_archive *a, struct img_err *err)
{
	struct img_source *s = a->src;
	size_t room = 2 * (size_t)IMG_ZIP_TAIL, n, take;
	struct img_zip_end end;
	uint8_t *tail = malloc(room);
	const void *p = s->last;
	ssize_t got = (ssize_t)s->last_n;

	if (!tail)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory",
				   a->name);
	for (n = 0; got > 0; got = img_source_read(s, &p)) {
		take = (size_t)got < IMG_ZIP_TAIL ? (size_t)got : IMG_ZIP_TAIL;
		if (n + take > room) {
			memmove(tail, tail + n - IMG_ZIP_TAIL, IMG_ZIP_TAIL);
			n = IMG_ZIP_TAIL;
		}
		memcpy(tail + n, (const uint8_t *)p + got - take, take);
		n += take;
	}
	img_zip_end(&end, tail, n);
	free(tail);
	a->listed = end.members;
	if (got < 0)
		*err = s->err;
	else if (!end.found)
		img_err_set(err, IMG_E_TRUNCATED,
			    "%s: zip is cut off inside its directory, after "
			    "%llu members",
			    a->name, (unsigned long long)a->members);
	return err->code == IMG_OK ? 0 : -1;
}

/* A zip's directory must list as many members as were found; old writers
   count to 65535 and begin again. */
static int check_zip_end(struct img_archive *a, struct img_err *err)
{
	if (a->streamed && find_zip_end(a, err) < 0)
		return -1;
	if (a->listed == a->members ||
	    (a->listed <= 0xFFFF && a->listed == (a->members & 0xFFFF)) ||
	    a->listed == 0xFFFF) /* counted elsewhere, in a zip64 record */
		return 0;
	return img_err_set(err, IMG_E_MALFORMED,
			   "%s: zip lists %llu members, %llu were found",
			   a->name, (unsigned long long)a->listed,
			   (unsigned long long)a->members);
}

/* What was read is not all that the disc has. */
static int check_session(struct img_archive *a, struct img_err *err)
{
	int64_t at = a->limits.session ? (int64_t)a->limits.session
				       : img_source_later_session(&a->raw);

	if (a->raw.size < 0 || at <= 0)
		return 0;
	return img_err_set(err, IMG_E_UNSUPPORTED,
			   "%s: a later session of the disc, from byte %lld "
			   "on, is not read: mount the disc, and import that",
			   a->name, (long long)at);
}

/* libarchive says that this is the end; before: where the last header was
   looked for. */
static int check_end(struct img_archive *a, int64_t before)
{
	int64_t after = archive_filter_bytes(a->la, 0);

	if (a->late.code != IMG_OK)
		a->dead = a->late;
	else if (a->kind == IMG_ARCHIVE_ZIP)
		check_zip_end(a, &a->dead);
	else if (a->kind == IMG_ARCHIVE_ISO)
		check_session(a, &a->dead);
	else if (a->kind == IMG_ARCHIVE_TAR &&
		 (after - before < 512 || a->src->zeros < 512))
		img_err_set(&a->dead, IMG_E_TRUNCATED,
			    "%s: tar is cut off, after %llu members (no end "
			    "mark)",
			    a->name, (unsigned long long)a->members);
	return a->dead.code == IMG_OK ? 0 : -1;
}

/* ---- members ------------------------------------------------------------- */

static const char *refusal(struct archive_entry *e)
{
	if (archive_entry_hardlink(e))
		return "hard link";
	switch (archive_entry_filetype(e)) {
	case AE_IFLNK:
		return "symbolic link";
	case AE_IFCHR:
		return "character device";
	case AE_IFBLK:
		return "block device";
	case AE_IFIFO:
		return "FIFO";
	case AE_IFSOCK:
		return "socket";
	default:
		return archive_entry_symlink(e) ? "symbolic link" : NULL;
	}
}

static const char *member_name(struct img_archive *a, struct archive_entry *e,
			       struct img_member *m)
{
	const char *raw = archive_entry_pathname(e);

	if (!raw)
		raw = archive_entry_pathname_utf8(e);
	if (!raw) { /* it cannot be converted: still a member */
		snprintf(m->name, sizeof(m->name), "?%llu",
			 (unsigned long long)a->members);
		return NULL;
	}
	return img_archive_name(m->name, raw,
				a->kind == IMG_ARCHIVE_ZIP   ? IMG_NAME_ZIP
				: a->kind == IMG_ARCHIVE_ISO ? IMG_NAME_ISO
							     : IMG_NAME_TAR);
}

/* Zip methods whose memory the archive chooses are not for us; which one is
   behind AES is seen later, where the jail has the ceiling. */
static void check_method(struct img_archive *a)
{
	const char *name = archive_format_name(a->la);
	const char *p = name ? strchr(name, '(') : NULL;

	if (a->kind != IMG_ARCHIVE_ZIP || !p || strstr(p, "(uncompressed") ||
	    strstr(p, "(deflation)") || strstr(p, "(bzip)") ||
	    strstr(p, "(aes)"))
		return;
	img_err_set(&a->fault, IMG_E_UNSUPPORTED,
		    "%s!/%s: compressed in a way that is not read %s", a->name,
		    a->member, p);
}

static void fill_member(struct img_archive *a, struct archive_entry *e,
			struct img_member *m)
{
	memset(m, 0, sizeof(*m));
	a->members++;
	m->refused = member_name(a, e, m);
	if (refusal(e))
		m->refused = refusal(e);
	if (!m->refused && a->kind == IMG_ARCHIVE_ZIP &&
	    archive_entry_filetype(e) == AE_IFDIR && archive_entry_size(e) > 0)
		m->refused = "folder that holds bytes";
	m->kind = m->refused                              ? IMG_MEMBER_REFUSED
		  : archive_entry_filetype(e) == AE_IFDIR ? IMG_MEMBER_FOLDER
							  : IMG_MEMBER_FILE;
	a->declared = UINT64_MAX;
	if (archive_entry_size_is_set(e) && archive_entry_size(e) >= 0)
		a->declared = (uint64_t)archive_entry_size(e);
	m->size = a->declared;
	if (archive_entry_mtime_is_set(e))
		m->mtime = archive_entry_mtime(e);
	m->encrypted = archive_entry_is_encrypted(e);
	memcpy(a->member, m->name, sizeof(a->member));
	a->out = a->hole = 0;
	a->left = 0;
	a->at_end = false;
	a->open = m->kind == IMG_MEMBER_FILE;
	if (m->encrypted && !a->limits.passphrase)
		img_err_set(&a->fault, IMG_E_UNSUPPORTED,
			    "%s!/%s: encrypted, and no passphrase is given",
			    a->name, a->member);
	check_method(a);
}

/* A warning that is not about names or attributes means lost data. */
static bool harmless(const char *text)
{
	return text && (strstr(text, "converted") || strstr(text, "ACL") ||
			strstr(text, "xattr"));
}

/* libarchive gave a member or part of one, and warned; 0: skip it. */
static int warned(struct img_archive *a, struct archive_entry *e, int rc,
		  struct img_member *m)
{
	const char *text = archive_error_string(a->la);

	if (rc == ARCHIVE_WARN && harmless(text))
		return 1;
	if (rc == ARCHIVE_WARN && archive_entry_pathname(e)) {
		member_name(a, e, m);
		memcpy(a->member, m->name, sizeof(a->member));
		img_archive_failed(a, a->member, &a->fault);
		return 1;
	}
	if (rc == ARCHIVE_FAILED && archive_entry_pathname(e))
		return 1;
	img_archive_failed(a, NULL, &a->late);
	return 0;
}

/* Reads what is left of the member where skipping would unpack unseen. */
static void drain(struct img_archive *a)
{
	struct img_err ignored = IMG_ERR_INIT;
	bool unseen =
		a->streamed || (a->kind == IMG_ARCHIVE_ISO && a->src->size < 0);
	const void *p;

	if (!a->open || !unseen || a->at_end || a->fault.code != IMG_OK)
		return;
	while (img_archive_more(a, &p, &ignored) > 0)
		;
}

static int walk(struct img_archive *a, struct img_member *m)
{
	struct archive_entry *e;
	int64_t before;
	int rc;

	for (unsigned tries = 0; tries < 1000; tries++) {
		drain(a);
		if (a->dead.code != IMG_OK)
			return -1;
		if (a->members && !a->at_end && a->kind == IMG_ARCHIVE_TAR &&
		    archive_read_data_skip(a->la) < ARCHIVE_WARN)
			return img_archive_failed(a, NULL, &a->dead);
		a->at_end = true;
		a->open = false;
		before = archive_filter_bytes(a->la, 0);
		a->fed = 0;
		a->heading = true;
		rc = archive_read_next_header(a->la, &e);
		a->heading = false;
		/* What stands in zeros is no directory. */
		if (img_archive_bad(a, NULL, &a->dead) < 0)
			return -1;
		if (rc == ARCHIVE_EOF)
			return check_end(a, before);
		if (rc == ARCHIVE_FATAL && archive_entry_is_encrypted(e))
			return img_err_set(&a->dead, IMG_E_UNSUPPORTED,
					   "%s: its directory is encrypted",
					   a->name);
		if (rc == ARCHIVE_FATAL || rc == ARCHIVE_RETRY)
			return img_archive_failed(a, NULL, &a->dead);
		img_err_clear(&a->fault);
		if (rc == ARCHIVE_OK || warned(a, e, rc, m)) {
			fill_member(a, e, m);
			return 1;
		}
	}
	return img_archive_failed(a, NULL, &a->dead);
}

int img_archive_next(struct img_archive *a, struct img_member *m,
		     struct img_err *err)
{
	locale_t old;
	int rc = -1;

	if (a->finished)
		return 0;
	if (a->dead.code == IMG_OK) {
		old = img_archive_locale(a);
		rc = walk(a, m);
		uselocale(old);
	}
	if (rc > 0 && a->members > a->limits.members)
		rc = img_err_set(&a->dead, IMG_E_LIMIT,
				 "%s: more than %llu members", a->name,
				 (unsigned long long)a->limits.members);
	a->finished = rc == 0;
	if (rc < 0 && err->code == IMG_OK)
		*err = a->dead;
	return rc;
}
