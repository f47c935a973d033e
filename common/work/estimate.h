/*
 * estimate.h - how many bytes lie in some folders and files, counted by a
 * thread of its own beside the real work: for progress lines only.
 */
#ifndef IMG_ESTIMATE_H
#define IMG_ESTIMATE_H

#include "base/base.h"

struct img_estimate;

/* paths must outlive it.  NULL if it cannot be had: then there is none. */
struct img_estimate *img_estimate_start(char *const *paths, size_t n);
/* The bytes, once all have been counted; 0 before. */
uint64_t img_estimate_total(const struct img_estimate *e);
void img_estimate_stop(struct img_estimate *e);

#endif
