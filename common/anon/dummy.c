/* dummy.c - values and sequences that stand for others (codes Z and D). */
#include "anon/inside.h"

int anon_put_value(struct img_anon *a, uint32_t tag, const char *vr,
		   const void *p, size_t n, struct img_err *err)
{
	struct img_dicom_event ev = { .kind = IMG_DICOM_ELEMENT,
				      .tag = tag,
				      .length = (uint32_t)n };

	memcpy(ev.vr, vr, 2);
	/* Given in little endian; the writer turns it where it must. */
	return img_dicom_put(a->w, &ev, p, err);
}

static int put_text(struct img_anon *a, uint32_t tag, const char *vr,
		    const char *text, struct img_err *err)
{
	return anon_put_value(a, tag, vr, text, strlen(text), err);
}

int anon_put_mark(struct img_anon *a, enum img_dicom_kind kind, uint32_t tag,
		  struct img_err *err)
{
	const struct img_dicom_event ev = { .kind = kind,
					    .tag = tag,
					    .vr = "SQ",
					    .length = IMG_UNDEFINED_LEN };

	return img_dicom_put(a->w, &ev, NULL, err);
}

static int begin_item(struct img_anon *a, uint32_t tag, struct img_err *err)
{
	if (anon_put_mark(a, IMG_DICOM_SEQUENCE, tag, err) < 0)
		return -1;
	return anon_put_mark(a, IMG_DICOM_ITEM, tag, err);
}

static int end_item(struct img_anon *a, uint32_t tag, struct img_err *err)
{
	if (anon_put_mark(a, IMG_DICOM_END_ITEM, tag, err) < 0)
		return -1;
	return anon_put_mark(a, IMG_DICOM_END_SEQUENCE, tag, err);
}

static int empty_sequence(struct img_anon *a, uint32_t tag, struct img_err *err)
{
	if (anon_put_mark(a, IMG_DICOM_SEQUENCE, tag, err) < 0)
		return -1;
	return anon_put_mark(a, IMG_DICOM_END_SEQUENCE, tag, err);
}

static int code(struct img_anon *a, uint32_t tag, const char *value,
		const char *scheme, const char *meaning, struct img_err *err)
{
	if (begin_item(a, tag, err) < 0 ||
	    put_text(a, 0x00080100u, "SH", value, err) < 0 ||
	    put_text(a, 0x00080102u, "SH", scheme, err) < 0 ||
	    put_text(a, 0x00080104u, "LO", meaning, err) < 0)
		return -1;
	return end_item(a, tag, err);
}

/* ---- sequences -------------------------------------------------------- */

/* One TEXT item: PS3.3 C.17.3. */
static int content(struct img_anon *a, uint32_t tag, struct img_err *err)
{
	if (begin_item(a, tag, err) < 0 ||
	    put_text(a, 0x0040A010u, "CS", "CONTAINS", err) < 0 ||
	    put_text(a, 0x0040A040u, "CS", "TEXT", err) < 0 ||
	    code(a, 0x0040A043u, "121106", "DCM", "Comment", err) < 0 ||
	    put_text(a, 0x0040A160u, "UT", "REMOVED", err) < 0)
		return -1;
	return end_item(a, tag, err);
}

/* A text without a word of the old ones: PS3.3 C.10.5. */
static int graphic(struct img_anon *a, uint32_t tag, struct img_err *err)
{
	static const uint8_t point[8];

	if (begin_item(a, tag, err) < 0 ||
	    put_text(a, 0x00700002u, "CS", "REMOVED", err) < 0 ||
	    begin_item(a, 0x00700008u, err) < 0 ||
	    put_text(a, 0x00700004u, "CS", "DISPLAY", err) < 0 ||
	    put_text(a, 0x00700006u, "ST", "REMOVED", err) < 0 ||
	    anon_put_value(a, 0x00700014u, "FL", point, 8, err) < 0 ||
	    put_text(a, 0x00700015u, "CS", "N", err) < 0 ||
	    end_item(a, 0x00700008u, err) < 0)
		return -1;
	return end_item(a, tag, err);
}

/* PS3.3 C.17.2 */
static int observer(struct img_anon *a, uint32_t tag, struct img_err *err)
{
	if (begin_item(a, tag, err) < 0 ||
	    put_text(a, 0x0040A027u, "LO", "REMOVED", err) < 0 ||
	    put_text(a, 0x0040A030u, "DT", "19000101000000", err) < 0 ||
	    put_text(a, 0x0040A075u, "PN", "REMOVED", err) < 0 ||
	    empty_sequence(a, 0x0040A088u, err) < 0)
		return -1;
	return end_item(a, tag, err);
}

static int sequence(struct img_anon *a, uint32_t tag, struct img_err *err)
{
	static const uint8_t zero[2];

	switch (tag) {
	case T_CONTENT:
		return content(a, tag, err);
	case 0x00700001u: /* GraphicAnnotationSequence */
		return graphic(a, tag, err);
	case 0x0040A073u: /* VerifyingObserverSequence */
		return observer(a, tag, err);
	case 0x00340001u: /* FlowIdentifierSequence */
		if (begin_item(a, tag, err) < 0 ||
		    anon_put_value(a, 0x00340002u, "OB", zero, 2, err) < 0)
			return -1;
		return end_item(a, tag, err);
	case 0x0040A168u: /* ConceptCodeSequence */
	case 0x00401101u: /* PersonIdentificationCodeSequence */
		return code(a, tag, "REMOVED", "99REMOVED", "REMOVED", err);
	default:
		return empty_sequence(a, tag, err);
	}
}

/* ---- values ----------------------------------------------------------- */

/* A page that says REMOVED, and what a reader of PDF needs around it. */
static const char pdf[] =
	"%PDF-1.4\n"
	"1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
	"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
	"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 50]"
	"/Contents 4 0 R/Resources<</Font<</F<</Type/Font/Subtype/Type1"
	"/BaseFont/Helvetica>>>>>>>>endobj\n"
	"4 0 obj<</Length 33>>stream\n"
	"BT /F 12 Tf 20 20 Td(REMOVED)Tj ET\n"
	"endstream endobj\n"
	"trailer<</Root 1 0 R>>\n"
	"%%EOF\n";

static int document(struct img_anon *a, uint32_t tag, struct img_err *err)
{
	bool is_pdf =
		strcmp(a->sop_class, "1.2.840.10008.5.1.4.1.1.104.1") == 0;
	const char *text = is_pdf ? pdf : "REMOVED";

	a->document = (uint32_t)strlen(text);
	return anon_put_value(a, tag, "OB", text, a->document, err);
}

static const char *dummy_of(const char *vr)
{
	static const struct {
		char vr[3];
		const char *text;
	} words[] = { { "DA", "19000101" },
		      { "TM", "000000" },
		      { "DT", "19000101000000" },
		      { "AS", "000Y" },
		      { "DS", "0" },
		      { "IS", "0" },
		      { "UR", "http://removed.invalid/" } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].vr, vr) == 0)
			return words[i].text;
	return "REMOVED";
}

/* The bytes of a binary value; 0: it is a text. */
static size_t binary_size(const char *vr)
{
	static const char two[] = "US SS", four[] = "UL SL FL AT",
			  eight[] = "FD SV UV UN";

	return strstr(two, vr)     ? 2
	       : strstr(four, vr)  ? 4
	       : strstr(eight, vr) ? 8
				   : (vr[0] == 'O' ? 8 : 0);
}

static int put_dummy(struct img_anon *a, const struct img_dicom_event *ev,
		     const struct ruling *u, struct img_err *err)
{
	static const uint8_t zero[8];

	if (strcmp(u->vr, "SQ") == 0)
		return sequence(a, ev->tag, err);
	if (ev->length == 0)
		return anon_put_value(a, ev->tag, u->vr, "", 0, err);
	if (ev->tag == T_DOCUMENT && ev->depth == 0)
		return document(a, ev->tag, err);
	if (binary_size(u->vr))
		return anon_put_value(a, ev->tag, u->vr, zero,
				      binary_size(u->vr), err);
	return put_text(a, ev->tag, u->vr, dummy_of(u->vr), err);
}

/* ---- pseudonyms ------------------------------------------------------- */

/* What identifies gets a pseudonym, so that it still tells apart. */
static const char *pseudonym(struct img_anon *a,
			     const struct img_dicom_event *ev, char out[13])
{
	const char *p = (const char *)ev->value;
	size_t n = p ? anon_trim(&p, ev->length) : 0;
	const char *mapped;

	if (ev->tag == T_NAME)
		return ev->depth == 0 && n ? a->pseudonym : "";
	if (!n)
		return "";
	if (ev->tag == T_PATIENT_ID && n == strlen(a->id) &&
	    memcmp(p, a->id, n) == 0)
		return a->pseudonym;
	if (ev->tag == T_PATIENT_ID && (mapped = anon_mapped(a, p, n)) != NULL)
		return mapped;
	anon_pseudonym(a,
		       ev->tag == T_PATIENT_ID  ? "patient"
		       : ev->tag == T_ACCESSION ? "accession"
						: "study id",
		       ev->tag == T_STUDY_ID ? a->id : "", p, n, out);
	return out;
}

int anon_put_dummy(struct img_anon *a, const struct img_dicom_event *ev,
		   const struct ruling *u, struct img_err *err)
{
	const char *p = (const char *)ev->value, *to;
	size_t n = p ? anon_trim(&p, ev->length) : 0;
	char text[13];

	if (ev->tag == T_NAME || ev->tag == T_PATIENT_ID ||
	    ev->tag == T_ACCESSION || ev->tag == T_STUDY_ID) {
		to = pseudonym(a, ev, text);
		if (n && (ev->tag == T_PATIENT_ID || ev->tag == T_ACCESSION) &&
		    anon_tell_pair(a, ev->tag == T_ACCESSION ? 'A' : 'P', p, n,
				   to, err) < 0)
			return -1;
		return put_text(a, ev->tag, u->vr, to, err);
	}
	if (u->action == IMG_ACT_D)
		return put_dummy(a, ev, u, err);
	if (strcmp(u->vr, "SQ") == 0)
		return empty_sequence(a, ev->tag, err);
	return anon_put_value(a, ev->tag, u->vr, "", 0, err);
}
