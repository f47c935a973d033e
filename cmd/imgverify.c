/* imgverify - say whether stored objects still are what was stored. */
#include <string.h>

#include "cli/cli.h"
#include "work/scope.h"
#include "work/verify.h"

static bool all, scrub, audit, rebuild, dry_run, same;
static struct img_catalog_scope scope;
static const char *dir, *subset, *media, *profile, *against;
static const char *new_key;
static struct img_verify_opts how;
static uint64_t jobs, done, verdicts, passphrase_fd = UINT64_MAX;

static const struct img_opt opts[] = {
	IMG_OPT_CATALOG(&dir),
	{ 0, "all", NULL, "the whole archive", IMG_OPT_FLAG, &all, NULL, 0 },
	{ 0, "subset", "part", "2/7: that part; 10%: those longest unread",
	  IMG_OPT_STRING, &subset, NULL, 0 },
	{ 0, "older-than", "days", "only what was not read for so long",
	  IMG_OPT_U64, &how.older_than, NULL, 36500 },
	{ 0, "scrub", NULL, "the whole archive, longest unread first",
	  IMG_OPT_FLAG, &scrub, NULL, 0 },
	{ 0, "limit-rate", "size", "bytes a second read at most", IMG_OPT_SIZE,
	  &how.rate, NULL, 0 },
	{ 0, "max-time", "time", "with --scrub: begin nothing after it",
	  IMG_OPT_TIME, &how.max_time, NULL, 0 },
	{ 0, "audit", NULL, "check the chain of the audit log", IMG_OPT_FLAG,
	  &audit, NULL, 0 },
	{ 0, "rebuild", NULL, "make the catalog again from the objects",
	  IMG_OPT_FLAG, &rebuild, NULL, 0 },
	{ 'n', "dry-run", NULL, "with --rebuild: compare only", IMG_OPT_FLAG,
	  &dry_run, NULL, 0 },
	{ 0, "deep", NULL, "look inside each object, too", IMG_OPT_FLAG,
	  &how.deep, NULL, 0 },
	{ 0, "media", "path", "a disc, its image, or a folder like it",
	  IMG_OPT_STRING, &media, NULL, 0 },
	{ 0, "profile", "name", "with --media: the PS3.11 profile it is of",
	  IMG_OPT_STRING, &profile, NULL, 0 },
	{ 0, "passphrase-fd", "n", "with --media: it is encrypted", IMG_OPT_U64,
	  &passphrase_fd, NULL, 1 << 20 },
	{ 0, "phi", "source", "search for identity: an archive, or a list",
	  IMG_OPT_STRING, &how.phi, NULL, 0 },
	{ 0, "complete", NULL, "is all of a study there?", IMG_OPT_FLAG,
	  &how.complete, NULL, 0 },
	{ 0, "witness", "file", "with --complete: what lists the objects",
	  IMG_OPT_STRING, &how.witness, NULL, 0 },
	{ 0, "peer", "peer", "with --complete: ask this one, too",
	  IMG_OPT_STRING, &how.peer, NULL, 0 },
	{ 0, "against", "path", "the archive against another copy of it",
	  IMG_OPT_STRING, &against, NULL, 0 },
	{ 0, "sign", "key", "sign a statement on what is intact",
	  IMG_OPT_STRING, &how.sign, NULL, 0 },
	{ 0, "signed-by", "key", "check a statement with a public key",
	  IMG_OPT_STRING, &how.signed_by, NULL, 0 },
	{ 0, "statement", "file", "with --signed-by: the statement",
	  IMG_OPT_STRING, &how.statement, NULL, 0 },
	{ 0, "new-sign-key", "file", "make a key for --sign, and file.pub",
	  IMG_OPT_STRING, &new_key, NULL, 0 },
	{ 0, "same", NULL, "are these two the same object, or the same pixels?",
	  IMG_OPT_FLAG, &same, NULL, 0 },
	{ 0, "strict", NULL, "what deviates, or may be identity, is invalid",
	  IMG_OPT_FLAG, &how.strict, NULL, 0 },
	{ 0, "ca", "file", "with --deep: who may vouch for signatures",
	  IMG_OPT_STRING, &how.ca, NULL, 0 },
	{ 'j', "jobs", "n", "objects read side by side", IMG_OPT_U64, &jobs,
	  NULL, 16 },
	IMG_OPT_END
};

/* ---- host ------------------------------------------------------------- */

static int emit(void *arg, const struct img_record *rec)
{
	const struct img_cli *cli = arg;

	verdicts++;
	if (!img_verify_is_good(rec))
		img_cli_no(arg);
	/* What is intact is no news to a scrub, and in the catalog. */
	if (!scrub || cli->verbose || !rec->status ||
	    strcmp(rec->status, "intact") != 0)
		return img_cli_emit(arg, rec);
	img_cli_count(arg, rec->status, false);
	return 0;
}

static void progress(void *arg, uint64_t items, uint64_t bytes)
{
	done = items;
	img_cli_progress(arg, items, bytes, 0);
}

/* ---- options ---------------------------------------------------------- */

static void check(struct img_cli *cli, int argc)
{
	const bool part = all || subset || scrub;
	const bool objects =
		!(audit || rebuild || same || media || against || new_key);
	const bool signs = how.sign || how.signed_by;

	how.no_frames = audit || media || against || how.complete ||
			((part || how.phi) && !how.deep);
	const struct {
		bool wrong;
		const char *why;
	} rules[] = {
		{ all + !!subset + scrub + audit + rebuild + same + !!media +
				  !!against + !!new_key >
			  1,
		  "--all, --subset, --scrub, --audit, --rebuild, --same, "
		  "--media, --against and --new-sign-key exclude each other" },
		{ (how.deep || how.phi) && !objects,
		  "--deep and --phi are for objects" },
		{ same && argc != 2, "--same wants two files or UIDs" },
		{ (part || !(objects || same)) && argc,
		  "operands are for single objects and for --same" },
		{ !how.signed_by != !how.statement,
		  "--signed-by and --statement go together" },
		{ how.sign && how.signed_by, "either --sign or --signed-by" },
		{ signs && (!objects || scrub),
		  "--sign and --signed-by are for objects, not for --scrub" },
		{ how.complete && (!objects || scrub || subset || signs ||
				   how.deep || how.phi || how.older_than),
		  "--complete is for studies: of operands or --all, and "
		  "alone" },
		{ (how.witness || how.peer) && !how.complete,
		  "--witness and --peer go with --complete" },
		{ how.ca && how.no_frames, "--ca goes with --deep" },
		{ profile && !media, "--profile goes with --media" },
		{ passphrase_fd != UINT64_MAX && !media,
		  "--passphrase-fd goes with --media" },
		{ how.older_than && !part,
		  "--older-than goes with --all, --subset or --scrub" },
		{ how.max_time && !scrub, "--max-time goes with --scrub" },
		{ how.rate && !objects, "--limit-rate is for objects" },
		{ dry_run && !rebuild, "--dry-run goes with --rebuild" },
		{ how.strict && !how.deep && !how.phi,
		  "--strict goes with --deep or --phi" },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].wrong)
			img_cli_usage(cli, "%s", rules[i].why);
	if (subset && !img_scope_part(subset, &scope))
		img_cli_usage(cli,
			      "--subset: '%s' is no part; 2/7 and 10%% are",
			      subset);
}

/* ---- work ------------------------------------------------------------- */

static int input(void *arg, const struct img_input *in, struct img_err *err)
{
	return img_verify_input(arg, in->rec, in->text, err);
}

static int make_again(struct img_cli *cli, const char *path,
		      const struct img_verify_host *host, struct img_err *err)
{
	if (img_verify_rebuild(path, dry_run, host, err) < 0)
		return -1;
	for (uint64_t i = verdicts; i < done; i++)
		img_cli_count(cli, "intact", false);
	if (!cli->quiet)
		img_cli_warn(cli, "%llu objects read, differences: %llu%s",
			     (unsigned long long)done,
			     (unsigned long long)verdicts,
			     dry_run ? "" : "; the catalog is made again");
	return 0;
}

static int run(struct img_cli *cli, int argc, char **argv, struct img_err *err)
{
	const struct img_verify_host host = { emit, progress,
					      img_cli_host_stopped, cli };
	struct img_verify *v = NULL;
	struct img_err ignored = IMG_ERR_INIT;
	char path[IMG_PATH_MAX];
	bool ended = true;
	int rc;

	if (img_cli_catalog_dir(dir, path, err) < 0)
		return -1;
	how.dir = path;
	how.jobs = (unsigned)jobs;
	how.passphrase_fd =
		passphrase_fd == UINT64_MAX ? -1 : (int)passphrase_fd;
	if (new_key) {
		cli->verbs = NULL; /* nothing is counted */
		return img_verify_new_key(new_key, err);
	}
	if (rebuild)
		return make_again(cli, path, &host, err);
	if (!audit && !all && !subset && !scrub && !same && !media && !against)
		img_cli_wait(cli, argc, argv);
	if (img_verify_open(&v, &how, &host, err) < 0)
		return -1;
	rc = img_verify_statement_begin(v, err);
	if (rc != 0)
		; /* there is nothing to look for */
	else if (audit)
		rc = img_verify_audit(v, err);
	else if (all || subset)
		rc = img_verify_scope(v, &scope,
				      !scope.percent && !how.older_than, err);
	else if (scrub)
		rc = img_verify_scrub(v, &ended, err);
	else if (against)
		rc = img_verify_against(v, against, err);
	else if (media)
		rc = img_verify_media(v, media, profile, err);
	else if (same)
		rc = img_verify_same(v, argv[0], argv[1], err);
	else
		rc = img_cli_each(cli, argc, argv, input, v, err) < 0
			     ? -1
			     : img_verify_flush(v, err);
	if (rc == 0 && !ended && !cli->quiet)
		img_cli_warn(cli, "time is over; the next scrub goes on");
	if (rc == 0 && !img_cli_stopped(cli))
		rc = img_verify_statement(v, img_cli_failed(cli), err);
	if (img_verify_finish(v, rc < 0 ? &ignored : err) < 0)
		rc = -1;
	img_verify_close(v);
	return rc;
}

int main(int argc, char **argv)
{
	struct img_cli cli = IMG_CLI("imgverify", "[options] [path | uid ...]",
				     "say whether stored images still are "
				     "what was stored",
				     opts);
	struct img_err err = IMG_ERR_INIT;

	cli.verbs =
		"intact complete doubtful damaged missing invalid incomplete "
		"unknown extra same differs signed";
	cli.examples = "imgverify --all\n"
		       "imgquery PatientID=TEST-0001 | imgverify\n"
		       "imgverify -q --subset $(date +%u)/7 >verdicts.jsonl\n";
	img_cli_parse(&cli, &argc, &argv);
	check(&cli, argc);
	if (run(&cli, argc, argv, &err) < 0 && !img_cli_stopped(&cli))
		img_cli_fail(&cli, &err);
	img_cli_want(&cli);
	return img_cli_finish(&cli);
}
