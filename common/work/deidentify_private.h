/*
 * deidentify_private.h - the parts of the verb.
 *
 * deidentify.c         threads and their queue, open and close
 * deidentify_input.c   folders, the archive, records
 * deidentify_object.c  one object: three passes and its record
 * deidentify_pairs.c   old and new identifiers for those who asked
 * deidentify_place.c   where the new bytes go
 */
#ifndef IMG_DEIDENTIFY_PRIVATE_H
#define IMG_DEIDENTIFY_PRIVATE_H

#include <pthread.h>

#include "catalog/catalog.h"
#include "store/store.h"
#include "work/deidentify.h"

#define DEID_JOBS  16
#define DEID_QUEUE 64
/* Up to this size an object is worked on in memory. */
#define DEID_SMALL (256u * 1024)

struct deid_task {
	char *name; /* path, or what to call it */
	int fd;     /* -1: to be opened by name */
	bool found; /* in a folder: what is no object is ignored */
	uint64_t number;
};

/* The new bytes: in memory, or in a file without a name. */
struct deid_output {
	struct img_buf mem;
	int fd;                  /* -1: in memory */
	char part[IMG_PATH_MAX]; /* its name where it must have one */
	uint64_t bytes;
};

struct deid_worker {
	struct img_deid *d;
	unsigned number;
	pthread_t thread;
	struct img_anon *anon;
	struct img_dicom_reader *reader;
	struct img_buf in, line, pairs;
	struct img_anon_ear ear;
	struct deid_output out;
	uint64_t parts;
	char made[IMG_PATH_MAX]; /* folder made last */
};

struct img_deid {
	struct img_deid_opts opts;
	struct img_deid_host host;
	struct img_store *store;
	struct img_catalog *archive;
	bool archive_tried;
	int out_fd, report_fd;
	uint64_t out_dev, out_ino;
	bool to_stdout;
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

	pthread_mutex_t pairs_lock;
	int patients_fd, uids_fd, link_fd;
	uint8_t trustee[IMG_SEAL_PUBLIC];
	uint64_t *told; /* sums of pairs told */
	size_t tellings, told_room;
};

int deid_pairs_open(struct img_deid *d, struct img_err *err);
void deid_pairs_listen(struct deid_worker *w);
int deid_pairs_commit(struct deid_worker *w, struct img_err *err);
int deid_pairs_sync(struct img_deid *d, struct img_err *err);
void deid_pairs_close(struct img_deid *d);

/* Takes name and fd over; -1 when nothing more can be done. */
int deid_add_take(struct img_deid *d, char *name, int fd, bool found,
		  struct img_err *err);
int deid_failed(struct img_deid *d, const char *path, const struct img_err *why,
		struct img_err *err);
/* The whole of one task, its record and the end of its descriptor. */
void deid_object(struct deid_worker *w, const struct deid_task *t);
void deid_broken(struct img_deid *d, const struct img_err *why);

int deid_output_begin(struct deid_worker *w, bool small, struct img_err *err);
int deid_output_write(void *arg, const void *p, size_t n, struct img_err *err);
/* Gives it its name, into path (IMG_PATH_MAX). */
int deid_output_place(struct deid_worker *w, const struct img_anon_facts *f,
		      char *path, struct img_err *err);
void deid_output_drop(struct deid_worker *w);

#endif
