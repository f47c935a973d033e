/*
 * dicom.h - the DICOM stream: a pull reader, a writer, the dictionary,
 * character sets, UIDs and transfer syntaxes.  Pure C.
 *
 * Reading.  A reader is made once (img_dicom_reader_new) and used for any
 * number of inputs: img_dicom_start_fd or _mem, then img_dicom_next until it
 * says 0, then img_dicom_facts.  The whole structure is walked, so reaching 0
 * means that every length was kept; pixel data is skipped by seeking.
 * Nothing recurses; memory is the reader's own buffers, whatever the input.
 *
 * What is told apart: IMG_E_NOT_DICOM, IMG_E_TRUNCATED ("ends at byte N,
 * element (gggg,eeee) needs M more"), IMG_E_MALFORMED ("... at byte N"),
 * IMG_E_LIMIT (a ceiling of ours) and IMG_E_IO.  Every message begins with
 * the name given at start, and never holds a value.
 *
 * What is irregular and can be read without doubt is read, and noted
 * (img_dicom_note): delimiters that close nothing, zeros or junk after pixel
 * data, a wrong VR that leads on to the next element.  What leaves a doubt
 * about which bytes belong to which attribute is malformed.  A UN of defined
 * length stays opaque, whatever it may hold (PS3.5 6.2.2).
 *
 * An unknown transfer syntax is data, not an error: explicit VR little endian
 * framing, opaque pixel data (PS3.5 A.4).
 */
#ifndef IMG_DICOM_H
#define IMG_DICOM_H

#include "base/base.h"

/* A tag is (group << 16 | element). */
#define IMG_TAG(g, e)     ((uint32_t)(g) << 16 | (uint32_t)(e))
#define IMG_UNDEFINED_LEN 0xFFFFFFFFu
#define IMG_UID_MAX       65 /* 64 characters and a NUL, PS3.5 9.1 */

/* ---- reading ---------------------------------------------------------- */

enum img_dicom_kind {
	IMG_DICOM_ELEMENT,  /* an attribute that is no sequence */
	IMG_DICOM_SEQUENCE, /* begin of a sequence (SQ, or UN of undefined
				   length, PS3.5 6.2.2) */
	IMG_DICOM_ITEM,     /* begin of an item */
	IMG_DICOM_END_ITEM,
	IMG_DICOM_END_SEQUENCE, /* also ends encapsulated pixel data */
	IMG_DICOM_PIXELS,       /* begin of encapsulated pixel data: an
				   element of undefined length, PS3.5 A.4 */
	IMG_DICOM_FRAGMENT      /* a fragment; the first is the offset table */
};

struct img_dicom_event {
	enum img_dicom_kind kind;
	uint32_t tag;
	char vr[3];      /* as encoded; from the dictionary when implicit */
	bool big;        /* value is big endian */
	bool implicit;   /* this element was encoded with implicit VR */
	bool meta;       /* of the file meta information (group 0002) */
	unsigned depth;  /* items open around it; 0 at top level */
	uint32_t length; /* as encoded, IMG_UNDEFINED_LEN included; of an
			     end: what its begin had */
	uint64_t start;  /* offset of the element's first header byte */
	uint64_t offset; /* offset of the value.  Offsets count in the file;
			     in a deflated data set they go on in the
			     inflated stream from where the meta header
			     ends. */
	/* The value's bytes when length <= limits.value, else NULL.  Valid
	   until the next call.  Not NUL terminated, padding included. */
	const uint8_t *value;
};

/* All can be left 0 for the defaults in brackets; hard caps apply. */
struct img_dicom_limits {
	unsigned depth;    /* open sequences [64] */
	uint64_t elements; /* elements, items and fragments [4,000,000] */
	uint64_t header;   /* bytes of all that is not pixel data and not
				longer than value [1 GiB] */
	uint32_t value;    /* deliver values up to this many bytes [4096],
				at most 64 KiB */
	uint64_t inflated; /* bytes out of a deflated data set [4 GiB] */
	unsigned ratio;    /* inflated to deflated, after 1 MiB [200] */
	/* Whether to look into a UN of defined length that begins like an
	   item (PS3.5 6.2.2), as private sequences are in implicit VR; NULL:
	   it stays opaque.  ev has tag, VR, length and depth. */
	bool (*holds_items)(void *arg, const struct img_dicom_event *ev);
	void *arg;
};

enum img_dicom_note { /* irregular, but read */
		      IMG_NOTE_NO_PREAMBLE = 1 << 0,
		      IMG_NOTE_NO_META =
			      1 << 1, /* encoding guessed from the bytes */
		      IMG_NOTE_WRONG_SYNTAX =
			      1 << 2, /* encoded otherwise than declared */
		      IMG_NOTE_META_LENGTH =
			      1 << 3, /* (0002,0000) absent or wrong */
		      IMG_NOTE_ODD_LENGTH = 1 << 4,
		      IMG_NOTE_ORDER = 1 << 5, /* tags not ascending */
		      IMG_NOTE_TRAILING =
			      1 << 6, /* bytes after the last element */
		      IMG_NOTE_UN_IMPLICIT =
			      1 << 7, /* UN sequence held implicit items */
		      IMG_NOTE_NATIVE_PIXELS =
			      1 << 8, /* native pixel data under a
					     compressed transfer syntax */
		      IMG_NOTE_BAD_VR = 1
					<< 9, /* VR that PS3.5 does not know */
		      IMG_NOTE_STRAY_DELIMITER = 1 << 10,
		      IMG_NOTE_UNKNOWN_SYNTAX = 1 << 11,
		      IMG_NOTE_META_IN_DATA =
			      1 << 12, /* group 0002 inside the data set */
		      IMG_NOTE_ACTIVE_PREAMBLE =
			      1 << 13 /* preamble begins like a program
					      or archive (CVE-2019-11687) */
};

struct img_dicom_facts {
	char transfer_syntax[IMG_UID_MAX]; /* of the meta header, or guessed */
	bool big, implicit, deflated, encapsulated;
	uint64_t dataset;  /* offset of the data set's first element */
	uint64_t end;      /* offset after the last element read */
	uint64_t trailing; /* bytes after it that are padding or junk */
	uint64_t elements;
	unsigned notes; /* enum img_dicom_note */
};

struct img_dicom_reader;

struct img_dicom_reader *img_dicom_reader_new(struct img_err *err);
void img_dicom_reader_free(struct img_dicom_reader *r);
/* limits may be NULL.  fd must be seekable and is not closed; size is its
   length.  name is used in messages and must outlive the reading. */
int img_dicom_start_fd(struct img_dicom_reader *r, int fd, uint64_t size,
		       const char *name, const struct img_dicom_limits *limits,
		       struct img_err *err);
int img_dicom_start_mem(struct img_dicom_reader *r, const void *p, size_t n,
			const char *name, const struct img_dicom_limits *limits,
			struct img_err *err);
/* 1: *ev is the next event, 0: all was read, -1: error (the reader stays
   stopped until it is started again). */
int img_dicom_next(struct img_dicom_reader *r, struct img_dicom_event *ev,
		   struct img_err *err);
/* Complete only after next has said 0; valid until the next start. */
const struct img_dicom_facts *img_dicom_facts(const struct img_dicom_reader *r);
/* Reads n bytes of the value of the event last returned, from at on; for
   values longer than limits.value.  -1 if that is outside the value. */
int img_dicom_value(struct img_dicom_reader *r, uint64_t at, void *p, size_t n,
		    struct img_err *err);
/* Whether these first bytes of an input can be DICOM: magic at 128, or a
   data set without preamble that begins plausibly.  Give 1 KiB or more. */
bool img_dicom_looks_like(const void *p, size_t n);

/* ---- picking values --------------------------------------------------- */

/*
 * Walks a started input to its end and keeps the values of top-level
 * attributes.  tags ascend.  out[i] is NULL-pointered where absent; values
 * point into the reader and live until the next start.  An attribute that
 * occurs twice keeps its first value.  Values over limits.value are given
 * as length only (p NULL).
 */
struct img_dicom_pick {
	const uint8_t *p; /* raw bytes, padding included; NULL if absent */
	uint32_t length;
	char vr[3];
	bool big;
	bool present;
};
int img_dicom_pick(struct img_dicom_reader *r, const uint32_t *tags, size_t n,
		   struct img_dicom_pick *out, struct img_err *err);
/* The first value of a number as decimal text: US UL SS SL SV UV FL FD AT
   and text VRs; false if there is none. */
bool img_dicom_number(const struct img_dicom_pick *v, char *out, size_t size);

/* ---- dictionary (generated at build time, PS3.6) ---------------------- */

struct img_dict {
	uint32_t tag;
	char vr[3]; /* "OW" for OB/OW, "US" for US/SS, "UN" unknown */
	const char *keyword;
	uint8_t vm_min, vm_max; /* 0: without end */
};
/* NULL if unknown.  Repeating groups (50xx, 60xx) are found. */
const struct img_dict *img_dict_tag(uint32_t tag);
const struct img_dict *img_dict_keyword(const char *keyword);
/* Keyword, "gggg,eeee" or "ggggeeee"; false if it is neither. */
bool img_dict_parse_tag(const char *text, uint32_t *tag);
void img_dict_format_tag(uint32_t tag, char out[12]); /* "(gggg,eeee)" */
bool img_vr_is_long(const char vr[3]); /* 32-bit length when explicit */
bool img_vr_is_text(const char vr[3]); /* under SpecificCharacterSet */
bool img_vr_is_known(const char vr[3]);

/* ---- transfer syntaxes and UIDs --------------------------------------- */

enum img_ts_kind { IMG_TS_NATIVE, IMG_TS_ENCAPSULATED, IMG_TS_UNKNOWN };
struct img_ts {
	const char *uid, *name;
	bool implicit, big, deflated;
	enum img_ts_kind kind;
	bool lossy, video;
};
const struct img_ts *img_ts_find(const char *uid); /* NULL if unknown */
/* PS3.5 9.1: digits and single dots, no leading zeros, 1 to 64. */
bool img_uid_ok(const char *uid);
/* "CT Image Storage" and the like; NULL if unknown. */
const char *img_uid_name(const char *uid);

/* ---- character sets (PS3.3 C.12.1.1.2, PS3.5 6.1) --------------------- */

enum img_charset_note {
	IMG_CHARSET_REPLACED = 1 << 0, /* some bytes became U+FFFD */
	IMG_CHARSET_UNKNOWN = 1 << 1,  /* a defined term we do not know */
	IMG_CHARSET_IS_UTF8 = 1 << 2,  /* bytes are UTF-8, declared otherwise */
	IMG_CHARSET_IS_GBK = 1 << 3,   /* bytes are GBK, declared otherwise */
	IMG_CHARSET_UNDECLARED = 1 << 4 /* escapes to a set not declared */
};

#define IMG_CHARSET_TERMS 8

/* A parsed SpecificCharacterSet.  No heap. */
struct img_charset {
	uint8_t n;
	uint8_t terms[IMG_CHARSET_TERMS]; /* private to charset.c */
	bool extensions;                  /* ISO 2022 escapes may occur */
	unsigned notes;
};
/* value: the raw (0008,0005), backslashes and padding included; n 0 for the
   default repertoire.  Never fails: unknown terms are noted. */
void img_charset_parse(struct img_charset *cs, const void *value, size_t n);
/*
 * Appends the UTF-8 of a raw value to out, trailing padding removed.  vr
 * decides delimiters that reset the code extension (PN groups and
 * components, backslash; none in ST LT UT).  What cannot be decoded becomes
 * U+FFFD and is noted, never an error; -1 only when out is full.  Control
 * characters other than \n \t \f \r are replaced by U+FFFD.
 */
int img_charset_utf8(const struct img_charset *cs, const char vr[3],
		     const void *p, size_t n, struct img_buf *out,
		     unsigned *notes, struct img_err *err);
/*
 * Appends the search key of a UTF-8 text: compatibility decomposition, marks
 * removed (not those of kana, nor vowels), letters with a stroke made plain,
 * case folded, runs of ^ = , and space made one space and none at the ends
 * (so that "Müller^Jürgen" and "MULLER JURGEN^" have one key).
 */
int img_text_fold(const char *utf8, size_t n, struct img_buf *out,
		  struct img_err *err);
/* Terminal columns of a UTF-8 text. */
size_t img_text_width(const char *utf8, size_t n);

/* ---- writing ---------------------------------------------------------- */

/*
 * Events in, bytes out.  The writer is given a function for bytes; values
 * come from memory, or are announced (img_dicom_put with p NULL) and then
 * written by the caller through its own sink, so that pixel data can move by
 * copy_file_range.  Encoding: explicit VR little endian unless ts says
 * implicit, big or deflated.  Sequences and items are written with the
 * length given, or undefined.
 */
struct img_dicom_sink {
	int (*write)(void *arg, const void *p, size_t n, struct img_err *err);
	void *arg;
};
struct img_dicom_writer;

struct img_dicom_writer *img_dicom_writer_new(const struct img_dicom_sink *s,
					      struct img_err *err);
void img_dicom_writer_free(struct img_dicom_writer *w);
/* Preamble, "DICM" and a file meta group made anew: version, SOP class and
   instance, transfer syntax, our implementation class and version. */
int img_dicom_put_meta(struct img_dicom_writer *w, const char *sop_class,
		       const char *sop_instance, const char *ts,
		       struct img_err *err);
/* Sets the encoding without writing a meta header. */
int img_dicom_put_encoding(struct img_dicom_writer *w, const char *ts,
			   struct img_err *err);
/*
 * ev gives kind, tag, vr, length, big and implicit; p the value in ev's byte
 * order (swapped when the output's differs), or NULL to announce it only.
 * Odd values are padded as their VR says.  Events of group
 * 0002 are passed over: img_dicom_put_meta makes it anew.
 *
 * A length given with a sequence or item is kept, and IMG_E_BUG if the
 * content turns out different: a filter that changes values, or that may
 * meet odd lengths, gives IMG_UNDEFINED_LEN.  Where the output is encoded
 * otherwise than the input (ev->implicit), lengths become undefined by
 * themselves.  A sequence of VR UN is written as PS3.5 6.2.2 wants it: with
 * implicit VR little endian items.  Group lengths (gggg,0000) are written as
 * they come: a filter that changes values leaves them out (PS3.5 7.2).
 */
int img_dicom_put(struct img_dicom_writer *w, const struct img_dicom_event *ev,
		  const void *p, struct img_err *err);
/* A part of the value announced last.  Where the output is deflated, or in
   another byte order, an announced value has to come this way and not through
   the caller's own sink. */
int img_dicom_put_part(struct img_dicom_writer *w, const void *p, size_t n,
		       struct img_err *err);
/* A text or UID element at the current place, padded. */
int img_dicom_put_text(struct img_dicom_writer *w, uint32_t tag,
		       const char vr[3], const char *text, struct img_err *err);
int img_dicom_put_u16(struct img_dicom_writer *w, uint32_t tag, uint16_t v,
		      struct img_err *err);
/* Ends the stream: open items or sequences are IMG_E_BUG; flushes deflate.
   Behind a file meta alone nothing is written: its data set comes otherwise. */
int img_dicom_finish(struct img_dicom_writer *w, struct img_err *err);

#endif
