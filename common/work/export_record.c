/* export_record.c - what became of an item, as a record. */
#include <stdio.h>
#include <string.h>

#include "work/export_private.h"

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
	if (it->value[EX_MODALITY][0])
		rec->modality = it->value[EX_MODALITY];
	/* What dcm2niix makes is not known before it has. */
	if (x->opts.form == IMG_EXPORT_NIFTI && it->state == EX_WANTED) {
		rec->path = x->opts.out;
		return;
	}
	if (it->value[EX_TS][0] && !it->files)
		rec->transfer_syntax = it->value[EX_TS];
	snprintf(path, IMG_PATH_MAX * 3, "%s/%s%s%s", v->place.parent,
		 v->place.base, img_export_is_folder(x->opts.form) ? "/" : "!/",
		 it->shown ? it->shown : it->out);
	rec->path = strncmp(path, "./", 2) == 0 ? path + 2 : path;
	if (it->known && !it->files) {
		img_hex(hex, it->digest, IMG_DIGEST_SIZE);
		rec->digest = hex;
		rec->bytes = it->bytes;
		rec->has_bytes = true;
	}
}

/* Members of the record that only exports have. */
static int more(struct img_export *x, const struct export_item *it,
		struct img_buf *b, struct img_err *err)
{
	char hex[IMG_DIGEST_HEX];

	if (it->state != EX_WANTED && it->state != EX_WRITTEN)
		return 0;
	if (it->files && img_json_put_u64(b, "files", it->files, err) < 0)
		return -1;
	if (it->converted || it->files) {
		img_hex(hex, it->files ? it->digest : it->source,
			IMG_DIGEST_SIZE);
		if (img_json_put(b, "from", hex, err) < 0)
			return -1;
	}
	if (x->media && export_media_changes(x, it, b, err) < 0)
		return -1;
	if (it->state == EX_WANTED) {
		if (img_json_key(b, "dry_run", err) < 0 ||
		    img_json_raw(b, "true", err) < 0)
			return -1;
	} else if (!it->proved) {
		if (img_json_key(b, "verified", err) < 0 ||
		    img_json_raw(b, "false", err) < 0)
			return -1;
	}
	return 0;
}

static int emit(struct img_export *x, const struct export_item *it)
{
	static const char *const word[] = { "exported", "failed", "ignored",
					    "exported" };
	char hex[IMG_DIGEST_HEX], path[IMG_PATH_MAX * 3];
	struct img_record rec, given;
	struct img_err err = IMG_ERR_INIT;
	struct img_buf extra;
	int rc;

	img_buf_init(&extra, IMG_LINE_MAX / 2);
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
	if (it->state == EX_FAILED) {
		rec.error = *it->why;
		rec.cause = it->cause;
	}
	if (more(x, it, &extra, &err) == 0 && extra.len)
		rec.extra = extra.data;
	fill(x, it, &rec, hex, path);
	if (x->unaudited && it->archived && it->state == EX_WRITTEN)
		img_record_warn(&rec, "unaudited: the archive may only be "
				      "read, its audit log says nothing");
	for (unsigned i = 0; i < 2; i++)
		if (it->odd[i])
			img_record_warn(&rec, it->odd[i]);
	rc = x->host.emit(x->host.arg, &rec);
	img_buf_release(&extra);
	rec.in = NULL;
	img_record_release(&given);
	return rc;
}

int export_emit_all(struct img_export *x, bool all)
{
	for (size_t i = 0; i < x->items; i++) {
		const struct export_item *it = &x->item[i];

		if (!all && it->state != EX_FAILED && it->state != EX_IGNORED)
			continue;
		if (emit(x, it) < 0)
			return -1;
	}
	return 0;
}
