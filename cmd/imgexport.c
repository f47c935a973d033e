/* imgexport - images out: a folder, an archive, a disc that reads back. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "archive/archive.h"
#include "cli/cli.h"
#include "crypto/crypto.h"
#include "work/export.h"

static const char *dir, *form = "folder", *allow;
static struct img_list set;
static struct img_export_opts o;
static uint64_t jobs, passphrase_fd = UINT64_MAX;

static const struct img_opt opts[] = {
	IMG_OPT_CATALOG(&dir),
	{ 'n', "dry-run", NULL, "say what would be written", IMG_OPT_FLAG,
	  &o.dry_run, NULL, 0 },
	{ 'o', "output", "dest", "folder or file to make", IMG_OPT_STRING,
	  &o.out, NULL, 0 },
	{ 'j', "jobs", "n", "objects worked on side by side", IMG_OPT_U64,
	  &jobs, NULL, 16 },
	{ 0, "as", "form", "what to make", IMG_OPT_CHOICE, &form,
	  "folder|tar|zip|iso|png|jpeg|npy|nifti", 0 },
	{ 0, "deflate", NULL, "compress the members of a zip file",
	  IMG_OPT_FLAG, &o.deflate, NULL, 0 },
	{ 0, "passphrase-fd", "n", "encrypt the members of a zip file",
	  IMG_OPT_U64, &passphrase_fd, NULL, 1 << 20 },
	{ 0, "volume", "name", "name of a disc", IMG_OPT_STRING, &o.volume,
	  NULL, 0 },
	{ 0, "allow", "what", "lossy: decode what was compressed with loss",
	  IMG_OPT_CHOICE, &allow, "lossy", 0 },
	{ 0, "burn", "device", "burn the image on a disc and read it back",
	  IMG_OPT_STRING, &o.burn, NULL, 0 },
	{ 0, "institution", "text", "who gives it, for README.TXT",
	  IMG_OPT_STRING, &o.institution, NULL, 0 },
	{ 0, "media", NULL, "a DICOM file-set with DICOMDIR and IHE PDI",
	  IMG_OPT_FLAG, &o.media, NULL, 0 },
	{ 0, "no-web", NULL, "no pages for a browser on it", IMG_OPT_FLAG,
	  &o.no_web, NULL, 0 },
	{ 0, "plain-vrs", NULL, "VRs younger than 2000 become UN", IMG_OPT_FLAG,
	  &o.plain_vrs, NULL, 0 },
	{ 0, "profile", "name", "application profile of the media",
	  IMG_OPT_STRING, &o.profile, NULL, 0 },
	{ 0, "set", "Keyword=value", "for DICOMDIR keys that are empty",
	  IMG_OPT_LIST, &set, NULL, 0 },
	{ 0, "split", "size",
	  "numbered volumes of at most this, as 4.37G for a DVD", IMG_OPT_SIZE,
	  &o.split, NULL, 0 },
	{ 0, "transfer-syntax", "name", "how objects are encoded",
	  IMG_OPT_STRING, &o.syntax, NULL, 0 },
	{ 0, "window", "c,w", "of pictures; or lung, brain, ...; or 2: its 2nd",
	  IMG_OPT_STRING, &o.window, NULL, 0 },
	{ 0, "layout", "template", "names of files, as {PatientID}/{Modality}",
	  IMG_OPT_STRING, &o.layout, NULL, 0 },
	{ 0, "link", NULL, "hard links instead of copies", IMG_OPT_FLAG,
	  &o.link, NULL, 0 },
	{ 0, "force", NULL, "replace what an earlier export has made",
	  IMG_OPT_FLAG, &o.force, NULL, 0 },
	{ 0, "no-verify", NULL, "do not read again what was written",
	  IMG_OPT_FLAG, &o.trust, NULL, 0 },
	IMG_OPT_END
};

static bool any; /* was exported, or should have been */

static int emit(void *arg, const struct img_record *rec)
{
	any |= rec->error.code != IMG_OK ||
	       !img_record_has_status(rec, "ignored");
	/* Not everything that was named goes out. */
	if (img_record_has_status(rec, "withheld missing damaged invalid"))
		img_cli_no(arg);
	return img_cli_emit(arg, rec);
}

static void progress(void *arg, uint64_t items, uint64_t bytes, uint64_t total)
{
	img_cli_progress(arg, items, bytes, total);
}

/* A line of README.TXT, and of a page. */
static bool is_line(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return img_utf8_ok(text, strlen(text));
}

static void check_media(struct img_cli *cli)
{
	if (o.media && o.layout)
		img_cli_usage(cli, "--media has names of its own, no --layout");
	if (!o.media &&
	    (o.profile || o.split || set.n || o.institution || o.no_web))
		img_cli_usage(cli, "--profile, --split, --set, --institution "
				   "and --no-web are for --media");
	if (o.institution && !is_line(o.institution))
		img_cli_usage(cli, "--institution is one line of text in "
				   "UTF-8");
	o.set = set.item;
	o.set_count = set.n;
	o.allow_lossy = allow != NULL;
}

static void check(struct img_cli *cli, int argc)
{
	static const char *const forms[] = { "folder", "tar",  "zip", "iso",
					     "png",    "jpeg", "npy", "nifti" };

	if (!o.out)
		img_cli_usage(cli, "-o says where the images go");
	while (strcmp(form, forms[o.form]) != 0)
		o.form++;
	if (strcmp(o.out, "-") == 0 && o.form != IMG_EXPORT_TAR &&
	    o.form != IMG_EXPORT_ZIP)
		img_cli_usage(cli, "-o - is for --as tar and --as zip");
	if (o.form > IMG_EXPORT_ISO && (o.media || o.syntax))
		img_cli_usage(cli, "pictures are neither --media nor "
				   "--transfer-syntax");
	if (o.window && o.form != IMG_EXPORT_PNG && o.form != IMG_EXPORT_JPEG)
		img_cli_usage(cli, "--window is for --as png and --as jpeg");
	if (o.burn && (o.form != IMG_EXPORT_ISO || o.dry_run))
		img_cli_usage(cli, "--burn is for --as iso, and not for -n");
	if (o.link && o.form != IMG_EXPORT_FOLDER)
		img_cli_usage(cli, "--link is for --as folder");
	if (o.deflate && o.form != IMG_EXPORT_ZIP)
		img_cli_usage(cli, "--deflate is for --as zip");
	if (o.volume && o.form != IMG_EXPORT_ISO && !o.media)
		img_cli_usage(cli, "--volume is for --as iso and --media");
	if (passphrase_fd != UINT64_MAX && o.form != IMG_EXPORT_ZIP)
		img_cli_usage(cli, "--passphrase-fd is for --as zip");
	if (passphrase_fd == 0 && !argc)
		img_cli_usage(cli, "a passphrase on standard input comes "
				   "without inputs");
	check_media(cli);
}

static int input(void *arg, const struct img_input *in, struct img_err *err)
{
	return in->rec ? img_export_record(arg, in->rec, err)
		       : img_export_text(arg, in->text, err);
}

static int run(struct img_cli *cli, int argc, char **argv, struct img_err *err)
{
	const struct img_export_host host = { emit, progress,
					      img_cli_host_stopped, cli };
	struct img_passphrase *passphrase = NULL;
	struct img_export *x = NULL;
	char archive[IMG_PATH_MAX];
	int rc = -1;

	if (img_cli_passphrase(&passphrase, passphrase_fd,
			       IMG_ARCHIVE_PASSPHRASE, err) < 0 ||
	    img_crypto_init(err) < 0 ||
	    img_cli_catalog_if(dir, archive, err) < 0)
		goto out;
	o.catalog = archive;
	o.jobs = (unsigned)jobs;
	o.passphrase = passphrase ? passphrase->text : NULL;
	img_cli_wait(cli, argc, argv);
	if (img_export_open(&x, &o, &host, err) == 0)
		rc = img_cli_each(cli, argc, argv, input, x, err);
	/* The records come all at once. */
	img_cli_hold(cli, true);
	if (rc == 0 && !img_cli_stopped(cli))
		rc = img_export_finish(x, err);
	img_cli_hold(cli, false);
	if (rc == 0 && !any)
		img_cli_no(cli);
	/* Whoever burns it for one of them should know. */
	if (rc == 0 && o.media && !cli->quiet && img_export_patients(x) > 1)
		img_cli_warn(cli, "%llu patients are on it",
			     (unsigned long long)img_export_patients(x));
out:
	img_export_close(x);
	img_passphrase_free(passphrase);
	return rc;
}

int main(int argc, char **argv)
{
	struct img_cli cli =
		IMG_CLI("imgexport", "-o dest [options] [path | uid ...]",
			"images out: a folder, an archive, a disc "
			"that reads back",
			opts);
	struct img_err err = IMG_ERR_INIT;

	cli.verbs = "exported ignored withheld missing damaged invalid";
	cli.examples = "imgexport -o out 1.2.840.113619.2.5.1762583153\n"
		       "imgquery PatientID=TEST-0001 | imgexport -o out\n";
	img_cli_parse(&cli, &argc, &argv);
	check(&cli, argc);
	cli.no_records = strcmp(o.out, "-") == 0;
	/* Zip files and ISO 9660 have local times: the same bytes anywhere. */
	setenv("TZ", "UTC0", 1);
	tzset();
	if (run(&cli, argc, argv, &err) < 0 && !img_cli_stopped(&cli))
		img_cli_fail(&cli, &err);
	img_cli_want(&cli);
	return img_cli_finish(&cli);
}
