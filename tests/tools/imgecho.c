/*
 * imgecho - a command that does nothing but what every command does: for the
 * tests of common/cli.  A path that ends in .bad fails, in .no is a no, in
 * .busy is busy, in .bug is our own mistake, in .nap takes a second.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static bool flag, table, fail;
static const char *word = "none", *choice = "none", *dir;
static struct img_list list;
static uint64_t number, size;
static uint64_t items;

static const struct img_opt opts[] = {
	IMG_OPT_CATALOG(&dir),
	{ 'f', "flag", NULL, "a flag", IMG_OPT_FLAG, &flag, NULL, 0 },
	{ 'w', "word", "text", "any text", IMG_OPT_STRING, &word, NULL, 0 },
	{ 'l', "list", "file", "more than one", IMG_OPT_LIST, &list, NULL, 0 },
	{ 'm', "number", "n", "up to 100", IMG_OPT_U64, &number, NULL, 100 },
	{ 0, "size", "bytes", "a size", IMG_OPT_SIZE, &size, NULL, 0 },
	{ 'c', "choice", "how", "one of three", IMG_OPT_CHOICE, &choice,
	  "keep|replace|reject", 0 },
	{ 0, "table", NULL, "print a table", IMG_OPT_FLAG, &table, NULL, 0 },
	{ 0, "fail", NULL, "cannot begin", IMG_OPT_FLAG, &fail, NULL, 0 },
	IMG_OPT_END
};

/* 0 done, 1 the answer is no, -1 failed. */
static int judge(struct img_cli *cli, struct img_record *rec,
		 struct img_err *err)
{
	const char *path = rec->path ? rec->path : "-";

	items++;
	if (flag)
		img_cli_progress(cli, items, items * 1000000, 9000000);
	if (img_path_has_ext(path, ".nap"))
		sleep(1);
	if (img_path_has_ext(path, ".bad"))
		return img_err_set(err, IMG_E_NOT_DICOM, "%s: not a DICOM file",
				   path);
	if (img_path_has_ext(path, ".busy"))
		return img_err_set(err, IMG_E_BUSY, "%s: busy", path);
	if (img_path_has_ext(path, ".bug"))
		return img_err_set(err, IMG_E_BUG, "%s: bug", path);
	if (img_path_has_ext(path, ".warn"))
		img_record_warn(rec, "two names");
	rec->status = img_path_has_ext(path, ".dup")   ? "duplicate"
		      : img_path_has_ext(path, ".con") ? "conflict"
						       : "stored";
	return img_path_has_ext(path, ".no") ? 1 : 0;
}

static int echo(void *arg, const struct img_input *in, struct img_err *err)
{
	struct img_cli *cli = arg;
	struct img_record operand, *rec = in->rec ? in->rec : &operand;
	int rc;

	img_record_init(&operand);
	operand.path = in->text;
	/* The status of the command before us is not ours. */
	rec->status = NULL;
	rc = judge(cli, rec, err);
	if (rc == 1)
		img_cli_no(cli);
	if (rc < 0)
		rec->error = *err;
	img_err_clear(err);
	return img_cli_emit(cli, rec);
}

static void print_table(struct img_cli *cli, int argc, char **argv)
{
	static const char *const heads[] = { "Name", "Value" };
	struct img_err err = IMG_ERR_INIT;
	struct img_table *t = img_table_new(heads, 2, &err);

	for (int i = 0; t && i + 1 < argc; i += 2)
		img_table_row(t, (const char *const *)argv + i, &err);
	if (t)
		img_table_print(t, cli);
	img_table_free(t);
}

static void print_options(struct img_cli *cli)
{
	char text[300];
	int n = snprintf(text, sizeof(text),
			 "flag %d word %s list %zu number %llu size %llu "
			 "choice %s\n",
			 flag, word, list.n, (unsigned long long)number,
			 (unsigned long long)size, choice);

	img_cli_emit_text(cli, text, (size_t)n);
}

int main(int argc, char **argv)
{
	struct img_cli cli = IMG_CLI("imgecho", "[-f] [-C dir] [path ...]",
				     "say what came in", opts);
	struct img_err err = IMG_ERR_INIT;
	char where[IMG_PATH_MAX];

	cli.verbs = "stored duplicate conflict";
	cli.examples = "imgecho a b\n";
	img_cli_parse(&cli, &argc, &argv);
	if (fail)
		img_err_set(&err, IMG_E_BUSY, "the archive is busy");
	if (fail || img_cli_catalog_dir(dir, where, &err) < 0)
		img_cli_fail(&cli, &err);
	else if (table)
		print_table(&cli, argc, argv);
	else if (argc == 1 && strcmp(argv[0], "options") == 0)
		print_options(&cli);
	else if (argc == 1 && strcmp(argv[0], "where") == 0)
		img_cli_emit_text(&cli, where, strlen(where));
	else {
		img_cli_wait(&cli, argc, argv);
		img_cli_each(&cli, argc, argv, echo, &cli, &err);
	}
	return img_cli_finish(&cli);
}
