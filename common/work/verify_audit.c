/* verify_audit.c - the audit log against its chain, and the newest line that
   the catalog knows. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "audit/audit.h"
#include "work/verify_private.h"

static int tell(struct img_verify *v, struct img_record *rec,
		struct img_err *err)
{
	rec->path = "audit.log";
	return verify_emit(v, rec) < 0 ? img_err_set(err, IMG_E_IO, "stdout")
				       : 0;
}

static int tell_check(struct img_verify *v, const struct img_audit_check *check,
		      struct img_err *err)
{
	char extra[160], reason[160];
	struct img_record rec;

	img_record_init(&rec);
	rec.status = check->broken ? "damaged" : "intact";
	snprintf(extra, sizeof(extra), "\"lines\":%llu,\"head\":\"%s\"",
		 (unsigned long long)check->lines, check->head);
	rec.extra = extra;
	if (check->broken) {
		snprintf(reason, sizeof(reason), "line %llu: %s",
			 (unsigned long long)check->broken, check->what);
		rec.reason = reason;
	}
	return tell(v, &rec, err);
}

/* 1: there is none, and there never was, as far as the catalog knows; 0: it
   is gone, as was told; -1: it is there, or err. */
static int tell_absent(struct img_verify *v, uint64_t lines,
		       struct img_err *err)
{
	char path[IMG_PATH_MAX], reason[96];
	struct img_record rec;
	struct stat st;

	if (img_path_join(path, sizeof(path), v->opts.dir, "audit.log", err) <
	    0)
		return -1;
	if (lstat(path, &st) == 0 || errno != ENOENT)
		return -1;
	if (!lines)
		return 1;
	img_record_init(&rec);
	rec.status = "missing";
	snprintf(reason, sizeof(reason), "the catalog knows %llu lines of it",
		 (unsigned long long)lines);
	rec.reason = reason;
	return tell(v, &rec, err);
}

/* 0: check is filled in, or (*told) it is gone; with err, 1: there is none, and
   need not be, -1: it cannot be read. */
static int look(struct img_verify *v, struct img_audit_check *check, bool *told,
		struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct img_audit *a = NULL;
	int rc;

	memset(check, 0, sizeof(*check));
	*told = false;
	if (verify_archive(v, err) < 0)
		return -1;
	/* What is known before it is read: lines may be added all the time. */
	if (img_catalog_audit(v->catalog, &check->at, check->at_head, err) < 0)
		return -1;
	if (img_audit_open(&a, v->opts.dir, "imgverify", IMG_READ, &why) < 0) {
		rc = tell_absent(v, check->at, err);
		*told = rc == 0;
		if (rc != 0 && err->code == IMG_OK)
			*err = why;
		return rc;
	}
	rc = img_audit_verify(a, check, err);
	img_audit_close(a);
	return rc;
}

int img_verify_audit(struct img_verify *v, struct img_err *err)
{
	struct img_audit_check check;
	bool told;

	if (look(v, &check, &told, err) != 0)
		return -1;
	return told ? 0 : tell_check(v, &check, err);
}

/* Others may be at work: a line that the catalog does not know yet may be half
   there. */
int verify_audit_log(struct img_verify *v, struct img_err *err)
{
	struct img_audit_check check;
	struct img_record rec;
	bool told;
	int rc;

	img_record_init(&rec);
	rc = look(v, &check, &told, &rec.error);
	v->log_told = rc < 0;
	if (rc < 0)
		return tell(v, &rec, err);
	if (rc > 0 || told || !check.broken || check.broken > check.at)
		return 0;
	return tell_check(v, &check, err);
}

int verify_tell_unlogged(struct img_verify *v, struct img_err *err)
{
	struct img_record rec;

	img_record_init(&rec);
	if (v->audit) {
		rec.status = "damaged";
		rec.reason = "its last line is not of this log";
	} else {
		rec.error = *err;
	}
	img_err_clear(err);
	if (v->log_told)
		return 0;
	v->log_told = true;
	return tell(v, &rec, err);
}
