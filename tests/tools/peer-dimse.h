/* peer-dimse.h - what the peer of peer.c does wrong within an association:
   PDUs and commands. */
#ifndef PEER_DIMSE_H
#define PEER_DIMSE_H

#include "peer-request.h"

static void silent(long n)
{
	(void)n;
	if (associate(CT, EXPL))
		outcome(20);
}

/* C-ECHOs, one every 100 ms. */
static void echoes(long n)
{
	if (!associate("1.2.840.10008.1.1", EXPL))
		return;
	while (n--) {
		command(0x30, "1.2.840.10008.1.1", NULL, false);
		send_command(1);
		if (pdu(20) != 4) {
			snprintf(how, sizeof(how), "sent away");
			return;
		}
		naps(0.1);
	}
	let_go();
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

#endif
