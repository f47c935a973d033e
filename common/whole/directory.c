/*
 * directory.c - a DICOMDIR as a list: which object is of which study.  That is
 * said by the offsets that chain its records (PS3.3 F.3.2.2); where they lead
 * nowhere, by the order of the records.
 */
#include <stdlib.h>
#include <string.h>

#include "whole/inside.h"

#define RECORDS_MAX 1000000
#define NONE        SIZE_MAX

struct record {
	uint64_t start, next, lower;
	size_t parent, above; /* by the chain, by the order of the file */
	size_t uid;           /* of a study or series, or the object's */
	char kind;            /* 'S'tudy, s'E'ries, 'F'ile, 0 */
	bool inactive, reached;
};

struct directory {
	struct img_whole *w;
	struct record *record;
	size_t n, room;
};

/* ---- reading ------------------------------------------------------------ */

static uint64_t offset_of(const struct img_dicom_event *ev)
{
	const uint8_t *p = ev->value;

	if (!p || ev->length != 4)
		return 0;
	return ev->big ? (uint64_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]
		       : (uint64_t)p[3] << 24 | p[2] << 16 | p[1] << 8 | p[0];
}

static int keep_uid(struct directory *d, struct record *r, char kind,
		    const struct img_dicom_event *ev, struct img_err *err)
{
	char uid[IMG_UID_MAX];

	if (r->kind == 'F' || !whole_value(ev, uid, sizeof(uid)))
		return 0;
	r->kind = kind;
	return whole_keep(d->w, uid, &r->uid, err);
}

static int keep_sop(struct directory *d, struct record *r,
		    const struct img_dicom_event *ev, struct img_err *err)
{
	char uid[IMG_UID_MAX];

	if (!whole_value(ev, uid, sizeof(uid)))
		return 0;
	r->kind = 'F';
	return whole_keep(d->w, uid, &r->uid, err);
}

static int element(struct directory *d, const struct img_dicom_event *ev,
		   struct img_err *err)
{
	struct record *r = &d->record[d->n - 1];

	switch (ev->tag) {
	case 0x00041400:
		r->next = offset_of(ev);
		break;
	case 0x00041410:
		r->inactive = ev->value && ev->length == 2 && !ev->value[0] &&
			      !ev->value[1];
		break;
	case 0x00041420:
		r->lower = offset_of(ev);
		break;
	case 0x00041500: /* a file that may have no UID here */
		if (ev->length)
			r->kind = 'F';
		break;
	case 0x00041511:
		return keep_sop(d, r, ev, err);
	case 0x0020000D:
		return keep_uid(d, r, 'S', ev, err);
	case 0x0020000E:
		return keep_uid(d, r, 'E', ev, err);
	}
	return 0;
}

static int begin(struct directory *d, const struct img_dicom_event *ev,
		 struct img_err *err)
{
	struct record *r =
		whole_more(d->record, d->n, 1, &d->room, sizeof(*r), err);

	if (!r)
		return -1;
	d->record = r;
	if (d->n >= RECORDS_MAX)
		return img_err_set(err, IMG_E_LIMIT,
				   "a DICOMDIR of more than %d records",
				   RECORDS_MAX);
	r += d->n++;
	memset(r, 0, sizeof(*r));
	r->start = ev->start;
	r->parent = r->above = NONE;
	return 0;
}

static int read_records(struct directory *d, struct img_dicom_reader *r,
			struct img_err *err)
{
	struct img_dicom_event ev;
	bool in = false;
	int rc;

	while ((rc = img_dicom_next(r, &ev, err)) == 1) {
		if (ev.kind == IMG_DICOM_SEQUENCE && ev.depth == 0)
			in = ev.tag == 0x00041220;
		else if (in && ev.kind == IMG_DICOM_ITEM && ev.depth == 0 &&
			 begin(d, &ev, err) < 0)
			return -1;
		else if (in && d->n && ev.kind == IMG_DICOM_ELEMENT &&
			 ev.depth == 1 && element(d, &ev, err) < 0)
			return -1;
	}
	return rc;
}

/* ---- the tree ----------------------------------------------------------- */

static size_t at_offset(const struct directory *d, uint64_t start)
{
	size_t low = 0, high = d->n;

	while (start && low < high) {
		size_t mid = low + (high - low) / 2;

		if (d->record[mid].start < start)
			low = mid + 1;
		else
			high = mid;
	}
	return start && low < d->n && d->record[low].start == start ? low
								    : NONE;
}

static void link_records(struct directory *d)
{
	size_t study = NONE, series = NONE, k;

	for (size_t i = 0; i < d->n; i++) {
		struct record *r = &d->record[i];

		for (k = at_offset(d, r->lower);
		     k != NONE && !d->record[k].reached;
		     k = at_offset(d, d->record[k].next)) {
			d->record[k].reached = true;
			d->record[k].parent = i;
		}
		if (r->kind == 'S')
			study = i;
		if (r->kind == 'S')
			series = NONE;
		if (r->kind == 'E')
			series = i;
		r->above = r->kind == 'E'   ? study
			   : series != NONE ? series
					    : study;
	}
}

/* The UID of the record of that kind above i; 0. */
static size_t uid_above(const struct directory *d, size_t i, char kind)
{
	for (unsigned levels = 0; levels < 16 && i != NONE; levels++) {
		const struct record *r = &d->record[i];

		if (r->kind == kind)
			return r->uid;
		if (r->inactive)
			return 0;
		i = r->parent != NONE ? r->parent : r->above;
	}
	return 0;
}

static int add_refs(struct directory *d, struct whole_list *list,
		    struct whole_refs *to, struct img_err *err)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct record *r = &d->record[i];
		struct whole_ref ref = { .sop = r->uid, .list = d->w->lists };

		if (r->kind != 'F' || r->inactive)
			continue;
		ref.study = uid_above(d, i, 'S');
		ref.series = uid_above(d, i, 'E');
		if (!ref.sop || !ref.study)
			list->partial = true;
		else if (whole_add_ref(to, &ref, err) < 0)
			return -1;
	}
	return 0;
}

int whole_read_directory(struct img_whole *w, struct img_dicom_reader *r,
			 const char *name, struct whole_refs *to,
			 struct img_err *err)
{
	struct whole_list list = { .kind = WHOLE_DICOMDIR };
	struct directory d = { .w = w };
	int rc = -1;

	if (whole_keep(w, name, &list.name, err) == 0 &&
	    read_records(&d, r, err) == 0) {
		link_records(&d);
		if (add_refs(&d, &list, to, err) == 0)
			rc = whole_add_list(w, &list, err);
	}
	free(d.record);
	return rc;
}
