/* run.c - sessions: a frame at a time. */
#include <stdlib.h>
#include <string.h>

#include "codec/inside.h"

struct img_codec {
	int unused;
};

struct img_codec_session {
	struct img_codec *codec;
};

int img_codec_open(struct img_codec **out, struct img_err *err)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : img_err_set(err, IMG_E_NOMEM, "out of memory");
}

void img_codec_close(struct img_codec *codec)
{
	free(codec);
}

int img_codec_session(struct img_codec *codec, struct img_codec_session **out,
		      struct img_err *err)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	(*out)->codec = codec;
	return 0;
}

void img_codec_session_close(struct img_codec_session *s)
{
	free(s);
}

static void make_task(struct task *t, const struct img_frames *f, uint32_t i,
		      const struct img_codec_request *req)
{
	const struct img_frames_facts *facts = &f->facts;

	memset(t, 0, sizeof(*t));
	memcpy(t->from, facts->native ? "1.2.840.10008.1.2.1" : facts->ts,
	       facts->native ? sizeof("1.2.840.10008.1.2.1") : sizeof(t->from));
	strncpy(t->to, req->to, sizeof(t->to) - 1);
	t->image = facts->image;
	t->clear_unused = req->clear_unused;
	t->prove = req->prove;
	t->n_masks = (uint32_t)req->n_masks;
	t->form.swap = 1;
	if (!facts->native)
		return;
	if (facts->big && (f->words || facts->image.allocated > 8))
		t->form.swap = f->words ? 2 : facts->image.allocated / 8u;
	t->form.skip = (uint32_t)(img_codec_frame_bits(&facts->image) * i % 8);
}

int img_codec_run(struct img_codec_session *s, struct img_frames *f, uint32_t i,
		  const struct img_codec_request *req,
		  struct img_codec_image *image, uint64_t *size,
		  img_codec_sink sink, void *arg, struct img_err *err)
{
	const struct img_frames_piece *pieces;
	struct img_err why = IMG_ERR_INIT;
	struct done done;
	struct task t;
	size_t n;
	int rc;

	(void)s;
	if (img_frames_pieces(f, i, &pieces, &n, err) < 0)
		return -1;
	make_task(&t, f, i, req);
	t.n_pieces = (uint32_t)n;
	if (f->facts.native && f->facts.big && f->words &&
	    (pieces[0].at - f->facts.at) * 8 <
		    img_codec_frame_bits(&f->facts.image) * i)
		t.form.skip =
			(uint32_t)(img_codec_frame_bits(&f->facts.image) * i -
				   (pieces[0].at - f->facts.at) * 8);
	if (img_codec_do(&t, f->fd, pieces, req->masks, &done, &why) < 0)
		return img_err_set(err, why.code, "%s: frame %u: %s", f->name,
				   i + 1, why.text);
	*image = done.image;
	*size = done.size;
	rc = sink(done.data, (size_t)done.size, arg, err);
	img_codec_undo(&done);
	return rc;
}
