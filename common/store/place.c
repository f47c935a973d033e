/* place.c - where an archive may be made. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_private.h"

static bool has(int at, const char *name)
{
	return faccessat(at, name, F_OK, 0) == 0;
}

/* The folder, or where its path ends as yet; -1. */
static int open_nearest(const char *dir, bool *is_there)
{
	char path[IMG_PATH_MAX];
	int fd;

	*is_there = true;
	snprintf(path, sizeof(path), "%s", dir);
	while ((fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0 &&
	       errno == ENOENT && strcmp(path, ".") != 0) {
		char *slash = strrchr(path, '/');

		*is_there = false;
		if (slash)
			slash[slash == path] = '\0';
		else
			memcpy(path, ".", 2);
	}
	return fd;
}

/* The folder above, -1 at the root; closes fd. */
static int go_up(int fd)
{
	int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st, above;

	if (up >= 0 && fstat(fd, &st) == 0 && fstat(up, &above) == 0 &&
	    st.st_ino == above.st_ino && st.st_dev == above.st_dev) {
		close(up);
		up = -1;
	}
	close(fd);
	return up;
}

/* Whether fd, which is closed, or a folder above it is an archive. */
static bool lies_in_archive(int fd)
{
	while (fd >= 0 && !(has(fd, "catalog.db") && has(fd, "objects")))
		fd = go_up(fd);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* What a file system or a desktop leaves in a folder that nobody uses, what is
   set up before the first import, and what another process, or one that was
   killed, has made of an archive. */
static bool is_nothing(const char *name)
{
	static const char *const names[] = {
		"lost+found",   "System Volume Information",
		"$RECYCLE.BIN", "objects",
		"tmp",          "quarantine",
		"reports",      "lock",
		"audit.log",    "peers.json"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return name[0] == '.' || strncmp(name, "catalog.db", 10) == 0;
}

/* 1, 0, -1. */
static int is_empty(int at, const char *dir, struct img_err *err)
{
	int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 1;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		rc = img_err_sys(err, "%s", dir);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	while (rc == 1 && (errno = 0, e = readdir(d)))
		rc = is_nothing(e->d_name);
	if (rc == 1 && errno)
		rc = img_err_sys(err, "%s", dir);
	closedir(d);
	return rc;
}

/* One that is an archive already, be it without its catalog, stays one;
   arch/objects is none: what is made there is in nobody's sight.  Nor is a
   folder that is in use: one who takes -C for that of tar names it. */
int img_store_check_place(const char *dir, struct img_err *err)
{
	bool is_there;
	int fd = open_nearest(dir, &is_there), empty = 1;

	if (fd < 0)
		return 0;
	if (is_there && (has(fd, "catalog.db") || has(fd, "objects"))) {
		close(fd);
		return 0;
	}
	if (is_there)
		empty = is_empty(fd, dir, err);
	if (empty < 0) {
		close(fd);
		return -1;
	}
	/* Above it: another process may have made the archive meanwhile. */
	if (lies_in_archive(is_there ? go_up(fd) : fd))
		return img_err_set(err, IMG_E_REFUSED,
				   "%s: lies in an archive, and is none", dir);
	if (!empty)
		return img_err_set(err, IMG_E_USAGE,
				   "%s: is no archive, and not empty; -C names "
				   "the archive",
				   dir);
	return 0;
}
