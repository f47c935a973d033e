/* progress.c - one line on a terminal that says how far we are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/state.h"

#define EVERY_SECONDS (1.0 / 6)

size_t cli_columns(int fd)
{
	struct winsize ws;
	const char *columns = getenv("COLUMNS");
	uint64_t n;

	if (!isatty(fd))
		return 0;
	if (columns && img_parse_u64(columns, 10000, &n) && n)
		return (size_t)n;
	if (ioctl(fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col)
		return ws.ws_col;
	return 80;
}

void cli_progress_init(struct img_cli *cli)
{
	const char *term = getenv("TERM");

	cli->state->terminal = !cli->quiet && isatty(2) && term && *term &&
			       strcmp(term, "dumb") != 0;
}

void cli_progress_erase(struct img_cli *cli)
{
	static const char erase[] = "\r\033[K";

	if (cli->state && cli->state->shown)
		(void)!write(2, erase, sizeof(erase) - 1);
	if (cli->state)
		cli->state->shown = false;
}

static void amount(char *out, size_t size, double v)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	size_t u = 0;

	for (; v >= 999.5 && u < 4; u++)
		v /= 1000;
	snprintf(out, size, u && v < 9.95 ? "%.1f %s" : "%.0f %s", v, units[u]);
}

static void left(char *out, size_t size, double bytes, double total,
		 double seconds)
{
	double s = bytes > 0 ? (total - bytes) / bytes * seconds : 0;
	unsigned long n = s < 1e9 ? (unsigned long)s : 1000000000;

	if (bytes <= 0 || total <= bytes)
		out[0] = '\0';
	else if (n >= 3600)
		snprintf(out, size, ", %lu:%02lu:%02lu left", n / 3600,
			 n / 60 % 60, n % 60);
	else
		snprintf(out, size, ", %lu:%02lu left", n / 60, n % 60);
}

void img_cli_progress(struct img_cli *cli, uint64_t items, uint64_t bytes,
		      uint64_t total)
{
	struct img_cli_state *st = cli->state;
	double now, seconds;
	char size[32], rate[32], eta[48], text[256], line[300];
	size_t room;
	int n;

	if (!st->terminal)
		return;
	now = img_time_mono();
	if (now - st->showed < EVERY_SECONDS)
		return;
	st->showed = now;
	seconds = now - st->start + 1e-6;
	amount(size, sizeof(size), (double)bytes);
	amount(rate, sizeof(rate), (double)bytes / seconds);
	left(eta, sizeof(eta), (double)bytes, (double)total, seconds);
	snprintf(text, sizeof(text), "%s: %llu items, %s, %.0f/s, %s/s%s",
		 cli->name, (unsigned long long)items, size,
		 (double)items / seconds, rate, eta);
	/* The last column stays free: some terminals wrap there. */
	room = cli_columns(2);
	n = snprintf(line, sizeof(line), "\r%.*s\033[K",
		     room > 1 ? (int)room - 1 : 1, text);
	cli_lock();
	(void)!write(2, line, (size_t)n);
	st->shown = true;
	cli_unlock();
}
