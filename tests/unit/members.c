/* members - a process that lies about an archive is not believed. */
#include "members_lies.h"

/* ---- the program ---------------------------------------------------------- */

static struct img_jail *jail;

static int set_up(void **state)
{
	struct img_err err = IMG_ERR_INIT;

	(void)state;
	return img_jail_open(&jail, worker, NULL, NULL, &err);
}

static int tear_down(void **state)
{
	(void)state;
	img_jail_close(jail);
	return 0;
}

static struct img_members *open_lie(void (*lie)(void))
{
	static const struct img_archive_limits limits = { .members = 10,
							  .member = 1 << 20,
							  .total = 2 << 20 };
	static const struct img_archive_limits wide = { 0 };
	struct img_err err = IMG_ERR_INIT;
	struct img_members *m = NULL;
	char name[8] = "";
	int fd = memfd_create("a.zip", MFD_CLOEXEC);

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		if (said[i] == lie)
			snprintf(name, sizeof(name), "%zu", i);
	assert_int_equal(ftruncate(fd, 1000), 0);
	assert_int_equal(
		img_members_open(&m, jail, fd, name,
				 lie == much_of_little ? &wide : &limits, 2,
				 &err),
		0);
	close(fd);
	return m;
}

/* Reads and enters all that there is; -1 with err, or the bytes. */
static ssize_t read_all(struct img_members *m, bool enter, struct img_err *err)
{
	static char bytes[100000];
	struct img_member member;
	ssize_t n = 0, got;
	unsigned depth = 1;
	int rc;

	while (depth) {
		rc = img_members_next(m, &member, err);
		if (rc < 0)
			return -1;
		if (rc == 0) {
			depth--;
			continue;
		}
		while ((got = img_members_read(m, bytes, sizeof(bytes), err)) >
		       0)
			n += got;
		if (got < 0)
			return -1;
		if (enter && img_members_is_archive(m)) {
			img_members_enter(m);
			depth++;
		}
	}
	return n;
}

static void fails(void (*lie)(void), bool enter, const char *how)
{
	struct img_members *m = open_lie(lie);
	struct img_err err = IMG_ERR_INIT, again = IMG_ERR_INIT;
	struct img_member member;

	if (read_all(m, enter, &err) >= 0)
		fail_msg("believed: %s", how);
	if (!strstr(err.text, how))
		fail_msg("%s, not %s", err.text, how);
	assert_int_equal(err.code, IMG_E_MALFORMED);
	assert_true(img_members_died(m));
	/* for good */
	assert_int_equal(img_members_next(m, &member, &again), -1);
	assert_string_equal(again.text, err.text);
	assert_int_equal(img_members_read(m, &member, 1, &again), -1);
	img_members_close(m);
}

static void lies(void **state)
{
	(void)state;
	for (size_t i = 0; said[i] != crashes; i++) {
		bool enter = said[i] != inner_without_end;

		fails(said[i], enter, "cannot be believed");
	}
}

static void deaths(void **state)
{
	(void)state;
	fails(crashes, true, "crashed (SIGSEGV)");
	fails(opens, true, "forbidden system call");
}

/* Members told before a crash are told. */
static void told_stays_told(void **state)
{
	struct img_members *m = open_lie(crashes);
	struct img_err err = IMG_ERR_INIT;
	struct img_member member;
	char bytes[10] = "";

	(void)state;
	assert_int_equal(img_members_next(m, &member, &err), 1);
	assert_int_equal(img_members_read(m, bytes, 10, &err), 5);
	assert_string_equal(bytes, "hello");
	assert_int_equal(img_members_next(m, &member, &err), -1);
	img_members_close(m);
}

static void truth(void **state)
{
	struct img_members *m = open_lie(honest);
	struct img_err err = IMG_ERR_INIT;
	struct img_member member;
	char bytes[4];

	(void)state;
	assert_int_equal(read_all(m, true, &err), 15);
	assert_int_equal(img_members_next(m, &member, &err), 0);
	assert_false(img_members_died(m));
	img_members_close(m);
	/* what is not read is passed over */
	m = open_lie(honest);
	assert_int_equal(img_members_next(m, &member, &err), 1);
	assert_int_equal(member.size, 5);
	assert_int_equal(img_members_next(m, &member, &err), 1);
	assert_int_equal(img_members_read(m, bytes, 3, &err), 3);
	assert_int_equal(img_members_next(m, &member, &err), 1);
	img_members_close(m); /* early */
	img_members_close(NULL);
}

static void inner_archives(void **state)
{
	struct img_members *m = open_lie(nests);
	struct img_err err = IMG_ERR_INIT;
	struct img_member member;

	(void)state;
	assert_int_equal(read_all(m, true, &err), 17);
	img_members_close(m);
	m = open_lie(nests); /* not entered */
	assert_int_equal(read_all(m, false, &err), 12);
	assert_int_equal(img_members_next(m, &member, &err), 0);
	img_members_close(m);
}

static void names_and_texts(void **state)
{
	struct img_members *m = open_lie(climbs);
	struct img_err err = IMG_ERR_INIT;
	struct img_member member;
	char byte;

	(void)state;
	assert_int_equal(img_members_next(m, &member, &err), 1);
	assert_int_equal(member.kind, IMG_MEMBER_REFUSED);
	assert_string_equal(member.refused, "name with '..'");
	assert_int_equal(img_members_next(m, &member, &err), 0);
	img_members_close(m);
	m = open_lie(foreign_text);
	assert_int_equal(img_members_next(m, &member, &err), 1);
	assert_int_equal(img_members_read(m, &byte, 1, &err), -1);
	assert_int_equal(err.code, IMG_E_MALFORMED);
	assert_string_equal(err.text, "x?[31m?y?");
	img_err_clear(&err);
	assert_int_equal(img_members_next(m, &member, &err), -1);
	assert_int_equal(err.code, IMG_E_TRUNCATED);
	assert_false(img_members_died(m));
	img_members_close(m);
}

static void asked_for_more(void **state)
{
	struct img_members *m = open_lie(asks);
	struct img_err err = IMG_ERR_INIT;
	struct img_member member;
	char bytes[5];

	(void)state;
	assert_int_equal(read_all(m, true, &err), 15);
	img_members_close(m);
	m = open_lie(asks);
	assert_int_equal(img_members_next(m, &member, &err), 1);
	assert_int_equal(img_members_read(m, bytes, 5, &err), 5);
	assert_int_equal(img_members_next(m, &member, &err), 0);
	img_members_close(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lies),
		cmocka_unit_test(deaths),
		cmocka_unit_test(told_stays_told),
		cmocka_unit_test(truth),
		cmocka_unit_test(inner_archives),
		cmocka_unit_test(names_and_texts),
		cmocka_unit_test(asked_for_more),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
