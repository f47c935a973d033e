/* codec.c - frame arithmetic, offset tables, masks. */
#include "codec_objects.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(names),
		cmocka_unit_test(tables),
		cmocka_unit_test(masks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
