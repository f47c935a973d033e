/*
 * anon.h - de-identification: profiles and rules (PS3.15 Annex E) over a
 * stream of elements.  No files: the caller brings reader and writer.
 *
 * A profile is made once, shared by all threads and never changed: preset and
 * options, then img_anon_ready.  An img_anon works on one object after the
 * other, in one thread:
 *
 *	img_anon_scan    reads the object: who it is about, what may not be
 *	                 seen again, what its pixels risk
 *	img_anon_filter  reads it again and writes the new one
 *	img_anon_gate    reads the new one and looks for what the first pass
 *	                 has found
 *
 * The caller lets nothing of the new object be seen before the gate says so.
 * Everything is decided by tag, so no memory grows with the object but the
 * list of what to look for.  No message, report or reason holds a value.
 *
 * Values are replaced under a secret key (BLAKE2b): the same key gives the
 * same result on any machine, in any order; without it nothing can be linked.
 */
#ifndef IMG_ANON_H
#define IMG_ANON_H

#include "base/base.h"
#include "crypto/crypto.h"
#include "dicom/dicom.h"

#define IMG_ANON_EDITION "2026d"

/* Codes of Table E.1-1a; NONE: the option's column is empty. */
enum img_anon_action {
	IMG_ACT_NONE,
	IMG_ACT_X,
	IMG_ACT_Z,
	IMG_ACT_D,
	IMG_ACT_U,
	IMG_ACT_K,
	IMG_ACT_C,
	IMG_ACT_XZ,
	IMG_ACT_XD,
	IMG_ACT_XZD,
	IMG_ACT_ZD,
	IMG_ACT_XZU
};

/* The basic profile and its options, in the order of the table's columns. */
enum img_anon_option {
	IMG_ANON_BASIC,
	IMG_ANON_SAFE_PRIVATE,
	IMG_ANON_UIDS,
	IMG_ANON_DEVICE,
	IMG_ANON_INSTITUTION,
	IMG_ANON_PATIENT,
	IMG_ANON_FULL_DATES,
	IMG_ANON_MOD_DATES,
	IMG_ANON_CLEAN_DESC,
	IMG_ANON_CLEAN_STRUCT,
	IMG_ANON_CLEAN_GRAPH,
	IMG_ANON_COLUMNS, /* the rest has no column */
	IMG_ANON_CLEAN_PIXEL = IMG_ANON_COLUMNS,
	IMG_ANON_CLEAN_FACES,
	IMG_ANON_OPTIONS
};

enum img_anon_pixels {
	IMG_PIXELS_WITHHOLD, /* where something may be burned in */
	IMG_PIXELS_KEEP,
	IMG_PIXELS_CLEAN, /* by rules, regions and masks; else withhold */
	IMG_PIXELS_BLANK  /* all of all images */
};

struct img_rect {
	uint32_t x, y, w, h;
};
#define IMG_ANON_MASKS 32

#define IMG_ANON_ROWS   768
#define IMG_ANON_PREFIX 16

struct img_anon_map;
/* Pairs of PatientIDs from the text of a CSV, "old,new" a line; the new one
   is used instead of a pseudonym.  IMG_E_USAGE for a bad line, for an old one
   that has two new ones, and for a new one that has two old ones.  Free with
   img_anon_map_free. */
int img_anon_map_parse(struct img_anon_map **m, const char *text, size_t n,
		       struct img_err *err);
void img_anon_map_free(struct img_anon_map *m);

struct img_anon_rules;
/* Rules of the user from a text, an attribute or pattern and an action a line
   (imganon(1)).  IMG_E_USAGE as "name:line: ...".  Free with
   img_anon_rules_free. */
int img_anon_rules_parse(struct img_anon_rules **r, const char *name,
			 const char *text, size_t n, struct img_err *err);
void img_anon_rules_free(struct img_anon_rules *r);

struct img_anon_profile {
	uint32_t options; /* bits 1 << enum img_anon_option */
	enum img_anon_pixels pixels;
	struct img_rect mask[IMG_ANON_MASKS]; /* to be blanked in any image */
	unsigned masks;
	unsigned days_min, days_max;        /* how far dates are moved back */
	const struct img_anon_map *map;     /* or NULL */
	const struct img_anon_rules *rules; /* or NULL; set before ready */
	char prefix[IMG_ANON_PREFIX + 1];   /* of pseudonyms of PatientID */
	/* by img_anon_ready: by row, the action and the option it is from */
	uint8_t action[IMG_ANON_ROWS];
	uint8_t from[IMG_ANON_ROWS];
	/* Rules keep more than the profile, a name or an identifier, dates;
	   or move dates. */
	bool weaker, identity, keeps_dates, moves_dates;
};

/* The basic profile. */
void img_anon_profile_init(struct img_anon_profile *p);
/* "basic", "tcia", "research"; IMG_E_USAGE for no such name. */
int img_anon_preset(struct img_anon_profile *p, const char *name,
		    struct img_err *err);
/* "retain-dates" ...: see img_anon_option_name. */
int img_anon_option(struct img_anon_profile *p, const char *name,
		    struct img_err *err);
/* "withhold", "keep", "clean", "blank-all". */
int img_anon_pixels(struct img_anon_profile *p, const char *policy,
		    struct img_err *err);
/* Letters, digits, _ - and points. */
int img_anon_prefix(struct img_anon_profile *p, const char *text,
		    struct img_err *err);
/* "min-max": how far dates are moved back. */
int img_anon_days(struct img_anon_profile *p, const char *range,
		  struct img_err *err);
/* "x,y,w,h"; IMG_E_USAGE if it is none. */
int img_anon_mask(struct img_anon_profile *p, const char *text,
		  struct img_err *err);
/* IMG_E_USAGE if options contradict each other. */
int img_anon_ready(struct img_anon_profile *p, struct img_err *err);
const char *img_anon_option_name(enum img_anon_option o);
/* What is done with an attribute (keyword or tag) and why, as lines of text;
   IMG_E_USAGE if there is no such attribute. */
int img_anon_explain(const struct img_anon_profile *p, const char *what,
		     struct img_buf *out, struct img_err *err);

/* ---- one object ------------------------------------------------------- */

struct img_anon;
struct img_anon *img_anon_new(const struct img_anon_profile *p,
			      const struct img_key *key, struct img_err *err);
void img_anon_free(struct img_anon *a);

/* How readers are to be started: values up to 64 KiB, and private sequences of
   defined length that stay are looked into. */
void img_anon_limits(struct img_anon *a, struct img_dicom_limits *limits);

/* The reader has been started on the object, with these limits.
   1: go on, 0: it is withheld, or a directory (img_anon_reason says why),
   -1. */
int img_anon_scan(struct img_anon *a, struct img_dicom_reader *r,
		  const char *name, struct img_err *err);

/* Known after the scan: all of the new object. */
struct img_anon_facts {
	char sop_class[IMG_UID_MAX], syntax[IMG_UID_MAX], modality[17];
	char study[IMG_UID_MAX], series[IMG_UID_MAX], sop[IMG_UID_MAX];
	bool directory; /* a DICOMDIR: it is never rewritten */
};
const struct img_anon_facts *img_anon_facts(const struct img_anon *a);
/* Elements of which rules have left more than the profile would have. */
unsigned img_anon_weaker(const struct img_anon *a);
/* Why it is withheld; NULL if it is not. */
const char *img_anon_reason(const struct img_anon *a);

/* Moves n bytes of the input, from offset at on, into the output behind what
   was written so far. */
struct img_anon_copy {
	int (*copy)(void *arg, uint64_t at, uint64_t n, struct img_err *err);
	void *arg;
};
/* Pixels made black; first and last ones inclusive. */
struct img_anon_mask {
	uint32_t left, top, right, bottom;
};
#define IMG_ANON_CODED_MASKS 1024

/* How coded frames are to be cleaned, and what comes out. */
struct img_anon_coded {
	struct img_anon_mask mask[IMG_ANON_CODED_MASKS];
	unsigned masks;
	bool clear_unused; /* bits that are not stored */
	/* by begin */
	char syntax[IMG_UID_MAX];
	uint32_t frames;
	uint16_t samples, planar, allocated, stored, high, representation;
	char photometric[17];
};

/* Who decodes and encodes: whether it can; what comes out, before anything is
   written; a frame, as one fragment. */
struct img_anon_codec {
	bool (*can)(void *arg, const char *syntax);
	int (*begin)(void *arg, const char *syntax, struct img_anon_coded *c,
		     struct img_err *err);
	int (*frame)(void *arg, uint32_t i, struct img_dicom_writer *w,
		     struct img_err *err);
	void *arg;
};
/* Without one, objects whose coded frames are to be cleaned are withheld. */
void img_anon_use_codec(struct img_anon *a, const struct img_anon_codec *codec);

/* The reader has been started again; the writer is new.  copy may be NULL:
   all bytes go through the writer. */
int img_anon_filter(struct img_anon *a, struct img_dicom_reader *r,
		    struct img_dicom_writer *w,
		    const struct img_anon_copy *copy, struct img_err *err);
/* Called by the filter for each value that was replaced by another that
   stands for it: kind P PatientID, A AccessionNumber, U a UID. */
struct img_anon_ear {
	int (*pair)(void *arg, char kind, const char *old, size_t n,
		    const char *new_value, struct img_err *err);
	void *arg;
};
void img_anon_listen(struct img_anon *a, const struct img_anon_ear *ear);
/* The reader has been started on the new object.  1: nothing of the old one
   was found, 0: it is withheld, -1. */
int img_anon_gate(struct img_anon *a, struct img_dicom_reader *r,
		  struct img_err *err);
/* Known after the gate: sums of who it is (by the new PatientID, else by the
   study), and of what it tells of the patient all the same. */
struct img_anon_alike {
	uint64_t person, group;
};
struct img_anon_alike img_anon_alike(const struct img_anon *a);
/* By what it is told, from 0 on; NULL at the end. */
const char *img_anon_quasi(size_t i);
/* Whether a text (a path) holds something of the object scanned last. */
bool img_anon_tells(const struct img_anon *a, const char *text);
/* Whether a word names nobody: one of the profession, or one that stands where
   a name might ("anonymous", a maker). */
bool img_anon_is_common(const char *word, size_t n);
bool img_anon_is_placeholder(const char *word, size_t n);
/* One line of JSON on what was done with which attribute. */
int img_anon_report(const struct img_anon *a, struct img_buf *out,
		    struct img_err *err);

#endif
