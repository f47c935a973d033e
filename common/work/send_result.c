/* send_result.c - the ledger, then the record. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work/journal.h"
#include "work/send_private.h"

/* ---- what the peer says ----------------------------------------------- */

static void add_warning(struct send_item *it, uint16_t status, const char *text)
{
	const char *word = img_answer_of(status) == IMG_ANSWER_DUPLICATE
				   ? "peer-duplicate"
				   : "peer-warning";

	if (asprintf(&it->warning, "%s: %s", word, text) < 0)
		it->warning = NULL;
}

void send_answered(struct send_item *it, uint16_t status)
{
	char text[160];
	struct img_err why = IMG_ERR_INIT;

	it->response = status;
	snprintf(text, sizeof(text), "%04X: %s", status,
		 img_answer_text(status));
	switch (img_answer_of(status)) {
	case IMG_ANSWER_WARNING:
	case IMG_ANSWER_DUPLICATE:
		add_warning(it, status, text);
		/* fall through */
	case IMG_ANSWER_SUCCESS:
		it->status = "sent";
		it->proof = "response";
		return;
	case IMG_ANSWER_BUSY:
		img_err_set(&why, IMG_E_BUSY, "the peer answers %s", text);
		send_item_fail(it, "refused", &why);
		return;
	case IMG_ANSWER_REFUSED:
		img_err_set(&why, IMG_E_REFUSED, "the peer answers %s", text);
		send_item_fail(it, "refused", &why);
		return;
	default:
		img_err_set(&why, IMG_E_REFUSED, "the peer answers %s", text);
		send_item_fail(it, "failed", &why);
	}
}

#define LOCK_SECONDS 60

/* ---- the ledger ------------------------------------------------------- */

static int open_to_write(struct img_send *s, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	if (img_store_open(&s->store, s->opts.archive, IMG_WRITE, &why) == 0 &&
	    img_catalog_open(&s->ledger, s->opts.archive, IMG_WRITE, &why) ==
		    0 &&
	    img_audit_open(&s->audit, s->opts.archive, "imgsend", IMG_WRITE,
			   &why) == 0)
		return 0;
	return img_err_set(err, why.code, "%s%s", why.text,
			   why.code == IMG_E_DENIED
				   ? "; what is sent has to be noted there: "
				     "send from a copy, or what imgexport "
				     "gives out, with another -C"
				   : "");
}

/* Without an archive there is none; one that cannot be written is not
   guessed at, because what was sent would be forgotten. */
int send_ledger_open(struct img_send *s, struct img_err *err)
{
	char file[IMG_PATH_MAX];

	if (img_path_join(file, sizeof(file), s->opts.archive, "catalog.db",
			  err) < 0)
		return -1;
	if (access(file, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return img_catalog_check_lost(s->opts.archive, err);
	if (open_to_write(s, err) < 0)
		return -1;
	if (img_catalog_open(&s->catalog, s->opts.archive, IMG_READ, err) < 0)
		return -1;
	return img_catalog_open(&s->look, s->opts.archive, IMG_READ, err);
}

static bool is_enough(const struct img_send *s, const struct img_sent *is)
{
	if (strcmp(is->status, "sent") != 0)
		return false;
	return !s->opts.commit ||
	       (is->proof && strcmp(is->proof, "response") != 0);
}

static const char *proof_word(const char *proof)
{
	static const char *const words[] = { "response", "found", "committed" };

	for (size_t i = 0; proof && i < 3; i++)
		if (strcmp(words[i], proof) == 0)
			return words[i];
	return NULL;
}

int send_ledger_has(struct img_send *s, struct img_catalog *c,
		    struct send_item *it)
{
	struct img_err ignored = IMG_ERR_INIT;
	struct img_sent is;
	int found = 0;

	if (!s->ledger || s->opts.again || it->stored)
		return 0;
	if (!c)
		pthread_mutex_lock(&s->look_lock);
	if (img_catalog_sent(c ? c : s->look, s->opts.peer.name, it->sop,
			     it->digest, &is, &ignored) > 0 &&
	    strcmp(is.status, "sent") == 0) {
		found = 1;
		it->proof = proof_word(is.proof);
		it->response = is.response;
		if (is_enough(s, &is)) {
			it->status = "skipped";
			it->reason = "the peer has it, says the ledger";
		} else {
			it->stored = true;
		}
	}
	if (!c)
		pthread_mutex_unlock(&s->look_lock);
	return found;
}

int send_ledger_other(struct img_send *s, const struct send_item *it)
{
	struct img_err ignored = IMG_ERR_INIT;
	int rc;

	if (!s->ledger)
		return 0;
	pthread_mutex_lock(&s->look_lock);
	rc = img_catalog_sent_other(s->look, s->opts.peer.name, it->sop,
				    it->digest, &ignored);
	pthread_mutex_unlock(&s->look_lock);
	return rc;
}

static bool is_answer(const struct send_item *it)
{
	return it->has_digest && *it->sop &&
	       (strcmp(it->status, "sent") == 0 ||
		strcmp(it->status, "committed") == 0 || it->response >= 0) &&
	       strcmp(it->status, "skipped") != 0;
}

static int note(struct img_send *s, const struct send_item *it,
		struct img_err *err)
{
	const struct img_sent row = { .peer = s->opts.peer.name,
				      .sop = it->sop,
				      .digest = it->digest,
				      .status = it->error ? it->status : "sent",
				      .response = it->response,
				      .proof = it->error ? NULL : it->proof };

	const struct img_audit_line line = { .act = it->error ? "not-sent"
							      : it->status,
					     .digest = it->digest,
					     .to = s->opts.peer.name };

	return img_catalog_note_sent(s->ledger, &row, err) < 0
		       ? -1
		       : img_audit_add(s->audit, &line, err);
}

static int write_down(struct img_send *s, struct send_item *list,
		      struct img_err *err)
{
	if (img_store_lock(s->store, LOCK_SECONDS, err) < 0)
		return -1;
	if (img_catalog_begin(s->ledger, err) < 0)
		goto fail;
	for (struct send_item *it = list; it; it = it->next)
		if (is_answer(it) && note(s, it, err) < 0)
			goto undo;
	if (img_journal_write(s->audit, s->ledger, err) < 0 ||
	    img_catalog_commit(s->ledger, err) < 0)
		goto undo;
	img_store_unlock(s->store);
	return 0;
undo:
	img_catalog_rollback(s->ledger);
	img_audit_rollback(s->audit);
fail:
	img_store_unlock(s->store);
	return -1;
}

int send_ledger_note(struct img_send *s, struct send_item *list,
		     struct img_err *err)
{
	bool any = false;
	int rc;

	for (struct send_item *it = list; it; it = it->next)
		any |= is_answer(it);
	if (!s->ledger || !any)
		return 0;
	pthread_mutex_lock(&s->ledger_lock);
	rc = write_down(s, list, err);
	pthread_mutex_unlock(&s->ledger_lock);
	return rc;
}

/* ---- records ---------------------------------------------------------- */

static const char *or_null(const char *s)
{
	return *s ? s : NULL;
}

static int make_extra(const struct img_send *s, const struct send_item *it,
		      struct img_buf *b, struct img_err *err)
{
	char word[8];

	if (img_json_put(b, "peer", s->opts.peer.name, err) < 0)
		return -1;
	snprintf(word, sizeof(word), *s->opts.peer.url ? "%d" : "%04X",
		 it->response);
	if (it->response >= 0 && img_json_put(b, "response", word, err) < 0)
		return -1;
	if (img_json_put(b, "proof", it->error ? NULL : it->proof, err) < 0 ||
	    img_json_put(b, "sent_as", or_null(it->sent_as), err) < 0)
		return -1;
	if (!it->more || !*it->more)
		return 0;
	if (b->len && img_buf_putc(b, ',', err) < 0)
		return -1;
	return img_buf_puts(b, it->more, err);
}

/* Messages name the input; one of the archive by its digest, which tells
   nothing to anybody who has not the archive. */
static void name_error(const struct send_item *it, const char *hex,
		       struct img_err *out)
{
	const char *name = it->path ? it->path : it->has_digest ? hex : NULL;

	if (!name || strncmp(it->error, name, strlen(name)) == 0)
		img_err_set(out, it->code, "%s", it->error);
	else
		img_err_set(out, it->code, "%s: %s", name, it->error);
}

static int emit(struct img_send *s, const struct send_item *it)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_record rec;
	char hex[IMG_DIGEST_HEX];
	struct img_buf extra;
	int rc = -1;

	img_buf_init(&extra, IMG_LINE_MAX);
	img_record_init(&rec);
	img_hex(hex, it->digest, IMG_DIGEST_SIZE);
	rec.status = it->status;
	rec.path = it->path;
	rec.study = or_null(it->study);
	rec.series = or_null(it->series);
	rec.sop = or_null(it->sop);
	rec.sop_class = or_null(it->sop_class);
	rec.transfer_syntax = or_null(it->ts);
	rec.modality = or_null(it->modality);
	rec.has_bytes = it->bytes > 0;
	rec.bytes = it->bytes;
	rec.digest = it->has_digest ? hex : NULL;
	rec.reason = it->reason;
	if (it->padded && !it->error)
		img_record_warn(&rec, "padded: values of odd length were sent "
				      "with a byte more");
	if (it->warning)
		img_record_warn(&rec, it->warning);
	if (it->error)
		name_error(it, hex, &rec.error);
	/* Answers that refuse are about the peer, others about the object. */
	if (it->error && (it->common || strcmp(it->status, "refused") == 0))
		rec.cause = it->error;
	if (strcmp(it->status, "ignored") == 0 ||
	    make_extra(s, it, &extra, &err) == 0) {
		rec.extra = extra.len ? img_buf_str(&extra) : NULL;
		rc = s->host.emit(s->host.arg, &rec);
	}
	img_record_release(&rec);
	img_buf_release(&extra);
	return rc;
}

static void tell(struct img_send *s, struct send_item *list)
{
	while (list) {
		struct send_item *it = list;

		list = it->next;
		s->items++;
		s->bytes += it->bytes;
		if (!s->emit_failed && emit(s, it) < 0)
			s->emit_failed = true;
		send_item_free(it);
	}
	s->host.progress(s->host.arg, s->items, s->bytes);
}

/* The next run will not know that the peer has them: what has no line is no
   success.  What has failed, or was skipped, needs none. */
static void not_noted(struct send_item *list, const struct img_err *err)
{
	for (struct send_item *it = list; it; it = it->next) {
		struct img_err why = IMG_ERR_INIT;

		if (!is_answer(it) || it->error)
			continue;
		img_err_set(&why, err->code,
			    "the peer has taken it, but the ledger could not "
			    "be written: %s",
			    err->text);
		it->status = NULL;
		it->common = true;
		send_item_fail(it, "failed", &why);
	}
}

/* Results come while the last ones are made durable: they go together. */
static void *commit(void *arg)
{
	struct img_send *s = arg;
	struct img_err err = IMG_ERR_INIT;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		struct send_item *list;

		while (!s->done && !s->no_more_results)
			pthread_cond_wait(&s->result, &s->lock);
		list = s->done;
		s->done = NULL;
		s->done_tail = &s->done;
		if (!list)
			break;
		pthread_mutex_unlock(&s->lock);
		img_err_clear(&err);
		if (send_ledger_note(s, list, &err) < 0) {
			if (s->ledger_err.code == IMG_OK)
				s->ledger_err = err;
			not_noted(list, &err);
		}
		tell(s, list);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int send_committer_start(struct img_send *s, struct img_err *err)
{
	if (pthread_create(&s->committer, NULL, commit, s) != 0)
		return img_err_set(err, IMG_E_NOMEM, "no more threads");
	s->committing = true;
	return 0;
}

void send_committer_join(struct img_send *s)
{
	if (!s->committing)
		return;
	pthread_mutex_lock(&s->lock);
	s->no_more_results = true;
	pthread_cond_broadcast(&s->result);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->committer, NULL);
	s->committing = false;
}
