/* dict.h - inside the room: the generated tables and VR classes. */
#ifndef IMG_DICOM_DICT_H
#define IMG_DICOM_DICT_H

#include "dicom/dicom.h"

#define IMG_DICT_SLOTS 8192

extern const struct img_dict img_dict_table[];
extern const unsigned img_dict_count;
extern const uint16_t img_dict_by_tag[IMG_DICT_SLOTS];
extern const uint16_t img_dict_by_keyword[IMG_DICT_SLOTS];

enum vr_class {
	VR_KNOWN = 1 << 0,
	VR_LONG = 1 << 1, /* 32-bit length in explicit VR, PS3.5 7.1.2 */
	VR_TEXT = 1 << 2, /* under SpecificCharacterSet */
	VR_CHAR = 1 << 3, /* any character string: padded with a space */
	VR_SQ = 1 << 4,
	VR_UN = 1 << 5,
	VR_2 = 1 << 6, /* made of 2-byte units, for byte swapping */
	VR_4 = 1 << 7,
	VR_8 = VR_2 | VR_4
};

/* Indexed by img_vr_index(); 0 for what PS3.5 6.2 does not know. */
extern const uint8_t img_vr_classes[1024];

static inline unsigned img_vr_index(const uint8_t *vr)
{
	return (vr[0] & 31u) << 5 | (vr[1] & 31u);
}

static inline bool img_vr_is_letters(const uint8_t *vr)
{
	return vr[0] >= 'A' && vr[0] <= 'Z' && vr[1] >= 'A' && vr[1] <= 'Z';
}

/* enum vr_class of two bytes as encoded; 0 if unknown. */
static inline unsigned img_vr_class(const uint8_t *vr)
{
	return img_vr_is_letters(vr) ? img_vr_classes[img_vr_index(vr)] : 0;
}

/* The VR of a tag encoded with implicit VR (PS3.5 A.1): also knows group
   lengths and private creators; "UN" for the rest. */
const char *img_dict_vr(uint32_t tag);

#endif
