/*
 * net.h - DICOM peers, and what is said to them.
 *
 * Policy of the network in C: who a peer is (img_peer), an association with
 * one (img_scu: C-ECHO, C-STORE, C-FIND, storage commitment), and what the
 * status words of answers mean.  DCMTK negotiates and keeps the association
 * (dcmtk room); a data set goes from its file to the socket as P-DATA-TF PDUs
 * (PS3.8 9.3.5) without being parsed.
 *
 * An img_scu belongs to one thread at a time.  After a call has failed with
 * IMG_E_TRANSPORT or IMG_E_MALFORMED the association cannot be used any more:
 * close it.
 */
#ifndef IMG_NET_H
#define IMG_NET_H

#include "dcmtk/dcmtk.h"
#include "jsonl/jsonl.h"

/* ---- peers ------------------------------------------------------------ */

#define IMG_AET_MAX       17 /* 16 characters and a NUL, PS3.5 6.2 AE */
#define IMG_PEER_NAME_MAX 256
#define IMG_HOST_MAX      128

struct img_peer {
	/* What the ledger knows it by: its name in peers.json, else
	   "AET@host:port" or the URL. */
	char name[IMG_PEER_NAME_MAX];
	char called[IMG_AET_MAX], calling[IMG_AET_MAX];
	char host[IMG_HOST_MAX];
	uint16_t port;
	char url[IMG_PATH_MAX]; /* STOW-RS; empty: DIMSE */
	bool tls;
	char ca[IMG_PATH_MAX], certificate[IMG_PATH_MAX], key[IMG_PATH_MAX];
	char tls_host[IMG_HOST_MAX]; /* name it must have; empty: host */
	char pin[65];
	char user[256];
	char passcode_file[IMG_PATH_MAX];
};

/* "AET@host:port" or "https://..."; IMG_E_USAGE. */
int img_peer_parse(struct img_peer *p, const char *text, struct img_err *err);
/* 1 to 16 printable characters, no backslash (PS3.5 6.2). */
bool img_aet_ok(const char *aet);

/* ---- an association --------------------------------------------------- */

struct img_scu_opts {
	unsigned connect_seconds, assoc_seconds, dimse_seconds;
	/* Called before n bytes are sent; may sleep.  NULL: no limit. */
	void (*pace)(void *arg, size_t n);
	/* An N-EVENT-REPORT has come; 0 is answered with success.  NULL: it is
	   refused. */
	uint16_t (*event)(void *arg, const struct img_command *c,
			  const char *ts, const void *data, size_t n);
	void *arg;
};

struct img_scu;

/* contexts are answered as img_assoc_open does and must outlive the scu.
   IMG_E_REFUSED, IMG_E_BUSY, IMG_E_TRANSPORT as there. */
int img_scu_open(struct img_scu **s, const struct img_peer *peer,
		 const struct img_scu_opts *opts,
		 struct img_assoc_context *contexts, size_t n,
		 struct img_err *err);
/* in_order: with a release; else it is aborted. */
void img_scu_close(struct img_scu *s, bool in_order);

/* The verification SOP class, PS3.4 Annex A. */
#define IMG_VERIFICATION "1.2.840.10008.1.1"
int img_scu_echo(struct img_scu *s, uint8_t context, uint16_t *status,
		 struct img_err *err);

/* The bytes of a data set, length of them, even. */
struct img_scu_data {
	uint64_t length;
	/* The next n bytes, all of them, or -1: the association is then
	   aborted before the peer has the last ones. */
	int (*next)(void *arg, void *p, size_t n, struct img_err *err);
	void *arg;
};
/* 0: the peer has answered with *status.  -1: it has not. */
int img_scu_store(struct img_scu *s, uint8_t context, const char *sop_class,
		  const char *instance, const struct img_scu_data *data,
		  uint16_t *status, struct img_err *err);

/* ---- answers ---------------------------------------------------------- */

/* PS3.4 B.2.3, PS3.7 Annex C. */
enum img_answer {
	IMG_ANSWER_SUCCESS,
	IMG_ANSWER_WARNING,   /* B000, B006, B007 ...: it has stored it */
	IMG_ANSWER_DUPLICATE, /* 0111: it had one of this UID */
	IMG_ANSWER_BUSY,      /* A7xx: out of resources, may be tried again */
	IMG_ANSWER_REFUSED,   /* 0122, 0124: it will not */
	IMG_ANSWER_FAILED,    /* A9xx, Cxxx and all else: it cannot */
	IMG_ANSWER_PENDING    /* FF00, FF01 */
};
enum img_answer img_answer_of(uint16_t status);
/* What it says, in words; never NULL. */
const char *img_answer_text(uint16_t status);
/* Why a presentation context was not accepted (its result). */
const char *img_context_text(uint8_t result);

#endif
