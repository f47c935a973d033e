/*
 * inside.h - inside the room.
 *
 * image.c   attributes of an image against each other, names of syntaxes
 * frames.c  reads an object's header, and where its pixel data lies
 * deflated.c  brings frames of deflated objects to light
 * table.c   which fragments make which frame
 * native.c  native frames: cut out of bits, byte order, planes
 * look.c    what a coded frame says of itself, before a decoder runs
 * j2k.c     JPEG 2000 and HTJ2K
 * clean.c   masks, bits that are not used
 * work.c    a frame decoded, cleaned, encoded, proved; runs in the worker
 * serve.c   the worker's side of a session
 * run.c     the program's side of it
 */
#ifndef IMG_CODEC_INSIDE_H
#define IMG_CODEC_INSIDE_H

#include "codec/codec.h"

/* ---- image.c ---- */

enum codec_kind {
	CODEC_NONE, /* not one of ours */
	CODEC_NATIVE,
	CODEC_RLE,
	CODEC_JPEG,
	CODEC_JPEG_LS,
	CODEC_J2K,
	CODEC_RAW,    /* native bytes in fragments (PS3.5 A.4.11) */
	CODEC_DEFLATE /* each frame deflated (PS3.5 A.4.12) */
};

enum codec_kind img_codec_kind(const char *ts);
/* Color samples shared by two pixels (PS3.3 C.7.6.3.1.2). */
bool img_codec_is_422(const struct img_codec_image *image);
/* Sets the photometric interpretation. */
void img_codec_model(struct img_codec_image *image, const char *model);
/* Bits of a native frame; checked. */
uint64_t img_codec_frame_bits(const struct img_codec_image *image);

/* ---- frames.c, table.c ---- */

struct fragment {
	uint64_t at;
	uint32_t length;
	bool start; /* its first bytes can begin a frame */
};

struct img_frames {
	struct img_frames_facts facts;
	const char *name;
	int fd;
	enum codec_kind kind;
	bool words;                      /* native pixel data of VR OW */
	struct img_dicom_reader *reader; /* of a deflated object, or NULL */
	uint64_t inflated;               /* of its pixel data, by the reader */
	bool positioned;                 /* the reader is at the pixel data */
	struct fragment *fragments;
	uint32_t n_fragments, room;
	uint32_t *first; /* fragment that frame i begins with; frames + 1 */
	struct img_frames_piece *pieces; /* of the frame asked for last */
	size_t pieces_room;
	uint8_t *basic, *extended, *lengths; /* tables as they are */
	uint64_t basic_n, extended_n, lengths_n;
	bool no_table; /* the first item was a fragment */
};

/* Whether these bytes can be the first of a coded frame. */
bool img_codec_starts(enum codec_kind kind, const uint8_t *p, size_t n);
/* Fills first, facts.frames and facts.table. */
int img_frames_sort(struct img_frames *f, struct img_err *err);

/* Where the bytes of a frame lie that is there; like img_frames_pieces, for
   deflated objects too: then it counts in the inflated stream. */
int img_frames_where(struct img_frames *f, uint32_t i,
		     const struct img_frames_piece **pieces, size_t *n,
		     struct img_err *err);

/* ---- deflated.c ---- */

/* The bytes of such a piece, as a file of their own. */
int img_frames_inflate(struct img_frames *f, const struct img_frames_piece *at,
		       int *fd, struct img_err *err);

/* ---- native.c ---- */

/* How native bytes become a frame: where its bits begin in them, and the unit
   of bytes to turn around (1: none). */
struct native_form {
	uint32_t skip; /* bits */
	uint32_t swap;
};
/* Cuts the frame out of p, in place; n bytes become size. */
void img_native_cut(uint8_t *p, size_t n, const struct native_form *form,
		    const struct img_codec_image *image, size_t size);
/* Clears the bits of the last byte that are beyond the frame. */
void img_native_end(uint8_t *p, const struct img_codec_image *image,
		    size_t size);
void img_native_turn(uint8_t *p, size_t n, uint32_t unit);
/* Planes become pixels; 0 or -1 without memory. */
int img_native_interleave(uint8_t *p, size_t size,
			  struct img_codec_image *image, struct img_err *err);

/* YBR_FULL_422 becomes YBR_FULL, by repeating color samples; *p is of malloc,
   and replaced. */
int img_native_widen(uint8_t **p, size_t *size, struct img_codec_image *image,
		     struct img_err *err);

/* ---- look.c ---- */

struct look {
	uint32_t rows, columns;
	unsigned samples, precision;
	bool lossless;
};
/* Whether p[0..n) can be decoded to this image: what it says of itself against
   the attributes, and what is known to lead decoders astray. */
int img_codec_look(enum codec_kind kind, const uint8_t *p, size_t n,
		   const struct img_codec_image *image, struct look *look,
		   struct img_err *err);

/* Goes to the codestream inside a JP2 file, if it is one. */
int img_look_boxes(const uint8_t **p, size_t *n, struct img_err *err);

/* ---- j2k.c ---- */

int img_j2k_decode(const uint8_t *p, size_t n, struct img_codec_image *image,
		   uint8_t *out, size_t size, struct img_err *err);
int img_j2k_encode(const uint8_t *p, struct img_codec_image *image,
		   struct img_buf *out, struct img_err *err);

/* What a coder of either kind is told. */
bool img_j2k_mixes(const struct img_codec_image *image);
unsigned img_j2k_bits(const uint8_t *p, const struct img_codec_image *image);

/* ---- clean.c ---- */

void img_clean_unused(uint8_t *p, size_t size,
		      const struct img_codec_image *image);
void img_clean_masks(uint8_t *p, const struct img_codec_image *image,
		     const struct img_codec_mask *masks, size_t n);

/* ---- work.c ---- */

#define MASKS_MAX  4096u
#define PIECES_MAX 65536u

struct task {
	char from[IMG_UID_MAX], to[IMG_UID_MAX];
	struct img_codec_image image;
	struct native_form form;
	bool clear_unused, prove;
	uint32_t n_pieces, n_masks;
};
/* What became of a frame: data[0..size), released by img_codec_undo. */
struct done {
	struct img_codec_image image;
	uint8_t *data;
	uint64_t size;
};
int img_codec_do(const struct task *t, int fd,
		 const struct img_frames_piece *pieces,
		 const struct img_codec_mask *masks, struct done *done,
		 struct img_err *err);
void img_codec_undo(struct done *done);
/* Bytes of the frame when decoded. */
int img_codec_whole_size(const char *ts, const struct img_codec_image *image,
			 size_t *size, struct img_err *err);

/* ---- serve.c ---- */

/* What goes before a result; without one, code and text say why. */
struct answer {
	int32_t code;
	char text[512]; /* as in struct img_err */
	struct img_codec_image image;
	uint64_t size;
};
int img_codec_serve(int sock, void *arg);

#endif
