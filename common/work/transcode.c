/* transcode.c - an object in another transfer syntax. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/transcode_private.h"

static int into_file(void *arg, const void *p, size_t n, struct img_err *err)
{
	struct transcode *t = arg;

	if (img_write_full(t->out, p, n) < 0)
		return img_err_sys(err, "destination");
	t->at += n;
	return 0;
}

/* ---- what changes ------------------------------------------------------ */

static void change_number(struct transcode *t, uint32_t tag, uint16_t v)
{
	t->change[t->changes++] =
		(struct change){ .tag = tag, .vr = "US", .number = v };
}

static void change_text(struct transcode *t, uint32_t tag, const char *vr,
			const char *text)
{
	t->change[t->changes] = (struct change){ .tag = tag, .text = text };
	memcpy(t->change[t->changes++].vr, vr, 2);
}

static void change_drop(struct transcode *t, uint32_t tag)
{
	t->change[t->changes++] = (struct change){ .tag = tag, .drop = true };
}

/* In the order of tags. */
void transcode_changes(struct transcode *t)
{
	const struct img_codec_image *i = &t->first;

	if (i->samples != t->facts->image.samples)
		change_number(t, IMG_TAG(0x0028, 0x0002), i->samples);
	change_text(t, IMG_TAG(0x0028, 0x0004), "CS", i->photometric);
	if (i->samples > 1)
		change_number(t, IMG_TAG(0x0028, 0x0006), i->planar);
	change_number(t, IMG_TAG(0x0028, 0x0100), i->allocated);
	change_number(t, IMG_TAG(0x0028, 0x0101), i->stored);
	change_number(t, IMG_TAG(0x0028, 0x0102), i->high);
	change_number(t, IMG_TAG(0x0028, 0x0103), i->representation);
	/* It stays true of the decoded pixels, PS3.3 C.7.6.1.1.5. */
	if (t->from && t->from->lossy)
		change_text(t, IMG_TAG(0x0028, 0x2110), "CS", "01");
	change_drop(t, IMG_TAG(0x7FE0, 0x0001));
	change_drop(t, IMG_TAG(0x7FE0, 0x0002));
}

static int put_change(struct transcode *t, struct change *c,
		      struct img_err *err)
{
	if (c->done)
		return 0;
	c->done = true;
	if (c->drop)
		return 0;
	return c->text ? img_dicom_put_text(t->w, c->tag, c->vr, c->text, err)
		       : img_dicom_put_u16(t->w, c->tag, c->number, err);
}

/* Those that come before tag; 1 if tag itself is replaced. */
static int put_changes(struct transcode *t, uint32_t tag, struct img_err *err)
{
	for (size_t i = 0; i < t->changes; i++) {
		struct change *c = &t->change[i];

		if (c->tag > tag)
			return 0;
		if (put_change(t, c, err) < 0)
			return -1;
		if (c->tag == tag)
			return 1;
	}
	return 0;
}

/* ---- all the others ---------------------------------------------------- */

static bool is_left_out(const struct img_dicom_event *ev)
{
	return ev->meta || ev->tag == IMG_TAG(0xFFFC, 0xFFFC) ||
	       (ev->kind == IMG_DICOM_ELEMENT && (ev->tag & 0xFFFF) == 0 &&
		ev->tag >> 16 > 2);
}

static bool is_young(const char vr[3])
{
	static const char *const young[] = { "UC", "UR", "OD", "OL",
					     "OV", "SV", "UV" };

	for (size_t i = 0; i < sizeof(young) / sizeof(*young); i++)
		if (strcmp(vr, young[i]) == 0)
			return true;
	return false;
}

static bool has_value(const struct img_dicom_event *ev)
{
	return ev->kind == IMG_DICOM_ELEMENT || ev->kind == IMG_DICOM_FRAGMENT;
}

static int copy_value(struct transcode *t, uint32_t length, struct img_err *err)
{
	for (uint32_t at = 0; at < length;) {
		uint32_t n = length - at < BLOCK ? length - at : BLOCK;

		if (img_dicom_value(t->r, at, t->block, n, err) < 0 ||
		    img_dicom_put_part(t->w, t->block, n, err) < 0)
			return -1;
		at += n;
	}
	return 0;
}

static int copy_event(struct transcode *t, const struct img_dicom_event *in,
		      struct img_err *err)
{
	struct img_dicom_event copy = *in, *ev = &copy;

	if (ev->kind == IMG_DICOM_SEQUENCE || ev->kind == IMG_DICOM_ITEM)
		ev->length = IMG_UNDEFINED_LEN;
	if (t->how->plain_vrs && !t->to->implicit && is_young(ev->vr))
		memcpy(ev->vr, "UN", 3);
	if (img_dicom_put(t->w, ev, ev->value, err) < 0)
		return -1;
	return has_value(ev) && !ev->value && ev->length
		       ? copy_value(t, ev->length, err)
		       : 0;
}

/* An attribute of the data set itself; the items of its sequences have no
   depth either. */
static bool is_top(const struct img_dicom_event *ev)
{
	return ev->depth == 0 &&
	       (ev->kind == IMG_DICOM_ELEMENT ||
		ev->kind == IMG_DICOM_SEQUENCE || ev->kind == IMG_DICOM_PIXELS);
}

/* All that is in what was left out. */
static int skip(struct transcode *t, const struct img_dicom_event *left,
		struct img_err *err)
{
	struct img_dicom_event ev = *left;
	unsigned open = 0;
	int rc = 1;

	do {
		if (ev.kind == IMG_DICOM_SEQUENCE ||
		    ev.kind == IMG_DICOM_PIXELS)
			open++;
		else if (ev.kind == IMG_DICOM_END_SEQUENCE)
			open--;
	} while (open && (rc = img_dicom_next(t->r, &ev, err)) == 1);
	return rc < 0 ? -1 : 0;
}

/* Up to the pixel data of the data set itself. */
int transcode_head(struct transcode *t, struct img_err *err)
{
	struct img_dicom_event ev;
	int rc, put;

	while ((rc = img_dicom_next(t->r, &ev, err)) == 1) {
		put = is_left_out(&ev) ? 1
		      : is_top(&ev)    ? put_changes(t, ev.tag, err)
				       : 0;
		if (put < 0 || (put && skip(t, &ev, err) < 0))
			return -1;
		if (is_top(&ev) && ev.tag == PIXELS) {
			t->encapsulated = ev.kind == IMG_DICOM_PIXELS;
			return 0;
		}
		if (put == 0 && copy_event(t, &ev, err) < 0)
			return -1;
	}
	return rc < 0 ? -1
		      : img_err_set(err, IMG_E_MALFORMED,
				    "%s: no pixel data where it should be",
				    t->name);
}

static int copy_rest(struct transcode *t, struct img_err *err)
{
	struct img_dicom_event ev;
	int rc;

	while ((rc = img_dicom_next(t->r, &ev, err)) == 1) {
		if (t->encapsulated) {
			t->encapsulated = ev.kind != IMG_DICOM_END_SEQUENCE;
			continue;
		}
		if ((is_left_out(&ev) ? skip : copy_event)(t, &ev, err) < 0)
			return -1;
	}
	return rc;
}

/* ---- the object -------------------------------------------------------- */

static int start_reader(struct transcode *t, struct img_err *err)
{
	struct stat st;

	if (fstat(t->fd, &st) < 0)
		return img_err_sys(err, "%s", t->name);
	return img_dicom_start_fd(t->r, t->fd, (uint64_t)st.st_size, t->name,
				  NULL, err);
}

static void text_of(char out[IMG_UID_MAX], const struct img_dicom_pick *v)
{
	size_t n = v->p ? v->length : 0;

	while (n && (v->p[n - 1] == '\0' || v->p[n - 1] == ' '))
		n--;
	if (n >= IMG_UID_MAX)
		n = 0;
	if (n)
		memcpy(out, v->p, n);
	out[n] = '\0';
}

static int begin(struct transcode *t, struct img_err *err)
{
	static const uint32_t tags[] = { IMG_TAG(0x0008, 0x0016),
					 IMG_TAG(0x0008, 0x0018) };
	const struct img_dicom_sink sink = { into_file, t };
	struct img_dicom_pick pick[2];
	char sop_class[IMG_UID_MAX], sop[IMG_UID_MAX];

	if (start_reader(t, err) < 0 ||
	    img_dicom_pick(t->r, tags, 2, pick, err) < 0)
		return -1;
	text_of(sop_class, &pick[0]);
	text_of(sop, &pick[1]);
	if (!sop_class[0] || !sop[0])
		return img_err_set(err, IMG_E_REFUSED,
				   "%s: no SOPClassUID or SOPInstanceUID",
				   t->name);
	t->w = img_dicom_writer_new(&sink, err);
	if (!t->w || start_reader(t, err) < 0)
		return -1;
	return img_dicom_put_meta(t->w, sop_class, sop, t->how->to, err);
}

/* Whether the frames have to be decoded or encoded, and may be. */
static int judge(struct transcode *t, struct img_err *err)
{
	const struct img_frames_facts *f = t->facts;
	bool coded = f->has_pixels && !f->native;

	if (t->from && strcmp(t->from->uid, t->to->uid) == 0 &&
	    coded == transcode_is_coded(t))
		return 0;
	/* What lies behind a URL does not come along. */
	if (t->from && strstr(t->from->name, "JPIP"))
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%s: its pixel data lies elsewhere",
				   t->name);
	if (!t->from && coded)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%s: frames of a transfer syntax that is "
				   "not known",
				   t->name);
	if (!coded && !transcode_is_coded(t))
		return 0;
	if (!f->has_pixels)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%s: no pixel data that could be coded",
				   t->name);
	if (t->from && t->from->video && !f->native)
		return img_err_set(err, IMG_E_REFUSED, "%s: video", t->name);
	if (img_frames_check(f, t->name, err) < 0)
		return -1;
	if (f->frames > f->stated)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: %u frames are there, and %u stated",
				   t->name, f->frames, f->stated);
	if (t->from && t->from->lossy && !f->native && !t->how->allow_lossy)
		return img_err_set(err, IMG_E_REFUSED,
				   "%s: its frames are compressed with loss",
				   t->name);
	if (!t->s)
		return img_err_set(err, IMG_E_BUG, "no codec was opened");
	t->recode = true;
	return 0;
}

static int transcode(struct transcode *t, struct img_err *err)
{
	if (img_frames_open(&t->frames, t->fd, t->name, err) < 0)
		return -1;
	t->facts = img_frames_facts(t->frames);
	t->from = img_ts_find(t->facts->ts);
	if (judge(t, err) < 0 || begin(t, err) < 0)
		return -1;
	if (t->recode && (transcode_frames(t, err) < 0 ||
			  (transcode_is_coded(t) && transcode_end(t, err) < 0)))
		return -1;
	if (copy_rest(t, err) < 0)
		return -1;
	return img_dicom_finish(t->w, err);
}

int img_transcode(struct img_codec_session *s, struct img_dicom_reader *r,
		  int fd, const char *name, const struct img_transcode *how,
		  int out, struct img_err *err)
{
	struct transcode *t = calloc(1, sizeof(*t));
	int rc = -1;

	if (!t)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	t->s = s;
	t->r = r;
	t->fd = fd;
	t->name = name;
	t->how = how;
	t->out = out;
	t->to = img_ts_find(how->to);
	if (t->to)
		rc = transcode(t, err);
	else
		img_err_set(err, IMG_E_UNSUPPORTED, "%s: unknown target", name);
	img_dicom_writer_free(t->w);
	img_frames_close(t->frames);
	free(t->table);
	free(t);
	return rc;
}
