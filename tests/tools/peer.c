/* peer - a DICOM peer that does not keep to the rules; over a plain socket, so
   that no library stands in its way.

	peer list                 the names of its scripts
	peer PORT NAME ...        plays them one after the other
	peer PORT all             plays all at once
	peer PORT echo N          N times a C-ECHO, each on an association of
				  its own: median, 99th percentile, worst, ms
	peer PORT hold N SECONDS  N connections that never speak

   A script prints its name and what became of it: rejected, aborted, released,
   closed, "status XXXX" of the last answer, or open when the other side still
   waits after 20 s. */
#include "peer-scripts.h"

/* ---- playing ---------------------------------------------------------- */

static void play(const struct script *s)
{
	snprintf(how, sizeof(how), "-");
	m.n = d.n = c.n = 0;
	sock = dial();
	s->f(s->arg);
	close(sock);
	printf("%s: %s\n", s->name, how);
	fflush(stdout);
}

static const struct script *find(const char *name)
{
	for (size_t i = 0; i < N_SCRIPTS; i++)
		if (strcmp(scripts[i].name, name) == 0)
			return &scripts[i];
	fprintf(stderr, "peer: no script %s\n", name);
	exit(64);
}

static void play_all(void)
{
	for (size_t i = 0; i < N_SCRIPTS; i++)
		if (fork() == 0) {
			play(&scripts[i]);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int echo(size_t n)
{
	double *t = calloc(n, sizeof(*t));
	size_t failed = 0;

	for (size_t i = 0; t && i < n; i++) {
		double at = now();

		sock = dial();
		if (!associate("1.2.840.10008.1.1", "1.2.840.10008.1.2")) {
			failed++;
		} else {
			command(0x30, "1.2.840.10008.1.1", NULL, false);
			send_command(1);
			failed += pdu(20) != 4;
			let_go();
			failed += pdu(20) != 6;
		}
		close(sock);
		t[i] = (now() - at) * 1000;
		naps(0.02);
	}
	qsort(t, n, sizeof(*t), compare);
	printf("median %.1f p99 %.1f worst %.1f failed %zu\n", t[n / 2],
	       t[n * 99 / 100], t[n - 1], failed);
	free(t);
	return failed ? 2 : 0;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		for (size_t i = 0; i < N_SCRIPTS; i++)
			puts(scripts[i].name);
		return 0;
	}
	if (argc < 3)
		return 64;
	port = (uint16_t)atoi(argv[1]);
	if (strcmp(argv[2], "all") == 0) {
		play_all();
	} else if (strcmp(argv[2], "echo") == 0 && argc == 4) {
		return echo((size_t)atoi(argv[3]));
	} else if (strcmp(argv[2], "hold") == 0 && argc == 5) {
		for (int i = atoi(argv[3]); i > 0; i--)
			(void)dial();
		naps(atof(argv[4]));
	} else {
		for (int i = 2; i < argc; i++)
			play(find(argv[i]));
	}
	return 0;
}
