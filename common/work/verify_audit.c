/* verify_audit.c - the audit log against its chain. */
#include <stdio.h>

#include "audit/audit.h"
#include "work/verify_private.h"

int img_verify_audit(struct img_verify *v, struct img_err *err)
{
	struct img_audit_check check = { 0 };
	struct img_audit *a = NULL;
	struct img_record rec;
	char extra[160], reason[160];
	int rc = -1;

	if (verify_archive(v, err) < 0 ||
	    img_audit_open(&a, v->opts.dir, "imgverify", IMG_READ, err) < 0)
		return -1;
	img_record_init(&rec);
	(void)img_catalog_audit(v->catalog, &check.at, check.at_head);
	if (img_audit_verify(a, &check, err) < 0)
		goto out;
	rec.status = check.broken ? "damaged" : "intact";
	rec.path = "audit.log";
	snprintf(extra, sizeof(extra), "\"lines\":%llu,\"head\":\"%s\"",
		 (unsigned long long)check.lines, check.head);
	rec.extra = extra;
	if (check.broken) {
		snprintf(reason, sizeof(reason), "line %llu: %s",
			 (unsigned long long)check.broken, check.what);
		rec.reason = reason;
	}
	rc = verify_emit(v, &rec) < 0 ? img_err_set(err, IMG_E_IO, "stdout")
				      : 0;
out:
	img_record_release(&rec);
	img_audit_close(a);
	return rc;
}
