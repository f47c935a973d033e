/* export_convert.c - objects that go out in another transfer syntax. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work/export_private.h"
#include "work/transcode.h"

/* A file without a name, on the disk that the rest goes to. */
int export_scratch(struct img_export *x, const struct export_volume *v,
		   struct img_err *err)
{
	const char *tmp = getenv("TMPDIR");
	const char *dir = v->place.stream ? tmp ? tmp : "/tmp" : ".";
	int at = v->place.stream ? AT_FDCWD : v->place.parent_fd;
	int fd = openat(at, dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char name[] = "/tmp/imgexport.XXXXXX";

	(void)x;
	if (fd >= 0)
		return fd;
	/* FAT has no such files. */
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return img_err_sys(err, "destination");
	(void)unlink(name);
	return fd;
}

int export_tools_ready(struct img_export *x, unsigned worker,
		       struct img_err *err)
{
	struct export_tools *t = &x->tools[worker];

	if (!t->reader)
		t->reader = img_dicom_reader_new(err);
	if (!t->reader)
		return -1;
	if (t->session || !x->codec)
		return 0;
	return img_codec_session(x->codec, &t->session, err);
}

/* What is not an image has nothing to be compressed. */
static const char *target_of(int fd, const struct export_item *it,
			     struct img_err *err)
{
	const struct img_ts *to = img_ts_find(it->target);
	const char *target = it->target;
	const struct img_ts *from = img_ts_find(it->value[EX_TS]);
	const struct img_frames_facts *f;
	struct img_frames *frames;

	if (!to || to->kind != IMG_TS_ENCAPSULATED)
		return target;
	if (img_frames_open(&frames, fd, it->name, err) < 0)
		return NULL;
	f = img_frames_facts(frames);
	if (!f->has_pixels)
		target = from && !from->big && !from->deflated
				 ? ""
				 : "1.2.840.10008.1.2.1";
	img_frames_close(frames);
	return target;
}

/* The source has to be what it was before something is made of it. */
int export_check(struct export_item *it, int fd, struct img_err *err)
{
	uint8_t got[IMG_DIGEST_SIZE];

	if (export_hash(fd, it->name, false, got, err) < 0)
		return -1;
	if (it->known && memcmp(got, it->digest, sizeof(got)) != 0)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: damaged: it does not have the digest "
				   "it was stored with",
				   it->name);
	memcpy(it->digest, got, sizeof(got));
	it->known = true;
	return 0;
}

int export_convert(struct img_export *x, unsigned worker,
		   struct export_item *it, int fd, int out, struct img_err *err)
{
	struct img_transcode how = { .plain_vrs = x->opts.plain_vrs,
				     .allow_lossy = x->opts.allow_lossy };
	struct export_tools *t = &x->tools[worker];

	if (export_check(it, fd, err) < 0 ||
	    export_tools_ready(x, worker, err) < 0)
		return -1;
	how.to = target_of(fd, it, err);
	if (!how.to)
		return -1;
	if (!*how.to)
		return 0;
	if (img_transcode(t->session, t->reader, fd, it->name, &how, out, err) <
	    0)
		return -1;
	memcpy(it->source, it->digest, sizeof(it->source));
	it->value[EX_TS] = how.to;
	it->known = false;
	it->converted = true;
	return 1;
}

void export_tools_release(struct img_export *x)
{
	for (unsigned i = 0; i <= EXPORT_JOBS; i++) {
		img_codec_session_close(x->tools[i].session);
		img_dicom_reader_free(x->tools[i].reader);
	}
	img_codec_close(x->codec);
}
