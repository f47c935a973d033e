/*
 * history.h - the audit log read for people and programs: its lines as they
 * are, as a table, as CSV, or as DICOM audit messages (PS3.15 A.5).
 *
 * Who reads it leaves a line, where the archive is his to write.
 */
#ifndef IMG_HISTORY_H
#define IMG_HISTORY_H

#include "work/ask.h"

enum img_history_form {
	IMG_HISTORY_TABLE,
	IMG_HISTORY_JSONL,
	IMG_HISTORY_CSV,
	IMG_HISTORY_ATNA
};

struct img_history_opts {
	const char *dir, *by;
	enum img_history_form form;
	const char *const *key; /* "name=value": n, time, by, uid, act, from,
				   to, count, digest */
	size_t keys;
	uint64_t limit; /* lines; 0: all */
	bool count;     /* only how many */
};

/* found: lines that matched.  A log that is broken is told to host->trouble
   where it breaks, and read no further. */
int img_history(struct img_catalog *c, const struct img_history_opts *opts,
		const struct img_ask_host *host, uint64_t *found,
		struct img_err *err);

#endif
