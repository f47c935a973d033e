/* commit.c - storage commitment, asked of us (PS3.4 J.3). */
#include <string.h>

#include "net/server.h"

#define NO_SUCH_ACTION 0x0123
#define NO_SUCH_OBJECT 0x0112
#define BAD_ARGUMENT   0x0115

static int ask_one(struct server *s, const struct img_commitment_ref *r,
		   uint32_t code, struct img_err *err)
{
	struct img_up up = { .kind = IMG_UP_COMMIT, .code = code };

	img_serve_text(up.u.object.sop_class, IMG_UID_MAX, r->sop_class);
	img_serve_text(up.u.object.sop, IMG_UID_MAX, r->sop);
	return img_up_send(s->sock, &up, err);
}

/* Each instance is the listener's to judge. */
static int ask_all(struct server *s, struct img_commitment *c,
		   struct img_err *err)
{
	for (size_t i = 0; i < c->n; i++) {
		struct img_down m;

		if (!*c->ref[i].sop) {
			c->ref[i].reason = NO_SUCH_OBJECT;
			continue;
		}
		if (ask_one(s, &c->ref[i], 0, err) < 0 ||
		    img_serve_hear(s, IMG_DOWN_COMMIT, &m, NULL, err) < 0)
			return -1;
		c->ref[i].reason = m.status;
	}
	return 0;
}

/* PS3.4 J.3.3: 1 all is safe, 2 something is not. */
int img_serve_report(struct server *s, struct img_err *err)
{
	const struct img_commitment *c = &s->owed;
	struct img_command e = { .field = IMG_N_EVENT_RQ,
				 .message = ++s->message,
				 .data = true,
				 .type = 1,
				 .sop_class = IMG_COMMITMENT,
				 .instance = IMG_COMMITMENT_INSTANCE };
	const char *abstract, *ts;
	int rc;

	for (size_t i = 0; i < c->n; i++)
		if (c->ref[i].reason)
			e.type = 2;
	s->context = s->owed_context;
	img_accept_context(s->peer, s->context, &abstract, &ts);
	img_buf_reset(&s->data);
	rc = img_commitment_write(c, ts, &s->data, err);
	if (rc == 0)
		rc = img_serve_send(s, &e, &s->data, err);
	s->owes = false;
	s->reported = true;
	s->reported_by = e.message;
	memcpy(s->reported_of, c->transaction, IMG_UID_MAX);
	return rc;
}

static int tell(struct server *s, uint32_t code, const char *transaction,
		struct img_err *err)
{
	struct img_up up = { .kind = IMG_UP_REPORT, .code = code };

	memcpy(up.u.object.sop, transaction, IMG_UID_MAX);
	return img_up_send(s->sock, &up, err);
}

int img_serve_reported(struct server *s, struct img_err *err)
{
	if (!s->reported || s->command.message != s->reported_by ||
	    s->command.status != 0)
		return 0;
	s->reported = false;
	return tell(s, 1, s->reported_of, err);
}

/* What is asked for is known to the listener before that is answered, so that
   it can be told even if nothing of this process is left. */
static int announce(struct server *s, uint16_t *status, struct img_err *err)
{
	const struct img_commitment *c = &s->owed;
	struct img_down m;

	for (size_t i = 0; i < c->n; i++)
		if (*c->ref[i].sop && ask_one(s, &c->ref[i], 1, err) < 0)
			return -1;
	if (tell(s, 2, c->transaction, err) < 0 ||
	    img_serve_hear(s, IMG_DOWN_COMMIT, &m, NULL, err) < 0)
		return -1;
	*status = m.status;
	return 0;
}

/* What it asks for is in s->owed. */
static int promise(struct server *s, struct img_err *err)
{
	uint16_t status;

	if (announce(s, &status, err) < 0)
		return -1;
	if (status != SERVE_SUCCESS)
		return img_serve_answer(s, status, "cannot be promised now",
					err);
	if (img_serve_answer(s, SERVE_SUCCESS, "", err) < 0 ||
	    ask_all(s, &s->owed, err) < 0 ||
	    tell(s, 0, s->owed.transaction, err) < 0)
		return -1;
	s->owed_context = s->context;
	s->owes = true;
	return 0;
}

int img_serve_commit(struct server *s, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	uint8_t context = s->context;
	const char *abstract, *ts;

	if (s->owes && img_serve_report(s, err) < 0)
		return -1;
	s->context = context;
	if (img_serve_data(s, err) < 0)
		return -1;
	img_accept_context(s->peer, s->context, &abstract, &ts);
	if (strcmp(abstract, IMG_COMMITMENT) != 0)
		return img_serve_answer(s, SERVE_UNKNOWN, "", err);
	if (s->command.type != 1)
		return img_serve_answer(s, NO_SUCH_ACTION, "", err);
	img_commitment_release(&s->owed);
	memset(&s->owed, 0, sizeof(s->owed));
	s->owes = false;
	if (img_commitment_read(&s->owed, ts, img_buf_str(&s->data),
				s->data.len, &why) < 0)
		return img_serve_answer(s, BAD_ARGUMENT,
					"data set cannot be read", err);
	/* The answer says that it was understood, the report what is so. */
	return promise(s, err);
}
