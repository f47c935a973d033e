/* coerce.c - attributes changed on the way in. */
#include "work/ingest_private.h"

int coerce_check(const char *const *set, size_t n, struct img_err *err)
{
	(void)set;
	return n ? img_err_set(err, IMG_E_UNSUPPORTED, "--set: not yet") : 0;
}

int coerce(struct examiner *x, const uint8_t *p, size_t n, uint8_t **out,
	   size_t *out_n, struct img_err *err)
{
	(void)x, (void)p, (void)n, (void)out, (void)out_n;
	return img_err_set(err, IMG_E_UNSUPPORTED, "--set: not yet");
}
