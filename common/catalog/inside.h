/* inside.h - what the files of the catalog room share.  Not a door. */
#ifndef IMG_CATALOG_INSIDE_H
#define IMG_CATALOG_INSIDE_H

#include <sqlite3.h>
#include <sys/stat.h>

#include "catalog/catalog.h"

/* Numbers of the fields that the code itself looks at, as in fields.c. */
enum {
	IMG_F_SOP = 3,
	IMG_F_PATIENT_NAME = 19,
	IMG_F_PATIENT_ID = 20,
	IMG_F_ISSUER = 21,
	IMG_F_STUDY = 26,
	IMG_F_SERIES = 27,
	IMG_F_COUNT = 36, /* those that are stored end here */
	IMG_F_MODALITIES = IMG_F_COUNT,
	IMG_DERIVED_COUNT = 8
};

/* Statements that are kept prepared; their text is in sql.c. */
enum img_sql {
	IMG_SQL_BEGIN,
	IMG_SQL_COMMIT,
	IMG_SQL_ROLLBACK,
	IMG_SQL_ADD_PATIENT, /* in the order of enum img_level */
	IMG_SQL_ADD_STUDY,
	IMG_SQL_ADD_SERIES,
	IMG_SQL_ADD_INSTANCE,
	IMG_SQL_SET_INSTANCE,
	IMG_SQL_NEXT_PATIENT,
	IMG_SQL_NEXT_STUDY,
	IMG_SQL_NEXT_SERIES,
	IMG_SQL_NEXT_INSTANCE,
	IMG_SQL_FIND_PATIENT,
	IMG_SQL_FIND_STUDY,
	IMG_SQL_FIND_SERIES,
	IMG_SQL_FIND_INSTANCE,
	IMG_SQL_OTHER_STUDY,
	IMG_SQL_ADD_OBJECT,
	IMG_SQL_FIND_DIGEST,
	IMG_SQL_NEXT_OBJECT,
	IMG_SQL_PARENTS,
	IMG_SQL_PRUNE_SERIES,
	IMG_SQL_PRUNE_STUDY,
	IMG_SQL_PRUNE_PATIENT,
	IMG_SQL_OBJECT,
	IMG_SQL_WHOSE,
	IMG_SQL_GET_META,
	IMG_SQL_SET_META,
	IMG_SQL_FIND_CONTAINER,
	IMG_SQL_NEXT_CONTAINER,
	IMG_SQL_ADD_CONTAINER,
	IMG_SQL_SEEN,
	IMG_SQL_REMEMBER,
	IMG_SQL_SEEN_EACH,
	IMG_SQL_HAS_STUDY,
	IMG_SQL_HAS_SERIES,
	IMG_SQL_HAS_INSTANCE,
	IMG_SQL_COLUMNS,
	IMG_SQL_CHECKED,
	IMG_SQL_MOVE,
	IMG_SQL_NEWEST_CHECK,
	IMG_SQL_DUE_NEVER,
	IMG_SQL_DUE,
	IMG_SQL_IDENTITY,
	IMG_SQL_NOTE_IDENTITY,
	IMG_SQL_FIND_PEER,
	IMG_SQL_ADD_PEER,
	IMG_SQL_SENT,
	IMG_SQL_SENT_OTHER,
	IMG_SQL_NOTE_SENT,
	IMG_SQL_COUNT
};

#define IMG_KNOWN_KEY 384

/* The row used last at a level, so that a run of instances of one series
   looks its parents up once. */
struct img_known {
	int64_t id, parent; /* id 0: none */
	bool other;         /* two_names or two_patients of it */
	char key[IMG_KNOWN_KEY];
};

struct img_catalog {
	sqlite3 *db;
	bool begun;
	bool ledger; /* of version 2 or later */
	bool summed; /* of version 3: pages have sums */
	bool beside; /* another one is still attached */
	sqlite3_stmt *st[IMG_SQL_COUNT];
	sqlite3_stmt *row_ok; /* of img_catalog_row_ok */
	struct img_known patient, study, series;
	struct img_buf name_key; /* of the patient used last */
	struct img_buf name;     /* compared with it last */
	bool name_differs;
	struct img_buf fold;
	int64_t next[4];   /* ids to give, by level; 0: not asked yet */
	int64_t container; /* id of container_path; 0: none */
	struct img_buf container_path;
	int64_t seq;         /* of the next input; 0: not asked yet */
	struct img_buf lent; /* strings lent to the caller */
	char now[IMG_TIME_MAX];
	char file[IMG_PATH_MAX];
	bool may_be_new;            /* else one without tables is lost */
	struct stat sb;             /* of the file, when it was opened */
	bool (*stopped)(void *arg); /* NULL: never */
	void *stopped_arg;
	double waits_since;
};

/* lost.c: whether there is a log of sqlite's with something in it beside the
   database; whether there is no database, or an empty file. */
bool img_catalog_has_wal(const char *file);
bool img_catalog_is_none(const char *file);
/* Whether an archive has objects or lines in its audit log: either comes only
   after a catalog with its tables is durable, so that an import which was
   killed in between has one.  Its cost does not grow with the archive.  -1
   where there are no descriptors to look with. */
int img_catalog_is_old(const char *dir, bool *old, struct img_err *err);
/* IMG_E_IO, and what is to be done. */
int img_catalog_lost(const char *file, struct img_err *err);

/* The statements that make a catalog, from version to version. */
extern const char img_sql_schema[], img_sql_upgrade_2[], img_sql_upgrade_3[],
	img_sql_upgrade_4[];
/* -1 and MALFORMED where one of the tables or indexes of that version is
   missing or another; more than these may be there. */
int img_catalog_check_schema(struct img_catalog *c, int64_t version,
			     struct img_err *err);

/* From now on it waits for other writers. */
void img_catalog_be_patient(struct img_catalog *c);
/* What is written to a file that a rebuild has replaced would be lost. */
int img_catalog_still_there(const struct img_catalog *c, struct img_err *err);

/* The layer that gives pages their sums, and room for these in a new file. */
const char *img_catalog_vfs(void);
void img_catalog_reserve(sqlite3 *db);
/* Page size by the header of the file, 0 if its pages have no sums; whether a
   page, counted from 1, has its. */
#define IMG_PAGE_HEADER 100
unsigned img_page_size(const uint8_t *header);
bool img_page_has_sum(const uint8_t *page, size_t size, uint64_t number);
/* What the system said when it last failed in this thread, and whether it was
   about a temporary file. */
int img_catalog_errno(bool *temporary);

/* sqlite's last error as ours: "FILE: why" in the system's words where it was
   the system that refused, else "FILE: what: why". */
int img_catalog_failed(struct img_catalog *c, const char *what,
		       struct img_err *err);
/* What is said of a row that no catalog of ours has. */
int img_catalog_wrong(struct img_catalog *c, const char *what,
		      struct img_err *err);
/* The statement, reset and prepared if it was not; NULL on failure. */
sqlite3_stmt *img_catalog_stmt(struct img_catalog *c, enum img_sql which,
			       struct img_err *err);
/* Appends the text of a statement. */
int img_catalog_sql(enum img_sql which, struct img_buf *b, struct img_err *err);
/* Runs a statement that gives no rows, and resets it. */
int img_catalog_run(struct img_catalog *c, sqlite3_stmt *st, const char *what,
		    struct img_err *err);
/* Steps: 1 a row, 0 none (reset), -1. */
int img_catalog_step(struct img_catalog *c, sqlite3_stmt *st, const char *what,
		     struct img_err *err);
/* The one whole number that a statement gives. */
int img_catalog_number(struct img_catalog *c, enum img_sql which, int64_t *out,
		       struct img_err *err);
/* Binds text, NULL where it is NULL or empty. */
void img_catalog_bind(sqlite3_stmt *st, int i, const char *text);
/* Writes down how many inputs were seen; before a commit. */
int img_catalog_save_seq(struct img_catalog *c, struct img_err *err);
/* Forgets the rows used last: one of them may be gone. */
void img_catalog_forget_rows(struct img_catalog *c);
/* Lends a column's text through c->lent: the offset in it, or SIZE_MAX. */
int img_catalog_lend(struct img_catalog *c, sqlite3_stmt *st, int col,
		     size_t *at, struct img_err *err);
/* The lent string at an offset; NULL for SIZE_MAX. */
const char *img_catalog_lent(const struct img_catalog *c, size_t at);
/* Registers img_sum() and the other functions of ours. */
int img_catalog_functions(struct img_catalog *c, struct img_err *err);
int img_catalog_name_functions(sqlite3 *db);
/* Appends the search key of a name: its groups folded, "=" between them. */
int img_catalog_name_key(const char *name, struct img_buf *out,
			 struct img_err *err);

/* Whether an object comes behind another where they are read in pages, and
   what is said where one does not. */
bool img_catalog_follows(int64_t instance, int64_t object,
			 int64_t after_instance, int64_t after_object);
int img_catalog_disorder(struct img_catalog *c, struct img_err *err);

/* ---- composing a query ------------------------------------------------ */

/* Text put together from constants, and the values bound to its parameters
   :p0, :p1 ...  Nothing that comes from outside is ever part of the text. */
struct img_where {
	struct img_buf text;
	char **value;
	size_t n, room;
	bool begun;    /* there is a WHERE */
	bool ledger;   /* the catalog has one */
	bool identity; /* it knows what is in objects */
};

void img_where_init(struct img_where *w);
void img_where_release(struct img_where *w);
int img_where_puts(struct img_where *w, const char *sql, struct img_err *err);
/* " WHERE " the first time, then " AND ". */
int img_where_and(struct img_where *w, struct img_err *err);
/* A new parameter with this value. */
int img_where_param(struct img_where *w, const char *value, size_t n,
		    struct img_err *err);
/* The condition that an expression matches value (PS3.4 C.2.2.2), without
   WHERE or AND; what img_match_is_universal says true to has none. */
int img_where_match(struct img_where *w, const char *expr,
		    const struct img_field *f, const char *value,
		    struct img_err *err);
bool img_match_is_universal(const char *value);
/* The bounds of a date, a time or a range of these, by the VR of f, as the
   catalog writes them; one of them may be empty.  Both buffers all zero. */
#define IMG_WHEN_MAX 40
int img_when_range(const struct img_field *f, const char *v, size_t n,
		   char from[IMG_WHEN_MAX], char to[IMG_WHEN_MAX],
		   struct img_err *err);
/* " FROM driver ..." joining the tables of levels top to bottom. */
int img_where_from(struct img_where *w, enum img_level driver,
		   enum img_level top, enum img_level bottom,
		   struct img_err *err);
/* An instance below whose current object the peer was not given, or did not
   take. */
int img_query_unsent(struct img_where *w, enum img_level level,
		     const char *peer, struct img_err *err);
/* Those of which an object was not checked since then.  Through the index by
   its time: the fewer they are, the faster. */
int img_query_unchecked(struct img_where *w, const struct img_query *q,
			struct img_err *err);
/* ", " and a column of the object below that has gone unread for longest. */
int img_query_oldest(struct img_where *w, enum img_level level,
		     const char *column, struct img_err *err);
/* Prepares and binds; free with sqlite3_finalize. */
sqlite3_stmt *img_where_prepare(struct img_catalog *c,
				const struct img_where *w, struct img_err *err);

/* Calls f while another catalog is there as "before". */
int img_catalog_beside(struct img_catalog *c, const char *other,
		       int (*f)(struct img_catalog *c, void *arg,
				struct img_err *err),
		       void *arg, struct img_err *err);

/* A statement that is not kept; free with sqlite3_finalize. */
sqlite3_stmt *img_catalog_prepare(struct img_catalog *c, const char *sql,
				  struct img_err *err);

/* Appends the expression of a field in a query of this level.  A field of a
   lower level gives its different values there, backslashes between. */
int img_field_expr(struct img_buf *b, enum img_level level, int field,
		   struct img_err *err);

/* SELECT and the columns of a struct img_object. */
extern const char img_object_columns[];
extern const char *const img_table_of[];  /* by level */
extern const char *const img_parent_of[]; /* column with the parent's id */

#endif
