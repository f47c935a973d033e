/* scu.cc - associations that we ask for. */
#include "dcmtk/guard.hh"

#include "dcmtk/dcmnet/assoc.h"
#include "dcmtk/dcmnet/dcmtrans.h"
#include "dcmtk/dcmnet/dul.h"
#include "dcmtk/dcmtls/tlslayer.h"

#include "dcmtk/dial.hh"
#include "dcmtk/link.hh"
#include "dcmtk/reject.hh"
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

/* Connections with deadlines that a peer cannot stretch: DCMTK gives it anew
   with each byte, and OpenSSL reads until it has a whole record. */
struct ClientLayer : DcmTransportLayer {
	struct img_tls_client *tls = NULL;
	unsigned seconds = 0; /* for the association, once it is connected */
	Pace pace;
	Dial dial;

	DcmTransportConnection *createConnection(DcmNativeSocketType sock,
						 OFBool secure) override
	{
		if (!dial.put(sock))
			return NULL;
		pace.until = img_time_mono() + seconds;
		return secure ? img_tls_client_connect(tls, sock, &pace)
			      : new Link(sock, &pace);
	}
};

struct img_assoc {
	T_ASC_Network *net = NULL;
	T_ASC_Association *assoc = NULL;
	DcmTransportConnection *conn = NULL;
	struct img_tls_client *tls = NULL;
	ClientLayer *layer = NULL;
	unsigned assoc_seconds = 0, io_seconds = 0;
	/* of what is sent until the peer says something: */
	double spent = 0;   /* seconds, since */
	uint64_t taken = 0; /* these bytes were taken */
	int fd = -1;
	bool over = false, silent = false;
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

/* What DCMTK says of sockets and TLS holds no value of ours. */
static int not_open(struct img_assoc *a, const struct img_assoc_opts *o,
		    T_ASC_Parameters *params, const OFCondition &rc,
		    struct img_err *err)
{
	const char *why = a->tls ? img_tls_why(a->tls) : NULL;
	std::string where = img_dial_name(o->host, o->port);

	if (why)
		return img_err_set(err, IMG_E_REFUSED, "%s: TLS: %s",
				   where.c_str(), why);
	if (rc == DUL_ASSOCIATIONREJECTED)
		return img_rejected(params, err);
	if (a->layer && a->layer->pace.why && !is_late(a))
		return img_err_set(err, IMG_E_TRANSPORT, "%s: TLS: %s",
				   where.c_str(), a->layer->pace.why);
	if (rc == ASC_USERIDENTIFICATIONFAILED)
		return img_err_set(err, IMG_E_REFUSED,
				   "the peer does not confirm our user "
				   "identity");
	if (rc == DUL_READTIMEOUT || is_late(a))
		return img_err_set(err, IMG_E_TRANSPORT,
				   "%s: no answer to the association "
				   "request in %u s",
				   where.c_str(), o->assoc_seconds);
	if (rc == DUL_PEERABORTEDASSOCIATION || rc == DUL_NETWORKCLOSED)
		return img_err_set(err, IMG_E_TRANSPORT,
				   "%s: the peer closed the connection",
				   where.c_str());
	return img_err_set(err, IMG_E_TRANSPORT, "%s: %s", where.c_str(),
			   img_plain_text(rc).c_str());
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

static int make_params(T_ASC_Parameters **params, const char *address,
		       const struct img_assoc_opts *o,
		       struct img_assoc_context *contexts, size_t n,
		       struct img_err *err)
{
	OFCondition rc = ASC_createAssociationParameters(params, OUR_PDU);

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

	if (img_dcmtk_dictionary(err) < 0)
		return -1;
	dcmConnectionTimeout.set((Sint32)o->connect_seconds);
	dcmSocketSendTimeout.set((Sint32)o->io_seconds);
	dcmSocketReceiveTimeout.set((Sint32)o->io_seconds);
	rc = ASC_initializeNetwork(NET_REQUESTOR, 0, (int)o->assoc_seconds,
				   &a->net);
	if (rc.bad())
		return img_dcmtk_fail(err, IMG_E_TRANSPORT, "network", rc);
	if (o->tls && img_tls_client_new(&a->tls, o->tls, err) < 0)
		return -1;
	a->layer = new ClientLayer;
	a->layer->tls = a->tls;
	a->layer->seconds = o->assoc_seconds;
	rc = ASC_setTransportLayer(a->net, a->layer, 0);
	return rc.good() ? 0 : img_dcmtk_fail(err, IMG_E_BUG, "network", rc);
}

static int request(struct img_assoc *a, const struct img_assoc_opts *o,
		   struct img_assoc_context *contexts, size_t n,
		   struct img_err *err)
{
	T_ASC_Parameters *params = NULL;
	UserIdentityNegotiationSubItemAC *id = NULL;
	OFCondition rc;

	if (a->layer->dial.open(o->host, o->port, o->connect_seconds, err) < 0)
		return -1;
	if (make_params(&params,
			a->layer->dial.address(o->host, o->port).c_str(), o,
			contexts, n, err) < 0) {
		ASC_destroyAssociationParameters(&params);
		return -1;
	}
	/* The time to connect is DCMTK's affair. */
	be_patient(a, (double)o->connect_seconds + o->assoc_seconds);
	/* The parameters are the association's from now on. */
	/* Its own time limits are by the wall clock; ours are the layer's. */
	rc = ASC_requestAssociation(a->net, params, &a->assoc, NULL, NULL,
				    DUL_BLOCK, 0);
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

/* DCMTK waits for the peer to close the connection, as long as for an
   association: one that has fallen silent is not worth that. */
static void say_abort(struct img_assoc *a)
{
	uint8_t pdu[10] = { 7, 0, 0, 0, 0, 4 }; /* PS3.8 9.3.8 */

	be_patient(a, 1);
	(void)a->conn->write(pdu, sizeof(pdu));
}

void img_assoc_abort(struct img_assoc *a)
{
	struct img_err err = IMG_ERR_INIT;

	if (a)
		guard(&err, [&] {
			if (!a->over && !is_late(a))
				say_abort(a);
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

/* A peer has to take LEAST_RATE bytes a second, looked at over io_seconds of
   waiting for it: what was sent in small parts, or after a rest, counts alike. */
static void give_time(struct img_assoc *a)
{
	if (a->taken >= (uint64_t)LEAST_RATE * a->io_seconds) {
		a->taken = 0;
		a->spent = 0;
	}
	be_patient(a, a->io_seconds - a->spent);
}

/* TLS takes what it is given whole: no more than fits into that time. */
static size_t part_of(const struct img_assoc *a, size_t left)
{
	size_t most = (size_t)LEAST_RATE * a->io_seconds;

	return !a->tls || left <= most ? left : most;
}

static int write_all(struct img_assoc *a, char *at, size_t left,
		     struct img_err *err)
{
	while (left) {
		double since = img_time_mono();
		ssize_t done;

		give_time(a);
		done = a->conn->write(at, part_of(a, left));
		a->spent += img_time_mono() - since;
		if (done < 0 && errno == EINTR)
			continue;
		a->silent = done <= 0 && (errno == EAGAIN || is_late(a));
		if (done <= 0)
			return img_err_set(
				err, IMG_E_TRANSPORT,
				"the connection broke while sending: %s",
				a->silent ? "time is over" : strerror(errno));
		a->taken += (uint64_t)done;
		at += done;
		left -= (size_t)done;
	}
	return 0;
}

int img_assoc_write(struct img_assoc *a, const void *p, size_t n,
		    struct img_err *err)
{
	return guard(err, [&] {
		return write_all(a, static_cast<char *>(const_cast<void *>(p)),
				 n, err);
	});
}

bool img_assoc_is_silent(const struct img_assoc *a)
{
	return a->silent;
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
	rc = DUL_ReadPDVs(&a->assoc->DULassociation, NULL, DUL_BLOCK, 0);
	if (rc == DUL_PDATAPDUARRIVED)
		return 1;
	if (rc == DUL_PEERREQUESTEDRELEASE) {
		ASC_acknowledgeRelease(a->assoc);
		a->over = true;
		return 0;
	}
	a->silent = rc == DUL_READTIMEOUT || is_late(a);
	if (a->silent)
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
		a->taken = 0;
		a->spent = 0;
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
