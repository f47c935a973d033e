/* commit_sync.c - what a batch waits for the disk for. */
#include "work/ingest_private.h"
#include "work/journal.h"

/* What has to be durable before the audit log, or with it. */
struct names {
	struct img_store *store;
	int rc;
	struct img_err err;
};

static void *sync_names(void *arg)
{
	struct names *names = arg;

	names->rc = img_store_sync_names(names->store, &names->err);
	return NULL;
}

/* Names, and the lines of the log on them.  Where few objects come at a time
   it is syncs that take the time, so these wait for the disk side by side.  A
   power cut in here may leave a line on an object that was promised to nobody
   and is not there. */
int sync_batch(struct img_ingest *g, struct img_err *err)
{
	struct names names = { .store = g->store, .err = IMG_ERR_INIT };
	pthread_t thread;
	bool beside;
	int rc;

	if (img_journal_append(g->audit, g->catalog, err) < 0)
		return -1;
	beside = pthread_create(&thread, NULL, sync_names, &names) == 0;
	if (!beside)
		(void)sync_names(&names);
	rc = img_journal_write(g->audit, g->catalog, err);
	if (beside)
		pthread_join(thread, NULL);
	if (names.rc < 0 && rc == 0)
		img_err_set(err, names.err.code, "%s", names.err.text);
	return rc < 0 ? -1 : names.rc;
}
