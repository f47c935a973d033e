/*
 * stow.c - fuzz target of the answers of a DICOMweb server (PS3.18 10.5.3),
 * with curl, over a socketpair.
 *
 * The first byte says whether the rest are the bytes of the server, or the
 * body of an answer that is good HTTP.  Whatever comes in: no crash, no hang;
 * a success names the instance.
 */
#include "net/net.h"
#include "connect.h"

#define SOP "2.25.1234567"

static int zeros(void *arg, void *p, size_t n, struct img_err *err)
{
	(void)arg, (void)err;
	memset(p, 0, n);
	return 0;
}

static bool names_it(const struct fuzz_in *in)
{
	static const char sop[] = SOP, more[] = "0123456789.";
	size_t n = strlen(sop);

	/* And not one that goes on. */
	for (size_t i = 0; i + n <= in->n; i++)
		if (memcmp(in->p + i, sop, n) == 0 &&
		    (i + n == in->n ||
		     !memchr(more, in->p[i + n], strlen(more))) &&
		    (i == 0 || !memchr(more, in->p[i - 1], strlen(more))))
			return true;
	return false;
}

static void answer(struct img_buf *b, struct fuzz_in *in, unsigned how)
{
	static const char *const codes[] = { "200 OK", "202 Accepted",
					     "409 Conflict",
					     "503 Service Unavailable" };
	struct img_err err = IMG_ERR_INIT;

	img_buf_printf(b, &err,
		       "HTTP/1.1 %s\r\nContent-Length: %zu\r\n"
		       "Content-Type: application/dicom+json\r\n\r\n",
		       codes[how / 2 % 4], in->n);
	wire_add(b, in->p, in->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct img_scu_opts opts = { .connect_seconds = 5,
					   .assoc_seconds = 5,
					   .dimse_seconds = 5 };
	struct img_scu_data body = { .length = 200, .next = zeros };
	struct fuzz_in in = { data, size };
	struct img_err err = IMG_ERR_INIT;
	struct img_stow *s = NULL;
	static struct img_peer peer;
	static struct img_buf bytes;
	unsigned how = fuzz_byte(&in), reason = 0;
	int http = 0, rc;

	if (!bytes.max) {
		img_buf_init(&bytes, WIRE_MAX);
		if (img_peer_parse(&peer, "http://127.0.0.1:104/web", &err) < 0)
			fuzz_wrong("peer", &err);
	}
	/* Some do not fit into what there is room for at first. */
	if (how / 16 == 13)
		body.length = 80000;
	fuzz_fds(false);
	img_buf_reset(&bytes);
	if (how & 1)
		wire_add(&bytes, in.p, in.n);
	else
		answer(&bytes, &in, how);
	connected.says = &bytes;
	if (img_stow_open(&s, &peer, &opts, 0, &err) < 0)
		fuzz_wrong("open", &err);
	rc = img_stow_store(s, SOP, "head", 4, &body, &http, &reason, &err);
	fuzz_verdict(rc, &err);
	fuzz_must(reason <= 0xFFFF, "a reason that is none");
	if (rc == 0 && http / 100 == 2)
		fuzz_must(names_it(&in), "a success that names nothing");
	if (rc == 0 && !(how & 1) && how / 2 % 4 == 2)
		fuzz_must(http == 409, "another status");
	img_stow_close(s);
	connect_end();
	fuzz_fds(true);
	return 0;
}
