/* passcode.c - what is kept of a passcode, and whether one is it. */
#include <sodium.h>
#include <string.h>

#include "crypto/crypto.h"

_Static_assert(IMG_PASSCODE_HASH == crypto_pwhash_STRBYTES,
	       "a line of libsodium's");

int img_passcode_hash(char out[IMG_PASSCODE_HASH], const void *p, size_t n,
		      struct img_err *err)
{
	if (crypto_pwhash_str(out, p, n, crypto_pwhash_OPSLIMIT_INTERACTIVE,
			      crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
		return img_err_set(err, IMG_E_NOMEM,
				   "no memory to work on the passcode");
	return 0;
}

bool img_passcode_hash_ok(const char *hash)
{
	/* Whether it asks for another cost is known only of one that can be
	   read.  More than a file may ask for is no hash of ours. */
	return strlen(hash) < IMG_PASSCODE_HASH &&
	       crypto_pwhash_str_needs_rehash(
		       hash, crypto_pwhash_OPSLIMIT_INTERACTIVE,
		       crypto_pwhash_MEMLIMIT_INTERACTIVE) >= 0;
}

bool img_passcode_is(const char *hash, const void *p, size_t n)
{
	return crypto_pwhash_str_verify(hash, p, n) == 0;
}
