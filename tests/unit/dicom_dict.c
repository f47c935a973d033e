/* dicom_dict.c - dictionary, VRs, transfer syntaxes, UIDs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "dicom/dict.h"

static void by_tag(void **state)
{
	const struct img_dict *d = img_dict_tag(0x00100010);

	(void)state;
	assert_non_null(d);
	assert_string_equal(d->keyword, "PatientName");
	assert_string_equal(d->vr, "PN");
	assert_int_equal(d->vm_min, 1);
	assert_int_equal(d->vm_max, 1);
	d = img_dict_tag(0x00080008);
	assert_int_equal(d->vm_min, 2);
	assert_int_equal(d->vm_max, 0);
	assert_string_equal(img_dict_tag(0x7FE00010)->vr, "OW");
	assert_string_equal(img_dict_tag(0x00280106)->vr, "US");
	assert_string_equal(img_dict_tag(0x00041200)->vr, "UL");
	assert_null(img_dict_tag(0x00091001));
	assert_null(img_dict_tag(0x00089998));
	assert_null(img_dict_tag(0xFFFFFFFF));
}

static void repeating(void **state)
{
	(void)state;
	assert_string_equal(img_dict_tag(0x60000010)->keyword, "OverlayRows");
	assert_string_equal(img_dict_tag(0x601E0010)->keyword, "OverlayRows");
	assert_string_equal(img_dict_tag(0x60FE3000)->vr, "OW");
	assert_string_equal(img_dict_tag(0x50020005)->keyword,
			    "CurveDimensions");
	assert_string_equal(img_dict_tag(0x00203155)->keyword,
			    "SourceImageIDs");
	assert_null(img_dict_tag(0x60010010)); /* odd: private */
	assert_null(img_dict_tag(0x61000010));
}

/* Every entry is found by its tag and by its keyword, in ascending order. */
static void all(void **state)
{
	(void)state;
	assert_true(img_dict_count > 4000);
	for (unsigned i = 0; i < img_dict_count; i++) {
		const struct img_dict *d = &img_dict_table[i];

		assert_ptr_equal(img_dict_tag(d->tag), d);
		assert_ptr_equal(img_dict_keyword(d->keyword), d);
		if (i)
			assert_true(d[-1].tag < d->tag);
		if (d->tag >> 16 != 0xFFFE)
			assert_true(img_vr_is_known(d->vr));
	}
}

static void names_of_tags(void **state)
{
	char text[12];
	uint32_t tag = 1;

	(void)state;
	assert_true(img_dict_parse_tag("PatientID", &tag));
	assert_int_equal(tag, 0x00100020);
	assert_true(img_dict_parse_tag("0010,0020", &tag));
	assert_int_equal(tag, 0x00100020);
	assert_true(img_dict_parse_tag("7fe00010", &tag));
	assert_int_equal(tag, 0x7FE00010);
	assert_true(img_dict_parse_tag("7FE0,0010", &tag));
	assert_false(img_dict_parse_tag("", &tag));
	assert_false(img_dict_parse_tag("0010,002", &tag));
	assert_false(img_dict_parse_tag("0010,00200", &tag));
	assert_false(img_dict_parse_tag("00,100020", &tag));
	assert_false(img_dict_parse_tag("0010,0020,", &tag));
	assert_false(img_dict_parse_tag("0010,,0020", &tag));
	assert_false(img_dict_parse_tag("patientid", &tag));
	assert_false(img_dict_parse_tag("NoSuchKeyword", &tag));
	img_dict_format_tag(0x7FE00010, text);
	assert_string_equal(text, "(7fe0,0010)");
}

static void implicit_vrs(void **state)
{
	(void)state;
	assert_string_equal(img_dict_vr(0x00100010), "PN");
	assert_string_equal(img_dict_vr(0x00100000), "UL"); /* group length */
	assert_string_equal(img_dict_vr(0x00090010), "LO"); /* creator */
	assert_string_equal(img_dict_vr(0x000900FF), "LO");
	assert_string_equal(img_dict_vr(0x00090100), "UN");
	assert_string_equal(img_dict_vr(0x00091001), "UN");
}

static void vrs(void **state)
{
	static const char all_vrs[] = "AEASATCSDADSDTFDFLISLOLTOBODOFOLOVOWPN"
				      "SHSLSQSSSTSVTMUCUIULUNURUSUTUV";
	static const char long_vrs[] = "OBODOFOLOVOWSQSVUCUNURUTUV";
	static const char text_vrs[] = "LOLTPNSHSTUCUT";
	int known = 0, is_long = 0, is_text = 0;

	(void)state;
	for (char a = 0; a < 127; a++)
		for (char b = 0; b < 127; b++) {
			char vr[3] = { a, b, '\0' };

			known += img_vr_is_known(vr);
			is_long += img_vr_is_long(vr);
			is_text += img_vr_is_text(vr);
		}
	for (size_t i = 0; all_vrs[i]; i += 2)
		assert_true(img_vr_is_known(all_vrs + i));
	for (size_t i = 0; long_vrs[i]; i += 2)
		assert_true(img_vr_is_long(long_vrs + i));
	for (size_t i = 0; text_vrs[i]; i += 2)
		assert_true(img_vr_is_text(text_vrs + i));
	/* PS3.5 table 6.2-1 has 34. */
	assert_int_equal(known, 34);
	assert_int_equal(known, strlen(all_vrs) / 2);
	assert_int_equal(is_long, strlen(long_vrs) / 2);
	assert_int_equal(is_text, strlen(text_vrs) / 2);
}

static void syntaxes(void **state)
{
	const struct img_ts *ts = img_ts_find("1.2.840.10008.1.2");

	(void)state;
	assert_true(ts->implicit && !ts->big && ts->kind == IMG_TS_NATIVE);
	ts = img_ts_find("1.2.840.10008.1.2.2");
	assert_true(ts->big && !ts->implicit);
	ts = img_ts_find("1.2.840.10008.1.2.1.99");
	assert_true(ts->deflated && ts->kind == IMG_TS_NATIVE);
	ts = img_ts_find("1.2.840.10008.1.2.4.202");
	assert_true(ts->kind == IMG_TS_ENCAPSULATED && !ts->lossy);
	ts = img_ts_find("1.2.840.10008.1.2.4.112");
	assert_true(ts->lossy && !ts->video);
	ts = img_ts_find("1.2.840.10008.1.2.4.102.1");
	assert_true(ts->video && ts->kind == IMG_TS_ENCAPSULATED);
	assert_non_null(img_ts_find("1.2.840.10008.1.2.8.1"));
	assert_non_null(img_ts_find("1.2.840.10008.1.2.1.98"));
	assert_null(img_ts_find("1.2.840.10008.1.2.999"));
	assert_null(img_ts_find(""));
}

static void uids(void **state)
{
	static const char *const good[] = {
		"1", "0.0", "1.2.840.10008.1.2", "2.25.0",
		"1.123456789.123456789.123456789.123456789.123456789.12345678"
		"9.12"
	};
	static const char *const bad[] = {
		"",
		".",
		"1.",
		".1",
		"1..2",
		"1.02",
		"1.2a",
		"1.2 ",
		"01",
		"1.123456789.123456789.123456789.123456789.123456789.12345678"
		"9.123"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(img_uid_ok(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(img_uid_ok(bad[i]));
	assert_string_equal(img_uid_name("1.2.840.10008.5.1.4.1.1.2"),
			    "CT Image Storage");
	assert_string_equal(img_uid_name("1.2.840.10008.1.2"),
			    "Implicit VR Little Endian");
	assert_string_equal(img_uid_name("1.2.840.10008.1.3.10"),
			    "Media Storage Directory Storage");
	assert_null(img_uid_name("2.25.1"));
	assert_null(img_uid_name("1.2.840.10008.5.1.4.1.1."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_tag),       cmocka_unit_test(repeating),
		cmocka_unit_test(all),          cmocka_unit_test(names_of_tags),
		cmocka_unit_test(implicit_vrs), cmocka_unit_test(vrs),
		cmocka_unit_test(syntaxes),     cmocka_unit_test(uids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
