/*
 * costs - runs a command and measures it and its children apart.
 *
 *	costs file command [argument ...]
 *
 * Adds a line to file: seconds on the clock and of processor, peak memory of
 * the command and of the greatest of its children in KiB, how many children
 * there were, how many of these a signal ended that was no wish of ours
 * (SIGKILL, SIGTERM), and the exit status, 128 and the signal after a signal.
 *
 * A trace stops each process when it ends, while its memory can still be
 * looked at; system calls are not traced.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OPTIONS                                                                \
	(PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |      \
	 PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL)

static struct {
	double cpu;
	long parent, child; /* KiB */
	unsigned children, crashes;
	int status;
} seen;

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A number behind this word in its status. */
static long field(pid_t pid, const char *key)
{
	char path[64], line[256];
	long n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			n = strtol(line + strlen(key), NULL, 10);
	if (f)
		fclose(f);
	return n;
}

static void ended(pid_t pid, pid_t command)
{
	unsigned long how = 0;
	long peak = field(pid, "VmHWM:");
	int sig;

	if (field(pid, "Tgid:") != pid) /* a thread */
		return;
	ptrace(PTRACE_GETEVENTMSG, pid, 0, &how);
	if (pid == command) {
		if (peak > seen.parent)
			seen.parent = peak;
		return;
	}
	seen.children++;
	if (peak > seen.child)
		seen.child = peak;
	sig = WIFSIGNALED((int)how) ? WTERMSIG((int)how) : 0;
	seen.crashes += sig && sig != SIGKILL && sig != SIGTERM;
}

/* What a stopped process may go on with: a signal of its own, or 0. */
static int stopped(pid_t pid, pid_t command, int status)
{
	int sig = WSTOPSIG(status);

	if (status >> 16 == PTRACE_EVENT_EXIT)
		ended(pid, command);
	if (status >> 16 == PTRACE_EVENT_EXEC && pid == command)
		seen.parent = 0; /* what was before was we */
	if (status >> 16 || sig == SIGTRAP)
		return 0;
	return sig;
}

static int follow(pid_t command)
{
	struct rusage use;
	int status, sig;
	pid_t pid;

	while ((pid = wait4(-1, &status, __WALL, &use)) > 0 || errno == EINTR) {
		if (pid < 0)
			continue;
		if (!WIFSTOPPED(status)) {
			if (pid != command)
				continue;
			seen.status = status;
			seen.cpu =
				seconds(use.ru_utime) + seconds(use.ru_stime);
			continue;
		}
		sig = stopped(pid, command, status);
		ptrace(PTRACE_CONT, pid, 0, sig);
	}
	return WIFEXITED(seen.status) ? WEXITSTATUS(seen.status)
				      : 128 + WTERMSIG(seen.status);
}

int main(int argc, char **argv)
{
	double start = now();
	pid_t pid;
	int code;
	FILE *f;

	if (argc < 3) {
		fputs("usage: costs file command [argument ...]\n", stderr);
		return 64;
	}
	pid = fork();
	if (pid == 0) {
		raise(SIGSTOP);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, NULL, WUNTRACED) < 0 ||
	    ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) < 0) {
		perror("costs");
		if (pid > 0)
			kill(pid, SIGKILL);
		return 3;
	}
	kill(pid, SIGCONT);
	code = follow(pid);
	f = fopen(argv[1], "a");
	if (!f ||
	    fprintf(f, "%.3f %.3f %ld %ld %u %u %d\n", now() - start, seen.cpu,
		    seen.parent, seen.child, seen.children, seen.crashes,
		    code) < 0 ||
	    fclose(f) != 0) {
		perror(argv[1]);
		return 3;
	}
	return code;
}
