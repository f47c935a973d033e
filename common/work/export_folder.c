/* export_folder.c - the form folder: reflinks, hard links or copies. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "work/export_private.h"

/* Opens a name below dir, and nowhere else. */
static int open_below(int dir, const char *name, int flags)
{
	struct open_how how = { .flags = (unsigned)flags | O_CLOEXEC,
				.mode = flags & O_CREAT ? 0666 : 0,
				.resolve =
					RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	long fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));

	if (fd >= 0 || errno != ENOSYS)
		return (int)fd;
	return openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW, 0666);
}

/* Messages have no names that were made of attributes. */
int export_folders(int dir, const char *name, struct img_err *err)
{
	char path[IMG_PATH_MAX];

	if (strcmp(name, "..") == 0 || strncmp(name, "../", 3) == 0 ||
	    strstr(name, "/../") || *name == '/')
		return img_err_set(err, IMG_E_BUG,
				   "destination: a name leads out of it");
	for (const char *p = strchr(name, '/'); p; p = strchr(p + 1, '/')) {
		snprintf(path, sizeof(path), "%.*s", (int)(p - name), name);
		if (mkdirat(dir, path, 0777) < 0 && errno != EEXIST)
			return img_err_sys(err, "destination");
	}
	return 0;
}

int export_new_file(int dir, const char *name, struct img_err *err)
{
	int fd = open_below(dir, name, O_CREAT | O_EXCL | O_RDWR);

	if (fd < 0 && errno == ENOENT) {
		if (export_folders(dir, name, err) < 0)
			return -1;
		fd = open_below(dir, name, O_CREAT | O_EXCL | O_RDWR);
	}
	return fd < 0 ? img_err_sys(err, "destination") : fd;
}

static int write_block(void *arg, const void *p, size_t n, struct img_err *err)
{
	const int *fd = arg;

	return img_write_full(*fd, p, n) < 0 ? img_err_sys(err, "destination")
					     : 0;
}

void export_set_time(int fd, int64_t mtime)
{
	const struct timespec ts[2] = { { .tv_sec = mtime },
					{ .tv_sec = mtime } };

	(void)futimens(fd, ts);
}

/* 1 linked, 0 it cannot be (another file system, too many links), -1. */
static int try_link(int dir, const struct export_item *it, int from,
		    struct img_err *err)
{
	char self[64];
	int rc;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", from);
	rc = linkat(AT_FDCWD, self, dir, it->out, AT_SYMLINK_FOLLOW);
	if (rc < 0 && errno == ENOENT) {
		if (export_folders(dir, it->out, err) < 0)
			return -1;
		rc = linkat(AT_FDCWD, self, dir, it->out, AT_SYMLINK_FOLLOW);
	}
	return rc == 0;
}

/* Shared blocks, else a copy; what was shared is summed where it came to lie,
   which proves it. */
static int copy(int dir, struct export_item *it, int from,
		struct export_sum *sum, struct img_err *err)
{
	int to = export_new_file(dir, it->out, err);
	int rc;

	if (to < 0)
		return -1;
	it->proved = ioctl(to, FICLONE, from) == 0;
	if (it->proved)
		rc = export_read(to, it->name, sum, NULL, NULL, err);
	else
		rc = export_read(from, it->name, sum, write_block, &to, err);
	export_set_time(to, it->mtime);
	if (rc == 0)
		return img_close(&to, "destination", err);
	close(to);
	return -1;
}

/* 1 written in another transfer syntax, 0 it need not be, -1. */
static int convert(struct img_export *x, unsigned worker,
		   const struct export_volume *v, struct export_item *it,
		   int from, struct export_sum *sum, struct img_err *err)
{
	int to = export_new_file(v->place.fd, it->out, err);
	int rc = to < 0 ? -1 : export_convert(x, worker, it, from, to, err);

	if (rc > 0 && export_read(to, it->name, sum, NULL, NULL, err) < 0)
		rc = -1;
	if (rc > 0)
		export_set_time(to, it->mtime);
	if (rc == 0 && unlinkat(v->place.fd, it->out, 0) < 0)
		rc = img_err_sys(err, "destination");
	if (rc > 0)
		return img_close(&to, "destination", err) < 0 ? -1 : 1;
	if (to >= 0)
		close(to);
	return rc;
}

static int put_item(struct img_export *x, unsigned worker,
		    struct export_item *it, void *arg, struct img_err *err)
{
	struct export_volume *v = arg;
	struct img_err why = IMG_ERR_INIT;
	struct export_sum sum;
	int from = export_source(x, it, &why), linked = 0, rc = -1;
	int converted = 0;

	export_sum_init(&sum);
	if (from >= 0 && it->target)
		converted = convert(x, worker, v, it, from, &sum, &why);
	if (from >= 0 && converted == 0 && x->opts.link) {
		linked = try_link(v->place.fd, it, from, &why);
		it->proved = linked > 0;
	}
	if (converted != 0)
		rc = converted < 0 ? -1 : 0;
	else if (from >= 0 && linked > 0)
		rc = export_read(from, it->name, &sum, NULL, NULL, &why);
	else if (from >= 0 && linked == 0)
		rc = copy(v->place.fd, it, from, &sum, &why);
	if (from >= 0)
		close(from);
	if (rc == 0)
		rc = export_sum_end(&sum, it, &why);
	export_sum_drop(&sum);
	if (rc == 0) {
		it->state = EX_WRITTEN;
		export_done(x, it);
		return 0;
	}
	(void)unlinkat(v->place.fd, it->out, 0);
	return export_failed(x, worker, it, &why, err);
}

int export_folder_items(struct img_export *x, struct export_volume *v,
			struct img_err *err)
{
	return export_each(x, v, put_item, v, err);
}

int export_folder_extras(struct img_export *x, struct export_volume *v,
			 struct img_err *err)
{
	for (size_t i = 0; i < v->extras; i++) {
		const struct export_extra *e = &v->extra[i];
		int fd = e->p ? export_new_file(v->place.fd, e->name, err) : -1;

		if (!e->p)
			continue;
		if (fd < 0)
			return -1;
		if (img_write_full(fd, e->p, e->n) < 0) {
			img_err_sys(err, "%s", e->name);
			close(fd);
			return -1;
		}
		export_set_time(fd, x->newest);
		if (img_close(&fd, e->name, err) < 0)
			return -1;
	}
	if (syncfs(v->place.fd) < 0)
		return img_err_sys(err, "destination: sync");
	return 0;
}

/* ---- proof ------------------------------------------------------------- */

static int compare(const struct export_volume *v, const char *file,
		   const char *name, const uint8_t digest[IMG_DIGEST_SIZE],
		   struct img_err *err)
{
	int fd = open_below(v->place.fd, file, O_RDONLY);
	int rc;

	if (fd < 0)
		return img_err_sys(err, "%s", name);
	rc = export_compare(fd, name, digest, err);
	close(fd);
	return rc;
}

static int prove_item(struct img_export *x, unsigned worker,
		      struct export_item *it, void *arg, struct img_err *err)
{
	(void)x;
	(void)worker;
	if (it->state != EX_WRITTEN || it->proved || it->files)
		return 0;
	if (compare(arg, it->out, it->name, it->digest, err) < 0)
		return -1;
	it->proved = true;
	return 0;
}

int export_folder_prove(struct img_export *x, struct export_volume *v,
			struct img_err *err)
{
	for (size_t i = 0; i < v->extras; i++) {
		struct export_extra *e = &v->extra[i];

		/* Of pictures the name was made of attributes. */
		if (compare(v, e->name, v->place.base, e->digest, err) < 0)
			return -1;
		e->proved = true;
	}
	return export_each(x, v, prove_item, v, err);
}
