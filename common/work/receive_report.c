/* receive_report.c - reports of storage commitment on associations of ours, to
   peers that did not wait for them (PS3.4 J.3.3).  The listener's side: what
   is owed is handed to a process of its own (reporter.c), which says what has
   become of it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "work/receive_private.h"
#include "work/reporter.h"

#define REPORTS     "reports of storage commitment"
#define END_SECONDS 10
#define DELAY_MAX   300 /* seconds until another one begins */

int receive_report_open(struct img_receive *r, struct img_err *err)
{
	const struct img_jail_limits limits = { .helper = true };

	return img_jail_open(&r->reporters, reporter, NULL, &limits, err);
}

static void say(struct img_receive *r, const char *peer, const char *why)
{
	struct img_err text = IMG_ERR_INIT;

	img_err_set(&text, IMG_E_TRANSPORT, "%.96s: %.250s", peer, why);
	r->host.note(r->host.arg, &text);
}

/* ---- the process ------------------------------------------------------ */

static int begin(struct img_receive *r, struct img_err *err)
{
	struct reporter_start *m = calloc(1, sizeof(*m));
	struct img_jail_worker w = { .fd = -1 };
	int rc = -1;

	if (!m)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	snprintf(m->archive, sizeof(m->archive), "%s", r->g->home);
	m->seconds = (double)r->opts.report_seconds;
	r->reporter_since = img_time_mono();
	if (img_jail_start(r->reporters, &w, err) == 0) {
		rc = img_jail_send(w.fd, m, sizeof(*m), -1, 10000, err);
		pthread_mutex_lock(&r->reports);
		r->reporter = w; /* that it has died will be heard */
		pthread_mutex_unlock(&r->reports);
	}
	free(m);
	return rc;
}

int receive_report_begin(struct img_receive *r, struct img_err *err)
{
	if (img_owed_open(&r->owed, r->g->home, err) < 0)
		return -1;
	img_owed_tidy(&r->owed);
	return begin(r, err);
}

/* It tries all that are owed at once: not again and again, whatever it dies
   of. */
static void plan(struct img_receive *r, const struct img_err *why)
{
	struct img_err text = IMG_ERR_INIT;
	double now = img_time_mono();

	if (now - r->reporter_since > DELAY_MAX)
		r->reporter_delay = 0;
	r->reporter_delay = r->reporter_delay ? 2 * r->reporter_delay : 1;
	if (r->reporter_delay > DELAY_MAX)
		r->reporter_delay = DELAY_MAX;
	r->reporter_due = now + r->reporter_delay;
	img_err_set(&text, why->code, "%.300s; another one begins in %u s",
		    why->text, r->reporter_delay);
	r->host.note(r->host.arg, &text);
}

static void lost(struct img_receive *r)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_jail_worker w;

	pthread_mutex_lock(&r->reports);
	w = r->reporter;
	r->reporter.fd = -1;
	pthread_mutex_unlock(&r->reports);
	if (img_jail_end(&w, 1, REPORTS, &err) >= 0)
		img_err_set(&err, IMG_E_BUSY,
			    REPORTS ": the process at work on it has ended");
	if (!r->reporter_ends)
		plan(r, &err);
}

void receive_report_again(struct img_receive *r)
{
	struct img_err err = IMG_ERR_INIT;

	if (r->reporter.fd >= 0 || img_time_mono() < r->reporter_due ||
	    img_jail_is_gone(r->reporters))
		return;
	if (begin(r, &err) == 0 || r->reporter.fd >= 0)
		return;
	if (img_jail_is_gone(r->reporters))
		say(r, REPORTS,
		    "kept for another start: no process can be started");
	else
		plan(r, &err);
}

/* ---- handing over ----------------------------------------------------- */

/* One that no process takes now is found by the next. */
void receive_report_hand(struct img_receive *r, char name[IMG_OWED_NAME])
{
	struct img_err err = IMG_ERR_INIT;
	struct reporter_job job = { { 0 } };

	if (!*name)
		return;
	memcpy(job.name, name, sizeof(job.name));
	img_owed_let_go(&r->owed, name);
	pthread_mutex_lock(&r->reports);
	if (r->reporter.fd >= 0 &&
	    img_jail_send(r->reporter.fd, &job, sizeof(job), -1, 60000, &err) <
		    0)
		/* No further one may begin in the middle of it. */
		shutdown(r->reporter.fd, SHUT_WR);
	pthread_mutex_unlock(&r->reports);
	*name = '\0';
}

void receive_report(struct assoc *s)
{
	struct img_receive *r = s->r;
	struct img_err err = IMG_ERR_INIT;

	receive_report_hand(r, s->before);
	/* What it was not yet asked about is looked up by the reporter. */
	if (*s->owed.name && s->owed.judged &&
	    img_owed_replace(&r->owed, &s->owed, &err) < 0)
		say(r, s->peer, err.text);
	receive_report_hand(r, s->owed.name);
	if (s->listed || !(s->owes || s->judging))
		return;
	say(r, s->peer,
	    "gone before its report of storage commitment, and not "
	    "in peers.json");
	receive_unreported(r, s->peer, s->n_asked);
}

void receive_report_hear(struct img_receive *r)
{
	struct img_err err = IMG_ERR_INIT;
	struct reporter_said said;

	if (img_jail_recv(r->reporter.fd, &said, sizeof(said), NULL, 1000,
			  &err) < 0) {
		lost(r);
		return;
	}
	said.peer[sizeof(said.peer) - 1] = '\0';
	said.text[sizeof(said.text) - 1] = '\0';
	say(r, said.peer, said.text);
	if (said.given_up)
		receive_unreported(r, said.peer, said.n);
}

/* ---- the end ---------------------------------------------------------- */

/* It cannot be waited for. */
static void drop(struct img_receive *r)
{
	struct img_err text = IMG_ERR_INIT;

	img_err_sys(&text, "waiting for " REPORTS);
	r->host.note(r->host.arg, &text);
	lost(r);
}

/* Each peer that is left is tried once more. */
static void wait_end(struct img_receive *r)
{
	double until = img_time_mono() + END_SECONDS;

	while (r->reporter.fd >= 0) {
		struct pollfd p = { r->reporter.fd, POLLIN, 0 };
		int n;

		if (img_time_mono() >= until)
			(void)kill(r->reporter.pid, SIGKILL);
		n = poll(&p, 1, 100);
		if (n > 0)
			receive_report_hear(r);
		else if (n < 0 && errno != EINTR)
			drop(r);
	}
}

void receive_report_close(struct img_receive *r)
{
	char text[96];
	size_t n;

	if (!r->reporters)
		return;
	r->reporter_ends = true; /* that it is gone is no news from here on */
	if (r->reporter.fd >= 0)
		shutdown(r->reporter.fd, SHUT_WR);
	wait_end(r);
	img_jail_close(r->reporters);
	r->reporters = NULL;
	n = r->owed.fd < 0 ? 0 : img_owed_each(&r->owed, NULL, NULL);
	if (!n)
		return;
	snprintf(text, sizeof(text), "%zu report%s kept for another start", n,
		 n == 1 ? "" : "s");
	say(r, "storage commitment", text);
}
