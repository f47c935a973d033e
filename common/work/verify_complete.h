/* verify_complete.h - inside img_verify: is all of a study there? */
#ifndef IMG_VERIFY_COMPLETE_H
#define IMG_VERIFY_COMPLETE_H

#include "work/verify_private.h"

/* Studies are collected first, and judged when all inputs are known. */
struct complete;

int complete_open(struct complete **c, const struct img_verify_opts *opts,
		  struct img_err *err);
void complete_close(struct complete *c);
/* A file: an object, or a DICOMDIR.  What is wrong with it is told. */
int complete_file(struct img_verify *v, const char *path, struct img_err *err);
/* The same for one that may be an archive or a disc: what lies in it. */
int complete_operand(struct img_verify *v, const char *path,
		     struct img_err *err);
/* The studies that a scope touches: 1 there are some, 0 none, -1. */
int complete_named(struct img_verify *v, const struct img_scope *scope,
		   struct img_err *err);
/* Every study of the archive, and those that only a list knows. */
int complete_all(struct img_verify *v, struct img_err *err);
/* Judges what was collected. */
int complete_flush(struct img_verify *v, struct img_err *err);

/* verify_peer.c: a peer who is asked by C-FIND. */
struct asked;
int asked_open(struct asked **a, const char *archive, const char *peer,
	       struct img_err *err);
void asked_close(struct asked *a);
/* What the peer has of a study goes to w.  -1: it could not be asked. */
struct img_whole;
int asked_about(struct asked *a, const char *study, struct img_whole *w,
		struct img_err *err);

#endif
