/* peer-request.h - what the peer of peer.c does wrong before there is an
   association. */
#ifndef PEER_REQUEST_H
#define PEER_REQUEST_H

#include "peer-wire.h"

static void junk(long n)
{
	uint32_t x = 12345;

	while (n--) {
		x = x * 1103515245 + 12345;
		be(&m, x >> 16, 1);
	}
	put(&m);
	outcome(20);
}

static void zeros(long n)
{
	fill(&m, 0, (size_t)n);
	put(&m);
	outcome(20);
}

static void web(long n)
{
	(void)n;
	raw(&m, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
	put(&m);
	outcome(20);
}

static void tls(long n)
{
	(void)n;
	raw(&m, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
	fill(&m, 0x55, 500);
	put(&m);
	outcome(20);
}

/* A whole ClientHello, then silence. */
static void tls_hello(long n)
{
	double until = now() + 20;

	(void)n;
	raw(&m, "\x16\x03\x01\0\x45\x01\0\0\x41\x03\x03", 11);
	fill(&m, 0x55, 32);
	/* no session, two suites, no compression; groups and signatures */
	raw(&m, "\0\0\x04\xc0\x2b\xc0\x2f\x01\0\0\x14", 11);
	raw(&m, "\0\x0a\0\x06\0\x04\0\x17\0\x1d", 10);
	raw(&m, "\0\x0d\0\x06\0\x04\x04\x01\x04\x03", 10);
	put(&m);
	while (get(d.p, 1, until)) /* no PDUs */
		;
}

/* A PDU of this type where a request belongs. */
static void wrong_type(long type)
{
	be(&m, (uint64_t)type << 8, 2);
	be(&m, 4, 4);
	be(&m, 0, 4);
	put(&m);
	outcome(20);
}

/* The head of a request that announces n bytes, and nothing more. */
static void announces(long n)
{
	be(&m, 0x0100, 2);
	be(&m, (uint64_t)n, 4);
	put(&m);
	outcome(20);
}

static void make_rq(void)
{
	const struct rq q = { .calling = title };

	m.n = 0;
	a_associate_rq(&m, &q);
}

/* The first n bytes of a request, then silence. */
static void cut(long n)
{
	make_rq();
	m.n = (size_t)n;
	put(&m);
	outcome(20);
}

/* The first n bytes, then no more. */
static void cut_off(long n)
{
	make_rq();
	m.n = (size_t)n;
	put(&m);
	shutdown(sock, SHUT_WR);
	outcome(20);
}

/* A request whose byte at offset has another value. */
static void changed(long what)
{
	make_rq();
	m.p[what >> 8] = (uint8_t)what;
	put(&m);
	outcome(20);
}

static void drip(long n)
{
	static struct msg all;

	make_rq();
	memcpy(&all, &m, sizeof(all));
	for (size_t i = 0; i < all.n; i++) {
		m.n = 0;
		raw(&m, all.p + i, 1);
		put(&m);
		naps((double)n / 1000);
		if (recv(sock, d.p, 1, MSG_DONTWAIT | MSG_PEEK) >= 0)
			break;
	}
	outcome(20);
}

static const struct rq requests[] = {
	{ .contexts = 128 },
	{ .contexts = 400 },
	{ .contexts = 128, .syntaxes = 40, .ts = EXPL },
	{ .syntaxes = 300 },
	{ .identities = 1 },
	{ .identities = 3 },
	{ .identities = 1, .lying_identity = true },
	{ .extended = 5 },
	{ .common = 20 },
	{ .roles = 100 },
	{ .versions = 50 },
	{ .version = 2 },
	{ .no_user = true },
	{ .called = "NOT IMGRECV" },
	{ .called = "                " },
	{ .calling = "                " },
	{ .calling = "\x80\xff\x01\n\"\\x" },
	{ .abstract = "1.2.840.10008.5.1.4.1.2.2.1" },
	{ .abstract = "../../etc/passwd" },
	{ .ts = "%s%n%s%n" },
	{ .abstract = "1.23456789012345678901234567890123456789012345678901234"
		      "567890123456789012345678901234567890" },
	{ .extended = 300 },
};

/* A request with this in it; where it is taken, a release. */
static void request(long i)
{
	struct rq q = requests[i];

	if (!q.calling)
		q.calling = title;
	a_associate_rq(&m, &q);
	put(&m);
	switch (pdu(20)) {
	case 2:
		let_go();
		outcome(20);
		break;
	case 3:
		snprintf(how, sizeof(how), "rejected");
		break;
	case 7:
		snprintf(how, sizeof(how), "aborted");
		break;
	}
}

#endif
