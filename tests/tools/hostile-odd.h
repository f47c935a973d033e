/* hostile-odd.h - the part of mkhostile that makes formats nobody asked for,
   and ISO images with odd extensions. */
#ifndef HOSTILE_ODD_H
#define HOSTILE_ODD_H

#include "hostile-tar.h"
#include "hostile-zip.h"

/* ---- formats that are not ours ---------------------------------------------- */

/* With a good image inside, where a reader would find it. */
static void foreign(struct bytes *b, unsigned long what)
{
	static const struct {
		const char *p;
		size_t n;
	} heads[] = {
		{ BYTES("7z\xBC\xAF\x27\x1C\0\4\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF"
			"\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF") },
		{ BYTES("Rar!\x1A\7\0\xCF\x90\x73\0\0\x0D\0\0\0\0\0\0\0") },
		{ BYTES("Rar!"
			"\x1A\7\1\0\x33\x92\xB5\xE5\x0A\1\5\6\0\5\1\1\x80") },
		{ BYTES("MSCF\0\0\0\0\xFF\xFF\xFF\x7F\0\0\0\0\x2C\0\0\0") },
		{ BYTES("070701FFFFFFFF000081A40000000000000000000000017FFFFFFF"
			"0000"
			"000000000008000000000000000000000000000000020000000000"
			"x\0") },
		{ BYTES("070707000001000001100644000000000000000001000000000000"
			"000000"
			"000000200000001000x\0") },
		{ BYTES("\xC7\x71\1\0\1\0\xA4\x81\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0"
			"\x10"
			"\0\0x\0") },
		{ BYTES("!<arch>\nx/              0           0     0     644  "
			"   "
			"9999999999`\n") },
		{ BYTES("xar!"
			"\0\x1C\0\1\0\0\0\0\0\0\xFF\xFF\0\0\0\0\xFF\xFF\xFF\xFF"
			"\0\0\0\1") },
		{ BYTES("\x19\0-lh5-"
			"\xFF\xFF\xFF\x7F\xFF\xFF\xFF\x7F\0\0\0\0\x20\0"
			"\1x") },
		{ BYTES("#mtree\n/set type=file\n./x contents=/etc/passwd\n") },
		{ BYTES("WARC/1.0\r\nWARC-Type: resource\r\nContent-Length: "
			"-1\r\n") },
		{ BYTES("\x1F\x9D\x90\xFF\xFF\xFF\xFF") },
		{ BYTES("\x5D\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF") },
		{ BYTES("\x04\x22\x4D\x18\x64\x70\xB9\xFF\xFF\xFF\x7F") },
		{ BYTES("LZIP\1\x1D") },
		{ BYTES("\x89LZO\0\x0D\x0A\x1A\x0A") },
		{ BYTES("\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\2\0"
			"\1") },
	};

	put(b, heads[what].p, heads[what].n);
	good_dicom(b, 1);
	put(b, NULL, 1024);
}

/* ---- ISO 9660 -------------------------------------------------------------- */

/* A record with what System Use it has: Rock Ridge, zisofs. */
static void iso_susp(struct bytes *b, uint32_t sector, uint32_t size,
		     int folder, const char *name, const void *use, size_t n)
{
	size_t at = b->n;

	iso_record(b, sector, size, folder, name ? name : "",
		   name ? strlen(name) : 1);
	put(b, use, n);
	put(b, NULL, n % 2);
	b->p[at] = (uint8_t)(b->n - at);
}

/* The record of the file, of n bytes. */
static void iso_odd_record(struct bytes *b, unsigned long what, uint32_t n,
			   const uint8_t ce[28])
{
	static const char rr[] = "RR\5\1\x81";
	static const uint8_t sl[] = "SL\x11\1\0\10\0\0\10etc12345"; /* /etc */
	static const uint8_t nm[] = "NM\16\1\0../../../x";
	static const uint8_t zf[] = "ZF\x10\1pz\4\x0F\xFF\xFF\xFF\x7F\x7F\xFF"
				    "\xFF\xFF";
	static const uint8_t zf64[] = "ZF\x10\1pz\4\x40\0\0\1\0\0\1\0\0";
	static const uint8_t zf2[] = "ZF\x10\1pz\4\2\xF9\xFF\xFF\xFF\xFF\xFF"
				     "\xFF\xF9";
	static const uint8_t cl[] = "CL\x0C\1\x13\0\0\0\0\0\0\x13";
	static const uint8_t px[36] = "PX\x24\1\xA4\x21\0\0\0\0\x21\xA4";

	if (what == 's')
		iso_susp(b, 20, 10, 0, "LINK", sl, 17);
	else if (what == 'n')
		iso_susp(b, 20, n, 0, "NAME", nm, 15);
	else if (what == 'z')
		iso_susp(b, 20, n, 0, "ZISO", zf, 16);
	else if (what == 'Z') /* blocks of 2^64 (CVE-2026-4426) */
		iso_susp(b, 20, n, 0, "SHIFT", zf64, 16);
	else if (what == 'W') /* blocks of 4 (CVE-2026-5121) */
		iso_susp(b, 20, n, 0, "WRAP", zf2, 16);
	else if (what == 'c')
		iso_susp(b, 20, n, 0, "CONT", ce, 28);
	else if (what == 'r')
		iso_susp(b, 20, n, 0, "MOVED", cl, 12);
	else if (what == 'd')
		iso_susp(b, 20, n, 0, "DEVICE", px, 36);
	else if (what == 'x')
		iso_susp(b, 20, n, 0, "SHORT", "NM\xFF\1\0x", 6);
	else
		iso_susp(b, 20, n, 0, "IM1", rr, 5);
}

/* What follows it in the folder that begins at. */
static void iso_odd_more(struct bytes *b, unsigned long what, size_t at)
{
	if (what == '1')
		put(b, "\1", 1); /* a record of one byte */
	if (what == 'l') {
		put(b, "\xFF", 1); /* a record over the end of the sector */
		put(b, NULL, 2048 - (b->n - at) - 10);
	}
	if (what == 'e') { /* goes on in another extent, without end */
		for (int i = 0; i < 40; i++) {
			size_t r = b->n;

			iso_record(b, 20, 4096, 0, "MORE", 4);
			b->p[r + 25] = 0x80;
		}
	}
}

/* The volume descriptors. */
static void iso_odd_volume(uint8_t *at, unsigned long what)
{
	if (what == 'b') /* sectors of no bytes */
		memset(at + 128, 0, 4);
	else if (what == 'B') /* of 3 bytes */
		memcpy(at + 128, "\3\0\0\3", 4);
	else if (what == '0') /* no root */
		memset(at + 156, 0, 34);
	else if (what == 'g') /* a root of 4 GiB */
		memset(at + 156 + 10, 0xFF, 8);
	else if (what == 'R') /* a root that lies beyond the end */
		memset(at + 156 + 2, 0x7F, 8);
	else if (what == 'j') { /* Joliet of names of odd length */
		memcpy(at + 2048, "\2CD001\1", 7);
		memcpy(at + 2048 + 88, "%/E", 3);
		memcpy(at + 2048 + 120, at + 120, 72);
		memcpy(at + 4096,
		       "\xFF"
		       "CD001\1",
		       7);
	} else if (what == 'u') { /* UDF descriptors that lead nowhere */
		memcpy(at + 4096, "\0BEA01\1\0", 8);
	} else if (what == 't') /* the volume descriptors do not end */
		memset(at + 2048, 0, 2048);
}

static void iso_odd(struct bytes *b, unsigned long what)
{
	const size_t volume = (size_t)16 * 2048;
	uint8_t ce[28] = "CE\x1C\1";
	struct bytes d = { 0 };
	size_t at;

	good_dicom(&d, 1);
	ce[4] = ce[11] = 30; /* at sector 30, which says the same again */
	ce[20] = ce[27] = sizeof(ce);
	iso_volume(b, 64, 19, 2048);
	at = b->n;
	iso_susp(b, 19, 2048, 1, NULL, "SP\7\1\xBE\xEF\0RR\5\1\x81", 12);
	b->p[at + 32] = 1;
	iso_record(b, 19, 2048, 1, "\1", 1);
	iso_odd_record(b, what, (uint32_t)d.n, ce);
	iso_odd_more(b, what, at);
	pad_to(b, 2048);
	put(b, d.p, d.n);
	put(b, NULL, 30 * 2048 - b->n);
	put(b, ce, sizeof(ce));
	put(b, NULL, 64 * 2048 - b->n);
	iso_odd_volume(b->p + volume, what);
	free(d.p);
}

/* Folders in folders, of names of 100 characters of Joliet (libarchive pull
   request 2983: their path had 1,024 bytes). */
static void iso_deep(struct bytes *b, unsigned long depth)
{
	struct bytes d = { 0 };
	size_t volume = (size_t)16 * 2048;
	uint8_t name[200];

	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 2 ? (uint8_t)('a' + i % 20) : 0;
	good_dicom(&d, 1);
	iso_volume(b, 64, 19, 2048);
	for (uint32_t i = 0; i <= depth; i++) {
		uint32_t up = i ? i - 1 : 0;

		iso_record(b, 19 + i, 2048, 1, "\0", 1);
		iso_record(b, 19 + up, 2048, 1, "\1", 1);
		if (i < depth)
			iso_record(b, 20 + i, 2048, 1, (char *)name, 200);
		else
			iso_record(b, 50, (uint32_t)d.n, 0, (char *)name, 200);
		pad_to(b, 2048);
	}
	put(b, NULL, (size_t)50 * 2048 - b->n);
	put(b, d.p, d.n);
	put(b, NULL, (size_t)64 * 2048 - b->n);
	memcpy(b->p + volume + 2048, b->p + volume, 2048);
	b->p[volume + 2048] = 2;
	memcpy(b->p + volume + 2048 + 88, "%/E", 3);
	memcpy(b->p + volume + 4096,
	       "\xFF"
	       "CD001\1",
	       7);
	free(d.p);
}

static const struct kind odd_kinds[] = {
	{ "x-7z", foreign, 0, "7-Zip whose directory is far away" },
	{ "x-rar4", foreign, 1, "RAR 4" },
	{ "x-rar5", foreign, 2, "RAR 5" },
	{ "x-cab", foreign, 3, "Cabinet of 2 GiB" },
	{ "x-cpio-new", foreign, 4, "cpio, new: member of 2 GiB" },
	{ "x-cpio-odc", foreign, 5, "cpio, portable" },
	{ "x-cpio-bin", foreign, 6, "cpio, old binary" },
	{ "x-ar", foreign, 7, "ar: member of 10 GB" },
	{ "x-xar", foreign, 8, "xar: table of contents of 64 KiB" },
	{ "x-lha", foreign, 9, "LHA" },
	{ "x-mtree", foreign, 10, "mtree that names a file" },
	{ "x-warc", foreign, 11, "WARC of length -1" },
	{ "x-compress", foreign, 12, "compress" },
	{ "x-lzma", foreign, 13, "lzma alone" },
	{ "x-lz4", foreign, 14, "lz4" },
	{ "x-lzip", foreign, 15, "lzip" },
	{ "x-lzop", foreign, 16, "lzop" },
	{ "x-cd", foreign, 17, "raw sectors of a CD" },
	{ "iso-rr", iso_odd, 'i', "Rock Ridge" },
	{ "iso-symlink", iso_odd, 's', "Rock Ridge: symbolic link" },
	{ "iso-name", iso_odd, 'n', "Rock Ridge: ../../../x" },
	{ "iso-device", iso_odd, 'd', "Rock Ridge: device" },
	{ "iso-moved", iso_odd, 'r', "Rock Ridge: child link to the root" },
	{ "iso-ce", iso_odd, 'c', "continuation that goes on in itself" },
	{ "iso-su", iso_odd, 'x', "System Use over its record" },
	{ "iso-zisofs", iso_odd, 'z', "zisofs of 2 GiB" },
	{ "iso-zisofs-64", iso_odd, 'Z', "zisofs of blocks of 2^64" },
	{ "iso-zisofs-2", iso_odd, 'W', "zisofs of blocks of 4, 4 GiB" },
	{ "iso-joliet-deep", iso_deep, 8, "Joliet names of 1,600 bytes" },
	{ "iso-record-1", iso_odd, '1', "record of one byte" },
	{ "iso-record-255", iso_odd, 'l', "record over its sector" },
	{ "iso-extents", iso_odd, 'e', "extents without end" },
	{ "iso-sector-0", iso_odd, 'b', "sectors of 0 bytes" },
	{ "iso-sector-3", iso_odd, 'B', "sectors of 3 bytes" },
	{ "iso-root-none", iso_odd, '0', "no root" },
	{ "iso-root-4g", iso_odd, 'g', "root of 4 GiB" },
	{ "iso-root-far", iso_odd, 'R', "root beyond the end" },
	{ "iso-joliet", iso_odd, 'j', "Joliet without its tree" },
	{ "iso-udf", iso_odd, 'u', "UDF that leads nowhere" },
	{ "iso-noend", iso_odd, 't', "descriptors without end" },
	{ NULL, NULL, 0, NULL },
};

#endif
