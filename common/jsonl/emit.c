/* emit.c - one-line JSON out: runs of plain ASCII are copied whole. */
#include <string.h>

#include "jsonl/jsonl.h"

#define EVERY(c) (0x0101010101010101u * (uint64_t)(c))

/*
 * Bytes at the start of s that stand for themselves: neither controls, quote,
 * backslash, DEL, nor beyond ASCII.  Eight at a time: the high bit of a byte
 * of `bad` is set where that byte needs a closer look; a carry may set one
 * too many above a bad byte, never one too few.
 */
static size_t plain_run(const unsigned char *s, size_t n)
{
	size_t i = 0;

	for (; n - i >= 8; i += 8) {
		uint64_t w, quote, slash, del, bad;

		memcpy(&w, s + i, 8);
		quote = w ^ EVERY('"');
		slash = w ^ EVERY('\\');
		del = w ^ EVERY(0x7F);
		bad = ((w - EVERY(0x20)) | (quote - EVERY(1)) |
		       (slash - EVERY(1)) | (del - EVERY(1)) | w) &
		      EVERY(0x80);
		if (bad)
			break;
	}
	while (i < n && s[i] >= 0x20 && s[i] < 0x7F && s[i] != '"' &&
	       s[i] != '\\')
		i++;
	return i;
}

/* Writes one byte that is not plain ASCII, or one character of several
   bytes; the number of bytes it took from s, 0 when the buffer is full. */
static size_t put_special(struct img_buf *b, const unsigned char *s, size_t n,
			  struct img_err *err)
{
	static const char letters[] = "btn\0fr"; /* 8 to 13 */
	size_t len;
	int rc;

	if (s[0] == '"' || s[0] == '\\') {
		char pair[2] = { '\\', (char)s[0] };

		return img_buf_add(b, pair, 2, err) < 0 ? 0 : 1;
	}
	if (s[0] >= 8 && s[0] <= 13 && letters[s[0] - 8]) {
		char pair[2] = { '\\', letters[s[0] - 8] };

		return img_buf_add(b, pair, 2, err) < 0 ? 0 : 1;
	}
	if (s[0] < 0x80)
		return img_buf_printf(b, err, "\\u%04x", s[0]) < 0 ? 0 : 1;
	/* C1 controls can drive a terminal, so they are written as escapes. */
	if (s[0] == 0xC2 && n > 1 && s[1] >= 0x80 && s[1] < 0xA0)
		return img_buf_printf(b, err, "\\u%04x", s[1]) < 0 ? 0 : 2;
	len = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
	if (len <= n && img_utf8_ok((const char *)s, len)) {
		rc = img_buf_add(b, s, len, err);
	} else {
		len = 1;
		rc = img_buf_add(b, "\xEF\xBF\xBD", 3, err);
	}
	return rc < 0 ? 0 : len;
}

static int put_quoted(struct img_buf *b, const char *text, size_t n,
		      struct img_err *err)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t run = plain_run(s, n);

	/* Nearly always all of it. */
	if (run == n) {
		if (img_buf_grow(b, n + 2, err) < 0)
			return -1;
		b->data[b->len] = '"';
		if (n)
			memcpy(b->data + b->len + 1, s, n);
		b->data[b->len + n + 1] = '"';
		b->len += n + 2;
		b->data[b->len] = '\0';
		return 0;
	}
	if (img_buf_putc(b, '"', err) < 0)
		return -1;
	for (size_t i = 0; i < n; run = plain_run(s + i, n - i)) {
		size_t took = 0;

		if (run && img_buf_add(b, s + i, run, err) < 0)
			return -1;
		i += run;
		if (i < n) {
			took = put_special(b, s + i, n - i, err);
			if (!took)
				return -1;
		}
		i += took;
	}
	return img_buf_putc(b, '"', err);
}

/* A comma, unless this is the first thing after a bracket, key or line. */
static int put_comma(struct img_buf *b, struct img_err *err)
{
	char last = b->len ? b->data[b->len - 1] : '\n';

	if (last == '{' || last == '[' || last == ':' || last == '\n')
		return 0;
	return img_buf_putc(b, ',', err);
}

int img_json_open(struct img_buf *b, char bracket, struct img_err *err)
{
	if (put_comma(b, err) < 0)
		return -1;
	return img_buf_putc(b, bracket, err);
}

int img_json_close(struct img_buf *b, char bracket, struct img_err *err)
{
	return img_buf_putc(b, bracket, err);
}

int img_json_key(struct img_buf *b, const char *key, struct img_err *err)
{
	if (put_comma(b, err) < 0 || put_quoted(b, key, strlen(key), err) < 0)
		return -1;
	return img_buf_putc(b, ':', err);
}

int img_json_str(struct img_buf *b, const char *s, size_t n,
		 struct img_err *err)
{
	if (put_comma(b, err) < 0)
		return -1;
	return put_quoted(b, s, n, err);
}

int img_json_u64(struct img_buf *b, uint64_t v, struct img_err *err)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	if (put_comma(b, err) < 0)
		return -1;
	return img_buf_add(b, digits + at, sizeof(digits) - at, err);
}

int img_json_raw(struct img_buf *b, const char *json, struct img_err *err)
{
	if (put_comma(b, err) < 0)
		return -1;
	return img_buf_puts(b, json, err);
}

int img_json_put(struct img_buf *b, const char *key, const char *s,
		 struct img_err *err)
{
	if (!s)
		return 0;
	if (img_json_key(b, key, err) < 0)
		return -1;
	return put_quoted(b, s, strlen(s), err);
}

int img_json_put_u64(struct img_buf *b, const char *key, uint64_t v,
		     struct img_err *err)
{
	if (img_json_key(b, key, err) < 0)
		return -1;
	return img_json_u64(b, v, err);
}
