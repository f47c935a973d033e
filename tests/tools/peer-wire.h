/* peer-wire.h - the upper layer and DIMSE, by hand, for what peer sends. */
#ifndef PEER_WIRE_H
#define PEER_WIRE_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "peer.h"

#define CT      "1.2.840.10008.5.1.4.1.1.2"
#define MR      "1.2.840.10008.5.1.4.1.1.4"
#define ECHO    "1.2.840.10008.1.1"
#define FIND    "1.2.840.10008.5.1.4.1.2.2.1"
#define EXPL    "1.2.840.10008.1.2.1"
#define DEFL    "1.2.840.10008.1.2.1.99"
#define COMMIT  "1.2.840.10008.1.20.1"
#define COMMITI "1.2.840.10008.1.20.1.1"

static struct msg m, d, c; /* what is sent, a data set, a command set */
static uint16_t port;
static const char *home = "127.0.0.1", *title = "PEER";
static int sock;
static char how[32];

/* ---- the socket ------------------------------------------------------- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void naps(double s)
{
	struct timespec t = { (time_t)s,
			      (long)((s - (double)(time_t)s) * 1e9) };

	nanosleep(&t, NULL);
}

/* -1: it cannot be had. */
static int dial_once(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port) },
			   own = { .sin_family = AF_INET };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT },
			    own6 = { .sin6_family = AF_INET6 };
	bool six = inet_pton(AF_INET6, home, &own6.sin6_addr) == 1;
	int on = 1, fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	own.sin_addr.s_addr = six ? 0 : inet_addr(home);
	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (six ? bind(fd, (struct sockaddr *)&own6, sizeof(own6)) < 0 ||
			    connect(fd, (struct sockaddr *)&a6, sizeof(a6)) < 0
		: bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0 ||
			    connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static int dial(void)
{
	int fd = dial_once();

	if (fd < 0) {
		perror("peer");
		exit(3);
	}
	return fd;
}

/* Sends and forgets; false when the other side has gone. */
static bool put(struct msg *out)
{
	size_t at = 0;

	while (at < out->n) {
		ssize_t n = send(sock, out->p + at, out->n - at, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	out->n = 0;
	return at > 0;
}

static bool get(void *p, size_t n, double until)
{
	size_t at = 0;

	while (at < n) {
		struct pollfd w = { sock, POLLIN, 0 };
		double left = until - now();
		ssize_t r;

		if (left <= 0 || poll(&w, 1, (int)(left * 1000) + 1) <= 0) {
			snprintf(how, sizeof(how), "open");
			return false;
		}
		r = recv(sock, (char *)p + at, n - at, 0);
		if (r <= 0) {
			snprintf(how, sizeof(how), "closed");
			return false;
		}
		at += (size_t)r;
	}
	return true;
}

/* The type of the next PDU, its body in d; 0: none came. */
static uint8_t pdu(double seconds)
{
	double until = now() + seconds;
	uint8_t h[6];
	size_t n;

	if (!get(h, 6, until))
		return 0;
	n = (size_t)h[2] << 24 | (size_t)h[3] << 16 | (size_t)h[4] << 8 | h[5];
	if (n > sizeof(d.p) || !get(d.p, n, until))
		return 0;
	d.n = n;
	return h[0];
}

/* Listens on until the other side has ended it; keeps the last status. */
static void outcome(double seconds)
{
	double until = now() + seconds;
	char last[32] = "";

	for (;;) {
		uint8_t type = pdu(until - now());

		if (type == 4) {
			for (size_t i = 6; i + 10 <= d.n; i++)
				if (memcmp(d.p + i, "\0\0\0\11\2\0\0\0", 8) ==
				    0)
					snprintf(last, sizeof(last),
						 "status %02X%02X", d.p[i + 9],
						 d.p[i + 8]);
			continue;
		}
		if (type == 3)
			snprintf(how, sizeof(how), "rejected");
		if (type == 6)
			snprintf(how, sizeof(how), "released");
		if (type == 7)
			snprintf(how, sizeof(how), "aborted");
		break;
	}
	if (*last && strcmp(how, "open") != 0)
		memcpy(how, last, sizeof(how));
}

static bool associate(const char *abstract, const char *ts)
{
	const struct rq q = { .abstract = abstract,
			      .ts = ts,
			      .calling = title };

	m.n = 0;
	a_associate_rq(&m, &q);
	put(&m);
	if (pdu(20) == 2)
		return true;
	snprintf(how, sizeof(how), "no association");
	return false;
}

static void release(void)
{
	be(&m, 0x0500, 2);
	be(&m, 4, 4);
	be(&m, 0, 4);
}

static void let_go(void)
{
	m.n = 0;
	release();
	put(&m);
}

/* ---- messages --------------------------------------------------------- */

/* A command set, with its group length. */
static void command(uint16_t field, const char *abstract, const char *uid,
		    bool data)
{
	static struct msg body;

	body.n = 0;
	le_uid(&body, 0x0002, abstract);
	le_u16(&body, 0x0100, field);
	le_u16(&body, 0x0110, 1);
	le_u16(&body, 0x0700, 0);
	le_u16(&body, 0x0800, data ? 0 : 0x0101);
	if (uid)
		le_uid(&body, 0x1000, uid);
	if (field == 0x0130)
		le_u16(&body, 0x1008, 1);
	c.n = 0;
	le(&c, 0, 4);
	le(&c, 4, 4);
	le(&c, body.n, 4);
	raw(&c, body.p, body.n);
}

static void send_command(uint8_t context)
{
	m.n = 0;
	p_data(&m, context, 3, c.p, c.n);
	put(&m);
}

static void explicit_uid(struct msg *o, uint32_t tag, const char *uid)
{
	size_t n = strlen(uid);

	le(o, tag >> 16, 2);
	le(o, tag & 0xffff, 2);
	raw(o, "UI", 2);
	le(o, n + (n & 1), 2);
	raw(o, uid, n + (n & 1));
}

static void data_set(const char *abstract, const char *uid)
{
	d.n = 0;
	explicit_uid(&d, 0x00080016, abstract);
	explicit_uid(&d, 0x00080018, uid);
	explicit_uid(&d, 0x0020000d, "2.25.1");
	explicit_uid(&d, 0x0020000e, "2.25.2");
}

static void send_data(uint8_t context, size_t from, size_t to, bool last)
{
	while (from < to) {
		size_t n = to - from < 16000 ? to - from : 16000;

		m.n = 0;
		p_data(&m, context, last && from + n == to ? 2 : 0, d.p + from,
		       n);
		if (!put(&m))
			return;
		from += n;
	}
}

/* A whole C-STORE of what is in d. */
static void store(const char *abstract, const char *uid)
{
	command(1, abstract, uid, true);
	send_command(1);
	send_data(1, 0, d.n, true);
}

#endif
