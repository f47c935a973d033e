/* phantom - makes synthetic DICOM files for demo, tests and bench. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "phantom.h"

static const char usage[] =
	"usage: phantom head DIR        CT current and prior, CR, SR of one "
	"patient\n"
	"       phantom small DIR N     N CT of 64x64, folders of 100\n"
	"       phantom large DIR N     N CT of 512x512, folders of 100\n"
	"       phantom one FILE [option ...]\n"
	"\n"
	"'one' writes a single image of 8x8 to FILE, or to stdout for '-'.\n"
	"The same options give the same bytes.  Options of 'one' and "
	"defaults:\n"
	"  --id TEXT           PatientID (TEST-0001)\n"
	"  --name TEXT         PatientName (Test^Synthetic)\n"
	"  --birth DATE        PatientBirthDate (19700101)\n"
	"  --sex C             PatientSex (O)\n"
	"  --study UID         StudyInstanceUID (2.25.1)\n"
	"  --study-id TEXT     StudyID (1)\n"
	"  --study-desc TEXT   StudyDescription (Test study)\n"
	"  --accession TEXT    AccessionNumber (A1)\n"
	"  --date DATE         StudyDate and the other dates (20240102)\n"
	"  --time TIME         StudyTime and the other times (030405)\n"
	"  --series UID        SeriesInstanceUID (2.25.2)\n"
	"  --series-no N       SeriesNumber (1)\n"
	"  --series-desc TEXT  SeriesDescription (Test series)\n"
	"  --modality CS       Modality (OT); CT, CR and MR set the class too\n"
	"  --body-part CS      BodyPartExamined (absent)\n"
	"  --uid UID           SOPInstanceUID (2.25.3)\n"
	"  --class UID         SOPClassUID (Secondary Capture)\n"
	"  --instance N        InstanceNumber (1)\n"
	"  --rows N --cols N   size of the matrix (8)\n"
	"  --frames N          NumberOfFrames (absent, one frame)\n"
	"  --pixel N           other pixel values for another N (0)\n"
	"  --charset CS        SpecificCharacterSet (absent); values are "
	"written\n"
	"                      as the bytes that are given\n"
	"  --syntax WORD       explicit, implicit, big or deflated (explicit)\n"
	"  --syntax-uid UID    TransferSyntaxUID to announce, whatever the "
	"truth\n"
	"  --no-preamble       begin with the meta header\n"
	"  --no-meta           begin with the data set\n"
	"  --set GGGG,EEEE=VR:VALUE\n"
	"                      put or replace an element of the first level; "
	"text\n"
	"                      as it is, numbers and AT with \\ between, O* "
	"and UN\n"
	"                      in hexadecimal, SQ: an empty sequence\n"
	"  --omit GGGG,EEEE    leave an element out\n";

void fail(const char *fmt, ...)
{
	va_list ap;

	fputs("phantom: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(3);
}

void make_dir(const char *fmt, ...)
{
	char path[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof path, fmt, ap);
	va_end(ap);
	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		fail("%s: %s", path, strerror(errno));
}

static unsigned count_of(const char *text, unsigned max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || n > max)
		fail("%s: not a number up to %u", text, max);
	return (unsigned)n;
}

/* ---- one ---------------------------------------------------------------- */

enum {
	ID,
	NAME,
	BIRTH,
	SEX,
	STUDY,
	STUDY_ID,
	STUDY_DESC,
	ACCESSION,
	DATE,
	TIME,
	SERIES,
	SERIES_NO,
	SERIES_DESC,
	MODALITY,
	BODY_PART,
	UID,
	CLASS,
	INSTANCE,
	ROWS,
	COLS,
	FRAMES,
	PIXEL,
	CHARSET,
	SYNTAX,
	SYNTAX_UID,
	NO_PREAMBLE,
	NO_META,
	SET,
	OMIT
};

static const struct option options[] = {
	{ "id", 1, NULL, ID },
	{ "name", 1, NULL, NAME },
	{ "birth", 1, NULL, BIRTH },
	{ "sex", 1, NULL, SEX },
	{ "study", 1, NULL, STUDY },
	{ "study-id", 1, NULL, STUDY_ID },
	{ "study-desc", 1, NULL, STUDY_DESC },
	{ "accession", 1, NULL, ACCESSION },
	{ "date", 1, NULL, DATE },
	{ "time", 1, NULL, TIME },
	{ "series", 1, NULL, SERIES },
	{ "series-no", 1, NULL, SERIES_NO },
	{ "series-desc", 1, NULL, SERIES_DESC },
	{ "modality", 1, NULL, MODALITY },
	{ "body-part", 1, NULL, BODY_PART },
	{ "uid", 1, NULL, UID },
	{ "class", 1, NULL, CLASS },
	{ "instance", 1, NULL, INSTANCE },
	{ "rows", 1, NULL, ROWS },
	{ "cols", 1, NULL, COLS },
	{ "frames", 1, NULL, FRAMES },
	{ "pixel", 1, NULL, PIXEL },
	{ "charset", 1, NULL, CHARSET },
	{ "syntax", 1, NULL, SYNTAX },
	{ "syntax-uid", 1, NULL, SYNTAX_UID },
	{ "no-preamble", 0, NULL, NO_PREAMBLE },
	{ "no-meta", 0, NULL, NO_META },
	{ "set", 1, NULL, SET },
	{ "omit", 1, NULL, OMIT },
	{ NULL, 0, NULL, 0 }
};

/* What 'one' was asked for. */
struct one {
	struct image im;
	struct emit e;
	const char *charset;
	unsigned seed;
	const char *set[64], *omit[64];
	unsigned sets, omits;
};

static enum syntax syntax_of(const char *word)
{
	static const char *const words[] = { "explicit", "implicit", "big",
					     "deflated" };
	unsigned i;

	for (i = 0; i < 4; i++)
		if (!strcmp(words[i], word))
			return (enum syntax)i;
	fail("%s: not a transfer syntax", word);
}

static void set_text(struct one *o, int opt)
{
	struct image *im = &o->im;
	const char **const text[] = {
		[ID] = &im->id,
		[NAME] = &im->name,
		[BIRTH] = &im->birth,
		[SEX] = &im->sex,
		[STUDY] = &im->study,
		[STUDY_ID] = &im->study_id,
		[STUDY_DESC] = &im->study_desc,
		[ACCESSION] = &im->accession,
		[DATE] = &im->date,
		[TIME] = &im->time,
		[SERIES] = &im->series,
		[SERIES_DESC] = &im->series_desc,
		[MODALITY] = &im->modality,
		[BODY_PART] = &im->body_part,
		[UID] = &im->sop,
		[CLASS] = &im->sop_class,
		[CHARSET] = &o->charset,
		[SYNTAX_UID] = &o->e.syntax_uid,
	};

	*text[opt] = optarg;
}

static void set_option(struct one *o, int opt)
{
	struct image *im = &o->im;

	switch (opt) {
	case SERIES_NO:
		im->series_no = count_of(optarg, INT32_MAX);
		break;
	case INSTANCE:
		im->instance = count_of(optarg, INT32_MAX);
		break;
	case ROWS:
		im->rows = count_of(optarg, 4096);
		break;
	case COLS:
		im->cols = count_of(optarg, 4096);
		break;
	case FRAMES:
		im->frames = count_of(optarg, 1000);
		break;
	case PIXEL:
		o->seed = count_of(optarg, INT32_MAX);
		break;
	case SYNTAX:
		o->e.syntax = syntax_of(optarg);
		break;
	case NO_PREAMBLE:
		o->e.no_preamble = true;
		break;
	case NO_META:
		o->e.no_meta = true;
		break;
	case SET:
		if (o->sets == 64)
			fail("too many --set");
		o->set[o->sets++] = optarg;
		break;
	case OMIT:
		if (o->omits == 64)
			fail("too many --omit");
		o->omit[o->omits++] = optarg;
		break;
	default:
		set_text(o, opt);
	}
}

static void class_of_modality(struct image *im)
{
	if (im->sop_class)
		return;
	im->sop_class = !strcmp(im->modality, "CT")   ? CLASS_CT
			: !strcmp(im->modality, "CR") ? CLASS_CR
			: !strcmp(im->modality, "MR") ? CLASS_MR
						      : CLASS_SC;
}

static uint16_t *pixels_of(const struct image *im, unsigned seed)
{
	size_t i, n = (size_t)im->rows * im->cols;
	uint32_t r = seed * 2654435761u + 1;
	uint16_t *pixel;

	n *= im->frames ? im->frames : 1;
	pixel = calloc(n ? n : 1, sizeof *pixel);
	if (!pixel)
		fail("out of memory");
	for (i = 0; i < n; i++) {
		r = r * 1664525u + 1013904223u;
		pixel[i] = (uint16_t)(r >> 20);
	}
	return pixel;
}

static void put_extras(struct one *o)
{
	unsigned i, group, element;

	if (o->charset)
		put(&o->e, 0x00080005, "CS", o->charset);
	for (i = 0; i < o->sets; i++)
		if (!put_spec(&o->e, o->set[i]))
			fail("%s: not gggg,eeee=VR:value", o->set[i]);
	for (i = 0; i < o->omits; i++) {
		if (sscanf(o->omit[i], "%4x,%4x", &group, &element) != 2)
			fail("%s: not gggg,eeee", o->omit[i]);
		omit(&o->e, (uint32_t)group << 16 | element);
	}
}

static int make_one(int argc, char **argv)
{
	static struct one o = { .im = { .id = "TEST-0001",
					.name = "Test^Synthetic",
					.birth = "19700101",
					.sex = "O",
					.study = "2.25.1",
					.study_id = "1",
					.study_desc = "Test study",
					.accession = "A1",
					.date = "20240102",
					.time = "030405",
					.series = "2.25.2",
					.series_no = 1,
					.series_desc = "Test series",
					.modality = "OT",
					.sop = "2.25.3",
					.instance = 1,
					.frame = "2.25.4",
					.rows = 8,
					.cols = 8,
					.bits = 12,
					.spacing = 1,
					.thickness = 1,
					.window = 400,
					.level = 40 } };
	int opt;
	uint16_t *pixel;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == '?')
			exit(64);
		set_option(&o, opt);
	}
	if (argc - optind != 1)
		fail("one: a single file is asked for, see --help");
	class_of_modality(&o.im);
	o.im.pixel = pixel = pixels_of(&o.im, o.seed);
	o.im.pos[2] = o.im.instance;
	if (!strcmp(o.im.sop_class, CLASS_CT))
		put_ct(&o.e, &o.im);
	else if (!strcmp(o.im.sop_class, CLASS_CR))
		put_cr(&o.e, &o.im);
	else
		put_plain(&o.e, &o.im);
	put_extras(&o);
	emit_save(&o.e, argv[optind]);
	emit_release(&o.e);
	free(pixel);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--help"))
		return fputs(usage, stdout) < 0;
	if (argc >= 3 && !strcmp(argv[1], "one"))
		return make_one(argc - 1, argv + 1);
	if (argc == 3 && !strcmp(argv[1], "head"))
		return make_head(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "small"))
		return make_small(argv[2], count_of(argv[3], 10000000));
	if (argc == 4 && !strcmp(argv[1], "large"))
		return make_large(argv[2], count_of(argv[3], 1000000));
	fputs(usage, stderr);
	return 64;
}
