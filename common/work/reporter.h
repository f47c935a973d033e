/* reporter.h - the process that gives reports of storage commitment: what it
   is told, and what it says. */
#ifndef IMG_REPORTER_H
#define IMG_REPORTER_H

#include "work/owed.h"

/* The first message. */
struct reporter_start {
	char archive[IMG_PATH_MAX];
	double seconds; /* how long a report may take */
};

/* All others: a file that is owed. */
struct reporter_job {
	char name[IMG_OWED_NAME];
};

struct reporter_said {
	char peer[96], text[256];
	uint64_t n; /* instances of a report that was given up */
	bool given_up;
};

/* An img_jail_fn.  Begins with all that is nobody's; ends behind the end of
   sock, and when each peer was tried once more. */
int reporter(int sock, void *arg);

#endif
