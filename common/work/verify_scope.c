/* verify_scope.c - the archive or a part of it: every row, every object, and what
   is in no row. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "work/verify_complete.h"

bool img_page_follows(struct img_page_order *last, const struct img_object *o,
		      size_t n)
{
	if (n == 0)
		return ++last->empty < 4096;
	if (o[0].instance < last->instance ||
	    (o[0].instance == last->instance && o[0].object <= last->object))
		return false;
	last->instance = o[n - 1].instance;
	last->object = o[n - 1].object;
	last->empty = 0;
	return true;
}

static int do_scope_page(void *arg, const struct img_object *o, size_t n,
			 struct img_err *err)
{
	struct img_verify *v = arg;

	if (!img_page_follows(&v->last, o, n))
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s/catalog.db: objects out of order",
				   v->opts.dir);
	return verify_page(v, o, n, err);
}

/* ---- rows ------------------------------------------------------------- */

static int tell_row(void *arg, const char *what, int64_t instance,
		    struct img_err *err)
{
	struct img_verify *v = arg;
	struct img_record rec;
	int rc;

	if (instance >= 0)
		return 0; /* told with its objects */
	img_record_init(&rec);
	rec.status = "damaged";
	rec.path = "catalog.db";
	rec.reason = what;
	rc = verify_emit(v, &rec);
	img_record_release(&rec);
	return rc < 0 ? img_err_set(err, IMG_E_IO, "stdout") : 0;
}

/* ---- pages of the catalog --- */

static int tell_page(void *arg, uint64_t page, struct img_err *err)
{
	char reason[64];

	snprintf(reason, sizeof(reason), "page %llu is not what was written",
		 (unsigned long long)page);
	return tell_row(arg, reason, -1, err);
}

/* The log is moved into the file first; then nobody may write. */
int verify_catalog_pages(struct img_verify *v, struct img_err *err)
{
	struct img_err busy = IMG_ERR_INIT;
	int rc;

	if (v->writes && img_store_lock(v->store, VERIFY_LOCK, err) < 0)
		return -1;
	if (v->writes)
		(void)img_catalog_settle(v->catalog, &busy);
	rc = img_catalog_check_pages(v->catalog, tell_page, v, err);
	if (v->writes)
		img_store_unlock(v->store);
	return rc;
}

/* ---- what is in no row ------------------------------------------------ */

struct extras {
	struct img_verify *v;
	const struct img_catalog_scope *scope;
	uint64_t *known;
	size_t n_known;
	struct img_buf names; /* NUL-separated candidates */
};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_known(const struct extras *e, const uint8_t *digest)
{
	uint64_t key;

	memcpy(&key, digest, sizeof(key));
	return e->n_known &&
	       bsearch(&key, e->known, e->n_known, sizeof(key), by_value);
}

static int look(void *arg, const uint8_t *digest, const char *name,
		struct img_err *err)
{
	struct extras *e = arg;
	uint64_t key = digest ? digest[0] : img_sum64(name, strlen(name));

	if (e->scope->parts && key % e->scope->parts != e->scope->part - 1)
		return 0;
	if (digest && is_known(e, digest))
		return 0;
	return img_buf_add(&e->names, name, strlen(name) + 1, err);
}

static int tell_extra(struct img_verify *v, const char *name,
		      struct img_err *err)
{
	struct img_record rec;
	int rc;

	img_record_init(&rec);
	rec.status = "extra";
	rec.path = name;
	rec.reason = "in no row of the catalog";
	rc = verify_emit(v, &rec);
	img_record_release(&rec);
	return rc < 0 ? img_err_set(err, IMG_E_IO, "stdout") : 0;
}

/* Between link and commit an import has objects without rows: look again
   while no batch is under way. */
static int confirm(struct extras *e, struct img_err *err)
{
	const char *p = img_buf_str(&e->names), *end = p + e->names.len;
	int rc = 0;

	if (p == end)
		return 0;
	free(e->known);
	e->known = NULL;
	if (e->v->writes && img_store_lock(e->v->store, VERIFY_LOCK, err) < 0)
		return -1;
	if (img_catalog_digests(e->v->catalog, &e->known, &e->n_known, err) < 0)
		rc = -1;
	if (e->v->writes)
		img_store_unlock(e->v->store);
	for (; p < end && rc == 0; p += strlen(p) + 1) {
		uint8_t digest[IMG_DIGEST_SIZE];
		const char *base = img_path_base(p);

		if (!img_unhex(digest, sizeof(digest), base) ||
		    !is_known(e, digest))
			rc = tell_extra(e->v, p, err);
	}
	return rc;
}

/* A folder of objects that cannot be read: its objects were told one by one,
   what else is in there cannot be. */
static int tell_unread(struct img_verify *v, const struct img_err *why,
		       struct img_err *err)
{
	if (why->code != IMG_E_DENIED && why->code != IMG_E_IO)
		return img_err_set(err, why->code, "%s", why->text);
	return verify_failed(v, "objects", NULL, NULL, why, err);
}

static int find_extras(struct img_verify *v,
		       const struct img_catalog_scope *scope,
		       struct img_err *err)
{
	struct extras e = { .v = v, .scope = scope };
	struct img_err unread = IMG_ERR_INIT;
	int rc = -1;

	img_buf_init(&e.names, 1024ul * 1024 * 1024);
	if (img_catalog_digests(v->catalog, &e.known, &e.n_known, err) == 0) {
		rc = img_store_each(v->store, look, &e, &unread);
		if (rc < 0)
			rc = tell_unread(v, &unread, err);
		if (rc == 0)
			rc = confirm(&e, err);
	}
	free(e.known);
	img_buf_release(&e.names);
	return rc;
}

int verify_catalog_rows(struct img_verify *v,
			const struct img_catalog_scope *scope,
			struct img_err *err)
{
	if (img_catalog_check(v->catalog, tell_row, v, err) < 0)
		return -1;
	return find_extras(v, scope, err);
}

int verify_tell_catalog(struct img_verify *v, struct img_err *err)
{
	char reason[sizeof(err->text) + 64];

	if (err->code != IMG_E_MALFORMED && err->code != IMG_E_BUG)
		return -1;
	snprintf(reason, sizeof(reason), "%s (imgverify --rebuild)", err->text);
	img_err_clear(err);
	return tell_row(v, reason, -1, err);
}

bool verify_before(int64_t days, char out[IMG_TIME_MAX])
{
	time_t t = time(NULL) - (time_t)days * 86400;
	struct tm tm;

	return gmtime_r(&t, &tm) &&
	       strftime(out, IMG_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

int img_verify_scope(struct img_verify *v,
		     const struct img_catalog_scope *given, bool whole,
		     struct img_err *err)
{
	struct img_catalog_scope copy = *given, *scope = &copy;
	char before[IMG_TIME_MAX];

	if (v->complete)
		return complete_all(v, err);
	if (v->opts.older_than &&
	    verify_before((int64_t)v->opts.older_than, before))
		copy.before = before;
	if (verify_archive(v, err) < 0)
		return -1;
	memset(&v->last, 0, sizeof(v->last));
	/* Before anything is written down: that would make sums anew. */
	if (whole &&
	    (verify_catalog_pages(v, err) < 0 || verify_audit_log(v, err) < 0))
		return -1;
	/* A percentage comes in an order of its own, and ends. */
	if (img_catalog_pages(v->catalog, scope,
			      scope->percent ? verify_page : do_scope_page, v,
			      err) == 0 &&
	    (!whole || verify_catalog_rows(v, scope, err) == 0))
		return 0;
	return verify_tell_catalog(v, err);
}
