/* receive_report.c - reports of storage commitment on associations of ours, to
   peers that did not wait for them (PS3.4 J.3.3).  What peers answer is parsed
   by a process that does nothing else. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work/receive_private.h"

#define TRIES       5
#define END_SECONDS 10

struct head {
	struct img_peer peer;
	char transaction[IMG_UID_MAX];
	size_t n;
};

struct job {
	struct job *next;
	struct head head;
	struct img_commitment_ref *ref;
	unsigned tries;
	double due;
};

struct said {
	char text[256];
};

/* ---- the process ------------------------------------------------------ */

static int give(struct job *j, struct img_err *err)
{
	static const char *const ts[] = { "1.2.840.10008.1.2.1",
					  "1.2.840.10008.1.2" };
	const struct img_scu_opts o = { .connect_seconds = 10,
					.assoc_seconds = 10,
					.dimse_seconds = 30 };
	struct img_assoc_context context = {
		.abstract = IMG_COMMITMENT, .ts = ts, .n_ts = 2, .scp = true
	};
	struct img_commitment c = { .ref = j->ref, .n = j->head.n };
	struct img_scu *s = NULL;
	uint16_t status = 0;
	int rc = -1;

	memcpy(c.transaction, j->head.transaction, sizeof(c.transaction));
	if (img_peer_check(&j->head.peer, err) < 0 ||
	    img_scu_open(&s, &j->head.peer, &o, &context, 1, err) < 0)
		return -1;
	if (context.result != 0)
		img_err_set(err, IMG_E_REFUSED, "%s",
			    img_context_text(context.result));
	else if (img_scu_report(s, context.id, &c, &status, err) == 0)
		rc = status ? img_err_set(err, IMG_E_REFUSED, "status %04X",
					  status)
			    : 0;
	img_scu_close(s, rc == 0);
	return rc;
}

static void job_free(struct job *j)
{
	free(j->ref);
	free(j);
}

static void tell(int sock, const struct job *j, const char *why)
{
	struct img_err ignored = IMG_ERR_INIT;
	struct said said;

	snprintf(said.text, sizeof(said.text),
		 "%.80s: no report of storage commitment: %.120s",
		 j->head.peer.name, why);
	(void)img_jail_send(sock, &said, sizeof(said), -1, 1000, &ignored);
}

/* What is due; false: it is to be tried again. */
static bool attempt(int sock, struct job *j, bool last)
{
	static const double delay[TRIES] = { 2, 10, 60, 300, 0 };
	struct img_err err = IMG_ERR_INIT;

	if (give(j, &err) == 0)
		return true;
	j->due = img_time_mono() + delay[j->tries];
	if (++j->tries < TRIES && !last)
		return false;
	tell(sock, j, err.text);
	return true;
}

/* false: there are no more. */
static bool take(int sock, struct job **jobs)
{
	struct img_err err = IMG_ERR_INIT;
	struct job *j = calloc(1, sizeof(*j));
	size_t size;

	if (!j ||
	    img_jail_recv(sock, &j->head, sizeof(j->head), NULL, -1, &err) < 0)
		goto fail;
	size = j->head.n * sizeof(*j->ref);
	j->ref = malloc(size + 1);
	if (!j->ref || img_jail_recv(sock, j->ref, size, NULL, -1, &err) < 0)
		goto fail;
	j->next = *jobs;
	*jobs = j;
	return true;
fail:
	if (j)
		job_free(j);
	return false;
}

/* Where the one is that is due first. */
static struct job **first(struct job **jobs)
{
	struct job **found = jobs;

	for (struct job **at = jobs; *at; at = &(*at)->next)
		if ((*at)->due <= (*found)->due)
			found = at;
	return found;
}

/* One at a time: an attempt takes less time than the listener waits until what
   it has to say is taken. */
static void work(int sock)
{
	struct pollfd p = { sock, POLLIN, 0 };
	struct job *jobs = NULL;
	bool more = true;

	while (more || jobs) {
		struct job **at = first(&jobs), *j = *at;
		bool due = j && (!more || j->due <= img_time_mono());

		if (more && poll(&p, 1, due ? 0 : j ? 500 : -1) > 0) {
			more = take(sock, &jobs);
		} else if (due && attempt(sock, j, !more)) {
			*at = j->next;
			job_free(j);
		}
	}
}

/* ---- the listener ----------------------------------------------------- */

int receive_report_open(struct img_receive *r, struct img_err *err)
{
	struct img_jail_worker helper;

	if (img_jail_helper(&helper, work, err) < 0)
		return -1;
	r->reporter = helper.fd;
	r->reporter_pid = helper.pid;
	return 0;
}

static void say(struct img_receive *r, const char *peer, const char *why)
{
	struct img_err text = IMG_ERR_INIT;

	img_err_set(&text, IMG_E_TRANSPORT, "%.96s: %.250s", peer, why);
	r->host.note(r->host.arg, &text);
}

void receive_report(struct assoc *s)
{
	struct img_receive *r = s->r;
	struct img_err err = IMG_ERR_INIT;
	struct head *head;
	int rc = -1;

	s->owes = false;
	if (!s->reports_to) {
		say(r, s->peer,
		    "gone before its report of storage commitment, and not "
		    "in peers.json");
		return;
	}
	head = calloc(1, sizeof(*head));
	if (head) {
		head->peer = *s->reports_to;
		memcpy(head->transaction, s->owed.transaction, IMG_UID_MAX);
		head->n = s->owed.n;
		pthread_mutex_lock(&r->reports);
		rc = img_jail_send(r->reporter, head, sizeof(*head), -1, 60000,
				   &err);
		if (rc == 0)
			rc = img_jail_send(r->reporter, s->owed.ref,
					   s->owed.n * sizeof(*s->owed.ref), -1,
					   60000, &err);
		if (rc < 0) /* no further one may begin in the middle of it */
			shutdown(r->reporter, SHUT_WR);
		pthread_mutex_unlock(&r->reports);
	}
	free(head);
	if (rc < 0)
		say(r, s->peer, "its report of storage commitment is lost");
}

void receive_report_hear(struct img_receive *r)
{
	struct img_err err = IMG_ERR_INIT;
	struct said said;

	if (img_jail_recv(r->reporter, &said, sizeof(said), NULL, 1000, &err) ==
	    0) {
		said.text[sizeof(said.text) - 1] = '\0';
		img_err_set(&err, IMG_E_TRANSPORT, "%s", said.text);
		r->host.note(r->host.arg, &err);
		return;
	}
	/* Reports that are handed to it from now on fail, and say so. */
	r->reporter_gone = true;
	if (r->ended)
		return;
	img_err_clear(&err);
	img_err_set(&err, IMG_E_TRANSPORT,
		    "the process that reports storage commitment is gone");
	r->host.note(r->host.arg, &err);
}

void receive_report_close(struct img_receive *r)
{
	struct img_err late = IMG_ERR_INIT;
	bool ended = false;

	if (r->reporter < 0)
		return;
	r->ended = true; /* that it is gone is no news from here on */
	/* Each that is left is tried once more. */
	shutdown(r->reporter, SHUT_WR);
	for (int i = 0; i < END_SECONDS * 10 && !ended; i++) {
		struct pollfd p = { r->reporter, POLLIN, 0 };

		if (!r->reporter_gone && poll(&p, 1, 100) > 0)
			receive_report_hear(r);
		else if (r->reporter_gone)
			usleep(1000);
		ended = waitpid(r->reporter_pid, NULL, WNOHANG) != 0;
	}
	if (!ended) {
		img_err_set(&late, IMG_E_TRANSPORT,
			    "no time for all reports of storage commitment");
		r->host.note(r->host.arg, &late);
		kill(r->reporter_pid, SIGKILL);
		(void)waitpid(r->reporter_pid, NULL, 0);
	}
	close(r->reporter);
	r->reporter = -1;
}
