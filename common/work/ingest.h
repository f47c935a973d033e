/*
 * ingest.h - inputs into the archive: folders, files, archives and discs
 * become objects, one record each.
 *
 * Three kinds of threads.  The caller's thread walks: it lists folders, reads
 * archives' members and remembers what a former run has seen.  Workers
 * examine: read, parse, hash, write to the store's tmp.  One committer makes
 * a batch durable and reports it: sync, link, sync, audit, catalog commit,
 * and only then the records, in the order of the walk.
 *
 * Order of calls: open, any number of path and tar, finish, close.  Records
 * go to host->emit from the committer's thread.
 */
#ifndef IMG_INGEST_H
#define IMG_INGEST_H

#include "archive/archive.h"
#include "base/base.h"
#include "catalog/catalog.h"
#include "record/record.h"

struct img_ingest_opts {
	unsigned jobs;  /* workers; 0: as many as processors, at most 16 */
	bool in_place;  /* catalog files where they lie */
	bool rehash;    /* look at the bytes of inputs seen before, too */
	bool dry_run;   /* write nothing, say what would become of each */
	bool no_create; /* an archive that is not there is IMG_E_IO */
	bool quarantine;
	bool compare;      /* tell what is equivalent from a conflict */
	bool pixel_digest; /* note the identity of what is stored */
	enum img_on_conflict on_conflict;
	struct img_archive_limits limits;
	const char *const *set; /* Keyword=value to coerce, n_set of them */
	size_t n_set;
};

struct img_ingest_host {
	/* -1: the output cannot be written; the walk stops. */
	int (*emit)(void *arg, const struct img_record *rec);
	/* Around the records of a batch, which are ready at once. */
	void (*batch)(void *arg, bool begins);
	/* n files that a DICOMDIR lists are not there: this one, or (NULL) more
	   than are told one by one. */
	void (*absent)(void *arg, const char *dicomdir, const char *file_id,
		       uint64_t n);
	void (*progress)(void *arg, uint64_t items, uint64_t bytes);
	bool (*stopped)(void *arg);
	void *arg;
};

struct img_ingest;

/* dir: the archive, made if absent (not in a dry run, nor with no_create).  IMG_E_USAGE if set
   holds what cannot be changed. */
int img_ingest_open(struct img_ingest **g, const char *dir,
		    const struct img_ingest_opts *opts,
		    const struct img_ingest_host *host, struct img_err *err);
/* A file, a folder, a DICOMDIR or a block device.  What is wrong with it is
   said in its record; -1 only when the whole import cannot go on.  from: the
   record that named it, or NULL; members of it that are not known stay in the
   record of a file. */
int img_ingest_path(struct img_ingest *g, const char *path,
		    const struct img_record *from, struct img_err *err);
/* A tar stream, plain or compressed. */
int img_ingest_tar(struct img_ingest *g, int fd, const char *name,
		   struct img_err *err);
/* Waits until all is durable and reported; -1 with the reason when a batch
   could not be committed (its records said so). */
int img_ingest_finish(struct img_ingest *g, struct img_err *err);
void img_ingest_close(struct img_ingest *g);

#endif
