/* serve.c - the jailed half of a listener: one association, PS3.7 and 3.8. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jail/jail.h"
#include "net/server.h"

#define GO_MS    100 /* for a peer that will not wait for a report */
#define DATA_MAX ((size_t)32 << 20) /* of a data set that is no object */

/* ---- talking to the listener ------------------------------------------ */

/* The listener takes nothing else: what a peer calls its object otherwise is
   no UID of any. */
void img_serve_text(char *out, size_t size, const char *in)
{
	size_t n = strnlen(in, size - 1);

	for (size_t i = 0; i < n; i++)
		out[i] = in[i] < ' ' || in[i] > '~' || in[i] == '\\' ? '?'
								     : in[i];
	out[n] = '\0';
}

static int say(struct server *s, uint32_t kind, uint32_t code, const char *text,
	       struct img_err *err)
{
	struct img_up m = { .kind = kind, .code = code, .bytes = s->echoes };

	img_serve_text(m.u.text, sizeof(m.u.text), text);
	return img_up_send(s->sock, &m, err);
}

int img_serve_hear(struct server *s, uint32_t kind, struct img_down *m, int *fd,
		   struct img_err *err)
{
	for (;;) {
		if (img_down_recv(s->sock, m, fd, err) < 0)
			return -1;
		if (m->kind == kind ||
		    (kind == IMG_DOWN_GRANT && m->kind == IMG_DOWN_REJECT))
			return 0;
		if (m->kind != IMG_DOWN_STOP)
			return img_err_set(err, IMG_E_BUG,
					   "listener out of step");
		s->stopping = true;
	}
}

/* ---- answering the peer ----------------------------------------------- */

/* P-DATA-TF PDUs of one fragment each (PS3.8 9.3.5). */
static int add_pdus(struct server *s, const struct img_buf *in, bool command,
		    struct img_buf *out, struct img_err *err)
{
	size_t most = img_accept_max_pdu(s->peer), at = 0;

	most = most < 128 ? 122 : most - 6;
	while (at < in->len) {
		size_t n = in->len - at < most ? in->len - at : most;
		uint32_t item = (uint32_t)n + 2, all = item + 4;
		uint8_t head[12] = { 4, 0 };

		for (int i = 0; i < 4; i++) {
			head[2 + i] = (uint8_t)(all >> (24 - 8 * i));
			head[6 + i] = (uint8_t)(item >> (24 - 8 * i));
		}
		head[10] = s->context;
		head[11] = (uint8_t)(command | (at + n == in->len) << 1);
		if (img_buf_add(out, head, sizeof(head), err) < 0 ||
		    img_buf_add(out, in->data + at, n, err) < 0)
			return -1;
		at += n;
	}
	return 0;
}

int img_serve_send(struct server *s, const struct img_command *c,
		   const struct img_buf *data, struct img_err *err)
{
	struct img_buf set, pdus;
	int rc = -1;

	img_buf_init(&set, IMG_COMMAND_MAX);
	img_buf_init(&pdus, 2 * DATA_MAX);
	if (img_command_put(c, &set, err) == 0 &&
	    add_pdus(s, &set, true, &pdus, err) == 0 &&
	    (!data || add_pdus(s, data, false, &pdus, err) == 0))
		rc = img_accept_write(s->peer, pdus.data, pdus.len, err);
	img_buf_release(&set);
	img_buf_release(&pdus);
	return rc;
}

int img_serve_answer(struct server *s, uint16_t status, const char *comment,
		     struct img_err *err)
{
	struct img_command c = { .field = s->command.field | IMG_DIMSE_RSP,
				 .message = s->command.message,
				 .status = status,
				 .type = s->command.type };

	memcpy(c.sop_class, s->command.sop_class, sizeof(c.sop_class));
	memcpy(c.instance, s->command.instance, sizeof(c.instance));
	snprintf(c.comment, sizeof(c.comment), "%s", comment);
	return img_serve_send(s, &c, NULL, err);
}

/* ---- reading fragments ------------------------------------------------ */

/* A whole command set; 0 the peer released. */
static int read_command(struct server *s, struct img_err *err)
{
	struct img_assoc_pdv pdv;
	const char *abstract, *ts;
	int rc;

	img_buf_reset(&s->bytes);
	img_accept_expect(s->peer, IMG_EXPECT_COMMAND);
	for (bool first = true;; first = false) {
		rc = img_accept_read(s->peer, &pdv, err);
		if (rc <= 0)
			return rc;
		if (!pdv.command || (!first && pdv.context != s->context))
			return img_err_set(err, IMG_E_MALFORMED,
					   "no command where one belongs");
		s->context = pdv.context;
		if (img_buf_add(&s->bytes, pdv.p, pdv.n, err) < 0)
			return -1;
		if (pdv.last)
			break;
	}
	if (!img_accept_context(s->peer, s->context, &abstract, &ts))
		return img_err_set(err, IMG_E_MALFORMED,
				   "a presentation context that was not "
				   "accepted");
	if (!s->bytes.len)
		return img_err_set(err, IMG_E_MALFORMED, "an empty command");
	return img_command_get(&s->command, img_buf_str(&s->bytes),
			       s->bytes.len, err) < 0
		       ? -1
		       : 1;
}

/* The data set of the command: each part to take. */
static int read_data(struct server *s,
		     int (*take)(struct server *s, const uint8_t *p, size_t n,
				 struct img_err *err),
		     struct img_err *err)
{
	struct img_assoc_pdv pdv;

	img_accept_expect(s->peer, IMG_EXPECT_DATA);
	do {
		int rc = img_accept_read(s->peer, &pdv, err);

		if (rc < 0)
			return -1;
		if (rc == 0 || pdv.command || pdv.context != s->context)
			return img_err_set(err, IMG_E_MALFORMED,
					   "a data set is broken off");
		if (take(s, pdv.p, pdv.n, err) < 0)
			return -1;
	} while (!pdv.last);
	return 0;
}

static int drain(struct server *s, const uint8_t *p, size_t n,
		 struct img_err *err)
{
	(void)s, (void)p, (void)n, (void)err;
	return 0;
}

static int gather(struct server *s, const uint8_t *p, size_t n,
		  struct img_err *err)
{
	return img_buf_add(&s->data, p, n, err);
}

int img_serve_data(struct server *s, struct img_err *err)
{
	img_buf_reset(&s->data);
	return s->command.data ? read_data(s, gather, err) : 0;
}

/* ---- objects ---------------------------------------------------------- */

/* What cannot be written is read on and told at the end: the peer is to get
   its answer, not a broken connection. */
static int keep(struct server *s, const uint8_t *p, size_t n,
		struct img_err *err)
{
	if (n > s->opts->max_object - s->written)
		return img_err_set(err, IMG_E_LIMIT,
				   "object of more than %llu bytes",
				   (unsigned long long)s->opts->max_object);
	s->written += n;
	if (s->fd < 0 || s->failed)
		return 0;
	img_bulk_add(&s->digest, p, n);
	if (img_write_full(s->fd, p, n) < 0)
		s->failed = IMG_E_IO;
	return 0;
}

static int keep_meta(void *arg, const void *p, size_t n, struct img_err *err)
{
	return keep(arg, p, n, err);
}

/* Part 10 file meta information that is the same for the same object whoever
   sends it, so that its digest is, too. */
static int write_meta(struct server *s, const char *ts, struct img_err *err)
{
	const struct img_dicom_sink sink = { keep_meta, s };
	struct img_dicom_writer *w = img_dicom_writer_new(&sink, err);
	int rc;

	if (!w)
		return -1;
	rc = img_dicom_put_meta(w, s->command.sop_class, s->command.instance,
				ts, err);
	if (rc == 0)
		rc = img_dicom_finish(w, err);
	img_dicom_writer_free(w);
	return rc;
}

static int begin(struct server *s, const char *abstract, const char *ts,
		 struct img_down *m, struct img_err *err)
{
	struct img_up up = { .kind = IMG_UP_BEGIN };

	img_serve_text(up.u.object.sop_class, IMG_UID_MAX,
		       s->command.sop_class);
	img_serve_text(up.u.object.sop, IMG_UID_MAX, s->command.instance);
	img_serve_text(up.u.object.ts, IMG_UID_MAX, ts);
	img_serve_text(up.u.object.abstract, IMG_UID_MAX, abstract);
	if (img_up_send(s->sock, &up, err) < 0)
		return -1;
	s->fd = s->spare;
	s->spare = -1;
	if (s->fd < 0 && img_serve_hear(s, IMG_DOWN_FILE, m, &s->fd, err) < 0)
		return -1;
	s->written = 0;
	s->failed = IMG_OK;
	img_bulk_drop(&s->digest);
	img_bulk_init(&s->digest);
	return s->fd < 0 ? 0 : write_meta(s, ts, err);
}

/* Closes the file and asks what has become of the object. */
static int end(struct server *s, struct img_down *m, struct img_err *err)
{
	struct img_up up = { .kind = IMG_UP_END, .bytes = s->written };

	if (close(s->fd) < 0)
		s->failed = IMG_E_IO;
	s->fd = -1;
	up.code = s->failed;
	img_bulk_end(&s->digest, up.digest);
	if (img_up_send(s->sock, &up, err) < 0)
		return -1;
	return img_serve_hear(s, IMG_DOWN_VERDICT, m, &s->spare, err);
}

static int store(struct server *s, struct img_err *err)
{
	const char *abstract, *ts;
	struct img_down m;

	if (!s->command.data || !*s->command.instance)
		return img_err_set(err, IMG_E_MALFORMED, "a C-STORE without %s",
				   s->command.data ? "an instance"
						   : "a data set");
	img_accept_context(s->peer, s->context, &abstract, &ts);
	if (begin(s, abstract, ts, &m, err) < 0)
		return -1;
	if (read_data(s, keep, err) < 0) {
		struct img_err ignored = IMG_ERR_INIT;

		if (s->fd >= 0) {
			close(s->fd);
			s->fd = -1;
			(void)say(s, IMG_UP_DROP, err->code, err->text,
				  &ignored);
		}
		return -1;
	}
	if (s->fd < 0)
		return img_serve_answer(s, m.status, m.comment, err);
	if (end(s, &m, err) < 0)
		return -1;
	return img_serve_answer(s, m.status, m.comment, err);
}

/* ---- the association -------------------------------------------------- */

/* Answers one command; 0 the peer released. */
static int serve_one(struct server *s, struct img_err *err)
{
	int rc = read_command(s, err);

	if (rc <= 0)
		return rc;
	switch (s->command.field) {
	case IMG_C_ECHO_RQ:
		rc = s->command.data ? read_data(s, drain, err) : 0;
		if (rc == 0)
			rc = img_serve_answer(s, SERVE_SUCCESS, "", err);
		s->echoes += rc == 0;
		break;
	case IMG_C_STORE_RQ:
		rc = store(s, err);
		break;
	case IMG_N_ACTION_RQ:
		rc = img_serve_commit(s, err);
		break;
	case IMG_N_EVENT_RQ | IMG_DIMSE_RSP: /* to our report; or not */
		rc = s->command.data ? read_data(s, drain, err) : 0;
		if (rc == 0)
			rc = img_serve_reported(s, err);
		break;
	case IMG_C_CANCEL_RQ: /* of nothing that is in hand */
		rc = 0;
		break;
	default:
		if (s->command.field & IMG_DIMSE_RSP)
			return img_err_set(err, IMG_E_MALFORMED,
					   "an answer to nothing");
		rc = s->command.data ? read_data(s, drain, err) : 0;
		if (rc == 0)
			rc = img_serve_answer(s, SERVE_UNKNOWN, "", err);
	}
	return rc < 0 ? -1 : 1;
}

/* A peer that goes at once gets its report later, on an association of ours;
   one that asks for more at once gets it before that is answered. */
static int next_step(struct server *s, struct img_err *err)
{
	if (s->owes && !img_accept_waiting(s->peer, GO_MS))
		return img_serve_report(s, err) < 0 ? -1 : 1;
	return serve_one(s, err);
}

static bool is_uid(const char *s)
{
	return *s && !s[strspn(s, "0123456789.")];
}

/* PS3.4 B.3: any transfer syntax will do, since data sets are kept as they
   come; what is proposed first is taken to be the sender's own. */
static int choose(void *arg, const char *abstract, const char *const *ts,
		  size_t n)
{
	(void)arg;
	if (!n)
		return -2;
	if (strcmp(abstract, IMG_VERIFICATION) != 0 &&
	    strcmp(abstract, IMG_COMMITMENT) != 0)
		return !img_net_stores(abstract) ? -1 : is_uid(ts[0]) ? 0 : -2;
	for (size_t i = 0; i < n; i++)
		if (strcmp(ts[i], "1.2.840.10008.1.2") == 0 ||
		    strcmp(ts[i], "1.2.840.10008.1.2.1") == 0)
			return (int)i;
	return -2;
}

/* 1 the association stands, 0 it was refused. */
static int negotiate(struct server *s, int peer, struct img_err *err)
{
	const struct img_accept_opts o = { s->opts->request_seconds,
					   s->opts->idle_seconds,
					   s->opts->io_seconds,
					   s->opts->max_pdu,
					   s->sock,
					   s->opts->tls };
	struct img_up up = { .kind = IMG_UP_REQUEST };
	struct img_down m;
	int rc = img_accept_receive(&s->peer, peer, &o, &up.u.request, err);

	if (rc == 0)
		rc = img_up_send(s->sock, &up, err);
	explicit_bzero(&up, sizeof(up)); /* a passcode */
	if (rc < 0 || img_serve_hear(s, IMG_DOWN_GRANT, &m, NULL, err) < 0)
		return -1;
	if (m.kind == IMG_DOWN_REJECT) {
		img_accept_reject(s->peer, m.result, m.source, m.reason);
		return 0;
	}
	return img_accept_grant(s->peer, choose, NULL, m.confirm, err) < 0 ? -1
									   : 1;
}

static int serve(struct server *s, struct img_err *err)
{
	struct img_down m;
	int peer, rc;

	if (img_down_recv(s->sock, &m, &peer, err) < 0)
		return -1;
	if (m.kind != IMG_DOWN_START || peer < 0)
		return img_err_set(err, IMG_E_BUG, "listener out of step");
	rc = negotiate(s, peer, err);
	while (rc > 0) {
		if (s->stopping)
			return img_err_set(err, IMG_E_BUSY, "stopped");
		rc = next_step(s, err);
	}
	return rc;
}

int img_serve(int sock, void *arg)
{
	struct server s = { .opts = arg, .sock = sock, .fd = -1, .spare = -1 };
	struct img_err err = IMG_ERR_INIT, ignored = IMG_ERR_INIT;
	int rc;

	img_buf_init(&s.bytes, IMG_COMMAND_MAX);
	img_buf_init(&s.data, DATA_MAX);
	rc = serve(&s, &err);
	img_accept_close(s.peer);
	if (s.fd >= 0)
		close(s.fd);
	if (s.spare >= 0)
		close(s.spare);
	img_buf_release(&s.bytes);
	img_buf_release(&s.data);
	img_bulk_drop(&s.digest);
	img_commitment_release(&s.owed);
	(void)say(&s, IMG_UP_OVER, rc < 0 ? err.code : 0,
		  rc < 0 ? err.text : "", &ignored);
	return 0;
}
