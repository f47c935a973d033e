/* jail_jobs.h - for jail.c and jail_walls.c: what a worker is asked to do, right
   and wrong, and how it is asked. */
#ifndef TESTS_JAIL_JOBS_H
#define TESTS_JAIL_JOBS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "jail/inside.h"

#define MEMORY ((uint64_t)64 << 20)

enum job {
	ECHO,
	READ_FD,
	HOLDS,
	MALLOC_FAILS,
	STAY,
	LIMITS,
	LIBRARY,
	STREAM,
	STREAM_CRASH,
	STREAM_STUCK,
	/* into a wall */
	OPEN,
	UNLINK,
	STAT,
	SOCKET,
	EXECVE,
	FORK,
	PTRACE,
	KILL_PARENT,
	ABORT_PARENT,
	PRCTL,
	RAISE_LIMIT,
	EXECUTABLE,
	WRITE_CLOSED,
	TRUNCATE,
	/* over a limit, or plainly wrong */
	MEMORY_BOMB,
	LOOP,
	CRASH,
	ABORT,
	DEEP
};

static int program_fd; /* open in the program, closed in its workers */
static pid_t program;

static int echo(int fd)
{
	struct img_err err = IMG_ERR_INIT;
	char text[5];

	if (img_jail_recv(fd, text, 5, NULL, -1, &err) < 0 ||
	    img_jail_send(fd, text, 5, -1, -1, &err) < 0)
		return 1;
	return 42;
}

static int read_fd(int fd)
{
	struct img_err err = IMG_ERR_INIT;
	char text[5];
	struct stat st;
	int got;

	if (img_jail_recv(fd, text, 1, &got, -1, &err) < 0 || got < 0 ||
	    fstat(got, &st) < 0 || st.st_size != 10 ||
	    pread(got, text, 5, 5) != 5 ||
	    img_jail_send(fd, text, 5, -1, -1, &err) < 0)
		return 1;
	return 0;
}

/* The numbers of descriptors that it has, but for its own. */
static int holds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		if (fd > 3 && (lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF))
			n++;
	return n;
}

/* What codes and containers need of libc. */
static int library(void)
{
	struct tm tm = { .tm_year = 100, .tm_mday = 3 };
	char *p = malloc(1000000);
	time_t t;

	if (!p)
		return 1;
	memset(p, 1, 1000000);
	p = realloc(p, 9000000);
	free(p);
	t = mktime(&tm);
	if (t == (time_t)-1 || !localtime_r(&t, &tm) || isatty(0) ||
	    sysconf(_SC_PAGESIZE) < 1 || printf("x\n") < 0)
		return 2;
	return 0;
}

static int limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_CORE, &r) < 0 || r.rlim_max != 0)
		return 1;
	if (getrlimit(RLIMIT_FSIZE, &r) < 0 || r.rlim_max != 0)
		return 2;
	if (getrlimit(RLIMIT_NPROC, &r) < 0 || r.rlim_max != 0)
		return 3;
	if (getrlimit(RLIMIT_CPU, &r) < 0 || r.rlim_cur != 20)
		return 4;
	if (getrlimit(RLIMIT_AS, &r) < 0 || r.rlim_max == RLIM_INFINITY)
		return 5;
	return 0;
}

/* Returns only if it fails in another way than by a signal. */
static int wall(enum job job)
{
	char name[] = "sh", *const argv[] = { name, NULL };
	struct rlimit r = { 1000, 1000 };
	struct stat st;

	switch (job) {
	case OPEN:
		return open("/etc/passwd", O_RDONLY);
	case UNLINK:
		return unlink("/nonexistent");
	case STAT:
		return stat("/etc/passwd", &st);
	case SOCKET:
		return socket(AF_INET, SOCK_STREAM, 0);
	case EXECVE:
		return execve("/bin/sh", argv, argv + 1);
	case FORK:
		return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	case PTRACE:
		return (int)syscall(SYS_ptrace, PTRACE_ATTACH, program, 0, 0);
	case KILL_PARENT:
		return kill(program, SIGTERM);
	case ABORT_PARENT:
		return (int)syscall(SYS_tgkill, program, program, SIGABRT);
	case PRCTL:
		return prctl(PR_SET_DUMPABLE, 1);
	case RAISE_LIMIT:
		return setrlimit(RLIMIT_FSIZE, &r);
	case EXECUTABLE:
		return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
	case WRITE_CLOSED:
		return write(program_fd, "x", 1) > 0;
	case TRUNCATE:
		return ftruncate(3, 0);
	default:
		return 99;
	}
}

static void grow(void)
{
	for (;;) {
		char *p = malloc(1 << 20);

		/* as libraries do that never look */
		memset(p, 1, 1 << 20); /* NOLINT */
		__asm__ volatile("" : : "r"(p) : "memory");
	}
}

static int dig(volatile char *above)
{
	volatile char here[4096];

	here[0] = *above;
	return (here[0] < 100 ? dig(here) : 0) + here[0];
}

static int wrong(enum job job)
{
	volatile char c = 0;
	volatile int spin = 1;

	switch (job) {
	case MEMORY_BOMB:
		grow();
		return 99;
	case LOOP:
		while (spin)
			;
		return 99;
	case CRASH:
		/* no sanitizer sees it coming */
		__asm__ volatile("movb $1, (%0)" : : "r"(8L) : "memory");
		return 99;
	case ABORT:
		abort();
	case DEEP:
		return dig(&c);
	default:
		return wall(job);
	}
}

#define STREAM_SIZE (20u << 20)

static uint32_t stream_word(uint32_t i)
{
	return i * 2654435761u;
}

/* Pieces of all sizes, more than fit in at once. */
static int stream(int fd, enum job job)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_jail_ring *ring;
	static uint32_t words[50000];
	volatile bool stuck = job == STREAM_STUCK;
	uint32_t i = 0;

	if (img_jail_ring_join(&ring, fd, &err) < 0)
		return 1;
	for (size_t n = 1; i < STREAM_SIZE / 4; n = n * 7 % 49999 + 1) {
		for (size_t k = 0; k < n; k++)
			words[k] = stream_word(i + (uint32_t)k);
		i += (uint32_t)n;
		if (img_jail_ring_put(ring, words, n * 4, &err) < 0)
			return 2;
		img_jail_ring_push(ring, n % 3 == 0);
		if (job == STREAM || i < 100000)
			continue;
		img_jail_ring_push(ring, true);
		while (stuck)
			;
		if (job == STREAM_CRASH)
			__asm__ volatile("movb $1, (%0)"
					 :
					 : "r"(8L)
					 : "memory");
	}
	img_jail_ring_push(ring, true);
	img_jail_ring_close(ring);
	return 0;
}

static int worker(int fd, void *arg)
{
	struct img_err err = IMG_ERR_INIT;
	char job;

	if (strcmp(arg, "arg") != 0 ||
	    img_jail_recv(fd, &job, 1, NULL, -1, &err) < 0)
		return 98;
	switch (job) {
	case ECHO:
		return echo(fd);
	case READ_FD:
		return read_fd(fd);
	case HOLDS:
		return holds();
	case MALLOC_FAILS:
		return malloc(MEMORY + ((uint64_t)3 << 30)) ? 1 : 0;
	case STAY:
		img_jail_send(fd, "x", 1, -1, -1, &err);
		for (;;)
			usleep(1000);
	case LIMITS:
		return limits();
	case LIBRARY:
		return library();
	case STREAM:
	case STREAM_CRASH:
	case STREAM_STUCK:
		return stream(fd, (enum job)job);
	default:
		return wrong((enum job)job);
	}
}

static const struct img_jail_limits small = { .memory = MEMORY, .cpu = 20 };
static const struct img_jail_limits brief = { .cpu = 1 };

static struct img_jail *new_jail_of(const struct img_jail_limits *l)
{
	static char arg[] = "arg";
	struct img_err err = IMG_ERR_INIT;
	struct img_jail *jail;

	assert_int_equal(img_jail_open(&jail, worker, arg, l, &err), 0);
	return jail;
}

static struct img_jail *new_jail(void)
{
	return new_jail_of(&small);
}

static void start(struct img_jail *jail, struct img_jail_worker *w,
		  enum job job)
{
	struct img_err err = IMG_ERR_INIT;
	char c = (char)job;

	if (img_jail_start(jail, w, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(img_jail_send(w->fd, &c, 1, -1, -1, &err), 0);
}

/* Does the job and returns how it ended. */
static int do_job(struct img_jail *jail, enum job job, struct img_err *err)
{
	struct img_jail_worker w;

	img_err_clear(err);
	start(jail, &w, job);
	return img_jail_end(&w, 20, "a.dcm", err);
}

#define AT_WORK "a.dcm: the process at work on it "

#endif
