/* peer - a DICOM peer that does not keep to the rules; over a plain socket, so
   that no library stands in its way.

	peer list                 the names of its scripts
	peer PORT NAME ...        plays them one after the other
	peer PORT all             plays all at once
	peer PORT crowd N ADDRESSES
				  N peers, each of which plays its script over
				  and over without a pause, or says nothing,
				  until it gets a SIGTERM; from so many
				  addresses (0: from ours); says how many
				  connections it had then
	peer PORT echo N          N times a C-ECHO, each on an association of
				  its own: median, 99th percentile, worst, ms
	peer PORT times SECONDS   the same for so long: each of them, ms, or
				  "failed"
	peer PORT hold N SECONDS  N connections that never speak
	peer PORT slow RATE BYTES SECONDS
				  objects of so many bytes, one after the other
				  on one association, at so many bytes a second;
				  says how many were stored, and the end

   before PORT: -b ADDRESS to come from (IPv6: to ::1), -t TITLE to have.

   A script prints its name and what became of it: rejected, aborted, released,
   closed, "status XXXX" of the last answer, or open when the other side still
   waits after 20 s. */
#include <sys/mman.h>
#include <sys/prctl.h>

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

/* ---- a crowd ---------------------------------------------------------- */

static unsigned long *connections; /* of all of them */

static void hush(long n)
{
	(void)n;
	outcome(20);
}

static void one_of_many(int i, int addresses)
{
	static const struct script silence = { "", hush, 0 };
	const struct script *s = i < (int)N_SCRIPTS ? &scripts[i] : &silence;
	char own[32];

	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (addresses) {
		snprintf(own, sizeof(own), "127.0.1.%d", 1 + i % addresses);
		home = own;
	}
	for (;;) {
		m.n = d.n = c.n = 0;
		sock = dial_once();
		if (sock < 0) {
			naps(0.1);
			continue;
		}
		__atomic_add_fetch(connections, 1, __ATOMIC_RELAXED);
		s->f(s->arg);
		close(sock);
	}
}

static void tell(int sig)
{
	char line[32];
	int n = snprintf(line, sizeof(line), "%lu\n", *connections);

	(void)sig;
	_exit(write(STDOUT_FILENO, line, (size_t)n) == n ? 0 : 3);
}

static void crowd(int n, int addresses)
{
	connections = mmap(NULL, sizeof(*connections), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (connections == MAP_FAILED)
		exit(3);
	signal(SIGTERM, tell);
	for (int i = 0; i < n; i++)
		if (fork() == 0)
			one_of_many(i, addresses);
	for (;;)
		pause();
}

/* ---- C-ECHO ----------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Its milliseconds; whether it has come to a good end. */
static bool one_echo(double *ms)
{
	double at = now();
	bool good;

	sock = dial();
	good = associate("1.2.840.10008.1.1", "1.2.840.10008.1.2");
	if (good) {
		command(0x30, "1.2.840.10008.1.1", NULL, false);
		send_command(1);
		good = pdu(20) == 4;
		let_go();
		good &= pdu(20) == 6;
	}
	close(sock);
	*ms = (now() - at) * 1000;
	naps(0.02);
	return good;
}

static int echo(size_t n)
{
	double *t = calloc(n, sizeof(*t));
	size_t failed = 0;

	for (size_t i = 0; t && i < n; i++)
		failed += !one_echo(&t[i]);
	qsort(t, n, sizeof(*t), compare);
	printf("median %.1f p99 %.1f worst %.1f failed %zu\n", t[n / 2],
	       t[n * 99 / 100], t[n - 1], failed);
	free(t);
	return failed ? 2 : 0;
}

static void times(double seconds)
{
	double until = now() + seconds, ms;

	while (now() < until)
		if (one_echo(&ms))
			printf("%.2f\n", ms);
		else
			puts("failed");
}

/* ---- a slow line ------------------------------------------------------ */

static bool is_over(void)
{
	return recv(sock, c.p, 1, MSG_DONTWAIT | MSG_PEEK) >= 0;
}

/* What is in d, and so many bytes of pixels, a tenth of a second at a time. */
static bool slow_data(double rate, size_t bytes, double until)
{
	size_t most = rate < 20 ? 2 : (size_t)(rate / 10);

	raw(&d, "\xe0\x7f\x10\0OB\0\0", 8);
	le(&d, bytes, 4);
	send_data(1, 0, d.n, false);
	while (bytes) {
		size_t n = bytes < most ? bytes : most;

		d.n = 0;
		fill(&d, 7, n);
		bytes -= n;
		m.n = 0;
		p_data(&m, 1, bytes ? 0 : 2, d.p, n);
		naps((double)n / rate);
		if (now() > until || is_over() || !put(&m))
			return false;
	}
	return true;
}

static void slow(double rate, size_t bytes, double seconds)
{
	double until = now() + seconds;
	unsigned n = 0;
	char uid[48];
	uint8_t type;

	snprintf(how, sizeof(how), "open");
	sock = dial();
	if (associate(CT, EXPL)) {
		do {
			snprintf(uid, sizeof(uid), "2.25.903%d%04u",
				 (int)getpid(), n);
			command(1, CT, uid, true);
			send_command(1);
			data_set(CT, uid);
			if (!slow_data(rate, bytes, until))
				break;
			type = pdu(20);
			n += type == 4;
		} while (type == 4 && now() < until);
		outcome(now() < until ? 1 : 0);
	}
	printf("slow: %u stored, %s\n", n, how);
}

int main(int argc, char **argv)
{
	int o;

	signal(SIGPIPE, SIG_IGN);
	while ((o = getopt(argc, argv, "+b:t:")) != -1)
		if (o == 'b')
			home = optarg;
		else if (o == 't')
			title = optarg;
		else
			return 64;
	argc -= optind - 1;
	argv += optind - 1;
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
	} else if (strcmp(argv[2], "times") == 0 && argc == 4) {
		times(atof(argv[3]));
	} else if (strcmp(argv[2], "crowd") == 0 && argc == 5) {
		crowd(atoi(argv[3]), atoi(argv[4]));
	} else if (strcmp(argv[2], "slow") == 0 && argc == 6) {
		slow(atof(argv[3]), (size_t)atol(argv[4]), atof(argv[5]));
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
