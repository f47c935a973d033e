/* host.c - what verbs ask of a command, said by its command line. */
#include "cli/cli.h"

int img_cli_host_emit(void *cli, const struct img_record *rec)
{
	return img_cli_emit(cli, rec);
}

int img_cli_host_text(void *cli, const char *text, size_t n)
{
	return img_cli_emit_text(cli, text, n);
}

void img_cli_host_note(void *cli, const struct img_err *err)
{
	img_cli_note(cli, err);
}

void img_cli_host_hold(void *cli, bool held)
{
	img_cli_hold(cli, held);
}

void img_cli_host_progress(void *cli, uint64_t items, uint64_t bytes)
{
	img_cli_progress(cli, items, bytes, 0);
}

bool img_cli_host_stopped(void *cli)
{
	return img_cli_stopped(cli);
}
