/* inside.h - what the files of the net room share.  Not a door. */
#ifndef IMG_NET_INSIDE_H
#define IMG_NET_INSIDE_H

#include "net/net.h"

#define PDU_HEAD 6
#define PDV_HEAD 6
#define OUT_ROOM (512u * 1024)

struct img_scu {
	struct img_assoc *assoc;
	struct img_scu_opts opts;
	struct img_assoc_context *contexts;
	size_t n_contexts;
	size_t fragment; /* longest fragment to send */
	uint16_t message;
	unsigned events; /* that have come */
	struct img_buf command, data;
	struct img_buf out; /* PDUs that have not been written */
	unsigned flushes;   /* of this message */
	bool early;         /* something came before its last bytes went */
};

int img_scu_send(struct img_scu *s, uint8_t context,
		 const struct img_command *c, const struct img_scu_data *d,
		 struct img_err *err);
/* The answer to rq; its data set is in s->data.  N-EVENT-REPORTs before it do
   not give it more time. */
int img_scu_answer(struct img_scu *s, uint8_t context,
		   const struct img_command *rq, struct img_command *rsp,
		   struct img_err *err);

/* A secret from a file is added to out, without the newline at its end.
   IMG_E_DENIED when others may read the file. */
int img_net_read_secret(const char *file, struct img_buf *out,
			struct img_err *err);
/* The same for all lines of it, as many as out may hold. */
int img_net_read_secrets(const char *file, struct img_buf *out,
			 struct img_err *err);
/* Wipes what it holds, which has not moved since it was read. */
void img_net_release_secret(struct img_buf *b);

/* Gets a line without its comment, and without blanks about it. */
typedef int (*img_net_line_fn)(void *arg, char *line, struct img_err *err);
/* Calls f for each line of the text (n bytes, with room for one more) that has
   something in it: 0, or -1 with the file and the line in err. */
int img_net_each_line(const char *file, char *text, size_t n, img_net_line_fn f,
		      void *arg, struct img_err *err);

#endif
