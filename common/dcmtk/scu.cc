/* scu.cc - associations that we ask for. */
#include "dcmtk/guard.hh"

#include "dcmtk/dcmnet/assoc.h"
#include "dcmtk/dcmnet/dcmtrans.h"
#include "dcmtk/dcmnet/dul.h"
#include "dcmtk/dcmtls/tlslayer.h"

#include "dcmtk/link.hh"
#include "dcmtk/tls.hh"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define OUR_PDU   65536
#define THEIR_PDU 262144 /* where the peer names no limit */
#define PDU_LEAST 128

/* Bytes a second that a peer has to take at least. */
#define LEAST_RATE 1024

/* TLS with deadlines that a peer cannot stretch: OpenSSL reads until it has a
   whole record.  Without TLS, DCMTK looks at the clock itself. */
struct ClientLayer : DcmTransportLayer {
	struct img_tls_client *tls;
	Pace pace;

	explicit ClientLayer(struct img_tls_client *t) : tls(t)
	{
	}
	DcmTransportConnection *createConnection(DcmNativeSocketType sock,
						 OFBool secure) override
	{
		return secure ? img_tls_client_connect(tls, sock, &pace)
			      : new DcmTCPConnection(sock);
	}
};

struct img_assoc {
	T_ASC_Network *net = NULL;
	T_ASC_Association *assoc = NULL;
	DcmTransportConnection *conn = NULL;
	struct img_tls_client *tls = NULL;
	ClientLayer *layer = NULL; /* with tls */
	unsigned assoc_seconds = 0, io_seconds = 0;
	int fd = -1;
	bool over = false;
	DUL_PDV pdv;
};

/* The socket is protected in DCMTK's class; a name of a derived one opens it. */
struct Peek : DcmTransportConnection {
	static int fd(DcmTransportConnection *c)
	{
		return (c->*(&Peek::getSocket))();
	}
};

static void be_patient(struct img_assoc *a, double seconds)
{
	if (a->layer)
		a->layer->pace.until = img_time_mono() + seconds;
}

static bool is_late(const struct img_assoc *a)
{
	return a->layer && a->layer->pace.late;
}

/* DCMTK's tables and its list of ports are not made for threads. */
static std::mutex once;

/* ---- opening ---------------------------------------------------------- */

static const char *reason_of(const T_ASC_RejectParameters &rj)
{
	switch (rj.reason) {
	case ASC_REASON_SU_APPCONTEXTNAMENOTSUPPORTED:
		return "it does not know DICOM's application context";
	case ASC_REASON_SU_CALLINGAETITLENOTRECOGNIZED:
		return "it does not know our AE title";
	case ASC_REASON_SU_CALLEDAETITLENOTRECOGNIZED:
		return "it is not called by that AE title";
	case ASC_REASON_SP_ACSE_PROTOCOLVERSIONNOTSUPPORTED:
		return "it speaks another version of the protocol";
	case ASC_REASON_SP_PRES_TEMPORARYCONGESTION:
		return "it has too much to do";
	case ASC_REASON_SP_PRES_LOCALLIMITEXCEEDED:
		return "it has too many associations";
	default:
		return "it gives no reason";
	}
}

static int rejected(T_ASC_Parameters *params, struct img_err *err)
{
	T_ASC_RejectParameters rj;

	ASC_getRejectParameters(params, &rj);
	return img_err_set(
		err,
		rj.result == ASC_RESULT_REJECTEDTRANSIENT ? IMG_E_BUSY
							  : IMG_E_REFUSED,
		"the peer rejects the association: %s", reason_of(rj));
}

/* What DCMTK says of sockets and TLS holds no value of ours. */
static int not_open(struct img_assoc *a, const struct img_assoc_opts *o,
		    T_ASC_Parameters *params, const OFCondition &rc,
		    struct img_err *err)
{
	const char *why = a->tls ? img_tls_why(a->tls) : NULL;

	if (why)
		return img_err_set(err, IMG_E_REFUSED, "%s:%u: TLS: %s",
				   o->host, (unsigned)o->port, why);
	if (rc == DUL_ASSOCIATIONREJECTED)
		return rejected(params, err);
	if (a->layer && a->layer->pace.why && !is_late(a))
		return img_err_set(err, IMG_E_TRANSPORT, "%s:%u: TLS: %s",
				   o->host, (unsigned)o->port,
				   a->layer->pace.why);
	if (rc == ASC_USERIDENTIFICATIONFAILED)
		return img_err_set(err, IMG_E_REFUSED,
				   "the peer does not confirm our user "
				   "identity");
	if (rc == DUL_READTIMEOUT || is_late(a))
		return img_err_set(err, IMG_E_TRANSPORT,
				   "%s:%u: no answer to the association "
				   "request in %u s",
				   o->host, (unsigned)o->port,
				   o->assoc_seconds);
	if (rc == DUL_PEERABORTEDASSOCIATION || rc == DUL_NETWORKCLOSED)
		return img_err_set(err, IMG_E_TRANSPORT,
				   "%s:%u: the peer closed the connection",
				   o->host, (unsigned)o->port);
	/* It says more on further lines. */
	return img_err_set(err, IMG_E_TRANSPORT, "%s:%u: %.*s", o->host,
			   (unsigned)o->port, (int)strcspn(rc.text(), "\n"),
			   rc.text());
}

static OFCondition propose(T_ASC_Parameters *params,
			   struct img_assoc_context *contexts, size_t n)
{
	OFCondition rc = EC_Normal;

	for (size_t i = 0; i < n && rc.good(); i++) {
		contexts[i].id = (uint8_t)(2 * i + 1);
		contexts[i].result = 255;
		*contexts[i].accepted = '\0';
		rc = ASC_addPresentationContext(
			params, contexts[i].id, contexts[i].abstract,
			const_cast<const char **>(contexts[i].ts),
			(int)contexts[i].n_ts,
			contexts[i].scp ? ASC_SC_ROLE_SCP
					: ASC_SC_ROLE_DEFAULT);
	}
	return rc;
}

static void answer(T_ASC_Parameters *params, struct img_assoc_context *contexts,
		   size_t n)
{
	T_ASC_PresentationContext pc;
	int count = ASC_countPresentationContexts(params);

	for (int i = 0; i < count; i++) {
		struct img_assoc_context *c;
		size_t at;

		if (ASC_getPresentationContext(params, i, &pc).bad())
			continue;
		at = pc.presentationContextID / 2;
		if (!(pc.presentationContextID & 1) || at >= n)
			continue;
		c = &contexts[at];
		c->result = (uint8_t)pc.resultReason;
		if (c->result != 0)
			continue;
		/* A peer may accept only what was proposed. */
		c->result = DUL_PRESENTATION_REJECT_TRANSFER_SYNTAX;
		for (size_t t = 0; t < c->n_ts; t++)
			if (strcmp(c->ts[t], pc.acceptedTransferSyntax) == 0)
				c->result = 0;
		if (c->result == 0)
			snprintf(c->accepted, sizeof(c->accepted), "%s",
				 pc.acceptedTransferSyntax);
	}
}

static OFCondition identify(T_ASC_Parameters *params,
			    const struct img_assoc_opts *o)
{
	if (!o->user)
		return EC_Normal;
	if (!o->passcode)
		return ASC_setIdentRQUserOnly(params, o->user, OFTrue);
	return ASC_setIdentRQUserPassword(
		params, o->user, OFString(o->passcode, o->passcode_len),
		OFTrue);
}

static int make_params(T_ASC_Parameters **params,
		       const struct img_assoc_opts *o,
		       struct img_assoc_context *contexts, size_t n,
		       struct img_err *err)
{
	char address[192];
	OFCondition rc = ASC_createAssociationParameters(params, OUR_PDU);

	snprintf(address, sizeof(address), "%s:%u", o->host, (unsigned)o->port);
	if (rc.good())
		rc = ASC_setAPTitles(*params, o->calling, o->called, NULL);
	if (rc.good())
		rc = ASC_setPresentationAddresses(*params, "localhost",
						  address);
	if (rc.good())
		rc = ASC_setTransportLayerType(*params, o->tls != NULL);
	if (rc.good())
		rc = identify(*params, o);
	if (rc.good())
		rc = propose(*params, contexts, n);
	return rc.good() ? 0
			 : img_dcmtk_fail(err, IMG_E_BUG, "association", rc);
}

/* A peer with Nagle's algorithm holds the second half of its answer back until
   the first is acknowledged, which takes 40 ms here unless asked for. */
static void acknowledge_now(struct img_assoc *a)
{
	int on = 1;

	setsockopt(a->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

/* Socket options are set by DCMTK itself while it connects: after that. */
static void tune(struct img_assoc *a, const struct img_assoc_opts *o)
{
	int on = 1, ms = (int)o->io_seconds * 1000;

	a->conn = DUL_getTransportConnection(a->assoc->DULassociation);
	a->fd = Peek::fd(a->conn);
	fcntl(a->fd, F_SETFD, FD_CLOEXEC);
	setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(a->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(a->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	acknowledge_now(a);
}

static int prepare(struct img_assoc *a, const struct img_assoc_opts *o,
		   struct img_err *err)
{
	std::lock_guard<std::mutex> lock(once);
	OFCondition rc;

	dcmConnectionTimeout.set((Sint32)o->connect_seconds);
	dcmSocketSendTimeout.set((Sint32)o->io_seconds);
	dcmSocketReceiveTimeout.set((Sint32)o->io_seconds);
	rc = ASC_initializeNetwork(NET_REQUESTOR, 0, (int)o->assoc_seconds,
				   &a->net);
	if (rc.bad())
		return img_dcmtk_fail(err, IMG_E_TRANSPORT, "network", rc);
	if (!o->tls)
		return 0;
	if (img_tls_client_new(&a->tls, o->tls, err) < 0)
		return -1;
	a->layer = new ClientLayer(a->tls);
	rc = ASC_setTransportLayer(a->net, a->layer, 0);
	return rc.good() ? 0 : img_dcmtk_fail(err, IMG_E_BUG, "TLS", rc);
}

static int request(struct img_assoc *a, const struct img_assoc_opts *o,
		   struct img_assoc_context *contexts, size_t n,
		   struct img_err *err)
{
	T_ASC_Parameters *params = NULL;
	UserIdentityNegotiationSubItemAC *id = NULL;
	OFCondition rc;

	if (make_params(&params, o, contexts, n, err) < 0) {
		ASC_destroyAssociationParameters(&params);
		return -1;
	}
	/* The time to connect is DCMTK's affair. */
	be_patient(a, (double)o->connect_seconds + o->assoc_seconds);
	/* The parameters are the association's from now on. */
	rc = ASC_requestAssociation(a->net, params, &a->assoc, NULL, NULL,
				    DUL_NOBLOCK, (int)o->assoc_seconds);
	if (rc.bad()) {
		a->over = true;
		return not_open(a, o, params, rc, err);
	}
	answer(params, contexts, n);
	tune(a, o);
	ASC_getUserIdentAC(params, &id);
	if (o->user && !id)
		return img_err_set(err, IMG_E_REFUSED,
				   "the peer does not confirm our user "
				   "identity");
	if (a->assoc->params->theirMaxPDUReceiveSize != 0 &&
	    a->assoc->params->theirMaxPDUReceiveSize < PDU_LEAST)
		return img_err_set(err, IMG_E_TRANSPORT,
				   "the peer takes PDUs of %ld bytes at most",
				   a->assoc->params->theirMaxPDUReceiveSize);
	return 0;
}

static void drop(struct img_assoc *a)
{
	std::lock_guard<std::mutex> lock(once);

	if (a->assoc)
		ASC_destroyAssociation(&a->assoc);
	if (a->net)
		ASC_dropNetwork(&a->net);
	delete a->layer;
	img_tls_client_free(a->tls);
	delete a;
}

int img_assoc_open(struct img_assoc **out, const struct img_assoc_opts *o,
		   struct img_assoc_context *contexts, size_t n,
		   struct img_err *err)
{
	*out = NULL;
	return guard(err, [&] {
		struct img_assoc *a = new img_assoc;

		a->assoc_seconds = o->assoc_seconds;
		a->io_seconds = o->io_seconds;

		if (prepare(a, o, err) < 0 ||
		    request(a, o, contexts, n, err) < 0) {
			if (a->assoc && !a->over)
				ASC_abortAssociation(a->assoc);
			drop(a);
			return -1;
		}
		*out = a;
		return 0;
	});
}

/* ---- ending ----------------------------------------------------------- */

void img_assoc_release(struct img_assoc *a)
{
	struct img_err err = IMG_ERR_INIT;

	if (a)
		guard(&err, [&] {
			be_patient(a, a->assoc_seconds);
			if (!a->over)
				ASC_releaseAssociation(a->assoc);
			drop(a);
			return 0;
		});
}

void img_assoc_abort(struct img_assoc *a)
{
	struct img_err err = IMG_ERR_INIT;

	if (a)
		guard(&err, [&] {
			be_patient(a, a->assoc_seconds);
			if (!a->over && !is_late(a))
				ASC_abortAssociation(a->assoc);
			drop(a);
			return 0;
		});
}

/* ---- talking ---------------------------------------------------------- */

uint32_t img_assoc_max_pdu(const struct img_assoc *a)
{
	long n = a->assoc->params->theirMaxPDUReceiveSize;

	return n <= 0 || n > THEIR_PDU ? THEIR_PDU : (uint32_t)n;
}

int img_assoc_write(struct img_assoc *a, const void *p, size_t n,
		    struct img_err *err)
{
	return guard(err, [&] {
		char *at = static_cast<char *>(const_cast<void *>(p));
		double least = (double)n / LEAST_RATE;
		size_t left = n;

		be_patient(a, least > a->io_seconds ? least : a->io_seconds);
		while (left) {
			ssize_t done = a->conn->write(at, left);

			if (done < 0 && errno == EINTR)
				continue;
			if (done <= 0)
				return img_err_set(
					err, IMG_E_TRANSPORT,
					"the connection broke while sending: "
					"%s",
					errno == EAGAIN || is_late(a)
						? "time is over"
						: strerror(errno));
			at += done;
			left -= (size_t)done;
		}
		return 0;
	});
}

bool img_assoc_waiting(struct img_assoc *a, unsigned seconds)
{
	struct img_err err = IMG_ERR_INIT;
	bool yes = false;

	guard(&err, [&] {
		yes = a->conn->networkDataAvailable((int)seconds);
		return 0;
	});
	return yes;
}

/* 1 a PDU with fragments has come, 0 a request for release, -1. */
static int read_pdu(struct img_assoc *a, unsigned seconds, struct img_err *err)
{
	OFCondition rc;

	/* Asked for once the first half is here: before that there is nothing
	   to acknowledge, and the kernel forgets it. */
	if (a->conn->networkDataAvailable((int)seconds))
		acknowledge_now(a);
	rc = DUL_ReadPDVs(&a->assoc->DULassociation, NULL, DUL_NOBLOCK,
			  (int)seconds);
	if (rc == DUL_PDATAPDUARRIVED)
		return 1;
	if (rc == DUL_PEERREQUESTEDRELEASE) {
		ASC_acknowledgeRelease(a->assoc);
		a->over = true;
		return 0;
	}
	if (rc == DUL_READTIMEOUT || is_late(a))
		return img_err_set(err, IMG_E_TRANSPORT,
				   "no answer from the peer in %u s", seconds);
	a->over = true;
	if (rc == DUL_PEERABORTEDASSOCIATION)
		return img_err_set(err, IMG_E_TRANSPORT,
				   "the peer aborted the association");
	if (rc == DUL_NETWORKCLOSED)
		return img_err_set(err, IMG_E_TRANSPORT,
				   "the peer closed the connection");
	return img_dcmtk_fail(err, IMG_E_TRANSPORT, "the peer's answer", rc);
}

int img_assoc_read(struct img_assoc *a, unsigned seconds,
		   struct img_assoc_pdv *pdv, struct img_err *err)
{
	return guard(err, [&] {
		be_patient(a, seconds);
		while (DUL_NextPDV(&a->assoc->DULassociation, &a->pdv).bad()) {
			int rc = read_pdu(a, seconds, err);

			if (rc <= 0)
				return rc;
		}
		pdv->p = static_cast<const uint8_t *>(a->pdv.data);
		pdv->n = a->pdv.fragmentLength;
		pdv->context = a->pdv.presentationContextID;
		pdv->command = a->pdv.pdvType == DUL_COMMANDPDV;
		pdv->last = a->pdv.lastPDV;
		return 1;
	});
}
