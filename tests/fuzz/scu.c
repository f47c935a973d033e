/*
 * scu.c - fuzz target of a requestor: what a peer answers, DCMTK's parser and
 * ours, on one whole association over a socketpair.
 *
 * The first byte says whether the rest are the bytes of the peer, or what
 * wire.h makes of them; the second what is asked for.  Whatever comes in: no
 * crash, no hang; a failure has a reason.  A store that has succeeded was
 * answered, and the peer gets whole PDUs.
 */
#include "net/net.h"
#include "connect.h"

/* DCMTK loses some bytes of an answer that turns out malformed. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libdcmnet";
}

static const char *const ts[] = { "1.2.840.10008.1.2.1", "1.2.840.10008.1.2" };

static struct img_peer peer;

static int zeros(void *arg, void *p, size_t n, struct img_err *err)
{
	(void)arg, (void)err;
	memset(p, 0, n);
	return 0;
}

static uint16_t event(void *arg, const struct img_command *c,
		      const char *syntax, const void *data, size_t n)
{
	struct img_commitment list = { .n = 0 };
	struct img_err err = IMG_ERR_INIT;

	(void)arg;
	if (c->type > 2)
		return 0x0113;
	/* data has no NUL behind it where there is none of it. */
	fuzz_verdict(img_commitment_read(&list, syntax, n ? data : "", n, &err),
		     &err);
	img_commitment_release(&list);
	return 0;
}

static void found(void *arg, const char *sop)
{
	(void)arg;
	fuzz_must(strlen(sop) < IMG_UID_MAX, "a UID that is too long");
}

/* ---- asking ----------------------------------------------------------- */

static int commit(struct img_scu *s, uint8_t id, uint16_t *status,
		  struct img_err *err)
{
	struct img_commitment c = { .n = 0 };
	int rc;

	strcpy(c.transaction, "2.25.5");
	rc = img_commitment_add(&c, "1.2.840.10008.5.1.4.1.1.2", "2.25.1", 0,
				err);
	if (rc == 0)
		rc = img_scu_commit(s, id, &c, status, err);
	img_commitment_release(&c);
	return rc;
}

static int ask(struct img_scu *s, const struct img_assoc_context *c,
	       unsigned what, struct img_err *err)
{
	/* Some do not fit into what there is room for at first. */
	const struct img_scu_data data = { .length = what < 240 ? 300 : 80000,
					   .next = zeros };
	uint16_t status = 0;
	bool over = false;

	switch (what % 5) {
	case 0:
		return c[0].result ? 0 : img_scu_echo(s, c[0].id, &status, err);
	case 1:
		return c[1].result
			       ? 0
			       : img_scu_store(s, c[1].id, c[1].abstract,
					       "2.25.1", &data, &status, err);
	case 2:
		return c[2].result ? 0 : commit(s, c[2].id, &status, err);
	case 3:
		return c[3].result ? 0
				   : img_scu_find(s, c[3].id, "2.25.3",
						  "2.25.4", found, NULL, err);
	default:
		return img_scu_wait(s, 0, &over, err) < 0 ? -1 : 0;
	}
}

static void talk(unsigned what)
{
	struct img_assoc_context c[] = {
		{ .abstract = wire_classes[0], .ts = ts, .n_ts = 2 },
		{ .abstract = wire_classes[1], .ts = ts, .n_ts = 2 },
		{ .abstract = wire_classes[2], .ts = ts, .n_ts = 2 },
		{ .abstract = wire_classes[3], .ts = ts, .n_ts = 1 },
	};
	const struct img_scu_opts opts = { .connect_seconds = 5,
					   .assoc_seconds = 5,
					   .dimse_seconds = 5,
					   .event = event };
	struct img_err err = IMG_ERR_INIT;
	struct img_scu *s = NULL;
	int rc = img_scu_open(&s, &peer, &opts, c, 4, &err);

	fuzz_verdict(rc, &err);
	for (unsigned i = 0; i < 4 && rc == 0; i++) {
		fuzz_must(c[i].result || strcmp(c[i].accepted, ts[0]) == 0 ||
				  strcmp(c[i].accepted, ts[1]) == 0,
			  "a transfer syntax that was not proposed");
	}
	for (unsigned i = 0; i < 4 && rc == 0; i++) {
		rc = ask(s, c, what + i, &err);
		fuzz_verdict(rc, &err);
	}
	img_scu_close(s, rc == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t types[] = { 1, 4, 5, 6, 7, 0 };
	struct fuzz_in in = { data, size };
	static struct img_buf bytes;
	struct img_err err = IMG_ERR_INIT;
	unsigned how = fuzz_byte(&in), what = fuzz_byte(&in);

	if (!bytes.max) {
		img_buf_init(&bytes, WIRE_MAX);
		if (img_peer_parse(&peer, "PEER@127.0.0.1:104", &err) < 0)
			fuzz_wrong("peer", &err);
		strcpy(peer.calling, "FUZZ");
	}
	fuzz_fds(false);
	img_buf_reset(&bytes);
	if (how & 1) {
		wire_add(&bytes, in.p, in.n);
	} else {
		wire_associate(&bytes, &in, 2);
		wire_talk(&bytes, &in);
	}
	connected.says = &bytes;
	if (how & 2)
		strcpy(peer.user, "somebody");
	talk(what);
	*peer.user = '\0';
	if (connected.end >= 0)
		wire_check(connected.end, types);
	connect_end();
	fuzz_fds(true);
	return 0;
}
