/* input.c - operands, or lines of stdin: records and paths. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/state.h"

#define CHUNK (64 * 1024)

/* A line of stdin that is no input: it is said so in a record of its own.
   path: as it stands there, "-" where that cannot be told. */
static int bad_input(struct img_cli *cli, const char *path,
		     const struct img_err *why, struct img_err *err)
{
	struct img_record rec;

	img_record_init(&rec);
	rec.path = path;
	img_err_set(&rec.error, why->code, "stdin: line %llu: %s",
		    (unsigned long long)cli->state->line, why->text);
	img_cli_emit(cli, &rec);
	return img_err_set(err, rec.error.code, "%s", rec.error.text);
}

static int bad_line(struct img_cli *cli, const struct img_err *why,
		    struct img_err *err)
{
	return bad_input(cli, "-", why, err);
}

static int read_failed(struct img_cli *cli, struct img_err *err)
{
	struct img_record rec;

	img_record_init(&rec);
	rec.path = "-";
	img_err_sys(&rec.error, "stdin");
	/* Half a line is none. */
	cli->state->in_at = cli->state->in_n;
	cli->state->in_end = true;
	img_cli_emit(cli, &rec);
	return img_err_set(err, rec.error.code, "%s", rec.error.text);
}

/* Makes room for a chunk behind what is there. */
static int make_room(struct img_cli_state *st, struct img_err *err)
{
	char *more;

	if (st->in_at) {
		memmove(st->in, st->in + st->in_at, st->in_n - st->in_at);
		st->in_n -= st->in_at;
		st->in_at = 0;
	}
	if (st->in_room - st->in_n > CHUNK)
		return 0;
	more = realloc(st->in, st->in_n + 4 * CHUNK);
	if (!more)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	st->in = more;
	st->in_room = st->in_n + 4 * CHUNK;
	return 0;
}

/* 1 something was read, 0 the end (or a signal), -1 with errno. */
static int fill(struct img_cli_state *st)
{
	ssize_t n;

	do {
		if (!cli_wait_stdin())
			return 0;
		n = read(0, st->in + st->in_n, CHUNK);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n > 0)
		st->in_n += (size_t)n;
	return n < 0 ? -1 : n > 0;
}

static int too_long(struct img_cli *cli, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	cli->state->line++;
	img_err_set(&why, IMG_E_LIMIT, "longer than %d bytes", IMG_LINE_MAX);
	return bad_line(cli, &why, err);
}

/* Throws away what is left of a line that is too long. */
static int skip_line(struct img_cli *cli, char end, struct img_err *err)
{
	struct img_cli_state *st = cli->state;
	char *stop;
	int rc = 1;

	while (!(stop = memchr(st->in, end, st->in_n)) && rc > 0) {
		st->in_at = st->in_n = 0;
		rc = fill(st);
	}
	st->in_at = stop ? (size_t)(stop - st->in) + 1 : st->in_n;
	st->in_end = rc <= 0;
	return too_long(cli, err);
}

/* Reads until a line is there; its end, or NULL with what is left at the end
   of stdin.  -1 in *rc: reported. */
static char *find_end(struct img_cli *cli, char end, int *rc,
		      struct img_err *err)
{
	struct img_cli_state *st = cli->state;
	size_t seen = 0;

	for (*rc = 0; *rc == 0 && !st->in_end;) {
		char *at = st->in + st->in_at;
		char *stop = st->in_n - st->in_at == seen
				     ? NULL
				     : memchr(at + seen, end,
					      st->in_n - st->in_at - seen);

		if (stop)
			return stop;
		seen = st->in_n - st->in_at;
		if (make_room(st, err) < 0) {
			st->in_end = true;
			*rc = bad_line(cli, err, err);
		} else if (seen > IMG_LINE_MAX) {
			*rc = skip_line(cli, end, err);
		} else {
			int got = fill(st);

			st->in_end = got <= 0;
			*rc = got < 0 ? read_failed(cli, err) : 0;
		}
	}
	return NULL;
}

/* PS3.10 7.1.  Its bytes are no paths, and have no place in messages. */
static bool is_dicom(const struct img_cli_state *st)
{
	return st->line == 0 && st->in_at == 0 && st->in_n >= 132 &&
	       memcmp(st->in + 128, "DICM", 4) == 0;
}

/* As another system's shell writes lists: no line of it would be one. */
static bool is_utf16(const struct img_cli *cli, const char *line, size_t n)
{
	return !cli->nul && cli->state->line == 0 && img_utf16_mark(line, n) &&
	       memchr(line, '\0', n);
}

/* All of stdin is one failure. */
static int refuse_all(struct img_cli *cli, const char *why, struct img_err *err)
{
	struct img_err told = IMG_ERR_INIT;

	cli->state->line++;
	cli->state->in_at = cli->state->in_n;
	cli->state->in_end = true;
	img_err_set(&told, IMG_E_USAGE, "%s", why);
	return bad_line(cli, &told, err);
}

/* The next line, its end replaced by a NUL: 1, 0 at the end of stdin, -1. */
static int next_line(struct img_cli *cli, char **line, size_t *n,
		     struct img_err *err)
{
	struct img_cli_state *st = cli->state;
	int rc;
	char *stop = find_end(cli, cli->nul ? '\0' : '\n', &rc, err);

	if (rc < 0)
		return -1;
	if (cli_signal || (!stop && st->in_at == st->in_n))
		return 0;
	if (is_dicom(st))
		return refuse_all(cli,
				  "a DICOM object, where paths or records are "
				  "read",
				  err);
	*line = st->in + st->in_at;
	*n = stop ? (size_t)(stop - *line) : st->in_n - st->in_at;
	if (is_utf16(cli, *line, *n))
		return refuse_all(cli,
				  "UTF-16, where UTF-8 is read; nothing of it "
				  "was",
				  err);
	(*line)[*n] = '\0';
	st->in_at += *n + (stop ? 1 : 0);
	if (*n > IMG_LINE_MAX)
		return too_long(cli, err);
	st->line++;
	return 1;
}

/* What another system's lists have around a name, where there is nothing of
   the name with it.  It is not taken off: names may have it. */
static int check_name(struct img_cli *cli, const char *line, size_t n,
		      struct img_err *err)
{
	const char *what = NULL;
	struct img_err why = IMG_ERR_INIT;
	struct stat st;

	if (line[n - 1] == '\r')
		what = "ends in CR: the list looks like one from Windows, and "
		       "tr -d '\\r' mends it";
	else if (cli->state->line == 1 && img_utf8_mark(line, n))
		what = "begins with a byte order mark: the list looks like one "
		       "from Windows, and tail -c +4 mends it";
	if (!what || lstat(line, &st) == 0 || errno != ENOENT)
		return 0;
	img_err_set(&why, IMG_E_USAGE, "nothing has this name, and it %s",
		    what);
	return bad_input(cli, line, &why, err);
}

/* What the command before us did not take for an object: a text, a viewer. */
static bool is_set_aside(const struct img_record *r)
{
	return r->status && strcmp(r->status, "ignored") == 0 && !r->study &&
	       !r->series && !r->sop;
}

/* 1 an input, 0 nothing to hand out (an empty line, a record that rides
   through), -1 a bad line. */
static int judge_line(struct img_cli *cli, char *line, size_t n,
		      struct img_input *in, struct img_err *err)
{
	struct img_cli_state *st = cli->state;
	struct img_err why = IMG_ERR_INIT;

	if (n == 0)
		return 0;
	if (cli->nul || *line != '{') {
		if (strlen(line) != n) {
			img_err_set(&why, IMG_E_MALFORMED,
				    "NUL in a path; -0 is for those that end "
				    "with it");
			return bad_line(cli, &why, err);
		}
		if (check_name(cli, line, n, err) < 0)
			return -1;
		in->text = line;
		return 1;
	}
	if (img_record_parse(&st->rec, line, n, &why) < 0)
		return bad_line(cli, &why, err);
	if (st->rec.error.code != IMG_OK || is_set_aside(&st->rec)) {
		cli_pass(cli, &st->rec, line, n);
		img_record_release(&st->rec);
		return 0;
	}
	in->rec = &st->rec;
	return 1;
}

void img_cli_wait(struct img_cli *cli, int argc, char **argv)
{
	(void)cli;
	if (argc ? strcmp(argv[0], "-") == 0 : !isatty(0))
		(void)cli_wait_stdin();
}

static int next(struct img_cli *cli, int argc, char **argv,
		struct img_input *in, struct img_err *err)
{
	struct img_cli_state *st = cli->state;
	bool first = !st->began;

	st->began = true;
	in->text = NULL;
	in->rec = NULL;
	img_record_release(&st->rec);
	if (first && argc == 0) {
		if (isatty(0))
			img_cli_usage(cli, "nothing to do: no operands, and "
					   "stdin is a terminal");
		st->reading = true;
	}
	while (!cli_signal && !st->out_failed) {
		char *line = NULL;
		size_t n = 0;
		int rc;

		if (st->reading) {
			rc = next_line(cli, &line, &n, err);
			if (rc > 0)
				rc = judge_line(cli, line, n, in, err);
			else if (rc == 0)
				st->reading = false;
			if (rc != 0)
				return rc;
		} else if (st->operand >= argc) {
			return 0;
		} else if (strcmp(argv[st->operand++], "-") == 0) {
			st->reading = true;
		} else {
			in->text = argv[st->operand - 1];
			return 1;
		}
	}
	return 0;
}

int img_cli_next(struct img_cli *cli, int argc, char **argv,
		 struct img_input *in, struct img_err *err)
{
	int rc = next(cli, argc, argv, in, err);

	in->line = cli->state->reading ? cli->state->line : 0;
	cli->state->handed |= rc > 0;
	return rc;
}

int img_cli_each(struct img_cli *cli, int argc, char **argv, img_cli_input_fn f,
		 void *arg, struct img_err *err)
{
	struct img_input in;
	int more, rc = 0;

	while (rc == 0 && (more = img_cli_next(cli, argc, argv, &in, err))) {
		if (more > 0)
			rc = f(arg, &in, err);
		else
			img_err_clear(err);
	}
	return rc;
}
