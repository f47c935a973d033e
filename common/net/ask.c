/* ask.c - what a requestor asks for: C-FIND and storage commitment. */
#include <string.h>

#include "net/inside.h"

struct bytes {
	const struct img_buf *b;
	size_t at;
};

static int next(void *arg, void *p, size_t n, struct img_err *err)
{
	struct bytes *from = arg;

	(void)err;
	memcpy(p, from->b->data + from->at, n);
	from->at += n;
	return 0;
}

static int into_buf(void *arg, const void *p, size_t n, struct img_err *err)
{
	return img_buf_add(arg, p, n, err);
}

static const char *ts_of(const struct img_scu *s, uint8_t context)
{
	return s->contexts[context / 2].accepted;
}

static int send_with(struct img_scu *s, uint8_t context, struct img_command *rq,
		     const struct img_buf *b, struct img_err *err)
{
	struct bytes from = { b, 0 };
	const struct img_scu_data d = { b->len, next, &from };

	rq->message = ++s->message;
	return img_scu_send(s, context, rq, &d, err);
}

/* ---- C-FIND ----------------------------------------------------------- */

/* PS3.4 C.4.1, C.6.2.1: the series of a study, or the instances of a series. */
struct query {
	const char *study, *series; /* series NULL: which ones there are */
	void (*instance)(void *arg, const char *sop);
	void (*one_series)(void *arg, const char *series, uint64_t instances);
	void *arg;
};

static int put_keys(struct img_dicom_writer *w, const struct query *q,
		    struct img_err *err)
{
	if ((q->series && img_dicom_put_text(w, IMG_TAG(0x0008, 0x0018), "UI",
					     "", err) < 0) ||
	    img_dicom_put_text(w, IMG_TAG(0x0008, 0x0052), "CS",
			       q->series ? "IMAGE" : "SERIES", err) < 0 ||
	    img_dicom_put_text(w, IMG_TAG(0x0020, 0x000D), "UI", q->study,
			       err) < 0 ||
	    img_dicom_put_text(w, IMG_TAG(0x0020, 0x000E), "UI",
			       q->series ? q->series : "", err) < 0)
		return -1;
	return q->series ? 0
			 : img_dicom_put_text(w, IMG_TAG(0x0020, 0x1209), "IS",
					      "", err);
}

static int write_query(const char *ts, const struct query *q,
		       struct img_buf *out, struct img_err *err)
{
	const struct img_dicom_sink sink = { into_buf, out };
	struct img_dicom_writer *w = img_dicom_writer_new(&sink, err);
	int rc = -1;

	if (!w)
		return -1;
	if (img_dicom_put_encoding(w, ts, err) == 0 && put_keys(w, q, err) == 0)
		rc = img_dicom_finish(w, err);
	img_dicom_writer_free(w);
	return rc;
}

static int write_meta(const char *ts, struct img_buf *out, struct img_err *err)
{
	const struct img_dicom_sink sink = { into_buf, out };
	struct img_dicom_writer *w = img_dicom_writer_new(&sink, err);
	int rc = -1;

	if (w &&
	    img_dicom_put_meta(w, IMG_STUDY_ROOT_FIND, "2.25.0", ts, err) == 0)
		rc = img_dicom_finish(w, err);
	img_dicom_writer_free(w);
	return rc;
}

static void uid_of(const struct img_dicom_pick *v, char uid[IMG_UID_MAX])
{
	size_t n = 0;

	while (v->p && n < v->length && n + 1 < IMG_UID_MAX && v->p[n] > ' ') {
		uid[n] = (char)v->p[n];
		n++;
	}
	uid[n] = '\0';
}

static void tell(const struct query *q, const struct img_dicom_pick *v)
{
	char uid[IMG_UID_MAX], text[40];
	uint64_t n = 0;

	uid_of(&v[q->series ? 0 : 1], uid);
	if (q->series) {
		q->instance(q->arg, uid);
		return;
	}
	if (img_dicom_number(&v[2], text, sizeof(text)) &&
	    !img_parse_u64(text, INT32_MAX, &n))
		n = 0;
	q->one_series(q->arg, uid, n);
}

/* Of one answer; our reader is told its transfer syntax by a file meta. */
static int read_answer(const char *ts, const struct img_buf *data,
		       const struct query *q, struct img_err *err)
{
	static const uint32_t tags[] = { IMG_TAG(0x0008, 0x0018),
					 IMG_TAG(0x0020, 0x000E),
					 IMG_TAG(0x0020, 0x1209) };
	struct img_dicom_reader *r = img_dicom_reader_new(err);
	struct img_dicom_pick v[3];
	struct img_buf file;
	int rc = -1;

	img_buf_init(&file, data->len + 4096);
	if (r && write_meta(ts, &file, err) == 0 &&
	    img_buf_add(&file, data->data, data->len, err) == 0 &&
	    img_dicom_start_mem(r, file.data, file.len, "the peer's answer",
				NULL, err) == 0 &&
	    img_dicom_pick(r, tags, 3, v, err) == 0) {
		tell(q, v);
		rc = 0;
	}
	img_dicom_reader_free(r);
	img_buf_release(&file);
	return rc;
}

static int read_answers(struct img_scu *s, uint8_t context,
			const struct img_command *rq, const struct query *q,
			struct img_err *err)
{
	unsigned seconds = s->opts.query_seconds ? s->opts.query_seconds
						 : 10 * s->opts.dimse_seconds;
	double until = img_time_mono() + seconds;
	struct img_command rsp;

	for (;;) {
		if (img_scu_answer(s, context, rq, &rsp, err) < 0)
			return -1;
		if (img_answer_of(rsp.status) != IMG_ANSWER_PENDING)
			break;
		if (img_time_mono() > until)
			return img_err_set(err, IMG_E_TRANSPORT,
					   "C-FIND: answers without an end "
					   "after %u s",
					   seconds);
		if (rsp.data &&
		    read_answer(ts_of(s, context), &s->data, q, err) < 0)
			return -1;
	}
	if (rsp.status == 0)
		return 0;
	return img_err_set(err, IMG_E_REFUSED,
			   "C-FIND: the peer answers %04X: %s", rsp.status,
			   img_answer_text(rsp.status));
}

static int find(struct img_scu *s, uint8_t context, const struct query *q,
		struct img_err *err)
{
	struct img_command rq = { .field = IMG_C_FIND_RQ,
				  .data = true,
				  .sop_class = IMG_STUDY_ROOT_FIND };
	struct img_buf query;
	int rc = -1;

	img_buf_init(&query, 4096);
	if (write_query(ts_of(s, context), q, &query, err) == 0 &&
	    send_with(s, context, &rq, &query, err) == 0)
		rc = read_answers(s, context, &rq, q, err);
	img_buf_release(&query);
	return rc;
}

int img_scu_find(struct img_scu *s, uint8_t context, const char *study,
		 const char *series, void (*f)(void *arg, const char *sop),
		 void *arg, struct img_err *err)
{
	const struct query q = {
		.study = study, .series = series, .instance = f, .arg = arg
	};

	return find(s, context, &q, err);
}

int img_scu_find_series(struct img_scu *s, uint8_t context, const char *study,
			void (*f)(void *arg, const char *series,
				  uint64_t instances),
			void *arg, struct img_err *err)
{
	const struct query q = { .study = study, .one_series = f, .arg = arg };

	return find(s, context, &q, err);
}

/* ---- storage commitment ----------------------------------------------- */

static int send_list(struct img_scu *s, uint8_t context, struct img_command *rq,
		     struct img_command *rsp, const struct img_commitment *c,
		     uint16_t *status, struct img_err *err)
{
	struct img_buf list;
	int rc = -1;

	img_buf_init(&list, 64u << 20);
	if (img_commitment_write(c, ts_of(s, context), &list, err) == 0 &&
	    send_with(s, context, rq, &list, err) == 0 &&
	    img_scu_answer(s, context, rq, rsp, err) == 0) {
		*status = rsp->status;
		rc = 0;
	}
	img_buf_release(&list);
	return rc;
}

int img_scu_commit(struct img_scu *s, uint8_t context,
		   const struct img_commitment *c, uint16_t *status,
		   struct img_err *err)
{
	struct img_command rsp, rq = { .field = IMG_N_ACTION_RQ,
				       .data = true,
				       .type = 1,
				       .sop_class = IMG_COMMITMENT,
				       .instance = IMG_COMMITMENT_INSTANCE };

	return send_list(s, context, &rq, &rsp, c, status, err);
}

int img_scu_report(struct img_scu *s, uint8_t context,
		   const struct img_commitment *c, uint16_t *status,
		   struct img_err *err)
{
	struct img_command rsp, rq = { .field = IMG_N_EVENT_RQ,
				       .data = true,
				       .type = 1,
				       .sop_class = IMG_COMMITMENT,
				       .instance = IMG_COMMITMENT_INSTANCE };

	for (size_t i = 0; i < c->n; i++)
		if (c->ref[i].reason)
			rq.type = 2;
	return send_list(s, context, &rq, &rsp, c, status, err);
}
