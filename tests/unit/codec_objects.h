/* codec_objects.h - for codec.c and codec_session.c: objects in memory. */
#ifndef TESTS_CODEC_OBJECTS_H
#define TESTS_CODEC_OBJECTS_H

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "codec/inside.h"
#include "dicom_make.h"

#define TS_RLE "1.2.840.10008.1.2.5"
#define TS_JXL "1.2.840.10008.1.2.4.110"

static int file_of(struct made *m)
{
	int fd = memfd_create("object", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(img_write_full(fd, m->b.data, m->b.len), 0);
	img_buf_release(&m->b);
	return fd;
}

static void head(struct made *m, const char *ts, const char *frames)
{
	*m = (struct made){ .implicit = false };
	img_buf_init(&m->b, 1 << 20);
	m_meta(m, ts);
	m_ids(m);
	m_text(m, 0x00280004, "CS", "MONOCHROME2");
	if (frames)
		m_text(m, 0x00280008, "IS", frames);
	m_short(m, 0x00280010, 4);
	m_short(m, 0x00280011, 4);
	m_short(m, 0x00280100, 8);
}

#endif
