/* stgcmt - asks a peer on this machine for storage commitment and prints what
   it reports: "UID reason", one line each.

	stgcmt [-r | -6 | -s | -2 PORT] PORT TITLE TS CLASS UID [UID ...]
	stgcmt -w PORT [TRANSACTION]

   -r: releases instead of waiting for the report; -6: so, over IPv6.
   -s: takes 4 s to say that it has the report.
   -2: asks for the first once more, behind the report, releases, and waits for
   the report on an association of the peer's, at this port.
   -w: does nothing but that: 20 s for a report, and one more for others; with a
   transaction, reports of all others are refused and not printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/net.h"

static bool six, leaves, slow;
static uint16_t port; /* of what is asked for once more */

static int fail(const struct img_err *err)
{
	fprintf(stderr, "stgcmt: %s\n", err->text);
	return 3;
}

static int send_message(struct img_assoc *a, const struct img_command *c,
			const struct img_buf *data, struct img_err *err)
{
	struct img_buf out[2] = { { 0 }, { 0 } };
	int rc = 0;

	img_buf_init(&out[0], IMG_COMMAND_MAX);
	if (img_command_put(c, &out[0], err) < 0)
		return -1;
	for (int part = 0; part < (data ? 2 : 1) && rc == 0; part++) {
		const struct img_buf *b = part ? data : &out[0];
		uint32_t n = (uint32_t)b->len;
		uint8_t h[12] = { 4, 0 };

		for (int i = 0; i < 4; i++) {
			h[2 + i] = (uint8_t)((n + 6) >> (24 - 8 * i));
			h[6 + i] = (uint8_t)((n + 2) >> (24 - 8 * i));
		}
		h[10] = 1;
		h[11] = part ? 2 : 3;
		rc = img_assoc_write(a, h, sizeof(h), err);
		if (rc == 0)
			rc = img_assoc_write(a, b->data, b->len, err);
	}
	img_buf_release(&out[0]);
	return rc;
}

/* A whole message: its command, and its data set into data. */
static int receive(struct img_assoc *a, struct img_command *c,
		   struct img_buf *data, struct img_err *err)
{
	struct img_assoc_pdv pdv;
	struct img_buf set;
	bool command = true;
	int rc;

	img_buf_init(&set, IMG_COMMAND_MAX);
	img_buf_reset(data);
	while ((rc = img_assoc_read(a, 20, &pdv, err)) > 0) {
		if (img_buf_add(pdv.command ? &set : data, pdv.p, pdv.n, err) <
		    0)
			return -1;
		if (!pdv.last)
			continue;
		if (command &&
		    img_command_get(c, img_buf_str(&set), set.len, err) < 0)
			return -1;
		if (!command || !c->data)
			break;
		command = false;
	}
	img_buf_release(&set);
	return rc;
}

static void print(const struct img_commitment *got, unsigned type)
{
	printf("report %u %s\n", type, got->transaction);
	for (size_t i = 0; i < got->n; i++)
		printf("%s %04x\n", got->ref[i].sop, got->ref[i].reason);
	fflush(stdout);
}

static volatile bool heard;

static uint16_t hear(void *arg, const struct img_command *c, const char *ts,
		     const void *data, size_t n)
{
	struct img_commitment got = { 0 };
	struct img_err err = IMG_ERR_INIT;

	bool good = img_commitment_read(&got, ts, data, n, &err) == 0;
	bool other = good && arg && strcmp(arg, got.transaction) != 0;

	if (good && !other)
		print(&got, c->type);
	img_commitment_release(&got);
	heard |= !other;
	return other ? 0x0110 : 0;
}

static struct img_command action(uint16_t message)
{
	return (struct img_command){ .field = IMG_N_ACTION_RQ,
				     .message = message,
				     .data = true,
				     .type = 1,
				     .sop_class = IMG_COMMITMENT,
				     .instance = IMG_COMMITMENT_INSTANCE };
}

/* The first of m, as a transaction of its own; takes a.  0: it was told of it. */
static int again(struct img_assoc *a, uint16_t at, struct img_commitment *m,
		 const char *ts, struct img_err *err)
{
	const struct img_peer here = { .host = "127.0.0.1" };
	struct img_command c = action(2);
	struct img_await *w = NULL;
	struct img_buf data;
	int rc = -1;

	img_buf_init(&data, 1 << 24);
	strcpy(m->transaction, "2.25.78");
	m->n = 1;
	if (img_await_open(&w, &here, at, 5, hear, NULL, err) == 0 &&
	    img_commitment_write(m, ts, &data, err) == 0 &&
	    send_message(a, &c, &data, err) == 0 &&
	    receive(a, &c, &data, err) > 0) {
		img_assoc_release(a);
		for (int i = 0; i < 200 && !heard; i++)
			usleep(100000);
		rc = heard ? 0 : 1;
	} else {
		img_assoc_abort(a);
	}
	img_await_close(w);
	img_buf_release(&data);
	return rc;
}

static int wait_only(uint16_t at, char *transaction, struct img_err *err)
{
	const struct img_peer here = { .host = "127.0.0.1" };
	struct img_await *w = NULL;

	if (img_await_open(&w, &here, at, 5, hear, transaction, err) < 0)
		return fail(err);
	for (int i = 0; i < 200 && !heard; i++)
		usleep(100000);
	if (heard)
		sleep(1);
	img_await_close(w);
	return heard ? 0 : 1;
}

/* Prints what comes on this association, and answers it. */
static int take_report(struct img_assoc *a, const char *ts,
		       struct img_buf *data, struct img_err *err)
{
	struct img_commitment got = { 0 };
	struct img_command c;
	int rc = -1;

	if (receive(a, &c, data, err) > 0 &&
	    img_commitment_read(&got, ts, img_buf_str(data), data->len, err) ==
		    0) {
		print(&got, c.type);
		c.field = IMG_N_EVENT_RQ | IMG_DIMSE_RSP;
		c.data = false;
		c.status = 0;
		sleep(slow ? 4 : 0);
		rc = send_message(a, &c, NULL, err);
	}
	img_commitment_release(&got);
	return rc;
}

/* The status of the answer, or -1. */
static int ask(struct img_assoc *a, const struct img_commitment *m,
	       const char *ts, struct img_buf *data, struct img_err *err)
{
	struct img_command c = action(1);

	if (img_commitment_write(m, ts, data, err) < 0 ||
	    send_message(a, &c, data, err) < 0 ||
	    receive(a, &c, data, err) <= 0)
		return -1;
	printf("answer %04x\n", c.status);
	return c.status;
}

/* Takes a.  0: all has come; 1: not the last. */
static int talk(struct img_assoc *a, struct img_commitment *m, const char *ts,
		struct img_err *err)
{
	struct img_buf data;
	int rc, status;

	img_buf_init(&data, 1 << 24);
	rc = status = ask(a, m, ts, &data, err);
	if (status > 0 && !leaves)
		rc = -1;
	else if (status >= 0)
		rc = leaves ? 0 : take_report(a, ts, &data, err);
	img_buf_release(&data);
	if (rc == 0 && port && !leaves)
		rc = again(a, port, m, ts, err);
	else if (rc == 0)
		img_assoc_release(a);
	else
		img_assoc_abort(a);
	return rc;
}

static int meet(uint16_t at, const char *called, const char *ts,
		struct img_commitment *m, struct img_err *err)
{
	const struct img_assoc_opts o = { .host = six ? "::1" : "127.0.0.1",
					  .port = at,
					  .called = called,
					  .calling = "STGCMT",
					  .connect_seconds = 5,
					  .assoc_seconds = 5,
					  .io_seconds = 20 };
	struct img_assoc_context context = { .abstract = IMG_COMMITMENT,
					     .n_ts = 1,
					     .ts = &ts };
	struct img_assoc *a = NULL;

	return img_assoc_open(&a, &o, &context, 1, err) < 0
		       ? -1
		       : talk(a, m, ts, err);
}

static int options(int *argc, char ***argv)
{
	const char *first = *argc > 1 ? (*argv)[1] : "";
	int n = 0;

	six = strcmp(first, "-6") == 0;
	leaves = six || strcmp(first, "-r") == 0;
	slow = strcmp(first, "-s") == 0;
	if (*argc > 2 && strcmp(first, "-2") == 0) {
		port = (uint16_t)atoi((*argv)[2]);
		n = 2;
	}
	n += leaves || slow;
	*argc -= n;
	*argv += n;
	return *argc < 6 ? 64 : 0;
}

int main(int argc, char **argv)
{
	struct img_commitment m = { .transaction = "2.25.77" };
	struct img_err err = IMG_ERR_INIT;
	int rc;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if ((argc == 3 || argc == 4) && strcmp(argv[1], "-w") == 0)
		return wait_only((uint16_t)atoi(argv[2]), argv[3], &err);
	if ((rc = options(&argc, &argv)) != 0)
		return rc;
	for (int i = 5; i < argc && rc == 0; i++)
		rc = img_commitment_add(&m, argv[4], argv[i], 0, &err);
	if (rc == 0)
		rc = meet((uint16_t)atoi(argv[1]), argv[2], argv[3], &m, &err);
	img_commitment_release(&m);
	if (rc < 0)
		return fail(&err);
	return fflush(stdout) != 0 ? 3 : rc;
}
