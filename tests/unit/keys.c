/* keys - every flipped bit and every truncation of keys and of what is sealed
   or signed with them is found, and named. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
/* after these: */
#include <cmocka.h>
#include <sodium.h>

#include "crypto/crypto.h"

static char folder[] = "/tmp/imgkeys.XXXXXX";
static char file[64], public[64];
static uint8_t good[1024];
static size_t size;

static void name(const char *base)
{
	snprintf(file, sizeof(file), "%s/%s", folder, base);
	snprintf(public, sizeof(public), "%s/%s.pub", folder, base);
}

static void get(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, good, sizeof(good));

	assert_true(fd >= 0 && n > 0);
	size = (size_t)n;
	close(fd);
}

static void put(const char *path, const uint8_t *p, size_t n)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	close(fd);
}

/* Loads what lies in path: 0, or -1 and an error that names it. */
typedef int (*load)(const char *path, struct img_err *err);

static int load_key(const char *path, struct img_err *err)
{
	struct img_key *k = NULL;
	int rc = img_key_load(&k, path, err);

	img_key_free(k);
	return rc;
}

static int load_trustee(const char *path, struct img_err *err)
{
	struct img_trustee *t = NULL;
	int rc = img_trustee_load(&t, path, err);

	img_trustee_free(t);
	return rc;
}

static int load_public(const char *path, struct img_err *err)
{
	uint8_t key[IMG_SEAL_PUBLIC];

	return img_seal_public(path, key, err);
}

static int load_signer(const char *path, struct img_err *err)
{
	uint8_t signature[IMG_SIGN_BYTES], key[IMG_SIGN_PUBLIC];

	return img_sign(path, "text", 4, signature, key, err);
}

static int load_checker(const char *path, struct img_err *err)
{
	uint8_t signature[IMG_SIGN_BYTES] = { 0 };
	bool is_good;

	return img_sign_check(path, "text", 4, signature, &is_good, err);
}

static void must_fail(const char *path, load f)
{
	struct img_err err = IMG_ERR_INIT;

	assert_int_equal(f(path, &err), -1);
	assert_true(err.code == IMG_E_MALFORMED || err.code == IMG_E_USAGE);
	assert_non_null(strstr(err.text, path));
}

/* plain: as long as the key alone, which is one by itself. */
static void rot(const char *path, load f, size_t plain)
{
	struct img_err err = IMG_ERR_INIT;
	uint8_t bad[sizeof(good)];

	get(path);
	assert_int_equal(f(path, &err), 0);
	for (size_t i = 0; i < size * 8; i++) {
		memcpy(bad, good, size);
		bad[i / 8] ^= (uint8_t)(1 << i % 8);
		put(path, bad, size);
		must_fail(path, f);
	}
	for (size_t n = 0; n < size; n++) {
		put(path, good, n);
		if (n != plain)
			must_fail(path, f);
	}
	put(path, good, plain);
	assert_int_equal(f(path, &err), 0);
	put(path, good, size);
	assert_int_equal(f(path, &err), 0);
}

static void secret_keys(void **unused)
{
	struct img_err err = IMG_ERR_INIT;

	(void)unused;
	name("key");
	assert_int_equal(img_key_make(file, &err), 0);
	rot(file, load_key, 32);
}

static void trustees(void **unused)
{
	struct img_err err = IMG_ERR_INIT;

	(void)unused;
	name("trustee");
	assert_int_equal(img_seal_make(file, &err), 0);
	rot(file, load_trustee, 32);
	rot(public, load_public, IMG_SEAL_PUBLIC);
}

static void signers(void **unused)
{
	struct img_err err = IMG_ERR_INIT;

	(void)unused;
	name("signer");
	assert_int_equal(img_sign_make(file, &err), 0);
	rot(file, load_signer, 64);
	rot(public, load_checker, IMG_SIGN_PUBLIC);
}

static bool same(const char *path, const uint8_t *p, size_t n)
{
	get(path);
	return size == n && memcmp(good, p, n) == 0;
}

/* Killed between the two names: the public key is made of the secret one, and
   of nothing else. */
static void mend(int (*make)(const char *, struct img_err *))
{
	struct img_err err = IMG_ERR_INIT;
	uint8_t secret[128], other[128];
	size_t n, m;

	assert_int_equal(make(file, &err), 0);
	get(file);
	memcpy(secret, good, n = size);
	get(public);
	memcpy(other, good, m = size);
	assert_int_equal(unlink(public), 0);
	assert_int_equal(make(file, &err), 0);
	assert_true(same(file, secret, n) && same(public, other, m));
	/* damaged, too short, without its check, for others to use */
	unlink(public);
	for (size_t i = 0; i <= n; i++) {
		put(file, secret, i < n ? i : n);
		if (i == n)
			assert_int_equal(chmod(file, 0640), 0);
		assert_int_equal(make(file, &err), -1);
		assert_int_equal(access(public, F_OK), -1);
		img_err_clear(&err);
	}
	unlink(file);
	put(public, other, m);
	assert_int_equal(make(file, &err), -1);
	assert_true(same(public, other, m) && access(file, F_OK) < 0);
}

static void halves(void **unused)
{
	struct img_err err = IMG_ERR_INIT;

	(void)unused;
	name("half trustee");
	mend(img_seal_make);
	name("half signer");
	mend(img_sign_make);
	name("no trustee"); /* as long as one */
	assert_int_equal(img_key_make(file, &err), 0);
	assert_int_equal(img_seal_make(file, &err), -1);
	assert_int_equal(access(public, F_OK), -1);
}

static void must_not_open(const struct img_trustee *t, const char *line,
			  size_t n, const char *text)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf out;

	img_buf_init(&out, 4096);
	/* The last digit of base64 may have bits that mean nothing. */
	if (img_unseal(t, line, n, &out, &err) == 0)
		assert_string_equal(img_buf_str(&out), text);
	else
		assert_int_equal(out.len, 0);
	img_buf_release(&out);
}

static void sealed_lines(void **unused)
{
	static const char text[] = "TEST-0001 became A-17";
	struct img_err err = IMG_ERR_INIT;
	uint8_t key[IMG_SEAL_PUBLIC];
	struct img_trustee *t = NULL;
	struct img_buf line, out;
	unsigned refused = 0;

	(void)unused;
	img_buf_init(&line, 4096);
	img_buf_init(&out, 4096);
	name("sealer");
	assert_int_equal(img_seal_make(file, &err), 0);
	assert_int_equal(img_seal_public(public, key, &err), 0);
	assert_int_equal(img_trustee_load(&t, file, &err), 0);
	assert_int_equal(img_seal(key, text, strlen(text), &line, &err), 0);
	while (line.len && line.data[line.len - 1] == '\n')
		line.len--;
	assert_int_equal(img_unseal(t, line.data, line.len, &out, &err), 0);
	assert_string_equal(img_buf_str(&out), text);
	for (size_t i = 0; i < line.len * 8; i++) {
		line.data[i / 8] ^= (char)(1 << i % 8);
		must_not_open(t, line.data, line.len, text);
		img_buf_reset(&out);
		refused += img_unseal(t, line.data, line.len, &out, &err) < 0;
		img_err_clear(&err);
		line.data[i / 8] ^= (char)(1 << i % 8);
	}
	assert_true(refused >= line.len * 8 - 8);
	for (size_t n = 0; n < line.len; n++) {
		img_buf_reset(&out);
		assert_int_equal(img_unseal(t, line.data, n, &out, &err), -1);
		assert_int_equal(out.len, 0);
		img_err_clear(&err);
	}
	img_trustee_free(t);
	img_buf_release(&line);
	img_buf_release(&out);
}

/* As earlier versions made both keys of a pair: with the check of a study's. */
static void make_old(const char *path, size_t n)
{
	static const char use[] = "imgtools key file";

	get(path);
	crypto_generichash(good + n, crypto_generichash_BYTES_MIN, good, n,
			   (const uint8_t *)use, strlen(use));
	put(path, good, size);
}

static void old_pairs(void **unused)
{
	struct img_err err = IMG_ERR_INIT;

	(void)unused;
	name("old-trustee");
	assert_int_equal(img_seal_make(file, &err), 0);
	make_old(file, 32);
	make_old(public, IMG_SEAL_PUBLIC);
	assert_int_equal(load_trustee(file, &err), 0);
	assert_int_equal(load_public(public, &err), 0);
	name("old-signer");
	assert_int_equal(img_sign_make(file, &err), 0);
	make_old(file, 64);
	make_old(public, IMG_SIGN_PUBLIC);
	assert_int_equal(load_signer(file, &err), 0);
	assert_int_equal(load_checker(public, &err), 0);
}

/* What a descriptor gives that has n bytes. */
static int read_pass(struct img_passphrase **p, const char *text, size_t n,
		     struct img_err *err)
{
	int ends[2], rc;

	*p = NULL;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, n), n);
	close(ends[1]);
	rc = img_passphrase_read(p, ends[0], 3, 6, err);
	close(ends[0]);
	return rc;
}

static void passphrases(void **unused)
{
	static const char *const good_ones[] = { "abc", "abcdef\n",
						 "abcdef\r\n", "abc\n\n\n" };
	static const char *const bad_ones[] = {
		"",        "ab",         "ab\n\n",
		"abcdefg", "abc\n\nefg", "abc\n\n\n\n\n\nefg"
	};
	struct img_err err = IMG_ERR_INIT;
	struct img_passphrase *p;

	(void)unused;
	for (size_t i = 0; i < sizeof(good_ones) / sizeof(char *); i++) {
		const char *text = good_ones[i];

		assert_int_equal(read_pass(&p, text, strlen(text), &err), 0);
		assert_int_equal(p->n, strcspn(text, "\r\n"));
		assert_true(strlen(p->text) == p->n &&
			    strncmp(p->text, text, p->n) == 0);
		img_passphrase_free(p);
	}
	assert_int_equal(read_pass(&p, "a\0c", 3, &err), 0);
	assert_memory_equal(p->text, "a\0c", 4);
	img_passphrase_free(p);
	for (size_t i = 0; i < sizeof(bad_ones) / sizeof(char *); i++) {
		const char *text = bad_ones[i];

		img_err_clear(&err);
		assert_int_equal(read_pass(&p, text, strlen(text), &err), -1);
		assert_true(err.code == IMG_E_USAGE && !p);
		assert_string_equal(err.text, "a passphrase has 3 to 6 bytes");
	}
	img_err_clear(&err);
	assert_int_equal(img_passphrase_read(&p, -1, 3, 6, &err), -1);
	assert_int_equal(err.code, IMG_E_IO);
}

/* A jail that is opened later is a child. */
static void children(void **unused)
{
	static const char zeros[6];
	struct img_err err = IMG_ERR_INIT;
	struct img_passphrase *p;
	int status;
	pid_t pid;

	(void)unused;
	assert_int_equal(read_pass(&p, "secret", 6, &err), 0);
	pid = fork();
	if (pid == 0)
		_exit(memcmp(p->text, zeros, sizeof(zeros)) == 0 ? 7 : 8);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_string_equal(p->text, "secret");
	img_passphrase_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret_keys),  cmocka_unit_test(trustees),
		cmocka_unit_test(signers),      cmocka_unit_test(halves),
		cmocka_unit_test(sealed_lines), cmocka_unit_test(old_pairs),
		cmocka_unit_test(passphrases),  cmocka_unit_test(children),
	};
	struct img_err err = IMG_ERR_INIT;
	char command[64];
	int rc;

	if (img_crypto_init(&err) < 0 || !mkdtemp(folder))
		return 3;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) == 0 ? rc : 3;
}
