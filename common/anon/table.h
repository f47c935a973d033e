/* table.h - inside the room: the generated tables and how to search them. */
#ifndef IMG_ANON_TABLE_H
#define IMG_ANON_TABLE_H

#include "anon/anon.h"

/* A row of Table E.1-1: act[0] is the profile, the others its options. */
struct anon_row {
	uint32_t tag; /* 50xx and 60xx as 5000 and 6000, private FFFFFFFF */
	char vr[3];
	bool beyond; /* not in the table, but needs the same care */
	const char *keyword;
	uint8_t act[IMG_ANON_COLUMNS];
};
extern const struct anon_row anon_rows[];
extern const unsigned anon_row_count;

/* PS3.15 Table E.3.10-1; tag without the byte of the block. */
struct anon_safe {
	uint32_t tag;
	char vr[3];
	bool version; /* its UID is that of a format, not of an instance */
	const char *creator;
};
extern const struct anon_safe anon_safe[];
extern const unsigned anon_safe_count;

/* PS3.15 Table E.3.4-1: content items by concept name. */
struct anon_concept {
	const char *code, *scheme, *type;
	uint8_t act[IMG_ANON_COLUMNS - 2];
};
extern const struct anon_concept anon_concepts[];
extern const unsigned anon_concept_count;

/* Where devices burn in text.  An empty condition always holds. */
struct anon_region {
	const char *modality, *manufacturer, *model, *software, *rows, *columns,
		*other, *rects; /* "x,y,w,h;..." */
};
extern const struct anon_region anon_regions[];
extern const unsigned anon_region_count;

/* Words that name nobody, in lower case and sorted. */
extern const char *const anon_words[];
extern const unsigned anon_word_count;
/* What stands where a name might. */
extern const char *const anon_holders[];
extern const unsigned anon_holder_count;

#define ANON_NO_ROW (-1)
/* The row of a tag; patterns and private tags have theirs. */
int anon_row_of(uint32_t tag);
/* The safe private attribute; NULL if it is none. */
const struct anon_safe *anon_safe_of(uint32_t tag, const char *creator,
				     size_t n);
/* Whether this creator has safe attributes in the group. */
bool anon_safe_creator(uint32_t tag, const char *creator, size_t n);

#endif
