/*
 * fileset.c - the directory records of a DICOMDIR, PS3.3 F.3.
 *
 * The sequence is read as it lies; only elements of its own items count, not
 * those of sequences inside them (icons, say).
 */
#include <string.h>

#include "media/media.h"

#define MEDIA_DIR   "1.2.840.10008.1.3.10"
#define TAG_CLASS   IMG_TAG(0x0002, 0x0002)
#define TAG_RECORDS IMG_TAG(0x0004, 0x1220)
#define TAG_IN_USE  IMG_TAG(0x0004, 0x1410)
#define TAG_TYPE    IMG_TAG(0x0004, 0x1430)
#define TAG_FILE_ID IMG_TAG(0x0004, 0x1500)
#define TAG_SOP_CLS IMG_TAG(0x0004, 0x1510)
#define TAG_SOP     IMG_TAG(0x0004, 0x1511)
#define TAG_SYNTAX  IMG_TAG(0x0004, 0x1512)

const struct img_dicom_limits img_media_limits = {
	.elements = 25ull * IMG_MEDIA_RECORDS,
};

struct reading {
	const char *name;
	bool all;
	int (*fn)(const struct img_media_record *rec, void *arg,
		  struct img_err *err);
	void *arg;
	bool is_dir;    /* it is a DICOMDIR, whatever it lists */
	bool inside;    /* the sequence of records is open */
	unsigned level; /* items open in it */
	struct img_media_record rec;
};

/* Copies a text as printable; empty if it does not fit. */
static void copy(char *out, size_t size, const struct img_dicom_event *ev)
{
	const char *p = (const char *)ev->value;
	size_t n = ev->length;

	out[0] = '\0';
	if (!p)
		return;
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\0'))
		n--;
	if (n >= size)
		return;
	for (size_t i = 0; i < n; i++)
		out[i] = p[i] >= 0x20 && p[i] < 0x7F ? p[i] : '?';
	out[n] = '\0';
}

static void copy_uid(char out[IMG_UID_MAX], const struct img_dicom_event *ev)
{
	copy(out, IMG_UID_MAX, ev);
	if (!img_uid_ok(out))
		out[0] = '\0';
}

static void take_file_id(struct img_media_record *rec,
			 const struct img_dicom_event *ev)
{
	if (!ev->length)
		return; /* type 1C: this record refers to no file */
	if (!ev->value) {
		rec->refused = "is too long";
		return;
	}
	rec->refused = img_media_file_id(ev->value, ev->length, rec->file_id,
					 sizeof rec->file_id);
}

/* An element of a record. */
static void take(struct img_media_record *rec, const struct img_dicom_event *ev)
{
	switch (ev->tag) {
	case TAG_IN_USE: /* any other value than 0 is in use */
		rec->inactive = ev->value && ev->length == 2 && !ev->value[0] &&
				!ev->value[1];
		break;
	case TAG_TYPE:
		copy(rec->type, sizeof rec->type, ev);
		break;
	case TAG_FILE_ID:
		take_file_id(rec, ev);
		break;
	case TAG_SOP_CLS:
		copy_uid(rec->sop_class, ev);
		break;
	case TAG_SOP:
		copy_uid(rec->sop, ev);
		break;
	case TAG_SYNTAX:
		copy_uid(rec->ts, ev);
		break;
	default:
		break;
	}
}

static int begin_item(struct reading *s, struct img_err *err)
{
	uint64_t number = s->rec.number;

	if (s->level++)
		return 0;
	if (number == IMG_MEDIA_RECORDS)
		return img_err_set(err, IMG_E_LIMIT,
				   "%s: more than %d directory records",
				   s->name, IMG_MEDIA_RECORDS);
	memset(&s->rec, 0, sizeof s->rec);
	s->rec.number = number + 1;
	return 0;
}

static int end_item(struct reading *s, struct img_err *err)
{
	if (!s->level || --s->level)
		return 0;
	if (!s->all && !s->rec.file_id[0] && !s->rec.refused)
		return 0;
	return s->fn(&s->rec, s->arg, err);
}

static int see(struct reading *s, const struct img_dicom_event *ev,
	       struct img_err *err)
{
	char uid[IMG_UID_MAX];

	if (s->inside) {
		if (ev->kind == IMG_DICOM_ITEM)
			return begin_item(s, err);
		if (ev->kind == IMG_DICOM_END_ITEM)
			return end_item(s, err);
		if (ev->kind == IMG_DICOM_ELEMENT && s->level == 1)
			take(&s->rec, ev);
		if (ev->kind == IMG_DICOM_END_SEQUENCE && !s->level)
			s->inside = false;
		return 0;
	}
	if (ev->kind == IMG_DICOM_SEQUENCE && ev->depth == 0 &&
	    ev->tag == TAG_RECORDS)
		s->inside = s->is_dir = true;
	if (ev->kind == IMG_DICOM_ELEMENT && ev->tag == TAG_CLASS) {
		copy(uid, sizeof uid, ev);
		s->is_dir |= strcmp(uid, MEDIA_DIR) == 0;
	}
	return 0;
}

int img_media_each(struct img_dicom_reader *r, const char *name, bool all,
		   int (*fn)(const struct img_media_record *rec, void *arg,
			     struct img_err *err),
		   void *arg, struct img_err *err)
{
	struct reading s = { .name = name, .all = all, .fn = fn, .arg = arg };
	struct img_dicom_event ev;
	int more, rc;

	while ((more = img_dicom_next(r, &ev, err)) > 0) {
		rc = see(&s, &ev, err);
		if (rc != 0)
			return rc;
	}
	if (more < 0)
		return -1;
	if (!s.is_dir)
		return img_err_set(err, IMG_E_UNSUPPORTED, "%s: not a DICOMDIR",
				   name);
	return 0;
}
