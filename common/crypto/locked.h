/* locked.h - inside the room: memory for secrets. */
#ifndef IMG_CRYPTO_LOCKED_H
#define IMG_CRYPTO_LOCKED_H

#include "crypto/crypto.h"

/* n bytes that are never swapped and that no child process has; sodium_free
   wipes them.  NULL: IMG_E_NOMEM. */
void *locked_new(size_t n, struct img_err *err);

#endif
