/* tls.hh - inside the room: TLS as PS3.15 B.12 has it. */
#ifndef IMG_DCMTK_TLS_HH
#define IMG_DCMTK_TLS_HH

#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmnet/dcmlayer.h"
#include "dcmtk/dcmtls/tlslayer.h"

#include "dcmtk/dcmtk.h"

/* For both ends: the suites, our key and certificate, and whose certificates
   are taken (a file or a folder). */
int img_tls_suites(DcmTLSTransportLayer &layer, struct img_err *err);
int img_tls_identify(DcmTLSTransportLayer &layer, const char *key,
		     const char *certificate, struct img_err *err);
int img_tls_trust(DcmTLSTransportLayer &layer, const char *ca,
		  struct img_err *err);

struct img_tls_client;

int img_tls_client_new(struct img_tls_client **out,
		       const struct img_assoc_tls *opts, struct img_err *err);
void img_tls_client_free(struct img_tls_client *t);
/* A connection to host; see link.hh. */
DcmTransportConnection *img_tls_client_connect(struct img_tls_client *t,
					       int sock, struct Pace *pace);
/* Why the peer's certificate was not taken; NULL if it was. */
const char *img_tls_why(const struct img_tls_client *t);

#endif
