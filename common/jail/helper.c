/* helper.c - a process beside the program, without walls. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "jail/jail.h"

static void run(void (*fn)(int fd), int fd, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	/* The program says when it is to end. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	fn(fd);
	_exit(0);
}

int img_jail_helper(struct img_jail_worker *helper, void (*fn)(int fd),
		    struct img_err *err)
{
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return img_err_sys(err, "socket");
	helper->pid = fork();
	if (helper->pid == 0) {
		close(pair[0]);
		run(fn, pair[1], parent);
	}
	close(pair[1]);
	if (helper->pid < 0) {
		close(pair[0]);
		return img_err_sys(err, "fork");
	}
	helper->fd = pair[0];
	return 0;
}
