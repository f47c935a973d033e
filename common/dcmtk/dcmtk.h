/*
 * dcmtk.h - the seam to DCMTK: what C code may ask of it.
 *
 * The only room in C++.  Every function is one guard() that turns exceptions
 * and OFConditions into struct img_err.  DCMTK never names a file and never
 * writes one that is kept, and its log is silent, because it prints values.
 * Bytes pass the checks of our own reader before they come here: deep nesting
 * overflows its stack.  A command that does not call this room does not load
 * DCMTK.
 */
#ifndef IMG_DCMTK_H
#define IMG_DCMTK_H

#include "base/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- codecs: one frame of JPEG, JPEG-LS or RLE ---------------------------
 * Called by the codec room, in its jailed worker, with sizes that it checked.
 */

/* The attributes that say how a frame is made (PS3.3 C.7.6.3). */
struct img_dcmtk_image {
	uint32_t rows, columns;
	uint16_t samples, allocated, stored, high;
	uint16_t representation; /* PixelRepresentation: 1 signed */
	uint16_t planar;         /* PlanarConfiguration */
	char photometric[17];
};

/* Reads what DCMTK reads from files, its dictionary: before a jail is made. */
int img_dcmtk_prepare(struct img_err *err);

/*
 * Decodes the coded frame p[0..n), one item of a fragment sequence, into
 * out[0..size): little endian, size = the native size of the frame.  image is
 * as in the data set, and becomes what the result is.
 */
int img_dcmtk_decode(const char *ts, struct img_dcmtk_image *image,
		     const void *p, size_t n, void *out, size_t size,
		     struct img_err *err);
/*
 * Encodes a native little endian frame without loss.  *out is the coded frame,
 * of *len bytes, even; free with free().  image becomes what the data set has
 * to say of it.
 */
int img_dcmtk_encode(const char *ts, struct img_dcmtk_image *image,
		     const void *p, size_t n, uint8_t **out, size_t *len,
		     struct img_err *err);

/*
 * Encodes a native little endian frame of 8 or 16 bits as HTJ2K without loss,
 * with OpenJPH; bits of each sample, and mix says whether colors are
 * transformed (YBR_RCT).  *out: free with free().
 */
int img_dcmtk_htj2k(const struct img_dcmtk_image *image, unsigned bits,
		    bool mix, const void *p, uint8_t **out, size_t *len,
		    struct img_err *err);

/* ---- digital signatures --------------------------------------------------
 * PS3.15 Annex C, PS3.3 C.12.1.1.3.  Called by the signature room, in its
 * jailed worker.
 */

enum img_signed {
	IMG_SIGNED_VALID,   /* and the certificate is of a trusted authority */
	IMG_SIGNED_BROKEN,  /* what is signed is not what is there */
	IMG_SIGNED_UNKNOWN, /* it fits, but nobody vouches for the certificate */
	IMG_SIGNED_UNSUPPORTED /* it cannot be checked here */
};

struct img_signature {
	int32_t verdict;   /* enum img_signed */
	uint32_t elements; /* that it is about; 0: all that can be signed */
	char where[64];    /* "(0040,a730)/(fffa,fffa)" */
	char uid[65];      /* DigitalSignatureUID */
	char mac[17];      /* MACAlgorithm */
	char text[112];    /* why, without names */
};

/* Reads what is read from files, before a jail is made: ca, a PEM file of the
   authorities that are trusted, or NULL. */
int img_dcmtk_signatures_prepare(const char *ca, struct img_err *err);
/* The signatures of the object p[0..n), at most max of them, and the number of
   all.  A signature that is wrong is no failure. */
int img_dcmtk_signatures(const void *p, size_t n, struct img_signature *out,
			 size_t max, size_t *total, struct img_err *err);

/* ---- DICOMDIR ------------------------------------------------------------ */

/* A directory record without the offsets that chain it to others. */
struct img_dcmtk_record {
	size_t parent;    /* index of an earlier record; SIZE_MAX: the root */
	const void *data; /* its elements, explicit VR little endian, checked
			     and bounded; DirectoryRecordType among them */
	size_t size;
};

/*
 * Writes a DICOMDIR of these records, in their order, to path, which must not
 * exist: a name in a folder that nobody else can write to.  sop is its
 * MediaStorageSOPInstanceUID.  Errors of closing the file are not found here:
 * the caller reads it back.
 */
int img_dcmtk_dicomdir(const char *path, const char *file_set_id,
		       const char *sop, const struct img_dcmtk_record *record,
		       size_t count, struct img_err *err);

/* ---- network: requestor -------------------------------------------------- */

/*
 * DCMTK negotiates the association, keeps its state and does TLS; what is sent
 * on it is made in net, because data sets are to go from a file to the socket
 * without being parsed.  An association belongs to one thread at a time.
 */
struct img_assoc;

/* Certificates as PEM files.  TLS 1.2 or newer with the suites of BCP 195 and
   their ECDSA twins (PS3.15 B.12). */
struct img_assoc_tls {
	const char *ca;          /* file or folder that is trusted; NULL:
				      those of the system */
	const char *certificate; /* ours, and its key; NULL: none */
	const char *key;
	const char *host; /* name or address the certificate must be for */
	const char *pin;  /* SHA-256 of the peer's certificate, 64 hex
				  digits, instead of a name; NULL: none */
};

struct img_assoc_context {
	const char *abstract; /* SOP class */
	const char *const *ts;
	size_t n_ts; /* at most 50 */
	bool scp;    /* we are the one that serves (PS3.7 D.3.3.4) */
	/* answered: */
	uint8_t id; /* 1, 3, 5 ... */
	/* 0 accepted, 1 to 4 as PS3.8 9.3.3.2 has it, 255 not answered */
	uint8_t result;
	char accepted[65]; /* transfer syntax, one of ts */
};
#define IMG_ASSOC_CONTEXTS 128

struct img_assoc_opts {
	const char *host;
	uint16_t port;
	const char *calling, *called;
	unsigned connect_seconds, assoc_seconds, io_seconds;
	const struct img_assoc_tls *tls; /* NULL: plain */
	const char *user, *passcode;     /* identity (PS3.7 D.3.3.7); NULL */
	size_t passcode_len;
};

/* IMG_E_REFUSED: rejected for good, or the peer is not who it has to be;
   IMG_E_BUSY: rejected for now; IMG_E_TRANSPORT.  contexts are answered. */
int img_assoc_open(struct img_assoc **a, const struct img_assoc_opts *opts,
		   struct img_assoc_context *contexts, size_t n,
		   struct img_err *err);
/* Ends it in order; what goes wrong then is of no consequence. */
void img_assoc_release(struct img_assoc *a);
/* Aborts it if it still stands. */
void img_assoc_abort(struct img_assoc *a);

/* Longest variable field of a P-DATA-TF PDU the peer takes. */
uint32_t img_assoc_max_pdu(const struct img_assoc *a);
/* Writes whole P-DATA-TF PDUs (PS3.8 9.3.5).  IMG_E_TRANSPORT. */
int img_assoc_write(struct img_assoc *a, const void *p, size_t n,
		    struct img_err *err);

struct img_assoc_pdv {
	const uint8_t *p; /* valid until the next call */
	size_t n;
	uint8_t context;
	bool command, last;
};
/* 1 a fragment, 0 the peer asked for release (the association is over), -1:
   IMG_E_TRANSPORT, also for a time limit and for an abort. */
int img_assoc_read(struct img_assoc *a, unsigned seconds,
		   struct img_assoc_pdv *pdv, struct img_err *err);
/* Whether the last call failed because the peer neither said nor took
   anything in time. */
bool img_assoc_is_silent(const struct img_assoc *a);
/* Waits up to seconds for something to read. */
bool img_assoc_waiting(struct img_assoc *a, unsigned seconds);

/* A command set (PS3.7 E.1); what is absent is 0 or "". */
struct img_command {
	uint16_t field;     /* (0000,0100) */
	uint16_t message;   /* (0000,0110), in answers (0000,0120) */
	uint16_t priority;  /* (0000,0700), of requests that have one */
	bool data;          /* a data set follows */
	uint16_t status;    /* (0000,0900), of answers */
	uint16_t type;      /* event or action: (0000,1002), (0000,1008) */
	char sop_class[65]; /* affected or requested */
	char instance[65];
	char comment[65]; /* (0000,0902), of answers that are no success */
};
#define IMG_C_STORE_RQ  0x0001
#define IMG_C_FIND_RQ   0x0020
#define IMG_C_ECHO_RQ   0x0030
#define IMG_N_EVENT_RQ  0x0100
#define IMG_N_ACTION_RQ 0x0130
#define IMG_C_CANCEL_RQ 0x0FFF
#define IMG_DIMSE_RSP   0x8000
#define IMG_COMMAND_MAX 16384

/* Appends the encoded command set. */
int img_command_put(const struct img_command *c, struct img_buf *out,
		    struct img_err *err);
/* Takes one apart.  What is no flat list of elements of group 0000 does not
   reach DCMTK: IMG_E_MALFORMED. */
int img_command_get(struct img_command *c, const void *p, size_t n,
		    struct img_err *err);

/* ---- network: acceptor --------------------------------------------------- */

/*
 * One association that a peer asks for on an accepted socket, for a jailed
 * process of its own: its bytes are parsed here.  DCMTK negotiates and keeps
 * the state; what is said then is the caller's affair (net).
 *
 * Order of calls: receive, request and contexts, grant or reject, then expect
 * and read, write; close.
 */
struct img_accept;

/* What the peer has to do next, and so how long we wait for it. */
enum img_accept_phase {
	IMG_EXPECT_REQUEST, /* the association request: all of it in time */
	IMG_EXPECT_COMMAND, /* it may idle; stop is obeyed */
	IMG_EXPECT_REST,    /* the rest of what it began: all of it in time */
	IMG_EXPECT_DATA     /* a data set: time begins anew with each
			       kibibyte a second that came in it */
};

/* TLS of a listener: 1.2 or newer with the suites of BCP 195 and their ECDSA
   twins (PS3.15 B.12).  Open it before the jail: it reads files. */
struct img_accept_tls;
struct img_accept_tls_files {
	const char *certificate, *key; /* ours, PEM */
	const char *ca; /* PEM file or folder that signs our peers */
	bool any_peer;  /* peers need no certificate; ca is not looked at */
};
int img_accept_tls_open(struct img_accept_tls **tls,
			const struct img_accept_tls_files *files,
			struct img_err *err);
void img_accept_tls_close(struct img_accept_tls *tls);

struct img_accept_opts {
	unsigned request_seconds, idle_seconds, io_seconds;
	uint32_t max_pdu; /* 4096 to 131072 */
	int stop;         /* readable: end it between two messages; -1 */
	struct img_accept_tls *tls; /* NULL: plain */
};

/* What it says of itself.  Texts as they came, but printable. */
struct img_accept_request {
	char calling[17], called[17];
	char implementation[65], version[17];
	/* PS3.7 D.3.3.7: 0 none, 1 name, 2 name and passcode, 3 ... others */
	uint8_t identity;
	bool confirm; /* wants to be told that it is accepted */
	uint16_t user_len, passcode_len;
	char user[64], passcode[64]; /* longer ones: length only */
	char certificate[65]; /* its SHA-256, 64 hex digits; empty: none */
};

/* Loads what is loaded lazily otherwise, before the jail is entered. */
int img_accept_prepare(struct img_err *err);
/* Takes sock over in any case.  IMG_E_TRANSPORT: it went away; IMG_E_LIMIT:
   too slow; IMG_E_MALFORMED. */
int img_accept_receive(struct img_accept **a, int sock,
		       const struct img_accept_opts *opts,
		       struct img_accept_request *request, struct img_err *err);
/* choose says of each presentation context which of the n transfer syntaxes
   is taken, or -1: not this SOP class, -2: none of these.  confirm: the user
   is who it says, if it wants to be told so. */
int img_accept_grant(struct img_accept *a,
		     int (*choose)(void *arg, const char *abstract,
				   const char *const *ts, size_t n),
		     void *arg, bool confirm, struct img_err *err);
/* As in PS3.8 9.3.4: result, source, reason. */
void img_accept_reject(struct img_accept *a, uint8_t result, uint8_t source,
		       uint8_t reason);
/* What was negotiated under an identifier; false: nothing. */
bool img_accept_context(const struct img_accept *a, uint8_t id,
			const char **abstract, const char **ts);

/* Whether the peer says something within so many milliseconds. */
bool img_accept_waiting(struct img_accept *a, int milliseconds);
void img_accept_expect(struct img_accept *a, enum img_accept_phase phase);
/* As img_assoc_read: 1 a fragment, 0 the peer released, -1: IMG_E_TRANSPORT
   it went away or aborted, IMG_E_LIMIT it was too slow, IMG_E_BUSY we are to
   stop, IMG_E_MALFORMED. */
int img_accept_read(struct img_accept *a, struct img_assoc_pdv *pdv,
		    struct img_err *err);
uint32_t img_accept_max_pdu(const struct img_accept *a);
int img_accept_write(struct img_accept *a, const void *p, size_t n,
		     struct img_err *err);
/* Aborts what still stands. */
void img_accept_close(struct img_accept *a);

#ifdef __cplusplus
}
#endif
#endif
