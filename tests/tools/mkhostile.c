/*
 * mkhostile - writes the named hostile file to stdout: `mkhostile nest20000`;
 * -l lists them.  DICOM files are made here; all begin well.
 */
#include "hostile-tar.h"
#include "hostile-zip.h"
#include "hostile-more.h"
#include "hostile-odd.h"

static void element(struct bytes *b, uint32_t tag, const char *vr,
		    const void *p, size_t n)
{
	le(b, tag >> 16, 2);
	le(b, tag & 0xFFFF, 2);
	put(b, vr, 2);
	if (strstr("OB OW OF SQ UT UN UC UR", vr)) {
		le(b, 0, 2);
		le(b, n, 4);
	} else {
		le(b, n, 2);
	}
	put(b, p, n);
}

static void text(struct bytes *b, uint32_t tag, const char *vr, const char *s)
{
	char v[128];

	snprintf(v, sizeof(v), "%s", s);
	if (strlen(v) % 2)
		strcat(v, strcmp(vr, "UI") ? " " : "");
	element(b, tag, vr, v, strlen(s) + strlen(s) % 2);
}

static void us(struct bytes *b, uint32_t tag, unsigned v)
{
	uint8_t p[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

	element(b, tag, "US", p, 2);
}

#define SC       "1.2.840.10008.5.1.4.1.1.7"
#define EXPLICIT "1.2.840.10008.1.2.1"
#define DEFLATED "1.2.840.10008.1.2.1.99"
#define JPEG     "1.2.840.10008.1.2.4.50"

/* Preamble and file meta information, PS3.10 7.1. */
static void meta(struct bytes *b, const char *syntax, unsigned n)
{
	size_t at;
	char uid[64];

	put(b, NULL, 128);
	puts_(b, "DICM");
	element(b, 0x00020000, "UL", "\0\0\0\0", 4);
	at = b->n;
	element(b, 0x00020001, "OB", "\0\1", 2);
	text(b, 0x00020002, "UI", SC);
	snprintf(uid, sizeof(uid), "2.25.7001%04u", n);
	text(b, 0x00020003, "UI", uid);
	text(b, 0x00020010, "UI", syntax);
	text(b, 0x00020012, "UI", "2.25.7000");
	for (int i = 0; i < 4; i++)
		b->p[at - 4 + i] = (uint8_t)((b->n - at) >> (8 * i));
}

static void identity(struct bytes *b, unsigned n)
{
	char uid[64];

	text(b, 0x00080016, "UI", SC);
	snprintf(uid, sizeof(uid), "2.25.7001%04u", n);
	text(b, 0x00080018, "UI", uid);
	text(b, 0x00080020, "DA", "20200102");
	text(b, 0x00080060, "CS", "OT");
	text(b, 0x00100010, "PN", "Test^Synthetic");
	text(b, 0x00100020, "LO", "HOSTILE");
	text(b, 0x0020000D, "UI", "2.25.7002");
	text(b, 0x0020000E, "UI", "2.25.7003");
}

static void pixel_module(struct bytes *b, unsigned rows, unsigned bits)
{
	us(b, 0x00280002, 1);
	text(b, 0x00280004, "CS", "MONOCHROME2");
	us(b, 0x00280010, rows);
	us(b, 0x00280011, rows);
	us(b, 0x00280100, bits);
	us(b, 0x00280101, bits);
	us(b, 0x00280102, bits - 1);
	us(b, 0x00280103, 0);
}

static void begin(struct bytes *b, unsigned n)
{
	meta(b, EXPLICIT, n);
	identity(b, n);
}

static void good_dicom(struct bytes *b, unsigned n)
{
	static const uint8_t pixels[16] = { 1, 2, 3, 4 };

	begin(b, n);
	pixel_module(b, 4, 8);
	element(b, 0x7FE00010, "OW", pixels, 16);
}

/* An element's header whose length is not kept. */
static void liar(struct bytes *b, uint32_t tag, const char *vr, uint32_t len,
		 size_t there)
{
	element(b, tag, vr, NULL, 0);
	b->n -= 4;
	le(b, len, 4);
	put(b, NULL, there);
}

static void make_good(struct bytes *b, unsigned long arg)
{
	good_dicom(b, (unsigned)arg);
}

static void open_nest(struct bytes *b, unsigned long n)
{
	while (n-- > 0) {
		liar(b, 0x0040A730, "SQ", 0xFFFFFFFF, 0);
		put(b, "\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF", 8);
	}
}

static void make_nest(struct bytes *b, unsigned long n)
{
	begin(b, (unsigned)(n % 1000) + 10);
	open_nest(b, n);
	while (n-- > 0) {
		put(b, "\xFE\xFF\x0D\xE0\0\0\0\0", 8);
		put(b, "\xFE\xFF\xDD\xE0\0\0\0\0", 8);
	}
}

static void make_trunc(struct bytes *b, unsigned long n)
{
	begin(b, 20);
	open_nest(b, n);
	b->n = b->n > 400 ? b->n - 7 : b->n;
}

static void make_hugelen_ob(struct bytes *b, unsigned long n)
{
	begin(b, (unsigned)n);
	pixel_module(b, 4, 8);
	liar(b, 0x7FE00010, "OB", 0xFFFFFFFE, 100);
}

static void make_hugelen_ut(struct bytes *b, unsigned long n)
{
	begin(b, (unsigned)n);
	liar(b, 0x00400310, "UC", 0x7FFFFFFE, 100);
}

static void make_hugelen_sq(struct bytes *b, unsigned long n)
{
	begin(b, (unsigned)n);
	liar(b, 0x0040A730, "SQ", 0xFFFFFFF0, 0);
}

static void make_hugelen_item(struct bytes *b, unsigned long n)
{
	begin(b, (unsigned)n);
	liar(b, 0x0040A730, "SQ", 0xFFFFFFFF, 0);
	put(b, "\xFE\xFF\x00\xE0\xF0\xFF\xFF\xFF", 8);
}

static void make_odd(struct bytes *b, unsigned long n)
{
	begin(b, (unsigned)n);
	element(b, 0x00321032, "PN", "odd", 3);
	text(b, 0x00324000, "LT", "good");
}

static void make_million(struct bytes *b, unsigned long n)
{
	begin(b, (unsigned)n);
	for (uint32_t g = 0x1001; g < 0x1001 + 40; g += 2)
		for (uint32_t e = 0; e < 50000; e++)
			element(b, g << 16 | (0x1000 + e), "SH", "ab", 2);
}

static void make_bigut(struct bytes *b, unsigned long mib)
{
	begin(b, 28);
	element(b, 0x0040A160, "UT", NULL, mib << 20);
	memset(b->p + b->n - (mib << 20), 'x', mib << 20);
}

static void make_pixshort(struct bytes *b, unsigned long n)
{
	begin(b, (unsigned)n);
	pixel_module(b, 65535, 16);
	element(b, 0x7FE00010, "OW", "0123456789", 10);
}

static void make_jpegtem(struct bytes *b, unsigned long n)
{
	meta(b, JPEG, (unsigned)n);
	identity(b, (unsigned)n);
	pixel_module(b, 4, 8);
	liar(b, 0x7FE00010, "OB", 0xFFFFFFFF, 0);
	put(b, "\xFE\xFF\x00\xE0\0\0\0\0", 8);
	put(b, "\xFE\xFF\x00\xE0\x06\0\0\0\xFF\xD8\xFF\x01\xFF\xD9", 14);
	put(b, "\xFE\xFF\xDD\xE0\0\0\0\0", 8);
}

static void make_deflbomb(struct bytes *b, unsigned long mib)
{
	struct bytes in = { 0 };

	meta(b, DEFLATED, 31);
	identity(&in, 31);
	liar(&in, 0x0040A160, "UT", (uint32_t)(mib << 20), 0);
	deflated(b, in.p, in.n, 1);
	deflated_zeros(b, (unsigned)mib);
	put(b, "\x03\0", 2);
	free(in.p);
}

static void make_empty(struct bytes *b, unsigned long n)
{
	(void)b;
	(void)n;
}

static void make_preamble(struct bytes *b, unsigned long elf)
{
	good_dicom(b, 33 + (unsigned)elf);
	memcpy(b->p,
	       elf ? "\x7F"
		     "ELF\2\1\1"
		   : "MZ\x90\0\3\0\0",
	       7);
}

static void make_nodelim(struct bytes *b, unsigned long n)
{
	begin(b, (unsigned)n);
	open_nest(b, 1);
	text(b, 0x00080100, "SH", "1");
}

static void make_novr(struct bytes *b, unsigned long n)
{
	begin(b, (unsigned)n);
	element(b, 0x00324000, "\0\0", "xx", 2);
}

static void make_emptyfrag(struct bytes *b, unsigned long frags)
{
	meta(b, JPEG, 37);
	identity(b, 37);
	pixel_module(b, 4, 8);
	liar(b, 0x7FE00010, "OB", 0xFFFFFFFF, 0);
	while (frags-- > 0)
		put(b, "\xFE\xFF\x00\xE0\0\0\0\0", 8);
	put(b, "\xFE\xFF\xDD\xE0\0\0\0\0", 8);
}

static void make_longpn(struct bytes *b, unsigned long n)
{
	begin(b, (unsigned)n);
	element(b, 0x00321032, "PN", NULL, 65534);
	memset(b->p + b->n - 65534, '^', 65534);
}

static void make_twice(struct bytes *b, unsigned long n)
{
	begin(b, (unsigned)n);
	identity(b, (unsigned)n + 1);
}

static void make_grouplie(struct bytes *b, unsigned long n)
{
	begin(b, (unsigned)n);
	element(b, 0x00320000, "UL", "\xFF\xFF\xFF\x7F", 4);
	text(b, 0x00324000, "LT", "good");
}

static const struct kind kinds[] = {
	{ "good", make_good, 1, "nothing wrong" },
	{ "nest64", make_nest, 64, "64 sequences, one in the other" },
	{ "nest1000", make_nest, 1000, "1,000" },
	{ "nest5000", make_nest, 5000, "5,000" },
	{ "nest20000", make_nest, 20000, "20,000" },
	{ "nest100000", make_nest, 100000, "100,000" },
	{ "hugelen_ob", make_hugelen_ob, 21, "pixel data of 4 GiB, 100 there" },
	{ "hugelen_ut", make_hugelen_ut, 22, "UC of 2 GiB, 100 there" },
	{ "hugelen_sq", make_hugelen_sq, 23, "sequence of 4 GiB, 0 there" },
	{ "hugelen_item", make_hugelen_item, 24, "item of 4 GiB, 0 there" },
	{ "odd", make_odd, 25, "a value of odd length" },
	{ "million", make_million, 26, "1,000,000 private elements" },
	{ "bigut", make_bigut, 200, "one UT of 200 MiB" },
	{ "pixshort", make_pixshort, 29, "65,535 squared pixels, 10 bytes" },
	{ "jpegtem", make_jpegtem, 30, "JPEG with a TEM marker" },
	{ "deflbomb", make_deflbomb, 1024, "1 GiB deflated to 1 MiB" },
	{ "trunc", make_trunc, 20, "cut inside nested sequences" },
	{ "empty", make_empty, 0, "no bytes" },
	{ "pe", make_preamble, 0, "preamble of a Windows program" },
	{ "elf", make_preamble, 1, "preamble of a Linux program" },
	{ "nodelim", make_nodelim, 35, "item and sequence never end" },
	{ "novr", make_novr, 36, "VR of two zero bytes" },
	{ "emptyfrag", make_emptyfrag, 1000, "1,000 fragments of length 0" },
	{ "longpn", make_longpn, 38, "PN of 64 KiB of ^" },
	{ "twice", make_twice, 39, "every attribute twice" },
	{ "grouplie", make_grouplie, 41, "group length of 2 GiB" },
	{ NULL, NULL, 0, NULL },
};

static const struct kind *find(const struct kind *k, const char *name)
{
	while (k->name && strcmp(k->name, name) != 0)
		k++;
	return k->name ? k : NULL;
}

static void list(const struct kind *k)
{
	for (; k->name; k++)
		printf("%s\t%s\n", k->name, k->what);
}

int main(int argc, char **argv)
{
	const struct kind *k;
	struct bytes b = { 0 };

	if (argc == 2 && strcmp(argv[1], "-l") == 0) {
		list(kinds);
		list(tar_kinds);
		list(zip_kinds);
		list(more_kinds);
		list(odd_kinds);
		return fflush(stdout) == 0 ? 0 : 3;
	}
	if (argc != 2)
		return 64;
	k = find(kinds, argv[1]);
	if (!k)
		k = find(tar_kinds, argv[1]);
	if (!k)
		k = find(zip_kinds, argv[1]);
	if (!k)
		k = find(more_kinds, argv[1]);
	if (!k)
		k = find(odd_kinds, argv[1]);
	if (!k)
		return 64;
	k->make(&b, k->arg);
	if ((b.n && fwrite(b.p, 1, b.n, stdout) != b.n) || fflush(stdout) != 0)
		return 3;
	free(b.p);
	return 0;
}
