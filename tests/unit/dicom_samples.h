/*
 * dicom_samples.h - small DICOM streams, regular, odd and hostile, made in
 * memory, each with the verdict the reader has to give.
 *
 * Used by the unit tests, and written to files as seeds for the fuzzer.
 */
#ifndef DICOM_SAMPLES_H
#define DICOM_SAMPLES_H

#include "dicom_samples_nested.h"
#include "dicom_samples_plain.h"

/* ---- not for us ------------------------------------------------------- */

static inline void s_empty(struct made *m)
{
	(void)m;
}

static inline void s_text_file(struct made *m)
{
	m_bytes(m, "This is not a valid DICOM file.\n", 32);
	m_bytes(m, "This is not a valid DICOM file.\n", 32);
}

static inline void s_zeros(struct made *m)
{
	m_fill(m, 2000, 0);
}

static inline void s_only_magic(struct made *m)
{
	m_fill(m, 128, 0);
	m_bytes(m, "DICM", 4);
}

static inline void s_only_meta(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
}

static inline void s_meta_and_zeros(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_fill(m, 2000, 0);
}

static inline void s_command(struct made *m)
{
	m->implicit = true;
	m_head(m, 0x00000000, "UL", 4);
	m_u32(m, 10);
	m_short(m, 0x00000100, 0x8001);
}

static inline void s_command_in_data(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_text(m, 0x00080060, "CS", "OT");
	m_short(m, 0x00000100, 0x8001);
}

static inline void s_command_after_meta(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_short(m, 0x00000100, 0x8001);
}

/* ---- big ones, never written to files --------------------------------- */

static inline void s_million(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	for (uint32_t g = 0; g < 20; g++)
		for (uint32_t e = 0; e < 50000; e++)
			m_text(m, (0x0009 + 2 * g) << 16 | (0x1000 + e), "CS",
			       "x");
}

static inline void s_bomb(struct made *m)
{
	size_t from;

	m_meta(m, TS_DEFLATED);
	from = m->b.len;
	m_ids(m);
	m_head(m, 0x00420011, "OB", 64 << 20);
	m_fill(m, 64 << 20, 0);
	m_deflate(m, from, -15);
}

static inline void s_big_value(struct made *m)
{
	m_meta(m, TS_EXPLICIT);
	m_head(m, 0x00189999, "UT", 20 << 20);
	m_fill(m, 20 << 20, 'x');
	m_text(m, 0x00200010, "SH", "1");
}

/* ---- the list --------------------------------------------------------- */

struct sample {
	const char *name;
	void (*make)(struct made *m);
	enum img_code verdict;
	unsigned notes;
	bool big;
};

static const struct sample samples[] = {
	{ "explicit", s_explicit, IMG_OK, 0, false },
	{ "implicit", s_implicit, IMG_OK, 0, false },
	{ "big-endian", s_big, IMG_OK, 0, false },
	{ "deflated", s_deflated, IMG_OK, 0, false },
	{ "deflated-zlib", s_zlib, IMG_OK, IMG_NOTE_WRONG_SYNTAX, false },
	{ "not-deflated", s_not_deflated, IMG_OK, IMG_NOTE_WRONG_SYNTAX,
	  false },
	{ "unknown-syntax", s_unknown_ts, IMG_OK, IMG_NOTE_UNKNOWN_SYNTAX,
	  false },
	{ "no-preamble", s_no_preamble, IMG_OK,
	  IMG_NOTE_NO_PREAMBLE | IMG_NOTE_NO_META, false },
	{ "no-preamble-implicit", s_no_preamble_implicit, IMG_OK,
	  IMG_NOTE_NO_PREAMBLE | IMG_NOTE_NO_META, false },
	{ "no-preamble-big-endian", s_no_preamble_big, IMG_OK,
	  IMG_NOTE_NO_PREAMBLE | IMG_NOTE_NO_META, false },
	{ "meta-at-0", s_meta_at_0, IMG_OK,
	  IMG_NOTE_NO_PREAMBLE | IMG_NOTE_META_LENGTH, false },
	{ "magic-at-0", s_magic_at_0, IMG_OK,
	  IMG_NOTE_NO_PREAMBLE | IMG_NOTE_META_LENGTH, false },
	{ "no-meta", s_no_meta, IMG_OK, IMG_NOTE_NO_META, false },
	{ "magic-in-value", s_magic_in_value, IMG_OK,
	  IMG_NOTE_NO_PREAMBLE | IMG_NOTE_NO_META, false },
	{ "implicit-meta", s_implicit_meta, IMG_OK,
	  IMG_NOTE_WRONG_SYNTAX | IMG_NOTE_META_LENGTH, false },
	{ "meta-length-wrong", s_meta_length_wrong, IMG_OK,
	  IMG_NOTE_META_LENGTH, false },
	{ "wrong-syntax", s_wrong_syntax, IMG_OK, IMG_NOTE_WRONG_SYNTAX,
	  false },
	{ "wrong-byte-order", s_wrong_order, IMG_OK, IMG_NOTE_WRONG_SYNTAX,
	  false },
	{ "native-in-jpeg", s_native_in_jpeg, IMG_OK, IMG_NOTE_NATIVE_PIXELS,
	  false },
	{ "meta-in-data", s_meta_in_data, IMG_OK, IMG_NOTE_META_IN_DATA,
	  false },
	{ "program", s_program, IMG_OK, IMG_NOTE_ACTIVE_PREAMBLE, false },
	{ "order", s_order, IMG_OK, IMG_NOTE_ORDER, false },
	{ "odd-length", s_odd, IMG_OK, IMG_NOTE_ODD_LENGTH, false },
	{ "future-vr", s_future_vr, IMG_OK, IMG_NOTE_BAD_VR, false },
	{ "implicit-inside", s_implicit_inside, IMG_OK, IMG_NOTE_BAD_VR,
	  false },
	{ "short-bad-vr", s_short_bad_vr, IMG_OK, IMG_NOTE_BAD_VR, false },

	{ "sequences", s_sequences, IMG_OK, 0, false },
	{ "sequences-implicit", s_sequences_implicit, IMG_OK, 0, false },
	{ "un-implicit", s_un_implicit, IMG_OK, IMG_NOTE_UN_IMPLICIT, false },
	{ "un-explicit", s_un_explicit, IMG_OK, 0, false },
	{ "un-in-big-endian", s_un_in_big, IMG_OK, IMG_NOTE_UN_IMPLICIT,
	  false },
	{ "un-big-in-big", s_un_big_in_big, IMG_OK, IMG_NOTE_UN_IMPLICIT,
	  false },
	{ "un-empty", s_un_empty, IMG_OK, IMG_NOTE_UN_IMPLICIT, false },
	{ "nest64", s_nest64, IMG_OK, 0, false },
	{ "nest65", s_nest65, IMG_E_LIMIT, 0, false },
	{ "nest20000", s_nest20000, IMG_E_LIMIT, 0, true },

	{ "stray", s_stray, IMG_OK, IMG_NOTE_STRAY_DELIMITER, false },
	{ "no-item-end", s_no_item_end, IMG_OK, IMG_NOTE_STRAY_DELIMITER,
	  false },
	{ "item-at-top", s_item_at_top, IMG_E_MALFORMED, 0, false },
	{ "element-in-sequence", s_element_in_sequence, IMG_E_MALFORMED, 0,
	  false },
	{ "delimiter-with-length", s_delimiter_with_length, IMG_E_MALFORMED, 0,
	  false },

	{ "hugelen-ob", s_hugelen_ob, IMG_E_TRUNCATED, 0, false },
	{ "hugelen-uc", s_hugelen_uc, IMG_E_TRUNCATED, 0, false },
	{ "hugelen-sq", s_hugelen_sq, IMG_E_TRUNCATED, 0, false },
	{ "hugelen-item", s_hugelen_item, IMG_E_TRUNCATED, 0, false },
	{ "short-value", s_short_value, IMG_E_TRUNCATED, 0, false },
	{ "beyond-item", s_beyond_item, IMG_E_MALFORMED, 0, false },
	{ "item-beyond-sequence", s_item_beyond_sequence, IMG_E_MALFORMED, 0,
	  false },
	{ "cut-in-item", s_cut_in_item, IMG_E_MALFORMED, 0, false },
	{ "undefined-text", s_undefined_text, IMG_E_MALFORMED, 0, false },
	{ "not-closed", s_not_closed, IMG_E_TRUNCATED, 0, false },
	{ "not-closed-inside", s_not_closed_inside, IMG_E_MALFORMED, 0, false },
	{ "half-header", s_half_header, IMG_E_TRUNCATED, 0, false },
	{ "half-long-header", s_half_long_header, IMG_E_TRUNCATED, 0, false },
	{ "cut-meta", s_cut_meta, IMG_E_TRUNCATED, 0, false },
	{ "cut-deflate", s_cut_deflate, IMG_E_TRUNCATED, 0, false },
	{ "bad-deflate", s_bad_deflate, IMG_E_MALFORMED, 0, false },
	{ "deflated-short", s_deflated_short, IMG_E_TRUNCATED, 0, false },

	{ "padding", s_padding, IMG_OK, 0, false },
	{ "zero-tail", s_zero_tail, IMG_OK, IMG_NOTE_TRAILING, false },
	{ "zero-tail-no-pixels", s_zero_tail_no_pixels, IMG_OK,
	  IMG_NOTE_TRAILING, false },
	{ "junk-tail", s_junk_tail, IMG_OK, IMG_NOTE_TRAILING, false },
	{ "tiny-junk-tail", s_tiny_junk_tail, IMG_OK, IMG_NOTE_TRAILING,
	  false },
	{ "zero-then-junk", s_zero_then_junk, IMG_OK, IMG_NOTE_TRAILING,
	  false },

	{ "fragments", s_fragments, IMG_OK, 0, false },
	{ "fragments-no-table", s_fragments_no_table, IMG_OK, 0, false },
	{ "fragments-not-closed", s_fragments_not_closed, IMG_E_TRUNCATED, 0,
	  false },
	{ "fragment-too-long", s_fragment_too_long, IMG_E_TRUNCATED, 0, false },
	{ "fragment-undefined", s_fragment_undefined, IMG_E_MALFORMED, 0,
	  false },
	{ "fragment-junk", s_fragment_junk, IMG_E_MALFORMED, 0, false },
	{ "icon", s_icon, IMG_OK, 0, false },

	{ "empty", s_empty, IMG_E_NOT_DICOM, 0, false },
	{ "text", s_text_file, IMG_E_NOT_DICOM, 0, false },
	{ "zeros", s_zeros, IMG_E_NOT_DICOM, 0, false },
	{ "only-magic", s_only_magic, IMG_E_TRUNCATED, 0, false },
	{ "only-meta", s_only_meta, IMG_E_NOT_DICOM, 0, false },
	{ "meta-and-zeros", s_meta_and_zeros, IMG_E_NOT_DICOM, 0, false },
	{ "command", s_command, IMG_E_NOT_DICOM, 0, false },
	{ "command-in-data", s_command_in_data, IMG_E_MALFORMED, 0, false },
	{ "command-after-meta", s_command_after_meta, IMG_E_NOT_DICOM, 0,
	  false },

	{ "million", s_million, IMG_OK, 0, true },
	{ "bomb", s_bomb, IMG_E_LIMIT, 0, true },
	{ "big-value", s_big_value, IMG_OK, 0, true },
};
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

/* Release m->b. */
static inline void sample_make(const struct sample *s, struct made *m)
{
	memset(m, 0, sizeof(*m));
	img_buf_init(&m->b, 128u << 20);
	s->make(m);
}

static inline const struct sample *sample_find(const char *name)
{
	for (size_t i = 0; i < SAMPLES; i++)
		if (strcmp(samples[i].name, name) == 0)
			return &samples[i];
	abort();
}

#endif
