/*
 * export_archive.c - the forms tar, zip and iso.
 *
 * Bytes cannot be taken back from an archive, so each object is summed before
 * it is written: by threads that read ahead of the writer, in the order of the
 * items.  A small object is kept in memory meanwhile, so that what is written
 * is what was summed; a great one is read again, and summed again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/export_private.h"

#define SLOTS 12
#define SMALL ((size_t)4 << 20)

struct slot {
	struct export_item *it;
	uint8_t *mem; /* room for SMALL, once it was needed */
	bool small;
	int fd; /* of a great one */
	bool ready;
};

struct loader {
	struct img_export *x;
	struct export_volume *v;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct slot slot[SLOTS];
	size_t next;      /* item to look at */
	uint64_t given;   /* slots given to readers */
	uint64_t written; /* and emptied by the writer */
	bool ended;       /* no more items */
	bool stop;
	unsigned workers;
};

/* ---- reading ahead ----------------------------------------------------- */

static int keep_small(struct slot *s, int fd, const char *name, size_t n,
		      struct export_sum *sum, struct img_err *err)
{
	ssize_t got;

	if (!s->mem)
		s->mem = malloc(SMALL);
	if (!s->mem)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	/* One byte more than it should have: it may have grown. */
	got = img_pread_full(fd, s->mem, n < SMALL ? n + 1 : n, 0);
	if (got < 0)
		return img_err_sys(err, "%s", name);
	if ((size_t)got != n)
		return img_err_set(err, IMG_E_IO,
				   "%s: changed while it was read", name);
	export_sum_add(sum, s->mem, n);
	s->small = true;
	return 0;
}

/* A descriptor of what goes out. */
static int open_item(struct img_export *x, unsigned worker,
		     const struct export_volume *v, struct export_item *it,
		     struct img_err *err)
{
	int fd = export_source(x, it, err), to, rc;

	if (fd < 0 || !it->target)
		return fd;
	to = export_scratch(x, v, err);
	rc = to < 0 ? -1 : export_convert(x, worker, it, fd, to, err);
	if (rc != 0)
		close(fd);
	if (rc <= 0 && to >= 0)
		close(to);
	return rc > 0 ? to : rc == 0 ? fd : -1;
}

int export_fits_iso(const struct export_item *it, uint64_t bytes,
		    struct img_err *err)
{
	return bytes <= IMG_ISO_MEMBER_MAX
		       ? 0
		       : img_err_set(err, IMG_E_LIMIT,
				     "%s: longer than a file of ISO 9660 level "
				     "1 may be",
				     it->name);
}

static int sum_item(struct img_export *x, struct slot *s, int fd,
		    struct img_err *err)
{
	struct export_item *it = s->it;
	struct export_sum sum;
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return img_err_sys(err, "%s", it->name);
	if (x->opts.form == IMG_EXPORT_ISO &&
	    export_fits_iso(it, (uint64_t)st.st_size, err) < 0)
		return -1;
	export_sum_init(&sum);
	rc = (uint64_t)st.st_size < SMALL
		     ? keep_small(s, fd, it->name, (size_t)st.st_size, &sum,
				  err)
		     : export_read(fd, it->name, &sum, NULL, NULL, err);
	if (rc == 0)
		rc = export_sum_end(&sum, it, err);
	export_sum_drop(&sum);
	return rc;
}

static void load(struct loader *l, unsigned worker, struct slot *s)
{
	struct img_err why = IMG_ERR_INIT;
	int fd = open_item(l->x, worker, l->v, s->it, &why);

	s->small = false;
	s->fd = -1;
	if (fd < 0 || sum_item(l->x, s, fd, &why) < 0)
		export_fail(l->x, worker, s->it, &why);
	if (fd >= 0 && (s->small || s->it->state == EX_FAILED))
		close(fd);
	else
		s->fd = fd;
}

/* The next item's slot, when it is empty; NULL: there is nothing to do. */
static struct slot *next_slot(struct loader *l)
{
	struct img_export *x = l->x;
	struct slot *s;

	while (l->next < x->items && (x->item[l->next].state != EX_WANTED ||
				      x->item[l->next].volume != l->v->number))
		l->next++;
	if (l->next == x->items) {
		l->ended = true;
		pthread_cond_broadcast(&l->changed);
		return NULL;
	}
	s = &l->slot[l->given++ % SLOTS];
	s->it = &x->item[l->next++];
	s->ready = false;
	return s;
}

static void *read_ahead(void *arg)
{
	struct loader *l = arg;
	unsigned worker;
	struct slot *s;

	pthread_mutex_lock(&l->lock);
	worker = ++l->workers;
	for (;;) {
		while (!l->stop && !l->ended && l->given - l->written >= SLOTS)
			pthread_cond_wait(&l->changed, &l->lock);
		if (l->stop || l->ended || !(s = next_slot(l)))
			break;
		pthread_mutex_unlock(&l->lock);
		load(l, worker, s);
		pthread_mutex_lock(&l->lock);
		s->ready = true;
		pthread_cond_broadcast(&l->changed);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* ---- writing ----------------------------------------------------------- */

static int put(void *arg, const void *p, size_t n, struct img_err *err)
{
	return img_archive_put(arg, p, n, err);
}

/* Read a second time: that it is the same is seen at the end, when it is too
   late for this object alone. */
static int write_great(struct export_volume *v, struct slot *s,
		       struct img_err *err)
{
	struct export_sum sum;
	int rc;

	export_sum_init(&sum);
	rc = export_read(s->fd, s->it->name, &sum, put, v->out, err);
	if (rc == 0)
		rc = export_sum_end(&sum, s->it, err);
	export_sum_drop(&sum);
	return rc;
}

static int write_slot(struct img_export *x, struct export_volume *v,
		      struct slot *s, struct img_err *err)
{
	struct export_item *it = s->it;
	int rc;

	if (it->state == EX_FAILED)
		return 0;
	rc = img_archive_begin(v->out, it->out, it->bytes, it->mtime, err);
	if (rc == 0)
		rc = s->small ? img_archive_put(v->out, s->mem,
						(size_t)it->bytes, err)
			      : write_great(v, s, err);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	if (rc < 0)
		return -1;
	it->state = EX_WRITTEN;
	export_done(x, it);
	return 0;
}

static int write_slots(struct loader *l, struct img_err *err)
{
	int rc = 0;

	pthread_mutex_lock(&l->lock);
	while (rc == 0) {
		struct slot *s = &l->slot[l->written % SLOTS];

		while (!(l->written < l->given && s->ready) &&
		       !(l->ended && l->written == l->given))
			pthread_cond_wait(&l->changed, &l->lock);
		if (l->written == l->given)
			break;
		pthread_mutex_unlock(&l->lock);
		rc = export_stopped(l->x)
			     ? img_err_set(err, IMG_E_REFUSED, "stopped")
			     : write_slot(l->x, l->v, s, err);
		pthread_mutex_lock(&l->lock);
		l->written++;
		pthread_cond_broadcast(&l->changed);
	}
	l->stop = true;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

static int write_items(struct img_export *x, struct export_volume *v,
		       struct img_err *err)
{
	struct loader l = { .x = x, .v = v };
	pthread_t thread[EXPORT_JOBS];
	unsigned n = 0, want = x->jobs < SLOTS / 2 ? x->jobs : SLOTS / 2;
	int rc = -1;

	for (unsigned i = 0; i < SLOTS; i++)
		l.slot[i].fd = -1;
	pthread_mutex_init(&l.lock, NULL);
	pthread_cond_init(&l.changed, NULL);
	while (n < want &&
	       pthread_create(&thread[n], NULL, read_ahead, &l) == 0)
		n++;
	if (n == 0)
		img_err_set(err, IMG_E_NOMEM, "cannot start a thread");
	else
		rc = write_slots(&l, err);
	while (n > 0)
		pthread_join(thread[--n], NULL);
	for (unsigned i = 0; i < SLOTS; i++) {
		free(l.slot[i].mem);
		if (l.slot[i].fd >= 0)
			close(l.slot[i].fd);
	}
	pthread_cond_destroy(&l.changed);
	pthread_mutex_destroy(&l.lock);
	return rc;
}

/* ---- the archive ------------------------------------------------------- */

static enum img_archive_kind kind_of(enum img_export_form form)
{
	return form == IMG_EXPORT_TAR   ? IMG_ARCHIVE_TAR
	       : form == IMG_EXPORT_ZIP ? IMG_ARCHIVE_ZIP
					: IMG_ARCHIVE_ISO;
}

int export_archive_items(struct img_export *x, struct export_volume *v,
			 struct img_err *err)
{
	struct img_archive_make how = { .kind = kind_of(x->opts.form),
					.deflate = x->opts.deflate,
					.passphrase = x->opts.passphrase,
					.time = x->newest,
					.volume = v->label,
					.more = v->more };
	const char **names = reallocarray(NULL, x->items + 1, sizeof(*names));
	int rc;

	if (!names)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (size_t i = 0; i < x->items; i++)
		if (x->item[i].state == EX_WANTED &&
		    x->item[i].volume == v->number)
			names[how.n++] = x->item[i].out;
	how.names = names;
	rc = img_archive_create(&v->out, v->place.fd, v->place.base, &how, err);
	free(names);
	return rc < 0 ? -1 : write_items(x, v, err);
}

int export_archive_extras(struct img_export *x, struct export_volume *v,
			  struct img_err *err)
{
	for (size_t i = 0; i < v->extras; i++) {
		const struct export_extra *e = &v->extra[i];

		if (img_archive_begin(v->out, e->name, e->n, x->newest, err) <
			    0 ||
		    img_archive_put(v->out, e->p, e->n, err) < 0)
			return -1;
	}
	if (img_archive_finish(v->out, err) < 0)
		return -1;
	return v->place.stream ? 0
			       : img_sync_fd(v->place.fd, v->place.base, err);
}
