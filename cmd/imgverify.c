/* imgverify - say whether stored objects still are what was stored. */
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "work/scope.h"
#include "work/verify.h"

static bool all, audit, rebuild, dry_run;
static struct img_catalog_scope scope;
static const char *dir, *subset;
static uint64_t jobs, older_than;
static const struct img_record *given; /* the record in hand */
static uint64_t done, verdicts;

static const struct img_opt opts[] = {
	IMG_OPT_CATALOG(&dir),
	{ 0, "all", NULL, "the whole archive", IMG_OPT_FLAG, &all, NULL, 0 },
	{ 0, "subset", "part", "2/7: that part; 10%: those longest unread",
	  IMG_OPT_STRING, &subset, NULL, 0 },
	{ 0, "older-than", "days", "only what was not read for so long",
	  IMG_OPT_U64, &older_than, NULL, 36500 },
	{ 0, "audit", NULL, "check the chain of the audit log", IMG_OPT_FLAG,
	  &audit, NULL, 0 },
	{ 0, "rebuild", NULL, "make the catalog again from the objects",
	  IMG_OPT_FLAG, &rebuild, NULL, 0 },
	{ 'n', "dry-run", NULL, "with --rebuild: compare only", IMG_OPT_FLAG,
	  &dry_run, NULL, 0 },
	{ 'j', "jobs", "n", "objects read side by side", IMG_OPT_U64, &jobs,
	  NULL, 16 },
	IMG_OPT_END
};

/* ---- host ------------------------------------------------------------- */

/* What it does not know of the record that named an object stays in its
   record, and so does the path of a record of one object. */
static int emit(void *arg, const struct img_record *rec)
{
	struct img_record out = *rec;

	if (rec->status && strcmp(rec->status, "intact") != 0 &&
	    rec->error.code == IMG_OK)
		img_cli_no(arg);
	if (given && !rec->in)
		out.in = given->in;
	if (given && given->sop && !rec->path)
		out.path = given->path;
	verdicts++;
	return img_cli_emit(arg, &out);
}

static void progress(void *arg, uint64_t items, uint64_t bytes)
{
	done = items;
	img_cli_progress(arg, items, bytes, 0);
}

static bool stopped(void *arg)
{
	return img_cli_stopped(arg);
}

/* ---- options ---------------------------------------------------------- */

static void check(struct img_cli *cli, int argc)
{
	if (all + (subset != NULL) + audit + rebuild > 1)
		img_cli_usage(cli, "--all, --subset, --audit and --rebuild "
				   "exclude each other");
	if ((all || subset || audit || rebuild) && argc)
		img_cli_usage(cli, "operands are for single objects, not with "
				   "--all, --subset, --audit or --rebuild");
	if (older_than && !all && !subset)
		img_cli_usage(cli, "--older-than goes with --all or --subset");
	if (dry_run && !rebuild)
		img_cli_usage(cli, "--dry-run goes with --rebuild");
	if (subset && !img_scope_part(subset, &scope))
		img_cli_usage(cli,
			      "--subset: '%s' is no part; 2/7 and 10%% are",
			      subset);
}

static bool make_before(char out[IMG_TIME_MAX])
{
	time_t t = time(NULL) - (time_t)older_than * 86400;
	struct tm tm;

	return gmtime_r(&t, &tm) &&
	       strftime(out, IMG_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* ---- work ------------------------------------------------------------- */

static int verify_scope(struct img_verify *v, struct img_err *err)
{
	char before[IMG_TIME_MAX];

	if (older_than && make_before(before))
		scope.before = before;
	return img_verify_scope(v, &scope, !scope.percent && !older_than, err);
}

/* What a record names, or any UID as operand. */
static int verify_input(struct img_verify *v, const struct img_input *in,
			struct img_err *err)
{
	struct img_scope named = { .uid = in->text };
	int rc = 0;

	if (in->rec)
		return img_scope_of_record(in->rec, &named)
			       ? img_verify_named(v, &named, err)
			       : img_err_set(err, IMG_E_USAGE,
					     "a record that names nothing in "
					     "the archive");
	for (int level = IMG_STUDY; level <= IMG_IMAGE && rc == 0; level++) {
		named.level = (enum img_level)level;
		rc = img_verify_named(v, &named, err);
	}
	return rc;
}

/* What imgimport has ignored, what imganon has withheld, and a key that
   imgquery did not find have no object: they pass through. */
static bool passes(const struct img_input *in)
{
	struct img_scope named;

	if (!in->rec || !in->rec->status)
		return false;
	return strcmp(in->rec->status, "ignored") == 0 ||
	       strcmp(in->rec->status, "withheld") == 0 ||
	       (strcmp(in->rec->status, "missing") == 0 &&
		!img_scope_of_record(in->rec, &named));
}

static int not_found(struct img_cli *cli, const struct img_input *in,
		     struct img_err *err)
{
	struct img_record rec;

	if (img_verify_unlisted(in->rec, in->text, &rec, err) < 0)
		return -1;
	return emit(cli, &rec);
}

static void failed(struct img_cli *cli, const struct img_input *in,
		   const struct img_err *why)
{
	struct img_record rec;

	img_record_init(&rec);
	rec.status = "failed";
	rec.path = in->text;
	rec.error = *why;
	emit(cli, &rec);
}

static int verify_inputs(struct img_cli *cli, struct img_verify *v, int argc,
			 char **argv, struct img_err *err)
{
	struct img_input in;
	int more;

	while ((more = img_cli_next(cli, argc, argv, &in, err))) {
		int rc;

		if (more > 0 && passes(&in)) {
			if (*in.rec->status != 'i')
				img_cli_no(cli);
			img_cli_emit(cli, in.rec);
		} else if (more > 0) {
			given = in.rec;
			rc = verify_input(v, &in, err);
			if (rc == 0)
				rc = not_found(cli, &in, err);
			if (rc < 0 && err->code != IMG_OK)
				failed(cli, &in, err);
			given = NULL;
		}
		img_err_clear(err);
	}
	return 0;
}

static int make_again(struct img_cli *cli, const char *path,
		      const struct img_verify_host *host, struct img_err *err)
{
	if (img_verify_rebuild(path, dry_run, host, err) < 0)
		return -1;
	if (!cli->quiet)
		img_cli_warn(cli, "%llu objects read, %llu difference%s%s",
			     (unsigned long long)done,
			     (unsigned long long)verdicts,
			     verdicts == 1 ? "" : "s",
			     dry_run ? "" : "; the catalog is made again");
	return 0;
}

static int run(struct img_cli *cli, int argc, char **argv, struct img_err *err)
{
	const struct img_verify_host host = { emit, progress, stopped, cli };
	struct img_verify *v = NULL;
	char path[IMG_PATH_MAX];
	int rc;

	if (img_cli_catalog_dir(dir, path, err) < 0)
		return -1;
	if (rebuild)
		return make_again(cli, path, &host, err);
	if (!audit && !all && !subset)
		img_cli_wait(cli, argc, argv);
	if (img_verify_open(&v, path, (unsigned)jobs, &host, err) < 0)
		return -1;
	if (audit)
		rc = img_verify_audit(v, err);
	else if (all || subset)
		rc = verify_scope(v, err);
	else
		rc = verify_inputs(cli, v, argc, argv, err);
	img_verify_close(v);
	return rc;
}

int main(int argc, char **argv)
{
	struct img_cli cli = IMG_CLI("imgverify", "[options] [uid ...]",
				     "say whether stored images still are "
				     "what was stored",
				     opts);
	struct img_err err = IMG_ERR_INIT;

	cli.verbs = "intact damaged missing extra";
	cli.examples = "imgverify --all\n"
		       "imgquery PatientID=TEST-0001 | imgverify\n"
		       "imgverify -q --subset $(date +%u)/7 >verdicts.jsonl\n";
	img_cli_parse(&cli, &argc, &argv);
	check(&cli, argc);
	if (run(&cli, argc, argv, &err) < 0 && !img_cli_stopped(&cli))
		img_cli_fail(&cli, &err);
	return img_cli_finish(&cli);
}
