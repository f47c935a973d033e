/*
 * scope.h - which objects a record names: those of its most specific UID, or
 * those of its patient when it has none.
 */
#ifndef IMG_SCOPE_H
#define IMG_SCOPE_H

#include "catalog/catalog.h"
#include "record/record.h"

/* Strings are the record's.  false: the record names nothing.  A PatientID
   is taken with the issuer that the record has, or with none. */
bool img_scope_of_record(const struct img_record *rec, struct img_scope *out);

/* A part of the archive: "2/7" the second of seven, "10%" what was not read for
   the longest time; false if it is none. */
bool img_scope_part(const char *part, struct img_catalog_scope *out);

#endif
