/* dict.c - the dictionary: look-up by tag and by keyword, VRs. */
#include <stdio.h>
#include <string.h>

#include "dicom/dict.h"

#define VR(a, b) [((a)&31) << 5 | ((b)&31)]
#define STRING   (VR_KNOWN | VR_CHAR)
#define TEXT     (VR_KNOWN | VR_CHAR | VR_TEXT)
#define BYTES    (VR_KNOWN | VR_LONG)

const uint8_t img_vr_classes[1024] = {
	VR('A', 'E') = STRING,
	VR('A', 'S') = STRING,
	VR('A', 'T') = VR_KNOWN | VR_2,
	VR('C', 'S') = STRING,
	VR('D', 'A') = STRING,
	VR('D', 'S') = STRING,
	VR('D', 'T') = STRING,
	VR('F', 'D') = VR_KNOWN | VR_8,
	VR('F', 'L') = VR_KNOWN | VR_4,
	VR('I', 'S') = STRING,
	VR('L', 'O') = TEXT,
	VR('L', 'T') = TEXT,
	VR('O', 'B') = BYTES,
	VR('O', 'D') = BYTES | VR_8,
	VR('O', 'F') = BYTES | VR_4,
	VR('O', 'L') = BYTES | VR_4,
	VR('O', 'V') = BYTES | VR_8,
	VR('O', 'W') = BYTES | VR_2,
	VR('P', 'N') = TEXT,
	VR('S', 'H') = TEXT,
	VR('S', 'L') = VR_KNOWN | VR_4,
	VR('S', 'Q') = BYTES | VR_SQ,
	VR('S', 'S') = VR_KNOWN | VR_2,
	VR('S', 'T') = TEXT,
	VR('S', 'V') = BYTES | VR_8,
	VR('T', 'M') = STRING,
	VR('U', 'C') = TEXT | VR_LONG,
	VR('U', 'I') = VR_KNOWN,
	VR('U', 'L') = VR_KNOWN | VR_4,
	VR('U', 'N') = BYTES | VR_UN,
	VR('U', 'R') = STRING | VR_LONG,
	VR('U', 'S') = VR_KNOWN | VR_2,
	VR('U', 'T') = TEXT | VR_LONG,
	VR('U', 'V') = BYTES | VR_8,
};

bool img_vr_is_long(const char vr[3])
{
	return img_vr_class((const uint8_t *)vr) & VR_LONG;
}

bool img_vr_is_text(const char vr[3])
{
	return img_vr_class((const uint8_t *)vr) & VR_TEXT;
}

bool img_vr_is_known(const char vr[3])
{
	return img_vr_class((const uint8_t *)vr) != 0;
}

static const struct img_dict *find_tag(uint32_t tag)
{
	unsigned at = ((tag >> 16) * 421 + (tag & 0xFFFF)) % IMG_DICT_SLOTS;
	unsigned i;

	while ((i = img_dict_by_tag[at]) != 0) {
		if (img_dict_table[i - 1].tag == tag)
			return &img_dict_table[i - 1];
		at = (at + 1) % IMG_DICT_SLOTS;
	}
	return NULL;
}

/* The tag under which the table holds a repeating group (PS3.5 7.6). */
static uint32_t base_tag(uint32_t tag)
{
	uint32_t family = tag >> 24;

	if (tag >> 16 & 1)
		return tag;
	if (family == 0x50 || family == 0x60 || family == 0x7F)
		return tag & 0xFF00FFFFu;
	if (tag >= 0x00203100u && tag <= 0x002031FFu)
		return 0x00203100u;
	return tag;
}

const struct img_dict *img_dict_tag(uint32_t tag)
{
	const struct img_dict *d = find_tag(tag);
	uint32_t base;

	if (d)
		return d;
	base = base_tag(tag);
	return base == tag ? NULL : find_tag(base);
}

const char *img_dict_vr(uint32_t tag)
{
	const struct img_dict *d = img_dict_tag(tag);
	uint32_t element = tag & 0xFFFF;

	if (d)
		return d->vr;
	if (element == 0)
		return "UL";
	if ((tag >> 16 & 1) && element >= 0x10 && element <= 0xFF)
		return "LO"; /* private creator, PS3.5 7.8.1 */
	return "UN";
}

const struct img_dict *img_dict_keyword(const char *keyword)
{
	uint32_t h = 5381;
	unsigned at, i;

	for (const char *s = keyword; *s; s++)
		h = (h * 33 + (uint8_t)*s) & 0xFFFFFF;
	at = h % IMG_DICT_SLOTS;
	while ((i = img_dict_by_keyword[at]) != 0) {
		if (strcmp(img_dict_table[i - 1].keyword, keyword) == 0)
			return &img_dict_table[i - 1];
		at = (at + 1) % IMG_DICT_SLOTS;
	}
	return NULL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool img_dict_parse_tag(const char *text, uint32_t *tag)
{
	const struct img_dict *d = img_dict_keyword(text);
	uint32_t v = 0;
	int n = 0;

	if (d) {
		*tag = d->tag;
		return true;
	}
	for (; *text; text++) {
		int digit = hex_digit(*text);

		if (*text == ',' && n == 4 && text[1] != ',')
			continue;
		if (digit < 0 || n == 8)
			return false;
		v = v << 4 | (uint32_t)digit;
		n++;
	}
	if (n != 8)
		return false;
	*tag = v;
	return true;
}

void img_dict_format_tag(uint32_t tag, char out[12])
{
	snprintf(out, 12, "(%04x,%04x)", tag >> 16, tag & 0xFFFFu);
}
