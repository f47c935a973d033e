/* dicom_samples_plain.h - regular streams, and odd beginnings. */
#ifndef DICOM_SAMPLES_PLAIN_H
#define DICOM_SAMPLES_PLAIN_H

#include "dicom_make.h"

/* ---- regular ---------------------------------------------------------- */

static inline void s_explicit(struct made *m)
{
	m_whole(m, TS_EXPLICIT);
}

static inline void s_implicit(struct made *m)
{
	m_whole(m, TS_IMPLICIT);
}

static inline void s_big(struct made *m)
{
	m_whole(m, TS_BIG);
}

static inline void s_unknown_ts(struct made *m)
{
	m_whole(m, "2.25.99");
}

static inline void s_deflated(struct made *m)
{
	size_t from;

	m_meta(m, TS_DEFLATED);
	from = m->b.len;
	m_ids(m);
	m_pixels(m);
	m_deflate(m, from, -15);
}

static inline void s_zlib(struct made *m)
{
	size_t from;

	m_meta(m, TS_DEFLATED);
	from = m->b.len;
	m_ids(m);
	m_deflate(m, from, 15);
}

static inline void s_not_deflated(struct made *m)
{
	m_whole(m, TS_DEFLATED);
}

static inline void s_no_preamble(struct made *m)
{
	m_ids(m);
	m_pixels(m);
}

static inline void s_no_preamble_implicit(struct made *m)
{
	m->implicit = true;
	m_ids(m);
	m_pixels(m);
}

static inline void s_no_preamble_big(struct made *m)
{
	m->big = true;
	m_ids(m);
	m_pixels(m);
}

static inline void s_meta_at_0(struct made *m)
{
	m_text(m, 0x00020010, "UI", TS_EXPLICIT);
	m_ids(m);
}

static inline void s_magic_at_0(struct made *m)
{
	m_bytes(m, "DICM", 4);
	m_text(m, 0x00020010, "UI", TS_EXPLICIT);
	m_ids(m);
}

static inline void s_no_meta(struct made *m)
{
	m_fill(m, 128, 0);
	m_bytes(m, "DICM", 4);
	m_ids(m);
}

/* The magic at byte 128, but inside a value. */
static inline void s_magic_in_value(struct made *m)
{
	m_text(m, 0x00080005, "CS", "ISO_IR 192");
	m_head(m, 0x00080008, "CS", 200);
	while (m->b.len < 128)
		m_bytes(m, "A", 1);
	m_bytes(m, "DICM", 4);
	while (m->b.len < 18 + 8 + 200)
		m_bytes(m, "A", 1);
	m_text(m, 0x00080016, "UI", SC_CLASS);
}

static inline void s_implicit_meta(struct made *m)
{
	m_fill(m, 128, 0);
	m_bytes(m, "DICM", 4);
	m->implicit = true;
	m_text(m, 0x00020010, "UI", TS_IMPLICIT);
	m_ids(m);
}

static inline void s_meta_length_wrong(struct made *m)
{
	m_whole(m, TS_EXPLICIT);
	m->b.data[140] += 10;
}

static inline void s_wrong_syntax(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m->implicit = true;
	m_ids(m);
}

static inline void s_wrong_order(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m->big = true;
	m_ids(m);
}

static inline void s_native_in_jpeg(struct made *m)
{
	m_whole(m, TS_JPEG);
}

static inline void s_meta_in_data(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_text(m, 0x00020010, "UI", TS_IMPLICIT);
	m_ids(m);
}

static inline void s_program(struct made *m)
{
	m_whole(m, TS_EXPLICIT);
	memcpy(m->b.data, "MZ\x90", 3);
}

static inline void s_order(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_text(m, 0x00100020, "LO", "T1");
	m_text(m, 0x00080060, "CS", "OT");
	m_text(m, 0x00080060, "CS", "MR");
}

static inline void s_odd(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_put(m, 0x00100010, "PN", "a^b", 3);
	m_text(m, 0x00100020, "LO", "T1");
}

static inline void s_future_vr(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_text(m, 0x00080060, "CS", "OT");
	m_tag(m, 0x00089999);
	m_bytes(m, "ZZ\0\0", 4);
	m_u32(m, 4);
	m_bytes(m, "abcd", 4);
	m_text(m, 0x00100020, "LO", "T1");
}

/* Written with implicit VR among elements with explicit VR. */
static inline void s_implicit_inside(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_text(m, 0x00080060, "CS", "OT");
	m->implicit = true;
	m_text(m, 0x00100020, "LO", "T1");
	m->implicit = false;
	m_text(m, 0x00100030, "DA", "20260102");
}

static inline void s_short_bad_vr(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_text(m, 0x00080060, "CS", "OT");
	m_text(m, 0x00100020, "??", "T1");
	m_text(m, 0x00100030, "DA", "20260102");
}

#endif
