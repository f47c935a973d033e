/* iso_patch.c - places, sizes and times in the folders of an image. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "archive/iso.h"

/* What is being walked; libarchive has just made it, and it is checked all
   the same. */
struct walk {
	struct iso *iso;
	uint8_t *p;
	size_t n;
	int64_t first_time, volume_time;
	bool joliet;
	size_t found;
	bool bad;
};

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* Both byte orders, ECMA-119 7.3.3. */
static void put_both(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++) {
		p[i] = (uint8_t)(v >> 8 * i);
		p[7 - i] = p[i];
	}
}

/* ---- times: seven bytes, ECMA-119 9.1.5 -------------------------------- */

static int64_t get_time(const uint8_t p[7])
{
	struct tm tm = { .tm_year = p[0],
			 .tm_mon = p[1] - 1,
			 .tm_mday = p[2],
			 .tm_hour = p[3],
			 .tm_min = p[4],
			 .tm_sec = p[5] };

	return timegm(&tm) - (int8_t)p[6] * 900;
}

static void put_time(uint8_t p[7], int64_t t)
{
	time_t at = (time_t)t;
	struct tm tm;

	gmtime_r(&at, &tm);
	p[0] = (uint8_t)tm.tm_year;
	p[1] = (uint8_t)(tm.tm_mon + 1);
	p[2] = (uint8_t)tm.tm_mday;
	p[3] = (uint8_t)tm.tm_hour;
	p[4] = (uint8_t)tm.tm_min;
	p[5] = (uint8_t)tm.tm_sec;
	p[6] = 0;
}

/* Seventeen bytes, ECMA-119 8.4.26.1. */
static void put_long_time(uint8_t p[17], int64_t t)
{
	time_t at = (time_t)t;
	char text[32];
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(text, sizeof(text), "%Y%m%d%H%M%S00", &tm);
	memcpy(p, text, 16);
	p[16] = 0;
}

/* ---- system use: TF and CE of Rock Ridge ------------------------------- */

static void patch_tf(uint8_t *p, size_t n, int64_t t)
{
	/* Not the long form, which libarchive does not write. */
	if (n < 5 || p[4] & 0x80)
		return;
	for (size_t at = 5; at + 7 <= n; at += 7)
		put_time(p + at, t);
}

static void patch_system_use(struct walk *w, uint8_t *p, size_t n, int64_t t)
{
	/* A continuation area may be continued, but not for ever. */
	for (unsigned areas = 0; p && areas < 8; areas++) {
		uint8_t *next = NULL;
		size_t more = 0;

		for (size_t at = 0; at + 4 <= n && p[at + 2] >= 4;
		     at += p[at + 2]) {
			uint8_t *e = p + at;

			if (at + e[2] > n)
				break;
			if (memcmp(e, "TF", 2) == 0) {
				patch_tf(e, e[2], t);
			} else if (memcmp(e, "CE", 2) == 0 && e[2] >= 28) {
				uint64_t to = (uint64_t)le32(e + 4) * SECTOR +
					      le32(e + 12);

				more = le32(e + 20);
				if (to + more <= w->n)
					next = w->p + to;
			}
		}
		p = next;
		n = more;
	}
}

/* ---- folders ----------------------------------------------------------- */

static void patch_record(struct walk *w, uint8_t *r)
{
	size_t name = r[32];
	size_t use = 33 + name + (name % 2 == 0);
	int64_t t = w->volume_time;

	if (!(r[25] & 2)) {
		int64_t i = get_time(r + 18) - w->first_time;

		if (i < 0 || (uint64_t)i >= w->iso->n) {
			w->bad = true;
			return;
		}
		put_both(r + 2, (uint32_t)w->iso->member[i].sector);
		put_both(r + 10, (uint32_t)w->iso->member[i].size);
		t = w->iso->member[i].mtime;
		w->found++;
	}
	put_time(r + 18, t);
	if (!w->joliet && use < r[0])
		patch_system_use(w, r + use, r[0] - use, t);
}

static void patch_folder(struct walk *w, uint32_t sector)
{
	uint64_t at = (uint64_t)sector * SECTOR, end;

	if (at + SECTOR > w->n || w->p[at] < 34) {
		w->bad = true;
		return;
	}
	/* Its first record is its own. */
	end = at + le32(w->p + at + 10);
	if (end > w->n) {
		w->bad = true;
		return;
	}
	while (at < end && !w->bad) {
		uint8_t *r = w->p + at;

		if (r[0] == 0) {
			at = (at / SECTOR + 1) * SECTOR;
			continue;
		}
		if (r[0] < 34 || at + r[0] > end || 33u + r[32] > r[0]) {
			w->bad = true;
			return;
		}
		patch_record(w, r);
		at += r[0];
	}
}

/* The little endian path table names all folders, ECMA-119 9.4. */
static void patch_tree(struct walk *w, uint8_t *d)
{
	uint64_t at = (uint64_t)le32(d + 140) * SECTOR;
	uint64_t end = at + le32(d + 132);

	if (end > w->n) {
		w->bad = true;
		return;
	}
	while (at + 8 <= end && !w->bad) {
		patch_folder(w, le32(w->p + at + 2));
		at += 8u + w->p[at] + (w->p[at] & 1);
	}
}

static void patch_descriptor(struct walk *w, uint8_t *d, uint64_t sectors)
{
	put_both(d + 80, (uint32_t)sectors);
	put_time(d + 156 + 18, w->volume_time);
	put_long_time(d + 813, w->volume_time);
	put_long_time(d + 830, w->volume_time);
	memset(d + 847, '0', 16);
	d[863] = 0;
	put_long_time(d + 864, w->volume_time);
	patch_tree(w, d);
}

int iso_patch(struct iso *iso, uint64_t sectors, int64_t first_time,
	      int64_t volume_time, const char *name, struct img_err *err)
{
	struct walk w = { .iso = iso,
			  .p = (uint8_t *)iso->tables.data,
			  .n = iso->tables.len,
			  .first_time = first_time,
			  .volume_time = volume_time };
	size_t trees = 0;

	for (uint64_t at = 16 * SECTOR; at + SECTOR <= w.n; at += SECTOR) {
		uint8_t *d = w.p + at;

		/* Behind the last descriptor libarchive says when it was. */
		if (memcmp(d, "INFO ", 5) == 0)
			memset(d, 0, SECTOR);
		if (memcmp(d + 1, "CD001", 5) != 0)
			break;
		if (d[0] != 1 && d[0] != 2)
			continue;
		w.joliet = d[0] == 2;
		trees++;
		patch_descriptor(&w, d, sectors);
	}
	if (w.bad || trees != 2 || w.found != trees * iso->n)
		return img_err_set(err, IMG_E_BUG,
				   "%s: libarchive's folders are not as "
				   "expected",
				   name);
	return 0;
}
