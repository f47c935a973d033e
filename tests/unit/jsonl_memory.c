/* jsonl_memory - without memory a line is not malformed, and nothing of it is
   left out. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
/* after these: */
#include <cmocka.h>

#include "jsonl/jsonl.h"

static unsigned left; /* requests until one fails; 0: none does */

#ifndef __SANITIZE_ADDRESS__
/* In the place of the system's, for libraries as well. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static bool is_failing(void)
{
	if (!left || --left)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	return is_failing() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return is_failing() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return is_failing() ? NULL : __libc_realloc(p, n);
}
#endif

/* Longer than json-c begins with; numbers behind all else. */
#define LONG "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char line[] =
	"{\"n\":1,\"time\":\"2026-11-21T22:10:22Z\",\"by\":\"imgimport\","
	"\"uid\":1000,\"act\":\"stored\",\"from\":\"a\\\"b\",\"digest\":\"" LONG
	"\",\"prev\":\"" LONG "\",\"of\":{\"a\":[1,2,\"" LONG
	"\"]},\"last\":18446744073709551615}";

static bool is(const struct img_json *j, const char *key, const char *want)
{
	const char *got = img_json_get(j, key);

	return got && strcmp(got, want) == 0;
}

static bool is_right(const struct img_json *j)
{
	uint64_t n, last;

	return img_json_get_u64(j, "n", &n) && n == 1 &&
	       img_json_get_u64(j, "last", &last) && last == UINT64_MAX &&
	       is(j, "time", "2026-11-21T22:10:22Z") &&
	       is(j, "act", "stored") && is(j, "from", "a\"b") &&
	       is(j, "digest", LONG) && is(j, "prev", LONG) &&
	       img_json_has(j, "of");
}

enum { RIGHT, WRONG, SAID, OVER };

/* What becomes of the line when the nth request fails. */
static int ask(unsigned n)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_json *j;
	bool over;

	left = n;
	j = img_json_parse(line, strlen(line), &err);
	over = left != 0;
	left = 0;
	if (!j)
		return err.code == IMG_E_NOMEM ? SAID : WRONG;
	if (!is_right(j))
		return WRONG;
	return over ? OVER : RIGHT;
}

static void each_fails(void **unused)
{
	unsigned said = 0, n = 0;
	int status, what = RIGHT;

	(void)unused;
#ifdef __SANITIZE_ADDRESS__
	skip();
#endif
	/* json-c crashes now and then: then nothing is said. */
	while (what != OVER) {
		pid_t pid = fork();

		if (pid == 0) {
			signal(SIGSEGV, SIG_DFL);
			signal(SIGABRT, SIG_DFL);
			_exit(ask(n + 1));
		}
		n++;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		what = WIFEXITED(status) ? WEXITSTATUS(status) : SAID;
		said += what == SAID;
		if (what == WRONG)
			fail_msg("request %u: a wrong answer", n);
	}
	assert_true(said > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
