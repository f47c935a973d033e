/*
 * codec.h - frames in and out: finding the frames of an object, decoding,
 * encoding and cleaning them.
 *
 * The frames of an object are found by our own reader: native ones by
 * arithmetic, encapsulated ones by the Extended or Basic Offset Table where
 * those are right, else by the fragments themselves (PS3.5 A.4).  Decoders run
 * in a jailed worker that reads the pieces of one frame at a time from the
 * object's descriptor; its answer is streamed, so that a frame of any size
 * costs the program a bounded buffer.  Sizes are checked before a decoder
 * starts: those of the data set among each other, and those inside the coded
 * frame against the data set.
 *
 * DCMTK decodes RLE, JPEG and JPEG-LS; OpenJPEG JPEG 2000 and HTJ2K.
 *
 * Order of calls: img_codec_open before any thread starts, once; a session for
 * each thread; img_frames_open for an object; img_codec_run for each frame.
 */
#ifndef IMG_CODEC_H
#define IMG_CODEC_H

#include "dicom/dicom.h"

/* Bytes of one decoded frame at most; the worker holds two of them. */
#define IMG_FRAME_MAX (192u << 20)

/*
 * What a frame is made of (PS3.3 C.7.6.3).  Attributes that are absent: one
 * sample, all bits allocated stored, unsigned, no photometric interpretation;
 * Rows, Columns and BitsAllocated have to be there.
 */
struct img_codec_image {
	uint32_t rows, columns;
	uint16_t samples, allocated, stored, high;
	uint16_t representation; /* 1: signed */
	uint16_t planar;         /* 1: a plane for each sample */
	char photometric[17];
};

/* Bytes of a native frame (1 bit allocated: bytes that hold its bits).
   IMG_E_MALFORMED if the attributes contradict each other, IMG_E_LIMIT over
   IMG_FRAME_MAX. */
int img_codec_frame_size(const struct img_codec_image *image, size_t *out,
			 struct img_err *err);

/* Native: ts has no codec.  Lossy: its result is not what went in. */
bool img_codec_is_native(const char *ts);
bool img_codec_is_lossy(const char *ts);
bool img_codec_decodes(const char *ts);
bool img_codec_encodes(const char *ts); /* without loss */
/* The UID for "explicit", "implicit", "rle", "jpeg", "jpegls", "j2k", "htj2k",
   "deflated" ..., or for a UID itself; NULL if it is none of ours. */
const char *img_codec_ts(const char *name);

/* ---- the frames of an object -------------------------------------------- */

struct img_frames;

struct img_frames_facts {
	char ts[IMG_UID_MAX];
	struct img_codec_image image;
	/* There, and as NumberOfFrames says.  Fewer there than stated: the rest
	   is missing, and img_codec_run says so of each. */
	uint32_t frames;
	uint32_t stated;
	bool native, big, deflated;
	bool has_pixels; /* PixelData; else Float, DoubleFloat or none */
	/* The offset table: "none", "basic", "extended", "empty", or "wrong"
	   with the fragments used instead. */
	const char *table;
	uint64_t at, length; /* of native pixel data in the input */
};

/*
 * Reads the header of the DICOM object in fd, which stays the caller's and
 * open until img_frames_close.  name is for messages.
 */
int img_frames_open(struct img_frames **out, int fd, const char *name,
		    struct img_err *err);
void img_frames_close(struct img_frames *f);
const struct img_frames_facts *img_frames_facts(const struct img_frames *f);
/* -1 with IMG_E_TRUNCATED where NumberOfFrames says more than are there; of a
   video, which is one stream, that is not known, and 0. */
int img_frames_check(const struct img_frames_facts *f, const char *name,
		     struct img_err *err);
/* Where coded bytes of frame i (from 0) lie in fd; n pieces, which the frames
   own.  Native frames have one (not for deflated ones: IMG_E_UNSUPPORTED). */
struct img_frames_piece {
	uint64_t at, length;
};
int img_frames_pieces(struct img_frames *f, uint32_t i,
		      const struct img_frames_piece **pieces, size_t *n,
		      struct img_err *err);

/* ---- work on a frame ----------------------------------------------------- */

/* Pixels made black; first and last ones inclusive. */
struct img_codec_mask {
	uint32_t left, top, right, bottom;
};

struct img_codec;         /* the jail of the codecs */
struct img_codec_session; /* one worker, started again when it died */

int img_codec_open(struct img_codec **out, struct img_err *err);
void img_codec_close(struct img_codec *codec);
int img_codec_session(struct img_codec *codec, struct img_codec_session **out,
		      struct img_err *err);
void img_codec_session_close(struct img_codec_session *s);

/* Takes n bytes of the result, in order; nonzero ends the run as its result. */
typedef int (*img_codec_sink)(const void *p, size_t n, void *arg,
			      struct img_err *err);

struct img_codec_request {
	/*
	 * Transfer syntax of the result.  Native ones give little endian,
	 * samples by pixel, single bits from the lowest of the first byte, and
	 * RGB where the coded frame holds another model only for its coding
	 * (YBR_RCT, YBR_ICT, YBR_FULL of lossy JPEG).  A lossless process gives
	 * its samples as they are.  Coded results have an even length.
	 */
	const char *to;
	const struct img_codec_mask *masks;
	size_t n_masks;
	bool clear_unused; /* bits outside BitsStored (overlays of old) become
			      zero, or the sign of a signed sample */
	bool prove;        /* decode what was encoded, and compare */
};

/*
 * Frame i of f, decoded, cleaned and encoded as asked.  First *image is set to
 * what the result is (its photometric interpretation, planar configuration
 * and bits may differ from the data set's) and *size to its bytes; then sink
 * gets them.  -1: err names the frame and says why; the session stays usable.
 * A frame may take 5 seconds of processor time, and more as it is larger.
 */
int img_codec_run(struct img_codec_session *s, struct img_frames *f, uint32_t i,
		  const struct img_codec_request *req,
		  struct img_codec_image *image, uint64_t *size,
		  img_codec_sink sink, void *arg, struct img_err *err);

#endif
