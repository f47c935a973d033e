/* mkpixels.h - what the parts of mkpixels share: what is asked for, and
   what is made. */
#ifndef MKPIXELS_H
#define MKPIXELS_H

#include <stdio.h>

#include "../unit/dicom_make.h"

static struct {
	unsigned rows, columns, samples, allocated, stored, high;
	unsigned is_signed, planar, frames, stated, cut, junk, ob;
	const char *pi, *ts, *hostile;
} o = { .rows = 17,
	.columns = 23,
	.samples = 1,
	.allocated = 8,
	.frames = 1,
	.pi = "MONOCHROME2",
	.ts = TS_EXPLICIT };

static struct made m;

static void put_shape(void)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", o.stated);
	m_short(&m, 0x00280002, o.samples);
	m_text(&m, 0x00280004, "CS", o.pi);
	if (o.samples > 1)
		m_short(&m, 0x00280006, o.planar);
	m_text(&m, 0x00280008, "IS", text);
	m_short(&m, 0x00280010, o.rows);
	m_short(&m, 0x00280011, o.columns);
	m_short(&m, 0x00280100, o.allocated);
	m_short(&m, 0x00280101, o.stored);
	m_short(&m, 0x00280102, o.high);
	m_short(&m, 0x00280103, o.is_signed);
}

#endif
