/* scp.cc - associations that are asked of us. */
#include "dcmtk/guard.hh"

#include "dcmtk/dcmnet/assoc.h"
#include "dcmtk/dcmnet/dul.h"

#include "dcmtk/link.hh"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <poll.h>

#define THEIR_PDU 131072 /* where the peer names no limit */

struct Context {
	char abstract[65], ts[65];
};

struct img_accept {
	T_ASC_Network *net = NULL;
	T_ASC_Association *assoc = NULL;
	DcmTransportConnection *conn = NULL;
	LinkLayer *layer = NULL;
	Pace pace;
	int sock = -1; /* conn has it, and closes it */
	bool granted = false, over = false;
	DUL_PDV pdv;
	Context context[128]; /* (identifier - 1) / 2 */
};

int img_accept_prepare(struct img_err *err)
{
	return guard(err, [&] {
		if (img_dcmtk_dictionary(err) < 0)
			return -1;
		/* No name server is asked about peers. */
		dcmDisableGethostbyaddr.set(OFTrue);
		dcmAssociatePDUSizeLimit.set(128 * 1024);
		return 0;
	});
}

/* ---- what went wrong -------------------------------------------------- */

static int ended(struct img_accept *a, const char *what, const OFCondition &rc,
		 struct img_err *err)
{
	a->over = rc == DUL_PEERABORTEDASSOCIATION || rc == DUL_NETWORKCLOSED;
	if (a->pace.stopped)
		return img_err_set(err, IMG_E_BUSY, "stopped");
	if (a->pace.late)
		return img_err_set(err, IMG_E_LIMIT, "%s: time is over", what);
	if (a->pace.why)
		return img_err_set(err, IMG_E_REFUSED, "TLS: %s", a->pace.why);
	if (rc == DUL_PEERABORTEDASSOCIATION)
		return img_err_set(err, IMG_E_TRANSPORT,
				   "%s: the peer aborted the association",
				   what);
	if (rc == DUL_NETWORKCLOSED)
		return img_err_set(err, IMG_E_TRANSPORT,
				   "%s: the peer closed the connection", what);
	return img_dcmtk_fail(err, IMG_E_MALFORMED, what, rc);
}

/* ---- the request ------------------------------------------------------ */

/* As PS3.5 6.2 has AE and SH: printable, and no backslash. */
static void copy_title(char out[17], const char *in)
{
	size_t n = strnlen(in, 16);

	while (n && in[n - 1] == ' ')
		n--;
	while (n && *in == ' ') {
		in++;
		n--;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = in[i] >= ' ' && in[i] < 127 && in[i] != '\\' ? in[i]
								      : '?';
	out[n] = '\0';
}

static void copy_uid(char out[65], const char *in)
{
	size_t n = strnlen(in, 64);

	for (size_t i = 0; i < n; i++)
		out[i] = (in[i] >= '0' && in[i] <= '9') || in[i] == '.' ? in[i]
									: '?';
	out[n] = '\0';
}

static void copy_identity(T_ASC_Parameters *params,
			  struct img_accept_request *r)
{
	UserIdentityNegotiationSubItemRQ *id = NULL;
	char *p = NULL;

	ASC_getUserIdentRQ(params, &id);
	if (!id)
		return;
	r->identity = (uint8_t)id->getIdentityType();
	r->confirm = id->isPosResponseRequested();
	id->getPrimField(p, r->user_len);
	if (p && r->user_len <= sizeof(r->user))
		memcpy(r->user, p, r->user_len);
	delete[] p;
	p = NULL;
	id->getSecField(p, r->passcode_len);
	if (p && r->passcode_len <= sizeof(r->passcode))
		memcpy(r->passcode, p, r->passcode_len);
	delete[] p;
}

static void describe(T_ASC_Parameters *params, struct img_accept_request *r)
{
	const DUL_ASSOCIATESERVICEPARAMETERS &p = params->DULparams;

	memset(r, 0, sizeof(*r));
	copy_title(r->calling, p.callingAPTitle);
	copy_title(r->called, p.calledAPTitle);
	copy_uid(r->implementation, params->theirImplementationClassUID);
	copy_title(r->version, params->theirImplementationVersionName);
	copy_identity(params, r);
}

static int listen_to(struct img_accept *a, int sock,
		     const struct img_accept_opts *o, struct img_err *err)
{
	OFCondition rc;

	/* With the socket there already, nothing is bound. */
	dcmExternalSocketHandle.set(sock);
	rc = ASC_initializeNetwork(NET_ACCEPTOR, 104, (int)o->request_seconds,
				   &a->net);
	if (rc.bad())
		return img_dcmtk_fail(err, IMG_E_BUG, "network", rc);
	a->layer = new LinkLayer(&a->pace, o->tls);
	rc = ASC_setTransportLayer(a->net, a->layer, 0);
	return rc.good() ? 0 : img_dcmtk_fail(err, IMG_E_BUG, "network", rc);
}

int img_accept_receive(struct img_accept **out, int sock,
		       const struct img_accept_opts *o,
		       struct img_accept_request *request, struct img_err *err)
{
	return guard(err, [&] {
		struct img_accept *a = new img_accept;
		OFCondition rc;

		*out = a;
		a->sock = sock;
		memset(a->context, 0, sizeof(a->context));
		a->pace.seconds = o->request_seconds;
		a->pace.expect(IMG_EXPECT_REQUEST);
		a->pace.seconds = o->io_seconds;
		a->pace.idle = o->idle_seconds;
		a->pace.stop = o->stop;
		if (listen_to(a, sock, o, err) < 0)
			return -1;
		rc = ASC_receiveAssociation(a->net, &a->assoc, (long)o->max_pdu,
					    NULL, NULL, o->tls != NULL,
					    DUL_BLOCK, 0);
		if (rc.bad())
			return ended(a, "association request", rc, err);
		/* A connection that ends behind the handshake is good to
		   DCMTK, and has asked for nothing. */
		if (!ASC_countPresentationContexts(a->assoc->params) &&
		    !*a->assoc->params->DULparams.calledAPTitle)
			return ended(a, "association request",
				     DUL_NETWORKCLOSED, err);
		a->conn = DUL_getTransportConnection(a->assoc->DULassociation);
		describe(a->assoc->params, request);
		if (o->tls)
			img_tls_certificate(a->conn, request->certificate);
		return 0;
	});
}

/* ---- the answer ------------------------------------------------------- */

static OFCondition answer(struct img_accept *a,
			  const T_ASC_PresentationContext &pc, int which)
{
	T_ASC_Parameters *params = a->assoc->params;
	Context *c = &a->context[pc.presentationContextID / 2 % 128];

	if (which == -2)
		return ASC_refusePresentationContext(
			params, pc.presentationContextID,
			ASC_P_TRANSFERSYNTAXESNOTSUPPORTED);
	if (which < 0 || which >= pc.transferSyntaxCount)
		return ASC_refusePresentationContext(
			params, pc.presentationContextID,
			ASC_P_ABSTRACTSYNTAXNOTSUPPORTED);
	/* An identifier that comes twice keeps its first meaning. */
	if (!*c->abstract) {
		copy_uid(c->abstract, pc.abstractSyntax);
		copy_uid(c->ts, pc.proposedTransferSyntaxes[which]);
	}
	return ASC_acceptPresentationContext(
		params, pc.presentationContextID,
		pc.proposedTransferSyntaxes[which]);
}

static OFCondition answer_all(struct img_accept *a,
			      int (*choose)(void *arg, const char *abstract,
					    const char *const *ts, size_t n),
			      void *arg)
{
	T_ASC_Parameters *params = a->assoc->params;
	int count = ASC_countPresentationContexts(params);
	OFCondition rc = EC_Normal;

	for (int i = 0; i < count && rc.good(); i++) {
		T_ASC_PresentationContext pc;
		const char *ts[DICOM_MAXTRANSFERSYNTAXES];

		rc = ASC_getPresentationContext(params, i, &pc);
		if (rc.bad())
			break;
		for (int t = 0; t < pc.transferSyntaxCount; t++)
			ts[t] = pc.proposedTransferSyntaxes[t];
		rc = answer(a, pc,
			    choose(arg, pc.abstractSyntax, ts,
				   pc.transferSyntaxCount));
	}
	return rc;
}

int img_accept_grant(struct img_accept *a,
		     int (*choose)(void *arg, const char *abstract,
				   const char *const *ts, size_t n),
		     void *arg, bool confirm, struct img_err *err)
{
	return guard(err, [&] {
		UserIdentityNegotiationSubItemRQ *id = NULL;
		OFCondition rc = answer_all(a, choose, arg);

		ASC_getUserIdentRQ(a->assoc->params, &id);
		/* Names are confirmed by an answer without content. */
		if (confirm && id && id->isPosResponseRequested())
			a->assoc->params->DULparams.ackUserIdentNeg =
				new UserIdentityNegotiationSubItemAC;
		if (rc.good())
			rc = ASC_acknowledgeAssociation(a->assoc);
		if (rc.bad())
			return ended(a, "association", rc, err);
		a->granted = true;
		return 0;
	});
}

void img_accept_reject(struct img_accept *a, uint8_t result, uint8_t source,
		       uint8_t reason)
{
	struct img_err err = IMG_ERR_INIT;

	guard(&err, [&] {
		T_ASC_RejectParameters rj;

		rj.result = static_cast<T_ASC_RejectParametersResult>(result);
		rj.source = static_cast<T_ASC_RejectParametersSource>(source);
		rj.reason = static_cast<T_ASC_RejectParametersReason>(
			source << 8 | reason);
		ASC_rejectAssociation(a->assoc, &rj);
		a->over = true;
		return 0;
	});
}

bool img_accept_context(const struct img_accept *a, uint8_t id,
			const char **abstract, const char **ts)
{
	const Context *c = &a->context[id / 2 % 128];

	if (!(id & 1) || !*c->abstract)
		return false;
	*abstract = c->abstract;
	*ts = c->ts;
	return true;
}

/* ---- talking ---------------------------------------------------------- */

bool img_accept_waiting(struct img_accept *a, int milliseconds)
{
	struct pollfd p = { a->sock, POLLIN, 0 };

	return a->conn->networkDataAvailable(0) ||
	       poll(&p, 1, milliseconds) > 0;
}

void img_accept_expect(struct img_accept *a, enum img_accept_phase phase)
{
	a->pace.expect(phase);
}

/* 1 a PDU with fragments has come, 0 a request for release, -1. */
static int read_pdu(struct img_accept *a, struct img_err *err)
{
	OFCondition rc;

	/* For DCMTK a read that ends without bytes has lost the connection:
	   nothing could be said to who is only sent away. */
	if (a->pace.phase == IMG_EXPECT_COMMAND &&
	    !a->conn->networkDataAvailable(0) && !a->pace.wait(a->sock, POLLIN))
		return ended(a, "association", DUL_READTIMEOUT, err);
	rc = DUL_ReadPDVs(&a->assoc->DULassociation, NULL, DUL_BLOCK, 0);
	if (rc == DUL_PDATAPDUARRIVED)
		return 1;
	if (rc != DUL_PEERREQUESTEDRELEASE)
		return ended(a, "association", rc, err);
	a->pace.expect(IMG_EXPECT_REST);
	ASC_acknowledgeRelease(a->assoc);
	a->over = true;
	return 0;
}

int img_accept_read(struct img_accept *a, struct img_assoc_pdv *pdv,
		    struct img_err *err)
{
	return guard(err, [&] {
		while (DUL_NextPDV(&a->assoc->DULassociation, &a->pdv).bad()) {
			int rc = read_pdu(a, err);

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

uint32_t img_accept_max_pdu(const struct img_accept *a)
{
	long n = a->assoc->params->theirMaxPDUReceiveSize;

	return n <= 0 || n > THEIR_PDU ? THEIR_PDU : (uint32_t)n;
}

int img_accept_write(struct img_accept *a, const void *p, size_t n,
		     struct img_err *err)
{
	return guard(err, [&] {
		char *at = static_cast<char *>(const_cast<void *>(p));
		size_t left = n;

		a->pace.expect(IMG_EXPECT_REST);
		while (left) {
			ssize_t done = a->conn->write(at, left);

			if (done <= 0)
				return img_err_set(
					err,
					a->pace.late ? IMG_E_LIMIT
						     : IMG_E_TRANSPORT,
					"answer: %s",
					a->pace.late ? "time is over"
						     : strerror(errno));
			at += done;
			left -= (size_t)done;
		}
		return 0;
	});
}

void img_accept_close(struct img_accept *a)
{
	struct img_err err = IMG_ERR_INIT;

	if (!a)
		return;
	guard(&err, [&] {
		if (a->assoc && a->granted && !a->over) {
			a->pace.late = a->pace.stopped = false;
			a->pace.expect(IMG_EXPECT_REST);
			ASC_abortAssociation(a->assoc);
		}
		if (a->assoc) {
			ASC_dropAssociation(a->assoc);
			ASC_destroyAssociation(&a->assoc);
		}
		if (a->net)
			ASC_dropNetwork(&a->net);
		delete a->layer;
		delete a;
		return 0;
	});
}
