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

/* What has a NUL is no word. */
static bool lower_case(const char *p, size_t n, char word[40])
{
	if (n >= 40 || memchr(p, '\0', n))
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

/* An escape sequence, with all that is in two bytes behind it (PS3.5 6.1.2.5):
   these look like letters and digits. */
static size_t escape(const char *p, size_t n)
{
	size_t i = 1;

	while (i < n && p[i] >= ' ' && p[i] <= '/')
		i++;
	if (i < n)
		i++;
	if (i > 2 && p[1] == '$' && p[2] != ')')
		while (i < n && p[i] != 0x1B && !strchr("\r\n\t\f", p[i]))
			i++;
	return i;
}

/* Letters, digits, and what joins figures: "T2", "5.0", "12/05/2024". */
static size_t token(const char *p, size_t n)
{
	size_t i = 0;

	if (n && p[0] == 0x1B)
		return escape(p, n);
	while (i < n && (is_letter(p[i]) || is_digit(p[i]) ||
			 (unsigned char)p[i] >= 0x80 ||
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

/* Of diffusion: b50, b1000. */
static bool is_b_value(const char *p, size_t n)
{
	if (n < 2 || n > 5 || (p[0] | 32) != 'b')
		return false;
	for (size_t i = 1; i < n; i++)
		if (!is_digit(p[i]))
			return false;
	return true;
}

/* As of a date; nobody knows whose. */
static bool is_year(const char *p, size_t n)
{
	return n == 4 && is_digit(p[2]) && is_digit(p[3]) &&
	       (memcmp(p, "19", 2) == 0 || memcmp(p, "20", 2) == 0);
}

/* What of a text is in the way of its cleaning. */
struct text {
	const char *p;
	size_t n, at; /* of the token in hand, of k bytes */
	size_t k;
	bool aged; /* the token before it says that an age follows */
};

static bool is_one_of(const char *p, size_t n, const char *list)
{
	char word[40];
	const char *at;

	if (n == 0 || !lower_case(p, n, word))
		return false;
	for (at = list; (at = strstr(at, word)) != NULL; at += n)
		if ((at == list || at[-1] == ' ') &&
		    (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

/* Where the next token begins. */
static size_t next_token(const struct text *t, size_t at)
{
	while (at < t->n && token(t->p + at, t->n - at) == 0)
		at++;
	return at;
}

/* More than 89 years, by the word before it, behind it, or at its end. */
static bool is_great_age(const struct text *t)
{
	static const char years[] = "y yo yr yrs year years j jahr jahre jaar "
				    "ans anos anni";
	const char *p = t->p + t->at;
	size_t i = 0, next = next_token(t, t->at + t->k);
	unsigned age = 0;

	while (i < t->k && i < 4 && is_digit(p[i]))
		age = age * 10 + (unsigned)(p[i++] - '0');
	if (age < 90 || age > 150)
		return false;
	if (i < t->k)
		return is_one_of(p + i, t->k - i, years);
	return t->aged ||
	       is_one_of(t->p + next, token(t->p + next, t->n - next), years);
}

/* An identifier of this object whose figures stand apart: up to where; 0. */
static size_t parted_id(const struct img_anon *a, const struct text *t)
{
	char figures[64];
	size_t n = 0, at = t->at, k = t->k, end = 0;

	while (k && n + k <= sizeof(figures)) {
		for (size_t i = 0; i < k; i++) {
			if (!is_digit(t->p[at + i]))
				return end;
			figures[n++] = t->p[at + i];
		}
		at += k;
		if (n > t->k &&
		    look_finds(&a->look, (uint8_t *)figures, n, LOOK_IDS))
			end = at;
		at = next_token(t, at);
		k = token(t->p + at, t->n - at);
	}
	return end;
}

static bool may_stand(const struct img_anon *a, const struct text *t)
{
	const char *p = t->p + t->at;
	size_t n = t->k;

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] >= 0x80 || p[i] == 0x1B)
			return false;
	if (look_finds(&a->look, (const uint8_t *)p, n, LOOK_ALL))
		return false;
	if (is_year(p, n) || is_great_age(t))
		return false;
	return anon_is_word(p, n) ||
	       (n >= 1 && is_digit(p[0]) && n <= 8 && is_measure(p, n)) ||
	       (n >= 2 && n <= 3 && is_measure(p, n)) || is_b_value(p, n);
}

/* Appends what may stand; separators only between words. */
int anon_clean_text(const struct img_anon *a, const char *vr, const char *p,
		    size_t n, struct img_buf *out, struct img_err *err)
{
	struct text t = { .p = p };
	char gap = '\0';
	size_t from = out->len, gone = 0;

	(void)vr;
	t.n = anon_trim(&t.p, n);
	for (; t.at < t.n; t.at += t.k ? t.k : 1) {
		t.k = token(t.p + t.at, t.n - t.at);
		if (t.k == 0) {
			char c = t.p[t.at];

			/* The strongest separator between two words. */
			if (c == '\\' || !gap || gap == ' ')
				gap = strchr(" ,;:/+-_()*%&=<>.\\", c) && c
					      ? c
					      : ' ';
			continue;
		}
		if (t.at >= gone)
			gone = parted_id(a, &t);
		if (t.at >= gone && may_stand(a, &t)) {
			if (gap && out->len > from &&
			    img_buf_putc(out, gap, err) < 0)
				return -1;
			if (img_buf_add(out, t.p + t.at, t.k, err) < 0)
				return -1;
			gap = '\0';
		} else if (gap != '\\') {
			gap = ' ';
		}
		t.aged = is_one_of(t.p + t.at, t.k, "age aged alter");
	}
	return 0;
}
