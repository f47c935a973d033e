/*
 * transcode_private.h - the parts of the verb.
 *
 * transcode.c         attributes
 * transcode_frames.c  pixel data
 */
#ifndef IMG_TRANSCODE_PRIVATE_H
#define IMG_TRANSCODE_PRIVATE_H

#include "work/transcode.h"

#define BLOCK  65536u
#define PIXELS IMG_TAG(0x7FE0, 0x0010)

/* What replaces an attribute of the data set, or is added to it. */
struct change {
	uint32_t tag;
	char vr[3];
	uint16_t number; /* of US */
	const char *text;
	bool drop, done;
};
#define CHANGES 12

struct transcode {
	struct img_codec_session *s;
	struct img_dicom_reader *r;
	struct img_dicom_writer *w;
	struct img_frames *frames;
	const struct img_frames_facts *facts;
	const struct img_transcode *how;
	const struct img_ts *from, *to;
	const char *name;
	int fd, out;
	uint64_t at;       /* bytes written */
	bool recode;       /* frames go through the codec */
	bool encapsulated; /* the reader is inside the old pixel data */
	struct change change[CHANGES];
	size_t changes;
	/* the frame in hand */
	uint32_t frame;
	struct img_codec_image image, first;
	uint64_t size, got, frame_size;
	uint8_t *table;    /* Basic Offset Table */
	uint64_t table_at; /* where it lies in out */
	uint8_t bits;      /* single bits that do not fill a byte yet */
	unsigned n_bits;
	uint8_t block[BLOCK];
};

/* Plans what the attributes say of the new frames, of which first is known. */
void transcode_changes(struct transcode *t);
/* Writes the attributes up to the pixel data. */
int transcode_head(struct transcode *t, struct img_err *err);
bool transcode_is_coded(const struct transcode *t);
int transcode_frames(struct transcode *t, struct img_err *err);
int transcode_end(struct transcode *t, struct img_err *err);

#endif
