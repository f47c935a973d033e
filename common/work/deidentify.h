/*
 * deidentify.h - objects in, de-identified objects out.
 *
 * Inputs are handed in one after the other and dealt with by several threads;
 * each gets one record, in no particular order.  An object becomes visible
 * under its new name only when it is complete, the gate has passed it and its
 * bytes are on the disk: it is in memory or in a file without a name until
 * then, so that a crash leaves nothing of it.  Its record comes when the name
 * is on the disk, too; objects are synced many at a time.  Nothing is ever
 * overwritten.
 */
#ifndef IMG_DEIDENTIFY_H
#define IMG_DEIDENTIFY_H

#include "anon/anon.h"
#include "codec/codec.h"
#include "record/record.h"

struct img_deid_opts {
	const struct img_anon_profile *profile; /* ready */
	const struct img_key *key;
	const char *map;     /* file of pairs of PatientIDs, or NULL */
	bool random_key;     /* the records say so */
	const char *out;     /* folder, made if absent; "-": standard output */
	const char *catalog; /* folder of the archive, opened when needed */
	const char *report;  /* file, or NULL */
	const char *risk;    /* file, or NULL: who could be told apart */
	const char *id_map;  /* NULL, or FILE of FILE-patients.csv and so on */
	/* What the key and the profile came from, or NULL: nothing that is
	   written may be one of them. */
	const char *key_file, *rules;
	const char *linkage; /* NULL, or log of pairs sealed to the trustee */
	const char *trustee; /* with it: file of the public key */
	struct img_codec *codec; /* or NULL: coded frames are not cleaned */
	unsigned jobs;           /* 0: as many as processors */
};

struct img_deid_host {
	int (*emit)(void *arg, const struct img_record *rec);
	/* Many records follow; on: hold them back, off: out with them. */
	void (*hold)(void *arg, bool on);
	void (*progress)(void *arg, uint64_t items, uint64_t bytes);
	bool (*stopped)(void *arg);
	void *arg;
};

struct img_deid;

int img_deid_open(struct img_deid **d, const struct img_deid_opts *opts,
		  const struct img_deid_host *host, struct img_err *err);
/* A file, a folder or the UID of what is in the archive.  What is wrong with
   it is said in its record; -1 only when nothing more can be done. */
int img_deid_text(struct img_deid *d, const char *text, struct img_err *err);
/* What a record stands for. */
int img_deid_record(struct img_deid *d, const struct img_record *rec,
		    struct img_err *err);
/* One object from a descriptor that need not be seekable. */
int img_deid_stream(struct img_deid *d, int fd, struct img_err *err);
/* Waits for all of it; -1 if the output could not be made durable. */
int img_deid_finish(struct img_deid *d, struct img_err *err);
void img_deid_close(struct img_deid *d);

/* Gives the text of a linkage log, "kind,old,new" a line.  done is told of
   each line that was sealed: NULL, or why it cannot be read. */
struct img_deid_reading {
	const char *linkage, *secret;
	int (*emit)(void *arg, const char *text, size_t n);
	void (*done)(void *arg, const struct img_err *why);
	bool (*stopped)(void *arg);
	void *arg;
};
int img_deid_reidentify(const struct img_deid_reading *r, struct img_err *err);
/* A profile in words, as the options of the command have them; NULL where
   nothing was said. */
struct img_deid_wish {
	const char *preset, *pixels, *prefix, *range;
	const char *rules; /* file */
	const char *const *option, *const *mask;
	size_t options, masks;
};
/* Release it in any case. */
int img_deid_profile(struct img_anon_profile *p, const struct img_deid_wish *w,
		     struct img_err *err);
void img_deid_profile_release(struct img_anon_profile *p);
/* What is done with an attribute, as lines of text. */
int img_deid_explain(const struct img_anon_profile *p, const char *what,
		     int (*emit)(void *arg, const char *text, size_t n),
		     void *arg, struct img_err *err);

#endif
