/* writer.h - inside the room: the writer's parts. */
#ifndef IMG_DICOM_WRITER_H
#define IMG_DICOM_WRITER_H

#include <zlib.h>

#include "dicom/reader.h"

#define OUT_SIZE     32768u
#define WRITER_DEPTH (2 * DEPTH_CAP + 4)

struct level {
	uint64_t end; /* of the data set's bytes; NO_END: a delimiter ends it */
	enum img_dicom_kind kind;
	bool implicit, big;
};

struct img_dicom_writer {
	struct img_dicom_sink sink;
	uint64_t count;     /* bytes of the data set, announced ones included */
	uint64_t announced; /* bytes that img_dicom_put_part may still bring */
	unsigned swap;      /* unit to swap in announced bytes, or 0 */
	bool pad_due;
	uint8_t pad;
	bool in_parts; /* the announced value is brought part by part */
	bool failed, deflating, started, in_meta;
	z_stream z;
	size_t len;
	unsigned top;
	struct level stack[WRITER_DEPTH];
	uint8_t out[OUT_SIZE];
	uint8_t packed[OUT_SIZE];
};

/* ---- out.c: 0 or -1; a writer that failed once stays so ---- */

int img_out_fail(struct img_dicom_writer *w, const char *what,
		 struct img_err *err);
int img_out_sink(struct img_dicom_writer *w, const void *p, size_t n,
		 struct img_err *err);
int img_out_pack(struct img_dicom_writer *w, const uint8_t *p, size_t n,
		 int flush, struct img_err *err);
int img_out_flush(struct img_dicom_writer *w, struct img_err *err);
int img_out_put(struct img_dicom_writer *w, const void *p, size_t n,
		struct img_err *err);
int img_out_swapped(struct img_dicom_writer *w, const uint8_t *p, size_t n,
		    unsigned unit, struct img_err *err);

#endif
