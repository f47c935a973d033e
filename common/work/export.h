/*
 * export.h - objects out: a folder, a tar or zip file, a disc image.
 *
 * Inputs are collected, put in the order of patient, study, series and
 * instance, and written under a temporary name beside the destination: so
 * that a crash leaves nothing under the final name.  What was written is
 * synced and read again through the door that imports read with; every digest
 * is compared; only then it gets its name, and only then there are records
 * with the status exported.
 *
 * An object that does not have the digest the catalog knows is failed and not
 * in what is written; the others are.  The same inputs give the same bytes.
 */
#ifndef IMG_EXPORT_H
#define IMG_EXPORT_H

#include "record/record.h"

enum img_export_form {
	IMG_EXPORT_FOLDER,
	IMG_EXPORT_TAR,
	IMG_EXPORT_ZIP,
	IMG_EXPORT_ISO,
	IMG_EXPORT_PNG,
	IMG_EXPORT_JPEG,
	IMG_EXPORT_NPY,
	IMG_EXPORT_NIFTI
};

#define IMG_EXPORT_LAYOUT                                                      \
	"{PatientID}/{StudyDate}-{StudyDescription}/{SeriesNumber}/"           \
	"{InstanceNumber}.dcm"

struct img_export_opts {
	const char *catalog; /* folder of the archive, opened when needed */
	const char *out;     /* folder or file; "-": tar or zip to stdout */
	enum img_export_form form;
	const char *layout; /* template of names, NULL: IMG_EXPORT_LAYOUT */
	const char *volume; /* name of a disc image's volume */
	const char *syntax; /* --transfer-syntax: a name or UID, or NULL */
	bool allow_lossy;   /* lossy frames may be decoded */
	bool plain_vrs;     /* young VRs become UN */
	bool media;         /* a DICOM file-set with DICOMDIR and IHE PDI */
	const char *profile, *institution;
	const char *const *set; /* "Keyword=value" for the DICOMDIR */
	size_t set_count;
	uint64_t split;     /* bytes a volume may have; 0: one volume */
	const char *window; /* of pictures: "40,400", "lung", "2"; or NULL */
	const char *burn;   /* drive to burn the image with, or NULL */
	bool no_web;        /* no pages for a browser */
	bool link;          /* hard links, where no copy on write can be had */
	bool deflate;       /* members of a zip file are compressed */
	const char *passphrase; /* and encrypted with it, or NULL */
	bool force;    /* what an earlier export has left may be replaced */
	bool trust;    /* do not read again what was written */
	bool dry_run;  /* say what would be written */
	unsigned jobs; /* 0: as many as processors */
};

/* Whether the form is a folder of files. */
bool img_export_is_folder(enum img_export_form form);

struct img_export_host {
	int (*emit)(void *arg, const struct img_record *rec);
	void (*progress)(void *arg, uint64_t items, uint64_t bytes,
			 uint64_t total);
	bool (*stopped)(void *arg);
	void *arg;
};

struct img_export;

/* A layout that cannot be is IMG_E_USAGE; a destination that is taken is
   IMG_E_REFUSED. */
int img_export_open(struct img_export **x, const struct img_export_opts *opts,
		    const struct img_export_host *host, struct img_err *err);
/* A file, a folder or a UID of what is in the archive.  What is wrong with it
   gets a record; -1 only when nothing more can be done. */
int img_export_text(struct img_export *x, const char *text,
		    struct img_err *err);
/* What a record stands for. */
int img_export_record(struct img_export *x, const struct img_record *rec,
		      struct img_err *err);
/* Writes all of it, and the records.  -1: nothing has the final name. */
int img_export_finish(struct img_export *x, struct img_err *err);
void img_export_close(struct img_export *x);
/* Of how many patients the objects are that were written, or would be. */
uint64_t img_export_patients(const struct img_export *x);

#endif
