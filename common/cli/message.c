/* message.c - lines for people, on stderr. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unistr.h>

#include "cli/state.h"

/* What drives a terminal, or turns the order of what it shows around. */
static bool is_control(ucs4_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0) ||
	       (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

void cli_clean(char *out, const char *text)
{
	const uint8_t *s = (const uint8_t *)text;
	size_t left = strlen(text);

	while (left) {
		ucs4_t c;
		int n = u8_mbtoucr(&c, s, left);

		if (n < 1 || is_control(c)) {
			*out++ = '?';
			n = n < 1 ? 1 : n;
		} else {
			memmove(out, s, (size_t)n);
			out += n;
		}
		s += n;
		left -= (size_t)n;
	}
	*out = '\0';
}

void cli_message(struct img_cli *cli, const char *text)
{
	char clean[1024], line[1200];
	int n;

	snprintf(clean, sizeof(clean), "%s", text);
	cli_clean(clean, clean);
	n = snprintf(line, sizeof(line), "%s: %s\n", cli->name, clean);
	cli_lock();
	cli_progress_erase(cli);
	/* One write, so that commands of a pipe do not mix their lines; if it
	   fails there is nowhere left to say so. */
	(void)!img_write_full(2, line, (size_t)n);
	cli_unlock();
}

static size_t find_cause(const struct img_cli_state *st, const char *cause)
{
	size_t i = 0;

	while (i < st->causes && strcmp(st->cause[i].text, cause) != 0)
		i++;
	return i;
}

bool cli_is_told(const struct img_cli *cli, const char *cause)
{
	return find_cause(cli->state, cause) < cli->state->causes;
}

void cli_message_of(struct img_cli *cli, const struct img_record *rec)
{
	struct img_cli_state *st = cli->state;
	size_t i = rec->cause ? find_cause(st, rec->cause) : CLI_CAUSES;

	if (i < st->causes) {
		st->cause[i].more++;
		return;
	}
	cli_message(cli, rec->error.text);
	if (i == CLI_CAUSES)
		return;
	st->cause[i].text = strdup(rec->cause);
	st->causes += st->cause[i].text != NULL;
}

void cli_message_more(struct img_cli *cli)
{
	struct img_cli_state *st = cli->state;

	for (size_t i = 0; i < st->causes; i++) {
		if (st->cause[i].more)
			img_cli_warn(cli, "%llu more: %s",
				     (unsigned long long)st->cause[i].more,
				     st->cause[i].text);
		free(st->cause[i].text);
	}
	st->causes = 0;
}

void img_cli_note(struct img_cli *cli, const struct img_err *err)
{
	cli_message(cli, err->text);
}

void img_cli_warn(struct img_cli *cli, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cli_message(cli, text);
}

void img_cli_fail(struct img_cli *cli, const struct img_err *err)
{
	if (err->code == IMG_E_USAGE)
		img_cli_usage(cli, "%s", err->text);
	/* That stdout cannot be written was said when it happened. */
	if (cli->state->out_failed && strcmp(err->text, "stdout") == 0)
		return;
	if (!cli_is_told(cli, err->text))
		cli_message(cli, err->text);
	if (err->code == IMG_E_BUSY)
		cli->state->again = true;
	else if (err->code == IMG_E_BUG)
		cli->state->bug = true;
	else
		cli->state->fatal = true;
}

void img_cli_no(struct img_cli *cli)
{
	cli->state->no = true;
}

void img_cli_want(struct img_cli *cli)
{
	const struct img_cli_state *st = cli->state;

	if (!st->handed || st->inputs || st->fatal || st->again || st->bug ||
	    img_cli_stopped(cli))
		return;
	img_cli_warn(cli, "no files there");
	img_cli_no(cli);
}
