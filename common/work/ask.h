/*
 * ask.h - a question to the archive, and its answer as text: what imgquery
 * does, without what a command does.
 *
 * Order of calls: open, one of all, count, keys, or any number of prior,
 * then end and close.
 */
#ifndef IMG_ASK_H
#define IMG_ASK_H

#include "work/find.h"
#include "work/format.h"

struct img_ask_host {
	/* Finished lines.  -1: cannot be written, stop. */
	int (*text)(void *arg, const char *text, size_t n);
	/* A row of a table; titles: the first one of a new table. */
	int (*row)(void *arg, const char *const *cell, size_t n, bool titles);
	/* A row that could not be given. */
	void (*trouble)(void *arg, const struct img_err *err);
	/* A key or a study that the archive does not have. */
	void (*missing)(void *arg);
	bool (*stopped)(void *arg);
	void *arg;
};

struct img_ask_opts {
	/* level, keys, fields, sort, limit, conflicts, extra_key; the rest is
	   filled in here. */
	struct img_find_opts find;
	enum img_format format;
	bool priors; /* img_ask_prior will be called */
};

struct img_ask;

int img_ask_open(struct img_ask **a, struct img_catalog *c, const char *dir,
		 const struct img_ask_opts *opts,
		 const struct img_ask_host *host, struct img_err *err);
void img_ask_close(struct img_ask *a);
/* Everything that matches. */
int img_ask_all(struct img_ask *a, struct img_err *err);
/* Only the number. */
int img_ask_count(struct img_ask *a, struct img_err *err);
/* Each line of a file ("-": stdin) as the value of opts.find.extra_key. */
int img_ask_keys(struct img_ask *a, const char *file, struct img_err *err);
/* Up to `most` priors of a study. */
int img_ask_prior(struct img_ask *a, const char *study, size_t most,
		  struct img_err *err);
/* How many rows there were. */
uint64_t img_ask_found(const struct img_ask *a);

#endif
