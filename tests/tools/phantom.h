/*
 * phantom.h - the parts of phantom, the maker of synthetic DICOM files.
 *
 * It has an emitter of its own and shares no code with common/: what it
 * writes is an independent witness for the reader and the writer.
 */
#ifndef PHANTOM_H
#define PHANTOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- phantom-emit.c: elements into a file ------------------------------- */

enum syntax { EXPLICIT, IMPLICIT, BIG, DEFLATED };

struct chunk {
	uint32_t tag;
	size_t at, len;
};

/* One data set.  Elements of the first level are sorted by tag when the file
 * is saved, and of several with one tag the last put is kept. */
struct emit {
	unsigned char *data;
	size_t len, cap;
	struct chunk chunk[512];
	unsigned n, depth;
	enum syntax syntax;
	const char *syntax_uid; /* NULL: that of syntax */
	bool no_preamble, no_meta;
};

void emit_init(struct emit *e);
void emit_reset(struct emit *e); /* empties it, keeps the memory */
void emit_release(struct emit *e);

/* Text, padded as VR asks; NULL is an empty value. */
void put(struct emit *e, uint32_t tag, const char *vr, const char *text);
void putf(struct emit *e, uint32_t tag, const char *vr, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void put_us(struct emit *e, uint32_t tag, unsigned value);
void put_bytes(struct emit *e, uint32_t tag, const char *vr, const void *bytes,
	       size_t len);
void put_words(struct emit *e, uint32_t tag, const uint16_t *word, size_t n);
void put_empty_sq(struct emit *e, uint32_t tag);
void begin_sq(struct emit *e, uint32_t tag);
void begin_item(struct emit *e);
void end_item(struct emit *e);
void end_sq(struct emit *e);
/* A code item: value, scheme, meaning. */
void put_code(struct emit *e, uint32_t tag, const char *value,
	      const char *scheme, const char *meaning);
/* "gggg,eeee=VR:value" as a user writes it; false if it is not that. */
bool put_spec(struct emit *e, const char *spec);
void omit(struct emit *e, uint32_t tag);

/* Writes preamble, meta header and data set; path "-" is stdout.
 * Ends the program if it cannot. */
void emit_save(struct emit *e, const char *path);

#define UID_MAX 65
/* A UID under 2.25 that depends on nothing but the name. */
const char *uid_of(char uid[UID_MAX], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- phantom-image.c: headers ------------------------------------------- */

#define CLASS_CR "1.2.840.10008.5.1.4.1.1.1"
#define CLASS_CT "1.2.840.10008.5.1.4.1.1.2"
#define CLASS_MR "1.2.840.10008.5.1.4.1.1.4"
#define CLASS_SC "1.2.840.10008.5.1.4.1.1.7"
#define CLASS_SR "1.2.840.10008.5.1.4.1.1.88.11"

/* What the headers of an image are made of; text may be NULL (empty). */
struct image {
	const char *id, *name, *birth, *sex;
	const char *study, *study_id, *accession, *study_desc;
	const char *date, *time;
	const char *series, *series_desc, *modality, *body_part;
	unsigned series_no;
	const char *sop, *sop_class;
	unsigned instance;
	const char *frame;
	unsigned rows, cols, bits;
	double spacing, thickness, pos[3];
	int window, level;
	const uint16_t *pixel;
	unsigned frames; /* 0: no NumberOfFrames */
};

void put_general(struct emit *e, const struct image *im);
void put_ct(struct emit *e, const struct image *im);
void put_cr(struct emit *e, const struct image *im);
void put_plain(struct emit *e, const struct image *im);
void put_pixels(struct emit *e, const struct image *im);

/* ---- phantom-head.c, phantom-bulk.c: the makers ------------------------- */

/* HU of the Kak-Slaney head in one plane; x, y, z in -1 .. 1. */
void head_slice(uint16_t *pixel, unsigned size, double z, bool lesion);
int make_head(const char *dir);
int make_small(const char *dir, unsigned n);
int make_large(const char *dir, unsigned n);

__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *fmt, ...);
void make_dir(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
