/*
 * deidentify_private.h - the parts of the verb.
 *
 * deidentify.c         threads and their queue, open and close
 * deidentify_input.c   folders, the archive, records
 * deidentify_object.c  one object: three passes and its record
 * deidentify_pairs.c   old and new identifiers for those who asked
 * deidentify_place.c   where the new bytes go
 * deidentify_coded.c   coded frames that are to be cleaned
 * deidentify_batch.c   when they get their names, and are told of
 * deidentify_audit.c   what leaves the archive has its line
 * deidentify_risk.c    how many patients are alike
 * deidentify_wish.c    profiles, and what else comes from files
 */
#ifndef IMG_DEIDENTIFY_PRIVATE_H
#define IMG_DEIDENTIFY_PRIVATE_H

#include <pthread.h>
#include <sys/stat.h>

#include "catalog/catalog.h"
#include "codec/codec.h"
#include "store/store.h"
#include "work/deidentify.h"
#include "work/journal.h"

#define DEID_JOBS  16
#define DEID_QUEUE 256
/* Up to this size an object is worked on in memory. */
#define DEID_SMALL (256u * 1024)

struct deid_task {
	char *name;    /* path, or what to call it */
	int fd;        /* -1: to be opened by name */
	bool found;    /* in a folder: what is no object is ignored */
	bool known;    /* what its digest is to be */
	bool archived; /* it is of the archive */
	uint8_t digest[IMG_DIGEST_SIZE];
	uint64_t number;
};

/* The new bytes: in memory, or in a file without a name. */
struct deid_output {
	struct img_buf mem;
	int fd;                  /* -1: in memory */
	char part[IMG_PATH_MAX]; /* its name where it must have one */
	uint64_t bytes;
	struct img_digest digest; /* of what went to fd */
};

/* A finished object that waits for its batch. */
struct deid_done {
	int fd;
	char *part; /* or NULL */
	char *path;
	char *input; /* the name it is called by where it fails, or NULL */
	struct img_anon_facts facts;
	uint64_t bytes, number; /* of its input */
	uint8_t digest[IMG_DIGEST_SIZE];
	bool archived; /* it was made of this object of the archive */
	uint8_t source[IMG_DIGEST_SIZE];
	char extra[64]; /* more members of its record */
	struct img_anon_alike alike;
};

struct deid_worker;

/* Coded frames of the object in hand. */
struct deid_coder {
	struct deid_worker *w;
	struct img_anon_codec codec;
	struct img_codec_session *session; /* when it was needed first */
	struct img_frames *frames;
	struct img_codec_request request;
	struct img_codec_mask mask[IMG_ANON_CODED_MASKS];
	struct img_codec_image image; /* of the first frame */
	uint64_t size;
	struct img_buf first;
	int fd;
	const char *name;
};

struct deid_worker {
	struct img_deid *d;
	unsigned number;
	uint64_t busy; /* with this input; 0: none */
	pthread_t thread;
	struct img_anon *anon;
	struct img_dicom_reader *reader;
	struct img_dicom_limits limits;
	struct img_buf in, line, pairs;
	struct img_anon_ear ear;
	struct deid_output out;
	uint64_t parts;
	struct deid_coder coder;
	char made[IMG_PATH_MAX]; /* folder made last */
};

struct img_deid {
	struct img_deid_opts opts;
	struct img_anon_profile profile; /* with the map */
	struct img_deid_host host;
	struct img_store *store;
	struct img_catalog *archive;
	int out_fd, report_fd;
	struct stat out_st; /* of the folder; nothing without out_fd */
	bool to_stdout;
	mode_t umask; /* asked for once: it is of all threads */
	uint64_t inputs;

	struct deid_worker worker[DEID_JOBS];
	unsigned workers;

	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	struct deid_task queue[DEID_QUEUE];
	unsigned head, queued;
	bool ending, broken; /* broken: the output cannot be written */
	struct img_err why;
	uint64_t items, bytes;

	/* The batch, under lock; commits take turns, and the lock after that of
	   commits. */
	pthread_mutex_t commit_lock;
	pthread_cond_t moved; /* a worker is done with its input */
	unsigned waiting;     /* for that */
	struct deid_done **done;
	size_t dones, done_room;
	uint64_t done_bytes;
	double done_born;

	struct img_journal *journal; /* under commit_lock */
	bool unaudited;              /* the archive may only be read */
	struct deid_risk *risk;      /* or NULL */

	pthread_mutex_t pairs_lock;
	int patients_fd, uids_fd, link_fd;
	uint8_t trustee[IMG_SEAL_PUBLIC];
	uint64_t *told; /* sums of pairs told */
	size_t tellings, told_room;
};

int deid_read_map(struct img_deid *d, struct img_err *err);
int deid_pairs_open(struct img_deid *d, struct img_err *err);
void deid_pairs_listen(struct deid_worker *w);
int deid_pairs_commit(struct deid_worker *w, struct img_err *err);
/* A file that lines are added to, behind a whole one. */
int deid_lines_open(const char *name, int *fd, struct img_err *err);
/* What was told of the objects so far, in maps, linkage and report, is on the
   disk. */
int deid_told_sync(struct img_deid *d, struct img_err *err);
void deid_pairs_close(struct img_deid *d);

/* Takes name and fd over; -1 when nothing more can be done. */
int deid_add_take(struct img_deid *d, const struct deid_task *t,
		  struct img_err *err);
int deid_failed(struct img_deid *d, const char *path, const struct img_err *why,
		struct img_err *err);
int deid_ignored(struct img_deid *d, const char *path, const char *reason,
		 struct img_err *err);
/* What a record says that nobody has. */
int deid_missing(struct img_deid *d, struct img_err *err);
/* The whole of one task, its record and the end of its descriptor. */
void deid_object(struct deid_worker *w, const struct deid_task *t);
void deid_broken(struct img_deid *d, const struct img_err *why);

int deid_output_begin(struct deid_worker *w, bool small, struct img_err *err);
int deid_output_write(void *arg, const void *p, size_t n, struct img_err *err);
/* Ends the output: a file that waits for its name in *done (free with
   deid_batch_add_take), or what went to standard output. */
int deid_output_end(struct deid_worker *w, const struct img_anon_facts *f,
		    struct deid_done *done, struct img_err *err);
void deid_output_drop(struct deid_worker *w);

/* How many objects may wait at once. */
size_t deid_batch_room(void);
int deid_batch_add_take(struct deid_worker *w, struct deid_done *o,
			struct img_err *err);
/* The worker is done with its input.  Under lock. */
void deid_batch_moved(struct deid_worker *w);
/* Commits what waits: all of it, or only if it is time. */
void deid_batch_flush(struct img_deid *d, bool all);
/* Who is told of a failure knows which input it is about. */
void deid_name_failure(struct img_err *to, const char *name,
		       const struct img_err *why);
/* What is wrong with the folder of all new objects; NULL: it is not that. */
const char *deid_cause(const struct img_deid *d, const struct img_err *why);
/* The record of an object, or of why it has failed. */
int deid_tell_done(struct img_deid *d, const struct deid_done *o,
		   const struct img_err *why);

void deid_coder_init(struct deid_worker *w);
/* The object in hand, until it is done. */
void deid_coder_object(struct deid_worker *w, int fd, const char *name);
void deid_coder_done(struct deid_worker *w);
void deid_coder_release(struct deid_worker *w);

/* Under commit_lock; durable on return. */
int deid_audit(struct img_deid *d, struct deid_done *const *all, size_t n,
	       struct img_err *err);

int deid_risk_open(struct img_deid *d, struct img_err *err);
int deid_risk_add(struct img_deid *d, const struct img_anon_alike *alike,
		  struct img_err *err);
/* Writes the summary. */
int deid_risk_finish(struct img_deid *d, struct img_err *err);
void deid_risk_close(struct img_deid *d);

#endif
