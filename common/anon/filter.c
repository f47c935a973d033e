/* filter.c - the second pass: the new object is written. */
#include "anon/rules.h"

/* ---- writing ---------------------------------------------------------- */

static bool begins(const struct img_dicom_event *ev)
{
	return ev->kind == IMG_DICOM_SEQUENCE || ev->kind == IMG_DICOM_PIXELS;
}

static int drop(struct img_anon *a, const struct img_dicom_event *ev)
{
	a->dropping = begins(ev) ? 1 : 0;
	return 0;
}

static int put_long(struct img_anon *a, const struct img_dicom_event *ev,
		    struct img_err *err)
{
	uint8_t part[16384];

	if (img_dicom_put(a->w, ev, NULL, err) < 0)
		return -1;
	if (a->copy)
		return a->copy->copy(a->copy->arg, ev->offset, ev->length, err);
	for (uint64_t at = 0; at < ev->length; at += sizeof(part)) {
		size_t n = ev->length - at < sizeof(part)
				   ? (size_t)(ev->length - at)
				   : sizeof(part);

		if (img_dicom_value(a->r, at, part, n, err) < 0 ||
		    img_dicom_put_part(a->w, part, n, err) < 0)
			return -1;
	}
	return 0;
}

/* As it is; lengths around what changes are no longer true. */
static int pass(struct img_anon *a, const struct img_dicom_event *in,
		struct img_err *err)
{
	struct img_dicom_event ev = *in;

	if (ev.kind == IMG_DICOM_SEQUENCE || ev.kind == IMG_DICOM_ITEM)
		ev.length = IMG_UNDEFINED_LEN;
	if ((ev.kind == IMG_DICOM_ELEMENT || ev.kind == IMG_DICOM_FRAGMENT) &&
	    !ev.value && ev.length)
		return put_long(a, &ev, err);
	return img_dicom_put(a->w, &ev, ev.value ? ev.value : (void *)"", err);
}

static int put_uids(struct img_anon *a, const struct img_dicom_event *ev,
		    struct img_err *err)
{
	const char *p = (const char *)ev->value;
	size_t n = anon_trim(&p, ev->length), from = 0;

	img_buf_reset(&a->text);
	for (size_t i = 0; i <= n; i++) {
		const char *one = p + from;
		char uid[IMG_UID_MAX];
		size_t k;

		if (i < n && p[i] != '\\')
			continue;
		k = anon_trim(&one, i - from);
		if (from && img_buf_putc(&a->text, '\\', err) < 0)
			return -1;
		from = i + 1;
		if (anon_uid_fixed(one, k)) {
			if (img_buf_add(&a->text, one, k, err) < 0)
				return -1;
			continue;
		}
		uid[0] = '\0';
		if (k)
			anon_uid(a, one, k, uid);
		if (k && anon_tell_pair(a, 'U', one, k, uid, err) < 0)
			return -1;
		if (img_buf_puts(&a->text, uid, err) < 0)
			return -1;
	}
	return anon_put_value(a, ev->tag, "UI", img_buf_str(&a->text),
			      a->text.len, err);
}

/* Another value or none in its place; of a sequence, in that of all of it. */
static int stand_in(struct img_anon *a, const struct img_dicom_event *ev,
		    const struct ruling *u, struct img_err *err)
{
	if (anon_put_dummy(a, ev, u, err) < 0)
		return -1;
	return drop(a, ev);
}

/* The profile's own action, where a value is not what it should be. */
static int fall_back(struct img_anon *a, const struct img_dicom_event *ev,
		     struct ruling *u, struct img_err *err)
{
	u->action = u->row == ANON_NO_ROW
			    ? IMG_ACT_X
			    : anon_settle(a, ev, anon_rows[u->row].act[0]);
	u->from = IMG_ANON_BASIC;
	if (u->action == IMG_ACT_X)
		return drop(a, ev);
	if (u->action != IMG_ACT_D) /* nothing here to clean or replace */
		u->action = IMG_ACT_Z;
	return stand_in(a, ev, u, err);
}

static int keep(struct img_anon *a, const struct img_dicom_event *ev,
		struct ruling *u, struct img_err *err)
{
	const char *p = (const char *)ev->value;
	char age[5];

	/* Kept is what the table means, not what else goes by its tag. */
	if (ev->length && u->row != ANON_NO_ROW && u->from != ANON_BY_RULES &&
	    (ev->kind == IMG_DICOM_SEQUENCE) != (strcmp(u->vr, "SQ") == 0))
		return fall_back(a, ev, u, err);
	if (begins(ev) || !ev->length)
		return pass(a, ev, err);
	if (p && u->from != ANON_BY_RULES &&
	    !anon_fits(u->vr, ev->vr, p, ev->length))
		return fall_back(a, ev, u, err);
	if (u->safe || u->row == ANON_NO_ROW)
		return pass(a, ev, err);
	if (!p) /* longer than it may be */
		return u->from == ANON_BY_RULES ? pass(a, ev, err)
						: fall_back(a, ev, u, err);
	if (anon_is_time_vr(u->vr) && !anon_is_time(u->vr, p, ev->length))
		return fall_back(a, ev, u, err);
	if (strcmp(u->vr, "AS") == 0) {
		if (!anon_age(p, ev->length, age))
			return fall_back(a, ev, u, err);
		return anon_put_value(a, ev->tag, "AS", age, strlen(age), err);
	}
	return pass(a, ev, err);
}

static int clean(struct img_anon *a, const struct img_dicom_event *ev,
		 struct ruling *u, struct img_err *err)
{
	const char *p = (const char *)ev->value;

	if (begins(ev)) {
		if (strcmp(u->vr, "SQ") != 0)
			return fall_back(a, ev, u, err);
		return pass(a, ev, err);
	}
	if (strcmp(u->vr, "SQ") == 0 || (!p && ev->length))
		return fall_back(a, ev, u, err);
	img_buf_reset(&a->text);
	if (strcmp(u->vr, "AE") == 0) {
		char name[15] = "AE";

		if (!(ev->length && anon_trim(&p, ev->length)))
			return anon_put_value(a, ev->tag, "AE", "", 0, err);
		anon_pseudonym(a, "AE", "", p, anon_trim(&p, ev->length),
			       name + 2);
		return anon_put_value(a, ev->tag, "AE", name, 14, err);
	}
	if (u->from == IMG_ANON_MOD_DATES ||
	    (u->from == ANON_BY_RULES && anon_is_time_vr(u->vr))) {
		if (ev->tag == 0x00080201u) /* whole days: it holds still */
			return anon_is_time("DT", p, ev->length)
				       ? pass(a, ev, err)
				       : fall_back(a, ev, u, err);
		if (!anon_is_time_vr(u->vr) ||
		    !anon_shift(a, u->vr, p, ev->length, &a->text, err))
			return fall_back(a, ev, u, err);
		return anon_put_value(a, ev->tag, u->vr, img_buf_str(&a->text),
				      a->text.len, err);
	}
	if (strcmp(u->vr, "OB") == 0)
		return fall_back(a, ev, u, err);
	if (anon_clean_text(a, u->vr, p, ev->length, &a->text, err) < 0)
		return -1;
	/* What may be of type 1 does not become empty. */
	if (!a->text.len && ev->length &&
	    (u->row == ANON_NO_ROW ||
	     anon_settle(a, ev, anon_rows[u->row].act[0]) == IMG_ACT_D))
		return anon_put_value(a, ev->tag, u->vr, "REMOVED", 7, err);
	return anon_put_value(a, ev->tag, u->vr, img_buf_str(&a->text),
			      a->text.len, err);
}

/* What the table does not name, and is no name by its VR, stays: if it can be
   what it should be. */
static int leave(struct img_anon *a, const struct img_dicom_event *ev,
		 struct ruling *u, struct img_err *err)
{
	if (ev->kind == IMG_DICOM_ELEMENT && ev->value && ev->length &&
	    !anon_fits(u->vr, ev->vr, (const char *)ev->value, ev->length))
		return fall_back(a, ev, u, err);
	return pass(a, ev, err);
}

static int put_ruled(struct img_anon *a, const struct img_dicom_event *ev,
		     struct ruling *u, struct img_err *err)
{
	switch (u->action) {
	case IMG_ACT_X:
		return drop(a, ev);
	case IMG_ACT_U:
		if (ev->kind != IMG_DICOM_ELEMENT || (!ev->value && ev->length))
			return fall_back(a, ev, u, err);
		return put_uids(a, ev, err);
	case IMG_ACT_K:
		return keep(a, ev, u, err);
	case IMG_ACT_C:
		return clean(a, ev, u, err);
	case IMG_ACT_Z:
	case IMG_ACT_D:
		return stand_in(a, ev, u, err);
	case IMG_ACT_NONE:
		return leave(a, ev, u, err);
	default:
		return pass(a, ev, err);
	}
}

/* ---- events ----------------------------------------------------------- */

static int inside_dropped(struct img_anon *a, const struct img_dicom_event *ev)
{
	if (begins(ev))
		a->dropping++;
	else if (ev->kind == IMG_DICOM_END_SEQUENCE)
		a->dropping--;
	return 0;
}

/* Our own length where the document was replaced. */
static int document_length(struct img_anon *a, uint32_t tag,
			   struct img_err *err)
{
	uint8_t le[4] = { (uint8_t)a->document, (uint8_t)(a->document >> 8), 0,
			  0 };

	return anon_put_value(a, tag, "UL", le, 4, err);
}

static int put_element(struct img_anon *a, const struct img_dicom_event *ev,
		       struct img_err *err)
{
	struct ruling u;
	int rc;

	if (ev->meta)
		return 0;
	if (ev->depth == 0 && anon_put_markers(a, ev->tag, err) < 0)
		return -1;
	if (ev->depth == 0 && anon_is_marker(a, ev->tag))
		return drop(a, ev);
	/* Of these nobody has said what to blank. */
	if (a->pixels.change && ev->depth && ev->tag >= T_FLOATS &&
	    ev->tag <= T_PIXELS)
		return drop(a, ev);
	if (a->recoded && ev->depth == 0) {
		rc = ev->tag == T_PIXELS ? anon_put_coded(a, ev, err)
					 : anon_put_shape(a, ev->tag, err);
		if (rc || ev->tag == T_PIXELS)
			return rc < 0 ? -1 : drop(a, ev);
	} else if (ev->tag == T_PIXELS && ev->depth == 0 && a->pixels.change) {
		return anon_put_pixels(a, ev, err);
	} else if (ev->tag == T_PIXELS && ev->depth == 0 &&
		   ev->kind == IMG_DICOM_ELEMENT) {
		rc = anon_put_native(a, ev, err);
		if (rc)
			return rc < 0 ? -1 : 0;
	}
	if (anon_is_creator(ev->tag) && ev->kind == IMG_DICOM_ELEMENT)
		anon_creator_seen(a, ev);
	if (ev->kind == IMG_DICOM_ELEMENT)
		anon_charset_seen(a, ev);
	if (ev->tag == T_DOCUMENT_LEN && ev->depth == 0 && a->document)
		return document_length(a, ev->tag, err) < 0 ? -1 : drop(a, ev);
	anon_rule(a, ev, &u);
	anon_rule_content(a, ev, &u);
	rc = anon_put_age(a, ev, err);
	if (rc > 0) {
		u.action = IMG_ACT_C;
		u.from = IMG_ANON_CLEAN_STRUCT;
		rc = 0;
	} else if (rc == 0) {
		rc = put_ruled(a, ev, &u, err);
	}
	if (rc == 0 && u.action != IMG_ACT_NONE)
		anon_trace(a, ev, &u);
	if (u.from == ANON_BY_RULES && anon_is_weaker(u.action, u.instead))
		a->weaker++;
	if (rc == 0 && begins(ev) && !a->dropping) {
		if (a->open == sizeof(a->around) / sizeof(a->around[0]))
			return img_err_set(err, IMG_E_LIMIT, "nested too deep");
		a->around[a->open++] = ev->tag;
	}
	return rc;
}

static int put_fragment(struct img_anon *a, const struct img_dicom_event *ev,
			struct img_err *err)
{
	struct hidden h;

	if (anon_find_hidden(a, a->r, ev, &h, err) < 0)
		return -1;
	if (h.unclear)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "a coded frame whose header cannot be "
				   "looked through");
	if (h.table) {
		struct img_dicom_event none = *ev;

		none.length = 0; /* an empty one, PS3.5 A.4 */
		return img_dicom_put(a->w, &none, "", err);
	}
	return h.n ? anon_put_wiped(a, ev, &h, err) : pass(a, ev, err);
}

static int put_event(struct img_anon *a, const struct img_dicom_event *ev,
		     struct img_err *err)
{
	if (a->item_dropped) {
		if (ev->kind == IMG_DICOM_END_ITEM &&
		    ev->depth + 1 == a->item_dropped)
			a->item_dropped = 0;
		return 0;
	}
	if (a->dropping)
		return inside_dropped(a, ev);
	switch (ev->kind) {
	case IMG_DICOM_ELEMENT:
	case IMG_DICOM_SEQUENCE:
	case IMG_DICOM_PIXELS:
		if (ev->kind == IMG_DICOM_PIXELS)
			a->fragments = 0;
		return put_element(a, ev, err);
	case IMG_DICOM_END_SEQUENCE:
		if (a->open)
			a->open--;
		break;
	case IMG_DICOM_END_ITEM:
		anon_creators_cut(a, ev->depth);
		break;
	case IMG_DICOM_ITEM:
		if (anon_is_content(a) &&
		    anon_content_item(a, ev) == IMG_ACT_X) {
			a->item_dropped = ev->depth + 1;
			return 0;
		}
		break;
	case IMG_DICOM_FRAGMENT:
		return put_fragment(a, ev, err);
	}
	return pass(a, ev, err);
}

int img_anon_filter(struct img_anon *a, struct img_dicom_reader *r,
		    struct img_dicom_writer *w,
		    const struct img_anon_copy *copy, struct img_err *err)
{
	struct img_dicom_event ev;
	int more;

	a->r = r;
	a->w = w;
	a->copy = copy;
	a->creators = a->dropping = a->open = a->marker = 0;
	a->document = a->item_dropped = a->weaker = 0;
	anon_content_start(a);
	a->traces = 0;
	a->untraced = 0;
	if (anon_begin_coded(a, err) < 0)
		return -1;
	if (img_dicom_put_meta(w, a->sop_class, a->facts.sop, a->facts.syntax,
			       err) < 0)
		return -1;
	while ((more = img_dicom_next(r, &ev, err)) > 0)
		if (put_event(a, &ev, err) < 0)
			return -1;
	if (more < 0 || anon_put_markers(a, UINT32_MAX, err) < 0)
		return -1;
	return img_dicom_finish(w, err);
}
