/* scope.c - which objects a record names. */
#include <string.h>

#include "work/scope.h"

bool img_scope_of_record(const struct img_record *rec, struct img_scope *out)
{
	const char *issuer = NULL;

	memset(out, 0, sizeof(*out));
	if (rec->sop) {
		out->level = IMG_IMAGE;
		out->uid = rec->sop;
	} else if (rec->series) {
		out->level = IMG_SERIES;
		out->uid = rec->series;
	} else if (rec->study) {
		out->level = IMG_STUDY;
		out->uid = rec->study;
	} else if (rec->in) {
		out->level = IMG_PATIENT;
		out->uid = img_json_get(rec->in, "PatientID");
		issuer = img_json_get(rec->in, "IssuerOfPatientID");
		out->issuer = issuer ? issuer : "";
	}
	return out->uid && *out->uid;
}
