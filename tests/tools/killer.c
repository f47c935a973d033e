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
#include "killer-plan.h"
#include "killer-run.h"

enum how { GROUP, ALONE, CHILD, PEER };
static const char *const hows[] = { "group", "alone", "child", "peer" };

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
