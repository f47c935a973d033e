/*
 * jsonl.c - fuzz target of the JSON reader, the emitter and the record.
 *
 * Whatever comes in: no crash, no hang, a verdict.  What the reader takes is
 * taken again when its members are put together anew.  A record that is
 * written reads as the same record: the second writing gives the same bytes.
 * Any bytes at all, emitted as a string, are valid UTF-8 and read back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void wrong(const char *what, const struct img_err *err)
{
	fprintf(stderr, "oracle: %s: %s\n", what, err->text);
	abort();
}

static int copy(void *arg, const char *key, const char *json,
		struct img_err *err)
{
	if (img_json_key(arg, key, err) < 0)
		return -1;
	return img_json_raw(arg, json, err);
}

static void object(const char *text, size_t n, struct img_buf *out)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_json *j = img_json_parse(text, n, &err), *again;

	if (!j) {
		if (err.code == IMG_OK)
			wrong("refused without a reason", &err);
		return;
	}
	img_buf_reset(out);
	if (img_json_open(out, '{', &err) < 0 ||
	    img_json_each(j, copy, out, &err) < 0 ||
	    img_json_close(out, '}', &err) < 0)
		wrong("members", &err);
	again = img_json_parse(out->data, out->len, &err);
	if (!again)
		wrong("members put together", &err);
	img_json_free(again);
	img_json_free(j);
}

static void record(const char *text, size_t n, struct img_buf *once,
		   struct img_buf *twice)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_record r;

	if (img_record_parse(&r, text, n, &err) < 0)
		return;
	img_buf_reset(once);
	img_buf_reset(twice);
	/* A record can grow over the limit by what it says itself. */
	if (img_record_write(&r, "fuzz", once, &err) < 0) {
		img_record_release(&r);
		return;
	}
	img_record_release(&r);
	if (memchr(once->data, '\n', once->len - 1))
		wrong("more than one line", &err);
	if (img_record_parse(&r, once->data, once->len, &err) < 0 ||
	    img_record_write(&r, "fuzz", twice, &err) < 0)
		wrong("written record", &err);
	img_record_release(&r);
	if (once->len != twice->len ||
	    memcmp(once->data, twice->data, once->len) != 0)
		wrong("second writing differs", &err);
}

static void string(const char *text, size_t n, struct img_buf *out)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_json *j;
	const char *back;

	img_buf_reset(out);
	if (img_json_open(out, '{', &err) < 0 ||
	    img_json_key(out, "k", &err) < 0 ||
	    img_json_str(out, text, n, &err) < 0 ||
	    img_json_close(out, '}', &err) < 0)
		wrong("emit", &err);
	j = img_json_parse(out->data, out->len, &err);
	if (memchr(text, '\0', n)) {
		img_json_free(j);
		return;
	}
	if (!j)
		wrong("emitted string", &err);
	back = img_json_get(j, "k");
	if (!back || (img_utf8_ok(text, n) &&
		      (strlen(back) != n || memcmp(back, text, n) != 0)))
		wrong("string differs", &err);
	img_json_free(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct img_buf once, twice;
	/* Exactly as long as it is: a byte too far is found. */
	char *text = malloc(size ? size : 1);

	if (!text || size > IMG_LINE_MAX / 8) {
		free(text);
		return 0;
	}
	if (!once.max) {
		img_buf_init(&once, 2 * IMG_LINE_MAX);
		img_buf_init(&twice, 2 * IMG_LINE_MAX);
	}
	if (size)
		memcpy(text, data, size);
	object(text, size, &once);
	record(text, size, &once, &twice);
	string(text, size, &once);
	free(text);
	return 0;
}
