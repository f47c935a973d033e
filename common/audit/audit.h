/*
 * audit.h - DIR/audit.log: what was done to the archive, append-only, one
 * JSON object a line, each holding the BLAKE2b-256 of the line before (its
 * bytes without the newline) as "prev".  The first line's prev is 64 zeros.
 *
 * A line names objects by digest, never a patient.  Adding collects lines;
 * img_audit_commit chains, appends and syncs them, and must be called under
 * the store's lock, after the objects are durable and before the catalog is
 * committed.  A crash in the middle of an append leaves a last line without
 * its newline: the next commit cuts it off (nothing was reported on it) and
 * says so in a line of its own.
 *
 * The chain shows every change but that of its newest lines: the catalog keeps
 * a head for that, and whoever may write both should be met with a head that
 * is kept elsewhere.  So that nobody can forget it, committing takes who keeps
 * it: img_catalog_audit and img_catalog_note_audit with the catalog, in a
 * transaction of it (work/journal.h does).  Where lines are gone that the
 * keeper knows of, the next one says so, and the chain is never whole again.
 */
#ifndef IMG_AUDIT_H
#define IMG_AUDIT_H

#include "base/base.h"
#include "crypto/crypto.h"

struct img_audit;

/* by: "imgimport".  IMG_WRITE creates the file, mode 0600. */
int img_audit_open(struct img_audit **a, const char *dir, const char *by,
		   enum img_mode mode, struct img_err *err);
void img_audit_close(struct img_audit *a);
/* One thing that was done.  act: "stored", "sent", ... (imgcatalog(5) lists
   them); what is NULL or 0 is left out.  from, to: a peer, or a kind of place;
   never a path, which may name a patient. */
struct img_audit_line {
	const char *act;
	const uint8_t *digest; /* of the object */
	const char *from, *to;
	uint64_t count; /* of objects, where there is no line for each */
};
int img_audit_add(struct img_audit *a, const struct img_audit_line *line,
		  struct img_err *err);
/* How many were added since the last commit. */
size_t img_audit_added(const struct img_audit *a);
/* Who keeps the number and the hash of the newest line elsewhere. */
struct img_audit_keeper {
	/* 1, 0 nothing is kept yet, -1. */
	int (*known)(void *arg, uint64_t *lines, char head[IMG_DIGEST_HEX],
		     struct img_err *err);
	int (*note)(void *arg, uint64_t lines, const char *head,
		    struct img_err *err);
	void *arg;
};
/* Writes what was added, not yet durable: a sync of something else may then
   take it along.  A power cut before the commit may leave these lines, though
   nothing was reported on them, or zeros in their place, which the next commit
   cuts off. */
int img_audit_append(struct img_audit *a, const struct img_audit_keeper *k,
		     struct img_err *err);
int img_audit_commit(struct img_audit *a, const struct img_audit_keeper *k,
		     struct img_err *err);
/* Whether that failed as the log ends in a line that is none of ours
   (IMG_E_MALFORMED), and not for what the keeper keeps. */
bool img_audit_is_foreign(const struct img_audit *a);
/* Forgets what was added and not committed. */
void img_audit_rollback(struct img_audit *a);

struct img_audit_check {
	/* Given: what line number at is known to be (0: nothing is known). */
	uint64_t at;
	char at_head[IMG_DIGEST_HEX];
	/* Found. */
	uint64_t lines;            /* good ones */
	uint64_t broken;           /* number of the first bad line; 0: none */
	const char *what;          /* what is wrong with it */
	char head[IMG_DIGEST_HEX]; /* hash of the last good line */
};
/* Reads the whole chain; 0 also when it is broken. */
int img_audit_verify(struct img_audit *a, struct img_audit_check *out,
		     struct img_err *err);
/* A line as it was read; strings live within the call. */
struct img_audit_entry {
	uint64_t n;
	const char *time, *by, *act;
	const char *from, *to; /* NULL: none */
	uint64_t uid, count;   /* count 0: none */
	bool has_digest;
	uint8_t digest[IMG_DIGEST_SIZE];
	const char *text; /* the line itself, without its newline */
	size_t text_n;
};
/* Calls f with each line, in order.  1: to the end; 0: only until the first
   line that is broken. */
int img_audit_each(struct img_audit *a,
		   int (*f)(void *arg, const struct img_audit_entry *e,
			    struct img_err *err),
		   void *arg, struct img_err *err);

#endif
