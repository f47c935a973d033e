/*
 * keeper.c - the process that forks workers.
 *
 * It sees no foreign bytes.  It does once what workers inherit: no files, no
 * privileges, limits, handlers.  CLONE_PARENT makes a worker the program's
 * child, so that the program waits for it, and its id is not given to another
 * process before.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "jail/inside.h"

#define SIGNAL_STACK (64 * 1024)

#if SANITIZED
#define KEEP_STDERR 1 /* the sanitizer says there what is wrong */
void __sanitizer_set_death_callback(void (*callback)(void));
#else
#define KEEP_STDERR 0
#endif

static size_t probe_size; /* for on_fatal: address space to ask for */

/* Dies with the program, also with one that has died already. */
static void die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
}

/* Nothing of the program stays open: its pipes end when it ends. */
static int only_socket(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), high, ends[2];

	if (null < 0) { /* the reading end of a pipe without a writer */
		if (pipe2(ends, O_CLOEXEC) < 0)
			return -1;
		close(ends[1]);
		null = ends[0];
	}
	high = fcntl(fd, F_DUPFD_CLOEXEC, SOCK_FD + 1);
	if (high < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    (!KEEP_STDERR && dup2(null, 2) < 0) ||
	    dup3(high, SOCK_FD, O_CLOEXEC) < 0)
		return -1;
	return close_range(SOCK_FD + 1, ~0u, 0);
}

/* ---- signals ------------------------------------------------------------ */

static bool out_of_memory(void)
{
	void *p = mmap(NULL, probe_size, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return true;
	munmap(p, probe_size);
	return false;
}

/* Libraries that get no memory often crash: say so.  Anything else happens
   again when this returns, and is not caught then. */
static void on_fatal(int sig)
{
	(void)sig;
	if (out_of_memory())
		_exit(EXIT_MEMORY);
}

#if SANITIZED
static void on_death(void)
{
	_exit(out_of_memory() ? EXIT_MEMORY : EXIT_CRASH);
}
#endif

static int set_signals(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGABRT };
	struct sigaction act = { .sa_handler = on_fatal,
				 .sa_flags = SA_ONSTACK | SA_RESETHAND |
					     SA_NODEFER };
	stack_t stack = { .ss_size = SIGNAL_STACK };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	stack.ss_sp = mmap(NULL, SIGNAL_STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		if (sigaction(fatal[i], &act, NULL) < 0)
			return -1;
#if SANITIZED
	__sanitizer_set_death_callback(on_death);
#endif
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- workers ------------------------------------------------------------ */

_Noreturn static void work(int fd, pid_t parent, img_jail_fn fn, void *arg,
			   const struct img_jail_limits *limits)
{
	int rc;

	die_with(parent);
	if (dup2(fd, SOCK_FD) < 0 || close_range(SOCK_FD + 1, ~0u, 0) < 0 ||
	    (!limits->helper && jail_lock(limits) < 0))
		_exit(EXIT_LOCK);
	rc = fn(SOCK_FD, arg);
	_exit(rc >= 0 && rc <= 100 ? rc : 100);
}

/* As the system's; fork() would make it the keeper's child. */
static pid_t fork_sibling(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
}

/* ---- the keeper --------------------------------------------------------- */

/* What a library does at its first use must not be done in the jail. */
static int warm_up(void)
{
	/* Else the zone's file is looked at again each time, and so it is when
	   there was no memory for its name, which tzset() does not say. */
	if (setenv("TZ", ":/etc/localtime", 0) < 0)
		return -1;
	tzset();
	tzset();
	return 0;
}

static int let_be(void)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	return 0;
}

static int prepare(const struct img_jail_limits *limits, const char **step)
{
	uint64_t memory = limits->memory ? limits->memory : 512u << 20;

	probe_size = (size_t)(memory / 8);
	*step = "time zone";
	if (warm_up() < 0)
		return -1;
	*step = "signals";
	if (set_signals() < 0)
		return -1;
	return limits->helper ? let_be() : jail_walls(limits, step);
}

/* One request; 0, or the program is gone. */
static int serve(const struct jail_answer *failed, pid_t parent, img_jail_fn fn,
		 void *arg, const struct img_jail_limits *limits, int sock)
{
	struct img_err gone = IMG_ERR_INIT;
	struct jail_answer a = *failed;

	if (!failed->error && sock >= 0) {
		a.pid = fork_sibling();
		if (a.pid == 0)
			work(sock, parent, fn, arg, limits);
		a.error = errno;
		strncpy(a.step, "fork", sizeof(a.step) - 1);
	}
	if (sock >= 0)
		close(sock);
	return img_jail_send(SOCK_FD, &a, sizeof(a), -1, -1, &gone);
}

_Noreturn void jail_keep(int fd, pid_t parent, img_jail_fn fn, void *arg,
			 const struct img_jail_limits *limits)
{
	const struct img_jail_limits own = *limits;
	struct jail_answer failed = { .pid = -1 };
	const char *step = "descriptors";
	bool ready = false;

	die_with(parent);
	setsid(); /* keys of the terminal are for the program */
	if (only_socket(fd) < 0)
		_exit(EXIT_LOCK);
	for (;;) {
		struct img_err gone = IMG_ERR_INIT;
		int sock = -1;
		char c;

		if (img_jail_recv(SOCK_FD, &c, 1, &sock, -1, &gone) < 0)
			_exit(0);
		/* Many programs never ask. */
		if (!ready && prepare(&own, &step) < 0) {
			failed.error = errno;
			strncpy(failed.step, step, sizeof(failed.step) - 1);
		}
		ready = true;
		if (serve(&failed, parent, fn, arg, &own, sock) < 0)
			_exit(0);
	}
}
