/*
 * struct.c - structured content (PS3.15 E.3.4): items by their concept names.
 *
 * The name of a concept stands behind some of an item's values, so the first
 * pass judges the items, and the second finds each one by its offset.
 */
#include <stdlib.h>

#include "anon/inside.h"

#define ITEMS_MAX (16u << 20) /* bytes of judgements */

struct judged {
	uint64_t start;
	uint64_t action;
};

bool anon_is_content(const struct img_anon *a)
{
	uint32_t tag = a->open ? a->around[a->open - 1] : 0;

	return (a->p->options >> IMG_ANON_CLEAN_STRUCT & 1) &&
	       (tag == T_CONTENT || tag == 0x00400555u || tag == 0x00400612u);
}

/* ---- judging ---------------------------------------------------------- */

static void take(char out[20], const struct img_dicom_event *ev)
{
	const char *p = (const char *)ev->value;
	size_t n = p ? anon_trim(&p, ev->length) : 0;

	if (n >= 20)
		n = 0;
	memcpy(out, p ? p : "", n);
	out[n] = '\0';
}

/* As for the rows of Table E.1-1. */
static enum img_anon_action act_of(const struct img_anon *a,
				   const struct anon_concept *c)
{
	enum img_anon_action act = c->act[0];
	bool given = false;

	for (unsigned o = 1; o < IMG_ANON_COLUMNS - 2; o++) {
		if (!(a->p->options >> o & 1) || c->act[o] == IMG_ACT_NONE ||
		    (given && c->act[o] == IMG_ACT_K))
			continue;
		act = c->act[o];
		given = true;
	}
	return act == IMG_ACT_XD ? IMG_ACT_D : act;
}

/* Of these types a value says the same, whichever of them it has. */
static bool is_said(const char *type)
{
	static const char *const types[] = { "TEXT", "PNAME",    "DATE",
					     "TIME", "DATETIME", "UIDREF" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

/* The row of the concept; of one that is given in another type, that row. */
static const struct anon_concept *row_of(const struct content *c)
{
	const struct anon_concept *other = NULL;

	for (unsigned i = 0; i < anon_concept_count; i++) {
		const struct anon_concept *k = &anon_concepts[i];

		if (strcmp(k->code, c->code) != 0 ||
		    strcmp(k->scheme, c->scheme) != 0)
			continue;
		if (strcmp(k->type, c->type) == 0)
			return k;
		if (is_said(k->type) && is_said(c->type))
			other = k;
	}
	return other;
}

static bool is_age(const struct content *c)
{
	static const struct {
		const char *code, *scheme;
	} ages[] = { { "121033", "DCM" },
		     { "30525-0", "LN" },
		     { "397669002", "SCT" },
		     { "424144002", "SCT" } };

	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++)
		if (strcmp(ages[i].code, c->code) == 0 &&
		    strcmp(ages[i].scheme, c->scheme) == 0)
			return strcmp(c->type, "NUM") == 0;
	return false;
}

static enum img_anon_action judge(const struct img_anon *a,
				  const struct content *c)
{
	const struct anon_concept *k = row_of(c);
	enum img_anon_action act = k ? act_of(a, k) : IMG_ACT_NONE;

	/* What stays of an age is its value up to 89. */
	if ((act == IMG_ACT_K || act == IMG_ACT_NONE) && is_age(c))
		act = IMG_ACT_C;
	return act;
}

/* An item begins: its place in the list is kept, as those inside follow. */
static int begin_item(struct img_anon *a, const struct img_dicom_event *ev,
		      struct img_err *err)
{
	const struct judged j = { ev->start, IMG_ACT_NONE };
	struct content *c;

	if (ev->depth + 1 >= CONTENTS)
		return img_err_set(err, IMG_E_LIMIT, "nested too deep");
	c = &a->content[ev->depth + 1];
	memset(c, 0, sizeof(*c));
	c->open = true;
	c->at = a->judged.len;
	return img_buf_add(&a->judged, &j, sizeof(j), err);
}

static void end_item(struct img_anon *a, const struct img_dicom_event *ev)
{
	struct content *c =
		ev->depth + 1 < CONTENTS ? &a->content[ev->depth + 1] : NULL;
	uint64_t action;

	if (!c || !c->open)
		return;
	c->open = false;
	action = judge(a, c);
	memcpy(a->judged.data + c->at + offsetof(struct judged, action),
	       &action, sizeof(action));
}

static void take_name(struct img_anon *a, const struct img_dicom_event *ev)
{
	bool named = a->open > 1 && a->around[a->open - 1] == 0x0040A043u &&
		     ev->depth >= 2 && ev->depth < CONTENTS;
	struct content *c;

	if (ev->tag == 0x0040A040u && anon_is_content(a) && ev->depth &&
	    ev->depth < CONTENTS && a->content[ev->depth].open)
		take(a->content[ev->depth].type, ev);
	if (!named)
		return;
	c = &a->content[ev->depth - 1];
	if (c->open && ev->tag == 0x00080100u)
		take(c->code, ev);
	if (c->open && ev->tag == 0x00080102u)
		take(c->scheme, ev);
}

int anon_judge_content(struct img_anon *a, const struct img_dicom_event *ev,
		       struct img_err *err)
{
	if (!(a->p->options >> IMG_ANON_CLEAN_STRUCT & 1))
		return 0;
	switch (ev->kind) {
	case IMG_DICOM_SEQUENCE:
	case IMG_DICOM_PIXELS:
		if (a->open == sizeof(a->around) / sizeof(a->around[0]))
			return img_err_set(err, IMG_E_LIMIT, "nested too deep");
		a->around[a->open++] = ev->tag;
		return 0;
	case IMG_DICOM_END_SEQUENCE:
		a->open -= a->open > 0;
		return 0;
	case IMG_DICOM_ITEM:
		return anon_is_content(a) ? begin_item(a, ev, err) : 0;
	case IMG_DICOM_END_ITEM:
		if (anon_is_content(a))
			end_item(a, ev);
		return 0;
	case IMG_DICOM_ELEMENT:
		take_name(a, ev);
		return 0;
	default:
		return 0;
	}
}

/* ---- finding again ---------------------------------------------------- */

/* Offsets ascend in both passes. */
enum img_anon_action anon_content_item(struct img_anon *a,
				       const struct img_dicom_event *ev)
{
	struct judged j = { 0, IMG_ACT_NONE };

	while (a->judged_at + sizeof(j) <= a->judged.len) {
		memcpy(&j, a->judged.data + a->judged_at, sizeof(j));
		if (j.start >= ev->start)
			break;
		a->judged_at += sizeof(j);
	}
	if (j.start != ev->start)
		j.action = IMG_ACT_X; /* cannot be: then rather not */
	if (ev->depth + 1 < CONTENTS) {
		a->content[ev->depth + 1].action = (uint8_t)j.action;
		a->content[ev->depth + 1].unit[0] = '\0';
	}
	return (enum img_anon_action)j.action;
}

/* The attributes that hold an item's value: PS3.3 C.17.3. */
static bool is_value(uint32_t tag)
{
	return tag == 0x0040A120u || tag == 0x0040A121u || tag == 0x0040A122u ||
	       tag == 0x0040A123u || tag == 0x0040A160u || tag == 0x0040A168u ||
	       tag == 0x0040A300u || tag == 0x0040A30Au;
}

bool anon_rule_content(const struct img_anon *a,
		       const struct img_dicom_event *ev, struct ruling *u)
{
	enum img_anon_action act;

	if (!anon_is_content(a) || !ev->depth || ev->depth >= CONTENTS ||
	    !is_value(ev->tag))
		return false;
	act = a->content[ev->depth].action;
	if (act == IMG_ACT_D || act == IMG_ACT_Z)
		u->action = IMG_ACT_D;
	else if (ev->tag == 0x0040A160u) /* C: of one that no row names */
		u->action = act == IMG_ACT_K ? IMG_ACT_NONE : IMG_ACT_C;
	else
		return false;
	u->from = IMG_ANON_CLEAN_STRUCT;
	return true;
}

/* ---- ages ------------------------------------------------------------- */

/* UCUM, and what ninety years are in it; years if it is another. */
static const char *ninety(const char *unit, long *most)
{
	static const struct {
		const char *unit, *text;
		long most;
	} units[] = { { "mo", "1080", 1079 },
		      { "wk", "4696", 4695 },
		      { "d", "32873", 32872 } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(unit, units[i].unit) == 0) {
			*most = units[i].most;
			return units[i].text;
		}
	*most = 89;
	return "90";
}

/* The item of an age whose measured value, or its unit, the element is in. */
static struct content *age_around(struct img_anon *a,
				  const struct img_dicom_event *ev)
{
	bool unit = a->open > 2 && a->around[a->open - 1] == 0x004008EAu;
	unsigned up = unit ? 2 : 1;
	struct content *c;

	if (a->open < 1 + up || a->around[a->open - up] != T_MEASURED ||
	    a->around[a->open - up - 1] != T_CONTENT || ev->depth <= up ||
	    ev->depth - up >= CONTENTS)
		return NULL;
	c = &a->content[ev->depth - up];
	return c->action == IMG_ACT_C ? c : NULL;
}

int anon_put_age(struct img_anon *a, const struct img_dicom_event *ev,
		 struct img_err *err)
{
	struct content *c;
	char text[20] = "";
	const char *most_text;
	long most;

	if (!(a->p->options >> IMG_ANON_CLEAN_STRUCT & 1) ||
	    ev->kind != IMG_DICOM_ELEMENT || !(c = age_around(a, ev)))
		return 0;
	switch (ev->tag) {
	case 0x00080100u:
		take(c->unit, ev);
		return 0;
	case 0x0040A161u: /* the same value once more, and more exact */
	case 0x0040A162u:
	case 0x0040A163u:
		return 1;
	case 0x0040A30Au:
		most_text = ninety(c->unit, &most);
		take(text, ev);
		if (!ev->length ||
		    (text[0] && strtod(text, NULL) < (double)most + 1))
			return 0;
		return anon_put_value(a, ev->tag, "DS", most_text,
				      strlen(most_text), err) < 0
			       ? -1
			       : 1;
	default:
		return 0;
	}
}

void anon_content_start(struct img_anon *a)
{
	a->judged_at = 0;
	memset(a->content, 0, sizeof(a->content));
}

void anon_content_init(struct img_anon *a)
{
	img_buf_init(&a->judged, ITEMS_MAX);
}
