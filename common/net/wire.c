/* wire.c - the messages between a listener and its workers. */
#include <string.h>

#include "jail/jail.h"
#include "net/net.h"

#define TALK_MS 20000 /* for one message that has begun, or to send one */

static bool is_text(const char *s, size_t size)
{
	size_t n = strnlen(s, size);

	if (n == size)
		return false;
	for (size_t i = 0; i < n; i++)
		if (s[i] < ' ' || s[i] > '~' || s[i] == '\\')
			return false;
	return true;
}

static bool is_request(const struct img_accept_request *r)
{
	return is_text(r->calling, sizeof(r->calling)) &&
	       is_text(r->called, sizeof(r->called)) &&
	       is_text(r->implementation, sizeof(r->implementation)) &&
	       is_text(r->version, sizeof(r->version)) &&
	       is_text(r->certificate, sizeof(r->certificate));
}

static bool is_sound(const struct img_up *m)
{
	switch (m->kind) {
	case IMG_UP_REQUEST:
		return is_request(&m->u.request);
	case IMG_UP_BEGIN:
	case IMG_UP_COMMIT:
	case IMG_UP_REPORT:
		return is_text(m->u.object.sop_class, IMG_UID_MAX) &&
		       is_text(m->u.object.sop, IMG_UID_MAX) &&
		       is_text(m->u.object.ts, IMG_UID_MAX) &&
		       is_text(m->u.object.abstract, IMG_UID_MAX);
	case IMG_UP_END:
	case IMG_UP_DROP:
	case IMG_UP_OVER:
		return m->code <= IMG_E_NOMEM &&
		       is_text(m->u.text, sizeof(m->u.text));
	default:
		return false;
	}
}

int img_up_recv(int sock, struct img_up *m, int milliseconds,
		struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	memset(m, 0, sizeof(*m));
	if (img_jail_recv(sock, m, sizeof(*m), NULL, milliseconds, &why) < 0) {
		if (why.code == IMG_E_TRANSPORT)
			return 0;
		return img_err_set(err, why.code, "%s", why.text);
	}
	if (!is_sound(m))
		return img_err_set(err, IMG_E_MALFORMED,
				   "a worker says what makes no sense");
	return 1;
}

int img_up_send(int sock, const struct img_up *m, struct img_err *err)
{
	return img_jail_send(sock, m, sizeof(*m), -1, TALK_MS, err);
}

int img_down_send(int sock, const struct img_down *m, int fd,
		  struct img_err *err)
{
	return img_jail_send(sock, m, sizeof(*m), fd, TALK_MS, err);
}

int img_down_recv(int sock, struct img_down *m, int *fd, struct img_err *err)
{
	return img_jail_recv(sock, m, sizeof(*m), fd, -1, err);
}
