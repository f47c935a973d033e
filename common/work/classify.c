/* classify.c - what lies beside images on a disc and can be ignored. */
#include <string.h>

#include "work/ingest_private.h"

struct kind {
	size_t at, n;
	const char *magic;
	const char *reason;
};

static const struct kind kinds[] = {
	{ 0, 2, "MZ", "program" },
	{ 0, 4,
	  "\x7f"
	  "ELF",
	  "program" },
	{ 0, 4, "\xca\xfe\xba\xbe", "program" },
	{ 0, 4, "\xce\xfa\xed\xfe", "program" },
	{ 0, 4, "\xcf\xfa\xed\xfe", "program" },
	{ 0, 4, "PK\3\4", "program or office file" },
	{ 0, 4, "MSCF", "program package" },
	{ 0, 8, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office file" },
	{ 0, 5, "%PDF-", "PDF document" },
	{ 0, 5, "{\\rtf", "text" },
	{ 0, 8, "\x89PNG\r\n\x1a\n", "PNG picture" },
	{ 0, 3, "\xff\xd8\xff", "JPEG picture" },
	{ 0, 6, "GIF87a", "GIF picture" },
	{ 0, 6, "GIF89a", "GIF picture" },
	{ 0, 4, "II*\0", "TIFF picture" },
	{ 0, 4, "MM\0*", "TIFF picture" },
	{ 0, 4, "\0\0\1\0", "icon" },
	{ 0, 4, "RIFF", "film or sound" },
	{ 4, 4, "ftyp", "film or sound" },
	{ 0, 4, "OggS", "film or sound" },
	{ 0, 4, "\0\0\1\xba", "film or sound" },
	{ 0, 3, "ID3", "film or sound" },
	{ 0, 16, "SQLite format 3\0", "database" },
	{ 0, 4, "wOFF", "font" },
	{ 0, 4, "\0\1\0\0", "font" },
	{ 0, 4, "OTTO", "font" },
	{ 0, 4, "\x4c\0\0\0", "shortcut" },
};

/* Names that say "I am DICOM": what is in them is never ignored. */
static bool claims_dicom(const char *name)
{
	static const char *const ext[] = { ".dcm", ".dicom", ".ima",
					   ".dcm.gz" };

	for (size_t i = 0; i < sizeof(ext) / sizeof(ext[0]); i++)
		if (img_path_has_ext(name, ext[i]))
			return true;
	return false;
}

static bool is_text(const uint8_t *p, size_t n)
{
	size_t look = n > 4096 ? 4096 : n;

	if (n >= 2 &&
	    ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff)))
		return true;
	for (size_t i = 0; i < look; i++)
		if (p[i] < 0x20 && (p[i] < '\b' || p[i] > '\r') &&
		    p[i] != 0x1b && p[i] != 0x1a)
			return false;
		else if (p[i] == 0x7f)
			return false;
	return true;
}

/* Short files of a few magic bytes may be fonts by chance: only names that
   agree are taken for one. */
static bool weak(const struct kind *k, const char *name)
{
	if (strcmp(k->reason, "font") == 0)
		return !img_path_has_ext(name, ".ttf") &&
		       !img_path_has_ext(name, ".otf") &&
		       !img_path_has_ext(name, ".woff");
	if (strcmp(k->reason, "icon") == 0)
		return !img_path_has_ext(name, ".ico");
	if (strcmp(k->reason, "shortcut") == 0)
		return !img_path_has_ext(name, ".lnk");
	return false;
}

/* Files that may well be empty: no image ever had such a name. */
static bool may_be_empty(const char *name)
{
	static const char *const ext[] = { ".txt", ".ini",  ".inf", ".log",
					   ".htm", ".html", ".css", ".js",
					   ".xml", ".cfg" };

	for (size_t i = 0; i < sizeof(ext) / sizeof(ext[0]); i++)
		if (img_path_has_ext(name, ext[i]))
			return true;
	return false;
}

const char *classify(const char *name, const uint8_t *p, size_t n)
{
	if (claims_dicom(name))
		return NULL;
	if (n == 0)
		return may_be_empty(name) ? "empty" : NULL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct kind *k = &kinds[i];

		if (n >= k->at + k->n &&
		    memcmp(p + k->at, k->magic, k->n) == 0 && !weak(k, name))
			return k->reason;
	}
	return is_text(p, n) ? "text" : NULL;
}
