/* value.c - UIDs, pseudonyms, dates and ages under the key. */
#include <stdio.h>

#include "anon/inside.h"

size_t anon_trim(const char **p, size_t n)
{
	while (n && ((*p)[n - 1] == ' ' || (*p)[n - 1] == '\0'))
		n--;
	while (n && **p == ' ') {
		++*p;
		n--;
	}
	return n;
}

/* ---- UIDs ------------------------------------------------------------- */

/* PS3.6 Annex A: well-known frames of reference and instances, SOP classes
   and the like.  Longer ones under the root were made by somebody. */
bool anon_uid_fixed(const char *uid, size_t n)
{
	static const char root[] = "1.2.840.10008.";
	char text[IMG_UID_MAX];

	if (n < sizeof(root) || n > 32 ||
	    memcmp(uid, root, sizeof(root) - 1) != 0)
		return false;
	memcpy(text, uid, n);
	text[n] = '\0';
	return img_uid_ok(text) &&
	       (img_uid_name(text) != NULL || img_ts_find(text) != NULL ||
		strncmp(text, "1.2.840.10008.1.4.", 18) == 0 ||
		strncmp(text, "1.2.840.10008.1.5.", 18) == 0 ||
		strncmp(text, "1.2.840.10008.15.0.4.", 21) == 0);
}

/* 128 bits as a decimal number: PS3.5 B.2. */
static void decimal(const uint8_t in[16], char *out)
{
	const uint64_t part = 10000000000000000000u; /* the most that fits */
	unsigned __int128 v = 0;
	char digits[40];
	unsigned n = 0;

	for (unsigned i = 0; i < 16; i++)
		v = v << 8 | in[i];
	while (v) {
		uint64_t low = (uint64_t)(v % part);

		v /= part;
		for (unsigned i = 0; i < 19 && (low || v); i++, low /= 10)
			digits[n++] = (char)('0' + low % 10);
	}
	while (n)
		*out++ = digits[--n];
	*out = '\0';
}

static void make_uid(const struct img_anon *a, const char *old, size_t n,
		     char out[IMG_UID_MAX])
{
	struct img_part part = { old, n };
	uint8_t mac[16];

	img_key_mac(a->key, IMG_KEY_UID, mac, sizeof(mac), &part, 1);
	mac[6] = (mac[6] & 0x0F) | 0x80; /* UUID of version 8, RFC 9562 */
	mac[8] = (mac[8] & 0x3F) | 0x80;
	memcpy(out, "2.25.", 6);
	decimal(mac, out + 5);
}

/* Those of studies and series come again and again. */
void anon_uid(const struct img_anon *a, const char *old, size_t n,
	      char out[IMG_UID_MAX])
{
	struct uid_memo *m;

	if (n == 0 || n >= IMG_UID_MAX) {
		make_uid(a, old, n, out);
		return;
	}
	m = &a->memo[img_sum64(old, n) % UID_MEMOS];
	if (m->n != n || memcmp(m->old, old, n) != 0) {
		make_uid(a, old, n, m->new_uid);
		memcpy(m->old, old, n);
		m->n = (uint8_t)n;
	}
	memcpy(out, m->new_uid, IMG_UID_MAX);
}

/* ---- pseudonyms ------------------------------------------------------- */

void anon_pseudonym(const struct img_anon *a, const char *kind,
		    const char *more, const char *value, size_t n, char out[13])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	const struct img_part part[3] = { { kind, strlen(kind) },
					  { more, strlen(more) },
					  { value, n } };
	uint8_t mac[16];

	img_key_mac(a->key, IMG_KEY_ID, mac, sizeof(mac), part, 3);
	for (unsigned i = 0; i < 12; i++) {
		unsigned bit = i * 5;
		unsigned two = (unsigned)mac[bit / 8] << 8 | mac[bit / 8 + 1];

		out[i] = letters[two >> (11 - bit % 8) & 31];
	}
	out[12] = '\0';
}

/* Who the object is about: the pseudonym, and how far dates are moved.
   Without a PatientID it is the name, and without that the study. */
void anon_subject(struct img_anon *a)
{
	const char *kind = a->id[0] ? "patient" : a->name[0] ? "name" : "study";
	const char *value = a->id[0] ? a->id : a->name[0] ? a->name : a->study;
	const struct img_part part[3] = { { kind, strlen(kind) },
					  { a->issuer, strlen(a->issuer) },
					  { value, strlen(value) } };
	uint64_t span = a->p->days_max - a->p->days_min + 1, v = 0;
	uint8_t mac[16];

	const char *mapped = anon_mapped(a, a->id, strlen(a->id));

	snprintf(a->pseudonym, sizeof(a->pseudonym), "%s",
		 mapped ? mapped : a->p->prefix);
	if (!mapped)
		anon_pseudonym(a, kind, a->issuer, value, strlen(value),
			       a->pseudonym + strlen(a->pseudonym));
	img_key_mac(a->key, IMG_KEY_DATE, mac, sizeof(mac), part, 3);
	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | mac[i];
	a->offset = -(int)(a->p->days_min + v % span);
}

/* ---- dates ------------------------------------------------------------ */

/* Days from 1 March of year 0 in the Gregorian calendar. */
static int to_days(int y, int m, int d)
{
	if (m < 3) {
		y--;
		m += 12;
	}
	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * (m - 3) + 2) / 5 +
	       d - 1;
}

static void from_days(int days, int *y, int *m, int *d)
{
	int era = days / 146097, day = days % 146097;
	int year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int month;

	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	*d = day - (153 * month + 2) / 5 + 1;
	*m = month < 10 ? month + 3 : month - 9;
	*y = era * 400 + year + (*m < 3);
}

static bool number(const char *p, size_t n, int *out)
{
	*out = 0;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		*out = *out * 10 + (p[i] - '0');
	}
	return true;
}

/* A date of 8, 6 or 4 digits, moved and written over itself. */
static bool move(const struct img_anon *a, char *date, size_t digits)
{
	static const int last[] = { 31, 29, 31, 30, 31, 30,
				    31, 31, 30, 31, 30, 31 };
	int y, m = 1, d = 1;
	char text[48];

	if (!number(date, 4, &y) || (digits > 4 && !number(date + 4, 2, &m)) ||
	    (digits > 6 && !number(date + 6, 2, &d)))
		return false;
	if (y < 1 || m < 1 || m > 12 || d < 1 || d > last[m - 1])
		return false;
	if (to_days(y, m, d) + a->offset < 400)
		return false;
	from_days(to_days(y, m, d) + a->offset, &y, &m, &d);
	snprintf(text, sizeof(text), "%04d%02d%02d", y, m, d);
	memcpy(date, text, digits);
	return true;
}

/* What may follow the date in a DT: a time, an offset.  In a DA: nothing. */
static bool rest_ok(const char *vr, const char *p, size_t n, size_t digits)
{
	size_t i = 0;
	int offset;

	if (strcmp(vr, "DA") == 0)
		return n == 0 && digits == 8;
	while (digits == 8 && i < n && i < 6 && p[i] >= '0' && p[i] <= '9')
		i++;
	if (i == 6 && i < n && p[i] == '.')
		for (i++; i < n && i < 13 && p[i] >= '0' && p[i] <= '9';)
			i++;
	if (i == n)
		return true;
	return n - i == 5 && (p[i] == '+' || p[i] == '-') &&
	       number(p + i + 1, 4, &offset);
}

/* One value of DA or DT. */
static bool shift_one(const struct img_anon *a, const char *vr, const char *p,
		      size_t n, struct img_buf *out, struct img_err *err)
{
	char date[9] = "";
	size_t digits = 0;
	bool dots = n == 10 && p[4] == '.' && p[7] == '.';

	if (dots) { /* as before DICOM 3.0 */
		memcpy(date, p, 4);
		memcpy(date + 4, p + 5, 2);
		memcpy(date + 6, p + 8, 2);
		digits = 8;
	} else {
		while (digits < 8 && digits < n && p[digits] >= '0' &&
		       p[digits] <= '9')
			digits++;
		digits &= ~(size_t)1;
		if (digits < 4 || !rest_ok(vr, p + digits, n - digits, digits))
			return false;
		memcpy(date, p, digits);
	}
	if (!move(a, date, digits))
		return false;
	if (dots)
		return img_buf_printf(out, err, "%.4s.%.2s.%.2s", date,
				      date + 4, date + 6) == 0;
	return img_buf_add(out, date, digits, err) == 0 &&
	       img_buf_add(out, p + digits, n - digits, err) == 0;
}

static bool is_made_of(const char *p, size_t n, const char *letters)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] && !(p[i] >= '0' && p[i] <= '9') &&
		    !strchr(letters, p[i]))
			return false;
	return true;
}

/* Code strings are often lower case or longer than they may be: that is left.
   Names have circumflexes, or letters that no code has. */
static bool is_code(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '^' || p[i] == '=' || (uint8_t)p[i] >= 0x7F)
			return false;
	return true;
}

bool anon_is_time_vr(const char *vr)
{
	return strcmp(vr, "DA") == 0 || strcmp(vr, "TM") == 0 ||
	       strcmp(vr, "DT") == 0;
}

bool anon_fits(const char *vr, const char *was, const char *p, size_t n)
{
	static const char texts[] = "PN LO SH ST LT UT UC CS AE AS UR";
	static const char binary[] = "US SS UL SL UV SV FL FD AT";

	/* Whoever wrote it knew that it is one. */
	if (strcmp(was, "PN") == 0 && strcmp(vr, "PN") != 0)
		return false;
	if (anon_is_time_vr(was) && !anon_is_time_vr(vr))
		return false;
	if (strcmp(vr, "CS") == 0)
		return is_code(p, n);
	if (strcmp(vr, "DS") == 0 || strcmp(vr, "IS") == 0)
		return is_made_of(p, n, " +-.,eE\\");
	if (strcmp(vr, "UI") == 0)
		return is_made_of(p, n, " .\\");
	if (strcmp(vr, "AS") == 0)
		return is_made_of(p, n, " DWMY\\");
	if (anon_is_time_vr(vr))
		return anon_is_time(vr, p, n);
	return !(strstr(binary, vr) && strstr(texts, was));
}

bool anon_is_time(const char *vr, const char *p, size_t n)
{
	bool date = strcmp(vr, "DA") == 0;

	for (size_t i = 0; i < n; i++)
		if (!(p[i] >= '0' && p[i] <= '9') &&
		    (p[i] == '\0' || !strchr(date ? ".-\\ " : ".:+-\\ ", p[i])))
			return n - i == 1 && p[i] == '\0';
	/* A date, a time, an offset; ranges and lists of them. */
	for (const char *q = p; n;) {
		const char *end = memchr(q, '\\', n);
		size_t part = end ? (size_t)(end - q) : n;

		if (part > 54)
			return false;
		if (!end)
			break;
		n -= part + 1;
		q += part + 1;
	}
	return true;
}

bool anon_shift(const struct img_anon *a, const char *vr, const char *p,
		size_t n, struct img_buf *out, struct img_err *err)
{
	n = anon_trim(&p, n);
	if (!anon_is_time(vr, p, n))
		return false;
	if (strcmp(vr, "DA") != 0 && strcmp(vr, "DT") != 0)
		return img_buf_add(out, p, n, err) == 0;
	for (;;) {
		const char *end = n ? memchr(p, '\\', n) : NULL;
		size_t part = end ? (size_t)(end - p) : n;
		const char *one = p;
		size_t k = anon_trim(&one, part);

		if (k && !shift_one(a, vr, one, k, out, err))
			return false;
		if (!end)
			return true;
		if (img_buf_putc(out, '\\', err) < 0)
			return false;
		n -= part + 1;
		p += part + 1;
	}
}

/* ---- ages ------------------------------------------------------------- */

bool anon_age(const char *p, size_t n, char out[5])
{
	int age;

	n = anon_trim(&p, n);
	if (n < 2 || n > 4 || p[n - 1] == '\0' || !strchr("DWMY", p[n - 1]) ||
	    !number(p, n - 1, &age))
		return false;
	memcpy(out, p, n);
	out[n] = '\0';
	if (p[n - 1] == 'Y' && age > 89)
		memcpy(out, "090Y", 5);
	return true;
}
