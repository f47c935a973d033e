/*
 * pdi.c - what lies beside the DICOM files for people (IHE PDI): README.TXT,
 * INDEX.HTM and the pages of IHE_PDI.
 *
 * Pages are XHTML without script or style from elsewhere, and every text in
 * them was escaped: a name can hold anything.  Nothing in them is known that
 * is not in the DICOMDIR.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/plan.h"

#define PATIENT_NAME IMG_TAG(0x0010, 0x0010)
#define BIRTH_DATE   IMG_TAG(0x0010, 0x0030)
#define PATIENT_SEX  IMG_TAG(0x0010, 0x0040)
#define STUDY_DATE   IMG_TAG(0x0008, 0x0020)
#define STUDY_TEXT   IMG_TAG(0x0008, 0x1030)
#define MODALITY     IMG_TAG(0x0008, 0x0060)
#define SERIES_TEXT  IMG_TAG(0x0008, 0x103E)
#define PREVIEW_SIZE 384
#define TRIES        3 /* objects that a preview of a series is sought in */

struct making {
	struct img_media_set *m;
	unsigned volume;
	const struct img_media_out *out;
	struct img_buf page, index, jpeg, text;
	unsigned studies, series;
	char label[IMG_MEDIA_LABEL];
};

/* ---- texts ------------------------------------------------------------ */

static int put_escaped(struct img_buf *b, const char *p, size_t n,
		       struct img_err *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *e = p[i] == '&'    ? "&amp;"
				: p[i] == '<'  ? "&lt;"
				: p[i] == '>'  ? "&gt;"
				: p[i] == '"'  ? "&quot;"
				: p[i] == '\'' ? "&#39;"
					       : NULL;

		if (e ? img_buf_puts(b, e, err) < 0
		      : img_buf_putc(b, p[i], err) < 0)
			return -1;
	}
	return 0;
}

/* A value of a record, or nothing. */
static int put_value(struct making *w, struct img_buf *b,
		     const struct values *vs, uint32_t tag, struct img_err *err)
{
	const struct value *v = media_value_find(vs, tag);

	if (!v)
		return 0;
	img_buf_reset(&w->text);
	if (media_value_utf8(w->m, v, &w->text, err) < 0)
		return -1;
	return put_escaped(b, img_buf_str(&w->text), w->text.len, err);
}

/* A date as 2026-11-22. */
static int put_date(struct making *w, struct img_buf *b,
		    const struct values *vs, uint32_t tag, struct img_err *err)
{
	const struct value *v = media_value_find(vs, tag);
	const char *p;

	if (!v || v->length != 8)
		return 0;
	p = media_text(w->m, v->at);
	return img_buf_printf(b, err, "%.4s-%.2s-%.2s", p, p + 4, p + 6);
}

/* The groups of the name as a person reads them. */
static int put_name(struct making *w, struct img_buf *b,
		    const struct values *vs, struct img_err *err)
{
	size_t start = b->len;

	if (put_value(w, b, vs, PATIENT_NAME, err) < 0)
		return -1;
	if (b->len == start)
		return img_buf_puts(b, "(no name)", err);
	for (size_t i = start; i < b->len; i++)
		if (b->data[i] == '^' || b->data[i] == '=')
			b->data[i] = ' ';
	return 0;
}

static int put_head(struct img_buf *b, const char *title, struct img_err *err)
{
	return img_buf_printf(
		b, err,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		"<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" "
		"\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd\">\r\n"
		"<html xmlns=\"http://www.w3.org/1999/xhtml\">\r\n<head>\r\n"
		"<meta http-equiv=\"Content-Type\" "
		"content=\"text/html; charset=UTF-8\" />\r\n"
		"<title>%s</title>\r\n</head>\r\n<body>\r\n<h1>%s</h1>\r\n",
		title, title);
}

static int put_file(struct making *w, const char *name, const struct img_buf *b,
		    struct img_err *err)
{
	return w->out->put(w->out->arg, name, img_buf_str(b), b->len, err);
}

/* ---- counting --------------------------------------------------------- */

static bool is_here(const struct making *w, const struct object *o)
{
	return media_is_listed(o) && o->volume == w->volume;
}

static unsigned count_objects(const struct making *w,
			      const struct group *series)
{
	unsigned n = 0;

	for (size_t i = series->first; i != NONE; i = w->m->objects[i].next)
		n += is_here(w, &w->m->objects[i]);
	return n;
}

/* ---- README.TXT ------------------------------------------------------- */

struct counts {
	unsigned patients, studies, series, objects;
};

static void count(const struct making *w, struct counts *c)
{
	const struct img_media_set *m = w->m;

	memset(c, 0, sizeof *c);
	for (size_t i = 0; i < m->group_count; i++) {
		const struct group *g = &m->groups[i];

		c->patients += g->on && g->level == PATIENT;
		c->studies += g->on && g->level == STUDY;
		c->series += g->on && g->level == SERIES;
	}
	for (size_t i = 0; i < m->object_count; i++)
		c->objects += is_here(w, &m->objects[i]);
}

static const char *plural(unsigned n)
{
	return n == 1 ? "" : "s";
}

static int put_readme(struct making *w, struct img_err *err)
{
	static const char web[] = "  INDEX.HTM  pages for a web browser, with "
				  "the pictures of IHE_PDI\r\n";
	static const char manifest[] =
		"  MANIFEST.TXT\r\n             digests of all files, for "
		"cksum -c\r\n";
	const struct img_media_set *m = w->m;
	struct img_buf *b = &w->page;
	struct counts c;

	count(w, &c);
	img_buf_reset(b);
	if (img_buf_printf(b, err,
			   "DICOM FILE-SET %s\r\n\r\n"
			   "Volume %u of %u.  Application profile: %s.\r\n",
			   w->label, w->volume + 1, m->volumes,
			   m->profile->syntaxes ? m->profile->name
						: "none is claimed") < 0)
		return -1;
	if (m->institution != NONE &&
	    img_buf_printf(b, err, "\r\nMade by\r\n  %s\r\n",
			   media_text(m, m->institution)) < 0)
		return -1;
	if (img_buf_printf(
		    b, err,
		    "\r\nSoftware\r\n  imgexport of imgtools %s\r\n"
		    "\r\nContents\r\n"
		    "  %u patient%s, %u stud%s, %u series, %u object%s\r\n"
		    "  DICOMDIR   the directory that DICOM viewers open\r\n"
		    "  DICOM      the objects\r\n%s%s"
		    "\r\nViewing\r\n"
		    "  Open DICOMDIR with any DICOM viewer.  None is on this "
		    "medium, and nothing\r\n  on it needs to be run.\r\n",
		    IMG_VERSION, c.patients, plural(c.patients), c.studies,
		    c.studies == 1 ? "y" : "ies", c.series, c.objects,
		    plural(c.objects), m->web ? web : "",
		    m->per_object ? manifest : "") < 0 ||
	    img_buf_puts(
		    b,
		    "\r\nDisclaimer\r\n"
		    "  This medium holds confidential medical data of the "
		    "persons named on it.\r\n  Whoever is not to have it is "
		    "asked to return it to where it was made.\r\n  Pages and "
		    "pictures are for orientation only, not for diagnosis.  "
		    "Whether the\r\n  objects fit a purpose is for the reader "
		    "to judge; they come without warranty.\r\n",
		    err) < 0)
		return -1;
	return put_file(w, "README.TXT", b, err);
}

/* ---- previews --------------------------------------------------------- */

/* Index of the n-th object of the series that is an image here. */
static size_t nth_image(const struct making *w, const struct group *series,
			unsigned n)
{
	for (size_t i = series->first; i != NONE; i = w->m->objects[i].next) {
		const struct object *o = &w->m->objects[i];

		if (is_here(w, o) && strcmp(o->type->name, "IMAGE") == 0 &&
		    n-- == 0)
			return i;
	}
	return NONE;
}

static unsigned count_images(const struct making *w, const struct group *series)
{
	unsigned n = 0;

	for (size_t i = series->first; i != NONE; i = w->m->objects[i].next)
		n += is_here(w, &w->m->objects[i]) &&
		     strcmp(w->m->objects[i].type->name, "IMAGE") == 0;
	return n;
}

/* A picture of the middle of the series, else of its begin or end.  1 it was
   put, 0 there is none. */
static int put_preview(struct making *w, const struct group *series,
		       const char *name, struct img_err *err)
{
	unsigned n = count_images(w, series);
	unsigned at[TRIES] = { n / 2, 0, n - 1 };

	for (unsigned i = 0; n && w->out->preview && i < TRIES; i++) {
		int rc;

		img_buf_reset(&w->jpeg);
		rc = w->out->preview(w->out->arg, nth_image(w, series, at[i]),
				     PREVIEW_SIZE, &w->jpeg, err);
		if (rc < 0)
			return -1;
		if (rc == 1 && w->jpeg.len && w->jpeg.len <= MEDIA_PREVIEW_MAX)
			return put_file(w, name, &w->jpeg, err) < 0 ? -1 : 1;
		if (n == 1)
			break;
	}
	return 0;
}

/* ---- pages ------------------------------------------------------------ */

static int put_series(struct making *w, const struct group *g,
		      struct img_err *err)
{
	struct img_buf *b = &w->page;
	char name[32];
	int rc;

	snprintf(name, sizeof name, "IHE_PDI/SE%06u.JPG", ++w->series);
	rc = put_preview(w, g, name, err);
	if (rc < 0 || img_buf_puts(b, "<tr><td>", err) < 0)
		return -1;
	if (rc && img_buf_printf(b, err, "<img src=\"%s\" alt=\"preview\" />",
				 name + strlen("IHE_PDI/")) < 0)
		return -1;
	if (img_buf_puts(b, "</td><td>", err) < 0 ||
	    put_value(w, b, &g->keys, MODALITY, err) < 0 ||
	    img_buf_puts(b, "</td><td>", err) < 0 ||
	    put_value(w, b, &g->keys, SERIES_TEXT, err) < 0)
		return -1;
	return img_buf_printf(b, err, "</td><td>%u</td></tr>\r\n",
			      count_objects(w, g));
}

static int put_study_page(struct making *w, const struct group *patient,
			  const struct group *study, const char *name,
			  struct img_err *err)
{
	struct img_buf *b = &w->page;

	img_buf_reset(b);
	if (put_head(b, "Study", err) < 0 || img_buf_puts(b, "<p>", err) < 0 ||
	    put_name(w, b, &patient->keys, err) < 0 ||
	    img_buf_puts(b, "<br />", err) < 0 ||
	    put_date(w, b, &study->keys, STUDY_DATE, err) < 0 ||
	    img_buf_puts(b, " ", err) < 0 ||
	    put_value(w, b, &study->keys, STUDY_TEXT, err) < 0 ||
	    img_buf_puts(b,
			 "</p>\r\n<table border=\"1\">\r\n<tr><th>Preview</th>"
			 "<th>Modality</th><th>Series</th><th>Objects</th>"
			 "</tr>\r\n",
			 err) < 0)
		return -1;
	for (size_t i = study->first; i != NONE; i = w->m->groups[i].next)
		if (w->m->groups[i].on &&
		    put_series(w, &w->m->groups[i], err) < 0)
			return -1;
	if (img_buf_puts(b,
			 "</table>\r\n<p>Previews are not for diagnosis.</p>"
			 "\r\n<p><a href=\"../INDEX.HTM\">Index</a></p>\r\n"
			 "</body>\r\n</html>\r\n",
			 err) < 0)
		return -1;
	return put_file(w, name, b, err);
}

static int put_study(struct making *w, const struct group *patient,
		     const struct group *study, struct img_err *err)
{
	struct img_buf *b = &w->index;
	unsigned objects = 0;
	char name[32];

	snprintf(name, sizeof name, "IHE_PDI/ST%06u.HTM", ++w->studies);
	if (put_study_page(w, patient, study, name, err) < 0)
		return -1;
	for (size_t i = study->first; i != NONE; i = w->m->groups[i].next)
		objects += count_objects(w, &w->m->groups[i]);
	if (img_buf_printf(b, err, "<li><a href=\"%s\">", name) < 0 ||
	    put_date(w, b, &study->keys, STUDY_DATE, err) < 0 ||
	    img_buf_puts(b, " ", err) < 0 ||
	    put_value(w, b, &study->keys, STUDY_TEXT, err) < 0)
		return -1;
	return img_buf_printf(b, err, "</a> (%u)</li>\r\n", objects);
}

static int put_patient(struct making *w, const struct group *g,
		       struct img_err *err)
{
	struct img_buf *b = &w->index;

	if (img_buf_puts(b, "<h2>", err) < 0 ||
	    put_name(w, b, &g->keys, err) < 0 ||
	    img_buf_puts(b, "</h2>\r\n<p>ID ", err) < 0 ||
	    put_value(w, b, &g->keys, PATIENT_ID, err) < 0 ||
	    img_buf_puts(b, ", born ", err) < 0 ||
	    put_date(w, b, &g->keys, BIRTH_DATE, err) < 0 ||
	    img_buf_puts(b, ", sex ", err) < 0 ||
	    put_value(w, b, &g->keys, PATIENT_SEX, err) < 0 ||
	    img_buf_puts(b, "</p>\r\n<ul>\r\n", err) < 0)
		return -1;
	for (size_t i = g->first; i != NONE; i = w->m->groups[i].next)
		if (w->m->groups[i].on &&
		    put_study(w, g, &w->m->groups[i], err) < 0)
			return -1;
	return img_buf_puts(b, "</ul>\r\n", err);
}

static int put_index(struct making *w, struct img_err *err)
{
	const struct img_media_set *m = w->m;
	struct img_buf *b = &w->index;

	if (put_head(b, "Medical images", err) < 0)
		return -1;
	if (m->institution != NONE &&
	    (img_buf_puts(b, "<p>", err) < 0 ||
	     put_escaped(b, media_text(m, m->institution),
			 strlen(media_text(m, m->institution)), err) < 0 ||
	     img_buf_puts(b, "</p>\r\n", err) < 0))
		return -1;
	for (size_t i = m->first[0]; i != NONE; i = m->groups[i].next)
		if (m->groups[i].on && put_patient(w, &m->groups[i], err) < 0)
			return -1;
	if (img_buf_printf(b, err,
			   "<p>File-set %s, volume %u of %u.  The images "
			   "themselves are DICOM files: open DICOMDIR with a "
			   "DICOM viewer.  See <a href=\"README.TXT\">"
			   "README.TXT</a>.</p>\r\n</body>\r\n</html>\r\n",
			   w->label, w->volume + 1, m->volumes) < 0)
		return -1;
	return put_file(w, "INDEX.HTM", b, err);
}

int img_media_pdi(struct img_media_set *m, unsigned volume,
		  const struct img_media_out *out, struct img_err *err)
{
	struct making w = { .m = m, .volume = volume, .out = out };
	int rc;

	img_buf_init(&w.page, 64u << 20);
	img_buf_init(&w.index, 256u << 20);
	img_buf_init(&w.jpeg, 16u << 20);
	img_buf_init(&w.text, 64u << 10);
	img_media_label(m, volume, w.label);
	media_mark(m, volume);
	rc = put_readme(&w, err);
	if (rc == 0 && m->web)
		rc = put_index(&w, err);
	img_buf_release(&w.page);
	img_buf_release(&w.index);
	img_buf_release(&w.jpeg);
	img_buf_release(&w.text);
	return rc;
}
