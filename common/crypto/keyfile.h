/* keyfile.h - inside the room: keys in files. */
#ifndef IMG_CRYPTO_KEYFILE_H
#define IMG_CRYPTO_KEYFILE_H

#include "crypto/crypto.h"

/* Makes the file and syncs it; one that is there is not touched. */
int keyfile_write(const char *file, mode_t mode, const uint8_t *p, size_t n,
		  struct img_err *err);
/* A new pair: the secret key (n bytes) in file, the public one (public_n) in
   file.pub; both or none. */
int keyfile_pair(const char *file,
		 int (*keypair)(unsigned char *public, unsigned char *secret),
		 size_t n, size_t public_n, struct img_err *err);
/* Exactly n bytes, of a file or a pipe; secret: IMG_E_DENIED if others may use it. */
int keyfile_read(const char *file, bool secret, uint8_t *p, size_t n,
		 struct img_err *err);

#endif
