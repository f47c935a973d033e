/* frames.c - the header of an object, and where its pixel data lies. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "codec/inside.h"

#define FRAGMENTS_MAX 1000000u
#define TABLE_MAX     (8u << 20)

#define TAG_PIXELS   0x7FE00010u
#define TAG_EXTENDED 0x7FE00001u
#define TAG_LENGTHS  0x7FE00002u

/* What the walk over an object remembers. */
struct walk {
	struct img_frames *f;
	struct img_dicom_reader *r;
	unsigned seen; /* a bit for each attribute of shape[] */
	bool in_pixels, first_item;
	bool doubt; /* whether native pixel data is that */
};

enum shape { ROWS, COLUMNS, SAMPLES, ALLOCATED, STORED, HIGH, SIGNED, PLANAR };

static const struct {
	uint32_t tag;
	const char *name;
} shape[] = {
	{ 0x00280010u, "Rows" },
	{ 0x00280011u, "Columns" },
	{ 0x00280002u, "SamplesPerPixel" },
	{ 0x00280100u, "BitsAllocated" },
	{ 0x00280101u, "BitsStored" },
	{ 0x00280102u, "HighBit" },
	{ 0x00280103u, "PixelRepresentation" },
	{ 0x00280006u, "PlanarConfiguration" },
};
#define SHAPES (sizeof(shape) / sizeof(shape[0]))

/* A number that any integer VR may hold; false if it is none. */
static bool number(const struct img_dicom_event *ev, uint64_t max,
		   uint64_t *out)
{
	struct img_dicom_pick pick = { .p = ev->value,
				       .length = ev->length,
				       .big = ev->big,
				       .present = true };
	char text[32];
	size_t lead;

	memcpy(pick.vr, ev->vr, sizeof(pick.vr));
	if (!ev->value || !img_dicom_number(&pick, text, sizeof(text)))
		return false;
	lead = strspn(text, " ");
	text[lead + strcspn(text + lead, " ")] = '\0';
	return img_parse_u64(text + lead, max, out);
}

static void set_shape(struct img_codec_image *image, size_t i, uint32_t v)
{
	uint16_t small = v > 65535 ? 65535 : (uint16_t)v;

	switch (i) {
	case ROWS:
		image->rows = v;
		break;
	case COLUMNS:
		image->columns = v;
		break;
	case SAMPLES:
		image->samples = small;
		break;
	case ALLOCATED:
		image->allocated = small;
		break;
	case STORED:
		image->stored = small;
		break;
	case HIGH:
		image->high = small;
		break;
	case SIGNED:
		image->representation = small;
		break;
	default:
		image->planar = small;
		break;
	}
}

static void take_photometric(struct img_codec_image *image,
			     const struct img_dicom_event *ev)
{
	size_t n = ev->value ? ev->length : 0;

	while (n && (ev->value[n - 1] == ' ' || !ev->value[n - 1]))
		n--;
	/* What is no code string (PS3.5 6.2) is none to a codec. */
	for (size_t i = 0; i < n; i++)
		if (ev->value[i] < ' ' || ev->value[i] > '~' ||
		    ev->value[i] == '\\')
			n = 0;
	if (n >= sizeof(image->photometric))
		n = 0;
	memcpy(image->photometric, ev->value ? ev->value : (const void *)"", n);
	image->photometric[n] = '\0';
}

static int wrong(const struct walk *w, const char *what, struct img_err *err)
{
	return img_err_set(err, IMG_E_MALFORMED, "%s: %s is no number",
			   w->f->name, what);
}

/* Attributes of the image pixel module. */
static int take_attribute(struct walk *w, const struct img_dicom_event *ev,
			  struct img_err *err)
{
	struct img_frames_facts *facts = &w->f->facts;
	uint64_t v;

	if (ev->tag == 0x00280004u) {
		take_photometric(&facts->image, ev);
		return 0;
	}
	if (ev->tag == 0x00280008u && ev->length) {
		/* Zero is written by some for one. */
		if (!number(ev, INT32_MAX, &v))
			return wrong(w, "NumberOfFrames", err);
		facts->stated = v ? (uint32_t)v : 1;
		return 0;
	}
	for (size_t i = 0; i < SHAPES; i++) {
		if (shape[i].tag != ev->tag || !ev->length)
			continue;
		if (!number(ev, UINT32_MAX, &v))
			return wrong(w, shape[i].name, err);
		set_shape(&facts->image, i, (uint32_t)v);
		w->seen |= 1u << i;
	}
	return 0;
}

/* ---- pixel data ---------------------------------------------------------- */

static int take_table(struct walk *w, uint32_t length, uint8_t **out,
		      uint64_t *n, struct img_err *err)
{
	if (length > TABLE_MAX)
		return img_err_set(err, IMG_E_LIMIT,
				   "%s: an offset table of %u bytes",
				   w->f->name, length);
	if (*out || !length)
		return 0;
	*out = malloc(length);
	if (!*out)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory",
				   w->f->name);
	*n = length;
	return img_dicom_value(w->r, 0, *out, length, err);
}

static int add_fragment(struct walk *w, const struct img_dicom_event *ev,
			bool start, struct img_err *err)
{
	struct img_frames *f = w->f;

	if (f->n_fragments == FRAGMENTS_MAX)
		return img_err_set(err, IMG_E_LIMIT,
				   "%s: more than %u fragments", f->name,
				   FRAGMENTS_MAX);
	if (f->n_fragments == f->room) {
		uint32_t room = f->room ? 2 * f->room : 64;
		struct fragment *p = realloc(f->fragments, room * sizeof(*p));

		if (!p)
			return img_err_set(err, IMG_E_NOMEM,
					   "%s: out of memory", f->name);
		f->fragments = p;
		f->room = room;
	}
	f->fragments[f->n_fragments++] =
		(struct fragment){ ev->offset, ev->length, start };
	return 0;
}

static int take_fragment(struct walk *w, const struct img_dicom_event *ev,
			 struct img_err *err)
{
	struct img_frames *f = w->f;
	bool first = w->first_item, start;
	uint8_t head[8];
	size_t n = ev->length < 8 ? ev->length : 8;

	w->first_item = false;
	if (n && img_dicom_value(w->r, 0, head, n, err) < 0)
		return -1;
	start = img_codec_starts(f->kind, head, n);
	if (first && !start)
		return take_table(w, ev->length, &f->basic, &f->basic_n, err);
	if (first)
		f->no_table = true;
	return add_fragment(w, ev, start, err);
}

/* Pixel data of a defined length: native, or a coded frame that was written
   without fragments. */
static int take_pixels(struct walk *w, const struct img_dicom_event *ev,
		       struct img_err *err)
{
	struct img_frames *f = w->f;
	enum codec_kind kind =
		img_codec_kind(img_dicom_facts(w->r)->transfer_syntax);
	size_t n = ev->length < 8 ? ev->length : 8;
	uint8_t head[8];

	f->facts.has_pixels = true;
	if (n && img_dicom_value(w->r, 0, head, n, err) < 0)
		return -1;
	if (img_codec_starts(kind, head, n)) {
		f->kind = kind;
		f->no_table = true;
		return add_fragment(w, ev, true, err);
	}
	f->facts.native = true;
	f->facts.at = ev->offset;
	f->facts.length = ev->length;
	f->facts.big = ev->big;
	f->words = strcmp(ev->vr, "OB") != 0;
	/* Under another syntax, only its length says that it is native. */
	w->doubt = kind != CODEC_NATIVE;
	return 0;
}

static int take_event(struct walk *w, const struct img_dicom_event *ev,
		      struct img_err *err)
{
	struct img_frames *f = w->f;

	if (w->in_pixels && ev->kind == IMG_DICOM_FRAGMENT)
		return take_fragment(w, ev, err);
	if (w->in_pixels && ev->kind == IMG_DICOM_END_SEQUENCE)
		w->in_pixels = false;
	if (ev->meta || ev->depth)
		return 0;
	if (ev->kind == IMG_DICOM_PIXELS && ev->tag == TAG_PIXELS &&
	    !f->facts.has_pixels) {
		f->facts.has_pixels = w->in_pixels = w->first_item = true;
		f->kind =
			img_codec_kind(img_dicom_facts(w->r)->transfer_syntax);
		return 0;
	}
	if (ev->kind != IMG_DICOM_ELEMENT)
		return 0;
	if (ev->tag == TAG_PIXELS && !f->facts.has_pixels)
		return take_pixels(w, ev, err);
	if (ev->tag == TAG_EXTENDED)
		return take_table(w, ev->length, &f->extended, &f->extended_n,
				  err);
	if (ev->tag == TAG_LENGTHS)
		return take_table(w, ev->length, &f->lengths, &f->lengths_n,
				  err);
	return ev->tag >> 16 == 0x0028 ? take_attribute(w, ev, err) : 0;
}

/* ---- the whole ----------------------------------------------------------- */

/* What is absent and follows from the others. */
static int complete(struct walk *w, struct img_err *err)
{
	struct img_codec_image *image = &w->f->facts.image;

	for (size_t i = 0; i < SHAPES; i++)
		if (!(w->seen & 1u << i) &&
		    (i == ROWS || i == COLUMNS || i == ALLOCATED))
			return img_err_set(err, IMG_E_MALFORMED,
					   "%s: pixel data without %s",
					   w->f->name, shape[i].name);
	if (!(w->seen & 1u << SAMPLES))
		image->samples = 1;
	if (!(w->seen & 1u << STORED))
		image->stored = image->allocated;
	if (!(w->seen & 1u << HIGH))
		image->high = (uint16_t)(image->stored - 1);
	/* 4:2:2 has an order of its own. */
	if (image->samples == 1 || img_codec_is_422(image))
		image->planar = 0;
	return 0;
}

/* Native frames follow each other without a gap, bit by bit (PS3.5 8.1.1). */
static void sort_native(struct img_frames *f)
{
	uint64_t frame = img_codec_frame_bits(&f->facts.image);
	uint64_t there = f->facts.length * 8 / frame;

	f->kind = CODEC_NATIVE;
	f->facts.table = "none";
	/* Bytes beyond the frames stated are no frames: some align with more
	   than one byte. */
	f->facts.frames =
		there < f->facts.stated ? (uint32_t)there : f->facts.stated;
}

/* GE's has words in another order than the rest; others may, too. */
static bool is_order_known(const char *ts)
{
	return img_ts_find(ts) && strcmp(ts, "1.2.840.113619.5.2") != 0;
}

static int sort(struct walk *w, struct img_err *err)
{
	struct img_frames *f = w->f;
	struct img_err why = IMG_ERR_INIT;
	size_t size;

	if (!f->facts.has_pixels)
		return 0;
	if (!f->facts.native && f->kind == CODEC_NATIVE)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: fragments under a native transfer "
				   "syntax",
				   f->name);
	if (f->facts.native && *f->facts.ts && !is_order_known(f->facts.ts))
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%s: pixel data in the order of a private "
				   "transfer syntax",
				   f->name);
	if (f->kind == CODEC_NONE && !f->facts.native)
		return img_frames_sort(f, err);
	if (complete(w, err) < 0)
		return -1;
	if (img_codec_frame_size(&f->facts.image, &size, &why) < 0)
		return img_err_set(err, why.code, "%s: %s", f->name, why.text);
	if (!f->facts.native)
		return img_frames_sort(f, err);
	if (w->doubt &&
	    f->facts.length - f->facts.length % 2 !=
		    (img_codec_frame_bits(&f->facts.image) * f->facts.stated +
		     15) / 16 *
			    2)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: pixel data is neither native nor "
				   "coded as the transfer syntax says",
				   f->name);
	sort_native(f);
	return 0;
}

static int walk(struct img_frames *f, struct img_dicom_reader *r,
		struct img_err *err)
{
	struct walk w = { .f = f, .r = r };
	const struct img_dicom_facts *facts;
	struct img_dicom_event ev;
	int rc;

	while ((rc = img_dicom_next(r, &ev, err)) == 1)
		if (take_event(&w, &ev, err) < 0)
			return -1;
	if (rc < 0)
		return -1;
	facts = img_dicom_facts(r);
	memcpy(f->facts.ts, facts->transfer_syntax, sizeof(f->facts.ts));
	f->facts.deflated = facts->deflated;
	return sort(&w, err);
}

int img_frames_open(struct img_frames **out, int fd, const char *name,
		    struct img_err *err)
{
	struct img_frames *f = calloc(1, sizeof(*f));
	struct img_dicom_reader *r = NULL;
	struct stat st;
	int rc = -1;

	if (!f)
		return img_err_set(err, IMG_E_NOMEM, "%s: out of memory", name);
	f->fd = fd;
	f->name = name;
	f->facts.stated = 1;
	f->facts.table = "none";
	r = img_dicom_reader_new(err);
	if (!r)
		goto out;
	if (fstat(fd, &st) < 0) {
		img_err_sys(err, "%s", name);
		goto out;
	}
	if (img_dicom_start_fd(r, fd, (uint64_t)st.st_size, name, NULL, err) <
		    0 ||
	    walk(f, r, err) < 0)
		goto out;
	if (f->facts.deflated && f->facts.native) {
		f->reader = r;
		r = NULL;
	}
	*out = f;
	f = NULL;
	rc = 0;
out:
	img_dicom_reader_free(r);
	img_frames_close(f);
	return rc;
}

void img_frames_close(struct img_frames *f)
{
	if (!f)
		return;
	img_dicom_reader_free(f->reader);
	free(f->fragments);
	free(f->first);
	free(f->pieces);
	free(f->basic);
	free(f->extended);
	free(f->lengths);
	free(f);
}

const struct img_frames_facts *img_frames_facts(const struct img_frames *f)
{
	return &f->facts;
}

int img_frames_check(const struct img_frames_facts *f, const char *name,
		     struct img_err *err)
{
	const struct img_ts *ts = img_ts_find(f->ts);

	if (f->frames >= f->stated || (ts && ts->video && !f->native))
		return 0;
	return img_err_set(err, IMG_E_TRUNCATED,
			   "%s: %u frames are there, and %u stated", name,
			   f->frames, f->stated);
}
