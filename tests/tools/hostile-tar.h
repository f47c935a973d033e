/*
 * hostile-tar.h - the part of mkhostile that makes tars, plain and compressed,
 * byte by byte.  A member that is not itself the trouble is a good image.
 */
#ifndef HOSTILE_TAR_H
#define HOSTILE_TAR_H

#include "hostile.h"

/* A good small image, number n: mkhostile makes it. */
static void good_dicom(struct bytes *b, unsigned n);

/* ---- tar (POSIX.1-1988 ustar, pax) ---------------------------------------- */

static void tar_sum(uint8_t *h)
{
	unsigned sum = 0;
	char text[8];

	memset(h + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += h[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(h + 148, text, 7);
}

static void tar_head(struct bytes *b, const char *name, uint64_t size,
		     char type, const char *link)
{
	char h[512] = { 0 };

	snprintf(h, 100, "%s", name);
	memcpy(h + 100,
	       "0004755\0"
	       "0000000\0"
	       "0000000",
	       24);
	snprintf(h + 124, 12, "%011llo", (unsigned long long)size);
	memcpy(h + 136, "13600000000", 11);
	h[156] = type;
	snprintf(h + 157, 100, "%s", link ? link : "");
	memcpy(h + 257,
	       "ustar\0"
	       "00",
	       8);
	tar_sum((uint8_t *)h);
	put(b, h, 512);
}

static void tar_file(struct bytes *b, const char *name, unsigned n)
{
	struct bytes d = { 0 };

	good_dicom(&d, n);
	tar_head(b, name, d.n, '0', NULL);
	put(b, d.p, d.n);
	pad_to(b, 512);
	free(d.p);
}

static void tar_end(struct bytes *b)
{
	put(b, NULL, 1024);
}

static void pax(struct bytes *b, const char *key, const void *value, size_t n)
{
	char head[64];
	size_t len = n + strlen(key) + 3, digits = 1;

	for (size_t v = len + 1; v >= 10; v /= 10)
		digits++;
	len += digits;
	snprintf(head, sizeof(head), "%zu %s=", len, key);
	len = strlen(head) + n + 1;
	tar_head(b, "PaxHeader", len, 'x', NULL);
	puts_(b, head);
	put(b, value, n);
	puts_(b, "\n");
	pad_to(b, 512);
}

/* The good, the bad (named by arg), the good. */
static void tar_named(struct bytes *b, unsigned long arg)
{
	static const char *const names[] = {
		"../../../x",    "/etc/x", "C:\\x\\y", "a\\..\\..\\y",
		"DICOM\\IM0001", "a/../b", "."
	};

	tar_file(b, "first", 1);
	tar_file(b, names[arg], 2);
	tar_file(b, "last", 3);
	tar_end(b);
}

static void tar_typed(struct bytes *b, unsigned long type)
{
	tar_file(b, "first", 1);
	tar_head(b, "special", 0, (char)type, "/etc");
	if (type == '2')
		tar_file(b, "special/passwd", 2);
	tar_file(b, "last", 3);
	tar_end(b);
}

static void tar_hardlink(struct bytes *b, unsigned long arg)
{
	(void)arg;
	tar_file(b, "first", 1);
	tar_head(b, "special", 512, '1', "/etc/passwd");
	put(b, NULL, 512);
	tar_file(b, "last", 3);
	tar_end(b);
}

static void tar_longname(struct bytes *b, unsigned long n)
{
	char *name = malloc(n);

	memset(name, 'n', n);
	tar_file(b, "first", 1);
	pax(b, "path", name, n);
	tar_file(b, "short", 2);
	tar_file(b, "last", 3);
	tar_end(b);
	free(name);
}

static void tar_controls(struct bytes *b, unsigned long arg)
{
	(void)arg;
	tar_file(b, "a\033[31mb\nc\377d", 1);
	pax(b, "path", "nul\0hidden", 10);
	tar_file(b, "short", 2);
	tar_end(b);
}

static void tar_twice(struct bytes *b, unsigned long arg)
{
	(void)arg;
	tar_file(b, "same", 1);
	tar_file(b, "same", 2);
	tar_file(b, "SAME", 3);
	tar_end(b);
}

/* GNU sparse: 512 bytes at the end of 8 EB - 1 of hole. */
static void tar_sparse(struct bytes *b, unsigned long arg)
{
	uint64_t real = (uint64_t)1 << 62;
	size_t at;

	(void)arg;
	tar_file(b, "first", 1);
	at = b->n;
	tar_head(b, "sparse", 512, 'S', NULL);
	memcpy(b->p + at + 257, "ustar  ", 8);
	for (int i = 0; i < 8; i++) { /* offset, then the size of it all */
		b->p[at + 386 + 4 + i] =
			(uint8_t)((real - 512) >> (8 * (7 - i)));
		b->p[at + 483 + 4 + i] = (uint8_t)(real >> (8 * (7 - i)));
	}
	b->p[at + 386] = b->p[at + 483] = 0x80;
	memcpy(b->p + at + 398, "00000001000", 11);
	tar_sum(b->p + at);
	put(b, NULL, 512);
	tar_file(b, "last", 3);
	tar_end(b);
}

static void tar_badsum(struct bytes *b, unsigned long arg)
{
	size_t at;

	(void)arg;
	tar_file(b, "first", 1);
	at = b->n;
	tar_file(b, "second", 2);
	b->p[at] ^= 1;
	tar_file(b, "last", 3);
	tar_end(b);
}

static void tar_noend(struct bytes *b, unsigned long cut)
{
	tar_file(b, "first", 1);
	tar_file(b, "second", 2);
	b->n -= cut;
}

static void tar_twoends(struct bytes *b, unsigned long junk)
{
	tar_file(b, "first", 1);
	tar_end(b);
	if (junk)
		puts_(b, "this is no tar");
	else
		tar_file(b, "behind", 2);
	pad_to(b, 512);
	tar_end(b);
}

/* ---- gzip, zstd, xz ---------------------------------------------------------- */

static void gzip(struct bytes *b, const void *p, size_t n, uint32_t crc)
{
	put(b, "\x1f\x8b\x08\0\0\0\0\0\0\3", 10);
	deflated(b, p, n, 0);
	le(b, crc, 4);
	le(b, n, 4);
}

static void tgz_many(struct bytes *b, unsigned long n)
{
	struct bytes t = { 0 };
	char name[64];

	for (unsigned long i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "m/%06lu", i);
		tar_head(&t, name, 0, '0', NULL);
	}
	tar_end(&t);
	gzip(b, t.p, t.n, (uint32_t)crc32(0, t.p, (uInt)t.n));
	free(t.p);
}

static void tgz_bad(struct bytes *b, unsigned long cut)
{
	struct bytes t = { 0 };

	tar_file(&t, "first", 1);
	tar_file(&t, "second", 2);
	tar_end(&t);
	gzip(b, t.p, t.n, 0x12345678);
	b->n -= cut;
	free(t.p);
}

static void tgz_bomb(struct bytes *b, unsigned long mib)
{
	struct bytes t = { 0 };

	tar_file(&t, "first", 1);
	tar_head(&t, "bomb", (uint64_t)mib << 20, '0', NULL);
	put(b, "\x1f\x8b\x08\0\0\0\0\0\0\3", 10);
	deflated(b, t.p, t.n, 1);
	deflated_zeros(b, (unsigned)mib + 1);
	put(b, "\3\0", 2);
	le(b, crc_zeros((uint32_t)crc32(0, t.p, (uInt)t.n), (unsigned)mib + 1),
	   4);
	le(b, t.n + (((uint64_t)mib + 1) << 20), 4);
	free(t.p);
}

static void gz_notar(struct bytes *b, unsigned long arg)
{
	(void)arg;
	gzip(b, "hello", 5, (uint32_t)crc32(0, (const Bytef *)"hello", 5));
}

/* A zstd frame of stored blocks; its header asks for a window of 2 GiB. */
static void zstd_window(struct bytes *b, unsigned long window)
{
	struct bytes t = { 0 };

	tar_file(&t, "first", 1);
	tar_end(&t);
	put(b, "\x28\xB5\x2F\xFD\0", 5);
	le(b, window, 1);
	le(b, t.n << 3 | 1, 3);
	put(b, t.p, t.n);
	free(t.p);
}

static void xz_block(struct bytes *b, unsigned dict, const void *p, size_t n)
{
	size_t at = b->n;

	put(b, "\2\0\x21\1", 4);
	le(b, dict, 1);
	pad_to(b, 4);
	le(b, crc32(0, b->p + at, (uInt)(b->n - at)), 4);
	at = b->n;
	put(b, "\1", 1);
	be(b, n - 1, 2);
	put(b, p, n);
	put(b, "\0", 1);
	pad_to(b, 4);
	le(b, crc32(0, p, (uInt)n), 4);
}

/* The second block asks for a dictionary of 4 GiB. */
static void xz_dict(struct bytes *b, unsigned long arg)
{
	struct bytes t = { 0 };

	(void)arg;
	tar_file(&t, "first", 1);
	put(b,
	    "\xFD"
	    "7zXZ\0\0\1",
	    8);
	le(b, crc32(0, (const Bytef *)"\0\1", 2), 4);
	xz_block(b, 8, t.p, t.n);
	t.n = 0;
	tar_file(&t, "second", 2);
	tar_end(&t);
	xz_block(b, 40, t.p, t.n);
	free(t.p);
}

static const struct kind tar_kinds[] = {
	{ "tar-dotdot", tar_named, 0, "../../../x" },
	{ "tar-absolute", tar_named, 1, "/etc/x" },
	{ "tar-drive", tar_named, 2, "C:\\x\\y" },
	{ "tar-backslash", tar_named, 3, "a\\..\\..\\y" },
	{ "tar-inner", tar_named, 5, "a/../b" },
	{ "tar-dot", tar_named, 6, "a file named ." },
	{ "tar-symlink", tar_typed, '2', "link, and a member through it" },
	{ "tar-hardlink", tar_hardlink, 0, "hard link with data" },
	{ "tar-chardev", tar_typed, '3', "character device" },
	{ "tar-blockdev", tar_typed, '4', "block device" },
	{ "tar-fifo", tar_typed, '6', "FIFO" },
	{ "tar-longname", tar_longname, 65536, "name of 64 KiB" },
	{ "tar-controls", tar_controls, 0,
	  "names with ESC, NL, NUL, bad UTF-8" },
	{ "tar-twice", tar_twice, 0, "three members of one name" },
	{ "tar-sparse", tar_sparse, 0, "sparse member of 4 EiB" },
	{ "tar-badsum", tar_badsum, 0, "second header damaged" },
	{ "tar-noend", tar_noend, 0, "no end mark" },
	{ "tar-cut", tar_noend, 300, "cut in the last block" },
	{ "tar-concat", tar_twoends, 0, "a second tar behind the end mark" },
	{ "tar-junk", tar_twoends, 1, "junk behind the end mark" },
	{ "tgz-many", tgz_many, 200000, "200,000 empty members" },
	{ "tgz-badcrc", tgz_bad, 0, "wrong CRC at the end" },
	{ "tgz-cut", tgz_bad, 9, "cut in the trailer" },
	{ "tgz-bomb", tgz_bomb, 1024, "1 GiB of zeros" },
	{ "gz-notar", gz_notar, 0, "no tar inside" },
	{ "zstd-window", zstd_window, 0xA8, "window of 2 GiB" },
	{ "xz-dict", xz_dict, 0, "second block asks for 4 GiB" },
	{ NULL, NULL, 0, NULL },
};

#endif
