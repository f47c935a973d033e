/*
 * timed - run a command and add one line to a file: seconds on the clock,
 * seconds of processor, peak memory in KiB, exit status.
 *
 *	timed file command [argument ...]
 *
 * Its exit status is the command's, 128 and the signal after a signal.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	double start;
	int status, code;
	struct rusage use;
	pid_t pid;
	FILE *f;

	if (argc < 3) {
		fputs("usage: timed file command [argument ...]\n", stderr);
		return 64;
	}
	start = now();
	pid = vfork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &use) < 0) {
		perror("timed");
		return 3;
	}
	start = now() - start;
	code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	f = fopen(argv[1], "a");
	if (!f ||
	    fprintf(f, "%.6f %.6f %ld %d\n", start,
		    seconds(use.ru_utime) + seconds(use.ru_stime),
		    use.ru_maxrss, code) < 0 ||
	    fclose(f) != 0) {
		perror(argv[1]);
		return 3;
	}
	return code;
}
