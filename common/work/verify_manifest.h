/*
 * verify_manifest.h - inside img_verify: the files of a medium against its
 * MANIFEST.TXT, which may come before them or after.
 *
 *     manifest_new  manifest_file*  manifest_check once  manifest_free
 */
#ifndef IMG_VERIFY_MANIFEST_H
#define IMG_VERIFY_MANIFEST_H

#include "media/media.h"
#include "work/verify_source.h"

struct manifest;

/* check: keeps the names. */
struct manifest *manifest_new(struct img_media_check *check,
			      struct img_err *err);
void manifest_free(struct manifest *m);
/* Keeps what has to be compared, and the file itself if it is the manifest. */
int manifest_file(struct manifest *m, const struct verify_entry *e,
		  struct img_err *err);
/* Tells where lines and files differ; nothing if there is no manifest.  fn's
   nonzero ends it as the result. */
int manifest_check(struct manifest *m,
		   int (*fn)(void *arg, const char *status, const char *path,
			     const char *text, struct img_err *err),
		   void *arg, struct img_err *err);

#endif
