/*
 * verify.h - is the archive still what was stored?  Objects against their
 * digests and rows, the catalog against its sums, the audit log against its
 * chain, the catalog against the objects.
 *
 * Verdicts go to host->emit as records: intact, damaged, missing, invalid,
 * extra, or failed with an error where it could not be told; of studies,
 * complete, incomplete or unknown.  What a check found is
 * written down in the catalog where that can be written, so that --older-than
 * and --subset 10% know what was checked when.
 */
#ifndef IMG_VERIFY_H
#define IMG_VERIFY_H

#include "catalog/catalog.h"
#include "record/record.h"

struct img_verify_host {
	int (*emit)(void *arg, const struct img_record *rec);
	void (*progress)(void *arg, uint64_t items, uint64_t bytes);
	bool (*stopped)(void *arg);
	void *arg;
};

struct img_verify;

/* Whether a verdict says that all is well; an error says nothing. */
bool img_verify_is_good(const struct img_record *rec);

/* Pages of objects come in the order of their numbers.  In a catalog whose
   keys were changed they may not, and would be read for ever. */
struct img_page_order {
	int64_t instance, object; /* the last one */
	unsigned empty;           /* pages without an object, in a row */
};
bool img_page_follows(struct img_page_order *last, const struct img_object *o,
		      size_t n);

struct img_verify_opts {
	const char *dir; /* of the archive; opened when it is needed */
	unsigned jobs; /* objects read side by side; 0: as many as processors */
	bool deep;     /* look inside: is it what the standard says */
	bool no_frames;      /* look inside, but decode nothing */
	uint64_t older_than; /* days: only what was not read for so long */
	const char *sign;    /* key to sign a statement with, or NULL */
	const char
		*signed_by; /* public key of the one to be checked, or NULL */
	const char *statement; /* that one */
	const char *phi;       /* source of identifying values, or NULL */
	uint64_t rate;         /* bytes read a second, of objects; 0: any */
	uint64_t max_time;     /* seconds that a scrub may take; 0: any */
	bool complete;         /* whether all of a study is there, instead */
	const char *ca; /* authorities that are trusted with signatures; NULL */
	const char *witness; /* with complete: a DICOMDIR, a selection; NULL */
	const char *peer;    /* with complete: who is asked by C-FIND; NULL */
	int passphrase_fd;   /* of a medium that is encrypted; -1: it is not */
	bool strict; /* what deviates from the standard is invalid, too */
};
int img_verify_open(struct img_verify **v, const struct img_verify_opts *opts,
		    const struct img_verify_host *host, struct img_err *err);
/* What was written down ends with a line of the audit log. */
int img_verify_finish(struct img_verify *v, struct img_err *err);
void img_verify_close(struct img_verify *v);

/* Objects of the scope; whole: also every row, and what lies in the store
   and is in no row (within the part that scope names). */
int img_verify_scope(struct img_verify *v,
		     const struct img_catalog_scope *scope, bool whole,
		     struct img_err *err);
/*
 * Objects that have gone unread for longest first, each once, and what is told
 * of them is written down as it goes: whatever ends it, the next one goes on
 * from there.  With older_than: those that were not read for so long.  Else a
 * pass over all objects, which may take several runs and begins anew when it
 * was finished; with it go what img_verify_scope with whole looks at besides.
 * ended: nothing is left for this pass (else max_time was over).
 */
int img_verify_scrub(struct img_verify *v, bool *ended, struct img_err *err);
/*
 * What a record names, or a text: a file, a folder, a UID.  Objects of the
 * archive are judged by their digests; a file by the record's digest, or else
 * by what is in it.  What is nowhere is missing.  Files may be kept back and
 * judged together: img_verify_flush.  What cannot be judged has a record that
 * says so, and is no failure of the call.
 */
int img_verify_input(struct img_verify *v, const struct img_record *rec,
		     const char *text, struct img_err *err);
int img_verify_flush(struct img_verify *v, struct img_err *err);
/* Two files or images of the archive against each other: one record, "same" or
   "differs". */
int img_verify_same(struct img_verify *v, const char *a, const char *b,
		    struct img_err *err);
/* A medium: every byte, its DICOMDIR both ways, its manifest; one record for
   each fault and one for the whole.  profile: NULL: any. */
int img_verify_media(struct img_verify *v, const char *path,
		     const char *profile, struct img_err *err);
/* The archive against another one, a folder, an archive file or a disc: one
   record for each object there, and for what is only here. */
int img_verify_against(struct img_verify *v, const char *path,
		       struct img_err *err);
int img_verify_new_key(const char *file, struct img_err *err);
/*
 * With sign or signed_by.  First, before hours are spent: can the key be used,
 * and is the statement signed with it?  1: it is not, as was told, and there
 * is nothing to look for.  Last: a statement on all that was intact, or
 * whether the one of before is about the same objects.  failed: so many inputs
 * could not be looked at, records with an error among them: what is signed
 * would not be what was asked for.
 */
int img_verify_statement_begin(struct img_verify *v, struct img_err *err);
int img_verify_statement(struct img_verify *v, uint64_t failed,
			 struct img_err *err);
/* The chain of the audit log: one record. */
int img_verify_audit(struct img_verify *v, struct img_err *err);
/*
 * A new catalog from the objects alone, in the order of the audit log; one
 * record for each object on which the old one differs.  Unless dry, the new
 * one takes the old one's place, which is kept as catalog.db.before-<time>.
 */
int img_verify_rebuild(const char *dir, bool dry,
		       const struct img_verify_host *host, struct img_err *err);

#endif
