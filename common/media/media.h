/*
 * media.h - file-sets on media (PS3.10 8, PS3.3 Annex F): what a DICOMDIR
 * lists, and where that lies.
 *
 * A DICOMDIR is evidence, not authority: its records are told one by one in
 * the order of the file.  The offsets that chain them are not followed, so
 * that wrong, reordered or cyclic ones do no harm and memory stays flat.
 *
 * Order of calls: img_dicom_start_fd or _mem with img_media_limits, then
 * img_media_each; for each file ID img_media_resolve (in a folder), or
 * img_media_key on both sides (among the names of an archive).
 */
#ifndef IMG_MEDIA_H
#define IMG_MEDIA_H

#include "dicom/dicom.h"

#define IMG_MEDIA_ID_MAX  512
#define IMG_MEDIA_RECORDS 1000000 /* records of one DICOMDIR */

/* Enough for IMG_MEDIA_RECORDS of twenty elements. */
extern const struct img_dicom_limits img_media_limits;

/* One directory record; texts are printable, and "" where absent. */
struct img_media_record {
	uint64_t number;                /* in the file, from 1 */
	char type[17];                  /* (0004,1430) "IMAGE", "PRIVATE" ... */
	char file_id[IMG_MEDIA_ID_MAX]; /* (0004,1500), joined by '/' */
	const char *refused; /* why file_id must not be opened, or NULL */
	bool inactive;       /* (0004,1410) says 0: not in use */
	char sop_class[IMG_UID_MAX]; /* (0004,1510), "" if it is no UID */
	char sop[IMG_UID_MAX];       /* (0004,1511) */
	char ts[IMG_UID_MAX];        /* (0004,1512) */
};

/*
 * Reads the started r to its end and calls fn for each directory record that
 * refers to a file, or for every record when all.  fn's nonzero ends the
 * reading and is the result (-1 comes with err).  Else 0, or
 * -1: of a DICOMDIR that is cut or malformed the records before that place
 * have been told.  IMG_E_UNSUPPORTED if it is DICOM but no DICOMDIR;
 * IMG_E_LIMIT over IMG_MEDIA_RECORDS.  name as given at start.
 */
int img_media_each(struct img_dicom_reader *r, const char *name, bool all,
		   int (*fn)(const struct img_media_record *rec, void *arg,
			     struct img_err *err),
		   void *arg, struct img_err *err);

/*
 * A raw value of (0004,1500) as a relative path: components joined by '/',
 * padding gone, unprintable bytes as '?'.  Returns NULL, or a word on why it
 * must not be opened: it is empty, absolute, has "..", is too long, or holds
 * bytes that no name of a file has.  Slashes for backslashes, lower case,
 * long components and more than eight of them are read as meant.
 */
const char *img_media_file_id(const void *value, size_t n, char *out,
			      size_t size);

/*
 * The key under which a file ID and the name of a file meet: ASCII upper
 * case, '/' between components, without leading "./", and at the end without
 * ";1", "." and ".DCM".  false if it does not fit.  The name is relative to
 * the folder of the DICOMDIR.
 */
bool img_media_key(const char *name, char *out, size_t size);
/* Whether the keys are equal. */
bool img_media_name_match(const char *file_id, const char *member);

/*
 * Looks for a file ID below dirfd, tolerant as img_media_key is; an exact
 * name comes before one in other case, and that before one with a suffix.
 * 1: out is its relative path as it stands on disk; 0: no such regular file.
 * Never leaves the folder, follows no symbolic link, opens no file.
 * A file ID that is refused is not there.
 */
int img_media_resolve(int dirfd, const char *file_id, char *out, size_t size,
		      struct img_err *err);

#endif
