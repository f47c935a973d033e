/* catalog_memory - without memory a catalog is not damaged, and what was asked
   can be asked again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* after these: */
#include <cmocka.h>
#include <sqlite3.h>

#include "catalog/catalog.h"
#include "crypto/crypto.h"

static char dir[] = "/tmp/imgmemory.XXXXXX";
static char old[64];
static struct img_catalog *fresh;

/* ---- sqlite's memory ---------------------------------------------------- */

static sqlite3_mem_methods usual;
static unsigned left; /* requests until one fails; 0: none does */

static bool is_failing(void)
{
	return left && --left == 0;
}

static void *get(int n)
{
	return is_failing() ? NULL : usual.xMalloc(n);
}

static void *get_more(void *p, int n)
{
	return is_failing() ? NULL : usual.xRealloc(p, n);
}

/* ---- two catalogs ------------------------------------------------------- */

static int put_one(struct img_catalog *c, const char *uid, struct img_err *err)
{
	static const char *const uids[] = { "StudyInstanceUID",
					    "SeriesInstanceUID",
					    "SOPInstanceUID" };
	struct img_instance in = { .bytes = 5 };
	struct img_put out;

	for (size_t i = 0; i < 3; i++)
		in.field[img_catalog_field(uids[i])] = uid;
	in.field[img_catalog_field("StudyDate")] = "2026.11.21";
	in.field[img_catalog_field("PatientName")] = "Test^Synthetic";
	return img_catalog_put(c, &in, IMG_KEEP, &out, err);
}

static void make(const char *file, struct img_catalog **c)
{
	const char head[IMG_DIGEST_HEX] = "0123456789abcdef0123456789abcdef"
					  "0123456789abcdef0123456789abcdef";
	struct img_err err = IMG_ERR_INIT;

	assert_int_equal(img_catalog_open_file(c, file, IMG_WRITE, &err), 0);
	assert_int_equal(img_catalog_begin(*c, &err), 0);
	assert_int_equal(put_one(*c, "2.25.1", &err), 0);
	assert_int_equal(img_catalog_note_audit(*c, 7, head, &err), 0);
	assert_int_equal(img_catalog_commit(*c, &err), 0);
}

static int setup(void **unused)
{
	char name[64];
	struct img_catalog *c = NULL;
	struct img_err err = IMG_ERR_INIT;

	(void)unused;
	assert_non_null(mkdtemp(dir));
	snprintf(old, sizeof(old), "%s/old.db", dir);
	snprintf(name, sizeof(name), "%s/new.db", dir);
	make(old, &c);
	assert_int_equal(img_catalog_settle(c, &err), 0);
	img_catalog_close(c);
	make(name, &fresh);
	return 0;
}

static int teardown(void **unused)
{
	char command[64];

	(void)unused;
	img_catalog_close(fresh);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* ---- asked with each request failing in turn ----------------------------- */

static int no_difference(void *arg, char how, const char *sop,
			 const uint8_t *digest, struct img_err *err)
{
	(void)arg, (void)sop, (void)digest;
	return img_err_set(err, IMG_E_BUG, "they differ: %c", how);
}

static int compare(struct img_err *err)
{
	return img_catalog_compare(fresh, old, no_difference, NULL, err);
}

static int take_ledger(struct img_err *err)
{
	return img_catalog_take_ledger(fresh, old, err);
}

static int take_checks(struct img_err *err)
{
	return img_catalog_take_checks(fresh, old, err);
}

/* The one study: its date, if it says that there is one. */
static int find(struct img_catalog *c, const char *uid, struct img_err *err)
{
	const struct img_query_key key = { img_query_field("StudyInstanceUID"),
					   uid };
	const int date = img_query_field("StudyDate");
	const struct img_query q = { .level = IMG_STUDY,
				     .key = &key,
				     .keys = 1,
				     .field = &date,
				     .fields = 1 };
	struct img_rows *rows = NULL;
	struct img_row row;
	int rc = img_catalog_query(c, &q, &rows, err);

	if (rc == 0)
		rc = img_rows_next(rows, &row, err);
	if (rc == 0)
		rc = img_err_set(err, IMG_E_BUG, "it is not found");
	else if (rc == 1 &&
		 (!row.value[0] || strcmp(row.value[0], "20261121") != 0))
		rc = img_err_set(err, IMG_E_BUG, "it has another date");
	img_rows_close(rows);
	return rc < 0 ? -1 : 0;
}

static int look_due(struct img_catalog *c, struct img_err *err)
{
	struct img_catalog_due after = { .instance = -1, .object = -1 };
	struct img_object_key key;
	size_t n = 0;

	if (img_catalog_due(c, "9", &after, &key, 1, &n, err) < 0)
		return -1;
	return n == 1 ? 0 : img_err_set(err, IMG_E_BUG, "nothing is due");
}

static int look(struct img_err *err)
{
	struct img_catalog *c = NULL;
	char head[IMG_DIGEST_HEX];
	uint64_t lines;
	int rc = img_catalog_open_file(&c, old, IMG_READ, err);

	if (rc == 0)
		rc = find(c, "2.25.1", err);
	if (rc == 0)
		rc = look_due(c, err);
	if (rc == 0)
		rc = img_catalog_audit(c, &lines, head, err);
	if (rc == 0)
		rc = img_err_set(err, IMG_E_BUG, "of the log nothing is known");
	img_catalog_close(c);
	return rc < 0 ? -1 : 0;
}

static int put(struct img_err *err)
{
	struct img_catalog *c = NULL;
	unsigned then;
	int rc;

	if (img_catalog_open_file(&c, old, IMG_WRITE, err) < 0)
		return -1;
	rc = img_catalog_begin(c, err);
	if (rc == 0)
		rc = put_one(c, "2.25.2", err);
	then = left;
	left = 0;
	if (rc == 0)
		rc = find(c, "2.25.2", err);
	left = then;
	img_catalog_rollback(c);
	img_catalog_close(c);
	return rc;
}

static void each_fails(int (*ask)(struct img_err *err))
{
	unsigned failed = 0, n = 0;
	bool over = false;

	while (!over) {
		struct img_err err = IMG_ERR_INIT, none = IMG_ERR_INIT;
		int rc;

		left = ++n;
		rc = ask(&err);
		over = left != 0;
		left = 0;
		failed += rc < 0;
		if (rc < 0 && err.code != IMG_E_NOMEM)
			fail_msg("request %u: %s", n, err.text);
		if (ask(&none) < 0)
			fail_msg("after request %u: %s", n, none.text);
	}
	assert_true(failed > 20);
}

static void test_compare(void **unused)
{
	(void)unused;
	each_fails(compare);
}

static void test_take(void **unused)
{
	(void)unused;
	each_fails(take_ledger);
	each_fails(take_checks);
}

static void test_look(void **unused)
{
	(void)unused;
	each_fails(look);
}

static void test_put(void **unused)
{
	(void)unused;
	each_fails(put);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_put),
	};
	struct img_err err = IMG_ERR_INIT;
	sqlite3_mem_methods ours;

	if (img_crypto_init(&err) < 0 ||
	    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual) != SQLITE_OK)
		return 3;
	ours = usual;
	ours.xMalloc = get;
	ours.xRealloc = get_more;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) != SQLITE_OK)
		return 3;
	/* Requests are to be seen, all of them. */
	sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
	return cmocka_run_group_tests(tests, setup, teardown);
}
