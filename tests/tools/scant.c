/*
 * scant - reads and writes that move half of what was asked for, and memory
 * that cannot be had, for LD_PRELOAD.
 *
 * SCANT is a call or memory, a colon, and which of them: io:3 is the third
 * read or write, memory:3+ every request from the third on, of the program
 * and its children; 0 is none.  SCANT_LOG names a file that gets how many
 * there were, as 8 bytes, and a line for each of their processes that crashes:
 * the signal and its calls, the innermost first, as file+offset or
 * file:function.
 *
 * Requests of memory count from main() on: a loader that finds none ends.
 */
/* Both names of a call are to be caught: with and without 64. */
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

#define LOG_SIZE 65536

/* The program and its children have it; one of the jail can write nowhere
   else. */
static struct log {
	_Atomic uint64_t count;
	_Atomic uint64_t used;
	char text[LOG_SIZE - 16];
} * log_;
static uint64_t from;
static bool onward, memory, begun;

__attribute__((constructor)) static void begin(void)
{
	const char *says = getenv("SCANT"), *log = getenv("SCANT_LOG");
	int fd = log ? open(log, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	void *p = MAP_FAILED;
	char *end;

	if (!says || !strchr(says, ':'))
		return;
	memory = says[0] == 'm';
	from = strtoull(strchr(says, ':') + 1, &end, 10);
	onward = *end == '+';
	if (fd >= 0 && ftruncate(fd, sizeof(*log_)) == 0)
		p = mmap(NULL, sizeof(*log_), PROT_READ | PROT_WRITE,
			 MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (p == MAP_FAILED)
		p = mmap(NULL, sizeof(*log_), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED)
		log_ = p;
}

/* Whether it is the turn of this one. */
static bool met(void)
{
	uint64_t at = atomic_fetch_add(&log_->count, 1) + 1;

	return from && (at == from || (onward && at > from));
}

/* ---- half of it ------------------------------------------------------- */

/* libseccomp does not look how much of its filter it has written to memory. */
static int spare = -1;

int memfd_create(const char *name, unsigned flags)
{
	return spare = (int)syscall(SYS_memfd_create, name, flags);
}

int close(int fd)
{
	if (fd == spare)
		spare = -1;
	return (int)syscall(SYS_close, fd);
}

static size_t half(int fd, size_t n)
{
	if (!log_ || memory || n < 2 || fd == spare || !met())
		return n;
	return n / 2;
}

ssize_t read(int fd, void *p, size_t n)
{
	return syscall(SYS_read, fd, p, half(fd, n));
}

ssize_t write(int fd, const void *p, size_t n)
{
	return syscall(SYS_write, fd, p, half(fd, n));
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at)
{
	return syscall(SYS_pread64, fd, p, half(fd, n), at);
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
	return pread64(fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return syscall(SYS_pwrite64, fd, p, half(fd, n), at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return pwrite64(fd, p, n, at);
}

/* ---- no memory -------------------------------------------------------- */

static bool none(void)
{
	if (!begun || !log_ || !memory || !met())
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	return none() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return none() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return n && none() ? NULL : __libc_realloc(p, n);
}

/* ---- crashes ---------------------------------------------------------- */

static int (*next_sigaction)(int, const struct sigaction *, struct sigaction *);
static void (*after[NSIG])(int); /* the program's own handlers */

static void say(const char *text)
{
	size_t n = strlen(text);
	uint64_t at = atomic_fetch_add(&log_->used, n);

	if (at + n < sizeof(log_->text))
		memcpy(log_->text + at, text, n);
}

static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void say_frame(const char *p)
{
	char text[17], *at = text + 16;
	uintptr_t n;
	Dl_info i;

	if (!dladdr(p, &i) || !i.dli_fname) {
		say(" ?");
		return;
	}
	say(" ");
	say(base(i.dli_fname));
	if (i.dli_sname) {
		say(":");
		say(i.dli_sname);
		return;
	}
	*at = '\0';
	for (n = (uintptr_t)(p - (const char *)i.dli_fbase); n; n >>= 4)
		*--at = "0123456789abcdef"[n & 15];
	say("+0x");
	say(at);
}

/* No call of the system, as one of the jail has few. */
static void crashed(int sig)
{
	void *frame[32];
	int n = backtrace(frame, 32);

	say(sig == SIGABRT ? "SIGABRT" : "SIGSEGV");
	for (int i = 0; i < n; i++)
		say_frame(frame[i]);
	say("\n");
	if (after[sig])
		after[sig](sig);
}

static int catch_(int sig)
{
	struct sigaction act = { .sa_handler = crashed,
				 .sa_flags = SA_ONSTACK | SA_RESETHAND |
					     SA_NODEFER };

	return next_sigaction(sig, &act, NULL);
}

/* The keeper of the jail has handlers of its own. */
int sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	if (!next_sigaction)
		next_sigaction = dlsym(RTLD_NEXT, "sigaction");
	if (!act || !log_ || !memory ||
	    (sig != SIGSEGV && sig != SIGBUS && sig != SIGABRT))
		return next_sigaction(sig, act, old);
	after[sig] = act->sa_handler == SIG_IGN ? NULL : act->sa_handler;
	return catch_(sig);
}

static void catch_all(void)
{
	static char stack[65536];
	const stack_t s = { .ss_sp = stack, .ss_size = sizeof(stack) };
	const struct sigaction none = { .sa_handler = SIG_DFL };
	void *frame[1];

	if (!log_ || !memory)
		return;
	backtrace(frame, 1); /* the first time takes memory */
	sigaltstack(&s, NULL);
	sigaction(SIGSEGV, &none, NULL);
	sigaction(SIGBUS, &none, NULL);
	sigaction(SIGABRT, &none, NULL);
}

static int (*real_main)(int, char **, char **);

static int our_main(int argc, char **argv, char **envp)
{
	catch_all();
	begun = true;
	return real_main(argc, argv, envp);
}

int __libc_start_main(int (*main_)(int, char **, char **), int argc,
		      char **argv, int (*init)(int, char **, char **),
		      void (*fini)(void), void (*rtld_fini)(void),
		      void *stack_end);
int __libc_start_main(int (*f)(int, char **, char **), int argc, char **argv,
		      int (*init)(int, char **, char **), void (*fini)(void),
		      void (*rtld_fini)(void), void *stack_end)
{
	int (*next)(int (*)(int, char **, char **), int, char **,
		    int (*)(int, char **, char **), void (*)(void),
		    void (*)(void), void *) =
		dlsym(RTLD_NEXT, "__libc_start_main");

	real_main = f;
	return next(our_main, argc, argv, init, fini, rtld_fini, stack_end);
}
