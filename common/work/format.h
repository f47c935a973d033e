/*
 * format.h - what was found, as text: JSON lines, CSV (RFC 4180), the DICOM
 * JSON model (PS3.18 F), cells of a table.
 */
#ifndef IMG_FORMAT_H
#define IMG_FORMAT_H

#include "work/find.h"

enum img_format {
	IMG_FORMAT_TABLE,
	IMG_FORMAT_JSONL,
	IMG_FORMAT_CSV,
	IMG_FORMAT_DICOM_JSON,
	IMG_FORMAT_FHIR
};

/* Facts of ours that a row can have besides its fields. */
enum img_ours {
	IMG_OURS_STATUS = 1 << 0,
	IMG_OURS_KEY = 1 << 1,
	IMG_OURS_DIGEST = 1 << 2,
	IMG_OURS_BYTES = 1 << 3,
	IMG_OURS_ADDED = 1 << 4,
	IMG_OURS_PRIOR_OF = 1 << 5,
	IMG_OURS_CHECKED = 1 << 6,
	IMG_OURS_VERDICT = 1 << 7
};
#define IMG_OURS_MAX 8

struct img_writer {
	enum img_format format;
	unsigned ours; /* enum img_ours: what JSON lines, CSV and tables give */
	const struct img_find_field *field;
	size_t fields;
};

/* One line with its end: of a row, and before the first one (may be none). */
int img_format_head(const struct img_writer *w, struct img_buf *out,
		    struct img_err *err);
int img_format_row(const struct img_writer *w, const struct img_found *f,
		   struct img_buf *out, struct img_err *err);

/* Columns of CSV and tables.  A title lives as long as w. */
size_t img_format_columns(const struct img_writer *w);
const char *img_format_title(const struct img_writer *w, size_t i);
/* The cell for people: dates, times and names readable, no controls.  text
   is room for it; the answer is never NULL. */
#define IMG_CELL_MAX 512
const char *img_format_cell(const struct img_writer *w,
			    const struct img_found *f, size_t i,
			    char text[IMG_CELL_MAX]);

/* In the DICOM JSON model; used by format.c. */
int img_format_dicom_json(const struct img_writer *w, const struct img_found *f,
			  struct img_buf *out, struct img_err *err);

#endif
