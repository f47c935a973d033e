/* probe.c - what an input is, told from its first bytes. */
#include "dicom/reader.h"

#define ENOUGH 4 /* headers in a row that look right */

/* Part 10 leaves the preamble free; these first bytes make the file run or
   open as something else (CVE-2019-11687, PS3.10 7.5).  TIFF is legal. */
bool img_probe_is_program(const uint8_t *p)
{
	static const struct {
		const char *bytes;
		size_t n;
	} magic[] = {
		{ "MZ", 2 },
		{ "\177ELF", 4 },
		{ "#!", 2 },
		{ "PK\3\4", 4 },
		{ "%PDF", 4 },
		{ "<", 1 },
		{ "\xFE\xED\xFA\xCE", 4 },
		{ "\xFE\xED\xFA\xCF", 4 },
		{ "\xCE\xFA\xED\xFE", 4 },
		{ "\xCF\xFA\xED\xFE", 4 },
		{ "\xCA\xFE\xBA\xBE", 4 },
		{ "dex\n", 4 },
		{ "\0asm", 4 },
		{ "Rar!", 4 },
		{ "7z\xBC\xAF\x27\x1C", 6 },
		{ "\x1F\x8B", 2 },
	};

	for (size_t i = 0; i < sizeof(magic) / sizeof(magic[0]); i++)
		if (memcmp(p, magic[i].bytes, magic[i].n) == 0)
			return true;
	return false;
}

/* Whether a data set may hold this tag after the one before it. */
static bool tag_fits(uint32_t tag, uint32_t last, bool first, bool loose)
{
	uint32_t group = tag >> 16;

	if (loose)
		return group && group < 0xFFFE && (first || tag > last);

	if (group < 2 || group >= 0xFFFE || (!first && tag <= last))
		return false;
	if (first) /* data sets begin with a standard attribute */
		return !(group & 1) &&
		       ((tag & 0xFFFF) == 0 || img_dict_tag(tag));
	return (group & 1) || (tag & 0xFFFF) == 0 || img_dict_tag(tag);
}

/* Length of the header at p[0..12), and of the value; 0: cannot be.  future:
   VRs that PS3.5 has not yet are taken too. */
static size_t header(const uint8_t *p, size_t n, bool implicit, bool big,
		     bool future, uint32_t *length)
{
	unsigned class;

	if (implicit) {
		*length = get32(p + 4, big);
		return 8;
	}
	class = img_vr_class(p + 4);
	if (!class && !(future && img_vr_is_letters(p + 4)))
		return 0;
	if (class && !(class & VR_LONG)) {
		*length = get16(p + 6, big);
		return 8;
	}
	if (n < 12 || p[6] || p[7])
		return 0;
	*length = get32(p + 8, big);
	return 12;
}

/* Walks headers; the number that looked right, 0 if one did not. */
static int walk(const uint8_t *p, size_t n, uint64_t room, bool implicit,
		bool big, bool loose)
{
	uint32_t last = 0, length, tag;
	uint64_t at = 0, end = room < n ? room : n;
	int good = 0;
	size_t h;

	while (good < ENOUGH && end - at >= 8) {
		tag = get_tag(p + at, big);
		if (tag == 0 && good) /* zeros to fill up */
			return good;
		if (!tag_fits(tag, last, good == 0, loose))
			return 0;
		h = header(p + at, (size_t)(end - at), implicit, big, loose,
			   &length);
		if (h == 0)
			return end - at < 12 ? good : 0;
		good++;
		if (length == IMG_UNDEFINED_LEN)
			return good; /* a sequence */
		if (length > room - at - h)
			return 0;
		if (length > end - at - h)
			return good;
		at += h + length;
		last = tag;
	}
	return good;
}

bool img_probe_fits(const uint8_t *p, size_t n, uint64_t room,
		    enum encoding enc)
{
	return walk(p, n, room, enc == ENC_IMPLICIT_LE, enc == ENC_EXPLICIT_BE,
		    true);
}

enum encoding img_probe_encoding(const uint8_t *p, size_t n, uint64_t room,
				 bool loose)
{
	if (walk(p, n, room, false, false, loose))
		return ENC_EXPLICIT_LE;
	if (walk(p, n, room, true, false, loose))
		return ENC_IMPLICIT_LE;
	if (walk(p, n, room, false, true, loose))
		return ENC_EXPLICIT_BE;
	return ENC_NONE;
}

bool img_dicom_looks_like(const void *data, size_t n)
{
	const uint8_t *p = data;

	if (n >= 132 && memcmp(p + 128, "DICM", 4) == 0)
		return true;
	if (n >= 16 && memcmp(p, "DICM", 4) == 0)
		return get16(p + 4, false) == 2;
	return img_probe_encoding(p, n, UINT32_MAX, false) != ENC_NONE;
}
