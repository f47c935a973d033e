/* dial.cc - a connection to a host by any of its addresses. */
#include "dcmtk/dial.hh"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

std::string img_dial_name(const char *host, unsigned port)
{
	std::string name = strchr(host, ':') ? "[" + std::string(host) + "]"
					     : std::string(host);

	return name + ":" + std::to_string(port);
}

Dial::~Dial()
{
	if (ours >= 0)
		close(ours);
	if (nobody >= 0)
		close(nobody);
}

/* Until then: 0, or errno. */
static int finish(int fd, double until)
{
	socklen_t n = sizeof(int);
	int e = 0;

	for (;;) {
		struct pollfd p = { fd, POLLOUT, 0 };
		double left = until - img_time_mono();
		int ready;

		if (left <= 0)
			return ETIMEDOUT;
		ready = poll(&p, 1,
			     left > 3600 ? 3600000 : (int)(left * 1000) + 1);
		if (ready > 0)
			break;
		if (ready < 0 && errno != EINTR)
			return errno;
	}
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) < 0 ? errno : e;
}

static int reach(const struct addrinfo *at, double until, int *e)
{
	int fd = socket(at->ai_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		*e = errno;
		return -1;
	}
	*e = connect(fd, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
	if (*e == EINPROGRESS)
		*e = finish(fd, until);
	if (*e == 0 &&
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) == 0)
		return fd;
	close(fd);
	return -1;
}

int Dial::decoy(struct img_err *err)
{
	struct sockaddr_in a = {};
	socklen_t n = sizeof(a);

	a.sin_family = AF_INET;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	nobody = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (nobody < 0 || bind(nobody, (struct sockaddr *)&a, n) < 0 ||
	    listen(nobody, 16) < 0 ||
	    getsockname(nobody, (struct sockaddr *)&a, &n) < 0)
		return img_err_sys(err, "127.0.0.1");
	nobody_port = ntohs(a.sin_port);
	return 0;
}

int Dial::open(const char *host, unsigned port, unsigned seconds,
	       struct img_err *err)
{
	struct addrinfo *found = NULL;
	double until = img_time_mono() + seconds;
	struct in_addr four;
	int e = 0;

	if (inet_pton(AF_INET, host, &four) == 1)
		return 0;
	if (img_lookup(host, std::to_string(port).c_str(), until, &found, err) <
	    0)
		return -1;
	for (const struct addrinfo *at = found; at && ours < 0;
	     at = at->ai_next)
		ours = reach(at, until, &e);
	freeaddrinfo(found);
	if (ours < 0)
		return img_err_set(err, IMG_E_TRANSPORT, "%s: %s",
				   img_dial_name(host, port).c_str(),
				   strerror(e));
	return decoy(err);
}

std::string Dial::address(const char *host, unsigned port) const
{
	return nobody < 0 ? img_dial_name(host, port)
			  : img_dial_name("127.0.0.1", nobody_port);
}

bool Dial::put(int sock)
{
	if (ours < 0)
		return true;
	if (dup3(ours, sock, O_CLOEXEC) < 0)
		return false;
	close(ours);
	ours = -1;
	return true;
}
