/*
 * spell.c - names, identifiers and dates as others write them: "MÜLLER" and
 * "Mueller" for Müller, characters of Chinese without a gap, 4 March 1928.
 */
#include "anon/inside.h"

/* ---- names ------------------------------------------------------------ */

/* Letters that many write as two, in UTF-8. */
static const struct {
	char letter[3], two[3];
} twos[] = { { "\xC3\xA4", "ae" }, { "\xC3\x84", "AE" }, { "\xC3\xB6", "oe" },
	     { "\xC3\x96", "OE" }, { "\xC3\xBC", "ue" }, { "\xC3\x9C", "UE" },
	     { "\xC3\xA5", "aa" }, { "\xC3\x85", "AA" }, { "\xC3\xB8", "oe" },
	     { "\xC3\x98", "OE" } };

static const char *two_of(const char *p, size_t n)
{
	for (size_t i = 0; n >= 2 && i < sizeof(twos) / sizeof(twos[0]); i++)
		if (memcmp(twos[i].letter, p, 2) == 0)
			return twos[i].two;
	return NULL;
}

/* Appends the text with two letters for such a one: 1 it had any, 0, -1. */
static int expand(const char *p, size_t n, struct img_buf *out,
		  struct img_err *err)
{
	int any = 0;

	for (size_t i = 0; i < n; i++) {
		const char *two = two_of(p + i, n - i);

		if (two ? img_buf_puts(out, two, err) < 0
			: img_buf_putc(out, p[i], err) < 0)
			return -1;
		if (two) {
			any = 1;
			i++;
		}
	}
	return any;
}

static bool is_ascii(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)p[i] >= 0x80)
			return false;
	return true;
}

/* Of a name in characters that need no gap: without one. */
static int add_joined(struct look *l, const char *p, size_t n,
		      struct img_err *err)
{
	char joined[256];
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == ' ')
			continue;
		if ((uint8_t)p[i] < 0x80 || k == sizeof(joined))
			return 0;
		joined[k++] = p[i];
	}
	return look_add_name(l, joined, k, err);
}

/* The key of p, and that of p with two letters for one: 1 there is one, 0, -1. */
static int key_of(const char *p, size_t n, bool two, struct img_buf *wide,
		  struct img_buf *key, struct img_err *err)
{
	int any = 1;

	img_buf_reset(wide);
	img_buf_reset(key);
	if (two) {
		any = expand(p, n, wide, err);
		p = img_buf_str(wide);
		n = wide->len;
	}
	if (any > 0 && img_text_fold(p, n, key, err) < 0)
		return -1;
	return any;
}

static int add_group(struct look *l, const char *p, size_t n,
		     struct img_buf *wide, struct img_buf *key,
		     struct img_err *err)
{
	for (int two = 0; two < 2; two++) {
		int any = key_of(p, n, two, wide, key, err);

		if (any <= 0)
			return any;
		if (look_add_name(l, img_buf_str(key), key->len, err) < 0 ||
		    add_joined(l, img_buf_str(key), key->len, err) < 0)
			return -1;
	}
	return 0;
}

int look_add_spellings(struct look *l, const char *utf8, size_t n,
		       struct img_err *err)
{
	struct img_buf wide, key;
	int rc = 0;

	img_buf_init(&wide, SPELT_MAX);
	img_buf_init(&key, SPELT_MAX);
	for (size_t from = 0, i = 0; rc == 0 && i <= n; i++) {
		if (i < n && utf8[i] != '=' && utf8[i] != '\\')
			continue;
		rc = add_group(l, utf8 + from, i - from, &wide, &key, err);
		from = i + 1;
	}
	img_buf_release(&wide);
	img_buf_release(&key);
	return rc;
}

int look_finds_spelt(const struct look *l, const char *utf8, size_t n,
		     unsigned what, struct img_err *err)
{
	struct img_buf wide, key;
	int rc = 0, any = 1;

	if (is_ascii(utf8, n))
		return 0;
	img_buf_init(&wide, SPELT_MAX);
	img_buf_init(&key, SPELT_MAX);
	for (int two = 0; two < 2 && any > 0 && rc == 0; two++) {
		any = key_of(utf8, n, two, &wide, &key, err);
		if (any > 0)
			rc = look_finds(l, (const uint8_t *)img_buf_str(&key),
					key.len, what);
	}
	img_buf_release(&wide);
	img_buf_release(&key);
	return any < 0 ? -1 : rc;
}

/* ---- identifiers ------------------------------------------------------ */

static int add_bare(struct look *l, enum look_kind kind, const char *p,
		    size_t n, struct img_err *err)
{
	return n < 5 ? 0 : look_add(l, kind, p, n, n < 8, err);
}

/* Up to where it is the identifier, and not who gave it, as in HL7's CX. */
static size_t bare_end(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] != '^' && p[i] != '@')
		i++;
	return i;
}

int look_add_id_spellings(struct look *l, enum look_kind kind, const char *p,
			  size_t n, struct img_err *err)
{
	char bare[64];
	size_t k = 0, zeros = 0, end = bare_end(p, n);

	if (end < n && add_bare(l, kind, p, end, err) < 0)
		return -1;
	if (end > sizeof(bare))
		return 0;
	for (size_t i = 0; i < end; i++)
		if (!strchr(" -./_:()[]#+*,;&\"'", p[i]) || !p[i])
			bare[k++] = p[i];
	while (zeros + 5 < k && bare[zeros] == '0')
		zeros++;
	if (k == n && !zeros)
		return 0;
	if (add_bare(l, kind, bare, k, err) < 0)
		return -1;
	return zeros ? add_bare(l, kind, bare + zeros, k - zeros, err) : 0;
}

/* ---- dates ------------------------------------------------------------ */

static const char *const months[] = { "January", "February", "March",
				      "April",   "May",      "June",
				      "July",    "August",   "September",
				      "October", "November", "December" };

/* Y M D: figures of the date, a lone one of M or D without its zero; y: the
   year of two figures; N: the month as a word, n: its first three letters. */
static const char *const layouts[] = {
	"YYYYMMDD",   "YYYY-MM-DD", "YYYY/MM/DD", "YYYY.MM.DD", "DD.MM.YYYY",
	"MM/DD/YYYY", "DD/MM/YYYY", "DD-MM-YYYY", "MM-DD-YYYY", "D.M.YYYY",
	"M/D/YYYY",   "D/M/YYYY",   "DD.MM.yy",   "MM/DD/yy",   "DD/MM/yy",
	"DD n YYYY",  "D n YYYY",   "DD-n-YYYY",  "D-n-YYYY",   "DD N YYYY",
	"D N YYYY",   "D. N YYYY",  "n DD, YYYY", "n D, YYYY",  "N DD, YYYY",
	"N D, YYYY",
};

/* How many times the letter stands there. */
static size_t repeated(const char *layout)
{
	size_t n = 1;

	while (layout[n] == *layout)
		n++;
	return n;
}

/* The date d of eight figures in this layout; its length. */
static size_t lay_out(const char *layout, const char *d, char out[32])
{
	unsigned month = (unsigned)(d[4] - '0') * 10 + (unsigned)(d[5] - '0');
	const char *name = months[(month + 11) % 12];
	size_t at = 0;

	for (const char *p = layout; *p; p += repeated(p)) {
		size_t k = repeated(p);
		const char *from = *p == 'Y'   ? d
				   : *p == 'y' ? d + 2
				   : *p == 'M' ? d + 4
					       : d + 6;

		if (*p == 'N' || *p == 'n') {
			from = name;
			k = *p == 'N' ? strlen(name) : 3;
		} else if (!strchr("YyMD", *p)) {
			from = p;
		} else if (k == 1) { /* no zero before it */
			k = from[0] == '0' ? 1 : 2;
			from += k == 1;
		}
		memcpy(out + at, from, k);
		at += k;
	}
	return at;
}

static int add_date(struct look *l, const char *d, struct img_err *err)
{
	char text[32];

	if (look_has(l, LOOK_DATE, d, 8))
		return 0;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		size_t n = lay_out(layouts[i], d, text);
		bool whole = strchr(layouts[i], 'y') != NULL;

		if (look_add(l, LOOK_DATE, text, n, whole, err) < 0)
			return -1;
	}
	return 0;
}

/* The figures of a date, which may be parted as in ACR-NEMA or ISO 8601. */
static bool figures_of(const char *p, size_t n, char d[8])
{
	n = anon_trim(&p, n);
	if (n >= 10 && p[4] == p[7] && (p[4] == '.' || p[4] == '-')) {
		memcpy(d, p, 4);
		memcpy(d + 4, p + 5, 2);
		memcpy(d + 6, p + 8, 2);
	} else if (n >= 8) {
		memcpy(d, p, 8);
	}
	return n >= 8 && look_is_number(d, 8);
}

int look_add_date(struct look *l, const char *p, size_t n, struct img_err *err)
{
	size_t from = 0;
	char d[8] = "";

	for (size_t i = 0; i <= n; i++) {
		bool ok;

		if (i < n && p[i] != '\\')
			continue;
		ok = figures_of(p + from, i - from, d);
		from = i + 1;
		/* What stands for no date at all is no trace of one. */
		if (ok && memcmp(d, "0000", 4) != 0 &&
		    memcmp(d, "19000101", 8) != 0 && add_date(l, d, err) < 0)
			return -1;
	}
	return 0;
}
