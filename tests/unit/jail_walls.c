/* jail_walls - every wall of it: what runs into one costs its own process. */
#include "jail_jobs.h"

static void dies(struct img_jail *jail, enum job job, enum img_code code,
		 const char *how)
{
	struct img_err err = IMG_ERR_INIT;
	int rc = do_job(jail, job, &err);

	if (rc >= 0)
		fail_msg("job %d: lived, %d", job, rc);
	assert_string_equal(err.text, how);
	assert_int_equal(err.code, code);
}

static void nothing_is_inherited(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_jail *jail;
	int s[2], used;

	(void)state;
	assert_int_equal(pipe(s), 0);
	program_fd = s[1];
	jail = new_jail();
	assert_int_equal(do_job(jail, HOLDS, &err), 0);
	dies(jail, WRITE_CLOSED, IMG_E_MALFORMED,
	     AT_WORK "made a forbidden system call");
	assert_int_equal(ioctl(s[0], FIONREAD, &used), 0);
	assert_int_equal(used, 0);
	/* nor does the keeper hold it */
	close(s[1]);
	assert_int_equal(read(s[0], &used, 1), 0);
	close(s[0]);
	img_jail_close(jail);
}

static void system_calls(void **state)
{
	struct img_jail *jail = new_jail();
	struct img_err err = IMG_ERR_INIT;

	(void)state;
	for (enum job job = OPEN; job <= TRUNCATE; job++)
		if (job != WRITE_CLOSED &&
		    (job != OPEN || !SANITIZED) /* fails there */)
			dies(jail, job, IMG_E_MALFORMED,
			     AT_WORK "made a forbidden system call");
	/* the others go on */
	assert_int_equal(do_job(jail, LIBRARY, &err), 0);
	img_jail_close(jail);
}

static void accidents(void **state)
{
	struct img_jail *jail = new_jail();

	(void)state;
	dies(jail, CRASH, IMG_E_MALFORMED, AT_WORK "crashed (SIGSEGV)");
	dies(jail, ABORT, IMG_E_MALFORMED, AT_WORK "crashed (SIGABRT)");
	dies(jail, DEEP, IMG_E_MALFORMED, AT_WORK "crashed (SIGSEGV)");
	if (!SANITIZED) /* its report wants memory, too */
		dies(jail, MEMORY_BOMB, IMG_E_LIMIT,
		     AT_WORK "ran out of memory");
	img_jail_close(jail);
	jail = new_jail_of(&brief);
	dies(jail, LOOP, IMG_E_LIMIT, AT_WORK "ran out of processor time");
	img_jail_close(jail);
}

static void is_ended(void **state)
{
	struct img_jail *jail = new_jail();
	struct img_err err = IMG_ERR_INIT;
	struct img_jail_worker w;
	char c;

	(void)state;
	for (unsigned seconds = 0; seconds < 2; seconds++) {
		img_err_clear(&err);
		start(jail, &w, STAY);
		assert_int_equal(img_jail_end(&w, seconds, "a.dcm", &err), -1);
		assert_int_equal(err.code, IMG_E_LIMIT);
		assert_string_equal(err.text, AT_WORK "did not end in time");
	}
	img_err_clear(&err);
	start(jail, &w, STAY);
	assert_int_equal(img_jail_recv(w.fd, &c, 1, NULL, -1, &err), 0);
	kill(w.pid, SIGKILL);
	assert_int_equal(img_jail_end(&w, 5, "a.dcm", &err), -1);
	assert_int_equal(err.code, IMG_E_BUSY);
	assert_string_equal(err.text, AT_WORK "was killed");
	img_jail_close(jail);
}

/* The keeper is not the program's to lose; when it is lost, that is said. */
static void keeper_gone(void **state)
{
	struct img_jail *jail = new_jail();
	struct img_err err = IMG_ERR_INIT;
	struct img_jail_worker w;

	(void)state;
	kill(jail->keeper, SIGKILL);
	waitpid(jail->keeper, NULL, 0);
	assert_int_equal(img_jail_start(jail, &w, &err), -1);
	assert_int_equal(err.code, IMG_E_IO);
	assert_int_equal(w.fd, -1);
	img_jail_close(jail);
}

/* A program that is killed takes its workers and its keeper along. */
static void dies_with_program(void **state)
{
	pid_t victim, pid[2];
	int p[2], status;

	(void)state;
	/* or those would be init's, and not ours to wait for */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe(p), 0);
	victim = fork();
	if (victim == 0) {
		struct img_jail *jail = new_jail();
		struct img_err err = IMG_ERR_INIT;
		struct img_jail_worker w;
		char c;

		start(jail, &w, STAY);
		if (img_jail_recv(w.fd, &c, 1, NULL, -1, &err) < 0)
			_exit(1);
		pid[0] = w.pid;
		pid[1] = jail->keeper;
		if (write(p[1], pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(p[0], pid, sizeof(pid)), sizeof(pid));
	kill(victim, SIGKILL);
	assert_int_equal(waitpid(victim, &status, 0), victim);
	assert_true(WIFSIGNALED(status));
	for (int i = 0; i < 2; i++) {
		alarm(20); /* instead of for ever */
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		alarm(0);
		/* the keeper may see the end of its socket first */
		if (i == 0 || WIFSIGNALED(status)) {
			assert_true(WIFSIGNALED(status));
			assert_int_equal(WTERMSIG(status), SIGKILL);
		}
	}
	close(p[0]);
	close(p[1]);
}

/* Landlock and what is not seccomp's, by themselves. */
static int without_seccomp(void)
{
	const char *step;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);

	if (jail_walls(&small, &step) < 0)
		return 1;
	if (prctl(PR_GET_DUMPABLE) != 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 2;
	if (abi >= 1 && (open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES))
		return 3;
	if (abi >= 1 && (mkdir("made", 0700) == 0 || errno != EACCES))
		return 4;
	if (setgid(12345) == 0 || chroot("/") == 0)
		return 5;
	return 0;
}

static void other_walls(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0)
		_exit(without_seccomp());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_inherited),
		cmocka_unit_test(system_calls),
		cmocka_unit_test(accidents),
		cmocka_unit_test(is_ended),
		cmocka_unit_test(keeper_gone),
		cmocka_unit_test(dies_with_program),
		cmocka_unit_test(other_walls),
	};

	program = getpid();
	setenv("TMPDIR", "/nonexistent", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
