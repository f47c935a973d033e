/*
 * failio - system calls that fail or meet a change, for LD_PRELOAD.
 *
 * FAILIO holds rules, blank separated: CALL:WHAT[:NAME[:FROM]].
 * CALL is pread, write, fsync, fdatasync, syncfs, renameat2, ftruncate, linkat,
 * noreplace (renameat2 with flags) or tmpfile (openat of a file without a name);
 * WHAT an errno (EIO, ENOSPC, ...), or for pread one of
 *
 *	grow    append bytes to the file before each call
 *	touch   set its time of modification to now
 *	cut     make it half as long, once
 *	slow    wait a tenth of a second
 *	kill    end the process as kill -9 does
 *	crash   end it by a wild write
 *	spin    never come back, busy
 *	scratch fail where it reads from sector FROM, of 2048 bytes
 *
 * NAME: only files whose path has this in it ("-": any).  FROM: the first
 * call of those that is met, from 1.  FAILIO_LOG names a file that gets a
 * line for every call that a rule has met.
 *
 * A child of the program may be in a jail, where names cannot be looked up:
 * there NAME is a file that was in the working folder when the program
 * started, and what it does to files is left undone.  child-CALL is a call by
 * a child only.
 */
/* Both names of a call are to be caught: with and without 64. */
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RULES 8

struct rule {
	char call[20], what[16], name[64];
	unsigned from;
	atomic_uint met;
	dev_t device; /* of the file called name, if there is one */
	ino_t inode;
};

/* The program and its children have it together. */
static struct state {
	pid_t program;
	struct rule rules[RULES];
	size_t n_rules;
	atomic_uint logged; /* bytes of log, of children */
	char log[4096];
} * state;

static void log_line(const char *line, size_t n)
{
	const char *log = getenv("FAILIO_LOG");
	int fd = log && n ? open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
				 0600)
			  : -1;
	ssize_t put = fd < 0 ? 0 : syscall(SYS_write, fd, line, n);

	(void)put;
	if (fd >= 0)
		close(fd);
}

static void __attribute__((constructor)) init(void)
{
	const char *p = getenv("FAILIO");
	struct stat st;

	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (state == MAP_FAILED)
		abort();
	state->program = getpid();
	while (p && *p && state->n_rules < RULES) {
		struct rule *r = &state->rules[state->n_rules];
		int n = 0;

		r->from = 1;
		if (sscanf(p, "%19[^: ]:%15[^: ]%n:%63[^: ]%n:%u%n", r->call,
			   r->what, &n, r->name, &n, &r->from, &n) < 2)
			abort();
		if (strcmp(r->name, "-") == 0)
			r->name[0] = '\0';
		if (r->name[0] && stat(r->name, &st) == 0) {
			r->device = st.st_dev;
			r->inode = st.st_ino;
		}
		state->n_rules++;
		p += n;
		p += strspn(p, " ");
	}
}

static void __attribute__((destructor)) end(void)
{
	if (state && state->program == getpid())
		log_line(state->log, atomic_load(&state->logged));
}

static int number(const char *word)
{
	static const struct {
		const char *word;
		int number;
	} words[] = { { "EIO", EIO },           { "ENOSPC", ENOSPC },
		      { "EDQUOT", EDQUOT },     { "EROFS", EROFS },
		      { "EACCES", EACCES },     { "EINTR", EINTR },
		      { "EINVAL", EINVAL },     { "EPERM", EPERM },
		      { "ENOTSUP", EOPNOTSUPP } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].number;
	return 0;
}

static void note(const struct rule *r, const char *path, bool jailed)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "%s %s %.400s\n", r->call, r->what,
			 path);
	unsigned at =
		jailed ? atomic_fetch_add(&state->logged, (unsigned)n) : 0;

	if (!jailed)
		log_line(line, (size_t)n);
	else if (at + (unsigned)n <= sizeof(state->log))
		memcpy(state->log + at, line, (size_t)n);
}

static void change_file(struct rule *r, const char *path, unsigned met)
{
	static const char more[100000];
	struct stat st;
	int fd;

	if (strcmp(r->what, "touch") == 0)
		utimensat(AT_FDCWD, path, NULL, 0);
	if (strcmp(r->what, "cut") == 0 && met == r->from &&
	    stat(path, &st) == 0 && truncate(path, st.st_size / 2) < 0)
		abort();
	if (strcmp(r->what, "grow") == 0) {
		fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_write, fd, more, sizeof(more)) < 0)
			abort();
		close(fd);
	}
}

static void change(struct rule *r)
{
	const struct timespec tenth = { 0, 100000000 };

	if (strcmp(r->what, "kill") == 0)
		kill(getpid(), SIGKILL);
	if (strcmp(r->what, "slow") == 0)
		nanosleep(&tenth, NULL);
	if (strcmp(r->what, "crash") == 0)
		__asm__ volatile("movb $1, (%0)" : : "r"(8L) : "memory");
	while (strcmp(r->what, "spin") == 0)
		;
}

/* What the call at hand reads. */
static _Thread_local off_t read_at;
static _Thread_local size_t read_n;

static bool is_scratched(const struct rule *r)
{
	off_t at = (off_t)r->from * 2048;

	return read_at < at + 2048 && read_at + (off_t)read_n > at;
}

static bool is_meant(const struct rule *r, const char *call, int fd,
		     const char *path, const char *name, bool jailed)
{
	bool child = strncmp(r->call, "child-", 6) == 0;
	struct stat st;

	if ((child && !jailed) || strcmp(r->call + (child ? 6 : 0), call) != 0)
		return false;
	if (!jailed)
		return strstr(path, r->name) || (name && strstr(name, r->name));
	return !r->name[0] || (fstat(fd, &st) == 0 && st.st_ino == r->inode &&
			       st.st_dev == r->device);
}

/* 0 go on, else the errno to fail with. */
static int meet(const char *call, int fd, const char *name)
{
	bool jailed = state && state->program != getpid();
	char link[64], path[4096] = "";
	ssize_t n = 0;

	if (!state || !state->n_rules)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (!jailed)
		n = readlink(link, path, sizeof(path) - 1);
	path[n < 0 ? 0 : n] = '\0';
	for (size_t i = 0; i < state->n_rules; i++) {
		struct rule *r = &state->rules[i];
		unsigned met;

		if (!is_meant(r, call, fd, path, name, jailed))
			continue;
		met = atomic_fetch_add(&r->met, 1) + 1;
		if (strcmp(r->what, "scratch") == 0 ? !is_scratched(r)
						    : met < r->from)
			continue;
		note(r, jailed ? r->name : path, jailed);
		if (number(r->what))
			return number(r->what);
		if (strcmp(r->what, "scratch") == 0)
			return EIO;
		change(r);
		/* A file without a name is reached through its descriptor. */
		if (!jailed)
			change_file(r, strstr(path, " (deleted)") ? link : path,
				    met);
	}
	return 0;
}

#define NEXT(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

#define FAIL(call, fd, name)                                                   \
	do {                                                                   \
		int e_ = meet((call), (fd), name);                             \
		if (e_) {                                                      \
			errno = e_;                                            \
			return -1;                                             \
		}                                                              \
	} while (0)

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
	read_at = at;
	read_n = n;
	FAIL("pread", fd, NULL);
	return NEXT(pread)(fd, p, n, at);
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at)
{
	read_at = at;
	read_n = n;
	FAIL("pread", fd, NULL);
	return NEXT(pread64)(fd, p, n, at);
}

ssize_t write(int fd, const void *p, size_t n)
{
	FAIL("write", fd, NULL);
	return NEXT(write)(fd, p, n);
}

int fsync(int fd)
{
	FAIL("fsync", fd, NULL);
	return NEXT(fsync)(fd);
}

int fdatasync(int fd)
{
	FAIL("fdatasync", fd, NULL);
	return NEXT(fdatasync)(fd);
}

int syncfs(int fd)
{
	FAIL("syncfs", fd, NULL);
	return NEXT(syncfs)(fd);
}

int renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
	FAIL("renameat2", to, b);
	if (flags)
		FAIL("noreplace", to, b);
	return NEXT(renameat2)(from, a, to, b, flags);
}

int linkat(int from, const char *a, int to, const char *b, int flags)
{
	FAIL("linkat", to, b);
	return NEXT(linkat)(from, a, to, b, flags);
}

static mode_t mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

#define OPENAT(call)                                                           \
	int call(int dir, const char *name, int flags, ...)                    \
	{                                                                      \
		va_list ap;                                                    \
		mode_t mode;                                                   \
		va_start(ap, flags);                                           \
		mode = mode_of(flags, ap);                                     \
		va_end(ap);                                                    \
		if ((flags & O_TMPFILE) == O_TMPFILE)                          \
			FAIL("tmpfile", dir, name);                            \
		return NEXT(call)(dir, name, flags, mode);                     \
	}

OPENAT(openat)
OPENAT(openat64)

int ftruncate(int fd, off_t n)
{
	FAIL("ftruncate", fd, NULL);
	return NEXT(ftruncate)(fd, n);
}

int ftruncate64(int fd, off64_t n)
{
	FAIL("ftruncate", fd, NULL);
	return NEXT(ftruncate64)(fd, n);
}
