/* phantom-image - the modules of PS3.3 C that the synthetic images have. */
#include <string.h>
#include "phantom.h"

/* Patient, General Study, General Series, General Equipment, SOP Common. */
void put_general(struct emit *e, const struct image *im)
{
	put(e, 0x00080012, "DA", im->date);
	put(e, 0x00080013, "TM", im->time);
	put(e, 0x00080016, "UI", im->sop_class);
	put(e, 0x00080018, "UI", im->sop);
	put(e, 0x00080020, "DA", im->date);
	put(e, 0x00080021, "DA", im->date);
	put(e, 0x00080023, "DA", im->date);
	put(e, 0x00080030, "TM", im->time);
	put(e, 0x00080031, "TM", im->time);
	put(e, 0x00080033, "TM", im->time);
	put(e, 0x00080050, "SH", im->accession);
	put(e, 0x00080060, "CS", im->modality);
	put(e, 0x00080070, "LO", "Synthetic");
	put(e, 0x00080080, "LO", "Test Hospital");
	put(e, 0x00080090, "PN", NULL);
	put(e, 0x00081010, "SH", "SIM1");
	put(e, 0x00081030, "LO", im->study_desc);
	put(e, 0x0008103e, "LO", im->series_desc);
	put(e, 0x00081090, "LO", "Phantom");
	put(e, 0x00100010, "PN", im->name);
	put(e, 0x00100020, "LO", im->id);
	put(e, 0x00100030, "DA", im->birth);
	put(e, 0x00100040, "CS", im->sex);
	put(e, 0x00181020, "LO", "1");
	put(e, 0x0020000d, "UI", im->study);
	put(e, 0x0020000e, "UI", im->series);
	put(e, 0x00200010, "SH", im->study_id);
	putf(e, 0x00200011, "IS", "%u", im->series_no);
	putf(e, 0x00200013, "IS", "%u", im->instance);
}

/* Image Pixel and Image Plane without a position. */
static void put_matrix(struct emit *e, const struct image *im)
{
	put_us(e, 0x00280002, 1);
	put(e, 0x00280004, "CS", "MONOCHROME2");
	if (im->frames)
		putf(e, 0x00280008, "IS", "%u", im->frames);
	put_us(e, 0x00280010, im->rows);
	put_us(e, 0x00280011, im->cols);
	put_us(e, 0x00280100, 16);
	put_us(e, 0x00280101, im->bits);
	put_us(e, 0x00280102, im->bits - 1);
	put_us(e, 0x00280103, 0);
}

void put_pixels(struct emit *e, const struct image *im)
{
	size_t frames = im->frames ? im->frames : 1;

	put_words(e, 0x7fe00010, im->pixel, frames * im->rows * im->cols);
}

/* A.3: Frame of Reference, Image Plane, CT Image, VOI LUT. */
void put_ct(struct emit *e, const struct image *im)
{
	put_general(e, im);
	put(e, 0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL");
	put(e, 0x00080022, "DA", im->date);
	put(e, 0x00080032, "TM", im->time);
	put(e, 0x00180015, "CS", im->body_part);
	put(e, 0x00180022, "CS", "AXIAL MODE");
	putf(e, 0x00180050, "DS", "%.10g", im->thickness);
	put(e, 0x00180060, "DS", "120");
	putf(e, 0x00180088, "DS", "%.10g", im->thickness);
	put(e, 0x00180090, "DS", "240");
	put(e, 0x00181030, "LO", "Head");
	putf(e, 0x00181100, "DS", "%.10g", im->spacing * im->rows);
	put(e, 0x00181120, "DS", "0");
	put(e, 0x00181130, "DS", "150");
	put(e, 0x00181140, "CS", "CW");
	put(e, 0x00181150, "IS", "1000");
	put(e, 0x00181151, "IS", "300");
	put(e, 0x00181152, "IS", "300");
	put(e, 0x00181210, "SH", "SOFT");
	put(e, 0x00185100, "CS", "HFS");
	put(e, 0x00200012, "IS", "1");
	putf(e, 0x00200032, "DS", "%.10g\\%.10g\\%.10g", im->pos[0], im->pos[1],
	     im->pos[2]);
	put(e, 0x00200037, "DS", "1\\0\\0\\0\\1\\0");
	put(e, 0x00200052, "UI", im->frame);
	put(e, 0x00201040, "LO", NULL);
	putf(e, 0x00201041, "DS", "%.10g", im->pos[2]);
	put_matrix(e, im);
	putf(e, 0x00280030, "DS", "%.10g\\%.10g", im->spacing, im->spacing);
	putf(e, 0x00281050, "DS", "%d", im->level);
	putf(e, 0x00281051, "DS", "%d", im->window);
	put(e, 0x00281052, "DS", "-1024");
	put(e, 0x00281053, "DS", "1");
	put(e, 0x00281054, "LO", "HU");
	put_pixels(e, im);
}

/* A.2: CR Series, CR Image, Modality LUT, VOI LUT. */
void put_cr(struct emit *e, const struct image *im)
{
	put_general(e, im);
	put(e, 0x00080008, "CS", "ORIGINAL\\PRIMARY");
	put(e, 0x00080022, "DA", im->date);
	put(e, 0x00080032, "TM", im->time);
	put(e, 0x00180015, "CS", im->body_part);
	put(e, 0x00180060, "DS", "70");
	put(e, 0x00181004, "LO", NULL);
	putf(e, 0x00181164, "DS", "%.10g\\%.10g", im->spacing, im->spacing);
	put(e, 0x00181400, "LO", NULL);
	put(e, 0x00181401, "LO", NULL);
	put(e, 0x00181402, "CS", "PORTRAIT");
	put(e, 0x00185101, "CS", "AP");
	put(e, 0x00200020, "CS", "L\\F");
	put_matrix(e, im);
	putf(e, 0x00281050, "DS", "%d", im->level);
	putf(e, 0x00281051, "DS", "%d", im->window);
	put(e, 0x00281052, "DS", "0");
	put(e, 0x00281053, "DS", "1");
	put(e, 0x00281054, "LO", "US");
	put_pixels(e, im);
}

/* What every image has, whatever its class: enough for an archive. */
void put_plain(struct emit *e, const struct image *im)
{
	put_general(e, im);
	put(e, 0x00080008, "CS", "DERIVED\\SECONDARY");
	put(e, 0x00080064, "CS", "SYN");
	if (im->body_part)
		put(e, 0x00180015, "CS", im->body_part);
	put(e, 0x00200020, "CS", NULL);
	put(e, 0x00200060, "CS", NULL);
	put_matrix(e, im);
	put_pixels(e, im);
}
