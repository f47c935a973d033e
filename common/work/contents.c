/* contents.c - what an archive has, for the DICOMDIRs in it. */
#include <stdlib.h>
#include <string.h>

#include "media/media.h"
#include "work/dicomdir.h"

void contents_init(struct contents *c)
{
	memset(c, 0, sizeof(*c));
	img_buf_init(&c->names.keys, 32ul * 1024 * 1024);
	img_buf_init(&c->objects, 4ul * 1024 * 1024);
}

static void discs_free(struct disc *d)
{
	while (d) {
		struct disc *next = d->next;

		free(d->path);
		free(d->name);
		free(d->prefix);
		img_buf_release(&d->bytes);
		free(d);
		d = next;
	}
}

void contents_release(struct contents *c)
{
	discs_free(c->discs);
	img_buf_release(&c->names.keys);
	img_buf_release(&c->objects);
}

/* Names are only evidence: that there are too many for it is no failure. */
void contents_note(struct contents *c, const char *name, const uint8_t *p,
		   size_t n)
{
	struct img_err ignored = IMG_ERR_INIT;

	(void)names_add(&c->names, name, &ignored);
	if (img_dicom_looks_like(p, n))
		(void)img_buf_add(&c->objects, name, strlen(name) + 1,
				  &ignored);
}

/* By its name, or by the class that its file meta information gives. */
static bool is_dicomdir(const char *base, const uint8_t *p, size_t n)
{
	static const char class[] = "\2\0\2\0UI\24\0"
				    "1.2.840.10008.1.3.10";

	return img_media_name_match("DICOMDIR", base) ||
	       memmem(p, n < 1024 ? n : 1024, class, sizeof(class) - 1);
}

/* What those kept take up in memory; all of it when they are too many. */
static size_t discs_size(const struct contents *c)
{
	size_t size = 0, count = 0;

	for (const struct disc *d = c->discs; d; d = d->next, count++)
		size += d->bytes.len + sizeof(*d) + 3 * strlen(d->path);
	return count < DISCS_MAX && size < DISC_MAX ? size : DISC_MAX;
}

int contents_disc(struct contents *c, const struct img_member *m,
		  const uint8_t *p, size_t n, struct disc **out,
		  struct img_err *err)
{
	const char *base = img_path_base(m->name);
	size_t left = DISC_MAX - discs_size(c);
	struct disc *d;

	if (!img_dicom_looks_like(p, n) || m->size > left ||
	    !is_dicomdir(base, p, n))
		return 0;
	d = calloc(1, sizeof(*d));
	if (!d)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	d->next = c->discs;
	c->discs = d;
	img_buf_init(&d->bytes, left);
	d->prefix = strndup(m->name, (size_t)(base - m->name));
	*out = d;
	return d->prefix ? 1 : img_err_set(err, IMG_E_NOMEM, "out of memory");
}

int contents_check(struct contents *c, struct img_ingest *g, uint64_t *absent,
		   struct img_err *err)
{
	for (struct disc *d = c->discs; d; d = d->next)
		if (check_dicomdir_member(g, d, &c->names, &c->objects, absent,
					  err) < 0)
			return -1;
	return 0;
}
