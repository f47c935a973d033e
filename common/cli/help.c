/* help.c - --help, --version and --options, all from the option table. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/state.h"

#define HELP_COLUMN 30

int cli_add_usage(struct img_cli *cli, struct img_buf *b, struct img_err *err)
{
	const char *how = cli->synopsis, *lead = "usage:";

	for (;;) {
		int n = (int)strcspn(how, "\n");

		if (img_buf_printf(b, err, "%s %s %.*s\n", lead, cli->name, n,
				   how) < 0)
			return -1;
		how += n;
		if (!*how++)
			return 0;
		lead = "      ";
	}
}

static _Noreturn void print(struct img_cli *cli, struct img_buf *b, int rc,
			    struct img_err *err)
{
	bool gone = false;

	if (rc == 0 && img_write_full(1, b->data, b->len) < 0) {
		gone = errno == EPIPE;
		rc = img_err_sys(err, "stdout");
	}
	if (rc < 0 && !gone)
		cli_message(cli, err->text);
	img_buf_release(b);
	exit(gone ? 128 + SIGPIPE : rc < 0 ? 3 : 0);
}

static int help_option(struct img_buf *b, const struct img_opt *o,
		       struct img_err *err)
{
	char left[80], letter[8] = "    ";
	size_t n;

	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	snprintf(left, sizeof(left), "  %s--%s%s%s", letter, o->name,
		 o->arg ? " " : "", o->arg ? o->arg : "");
	n = strlen(left);
	if (n >= HELP_COLUMN && img_buf_printf(b, err, "%s\n", left) < 0)
		return -1;
	return img_buf_printf(
		b, err, "%-*s%s%s%s%s\n", HELP_COLUMN,
		n >= HELP_COLUMN ? "" : left, o->help, o->choices ? " (" : "",
		o->choices ? o->choices : "", o->choices ? ")" : "");
}

static int help_examples(struct img_buf *b, const char *s, struct img_err *err)
{
	if (img_buf_puts(b, "\nExamples:\n", err) < 0)
		return -1;
	while (*s) {
		int n = (int)strcspn(s, "\n");

		if (img_buf_printf(b, err, "%s%.*s\n", *s == ' ' ? "" : "  ", n,
				   s) < 0)
			return -1;
		s += n + (s[n] == '\n');
	}
	return 0;
}

void cli_help(struct img_cli *cli, const struct img_opt *all)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf b;
	int rc;

	img_buf_init(&b, IMG_LINE_MAX);
	rc = cli_add_usage(cli, &b, &err);
	if (rc == 0)
		rc = img_buf_printf(&b, &err, "%s - %s\n\nOptions:\n",
				    cli->name, cli->summary);
	for (; rc == 0 && all->kind != IMG_OPT_LAST; all++)
		if (all->help)
			rc = help_option(&b, all, &err);
	if (rc == 0 && cli->examples)
		rc = help_examples(&b, cli->examples, &err);
	print(cli, &b, rc, &err);
}

void cli_version(struct img_cli *cli)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf b;
	int rc;

	img_buf_init(&b, IMG_LINE_MAX);
	rc = img_buf_printf(&b, &err, "%s (imgtools) %s\n", cli->name,
			    IMG_VERSION);
	if (rc == 0 && cli->edition)
		rc = img_buf_printf(&b, &err, "%s\n", cli->edition);
	print(cli, &b, rc, &err);
}

void cli_dump(struct img_cli *cli, const struct img_opt *all)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf b;
	int rc = 0;

	img_buf_init(&b, IMG_LINE_MAX);
	for (; rc == 0 && all->kind != IMG_OPT_LAST; all++) {
		char letter[2] = { all->letter, '\0' };

		if (all->help)
			rc = img_buf_printf(
				&b, &err, "%s\t%s\t%s\t%s\t%s\n", letter,
				all->name, all->arg ? all->arg : "",
				all->choices ? all->choices : "", all->help);
	}
	print(cli, &b, rc, &err);
}
