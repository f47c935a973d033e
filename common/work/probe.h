/*
 * probe.h - attributes by their path, out of objects' headers: what the
 * catalog does not hold.
 *
 * A path is a tag, or the tags of sequences and a tag within their items:
 * "RequestAttributesSequence.ScheduledProcedureStepID", "0040,0275.0040,0009",
 * "(0029,1010)".
 */
#ifndef IMG_PROBE_H
#define IMG_PROBE_H

#include "base/base.h"
#include "dicom/dicom.h"
#include "store/store.h"

#define IMG_PROBE_DEPTH 8

struct img_probe_path {
	uint32_t tag[IMG_PROBE_DEPTH];
	unsigned n;
	char vr[3];     /* of the last tag; "UN" if not known */
	char name[256]; /* keywords where there are, "gggg,eeee" elsewhere */
};

/* false if it is no path (vr is empty), or ends at a sequence (vr is SQ). */
bool img_probe_parse(struct img_probe_path *p, const char *text);
/* The length of the first path in a list with commas: that in gggg,eeee is
   none of these. */
size_t img_probe_span(const char *list);

struct img_probe;

/* paths must outlive the probe.  store is only used by img_probe_object. */
int img_probe_new(struct img_probe **p, const struct img_probe_path *paths,
		  size_t n, struct img_err *err);
void img_probe_free(struct img_probe *p);
/* Reads an object: place, or by its digest in the store.  Then value(i) is
   the UTF-8 of the i-th path, several values (of several items, too) with
   backslashes between; NULL if absent, empty or no text.  Lives until the
   next read. */
int img_probe_read(struct img_probe *p, struct img_store *store,
		   const uint8_t digest[IMG_DIGEST_SIZE], const char *place,
		   struct img_err *err);
/* Forgets the values, as if all were absent. */
void img_probe_clear(struct img_probe *p);
const char *img_probe_value(const struct img_probe *p, size_t i);
/* Its VR as the object has it, or the path's. */
const char *img_probe_vr(const struct img_probe *p, size_t i);

#endif
