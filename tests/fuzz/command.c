/*
 * command.c - fuzz target of command sets (PS3.7 6.3.1): DCMTK's parser
 * behind our check.
 *
 * Whatever comes in: no crash, a verdict.  What was taken apart is put
 * together, and comes apart the same.
 */
#include "dcmtk/dcmtk.h"
#include "fuzz.h"

static bool same(const struct img_command *a, const struct img_command *b)
{
	bool answer = (a->field & IMG_DIMSE_RSP) != 0;
	bool typed = (a->field & ~IMG_DIMSE_RSP) == IMG_N_EVENT_RQ ||
		     (a->field & ~IMG_DIMSE_RSP) == IMG_N_ACTION_RQ;

	return a->field == b->field && a->message == b->message &&
	       a->data == b->data && (!answer || a->status == b->status) &&
	       (!typed || a->type == b->type) &&
	       strcmp(a->sop_class, b->sop_class) == 0 &&
	       strcmp(a->instance, b->instance) == 0;
}

/* DCMTK takes spaces off UIDs, and a number of values for one. */
static bool is_plain(const char *uid)
{
	return !uid[strspn(uid, "0123456789.")];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_command once, twice;
	static struct img_buf out;
	uint8_t *p = malloc(size + 1);
	int rc;

	if (!out.max)
		img_buf_init(&out, IMG_COMMAND_MAX);
	if (!p)
		return 0;
	/* Exactly as long as it is, and a NUL, as in net. */
	memcpy(p, data, size);
	p[size] = '\0';
	memset(&once, 0xA5, sizeof(once));
	rc = img_command_get(&once, p, size, &err);
	free(p);
	fuzz_verdict(rc, &err);
	if (rc < 0)
		return 0;
	fuzz_must(strnlen(once.sop_class, 65) < 65 &&
			  strnlen(once.instance, 65) < 65 && !*once.comment,
		  "a text without an end");
	if (!is_plain(once.sop_class) || !is_plain(once.instance))
		return 0;
	img_buf_reset(&out);
	if (img_command_put(&once, &out, &err) < 0 ||
	    img_command_get(&twice, out.data, out.len, &err) < 0)
		fuzz_wrong("put", &err);
	fuzz_must(out.len % 2 == 0, "an odd length");
	fuzz_must(once.field == 0x0FFF || same(&once, &twice),
		  "comes back otherwise");
	return 0;
}
