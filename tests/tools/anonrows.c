/*
 * anonrows.c - a marker in every row of Table E.1-1, and what became of it.
 *
 *	anonrows plant CSV VRS SYNTAX DEPTH CHARSET OUT   markers on stdout
 *	anonrows find MARKERS FILE...        markers that are in the bytes
 *	anonrows truth CSV VRS IN OUT OPTION...   rows that are not as told
 *
 * Reads the tables as text and encodes by itself, so that it shares nothing
 * with what it tests but the reader in `truth`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anon_bytes.h"

#define ROWS 700
#define COLS 16
#define NEST 0x00400260u /* a sequence that no row names */

struct row {
	uint32_t tag;
	char vr[3];
	char cell[COLS][40];
	char marker[80]; /* what is searched for; empty: cannot be */
	char value[80];
};
static struct row rows[ROWS];
static size_t n_rows;

/* ---- tables ----------------------------------------------------------- */

static uint32_t tag_of(const char *text)
{
	unsigned g, e;

	return sscanf(text, "(%4x,%4x)", &g, &e) == 2 ? g << 16 | e : 0;
}

static void read_tables(const char *csv, const char *vrs)
{
	char line[1024], cell[COLS + 1][40];
	FILE *f = fopen(csv, "r"), *v = fopen(vrs, "r");

	if (!f || !v || !fgets(line, sizeof(line), f))
		die("no tables");
	while (fgets(line, sizeof(line), f)) {
		struct row *r = &rows[n_rows];

		split(line, r->cell, COLS);
		r->tag = tag_of(r->cell[0]);
		if (r->tag && n_rows++ == ROWS - 1)
			die("too many rows");
	}
	while (fgets(line, sizeof(line), v)) {
		split(line, cell, COLS + 1);
		for (size_t i = 0; i < n_rows; i++)
			if (strcmp(rows[i].cell[0], cell[0]) == 0)
				snprintf(rows[i].vr, 3, "%.2s", cell[2]);
	}
	fclose(f);
	fclose(v);
}

static bool is(const struct row *r, const char *vr)
{
	return strcmp(r->vr, vr) == 0;
}

static void mark(struct row *r, size_t i)
{
	int k = (int)i;
	char word[12];

	snprintf(word, sizeof(word), "QZ%c%c%cXJ", 'A' + k / 676 % 26,
		 'A' + k / 26 % 26, 'A' + k % 26);
	if (is(r, "UI"))
		snprintf(r->marker, 80, "1.2.826.0.777.%d.9%d", k + 1000, k);
	else if (is(r, "DA") || is(r, "DT"))
		snprintf(r->marker, 80, "%04d%02d%02d", 1700 + k / 300,
			 1 + k / 25 % 12, 1 + k % 25);
	else if (is(r, "TM"))
		snprintf(r->marker, 80, "%02d5%d.7%05d", k % 24, 100 + k % 60,
			 k * 97 % 100000);
	else if (is(r, "AS"))
		snprintf(r->marker, 80, "%03dY", 40 + k % 49);
	else if (is(r, "DS") || is(r, "IS"))
		snprintf(r->marker, 80, "771%05d", k);
	else if (!is(r, "US"))
		snprintf(r->marker, 80, "%s", word);
	snprintf(r->value, 80, "%s%s", r->marker, is(r, "DT") ? "101112" : "");
	if (is(r, "US"))
		snprintf(r->value, 80, "zz");
}

/* ---- planting --------------------------------------------------------- */

static void sequence(struct bytes *b, const struct row *r)
{
	static struct bytes in;
	bool refs = strstr(r->cell[5], "U*") != NULL;

	in.n = 0;
	if (refs)
		element(&in, 0x00081155u, "UI", r->marker);
	else
		element(&in, 0x00080104u, "LO", r->marker);
	head(b, r->tag, "SQ", (uint32_t)in.n + 8);
	head(b, 0xFFFEE000u, "", (uint32_t)in.n);
	put(b, in.p, in.n);
}

static bool plants(const struct row *r, unsigned depth)
{
	uint32_t group = r->tag >> 16;

	if (group == 0 || group == 2 || !r->vr[0])
		return false;
	return depth == 0 ? r->tag != 0x00080005u : group != 4;
}

static int by_tag(const void *a, const void *b)
{
	uint32_t x = ((const struct row *)a)->tag,
		 y = ((const struct row *)b)->tag;

	return x < y ? -1 : x > y;
}

static void plant_rows(struct bytes *b, unsigned depth, uint32_t from,
		       uint32_t to)
{
	for (size_t i = 0; i < n_rows; i++) {
		const struct row *r = &rows[i];

		if (r->tag < from || r->tag >= to || !plants(r, depth))
			continue;
		if (is(r, "SQ"))
			sequence(b, r);
		else
			element(b, r->tag, r->vr, r->value);
		if (r->marker[0])
			printf("%s %s\n", r->marker, r->cell[0]);
	}
}

/* What the object needs where the rows lie deeper. */
static void identity(struct bytes *b)
{
	element(b, 0x00080018u, "UI", "1.2.826.0.778.1");
	element(b, 0x0020000Du, "UI", "1.2.826.0.778.2");
	element(b, 0x0020000Eu, "UI", "1.2.826.0.778.3");
}

static void plant(unsigned depth, const char *charset, struct bytes *b)
{
	element(b, 0x00080005u, "CS", charset);
	if (depth == 0)
		plant_rows(b, 0, 0, 0x00080016u);
	element(b, 0x00080016u, "UI", "1.2.840.10008.5.1.4.1.1.66");
	if (depth == 0) {
		plant_rows(b, 0, 0x00080016u, UINT32_MAX);
		return;
	}
	identity(b);
	for (unsigned i = 0; i < depth; i++) {
		head(b, NEST, "SQ", IMG_UNDEFINED_LEN);
		head(b, 0xFFFEE000u, "", IMG_UNDEFINED_LEN);
	}
	plant_rows(b, depth, 0, 0xFFFA0000u);
	for (unsigned i = 0; i < depth; i++) {
		head(b, 0xFFFEE00Du, "", 0);
		head(b, 0xFFFEE0DDu, "", 0);
	}
}

static int do_plant(char **argv)
{
	static struct bytes meta, body, b;
	const char *syntax = argv[2];
	const char *ts;

	read_tables(argv[0], argv[1]);
	for (size_t i = 0; i < n_rows; i++)
		mark(&rows[i], i);
	qsort(rows, n_rows, sizeof(rows[0]), by_tag);
	ts = syntax_of(syntax);
	big = implicit_vr = false;
	element(&b, 0x00020002u, "UI", "1.2.840.10008.5.1.4.1.1.66");
	element(&b, 0x00020003u, "UI", "1.2.826.0.779.1");
	element(&b, 0x00020010u, "UI", ts);
	element(&b, 0x00020016u, "AE", "QZMETAAE");
	element(&b, 0x00020100u, "UI", "1.2.826.0.779.2");
	element(&b, 0x00020102u, "OB", "QZMETAPRIVATE");
	begin_file(&meta, &b);
	printf("QZPREAMBLE preamble\nQZMETAAE (0002,0016)\n"
	       "QZMETAPRIVATE (0002,0102)\n1.2.826.0.779. (0002,xxxx)\n");
	if (atoi(argv[3]))
		printf("1.2.826.0.778. identity\n");
	syntax_of(syntax);
	plant((unsigned)atoi(argv[3]), argv[4], &body);
	write_file(argv[5], &meta, &body, strcmp(syntax, "deflated") == 0);
	return 0;
}

/* ---- searching -------------------------------------------------------- */

static size_t load(const char *path, uint8_t *p, size_t max)
{
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(p, 1, max, f) : 0;

	if (!f || n == max)
		die(path);
	fclose(f);
	return n;
}

/* A deflated data set is inflated in place of what it was. */
static size_t inflate_it(uint8_t *p, size_t n, size_t max)
{
	static uint8_t out[4 << 20];
	size_t at = 132 + 12 + (size_t)(p[140] | p[141] << 8);
	z_stream s = { 0 };

	if (n < 400 || memcmp(p + 128, "DICM", 4) != 0 ||
	    !memmem(p, at, "1.2.840.10008.1.2.1.99", 22))
		return n;
	s.next_in = p + at;
	s.avail_in = (uInt)(n - at);
	s.next_out = out;
	s.avail_out = sizeof(out);
	if (inflateInit2(&s, -MAX_WBITS) != Z_OK ||
	    inflate(&s, Z_FINISH) != Z_STREAM_END || at + s.total_out > max)
		die("inflate");
	memcpy(p + at, out, s.total_out);
	n = at + s.total_out;
	inflateEnd(&s);
	return n;
}

static int do_find(int argc, char **argv)
{
	static uint8_t p[8 << 20];
	char line[200], marker[100], tag[40];
	int found = 0, looked = 0;

	for (int i = 1; i < argc; i++) {
		size_t n =
			inflate_it(p, load(argv[i], p, sizeof(p)), sizeof(p));
		FILE *f = fopen(argv[0], "r");

		while (f && fgets(line, sizeof(line), f)) {
			if (sscanf(line, "%99s %39s", marker, tag) != 2)
				continue;
			looked++;
			if (memmem(p, n, marker, strlen(marker))) {
				printf("%s\n", tag);
				found++;
			}
		}
		if (f)
			fclose(f);
	}
	if (!looked)
		die("nothing to look for");
	return found ? 1 : 0;
}

/* ---- truth ------------------------------------------------------------ */

struct state {
	bool there, items;
	uint32_t n;
	char value[80];
};

static void states(const char *path, struct state *out)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_reader *r = img_dicom_reader_new(&err);
	static uint8_t p[4 << 20];
	struct img_dicom_event ev;
	size_t n = load(path, p, sizeof(p));

	memset(out, 0, n_rows * sizeof(*out));
	if (!r || img_dicom_start_mem(r, p, n, path, NULL, &err) < 0)
		die(err.text);
	while (img_dicom_next(r, &ev, &err) > 0) {
		for (size_t i = 0; ev.depth == 0 && i < n_rows; i++) {
			if (rows[i].tag != ev.tag || ev.meta)
				continue;
			out[i].there = true;
			out[i].items = ev.kind == IMG_DICOM_SEQUENCE;
			out[i].n = ev.value ? ev.length : 0;
			snprintf(out[i].value, sizeof(out[i].value), "%.*s",
				 ev.value ? (int)ev.length : 0,
				 ev.value ? (const char *)ev.value : "");
		}
	}
	if (err.code)
		die(err.text);
	img_dicom_reader_free(r);
}

/* The code that holds for a row: C of an option before K, else the basic. */
static const char *code_of(const struct row *r, int argc, char **options)
{
	static const char *const names[] = {
		"retain-safe-private", "retain-uids",    "retain-device",
		"retain-institution",  "retain-patient", "retain-dates",
		"modify-dates",        "clean-desc",     "clean-struct",
		"clean-graphics"
	};
	const char *code = r->cell[5], *from = NULL;

	for (int i = 0; i < argc; i++)
		for (size_t c = 0; c < 10; c++)
			if (strcmp(options[i], names[c]) == 0 &&
			    r->cell[6 + c][0] && (!from || *from != 'C'))
				from = r->cell[6 + c];
	return from ? from : code;
}

static bool as_told(const struct row *r, const char *code,
		    const struct state *in, const struct state *out)
{
	bool empty = out->there && !out->items && out->n == 0;
	bool same = out->there && out->n == in->n &&
		    strcmp(in->value, out->value) == 0;
	bool other =
		out->there && (out->items || out->n) && (is(r, "SQ") || !same);

	if (strcmp(code, "X") == 0)
		return !out->there;
	if (strcmp(code, "Z") == 0)
		return out->there && (empty || other);
	if (strcmp(code, "D") == 0)
		return other;
	if (strcmp(code, "U") == 0)
		return other && strncmp(out->value, "2.25.", 5) == 0;
	if (strcmp(code, "K") == 0)
		return is(r, "SQ") ? out->items : same;
	/* Dates are moved by whole days: times and time zones hold still;
	   a time zone that is none goes. */
	if (strcmp(code, "C") == 0 && r->tag == 0x00080201u)
		return true;
	if (strcmp(code, "C") == 0 && is(r, "TM"))
		return same;
	if (strcmp(code, "C") == 0)
		return !out->there || is(r, "SQ") || !same;
	/* Conditional: any of its letters. */
	return (strchr(code, 'X') && !out->there) ||
	       (strchr(code, 'Z') && (empty || (is(r, "SQ") && out->items))) ||
	       (strpbrk(code, "DUZ") && other);
}

static int do_truth(int argc, char **argv)
{
	static struct state in[ROWS], out[ROWS];
	int wrong = 0, checked = 0;

	read_tables(argv[0], argv[1]);
	states(argv[2], in);
	states(argv[3], out);
	for (size_t i = 0; i < n_rows; i++) {
		const char *code = code_of(&rows[i], argc - 4, argv + 4);

		if (!in[i].there || rows[i].tag >> 16 == 4)
			continue;
		checked++;
		if (as_told(&rows[i], code, &in[i], &out[i]))
			continue;
		printf("%s %s %s\n", rows[i].cell[0], rows[i].cell[1], code);
		wrong++;
	}
	if (checked < 640) {
		printf("only %d rows\n", checked);
		wrong++;
	}
	return wrong ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 8 && strcmp(argv[1], "plant") == 0)
		return do_plant(argv + 2);
	if (argc > 3 && strcmp(argv[1], "find") == 0)
		return do_find(argc - 2, argv + 2);
	if (argc > 5 && strcmp(argv[1], "truth") == 0)
		return do_truth(argc - 2, argv + 2);
	die("usage");
}
