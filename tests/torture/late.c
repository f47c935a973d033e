/*
 * late - a file has its final name a little after it was said to have it, for
 * LD_PRELOAD: what a program that runs with it acknowledges must be lost by
 * kill -9, or the test of kills proves nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LATE_US 400000
#define MANY    4096

static struct {
	int from, to;
	char *a, *b;
	unsigned flags;
} queue[MANY];
static size_t first, last;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* What was put off up to end. */
static void catch_up(size_t end)
{
	pthread_mutex_lock(&lock);
	for (; first < end; first++)
		syscall(SYS_renameat2, queue[first].from, queue[first].a,
			queue[first].to, queue[first].b, queue[first].flags);
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
	catch_up(last);
}

int renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
	pthread_t t;

	if (last == MANY || faccessat(to, b, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return (int)syscall(SYS_renameat2, from, a, to, b, flags);
	pthread_mutex_lock(&lock);
	queue[last].from = dup(from);
	queue[last].to = dup(to);
	queue[last].a = strdup(a);
	queue[last].b = strdup(b);
	queue[last++].flags = flags;
	pthread_mutex_unlock(&lock);
	if (pthread_create(&t, NULL, later, (void *)last) == 0)
		pthread_detach(t);
	return 0;
}
