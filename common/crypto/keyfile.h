/* keyfile.h - inside the room: keys in files. */
#ifndef IMG_CRYPTO_KEYFILE_H
#define IMG_CRYPTO_KEYFILE_H

#include "crypto/crypto.h"

/* What a key is for.  Keys of all kinds look alike, and what is sealed to one
   of another kind could never be read again. */
enum key_kind { KEY_STUDY, KEY_SECRET, KEY_TRUSTEE, KEY_SIGNER, KEY_KINDS };

/* Makes the file and syncs it; one that is there is not touched. */
int keyfile_write(const char *file, enum key_kind kind, const uint8_t *p,
		  size_t n, struct img_err *err);
#define KEY_PUBLIC_MAX 32
/* Keys in pairs: what the public one is for, their sizes, how two are made, and
   one of the other; 0, or there is none. */
struct key_pair {
	enum key_kind kind;
	size_t secret, public;
	int (*make)(unsigned char *public, unsigned char *secret);
	int (*derive)(unsigned char *public, const unsigned char *secret);
};
/* A new pair: the secret key in file, the public one in file.pub; both or
   none.  Who is killed between the two leaves the secret one: the next call
   makes the public one of it and is done.  Neither is overwritten. */
int keyfile_pair(const char *file, const struct key_pair *k,
		 struct img_err *err);
/* Exactly n bytes, of a file or a pipe.  IMG_E_DENIED if others may use one
   that is not public; IMG_E_USAGE if it is of another kind. */
int keyfile_read(const char *file, enum key_kind kind, uint8_t *p, size_t n,
		 struct img_err *err);

#endif
