/* reporter.c - gives reports of storage commitment to peers, one at a time.
   What peers answer is parsed by a process that does nothing else. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "jail/jail.h"
#include "work/receive_private.h"
#include "work/reporter.h"

#define TRIES_LEAST 5 /* before the age of a file counts: clocks are wrong */

/* What is known of a report while it waits: little. */
struct job {
	struct job *next;
	char name[IMG_OWED_NAME], title[IMG_AET_MAX];
	char address[IMG_ADDRESS_MAX];
	int64_t at;
	unsigned tries;
	double born, due;
};

struct reports {
	int sock;
	double seconds;
	struct img_owed_dir dir;
	char archive[IMG_PATH_MAX];
	struct img_catalog *catalog; /* for what was not judged; NULL */
	struct img_store *store;
	struct job *jobs;
};

/* ---- giving ----------------------------------------------------------- */

/* 0 it has it, 1 not now, 2 it is there and does not want this one. */
static int give(const struct img_peer *peer, const struct img_commitment *c,
		struct img_err *err)
{
	static const char *const ts[] = { "1.2.840.10008.1.2.1",
					  "1.2.840.10008.1.2" };
	const struct img_scu_opts o = { .connect_seconds = 10,
					.assoc_seconds = 10,
					.dimse_seconds = 30 };
	struct img_assoc_context context = {
		.abstract = IMG_COMMITMENT, .ts = ts, .n_ts = 2, .scp = true
	};
	struct img_scu *s = NULL;
	uint16_t status = 0;
	int rc = 1;

	if (img_peer_check(peer, err) < 0 ||
	    img_scu_open(&s, peer, &o, &context, 1, err) < 0)
		return 1;
	if (context.result != 0)
		img_err_set(err, IMG_E_REFUSED, "%s",
			    img_context_text(context.result));
	else if (img_scu_report(s, context.id, c, &status, err) == 0)
		rc = status ? 2 : 0;
	if (rc == 2)
		img_err_set(err, IMG_E_REFUSED, "status %04X", status);
	img_scu_close(s, rc != 1);
	return rc;
}

/* The listener was gone before it had looked at what was asked for. */
static int judge(struct reports *r, struct img_owed *o, struct img_err *err)
{
	if ((!r->store &&
	     img_store_open(&r->store, r->archive, IMG_READ, err) < 0) ||
	    img_catalog_follow(&r->catalog, r->archive, IMG_READ, err) < 0)
		return -1;
	for (size_t i = 0; i < o->c.n; i++)
		o->c.ref[i].reason =
			receive_is_safe(r->catalog, r->store, o->c.ref[i].sop,
					o->c.ref[i].sop_class);
	o->judged = true;
	return img_owed_replace(&r->dir, o, err);
}

/* As give(); -1 never: the file is not what was written. */
static int attempt(struct reports *r, const struct job *j, size_t *n,
		   struct img_err *err)
{
	struct img_peer *p = calloc(1, sizeof(*p));
	struct img_owed o;
	int rc = 1, found;

	if (img_owed_read(&r->dir, j->name, false, &o, err) < 0) {
		free(p);
		return err->code == IMG_E_MALFORMED ? -1 : 1;
	}
	*n = o.c.n;
	found = p ? img_peer_titled(p, r->archive, o.title, o.address, err)
		  : img_err_set(err, IMG_E_NOMEM, "out of memory");
	if (found == 0)
		img_err_set(err, IMG_E_USAGE, "not in peers.json any more");
	if (found > 0 && (o.judged || judge(r, &o, err) == 0)) {
		snprintf(p->calling, IMG_AET_MAX, "%s", o.called);
		rc = give(p, &o.c, err);
	}
	img_commitment_release(&o.c);
	free(p);
	return rc;
}

/* ---- what is said ----------------------------------------------------- */

static void tell(struct reports *r, const struct job *j, bool given_up,
		 size_t n, const char *why)
{
	struct reporter_said said = { .n = n, .given_up = given_up };
	struct img_err ignored = IMG_ERR_INIT;

	snprintf(said.peer, sizeof(said.peer), "%s@%s", j->title, j->address);
	snprintf(said.text, sizeof(said.text),
		 given_up ? "no report of storage commitment, given up: %.180s"
			  : "no report of storage commitment yet: %.180s",
		 why);
	(void)img_jail_send(r->sock, &said, sizeof(said), -1, 1000, &ignored);
}

static int cannot_wait(struct reports *r)
{
	struct reporter_said said = { .n = 0 };
	struct img_err err = IMG_ERR_INIT, ignored = IMG_ERR_INIT;

	img_err_sys(&err, "waiting for more");
	snprintf(said.peer, sizeof(said.peer), "reports of storage commitment");
	snprintf(said.text, sizeof(said.text), "%.250s", err.text);
	(void)img_jail_send(r->sock, &said, sizeof(said), -1, 1000, &ignored);
	return -1;
}

/* ---- when ------------------------------------------------------------- */

/* By the clock that does not jump; by the other one, which alone goes on
   between two starts, only when it was tried. */
static bool too_old(const struct reports *r, const struct job *j)
{
	return img_time_mono() - j->born >= r->seconds ||
	       (j->tries >= TRIES_LEAST &&
		difftime(time(NULL), (time_t)j->at) >= r->seconds);
}

/* Where the one is that is due first. */
static struct job **first(struct reports *r)
{
	struct job **found = &r->jobs;

	for (struct job **at = &r->jobs; *at; at = &(*at)->next)
		if ((*at)->due <= (*found)->due)
			found = at;
	return found;
}

static void forget(struct job **at)
{
	struct job *j = *at;

	*at = j->next;
	free(j);
}

/* All of a peer's wait when one could not be given, or, at the end, are left
   for another start; alone one waits that the peer refuses. */
static void postpone(struct reports *r, const struct job *j, bool all,
		     double delay, bool last)
{
	double due = img_time_mono() + delay;
	struct job was = *j;

	for (struct job **at = &r->jobs; *at;) {
		bool its = strcmp((*at)->title, was.title) == 0 &&
			   (all || strcmp((*at)->name, was.name) == 0);

		if (its && last) {
			forget(at);
			continue;
		}
		if (its && (*at)->due < due)
			(*at)->due = due;
		at = &(*at)->next;
	}
}

static void try(struct reports *r, struct job **at, bool last)
{
	static const double delay[] = { 2, 10, 60, 300, 900, 3600 };
	const size_t n_delay = sizeof(delay) / sizeof(delay[0]);
	struct img_err err = IMG_ERR_INIT;
	struct job *j = *at;
	size_t n = 0;
	int rc = attempt(r, j, &n, &err);
	bool over;

	j->tries++;
	over = rc < 0 || (rc > 0 && too_old(r, j)); /* time goes on */
	if (over)
		tell(r, j, true, n, err.text);
	else if (rc > 0 && j->tries == 1)
		tell(r, j, false, n, err.text);
	if (rc > 0 && !over) {
		double wait =
			delay[j->tries < n_delay ? j->tries - 1 : n_delay - 1];
		double left = r->seconds - (img_time_mono() - j->born);

		postpone(r, j, rc == 1, wait < left ? wait : left, last);
		return;
	}
	img_owed_drop(&r->dir, j->name);
	forget(at);
}

/* ---- the process ------------------------------------------------------ */

static void add(void *arg, const char *name)
{
	struct img_err err = IMG_ERR_INIT;
	struct reports *r = arg;
	struct job *j;
	struct img_owed o;
	uint32_t any;

	if (!img_owed_claim(&r->dir, name))
		return;
	if (!img_owed_is_there(&r->dir, name)) {
		img_owed_let_go(&r->dir, name); /* given by now */
		return;
	}
	j = calloc(1, sizeof(*j));
	if (!j)
		return; /* another start has it */
	snprintf(j->name, sizeof(j->name), "%s", name);
	if (img_owed_read(&r->dir, name, true, &o, &err) == 0) {
		memcpy(j->title, o.title, sizeof(j->title));
		memcpy(j->address, o.address, sizeof(j->address));
		j->at = o.at;
	} else {
		snprintf(j->title, sizeof(j->title), "?");
	}
	j->born = img_time_mono();
	/* In no order: what this process died of does not come first again. */
	img_random(&any, sizeof(any));
	j->due = (double)any / UINT32_MAX;
	j->next = r->jobs;
	r->jobs = j;
}

static bool start(struct reports *r)
{
	struct reporter_start *m = calloc(1, sizeof(*m));
	struct img_err err = IMG_ERR_INIT;
	bool good = false;

	if (m && img_jail_recv(r->sock, m, sizeof(*m), NULL, -1, &err) == 0) {
		memcpy(r->archive, m->archive, sizeof(r->archive));
		r->seconds = m->seconds;
		good = img_crypto_init(&err) == 0 &&
		       img_owed_open(&r->dir, r->archive, &err) == 0;
	}
	free(m);
	return good;
}

/* One may have been handed over while the others were looked for. */
static bool is_known(const struct reports *r, const char *name)
{
	const struct job *j = r->jobs;

	while (j && strcmp(j->name, name) != 0)
		j = j->next;
	return j;
}

/* false: there are no more. */
static bool take(struct reports *r)
{
	struct img_err err = IMG_ERR_INIT;
	struct reporter_job m;

	if (img_jail_recv(r->sock, &m, sizeof(m), NULL, -1, &err) < 0)
		return false;
	m.name[sizeof(m.name) - 1] = '\0';
	if (!is_known(r, m.name))
		add(r, m.name);
	return true;
}

/* Ends when there is no more; -1: it cannot wait for it. */
static int work(struct reports *r)
{
	struct pollfd p = { r->sock, POLLIN, 0 };
	bool more = true;
	int n;

	while (more || r->jobs) {
		struct job **at = first(r);
		bool due = *at && (!more || (*at)->due <= img_time_mono());

		n = more ? poll(&p, 1, due ? 0 : *at ? 500 : -1) : 0;
		if (n > 0)
			more = take(r);
		else if (n < 0 && errno != EINTR)
			return cannot_wait(r);
		else if (due)
			try(r, at, !more);
	}
	return 0;
}

int reporter(int sock, void *arg)
{
	struct reports r = { .sock = sock };
	int rc;

	(void)arg;
	if (!start(&r))
		return 1;
	img_owed_each(&r.dir, add, &r);
	rc = work(&r);
	img_catalog_close(r.catalog);
	img_store_close(r.store);
	img_owed_close(&r.dir);
	return rc < 0;
}
