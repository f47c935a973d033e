/* verify.c - objects against their digests and their rows. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/audit.h"
#include "store/store.h"
#include "work/verify.h"

#define JOBS_MAX     16
#define LOCK_SECONDS 60

struct verdict {
	enum img_fixity fixity;
	bool row_ok;
	struct img_err err;
};

struct img_verify {
	struct img_verify_host host;
	struct img_store *store;
	struct img_catalog *catalog;
	const char *dir;
	bool writes; /* what is found is written down */
	unsigned jobs;
	uint64_t items, bytes;

	struct img_page_order last;
	/* The page in hand. */
	const struct img_object *page;
	struct verdict verdict[IMG_PAGE];
	size_t n;
	atomic_size_t next;
};

int img_verify_open(struct img_verify **out, const char *dir, unsigned jobs,
		    const struct img_verify_host *host, struct img_err *err)
{
	struct img_verify *v = calloc(1, sizeof(*v));
	struct img_err denied = IMG_ERR_INIT;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!v)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	v->host = *host;
	v->dir = dir;
	v->jobs = jobs ? jobs : cpus > 0 ? (unsigned)cpus : 1;
	if (v->jobs > JOBS_MAX)
		v->jobs = JOBS_MAX;
	/* Never made here: only an archive that is there can be verified. */
	if (img_crypto_init(err) < 0 ||
	    img_store_open(&v->store, dir, IMG_READ, err) < 0 ||
	    img_catalog_open(&v->catalog, dir, IMG_READ, err) < 0)
		goto fail;
	img_catalog_close(v->catalog);
	img_store_close(v->store);
	v->store = NULL;
	v->catalog = NULL;
	v->writes = img_store_open(&v->store, dir, IMG_WRITE, &denied) == 0 &&
		    img_catalog_open(&v->catalog, dir, IMG_WRITE, &denied) == 0;
	if (!v->store && img_store_open(&v->store, dir, IMG_READ, err) < 0)
		goto fail;
	if (!v->catalog &&
	    img_catalog_open(&v->catalog, dir, IMG_READ, err) < 0)
		goto fail;
	*out = v;
	return 0;
fail:
	img_verify_close(v);
	return -1;
}

void img_verify_close(struct img_verify *v)
{
	if (!v)
		return;
	img_catalog_close(v->catalog);
	img_store_close(v->store);
	free(v);
}

/* ---- a page of objects ------------------------------------------------ */

static void *hash_some(void *arg)
{
	struct img_verify *v = arg;
	size_t i;

	while ((i = atomic_fetch_add(&v->next, 1)) < v->n) {
		const struct img_object *o = &v->page[i];
		struct verdict *d = &v->verdict[i];
		int rc;

		if (v->host.stopped(v->host.arg))
			break;
		rc = o->place ? img_store_verify_path(o->place, o->digest, true,
						      &d->fixity, &d->err)
			      : img_store_verify(v->store, o->digest, true,
						 &d->fixity, &d->err);
		if (rc < 0 && d->err.code == IMG_OK)
			img_err_set(&d->err, IMG_E_BUG, "no verdict");
	}
	return NULL;
}

static void hash_page(struct img_verify *v)
{
	pthread_t t[JOBS_MAX];
	unsigned n = 0;

	atomic_store(&v->next, 0);
	while (n + 1 < v->jobs && n + 1 < v->n &&
	       pthread_create(&t[n], NULL, hash_some, v) == 0)
		n++;
	hash_some(v);
	while (n)
		pthread_join(t[--n], NULL);
}

static const char *word_of(const struct verdict *d)
{
	if (d->err.code != IMG_OK)
		return "failed";
	if (!d->row_ok || d->fixity == IMG_DAMAGED)
		return "damaged";
	return d->fixity == IMG_MISSING ? "missing" : "intact";
}

static const char *reason_of(const struct verdict *d)
{
	if (!d->row_ok)
		return d->fixity == IMG_INTACT
			       ? "its row in the catalog was changed"
			       : "its row in the catalog was changed, and its "
				 "bytes are not those it names";
	if (d->fixity == IMG_DAMAGED)
		return "its bytes are not those that were stored";
	return NULL;
}

static int tell(struct img_verify *v, const struct img_object *o,
		const struct verdict *d)
{
	struct img_record rec;
	char hex[IMG_DIGEST_HEX];
	int rc;

	img_record_init(&rec);
	img_hex(hex, o->digest, sizeof(o->digest));
	rec.status = word_of(d);
	rec.path = o->place;
	rec.study = o->study;
	rec.series = o->series;
	rec.sop = o->sop;
	rec.sop_class = o->sop_class;
	rec.transfer_syntax = o->transfer_syntax;
	rec.modality = o->modality;
	rec.has_bytes = true;
	rec.bytes = o->bytes;
	rec.digest = hex;
	rec.error = d->err;
	if (d->err.code == IMG_OK)
		rec.reason = reason_of(d);
	rc = v->host.emit(v->host.arg, &rec);
	img_record_release(&rec);
	v->items++;
	v->bytes += o->bytes;
	return rc < 0 ? -1 : 0;
}

static int write_down(struct img_verify *v, size_t n, struct img_err *err)
{
	char now[IMG_TIME_MAX];

	if (!v->writes)
		return 0;
	img_time_now(now);
	if (img_store_lock(v->store, LOCK_SECONDS, err) < 0)
		return -1;
	if (img_catalog_begin(v->catalog, err) < 0)
		goto fail;
	for (size_t i = 0; i < n; i++)
		/* A row that was changed is evidence: it is left alone. */
		if (v->verdict[i].row_ok && v->verdict[i].err.code == IMG_OK &&
		    img_catalog_checked(v->catalog, v->page[i].instance,
					v->page[i].object, now,
					word_of(&v->verdict[i]), err) < 0)
			goto rollback;
	if (img_catalog_commit(v->catalog, err) < 0)
		goto rollback;
	img_store_unlock(v->store);
	return 0;
rollback:
	img_catalog_rollback(v->catalog);
fail:
	img_store_unlock(v->store);
	return -1;
}

static int do_page(void *arg, const struct img_object *o, size_t n,
		   struct img_err *err)
{
	struct img_verify *v = arg;
	bool stopped;
	size_t done;

	v->page = o;
	v->n = n;
	memset(v->verdict, 0, sizeof(v->verdict));
	hash_page(v);
	stopped = v->host.stopped(v->host.arg);
	done = stopped ? 0 : n;
	for (size_t i = 0; i < done; i++)
		if (img_catalog_row_ok(v->catalog, o[i].instance, o[i].object,
				       &v->verdict[i].row_ok, err) < 0)
			return -1;
	if (done && write_down(v, done, err) < 0)
		return -1;
	for (size_t i = 0; i < done; i++)
		if (tell(v, &o[i], &v->verdict[i]) < 0)
			return img_err_set(err, IMG_E_IO, "stdout");
	v->host.progress(v->host.arg, v->items, v->bytes);
	return stopped ? img_err_set(err, IMG_E_BUSY, "stopped by a signal")
		       : 0;
}

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
				   v->dir);
	return do_page(v, o, n, err);
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
	rc = v->host.emit(v->host.arg, &rec);
	img_record_release(&rec);
	return rc < 0 ? img_err_set(err, IMG_E_IO, "stdout") : 0;
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
	rc = v->host.emit(v->host.arg, &rec);
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
	if (e->v->writes && img_store_lock(e->v->store, LOCK_SECONDS, err) < 0)
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

static int find_extras(struct img_verify *v,
		       const struct img_catalog_scope *scope,
		       struct img_err *err)
{
	struct extras e = { .v = v, .scope = scope };
	int rc = -1;

	img_buf_init(&e.names, 1024ul * 1024 * 1024);
	if (img_catalog_digests(v->catalog, &e.known, &e.n_known, err) == 0 &&
	    img_store_each(v->store, look, &e, err) == 0)
		rc = confirm(&e, err);
	free(e.known);
	img_buf_release(&e.names);
	return rc;
}

/* A catalog that sqlite cannot read, or not as we wrote it, is a verdict and
   no failure.  0: told. */
static int tell_catalog(struct img_verify *v, struct img_err *err)
{
	char reason[sizeof(err->text) + 64];

	if (err->code != IMG_E_MALFORMED && err->code != IMG_E_BUG)
		return -1;
	snprintf(reason, sizeof(reason), "%s (imgverify --rebuild)", err->text);
	img_err_clear(err);
	return tell_row(v, reason, -1, err);
}

int img_verify_scope(struct img_verify *v,
		     const struct img_catalog_scope *scope, bool whole,
		     struct img_err *err)
{
	memset(&v->last, 0, sizeof(v->last));
	/* A percentage comes in an order of its own, and ends. */
	if (img_catalog_pages(v->catalog, scope,
			      scope->percent ? do_page : do_scope_page, v,
			      err) == 0 &&
	    (!whole || (img_catalog_check(v->catalog, tell_row, v, err) == 0 &&
			find_extras(v, scope, err) == 0)))
		return 0;
	return tell_catalog(v, err);
}

/* A page of the objects of a scope; *n 0 at the end. */
static int next_keys(struct img_objects *from, struct img_object_key *keys,
		     size_t *n, struct img_err *err)
{
	struct img_object o;
	int rc = 1;

	for (*n = 0; *n < IMG_PAGE; ++*n) {
		rc = img_objects_next(from, &o, err);
		if (rc <= 0)
			break;
		keys[*n].instance = o.instance;
		keys[*n].object = o.object;
	}
	return rc < 0 ? -1 : 0;
}

int img_verify_named(struct img_verify *v, const struct img_scope *named,
		     struct img_err *err)
{
	struct img_scope scope = *named;
	struct img_object_key keys[IMG_PAGE];
	struct img_objects *from = NULL;
	size_t n = 0;
	int rc, found = 0;

	scope.all = true;
	if (img_catalog_expand(v->catalog, &scope, &from, err) < 0)
		return -1;
	do {
		rc = next_keys(from, keys, &n, err);
		if (rc == 0 && n)
			rc = img_catalog_page(v->catalog, keys, n, do_page, v,
					      err);
		found |= n > 0;
	} while (rc == 0 && n == IMG_PAGE);
	img_objects_close(from);
	return rc < 0 ? -1 : found;
}

/* ---- the audit log ---------------------------------------------------- */

int img_verify_audit(struct img_verify *v, struct img_err *err)
{
	struct img_audit_check check = { 0 };
	struct img_audit *a = NULL;
	struct img_record rec;
	char extra[160], reason[160];
	int rc = -1;

	if (img_audit_open(&a, v->dir, "imgverify", IMG_READ, err) < 0)
		return -1;
	img_record_init(&rec);
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
	rc = v->host.emit(v->host.arg, &rec) < 0
		     ? img_err_set(err, IMG_E_IO, "stdout")
		     : 0;
out:
	img_record_release(&rec);
	img_audit_close(a);
	return rc;
}
