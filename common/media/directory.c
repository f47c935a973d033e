/* directory.c - a DICOMDIR read back and compared with what was planned. */
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "media/directory.h"

#define TAG_FILE_SET IMG_TAG(0x0004, 0x1130)
#define TAG_FIRST    IMG_TAG(0x0004, 0x1200)
#define TAG_LAST     IMG_TAG(0x0004, 0x1202)
#define TAG_FLAG     IMG_TAG(0x0004, 0x1212)
#define TAG_RECORDS  IMG_TAG(0x0004, 0x1220)
#define TAG_NEXT     IMG_TAG(0x0004, 0x1400)
#define TAG_IN_USE   IMG_TAG(0x0004, 0x1410)
#define TAG_LOWER    IMG_TAG(0x0004, 0x1420)
#define TAG_CLASS    IMG_TAG(0x0002, 0x0002)
#define TAG_INSTANCE IMG_TAG(0x0002, 0x0003)

/* A record as it was read. */
struct found {
	uint64_t start;
	uint32_t next, lower;
	uint64_t sum;
};

struct reading {
	const struct directory *d;
	struct found *found;
	size_t count;
	uint32_t first, last;
	bool set_ok, flag_ok, class_ok, instance_ok;
	bool inside;        /* the sequence of records is open */
	unsigned level;     /* items open in it */
	struct img_buf now; /* the open record */
};

static uint32_t number(const struct img_dicom_event *ev)
{
	return ev->value && ev->length == 4
		       ? (uint32_t)ev->value[0] | (uint32_t)ev->value[1] << 8 |
				 (uint32_t)ev->value[2] << 16 |
				 (uint32_t)ev->value[3] << 24
		       : UINT32_MAX;
}

static bool same_text(const struct img_dicom_event *ev, const char *text)
{
	size_t n = strlen(text);

	return ev->value && ev->length == n + n % 2 &&
	       memcmp(ev->value, text, n) == 0;
}

static void take_head(struct reading *s, const struct img_dicom_event *ev)
{
	switch (ev->tag) {
	case TAG_CLASS:
		s->class_ok = same_text(ev, "1.2.840.10008.1.3.10");
		break;
	case TAG_INSTANCE:
		s->instance_ok = same_text(ev, s->d->sop);
		break;
	case TAG_FILE_SET:
		s->set_ok = same_text(ev, s->d->file_set_id);
		break;
	case TAG_FIRST:
		s->first = number(ev);
		break;
	case TAG_LAST:
		s->last = number(ev);
		break;
	case TAG_FLAG:
		s->flag_ok = ev->value && ev->length == 2 && !ev->value[0] &&
			     !ev->value[1];
		break;
	default:
		break;
	}
}

static int differs(size_t i, struct img_err *err)
{
	return img_err_set(err, IMG_E_BUG,
			   "DICOMDIR: record %zu is not the one that was "
			   "planned",
			   i + 1);
}

static int take(struct reading *s, const struct img_dicom_event *ev,
		struct img_err *err)
{
	struct found *f = &s->found[s->count];
	bool wide;
	int rc;

	if (s->level == 1 && ev->kind == IMG_DICOM_ELEMENT) {
		if (ev->tag == TAG_NEXT)
			f->next = number(ev);
		else if (ev->tag == TAG_LOWER)
			f->lower = number(ev);
		else if (ev->tag != TAG_IN_USE)
			return !ev->value && ev->length
				       ? differs(s->count, err)
				       : media_put_element(&s->now, ev->tag,
							   ev->vr, ev->value,
							   ev->length, err);
		return 0;
	}
	rc = media_put_event(&s->now, ev, NULL, &wide, err);
	return rc ? (rc < 0 ? -1 : 0) : differs(s->count, err);
}

static int see(struct reading *s, const struct img_dicom_event *ev,
	       struct img_err *err)
{
	bool own = s->inside && ev->kind == IMG_DICOM_ITEM && !s->level;

	if (!s->inside) {
		if (ev->kind == IMG_DICOM_SEQUENCE && ev->tag == TAG_RECORDS)
			s->inside = true;
		else if (ev->kind == IMG_DICOM_ELEMENT)
			take_head(s, ev);
		return 0;
	}
	if (own) {
		if (s->count == s->d->count)
			return differs(s->count, err);
		s->found[s->count].start = ev->start;
		s->level = 1;
		img_buf_reset(&s->now);
		return 0;
	}
	if (!s->level) {
		s->inside = ev->kind != IMG_DICOM_END_SEQUENCE;
		return 0;
	}
	if (ev->kind == IMG_DICOM_END_ITEM && s->level == 1) {
		s->level = 0;
		s->found[s->count++].sum =
			img_sum64(img_buf_str(&s->now), s->now.len);
		return 0;
	}
	if (take(s, ev, err) < 0)
		return -1;
	s->level += ev->kind == IMG_DICOM_ITEM;
	s->level -= ev->kind == IMG_DICOM_END_ITEM;
	return 0;
}

/* The record that begins at the offset; they ascend in the file. */
static size_t at_offset(const struct reading *s, uint64_t start)
{
	size_t lo = 0, hi = s->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->found[mid].start < start)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->count && s->found[lo].start == start ? lo : NONE;
}

/* One link: both say that there is none, or what. */
static bool follow(const struct reading *s, size_t planned, uint32_t offset,
		   size_t *where)
{
	if (planned == NONE)
		return offset == 0;
	where[planned] = at_offset(s, offset);
	return where[planned] != NONE;
}

/* Follows the chains as a reader of the disc does. */
static int check_chains(const struct reading *s, struct img_err *err)
{
	const struct directory *d = s->d;
	size_t *where = calloc(d->count + 1, sizeof *where), last = NONE;
	int rc = -1;

	if (!where)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	if (!follow(s, d->count ? 0 : NONE, s->first, where)) {
		differs(0, err);
		goto out;
	}
	for (size_t i = 0; i < d->count; i++) {
		const struct entry *e = &d->entry[i];
		const struct found *f = &s->found[where[i]];

		if (f->sum != e->sum || !follow(s, e->next, f->next, where) ||
		    !follow(s, e->child, f->lower, where)) {
			differs(i, err);
			goto out;
		}
		if (e->parent == NONE)
			last = i;
	}
	rc = last != NONE && s->found[where[last]].start != s->last
		     ? differs(last, err)
		     : 0;
out:
	free(where);
	return rc;
}

static int read_all(struct reading *s, struct img_dicom_reader *r,
		    struct img_err *err)
{
	struct img_dicom_event ev;
	int more;

	while ((more = img_dicom_next(r, &ev, err)) > 0)
		if (see(s, &ev, err) < 0)
			return -1;
	if (more < 0)
		return -1;
	if (!s->set_ok || !s->flag_ok || !s->class_ok || !s->instance_ok)
		return img_err_set(err, IMG_E_BUG,
				   "DICOMDIR: its head is not the one that "
				   "was planned");
	if (s->count != s->d->count)
		return differs(s->count, err);
	return check_chains(s, err);
}

int media_directory_check(const struct directory *d, int fd, uint64_t size,
			  struct img_err *err)
{
	struct img_dicom_reader *r = img_dicom_reader_new(err);
	struct reading s = { .d = d };
	int rc = -1;

	img_buf_init(&s.now, 4 * SEQ_BYTES);
	s.found = calloc(d->count + 1, sizeof *s.found);
	if (!s.found)
		img_err_set(err, IMG_E_NOMEM, "out of memory");
	else if (r && img_dicom_start_fd(r, fd, size, "DICOMDIR",
					 &img_media_limits, err) == 0)
		rc = read_all(&s, r, err);
	img_buf_release(&s.now);
	free(s.found);
	img_dicom_reader_free(r);
	return rc;
}
