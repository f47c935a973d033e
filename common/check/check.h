/*
 * check.h - is an object what the standard says it is?
 *
 * A checker is fed the events of one object as the reader gives them, in one
 * pass, and collects findings: what breaks a rule, where, and which rule.  It
 * does no I/O of its own and never decodes a pixel.  Memory is bounded by the
 * reader's own ceilings.
 *
 * Also in that pass: a digest over the canonical data set, which stays the
 * same when an object is written anew with another transfer syntax, other
 * padding or lengths, another order or character set.
 *
 * What attributes an object must have comes from attributes.csv and iods.csv.
 *
 * Order of calls: img_check_new once; for each object img_check_start,
 * img_check_event for each event, img_check_end; then what was found, until the
 * next start.
 */
#ifndef IMG_CHECK_H
#define IMG_CHECK_H

#include "crypto/crypto.h"
#include "dicom/dicom.h"

/* Give the reader these: values of texts are judged whole. */
extern const struct img_dicom_limits img_check_limits;

#define IMG_FINDINGS_MAX 64

struct img_finding {
	bool error;       /* what it holds cannot be relied on; else it only
			     deviates from the standard */
	const char *rule; /* one word: "pixel-length" */
	char where[64];   /* "(0040,0275)/(0040,0008)"; "" for the whole */
	char text[120];   /* never a value */
};

struct img_check_facts {
	char study[IMG_UID_MAX], series[IMG_UID_MAX], sop[IMG_UID_MAX],
		sop_class[IMG_UID_MAX], modality[17];
	uint64_t rows, columns, samples, allocated, frames;
	bool has_pixels;               /* PixelData, of any kind */
	bool complete;                 /* all was read */
	bool parse_failed;             /* the reader said so */
	uint8_t data[IMG_DIGEST_SIZE]; /* canonical data set; when complete */
};

struct img_check;

/* NULL with err. */
struct img_check *img_check_new(struct img_err *err);
void img_check_free(struct img_check *c);
void img_check_start(struct img_check *c);
/* -1 only for want of memory. */
int img_check_event(struct img_check *c, struct img_dicom_reader *r,
		    const struct img_dicom_event *ev, struct img_err *err);
/* All was read: facts are the reader's.  With facts NULL it could not be, and
   why says for what reason. */
int img_check_end(struct img_check *c, const struct img_dicom_facts *facts,
		  const struct img_err *why, struct img_err *err);

/* Adds one that was found elsewhere (where may be ""). */
void img_check_add(struct img_check *c, bool error, const char *rule,
		   const char *where, const char *fmt, ...) IMG_PRINTF(5, 6);
/* *total counts also those beyond IMG_FINDINGS_MAX. */
size_t img_check_findings(const struct img_check *c,
			  const struct img_finding **out, size_t *total);
const struct img_check_facts *img_check_facts(const struct img_check *c);
/* The elements of the canonical data set by ascending tag, when complete. */
struct img_check_part {
	uint32_t tag, n; /* n: order of arrival */
	uint8_t digest[IMG_DIGEST_SIZE];
};
size_t img_check_parts(const struct img_check *c,
		       const struct img_check_part **out);

#endif
