/*
 * rules.c - rules of the user, on top of a profile: a line has an attribute
 * and what is done with it.
 *
 *	PatientAge                keep
 *	(0018,1000)               remove
 *	0040,xxxx                 empty
 *	0019,xx10 "GEMS_ACQU_01"  keep
 *
 * Of two that fit, the later one holds.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "anon/rules.h"

#define RULES_MAX 4096

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* ---- one line --------------------------------------------------------- */

struct cursor {
	const char *p, *end;
	const char *name; /* of the file */
	unsigned line;
};

static int bad(const struct cursor *c, struct img_err *err, const char *what)
{
	return img_err_set(err, IMG_E_USAGE, "%s:%u: %s", c->name, c->line,
			   what);
}

/* The next word; empty at the end of the line. */
static size_t next_word(struct cursor *c, const char **word)
{
	while (c->p < c->end && is_blank(*c->p))
		c->p++;
	*word = c->p;
	if (c->p < c->end && *c->p == '#')
		return 0;
	while (c->p < c->end && !is_blank(*c->p))
		c->p++;
	return (size_t)(c->p - *word);
}

/* "gggg,eeee", in brackets or without the comma; x stands for any digit. */
static bool parse_pattern(const char *p, size_t n, struct anon_user_rule *r)
{
	unsigned digits = 0;

	if (n > 2 && *p == '(' && p[n - 1] == ')') {
		p++;
		n -= 2;
	}
	r->tag = r->mask = 0;
	for (size_t i = 0; i < n; i++) {
		int c = tolower((unsigned char)p[i]);

		if (c == ',' && digits == 4 && n == 9)
			continue;
		if (!isxdigit(c) && c != 'x')
			return false;
		if (++digits > 8)
			return false;
		r->tag <<= 4;
		r->mask <<= 4;
		if (c == 'x')
			continue;
		r->mask |= 0xF;
		r->tag |= (uint32_t)(isdigit(c) ? c - '0' : c - 'a' + 10);
	}
	return digits == 8;
}

static bool parse_keyword(const char *p, size_t n, struct anon_user_rule *r)
{
	char text[72];
	const struct img_dict *d;

	if (n >= sizeof(text))
		return false;
	memcpy(text, p, n);
	text[n] = '\0';
	r->mask = 0xFFFFFFFFu;
	/* The table has rows that an older dictionary lacks. */
	for (unsigned i = 0; i < anon_row_count; i++)
		if (strcmp(anon_rows[i].keyword, text) == 0 &&
		    !(anon_rows[i].tag >> 16 & 1)) {
			r->tag = anon_rows[i].tag;
			return true;
		}
	d = img_dict_keyword(text);
	if (!d)
		return false;
	r->tag = d->tag;
	return true;
}

static bool parse_action(const char *p, size_t n, uint8_t *action)
{
	static const struct {
		const char *word, *letter;
		enum img_anon_action action;
	} words[] = { { "keep", "K", IMG_ACT_K },   { "clean", "C", IMG_ACT_C },
		      { "empty", "Z", IMG_ACT_Z },  { "dummy", "D", IMG_ACT_D },
		      { "remove", "X", IMG_ACT_X }, { "uid", "U", IMG_ACT_U } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((strlen(words[i].word) == n &&
		     memcmp(words[i].word, p, n) == 0) ||
		    (n == 1 && *p == *words[i].letter)) {
			*action = (uint8_t)words[i].action;
			return true;
		}
	return false;
}

/* A private creator in quotes; it may have blanks in it. */
static int parse_creator(struct cursor *c, struct anon_user_rule *r,
			 struct img_err *err)
{
	const char *from, *to;
	size_t n = 0;

	while (c->p < c->end && is_blank(*c->p))
		c->p++;
	if (c->p == c->end || *c->p != '"')
		return 0;
	from = ++c->p;
	to = memchr(from, '"', (size_t)(c->end - from));
	if (to)
		n = anon_trim(&from, (size_t)(to - from));
	if (!n || n > sizeof(r->creator))
		return bad(c, err, "no creator of 1 to 64 characters");
	if (!(r->tag >> 16 & 1) || (r->mask >> 16 & 0xFFFF) != 0xFFFF ||
	    (r->mask & 0xFF00))
		return bad(c, err,
			   "a creator goes with gggg,xxee of an odd "
			   "group");
	r->creator_n = (uint8_t)n;
	memcpy(r->creator, from, r->creator_n);
	c->p = to + 1;
	return 0;
}

/* What the object cannot do without, and what we write ourselves. */
bool anon_unruled(uint32_t tag)
{
	switch (tag) {
	case T_CHARSET:
	case T_SOP_CLASS:
	case T_SOP:
	case T_STUDY:
	case T_SERIES:
	case 0x00120062u: /* what was done */
	case 0x00120063u:
	case 0x00120064u:
	case 0x00280303u:
		return true;
	default:
		return tag >> 16 == 2 || tag >> 16 == 4 ||
		       (tag & 0xFFFF) == 0 || tag >> 16 == 0x7FE0 ||
		       (tag >= 0x00280002u && tag <= 0x00280103u);
	}
}

bool anon_can_clean(const char *vr)
{
	static const char none[] = "DS IS US SS UL SL UV SV FL FD AT UI "
				   "OB OW OF OD OL OV";

	return !*vr || !strstr(none, vr);
}

static const char *vr_of(uint32_t tag)
{
	int row = anon_row_of(tag);
	const struct img_dict *d = img_dict_tag(tag);

	return row != ANON_NO_ROW ? anon_rows[row].vr : d ? d->vr : "";
}

static int check(const struct cursor *c, const struct anon_user_rule *r,
		 struct img_err *err)
{
	bool exact = r->mask == 0xFFFFFFFFu;
	bool odd = (r->mask >> 16 & 1) && (r->tag >> 16 & 1);

	if (exact && anon_unruled(r->tag))
		return bad(c, err,
			   "this attribute has no rule; see "
			   "retain-uids for UIDs");
	if (odd && r->action != IMG_ACT_X && !r->creator_n)
		return bad(c, err,
			   "a private attribute stays only as "
			   "gggg,xxee \"CREATOR\"");
	if (exact && r->action == IMG_ACT_U && strcmp(vr_of(r->tag), "UI") != 0)
		return bad(c, err, "this attribute holds no UID");
	if (exact && r->action == IMG_ACT_C && !anon_can_clean(vr_of(r->tag)))
		return bad(c, err,
			   "this attribute holds no text and no date to "
			   "clean");
	return 0;
}

/* 1 a rule, 0 an empty line, -1. */
static int parse_line(struct cursor *c, struct anon_user_rule *r,
		      struct img_err *err)
{
	const char *word;
	size_t n = next_word(c, &word);

	memset(r, 0, sizeof(*r));
	r->line = c->line;
	if (!n)
		return 0;
	if (!parse_pattern(word, n, r) && !parse_keyword(word, n, r))
		return bad(c, err, "no such attribute");
	if (parse_creator(c, r, err) < 0)
		return -1;
	n = next_word(c, &word);
	if (!n || !parse_action(word, n, &r->action))
		return bad(c, err,
			   "keep, clean, empty, dummy, remove or uid "
			   "is missing");
	if (next_word(c, &word))
		return bad(c, err, "one rule a line");
	return check(c, r, err) < 0 ? -1 : 1;
}

/* ---- all of them ------------------------------------------------------ */

static bool same(const struct anon_user_rule *a, const struct anon_user_rule *b)
{
	return a->tag == b->tag && a->mask == b->mask &&
	       a->creator_n == b->creator_n &&
	       memcmp(a->creator, b->creator, a->creator_n) == 0;
}

static int by_tag(const void *a, const void *b)
{
	const struct anon_user_rule *x =
		*(const struct anon_user_rule *const *)a;
	const struct anon_user_rule *y =
		*(const struct anon_user_rule *const *)b;

	return x->tag < y->tag ? -1 : x->tag > y->tag;
}

static int index_rules(struct img_anon_rules *r, struct img_err *err)
{
	r->exact = calloc(r->n + 1, sizeof(struct anon_user_rule *));
	r->pattern = calloc(r->n + 1, sizeof(struct anon_user_rule *));
	if (!r->exact || !r->pattern)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (size_t i = 0; i < r->n; i++)
		if (r->rule[i].mask == 0xFFFFFFFFu)
			r->exact[r->exacts++] = &r->rule[i];
		else
			r->pattern[r->patterns++] = &r->rule[i];
	qsort(r->exact, r->exacts, sizeof(struct anon_user_rule *), by_tag);
	return 0;
}

static int add_rule(struct img_anon_rules *r, const struct anon_user_rule *one,
		    const struct cursor *c, struct img_err *err)
{
	for (size_t i = 0; i < r->n; i++)
		if (same(&r->rule[i], one))
			return img_err_set(err, IMG_E_USAGE,
					   "%s:%u: line %u has a rule for "
					   "this, too",
					   c->name, c->line, r->rule[i].line);
	if (r->n == RULES_MAX)
		return bad(c, err, "too many rules");
	r->rule[r->n++] = *one;
	return 0;
}

int img_anon_rules_parse(struct img_anon_rules **out, const char *name,
			 const char *text, size_t n, struct img_err *err)
{
	struct img_anon_rules *r = calloc(1, sizeof(*r));
	struct cursor c = { text, text, name, 0 };
	const char *end = text + n;
	struct anon_user_rule one;
	int rc = 0;

	if (r)
		r->rule = calloc(RULES_MAX, sizeof(*r->rule));
	if (!r || !r->rule)
		rc = img_err_set(err, IMG_E_NOMEM, "out of memory");
	while (rc == 0 && c.end < end) {
		const char *eol;

		c.p = c.line ? c.end + 1 : text;
		eol = c.p < end ? memchr(c.p, '\n', (size_t)(end - c.p)) : NULL;
		c.end = eol ? eol : end;
		c.line++;
		rc = parse_line(&c, &one, err);
		if (rc > 0)
			rc = add_rule(r, &one, &c, err);
	}
	if (rc == 0 && !r->n)
		rc = img_err_set(err, IMG_E_USAGE, "%s: no rules in it", name);
	if (rc == 0)
		rc = index_rules(r, err);
	if (rc < 0) {
		img_anon_rules_free(r);
		return -1;
	}
	img_digest_of(r->digest, text, n);
	*out = r;
	return 0;
}

void img_anon_rules_free(struct img_anon_rules *r)
{
	if (!r)
		return;
	free(r->rule);
	free(r->exact);
	free(r->pattern);
	free(r);
}

/* ---- asking ----------------------------------------------------------- */

static bool fits(const struct anon_user_rule *r, uint32_t tag,
		 const char *creator, size_t n)
{
	if ((tag & r->mask) != r->tag)
		return false;
	if (r->creator_n)
		return creator && n == r->creator_n &&
		       memcmp(creator, r->creator, n) == 0;
	/* Without its creator nobody knows what a private attribute is. */
	return !(tag >> 16 & 1) || r->action == IMG_ACT_X;
}

const struct anon_user_rule *anon_user_rule(const struct img_anon_rules *r,
					    uint32_t tag, const char *creator,
					    size_t n)
{
	const struct anon_user_rule key = { .tag = tag }, *at = &key;
	const struct anon_user_rule *const *hit;
	const struct anon_user_rule *best = NULL;

	if (anon_unruled(tag))
		return NULL;
	hit = bsearch(&at, r->exact, r->exacts, sizeof(*r->exact), by_tag);
	if (hit && fits(*hit, tag, creator, n))
		best = *hit;
	for (size_t i = r->patterns; i-- > 0;) {
		if (best && r->pattern[i]->line < best->line)
			break;
		if (fits(r->pattern[i], tag, creator, n))
			return r->pattern[i];
	}
	return best;
}

bool anon_user_creator(const struct img_anon_rules *r, uint32_t tag,
		       const char *creator, size_t n)
{
	for (size_t i = 0; i < r->patterns; i++)
		if (r->pattern[i]->creator_n == n &&
		    r->pattern[i]->tag >> 16 == tag >> 16 &&
		    r->pattern[i]->action != IMG_ACT_X &&
		    memcmp(r->pattern[i]->creator, creator, n) == 0)
			return true;
	return false;
}

/* ---- what they weaken ------------------------------------------------- */

/* How much of a value is left: none, cleaned, all. */
static unsigned leaves(unsigned action)
{
	return action == IMG_ACT_K || action == IMG_ACT_NONE  ? 2
	       : action == IMG_ACT_C || action == IMG_ACT_XZU ? 1
							      : 0;
}

bool anon_is_weaker(unsigned action, unsigned instead)
{
	return leaves(action) > leaves(instead);
}

static bool is_date(const char *vr)
{
	return strcmp(vr, "DA") == 0 || strcmp(vr, "DT") == 0;
}

static void weigh_row(struct img_anon_profile *p, const struct anon_row *row,
		      unsigned profile)
{
	const struct anon_user_rule *r =
		anon_user_rule(p->rules, row->tag, NULL, 0);

	if (!r || row->tag == 0xFFFFFFFFu)
		return;
	p->weaker |= anon_is_weaker(r->action, profile);
	if (leaves(r->action) &&
	    (anon_is_id(row->tag) || strcmp(row->vr, "PN") == 0))
		p->identity = true;
	if (is_date(row->vr) && r->action == IMG_ACT_K)
		p->keeps_dates = true;
	if (is_date(row->vr) && r->action == IMG_ACT_C)
		p->moves_dates = true;
}

void anon_weigh_rules(struct img_anon_profile *p)
{
	p->weaker = p->identity = p->keeps_dates = p->moves_dates = false;
	if (!p->rules)
		return;
	for (unsigned i = 0; i < anon_row_count; i++)
		weigh_row(p, &anon_rows[i], p->action[i]);
	for (size_t i = 0; i < p->rules->n; i++) {
		const struct anon_user_rule *r = &p->rules->rule[i];

		/* What is private or nobody knows would be removed. */
		if (r->mask != 0xFFFFFFFFu ||
		    (anon_row_of(r->tag) == ANON_NO_ROW &&
		     !img_dict_tag(r->tag)))
			p->weaker |= leaves(r->action) > 0;
	}
}
