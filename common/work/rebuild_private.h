/* rebuild_private.h - what the files of a rebuild share. */
#ifndef IMG_REBUILD_PRIVATE_H
#define IMG_REBUILD_PRIVATE_H

#include "base/base.h"

/* The file fresh becomes old, all of them in the folder dir; what was there is
   kept under another name.  At every moment there is a catalog.db: the old one,
   then the new one. */
int rebuild_take_place(const char *dir, const char *fresh, const char *old,
		       struct img_err *err);
/* The file and its logs, if they are there. */
void rebuild_remove(const char *fresh);

#endif
