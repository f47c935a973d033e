/* receive_serve.c - one association, seen from outside of its jail. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/receive_private.h"

#define ROOM ((uint64_t)16 << 20) /* left for the catalog and the log */

/* PS3.4 B.2.3 and PS3.7 C */
#define SUCCESS      0x0000
#define PROCESSING   0x0110
#define DUPLICATE    0x0111
#define NO_STORAGE   0x0122
#define NO_RESOURCES 0xA700
#define MISMATCH     0xA900
#define COERCION     0xB000
#define UNREADABLE   0xC000

/* ---- the association -------------------------------------------------- */

static int say(struct assoc *s, const struct img_down *m, int fd,
	       struct img_err *err)
{
	return img_down_send(s->worker.fd, m, fd, err);
}

static void note(struct assoc *s, const struct img_err *why)
{
	s->r->host.note(s->r->host.arg, why);
}

static int refuse(struct assoc *s, uint8_t source, uint8_t reason,
		  const char *why, struct img_err *err)
{
	const struct img_down m = { .kind = IMG_DOWN_REJECT,
				    .result = 1,
				    .source = source,
				    .reason = reason };
	struct img_err text = IMG_ERR_INIT;

	img_err_set(&text, IMG_E_REFUSED, "%s: refused: %s", s->peer, why);
	note(s, &text);
	receive_refused(s->r, s->peer, false);
	return say(s, &m, -1, err);
}

/* The titles are the peer's word; the address is not. */
static int requested(struct assoc *s, const struct img_up *up,
		     struct img_err *err)
{
	struct img_down grant = { .kind = IMG_DOWN_GRANT };
	const struct img_accept_request *q = &up->u.request;
	struct img_receive *r = s->r;
	bool may, pins, confirm;
	const char *why;

	if (s->granted)
		return img_err_set(err, IMG_E_MALFORMED, "out of step");
	snprintf(s->peer, sizeof(s->peer), "%s@%s", q->calling, s->address);
	pthread_mutex_lock(&r->lock);
	may = img_access_may(r->access, q->calling, q->certificate, &s->from);
	pins = img_access_pins(r->access);
	pthread_mutex_unlock(&r->lock);
	if (!may)
		return refuse(s, 1, 3,
			      pins ? "calling AE title not allowed, or not "
				     "with this certificate"
				   : "calling AE title not allowed",
			      err);
	if (*r->aet && strcmp(r->aet, q->called) != 0)
		return refuse(s, 1, 7, "called by another AE title", err);
	why = receive_identify(r, q, &confirm);
	if (why)
		return refuse(s, 1, 1, why, err);
	memcpy(s->called, q->called, sizeof(s->called));
	s->granted = true;
	grant.confirm = confirm;
	return say(s, &grant, -1, err);
}

/* ---- an object -------------------------------------------------------- */

static struct item *item_of(struct assoc *s)
{
	return &s->chunk.item[0];
}

static int extra(struct assoc *s, struct item *it, bool sop,
		 struct img_err *err)
{
	struct img_buf b;
	int rc = -1;

	img_buf_init(&b, 1024);
	if (img_json_put(&b, "from", s->peer, err) < 0 ||
	    (sop && img_json_put(&b, "SOPInstanceUID", s->begun.u.object.sop,
				 err) < 0))
		goto out;
	it->extra = arena_text(&s->chunk.arena, img_buf_str(&b), b.len);
	rc = it->extra ? 0 : img_err_set(err, IMG_E_NOMEM, "out of memory");
out:
	img_buf_release(&b);
	return rc;
}

static int item_begin(struct assoc *s, struct img_err *err)
{
	struct item *it = item_of(s);

	arena_release(&s->chunk.arena);
	memset(&s->chunk.arena, 0, sizeof(s->chunk.arena));
	memset(it, 0, sizeof(*it));
	s->chunk.n = 1;
	it->file.fd = -1;
	it->put.instance = it->put.object = -1;
	it->path = s->peer;
	it->from = s->peer;
	return extra(s, it, false, err);
}

/* Told to the peer and, through the committer, to the reader of records. */
static uint16_t fail(struct assoc *s, enum outcome outcome, uint16_t status,
		     const struct img_err *why)
{
	struct item *it = item_of(s);
	struct img_err ignored = IMG_ERR_INIT;

	img_store_drop(s->r->g->store, &it->file);
	it->warnings = 0;
	item_fail(&s->chunk.arena, it, outcome, why);
	(void)extra(s, it, true, &ignored);
	receive_commit(s);
	return status;
}

static int new_file(struct assoc *s, struct img_store_file *f,
		    struct img_err *err)
{
	struct img_store *store = s->r->g->store;

	if (img_store_room(store) < ROOM)
		return img_err_set(err, IMG_E_IO,
				   "%s: no room for another object", s->peer);
	return img_store_begin(store, s->lane, f, err);
}

static int begin(struct assoc *s, const struct img_up *up, struct img_err *err)
{
	struct img_down m = { .kind = IMG_DOWN_FILE };
	struct item *it = item_of(s);
	struct img_err why = IMG_ERR_INIT;

	if (!s->granted || s->open)
		return img_err_set(err, IMG_E_MALFORMED, "out of step");
	s->begun = *up;
	if (item_begin(s, err) < 0)
		return -1;
	receive_coming(s);
	if (s->spare.fd >= 0) {
		it->file = s->spare;
		s->spare.fd = -1;
		s->open = true;
	} else if (new_file(s, &it->file, &why) == 0) {
		s->open = true;
		if (say(s, &m, it->file.fd, err) < 0)
			return -1;
	}
	if (s->open) {
		/* While this one comes: what the next one is put into.  What
		   is wrong with that is told when it comes. */
		(void)new_file(s, &s->spare, &why);
		return 0;
	}
	m.status = fail(s, FAILED, NO_RESOURCES, &why);
	s->excused = true;
	snprintf(m.comment, sizeof(m.comment), "no room in the archive");
	return say(s, &m, -1, err);
}

static bool same_uid(const char *value, const char *command)
{
	return value && strcmp(value, command) == 0;
}

/* What the data set says, in the words of our own reader. */
static int look(struct assoc *s, struct item *it, uint16_t *status,
		struct img_err *err)
{
	bool dicomdir = false;
	int sop = img_catalog_field("SOPInstanceUID");
	int sop_class = img_catalog_field("SOPClassUID");
	const struct img_dicom_facts *f;

	*status = UNREADABLE;
	if (img_dicom_start_fd(s->x.reader, it->file.fd, it->in.bytes, it->path,
			       NULL, err) < 0 ||
	    describe(&s->x, &s->chunk.arena, it, &dicomdir, err) < 0)
		return -1;
	f = img_dicom_facts(s->x.reader);
	s->dataset = f->dataset;
	if (f->dataset >= it->in.bytes)
		return img_err_set(err, IMG_E_MALFORMED, "%s: empty data set",
				   it->path);
	/* Senders that choose a context by its transfer syntax alone are at
	   large: one of another class of storage will do (PS3.7 9.1.1). */
	*status = NO_STORAGE;
	if ((*s->begun.u.object.sop_class &&
	     !img_net_stores(s->begun.u.object.sop_class)) ||
	    !img_net_stores(s->begun.u.object.abstract))
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%s: its SOP class, or that of its context, "
				   "is none of storage",
				   it->path);
	*status = MISMATCH;
	if (dicomdir)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%s: a DICOMDIR is no object", it->path);
	if (!same_uid(it->in.field[sop], s->begun.u.object.sop))
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: SOPInstanceUID of the data set is not "
				   "that of the command",
				   it->path);
	if (!same_uid(it->in.field[sop_class], s->begun.u.object.sop_class))
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: SOPClassUID of the data set is not "
				   "that of the command",
				   it->path);
	return 0;
}

/* Whoever has not earned trust takes no more than one processor for this.  It
   is short: pixels are sought over, and 700 MiB are inflated in 0.5 s. */
static int look_in_turn(struct assoc *s, struct item *it, uint16_t *status,
			struct img_err *err)
{
	int rc;

	if (!s->suspect && (!s->stranger || s->useful))
		return look(s, it, status, err);
	pthread_mutex_lock(&s->r->heavy);
	rc = look(s, it, status, err);
	pthread_mutex_unlock(&s->r->heavy);
	return rc;
}

static bool is_ours(const struct img_err *err)
{
	return err->code == IMG_E_NOMEM || err->code == IMG_E_BUG ||
	       err->code == IMG_E_IO || err->code == IMG_E_BUSY ||
	       err->code == IMG_E_DENIED;
}

/* What its answer means for the peer's standing. */
static void weigh(struct assoc *s, uint16_t status)
{
	if (status == SUCCESS || status == COERCION || status == DUPLICATE)
		s->useful = true;
	else if (status == NO_RESOURCES || status == PROCESSING)
		s->excused = true;
}

static uint16_t status_of_failure(enum img_code code)
{
	return code == IMG_E_BUG ? PROCESSING : NO_RESOURCES;
}

/* After the committer: what to tell the peer. */
static uint16_t status_of(struct assoc *s, const struct item *it)
{
	if (it->outcome == KNOWN)
		return SUCCESS;
	if (it->outcome != OBJECT)
		return status_of_failure(it->code);
	if (it->put.verdict != IMG_CONFLICT || is_equivalent(it))
		return SUCCESS;
	if (s->r->opts.on_conflict == IMG_REJECT)
		return DUPLICATE;
	return s->r->opts.warn_conflict ? COERCION : SUCCESS;
}

static const char *comment_of(uint16_t status)
{
	switch (status) {
	case SUCCESS:
		return "";
	case DUPLICATE:
		return "other bytes with this UID are in the archive";
	case COERCION:
		return "kept beside other bytes with this UID";
	case NO_STORAGE:
		return "no storage SOP class";
	case MISMATCH:
		return "data set and command do not agree";
	case UNREADABLE:
		return "data set cannot be read";
	case PROCESSING:
		return "our mistake";
	default:
		return "the archive cannot take it now";
	}
}

static uint16_t finish(struct assoc *s, const struct img_up *up)
{
	struct img_store *store = s->r->g->store;
	struct item *it = item_of(s);
	struct img_err why = IMG_ERR_INIT;
	uint16_t status;
	struct stat st;

	if (up->code) {
		img_err_set(&why, IMG_E_IO, "%s: writing to the archive failed",
			    s->peer);
		return fail(s, FAILED, NO_RESOURCES, &why);
	}
	if (fstat(it->file.fd, &st) < 0 || st.st_size < 0) {
		img_err_sys(&why, "%s", s->peer);
		return fail(s, FAILED, NO_RESOURCES, &why);
	}
	it->in.bytes = it->file.bytes = (uint64_t)st.st_size;
	memcpy(it->in.digest, up->digest, sizeof(it->in.digest));
	if (look_in_turn(s, it, &status, &why) < 0)
		return is_ours(&why) ? fail(s, FAILED,
					    status_of_failure(why.code), &why)
				     : fail(s, REJECTED, status, &why);
	if (img_store_sync_file(store, &it->file, &why) < 0)
		return fail(s, FAILED, NO_RESOURCES, &why);
	it->outcome = OBJECT;
	it->synced = true;
	receive_commit(s);
	if (it->file.fd >= 0)
		close(it->file.fd);
	it->file.fd = -1;
	return status_of(s, it);
}

static int end(struct assoc *s, const struct img_up *up, struct img_err *err)
{
	struct img_down m = { .kind = IMG_DOWN_VERDICT };

	if (!s->open)
		return img_err_set(err, IMG_E_MALFORMED, "out of step");
	s->open = false;
	m.status = finish(s, up);
	weigh(s, m.status);
	snprintf(m.comment, sizeof(m.comment), "%s", comment_of(m.status));
	return say(s, &m, s->spare.fd, err);
}

/* An object that never became complete was not acknowledged. */
static void lose(struct assoc *s, enum img_code code, const char *text)
{
	struct img_err why = IMG_ERR_INIT;

	if (!s->open)
		return;
	s->open = false;
	img_err_set(&why, code, "%s: not complete: %s", s->peer, text);
	(void)fail(s, FAILED, 0, &why);
}

/* ---- the thread ------------------------------------------------------- */

/* Growth of the file is a sign of life, too. */
static bool is_alive(struct assoc *s)
{
	const struct img_serve *o = &s->r->opts.serve;
	double now = img_time_mono(), most;

	if (s->open && s->came != s->grown) {
		s->grown = s->came;
		s->since = now;
	}
	most = !s->granted ? o->request_seconds
	       : s->open   ? 2 * o->io_seconds
			   : o->idle_seconds + o->io_seconds;
	return now - s->since < most + 10;
}

/* 1 a message, 0 the worker is gone, -1. */
static int next(struct assoc *s, struct img_up *up, struct img_err *err)
{
	struct pollfd p = { s->worker.fd, POLLIN, 0 };

	receive_pace_begin(s);
	for (;;) {
		int ms = receive_stop_if_asked(s);
		int n = poll(&p, 1, receive_has_to_go(s) ? 0 : ms);

		if (n < 0 && errno != EINTR)
			return img_err_sys(err, "waiting for its process");
		receive_pace(s);
		if (n > 0)
			break;
		if (receive_has_to_go(s))
			return receive_gave_way(s, err);
		if (!is_alive(s))
			return img_err_set(err, IMG_E_LIMIT, "time is over");
	}
	s->since = img_time_mono();
	s->grown = 0;
	return img_up_recv(s->worker.fd, up, 1000, err);
}

/* 1 go on, 0 it is over, -1 the worker is to be ended. */
static int deal(struct assoc *s, const struct img_up *up, struct img_err *err)
{
	switch (up->kind) {
	case IMG_UP_REQUEST:
		return requested(s, up, err) < 0 ? -1 : 1;
	case IMG_UP_BEGIN:
		return begin(s, up, err) < 0 ? -1 : 1;
	case IMG_UP_END:
		return end(s, up, err) < 0 ? -1 : 1;
	case IMG_UP_COMMIT:
		return receive_promise(s, up, err) < 0 ? -1 : 1;
	case IMG_UP_REPORT:
		return receive_reported(s, up, err) < 0 ? -1 : 1;
	case IMG_UP_DROP:
		lose(s, up->code ? up->code : IMG_E_TRANSPORT, up->u.text);
		return 1;
	default:
		s->useful |= up->bytes > 0; /* C-ECHOs */
		if (up->code == IMG_E_BUSY && s->leaves > 0)
			receive_gave_way(s, err);
		else if (up->code == IMG_E_BUSY)
			s->excused = true;
		else if (up->code)
			img_err_set(err, up->code, "%s", up->u.text);
		return 0;
	}
}

static void talk(struct assoc *s, struct img_err *err)
{
	const struct img_down start = { .kind = IMG_DOWN_START };
	struct img_up up;
	int rc = say(s, &start, s->sock, err);

	close(s->sock);
	s->sock = -1;
	s->quiet = img_time_mono();
	while (rc == 0 && (rc = next(s, &up, err)) > 0) {
		s->quiet = 0;
		rc = deal(s, &up, err) <= 0 ? -1 : 0;
		s->quiet = s->open ? 0 : img_time_mono();
	}
	explicit_bzero(&up, sizeof(up)); /* passcodes */
}

/* A listener that can serve nobody any more is to end, and say so. */
static void give_up(struct img_receive *r, const struct img_err *why)
{
	pthread_mutex_lock(&r->lock);
	if (!r->broken)
		r->failure = *why;
	r->broken = true;
	pthread_mutex_unlock(&r->lock);
}

void *receive_assoc(void *arg)
{
	struct assoc *s = arg;
	struct img_err err = IMG_ERR_INIT, why = IMG_ERR_INIT;

	s->since = img_time_mono();
	s->x.g = s->r->g;
	img_buf_init(&s->x.text, 65536);
	s->x.reader = img_dicom_reader_new(&err);
	if (s->x.reader && img_jail_start(s->r->jail, &s->worker, &err) == 0) {
		talk(s, &err);
		(void)img_jail_end(&s->worker, err.code ? 0 : 2, s->peer, &why);
	} else if (s->x.reader && img_jail_is_gone(s->r->jail)) {
		give_up(s->r, &err);
	}
	err = err.code == IMG_OK ? why : err;
	lose(s, err.code ? err.code : IMG_E_TRANSPORT,
	     err.code ? err.text : "the association ended");
	img_store_drop(s->r->g->store, &s->spare);
	s->excused |= is_ours(&err);
	s->broke_rules = err.code != IMG_OK && err.code != IMG_E_TRANSPORT &&
			 s->leaves == 0;
	receive_report(s);
	if (err.code != IMG_OK) {
		struct img_err text = IMG_ERR_INIT;

		img_err_set(&text, err.code, "%.90s: %.400s", s->peer,
			    err.text);
		note(s, &text);
	}
	return NULL;
}
