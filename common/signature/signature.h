/*
 * signature.h - the digital signatures in an object (PS3.15 Annex C), checked
 * in a jailed worker, because all of the object is parsed there by DCMTK.
 *
 * Open it before any thread starts, and before identifying values are read.
 */
#ifndef IMG_SIGNATURE_H
#define IMG_SIGNATURE_H

#include "dcmtk/dcmtk.h"

#define IMG_SIGNATURES 32                    /* of one object, that are told */
#define IMG_SIGNED_MAX ((uint64_t)256 << 20) /* bytes of an object */

struct img_signatures;

/* ca: a PEM file of authorities that are trusted, or NULL. */
int img_signatures_open(struct img_signatures **out, const char *ca,
			struct img_err *err);
void img_signatures_close(struct img_signatures *s);
/* Of the object in fd, which our reader has read to its end; from any thread.
   *total counts those beyond IMG_SIGNATURES, too.  -1: they cannot be told. */
int img_signatures_check(struct img_signatures *s, int fd,
			 struct img_signature out[IMG_SIGNATURES],
			 size_t *total, struct img_err *err);

#endif
