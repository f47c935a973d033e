/*
 * deflated.c - frames of deflated objects (PS3.5 A.5).
 *
 * The data set is inflated from its beginning up to the frame, by our own
 * reader and under its limits, and the frame's bytes go to a file in memory,
 * where the worker finds them like those of any other object.  Frames asked
 * for in order cost one pass.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/inside.h"

/* Goes to the pixel data again. */
static int rewind_to(struct img_frames *f, struct img_err *err)
{
	struct img_dicom_event ev;
	struct stat st;
	int rc;

	if (fstat(f->fd, &st) < 0)
		return img_err_sys(err, "%s", f->name);
	if (img_dicom_start_fd(f->reader, f->fd, (uint64_t)st.st_size, f->name,
			       NULL, err) < 0)
		return -1;
	while ((rc = img_dicom_next(f->reader, &ev, err)) == 1)
		if (ev.offset == f->facts.at && !ev.depth &&
		    ev.kind == IMG_DICOM_ELEMENT)
			break;
	if (rc == 0)
		return img_err_set(err, IMG_E_IO, "%s: changed meanwhile",
				   f->name);
	f->inflated = 0;
	f->positioned = rc == 1;
	return rc < 0 ? -1 : 0;
}

static int copy(struct img_frames *f, uint64_t at, uint64_t n, int fd,
		struct img_err *err)
{
	uint8_t part[16384];

	while (n) {
		size_t want = n < sizeof(part) ? (size_t)n : sizeof(part);

		f->positioned = false;
		if (img_dicom_value(f->reader, at, part, want, err) < 0)
			return -1;
		f->positioned = true;
		if (img_write_full(fd, part, want) < 0)
			return img_err_sys(err, "%s: frame in memory", f->name);
		at += want;
		n -= want;
		f->inflated = at;
	}
	return 0;
}

int img_frames_inflate(struct img_frames *f, const struct img_frames_piece *at,
		       int *fd, struct img_err *err)
{
	uint64_t from = at->at - f->facts.at;
	int out;

	if ((!f->positioned || from < f->inflated) && rewind_to(f, err) < 0)
		return -1;
	out = memfd_create("frame", MFD_CLOEXEC);
	if (out < 0)
		return img_err_sys(err, "%s: frame in memory", f->name);
	if (copy(f, from, at->length, out, err) < 0) {
		close(out);
		return -1;
	}
	*fd = out;
	return 0;
}
