/* imgquery - what the archive holds, as records or as a table. */
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "work/ask.h"
#include "work/history.h"
#include "work/priors.h"

#define FORMATS "table|jsonl|csv|dicom-json|fhir|atna"
#define OF_LOG  "table|jsonl|csv|atna"
#define LEVELS  "patient|study|series|image"

static bool count, conflicts, audit;
static const char *dir, *level, *fields, *format, *keys_from, *key, *unsent,
	*unchecked;
static uint64_t limit, most = UINT64_MAX; /* priors; none asked for */
static struct img_list sort;
static struct img_table *table;
static char since[IMG_TIME_MAX];

static const struct img_opt opts[] = {
	IMG_OPT_CATALOG(&dir),
	{ 'l', "level", "level", "what a record stands for", IMG_OPT_CHOICE,
	  &level, LEVELS, 0 },
	{ 'f', "fields", "Keyword,...", "attributes to give", IMG_OPT_STRING,
	  &fields, NULL, 0 },
	{ 's', "sort", "Keyword", "sort by it; -Keyword: downwards",
	  IMG_OPT_LIST, &sort, NULL, 0 },
	{ 0, "limit", "n", "no more than so many", IMG_OPT_U64, &limit, NULL,
	  0 },
	{ 0, "count", NULL, "only how many there are", IMG_OPT_FLAG, &count,
	  NULL, 0 },
	{ 0, "format", "format", "how to write what is found", IMG_OPT_CHOICE,
	  &format, FORMATS, 0 },
	{ 0, "conflicts", NULL, "all objects of instances that have several",
	  IMG_OPT_FLAG, &conflicts, NULL, 0 },
	{ 0, "audit", NULL, "lines of the audit log instead", IMG_OPT_FLAG,
	  &audit, NULL, 0 },
	{ 0, "not-sent-to", "peer", "only what it was not given by imgsend",
	  IMG_OPT_STRING, &unsent, NULL, 0 },
	{ 0, "unchecked-since", "when",
	  "only what imgverify has not read since: a date, or 30d",
	  IMG_OPT_STRING, &unchecked, NULL, 0 },
	{ 0, "priors", "n", "the most relevant priors of each study",
	  IMG_OPT_U64, &most, NULL, IMG_PRIORS_MAX },
	{ 0, "keys-from", "file", "a value of -k on each line; - is stdin",
	  IMG_OPT_STRING, &keys_from, NULL, 0 },
	{ 'k', "key", "Keyword", "what --keys-from has values of",
	  IMG_OPT_STRING, &key, NULL, 0 },
	IMG_OPT_END
};

/* ---- host ------------------------------------------------------------- */

static int text(void *arg, const char *line, size_t n)
{
	img_cli_count(arg, "found", false);
	return img_cli_emit_text(arg, line, n);
}

static int row(void *arg, const char *const *cell, size_t n, bool titles)
{
	if (!titles)
		img_cli_count(arg, "found", false);
	return img_table_flow(&table, arg, cell, n, titles);
}

static void trouble(void *arg, const struct img_err *err)
{
	img_cli_note(arg, err);
	img_cli_count(arg, "failed", true);
}

static void missing(void *arg)
{
	img_cli_no(arg);
}

/* ---- options ---------------------------------------------------------- */

static bool is_format(const char *name)
{
	return format && strcmp(format, name) == 0;
}

static void check(struct img_cli *cli)
{
	const bool more = conflicts || keys_from, priors = most != UINT64_MAX;
	const struct {
		bool wrong;
		const char *why;
	} rules[] = {
		{ !keys_from != !key, "--keys-from and -k go together" },
		{ priors && (more || count || limit || sort.n),
		  "--priors goes with neither --conflicts, --keys-from, "
		  "--count, --limit nor -s" },
		{ keys_from && (conflicts || count),
		  "--keys-from goes with neither --conflicts nor --count" },
		{ conflicts && level && strcmp(level, "image") != 0,
		  "--conflicts is about images, not another -l" },
		{ more && (is_format("fhir") || is_format("dicom-json")),
		  "--format fhir and dicom-json have no place for what "
		  "--conflicts and --keys-from say" },
		{ fields && is_format("fhir"),
		  "--format fhir has fields of its own, not -f" },
		{ !audit && is_format("atna"), "--format atna: of --audit" },
		{ audit && (more || unsent || unchecked || priors || level ||
			    fields || sort.n),
		  "--audit goes with --count, --limit and --format, not with "
		  "what is about images" },
		{ audit && format && img_cli_choice(OF_LOG, format) < 0,
		  "--audit has table, jsonl, csv and atna as --format" },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].wrong)
			img_cli_usage(cli, "%s", rules[i].why);
	if (unchecked && !img_find_since(unchecked, since))
		img_cli_usage(cli,
			      "--unchecked-since: '%s' is neither a date nor "
			      "a time like 30d",
			      unchecked);
}

static void fill(struct img_ask_opts *o, int argc, char **argv)
{
	struct img_find_opts *f = &o->find;

	memset(o, 0, sizeof(*o));
	if (!format)
		format = isatty(STDOUT_FILENO) ? "table" : "jsonl";
	if (!level)
		level = conflicts ? "image" : "study";
	o->format = (enum img_format)img_cli_choice(FORMATS, format);
	f->level = (enum img_level)img_cli_choice(LEVELS, level);
	o->priors = most != UINT64_MAX;
	if (!o->priors) {
		f->key = (const char *const *)argv;
		f->keys = (size_t)argc;
	}
	f->extra_key = key;
	f->fields = fields;
	f->sort = sort.item;
	f->sorts = sort.n;
	f->limit = limit;
	f->conflicts = conflicts;
	f->not_sent_to = unsent;
	f->unchecked_since = unchecked ? since : NULL;
}

/* ---- work ------------------------------------------------------------- */

struct asked {
	struct img_cli *cli;
	struct img_ask *ask;
};

static int prior(void *arg, const struct img_input *in, struct img_err *err)
{
	const char *uid = in->rec ? in->rec->study : in->text;
	struct asked *q = arg;

	if (uid)
		return img_ask_prior(q->ask, uid, (size_t)most, err);
	in->rec->status = "failed";
	img_err_set(&in->rec->error, IMG_E_USAGE,
		    "stdin: line %llu: a record without StudyInstanceUID",
		    (unsigned long long)in->line);
	img_cli_emit(q->cli, in->rec);
	return 0;
}

static int ask(struct img_cli *cli, struct img_ask *a, int argc, char **argv,
	       struct img_err *err)
{
	struct asked q = { cli, a };

	if (most != UINT64_MAX)
		return img_cli_each(cli, argc, argv, prior, &q, err);
	if (keys_from)
		return img_ask_keys(a, keys_from, err);
	return count ? img_ask_count(a, err) : img_ask_all(a, err);
}

/* found: how much there was of what was asked for. */
static int answer(struct img_cli *cli, struct img_catalog *c, const char *path,
		  const struct img_ask_host *host, int argc, char **argv,
		  uint64_t *found, struct img_err *err)
{
	struct img_history_opts log = { .dir = path, .by = "imgquery" };
	struct img_ask_opts o;
	struct img_ask *a = NULL;
	int rc = -1;

	fill(&o, argc, argv);
	cli->no_records = o.format != IMG_FORMAT_JSONL;
	if (audit) {
		log.form =
			(enum img_history_form)img_cli_choice(OF_LOG, format);
		log.key = o.find.key;
		log.keys = o.find.keys;
		log.limit = limit;
		log.count = count;
		return img_history(c, &log, host, found, err);
	}
	if (img_ask_open(&a, c, path, &o, host, err) == 0)
		rc = ask(cli, a, argc, argv, err);
	*found = rc == 0 ? img_ask_found(a) : 0;
	img_ask_close(a);
	return rc;
}

int main(int argc, char **argv)
{
	struct img_cli cli = IMG_CLI(
		"imgquery", "[options] [Keyword=value ...]",
		"what the archive holds, as records or as a table", opts);
	const struct img_ask_host host = {
		text, row, trouble, missing, img_cli_host_stopped, &cli
	};
	struct img_err err = IMG_ERR_INIT;
	struct img_catalog *catalog = NULL;
	uint64_t found = 0;
	char path[IMG_PATH_MAX];

	cli.examples = "imgquery 'PatientName=synthetic*' StudyDate=2024\n"
		       "imgquery Modality=CT | imgverify\n"
		       "imgquery AccessionNumber=A0003 | imgquery --priors 2";
	img_cli_parse(&cli, &argc, &argv);
	check(&cli);
	if (img_cli_catalog_dir(dir, path, &err) < 0 ||
	    img_catalog_open(&catalog, path, IMG_READ, &err) < 0 ||
	    answer(&cli, catalog, path, &host, argc, argv, &found, &err) < 0) {
		if (err.code != IMG_OK)
			img_cli_fail(&cli, &err);
	} else if (!found) {
		img_cli_no(&cli);
		if (isatty(STDOUT_FILENO) && !count && !cli.quiet)
			img_cli_warn(&cli, "nothing matches");
	}
	if (table)
		img_table_print(table, &cli);
	img_table_free(table);
	img_catalog_close(catalog);
	return img_cli_finish(&cli);
}
