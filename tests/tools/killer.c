/*
 * killer - run commands and kill each at a random moment, by SIGKILL: the
 * whole group, or the process itself, or one of its children.
 *
 *	killer [-r] [-s seed] [-t times] [-l log] [-e err] [-a acks] -o out <plan
 *
 * A line of the plan is a tag and a command, words parted by blanks; what
 * follows a word & is a peer, which begins when the command has said on stderr
 * at which port it listens, has that port for the word @, and acks for its
 * stdout.  <file is the command's stdin, >file is appended to instead of out.  A
 * record that was cut off in out is taken away.
 *
 * How long the commands of a tag take is learned, and kept in times: about one
 * in eleven ends before its moment has come.  Every fourth moment comes right
 * after the first record; with -r all of them, and no child is killed alone.
 * What a process leaves behind that was killed has to end by itself.
 *
 * What it says comes through a pipe, so that it is said at once.
 *
 * Prints runs, kills, kills of children, and runs that had ended.  2: one of
 * them left processes, or hung, or died of something else; log says where.
 */
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

enum how { GROUP, ALONE, CHILD, PEER };
static const char *const hows[] = { "group", "alone", "child", "peer" };

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

static struct tag *tag_of(const char *name)
{
	for (size_t i = 0; i < ntags; i++)
		if (strcmp(tags[i].name, name) == 0)
			return &tags[i];
	if (ntags == TAGS || strlen(name) >= sizeof(tags[0].name)) {
		fprintf(stderr, "killer: too many tags, %zu: %s\n", ntags,
			name);
		exit(64);
	}
	strcpy(tags[ntags].name, name);
	tags[ntags].us = 20000;
	return &tags[ntags++];
}

static void load(const char *path)
{
	char name[32];
	struct tag t;
	FILE *f = fopen(path, "r");

	while (f && fscanf(f, "%31s %lf %u", name, &t.us, &t.seen) == 3) {
		tag_of(name)->us = t.us;
		tag_of(name)->seen = t.seen;
	}
	if (f)
		fclose(f);
}

static void save(const char *path)
{
	FILE *f = fopen(path, "w");

	for (size_t i = 0; f && i < ntags; i++)
		fprintf(f, "%s %.0f %u\n", tags[i].name, tags[i].us,
			tags[i].seen);
	if (!f || fclose(f) != 0)
		die(path);
}

/* One of eleven is to end before its moment. */
static void learn(struct tag *t, bool ended)
{
	double step = t->seen++ < 100 ? 0.05 : 0.01;

	t->us *= ended ? 1 - 10 * step : 1 + step;
}

/* ---- processes ------------------------------------------------------ */

static void redirect(const char *path, int flags, int to)
{
	int fd = open(path, flags, 0666);

	if (fd < 0 || dup2(fd, to) < 0)
		die(path);
	close(fd);
}

/* In a group of its own. */
static pid_t start(char **words, const char *in, int to)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0) {
		setpgid(pid, pid);
		return pid;
	}
	setpgid(0, 0);
	redirect(in ? in : "/dev/null", O_RDONLY, 0);
	if (dup2(to, 1) < 0)
		die("stdout");
	redirect(err, O_WRONLY | O_CREAT | O_APPEND, 2);
	execvp(words[0], words);
	perror(words[0]);
	_exit(127);
}

/* What has been said so far. */
static void hear(struct run *r)
{
	char text[65536];
	ssize_t n;

	while ((n = read(r->said, text, sizeof(text))) > 0)
		if (write(r->out, text, (size_t)n) != n)
			die(out);
}

/* Takes note of what has ended; false: no child is left. */
static bool reap(struct run *r)
{
	int status;
	pid_t pid;

	hear(r);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == r->pid) {
			r->status = status;
			r->pid = 0;
		}
		for (size_t i = 0; i < r->npeers; i++)
			if (pid == r->peer[i])
				r->peer[i] = 0;
	}
	r->ended = r->pid == 0;
	for (size_t i = 0; r->npeers > 0 && !r->ended; i++) {
		if (i == r->npeers)
			r->ended = true;
		else if (r->peer[i] != 0)
			break;
	}
	return pid == 0;
}

/* What pid has begun, at any depth, to at; how many. */
static size_t descendants(pid_t pid, pid_t *at)
{
	char path[320];
	struct dirent *e;
	size_t n = 0;

	at[n++] = pid;
	for (size_t i = 0; i < n; i++) {
		DIR *d;

		snprintf(path, sizeof(path), "/proc/%d/task", (int)at[i]);
		d = opendir(path);
		while (d && (e = readdir(d))) {
			int child;
			FILE *f;

			snprintf(path, sizeof(path),
				 "/proc/%d/task/%s/children", (int)at[i],
				 e->d_name);
			f = fopen(path, "r");
			while (f && n < DESCENDED &&
			       fscanf(f, "%d", &child) == 1)
				at[n++] = child;
			if (f)
				fclose(f);
		}
		if (d)
			closedir(d);
	}
	return n;
}

static bool kill_child(struct run *r)
{
	pid_t at[DESCENDED];
	size_t n = descendants(r->pid, at);

	return n > 1 && kill(at[1 + below(n - 1)], SIGKILL) == 0;
}

static bool kill_peer(struct run *r)
{
	pid_t pid = r->npeers > 0 ? r->peer[below(r->npeers)] : 0;

	return pid > 0 && kill(pid, SIGKILL) == 0;
}

/* ---- one moment ------------------------------------------------------- */

/* Until the moment has come; false: it ended first. */
static bool pause_(struct run *r, double us, bool on_record)
{
	double begin = now(), left;
	bool seen = !on_record;
	struct stat st;

	for (;;) {
		reap(r);
		if (r->ended)
			return false;
		if (!seen &&
		    fstat(r->npeers > 0 ? r->acks : r->out, &st) == 0 &&
		    st.st_size > r->before) {
			seen = true;
			begin = now();
		}
		left = us - (now() - begin) * 1e6;
		if (seen && left <= 0)
			return true;
		if (now() - begin > PATIENCE)
			return true;
		rest(!seen ? SOON : left < TICK ? left : TICK);
	}
}

/* Until all have ended by themselves. */
static void clear(struct run *r, pid_t group)
{
	double begin = now();

	while (reap(r)) {
		if (now() - begin > PATIENCE) {
			note("moment %lu: left behind, or hangs\n", runs);
			problems++;
			kill(-group, SIGKILL);
			for (size_t i = 0; i < r->npeers; i++)
				if (r->peer[i] > 0)
					kill(r->peer[i], SIGKILL);
			begin = now();
		}
		rest(TICK);
	}
}

static bool begin_peers(struct run *r)
{
	static const char said[] = "listening at 127.0.0.1:";
	double begin = now();
	char text[4096], *at, *port = NULL;

	while (!port && now() - begin < PATIENCE) {
		int fd = open(err, O_RDONLY);
		ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

		if (fd >= 0)
			close(fd);
		text[n > 0 ? n : 0] = '\0';
		at = strstr(text, said);
		if (at && strchr(at, '\n'))
			port = at + strlen(said);
		reap(r);
		if (r->pid == 0)
			return false;
		rest(TICK);
	}
	if (!port)
		return false;
	port[strspn(port, "0123456789")] = '\0';
	for (size_t i = 0; i < r->npeers; i++) {
		for (char **w = r->peers[i]; *w; w++)
			if (strcmp(*w, "@") == 0)
				*w = port;
		r->peer[i] = start(r->peers[i], NULL, r->acks);
	}
	return true;
}

static enum how choose(const struct run *r)
{
	static const enum how of[] = { GROUP, GROUP, GROUP, GROUP,
				       ALONE, ALONE, CHILD, CHILD };

	if (r->npeers > 0 && below(8) == 0)
		return PEER;
	return of[below(only_records ? 6 : 8)];
}

/* Kills r as chosen; what is not there to be killed, all of it. */
static enum how strike(struct run *r, enum how how, pid_t group)
{
	double us = (double)below((uint64_t)r->tag->us + 1);

	if (how == CHILD && kill_child(r)) {
		children++;
		if (r->npeers == 0)
			return how;
	} else if (how == PEER && kill_peer(r)) {
		children++;
	} else if (how != ALONE) {
		how = GROUP;
	}
	if (how == CHILD || how == PEER)
		pause_(r, us / 4, false);
	if (how == ALONE)
		kill(group, SIGKILL);
	else
		kill(-group, SIGKILL);
	return how;
}

static void judge(struct run *r, enum how how)
{
	int s = r->status;

	if (WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL &&
	    (how != CHILD || r->npeers > 0))
		return;
	if (WIFEXITED(s) && (WEXITSTATUS(s) <= 3 || WEXITSTATUS(s) == 75))
		return;
	note("moment %lu: status %#x after %s\n", runs, (unsigned)s, hows[how]);
	problems++;
}

/* A record that was cut off was not made. */
static void cut(int fd)
{
	char text[65536];
	struct stat st;
	ssize_t n;
	off_t at;

	if (fstat(fd, &st) < 0)
		die("fstat");
	if (S_ISCHR(st.st_mode))
		goto done; /* /dev/null */
	at = st.st_size > (off_t)sizeof(text) ? st.st_size - (off_t)sizeof(text)
					      : 0;
	n = pread(fd, text, sizeof(text), at);
	while (n > 0 && text[n - 1] != '\n')
		n--;
	if (n < 0 || ftruncate(fd, at + n) < 0)
		die("ftruncate");
done:
	close(fd);
}

static void open_all(struct run *r, int ends[2])
{
	const int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC;

	r->out = open(r->to ? r->to : out, flags, 0666);
	r->acks = open(acks, flags, 0666);
	if (r->out < 0 || r->acks < 0 || pipe2(ends, O_CLOEXEC) < 0 ||
	    fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
		die(out);
	r->said = ends[0];
}

static void moment(struct run *r)
{
	bool on_record = only_records || below(4) == 0, due;
	enum how how = choose(r);
	int ends[2];
	struct stat st;
	double us;
	pid_t group;

	runs++;
	if (r->npeers > 0 && truncate(err, 0) < 0 && errno != ENOENT)
		die(err);
	open_all(r, ends);
	if (fstat(r->npeers > 0 ? r->acks : r->out, &st) < 0)
		die(out);
	r->before = st.st_size;
	/* A command often ends soon after its records. */
	us = (double)(on_record ? below(1u << below(12))
				: below((uint64_t)r->tag->us + 1));
	group = r->pid = start(r->words, r->in, ends[1]);
	close(ends[1]);
	/* Of listeners some die before they listen. */
	if (r->npeers > 0 && below(12) > 0)
		begin_peers(r);
	else if (r->npeers > 0)
		r->npeers = 0, on_record = false, how = GROUP;
	due = pause_(r, us, on_record);
	if (due && r->pid > 0) {
		how = strike(r, how, group);
		kills++;
	} else {
		finished++;
		if (r->pid > 0)
			kill(-group, SIGKILL);
		how = GROUP;
	}
	if (!on_record)
		learn(r->tag, !due);
	clear(r, group);
	judge(r, how);
	hear(r);
	close(r->said);
	cut(r->out);
	cut(r->acks);
	note("%lu %s %s %.0f us%s%s: %s\n", runs, r->tag->name, hows[how], us,
	     on_record ? " after a record" : "", due ? "" : ", had ended",
	     r->words[0]);
}

/* ---- the plan --------------------------------------------------------- */

/* false: an empty line. */
static bool parse(struct run *r, char *line)
{
	size_t n = 0;
	char *save_ = NULL, *w = strtok_r(line, " \n", &save_);

	memset(r, 0, sizeof(*r));
	if (!w)
		return false;
	r->tag = tag_of(w);
	while ((w = strtok_r(NULL, " \n", &save_)) && n < WORDS - 2) {
		if (w[0] == '<') {
			r->in = w + 1;
		} else if (w[0] == '>') {
			r->to = w + 1;
		} else if (strcmp(w, "&") == 0 && r->npeers < PEERS) {
			r->words[n++] = NULL;
			r->peers[r->npeers++] = r->words + n;
		} else {
			r->words[n++] = w;
		}
	}
	return n > 0;
}

int main(int argc, char **argv)
{
	const char *times = NULL;
	char *line = NULL;
	size_t room = 0;
	struct run r;
	int c;

	log_to = stderr;
	state = 1;
	while ((c = getopt(argc, argv, "rs:t:l:e:o:a:")) != -1) {
		switch (c) {
		case 'r':
			only_records = true;
			break;
		case 's':
			state = strtoull(optarg, NULL, 10) * 2 + 1;
			break;
		case 't':
			times = optarg;
			break;
		case 'l':
			log_to = fopen(optarg, "a");
			break;
		case 'e':
			err = optarg;
			break;
		case 'o':
			out = optarg;
			break;
		case 'a':
			acks = optarg;
			break;
		default:
			return 64;
		}
	}
	if (!out || !log_to)
		die("usage: killer [-s seed] ... -o out");
	for (int i = 0; i < 8; i++)
		below(2); /* seeds that are alike part */
	if (!acks)
		acks = out;
	if (times)
		load(times);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		die("prctl");
	while (getline(&line, &room, stdin) > 0)
		if (parse(&r, line))
			moment(&r);
	free(line);
	if (times)
		save(times);
	printf("%lu %lu %lu %lu\n", runs, kills, children, finished);
	return problems > 0 ? 2 : 0;
}
