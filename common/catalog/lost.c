/* lost.c - a catalog that is gone is not one that never was. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

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

bool img_catalog_has_lines(const char *dir)
{
	struct img_err ignored = IMG_ERR_INIT;
	char log[IMG_PATH_MAX];
	struct stat sb;

	return img_path_join(log, sizeof(log), dir, "audit.log", &ignored) ==
		       0 &&
	       stat(log, &sb) == 0 && sb.st_size > 0;
}

bool img_catalog_is_none(const char *file)
{
	struct stat sb;

	return stat(file, &sb) == 0
		       ? sb.st_size == 0 && !img_catalog_has_wal(file)
		       : errno == ENOENT;
}

/* The log first: what another process makes in between is not lost. */
bool img_catalog_is_lost(const char *dir)
{
	struct img_err ignored = IMG_ERR_INIT;
	char file[IMG_PATH_MAX];

	return img_catalog_has_lines(dir) &&
	       img_path_join(file, sizeof(file) - 8, dir, "catalog.db",
			     &ignored) == 0 &&
	       img_catalog_is_none(file);
}

int img_catalog_lost(const char *file, struct img_err *err)
{
	return img_err_set(err, IMG_E_IO,
			   "%s: is gone, and the archive is not new; "
			   "imgverify --rebuild makes it again",
			   file);
}
