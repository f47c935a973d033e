/* peer.h - bytes of the upper layer protocol (PS3.8 9.3), right and wrong. */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MSG_ROOM (8u << 20)

struct msg {
	uint8_t p[MSG_ROOM];
	size_t n;
};

static inline void raw(struct msg *m, const void *p, size_t n)
{
	if (n > sizeof(m->p) - m->n)
		n = sizeof(m->p) - m->n;
	memcpy(m->p + m->n, p, n);
	m->n += n;
}

static inline void fill(struct msg *m, uint8_t c, size_t n)
{
	if (n > sizeof(m->p) - m->n)
		n = sizeof(m->p) - m->n;
	memset(m->p + m->n, c, n);
	m->n += n;
}

static inline void be(struct msg *m, uint64_t v, unsigned n)
{
	while (n--) {
		uint8_t b = (uint8_t)(v >> 8 * n);

		raw(m, &b, 1);
	}
}

static inline void le(struct msg *m, uint64_t v, unsigned n)
{
	for (; n--; v >>= 8) {
		uint8_t b = (uint8_t)v;

		raw(m, &b, 1);
	}
}

/* An item or PDU whose length is put in when it ends. */
static inline size_t begin(struct msg *m, uint8_t type, unsigned size)
{
	be(m, (uint64_t)type << 8, 2);
	be(m, 0, size);
	return m->n;
}

static inline void end(struct msg *m, size_t at, unsigned size)
{
	size_t n = m->n - at;

	for (unsigned i = 0; i < size; i++)
		m->p[at - 1 - i] = (uint8_t)(n >> 8 * i);
}

static inline void item(struct msg *m, uint8_t type, const char *text)
{
	size_t at = begin(m, type, 2);

	raw(m, text, strlen(text));
	end(m, at, 2);
}

/* What is in an association request, and what is wrong with it. */
struct rq {
	const char *called, *calling;
	unsigned contexts, syntaxes; /* how many; 0: 1 */
	const char *abstract, *ts;
	unsigned identities, extended, common, roles, versions;
	bool no_user, lying_identity;
	uint16_t version; /* of the protocol; 0: 1 */
};

static inline void user_information(struct msg *m, const struct rq *q)
{
	size_t user = begin(m, 0x50, 2), at;

	at = begin(m, 0x51, 2);
	be(m, 16384, 4);
	end(m, at, 2);
	item(m, 0x52, "2.25.5");
	for (unsigned i = 0; i < q->versions + 1; i++)
		item(m, 0x55, "PEER");
	for (unsigned i = 0; i < q->roles; i++) {
		at = begin(m, 0x54, 2);
		be(m, 16, 2);
		raw(m, "1.2.840.10008.1.", 16);
		be(m, 0x0101, 2);
		end(m, at, 2);
	}
	for (unsigned i = 0; i < q->extended; i++) {
		at = begin(m, 0x56, 2);
		be(m, 16, 2);
		raw(m, "1.2.840.10008.1.", 16);
		fill(m, 1, 4000);
		end(m, at, 2);
	}
	for (unsigned i = 0; i < q->common; i++) {
		at = begin(m, 0x57, 2);
		be(m, 16, 2);
		raw(m, "1.2.840.10008.1.", 16);
		be(m, 16, 2);
		raw(m, "1.2.840.10008.4.", 16);
		be(m, 0, 2);
		end(m, at, 2);
	}
	for (unsigned i = 0; i < q->identities; i++) {
		at = begin(m, 0x58, 2);
		be(m, 0x0201, 2);
		be(m, q->lying_identity ? 60000 : 1000, 2);
		fill(m, 'u', 1000);
		be(m, 3, 2);
		raw(m, "pwd", 3);
		end(m, at, 2);
	}
	end(m, user, 2);
}

static inline void titles(struct msg *m, const struct rq *q)
{
	char both[33];

	snprintf(both, sizeof(both), "%-16.16s%-16.16s",
		 q->called ? q->called : "IMGRECV",
		 q->calling ? q->calling : "PEER");
	be(m, q->version ? q->version : 1, 2);
	be(m, 0, 2);
	raw(m, both, 32);
	fill(m, 0, 32);
}

static inline void a_associate_rq(struct msg *m, const struct rq *q)
{
	size_t pdu = begin(m, 1, 4), pc;

	titles(m, q);
	item(m, 0x10, "1.2.840.10008.3.1.1.1");
	for (unsigned i = 0; i < (q->contexts ? q->contexts : 1); i++) {
		pc = begin(m, 0x20, 2);
		be(m, (uint64_t)(2 * i + 1) % 256 << 24, 4);
		item(m, 0x30, q->abstract ? q->abstract : "1.2.840.10008.1.1");
		for (unsigned t = 0; t < (q->syntaxes ? q->syntaxes : 1); t++)
			item(m, 0x40, q->ts ? q->ts : "1.2.840.10008.1.2");
		end(m, pc, 2);
	}
	if (!q->no_user)
		user_information(m, q);
	end(m, pdu, 4);
}

static inline void le_element(struct msg *m, unsigned e, const void *p,
			      size_t n)
{
	le(m, 0, 2);
	le(m, e, 2);
	le(m, n, 4);
	raw(m, p, n);
}

static inline void le_u16(struct msg *m, unsigned e, uint16_t v)
{
	const uint8_t b[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

	le_element(m, e, b, 2);
}

static inline void le_uid(struct msg *m, unsigned e, const char *uid)
{
	size_t n = strlen(uid);

	le_element(m, e, uid, n + (n & 1)); /* with its NUL */
}

/* A P-DATA-TF PDU with one fragment of what is in d. */
static inline void p_data(struct msg *m, uint8_t context, uint8_t flags,
			  const void *p, size_t n)
{
	be(m, 0x0400, 2);
	be(m, n + 6, 4);
	be(m, n + 2, 4);
	be(m, context, 1);
	be(m, flags, 1);
	raw(m, p, n);
}

#endif
