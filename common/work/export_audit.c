/* export_audit.c - what leaves the archive has its line in the audit log
   before it has its name. */
#include "work/export_private.h"
#include "work/journal.h"

static const char *destination(const struct img_export *x)
{
	static const char *const form[] = { "folder", "tar",  "zip", "iso",
					    "png",    "jpeg", "npy", "nifti" };

	if (x->opts.burn)
		return "disc";
	return x->opts.media ? "media" : form[x->opts.form];
}

static const uint8_t *digest_of(const struct export_item *it)
{
	return it->converted ? it->source : it->digest;
}

static int add_all(struct img_export *x, struct img_journal *j,
		   enum export_state state, struct img_err *err)
{
	for (size_t i = 0; i < x->items; i++) {
		const struct export_item *it = &x->item[i];
		const struct img_audit_line line = { .act = "exported",
						     .digest = digest_of(it),
						     .to = destination(x) };

		if (it->archived && it->state == state &&
		    img_journal_add(j, &line, err) < 0)
			return -1;
	}
	return img_journal_commit(j, err);
}

int export_audit(struct img_export *x, enum export_state state,
		 struct img_err *err)
{
	struct img_journal *j = NULL;
	int rc = 0;

	if (!x->archive)
		return 0;
	rc = img_journal_open(&j, x->opts.catalog, "imgexport", err);
	x->unaudited = rc == 0;
	if (rc == 1)
		rc = add_all(x, j, state, err);
	img_journal_close(j);
	return rc < 0 ? -1 : 0;
}

void export_audit_undone(struct img_export *x, uint64_t objects)
{
	const struct img_audit_line line = { .act = "export-failed",
					     .to = destination(x),
					     .count = objects };
	struct img_err ignored = IMG_ERR_INIT;

	if (x->archive && objects)
		(void)img_journal_line(x->opts.catalog, "imgexport", &line,
				       &ignored);
}
