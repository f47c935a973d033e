/* media_value - which values may stand in a directory record, and the types
   of records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "media/plan.h"

/* The value as it comes out, or why it does not. */
static const char *check(const char *vr, unsigned min, unsigned max,
			 const char *value)
{
	static struct img_buf out;
	struct img_err err = IMG_ERR_INIT;

	img_buf_release(&out);
	img_buf_init(&out, 4096);
	switch (media_value_check(vr, min, max, value, strlen(value), &out,
				  &err)) {
	case VALUE_OK:
		return img_buf_str(&out);
	case VALUE_MISSING:
		return "missing";
	default:
		return "bad";
	}
}

#define is(vr, value, want) assert_string_equal(check(vr, 1, 1, value), want)

static void dates(void **state)
{
	(void)state;
	is("DA", "20240229", "20240229");
	is("DA", " 20240229 ", "20240229");
	is("DA", "2024.02.29", "20240229");
	is("DA", "20241301", "bad");
	is("DA", "20240132", "bad");
	is("DA", "20240100", "bad");
	is("DA", "2024-1-1", "bad");
	is("DA", "2024", "bad");
	is("DA", "", "missing");
	is("DA", "  ", "missing");
	is("TM", "12", "12");
	is("TM", "1259", "1259");
	is("TM", "235960", "235960");
	is("TM", "235959.123456", "235959.123456");
	is("TM", "12:30:15", "123015");
	is("TM", "12:30:15.5", "123015.5");
	is("TM", "24", "bad");
	is("TM", "1260", "bad");
	is("TM", "123", "bad");
	is("TM", "123015.", "bad");
	is("TM", "123015.1234567", "bad");
	is("TM", "12-13", "bad");
	is("DT", "20240102030405.5+0100", "20240102030405.5+0100");
	is("DT", "2024", "2024");
	is("DT", "20240102030405.", "bad");
	is("DT", "20240102.5", "bad");
	is("DT", "20240102+1", "bad");
	is("DT", "20241302", "bad");
}

static void texts(void **state)
{
	char long64[66], long65[67];

	(void)state;
	memset(long64, 'x', sizeof long64);
	long64[64] = '\0';
	memset(long65, 'x', sizeof long65);
	long65[65] = '\0';
	is("LO", long64, long64);
	is("LO", long65, "bad");
	is("SH", "1234567890123456", "1234567890123456");
	is("SH", "12345678901234567", "bad");
	is("SH", "ümläüte ümläüte!", "ümläüte ümläüte!"); /* 16 characters */
	is("LO", "a\001b", "bad");
	is("LO", "a\nb", "bad");
	is("LO", "a\\b", "bad"); /* two values */
	is("ST", "a\\b\r\nc", "a\\b\r\nc");
	is("PN", "A^B=\xe5\xb1\xb1^\xe7\x94\xb0=x",
	   "A^B=\xe5\xb1\xb1^\xe7\x94\xb0=x");
	is("PN", long65, "bad");
	is("CS", "AB_1 2", "AB_1 2");
	is("CS", "ab", "bad");
	is("CS", "ABCDEFGHIJKLMNOPQ", "bad");
	is("UI", "1.2.3", "1.2.3");
	is("UI", "1.02", "bad");
	is("XX", "x", "bad");
}

static void numbers(void **state)
{
	(void)state;
	is("IS", "-2147483648", "-2147483648");
	is("IS", "2147483648", "bad");
	is("IS", "000000000012", "000000000012");
	is("IS", "0000000000012", "bad");
	is("IS", "+", "bad");
	is("IS", "1.0", "bad");
	is("DS", "1.5e-3", "1.5e-3");
	is("DS", "12345678901234567", "bad");
	is("DS", "1.5.3", "bad");
	is("DS", "nan", "bad");
	assert_string_equal(check("DS", 3, 3, "1\\2\\3"), "1\\2\\3");
	assert_string_equal(check("DS", 3, 3, "1\\2"), "bad");
	assert_string_equal(check("CS", 2, 0, "A\\B\\\\D"), "A\\B\\\\D");
	assert_string_equal(check("CS", 2, 0, "A"), "bad");
	assert_string_equal(check("CS", 2, 0, "\\"), "missing");
}

/* Every SOP class we know a name of has a record, or is one of those whose
   records are retired or never were. */
static void classes(void **state)
{
	static const char *const none[] = { "8",     "9",     "9.1",   "10",
					    "11",    "129",   "88.1",  "200.1",
					    "200.2", "200.3", "200.7", "200.8",
					    "201.1", "501.1", "501.3", "501.4",
					    "501.5", "501.6" };
	const char *root = "1.2.840.10008.5.1.4.1.1.";
	unsigned known = 0;
	char uid[IMG_UID_MAX];

	(void)state;
	for (int a = 1; a < 700; a++)
		for (int b = -1; b < 100; b++) {
			bool without = false;
			int n = snprintf(uid, sizeof uid, "%s%d", root, a);

			if (b >= 0)
				snprintf(uid + n, sizeof uid - (size_t)n, ".%d",
					 b);
			if (!img_uid_name(uid))
				continue;
			for (size_t i = 0; i < sizeof none / sizeof *none; i++)
				without |= strcmp(uid + strlen(root),
						  none[i]) == 0;
			known++;
			if (!media_type_of(uid) && !without)
				fail_msg("%s: %s", uid, img_uid_name(uid));
		}
	assert_true(known > 120);
	assert_null(media_type_of("1.2.840.10008.5.1.4.1.1.501.1"));
	assert_null(media_type_of("2.25.1"));
	assert_string_equal(media_type_of("1.2.840.10008.5.1.4.38.1")->name,
			    "HANGING PROTOCOL");
}

/* Keys ascend as they are compared, and PS3.6 knows them. */
static void keys(void **state)
{
	uint32_t tags[2 * FACTS_MAX];
	unsigned n = media_type_tags(tags, 2 * FACTS_MAX);

	(void)state;
	assert_true(n > 60 && n < 2 * FACTS_MAX);
	for (unsigned i = 0; i < n; i++)
		if (!img_dict_tag(tags[i]))
			fail_msg("%08x", tags[i]);
}

static void profiles(void **state)
{
	(void)state;
	for (size_t i = 0; img_media_profile_name(i); i++) {
		const struct profile *p =
			media_profile_find(img_media_profile_name(i));

		assert_non_null(p);
		assert_true(media_profile_has(p, NATIVE_LE));
	}
	assert_null(media_profile_find("STD-GEN"));
	assert_false(media_profile_has(media_profile_find("STD-GEN-CD"),
				       "1.2.840.10008.1.2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates),   cmocka_unit_test(texts),
		cmocka_unit_test(numbers), cmocka_unit_test(classes),
		cmocka_unit_test(keys),    cmocka_unit_test(profiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
