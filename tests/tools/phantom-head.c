/*
 * phantom-head - the 3-D Shepp-Logan head (Kak and Slaney, Principles of
 * Computerized Tomographic Imaging, 3.3) as two CT studies, a CR and an SR.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "phantom.h"

#define SLICES  64
#define SIZE    256
#define CR_SIZE 512
#define FOV     240.0 /* mm, the phantom's -1 .. 1 */
#define STEP    3.5   /* mm between slices */

/* Density 1 is water: HU = 1000 * (density - 1). */
static const struct ellipsoid {
	double x, y, z, a, b, c, degrees, density;
} head[] = { { 0, 0, 0, 0.69, 0.92, 0.9, 0, 2.0 },
	     { 0, 0, 0, 0.6624, 0.874, 0.88, 0, -0.98 },
	     { -0.22, 0, -0.25, 0.41, 0.16, 0.21, 108, -0.02 },
	     { 0.22, 0, -0.25, 0.31, 0.11, 0.22, 72, -0.02 },
	     { 0, 0.35, -0.25, 0.21, 0.25, 0.5, 0, 0.02 },
	     { 0, 0.1, -0.25, 0.046, 0.046, 0.046, 0, 0.02 },
	     { -0.08, -0.65, -0.25, 0.046, 0.023, 0.02, 0, 0.01 },
	     { 0.06, -0.65, -0.25, 0.046, 0.023, 0.02, 90, 0.01 },
	     { 0.06, -0.105, 0.625, 0.056, 0.04, 0.1, 90, 0.02 },
	     { 0, 0.1, 0.625, 0.056, 0.056, 0.1, 0, -0.02 },
	     /* the lesion of the current study, and of no other */
	     { 0.3, -0.45, 0.1, 0.06, 0.06, 0.08, 0, 0.04 } };
#define N_HEAD   (sizeof head / sizeof head[0])
#define N_LESION 1

static double rad(double degrees)
{
	return degrees * 3.14159265358979323846 / 180;
}

/* Adds one ellipsoid's HU to the voxels that lie in it. */
static void add_slice(int16_t *hu, unsigned size, double z,
		      const struct ellipsoid *s)
{
	double u = (z - s->z) / s->c, rest = 1 - u * u, step = 2.0 / size;
	double co = cos(rad(s->degrees)), si = sin(rad(s->degrees));
	double reach = s->a > s->b ? s->a : s->b;
	int16_t add = (int16_t)lround(s->density * 1000);
	unsigned row, col;

	if (rest <= 0)
		return;
	for (row = 0; row < size; row++) {
		/* rows run to the back (posterior), the phantom's y forward */
		double dy = 1 - step * (row + 0.5) - s->y;

		if (fabs(dy) > reach)
			continue;
		for (col = 0; col < size; col++) {
			double dx = step * (col + 0.5) - 1 - s->x;
			double p = (dx * co + dy * si) / s->a;
			double q = (dy * co - dx * si) / s->b;

			if (p * p + q * q <= rest)
				hu[row * size + col] += add;
		}
	}
}

void head_slice(uint16_t *pixel, unsigned size, double z, bool lesion)
{
	unsigned i, n = N_HEAD - (lesion ? 0 : N_LESION);
	int16_t *hu = (int16_t *)pixel;

	for (i = 0; i < size * size; i++)
		hu[i] = -1000;
	for (i = 0; i < n; i++)
		add_slice(hu, size, z, &head[i]);
	for (i = 0; i < size * size; i++)
		pixel[i] = (uint16_t)(hu[i] + 1024);
}

/* The length of the ray along y at (x, z) inside the ellipsoid. */
static double chord(const struct ellipsoid *s, double x, double z)
{
	double u = (z - s->z) / s->c, t = x - s->x;
	double co = cos(rad(s->degrees)), si = sin(rad(s->degrees));
	double wide = s->a * s->a * co * co + s->b * s->b * si * si;
	double rest = wide * (1 - u * u) - t * t;

	return rest > 0 ? 2 * s->a * s->b / wide * sqrt(rest) : 0;
}

static void projection(uint16_t *pixel, unsigned size)
{
	unsigned row, col, i;
	double sum, step = 2.0 / size;

	for (row = 0; row < size; row++)
		for (col = 0; col < size; col++) {
			for (sum = i = 0; i < N_HEAD; i++)
				sum += head[i].density *
				       chord(&head[i], step * (col + 0.5) - 1,
					     1 - step * (row + 0.5));
			sum = sum * 1500;
			pixel[row * size + col] =
				(uint16_t)(sum > 4095 ? 4095 : lround(sum));
		}
}

/* ---- the studies -------------------------------------------------------- */

static struct image patient(void)
{
	struct image im = { .id = "TEST-0001",
			    .name = "Test^Synthetic",
			    .birth = "19700101",
			    .sex = "O",
			    .body_part = "HEAD" };

	return im;
}

static const char *ct_sop(char uid[UID_MAX], const char *study, unsigned slice)
{
	return uid_of(uid, "head %s image %u", study, slice);
}

static void ct_study(const char *dir, const char *name, struct image *im,
		     bool lesion)
{
	static uint16_t pixel[SIZE * SIZE];
	static char study[UID_MAX], series[UID_MAX], frame[UID_MAX];
	char sop[UID_MAX], path[4096];
	struct emit e;
	unsigned i;

	make_dir("%s/%s", dir, name);
	im->study = uid_of(study, "head %s study", name);
	im->series = uid_of(series, "head %s series", name);
	im->frame = uid_of(frame, "head %s frame", name);
	im->sop_class = CLASS_CT;
	im->modality = "CT";
	im->study_desc = "CT head";
	im->series_desc = "Axial 3.5 mm";
	im->series_no = 2;
	im->rows = im->cols = SIZE;
	im->bits = 12;
	im->spacing = FOV / SIZE;
	im->thickness = STEP;
	im->window = 100;
	im->level = 30;
	im->pos[0] = im->pos[1] = -FOV / 2 + im->spacing / 2;
	im->pixel = pixel;
	emit_init(&e);
	for (i = 0; i < SLICES; i++) {
		im->instance = i + 1;
		im->pos[2] = (i - (SLICES - 1) / 2.0) * STEP;
		im->sop = ct_sop(sop, name, i + 1);
		head_slice(pixel, SIZE, im->pos[2] / (FOV / 2), lesion);
		emit_reset(&e);
		put_ct(&e, im);
		snprintf(path, sizeof path, "%s/%s/IM%04u.dcm", dir, name,
			 i + 1);
		emit_save(&e, path);
	}
	emit_release(&e);
}

static void cr_study(const char *dir)
{
	static uint16_t pixel[CR_SIZE * CR_SIZE];
	char study[UID_MAX], series[UID_MAX], sop[UID_MAX], path[4096];
	struct image im = patient();
	struct emit e;

	make_dir("%s/cr", dir);
	im.study = uid_of(study, "head cr study");
	im.series = uid_of(series, "head cr series");
	im.sop = uid_of(sop, "head cr image");
	im.sop_class = CLASS_CR;
	im.modality = "CR";
	im.date = "20240610";
	im.time = "171500";
	im.accession = "A0002";
	im.study_id = "2";
	im.study_desc = "Skull AP";
	im.series_desc = "AP";
	im.body_part = "SKULL";
	im.series_no = im.instance = 1;
	im.rows = im.cols = CR_SIZE;
	im.bits = 12;
	im.spacing = FOV / CR_SIZE;
	im.window = 4096;
	im.level = 2048;
	im.pixel = pixel;
	projection(pixel, CR_SIZE);
	emit_init(&e);
	put_cr(&e, &im);
	snprintf(path, sizeof path, "%s/cr/IM0001.dcm", dir);
	emit_save(&e, path);
	emit_release(&e);
}

/* ---- the report --------------------------------------------------------- */

/* PS3.3 C.17.2: the images the report was made from. */
static void put_evidence(struct emit *e, const struct image *ct)
{
	unsigned i;
	char uid[UID_MAX];

	begin_sq(e, 0x0040a375);
	begin_item(e);
	begin_sq(e, 0x00081115);
	begin_item(e);
	begin_sq(e, 0x00081199);
	for (i = 0; i < SLICES; i++) {
		begin_item(e);
		put(e, 0x00081150, "UI", CLASS_CT);
		put(e, 0x00081155, "UI", ct_sop(uid, "current", i + 1));
		end_item(e);
	}
	end_sq(e);
	put(e, 0x0020000e, "UI", ct->series);
	end_item(e);
	end_sq(e);
	put(e, 0x0020000d, "UI", ct->study);
	end_item(e);
	end_sq(e);
}

static void put_text(struct emit *e, const char *code, const char *meaning,
		     const char *text)
{
	begin_item(e);
	put(e, 0x0040a010, "CS", "CONTAINS");
	put(e, 0x0040a040, "CS", "TEXT");
	put_code(e, 0x0040a043, code, "DCM", meaning);
	put(e, 0x0040a160, "UT", text);
	end_item(e);
}

static void put_image_item(struct emit *e, unsigned slice)
{
	char uid[UID_MAX];

	begin_item(e);
	begin_sq(e, 0x00081199);
	begin_item(e);
	put(e, 0x00081150, "UI", CLASS_CT);
	put(e, 0x00081155, "UI", ct_sop(uid, "current", slice));
	end_item(e);
	end_sq(e);
	put(e, 0x0040a010, "CS", "CONTAINS");
	put(e, 0x0040a040, "CS", "IMAGE");
	put_code(e, 0x0040a043, "121112", "DCM", "Source of Measurement");
	end_item(e);
}

static void put_report(struct emit *e, const struct image *ct)
{
	put(e, 0x0040a040, "CS", "CONTAINER");
	put_code(e, 0x0040a043, "18747-6", "LN", "CT Report");
	put(e, 0x0040a050, "CS", "SEPARATE");
	put_empty_sq(e, 0x0040a372);
	put_evidence(e, ct);
	put(e, 0x0040a491, "CS", "COMPLETE");
	put(e, 0x0040a493, "CS", "UNVERIFIED");
	begin_sq(e, 0x0040a730);
	put_text(e, "121071", "Finding",
		 "A new lesion in the left posterior part, 14 mm wide.");
	put_image_item(e, 36);
	put_text(e, "121077", "Conclusion", "Compare with the prior study.");
	end_sq(e);
}

static void sr_study(const char *dir, const struct image *ct)
{
	char series[UID_MAX], sop[UID_MAX], path[4096];
	struct image im = *ct;
	struct emit e;

	make_dir("%s/sr", dir);
	im.series = uid_of(series, "head sr series");
	im.sop = uid_of(sop, "head sr report");
	im.sop_class = CLASS_SR;
	im.modality = "SR";
	im.series_desc = "Report";
	im.series_no = 99;
	im.instance = 1;
	emit_init(&e);
	put_general(&e, &im);
	put_empty_sq(&e, 0x00081111);
	put_report(&e, ct);
	snprintf(path, sizeof path, "%s/sr/SR0001.dcm", dir);
	emit_save(&e, path);
	emit_release(&e);
}

int make_head(const char *dir)
{
	struct image im = patient();

	make_dir("%s", dir);
	im.date = "20230314";
	im.time = "101500";
	im.accession = "A0001";
	im.study_id = "1";
	ct_study(dir, "prior", &im, false);
	cr_study(dir);
	im = patient();
	im.date = "20240611";
	im.time = "093000";
	im.accession = "A0003";
	im.study_id = "3";
	ct_study(dir, "current", &im, true);
	sr_study(dir, &im);
	return 0;
}
