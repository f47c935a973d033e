/* send_recode.c - the same data set in another encoding, without loss. */
#include <stdlib.h>
#include <string.h>

#include "work/send_private.h"

#define RECODED_MAX (1024ul * 1024 * 1024)
#define BLOCK       65536u

static bool is_native(const char *ts)
{
	const struct img_ts *t = img_ts_find(ts);

	return t && t->kind == IMG_TS_NATIVE;
}

bool send_recodes(const char *from, const char *to)
{
	const struct img_ts *t = img_ts_find(to);

	return is_native(from) && is_native(to) && !t->big && !t->deflated;
}

static int into_buf(void *arg, const void *p, size_t n, struct img_err *err)
{
	return img_buf_add(arg, p, n, err);
}

/* A value too long for the reader's buffer, part by part. */
static int copy_value(struct img_dicom_reader *r, struct img_dicom_writer *w,
		      uint32_t length, uint8_t *block, struct img_err *err)
{
	uint32_t at = 0;

	while (at < length) {
		uint32_t n = length - at < BLOCK ? length - at : BLOCK;

		if (img_dicom_value(r, at, block, n, err) < 0 ||
		    img_dicom_put_part(w, block, n, err) < 0)
			return -1;
		at += n;
	}
	return 0;
}

/* Lengths of groups are retired (PS3.5 7.2), and would be wrong now. */
static bool is_left_out(const struct img_dicom_event *ev)
{
	return ev->meta || (ev->kind == IMG_DICOM_ELEMENT &&
			    (ev->tag & 0xFFFF) == 0 && ev->tag >> 16 > 2);
}

static bool has_value(const struct img_dicom_event *ev)
{
	return ev->kind == IMG_DICOM_ELEMENT || ev->kind == IMG_DICOM_FRAGMENT;
}

static int copy_events(struct img_dicom_reader *r, struct img_dicom_writer *w,
		       uint8_t *block, struct img_err *err)
{
	struct img_dicom_event ev;
	int rc;

	while ((rc = img_dicom_next(r, &ev, err)) == 1) {
		if (is_left_out(&ev))
			continue;
		if (!has_value(&ev) && (ev.kind == IMG_DICOM_SEQUENCE ||
					ev.kind == IMG_DICOM_ITEM))
			ev.length = IMG_UNDEFINED_LEN;
		if (img_dicom_put(w, &ev, ev.value, err) < 0 ||
		    (has_value(&ev) && !ev.value && ev.length &&
		     copy_value(r, w, ev.length, block, err) < 0))
			return -1;
	}
	return rc;
}

static int start(struct send_loader *l, const struct send_loaded *d,
		 uint64_t size, struct img_err *err)
{
	if (d->fd >= 0)
		return img_dicom_start_fd(l->reader, d->fd, size, "object",
					  NULL, err);
	return img_dicom_start_mem(l->reader, d->p, d->n, "object", NULL, err);
}

int send_recode(struct send_loader *l, struct send_loaded *d, uint64_t size,
		const char *to, struct img_err *err)
{
	struct img_dicom_writer *w = NULL;
	struct img_dicom_sink sink = { .write = into_buf };
	uint8_t *block = malloc(BLOCK);
	struct img_buf out;
	int rc = -1;

	img_buf_init(&out, RECODED_MAX);
	sink.arg = &out;
	if (!block) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		goto done;
	}
	w = img_dicom_writer_new(&sink, err);
	if (!w || img_dicom_put_encoding(w, to, err) < 0 ||
	    start(l, d, size, err) < 0 ||
	    copy_events(l->reader, w, block, err) < 0 ||
	    img_dicom_finish(w, err) < 0)
		goto done;
	send_loaded_drop(d);
	free(d->p);
	d->p = (uint8_t *)out.data;
	d->room = out.room;
	d->n = d->length = out.len;
	d->at = d->done = 0;
	d->pad = false;
	out.data = NULL;
	memcpy(d->ts, to, strlen(to) + 1);
	rc = 0;
done:
	img_dicom_writer_free(w);
	free(block);
	if (out.data)
		img_buf_release(&out);
	return rc;
}
