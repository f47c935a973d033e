/* record.c - the record that travels between commands. */
#include <stddef.h>
#include <string.h>

#include "record/record.h"

/* The known members that are text, in the order of imgrecord(5). */
static const struct text_key {
	const char *key;
	size_t offset;
} heads[] = {
	{ "status", offsetof(struct img_record, status) },
	{ "path", offsetof(struct img_record, path) },
	{ "StudyInstanceUID", offsetof(struct img_record, study) },
	{ "SeriesInstanceUID", offsetof(struct img_record, series) },
	{ "SOPInstanceUID", offsetof(struct img_record, sop) },
	{ "SOPClassUID", offsetof(struct img_record, sop_class) },
	{ "TransferSyntaxUID", offsetof(struct img_record, transfer_syntax) },
	{ "Modality", offsetof(struct img_record, modality) },
}, tails[] = {
	{ "digest", offsetof(struct img_record, digest) },
	{ "reason", offsetof(struct img_record, reason) },
};
#define N(array) (sizeof(array) / sizeof((array)[0]))

static const char **text_at(struct img_record *r, const struct text_key *k)
{
	return (const char **)((char *)r + k->offset);
}

static const char *text_of(const struct img_record *r, const struct text_key *k)
{
	return *(const char *const *)((const char *)r + k->offset);
}

static bool is_known(const char *key)
{
	for (size_t i = 0; i < N(heads); i++)
		if (strcmp(key, heads[i].key) == 0)
			return true;
	for (size_t i = 0; i < N(tails); i++)
		if (strcmp(key, tails[i].key) == 0)
			return true;
	return strcmp(key, "bytes") == 0 || strcmp(key, "warning") == 0 ||
	       strcmp(key, "error") == 0;
}

void img_record_init(struct img_record *r)
{
	/* Not the whole: error.text alone is half a kilobyte. */
	memset(r, 0, offsetof(struct img_record, error));
	img_err_clear(&r->error);
	r->error_by = NULL;
	r->cause = NULL;
	r->extra = NULL;
	r->in = NULL;
}

void img_record_release(struct img_record *r)
{
	img_json_free(r->in);
	img_record_init(r);
}

bool img_record_has_status(const struct img_record *r, const char *words)
{
	size_t n = r->status ? strlen(r->status) : 0;

	for (; n && *words; words += *words == ' ') {
		size_t k = strcspn(words, " ");

		if (k == n && memcmp(words, r->status, n) == 0)
			return true;
		words += k;
	}
	return false;
}

void img_record_warn(struct img_record *r, const char *text)
{
	for (size_t i = 0; i < r->warnings; i++)
		if (strcmp(r->warning[i], text) == 0)
			return;
	if (r->warnings < IMG_RECORD_WARNINGS)
		r->warning[r->warnings++] = text;
}

/* ---- reading ---------------------------------------------------------- */

static int wrong_type(const char *key, struct img_err *err)
{
	return img_err_set(err, IMG_E_MALFORMED,
			   "record: \"%s\" is of the wrong type", key);
}

static int parse_texts(struct img_record *r, const struct text_key *keys,
		       size_t n, struct img_err *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *s = img_json_get(r->in, keys[i].key);

		if (!s && img_json_has(r->in, keys[i].key))
			return wrong_type(keys[i].key, err);
		*text_at(r, &keys[i]) = s;
	}
	return 0;
}

static int parse_error(struct img_record *r, struct img_err *err)
{
	const struct img_json *e = img_json_sub(r->in, "error");
	const char *code, *message;
	size_t n;

	if (!e)
		return img_json_has(r->in, "error") ? wrong_type("error", err)
						    : 0;
	code = img_json_get(e, "code");
	message = img_json_get(e, "message");
	r->error.code = code ? img_code_of(code) : IMG_E_BUG;
	r->error_by = img_json_get(e, "by");
	n = message ? strnlen(message, sizeof(r->error.text) - 1) : 0;
	while (n && !img_utf8_ok(message, n))
		n--;
	if (n)
		memcpy(r->error.text, message, n);
	r->error.text[n] = '\0';
	return 0;
}

int img_record_parse(struct img_record *r, const char *line, size_t n,
		     struct img_err *err)
{
	img_record_init(r);
	r->in = img_json_parse(line, n, err);
	if (!r->in)
		return -1;
	r->has_bytes = img_json_get_u64(r->in, "bytes", &r->bytes);
	r->warnings = img_json_strings(r->in, "warning", r->warning,
				       IMG_RECORD_WARNINGS);
	if (!r->has_bytes && img_json_has(r->in, "bytes"))
		wrong_type("bytes", err);
	else if (parse_texts(r, heads, N(heads), err) == 0 &&
		 parse_texts(r, tails, N(tails), err) == 0 &&
		 parse_error(r, err) == 0)
		return 0;
	img_record_release(r);
	return -1;
}

/* ---- writing ---------------------------------------------------------- */

static int put_texts(const struct img_record *r, const struct text_key *keys,
		     size_t n, struct img_buf *out, struct img_err *err)
{
	for (size_t i = 0; i < n; i++)
		if (img_json_put(out, keys[i].key, text_of(r, &keys[i]), err) <
		    0)
			return -1;
	return 0;
}

static int put_warnings(const struct img_record *r, struct img_buf *out,
			struct img_err *err)
{
	if (img_json_key(out, "warning", err) < 0 ||
	    img_json_open(out, '[', err) < 0)
		return -1;
	for (size_t i = 0; i < r->warnings; i++)
		if (img_json_str(out, r->warning[i], strlen(r->warning[i]),
				 err) < 0)
			return -1;
	return img_json_close(out, ']', err);
}

static int put_error(const struct img_record *r, const char *command,
		     struct img_buf *out, struct img_err *err)
{
	if (img_json_key(out, "error", err) < 0 ||
	    img_json_open(out, '{', err) < 0 ||
	    img_json_put(out, "code", img_code_word(r->error.code), err) < 0 ||
	    img_json_put(out, "message", r->error.text, err) < 0 ||
	    img_json_put(out, "by", r->error_by ? r->error_by : command, err) <
		    0)
		return -1;
	return img_json_close(out, '}', err);
}

struct rest {
	struct img_buf *out;
	struct img_json *extra; /* what must not be written twice */
};

static int put_unknown(void *arg, const char *key, const char *json,
		       struct img_err *err)
{
	struct rest *rest = arg;

	if (is_known(key) || (rest->extra && img_json_has(rest->extra, key)))
		return 0;
	if (img_json_key(rest->out, key, err) < 0)
		return -1;
	return img_json_raw(rest->out, json, err);
}

/* The members of `in` that neither we nor extra know. */
static int put_rest(const struct img_record *r, struct img_buf *out,
		    struct img_err *err)
{
	struct rest rest = { .out = out };
	struct img_buf wrapped;
	int rc = -1;

	img_buf_init(&wrapped, IMG_LINE_MAX);
	if (r->extra) {
		if (img_buf_printf(&wrapped, err, "{%s}", r->extra) < 0)
			goto out;
		rest.extra = img_json_parse(wrapped.data, wrapped.len, err);
		if (!rest.extra)
			goto out;
	}
	rc = img_json_each(r->in, put_unknown, &rest, err);
out:
	img_json_free(rest.extra);
	img_buf_release(&wrapped);
	return rc;
}

static int put_record(const struct img_record *r, const char *command,
		      struct img_buf *out, struct img_err *err)
{
	if (img_buf_putc(out, '{', err) < 0)
		return -1;
	if (!r->status && r->error.code != IMG_OK &&
	    img_json_put(out, "status", "failed", err) < 0)
		return -1;
	if (put_texts(r, heads, N(heads), out, err) < 0 ||
	    (r->has_bytes &&
	     img_json_put_u64(out, "bytes", r->bytes, err) < 0) ||
	    put_texts(r, tails, N(tails), out, err) < 0 ||
	    (r->warnings && put_warnings(r, out, err) < 0) ||
	    (r->error.code != IMG_OK && put_error(r, command, out, err) < 0) ||
	    (r->extra && *r->extra && img_json_raw(out, r->extra, err) < 0) ||
	    (r->in && put_rest(r, out, err) < 0))
		return -1;
	return img_buf_add(out, "}\n", 2, err);
}

int img_record_write(const struct img_record *r, const char *command,
		     struct img_buf *out, struct img_err *err)
{
	size_t before = out->len;

	/* Every line stands for itself: no comma after what is there. */
	if (put_record(r, command, out, err) == 0 &&
	    out->len - before <= IMG_LINE_MAX)
		return 0;
	img_err_set(err, IMG_E_LIMIT, "record longer than %d bytes",
		    IMG_LINE_MAX);
	out->len = before;
	if (out->data)
		out->data[before] = '\0';
	return -1;
}
