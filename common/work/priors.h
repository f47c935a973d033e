/*
 * priors.h - the earlier studies of a patient that matter most for a study:
 * same body part and same modality before only one of them, body part before
 * modality, then the latest.
 */
#ifndef IMG_PRIORS_H
#define IMG_PRIORS_H

#include "catalog/catalog.h"

#define IMG_PRIORS_MAX 1000

/*
 * Rows of up to `most` studies (at most IMG_PRIORS_MAX) in their order; *n of
 * them.  A study that is listed under two patients has priors of both.
 * Studies of the same moment or without a date are no priors; of a study
 * without a date all others of the patient are.  1, or 0 if there is no such
 * study.
 */
int img_priors(struct img_catalog *c, const char *study_uid, size_t most,
	       int64_t row[IMG_PRIORS_MAX], size_t *n, struct img_err *err);

#endif
