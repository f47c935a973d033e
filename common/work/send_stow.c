/* send_stow.c - a thread that sends to a DICOMweb server. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work/send_worker.h"

#define RETRY_AFTER 600 /* seconds that a server may make us wait */

/* PS3.18 10.5.3: 200 all stored, 202 with warnings or in part, 409 none. */
static void answered(struct send_item *it, int http, unsigned reason)
{
	struct img_err why = IMG_ERR_INIT;
	bool warns = reason >> 12 == 0xB || reason == 0x0111;
	char text[120] = "";

	it->response = http;
	if (reason)
		snprintf(text, sizeof(text), ", %04X: %s", reason,
			 img_answer_text((uint16_t)reason));
	if ((http == 200 || http == 202) && (!reason || warns)) {
		it->status = "sent";
		it->proof = "response";
		if (reason &&
		    asprintf(&it->warning, "peer-warning: %s", text + 2) < 0)
			it->warning = NULL;
		return;
	}
	if (http == 0) {
		it->response = -1;
		img_err_set(&why, IMG_E_REFUSED,
			    "the peer answers with success and does not name "
			    "the instance");
	} else if (http == 503 || http == 429)
		img_err_set(&why, IMG_E_BUSY, "the peer answers %d", http);
	else
		img_err_set(&why, IMG_E_REFUSED, "the peer answers %d%s", http,
			    text);
	send_item_fail(it,
		       http == 401 || http == 403 || http == 415 ||
				       http == 503 || http == 429
			       ? "refused"
			       : "failed",
		       &why);
}

static int into_buf(void *arg, const void *p, size_t n, struct img_err *err)
{
	return img_buf_add(arg, p, n, err);
}

/* Preamble and file meta information: its own, or made where it is wrong. */
static int make_head(const struct send_item *it, const struct send_loaded *d,
		     struct img_buf *out, struct img_err *err)
{
	const struct img_dicom_sink sink = { into_buf, out };
	struct img_dicom_writer *w = img_dicom_writer_new(&sink, err);
	int rc = -1;

	if (w && img_dicom_put_meta(w, it->sop_class, it->sop, d->ts, err) == 0)
		rc = img_dicom_finish(w, err);
	img_dicom_writer_free(w);
	return rc;
}

/* least: seconds that the server wants to have first. */
static bool try_again(struct send_worker *w, struct send_item *it, double least)
{
	double d = send_delay(it->attempts);

	if (it->attempts++ >= w->s->opts.retries)
		return false;
	if (least > RETRY_AFTER)
		least = RETRY_AFTER;
	send_queue_later(w->s, it, d > least ? d : least);
	return true;
}

static void post(struct send_worker *w, struct img_stow *stow,
		 struct send_item *it, struct send_loaded *d)
{
	const struct img_scu_data data = { d->length - d->pad, send_next, d };
	struct img_err err = IMG_ERR_INIT;
	struct img_buf head;
	unsigned reason = 0;
	int http = 0, rc = -1;

	img_buf_init(&head, 65536);
	d->length -= d->pad; /* a file need not be even */
	d->pad = false;
	if (make_head(it, d, &head, &err) == 0)
		rc = img_stow_store(stow, it->sop, head.data, head.len, &data,
				    &http, &reason, &err);
	img_buf_release(&head);
	if (rc < 0) {
		if (err.code == IMG_E_TRANSPORT && try_again(w, it, 0))
			return;
		send_item_fail(it, "failed", &err);
	} else {
		if ((http == 503 || http == 429) &&
		    try_again(w, it, img_stow_retry_after(stow)))
			return;
		answered(it, http, reason);
	}
	send_queue_done(w->s, it);
}

void send_stow(struct send_worker *w)
{
	struct img_send *s = w->s;
	const struct img_scu_opts o = { .connect_seconds =
						s->opts.connect_seconds,
					.dimse_seconds =
						s->opts.dimse_seconds };
	unsigned jobs = s->opts.jobs ? s->opts.jobs : 1;
	struct img_err err = IMG_ERR_INIT;
	struct img_stow *stow = NULL;
	struct send_loaded *d = &w->loaded[0];
	struct send_item *it;
	int rc;

	if (img_stow_open(&stow, &s->opts.peer, &o,
			  (s->opts.rate + jobs - 1) / jobs, &err) < 0)
		send_set_down(s, &err);
	while ((it = send_queue_any(s)) != NULL) {
		if (send_is_hopeless(s, it))
			continue;
		if (!send_window(s)) {
			send_queue_back(s, it);
			break;
		}
		rc = send_load(&w->recoder, it, d);
		if (rc == 1)
			send_queue_done(s, it);
		else
			post(w, stow, it, d);
		send_loaded_drop(d);
	}
	img_stow_close(stow);
}
