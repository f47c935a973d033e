/* deidentify_place.c - where the new bytes go. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/deidentify_private.h"

#define BLOCK 65536

/* A file without a name; where the file system has no such, one that nobody
   else can read until it is known to tell nothing. */
static int open_part(struct deid_worker *w, struct img_err *err)
{
	struct deid_output *o = &w->out;
	const char *dir = w->d->to_stdout ? getenv("TMPDIR") : w->d->opts.out;
	char name[64];

	if (!dir)
		dir = "/tmp";
	o->part[0] = '\0';
	o->fd = openat(AT_FDCWD, dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	if (o->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT &&
	    errno != EINVAL)
		return img_err_sys(err, "%s", dir);
	snprintf(name, sizeof(name), ".imganon-%ld-%u-%llu.part",
		 (long)getpid(), w->number, (unsigned long long)w->parts++);
	if (img_path_join(o->part, sizeof(o->part), dir, name, err) < 0)
		return -1;
	o->fd = open(o->part, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (o->fd < 0) {
		img_err_sys(err, "%s", o->part);
		o->part[0] = '\0';
		return -1;
	}
	if (w->d->to_stdout) {
		unlink(o->part);
		o->part[0] = '\0';
	}
	return 0;
}

int deid_output_begin(struct deid_worker *w, bool small, struct img_err *err)
{
	w->out.bytes = 0;
	w->out.part[0] = '\0';
	img_buf_reset(&w->out.mem);
	w->out.fd = -1;
	img_digest_init(&w->out.digest);
	return small ? 0 : open_part(w, err);
}

int deid_output_write(void *arg, const void *p, size_t n, struct img_err *err)
{
	struct deid_worker *w = arg;

	w->out.bytes += n;
	if (w->out.fd < 0)
		return img_buf_add(&w->out.mem, p, n, err);
	img_digest_add(&w->out.digest, p, n);
	if (img_write_full(w->out.fd, p, n) < 0)
		return img_err_sys(err, "%s", w->d->opts.out);
	return 0;
}

void deid_output_drop(struct deid_worker *w)
{
	if (w->out.fd >= 0)
		close(w->out.fd);
	w->out.fd = -1;
	if (w->out.part[0])
		unlink(w->out.part);
	w->out.part[0] = '\0';
}

/* ---- standard output -------------------------------------------------- */

static int to_stdout(struct deid_worker *w, struct img_err *err)
{
	struct deid_output *o = &w->out;
	char block[BLOCK];
	off_t at = 0;
	ssize_t n;

	if (o->fd < 0) {
		if (img_write_full(STDOUT_FILENO, o->mem.data, o->mem.len) < 0)
			return img_err_sys(err, "stdout");
		return 0;
	}
	while ((n = img_pread_full(o->fd, block, sizeof(block), at)) > 0) {
		if (img_write_full(STDOUT_FILENO, block, (size_t)n) < 0)
			return img_err_sys(err, "stdout");
		at += n;
	}
	return n < 0 ? img_err_sys(err, "stdout") : 0;
}

/* ---- a folder --------------------------------------------------------- */

static int make_folder(struct deid_worker *w, const struct img_anon_facts *f,
		       char *dir, struct img_err *err)
{
	const char *level[2] = { f->study, f->series };
	char up[IMG_PATH_MAX];

	snprintf(dir, IMG_PATH_MAX, "%s", w->d->opts.out);
	for (unsigned i = 0; i < 2 && level[i][0]; i++) {
		snprintf(up, sizeof(up), "%s", dir);
		if (img_path_join(dir, IMG_PATH_MAX, up, level[i], err) < 0)
			return -1;
		if (strncmp(w->made, dir, strlen(dir)) == 0 &&
		    (w->made[strlen(dir)] == '/' ||
		     w->made[strlen(dir)] == '\0'))
			continue;
		if (mkdir(dir, 0777) < 0 && errno != EEXIST)
			return img_err_sys(err, "%s", dir);
	}
	snprintf(w->made, sizeof(w->made), "%s", dir);
	return 0;
}

/* Files from this size on are sent to the disk when they are complete, so
   that the batch's sync has less to wait for. */
#define EARLY (128 * 1024)

static int put_file(struct deid_worker *w, struct deid_done *done,
		    struct img_err *err)
{
	struct deid_output *o = &w->out;

	if (o->fd >= 0) {
		img_digest_end(&o->digest, done->digest);
	} else {
		if (open_part(w, err) < 0)
			return -1;
		img_digest_of(done->digest, o->mem.data, o->mem.len);
		if (img_write_full(o->fd, o->mem.data, o->mem.len) < 0)
			return img_err_sys(err, "%s", w->d->opts.out);
	}
	if (o->bytes >= EARLY)
		(void)sync_file_range(o->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}

int deid_output_end(struct deid_worker *w, const struct img_anon_facts *f,
		    struct deid_done *done, struct img_err *err)
{
	struct deid_output *o = &w->out;
	char dir[IMG_PATH_MAX], path[IMG_PATH_MAX], name[IMG_UID_MAX + 8];

	done->bytes = o->bytes;
	done->facts = *f;
	if (w->d->to_stdout) {
		done->path = strdup("-");
		return to_stdout(w, err);
	}
	snprintf(name, sizeof(name), "%s.dcm", f->sop);
	if (make_folder(w, f, dir, err) < 0 ||
	    img_path_join(path, sizeof(path), dir, name, err) < 0 ||
	    put_file(w, done, err) < 0)
		return -1;
	if (o->part[0] && fchmod(o->fd, 0666 & ~w->d->umask) < 0)
		return img_err_sys(err, "%s", o->part);
	done->path = strdup(path);
	done->part = o->part[0] ? strdup(o->part) : NULL;
	if (!done->path || (o->part[0] && !done->part))
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	done->fd = o->fd;
	o->fd = -1;
	o->part[0] = '\0';
	return 0;
}
