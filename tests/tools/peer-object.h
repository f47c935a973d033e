/* peer-object.h - what the peer of peer.c does wrong with what it sends:
   objects, and requests for commitment. */
#ifndef PEER_OBJECT_H
#define PEER_OBJECT_H

#include "peer-wire.h"

enum {
	EMPTY,
	OTHER_UID,
	OTHER_CLASS,
	NO_STORAGE,
	SIBLING,
	VERIFICATION,
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
	if (!associate(what == SIBLING        ? MR
		       : what == VERIFICATION ? ECHO
					      : CT,
		       EXPL))
		return;
	data_set(what == OTHER_CLASS  ? MR
		 : what == NO_STORAGE ? FIND
				      : CT,
		 what == OTHER_UID ? "2.25.901"
		 : what == PATH    ? "../../../tmp/x"
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
		store(what == NO_STORAGE ? FIND : CT,
		      what == PATH ? "../../../tmp/x" : "2.25.900");
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

#endif
