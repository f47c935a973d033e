/* imganon - de-identified objects from files, folders and the archive. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "work/deidentify.h"

static const char *dir, *out, *key_file, *new_key, *preset = "basic";
static const char *pixels, *prefix, *range, *report, *risk, *explain;
static const char *map_file, *rules_file, *id_map, *linkage, *trustee,
	*new_trustee;
static bool reidentify;
static struct img_list option, mask;
static uint64_t jobs, pass_fd = UINT64_MAX;

static const struct img_opt opts[] = {
	IMG_OPT_CATALOG(&dir),
	{ 'o', "output", "dest", "folder for the new objects; -: stdout",
	  IMG_OPT_STRING, &out, NULL, 0 },
	{ 'j', "jobs", "n", "objects worked on side by side", IMG_OPT_U64,
	  &jobs, NULL, 16 },
	{ 0, "key", "file", "secret key that pseudonyms are made with",
	  IMG_OPT_STRING, &key_file, NULL, 0 },
	{ 0, "new-key", "file", "make such a key and end", IMG_OPT_STRING,
	  &new_key, NULL, 0 },
	{ 0, "passphrase-fd", "n", "the key from a passphrase read from n",
	  IMG_OPT_U64, &pass_fd, NULL, 1023 },
	{ 0, "profile", "name", "what to begin with", IMG_OPT_CHOICE, &preset,
	  "basic|tcia|research", 0 },
	{ 0, "option", "name", "an option of PS3.15 on top; may be repeated",
	  IMG_OPT_LIST, &option, NULL, 0 },
	{ 0, "rules", "file", "what to do with which attribute, on top",
	  IMG_OPT_STRING, &rules_file, NULL, 0 },
	{ 0, "pixels", "policy", "objects whose pixels may show who it is",
	  IMG_OPT_CHOICE, &pixels, "withhold|keep|clean|blank-all", 0 },
	{ 0, "mask", "x,y,w,h", "blank this part of all images", IMG_OPT_LIST,
	  &mask, NULL, 0 },
	{ 0, "prefix", "text", "what pseudonyms of patients begin with",
	  IMG_OPT_STRING, &prefix, NULL, 0 },
	{ 0, "date-range", "days", "move dates back by min-max days",
	  IMG_OPT_STRING, &range, NULL, 0 },
	{ 0, "map", "file", "PatientIDs to use, lines of old,new",
	  IMG_OPT_STRING, &map_file, NULL, 0 },
	{ 0, "id-map", "file", "write old and new identifiers (secret!)",
	  IMG_OPT_STRING, &id_map, NULL, 0 },
	{ 0, "linkage", "file", "the same, sealed to a trustee", IMG_OPT_STRING,
	  &linkage, NULL, 0 },
	{ 0, "trustee", "file", "public key to seal with, or secret to read",
	  IMG_OPT_STRING, &trustee, NULL, 0 },
	{ 0, "new-trustee", "file", "make a trustee's keys and end",
	  IMG_OPT_STRING, &new_trustee, NULL, 0 },
	{ 0, "reidentify", NULL, "print what --linkage has sealed",
	  IMG_OPT_FLAG, &reidentify, NULL, 0 },
	{ 0, "report", "file", "what was done with which attribute, no values",
	  IMG_OPT_STRING, &report, NULL, 0 },
	{ 0, "risk", "file", "how many patients are alike, no values",
	  IMG_OPT_STRING, &risk, NULL, 0 },
	{ 0, "explain", "Keyword", "say what is done with an attribute",
	  IMG_OPT_STRING, &explain, NULL, 0 },
	IMG_OPT_END
};

static bool ignored, other; /* records of that status, and of others */

/* With an object on stdout there is no place for its record. */
static int emit(void *arg, const struct img_record *rec)
{
	struct img_cli *cli = arg;

	if (img_record_has_status(rec, "ignored"))
		ignored = true;
	else
		other = true;
	if (img_record_has_status(rec, "withheld missing"))
		img_cli_no(cli);
	if (cli->no_records && rec->reason && !cli->verbose)
		img_cli_warn(cli, "%s: %s: %s", rec->path, rec->status,
			     rec->reason);
	return img_cli_emit(cli, rec);
}

/* What became of a line of a linkage. */
static void unsealed(void *arg, const struct img_err *why)
{
	if (why)
		img_cli_note(arg, why);
	img_cli_count(arg, why ? "failed" : "read", why != NULL);
}

/* Anything but de-identifying. */
static int is_other(void)
{
	return !!new_key + !!new_trustee + !!explain + reidentify;
}

static void check(struct img_cli *cli, int argc)
{
	if (is_other() > 1 || (is_other() && (argc || out)))
		img_cli_usage(cli, "--new-key, --new-trustee, --explain and "
				   "--reidentify exclude each other, operands "
				   "and -o");
	if ((linkage == NULL) != (trustee == NULL))
		img_cli_usage(cli, "--linkage and --trustee go together");
	if (reidentify && !linkage)
		img_cli_usage(cli, "--reidentify reads --linkage");
	if (is_other())
		return;
	if (!out)
		img_cli_usage(cli, "-o says where the new objects go");
	if (key_file && pass_fd != UINT64_MAX)
		img_cli_usage(cli, "--key excludes --passphrase-fd");
	if (strcmp(out, "-") == 0 && argc != 1)
		img_cli_usage(cli, "-o - takes one operand");
	if (pass_fd == 0 && (argc == 0 || strcmp(out, "-") == 0))
		img_cli_usage(cli, "a passphrase comes without inputs");
}

static int input(void *arg, const struct img_input *in, struct img_err *err)
{
	return in->rec ? img_deid_record(arg, in->rec, err)
		       : img_deid_text(arg, in->text, err);
}

static int read_inputs(struct img_cli *cli, struct img_deid *d, int argc,
		       char **argv, struct img_err *err)
{
	if (strcmp(out, "-") == 0 && strcmp(argv[0], "-") == 0)
		return img_deid_stream(d, STDIN_FILENO, err);
	return img_cli_each(cli, argc, argv, input, d, err);
}

static int anonymize(struct img_cli *cli, int argc, char **argv,
		     struct img_anon_profile *p, struct img_err *err)
{
	const struct img_deid_host host = { emit, img_cli_host_hold,
					    img_cli_host_progress,
					    img_cli_host_stopped, cli };
	int pass = pass_fd == UINT64_MAX ? -1 : (int)pass_fd;
	char archive[IMG_PATH_MAX];
	struct img_deid_opts o = { .profile = p,
				   .random_key =
					   !key_file && pass_fd == UINT64_MAX,
				   .out = out,
				   .catalog = archive,
				   .map = map_file,
				   .key_file = key_file,
				   .rules = rules_file,
				   .report = report,
				   .risk = risk,
				   .id_map = id_map,
				   .linkage = linkage,
				   .trustee = trustee,
				   .jobs = (unsigned)jobs };
	struct img_codec *codec = NULL;
	struct img_key *key = NULL;
	struct img_deid *d = NULL;
	int rc = -1;

	/* The jail of the codecs is to know neither key nor map. */
	if (p->pixels >= IMG_PIXELS_CLEAN && img_codec_open(&codec, err) < 0)
		goto out;
	if (img_cli_catalog_if(dir, archive, err) < 0 ||
	    img_key_get(&key, key_file, pass, err) < 0)
		goto out;
	o.key = key;
	img_cli_wait(cli, argc, argv);
	o.codec = codec;
	if (img_deid_open(&d, &o, &host, err) < 0)
		goto out;
	rc = read_inputs(cli, d, argc, argv, err);
	if (rc == 0)
		rc = img_deid_finish(d, err);
out:
	img_deid_close(d);
	img_codec_close(codec);
	img_key_free(key);
	return rc;
}

static int run(struct img_cli *cli, int argc, char **argv, struct img_err *err)
{
	const struct img_deid_wish wish = { preset,    pixels,     prefix,
					    range,     rules_file, option.item,
					    mask.item, option.n,   mask.n };
	const struct img_deid_reading reading = { linkage,
						  trustee,
						  img_cli_host_text,
						  unsealed,
						  img_cli_host_stopped,
						  cli };
	struct img_anon_profile p;
	int rc;

	if (img_crypto_init(err) < 0)
		return -1;
	if (new_key)
		return img_key_make(new_key, err);
	if (new_trustee)
		return img_seal_make(new_trustee, err);
	if (reidentify)
		return img_deid_reidentify(&reading, err);
	rc = img_deid_profile(&p, &wish, err);
	if (rc == 0)
		rc = explain ? img_deid_explain(&p, explain, img_cli_host_text,
						cli, err)
			     : anonymize(cli, argc, argv, &p, err);
	img_deid_profile_release(&p);
	return rc;
}

int main(int argc, char **argv)
{
	struct img_cli cli =
		IMG_CLI("imganon", "-o dir [options] [path | uid ...]",
			"de-identified objects (DICOM PS3.15 "
			"Annex E, " IMG_ANON_EDITION ")",
			opts);
	struct img_err err = IMG_ERR_INIT;

	cli.edition = "DICOM PS3.15 " IMG_ANON_EDITION " Table E.1-1";
	cli.verbs = "deidentified withheld missing ignored";
	cli.examples = "imganon --new-key study.key\n"
		       "imganon --key study.key -o out /mnt/trial\n"
		       "imgquery -l series Modality=CT | imganon "
		       "--key study.key --profile research -o out\n";
	img_cli_parse(&cli, &argc, &argv);
	check(&cli, argc);
	cli.no_records = out && strcmp(out, "-") == 0;
	if (is_other())
		cli.verbs = NULL;
	if (run(&cli, argc, argv, &err) < 0 && !img_cli_stopped(&cli)) {
		if (err.code == IMG_E_UNSUPPORTED)
			img_cli_usage(&cli, "%s", err.text);
		img_cli_fail(&cli, &err);
	}
	if (ignored && !other)
		img_cli_no(&cli);
	if (!is_other())
		img_cli_want(&cli);
	return img_cli_finish(&cli);
}
