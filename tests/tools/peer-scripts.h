/* peer-scripts.h - what the peer of peer.c does wrong. */
#ifndef PEER_SCRIPTS_H
#define PEER_SCRIPTS_H

#include "peer-wire.h"

struct script {
	const char *name;
	void (*f)(long arg);
	long arg;
};

/* ---- before there is an association ----------------------------------- */

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

/* ---- within an association -------------------------------------------- */

static void silent(long n)
{
	(void)n;
	if (associate(CT, EXPL))
		outcome(20);
}

static void second_request(long n)
{
	(void)n;
	if (!associate(CT, EXPL))
		return;
	make_rq();
	put(&m);
	outcome(20);
}

static void released_twice(long n)
{
	(void)n;
	if (!associate(CT, EXPL))
		return;
	m.n = 0;
	release();
	release();
	put(&m);
	outcome(20);
}

static void data_first(long n)
{
	(void)n;
	if (!associate(CT, EXPL))
		return;
	data_set(CT, "2.25.900");
	send_data(1, 0, d.n, true);
	outcome(20);
}

static void echo_on(long context)
{
	if (!associate("1.2.840.10008.1.1", EXPL))
		return;
	command(0x30, "1.2.840.10008.1.1", NULL, false);
	send_command((uint8_t)context);
	let_go();
	outcome(20);
}

/* A PDV of this length in a PDU of 10 bytes. */
static void pdv_length(long n)
{
	if (!associate(CT, EXPL))
		return;
	m.n = 0;
	be(&m, 0x0400, 2);
	be(&m, 10, 4);
	be(&m, (uint64_t)n, 4);
	be(&m, 0x0103, 2);
	be(&m, 0, 4);
	put(&m);
	outcome(20);
}

static void pdu_length(long n)
{
	if (!associate(CT, EXPL))
		return;
	m.n = 0;
	be(&m, 0x0400, 2);
	be(&m, (uint64_t)n, 4);
	be(&m, 0, 4);
	put(&m);
	outcome(20);
}

static void command_bytes(long n)
{
	if (!associate(CT, EXPL))
		return;
	c.n = 0;
	for (long i = 0; i < n; i++)
		be(&c, (uint64_t)(i * 37), 1);
	send_command(1);
	outcome(20);
}

/* A command set made of nothing but nested sequences. */
static void command_nested(long n)
{
	if (!associate(CT, EXPL))
		return;
	c.n = 0;
	while (n--) {
		le(&c, 0x11000000, 4);
		le(&c, 0xffffffff, 4);
		le(&c, 0xe000fffe, 4);
		le(&c, 0xffffffff, 4);
	}
	send_command(1);
	outcome(20);
}

/* A command of this field, without a data set. */
static void field(long f)
{
	if (!associate(CT, EXPL))
		return;
	command((uint16_t)f, CT, "2.25.900", false);
	send_command(1);
	let_go();
	outcome(20);
}

static void field_with_data(long f)
{
	if (!associate(CT, EXPL))
		return;
	command((uint16_t)f, CT, "2.25.900", true);
	send_command(1);
	data_set(CT, "2.25.900");
	send_data(1, 0, d.n, true);
	let_go();
	outcome(20);
}

/* A C-STORE whose command lacks this element (CVE-2024-34508, -34509). */
static void without(long element)
{
	size_t n, to = 0;

	if (!associate(CT, EXPL))
		return;
	data_set(CT, "2.25.900");
	command(1, CT, "2.25.900", true);
	for (size_t at = 0; at + 8 <= c.n; at += n) {
		n = 8 + (c.p[at + 4] | (size_t)c.p[at + 5] << 8);
		if ((c.p[at + 2] | c.p[at + 3] << 8) == element)
			continue;
		memmove(c.p + to, c.p + at, n);
		to += n;
	}
	c.n = to;
	if (element)
		c.p[8] = (uint8_t)(to - 12); /* its own length */
	send_command(1);
	send_data(1, 0, d.n, true);
	let_go();
	outcome(20);
}

static void long_uid(long n)
{
	char uid[512];

	memset(uid, '1', sizeof(uid));
	uid[n] = '\0';
	if (!associate(CT, EXPL))
		return;
	data_set(CT, uid);
	store(CT, uid);
	let_go();
	outcome(20);
}

enum {
	EMPTY,
	OTHER_UID,
	OTHER_CLASS,
	NO_UID,
	HUGE,
	TORN,
	TEXT,
	ODD,
	PATH,
	GOOD
};

static void object(long what)
{
	if (!associate(CT, EXPL))
		return;
	data_set(what == OTHER_CLASS ? MR : CT, what == OTHER_UID ? "2.25.901"
						: what == PATH
							? "../../../tmp/x"
							: "2.25.900");
	if (what == EMPTY)
		d.n = 0;
	if (what == NO_UID)
		d.n = 0, explicit_uid(&d, 0x0020000d, "2.25.1");
	if (what == HUGE) {
		raw(&d, "\xe0\x7f\x10\0OB\0\0\xfe\xff\xff\xff", 12);
		fill(&d, 0, 100);
	}
	if (what == TORN)
		d.n -= 7;
	if (what == TEXT)
		d.n = 0, fill(&d, 'x', 1000);
	if (what == ODD)
		fill(&d, 0, 1);
	if (what == EMPTY) {
		command(1, CT, "2.25.900", true);
		send_command(1);
		m.n = 0;
		p_data(&m, 1, 2, "", 0);
		put(&m);
	} else {
		store(CT, what == PATH ? "../../../tmp/x" : "2.25.900");
	}
	let_go();
	outcome(20);
}

static void nested(long n)
{
	if (!associate(CT, EXPL))
		return;
	data_set(CT, "2.25.900");
	for (long i = 0; i < n; i++) {
		raw(&d, "\x40\0\x30\xa7SQ\0\0\xff\xff\xff\xff", 12);
		raw(&d, "\xfe\xff\0\xe0\xff\xff\xff\xff", 8);
	}
	for (long i = 0; i < n; i++) {
		raw(&d, "\xfe\xff\x0d\xe0\0\0\0\0", 8);
		raw(&d, "\xfe\xff\xdd\xe0\0\0\0\0", 8);
	}
	store(CT, "2.25.900");
	let_go();
	outcome(20);
}

/* Deflated: stored blocks of zeros would be short of a bomb, so one of fixed
   codes that repeats one byte 258 times per 13 bits. */
static void bomb(long n)
{
	uint64_t bits = 0;
	unsigned have = 0;

	if (!associate(CT, DEFL))
		return;
	d.n = 0;
	/* last block, fixed codes; a literal zero (00110000) */
	bits = 3 | (uint64_t)0x0c << 3;
	have = 11;
	while (n--) {
		/* length 258: 11000101, distance 1: 00000 */
		bits |= (uint64_t)0xa3 << have;
		have += 13;
		for (; have >= 8; have -= 8, bits >>= 8)
			le(&d, bits & 0xff, 1);
	}
	le(&d, bits, 2);
	store(CT, "2.25.900");
	let_go();
	outcome(20);
}

enum {
	ABORT,
	RESET,
	CLOSE,
	STOP,
	RELEASE,
	COMMAND,
	CONTEXT,
	SLOW,
	CLOSE_AFTER
};

/* Something else in the middle of a data set. */
static void broken_off(long what)
{
	struct linger now_ = { 1, 0 };

	if (!associate(CT, EXPL))
		return;
	data_set(CT, "2.25.902");
	raw(&d, "\xe0\x7f\x10\0OB\0\0\0\0\1\0", 12);
	fill(&d, 7, 65536);
	command(1, CT, "2.25.902", true);
	send_command(1);
	if (what == CLOSE_AFTER) {
		send_data(1, 0, d.n, true);
		snprintf(how, sizeof(how), "closed");
		return;
	}
	send_data(1, 0, 30000, false);
	m.n = 0;
	switch (what) {
	case ABORT:
		be(&m, 0x0700, 2);
		be(&m, 4, 4);
		be(&m, 0, 4);
		put(&m);
		break;
	case RESET:
		setsockopt(sock, SOL_SOCKET, SO_LINGER, &now_, sizeof(now_));
		snprintf(how, sizeof(how), "closed");
		return;
	case CLOSE:
		snprintf(how, sizeof(how), "closed");
		return;
	case RELEASE:
		let_go();
		break;
	case COMMAND:
		command(0x30, CT, NULL, false);
		send_command(1);
		break;
	case CONTEXT:
		send_data(3, 30000, d.n, true);
		break;
	case SLOW:
		for (int i = 0; i < 400; i++) {
			m.n = 0;
			p_data(&m, 1, 0, "x", 1);
			if (!put(&m))
				break;
			naps(0.05);
			if (recv(sock, c.p, 1, MSG_DONTWAIT | MSG_PEEK) >= 0)
				break;
		}
		break;
	}
	outcome(20);
}

/* Asks and asks, and never reads an answer. */
static void deaf(long n)
{
	double until = now() + 15;

	if (!associate("1.2.840.10008.1.1", EXPL))
		return;
	command(0x30, "1.2.840.10008.1.1", NULL, false);
	for (long i = 0; i < n && now() < until; i++) {
		ssize_t r;

		m.n = 0;
		p_data(&m, 1, 3, c.p, c.n);
		r = send(sock, m.p, m.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (r < 0 && errno == EAGAIN)
			naps(0.05);
		else if (r < 0)
			break;
	}
	snprintf(how, sizeof(how), now() < until ? "closed" : "open");
}

static void commitment(long n)
{
	if (!associate(COMMIT, EXPL))
		return;
	command(0x130, COMMIT, COMMITI, true);
	send_command(1);
	d.n = 0;
	if (n < 0) {
		fill(&d, 'y', (size_t)-n);
	} else {
		explicit_uid(&d, 0x00081195, "2.25.8");
		raw(&d, "\x08\0\x99\x11SQ\0\0\xff\xff\xff\xff", 12);
		for (long i = 0; i < n; i++) {
			raw(&d, "\xfe\xff\0\xe0\xff\xff\xff\xff", 8);
			explicit_uid(&d, 0x00081150, CT);
			explicit_uid(&d, 0x00081155, "2.25.987654");
			raw(&d, "\xfe\xff\x0d\xe0\0\0\0\0", 8);
		}
		raw(&d, "\xfe\xff\xdd\xe0\0\0\0\0", 8);
	}
	send_data(1, 0, d.n, true);
	let_go();
	outcome(20);
}

static const struct script scripts[] = {
	{ "junk-1", junk, 1 },
	{ "junk-5", junk, 5 },
	{ "junk-100", junk, 100 },
	{ "junk-1000000", junk, 1000000 },
	{ "zeros", zeros, 65536 },
	{ "web", web, 0 },
	{ "tls", tls, 0 },
	{ "type-0", wrong_type, 0 },
	{ "type-2", wrong_type, 2 },
	{ "type-3", wrong_type, 3 },
	{ "type-4", wrong_type, 4 },
	{ "type-5", wrong_type, 5 },
	{ "type-6", wrong_type, 6 },
	{ "type-7", wrong_type, 7 },
	{ "type-255", wrong_type, 255 },
	{ "announces-0", announces, 0 },
	{ "announces-67", announces, 67 },
	{ "announces-100000", announces, 100000 },
	{ "announces-2g", announces, 0x7fffffff },
	{ "announces-4g", announces, 0xffffffff },
	{ "cut-7", cut, 7 },
	{ "cut-74", cut, 74 },
	{ "cut-120", cut, 120 },
	{ "cut-off-6", cut_off, 6 },
	{ "cut-off-100", cut_off, 100 },
	{ "drip", drip, 100 },
	{ "application-length", changed, 76 << 8 | 255 },
	{ "context-length", changed, (76 + 2 + 21 + 2) << 8 | 255 },
	{ "item-unknown", changed, (76 + 2 + 21) << 8 | 0x77 },
	{ "contexts-128", request, 0 },
	{ "contexts-400", request, 1 },
	{ "contexts-128-syntaxes-40", request, 2 },
	{ "syntaxes-300", request, 3 },
	{ "identity", request, 4 },
	{ "identities-3", request, 5 },
	{ "identity-lies", request, 6 },
	{ "extended-5", request, 7 },
	{ "common-20", request, 8 },
	{ "roles-100", request, 9 },
	{ "versions-50", request, 10 },
	{ "protocol-2", request, 11 },
	{ "no-user-information", request, 12 },
	{ "called-other", request, 13 },
	{ "called-blank", request, 14 },
	{ "calling-blank", request, 15 },
	{ "calling-binary", request, 16 },
	{ "class-query", request, 17 },
	{ "class-path", request, 18 },
	{ "syntax-format", request, 19 },
	{ "class-long", request, 20 },
	{ "extended-300", request, 21 },
	{ "silent", silent, 0 },
	{ "request-twice", second_request, 0 },
	{ "release-twice", released_twice, 0 },
	{ "data-first", data_first, 0 },
	{ "context-0", echo_on, 0 },
	{ "context-2", echo_on, 2 },
	{ "context-255", echo_on, 255 },
	{ "pdv-0", pdv_length, 0 },
	{ "pdv-1", pdv_length, 1 },
	{ "pdv-11", pdv_length, 11 },
	{ "pdv-4g", pdv_length, 0xffffffff },
	{ "pdu-0", pdu_length, 0 },
	{ "pdu-200000", pdu_length, 200000 },
	{ "pdu-4g", pdu_length, 0xffffffff },
	{ "command-junk", command_bytes, 100 },
	{ "command-empty", command_bytes, 0 },
	{ "command-100k", command_bytes, 100000 },
	{ "command-nested", command_nested, 900 },
	{ "field-0", field, 0 },
	{ "field-find", field_with_data, 0x20 },
	{ "field-move", field_with_data, 0x21 },
	{ "field-get", field_with_data, 0x10 },
	{ "field-answer", field, 0x8001 },
	{ "field-store-no-data", field, 1 },
	{ "without-length", without, 0 },
	{ "without-class", without, 0x0002 },
	{ "without-field", without, 0x0100 },
	{ "without-id", without, 0x0110 },
	{ "without-type", without, 0x0800 },
	{ "without-uid", without, 0x1000 },
	{ "uid-65", long_uid, 65 },
	{ "uid-400", long_uid, 400 },
	{ "object-good", object, GOOD },
	{ "object-empty", object, EMPTY },
	{ "object-other-uid", object, OTHER_UID },
	{ "object-other-class", object, OTHER_CLASS },
	{ "object-no-uid", object, NO_UID },
	{ "object-huge-length", object, HUGE },
	{ "object-torn", object, TORN },
	{ "object-text", object, TEXT },
	{ "object-odd", object, ODD },
	{ "object-path", object, PATH },
	{ "nested-20000", nested, 20000 },
	{ "bomb", bomb, 600000 },
	{ "broken-abort", broken_off, ABORT },
	{ "broken-reset", broken_off, RESET },
	{ "broken-close", broken_off, CLOSE },
	{ "broken-silence", broken_off, STOP },
	{ "broken-release", broken_off, RELEASE },
	{ "broken-command", broken_off, COMMAND },
	{ "broken-context", broken_off, CONTEXT },
	{ "broken-slow", broken_off, SLOW },
	{ "close-before-answer", broken_off, CLOSE_AFTER },
	{ "deaf", deaf, 1000000 },
	{ "commitment-junk", commitment, -1000 },
	{ "commitment-2000", commitment, 2000 },
};
#define N_SCRIPTS (sizeof(scripts) / sizeof(scripts[0]))

#endif
