/* coerce.h - attributes changed on the way in; for the import. */
#ifndef IMG_WORK_COERCE_H
#define IMG_WORK_COERCE_H

#include "work/ingest_private.h"

/* The object at p with the changes of x->g->opts.set made, into out, which
   it initialises; to be released by the caller also on failure. */
int coerce(struct examiner *x, const char *name, const uint8_t *p, size_t n,
	   struct img_buf *out, struct img_err *err);
/* IMG_E_USAGE if one of them cannot be made. */
int coerce_check(const char *const *set, size_t n, struct img_err *err);

#endif
