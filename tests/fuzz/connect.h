/* connect.h - whoever connects in this program gets one end of a socketpair,
   and at the other end is what the input says. */
#ifndef IMG_FUZZ_CONNECT_H
#define IMG_FUZZ_CONNECT_H

#include <errno.h>
#include <netinet/in.h>
#include <sys/syscall.h>

#include "wire.h"

static struct {
	const struct img_buf *says;
	int end; /* ours; -1: none */
} connected = { NULL, -1 };

/* In place of the system's, for DCMTK and curl. */
int connect(int fd, const struct sockaddr *to, socklen_t n)
{
	int s[2];

	if (to->sa_family != AF_INET && to->sa_family != AF_INET6)
		return (int)syscall(SYS_connect, fd, to, n);
	if (connected.end >= 0 || !connected.says) {
		errno = ECONNREFUSED;
		return -1;
	}
	wire_pair(s, connected.says);
	/* It stays blocking or not. */
	fcntl(s[0], F_SETFL, fcntl(fd, F_GETFL));
	if (dup2(s[0], fd) < 0)
		abort();
	close(s[0]);
	connected.end = s[1];
	return 0;
}

/* Of a connection that looks like one. */
static int loopback(struct sockaddr *to, socklen_t *n)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(104) };

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memcpy(to, &in, *n < sizeof(in) ? *n : sizeof(in));
	*n = sizeof(in);
	return 0;
}

int getpeername(int fd, struct sockaddr *to, socklen_t *n)
{
	(void)fd;
	return loopback(to, n);
}

int getsockname(int fd, struct sockaddr *to, socklen_t *n)
{
	(void)fd;
	return loopback(to, n);
}

static inline void connect_end(void)
{
	if (connected.end >= 0)
		close(connected.end);
	connected.end = -1;
}

#endif
