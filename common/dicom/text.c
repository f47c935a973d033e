/* text.c - UTF-8 texts: their search keys and their width. */
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>
#include <uniwidth.h>

#include "dicom/dicom.h"

#define PIECE 2048 /* bytes folded at a time: bounds the memory */

/* Letters with a stroke or joined, which do not decompose in Unicode. */
static const struct {
	uint16_t from;
	char to[3];
} plain_of[] = {
	{ 0x00E6, "ae" }, { 0x00F0, "d" }, { 0x00F8, "o" }, { 0x00FE, "th" },
	{ 0x0111, "d" },  { 0x0127, "h" }, { 0x0131, "i" }, { 0x0142, "l" },
	{ 0x0153, "oe" }, { 0x0167, "t" },
};

static bool is_gap(ucs4_t c)
{
	return c == ' ' || c == '^' || c == '=' || c == ',' ||
	       (c >= '\t' && c <= '\r');
}

/* Puts one character of a key; a gap is put when a letter follows it. */
static int put(ucs4_t c, bool *gap, size_t start, struct img_buf *out,
	       struct img_err *err)
{
	uint8_t s[6];
	int n;

	if (is_gap(c)) {
		*gap = true;
		return 0;
	}
	if (*gap && out->len > start && img_buf_putc(out, ' ', err) < 0)
		return -1;
	*gap = false;
	for (size_t i = 0; i < sizeof plain_of / sizeof *plain_of; i++)
		if (plain_of[i].from == c)
			return img_buf_puts(out, plain_of[i].to, err);
	n = u8_uctomb(s, c, sizeof s);
	return n < 0 ? 0 : img_buf_add(out, s, (size_t)n, err);
}

/*
 * Whether a decomposed mark is left out.  Those of kana are not: they make
 * other syllables; nor are those of scripts whose vowels are marks.
 */
static bool is_dropped(ucs4_t c)
{
	if (uc_is_general_category(c, UC_FORMAT) || c == 0x0640)
		return true;
	if (!uc_is_general_category(c, UC_NON_SPACING_MARK))
		return false;
	return c < 0x0700 || (c >= 0x1AB0 && c < 0x1B00) ||
	       (c >= 0x1DC0 && c < 0x1E00) || (c >= 0x20D0 && c < 0x2100) ||
	       (c >= 0xFE00 && c < 0xFE30);
}

static int no_memory(struct img_err *err)
{
	return img_err_set(err, IMG_E_NOMEM, "out of memory");
}

static int fold_piece(const uint8_t *s, size_t n, bool *gap, size_t start,
		      struct img_buf *out, struct img_err *err)
{
	uint8_t *d, *f = NULL;
	size_t len = 0, keep = 0;
	ucs4_t c;
	int rc = -1;

	d = u8_normalize(UNINORM_NFKD, s, n, NULL, &len);
	if (!d)
		return no_memory(err);
	for (size_t i = 0; i < len;) {
		size_t step = (size_t)u8_mbtouc(&c, d + i, len - i);

		if (!is_dropped(c)) {
			memmove(d + keep, d + i, step);
			keep += step;
		}
		i += step;
	}
	/* Composed again, so that a syllable is one character to '?'. */
	f = u8_casefold(d, keep, NULL, UNINORM_NFC, NULL, &len);
	if (!f) {
		no_memory(err);
		goto out;
	}
	for (size_t i = 0; i < len;) {
		i += (size_t)u8_mbtouc(&c, f + i, len - i);
		if (put(c, gap, start, out, err) < 0)
			goto out;
	}
	rc = 0;
out:
	free(f);
	free(d);
	return rc;
}

/* Whether a character never joins what is before it: a mark would. */
static bool stands_alone(const uint8_t *s, size_t n)
{
	ucs4_t c;

	u8_mbtouc(&c, s, n);
	return c < 0x80 || (c >= 0x3041 && c <= 0x3096) ||
	       (c >= 0x30A1 && c <= 0x30FA) || (c >= 0x4E00 && c <= 0x9FFF) ||
	       (c >= 0xAC00 && c <= 0xD7A3);
}

/* The longest piece that ends between characters, and if that can be, before
   one that stands alone. */
static size_t cut(const uint8_t *s, size_t n)
{
	size_t len;

	for (len = PIECE; len > PIECE / 2; len--)
		if ((s[len] & 0xC0) != 0x80 && stands_alone(s + len, n - len))
			return len;
	for (len = PIECE; len > PIECE - 3; len--)
		if ((s[len] & 0xC0) != 0x80)
			break;
	return len;
}

/* The bytes to fold together: well formed, and cut between characters.  0
   if the first byte is not UTF-8. */
static size_t piece_len(const uint8_t *s, size_t n)
{
	size_t len = n > PIECE ? cut(s, n) : n;
	const uint8_t *bad;

	bad = u8_check(s, len);
	return bad ? (size_t)(bad - s) : len;
}

static size_t ascii_span(const uint8_t *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i] < 0x80)
		i++;
	/* The last letter may carry a mark that follows it. */
	return i && i < n ? i - 1 : i;
}

int img_text_fold(const char *utf8, size_t n, struct img_buf *out,
		  struct img_err *err)
{
	const uint8_t *s = (const uint8_t *)utf8;
	size_t start = out->len, ascii = ascii_span(s, n);
	bool gap = false;

	for (size_t i = 0; i < ascii; i++) {
		ucs4_t c = s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32u : s[i];

		if (put(c, &gap, start, out, err) < 0)
			return -1;
	}
	for (size_t i = ascii; i < n;) {
		size_t len = piece_len(s + i, n - i);

		if (len) {
			if (fold_piece(s + i, len, &gap, start, out, err) < 0)
				return -1;
		} else {
			if (put(0xFFFD, &gap, start, out, err) < 0)
				return -1;
			len = 1;
		}
		i += len;
	}
	return 0;
}

size_t img_text_width(const char *utf8, size_t n)
{
	const uint8_t *s = (const uint8_t *)utf8;
	size_t width = 0;

	for (size_t i = 0; i < n;) {
		ucs4_t c;
		int w;

		i += (size_t)u8_mbtouc(&c, s + i, n - i);
		w = uc_width(c, "UTF-8");
		if (w > 0)
			width += (size_t)w;
	}
	return width;
}
