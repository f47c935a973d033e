/* format.c - what was found, as JSON lines, CSV and cells of a table. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "jsonl/jsonl.h"
#include "work/format.h"

static const char *const ours_name[IMG_OURS_MAX] = {
	"status", "key",      "digest",       "bytes",
	"added",  "prior_of", "last_checked", "last_verdict"
};
#define BEFORE (IMG_OURS_STATUS | IMG_OURS_KEY) /* before the fields */

/* A fact of ours as text, NULL if there is none. */
static const char *ours(const struct img_found *f, unsigned bit,
			char text[IMG_DIGEST_HEX])
{
	bool object = f->row && f->row->bytes;

	switch (bit) {
	case IMG_OURS_STATUS:
		return f->status;
	case IMG_OURS_KEY:
		return f->key;
	case IMG_OURS_PRIOR_OF:
		return f->prior_of;
	case IMG_OURS_ADDED:
		return f->row ? f->row->added : NULL;
	case IMG_OURS_CHECKED:
		return f->row ? f->row->checked : NULL;
	case IMG_OURS_VERDICT:
		return f->row ? f->row->verdict : NULL;
	case IMG_OURS_DIGEST:
		if (object)
			img_hex(text, f->row->digest, IMG_DIGEST_SIZE);
		return object ? text : NULL;
	default:
		if (object)
			snprintf(text, IMG_DIGEST_HEX, "%llu",
				 (unsigned long long)f->row->bytes);
		return object ? text : NULL;
	}
}

/* ---- JSON lines ------------------------------------------------------- */

/* Members that imgrecord(5) puts first; from the study on, by level. */
static const char *const head[] = { "StudyInstanceUID",  "SeriesInstanceUID",
				    "SOPInstanceUID",    "SOPClassUID",
				    "TransferSyntaxUID", "Modality" };

static bool is_early(const char *name)
{
	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		if (strcmp(name, head[i]) == 0)
			return true;
	return false;
}

static int put_ours(const struct img_writer *w, const struct img_found *f,
		    unsigned bits, struct img_buf *out, struct img_err *err)
{
	char text[IMG_DIGEST_HEX];

	for (int i = 0; i < IMG_OURS_MAX; i++) {
		unsigned bit = 1u << i & w->ours & bits;
		const char *v = bit ? ours(f, bit, text) : NULL;
		int rc = 0;

		if (v && bit == IMG_OURS_BYTES)
			rc = img_json_put_u64(out, "bytes", f->row->bytes, err);
		else
			rc = img_json_put(out, ours_name[i], v, err);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int put_fields(const struct img_writer *w, const struct img_found *f,
		      bool early, struct img_buf *out, struct img_err *err)
{
	for (size_t i = 0; f->value && i < w->fields; i++)
		if (is_early(w->field[i].name) == early &&
		    img_json_put(out, w->field[i].name, f->value[i], err) < 0)
			return -1;
	return 0;
}

static int put_error(const struct img_err *e, struct img_buf *out,
		     struct img_err *err)
{
	if (!e)
		return 0;
	if (img_json_key(out, "error", err) < 0 ||
	    img_json_open(out, '{', err) < 0 ||
	    img_json_put(out, "code", img_code_word(e->code), err) < 0 ||
	    img_json_put(out, "message", e->text, err) < 0 ||
	    img_json_put(out, "by", "imgquery", err) < 0)
		return -1;
	return img_json_close(out, '}', err);
}

static int jsonl(const struct img_writer *w, const struct img_found *f,
		 struct img_buf *out, struct img_err *err)
{
	if (img_json_open(out, '{', err) < 0 ||
	    put_ours(w, f, IMG_OURS_STATUS, out, err) < 0 ||
	    (f->row && f->row->lone &&
	     img_json_put(out, head[f->row->lone_level - IMG_STUDY],
			  f->row->lone, err) < 0) ||
	    put_fields(w, f, true, out, err) < 0 ||
	    put_ours(w, f, IMG_OURS_BYTES, out, err) < 0 ||
	    put_ours(w, f, IMG_OURS_DIGEST, out, err) < 0 ||
	    img_json_put(out, "reason", f->reason, err) < 0 ||
	    put_error(f->error, out, err) < 0 ||
	    put_fields(w, f, false, out, err) < 0 ||
	    put_ours(w, f,
		     IMG_OURS_KEY | IMG_OURS_ADDED | IMG_OURS_PRIOR_OF |
			     IMG_OURS_CHECKED | IMG_OURS_VERDICT,
		     out, err) < 0 ||
	    img_json_close(out, '}', err) < 0)
		return -1;
	return img_buf_putc(out, '\n', err);
}

/* ---- columns ---------------------------------------------------------- */

static size_t count_bits(unsigned bits)
{
	return (size_t)__builtin_popcount(bits);
}

size_t img_format_columns(const struct img_writer *w)
{
	return count_bits(w->ours) + w->fields;
}

/* The bit of ours in column i, or 0 and *field. */
static unsigned column(const struct img_writer *w, size_t i, size_t *field)
{
	size_t before = count_bits(w->ours & BEFORE);
	unsigned bits;

	if (i >= before && i < before + w->fields) {
		*field = i - before;
		return 0;
	}
	bits = w->ours & BEFORE;
	if (i >= before) {
		bits = w->ours & ~(unsigned)BEFORE;
		i -= before + w->fields;
	}
	while (i--)
		bits &= bits - 1;
	return bits & -bits;
}

static const char *name_of(const struct img_writer *w, size_t i)
{
	size_t field = 0;
	unsigned bit = column(w, i, &field);

	return bit ? ours_name[__builtin_ctz(bit)] : w->field[field].name;
}

static const char *raw(const struct img_writer *w, const struct img_found *f,
		       size_t i, char text[IMG_DIGEST_HEX])
{
	size_t field = 0;
	unsigned bit = column(w, i, &field);

	if (bit)
		return ours(f, bit, text);
	return f->value ? f->value[field] : NULL;
}

/* RFC 4180 2.5 to 2.7. */
static int put_csv(struct img_buf *out, const char *s, struct img_err *err)
{
	if (!s)
		return 0;
	if (!strpbrk(s, ",\"\r\n"))
		return img_buf_puts(out, s, err);
	if (img_buf_putc(out, '"', err) < 0)
		return -1;
	for (; *s; s++)
		if ((*s == '"' && img_buf_putc(out, '"', err) < 0) ||
		    img_buf_putc(out, *s, err) < 0)
			return -1;
	return img_buf_putc(out, '"', err);
}

static int csv(const struct img_writer *w, const struct img_found *f,
	       struct img_buf *out, struct img_err *err)
{
	size_t n = img_format_columns(w), at = out->len;
	char text[IMG_DIGEST_HEX];

	for (size_t i = 0; i < n; i++) {
		const char *v = f ? raw(w, f, i, text) : name_of(w, i);

		if ((i && img_buf_putc(out, ',', err) < 0) ||
		    put_csv(out, v, err) < 0)
			return -1;
	}
	/* A line that holds nothing would be none. */
	if (out->len == at && img_buf_puts(out, "\"\"", err) < 0)
		return -1;
	return img_buf_puts(out, "\r\n", err);
}

int img_format_head(const struct img_writer *w, struct img_buf *out,
		    struct img_err *err)
{
	return w->format == IMG_FORMAT_CSV ? csv(w, NULL, out, err) : 0;
}

int img_format_row(const struct img_writer *w, const struct img_found *f,
		   struct img_buf *out, struct img_err *err)
{
	if (w->format == IMG_FORMAT_CSV)
		return csv(w, f, out, err);
	if (w->format == IMG_FORMAT_DICOM_JSON)
		return img_format_dicom_json(w, f, out, err);
	return jsonl(w, f, out, err);
}

/* ---- for people ------------------------------------------------------- */

const char *img_format_title(const struct img_writer *w, size_t i)
{
	static const char *const titles[][2] = {
		{ "PatientID", "ID" },
		{ "PatientName", "Name" },
		{ "PatientBirthDate", "Born" },
		{ "PatientSex", "Sex" },
		{ "StudyDate", "Date" },
		{ "StudyTime", "Time" },
		{ "AccessionNumber", "Accession" },
		{ "StudyDescription", "Study" },
		{ "ModalitiesInStudy", "Modality" },
		{ "SeriesNumber", "SerNo" },
		{ "SeriesDescription", "Series" },
		{ "BodyPartExamined", "Part" },
		{ "InstanceNumber", "ImgNo" },
		{ "NumberOfFrames", "Frames" },
		{ "NumberOfPatientRelatedStudies", "Studies" },
		{ "NumberOfPatientRelatedInstances", "Images" },
		{ "NumberOfStudyRelatedSeries", "Series" },
		{ "NumberOfStudyRelatedInstances", "Images" },
		{ "NumberOfSeriesRelatedInstances", "Images" },
	};
	const char *name = name_of(w, i);

	for (size_t k = 0; k < sizeof(titles) / sizeof(titles[0]); k++)
		if (strcmp(titles[k][0], name) == 0)
			return titles[k][1];
	return name;
}

static bool all_digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isdigit((unsigned char)s[i]))
			return false;
	return true;
}

static void date_cell(char *out, const char *v)
{
	if (strlen(v) == 8 && all_digits(v, 8))
		snprintf(out, IMG_CELL_MAX, "%.4s-%.2s-%.2s", v, v + 4, v + 6);
}

static void time_cell(char *out, const char *v)
{
	if (strlen(v) >= 6 && all_digits(v, 6))
		snprintf(out, IMG_CELL_MAX, "%.2s:%.2s:%.2s", v, v + 2, v + 4);
	else if (strlen(v) == 4 && all_digits(v, 4))
		snprintf(out, IMG_CELL_MAX, "%.2s:%.2s", v, v + 2);
}

static size_t put_part(char *out, size_t at, const char *s, size_t n)
{
	if (n > IMG_CELL_MAX - 1 - at)
		n = IMG_CELL_MAX - 1 - at;
	memcpy(out + at, s, n);
	return at + n;
}

/* "Doe^Jane^M^Dr" as "Doe, Jane M Dr"; groups of the name in brackets. */
static void name_cell(char *out, const char *v)
{
	size_t at = 0, part = 0;
	const char *gap = "";

	for (; *v; v++) {
		size_t n = strcspn(v, "^=");

		if (n) {
			at = put_part(out, at, gap, strlen(gap));
			at = put_part(out, at, v, n);
			gap = " ";
		}
		v += n;
		if (*v == '=') {
			gap = at ? " / " : "";
			part = 0;
		} else if (*v == '^' && part++ == 0 && n) {
			gap = ", ";
		}
		if (!*v)
			break;
	}
	out[at] = '\0';
}

/* Cut between characters, controls out. */
static void plain_cell(char *out, const char *v)
{
	size_t n = strlen(v);

	if (n > IMG_CELL_MAX - 1) {
		n = IMG_CELL_MAX - 1;
		while (n && ((unsigned char)v[n] & 0xC0) == 0x80)
			n--;
	}
	memcpy(out, v, n);
	out[n] = '\0';
}

const char *img_format_cell(const struct img_writer *w,
			    const struct img_found *f, size_t i,
			    char text[IMG_CELL_MAX])
{
	size_t field = 0;
	unsigned bit = column(w, i, &field);
	const char *v = raw(w, f, i, text), *vr;

	if (!v)
		return "";
	if (bit) {
		if (v != text)
			plain_cell(text, v);
		return text;
	}
	plain_cell(text, v);
	vr = w->field[field].vr;
	if (strcmp(vr, "DA") == 0)
		date_cell(text, v);
	else if (strcmp(vr, "TM") == 0)
		time_cell(text, v);
	else if (strcmp(vr, "PN") == 0 && strlen(v) < IMG_CELL_MAX / 2)
		name_cell(text, v);
	for (char *p = text; *p; p++)
		if (*p == '\\')
			*p = ' ';
	return text;
}
