/* ruling.c - what becomes of an element: the table, the type of the attribute,
   what is known of private ones, and the rules of the user. */
#include "anon/rules.h"

/* ---- private creators ------------------------------------------------- */

void anon_creators_cut(struct img_anon *a, unsigned depth)
{
	while (a->creators && a->creator[a->creators - 1].depth > depth)
		a->creators--;
	while (a->charset_n && a->charsets[a->charset_n - 1].depth > depth)
		a->charset = a->charsets[--a->charset_n].outer;
}

/* PS3.3 C.12.1.1.2 */
void anon_charset_seen(struct img_anon *a, const struct img_dicom_event *ev)
{
	size_t room = sizeof(a->charsets) / sizeof(a->charsets[0]);

	if (ev->tag != T_CHARSET || !ev->depth || a->charset_n == room)
		return;
	a->charsets[a->charset_n].depth = ev->depth;
	a->charsets[a->charset_n++].outer = a->charset;
	img_charset_parse(&a->charset, ev->value ? ev->value : (void *)"",
			  ev->value ? ev->length : 0);
}

static const struct creator *creator_of(const struct img_anon *a, uint32_t tag,
					unsigned depth)
{
	uint32_t creator = (tag & 0xFFFF0000u) | (tag >> 8 & 0xFF);

	for (unsigned i = a->creators; i-- > 0;) {
		if (a->creator[i].depth < depth)
			break;
		if (a->creator[i].depth == depth &&
		    a->creator[i].tag == creator)
			return &a->creator[i];
	}
	return NULL;
}

void anon_creator_seen(struct img_anon *a, const struct img_dicom_event *ev)
{
	const struct creator *old;
	struct creator *c;
	const char *p = (const char *)ev->value;
	size_t n = p ? anon_trim(&p, ev->length) : 0;

	anon_creators_cut(a, ev->depth);
	old = creator_of(a, (ev->tag & 0xFFFF0000u) | (ev->tag & 0xFF) << 8,
			 ev->depth);
	if (old) { /* of two nobody knows whose block it is */
		if (old->n != n || memcmp(old->name, p ? p : "", n) != 0)
			a->creator[old - a->creator].n = 0;
		return;
	}
	if (!n || n > sizeof(c->name) || a->creators == CREATORS)
		return; /* nobody's: all of the block goes */
	c = &a->creator[a->creators++];
	c->tag = ev->tag;
	c->depth = ev->depth;
	c->n = (uint8_t)n;
	memcpy(c->name, p, n);
}

bool anon_is_creator(uint32_t tag)
{
	return (tag >> 16 & 1) && (tag & 0xFFFF) >= 0x10 &&
	       (tag & 0xFFFF) <= 0xFF;
}

/* ---- rules ------------------------------------------------------------ */

static void rule_private(const struct img_anon *a,
			 const struct img_dicom_event *ev, struct ruling *u)
{
	const struct creator *c;

	u->action = IMG_ACT_X;
	if (!(a->p->options >> IMG_ANON_SAFE_PRIVATE & 1))
		return;
	u->from = IMG_ANON_SAFE_PRIVATE;
	if (anon_is_creator(ev->tag)) {
		const char *p = (const char *)ev->value;
		size_t n = p ? anon_trim(&p, ev->length) : 0;

		if (n && anon_safe_creator(ev->tag, p, n))
			u->action = IMG_ACT_K;
		return;
	}
	c = creator_of(a, ev->tag, ev->depth);
	u->safe = c ? anon_safe_of(ev->tag, c->name, c->n) : NULL;
	if (!u->safe)
		return;
	/* Items that cannot be looked into are not known to be safe, nor are
	   items where a value should be. */
	if ((strcmp(u->safe->vr, "SQ") == 0) !=
	    (ev->kind == IMG_DICOM_SEQUENCE))
		return;
	u->action = IMG_ACT_K;
	if (strcmp(u->safe->vr, "UI") == 0 && !u->safe->version &&
	    !(a->p->options >> IMG_ANON_UIDS & 1))
		u->action = IMG_ACT_U;
	if (u->safe->vr[0])
		memcpy(u->vr, u->safe->vr, 3);
}

/*
 * The conditional actions, by the attribute's type (PS3.3).  Where the type
 * is not known, the one that keeps the object valid under any type: a dummy
 * is right for 1, 2 and 3, an empty value for 2 and 3.
 */
enum img_anon_action anon_settle(const struct img_anon *a,
				 const struct img_dicom_event *ev,
				 enum img_anon_action act)
{
	static const char root[] = "1.2.840.10008.5.1.4.1.1.";
	const char *tail = strncmp(a->sop_class, root, sizeof(root) - 1) == 0
				   ? a->sop_class + sizeof(root) - 1
				   : "";
	bool optional =
		act == IMG_ACT_XZ || act == IMG_ACT_XD || act == IMG_ACT_XZD;

	switch (ev->tag) {
	case 0x00081110u: /* type 3, but 2 in ReferencedRequestSequence */
		if (optional)
			return a->open && a->around[a->open - 1] == 0x0040A370u
				       ? IMG_ACT_Z
				       : IMG_ACT_X;
		break;
	case 0x00080082u: /* InstitutionCodeSequence: type 3 */
	case 0x00081072u: /* OperatorIdentificationSequence: type 3 */
	case 0x0040B020u: /* type 1, alone in an optional module */
		if (optional)
			return IMG_ACT_X;
		break;
	case 0x00081111u:     /* ReferencedPerformedProcedureStepSequence */
		if (optional) /* type 2 in SR, else 3 or 1C */
			return strncmp(tail, "88.", 3) == 0 ? IMG_ACT_Z
							    : IMG_ACT_X;
		break;
	case 0x00081070u: /* OperatorsName: type 2 in RT Series, else 3 */
		if (optional)
			return IMG_ACT_Z;
		break;
	case 0x00080012u: /* SOP Common, General Equipment: type 3 */
	case 0x00080013u:
	case 0x00080080u:
	case 0x00081010u:
		if (optional && ev->depth == 0)
			return IMG_ACT_X;
		break;
	case 0x00080021u: /* General Series: type 3; PET Series: type 1 */
	case 0x00080031u:
		if (optional && ev->depth == 0 && tail[0] &&
		    strcmp(tail, "128") != 0)
			return IMG_ACT_X;
		break;
	default:
		break;
	}
	switch (act) {
	case IMG_ACT_XZ:
		return IMG_ACT_Z;
	case IMG_ACT_XD:
	case IMG_ACT_XZD:
	case IMG_ACT_ZD:
		return IMG_ACT_D;
	case IMG_ACT_XZU:
		return IMG_ACT_C; /* UIDs inside have rows of their own */
	default:
		return act;
	}
}

static void by_profile(const struct img_anon *a,
		       const struct img_dicom_event *ev, struct ruling *u)
{
	const struct img_dict *d;
	uint32_t group = ev->tag >> 16;

	u->action = IMG_ACT_NONE;
	u->from = IMG_ANON_BASIC;
	u->instead = IMG_ACT_NONE;
	u->row = anon_row_of(ev->tag);
	u->safe = NULL;
	memcpy(u->vr, ev->vr, 3);
	if (group == 2 || group == 4 || (ev->tag & 0xFFFF) == 0) {
		u->action = IMG_ACT_X;
		return;
	}
	if (group & 1) {
		rule_private(a, ev, u);
		return;
	}
	if (u->row != ANON_NO_ROW) {
		u->action = anon_settle(a, ev, a->p->action[u->row]);
		u->from = a->p->from[u->row];
		if (anon_rows[u->row].vr[0])
			memcpy(u->vr, anon_rows[u->row].vr, 3);
		/* A bitmap cannot be cleaned of what it spells. */
		if ((group & 0xFF00) == 0x5000 || (group & 0xFF00) == 0x6000)
			u->action = IMG_ACT_X;
		if (u->action == IMG_ACT_D && strcmp(u->vr, "UI") == 0)
			u->action = IMG_ACT_U;
		return;
	}
	d = img_dict_tag(ev->tag);
	if (!d) /* neither the table nor we know what it is */
		u->action = IMG_ACT_X;
	else if (ev->kind == IMG_DICOM_ELEMENT && ev->length &&
		 strcmp(d->vr, "SQ") == 0)
		u->action = IMG_ACT_X; /* items that cannot be looked into */
	else if (ev->kind != IMG_DICOM_SEQUENCE)
		memcpy(u->vr, d->vr, 3);
}

/* ---- rules of the user ------------------------------------------------ */

static const struct anon_user_rule *user_rule(const struct img_anon *a,
					      const struct img_dicom_event *ev)
{
	const struct creator *c = NULL;

	if (ev->tag >> 16 & 1)
		c = creator_of(a, ev->tag, ev->depth);
	return anon_user_rule(a->p->rules, ev->tag, c ? c->name : NULL,
			      c ? c->n : 0);
}

/* The creator of what a rule keeps stays with it. */
static bool keeps_creator(const struct img_anon *a,
			  const struct img_dicom_event *ev)
{
	const char *p = (const char *)ev->value;
	size_t n = p ? anon_trim(&p, ev->length) : 0;

	return anon_is_creator(ev->tag) && n &&
	       anon_user_creator(a->p->rules, ev->tag, p, n);
}

static void by_rules(const struct img_anon *a, const struct img_dicom_event *ev,
		     struct ruling *u)
{
	const struct anon_user_rule *r = user_rule(a, ev);

	u->instead = (uint8_t)u->action;
	/* A pattern does not know what it meets. */
	if (r && r->action == IMG_ACT_C && !anon_can_clean(u->vr))
		return;
	if (r) {
		u->action = (enum img_anon_action)r->action;
		u->from = ANON_BY_RULES;
		u->safe = NULL;
	} else if (u->action == IMG_ACT_X && keeps_creator(a, ev)) {
		u->action = IMG_ACT_K;
		u->from = ANON_BY_RULES;
	}
	if (r && u->action == IMG_ACT_U && strcmp(u->vr, "UI") != 0)
		u->action = IMG_ACT_D;
	if (r && u->action == IMG_ACT_D && strcmp(u->vr, "UI") == 0)
		u->action = IMG_ACT_U;
}

void anon_rule(const struct img_anon *a, const struct img_dicom_event *ev,
	       struct ruling *u)
{
	by_profile(a, ev, u);
	if (a->p->rules)
		by_rules(a, ev, u);
}

/* ---- what to look into ------------------------------------------------ */

/* A UN that stays if its items can be cleaned. */
static bool holds_items(void *arg, const struct img_dicom_event *ev)
{
	const struct img_anon *a = arg;
	const struct img_dict *d;
	const struct anon_user_rule *r;
	const struct anon_safe *safe;
	const struct creator *c;

	if (!(ev->tag >> 16 & 1)) {
		d = img_dict_tag(ev->tag);
		return d && strcmp(d->vr, "SQ") == 0;
	}
	c = creator_of(a, ev->tag, ev->depth);
	if (!c)
		return false;
	r = a->p->rules ? user_rule(a, ev) : NULL;
	if (r)
		return r->action != IMG_ACT_X;
	if (!(a->p->options >> IMG_ANON_SAFE_PRIVATE & 1))
		return false;
	safe = anon_safe_of(ev->tag, c->name, c->n);
	return safe && strcmp(safe->vr, "SQ") == 0;
}

void img_anon_limits(struct img_anon *a, struct img_dicom_limits *limits)
{
	limits->value = 65536;
	limits->holds_items = holds_items;
	limits->arg = a;
}
