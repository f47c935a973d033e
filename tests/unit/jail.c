/* jail - workers talk, get descriptors, stream, and are waited for. */
#include "jail_jobs.h"

static void talks(void **state)
{
	struct img_jail *jail = new_jail();
	struct img_jail_worker w;
	struct img_err err = IMG_ERR_INIT;
	char text[6] = "";

	(void)state;
	start(jail, &w, ECHO);
	assert_int_equal(img_jail_send(w.fd, "hello", 5, -1, 5000, &err), 0);
	assert_int_equal(img_jail_recv(w.fd, text, 5, NULL, 5000, &err), 0);
	assert_string_equal(text, "hello");
	assert_int_equal(img_jail_recv(w.fd, text, 1, NULL, 5000, &err), -1);
	assert_int_equal(err.code, IMG_E_TRANSPORT);
	assert_int_equal(img_jail_end(&w, 5, "a", &err), 42);
	img_err_clear(&err);
	assert_int_equal(img_jail_end(&w, 5, "a", &err), -1); /* twice */
	assert_int_equal(err.code, IMG_E_BUG);
	assert_int_equal(do_job(jail, LIMITS, &err), 0);
	assert_int_equal(do_job(jail, LIBRARY, &err), 0);
	if (!SANITIZED) /* there malloc() never fails, but dies */
		assert_int_equal(do_job(jail, MALLOC_FAILS, &err), 0);
	img_jail_close(jail);
	img_jail_close(NULL);
}

static void passes_descriptors(void **state)
{
	struct img_jail *jail = new_jail();
	struct img_jail_worker w;
	struct img_err err = IMG_ERR_INIT;
	FILE *f = tmpfile();
	char text[6] = "";

	(void)state;
	assert_non_null(f);
	fputs("0123456789", f);
	fflush(f);
	start(jail, &w, READ_FD);
	assert_int_equal(img_jail_send(w.fd, "f", 1, fileno(f), -1, &err), 0);
	assert_int_equal(img_jail_recv(w.fd, text, 5, NULL, 5000, &err), 0);
	assert_string_equal(text, "56789");
	assert_int_equal(img_jail_end(&w, 5, "a", &err), 0);
	start(jail, &w, READ_FD);
	assert_int_equal(img_jail_send(w.fd, "f", 1, -1, -1, &err), 0);
	assert_int_equal(img_jail_end(&w, 5, "a", &err), 1); /* none came */
	fclose(f);
	img_jail_close(jail);
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* More descriptors than asked for do not stay. */
static void takes_one_descriptor(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} c = { .bytes = { 0 } };
	char byte = 'x';
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = &c,
			    .msg_controllen = sizeof(c) };
	int fds[3] = { 0, 1, 2 }, s[2], fd, before;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	before = count_fds();
	c.align.cmsg_level = SOL_SOCKET;
	c.align.cmsg_type = SCM_RIGHTS;
	c.align.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&c.align), fds, sizeof(fds));
	assert_int_equal(sendmsg(s[0], &m, 0), 1);
	assert_int_equal(sendmsg(s[0], &m, 0), 1);
	assert_int_equal(img_jail_recv(s[1], &byte, 1, &fd, -1, &err), 0);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(count_fds(), before + 1);
	close(fd);
	assert_int_equal(img_jail_recv(s[1], &byte, 1, NULL, -1, &err), 0);
	assert_int_equal(count_fds(), before);
	close(s[0]);
	close(s[1]);
}

static void waits_no_longer(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	static char lots[4 << 20];
	char byte;
	int s[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	assert_int_equal(img_jail_recv(s[0], &byte, 1, NULL, 10, &err), -1);
	assert_int_equal(err.code, IMG_E_LIMIT);
	img_err_clear(&err);
	assert_int_equal(img_jail_send(s[0], lots, sizeof(lots), -1, 10, &err),
			 -1);
	assert_int_equal(err.code, IMG_E_LIMIT);
	close(s[1]);
	img_err_clear(&err);
	assert_int_equal(img_jail_send(s[0], "x", 1, -1, 10, &err), -1);
	assert_int_equal(err.code, IMG_E_TRANSPORT);
	close(s[0]);
}

struct many {
	struct img_jail *jail;
	pthread_t thread;
	int good;
};

static void *start_many(void *arg)
{
	struct many *m = arg;

	for (int i = 0; i < 20; i++) {
		struct img_err err = IMG_ERR_INIT;
		struct img_jail_worker w;
		char text[5] = "", job = ECHO;

		if (img_jail_start(m->jail, &w, &err) == 0 &&
		    img_jail_send(w.fd, &job, 1, -1, -1, &err) == 0 &&
		    img_jail_send(w.fd, "hello", 5, -1, -1, &err) == 0 &&
		    img_jail_recv(w.fd, text, 5, NULL, -1, &err) == 0 &&
		    memcmp(text, "hello", 5) == 0 &&
		    img_jail_end(&w, 20, "a", &err) == 42)
			m->good++;
	}
	return NULL;
}

static void threads_start_workers(void **state)
{
	struct img_jail *jail = new_jail();
	struct many many[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		many[i] = (struct many){ .jail = jail };
		assert_int_equal(pthread_create(&many[i].thread, NULL,
						start_many, &many[i]),
				 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(many[i].thread, NULL);
		assert_int_equal(many[i].good, 20);
	}
	img_jail_close(jail);
}

/* Reads words until there are no more; how many were right. */
static uint32_t read_stream(struct img_jail_ring *ring, unsigned seconds,
			    struct img_err *err)
{
	uint32_t right = 0, word;

	while (img_jail_ring_get(ring, &word, sizeof(word), seconds, err) ==
	       0) {
		if (word != stream_word(right))
			fail_msg("word %u is wrong", right);
		right++;
	}
	return right;
}

static void streams(void **state)
{
	static const struct {
		enum job job;
		enum img_code code;
		unsigned seconds;
	} cases[] = { { STREAM, IMG_E_TRANSPORT, 0 },
		      { STREAM_CRASH, IMG_E_TRANSPORT, 5 },
		      { STREAM_STUCK, IMG_E_LIMIT, 1 } };
	struct img_jail *jail = new_jail();
	struct img_jail_worker w;
	struct img_jail_ring *ring;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct img_err err = IMG_ERR_INIT;
		uint32_t n;

		start(jail, &w, cases[i].job);
		assert_int_equal(img_jail_ring_open(&ring, &w, &err), 0);
		n = read_stream(ring, cases[i].seconds, &err);
		assert_int_equal(err.code, cases[i].code);
		/* all that was written before is there */
		assert_true(n >= (i ? 100000 : STREAM_SIZE / 4));
		img_jail_ring_close(ring);
		img_err_clear(&err);
		assert_int_equal(img_jail_end(&w, i == 2 ? 0 : 5, "a", &err),
				 i ? -1 : 0);
	}
	img_jail_ring_close(NULL);
	img_jail_close(jail);
}

/* What a worker writes over what is shared is its own loss. */
static void shared_memory_lies(void **state)
{
	struct img_jail_worker w = { -1, -1 };
	struct img_jail_ring *ring, *other;
	struct img_err err = IMG_ERR_INIT;
	uint64_t *counts;
	char c, bytes[4];
	int s[2], fd;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	w.fd = s[0];
	assert_int_equal(img_jail_ring_open(&ring, &w, &err), 0);
	assert_int_equal(img_jail_recv(s[1], &c, 1, &fd, -1, &err), 0);
	/* it cannot be cut under the program */
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(counts != MAP_FAILED);
	counts[0] = UINT64_MAX - 5; /* how far it has written */
	assert_int_equal(img_jail_ring_get(ring, bytes, 4, 1, &err), -1);
	assert_int_equal(err.code, IMG_E_MALFORMED);
	munmap(counts, 4096);
	img_jail_ring_close(ring);
	close(fd);
	/* and nothing comes where none is sent */
	img_err_clear(&err);
	assert_int_equal(img_jail_send(s[0], "r", 1, -1, -1, &err), 0);
	assert_int_equal(img_jail_ring_join(&other, s[1], &err), -1);
	close(s[0]);
	close(s[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(talks),
		cmocka_unit_test(passes_descriptors),
		cmocka_unit_test(takes_one_descriptor),
		cmocka_unit_test(waits_no_longer),
		cmocka_unit_test(threads_start_workers),
		cmocka_unit_test(streams),
		cmocka_unit_test(shared_memory_lies),
	};

	program = getpid();
	setenv("TMPDIR", "/nonexistent", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
