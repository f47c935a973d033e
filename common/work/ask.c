/* ask.c - a question to the archive, and its answer as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jsonl/jsonl.h"
#include "work/ask.h"
#include "work/fhir.h"
#include "work/priors.h"

/* What the fields are without -f, for programs and for people, by level. */
static const char *const defaults[][2] = {
	{ "PatientID,PatientName,PatientBirthDate,PatientSex,"
	  "NumberOfPatientRelatedStudies",
	  "PatientName,PatientID,PatientBirthDate,PatientSex,"
	  "NumberOfPatientRelatedStudies,NumberOfPatientRelatedInstances" },
	{ "PatientID,PatientName,StudyDate,StudyTime,AccessionNumber,"
	  "StudyDescription,ModalitiesInStudy,NumberOfStudyRelatedSeries,"
	  "NumberOfStudyRelatedInstances",
	  "StudyDate,PatientName,PatientID,PatientBirthDate,ModalitiesInStudy,"
	  "StudyDescription,AccessionNumber,NumberOfStudyRelatedSeries,"
	  "NumberOfStudyRelatedInstances" },
	{ "PatientID,StudyDate,Modality,SeriesNumber,SeriesDescription,"
	  "BodyPartExamined,NumberOfSeriesRelatedInstances",
	  "StudyDate,PatientName,PatientID,SeriesNumber,Modality,"
	  "BodyPartExamined,SeriesDescription,"
	  "NumberOfSeriesRelatedInstances" },
	{ "SOPClassUID,TransferSyntaxUID,Modality,InstanceNumber",
	  "StudyDate,PatientName,PatientID,Modality,SeriesNumber,"
	  "InstanceNumber,Rows,Columns,NumberOfFrames,ImageType" }
};

struct img_ask {
	struct img_catalog *c;
	struct img_ask_opts opts;
	struct img_ask_host host;
	struct img_find *find;
	struct img_writer writer;
	struct img_buf line;
	bool begun; /* titles are written */
	char (*text)[IMG_CELL_MAX];
	const char **cell;
	uint64_t found;
};

/* ---- opening ---------------------------------------------------------- */

static unsigned ours(const struct img_ask_opts *o)
{
	unsigned bits = 0;

	if (o->find.conflicts)
		bits |= IMG_OURS_STATUS | IMG_OURS_DIGEST | IMG_OURS_BYTES |
			IMG_OURS_ADDED;
	else if (o->find.level == IMG_IMAGE && o->format == IMG_FORMAT_JSONL)
		bits |= IMG_OURS_DIGEST | IMG_OURS_BYTES;
	if (o->find.unchecked_since)
		bits |= IMG_OURS_CHECKED | IMG_OURS_VERDICT;
	if (o->find.extra_key)
		bits |= IMG_OURS_STATUS | IMG_OURS_KEY;
	if (o->priors)
		bits |= IMG_OURS_STATUS | IMG_OURS_PRIOR_OF;
	return bits;
}

static int make_room(struct img_ask *a, struct img_err *err)
{
	size_t n = img_format_columns(&a->writer) + 1;

	a->text = calloc(n, sizeof(*a->text));
	a->cell = calloc(n, sizeof(*a->cell));
	if (!a->text || !a->cell)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	return 0;
}

int img_ask_open(struct img_ask **out, struct img_catalog *c, const char *dir,
		 const struct img_ask_opts *opts,
		 const struct img_ask_host *host, struct img_err *err)
{
	struct img_ask *a = calloc(1, sizeof(*a));
	struct img_find_opts find = opts->find;
	bool people = opts->format == IMG_FORMAT_TABLE;

	*out = NULL;
	if (!a)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	img_buf_init(&a->line, IMG_LINE_MAX);
	a->c = c;
	a->opts = *opts;
	a->host = *host;
	if (opts->format == IMG_FORMAT_FHIR)
		find.level = IMG_STUDY; /* the level says how deep it goes */
	/* The columns of CSV are those that were asked for, if any were. */
	find.identity = opts->format == IMG_FORMAT_JSONL ||
			opts->format == IMG_FORMAT_DICOM_JSON ||
			(opts->format == IMG_FORMAT_CSV && !opts->find.fields);
	find.defaults = defaults[find.level][people];
	find.trouble = host->trouble;
	find.arg = host->arg;
	a->writer.format = opts->format;
	a->writer.ours = ours(opts);
	if (img_find_new(&a->find, c, dir, &find, err) < 0)
		goto fail;
	a->writer.field = img_find_fields(a->find, &a->writer.fields);
	/* A query that cannot be made is told before anything is written. */
	if (make_room(a, err) < 0 || img_find_start(a->find, err) < 0)
		goto fail;
	*out = a;
	return 0;
fail:
	img_ask_close(a);
	return -1;
}

void img_ask_close(struct img_ask *a)
{
	if (!a)
		return;
	img_find_free(a->find);
	img_buf_release(&a->line);
	free(a->text);
	free(a->cell);
	free(a);
}

uint64_t img_ask_found(const struct img_ask *a)
{
	return a->found;
}

/* ---- writing ---------------------------------------------------------- */

static int put_cells(struct img_ask *a, const struct img_found *f, bool titles)
{
	size_t n = img_format_columns(&a->writer);

	for (size_t i = 0; i < n; i++)
		a->cell[i] =
			titles ? img_format_title(&a->writer, i)
			       : img_format_cell(&a->writer, f, i, a->text[i]);
	return a->host.row(a->host.arg, a->cell, n, titles);
}

static int begin(struct img_ask *a, struct img_err *err)
{
	if (a->begun)
		return 0;
	a->begun = true;
	img_buf_reset(&a->line);
	if (img_format_head(&a->writer, &a->line, err) < 0)
		return -1;
	if (a->writer.format == IMG_FORMAT_TABLE)
		return put_cells(a, NULL, true);
	if (!a->line.len)
		return 0;
	return a->host.text(a->host.arg, a->line.data, a->line.len);
}

/* -1 when nothing more can be written; a row that is too long only costs
   itself. */
static int emit(struct img_ask *a, const struct img_found *f)
{
	struct img_err err = IMG_ERR_INIT;
	int rc = begin(a, &err);

	if (rc == 0 && a->writer.format == IMG_FORMAT_TABLE)
		return put_cells(a, f, false);
	img_buf_reset(&a->line);
	if (rc == 0 && a->writer.format == IMG_FORMAT_FHIR)
		rc = img_fhir_study(a->c, f->id,
				    a->opts.find.level == IMG_IMAGE, &a->line,
				    &err);
	else if (rc == 0)
		rc = img_format_row(&a->writer, f, &a->line, &err);
	if (err.code != IMG_OK) {
		a->host.trouble(a->host.arg, &err);
		return 0;
	}
	if (rc < 0)
		return -1;
	return a->host.text(a->host.arg, img_buf_str(&a->line), a->line.len);
}

/* 0 all of it, 1 stopped, -1.  What is ours comes from *with. */
static int emit_found(struct img_ask *a, const struct img_found *with,
		      struct img_err *err)
{
	struct img_found f;
	int rc;

	if (img_find_start(a->find, err) < 0)
		return -1;
	while ((rc = img_find_next(a->find, &f, err)) == 1) {
		f.key = with->key;
		f.prior_of = with->prior_of;
		if (a->opts.find.conflicts)
			f.status = f.row->current      ? "stored"
				   : f.row->equivalent ? "equivalent"
						       : "conflict";
		a->found++;
		if (emit(a, &f) < 0 || a->host.stopped(a->host.arg))
			return 1;
	}
	return rc;
}

/* A record for what was asked for and is not there (why NULL), or could not
   be asked. */
static int emit_none(struct img_ask *a, struct img_found *with,
		     const struct img_err *why)
{
	struct img_err err = IMG_ERR_INIT;

	with->status = why ? "failed" : "missing";
	with->error = why;
	if (why)
		a->host.trouble(a->host.arg, why);
	else
		a->host.missing(a->host.arg);
	if (a->writer.format != IMG_FORMAT_DICOM_JSON &&
	    a->writer.format != IMG_FORMAT_FHIR) {
		with->reason = why ? NULL : "not in the catalog";
		return emit(a, with) < 0 ? 1 : 0;
	}
	if (why)
		return 0;
	img_err_set(&err, IMG_E_USAGE, "%s: not in the catalog",
		    with->prior_of);
	a->host.trouble(a->host.arg, &err);
	return 0;
}

/* CSV has its titles even when there is nothing below them. */
static int titles(struct img_ask *a, struct img_err *err)
{
	return a->writer.format == IMG_FORMAT_CSV ? begin(a, err) : 0;
}

/* ---- ways to ask ------------------------------------------------------ */

int img_ask_all(struct img_ask *a, struct img_err *err)
{
	const struct img_found with = { 0 };

	return emit_found(a, &with, err) < 0 ? -1 : titles(a, err);
}

int img_ask_count(struct img_ask *a, struct img_err *err)
{
	img_buf_reset(&a->line);
	if (img_find_count(a->find, &a->found, err) < 0 ||
	    img_buf_printf(&a->line, err, "%llu\n",
			   (unsigned long long)a->found) < 0)
		return -1;
	a->host.text(a->host.arg, a->line.data, a->line.len);
	return 0;
}

/* A list of keys, and the line in hand. */
struct keys {
	const char *name;
	size_t line;
};

/* why: what is wrong with the line in hand, as a record of its own. */
static int tell_key(struct img_ask *a, const struct keys *k,
		    struct img_found *with, const struct img_err *why)
{
	struct img_err told = IMG_ERR_INIT;

	img_err_set(&told, why->code, "%s: line %zu: %s", k->name, k->line,
		    why->text);
	return emit_none(a, with, &told);
}

static int ask_key(struct img_ask *a, const struct keys *k, const char *value,
		   struct img_err *err)
{
	struct img_found with = { .key = value };
	struct img_err why = IMG_ERR_INIT;
	uint64_t before = a->found;
	int rc = img_find_set_key(a->find, value, &why);

	if (rc == 0)
		rc = emit_found(a, &with, &why);
	if (rc == 0 && a->found == before)
		rc = emit_none(a, &with, NULL);
	if (rc >= 0)
		return rc;
	/* A value that is no date, say: the others may be. */
	if (why.code == IMG_E_USAGE || why.code == IMG_E_LIMIT)
		return tell_key(a, k, &with, &why);
	return img_err_set(err, why.code, "%s", why.text);
}

/* A line without its end, and not empty. */
static int ask_line(struct img_ask *a, const struct keys *k, const char *line,
		    size_t n, struct img_err *err)
{
	struct img_found none = { 0 };
	struct img_err why = IMG_ERR_INIT;

	if (k->line == 1 && img_utf16_mark(line, n))
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: UTF-16, where UTF-8 is read", k->name);
	if (strlen(line) == n && img_utf8_ok(line, n))
		return ask_key(a, k, line, err);
	img_err_set(&why, IMG_E_MALFORMED, "not UTF-8");
	return tell_key(a, k, &none, &why);
}

static bool is_blank(char c)
{
	return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

int img_ask_keys(struct img_ask *a, const char *file, struct img_err *err)
{
	FILE *in = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	struct keys k = { in == stdin ? "stdin" : file, 0 };
	char *line = NULL;
	size_t room = 0, mark = 0;
	ssize_t n;
	int rc = 0;

	if (!in)
		return img_err_sys(err, "%s", file);
	while (rc == 0 && !a->host.stopped(a->host.arg) &&
	       (n = getline(&line, &room, in)) >= 0) {
		while (n && is_blank(line[n - 1]))
			line[--n] = '\0';
		mark = k.line++ ? 0 : img_utf8_mark(line, (size_t)n);
		if ((size_t)n > mark)
			rc = ask_line(a, &k, line + mark, (size_t)n - mark,
				      err);
	}
	/* The status says of a signal; there is no more to say. */
	if (rc == 0 && ferror(in) && !a->host.stopped(a->host.arg))
		rc = img_err_sys(err, "%s", k.name);
	free(line);
	if (in != stdin)
		fclose(in);
	return rc < 0 ? -1 : titles(a, err);
}

int img_ask_prior(struct img_ask *a, const char *study, size_t most,
		  struct img_err *err)
{
	struct img_found with = { .prior_of = study };
	int64_t *row = calloc(IMG_PRIORS_MAX, sizeof(*row));
	size_t n = 0;
	int rc;

	if (!row)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	rc = img_priors(a->c, study, most, row, &n, err);
	if (rc == 0)
		rc = emit_none(a, &with, NULL);
	else if (rc == 1)
		rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		img_find_within(a->find, IMG_STUDY, row[i]);
		rc = emit_found(a, &with, err);
	}
	free(row);
	return rc < 0 ? -1 : titles(a, err);
}
