/* sniff.c - what kind of archive the first bytes announce. */
#include <string.h>

#include "archive/parts.h"

static unsigned le16(const uint8_t *p)
{
	return p[0] | (unsigned)p[1] << 8;
}

static uint32_t le32(const uint8_t *p)
{
	return le16(p) | (uint32_t)le16(p + 2) << 16;
}

static uint64_t le64(const uint8_t *p)
{
	return le32(p) | (uint64_t)le32(p + 4) << 32;
}

static bool has(const uint8_t *p, size_t n, size_t at, const void *what,
		size_t len)
{
	return n >= len && at <= n - len && memcmp(p + at, what, len) == 0;
}
#define HAS(at, s) has(p, n, (at), (s), sizeof(s) - 1)

/* ---- zip ---------------------------------------------------------------- */

/* Whether the first member is one that a program or document begins with. */
static bool is_package(const uint8_t *p, size_t n)
{
	static const char *const first[] = {
		"META-INF/",
		"[Content_Types].xml",
		"mimetypeapplication/",
		"AndroidManifest.xml",
		"classes.dex",
		"_rels/",
		"docProps/",
	};
	size_t len;

	if (n < 30)
		return false;
	len = le16(p + 26);
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		if (len >= 6 && has(p, n, 30, first[i], strlen(first[i])))
			return true;
	return false;
}

/* Where the record of the end begins, n if there is none.  Its comment ends
   the file; else junk may follow. */
static size_t find_zip_end(const uint8_t *p, size_t n)
{
	size_t found = n, at, after;

	for (at = n < 22 ? 0 : n - 21; at-- > 0;) {
		after = n - 22 - at;
		if (!HAS(at, "PK\5\6") || le16(p + at + 20) > after)
			continue;
		if (le16(p + at + 20) == after)
			return at;
		if (found == n)
			found = at;
	}
	return found;
}

void img_zip_end(struct img_zip_end *end, const uint8_t *p, size_t n)
{
	size_t at = find_zip_end(p, n);

	memset(end, 0, sizeof(*end));
	if (at == n)
		return;
	end->found = true;
	end->members = le16(p + at + 10);
	end->split = le16(p + at + 4) != 0 && le16(p + at + 4) != 0xFFFF;
	/* zip64: its record lies before the locator of 20 bytes */
	if (at >= 76 && HAS(at - 20, "PK\6\7") && HAS(at - 76, "PK\6\6"))
		end->members = le64(p + at - 76 + 32);
}

/* ---- tar ----------------------------------------------------------------- */

static bool is_tar(const uint8_t *p, size_t n)
{
	uint32_t want = 0, sum = 0;
	int32_t old = 0; /* some old writers added signed bytes */
	size_t i = 148;

	if (n < 512 || p[0] == 0)
		return false;
	while (i < 156 && p[i] == ' ')
		i++;
	if (i == 156 || p[i] < '0' || p[i] > '7')
		return false;
	for (; i < 156 && p[i] >= '0' && p[i] <= '7'; i++)
		want = want * 8 + (p[i] - '0');
	if (i < 156 && p[i] != 0 && p[i] != ' ')
		return false;
	for (i = 0; i < 512; i++) {
		uint8_t c = i >= 148 && i < 156 ? ' ' : p[i];

		sum += c;
		old += (int8_t)c;
	}
	return want == sum || (int64_t)want == old;
}

/* ---- compressed ---------------------------------------------------------- */

enum img_filter_kind img_filter_sniff(const uint8_t *p, size_t n)
{
	if (HAS(0, "\x1f\x8b\x08"))
		return IMG_FILTER_GZIP;
	if (HAS(0, "BZh") && n > 3 && p[3] >= '1' && p[3] <= '9' &&
	    (HAS(4, "\x31\x41\x59\x26\x53\x59") ||
	     HAS(4, "\x17\x72\x45\x38\x50\x90")))
		return IMG_FILTER_BZIP2;
	if (has(p, n, 0,
		"\xFD"
		"7zXZ\0",
		6))
		return IMG_FILTER_XZ;
	if (HAS(0, "\x28\xB5\x2F\xFD") ||
	    (n >= 8 && (p[0] & 0xF0) == 0x50 && HAS(1, "\x2A\x4D\x18")))
		return IMG_FILTER_ZSTD;
	return IMG_FILTER_NONE;
}

const char *img_filter_word(enum img_filter_kind kind)
{
	static const char *const words[] = { "nothing", "gzip", "bzip2", "xz",
					     "zstd" };

	return words[kind];
}

/* ---- all ----------------------------------------------------------------- */

enum img_archive_kind img_archive_sniff(const void *head, size_t n)
{
	const uint8_t *p = head;

	if (HAS(128, "DICM")) /* whatever its preamble says, PS3.10 7.1 */
		return IMG_ARCHIVE_NONE;
	if (HAS(0, "PK\3\4"))
		return is_package(p, n) ? IMG_ARCHIVE_NONE : IMG_ARCHIVE_ZIP;
	if (HAS(0, "PK\5\6") || HAS(0, "PK\7\10PK\3\4") || HAS(0, "PK00PK\3\4"))
		return IMG_ARCHIVE_ZIP;
	if (img_filter_sniff(p, n) != IMG_FILTER_NONE)
		return IMG_ARCHIVE_COMPRESSED;
	/* ECMA-119 8.1: the descriptors begin at sector 16 */
	if (HAS(32769, "CD001") || HAS(34817, "CD001"))
		return IMG_ARCHIVE_ISO;
	if (is_tar(p, n))
		return IMG_ARCHIVE_TAR;
	return IMG_ARCHIVE_NONE;
}

const char *img_archive_kind_word(enum img_archive_kind kind)
{
	static const char *const words[] = { "none", "zip", "tar", "iso",
					     "compressed" };

	if ((size_t)kind >= sizeof(words) / sizeof(words[0]))
		return "none";
	return words[kind];
}

const char *img_archive_foreign(const uint8_t *p, size_t n)
{
	if (HAS(0, "Rar!\x1a\x07"))
		return "a RAR archive";
	if (HAS(0, "7z\xBC\xAF\x27\x1C"))
		return "a 7-Zip archive";
	if (HAS(0, "MSCF\0\0\0\0"))
		return "a Cabinet archive";
	if (HAS(0, "\x1f\x9d") || HAS(0, "\x1f\xa0"))
		return "compressed by compress";
	if (HAS(0, "\x5d\0\0"))
		return "compressed by lzma";
	if (HAS(0, "\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0"))
		return "a raw CD image (2352 bytes a sector)";
	if (HAS(32769, "BEA01") || HAS(32769, "NSR0"))
		return "a UDF image without ISO 9660";
	if (HAS(0, "PK\3\4"))
		return "a program or document package";
	return NULL;
}
