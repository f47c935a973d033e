/* server.h - inside the room: the jailed half of a listener. */
#ifndef IMG_NET_SERVER_H
#define IMG_NET_SERVER_H

#include "net/net.h"

#define SERVE_SUCCESS 0x0000
#define SERVE_UNKNOWN 0x0211 /* unrecognized operation, PS3.7 C.5.27 */

struct server {
	const struct img_serve *opts;
	int sock; /* to the listener */
	struct img_accept *peer;
	bool stopping;
	uint64_t echoes; /* answered */
	/* the message in hand */
	uint8_t context;
	struct img_command command;
	struct img_buf bytes;       /* of a command set */
	struct img_buf data;        /* of a data set that is no object */
	uint16_t message;           /* of requests of ours */
	struct img_commitment owed; /* what is to be reported */
	uint8_t owed_context;
	bool owes;
	bool reported;        /* the answer is to come, */
	uint16_t reported_by; /* to this message */
	char reported_of[IMG_UID_MAX];
	/* the object in hand */
	int fd;
	int spare; /* the file of the next one; -1: none yet */
	struct img_bulk digest;
	uint64_t written;
	enum img_code failed; /* why it cannot be kept */
};

/* A text of a peer's for a message to the listener: printable. */
void img_serve_text(char *out, size_t size, const char *in);
/* What was asked for; a wish to stop in between is remembered. */
int img_serve_hear(struct server *s, uint32_t kind, struct img_down *m, int *fd,
		   struct img_err *err);
/* A message to the peer; data NULL: without a data set. */
int img_serve_send(struct server *s, const struct img_command *c,
		   const struct img_buf *data, struct img_err *err);
int img_serve_answer(struct server *s, uint16_t status, const char *comment,
		     struct img_err *err);
/* The data set of the command in hand: into s->data. */
int img_serve_data(struct server *s, struct img_err *err);
/* commit.c: an N-ACTION of storage commitment. */
int img_serve_commit(struct server *s, struct img_err *err);
/* The report that is owed. */
int img_serve_report(struct server *s, struct img_err *err);
/* The peer has it, or refuses it. */
int img_serve_reported(struct server *s, struct img_err *err);

#endif
