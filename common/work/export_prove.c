/*
 * export_prove.c - a finished archive or image is opened again by the door that
 * imports read with, and every member compared.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work/export_private.h"

#define ISO_MANY 20000

/* What a member has to be. */
struct wanted {
	const char *name;
	const uint8_t *digest;
	uint64_t bytes;
	bool *proved;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct wanted *)a)->name,
		      ((const struct wanted *)b)->name);
}

static size_t list(struct img_export *x, struct export_volume *v,
		   struct wanted *w)
{
	size_t n = 0;

	for (size_t i = 0; i < x->items; i++) {
		struct export_item *it = &x->item[i];

		if (it->state == EX_WRITTEN && it->volume == v->number)
			w[n++] = (struct wanted){ it->out, it->digest,
						  it->bytes, &it->proved };
	}
	for (size_t i = 0; i < v->extras; i++)
		w[n++] = (struct wanted){ v->extra[i].name, v->extra[i].digest,
					  v->extra[i].n, &v->extra[i].proved };
	qsort(w, n, sizeof(*w), by_name);
	return n;
}

static int differs(const struct export_volume *v, struct img_err *err)
{
	return img_err_set(err, IMG_E_IO,
			   "%s: reads back otherwise than it was written",
			   v->place.base);
}

static int prove_member(const struct export_volume *v, struct img_archive *a,
			const struct wanted *w, struct img_err *err)
{
	uint8_t got[IMG_DIGEST_SIZE];
	struct img_bulk d;
	struct img_err why = IMG_ERR_INIT;
	uint64_t bytes = 0;
	const void *p;
	ssize_t n;

	img_bulk_init(&d);
	while ((n = img_archive_block(a, &p, &why)) > 0) {
		img_bulk_add(&d, p, (size_t)n);
		bytes += (uint64_t)n;
	}
	img_bulk_end(&d, got);
	/* The reader's words have names in them that were made of values. */
	if (n < 0 || *w->proved || bytes != w->bytes ||
	    memcmp(got, w->digest, sizeof(got)) != 0)
		return differs(v, err);
	*w->proved = true;
	return 0;
}

/* One of the threads: each reads the whole list of members, and the bytes of
   those that are its own. */
struct prover {
	struct img_export *x;
	const struct export_volume *v;
	const struct wanted *w;
	size_t n, proved;
	unsigned number, of;
	int rc;
	struct img_err err;
	pthread_t thread;
};

static int prove_members(struct prover *p, struct img_archive *a,
			 struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct img_member m;
	struct wanted key = { .name = m.name };
	size_t at = 0;
	int rc;

	while ((rc = img_archive_next(a, &m, &why)) > 0) {
		const struct wanted *one;

		if (export_stopped(p->x))
			return img_err_set(err, IMG_E_REFUSED, "stopped");
		if (m.kind == IMG_MEMBER_FOLDER)
			continue;
		one = bsearch(&key, p->w, p->n, sizeof(*p->w), by_name);
		if (!one || m.kind != IMG_MEMBER_FILE)
			return differs(p->v, err);
		if (at++ % p->of != p->number)
			continue;
		if (prove_member(p->v, a, one, err) < 0)
			return -1;
		p->proved++;
	}
	if (rc < 0 && why.code == IMG_E_LIMIT)
		return img_err_set(err, IMG_E_LIMIT,
				   "%s: more files than can be read again at "
				   "once: give fewer, or --split",
				   p->v->place.base);
	return rc == 0 && at == p->n ? 0 : differs(p->v, err);
}

/* A descriptor of its own has a place of its own. */
static void *prove(void *arg)
{
	struct prover *p = arg;
	const struct img_archive_limits limits = {
		.members = UINT64_MAX / 2,
		.member = UINT64_MAX / 2,
		.total = UINT64_MAX / 2,
		.ratio = 1000000,
		.passphrase = p->x->opts.passphrase
	};
	const struct export_place *place = &p->v->place;
	struct img_archive *a = NULL;
	char self[64];
	int fd;

	p->rc = -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", place->fd);
	fd = open(self, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		img_err_sys(&p->err, "%s", place->base);
		return NULL;
	}
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (img_archive_open_fd(&a, fd, place->base, &limits, &p->err) == 0)
		p->rc = prove_members(p, a, &p->err);
	img_archive_close(a);
	close(fd);
	return NULL;
}

static int prove_all(struct img_export *x, struct export_volume *v,
		     const struct wanted *w, size_t n, struct img_err *err)
{
	struct prover *p = calloc(EXPORT_JOBS, sizeof(*p));
	unsigned jobs = x->jobs, got = 0;
	size_t proved = 0;
	int rc = 0;

	if (!p)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	/* The members of a thread that cannot be had would not be read. */
	if (jobs > 4)
		jobs = 4;
	/* The reader has a ceiling for what the folders of an image take, and
	   each of them counts all. */
	if (x->opts.form == IMG_EXPORT_ISO && n > ISO_MANY)
		jobs = 1;
	for (unsigned i = 0; i < jobs; i++)
		p[i] = (struct prover){
			.x = x, .v = v, .w = w, .n = n, .number = i, .of = jobs
		};
	while (got + 1 < jobs &&
	       pthread_create(&p[got].thread, NULL, prove, &p[got]) == 0)
		got++;
	for (unsigned i = got; i < jobs; i++)
		(void)prove(&p[i]);
	for (unsigned i = 0; i < jobs; i++) {
		if (i < got)
			pthread_join(p[i].thread, NULL);
		if (p[i].rc < 0 && rc == 0) {
			*err = p[i].err;
			rc = -1;
		}
		proved += p[i].proved;
	}
	free(p);
	return rc < 0 || proved == n ? rc : differs(v, err);
}

int export_archive_prove(struct img_export *x, struct export_volume *v,
			 struct img_err *err)
{
	struct wanted *w =
		reallocarray(NULL, x->items + v->extras + 1, sizeof(*w));
	int rc;

	if (!w)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	(void)posix_fadvise(v->place.fd, 0, 0, POSIX_FADV_DONTNEED);
	rc = prove_all(x, v, w, list(x, v, w), err);
	free(w);
	return rc;
}
