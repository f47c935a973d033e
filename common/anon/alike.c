/*
 * alike.c - what an object still tells of its patient: the values by which
 * somebody who knows the patient could find it, read from the new object.
 */
#include "anon/inside.h"

static const struct {
	uint32_t tag;
	const char *name;
} quasi[] = { { 0x00100040u, "PatientSex" },
	      { 0x00101010u, "PatientAge, by 10 years" },
	      { 0x00102160u, "EthnicGroup" },
	      { 0x00080020u, "StudyDate, by month" },
	      { 0x00080060u, "Modality" },
	      { 0x00180015u, "BodyPartExamined" },
	      { 0x00080070u, "Manufacturer" },
	      { 0x00081090u, "ManufacturerModelName" } };
#define QUASI (sizeof(quasi) / sizeof(quasi[0]))

const char *img_anon_quasi(size_t i)
{
	return i < QUASI ? quasi[i].name : NULL;
}

/* "042Y" as "4": ten years; younger than that all alike. */
static size_t band(const char *p, size_t n, char out[8])
{
	const char *tens = n == 4 && p[3] == 'Y' ? p : "00";

	if (n != 4)
		return 0;
	memcpy(out, tens, 2);
	return 2;
}

void anon_alike_begin(struct img_anon *a)
{
	a->alike = (struct img_anon_alike){ 0 };
	img_buf_reset(&a->text);
}

/* Called for each element of the new object, in order. */
int anon_alike_take(struct img_anon *a, const struct img_dicom_event *ev,
		    struct img_err *err)
{
	const char *p = (const char *)ev->value;
	size_t n = p ? anon_trim(&p, ev->length) : 0;
	char text[8];

	if (ev->depth || !n)
		return 0;
	if (ev->tag == T_PATIENT_ID)
		a->alike.person = img_sum64(p, n);
	else if (ev->tag == T_STUDY && !a->alike.person)
		a->alike.person = img_sum64(p, n);
	for (size_t i = 0; i < QUASI; i++) {
		if (ev->tag != quasi[i].tag)
			continue;
		if (ev->tag == 0x00101010u) {
			n = band(p, n, text);
			p = text;
		}
		if (ev->tag == 0x00080020u && n > 6)
			n = 6;
		if (img_buf_printf(&a->text, err, "%zu=", i) < 0 ||
		    img_buf_add(&a->text, p, n, err) < 0 ||
		    img_buf_putc(&a->text, '\0', err) < 0)
			return -1;
	}
	return 0;
}

void anon_alike_end(struct img_anon *a)
{
	a->alike.group = img_sum64(img_buf_str(&a->text), a->text.len);
}

struct img_anon_alike img_anon_alike(const struct img_anon *a)
{
	return a->alike;
}
