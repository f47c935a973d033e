/* verify.c - objects against their digests, their rows, and the standard. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work/verify_complete.h"
#include "work/verify_private.h"

bool img_verify_is_good(const struct img_record *rec)
{
	static const char *const good[] = { "intact", "complete", "doubtful",
					    "same",   "signed",   "ignored" };

	if (!rec->status || rec->error.code != IMG_OK)
		return true;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (strcmp(rec->status, good[i]) == 0)
			return true;
	return false;
}

int img_verify_open(struct img_verify **out, const struct img_verify_opts *opts,
		    const struct img_verify_host *host, struct img_err *err)
{
	struct img_verify *v = calloc(1, sizeof(*v));
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!v)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	v->opts = *opts;
	v->host = *host;
	img_buf_init(&v->leaves, (size_t)1 << 32);
	pthread_mutex_init(&v->pace_lock, NULL);
	v->jobs = opts->jobs ? opts->jobs : cpus > 0 ? (unsigned)cpus : 1;
	if (v->jobs > VERIFY_JOBS)
		v->jobs = VERIFY_JOBS;
	for (size_t i = 0; i < IMG_PAGE; i++)
		img_buf_init(&v->verdict[i].deep.extra, VERIFY_EXTRA);
	/* The jail before any thread. */
	if (img_crypto_init(err) < 0 ||
	    (!opts->no_frames && img_codec_open(&v->codec, err) < 0) ||
	    (!opts->no_frames &&
	     img_signatures_open(&v->signatures, opts->ca, err) < 0) ||
	    (opts->phi && phi_load(&v->phi, opts->phi, err) < 0) ||
	    (opts->complete && complete_open(&v->complete, opts, err) < 0)) {
		img_verify_close(v);
		return -1;
	}
	*out = v;
	return 0;
}

/* Never made here: only an archive that is there can be verified. */
int verify_archive(struct img_verify *v, struct img_err *err)
{
	struct img_err denied = IMG_ERR_INIT;
	const char *dir = v->opts.dir;

	if (v->catalog)
		return 0;
	if (img_store_open(&v->store, dir, IMG_READ, err) < 0 ||
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
	return 0;
fail:
	img_catalog_close(v->catalog);
	img_store_close(v->store);
	v->catalog = NULL;
	v->store = NULL;
	return -1;
}

int verify_named(struct img_verify *v, const char *name, struct img_err *err)
{
	if (verify_archive(v, err) == 0)
		return 0;
	if (img_uid_ok(name))
		return -1;
	img_err_clear(err);
	errno = ENOENT;
	return img_err_sys(err, "%s", name);
}

void img_verify_close(struct img_verify *v)
{
	if (!v)
		return;
	img_audit_close(v->audit);
	img_catalog_close(v->catalog);
	img_store_close(v->store);
	pthread_mutex_destroy(&v->pace_lock);
	for (size_t i = 0; i < VERIFY_JOBS; i++)
		verify_deep_release(&v->deep[i]);
	img_codec_close(v->codec);
	img_signatures_close(v->signatures);
	complete_close(v->complete);
	phi_free(v->phi);
	img_buf_release(&v->leaves);
	img_json_free(v->statement);
	for (size_t i = 0; i < IMG_PAGE; i++)
		img_buf_release(&v->verdict[i].deep.extra);
	for (size_t i = 0; i < v->n_files; i++)
		free(v->file[i].path);
	free(v);
}

/* ---- side by side ------------------------------------------------------- */

static void look_inside(struct img_verify *v, struct deep *deep,
			const struct img_object *o, struct verdict *d)
{
	char hex[IMG_DIGEST_HEX];
	const char *name = o->place ? o->place : hex;
	int fd;

	img_hex(hex, o->digest, IMG_DIGEST_SIZE);
	fd = o->place ? open(o->place,
			     O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
		      : img_store_get(v->store, o->digest, &d->err);
	if (fd < 0) {
		if (d->err.code == IMG_OK)
			img_err_sys(&d->err, "%s", name);
		return;
	}
	(void)verify_deep(v, deep, fd, name, &d->deep, &d->err);
	close(fd);
}

static void judge(struct img_verify *v, struct deep *deep,
		  const struct img_object *o, struct verdict *d)
{
	const struct img_store_how how = verify_how(v, deep);
	int rc = img_store_judge(v->store, o->place, o->digest, &how,
				 &d->fixity, &d->err);

	if (rc < 0 && d->err.code == IMG_OK)
		img_err_set(&d->err, IMG_E_BUG, "no verdict");
	if (rc == 0 && (v->opts.deep || v->phi) && d->fixity == IMG_INTACT)
		look_inside(v, deep, o, d);
}

struct thread {
	pthread_t id;
	struct img_verify *v;
	struct deep *deep;
};

static void *judge_some(void *arg)
{
	struct thread *t = arg;
	struct img_verify *v = t->v;
	size_t i;

	while ((i = atomic_fetch_add(&v->next, 1)) < v->n) {
		struct verdict *d = &v->verdict[i];

		if (v->host.stopped(v->host.arg) ||
		    (v->until > 0 && img_time_mono() > v->until))
			break;
		if (v->page)
			judge(v, t->deep, &v->page[i], d);
		else
			verify_file_job(v, t->deep, &v->file[i], d);
		d->done = d->err.code != IMG_E_BUSY ||
			  !v->host.stopped(v->host.arg);
	}
	return NULL;
}

static void renew(struct verdict *d)
{
	struct img_buf extra = d->deep.extra;

	memset(d, 0, sizeof(*d));
	d->deep.extra = extra;
	img_buf_reset(&d->deep.extra);
}

void verify_side_by_side(struct img_verify *v, size_t n)
{
	struct thread t[VERIFY_JOBS];
	unsigned started = 1;

	for (size_t i = 0; i < n; i++)
		renew(&v->verdict[i]);
	v->n = n;
	atomic_store(&v->next, 0);
	for (unsigned i = 0; i < v->jobs; i++) {
		t[i].v = v;
		t[i].deep = &v->deep[i];
	}
	while (started < v->jobs && started < n &&
	       pthread_create(&t[started].id, NULL, judge_some, &t[started]) ==
		       0)
		started++;
	judge_some(&t[0]);
	while (--started)
		pthread_join(t[started].id, NULL);
}

/* ---- a page of objects -------------------------------------------------- */

const char *verify_word(const struct img_verify *v, const struct verdict *d)
{
	if (d->err.code != IMG_OK)
		return "failed";
	if (!d->row_ok || d->fixity == IMG_DAMAGED ||
	    d->fixity == IMG_UNREADABLE)
		return "damaged";
	if (d->fixity == IMG_MISSING)
		return "missing";
	if (d->deep.error || (v->opts.strict && d->deep.deviates))
		return "invalid";
	return d->deep.over ? "failed" : "intact";
}

const char *verify_shown(const struct img_verify *v, const struct verdict *d)
{
	const char *word = verify_word(v, d);

	return d->deep.doubtful && strcmp(word, "intact") == 0 ? "doubtful"
							       : word;
}

/* What was not looked at is not claimed to be as it should. */
void verify_not_told(const struct verdict *d, const char *name,
		     struct img_err *err)
{
	if (d->err.code == IMG_OK && d->row_ok && d->fixity == IMG_INTACT &&
	    d->deep.over && !d->deep.error)
		img_err_set(err, IMG_E_LIMIT,
			    "%.300s: frames beyond what is decoded here", name);
}

static const char *reason_of(const struct verdict *d)
{
	if (!d->row_ok)
		return d->fixity == IMG_INTACT
			       ? "its row in the catalog was changed"
		       : d->fixity == IMG_UNREADABLE
			       ? "its row in the catalog was changed, and its "
				 "bytes cannot be read from the medium"
			       : "its row in the catalog was changed, and its "
				 "bytes are not those it names";
	return img_fixity_reason(d->fixity);
}

/* What it does not know of the record that named an object stays in its
   record, and so does the path of a record of one object. */
int verify_emit(struct img_verify *v, struct img_record *rec)
{
	struct img_err full = IMG_ERR_INIT;

	if (v->given && !rec->in)
		rec->in = v->given->in;
	if (v->given && v->given->sop && !rec->path)
		rec->path = v->given->path;
	if (verify_collect(v, rec, &full) < 0)
		return -1;
	return v->host.emit(v->host.arg, rec) < 0 ? -1 : 0;
}

int verify_failed(struct img_verify *v, const char *path, const char *sop,
		  const char *cause, const struct img_err *why,
		  struct img_err *err)
{
	struct img_record rec;

	img_record_init(&rec);
	rec.status = "failed";
	rec.path = path;
	rec.sop = sop;
	rec.cause = cause;
	rec.error = *why;
	return verify_emit(v, &rec) < 0 ? img_err_set(err, IMG_E_IO, "stdout")
					: 0;
}

static int tell(struct img_verify *v, const struct img_object *o,
		const struct verdict *d)
{
	struct img_record rec;
	char hex[IMG_DIGEST_HEX];

	img_record_init(&rec);
	img_hex(hex, o->digest, sizeof(o->digest));
	rec.status = verify_shown(v, d);
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
	verify_not_told(d, o->place ? o->place : hex, &rec.error);
	if (d->err.code == IMG_OK)
		rec.reason = reason_of(d);
	if (d->deep.done && d->deep.extra.len)
		rec.extra = d->deep.extra.data;
	v->items++;
	v->bytes += o->bytes;
	return verify_emit(v, &rec);
}

/* What was told is more than what is written down: it comes in any case. */
int verify_page(void *arg, const struct img_object *o, size_t n,
		struct img_err *err)
{
	struct img_verify *v = arg;
	size_t done = 0;
	int rc = 0;

	v->page = o;
	verify_side_by_side(v, n);
	while (done < n && v->verdict[done].done)
		done++;
	for (size_t i = 0; i < done; i++)
		if (img_catalog_row_ok(v->catalog, o[i].instance, o[i].object,
				       &v->verdict[i].row_ok, err) < 0)
			return -1;
	if (done)
		rc = verify_write_down(v, done, err);
	for (size_t i = 0; i < done; i++)
		if (tell(v, &o[i], &v->verdict[i]) < 0)
			return img_err_set(err, IMG_E_IO, "stdout");
	v->page = NULL;
	v->judged = done;
	v->host.progress(v->host.arg, v->items, v->bytes);
	if (rc == 0 && v->host.stopped(v->host.arg))
		rc = img_err_set(err, IMG_E_BUSY, "stopped by a signal");
	return rc;
}
