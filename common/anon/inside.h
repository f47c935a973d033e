/*
 * inside.h - inside the room: one object's state and the parts that share it.
 *
 * scan.c    first pass: identity, risk, what to look for
 * look.c    the list of what may not be seen again, and the search for it
 * spell.c   the same as others write it
 * gate.c    third pass: that search over the new object
 * filter.c  second pass: the new object is written
 * ruling.c  what becomes of each element
 * rules.c   rules of the user on top of that
 * risk.c    whether pixels may show who it is
 * mask.c    which parts of the pixels to blank: device rules, regions
 * pixels.c  native pixel data with these parts blanked
 * coded.c   coded pixel data with these parts blanked
 * dummy.c   values and sequences that stand for others
 * value.c   UIDs, pseudonyms, dates and ages
 * struct.c  structured content by concept names
 * map.c     given pairs of PatientIDs, and telling what was replaced
 * clean.c   free text by a list of words
 * marker.c  attributes that say what was done
 * hidden.c  what coded frames carry besides pixels
 * trace.c   the report
 * alike.c   by what patients could be told apart
 */
#ifndef IMG_ANON_INSIDE_H
#define IMG_ANON_INSIDE_H

#include <string.h>

#include "anon/table.h"

#define T_RECORDS      0x00041220u
#define T_CHARSET      0x00080005u
#define T_SOP_CLASS    0x00080016u
#define T_SOP          0x00080018u
#define T_ACCESSION    0x00080050u
#define T_NAME         0x00100010u
#define T_PATIENT_ID   0x00100020u
#define T_STUDY        0x0020000Du
#define T_SERIES       0x0020000Eu
#define T_STUDY_ID     0x00200010u
#define T_CONTENT      0x0040A730u
#define T_MEASURED     0x0040A300u
#define T_DOCUMENT     0x00420011u
#define T_DOCUMENT_LEN 0x00420015u
#define T_FLOATS       0x7FE00008u /* and 7FE0,0009, of doubles */
#define T_PIXELS       0x7FE00010u

/* ---- what may not be seen again --------------------------------------- */

/* SUBJECT: an identifier of the patient, and not of an order or a device.
   COMMON: a name that is also a word of the profession. */
enum look_kind { LOOK_NAME, LOOK_ID, LOOK_SUBJECT, LOOK_DATE, LOOK_COMMON };

struct look_item {
	uint32_t at; /* of its bytes, folded */
	uint16_t n;
	uint8_t kind;
	uint8_t whole; /* only where no word goes on around it */
	uint32_t next;
};

#define LOOK_HEADS 4096

struct look {
	struct img_buf bytes;
	struct look_item *item;
	uint32_t n, room;
	uint32_t head[LOOK_HEADS]; /* by the first three bytes; 0 none */
	bool beyond;               /* an item is not all ASCII */
	uint64_t *uid;             /* open hash of sums; 0 free */
	size_t uids, uid_room;
};

void look_init(struct look *l);
void look_release(struct look *l);
void look_reset(struct look *l);
/* One of its kind, as it is but for case; short ones are passed over.  whole:
   only where no word goes on around it, of a date no figure behind it. */
int look_add(struct look *l, enum look_kind kind, const char *p, size_t n,
	     bool whole, struct img_err *err);
/* Whether all of it are figures. */
bool look_is_number(const char *p, size_t n);
/* Of at least three bytes, in lower case. */
bool look_has(const struct look *l, enum look_kind kind, const char *p,
	      size_t n);
int look_add_name(struct look *l, const char *p, size_t n, struct img_err *err);
/* kind: LOOK_ID or LOOK_SUBJECT. */
int look_add_id(struct look *l, enum look_kind kind, const char *p, size_t n,
		struct img_err *err);
/* kept: it stays somewhere, and is no secret anywhere. */
int look_add_uid(struct look *l, const char *p, size_t n, bool kept,
		 struct img_err *err);

/* ---- as others write it (spell.c) ------------------------------------- */

#define SPELT_MAX (4u << 20) /* of a text of 64 KiB, with all that it becomes */

/* A name without marks and as the letters that stand for them. */
int look_add_spellings(struct look *l, const char *utf8, size_t n,
		       struct img_err *err);
/* An identifier without what parts it, and without zeros before it. */
int look_add_id_spellings(struct look *l, enum look_kind kind, const char *p,
			  size_t n, struct img_err *err);
/* The first eight figures of each value, in the ways that people write. */
int look_add_date(struct look *l, const char *p, size_t n, struct img_err *err);
/* What look_finds has not found in it, for other letters: 1 found, 0, -1. */
int look_finds_spelt(const struct look *l, const char *utf8, size_t n,
		     unsigned what, struct img_err *err);

/* ---- the search ------------------------------------------------------- */

/* BLOB: bytes that are no text, of which texts of some length are looked at.
   WIDE: texts in UTF-16 and UTF-32, too. */
enum {
	LOOK_IDS = 1,
	LOOK_DATES = 2,
	LOOK_UIDS = 4,
	LOOK_WORDS = 8,
	LOOK_BLOB = 16,
	LOOK_WIDE = 32,
	LOOK_SUBJECTS = 64 /* which are among IDS, too */
};
#define LOOK_ALL 15u
/* Whether any of it is in these bytes; what: bits as above. */
bool look_finds(const struct look *l, const uint8_t *p, size_t n,
		unsigned what);
/* wide.c: what the flag WIDE stands for; it is set in what. */
bool look_finds_wide(const struct look *l, const uint8_t *p, size_t n,
		     unsigned what);

/* ---- private creators in view ----------------------------------------- */

struct creator {
	uint32_t tag; /* (gggg,0010) to (gggg,00FF) */
	unsigned depth;
	uint8_t n;
	char name[64];
};

#define CREATORS 1024

/* ---- the report ------------------------------------------------------- */

#define TRACE_MAX 4096
struct trace {
	uint32_t tag;
	uint8_t action, from, instead, depth;
	uint32_t around; /* the sequence it is in; 0 at top level */
};

/* ---- pixels ----------------------------------------------------------- */

/* Attributes that rules for pixels ask for. */
#define ASKED      16
#define ASKED_SIZE 128
#define RECTS      64

struct pixels {
	char asked[ASKED][ASKED_SIZE]; /* as in mask.c */
	uint32_t rows, columns, samples, planar, bits, stored, high, frames,
		length;
	char photometric[20];
	unsigned seen; /* pixel data at top level */
	bool native, floats, in_regions;
	struct img_rect scrub[RECTS];
	unsigned scrubs;
	bool missed; /* a rule for the device holds, and is beyond the image */
	struct img_rect region[RECTS]; /* w, h: the maxima, inclusive */
	unsigned regions;
	bool only_regions; /* all outside is blanked */
	bool change;
};

/* ---- structured content ----------------------------------------------- */

/* A content item that is open, by its depth. */
struct content {
	bool open;
	uint8_t action;
	char type[20], code[20], scheme[20];
	char unit[20]; /* of its measured value */
	size_t at;     /* of its judgement */
};
#define CONTENTS 260

/* ---- UIDs that were replaced lately ----------------------------------- */

struct uid_memo {
	uint8_t n; /* of old; 0: none */
	char old[IMG_UID_MAX], new_uid[IMG_UID_MAX];
};
#define UID_MEMOS 64

/* Bytes of what tells who it is about. */
#define SUBJECT 1024

/* ---- one object ------------------------------------------------------- */

struct img_anon {
	const struct img_anon_profile *p;
	const struct img_key *key;
	struct img_anon_facts facts;
	struct look look;
	struct img_charset charset; /* that holds here */
	struct {
		unsigned depth; /* of the items that have their own */
		struct img_charset outer;
	} charsets[8];
	unsigned charset_n;
	char reason[160];

	/* found by the scan */
	/* 64 characters may have many bytes, and two patients have the same
	   64 first ones. */
	char name[SUBJECT], id[SUBJECT], issuer[SUBJECT];
	char study[SUBJECT], series[SUBJECT]; /* UIDs may be too long */
	char sop[IMG_UID_MAX], sop_class[IMG_UID_MAX];
	unsigned sops; /* how often SOPInstanceUID occurs */
	bool one_sop;  /* and that it is one UID */
	char pseudonym[IMG_UID_MAX];
	const struct img_anon_ear *ear;
	struct uid_memo *memo; /* UID_MEMOS */
	int offset;            /* days, negative */
	bool has_pixels, burned_in, not_burned_in, was_modified;
	bool label;     /* as ImageType says */
	bool high_bits; /* overlays in the unused bits of pixels */
	struct pixels pixels;
	const char *risk;                   /* of the pixels; NULL none known */
	const struct img_anon_codec *codec; /* or NULL */
	struct img_anon_coded coded;
	bool recoded; /* coded frames are replaced */
	/* in coded pixel data: what the next fragment is, 0 the offset table,
	   1 the start of the first frame, 2 any other; and whether the frame
	   in hand has come to its end */
	uint32_t fragments;
	bool frame_ended;

	/* while filtering */
	struct img_dicom_reader *r;
	struct img_dicom_writer *w;
	const struct img_anon_copy *copy;
	struct creator creator[CREATORS];
	unsigned creators;
	unsigned dropping;    /* sequences open in what is left out */
	uint32_t around[256]; /* sequence tags that are open */
	unsigned open;
	unsigned marker;   /* markers written so far */
	uint32_t document; /* length of a document's replacement */
	struct img_buf text, text2;
	struct content content[CONTENTS];
	struct img_buf judged; /* content items, by offset */
	size_t judged_at;
	unsigned item_dropped; /* depth of a content item left out, plus 1 */

	struct trace *trace;
	unsigned traces;
	uint64_t untraced;
	unsigned weaker; /* elements that a rule has kept */
	struct img_anon_alike alike;
};

#define ANON_BY_RULES IMG_ANON_OPTIONS

/* What becomes of an element. */
struct ruling {
	enum img_anon_action action; /* NONE: kept; X Z D U K C */
	uint8_t from;    /* enum img_anon_option, or ANON_BY_RULES */
	uint8_t instead; /* by rules: what the profile would have done */
	int row;
	const struct anon_safe *safe;
	char vr[3]; /* what it is, whatever the encoding says */
};

/* struct.c */
void anon_content_init(struct img_anon *a);
void anon_content_start(struct img_anon *a);
/* The number of an age, which does not exceed 90 years: 1 written, or left out
   where it is there twice, 0 it is none or stays, -1. */
int anon_put_age(struct img_anon *a, const struct img_dicom_event *ev,
		 struct img_err *err);
bool anon_is_content(const struct img_anon *a);
int anon_judge_content(struct img_anon *a, const struct img_dicom_event *ev,
		       struct img_err *err);
/* What becomes of the item that begins. */
enum img_anon_action anon_content_item(struct img_anon *a,
				       const struct img_dicom_event *ev);
/* Whether it is the value of a content item that is ruled by its concept. */
bool anon_rule_content(const struct img_anon *a,
		       const struct img_dicom_event *ev, struct ruling *u);

/* map.c */
const char *anon_mapped(const struct img_anon *a, const char *old, size_t n);
int anon_tell_pair(const struct img_anon *a, char kind, const char *old,
		   size_t n, const char *new_value, struct img_err *err);

/* value.c */
void anon_uid(const struct img_anon *a, const char *old, size_t n,
	      char out[IMG_UID_MAX]);
/* 12 letters and digits from kind and value. */
void anon_pseudonym(const struct img_anon *a, const char *kind,
		    const char *more, const char *value, size_t n,
		    char out[13]);
void anon_subject(struct img_anon *a);
bool anon_uid_fixed(const char *uid, size_t n);
/* Appends the value with its dates moved; false if it is no date. */
bool anon_shift(const struct img_anon *a, const char *vr, const char *p,
		size_t n, struct img_buf *out, struct img_err *err);
/* Whether an attribute of this VR can have this value, which was written as
   was: names have no place among codes and numbers. */
bool anon_fits(const char *vr, const char *was, const char *p, size_t n);
/* DA, TM or DT; whether a value is one of these. */
bool anon_is_time_vr(const char *vr);
bool anon_is_time(const char *vr, const char *p, size_t n);
/* At most four characters; false if it is no age. */
bool anon_age(const char *p, size_t n, char out[5]);
size_t anon_trim(const char **p, size_t n);

/* clean.c */
bool anon_is_word(const char *p, size_t n);
int anon_clean_text(const struct img_anon *a, const char *vr, const char *p,
		    size_t n, struct img_buf *out, struct img_err *err);

/* ruling.c, for all passes */
void anon_rule(const struct img_anon *a, const struct img_dicom_event *ev,
	       struct ruling *out);
/* What a conditional action is for this attribute in this object. */
enum img_anon_action anon_settle(const struct img_anon *a,
				 const struct img_dicom_event *ev,
				 enum img_anon_action act);
/* Whether it stands for a person, an order or a stay. */
bool anon_is_id(uint32_t tag);

/* dummy.c */
int anon_put_dummy(struct img_anon *a, const struct img_dicom_event *ev,
		   const struct ruling *u, struct img_err *err);
int anon_put_value(struct img_anon *a, uint32_t tag, const char *vr,
		   const void *p, size_t n, struct img_err *err);
int anon_put_mark(struct img_anon *a, enum img_dicom_kind kind, uint32_t tag,
		  struct img_err *err);

/* marker.c */
int anon_put_markers(struct img_anon *a, uint32_t before, struct img_err *err);
bool anon_is_marker(const struct img_anon *a, uint32_t tag);

/* risk.c */
void anon_take_risk(struct img_anon *a, const struct img_dicom_event *ev);
/* 1: go on, 0: withheld. */
int anon_judge_pixels(struct img_anon *a);

/* mask.c */
void anon_take_pixels(struct img_anon *a, const struct img_dicom_event *ev);
/* Whether a rule for devices says that something is burned in. */
bool anon_has_rule(const struct img_anon *a);
/* What is to be blanked; NULL if it can be done, else why not. */
const char *anon_plan_pixels(struct img_anon *a);

/* coded.c */
const char *anon_plan_coded(struct img_anon *a);
int anon_begin_coded(struct img_anon *a, struct img_err *err);
/* 1: it was written anew, or is left out, 0 not, -1. */
int anon_put_shape(struct img_anon *a, uint32_t tag, struct img_err *err);
int anon_put_coded(struct img_anon *a, const struct img_dicom_event *ev,
		   struct img_err *err);

/* pixels.c */
int anon_put_pixels(struct img_anon *a, const struct img_dicom_event *ev,
		    struct img_err *err);
/* Pixels as they are: 1 written, with zeros in the place of what lay behind the
   last frame; 0 there is nothing, -1. */
int anon_put_native(struct img_anon *a, const struct img_dicom_event *ev,
		    struct img_err *err);

/* trace.c */
void anon_trace(struct img_anon *a, const struct img_dicom_event *ev,
		const struct ruling *u);

/* hidden.c, hidden_j2k.c */
struct hidden_range {
	uint64_t at, end; /* in the fragment */
};
#define HIDDEN_MAX 64
struct hidden {
	struct hidden_range range[HIDDEN_MAX];
	unsigned n;
	bool unclear; /* it cannot be told what is hidden */
	bool ended;   /* the frame ends in this fragment */
	bool table;   /* an offset table that is none */
};
/* What a fragment of pixel data carries besides its pixels. */
int anon_find_hidden(struct img_anon *a, struct img_dicom_reader *r,
		     const struct img_dicom_event *ev, struct hidden *out,
		     struct img_err *err);
/* Writes the fragment with zeros in these places. */
int anon_put_wiped(struct img_anon *a, const struct img_dicom_event *ev,
		   const struct hidden *h, struct img_err *err);

/* alike.c */
void anon_alike_begin(struct img_anon *a);
int anon_alike_take(struct img_anon *a, const struct img_dicom_event *ev,
		    struct img_err *err);
void anon_alike_end(struct img_anon *a);

/* creators: ruling.c */
bool anon_is_creator(uint32_t tag);
void anon_creator_seen(struct img_anon *a, const struct img_dicom_event *ev);
void anon_creators_cut(struct img_anon *a, unsigned depth);
/* An item may have a character set of its own, for what is in it. */
void anon_charset_seen(struct img_anon *a, const struct img_dicom_event *ev);

#endif
