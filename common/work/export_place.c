/* export_place.c - the destination: temporary name, sync, final name. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/export_private.h"

/* Whether name is a temporary one of exports to base. */
static bool is_part(const char *name, const char *base)
{
	char begin[300];

	snprintf(begin, sizeof(begin), ".%s.imgexport-", base);
	return strncmp(name, begin, strlen(begin)) == 0;
}

/* ---- what is there ----------------------------------------------------- */

/* The name in two: a folder that is there, and what shall be in it. */
static int split(struct export_place *p, const char *out, struct img_err *err)
{
	char path[IMG_PATH_MAX];
	size_t n = strlen(out);
	char *slash, *base;

	while (n > 1 && out[n - 1] == '/')
		n--;
	if (n == 0 || n >= sizeof(path) - 1)
		return img_err_set(err, IMG_E_USAGE, "no destination");
	snprintf(path, sizeof(path), "%.*s", (int)n, out);
	slash = strrchr(path, '/');
	base = slash ? slash + 1 : path;
	if (strlen(base) >= sizeof(p->base) - 64)
		return img_err_set(err, IMG_E_LIMIT, "%s: too long", out);
	memcpy(p->base, base, strlen(base) + 1);
	if (slash)
		slash[slash == path] = '\0';
	snprintf(p->parent, sizeof(p->parent), "%s", slash ? path : ".");
	if (!*p->base || strcmp(p->base, ".") == 0 ||
	    strcmp(p->base, "..") == 0)
		return img_err_set(err, IMG_E_USAGE,
				   "%s: a destination is wanted that has a "
				   "name of its own",
				   out);
	return 0;
}

/* What systems put on a medium as soon as they see it. */
static bool is_of_system(const char *name)
{
	static const char *const names[] = {
		"lost+found",   "System Volume Information",
		"$RECYCLE.BIN", ".Spotlight-V100",
		".fseventsd",   ".Trashes"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* 1 nothing but what a new file system has, and what exports have left there
   that were killed; 0 something; -1. */
static int is_empty(int dir, bool mounted, struct img_err *err)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int empty = 1;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return img_err_sys(err, "destination");
	}
	while (empty == 1 && (errno = 0, e = readdir(d)) != NULL)
		empty = strcmp(e->d_name, ".") == 0 ||
			strcmp(e->d_name, "..") == 0 ||
			(mounted &&
			 (is_of_system(e->d_name) || is_part(e->d_name, "")));
	if (empty == 1 && errno != 0)
		empty = img_err_sys(err, "destination");
	closedir(d);
	return empty;
}

/* Whether an export has made it: only such a folder may be replaced. */
static bool is_ours(int dir)
{
	static const char begin[] = "# imgexport ";
	char head[sizeof(begin)] = "";
	int fd = openat(dir, "MANIFEST.TXT",
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool ours = fd >= 0 &&
		    img_pread_full(fd, head, sizeof(begin) - 1, 0) ==
			    (ssize_t)sizeof(begin) - 1 &&
		    strcmp(head, begin) == 0;

	if (fd >= 0)
		close(fd);
	return ours;
}

static int look_at_folder(struct export_place *p, const char *out, int fd,
			  bool force, struct img_err *err)
{
	struct stat st, up;
	int empty;

	if (fstat(fd, &st) < 0 || fstat(p->parent_fd, &up) < 0)
		return img_err_sys(err, "%s", out);
	p->inside = st.st_dev != up.st_dev || st.st_ino == up.st_ino;
	empty = is_empty(fd, p->inside, err);
	if (empty < 0)
		return -1;
	if (empty)
		return 0;
	if (!force)
		return img_err_set(err, IMG_E_REFUSED,
				   "%s: is there and is not empty", out);
	if (p->inside)
		return img_err_set(err, IMG_E_REFUSED,
				   "%s: is a mounted file system; it will not "
				   "be replaced",
				   out);
	if (!is_ours(fd))
		return img_err_set(err, IMG_E_REFUSED,
				   "%s: no earlier export has made it; it will "
				   "not be replaced",
				   out);
	p->taken = true;
	return 0;
}

static int look_at_it(struct export_place *p, const char *out, bool force,
		      struct img_err *err)
{
	struct stat st;
	int fd, rc;

	if (fstatat(p->parent_fd, p->base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : img_err_sys(err, "%s", out);
	if (S_ISLNK(st.st_mode))
		return img_err_set(err, IMG_E_REFUSED, "%s: is a symbolic link",
				   out);
	if (p->folder != S_ISDIR(st.st_mode) ||
	    (!p->folder && !S_ISREG(st.st_mode)))
		return img_err_set(err, IMG_E_REFUSED, "%s: is no %s", out,
				   p->folder ? "folder" : "regular file");
	if (!p->folder) {
		p->taken = true;
		return force ? 0
			     : img_err_set(err, IMG_E_REFUSED,
					   "%s: is there already", out);
	}
	fd = openat(p->parent_fd, p->base,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return img_err_sys(err, "%s", out);
	rc = look_at_folder(p, out, fd, force, err);
	close(fd);
	return rc;
}

int export_place_init(struct export_place *p, const char *out, bool folder,
		      bool force, struct img_err *err)
{
	memset(p, 0, sizeof(*p));
	p->parent_fd = p->fd = -1;
	p->folder = folder;
	if (!folder && strcmp(out, "-") == 0) {
		p->stream = true;
		snprintf(p->base, sizeof(p->base), "stdout");
		return 0;
	}
	if (split(p, out, err) < 0)
		return -1;
	p->parent_fd = open(p->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->parent_fd < 0)
		return img_err_sys(err, "%s", p->parent);
	return look_at_it(p, out, force, err);
}

/* ---- temporary names --------------------------------------------------- */

static void remove_tree(const char *path)
{
	char *own = strdup(path), *roots[] = { own, NULL };
	FTS *fts =
		own ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
	FTSENT *e;

	while (fts && (e = fts_read(fts)) != NULL) {
		if (e->fts_info == FTS_D)
			(void)chmod(e->fts_accpath, 0700);
		else if (e->fts_info == FTS_DP)
			(void)rmdir(e->fts_accpath);
		else
			(void)unlink(e->fts_accpath);
	}
	if (fts)
		fts_close(fts);
	free(own);
}

static void remove_part(const struct export_place *p, const char *name)
{
	char path[2 * IMG_PATH_MAX];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", p->parent_fd, name);
	remove_tree(path);
}

void export_remove_below(const struct export_place *p, const char *name)
{
	char path[2 * IMG_PATH_MAX];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", p->fd, name);
	remove_tree(path);
}

/* In a folder that all may write to, anybody can give something such a name;
   and what another one may change while it is removed leads anywhere. */
static bool is_mine(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == geteuid();
}

/* What exports to this name have left that were killed: nobody holds it. */
static void remove_stale(const struct export_place *p)
{
	int fd = openat(p->parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL) {
		int old;

		if (!is_part(e->d_name, p->inside ? "" : p->base))
			continue;
		old = openat(p->parent_fd, e->d_name,
			     O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (old < 0)
			continue;
		if (is_mine(old) && flock(old, LOCK_EX | LOCK_NB) == 0)
			remove_part(p, e->d_name);
		close(old);
	}
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

static void name_part(struct export_place *p)
{
	snprintf(p->part, sizeof(p->part), ".%s.imgexport-%ld",
		 p->inside ? "" : p->base, (long)getpid());
}

/* A folder that is mounted stays; what is made is made in it. */
static int go_inside(struct export_place *p, struct img_err *err)
{
	int fd = openat(p->parent_fd, p->base,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return img_err_sys(err, "%s", p->base);
	close(p->parent_fd);
	p->parent_fd = fd;
	return 0;
}

static int begin_folder(struct export_place *p, struct img_err *err)
{
	name_part(p);
	if (mkdirat(p->parent_fd, p->part, 0700) < 0) {
		img_err_sys(err, "%s/%s", p->parent, p->part);
		p->part[0] = '\0';
		return -1;
	}
	p->fd = openat(p->parent_fd, p->part,
		       O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (p->fd < 0 || flock(p->fd, LOCK_EX | LOCK_NB) < 0)
		return img_err_sys(err, "%s/%s", p->parent, p->part);
	return 0;
}

/* A file without a name, where the file system has such. */
static int begin_file(struct export_place *p, struct img_err *err)
{
	p->fd = openat(p->parent_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	if (p->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT &&
	    errno != EINVAL)
		return img_err_sys(err, "%s", p->parent);
	name_part(p);
	p->fd = openat(p->parent_fd, p->part,
		       O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
	if (p->fd < 0) {
		img_err_sys(err, "%s/%s", p->parent, p->part);
		p->part[0] = '\0';
		return -1;
	}
	(void)flock(p->fd, LOCK_EX | LOCK_NB);
	return 0;
}

int export_place_begin(struct export_place *p, struct img_err *err)
{
	if (p->stream) {
		p->fd = STDOUT_FILENO;
		return 0;
	}
	if (p->inside && go_inside(p, err) < 0)
		return -1;
	remove_stale(p);
	return p->folder ? begin_folder(p, err) : begin_file(p, err);
}

/* ---- the final name ---------------------------------------------------- */

static int commit_file(struct export_place *p, bool force, struct img_err *err)
{
	char self[64];

	if (!p->part[0]) {
		snprintf(self, sizeof(self), "/proc/self/fd/%d", p->fd);
		if (p->taken && force)
			name_part(p);
		if (linkat(AT_FDCWD, self, p->parent_fd,
			   p->part[0] ? p->part : p->base,
			   AT_SYMLINK_FOLLOW) < 0) {
			p->part[0] = '\0';
			return img_err_sys(err, "%s/%s", p->parent, p->base);
		}
		if (!p->part[0])
			return 0;
	}
	if ((p->taken && force ? renameat2(p->parent_fd, p->part, p->parent_fd,
					   p->base, 0)
			       : img_rename_new(p->parent_fd, p->part,
						p->parent_fd, p->base)) < 0)
		return img_err_sys(err, "%s/%s", p->parent, p->base);
	p->part[0] = '\0';
	return 0;
}

/* The manifest comes last: it says that the rest is there. */
static int move_out(struct export_place *p, struct img_err *err)
{
	int fd = openat(p->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	static const char last[] = "MANIFEST.TXT";
	struct dirent *e;
	int rc = 0;

	if (!d)
		return img_err_sys(err, "%s/%s", p->parent, p->base);
	while (rc == 0 && (errno = 0, e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 &&
		    strcmp(e->d_name, last) != 0)
			rc = img_rename_new(p->fd, e->d_name, p->parent_fd,
					    e->d_name);
	if (rc == 0 && errno != 0)
		rc = -1;
	if (rc == 0)
		rc = fsync(p->parent_fd);
	if (rc == 0)
		rc = img_rename_new(p->fd, last, p->parent_fd, last);
	if (rc < 0)
		img_err_sys(err, "%s/%s", p->parent, p->base);
	closedir(d);
	return rc;
}

/* What was replaced may have come there meanwhile: then it goes back. */
static int check_replaced(struct export_place *p, struct img_err *err)
{
	int fd = openat(p->parent_fd, p->part,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	bool ours = fd >= 0 && is_ours(fd);

	if (fd >= 0)
		close(fd);
	if (ours)
		return 0;
	if (renameat2(p->parent_fd, p->part, p->parent_fd, p->base,
		      RENAME_EXCHANGE) < 0) {
		p->part[0] = '\0'; /* not ours to remove */
		return img_err_sys(err, "%s/%s", p->parent, p->base);
	}
	return img_err_set(err, IMG_E_REFUSED,
			   "%s/%s: has changed meanwhile; it will not be "
			   "replaced",
			   p->parent, p->base);
}

static int commit_folder(struct export_place *p, bool force,
			 struct img_err *err)
{
	mode_t mask = umask(0);
	unsigned flags = p->taken && force ? RENAME_EXCHANGE : 0;

	umask(mask);
	if (p->inside)
		return move_out(p, err);
	if (fchmod(p->fd, 0777 & ~mask) < 0 || fsync(p->fd) < 0 ||
	    renameat2(p->parent_fd, p->part, p->parent_fd, p->base, flags) < 0)
		return flags && errno == EINVAL
			       ? img_err_set(err, IMG_E_UNSUPPORTED,
					     "%s/%s: this file system cannot "
					     "replace folders at once; remove "
					     "it first",
					     p->parent, p->base)
			       : img_err_sys(err, "%s/%s", p->parent, p->base);
	if (flags)
		return check_replaced(p, err);
	p->part[0] = '\0';
	return 0;
}

int export_place_commit(struct export_place *p, bool force, struct img_err *err)
{
	if (p->stream)
		return 0;
	if ((p->folder ? commit_folder(p, force, err)
		       : commit_file(p, force, err)) < 0)
		return -1;
	if (img_sync_fd(p->parent_fd, p->parent, err) < 0)
		return -1;
	if (p->part[0])
		remove_part(p, p->part);
	p->part[0] = '\0';
	return 0;
}

void export_place_withdraw(struct export_place *p)
{
	struct stat own, st;

	/* What it replaced is gone; what was moved in is not told apart. */
	if (p->stream || p->inside || p->taken || fstat(p->fd, &own) < 0 ||
	    fstatat(p->parent_fd, p->base, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    st.st_ino != own.st_ino || st.st_dev != own.st_dev)
		return;
	name_part(p);
	if (img_rename_new(p->parent_fd, p->base, p->parent_fd, p->part) == 0)
		remove_part(p, p->part);
	else
		remove_part(p, p->base);
	p->part[0] = '\0';
}

void export_place_release(struct export_place *p)
{
	if (p->part[0])
		remove_part(p, p->part);
	if (p->fd >= 0 && !p->stream)
		close(p->fd);
	if (p->parent_fd >= 0)
		close(p->parent_fd);
	p->fd = p->parent_fd = -1;
	p->part[0] = '\0';
}
