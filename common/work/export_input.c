/* export_input.c - operands and records become items. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dicom/dicom.h"
#include "work/export_private.h"
#include "work/folder.h"
#include "work/scope.h"

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
static int add_failed(struct img_export *x, const char *path,
		      const struct img_err *why, struct img_err *err)
{
	struct export_item *it = add(x, path ? path : "", err);

	if (!it)
		return -1;
	if (path)
		it->place = it->name;
	export_fail(x, 0, it, why);
	return 0;
}

/* ---- files and folders ------------------------------------------------- */

static int add_file(struct img_export *x, const char *path, bool in_folder,
		    struct img_err *err)
{
	struct export_item *it = add(x, path, err);

	if (!it)
		return -1;
	it->place = it->name;
	it->in_folder = in_folder;
	return 0;
}

static int add_ignored(struct img_export *x, const char *path,
		       const char *reason, struct img_err *err)
{
	struct export_item *it = add(x, path, err);

	if (!it)
		return -1;
	it->place = it->name;
	it->state = EX_IGNORED;
	it->reason = reason;
	return 0;
}

static int add_entry(void *arg, const struct folder_entry *e,
		     struct img_err *err)
{
	struct img_export *x = arg;

	if (export_stopped(x))
		return 1;
	if (e->why)
		return add_failed(x, e->path, e->why, err);
	if (e->ignored)
		return add_ignored(x, e->path, e->ignored, err);
	return add_file(x, e->path, true, err);
}

/* ---- the archive ------------------------------------------------------- */

static int open_archive(struct img_export *x, struct img_err *err)
{
	if (x->archive)
		return 0;
	if (!x->store &&
	    img_store_open(&x->store, x->opts.catalog, IMG_READ, err) < 0)
		return -1;
	return img_catalog_open(&x->archive, x->opts.catalog, IMG_READ, err);
}

static int add_object(struct img_export *x, const struct img_object *o,
		      struct img_err *err)
{
	char hex[IMG_DIGEST_HEX];
	struct export_item *it;

	img_hex(hex, o->digest, IMG_DIGEST_SIZE);
	it = add(x, o->place ? o->place : hex, err);
	if (!it)
		return -1;
	if (o->place)
		it->place = it->name;
	it->known = true;
	memcpy(it->digest, o->digest, sizeof(it->digest));
	it->bytes = o->bytes;
	it->value[EX_STUDY] = export_text(x, o->study, err);
	it->value[EX_SERIES] = export_text(x, o->series, err);
	it->value[EX_SOP] = export_text(x, o->sop, err);
	if (!it->value[EX_STUDY] || !it->value[EX_SERIES] || !it->value[EX_SOP])
		return -1;
	return 0;
}

/* 1 there was something, 0 not, -1.  wanted: only the object with this
   digest, or NULL. */
static int add_scope(struct img_export *x, const struct img_scope *scope,
		     const uint8_t *wanted, struct img_err *err)
{
	struct img_objects *all = NULL;
	struct img_object o;
	int more = 0, rc = 0, found = 0;

	if (open_archive(x, err) < 0 ||
	    img_catalog_expand(x->archive, scope, &all, err) < 0)
		return -1;
	while (rc == 0 && !export_stopped(x) &&
	       (more = img_objects_next(all, &o, err)) > 0) {
		if (wanted && memcmp(wanted, o.digest, IMG_DIGEST_SIZE) != 0)
			continue;
		found = 1;
		rc = add_object(x, &o, err);
	}
	img_objects_close(all);
	return rc < 0 || more < 0 ? -1 : found;
}

static int add_uid(struct img_export *x, const char *uid, struct img_err *err)
{
	struct img_scope scope = { .uid = uid };
	int rc = open_archive(x, err);

	if (rc == 0)
		rc = img_catalog_level_of(x->archive, uid, &scope.level, err);
	return rc > 0 ? add_scope(x, &scope, NULL, err) : rc;
}

/* ---- inputs ------------------------------------------------------------ */

static int text(struct img_export *x, const char *text, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct stat st;
	int rc;

	if (stat(text, &st) == 0)
		return S_ISDIR(st.st_mode)
			       ? folder_each(text, NULL, add_entry, x, err)
			       : add_file(x, text, false, err);
	if (errno != ENOENT || !img_uid_ok(text)) {
		img_err_sys(&why, "%s", text);
		return add_failed(x, text, &why, err);
	}
	rc = add_uid(x, text, &why);
	if (rc == 0)
		img_err_set(&why, IMG_E_IO,
			    "%s: no such file, and no such UID in the archive",
			    text);
	return rc > 0 ? 0 : add_failed(x, text, &why, err);
}

int img_export_text(struct img_export *x, const char *given,
		    struct img_err *err)
{
	x->last_line = NULL;
	return text(x, given, err);
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

/* What the command before us has not given out, or does not have: imganon
   names the original that it withholds, and that must go nowhere. */
static bool passes(const struct img_record *rec)
{
	static const char *const word[] = { "withheld", "ignored", "missing",
					    "damaged" };

	for (size_t i = 0; rec->status && i < sizeof(word) / sizeof(*word); i++)
		if (strcmp(rec->status, word[i]) == 0)
			return true;
	return false;
}

/* A record of one object with its digest means that object, not another one
   that the archive has under the same UID: what was de-identified may have
   kept its UIDs. */
static int add_record(struct img_export *x, const struct img_record *rec,
		      const uint8_t *digest, struct img_err *err)
{
	struct img_scope scope;

	if (!img_scope_of_record(rec, &scope))
		return 0;
	scope.all = digest != NULL;
	return add_scope(x, &scope, digest, err);
}

static int add_its_file(struct img_export *x, const struct img_record *rec,
			const uint8_t *digest, struct img_err *err)
{
	if (add_file(x, rec->path, false, err) < 0)
		return -1;
	if (digest) {
		memcpy(x->item[x->items - 1].digest, digest, IMG_DIGEST_SIZE);
		x->item[x->items - 1].known = true;
	}
	return 0;
}

int img_export_record(struct img_export *x, const struct img_record *rec,
		      struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	uint8_t bytes[IMG_DIGEST_SIZE], *digest = NULL;
	struct stat st;
	int rc;

	if (passes(rec))
		return x->host.emit(x->host.arg, rec);
	if (rec->sop && rec->digest &&
	    img_unhex(bytes, sizeof(bytes), rec->digest))
		digest = bytes;
	if (keep_line(x, rec, err) < 0)
		return -1;
	rc = add_record(x, rec, digest, &why);
	if (rc > 0)
		return 0;
	if (rec->path && stat(rec->path, &st) == 0 && S_ISREG(st.st_mode))
		return add_its_file(x, rec, digest, err);
	if (rc == 0)
		img_err_set(&why, IMG_E_USAGE,
			    "a record of nothing that is in the archive or in "
			    "a file");
	return add_failed(x, rec->path, &why, err);
}
