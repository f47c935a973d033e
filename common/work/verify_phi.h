/* verify_phi.h - inside img_verify: identifying values, and where they are. */
#ifndef IMG_VERIFY_PHI_H
#define IMG_VERIFY_PHI_H

#include "check/check.h"
#include "dicom/dicom.h"

#define PHI_SHORTEST 4 /* bytes; shorter ones are everywhere */

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
	bool strong, weak; /* what was found in the object */
};
void phi_start(struct phi_search *s, const struct phi *phi);
void phi_release(struct phi_search *s);
/*
 * Findings go to c: with the rule "phi", an error, for what identifies; with
 * "phi-word", a warning, for what may be there by chance: a common word, a
 * short number, a day that is the birthday of somebody.
 */
int phi_event(struct phi_search *s, struct img_check *c,
	      struct img_dicom_reader *r, const struct img_dicom_event *ev,
	      struct img_err *err);
/* Bytes outside of the data set: the preamble, what follows the end. */
void phi_bytes(struct phi_search *s, struct img_check *c, const char *where,
	       const void *p, size_t n);

/* ---- what verify_phi.c and verify_phi_find.c share ---------------------- */

enum phi_kind {
	PHI_WORDS,   /* without a digit */
	PHI_MIXED,   /* with some */
	PHI_FIGURES, /* nothing else */
	PHI_DATE,    /* of birth */
	PHI_UID
};

struct phi_value {
	uint32_t at, n; /* in text */
	uint32_t next;  /* of the same slot, plus one */
	uint8_t kind, from;
	uint8_t words;
	bool part;    /* a word of a name */
	bool common;  /* each of its words names nobody */
	bool holder;  /* it stands where a value might */
	bool nobody;  /* so does each of a code or a maker */
	bool nothing; /* it says that there is none */
};

#define PHI_BITS 20
struct phi {
	struct img_buf text;
	struct phi_value *value;
	size_t n, room;
	uint32_t slot[1u << PHI_BITS];
};

struct phi_source {
	const char *keyword;
	uint32_t tag;
};
extern const struct phi_source phi_sources[];

static inline uint32_t phi_slot(const uint8_t *p)
{
	uint32_t v = (uint32_t)p[0] | (uint32_t)p[1] << 8 |
		     (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

	return (v * 2654435761u) >> (32 - PHI_BITS);
}

#endif
