/* start.c - descriptors 0 to 2 and signals, before anything else. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/state.h"

volatile sig_atomic_t cli_signal, cli_signals;
static int wake[2] = { -1, -1 };
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

void cli_lock(void)
{
	pthread_mutex_lock(&lock);
}

void cli_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

/*
 * A file opened later must not become stdout.  What was closed is opened the
 * wrong way round, so that using it fails instead of seeming to work.
 */
static void open_standard(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd == 1 ? O_RDONLY : O_WRONLY) != fd)
			_exit(3);
}

static void on_signal(int sig)
{
	int e = errno;

	if (!cli_signal)
		cli_signal = sig;
	cli_signals++;
	/* Wakes a wait for stdin that began before the signal came. */
	(void)!write(wake[1], "", 1);
	errno = e; /* whoever was interrupted may be about to look at it */
}

static void catch_signal(int sig)
{
	struct sigaction was, now = { .sa_handler = on_signal };

	sigemptyset(&now.sa_mask);
	/* nohup and shells without job control ignore it for us. */
	if (sigaction(sig, NULL, &was) == 0 && was.sa_handler != SIG_IGN)
		sigaction(sig, &now, NULL);
}

/* A dump would hold patients' data and keys.  One byte stops also one that
   goes to a program, which a limit of zero does not (core(5)). */
static void leave_no_core(void)
{
	const struct rlimit none = { 1, 1 };

	(void)setrlimit(RLIMIT_CORE, &none);
}

void cli_start(void)
{
	leave_no_core();
	open_standard();
	if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) < 0)
		wake[0] = wake[1] = -1;
	catch_signal(SIGINT);
	catch_signal(SIGTERM);
	catch_signal(SIGHUP);
	/* A reader that has gone and a file size limit are errors of write. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

bool cli_wait_stdin(void)
{
	struct pollfd fds[2] = { { .fd = 0, .events = POLLIN },
				 { .fd = wake[0], .events = POLLIN } };

	/* What poll cannot say, read will. */
	if (!cli_signal)
		(void)poll(fds, 2, -1);
	return !cli_signal;
}

bool img_cli_stopped(const struct img_cli *cli)
{
	(void)cli;
	return cli_signal != 0;
}
