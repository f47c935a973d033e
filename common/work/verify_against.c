/*
 * verify_against.c - the archive against another copy: what is only here, only
 * there, and what differs.  The other one is an archive, a folder, an archive
 * file or a disc; there objects are known by their UID and digest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "work/verify_private.h"
#include "work/verify_source.h"

struct known {
	char sop[IMG_UID_MAX];
	uint8_t digest[IMG_DIGEST_SIZE];
	bool there, same; /* its UID, its bytes */
	bool told;
};

struct against {
	struct img_verify *v;
	struct known *here; /* by UID, then digest */
	size_t n, room;
	struct deep deep;
	struct img_store *store; /* of the other archive */
	uint64_t files;
	bool unread; /* something there could not be */
};

static int by_uid(const void *a, const void *b)
{
	const struct known *x = a, *y = b;
	int rc = strcmp(x->sop, y->sop);

	return rc ? rc : memcmp(x->digest, y->digest, IMG_DIGEST_SIZE);
}

static int add(struct against *a, const char *sop, const uint8_t *digest,
	       struct img_err *err)
{
	struct known *k;

	if (a->n == a->room) {
		size_t room = a->room ? a->room * 2 : 1024;

		k = reallocarray(a->here, room, sizeof(*k));
		if (!k)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		a->here = k;
		a->room = room;
	}
	k = &a->here[a->n++];
	memset(k, 0, sizeof(*k));
	snprintf(k->sop, sizeof(k->sop), "%s", sop);
	memcpy(k->digest, digest, IMG_DIGEST_SIZE);
	return 0;
}

static int each_object(const char *dir,
		       int (*fn)(struct against *a, const struct img_object *o,
				 struct img_err *err),
		       struct against *a, struct img_err *err)
{
	const struct img_scope all = { .all = true };
	struct img_catalog *c = NULL;
	struct img_objects *list = NULL;
	struct img_object o;
	int rc = -1;

	if (img_catalog_open(&c, dir, IMG_READ, err) == 0 &&
	    img_catalog_expand(c, &all, &list, err) == 0)
		while ((rc = img_objects_next(list, &o, err)) > 0)
			if (fn(a, &o, err) < 0) {
				rc = -1;
				break;
			}
	img_objects_close(list);
	img_catalog_close(c);
	return rc;
}

static int take_here(struct against *a, const struct img_object *o,
		     struct img_err *err)
{
	return add(a, o->sop, o->digest, err);
}

static int tell(struct against *a, const char *status, const char *path,
		const char *sop, const uint8_t *digest, const char *reason,
		struct img_err *err)
{
	struct img_record rec;
	char hex[IMG_DIGEST_HEX];

	img_record_init(&rec);
	rec.status = status;
	rec.path = path;
	rec.sop = sop;
	if (digest) {
		img_hex(hex, digest, IMG_DIGEST_SIZE);
		rec.digest = hex;
	}
	rec.reason = reason;
	return verify_emit(a->v, &rec) < 0
		       ? img_err_set(err, IMG_E_IO, "stdout")
		       : 0;
}

/* ---- what is there ------------------------------------------------------ */

static int unread(struct against *a, const char *path, const char *sop,
		  const struct img_err *why, struct img_err *err)
{
	a->unread = true;
	return verify_failed(a->v, path, sop, NULL, why, err);
}

static struct known *first_of(struct against *a, const char *sop)
{
	size_t low = 0, high = a->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(a->here[mid].sop, sop) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < a->n && strcmp(a->here[low].sop, sop) == 0 ? &a->here[low]
								: NULL;
}

static int meet(struct against *a, const char *path, const char *sop,
		const uint8_t *digest, struct img_err *err)
{
	struct known *k = first_of(a, sop), *end = a->here + a->n, *i;
	bool same = false;

	if (!k)
		return tell(a, "extra", path, sop, digest, "only there", err);
	for (i = k; i < end && strcmp(i->sop, sop) == 0; i++) {
		i->there = true;
		if (memcmp(i->digest, digest, IMG_DIGEST_SIZE) == 0)
			same = i->same = true;
	}
	return same ? tell(a, "intact", path, sop, digest, NULL, err)
		    : tell(a, "differs", path, sop, digest, "other bytes here",
			   err);
}

/* Listed there, and no longer there as it was: it is none to rely on. */
static int meet_lost(struct against *a, const struct img_object *o,
		     enum img_fixity fixity, struct img_err *err)
{
	struct known *end = a->here + a->n;

	for (struct known *k = first_of(a, o->sop);
	     k && k < end && strcmp(k->sop, o->sop) == 0; k++)
		if (memcmp(k->digest, o->digest, IMG_DIGEST_SIZE) == 0)
			k->there = k->told = true;
	return fixity == IMG_MISSING
		       ? tell(a, "missing", o->place, o->sop, o->digest,
			      "listed there, and not there", err)
		       : tell(a, "damaged", o->place, o->sop, o->digest,
			      "its bytes there are not those that were stored",
			      err);
}

/* Its bytes are read: what a catalog lists may be gone. */
static int meet_object(struct against *a, const struct img_object *o,
		       struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	enum img_fixity fixity;
	int rc;

	if (a->v->host.stopped(a->v->host.arg))
		return img_err_set(err, IMG_E_BUSY, "stopped by a signal");
	a->v->host.progress(a->v->host.arg, ++a->files,
			    a->v->bytes += o->bytes);
	rc = o->place ? img_store_verify_path(o->place, o->digest, true,
					      &fixity, &why)
		      : img_store_verify(a->store, o->digest, true, &fixity,
					 &why);
	if (rc < 0 && why.code == IMG_E_NOMEM)
		return img_err_set(err, why.code, "%s", why.text);
	if (rc < 0)
		return unread(a, o->place, o->sop, &why, err);
	return fixity == IMG_INTACT ? meet(a, o->place, o->sop, o->digest, err)
				    : meet_lost(a, o, fixity, err);
}

static int meet_file(const struct verify_entry *e, void *arg,
		     struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct deep_out out = { 0 };
	struct against *a = arg;
	char head[1024];
	ssize_t n;
	int rc;

	if (a->v->host.stopped(a->v->host.arg))
		return img_err_set(err, IMG_E_BUSY, "stopped by a signal");
	a->v->host.progress(a->v->host.arg, ++a->files,
			    a->v->bytes += e->bytes);
	if (e->why && e->why->code == IMG_E_NOMEM)
		return img_err_set(err, IMG_E_NOMEM, "%s", e->why->text);
	n = e->why ? 0 : img_pread_full(e->fd, head, sizeof(head), 0);
	if (n < 0)
		img_err_sys(&why, "%s", e->path);
	if (e->why && !verify_is_bad(e->why))
		return unread(a, e->path, NULL, e->why, err);
	if (n < 0 || e->why)
		return tell(a, "damaged", e->path, NULL, NULL,
			    verify_said(n < 0 ? &why : e->why, e->path), err);
	if (n == 0 || !img_dicom_looks_like(head, (size_t)n))
		return 0;
	img_buf_init(&out.extra, VERIFY_EXTRA);
	rc = verify_deep(a->v, &a->deep, e->fd, e->path, &out, err);
	img_buf_release(&out.extra);
	if (rc < 0)
		return -1;
	if (!out.facts.complete)
		return tell(a, "invalid", e->path, NULL, e->digest,
			    "cannot be read to its end", err);
	/* A DICOMDIR is no object. */
	return out.facts.sop[0]
		       ? meet(a, e->path, out.facts.sop, e->digest, err)
		       : 0;
}

/* A copy that cannot be read to its end is one for what was read of it. */
static int meet_files(struct against *a, const char *path, struct img_err *err)
{
	int rc = verify_each(path, NULL, meet_file, a, err);
	struct img_err why = *err;

	if (rc <= 0 || !a->files)
		return rc ? -1 : 0;
	img_err_clear(err);
	return unread(a, path, NULL, &why, err);
}

static bool is_archive(const char *path)
{
	char name[IMG_PATH_MAX];
	struct img_err no = IMG_ERR_INIT;
	struct stat st;

	return img_path_join(name, sizeof(name), path, "catalog.db", &no) ==
		       0 &&
	       stat(name, &st) == 0 && S_ISREG(st.st_mode);
}

/* Of the objects of a UID here, from first on; how many: *n.  One is missing
   where there are none there, or others that some here are the same as. */
static int tell_missing(struct against *a, size_t first, size_t *n,
			struct img_err *err)
{
	const struct known *k = &a->here[first];
	bool some = false;

	for (*n = 0; first + *n < a->n && strcmp(k[*n].sop, k->sop) == 0; ++*n)
		some |= k[*n].same;
	for (size_t i = 0; i < *n; i++)
		if (!k[i].told && !k[i].same && (!k[i].there || some) &&
		    tell(a, "missing", NULL, k->sop, k[i].digest,
			 k[i].there  ? "only here; there it has other objects"
			 : a->unread ? "only here, as far as it could be read "
				       "there"
				     : "only here",
			 err) < 0)
			return -1;
	return 0;
}

int img_verify_against(struct img_verify *v, const char *path,
		       struct img_err *err)
{
	struct against a = { .v = v };
	int rc = -1;
	size_t n;

	if (img_path_same(v->opts.dir, path))
		return img_err_set(err, IMG_E_USAGE,
				   "--against: %s is the archive itself", path);
	if (each_object(v->opts.dir, take_here, &a, err) < 0)
		goto out;
	if (a.n)
		qsort(a.here, a.n, sizeof(a.here[0]), by_uid);
	if (!is_archive(path))
		rc = meet_files(&a, path, err);
	else if (img_store_open(&a.store, path, IMG_READ, err) == 0)
		rc = each_object(path, meet_object, &a, err);
	for (size_t i = 0; i < a.n && rc >= 0; i += n)
		rc = tell_missing(&a, i, &n, err);
out:
	verify_deep_release(&a.deep);
	img_store_close(a.store);
	free(a.here);
	return rc < 0 ? -1 : 0;
}
