/* ingest.c - the pipeline of an import: chunks, workers, the committer. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "work/coerce.h"

#define CHUNK_FEW   8                  /* are worth a worker's waking up */
#define CHUNKS_MAX  288                /* on their way, a batch included */
#define DATA_MAX    (12 * 1024 * 1024) /* members' bytes in memory */
#define BATCH_ITEMS 4096
#define BATCH_BYTES (512ull * 1024 * 1024)
#define BATCH_AGE   1.5 /* seconds until a batch is committed */

/* ---- chunks ----------------------------------------------------------- */

static void chunk_free(struct chunk *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		free(c->item[i].data);
	arena_release(&c->arena);
	free(c);
}

struct item *item_new(struct img_ingest *g, struct img_err *err)
{
	struct item *it;

	if (!g->open) {
		pthread_mutex_lock(&g->lock);
		while (g->chunks >= CHUNKS_MAX)
			pthread_cond_wait(&g->has_room, &g->lock);
		g->chunks++;
		pthread_mutex_unlock(&g->lock);
		g->open = calloc(1, sizeof(*g->open));
	}
	if (!g->open) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		return NULL;
	}
	it = &g->open->item[g->open->n];
	memset(it, 0, sizeof(*it));
	it->file.fd = -1;
	it->put.instance = it->put.object = -1;
	return it;
}

char *item_text(struct img_ingest *g, const char *s)
{
	return arena_text(&g->open->arena, s, strlen(s));
}

static void hand_on(struct img_ingest *g)
{
	struct chunk *c = g->open;

	g->open = NULL;
	pthread_mutex_lock(&g->lock);
	c->order = g->handed_on++;
	if (g->tail)
		g->tail->next = c;
	else
		g->head = c;
	g->tail = c;
	c->done = !c->to_examine; /* all known: no worker need look at it */
	if (!g->fresh && !c->done)
		g->fresh = c;
	pthread_cond_signal(c->done ? &g->to_commit : &g->to_work);
	pthread_mutex_unlock(&g->lock);
}

/* Somebody may be waiting for work: do not fill a chunk up then. */
static bool is_wanted(struct img_ingest *g)
{
	bool idle;

	if (!g->open->urgent || g->open->n < CHUNK_FEW)
		return false;
	pthread_mutex_lock(&g->lock);
	idle = !g->fresh;
	pthread_mutex_unlock(&g->lock);
	return idle;
}

int item_add(struct img_ingest *g, struct item *it, struct img_err *err)
{
	if (g->rides && !it->member) {
		it->rides = item_text(g, g->rides);
		it->rides_n = strlen(g->rides);
		g->rides = NULL;
		if (!it->rides)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
	}
	if (!it->path || (it->container && !it->name))
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	g->open->n++;
	g->open->urgent |= it->outcome == TO_EXAMINE || it->outcome == DEFERRED;
	g->open->to_examine |= g->open->urgent || it->look;
	if (g->open->n == CHUNK_ITEMS || is_wanted(g))
		hand_on(g);
	return 0;
}

static void items_flush(struct img_ingest *g)
{
	if (g->open && g->open->n)
		hand_on(g);
}

void data_take(struct img_ingest *g, size_t n)
{
	pthread_mutex_lock(&g->lock);
	while (g->data && g->data + n > DATA_MAX) {
		if (g->open && g->open->n) { /* it may be ours that fills it */
			pthread_mutex_unlock(&g->lock);
			hand_on(g);
			pthread_mutex_lock(&g->lock);
			continue;
		}
		pthread_cond_wait(&g->has_room, &g->lock);
	}
	g->data += n;
	pthread_mutex_unlock(&g->lock);
}

void data_give(struct img_ingest *g, size_t n)
{
	pthread_mutex_lock(&g->lock);
	g->data -= n;
	pthread_cond_broadcast(&g->has_room);
	pthread_mutex_unlock(&g->lock);
}

void wait_examined(struct img_ingest *g)
{
	if (g->open && g->open->n)
		hand_on(g);
	pthread_mutex_lock(&g->lock);
	while (g->fresh || g->examining)
		pthread_cond_wait(&g->has_room, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

bool must_stop(struct img_ingest *g)
{
	bool stop;

	pthread_mutex_lock(&g->lock);
	stop = g->mute;
	pthread_mutex_unlock(&g->lock);
	return stop || g->host.stopped(g->host.arg);
}

/* ---- workers ---------------------------------------------------------- */

static void work_on(struct examiner *x, struct chunk *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct item *it = &c->item[i];

		if (it->outcome == TO_EXAMINE)
			examine(x, c, it);
		else if (it->outcome == KNOWN && it->look)
			examine_known(x, c, it);
		if (it->data) {
			free(it->data);
			it->data = NULL;
			data_give(x->g, it->len);
		}
	}
}

static void *worker(void *arg)
{
	struct examiner *x = arg;
	struct img_ingest *g = x->g;

	pthread_mutex_lock(&g->lock);
	for (;;) {
		struct chunk *c;

		while (!g->fresh && !g->ended)
			pthread_cond_wait(&g->to_work, &g->lock);
		c = g->fresh;
		if (!c)
			break;
		do
			g->fresh = g->fresh->next;
		while (g->fresh && g->fresh->done);
		g->examining++;
		pthread_mutex_unlock(&g->lock);
		work_on(x, c);
		pthread_mutex_lock(&g->lock);
		for (size_t i = 0; i < c->n; i++)
			if (c->item[i].outcome == DEFERRED)
				defer(g, c, &c->item[i]);
		c->done = true;
		g->examining--;
		pthread_cond_signal(&g->to_commit);
		pthread_cond_broadcast(&g->has_room);
	}
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

/* ---- the committer ---------------------------------------------------- */

static bool batch_full(const struct img_ingest *g)
{
	return g->batch_items >= BATCH_ITEMS || g->batch_bytes >= BATCH_BYTES ||
	       (g->batch && img_time_mono() - g->batch_born > BATCH_AGE);
}

static void batch_take(struct img_ingest *g)
{
	while (g->head && g->head->done && !batch_full(g)) {
		struct chunk *c = g->head;

		g->head = c->next;
		if (!g->head)
			g->tail = NULL;
		c->next = NULL;
		if (!g->batch)
			g->batch_born = img_time_mono();
		*g->batch_end = c;
		g->batch_end = &c->next;
		g->batch_items += c->n;
		for (size_t i = 0; i < c->n; i++)
			if (c->item[i].file.name[0])
				g->batch_bytes += c->item[i].in.bytes;
	}
}

static void batch_clear(struct img_ingest *g)
{
	size_t n = 0, rides = 0;

	while (g->batch) {
		struct chunk *c = g->batch;

		g->batch = c->next;
		for (size_t i = 0; i < c->n; i++)
			rides += c->item[i].rides_n;
		chunk_free(c);
		n++;
	}
	g->batch_end = &g->batch;
	g->batch_items = 0;
	g->batch_bytes = 0;
	pthread_mutex_lock(&g->lock);
	g->chunks -= n;
	g->data -= rides;
	pthread_cond_broadcast(&g->has_room);
	pthread_mutex_unlock(&g->lock);
}

/* Waits for done chunks, but not longer than the batch may age. */
static void wait_done(struct img_ingest *g)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += 200000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	if (g->batch)
		pthread_cond_timedwait(&g->to_commit, &g->lock, &until);
	else
		pthread_cond_wait(&g->to_commit, &g->lock);
}

static void *committer(void *arg)
{
	struct img_ingest *g = arg;
	bool over;

	do {
		pthread_mutex_lock(&g->lock);
		for (;;) {
			batch_take(g);
			over = g->ended && !g->head;
			/* Chunks that fill the pipeline must not wait for a
			   batch that cannot become full. */
			if (over || batch_full(g) ||
			    (g->batch && g->chunks >= CHUNKS_MAX &&
			     !(g->head && g->head->done)))
				break;
			wait_done(g);
		}
		pthread_mutex_unlock(&g->lock);
		if (g->batch)
			commit_batch(g);
		batch_clear(g);
	} while (!over);
	return NULL;
}

/* ---- open, finish, close ---------------------------------------------- */

static int start_threads(struct img_ingest *g, struct img_err *err)
{
	sigset_t all, was;
	int e = 0;

	/* Signals are for the walker. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	for (unsigned i = 0; i < g->opts.jobs && !e; i++) {
		if (examiner_init(&g->examiners[i], g, i + 1, err) < 0)
			break;
		e = pthread_create(&g->workers[i], NULL, worker,
				   &g->examiners[i]);
		if (e)
			examiner_release(&g->examiners[i]);
		else
			g->n_workers++;
	}
	if (!e && err->code == IMG_OK) {
		e = pthread_create(&g->committer, NULL, committer, g);
		g->has_committer = !e;
	}
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	errno = e;
	return e ? img_err_sys(err, "threads") : err->code ? -1 : 0;
}

static void make_set_key(struct img_ingest *g)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < g->opts.n_set; i++)
		sum = sum * 31 +
		      img_sum64(g->opts.set[i], strlen(g->opts.set[i]));
	if (g->opts.n_set)
		snprintf(g->set_key, sizeof(g->set_key), "//%016llx",
			 (unsigned long long)sum);
}

int img_ingest_open(struct img_ingest **out, const char *dir,
		    const struct img_ingest_opts *opts,
		    const struct img_ingest_host *host, struct img_err *err)
{
	struct img_ingest *g = calloc(1, sizeof(*g));

	if (!g)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	g->opts = *opts;
	g->host = *host;
	ingest_init(g);
	make_set_key(g);
	if (opts->pixel_digest && !identify_can()) {
		img_ingest_close(g);
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "--pixel-digest takes imgverify, which is "
				   "not beside this command");
	}
	if (coerce_check(opts->set, opts->n_set, err) < 0 ||
	    img_members_jail(&g->jail, err) < 0 || img_crypto_init(err) < 0 ||
	    open_archive(g, dir, "imgimport", err) < 0 ||
	    examiner_init(&g->walker, g, 0, err) < 0 ||
	    start_threads(g, err) < 0) {
		img_ingest_close(g);
		return -1;
	}
	*out = g;
	return 0;
}

static void join(struct img_ingest *g)
{
	pthread_mutex_lock(&g->lock);
	g->ended = true;
	pthread_cond_broadcast(&g->to_work);
	pthread_cond_broadcast(&g->to_commit);
	pthread_mutex_unlock(&g->lock);
	for (unsigned i = 0; i < g->n_workers; i++) {
		pthread_join(g->workers[i], NULL);
		examiner_release(&g->examiners[i]);
	}
	g->n_workers = 0;
	pthread_mutex_lock(&g->lock);
	pthread_cond_broadcast(&g->to_commit);
	pthread_mutex_unlock(&g->lock);
	if (g->has_committer)
		pthread_join(g->committer, NULL);
	g->has_committer = false;
}

/* The members of a record that are not known, as a record of their own. */
static int keep_unknown(struct img_ingest *g, const struct img_record *from,
			struct img_buf *out, struct img_err *err)
{
	struct img_record bare;
	int rc;

	img_record_init(&bare);
	bare.in = from->in;
	rc = img_record_write(&bare, "", out, err);
	if (rc == 0 && out->len > sizeof("{}")) {
		data_take(g, out->len);
		g->rides = out->data;
	}
	return rc;
}

int img_ingest_path(struct img_ingest *g, const char *path,
		    const struct img_record *from, struct img_err *err)
{
	struct img_buf unknown;
	int rc;

	img_buf_init(&unknown, IMG_LINE_MAX + 1);
	rc = from && from->in ? keep_unknown(g, from, &unknown, err) : 0;
	if (rc == 0)
		rc = walk_path(g, path, err);
	if (g->rides) /* no item took it */
		data_give(g, unknown.len);
	g->rides = NULL;
	img_buf_release(&unknown);
	if (rc < 0)
		return -1;
	items_flush(g);
	return walk_deferred(g, false, err);
}

int img_ingest_tar(struct img_ingest *g, int fd, const char *name,
		   struct img_err *err)
{
	return expand_tar(g, fd, name, err);
}

int img_ingest_finish(struct img_ingest *g, struct img_err *err)
{
	int rc = walk_deferred(g, true, err);

	items_flush(g);
	join(g);
	if (rc == 0 && g->failure.code != IMG_OK)
		rc = img_err_set(err, g->failure.code, "%s", g->failure.text);
	return rc;
}

void img_ingest_close(struct img_ingest *g)
{
	struct deferred *d;

	if (!g)
		return;
	items_flush(g);
	join(g);
	chunk_free(g->open);
	while ((d = next_deferred(g, true)))
		deferred_free(d);
	walk_end(g);
	examiner_release(&g->walker);
	img_jail_close(g->jail);
	img_audit_close(g->audit);
	img_catalog_close(g->known);
	img_catalog_close(g->catalog);
	img_store_close(g->store);
	pthread_cond_destroy(&g->to_work);
	pthread_cond_destroy(&g->to_commit);
	pthread_cond_destroy(&g->has_room);
	pthread_mutex_destroy(&g->lock);
	free(g);
}
