/*
 * charset-table.c - the coded character sets, as tables.
 *
 * A table is made from iconv when it is first asked for, and never changes
 * after: opening iconv costs more than decoding a thousand names, a table is
 * shared by all threads, and a process that may no longer open files can
 * still read what it has used before.
 */
#include <iconv.h>
#include <pthread.h>
#include <stdatomic.h>
#include <wchar.h>

#include "charset_private.h"

#define ROWS 94 /* of a set of two bytes, and cells in a row */

static const struct {
	const char *iconv;
	uint8_t prefix; /* a byte before each character */
} source[] = {
	[IMG_SET_LATIN2] = { "ISO-8859-2", 0 },
	[IMG_SET_LATIN3] = { "ISO-8859-3", 0 },
	[IMG_SET_LATIN4] = { "ISO-8859-4", 0 },
	[IMG_SET_CYRILLIC] = { "ISO-8859-5", 0 },
	[IMG_SET_ARABIC] = { "ISO-8859-6", 0 },
	[IMG_SET_GREEK] = { "ISO-8859-7", 0 },
	[IMG_SET_HEBREW] = { "ISO-8859-8", 0 },
	[IMG_SET_LATIN5] = { "ISO-8859-9", 0 },
	[IMG_SET_LATIN9] = { "ISO-8859-15", 0 },
	[IMG_SET_THAI] = { "TIS-620", 0 },
	[IMG_SET_JISX0208] = { "EUC-JP", 0 },
	[IMG_SET_JISX0212] = { "EUC-JP", 0x8F }, /* SS3 */
	[IMG_SET_KSX1001] = { "EUC-KR", 0 },
	[IMG_SET_GB2312] = { "EUC-CN", 0 },
};

static uint16_t bytes[IMG_SET_JISX0208][96]; /* 0xA0..0xFF */
static uint16_t pairs[IMG_SET_UTF8 - IMG_SET_JISX0208][ROWS * ROWS];
static atomic_bool made[IMG_SET_UTF8];
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

/* One character; 0 if there is none, or not in the basic plane. */
static uint16_t convert(iconv_t cd, char *in, size_t n)
{
	wchar_t wc = 0;
	char *out = (char *)&wc;
	size_t room = sizeof wc;

	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &in, &n, &out, &room) != 0 || n || room)
		return 0;
	return wc > 0 && wc <= 0xFFFF ? (uint16_t)wc : 0;
}

static void fill_bytes(iconv_t cd, enum img_set set)
{
	for (unsigned i = 0; i < 96; i++) {
		char in = (char)(0xA0 + i);

		bytes[set][i] = convert(cd, &in, 1);
	}
}

static void fill_pairs(iconv_t cd, enum img_set set)
{
	uint16_t *to = pairs[set - IMG_SET_JISX0208];
	char in[3] = { (char)source[set].prefix };

	for (unsigned i = 0; i < ROWS * ROWS; i++) {
		in[1] = (char)(0xA1 + i / ROWS);
		in[2] = (char)(0xA1 + i % ROWS);
		if (in[0])
			to[i] = convert(cd, in, 3);
		else
			to[i] = convert(cd, in + 1, 2);
	}
}

/* Where iconv lacks a set, its table stays empty: nothing decodes. */
static void make(enum img_set set)
{
	iconv_t cd;

	pthread_mutex_lock(&making);
	if (atomic_load(&made[set]))
		goto out;
	cd = iconv_open("WCHAR_T", source[set].iconv);
	if (cd != (iconv_t)-1) {
		if (img_set_is_wide(set))
			fill_pairs(cd, set);
		else
			fill_bytes(cd, set);
		iconv_close(cd);
	}
	atomic_store(&made[set], true);
out:
	pthread_mutex_unlock(&making);
}

uint32_t img_set_byte(enum img_set set, uint8_t b)
{
	if (b < 0xA0)
		return 0;
	if (set == IMG_SET_LATIN1)
		return b;
	if (set == IMG_SET_JISX0201) /* half-width katakana */
		return b > 0xA0 && b < 0xE0 ? 0xFF61u + (b - 0xA1u) : 0;
	if (set < IMG_SET_LATIN2 || set > IMG_SET_THAI)
		return 0;
	if (!atomic_load_explicit(&made[set], memory_order_acquire))
		make(set);
	return bytes[set][b - 0xA0];
}

uint32_t img_set_pair(enum img_set set, uint8_t hi, uint8_t lo)
{
	if (!img_set_is_wide(set) || hi < 0x21 || hi > 0x7E || lo < 0x21 ||
	    lo > 0x7E)
		return 0;
	if (!atomic_load_explicit(&made[set], memory_order_acquire))
		make(set);
	return pairs[set - IMG_SET_JISX0208][(hi - 0x21) * ROWS + lo - 0x21];
}
