/* verify_source.h - inside img_verify: the files of a medium or a copy. */
#ifndef IMG_VERIFY_SOURCE_H
#define IMG_VERIFY_SOURCE_H

#include "crypto/crypto.h"

struct verify_entry {
	const char *path; /* from the folder or the root of the archive */
	int fd; /* all of it, during the call; -1 if it could not be opened */
	uint64_t bytes;
	uint8_t digest[IMG_DIGEST_SIZE], sha256[IMG_DIGEST_SIZE];
	const struct img_err *why; /* it could not be read to its end */
};

/* Whether what lies there is bad, or not even looked at: it may not be read,
   or too much is open here. */
static inline bool verify_is_bad(const struct img_err *why)
{
	return why->code != IMG_E_DENIED && why->code != IMG_E_BUSY;
}

/* Nonzero ends it. */
typedef int (*verify_each_fn)(const struct verify_entry *e, void *arg,
			      struct img_err *err);

/* A file without a name, which goes with its descriptor; -1: there is none. */
int verify_temporary(struct img_err *err);
/* A folder, or a file or device that is an archive or a disc; the passphrase
   of encrypted members, or NULL.  0; -1: fn has ended it, or there is no memory;
   1 with err: it cannot be read, or not to its end. */
int verify_each(const char *path, const char *passphrase, verify_each_fn fn,
		void *arg, struct img_err *err);

#endif
