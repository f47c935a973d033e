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
#include <sys/wait.h>
#include <unistd.h>

#include "work/receive_private.h"
#include "work/reporter.h"

#define END_SECONDS 10

int receive_report_open(struct img_receive *r, struct img_err *err)
{
	struct img_jail_worker helper;

	if (img_jail_helper(&helper, reporter, err) < 0)
		return -1;
	r->reporter = helper.fd;
	r->reporter_pid = helper.pid;
	return 0;
}

int receive_report_begin(struct img_receive *r, struct img_err *err)
{
	struct reporter_start *start;
	int rc;

	if (img_owed_open(&r->owed, r->g->home, -1, err) < 0)
		return -1;
	img_owed_tidy(&r->owed);
	start = calloc(1, sizeof(*start));
	if (!start)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	snprintf(start->archive, sizeof(start->archive), "%s", r->g->home);
	start->seconds = (double)r->opts.report_seconds;
	rc = img_jail_send(r->reporter, start, sizeof(*start), r->owed.lock,
			   10000, err);
	free(start);
	return rc;
}

static void say(struct img_receive *r, const char *peer, const char *why)
{
	struct img_err text = IMG_ERR_INIT;

	img_err_set(&text, IMG_E_TRANSPORT, "%.96s: %.250s", peer, why);
	r->host.note(r->host.arg, &text);
}

void receive_report_hand(struct img_receive *r, char name[IMG_OWED_NAME])
{
	struct img_err err = IMG_ERR_INIT;
	struct reporter_job job = { { 0 } };

	if (!*name)
		return;
	memcpy(job.name, name, sizeof(job.name));
	pthread_mutex_lock(&r->reports);
	if (img_jail_send(r->reporter, &job, sizeof(job), -1, 60000, &err) <
	    0) {
		/* No further one may begin in the middle of it. */
		shutdown(r->reporter, SHUT_WR);
		say(r, "report of storage commitment",
		    "kept for another start");
	}
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

	if (img_jail_recv(r->reporter, &said, sizeof(said), NULL, 1000, &err) ==
	    0) {
		said.peer[sizeof(said.peer) - 1] = '\0';
		said.text[sizeof(said.text) - 1] = '\0';
		say(r, said.peer, said.text);
		if (said.given_up)
			receive_unreported(r, said.peer, said.n);
		return;
	}
	/* Reports that are handed to it from now on wait for another start. */
	r->reporter_gone = true;
	if (!r->reporter_ends)
		say(r, "storage commitment",
		    "the process that reports is gone; reports are kept for "
		    "another start");
}

/* Each peer that is left is tried once more. */
static void wait_end(struct img_receive *r)
{
	bool ended = false;

	for (int i = 0; i < END_SECONDS * 10 && !ended; i++) {
		struct pollfd p = { r->reporter, POLLIN, 0 };

		if (!r->reporter_gone && poll(&p, 1, 100) > 0)
			receive_report_hear(r);
		else if (r->reporter_gone)
			usleep(1000);
		ended = waitpid(r->reporter_pid, NULL, WNOHANG) != 0;
	}
	if (!ended) {
		kill(r->reporter_pid, SIGKILL);
		(void)waitpid(r->reporter_pid, NULL, 0);
	}
	while (!r->reporter_gone)
		receive_report_hear(r);
}

void receive_report_close(struct img_receive *r)
{
	char text[96];
	size_t n;

	if (r->reporter < 0)
		return;
	r->reporter_ends = true; /* that it is gone is no news from here on */
	shutdown(r->reporter, SHUT_WR);
	wait_end(r);
	close(r->reporter);
	r->reporter = -1;
	n = r->owed.fd < 0 ? 0 : img_owed_each(&r->owed, NULL, NULL);
	if (!n)
		return;
	snprintf(text, sizeof(text), "%zu report%s kept for another start", n,
		 n == 1 ? "" : "s");
	say(r, "storage commitment", text);
}
