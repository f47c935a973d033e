/* phantom-bulk - many CT images for the bench, small ones and large ones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "phantom.h"

#define PER_SERIES 100 /* and per folder */
#define PER_STUDY  400

struct bulk {
	const char *dir, *kind;
	unsigned size;
	char id[32], study[UID_MAX], series[UID_MAX], frame[UID_MAX];
	char sop[UID_MAX], accession[32], date[32];
	uint16_t *base, *pixel;
	uint32_t random;
};

/* About eight bits of noise a voxel, so that nothing packs well. */
static void noise(struct bulk *b, size_t n)
{
	size_t i;
	uint32_t r = b->random;

	for (i = 0; i < n; i++) {
		r ^= r << 13;
		r ^= r >> 17;
		r ^= r << 5;
		b->pixel[i] = (uint16_t)(b->base[i] + (r >> 24));
	}
	b->random = r;
}

static void describe(struct bulk *b, struct image *im, unsigned i)
{
	unsigned study = i / PER_STUDY, series = i / PER_SERIES;

	snprintf(b->id, sizeof b->id, "%s-%06u", b->kind, study);
	snprintf(b->accession, sizeof b->accession, "A%08u", study);
	snprintf(b->date, sizeof b->date, "2024%02u%02u", study / 28 % 12 + 1,
		 study % 28 + 1);
	im->id = b->id;
	im->name = "Test^Synthetic^Bulk";
	im->birth = "19700101";
	im->sex = "O";
	im->study = uid_of(b->study, "%s study %u", b->kind, study);
	im->series = uid_of(b->series, "%s series %u", b->kind, series);
	im->frame = uid_of(b->frame, "%s frame %u", b->kind, study);
	im->sop = uid_of(b->sop, "%s image %u", b->kind, i);
	im->study_id = "1";
	im->accession = b->accession;
	im->study_desc = "CT head without contrast";
	im->series_desc = "Axial";
	im->date = b->date;
	im->time = "093000";
	im->series_no = series % (PER_STUDY / PER_SERIES) + 1;
	im->instance = i % PER_SERIES + 1;
	im->pos[2] = i % PER_SERIES;
}

static void save(struct bulk *b, struct emit *e, struct image *im, unsigned i)
{
	char path[4096];

	if (i % PER_SERIES == 0)
		make_dir("%s/%05u", b->dir, i / PER_SERIES);
	describe(b, im, i);
	noise(b, (size_t)b->size * b->size);
	emit_reset(e);
	put_ct(e, im);
	snprintf(path, sizeof path, "%s/%05u/IM%06u.dcm", b->dir,
		 i / PER_SERIES, i);
	emit_save(e, path);
}

static int make_bulk(const char *dir, const char *kind, unsigned size,
		     unsigned n)
{
	struct bulk b = {
		.dir = dir, .kind = kind, .size = size, .random = 88172645
	};
	struct image im = { .sop_class = CLASS_CT,
			    .modality = "CT",
			    .body_part = "HEAD",
			    .bits = 12,
			    .thickness = 1,
			    .window = 100,
			    .level = 30 };
	struct emit e;
	unsigned i;

	b.base = calloc((size_t)size * size, sizeof *b.base);
	b.pixel = calloc((size_t)size * size, sizeof *b.pixel);
	if (!b.base || !b.pixel)
		fail("out of memory");
	head_slice(b.base, size, 0, true);
	im.rows = im.cols = size;
	im.spacing = 240.0 / size;
	im.pos[0] = im.pos[1] = -120 + im.spacing / 2;
	im.pixel = b.pixel;
	emit_init(&e);
	make_dir("%s", dir);
	for (i = 0; i < n; i++)
		save(&b, &e, &im, i);
	emit_release(&e);
	free(b.base);
	free(b.pixel);
	return 0;
}

int make_small(const char *dir, unsigned n)
{
	return make_bulk(dir, "SMALL", 64, n);
}

int make_large(const char *dir, unsigned n)
{
	return make_bulk(dir, "LARGE", 512, n);
}
