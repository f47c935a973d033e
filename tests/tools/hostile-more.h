/* hostile-more.h - the part of mkhostile that makes what else archives can
   be: zips and tars that contradict themselves, streams, foreign formats. */
#ifndef HOSTILE_MORE_H
#define HOSTILE_MORE_H

#include "hostile-tar.h"
#include "hostile-zip.h"

/* ---- zip -------------------------------------------------------------------- */

/* One good member, one that is named or marked in some way, one good. */
static void zip_mark(struct bytes *b, unsigned long what)
{
	static const char *const names[] = { ['8'] = "bad\xC3(\xFFname",
					     ['D'] = "folder/",
					     ['E'] = "",
					     ['Q'] = "CON",
					     ['R'] = "a\x1B[2J\rb",
					     ['S'] = "first",
					     ['U'] = "\xE2\x80\xAEmcd.x" };
	struct bytes d = { 0 };
	struct zipped z[3];

	zip_file(b, z, "first", 1);
	good_dicom(&d, 2);
	z[1] = (struct zipped){ .name = "second", .packed = d.n, .size = d.n };
	if (what < sizeof(names) / sizeof(names[0]) && names[what])
		z[1].name = names[what];
	z[1].crc = (uint32_t)crc32(0, d.p, (uInt)d.n);
	if (what == 'N') {
		z[1].name = "nul\0hidden";
		z[1].name_n = 10;
	} else if (what == '8' || what == 'U') {
		z[1].flags = 0x800;
	} else if (what == 'F' || what == 'B' || what == 'K') {
		z[1].made_by = 3; /* FIFO, block device, socket */
		z[1].attr = (what == 'F'   ? 0010644u
			     : what == 'B' ? 0060644u
					   : 0140644u)
			    << 16;
	} else if (what == 'A') { /* AES by name, no AES inside */
		z[1].flags = 1;
		z[1].method = 99;
	} else if (what == 'G') { /* strong encryption */
		z[1].flags = 0x41;
	} else if (what == '9' || what == 'b' || what == 'z' || what == 'd') {
		/* deflate64, bzip2, zstd, deflate: of bytes that are none */
		z[1].method = what == '9'   ? 9
			      : what == 'b' ? 12
			      : what == 'z' ? 93
					    : 8;
	} else if (what == 'p') {
		z[1].size = d.n + 100; /* stored, and yet longer unpacked */
	} else if (what == 'P') {
		z[1].packed = 0x7FFFFFF0; /* beyond the end */
	}
	zip_local(b, z + 1);
	put(b, d.p, d.n);
	zip_file(b, z + 2, "last", 3);
	if (what == 'O')
		z[1].at = 0x7FFFFFF0;
	else if (what == 'o')
		z[1].at += 3;
	else if (what == 'L') /* another name than the member itself has */
		z[1].name = "../../../../tmp/x";
	else if (what == 'C')
		z[1].crc = 0;
	zip_finish(b, z, what == 'M' ? 2 : 3);
	free(d.p);
}

/* The field of a zip64 that stands for sizes (APPNOTE 4.5.3). */
static void zip_field(struct bytes *b, size_t count_at, unsigned long how,
		      uint64_t size)
{
	unsigned n = how == 's' ? 4 : 16;

	b->p[count_at] = (uint8_t)(4 + n);
	le(b, 1, 2);
	le(b, how == 'x' ? 60000 : n, 2);
	for (unsigned i = 0; i < n; i += how == 's' ? 4 : 8)
		le(b, size, how == 's' ? 4 : 8);
}

/* A member whose sizes stand in a zip64 field, and are size. */
static void zip_64(struct bytes *b, unsigned long how)
{
	struct bytes d = { 0 };
	struct zipped z[2];
	uint64_t size;
	size_t at;

	good_dicom(&d, 1);
	size = how == 'g' ? d.n : how == 'n' ? UINT64_MAX : (uint64_t)1 << 62;
	z[0] = (struct zipped){ .name = "big", .packed = UINT32_MAX };
	z[0].size = UINT32_MAX;
	z[0].crc = (uint32_t)crc32(0, d.p, (uInt)d.n);
	zip_local(b, z);
	zip_field(b, z[0].at + 28, how, size);
	put(b, d.p, d.n);
	zip_file(b, z + 1, "last", 2);
	at = b->n;
	zip_central(b, z);
	zip_field(b, at + 30, how, size);
	zip_central(b, z + 1);
	put(b, "PK\5\6\0\0\0\0\2\0\2\0", 12);
	le(b, b->n - 12 - at, 4);
	le(b, at, 4);
	le(b, 0, 2);
	free(d.p);
}

/* What stands around a good zip. */
static void zip_around(struct bytes *b, unsigned long what)
{
	struct zipped z[2] = { { 0 } };

	if (what == 'e') {
		zip_finish(b, z, 0);
		return;
	}
	if (what == 's') /* a program that unpacks itself */
		put(b, NULL, 1000);
	zip_file(b, z, "first", 1);
	zip_file(b, z + 1, "last", 2);
	zip_finish(b, z, 2);
	if (what == 'j')
		put(b, "this is behind the end", 22);
	else if (what == 'c')
		b->p[b->n - 2] = b->p[b->n - 1] = 0xFF; /* comment of 64 KiB */
	else if (what == 'd')
		b->p[b->n - 18] = 3; /* the fourth of several discs */
	else if (what == 'n')
		b->p[b->n - 12] = 200; /* 200 members */
	else if (what == 'a')
		memset(b->p + b->n - 6, 0xEE, 4); /* directory elsewhere */
	else if (what == '2') /* a second end, of no members */
		put(b, "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
}

/* Sizes only behind the bytes, and wrong ones if lie. */
static void zip_descriptor(struct bytes *b, unsigned long lie)
{
	struct bytes d = { 0 }, packed = { 0 };
	struct zipped z[2];

	good_dicom(&d, 1);
	deflated(&packed, d.p, d.n, 0);
	z[0] = (struct zipped){ .name = "first", .flags = 8, .method = 8 };
	zip_local(b, z);
	put(b, packed.p, packed.n);
	z[0].crc = (uint32_t)crc32(0, d.p, (uInt)d.n);
	z[0].packed = packed.n + lie;
	z[0].size = d.n + lie;
	put(b, "PK\7\10", 4);
	le(b, z[0].crc, 4);
	le(b, z[0].packed, 4);
	le(b, z[0].size, 4);
	zip_file(b, z + 1, "last", 2);
	zip_finish(b, z, 2);
	free(d.p);
	free(packed.p);
}

/* ---- tar -------------------------------------------------------------------- */

static void tar_text(struct bytes *b, char type, const char *name,
		     const char *text)
{
	tar_head(b, name, strlen(text), type, NULL);
	puts_(b, text);
	pad_to(b, 512);
}

/* Another header behind the first member, which the second has to bear. */
static void tar_record(struct bytes *b, unsigned long what)
{
	static const char *const texts[] = {
		"30 size=99999999999999999999\n",
		"33 path=../../../../../../tmp/x1\n",
		"0 path=x\n",
		"999999999 path=x\n",
		"-5 path=x\n",
		"nonsense without an end",
		"23 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
		"31 GNU.sparse.realsize=9999999\n",
		"28 GNU.sparse.map=0,5,3,5,1\n",
		"28 SCHILY.acl.access=user::\n",
		"28 LIBARCHIVE.xattr.x=!!!!!\n",
		"32 linkpath=/etc/passwd12345678\n",
		"21 hdrcharset=BINARY\n",
		"19 mtime=-9.9e9999\n",
	};

	tar_file(b, "first", 1);
	tar_text(b, 'x', "PaxHeader", texts[what]);
	tar_file(b, "second", 2);
	tar_file(b, "last", 3);
	tar_end(b);
}

static void tar_type(struct bytes *b, unsigned long type)
{
	struct bytes d = { 0 };

	tar_file(b, "first", 1);
	good_dicom(&d, 2);
	tar_head(b, "second", d.n, (char)type, NULL);
	put(b, d.p, d.n);
	pad_to(b, 512);
	tar_file(b, "last", 3);
	tar_end(b);
	free(d.p);
}

/* The second member's size field holds these characters. */
static void tar_size(struct bytes *b, unsigned long what)
{
	static const char *const sizes[] = {
		"77777777777",
		"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
		"\x80\0\0\0\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "9z9z9z9z9z9",
		"-0000000001"
	};
	size_t at;

	tar_file(b, "first", 1);
	at = b->n;
	tar_file(b, "second", 2);
	memcpy(b->p + at + 124, sizes[what], 11 + (what == 1 || what == 2));
	tar_sum(b->p + at);
	tar_file(b, "last", 3);
	tar_end(b);
}

/* GNU's way to a long name, of so many bytes. */
static void tar_gnu_name(struct bytes *b, unsigned long n)
{
	tar_file(b, "first", 1);
	tar_head(b, "././@LongLink", n, 'L', NULL);
	if (n < 1 << 20) {
		put(b, NULL, n);
		memset(b->p + b->n - n, 'n', n);
		pad_to(b, 512);
	}
	tar_file(b, "second", 2);
	tar_file(b, "last", 3);
	tar_end(b);
}

/* ---- streams ------------------------------------------------------------------ */

static void gz_stream(struct bytes *b, unsigned long what)
{
	struct bytes t = { 0 }, g = { 0 };

	tar_file(&t, "first", 1);
	tar_end(&t);
	if (what == 'n') { /* gzip in gzip */
		gzip(&g, t.p, t.n, (uint32_t)crc32(0, t.p, (uInt)t.n));
		gzip(b, g.p, g.n, (uint32_t)crc32(0, g.p, (uInt)g.n));
	} else if (what == 'm') { /* a name of 1 MiB */
		put(b, "\x1f\x8b\x08\x08\0\0\0\0\0\3", 10);
		put(b, NULL, 1 << 20);
		memset(b->p + 10, 'n', (1 << 20) - 1);
		deflated(b, t.p, t.n, 0);
		le(b, crc32(0, t.p, (uInt)t.n), 4);
		le(b, t.n, 4);
	} else if (what == 'x') { /* an extra field of 64 KiB, not there */
		put(b, "\x1f\x8b\x08\x04\0\0\0\0\0\3\xff\xff", 12);
	} else if (what == 'c') { /* two halves, each a stream */
		gzip(b, t.p, 300, (uint32_t)crc32(0, t.p, 300));
		gzip(b, t.p + 300, t.n - 300,
		     (uint32_t)crc32(0, t.p + 300, (uInt)t.n - 300));
	} else if (what == 'j') {
		gzip(b, t.p, t.n, (uint32_t)crc32(0, t.p, (uInt)t.n));
		puts_(b, "junk behind the stream");
	} else if (what == 'r') { /* a reserved flag */
		put(b, "\x1f\x8b\x08\xE0\0\0\0\0\0\3", 10);
	}
	free(t.p);
	free(g.p);
}

static void raw_stream(struct bytes *b, unsigned long what)
{
	static const struct {
		const char *p;
		size_t n, zeros;
	} all[] = {
		/* zstd: 2^60 bytes announced; a dictionary; skip 4 GiB;
		   a reserved block; a run of 2 MiB in a small window */
		{ BYTES("\x28\xB5\x2F\xFD\xC0\x00\0\0\0\0\0\0\0\x10\1\0\0"),
		  0 },
		{ BYTES("\x28\xB5\x2F\xFD\x03\x58\x01\x02\x03\x04\1\0\0"), 0 },
		{ BYTES("\x50\x2A\x4D\x18\xFF\xFF\xFF\xFF"), 100 },
		{ BYTES("\x28\xB5\x2F\xFD\x00\x58\x07\0\0"), 100 },
		{ BYTES("\x28\xB5\x2F\xFD\x00\x00\x03\0\x80\0"), 0 },
		/* bzip2: randomised, origin beyond, no tables, only the end */
		{ BYTES("BZh91AY&SY\x12\x34\x56\x78\x80\0\0\0"), 100 },
		{ BYTES("BZh91AY&SY\0\0\0\0\x7F\xFF\xFF\xFF\xFF"), 100 },
		{ BYTES("BZh91AY&SY\0\0\0\0\0\0\0\0\0"), 100 },
		{ BYTES("BZh9\x17\x72\x45\x38\x50\x90\0\0\0\0"), 0 },
		/* xz: no blocks, a block of 1 GiB header, LZMA2 reset missing,
		   another filter, a wrong CRC */
		{ BYTES("\xFD"
			"7zXZ\0\0\1\x69\x22\xDE\x36\0\0\0\0"),
		  100 },
		{ BYTES("\xFD"
			"7zXZ\0\0\1\x69\x22\xDE\x36\xFF\0"),
		  2000 },
		{ BYTES("\xFD"
			"7zXZ\0\0\4\xE6\xD6\xB4\x46\2\0\x21\1\x16\0\0\0\x74\x2F"
			"\xE5"
			"\xA3\x80\0\0"),
		  50 },
		{ BYTES("\xFD"
			"7zXZ\0\0\1\xFF\xFF\xFF\xFF"),
		  50 },
	};

	put(b, all[what].p, all[what].n);
	put(b, NULL, all[what].zeros);
}

/* An archive in an archive in an archive: tar in gzip in tar. */
static void tar_nested(struct bytes *b, unsigned long depth)
{
	struct bytes in = { 0 };

	tar_file(&in, "image", 1);
	tar_end(&in);
	while (depth-- > 1) {
		struct bytes z = { 0 }, t = { 0 };

		gzip(&z, in.p, in.n, (uint32_t)crc32(0, in.p, (uInt)in.n));
		tar_file(&t, "image", (unsigned)depth + 1);
		tar_head(&t, "in.tgz", z.n, '0', NULL);
		put(&t, z.p, z.n);
		pad_to(&t, 512);
		tar_end(&t);
		free(z.p);
		free(in.p);
		in = t;
	}
	put(b, in.p, in.n);
	free(in.p);
}

static const struct kind more_kinds[] = {
	{ "zip-fifo", zip_mark, 'F', "FIFO by its mode" },
	{ "zip-device", zip_mark, 'B', "block device by its mode" },
	{ "zip-socket", zip_mark, 'K', "socket by its mode" },
	{ "zip-nul", zip_mark, 'N', "name with a NUL" },
	{ "zip-noname", zip_mark, 'E', "empty name" },
	{ "zip-folder", zip_mark, 'D', "folder that holds bytes" },
	{ "zip-controls", zip_mark, 'R', "name with ESC and CR" },
	{ "zip-utf8", zip_mark, '8', "UTF-8 flag, and bytes that are not" },
	{ "zip-rtl", zip_mark, 'U', "name that is written backwards" },
	{ "zip-con", zip_mark, 'Q', "name of a device of DOS" },
	{ "zip-twice", zip_mark, 'S', "two members of one name" },
	{ "zip-aes", zip_mark, 'A', "AES announced, none inside" },
	{ "zip-strong", zip_mark, 'G', "strong encryption" },
	{ "zip-deflate64", zip_mark, '9', "method 9 of bytes that are not" },
	{ "zip-bzip2", zip_mark, 'b', "method 12 of bytes that are not" },
	{ "zip-zstd", zip_mark, 'z', "method 93 of bytes that are not" },
	{ "zip-deflate", zip_mark, 'd', "method 8 of bytes that are not" },
	{ "zip-stored", zip_mark, 'p', "stored, of two lengths" },
	{ "zip-packed", zip_mark, 'P', "packed bytes beyond the end" },
	{ "zip-offset", zip_mark, 'O', "offset beyond the end" },
	{ "zip-shifted", zip_mark, 'o', "offset inside a member's head" },
	{ "zip-names", zip_mark, 'L', "another name in the directory" },
	{ "zip-sums", zip_mark, 'C', "another CRC in the directory" },
	{ "zip-unlisted", zip_mark, 'M', "a member the directory has not" },
	{ "zip64-good", zip_64, 'g', "sizes in a zip64 field" },
	{ "zip64-huge", zip_64, 'h', "and of 2^62" },
	{ "zip64-negative", zip_64, 'n', "and of -1" },
	{ "zip64-short", zip_64, 's', "a zip64 field of 4 bytes" },
	{ "zip64-extra", zip_64, 'x', "a field longer than all fields" },
	{ "zip-empty", zip_around, 'e', "no members" },
	{ "zip-stub", zip_around, 's', "behind a program" },
	{ "zip-junk", zip_around, 'j', "junk behind the end" },
	{ "zip-comment", zip_around, 'c', "comment of 64 KiB, not there" },
	{ "zip-disc", zip_around, 'd', "one of several discs" },
	{ "zip-count", zip_around, 'n', "200 members announced, 2 there" },
	{ "zip-place", zip_around, 'a', "directory elsewhere" },
	{ "zip-ends", zip_around, '2', "a second end, of no members" },
	{ "zip-streamed", zip_descriptor, 0, "sizes behind the bytes" },
	{ "zip-descriptor", zip_descriptor, 5, "and wrong ones" },
	{ "tar-pax-size", tar_record, 0, "size of 20 digits" },
	{ "tar-pax-path", tar_record, 1, "../ in a record" },
	{ "tar-pax-zero", tar_record, 2, "record of length 0" },
	{ "tar-pax-long", tar_record, 3, "record over the end" },
	{ "tar-pax-minus", tar_record, 4, "record of length -5" },
	{ "tar-pax-none", tar_record, 5, "no record" },
	{ "tar-pax-sparse", tar_record, 6, "sparse 1.0 without a map" },
	{ "tar-pax-map", tar_record, 7, "sparse map that goes back" },
	{ "tar-pax-acl", tar_record, 8, "ACL cut off" },
	{ "tar-pax-xattr", tar_record, 9, "attribute that is no base64" },
	{ "tar-pax-link", tar_record, 10, "link in a record" },
	{ "tar-pax-charset", tar_record, 11, "names are bytes" },
	{ "tar-pax-time", tar_record, 12, "time of -9.9e9999" },
	{ "tar-type-volume", tar_type, 'V', "volume header with bytes" },
	{ "tar-type-multi", tar_type, 'M', "rest of another volume" },
	{ "tar-type-dump", tar_type, 'D', "folder dump" },
	{ "tar-type-solid", tar_type, '7', "contiguous file" },
	{ "tar-type-odd", tar_type, 'Z', "type of nobody" },
	{ "tar-type-zero", tar_type, 0, "type of 1979" },
	{ "tar-type-folder", tar_type, '5', "folder with bytes" },
	{ "tar-type-global", tar_type, 'g', "an image as global header" },
	{ "tar-size-8g", tar_size, 0, "8 GiB declared" },
	{ "tar-size-minus", tar_size, 1, "-1 in base 256" },
	{ "tar-size-8e", tar_size, 2, "8 EiB in base 256" },
	{ "tar-size-text", tar_size, 3, "size that is none" },
	{ "tar-size-sign", tar_size, 4, "size of -1" },
	{ "tar-gnu-name", tar_gnu_name, 100000, "long name of GNU" },
	{ "tar-gnu-long", tar_gnu_name, 1UL << 32, "name of 4 GiB" },
	{ "tar-nested", tar_nested, 4, "tar in gzip, 4 deep" },
	{ "gz-gz", gz_stream, 'n', "gzip in gzip" },
	{ "gz-name", gz_stream, 'm', "name of 1 MiB" },
	{ "gz-extra", gz_stream, 'x', "extra field that is not there" },
	{ "gz-parts", gz_stream, 'c', "two streams, one tar" },
	{ "gz-junk", gz_stream, 'j', "junk behind the stream" },
	{ "gz-flags", gz_stream, 'r', "reserved flags" },
	{ "zst-size", raw_stream, 0, "zstd: 2^60 bytes announced" },
	{ "zst-dict", raw_stream, 1, "zstd: a dictionary" },
	{ "zst-skip", raw_stream, 2, "zstd: 4 GiB to skip" },
	{ "zst-block", raw_stream, 3, "zstd: reserved block" },
	{ "zst-run", raw_stream, 4, "zstd: run longer than its window" },
	{ "bz2-random", raw_stream, 5, "bzip2: randomised" },
	{ "bz2-origin", raw_stream, 6, "bzip2: origin beyond the block" },
	{ "bz2-tables", raw_stream, 7, "bzip2: no tables" },
	{ "bz2-end", raw_stream, 8, "bzip2: nothing but the end" },
	{ "xz-none", raw_stream, 9, "xz: no block" },
	{ "xz-header", raw_stream, 10, "xz: block header of zeros" },
	{ "xz-filter", raw_stream, 11, "xz: block that does not begin" },
	{ "xz-crc", raw_stream, 12, "xz: wrong CRC of its head" },
	{ NULL, NULL, 0, NULL },
};

#endif
