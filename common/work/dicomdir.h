/* dicomdir.h - a DICOMDIR against the files it lists; for the import. */
#ifndef IMG_WORK_DICOMDIR_H
#define IMG_WORK_DICOMDIR_H

#include "work/ingest_private.h"

/* Names of files, as img_media_key sees them. */
struct names_set {
	struct img_buf keys; /* sums of keys */
	bool sorted;
};
int names_add(struct names_set *s, const char *name, struct img_err *err);

/* The DICOMDIR of an archive, kept until all members are known. */
#define DISC_MAX  ((size_t)8 * 1024 * 1024) /* together */
#define DISCS_MAX 64
struct disc {
	struct disc *next;
	const char *container; /* where it is remembered, or NULL */
	char *path, *name;
	char *prefix; /* its folder in the archive, with '/' */
	struct img_buf bytes;
};
/* names: all members; objects: NUL-ended names of those that look like
   objects.  *absent grows. */
int check_dicomdir_member(struct img_ingest *g, const struct disc *d,
			  struct names_set *names,
			  const struct img_buf *objects, uint64_t *absent,
			  struct img_err *err);

/* ---- contents.c: what an archive has, for the DICOMDIRs in it ----------- */

struct contents {
	struct names_set names; /* of all members */
	struct img_buf objects; /* names of those that look like objects */
	struct disc *discs;
};
void contents_init(struct contents *c);
void contents_release(struct contents *c);
/* A member and its first bytes. */
void contents_note(struct contents *c, const char *name, const uint8_t *p,
		   size_t n);
/* 1: it is a DICOMDIR, that is kept; the caller fills in all but its prefix.
   0: it is none, or too long to be kept.  -1. */
int contents_disc(struct contents *c, const struct img_member *m,
		  const uint8_t *p, size_t n, struct disc **out,
		  struct img_err *err);
/* When all members are known; *absent grows by those that are not there. */
int contents_check(struct contents *c, struct img_ingest *g, uint64_t *absent,
		   struct img_err *err);

#endif
