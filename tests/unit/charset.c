/* charset - character sets, search keys and widths. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dicom/dicom.h"

#define HOLE "\xEF\xBF\xBD" /* U+FFFD */

static char text[1 << 16];
static unsigned notes;

static int decode(const char *set, const char *vr, const char *p, size_t n)
{
	struct img_charset cs;
	struct img_buf out;
	struct img_err err = IMG_ERR_INIT;
	int rc;

	img_charset_parse(&cs, set, strlen(set));
	img_buf_init(&out, sizeof text - 1);
	notes = 0;
	rc = img_charset_utf8(&cs, vr, p, n, &out, &notes, &err);
	notes |= cs.notes;
	memcpy(text, img_buf_str(&out), out.len + 1);
	img_buf_release(&out);
	return rc;
}

static void is_n(const char *set, const char *vr, const char *raw, size_t n,
		 const char *want, unsigned want_notes)
{
	assert_int_equal(decode(set, vr, raw, n), 0);
	assert_string_equal(text, want);
	assert_int_equal(notes, want_notes);
}

static void is(const char *set, const char *vr, const char *raw,
	       const char *want, unsigned want_notes)
{
	is_n(set, vr, raw, strlen(raw), want, want_notes);
}

static void test_single_bytes(void **state)
{
	(void)state;
	is("", "PN", "Test^Synthetic", "Test^Synthetic", 0);
	is_n("", "PN", "Test^Odd\0", 9, "Test^Odd", 0);
	is("ISO_IR 6", "LO", "plain  ", "plain", 0);
	is("", "PN", "Buc^J\xE9r\xF4me", "Buc^J" HOLE "r" HOLE "me",
	   IMG_CHARSET_REPLACED);
	is("ISO_IR 100", "PN",
	   "\xC4neas^R\xFC"
	   "diger",
	   "Äneas^Rüdiger", 0);
	is("ISO_IR 101", "PN",
	   "W\xB1sowski^Stanis\xB3"
	   "aw",
	   "Wąsowski^Stanisław", 0);
	is("ISO_IR 109", "PN",
	   "\xDE"
	   "a^\xA1",
	   "Ŝa^Ħ", 0);
	is("ISO_IR 110", "PN", "J\xE3nis^K\xFE", "Jãnis^Kū", 0);
	is("ISO_IR 126", "PN", "\xC4\xE9\xEF\xED\xF5\xF3\xE9\xEF\xF2",
	   "Διονυσιος", 0);
	is("ISO_IR 127", "PN", "\xE2\xC8\xC7\xE6\xEA^\xE4\xE6\xD2\xC7\xD1",
	   "قباني^لنزار", 0);
	is("ISO_IR 138", "PN", "\xF9\xF8\xE5\xEF^\xE3\xE1\xE5\xF8\xE4",
	   "שרון^דבורה", 0);
	is("ISO_IR 144", "PN", "\xBB\xEE\xDA\x63\x65\xDC\xD1\x79p\xD3",
	   "Люкceмбypг", 0);
	is("ISO_IR 148", "LO", "\xDD\xFEi\xF0", "İşiğ", 0);
	is("ISO_IR 166", "LO", "\xE4\xB7\xC2", "ไทย", 0);
	is("ISO_IR 203", "LO", "\xA4 \xBC", "€ Œ", 0);
	is("ISO_IR 13", "PN", "\xD4\xCF\xC0\xDE^\xC0\xDB\xB3", "ﾔﾏﾀﾞ^ﾀﾛｳ", 0);
	/* Not assigned in ISO 8859-7 and -8. */
	is("ISO_IR 126", "LO", "a\xFF", "a" HOLE, IMG_CHARSET_REPLACED);
}

/* PS3.5 Annex H: Japanese. */
static void test_japanese(void **state)
{
	const char *want = "Yamada^Tarou=山田^太郎=やまだ^たろう";

	(void)state;
	is("\\ISO 2022 IR 87", "PN",
	   "Yamada^Tarou=\33$B;3ED\33(B^\33$BB@O:\33(B="
	   "\33$B$d$^$@\33(B^\33$B$?$m$&\33(B",
	   want, 0);
	is("ISO 2022 IR 13\\ISO 2022 IR 87", "PN",
	   "\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=\33$B;3ED\33(J^\33$BB@O:\33(J="
	   "\33$B$d$^$@\33(J^\33$B$?$m$&\33(J",
	   "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう", 0);
	/* Alone, which PS3.3 does not allow, and with JIS X 0212. */
	is("ISO 2022 IR 87", "PN", "\33$B;3ED\33(B^\33$BB@O:\33(B", "山田^太郎",
	   0);
	is("\\ISO 2022 IR 159", "LO", "\33$(D0!\33(B", "丂", 0);
	is("\\ISO 2022 IR 13", "LO", "\33)I\xD4\xCF\\\33)I\xCF", "ﾔﾏ\\ﾏ", 0);
	/* A kanji may hold the bytes of delimiters. */
	is("\\ISO 2022 IR 87", "PN", "\33$B$^=\\\33(B^x", "ま旬^x", 0);
	/* Yen and overline come as what they stand for. */
	is("ISO_IR 13", "LO", "a\\b~", "a\\b~", 0);
}

/* PS3.5 Annex I: Korean. */
static void test_korean(void **state)
{
	(void)state;
	is("\\ISO 2022 IR 149", "PN",
	   "Hong^Gildong=\33$)C\xFB\xF3^\33$)C\xD1\xCE\xD4\xD7="
	   "\33$)C\xC8\xAB^\33$)C\xB1\xE6\xB5\xBF",
	   "Hong^Gildong=洪^吉洞=홍^길동", 0);
	/* Escapes not repeated after a delimiter. */
	is("\\ISO 2022 IR 149", "PN", "\33$)C\xFB\xF3^\xD1\xCE\xD4\xD7",
	   "洪^吉洞", 0);
	is("ISO 2022 IR 149", "PN", "\xB1\xE8^\xC8\xF1", "김^희", 0);
	is("\\ISO 2022 IR 149", "LT",
	   "\33$)CThe \xB1\xE6\xB5\xBF\r\n\33$)C\xC8\xAB.", "The 길동\r\n홍.",
	   0);
}

/* PS3.5 Annexes J and K: UTF-8, GB18030, GBK and GB 2312. */
static void test_chinese(void **state)
{
	(void)state;
	is("ISO_IR 192", "PN",
	   "Wang^XiaoDong=王^小東=", "Wang^XiaoDong=王^小東=", 0);
	is("GB18030", "PN", "Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB=",
	   "Wang^XiaoDong=王^小东=", 0);
	is("GBK", "PN", "Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB",
	   "Wang^XiaoDong=王^小东", 0);
	is("\\ISO 2022 IR 58", "PN",
	   "Zhang^XiaoDong=\33$)A\xD5\xC5^\33$)A\xD0\xA1\xB6\xAB=",
	   "Zhang^XiaoDong=张^小东=", 0);
	is("\\ISO 2022 IR 58", "LT",
	   "1. \33$)A\xB5\xDA\xD2\xBB\r\n2. \33$)A\xB5\xDA\xB6\xFE",
	   "1. 第一\r\n2. 第二", 0);
	/* A second byte may be a backslash; four bytes are one character. */
	is("GBK", "LO", "\x81\x5C\\\x81\x5E", "乗\\乛", 0);
	is("GB18030", "LO", "\x90\x30\x81\x30", "\xF0\x90\x80\x80", 0);
}

static void test_extensions(void **state)
{
	(void)state;
	is("ISO 2022 IR 100\\ISO 2022 IR 144", "PN", "J\xE9=\33-L\xBB\xEE^\xE9",
	   "Jé=Лю^é", 0);
	is("ISO 2022 IR 6\\ISO 2022 IR 100\\ISO 2022 IR 126", "LO",
	   "\33-A\xE9\\\33-F\xE1", "é\\α", 0);
	/* No delimiters in long text, but line ends. */
	is("ISO 2022 IR 100\\ISO 2022 IR 144", "UT", "\33-L\xBB\\\xEE\n\xE9",
	   "Л\\ю\né", 0);
	/* '^' is a letter outside PN. */
	is("ISO 2022 IR 100\\ISO 2022 IR 144", "LO", "\33-L\xBB^\xEE", "Л^ю",
	   0);
	is("", "PN", "\33$B;3ED\33(B", "山田", IMG_CHARSET_UNDECLARED);
}

static void test_terms(void **state)
{
	static const char *const latin1[] = {
		"ISO_IR 100",
		"ISO-IR 100",
		"ISO_IR_100",
		"ISO IR 100",
		"iso_ir 100",
		"ISO_IR100",
		"ISOIR100",
		" ISO_IR 100 ",
		"ISO 2022 IR 100",
		"IR 100",
		"ISO2022IR100",
		"ISO 2022-IR-100",
		"ISO_8859-1",
		"ISO 8859-1",
		"Latin1",
		"ISO_IR 100\\ISO_IR 100",
		"iso 2022 ir 100\\",
	};

	(void)state;
	for (size_t i = 0; i < sizeof latin1 / sizeof *latin1; i++)
		is(latin1[i], "PN", "J\xE9r", "Jér", 0);
	is("ISO_IR 192", "PN", "é", "é", 0);
	is("utf-8", "PN", "é", "é", 0);
	is("ISO 2022 IR 6", "PN", "e", "e", 0);
	is("ISO_IR 4711", "PN", "e", "e", IMG_CHARSET_UNKNOWN);
	is("KLINGON", "PN", "\xE9", HOLE,
	   IMG_CHARSET_UNKNOWN | IMG_CHARSET_REPLACED);
	is("ISO_IR 99999999999999999999999999999999", "PN", "e", "e",
	   IMG_CHARSET_UNKNOWN);
	is("a\\b\\c\\d\\e\\f\\g\\h\\i\\j\\k", "PN", "e", "e",
	   IMG_CHARSET_UNKNOWN);
}

static void test_wrong_declarations(void **state)
{
	(void)state;
	is("ISO_IR 100", "PN", "Müller^Jürgen", "Müller^Jürgen",
	   IMG_CHARSET_IS_UTF8);
	is("", "PN", "山田^太郎", "山田^太郎", IMG_CHARSET_IS_UTF8);
	is("ISO_IR 144", "PN", "Иванов", "Иванов", IMG_CHARSET_IS_UTF8);
	is("\\ISO 2022 IR 87", "PN", "山田", "山田", IMG_CHARSET_IS_UTF8);
	is("ISO_IR 100", "PN", "\xCD\xF5^\xD0\xA1\xB6\xAB", "王^小东",
	   IMG_CHARSET_IS_GBK);
	is("", "PN", "Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB",
	   "Wang^XiaoDong=王^小东", IMG_CHARSET_IS_GBK);
	is("ISO_IR 100", "LO", "\xD0\xD8\xB2\xBF\xD5\xFD\xCE\xBB", "胸部正位",
	   IMG_CHARSET_IS_GBK);
	is("ISO_IR 192", "PN", "\xCD\xF5^\xD0\xA1\xB6\xAB", "王^小东",
	   IMG_CHARSET_IS_GBK);
	is("ISO_IR 192", "PN", "M\xFCller", "M" HOLE "ller",
	   IMG_CHARSET_REPLACED);
}

/* What must never be taken for Chinese or UTF-8. */
static void test_latin_names(void **state)
{
	static const char *const names[] = {
		"Müller^Jürgen",  "Größe^Weiß",      "Äneas^Rüdiger",
		"Öäß^Äöü",        "ÄÖÜß^ÄÖÜß",       "Buc^Jérôme",
		"Lefèvre^Zoë",    "Garçon^François", "Noël^Anaïs",
		"Muñoz^Íñigo",    "Núñez^Peña",      "Güell^Cigüeña",
		"Gonçalves^João", "Conceição^São",   "Mª^Ángeles",
		"Åström^Øyvind",  "Bjørn^Åse",       "Sørensen^Ærø",
		"Þórður^Guðrún",  "Ægir^Þór",        "Hämäläinen^Pöyry",
		"Åå^Öö",          "Øø^Åå",           "éé^éé",
		"Nº 5 ½ ×¾",      "±5° ¼÷½",         "«Größe»",
		"¿Qué?",          "¡Olé!",           "ÀÉÎÕÜ",
		"ÇÃO^ÇÕES",       "ÍÓ^ÚÑ",           "ÅÄÖ^ÅÄÖÅ",
		"Ö^Ü=Ä^ß",        "ÿÿ^ÿÿ",           "Ýmir^Ýr",
	};
	/* Words of nothing but high bytes, of other alphabets. */
	static const char *const others[] = {
		"\xC8\xE2\xE0\xED\xEE\xE2^\xCF\xB8\xF2\xF0", /* CP1251 */
		"\xE9\xD7\xC1\xCE\xCF\xD7^\xF0\xA3\xD4\xD2", /* KOI8-R */
		"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3\xBC",         /* katakana */
		"\xC8\xAB^\xB1\xE6\xB5\xBF",                 /* EUC-KR */
		"\xC1\xD6\xC7\xF6\xBF\xEC",
		"\xF9\xF8\xE5\xEF^\xE3\xE1\xE5\xF8\xE4\xE4",
		"\xE2\xC8\xC7\xE6\xEA\xEA^\xE4\xE6\xD2\xC7",
		"\xC4\xE9\xEF\xED\xF5\xF3\xE9\xEF",
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char raw[64];
		const char *s = names[i];
		size_t n = 0;

		for (; *s; s++) {
			if ((*s & 0xC0) == 0xC0) {
				raw[n++] =
					(char)((s[0] & 3) << 6 | (s[1] & 0x3F));
				s++;
			} else {
				raw[n++] = *s;
			}
		}
		is_n("ISO_IR 100", "PN", raw, n, names[i], 0);
		is_n("ISO_IR 100", "LO", raw, n, names[i], 0);
		assert_int_equal(decode("", "PN", raw, n), 0);
		assert_int_equal(notes, IMG_CHARSET_REPLACED);
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		assert_int_equal(decode("", "PN", others[i], strlen(others[i])),
				 0);
		assert_int_equal(notes, IMG_CHARSET_REPLACED);
	}
}

static void test_controls(void **state)
{
	(void)state;
	is_n("", "UT", "a\r\nb\tc\fd\0e\1\177", 12,
	     "a\r\nb\tc\fd" HOLE "e" HOLE HOLE, IMG_CHARSET_REPLACED);
	is("ISO_IR 100", "LO", "a\x85z", "a" HOLE "z", IMG_CHARSET_REPLACED);
	is("ISO_IR 192", "LO", "a\xC2\x85z\33[1m", "a" HOLE "z" HOLE "[1m",
	   IMG_CHARSET_REPLACED);
	is("ISO_IR 100", "LO", "\33[1m", HOLE "[1m", IMG_CHARSET_REPLACED);
	is("GB18030", "LO", "\33[1m", HOLE "[1m", IMG_CHARSET_REPLACED);
}

static void test_hostile(void **state)
{
	(void)state;
	/* Broken UTF-8: overlong, surrogate, cut, too high. */
	is("ISO_IR 192", "LO", "\xC0\xAF|\xED\xA0\x80|\xE5\xB1",
	   HOLE "|" HOLE "|" HOLE, IMG_CHARSET_REPLACED);
	is("ISO_IR 192", "LO", "\xF4\x90\x80\x80|\xFF", HOLE "|" HOLE,
	   IMG_CHARSET_REPLACED);
	/* Escapes never closed, cut, unknown, hiding a delimiter. */
	is("\\ISO 2022 IR 87", "PN", "\33$B;3E", "山" HOLE,
	   IMG_CHARSET_REPLACED);
	is("\\ISO 2022 IR 87", "PN", "\33", HOLE, IMG_CHARSET_REPLACED);
	is("\\ISO 2022 IR 87", "PN", "a\33$", "a" HOLE "$",
	   IMG_CHARSET_REPLACED);
	is("\\ISO 2022 IR 87", "PN", "a\33(Zb", "a" HOLE "b",
	   IMG_CHARSET_REPLACED);
	is("\\ISO 2022 IR 87", "PN", "a\33(^b", "a" HOLE "(^b",
	   IMG_CHARSET_REPLACED);
	is("\\ISO 2022 IR 87", "LO", "\33$B;3\33", "山" HOLE,
	   IMG_CHARSET_REPLACED);
	is("\\ISO 2022 IR 149", "PN", "\33$)C\xFB", HOLE, IMG_CHARSET_REPLACED);
	is("\\ISO 2022 IR 149", "PN", "\33$)C\xFB^\xFE\xFE\xA0\xFF",
	   HOLE "^" HOLE HOLE HOLE, IMG_CHARSET_REPLACED);
	is("GB18030", "LO", "\xCD", HOLE, IMG_CHARSET_REPLACED);
	is("GB18030", "LO", "\x81\x30\x81", HOLE "0" HOLE,
	   IMG_CHARSET_REPLACED);
	is("GB18030", "LO", "\xFF\xCD\xF5\x80 a", HOLE "王" HOLE " a",
	   IMG_CHARSET_REPLACED);
}

/* 10 MB of a name stay within the ceiling of the buffer, in each set. */
static void test_giant(void **state)
{
	static const char *const sets[] = {
		"",        "ISO_IR 100",       "ISO_IR 192",
		"GB18030", "\\ISO 2022 IR 87", "\\ISO 2022 IR 149"
	};
	static const uint8_t fills[] = { 'a', 0x1B, 0xE5, 0xFF, 0, '^', 0x81 };
	size_t n = 10u << 20;
	char *p = malloc(n);

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
		for (size_t f = 0; f < sizeof fills; f++) {
			memset(p, fills[f], n);
			p[n - 1] = 'x';
			assert_int_equal(decode(sets[i], "PN", p, n), -1);
		}
	free(p);
}

static void *decode_all(void *arg)
{
	static const struct {
		const char *set, *raw, *want;
	} values[] = {
		{ "\\ISO 2022 IR 87", "\33$B;3ED\33(B", "山田" },
		{ "\\ISO 2022 IR 149", "\33$)C\xFB\xF3", "洪" },
		{ "GB18030", "\xCD\xF5", "王" },
		{ "ISO_IR 126", "\xC4", "Δ" },
		{ "", "\xCD\xF5^\xD0\xA1\xB6\xAB", "王^小东" },
	};
	size_t count = sizeof values / sizeof *values;
	size_t good = 0;

	for (size_t i = 0; i < 1000 * count; i++) {
		const char *set = values[i % count].set;
		const char *raw = values[i % count].raw;
		struct img_err err = IMG_ERR_INIT;
		struct img_charset cs;
		struct img_buf out;

		img_charset_parse(&cs, set, strlen(set));
		img_buf_init(&out, 100);
		if (img_charset_utf8(&cs, "PN", raw, strlen(raw), &out, NULL,
				     &err) == 0)
			good += strcmp(img_buf_str(&out),
				       values[i % count].want) == 0;
		img_buf_release(&out);
	}
	return good == 1000 * count ? arg : NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, decode_all, text), 0);
	for (size_t i = 0; i < 4; i++) {
		void *good = NULL;

		assert_int_equal(pthread_join(threads[i], &good), 0);
		assert_non_null(good);
	}
}

static const char *folded(const char *s, size_t n)
{
	struct img_buf out;
	struct img_err err = IMG_ERR_INIT;

	img_buf_init(&out, sizeof text - 1);
	assert_int_equal(img_text_fold(s, n, &out, &err), 0);
	memcpy(text, img_buf_str(&out), out.len + 1);
	img_buf_release(&out);
	return text;
}

static void folds(const char *from, const char *to)
{
	assert_string_equal(folded(from, strlen(from)), to);
}

static void test_fold(void **state)
{
	(void)state;
	folds("", "");
	folds("^^", "");
	folds("Müller^Jürgen", "muller jurgen");
	folds("MULLER,  JURGEN^^", "muller jurgen");
	folds("Mu\xCC\x88ller", "muller");
	folds("A\xCC\x88", "a");
	folds("\xCC\x88", "");
	folds("Straße", "strasse");
	folds("STRASSE", "strasse");
	folds("Łukasz Ørsted Đặng Æsir", "lukasz orsted dang aesir");
	folds("İstanbul ısı", "istanbul isi");
	folds("Διονύσιος", "διονυσιοσ");
	folds("Йод Ёлка", "иод елка");
	folds("ﾔﾏﾀﾞ^ﾀﾛｳ", "ヤマダ タロウ");
	folds("やまだ　たろう", "やまだ たろう");
	folds("Ｙａｍａｄａ＾Ｔ", "yamada t");
	folds("홍^길동=洪^吉洞", "홍 길동 洪 吉洞");
	folds("أَحْمَد", "احمد");
	folds("שָׁלוֹם", "שלום");
	folds("a*b?", "a*b?");
	folds("a\xFF"
	      "B",
	      "a" HOLE "b");
	folds("a\xE5", "a" HOLE);
}

static void test_fold_giant(void **state)
{
	struct img_buf out;
	struct img_err err = IMG_ERR_INIT;
	size_t n = 3u << 20;
	char *p = malloc(n);

	(void)state;
	assert_non_null(p);
	img_buf_init(&out, 1000);
	/* U+FDFA folds to eighteen characters. */
	for (size_t i = 0; i < n; i += 3)
		memcpy(p + i, "\xEF\xB7\xBA", 3);
	assert_int_equal(img_text_fold(p, n, &out, &err), -1);
	assert_int_equal(err.code, IMG_E_LIMIT);
	img_buf_reset(&out);
	/* A cut between pieces loses nothing. */
	img_buf_release(&out);
	img_buf_init(&out, n);
	for (size_t i = 0; i < n; i += 3)
		memcpy(p + i, "山", 3);
	assert_int_equal(img_text_fold(p, n, &out, &err), 0);
	assert_int_equal(out.len, n);
	assert_memory_equal(out.data, p, n);
	img_buf_release(&out);
	free(p);
}

static void test_width(void **state)
{
	(void)state;
	assert_int_equal(img_text_width("", 0), 0);
	assert_int_equal(img_text_width("Test", 4), 4);
	assert_int_equal(img_text_width("Müller", strlen("Müller")), 6);
	assert_int_equal(img_text_width("Mu\xCC\x88ller", 8), 6);
	assert_int_equal(img_text_width("山田^太郎", strlen("山田^太郎")), 9);
	assert_int_equal(img_text_width("ﾔﾏﾀﾞ", strlen("ﾔﾏﾀﾞ")), 4);
	assert_int_equal(img_text_width("홍길동", strlen("홍길동")), 6);
	assert_int_equal(img_text_width("\n\t", 2), 0);
	assert_int_equal(img_text_width("a\xFF\xE5", 3), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads), /* first: tables are made */
		cmocka_unit_test(test_single_bytes),
		cmocka_unit_test(test_japanese),
		cmocka_unit_test(test_korean),
		cmocka_unit_test(test_chinese),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_wrong_declarations),
		cmocka_unit_test(test_latin_names),
		cmocka_unit_test(test_controls),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_giant),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_fold_giant),
		cmocka_unit_test(test_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
