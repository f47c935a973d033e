/* export_image.c - the forms png, jpeg and npy: frames as pictures or as
   arrays of their stored values. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "picture/picture.h"
#include "work/export_private.h"

#define EXPLICIT "1.2.840.10008.1.2.1"
#define QUALITY  90
#define GREAT    (4u << 20)

/* An object being shown. */
struct show {
	struct img_export *x;
	struct export_tools *tools;
	const char *name;
	int fd;
	struct img_frames *frames;
	const struct img_frames_facts *facts;
	struct img_picture *picture;
	struct img_buf bytes; /* of one frame */
	struct img_codec_image image;
};

static int take(const void *p, size_t n, void *arg, struct img_err *err)
{
	struct show *s = arg;

	return img_buf_add(&s->bytes, p, n, err);
}

static int frame(struct show *s, uint32_t i, struct img_err *err)
{
	const struct img_codec_request req = { .to = EXPLICIT };
	uint64_t size;

	img_buf_reset(&s->bytes);
	return img_codec_run(s->tools->session, s->frames, i, &req, &s->image,
			     &size, take, s, err);
}

static int show_open(struct show *s, struct img_export *x, unsigned worker,
		     int fd, const char *name, struct img_err *err)
{
	struct stat st;

	memset(s, 0, sizeof(*s));
	s->x = x;
	s->name = name;
	s->fd = fd;
	s->tools = &x->tools[worker];
	img_buf_init(&s->bytes, IMG_FRAME_MAX + 1);
	if (export_tools_ready(x, worker, err) < 0 ||
	    img_frames_open(&s->frames, fd, name, err) < 0)
		return -1;
	s->facts = img_frames_facts(s->frames);
	if (!s->facts->has_pixels || s->facts->frames == 0)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%s: no image that could be shown", name);
	if (img_frames_check(s->facts, name, err) < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return img_err_sys(err, "%s", name);
	if (img_dicom_start_fd(s->tools->reader, fd, (uint64_t)st.st_size, name,
			       NULL, err) < 0)
		return -1;
	return img_picture_open(&s->picture, s->tools->reader, name, err);
}

static void show_close(struct show *s)
{
	img_picture_close(s->picture);
	img_frames_close(s->frames);
	img_buf_release(&s->bytes);
}

/* out: -1 when nothing is to be written. */
static int put(int out, struct export_sum *sum, const struct img_buf *b,
	       struct img_err *err)
{
	export_sum_add(sum, b->data, b->len);
	return out >= 0 && img_write_full(out, b->data, b->len) < 0
		       ? img_err_sys(err, "destination")
		       : 0;
}

/* ---- pictures ---------------------------------------------------------- */

static int picture(struct show *s, uint32_t i, bool jpeg, unsigned size,
		   struct img_buf *out, struct img_err *err)
{
	struct img_raster r;
	int rc;

	if (frame(s, i, err) < 0 ||
	    img_picture_render(s->picture, i, &s->image, s->bytes.data,
			       s->bytes.len, &s->x->window, size, &r, err) < 0)
		return -1;
	/* One great frame as it is stored, or as it is shown, not both. */
	if (s->bytes.len > GREAT)
		img_buf_release(&s->bytes);
	rc = jpeg ? img_picture_jpeg(&r, QUALITY, out, err)
		  : img_picture_png(&r, out, err);
	img_raster_release(&r);
	return rc;
}

int export_preview(struct img_export *x, const struct export_item *it,
		   unsigned size, struct img_buf *jpeg, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct show s;
	int fd = export_source(x, it, &why), rc;

	if (fd < 0)
		return 0;
	rc = show_open(&s, x, EXPORT_JOBS, fd, it->name, &why);
	if (rc == 0)
		rc = picture(&s, s.facts->frames / 2, true, size, jpeg, &why);
	show_close(&s);
	close(fd);
	/* A page without a preview is still a page. */
	if (rc < 0 && why.code == IMG_E_NOMEM)
		return img_err_set(err, why.code, "%s", why.text);
	return rc == 0;
}

/* ---- arrays: NumPy's format 1.0 ---------------------------------------- */

/* The stored value alone: neither what lies beside its bits nor below them, and
   with its sign (PS3.5 8.1.1). */
static void settle(struct show *s)
{
	const struct img_codec_image *m = &s->image;
	unsigned unit = m->allocated / 8u, bits = m->stored;
	unsigned low = m->high + 1u - bits;
	uint64_t sign = m->representation ? UINT64_C(1) << (bits - 1) : 0;
	uint8_t *end = (uint8_t *)s->bytes.data + s->bytes.len;

	if (bits == m->allocated)
		return;
	for (uint8_t *p = (uint8_t *)s->bytes.data; p + unit <= end;
	     p += unit) {
		uint64_t v = 0;

		for (unsigned i = unit; i-- > 0;)
			v = v << 8 | p[i];
		v = v >> low & ((UINT64_C(1) << bits) - 1);
		v = (v ^ sign) - sign;
		for (unsigned i = 0; i < unit; i++, v >>= 8)
			p[i] = (uint8_t)v;
	}
}

static int npy_head(struct show *s, struct img_buf *b, struct img_err *err)
{
	const struct img_codec_image *m = &s->image;
	uint64_t samples = (uint64_t)m->rows * m->columns * m->samples;
	char text[192], last[16] = "";
	int n;
	size_t pad;

	if (m->planar && m->samples > 1)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%s: colour by plane", s->name);
	if (s->bytes.len != samples * (m->allocated / 8u))
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%s: samples that are no whole bytes",
				   s->name);
	if (m->samples > 1)
		snprintf(last, sizeof(last), ", %u", m->samples);
	n = snprintf(text, sizeof(text),
		     "{'descr': '%c%c%u', 'fortran_order': False, "
		     "'shape': (%u, %u, %u%s), }",
		     m->allocated == 8 ? '|' : '<',
		     m->representation ? 'i' : 'u', m->allocated / 8u,
		     s->facts->frames, m->rows, m->columns, last);
	pad = (64 - (size_t)(10 + n + 1) % 64) % 64;
	if (img_buf_add(b, "\x93NUMPY\1\0", 8, err) < 0 ||
	    img_buf_putc(b, (char)((n + 1 + pad) & 0xFF), err) < 0 ||
	    img_buf_putc(b, (char)((n + 1 + pad) >> 8), err) < 0)
		return -1;
	return img_buf_printf(b, err, "%s%*s\n", text, (int)pad, "");
}

static int npy(struct show *s, int out, struct export_sum *sum,
	       struct img_err *err)
{
	struct img_buf head;
	int rc = 0;

	img_buf_init(&head, 1024);
	for (uint32_t i = 0; rc == 0 && i < s->facts->frames; i++) {
		rc = frame(s, i, err);
		if (rc == 0 && i == 0)
			rc = npy_head(s, &head, err) < 0
				     ? -1
				     : put(out, sum, &head, err);
		if (rc < 0)
			break;
		settle(s);
		rc = put(out, sum, &s->bytes, err);
	}
	img_buf_release(&head);
	return rc;
}

/* ---- files ------------------------------------------------------------- */

const char *export_extension(enum img_export_form form)
{
	return form == IMG_EXPORT_PNG    ? ".png"
	       : form == IMG_EXPORT_JPEG ? ".jpg"
	       : form == IMG_EXPORT_NPY  ? ".npy"
					 : NULL;
}

/* "1.png", and with frames "1-f0001.png". */
static int name_of(struct img_export *x, const struct export_item *it,
		   uint32_t i, uint32_t frames, char *out, struct img_err *err)
{
	const char *ext = export_extension(x->opts.form);
	int n = (int)(strlen(it->out) - strlen(ext)), len;

	len = frames > 1 && x->opts.form != IMG_EXPORT_NPY
		      ? snprintf(out, IMG_PATH_MAX, "%.*s-f%04u%s", n, it->out,
				 i + 1, ext)
		      : snprintf(out, IMG_PATH_MAX, "%s", it->out);
	return len < IMG_PATH_MAX
		       ? 0
		       : img_err_set(err, IMG_E_LIMIT, "%s: --layout: too long",
				     it->name);
}

static int write_frame(struct show *s, uint32_t i, int out,
		       struct export_sum *sum, struct img_err *err)
{
	struct img_buf b;
	int rc;

	if (s->x->opts.form == IMG_EXPORT_NPY)
		return npy(s, out, sum, err);
	img_buf_init(&b, (size_t)IMG_FRAME_MAX * 2);
	rc = picture(s, i, s->x->opts.form == IMG_EXPORT_JPEG, 0, &b, err);
	if (rc == 0)
		rc = put(out, sum, &b, err);
	img_buf_release(&b);
	return rc;
}

static int write_file(struct show *s, struct export_volume *v,
		      const struct export_item *it, uint32_t i, uint32_t files,
		      struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	char name[IMG_PATH_MAX];
	struct export_sum sum;
	int fd, rc;

	if (name_of(s->x, it, i, files, name, err) < 0)
		return -1;
	fd = export_new_file(v->place.fd, name, &why);
	if (fd < 0 && errno == EEXIST)
		return img_err_set(err, IMG_E_IO,
				   "%s: another object has a picture of its "
				   "name",
				   it->name);
	if (fd < 0)
		return img_err_set(err, why.code, "%s", why.text);
	export_sum_init(&sum);
	rc = write_frame(s, i, fd, &sum, err);
	export_set_time(fd, it->mtime);
	if (close(fd) < 0 && rc == 0)
		rc = img_err_sys(err, "destination");
	if (rc < 0)
		(void)unlinkat(v->place.fd, name, 0);
	else
		rc = export_wrote(s->x, v, name, &sum, err);
	export_sum_drop(&sum);
	return rc;
}

/* What the item's record says of its pictures. */
static int tell(struct show *s, unsigned worker, struct export_item *it,
		uint32_t files, struct img_err *err)
{
	char name[IMG_PATH_MAX];

	if (name_of(s->x, it, 0, files, name, err) < 0)
		return -1;
	it->shown = arena_text(&s->x->worker_arena[worker], name, strlen(name));
	it->files = files;
	return it->shown ? 0 : img_err_set(err, IMG_E_NOMEM, "out of memory");
}

/* v: NULL when nothing is to be written. */
static int write_object(struct img_export *x, unsigned worker,
			struct export_volume *v, struct export_item *it, int fd,
			struct img_err *err)
{
	struct show s;
	uint32_t files = 0, done = 0;
	int rc = export_check(it, fd, err);

	memset(&s, 0, sizeof(s));
	if (rc == 0)
		rc = show_open(&s, x, worker, fd, it->name, err);
	if (rc == 0)
		files = x->opts.form == IMG_EXPORT_NPY ? 1 : s.facts->frames;
	while (rc == 0 && done < files && !export_stopped(x)) {
		struct export_sum sum;

		export_sum_init(&sum);
		rc = v ? write_file(&s, v, it, done, files, err)
		       : write_frame(&s, done, -1, &sum, err);
		export_sum_drop(&sum);
		done += rc == 0;
	}
	/* Some of its frames are no image: none of it goes out. */
	while (rc < 0 && v && done-- > 0) {
		char name[IMG_PATH_MAX];
		struct img_err no = IMG_ERR_INIT;

		if (name_of(x, it, done, files, name, &no) == 0)
			export_unwrote(x, v, name);
	}
	if (rc == 0)
		rc = tell(&s, worker, it, files, err);
	show_close(&s);
	return rc;
}

int export_image_try(struct img_export *x, unsigned worker,
		     struct export_item *it, int fd, struct img_err *err)
{
	return write_object(x, worker, NULL, it, fd, err);
}

static int put_item(struct img_export *x, unsigned worker,
		    struct export_item *it, void *arg, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	int fd = export_source(x, it, &why);
	int rc = fd < 0 ? -1 : write_object(x, worker, arg, it, fd, &why);

	if (fd >= 0)
		close(fd);
	if (rc == 0) {
		it->state = EX_WRITTEN;
		it->proved = !x->opts.trust; /* as its files are */
		export_done(x, it);
		return 0;
	}
	return export_failed(x, worker, it, &why, err);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct export_extra *)a)->name,
		      ((const struct export_extra *)b)->name);
}

/* Threads and folders give them in any order. */
void export_sort_extras(struct export_volume *v)
{
	if (v->extras)
		qsort(v->extra, v->extras, sizeof(*v->extra), by_name);
}

int export_image_items(struct img_export *x, struct export_volume *v,
		       struct img_err *err)
{
	if (export_each(x, v, put_item, v, err) < 0)
		return -1;
	export_sort_extras(v);
	return 0;
}
