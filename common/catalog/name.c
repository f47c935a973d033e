/*
 * name.c - names of people: their search keys, and matching them.
 *
 * A key has the name's groups (PS3.5 6.2.1: alphabetic, ideographic,
 * phonetic), each folded to words with a space between, and '=' between the
 * groups.  A pattern is made the same way, with * and ? kept.
 */
#include <string.h>

#include "catalog/inside.h"
#include "dicom/dicom.h"

#define WORDS_MAX 32

struct words {
	size_t n;
	const char *at[WORDS_MAX];
	size_t len[WORDS_MAX];
};

int img_catalog_name_key(const char *name, struct img_buf *out,
			 struct img_err *err)
{
	for (;;) {
		size_t n = strcspn(name, "=");

		if (img_text_fold(name, n, out, err) < 0)
			return -1;
		if (!name[n])
			break;
		if (img_buf_putc(out, '=', err) < 0)
			return -1;
		name += n + 1;
	}
	while (out->len && out->data[out->len - 1] == '=')
		out->data[--out->len] = '\0';
	return 0;
}

/* Bytes of the character at s. */
static size_t step(const char *s, const char *end)
{
	size_t n = 1;

	while (s + n < end && ((unsigned char)s[n] & 0xC0) == 0x80)
		n++;
	return n;
}

/* * and ? as PS3.4 C.2.2.2.4; only the last * is ever gone back to. */
static bool glob(const char *p, size_t np, const char *s, size_t ns)
{
	const char *pend = p + np, *send = s + ns, *star = NULL, *from = s;

	while (s < send) {
		if (p < pend && *p == '*') {
			star = ++p;
			from = s;
		} else if (p < pend && *p == '?') {
			p++;
			s += step(s, send);
		} else if (p < pend && *p == *s) {
			p++;
			s++;
		} else if (star) {
			p = star;
			from += step(from, send);
			s = from;
		} else {
			return false;
		}
	}
	while (p < pend && *p == '*')
		p++;
	return p == pend;
}

static bool split(const char *s, size_t n, struct words *w)
{
	const char *end = s + n;

	w->n = 0;
	while (s < end) {
		const char *gap = memchr(s, ' ', (size_t)(end - s));
		const char *to = gap ? gap : end;

		if (w->n == WORDS_MAX)
			return false;
		w->at[w->n] = s;
		w->len[w->n++] = (size_t)(to - s);
		s = gap ? gap + 1 : end;
	}
	return true;
}

/* Each word of the pattern is matched by a word of its own, in any order. */
static bool match_words(const char *p, size_t np, const char *s, size_t ns)
{
	struct words pattern, words;
	bool used[WORDS_MAX] = { false };

	if (!split(p, np, &pattern) || !split(s, ns, &words))
		return false;
	if (pattern.n > words.n || (pattern.n < words.n && !memchr(p, '*', np)))
		return false;
	for (size_t i = 0; i < pattern.n; i++) {
		size_t k = 0;

		while (k < words.n &&
		       (used[k] || !glob(pattern.at[i], pattern.len[i],
					 words.at[k], words.len[k])))
			k++;
		if (k == words.n)
			return false;
		used[k] = true;
	}
	return true;
}

static bool match_any_group(const char *p, size_t np, const char *key)
{
	for (;;) {
		size_t n = strcspn(key, "=");

		if (glob(p, np, key, n) || match_words(p, np, key, n))
			return true;
		if (!key[n])
			return false;
		key += n + 1;
	}
}

/* Every group of the pattern matches one of the key (PS3.4 C.2.2.2.1). */
static bool match(const char *pattern, const char *key)
{
	for (;;) {
		size_t n = strcspn(pattern, "=");

		if (n && !match_any_group(pattern, n, key))
			return false;
		if (!pattern[n])
			return true;
		pattern += n + 1;
	}
}

/* img_name(key, pattern) */
static void name(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const char *key = (const char *)sqlite3_value_text(argv[0]);
	const char *pattern = (const char *)sqlite3_value_text(argv[1]);

	(void)argc;
	sqlite3_result_int(ctx, key && pattern && match(pattern, key));
}

/* img_name_key(name) */
static void name_key(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const char *text = (const char *)sqlite3_value_text(argv[0]);
	struct img_err err = IMG_ERR_INIT;
	struct img_buf key;

	(void)argc;
	if (!text)
		return;
	img_buf_init(&key, 1 << 20);
	if (img_catalog_name_key(text, &key, &err) < 0)
		sqlite3_result_error(ctx, err.text, -1);
	else
		sqlite3_result_text(ctx, img_buf_str(&key), (int)key.len,
				    SQLITE_TRANSIENT);
	img_buf_release(&key);
}

int img_catalog_name_functions(sqlite3 *db)
{
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
	int rc = sqlite3_create_function_v2(db, "img_name", 2, flags, NULL,
					    name, NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		return rc;
	return sqlite3_create_function_v2(db, "img_name_key", 1, flags, NULL,
					  name_key, NULL, NULL, NULL);
}
