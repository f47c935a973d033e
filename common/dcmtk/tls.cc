/* tls.cc - TLS (PS3.15 B.12, BCP 195), and that of associations that we ask
   for. */
#include "dcmtk/guard.hh"

#include "dcmtk/dcmtls/tlslayer.h"

#include "dcmtk/link.hh"
#include "dcmtk/tls.hh"

#include <arpa/inet.h>
#include <cstring>
#include <memory>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string>
#include <sys/stat.h>

/* DCMTK's profile has no suites for ECDSA certificates in TLS 1.2. */
static const char *const ecdsa[] = {
	"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
	"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
};

struct img_tls_client {
	std::unique_ptr<DcmTLSTransportLayer> layer;
	bool pinned = false;
	uint8_t pin[32];
	std::string why, host;
};

static int our_index()
{
	static const int index =
		SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);

	return index;
}

static bool has_pin(X509_STORE_CTX *store, const uint8_t pin[32])
{
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	return leaf && X509_digest(leaf, EVP_sha256(), md, &n) && n == 32 &&
	       CRYPTO_memcmp(md, pin, 32) == 0;
}

/* A certificate that is pinned need not be signed by anybody, but it has to
   be valid today itself. */
static bool pin_excuses(int error, int depth)
{
	return depth > 0 || (error != X509_V_ERR_CERT_HAS_EXPIRED &&
			     error != X509_V_ERR_CERT_NOT_YET_VALID);
}

static int check_peer(int good, X509_STORE_CTX *store)
{
	SSL *ssl = static_cast<SSL *>(X509_STORE_CTX_get_ex_data(
		store, SSL_get_ex_data_X509_STORE_CTX_idx()));
	img_tls_client *t = static_cast<img_tls_client *>(
		SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), our_index()));
	int error = X509_STORE_CTX_get_error(store);

	if (t->pinned && !has_pin(store, t->pin)) {
		t->why = "the peer's certificate is not the one it is known by";
		return 0;
	}
	if (good || (t->pinned &&
		     pin_excuses(error, X509_STORE_CTX_get_error_depth(store))))
		return 1;
	t->why = "the peer's certificate: ";
	t->why += X509_verify_cert_error_string(error);
	return 0;
}

int img_tls_trust(DcmTLSTransportLayer &l, const char *ca, struct img_err *err)
{
	struct stat sb;
	bool folder = stat(ca, &sb) == 0 && S_ISDIR(sb.st_mode);
	OFCondition rc =
		folder ? l.addTrustedCertificateDir(ca, DCF_Filetype_PEM)
		       : l.addTrustedCertificateFile(ca, DCF_Filetype_PEM);

	return rc.good() ? 0
			 : img_err_set(err, IMG_E_IO,
				       "%s: no certificates in PEM can be read",
				       ca);
}

int img_tls_identify(DcmTLSTransportLayer &l, const char *key,
		     const char *certificate, struct img_err *err)
{
	l.setPrivateKeyPasswd("");
	if (l.setPrivateKeyFile(key, DCF_Filetype_PEM).bad())
		return img_err_set(err, IMG_E_IO,
				   "%s: no private key in PEM can be read",
				   key);
	if (l.setCertificateFile(certificate, DCF_Filetype_PEM).bad())
		return img_err_set(err, IMG_E_IO,
				   "%s: no certificate in PEM can be read",
				   certificate);
	if (!l.checkPrivateKeyMatchesCertificate())
		return img_err_set(err, IMG_E_USAGE, "%s is not the key of %s",
				   key, certificate);
	return 0;
}

int img_tls_suites(DcmTLSTransportLayer &l, struct img_err *err)
{
	OFCondition rc = l.setTLSProfile(TSP_Profile_BCP195_ND);

	for (const char *suite : ecdsa)
		if (rc.good())
			rc = l.addCipherSuite(suite);
	if (rc.good())
		rc = l.activateCipherSuites();
	if (rc.bad())
		return img_dcmtk_fail(err, IMG_E_BUG, "TLS", rc);
	SSL_CTX_set_min_proto_version(l.getNativeHandle(), TLS1_2_VERSION);
	return 0;
}

static int trust(img_tls_client *t, const struct img_assoc_tls *o,
		 struct img_err *err)
{
	if (o->ca)
		return img_tls_trust(*t->layer, o->ca, err);
	return SSL_CTX_set_default_verify_paths(t->layer->getNativeHandle())
		       ? 0
		       : img_err_set(err, IMG_E_IO,
				     "TLS: no certificates of the system");
}

/* DCMTK looks at the chain only: any certificate of the CA would be any
   host's. */
static int check_name(img_tls_client *t, const struct img_assoc_tls *o,
		      struct img_err *err)
{
	SSL_CTX *ctx = t->layer->getNativeHandle();
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
	uint8_t ip[16];

	t->layer->setCertificateVerification(DCV_requireCertificate);
	SSL_CTX_set_ex_data(ctx, our_index(), t);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, check_peer);
	if (o->pin) {
		t->pinned = true;
		if (!img_unhex(t->pin, sizeof(t->pin), o->pin))
			return img_err_set(err, IMG_E_USAGE,
					   "a pin is 64 hex digits");
		return 0;
	}
	if (inet_pton(AF_INET, o->host, ip) == 1 ||
	    inet_pton(AF_INET6, o->host, ip) == 1) {
		X509_VERIFY_PARAM_set1_ip_asc(param, o->host);
		return 0;
	}
	X509_VERIFY_PARAM_set_hostflags(param,
					X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(param, o->host, 0)
		       ? 0
		       : img_err_set(err, IMG_E_USAGE, "TLS: bad host name");
}

int img_tls_client_new(struct img_tls_client **out,
		       const struct img_assoc_tls *o, struct img_err *err)
{
	std::unique_ptr<img_tls_client> t(new img_tls_client);

	t->layer.reset(new DcmTLSTransportLayer(NET_REQUESTOR, NULL, OFTrue));
	if (!t->layer->getNativeHandle())
		return img_err_set(err, IMG_E_BUG, "TLS cannot be set up");
	if (img_tls_suites(*t->layer, err) < 0 || trust(t.get(), o, err) < 0 ||
	    (o->certificate &&
	     img_tls_identify(*t->layer, o->key, o->certificate, err) < 0) ||
	    check_name(t.get(), o, err) < 0)
		return -1;
	SSL_CTX_set_options(t->layer->getNativeHandle(),
			    SSL_OP_NO_RENEGOTIATION);
	t->host = o->host ? o->host : "";
	*out = t.release();
	return 0;
}

void img_tls_client_free(struct img_tls_client *t)
{
	delete t;
}

DcmTransportConnection *img_tls_client_connect(struct img_tls_client *t,
					       int sock, Pace *pace)
{
	return img_tls_client_link(t->layer->getNativeHandle(), t->host.c_str(),
				   sock, pace);
}

const char *img_tls_why(const struct img_tls_client *t)
{
	return t->why.empty() ? NULL : t->why.c_str();
}
