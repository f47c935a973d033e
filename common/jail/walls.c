/*
 * walls.c - what a worker cannot do: landlock, limits, capabilities, seccomp.
 *
 * The filter is made once, by libseccomp, in the keeper; a worker only loads
 * it.  A system call that is not in it ends the worker (SIGSYS), so that
 * whoever tries the walls gives itself away; the few that libraries make
 * in vain get an error instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "jail/inside.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A sanitizer keeps freed memory a while. */
#define SLACK (SANITIZED ? (uint64_t)1 << 30 : 0)

static struct made {
	struct sock_filter *code;
	size_t n;
} filter;

/* ---- landlock ------------------------------------------------------------ */

/* As the newest kernel has it; older ones take the first members. */
struct ruleset {
	uint64_t files, network, scoped;
};

/* Not having it (before 5.13, or switched off) is no failure: seccomp stands
   before the same doors. */
static int no_files(void)
{
	struct ruleset r = { .files = (1 << 13) - 1 };
	size_t size = sizeof(r.files);
	long abi, fd;
	int rc;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
		      LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return 0;
	if (abi >= 2)
		r.files |= 1 << 13; /* refer */
	if (abi >= 3)
		r.files |= 1 << 14; /* truncate */
	if (abi >= 4) {
		r.network = 3; /* bind and connect TCP */
		size += sizeof(r.network);
	}
	if (abi >= 5)
		r.files |= 1 << 15; /* ioctl on devices */
	if (abi >= 6) {
		r.scoped = 3; /* abstract sockets, signals to others */
		size += sizeof(r.scoped);
	}
	fd = syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (fd < 0)
		return -1;
	rc = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	close((int)fd);
	return rc;
}

/* ---- limits -------------------------------------------------------------- */

static int limit(__rlimit_resource_t what, uint64_t soft, uint64_t hard)
{
	struct rlimit now, want = { soft, hard };

	if (getrlimit(what, &now) < 0)
		return -1;
	if (want.rlim_max > now.rlim_max)
		want.rlim_max = now.rlim_max;
	if (want.rlim_cur > want.rlim_max)
		want.rlim_cur = want.rlim_max;
	return setrlimit(what, &want);
}

/* Bytes of address space in use: statm counts pages. */
static uint64_t mapped(void)
{
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	char text[64] = { 0 };
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0) /* no /proc: more than a program of ours has */
		return (uint64_t)256 << 20;
	return strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int set_limits(const struct img_jail_limits *l, uint64_t before)
{
	uint64_t memory = l->memory ? l->memory : 512u << 20;

	memory += before + SLACK;
	if (limit(RLIMIT_AS, memory, memory) < 0 ||
	    limit(RLIMIT_FSIZE, l->file_max, l->file_max) < 0 ||
	    limit(RLIMIT_NOFILE, 64, 64) < 0)
		return -1;
	return limit(RLIMIT_CORE, 0, 0);
}

/* Root is only a user then, and none that may do more. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
						 0 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	return (int)syscall(SYS_capset, &head, none);
}

/* ---- seccomp ------------------------------------------------------------- */

/* On what a worker holds, and on itself. */
static const int allowed[] = {
	SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(readv), SCMP_SYS(preadv),
	SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(close), SCMP_SYS(recvmsg),
	SCMP_SYS(recvfrom), SCMP_SYS(poll), SCMP_SYS(ppoll),
	/* memory */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(futex),
	/* itself */
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall), SCMP_SYS(getpid), SCMP_SYS(gettid),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(getrusage), SCMP_SYS(getrandom),
	SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
	/* time */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday),
	SCMP_SYS(time), SCMP_SYS(times), SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep)
};

static const int writing[] = { SCMP_SYS(write), SCMP_SYS(writev),
			       SCMP_SYS(sendmsg), SCMP_SYS(sendto) };

static const int files[] = { SCMP_SYS(pwrite64), SCMP_SYS(pwritev),
			     SCMP_SYS(ftruncate), SCMP_SYS(fsync),
			     SCMP_SYS(fdatasync) };

static const int network[] = { SCMP_SYS(shutdown),    SCMP_SYS(getsockopt),
			       SCMP_SYS(setsockopt),  SCMP_SYS(getsockname),
			       SCMP_SYS(getpeername), SCMP_SYS(select),
			       SCMP_SYS(pselect6),    SCMP_SYS(fcntl),
			       SCMP_SYS(uname),       SCMP_SYS(dup) };

static int add_all(scmp_filter_ctx ctx, const int *call, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call[i], 0);
	return rc;
}

/* Where one descriptor can be named, another that is only to be read, say a
   terminal, cannot be written to. */
static int add_writing(scmp_filter_ctx ctx, uint32_t action, int fd)
{
	int rc = 0;

	for (size_t i = 0; i < COUNT(writing) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, action, writing[i], 1,
				      SCMP_A0(SCMP_CMP_EQ, (unsigned)fd));
	return rc;
}

static int add_some(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp data =
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int rc;

	if ((rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				   data)) ||
	    (rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				   data)) ||
	    /* fstat() is this, with no name */
	    (rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
				   SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH))) ||
	    /* abort(); jail_lock() sees to whom */
	    (rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				   SCMP_A2(SCMP_CMP_EQ, SIGABRT))) ||
	    /* what limits there are, not changing them */
	    (rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
				   SCMP_A2(SCMP_CMP_EQ, 0))) ||
	    /* isatty() */
	    (rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl),
				   0)))
		return rc;
	return 0;
}

/* A sanitizer that found something looks for names, and may find none. */
static int add_report(scmp_filter_ctx ctx)
{
	static const int look[] = { SCMP_SYS(open), SCMP_SYS(openat),
				    SCMP_SYS(readlink) };
	int rc = add_writing(ctx, SCMP_ACT_ALLOW, 2);

	for (size_t i = 0; i < COUNT(look) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), look[i], 0);
	return rc;
}

static int add_rules(scmp_filter_ctx ctx, const struct img_jail_limits *l)
{
	int rc = add_all(ctx, allowed, COUNT(allowed));

	if (rc == 0)
		rc = add_some(ctx);
	if (rc == 0 && (l->file_max || l->network))
		rc = add_all(ctx, writing, COUNT(writing));
	else if (rc == 0)
		rc = add_writing(ctx, SCMP_ACT_ALLOW, SOCK_FD);
	if (rc == 0 && SANITIZED)
		rc = add_report(ctx);
	else if (rc == 0 && !l->file_max && !l->network)
		/* A library's last words, as for want of memory, are not heard,
		   and it ends as it meant to. */
		rc = add_writing(ctx, SCMP_ACT_ERRNO(EBADF), 2);
	if (rc == 0 && l->file_max)
		rc = add_all(ctx, files, COUNT(files));
	if (rc == 0 && l->network)
		rc = add_all(ctx, network, COUNT(network));
	return rc;
}

/* libseccomp writes the filter to a descriptor. */
static int export(scmp_filter_ctx ctx, struct made *made)
{
	int fd = memfd_create("filter", MFD_CLOEXEC), rc;
	off_t size;

	if (fd < 0)
		return -errno;
	rc = seccomp_export_bpf(ctx, fd);
	size = lseek(fd, 0, SEEK_END);
	if (rc == 0 && size > 0)
		made->code = malloc((size_t)size);
	if (made->code &&
	    img_pread_full(fd, made->code, (size_t)size, 0) == (ssize_t)size)
		made->n = (size_t)size / sizeof(*made->code);
	close(fd);
	return rc < 0 ? rc : made->n ? 0 : -ENOMEM;
}

static int make_filter(const struct img_jail_limits *l, struct made *made)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc = ctx ? 0 : -ENOMEM;

	if (rc == 0)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
				      SCMP_ACT_KILL_PROCESS);
	if (rc == 0)
		rc = add_rules(ctx, l);
	if (rc == 0)
		rc = export(ctx, made);
	if (ctx)
		seccomp_release(ctx);
	return rc;
}

/* Processor time until SIGPROF ends the process; 0: for ever. */
static void allow_seconds(long seconds)
{
	const struct itimerval t = { .it_value = { .tv_sec = seconds } };

	(void)setitimer(ITIMER_PROF, &t, NULL);
}

/* libseccomp does not look whether it was given all the memory it asked for:
   it leaves out rules, or never ends.  Two filters that are alike are whole. */
static int make_whole(const struct img_jail_limits *l)
{
	struct made again = { 0 };
	int rc;

	allow_seconds(5);
	rc = make_filter(l, &filter);
	if (rc == 0)
		rc = make_filter(l, &again);
	allow_seconds(0);
	if (rc == 0 && (again.n != filter.n ||
			memcmp(again.code, filter.code,
			       filter.n * sizeof(*filter.code)) != 0))
		rc = -ENOMEM;
	free(again.code);
	errno = -rc;
	return rc < 0 ? -1 : 0;
}

/* ---- both parts ----------------------------------------------------------- */

int jail_walls(const struct img_jail_limits *l, const char **step)
{
	uint64_t before = mapped();

	*step = "seccomp";
	if (make_whole(l) < 0)
		return -1;
	*step = "privileges";
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    drop_capabilities() < 0)
		return -1;
	*step = "landlock";
	if (no_files() < 0)
		return -1;
	*step = "limits";
	return set_limits(l, before);
}

static int load(struct sock_filter *f, size_t n)
{
	const struct sock_fprog prog = { .len = (unsigned short)n,
					 .filter = f };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

/* A signal to itself only; the other filter allows no other. */
static int only_itself(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)getpid(), 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return load(f, COUNT(f));
}

int jail_lock(const struct img_jail_limits *l)
{
	if (l->cpu && limit(RLIMIT_CPU, l->cpu, (uint64_t)l->cpu + 1) < 0)
		return -1;
	if (limit(RLIMIT_NPROC, 0, 0) < 0 || only_itself() < 0)
		return -1;
	return load(filter.code, filter.n);
}
