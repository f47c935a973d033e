/*
 * atna.h - lines of the audit log as DICOM audit messages (PS3.15 A.5), each a
 * syslog line (RFC 5424) as A.6 and A.7 want it.
 *
 * Lines that were written together and say the same of several objects become
 * one message for each patient, with the studies and the number of objects of
 * each SOP class.  Whose an object is, the catalog knows; of patients only the
 * number is given, which the messages must have.  What neither knows is left
 * out.
 */
#ifndef IMG_ATNA_H
#define IMG_ATNA_H

#include "audit/audit.h"
#include "catalog/catalog.h"

struct img_atna;
/* out gets whole lines; its -1 ends all.  Free with img_atna_free. */
int img_atna_new(struct img_atna **a, struct img_catalog *c, const char *dir,
		 int (*out)(void *arg, const char *text, size_t n), void *arg,
		 struct img_err *err);
int img_atna_add(struct img_atna *a, const struct img_audit_entry *e,
		 struct img_err *err);
/* -1 without err: out said so. */
int img_atna_flush(struct img_atna *a, struct img_err *err);
void img_atna_free(struct img_atna *a);

#endif
