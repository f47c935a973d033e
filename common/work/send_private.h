/* send_private.h - what the files of sending share.  Not a door. */
#ifndef IMG_SEND_PRIVATE_H
#define IMG_SEND_PRIVATE_H

#include <pthread.h>

#include "catalog/catalog.h"
#include "codec/codec.h"
#include "dicom/dicom.h"
#include "store/store.h"
#include "work/send.h"

#define SEND_AHEAD  8192        /* items waiting, at most */
#define SEND_MEMORY (64u << 20) /* objects up to this are sent from memory */
#define SEND_JOBS   16

/* One object, from input to record. */
struct send_item {
	struct send_item *next;
	char *path;    /* as its record names it; NULL: by UIDs only */
	bool in_store; /* its bytes are the store's, by digest */
	bool found;    /* in a folder: may be no DICOM file */
	bool stored;   /* the peer has it: only proof is wanted */
	bool has_digest;
	uint8_t digest[IMG_DIGEST_SIZE];
	char sop[IMG_UID_MAX], sop_class[IMG_UID_MAX], ts[IMG_UID_MAX];
	char study[IMG_UID_MAX], series[IMG_UID_MAX], modality[20];
	uint64_t bytes;
	unsigned attempts;
	unsigned silences; /* of the peer, when it was sent */
	double came;       /* into the queue */
	double not_before; /* of those put off */
	char *more;        /* members of its input's record that are not ours */

	/* what became of it */
	const char *status; /* NULL: nothing yet */
	const char *reason;
	int response; /* -1: none */
	const char *proof;
	char *warning;
	enum img_code code;
	char *error;
	bool common; /* the error: not for the sake of this object */
	char sent_as[IMG_UID_MAX]; /* another transfer syntax; or empty */
	bool padded;               /* values of odd length were */
};

/* Objects of one SOP class in one transfer syntax. */
struct send_group {
	char sop_class[IMG_UID_MAX], ts[IMG_UID_MAX];
	struct send_item *head, *tail;
	size_t n;
	bool asked;     /* the peer has been */
	uint8_t result; /* why it does not take it as it is; 0: it does */
	char via[IMG_UID_MAX]; /* what it takes instead; empty: nothing */
};

/* Which bytes went to the peer under which UID: sums, in an open hash. */
struct send_uids {
	struct send_uid {
		uint64_t sop;    /* 0: free */
		uint64_t digest; /* 0: several */
	} * at;
	size_t n, room;
	bool lost; /* there was no memory: not all are here */
};

struct img_send {
	struct img_send_opts opts;
	struct img_send_host host;
	struct img_store *store;
	struct img_catalog *catalog;     /* of the thread that reads inputs */
	struct img_codec *codec;         /* NULL: frames are left as they are */
	struct img_dicom_reader *reader; /* of the same thread */

	pthread_mutex_t lock;
	pthread_cond_t more, room, result;
	struct send_group *groups;
	size_t n_groups;
	uint32_t *group_at;      /* open hash of groups, + 1; 0 free */
	size_t group_room;       /* a power of two */
	size_t pending, in_hand; /* waiting; taken by a thread */
	struct send_item *later; /* put off, in no order */
	bool closed;             /* no more inputs */
	char *down;              /* the peer cannot be reached: why */
	enum img_code down_code;
	double down_since;

	/* results */
	struct send_item *done, **done_tail;
	bool no_more_results;
	uint64_t items, bytes;
	struct img_err ledger_err;
	bool emit_failed;

	/* the ledger */
	struct img_catalog *ledger, *look;
	struct img_audit *audit;
	pthread_mutex_t look_lock, ledger_lock, event_lock;
	struct img_await *await;
	struct send_uids uids; /* with --commit; under event_lock */

	/* pace */
	pthread_mutex_t pace_lock;
	double pace_at;

	struct send_worker *workers;
	unsigned n_workers;
	pthread_t committer;
	bool committing;
};

/* ---- send_queue.c ---- */

struct send_item *send_item_new(struct img_err *err);
void send_item_free(struct send_item *it);
/* What it ends with; the first call counts. */
void send_item_fail(struct send_item *it, const char *status,
		    const struct img_err *why);
/* Waits for room; the item is the queue's. */
int send_queue_take(struct img_send *s, struct send_item *it,
		    struct img_err *err);
/* Puts one back that was not tried. */
void send_queue_back(struct img_send *s, struct send_item *it);
/* Puts one off that has failed, while others are sent. */
void send_queue_later(struct img_send *s, struct send_item *it, double seconds);
/* The next item of any group, or NULL: there will be no more. */
struct send_item *send_queue_any(struct img_send *s);
/* The next of any of these n groups.  NULL: none now. */
struct send_item *send_queue_of(struct img_send *s, const size_t *groups,
				size_t n, bool wait);
/* An item is done with: its record comes. */
void send_queue_done(struct img_send *s, struct send_item *it);

/* ---- send_group.c ---- */

/* The group an item belongs to, which begins with its first; SIZE_MAX: there
   is no memory for another one, or there are GROUPS_MAX. */
size_t send_group_of(struct img_send *s, const struct send_item *it);
/* The same, with the lock held. */
size_t send_group_find(struct img_send *s, const struct send_item *it);

/* ---- send_load.c ---- */

/* The bytes of an object, ready to be sent. */
struct send_loaded {
	uint8_t *p;
	size_t n, room;
	int fd;              /* of one too big for memory; else -1 */
	uint64_t at, length; /* data set, in p or fd */
	bool pad;            /* one zero byte follows it */
	char ts[IMG_UID_MAX];
	struct img_digest sum; /* of what was sent from fd so far */
	uint64_t done;
	uint64_t size;
	uint8_t want[IMG_DIGEST_SIZE]; /* digest fd had when it was checked */
};
struct send_loader {
	struct img_send *s;
	struct img_dicom_reader *reader;
	struct img_codec_session *session; /* opened when needed */
};

/* Reads and checks it.  0 ready; 1 it->status says what became of it. */
int send_load(struct send_loader *l, struct send_item *it,
	      struct send_loaded *out);
void send_loaded_drop(struct send_loaded *d);
/* What its header says of an input file, for the queue. */
int send_look(struct img_send *s, struct send_item *it, struct img_err *err);
/* For img_scu_data. */
int send_next(void *arg, void *p, size_t n, struct img_err *err);

/* Opens the bytes of an item. */
int send_open(struct img_send *s, const struct send_item *it, uint64_t *bytes,
	      struct img_err *err);
/* Whether what was opened so still is what was loaded. */
int send_is_same(const struct send_item *it, int fd, uint64_t size,
		 struct img_err *err);
/* Takes the object in out, made of what was loaded, in its place. */
int send_reload(struct send_loader *l, struct send_item *it, int out,
		struct send_loaded *d, struct img_err *err);

/* ---- send_recode.c ---- */

/* Whether an object of one transfer syntax can be sent in another. */
bool send_recodes(const struct img_send *s, const char *from, const char *to);
/* Whether it has to be, because of an odd length (PS3.8 9.3.5.1). */
bool send_is_odd(const struct send_loaded *d);
/* Turns what was loaded into that; values of odd length get a byte more. */
int send_recode(struct send_loader *l, struct send_item *it,
		struct send_loaded *d, const char *to, struct img_err *err);

/* ---- send_uids.c ---- */

/* It goes to the peer now. */
void send_uids_note(struct img_send *s, const struct send_item *it);
/* Whether nothing else went there with its UID, so that what the peer says of
   the UID is said of these bytes. */
bool send_uids_alone(struct img_send *s, const struct send_item *it);
void send_uids_release(struct send_uids *u);

/* ---- send_worker.c ---- */

int send_workers_start(struct img_send *s, struct img_err *err);
void send_workers_join(struct img_send *s);

/* ---- send_result.c ---- */

/* What the peer has answered to it: what it ends with. */
void send_answered(struct send_item *it, uint16_t status);
/* Makes the answers to these items durable. */
int send_ledger_note(struct img_send *s, struct send_item *list,
		     struct img_err *err);

int send_ledger_open(struct img_send *s, struct img_err *err);
/* Whether the peer was, in an earlier run, given other bytes with the same
   UID: 1, 0, -1 cannot be told. */
int send_ledger_other(struct img_send *s, const struct send_item *it);
int send_committer_start(struct img_send *s, struct img_err *err);
void send_committer_join(struct img_send *s);
/* 1 the ledger says the peer has it (it->status is set, or it->stored where
   more proof is wanted), 0 not. */
int send_ledger_has(struct img_send *s, struct img_catalog *c,
		    struct send_item *it);

#endif
