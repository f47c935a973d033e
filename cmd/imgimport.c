/* imgimport - images from anywhere into the archive, one record each. */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "crypto/crypto.h"
#include "work/estimate.h"
#include "work/ingest.h"

static bool in_place, no_create, rehash, dry_run, quarantine, pixel_digest;
/* In the order of enum img_on_conflict. */
#define HOW "keep|replace|reject"

static const char *dir, *on_conflict = "keep", *from_tar;
static uint64_t jobs, max_members, max_size, max_total, max_ratio;
static uint64_t passphrase_fd = UINT64_MAX;
static struct img_list set;
static struct img_estimate *estimate;

static const struct img_opt opts[] = {
	IMG_OPT_CATALOG(&dir),
	{ 0, "no-create", NULL, "make no archive: it must be there",
	  IMG_OPT_FLAG, &no_create, NULL, 0 },
	{ 'n', "dry-run", NULL, "write nothing, say what would be done",
	  IMG_OPT_FLAG, &dry_run, NULL, 0 },
	{ 'j', "jobs", "n", "files examined side by side", IMG_OPT_U64, &jobs,
	  NULL, 15 },
	{ 0, "in-place", NULL, "catalog files where they lie, copy nothing",
	  IMG_OPT_FLAG, &in_place, NULL, 0 },
	{ 0, "on-conflict", "how", "same UID, other bytes: what to do",
	  IMG_OPT_CHOICE, &on_conflict, HOW, 0 },
	{ 0, "quarantine", NULL, "keep a copy of what is rejected",
	  IMG_OPT_FLAG, &quarantine, NULL, 0 },
	{ 0, "pixel-digest", NULL, "note what is in the images, decoded",
	  IMG_OPT_FLAG, &pixel_digest, NULL, 0 },
	{ 0, "set", "Keyword=value", "change an attribute on the way in",
	  IMG_OPT_LIST, &set, NULL, 0 },
	{ 0, "rehash", NULL, "read unchanged inputs again, too", IMG_OPT_FLAG,
	  &rehash, NULL, 0 },
	{ 0, "from-tar", "file", "read a tar stream; - is standard input",
	  IMG_OPT_STRING, &from_tar, NULL, 0 },
	{ 0, "passphrase-fd", "n", "opens members that are encrypted",
	  IMG_OPT_U64, &passphrase_fd, NULL, 1 << 20 },
	{ 0, "max-members", "n", "members of an archive", IMG_OPT_U64,
	  &max_members, NULL, 0 },
	{ 0, "max-size", "size", "bytes of one member", IMG_OPT_SIZE, &max_size,
	  NULL, 0 },
	{ 0, "max-total", "size", "bytes of all members", IMG_OPT_SIZE,
	  &max_total, NULL, 0 },
	{ 0, "max-ratio", "n", "bytes unpacked to bytes packed", IMG_OPT_U64,
	  &max_ratio, NULL, 1000000 },
	IMG_OPT_END
};

static void absent(void *arg, const char *dicomdir, const char *file_id,
		   uint64_t n)
{
	if (file_id)
		img_cli_warn(arg, "%s: lists %s, which is not there", dicomdir,
			     file_id);
	else
		img_cli_warn(arg, "%s: lists %llu more, which are not there",
			     dicomdir, (unsigned long long)n);
	while (n--)
		img_cli_count(arg, "absent", true);
}

static void progress(void *arg, uint64_t items, uint64_t bytes)
{
	img_cli_progress(arg, items, bytes, img_estimate_total(estimate));
}

static void check(struct img_cli *cli, int argc)
{
	if (in_place && set.n)
		img_cli_usage(cli, "--set changes bytes, --in-place leaves "
				   "them");
	if (in_place && quarantine)
		img_cli_usage(cli, "--quarantine copies, --in-place does not");
	if (dry_run && quarantine)
		img_cli_usage(cli, "--quarantine writes, --dry-run does not");
	if (dry_run && pixel_digest)
		img_cli_usage(cli, "--pixel-digest writes, --dry-run does not");
	if (passphrase_fd == 0 &&
	    (!argc || (from_tar && strcmp(from_tar, "-") == 0)))
		img_cli_usage(cli, "a passphrase on standard input comes "
				   "without inputs");
	if (from_tar && argc)
		img_cli_usage(cli, "--from-tar takes no operands");
	if (from_tar && in_place)
		img_cli_usage(cli, "--from-tar has no place to catalog");
}

/* A FIFO, as the shell makes for <(command), or a tape. */
static bool is_stream(const char *file)
{
	struct stat st;

	return stat(file, &st) == 0 &&
	       (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode));
}

static int read_tar(struct img_ingest *g, struct img_err *err)
{
	int fd, rc;

	if (strcmp(from_tar, "-") == 0)
		return img_ingest_tar(g, STDIN_FILENO, "-", err);
	if (!is_stream(from_tar))
		return img_ingest_path(g, from_tar, NULL, err);
	fd = open(from_tar, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return img_err_sys(err, "%s", from_tar);
	rc = img_ingest_tar(g, fd, from_tar, err);
	close(fd);
	return rc;
}

static int no_path(struct img_cli *cli, struct img_record *rec, uint64_t line)
{
	rec->status = "failed";
	img_err_set(&rec->error, IMG_E_USAGE,
		    "stdin: line %llu: a record without a path",
		    (unsigned long long)line);
	return img_cli_emit(cli, rec);
}

/* What imganon has withheld is named by the original's path: it passes. */
static bool passes(struct img_cli *cli, const struct img_record *rec)
{
	if (!img_record_has_status(rec, "withheld"))
		return false;
	img_cli_no(cli);
	(void)img_cli_emit(cli, rec);
	return true;
}

static int read_inputs(struct img_cli *cli, struct img_ingest *g, int argc,
		       char **argv, struct img_err *err)
{
	struct img_input in;
	int more, rc = 0;

	while (rc == 0 && (more = img_cli_next(cli, argc, argv, &in, err))) {
		if (more < 0)
			img_err_clear(err);
		else if (in.text)
			rc = img_ingest_path(g, in.text, NULL, err);
		else if (passes(cli, in.rec))
			continue;
		else if (in.rec->path)
			rc = img_ingest_path(g, in.rec->path, in.rec, err);
		else
			(void)no_path(cli, in.rec, in.line);
	}
	return rc;
}

static int import(struct img_cli *cli, int argc, char **argv,
		  struct img_err *err)
{
	struct img_ingest_opts o = {
		.jobs = (unsigned)jobs,
		.in_place = in_place,
		.rehash = rehash,
		.dry_run = dry_run,
		.no_create = no_create,
		.quarantine = quarantine,
		.compare = true,
		.pixel_digest = pixel_digest,
		.on_conflict =
			(enum img_on_conflict)img_cli_choice(HOW, on_conflict),
		.limits = { max_members, max_size, max_total,
			    (unsigned)max_ratio, NULL, 0 },
		.set = set.item,
		.n_set = set.n,
	};
	const struct img_ingest_host host = {
		img_cli_host_emit, img_cli_host_hold,    absent,
		progress,          img_cli_host_stopped, cli
	};
	struct img_passphrase *passphrase = NULL;
	struct img_ingest *g = NULL;
	char path[IMG_PATH_MAX];
	int rc = -1;

	if (img_cli_catalog_dir(dir, path, err) < 0 ||
	    img_cli_passphrase(&passphrase, passphrase_fd,
			       IMG_ARCHIVE_PASSPHRASE, err) < 0)
		goto out;
	if (passphrase)
		o.limits.passphrase = passphrase->text;
	if (img_ingest_open(&g, path, &o, &host, err) < 0)
		goto out;
	if (!cli->quiet && isatty(STDERR_FILENO))
		estimate = img_estimate_start(argv, (size_t)argc);
	rc = from_tar ? read_tar(g, err) : read_inputs(cli, g, argc, argv, err);
	if (rc == 0)
		rc = img_ingest_finish(g, err);
out:
	img_ingest_close(g);
	img_estimate_stop(estimate);
	img_passphrase_free(passphrase);
	return rc;
}

int main(int argc, char **argv)
{
	struct img_cli cli = IMG_CLI("imgimport", "[options] [path ...]",
				     "store images from files, folders, "
				     "archives and discs",
				     opts);
	struct img_err err = IMG_ERR_INIT;

	cli.verbs = "stored duplicate equivalent conflict rejected ignored "
		    "withheld absent";
	cli.examples = "imgimport /media/cdrom\n"
		       "imgimport *.zip disc.iso >records.jsonl\n"
		       "find /mnt/old -name '*.dcm' | imgimport -q\n";
	img_cli_parse(&cli, &argc, &argv);
	check(&cli, argc);
	if (import(&cli, argc, argv, &err) < 0)
		img_cli_fail(&cli, &err);
	/* A disc that is not mounted is an empty folder. */
	img_cli_want(&cli);
	return img_cli_finish(&cli);
}
