/*
 * owed.h - reports of storage commitment that peers have not had: a file each
 * in reports/ of the archive, so that neither a crash nor a restart forgets
 * what was promised (PS3.4 J.3.2: the answer to the N-ACTION is the promise).
 *
 * A file is durable before the N-ACTION is answered and goes when the peer has
 * its report, or when that is given up.  It says who asked and for what; what
 * the answers are is in it once they are known.  Its last line is the digest of
 * all others.  Files are nobody's index: the catalog knows nothing of them.
 *
 * Several listeners may serve one archive, and each has a process that reports:
 * each of these holds a lock on one byte of reports/lock for each report that
 * is its own (img_owed_claim), which the kernel drops with the process.
 *
 * There are ceilings on their number, in all and of one peer, and on their
 * bytes: what goes over them is not promised (IMG_E_LIMIT).
 */
#ifndef IMG_OWED_H
#define IMG_OWED_H

#include "net/net.h"

#define IMG_OWED_NAME 40

struct img_owed_dir {
	int fd, lock;
};

struct img_owed {
	char name[IMG_OWED_NAME]; /* of its file; empty: it has none */
	char title[IMG_AET_MAX], called[IMG_AET_MAX];
	char address[IMG_ADDRESS_MAX];
	int64_t at;  /* when it was asked for */
	bool judged; /* the reasons are known */
	struct img_commitment c;
};

int img_owed_open(struct img_owed_dir *d, const char *archive,
		  struct img_err *err);
void img_owed_close(struct img_owed_dir *d);
/* Removes what a crash has left of files that were being written; before
   others write. */
void img_owed_tidy(struct img_owed_dir *d);
/* Durable on return, under a new name, claimed. */
int img_owed_add(struct img_owed_dir *d, struct img_owed *o,
		 struct img_err *err);
/* The same file anew. */
int img_owed_replace(struct img_owed_dir *d, const struct img_owed *o,
		     struct img_err *err);
/* o is zeroed before; IMG_E_MALFORMED.  With head alone the instances are not
   looked at. */
int img_owed_read(struct img_owed_dir *d, const char *name, bool head,
		  struct img_owed *o, struct img_err *err);
void img_owed_drop(struct img_owed_dir *d, const char *name);
/* false: it is another process's. */
bool img_owed_claim(struct img_owed_dir *d, const char *name);
/* From now on another process may have it. */
void img_owed_let_go(struct img_owed_dir *d, const char *name);
bool img_owed_is_there(struct img_owed_dir *d, const char *name);
/* Calls f for each, in no order; the number of them. */
size_t img_owed_each(struct img_owed_dir *d,
		     void (*f)(void *arg, const char *name), void *arg);

#endif
