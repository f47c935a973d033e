/* ingest_private.h - what the stages of an import share. */
#ifndef IMG_INGEST_PRIVATE_H
#define IMG_INGEST_PRIVATE_H

#include <limits.h>
#include <pthread.h>
#include <sys/stat.h>

#include "audit/audit.h"
#include "dicom/dicom.h"
#include "store/store.h"
#include "work/arena.h"
#include "work/ingest.h"
#include "work/journal.h"
#include "work/members.h"

/* ---- items ------------------------------------------------------------ */

enum outcome {
	TO_EXAMINE, /* a worker has yet to look */
	OBJECT,     /* DICOM, to be judged by the catalog */
	KNOWN,      /* unchanged since a former run */
	IGNORED,
	REJECTED,
	FAILED,
	DEFERRED /* a container: the walker opens it and reports it then */
};

/* An object that the archive has under the same UID. */
struct rival {
	int64_t object;
	uint8_t digest[IMG_DIGEST_SIZE];
	const char *place; /* NULL: the store */
	bool known;
	struct img_identity id;
};

/* What is in an object, and which of its rivals has the same in it. */
struct likeness {
	bool known, compared;
	struct img_identity id;
	unsigned catalog; /* whose numbers these are */
	int64_t instance;
	struct rival *rival;
	size_t n;
	const struct rival *same; /* NULL: none */
	const char *extra;        /* members of the record, NULL */
};

struct item {
	enum outcome outcome;
	const char *path;      /* as records name it */
	const char *container; /* where it lies: absolute folder or archive */
	const char *name;      /* its name in there */
	uint64_t size, inode, device;
	int64_t mtime_ns;
	uint8_t *data; /* a member's bytes, freed by the worker */
	size_t len;
	struct img_store_file file; /* in tmp, to be linked */
	struct img_instance in;
	struct img_put put;
	enum img_code code;  /* of REJECTED and FAILED */
	const char *text;    /* error's message or IGNORED's reason */
	const char *extra;   /* more JSON members */
	const char *rides;   /* the record that named it, as far as unknown */
	size_t rides_n;      /* counted against DATA_MAX */
	const char *seen_as; /* status to remember instead of the record's */
	const char *warning[IMG_RECORD_WARNINGS];
	size_t warnings, warned; /* warned: those by the catalog, behind */
	bool remember;
	bool look;        /* KNOWN, if its object is still there */
	bool member;      /* of an archive: always copied */
	bool synced;      /* the bytes of file are durable */
	bool restored;    /* a duplicate: the archive's own was lost */
	const char *from; /* peer it came from, for the audit log; or NULL */
	struct likeness *alike; /* once it is looked for, else NULL */
};

#define CHUNK_ITEMS 32

struct chunk {
	struct chunk *next;
	uint64_t order; /* among all that were ever handed on */
	bool done;
	bool to_examine; /* an item of it is for a worker */
	bool urgent;     /* and not only to be looked for in the store */
	size_t n;
	struct item item[CHUNK_ITEMS];
	struct arena arena;
};

/* A file's bytes up to this are read at once and examined in memory. */
#define WHOLE (1024 * 1024)

/* What each thread that examines has for itself. */
struct examiner {
	struct img_ingest *g;
	unsigned lane;
	struct img_dicom_reader *reader;
	uint8_t *buf; /* WHOLE + 1 bytes */
	struct img_buf text;
};
int examiner_init(struct examiner *x, struct img_ingest *g, unsigned lane,
		  struct img_err *err);
void examiner_release(struct examiner *x);

struct deferred {
	struct deferred *next, *prev;
	char *path, *container, *name, *rides;
	uint64_t size, inode, device;
	int64_t mtime_ns;
	bool dicomdir;
	uint64_t order; /* of the chunk it was met in */
};

struct root {
	struct root *next;
	const char *rides; /* of the record that named the DICOMDIR */
	const char *folder;
	char named[NAME_MAX + 1];
	struct img_buf files; /* sums of the paths of those met, sorted */
};

#define WORKERS_MAX   16
#define CONTAINER_MAX (2 * IMG_PATH_MAX + 96)

struct img_ingest {
	struct img_ingest_opts opts;
	struct img_ingest_host host;
	struct img_store *store;     /* NULL in a dry run of no archive */
	struct img_catalog *catalog; /* the committer's; NULL likewise */
	struct img_catalog *known;   /* the walker's, for inputs seen before */
	struct img_audit *audit;
	struct img_jail *jail; /* where archives are read */

	/* The pipeline, under lock. */
	pthread_mutex_t lock;
	pthread_cond_t to_work, to_commit, has_room;
	struct chunk *head, *tail; /* all chunks on their way, in order */
	struct chunk *fresh;       /* the first that no worker has taken */
	size_t chunks, data;       /* chunks on their way; members' bytes */
	uint64_t handed_on;        /* chunks that ever were */
	bool ended;                /* the walker has no more */
	struct deferred *deferred, *deferred_last; /* in the inputs' order */
	size_t examining;

	/* After the names of containers that are remembered: inputs taken
	   with --set are not those taken without. */
	char set_key[24];
	char home[PATH_MAX]; /* the archive's folder; empty: not there */

	/* The walker's. */
	struct chunk *open; /* being filled */
	struct examiner walker;
	double known_until; /* when to look at a newer state */
	struct root *roots; /* folders walked for a DICOMDIR */
	struct root *root;  /* the one being walked */
	bool looked, disc;  /* whether device is a mounted disc */
	uint64_t device;
	uint64_t walked;   /* files met */
	uint64_t compared; /* looks at files for the sake of DICOMDIRs */
	const char *rides; /* for the item of the operand in hand, or NULL */

	/* The committer's. */
	struct chunk *batch, **batch_end;
	size_t batch_items;
	uint64_t batch_bytes;
	double batch_born;
	int patience; /* seconds to wait for other importers; 0: LOCK_SECONDS */
	bool follows; /* a catalog that is rebuilt meanwhile */
	unsigned catalogs;      /* how often it did */
	uint64_t items, bytes;  /* reported so far */
	struct img_err failure; /* why a batch failed, first one */
	bool broken;            /* no batch can be committed any more */
	bool lost_one;          /* an item of the batch failed by itself */
	size_t uncompared;      /* conflicts whose pixels are to be compared */
	bool mute;              /* output cannot be written */
	char forgotten[CONTAINER_MAX]; /* has members not remembered */

	pthread_t workers[WORKERS_MAX], committer;
	unsigned n_workers;
	bool started, has_committer;
	struct examiner examiners[WORKERS_MAX];
};

/* ---- stages ----------------------------------------------------------- */

/* ingest_open.c: what all of them need first.  by: for the audit log. */
void ingest_init(struct img_ingest *g);
int open_archive(struct img_ingest *g, const char *dir, const char *by,
		 struct img_err *err);
/* The catalog in its place now.  For who keeps no numbers of rows. */
int ingest_follow(struct img_ingest *g, struct img_err *err);
/* Only what commit_batch needs: no threads, no walker. */
int ingest_open_bare(struct img_ingest **out, const char *dir, bool no_create,
		     const char *by, const struct img_ingest_host *host,
		     struct img_err *err);

/* ingest.c: the walker's way to add one; NULL when out of memory.  Filled in
   by the caller, then handed on by item_add. */
struct item *item_new(struct img_ingest *g, struct img_err *err);
int item_add(struct img_ingest *g, struct item *it, struct img_err *err);
char *item_text(struct img_ingest *g, const char *s);
/* Counts a member's bytes against the memory that members may hold. */
void data_take(struct img_ingest *g, size_t n);
void data_give(struct img_ingest *g, size_t n);
/* Waits until all that was added has been examined. */
void wait_examined(struct img_ingest *g);
bool must_stop(struct img_ingest *g);
/* The name under which inputs of a container are remembered. */
bool container_key(const struct img_ingest *g, const char *container,
		   char out[CONTAINER_MAX]);

/* examine.c: what an input is, and what is in it. */
void examine(struct examiner *x, struct chunk *c, struct item *it);
/* A known file: if its object is gone, it is examined after all. */
void examine_known(struct examiner *x, struct chunk *c, struct item *it);
/* examine() of bytes in memory. */
void examine_mem(struct examiner *x, struct arena *a, struct item *it,
		 const uint8_t *p, size_t n);
/* What is no DICOM: a container, something to ignore, or rejected. */
void examine_other(struct arena *a, struct item *it, const uint8_t *p,
		   size_t n);
/* What the reader of x was started on: 0 it is an object, -1 the outcome is
   another. */
int examine_parse(struct examiner *x, struct arena *a, struct item *it);
/* Whether the bytes go into the store: not those of a file in place. */
bool examine_copies(const struct examiner *x, const struct item *it);
/* Whether it is the archive that is at fault, or the system. */
bool examine_is_ours(const struct img_err *err);

/* examine_long.c: what is too long for memory. */
/* An open file of size bytes, whose first WHOLE are in x->buf. */
void examine_long(struct examiner *x, struct arena *a, struct item *it, int fd,
		  off_t size, size_t head);
/* A member too long for memory: goes to tmp as it is read.  head: its first
   bytes, read already. */
void examine_stream(struct examiner *x, struct arena *a, struct item *it,
		    const uint8_t *head, size_t n, struct img_members *from);
void item_fail(struct arena *a, struct item *it, enum outcome outcome,
	       const struct img_err *err);
/* Failed for a reason of the archive's, which does not name the input. */
void item_not_stored(struct arena *a, struct item *it,
		     const struct img_err *err);
/* With --quarantine: n bytes at p, or what fd holds, of what is rejected. */
void keep_aside(struct img_ingest *g, struct arena *a, struct item *it,
		const void *p, size_t n, int fd);
void item_warn(struct arena *a, struct item *it, const char *fmt, ...)
	IMG_PRINTF(3, 4);

/* describe.c: a started reader into it->in and warnings. */
int describe(struct examiner *x, struct arena *a, struct item *it,
	     bool *dicomdir, struct img_err *err);

/* classify.c: why something that is no DICOM can be ignored; NULL if it can
   not. */
const char *classify(const char *name, const uint8_t *p, size_t n);

/* deferred.c: containers met by workers.  defer needs the lock; it is for all
   items of a chunk, one behind the other. */
void defer(struct img_ingest *g, struct chunk *c, struct item *it);
/* The first in the order of the inputs, once what is before it was examined;
   any: of those that are known. */
struct deferred *next_deferred(struct img_ingest *g, bool any);
void deferred_free(struct deferred *d);
/* all: waits for what is still being examined; else only what is known. */
int walk_deferred(struct img_ingest *g, bool all, struct img_err *err);

/* walk.c, expand.c and dicomdir.c: the walker's. */
int walk_path(struct img_ingest *g, const char *path, struct img_err *err);
void walk_end(struct img_ingest *g);
/* Of a folder: adds the DICOMDIR's record. */
int check_dicomdir(struct img_ingest *g, const struct deferred *d,
		   struct img_err *err);
int expand_archive(struct img_ingest *g, const struct deferred *d,
		   struct img_err *err);
int expand_tar(struct img_ingest *g, int fd, const char *name,
	       struct img_err *err);
/* The name of an archive as container of its members: with what tells it from
   another state of the same file, whose members are not its. */
bool archive_key(const struct item *archive, char out[CONTAINER_MAX]);
/* 1: known and unchanged, it is filled in. */
int recall(struct img_ingest *g, struct item *it, struct img_err *err);

/* remember.c: the word for what became of an item, the members of its record,
   and what a second run is to know. */
bool is_refused(const struct img_ingest *g, const struct item *it);
const char *item_status(const struct img_ingest *g, const struct item *it);
void fill_warnings(struct img_record *rec, const struct item *it);
void fill_facts(struct img_record *rec, const struct item *it);
int note_forgotten(struct img_ingest *g, struct arena *a, struct item *it,
		   struct img_err *err);
int remember(struct img_ingest *g, struct arena *a, struct item *it,
	     struct img_err *err);

/* alike.c: what is the same image in another encoding. */
/* With --pixel-digest: what is in the objects of the batch. */
void alike_prepare(struct img_ingest *g);
/* In a transaction: its rivals are noted, and it is counted as uncompared. */
int alike_note_rivals(struct img_ingest *g, struct arena *a, struct item *it,
		      struct img_err *err);
/* All that are uncompared, outside of any transaction. */
void alike_resolve(struct img_ingest *g);
/* One item that is in no batch; from any thread. */
void alike_resolve_one(struct img_ingest *g, struct arena *a, struct item *it,
		       bool (*stopped)(void *arg), void *arg);
/* In a transaction: what was found out. */
int alike_store(struct img_ingest *g, struct item *it, struct img_err *err);
static inline bool is_equivalent(const struct item *it)
{
	return it->put.verdict == IMG_CONFLICT && it->alike && it->alike->same;
}

/* identify.c: what is in files, by imgverify in a process of its own, which
   may load what decodes. */
struct identify {
	const char *path;
	uint8_t digest[IMG_DIGEST_SIZE]; /* of other bytes nothing is known */
	bool known;
	struct img_identity id;
};
bool identify_can(void);
/* -1: none could be looked at. */
int identify(struct identify *list, size_t n, bool (*stopped)(void *arg),
	     void *arg, struct img_err *err);

/* A time to tell changes by, in nanoseconds; of years that these cannot count to
   it is another one, and always the same. */
static inline int64_t mtime_of(const struct stat *st)
{
	return (int64_t)((uint64_t)st->st_mtim.tv_sec * 1000000000u +
			 (uint64_t)st->st_mtim.tv_nsec);
}

/* commit.c: a batch, made durable and reported. */
void commit_batch(struct img_ingest *g);
/* commit_sync.c: names, open files and the lines of the log, durable. */
int sync_batch(struct img_ingest *g, struct img_err *err);

#endif
