/*
 * profile.c - application profiles (PS3.11 2024c, Annexes D, E, H, J, M) and
 * their transfer syntaxes.
 *
 * Deflated data sets (STD-GEN-SEC and MIME) and video are of no use on a disc
 * for everybody; the profiles for them are left out.
 */
#include <string.h>
#include <strings.h>

#include "media/plan.h"

#define TS  "1.2.840.10008.1.2"
#define SOP "1.2.840.10008.5.1.4.1.1."

static const char *const native[] = { TS ".1", NULL };
static const char *const jpeg[] = { TS ".1", TS ".4.70", TS ".4.50", TS ".4.51",
				    NULL };
static const char *const j2k[] = { TS ".1", TS ".4.90", TS ".4.91", NULL };
static const char *const ctmr[] = { TS ".1", TS ".4.70", NULL };

/* Table E.3-1 */
static const char *const ctmr_classes[] = { SOP "2",    SOP "4",     SOP "7",
					    SOP "11.1", SOP "88.67", NULL };

/* Table E.3-2 */
static const struct key ctmr_keys[] = {
	{ IMG_TAG(0x0008, 0x1140), KEY_1C }, /* ReferencedImageSequence */
	{ IMG_TAG(0x0020, 0x0032), KEY_1C }, /* ImagePositionPatient */
	{ IMG_TAG(0x0020, 0x0037), KEY_1C }, /* ImageOrientationPatient */
	{ IMG_TAG(0x0020, 0x0052), KEY_1C }, /* FrameOfReferenceUID */
	{ IMG_TAG(0x0028, 0x0010), KEY_1 },  /* Rows */
	{ IMG_TAG(0x0028, 0x0011), KEY_1 },  /* Columns */
	{ IMG_TAG(0x0028, 0x0030), KEY_1C }, /* PixelSpacing */
};

#define GENERAL(name, syntaxes)                                                \
	{                                                                      \
		name, syntaxes, NULL, NULL, 0                                  \
	}
#define CTMR(name)                                                             \
	{                                                                      \
		name, ctmr, ctmr_classes, ctmr_keys,                           \
			sizeof ctmr_keys / sizeof *ctmr_keys                   \
	}

static const struct profile profiles[] = {
	GENERAL("STD-GEN-CD", native),
	GENERAL("STD-GEN-DVD-RAM", native),
	GENERAL("STD-GEN-DVD-JPEG", jpeg),
	GENERAL("STD-GEN-DVD-J2K", j2k),
	GENERAL("STD-GEN-USB-JPEG", jpeg),
	GENERAL("STD-GEN-USB-J2K", j2k),
	GENERAL("STD-GEN-MMC-JPEG", jpeg),
	GENERAL("STD-GEN-MMC-J2K", j2k),
	GENERAL("STD-GEN-CF-JPEG", jpeg),
	GENERAL("STD-GEN-CF-J2K", j2k),
	GENERAL("STD-GEN-SD-JPEG", jpeg),
	GENERAL("STD-GEN-SD-J2K", j2k),
	GENERAL("STD-GEN-BD-JPEG", jpeg),
	GENERAL("STD-GEN-BD-J2K", j2k),
	CTMR("STD-CTMR-CD"),
	CTMR("STD-CTMR-DVD-RAM"),
	CTMR("STD-CTMR-DVD"),
	GENERAL("any", NULL),
};

#define PROFILES (sizeof profiles / sizeof *profiles)

const struct profile *media_profile_find(const char *name)
{
	for (size_t i = 0; i < PROFILES; i++)
		if (strcasecmp(profiles[i].name, name) == 0)
			return &profiles[i];
	return NULL;
}

const char *img_media_profile_name(size_t index)
{
	return index < PROFILES ? profiles[index].name : NULL;
}

static bool listed(const char *const *list, const char *uid)
{
	for (; *list; list++)
		if (strcmp(*list, uid) == 0)
			return true;
	return false;
}

bool media_profile_has(const struct profile *p, const char *ts)
{
	return !p->syntaxes || listed(p->syntaxes, ts);
}

bool media_profile_class(const struct profile *p, const char *sop_class)
{
	return !p->classes || listed(p->classes, sop_class);
}
