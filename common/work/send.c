/* send.c - opening, finishing, C-ECHO. */
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "work/send_worker.h"

int img_send_open(struct img_send **out, const struct img_send_opts *opts,
		  const struct img_send_host *host, struct img_err *err)
{
	struct img_send *s = calloc(1, sizeof(*s));
	struct img_err none = IMG_ERR_INIT;
	pthread_condattr_t mono;

	*out = NULL;
	if (!s)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	s->opts = *opts;
	s->host = *host;
	s->done_tail = &s->done;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->look_lock, NULL);
	pthread_mutex_init(&s->ledger_lock, NULL);
	pthread_mutex_init(&s->event_lock, NULL);
	pthread_mutex_init(&s->pace_lock, NULL);
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(&s->more, &mono);
	pthread_cond_init(&s->room, &mono);
	pthread_condattr_destroy(&mono);
	pthread_cond_init(&s->result, NULL);
	/* Its keeper is forked while there is one thread. */
	if (!*s->opts.peer.url && img_codec_open(&s->codec, &none) < 0)
		host->trouble(host->arg, &none);
	s->reader = img_dicom_reader_new(err);
	if (!s->reader || img_crypto_init(err) < 0 ||
	    send_ledger_open(s, err) < 0 || send_committer_start(s, err) < 0 ||
	    send_workers_start(s, err) < 0 || send_await(s, err) < 0) {
		img_send_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

static void close_queue(struct img_send *s)
{
	pthread_mutex_lock(&s->lock);
	s->closed = true;
	pthread_cond_broadcast(&s->more);
	pthread_mutex_unlock(&s->lock);
}

int img_send_finish(struct img_send *s, struct img_err *err)
{
	close_queue(s);
	send_workers_join(s);
	send_committer_join(s);
	if (s->emit_failed)
		return img_err_set(err, IMG_E_IO, "stdout");
	if (s->ledger_err.code != IMG_OK)
		return img_err_set(err, s->ledger_err.code, "%s",
				   s->ledger_err.text);
	return 0;
}

static void free_list(struct send_item *it)
{
	while (it) {
		struct send_item *next = it->next;

		send_item_free(it);
		it = next;
	}
}

void img_send_close(struct img_send *s)
{
	if (!s)
		return;
	close_queue(s);
	img_await_close(s->await);
	send_workers_join(s);
	send_committer_join(s);
	for (size_t i = 0; i < s->n_groups; i++)
		free_list(s->groups[i].head);
	free_list(s->later);
	free(s->groups);
	free(s->group_at);
	send_uids_release(&s->uids);
	free(s->down);
	img_dicom_reader_free(s->reader);
	img_codec_close(s->codec);
	img_catalog_close(s->catalog);
	img_catalog_close(s->look);
	img_catalog_close(s->ledger);
	img_audit_close(s->audit);
	img_store_close(s->store);
	pthread_cond_destroy(&s->more);
	pthread_cond_destroy(&s->room);
	pthread_cond_destroy(&s->result);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->look_lock);
	pthread_mutex_destroy(&s->ledger_lock);
	pthread_mutex_destroy(&s->event_lock);
	pthread_mutex_destroy(&s->pace_lock);
	free(s);
}

int img_send_echo(const struct img_send_opts *opts, double *seconds,
		  struct img_err *err)
{
	static const char *const ts[] = { "1.2.840.10008.1.2",
					  "1.2.840.10008.1.2.1" };
	struct img_assoc_context c = { .abstract = IMG_VERIFICATION,
				       .ts = ts,
				       .n_ts = 2 };
	struct img_scu_opts o = { .connect_seconds = opts->connect_seconds,
				  .assoc_seconds = opts->assoc_seconds,
				  .dimse_seconds = opts->dimse_seconds };
	double began = img_time_mono();
	struct img_scu *scu = NULL;
	uint16_t status = 0;
	int rc = -1;

	if (img_scu_open(&scu, &opts->peer, &o, &c, 1, err) < 0)
		return -1;
	if (c.result != 0)
		img_err_set(err, IMG_E_REFUSED, "C-ECHO: %s",
			    img_context_text(c.result));
	else if (img_scu_echo(scu, c.id, &status, err) == 0)
		rc = status == 0 ? 0
				 : img_err_set(err, IMG_E_REFUSED,
					       "C-ECHO: the peer answers "
					       "%04X: %s",
					       status, img_answer_text(status));
	*seconds = img_time_mono() - began;
	img_scu_close(scu, rc == 0);
	return rc;
}
