/* export.c - the steps of an export, its threads and its records. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work/export_private.h"

#define EPOCH     "SOURCE_DATE_EPOCH"
#define EPOCH_MAX 4294967295u

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

bool export_is_general(const struct export_item *it, const struct img_err *why)
{
	return strncmp(why->text, "destination: ", 13) == 0 &&
	       strcmp(it->name, "destination") != 0;
}

int export_failed(struct img_export *x, unsigned worker, struct export_item *it,
		  const struct img_err *why, struct img_err *err)
{
	if (export_is_general(it, why)) {
		*err = *why;
		return -1;
	}
	export_fail(x, worker, it, why);
	return 0;
}

bool img_export_is_folder(enum img_export_form form)
{
	return form == IMG_EXPORT_FOLDER || form == IMG_EXPORT_PNG ||
	       form == IMG_EXPORT_JPEG || form == IMG_EXPORT_NPY ||
	       form == IMG_EXPORT_NIFTI;
}

static struct export_extra *new_extra(struct img_export *x,
				      struct export_volume *v, const char *name,
				      struct img_err *err)
{
	size_t room = v->extras_room ? 2 * v->extras_room : 16;
	struct export_extra *e = v->extra;

	if (v->extras == v->extras_room) {
		e = reallocarray(e, room, sizeof(*e));
		if (e) {
			v->extra = e;
			v->extras_room = room;
		}
	}
	if (e) {
		e = &v->extra[v->extras];
		memset(e, 0, sizeof(*e));
		e->name = arena_text(&x->arena, name, strlen(name));
	}
	if (!e || !e->name) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		return NULL;
	}
	v->extras++;
	return e;
}

int export_extra(struct img_export *x, struct export_volume *v,
		 const char *name, const void *p, size_t n, struct img_err *err)
{
	struct export_extra *e = new_extra(x, v, name, err);
	struct img_sha256 sha256;

	if (!e)
		return -1;
	e->p = arena_text(&x->arena, p ? p : "", n);
	if (!e->p)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	e->n = n;
	img_digest_of(e->digest, p, n);
	img_sha256_init(&sha256);
	img_sha256_add(&sha256, p, n);
	img_sha256_end(&sha256, e->sha256);
	return 0;
}

int export_wrote(struct img_export *x, struct export_volume *v,
		 const char *name, struct export_sum *sum, struct img_err *err)
{
	struct export_extra *e;

	pthread_mutex_lock(&x->lock);
	e = new_extra(x, v, name, err);
	if (e) {
		e->n = sum->bytes;
		img_bulk_end(&sum->digest, e->digest);
		img_sha256_end(&sum->sha256, e->sha256);
	}
	pthread_mutex_unlock(&x->lock);
	return e ? 0 : -1;
}

void export_unwrote(struct img_export *x, struct export_volume *v,
		    const char *name)
{
	(void)unlinkat(v->place.fd, name, 0);
	pthread_mutex_lock(&x->lock);
	for (size_t i = 0; i < v->extras; i++)
		if (strcmp(v->extra[i].name, name) == 0) {
			v->extra[i] = v->extra[--v->extras];
			break;
		}
	pthread_mutex_unlock(&x->lock);
}

/* Whoever meets the failure knows a descriptor only. */
static void name_destination(const struct img_export *x, struct img_err *err)
{
	const struct img_err why = *err;

	if (strncmp(why.text, "destination: ", 13) != 0)
		return;
	img_err_clear(err);
	img_err_set(err, why.code, "%.200s: %.250s", x->opts.out,
		    why.text + 13);
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
	x->volume->more = 16;
	snprintf(x->volume->label, sizeof(x->volume->label), "%s", label);
	return export_place_init(&x->volume->place, x->opts.out,
				 img_export_is_folder(x->opts.form),
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

static bool is_picture(enum img_export_form form)
{
	return form != IMG_EXPORT_FOLDER && img_export_is_folder(form);
}

/* A time that is none would give other bytes than were asked for. */
static int check_epoch(struct img_err *err)
{
	const char *text = getenv(EPOCH);
	uint64_t epoch;

	return !text || img_parse_u64(text, EPOCH_MAX, &epoch)
		       ? 0
		       : img_err_set(err, IMG_E_USAGE,
				     EPOCH ": seconds since 1970 are wanted");
}

/* The jail is made before anything else is read. */
static int open_codec(struct img_export *x, struct img_err *err)
{
	if (x->opts.syntax) {
		x->syntax = img_codec_ts(x->opts.syntax);
		if (!x->syntax || (!img_codec_is_native(x->syntax) &&
				   !img_codec_encodes(x->syntax)))
			return img_err_set(err, IMG_E_USAGE,
					   "--transfer-syntax: nothing can be "
					   "written as %s",
					   x->opts.syntax);
	}
	if (x->opts.window &&
	    !img_picture_parse_window(x->opts.window, &x->window))
		return img_err_set(err, IMG_E_USAGE,
				   "--window: %s is none; 40,400 and lung are",
				   x->opts.window);
	return x->syntax || x->opts.media || is_picture(x->opts.form)
		       ? img_codec_open(&x->codec, err)
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
	pthread_mutex_init(&x->lock, NULL);
	x->jobs = opts->jobs ? opts->jobs : cpus > 0 ? (unsigned)cpus : 1;
	if (x->jobs > EXPORT_JOBS)
		x->jobs = EXPORT_JOBS;
	if (check_epoch(err) < 0 || open_codec(x, err) < 0 ||
	    export_media_open(x, err) < 0 ||
	    export_layout_parse(&x->layout,
				opts->layout ? opts->layout : IMG_EXPORT_LAYOUT,
				err) < 0 ||
	    check_depth(x, err) < 0 || open_volumes(x, err) < 0 ||
	    export_place_outside(&x->volume->place, opts->catalog, err) < 0) {
		name_destination(x, err);
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
		free(x->volume[i].extra);
		free(x->volume[i].stem);
		export_place_release(&x->volume[i].place);
	}
	free(x->volume);
	export_tools_release(x);
	img_media_free(x->media);
	free(x->item);
	arena_release(&x->arena);
	for (unsigned i = 0; i <= EXPORT_JOBS; i++)
		arena_release(&x->worker_arena[i]);
	img_catalog_close(x->archive);
	img_store_close(x->store);
	pthread_mutex_destroy(&x->lock);
	free(x);
}

/* They lie in the order of patients. */
uint64_t img_export_patients(const struct img_export *x)
{
	const struct export_item *last = NULL;
	uint64_t n = 0;

	for (size_t i = 0; i < x->items; i++) {
		const struct export_item *it = &x->item[i];

		if (it->state == EX_FAILED || it->state == EX_IGNORED)
			continue;
		if (!last ||
		    strcmp(it->value[EX_PATIENT], last->value[EX_PATIENT]) !=
			    0 ||
		    strcmp(it->value[EX_ISSUER], last->value[EX_ISSUER]) != 0)
			n++;
		last = it;
	}
	return n;
}

/* ---- the steps --------------------------------------------------------- */

/* SOURCE_DATE_EPOCH (reproducible-builds.org) replaces all times. */
static void set_times(struct img_export *x)
{
	const char *text = getenv(EPOCH);
	uint64_t epoch;
	bool fixed = text && img_parse_u64(text, EPOCH_MAX, &epoch);

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
	static const struct form images = { export_image_items,
					    export_folder_extras,
					    export_folder_prove };
	static const struct form nifti = { export_nifti_items,
					   export_folder_extras,
					   export_folder_prove };
	const struct form *f = x->opts.form == IMG_EXPORT_FOLDER    ? &folder
			       : x->opts.form == IMG_EXPORT_NIFTI   ? &nifti
			       : img_export_is_folder(x->opts.form) ? &images
								    : &archive;

	/* What goes to stdout has left when it is written. */
	if (v->place.stream && export_audit(x, EX_WANTED, err) < 0)
		return -1;
	if (export_place_begin(&v->place, err) < 0 || f->items(x, v, err) < 0 ||
	    (x->media && export_media_files(x, v, err) < 0) ||
	    export_manifest(x, v, err) < 0 || f->extras(x, v, err) < 0)
		return -1;
	return x->opts.trust || v->place.stream ? 0 : f->prove(x, v, err);
}

/* Every volume is finished and proved before the first gets its name. */
static int write_all(struct img_export *x, struct img_err *err)
{
	if (export_burn_ready(x, err) < 0)
		return -1;
	for (unsigned i = 0; i < x->volumes; i++)
		if (write_volume(x, &x->volume[i], err) < 0)
			return -1;
	if (count(x, EX_WRITTEN) == 0)
		return 0;
	if (!x->volume->place.stream && export_audit(x, EX_WRITTEN, err) < 0)
		return -1;
	for (unsigned i = 0; i < x->volumes; i++)
		if (export_place_commit(&x->volume[i].place, x->opts.force,
					err) < 0) {
			/* All of them or none. */
			while (i-- > 0)
				export_place_withdraw(&x->volume[i].place);
			export_audit_undone(x, count(x, EX_WRITTEN));
			return -1;
		}
	x->named = true;
	return x->opts.burn ? export_burn(x, err) : 0;
}

/* What would have been exported: also what is written has failed, as all have
   their names or none. */
static void fail_all(struct img_export *x, const struct img_err *general)
{
	for (size_t i = 0; i < x->items; i++) {
		struct export_item *it = &x->item[i];
		struct img_err why = IMG_ERR_INIT;

		if (it->state != EX_WANTED && it->state != EX_WRITTEN)
			continue;
		img_err_set(&why, general->code, "%.200s: not %s: %.250s",
			    it->name, x->named ? "burned" : "exported",
			    general->text);
		export_fail(x, 0, it, &why);
		it->cause = general->text;
	}
}

/* Names by the layout, and the transfer syntax that was asked for. */
static int plan(struct img_export *x, struct img_err *err)
{
	for (size_t i = 0; x->syntax && i < x->items; i++)
		if (strcmp(x->item[i].value[EX_TS], x->syntax) != 0)
			x->item[i].target = x->syntax;
	return export_name_all(x, err);
}

static int write_or_say(struct img_export *x, struct img_err *err)
{
	if (export_order(x, err) < 0 ||
	    (x->media ? export_media_plan(x, err) : plan(x, err)) < 0)
		return -1;
	set_times(x);
	if (count(x, EX_WANTED) == 0)
		return 0;
	return x->opts.dry_run ? export_dry(x, err) : write_all(x, err);
}

int img_export_finish(struct img_export *x, struct img_err *err)
{
	if (write_or_say(x, err) < 0) {
		name_destination(x, err);
		if (!export_stopped(x))
			fail_all(x, err);
		(void)export_emit_all(x, false);
		return -1;
	}
	/* That records cannot be written is the host's to know. */
	(void)export_emit_all(x, true);
	return 0;
}
