/* inside.h - what the files of this room share. */
#ifndef IMG_CHECK_INSIDE_H
#define IMG_CHECK_INSIDE_H

#include "check/check.h"

/* ---- tables ------------------------------------------------------------- */

#define CHECK_PATH    5
#define CHECK_MODULES 24

struct check_attribute {
	uint32_t path[CHECK_PATH];
	uint8_t n, type;
};
struct check_span {
	uint16_t first, count;
};
struct check_iod {
	const char *uid;
	bool pixels; /* has the Image Pixel module */
	struct check_span module[CHECK_MODULES];
};
extern const struct check_attribute check_attributes[];
extern const struct check_iod check_iods[];
extern const unsigned check_iod_count;

/* ---- attributes an IOD must have ---------------------------------------- */

/* An attribute within a node.  Node 0 is the data set, others are items. */
struct check_rule {
	uint16_t node, child; /* child 0: no items to look into */
	uint32_t tag;
	uint8_t type; /* 1, 2; 3 where only its items matter */
};

#define CHECK_RULES 1200
#define CHECK_NODES 400
#define CHECK_DEPTH 65
#define CHECK_EARLY 64

struct check_modules {
	const struct check_iod *iod; /* whose rules these are */
	struct check_rule rule[CHECK_RULES];
	size_t rules;
	size_t first[CHECK_NODES + 1]; /* of a node */
	size_t nodes;
	/* The object in hand. */
	bool chosen;
	struct {
		uint32_t tag;
		bool empty;
	} early[CHECK_EARLY]; /* before the SOP class was known */
	size_t n_early;
	uint16_t node[CHECK_DEPTH]; /* of open items; UINT16_MAX: none */
	size_t seen_at[CHECK_DEPTH];
	uint8_t seen[CHECK_RULES * 2]; /* 0 absent, 1 empty, 2 there */
	size_t seen_n;
	uint16_t next; /* node of the items of the sequence begun last */
};

void check_modules_start(struct check_modules *m);
void check_modules_class(struct img_check *c, const char *uid);
void check_modules_element(struct img_check *c, uint32_t tag, unsigned depth,
			   bool empty);
void check_modules_item(struct img_check *c, unsigned depth);
void check_modules_end_item(struct img_check *c, unsigned depth);
void check_modules_end(struct img_check *c);

/* ---- pixel data --------------------------------------------------------- */

struct check_pixels {
	uint64_t rows, columns, samples, allocated, stored, high,
		representation, planar, frames;
	unsigned have; /* bits of the above, in this order */
	bool frames_stated, palette, url;
	char photometric[17];
	/* pixel data */
	bool native, encapsulated;
	uint64_t length;
	uint32_t tag; /* of the pixel data */
	/* fragments */
	uint64_t fragments, first, n_table, matched;
	struct img_buf table; /* of uint64_t */
	bool extended, table_wrong, empty_fragment, odd_fragment;
	uint64_t n_lengths;
	bool nested;
};

void check_pixels_start(struct check_pixels *p);
int check_pixels_event(struct img_check *c, struct img_dicom_reader *r,
		       const struct img_dicom_event *ev, struct img_err *err);
void check_pixels_end(struct img_check *c, const struct img_dicom_facts *f);

/* ---- values ------------------------------------------------------------- */

void check_value(struct img_check *c, const struct img_dicom_event *ev);

/* ---- the canonical data set --------------------------------------------- */

struct check_canon {
	struct img_check_part *part; /* of open items, one after the other */
	size_t parts, room;
	size_t start[CHECK_DEPTH * 2 + 2]; /* of open items and sequences */
	uint32_t tag[CHECK_DEPTH * 2 + 2];
	unsigned open;
	bool off;     /* inside what does not count */
	size_t whole; /* parts of the data set, at the end */
	struct img_buf text;
};

int check_canon_event(struct img_check *c, struct img_dicom_reader *r,
		      const struct img_dicom_event *ev, struct img_err *err);
void check_canon_start(struct check_canon *k);
int check_canon_end(struct img_check *c, struct img_err *err);

/* ---- all of it ---------------------------------------------------------- */

struct img_check {
	struct img_finding finding[IMG_FINDINGS_MAX];
	size_t findings, total;
	struct img_check_facts facts;
	char meta_class[IMG_UID_MAX], meta_sop[IMG_UID_MAX];
	bool has_meta;

	uint32_t path[CHECK_DEPTH]; /* sequences that are open */
	unsigned depth;
	struct img_charset charset[CHECK_DEPTH];
	uint32_t creator; /* odd group of the last private creator */
	struct img_buf text;

	struct check_modules modules;
	struct check_pixels pixels;
	struct check_canon canon;
};

/* A finding at tag within the sequences that are open. */
void check_found(struct img_check *c, bool error, const char *rule,
		 uint32_t tag, const char *fmt, ...) IMG_PRINTF(5, 6);
/* The text of a value without padding; false if it does not fit. */
bool check_text(const struct img_dicom_event *ev, char *out, size_t size);

#endif
