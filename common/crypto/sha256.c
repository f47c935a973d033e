/* sha256.c - SHA-256 of nettle, which libarchive has loaded anyway. */
#include <nettle/sha2.h>

#include "crypto/crypto.h"

_Static_assert(sizeof(struct sha256_ctx) <=
		       sizeof(((struct img_sha256 *)0)->state),
	       "struct img_sha256 holds nettle's state");
_Static_assert(SHA256_DIGEST_SIZE == IMG_DIGEST_SIZE, "256 bits are 256 bits");

void img_sha256_init(struct img_sha256 *d)
{
	sha256_init((void *)d->state);
}

void img_sha256_add(struct img_sha256 *d, const void *p, size_t n)
{
	sha256_update((void *)d->state, n, p);
}

void img_sha256_end(struct img_sha256 *d, uint8_t out[IMG_DIGEST_SIZE])
{
	sha256_digest((void *)d->state, IMG_DIGEST_SIZE, out);
}
