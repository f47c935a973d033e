/*
 * send.h - objects to a DICOM peer, one record each.
 *
 * Inputs are handed in one after the other; associations are opened by
 * threads of their own as soon as there is something to send, with the
 * presentation contexts that it needs.  An object is read, compared with its
 * digest and walked by our reader before its first byte leaves.
 *
 * The archive's ledger knows what a peer has taken.  A record is handed to
 * host->emit after its line of the ledger is durable, so that a run that was
 * killed is taken up by the next one exactly where its records end.
 */
#ifndef IMG_SEND_H
#define IMG_SEND_H

#include "net/net.h"
#include "record/record.h"

struct img_send_opts {
	const char *archive; /* its folder; opened when it is there */
	struct img_peer peer;
	unsigned jobs;    /* associations side by side; 0: 1 */
	unsigned retries; /* of an object, and of an association */
	unsigned connect_seconds, assoc_seconds, dimse_seconds;
	uint64_t rate;    /* bytes a second over all associations; 0: any */
	int from, until;  /* minutes of the day; equal: any time */
	bool allow_lossy; /* may decode what was compressed with loss */
	bool again;       /* pay no heed to the ledger */
	bool commit;      /* ask the peer to vouch for what it has stored */
	unsigned commit_seconds;
	uint16_t commit_port; /* reports may come here, too; 0: not */
};

struct img_send_host {
	int (*emit)(void *arg, const struct img_record *rec);
	void (*trouble)(void *arg, const struct img_err *err);
	void (*progress)(void *arg, uint64_t items, uint64_t bytes);
	bool (*stopped)(void *arg);
	void *arg;
};

struct img_send;

int img_send_open(struct img_send **s, const struct img_send_opts *opts,
		  const struct img_send_host *host, struct img_err *err);
/* A file, a folder or the UID of what is in the archive.  What is wrong with
   it is said in its record; -1 only when nothing more can be done. */
int img_send_text(struct img_send *s, const char *text, struct img_err *err);
int img_send_record(struct img_send *s, const struct img_record *rec,
		    struct img_err *err);
/* Waits until all of it has its record; -1 if the ledger could not be
   written. */
int img_send_finish(struct img_send *s, struct img_err *err);
void img_send_close(struct img_send *s);

/* Asks the peer whether it is there (C-ECHO).  -1: err says why not.
   seconds: how long the answer took. */
int img_send_echo(const struct img_send_opts *opts, double *seconds,
		  struct img_err *err);

#endif
