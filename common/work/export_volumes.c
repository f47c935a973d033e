/* export_volumes.c - where volumes lie: names, what lies beside and above. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/export_private.h"

#define STRAYS 99 /* numbers behind the last that are looked at */

/* "disc.iso" as "disc-2.iso". */
static void volume_name(char *out, size_t size, const char *name, unsigned i)
{
	size_t n = strlen(name), stem;
	const char *dot, *slash;

	while (n > 1 && name[n - 1] == '/')
		n--;
	dot = memrchr(name, '.', n);
	slash = memrchr(name, '/', n);
	stem = dot && dot > name && (!slash || dot > slash + 1)
		       ? (size_t)(dot - name)
		       : n;
	snprintf(out, size, "%.*s-%u%.*s", (int)stem, name, i, (int)(n - stem),
		 name + stem);
}

/* Volumes of another export that would be taken for more of these: whoever
   burns disc-*.iso burns them, too. */
static int check_strays(struct img_export *x, unsigned n, struct img_err *err)
{
	struct stat st;
	char name[IMG_PATH_MAX + 16];

	if (!x->opts.split || x->volume->place.stream)
		return 0;
	for (unsigned i = n == 1 ? 1 : n + 1; i <= n + STRAYS; i++) {
		volume_name(name, sizeof(name), x->opts.out, i);
		if (lstat(name, &st) == 0)
			return img_err_set(err, IMG_E_REFUSED,
					   "%s: is there, and is not one of "
					   "the %u of this export",
					   name, n);
	}
	if (n == 1 || lstat(x->opts.out, &st) < 0)
		return 0;
	return img_err_set(err, IMG_E_REFUSED,
			   "%s: is there, and is not one of the %u of this "
			   "export",
			   x->opts.out, n);
}

int export_volumes(struct img_export *x, unsigned n, struct img_err *err)
{
	struct export_volume *v;
	char name[IMG_PATH_MAX + 16];

	if (check_strays(x, n, err) < 0)
		return -1;
	if (n == 1)
		return 0;
	if (x->opts.burn)
		return img_err_set(err, IMG_E_REFUSED,
				   "several volumes are not burned at once");
	if (x->volume->place.stream)
		return img_err_set(err, IMG_E_REFUSED,
				   "several volumes do not go to stdout");
	v = calloc(n, sizeof(*v));
	if (!v)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	export_place_release(&x->volume->place);
	free(x->volume);
	x->volume = v;
	x->volumes = n;
	for (unsigned i = 0; i < n; i++)
		v[i].place.fd = v[i].place.parent_fd = -1;
	for (unsigned i = 0; i < n; i++) {
		v[i].number = i;
		volume_name(name, sizeof(name), x->opts.out, i + 1);
		if (export_place_init(&v[i].place, name,
				      img_export_is_folder(x->opts.form),
				      x->opts.force, err) < 0)
			return -1;
	}
	return 0;
}

/* Every folder above, up to the one that is its own parent. */
int export_place_outside(const struct export_place *p, const char *archive,
			 struct img_err *err)
{
	int fd = p->stream ? -1 : openat(p->parent_fd, ".", O_PATH | O_CLOEXEC);
	struct stat own, st, last = { 0 };

	if (fd < 0 || stat(archive, &own) < 0) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while (fd >= 0 && fstat(fd, &st) == 0 &&
	       (st.st_ino != last.st_ino || st.st_dev != last.st_dev)) {
		int up = openat(fd, "..", O_PATH | O_CLOEXEC);

		close(fd);
		fd = up;
		last = st;
		if (st.st_ino == own.st_ino && st.st_dev == own.st_dev) {
			if (fd >= 0)
				close(fd);
			return img_err_set(err, IMG_E_REFUSED,
					   "%s/%s: lies in the archive",
					   p->parent, p->base);
		}
	}
	if (fd >= 0)
		close(fd);
	return 0;
}
