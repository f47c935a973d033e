/* killer-run.h - the part of killer that begins processes, and ends them. */
#ifndef KILLER_RUN_H
#define KILLER_RUN_H

#include "killer.h"

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

#endif
