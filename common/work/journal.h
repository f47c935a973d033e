/*
 * journal.h - lines of the audit log and their place in the catalog, together.
 *
 * Whoever has the archive open for writing calls img_journal_write within its
 * transaction.  Others, who only read the archive but hand out what is in it,
 * open a journal: each commit is a transaction of its own.
 */
#ifndef IMG_JOURNAL_H
#define IMG_JOURNAL_H

#include "audit/audit.h"
#include "catalog/catalog.h"

/* Lets the lines of the next img_journal_write be synced with something else;
   as img_audit_append. */
int img_journal_append(struct img_audit *a, struct img_catalog *c,
		       struct img_err *err);
/* Within a transaction and under the store's lock: what was added to a. */
int img_journal_write(struct img_audit *a, struct img_catalog *c,
		      struct img_err *err);

struct img_journal;
/* by: the command.  1: it is open.  0: the archive is not ours to write, or
   there is none.  -1.  Free with img_journal_close. */
int img_journal_open(struct img_journal **j, const char *dir, const char *by,
		     struct img_err *err);
/* Very many are committed now and then. */
int img_journal_add(struct img_journal *j, const struct img_audit_line *line,
		    struct img_err *err);
/* Durable on return; waits up to a minute for importers. */
int img_journal_commit(struct img_journal *j, struct img_err *err);
void img_journal_close(struct img_journal *j);
/* All of it with one line: the answers of open, or -1. */
int img_journal_line(const char *dir, const char *by,
		     const struct img_audit_line *line, struct img_err *err);

#endif
