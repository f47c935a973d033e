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
 * is kept elsewhere.
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
/* act: "stored", "conflict", "replaced", ...; digest NULL: none. */
int img_audit_add(struct img_audit *a, const char *act, const uint8_t *digest,
		  struct img_err *err);
/* The same with the peer that wanted it; NULL: none. */
int img_audit_add_from(struct img_audit *a, const char *act,
		       const uint8_t *digest, const char *from,
		       struct img_err *err);
int img_audit_commit(struct img_audit *a, struct img_err *err);
/* The newest line that was committed by this one: its number and hash; false
   if there is none yet. */
bool img_audit_head(const struct img_audit *a, uint64_t *lines,
		    char head[IMG_DIGEST_HEX]);
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
/* Calls f with act and digest (may be NULL) of each line, in order, until the
   first that is broken. */
int img_audit_each(struct img_audit *a,
		   int (*f)(void *arg, const char *act, const uint8_t *digest,
			    struct img_err *err),
		   void *arg, struct img_err *err);

#endif
