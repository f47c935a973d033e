/* lost.c - a catalog that is gone is not one that never was. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/inside.h"

bool img_catalog_has_wal(const char *file)
{
	char wal[IMG_PATH_MAX + 8];
	struct stat sb;
	size_t n = strlen(file);

	memcpy(wal, file, n);
	memcpy(wal + n, "-wal", 5);
	return stat(wal, &sb) == 0 && sb.st_size > 0;
}

static bool has_lines(const char *dir)
{
	struct img_err ignored = IMG_ERR_INIT;
	char log[IMG_PATH_MAX];
	struct stat sb;

	return img_path_join(log, sizeof(log), dir, "audit.log", &ignored) ==
		       0 &&
	       stat(log, &sb) == 0 && sb.st_size > 0;
}

/* What may not be looked into is not known to be empty; nothing is known of it
   for want of a descriptor. */
static bool has_object_in(int objects, const char *shard, struct img_err *err)
{
	int fd = openat(objects, shard,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	uint8_t digest[IMG_DIGEST_SIZE];
	bool found = false;
	struct dirent *e;

	if (!d) {
		found = errno != ENOENT && errno != ENOTDIR;
		if (errno == EMFILE || errno == ENFILE)
			img_err_sys(err, "objects/%s", shard);
		if (fd >= 0)
			close(fd);
		return found;
	}
	while (!found && (errno = 0, e = readdir(d)))
		found = strlen(e->d_name) == 2 * IMG_DIGEST_SIZE &&
			strncmp(e->d_name, shard, 2) == 0 &&
			img_unhex(digest, sizeof(digest), e->d_name);
	found |= errno != 0; /* not read to its end */
	closedir(d);
	return found;
}

/* The first one found will do, however many there are. */
static bool has_objects(const char *dir, struct img_err *err)
{
	struct img_err ignored = IMG_ERR_INIT;
	char path[IMG_PATH_MAX], shard[3];
	bool found = false;
	int fd;

	if (img_path_join(path, sizeof(path), dir, "objects", &ignored) < 0)
		return false;
	fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE))
		img_err_sys(err, "objects");
	for (unsigned i = 0; fd >= 0 && !found && i < 256; i++) {
		snprintf(shard, sizeof(shard), "%02x", i);
		found = has_object_in(fd, shard, err);
	}
	if (fd >= 0)
		close(fd);
	return found;
}

int img_catalog_is_old(const char *dir, bool *old, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	*old = has_lines(dir) || has_objects(dir, &why);
	if (why.code != IMG_OK)
		return img_err_set(err, why.code, "%s/%s", dir, why.text);
	return 0;
}

bool img_catalog_is_none(const char *file)
{
	struct stat sb;

	return stat(file, &sb) == 0
		       ? sb.st_size == 0 && !img_catalog_has_wal(file)
		       : errno == ENOENT;
}

int img_catalog_lost(const char *file, struct img_err *err)
{
	return img_err_set(err, IMG_E_IO,
			   "%s: is gone, and the archive is not new; "
			   "imgverify --rebuild makes it again",
			   file);
}

/* The catalog last: what another process makes in between is not lost. */
int img_catalog_check_lost(const char *dir, struct img_err *err)
{
	char file[IMG_PATH_MAX];
	bool is_old;

	if (img_catalog_is_old(dir, &is_old, err) < 0 ||
	    img_path_join(file, sizeof(file) - 8, dir, "catalog.db", err) < 0)
		return -1;
	return is_old && img_catalog_is_none(file) ? img_catalog_lost(file, err)
						   : 0;
}
