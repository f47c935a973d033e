/*
 * read.c - one-line JSON in.  json-c judges and decodes; the text itself is
 * kept, so that what passes through is written again byte for byte (json-c
 * would round numbers beyond 64 bits).
 */
#include <errno.h>
#include <json-c/json.h>
#include <json-c/json_visit.h>
#include <stdlib.h>
#include <string.h>

#include "jsonl/guard.h"
#include "jsonl/jsonl.h"

#define DEPTH 8

struct img_json {
	struct json_object *object;
	const char *text; /* of this object, within the line */
	size_t n;
	char *line;            /* owned by the outermost */
	struct img_json *subs; /* views handed out, owned by the outermost */
};

static int parse_text(struct json_object **o, const char *s, size_t n,
		      struct img_err *err)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH);
	int rc = -1;

	if (!tok)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT |
					    JSON_TOKENER_VALIDATE_UTF8);
	errno = 0; /* it has no words for it */
	*o = json_tokener_parse_ex(tok, s, (int)n);
	if (errno == ENOMEM)
		img_err_set(err, IMG_E_NOMEM, "out of memory");
	else if (json_tokener_get_error(tok) == json_tokener_error_depth)
		img_err_set(err, IMG_E_LIMIT, "JSON nested deeper than %d",
			    DEPTH);
	else if (json_tokener_get_error(tok) == json_tokener_continue)
		img_err_set(err, IMG_E_MALFORMED, "JSON ends too early");
	else if (!*o)
		img_err_set(
			err, IMG_E_MALFORMED, "not JSON at byte %zu: %s",
			json_tokener_get_parse_end(tok),
			json_tokener_error_desc(json_tokener_get_error(tok)));
	else if (json_tokener_get_parse_end(tok) != n)
		img_err_set(err, IMG_E_MALFORMED, "text after the JSON object");
	else
		rc = 0;
	json_tokener_free(tok);
	return rc;
}

static int count_members(struct json_object *o, int flags,
			 struct json_object *parent, const char *key,
			 size_t *index, void *arg)
{
	size_t *members = arg;

	(void)parent, (void)key, (void)index;
	if (!(flags & JSON_C_VISIT_SECOND) &&
	    json_object_is_type(o, json_type_object))
		*members += (size_t)json_object_object_length(o);
	return JSON_C_VISIT_RETURN_CONTINUE;
}

static size_t members_of(struct json_object *o)
{
	size_t members = 0;

	/* The depth that json-c allows bounds this walk. */
	json_c_visit(o, 0, count_members, &members);
	return members;
}

/* Whether all of its text is there. */
static bool holds(const struct img_json *j, const struct img_json_span *span)
{
	size_t n = span->key_n - 2;
	struct json_object *o;
	char key[64];

	/* No key that is asked for is written so. */
	if (n >= sizeof(key) || memchr(span->key, '\\', span->key_n))
		return true;
	memcpy(key, span->key + 1, n);
	key[n] = '\0';
	if (!json_object_object_get_ex(j->object, key, &o))
		return false;
	return *span->value != '"' ||
	       memchr(span->value, '\\', span->value_n) ||
	       (size_t)json_object_get_string_len(o) == span->value_n - 2;
}

/* Without memory json-c leaves things out, and a number that it meets later
   hides it. */
static bool is_whole(const struct img_json *j)
{
	struct img_json_span span;
	size_t at = 0;

	while (img_json_walk(j->text, j->n, &at, &span))
		if (!holds(j, &span))
			return false;
	return true;
}

/* Fewer members than were written: of two with one key json-c keeps the last
   and says nothing; or they were left out, which would not happen again. */
static int lacks(const struct img_json *j, size_t written, struct img_err *err)
{
	struct json_object *again = NULL;
	size_t kept;

	if (parse_text(&again, j->text, j->n, err) < 0)
		return -1;
	kept = members_of(again);
	json_object_put(again);
	return kept == written
		       ? img_err_set(err, IMG_E_NOMEM, "out of memory")
		       : img_err_set(err, IMG_E_MALFORMED,
				     "a key stands twice in one object");
}

static int parse_object(struct img_json *j, struct img_err *err)
{
	size_t written;

	if (!img_utf8_ok(j->text, j->n))
		return img_err_set(err, IMG_E_MALFORMED, "not valid UTF-8");
	if (j->n == 0 || j->text[0] != '{')
		return img_err_set(err, IMG_E_MALFORMED, "not a JSON object");
	if (img_json_guard(j->text, j->n, &written, err) < 0 ||
	    parse_text(&j->object, j->text, j->n, err) < 0)
		return -1;
	if (members_of(j->object) != written)
		return lacks(j, written, err);
	return is_whole(j) ? 0 : img_err_set(err, IMG_E_NOMEM, "out of memory");
}

struct img_json *img_json_parse(const char *line, size_t n, struct img_err *err)
{
	struct img_json *j;

	while (n && strchr(" \t\r\n", line[n - 1]) && line[n - 1])
		n--;
	while (n && (*line == ' ' || *line == '\t'))
		line++, n--;
	if (n > IMG_LINE_MAX) {
		img_err_set(err, IMG_E_LIMIT, "line longer than %d bytes",
			    IMG_LINE_MAX);
		return NULL;
	}
	j = calloc(1, sizeof(*j));
	if (j)
		j->line = malloc(n + 1);
	if (!j || !j->line) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		free(j);
		return NULL;
	}
	if (n)
		memcpy(j->line, line, n);
	j->line[n] = '\0';
	j->text = j->line;
	j->n = n;
	if (parse_object(j, err) < 0) {
		img_json_free(j);
		return NULL;
	}
	return j;
}

void img_json_free(struct img_json *j)
{
	if (!j)
		return;
	while (j->subs) {
		struct img_json *next = j->subs->subs;

		free(j->subs);
		j->subs = next;
	}
	json_object_put(j->object);
	free(j->line);
	free(j);
}

static struct json_object *member(const struct img_json *j, const char *key)
{
	struct json_object *o = NULL;

	json_object_object_get_ex(j->object, key, &o);
	return o;
}

const char *img_json_get(const struct img_json *j, const char *key)
{
	struct json_object *o = member(j, key);

	return json_object_is_type(o, json_type_string)
		       ? json_object_get_string(o)
		       : NULL;
}

size_t img_json_strings(const struct img_json *j, const char *key,
			const char **out, size_t max)
{
	struct json_object *list = member(j, key), *o;
	size_t n = 0;

	if (!json_object_is_type(list, json_type_array))
		return 0;
	for (size_t i = 0; n < max && i < json_object_array_length(list); i++) {
		o = json_object_array_get_idx(list, i);
		if (json_object_is_type(o, json_type_string))
			out[n++] = json_object_get_string(o);
	}
	return n;
}

bool img_json_has(const struct img_json *j, const char *key)
{
	return json_object_object_get_ex(j->object, key, NULL);
}

/* Decodes the quoted key of a span into *decoded, or points at its bytes. */
static int span_key(const struct img_json_span *span, struct img_buf *key,
		    struct img_err *err)
{
	struct json_object *o = NULL;
	int rc;

	img_buf_reset(key);
	if (!memchr(span->key, '\\', span->key_n))
		return img_buf_add(key, span->key + 1, span->key_n - 2, err);
	if (parse_text(&o, span->key, span->key_n, err) < 0)
		return -1;
	rc = img_buf_puts(key, json_object_get_string(o), err);
	json_object_put(o);
	return rc;
}

/* Without memory, unless it was written with escapes. */
static bool has_key(const struct img_json_span *span, const char *key)
{
	struct img_err ignored = IMG_ERR_INIT;
	struct img_buf text;
	bool is;

	if (!memchr(span->key, '\\', span->key_n))
		return strlen(key) == span->key_n - 2 &&
		       memcmp(span->key + 1, key, span->key_n - 2) == 0;
	img_buf_init(&text, IMG_LINE_MAX);
	is = span_key(span, &text, &ignored) == 0 &&
	     strcmp(img_buf_str(&text), key) == 0;
	img_buf_release(&text);
	return is;
}

/* Finds a member's text. */
static bool find_span(const struct img_json *j, const char *key,
		      struct img_json_span *span)
{
	size_t at = 0;

	while (img_json_walk(j->text, j->n, &at, span))
		if (has_key(span, key))
			return true;
	return false;
}

bool img_json_get_u64(const struct img_json *j, const char *key, uint64_t *v)
{
	struct json_object *o = member(j, key);
	struct img_json_span span;
	char text[24];

	/* The text decides: json-c makes the largest number of larger ones. */
	if (!json_object_is_type(o, json_type_int) ||
	    !find_span(j, key, &span) || span.value_n >= sizeof(text))
		return false;
	memcpy(text, span.value, span.value_n);
	text[span.value_n] = '\0';
	return img_parse_u64(text, UINT64_MAX, v);
}

const struct img_json *img_json_sub(const struct img_json *j, const char *key)
{
	struct json_object *o = member(j, key);
	struct img_json *top = (struct img_json *)j, *sub;
	struct img_json_span span;

	if (!json_object_is_type(o, json_type_object) ||
	    !find_span(j, key, &span))
		return NULL;
	sub = calloc(1, sizeof(*sub));
	if (!sub)
		return NULL;
	sub->object = o;
	sub->text = span.value;
	sub->n = span.value_n;
	/* A view of a view hangs behind the view, in the same chain. */
	sub->subs = top->subs;
	top->subs = sub;
	return sub;
}

int img_json_each(const struct img_json *j,
		  int (*f)(void *arg, const char *key, const char *json,
			   struct img_err *err),
		  void *arg, struct img_err *err)
{
	struct img_json_span span;
	struct img_buf key, value;
	size_t at = 0;
	int rc = 0;

	img_buf_init(&key, IMG_LINE_MAX);
	img_buf_init(&value, IMG_LINE_MAX);
	while (rc == 0 && img_json_walk(j->text, j->n, &at, &span)) {
		img_buf_reset(&value);
		if (span_key(&span, &key, err) < 0 ||
		    img_buf_add(&value, span.value, span.value_n, err) < 0 ||
		    f(arg, img_buf_str(&key), img_buf_str(&value), err) < 0)
			rc = -1;
	}
	img_buf_release(&key);
	img_buf_release(&value);
	return rc;
}
