/*
 * dicomdir.c - the DICOMDIR of a volume.
 *
 * DCMTK writes it into a folder of ours that goes away; our own reader reads
 * it back and compares it with the plan, and only then are the bytes handed
 * over.  So no error that DCMTK does not report can reach a disc.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "dcmtk/dcmtk.h"
#include "media/directory.h"

/* ---- records ---------------------------------------------------------- */

void media_mark(struct img_media_set *m, unsigned volume)
{
	for (size_t i = 0; i < m->group_count; i++)
		m->groups[i].on = false;
	for (size_t i = 0; i < m->object_count; i++) {
		const struct object *o = &m->objects[i];

		if (!media_is_listed(o) || o->volume != volume)
			continue;
		for (size_t g = o->series; g != NONE; g = m->groups[g].parent)
			m->groups[g].on = true;
	}
}

static int begin(struct directory *d, size_t parent, struct img_err *err)
{
	if (d->count == d->room) {
		size_t room = d->room ? 2 * d->room : 64;
		struct entry *more = realloc(d->entry, room * sizeof *more);

		if (!more)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		d->entry = more;
		d->room = room;
	}
	d->entry[d->count] = (struct entry){ .parent = parent,
					     .at = d->bytes.len,
					     .next = NONE,
					     .child = NONE };
	return 0;
}

/* Chains it to the one before it, and to its parent. */
static void end(struct directory *d, size_t *before)
{
	struct entry *e = &d->entry[d->count];

	e->size = d->bytes.len - e->at;
	e->sum = img_sum64(d->bytes.data + e->at, e->size);
	if (*before != NONE)
		d->entry[*before].next = d->count;
	else if (e->parent != NONE)
		d->entry[e->parent].child = d->count;
	*before = d->count++;
}

static int add_group(struct img_media_set *m, struct directory *d,
		     const struct group *g, size_t parent, size_t *before,
		     struct img_err *err)
{
	if (begin(d, parent, err) < 0 ||
	    media_encode_group(m, g, &d->bytes, err) < 0)
		return -1;
	end(d, before);
	return 0;
}

static int add_objects(struct img_media_set *m, struct directory *d,
		       size_t first, unsigned volume, size_t parent,
		       size_t *before, struct img_err *err)
{
	for (size_t i = first; i != NONE; i = m->objects[i].next) {
		const struct object *o = &m->objects[i];

		if (!media_is_listed(o) || o->volume != volume)
			continue;
		if (begin(d, parent, err) < 0 ||
		    media_encode_object(m, o, &d->bytes, err) < 0)
			return -1;
		end(d, before);
	}
	return 0;
}

static int add_study(struct img_media_set *m, struct directory *d,
		     const struct group *study, unsigned volume,
		     struct img_err *err)
{
	size_t parent = d->count - 1, before = NONE;

	for (size_t i = study->first; i != NONE; i = m->groups[i].next) {
		const struct group *g = &m->groups[i];
		size_t last = NONE;

		if (!g->on)
			continue;
		if (add_group(m, d, g, parent, &before, err) < 0 ||
		    add_objects(m, d, g->first, volume, before, &last, err) < 0)
			return -1;
	}
	return 0;
}

static int add_patient(struct img_media_set *m, struct directory *d,
		       const struct group *patient, unsigned volume,
		       struct img_err *err)
{
	size_t parent = d->count - 1, before = NONE;

	for (size_t i = patient->first; i != NONE; i = m->groups[i].next) {
		const struct group *g = &m->groups[i];

		if (g->on && (add_group(m, d, g, parent, &before, err) < 0 ||
			      add_study(m, d, g, volume, err) < 0))
			return -1;
	}
	return 0;
}

static int add_all(struct img_media_set *m, struct directory *d,
		   unsigned volume, struct img_err *err)
{
	size_t before = NONE;

	media_mark(m, volume);
	for (size_t i = m->first[0]; i != NONE; i = m->groups[i].next) {
		const struct group *g = &m->groups[i];

		if (g->on && (add_group(m, d, g, NONE, &before, err) < 0 ||
			      add_patient(m, d, g, volume, err) < 0))
			return -1;
	}
	return add_objects(m, d, m->first[1], volume, NONE, &before, err);
}

/* The UID follows from what the DICOMDIR says (PS3.5 B.2), so that the same
   objects give the same file. */
static void name_it(struct directory *d)
{
	uint8_t sum[IMG_DIGEST_SIZE];
	unsigned __int128 n = 0;
	struct img_digest h;
	char t[40];
	size_t i = sizeof t;

	img_digest_init(&h);
	img_digest_add(&h, d->file_set_id, sizeof d->file_set_id);
	img_digest_add(&h, d->bytes.data, d->bytes.len);
	img_digest_end(&h, sum);
	for (size_t k = 0; k < 16; k++)
		n = n << 8 | sum[k];
	t[--i] = '\0';
	do {
		t[--i] = (char)('0' + (int)(n % 10));
		n /= 10;
	} while (n);
	snprintf(d->sop, sizeof d->sop, "2.25.%s", t + i);
}

/* ---- the file --------------------------------------------------------- */

static int write_it(const struct directory *d, const char *path,
		    struct img_err *err)
{
	struct img_dcmtk_record *rec = calloc(d->count + 1, sizeof *rec);
	int rc;

	if (!rec)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (size_t i = 0; i < d->count; i++) {
		rec[i].parent = d->entry[i].parent;
		rec[i].data = d->bytes.data + d->entry[i].at;
		rec[i].size = d->entry[i].size;
	}
	rc = img_dcmtk_dicomdir(path, d->file_set_id, d->sop, rec, d->count,
				err);
	free(rec);
	return rc;
}

static int hand_over(const struct directory *d, const char *path,
		     const struct img_media_out *out, struct img_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = -1;
	void *p = MAP_FAILED;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		img_err_sys(err, "DICOMDIR");
		goto end;
	}
	if (media_directory_check(d, fd, (uint64_t)st.st_size, err) < 0)
		goto end;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		img_err_sys(err, "DICOMDIR");
		goto end;
	}
	rc = out->put(out->arg, "DICOMDIR", p, (size_t)st.st_size, err);
end:
	if (p != MAP_FAILED)
		munmap(p, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int through_folder(const struct directory *d, const char *tmp,
			  const struct img_media_out *out, struct img_err *err)
{
	char folder[IMG_PATH_MAX], path[IMG_PATH_MAX];
	int rc;

	if (!tmp)
		tmp = getenv("TMPDIR");
	if (!tmp || !*tmp)
		tmp = "/tmp";
	if (img_path_join(folder, sizeof folder, tmp, "imgdicomdir.XXXXXX",
			  err) < 0)
		return -1;
	if (!mkdtemp(folder))
		return img_err_sys(err, "%s", tmp);
	rc = img_path_join(path, sizeof path, folder, "DICOMDIR", err);
	if (rc == 0) {
		rc = write_it(d, path, err);
		if (rc == 0)
			rc = hand_over(d, path, out, err);
		unlink(path);
	}
	rmdir(folder);
	return rc;
}

int img_media_dicomdir(struct img_media_set *m, unsigned volume,
		       const char *tmp, const struct img_media_out *out,
		       struct img_err *err)
{
	struct directory d = { 0 };
	int rc;

	img_buf_init(&d.bytes, (size_t)2 << 30);
	img_media_label(m, volume, d.file_set_id);
	rc = add_all(m, &d, volume, err);
	if (rc == 0) {
		name_it(&d);
		rc = through_folder(&d, tmp, out, err);
	}
	img_buf_release(&d.bytes);
	free(d.entry);
	return rc;
}
