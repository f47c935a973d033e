/*
 * verify_complete.c - is all of a study there?  Headers of its objects, lists
 * and a peer go to the whole room, and its verdict becomes a record.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "whole/whole.h"
#include "work/verify_complete.h"
#include "work/verify_source.h"

#define RECORD_MAX (900 * 1024) /* a line has at most 1 MiB */

struct complete {
	struct img_whole *whole;
	struct img_dicom_reader *reader;
	struct asked *peer;
	bool files;           /* some were taken */
	struct img_buf asked; /* UIDs of studies of the archive */
};

static const struct img_dicom_limits limits = { .value = 4096 };

/* ---- objects ------------------------------------------------------------ */

static int tell_file(struct img_verify *v, const char *path, const char *sop,
		     const char *status, const char *reason,
		     const struct img_err *why, struct img_err *err)
{
	struct img_record rec;

	img_record_init(&rec);
	rec.status = status;
	rec.path = path;
	rec.sop = sop;
	rec.reason = reason;
	if (why)
		rec.error = *why;
	return verify_emit(v, &rec) < 0 ? img_err_set(err, IMG_E_IO, "stdout")
					: 0;
}

/* 0 taken, 1 it is no DICOM, -1 with why. */
static int take_fd(struct complete *c, int fd, const char *name, bool list,
		   struct img_err *why)
{
	struct stat st;
	char head[1024];
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return img_err_sys(why, "%s", name);
	if (!S_ISREG(st.st_mode))
		return img_err_set(why, IMG_E_UNSUPPORTED, "%s: not a file",
				   name);
	n = img_pread_full(fd, head, sizeof(head), 0);
	if (n < 0)
		return img_err_sys(why, "%s", name);
	if (!img_dicom_looks_like(head, (size_t)n))
		return 1;
	if (img_dicom_start_fd(c->reader, fd, (uint64_t)st.st_size, name,
			       &limits, why) < 0)
		return -1;
	return list ? img_whole_list(c->whole, c->reader, name, why)
		    : img_whole_add(c->whole, c->reader, name, why);
}

/* What became of a file: rc as take_fd's. */
static int told(struct img_verify *v, const char *path, int rc,
		const struct img_err *why, struct img_err *err)
{
	if (rc == 0)
		return 0;
	if (rc > 0)
		return tell_file(v, path, NULL, "ignored", "not a DICOM file",
				 NULL, err);
	if (why->code == IMG_E_NOMEM)
		return img_err_set(err, why->code, "%s", why->text);
	/* An object that names no study is of none. */
	if (why->code == IMG_E_UNSUPPORTED)
		return tell_file(v, path, NULL, "ignored",
				 verify_said(why, path), NULL, err);
	return tell_file(v, path, NULL, "failed", NULL, why, err);
}

static int take_path(struct img_verify *v, const char *path,
		     struct img_err *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc = fd < 0 ? img_err_sys(why, "%s", path)
			: take_fd(v->complete, fd, path, false, why);

	if (fd >= 0)
		close(fd);
	v->complete->files = true;
	v->host.progress(v->host.arg, ++v->items, v->bytes);
	return rc;
}

int complete_file(struct img_verify *v, const char *path, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	int rc = take_path(v, path, &why);

	return told(v, path, rc, &why, err);
}

struct container {
	struct img_verify *v;
	const char *path;
	bool any;
};

static int take_member(const struct verify_entry *e, void *arg,
		       struct img_err *err)
{
	struct container *c = arg;
	struct img_err why = IMG_ERR_INIT;
	char name[IMG_PATH_MAX];
	int rc = -1;

	c->any = true;
	if (c->v->host.stopped(c->v->host.arg))
		return img_err_set(err, IMG_E_BUSY, "stopped by a signal");
	snprintf(name, sizeof(name), "%s!/%s", c->path, e->path);
	if (e->why)
		img_err_set(&why, e->why->code, "%s: %s", name,
			    verify_said(e->why, e->path));
	else
		rc = take_fd(c->v->complete, e->fd, name, false, &why);
	c->v->host.progress(c->v->host.arg, ++c->v->items, c->v->bytes);
	return told(c->v, name, rc, &why, err);
}

int complete_operand(struct img_verify *v, const char *path,
		     struct img_err *err)
{
	struct container c = { .v = v, .path = path };
	struct img_err why = IMG_ERR_INIT;
	int rc = take_path(v, path, &why);

	if (rc <= 0)
		return told(v, path, rc, &why, err);
	if (verify_each(path, NULL, take_member, &c, &why) == 0)
		return 0;
	if (!c.any)
		return told(v, path, 1, &why, err);
	return img_err_set(err, why.code, "%s", why.text);
}

static int take_object(struct img_verify *v, const struct img_object *o,
		       struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	int rc = -1, fd;

	fd = o->place ? open(o->place, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
		      : img_store_get(v->store, o->digest, &why);
	if (fd >= 0) {
		rc = take_fd(v->complete, fd, o->sop, false, &why);
		close(fd);
	} else if (o->place) {
		img_err_sys(&why, "%s", o->place);
	}
	v->host.progress(v->host.arg, ++v->items, v->bytes);
	if (rc > 0)
		rc = img_err_set(&why, IMG_E_NOT_DICOM, "%s: not a DICOM file",
				 o->sop);
	if (rc < 0 && why.code == IMG_E_NOMEM)
		return img_err_set(err, why.code, "%s", why.text);
	return rc < 0 ? tell_file(v, o->place, o->sop, "failed", NULL, &why,
				  err)
		      : 0;
}

/* ---- the record --------------------------------------------------------- */

static const char *const says[] = { [IMG_WHOLE_UNKNOWN] = "unknown",
				    [IMG_WHOLE_COMPLETE] = "complete",
				    [IMG_WHOLE_GAP] = "incomplete" };

static int put_absent(const struct img_whole_witness *h, struct img_buf *b,
		      struct img_err *err)
{
	if (h->n_absent == 0)
		return 0;
	if (img_json_key(b, "absent", err) < 0 ||
	    img_json_open(b, '[', err) < 0)
		return -1;
	for (size_t i = 0; i < h->n_absent; i++)
		if (img_json_str(b, h->absent[i], strlen(h->absent[i]), err) <
		    0)
			return -1;
	return img_json_close(b, ']', err);
}

static int put_witness(const struct img_whole_witness *h, struct img_buf *b,
		       struct img_err *err)
{
	if (img_json_open(b, '{', err) < 0 ||
	    img_json_put(b, "witness", h->name, err) < 0 ||
	    img_json_put(b, "says", says[h->says], err) < 0 ||
	    img_json_put(b, "SeriesInstanceUID", *h->series ? h->series : NULL,
			 err) < 0 ||
	    img_json_put(b, "source", *h->source ? h->source : NULL, err) < 0)
		return -1;
	if ((h->expected &&
	     (img_json_put_u64(b, "expected", h->expected, err) < 0 ||
	      img_json_put_u64(b, "found", h->found, err) < 0)) ||
	    (h->missing &&
	     img_json_put_u64(b, "missing", h->missing, err) < 0) ||
	    img_json_put(b, "numbers", *h->numbers ? h->numbers : NULL, err) <
		    0 ||
	    put_absent(h, b, err) < 0 ||
	    img_json_put(b, "text", h->text, err) < 0)
		return -1;
	return img_json_close(b, '}', err);
}

static int put_verdict(const struct img_whole_verdict *d, struct img_buf *b,
		       struct img_err *err)
{
	if (img_json_put_u64(b, "objects", d->objects, err) < 0 ||
	    img_json_put_u64(b, "series", d->series, err) < 0 ||
	    img_json_key(b, "witnesses", err) < 0 ||
	    img_json_open(b, '[', err) < 0)
		return -1;
	for (size_t i = 0; i < d->n; i++)
		if (put_witness(&d->witness[i], b, err) < 0)
			return -1;
	if (img_json_close(b, ']', err) < 0)
		return -1;
	return d->more ? img_json_put_u64(b, "more_witnesses", d->more, err)
		       : 0;
}

/* down: the peer could not be asked, which is what was wanted; what is missing
   anyway is missing. */
static int tell(struct img_verify *v, const struct img_whole_verdict *d,
		const struct img_err *down, struct img_err *err)
{
	struct img_record rec;
	struct img_buf b;
	int rc = -1;

	img_record_init(&rec);
	img_buf_init(&b, RECORD_MAX);
	rec.status = says[d->says];
	rec.study = d->study;
	rec.reason = d->reason;
	if (down->code != IMG_OK && d->says != IMG_WHOLE_GAP) {
		rec.status = "failed";
		rec.error = *down;
	}
	if (put_verdict(d, &b, err) == 0) {
		rec.extra = b.data;
		rc = verify_emit(v, &rec) < 0
			     ? img_err_set(err, IMG_E_IO, "stdout")
			     : 0;
	}
	img_buf_release(&b);
	return rc;
}

/* Those taken in so far. */
static int judge(struct img_verify *v, bool listed, struct img_err *err)
{
	const struct img_whole_verdict *d;
	struct complete *c = v->complete;
	size_t n;

	if (img_whole_settle(c->whole, listed, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct img_err down = IMG_ERR_INIT;

		if (v->host.stopped(v->host.arg))
			return img_err_set(err, IMG_E_BUSY,
					   "stopped by a signal");
		if (c->peer)
			(void)asked_about(c->peer, img_whole_study(c->whole, i),
					  c->whole, &down);
		if (img_whole_judge(c->whole, i, &d, err) < 0 ||
		    tell(v, d, &down, err) < 0)
			return -1;
	}
	img_whole_reset(c->whole);
	return 0;
}

/* ---- studies of the archive --------------------------------------------- */

int complete_named(struct img_verify *v, const struct img_scope *scope,
		   struct img_err *err)
{
	struct complete *c = v->complete;
	struct img_objects *list = NULL;
	char last[IMG_UID_MAX] = "";
	struct img_object o;
	int rc, found = 0;

	if (img_catalog_expand(v->catalog, scope, &list, err) < 0)
		return -1;
	while ((rc = img_objects_next(list, &o, err)) > 0) {
		found = 1;
		if (!o.study || strcmp(o.study, last) == 0)
			continue;
		snprintf(last, sizeof(last), "%s", o.study);
		if (img_buf_add(&c->asked, o.study, strlen(o.study) + 1, err) <
		    0) {
			rc = -1;
			break;
		}
	}
	img_objects_close(list);
	return rc < 0 ? -1 : found;
}

static int judge_study(struct img_verify *v, const char *uid,
		       struct img_err *err)
{
	const struct img_scope scope = { .level = IMG_STUDY, .uid = uid };
	struct img_objects *list = NULL;
	struct img_object o;
	int rc;

	if (img_catalog_expand(v->catalog, &scope, &list, err) < 0)
		return -1;
	while ((rc = img_objects_next(list, &o, err)) > 0)
		if (take_object(v, &o, err) < 0 ||
		    v->host.stopped(v->host.arg)) {
			rc = -1;
			break;
		}
	img_objects_close(list);
	return rc < 0 ? -1 : judge(v, false, err);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each study once, whatever asked for it. */
static int judge_asked(struct img_verify *v, struct img_err *err)
{
	struct img_buf *b = &v->complete->asked;
	const char **uid, *p = img_buf_str(b);
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < b->len; i++)
		n += p[i] == '\0';
	uid = calloc(n + 1, sizeof(*uid));
	if (!uid)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++, p += strlen(p) + 1)
		uid[i] = p;
	qsort(uid, n, sizeof(*uid), by_name);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (i == 0 || strcmp(uid[i], uid[i - 1]) != 0)
			rc = judge_study(v, uid[i], err);
	free(uid);
	img_buf_reset(b);
	return rc;
}

int complete_all(struct img_verify *v, struct img_err *err)
{
	int field = img_query_field("StudyInstanceUID"), rc;
	const struct img_query q = { .level = IMG_STUDY,
				     .field = &field,
				     .fields = 1 };
	struct img_rows *rows = NULL;
	struct img_row row;

	if (verify_archive(v, err) < 0 ||
	    img_catalog_query(v->catalog, &q, &rows, err) < 0)
		return -1;
	while ((rc = img_rows_next(rows, &row, err)) > 0)
		if (row.value[0] &&
		    img_buf_add(&v->complete->asked, row.value[0],
				strlen(row.value[0]) + 1, err) < 0) {
			rc = -1;
			break;
		}
	img_rows_close(rows);
	if (rc < 0 || judge_asked(v, err) < 0)
		return -1;
	return judge(v, true, err);
}

int complete_flush(struct img_verify *v, struct img_err *err)
{
	struct complete *c = v->complete;

	if (c->files && judge(v, true, err) < 0)
		return -1;
	c->files = false;
	return judge_asked(v, err);
}

/* ---- opening ------------------------------------------------------------ */

static int read_list(struct complete *c, const char *path, struct img_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;

	if (fd < 0)
		return img_err_sys(err, "%s", path);
	rc = take_fd(c, fd, path, true, err);
	close(fd);
	return rc > 0 ? img_err_set(err, IMG_E_NOT_DICOM,
				    "%s: not a DICOM file", path)
		      : rc;
}

int complete_open(struct complete **out, const struct img_verify_opts *opts,
		  struct img_err *err)
{
	struct complete *c = calloc(1, sizeof(*c));

	if (!c)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	img_buf_init(&c->asked, (size_t)1 << 32);
	c->whole = img_whole_new(err);
	c->reader = c->whole ? img_dicom_reader_new(err) : NULL;
	if (!c->reader ||
	    (opts->witness && read_list(c, opts->witness, err) < 0) ||
	    (opts->peer &&
	     asked_open(&c->peer, opts->dir, opts->peer, err) < 0)) {
		complete_close(c);
		return -1;
	}
	*out = c;
	return 0;
}

void complete_close(struct complete *c)
{
	if (!c)
		return;
	asked_close(c->peer);
	img_whole_free(c->whole);
	img_dicom_reader_free(c->reader);
	img_buf_release(&c->asked);
	free(c);
}
