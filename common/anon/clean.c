/*
 * clean.c - free text by a list of words: what is not in the list goes, and
 * so does what is in it but is a name of this very object.
 */
#include "anon/inside.h"

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_in(const char *const *list, unsigned n, const char *word)
{
	unsigned low = 0, high = n;

	while (low < high) {
		unsigned mid = (low + high) / 2;
		int c = strcmp(list[mid], word);

		if (c == 0)
			return true;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static bool lower_case(const char *p, size_t n, char word[40])
{
	if (n >= 40)
		return false;
	for (size_t i = 0; i < n; i++)
		word[i] = (char)(p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i]);
	word[n] = '\0';
	return true;
}

bool anon_is_word(const char *p, size_t n)
{
	char word[40];

	return lower_case(p, n, word) &&
	       is_in(anon_words, anon_word_count, word);
}

bool img_anon_is_placeholder(const char *p, size_t n)
{
	char word[40];

	return lower_case(p, n, word) &&
	       is_in(anon_holders, anon_holder_count, word);
}

bool img_anon_is_common(const char *p, size_t n)
{
	return anon_is_word(p, n) || img_anon_is_placeholder(p, n);
}

/* Letters, digits, and what joins figures: "T2", "5.0", "12/05/2024". */
static size_t token(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (is_letter(p[i]) || is_digit(p[i]) ||
			 (unsigned char)p[i] >= 0x80 || p[i] == 0x1B ||
			 (i > 0 && i + 1 < n && is_digit(p[i - 1]) &&
			  is_digit(p[i + 1]) && strchr("./:-", p[i]))))
		i++;
	return i;
}

/* A measure: few digits, at most a point and a unit; or a letter and a digit
   as in T2 and L5. */
static bool is_measure(const char *p, size_t n)
{
	size_t digits = 0, points = 0, i = 0;

	while (i < n && (is_digit(p[i]) || p[i] == '.')) {
		digits += is_digit(p[i]);
		points += p[i++] == '.';
	}
	if (digits)
		return digits <= 4 && points <= 1 &&
		       (i == n || (n - i <= 3 && anon_is_word(p + i, n - i)) ||
			(n - i == 1 && is_letter(p[i])));
	return n <= 3 && is_letter(p[0]) && is_digit(p[1]) &&
	       (n == 2 || is_digit(p[2]) || is_letter(p[2]));
}

static bool may_stand(const struct img_anon *a, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] >= 0x80 || p[i] == 0x1B)
			return false;
	if (look_finds(&a->look, (const uint8_t *)p, n, LOOK_ALL))
		return false;
	return anon_is_word(p, n) ||
	       (n >= 1 && is_digit(p[0]) && n <= 8 && is_measure(p, n)) ||
	       (n >= 2 && n <= 3 && is_measure(p, n));
}

/* Appends what may stand; separators only between words. */
int anon_clean_text(const struct img_anon *a, const char *vr, const char *p,
		    size_t n, struct img_buf *out, struct img_err *err)
{
	char gap = '\0';
	size_t from = out->len;

	(void)vr;
	n = anon_trim(&p, n);
	for (size_t i = 0; i < n;) {
		size_t k = token(p + i, n - i);

		if (k == 0) {
			char c = p[i++];

			/* The strongest separator between two words. */
			if (c == '\\' || !gap || gap == ' ')
				gap = strchr(" ,;:/+-_()*%&=<>.\\", c) && c
					      ? c
					      : ' ';
			continue;
		}
		if (may_stand(a, p + i, k)) {
			if (gap && out->len > from &&
			    img_buf_putc(out, gap, err) < 0)
				return -1;
			if (img_buf_add(out, p + i, k, err) < 0)
				return -1;
			gap = '\0';
		} else if (gap != '\\') {
			gap = ' ';
		}
		i += k;
	}
	return 0;
}
