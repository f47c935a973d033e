/*
 * resolve.c - a file ID in a folder.
 *
 * The name as it is written, or in lower case as Linux shows plain ISO 9660,
 * costs one call each; only where both fail are folders read.  Component by
 * component nothing can leave the folder: "..", '/' and links are never
 * opened.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "media/media.h"

static int open_beneath(int dirfd, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof how);
}

/* Whether path is a regular file below dirfd, as far as the kernel can say
   that in one call. */
static bool is_file(int dirfd, const char *path)
{
	struct stat st;
	int fd = open_beneath(dirfd, path);
	bool yes;

	if (fd < 0)
		return false;
	yes = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	close(fd);
	return yes;
}

/* How well an entry stands for a component: 0 not at all, 3 exactly. */
static int rank(const char *entry, const char *part, bool last)
{
	if (strcmp(entry, part) == 0)
		return 3;
	if (strcasecmp(entry, part) == 0)
		return 2;
	return last && img_media_name_match(part, entry);
}

static bool is_kind(int fd, const char *entry, bool last)
{
	struct stat st;

	if (fstatat(fd, entry, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	return last ? S_ISREG(st.st_mode) : S_ISDIR(st.st_mode);
}

/*
 * The entry of the folder that stands for part best, and of equals the first
 * in order, so that the answer does not depend on the disk.  1 found, 0 not,
 * -1 with errno.
 */
static int best_entry(int dirfd, const char *part, bool last,
		      char best[NAME_MAX + 1])
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int top = 0, why;
	struct dirent *e;
	DIR *dir;

	if (fd < 0)
		return -1;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -1;
	}
	for (errno = 0; top < 3 && (e = readdir(dir)); errno = 0) {
		int r = rank(e->d_name, part, last);

		if (!r || r < top ||
		    (r == top && strcmp(e->d_name, best) >= 0) ||
		    !is_kind(fd, e->d_name, last))
			continue;
		top = r;
		snprintf(best, NAME_MAX + 1, "%s", e->d_name);
	}
	why = top ? 0 : errno;
	closedir(dir);
	errno = why;
	return why ? -1 : top > 0;
}

static int add(char *out, size_t size, size_t *len, const char *name,
	       struct img_err *err)
{
	int n = snprintf(out + *len, size - *len, "%s%s", *len ? "/" : "",
			 name);

	if (n < 0 || (size_t)n >= size - *len)
		return img_err_set(err, IMG_E_LIMIT, "path too long");
	*len += (size_t)n;
	return 0;
}

/* Component by component; id is taken apart. */
static int walk(int dirfd, char *id, char *out, size_t size,
		struct img_err *err)
{
	int fd = dirfd, next, rc;
	char best[NAME_MAX + 1];
	size_t len = 0;

	for (char *part = id, *rest;; part = rest) {
		rest = strchr(part, '/');
		if (rest)
			*rest++ = '\0';
		rc = best_entry(fd, part, !rest, best);
		if (rc < 0)
			img_err_sys(err, "%s", len ? out : ".");
		if (rc > 0 && add(out, size, &len, best, err) < 0)
			rc = -1;
		if (rc <= 0 || !rest)
			break;
		next = openat(fd, best,
			      O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0) {
			rc = img_err_sys(err, "%s", out);
			break;
		}
		if (fd != dirfd)
			close(fd);
		fd = next;
	}
	if (fd != dirfd)
		close(fd);
	return rc;
}

int img_media_resolve(int dirfd, const char *file_id, char *out, size_t size,
		      struct img_err *err)
{
	char id[IMG_PATH_MAX];

	if (img_media_file_id(file_id, strlen(file_id), id, sizeof id))
		return 0;
	if (strlen(id) >= size)
		return img_err_set(err, IMG_E_LIMIT, "path too long");
	memcpy(out, id, strlen(id) + 1);
	if (is_file(dirfd, out))
		return 1;
	for (char *c = out; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	if (is_file(dirfd, out))
		return 1;
	return walk(dirfd, id, out, size, err);
}
