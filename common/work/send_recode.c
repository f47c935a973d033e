/* send_recode.c - the same object in another transfer syntax. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/send_private.h"
#include "work/transcode.h"

static bool is_native(const char *ts)
{
	const struct img_ts *t = img_ts_find(ts);

	return t && t->kind == IMG_TS_NATIVE;
}

bool send_recodes(const struct img_send *s, const char *from, const char *to)
{
	const struct img_ts *f = img_ts_find(from), *t = img_ts_find(to);

	if (!t || t->kind != IMG_TS_NATIVE || t->big || t->deflated)
		return false;
	if (is_native(from))
		return true;
	/* Video and what was compressed with loss never become native unasked:
	   that makes them big and hides the loss. */
	return s->codec && f && !f->video && img_codec_decodes(from) &&
	       (s->opts.allow_lossy || !img_codec_is_lossy(from));
}

bool send_is_odd(const struct send_loaded *d)
{
	return d->length & 1;
}

/* Tables of frames are copied as they are, so fragments must not grow where
   there are several. */
static int may_pad(int in, const char *name, const char *to,
		   struct img_err *err)
{
	const struct img_frames_facts *facts;
	struct img_frames *f = NULL;
	bool may;

	if (img_frames_open(&f, in, name, err) < 0)
		return -1;
	facts = img_frames_facts(f);
	may = img_ts_find(to) && (facts->native || facts->frames <= 1);
	img_frames_close(f);
	return may ? 0
		   : img_err_set(err, IMG_E_UNSUPPORTED,
				 "%s: its data set has an odd length, which "
				 "cannot be sent (PS3.8 9.3.5.1)",
				 name);
}

/* A file without a name: in memory, or beside other temporary ones. */
static int make_file(uint64_t bytes, struct img_err *err)
{
	const char *dir = getenv("TMPDIR");
	char name[IMG_PATH_MAX];
	int fd;

	if (bytes <= SEND_MEMORY / 4) {
		fd = memfd_create("imgsend", MFD_CLOEXEC);
		return fd < 0 ? img_err_sys(err, "memory") : fd;
	}
	if (img_path_join(name, sizeof(name), dir ? dir : "/tmp",
			  "imgsend.XXXXXX", err) < 0)
		return -1;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return img_err_sys(err, "%s", name);
	unlink(name);
	return fd;
}

static int transcode(struct send_loader *l, struct send_item *it, int in,
		     bool odd, const char *to, int out, struct img_err *err)
{
	const struct img_transcode how = { .to = to,
					   .allow_lossy =
						   l->s->opts.allow_lossy };
	const char *name = it->path ? it->path : "object";

	if (odd && may_pad(in, name, to, err) < 0)
		return -1;
	if (l->s->codec && !l->session &&
	    img_codec_session(l->s->codec, &l->session, err) < 0)
		return -1;
	return img_transcode(l->session, l->reader, in, name, &how, out, err);
}

int send_recode(struct send_loader *l, struct send_item *it,
		struct send_loaded *d, const char *to, struct img_err *err)
{
	bool odd = send_is_odd(d);
	uint64_t bytes = 0;
	int in, out, rc = -1;

	in = send_open(l->s, it, &bytes, err);
	if (in < 0)
		return -1;
	out = make_file(bytes, err);
	if (out >= 0 && transcode(l, it, in, odd, to, out, err) == 0 &&
	    send_is_same(it, in, bytes, err) == 0)
		rc = send_reload(l, it, out, d, err);
	if (rc == 0 && send_is_odd(d))
		rc = img_err_set(err, IMG_E_BUG, "an odd length stays");
	it->padded |= odd;
	if (out >= 0 && out != d->fd)
		close(out);
	close(in);
	return rc;
}
