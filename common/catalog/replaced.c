/* replaced.c - a rebuild puts another file in the catalog's place. */
#include <sys/stat.h>

#include "catalog/inside.h"

static bool is_replaced(const struct img_catalog *c)
{
	struct stat sb;

	return stat(c->file, &sb) == 0 &&
	       (sb.st_ino != c->sb.st_ino || sb.st_dev != c->sb.st_dev);
}

int img_catalog_still_there(const struct img_catalog *c, struct img_err *err)
{
	struct stat sb;

	if (stat(c->file, &sb) < 0)
		return img_err_sys(err, "%s", c->file);
	if (is_replaced(c))
		return img_err_set(err, IMG_E_BUSY,
				   "%s: was rebuilt meanwhile, start again",
				   c->file);
	return 0;
}

int img_catalog_follow(struct img_catalog **c, const char *dir,
		       enum img_mode mode, struct img_err *err)
{
	struct img_catalog *fresh;

	if (*c && !is_replaced(*c))
		return 0;
	if (img_catalog_open(&fresh, dir, mode, err) < 0)
		return -1;
	if (*c)
		img_catalog_host(fresh, (*c)->stopped, (*c)->stopped_arg);
	img_catalog_close(*c);
	*c = fresh;
	return 1;
}
