/* state.h - inside cli: what a command knows while it runs. */
#ifndef IMG_CLI_STATE_H
#define IMG_CLI_STATE_H

#include <signal.h>

#include "cli/cli.h"

#define CLI_WORDS   24
#define CLI_OPTIONS 64
#define CLI_CAUSES  8
#define CLI_OUT     (64 * 1024)

struct img_cli_state {
	double start;

	/* input */
	int operand;  /* the next one */
	bool reading; /* from stdin, until it ends */
	bool began;   /* asked for an input before */
	bool handed;  /* one was handed out */
	bool in_end;
	char *in; /* read, from in_at to in_n */
	size_t in_at, in_n, in_room;
	uint64_t line; /* number of the last one given out */
	struct img_record rec;

	/* output */
	struct img_buf out;
	bool out_late; /* a regular file: flush when full */
	bool out_held, out_failed;
	bool out_gone; /* its reader */

	/* what became of the inputs */
	struct {
		char word[24];
		uint64_t n;
	} count[CLI_WORDS];
	size_t counts;
	uint64_t inputs, failed, busy;

	/* why many failed at once */
	struct {
		char *text;
		uint64_t more; /* than the one that was told */
	} cause[CLI_CAUSES];
	size_t causes;
	bool bug, fatal, again, no;

	/* progress */
	bool terminal, shown;
	double showed;
};

extern volatile sig_atomic_t cli_signal;  /* the first that came; 0: none */
extern volatile sig_atomic_t cli_signals; /* how many */

/* start.c */
void cli_start(void);
/* Around output, counts and messages: threads may report at once.  May be
   taken again by whom it is held. */
void cli_lock(void);
void cli_unlock(void);
/* Waits until stdin can be read; false once a signal has come. */
bool cli_wait_stdin(void);

/* message.c: a line on stderr, by "name: "; cleaned of control characters. */
void cli_message(struct img_cli *cli, const char *text);
/* True if this has been told as the cause of another failure. */
bool cli_is_told(const struct img_cli *cli, const char *cause);
/* An error of a record: the first of one cause is told, others are counted. */
void cli_message_of(struct img_cli *cli, const struct img_record *rec);
/* How many others there were, for each cause; at the end. */
void cli_message_more(struct img_cli *cli);
/* Copies text, bytes that could drive a terminal replaced by '?'; the copy
   needs no more room than the text. */
void cli_clean(char *out, const char *text);

/* help.c: to stdout, then exit; the usage lines alone. */
_Noreturn void cli_help(struct img_cli *cli, const struct img_opt *all);
_Noreturn void cli_version(struct img_cli *cli);
int cli_add_usage(struct img_cli *cli, struct img_buf *b, struct img_err *err);
_Noreturn void cli_dump(struct img_cli *cli, const struct img_opt *all);

/* output.c */
void cli_out_init(struct img_cli *cli);
/* A line that is not for us goes out as it came in. */
void cli_pass(struct img_cli *cli, const struct img_record *rec,
	      const char *line, size_t n);

/* progress.c */
void cli_progress_init(struct img_cli *cli);
void cli_progress_erase(struct img_cli *cli);
/* Columns of the terminal behind fd; 0 if it is none. */
size_t cli_columns(int fd);

#endif
