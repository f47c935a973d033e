/* scu.c - C-ECHO and C-STORE on an association of ours. */
#include <stdlib.h>
#include <string.h>

#include "net/inside.h"

#define DATA_MAX (16u * 1024 * 1024) /* of what a peer answers with */

/* ---- opening and closing ---------------------------------------------- */

static int open_assoc(struct img_scu *s, const struct img_peer *peer,
		      struct img_assoc_context *contexts, size_t n,
		      struct img_err *err)
{
	struct img_assoc_tls tls = {
		.ca = *peer->ca ? peer->ca : NULL,
		.certificate = *peer->certificate ? peer->certificate : NULL,
		.key = *peer->key ? peer->key : NULL,
		.host = *peer->tls_host ? peer->tls_host : peer->host,
		.pin = *peer->pin ? peer->pin : NULL
	};
	struct img_assoc_opts o = { .host = peer->host,
				    .port = peer->port,
				    .calling = peer->calling,
				    .called = peer->called,
				    .connect_seconds = s->opts.connect_seconds,
				    .assoc_seconds = s->opts.assoc_seconds,
				    .io_seconds = s->opts.dimse_seconds,
				    .tls = peer->tls ? &tls : NULL,
				    .user = *peer->user ? peer->user : NULL };
	struct img_buf code;
	int rc = 0;

	img_buf_init(&code, 4096);
	if (*peer->passcode_file) {
		rc = img_net_read_secret(peer->passcode_file, &code, err);
		o.passcode = img_buf_str(&code);
		o.passcode_len = code.len;
	}
	if (rc == 0)
		rc = img_assoc_open(&s->assoc, &o, contexts, n, err);
	img_net_release_secret(&code);
	return rc;
}

int img_scu_open(struct img_scu **out, const struct img_peer *peer,
		 const struct img_scu_opts *opts,
		 struct img_assoc_context *contexts, size_t n,
		 struct img_err *err)
{
	struct img_scu *s = calloc(1, sizeof(*s));
	uint32_t pdu;

	*out = NULL;
	if (!s)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	s->opts = *opts;
	s->contexts = contexts;
	s->n_contexts = n;
	img_buf_init(&s->command, IMG_COMMAND_MAX);
	img_buf_init(&s->data, DATA_MAX);
	img_buf_init(&s->out, OUT_ROOM);
	if (open_assoc(s, peer, contexts, n, err) < 0)
		goto fail;
	/* A fragment has an even length (PS3.8 9.3.5.1). */
	pdu = img_assoc_max_pdu(s->assoc);
	s->fragment = (pdu - PDV_HEAD) & ~1u;
	*out = s;
	return 0;
fail:
	img_scu_close(s, false);
	return -1;
}

bool img_scu_is_silent(const struct img_scu *s)
{
	return img_assoc_is_silent(s->assoc);
}

void img_scu_close(struct img_scu *s, bool in_order)
{
	if (!s)
		return;
	if (in_order)
		img_assoc_release(s->assoc);
	else
		img_assoc_abort(s->assoc);
	img_buf_release(&s->command);
	img_buf_release(&s->data);
	img_buf_release(&s->out);
	free(s);
}

/* ---- sending ---------------------------------------------------------- */

static void put32be(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static int flush(struct img_scu *s, struct img_err *err)
{
	size_t n = s->out.len;

	s->out.len = 0;
	if (n == 0)
		return 0;
	s->flushes++;
	if (s->opts.pace)
		s->opts.pace(s->opts.arg, n);
	return img_assoc_write(s->assoc, s->out.data, n, err);
}

/* Room for a PDU with one fragment of n bytes, its heads written; the caller
   fills the fragment. */
static uint8_t *begin_pdu(struct img_scu *s, uint8_t context, bool command,
			  bool last, size_t n, struct img_err *err)
{
	size_t all = PDU_HEAD + PDV_HEAD + n;
	uint8_t *p;

	if (all > OUT_ROOM - s->out.len && flush(s, err) < 0)
		return NULL;
	if (img_buf_grow(&s->out, all, err) < 0)
		return NULL;
	p = (uint8_t *)s->out.data + s->out.len;
	p[0] = 0x04; /* P-DATA-TF, PS3.8 9.3.5 */
	p[1] = 0;
	put32be(p + 2, (uint32_t)(n + PDV_HEAD));
	put32be(p + 6, (uint32_t)(n + 2));
	p[10] = context;
	p[11] = (uint8_t)((command ? 1 : 0) | (last ? 2 : 0));
	s->out.len += all;
	return p + PDU_HEAD + PDV_HEAD;
}

static size_t smaller(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

static int put_command(struct img_scu *s, uint8_t context,
		       const struct img_command *c, struct img_err *err)
{
	size_t at = 0;

	img_buf_reset(&s->command);
	if (img_command_put(c, &s->command, err) < 0)
		return -1;
	while (at < s->command.len) {
		size_t n = smaller(s->command.len - at, s->fragment);
		uint8_t *p = begin_pdu(s, context, true,
				       at + n == s->command.len, n, err);

		if (!p)
			return -1;
		memcpy(p, s->command.data + at, n);
		at += n;
	}
	return 0;
}

static int put_data(struct img_scu *s, uint8_t context,
		    const struct img_scu_data *d, struct img_err *err)
{
	uint64_t left = d->length;

	while (left) {
		size_t n = smaller(left, s->fragment);
		uint8_t *p = begin_pdu(s, context, false, n == left, n, err);

		if (!p)
			return -1;
		/* What is in the buffer stays there when this fails: the
		   peer never gets the last fragment. */
		if (d->next(d->arg, p, n, err) < 0)
			return -1;
		left -= n;
	}
	return 0;
}

int img_scu_send(struct img_scu *s, uint8_t context,
		 const struct img_command *c, const struct img_scu_data *d,
		 struct img_err *err)
{
	img_buf_reset(&s->out);
	s->flushes = 0;
	if (put_command(s, context, c, err) < 0)
		return -1;
	if (d && put_data(s, context, d, err) < 0)
		return -1;
	s->early = s->flushes && img_assoc_waiting(s->assoc, 0);
	return flush(s, err);
}

/* ---- receiving -------------------------------------------------------- */

static int malformed(const char *what, struct img_err *err)
{
	return img_err_set(err, IMG_E_TRANSPORT, "the peer answers with %s",
			   what);
}

/* What an answer has to come within, whatever comes before it. */
struct limit {
	unsigned seconds;
	double until;
};

static struct limit limit_of(unsigned seconds)
{
	return (struct limit){ seconds, img_time_mono() + seconds };
}

static int read_pdv(struct img_scu *s, const struct limit *l,
		    struct img_assoc_pdv *pdv, struct img_err *err)
{
	double left = l->until - img_time_mono();

	if (left <= 0)
		return img_err_set(err, IMG_E_TRANSPORT,
				   "no whole answer from the peer in %u s",
				   l->seconds);
	return img_assoc_read(s->assoc, (unsigned)left + 1, pdv, err);
}

/* The fragments of a command set or a data set. */
static int collect(struct img_scu *s, bool command, const struct limit *l,
		   uint8_t *context, struct img_buf *out, struct img_err *err)
{
	struct img_assoc_pdv pdv = { 0 };
	struct img_err full = IMG_ERR_INIT;
	bool first = true;

	img_buf_reset(out);
	do {
		int rc = read_pdv(s, l, &pdv, err);

		if (rc < 0)
			return -1;
		if (rc == 0)
			return img_err_set(err, IMG_E_TRANSPORT,
					   "the peer ended the association");
		if (pdv.command != command)
			return malformed("fragments in no order", err);
		if ((!first || !command) && pdv.context != *context)
			return malformed("fragments of two contexts", err);
		*context = pdv.context;
		first = false;
		if (img_buf_add(out, pdv.p, pdv.n, &full) < 0)
			return malformed("more than there is to say", err);
		/* Fragments without bytes may come for ever. */
		if (pdv.n == 0 && !pdv.last)
			return malformed("empty fragments", err);
	} while (!pdv.last);
	return 0;
}

static const char *ts_of(const struct img_scu *s, uint8_t context)
{
	size_t i = context / 2;

	return (context & 1) && i < s->n_contexts && s->contexts[i].result == 0
		       ? s->contexts[i].accepted
		       : NULL;
}

static int answer_event(struct img_scu *s, uint8_t context,
			const struct img_command *c, struct img_err *err)
{
	struct img_command rsp = { .field = IMG_N_EVENT_RQ | IMG_DIMSE_RSP,
				   .message = c->message,
				   .status = 0x0211,
				   .type = c->type };
	const char *ts = ts_of(s, context);

	memcpy(rsp.sop_class, c->sop_class, sizeof(rsp.sop_class));
	memcpy(rsp.instance, c->instance, sizeof(rsp.instance));
	if (s->opts.event && ts)
		rsp.status = s->opts.event(s->opts.arg, c, ts, s->data.data,
					   c->data ? s->data.len : 0);
	return img_scu_send(s, context, &rsp, NULL, err);
}

/* One message; its data set is in s->data.  N-EVENT-REPORTs are answered. */
static int hear(struct img_scu *s, const struct limit *l, struct img_command *c,
		uint8_t *context, struct img_err *err)
{
	if (collect(s, true, l, context, &s->command, err) < 0 ||
	    img_command_get(c, img_buf_str(&s->command), s->command.len, err) <
		    0)
		return -1;
	if (!ts_of(s, *context))
		return malformed("a context of nobody", err);
	if (c->data && collect(s, false, l, context, &s->data, err) < 0)
		return -1;
	if (c->field != IMG_N_EVENT_RQ)
		return 0;
	s->events++;
	return answer_event(s, *context, c, err);
}

int img_scu_wait(struct img_scu *s, unsigned seconds, bool *over,
		 struct img_err *err)
{
	struct img_command c = { 0 };
	uint8_t context = 0;
	struct limit l;

	*over = false;
	if (!img_assoc_waiting(s->assoc, seconds))
		return 0;
	l = limit_of(s->opts.dimse_seconds);
	if (hear(s, &l, &c, &context, err) < 0) {
		*over = true;
		return -1;
	}
	return c.field == IMG_N_EVENT_RQ ? 1
					 : malformed("what was not asked", err);
}

static int receive(struct img_scu *s, struct img_command *c, uint8_t *context,
		   struct img_err *err)
{
	const struct limit l = limit_of(s->opts.dimse_seconds);

	for (;;) {
		if (hear(s, &l, c, context, err) < 0)
			return -1;
		if (c->field != IMG_N_EVENT_RQ)
			return 0;
	}
}

/* The answer to a request. */
int img_scu_answer(struct img_scu *s, uint8_t context,
		   const struct img_command *rq, struct img_command *rsp,
		   struct img_err *err)
{
	uint8_t from = 0;

	if (receive(s, rsp, &from, err) < 0)
		return -1;
	if (rsp->field != (rq->field | IMG_DIMSE_RSP) || from != context ||
	    rsp->message != rq->message)
		return malformed("something else than was asked", err);
	return 0;
}

/* ---- services --------------------------------------------------------- */

static int ask(struct img_scu *s, uint8_t context, struct img_command *rq,
	       const struct img_scu_data *d, uint16_t *status,
	       struct img_err *err)
{
	struct img_command rsp;

	unsigned events = s->events;

	rq->message = ++s->message;
	if (img_scu_send(s, context, rq, d, err) < 0 ||
	    img_scu_answer(s, context, rq, &rsp, err) < 0)
		return -1;
	/* PS3.7 9.1.1.1.5: where it names one, it is that of the request. */
	if (*rq->instance && *rsp.instance &&
	    strcmp(rsp.instance, rq->instance) != 0)
		return malformed("the name of another instance", err);
	/* It cannot have stored what it did not have. */
	if (s->early && s->events == events &&
	    img_answer_of(rsp.status) <= IMG_ANSWER_DUPLICATE)
		return malformed("success before it has all bytes", err);
	*status = rsp.status;
	return 0;
}

int img_scu_echo(struct img_scu *s, uint8_t context, uint16_t *status,
		 struct img_err *err)
{
	struct img_command rq = { .field = IMG_C_ECHO_RQ,
				  .sop_class = IMG_VERIFICATION };

	return ask(s, context, &rq, NULL, status, err);
}

int img_scu_store(struct img_scu *s, uint8_t context, const char *sop_class,
		  const char *instance, const struct img_scu_data *data,
		  uint16_t *status, struct img_err *err)
{
	struct img_command rq = { .field = IMG_C_STORE_RQ, .data = true };

	if (strlen(sop_class) >= sizeof(rq.sop_class) ||
	    strlen(instance) >= sizeof(rq.instance))
		return img_err_set(err, IMG_E_BUG, "a UID is too long");
	memcpy(rq.sop_class, sop_class, strlen(sop_class) + 1);
	memcpy(rq.instance, instance, strlen(instance) + 1);
	return ask(s, context, &rq, data, status, err);
}
