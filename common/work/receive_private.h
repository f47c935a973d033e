/* receive_private.h - what the parts of a listener share. */
#ifndef IMG_RECEIVE_PRIVATE_H
#define IMG_RECEIVE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "jail/jail.h"
#include "work/ingest_private.h"
#include "work/owed.h"
#include "work/receive.h"

#define PEER_MAX  96 /* "AET@address" */
#define REFUSALS  32 /* kept for the audit log, a second's worth */
#define STANDINGS 512

/* How a title at an address has behaved; receive_standing.c. */
struct standing {
	uint32_t sum; /* of the next two */
	char origin[IMG_ADDRESS_MAX];
	char title[17];  /* empty: all of there that have none of their own */
	char blamed[17]; /* whose association came to nothing last */
	double left, at; /* what is left of it, at that time */
	unsigned running;
	bool proved; /* an association has been useful */
};

/* An address, or a network of IPv6; receive_place.c. */
struct origin {
	struct origin *next;
	char name[IMG_ADDRESS_MAX];
	unsigned held, leaving;  /* places; how many of them it gives up */
	unsigned guests, asking; /* without one; whose request is there */
};

/* What a request has to wait for. */
enum lack {
	LACK_NONE,
	LACK_TURN,      /* nobody gives way for that */
	LACK_THERE,     /* a place of its origin, */
	LACK_STRANGERS, /* of those that have done nothing useful yet, */
	LACK_ANY        /* or of any */
};

/* A connection whose request is there. */
struct coming {
	int sock;
	const struct sockaddr_storage *from;
	struct origin *origin;
	const char *title;
	unsigned rank; /* places of its origin, with those asked for before */
	struct standing *standing;
	enum lack lack;
};

/* Work that few may have done for them at once; with the lock. */
#define TURNS_MAX   4
#define TURNS_KNOWN 64
struct turns {
	unsigned places; /* up to TURNS_MAX */
	struct assoc *holder[TURNS_MAX], *waiting;
	struct turn_of {
		char origin[IMG_ADDRESS_MAX];
		double at; /* when it had its last one */
	} known[TURNS_KNOWN];
};

/* What becomes of an item of the queue: it is committed, or is left out, to be
   compared with its rivals first, or to wait for another of its UID. */
enum receive_turn { RECEIVE_NOW, RECEIVE_COMPARE, RECEIVE_AGAIN };

/* One association.  All but the queue's part is its thread's alone. */
struct assoc {
	struct assoc *next; /* of those that run */
	struct img_receive *r;
	struct img_jail_worker worker;
	int sock; /* the peer's, until the worker has it */
	struct sockaddr_storage from;
	char address[IMG_ADDRESS_MAX];
	char peer[PEER_MAX];
	unsigned lane;
	atomic_bool granted;
	bool told_to_stop;
	_Atomic double quiet; /* since when nothing is in hand; 0: something
				 is */
	bool gives_way;       /* others wait for its place; the listener's, */
	bool too_slow;        /* as it is slow: not even for its object */
	double leaves;        /* and since when it knows */
	struct pace {
		double seconds, bytes;
	} pace; /* with the lock; receive_slow.c */
	double paced;
	/* what becomes of its standing, NULL: nothing */
	struct standing *standing;
	struct origin *origin;
	char title[17]; /* as it asked, unread */
	bool suspect, stranger, useful, excused, broke_rules;
	char called[17]; /* what it called us */
	/* storage commitment: what was asked for and is not reported */
	struct img_owed owed;
	size_t n_asked, judged;
	bool noting, judging; /* it says what it will ask for; it asks */
	bool asked, listed;   /* once; it has a place for reports elsewhere */
	bool owes;            /* all is judged, and not reported */
	/* what it asked for before, and has not confirmed the report of */
	char before[IMG_OWED_NAME], before_of[IMG_UID_MAX];
	/* the object in hand */
	bool open;
	struct img_store_file spare; /* the worker has it for the next one */
	double since;                /* when the worker was heard of last */
	uint64_t grown, came;        /* bytes of its file */
	struct img_up begun;
	uint64_t dataset;            /* its offset in the file */
	struct img_catalog *catalog; /* to look things up; NULL: not yet */
	struct examiner x;
	struct chunk chunk; /* of one item */
	/* the committer's */
	struct assoc *queued;
	bool coming; /* an object that is not queued yet, */
	double coming_since;
	bool done;
	enum receive_turn turn;
	pthread_cond_t woken; /* done, or the committer's turn is its, */
	struct assoc *behind; /* or it has one of those that it waits for */
};

struct img_receive {
	struct img_receive_opts opts;
	struct img_receive_host host;
	struct img_jail *jail;
	struct img_ingest *g;
	struct img_dicom_reader *reader; /* the committer's */
	char aet[17];

	pthread_mutex_t lock, passcodes, reports;
	pthread_cond_t work, idle, more, gone;
	struct img_access *access;
	struct img_users *users; /* NULL: nobody is asked who it is */
	struct assoc *running;
	unsigned n_running, lanes;
	struct origin *origins;
	unsigned share; /* of the places, what is one's */
	struct standing standing[STANDINGS];
	struct standing suspects, strangers; /* what all of them have */
	pthread_mutex_t heavy; /* one of them at a time has work done for it */
	struct door *door;     /* the caller's thread's */
	struct assoc *queue, **queue_end;
	bool committing;        /* a thread has the committer's part */
	struct turns comparing; /* to look into a conflict */
	double took;            /* what a batch takes, on average */
	char refused[REFUSALS][PEER_MAX];
	size_t n_refused;
	uint64_t more_refused; /* that found no place there */
	struct unreported {
		char peer[PEER_MAX];
		uint64_t count;
	} unreported[REFUSALS];
	size_t n_unreported;
	uint64_t more_unreported;
	double audited; /* when refusals were written last */
	bool stopping, ended;
	bool broken; /* nothing can be stored any more */
	struct img_err failure;
	struct img_stable *stable; /* the committer's; NULL: not asked for */
	struct img_owed_dir owed;
	struct img_jail *reporters;
	struct img_jail_worker reporter;     /* fd -1: there is none */
	double reporter_since, reporter_due; /* begun; another one is to */
	unsigned reporter_delay;             /* seconds; 0: none has died */
	bool reporter_ends;                  /* it is the last one */
	pthread_t committer;
	bool has_committer;
};

/* receive.c */
/* Starts its association, or sends it away; the socket is taken. */
void receive_admit(struct img_receive *r, const struct coming *c);
/* Whether anybody may come from there; else it is sent away. */
bool receive_may_knock(struct img_receive *r, int sock,
		       const struct sockaddr_storage *from);
/* Last bytes, and the end of the connection. */
void receive_send_off(int sock, const void *p, size_t n);
/* PS3.8 9.3.4; a peer that expects TLS gets an alert instead. */
void receive_turn_away(struct img_receive *r, int sock, uint8_t result,
		       uint8_t source, uint8_t reason);
/* By the caller's thread, with errno: what may fail for ever is said once, and
   costs no processor.  last: when it failed last; 0: never. */
void receive_ails(struct img_receive *r, double *last, const char *what);
/* That one has waited in vain. */
void receive_put_off(struct img_receive *r, const char *address,
		     const char *why);

/* receive_door.c: connections without an association. */
int receive_door_open(struct img_receive *r, struct img_err *err);
void receive_door_close(struct img_receive *r);
void receive_door_accept(struct img_receive *r, int fd);
/* Readable when there is something to hear. */
int receive_door_fd(const struct img_receive *r);
void receive_door_hear(struct img_receive *r);
/* Lets in whose turn it is; every so many ms, most of them at most. */
void receive_door_turn(struct img_receive *r);
int receive_door_patience(const struct img_receive *r, int most);

/* receive_place.c; all with the lock. */
/* The door's alone; valid while it has guests or holds places, and until the
   next call.  NULL: out of memory. */
struct origin *receive_origin(struct img_receive *r, const char *name);
void receive_origins_free(struct img_receive *r);
/* Nobody asks; then, with asking set: what a share is. */
void receive_ask_anew(struct img_receive *r);
void receive_share(struct img_receive *r);
enum lack receive_lack(const struct img_receive *r, const struct coming *c);
/* An association will end for it; how many seconds it is to wait for that
   before it asks again.  0: none will. */
double receive_make_way(struct img_receive *r, const struct coming *c);
/* Of its thread, without the lock: tells the worker to stop if it is to; how
   long until that is to be looked at again, ms. */
int receive_stop_if_asked(struct assoc *s);
/* Whether its time is over; what is said then. */
bool receive_has_to_go(const struct assoc *s);
int receive_gave_way(const struct assoc *s, struct img_err *err);

/* receive_slow.c; of its thread, without the lock. */
/* It is the peer's turn from now on; what has come since then. */
void receive_pace_begin(struct assoc *s);
void receive_pace(struct assoc *s);
/* With the lock: of those that may give way to c, when too many are slow;
   NULL: none. */
struct assoc *receive_slowest(struct img_receive *r,
			      bool (*may)(const struct coming *c,
					  const struct assoc *s),
			      const struct coming *c);

/* receive_standing.c; all with the lock. */
/* Why it is to wait; NULL: it may be let in now, at once.  Sets standing and
   lack. */
const char *receive_not_yet(struct img_receive *r, struct coming *c);
bool receive_is_blamed(const struct standing *p, const char *title);
void receive_standing_begin(struct assoc *s);
void receive_standing_end(struct assoc *s);

/* receive_commit.c */
struct img_ingest_host receive_host(struct img_receive *r);
int receive_commit_start(struct img_receive *r, struct img_err *err);
void receive_commit_end(struct img_receive *r);
/* The association has an object that will soon be for the committer. */
void receive_coming(struct assoc *s);
/* The item of the association's chunk: committed and reported on return. */
void receive_commit(struct assoc *s);
/* So is a report of storage commitment that will not be given. */
void receive_unreported(struct img_receive *r, const char *peer, uint64_t n);
/* An association that was refused: into the audit log; once: by name at most
   once a second, else in a number of such. */
void receive_refused(struct img_receive *r, const char *peer, bool once);

/* receive_stable.c: studies of which nothing has come for a while. */
int receive_stable_open(struct img_receive *r, struct img_err *err);
void receive_stable_met(struct img_receive *r, const char *study);
bool receive_stable_waits(const struct img_receive *r);
/* Those that are due; -1: records cannot be written. */
int receive_stable_say(struct img_receive *r);

/* receive_same.c: a conflict in the file meta only is none.  before: the first
   of the queue, from there to s. */
enum receive_turn receive_same(struct assoc *s, const struct assoc *before);
/* A conflict in the encoding only is none, either: in its own thread. */
void receive_compare(struct assoc *s);

/* receive_turns.c.  false: it was not its turn within seconds; else it is to
   give it back. */
bool receive_turn_take(struct assoc *s, struct turns *t, unsigned seconds);
void receive_turn_give(struct assoc *s, struct turns *t);

/* receive_user.c: PS3.7 D.3.3.7.  NULL: it may come in; confirm: and is who it
   says. */
const char *receive_identify(struct img_receive *r,
			     const struct img_accept_request *q, bool *confirm);

/* receive_promise.c: an instance that storage commitment is asked for. */
int receive_promise(struct assoc *s, const struct img_up *up,
		    struct img_err *err);

/* How it stands with the report. */
int receive_reported(struct assoc *s, const struct img_up *up,
		     struct img_err *err);
/* FailureReason (PS3.3 C.14.1.1), or 0. */
uint16_t receive_is_safe(struct img_catalog *c, struct img_store *store,
			 const char *sop, const char *sop_class);

/* receive_report.c: reports that are owed when the association is over, given
   by a process of its own; open before there are threads. */
int receive_report_open(struct img_receive *r, struct img_err *err);
/* It may begin with what a former listener has left. */
int receive_report_begin(struct img_receive *r, struct img_err *err);
/* Another one for one that has died, when its time has come. */
void receive_report_again(struct img_receive *r);
void receive_report_close(struct img_receive *r);
/* What the association still owes: handed over. */
void receive_report(struct assoc *s);
/* One file of it, if there is one: it has no name then. */
void receive_report_hand(struct img_receive *r, char name[IMG_OWED_NAME]);
/* What that process has to say. */
void receive_report_hear(struct img_receive *r);

/* receive_serve.c: an association's thread. */
void *receive_assoc(void *arg);

#endif
