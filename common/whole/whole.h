/*
 * whole.h - are all objects of a study there?
 *
 * Nobody knows a study by itself, so witnesses are heard: what the objects say
 * of each other (instance numbers, slice positions, counts), and lists of what
 * should be there (a DICOMDIR, a key object selection, a peer).  A study is
 * incomplete where a witness misses something; complete only where one that
 * knows the whole study vouches for it; else nobody knows, and that is what is
 * said.  Some witnesses only raise a doubt: a number that was never given to
 * an image is no image that is missing.
 *
 * No I/O.  Memory is some 300 bytes an object.
 *
 *     img_whole_new
 *     img_whole_list* (lists that stay), img_whole_add* (objects)
 *     img_whole_settle; for each study, or some: img_whole_peer*,
 *     img_whole_judge
 *     img_whole_reset, and the next objects
 */
#ifndef IMG_WHOLE_H
#define IMG_WHOLE_H

#include "dicom/dicom.h"

struct img_whole;

struct img_whole *img_whole_new(struct img_err *err);
void img_whole_free(struct img_whole *w);
/* Forgets the objects, but not the lists of img_whole_list. */
void img_whole_reset(struct img_whole *w);

/* Reads the started r to its end and takes the object in; a DICOMDIR is taken
   as a list.  -1: it is damaged (and is not there), or memory is short.  name
   is what a list is called in the verdict. */
int img_whole_add(struct img_whole *w, struct img_dicom_reader *r,
		  const char *name, struct img_err *err);
/* The same for a DICOMDIR or a key object selection that is no part of what is
   judged; IMG_E_UNSUPPORTED for anything else. */
int img_whole_list(struct img_whole *w, struct img_dicom_reader *r,
		   const char *name, struct img_err *err);

/* Sorts what was taken in; after it img_whole_study for each i below *n.
   listed: also those studies of which lists know and no object is there,
   unless they were judged before. */
int img_whole_settle(struct img_whole *w, bool listed, size_t *n,
		     struct img_err *err);
const char *img_whole_study(const struct img_whole *w, size_t i);

/* For the study that is judged next: a peer has this object of it, or, where
   it does not say which (sop NULL), so many of the series.  It is only heard
   once img_whole_peer_said names it. */
int img_whole_peer(struct img_whole *w, const char *series, const char *sop,
		   uint64_t count, struct img_err *err);
void img_whole_peer_said(struct img_whole *w, const char *name);

enum img_whole_says { IMG_WHOLE_UNKNOWN, IMG_WHOLE_COMPLETE, IMG_WHOLE_GAP };

struct img_whole_witness {
	const char *name;         /* "slices" */
	enum img_whole_says says; /* UNKNOWN: it only raises a doubt */
	char series[IMG_UID_MAX]; /* "": it speaks of the whole study */
	char source[256];         /* name of the list, or "" */
	uint64_t expected, found; /* 0, 0: it does not count */
	uint64_t missing;
	char numbers[128]; /* InstanceNumbers that are absent, "4,7-9" */
	const char (*absent)[IMG_UID_MAX]; /* UIDs, some of them */
	size_t n_absent;
	char text[160];
};

#define IMG_WHOLE_WITNESSES 200
#define IMG_WHOLE_ABSENT    1000 /* UIDs in one verdict */

struct img_whole_verdict {
	const char *study;
	enum img_whole_says says;
	const char *reason; /* of the first witness that counts; never NULL */
	uint64_t objects, series, whole_series;
	const struct img_whole_witness *witness;
	size_t n, more; /* witnesses that there was no room for */
};

/* *out lives until the next call. */
int img_whole_judge(struct img_whole *w, size_t i,
		    const struct img_whole_verdict **out, struct img_err *err);

#endif
