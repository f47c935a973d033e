/* hidden.h - what looks into coded frames: JPEG and RLE in hidden.c, JPEG 2000
   in hidden_j2k.c. */
#ifndef IMG_ANON_HIDDEN_H
#define IMG_ANON_HIDDEN_H

#include "anon/inside.h"

#define VIEW 4096u

/* A part of the fragment. */
struct view {
	struct img_dicom_reader *r;
	const struct img_dicom_event *ev;
	uint64_t at, n; /* what buf has */
	uint8_t buf[VIEW];
	struct hidden *out;
};

/* 1 the n bytes at at, 0 the fragment ends before, -1. */
int view_see(struct view *v, uint64_t at, size_t n, const uint8_t **p,
	     struct img_err *err);
/* Hides what lies there, where something does: 0, -1. */
int view_hide(struct view *v, uint64_t at, uint64_t end, struct img_err *err);
/* The next marker in coded data, not a stuffed byte, not a restart: 1, 0 there
   is none, -1. */
int view_next_marker(struct view *v, uint64_t *at, struct img_err *err);
/* What is there is none of what belongs there; 0. */
int view_odd(struct view *v);

static inline uint64_t big16(const uint8_t *p)
{
	return (uint64_t)p[0] << 8 | p[1];
}

static inline uint64_t big32(const uint8_t *p)
{
	return big16(p) << 16 | big16(p + 2);
}

/* A codestream whose SOC is at at; the boxes of a whole fragment. */
int look_j2k(struct view *v, uint64_t at, struct img_err *err);
int look_jp2(struct view *v, struct img_err *err);

#endif
