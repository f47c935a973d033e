/*
 * coded.c - coded frames cleaned by whoever can: the caller's codec decodes,
 * masks and encodes them again, without loss.
 *
 * What the data set says of its pixels follows what came out; that pixels were
 * once compressed with loss (LossyImageCompression) stays.
 */
#include <stdlib.h>

#include "anon/inside.h"

#define T_SAMPLES     0x00280002u
#define T_PHOTOMETRIC 0x00280004u
#define T_PLANAR      0x00280006u
#define T_ALLOCATED   0x00280100u
#define T_STORED      0x00280101u
#define T_HIGH        0x00280102u
#define T_SIGNED      0x00280103u

void img_anon_use_codec(struct img_anon *a, const struct img_anon_codec *codec)
{
	a->codec = codec;
}

/* ---- masks ------------------------------------------------------------ */

static bool add(struct img_anon_coded *c, uint32_t left, uint32_t top,
		uint32_t right, uint32_t bottom)
{
	if (c->masks == IMG_ANON_CODED_MASKS)
		return false;
	c->mask[c->masks++] =
		(struct img_anon_mask){ left, top, right, bottom };
	return true;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* What no region covers of the lines from top to before end. */
static bool add_gaps(struct img_anon_coded *c, const struct pixels *x,
		     uint32_t top, uint32_t end)
{
	uint32_t at = 0;

	while (at < x->columns) {
		uint32_t next = x->columns, over = at;

		for (unsigned i = 0; i < x->regions; i++) {
			const struct img_rect *r = &x->region[i];

			if (r->y > top || r->h < top || r->w < at)
				continue;
			if (r->x <= at && r->w >= over)
				over = r->w < x->columns ? r->w + 1
							 : x->columns;
			else if (r->x > at && r->x < next && r->x <= r->w)
				next = r->x;
		}
		if (over == at && !add(c, at, top, next - 1, end - 1))
			return false;
		at = over == at ? next : over;
	}
	return true;
}

/* All outside of the regions, in bands between their edges. */
static bool add_outside(struct img_anon_coded *c, const struct pixels *x)
{
	uint32_t edge[2 * RECTS + 2];
	unsigned n = 0;

	edge[n++] = 0;
	edge[n++] = x->rows;
	for (unsigned i = 0; i < x->regions; i++) {
		if (x->region[i].y < x->rows)
			edge[n++] = x->region[i].y;
		if (x->region[i].h < x->rows)
			edge[n++] = x->region[i].h + 1;
	}
	qsort(edge, n, sizeof(edge[0]), by_number);
	for (unsigned i = 0; i + 1 < n; i++)
		if (edge[i] < edge[i + 1] &&
		    !add_gaps(c, x, edge[i], edge[i + 1]))
			return false;
	return true;
}

/* Why it cannot be done; NULL if it can. */
const char *anon_plan_coded(struct img_anon *a)
{
	const struct pixels *x = &a->pixels;
	struct img_anon_coded *c = &a->coded;

	if (!a->codec || !a->codec->can(a->codec->arg, a->facts.syntax))
		return "they are compressed, in a way that we do not decode";
	if (!x->rows || !x->columns || x->rows > 65535 || x->columns > 65535)
		return "no size is given";
	c->masks = 0;
	c->clear_unused = a->high_bits;
	for (unsigned i = 0; i < x->scrubs; i++) {
		const struct img_rect *r = &x->scrub[i];

		if (r->x < x->columns && r->y < x->rows && r->w && r->h &&
		    !add(c, r->x, r->y,
			 r->w > x->columns ? x->columns - 1 : r->x + r->w - 1,
			 r->h > x->rows ? x->rows - 1 : r->y + r->h - 1))
			return "too many rules hold";
	}
	if (x->only_regions && !add_outside(c, x))
		return "too many regions";
	return NULL;
}

/* ---- writing ---------------------------------------------------------- */

int anon_begin_coded(struct img_anon *a, struct img_err *err)
{
	struct img_anon_coded *c = &a->coded;

	a->recoded = a->pixels.change && !a->pixels.native;
	if (!a->recoded)
		return 0;
	if (a->codec->begin(a->codec->arg, a->facts.syntax, c, err) < 0)
		return -1;
	if (!img_uid_ok(c->syntax))
		return img_err_set(err, IMG_E_BUG, "no transfer syntax");
	memcpy(a->facts.syntax, c->syntax, sizeof(c->syntax));
	return 0;
}

static int put_number(struct img_anon *a, uint32_t tag, uint32_t v,
		      struct img_err *err)
{
	const uint8_t le[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

	return anon_put_value(a, tag, "US", le, 2, err);
}

/* 1: an attribute that says how pixels are made was written anew, or is left
   out; 0 it is none; -1. */
int anon_put_shape(struct img_anon *a, uint32_t tag, struct img_err *err)
{
	const struct img_anon_coded *c = &a->coded;
	int rc;

	switch (tag) {
	case T_SAMPLES:
		rc = put_number(a, tag, c->samples, err);
		break;
	case T_PHOTOMETRIC:
		rc = anon_put_value(a, tag, "CS", c->photometric,
				    strlen(c->photometric), err);
		break;
	case T_PLANAR:
		rc = c->samples > 1 ? put_number(a, tag, c->planar, err) : 0;
		break;
	case T_ALLOCATED:
		rc = put_number(a, tag, c->allocated, err);
		break;
	case T_STORED:
		rc = put_number(a, tag, c->stored, err);
		break;
	case T_HIGH:
		rc = put_number(a, tag, c->high, err);
		break;
	case T_SIGNED:
		rc = put_number(a, tag, c->representation, err);
		break;
	default: /* extended offset tables are of other frames */
		return tag >= 0x7FE00001u && tag <= 0x7FE00003u;
	}
	return rc < 0 ? -1 : 1;
}

int anon_put_coded(struct img_anon *a, const struct img_dicom_event *in,
		   struct img_err *err)
{
	struct img_dicom_event ev = *in;

	ev.kind = IMG_DICOM_PIXELS;
	ev.length = IMG_UNDEFINED_LEN;
	memcpy(ev.vr, "OB", 3);
	if (img_dicom_put(a->w, &ev, NULL, err) < 0)
		return -1;
	ev.kind = IMG_DICOM_FRAGMENT; /* an empty offset table */
	ev.length = 0;
	if (img_dicom_put(a->w, &ev, "", err) < 0)
		return -1;
	for (uint32_t i = 0; i < a->coded.frames; i++)
		if (a->codec->frame(a->codec->arg, i, a->w, err) < 0)
			return -1;
	ev.kind = IMG_DICOM_END_SEQUENCE;
	ev.length = IMG_UNDEFINED_LEN;
	return img_dicom_put(a->w, &ev, NULL, err);
}
