/* trace.c - the report: what was done with which attribute, no values. */
#include <stdio.h>

#include "anon/inside.h"
#include "jsonl/jsonl.h"

void anon_trace(struct img_anon *a, const struct img_dicom_event *ev,
		const struct ruling *u)
{
	struct trace *t;

	if (!a->trace || a->traces == TRACE_MAX) {
		a->untraced++;
		return;
	}
	t = &a->trace[a->traces++];
	t->tag = ev->tag;
	t->action = (uint8_t)u->action;
	t->from = u->from;
	t->instead = u->instead;
	t->around = a->open ? a->around[a->open - 1] : 0;
	t->depth = (uint8_t)ev->depth;
}

static int put_tag(struct img_buf *out, const char *key, uint32_t tag,
		   struct img_err *err)
{
	char text[12];

	img_dict_format_tag(tag, text);
	return img_json_put(out, key, text, err);
}

static int put_one(const struct trace *t, struct img_buf *out,
		   struct img_err *err)
{
	static const char letters[] = "-XZDUKC";
	char action[2] = { letters[t->action <= IMG_ACT_C ? t->action : 0], 0 };
	char was[2] = { letters[t->instead <= IMG_ACT_C ? t->instead : 0], 0 };
	int row = anon_row_of(t->tag);

	if (img_json_open(out, '{', err) < 0 ||
	    put_tag(out, "tag", t->tag, err) < 0 ||
	    (row != ANON_NO_ROW &&
	     img_json_put(out, "row", anon_rows[row].keyword, err) < 0) ||
	    (t->around && put_tag(out, "in", t->around, err) < 0) ||
	    img_json_put_u64(out, "depth", t->depth, err) < 0 ||
	    img_json_put(out, "action", action, err) < 0 ||
	    img_json_put(out, "option", img_anon_option_name(t->from), err) <
		    0 ||
	    (t->from == ANON_BY_RULES &&
	     img_json_put(out, "instead", was, err) < 0))
		return -1;
	return img_json_close(out, '}', err);
}

int img_anon_report(const struct img_anon *a, struct img_buf *out,
		    struct img_err *err)
{
	if (img_json_open(out, '{', err) < 0 ||
	    img_json_put(out, "SOPInstanceUID", a->facts.sop, err) < 0 ||
	    (a->reason[0] &&
	     img_json_put(out, "withheld", a->reason, err) < 0) ||
	    img_json_key(out, "actions", err) < 0 ||
	    img_json_open(out, '[', err) < 0)
		return -1;
	for (unsigned i = 0; i < a->traces; i++)
		if (put_one(&a->trace[i], out, err) < 0)
			return -1;
	if (img_json_close(out, ']', err) < 0 ||
	    (a->untraced &&
	     img_json_put_u64(out, "more", a->untraced, err) < 0) ||
	    img_json_close(out, '}', err) < 0)
		return -1;
	return img_buf_putc(out, '\n', err);
}
