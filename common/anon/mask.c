/*
 * mask.c - which parts of the pixels to blank: rules for devices that burn in
 * text, regions of ultrasound images (PS3.3 C.8.5.5), masks that were given.
 *
 * A rule holds when all it asks for is so.  Several conditions on one
 * attribute are alternatives.  All rules that hold are applied.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "anon/inside.h"

enum asked {
	A_MODALITY,
	A_MANUFACTURER,
	A_MODEL,
	A_SOFTWARE,
	A_IMAGE_TYPE,
	A_SERIES,
	A_STUDY,
	A_BODY,
	A_SC_MODEL,
	A_BURNED,
	A_CLASS,
	A_WINDOW,
	A_DOSE,
	A_PROTOCOL,
	A_OVERLAY,
	A_VERSION
};

static const struct {
	uint32_t tag;
	const char *name, *alias; /* as the rules call it */
} asked[ASKED] = {
	{ 0x00080060u, "Modality", NULL },
	{ 0x00080070u, "Manfacturer", "Manufacture" }, /* so in the sources */
	{ 0x00081090u, "ManufacturerModelName", NULL },
	{ 0x00181020u, "SoftwareVersion", "SoftwareVersions" },
	{ 0x00080008u, "ImageType", "image_type" },
	{ 0x0008103Eu, "SeriesDescription", "series_description" },
	{ 0x00081030u, "StudyDescription", "study_description" },
	{ 0x00180015u, "BodyPartExamined", "body_part_examined" },
	{ 0x00181018u, "SecondaryCaptureDeviceManufacturerModelName",
	  "secondary_capture_device_manufacturer_model_name" },
	{ 0x00280301u, "BurnedInAnnotation", "burned_in_annotation" },
	{ 0x00080016u, "SOPClassUID", "sop_class_uid" },
	{ 0x00281051u, "WindowWidth", NULL },
	{ 0x00400310u, "CommentsOnRadiationDose",
	  "comments_on_radiation_dose" },
	{ 0x00181030u, "ProtocolName", NULL },
	{ 0x60000022u, "OverlayDescription", NULL },
	{ 0x00020013u, "ImplementationVersionName", NULL }
};

/* ---- collecting ------------------------------------------------------- */

static uint32_t number(const struct img_dicom_event *ev)
{
	const uint8_t *p = ev->value;
	uint32_t v = 0;

	if (!p)
		return 0;
	if (strcmp(ev->vr, "IS") == 0) {
		for (uint32_t i = 0; i < ev->length && i < 9; i++)
			if (p[i] >= '0' && p[i] <= '9')
				v = v * 10 + (p[i] - '0');
		return v;
	}
	for (uint32_t i = 0; i < ev->length && i < 4; i++)
		v |= (uint32_t)p[ev->big ? ev->length - 1 - i : i] << 8 * i;
	return v;
}

static void take_region(struct pixels *x, const struct img_dicom_event *ev)
{
	struct img_rect *r;

	if (ev->kind == IMG_DICOM_ITEM && x->regions < RECTS)
		x->region[x->regions++] = (struct img_rect){ 0, 0, 0, 0 };
	if (ev->kind != IMG_DICOM_ELEMENT || ev->depth != 1 || !x->regions)
		return;
	r = &x->region[x->regions - 1];
	switch (ev->tag) {
	case 0x00186018u:
		r->x = number(ev);
		break;
	case 0x0018601Au:
		r->y = number(ev);
		break;
	case 0x0018601Cu:
		r->w = number(ev);
		break;
	case 0x0018601Eu:
		r->h = number(ev);
		break;
	default:
		break;
	}
}

static void take_shape(struct pixels *x, const struct img_dicom_event *ev)
{
	switch (ev->tag) {
	case 0x00280002u:
		x->samples = number(ev);
		break;
	case 0x00280004u:
		snprintf(x->photometric, sizeof(x->photometric), "%.*s",
			 ev->value ? (int)ev->length : 0,
			 ev->value ? (const char *)ev->value : "");
		while (x->photometric[0] &&
		       x->photometric[strlen(x->photometric) - 1] == ' ')
			x->photometric[strlen(x->photometric) - 1] = '\0';
		break;
	case 0x00280006u:
		x->planar = number(ev);
		break;
	case 0x00280008u:
		x->frames = number(ev);
		break;
	case 0x00280010u:
		x->rows = number(ev);
		break;
	case 0x00280011u:
		x->columns = number(ev);
		break;
	case 0x00280100u:
		x->bits = number(ev);
		break;
	case 0x00280101u:
		x->stored = number(ev);
		break;
	case 0x00280102u:
		x->high = number(ev);
		break;
	case T_FLOATS:
	case T_FLOATS + 1:
		x->floats = true;
		break;
	case T_PIXELS:
		x->native = true;
		x->length = ev->length;
		break;
	default:
		break;
	}
}

void anon_take_pixels(struct img_anon *a, const struct img_dicom_event *ev)
{
	struct pixels *x = &a->pixels;

	if (!ev->depth && ev->tag == T_PIXELS)
		x->seen++;
	if (!ev->depth && ev->kind == IMG_DICOM_ELEMENT)
		take_shape(x, ev);
	if (a->p->pixels == IMG_PIXELS_KEEP)
		return;
	if (ev->depth == 0 && ev->kind == IMG_DICOM_SEQUENCE)
		x->in_regions = ev->tag == 0x00186011u;
	else if (ev->depth == 0 && ev->kind == IMG_DICOM_END_SEQUENCE)
		x->in_regions = false;
	else if (x->in_regions)
		take_region(x, ev);
	if (ev->depth || ev->kind != IMG_DICOM_ELEMENT)
		return;
	for (size_t i = 0; i < ASKED; i++)
		if (asked[i].tag == ev->tag && ev->value && !x->asked[i][0])
			snprintf(x->asked[i], ASKED_SIZE, "%.*s",
				 (int)ev->length, (const char *)ev->value);
}

/* ---- conditions ------------------------------------------------------- */

/* One pattern: "=" equal, "^" at the start, "$" at the end, "/../" one of the
   few forms that occur; without any, somewhere in it.  "!" turns it. */
static bool fits(const char *pattern, size_t n, const char *value)
{
	char want[ASKED_SIZE];
	size_t have;
	bool turn = n && *pattern == '!';

	if (n >= sizeof(want))
		return false;
	memcpy(want, pattern + turn, n - turn);
	want[n - turn] = '\0';
	n -= turn;
	have = strlen(value);
	while (have && value[have - 1] == ' ')
		have--;
	if (strcmp(want, "/^(?!YES$)/") == 0)
		return strncasecmp(value, "YES", 3) != 0;
	if (strncmp(want, "/(?i)^", 6) == 0 && n > 8)
		return (have == n - 8 &&
			strncasecmp(want + 6, value, have) == 0) != turn;
	if (want[0] == '=')
		return (have == n - 1 &&
			strncasecmp(want + 1, value, have) == 0) != turn;
	if (want[0] == '^')
		return (strncasecmp(want + 1, value, n - 1) == 0) != turn;
	if (want[0] == '$')
		return (have >= n - 1 &&
			strncasecmp(want + 1, value + have - (n - 1), n - 1) ==
				0) != turn;
	return (strcasestr(value, want) != NULL) != turn;
}

/* Any of the alternatives between bars; none: always. */
static bool any(const char *list, const char *value)
{
	if (!*list)
		return true;
	for (;;) {
		size_t n = strcspn(list, "|");

		if (fits(list, n, value))
			return true;
		if (!list[n])
			return false;
		list += n + 1;
	}
}

static int asked_of(const char *key, size_t n)
{
	for (int i = 0; i < ASKED; i++)
		if ((strlen(asked[i].name) == n &&
		     memcmp(asked[i].name, key, n) == 0) ||
		    (asked[i].alias && strlen(asked[i].alias) == n &&
		     memcmp(asked[i].alias, key, n) == 0))
			return i;
	if (n == 14 && memcmp(key, "image_type_any", n) == 0)
		return A_IMAGE_TYPE;
	return -1;
}

/* Further conditions, "Keyword~pattern|...".  One that is asked of nothing we
   know holds where the device is known: better too much is blanked than too
   little. */
static bool others(const struct pixels *x, const char *list, bool device)
{
	uint32_t wanted = 0, met = 0;

	while (*list) {
		size_t n = strcspn(list, "|"), key = strcspn(list, "~=^$|");
		bool bare = list[key] == '~';
		const char *want = list + key + bare;
		int i = asked_of(list, key);

		if (key == 18 && memcmp(list, "image_type_exclude", key) == 0 &&
		    fits(want, n - key - bare, x->asked[A_IMAGE_TYPE]))
			return false;
		if (i >= 0) {
			wanted |= 1u << i;
			if (fits(want, n - key - bare, x->asked[i]))
				met |= 1u << i;
		} else if (!device && key != 18)
			return false;
		list += n + (list[n] == '|');
	}
	return wanted == met;
}

/* The size as the rules write it. */
struct size {
	char rows[12], columns[12];
};

static struct size size_of(const struct pixels *x)
{
	struct size s;

	snprintf(s.rows, sizeof(s.rows), "%u", x->rows);
	snprintf(s.columns, sizeof(s.columns), "%u", x->columns);
	return s;
}

static bool holds(const struct pixels *x, const struct size *s,
		  const struct anon_region *r)
{
	if ((*r->rows && !strstr(r->rows, s->rows)) ||
	    (*r->columns && !strstr(r->columns, s->columns)))
		return false;
	return any(r->modality, x->asked[A_MODALITY]) &&
	       any(r->manufacturer, x->asked[A_MANUFACTURER]) &&
	       any(r->model, x->asked[A_MODEL]) &&
	       any(r->software, x->asked[A_SOFTWARE]) &&
	       others(x, r->other, *r->model);
}

/* ---- the plan --------------------------------------------------------- */

/* What lies beyond the image blanks nothing of it. */
static bool is_inside(const struct pixels *x, const struct img_rect *r)
{
	return !x->rows || !x->columns || (r->x < x->columns && r->y < x->rows);
}

static bool add_rect(struct pixels *x, struct img_rect r)
{
	if (!is_inside(x, &r))
		return true;
	if (x->scrubs == RECTS)
		return false;
	x->scrub[x->scrubs++] = r;
	return true;
}

static bool add_rule(struct pixels *x, const char *rects)
{
	unsigned before = x->scrubs;
	struct img_rect r;
	int n;

	while (sscanf(rects, "%u,%u,%u,%u%n", &r.x, &r.y, &r.w, &r.h, &n) ==
	       4) {
		if (!add_rect(x, r))
			return false;
		rects += n + (rects[n] == ';');
	}
	x->missed |= x->scrubs == before;
	return !*rects;
}

bool anon_has_rule(const struct img_anon *a)
{
	struct size size = size_of(&a->pixels);

	for (unsigned i = 0; i < anon_region_count; i++)
		if (holds(&a->pixels, &size, &anon_regions[i]))
			return true;
	return false;
}

static const char *cannot(struct img_anon *a)
{
	static const char *const models[] = { "MONOCHROME1", "MONOCHROME2",
					      "PALETTE COLOR", "RGB",
					      "YBR_FULL" };
	const struct pixels *x = &a->pixels;

	if (x->seen > 1)
		return "there are several";
	if (x->floats)
		return "they are of floating point";
	if (!x->native)
		return anon_plan_coded(a);
	if (!x->rows || !x->columns || x->rows > 65535 || x->columns > 65535)
		return "no size is given";
	if ((x->bits != 8 && x->bits != 16 &&
	     (x->bits != 32 || a->high_bits)) ||
	    (x->samples != 1 && x->samples != 3) || x->planar > 1)
		return "neither 8, 16 nor 32 bits in 1 or 3 samples";
	if ((uint64_t)x->rows * x->columns * x->samples * (x->bits / 8) *
		    (x->frames ? x->frames : 1) >
	    x->length)
		return "fewer pixels than rows and columns";
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		if (strcmp(x->photometric, models[i]) == 0)
			return NULL;
	return "a photometric interpretation we do not write";
}

const char *anon_plan_pixels(struct img_anon *a)
{
	struct pixels *x = &a->pixels;
	struct size size = size_of(x);
	bool ok = true;

	if (!x->samples)
		x->samples = 1;
	if (a->p->pixels == IMG_PIXELS_BLANK)
		ok = add_rect(x, (struct img_rect){ 0, 0, 65536, 65536 });
	for (unsigned i = 0; ok && i < a->p->masks; i++)
		ok = add_rect(x, a->p->mask[i]);
	for (unsigned i = 0; ok && i < anon_region_count; i++)
		if (holds(x, &size, &anon_regions[i]))
			ok = add_rule(x, anon_regions[i].rects);
	if (!ok)
		return "too many rules hold";
	x->only_regions = x->regions > 0 && x->regions < RECTS;
	x->change = x->scrubs || x->only_regions || a->high_bits;
	return x->change ? cannot(a) : NULL;
}
