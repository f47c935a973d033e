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

#endif
