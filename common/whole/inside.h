/* inside.h - what the files of this room share. */
#ifndef IMG_WHOLE_INSIDE_H
#define IMG_WHOLE_INSIDE_H

#include "whole/whole.h"

#define WHOLE_OBJECTS 16000000
#define WHOLE_TEXT    ((size_t)4 << 30)

/* Texts are offsets in an arena; 0 is "". */
struct whole_object {
	size_t study, series, sop, concatenation;
	uint64_t key; /* sets stacks of one series apart */
	int64_t number, acquisition;
	bool has_number, has_acquisition, has_plane;
	bool slice;     /* of a class whose objects are slices, one each */
	bool selection; /* a key object selection */
	uint64_t in_acquisition, in_series, in_study, series_in_study;
	uint64_t pet;         /* images that the PET series has */
	uint64_t part, parts; /* of the concatenation */
	double position[3], row[3], column[3];
};

enum whole_list_kind {
	WHOLE_DICOMDIR,
	WHOLE_MANIFEST,   /* means to have the whole study */
	WHOLE_REFERENCES, /* needs some objects */
	WHOLE_DOSE        /* saw some, whether they were kept or not */
};

struct whole_list {
	size_t name, sop; /* sop: of the object that is the list */
	enum whole_list_kind kind;
	bool partial; /* some records name no UID */
};

/* A list, by its number, has this object. */
struct whole_ref {
	size_t study, series, sop, list;
};

struct whole_refs {
	struct whole_ref *at;
	size_t n, room;
};

struct whole_study {
	size_t name, first, end; /* objects */
};

/* Instances of a peer: which ones, or only how many of a series. */
struct whole_peer {
	bool said;
	char name[256];
	struct whole_refs refs; /* list: the count, where sop is 0 */
};

struct img_whole {
	struct img_buf text;
	size_t last_study, last_series; /* most objects have the same */
	struct whole_object *object;
	size_t n, room;
	/* What lists say: those that stay, and those among the objects. */
	struct whole_refs stay, refs;
	bool stay_sorted;
	struct whole_list *list;
	size_t lists, lists_room;
	size_t kept_text, kept_lists; /* by a reset */
	struct whole_study *study;
	size_t studies, studies_room;
	uint64_t *judged; /* sums of studies */
	size_t judged_n, judged_room;
	struct whole_peer peer;

	/* The study in hand. */
	size_t *order; /* its objects by UID */
	size_t order_n, order_room;
	int64_t *numbers; /* of all its objects, ascending */
	size_t numbers_n, numbers_room;
	bool numbered_through; /* each number is there but once */
	struct img_whole_verdict verdict;
	struct img_whole_witness witness[IMG_WHOLE_WITNESSES];
	bool soft[IMG_WHOLE_WITNESSES]; /* a list of all of it knows better */
	bool hard, vouched;
	char reason[200];
	char uid[IMG_WHOLE_ABSENT][IMG_UID_MAX];
	size_t uids;
};

static inline const char *whole_text(const struct img_whole *w, size_t at)
{
	return at ? w->text.data + at : "";
}
/* *at becomes the place of a copy. */
int whole_keep(struct img_whole *w, const char *s, size_t *at,
	       struct img_err *err);
/* Room for n more behind n in use; p or its successor, NULL without memory. */
void *whole_more(void *p, size_t n, size_t more, size_t *room, size_t size,
		 struct img_err *err);
int whole_add_ref(struct whole_refs *r, const struct whole_ref *ref,
		  struct img_err *err);
int whole_add_list(struct img_whole *w, const struct whole_list *l,
		   struct img_err *err);
int whole_note_judged(struct img_whole *w, size_t study, struct img_err *err);
int whole_by_text(const struct img_whole *w, size_t a, size_t b);
/* The text of a value without padding; false if it does not fit. */
bool whole_value(const struct img_dicom_event *ev, char *out, size_t size);

/* directory.c: the rest of a DICOMDIR, whose file meta was read. */
int whole_read_directory(struct img_whole *w, struct img_dicom_reader *r,
			 const char *name, struct whole_refs *to,
			 struct img_err *err);

/* A witness is heard.  NULL: there is no room for more. */
struct img_whole_witness *whole_say(struct img_whole *w, const char *name,
				    enum img_whole_says says, size_t series,
				    const char *fmt, ...) IMG_PRINTF(5, 6);
/* What h says holds unless somebody vouches for the study; h may be NULL. */
void whole_soften(struct img_whole *w, struct img_whole_witness *h);
/* This one is missing; h may be NULL. */
void whole_absent(struct img_whole *w, struct img_whole_witness *h,
		  const char *uid);

/* lists.c: lists and the peer about the study in hand. */
void whole_hear_lists(struct img_whole *w, const struct whole_study *s);
/* counts.c: what objects say of how many they are; true: the series of the
   objects has all of them. */
bool whole_hear_counts(struct img_whole *w, const struct whole_study *s,
		       size_t first, size_t end);
void whole_hear_study(struct img_whole *w, const struct whole_study *s);
/* numbers.c, slices.c: numbers and positions of the objects of a series. */
int whole_hear_numbers(struct img_whole *w, size_t first, size_t end,
		       struct img_err *err);

/* What the positions of a series say.  stack[i]: of the i-th object, -1 none
   that can be judged. */
struct whole_slices {
	int *stack;
	bool sure;        /* holes can be told without numbers */
	uint64_t missing; /* slices, where stacks are even but for them */
	bool uneven;      /* some stack is so by itself */
	uint64_t stacks;  /* that could be judged */
};
int whole_look_at_slices(const struct whole_object *o, size_t n,
			 struct whole_slices *out, struct img_err *err);

#endif
