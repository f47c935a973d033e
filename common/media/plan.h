/*
 * plan.h - inside the room: the parts of a planned file-set.
 *
 * types.c    which directory record an object gets, and that record's keys
 * profile.c  application profiles and their transfer syntaxes
 * collect.c  what an object says, read once
 * element.c  elements as bytes
 * value.c    whether a value may stand in a directory record
 * charset.c  character sets of the values
 * syntax.c   how an object has to be written
 * repair.c   where a missing key may come from
 * plan.c     a new plan, objects added
 * place.c    the patient, study and series of an object
 * group.c    the records of these
 * settle.c   refusals, names, volumes
 * encode.c   a directory record as bytes
 * dicomdir.c the DICOMDIR: made by DCMTK, read back, compared
 * pdi.c      README.TXT, the index page and previews
 * map.c      texts to numbers
 */
#ifndef IMG_MEDIA_PLAN_H
#define IMG_MEDIA_PLAN_H

#include "media/media.h"

#define NONE       SIZE_MAX
#define TAG_CS     IMG_TAG(0x0008, 0x0005)
#define TAG_SYNTAX IMG_TAG(0x0002, 0x0010)
#define NATIVE_LE  "1.2.840.10008.1.2.1"

#define PATIENT_ID       IMG_TAG(0x0010, 0x0020)
#define ISSUER           IMG_TAG(0x0010, 0x0021)
#define STUDY_UID        IMG_TAG(0x0020, 0x000D)
#define SERIES_UID       IMG_TAG(0x0020, 0x000E)
#define SERIES_NUMBER    IMG_TAG(0x0020, 0x0011)
#define INSTANCE_NUMBER  IMG_TAG(0x0020, 0x0013)
#define IDENTITY_REMOVED IMG_TAG(0x0012, 0x0062)

/* ---- types.c ---------------------------------------------------------- */

/* PS3.5 7.4; KEY_1C: copied where the object has it. */
enum key_type { KEY_1 = 1, KEY_1C, KEY_2, KEY_3 };

struct key {
	uint32_t tag;
	enum key_type type;
};

struct record_type {
	const char *name; /* (0004,1430) */
	const struct key *keys;
	size_t count;
	bool root; /* belongs to no patient */
};

extern const struct record_type media_patient, media_study, media_series;
/* NULL: it has none. */
const struct record_type *media_type_of(const char *sop_class);
const struct record_type *media_type_named(const char *name);
/* The tags of all keys; how many. */
unsigned media_type_tags(uint32_t *out, unsigned max);
/* The Modality that all objects of the class have, or NULL. */
const char *media_modality_of(const char *sop_class);
/* (0042,0012) of an encapsulated document, or NULL. */
const char *media_mime_of(const char *sop_class);

/* ---- profile.c -------------------------------------------------------- */

struct profile {
	const char *name;
	const char *const *syntaxes;  /* the first is the preferred one; NULL:
					any */
	const char *const *classes;   /* SOP classes, NULL: any storage class */
	const struct key *image_keys; /* more keys of IMAGE records */
	size_t image_key_count;
};

const struct profile *media_profile_find(const char *name);
bool media_profile_has(const struct profile *p, const char *ts);
bool media_profile_class(const struct profile *p, const char *sop_class);

/* ---- map.c ------------------------------------------------------------ */

/* Small: a medium of a hundred thousand files has as many. */
struct map_slot {
	uint32_t key; /* offset of the text in the arena, plus 1 */
	uint32_t value;
};

struct map {
	struct map_slot *slot;
	size_t count, room;
};

struct img_media_set;

size_t media_map_get(const struct img_media_set *m, const struct map *map,
		     const char *key); /* NONE if absent */
/* A key that is a text of the arena is not copied. */
int media_map_put(struct img_media_set *m, struct map *map, const char *key,
		  size_t value, struct img_err *err);
void media_map_release(struct map *map);
/* Keeps a copy in the arena; its offset, or NONE. */
size_t media_keep(struct img_media_set *m, const void *p, size_t n,
		  struct img_err *err);

/* ---- values ----------------------------------------------------------- */

#define CHARSET_ASCII 0
#define CHARSET_UTF8  1
#define CHARSETS_MAX  250

/* A value that may stand in a directory record, without padding. */
struct value {
	uint32_t tag;
	uint32_t length;
	size_t at; /* in the arena */
	char vr[3];
	uint8_t charset; /* of the bytes; CHARSET_ASCII: any */
};

struct values {
	struct value *v; /* tags ascend */
	uint16_t count, room;
};

const struct value *media_value_find(const struct values *vs, uint32_t tag);
int media_value_add(struct img_media_set *m, struct values *vs, uint32_t tag,
		    const char *vr, uint8_t charset, const void *p, size_t n,
		    struct img_err *err);

struct charset {
	size_t at; /* (0008,0005) in the arena */
	uint32_t length;
	struct img_charset cs;
};

/* ---- charset.c -------------------------------------------------------- */

/* The number of a character set; CHARSET_UTF8 if there are too many. */
uint8_t media_charset(struct img_media_set *m, const void *p, size_t n);
/* Which one a record of these values has: theirs if it is one, else UTF-8. */
uint8_t media_charset_of(const struct values *vs);
/* Appends the value in UTF-8. */
int media_value_utf8(const struct img_media_set *m, const struct value *v,
		     struct img_buf *out, struct img_err *err);

/* ---- collect.c -------------------------------------------------------- */

#define MEDIA_PREVIEW_MAX (48u * 1024) /* of a JPEG */

#define FACTS_MAX  128
#define FACT_BYTES 4096
#define SEQ_BYTES  (256u * 1024)
#define YOUNG_MAX  32

/* What an object says of one attribute. */
struct fact {
	bool present;
	bool too_long; /* so that it was not kept */
	bool wide;     /* a sequence with text in UTF-8 */
	char vr[3];
	bool big;
	uint32_t length;
	size_t at; /* in facts.bytes */
};

struct facts {
	struct fact f[FACTS_MAX];
	struct img_buf bytes;
	struct img_charset cs;
	uint8_t charset; /* its number, or CHARSET_UTF8 if values have to be
			    converted */
	struct {
		uint32_t tag;
		char vr[3];
	} young[YOUNG_MAX]; /* of VRs that old readers do not know */
	unsigned young_count;
	unsigned notes;
	uint64_t end; /* of the stream, inflated */
	uint64_t elements;
	uint64_t pixels, after; /* where PixelData begins, and what follows it;
				   0: nothing does */
	bool has_pixels, is_dicomdir;
	bool observers; /* VerifyingObserverSequence is open */
	char ts[IMG_UID_MAX];
	char meta_class[IMG_UID_MAX], meta_sop[IMG_UID_MAX]; /* group 0002 */
};

int media_by_tag(const void *a, const void *b);
/* Which attributes are of use, once for each plan. */
int media_wanted(struct img_media_set *m, struct img_err *err);
/* Reads the started r to its end; what it says is in m->facts. */
int media_collect(struct img_media_set *m, struct img_dicom_reader *r,
		  struct img_err *err);
const struct fact *media_fact(const struct img_media_set *m, uint32_t tag);
/* The first value as text without padding; false if absent or too long. */
bool media_fact_text(const struct img_media_set *m, uint32_t tag, char *out,
		     size_t size);
bool media_fact_uid(const struct img_media_set *m, uint32_t tag,
		    char out[IMG_UID_MAX]);
uint64_t media_fact_number(const struct img_media_set *m, uint32_t tag,
			   uint64_t otherwise);
/* ---- element.c -------------------------------------------------------- */

/*
 * Appends an event of an open sequence as explicit VR little endian, with
 * undefined lengths.  With cs text becomes UTF-8, and *wide says whether any
 * is not ASCII.  1 done, 0 it cannot be in a record, -1
 * error.
 */
int media_put_event(struct img_buf *out, const struct img_dicom_event *ev,
		    const struct img_charset *cs, bool *wide,
		    struct img_err *err);
/* Tag, VR, length and value, padded; of SQ the items. */
int media_put_element(struct img_buf *out, uint32_t tag, const char *vr,
		      const void *p, size_t n, struct img_err *err);

/* ---- value.c ---------------------------------------------------------- */

/* VALUE_MARKED: good but for characters that cannot be decoded; a question
   mark stands for each. */
enum verdict { VALUE_MISSING, VALUE_BAD, VALUE_OK, VALUE_MARKED };

/* The text of VR vr, in UTF-8 for text VRs, as it may stand in a record:
   trimmed, dates and times in today's form (out).  vm as in the dictionary. */
enum verdict media_value_check(const char *vr, unsigned vm_min, unsigned vm_max,
			       const char *p, size_t n, struct img_buf *out,
			       struct img_err *err);
/* What the object has for tag, taken into vs if it is VALUE_OK or
   VALUE_MARKED; -1 err. */
int media_value_take(struct img_media_set *m, struct values *vs, uint32_t tag,
		     enum verdict *verdict, struct img_err *err);
bool media_date(const struct img_media_set *m, uint32_t tag, char out[9]);
bool media_time(const struct img_media_set *m, uint32_t tag, char out[17]);
/* A DT of a whole second at least: YYYYMMDDHHMMSS. */
bool media_date_time(const struct img_media_set *m, uint32_t tag, char out[32]);

/* ---- plan.c ----------------------------------------------------------- */

enum level { PATIENT, STUDY, SERIES, LEVELS };

/* A date and a time that belong together, and what they are from. */
struct moment {
	unsigned rank; /* 0: none */
	char date[9], time[17];
	uint32_t date_tag, time_tag;
};

struct group {
	enum level level;
	size_t parent;      /* NONE of a patient */
	size_t first, last; /* groups below it, or objects of a series */
	size_t next;        /* beside it */
	size_t object;      /* the first of its objects */
	size_t uid;         /* text in the arena; of a patient: the ID */
	uint32_t number;    /* in file IDs; 0: not used */
	bool on;            /* it has a record on the volume in hand */
	bool identity_removed;
	bool refused;
	struct img_err why;
	struct moment moment; /* of a study */
	struct values keys;
};

struct object {
	size_t series, next; /* NONE: it belongs to no patient */
	size_t name, sop_class, sop, ts, target; /* in the arena */
	uint64_t bytes, planned;
	const struct record_type *type;
	struct values keys;
	struct img_media_change *changes;
	uint16_t change_count, change_room;
	uint32_t number;
	unsigned volume;
	bool number_due; /* InstanceNumber is to be that of the file ID */
	bool rewrite, refused, dropped;
	struct img_err *why;
};

struct set_value {
	uint32_t tag;
	char vr[3];
	size_t at; /* UTF-8 in the arena */
	uint32_t length;
	bool wide;
};

struct img_media_set {
	const struct profile *profile;
	char file_set_id[IMG_MEDIA_LABEL];
	char syntax[IMG_UID_MAX];
	size_t institution; /* in the arena, or NONE */
	bool syntax_always, allow_lossy, plain_vrs, web, settled;
	uint64_t volume, reserve, per_object;
	struct set_value *set;
	size_t set_count;

	struct img_buf arena;
	struct map patients, studies, series, sops, texts;
	struct group *groups;
	size_t group_count, group_room;
	struct object *objects;
	size_t object_count, object_room;
	size_t first[2], last[2]; /* patients; objects of no patient */
	struct charset charsets[CHARSETS_MAX];
	unsigned charset_count;
	unsigned volumes;
	uint32_t wanted[FACTS_MAX];
	unsigned wanted_count;
	struct facts facts;
	struct img_buf scratch;
};

static inline const char *media_text(const struct img_media_set *m, size_t at)
{
	return m->arena.data + at;
}

const struct set_value *media_set_find(const struct img_media_set *m,
				       uint32_t tag);
int media_change(struct object *o, enum img_media_change_kind kind,
		 uint32_t tag, const char *from, const char *to,
		 struct img_err *err);
int media_refuse(struct object *o, const struct img_err *why,
		 struct img_err *err);
/* A text that many objects share; its offset, or NONE. */
size_t media_intern(struct img_media_set *m, const char *text,
		    struct img_err *err);

/* ---- syntax.c --------------------------------------------------------- */

#define IMG_MEDIA_FILE_MAX 0xFFFFF000u /* FAT32, ISO 9660 level 1 */

unsigned media_syntax_tags(uint32_t *out);
/* What has to become of the object's encoding; -1: it cannot come. */
int media_syntax(struct img_media_set *m, struct object *o,
		 struct img_err *err);

/* ---- place.c ---------------------------------------------------------- */

/* Where the object belongs; -1: nowhere, and nothing was changed. */
int media_place(struct img_media_set *m, struct object *o, struct img_err *err);
/* A UID whose root nobody can have registered (PS3.5 9, ISO 8824) is not
   listed under a profile. */
int media_check_root(const struct img_media_set *m, const char *uid,
		     const char *keyword, struct img_err *err);

/* ---- repair.c and group.c --------------------------------------------------------- */

/* What de-identification puts in the place of a date or time (PS3.15 table
   E.1-1, action D). */
#define DUMMY_DATE "19000101"
#define DUMMY_TIME "000000"

/* When the study was, as its object says; with a date: a time of that day. */
void media_study_moment(const struct img_media_set *m, const char *date,
			struct moment *out);
/* Adds text as the value of a key, and the change to o's list. */
int media_derive(struct img_media_set *m, struct values *vs, struct object *o,
		 uint32_t tag, const char *text, const char *from,
		 const char *type, struct img_err *err);
int media_add_set(struct img_media_set *m, struct values *vs, struct object *o,
		  const struct set_value *s, const char *type,
		  struct img_err *err);
bool media_identity_removed(const struct img_media_set *m);
int media_refuse_key(uint32_t tag, enum verdict v, struct img_err *err);
/* Tells what of an object's value is not in the record of that type. */
int media_note_value(struct object *o, const struct key *key, enum verdict v,
		     const char *type, struct img_err *err);
/* The tags that other keys are derived from; how many. */
unsigned media_repair_tags(uint32_t *out, unsigned max);
/* The keys of the object's own record, into o->keys; -1: it cannot come. */
int media_repair_object(struct img_media_set *m, struct object *o,
			struct img_err *err);
/* What this object adds to what is known of a patient, study or series. */
int media_merge_group(struct img_media_set *m, struct group *g,
		      struct object *o, struct img_err *err);
/* All objects are known: fills what is missing, or refuses the group. */
int media_repair_group(struct img_media_set *m, struct group *g,
		       struct img_err *err);
/* A patient who is known by the study alone. */
int media_derive_patient(struct img_media_set *m, struct group *g,
			 struct object *o, const char *study,
			 struct img_err *err);
const struct record_type *media_group_type(enum level level);
const char *media_keyword(uint32_t tag);

/* ---- settle.c --------------------------------------------------------- */

void media_file_id(const struct img_media_set *m, const struct object *o,
		   char separator, char out[IMG_MEDIA_NAME]);
bool media_is_listed(const struct object *o);
/* Which groups have a record on the volume (group.on). */
void media_mark(struct img_media_set *m, unsigned volume);

/* ---- encode.c --------------------------------------------------------- */

/* The record without what chains it to others, tags ascending. */
int media_encode_group(struct img_media_set *m, const struct group *g,
		       struct img_buf *out, struct img_err *err);
int media_encode_object(struct img_media_set *m, const struct object *o,
			struct img_buf *out, struct img_err *err);

#endif
