/*
 * dcmtk.h - the seam to DCMTK: what C code may ask of it.
 *
 * The only room in C++.  Every function is one guard() that turns exceptions
 * and OFConditions into struct img_err.  DCMTK never names a file and never
 * writes one that is kept, and its log is silent, because it prints values.
 * Bytes pass the checks of our own reader before they come here: deep nesting
 * overflows its stack.  A command that does not call this room does not load
 * DCMTK.
 */
#ifndef IMG_DCMTK_H
#define IMG_DCMTK_H

#include "base/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- codecs: one frame of JPEG, JPEG-LS or RLE ---------------------------
 * Called by the codec room, in its jailed worker, with sizes that it checked.
 */

/* The attributes that say how a frame is made (PS3.3 C.7.6.3). */
struct img_dcmtk_image {
	uint32_t rows, columns;
	uint16_t samples, allocated, stored, high;
	uint16_t representation; /* PixelRepresentation: 1 signed */
	uint16_t planar;         /* PlanarConfiguration */
	char photometric[17];
};

/* Whether DCMTK decodes, or encodes without loss, this transfer syntax. */
bool img_dcmtk_decodes(const char *ts);
bool img_dcmtk_encodes(const char *ts);

/*
 * Decodes the coded frame p[0..n), one item of a fragment sequence, into
 * out[0..size): little endian, size = the native size of the frame.  image is
 * as in the data set, and becomes what the result is.
 */
int img_dcmtk_decode(const char *ts, struct img_dcmtk_image *image,
		     const void *p, size_t n, void *out, size_t size,
		     struct img_err *err);
/*
 * Encodes a native little endian frame without loss.  *out is the coded frame,
 * of *len bytes, even; free with free().  image becomes what the data set has
 * to say of it.
 */
int img_dcmtk_encode(const char *ts, struct img_dcmtk_image *image,
		     const void *p, size_t n, uint8_t **out, size_t *len,
		     struct img_err *err);

/* ---- DICOMDIR ------------------------------------------------------------ */

/* A directory record without the offsets that chain it to others. */
struct img_dcmtk_record {
	size_t parent; /* index of an earlier record; SIZE_MAX: the root */
	const void *data; /* its elements, explicit VR little endian, checked
			     and bounded; DirectoryRecordType among them */
	size_t size;
};

/*
 * Writes a DICOMDIR of these records, in their order, to path, which must not
 * exist: a name in a folder that nobody else can write to.  sop is its
 * MediaStorageSOPInstanceUID.  Errors of closing the file are not found here:
 * the caller reads it back.
 */
int img_dcmtk_dicomdir(const char *path, const char *file_set_id,
		       const char *sop, const struct img_dcmtk_record *record,
		       size_t count, struct img_err *err);

/* ---- network: requestor -------------------------------------------------- */

/* ---- network: acceptor --------------------------------------------------- */

#ifdef __cplusplus
}
#endif
#endif
