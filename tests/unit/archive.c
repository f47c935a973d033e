/* archive - sniffing, streams in pieces, failures of the source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive/archive.h"

/* ---- a tar in memory ------------------------------------------------------- */

struct tar {
	uint8_t p[1 << 16];
	size_t n;
};

static void add(struct tar *t, const char *name, const void *p, size_t n)
{
	uint8_t *h = t->p + t->n;
	unsigned sum = 0;

	memset(h, 0, 512);
	snprintf((char *)h, 100, "%s", name);
	snprintf((char *)h + 100, 8, "0000644");
	snprintf((char *)h + 124, 12, "%011zo", n);
	snprintf((char *)h + 136, 12, "00000000012");
	memset(h + 148, ' ', 8);
	h[156] = '0';
	memcpy(h + 257,
	       "ustar\0"
	       "00",
	       8);
	for (size_t i = 0; i < 512; i++)
		sum += h[i];
	snprintf((char *)h + 148, 8, "%06o", sum);
	memcpy(h + 512, p, n);
	memset(h + 512 + n, 0, 512);
	t->n += 512 + (n + 511) / 512 * 512;
}

static void end(struct tar *t)
{
	memset(t->p + t->n, 0, 1024);
	t->n += 1024;
}

static struct tar sample;

static int make_sample(void **state)
{
	static uint8_t data[5000];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31);
	add(&sample, "first", data, 5000);
	add(&sample, "second", data, 1);
	add(&sample, "empty", data, 0);
	end(&sample);
	return 0;
}

/* ---- a source that gives n bytes at a time, and may fail --------------------- */

struct pieces {
	const uint8_t *p;
	size_t n, at, step, fail_at;
	uint8_t hold[70000]; /* gone at the next call */
};

static ssize_t piece(void *arg, const void **p, struct img_err *err)
{
	struct pieces *s = arg;
	size_t n = s->n - s->at;

	memset(s->hold, 0xDB, sizeof(s->hold));
	if (s->fail_at && s->at >= s->fail_at)
		return img_err_set(err, IMG_E_IO, "the source broke");
	if (n > s->step)
		n = s->step;
	memcpy(s->hold, s->p + s->at, n);
	s->at += n;
	*p = s->hold;
	return (ssize_t)n;
}

static struct img_archive *open_pieces(struct pieces *s, const struct tar *t,
				       size_t step)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_archive *a;

	memset(s, 0, sizeof(*s));
	s->p = t->p;
	s->n = t->n;
	s->step = step;
	assert_int_equal(img_archive_open_fn(&a, piece, s, "t", NULL, &err), 0);
	return a;
}

static void in_pieces_of(size_t step)
{
	static struct pieces s;
	struct img_err err = IMG_ERR_INIT;
	struct img_archive *a = open_pieces(&s, &sample, step);
	static uint8_t out[6000];
	struct img_member m;

	assert_int_equal(img_archive_next(a, &m, &err), 1);
	assert_string_equal(m.name, "first");
	assert_int_equal(m.kind, IMG_MEMBER_FILE);
	assert_int_equal(m.size, 5000);
	assert_int_equal(m.mtime, 10);
	assert_int_equal(img_archive_read(a, out, sizeof(out), &err), 5000);
	assert_memory_equal(out, sample.p + 512, 5000);
	assert_int_equal(img_archive_read(a, out, sizeof(out), &err), 0);
	assert_int_equal(img_archive_read(a, out, sizeof(out), &err), 0);
	assert_int_equal(img_archive_next(a, &m, &err), 1); /* not read */
	assert_int_equal(img_archive_next(a, &m, &err), 1);
	assert_string_equal(m.name, "empty");
	assert_int_equal(img_archive_read(a, out, sizeof(out), &err), 0);
	assert_int_equal(img_archive_next(a, &m, &err), 0);
	assert_int_equal(img_archive_next(a, &m, &err), 0);
	assert_int_equal(err.code, IMG_OK);
	img_archive_close(a);
}

static void test_pieces(void **state)
{
	static const size_t steps[] = { 1, 7, 511, 512, 513, 4096, 65536 };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		in_pieces_of(steps[i]);
}

static void test_small_reads(void **state)
{
	static struct pieces s;
	struct img_err err = IMG_ERR_INIT;
	struct img_archive *a = open_pieces(&s, &sample, 1000);
	uint8_t out[7];
	struct img_member m;
	size_t n = 0;
	ssize_t got;

	(void)state;
	assert_int_equal(img_archive_next(a, &m, &err), 1);
	while ((got = img_archive_read(a, out, sizeof(out), &err)) > 0) {
		assert_memory_equal(out, sample.p + 512 + n, (size_t)got);
		n += (size_t)got;
	}
	assert_int_equal(got, 0);
	assert_int_equal(n, 5000);
	img_archive_close(a);
}

/* Reads and blocks may be mixed. */
static void test_blocks(void **state)
{
	static struct pieces s;
	struct img_err err = IMG_ERR_INIT;
	struct img_archive *a = open_pieces(&s, &sample, 1000);
	const void *p;
	uint8_t out[100];
	struct img_member m;
	size_t n = 0;
	ssize_t got;

	(void)state;
	assert_int_equal(img_archive_next(a, &m, &err), 1);
	while (n < 5000) {
		got = img_archive_read(a, out, sizeof(out), &err);
		assert_true(got > 0);
		assert_memory_equal(out, sample.p + 512 + n, (size_t)got);
		n += (size_t)got;
		got = img_archive_block(a, &p, &err);
		assert_true(got >= 0);
		if (got)
			assert_memory_equal(p, sample.p + 512 + n, (size_t)got);
		n += (size_t)got;
	}
	assert_int_equal(n, 5000);
	assert_int_equal(img_archive_block(a, &p, &err), 0);
	img_archive_close(a);
}

static void test_broken_source(void **state)
{
	static struct pieces s;
	struct img_err err = IMG_ERR_INIT;
	struct img_archive *a;
	static uint8_t out[6000];
	struct img_member m;

	(void)state;
	memset(&s, 0, sizeof(s));
	s.p = sample.p;
	s.n = sample.n;
	s.step = 512;
	s.fail_at = 3000; /* before the head of the file is whole */
	assert_int_equal(img_archive_open_fn(&a, piece, &s, "t", NULL, &err),
			 0);
	assert_int_equal(img_archive_next(a, &m, &err), 1);
	assert_int_equal(img_archive_read(a, out, sizeof(out), &err), -1);
	assert_int_equal(err.code, IMG_E_IO);
	assert_string_equal(err.text, "the source broke");
	img_err_clear(&err);
	assert_int_equal(img_archive_next(a, &m, &err), -1);
	assert_int_equal(err.code, IMG_E_IO);
	img_err_clear(&err);
	assert_int_equal(img_archive_next(a, &m, &err), -1);
	assert_int_equal(err.code, IMG_E_IO);
	img_archive_close(a);

	memset(s.hold, 0, sizeof(s.hold));
	s.at = 0;
	s.fail_at = 1;
	s.step = 1;
	img_err_clear(&err);
	assert_int_equal(img_archive_open_fn(&a, piece, &s, "t", NULL, &err),
			 -1);
	assert_null(a);
}

/* A file is read from where it stands. */
static void test_offset(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_archive *a;
	struct img_member m;
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	assert_int_equal(fwrite("junk in front", 1, 13, f), 13);
	assert_int_equal(fwrite(sample.p, 1, sample.n, f), sample.n);
	assert_int_equal(fflush(f), 0);
	assert_int_equal(lseek(fileno(f), 13, SEEK_SET), 13);
	assert_int_equal(img_archive_open_fd(&a, fileno(f), "t", NULL, &err),
			 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(img_archive_next(a, &m, &err), 1);
	assert_string_equal(m.name, "empty");
	assert_int_equal(img_archive_next(a, &m, &err), 0);
	img_archive_close(a);
	fclose(f);
	img_archive_close(NULL);
}

/* A pipe gives what it has, in pieces smaller than the head. */
static void test_pipe(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_archive *a;
	struct img_member m;
	int fd[2], n = 0, status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		for (size_t at = 0; at < sample.n; at += 512) {
			if (write(fd[1], sample.p + at, 512) != 512)
				_exit(1);
			usleep(500);
		}
		_exit(0);
	}
	close(fd[1]);
	assert_int_equal(img_archive_open_fd(&a, fd[0], "t", NULL, &err), 0);
	while (img_archive_next(a, &m, &err) > 0)
		n++;
	assert_int_equal(n, 3);
	assert_int_equal(err.code, IMG_OK);
	img_archive_close(a);
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- sniffing ------------------------------------------------------------------ */

static void sniffs(const char *p, size_t n, enum img_archive_kind want)
{
	uint8_t *exact = malloc(n ? n : 1); /* so that a sanitizer sees over */

	assert_non_null(exact);
	memcpy(exact, p, n);
	assert_int_equal(img_archive_sniff(exact, n), want);
	free(exact);
}
#define SNIFFS(s, want) sniffs(s, sizeof(s) - 1, want)

#define LOCAL(len)                                                             \
	"PK\3\4\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" len "\0\0\0"

static void test_sniff(void **state)
{
	static char iso[IMG_ARCHIVE_HEAD];

	(void)state;
	sniffs("", 0, IMG_ARCHIVE_NONE);
	SNIFFS("PK", IMG_ARCHIVE_NONE);
	SNIFFS("PK\3\4", IMG_ARCHIVE_ZIP);
	SNIFFS("PK\5\6", IMG_ARCHIVE_ZIP);
	SNIFFS("PK\7\10PK\3\4", IMG_ARCHIVE_ZIP);
	SNIFFS(LOCAL("\5") "DICOM", IMG_ARCHIVE_ZIP);
	SNIFFS(LOCAL("\24") "META-INF/MANIFEST.MF", IMG_ARCHIVE_NONE);
	SNIFFS(LOCAL("\23") "[Content_Types].xml", IMG_ARCHIVE_NONE);
	SNIFFS(LOCAL("\10") "mimetypeapplication/epub+zip", IMG_ARCHIVE_NONE);
	SNIFFS(LOCAL("\10") "mimetype of a person", IMG_ARCHIVE_ZIP);
	SNIFFS(LOCAL("\23") "AndroidManifest.xml", IMG_ARCHIVE_NONE);
	SNIFFS("\x1f\x8b\x08", IMG_ARCHIVE_COMPRESSED);
	SNIFFS("BZh91AY&SY", IMG_ARCHIVE_COMPRESSED);
	SNIFFS("BZh9 a text", IMG_ARCHIVE_NONE);
	SNIFFS("\xFD"
	       "7zXZ\0",
	       IMG_ARCHIVE_COMPRESSED);
	SNIFFS("\x28\xB5\x2F\xFD", IMG_ARCHIVE_COMPRESSED);
	SNIFFS("Rar!\x1a\x07\0", IMG_ARCHIVE_NONE);
	memcpy(iso + 32769, "CD001", 5);
	sniffs(iso, sizeof(iso), IMG_ARCHIVE_ISO);
	sniffs(iso, 32773, IMG_ARCHIVE_NONE);
	memcpy(iso + 128, "DICM", 4);
	sniffs(iso, sizeof(iso), IMG_ARCHIVE_NONE);
	memset(iso, 0, sizeof(iso));
	memcpy(iso + 34817, "CD001", 5);
	sniffs(iso, sizeof(iso), IMG_ARCHIVE_ISO);
	sniffs((char *)sample.p, 512, IMG_ARCHIVE_TAR);
	sniffs((char *)sample.p, 511, IMG_ARCHIVE_NONE);
	memcpy(iso, sample.p, 512);
	iso[3] ^= 1;
	sniffs(iso, 512, IMG_ARCHIVE_NONE);
	assert_string_equal(img_archive_kind_word(IMG_ARCHIVE_ISO), "iso");
}

/* Every prefix of it, and every byte of it changed: no trouble. */
static void test_sniff_any(void **state)
{
	static char buf[2048];

	(void)state;
	for (size_t n = 0; n < 600; n++) {
		memcpy(buf, sample.p, n);
		sniffs(buf, n, n < 512 ? IMG_ARCHIVE_NONE : IMG_ARCHIVE_TAR);
	}
	for (size_t i = 0; i < 512; i++) {
		memcpy(buf, sample.p, 512);
		buf[i] = (char)(buf[i] + 1);
		if (i < 148 || i >= 156) /* all but the sum itself */
			sniffs(buf, 512, IMG_ARCHIVE_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_small_reads),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_broken_source),
		cmocka_unit_test(test_offset),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_sniff),
		cmocka_unit_test(test_sniff_any),
	};

	return cmocka_run_group_tests(tests, make_sample, NULL);
}
