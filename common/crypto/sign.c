/* sign.c - signatures that anybody can check (Ed25519). */
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/keyfile.h"
#include "crypto/locked.h"

_Static_assert(IMG_SIGN_PUBLIC == crypto_sign_PUBLICKEYBYTES, "size of a key");
_Static_assert(IMG_SIGN_BYTES == crypto_sign_BYTES, "size of a signature");

int img_sign_make(const char *file, struct img_err *err)
{
	static const struct key_pair pair = {
		KEY_SIGNER, crypto_sign_SECRETKEYBYTES, IMG_SIGN_PUBLIC,
		crypto_sign_keypair, crypto_sign_ed25519_sk_to_pk
	};

	return keyfile_pair(file, &pair, err);
}

int img_sign_try(const char *secret_file, struct img_err *err)
{
	uint8_t signature[IMG_SIGN_BYTES], public[IMG_SIGN_PUBLIC];
	struct stat st;

	if (stat(secret_file, &st) == 0 && S_ISFIFO(st.st_mode))
		return 0;
	return img_sign(secret_file, "", 0, signature, public, err);
}

int img_sign(const char *secret_file, const void *p, size_t n,
	     uint8_t signature[IMG_SIGN_BYTES], uint8_t public[IMG_SIGN_PUBLIC],
	     struct img_err *err)
{
	uint8_t *secret = locked_new(crypto_sign_SECRETKEYBYTES, err);
	int rc = -1;

	if (!secret)
		return -1;
	if (keyfile_read(secret_file, KEY_SECRET, secret,
			 crypto_sign_SECRETKEYBYTES, err) == 0) {
		crypto_sign_detached(signature, NULL, p, n, secret);
		crypto_sign_ed25519_sk_to_pk(public, secret);
		rc = 0;
	}
	sodium_free(secret);
	return rc;
}

int img_sign_check(const char *public_file, const void *p, size_t n,
		   const uint8_t signature[IMG_SIGN_BYTES], bool *good,
		   struct img_err *err)
{
	uint8_t public[IMG_SIGN_PUBLIC];

	if (keyfile_read(public_file, KEY_SIGNER, public, sizeof(public), err) <
	    0)
		return -1;
	*good = crypto_sign_verify_detached(signature, p, n, public) == 0;
	return 0;
}
