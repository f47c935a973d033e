/* link.hh - inside the room: the socket of an association, with deadlines that
   a peer cannot stretch. */
#ifndef IMG_DCMTK_LINK_HH
#define IMG_DCMTK_LINK_HH

#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmnet/dcmlayer.h"
#include "dcmtk/dcmnet/dcmtrans.h"

#include <openssl/ssl.h>

#include "dcmtk/dcmtk.h"

/* What the peer may take how long for; see img_accept_expect. */
struct Pace {
	enum img_accept_phase phase = IMG_EXPECT_REQUEST;
	double until = 0;  /* when patience ends */
	uint64_t part = 0; /* bytes of the present window */
	unsigned seconds = 30;
	unsigned idle = 60;
	int stop = -1; /* readable: stop when nothing is in hand */
	bool late = false, stopped = false;
	const char *why = NULL; /* TLS failed; a text that is not freed */

	void expect(enum img_accept_phase what);
	void came(size_t n);
	/* Waits until fd can be read (or written); false: time is over or we
	   are to stop, and errno says so. */
	bool wait(int fd, short events);
};

/* Plain TCP.  Reads ahead, so that a PDU's six bytes of head do not cost a
   system call of their own, and acknowledges at once: a peer with Nagle's
   algorithm would wait 40 ms for each object otherwise. */
class Link : public DcmTCPConnection
{
      public:
	Link(int sock, Pace *pace);
	ssize_t read(void *buf, size_t n) override;
	ssize_t write(void *buf, size_t n) override;
	void close() override;
	void closeTransportConnection() override;
	OFBool networkDataAvailable(int timeout) override;

      private:
	ssize_t fill(void *buf, size_t n);

	Pace *pace;
	size_t at = 0, end = 0;
	uint8_t ahead[16384];
};

/* Makes Links of sockets. */
class LinkLayer : public DcmTransportLayer
{
      public:
	LinkLayer(Pace *p, struct img_accept_tls *t) : pace(p), tls(t)
	{
	}
	DcmTransportConnection *createConnection(DcmNativeSocketType sock,
						 OFBool secure) override;

      private:
	Pace *pace;
	struct img_accept_tls *tls;
};

/* The same with TLS; NULL when it cannot be set up. */
DcmTransportConnection *img_tls_link(struct img_accept_tls *tls, int sock,
				     Pace *pace);
/* That of one that we ask for, of host. */
DcmTransportConnection *img_tls_client_link(SSL_CTX *ctx, const char *host,
					    int sock, Pace *pace);
/* SHA-256 of the certificate that the peer has shown, in hexadecimal digits;
   empty: none. */
void img_tls_certificate(DcmTransportConnection *conn, char out[65]);

#endif
