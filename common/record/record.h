/*
 * record.h - the record that travels between commands: imgrecord(5).
 *
 * Strings are borrowed: they point at memory of whoever made the record, or
 * into in (the parsed line, which the record owns).  A key that we do not
 * know stays in `in` and is written again.  NULL is "not there".
 */
#ifndef IMG_RECORD_H
#define IMG_RECORD_H

#include "base/base.h"
#include "jsonl/jsonl.h"

#define IMG_RECORD_WARNINGS 16

struct img_record {
	const char *status;
	const char *path;
	const char *study;           /* StudyInstanceUID */
	const char *series;          /* SeriesInstanceUID */
	const char *sop;             /* SOPInstanceUID */
	const char *sop_class;       /* SOPClassUID */
	const char *transfer_syntax; /* TransferSyntaxUID */
	const char *modality;        /* Modality */
	bool has_bytes;
	uint64_t bytes;
	const char *digest; /* 64 hex digits */
	const char *reason; /* why a thing was ignored */
	const char *warning[IMG_RECORD_WARNINGS];
	size_t warnings;
	struct img_err error; /* code IMG_OK: no error */
	const char *error_by; /* command that met it; NULL: this one */
	const char *cause;    /* what it has in common with the errors of
					others, of which people are told once;
					not written; NULL: nothing */
	const char *extra;    /* more members as JSON text without
					braces ("\"members\":12"), or NULL */
	struct img_json *in;  /* where it was read from, or NULL */
};

void img_record_init(struct img_record *r);
void img_record_release(struct img_record *r);
/* Whether its status is one of these words, which have a space between them. */
bool img_record_has_status(const struct img_record *r, const char *words);
/* Adds a warning, unless it is there already or there are too many. */
void img_record_warn(struct img_record *r, const char *text);
/* One line of JSON into r; the record owns what it needs of it.  A known key
   of the wrong type is IMG_E_MALFORMED.  r is initialised by this. */
int img_record_parse(struct img_record *r, const char *line, size_t n,
		     struct img_err *err);
/* Appends the record and a newline: known keys in the order of
   imgrecord(5), then extra, then those keys of in that are neither.  An
   error without a status writes the status "failed".  On failure out is as
   it was; a line over IMG_LINE_MAX is IMG_E_LIMIT. */
int img_record_write(const struct img_record *r, const char *command,
		     struct img_buf *out, struct img_err *err);

#endif
