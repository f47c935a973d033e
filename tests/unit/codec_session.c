/* codec_session.c - frames in workers: sinks, deaths, threads. */
#include "codec_objects.h"

static struct img_codec *codec;
static struct img_codec_session *session;

static int open_codec(void **state)
{
	struct img_err err = IMG_ERR_INIT;

	(void)state;
	return img_codec_open(&codec, &err) < 0 ||
	       img_codec_session(codec, &session, &err) < 0;
}

static int close_codec(void **state)
{
	(void)state;
	img_codec_session_close(session);
	img_codec_close(codec);
	return 0;
}

static int take(const void *p, size_t n, void *arg, struct img_err *err)
{
	(void)err;
	if (*(size_t *)arg == 0 && n)
		*(size_t *)arg = 1000 + *(const uint8_t *)p;
	return 0;
}

static int refuse(const void *p, size_t n, void *arg, struct img_err *err)
{
	(void)p;
	(void)n;
	(void)arg;
	return img_err_set(err, IMG_E_IO, "the disk is full");
}

/* A frame of 16 bytes of 7, in RLE. */
static int seven(void)
{
	struct made m;

	head(&m, TS_RLE, NULL);
	m_head(&m, T_PIXELS, "OB", UNDEF);
	m_item(&m, 0);
	m_item(&m, 66);
	m_u32(&m, 1);
	m_u32(&m, 64);
	m_fill(&m, 56, 0);
	m_bytes(&m, "\xF1\x07", 2);
	m_end(&m, T_END_SQ);
	return file_of(&m);
}

static int run(int fd, img_codec_sink sink, size_t *first, struct img_err *err)
{
	const struct img_codec_request req = { .to = TS_EXPLICIT };
	struct img_codec_image made;
	struct img_frames *f;
	uint64_t size;
	int rc;

	*first = 0;
	assert_int_equal(img_frames_open(&f, fd, "object", err), 0);
	rc = img_codec_run(session, f, 0, &req, &made, &size, sink, first, err);
	img_frames_close(f);
	return rc;
}

/* The first of several parts is not taken: the rest must not be mistaken for
   the next answer. */
static void sink_says_no(void **state)
{
	const struct img_codec_request req = { .to = TS_EXPLICIT,
					       .clear_unused = true };
	struct img_err err = IMG_ERR_INIT, none = IMG_ERR_INIT;
	struct made m = { .implicit = false };
	struct img_codec_image made;
	struct img_frames *f;
	uint64_t size;
	size_t first = 0;
	int fd;

	(void)state;
	img_buf_init(&m.b, 4 << 20);
	m_meta(&m, TS_EXPLICIT);
	m_ids(&m);
	m_short(&m, 0x00280010, 1000);
	m_short(&m, 0x00280011, 1000);
	m_short(&m, 0x00280100, 8);
	m_short(&m, 0x00280101, 7);
	m_short(&m, 0x00280102, 6);
	m_head(&m, T_PIXELS, "OW", 1000000);
	m_fill(&m, 1000000, 0x85);
	fd = file_of(&m);
	assert_int_equal(img_frames_open(&f, fd, "object", &err), 0);
	assert_int_equal(img_codec_run(session, f, 0, &req, &made, &size,
				       refuse, &first, &err),
			 -1);
	assert_string_equal(err.text, "the disk is full");
	assert_int_equal(img_codec_run(session, f, 0, &req, &made, &size, take,
				       &first, &none),
			 0);
	assert_int_equal(first, 1005);
	img_frames_close(f);
	close(fd);
}

/* The process that answers, as the kernel lists it. */
static pid_t worker(void)
{
	char path[64];
	FILE *file;
	int pid = 0, next;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	file = fopen(path, "r");
	if (!file)
		return 0;
	while (fscanf(file, "%d", &next) == 1)
		pid = next;
	fclose(file);
	return pid;
}

static void worker_dies(void **state)
{
	struct img_err err = IMG_ERR_INIT, none = IMG_ERR_INIT;
	int fd = seven();
	size_t first;
	pid_t pid;

	(void)state;
	assert_int_equal(run(fd, take, &first, &err), 0);
	pid = worker();
	if (pid <= 0) /* the kernel does not tell */
		skip();
	kill(pid, SIGKILL);
	assert_int_equal(run(fd, take, &first, &err), -1);
	assert_memory_equal(err.text, "object: frame 1: ", 17);
	assert_int_equal(run(fd, take, &first, &none), 0);
	assert_int_equal(first, 1007);
	close(fd);
}

/* Fragments that hold native frames (PS3.5 A.4.11). */
static void uncompressed(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct made m;
	size_t first;
	int fd;

	(void)state;
	head(&m, "1.2.840.10008.1.2.1.98", NULL);
	m_head(&m, T_PIXELS, "OB", UNDEF);
	m_item(&m, 0);
	m_item(&m, 16);
	m_fill(&m, 16, 9);
	m_end(&m, T_END_SQ);
	fd = file_of(&m);
	assert_int_equal(run(fd, take, &first, &err), 0);
	assert_int_equal(first, 1009);
	close(fd);
}

/* ---- threads ------------------------------------------------------------- */

static void *many(void *arg)
{
	const struct img_codec_request req = { .to = TS_RLE, .prove = true };
	struct img_err err = IMG_ERR_INIT;
	struct img_codec_session *s = NULL;
	struct img_codec_image made;
	struct img_frames *f = NULL;
	int fd = seven(), rc = -1;
	uint64_t size;
	size_t first;

	if (img_codec_session(codec, &s, &err) == 0 &&
	    img_frames_open(&f, fd, "object", &err) == 0)
		rc = 0;
	for (int i = 0; rc == 0 && i < 50; i++) {
		first = 0;
		rc = img_codec_run(s, f, 0, &req, &made, &size, take, &first,
				   &err);
	}
	img_frames_close(f);
	img_codec_session_close(s);
	close(fd);
	*(int *)arg = rc == 0 ? 0 : (int)err.code;
	return NULL;
}

static void threads(void **state)
{
	pthread_t t[4];
	int rc[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, many, &rc[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 4; i++)
		assert_int_equal(rc[i], 0);
}

/* 180 MiB through the worker, and the program stays small. */
static void large(void **state)
{
	const struct img_codec_mask m = { 0, 0, 0, 0 };
	const struct img_codec_request req = { .to = TS_EXPLICIT,
					       .masks = &m,
					       .n_masks = 1 };
	struct img_err err = IMG_ERR_INIT;
	struct img_codec_image made;
	struct img_frames *f;
	struct rusage used;
	struct made o = { .implicit = false };
	uint64_t size = 0;
	size_t first = 0;
	int fd;

	(void)state;
	img_buf_init(&o.b, 1 << 20);
	m_meta(&o, TS_EXPLICIT);
	m_ids(&o);
	m_short(&o, 0x00280010, 9000);
	m_short(&o, 0x00280011, 20000);
	m_short(&o, 0x00280100, 8);
	m_head(&o, T_PIXELS, "OW", 180000000);
	size = o.b.len + 180000000;
	fd = file_of(&o);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(img_frames_open(&f, fd, "object", &err), 0);
	assert_int_equal(img_codec_run(session, f, 0, &req, &made, &size, take,
				       &first, &err),
			 0);
	assert_int_equal(size, 180000000);
	img_frames_close(f);
	close(fd);
	getrusage(RUSAGE_SELF, &used);
#ifndef __SANITIZE_ADDRESS__
	assert_true(used.ru_maxrss <= 64 * 1024);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sink_says_no), cmocka_unit_test(worker_dies),
		cmocka_unit_test(uncompressed), cmocka_unit_test(threads),
		cmocka_unit_test(large),
	};

	return cmocka_run_group_tests(tests, open_codec, close_codec);
}
