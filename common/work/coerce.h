/* coerce.h - attributes changed on the way in; for the import. */
#ifndef IMG_WORK_COERCE_H
#define IMG_WORK_COERCE_H

#include "work/ingest_private.h"

#define SET_MAX 32

/* One Keyword=value. */
struct change {
	uint32_t tag;
	char vr[3];
	const char *value;
};

struct changes {
	struct change change[SET_MAX];
	size_t n;
};

/* Ascending tags; the last of two for one attribute wins. */
int coerce_parse(const char *const *set, size_t n, struct changes *out,
		 struct img_err *err);
/* The object at p with the changes of x->g->opts.set made, into out, which
   it initialises; to be released by the caller also on failure. */
int coerce(struct examiner *x, const char *name, const uint8_t *p, size_t n,
	   struct img_buf *out, struct img_err *err);
/* The same for n bytes of fd, from its start, and into a file being written. */
int coerce_file(struct examiner *x, const char *name, int fd, uint64_t n,
		struct img_store_file *out, struct img_err *err);
/* IMG_E_USAGE if one of them cannot be made. */
int coerce_check(const char *const *set, size_t n, struct img_err *err);

#endif
