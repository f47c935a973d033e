/*
 * serve.c - the worker's side of a session: answers until the other side is
 * gone.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/inside.h"
#include "jail/jail.h"

/* What the program asks is trusted as far as memory goes: both are one. */
static int take_task(int sock, struct task *t, struct img_frames_piece **pieces,
		     struct img_codec_mask **masks, int *fd,
		     struct img_err *err)
{
	if (img_jail_recv(sock, t, sizeof(*t), fd, -1, err) < 0)
		return -1;
	*pieces = calloc(t->n_pieces + 1u, sizeof(**pieces));
	*masks = calloc(t->n_masks + 1u, sizeof(**masks));
	if (!*pieces || !*masks)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	if (t->n_pieces &&
	    img_jail_recv(sock, *pieces, t->n_pieces * sizeof(**pieces), NULL,
			  -1, err) < 0)
		return -1;
	if (t->n_masks &&
	    img_jail_recv(sock, *masks, t->n_masks * sizeof(**masks), NULL, -1,
			  err) < 0)
		return -1;
	return 0;
}

static int answer(int sock, const struct done *done, const struct img_err *why,
		  struct img_err *err)
{
	struct answer a;

	memset(&a, 0, sizeof(a));
	a.code = why->code;
	memcpy(a.text, why->text, sizeof(a.text));
	if (!why->code) {
		a.image = done->image;
		a.size = done->size;
	}
	if (img_jail_send(sock, &a, sizeof(a), -1, -1, err) < 0)
		return -1;
	return why->code ? 0
			 : img_jail_send(sock, done->data, (size_t)done->size,
					 -1, -1, err);
}

static int serve_one(int sock, struct img_err *err)
{
	struct img_frames_piece *pieces = NULL;
	struct img_codec_mask *masks = NULL;
	struct img_err why = IMG_ERR_INIT;
	struct done done = { .data = NULL };
	struct task t;
	int fd = -1, rc = -1;

	if (take_task(sock, &t, &pieces, &masks, &fd, err) < 0)
		goto out;
	(void)img_codec_do(&t, fd, pieces, masks, &done, &why);
	rc = answer(sock, &done, &why, err);
out:
	img_codec_undo(&done);
	if (fd >= 0)
		close(fd);
	free(pieces);
	free(masks);
	return rc;
}

int img_codec_serve(int sock, void *arg)
{
	struct img_err err = IMG_ERR_INIT;

	(void)arg;
	unsetenv("OPJ_NUM_THREADS"); /* no threads in a jail */
	while (serve_one(sock, &err) == 0)
		;
	return err.code == IMG_E_TRANSPORT ? 0 : 1;
}
