/*
 * cli.h - what every command has in common: the option table, operands or
 * stdin, messages, records out, progress, tables, exit status.
 *
 * Order in main: IMG_CLI, img_cli_parse, open, img_cli_each (or img_cli_next
 * and img_cli_emit by hand), close, return img_cli_finish.
 * Only this room and cmd/ print or exit.  One cli a process.  Emitting,
 * counting and messages may come from any thread; img_cli_next from one.
 */
#ifndef IMG_CLI_H
#define IMG_CLI_H

#include "base/base.h"
#include "record/record.h"

enum img_opt_kind {
	IMG_OPT_FLAG,   /* bool *: set true */
	IMG_OPT_STRING, /* const char **: last one wins */
	IMG_OPT_LIST,   /* struct img_list *: each use adds one */
	IMG_OPT_U64,    /* uint64_t *: whole number up to max */
	IMG_OPT_SIZE,   /* uint64_t *: bytes, "700M" */
	IMG_OPT_TIME,   /* uint64_t *: seconds, "4h" */
	IMG_OPT_CHOICE, /* const char **: one of the words in choices, a|b|c */
	IMG_OPT_LAST
};

struct img_list {
	const char **item;
	size_t n;
};

struct img_opt {
	char letter;      /* 0: long name only */
	const char *name; /* every option has one */
	const char *arg;  /* word for its argument, NULL for a flag */
	const char *help; /* one line */
	enum img_opt_kind kind;
	void *target;
	const char *choices; /* for IMG_OPT_CHOICE */
	uint64_t max;        /* for IMG_OPT_U64; 0: no bound */
};

#define IMG_OPT_CATALOG(dir)                                                   \
	{                                                                      \
		'C', "catalog", "dir", "archive to use", IMG_OPT_STRING,       \
			(dir), NULL, 0                                         \
	}
#define IMG_OPT_END                                                            \
	{                                                                      \
		0, NULL, NULL, NULL, IMG_OPT_LAST, NULL, NULL, 0               \
	}

/* -h, -V, -q, -v, -0 and the hidden --options belong to every command. */
struct img_cli {
	const char *name;     /* "imgverify" */
	const char *synopsis; /* "[-d] [-C dir] [uid ...]" */
	const char *summary;  /* one line for --help */
	const char *examples; /* lines for --help, or NULL */
	const char *edition;  /* second line of --version, or NULL */
	const char *verbs;    /* status words in the order of the summary
				  line, blank separated: "stored duplicate";
				  NULL: no summing-up line */
	const char *besides;  /* the one of them that is of no input, or NULL */
	const struct img_opt *opts;
	bool no_records; /* stdout is for something else: what became of the
			    inputs is counted, and failures are told */
	/* what parse found */
	bool quiet, nul;
	unsigned verbose;
	/* private */
	struct img_cli_state *state;
};

#define IMG_CLI(name_, synopsis_, summary_, opts_)                             \
	{                                                                      \
		.name = (name_), .synopsis = (synopsis_),                      \
		.summary = (summary_), .opts = (opts_)                         \
	}

/* Parses; handles --help, --version, --options and wrong usage (exit 64) by
   itself.  *argc and *argv are left at the operands.  Also: makes sure that
   descriptors 0 to 2 are open, ignores SIGPIPE, catches INT and TERM. */
void img_cli_parse(struct img_cli *cli, int *argc, char ***argv);
/* Prints one line and the synopsis; exit status 64; does not return. */
_Noreturn void img_cli_usage(struct img_cli *cli, const char *fmt, ...)
	IMG_PRINTF(2, 3);

/* The archive's folder: dir if given, else $IMG_CATALOG, else
   ${XDG_DATA_HOME:-~/.local/share}/imgtools.  Into out (IMG_PATH_MAX). */
int img_cli_catalog_dir(const char *dir, char *out, struct img_err *err);
/* The same for a command that works without an archive, too: empty where
   nothing says which. */
int img_cli_catalog_if(const char *dir, char *out, struct img_err *err);

/* Call before opening the archive when inputs are read: waits for the first
   byte on stdin where the first input comes from there.  In "imgimport ... |
   imgverify" both begin at once, and the archive may be made by the first;
   what a record names is there when the record is. */
void img_cli_wait(struct img_cli *cli, int argc, char **argv);

/* One input: an operand, a path from stdin or a record from stdin. */
struct img_input {
	const char *text;       /* the operand or path; NULL for a record */
	struct img_record *rec; /* the record; both NULL for a bad line */
	uint64_t line;          /* of stdin; 0: an operand */
};
/* 1 an input (valid until the next call), 0 no more, -1 stdin failed or a
   line was bad (already reported and counted; go on asking).  Without
   operands, and for the operand "-", stdin is read: a line that begins with
   '{' is a record, any other a path.  Without operands and with stdin a
   terminal: wrong usage.  A record that carries an error, or one without UIDs
   that was ignored, is passed on and counted here and is not returned.
   Returns 0 early once a signal to stop
   has come or stdout cannot be written. */
int img_cli_next(struct img_cli *cli, int argc, char **argv,
		 struct img_input *in, struct img_err *err);
/* True once SIGINT, SIGTERM or SIGHUP has come: finish the item in hand and
   stop. */
bool img_cli_stopped(const struct img_cli *cli);

/* Writes the record to stdout, counts it under its status ("failed" for an
   error without one; not at all without both), says an error also on stderr
   as "imgfoo: text", and flushes it when stdout is no regular file.  Of errors
   with one cause the first is said, and at the end how many more there were.
   -1 once stdout cannot be written. */
int img_cli_emit(struct img_cli *cli, const struct img_record *rec);
/* The same but for the writing: where stdout is for something else. */
void img_cli_tell(struct img_cli *cli, const struct img_record *rec);
/* Writes n bytes of finished lines; counts nothing. */
int img_cli_emit_text(struct img_cli *cli, const char *text, size_t n);
/* Counts without writing. */
void img_cli_count(struct img_cli *cli, const char *status, bool failed);
/* How many failed so far, records that were passed on and bad lines among
   them. */
uint64_t img_cli_failed(const struct img_cli *cli);
void img_cli_flush(struct img_cli *cli);
/* While held, records are flushed only when there are many; letting go
   flushes them.  For a batch that is ready at once. */
void img_cli_hold(struct img_cli *cli, bool held);
/* 0, or -1 with err, which ends it. */
typedef int (*img_cli_input_fn)(void *arg, const struct img_input *in,
				struct img_err *err);
/* Calls f for every input that img_cli_next finds: 0, or -1 when f failed. */
int img_cli_each(struct img_cli *cli, int argc, char **argv, img_cli_input_fn f,
		 void *arg, struct img_err *err);

/* Messages on stderr: "imgfoo: text".  Control characters become '?'. */
void img_cli_note(struct img_cli *cli, const struct img_err *err);
void img_cli_warn(struct img_cli *cli, const char *fmt, ...) IMG_PRINTF(2, 3);
/* The command as a whole failed: message, and exit status 3 (75 if busy,
   70 if ours); wrong usage is img_cli_usage and does not return. */
void img_cli_fail(struct img_cli *cli, const struct img_err *err);
/* The answer is no (status 1), unless something worse is the case. */
void img_cli_no(struct img_cli *cli);
/* So it is if inputs were handed out, and behind them was nothing at all: a disc
   that is not mounted is an empty folder. */
void img_cli_want(struct img_cli *cli);

/* One line on stderr when it is a terminal and not -q, six times a second at
   most: items, bytes, rate, and the time left when total is known (bytes). */
void img_cli_progress(struct img_cli *cli, uint64_t items, uint64_t bytes,
		      uint64_t total);

/* Closes stdout, prints the summing-up line, and gives the exit status:
   130/143 after a signal, else 70, 3, 141 (the reader of stdout is gone, of
   which nothing is said), 75, 2, 1, 0 in this order of precedence.  3 also
   when every input failed, 75 when all that failed was busy. */
int img_cli_finish(struct img_cli *cli);

/* The line of text that descriptor fd gives, of most bytes; NULL for
   UINT64_MAX, none.  Free with img_passphrase_free. */
struct img_passphrase;
int img_cli_passphrase(struct img_passphrase **p, uint64_t fd, size_t most,
		       struct img_err *err);

/* For the hosts of verbs, whose arg is the cli. */
int img_cli_host_emit(void *cli, const struct img_record *rec);
int img_cli_host_text(void *cli, const char *text, size_t n);
void img_cli_host_note(void *cli, const struct img_err *err);
void img_cli_host_hold(void *cli, bool held);
/* The total is not known. */
void img_cli_host_progress(void *cli, uint64_t items, uint64_t bytes);
bool img_cli_host_stopped(void *cli);

/* Which of the words a|b|c word is, from 0; -1 if none. */
int img_cli_choice(const char *choices, const char *word);

/* ---- tables for people ------------------------------------------------ */

struct img_table;
/* headings: n column titles.  Free with img_table_free. */
struct img_table *img_table_new(const char *const *headings, size_t n,
				struct img_err *err);
void img_table_free(struct img_table *t);
int img_table_row(struct img_table *t, const char *const *cells,
		  struct img_err *err);
/* Aligned by display width and shortened to the terminal ($COLUMNS or the
   window; no shortening when stdout is no terminal), but for dates and short
   numbers.  What was printed is forgotten but for the headings: a long table
   is printed in parts. */
int img_table_print(struct img_table *t, struct img_cli *cli);
/* One row after the other, titles first (they make *t), printed so many at a
   time that memory is bounded; what is left, img_table_print prints. */
int img_table_flow(struct img_table **t, struct img_cli *cli,
		   const char *const *cells, size_t n, bool titles);

#endif
