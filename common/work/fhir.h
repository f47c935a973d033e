/*
 * fhir.h - a study as a FHIR R4 ImagingStudy, from the catalog alone.
 *
 * There is no time zone in the catalog, and FHIR wants one with a time of
 * day: dates only are given.
 */
#ifndef IMG_FHIR_H
#define IMG_FHIR_H

#include "catalog/catalog.h"

/* One line with its newline: the study, its series, and with images also
   their instances. */
int img_fhir_study(struct img_catalog *c, int64_t study, bool images,
		   struct img_buf *out, struct img_err *err);

#endif
