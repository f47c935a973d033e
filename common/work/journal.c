/* journal.c - lines of the audit log and their place in the catalog. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store.h"
#include "work/journal.h"

#define LOCK_SECONDS 60
#define MANY         65536 /* lines held in memory */

struct img_journal {
	struct img_store *store;
	struct img_catalog *catalog;
	struct img_audit *audit;
};

int img_journal_append(struct img_audit *a, struct img_catalog *c,
		       struct img_err *err)
{
	const struct img_audit_keeper keeper = { img_catalog_audit,
						 img_catalog_note_audit, c };

	return img_audit_append(a, &keeper, err);
}

int img_journal_write(struct img_audit *a, struct img_catalog *c,
		      struct img_err *err)
{
	const struct img_audit_keeper keeper = { img_catalog_audit,
						 img_catalog_note_audit, c };

	return img_audit_commit(a, &keeper, err);
}

/* 1, 0 it may only be read or is not there, -1. */
static int may_write(const char *dir, struct img_err *err)
{
	static const char *const part[] = { "catalog.db", "audit.log" };
	char path[IMG_PATH_MAX];

	for (size_t i = 0; i < 2; i++) {
		if (img_path_join(path, sizeof(path), dir, part[i], err) < 0)
			return -1;
		if (access(path, W_OK) == 0 || (i == 1 && errno == ENOENT))
			continue;
		if (errno == EACCES || errno == EPERM || errno == EROFS ||
		    errno == ENOENT || errno == ENOTDIR)
			return 0;
		return img_err_sys(err, "%s", path);
	}
	return 1;
}

int img_journal_open(struct img_journal **out, const char *dir, const char *by,
		     struct img_err *err)
{
	int may = may_write(dir, err);
	struct img_journal *j;

	*out = NULL;
	if (may <= 0)
		return may;
	j = calloc(1, sizeof(*j));
	if (!j)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	if (img_crypto_init(err) < 0 ||
	    img_store_open(&j->store, dir, IMG_WRITE, err) < 0 ||
	    img_catalog_open(&j->catalog, dir, IMG_WRITE, err) < 0 ||
	    img_audit_open(&j->audit, dir, by, IMG_WRITE, err) < 0) {
		img_journal_close(j);
		return -1;
	}
	*out = j;
	return 1;
}

void img_journal_close(struct img_journal *j)
{
	if (!j)
		return;
	img_audit_close(j->audit);
	img_catalog_close(j->catalog);
	img_store_close(j->store);
	free(j);
}

int img_journal_commit(struct img_journal *j, struct img_err *err)
{
	int rc = -1;

	if (img_audit_added(j->audit) == 0)
		return 0;
	if (img_store_lock(j->store, LOCK_SECONDS, err) < 0)
		goto out;
	if (img_catalog_begin(j->catalog, err) == 0) {
		if (img_journal_write(j->audit, j->catalog, err) == 0 &&
		    img_catalog_commit(j->catalog, err) == 0)
			rc = 0;
		else
			img_catalog_rollback(j->catalog);
	}
	img_store_unlock(j->store);
out:
	img_audit_rollback(j->audit);
	return rc;
}

int img_journal_add(struct img_journal *j, const struct img_audit_line *line,
		    struct img_err *err)
{
	if (img_audit_added(j->audit) >= MANY && img_journal_commit(j, err) < 0)
		return -1;
	return img_audit_add(j->audit, line, err);
}

int img_journal_line(const char *dir, const char *by,
		     const struct img_audit_line *line, struct img_err *err)
{
	struct img_journal *j = NULL;
	int rc = img_journal_open(&j, dir, by, err);

	if (rc == 1 && (img_journal_add(j, line, err) < 0 ||
			img_journal_commit(j, err) < 0))
		rc = -1;
	img_journal_close(j);
	return rc;
}
