/* scope.c - which objects a record or an option names. */
#include <stdio.h>
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

bool img_scope_part(const char *part, struct img_catalog_scope *out)
{
	char text[24];
	size_t n = strcspn(part, "/%");
	uint64_t first, parts = 0;

	if (!part[n] || strlen(part) >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)n, part);
	if (!img_parse_u64(text, 1000000, &first) || first == 0)
		return false;
	if (part[n] == '%') {
		out->percent = (unsigned)first;
		return first <= 100 && !part[n + 1];
	}
	out->part = (unsigned)first;
	if (!img_parse_u64(part + n + 1, 1000000, &parts))
		return false;
	out->parts = (unsigned)parts;
	return first <= parts;
}
