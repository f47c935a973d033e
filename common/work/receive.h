/*
 * receive.h - objects that peers send into the archive: a listener.
 *
 * The caller's thread accepts connections and looks at nothing but addresses
 * and, of requests, their type, length and title; who has broken the rules
 * again and again waits there.  Each association has a thread and a jailed
 * process of its own: the process parses what the peer says, the thread hands
 * it files and checks what it says in turn.  One committer makes what all
 * associations have complete durable at once, as an import does, reports it,
 * and only then lets the processes answer their peers.
 *
 * Order of calls: open (before any thread), serve, close.
 */
#ifndef IMG_RECEIVE_H
#define IMG_RECEIVE_H

#include "catalog/catalog.h"
#include "net/net.h"
#include "record/record.h"

struct img_receive_opts {
	struct img_serve serve;
	const char *aet; /* what we are called; NULL: anything will do */
	unsigned max_associations, max_per_peer;
	unsigned max_bad; /* that came to nothing, until a peer has to wait;
			     0: none has */
	bool no_create;   /* an archive that is not there is IMG_E_IO */
	unsigned lock_seconds; /* how long another importer may take */
	enum img_on_conflict on_conflict;
	unsigned stable_seconds; /* 0: no records of studies */
	bool warn_conflict;      /* a conflict is answered by a warning */
	uint64_t report_seconds; /* for a report of storage commitment */
};

struct img_receive_host {
	/* From the committer's thread.  -1: the output cannot be written; the
	   listener stops. */
	int (*emit)(void *arg, const struct img_record *rec);
	void (*batch)(void *arg, bool begins);
	/* From any thread: somebody was sent away, or a worker died. */
	void (*note)(void *arg, const struct img_err *err);
	/* From the caller's thread, several times a second. */
	bool (*stopped)(void *arg);
	void *arg;
};

struct img_receive;

int img_receive_open(struct img_receive **r, const char *dir,
		     const struct img_receive_opts *opts,
		     const struct img_receive_host *host, struct img_err *err);
/* Reads who may come from now on.  Before serve, or from host.stopped; where
   that fails all stays as it was.  NULL: only whether they are rules. */
struct img_receive_rules {
	const char *const *allow; /* as img_access_load has them */
	size_t n_allow;
	const char *allow_file;
	const char *users; /* who has to say who it is; NULL: nobody */
	bool certificates; /* peers show them */
};
int img_receive_rules(struct img_receive *r,
		      const struct img_receive_rules *rules,
		      struct img_err *err);
/* Serves until host.stopped says so, then finishes what is in hand.  -1 with
   the reason when nothing can be stored any more. */
int img_receive_serve(struct img_receive *r, const struct img_listen *l,
		      struct img_err *err);
void img_receive_close(struct img_receive *r);

#endif
