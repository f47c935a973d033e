/*
 * transcode.h - an object in another transfer syntax.
 *
 * Attributes go through our reader and writer one by one and keep their
 * values; those that say how pixels are coded get what the codec says.  Frames
 * are decoded and encoded one at a time by the codec room, and what was
 * encoded is proved by decoding it again (PS3.5 A.4, PS3.3 C.7.6.3).
 */
#ifndef IMG_TRANSCODE_H
#define IMG_TRANSCODE_H

#include "codec/codec.h"

struct img_transcode {
	const char *to;   /* UID of the transfer syntax */
	bool plain_vrs;   /* UC UR OD OL OV SV UV become UN (PS3.5 6.2) */
	bool allow_lossy; /* decode what was compressed with loss */
};

/*
 * The DICOM object in fd, written to out, a new file that can be sought; name
 * is for messages.  s is needed when frames have to be decoded or encoded and
 * may be NULL elsewhere.  -1: out has half an object.  IMG_E_REFUSED for lossy
 * frames that may not be decoded, and for video.
 */
int img_transcode(struct img_codec_session *s, struct img_dicom_reader *r,
		  int fd, const char *name, const struct img_transcode *how,
		  int out, struct img_err *err);

#endif
