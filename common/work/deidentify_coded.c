/*
 * deidentify_coded.c - coded frames for the anon room, by the jailed codecs.
 *
 * Frames are encoded again without loss, and proved: decoded once more and
 * compared.  A transfer syntax that is lossy, or that nobody here writes,
 * gives way to a lossless one of its kind.
 */
#include <stdio.h>
#include <string.h>

#include "work/deidentify_private.h"

/* The first frame is coded to know what comes out; up to this size it is
   kept. */
#define KEEP_MAX (32u << 20)

static bool can(void *arg, const char *syntax)
{
	(void)arg;
	return !img_codec_is_native(syntax) && img_codec_decodes(syntax);
}

static const char *new_syntax(const char *old)
{
	static const char *const to[][2] = {
		{ "1.2.840.10008.1.2.4.81", "jpegls" },
		{ "1.2.840.10008.1.2.4.91", "j2k" },
		{ "1.2.840.10008.1.2.4.202", "htj2k" },
		{ "1.2.840.10008.1.2.4.203", "htj2k" },
	};

	if (img_codec_encodes(old))
		return old;
	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++)
		if (strcmp(old, to[i][0]) == 0)
			return img_codec_ts(to[i][1]);
	return img_codec_ts("jpeg");
}

/* ---- the first frame -------------------------------------------------- */

static int keep(const void *p, size_t n, void *arg, struct img_err *err)
{
	struct deid_coder *c = arg;

	if (c->size > KEEP_MAX)
		return 1; /* what it is made of is known */
	return img_buf_add(&c->first, p, n, err);
}

static int first_frame(struct deid_coder *c, struct img_err *err)
{
	int rc;

	img_buf_reset(&c->first);
	rc = img_codec_run(c->session, c->frames, 0, &c->request, &c->image,
			   &c->size, keep, c, err);
	if (rc < 0)
		return -1;
	if (c->size > KEEP_MAX)
		img_buf_reset(&c->first);
	return 0;
}

static int open_frames(struct deid_coder *c, struct img_err *err)
{
	const struct img_frames_facts *f;
	struct img_deid *d = c->w->d;

	if (!c->session && img_codec_session(d->opts.codec, &c->session, err))
		return -1;
	img_frames_close(c->frames);
	c->frames = NULL;
	if (img_frames_open(&c->frames, c->fd, c->name, err) < 0)
		return -1;
	f = img_frames_facts(c->frames);
	if (!f->frames || (f->stated && f->stated != f->frames))
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: not as many coded frames as "
				   "NumberOfFrames",
				   c->name);
	return 0;
}

static int begin(void *arg, const char *syntax, struct img_anon_coded *out,
		 struct img_err *err)
{
	struct deid_coder *c = arg;

	if (open_frames(c, err) < 0)
		return -1;
	for (unsigned i = 0; i < out->masks; i++)
		c->mask[i] = (struct img_codec_mask){ out->mask[i].left,
						      out->mask[i].top,
						      out->mask[i].right,
						      out->mask[i].bottom };
	c->request =
		(struct img_codec_request){ .to = new_syntax(syntax),
					    .masks = c->mask,
					    .n_masks = out->masks,
					    .clear_unused = out->clear_unused,
					    .prove = true };
	if (first_frame(c, err) < 0)
		return -1;
	snprintf(out->syntax, sizeof(out->syntax), "%s", c->request.to);
	out->frames = img_frames_facts(c->frames)->frames;
	out->samples = c->image.samples;
	out->planar = c->image.planar;
	out->allocated = c->image.allocated;
	out->stored = c->image.stored;
	out->high = c->image.high;
	out->representation = c->image.representation;
	memcpy(out->photometric, c->image.photometric,
	       sizeof(out->photometric));
	return 0;
}

/* ---- frames ----------------------------------------------------------- */

struct sink {
	struct deid_coder *c;
	struct img_dicom_writer *w;
	struct img_codec_image image;
	uint64_t size;
	bool begun;
};

static bool same_shape(const struct img_codec_image *a,
		       const struct img_codec_image *b)
{
	return a->rows == b->rows && a->columns == b->columns &&
	       a->samples == b->samples && a->allocated == b->allocated &&
	       a->stored == b->stored && a->high == b->high &&
	       a->representation == b->representation &&
	       a->planar == b->planar &&
	       strcmp(a->photometric, b->photometric) == 0;
}

/* Coded frames are of even length: PS3.5 A.4. */
static int begin_fragment(struct sink *s, struct img_err *err)
{
	uint64_t size = s->size + (s->size & 1);
	const struct img_dicom_event ev = { .kind = IMG_DICOM_FRAGMENT,
					    .tag = 0xFFFEE000u,
					    .length = (uint32_t)size };

	if (size >= IMG_UNDEFINED_LEN)
		return img_err_set(err, IMG_E_LIMIT, "%s: a frame too long",
				   s->c->name);
	if (!same_shape(&s->image, &s->c->image))
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: its frames differ in kind", s->c->name);
	s->begun = true;
	return img_dicom_put(s->w, &ev, NULL, err);
}

static int put(const void *p, size_t n, void *arg, struct img_err *err)
{
	struct sink *s = arg;

	if (!s->begun && begin_fragment(s, err) < 0)
		return -1;
	return img_dicom_put_part(s->w, p, n, err);
}

static int frame(void *arg, uint32_t i, struct img_dicom_writer *w,
		 struct img_err *err)
{
	struct deid_coder *c = arg;
	struct sink s = { c, w, c->image, c->size, false };
	int rc;

	if (i == 0 && c->first.len)
		rc = put(c->first.data, c->first.len, &s, err);
	else
		rc = img_codec_run(c->session, c->frames, i, &c->request,
				   &s.image, &s.size, put, &s, err);
	if (rc == 0 && (s.size & 1))
		rc = img_dicom_put_part(w, "", 1, err);
	return rc;
}

/* ---- a worker's ------------------------------------------------------- */

void deid_coder_init(struct deid_worker *w)
{
	struct deid_coder *c = &w->coder;

	c->w = w;
	img_buf_init(&c->first, KEEP_MAX);
	c->codec = (struct img_anon_codec){ can, begin, frame, c };
	if (w->d->opts.codec)
		img_anon_use_codec(w->anon, &c->codec);
}

void deid_coder_object(struct deid_worker *w, int fd, const char *name)
{
	w->coder.fd = fd;
	w->coder.name = name;
}

void deid_coder_done(struct deid_worker *w)
{
	img_frames_close(w->coder.frames);
	w->coder.frames = NULL;
}

void deid_coder_release(struct deid_worker *w)
{
	deid_coder_done(w);
	img_codec_session_close(w->coder.session);
	img_buf_release(&w->coder.first);
}
