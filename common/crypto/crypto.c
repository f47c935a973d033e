/* crypto.c - digests, sums and random bytes of libsodium. */
#include <sodium.h>
#include <string.h>

#include "crypto/crypto.h"

#define BULK 16384 /* bytes for which libgcrypt is worth its start */

_Static_assert(sizeof(crypto_generichash_state) <=
		       sizeof(((struct img_digest *)0)->state),
	       "struct img_digest holds libsodium's state");
_Static_assert(crypto_shorthash_BYTES == 8, "a sum has 64 bits");

int img_crypto_init(struct img_err *err)
{
	if (sodium_init() < 0)
		return img_err_set(err, IMG_E_BUG, "libsodium does not start");
	img_bulk_prepare(); /* before threads take the descriptors */
	return 0;
}

void img_digest_init(struct img_digest *d)
{
	crypto_generichash_init((void *)d->state, NULL, 0, IMG_DIGEST_SIZE);
}

void img_digest_add(struct img_digest *d, const void *p, size_t n)
{
	crypto_generichash_update((void *)d->state, p, n);
}

void img_digest_end(struct img_digest *d, uint8_t out[IMG_DIGEST_SIZE])
{
	crypto_generichash_final((void *)d->state, out, IMG_DIGEST_SIZE);
}

void img_digest_of(uint8_t out[IMG_DIGEST_SIZE], const void *p, size_t n)
{
	struct img_bulk b;

	if (n < BULK) {
		crypto_generichash(out, IMG_DIGEST_SIZE, p, n, NULL, 0);
		return;
	}
	img_bulk_init(&b);
	img_bulk_add(&b, p, n);
	img_bulk_end(&b, out);
}

uint64_t img_sum64(const void *p, size_t n)
{
	static const unsigned char key[crypto_shorthash_KEYBYTES] =
		"imgtools row sum";
	unsigned char out[8];
	uint64_t v;

	crypto_shorthash(out, p, n, key);
	memcpy(&v, out, sizeof(v));
	return v;
}

void img_random(void *p, size_t n)
{
	randombytes_buf(p, n);
}
