/* wire.h - what a peer says, made from an input: PDUs (PS3.8 9.3) whose
   lengths are right, so that what is in them is met. */
#ifndef IMG_FUZZ_WIRE_H
#define IMG_FUZZ_WIRE_H

#include <sys/socket.h>

#include "dcmtk/dcmtk.h"
#include "fuzz.h"

#define WIRE_MAX 100000 /* what a socket holds without a reader */

static const char *const wire_classes[] = { "1.2.840.10008.1.1",
					    "1.2.840.10008.5.1.4.1.1.2",
					    "1.2.840.10008.1.20.1",
					    "1.2.840.10008.5.1.4.1.2.2.1",
					    "1.2.3",
					    "" };
static const char *const wire_ts[] = { "1.2.840.10008.1.2",
				       "1.2.840.10008.1.2.1",
				       "1.2.840.10008.1.2.4.50", "2.25.9", "" };
#define WIRE_PICK(list, i) ((list)[(i) % (sizeof(list) / sizeof((list)[0]))])

static inline void wire_add(struct img_buf *b, const void *p, size_t n)
{
	struct img_err err = IMG_ERR_INIT;

	if (b->len + n <= WIRE_MAX && img_buf_add(b, p, n, &err) < 0)
		fuzz_wrong("room", &err);
}

static inline void wire_be(uint8_t *p, size_t n, size_t v)
{
	while (n--) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

/* An item of a PDU: type, a byte, a length of two bytes that is filled in. */
static inline size_t wire_open(struct img_buf *b, uint8_t type)
{
	const uint8_t head[4] = { type };

	wire_add(b, head, 4);
	return b->len;
}

static inline void wire_close(struct img_buf *b, size_t at)
{
	if (at >= 2 && at <= b->len)
		wire_be((uint8_t *)b->data + at - 2, 2, b->len - at);
}

static inline void wire_item(struct img_buf *b, uint8_t type, const void *p,
			     size_t n)
{
	size_t at = wire_open(b, type);

	wire_add(b, p, n);
	wire_close(b, at);
}

static inline void wire_uid(struct img_buf *b, uint8_t type, const char *uid)
{
	wire_item(b, type, uid, strlen(uid));
}

/* User information: a maximum length, ours, and what the input adds. */
static inline void wire_user(struct img_buf *b, struct fuzz_in *in)
{
	size_t at = wire_open(b, 0x50), n = fuzz_byte(in) & 63;
	unsigned kind = fuzz_byte(in);
	uint8_t most[4];

	wire_be(most, 4, kind & 1 ? fuzz_word(in) : 16384);
	wire_item(b, 0x51, most, 4);
	wire_uid(b, 0x52, "2.25.77");
	wire_uid(b, 0x55, "PEER");
	if (kind & 2) {
		const uint8_t *p = fuzz_take(in, &n);

		wire_item(b, (uint8_t)(0x53 + (kind >> 2) % 7), p, n);
	}
	wire_close(b, at);
}

/* A-ASSOCIATE-RQ (type 1) or -AC (type 2). */
static inline void wire_associate(struct img_buf *b, struct fuzz_in *in,
				  uint8_t type)
{
	static const uint8_t version[4] = { 0, 1 };
	uint8_t head[6] = { type }, rest[32] = { 0 };
	size_t begin = b->len;
	unsigned n = fuzz_byte(in) % 8;

	wire_add(b, head, 6);
	wire_add(b, version, 4);
	wire_add(b, "CALLED          CALLING         ", 32);
	wire_add(b, rest, 32);
	wire_uid(b, 0x10, "1.2.840.10008.3.1.1.1");
	for (unsigned i = 0; i < n; i++) {
		unsigned how = fuzz_byte(in), ts = fuzz_byte(in);
		uint8_t id[4] = { (uint8_t)(2 * i + 1), 0, 0, 0 };
		size_t at = wire_open(b, type == 1 ? 0x20 : 0x21);

		if (how >= 0xF0)
			id[0] = (uint8_t)ts;
		if (type == 2)
			id[2] = how >= 0xC0 ? (uint8_t)(how & 7) : 0;
		wire_add(b, id, 4);
		if (type == 1)
			wire_uid(b, 0x30, WIRE_PICK(wire_classes, how));
		wire_uid(b, 0x40, WIRE_PICK(wire_ts, ts));
		if (type == 1 && ts & 0x80)
			wire_uid(b, 0x40, WIRE_PICK(wire_ts, ts >> 3));
		wire_close(b, at);
	}
	wire_user(b, in);
	wire_be((uint8_t *)b->data + begin + 2, 4, b->len - begin - 6);
}

/* P-DATA-TF with one fragment. */
static inline void wire_pdv(struct img_buf *b, uint8_t context, bool command,
			    bool last, const void *p, size_t n)
{
	uint8_t head[12] = { 4 };

	wire_be(head + 2, 4, n + 6);
	wire_be(head + 6, 4, n + 2);
	head[10] = context;
	head[11] = (uint8_t)(command | last << 1);
	wire_add(b, head, 12);
	wire_add(b, p, n);
}

static inline void wire_command_make(struct img_buf *set, uint16_t field,
				     unsigned how, uint16_t status)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_command c = { .field = field,
				 .data = how & 1,
				 .message = 1 + (how >> 6),
				 .type = 1 + (how >> 5 & 1),
				 .status = status };

	strcpy(c.sop_class, WIRE_PICK(wire_classes, how >> 1));
	strcpy(c.instance, how & 16 ? "2.25.1" : how & 8 ? "" : "2.25.2");
	img_buf_release(set);
	img_buf_init(set, IMG_COMMAND_MAX);
	if (img_command_put(&c, set, &err) < 0)
		fuzz_wrong("command", &err);
}

/* DCMTK makes each once: it takes longer than all the rest. */
static inline void wire_command(struct img_buf *b, struct fuzz_in *in,
				uint8_t context, uint16_t field)
{
	static struct {
		uint64_t key;
		struct img_buf set;
	} made[4096], *m;
	unsigned how = fuzz_byte(in);
	uint16_t status =
		(uint16_t)(field & IMG_DIMSE_RSP && how & 32 ? fuzz_word(in)
							     : 0);
	uint64_t key = (uint64_t)1 << 40 | (uint64_t)field << 24 |
		       (uint64_t)how << 16 | status;

	m = &made[key * 0x9E3779B97F4A7C15u >> 52];
	if (m->key != key)
		wire_command_make(&m->set, field, how, status);
	m->key = key;
	wire_pdv(b, context, true, true, m->set.data, m->set.len);
}

/* The rest of the input as what comes on a standing association. */
static inline void wire_talk(struct img_buf *b, struct fuzz_in *in)
{
	static const uint16_t fields[] = { 0x0001, 0x0030, 0x0130, 0x0100,
					   0x8001, 0x8030, 0x8130, 0x8100,
					   0x8020, 0x0FFF, 0x0020 };
	static const uint8_t ends[] = { 5, 6, 7, 3, 1, 9 };

	for (unsigned i = 0; in->n && i < 64; i++) {
		unsigned how = fuzz_byte(in), what = how % 8;
		uint8_t context = (uint8_t)(how >> 6 ? 2 * (how >> 6) - 1 : 1);
		uint8_t end[10] = { 0, 0, 0, 0, 0, 4 };
		const uint8_t *p;
		size_t n;

		if (what < 3) {
			wire_command(b, in, context,
				     WIRE_PICK(fields, fuzz_byte(in)));
			continue;
		}
		if (what == 7) {
			end[0] = WIRE_PICK(ends, fuzz_byte(in));
			wire_add(b, end, 10);
			continue;
		}
		n = what == 5 ? fuzz_word(in) : fuzz_byte(in);
		p = fuzz_take(in, &n);
		if (what == 6)
			wire_add(b, p, n);
		else
			wire_pdv(b, context, what == 3, how & 32, p, n);
	}
}

/* Both ends of a connection with these bytes on their way, and no more. */
static inline void wire_pair(int s[2], const struct img_buf *b)
{
	int room = 1 << 20;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) < 0) {
		perror("socketpair");
		exit(3);
	}
	setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	setsockopt(s[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (img_write_full(s[1], img_buf_str(b), b->len) < 0) {
		perror("socketpair");
		exit(3);
	}
	shutdown(s[1], SHUT_WR);
}

/* What was said on a connection are whole PDUs of the types that begin so. */
static inline void wire_check(int fd, const uint8_t *types)
{
	static uint8_t said[1 << 20];
	ssize_t n = 0, got;
	size_t at = 0;

	while ((got = recv(fd, said + n, sizeof(said) - (size_t)n,
			   MSG_DONTWAIT)) > 0)
		n += got;
	while (at < (size_t)n) {
		uint32_t length;

		fuzz_must((size_t)n - at >= 6, "half a PDU was sent");
		fuzz_must(memchr(types, said[at], strlen((const char *)types)),
			  "a PDU of a type that is not ours to send");
		length = (uint32_t)said[at + 2] << 24 |
			 (uint32_t)said[at + 3] << 16 |
			 (uint32_t)said[at + 4] << 8 | said[at + 5];
		fuzz_must(length <= (size_t)n - at - 6, "half a PDU was sent");
		at += 6 + length;
	}
}

#endif
