/*
 * verify_source.c - the files of a folder, an archive, a disc image or a
 * device, one after the other, each read to its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/folder.h"
#include "work/members.h"
#include "work/verify_source.h"

#define BLOCK (256 * 1024)

/* Digests of all of fd; a copy in to, unless that is negative. */
static int take_digests(int fd, struct verify_entry *e, struct img_err *err)
{
	uint8_t *block = malloc(BLOCK);
	struct img_bulk d;
	struct img_sha256 s;
	ssize_t n;

	if (!block)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	img_bulk_init(&d);
	img_sha256_init(&s);
	e->bytes = 0;
	while ((n = img_pread_full(fd, block, BLOCK, (off_t)e->bytes)) > 0) {
		img_bulk_add(&d, block, (size_t)n);
		img_sha256_add(&s, block, (size_t)n);
		e->bytes += (uint64_t)n;
	}
	img_bulk_end(&d, e->digest);
	img_sha256_end(&s, e->sha256);
	free(block);
	return n < 0 ? img_err_sys(err, "%s", e->path) : 0;
}

static int one(const struct verify_entry *e, verify_each_fn fn, void *arg,
	       struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct verify_entry told = *e;

	if (e->fd >= 0 && take_digests(e->fd, &told, &why) < 0) {
		if (why.code == IMG_E_NOMEM)
			return img_err_set(err, why.code, "%s", why.text);
		told.why = &why;
	}
	return fn(&told, arg, err);
}

/* ---- folders ------------------------------------------------------------ */

struct files {
	size_t root; /* length of the folder's own path */
	verify_each_fn fn;
	void *arg;
};

static int folder_entry(void *arg, const struct folder_entry *f,
			struct img_err *err)
{
	const struct files *all = arg;
	struct img_err why = IMG_ERR_INIT;
	struct verify_entry e = { .fd = -1 };
	int rc;

	e.path = f->path + all->root;
	while (*e.path == '/')
		e.path++;
	if (!*e.path)
		e.path = ".";
	if (f->ignored)
		img_err_set(&why, IMG_E_UNSUPPORTED, "%s: %s", e.path,
			    f->ignored);
	else if (f->why)
		why = *f->why;
	else if ((e.fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) < 0)
		img_err_sys(&why, "%s", e.path);
	if (e.fd < 0) {
		e.why = &why;
		return all->fn(&e, all->arg, err);
	}
	/* What the medium has, and not what memory has of it. */
	(void)posix_fadvise(e.fd, 0, 0, POSIX_FADV_DONTNEED);
	rc = one(&e, all->fn, all->arg, err);
	close(e.fd);
	return rc;
}

static int each_in_folder(const char *path, verify_each_fn fn, void *arg,
			  struct img_err *err)
{
	struct files all = { .root = strlen(path), .fn = fn, .arg = arg };

	return folder_each(path, NULL, folder_entry, &all, err);
}

/* ---- archives and discs ------------------------------------------------- */

int verify_temporary(struct img_err *err)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	if (!dir || !*dir)
		dir = "/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd < 0 ? img_err_sys(err, "%s", dir) : fd;
}

/* The member in place of the one before. */
static int unpack(struct img_members *a, int to, struct img_err *why,
		  struct img_err *err)
{
	static uint8_t bytes[256 * 1024];
	ssize_t n;

	if (ftruncate(to, 0) < 0 || lseek(to, 0, SEEK_SET) < 0)
		return img_err_sys(err, "temporary file");
	while ((n = img_members_read(a, bytes, sizeof(bytes), why)) > 0)
		if (img_write_full(to, bytes, (size_t)n) < 0)
			return img_err_sys(err, "temporary file");
	return 0;
}

/* to: each member goes through the same file, as making one takes longer than
   filling it. */
static int member(struct img_members *a, const struct img_member *m, int to,
		  verify_each_fn fn, void *arg, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct verify_entry e = { .path = m->name, .fd = -1 };
	int rc;

	if (m->kind == IMG_MEMBER_FOLDER)
		return 0;
	if (m->kind == IMG_MEMBER_REFUSED) {
		img_err_set(&why, IMG_E_REFUSED, "%s", m->refused);
		e.why = &why;
		return fn(&e, arg, err);
	}
	e.fd = to;
	rc = unpack(a, e.fd, &why, err);
	if (rc == 0 && why.code != IMG_OK) {
		e.why = &why;
		rc = fn(&e, arg, err);
	} else if (rc == 0) {
		rc = one(&e, fn, arg, err);
	}
	return rc;
}

static int each_in_archive(int fd, const char *path, const char *passphrase,
			   verify_each_fn fn, void *arg, struct img_err *err)
{
	struct img_archive_limits limits = { .passphrase = passphrase };
	struct img_members *a = NULL;
	struct img_jail *jail = NULL;
	struct img_member m;
	int rc = -1, to = verify_temporary(err);

	img_archive_defaults(&limits);
	/* No thread of ours is at work now. */
	if (to < 0 || img_members_jail(&jail, err) < 0)
		goto out;
	if (img_members_open(&a, jail, fd, path, &limits, 1, err) == 0)
		while ((rc = img_members_next(a, &m, err)) > 0) {
			rc = member(a, &m, to, fn, arg, err);
			if (rc)
				break;
		}
out:
	img_members_close(a);
	img_jail_close(jail);
	if (to >= 0)
		close(to);
	return rc;
}

struct visit {
	verify_each_fn fn;
	void *arg;
	bool ended;
};

static int visit(const struct verify_entry *e, void *arg, struct img_err *err)
{
	struct visit *v = arg;

	v->ended = v->fn(e, v->arg, err) != 0;
	return v->ended ? -1 : 0;
}

int verify_each(const char *path, const char *passphrase, verify_each_fn fn,
		void *arg, struct img_err *err)
{
	struct visit v = { fn, arg, false };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		rc = img_err_sys(err, "%s", path);
	else if (S_ISDIR(st.st_mode))
		rc = each_in_folder(path, visit, &v, err);
	else
		rc = each_in_archive(fd, path, passphrase, visit, &v, err);
	if (fd >= 0)
		close(fd);
	return rc == 0 ? 0 : v.ended || err->code == IMG_E_NOMEM ? -1 : 1;
}
