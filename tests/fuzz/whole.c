/*
 * whole.c - fuzz target of the whole room: an object, a DICOMDIR or a key
 * object selection, as what is judged and as what lists it.
 *
 * Whatever comes in: no crash, and a verdict that its witnesses bear out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "whole/whole.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct img_dicom_limits limits = {
	.elements = 100000,
	.header = 4 << 20,
	.inflated = 2 << 20,
};

static struct img_dicom_reader *r;

static void wrong(const char *what, const struct img_err *err)
{
	fprintf(stderr, "oracle: %s: %s\n", what, err->text);
	abort();
}

static void borne_out(const struct img_whole_verdict *v)
{
	struct img_err none = IMG_ERR_INIT;
	bool gap = v->more > 0, all = v->more > 0;

	for (size_t i = 0; i < v->n; i++) {
		const struct img_whole_witness *h = &v->witness[i];

		gap |= h->says == IMG_WHOLE_GAP;
		all |= h->says == IMG_WHOLE_COMPLETE && !h->series[0];
		if (h->found > h->expected && h->expected)
			wrong("more found than expected", &none);
		for (size_t k = 0; k < h->n_absent; k++)
			if (strlen(h->absent[k]) >= IMG_UID_MAX)
				wrong("a UID that is none", &none);
	}
	if ((v->says == IMG_WHOLE_GAP) != gap && v->more == 0)
		wrong("incomplete without a gap, or the other way", &none);
	if (v->says == IMG_WHOLE_COMPLETE && !all)
		wrong("complete, and nobody vouches", &none);
	if (!v->reason)
		wrong("no reason", &none);
}

static void judge(struct img_whole *w)
{
	const struct img_whole_verdict *v;
	struct img_err err = IMG_ERR_INIT;
	size_t n;

	if (img_whole_settle(w, true, &n, &err) < 0)
		wrong("settle", &err);
	for (size_t i = 0; i < n; i++) {
		if (i % 2 &&
		    img_whole_peer(w, "2.25.2", i % 3 ? "2.25.3" : NULL, i,
				   &err) < 0)
			wrong("peer", &err);
		if (i % 2)
			img_whole_peer_said(w, "peer");
		if (img_whole_judge(w, i, &v, &err) < 0)
			wrong("judge", &err);
		borne_out(v);
	}
}

static bool start(const uint8_t *data, size_t size)
{
	struct img_err err = IMG_ERR_INIT;

	return img_dicom_start_mem(r, data, size, "in", &limits, &err) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_whole *w;

	if (!r)
		r = img_dicom_reader_new(&err);
	w = img_whole_new(&err);
	if (!r || !w)
		wrong("a start", &err);
	if (start(data, size))
		(void)img_whole_list(w, r, "in", &err);
	for (int i = 0; i < 2; i++) {
		img_err_clear(&err);
		/* Twice: a copy counts once. */
		if (start(data, size) && img_whole_add(w, r, "in", &err) < 0 &&
		    err.code == IMG_OK)
			wrong("verdict", &err);
	}
	judge(w);
	img_whole_reset(w);
	judge(w);
	img_whole_free(w);
	return 0;
}
