/* jail.c - the program's side: the keeper, workers, how they ended. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "jail/inside.h"

int img_jail_open(struct img_jail **out, img_jail_fn fn, void *arg,
		  const struct img_jail_limits *limits, struct img_err *err)
{
	static const struct img_jail_limits none;
	struct img_jail *jail = calloc(1, sizeof(*jail));
	pid_t self = getpid();
	int fd[2];

	if (!jail)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) < 0) {
		free(jail);
		return img_err_sys(err, "jail");
	}
	jail->keeper = fork();
	if (jail->keeper == 0)
		jail_keep(fd[1], self, fn, arg, limits ? limits : &none);
	close(fd[1]);
	if (jail->keeper < 0) {
		img_err_sys(err, "jail");
		close(fd[0]);
		free(jail);
		return -1;
	}
	jail->fd = fd[0];
	pthread_mutex_init(&jail->lock, NULL);
	*out = jail;
	return 0;
}

void img_jail_close(struct img_jail *jail)
{
	if (!jail)
		return;
	/* It holds nothing that could be lost. */
	kill(jail->keeper, SIGKILL);
	while (waitpid(jail->keeper, NULL, 0) < 0 && errno == EINTR)
		;
	close(jail->fd);
	pthread_mutex_destroy(&jail->lock);
	free(jail);
}

/* ---- workers ---------------------------------------------------------- */

static int ask(struct img_jail *jail, int fd, struct jail_answer *a,
	       struct img_err *err)
{
	struct img_err gone = IMG_ERR_INIT;
	int rc = -1;

	pthread_mutex_lock(&jail->lock);
	if (img_jail_send(jail->fd, "w", 1, fd, -1, &gone) == 0 &&
	    img_jail_recv(jail->fd, a, sizeof(*a), NULL, -1, &gone) == 0)
		rc = 0;
	else
		jail->gone = true;
	pthread_mutex_unlock(&jail->lock);
	if (rc < 0)
		return img_err_set(err, IMG_E_IO,
				   "jail: its keeper is gone, no process can "
				   "be started");
	if (a->pid > 0)
		return 0;
	a->step[sizeof(a->step) - 1] = '\0';
	errno = a->error;
	return img_err_sys(err, "jail: %s", a->step);
}

bool img_jail_is_gone(struct img_jail *jail)
{
	bool gone;

	pthread_mutex_lock(&jail->lock);
	gone = jail->gone;
	pthread_mutex_unlock(&jail->lock);
	return gone;
}

int img_jail_start(struct img_jail *jail, struct img_jail_worker *worker,
		   struct img_err *err)
{
	struct jail_answer a;
	int fd[2];

	worker->fd = -1;
	worker->pid = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0)
		return img_err_sys(err, "jail");
	if (ask(jail, fd[1], &a, err) < 0) {
		close(fd[0]);
		close(fd[1]);
		return -1;
	}
	close(fd[1]);
	worker->fd = fd[0];
	worker->pid = a.pid;
	return 0;
}

/* Waits until it has ended; 0, or -1 when the time is over first. */
static int wait_for(pid_t pid, unsigned seconds, int *status)
{
	const struct timespec nap = { 0, 1000000 };
	double until = img_time_mono() + seconds;
	int fd = pidfd_open(pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	double left;
	pid_t got;

	for (;;) {
		got = waitpid(pid, status, WNOHANG);
		left = until - img_time_mono();
		if (got == pid || (got < 0 && errno != EINTR) || left <= 0)
			break;
		if (fd < 0 ||
		    (poll(&p, 1, (int)(left * 1000) + 1) < 0 && errno != EINTR))
			nanosleep(&nap, NULL);
	}
	if (fd >= 0)
		close(fd);
	return got == pid ? 0 : -1;
}

#define AT_WORK "%s: the process at work on it"

static int killed_by(int sig, const char *what, struct img_err *err)
{
	const char *name = sigabbrev_np(sig);

	switch (sig) {
	case SIGSYS:
		return img_err_set(err, IMG_E_MALFORMED,
				   AT_WORK " made a forbidden system call",
				   what);
	case SIGXCPU:
		return img_err_set(err, IMG_E_LIMIT,
				   AT_WORK " ran out of processor time", what);
	case SIGKILL:
	case SIGTERM:
		return img_err_set(err, IMG_E_BUSY, AT_WORK " was killed",
				   what);
	default:
		return img_err_set(err, IMG_E_MALFORMED,
				   AT_WORK " crashed (SIG%s)", what,
				   name ? name : "?");
	}
}

static int ended(int status, const char *what, struct img_err *err)
{
	if (WIFSIGNALED(status))
		return killed_by(WTERMSIG(status), what, err);
	switch (WEXITSTATUS(status)) {
	case EXIT_MEMORY:
		return img_err_set(err, IMG_E_LIMIT,
				   AT_WORK " ran out of memory", what);
	case EXIT_CRASH:
		return img_err_set(err, IMG_E_MALFORMED,
				   AT_WORK " crashed (sanitizer)", what);
	case EXIT_LOCK:
		return img_err_set(err, IMG_E_DENIED,
				   AT_WORK " could not be jailed", what);
	default:
		return WEXITSTATUS(status);
	}
}

int img_jail_end(struct img_jail_worker *worker, unsigned seconds,
		 const char *what, struct img_err *err)
{
	pid_t pid = worker->pid;
	bool late = false;
	int status;

	if (worker->fd >= 0)
		close(worker->fd);
	worker->fd = -1;
	worker->pid = -1;
	if (pid <= 0)
		return img_err_set(err, IMG_E_BUG, "%s: no process at work",
				   what);
	if (wait_for(pid, seconds, &status) < 0) {
		late = kill(pid, SIGKILL) == 0;
		while (waitpid(pid, &status, 0) < 0)
			if (errno != EINTR)
				return img_err_sys(err, "%s: waiting", what);
	}
	if (late && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return img_err_set(err, IMG_E_LIMIT,
				   AT_WORK " did not end in time", what);
	return ended(status, what, err);
}
