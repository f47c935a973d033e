/* export_media.c - a file-set: what the plan of the media room says, and the
   files it makes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/export_private.h"

/* A line of the manifest for each digest, and the records of a folder. */
#define PER_OBJECT 1024
#define RESERVE    (1u << 20)

/* ---- the plan ---------------------------------------------------------- */

/* What an object says has a part in the records of others, so one that is
   damaged is left out before it is asked. */
static int check(struct img_export *x, unsigned worker, struct export_item *it,
		 void *arg, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	int fd;

	(void)arg;
	(void)err;
	if (!it->known)
		return 0;
	fd = export_source(x, it, &why);
	if (fd < 0 || export_check(it, fd, &why) < 0)
		export_fail(x, worker, it, &why);
	if (fd >= 0)
		close(fd);
	return 0;
}

static int add(struct img_export *x, struct img_dicom_reader *r,
	       struct export_item *it, struct img_err *err)
{
	struct stat st;
	int fd = export_source(x, it, err), rc = -1;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		img_err_sys(err, "%s", it->name);
	else if (img_dicom_start_fd(r, fd, (uint64_t)st.st_size, it->name, NULL,
				    err) == 0)
		rc = img_media_add(x->media, r, it->name, (uint64_t)st.st_size,
				   &it->media, err);
	close(fd);
	return rc;
}

static int digest(struct img_export *x, struct export_item *it,
		  struct img_err *err)
{
	int fd, rc;

	if (it->known)
		return 0;
	fd = export_source(x, it, err);
	rc = fd < 0 ? -1 : export_check(it, fd, err);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* A file-set has an instance once: 1 it is there already, byte for byte; -1 it
   cannot be read. */
static int is_copy(struct img_export *x, struct export_item *first,
		   struct export_item *it, struct img_err *err)
{
	struct img_err ignored = IMG_ERR_INIT;

	if (!first || !it->value[EX_SOP][0] ||
	    strcmp(first->value[EX_SOP], it->value[EX_SOP]) != 0 ||
	    digest(x, first, &ignored) < 0)
		return 0;
	if (digest(x, it, err) < 0)
		return -1;
	return memcmp(first->digest, it->digest, sizeof(it->digest)) == 0;
}

/* They are in order: those of one SOPInstanceUID follow each other. */
static int add_all(struct img_export *x, struct img_err *err)
{
	struct img_dicom_reader *r = img_dicom_reader_new(err);
	struct export_item *first = NULL;

	if (!r)
		return -1;
	for (size_t i = 0; i < x->items && !export_stopped(x); i++) {
		struct export_item *it = &x->item[i];
		struct img_err why = IMG_ERR_INIT;
		int copy;

		if (it->state != EX_WANTED)
			continue;
		copy = is_copy(x, first, it, &why);
		if (copy > 0) {
			it->state = EX_IGNORED;
			it->reason = "the same as another input";
		} else if (copy < 0 || add(x, r, it, &why) < 0) {
			export_fail(x, 0, it, &why);
		} else {
			first = it;
		}
	}
	img_dicom_reader_free(r);
	return 0;
}

static int take(struct img_export *x, struct export_item *it,
		struct img_err *err)
{
	struct img_media_item m;

	img_media_item(x->media, it->media, &m);
	it->planned = true;
	if (m.refused) {
		struct img_err why = m.why;

		if (strncmp(why.text, it->name, strlen(it->name)) != 0) {
			img_err_clear(&why);
			img_err_set(&why, m.why.code, "%s: %s", it->name,
				    m.why.text);
		}
		export_fail(x, 0, it, &why);
		return 0;
	}
	it->out = export_text(x, m.file_id, err);
	it->volume = m.volume;
	if (m.rewrite)
		it->target = export_text(x, m.target, err);
	return it->out && (!m.rewrite || it->target) ? 0 : -1;
}

static int make_set(struct img_export *x, struct img_err *err)
{
	const struct img_export_opts *o = &x->opts;
	const struct img_media_options how = {
		.profile = o->profile,
		.file_set_id = o->volume,
		.institution = o->institution,
		.set = o->set,
		.set_count = o->set_count,
		.syntax = x->syntax,
		.syntax_always = x->syntax != NULL,
		.allow_lossy = o->allow_lossy,
		.plain_vrs = o->plain_vrs,
		.volume = o->split,
		.reserve = RESERVE,
		.per_object = PER_OBJECT,
		.web = !o->no_web,
	};

	x->media = img_media_new(&how, err);
	return x->media ? 0 : -1;
}

int export_media_open(struct img_export *x, struct img_err *err)
{
	return x->opts.media ? make_set(x, err) : 0;
}

int export_media_plan(struct img_export *x, struct img_err *err)
{
	if (export_each(x, NULL, check, NULL, err) < 0 || add_all(x, err) < 0 ||
	    img_media_settle(x->media, err) < 0)
		return -1;
	for (size_t i = 0; i < x->items; i++)
		if (x->item[i].state == EX_WANTED &&
		    take(x, &x->item[i], err) < 0)
			return -1;
	if (img_media_volumes(x->media) == 0)
		return 0;
	if (export_volumes(x, img_media_volumes(x->media), err) < 0)
		return -1;
	for (unsigned i = 0; i < x->volumes; i++) {
		struct export_volume *v = &x->volume[i];
		char label[IMG_MEDIA_LABEL];

		img_media_label(x->media, i, label);
		snprintf(v->label, sizeof(v->label), "%s", label);
		v->more = 64 + (x->opts.no_web ? 0 : 3 * x->items);
	}
	return 0;
}

/* ---- its files --------------------------------------------------------- */

struct files {
	struct img_export *x;
	struct export_volume *v;
	size_t at; /* of the last preview */
};

static int put(void *arg, const char *name, const void *p, size_t n,
	       struct img_err *err)
{
	struct files *f = arg;

	return export_extra(f->x, f->v, name, p, n, err);
}

static int preview(void *arg, size_t index, unsigned size, struct img_buf *jpeg,
		   struct img_err *err)
{
	struct files *f = arg;

	/* They are asked for in the order of the items, mostly. */
	for (size_t n = 0; n < f->x->items; n++) {
		const struct export_item *it = &f->x->item[f->at];

		if (it->planned && it->media == index)
			return it->state == EX_WRITTEN
				       ? export_preview(f->x, it, size, jpeg,
							err)
				       : 0;
		f->at = (f->at + 1) % f->x->items;
	}
	return 0;
}

/* The DICOMDIR lists what was written and nothing else. */
int export_media_files(struct img_export *x, struct export_volume *v,
		       struct img_err *err)
{
	struct files f = { .x = x, .v = v };
	const struct img_media_out out = { .put = put,
					   .preview = preview,
					   .arg = &f };
	const char *tmp = v->place.stream ? NULL : v->place.parent;

	for (size_t i = 0; i < x->items; i++)
		if (x->item[i].planned && x->item[i].state == EX_FAILED &&
		    !x->item[i].dropped) {
			img_media_drop(x->media, x->item[i].media);
			x->item[i].dropped = true;
		}
	if (img_media_dicomdir(x->media, v->number, tmp, &out, err) < 0)
		return -1;
	return img_media_pdi(x->media, v->number, &out, err);
}

/* ---- what was changed, as JSON ----------------------------------------- */

static int put_change(struct img_buf *b, const struct img_media_change *c,
		      struct img_err *err)
{
	static const char *const kind[] = { "syntax", "meta",    "vr",
					    "key",    "dropped", "replaced",
					    "differs" };
	char tag[12];

	img_dict_format_tag(c->tag, tag);
	if (img_json_open(b, '{', err) < 0 ||
	    img_json_put(b, "what", kind[c->kind], err) < 0 ||
	    img_json_put(b, "tag", tag, err) < 0 ||
	    (c->from && *c->from &&
	     img_json_put(b, "from", c->from, err) < 0) ||
	    (c->to && *c->to && img_json_put(b, "to", c->to, err) < 0))
		return -1;
	return img_json_close(b, '}', err);
}

int export_media_changes(struct img_export *x, const struct export_item *it,
			 struct img_buf *b, struct img_err *err)
{
	struct img_media_item m;

	if (!it->planned)
		return 0;
	img_media_item(x->media, it->media, &m);
	if (m.change_count == 0)
		return 0;
	if (img_json_key(b, "changes", err) < 0 ||
	    img_json_open(b, '[', err) < 0)
		return -1;
	for (size_t i = 0; i < m.change_count; i++)
		if (put_change(b, &m.changes[i], err) < 0)
			return -1;
	return img_json_close(b, ']', err);
}
