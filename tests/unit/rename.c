/* rename - a new name that replaces nothing, also where the file system has no
   call for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

static bool no_flags, no_links;
static int dir;

/* Instead of the C library's. */
int renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
	if (flags && no_flags) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from, a, to, b, flags);
}

int linkat(int from, const char *a, int to, const char *b, int flags)
{
	if (no_links) {
		errno = EPERM;
		return -1;
	}
	return (int)syscall(SYS_linkat, from, a, to, b, flags);
}

static void put(const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(img_write_full(fd, text, strlen(text)), 0);
	close(fd);
}

static void has(const char *name, const char *text)
{
	char got[16] = "";
	int fd = openat(dir, name, O_RDONLY);

	assert_true(fd >= 0);
	assert_true(read(fd, got, sizeof(got) - 1) >= 0);
	assert_string_equal(got, text);
	close(fd);
}

static void is_absent(const char *name)
{
	assert_int_equal(faccessat(dir, name, F_OK, 0), -1);
}

static void file_of(void **state)
{
	(void)state;
	put("a", "mine");
	put("b", "theirs");
	errno = 0;
	assert_int_equal(img_rename_new(dir, "a", dir, "b"), -1);
	assert_int_equal(errno, EEXIST);
	has("a", "mine");
	has("b", "theirs");
	assert_int_equal(img_rename_new(dir, "a", dir, "c"), 0);
	is_absent("a");
	has("c", "mine");
	errno = 0;
	assert_int_equal(img_rename_new(dir, "a", dir, "d"), -1);
	assert_int_equal(errno, ENOENT);
	is_absent("d");
	unlinkat(dir, "b", 0);
	unlinkat(dir, "c", 0);
}

static void folder_of(void **state)
{
	(void)state;
	assert_int_equal(mkdirat(dir, "a", 0700), 0);
	put("a/in", "mine");
	assert_int_equal(mkdirat(dir, "b", 0700), 0);
	errno = 0;
	assert_int_equal(img_rename_new(dir, "a", dir, "b"), -1);
	assert_int_equal(errno, EEXIST);
	has("a/in", "mine");
	assert_int_equal(img_rename_new(dir, "a", dir, "c"), 0);
	is_absent("a");
	has("c/in", "mine");
	unlinkat(dir, "c/in", 0);
	unlinkat(dir, "c", AT_REMOVEDIR);
	unlinkat(dir, "b", AT_REMOVEDIR);
}

static int as_ext4(void **state)
{
	(void)state;
	no_flags = no_links = false;
	return 0;
}

static int as_nfs(void **state)
{
	(void)state;
	no_flags = true;
	no_links = false;
	return 0;
}

static int as_fat(void **state)
{
	(void)state;
	no_flags = no_links = true;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(file_of, as_ext4),
		cmocka_unit_test_setup(folder_of, as_ext4),
		cmocka_unit_test_setup(file_of, as_nfs),
		cmocka_unit_test_setup(folder_of, as_nfs),
		cmocka_unit_test_setup(file_of, as_fat),
		cmocka_unit_test_setup(folder_of, as_fat),
	};
	char name[] = "/tmp/imgrename.XXXXXX";
	int rc;

	if (!mkdtemp(name))
		return 1;
	dir = open(name, O_RDONLY | O_DIRECTORY);
	rc = cmocka_run_group_tests_name("rename", tests, NULL, NULL);
	close(dir);
	rmdir(name);
	return rc;
}
