/* deidentify_object.c - one object: three passes and its record. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/deidentify_private.h"
#include "work/inputs.h"

#define BLOCK 65536
#define MOVE  (1024u * 1024) /* at a time: it is still in the cache then */

struct job {
	struct deid_worker *w;
	const struct deid_task *t;
	const char *name; /* for messages */
	char number[40];  /* "input 17", where the name tells */
	int fd;
	uint64_t size;
	bool small;
};

/* ---- bytes ------------------------------------------------------------ */

/* Bytes of the input into the digest and, where the kernel has not moved them
   already, to the output. */
static int copy_blocks(struct job *j, off_t at, uint64_t n, bool moved,
		       struct img_err *err)
{
	uint8_t block[BLOCK];

	while (n) {
		size_t want = n < sizeof(block) ? (size_t)n : sizeof(block);
		ssize_t k = img_pread_full(j->fd, block, want, at);

		if (k < 0)
			return img_err_sys(err, "%s", j->name);
		if ((size_t)k < want)
			return img_err_set(err, IMG_E_TRUNCATED,
					   "%s: has become shorter", j->name);
		if (!moved && img_write_full(j->w->out.fd, block, want) < 0)
			return img_err_sys(err, "%s", j->w->d->opts.out);
		img_digest_add(&j->w->out.digest, block, want);
		at += k;
		n -= want;
	}
	return 0;
}

/* Moves bytes from file to file in the kernel, where it can. */
static int copy(void *arg, uint64_t at, uint64_t n, struct img_err *err)
{
	struct job *j = arg;
	struct deid_output *o = &j->w->out;
	off_t from = (off_t)at;

	o->bytes += n;
	while (n) {
		size_t want = n < MOVE ? (size_t)n : MOVE;
		ssize_t k = copy_file_range(j->fd, &from, o->fd, NULL, want, 0);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return copy_blocks(j, from, n, false, err);
		if (copy_blocks(j, from - k, (uint64_t)k, true, err) < 0)
			return -1;
		n -= (uint64_t)k;
	}
	return 0;
}

static int open_input(struct job *j, struct img_err *err)
{
	struct stat st;
	ssize_t n;

	j->fd = j->t->fd;
	if (j->fd < 0)
		j->fd = open(j->t->name,
			     O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (j->fd < 0 || fstat(j->fd, &st) < 0)
		return img_err_sys(err, "%s", j->name);
	if (!S_ISREG(st.st_mode))
		return img_err_set(err, IMG_E_NOT_DICOM,
				   "%s: not a regular file", j->name);
	j->size = (uint64_t)st.st_size;
	j->small = j->size <= DEID_SMALL;
	if (!j->small)
		return 0;
	img_buf_reset(&j->w->in);
	if (img_buf_grow(&j->w->in, j->size + 1, err) < 0)
		return -1;
	n = img_pread_full(j->fd, j->w->in.data, j->size, 0);
	if (n < 0)
		return img_err_sys(err, "%s", j->name);
	j->size = (uint64_t)n;
	return 0;
}

/* What has rotted since it was stored is not given out as good. */
static int check_digest(struct job *j, struct img_err *err)
{
	uint8_t block[BLOCK], found[IMG_DIGEST_SIZE];
	struct img_digest sum;
	uint64_t at = 0;

	if (!j->t->known)
		return 0;
	img_digest_init(&sum);
	if (j->small)
		img_digest_add(&sum, j->w->in.data, j->size);
	while (!j->small && at < j->size) {
		ssize_t n =
			img_pread_full(j->fd, block, sizeof(block), (off_t)at);

		if (n < 0)
			return img_err_sys(err, "%s", j->name);
		if (n == 0)
			break;
		img_digest_add(&sum, block, (size_t)n);
		at += (uint64_t)n;
	}
	img_digest_end(&sum, found);
	if (memcmp(found, j->t->digest, sizeof(found)) != 0)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: damaged: it does not have the digest "
				   "that is known of it",
				   j->name);
	return 0;
}

static int start(struct job *j, struct img_err *err)
{
	const void *p = j->small ? j->w->in.data : NULL;
	int rc = p ? img_dicom_start_mem(j->w->reader, p, j->size, j->name,
					 &j->w->limits, err)
		   : img_dicom_start_fd(j->w->reader, j->fd, j->size, j->name,
					&j->w->limits, err);

	if (rc < 0)
		input_explain(j->fd, p, j->size, err);
	return rc;
}

static int start_output(struct job *j, struct img_err *err)
{
	struct deid_output *o = &j->w->out;

	if (o->fd < 0)
		return img_dicom_start_mem(j->w->reader, o->mem.data,
					   o->mem.len, j->name, &j->w->limits,
					   err);
	return img_dicom_start_fd(j->w->reader, o->fd, o->bytes, j->name,
				  &j->w->limits, err);
}

/* ---- passes ----------------------------------------------------------- */

static bool is_deflated(const char *syntax)
{
	const struct img_ts *ts = img_ts_find(syntax);

	return ts && ts->deflated;
}

static int rewrite(struct job *j, struct img_err *err)
{
	struct deid_worker *w = j->w;
	const struct img_dicom_sink sink = { deid_output_write, w };
	const struct img_anon_copy mover = { copy, j };
	bool move = !j->small && !is_deflated(img_anon_facts(w->anon)->syntax);
	struct img_dicom_writer *writer;
	int rc = -1;

	if (deid_output_begin(w, j->small, err) < 0)
		return -1;
	writer = img_dicom_writer_new(&sink, err);
	if (writer && start(j, err) == 0)
		rc = img_anon_filter(w->anon, w->reader, writer,
				     move ? &mover : NULL, err);
	img_dicom_writer_free(writer);
	return rc;
}

/* A path that is itself a trace of the patient is not repeated. */
static void hide_name(struct job *j, struct img_err *err)
{
	size_t n = strlen(j->name);
	char text[sizeof(err->text)];

	if (!img_anon_tells(j->w->anon, j->name))
		return;
	if (err->code != IMG_OK && strncmp(err->text, j->name, n) == 0) {
		snprintf(text, sizeof(text), "%s%s", j->number, err->text + n);
		memcpy(err->text, text, sizeof(text));
	}
	j->name = j->number;
}

static void fill_extra(const struct job *j, char *out, size_t size)
{
	unsigned weaker = img_anon_weaker(j->w->anon);
	int n = 0;

	if (j->w->d->opts.random_key)
		n = snprintf(out, size, "\"key\":\"random\"");
	if (weaker)
		snprintf(out + n, size - (size_t)n, "%s\"weaker\":%u",
			 n ? "," : "", weaker);
}

/* What waits for its batch has its line there. */
static int audit_stdout(struct job *j, struct deid_done *done,
			struct img_err *err)
{
	struct img_deid *d = j->w->d;
	int rc = 0;

	if (!d->to_stdout)
		return 0;
	pthread_mutex_lock(&d->commit_lock);
	rc = deid_audit(d, &done, 1, err);
	pthread_mutex_unlock(&d->commit_lock);
	return rc;
}

/* The object waits for its batch, which tells of it. */
static int finish(struct job *j, struct img_err *err)
{
	struct img_deid *d = j->w->d;
	struct deid_done *done = calloc(1, sizeof(*done));
	int rc = -1;

	if (!done)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	done->fd = -1;
	done->input = strdup(j->name);
	fill_extra(j, done->extra, sizeof(done->extra));
	done->alike = img_anon_alike(j->w->anon);
	done->archived = j->t->archived;
	done->number = j->t->number;
	memcpy(done->source, j->t->digest, sizeof(done->source));
	if (audit_stdout(j, done, err) == 0 &&
	    deid_output_end(j->w, img_anon_facts(j->w->anon), done, err) == 0) {
		if (!d->to_stdout)
			return deid_batch_add_take(j->w, done, err);
		rc = deid_tell_done(d, done, err);
		if (rc < 0)
			img_err_set(err, IMG_E_IO, "stdout");
	}
	free(done->part);
	free(done->path);
	free(done->input);
	free(done);
	return rc;
}

/* 1 done and told, 0 withheld, -1. */
static int passes(struct job *j, struct img_err *err)
{
	struct deid_worker *w = j->w;
	int rc;

	if (start(j, err) < 0)
		return -1;
	rc = img_anon_scan(w->anon, w->reader, j->name, err);
	if (rc >= 0 && check_digest(j, err) < 0)
		rc = -1;
	hide_name(j, err);
	deid_coder_object(w, j->fd, j->name);
	if (rc <= 0)
		return rc;
	img_buf_reset(&w->pairs);
	if (rewrite(j, err) < 0 || start_output(j, err) < 0)
		return -1;
	rc = img_anon_gate(w->anon, w->reader, err);
	if (rc <= 0)
		return rc;
	/* Told before it can be seen: nothing is out that cannot be traced. */
	if (deid_pairs_commit(w, err) < 0) {
		deid_broken(w->d, err);
		return -1;
	}
	return finish(j, err) < 0 ? -1 : 1;
}

/* ---- what is told ----------------------------------------------------- */

static void tell(struct job *j, int rc, const struct img_err *err)
{
	struct img_deid *d = j->w->d;
	const struct img_anon_facts *f = img_anon_facts(j->w->anon);
	struct img_err broken = IMG_ERR_INIT;
	struct img_record rec;

	img_record_init(&rec);
	rec.path = j->name;
	if (rc == 0) {
		rec.status = f->directory ? "ignored" : "withheld";
		rec.reason = img_anon_reason(j->w->anon);
	} else if (err->code == IMG_E_NOT_DICOM && j->t->found &&
		   input_is_aside(j->t->name)) {
		rec.status = "ignored";
		rec.reason = "not DICOM";
	} else {
		rec.status = "failed";
		deid_name_failure(&rec.error, j->name, err);
		rec.cause = deid_cause(d, err);
	}
	if (d->host.emit(d->host.arg, &rec) < 0) {
		img_err_set(&broken, IMG_E_IO, "stdout");
		deid_broken(d, &broken);
	}
	img_record_release(&rec);
}

static void report(struct job *j)
{
	struct img_deid *d = j->w->d;
	struct img_err err = IMG_ERR_INIT;
	struct img_buf *line = &j->w->line;

	if (d->report_fd < 0)
		return;
	img_buf_reset(line);
	if (img_anon_report(j->w->anon, line, &err) == 0 &&
	    img_write_full(d->report_fd, line->data, line->len) < 0)
		img_err_sys(&err, "%s", d->opts.report);
	if (err.code != IMG_OK)
		deid_broken(d, &err);
}

static void count(struct img_deid *d, uint64_t bytes)
{
	uint64_t items;

	pthread_mutex_lock(&d->lock);
	items = ++d->items;
	bytes = d->bytes += bytes;
	pthread_mutex_unlock(&d->lock);
	if (items % 64 == 0)
		d->host.progress(d->host.arg, items, bytes);
}

void deid_object(struct deid_worker *w, const struct deid_task *t)
{
	struct job j = { .w = w, .t = t, .name = t->name, .fd = -1 };
	struct img_err err = IMG_ERR_INIT;
	int rc;

	snprintf(j.number, sizeof(j.number), "input %llu",
		 (unsigned long long)t->number);
	if (!w->d->broken && !w->d->host.stopped(w->d->host.arg)) {
		rc = open_input(&j, &err);
		if (rc == 0)
			rc = passes(&j, &err);
		deid_output_drop(w);
		deid_coder_done(w);
		if (rc <= 0)
			tell(&j, rc, &err);
		if (rc >= 0)
			report(&j);
		count(w->d, j.size);
	}
	if (j.fd >= 0)
		close(j.fd);
	else if (t->fd >= 0)
		close(t->fd);
	free(t->name);
}
