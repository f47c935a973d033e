/* listen.c - the sockets of a listener: its own, or the service manager's. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/net.h"

#define BACKLOG  512
#define FIRST_FD 3 /* sd_listen_fds(3) */

/* ---- names ------------------------------------------------------------ */

static const void *number_of(const struct sockaddr_storage *a, int *family)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)a;

	*family = a->ss_family;
	if (a->ss_family == AF_INET)
		return &((const struct sockaddr_in *)a)->sin_addr;
	if (a->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		*family = AF_INET;
		return six->sin6_addr.s6_addr + 12;
	}
	return &six->sin6_addr;
}

void img_address_name(const struct sockaddr_storage *from,
		      char out[IMG_ADDRESS_MAX])
{
	int family;
	const void *number = number_of(from, &family);

	if ((family != AF_INET && family != AF_INET6) ||
	    !inet_ntop(family, number, out, IMG_ADDRESS_MAX))
		snprintf(out, IMG_ADDRESS_MAX, "local");
}

static bool name_of(int fd, struct sockaddr_storage *a)
{
	socklen_t n = sizeof(*a);

	memset(a, 0, sizeof(*a));
	return getsockname(fd, (struct sockaddr *)a, &n) == 0;
}

/* sin_port and sin6_port lie at the same place. */
static uint16_t port_of(const struct sockaddr_storage *a)
{
	return ntohs(((const struct sockaddr_in *)a)->sin_port);
}

void img_listen_name(const struct img_listen *l, size_t i,
		     char out[IMG_ADDRESS_MAX])
{
	struct sockaddr_storage a;
	char number[IMG_ADDRESS_MAX];

	if (!name_of(l->fd[i], &a)) {
		snprintf(out, IMG_ADDRESS_MAX, "?");
		return;
	}
	img_address_name(&a, number);
	snprintf(out, IMG_ADDRESS_MAX,
		 strchr(number, ':') ? "[%.48s]:%u" : "%.48s:%u", number,
		 (unsigned)port_of(&a));
}

static bool is_loopback(const struct sockaddr_storage *a)
{
	int family;
	const uint8_t *number = number_of(a, &family);

	if (family == AF_INET)
		return number[0] == 127;
	return family == AF_UNIX ||
	       (family == AF_INET6 &&
		IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)number));
}

static int open_to_others(struct img_err *err)
{
	return img_err_set(err, IMG_E_USAGE,
			   "other machines can reach us: say with --allow who "
			   "may send (\"*@*\": everybody)");
}

/* ---- opening ---------------------------------------------------------- */

/* A connection that is gone before it is accepted must not hold us up. */
static void take(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* How many the service manager has opened. */
static size_t inherited(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t who, n = 0;

	return pid && fds && img_parse_u64(pid, INT32_MAX, &who) &&
			       who == (uint64_t)getpid() &&
			       img_parse_u64(fds, IMG_LISTEN_MAX, &n)
		       ? (size_t)n
		       : 0;
}

/* Those; their number. */
static size_t inherit(struct img_listen *l)
{
	size_t n = inherited();

	if (!n)
		return 0;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	for (size_t i = 0; i < n; i++)
		take(l->fd[i] = FIRST_FD + (int)i);
	return l->n = n;
}

static int bind_one(struct img_listen *l, const struct addrinfo *at,
		    const char *name, uint16_t port, struct img_err *err)
{
	int on = 1, fd;

	if (l->n == IMG_LISTEN_MAX)
		return img_err_set(err, IMG_E_LIMIT, "over %d addresses",
				   IMG_LISTEN_MAX);
	fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    0);
	if (fd < 0)
		return img_err_sys(err, "%s", name);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, at->ai_addr, at->ai_addrlen) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		img_err_sys(err, "%s, port %u", name, (unsigned)port);
		close(fd);
		return -1;
	}
	l->fd[l->n++] = fd;
	return 0;
}

/* The port that the first socket has got, where any would do. */
static uint16_t same_port(const struct img_listen *l, uint16_t port)
{
	struct sockaddr_storage a;

	return port || !l->n || !name_of(l->fd[0], &a) ? port : port_of(&a);
}

/* What a name or number means; free with freeaddrinfo. */
static int look_up(const char *name, uint16_t port, struct addrinfo **found,
		   struct img_err *err)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
					.ai_socktype = SOCK_STREAM,
					.ai_flags =
						AI_PASSIVE | AI_NUMERICSERV };
	char service[8], plain[INET6_ADDRSTRLEN + 40];
	size_t n = strlen(name);

	if (name[0] == '[' && name[n - 1] == ']' && n < sizeof(plain)) {
		snprintf(plain, sizeof(plain), "%.*s", (int)n - 2, name + 1);
		name = plain;
	}
	snprintf(service, sizeof(service), "%u", (unsigned)port);
	*found = NULL;
	return getaddrinfo(name, service, &hints, found) == 0
		       ? 0
		       : img_err_set(err, IMG_E_USAGE, "%s: no such address",
				     name);
}

static int bind_name(struct img_listen *l, const char *name, uint16_t port,
		     struct img_err *err)
{
	struct addrinfo *found;
	int rc;

	port = same_port(l, port);
	rc = look_up(name, port, &found, err);
	if (rc < 0)
		return -1;
	for (struct addrinfo *at = found; at && rc == 0; at = at->ai_next)
		rc = bind_one(l, at, name, port, err);
	freeaddrinfo(found);
	return rc;
}

static int check_name(const char *name, bool guarded, struct img_err *err)
{
	struct addrinfo *found;
	struct sockaddr_storage a;
	int rc = look_up(name, 0, &found, err);

	if (rc < 0)
		return -1;
	for (struct addrinfo *at = found; at && rc == 0; at = at->ai_next) {
		memset(&a, 0, sizeof(a));
		memcpy(&a, at->ai_addr, at->ai_addrlen);
		if (!guarded && !is_loopback(&a))
			rc = open_to_others(err);
	}
	freeaddrinfo(found);
	return rc;
}

int img_listen_check(const struct img_listen_at *at, struct img_err *err)
{
	for (size_t i = 0; !inherited() && i < at->n; i++)
		if (check_name(at->address[i], at->guarded, err) < 0)
			return -1;
	return 0;
}

/* Those of the service manager may be anywhere. */
static int guard(struct img_listen *l, bool guarded, struct img_err *err)
{
	struct sockaddr_storage a;

	for (size_t i = 0; !guarded && i < l->n; i++)
		if (!name_of(l->fd[i], &a) || !is_loopback(&a)) {
			img_listen_close(l);
			return open_to_others(err);
		}
	return 0;
}

int img_listen_open(struct img_listen *l, const struct img_listen_at *at,
		    struct img_err *err)
{
	struct img_err ignored = IMG_ERR_INIT;

	memset(l, 0, sizeof(*l));
	if (inherit(l))
		return guard(l, at->guarded, err);
	if (!at->n) {
		/* A machine without IPv6 is no failure. */
		if (bind_name(l, "127.0.0.1", at->port, err) < 0)
			goto fail;
		(void)bind_name(l, "::1", at->port, &ignored);
	}
	for (size_t i = 0; i < at->n; i++)
		if (check_name(at->address[i], at->guarded, err) < 0 ||
		    bind_name(l, at->address[i], at->port, err) < 0)
			goto fail;
	return 0;
fail:
	img_listen_close(l);
	return -1;
}

void img_listen_close(struct img_listen *l)
{
	for (size_t i = 0; i < l->n; i++)
		close(l->fd[i]);
	l->n = 0;
}

/* ---- the service manager ---------------------------------------------- */

void img_listen_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (n < 2 || n >= sizeof(to.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, n);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		     (struct sockaddr *)&to,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}
