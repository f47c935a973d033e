/* tls_link.cc - TLS on a peer's socket (PS3.15 B.12, BCP 195), with the same
   deadlines as without. */
#include "dcmtk/guard.hh"

#include "dcmtk/dcmnet/cond.h"

#include "dcmtk/link.hh"
#include "dcmtk/tls.hh"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- what we are, and whom we trust ----------------------------------- */

struct img_accept_tls {
	std::unique_ptr<DcmTLSTransportLayer> layer;
};

static int choose_suites(DcmTLSTransportLayer &l, struct img_err *err)
{
	SSL_CTX *ctx = l.getNativeHandle();

	if (img_tls_suites(l, err) < 0)
		return -1;
	/* Every association is a process of its own: nothing to resume. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE);
	return 0;
}

static int trust(DcmTLSTransportLayer &l, const struct img_accept_tls_files *o,
		 struct img_err *err)
{
	SSL_CTX *ctx = l.getNativeHandle();

	if (o->any_peer) {
		l.setCertificateVerification(DCV_ignoreCertificate);
		return 0;
	}
	if (img_tls_trust(l, o->ca, err) < 0)
		return -1;
	l.setCertificateVerification(DCV_requireCertificate);
	/* Not DCMTK's callback, which only writes a log. */
	SSL_CTX_set_verify(
		ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return 0;
}

int img_accept_tls_open(struct img_accept_tls **out,
			const struct img_accept_tls_files *files,
			struct img_err *err)
{
	*out = NULL;
	return guard(err, [&] {
		std::unique_ptr<img_accept_tls> t(new img_accept_tls);

		t->layer.reset(
			new DcmTLSTransportLayer(NET_ACCEPTOR, NULL, OFTrue));
		if (!t->layer->getNativeHandle())
			return img_err_set(err, IMG_E_BUG,
					   "TLS cannot be set up");
		if (choose_suites(*t->layer, err) < 0 ||
		    img_tls_identify(*t->layer, files->key, files->certificate,
				     err) < 0 ||
		    trust(*t->layer, files, err) < 0)
			return -1;
		*out = t.release();
		return 0;
	});
}

void img_accept_tls_close(struct img_accept_tls *t)
{
	delete t;
}

/* ---- the connection --------------------------------------------------- */

class TlsLink : public DcmTCPConnection
{
      public:
	TlsLink(int sock, SSL *s, Pace *p)
	    : DcmTCPConnection(sock), ssl(s), pace(p)
	{
		int on = 1;

		setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	void certificate(char out[65]);
	~TlsLink() override
	{
		SSL_free(ssl);
	}
	OFCondition serverSideHandshake() override
	{
		return shake_hands(SSL_accept);
	}
	OFCondition clientSideHandshake() override
	{
		return shake_hands(SSL_connect);
	}
	ssize_t read(void *buf, size_t n) override;
	ssize_t write(void *buf, size_t n) override;
	void close() override;
	void closeTransportConnection() override;
	OFBool networkDataAvailable(int timeout) override;
	OFBool isTransparentConnection() override
	{
		return OFFalse;
	}

      private:
	bool retry(int rc);
	OFCondition shake_hands(int (*how)(SSL *));

	SSL *ssl;
	Pace *pace;
	bool broken = false;
};

void img_tls_certificate(DcmTransportConnection *conn, char out[65])
{
	TlsLink *link = dynamic_cast<TlsLink *>(conn);

	out[0] = '\0';
	if (link)
		link->certificate(out);
}

void TlsLink::certificate(char out[65])
{
	X509 *x = SSL_get1_peer_certificate(ssl);
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (x && X509_digest(x, EVP_sha256(), md, &n) && n == 32)
		img_hex(out, md, n);
	X509_free(x);
}

/* Whether the call that gave rc is to be made again. */
bool TlsLink::retry(int rc)
{
	int on = 1;

	switch (SSL_get_error(ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		setsockopt(getSocket(), IPPROTO_TCP, TCP_QUICKACK, &on,
			   sizeof(on));
		return pace->wait(getSocket(), POLLIN);
	case SSL_ERROR_WANT_WRITE:
		return pace->wait(getSocket(), POLLOUT);
	case SSL_ERROR_SSL:
		broken = true;
		errno = EPROTO;
		return false;
	default:
		broken = true;
		return false;
	}
}

OFCondition TlsLink::shake_hands(int (*how)(SSL *))
{
	const char *what;
	long verify;
	int rc;

	ERR_clear_error();
	while ((rc = how(ssl)) <= 0 && retry(rc))
		;
	if (rc > 0)
		return EC_Normal;
	verify = SSL_get_verify_result(ssl);
	what = ERR_reason_error_string(ERR_peek_last_error());
	if (verify != X509_V_OK)
		what = X509_verify_cert_error_string(verify);
	pace->why = what ? what : "the peer broke it off";
	return DUL_NETWORKCLOSED;
}

ssize_t TlsLink::read(void *buf, size_t n)
{
	for (;;) {
		int rc;

		if (img_time_mono() >= pace->until) {
			pace->late = true;
			errno = ETIMEDOUT;
			return -1;
		}
		ERR_clear_error();
		rc = SSL_read(ssl, buf, n > 1 << 20 ? 1 << 20 : (int)n);
		if (rc > 0) {
			pace->came((size_t)rc);
			return rc;
		}
		if (SSL_get_error(ssl, rc) == SSL_ERROR_ZERO_RETURN)
			return 0;
		if (!retry(rc))
			return -1;
	}
}

ssize_t TlsLink::write(void *buf, size_t n)
{
	int rc;

	ERR_clear_error();
	while ((rc = SSL_write(ssl, buf, n > 1 << 20 ? 1 << 20 : (int)n)) <=
		       0 &&
	       retry(rc))
		;
	return rc > 0 ? rc : -1;
}

void TlsLink::close()
{
	if (getSocket() >= 0 && !broken)
		(void)SSL_shutdown(ssl);
	closeTransportConnection();
}

void TlsLink::closeTransportConnection()
{
	if (getSocket() >= 0)
		::close(getSocket());
	setSocket(-1);
}

OFBool TlsLink::networkDataAvailable(int timeout)
{
	struct pollfd p = { getSocket(), POLLIN, 0 };

	return SSL_pending(ssl) > 0 || poll(&p, 1, timeout * 1000) > 0;
}

static DcmTransportConnection *make_link(SSL_CTX *ctx, const char *host,
					 int sock, Pace *pace)
{
	SSL *ssl = SSL_new(ctx);
	int flags = fcntl(sock, F_GETFL);
	uint8_t ip[16];
	bool named = host && inet_pton(AF_INET, host, ip) != 1 &&
		     inet_pton(AF_INET6, host, ip) != 1;

	if (!ssl || flags < 0 || fcntl(sock, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    !SSL_set_fd(ssl, sock) ||
	    (named && !SSL_set_tlsext_host_name(ssl, host))) {
		SSL_free(ssl);
		return NULL;
	}
	return new TlsLink(sock, ssl, pace);
}

DcmTransportConnection *img_tls_link(struct img_accept_tls *t, int sock,
				     Pace *pace)
{
	return make_link(t->layer->getNativeHandle(), NULL, sock, pace);
}

DcmTransportConnection *img_tls_client_link(SSL_CTX *ctx, const char *host,
					    int sock, Pace *pace)
{
	return make_link(ctx, host, sock, pace);
}
