/* dicomdir.c - a DICOMDIR is evidence of what should be there. */
#include "work/ingest_private.h"

int check_dicomdir(struct img_ingest *g, const struct deferred *d,
		   struct img_err *err)
{
	struct item *it = item_new(g, err);

	if (!it)
		return -1;
	it->path = item_text(g, d->path);
	it->outcome = IGNORED;
	it->text = "DICOMDIR";
	return item_add(g, it, err);
}
