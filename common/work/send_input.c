/* send_input.c - files, folders, the archive, records. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "work/inputs.h"
#include "work/send_private.h"

/* ---- single items ----------------------------------------------------- */

/* Its record comes without its going to a peer. */
static int finish(struct img_send *s, struct send_item *it)
{
	pthread_mutex_lock(&s->lock);
	s->in_hand++;
	pthread_mutex_unlock(&s->lock);
	send_queue_done(s, it);
	return 0;
}

static int fail(struct img_send *s, struct send_item *it, const char *status,
		const struct img_err *why)
{
	send_item_fail(it, status, why);
	return finish(s, it);
}

static int failed(void *arg, const char *path, const struct img_record *rec,
		  const struct img_err *why, struct img_err *err)
{
	struct send_item *it = send_item_new(err);

	if (!it)
		return -1;
	if (path)
		it->path = strdup(path);
	if (rec && rec->sop && strlen(rec->sop) < sizeof(it->sop))
		memcpy(it->sop, rec->sop, strlen(rec->sop) + 1);
	return fail(arg, it, "failed", why);
}

static int absent(void *arg, const char *text, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	img_err_set(&why, IMG_E_IO,
		    "%s: no such file, and no such UID in the archive", text);
	return failed(arg, text, NULL, &why, err);
}

/* Members of a record that we do not make anew go on with it. */
static bool is_ours(const char *key)
{
	static const char *const ours[] = { "status",
					    "path",
					    "StudyInstanceUID",
					    "SeriesInstanceUID",
					    "SOPInstanceUID",
					    "SOPClassUID",
					    "TransferSyntaxUID",
					    "Modality",
					    "bytes",
					    "digest",
					    "reason",
					    "warning",
					    "error",
					    "peer",
					    "response",
					    "proof",
					    "sent_as" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(ours[i], key) == 0)
			return true;
	return false;
}

static int add_more(void *arg, const char *key, const char *json,
		    struct img_err *err)
{
	struct img_buf *b = arg;

	if (is_ours(key))
		return 0;
	if (img_json_key(b, key, err) < 0)
		return -1;
	return img_buf_puts(b, json, err);
}

static int take_more(struct send_item *it, const struct img_record *rec,
		     struct img_err *err)
{
	struct img_buf b;

	if (!rec || !rec->in)
		return 0;
	img_buf_init(&b, IMG_LINE_MAX / 2);
	if (img_json_each(rec->in, add_more, &b, err) < 0) {
		img_buf_release(&b);
		return -1;
	}
	it->more = b.data;
	return 0;
}

static int file(void *arg, const struct input_file *f, struct img_err *err)
{
	struct img_send *s = arg;
	struct send_item *it = send_item_new(err);
	struct img_err why = IMG_ERR_INIT;

	if (!it)
		return -1;
	it->path = strdup(f->path);
	it->found = f->found;
	if (!it->path || take_more(it, f->rec, err) < 0) {
		send_item_free(it);
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	}
	if (f->digest) {
		memcpy(it->digest, f->digest, IMG_DIGEST_SIZE);
		it->has_digest = true;
	}
	if (send_look(s, it, &why) == 0)
		return it->status ? finish(s, it) : send_queue_take(s, it, err);
	if (f->found && why.code == IMG_E_NOT_DICOM &&
	    input_is_aside(f->path)) {
		it->status = "ignored";
		it->reason = "not a DICOM file";
		return finish(s, it);
	}
	return fail(s, it, "failed", &why);
}

static int ignored(void *arg, const char *path, const char *reason,
		   struct img_err *err)
{
	struct send_item *it = send_item_new(err);

	if (!it)
		return -1;
	it->path = strdup(path);
	it->status = "ignored";
	it->reason = reason;
	return finish(arg, it);
}

/* ---- the archive ------------------------------------------------------ */

static void copy(char *to, size_t size, const char *from)
{
	if (from && strlen(from) < size)
		memcpy(to, from, strlen(from) + 1);
}

static int archive(void *arg, struct img_catalog **c, struct img_err *err)
{
	const struct img_send *s = arg;

	(void)err;
	*c = s->catalog;
	return 0;
}

static int object(void *arg, const struct img_object *o,
		  const struct img_record *rec, struct img_err *err)
{
	struct img_send *s = arg;
	struct send_item *it = send_item_new(err);

	if (!it)
		return -1;
	copy(it->sop, sizeof(it->sop), o->sop);
	copy(it->sop_class, sizeof(it->sop_class), o->sop_class);
	copy(it->ts, sizeof(it->ts), o->transfer_syntax);
	copy(it->study, sizeof(it->study), o->study);
	copy(it->series, sizeof(it->series), o->series);
	copy(it->modality, sizeof(it->modality), o->modality);
	memcpy(it->digest, o->digest, IMG_DIGEST_SIZE);
	it->has_digest = true;
	it->bytes = o->bytes;
	it->in_store = o->place == NULL;
	if (o->place)
		it->path = strdup(o->place);
	if ((o->place && !it->path) || take_more(it, rec, err) < 0) {
		send_item_free(it);
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	}
	if (send_ledger_has(s, s->catalog, it) && it->status)
		return finish(s, it);
	return send_queue_take(s, it, err);
}

static bool stopped(void *arg)
{
	const struct img_send *s = arg;

	return s->host.stopped(s->host.arg);
}

/* ---- inputs ----------------------------------------------------------- */

static const struct inputs_host host = { file,   object,  ignored, failed,
					 absent, archive, stopped };

int img_send_text(struct img_send *s, const char *text, struct img_err *err)
{
	const struct inputs in = { .host = &host, .arg = s };

	return inputs_text(&in, text, err);
}

/* What has no object passes through: the end of a pipe counts it, too.  What
   imganon has withheld is named by the original's path, and goes nowhere; nor
   does what imgverify has found wrong. */
static bool passes(const struct img_record *rec)
{
	return img_record_has_status(rec, "withheld invalid") ||
	       (img_record_has_status(rec, "ignored missing") && !rec->sop);
}

int img_send_record(struct img_send *s, const struct img_record *rec,
		    struct img_err *err)
{
	const struct inputs in = { .host = &host, .arg = s };

	return passes(rec) ? s->host.emit(s->host.arg, rec)
			   : inputs_record(&in, rec, err);
}
