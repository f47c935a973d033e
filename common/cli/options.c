/* options.c - the option table, parsed; wrong usage; the archive's folder. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/state.h"

#define LONG 1000 /* what getopt_long says for option 0 by its long name */

enum { HELP = IMG_OPT_LAST + 1, VERSION, QUIET, VERBOSE, NUL_PATHS, DUMP };

static const struct img_opt common[] = {
	{ '0', "null", NULL, "paths on stdin end in NUL",
	  (enum img_opt_kind)NUL_PATHS, NULL, NULL, 0 },
	{ 'q', "quiet", NULL, "no summing-up line, no progress",
	  (enum img_opt_kind)QUIET, NULL, NULL, 0 },
	{ 'v', "verbose", NULL, "say more on stderr",
	  (enum img_opt_kind)VERBOSE, NULL, NULL, 0 },
	{ 'h', "help", NULL, "show this help", (enum img_opt_kind)HELP, NULL,
	  NULL, 0 },
	{ 'V', "version", NULL, "show the version", (enum img_opt_kind)VERSION,
	  NULL, NULL, 0 },
	{ 0, "options", NULL, NULL, (enum img_opt_kind)DUMP, NULL, NULL, 0 },
	IMG_OPT_END
};

static struct img_cli_state the_state; /* one cli a process */

void img_cli_usage(struct img_cli *cli, const char *fmt, ...)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf usage;
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cli_message(cli, text);
	img_buf_init(&usage, IMG_LINE_MAX);
	if (cli_add_usage(cli, &usage, &err) == 0)
		(void)!write(2, usage.data, usage.len);
	img_buf_release(&usage);
	exit(64);
}

/* The command's table and the common one, ended by IMG_OPT_LAST. */
static size_t merge(struct img_cli *cli, struct img_opt *all)
{
	size_t n = 0;

	for (const struct img_opt *o = cli->opts;
	     o && o->kind != IMG_OPT_LAST && n < CLI_OPTIONS; o++)
		all[n++] = *o;
	for (const struct img_opt *o = common; o->kind != IMG_OPT_LAST; o++)
		all[n++] = *o;
	all[n] = (struct img_opt)IMG_OPT_END;
	return n;
}

int img_cli_choice(const char *choices, const char *word)
{
	size_t n = strlen(word);
	int i = 0;

	if (!n || strchr(word, '|'))
		return -1;
	for (const char *c = choices; c; c = strchr(c, '|'), i++) {
		c += *c == '|';
		if (strncmp(c, word, n) == 0 && (c[n] == '|' || !c[n]))
			return i;
	}
	return -1;
}

static void add_to_list(struct img_cli *cli, struct img_list *list,
			const char *item)
{
	const char **more =
		reallocarray(list->item, list->n + 1, sizeof(*list->item));

	if (!more) {
		cli_message(cli, "out of memory");
		exit(3);
	}
	list->item = more;
	list->item[list->n++] = item;
}

static void set_u64(struct img_cli *cli, const struct img_opt *o,
		    const char *arg)
{
	uint64_t max = o->max ? o->max : UINT64_MAX;

	if (img_parse_u64(arg, max, o->target))
		return;
	if (o->max)
		img_cli_usage(cli, "--%s: %s: not a whole number up to %llu",
			      o->name, arg, (unsigned long long)max);
	img_cli_usage(cli, "--%s: %s: not a whole number", o->name, arg);
}

static void set(struct img_cli *cli, const struct img_opt *all,
		const struct img_opt *o, const char *arg)
{
	switch ((int)o->kind) {
	case IMG_OPT_FLAG:
		*(bool *)o->target = true;
		break;
	case IMG_OPT_CHOICE:
		if (img_cli_choice(o->choices, arg) < 0)
			img_cli_usage(cli, "--%s: %s: not one of %s", o->name,
				      arg, o->choices);
		/* fall through */
	case IMG_OPT_STRING:
		/* A variable that is not set is not the default. */
		if (!*arg)
			img_cli_usage(cli, "--%s: no %s is given", o->name,
				      o->arg);
		*(const char **)o->target = arg;
		break;
	case IMG_OPT_LIST:
		add_to_list(cli, o->target, arg);
		break;
	case IMG_OPT_U64:
		set_u64(cli, o, arg);
		break;
	case IMG_OPT_SIZE:
		if (!img_parse_size(arg, o->target))
			img_cli_usage(cli, "--%s: %s: not a size like 700M",
				      o->name, arg);
		break;
	case IMG_OPT_TIME:
		if (!img_parse_duration(arg, o->target))
			img_cli_usage(cli, "--%s: %s: not a time like 4h",
				      o->name, arg);
		break;
	case HELP:
		cli_help(cli, all);
	case VERSION:
		cli_version(cli);
	case DUMP:
		cli_dump(cli, all);
	case QUIET:
		cli->quiet = true;
		break;
	case VERBOSE:
		cli->verbose++;
		break;
	case NUL_PATHS:
		cli->nul = true;
		break;
	}
}

/* A short form of several options' names: says which they are. */
static void complain_of_many(struct img_cli *cli, const struct option *longs,
			     const char *word)
{
	size_t n = strncmp(word, "--", 2) == 0 ? strcspn(word + 2, "=") : 0;
	struct img_err err = IMG_ERR_INIT;
	struct img_buf names;
	unsigned several = 0;
	int rc = 0;

	img_buf_init(&names, 4096);
	for (; rc == 0 && longs->name; longs++)
		if (strncmp(longs->name, word + 2, n) == 0)
			rc = img_buf_printf(&names, &err, "%s --%s",
					    several++ ? "," : "", longs->name);
	if (n && several && rc == 0)
		img_cli_usage(cli, "option --%.*s is short for several:%s",
			      (int)n, word + 2, names.data);
	img_buf_release(&names);
}

/* What getopt_long did not like about the option it stands behind. */
static _Noreturn void complain(struct img_cli *cli, const struct option *longs,
			       char **argv, int c)
{
	const char *word = argv[optind - 1];

	if (c == ':' && optopt < LONG)
		img_cli_usage(cli, "option -%c needs an argument", optopt);
	if (c == ':')
		img_cli_usage(cli, "option %s needs an argument", word);
	if (optopt >= LONG)
		img_cli_usage(cli, "option %.*s takes no argument",
			      (int)strcspn(word, "="), word);
	if (optopt)
		img_cli_usage(cli, "unknown option -%c", optopt);
	complain_of_many(cli, longs, word);
	img_cli_usage(cli, "unknown option %s", word);
}

static const struct img_opt *by_letter(const struct img_opt *all, int letter)
{
	while (all->kind != IMG_OPT_LAST && all->letter != letter)
		all++;
	return all;
}

static void parse(struct img_cli *cli, int argc, char **argv)
{
	static struct img_opt all[CLI_OPTIONS + 8];
	static struct option longs[CLI_OPTIONS + 8];
	static char shorts[2 * CLI_OPTIONS + 16] = ":";
	size_t n = merge(cli, all), at = 1;
	int c;

	for (size_t i = 0; i < n; i++) {
		longs[i] = (struct option){ all[i].name,
					    all[i].arg ? required_argument
						       : no_argument,
					    NULL, LONG + (int)i };
		if (all[i].letter)
			shorts[at++] = all[i].letter;
		if (all[i].letter && all[i].arg)
			shorts[at++] = ':';
	}
	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (c == '?' || c == ':')
			complain(cli, longs, argv, c);
		set(cli, all, c >= LONG ? &all[c - LONG] : by_letter(all, c),
		    optarg);
	}
}

void img_cli_parse(struct img_cli *cli, int *argc, char ***argv)
{
	cli_start();
	cli->state = &the_state;
	the_state.start = img_time_mono();
	img_record_init(&the_state.rec);
	parse(cli, *argc, *argv);
	*argc -= optind;
	*argv += optind;
	cli_out_init(cli);
	cli_progress_init(cli);
}

int img_cli_catalog_if(const char *dir, char *out, struct img_err *err)
{
	const char *home = getenv("HOME"), *data = getenv("XDG_DATA_HOME");

	if (!dir || !*dir)
		dir = getenv("IMG_CATALOG");
	if (dir && *dir) {
		if (strlen(dir) >= IMG_PATH_MAX)
			return img_err_set(err, IMG_E_LIMIT,
					   "archive's path is too long");
		memcpy(out, dir, strlen(dir) + 1);
		return 0;
	}
	if (data && *data == '/')
		return img_path_join(out, IMG_PATH_MAX, data, "imgtools", err);
	if (home && *home)
		return img_path_join(out, IMG_PATH_MAX, home,
				     ".local/share/imgtools", err);
	*out = '\0';
	return 0;
}

int img_cli_catalog_dir(const char *dir, char *out, struct img_err *err)
{
	if (img_cli_catalog_if(dir, out, err) < 0)
		return -1;
	return *out ? 0
		    : img_err_set(err, IMG_E_USAGE,
				  "no archive: give -C or set IMG_CATALOG");
}
