/* jail - every wall of it: what runs into one costs its own process. */
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

static void dies(struct img_jail *jail, enum job job, enum img_code code,
		 const char *how)
{
	struct img_err err = IMG_ERR_INIT;
	int rc = do_job(jail, job, &err);

	if (rc >= 0)
		fail_msg("job %d: lived, %d", job, rc);
	assert_string_equal(err.text, how);
	assert_int_equal(err.code, code);
}

/* ---- what works ---------------------------------------------------------- */

static void talks(void **state)
{
	struct img_jail *jail = new_jail();
	struct img_jail_worker w;
	struct img_err err = IMG_ERR_INIT;
	char text[6] = "";

	(void)state;
	start(jail, &w, ECHO);
	assert_int_equal(img_jail_send(w.fd, "hello", 5, -1, 5000, &err), 0);
	assert_int_equal(img_jail_recv(w.fd, text, 5, NULL, 5000, &err), 0);
	assert_string_equal(text, "hello");
	assert_int_equal(img_jail_recv(w.fd, text, 1, NULL, 5000, &err), -1);
	assert_int_equal(err.code, IMG_E_TRANSPORT);
	assert_int_equal(img_jail_end(&w, 5, "a", &err), 42);
	img_err_clear(&err);
	assert_int_equal(img_jail_end(&w, 5, "a", &err), -1); /* twice */
	assert_int_equal(err.code, IMG_E_BUG);
	assert_int_equal(do_job(jail, LIMITS, &err), 0);
	assert_int_equal(do_job(jail, LIBRARY, &err), 0);
	if (!SANITIZED) /* there malloc() never fails, but dies */
		assert_int_equal(do_job(jail, MALLOC_FAILS, &err), 0);
	img_jail_close(jail);
	img_jail_close(NULL);
}

static void passes_descriptors(void **state)
{
	struct img_jail *jail = new_jail();
	struct img_jail_worker w;
	struct img_err err = IMG_ERR_INIT;
	FILE *f = tmpfile();
	char text[6] = "";

	(void)state;
	assert_non_null(f);
	fputs("0123456789", f);
	fflush(f);
	start(jail, &w, READ_FD);
	assert_int_equal(img_jail_send(w.fd, "f", 1, fileno(f), -1, &err), 0);
	assert_int_equal(img_jail_recv(w.fd, text, 5, NULL, 5000, &err), 0);
	assert_string_equal(text, "56789");
	assert_int_equal(img_jail_end(&w, 5, "a", &err), 0);
	start(jail, &w, READ_FD);
	assert_int_equal(img_jail_send(w.fd, "f", 1, -1, -1, &err), 0);
	assert_int_equal(img_jail_end(&w, 5, "a", &err), 1); /* none came */
	fclose(f);
	img_jail_close(jail);
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* More descriptors than asked for do not stay. */
static void takes_one_descriptor(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} c = { .bytes = { 0 } };
	char byte = 'x';
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = &c,
			    .msg_controllen = sizeof(c) };
	int fds[3] = { 0, 1, 2 }, s[2], fd, before;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	before = count_fds();
	c.align.cmsg_level = SOL_SOCKET;
	c.align.cmsg_type = SCM_RIGHTS;
	c.align.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&c.align), fds, sizeof(fds));
	assert_int_equal(sendmsg(s[0], &m, 0), 1);
	assert_int_equal(sendmsg(s[0], &m, 0), 1);
	assert_int_equal(img_jail_recv(s[1], &byte, 1, &fd, -1, &err), 0);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(count_fds(), before + 1);
	close(fd);
	assert_int_equal(img_jail_recv(s[1], &byte, 1, NULL, -1, &err), 0);
	assert_int_equal(count_fds(), before);
	close(s[0]);
	close(s[1]);
}

static void waits_no_longer(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	static char lots[4 << 20];
	char byte;
	int s[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	assert_int_equal(img_jail_recv(s[0], &byte, 1, NULL, 10, &err), -1);
	assert_int_equal(err.code, IMG_E_LIMIT);
	img_err_clear(&err);
	assert_int_equal(img_jail_send(s[0], lots, sizeof(lots), -1, 10, &err),
			 -1);
	assert_int_equal(err.code, IMG_E_LIMIT);
	close(s[1]);
	img_err_clear(&err);
	assert_int_equal(img_jail_send(s[0], "x", 1, -1, 10, &err), -1);
	assert_int_equal(err.code, IMG_E_TRANSPORT);
	close(s[0]);
}

struct many {
	struct img_jail *jail;
	pthread_t thread;
	int good;
};

static void *start_many(void *arg)
{
	struct many *m = arg;

	for (int i = 0; i < 20; i++) {
		struct img_err err = IMG_ERR_INIT;
		struct img_jail_worker w;
		char text[5] = "", job = ECHO;

		if (img_jail_start(m->jail, &w, &err) == 0 &&
		    img_jail_send(w.fd, &job, 1, -1, -1, &err) == 0 &&
		    img_jail_send(w.fd, "hello", 5, -1, -1, &err) == 0 &&
		    img_jail_recv(w.fd, text, 5, NULL, -1, &err) == 0 &&
		    memcmp(text, "hello", 5) == 0 &&
		    img_jail_end(&w, 20, "a", &err) == 42)
			m->good++;
	}
	return NULL;
}

static void threads_start_workers(void **state)
{
	struct img_jail *jail = new_jail();
	struct many many[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		many[i] = (struct many){ .jail = jail };
		assert_int_equal(pthread_create(&many[i].thread, NULL,
						start_many, &many[i]),
				 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(many[i].thread, NULL);
		assert_int_equal(many[i].good, 20);
	}
	img_jail_close(jail);
}

/* Reads words until there are no more; how many were right. */
static uint32_t read_stream(struct img_jail_ring *ring, unsigned seconds,
			    struct img_err *err)
{
	uint32_t right = 0, word;

	while (img_jail_ring_get(ring, &word, sizeof(word), seconds, err) ==
	       0) {
		if (word != stream_word(right))
			fail_msg("word %u is wrong", right);
		right++;
	}
	return right;
}

static void streams(void **state)
{
	static const struct {
		enum job job;
		enum img_code code;
		unsigned seconds;
	} cases[] = { { STREAM, IMG_E_TRANSPORT, 0 },
		      { STREAM_CRASH, IMG_E_TRANSPORT, 5 },
		      { STREAM_STUCK, IMG_E_LIMIT, 1 } };
	struct img_jail *jail = new_jail();
	struct img_jail_worker w;
	struct img_jail_ring *ring;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct img_err err = IMG_ERR_INIT;
		uint32_t n;

		start(jail, &w, cases[i].job);
		assert_int_equal(img_jail_ring_open(&ring, &w, &err), 0);
		n = read_stream(ring, cases[i].seconds, &err);
		assert_int_equal(err.code, cases[i].code);
		/* all that was written before is there */
		assert_true(n >= (i ? 100000 : STREAM_SIZE / 4));
		img_jail_ring_close(ring);
		img_err_clear(&err);
		assert_int_equal(img_jail_end(&w, i == 2 ? 0 : 5, "a", &err),
				 i ? -1 : 0);
	}
	img_jail_ring_close(NULL);
	img_jail_close(jail);
}

/* What a worker writes over what is shared is its own loss. */
static void shared_memory_lies(void **state)
{
	struct img_jail_worker w = { -1, -1 };
	struct img_jail_ring *ring, *other;
	struct img_err err = IMG_ERR_INIT;
	uint64_t *counts;
	char c, bytes[4];
	int s[2], fd;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	w.fd = s[0];
	assert_int_equal(img_jail_ring_open(&ring, &w, &err), 0);
	assert_int_equal(img_jail_recv(s[1], &c, 1, &fd, -1, &err), 0);
	/* it cannot be cut under the program */
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(counts != MAP_FAILED);
	counts[0] = UINT64_MAX - 5; /* how far it has written */
	assert_int_equal(img_jail_ring_get(ring, bytes, 4, 1, &err), -1);
	assert_int_equal(err.code, IMG_E_MALFORMED);
	munmap(counts, 4096);
	img_jail_ring_close(ring);
	close(fd);
	/* and nothing comes where none is sent */
	img_err_clear(&err);
	assert_int_equal(img_jail_send(s[0], "r", 1, -1, -1, &err), 0);
	assert_int_equal(img_jail_ring_join(&other, s[1], &err), -1);
	close(s[0]);
	close(s[1]);
}

/* ---- the walls ----------------------------------------------------------- */

static void nothing_is_inherited(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_jail *jail;
	int s[2], used;

	(void)state;
	assert_int_equal(pipe(s), 0);
	program_fd = s[1];
	jail = new_jail();
	assert_int_equal(do_job(jail, HOLDS, &err), 0);
	dies(jail, WRITE_CLOSED, IMG_E_MALFORMED,
	     AT_WORK "made a forbidden system call");
	assert_int_equal(ioctl(s[0], FIONREAD, &used), 0);
	assert_int_equal(used, 0);
	/* nor does the keeper hold it */
	close(s[1]);
	assert_int_equal(read(s[0], &used, 1), 0);
	close(s[0]);
	img_jail_close(jail);
}

static void system_calls(void **state)
{
	struct img_jail *jail = new_jail();
	struct img_err err = IMG_ERR_INIT;

	(void)state;
	for (enum job job = OPEN; job <= TRUNCATE; job++)
		if (job != WRITE_CLOSED &&
		    (job != OPEN || !SANITIZED) /* fails there */)
			dies(jail, job, IMG_E_MALFORMED,
			     AT_WORK "made a forbidden system call");
	/* the others go on */
	assert_int_equal(do_job(jail, LIBRARY, &err), 0);
	img_jail_close(jail);
}

static void accidents(void **state)
{
	struct img_jail *jail = new_jail();

	(void)state;
	dies(jail, CRASH, IMG_E_MALFORMED, AT_WORK "crashed (SIGSEGV)");
	dies(jail, ABORT, IMG_E_MALFORMED, AT_WORK "crashed (SIGABRT)");
	dies(jail, DEEP, IMG_E_MALFORMED, AT_WORK "crashed (SIGSEGV)");
	if (!SANITIZED) /* its report wants memory, too */
		dies(jail, MEMORY_BOMB, IMG_E_LIMIT,
		     AT_WORK "ran out of memory");
	img_jail_close(jail);
	jail = new_jail_of(&brief);
	dies(jail, LOOP, IMG_E_LIMIT, AT_WORK "ran out of processor time");
	img_jail_close(jail);
}

static void is_ended(void **state)
{
	struct img_jail *jail = new_jail();
	struct img_err err = IMG_ERR_INIT;
	struct img_jail_worker w;
	char c;

	(void)state;
	for (unsigned seconds = 0; seconds < 2; seconds++) {
		img_err_clear(&err);
		start(jail, &w, STAY);
		assert_int_equal(img_jail_end(&w, seconds, "a.dcm", &err), -1);
		assert_int_equal(err.code, IMG_E_LIMIT);
		assert_string_equal(err.text, AT_WORK "did not end in time");
	}
	img_err_clear(&err);
	start(jail, &w, STAY);
	assert_int_equal(img_jail_recv(w.fd, &c, 1, NULL, -1, &err), 0);
	kill(w.pid, SIGKILL);
	assert_int_equal(img_jail_end(&w, 5, "a.dcm", &err), -1);
	assert_int_equal(err.code, IMG_E_BUSY);
	assert_string_equal(err.text, AT_WORK "was killed");
	img_jail_close(jail);
}

/* The keeper is not the program's to lose; when it is lost, that is said. */
static void keeper_gone(void **state)
{
	struct img_jail *jail = new_jail();
	struct img_err err = IMG_ERR_INIT;
	struct img_jail_worker w;

	(void)state;
	kill(jail->keeper, SIGKILL);
	waitpid(jail->keeper, NULL, 0);
	assert_int_equal(img_jail_start(jail, &w, &err), -1);
	assert_int_equal(err.code, IMG_E_IO);
	assert_int_equal(w.fd, -1);
	img_jail_close(jail);
}

/* A program that is killed takes its workers and its keeper along. */
static void dies_with_program(void **state)
{
	pid_t victim, pid[2];
	int p[2], status;

	(void)state;
	/* or those would be init's, and not ours to wait for */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe(p), 0);
	victim = fork();
	if (victim == 0) {
		struct img_jail *jail = new_jail();
		struct img_err err = IMG_ERR_INIT;
		struct img_jail_worker w;
		char c;

		start(jail, &w, STAY);
		if (img_jail_recv(w.fd, &c, 1, NULL, -1, &err) < 0)
			_exit(1);
		pid[0] = w.pid;
		pid[1] = jail->keeper;
		if (write(p[1], pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(p[0], pid, sizeof(pid)), sizeof(pid));
	kill(victim, SIGKILL);
	assert_int_equal(waitpid(victim, &status, 0), victim);
	assert_true(WIFSIGNALED(status));
	for (int i = 0; i < 2; i++) {
		alarm(20); /* instead of for ever */
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		alarm(0);
		/* the keeper may see the end of its socket first */
		if (i == 0 || WIFSIGNALED(status)) {
			assert_true(WIFSIGNALED(status));
			assert_int_equal(WTERMSIG(status), SIGKILL);
		}
	}
	close(p[0]);
	close(p[1]);
}

/* Landlock and what is not seccomp's, by themselves. */
static int without_seccomp(void)
{
	const char *step;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);

	if (jail_walls(&small, &step) < 0)
		return 1;
	if (prctl(PR_GET_DUMPABLE) != 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 2;
	if (abi >= 1 && (open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES))
		return 3;
	if (abi >= 1 && (mkdir("made", 0700) == 0 || errno != EACCES))
		return 4;
	if (setgid(12345) == 0 || chroot("/") == 0)
		return 5;
	return 0;
}

static void other_walls(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0)
		_exit(without_seccomp());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(talks),
		cmocka_unit_test(passes_descriptors),
		cmocka_unit_test(takes_one_descriptor),
		cmocka_unit_test(waits_no_longer),
		cmocka_unit_test(threads_start_workers),
		cmocka_unit_test(streams),
		cmocka_unit_test(shared_memory_lies),
		cmocka_unit_test(nothing_is_inherited),
		cmocka_unit_test(system_calls),
		cmocka_unit_test(accidents),
		cmocka_unit_test(is_ended),
		cmocka_unit_test(keeper_gone),
		cmocka_unit_test(dies_with_program),
		cmocka_unit_test(other_walls),
	};

	program = getpid();
	setenv("TMPDIR", "/nonexistent", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
