/* link.cc - a peer's socket, with deadlines that it cannot stretch. */
#include "dcmtk/link.hh"

#include <cerrno>
#include <cstring>
#include <new>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A data set that comes slower than this for a whole window is given up. */
#define LEAST_RATE 1024

/* ---- deadlines -------------------------------------------------------- */

void Pace::expect(enum img_accept_phase what)
{
	phase = what;
	part = 0;
	until = img_time_mono() + (what == IMG_EXPECT_COMMAND ? idle : seconds);
}

void Pace::came(size_t n)
{
	part += n;
	/* With the first byte of a command the peer is no longer idle. */
	if (phase == IMG_EXPECT_COMMAND)
		expect(IMG_EXPECT_REST);
	else if (phase == IMG_EXPECT_DATA &&
		 part >= (uint64_t)LEAST_RATE * seconds)
		expect(IMG_EXPECT_DATA);
}

bool Pace::wait(int fd, short events)
{
	for (;;) {
		struct pollfd p[2] = { { fd, events, 0 }, { stop, POLLIN, 0 } };
		double left = until - img_time_mono();
		int n;

		if (left <= 0) {
			late = true;
			errno = ETIMEDOUT;
			return false;
		}
		n = poll(p, phase == IMG_EXPECT_COMMAND && stop >= 0 ? 2 : 1,
			 left > 3600 ? 3600000 : (int)(left * 1000) + 1);
		if (n < 0 && errno != EINTR)
			return false;
		if (n <= 0)
			continue;
		/* What the peer has begun goes before our own wish. */
		if (p[0].revents)
			return true;
		stopped = true;
		errno = ECANCELED;
		return false;
	}
}

/* ---- plain TCP -------------------------------------------------------- */

Link::Link(int sock, Pace *p) : DcmTCPConnection(sock), pace(p)
{
	int on = 1;

	setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

ssize_t Link::fill(void *buf, size_t n)
{
	for (;;) {
		int fd = getSocket(), on = 1;
		ssize_t got;

		/* Looked at even when bytes are there: a trickle must not
		   outlast the deadline. */
		if (img_time_mono() >= pace->until) {
			pace->late = true;
			errno = ETIMEDOUT;
			return -1;
		}
		got = recv(fd, buf, n, MSG_DONTWAIT);
		if (got > 0) {
			if ((size_t)got < n)
				setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on,
					   sizeof(on));
			pace->came((size_t)got);
		}
		if (got >= 0)
			return got;
		if (errno == EINTR)
			continue;
		if ((errno != EAGAIN && errno != EWOULDBLOCK) ||
		    !pace->wait(fd, POLLIN))
			return -1;
	}
}

ssize_t Link::read(void *buf, size_t n)
{
	if (at == end) {
		ssize_t got;

		if (n >= sizeof(ahead))
			return fill(buf, n);
		at = end = 0;
		got = fill(ahead, sizeof(ahead));
		if (got <= 0)
			return got;
		end = (size_t)got;
	}
	if (n > end - at)
		n = end - at;
	memcpy(buf, ahead + at, n);
	at += n;
	return (ssize_t)n;
}

ssize_t Link::write(void *buf, size_t n)
{
	for (;;) {
		ssize_t put =
			send(getSocket(), buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (put >= 0)
			return put;
		if (errno == EINTR)
			continue;
		if ((errno != EAGAIN && errno != EWOULDBLOCK) ||
		    !pace->wait(getSocket(), POLLOUT))
			return -1;
	}
}

void Link::close()
{
	closeTransportConnection();
}

void Link::closeTransportConnection()
{
	if (getSocket() >= 0)
		::close(getSocket());
	setSocket(-1);
}

OFBool Link::networkDataAvailable(int timeout)
{
	struct pollfd p = { getSocket(), POLLIN, 0 };

	return at < end || poll(&p, 1, timeout * 1000) > 0;
}

DcmTransportConnection *LinkLayer::createConnection(DcmNativeSocketType sock,
						    OFBool secure)
{
	return secure ? img_tls_link(tls, sock, pace) : new Link(sock, pace);
}
