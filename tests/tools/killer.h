/* killer.h - what the parts of killer share: a run, what it says of them,
   chance and time. */
#ifndef KILLER_H
#define KILLER_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORDS     256
#define PEERS     8
#define TAGS      32
#define PATIENCE  20.0 /* seconds until it hangs */
#define TICK      200  /* microseconds */
#define SOON      20   /* until a record is seen */
#define DESCENDED 64

static struct tag {
	char name[32];
	double us;
	unsigned seen;
} tags[TAGS];
static size_t ntags;

struct run {
	char *words[WORDS];
	char **peers[PEERS];
	size_t npeers;
	const char *in, *to;
	struct tag *tag;
	pid_t pid, peer[PEERS];
	int said;     /* what the command says, */
	int out;      /* and the file that it comes into */
	int acks;     /* of what the peers say */
	off_t before; /* size of what has the acknowledgements */
	bool ended;   /* the command, all peers */
	int status;
};

static bool only_records;
static uint64_t state;
static const char *out, *err = "/dev/null", *acks;
static FILE *log_to;
static unsigned long runs, kills, children, finished, problems;

static void die(const char *what)
{
	perror(what);
	exit(3);
}

/* Below n; xorshift64*. */
static uint64_t below(uint64_t n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 2685821657736338717U >> 16) % n;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void rest(double us)
{
	struct timespec t = { 0, (long)(us * 1e3) };

	nanosleep(&t, NULL);
}

__attribute__((format(printf, 1, 2))) static void note(const char *f, ...)
{
	va_list ap;

	va_start(ap, f);
	vfprintf(log_to, f, ap);
	va_end(ap);
	fflush(log_to);
}

#endif
