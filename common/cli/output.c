/* output.c - records out, what is counted, the summing up, the status. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/state.h"

void cli_out_init(struct img_cli *cli)
{
	struct stat sb;

	img_buf_init(&cli->state->out, 2 * IMG_LINE_MAX);
	cli->state->out_late = fstat(1, &sb) == 0 && S_ISREG(sb.st_mode);
}

static void out_failed(struct img_cli *cli, const struct img_err *err)
{
	if (!cli->state->out_failed)
		cli_message(cli, err->text);
	cli->state->out_failed = true;
}

/* A reader that wants no more is nothing to speak of. */
static void cannot_write(struct img_cli *cli, struct img_err *err)
{
	struct img_cli_state *st = cli->state;

	if (errno == EPIPE && !st->out_failed) {
		st->out_gone = st->out_failed = true;
	} else {
		img_err_sys(err, "stdout");
		out_failed(cli, err);
	}
}

void img_cli_flush(struct img_cli *cli)
{
	struct img_cli_state *st = cli->state;
	struct img_err err = IMG_ERR_INIT;
	struct pollfd out = { .fd = 1, .events = POLLOUT };
	size_t put = 0;

	cli_lock();
	while (put < st->out.len && !st->out_failed) {
		ssize_t n = write(1, st->out.data + put, st->out.len - put);

		if (n >= 0) {
			put += (size_t)n;
		} else if (errno == EAGAIN && poll(&out, 1, -1) > 0) {
			continue;
		} else if (errno != EINTR || cli_signals > 1) {
			/* Asked twice to stop, nobody reads: give up. */
			cannot_write(cli, &err);
		}
	}
	img_buf_reset(&st->out);
	cli_unlock();
}

void img_cli_hold(struct img_cli *cli, bool held)
{
	cli_lock();
	cli->state->out_held = held;
	if (!held && !cli->state->out_late)
		img_cli_flush(cli);
	cli_unlock();
}

static int written(struct img_cli *cli)
{
	struct img_cli_state *st = cli->state;

	if ((!st->out_late && !st->out_held) || st->out.len >= CLI_OUT)
		img_cli_flush(cli);
	return st->out_failed ? -1 : 0;
}

int img_cli_emit_text(struct img_cli *cli, const char *text, size_t n)
{
	struct img_cli_state *st = cli->state;
	struct img_err err = IMG_ERR_INIT;
	int rc;

	cli_lock();
	while (n) {
		size_t part = n < IMG_LINE_MAX ? n : IMG_LINE_MAX;

		if (st->out.len > IMG_LINE_MAX)
			img_cli_flush(cli);
		if (img_buf_add(&st->out, text, part, &err) < 0)
			out_failed(cli, &err);
		text += part;
		n -= part;
	}
	rc = written(cli);
	cli_unlock();
	return rc;
}

void cli_pass(struct img_cli *cli, const struct img_record *rec,
	      const char *line, size_t n)
{
	bool failed = rec->error.code != IMG_OK;
	struct img_cli_state *st = cli->state;
	struct img_err err = IMG_ERR_INIT;

	cli_lock();
	img_cli_count(cli, failed ? "failed" : rec->status, failed);
	if (cli->no_records) {
		if (failed)
			cli_message_of(cli, rec);
		cli_unlock();
		return;
	}
	if (st->out.len + n > IMG_LINE_MAX)
		img_cli_flush(cli);
	if (img_buf_add(&st->out, line, n, &err) < 0)
		out_failed(cli, &err);
	(void)img_cli_emit_text(cli, "\n", 1);
	cli_unlock();
}

uint64_t img_cli_failed(const struct img_cli *cli)
{
	return cli->state->failed;
}

void img_cli_count(struct img_cli *cli, const char *status, bool failed)
{
	struct img_cli_state *st = cli->state;
	size_t i = 0;

	cli_lock();
	if (!cli->besides || strcmp(cli->besides, status) != 0)
		st->inputs++;
	st->failed += failed;
	while (i < st->counts && strcmp(st->count[i].word, status) != 0)
		i++;
	if (i == st->counts && i < CLI_WORDS) {
		snprintf(st->count[i].word, sizeof(st->count[i].word), "%s",
			 status);
		st->counts++;
	}
	if (i < CLI_WORDS)
		st->count[i].n++;
	cli_unlock();
}

/* Says what it knows besides; -v. */
static void remarks(struct img_cli *cli, const struct img_record *rec)
{
	const char *path = rec->path ? rec->path : rec->sop ? rec->sop : "-";

	if (rec->reason)
		img_cli_warn(cli, "%s: %s: %s", path,
			     rec->status ? rec->status : "-", rec->reason);
	for (size_t i = 0; i < rec->warnings; i++)
		img_cli_warn(cli, "%s: warning: %s", path, rec->warning[i]);
}

/* The record without what came with its input, which makes it too long. */
static bool put_bare(struct img_cli *cli, const struct img_record *rec,
		     struct img_record *bare)
{
	struct img_err ignored = IMG_ERR_INIT;

	*bare = *rec;
	bare->in = NULL;
	if (!rec->in || bare->warnings == IMG_RECORD_WARNINGS)
		return false;
	bare->warning[bare->warnings++] =
		"cut: members of the input's record are left out, for it "
		"would be longer than 1 MiB";
	return img_record_write(bare, cli->name, &cli->state->out, &ignored) ==
	       0;
}

/* The record that cannot be written, cut down to its name and why. */
static struct img_record stub(const struct img_record *rec,
			      const struct img_err *err)
{
	struct img_record s;

	img_record_init(&s);
	s.sop = rec->sop;
	if (rec->path && strlen(rec->path) < IMG_PATH_MAX)
		s.path = rec->path;
	s.error = *err;
	return s;
}

/* Into the buffer; the record that is there then: rec, or its stub. */
static const struct img_record *
put(struct img_cli *cli, const struct img_record *rec, struct img_record *cut)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf *out = &cli->state->out;

	if (out->len > IMG_LINE_MAX)
		img_cli_flush(cli);
	if (img_record_write(rec, cli->name, out, &err) == 0)
		return rec;
	if (put_bare(cli, rec, cut))
		return cut;
	*cut = stub(rec, &err);
	img_err_clear(&err);
	if (img_record_write(cut, cli->name, out, &err) < 0)
		out_failed(cli, &err);
	return cut;
}

void img_cli_tell(struct img_cli *cli, const struct img_record *rec)
{
	struct img_cli_state *st = cli->state;
	bool failed = rec->error.code != IMG_OK;

	cli_lock();
	if (failed)
		cli_message_of(cli, rec);
	else if (cli->verbose)
		remarks(cli, rec);
	st->bug |= rec->error.code == IMG_E_BUG;
	st->busy += rec->error.code == IMG_E_BUSY;
	if (rec->status || failed)
		img_cli_count(cli, rec->status ? rec->status : "failed",
			      failed);
	cli_unlock();
}

int img_cli_emit(struct img_cli *cli, const struct img_record *rec)
{
	struct img_cli_state *st = cli->state;
	struct img_record cut;
	int rc;

	cli_lock();
	/* No failure of the item in hand, and told already. */
	if (st->out_failed && strcmp(rec->error.text, "stdout") == 0) {
		cli_unlock();
		return -1;
	}
	if (cli->no_records) {
		img_cli_tell(cli, rec);
		cli_unlock();
		return 0;
	}
	img_cli_tell(cli, put(cli, rec, &cut));
	rc = written(cli);
	cli_unlock();
	return rc;
}

/* ---- the end ---------------------------------------------------------- */

static int add_count(struct img_cli *cli, struct img_buf *b, size_t i,
		     struct img_err *err)
{
	const char *word = cli->state->count[i].word;
	uint64_t n = cli->state->count[i].n;

	cli->state->count[i].n = 0;
	if (n == 0)
		return 0;
	return img_buf_printf(
		b, err, " %llu %s%s,", (unsigned long long)n, word,
		n > 1 && strcmp(word, "conflict") == 0 ? "s" : "");
}

/* The words of cli->verbs in their order, then the others. */
static int add_counts(struct img_cli *cli, struct img_buf *b,
		      struct img_err *err)
{
	struct img_cli_state *st = cli->state;

	for (const char *v = cli->verbs; *v; v += strspn(v, " ")) {
		size_t n = strcspn(v, " ");

		for (size_t i = 0; i < st->counts; i++)
			if (strlen(st->count[i].word) == n &&
			    memcmp(st->count[i].word, v, n) == 0 &&
			    add_count(cli, b, i, err) < 0)
				return -1;
		v += n;
	}
	for (size_t i = 0; i < st->counts; i++)
		if (add_count(cli, b, i, err) < 0)
			return -1;
	return 0;
}

static void sum_up(struct img_cli *cli)
{
	struct img_cli_state *st = cli->state;
	struct img_err err = IMG_ERR_INIT;
	struct img_buf b;

	if (cli->quiet || !cli->verbs)
		return;
	/* What could not begin has been told. */
	if (!st->inputs && (st->fatal || st->again || st->bug))
		return;
	img_buf_init(&b, CLI_OUT);
	if (img_buf_printf(&b, &err, "%llu %s%s",
			   (unsigned long long)st->inputs,
			   st->inputs == 1 ? "input" : "inputs",
			   st->inputs ? ":" : ",") == 0 &&
	    add_counts(cli, &b, &err) == 0 &&
	    img_buf_printf(&b, &err, " %.1f s", img_time_mono() - st->start) ==
		    0)
		cli_message(cli, b.data);
	img_buf_release(&b);
}

static int status(const struct img_cli_state *st)
{
	bool busy = st->busy && st->busy == st->failed;

	if (cli_signal)
		return 128 + cli_signal;
	if (st->bug)
		return 70;
	if (st->fatal || (st->out_failed && !st->out_gone))
		return 3;
	if (st->out_gone)
		return 128 + SIGPIPE;
	if (st->again || busy)
		return 75;
	if (st->failed)
		return st->failed == st->inputs ? 3 : 2;
	return st->no ? 1 : 0;
}

int img_cli_finish(struct img_cli *cli)
{
	struct img_cli_state *st = cli->state;
	struct img_err err = IMG_ERR_INIT;
	int out = 1;

	img_cli_flush(cli);
	if (img_close(&out, "stdout", &err) < 0)
		out_failed(cli, &err);
	cli_progress_erase(cli);
	cli_message_more(cli);
	sum_up(cli);
	img_record_release(&st->rec);
	img_buf_release(&st->out);
	free(st->in);
	st->in = NULL;
	return status(st);
}
