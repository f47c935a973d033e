/*
 * catalog.h - what the archive knows about its objects: patients, studies,
 * series, instances, objects, conflicts, and the inputs it has seen.  The
 * only door to SQLite; no caller sees SQL.
 *
 * The catalog is an index: truth is the object file, and a catalog can be
 * made again from the objects.  catalog.db is in WAL mode with
 * synchronous=FULL, so a commit survives a power cut.  Each row carries a sum
 * over its own columns (img_sum64), because SQLite's integrity check does not
 * see a flipped bit inside a value.
 *
 * One writer at a time: the store's lock is held around a transaction (see
 * store.h), so that two importers take turns and never meet SQLITE_BUSY.
 * Readers never block it.
 *
 * Nothing is merged: a study is known by patient and StudyInstanceUID, so a
 * study that arrives under two PatientIDs is listed under both, and the
 * result says so.
 */
#ifndef IMG_CATALOG_H
#define IMG_CATALOG_H

#include "base/base.h"
#include "crypto/crypto.h"

enum img_level { IMG_PATIENT, IMG_STUDY, IMG_SERIES, IMG_IMAGE };

/* The attributes the catalog holds, by level.  Ascending tags within the
   list as img_catalog_fields() gives it. */
struct img_field {
	const char *keyword; /* also the column's name */
	uint32_t tag;
	char vr[3];
	enum img_level level;
};
/* All of them; *n is their number.  A field's index is its number below. */
const struct img_field *img_catalog_fields(size_t *n);
/* Index of a keyword, -1 if the catalog does not hold it. */
int img_catalog_field(const char *keyword);
#define IMG_FIELDS_MAX 64

struct img_catalog;

/* dir is the archive's folder.  IMG_WRITE creates catalog.db if it is absent
   and upgrades an older one; a newer one is IMG_E_UNSUPPORTED.  IMG_READ of
   an absent one is IMG_E_IO, and so is either of one that is lost: an empty one
   in its place would hide all objects.  Free with img_catalog_close. */
int img_catalog_open(struct img_catalog **c, const char *dir,
		     enum img_mode mode, struct img_err *err);
/* The same for a database file by its own name (for a rebuild). */
int img_catalog_open_file(struct img_catalog **c, const char *file,
			  enum img_mode mode, struct img_err *err);
/* While another one writes it is waited for, for 30 s, or once stopped says so
   for 5; from the caller's thread. */
void img_catalog_host(struct img_catalog *c, bool (*stopped)(void *arg),
		      void *arg);
void img_catalog_close(struct img_catalog *c);

/* IMG_E_IO where there is none, or an empty file, in an archive whose audit log
   or objects say that there was one.  A database without tables is for
   img_catalog_open. */
int img_catalog_check_lost(const char *dir, struct img_err *err);

/* Opens what is not open, NULL, or was replaced by a rebuild: 1, numbers of rows
   mean something else then.  Not within a transaction; -1: c is as it was. */
int img_catalog_follow(struct img_catalog **c, const char *dir,
		       enum img_mode mode, struct img_err *err);
/* IMG_E_BUSY when a rebuild has replaced the file since it was opened. */
int img_catalog_begin(struct img_catalog *c, struct img_err *err);
int img_catalog_commit(struct img_catalog *c, struct img_err *err);
void img_catalog_rollback(struct img_catalog *c);
/* Within a transaction: the newest line of the audit log, its number and hash;
   and what was noted: 1, 0 nothing, -1.  A struct img_audit_keeper has them. */
int img_catalog_note_audit(void *catalog, uint64_t lines, const char *head,
			   struct img_err *err);
int img_catalog_audit(void *catalog, uint64_t *lines, char head[IMG_DIGEST_HEX],
		      struct img_err *err);
/* Moves the log into the database file itself: all of it, unless somebody reads
   or writes just then, who is not waited for. */
int img_catalog_settle(struct img_catalog *c, struct img_err *err);

/* ---- putting instances ------------------------------------------------ */

enum img_verdict { IMG_STORED, IMG_DUPLICATE, IMG_CONFLICT };
enum img_on_conflict { IMG_KEEP, IMG_REPLACE, IMG_REJECT };

struct img_instance {
	const char *field[IMG_FIELDS_MAX]; /* UTF-8 by field index; NULL */
	uint8_t digest[IMG_DIGEST_SIZE];
	uint64_t bytes;
	const char *place; /* absolute path for --in-place; NULL: the store */
};

struct img_put {
	enum img_verdict verdict;
	int64_t instance;  /* row of the instance */
	int64_t object;    /* number of the object within it, from 0 */
	bool placed;       /* of a duplicate: the object lies in place */
	bool two_names;    /* this PatientID has another PatientName */
	bool two_patients; /* this study is listed under another patient */
	bool two_studies;  /* this SOPInstanceUID is of another series */
};

/* What would become of it, without writing: the same answer as put. */
int img_catalog_judge(struct img_catalog *c, const struct img_instance *in,
		      struct img_put *out, struct img_err *err);
/*
 * Within a transaction.  Same UID and digest: IMG_DUPLICATE, nothing is
 * written.  Same UID, other digest: IMG_CONFLICT; with IMG_KEEP the first
 * stays current, with IMG_REPLACE the new one becomes current (both rows
 * remain), with IMG_REJECT nothing is written.
 */
int img_catalog_put(struct img_catalog *c, const struct img_instance *in,
		    enum img_on_conflict how, struct img_put *out,
		    struct img_err *err);

/* Within a transaction: from now on the object lies at place, in the store with
   NULL.  There it was not checked yet. */
int img_catalog_move(struct img_catalog *c, int64_t instance, int64_t object,
		     const char *place, struct img_err *err);

/* ---- identity --------------------------------------------------------- */

/* What is in an object, however it is encoded: digests of the canonical data
   set and of the decoded samples of all frames.  Of an object whose frames
   cannot be decoded nothing is known. */
struct img_identity {
	uint8_t data[IMG_DIGEST_SIZE], pixels[IMG_DIGEST_SIZE];
	bool has_pixels;
};
bool img_identity_same(const struct img_identity *a,
		       const struct img_identity *b);
/* 1 known, 0 not, -1. */
int img_catalog_identity(struct img_catalog *c, int64_t instance,
			 int64_t object, struct img_identity *out,
			 struct img_err *err);
/* Within a transaction. */
int img_catalog_note_identity(struct img_catalog *c, int64_t instance,
			      int64_t object, const struct img_identity *in,
			      struct img_err *err);
/* Of the same objects in another catalog file: when they were checked, with
   which verdict, and their identities. */
int img_catalog_take_checks(struct img_catalog *c, const char *other,
			    struct img_err *err);

/* ---- inputs seen before ----------------------------------------------- */

/*
 * What became of an input, so that a second run need not read it again.
 * container is the absolute path of the folder or of the archive file, name
 * the file's or member's name in it.
 */
struct img_seen {
	const char *container, *name;
	uint64_t size, inode, device;
	int64_t mtime_ns;   /* of the file; of the archive, for members */
	const char *status; /* status word of its record */
	const char *code;   /* error's word, or NULL */
	const char *text;   /* error's message or ignored's reason; NULL */
	int64_t instance, object; /* rows it led to; -1 if none */
};
/* 1 found: strings live until the next call; 0 not seen; -1. */
int img_catalog_seen(struct img_catalog *c, const char *container,
		     const char *name, struct img_seen *out,
		     struct img_err *err);
/* Within a transaction; replaces what was known of that input. */
int img_catalog_remember(struct img_catalog *c, const struct img_seen *in,
			 struct img_err *err);
/* Looks at one state of the catalog from now on (on), or at the newest again:
   spares each lookup its own lock.  A state held for long keeps the log from
   being reused, so let go of it now and then. */
int img_catalog_hold(struct img_catalog *c, bool on, struct img_err *err);
/* Calls f for every input remembered in a container, in the order in which
   they were remembered. */
int img_catalog_seen_each(struct img_catalog *c, const char *container,
			  int (*f)(void *arg, const struct img_seen *s,
				   struct img_err *err),
			  void *arg, struct img_err *err);

/* ---- what was sent where ---------------------------------------------- */

/* The ledger: the newest answer of a peer about an object. */
struct img_sent {
	const char *peer; /* name */
	const char *sop;
	const uint8_t *digest; /* IMG_DIGEST_SIZE */
	const char *status;    /* "sent", "refused" or "failed" */
	int response;          /* DIMSE or HTTP status; -1: none came */
	const char *proof;     /* "response", "found", "committed"; NULL */
	const char *at;        /* UTC; set by img_catalog_note_sent */
};
/* 1 known (strings live until the next call), 0 never offered, -1. */
int img_catalog_sent(struct img_catalog *c, const char *peer, const char *sop,
		     const uint8_t digest[IMG_DIGEST_SIZE],
		     struct img_sent *out, struct img_err *err);
/* Whether the peer has taken other bytes with this UID: 1, 0, -1. */
int img_catalog_sent_other(struct img_catalog *c, const char *peer,
			   const char *sop,
			   const uint8_t digest[IMG_DIGEST_SIZE],
			   struct img_err *err);
/* Within a transaction; replaces what was known. */
int img_catalog_note_sent(struct img_catalog *c, const struct img_sent *in,
			  struct img_err *err);
/* Outside of a transaction: takes the ledger over from another catalog's
   file, of version 2 or later; one of version 1 has none. */
int img_catalog_take_ledger(struct img_catalog *c, const char *other,
			    struct img_err *err);

/* ---- finding ---------------------------------------------------------- */

/* All that can be asked for: the fields of img_catalog_fields under the same
   numbers, then those that are worked out (NumberOfStudyRelatedInstances,
   ModalitiesInStudy ...: PS3.4 C.3.4). */
const struct img_field *img_query_fields(size_t *n);
int img_query_field(const char *keyword);

struct img_query_key {
	int field;
	/* PS3.4 C.2.2.2: a value, * and ?, a range of dates or times, a list
	   with backslashes, empty for any; "" (two quotes) for none.  Names
	   match without regard to case, accents and order of components. */
	const char *value;
};
struct img_query_sort {
	int field;
	bool descending;
};
struct img_query {
	enum img_level level;
	const struct img_query_key *key; /* of any level; all must match */
	size_t keys;
	const int *field; /* what to give; of a lower level: the different
			     values there, backslashes between (no UIDs) */
	size_t fields;
	const struct img_query_sort *sort;
	size_t sorts;
	uint64_t limit, offset; /* limit 0: none */
	enum img_level within_level;
	int64_t within; /* row there to stay within; 0: anywhere */
	bool objects;   /* image level: say which object, too */
	/* Only what has an instance that this peer has not stored in its
	   current form; NULL. */
	const char *not_sent_to;
	/* Only what has an object not checked since then (UTC text), and of it
	   the one that has gone unread for longest; NULL. */
	const char *unchecked_since;
	bool conflicts; /* image level: every object of instances that have
			   more than one; implies objects */
};

/* What a row holds lives until the next call. */
struct img_row {
	int64_t id;               /* row of the query's level */
	const char *const *value; /* by the query's fields; NULL: none */
	/* above images, of what has no identifier: the UID that stands for
	   it alone, of which level; "" where none does; else NULL */
	const char *lone;
	enum img_level lone_level;
	/* with objects */
	int64_t object;
	uint8_t digest[IMG_DIGEST_SIZE];
	uint64_t bytes;
	const char *place, *added;
	bool current;
	bool equivalent; /* with conflicts: known to be the current one in
			    another encoding */
	/* with unchecked_since: of the object unread for longest; else, with
	   objects: of that one */
	const char *checked, *verdict;
};

struct img_rows;
/* Rows come as they are found; nothing is collected unless it is to be
   sorted.  The query's arrays need not outlive the call.  A bad value of a
   key is IMG_E_USAGE.  Free with img_rows_close. */
int img_catalog_query(struct img_catalog *c, const struct img_query *q,
		      struct img_rows **out, struct img_err *err);
int img_rows_next(struct img_rows *r, struct img_row *row, struct img_err *err);
void img_rows_close(struct img_rows *r);
/* How many rows there would be. */
int img_catalog_count(struct img_catalog *c, const struct img_query *q,
		      uint64_t *n, struct img_err *err);

/* The same matching for a value from elsewhere, one of several with
   backslashes between; keyword and vr of f are looked at. */
struct img_matcher;
int img_matcher_new(struct img_catalog *c, const struct img_field *f,
		    const char *value, struct img_matcher **out,
		    struct img_err *err);
/* 1 it matches (NULL: absent), 0 not, -1. */
int img_matcher_test(struct img_matcher *m, const char *value,
		     struct img_err *err);
void img_matcher_free(struct img_matcher *m);

/* ---- reading ---------------------------------------------------------- */

/* An object with the identity of its instance; strings live until the next
   call on the same catalog. */
struct img_object {
	int64_t instance, object;
	const char *study, *series, *sop, *sop_class, *transfer_syntax,
		*modality;
	uint8_t digest[IMG_DIGEST_SIZE];
	uint64_t bytes;
	const char *place;   /* NULL: in the store */
	bool current;        /* false: set aside by a conflict */
	const char *added;   /* when, UTC */
	const char *checked; /* when last verified; NULL: never */
	const char *verdict; /* what that found; NULL */
};
/* 1 found, 0 no such row, -1. */
int img_catalog_object(struct img_catalog *c, int64_t instance, int64_t object,
		       struct img_object *out, struct img_err *err);

/* Whose an instance is; strings live until the next call, NULL for none. */
struct img_whose {
	int64_t patient, study; /* rows */
	const char *patient_id, *issuer, *study_uid, *sop_class;
};
/* 1 found, 0 no such row, -1. */
int img_catalog_whose(struct img_catalog *c, int64_t instance,
		      struct img_whose *out, struct img_err *err);

/* Which objects: of a row, of a UID (a PatientID at the patient level), or
   with neither of the whole catalog. */
struct img_scope {
	enum img_level level;
	int64_t id;
	const char *uid;
	const char *issuer; /* of a PatientID, "" for none; NULL: any */
	bool all;           /* also those a conflict set aside */
	bool oldest_first;  /* by last check, never checked first */
	const char *unchecked_since; /* only those not checked since then */
};

struct img_objects;
/* The whole catalog is read in pages, so that the writers' log can be cut in
   between, unless oldest_first.  Strings live until the next call on the same
   objects; they may be marked while they are read.  Free with
   img_objects_close. */
int img_catalog_expand(struct img_catalog *c, const struct img_scope *s,
		       struct img_objects **out, struct img_err *err);
int img_objects_next(struct img_objects *o, struct img_object *out,
		     struct img_err *err);
void img_objects_close(struct img_objects *o);

/* 1 and the level that a UID is known at, 0 unknown, -1. */
int img_catalog_level_of(struct img_catalog *c, const char *uid,
			 enum img_level *level, struct img_err *err);

/* ---- verifying -------------------------------------------------------- */

/* Which objects: part of parts (stable from run to run; parts 0: all), or the
   percent that have gone unchecked for longest (0: all), and of these only
   those not checked since before (UTC text as img_time_now; NULL: any). */
struct img_catalog_scope {
	unsigned part, parts, percent;
	const char *before;
};
/* Calls f with pages of up to IMG_PAGE objects, strings valid within the
   call.  No transaction stays open between pages: writers are not held up,
   and what they add behind the page is seen. */
#define IMG_PAGE 512
int img_catalog_pages(struct img_catalog *c,
		      const struct img_catalog_scope *scope,
		      int (*f)(void *arg, const struct img_object *o, size_t n,
			       struct img_err *err),
		      void *arg, struct img_err *err);
/* One such page, of objects whose rows are known; n <= IMG_PAGE. */
struct img_object_key {
	int64_t instance, object;
};
int img_catalog_page(struct img_catalog *c, const struct img_object_key *keys,
		     size_t n,
		     int (*f)(void *arg, const struct img_object *o, size_t n,
			      struct img_err *err),
		     void *arg, struct img_err *err);
/* Objects not checked since before, those that have gone unread for longest
   first and of these the never checked ones; up to max, behind *after, which
   becomes the last of them (all zero: from the start).  Through an index: none
   of those that were checked is looked at.  What is marked as checked between
   two calls is not met again. */
struct img_catalog_due {
	char checked[IMG_TIME_MAX]; /* "": never */
	int64_t instance, object;
	bool begun;
};
int img_catalog_due(struct img_catalog *c, const char *before,
		    struct img_catalog_due *after, struct img_object_key *keys,
		    size_t max, size_t *n, struct img_err *err);
/* When an object was verified last, "" if none ever was. */
int img_catalog_newest_check(struct img_catalog *c, char when[IMG_TIME_MAX],
			     struct img_err *err);
/* When the scrub began that is not finished, "" if there is none; within a
   transaction, the same noted. */
int img_catalog_scrub(struct img_catalog *c, char began[IMG_TIME_MAX],
		      struct img_err *err);
int img_catalog_note_scrub(struct img_catalog *c, const char *began,
			   struct img_err *err);
/* Within a transaction: what a check at `when` has found. */
int img_catalog_checked(struct img_catalog *c, int64_t instance, int64_t object,
			const char *when, const char *verdict,
			struct img_err *err);
/* Whether the rows behind an object (its own, its instance's, series',
   study's and patient's) have the sums they were written with. */
int img_catalog_row_ok(struct img_catalog *c, int64_t instance, int64_t object,
		       bool *ok, struct img_err *err);
/* Checks the sum of every row and SQLite's own structure; f is told what is
   wrong ("study row 17", or SQLite's words) and where there is one, the
   instance of an object or instance row, else -1. */
int img_catalog_check(struct img_catalog *c,
		      int (*f)(void *arg, const char *what, int64_t instance,
			       struct img_err *err),
		      void *arg, struct img_err *err);
/* Reads every page of the file past SQLite, and tells f which are not what was
   written; to be called while nobody writes.  A catalog of before version 3
   has no sums, and nothing is told. */
int img_catalog_check_pages(struct img_catalog *c,
			    int (*f)(void *arg, uint64_t page,
				     struct img_err *err),
			    void *arg, struct img_err *err);
/* The same for a file; in_use: a page that is wrong may be one that is being
   written, and is looked at again. */
int img_catalog_check_file(const char *file, bool in_use,
			   int (*f)(void *arg, uint64_t page,
				    struct img_err *err),
			   void *arg, struct img_err *err);
/* The first 8 bytes of the digests of all objects in the store, sorted; *n of
   them.  Free with free(). */
int img_catalog_digests(struct img_catalog *c, uint64_t **out, size_t *n,
			struct img_err *err);
/* Compares with another catalog file, object by object: f is told each one
   that only this one has (+), only the other has (-), or whose attributes
   differ (~); digest NULL: that of the row is none. */
int img_catalog_compare(struct img_catalog *c, const char *other,
			int (*f)(void *arg, char how, const char *sop,
				 const uint8_t *digest, struct img_err *err),
			void *arg, struct img_err *err);

#endif
