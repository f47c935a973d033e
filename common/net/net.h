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
 *
 * A listener is a program that accepts connections and parses nothing of what
 * comes on them.  Each connection goes to a jailed process of its own
 * (img_serve, given to img_jail_open), which negotiates the association,
 * writes data sets into files it is handed, and asks the program about
 * everything else in the fixed messages at the end.  To the program these are
 * foreign: img_up_recv has checked their form, the order of them is for the
 * program to check.
 */
#ifndef IMG_NET_H
#define IMG_NET_H

#include <sys/socket.h>

#include "crypto/crypto.h"
#include "dcmtk/dcmtk.h"
#include "dicom/dicom.h"
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
	bool listed;            /* in peers.json */
	bool tls;
	char ca[IMG_PATH_MAX], certificate[IMG_PATH_MAX], key[IMG_PATH_MAX];
	char tls_host[IMG_HOST_MAX]; /* name it must have; empty: host */
	char pin[65];
	char user[256];
	char passcode_file[IMG_PATH_MAX];
	char token_file[IMG_PATH_MAX]; /* STOW-RS: bearer token */
};

/* "AET@host:port" or "https://..."; IMG_E_USAGE. */
int img_peer_parse(struct img_peer *p, const char *text, struct img_err *err);
/* The peer of this name in peers.json of the archive's folder, else what the
   text says; an address that is listed there gets what is agreed with it. */
int img_peer_get(struct img_peer *p, const char *archive, const char *text,
		 struct img_err *err);
/* The peer of that title in peers.json, of this address if there are several.
   1 it is there, 0 it is not. */
int img_peer_titled(struct img_peer *p, const char *archive, const char *title,
		    const char *address, struct img_err *err);
/* The name that the ledger has for it; free with free().  NULL: IMG_E_USAGE. */
char *img_peer_name(const char *archive, const char *text, struct img_err *err);
/* Sets one key of an entry of peers.json; NULL leaves it. */
int img_peer_set(struct img_peer *p, const char *key, const char *value,
		 struct img_err *err);
/* Whether what was agreed is complete; IMG_E_USAGE. */
int img_peer_check(const struct img_peer *p, struct img_err *err);
/* A name, or a number, in the form that we compare: small letters, no dot at
   its end, IPv4 as four numbers, IPv6 without brackets.  false: it is none. */
bool img_host_take(char host[IMG_HOST_MAX]);
/* Whether it is https:// or http:// with a host. */
bool img_peer_is_url(const char *text);
/* 1 to 16 printable characters, no backslash (PS3.5 6.2). */
#define IMG_AET_RULE "an AE title has 1 to 16 characters of ASCII, no backslash"
bool img_aet_ok(const char *aet);
/* Without the blanks at both ends, which mean nothing (PS3.5 6.2). */
void img_aet_trim(char *aet);
/* Both: text without them into aet; false: it is no title. */
bool img_aet_take(char aet[IMG_AET_MAX], const char *text);

/* ---- storage commitment ----------------------------------------------- */

/* PS3.4 Annex J */
#define IMG_COMMITMENT          "1.2.840.10008.1.20.1"
#define IMG_COMMITMENT_INSTANCE "1.2.840.10008.1.20.1.1"
#define IMG_COMMITMENT_MAX      100000 /* instances of one transaction */

/* What is asked for, or answered. */
struct img_commitment {
	char transaction[IMG_UID_MAX];
	struct img_commitment_ref {
		char sop_class[IMG_UID_MAX], sop[IMG_UID_MAX];
		uint16_t reason; /* FailureReason, PS3.3 C.14; 0: committed */
	} * ref;
	size_t n, room;
};

int img_commitment_add(struct img_commitment *c, const char *sop_class,
		       const char *sop, uint16_t reason, struct img_err *err);
void img_commitment_release(struct img_commitment *c);
/* The data set of an N-ACTION or N-EVENT-REPORT request in transfer syntax
   ts.  c begins zeroed. */
int img_commitment_read(struct img_commitment *c, const char *ts, const void *p,
			size_t n, struct img_err *err);
/* Appends the data set: what failed goes into FailedSOPSequence. */
int img_commitment_write(const struct img_commitment *c, const char *ts,
			 struct img_buf *out, struct img_err *err);

/* ---- an association --------------------------------------------------- */

struct img_scu_opts {
	unsigned connect_seconds, assoc_seconds, dimse_seconds;
	/* For all answers to a query; 0: ten times dimse_seconds. */
	unsigned query_seconds;
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
/* Whether the last call failed because the peer neither said nor took
   anything in time. */
bool img_scu_is_silent(const struct img_scu *s);
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

/* Query and storage commitment as a requestor. */
#define IMG_STUDY_ROOT_FIND "1.2.840.10008.5.1.4.1.2.2.1"
/* Which instances of a series the peer has: f is called for each.  -1 also
   when it cannot be asked so. */
int img_scu_find(struct img_scu *s, uint8_t context, const char *study,
		 const char *series, void (*f)(void *arg, const char *sop),
		 void *arg, struct img_err *err);
/* Which series of a study it has, and of how many instances: 0 if it does not
   say. */
int img_scu_find_series(struct img_scu *s, uint8_t context, const char *study,
			void (*f)(void *arg, const char *series,
				  uint64_t instances),
			void *arg, struct img_err *err);
/* Asks the peer to commit to what c lists (N-ACTION, PS3.4 J.3.2). */
int img_scu_commit(struct img_scu *s, uint8_t context,
		   const struct img_commitment *c, uint16_t *status,
		   struct img_err *err);
/* Reports what has become of a transaction (N-EVENT-REPORT, PS3.4 J.3.3), on a
   context of which we are the SCP. */
int img_scu_report(struct img_scu *s, uint8_t context,
		   const struct img_commitment *c, uint16_t *status,
		   struct img_err *err);
/* Waits for an N-EVENT-REPORT, which goes to opts.event: 1 it has come, 0
   not in this time, or the peer ended the association (*over). */
int img_scu_wait(struct img_scu *s, unsigned seconds, bool *over,
		 struct img_err *err);

/* Listens for N-EVENT-REPORTs on associations of the peer's, and of no other
   host's, which is looked up within seconds, in a thread of its own; event is
   called there. */
struct img_await;
int img_await_open(struct img_await **w, const struct img_peer *peer,
		   uint16_t port, unsigned seconds,
		   uint16_t (*event)(void *arg, const struct img_command *c,
				     const char *ts, const void *data,
				     size_t n),
		   void *arg, struct img_err *err);
void img_await_close(struct img_await *w);

/* ---- STOW-RS ---------------------------------------------------------- */

/* A connection to a DICOMweb server, PS3.18 10.5; belongs to one thread. */
struct img_stow;
/* rate: bytes a second, 0 any. */
int img_stow_open(struct img_stow **s, const struct img_peer *p,
		  const struct img_scu_opts *o, uint64_t rate,
		  struct img_err *err);
void img_stow_close(struct img_stow *s);
/* One object: head is its preamble and file meta information.  0: the server
   has answered with *http, and *reason is the FailureReason or WarningReason
   in its answer (0: none).  A success that does not name the instance sop is
   none: *http is then 0. */
int img_stow_store(struct img_stow *s, const char *sop, const void *head,
		   size_t head_n, const struct img_scu_data *data, int *http,
		   unsigned *reason, struct img_err *err);
/* After how many seconds the last answer wants us to come again (Retry-After,
   RFC 9110 10.2.3); 0: it does not say. */
double img_stow_retry_after(const struct img_stow *s);

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

/* ---- acceptor: sockets ------------------------------------------------ */

#define IMG_LISTEN_MAX 16

struct img_listen {
	int fd[IMG_LISTEN_MAX];
	size_t n;
};

#define IMG_ADDRESS_MAX 64 /* "[v6]:port" and a NUL */

struct img_listen_at {
	const char *const *address; /* n names or numbers; 0: the loopback of
				       both families */
	size_t n;
	uint16_t port; /* 0: a free one, the same for all */
	bool guarded;  /* there are rules for who may come */
};

/* Opens nothing: IMG_E_USAGE for a bad address, or one that others can reach
   where nothing guards it. */
int img_listen_check(const struct img_listen_at *at, struct img_err *err);
/* The same, and binds each address.  Where the service manager has opened
   sockets for us (sd_listen_fds(3)), these are taken instead.  Close with
   img_listen_close. */
int img_listen_open(struct img_listen *l, const struct img_listen_at *at,
		    struct img_err *err);
void img_listen_close(struct img_listen *l);
/* "127.0.0.1:11112", of the i-th socket. */
void img_listen_name(const struct img_listen *l, size_t i,
		     char out[IMG_ADDRESS_MAX]);
/* The number of an address, without its port. */
void img_address_name(const struct sockaddr_storage *from,
		      char out[IMG_ADDRESS_MAX]);
/* Tells the service manager, if there is one: "READY=1" (sd_notify(3)). */
void img_listen_notify(const char *state);

/* ---- acceptor: who may come ------------------------------------------- */

/* Rules "AET@address", "AET" or "@address".  The title may hold * and ?; the
   address is a number, or one with the bits of its network (10.0.0.0/8).
   Behind a blank the SHA-256 of the certificate that a peer needs in addition,
   64 hexadecimal digits. */
struct img_access;
int img_access_new(struct img_access **out, struct img_err *err);
void img_access_free(struct img_access *a);
int img_access_add(struct img_access *a, const char *rule, struct img_err *err);
/* All rules of a list, and those of a file (NULL: none): one a line; # begins
   a comment. */
int img_access_load(struct img_access **out, const char *const *rule, size_t n,
		    const char *file, struct img_err *err);
/* Whether there are rules with certificates. */
bool img_access_pins(const struct img_access *a);
/* No rules, and no file of them: everybody.  aet NULL: whether anyone may come
   from there.  certificate: as rules have it; empty: it has shown none. */
bool img_access_may(const struct img_access *a, const char *aet,
		    const char *certificate,
		    const struct sockaddr_storage *from);

/* Users (PS3.7 D.3.3.7), one a line: a name, or a name and what
   img_users_line has made of a passcode; # begins a comment. */
struct img_users;
/* IMG_E_DENIED when others can read the file. */
int img_users_read(struct img_users **u, const char *file, struct img_err *err);
void img_users_free(struct img_users *u);
/* What is known of the user: 1 with the hash of its passcode (empty: it has
   none), 0 nothing: hash is then that of another, if there is one, so that an
   answer takes as long. */
int img_users_find(const struct img_users *u, const char *name,
		   char hash[IMG_PASSCODE_HASH]);
/* A line for such a file; the passcode is what fd has up to its end or to the
   end of its line.  Free with free(). */
char *img_users_line(const char *name, int fd, struct img_err *err);

/* Whether objects of a SOP class can be stored: those of the standard's
   storage service and every class that is not of the standard. */
bool img_net_stores(const char *sop_class);

/* ---- acceptor: what the parts say ------------------------------------- */

enum img_up_kind {
	IMG_UP_REQUEST = 1, /* an association is asked for */
	IMG_UP_BEGIN,       /* a data set comes: a file is needed */
	IMG_UP_END,         /* it is complete, or could not be written */
	IMG_UP_DROP,        /* it will not be complete */
	IMG_UP_COMMIT,      /* code 0: is this instance (object.sop,
			       sop_class) safe?  1: it will be asked for */
	IMG_UP_REPORT,      /* object.sop is the transaction.  Code 2: that is
			       all there is to it, may it be promised?  0: and
			       all was asked for; 1: the peer has its report */
	IMG_UP_OVER         /* the association has ended */
};

struct img_up {
	uint32_t kind;
	uint32_t code;  /* END: enum img_code of a failure to write, or 0;
			  DROP, OVER: why, 0 for a release */
	uint64_t bytes; /* OVER: how many C-ECHOs were answered */
	uint8_t digest[IMG_DIGEST_SIZE];
	union {
		struct img_accept_request request;
		struct {
			char sop_class[IMG_UID_MAX], sop[IMG_UID_MAX],
				ts[IMG_UID_MAX];
			/* BEGIN: that of the presentation context */
			char abstract[IMG_UID_MAX];
		} object;
		char text[256];
	} u;
};

enum img_down_kind {
	IMG_DOWN_START = 1, /* with the peer's socket */
	IMG_DOWN_GRANT,
	IMG_DOWN_REJECT,
	IMG_DOWN_FILE,    /* with a file to write to; without one: drain */
	IMG_DOWN_VERDICT, /* with a file for the next BEGIN, which is then not
			     answered */
	IMG_DOWN_COMMIT,  /* status: FailureReason, 0: it is safe; or of the
			     N-ACTION's answer */
	IMG_DOWN_STOP     /* end it when nothing is in hand; at any time */
};

struct img_down {
	uint32_t kind;
	uint16_t status;                /* VERDICT: as C-STORE-RSP has it */
	uint8_t result, source, reason; /* REJECT: PS3.8 9.3.4 */
	uint8_t confirm;                /* GRANT: the user is who it says */
	char comment[65];               /* VERDICT: (0000,0902) */
};

/* 1 a message, 0 the worker is gone, -1: IMG_E_LIMIT nothing came in time,
   IMG_E_MALFORMED it says what nobody would. */
int img_up_recv(int sock, struct img_up *m, int milliseconds,
		struct img_err *err);
int img_up_send(int sock, const struct img_up *m, struct img_err *err);
int img_down_send(int sock, const struct img_down *m, int fd,
		  struct img_err *err);
int img_down_recv(int sock, struct img_down *m, int *fd, struct img_err *err);

/* ---- acceptor: the jailed half ---------------------------------------- */

struct img_serve {
	unsigned request_seconds, idle_seconds, io_seconds;
	uint32_t max_pdu;
	uint64_t max_object;        /* bytes of one file */
	struct img_accept_tls *tls; /* NULL: plain */
};

/* For img_jail_open, with a struct img_serve. */
int img_serve(int sock, void *serve);

#endif
