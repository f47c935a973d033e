/* send_input.c - files, folders, the archive, records. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "work/folder.h"
#include "work/scope.h"
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

static int failed(struct img_send *s, const char *path,
		  const struct img_record *rec, const struct img_err *why,
		  struct img_err *err)
{
	struct send_item *it = send_item_new(err);

	if (!it)
		return -1;
	if (path)
		it->path = strdup(path);
	if (rec && rec->sop && strlen(rec->sop) < sizeof(it->sop))
		memcpy(it->sop, rec->sop, strlen(rec->sop) + 1);
	return fail(s, it, "failed", why);
}

/* Members of a record that we do not make anew go on with it. */
struct more {
	struct img_buf *b;
};

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
	if (b->len && img_buf_putc(b, ',', err) < 0)
		return -1;
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

static int add_file(struct img_send *s, const char *path, bool found,
		    const struct img_record *rec, struct img_err *err)
{
	struct send_item *it = send_item_new(err);
	struct img_err why = IMG_ERR_INIT;

	if (!it)
		return -1;
	it->path = strdup(path);
	it->found = found;
	if (!it->path || take_more(it, rec, err) < 0) {
		send_item_free(it);
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	}
	if (send_look(s, it, &why) == 0)
		return it->status ? finish(s, it) : send_queue_take(s, it, err);
	if (found && why.code == IMG_E_NOT_DICOM) {
		it->status = "ignored";
		it->reason = "not a DICOM file";
		return finish(s, it);
	}
	return fail(s, it, "failed", &why);
}

/* ---- folders ---------------------------------------------------------- */

static int ignored(struct img_send *s, const char *path, const char *reason,
		   struct img_err *err)
{
	struct send_item *it = send_item_new(err);

	if (!it)
		return -1;
	it->path = strdup(path);
	it->status = "ignored";
	it->reason = reason;
	return finish(s, it);
}

static int add_entry(void *arg, const struct folder_entry *e,
		     struct img_err *err)
{
	struct img_send *s = arg;

	if (s->host.stopped(s->host.arg))
		return 1;
	if (e->why)
		return failed(s, e->path, NULL, e->why, err);
	if (e->ignored)
		return ignored(s, e->path, e->ignored, err);
	return add_file(s, e->path, true, NULL, err);
}

/* ---- the archive ------------------------------------------------------ */

static void copy(char *to, size_t size, const char *from)
{
	if (from && strlen(from) < size)
		memcpy(to, from, strlen(from) + 1);
}

static int add_object(struct img_send *s, const struct img_object *o,
		      const struct img_record *rec, struct img_err *err)
{
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

/* The record of one object names it by its digest, too. */
static bool is_meant(const struct img_object *o, const struct img_record *rec)
{
	uint8_t digest[IMG_DIGEST_SIZE];

	if (!rec || !rec->sop || !rec->digest ||
	    !img_unhex(digest, sizeof(digest), rec->digest))
		return o->current;
	return memcmp(digest, o->digest, sizeof(digest)) == 0;
}

/* 1 there was something, 0 not, -1. */
static int add_scope(struct img_send *s, struct img_scope *scope,
		     const struct img_record *rec, struct img_err *err)
{
	struct img_objects *all = NULL;
	struct img_object o;
	int more = 0, rc = 0, found = 0;

	scope->all = true;
	if (img_catalog_expand(s->catalog, scope, &all, err) < 0)
		return -1;
	while (rc == 0 && !s->host.stopped(s->host.arg) &&
	       (more = img_objects_next(all, &o, err)) > 0) {
		if (!is_meant(&o, rec))
			continue;
		found = 1;
		rc = add_object(s, &o, rec && rec->sop ? rec : NULL, err);
	}
	img_objects_close(all);
	return rc < 0 || more < 0 ? -1 : found;
}

/* ---- inputs ----------------------------------------------------------- */

int img_send_text(struct img_send *s, const char *text, struct img_err *err)
{
	struct img_scope scope = { .uid = text };
	struct img_err why = IMG_ERR_INIT;
	struct stat st;
	int rc = 0;

	if (stat(text, &st) == 0)
		return S_ISDIR(st.st_mode)
			       ? folder_each(text, NULL, add_entry, s, err)
			       : add_file(s, text, false, NULL, err);
	if (errno != ENOENT || !img_uid_ok(text)) {
		img_err_sys(&why, "%s", text);
		return failed(s, text, NULL, &why, err);
	}
	if (s->catalog)
		rc = img_catalog_level_of(s->catalog, text, &scope.level, &why);
	if (rc > 0)
		rc = add_scope(s, &scope, NULL, &why);
	if (rc > 0)
		return 0;
	if (rc == 0)
		img_err_set(&why, IMG_E_IO,
			    "%s: no such file, and no such UID "
			    "in the archive",
			    text);
	return failed(s, text, NULL, &why, err);
}

/* What has no object passes through: the end of a pipe counts it, too.  What
   imganon has withheld is named by the original's path, and goes nowhere. */
static bool passes(const struct img_record *rec)
{
	if (rec->status && strcmp(rec->status, "withheld") == 0)
		return true;
	return rec->status &&
	       (strcmp(rec->status, "ignored") == 0 ||
		strcmp(rec->status, "missing") == 0) &&
	       !rec->sop;
}

int img_send_record(struct img_send *s, const struct img_record *rec,
		    struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct img_scope scope;
	struct stat st;
	int rc = 0;

	if (passes(rec))
		return s->host.emit(s->host.arg, rec);
	if (s->catalog && img_scope_of_record(rec, &scope))
		rc = add_scope(s, &scope, rec, &why);
	if (rc > 0)
		return 0;
	if (rc == 0 && rec->path && stat(rec->path, &st) == 0 &&
	    S_ISREG(st.st_mode))
		return add_file(s, rec->path, false, rec, err);
	if (rc == 0)
		img_err_set(&why, IMG_E_USAGE,
			    "a record of nothing that is in "
			    "the archive or in a file");
	return failed(s, rec->path, rec, &why, err);
}
