/*
 * look.c - what may not be seen again, and the search for it.
 *
 * Names, identifiers and dates lie in buckets by their first three bytes,
 * folded; every place of a text is looked up once.  UIDs are cut out of the
 * text as words and looked up in a set of their sums.
 */
#include <stdlib.h>

#include "anon/inside.h"

#define BYTES_MAX  (16u << 20)
#define ITEMS_MAX  262144u
#define UIDS_MAX   (1u << 20)
#define BLOB_SHORT 6
#define UID_SHORT  10 /* below, it may as well be a version number */

void look_init(struct look *l)
{
	memset(l, 0, sizeof(*l));
	img_buf_init(&l->bytes, BYTES_MAX);
}

void look_release(struct look *l)
{
	img_buf_release(&l->bytes);
	free(l->item);
	free(l->uid);
}

void look_reset(struct look *l)
{
	img_buf_reset(&l->bytes);
	l->n = 0;
	l->beyond = false;
	memset(l->head, 0, sizeof(l->head));
	if (l->uids)
		memset(l->uid, 0, l->uid_room * sizeof(*l->uid));
	l->uids = 0;
}

static inline uint8_t fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static inline unsigned bucket(uint8_t a, uint8_t b, uint8_t c)
{
	return (a * 961u + b * 31u + c) % LOOK_HEADS;
}

static bool is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (fold(c) >= 'a' && fold(c) <= 'z') ||
	       c >= 0x80;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* ---- collecting ------------------------------------------------------- */

static bool is_there(const struct look *l, const char *p, size_t n,
		     unsigned head, enum look_kind kind)
{
	for (uint32_t i = l->head[head]; i; i = l->item[i - 1].next)
		if (l->item[i - 1].n == n && l->item[i - 1].kind == kind &&
		    memcmp(l->bytes.data + l->item[i - 1].at, p, n) == 0)
			return true;
	return false;
}

bool look_has(const struct look *l, enum look_kind kind, const char *p,
	      size_t n)
{
	return is_there(l, p, n,
			bucket((uint8_t)p[0], (uint8_t)p[1], (uint8_t)p[2]),
			kind);
}

int look_add(struct look *l, enum look_kind kind, const char *p, size_t n,
	     bool whole, struct img_err *err)
{
	char folded[512];
	struct look_item *more;
	unsigned head;

	if (n < 3)
		return 0;
	if (n > sizeof(folded))
		n = sizeof(folded);
	for (size_t i = 0; i < n; i++) {
		folded[i] = (char)fold((uint8_t)p[i]);
		l->beyond |= (uint8_t)p[i] >= 0x80;
	}
	head = bucket((uint8_t)folded[0], (uint8_t)folded[1],
		      (uint8_t)folded[2]);
	if (is_there(l, folded, n, head, kind))
		return 0;
	if (l->n == l->room) {
		if (l->n >= ITEMS_MAX)
			return img_err_set(err, IMG_E_LIMIT,
					   "more than %u names, identifiers "
					   "and dates in one object",
					   ITEMS_MAX);
		more = realloc(l->item, (l->room + 256) * 2 * sizeof(*more));
		if (!more)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		l->item = more;
		l->room = (l->room + 256) * 2;
	}
	l->item[l->n] =
		(struct look_item){ (uint32_t)l->bytes.len, (uint16_t)n,
				    (uint8_t)kind, whole, l->head[head] };
	if (img_buf_add(&l->bytes, folded, n, err) < 0)
		return -1;
	l->head[head] = ++l->n;
	return 0;
}

/* Words in the place of a name that are nobody's. */
static bool is_nobody(const char *p, size_t n)
{
	static const char *const words[] = {
		"test",      "patient", "anon",  "anonymous", "anonymized",
		"unknown",   "none",    "name",  "phantom",   "dr",
		"prof",      "mrs",     "mr",    "md",        "phd",
		"synthetic", "null",    "empty", "dummy",     "removed",
		"not",       "the",     "and",   "for",       "von",
		"van"
	};
	char word[16];

	if (n >= sizeof(word))
		return false;
	for (size_t i = 0; i < n; i++)
		word[i] = (char)fold((uint8_t)p[i]);
	word[n] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

bool look_is_number(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_digit((uint8_t)p[i]))
			return false;
	return true;
}

/* Each part of a name, and all of it where the parts are too short. */
int look_add_name(struct look *l, const char *p, size_t n, struct img_err *err)
{
	size_t from = 0, longest = 0;

	n = anon_trim(&p, n);
	for (size_t i = 0; i <= n; i++) {
		size_t k = i - from;

		if (i < n && !strchr("^= ,.-\\()/_", p[i]) && p[i])
			continue;
		if (k > longest)
			longest = k;
		if (look_is_number(p + from, k)
			    ? k >= 5
			    : k >= 3 && !is_nobody(p + from, k))
			if (look_add(l,
				     anon_is_word(p + from, k) ? LOOK_COMMON
							       : LOOK_NAME,
				     p + from, k, k < 6, err) < 0)
				return -1;
		from = i + 1;
	}
	return n > 4 && longest < 3 ? look_add(l, LOOK_NAME, p, n, true, err)
				    : 0;
}

int look_add_id(struct look *l, enum look_kind kind, const char *p, size_t n,
		struct img_err *err)
{
	size_t from = 0;

	for (size_t i = 0; i <= n; i++) {
		const char *one = p + from;
		size_t k;

		if (i < n && p[i] != '\\')
			continue;
		k = anon_trim(&one, i - from);
		from = i + 1;
		if (k < 4 || (look_is_number(one, k) && k < 5) ||
		    is_nobody(one, k))
			continue;
		if (look_add(l, kind, one, k, k < 8, err) < 0 ||
		    look_add_id_spellings(l, kind, one, k, err) < 0)
			return -1;
	}
	return 0;
}

/* The lowest bit of a sum says that the UID stays. */
#define KEPT ((uint64_t)1)

static uint64_t sum(const void *p, size_t n)
{
	uint64_t v = img_sum64(p, n) & ~KEPT;

	return v ? v : 2;
}

static size_t place(const uint64_t *uid, size_t room, uint64_t v)
{
	size_t at = v >> 1 & (room - 1);

	while (uid[at] && (uid[at] & ~KEPT) != v)
		at = (at + 1) & (room - 1);
	return at;
}

static int grow_uids(struct look *l, struct img_err *err)
{
	size_t room = l->uid_room ? l->uid_room * 2 : 256;
	uint64_t *more = calloc(room, sizeof(*more));

	if (!more)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (size_t i = 0; i < l->uid_room; i++)
		if (l->uid[i])
			more[place(more, room, l->uid[i] & ~KEPT)] = l->uid[i];
	free(l->uid);
	l->uid = more;
	l->uid_room = room;
	return 0;
}

static bool has_uid(const struct look *l, const char *p, size_t n)
{
	uint64_t found = l->uid[place(l->uid, l->uid_room, sum(p, n))];

	return found && !(found & KEPT);
}

int look_add_uid(struct look *l, const char *p, size_t n, bool kept,
		 struct img_err *err)
{
	size_t at;

	if (n < UID_SHORT)
		return 0;
	if (l->uids * 2 >= l->uid_room && grow_uids(l, err) < 0)
		return -1;
	at = place(l->uid, l->uid_room, sum(p, n));
	if (!l->uid[at]) {
		if (l->uids >= UIDS_MAX)
			return img_err_set(err, IMG_E_LIMIT,
					   "more than %u UIDs in one object",
					   UIDS_MAX);
		l->uid[at] = sum(p, n);
		l->uids++;
	}
	l->uid[at] |= kept ? KEPT : 0;
	return 0;
}

/* ---- searching -------------------------------------------------------- */

/* Whether the place found is a place of its own. */
static bool stands(const struct look_item *it, const uint8_t *p, size_t n,
		   size_t at)
{
	bool before = at > 0, after = at + it->n < n;

	if (it->kind == LOOK_DATE)
		return !(before && is_digit(p[at - 1])) &&
		       !(it->whole && after && is_digit(p[at + it->n]));
	if (!it->whole)
		return true;
	return !(before && is_word(p[at - 1])) &&
	       !(after && is_word(p[at + it->n]));
}

static bool item_at(const struct look *l, const struct look_item *it,
		    const uint8_t *p, size_t n, size_t at)
{
	const uint8_t *want = (const uint8_t *)l->bytes.data + it->at;

	if (it->n > n - at)
		return false;
	for (size_t i = 0; i < it->n; i++)
		if (fold(p[at + i]) != want[i])
			return false;
	return stands(it, p, n, at);
}

/* What others put around it: CT.1.2.3, 1.2.3.0001.dcm. */
static bool finds_within(const struct look *l, const char *p, size_t n)
{
	for (size_t from = 0; from < n; from++) {
		if (p[from] == '.' || (from && p[from - 1] != '.'))
			continue;
		for (size_t to = from + UID_SHORT;
		     to <= n && to - from < IMG_UID_MAX; to++)
			if ((to == n || p[to] == '.') &&
			    has_uid(l, p + from, to - from))
				return true;
	}
	return false;
}

/* within: in a text, and not where a UID has its place. */
static bool finds_uid(const struct look *l, const uint8_t *p, size_t n,
		      bool within)
{
	for (size_t i = 0; i < n;) {
		size_t from = i, dots = 0;

		while (i < n && (is_digit(p[i]) || p[i] == '.'))
			dots += p[i++] == '.';
		if (dots > 1 && p[i - 1] == '.')
			i--; /* a full stop behind it */
		if (dots > 1 && i - from >= UID_SHORT &&
		    (has_uid(l, (const char *)p + from, i - from) ||
		     (within &&
		      finds_within(l, (const char *)p + from, i - from))))
			return true;
		i += i == from || i >= n || !is_digit(p[i]);
	}
	return false;
}

/* Short names are found by chance: in random bytes, and of characters that are
   not ASCII in wide ones. */
static bool is_chance(const struct look *l, const struct look_item *it,
		      unsigned what)
{
	if (it->n >= BLOB_SHORT)
		return false;
	return what & LOOK_WIDE ? (uint8_t)l->bytes.data[it->at] >= 0x80
				: what & LOOK_BLOB;
}

static bool finds_item(const struct look *l, const uint8_t *p, size_t n,
		       unsigned what)
{
	static const unsigned bit[] = { LOOK_IDS, LOOK_IDS,
					LOOK_IDS | LOOK_SUBJECTS, LOOK_DATES,
					LOOK_WORDS };

	for (size_t at = 0; at + 3 <= n; at++) {
		uint32_t i = l->head[bucket(fold(p[at]), fold(p[at + 1]),
					    fold(p[at + 2]))];

		for (; i; i = l->item[i - 1].next) {
			const struct look_item *it = &l->item[i - 1];

			if (!(what & bit[it->kind]) || is_chance(l, it, what))
				continue;
			if (item_at(l, it, p, n, at))
				return true;
		}
	}
	return false;
}

static bool finds_text(const struct look *l, const uint8_t *p, size_t n,
		       unsigned what)
{
	if ((what & LOOK_UIDS) && l->uids &&
	    finds_uid(l, p, n, what & LOOK_IDS))
		return true;
	return l->n && n >= 3 && finds_item(l, p, n, what);
}

static bool is_printed(uint8_t c)
{
	return c >= ' ' && c != 0x7F;
}

static bool finds_in_blob(const struct look *l, const uint8_t *p, size_t n,
			  unsigned what)
{
	for (size_t i = 0; i < n; i++) {
		size_t from = i;

		while (i < n && is_printed(p[i]))
			i++;
		if (i - from >= BLOB_SHORT &&
		    finds_text(l, p + from, i - from, what))
			return true;
	}
	return false;
}

bool look_finds(const struct look *l, const uint8_t *p, size_t n, unsigned what)
{
	return what & LOOK_BLOB ? finds_in_blob(l, p, n, what)
				: finds_text(l, p, n, what);
}
