/* receive.c - a listener: who is let in, and when it ends. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "work/receive_private.h"

#define STACK   (256 * 1024)
#define TICK_MS 500
#define NAP_US  20000
#define QUIET   60.0 /* seconds until the same is said again */

#define WAITING "waiting for connections"

/* RFC 8446 6.2 */
#define ACCESS_DENIED  49
#define INTERNAL_ERROR 80

/* ---- associations ----------------------------------------------------- */

static void assoc_free(struct assoc *s)
{
	if (s->sock >= 0)
		close(s->sock);
	img_catalog_close(s->catalog);
	img_dicom_reader_free(s->x.reader);
	img_buf_release(&s->x.text);
	arena_release(&s->chunk.arena);
	pthread_cond_destroy(&s->woken);
	img_commitment_release(&s->owed.c);
	free(s);
}

static void *run(void *arg)
{
	struct assoc *s = arg, **at;
	struct img_receive *r = s->r;
	struct origin *origin = s->origin;
	bool gave_way;

	receive_assoc(s);
	pthread_mutex_lock(&r->lock);
	receive_standing_end(s);
	for (at = &r->running; *at != s; at = &(*at)->next)
		;
	*at = s->next;
	gave_way = s->gives_way;
	pthread_mutex_unlock(&r->lock);
	assoc_free(s);
	/* Now the listener may end. */
	pthread_mutex_lock(&r->lock);
	r->n_running--;
	origin->held--;
	origin->leaving -= gave_way;
	pthread_cond_signal(&r->gone);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* Nothing of what it sends is looked at. */
void receive_send_off(int sock, const void *p, size_t n)
{
	char junk[4096];

	(void)send(sock, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(sock, SHUT_WR);
	/* Bytes that are there would turn the close into a reset, which could
	   overtake the answer. */
	for (int i = 0;
	     i < 16 && recv(sock, junk, sizeof(junk), MSG_DONTWAIT) > 0; i++)
		;
	close(sock);
}

/* An alert needs no handshake: a peer that has begun one understands it, and
   would take a PDU for a broken one (RFC 8446 6). */
void receive_turn_away(struct img_receive *r, int sock, uint8_t result,
		       uint8_t source, uint8_t reason)
{
	const uint8_t rj[10] = { 3, 0, 0, 0, 0, 4, 0, result, source, reason };
	const uint8_t alert[7] = {
		21, 3, 3, 0, 2, 2, result == 1 ? ACCESS_DENIED : INTERNAL_ERROR
	};

	if (r->opts.serve.tls)
		receive_send_off(sock, alert, sizeof(alert));
	else
		receive_send_off(sock, rj, sizeof(rj));
}

static int start(struct img_receive *r, struct assoc *s)
{
	int e;

	pthread_mutex_lock(&r->lock);
	s->lane = r->lanes++ % IMG_STORE_LANES;
	s->next = r->running;
	r->running = s;
	r->n_running++;
	s->origin->held++;
	e = img_thread_apart(run, s, STACK);
	if (e) {
		r->running = s->next;
		r->n_running--;
		s->origin->held--;
	} else {
		receive_standing_begin(s);
	}
	pthread_mutex_unlock(&r->lock);
	return e ? -1 : 0;
}

static void refused(struct img_receive *r, const char *peer, bool once,
		    const char *why)
{
	struct img_err text = IMG_ERR_INIT;

	img_err_set(&text, IMG_E_REFUSED, "%s: refused: %s", peer, why);
	r->host.note(r->host.arg, &text);
	receive_refused(r, peer, once);
}

void receive_put_off(struct img_receive *r, const char *address,
		     const char *why)
{
	refused(r, address, true, why);
}

bool receive_may_knock(struct img_receive *r, int sock,
		       const struct sockaddr_storage *from)
{
	char address[IMG_ADDRESS_MAX];
	bool may;

	pthread_mutex_lock(&r->lock);
	may = img_access_may(r->access, NULL, "", from);
	pthread_mutex_unlock(&r->lock);
	if (may)
		return true;
	img_address_name(from, address);
	refused(r, address, false, "address not allowed");
	receive_turn_away(r, sock, 1, 1, 1);
	return false;
}

void receive_admit(struct img_receive *r, const struct coming *c)
{
	struct assoc *s = calloc(1, sizeof(*s));
	pthread_condattr_t mono;

	if (!s) {
		receive_turn_away(r, c->sock, 2, 3, 1);
		return;
	}
	s->r = r;
	s->spare.fd = -1;
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(&s->woken, &mono);
	pthread_condattr_destroy(&mono);
	s->sock = c->sock;
	s->from = *c->from;
	s->standing = c->standing;
	s->origin = c->origin;
	snprintf(s->title, sizeof(s->title), "%s", c->title);
	img_address_name(c->from, s->address);
	snprintf(s->peer, sizeof(s->peer), "%s", s->address);
	if (start(r, s) == 0)
		return;
	receive_turn_away(r, c->sock, 2, 3, 1);
	s->sock = -1;
	assoc_free(s);
}

/* ---- the loop --------------------------------------------------------- */

static bool over(struct img_receive *r)
{
	bool broken;

	pthread_mutex_lock(&r->lock);
	broken = r->broken;
	pthread_mutex_unlock(&r->lock);
	return r->host.stopped(r->host.arg) || broken;
}

void receive_ails(struct img_receive *r, double *last, const char *what)
{
	double now = img_time_mono();
	struct img_err text = IMG_ERR_INIT;

	img_err_sys(&text, "%s", what);
	if (!*last || now - *last > QUIET)
		r->host.note(r->host.arg, &text);
	*last = now;
	usleep(NAP_US);
}

/* Associations get as long as their time limits give them. */
static void finish(struct img_receive *r)
{
	pthread_mutex_lock(&r->lock);
	r->stopping = true;
	while (r->n_running)
		pthread_cond_wait(&r->gone, &r->lock);
	pthread_mutex_unlock(&r->lock);
	receive_report_close(r);
	receive_commit_end(r);
}

/* What all associations at once and those that wait may need. */
static void more_descriptors(const struct img_receive *r)
{
	rlim_t want = 1024 + 8 * (rlim_t)r->opts.max_associations;
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= want)
		return;
	l.rlim_cur = want < l.rlim_max ? want : l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

int img_receive_serve(struct img_receive *r, const struct img_listen *l,
		      struct img_err *err)
{
	struct pollfd p[IMG_LISTEN_MAX + 2];
	nfds_t n = l->n + 2;
	double failed = 0;

	if (receive_report_begin(r, err) < 0 ||
	    receive_commit_start(r, err) < 0)
		return -1;
	more_descriptors(r);
	for (size_t i = 0; i < l->n; i++)
		p[i] = (struct pollfd){ l->fd[i], POLLIN, 0 };
	p[l->n + 1] = (struct pollfd){ receive_door_fd(r), POLLIN, 0 };
	while (!over(r)) {
		p[l->n] = (struct pollfd){ r->reporter.fd, POLLIN, 0 };
		if (poll(p, n, receive_door_patience(r, TICK_MS)) < 0) {
			if (errno != EINTR)
				receive_ails(r, &failed, WAITING);
			continue;
		}
		if (p[l->n].revents)
			receive_report_hear(r);
		receive_report_again(r);
		if (p[l->n + 1].revents)
			receive_door_hear(r);
		for (size_t i = 0; i < l->n; i++)
			if (p[i].revents)
				receive_door_accept(r, p[i].fd);
		receive_door_turn(r);
	}
	receive_door_close(r);
	finish(r);
	if (r->broken)
		return img_err_set(err, r->failure.code, "%s", r->failure.text);
	return 0;
}

/* ---- open, close ------------------------------------------------------ */

/* Each is a process that decodes.  Two at least: one peer may not have all. */
static unsigned places(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 2 ? 2 : n > TURNS_MAX ? TURNS_MAX : (unsigned)n;
}

int img_receive_open(struct img_receive **out, const char *dir,
		     const struct img_receive_opts *opts,
		     const struct img_receive_host *host, struct img_err *err)
{
	struct img_jail_limits limits = { .network = true,
					  .file_max = opts->serve.max_object };
	struct img_receive *r = calloc(1, sizeof(*r));
	struct img_ingest_host own;
	pthread_condattr_t mono;

	if (!r)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	r->reporter.fd = r->owed.fd = r->owed.lock = -1;
	r->opts = *opts;
	r->host = *host;
	r->comparing.places = places();
	own = receive_host(r);
	pthread_mutex_init(&r->lock, NULL);
	pthread_mutex_init(&r->passcodes, NULL);
	pthread_mutex_init(&r->reports, NULL);
	pthread_mutex_init(&r->heavy, NULL);
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(&r->work, &mono);
	pthread_cond_init(&r->more, &mono);
	pthread_condattr_destroy(&mono);
	pthread_cond_init(&r->idle, NULL);
	pthread_cond_init(&r->gone, NULL);
	snprintf(r->aet, sizeof(r->aet), "%s", opts->aet ? opts->aet : "");
	img_bulk_prepare();
	if (img_accept_prepare(err) < 0 ||
	    img_jail_open(&r->jail, img_serve, &r->opts.serve, &limits, err) <
		    0 ||
	    receive_report_open(r, err) < 0 ||
	    img_access_new(&r->access, err) < 0 ||
	    receive_stable_open(r, err) < 0 || receive_door_open(r, err) < 0 ||
	    !(r->reader = img_dicom_reader_new(err)) ||
	    ingest_open_bare(&r->g, dir, opts->no_create, "imgrecv", &own,
			     err) < 0) {
		img_receive_close(r);
		return -1;
	}
	*out = r;
	return 0;
}

void img_receive_close(struct img_receive *r)
{
	if (!r)
		return;
	receive_door_close(r);
	receive_report_close(r);
	receive_commit_end(r);
	img_owed_close(&r->owed);
	img_ingest_close(r->g);
	img_jail_close(r->jail);
	img_access_free(r->access);
	img_users_free(r->users);
	img_dicom_reader_free(r->reader);
	free(r->stable);
	receive_origins_free(r);
	pthread_cond_destroy(&r->work);
	pthread_cond_destroy(&r->idle);
	pthread_cond_destroy(&r->more);
	pthread_cond_destroy(&r->gone);
	pthread_mutex_destroy(&r->lock);
	pthread_mutex_destroy(&r->passcodes);
	pthread_mutex_destroy(&r->reports);
	pthread_mutex_destroy(&r->heavy);
	free(r);
}
