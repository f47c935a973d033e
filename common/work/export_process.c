/* export_process.c - other programs, without a shell: xorriso, dcm2niix. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "work/export_private.h"

/* Between fork and exec: only what a signal handler may do. */
static _Noreturn void child(const char *const argv[], rlim_t seconds)
{
	const struct rlimit cpu = { seconds, seconds };
	const struct rlimit core = { 0, 0 };
	int null = open("/dev/null", O_RDWR);

	if (null >= 0) {
		(void)dup2(null, 0);
		(void)dup2(null, 1);
		(void)dup2(null, 2);
	}
	(void)setrlimit(RLIMIT_CPU, &cpu);
	(void)setrlimit(RLIMIT_CORE, &core);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* Its end; with x, it is ended when the export is to stop. */
static int await(struct img_export *x, pid_t pid, int *status)
{
	struct timespec nap = { .tv_nsec = 1000000 };
	pid_t got;

	while ((got = waitpid(pid, status, x ? WNOHANG : 0)) != pid) {
		if (got < 0 && errno != EINTR)
			return -1;
		if (got < 0 || !x)
			continue;
		if (export_stopped(x))
			(void)kill(pid, SIGKILL);
		(void)nanosleep(&nap, NULL);
		if (nap.tv_nsec < 50000000)
			nap.tv_nsec *= 2;
	}
	return 0;
}

int export_run(struct img_export *x, const char *const argv[], unsigned seconds,
	       struct img_err *err)
{
	pid_t self = getpid(), pid = fork();
	int status;

	if (pid == 0) {
		/* A disc is rather burned to its end. */
		if (x &&
		    (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != self))
			_exit(127);
		child(argv, seconds);
	}
	if (pid < 0 || await(x, pid, &status) < 0)
		return img_err_sys(err, "%s", argv[0]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%s cannot be run: is it installed?",
				   argv[0]);
	return img_err_set(err, IMG_E_IO, "%s ended with %s %d", argv[0],
			   WIFEXITED(status) ? "status" : "signal",
			   WIFEXITED(status) ? WEXITSTATUS(status)
					     : WTERMSIG(status));
}

/* ---- discs ------------------------------------------------------------- */

/* The first n bytes of the disc are those of the image. */
static int compare(int image, int disc, const char *device, struct img_err *err)
{
	char a[EXPORT_BLOCK], b[EXPORT_BLOCK];
	off_t at = 0;
	ssize_t n;

	while ((n = img_pread_full(image, a, sizeof(a), at)) > 0) {
		ssize_t got = img_pread_full(disc, b, (size_t)n, at);

		if (got < 0)
			return img_err_sys(err, "%s", device);
		if (got != n || memcmp(a, b, (size_t)n) != 0)
			return img_err_set(err, IMG_E_IO,
					   "%s: reads back otherwise than it "
					   "was burned, at byte %lld",
					   device, (long long)at);
		at += n;
	}
	return n < 0 ? img_err_sys(err, "image") : 0;
}

/* xorriso's words before a device or file: how it is to be written. */
static const char *path_of(const char *device)
{
	return strncmp(device, "stdio:", 6) == 0 ? device + 6
	       : strncmp(device, "mmc:", 4) == 0 ? device + 4
						 : device;
}

static int read_back(const char *image, const char *device, struct img_err *err)
{
	const char *path = path_of(device);
	int from = open(image, O_RDONLY | O_CLOEXEC);
	int disc = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (from < 0 || disc < 0) {
		rc = img_err_sys(err, "%s", from < 0 ? image : path);
	} else {
		/* From the disc, not from memory. */
		(void)ioctl(disc, BLKFLSBUF, 0);
		(void)posix_fadvise(disc, 0, 0, POSIX_FADV_DONTNEED);
		rc = compare(from, disc, device, err);
	}
	if (from >= 0)
		close(from);
	if (disc >= 0)
		close(disc);
	return rc;
}

int export_burn_ready(struct img_export *x, struct img_err *err)
{
	const char *device = x->opts.burn;

	/* A file may be made. */
	if (device && strncmp(device, "stdio:", 6) != 0 &&
	    access(path_of(device), F_OK) < 0)
		return img_err_sys(err, "%s", device);
	return 0;
}

int export_burn(struct img_export *x, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	const struct export_place *p = &x->volume->place;
	char path[IMG_PATH_MAX + 300], dev[IMG_PATH_MAX + 8];
	char *image;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", p->parent, p->base);
	image = realpath(path, NULL);
	if (!image)
		return img_err_sys(err, "%s", path);
	snprintf(dev, sizeof(dev), "dev=%s", x->opts.burn);
	const char *const argv[] = { "xorriso",
				     "-as",
				     "cdrecord",
				     dev,
				     x->opts.force ? "blank=as_needed" : "-v",
				     image,
				     NULL };
	rc = export_run(NULL, argv, 7200, &why);
	if (rc < 0)
		img_err_set(err, why.code,
			    "%s: %s; the image is whole and stays",
			    x->opts.burn, why.text);
	else
		rc = read_back(image, x->opts.burn, err);
	free(image);
	return rc;
}
