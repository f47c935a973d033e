/* rebuild_place.c - a new catalog takes the place of the old one. */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "catalog/catalog.h"
#include "work/rebuild_private.h"

/* What is still in the old one's log goes into it, so that it can be moved
   without; a catalog too damaged for that is moved as it is, and so is an empty
   one: made here, it would say that there are no objects. */
static void settle_old(const char *old)
{
	struct img_err ignored = IMG_ERR_INIT;
	struct img_catalog *c = NULL;

	if (img_catalog_open_file(&c, old, IMG_READ, &ignored) < 0)
		return;
	img_catalog_close(c);
	if (img_catalog_open_file(&c, old, IMG_WRITE, &ignored) == 0)
		(void)img_catalog_settle(c, &ignored);
	img_catalog_close(c);
}

static int move_log(const char *old, const char *aside, const char *part,
		    struct img_err *err)
{
	char from[IMG_PATH_MAX + 8], to[IMG_PATH_MAX + 8];

	snprintf(from, sizeof(from), "%s%s", old, part);
	snprintf(to, sizeof(to), "%s%s", aside, part);
	if (rename(from, to) < 0 && errno != ENOENT)
		return img_err_sys(err, "%s", from);
	return 0;
}

/* A second name for the old one.  What one of this second has is not touched:
   the next second has another. */
static int keep_old(const char *old, char aside[IMG_PATH_MAX],
		    struct img_err *err)
{
	const struct timespec nap = { 0, 50 * 1000 * 1000 };
	char now[IMG_TIME_MAX];
	int n;

	for (;;) {
		img_time_now(now);
		n = snprintf(aside, IMG_PATH_MAX, "%s.before-%s", old, now);
		if (n < 0 || n >= IMG_PATH_MAX)
			return img_err_set(err, IMG_E_LIMIT,
					   "%.200s: name too long", old);
		if (link(old, aside) == 0 || errno == ENOENT)
			return 0;
		if (errno != EEXIST)
			return img_err_sys(err, "%s", aside);
		nanosleep(&nap, NULL);
	}
}

int rebuild_take_place(const char *dir, const char *fresh, const char *old,
		       struct img_err *err)
{
	char aside[IMG_PATH_MAX];

	settle_old(old);
	if (keep_old(old, aside, err) < 0)
		return -1;
	if (move_log(old, aside, "-wal", err) < 0 ||
	    move_log(old, aside, "-shm", err) < 0)
		return -1;
	if (rename(fresh, old) < 0)
		return img_err_sys(err, "%s", fresh);
	return img_sync_dir(dir, err);
}

void rebuild_remove(const char *fresh)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	char name[IMG_PATH_MAX + 8];

	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", fresh, parts[i]);
		unlink(name);
	}
}
