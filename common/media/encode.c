/* encode.c - a directory record as bytes (PS3.3 F.3.2.2, table F.3-3). */
#include <stdio.h>
#include <string.h>

#include "media/plan.h"

/* The elements of a record, tags ascending. */
struct making {
	struct img_media_set *m;
	const struct values *vs;
	uint8_t charset;
	uint32_t number_tag; /* an IS that is not among vs, or 0 */
	char number[12];
	struct img_buf *out;
};

static int put_text(struct img_buf *out, uint32_t tag, const char *vr,
		    const char *text, struct img_err *err)
{
	return media_put_element(out, tag, vr, text, strlen(text), err);
}

static int put_charset(const struct making *w, struct img_err *err)
{
	const struct charset *c = &w->m->charsets[w->charset];

	if (w->charset == CHARSET_ASCII)
		return 0;
	if (w->charset == CHARSET_UTF8)
		return put_text(w->out, TAG_CS, "CS", "ISO_IR 192", err);
	return media_put_element(w->out, TAG_CS, "CS", media_text(w->m, c->at),
				 c->length, err);
}

static int put_value(const struct making *w, const struct value *v,
		     struct img_err *err)
{
	struct img_buf utf8;
	int rc;

	if (v->charset == w->charset || v->charset == CHARSET_ASCII)
		return media_put_element(w->out, v->tag, v->vr,
					 media_text(w->m, v->at), v->length,
					 err);
	img_buf_init(&utf8, 8 * FACT_BYTES);
	rc = media_value_utf8(w->m, v, &utf8, err);
	if (rc == 0)
		rc = media_put_element(w->out, v->tag, v->vr, utf8.data,
				       utf8.len, err);
	img_buf_release(&utf8);
	return rc;
}

static int put_values(struct making *w, struct img_err *err)
{
	size_t i = 0;

	w->charset = media_charset_of(w->vs);
	if (put_charset(w, err) < 0)
		return -1;
	while (i < w->vs->count || w->number_tag) {
		const struct value *v = i < w->vs->count ? &w->vs->v[i] : NULL;

		if (w->number_tag && (!v || v->tag > w->number_tag)) {
			if (put_text(w->out, w->number_tag, "IS", w->number,
				     err) < 0)
				return -1;
			w->number_tag = 0;
			continue;
		}
		if (put_value(w, v, err) < 0)
			return -1;
		i++;
	}
	return 0;
}

int media_encode_group(struct img_media_set *m, const struct group *g,
		       struct img_buf *out, struct img_err *err)
{
	struct making w = { .m = m, .vs = &g->keys, .out = out };

	if (g->level == SERIES && !media_value_find(&g->keys, SERIES_NUMBER)) {
		w.number_tag = SERIES_NUMBER;
		snprintf(w.number, sizeof w.number, "%u", g->number);
	}
	if (put_text(out, IMG_TAG(0x0004, 0x1430), "CS",
		     media_group_type(g->level)->name, err) < 0)
		return -1;
	return put_values(&w, err);
}

int media_encode_object(struct img_media_set *m, const struct object *o,
			struct img_buf *out, struct img_err *err)
{
	struct making w = { .m = m, .vs = &o->keys, .out = out };
	char id[IMG_MEDIA_NAME];

	media_file_id(m, o, '\\', id);
	if (o->number_due) {
		w.number_tag = INSTANCE_NUMBER;
		snprintf(w.number, sizeof w.number, "%u", o->number);
	}
	if (put_text(out, IMG_TAG(0x0004, 0x1430), "CS", o->type->name, err) <
		    0 ||
	    put_text(out, IMG_TAG(0x0004, 0x1500), "CS", id, err) < 0 ||
	    put_text(out, IMG_TAG(0x0004, 0x1510), "UI",
		     media_text(m, o->sop_class), err) < 0 ||
	    put_text(out, IMG_TAG(0x0004, 0x1511), "UI", media_text(m, o->sop),
		     err) < 0 ||
	    put_text(out, IMG_TAG(0x0004, 0x1512), "UI",
		     media_text(m, o->target), err) < 0)
		return -1;
	return put_values(&w, err);
}
