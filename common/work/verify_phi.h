/* verify_phi.h - inside img_verify: identifying values, and where they are. */
#ifndef IMG_VERIFY_PHI_H
#define IMG_VERIFY_PHI_H

#include "check/check.h"
#include "dicom/dicom.h"

struct phi;

/* source: the folder of an archive, or a file with a value a line.  The values
   stay in memory and are never told. */
int phi_load(struct phi **out, const char *source, struct img_err *err);
void phi_free(struct phi *p);

/* What one thread needs to search one object. */
struct phi_search {
	const struct phi *phi;
	struct img_charset charset;
	struct img_buf text, folded;
	uint32_t path[4];
	unsigned depth;
};
void phi_start(struct phi_search *s, const struct phi *phi);
void phi_release(struct phi_search *s);
/* Findings, rule "phi", go to c. */
int phi_event(struct phi_search *s, struct img_check *c,
	      struct img_dicom_reader *r, const struct img_dicom_event *ev,
	      struct img_err *err);
/* Bytes outside of the data set: the preamble, what follows the end. */
void phi_bytes(struct phi_search *s, struct img_check *c, const char *where,
	       const void *p, size_t n);

#endif
