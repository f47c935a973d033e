/* commitment.c - the data sets of storage commitment, PS3.4 Annex J. */
#include <stdlib.h>
#include <string.h>

#include "net/net.h"

#define SOP_CLASS   IMG_TAG(0x0008, 0x1150)
#define SOP         IMG_TAG(0x0008, 0x1155)
#define TRANSACTION IMG_TAG(0x0008, 0x1195)
#define REASON      IMG_TAG(0x0008, 0x1197)
#define FAILED      IMG_TAG(0x0008, 0x1198)
#define REFERENCED  IMG_TAG(0x0008, 0x1199)

int img_commitment_add(struct img_commitment *c, const char *sop_class,
		       const char *sop, uint16_t reason, struct img_err *err)
{
	struct img_commitment_ref *r;

	if (c->n == IMG_COMMITMENT_MAX)
		return img_err_set(err, IMG_E_LIMIT,
				   "over %d instances in a storage commitment",
				   IMG_COMMITMENT_MAX);
	if (strlen(sop_class) >= IMG_UID_MAX || strlen(sop) >= IMG_UID_MAX)
		return img_err_set(err, IMG_E_MALFORMED,
				   "UID longer than 64 characters");
	if (c->n == c->room) {
		size_t room = c->room ? 2 * c->room : 16;

		r = realloc(c->ref, room * sizeof(*r));
		if (!r)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		c->ref = r;
		c->room = room;
	}
	r = &c->ref[c->n++];
	memset(r, 0, sizeof(*r));
	memcpy(r->sop_class, sop_class, strlen(sop_class));
	memcpy(r->sop, sop, strlen(sop));
	r->reason = reason;
	return 0;
}

void img_commitment_release(struct img_commitment *c)
{
	free(c->ref);
	memset(c, 0, sizeof(*c));
}

/* ---- reading ---------------------------------------------------------- */

struct reading {
	struct img_commitment *c;
	uint32_t sequence; /* that is open at the top; 0: none */
	struct img_commitment_ref ref;
};

static void take_uid(char out[IMG_UID_MAX], const struct img_dicom_event *ev)
{
	size_t n = ev->length;

	*out = '\0';
	if (!ev->value)
		return;
	while (n && (ev->value[n - 1] == '\0' || ev->value[n - 1] == ' '))
		n--;
	if (n >= IMG_UID_MAX)
		return;
	memcpy(out, ev->value, n);
	out[n] = '\0';
	/* What is no UID is in no archive, and in no answer of ours. */
	if (strspn(out, "0123456789.") != n)
		*out = '\0';
}

static void take_element(struct reading *r, const struct img_dicom_event *ev)
{
	if (ev->depth == 0 && ev->tag == TRANSACTION)
		take_uid(r->c->transaction, ev);
	if (ev->depth != 1 || !r->sequence)
		return;
	if (ev->tag == SOP_CLASS)
		take_uid(r->ref.sop_class, ev);
	else if (ev->tag == SOP)
		take_uid(r->ref.sop, ev);
	else if (ev->tag == REASON && ev->value && ev->length >= 2)
		r->ref.reason =
			ev->big ? (uint16_t)(ev->value[0] << 8 | ev->value[1])
				: (uint16_t)(ev->value[1] << 8 | ev->value[0]);
}

static int take(struct reading *r, const struct img_dicom_event *ev,
		struct img_err *err)
{
	switch (ev->kind) {
	case IMG_DICOM_ELEMENT:
		take_element(r, ev);
		return 0;
	case IMG_DICOM_SEQUENCE:
		if (ev->depth == 0)
			r->sequence = ev->tag == FAILED || ev->tag == REFERENCED
					      ? ev->tag
					      : 0;
		return 0;
	case IMG_DICOM_ITEM:
		if (ev->depth == 0 && r->sequence)
			memset(&r->ref, 0, sizeof(r->ref));
		return 0;
	case IMG_DICOM_END_ITEM:
		if (ev->depth != 0 || !r->sequence)
			return 0;
		/* Failed without saying why is failed. */
		if (r->sequence == FAILED && !r->ref.reason)
			r->ref.reason = 0x0110;
		return img_commitment_add(
			r->c, r->ref.sop_class, r->ref.sop,
			r->sequence == FAILED ? r->ref.reason : 0, err);
	default:
		return 0;
	}
}

static int into_buffer(void *arg, const void *p, size_t n, struct img_err *err)
{
	return img_buf_add(arg, p, n, err);
}

/* The reader wants to be told the transfer syntax by a file meta. */
static int with_meta(struct img_buf *out, const char *ts, const void *p,
		     size_t n, struct img_err *err)
{
	const struct img_dicom_sink sink = { into_buffer, out };
	struct img_dicom_writer *w = img_dicom_writer_new(&sink, err);
	int rc = -1;

	if (!w)
		return -1;
	if (img_dicom_put_meta(w, IMG_COMMITMENT, IMG_COMMITMENT_INSTANCE, ts,
			       err) == 0 &&
	    img_dicom_finish(w, err) == 0)
		rc = img_buf_add(out, p, n, err);
	img_dicom_writer_free(w);
	return rc;
}

int img_commitment_read(struct img_commitment *c, const char *ts, const void *p,
			size_t n, struct img_err *err)
{
	struct reading r = { .c = c };
	struct img_dicom_reader *in = img_dicom_reader_new(err);
	struct img_dicom_event ev;
	struct img_buf file;
	int rc = -1;

	img_buf_init(&file, n + 4096);
	if (!in || with_meta(&file, ts, p, n, err) < 0 ||
	    img_dicom_start_mem(in, file.data, file.len, "storage commitment",
				NULL, err) < 0)
		goto out;
	while ((rc = img_dicom_next(in, &ev, err)) > 0)
		if (!ev.meta && take(&r, &ev, err) < 0) {
			rc = -1;
			break;
		}
	if (rc == 0 && !*c->transaction)
		rc = img_err_set(err, IMG_E_MALFORMED,
				 "storage commitment without transaction");
out:
	img_dicom_reader_free(in);
	img_buf_release(&file);
	return rc;
}

/* ---- writing ---------------------------------------------------------- */

static int mark(struct img_dicom_writer *w, enum img_dicom_kind kind,
		uint32_t tag, struct img_err *err)
{
	const struct img_dicom_event ev = { .kind = kind,
					    .tag = tag,
					    .vr = "SQ",
					    .length = IMG_UNDEFINED_LEN };

	return img_dicom_put(w, &ev, NULL, err);
}

static int put_ref(struct img_dicom_writer *w, uint32_t sequence,
		   const struct img_commitment_ref *r, struct img_err *err)
{
	if (mark(w, IMG_DICOM_ITEM, sequence, err) < 0 ||
	    img_dicom_put_text(w, SOP_CLASS, "UI", r->sop_class, err) < 0 ||
	    img_dicom_put_text(w, SOP, "UI", r->sop, err) < 0 ||
	    (r->reason && img_dicom_put_u16(w, REASON, r->reason, err) < 0))
		return -1;
	return mark(w, IMG_DICOM_END_ITEM, sequence, err);
}

static int put_all(struct img_dicom_writer *w, const struct img_commitment *c,
		   bool failed, struct img_err *err)
{
	uint32_t sequence = failed ? FAILED : REFERENCED;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += (c->ref[i].reason != 0) == failed;
	if (!n)
		return 0;
	if (mark(w, IMG_DICOM_SEQUENCE, sequence, err) < 0)
		return -1;
	for (size_t i = 0; i < c->n; i++)
		if ((c->ref[i].reason != 0) == failed &&
		    put_ref(w, sequence, &c->ref[i], err) < 0)
			return -1;
	return mark(w, IMG_DICOM_END_SEQUENCE, sequence, err);
}

int img_commitment_write(const struct img_commitment *c, const char *ts,
			 struct img_buf *out, struct img_err *err)
{
	const struct img_dicom_sink sink = { into_buffer, out };
	struct img_dicom_writer *w = img_dicom_writer_new(&sink, err);
	int rc = -1;

	if (!w)
		return -1;
	if (img_dicom_put_encoding(w, ts, err) == 0 &&
	    img_dicom_put_text(w, TRANSACTION, "UI", c->transaction, err) ==
		    0 &&
	    put_all(w, c, true, err) == 0 && put_all(w, c, false, err) == 0)
		rc = img_dicom_finish(w, err);
	img_dicom_writer_free(w);
	return rc;
}
