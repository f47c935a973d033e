/* tls.hh - inside the room: TLS as PS3.15 B.12 has it. */
#ifndef IMG_DCMTK_TLS_HH
#define IMG_DCMTK_TLS_HH

#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmnet/dcmlayer.h"

#include "dcmtk/dcmtk.h"

struct img_tls_client;

int img_tls_client_new(struct img_tls_client **out,
		       const struct img_assoc_tls *opts, struct img_err *err);
void img_tls_client_free(struct img_tls_client *t);
DcmTransportLayer *img_tls_client_layer(struct img_tls_client *t);
/* Why the peer's certificate was not taken; NULL if it was. */
const char *img_tls_why(const struct img_tls_client *t);

#endif
