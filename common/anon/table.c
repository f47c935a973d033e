/* table.c - searches in the generated tables. */
#include <string.h>

#include "anon/table.h"

/* The tag that a row is found by: patterns of groups (PS3.5 7.6). */
static uint32_t row_tag(uint32_t tag)
{
	uint32_t group = tag >> 16;

	if (group & 1)
		return 0xFFFFFFFFu;
	if (group >= 0x5000 && group <= 0x50FF)
		return 0x50000000u;
	if (group >= 0x6000 && group <= 0x60FF)
		return (tag & 0xFFFF) == 0x4000 ? 0x60004000u : 0x60003000u;
	if (tag >> 8 == 0x002031u)
		return 0x00203100u;
	if (group >= 0x7F00 && group <= 0x7FFF && group != 0x7FE0)
		return 0x7F000010u; /* more pixels, as of ACR-NEMA */
	return tag;
}

int anon_row_of(uint32_t tag)
{
	unsigned low = 0, high = anon_row_count;

	tag = row_tag(tag);
	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (anon_rows[mid].tag < tag)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < anon_row_count && anon_rows[low].tag == tag)
		return (int)low;
	return ANON_NO_ROW;
}

/* The first safe attribute whose tag is not below. */
static unsigned first_safe(uint32_t tag)
{
	unsigned low = 0, high = anon_safe_count;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (anon_safe[mid].tag < tag)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool same_creator(const struct anon_safe *s, const char *creator,
			 size_t n)
{
	return strlen(s->creator) == n && memcmp(s->creator, creator, n) == 0;
}

const struct anon_safe *anon_safe_of(uint32_t tag, const char *creator,
				     size_t n)
{
	uint32_t key = tag & 0xFFFF00FFu;

	for (unsigned i = first_safe(key);
	     i < anon_safe_count && anon_safe[i].tag == key; i++)
		if (same_creator(&anon_safe[i], creator, n))
			return &anon_safe[i];
	return NULL;
}

bool anon_safe_creator(uint32_t tag, const char *creator, size_t n)
{
	uint32_t group = tag & 0xFFFF0000u;

	for (unsigned i = first_safe(group);
	     i < anon_safe_count && (anon_safe[i].tag & 0xFFFF0000u) == group;
	     i++)
		if (same_creator(&anon_safe[i], creator, n))
			return true;
	return false;
}
