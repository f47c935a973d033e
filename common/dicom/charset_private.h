/*
 * charset_private.h - what the files of the character sets share; not a door.
 */
#ifndef IMG_CHARSET_PRIVATE_H
#define IMG_CHARSET_PRIVATE_H

#include "dicom/dicom.h"

/* The order matters: sets of one byte before sets of two. */
enum img_set {
	IMG_SET_ASCII, /* ISO-IR 6, the default repertoire */
	IMG_SET_JISX0201,
	IMG_SET_LATIN1,
	IMG_SET_LATIN2,
	IMG_SET_LATIN3,
	IMG_SET_LATIN4,
	IMG_SET_CYRILLIC,
	IMG_SET_ARABIC,
	IMG_SET_GREEK,
	IMG_SET_HEBREW,
	IMG_SET_LATIN5,
	IMG_SET_LATIN9,
	IMG_SET_THAI,
	IMG_SET_JISX0208,
	IMG_SET_JISX0212,
	IMG_SET_KSX1001,
	IMG_SET_GB2312,
	IMG_SET_UTF8, /* from here on: without code extensions */
	IMG_SET_GB18030,
	IMG_SET_UNKNOWN,
	IMG_SET_NONE
};

static inline bool img_set_is_wide(enum img_set set)
{
	return set >= IMG_SET_JISX0208 && set <= IMG_SET_GB2312;
}

/* The code point of a byte from 0xA0 on, of a pair of 0x21..0x7E; 0: none. */
uint32_t img_set_byte(enum img_set set, uint8_t b);
uint32_t img_set_pair(enum img_set set, uint8_t hi, uint8_t lo);

/* Where decoded text goes.  A strict one fails, with bad set and err
   untouched, instead of putting a replacement. */
struct img_text {
	struct img_buf *out;
	struct img_err *err;
	unsigned notes;
	bool strict, bad;
};

int img_text_put(struct img_text *t, uint32_t cp);
int img_text_bad(struct img_text *t);
/* Copies the printable ASCII at p; its length, or -1. */
ssize_t img_text_plain(struct img_text *t, const uint8_t *p, size_t n);

int img_decode_utf8(struct img_text *t, const uint8_t *p, size_t n);
int img_decode_gb18030(struct img_text *t, const uint8_t *p, size_t n);
int img_decode_2022(struct img_text *t, const struct img_charset *cs,
		    const char vr[3], const uint8_t *p, size_t n);

/* Whether bytes declared otherwise are GBK beyond doubt. */
bool img_gbk_certain(const uint8_t *p, size_t n, bool person);

#endif
