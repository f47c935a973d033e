/*
 * crypto.h - the only door to libsodium.
 *
 * Digests are BLAKE2b-256 (crypto_generichash, 32 bytes, no key): the name of
 * an object in the store, the link of the audit chain.  Sums are SipHash-2-4
 * with a published key: they find accidents in the catalog's rows, not
 * attackers.  Call img_crypto_init once before anything else.
 */
#ifndef IMG_CRYPTO_H
#define IMG_CRYPTO_H

#include "base/base.h"

#define IMG_DIGEST_SIZE 32
#define IMG_DIGEST_HEX  65 /* with its NUL */

/* Big enough and aligned for libsodium's state, so that no heap is needed. */
struct img_digest {
	_Alignas(64) unsigned char state[384];
};

int img_crypto_init(struct img_err *err);

void img_digest_init(struct img_digest *d);
void img_digest_add(struct img_digest *d, const void *p, size_t n);
void img_digest_end(struct img_digest *d, uint8_t out[IMG_DIGEST_SIZE]);
void img_digest_of(uint8_t out[IMG_DIGEST_SIZE], const void *p, size_t n);

/* 64-bit sum of n bytes (SipHash-2-4 under a fixed key). */
uint64_t img_sum64(const void *p, size_t n);
/* n bytes from the system's random source. */
void img_random(void *p, size_t n);

#endif
