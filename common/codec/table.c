/*
 * table.c - which fragments make which frame (PS3.5 A.4).
 *
 * An offset table is believed when all it says fits: as many entries as there
 * are frames, each where a fragment begins that can begin a frame.  Else the
 * fragments tell: a coded frame has a first marker that nothing inside it
 * has.  Where nothing tells, one fragment is one frame, or all are.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/inside.h"

bool img_codec_starts(enum codec_kind kind, const uint8_t *p, size_t n)
{
	switch (kind) {
	case CODEC_JPEG:
	case CODEC_JPEG_LS:
		return n >= 3 && p[0] == 0xFF && p[1] == 0xD8 && p[2] == 0xFF;
	case CODEC_J2K:
		return (n >= 4 && memcmp(p, "\xFF\x4F\xFF\x51", 4) == 0) ||
		       (n >= 8 && memcmp(p, "\0\0\0\x0CjP  ", 8) == 0);
	case CODEC_RLE: /* PS3.5 G.5: segments, and where the first is */
		return n >= 8 && p[0] >= 1 && p[0] <= 15 && !p[1] && !p[2] &&
		       !p[3] && p[4] == 64 && !p[5] && !p[6] && !p[7];
	default:
		return false;
	}
}

static bool has_mark(enum codec_kind kind)
{
	return kind == CODEC_JPEG || kind == CODEC_JPEG_LS ||
	       kind == CODEC_J2K || kind == CODEC_RLE;
}

static uint64_t little(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}

/* Fills first[] from a table of entries of unit bytes; false if it is wrong. */
static bool by_table(struct img_frames *f, const uint8_t *p, uint64_t n,
		     unsigned unit, bool marked, uint32_t frames)
{
	const struct fragment *all = f->fragments;
	uint32_t at = 0;

	if (n != (uint64_t)frames * unit || frames > f->n_fragments)
		return false;
	for (uint32_t i = 0; i < frames; i++) {
		uint64_t offset = little(p + (size_t)i * unit, unit);

		while (at < f->n_fragments && all[at].at - all[0].at < offset)
			at++;
		if (at >= f->n_fragments || all[at].at - all[0].at != offset ||
		    (i == 0) != (at == 0) || (i && at == f->first[i - 1]) ||
		    (marked && !all[at].start))
			return false;
		f->first[i] = at;
	}
	f->first[frames] = f->n_fragments;
	f->facts.frames = frames;
	return true;
}

/* One frame for each fragment that can begin one. */
static bool by_marks(struct img_frames *f, uint32_t starts)
{
	uint32_t frame = 0;

	if (!has_mark(f->kind) || !starts || !f->fragments[0].start)
		return false;
	for (uint32_t i = 0; i < f->n_fragments; i++)
		if (f->fragments[i].start)
			f->first[frame++] = i;
	f->first[frame] = f->n_fragments;
	f->facts.frames = frame;
	return true;
}

static bool by_number(struct img_frames *f)
{
	bool single = f->facts.stated == 1;
	uint32_t frames = single ? 1 : f->n_fragments;

	if (!single && f->n_fragments > f->facts.stated)
		return false;
	for (uint32_t i = 0; i < frames; i++)
		f->first[i] = i;
	f->first[frames] = f->n_fragments;
	f->facts.frames = frames;
	return true;
}

static uint32_t count_starts(const struct img_frames *f)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->n_fragments; i++)
		n += f->fragments[i].start;
	return n;
}

int img_frames_sort(struct img_frames *f, struct img_err *err)
{
	struct img_frames_facts *facts = &f->facts;
	uint32_t starts = count_starts(f);
	/* Where marks are fewer than frames, one may be damaged: a table or a
	   fragment for each frame says more. */
	bool marked = has_mark(f->kind) && starts && starts >= facts->stated;
	uint32_t expect = marked ? starts : facts->stated;

	facts->table = f->no_table ? "none" : "empty";
	facts->frames = 0;
	f->first = calloc((size_t)f->n_fragments + 1, sizeof(*f->first));
	if (!f->first)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory",
				   f->name);
	if (!f->n_fragments)
		return 0;
	if (f->extended_n) {
		facts->table = "extended";
		if (by_table(f, f->extended, f->extended_n, 8, marked, expect))
			return 0;
		facts->table = "wrong";
	} else if (f->basic_n) {
		facts->table = "basic";
		if (by_table(f, f->basic, f->basic_n, 4, marked, expect))
			return 0;
		facts->table = "wrong";
	}
	if (!marked && f->n_fragments == facts->stated && by_number(f))
		return 0;
	if (by_marks(f, starts) || by_number(f))
		return 0;
	free(f->first);
	f->first = NULL;
	if (f->kind == CODEC_NONE) { /* video: whose it is does not matter */
		facts->frames = facts->stated;
		return 0;
	}
	return img_err_set(err, IMG_E_MALFORMED,
			   "%s: %u frames in %u fragments, and nothing says "
			   "which is whose",
			   f->name, facts->stated, f->n_fragments);
}
