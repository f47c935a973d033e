/*
 * verify_file.c - what an operand or a record names: objects of the archive,
 * files, folders.  A file has no digest to be compared with, unless a record
 * brings one: it is judged by what is in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/folder.h"
#include "work/scope.h"
#include "work/verify_complete.h"

#define BLOCK (256 * 1024)

/* ---- one file ----------------------------------------------------------- */

int verify_digest_fd(int fd, struct verdict *out, const char *name,
		     struct img_err *err)
{
	uint8_t *block = malloc(BLOCK);
	struct img_bulk d;
	ssize_t n;

	if (!block)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	img_bulk_init(&d);
	while ((n = img_pread_full(fd, block, BLOCK, (off_t)out->bytes)) > 0) {
		img_bulk_add(&d, block, (size_t)n);
		out->bytes += (uint64_t)n;
	}
	img_bulk_end(&d, out->digest);
	free(block);
	return n < 0 ? img_err_sys(err, "%s", name) : 0;
}

static void look_into(struct img_verify *v, struct deep *deep,
		      const struct file_job *job, struct verdict *out)
{
	int fd = open(job->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		img_err_sys(&out->err, "%s", job->path);
	else if (!S_ISREG(st.st_mode))
		img_err_set(&out->err, IMG_E_UNSUPPORTED,
			    "%s: neither a file nor a folder", job->path);
	else if (verify_digest_fd(fd, out, job->path, &out->err) == 0)
		(void)verify_deep(v, deep, fd, job->path, &out->deep,
				  &out->err);
	if (fd >= 0)
		close(fd);
}

void verify_file_job(struct img_verify *v, struct deep *deep,
		     const struct file_job *job, struct verdict *out)
{
	out->row_ok = true;
	out->fixity = IMG_INTACT;
	if (job->has_digest &&
	    img_store_verify_path(job->path, job->digest, true, &out->fixity,
				  &out->err) < 0)
		return;
	if (out->fixity != IMG_INTACT ||
	    (job->has_digest && !v->opts.deep && !v->phi))
		return;
	look_into(v, deep, job, out);
}

static const char *text_of(const char *s)
{
	return s[0] ? s : NULL;
}

static int tell_file(struct img_verify *v, const struct file_job *job,
		     const struct verdict *d)
{
	const struct img_check_facts *f = &d->deep.facts;
	struct img_record rec;
	char hex[IMG_DIGEST_HEX];

	img_record_init(&rec);
	rec.status = verify_shown(v, d);
	rec.path = job->path;
	if (d->deep.done) {
		img_hex(hex, d->digest, IMG_DIGEST_SIZE);
		rec.study = text_of(f->study);
		rec.series = text_of(f->series);
		rec.sop = text_of(f->sop);
		rec.sop_class = text_of(f->sop_class);
		rec.transfer_syntax = text_of(d->deep.ts);
		rec.modality = text_of(f->modality);
		rec.digest = hex;
		rec.has_bytes = true;
		rec.bytes = d->bytes;
		if (d->deep.extra.len)
			rec.extra = d->deep.extra.data;
	}
	rec.error = d->err;
	verify_not_told(d, job->path, &rec.error);
	v->items++;
	v->bytes += d->bytes;
	return verify_emit(v, &rec);
}

/* ---- many files --------------------------------------------------------- */

static int flush(struct img_verify *v, struct img_err *err)
{
	size_t n = v->n_files;
	bool stopped;
	int rc = 0;

	if (n == 0)
		return 0;
	v->page = NULL;
	verify_side_by_side(v, n);
	stopped = v->host.stopped(v->host.arg);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0 && !stopped &&
		    tell_file(v, &v->file[i], &v->verdict[i]) < 0)
			rc = img_err_set(err, IMG_E_IO, "stdout");
		free(v->file[i].path);
	}
	v->n_files = 0;
	v->host.progress(v->host.arg, v->items, v->bytes);
	return stopped ? img_err_set(err, IMG_E_BUSY, "stopped by a signal")
		       : rc;
}

int img_verify_flush(struct img_verify *v, struct img_err *err)
{
	return v->complete ? complete_flush(v, err) : flush(v, err);
}

static int add_file(struct img_verify *v, const char *path, struct img_err *err)
{
	struct file_job *job = &v->file[v->n_files];

	if (v->complete)
		return complete_file(v, path, err);
	memset(job, 0, sizeof(*job));
	job->path = strdup(path);
	if (!job->path)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	v->n_files++;
	return v->n_files == VERIFY_FILES ? flush(v, err) : 0;
}

static int tell_ignored(struct img_verify *v, const char *path,
			const char *reason, struct img_err *err)
{
	struct img_record rec;

	img_record_init(&rec);
	rec.status = "ignored";
	rec.path = path;
	rec.reason = reason;
	return verify_emit(v, &rec) < 0 ? img_err_set(err, IMG_E_IO, "stdout")
					: 0;
}

static int add_entry(void *arg, const struct folder_entry *e,
		     struct img_err *err)
{
	struct img_verify *v = arg;

	if (v->host.stopped(v->host.arg))
		return 1;
	if (!e->why && !e->ignored)
		return add_file(v, e->path, err);
	if (flush(v, err) < 0)
		return -1;
	if (e->ignored)
		return tell_ignored(v, e->path, e->ignored, err);
	return verify_failed(v, e->path, NULL, NULL, e->why, err);
}

/* ---- objects of the archive --------------------------------------------- */

/* A page of the objects of a scope, or of those with this digest; *n 0 at the
   end. */
static int next_keys(struct img_objects *from, const uint8_t *digest,
		     struct img_object_key *keys, size_t *n,
		     struct img_err *err)
{
	struct img_object o;
	int rc = 1;

	*n = 0;
	while (*n < IMG_PAGE && (rc = img_objects_next(from, &o, err)) > 0) {
		if (digest && memcmp(digest, o.digest, IMG_DIGEST_SIZE) != 0)
			continue;
		keys[*n].instance = o.instance;
		keys[*n].object = o.object;
		++*n;
	}
	return rc < 0 ? -1 : 0;
}

/* 1 found, 0 there is none. */
static int named_with(struct img_verify *v, const struct img_scope *what,
		      const uint8_t *digest, struct img_err *err)
{
	struct img_scope scope = *what;
	struct img_object_key keys[IMG_PAGE];
	struct img_objects *from = NULL;
	size_t n = 0;
	int rc, found = 0;

	scope.all = true;
	v->by_and_by = true;
	if (img_catalog_expand(v->catalog, &scope, &from, err) < 0)
		return -1;
	do {
		rc = next_keys(from, digest, keys, &n, err);
		if (rc == 0 && n)
			rc = img_catalog_page(v->catalog, keys, n, verify_page,
					      v, err);
		found |= n > 0;
	} while (rc == 0 && n == IMG_PAGE);
	img_objects_close(from);
	return rc < 0 ? -1 : found;
}

/* A record of an object means that one, and no other of its image. */
static int named(struct img_verify *v, const struct img_scope *what,
		 struct img_err *err)
{
	uint8_t digest[IMG_DIGEST_SIZE];
	bool one;

	if (v->complete)
		return complete_named(v, what, err);
	one = v->given && what->level == IMG_IMAGE && v->given->digest &&
	      img_unhex(digest, sizeof(digest), v->given->digest);
	return named_with(v, what, one ? digest : NULL, err);
}

static int missing(struct img_verify *v, const char *name)
{
	struct img_record rec;

	img_record_init(&rec);
	rec.status = "missing";
	rec.path = name;
	if (v->given) {
		rec.study = v->given->study;
		rec.series = v->given->series;
		rec.sop = v->given->sop;
	}
	rec.reason = v->given && v->given->digest
			     ? "not in the catalog with this digest"
		     : !name || img_uid_ok(name)
			     ? "not in the catalog"
			     : "no such file, and not in the catalog";
	return verify_emit(v, &rec);
}

/* ---- inputs ------------------------------------------------------------- */

static int text_input(struct img_verify *v, const char *text,
		      struct img_err *err)
{
	struct img_scope scope = { .uid = text };
	struct stat st;
	int rc = 0, why;

	if (stat(text, &st) == 0 && S_ISDIR(st.st_mode))
		return folder_each(text, NULL, add_entry, v, err);
	if (stat(text, &st) == 0)
		return v->complete ? complete_operand(v, text, err)
				   : add_file(v, text, err);
	why = errno;
	if (flush(v, err) < 0)
		return -1;
	errno = why;
	if (why != ENOENT || strchr(text, '/'))
		return img_err_sys(err, "%s", text);
	if (verify_named(v, text, err) < 0)
		return -1;
	for (int level = IMG_STUDY; level <= IMG_IMAGE && rc == 0; level++) {
		scope.level = (enum img_level)level;
		rc = named(v, &scope, err);
	}
	return rc == 0 ? missing(v, text) : rc;
}

static const char *reason_of(enum img_fixity fixity)
{
	if (fixity == IMG_DAMAGED)
		return "its bytes are not those of the record";
	if (fixity == IMG_MISSING)
		return "no such file";
	return img_fixity_reason(fixity);
}

/* Whether path is container!/member, which only who opens the container can
   tell to be there or not. */
static bool is_member(const char *path)
{
	const char *mark = strstr(path, "!/");
	char container[IMG_PATH_MAX];
	struct stat st;

	if (!mark || stat(path, &st) == 0 ||
	    (size_t)(mark - path) >= sizeof(container))
		return false;
	snprintf(container, sizeof(container), "%.*s", (int)(mark - path),
		 path);
	return stat(container, &st) == 0 && !S_ISDIR(st.st_mode);
}

/* The file that a record names, as imganon has written it, against its
   digest; 0: it names none. */
static int file_of_record(struct img_verify *v, const struct img_record *rec,
			  struct img_err *err)
{
	struct file_job job = { 0 };
	struct img_record out = *rec;
	struct verdict *d = &v->verdict[0];

	if (!rec->path || !rec->digest ||
	    !img_unhex(job.digest, sizeof(job.digest), rec->digest))
		return 0;
	if (v->complete)
		return complete_file(v, rec->path, err) < 0 ? -1 : 1;
	if (is_member(rec->path))
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%s: lies in an archive or on a disc, "
				   "which --media checks",
				   rec->path);
	job.path = v->file[0].path = strdup(rec->path);
	if (!job.path)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	job.has_digest = true;
	v->file[0] = job;
	v->page = NULL;
	verify_side_by_side(v, 1);
	free(job.path);
	out.status = verify_shown(v, d);
	out.reason = reason_of(d->fixity);
	out.error = d->err;
	verify_not_told(d, rec->path, &out.error);
	if (d->deep.done && d->deep.extra.len)
		out.extra = d->deep.extra.data;
	return verify_emit(v, &out) < 0 ? img_err_set(err, IMG_E_IO, "stdout")
					: 1;
}

/* What wrote a file of its own says so, and means that file. */
static bool is_of_a_file(const struct img_record *rec)
{
	return img_record_has_status(rec, "deidentified exported");
}

/* What took an object in says so, and means the archive: the file that it came
   from proves nothing. */
static bool is_of_the_archive(const struct img_record *rec)
{
	return img_record_has_status(rec,
				     "stored duplicate equivalent conflict");
}

static int record_input(struct img_verify *v, const struct img_record *rec,
			struct img_err *err)
{
	struct img_scope scope;
	int rc = 0;

	if (flush(v, err) < 0)
		return -1;
	if (is_of_a_file(rec) || !img_scope_of_record(rec, &scope))
		rc = file_of_record(v, rec, err);
	if (rc)
		return rc;
	if (!img_scope_of_record(rec, &scope))
		return img_err_set(err, IMG_E_USAGE,
				   "%s%sa record that names nothing: it has "
				   "neither a UID nor a path and a digest",
				   rec->path ? rec->path : "",
				   rec->path ? ": " : "");
	if (verify_archive(v, err) < 0)
		return -1;
	rc = named(v, &scope, err);
	if (rc == 0 && !is_of_the_archive(rec) &&
	    !(rec->path && is_member(rec->path)))
		rc = file_of_record(v, rec, err);
	return rc == 0 ? missing(v, NULL) : rc;
}

/* What imgimport has ignored, what imganon has withheld, and a key that
   imgquery did not find have no object: they pass through. */
static bool passes(const struct img_record *rec)
{
	struct img_scope named;

	return rec && (img_record_has_status(rec, "ignored withheld") ||
		       (img_record_has_status(rec, "missing") &&
			!img_scope_of_record(rec, &named)));
}

/* One bad input does not stop the others. */
static void tell_input(struct img_verify *v, const struct img_record *given,
		       const char *text, const struct img_err *why)
{
	struct img_record rec;

	if (v->host.stopped(v->host.arg))
		return;
	img_record_init(&rec);
	if (given)
		rec = *given;
	else
		rec.path = text;
	rec.status = "failed";
	rec.reason = NULL;
	rec.error = *why;
	(void)verify_emit(v, &rec);
}

int img_verify_input(struct img_verify *v, const struct img_record *rec,
		     const char *text, struct img_err *err)
{
	int rc;

	if (passes(rec)) {
		(void)v->host.emit(v->host.arg, rec);
		return 0;
	}
	v->given = rec;
	rc = rec ? record_input(v, rec, err) : text_input(v, text, err);
	v->given = NULL;
	if (rc < 0)
		tell_input(v, rec, text, err);
	img_err_clear(err);
	return 0;
}
