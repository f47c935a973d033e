/* commit_sync.c - what a batch waits for the disk for. */
#include "work/ingest_private.h"
#include "work/journal.h"

/* Names, and the lines of the log on them.  Where few objects come at a time
   it is syncs that take the time, so these wait for the disk side by side.  A
   power cut in here may leave a line on an object that was promised to nobody
   and is not there. */
int sync_batch(struct img_ingest *g, struct img_err *err)
{
	struct img_err names = IMG_ERR_INIT;
	int rc;

	if (img_journal_append(g->audit, g->catalog, err) < 0 ||
	    img_store_sync_names_begin(g->store, err) < 0)
		return -1;
	rc = img_journal_write(g->audit, g->catalog, err);
	if (img_store_sync_names_end(g->store, &names) == 0)
		return rc;
	return rc < 0 ? -1 : img_err_set(err, names.code, "%s", names.text);
}
