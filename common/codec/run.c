/*
 * run.c - sessions: questions to the worker, answers from it.
 *
 * What the worker says is foreign, like the frame it said it about: numbers
 * are checked against what was asked, texts are made harmless, and time is
 * counted.  Native frames that stay as they are need no worker.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "codec/inside.h"
#include "dcmtk/dcmtk.h"
#include "jail/jail.h"

#define CHUNK    (256u << 10)
#define MEMORY   (512u << 20)
#define EXPLICIT "1.2.840.10008.1.2.1"
#define SECONDS  5          /* of the processor, for any frame */
#define ENCODES  (6u << 20) /* bytes a second more */
#define DECODES  (16u << 20)
#define PATIENCE 6 /* on the clock, as much more */

struct img_codec {
	struct img_jail *jail;
};

struct img_codec_session {
	struct img_codec *codec;
	struct img_jail_worker worker;
	bool running;
	uint8_t chunk[CHUNK];
};

/* ---- jail and sessions --------------------------------------------------- */

int img_codec_open(struct img_codec **out, struct img_err *err)
{
	static const struct img_jail_limits limits = { .memory = MEMORY };
	struct img_codec *codec = calloc(1, sizeof(*codec));

	if (!codec)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	/* What is read from files has to be read before the jail. */
	if (img_dcmtk_prepare(err) < 0 ||
	    img_jail_open(&codec->jail, img_codec_serve, NULL, &limits, err) <
		    0) {
		free(codec);
		return -1;
	}
	*out = codec;
	return 0;
}

void img_codec_close(struct img_codec *codec)
{
	if (!codec)
		return;
	img_jail_close(codec->jail);
	free(codec);
}

int img_codec_session(struct img_codec *codec, struct img_codec_session **out,
		      struct img_err *err)
{
	struct img_codec_session *s = malloc(sizeof(*s));

	if (!s)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	s->codec = codec;
	s->running = false;
	*out = s;
	return 0;
}

/* How the worker ended, said in err; it is started again when needed. */
static int give_up(struct img_codec_session *s, unsigned seconds,
		   struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	if (!s->running)
		return -1;
	s->running = false;
	if (img_jail_end(&s->worker, seconds, "frame", &why) < 0)
		return img_err_set(err, why.code, "%s", why.text);
	return img_err_set(err, IMG_E_MALFORMED, "the decoder gave up");
}

void img_codec_session_close(struct img_codec_session *s)
{
	struct img_err why = IMG_ERR_INIT;

	if (!s)
		return;
	(void)give_up(s, 0, &why);
	free(s);
}

/* ---- what is asked ------------------------------------------------------- */

static int make_task(struct task *t, const struct img_frames *f, uint32_t i,
		     const struct img_frames_piece *first,
		     const struct img_codec_request *req, struct img_err *err)
{
	const struct img_frames_facts *facts = &f->facts;
	uint64_t bit = img_codec_frame_bits(&facts->image) * i;

	memset(t, 0, sizeof(*t));
	snprintf(t->from, sizeof(t->from), "%s",
		 facts->native ? EXPLICIT : facts->ts);
	snprintf(t->to, sizeof(t->to), "%s", req->to);
	if (req->n_masks > MASKS_MAX)
		return img_err_set(err, IMG_E_LIMIT, "more than %u masks",
				   MASKS_MAX);
	t->image = facts->image;
	t->clear_unused = req->clear_unused;
	t->prove = req->prove;
	t->n_masks = (uint32_t)req->n_masks;
	t->form.swap = 1;
	if (!facts->native)
		return 0;
	if (facts->big && f->words)
		t->form.swap = 2;
	else if (facts->big && facts->image.allocated > 8)
		t->form.swap = facts->image.allocated / 8u;
	t->form.skip = (uint32_t)(bit - (first->at - facts->at) * 8);
	return 0;
}

/* ---- native frames that stay so ------------------------------------------ */

static bool stays(const struct task *t)
{
	return img_codec_is_native(t->from) && img_codec_is_native(t->to) &&
	       !t->n_masks && !t->clear_unused && !t->form.skip &&
	       img_codec_frame_bits(&t->image) % 8 == 0 &&
	       (t->image.samples == 1 || !t->image.planar);
}

static int pass(struct img_codec_session *s, const struct task *t, int fd,
		const struct img_frames_piece *piece, uint64_t size,
		img_codec_sink sink, void *arg, struct img_err *err)
{
	uint64_t at = 0;
	int rc = 0;

	while (rc == 0 && at < size) {
		size_t n = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
		/* An odd byte at the end has its neighbour in the piece. */
		size_t even = n + (t->form.swap > 1 && n % 2 &&
				   at + n < piece->length);
		ssize_t got = img_pread_full(fd, s->chunk, even,
					     (off_t)(piece->at + at));

		if (got < 0)
			return img_err_sys(err, "reading a frame");
		if ((size_t)got < even)
			return img_err_set(err, IMG_E_TRUNCATED,
					   "the object ends in it");
		if (t->form.swap > 1)
			img_native_turn(s->chunk, even, t->form.swap);
		rc = sink(s->chunk, n, arg, err);
		at += n;
	}
	return rc;
}

/* ---- the worker's answer ------------------------------------------------- */

static int ask(struct img_codec_session *s, const struct task *t, int fd,
	       const struct img_frames_piece *pieces,
	       const struct img_codec_mask *masks, struct img_err *err)
{
	const int wait = SECONDS * PATIENCE * 1000;

	if (!s->running) {
		if (img_jail_start(s->codec->jail, &s->worker, err) < 0)
			return -1;
		s->running = true;
	}
	if (img_jail_send(s->worker.fd, t, sizeof(*t), fd, wait, err) < 0 ||
	    img_jail_send(s->worker.fd, pieces, t->n_pieces * sizeof(*pieces),
			  -1, wait, err) < 0)
		return -1;
	return t->n_masks ? img_jail_send(s->worker.fd, masks,
					  t->n_masks * sizeof(*masks), -1, wait,
					  err)
			  : 0;
}

static double worked(const struct img_codec_session *s)
{
	struct timespec now;
	clockid_t clock;

	if (clock_getcpuclockid(s->worker.pid, &clock) != 0 ||
	    clock_gettime(clock, &now) != 0)
		return 0;
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Until the answer begins, or the frame has cost too much. */
static int wait_for(struct img_codec_session *s, uint64_t size, bool encodes,
		    double before, struct img_err *err)
{
	double most = SECONDS + (double)size / (encodes ? ENCODES : DECODES);
	double start = img_time_mono();
	struct pollfd p = { .fd = s->worker.fd, .events = POLLIN };

	for (;;) {
		int n = poll(&p, 1, 250);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return img_err_sys(err, "waiting for a decoder");
		if (worked(s) - before > most ||
		    img_time_mono() - start > most * PATIENCE)
			return img_err_set(err, IMG_E_LIMIT,
					   "more than %.0f s of work", most);
	}
}

static bool harmless(const char *p, size_t size)
{
	size_t n = strnlen(p, size);

	for (size_t i = 0; i < n; i++)
		if (p[i] < ' ' || p[i] > '~')
			return false;
	return n < size;
}

/* 0: a result comes.  1: the frame failed, as err says.  -1: nonsense. */
static int judge(const struct task *t, const struct answer *a, uint64_t size,
		 struct img_err *err)
{
	size_t made;

	if (a->code) {
		if (a->code < 0 || a->code > IMG_E_NOMEM || !a->text[0] ||
		    !harmless(a->text, sizeof(a->text)))
			return -1;
		img_err_set(err, (enum img_code)a->code, "%s", a->text);
		return 1;
	}
	if (!harmless(a->image.photometric, sizeof(a->image.photometric)) ||
	    a->image.rows != t->image.rows ||
	    a->image.columns != t->image.columns ||
	    a->image.samples != t->image.samples ||
	    a->image.allocated != t->image.allocated ||
	    a->image.stored != t->image.stored ||
	    a->image.high != t->image.high ||
	    a->image.representation != t->image.representation ||
	    a->image.planar > 1)
		return -1;
	if (!img_codec_is_native(t->to))
		return a->size && a->size % 2 == 0 && a->size / 2 <= size + 4096
			       ? 0
			       : -1;
	return img_codec_frame_size(&a->image, &made, err) == 0 &&
			       a->size == made
		       ? 0
		       : -1;
}

static int hand_over(struct img_codec_session *s, uint64_t size,
		     img_codec_sink sink, void *arg, struct img_err *err,
		     bool *broken)
{
	int rc = 0;

	*broken = true;
	while (rc == 0 && size) {
		size_t n = size < CHUNK ? (size_t)size : CHUNK;

		if (img_jail_recv(s->worker.fd, s->chunk, n, NULL,
				  SECONDS * PATIENCE * 1000, err) < 0)
			return -1;
		size -= n;
		rc = sink(s->chunk, n, arg, err);
	}
	*broken = size != 0;
	return rc;
}

/* One frame through the worker.  What is wrong with the frame is in why, what
   the sink said in err. */
static int by_worker(struct img_codec_session *s, const struct task *t, int fd,
		     const struct img_frames_piece *pieces,
		     const struct img_codec_mask *masks,
		     struct img_codec_image *image, uint64_t *size,
		     img_codec_sink sink, void *arg, struct img_err *why,
		     struct img_err *err)
{
	struct img_err lost = IMG_ERR_INIT;
	double before = s->running ? worked(s) : 0;
	struct answer a;
	bool broken;
	size_t most;
	int rc;

	if (img_codec_whole_size(t->from, &t->image, &most, why) < 0)
		return -1;
	if (ask(s, t, fd, pieces, masks, &lost) < 0 ||
	    (wait_for(s, most, !img_codec_is_native(t->to), before, &lost) <
		     0 &&
	     img_err_set(why, lost.code, "%s", lost.text)) ||
	    img_jail_recv(s->worker.fd, &a, sizeof(a), NULL,
			  SECONDS * PATIENCE * 1000, &lost) < 0) {
		if (!s->running)
			return img_err_set(why, lost.code, "%s", lost.text);
		return give_up(s, why->code ? 0 : 1, why);
	}
	rc = judge(t, &a, most, why);
	if (rc > 0)
		return -1;
	if (rc < 0) {
		(void)give_up(s, 0, &lost);
		return img_err_set(why, IMG_E_MALFORMED,
				   "the decoder's answer makes no sense");
	}
	*image = a.image;
	*size = a.size;
	rc = hand_over(s, a.size, sink, arg, err, &broken);
	if (broken)
		(void)give_up(s, 0, &lost);
	return rc;
}

int img_codec_run(struct img_codec_session *s, struct img_frames *f, uint32_t i,
		  const struct img_codec_request *req,
		  struct img_codec_image *image, uint64_t *size,
		  img_codec_sink sink, void *arg, struct img_err *err)
{
	const struct img_frames_piece *pieces;
	struct img_frames_piece own;
	struct img_err why = IMG_ERR_INIT;
	struct task t;
	size_t n;
	int fd = f->fd, memory = -1, rc = -1;

	if (img_frames_where(f, i, &pieces, &n, err) < 0)
		return -1;
	if (make_task(&t, f, i, pieces, req, &why) < 0)
		goto out;
	t.n_pieces = (uint32_t)n;
	if (f->reader) {
		if (img_frames_inflate(f, pieces, &memory, err) < 0)
			return -1;
		own = (struct img_frames_piece){ 0, pieces->length };
		pieces = &own;
		fd = memory;
	}
	if (stays(&t)) {
		*image = t.image;
		*size = img_codec_frame_bits(&t.image) / 8;
		rc = pass(s, &t, fd, pieces, *size, sink, arg, &why);
	} else {
		rc = by_worker(s, &t, fd, pieces, req->masks, image, size, sink,
			       arg, &why, err);
	}
out:
	if (memory >= 0)
		close(memory);
	/* What the sink said comes first, in its own words. */
	if (rc < 0 && why.code && !err->code)
		img_err_set(err, why.code, "%s: frame %u: %s", f->name, i + 1,
			    why.text);
	return rc;
}
