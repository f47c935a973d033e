/*
 * inputs.h - what operands and records name: files, folders, and objects of
 * the archive by their UIDs.
 */
#ifndef IMG_WORK_INPUTS_H
#define IMG_WORK_INPUTS_H

#include <sys/stat.h>

#include "catalog/catalog.h"
#include "record/record.h"

struct input_file {
	const char *path;
	bool found;                   /* in a folder: may be no DICOM file */
	const struct img_record *rec; /* that named it, or NULL */
	const uint8_t *digest;        /* that it is to have, or NULL */
};

/* To err "not DICOM" of a file of n bytes that begin so: that what is in an
   archive is read by imgimport.  p NULL: the bytes are those of fd. */
void input_explain(int fd, const void *p, size_t n, struct img_err *err);

/* Of what lies in a folder and is no DICOM file: whether it was not meant to
   be one, as a text or a program, by the judgement of imgimport. */
bool input_is_aside(const char *path);

/* What a command does with them.  Each 0, or -1 with err, which ends it. */
struct inputs_host {
	int (*file)(void *arg, const struct input_file *f, struct img_err *err);
	/* rec: that named this one object, or NULL */
	int (*object)(void *arg, const struct img_object *o,
		      const struct img_record *rec, struct img_err *err);
	int (*ignored)(void *arg, const char *path, const char *reason,
		       struct img_err *err);
	/* path: as it was given, or NULL; rec: that was given, or NULL */
	int (*failed)(void *arg, const char *path, const struct img_record *rec,
		      const struct img_err *why, struct img_err *err);
	/* text is neither a file nor in the archive */
	int (*absent)(void *arg, const char *text, struct img_err *err);
	/* *c stays NULL where there is none */
	int (*archive)(void *arg, struct img_catalog **c, struct img_err *err);
	bool (*stopped)(void *arg);
};

struct inputs {
	const struct inputs_host *host;
	void *arg;
	bool single;              /* one object: no folder, no study */
	const struct stat *apart; /* the folder of the output, or NULL */
};

/* A path or a UID. */
int inputs_text(const struct inputs *in, const char *text, struct img_err *err);
/* A record of one object with its digest means that object, not another one
   that the archive has under the same UID: what was de-identified may have
   kept its UIDs. */
int inputs_record(const struct inputs *in, const struct img_record *rec,
		  struct img_err *err);

#endif
