/* io.c - checked reading, writing, syncing, locking; the clock. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

static ssize_t read_all(int fd, void *p, size_t n, bool patient)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = read(fd, (char *)p + got, n - got);

		if (r < 0 && errno == EINTR && patient)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

ssize_t img_read_full(int fd, void *p, size_t n)
{
	return read_all(fd, p, n, true);
}

ssize_t img_read_or_signal(int fd, void *p, size_t n)
{
	return read_all(fd, p, n, false);
}

ssize_t img_pread_full(int fd, void *p, size_t n, off_t at)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r =
			pread(fd, (char *)p + got, n - got, at + (off_t)got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

int img_write_full(int fd, const void *p, size_t n)
{
	size_t put = 0;

	while (put < n) {
		ssize_t w = write(fd, (const char *)p + put, n - put);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		put += (size_t)w;
	}
	return 0;
}

int img_sync_fd(int fd, const char *name, struct img_err *err)
{
	if (fsync(fd) < 0)
		return img_err_sys(err, "%s: sync", name);
	return 0;
}

int img_sync_dir(const char *dir, struct img_err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return img_err_sys(err, "%s", dir);
	rc = img_sync_fd(fd, dir, err);
	close(fd);
	return rc;
}

int img_sync_folder_of(const char *path, struct img_err *err)
{
	size_t n = strlen(path);
	char dir[IMG_PATH_MAX];

	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n && path[n - 1] != '/')
		n--;
	if (n >= sizeof(dir))
		return img_err_set(err, IMG_E_LIMIT, "%.100s...: too long",
				   path);
	memcpy(dir, path, n);
	dir[n] = '\0';
	return img_sync_dir(n ? dir : ".", err);
}

int img_close(int *fd, const char *name, struct img_err *err)
{
	int was = *fd;

	*fd = -1;
	if (was >= 0 && close(was) < 0 && errno != EINTR)
		return img_err_sys(err, "%s: close", name);
	return 0;
}

/* A name of our own is replaced: nobody else's can be. */
static int rename_over_own(int from, const char *a, int to, const char *b)
{
	int fd = openat(to, b, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int why;

	if (fd < 0)
		return -1;
	close(fd);
	if (renameat(from, a, to, b) == 0)
		return 0;
	why = errno;
	(void)unlinkat(to, b, 0);
	errno = why;
	return -1;
}

/* Its group may do with it what its owner may, as far as with the folder. */
static void share(int fd, mode_t is, mode_t folder)
{
	mode_t to = is | (is >> 3 & folder & S_IRWXG);

	if (S_ISDIR(is))
		to |= S_ISGID;
	if (to != is && fchmod(fd, to & 07777) < 0)
		return; /* another of the group has made it */
}

void img_give(int fd, int at, const char *folder)
{
	struct stat st, own;

	if (fstatat(at, folder, &st, 0) < 0 || fstat(fd, &own) < 0)
		return;
	/* With another name it is not what was made here. */
	if (S_ISREG(own.st_mode) && own.st_nlink > 1)
		return;
	if (geteuid() == 0 && st.st_uid != 0 &&
	    fchown(fd, st.st_uid, st.st_gid) < 0)
		return; /* as in some containers */
	if (st.st_mode & S_ISGID)
		share(fd, own.st_mode, st.st_mode);
}

/* A folder takes the place of an empty one, and of no other (rename(2)). */
static int rename_folder(int from, const char *a, int to, const char *b)
{
	int why;

	if (mkdirat(to, b, 0700) < 0)
		return -1;
	if (renameat(from, a, to, b) == 0)
		return 0;
	why = errno;
	(void)unlinkat(to, b, AT_REMOVEDIR);
	errno = why;
	return -1;
}

int img_rename_new(int from, const char *a, int to, const char *b)
{
	struct stat st;

	if (renameat2(from, a, to, b, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (fstatat(from, a, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (S_ISDIR(st.st_mode))
		return rename_folder(from, a, to, b);
	if (linkat(from, a, to, b, 0) == 0)
		return unlinkat(from, a, 0);
	return errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS
		       ? rename_over_own(from, a, to, b)
		       : -1;
}

int img_lock(int fd, bool exclusive, int seconds, const char *name,
	     struct img_err *err)
{
	struct flock lock = { .l_type = exclusive ? F_WRLCK : F_RDLCK,
			      .l_whence = SEEK_SET };
	double until = img_time_mono() + seconds;
	struct timespec nap = { 0, 5000000 };

	while (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return img_err_sys(err, "%s: lock", name);
		if (img_time_mono() >= until)
			return img_err_set(err, IMG_E_BUSY,
					   "%s: in use by another process",
					   name);
		nanosleep(&nap, NULL);
	}
	return 0;
}

void img_unlock(int fd)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	(void)fcntl(fd, F_OFD_SETLK, &lock);
}

void img_time_now(char out[IMG_TIME_MAX])
{
	time_t t = time(NULL);
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
	    !strftime(out, IMG_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm))
		out[0] = '\0';
}

double img_time_mono(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}
