/*
 * nowalls - a jail without its walls, for LD_PRELOAD: what is to be looked at
 * by valgrind cannot keep to the system calls of a jailed process, nor to its
 * memory.  Limits and filters are said to be set, and are not.
 */
/* Both names of a call are to be caught: with and without 64. */
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int prctl(int what, ...)
{
	int (*next)(int, unsigned long, unsigned long, unsigned long,
		    unsigned long) = dlsym(RTLD_NEXT, "prctl");
	unsigned long a[4];
	va_list ap;

	va_start(ap, what);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	return what == PR_SET_SECCOMP ? 0 : next(what, a[0], a[1], a[2], a[3]);
}

int setrlimit(__rlimit_resource_t what, const struct rlimit *to)
{
	(void)what, (void)to;
	return 0;
}

int setrlimit64(__rlimit_resource_t what, const struct rlimit64 *to)
{
	(void)what, (void)to;
	return 0;
}

long syscall(long n, ...)
{
	long (*next)(long, ...) = dlsym(RTLD_NEXT, "syscall");
	long a[6];
	va_list ap;

	va_start(ap, n);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	/* What libseccomp asks to learn what there is: calls that are wrong in
	   one way or the other, and whether an action is there. */
	if (n == SYS_seccomp && a[0] == SECCOMP_GET_ACTION_AVAIL)
		return 0;
	if (n == SYS_seccomp) {
		errno = a[0] == SECCOMP_SET_MODE_STRICT ? EINVAL : EFAULT;
		return -1;
	}
	if (n == SYS_landlock_create_ruleset) {
		errno = ENOSYS;
		return -1;
	}
	return next(n, a[0], a[1], a[2], a[3], a[4], a[5]);
}
