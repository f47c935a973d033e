/* inside.h - what the files of this room share; no other room includes it. */
#ifndef IMG_JAIL_INSIDE_H
#define IMG_JAIL_INSIDE_H

#include <pthread.h>

#include "jail/jail.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

#define SOCK_FD 3 /* where a worker has its end, the keeper its own */

/* Exit statuses that no img_jail_fn has. */
enum {
	EXIT_MEMORY = 101, /* there is no more, and it showed */
	EXIT_CRASH,        /* a sanitizer saw a mistake */
	EXIT_LOCK          /* the jail could not be locked */
};

struct img_jail {
	pthread_mutex_t lock; /* one request at a time */
	int fd;               /* to the keeper */
	pid_t keeper;
	bool gone; /* the keeper, before its time */
};

/* What the keeper answers: a worker, or why there is none. */
struct jail_answer {
	pid_t pid;
	int error; /* errno */
	char step[60];
};

/* keeper.c: the forked child; parent is the program. */
_Noreturn void jail_keep(int fd, pid_t parent, img_jail_fn fn, void *arg,
			 const struct img_jail_limits *limits);

/* walls.c: each 0, or -1 with errno. */
int jail_walls(const struct img_jail_limits *limits, const char **step);
/* What cannot be done before the last fork. */
int jail_lock(const struct img_jail_limits *limits);

#endif
