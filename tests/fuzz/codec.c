/*
 * codec.c - fuzz target of the codec room: the finder of frames, and DCMTK and
 * OpenJPEG behind our checks, in this process.
 *
 * Whatever comes in: no crash, no hang, a verdict.  A frame that was decoded
 * has the size its attributes say, and comes back the same from each encoder
 * that takes it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "codec/inside.h"
#include "dcmtk/dcmtk.h"

#define SMALL 65536u /* bytes of a frame: time is for others */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void wrong(const char *what, const struct img_err *err)
{
	fprintf(stderr, "oracle: %s: %s\n", what, err->text);
	abort();
}

static void ask(struct task *t, const struct img_frames *f, const char *to,
		size_t pieces)
{
	memset(t, 0, sizeof(*t));
	snprintf(t->from, sizeof(t->from), "%s",
		 f->facts.native ? img_codec_ts("explicit") : f->facts.ts);
	snprintf(t->to, sizeof(t->to), "%s", to);
	t->image = f->facts.image;
	t->form.swap = f->facts.big ? 2 : 1;
	t->prove = true;
	t->n_pieces = (uint32_t)pieces;
}

static void encode(const struct img_frames *f, int fd,
		   const struct img_frames_piece *pieces, size_t n)
{
	static const char *const to[] = { "rle", "jpeg", "jpegls", "j2k",
					  "htj2k" };

	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		struct img_err err = IMG_ERR_INIT;
		struct done done;
		struct task t;

		ask(&t, f, img_codec_ts(to[i]), n);
		if (img_codec_do(&t, fd, pieces, NULL, &done, &err) == 0)
			img_codec_undo(&done);
		else if (err.code != IMG_E_UNSUPPORTED &&
			 err.code != IMG_E_LIMIT)
			wrong(to[i], &err);
	}
}

static void decode(struct img_frames *f, int fd, uint32_t i)
{
	const struct img_codec_mask mask = { 1, 1, 3, 0xFFFFFFFFu };
	const struct img_frames_piece *pieces;
	struct img_err err = IMG_ERR_INIT, none = IMG_ERR_INIT;
	struct done done;
	struct task t;
	size_t n, want;

	if (img_frames_pieces(f, i, &pieces, &n, &err) < 0)
		return;
	ask(&t, f, img_codec_ts("explicit"), n);
	t.n_masks = 1;
	t.clear_unused = true;
	if (img_codec_do(&t, fd, pieces, &mask, &done, &err) < 0) {
		if (err.code == IMG_OK || err.code == IMG_E_BUG)
			wrong("no verdict", &err);
		return;
	}
	if (img_codec_frame_size(&done.image, &want, &none) < 0 ||
	    want != done.size)
		wrong("another size", &none);
	img_codec_undo(&done);
	encode(f, fd, pieces, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_frames *f = NULL;
	int fd = memfd_create("in", MFD_CLOEXEC);
	size_t bytes;

	if (fd < 0 || img_write_full(fd, data, size) < 0 ||
	    img_dcmtk_prepare(&err) < 0)
		abort();
	if (img_frames_open(&f, fd, "in", &err) < 0) {
		if (err.code == IMG_OK || err.code == IMG_E_BUG)
			wrong("no verdict", &err);
	} else if (f->facts.has_pixels && f->kind != CODEC_NONE &&
		   img_codec_whole_size(f->facts.ts, &f->facts.image, &bytes,
					&err) == 0 &&
		   bytes <= SMALL) {
		for (uint32_t i = 0; i < f->facts.frames && i < 3; i++)
			decode(f, fd, i);
	}
	img_frames_close(f);
	close(fd);
	return 0;
}
