/* picture - frames as pictures, where no object of the corpus leads: numbers
   that a rescale makes, and memory that cannot be had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dicom_make.h"
#include "picture/picture.h"

/* ---- memory ------------------------------------------------------------- */

static long left = -1; /* requests until there is no more; -1: no such end */

/* Instead of the C library's; a sanitizer has its own. */
#ifndef __SANITIZE_ADDRESS__
static bool is_short(void)
{
	return left >= 0 && left-- == 0;
}

void *__libc_malloc(size_t n);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
	return is_short() ? NULL : __libc_malloc(n);
}

void *realloc(void *p, size_t n)
{
	return is_short() ? NULL : __libc_realloc(p, n);
}
#endif

static struct img_raster noise(void)
{
	struct img_raster r = { .width = 256, .height = 256, .channels = 1 };
	uint32_t v = 1;

	r.pixels = malloc(r.width * r.height);
	assert_non_null(r.pixels);
	for (size_t i = 0; i < r.width * r.height; i++) {
		v = v * 1664525 + 1013904223;
		r.pixels[i] = (uint8_t)(v >> 24);
	}
	return r;
}

/* Whether the nth request is one of those that are made. */
static bool try(const struct img_raster *r, long n)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf out;
	bool met;
	int rc;

	img_buf_init(&out, 1 << 20);
	left = n;
	rc = img_picture_jpeg(r, 90, &out, &err);
	met = left < 0;
	left = -1;
	/* libjpeg can do with less than it asks for. */
	if (rc < 0) {
		assert_true(met);
		assert_int_equal(err.code, IMG_E_NOMEM);
	} else {
		assert_true(out.len > 20000 &&
			    memcmp(out.data + out.len - 2, "\xFF\xD9", 2) == 0);
	}
	img_buf_release(&out);
	return met;
}

static void no_memory(void **state)
{
	struct img_raster r = noise();
	long n = 0;

	(void)state;
	while (try(&r, n))
		n++;
#ifndef __SANITIZE_ADDRESS__
	assert_true(n > 5);
#endif
	img_raster_release(&r);
}

static void no_room(void **state)
{
	struct img_raster r = noise();
	struct img_err err = IMG_ERR_INIT;
	struct img_buf out;

	(void)state;
	img_buf_init(&out, 20000);
	assert_int_equal(img_picture_jpeg(&r, 90, &out, &err), -1);
	assert_int_equal(err.code, IMG_E_LIMIT);
	img_buf_release(&out);
	img_raster_release(&r);
}

/* ---- numbers ------------------------------------------------------------ */

/* What four stored values become: a LUT of 0, 85, 170, 255 behind a rescale. */
static void shown(const char *slope, const char *intercept,
		  const uint8_t want[4])
{
	static const uint8_t bytes[4] = { 0, 1, 2, 255 };
	static const struct img_codec_image image = { .rows = 2,
						      .columns = 2,
						      .samples = 1,
						      .allocated = 8,
						      .stored = 8,
						      .high = 7,
						      .photometric =
							      "MONOCHROME2" };
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_reader *r = img_dicom_reader_new(&err);
	struct img_picture *p = NULL;
	struct img_raster out;
	struct made m = { .implicit = false };

	img_buf_init(&m.b, 65536);
	m_meta(&m, TS_EXPLICIT);
	m_text(&m, 0x00281052, "DS", intercept);
	m_text(&m, 0x00281053, "DS", slope);
	m_head(&m, 0x00283010, "SQ", UNDEF);
	m_item(&m, UNDEF);
	m_put(&m, 0x00283002, "US", "\4\0\0\0\10\0", 6);
	m_put(&m, 0x00283006, "OW", "\0\0\125\0\252\0\377\0", 8);
	m_end(&m, T_END_IT);
	m_end(&m, T_END_SQ);
	assert_int_equal(
		img_dicom_start_mem(r, m.b.data, m.b.len, "x", NULL, &err), 0);
	assert_int_equal(img_picture_open(&p, r, "x", &err), 0);
	assert_int_equal(
		img_picture_render(p, 0, &image, bytes, 4, NULL, 0, &out, &err),
		0);
	assert_memory_equal(out.pixels, want, 4);
	img_raster_release(&out);
	img_picture_close(p);
	img_dicom_reader_free(r);
	img_buf_release(&m.b);
}

static void rescaled(void **state)
{
	(void)state;
	shown("1", "0", (const uint8_t[]){ 0, 85, 170, 255 });
	shown("1", "-1", (const uint8_t[]){ 0, 0, 85, 255 });
	shown("0.5", "0", (const uint8_t[]){ 0, 0, 85, 255 });
	/* No integer holds these; of 0 x infinity there is none. */
	shown("1E300", "0", (const uint8_t[]){ 0, 255, 255, 255 });
	shown("-1E300", "0", (const uint8_t[]){ 0, 0, 0, 0 });
	shown("1E999", "0", (const uint8_t[]){ 0, 255, 255, 255 });
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(no_memory),
					    cmocka_unit_test(no_room),
					    cmocka_unit_test(rescaled) };

	return cmocka_run_group_tests_name("picture", tests, NULL, NULL);
}
