/* export.c - the steps of an export, its threads and its records. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work/export_private.h"

/* ---- small things ------------------------------------------------------ */

char *export_text(struct img_export *x, const char *s, struct img_err *err)
{
	char *own = arena_text(&x->arena, s ? s : "", s ? strlen(s) : 0);

	if (!own)
		img_err_set(err, IMG_E_NOMEM, "out of memory");
	return own;
}

bool export_stopped(struct img_export *x)
{
	return x->host.stopped(x->host.arg);
}

void export_done(struct img_export *x, const struct export_item *it)
{
	uint64_t items = atomic_fetch_add(&x->done, 1) + 1;
	uint64_t bytes = atomic_fetch_add(&x->done_bytes, it->bytes);

	x->host.progress(x->host.arg, items, bytes + it->bytes, x->total);
}

void export_fail(struct img_export *x, unsigned worker, struct export_item *it,
		 const struct img_err *why)
{
	static const struct img_err none = { IMG_E_NOMEM, "out of memory" };
	struct img_err *own =
		arena_alloc(&x->worker_arena[worker], sizeof(*own));

	if (own)
		*own = *why;
	it->why = own ? own : &none;
	it->state = EX_FAILED;
}

int export_extra(struct img_export *x, struct export_volume *v,
		 const char *name, const void *p, size_t n, struct img_err *err)
{
	struct export_extra *e = &v->extra[v->extras];
	struct img_sha256 sha256;

	if (v->extras == EXPORT_EXTRAS)
		return img_err_set(err, IMG_E_LIMIT, "too many files");
	e->p = arena_text(&x->arena, p ? p : "", n);
	e->name = export_text(x, name, err);
	if (!e->p || !e->name)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	e->n = n;
	img_digest_of(e->digest, p, n);
	img_sha256_init(&sha256);
	img_sha256_add(&sha256, p, n);
	img_sha256_end(&sha256, e->sha256);
	v->extras++;
	return 0;
}

/* ---- threads ----------------------------------------------------------- */

struct crew {
	struct img_export *x;
	const struct export_volume *v;
	int (*f)(struct img_export *x, unsigned worker, struct export_item *it,
		 void *arg, struct img_err *err);
	void *arg;
	_Atomic size_t next;
	_Atomic unsigned number;
	atomic_bool broken;
	pthread_mutex_t lock;
	struct img_err why;
};

static bool concerns(const struct crew *c, const struct export_item *it)
{
	return (it->state == EX_WANTED || it->state == EX_WRITTEN) &&
	       (!c->v || it->volume == c->v->number);
}

static void *work(void *arg)
{
	struct crew *c = arg;
	unsigned worker = atomic_fetch_add(&c->number, 1);
	struct img_err err = IMG_ERR_INIT;
	size_t i;

	while (!atomic_load(&c->broken) && !export_stopped(c->x) &&
	       (i = atomic_fetch_add(&c->next, 1)) < c->x->items) {
		if (!concerns(c, &c->x->item[i]))
			continue;
		if (c->f(c->x, worker, &c->x->item[i], c->arg, &err) < 0) {
			pthread_mutex_lock(&c->lock);
			if (!atomic_exchange(&c->broken, true))
				c->why = err;
			pthread_mutex_unlock(&c->lock);
		}
	}
	return NULL;
}

int export_each(struct img_export *x, const struct export_volume *v,
		int (*f)(struct img_export *x, unsigned worker,
			 struct export_item *it, void *arg,
			 struct img_err *err),
		void *arg, struct img_err *err)
{
	struct crew c = { .x = x, .v = v, .f = f, .arg = arg };
	pthread_t thread[EXPORT_JOBS];
	unsigned n = 0;

	pthread_mutex_init(&c.lock, NULL);
	while (n + 1 < x->jobs && n + 1 < x->items &&
	       pthread_create(&thread[n], NULL, work, &c) == 0)
		n++;
	work(&c);
	while (n > 0)
		pthread_join(thread[--n], NULL);
	pthread_mutex_destroy(&c.lock);
	if (atomic_load(&c.broken)) {
		*err = c.why;
		return -1;
	}
	return export_stopped(x) ? img_err_set(err, IMG_E_REFUSED, "stopped")
				 : 0;
}

/* ---- records ----------------------------------------------------------- */

static void fill(struct img_export *x, const struct export_item *it,
		 struct img_record *rec, char *hex, char *path)
{
	const struct export_volume *v = &x->volume[it->volume];

	if (it->value[EX_STUDY][0])
		rec->study = it->value[EX_STUDY];
	if (it->value[EX_SERIES][0])
		rec->series = it->value[EX_SERIES];
	if (it->value[EX_SOP][0])
		rec->sop = it->value[EX_SOP];
	if (it->state == EX_FAILED || it->state == EX_IGNORED) {
		rec->path = it->place;
		rec->reason = it->reason;
		return;
	}
	if (it->value[EX_SOP_CLASS][0])
		rec->sop_class = it->value[EX_SOP_CLASS];
	if (it->value[EX_TS][0])
		rec->transfer_syntax = it->value[EX_TS];
	if (it->value[EX_MODALITY][0])
		rec->modality = it->value[EX_MODALITY];
	snprintf(path, IMG_PATH_MAX * 3, "%s/%s%s%s", v->place.parent,
		 v->place.base, x->opts.form == IMG_EXPORT_FOLDER ? "/" : "!/",
		 it->out);
	rec->path = strncmp(path, "./", 2) == 0 ? path + 2 : path;
	if (it->known) {
		img_hex(hex, it->digest, IMG_DIGEST_SIZE);
		rec->digest = hex;
		rec->bytes = it->bytes;
		rec->has_bytes = true;
	}
}

int export_emit(struct img_export *x, const struct export_item *it)
{
	static const char *const word[] = { "exported", "failed", "ignored",
					    "exported" };
	char hex[IMG_DIGEST_HEX], path[IMG_PATH_MAX * 3];
	struct img_record rec, given;
	struct img_err err = IMG_ERR_INIT;
	int rc;

	img_record_init(&rec);
	img_record_init(&given);
	if (it->line &&
	    img_record_parse(&given, it->line, it->line_n, &err) == 0) {
		rec.in = given.in;
		rec.study = given.study;
		rec.series = given.series;
		rec.sop = given.sop;
	}
	rec.status = word[it->state];
	if (it->state == EX_FAILED)
		rec.error = *it->why;
	else if (it->state == EX_WANTED)
		rec.extra = "\"dry_run\":true";
	else if (it->state == EX_WRITTEN && !it->proved)
		rec.extra = "\"verified\":false";
	fill(x, it, &rec, hex, path);
	rc = x->host.emit(x->host.arg, &rec);
	rec.in = NULL;
	img_record_release(&given);
	return rc;
}

static int emit_all(struct img_export *x, bool all)
{
	for (size_t i = 0; i < x->items; i++) {
		const struct export_item *it = &x->item[i];

		if (!all && it->state != EX_FAILED && it->state != EX_IGNORED)
			continue;
		if (export_emit(x, it) < 0)
			return -1;
	}
	return 0;
}

/* ---- open and close ---------------------------------------------------- */

/* PS3.12 F: the volume has the name of the file-set, PS3.3 F.3.2.1. */
static bool is_label(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= 16 &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == n;
}

static int open_volumes(struct img_export *x, struct img_err *err)
{
	const char *label = x->opts.volume ? x->opts.volume : "IMAGES";

	if (!is_label(label))
		return img_err_set(err, IMG_E_USAGE,
				   "--volume: up to 16 of A-Z, 0-9 and _");
	x->volume = calloc(1, sizeof(*x->volume));
	if (!x->volume)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	x->volumes = 1;
	snprintf(x->volume->label, sizeof(x->volume->label), "%s", label);
	return export_place_init(&x->volume->place, x->opts.out,
				 x->opts.form == IMG_EXPORT_FOLDER,
				 x->opts.force, err);
}

/* ECMA-119 6.8.2.1: eight levels, the root among them. */
static int check_depth(const struct img_export *x, struct img_err *err)
{
	unsigned depth = 1;

	for (unsigned i = 0; i + 1 < x->layout.parts; i++)
		depth += x->layout.part[i].last;
	return x->opts.form == IMG_EXPORT_ISO && depth > 8
		       ? img_err_set(err, IMG_E_USAGE,
				     "--layout: a disc has seven folders in "
				     "each other at most")
		       : 0;
}

int img_export_open(struct img_export **out, const struct img_export_opts *opts,
		    const struct img_export_host *host, struct img_err *err)
{
	struct img_export *x = calloc(1, sizeof(*x));
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!x)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	x->opts = *opts;
	x->host = *host;
	x->jobs = opts->jobs ? opts->jobs : cpus > 0 ? (unsigned)cpus : 1;
	if (x->jobs > EXPORT_JOBS)
		x->jobs = EXPORT_JOBS;
	if (export_layout_parse(&x->layout,
				opts->layout ? opts->layout : IMG_EXPORT_LAYOUT,
				err) < 0 ||
	    check_depth(x, err) < 0 || open_volumes(x, err) < 0) {
		img_export_close(x);
		return -1;
	}
	*out = x;
	return 0;
}

void img_export_close(struct img_export *x)
{
	if (!x)
		return;
	for (unsigned i = 0; i < x->volumes; i++) {
		img_archive_discard(x->volume[i].out);
		export_place_release(&x->volume[i].place);
	}
	free(x->volume);
	free(x->item);
	arena_release(&x->arena);
	for (unsigned i = 0; i <= EXPORT_JOBS; i++)
		arena_release(&x->worker_arena[i]);
	img_catalog_close(x->archive);
	img_store_close(x->store);
	free(x);
}

uint64_t img_export_items(const struct img_export *x)
{
	return x->items;
}

/* ---- the steps --------------------------------------------------------- */

/* SOURCE_DATE_EPOCH (reproducible-builds.org) replaces all times. */
static void set_times(struct img_export *x)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	uint64_t epoch;
	bool fixed = text && img_parse_u64(text, 4294967295u, &epoch);

	x->newest = 315532800;
	for (size_t i = 0; i < x->items; i++) {
		struct export_item *it = &x->item[i];

		if (it->state != EX_WANTED)
			continue;
		if (fixed)
			it->mtime = (int64_t)epoch;
		if (fixed || it->mtime > x->newest)
			x->newest = it->mtime;
		x->total += it->bytes;
	}
}

static size_t count(const struct img_export *x, enum export_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < x->items; i++)
		n += x->item[i].state == state;
	return n;
}

struct form {
	int (*items)(struct img_export *x, struct export_volume *v,
		     struct img_err *err);
	int (*extras)(struct img_export *x, struct export_volume *v,
		      struct img_err *err);
	int (*prove)(struct img_export *x, struct export_volume *v,
		     struct img_err *err);
};

static int write_volume(struct img_export *x, struct export_volume *v,
			struct img_err *err)
{
	static const struct form folder = { export_folder_items,
					    export_folder_extras,
					    export_folder_prove };
	static const struct form archive = { export_archive_items,
					     export_archive_extras,
					     export_archive_prove };
	const struct form *f =
		x->opts.form == IMG_EXPORT_FOLDER ? &folder : &archive;

	v->more = EXPORT_EXTRAS;
	if (export_place_begin(&v->place, err) < 0 || f->items(x, v, err) < 0 ||
	    export_manifest(x, v, err) < 0 || f->extras(x, v, err) < 0)
		return -1;
	return x->opts.trust || v->place.stream ? 0 : f->prove(x, v, err);
}

/* Every volume is finished and proved before the first gets its name. */
static int write_all(struct img_export *x, struct img_err *err)
{
	for (unsigned i = 0; i < x->volumes; i++)
		if (write_volume(x, &x->volume[i], err) < 0)
			return -1;
	if (count(x, EX_WRITTEN) == 0)
		return 0;
	for (unsigned i = 0; i < x->volumes; i++)
		if (export_place_commit(&x->volume[i].place, x->opts.force,
					err) < 0)
			return -1;
	return 0;
}

int img_export_finish(struct img_export *x, struct img_err *err)
{
	if (export_order(x, err) < 0 || export_name_all(x, err) < 0)
		return -1;
	set_times(x);
	if (count(x, EX_WANTED) > 0 && !x->opts.dry_run &&
	    write_all(x, err) < 0) {
		(void)emit_all(x, false);
		return -1;
	}
	return emit_all(x, true);
}
