/*
 * jsonl.h - one JSON object a line: an emitter of our own, and json-c behind
 * the reader.
 *
 * Lines are UTF-8 and at most IMG_LINE_MAX bytes.  The reader is strict:
 * valid UTF-8, one object, nothing after it, depth 8, keys unique, no NUL
 * characters.  What img_json_each hands out is the text as it was read.
 */
#ifndef IMG_JSONL_H
#define IMG_JSONL_H

#include "base/base.h"

#define IMG_LINE_MAX (1024 * 1024)

/* ---- emitting, into a struct img_buf ---------------------------------- */

/* Commas are put by looking at the last byte, so calls can be mixed freely.
   Text that is not valid UTF-8 has its bad bytes replaced by U+FFFD. */
int img_json_open(struct img_buf *b, char bracket, struct img_err *err);
int img_json_close(struct img_buf *b, char bracket, struct img_err *err);
int img_json_key(struct img_buf *b, const char *key, struct img_err *err);
int img_json_str(struct img_buf *b, const char *s, size_t n,
		 struct img_err *err);
int img_json_u64(struct img_buf *b, uint64_t v, struct img_err *err);
int img_json_raw(struct img_buf *b, const char *json, struct img_err *err);
/* key and value in one; a NULL s writes nothing. */
int img_json_put(struct img_buf *b, const char *key, const char *s,
		 struct img_err *err);
int img_json_put_u64(struct img_buf *b, const char *key, uint64_t v,
		     struct img_err *err);

/* ---- reading ---------------------------------------------------------- */

struct img_json; /* an object */

/* The object of one line (no newline needed).  Free with img_json_free. */
struct img_json *img_json_parse(const char *line, size_t n,
				struct img_err *err);
void img_json_free(struct img_json *j);
/* The value of key if it is a string, else NULL; lives as long as j. */
const char *img_json_get(const struct img_json *j, const char *key);
/* The strings of the array at key, at most max; they live as long as j. */
size_t img_json_strings(const struct img_json *j, const char *key,
			const char **out, size_t max);
bool img_json_get_u64(const struct img_json *j, const char *key, uint64_t *v);
bool img_json_has(const struct img_json *j, const char *key);
/* A member that is an object, as a view into j (not to be freed); NULL. */
const struct img_json *img_json_sub(const struct img_json *j, const char *key);
/* Calls f for each member in order with its value as JSON text; stops at -1. */
int img_json_each(const struct img_json *j,
		  int (*f)(void *arg, const char *key, const char *json,
			   struct img_err *err),
		  void *arg, struct img_err *err);

#endif
