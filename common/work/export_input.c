/* export_input.c - operands and records become items. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dicom/dicom.h"
#include "work/export_private.h"
#include "work/inputs.h"

static struct export_item *add(struct img_export *x, const char *name,
			       struct img_err *err)
{
	struct export_item *it;
	size_t room = x->room ? 2 * x->room : 256;

	if (x->items == x->room) {
		it = reallocarray(x->item, room, sizeof(*it));
		if (!it) {
			img_err_set(err, IMG_E_NOMEM, "out of memory");
			return NULL;
		}
		x->item = it;
		x->room = room;
	}
	it = &x->item[x->items];
	memset(it, 0, sizeof(*it));
	it->name = export_text(x, name, err);
	if (!it->name)
		return NULL;
	it->number = x->items++;
	it->line = x->last_line;
	it->line_n = x->last_line_n;
	for (unsigned i = 0; i < EX_FIELDS; i++)
		it->value[i] = "";
	return it;
}

/* An input that leads to nothing; the record that named it is kept. */
static int failed(void *arg, const char *path, const struct img_record *rec,
		  const struct img_err *why, struct img_err *err)
{
	struct img_export *x = arg;
	struct export_item *it = add(x, path ? path : "", err);
	struct img_err named = IMG_ERR_INIT;

	(void)rec;
	if (!it)
		return -1;
	if (path)
		it->place = it->name;
	if (path && strncmp(why->text, path, strlen(path)) != 0)
		img_err_set(&named, why->code, "%s: %s", path, why->text);
	export_fail(x, 0, it, named.code != IMG_OK ? &named : why);
	return 0;
}

static int absent(void *arg, const char *text, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	img_err_set(&why, IMG_E_IO,
		    "%s: no such file, and no such UID in the archive", text);
	return failed(arg, text, NULL, &why, err);
}

static int file(void *arg, const struct input_file *f, struct img_err *err)
{
	struct export_item *it = add(arg, f->path, err);

	if (!it)
		return -1;
	it->place = it->name;
	it->in_folder = f->found;
	if (f->digest) {
		memcpy(it->digest, f->digest, IMG_DIGEST_SIZE);
		it->known = true;
	}
	return 0;
}

static int ignored(void *arg, const char *path, const char *reason,
		   struct img_err *err)
{
	struct export_item *it = add(arg, path, err);

	if (!it)
		return -1;
	it->place = it->name;
	it->state = EX_IGNORED;
	it->reason = reason;
	return 0;
}

static int archive(void *arg, struct img_catalog **c, struct img_err *err)
{
	struct img_export *x = arg;

	if (!x->store &&
	    img_store_open(&x->store, x->opts.catalog, IMG_READ, err) < 0)
		return -1;
	if (!x->archive &&
	    img_catalog_open(&x->archive, x->opts.catalog, IMG_READ, err) < 0)
		return -1;
	*c = x->archive;
	return 0;
}

static int object(void *arg, const struct img_object *o,
		  const struct img_record *rec, struct img_err *err)
{
	struct img_export *x = arg;
	char hex[IMG_DIGEST_HEX];
	struct export_item *it;

	(void)rec;
	img_hex(hex, o->digest, IMG_DIGEST_SIZE);
	it = add(x, o->place ? o->place : hex, err);
	if (!it)
		return -1;
	if (o->place)
		it->place = it->name;
	it->known = true;
	it->archived = true;
	memcpy(it->digest, o->digest, sizeof(it->digest));
	it->bytes = o->bytes;
	it->value[EX_STUDY] = export_text(x, o->study, err);
	it->value[EX_SERIES] = export_text(x, o->series, err);
	it->value[EX_SOP] = export_text(x, o->sop, err);
	if (!it->value[EX_STUDY] || !it->value[EX_SERIES] || !it->value[EX_SOP])
		return -1;
	return 0;
}

static bool stopped(void *arg)
{
	return export_stopped(arg);
}

static const struct inputs_host host = { file,   object,  ignored, failed,
					 absent, archive, stopped };

int img_export_text(struct img_export *x, const char *text, struct img_err *err)
{
	const struct inputs in = { .host = &host, .arg = x };

	x->last_line = NULL;
	return inputs_text(&in, text, err);
}

static int keep_line(struct img_export *x, const struct img_record *rec,
		     struct img_err *err)
{
	struct img_buf b;

	img_buf_init(&b, IMG_LINE_MAX + 1);
	x->last_line = NULL;
	if (rec->in && img_record_write(rec, "imgexport", &b, err) == 0) {
		x->last_line_n = b.len;
		x->last_line = arena_text(&x->arena, b.data, b.len);
		if (!x->last_line)
			img_err_set(err, IMG_E_NOMEM, "out of memory");
	}
	img_buf_release(&b);
	return x->last_line || !rec->in ? 0 : -1;
}

/* What the command before us has not given out, does not have, or has found
   wrong: imganon names the original that it withholds, and that must go
   nowhere. */
static bool passes(const struct img_record *rec)
{
	return img_record_has_status(
		rec, "withheld ignored missing damaged invalid");
}

int img_export_record(struct img_export *x, const struct img_record *rec,
		      struct img_err *err)
{
	const struct inputs in = { .host = &host, .arg = x };

	if (passes(rec))
		return x->host.emit(x->host.arg, rec);
	if (keep_line(x, rec, err) < 0)
		return -1;
	return inputs_record(&in, rec, err);
}
