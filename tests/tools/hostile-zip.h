/* hostile-zip.h - the part of mkhostile that makes zips and ISO images. */
#ifndef HOSTILE_ZIP_H
#define HOSTILE_ZIP_H

#include "hostile.h"

/* A good small image, number n: mkhostile makes it. */
static void good_dicom(struct bytes *b, unsigned n);

/* ---- zip (PKWARE APPNOTE 6.3) ------------------------------------------------ */

struct zipped {
	const char *name;
	size_t name_n;
	unsigned flags, method, made_by;
	uint32_t crc, attr;
	uint64_t packed, size; /* as declared */
	size_t at;
};

/* What both headers have. */
static void zip_same(struct bytes *b, const struct zipped *z)
{
	le(b, z->flags, 2);
	le(b, z->method, 2);
	le(b, 0x50210000, 4);
	le(b, z->crc, 4);
	le(b, z->packed, 4);
	le(b, z->size, 4);
	le(b, z->name_n, 2);
}

static void zip_local(struct bytes *b, struct zipped *z)
{
	z->at = b->n;
	if (!z->name_n)
		z->name_n = strlen(z->name);
	put(b, "PK\3\4\x14\0", 6);
	zip_same(b, z);
	le(b, 0, 2);
	put(b, z->name, z->name_n);
}

static void zip_central(struct bytes *b, const struct zipped *z)
{
	put(b, "PK\1\2\x14", 5);
	le(b, z->made_by, 1);
	put(b, "\x14\0", 2);
	zip_same(b, z);
	le(b, 0, 8);
	le(b, z->attr, 4);
	le(b, z->at, 4);
	put(b, z->name, z->name_n);
}

static void zip_finish(struct bytes *b, const struct zipped *z, size_t n)
{
	size_t at = b->n;

	for (size_t i = 0; i < n; i++)
		zip_central(b, z + i);
	put(b, "PK\5\6\0\0\0\0", 8);
	le(b, n > 65535 ? 65535 : n, 2);
	le(b, n > 65535 ? 65535 : n, 2);
	le(b, b->n - 12 - at, 4);
	le(b, at, 4);
	le(b, 0, 2);
}

static void zip_data(struct bytes *b, struct zipped *z, const char *name,
		     const void *p, size_t n)
{
	memset(z, 0, sizeof(*z));
	z->name = name;
	z->packed = z->size = n;
	z->crc = (uint32_t)crc32(0, p, (uInt)n);
	zip_local(b, z);
	put(b, p, n);
}

static void zip_file(struct bytes *b, struct zipped *z, const char *name,
		     unsigned n)
{
	struct bytes d = { 0 };

	good_dicom(&d, n);
	zip_data(b, z, name, d.p, d.n);
	free(d.p);
}

static void zip_named(struct bytes *b, unsigned long arg)
{
	static const char *const names[] = {
		"../../../x",    "/etc/x", "C:\\x\\y", "a\\..\\..\\y",
		"DICOM\\IM0001", "a/../b", "nul"
	};
	struct zipped z[3];

	zip_file(b, z, "first", 1);
	zip_file(b, z + 1, names[arg], 2);
	zip_file(b, z + 2, "last", 3);
	zip_finish(b, z, 3);
}

static void zip_symlink(struct bytes *b, unsigned long arg)
{
	struct zipped z[3];

	(void)arg;
	zip_data(b, z, "link", "/etc", 4);
	z[0].made_by = 3;
	z[0].attr = 0xA1FFu << 16;
	zip_file(b, z + 1, "link/passwd", 2);
	zip_file(b, z + 2, "last", 3);
	zip_finish(b, z, 3);
}

static void zip_bomb(struct bytes *b, unsigned long mib)
{
	struct bytes d = { 0 };
	struct zipped z[3];

	zip_file(b, z, "first", 1);
	deflated_zeros(&d, (unsigned)mib);
	put(&d, "\3\0", 2);
	z[1] = (struct zipped){ .name = "bomb", .method = 8 };
	z[1].crc = crc_zeros(0, (unsigned)mib);
	z[1].packed = d.n;
	z[1].size = (uint64_t)mib << 20;
	zip_local(b, z + 1);
	put(b, d.p, d.n);
	zip_file(b, z + 2, "last", 3);
	zip_finish(b, z, 3);
	free(d.p);
}

/* An image whose pixels are mib MiB of zeros. */
static void zip_image(struct bytes *b, unsigned long mib)
{
	struct bytes head = { 0 }, d = { 0 };
	struct zipped z;

	good_dicom(&head, 2);
	head.n -= 20;
	le(&head, mib << 20, 4);
	deflated(&d, head.p, head.n, 1);
	deflated_zeros(&d, (unsigned)mib);
	put(&d, "\3\0", 2);
	z = (struct zipped){ .name = "image", .method = 8 };
	z.crc = crc_zeros((uint32_t)crc32(0, head.p, (uInt)head.n),
			  (unsigned)mib);
	z.packed = d.n;
	z.size = head.n + ((uint64_t)mib << 20);
	zip_local(b, &z);
	put(b, d.p, d.n);
	zip_finish(b, &z, 1);
	free(head.p);
	free(d.p);
}

static void zip_many(struct bytes *b, unsigned long n)
{
	struct zipped *z = calloc(n, sizeof(*z));
	char *names = malloc(n * 8);

	for (unsigned long i = 0; i < n; i++) {
		snprintf(names + i * 8, 8, "m%06lu", i % 1000000);
		zip_data(b, z + i, names + i * 8, "", 0);
	}
	zip_finish(b, z, n);
	free(names);
	free(z);
}

/* Declared size 10, and 5 MiB inside. */
static void zip_sizelie(struct bytes *b, unsigned long mib)
{
	struct bytes d = { 0 };
	struct zipped z[2];

	deflated_zeros(&d, (unsigned)mib);
	put(&d, "\3\0", 2);
	z[0] = (struct zipped){ .name = "lie", .method = 8, .size = 10 };
	z[0].packed = d.n;
	zip_local(b, z);
	put(b, d.p, d.n);
	zip_file(b, z + 1, "last", 3);
	zip_finish(b, z, 2);
	free(d.p);
}

/* n entries of the directory that share one kernel of zeros. */
static void zip_overlap(struct bytes *b, unsigned long n)
{
	struct zipped *z = calloc(n, sizeof(*z));
	struct bytes d = { 0 };

	deflated_zeros(&d, 4);
	put(&d, "\3\0", 2);
	z[0] = (struct zipped){ .name = "kernel", .method = 8 };
	z[0].crc = crc_zeros(0, 4);
	z[0].packed = d.n;
	z[0].size = 4 << 20;
	zip_local(b, z);
	put(b, d.p, d.n);
	for (unsigned long i = 1; i < n; i++)
		z[i] = z[0];
	zip_finish(b, z, n);
	free(d.p);
	free(z);
}

/*
 * n members, each of which quotes the heads of all behind it in stored blocks
 * and shares their kernel of 4 MiB of zeros: no two offsets are the same.
 */
static void zip_quoted(struct bytes *b, unsigned long n)
{
	struct zipped *z = calloc(n, sizeof(*z));
	struct bytes tail = { 0 }, one = { 0 };
	char names[2000][8];
	uint64_t size = 4 << 20;
	uint32_t crc = crc_zeros(0, 4);

	deflated_zeros(&tail, 4);
	put(&tail, "\3\0", 2);
	for (unsigned long i = n; i-- > 0;) {
		snprintf(names[i], 8, "q%04lu", i % 10000);
		z[i] = (struct zipped){ .name = names[i], .method = 8 };
		z[i].crc = crc;
		z[i].packed = tail.n;
		z[i].size = size;
		one.n = 0;
		zip_local(&one, z + i);
		/* what the member before this one holds */
		crc = (uint32_t)crc32_combine(crc32(0, one.p, (uInt)one.n), crc,
					      (z_off_t)size);
		size += one.n;
		put(&one, tail.p, tail.n);
		z[i].at = one.n; /* from the end, for now */
		tail.n = 0;
		if (i > 0) {
			size_t head = 30 + z[i].name_n;

			put(&tail, "\0", 1);
			le(&tail, head, 2);
			le(&tail, ~head, 2);
		}
		put(&tail, one.p, one.n);
	}
	for (unsigned long i = 0; i < n; i++)
		z[i].at = tail.n - z[i].at;
	put(b, tail.p, tail.n);
	zip_finish(b, z, n);
	free(tail.p);
	free(one.p);
	free(z);
}

static void zip_nested(struct bytes *b, unsigned long depth)
{
	struct bytes in = { 0 };
	struct zipped z[2];

	zip_file(&in, z, "image", 1);
	zip_finish(&in, z, 1);
	while (depth-- > 1) {
		struct bytes out = { 0 };

		zip_file(&out, z, "image", (unsigned)depth + 1);
		zip_data(&out, z + 1, "inner.zip", in.p, in.n);
		zip_finish(&out, z, 2);
		free(in.p);
		in = out;
	}
	put(b, in.p, in.n);
	free(in.p);
}

static void zip_odd(struct bytes *b, unsigned long what)
{
	struct zipped z[2];
	size_t at;

	zip_file(b, z, "bad", 1);
	if (what == 'e') /* encrypted */
		z[0].flags = 1;
	else if (what == 'm') /* LZMA */
		z[0].method = 14;
	else if (what == 'u') /* a method nobody knows */
		z[0].method = 77;
	else if (what == 'c') /* CRC */
		z[0].crc ^= 1;
	b->n = z[0].at;
	zip_local(b, z);
	b->n += z[0].packed;
	zip_file(b, z + 1, "last", 3);
	at = b->n;
	zip_finish(b, z, 2);
	if (what == 't') /* cut in the directory */
		b->n = at + 60;
	else if (what == 'h') /* the first member's head destroyed */
		memset(b->p, 'x', 4), memcpy(b->p, "PK\3\4", 4),
			memset(b->p + z[1].at, 'x', 4);
}

/* ---- ISO 9660 (ECMA-119) ------------------------------------------------------ */

static void iso_record(struct bytes *b, uint32_t sector, uint32_t size,
		       int folder, const char *name, size_t n)
{
	size_t len = 33 + n + (n % 2 == 0);

	le(b, len, 1);
	le(b, 0, 1);
	both(b, sector, 4);
	both(b, size, 4);
	put(b, "\x78\1\2\3\4\5\0", 7);
	le(b, folder ? 2 : 0, 1);
	le(b, 0, 2);
	both(b, 1, 2);
	le(b, n, 1);
	put(b, name, n);
	if (n % 2 == 0)
		le(b, 0, 1);
}

static void iso_volume(struct bytes *b, uint32_t sectors, uint32_t root,
		       uint32_t root_size)
{
	size_t at;

	put(b, NULL, 16 * 2048);
	at = b->n;
	put(b, "\1CD001\1\0", 8);
	put(b,
	    "                                HOSTILE                         ",
	    64);
	put(b, NULL, 8);
	both(b, sectors, 4);
	put(b, NULL, 32);
	both(b, 1, 2);
	both(b, 1, 2);
	both(b, 2048, 2);
	both(b, 10, 4);
	le(b, 18, 4);
	le(b, 0, 4);
	be(b, 18, 4);
	be(b, 0, 4);
	iso_record(b, root, root_size, 1, "\0", 1);
	put(b, NULL, at + 881 - b->n);
	le(b, 1, 1);
	put(b, NULL, at + 2048 - b->n);
	put(b,
	    "\xFF"
	    "CD001\1",
	    7);
	pad_to(b, 2048);
	put(b, "\1\0\x13\0\0\0\1\0\0\0", 10); /* path table, sector 18 */
	pad_to(b, 2048);
}

static void iso_make(struct bytes *b, unsigned long what)
{
	struct bytes d = { 0 };
	uint32_t size;

	good_dicom(&d, 1);
	size = (uint32_t)d.n;
	iso_volume(b, 64, 19, 2048);
	iso_record(b, 19, 2048, 1, "\0", 1);
	iso_record(b, 19, 2048, 1, "\1", 1);
	if (what == 'l')
		iso_record(b, 19, 2048, 1, "LOOP", 4);
	iso_record(b, 20, size, 0, "IM1.;1", 6);
	if (what == 'b')
		iso_record(b, 4000000, size, 0, "IM2.;1", 6);
	else if (what == 'o')
		iso_record(b, 20, size - 2, 0, "IM2.;1", 6);
	else
		iso_record(b, 60, size, 0, "IM2.;1", 6);
	pad_to(b, 2048);
	put(b, d.p, d.n);
	put(b, NULL, 60 * 2048 - b->n);
	if (what == 'c')
		d.n /= 2;
	put(b, d.p, d.n);
	if (what != 'c')
		put(b, NULL, 64 * 2048 - b->n);
	free(d.p);
}

/* One folder of n files, all of the same sector. */
static void iso_many(struct bytes *b, unsigned long n)
{
	struct bytes dir = { 0 };
	char name[32];

	iso_record(&dir, 19, 0, 1, "\0", 1);
	iso_record(&dir, 19, 0, 1, "\1", 1);
	for (unsigned long i = 0; i < n; i++) {
		if (2048 - dir.n % 2048 < 46)
			pad_to(&dir, 2048);
		snprintf(name, sizeof(name), "%08lu", i);
		iso_record(&dir, 19, 1, 0, name, 8);
	}
	pad_to(&dir, 2048);
	iso_volume(b, 64 + (uint32_t)(dir.n / 2048), 19, (uint32_t)dir.n);
	put(b, dir.p, dir.n);
	put(b, NULL, 64 * 2048);
	free(dir.p);
}

static const struct kind zip_kinds[] = {
	{ "zip-dotdot", zip_named, 0, "../../../x" },
	{ "zip-absolute", zip_named, 1, "/etc/x" },
	{ "zip-drive", zip_named, 2, "C:\\x\\y" },
	{ "zip-backslash", zip_named, 3, "a\\..\\..\\y" },
	{ "zip-windows", zip_named, 4, "DICOM\\IM0001: harmless" },
	{ "zip-inner", zip_named, 5, "a/../b" },
	{ "zip-symlink", zip_symlink, 0, "link, and a member through it" },
	{ "zip-bomb", zip_bomb, 1024, "1 GiB of zeros in 1 MiB" },
	{ "zip-image", zip_image, 1024, "image of 1 GiB of zeros in 1 MiB" },
	{ "zip-many", zip_many, 200000, "200,000 empty members" },
	{ "zip-sizelie", zip_sizelie, 5, "declares 10 bytes, holds 5 MiB" },
	{ "zip-overlap", zip_overlap, 20000, "20,000 entries share 4 MiB" },
	{ "zip-quoted", zip_quoted, 2000, "8 GiB in 160 kB that overlap" },
	{ "zip-nested", zip_nested, 5, "zip in zip, 5 deep" },
	{ "zip-encrypted", zip_odd, 'e', "first member encrypted" },
	{ "zip-lzma", zip_odd, 'm', "first member by LZMA" },
	{ "zip-method", zip_odd, 'u', "first member by method 77" },
	{ "zip-crc", zip_odd, 'c', "first member's CRC wrong" },
	{ "zip-cut", zip_odd, 't', "cut inside the directory" },
	{ "zip-head", zip_odd, 'h', "last member's head destroyed" },
	{ "iso-good", iso_make, 'g', "nothing wrong" },
	{ "iso-loop", iso_make, 'l', "folder that holds its parent" },
	{ "iso-beyond", iso_make, 'b', "file beyond the end" },
	{ "iso-overlap", iso_make, 'o', "two files share their sectors" },
	{ "iso-cut", iso_make, 'c', "cut inside the last file" },
	{ "iso-many", iso_many, 1000000, "1,000,000 files" },
	{ NULL, NULL, 0, NULL },
};

#endif
