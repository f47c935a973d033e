/*
 * receive_door.c - connections that have no association yet.
 *
 * Until its request has come, a connection costs a descriptor and nothing else:
 * no thread, no process.  Of what it sends the type, the length and the title,
 * which stands at a fixed place (PS3.8 9.3.2), are looked at without taking
 * them off the socket; the request is read in a jail.  Here wait, too, those
 * whose turn it is not, see receive_standing.c.
 *
 * All of it belongs to the caller's thread.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "work/receive_private.h"

#define GUESTS    512
#define AT_ONCE   64
#define TICK_MS   20
#define HEAD      42 /* up to the end of the calling title */
#define TITLE     26
#define LONGEST   (128u * 1024)
#define ENOUGH    16384 /* of a request; a socket always has room for it */
#define REQUEST   0x01  /* A-ASSOCIATE-RQ */
#define LAST_PDU  0x07
#define HANDSHAKE 0x16 /* RFC 8446 5.1 */
#define TLS_HEAD  5
#define PENALTY   1.0 /* seconds until what is no request is answered */

/* PS3.8 9.3.8 */
#define UNRECOGNIZED 1
#define UNEXPECTED   2
#define INVALID      6

struct guest {
	struct guest *next;
	int sock;
	struct sockaddr_storage from;
	char address[IMG_ADDRESS_MAX], title[17];
	struct origin *origin;
	unsigned rank;      /* how many places it would make its origin's */
	double since, asks; /* when it may be given somebody's place next */
	bool whole;         /* its request is there, */
	const char *why;    /* and it is to wait */
	bool cut;           /* and will not be */
	uint8_t wrong;      /* what it sends is none: the reason */
};

struct door {
	int epoll;
	double told; /* when that there is no room was said last */
	double accept_failed, epoll_failed;
	struct guest *first, **end;
	unsigned n;
};

/* ---- coming and going ------------------------------------------------- */

/* Whoever has one IPv6 address has all those of its network. */
static struct origin *origin_of(struct img_receive *r,
				const struct sockaddr_storage *from)
{
	struct sockaddr_storage a = *from;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a;
	char name[IMG_ADDRESS_MAX];
	struct origin *o;

	if (a.ss_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		memset(six->sin6_addr.s6_addr + 8, 0, 8);
	img_address_name(&a, name);
	pthread_mutex_lock(&r->lock);
	o = receive_origin(r, name);
	pthread_mutex_unlock(&r->lock);
	return o;
}

/* Off the list; the socket is the caller's then. */
static int leave(struct door *d, struct guest *g)
{
	struct guest **at;
	int sock = g->sock;

	for (at = &d->first; *at != g; at = &(*at)->next)
		;
	*at = g->next;
	if (!*at)
		d->end = at;
	d->n--;
	g->origin->guests--;
	/* The worker's copy would keep it there. */
	epoll_ctl(d->epoll, EPOLL_CTL_DEL, sock, NULL);
	free(g);
	return sock;
}

static void note(struct img_receive *r, const struct guest *g,
		 enum img_code code, const char *what)
{
	struct img_err text = IMG_ERR_INIT;

	img_err_set(&text, code, "%s: %s", g->address, what);
	r->host.note(r->host.arg, &text);
}

static void drop(struct img_receive *r, struct guest *g, enum img_code code,
		 const char *what)
{
	note(r, g, code, what);
	close(leave(r->door, g));
}

/* From the service provider. */
static void abort_it(struct img_receive *r, struct guest *g)
{
	const uint8_t pdu[10] = { 7, 0, 0, 0, 0, 4, 0, 0, 2, g->wrong };

	note(r, g, IMG_E_MALFORMED,
	     "association request: these bytes are none");
	receive_send_off(leave(r->door, g), pdu, sizeof(pdu));
}

/* The eldest of those from where most are: a flood pushes itself out. */
static void make_room(struct img_receive *r)
{
	double now = img_time_mono();
	struct guest *g = r->door->first;

	for (struct guest *i = g; i; i = i->next)
		if (i->origin->guests > g->origin->guests)
			g = i;
	if (now - r->door->told >= 1) {
		note(r, g, IMG_E_REFUSED, "refused: too many connections wait");
		r->door->told = now;
	}
	close(leave(r->door, g));
}

/* ---- what has come of the request ------------------------------------- */

/* How many bytes of it are to be there; 0: not to be told yet. */
static size_t wanted(const struct img_receive *r, struct guest *g,
		     const uint8_t *p, size_t n)
{
	size_t length;

	if (r->opts.serve.tls) {
		if (*p != HANDSHAKE) /* OpenSSL says what it is */
			return n;
		return n < TLS_HEAD ? 0 : TLS_HEAD + ((size_t)p[3] << 8 | p[4]);
	}
	if (*p != REQUEST)
		g->wrong = *p && *p <= LAST_PDU ? UNEXPECTED : UNRECOGNIZED;
	if (n < 6)
		return 0;
	length = (size_t)p[2] << 24 | (size_t)p[3] << 16 | (size_t)p[4] << 8 |
		 p[5];
	if (length > LONGEST)
		g->wrong = INVALID;
	if (length + 6 < HEAD)
		return length + 6;
	return n < HEAD ? 0 : length + 6;
}

/* Printable and without blanks around it, as the jail will say it. */
static void copy_title(struct guest *g, const uint8_t *p)
{
	size_t n = 16;

	while (n && (p[n - 1] == ' ' || !p[n - 1]))
		n--;
	while (n && *p == ' ') {
		p++;
		n--;
	}
	for (size_t i = 0; i < n; i++)
		g->title[i] = p[i] >= ' ' && p[i] < 127 && p[i] != '\\'
				      ? (char)p[i]
				      : '?';
	g->title[n] = '\0';
}

static void look(struct img_receive *r, struct guest *g, uint32_t events)
{
	uint8_t head[HEAD];
	ssize_t n = recv(g->sock, head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);
	size_t want = n > 0 ? wanted(r, g, head, (size_t)n) : 0;
	int have = 0;

	if (g->wrong || g->whole)
		return; /* until its time has come */
	if (want > ENOUGH)
		want = ENOUGH;
	if (want && ioctl(g->sock, FIONREAD, &have) == 0 &&
	    (size_t)have >= want) {
		g->whole = true;
		if (!r->opts.serve.tls && n == HEAD)
			copy_title(g, head + TITLE);
	} else if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) ||
		   events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		g->cut = true;
	}
}

/* ---- whose turn it is ------------------------------------------------- */

/* Whether it is let in, and no guest any more. */
static bool knock(struct img_receive *r, struct guest *g, bool also_blamed)
{
	const struct guest was = *g;
	struct coming c = { .from = &was.from,
			    .origin = was.origin,
			    .title = was.title,
			    .rank = was.rank };
	double now = img_time_mono(), wait;
	bool blamed;

	pthread_mutex_lock(&r->lock);
	g->why = receive_not_yet(r, &c);
	blamed = receive_is_blamed(c.standing, g->title);
	if (g->why && now >= g->asks && (wait = receive_make_way(r, &c)) > 0)
		g->asks = now + wait;
	pthread_mutex_unlock(&r->lock);
	if (g->why || (blamed && !also_blamed))
		return false;
	c.sock = leave(r->door, g);
	receive_admit(r, &c);
	return true;
}

static int by_rank(const void *a, const void *b)
{
	const struct guest *x = *(struct guest *const *)a;
	const struct guest *y = *(struct guest *const *)b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->since > y->since) - (x->since < y->since);
}

/* Those whose request is there: first who has fewest places. */
static size_t line_up(struct img_receive *r, struct guest *line[GUESTS])
{
	struct guest *g;
	size_t n = 0;

	pthread_mutex_lock(&r->lock);
	receive_ask_anew(r);
	for (g = r->door->first; g; g = g->next) {
		if (!g->whole)
			continue;
		g->rank = g->origin->held + g->origin->asking++;
		line[n++] = g;
	}
	receive_share(r);
	pthread_mutex_unlock(&r->lock);
	qsort(line, n, sizeof(*line), by_rank);
	return n;
}

static void expire(struct img_receive *r, struct guest *g)
{
	if (g->wrong) {
		abort_it(r, g);
	} else if (g->cut) {
		drop(r, g, IMG_E_TRANSPORT,
		     "association request: the peer closed the connection");
	} else if (g->whole) {
		receive_put_off(r, g->address, g->why);
		receive_turn_away(r, leave(r->door, g), 2, 3, 2);
	} else {
		drop(r, g, IMG_E_LIMIT, "association request: time is over");
	}
}

static bool is_late(const struct img_receive *r, const struct guest *g,
		    double now)
{
	double most = r->opts.serve.request_seconds;

	if (g->wrong || g->cut)
		most = r->opts.max_bad ? PENALTY : 0;
	return now - g->since >= most;
}

/* A title that is not to blame for the waiting goes first. */
void receive_door_turn(struct img_receive *r)
{
	struct guest *line[GUESTS], *g, *next;
	double now = img_time_mono();
	size_t n;

	if (!r->door->first)
		return;
	n = line_up(r, line);
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < n; i++)
			if (line[i] && knock(r, line[i], round > 0))
				line[i] = NULL;
	for (g = r->door->first; g; g = next) {
		next = g->next;
		if (is_late(r, g, now))
			expire(r, g);
	}
}

/* ---- the door --------------------------------------------------------- */

static void greet(struct img_receive *r, int sock,
		  const struct sockaddr_storage *from)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET };
	struct door *d = r->door;
	struct guest *g;

	if (!receive_may_knock(r, sock, from))
		return;
	if (d->n >= GUESTS)
		make_room(r);
	g = calloc(1, sizeof(*g));
	e.data.ptr = g;
	if (!g || !(g->origin = origin_of(r, from)) ||
	    epoll_ctl(d->epoll, EPOLL_CTL_ADD, sock, &e) < 0) {
		free(g);
		receive_turn_away(r, sock, 2, 3, 1);
		return;
	}
	g->origin->guests++;
	g->sock = sock;
	g->from = *from;
	g->since = img_time_mono();
	img_address_name(from, g->address);
	*d->end = g;
	d->end = &g->next;
	d->n++;
	look(r, g, 0);
}

static void cannot_accept(struct img_receive *r)
{
	struct door *d = r->door;
	int e = errno;

	if (d->first && (e == EMFILE || e == ENFILE || e == ENOMEM))
		make_room(r);
	errno = e;
	receive_ails(r, &d->accept_failed, "accepting a connection");
}

void receive_door_accept(struct img_receive *r, int fd)
{
	for (int i = 0; i < AT_ONCE; i++) {
		struct sockaddr_storage from;
		socklen_t n = sizeof(from);
		int sock;

		memset(&from, 0, sizeof(from));
		sock = accept4(fd, (struct sockaddr *)&from, &n, SOCK_CLOEXEC);
		if (sock >= 0) {
			greet(r, sock, &from);
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			cannot_accept(r);
		return;
	}
}

void receive_door_hear(struct img_receive *r)
{
	struct epoll_event e[AT_ONCE];
	int n = epoll_wait(r->door->epoll, e, AT_ONCE, 0);

	if (n < 0 && errno != EINTR)
		receive_ails(r, &r->door->epoll_failed, "waiting for requests");
	for (int i = 0; i < n; i++)
		look(r, e[i].data.ptr, e[i].events);
}

int receive_door_fd(const struct img_receive *r)
{
	return r->door->epoll;
}

int receive_door_patience(const struct img_receive *r, int most)
{
	return r->door->first ? TICK_MS : most;
}

int receive_door_open(struct img_receive *r, struct img_err *err)
{
	struct door *d = calloc(1, sizeof(*d));

	if (!d)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	d->end = &d->first;
	d->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (d->epoll < 0) {
		free(d);
		return img_err_sys(err, "epoll");
	}
	r->door = d;
	return 0;
}

void receive_door_close(struct img_receive *r)
{
	if (!r->door)
		return;
	while (r->door->first)
		receive_turn_away(r, leave(r->door, r->door->first), 2, 3, 1);
	close(r->door->epoll);
	free(r->door);
	r->door = NULL;
}
