/* send_group - as many groups as there may be, and one more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "work/send_private.h"

#define MOST 100000

static struct img_send s;

static int begin(void **state)
{
	(void)state;
	memset(&s, 0, sizeof(s));
	pthread_mutex_init(&s.lock, NULL);
	pthread_cond_init(&s.more, NULL);
	pthread_cond_init(&s.room, NULL);
	pthread_cond_init(&s.result, NULL);
	s.done_tail = &s.done;
	return 0;
}

static void name(struct send_item *it, int i)
{
	snprintf(it->sop_class, sizeof(it->sop_class), "2.25.%d", i / 2);
	snprintf(it->ts, sizeof(it->ts), "1.2.840.10008.1.2%s",
		 i & 1 ? ".1" : "");
}

static void most(void **state)
{
	struct send_item it = { 0 }, *one;
	struct img_err err = IMG_ERR_INIT;

	(void)state;
	for (int i = 0; i < MOST; i++) {
		name(&it, i);
		assert_int_equal(send_group_of(&s, &it), i);
	}
	for (int i = 0; i < MOST; i++) {
		name(&it, i);
		assert_int_equal(send_group_of(&s, &it), i);
		assert_string_equal(s.groups[i].sop_class, it.sop_class);
		assert_string_equal(s.groups[i].ts, it.ts);
	}
	name(&it, MOST);
	assert_int_equal(send_group_of(&s, &it), SIZE_MAX);

	/* One that turns out to be of such a group while it is in hand. */
	one = send_item_new(&err);
	assert_non_null(one);
	name(one, MOST);
	s.in_hand = 1;
	send_queue_back(&s, one);
	assert_int_equal(s.in_hand, 0);
	assert_int_equal(s.pending, 0);
	assert_ptr_equal(s.done, one);
	assert_string_equal(one->status, "failed");
	assert_int_equal(one->code, IMG_E_NOMEM);
	send_item_free(one);
}

static int end(void **state)
{
	(void)state;
	free(s.groups);
	free(s.group_at);
	pthread_cond_destroy(&s.result);
	pthread_cond_destroy(&s.room);
	pthread_cond_destroy(&s.more);
	pthread_mutex_destroy(&s.lock);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(most, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
