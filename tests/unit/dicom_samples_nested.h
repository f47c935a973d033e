/* dicom_samples_nested.h - sequences, delimiters, lengths that lie, and what
   follows the last element. */
#ifndef DICOM_SAMPLES_NESTED_H
#define DICOM_SAMPLES_NESTED_H

#include "dicom_make.h"
#include "dicom_samples_plain.h"

/* ---- sequences -------------------------------------------------------- */

static inline void s_sequences(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_head(m, 0x00081110, "SQ", UNDEF);
	m_item(m, UNDEF);
	m_text(m, 0x00081150, "UI", SC_CLASS);
	m_head(m, 0x00081199, "SQ", 0);
	m_end(m, T_END_IT);
	m_item(m, 0);
	m_item(m, 10);
	m_short(m, 0x00280010, 7);
	m_end(m, T_END_SQ);
	m_head(m, 0x00081115, "SQ", 8 + 10);
	m_item(m, 10);
	m_short(m, 0x00280010, 7);
	m_text(m, 0x00100020, "LO", "T1");
}

static inline void s_sequences_implicit(struct made *m)
{
	m_meta(m, TS_IMPLICIT);
	m_head(m, 0x00081110, "SQ", UNDEF);
	m_item(m, UNDEF);
	m_text(m, 0x00081150, "UI", SC_CLASS);
	m_end(m, T_END_IT);
	m_end(m, T_END_SQ);
	m_head(m, 0x00081115, "SQ", 8 + 10);
	m_item(m, 10);
	m_short(m, 0x00280010, 7);
	m_text(m, 0x00090010, "LO", "TEST");
	m_head(m, 0x00091001, "UN", UNDEF); /* private sequence */
	m_item(m, UNDEF);
	m_text(m, 0x00081150, "UI", SC_CLASS);
	m_end(m, T_END_IT);
	m_end(m, T_END_SQ);
}

static inline void un_sequence(struct made *m, const char *ts, bool implicit,
			       bool big)
{
	bool outer = m->big;

	m_meta(m, ts);
	outer = m->big;
	m_text(m, 0x00090010, "LO", "TEST");
	m_head(m, 0x00091001, "UN", UNDEF);
	m->implicit = implicit;
	m->big = big;
	m_item(m, UNDEF);
	m_text(m, 0x00081150, "UI", SC_CLASS);
	m_head(m, 0x00081199, "SQ", 8 + (implicit ? 10 : 10));
	m_item(m, 10);
	m_short(m, 0x00280010, 7);
	m_end(m, T_END_IT);
	m_end(m, T_END_SQ);
	m->implicit = false;
	m->big = outer;
	m_text(m, 0x00100020, "LO", "T1");
}

static inline void s_un_implicit(struct made *m)
{
	un_sequence(m, TS_EXPLICIT, true, false);
}

static inline void s_un_explicit(struct made *m)
{
	un_sequence(m, TS_EXPLICIT, false, false);
}

static inline void s_un_in_big(struct made *m)
{
	un_sequence(m, TS_BIG, true, false);
}

static inline void s_un_big_in_big(struct made *m)
{
	un_sequence(m, TS_BIG, true, true);
}

static inline void s_un_empty(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_text(m, 0x00090010, "LO", "TEST");
	m_head(m, 0x00091001, "UN", UNDEF);
	m_end(m, T_END_SQ);
}

static inline void nest(struct made *m, unsigned depth)
{
	m_meta(m, TS_EXPLICIT);
	for (unsigned i = 0; i < depth; i++) {
		m_head(m, 0x0040A730, "SQ", UNDEF);
		m_item(m, UNDEF);
	}
	for (unsigned i = 0; i < depth; i++) {
		m_end(m, T_END_IT);
		m_end(m, T_END_SQ);
	}
	m_text(m, 0x0040DB00, "CS", "1");
}

static inline void s_nest64(struct made *m)
{
	nest(m, 64);
}

static inline void s_nest65(struct made *m)
{
	nest(m, 65);
}

static inline void s_nest20000(struct made *m)
{
	nest(m, 20000);
}

/* ---- delimiters in the wrong place ------------------------------------ */

static inline void s_stray(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_text(m, 0x00080060, "CS", "OT");
	m_end(m, T_END_IT);
	m_end(m, T_END_SQ);
	m_item(m, 0);
	m_head(m, 0x00081115, "SQ", 8 + 18 + 8);
	m_item(m, 18);
	m_short(m, 0x00280010, 7);
	m_end(m, T_END_IT);
	m_end(m, T_END_SQ);
	m_text(m, 0x00100020, "LO", "T1");
}

static inline void s_no_item_end(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_head(m, 0x00081115, "SQ", UNDEF);
	m_item(m, UNDEF);
	m_short(m, 0x00280010, 7);
	m_item(m, UNDEF);
	m_short(m, 0x00280010, 8);
	m_end(m, T_END_SQ);
	m_text(m, 0x00100020, "LO", "T1");
}

static inline void s_item_at_top(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_text(m, 0x00080060, "CS", "OT");
	m_item(m, 10);
	m_short(m, 0x00280010, 7);
	m_text(m, 0x00100020, "LO", "T1");
}

static inline void s_element_in_sequence(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_head(m, 0x00081115, "SQ", UNDEF);
	m_short(m, 0x00280010, 7);
	m_end(m, T_END_SQ);
}

static inline void s_delimiter_with_length(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_text(m, 0x00080060, "CS", "OT");
	m_tag(m, T_END_SQ);
	m_u32(m, 8);
	m_fill(m, 8, 'x');
}

/* ---- lengths that lie -------------------------------------------------- */

static inline void lying(struct made *m, uint32_t tag, const char *vr,
			 uint32_t length, size_t there)
{
	m_meta(m, TS_EXPLICIT);
	m_text(m, 0x00080060, "CS", "OT");
	m_head(m, tag, vr, length);
	m_fill(m, there, 'x');
}

static inline void s_hugelen_ob(struct made *m)
{
	lying(m, T_PIXELS, "OB", 0xFFFFFFFEu, 100);
}

static inline void s_hugelen_uc(struct made *m)
{
	lying(m, 0x00080119, "UC", 0x7FFFFFFEu, 100);
}

static inline void s_hugelen_sq(struct made *m)
{
	lying(m, 0x00081115, "SQ", 0xFFFFFFF0u, 0);
}

static inline void s_hugelen_item(struct made *m)
{
	lying(m, 0x00081115, "SQ", UNDEF, 0);
	m_item(m, 0xFFFFFFF0u);
}

static inline void s_short_value(struct made *m)
{
	lying(m, 0x00100010, "PN", 20, 5);
}

static inline void s_beyond_item(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_head(m, 0x00081115, "SQ", 8 + 10);
	m_item(m, 10);
	m_head(m, 0x00280010, "US", 6);
	m_u16(m, 7);
	m_text(m, 0x00100020, "LO", "T1");
}

static inline void s_item_beyond_sequence(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_head(m, 0x00081115, "SQ", 8 + 10);
	m_item(m, 20);
	m_short(m, 0x00280010, 7);
	m_text(m, 0x00100020, "LO", "T1");
}

static inline void s_cut_in_item(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_head(m, 0x00081115, "SQ", 8 + 14);
	m_item(m, 14);
	m_short(m, 0x00280010, 7);
	m_fill(m, 4, 1);
	m_text(m, 0x00100020, "LO", "T1");
}

static inline void s_undefined_text(struct made *m)
{
	lying(m, 0x00080119, "UC", UNDEF, 20);
}

static inline void s_not_closed(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_head(m, 0x00081115, "SQ", UNDEF);
	m_item(m, UNDEF);
	m_short(m, 0x00280010, 7);
}

static inline void s_not_closed_inside(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_head(m, 0x00081115, "SQ", 8 + 12 + 8 + 10);
	m_item(m, 12 + 8 + 10);
	m_head(m, 0x00081199, "SQ", UNDEF);
	m_item(m, UNDEF);
	m_short(m, 0x00280010, 7);
	m_text(m, 0x00100020, "LO", "T1");
}

static inline void s_half_header(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_ids(m);
	m_bytes(m, "\x28\0\x10\0U", 5);
}

static inline void s_half_long_header(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_ids(m);
	m_bytes(m, "\x42\0\x11\0OB\0\0\1", 9);
}

static inline void s_cut_meta(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m->b.len -= 3;
}

static inline void s_cut_deflate(struct made *m)
{
	s_deflated(m);
	m->b.len -= 20;
}

static inline void s_bad_deflate(struct made *m)
{
	m_meta(m, TS_DEFLATED);
	m_fill(m, 40, 0xFF);
}

static inline void s_deflated_short(struct made *m)
{
	size_t from;

	m_meta(m, TS_DEFLATED);
	from = m->b.len;
	m_ids(m);
	m_head(m, T_PIXELS, "OW", 100000);
	m_fill(m, 5000, 0);
	m_deflate(m, from, -15);
}

/* ---- what follows the last element ------------------------------------ */

static inline void s_padding(struct made *m)
{
	m_whole(m, TS_EXPLICIT);
	m_head(m, 0xFFFCFFFC, "OB", 64);
	m_fill(m, 64, 0);
}

static inline void s_zero_tail(struct made *m)
{
	m_whole(m, TS_EXPLICIT);
	m_fill(m, 1000, 0);
}

static inline void s_zero_tail_no_pixels(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_ids(m);
	m_fill(m, 5, 0);
}

static inline void s_junk_tail(struct made *m)
{
	m_whole(m, TS_EXPLICIT);
	m_fill(m, 300, 0xA5);
}

static inline void s_tiny_junk_tail(struct made *m)
{
	m_whole(m, TS_EXPLICIT);
	m_bytes(m, "end", 3);
}

static inline void s_zero_then_junk(struct made *m)
{
	m_whole(m, TS_EXPLICIT);
	m_fill(m, 20, 0);
	m_fill(m, 20, 'x');
}

/* ---- pixel data ------------------------------------------------------- */

static inline void fragments(struct made *m, uint32_t table)
{
	m_meta(m, TS_JPEG);
	m_ids(m);
	m_head(m, T_PIXELS, "OB", UNDEF);
	m_item(m, table);
	m_fill(m, table, 0);
	m_item(m, 6);
	m_bytes(m, "\xFF\xD8uvwx", 6);
	m_item(m, 2);
	m_bytes(m, "\xFF\xD9", 2);
}

static inline void s_fragments(struct made *m)
{
	fragments(m, 4);
	m_end(m, T_END_SQ);
	m_text(m, 0xFFFCFFFC, "OB", "");
}

static inline void s_fragments_no_table(struct made *m)
{
	fragments(m, 0);
	m_end(m, T_END_SQ);
}

static inline void s_fragments_not_closed(struct made *m)
{
	fragments(m, 0);
}

static inline void s_fragment_too_long(struct made *m)
{
	fragments(m, 0);
	m_item(m, 5000);
	m_fill(m, 10, 'x');
}

static inline void s_fragment_undefined(struct made *m)
{
	fragments(m, 0);
	m_item(m, UNDEF);
	m_fill(m, 10, 'x');
}

static inline void s_fragment_junk(struct made *m)
{
	fragments(m, 0);
	m_fill(m, 10, 'x');
}

static inline void s_icon(struct made *m)
{
	m_meta(m, TS_JPEG);
	m_ids(m);
	m_head(m, 0x00880200, "SQ", UNDEF);
	m_item(m, UNDEF);
	m_head(m, T_PIXELS, "OB", UNDEF);
	m_item(m, 0);
	m_item(m, 2);
	m_bytes(m, "\xFF\xD8", 2);
	m_end(m, T_END_SQ);
	m_end(m, T_END_IT);
	m_end(m, T_END_SQ);
}

#endif
