/*
 * hoard - a listener that holds on to something of each connection, for
 * LD_PRELOAD: HOARD is memory (8 KiB), descriptors or processes.  The test of
 * leaks must tell, or it proves nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void *hoard;

static void keep(void)
{
	const char *what = getenv("HOARD");
	void **more;

	if (!what)
		return;
	if (strcmp(what, "memory") == 0 && (more = malloc(8192)) != NULL) {
		memset(more, 'x', 8192);
		*more = hoard;
		hoard = more;
	}
	if (strcmp(what, "descriptors") == 0)
		fcntl(2, F_DUPFD_CLOEXEC, 0);
	if (strcmp(what, "processes") == 0 && fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close_range(0, ~0u, 0);
		for (;;)
			pause();
	}
}

int accept4(int sock, struct sockaddr *from, socklen_t *n, int flags)
{
	int (*next)(int, struct sockaddr *, socklen_t *, int) =
		dlsym(RTLD_NEXT, "accept4");
	int fd = next(sock, from, n, flags);

	if (fd >= 0)
		keep();
	return fd;
}
