/* pieces.c - where each frame lies in its object. */
#include <stdlib.h>

#include "codec/inside.h"

static int no_frame(const struct img_frames *f, uint32_t i, struct img_err *err)
{
	return img_err_set(err, IMG_E_TRUNCATED,
			   "%s: frame %u of %u is not there", f->name, i + 1,
			   f->facts.stated);
}

static int native_piece(struct img_frames *f, uint32_t i)
{
	uint64_t bits = img_codec_frame_bits(&f->facts.image);
	uint64_t first = bits * i / 8, end = (bits * (i + 1) + 7) / 8;

	/* Whole words, so that they can be turned around. */
	if (f->facts.big && f->words) {
		first &= ~UINT64_C(1);
		end += end & 1 && end < f->facts.length;
	}
	f->pieces[0].at = f->facts.at + first;
	f->pieces[0].length = end - first;
	return 0;
}

int img_frames_where(struct img_frames *f, uint32_t i,
		     const struct img_frames_piece **pieces, size_t *n,
		     struct img_err *err)
{
	size_t want = 1;

	if (!f->facts.has_pixels || i >= f->facts.frames)
		return no_frame(f, i, err);
	if (f->kind != CODEC_NATIVE) {
		if (!f->first)
			return img_err_set(err, IMG_E_UNSUPPORTED,
					   "%s: nothing says where frames are",
					   f->name);
		want = f->first[i + 1] - f->first[i];
	}
	if (want > f->pieces_room) {
		struct img_frames_piece *p =
			realloc(f->pieces, want * sizeof(*p));

		if (!p)
			return img_err_set(err, IMG_E_NOMEM,
					   "%s: out of memory", f->name);
		f->pieces = p;
		f->pieces_room = want;
	}
	*pieces = f->pieces;
	*n = want;
	if (f->kind == CODEC_NATIVE)
		return native_piece(f, i);
	for (size_t k = 0; k < want; k++) {
		const struct fragment *part = &f->fragments[f->first[i] + k];

		f->pieces[k].at = part->at;
		f->pieces[k].length = part->length;
	}
	return 0;
}

int img_frames_pieces(struct img_frames *f, uint32_t i,
		      const struct img_frames_piece **pieces, size_t *n,
		      struct img_err *err)
{
	if (f->facts.deflated)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%s: frames of a deflated object have no "
				   "place in it",
				   f->name);
	return img_frames_where(f, i, pieces, n, err);
}
