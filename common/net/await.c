/* await.c - reports of storage commitment that come on an association of the
 * peer's (PS3.4 J.3.3). */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/inside.h"

#define SECONDS  10
#define DATA_MAX (16u * 1024 * 1024)

struct img_await {
	int fd, stop[2];
	struct addrinfo *from; /* who may report */
	uint16_t (*event)(void *arg, const struct img_command *c,
			  const char *ts, const void *data, size_t n);
	void *arg;
	pthread_t thread;
	bool running;
};

/* Verification is what peers try first. */
static int choose(void *arg, const char *abstract, const char *const *ts,
		  size_t n)
{
	(void)arg;
	if (strcmp(abstract, IMG_COMMITMENT) != 0 &&
	    strcmp(abstract, IMG_VERIFICATION) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (strcmp(ts[i], "1.2.840.10008.1.2") == 0 ||
		    strcmp(ts[i], "1.2.840.10008.1.2.1") == 0)
			return (int)i;
	return -2;
}

static int collect(struct img_accept *a, bool command, uint8_t *context,
		   struct img_buf *out, struct img_err *err)
{
	struct img_assoc_pdv pdv = { 0 };

	img_buf_reset(out);
	do {
		int rc = img_accept_read(a, &pdv, err);

		if (rc <= 0)
			return rc;
		if (pdv.command != command || (pdv.n == 0 && !pdv.last))
			return img_err_set(err, IMG_E_MALFORMED, "fragments");
		*context = pdv.context;
		if (img_buf_add(out, pdv.p, pdv.n, err) < 0)
			return -1;
		img_accept_expect(a, IMG_EXPECT_REST);
	} while (!pdv.last);
	return 1;
}

static int reply(struct img_accept *a, uint8_t context,
		 const struct img_command *rq, uint16_t status,
		 struct img_err *err)
{
	struct img_command rsp = { .field = rq->field | IMG_DIMSE_RSP,
				   .message = rq->message,
				   .status = status,
				   .type = rq->type };
	uint8_t head[PDU_HEAD + PDV_HEAD] = { 0x04 };
	struct img_buf b;
	int rc = -1;

	memcpy(rsp.sop_class, rq->sop_class, sizeof(rsp.sop_class));
	memcpy(rsp.instance, rq->instance, sizeof(rsp.instance));
	img_buf_init(&b, IMG_COMMAND_MAX);
	if (img_buf_add(&b, head, sizeof(head), err) == 0 &&
	    img_command_put(&rsp, &b, err) == 0) {
		size_t n = b.len - PDU_HEAD;

		/* Far below 64 KiB (PS3.8 9.3.5). */
		b.data[4] = (char)(n >> 8);
		b.data[5] = (char)n;
		b.data[8] = (char)((n - 4) >> 8);
		b.data[9] = (char)(n - 4);
		b.data[10] = (char)context;
		b.data[11] = 3;
		rc = img_accept_write(a, b.data, b.len, err);
	}
	img_buf_release(&b);
	return rc;
}

static int one_message(struct img_await *w, struct img_accept *a,
		       struct img_buf *set, struct img_buf *data,
		       struct img_err *err)
{
	const char *abstract = NULL, *ts = NULL;
	struct img_command c;
	uint16_t status = 0x0211;
	uint8_t context = 0;
	int rc;

	img_accept_expect(a, IMG_EXPECT_COMMAND);
	rc = collect(a, true, &context, set, err);
	if (rc <= 0)
		return rc;
	if (img_command_get(&c, img_buf_str(set), set->len, err) < 0)
		return -1;
	img_buf_reset(data);
	if (c.data && collect(a, false, &context, data, err) <= 0)
		return -1;
	if (!img_accept_context(a, context, &abstract, &ts))
		return -1;
	if (c.field == IMG_N_EVENT_RQ)
		status = w->event(w->arg, &c, ts, data->data, data->len);
	else if (c.field == IMG_C_ECHO_RQ)
		status = 0;
	return reply(a, context, &c, status, err) < 0 ? -1 : 1;
}

static void serve(struct img_await *w, int sock)
{
	const struct img_accept_opts o = { .request_seconds = SECONDS,
					   .idle_seconds = SECONDS,
					   .io_seconds = SECONDS,
					   .max_pdu = 65536,
					   .stop = w->stop[0] };
	struct img_accept_request *rq = calloc(1, sizeof(*rq));
	struct img_err err = IMG_ERR_INIT;
	struct img_accept *a = NULL;
	struct img_buf set, data;

	img_buf_init(&set, IMG_COMMAND_MAX);
	img_buf_init(&data, DATA_MAX);
	if (!rq)
		close(sock);
	else if (img_accept_receive(&a, sock, &o, rq, &err) == 0 &&
		 img_accept_grant(a, choose, NULL, false, &err) == 0)
		while (one_message(w, a, &set, &data, &err) > 0)
			continue;
	if (a)
		img_accept_close(a);
	img_buf_release(&set);
	img_buf_release(&data);
	if (rq)
		explicit_bzero(rq, sizeof(*rq)); /* a passcode */
	free(rq);
}

/* IPv4 as ::ffff:a.b.c.d, as it comes to a socket of both. */
static void number_of(uint8_t out[16], const struct sockaddr *a)
{
	const void *any = a;

	memset(out, 0, 16);
	if (a->sa_family == AF_INET6) {
		const struct sockaddr_in6 *six = any;

		memcpy(out, &six->sin6_addr, 16);
	} else if (a->sa_family == AF_INET) {
		const struct sockaddr_in *four = any;

		out[10] = out[11] = 0xff;
		memcpy(out + 12, &four->sin_addr, 4);
	}
}

static bool is_peer(const struct img_await *w, const struct sockaddr *a)
{
	uint8_t its[16], ours[16];

	number_of(its, a);
	for (const struct addrinfo *i = w->from; i; i = i->ai_next) {
		number_of(ours, i->ai_addr);
		if (memcmp(its, ours, sizeof(its)) == 0)
			return true;
	}
	return false;
}

static void *listen_on(void *arg)
{
	struct img_await *w = arg;
	struct pollfd p[2] = { { .fd = w->fd, .events = POLLIN },
			       { .fd = w->stop[0], .events = POLLIN } };

	for (;;) {
		struct sockaddr_storage from = { 0 };
		socklen_t n = sizeof(from);
		int sock;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents)
			break;
		sock = accept4(w->fd, (struct sockaddr *)&from, &n,
			       SOCK_CLOEXEC);
		if (sock < 0) {
			/* Without a descriptor for it, it stays in line: no
			   turning round and round meanwhile. */
			if (errno != EAGAIN && errno != EINTR &&
			    errno != ECONNABORTED)
				(void)poll(&p[1], 1, 100);
			continue;
		}
		/* Nobody else's bytes are looked at. */
		if (is_peer(w, (struct sockaddr *)&from))
			serve(w, sock);
		else
			close(sock);
	}
	return NULL;
}

static int bind_to(struct img_await *w, uint16_t port, struct img_err *err)
{
	const struct sockaddr_in four = { .sin_family = AF_INET,
					  .sin_port = htons(port) };
	const struct sockaddr_in6 six = { .sin6_family = AF_INET6,
					  .sin6_port = htons(port) };
	int on = 1, off = 0, type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
	bool both = true;

	w->fd = socket(AF_INET6, type, 0);
	if (w->fd < 0) { /* there is none on this machine */
		both = false;
		w->fd = socket(AF_INET, type, 0);
	}
	if (w->fd < 0)
		return img_err_sys(err, "port %u", (unsigned)port);
	setsockopt(w->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (both)
		setsockopt(w->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(w->fd,
		 both ? (const struct sockaddr *)&six
		      : (const struct sockaddr *)&four,
		 both ? sizeof(six) : sizeof(four)) < 0 ||
	    listen(w->fd, 16) < 0)
		return img_err_sys(err, "port %u", (unsigned)port);
	return 0;
}

int img_await_open(struct img_await **out, const struct img_peer *peer,
		   uint16_t port, unsigned seconds,
		   uint16_t (*event)(void *arg, const struct img_command *c,
				     const char *ts, const void *data,
				     size_t n),
		   void *arg, struct img_err *err)
{
	struct img_await *w = calloc(1, sizeof(*w));

	*out = NULL;
	if (!w)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	w->fd = w->stop[0] = w->stop[1] = -1;
	w->event = event;
	w->arg = arg;
	if (img_lookup(peer->host, "0", img_time_mono() + seconds, &w->from,
		       err) < 0 ||
	    bind_to(w, port, err) < 0 || img_accept_prepare(err) < 0)
		goto fail;
	if (pipe2(w->stop, O_CLOEXEC) < 0) {
		img_err_sys(err, "pipe");
		goto fail;
	}
	if (pthread_create(&w->thread, NULL, listen_on, w) != 0) {
		img_err_set(err, IMG_E_NOMEM, "no more threads");
		goto fail;
	}
	w->running = true;
	*out = w;
	return 0;
fail:
	img_await_close(w);
	return -1;
}

void img_await_close(struct img_await *w)
{
	if (!w)
		return;
	if (w->running) {
		(void)!write(w->stop[1], "", 1);
		pthread_join(w->thread, NULL);
	}
	if (w->fd >= 0)
		close(w->fd);
	if (w->stop[0] >= 0)
		close(w->stop[0]);
	if (w->stop[1] >= 0)
		close(w->stop[1]);
	if (w->from)
		freeaddrinfo(w->from);
	free(w);
}
