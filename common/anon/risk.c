/* risk.c - whether pixels may show who it is. */
#include <stdio.h>
#include <strings.h>

#include "anon/inside.h"

static bool holds(const struct img_dicom_event *ev, const char *word)
{
	size_t n = strlen(word);

	if (!ev->value || ev->length < n)
		return false;
	for (size_t i = 0; i + n <= ev->length; i++)
		if (strncasecmp((const char *)ev->value + i, word, n) == 0)
			return true;
	return false;
}

/* Whether one of the values ends in the word. */
static bool ends(const struct img_dicom_event *ev, const char *word)
{
	const char *p = (const char *)ev->value;
	size_t n = strlen(word), left = p ? ev->length : 0;

	while (left) {
		const char *bar = memchr(p, '\\', left);
		size_t part = bar ? (size_t)(bar - p) : left;
		const char *one = p;
		size_t k = anon_trim(&one, part);

		if (k >= n && strncasecmp(one + k - n, word, n) == 0)
			return true;
		left -= part + (bar != NULL);
		p += part + (bar != NULL);
	}
	return false;
}

/* What consoles draw as an image, with the patient's name on top. */
static const char *type_risk(const struct img_dicom_event *ev)
{
	static const char *const saves[] = { "SCREEN SAVE", "SCREEN_SAVE",
					     "SCREENSAVE",  "SCREENSHOT",
					     "SCREEN SHOT", "SCREEN_SHOT",
					     "SCREEN CAP",  "SCREEN_CAP",
					     "SCREENCAP" };

	for (size_t i = 0; i < sizeof(saves) / sizeof(saves[0]); i++)
		if (holds(ev, saves[i]))
			return "a screen save (ImageType)";
	return ends(ev, " PROT") ? "a page of the protocol (ImageType)" : NULL;
}

/* Called for every attribute of the top level; the first reason stays. */
void anon_take_risk(struct img_anon *a, const struct img_dicom_event *ev)
{
	const char *risk = NULL;

	switch (ev->tag) {
	case 0x00280301u: /* BurnedInAnnotation */
		if (holds(ev, "YES")) {
			a->burned_in = true;
			risk = "BurnedInAnnotation says YES";
		}
		a->not_burned_in = ends(ev, "NO");
		break;
	case 0x00280302u: /* RecognizableVisualFeatures */
		if (holds(ev, "YES"))
			risk = "RecognizableVisualFeatures says YES";
		break;
	case 0x00280303u:
		a->was_modified =
			holds(ev, "MODIFIED") && !holds(ev, "UNMODIFIED");
		break;
	case 0x00080064u: /* ConversionType */
		if (ev->length)
			risk = "a secondary capture (ConversionType)";
		break;
	case 0x00080008u: /* ImageType */
		risk = type_risk(ev);
		a->label = ends(ev, "LABEL");
		break;
	case 0x00480010u: /* SpecimenLabelInImage */
		if (holds(ev, "YES")) {
			a->burned_in = true;
			risk = "the label of a slide (SpecimenLabelInImage)";
		}
		break;
	default:
		if ((ev->tag & 0xFF01FFFFu) == 0x60000102u && ev->value &&
		    ev->length >= 2 && (ev->value[0] || ev->value[1]))
			a->high_bits = true;
		break;
	}
	if (risk && !a->risk)
		a->risk = risk;
}

static const char *class_risk(const struct img_anon *a)
{
	static const char root[] = "1.2.840.10008.5.1.4.1.1.";
	static const char endoscope[] =
		"an endoscope's, and BurnedInAnnotation does not say NO";
	static const char photograph[] =
		"a photograph, and BurnedInAnnotation does not say NO";
	/* said: it is believed if it says that nothing is burned in. */
	static const struct {
		const char *tail, *why;
		bool said;
	} classes[] = {
		{ "3", "ultrasound", false },
		{ "3.1", "ultrasound", false },
		{ "6", "ultrasound", false },
		{ "6.1", "ultrasound", false },
		{ "6.2", "ultrasound", false },
		{ "7", "a secondary capture", false },
		{ "7.1", "a secondary capture", false },
		{ "7.2", "a secondary capture", false },
		{ "7.3", "a secondary capture", false },
		{ "7.4", "a secondary capture", false },
		{ "77.1.1", endoscope, true },
		{ "77.1.1.1", endoscope, true },
		{ "77.1.4", photograph, true },
		{ "77.1.4.1", photograph, true },
		{ "77.1.5.1", photograph, true },
		{ "77.1.5.2", photograph, true },
		{ "77.1.7", photograph, true },
	};

	if (strcmp(a->facts.modality, "US") == 0)
		return "ultrasound";
	if (a->label && strcmp(a->facts.modality, "SM") == 0)
		return "the label of a slide (ImageType)";
	if (strncmp(a->sop_class, root, sizeof(root) - 1) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strcmp(a->sop_class + sizeof(root) - 1, classes[i].tail) ==
		    0)
			return classes[i].said && a->not_burned_in
				       ? NULL
				       : classes[i].why;
	return NULL;
}

int anon_judge_pixels(struct img_anon *a)
{
	const char *risk = a->risk ? a->risk : class_risk(a), *why = NULL;
	bool blanked;

	if (!a->has_pixels)
		a->burned_in = false;
	if (!a->has_pixels || a->p->pixels == IMG_PIXELS_KEEP)
		return 1;
	if (a->p->pixels >= IMG_PIXELS_CLEAN)
		why = anon_plan_pixels(a);
	if (!risk && (a->p->pixels >= IMG_PIXELS_CLEAN ? a->pixels.missed
						       : anon_has_rule(a)))
		risk = "a rule for this device";
	if (!risk && a->high_bits && (why || !a->pixels.change))
		risk = "an overlay in the pixels' high bits";
	/* Clearing the high bits alone leaves what else the risk is. */
	blanked = a->pixels.scrubs || a->pixels.only_regions;
	if (!why && (blanked || !risk)) {
		a->burned_in = a->burned_in && !blanked;
		return 1;
	}
	snprintf(a->reason, sizeof(a->reason),
		 "pixels may show who it is: %s%s%s",
		 risk ? risk : "a rule for this device",
		 why ? ", and they cannot be cleaned: " : "", why ? why : "");
	return 0;
}
