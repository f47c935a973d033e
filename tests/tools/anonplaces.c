/*
 * anonplaces.c - markers where the table does not look, and private ones.
 *
 *	anonplaces plant SYNTAX OUT        markers in other places, on stdout
 *	anonplaces keepers FILE            harmless values that are lost
 *	anonplaces private CSV SYNTAX OUT  all safe private attributes, each
 *	                                   with a neighbour that is not safe
 *	anonplaces defined CSV SYNTAX OUT  the same, sequences of defined length
 *	                                   and, unless in implicit VR, as UN
 *	anonplaces count CSV FILE          "safe unsafe creators" in a file
 */
#include "anon_bytes.h"

#define SAFE 500

struct safe {
	char creator[72], vr[3];
	uint32_t tag; /* without block */
	uint32_t block;
};
static struct safe safe[SAFE];
static size_t n_safe;

static void identity(struct bytes *b, const char *class)
{
	element(b, 0x00080005u, "CS", "ISO_IR 192");
	element(b, 0x00080016u, "UI", class);
	element(b, 0x00080018u, "UI", "1.2.826.0.778.1");
}

static void meta_of(struct bytes *out, const char *ts, const char *class)
{
	static struct bytes b;
	bool was_big = big, was_implicit = implicit_vr;

	big = implicit_vr = false;
	element(&b, 0x00020002u, "UI", class);
	element(&b, 0x00020003u, "UI", "1.2.826.0.779.1");
	element(&b, 0x00020010u, "UI", ts);
	element(&b, 0x00020016u, "AE", "QZMETAAE");
	element(&b, 0x00020017u, "AE", "QZMETASEND");
	element(&b, 0x00020018u, "AE", "QZMETARECV");
	element(&b, 0x00020100u, "UI", "1.2.826.0.779.2");
	element(&b, 0x00020102u, "OB", "QZMETAPRIVATE");
	big = was_big;
	implicit_vr = was_implicit;
	begin_file(out, &b);
}

/* ---- other places ----------------------------------------------------- */

static void marked(struct bytes *b, uint32_t tag, const char *vr,
		   const char *marker)
{
	element(b, tag, vr, marker);
	printf("%s (%04x,%04x)\n", marker, tag >> 16, tag & 0xFFFF);
}

static void open_item(struct bytes *b, uint32_t tag, const char *vr)
{
	head(b, tag, vr, IMG_UNDEFINED_LEN);
	head(b, 0xFFFEE000u, "", IMG_UNDEFINED_LEN);
}

static void close_item(struct bytes *b)
{
	head(b, 0xFFFEE00Du, "", 0);
	head(b, 0xFFFEE0DDu, "", 0);
}

/* Values that say nothing about anybody. */
static const struct {
	uint32_t tag;
	const char *vr, *value;
} keepers[] = {
	{ 0x00080060u, "CS", "CT" },          { 0x00180015u, "CS", "CHEST" },
	{ 0x00180050u, "DS", "1.25" },        { 0x00180060u, "DS", "120" },
	{ 0x00181020u, "LO", "VB10A" },       { 0x00181210u, "SH", "B30f" },
	{ 0x00200011u, "IS", "3" },           { 0x00200013u, "IS", "17" },
	{ 0x00280004u, "CS", "MONOCHROME2" }, { 0x00280030u, "DS", "0.5\\0.5" },
	{ 0x00281050u, "DS", "40" },          { 0x00281051u, "DS", "400" }
};

static void keep(struct bytes *b, uint32_t from, uint32_t to)
{
	for (size_t i = 0; i < sizeof(keepers) / sizeof(keepers[0]); i++)
		if (keepers[i].tag >= from && keepers[i].tag < to)
			element(b, keepers[i].tag, keepers[i].vr,
				keepers[i].value);
}

static void private_places(struct bytes *b)
{
	bool was_implicit = implicit_vr, was_big = big;

	marked(b, 0x00190010u, "LO", "QZCREATOR");
	marked(b, 0x00191001u, "LO", "QZPRIVTEXT");
	marked(b, 0x00191002u, "UN", "QZPRIVUN");
	open_item(b, 0x00191003u, "SQ");
	marked(b, 0x00100020u, "LO", "QZPRIVNEST");
	close_item(b);
	open_item(b, 0x00191004u, "UN");
	b->n -= 8; /* the item, once more as PS3.5 6.2.2 has it */
	implicit_vr = true;
	big = false;
	head(b, 0xFFFEE000u, "", IMG_UNDEFINED_LEN);
	marked(b, 0x00104000u, "LT", "QZPRIVUNSQ");
	close_item(b);
	implicit_vr = was_implicit;
	big = was_big;
	marked(b, 0x00211001u, "LO", "QZNOCREATOR");
}

static void plain_places(struct bytes *b)
{
	marked(b, 0x00080080u, "UN", "QZINSTUN");
	element(b, 0x00080000u + 0x1150u, "UI", "1.2.840.10008.5.1.4.1.1.2");
	marked(b, 0x00081155u, "UI", "1.2.826.0.777.5001");
	marked(b, 0x00081167u, "UI", "1.2.826.0.777.5002");
	keep(b, 0x00080060u, 0x00190000u);
}

static void graphics_places(struct bytes *b)
{
	marked(b, 0x50000030u, "SH", "QZCURVEUNIT");
	marked(b, 0x50002500u, "LO", "QZCURVELABEL");
	marked(b, 0x50003000u, "OW", "QZCURVEDAT");
	marked(b, 0x60000022u, "LO", "QZOVERLAYDESC");
	marked(b, 0x60001500u, "LO", "QZOVERLAYLABEL");
	marked(b, 0x60003000u, "OW", "QZOVERLAYD");
	marked(b, 0x60004000u, "LT", "QZOVERLAYCOMM");
	marked(b, 0x60023000u, "OW", "QZOVERLAY2");
}

static void content_places(struct bytes *b)
{
	open_item(b, 0x00400260u, "SQ");
	marked(b, 0x00081155u, "UI", "1.2.826.0.777.5003");
	marked(b, 0x00190010u, "LO", "QZNESTCREATOR");
	marked(b, 0x00191001u, "LO", "QZNESTPRIV");
	open_item(b, 0x0040A730u, "SQ");
	marked(b, 0x0040A160u, "UT", "QZNESTSRTEXT");
	close_item(b);
	close_item(b);
	open_item(b, 0x0040A730u, "SQ");
	open_item(b, 0x0040A730u, "SQ");
	marked(b, 0x0040A123u, "PN", "QZSRNAME");
	marked(b, 0x0040A160u, "UT", "QZSRTEXT");
	close_item(b);
	close_item(b);
	marked(b, 0x00420010u, "ST", "QZDOCTITLE");
	marked(b, 0x00420011u, "OB", "QZDOCUMENT");
	open_item(b, 0x00880200u, "SQ");
	marked(b, 0x7FE00010u, "OW", "QZICON");
	close_item(b);
	open_item(b, 0x04000561u, "SQ");
	open_item(b, 0x04000550u, "SQ");
	marked(b, 0x00100010u, "PN", "QZORIGINAL");
	close_item(b);
	close_item(b);
}

static void end_places(struct bytes *b)
{
	open_item(b, 0xFFFAFFFAu, "SQ");
	marked(b, 0x04000120u, "OB", "QZSIGNATURE");
	close_item(b);
	marked(b, 0xFFFCFFFCu, "OB", "QZPADDING");
}

static int do_plant(const char *syntax, const char *path)
{
	static struct bytes meta, b;
	static const char class[] = "1.2.840.10008.5.1.4.1.1.66";

	meta_of(&meta, syntax_of(syntax), class);
	printf("QZPREAMBLE preamble\nQZMETAAE meta\nQZMETASEND meta\n"
	       "QZMETARECV meta\nQZMETAPRIVATE meta\n1.2.826.0.779. meta\n"
	       "1.2.826.0.778. identity\n");
	marked(&b, 0x00041500u, "CS", "QZGROUP4");
	identity(&b, class);
	plain_places(&b);
	marked(&b, 0x0018FFF0u, "LO", "QZUNKNOWN");
	private_places(&b);
	keep(&b, 0x00200000u, 0xFFFFFFFFu);
	content_places(&b);
	graphics_places(&b);
	end_places(&b);
	write_file(path, &meta, &b, strcmp(syntax, "deflated") == 0);
	return 0;
}

static bool keeps(struct img_dicom_event *ev, size_t i)
{
	size_t n = strlen(keepers[i].value);

	return ev->tag == keepers[i].tag && ev->depth == 0 && ev->value &&
	       ev->length == n + (n & 1) &&
	       memcmp(ev->value, keepers[i].value, n) == 0;
}

static int do_keepers(const char *path)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_reader *r = img_dicom_reader_new(&err);
	bool there[sizeof(keepers) / sizeof(keepers[0])] = { false };
	static uint8_t p[1 << 20];
	struct img_dicom_event ev;
	FILE *f = fopen(path, "r");
	int lost = 0;

	if (!f || !r ||
	    img_dicom_start_mem(r, p, fread(p, 1, sizeof(p), f), path, NULL,
				&err) < 0)
		die(path);
	while (img_dicom_next(r, &ev, &err) > 0)
		for (size_t i = 0; i < sizeof(there); i++)
			there[i] |= keeps(&ev, i);
	for (size_t i = 0; i < sizeof(there); i++)
		if (!there[i] && ++lost)
			printf("(%04x,%04x)\n", keepers[i].tag >> 16,
			       keepers[i].tag & 0xFFFF);
	img_dicom_reader_free(r);
	fclose(f);
	return lost ? 1 : 0;
}

/* ---- private attributes ----------------------------------------------- */

static int by_creator(const void *a, const void *b)
{
	const struct safe *x = a, *y = b;
	int c = (x->tag >> 16 > y->tag >> 16) - (x->tag >> 16 < y->tag >> 16);

	if (c == 0)
		c = strcmp(x->creator, y->creator);
	return c ? c : (x->tag > y->tag) - (x->tag < y->tag);
}

static void read_safe(const char *csv)
{
	char line[1024], cell[6][40];
	FILE *f = fopen(csv, "r");
	unsigned g, e;

	if (!f || !fgets(line, sizeof(line), f))
		die(csv);
	while (fgets(line, sizeof(line), f) && n_safe < SAFE) {
		struct safe *s = &safe[n_safe];
		char *comma = strchr(line, ',');

		/* A creator may be longer than a cell, and be quoted. */
		if (line[0] == '"')
			comma = strchr(strchr(line + 1, '"'), ',');
		split(comma + 1, cell, 6);
		*comma = '\0';
		snprintf(s->creator, sizeof(s->creator), "%s",
			 line + (line[0] == '"'));
		if (line[0] == '"')
			s->creator[strlen(s->creator) - 1] = '\0';
		if (sscanf(cell[0], "(%4x,xx%2x)", &g, &e) != 2)
			die("no tag");
		s->tag = g << 16 | e;
		snprintf(s->vr, 3, "%.2s", cell[1][0] ? cell[1] : "UN");
		n_safe++;
	}
	fclose(f);
	qsort(safe, n_safe, sizeof(safe[0]), by_creator);
	for (size_t i = 0; i < n_safe; i++) {
		bool same = i && safe[i].tag >> 16 == safe[i - 1].tag >> 16;

		safe[i].block = same ? safe[i - 1].block : 0x10;
		if (same && strcmp(safe[i].creator, safe[i - 1].creator) != 0)
			safe[i].block++;
	}
}

static bool first_of_block(size_t i)
{
	return !i || safe[i].tag >> 16 != safe[i - 1].tag >> 16 ||
	       safe[i].block != safe[i - 1].block;
}

static bool is_safe(uint32_t tag)
{
	for (size_t i = 0; i < n_safe; i++)
		if ((safe[i].tag | safe[i].block << 8) == tag)
			return true;
	return false;
}

static bool defined;

/* PS3.5 6.2.2: items in implicit VR little endian. */
static void put_defined(struct bytes *b, uint32_t tag)
{
	bool was_implicit = implicit_vr, was_big = big;
	static struct bytes in;

	in.n = 0;
	implicit_vr = true;
	big = false;
	element(&in, 0x00100010u, "PN", "QZINSAFE");
	element(&in, 0x00180060u, "DS", "120");
	implicit_vr = was_implicit;
	big = was_big;
	head(b, tag, "UN", (uint32_t)in.n + 8);
	big = false;
	head(b, 0xFFFEE000u, "", (uint32_t)in.n);
	big = was_big;
	put(b, in.p, in.n);
}

static void put_safe(struct bytes *b, const struct safe *s)
{
	uint32_t tag = s->tag | s->block << 8;

	if (strcmp(s->vr, "SQ") == 0 && defined) {
		put_defined(b, tag);
	} else if (strcmp(s->vr, "SQ") == 0) {
		open_item(b, tag, "SQ");
		element(b, 0x00100010u, "PN", "QZINSAFE");
		element(b, 0x00400260u + 1, "LO", "x");
		close_item(b);
	} else {
		char uid[40];

		snprintf(uid, sizeof(uid), "1.2.826.0.777.6%u", tag);
		element(b, tag, s->vr,
			strcmp(s->vr, "UI") == 0 ? uid : "12345678");
	}
	if (!is_safe(tag + 1) && (tag & 0xFF) != 0xFF)
		element(b, tag + 1, "LO", "QZUNSAFE");
}

static int do_private(const char *csv, const char *syntax, const char *path)
{
	static const char class[] = "1.2.840.10008.5.1.4.1.1.66";
	static struct bytes meta, b;

	read_safe(csv);
	meta_of(&meta, syntax_of(syntax), class);
	identity(&b, class);
	for (size_t i = 0; i < n_safe;) {
		size_t from = i, end = i;

		while (end < n_safe && safe[end].tag >> 16 == safe[i].tag >> 16)
			end++;
		for (; i < end; i++)
			if (first_of_block(i))
				element(&b,
					(safe[i].tag & 0xFFFF0000u) |
						safe[i].block,
					"LO", safe[i].creator);
		for (i = from; i < end; i++)
			put_safe(&b, &safe[i]);
	}
	write_file(path, &meta, &b, strcmp(syntax, "deflated") == 0);
	return 0;
}

static int do_count(const char *csv, const char *path)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_reader *r = img_dicom_reader_new(&err);
	static uint8_t p[1 << 20];
	struct img_dicom_event ev;
	FILE *f = fopen(path, "r");
	int kept = 0, unsafe = 0, creators = 0;

	read_safe(csv);
	if (!f || !r ||
	    img_dicom_start_mem(r, p, fread(p, 1, sizeof(p), f), path, NULL,
				&err) < 0)
		die(path);
	while (img_dicom_next(r, &ev, &err) > 0) {
		if (!(ev.tag >> 16 & 1) || ev.depth ||
		    ev.kind == IMG_DICOM_END_SEQUENCE)
			continue;
		if ((ev.tag & 0xFFFF) < 0x100)
			creators++;
		else if (is_safe(ev.tag))
			kept++;
		else
			unsafe++;
	}
	printf("%d %d %d\n", kept, unsafe, creators);
	img_dicom_reader_free(r);
	fclose(f);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		die("usage");
	if (argc == 4 && strcmp(argv[1], "plant") == 0)
		return do_plant(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "keepers") == 0)
		return do_keepers(argv[2]);
	if (argc == 5 && strcmp(argv[1], "private") == 0)
		return do_private(argv[2], argv[3], argv[4]);
	defined = strcmp(argv[1], "defined") == 0;
	if (argc == 5 && defined)
		return do_private(argv[2], argv[3], argv[4]);
	if (argc == 4 && strcmp(argv[1], "count") == 0)
		return do_count(argv[2], argv[3]);
	die("usage");
}
