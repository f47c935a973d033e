/* secret - of a secret that was read from a file nothing is left in memory. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* after these: */
#include <cmocka.h>

#include "net/inside.h"

#define SIZE 16000
#define MAX  16384

static char file[] = "/tmp/imgsecret.XXXXXX";
static char text[SIZE];

/* A page of a secret, at any place. */
static bool is_in(const char *from, const char *to)
{
	for (const char *p = from; p + 64 <= to; p += 16)
		if (memcmp(p, text + 32, 64) == 0)
			return true;
	return false;
}

/* Whether the heap has some of it. */
static bool is_left(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long from, to;
	bool found = false;
	char line[512];

	assert_non_null(maps);
	while (!found && fgets(line, sizeof(line), maps))
		if (strstr(line, "[heap]") &&
		    sscanf(line, "%lx-%lx", &from, &to) == 2)
			found = is_in((const char *)from, (const char *)to);
	fclose(maps);
	return found;
}

static int setup(void **unused)
{
	int fd = mkstemp(file);

	(void)unused;
	/* Again and again, as the heap has it at multiples of 16. */
	for (size_t i = 0; i < SIZE; i++)
		text[i] = "0123456789abcdef"[i % 16];
	assert_int_equal(write(fd, text, SIZE), SIZE);
	close(fd);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	return unlink(file);
}

static void whole(void **unused)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf b;
	/* Holes that are too small for what begins in them. */
	void *hole[64], *wall[64];
	bool was_seen;

	(void)unused;
	for (size_t i = 0; i < 64; i++) {
		hole[i] = malloc(128ul << i % 8);
		wall[i] = malloc(16);
	}
	for (size_t i = 0; i < 64; i++)
		free(hole[i]);
	assert_false(is_left());
	img_buf_init(&b, MAX);
	assert_int_equal(img_net_read_secrets(file, &b, &err), 0);
	assert_int_equal(b.len, SIZE);
	assert_memory_equal(b.data, text, SIZE);
	assert_int_equal(b.data[SIZE], 0);
	was_seen = is_left();
	img_net_release_secret(&b);
	for (size_t i = 0; i < 64; i++)
		free(wall[i]);
	if (!was_seen)
		skip(); /* a sanitizer has a heap of its own */
	assert_false(is_left());
}

static void limits(void **unused)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf b;

	(void)unused;
	img_buf_init(&b, SIZE);
	assert_int_equal(img_net_read_secrets(file, &b, &err), 0);
	assert_int_equal(b.len, SIZE);
	img_net_release_secret(&b);
	img_buf_init(&b, SIZE + 2);
	assert_int_equal(img_buf_puts(&b, "abc", &err), 0);
	assert_int_equal(img_net_read_secrets(file, &b, &err), -1);
	assert_int_equal(err.code, IMG_E_LIMIT);
	img_net_release_secret(&b);
	assert_false(is_left());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
