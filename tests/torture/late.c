/*
 * late - a file has its final name a little after it was said to have it, for
 * LD_PRELOAD: what a program that runs with it acknowledges must be lost by
 * kill -9, or the test of kills proves nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LATE_US 2000000
#define MANY    4096

static struct name {
	int from, to;
	char *a, *b;
	unsigned flags;
	bool link; /* from is the file itself */
} queue[MANY];
static size_t first, last;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void give(const struct name *n)
{
	char self[40];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", n->from);
	if (n->link)
		syscall(SYS_linkat, AT_FDCWD, self, n->to, n->b,
			AT_SYMLINK_FOLLOW);
	else
		syscall(SYS_renameat2, n->from, n->a, n->to, n->b, n->flags);
}

/* What was put off up to end. */
static void catch_up(size_t end)
{
	pthread_mutex_lock(&lock);
	for (; first < end; first++)
		give(&queue[first]);
	pthread_mutex_unlock(&lock);
}

static void *later(void *end)
{
	usleep(LATE_US);
	catch_up((size_t)end);
	return NULL;
}

__attribute__((destructor)) static void at_end(void)
{
	if (first < last)
		usleep(LATE_US);
	catch_up(last);
}

static int put_off(struct name n)
{
	pthread_t t;

	pthread_mutex_lock(&lock);
	n.a = strdup(n.a);
	n.b = strdup(n.b);
	if (n.to != AT_FDCWD)
		n.to = dup(n.to);
	queue[last++] = n;
	pthread_mutex_unlock(&lock);
	if (pthread_create(&t, NULL, later, (void *)last) == 0)
		pthread_detach(t);
	return 0;
}

static bool is_there(int to, const char *b)
{
	return last == MANY || faccessat(to, b, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
	if (is_there(to, b))
		return (int)syscall(SYS_renameat2, from, a, to, b, flags);
	return put_off((struct name){ dup(from), to, (char *)a, (char *)b,
				      flags, false });
}

/* Of a file that has no name yet. */
int linkat(int from, const char *a, int to, const char *b, int flags)
{
	int fd = -1;

	if (flags & AT_EMPTY_PATH && !*a)
		fd = from;
	else
		(void)sscanf(a, "/proc/self/fd/%d", &fd);
	if (fd < 0 || is_there(to, b))
		return (int)syscall(SYS_linkat, from, a, to, b, flags);
	return put_off(
		(struct name){ dup(fd), to, (char *)a, (char *)b, 0, true });
}
