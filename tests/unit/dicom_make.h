/* dicom_make.h - a builder of DICOM streams that writes anything, right or
   wrong. */
#ifndef DICOM_MAKE_H
#define DICOM_MAKE_H

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "dicom/dicom.h"

#define TS_IMPLICIT "1.2.840.10008.1.2"
#define TS_EXPLICIT "1.2.840.10008.1.2.1"
#define TS_DEFLATED "1.2.840.10008.1.2.1.99"
#define TS_BIG      "1.2.840.10008.1.2.2"
#define TS_JPEG     "1.2.840.10008.1.2.4.50"
#define SC_CLASS    "1.2.840.10008.5.1.4.1.1.7"
#define UNDEF       IMG_UNDEFINED_LEN

#define T_ITEM   0xFFFEE000u
#define T_END_IT 0xFFFEE00Du
#define T_END_SQ 0xFFFEE0DDu
#define T_PIXELS 0x7FE00010u

struct made {
	struct img_buf b;
	bool implicit, big;
};

static inline void m_bytes(struct made *m, const void *p, size_t n)
{
	struct img_err err = IMG_ERR_INIT;

	if (n && img_buf_add(&m->b, p, n, &err) < 0)
		abort();
}

static inline void m_u16(struct made *m, uint32_t v)
{
	uint8_t p[2] = { (uint8_t)v, (uint8_t)(v >> 8) };
	uint8_t q[2] = { p[1], p[0] };

	m_bytes(m, m->big ? q : p, 2);
}

static inline void m_u32(struct made *m, uint32_t v)
{
	m_u16(m, m->big ? v >> 16 : v & 0xFFFF);
	m_u16(m, m->big ? v & 0xFFFF : v >> 16);
}

static inline void m_tag(struct made *m, uint32_t tag)
{
	m_u16(m, tag >> 16);
	m_u16(m, tag & 0xFFFF);
}

static inline void m_head(struct made *m, uint32_t tag, const char *vr,
			  uint32_t length)
{
	m_tag(m, tag);
	if (m->implicit) {
		m_u32(m, length);
		return;
	}
	m_bytes(m, vr, 2);
	if (img_vr_is_long(vr)) {
		m_u16(m, 0);
		m_u32(m, length);
	} else {
		m_u16(m, length);
	}
}

static inline void m_put(struct made *m, uint32_t tag, const char *vr,
			 const void *p, size_t n)
{
	m_head(m, tag, vr, (uint32_t)n);
	m_bytes(m, p, n);
}

static inline void m_text(struct made *m, uint32_t tag, const char *vr,
			  const char *text)
{
	size_t n = strlen(text);

	m_head(m, tag, vr, (uint32_t)(n + (n & 1)));
	m_bytes(m, text, n);
	if (n & 1)
		m_bytes(m, memcmp(vr, "UI", 2) ? " " : "", 1);
}

static inline void m_short(struct made *m, uint32_t tag, uint32_t v)
{
	m_head(m, tag, "US", 2);
	m_u16(m, v);
}

static inline void m_item(struct made *m, uint32_t length)
{
	m_tag(m, T_ITEM);
	m_u32(m, length);
}

static inline void m_end(struct made *m, uint32_t tag)
{
	m_tag(m, tag);
	m_u32(m, 0);
}

static inline void m_fill(struct made *m, size_t n, int c)
{
	uint8_t block[256];

	memset(block, c, sizeof(block));
	for (; n > sizeof(block); n -= sizeof(block))
		m_bytes(m, block, sizeof(block));
	m_bytes(m, block, n);
}

/* Preamble, magic and a right file meta group. */
static inline void m_meta(struct made *m, const char *ts)
{
	struct made g = { .implicit = false };

	img_buf_init(&g.b, 4096);
	m_put(&g, 0x00020001, "OB", "\0\1", 2);
	m_text(&g, 0x00020002, "UI", SC_CLASS);
	m_text(&g, 0x00020003, "UI", "2.25.1");
	m_text(&g, 0x00020010, "UI", ts);
	m_text(&g, 0x00020012, "UI", "2.25.2");
	m_fill(m, 128, 0);
	m_bytes(m, "DICM", 4);
	m_head(m, 0x00020000, "UL", 4);
	m_u32(m, (uint32_t)g.b.len);
	m_bytes(m, g.b.data, g.b.len);
	img_buf_release(&g.b);
	m->implicit = strcmp(ts, TS_IMPLICIT) == 0;
	m->big = strcmp(ts, TS_BIG) == 0;
}

/* The identifying part of a small image. */
static inline void m_ids(struct made *m)
{
	m_text(m, 0x00080005, "CS", "ISO_IR 192");
	m_text(m, 0x00080016, "UI", SC_CLASS);
	m_text(m, 0x00080018, "UI", "2.25.1");
	m_text(m, 0x00080020, "DA", "20260102");
	m_text(m, 0x00080060, "CS", "OT");
	m_text(m, 0x00100010, "PN", "Test^Synthetic");
	m_text(m, 0x00100020, "LO", "T1");
	m_text(m, 0x0020000D, "UI", "2.25.3");
	m_text(m, 0x0020000E, "UI", "2.25.4");
	m_text(m, 0x00200013, "IS", "1");
}

static inline void m_pixels(struct made *m)
{
	m_short(m, 0x00280010, 2);
	m_short(m, 0x00280011, 2);
	m_short(m, 0x00280100, 16);
	m_head(m, T_PIXELS, "OW", 8);
	for (int i = 0; i < 4; i++)
		m_u16(m, 0x0102u * (unsigned)i);
}

static inline void m_whole(struct made *m, const char *ts)
{
	m_meta(m, ts);
	m_ids(m);
	m_pixels(m);
}

static inline void m_deflate(struct made *m, size_t from, int bits)
{
	size_t n = m->b.len - from, room = n + n / 100 + 1000;
	uint8_t *out = malloc(room);
	z_stream z;

	memset(&z, 0, sizeof(z));
	if (!out || deflateInit2(&z, 9, Z_DEFLATED, bits, 8,
				 Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	z.next_in = (Bytef *)m->b.data + from;
	z.avail_in = (uInt)n;
	z.next_out = out;
	z.avail_out = (uInt)room;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	m->b.len = from;
	m_bytes(m, out, (size_t)z.total_out);
	if (z.total_out & 1)
		m_bytes(m, "", 1);
	deflateEnd(&z);
	free(out);
}

#endif
