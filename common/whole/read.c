/* read.c - what an object says of itself, of others, and of how many they
   are. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "whole/inside.h"

#define MEDIA_DIRECTORY "1.2.840.10008.1.3.10"
#define STORAGE         "1.2.840.10008.5.1.4.1.1."
#define SELECTION       STORAGE "88.59"
#define DOSE            STORAGE "88.67"

#define EVIDENCE      0x0040A375u /* CurrentRequestedProcedureEvidenceSequence */
#define SERIES_REFS   0x00081115u /* ReferencedSeriesSequence */
#define INSTANCE_REFS 0x00081199u /* ReferencedSOPSequence */
#define IMAGE_REFS    0x00081140u /* ReferencedImageSequence */
#define OTHER_STUDIES 0x00081200u /* StudiesContainingOther... */
#define TITLE         0x0040A043u /* ConceptNameCodeSequence */

#define DEPTH 3

struct reading {
	struct img_whole *w;
	struct whole_object o;
	char sop_class[IMG_UID_MAX], meta_class[IMG_UID_MAX];
	char study[IMG_UID_MAX], series[IMG_UID_MAX], sop[IMG_UID_MAX];
	char title[17];       /* code of a selection's title */
	char series_type[17]; /* of PET, value 1 */
	uint64_t slices, time_slices, intervals, slots;
	uint64_t frames;
	bool localizer, has_position, has_orientation;
	/* references */
	uint32_t path[DEPTH];
	size_t item_at[DEPTH]; /* first reference in the open item */
	struct whole_refs refs;
};

bool whole_value(const struct img_dicom_event *ev, char *out, size_t size)
{
	size_t n = ev->length, lead = 0;

	out[0] = '\0';
	if (!ev->value)
		return false;
	while (n && (ev->value[n - 1] == ' ' || ev->value[n - 1] == '\0'))
		n--;
	while (lead < n && ev->value[lead] == ' ')
		lead++;
	if (n == lead || n - lead >= size)
		return false;
	memcpy(out, ev->value + lead, n - lead);
	out[n - lead] = '\0';
	return true;
}

/* ---- numbers ------------------------------------------------------------ */

/* A whole number up to 2^31, as IS has (PS3.5 6.2). */
static bool number(const struct img_dicom_event *ev, int64_t *out)
{
	struct img_dicom_pick v = { .p = ev->value,
				    .length = ev->length,
				    .big = ev->big,
				    .present = true };
	char text[40], *end;
	long long n;

	memcpy(v.vr, ev->vr, sizeof(v.vr));
	if (strcmp(v.vr, "UN") == 0)
		memcpy(v.vr, "IS", 3);
	if (!ev->value || !img_dicom_number(&v, text, sizeof(text)))
		return false;
	n = strtoll(text, &end, 10);
	while (*end == ' ')
		end++;
	*out = n;
	return end != text && *end == '\0' && n >= -2147483648LL &&
	       n <= 2147483647LL;
}

static void count(const struct img_dicom_event *ev, uint64_t *out)
{
	int64_t n;

	if (number(ev, &n) && n > 0)
		*out = (uint64_t)n;
}

static bool decimals(const struct img_dicom_event *ev, double *out, int want)
{
	char text[256], *p = text, *end;

	if (!whole_value(ev, text, sizeof(text)))
		return false;
	for (int i = 0; i < want; i++) {
		out[i] = strtod(p, &end);
		while (*end == ' ')
			end++;
		if (end == p || !isfinite(out[i]) || fabs(out[i]) > 1e7 ||
		    *end != (i + 1 < want ? '\\' : '\0'))
			return false;
		p = end + 1;
	}
	return true;
}

static void mix(struct reading *g, const struct img_dicom_event *ev)
{
	uint64_t sum = g->o.key ^ ev->tag;

	for (uint32_t i = 0; ev->value && i < ev->length; i++)
		if (ev->value[i] != ' ' && ev->value[i])
			sum = (sum ^ ev->value[i]) * 1099511628211u;
	g->o.key = sum;
}

/* ---- one object --------------------------------------------------------- */

static void image_type(struct reading *g, const struct img_dicom_event *ev)
{
	char text[256];

	mix(g, ev);
	if (whole_value(ev, text, sizeof(text)))
		g->localizer = strstr(text, "LOCALIZER") != NULL;
}

static void series_type(struct reading *g, const struct img_dicom_event *ev)
{
	char text[64];

	if (whole_value(ev, text, sizeof(text)))
		snprintf(g->series_type, sizeof(g->series_type), "%.*s",
			 (int)strcspn(text, "\\ "), text);
}

static void counted(struct reading *g, const struct img_dicom_event *ev)
{
	struct whole_object *o = &g->o;

	switch (ev->tag) {
	case 0x00200012:
		o->has_acquisition = number(ev, &o->acquisition);
		break;
	case 0x00200013:
		o->has_number = number(ev, &o->number);
		break;
	case 0x00201002:
		count(ev, &o->in_acquisition);
		break;
	case 0x00201206:
		count(ev, &o->series_in_study);
		break;
	case 0x00201208:
		count(ev, &o->in_study);
		break;
	case 0x00201209:
		count(ev, &o->in_series);
		break;
	case 0x00209162:
		count(ev, &o->part);
		break;
	case 0x00209163:
		count(ev, &o->parts);
		break;
	case 0x00280008:
		count(ev, &g->frames);
		break;
	case 0x00540061:
		count(ev, &g->intervals);
		break;
	case 0x00540071:
		count(ev, &g->slots);
		break;
	case 0x00540081:
		count(ev, &g->slices);
		break;
	case 0x00540101:
		count(ev, &g->time_slices);
		break;
	}
}

static int element(struct reading *g, const struct img_dicom_event *ev,
		   struct img_err *err)
{
	char uid[IMG_UID_MAX];
	double v[6];

	switch (ev->tag) {
	case 0x00080008:
		image_type(g, ev);
		break;
	case 0x00080016:
		(void)whole_value(ev, g->sop_class, sizeof(g->sop_class));
		break;
	case 0x00080018:
		(void)whole_value(ev, g->sop, sizeof(g->sop));
		break;
	case 0x0020000D:
		(void)whole_value(ev, g->study, sizeof(g->study));
		break;
	case 0x0020000E:
		(void)whole_value(ev, g->series, sizeof(g->series));
		break;
	case 0x00180086: /* EchoNumbers */
	case 0x00200052: /* FrameOfReferenceUID */
	case 0x00280010:
	case 0x00280011:
		mix(g, ev);
		break;
	case 0x00200032:
		g->has_position = decimals(ev, g->o.position, 3);
		break;
	case 0x00200037:
		g->has_orientation = decimals(ev, v, 6);
		memcpy(g->o.row, v, sizeof(g->o.row));
		memcpy(g->o.column, v + 3, sizeof(g->o.column));
		break;
	case 0x00541000:
		series_type(g, ev);
		break;
	case 0x00209161:
		if (whole_value(ev, uid, sizeof(uid)))
			return whole_keep(g->w, uid, &g->o.concatenation, err);
		break;
	default:
		counted(g, ev);
	}
	return 0;
}

/* PS3.3 C.8.9.4.1.9: the dimensions of a PET series by its type. */
static uint64_t pet_images(const struct reading *g)
{
	uint64_t n = g->slices;

	if (strcmp(g->series_type, "DYNAMIC") == 0)
		n *= g->time_slices;
	else if (strcmp(g->series_type, "GATED") == 0)
		n *= (g->intervals ? g->intervals : 1) * g->slots;
	else if (strcmp(g->series_type, "STATIC") != 0 &&
		 strcmp(g->series_type, "WHOLE") != 0)
		return 0;
	return n <= WHOLE_OBJECTS ? n : 0;
}

static void conclude(struct reading *g)
{
	static const char *const slices[] = { STORAGE "2", STORAGE "4",
					      STORAGE "128" };

	for (int i = 0; i < 3; i++)
		g->o.slice |= g->frames <= 1 && !g->localizer &&
			      strcmp(g->sop_class, slices[i]) == 0;
	g->o.has_plane = g->has_position && g->has_orientation &&
			 g->frames <= 1 && !g->localizer;
	g->o.selection = strcmp(g->sop_class, SELECTION) == 0;
	if (strcmp(g->sop_class, slices[2]) == 0)
		g->o.pet = pet_images(g);
}

/* ---- references --------------------------------------------------------- */

/* PS3.3 C.17.6.2.1 and C.12.2: by study, series and instance. */
static bool in_instances(const struct reading *g, unsigned depth)
{
	const uint32_t *p = g->path;

	if (depth == 3)
		return (p[0] == EVIDENCE || p[0] == OTHER_STUDIES) &&
		       p[1] == SERIES_REFS &&
		       (p[2] == INSTANCE_REFS || p[2] == IMAGE_REFS);
	return depth == 2 && p[0] == SERIES_REFS &&
	       (p[1] == INSTANCE_REFS || p[1] == IMAGE_REFS);
}

/* Within an item what it refers to comes before its own UID. */
static void name_refs(struct reading *g, unsigned depth, bool study, size_t at)
{
	for (size_t i = g->item_at[depth - 1]; i < g->refs.n; i++)
		if (study)
			g->refs.at[i].study = at;
		else
			g->refs.at[i].series = at;
}

static int reference(struct reading *g, const struct img_dicom_event *ev,
		     struct img_err *err)
{
	const uint32_t *p = g->path;
	bool outer = p[0] == EVIDENCE || p[0] == OTHER_STUDIES;
	struct whole_ref ref = { 0 };
	char text[IMG_UID_MAX];
	size_t at;

	if (ev->tag == 0x00080100 && ev->depth == 1 && p[0] == TITLE)
		(void)whole_value(ev, g->title, sizeof(g->title));
	if (ev->tag == 0x00081155 && in_instances(g, ev->depth) &&
	    whole_value(ev, text, sizeof(text)))
		return whole_keep(g->w, text, &ref.sop, err) < 0
			       ? -1
			       : whole_add_ref(&g->refs, &ref, err);
	if ((ev->tag == 0x0020000D && ev->depth == 1 && outer) ||
	    (ev->tag == 0x0020000E && p[ev->depth - 1] == SERIES_REFS)) {
		if (!whole_value(ev, text, sizeof(text)))
			return 0;
		if (whole_keep(g->w, text, &at, err) < 0)
			return -1;
		name_refs(g, ev->depth, ev->tag == 0x0020000D, at);
	}
	return 0;
}

/* PS3.16 CID 7010. */
static enum whole_list_kind kind_of(const struct reading *g, bool *none)
{
	static const char *const whole[] = { "113030", "113031", "113032",
					     "113033" };
	/* Rejected, or expired: these need not be there. */
	static const char *const gone[] = { "113001", "113037", "113038",
					    "113039" };

	*none = false;
	for (int i = 0; g->o.selection && i < 4; i++) {
		if (strcmp(g->title, whole[i]) == 0)
			return WHOLE_MANIFEST;
		*none |= strcmp(g->title, gone[i]) == 0;
	}
	return strcmp(g->sop_class, DOSE) == 0 ? WHOLE_DOSE : WHOLE_REFERENCES;
}

static int keep_refs(struct reading *g, const char *name, struct whole_refs *to,
		     struct img_err *err)
{
	struct whole_list list = { .sop = g->o.sop };
	bool none;

	list.kind = kind_of(g, &none);
	if (none || !g->refs.n)
		return 0;
	if (whole_keep(g->w, name, &list.name, err) < 0)
		return -1;
	for (size_t i = 0; i < g->refs.n; i++) {
		struct whole_ref ref = g->refs.at[i];

		if (!ref.study)
			ref.study = g->o.study;
		ref.list = g->w->lists;
		if (whole_add_ref(to, &ref, err) < 0)
			return -1;
	}
	return whole_add_list(g->w, &list, err);
}

/* ---- all of it ---------------------------------------------------------- */

static int event(struct reading *g, const struct img_dicom_event *ev,
		 struct img_err *err)
{
	if (ev->kind == IMG_DICOM_SEQUENCE && ev->depth < DEPTH)
		g->path[ev->depth] = ev->tag;
	if (ev->kind == IMG_DICOM_ITEM && ev->depth < DEPTH)
		g->item_at[ev->depth] = g->refs.n;
	if (ev->kind != IMG_DICOM_ELEMENT || ev->meta)
		return 0;
	if (ev->depth == 0)
		return element(g, ev, err);
	return ev->depth <= DEPTH ? reference(g, ev, err) : 0;
}

static int read_rest(struct reading *g, struct img_dicom_reader *r,
		     struct img_err *err)
{
	struct img_dicom_event ev;
	int rc;

	while ((rc = img_dicom_next(r, &ev, err)) == 1) {
		if (ev.tag == 0x00020002 && ev.meta) {
			(void)whole_value(&ev, g->meta_class,
					  sizeof(g->meta_class));
			if (strcmp(g->meta_class, MEDIA_DIRECTORY) == 0)
				return 1;
		}
		if (event(g, &ev, err) < 0)
			return -1;
	}
	return rc;
}

/* Most objects are of the study and series of the one before. */
static int keep_like(struct img_whole *w, const char *s, size_t *last,
		     size_t *at, struct img_err *err)
{
	if ((!*last || strcmp(whole_text(w, *last), s) != 0) &&
	    whole_keep(w, s, last, err) < 0)
		return -1;
	*at = *last;
	return 0;
}

static int keep_object(struct reading *g, struct img_err *err)
{
	struct img_whole *w = g->w;
	struct whole_object *o =
		whole_more(w->object, w->n, 1, &w->room, sizeof(*o), err);

	if (!o)
		return -1;
	w->object = o;
	if (keep_like(w, g->study, &w->last_study, &g->o.study, err) < 0 ||
	    keep_like(w, g->series, &w->last_series, &g->o.series, err) < 0 ||
	    whole_keep(w, g->sop, &g->o.sop, err) < 0)
		return -1;
	w->object[w->n++] = g->o;
	return 0;
}

static int take(struct img_whole *w, struct img_dicom_reader *r,
		const char *name, bool list, struct img_err *err)
{
	struct whole_refs *to = list ? &w->stay : &w->refs;
	struct reading g = { .w = w };
	int rc = read_rest(&g, r, err);

	if (rc == 1) {
		rc = whole_read_directory(w, r, name, to, err);
	} else if (rc == 0 && (!g.study[0] || !g.sop[0])) {
		rc = img_err_set(err, IMG_E_UNSUPPORTED,
				 "%s: names no study, or not itself", name);
	} else if (rc == 0) {
		conclude(&g);
		if (list && !g.o.selection)
			rc = img_err_set(err, IMG_E_UNSUPPORTED,
					 "%s: neither a DICOMDIR nor a key "
					 "object selection",
					 name);
		else
			rc = keep_object(&g, err);
		if (rc == 0)
			rc = keep_refs(&g, name, to, err);
		if (list && rc == 0)
			w->n--; /* it is no part of it */
	}
	free(g.refs.at);
	return rc;
}

int img_whole_add(struct img_whole *w, struct img_dicom_reader *r,
		  const char *name, struct img_err *err)
{
	return take(w, r, name, false, err);
}

int img_whole_list(struct img_whole *w, struct img_dicom_reader *r,
		   const char *name, struct img_err *err)
{
	if (w->n)
		return img_err_set(err, IMG_E_BUG, "a list after objects");
	if (take(w, r, name, true, err) < 0)
		return -1;
	w->stay_sorted = false;
	w->kept_text = w->text.len;
	w->kept_lists = w->lists;
	w->last_study = w->last_series = 0;
	return 0;
}
