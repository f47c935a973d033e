/* deidentify_audit.c - what of the archive leaves it de-identified has its
   line in the audit log before it can be seen. */
#include "work/deidentify_private.h"

/* 1 there is a journal, 0 the archive may only be read, -1. */
static int open_journal(struct img_deid *d, struct img_err *err)
{
	int rc;

	if (d->journal || d->unaudited)
		return d->journal != NULL;
	rc = img_journal_open(&d->journal, d->opts.catalog, "imganon", err);
	d->unaudited = rc == 0;
	return rc;
}

int deid_audit(struct img_deid *d, struct deid_done *const *all, size_t n,
	       struct img_err *err)
{
	size_t ours = 0;
	int rc;

	for (size_t i = 0; i < n; i++)
		ours += all[i]->archived;
	if (!ours)
		return 0;
	rc = open_journal(d, err);
	if (rc <= 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		const struct img_audit_line line = { .act = "deidentified",
						     .digest = all[i]->source };

		if (all[i]->archived &&
		    img_journal_add(d->journal, &line, err) < 0)
			return -1;
	}
	return img_journal_commit(d->journal, err);
}
