/* profile.c - the basic profile, its options, and what they make of a row. */
#include <stdio.h>
#include <string.h>

#include "anon/rules.h"

/* CID 7050, in the order of enum img_anon_option. */
static const char *const names[IMG_ANON_OPTIONS] = {
	"basic",         "retain-safe-private", "retain-uids",
	"retain-device", "retain-institution",  "retain-patient",
	"retain-dates",  "modify-dates",        "clean-desc",
	"clean-struct",  "clean-graphics",      "clean-pixel",
	"clean-faces"
};

const char *img_anon_option_name(enum img_anon_option o)
{
	return o < IMG_ANON_OPTIONS ? names[o] : "rules";
}

void img_anon_profile_init(struct img_anon_profile *p)
{
	memset(p, 0, sizeof(*p));
	p->options = 1u << IMG_ANON_BASIC;
	p->days_min = 1;
	p->days_max = 3650;
}

int img_anon_preset(struct img_anon_profile *p, const char *name,
		    struct img_err *err)
{
	if (strcmp(name, "basic") == 0)
		return 0;
	if (strcmp(name, "research") == 0) {
		p->options |= 1u << IMG_ANON_MOD_DATES |
			      1u << IMG_ANON_PATIENT |
			      1u << IMG_ANON_SAFE_PRIVATE;
		return 0;
	}
	if (strcmp(name, "tcia") == 0) {
		p->options |=
			1u << IMG_ANON_CLEAN_PIXEL | 1u << IMG_ANON_CLEAN_DESC |
			1u << IMG_ANON_MOD_DATES | 1u << IMG_ANON_PATIENT |
			1u << IMG_ANON_SAFE_PRIVATE;
		p->pixels = IMG_PIXELS_CLEAN;
		return 0;
	}
	return img_err_set(err, IMG_E_USAGE, "no profile '%.40s'", name);
}

int img_anon_pixels(struct img_anon_profile *p, const char *policy,
		    struct img_err *err)
{
	static const char *const words[] = { "withhold", "keep", "clean",
					     "blank-all" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(policy, words[i]) == 0) {
			p->pixels = (enum img_anon_pixels)i;
			return 0;
		}
	return img_err_set(err, IMG_E_USAGE, "no such policy");
}

int img_anon_prefix(struct img_anon_profile *p, const char *text,
		    struct img_err *err)
{
	if (strlen(text) > IMG_ANON_PREFIX ||
	    text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "abcdefghijklmnopqrstuvwxyz0123456789_-.")])
		return img_err_set(err, IMG_E_USAGE,
				   "a prefix has up to %d letters, digits, "
				   "_ - .",
				   IMG_ANON_PREFIX);
	snprintf(p->prefix, sizeof(p->prefix), "%s", text);
	return 0;
}

int img_anon_days(struct img_anon_profile *p, const char *range,
		  struct img_err *err)
{
	char rest;

	/* sscanf takes signs and blanks, too. */
	if (range[strspn(range, "0123456789-")] || strstr(range, "--") ||
	    *range == '-' ||
	    sscanf(range, "%5u-%5u%c", &p->days_min, &p->days_max, &rest) != 2)
		return img_err_set(err, IMG_E_USAGE, "'%.40s' is no range",
				   range);
	return 0;
}

int img_anon_mask(struct img_anon_profile *p, const char *text,
		  struct img_err *err)
{
	struct img_rect *r = &p->mask[p->masks];
	char rest;

	if (p->masks == IMG_ANON_MASKS)
		return img_err_set(err, IMG_E_USAGE, "more than %d masks",
				   IMG_ANON_MASKS);
	if (text[strspn(text, "0123456789,")] ||
	    sscanf(text, "%5u,%5u,%5u,%5u%c", &r->x, &r->y, &r->w, &r->h,
		   &rest) != 4 ||
	    !r->w || !r->h)
		return img_err_set(err, IMG_E_USAGE,
				   "'%.40s' is no mask (x,y,w,h)", text);
	p->masks++;
	return 0;
}

int img_anon_option(struct img_anon_profile *p, const char *name,
		    struct img_err *err)
{
	for (unsigned o = 1; o < IMG_ANON_OPTIONS; o++) {
		if (strcmp(name, names[o]) != 0)
			continue;
		if (o == IMG_ANON_CLEAN_PIXEL && p->pixels != IMG_PIXELS_BLANK)
			p->pixels = IMG_PIXELS_CLEAN;
		p->options |= 1u << o;
		return 0;
	}
	return img_err_set(err, IMG_E_USAGE, "no option '%.40s'", name);
}

static bool has(const struct img_anon_profile *p, unsigned o)
{
	return p->options >> o & 1;
}

/* What the options make of a row.  An option overrides the profile; of two
   that differ, the one that takes more away holds. */
static void resolve(struct img_anon_profile *p, unsigned i)
{
	const struct anon_row *r = &anon_rows[i];

	p->action[i] = r->act[IMG_ANON_BASIC];
	p->from[i] = IMG_ANON_BASIC;
	for (unsigned o = 1; o < IMG_ANON_COLUMNS; o++) {
		if (!has(p, o) || r->act[o] == IMG_ACT_NONE)
			continue;
		if (p->from[i] != IMG_ANON_BASIC && r->act[o] == IMG_ACT_K)
			continue;
		p->action[i] = r->act[o];
		p->from[i] = (uint8_t)o;
	}
}

int img_anon_ready(struct img_anon_profile *p, struct img_err *err)
{
	if (has(p, IMG_ANON_FULL_DATES) && has(p, IMG_ANON_MOD_DATES))
		return img_err_set(err, IMG_E_USAGE,
				   "retain-dates and modify-dates exclude each "
				   "other");
	if (p->masks && p->pixels == IMG_PIXELS_WITHHOLD)
		p->pixels = IMG_PIXELS_CLEAN;
	if (has(p, IMG_ANON_CLEAN_PIXEL) && p->pixels < IMG_PIXELS_CLEAN)
		return img_err_set(err, IMG_E_USAGE,
				   "clean-pixel, and pixels are not to be "
				   "cleaned");
	if (p->masks && p->pixels == IMG_PIXELS_KEEP)
		return img_err_set(err, IMG_E_USAGE,
				   "masks, and pixels are to be kept");
	if (p->pixels >= IMG_PIXELS_CLEAN)
		p->options |= 1u << IMG_ANON_CLEAN_PIXEL;
	if (p->days_min == 0 || p->days_min > p->days_max)
		return img_err_set(err, IMG_E_USAGE,
				   "dates are moved by one day or more, and "
				   "the range ascends");
	if (anon_row_count > IMG_ANON_ROWS)
		return img_err_set(err, IMG_E_BUG, "table too long");
	for (unsigned i = 0; i < anon_row_count; i++)
		resolve(p, i);
	anon_weigh_rules(p);
	return 0;
}

/* ---- explaining ------------------------------------------------------- */

static const char *const codes[] = {
	"", "X", "Z", "D", "U", "K", "C", "X/Z", "X/D", "X/Z/D", "Z/D", "X/Z/U*"
};

static const char *meaning(enum img_anon_action a)
{
	switch (a) {
	case IMG_ACT_X:
		return "removed";
	case IMG_ACT_Z:
		return "emptied, or a pseudonym where it identifies";
	case IMG_ACT_D:
		return "replaced by a dummy value";
	case IMG_ACT_U:
		return "replaced by a UID made from it and the key";
	case IMG_ACT_K:
		return "kept; a sequence is cleaned inside";
	case IMG_ACT_C:
		return "cleaned";
	case IMG_ACT_XZ:
		return "removed or emptied, by the attribute's type";
	case IMG_ACT_XD:
		return "removed or replaced, by the attribute's type";
	case IMG_ACT_XZD:
		return "removed, emptied or replaced, by the attribute's type";
	case IMG_ACT_ZD:
		return "emptied or replaced, by the attribute's type";
	case IMG_ACT_XZU:
		return "cleaned inside, UIDs replaced";
	default:
		return "kept";
	}
}

static int explain_row(const struct img_anon_profile *p, unsigned i,
		       const char *where, struct img_buf *out,
		       struct img_err *err)
{
	const struct anon_row *r = &anon_rows[i];

	if (img_buf_printf(out, err, "%s\nbasic: %s\n",
			   r->beyond ? "not in Table E.1-1, dealt with as if"
				     : "Table E.1-1, " IMG_ANON_EDITION,
			   codes[r->act[0]]) < 0)
		return -1;
	for (unsigned o = 1; o < IMG_ANON_COLUMNS; o++)
		if (r->act[o] && img_buf_printf(out, err, "%s: %s\n", names[o],
						codes[r->act[o]]) < 0)
			return -1;
	return img_buf_printf(out, err, "%s: %s (%s): %s\n", where,
			      codes[p->action[i]], names[p->from[i]],
			      meaning(p->action[i]));
}

/* By the profile and its options. */
static int explain_profile(const struct img_anon_profile *p, uint32_t tag,
			   int row, bool known, const char *where,
			   struct img_buf *out, struct img_err *err)
{
	if (row != ANON_NO_ROW)
		return explain_row(p, (unsigned)row, where, out, err);
	if ((tag & 0xFFFF) == 0)
		return img_buf_printf(out, err, "%s: removed, a group length\n",
				      where);
	return img_buf_printf(out, err, "%s\n%s: %s\n",
			      known ? "not in Table E.1-1" : "not in PS3.6",
			      where, known ? "kept" : "removed");
}

int img_anon_explain(const struct img_anon_profile *p, const char *what,
		     struct img_buf *out, struct img_err *err)
{
	const struct anon_user_rule *rule = NULL;
	const struct img_dict *d;
	const char *keyword = NULL;
	uint32_t tag = 0;
	char text[12];
	int row = ANON_NO_ROW;

	/* The table has rows that an older dictionary lacks. */
	for (unsigned i = 0; i < anon_row_count; i++)
		if (strcmp(anon_rows[i].keyword, what) == 0) {
			row = (int)i;
			tag = anon_rows[i].tag;
			keyword = anon_rows[i].keyword;
		}
	if (row == ANON_NO_ROW) {
		if (!img_dict_parse_tag(what, &tag))
			return img_err_set(err, IMG_E_USAGE,
					   "no attribute '%.60s'", what);
		row = anon_row_of(tag);
		d = img_dict_tag(tag);
		keyword = row != ANON_NO_ROW ? anon_rows[row].keyword
			  : d                ? d->keyword
					     : NULL;
	}
	if (p->rules)
		rule = anon_user_rule(p->rules, tag, NULL, 0);
	img_dict_format_tag(tag, text);
	if (img_buf_printf(out, err, "%s %s\n", text,
			   keyword ? keyword : "unknown") < 0 ||
	    explain_profile(p, tag, row, keyword != NULL,
			    rule ? "without rules" : "here", out, err) < 0)
		return -1;
	return rule ? img_buf_printf(
			      out, err, "here: rule of line %u: %s\n",
			      rule->line,
			      meaning((enum img_anon_action)rule->action))
		    : 0;
}
