/*
 * folder.h - what lies below a folder, in the order of names.
 *
 * As imports do: a link to a file is that file, one to a folder is not
 * followed; whatever is no file is told with the reason, so that every input
 * can have its record.
 */
#ifndef IMG_WORK_FOLDER_H
#define IMG_WORK_FOLDER_H

#include <sys/stat.h>

#include "base/base.h"

struct folder_entry {
	const char *path;          /* begins with the folder as it was given */
	const char *ignored;       /* no file to read, and why; or NULL */
	const struct img_err *why; /* it cannot be looked at; or NULL */
};

/* Less than 0: failed, with err.  More than 0: enough. */
typedef int (*folder_fn)(void *arg, const struct folder_entry *e,
			 struct img_err *err);

/* apart: a folder that is told as ignored, for it is the output; or NULL.
   0, also when f had enough, or -1. */
int folder_each(const char *path, const struct stat *apart, folder_fn f,
		void *arg, struct img_err *err);

#endif
