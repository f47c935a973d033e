/*
 * media.h - file-sets on media (PS3.10 8, PS3.3 Annex F): what a DICOMDIR
 * lists, and where that lies.
 *
 * A DICOMDIR is evidence, not authority: its records are told one by one in
 * the order of the file.  The offsets that chain them are not followed, so
 * that wrong, reordered or cyclic ones do no harm and memory stays flat.
 *
 * Order of calls: img_dicom_start_fd or _mem with img_media_limits, then
 * img_media_each; for each file ID img_media_resolve (in a folder), or
 * img_media_key on both sides (among the names of an archive).
 */
#ifndef IMG_MEDIA_H
#define IMG_MEDIA_H

#include "dicom/dicom.h"

#define IMG_MEDIA_ID_MAX  512
#define IMG_MEDIA_RECORDS 1000000 /* records of one DICOMDIR */

/* Enough for IMG_MEDIA_RECORDS of twenty elements. */
extern const struct img_dicom_limits img_media_limits;

/* One directory record; texts are printable, and "" where absent. */
struct img_media_record {
	uint64_t number;                /* in the file, from 1 */
	char type[17];                  /* (0004,1430) "IMAGE", "PRIVATE" ... */
	char file_id[IMG_MEDIA_ID_MAX]; /* (0004,1500), joined by '/' */
	const char *refused; /* why file_id must not be opened, or NULL */
	bool inactive;       /* (0004,1410) says 0: not in use */
	char sop_class[IMG_UID_MAX]; /* (0004,1510), "" if it is no UID */
	char sop[IMG_UID_MAX];       /* (0004,1511) */
	char ts[IMG_UID_MAX];        /* (0004,1512) */
};

/*
 * Reads the started r to its end and calls fn for each directory record that
 * refers to a file, or for every record when all.  fn's nonzero ends the
 * reading and is the result (-1 comes with err).  Else 0, or
 * -1: of a DICOMDIR that is cut or malformed the records before that place
 * have been told.  IMG_E_UNSUPPORTED if it is DICOM but no DICOMDIR;
 * IMG_E_LIMIT over IMG_MEDIA_RECORDS.  name as given at start.
 */
int img_media_each(struct img_dicom_reader *r, const char *name, bool all,
		   int (*fn)(const struct img_media_record *rec, void *arg,
			     struct img_err *err),
		   void *arg, struct img_err *err);

/*
 * A raw value of (0004,1500) as a relative path: components joined by '/',
 * padding gone, unprintable bytes as '?'.  Returns NULL, or a word on why it
 * must not be opened: it is empty, absolute, has "..", is too long, or holds
 * bytes that no name of a file has.  Slashes for backslashes, lower case,
 * long components and more than eight of them are read as meant.
 */
const char *img_media_file_id(const void *value, size_t n, char *out,
			      size_t size);

/*
 * The key under which a file ID and the name of a file meet: ASCII upper
 * case, '/' between components, without leading "./", and at the end without
 * ";1", "." and ".DCM".  false if it does not fit.  The name is relative to
 * the folder of the DICOMDIR.
 */
bool img_media_key(const char *name, char *out, size_t size);
/* Whether the keys are equal. */
bool img_media_name_match(const char *file_id, const char *member);

/*
 * Looks for a file ID below dirfd, tolerant as img_media_key is; an exact
 * name comes before one in other case, and that before one with a suffix.
 * 1: out is its relative path as it stands on disk; 0: no such regular file.
 * Never leaves the folder, follows no symbolic link, opens no file.
 * A file ID that is refused is not there.
 */
int img_media_resolve(int dirfd, const char *file_id, char *out, size_t size,
		      struct img_err *err);

/* ---- planning a file-set ---------------------------------------------- */

/*
 * A plan says what a file-set is going to be before a byte of it is written:
 * where each object goes, what has to change for the profile, and who cannot
 * come along.  img_media_add each object in the order they shall lie in, then
 * img_media_settle once; then the items are told.  The caller writes the
 * objects (changed as their items say), drops those that failed, and at last
 * asks for the other files of each volume, the DICOMDIR among them.
 *
 *     img_media_new  img_media_add*  img_media_settle
 *     img_media_item*  [img_media_drop*]
 *     for each volume: img_media_dicomdir, img_media_pdi
 *
 * Nothing is invented.  What a record of the directory must have and the
 * object lacks comes from other attributes of the object, from objects of the
 * same patient, study or series, from the file ID, or from the caller's own
 * values; each case is one change in the item's list.  An object that cannot
 * be repaired is refused, and the rest is a valid set.  The objects' own
 * attributes are never changed, only their encoding.
 *
 * The same objects in the same order give the same bytes.
 */
#define IMG_MEDIA_OBJECTS 1000000 /* objects of one plan */
#define IMG_MEDIA_NAME    72      /* 8 components of 8, slashes, NUL */
#define IMG_MEDIA_LABEL   17      /* file-set ID and NUL, PS3.3 F.3.2.1 */

struct img_media_set;

struct img_media_options {
	const char *profile;     /* PS3.11 name, NULL: "STD-GEN-CD"; "any" asks
				    for no profile: every syntax is kept */
	const char *file_set_id; /* up to 16 of A-Z 0-9 _; NULL: "DICOM" */
	const char *institution; /* UTF-8 for README.TXT, or NULL */
	const char *const *set; /* "Keyword=value" (UTF-8), for what is empty */
	size_t set_count;
	const char *syntax;  /* UID that objects of other syntaxes are to get,
			       NULL: as the profile says.  Not in the profile:
			       IMG_E_USAGE */
	bool syntax_always;  /* also objects whose own syntax would do */
	bool allow_lossy;    /* lossy frames may be decoded into syntax */
	bool plain_vrs;      /* VRs younger than 2000 are to become UN */
	uint64_t volume;     /* bytes a volume may have; 0: one of any size */
	uint64_t reserve;    /* of them for files of the caller's own */
	uint64_t per_object; /* and more for each object (a manifest's line) */
	bool web;            /* an index page and pages with previews */
};

/* NULL if it cannot be: err says what (IMG_E_USAGE).  Strings are copied. */
struct img_media_set *img_media_new(const struct img_media_options *opts,
				    struct img_err *err);
void img_media_free(struct img_media_set *m);

/*
 * Reads the started r to its end and takes the object into the plan; bytes is
 * the size of its file, name as given at start.  *index counts from 0.
 * -1: it is damaged, or there is no place for it in a file-set (IMG_E_REFUSED,
 * IMG_E_UNSUPPORTED); the plan is as before.
 */
int img_media_add(struct img_media_set *m, struct img_dicom_reader *r,
		  const char *name, uint64_t bytes, size_t *index,
		  struct img_err *err);

/* Repairs, refusals, names and volumes; IMG_E_LIMIT if an object is greater
   than a volume only refuses that object. */
int img_media_settle(struct img_media_set *m, struct img_err *err);

enum img_media_change_kind {
	IMG_MEDIA_SYNTAX,  /* the object gets another transfer syntax */
	IMG_MEDIA_META,    /* its file gets a proper meta header */
	IMG_MEDIA_VR,      /* an element's VR becomes UN */
	IMG_MEDIA_KEY,     /* a key of a directory record got a value */
	IMG_MEDIA_DROPPED, /* a value that breaks its VR is not in the record */
	IMG_MEDIA_MARKED,  /* a value has question marks in the record */
	IMG_MEDIA_DIFFERS  /* the record has another object's value */
};

struct img_media_change {
	enum img_media_change_kind kind;
	uint32_t tag;     /* (0002,0010) for a transfer syntax */
	const char *from; /* the keyword it was derived from, "set" for a value
			     of the caller; the old VR or syntax; or "" */
	const char *to;   /* the type of the record; the new VR or syntax */
};

struct img_media_item {
	char file_id[IMG_MEDIA_NAME]; /* with '/', "" if refused */
	unsigned volume;              /* from 0 */
	uint64_t bytes;               /* as given */
	char sop_class[IMG_UID_MAX], sop[IMG_UID_MAX];
	char study[IMG_UID_MAX], series[IMG_UID_MAX];
	char ts[IMG_UID_MAX];     /* as it is */
	char target[IMG_UID_MAX]; /* as it has to be written */
	const char *type;         /* of its directory record */
	bool rewrite; /* the file must be written anew, with a meta header of
			 its own, even if target is ts */
	bool refused;
	struct img_err why; /* if refused */
	const struct img_media_change *changes;
	size_t change_count;
};

size_t img_media_count(const struct img_media_set *m);
/* After settle; what it points to lives as long as the plan. */
void img_media_item(const struct img_media_set *m, size_t index,
		    struct img_media_item *out);
/* It could not be written after all: it is not listed.  Its name stays
   unused. */
void img_media_drop(struct img_media_set *m, size_t index);

/* 0 where no object has a place. */
unsigned img_media_volumes(const struct img_media_set *m);
/* The file-set ID of a volume, which is the label of its disc as well. */
void img_media_label(const struct img_media_set *m, unsigned volume,
		     char out[IMG_MEDIA_LABEL]);
/* The names of all profiles, NULL after the last. */
const char *img_media_profile_name(size_t index);

/* Where the other files go.  name has slashes and is 8.3; the bytes are valid
   during the call. */
struct img_media_out {
	int (*put)(void *arg, const char *name, const void *p, size_t n,
		   struct img_err *err);
	/* A JPEG of the object, at most size pixels a side: 1 made, 0 there is
	   none (no image, or nothing to show), -1 no more.  May be NULL. */
	int (*preview)(void *arg, size_t index, unsigned size,
		       struct img_buf *jpeg, struct img_err *err);
	void *arg;
};

/*
 * Puts "DICOMDIR": made in a folder of its own below tmp (NULL: $TMPDIR or
 * /tmp), read back and compared with the plan record by record before it is
 * handed over.  tmp's folder is gone afterwards.
 */
int img_media_dicomdir(struct img_media_set *m, unsigned volume,
		       const char *tmp, const struct img_media_out *out,
		       struct img_err *err);
/* Puts README.TXT, and with web INDEX.HTM and the files of IHE_PDI. */
int img_media_pdi(struct img_media_set *m, unsigned volume,
		  const struct img_media_out *out, struct img_err *err);

/* ---- checking a medium ------------------------------------------------ */

/*
 * Whether a medium is what its DICOMDIR says, both ways.  The DICOMDIR and the
 * files may come in any order, as an archive holds them; what is wrong is told
 * at the end, in the order of the records and then of the files.
 *
 *     img_media_check_new
 *     img_media_check_dicomdir once, img_media_check_file*, in any order
 *     img_media_check_end
 */
struct img_media_check;

enum img_media_fault {
	IMG_MEDIA_NOT_THERE, /* listed, and not on the medium */
	IMG_MEDIA_UNLISTED,  /* a DICOM file that no record refers to */
	IMG_MEDIA_MISMATCH,  /* the record and its file say different things */
	IMG_MEDIA_FILE_ID,   /* no file ID as PS3.10 8.2 and PS3.12 want it */
	IMG_MEDIA_FOREIGN,   /* not part of the profile */
	IMG_MEDIA_RECORD,    /* a key is missing, or it is in a wrong place */
	IMG_MEDIA_CHAIN,     /* offsets that lead nowhere, or in a circle */
	IMG_MEDIA_LAYOUT     /* files of IHE PDI: absent, or with bad names */
};

struct img_media_finding {
	enum img_media_fault fault;
	uint64_t record;  /* number in the DICOMDIR from 1, or 0 */
	const char *path; /* as given or as listed, or "" */
	uint32_t tag;     /* the attribute it is about, or 0 */
	const char *text; /* what is wrong, without values */
};

const char *img_media_fault_word(enum img_media_fault fault);

/* profile: as for a plan; NULL: no profile is asked for.  pdi: README.TXT is
   wanted, and INDEX.HTM where there is an IHE_PDI. */
struct img_media_check *img_media_check_new(const char *profile, bool pdi,
					    struct img_err *err);
void img_media_check_free(struct img_media_check *c);

/* Reads the started r.  -1: it is damaged; the records before that place are
   checked all the same. */
int img_media_check_dicomdir(struct img_media_check *c,
			     struct img_dicom_reader *r, const char *name,
			     struct img_err *err);
/*
 * A file below the folder of the DICOMDIR, by its path from there.  r, started
 * on it, or NULL for what is no DICOM.  -1: it is damaged (err); it counts as
 * there all the same.
 */
int img_media_check_file(struct img_media_check *c, const char *path,
			 struct img_dicom_reader *r, struct img_err *err);
/* One that cannot be read: it is there, and nothing is known of it. */
int img_media_check_unread(struct img_media_check *c, const char *path,
			   struct img_err *err);
/* Keeps a name for the caller, once with those of the files; *id is for
   img_media_check_name. */
int img_media_check_keep(struct img_media_check *c, const char *name,
			 uint32_t *id, struct img_err *err);
const char *img_media_check_name(const struct img_media_check *c, uint32_t id);
/* The file-set ID of the DICOMDIR that was read, "" if it has none; a disc has
   it as its label (PS3.12 F.1.2). */
const char *img_media_check_id(const struct img_media_check *c);
/* Tells what was found; fn's nonzero ends it and is the result.  0 nothing is
   wrong, 1 something was told. */
int img_media_check_end(struct img_media_check *c,
			int (*fn)(const struct img_media_finding *f, void *arg,
				  struct img_err *err),
			void *arg, struct img_err *err);

#endif
