/*
 * jail.h - runs code on untrusted bytes in a process that can do nothing else.
 *
 * A keeper is forked while the program has one thread; it forks workers when
 * asked, from any thread.  A worker is a child of the program.  It has its end
 * of a socket and the descriptors that come through it, and nothing else: no
 * files (landlock), no system calls but those on what it holds (seccomp), no
 * more memory and processor time than it is given, no core file; it dies with
 * the program.  What it does harms its own answer only.
 *
 * Order of calls: img_jail_open before any thread starts; img_jail_start for
 * each worker, talk through its fd, img_jail_end; img_jail_close.
 *
 * A worker inherits the memory of the program as it was at img_jail_open: open
 * jails before keys and identifying values are read.
 *
 * Everything that comes from a worker is foreign: check lengths and numbers
 * as if they came from the file itself.
 */
#ifndef IMG_JAIL_H
#define IMG_JAIL_H

#include "base/base.h"

struct img_jail_limits {
	uint64_t memory; /* bytes the worker may map anew; 0: 512 MiB */
	unsigned cpu;    /* seconds of processor time; 0: no limit */
	uint64_t
		file_max; /* bytes of a file written by it; 0: may write none */
	bool network;     /* sockets passed in may be used (never made) */
	bool helper;      /* no prisoners, see below; all else is ignored */
};

/* What runs in a worker: fd is its end of the socket (SOCK_STREAM).  Its
   result is the exit status, 0 to 100. */
typedef int (*img_jail_fn)(int fd, void *arg);

struct img_jail;
struct img_jail_worker {
	int fd; /* the program's end of the socket */
	pid_t pid;
};

int img_jail_open(struct img_jail **out, img_jail_fn fn, void *arg,
		  const struct img_jail_limits *limits, struct img_err *err);
/* Workers that still run are the caller's to end, before or after. */
void img_jail_close(struct img_jail *jail);

/* Whether a start has failed for good: somebody has ended the keeper. */
bool img_jail_is_gone(struct img_jail *jail);
/* About a millisecond.  From any thread. */
int img_jail_start(struct img_jail *jail, struct img_jail_worker *worker,
		   struct img_err *err);
/*
 * Closes the socket, and waits until the worker ends; one that has not after
 * seconds is killed (0: at once).  The exit status, or -1: how it ended
 * otherwise, said of what it worked on, what: IMG_E_LIMIT over its memory or
 * time, IMG_E_MALFORMED when it crashed or asked for what it may not do.
 */
int img_jail_end(struct img_jail_worker *worker, unsigned seconds,
		 const char *what, struct img_err *err);

/*
 * A helper is no prisoner: only its memory is its own.  For what has to open
 * files and connections by itself, and yet is not to be parsed within the
 * program.  SIGINT, SIGTERM and SIGHUP are nothing to it: the program says
 * when it is to end.
 */

/* ---- talking; both sides -------------------------------------------------
 *
 * Waits up to milliseconds for each part of the bytes (-1: for ever).
 * IMG_E_TRANSPORT when the other end is gone, IMG_E_LIMIT when time is over.
 * fd -1 sends no descriptor; one that is received is close-on-exec, and -1 if
 * none came.  The caller owns it.
 */
int img_jail_send(int sock, const void *p, size_t n, int fd, int milliseconds,
		  struct img_err *err);
int img_jail_recv(int sock, void *p, size_t n, int *fd, int milliseconds,
		  struct img_err *err);

/* ---- a stream from a worker ----------------------------------------------
 *
 * Many bytes, one way, through memory that both share: each is copied once
 * into it and once out of it, without the kernel, and the worker runs ahead.
 * While it is in use the socket only wakes who waits.
 */
struct img_jail_ring;

/* The program's end: sends the memory to the worker. */
int img_jail_ring_open(struct img_jail_ring **out,
		       const struct img_jail_worker *worker,
		       struct img_err *err);
/* The worker's end: what it sends next. */
int img_jail_ring_join(struct img_jail_ring **out, int sock,
		       struct img_err *err);
void img_jail_ring_close(struct img_jail_ring *ring);
/* n bytes into it; the program may see them from the next push on, which
   wakes it when there is enough (now: whenever it waits). */
int img_jail_ring_put(struct img_jail_ring *ring, const void *p, size_t n,
		      struct img_err *err);
void img_jail_ring_push(struct img_jail_ring *ring, bool now);
/* n bytes out of it.  IMG_E_TRANSPORT: the worker is gone; IMG_E_LIMIT: it
   used that many seconds of processor time, and not a byte came. */
int img_jail_ring_get(struct img_jail_ring *ring, void *p, size_t n,
		      unsigned seconds, struct img_err *err);

#endif
