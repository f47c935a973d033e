/* codec.c - frame arithmetic, offset tables, masks, sessions. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "codec/inside.h"
#include "dicom_make.h"

#define TS_RLE "1.2.840.10008.1.2.5"
#define TS_JXL "1.2.840.10008.1.2.4.110"

/* ---- sizes --------------------------------------------------------------- */

static struct img_codec_image image(uint32_t rows, uint32_t columns,
				    unsigned samples, unsigned allocated)
{
	struct img_codec_image i = { .rows = rows,
				     .columns = columns,
				     .samples = (uint16_t)samples,
				     .allocated = (uint16_t)allocated,
				     .stored = (uint16_t)allocated,
				     .high = (uint16_t)(allocated - 1) };

	strcpy(i.photometric, "MONOCHROME2");
	return i;
}

static void size_is(struct img_codec_image i, enum img_code code, size_t want)
{
	struct img_err err = IMG_ERR_INIT;
	size_t got = 0;
	int rc = img_codec_frame_size(&i, &got, &err);

	assert_int_equal(err.code, code);
	assert_int_equal(rc, code == IMG_OK ? 0 : -1);
	assert_int_equal(got, want);
}

static void sizes(void **state)
{
	struct img_codec_image i;

	(void)state;
	size_is(image(3, 5, 1, 8), IMG_OK, 15);
	size_is(image(3, 5, 3, 16), IMG_OK, 90);
	size_is(image(3, 5, 1, 1), IMG_OK, 2);
	size_is(image(1, 1, 1, 64), IMG_OK, 8);
	size_is(image(8192, 24576, 1, 8), IMG_OK, IMG_FRAME_MAX);
	size_is(image(8193, 24576, 1, 8), IMG_E_LIMIT, 0);
	/* What 32 bits would take for a small frame. */
	size_is(image(65535, 65535, 65535, 64), IMG_E_LIMIT, 0);
	size_is(image(65536, 1, 1, 8), IMG_E_MALFORMED, 0);
	size_is(image(0, 5, 1, 8), IMG_E_MALFORMED, 0);
	size_is(image(5, 0, 1, 8), IMG_E_MALFORMED, 0);
	size_is(image(5, 5, 0, 8), IMG_E_MALFORMED, 0);
	size_is(image(5, 5, 1, 12), IMG_E_UNSUPPORTED, 0);
	size_is(image(5, 5, 1, 72), IMG_E_MALFORMED, 0);
	i = image(4, 6, 3, 8);
	strcpy(i.photometric, "YBR_FULL_422");
	size_is(i, IMG_OK, 48);
	i.columns = 5;
	size_is(i, IMG_E_MALFORMED, 0);
	i = image(2, 2, 1, 16);
	i.stored = 17;
	size_is(i, IMG_E_MALFORMED, 0);
	i.stored = 12, i.high = 10;
	size_is(i, IMG_E_MALFORMED, 0);
	i.high = 16;
	size_is(i, IMG_E_MALFORMED, 0);
	i.high = 13, i.representation = 2;
	size_is(i, IMG_E_MALFORMED, 0);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(img_codec_ts("jpegls"), "1.2.840.10008.1.2.4.80");
	assert_string_equal(img_codec_ts("1.2.840.10008.1.2.4.57"),
			    "1.2.840.10008.1.2.4.57");
	assert_null(img_codec_ts("gif"));
	assert_true(img_codec_decodes("1.2.840.10008.1.2.4.203"));
	assert_false(img_codec_encodes("1.2.840.10008.1.2.4.203"));
	assert_true(img_codec_encodes("1.2.840.10008.1.2.4.70"));
	assert_true(img_codec_is_lossy("1.2.840.10008.1.2.4.50"));
	assert_false(img_codec_is_lossy("1.2.840.10008.1.2.4.80"));
	assert_true(img_codec_is_native("1.2.840.10008.1.2.2"));
	assert_false(img_codec_decodes(TS_JXL));
}

/* ---- objects ------------------------------------------------------------- */

static int file_of(struct made *m)
{
	int fd = memfd_create("object", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(img_write_full(fd, m->b.data, m->b.len), 0);
	img_buf_release(&m->b);
	return fd;
}

static void head(struct made *m, const char *ts, const char *frames)
{
	*m = (struct made){ .implicit = false };
	img_buf_init(&m->b, 1 << 20);
	m_meta(m, ts);
	m_ids(m);
	m_text(m, 0x00280004, "CS", "MONOCHROME2");
	if (frames)
		m_text(m, 0x00280008, "IS", frames);
	m_short(m, 0x00280010, 4);
	m_short(m, 0x00280011, 4);
	m_short(m, 0x00280100, 8);
}

/* Fragments: S begins a frame, c goes on, e has no bytes; of 8 bytes. */
static int coded(const char *ts, const char *frames, const char *fragments,
		 const void *basic, size_t basic_n, const void *extended,
		 size_t extended_n)
{
	struct made m;

	head(&m, ts, frames);
	if (extended)
		m_put(&m, 0x7FE00001u, "OV", extended, extended_n);
	m_head(&m, T_PIXELS, "OB", UNDEF);
	if (basic) {
		m_item(&m, (uint32_t)basic_n);
		m_bytes(&m, basic, basic_n);
	}
	for (; *fragments; fragments++) {
		m_item(&m, *fragments == 'e' ? 0 : 8);
		if (*fragments == 'S')
			m_bytes(&m, "\xFF\xD8\xFF\xE0\0\4ab", 8);
		if (*fragments == 'c')
			m_bytes(&m, "abcdefgh", 8);
	}
	m_end(&m, T_END_SQ);
	return file_of(&m);
}

/* split: pieces of each frame, as digits. */
static void frames_are(int fd, uint32_t frames, uint32_t stated,
		       const char *table, const char *split)
{
	struct img_err err = IMG_ERR_INIT;
	const struct img_frames_facts *facts;
	const struct img_frames_piece *pieces;
	struct img_frames *f;
	size_t n;

	assert_int_equal(img_frames_open(&f, fd, "object", &err), 0);
	facts = img_frames_facts(f);
	assert_string_equal(facts->table, table);
	assert_int_equal(facts->frames, frames);
	assert_int_equal(facts->stated, stated);
	for (uint32_t i = 0; split && i < frames; i++) {
		assert_int_equal(img_frames_pieces(f, i, &pieces, &n, &err), 0);
		assert_int_equal(n, split[i] - '0');
	}
	assert_int_equal(img_frames_pieces(f, facts->frames, &pieces, &n, &err),
			 -1);
	img_frames_close(f);
	close(fd);
}

static void not_opened(int fd, enum img_code code)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_frames *f;

	assert_int_equal(img_frames_open(&f, fd, "object", &err), -1);
	assert_int_equal(err.code, code);
	close(fd);
}

static void tables(void **state)
{
	/* Offsets count from the first fragment's item; 16 bytes each. */
	static const uint8_t two[] = { 0, 0, 0, 0, 32, 0, 0, 0 };
	static const uint8_t off[] = { 0, 0, 0, 0, 24, 0, 0, 0 };
	static const uint8_t mid[] = { 0, 0, 0, 0, 16, 0, 0, 0 };
	static const uint8_t twice[] = { 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t wide[] = { 0,  0, 0, 0, 0, 0, 0, 0,
					32, 0, 0, 0, 0, 0, 0, 0 };

	(void)state;
	frames_are(coded(TS_JPEG, "2", "SS", "", 0, NULL, 0), 2, 2, "empty",
		   "11");
	frames_are(coded(TS_JPEG, "2", "ScSc", "", 0, NULL, 0), 2, 2, "empty",
		   "22");
	frames_are(coded(TS_JPEG, "2", "ScSc", two, 8, NULL, 0), 2, 2, "basic",
		   "22");
	frames_are(coded(TS_JPEG, "2", "ScSc", off, 8, NULL, 0), 2, 2, "wrong",
		   "22");
	frames_are(coded(TS_JPEG, "2", "ScSc", mid, 8, NULL, 0), 2, 2, "wrong",
		   "22");
	frames_are(coded(TS_JPEG, "2", "ScSc", twice, 8, NULL, 0), 2, 2,
		   "wrong", "22");
	frames_are(coded(TS_JPEG, "2", "ScSc", two, 4, NULL, 0), 2, 2, "wrong",
		   "22");
	frames_are(coded(TS_JPEG, "2", "ScSc", "", 0, wide, 16), 2, 2,
		   "extended", "22");
	frames_are(coded(TS_JPEG, "2", "ScSc", "", 0, wide, 12), 2, 2, "wrong",
		   "22");
	/* The first item is no table. */
	frames_are(coded(TS_JPEG, "2", "ScS", NULL, 0, NULL, 0), 2, 2, "none",
		   "21");
	/* NumberOfFrames against what is there. */
	frames_are(coded(TS_JPEG, NULL, "SSS", "", 0, NULL, 0), 3, 1, "empty",
		   "111");
	frames_are(coded(TS_JPEG, "5", "SSS", "", 0, NULL, 0), 3, 5, "empty",
		   "111");
	frames_are(coded(TS_JPEG, "0", "S", "", 0, NULL, 0), 1, 1, "empty",
		   "1");
	/* A fragment without bytes belongs to the frame before. */
	frames_are(coded(TS_JPEG, "2", "SeS", "", 0, NULL, 0), 2, 2, "empty",
		   "21");
	frames_are(coded(TS_JPEG, "1", "", "", 0, NULL, 0), 0, 1, "empty",
		   NULL);
	/* Without marks. */
	frames_are(coded(TS_JPEG, "3", "ccc", "", 0, NULL, 0), 3, 3, "empty",
		   "111");
	frames_are(coded(TS_JPEG, "1", "ccc", "", 0, NULL, 0), 1, 1, "empty",
		   "3");
	frames_are(coded(TS_JPEG, "2", "cccc", two, 8, NULL, 0), 2, 2, "basic",
		   "22");
	not_opened(coded(TS_JPEG, "2", "ccc", "", 0, NULL, 0), IMG_E_MALFORMED);
	frames_are(coded(TS_JXL, "2", "cc", "", 0, NULL, 0), 2, 2, "empty",
		   "11");
	not_opened(coded(TS_EXPLICIT, "1", "S", "", 0, NULL, 0),
		   IMG_E_MALFORMED);
	not_opened(coded(TS_JPEG, "many", "S", "", 0, NULL, 0),
		   IMG_E_MALFORMED);
}

/* ---- masks --------------------------------------------------------------- */

static void masks_are(struct img_codec_image i, const char *photometric,
		      uint64_t want, unsigned s)
{
	/* One pixel of three columns, and what lies outside. */
	const struct img_codec_mask m[] = { { 1, 1, 1, 9 },
					    { 2, 0, 1, 0 },
					    { 9, 9, 9, 9 } };
	unsigned unit = i.allocated / 8u;
	size_t pixel = (size_t)unit * i.samples;
	uint8_t p[256];
	uint64_t got = 0;

	strcpy(i.photometric, photometric);
	memset(p, 0x55, sizeof(p));
	img_clean_masks(p, &i, m, 3);
	memcpy(&got, p + 4 * pixel + (size_t)s * unit, unit);
	assert_int_equal(got, want);
	assert_int_equal(p[4 * pixel - 1], 0x55);
	assert_int_equal(p[5 * pixel], 0x55);
	assert_int_equal(p[0], 0x55);
}

static void masks(void **state)
{
	struct img_codec_image i = image(2, 3, 1, 8);
	uint8_t bits[2] = { 0xFF, 0xFF };

	(void)state;
	masks_are(i, "MONOCHROME2", 0, 0);
	masks_are(i, "MONOCHROME1", 0xFF, 0);
	masks_are(i, "PALETTE COLOR", 0, 0);
	i.allocated = 16, i.stored = 12, i.high = 12;
	masks_are(i, "MONOCHROME1", 0x1FFE, 0);
	i.high = 11, i.representation = 1;
	masks_are(i, "MONOCHROME2", 0xF800, 0);
	masks_are(i, "MONOCHROME1", 0x07FF, 0);
	i = image(2, 3, 3, 8);
	masks_are(i, "RGB", 0, 1);
	masks_are(i, "YBR_FULL", 0, 0);
	masks_are(i, "YBR_FULL", 0x80, 2);
	i = image(2, 3, 1, 1);
	img_clean_masks(bits, &i, &(struct img_codec_mask){ 1, 1, 1, 1 }, 1);
	assert_int_equal(bits[0], 0xEF);
}

/* ---- sessions ------------------------------------------------------------ */

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
		cmocka_unit_test(sizes),        cmocka_unit_test(names),
		cmocka_unit_test(tables),       cmocka_unit_test(masks),
		cmocka_unit_test(sink_says_no), cmocka_unit_test(worker_dies),
		cmocka_unit_test(uncompressed), cmocka_unit_test(threads),
		cmocka_unit_test(large),
	};

	return cmocka_run_group_tests(tests, open_codec, close_codec);
}
