/* talk.c - bytes and descriptors over a socket. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "jail/jail.h"

/* What the kernel may deliver at once; more are closed by it. */
#define FDS_MAX 4

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

static int failed(struct img_err *err)
{
	if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
		return img_err_set(err, IMG_E_TRANSPORT,
				   "the other end is gone");
	return img_err_sys(err, "socket");
}

/* 0 when something may have become possible. */
static int wait_for(int sock, short events, int ms, struct img_err *err)
{
	struct pollfd p = { .fd = sock, .events = events };
	int n = poll(&p, 1, ms);

	if (n > 0 || (n < 0 && errno == EINTR))
		return 0;
	if (n < 0)
		return img_err_sys(err, "socket");
	return img_err_set(err, IMG_E_LIMIT, "no answer in time");
}

/* Whether it is worth trying again after errno. */
static int again(int sock, short events, int ms, struct img_err *err)
{
	if (errno == EINTR)
		return 0;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return wait_for(sock, events, ms, err);
	return failed(err);
}

int img_jail_send(int sock, const void *p, size_t n, int fd, int milliseconds,
		  struct img_err *err)
{
	int flags = MSG_NOSIGNAL | (milliseconds < 0 ? 0 : MSG_DONTWAIT);
	union control c;
	size_t at = 0;

	while (at < n) {
		struct iovec v = { (char *)p + at, n - at };
		struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
		ssize_t put;

		if (fd >= 0) {
			memset(&c, 0, sizeof(c));
			c.align.cmsg_level = SOL_SOCKET;
			c.align.cmsg_type = SCM_RIGHTS;
			c.align.cmsg_len = CMSG_LEN(sizeof(fd));
			memcpy(CMSG_DATA(&c.align), &fd, sizeof(fd));
			m.msg_control = &c;
			m.msg_controllen = CMSG_SPACE(sizeof(fd));
		}
		put = sendmsg(sock, &m, flags);
		if (put < 0) {
			if (again(sock, POLLOUT, milliseconds, err) < 0)
				return -1;
			continue;
		}
		at += (size_t)put;
		fd = -1;
	}
	return 0;
}

/* The first descriptor into *fd if it has none; all others are closed. */
static void take_fds(struct msghdr *m, int *fd)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int got;

			memcpy(&got, CMSG_DATA(c) + i * sizeof(int),
			       sizeof(got));
			if (*fd < 0)
				*fd = got;
			else
				close(got);
		}
	}
}

static int receive(int sock, char *p, size_t n, int *fd, int milliseconds,
		   struct img_err *err)
{
	int flags = MSG_CMSG_CLOEXEC | (milliseconds < 0 ? 0 : MSG_DONTWAIT);
	union control c;
	size_t at = 0;

	while (at < n) {
		struct iovec v = { p + at, n - at };
		struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
		ssize_t got;

		if (fd) {
			m.msg_control = &c;
			m.msg_controllen = sizeof(c);
		}
		got = recvmsg(sock, &m, flags);
		if (got < 0) {
			if (again(sock, POLLIN, milliseconds, err) < 0)
				return -1;
			continue;
		}
		if (fd)
			take_fds(&m, fd);
		if (got == 0)
			return img_err_set(err, IMG_E_TRANSPORT,
					   "the other end is gone");
		at += (size_t)got;
	}
	return 0;
}

int img_jail_recv(int sock, void *p, size_t n, int *fd, int milliseconds,
		  struct img_err *err)
{
	int rc;

	if (fd)
		*fd = -1;
	rc = receive(sock, p, n, fd, milliseconds, err);
	if (rc < 0 && fd && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return rc;
}
