/* read.c - attributes that say how an object is shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picture/parts.h"

#define SHARED    IMG_TAG(0x5200, 0x9229)
#define PER_FRAME IMG_TAG(0x5200, 0x9230)
#define MODALITY  IMG_TAG(0x0028, 0x3000)
#define VOI       IMG_TAG(0x0028, 0x3010)
#define FRAMES    200000u

/* Where the reader is. */
struct place {
	struct img_picture *p;
	struct img_dicom_reader *r;
	uint32_t sequence[8]; /* open ones, by depth */
	struct showing *now;  /* what the current frame's items set */
	bool is_signed;
	uint16_t desc[3];
};

static double number(const char *text, double otherwise)
{
	char *end;
	double v = strtod(text, &end);

	return end == text || v != v ? otherwise : v;
}

/* The values of a DS with backslashes between. */
static unsigned numbers(const struct img_dicom_event *ev, double *out,
			unsigned max)
{
	char text[512];
	unsigned n = 0;
	char *p = text, *next;

	if (!ev->value || ev->length >= sizeof(text))
		return 0;
	memcpy(text, ev->value, ev->length);
	text[ev->length] = '\0';
	while (p && n < max) {
		next = strchr(p, '\\');
		if (next)
			*next++ = '\0';
		out[n++] = number(p, 0);
		p = next;
	}
	return n;
}

static uint16_t u16(const uint8_t *p, bool big)
{
	return (uint16_t)(big ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
}

static bool is_text(const struct img_dicom_event *ev, const char *text)
{
	size_t n = strlen(text);

	return ev->value && ev->length >= n && ev->length <= n + 1 &&
	       memcmp(ev->value, text, n) == 0;
}

/* ---- LUTs -------------------------------------------------------------- */

/* PS3.3 C.11.1.1.1: entries (0: 65536), first value, bits of an entry. */
static void descriptor(struct lut *l, const struct img_dicom_event *ev,
		       bool is_signed)
{
	if (!ev->value || ev->length < 6 || l->v)
		return;
	l->n = u16(ev->value, ev->big);
	if (l->n == 0)
		l->n = 65536;
	l->first = u16(ev->value + 2, ev->big);
	if (is_signed || strcmp(ev->vr, "SS") == 0)
		l->first = (int16_t)l->first;
	l->bits = u16(ev->value + 4, ev->big);
}

/* 8 bit entries lie two in a word, as many as there are. */
static int data(struct place *at, struct lut *l,
		const struct img_dicom_event *ev, struct img_err *err)
{
	uint8_t *raw;
	bool bytes = ev->length < 2 * (uint64_t)l->n;

	if (!l->n || l->v)
		return 0;
	if (ev->length < l->n || ev->length > 4 * 65536)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: a lookup table without its data",
				   at->p->name);
	raw = malloc(ev->length);
	l->v = calloc(l->n, sizeof(*l->v));
	if (!raw || !l->v) {
		free(raw);
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	}
	if (img_dicom_value(at->r, 0, raw, ev->length, err) < 0) {
		free(raw);
		return -1;
	}
	for (uint32_t i = 0; i < l->n; i++)
		l->v[i] = bytes ? raw[i ^ ev->big]
				: u16(raw + 2 * (size_t)i, ev->big);
	if (bytes)
		l->bits = 8;
	if (l->bits < 8 || l->bits > 16)
		l->bits = 16;
	free(raw);
	return 0;
}

/* ---- elements ---------------------------------------------------------- */

static void window(struct showing *s, const struct img_dicom_event *ev)
{
	unsigned n;

	switch (ev->tag) {
	case IMG_TAG(0x0028, 0x1050):
		s->windows = numbers(ev, s->center, WINDOWS);
		break;
	case IMG_TAG(0x0028, 0x1051):
		n = numbers(ev, s->width, WINDOWS);
		if (n < s->windows)
			s->windows = n;
		break;
	case IMG_TAG(0x0028, 0x1052):
		s->has_rescale = numbers(ev, &s->intercept, 1) == 1;
		if (s->has_rescale && s->slope == 0)
			s->slope = 1;
		break;
	case IMG_TAG(0x0028, 0x1053):
		if (numbers(ev, &s->slope, 1) == 1 && s->slope == 0)
			s->slope = 1;
		break;
	case IMG_TAG(0x0028, 0x1056):
		s->function = is_text(ev, "SIGMOID")        ? VOI_SIGMOID
			      : is_text(ev, "LINEAR_EXACT") ? VOI_LINEAR_EXACT
							    : VOI_LINEAR;
		break;
	default:
		break;
	}
}

static int top(struct place *at, const struct img_dicom_event *ev,
	       struct img_err *err)
{
	struct img_picture *p = at->p;

	switch (ev->tag) {
	case IMG_TAG(0x0028, 0x0103):
		at->is_signed = ev->value && ev->length == 2 &&
				u16(ev->value, ev->big) == 1;
		return 0;
	case IMG_TAG(0x0028, 0x0004):
		p->inverse = is_text(ev, "MONOCHROME1");
		return 0;
	case IMG_TAG(0x2050, 0x0020):
		/* It holds, whatever the photometric interpretation says. */
		p->inverse = is_text(ev, "INVERSE") ||
			     (p->inverse && !is_text(ev, "IDENTITY"));
		return 0;
	case IMG_TAG(0x0028, 0x0120):
	case IMG_TAG(0x0028, 0x0121):
		if (!ev->value || ev->length != 2)
			return 0;
		p->padding_end = u16(ev->value, ev->big);
		if (at->is_signed)
			p->padding_end = (int16_t)p->padding_end;
		if (ev->tag == IMG_TAG(0x0028, 0x0120))
			p->padding = p->padding_end;
		p->has_padding = true;
		return 0;
	case IMG_TAG(0x0028, 0x1101):
	case IMG_TAG(0x0028, 0x1102):
	case IMG_TAG(0x0028, 0x1103):
		descriptor(&p->palette[(ev->tag & 0xFF) - 1], ev, false);
		return 0;
	case IMG_TAG(0x0028, 0x1201):
	case IMG_TAG(0x0028, 0x1202):
	case IMG_TAG(0x0028, 0x1203):
		return data(at, &p->palette[(ev->tag & 0xFF) - 1], ev, err);
	case IMG_TAG(0x0028, 0x1221):
		p->segmented = true;
		return 0;
	default:
		window(&p->all, ev);
		return 0;
	}
}

/* In a LUT sequence: its first item. */
static int in_lut(struct place *at, struct lut *l,
		  const struct img_dicom_event *ev, struct img_err *err)
{
	if (ev->tag == IMG_TAG(0x0028, 0x3002))
		descriptor(l, ev, at->is_signed);
	else if (ev->tag == IMG_TAG(0x0028, 0x3006))
		return data(at, l, ev, err);
	return 0;
}

static int element(struct place *at, const struct img_dicom_event *ev,
		   struct img_err *err)
{
	uint32_t in = at->sequence[0];

	if (ev->depth == 0)
		return top(at, ev, err);
	if (ev->depth == 1 && in == MODALITY)
		return in_lut(at, &at->p->modality, ev, err);
	if (ev->depth == 1 && in == VOI)
		return in_lut(at, &at->p->voi, ev, err);
	/* Pixel Value Transformation and Frame VOI LUT, C.7.6.16.2 */
	if (ev->depth == 2 && at->now &&
	    (at->sequence[1] == IMG_TAG(0x0028, 0x9145) ||
	     at->sequence[1] == IMG_TAG(0x0028, 0x9132)))
		window(at->now, ev);
	return 0;
}

/* An item of the per-frame groups begins: what it does not say is as in the
   shared ones. */
static int next_frame(struct place *at, struct img_err *err)
{
	struct img_picture *p = at->p;
	uint32_t room = p->room ? 2 * p->room : 16;
	struct showing *more;

	if (p->frames == FRAMES)
		return 0;
	if (p->frames == p->room) {
		more = reallocarray(p->frame, room, sizeof(*more));
		if (!more)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		p->frame = more;
		p->room = room;
	}
	p->frame[p->frames] = p->all;
	at->now = &p->frame[p->frames++];
	return 0;
}

static int item(struct place *at, const struct img_dicom_event *ev,
		struct img_err *err)
{
	if (ev->depth != 0)
		return 0;
	if (at->sequence[0] == PER_FRAME)
		return next_frame(at, err);
	at->now = at->sequence[0] == SHARED ? &at->p->all : NULL;
	return 0;
}

static int walk(struct place *at, struct img_err *err)
{
	struct img_dicom_event ev;
	int rc;

	while ((rc = img_dicom_next(at->r, &ev, err)) == 1) {
		if (ev.depth == 0 && ev.tag >= IMG_TAG(0x7FE0, 0x0008) &&
		    ev.tag < IMG_TAG(0xFFFE, 0))
			return 0;
		rc = 0;
		if (ev.kind == IMG_DICOM_SEQUENCE && ev.depth < 8)
			at->sequence[ev.depth] = ev.tag;
		else if (ev.kind == IMG_DICOM_ITEM)
			rc = item(at, &ev, err);
		else if (ev.kind == IMG_DICOM_ELEMENT && !ev.meta)
			rc = element(at, &ev, err);
		if (rc < 0)
			return -1;
	}
	return rc;
}

int img_picture_open(struct img_picture **out, struct img_dicom_reader *r,
		     const char *name, struct img_err *err)
{
	struct img_picture *p = calloc(1, sizeof(*p));
	struct place at = { .p = p, .r = r };

	if (!p)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	p->name = name;
	if (walk(&at, err) < 0) {
		img_picture_close(p);
		return -1;
	}
	/* What a rescale makes negative is looked up by signed numbers. */
	if (p->all.has_rescale && p->all.intercept < 0 &&
	    p->voi.first > INT16_MAX)
		p->voi.first = (int16_t)p->voi.first;
	/* A LUT whose data did not come is none. */
	if (!p->modality.v)
		p->modality.n = 0;
	if (!p->voi.v)
		p->voi.n = 0;
	*out = p;
	return 0;
}

void img_picture_close(struct img_picture *p)
{
	if (!p)
		return;
	free(p->frame);
	free(p->modality.v);
	free(p->voi.v);
	for (unsigned i = 0; i < 3; i++)
		free(p->palette[i].v);
	free(p);
}

bool img_picture_parse_window(const char *text, struct img_picture_window *out)
{
	/* In Hounsfield units. */
	static const struct {
		const char *name;
		double center, width;
	} known[] = {
		{ "abdomen", 60, 400 },     { "bone", 400, 1800 },
		{ "brain", 40, 80 },        { "lung", -600, 1500 },
		{ "mediastinum", 50, 350 },
	};
	uint64_t n;
	char end;

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(text, known[i].name) == 0) {
			out->given = true;
			out->center = known[i].center;
			out->width = known[i].width;
			return true;
		}
	if (img_parse_u64(text, WINDOWS, &n) && n > 0) {
		out->preset = (unsigned)n;
		return true;
	}
	out->given = sscanf(text, "%lf,%lf%c", &out->center, &out->width,
			    &end) == 2 &&
		     out->width > 0 && out->width < 1e9 && out->center > -1e9 &&
		     out->center < 1e9;
	return out->given;
}
