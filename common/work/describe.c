/* describe.c - the attributes that the catalog holds, out of a data set. */
#include <stdlib.h>
#include <string.h>

#include "work/ingest_private.h"

#define META_CLASS    IMG_TAG(0x0002, 0x0002)
#define META_INSTANCE IMG_TAG(0x0002, 0x0003)
#define CHARSET       IMG_TAG(0x0008, 0x0005)
#define DIR_FIRST     IMG_TAG(0x0004, 0x1200)
#define SOP           IMG_TAG(0x0008, 0x0018)
#define MEDIA_DIR     "1.2.840.10008.1.3.10"

/* Tags to pick: the catalog's, and those above, ascending. */
struct wanted {
	uint32_t tag[IMG_FIELDS_MAX + 4];
	int field[IMG_FIELDS_MAX + 4]; /* index of the field, -1 */
	size_t n;
	int study, series, sop, sop_class, syntax;
};
static struct wanted wanted;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void want(uint32_t tag, int field)
{
	size_t i = wanted.n++;

	for (; i > 0 && wanted.tag[i - 1] > tag; i--) {
		wanted.tag[i] = wanted.tag[i - 1];
		wanted.field[i] = wanted.field[i - 1];
	}
	wanted.tag[i] = tag;
	wanted.field[i] = field;
}

static void make_wanted(void)
{
	size_t n;
	const struct img_field *f = img_catalog_fields(&n);

	for (size_t i = 0; i < n && i < IMG_FIELDS_MAX; i++)
		if (f[i].tag && f[i].tag != IMG_TAG(0x0002, 0x0010))
			want(f[i].tag, (int)i);
	want(META_CLASS, -1);
	want(META_INSTANCE, -1);
	want(CHARSET, -1);
	want(DIR_FIRST, -1);
	wanted.study = img_catalog_field("StudyInstanceUID");
	wanted.series = img_catalog_field("SeriesInstanceUID");
	wanted.sop = img_catalog_field("SOPInstanceUID");
	wanted.sop_class = img_catalog_field("SOPClassUID");
	wanted.syntax = img_catalog_field("TransferSyntaxUID");
}

static const struct img_dicom_pick *find(const struct img_dicom_pick *v,
					 uint32_t tag)
{
	for (size_t i = 0; i < wanted.n; i++)
		if (wanted.tag[i] == tag)
			return &v[i];
	return NULL;
}

/* Text without the blanks around it; NULL only when out of memory. */
static const char *trimmed(struct arena *a, const char *s, size_t n)
{
	while (n && (s[n - 1] == ' ' || s[n - 1] == '\0'))
		n--;
	while (n && *s == ' ') {
		s++;
		n--;
	}
	return arena_text(a, s, n);
}

static bool is_number(const char vr[3])
{
	return vr[0] == 'U' ? (vr[1] == 'S' || vr[1] == 'L' || vr[1] == 'V')
			    : vr[0] == 'S' && (vr[1] == 'S' || vr[1] == 'L' ||
					       vr[1] == 'V');
}

static int take(struct examiner *x, struct arena *a,
		const struct img_charset *cs, const struct img_dicom_pick *v,
		const char vr[3], const char **out, unsigned *notes,
		struct img_err *err)
{
	char number[32];

	if (!v->present || !v->p)
		return 0;
	if (is_number(vr)) {
		if (!img_dicom_number(v, number, sizeof(number)))
			return 0;
		*out = arena_text(a, number, strlen(number));
	} else if (img_vr_is_text(vr)) {
		img_buf_reset(&x->text);
		if (img_charset_utf8(cs, vr, v->p, v->length, &x->text, notes,
				     err) < 0)
			return -1;
		*out = trimmed(a, img_buf_str(&x->text), x->text.len);
	} else {
		img_buf_reset(&x->text);
		/* No character set applies, but what is there must be text. */
		if (img_charset_utf8(&(struct img_charset){ 0 }, "LO", v->p,
				     v->length, &x->text, notes, err) < 0)
			return -1;
		*out = trimmed(a, img_buf_str(&x->text), x->text.len);
	}
	return *out ? 0 : img_err_set(err, IMG_E_NOMEM, "out of memory");
}

/* ---- what is odd about it --------------------------------------------- */

static void warn_notes(struct arena *a, struct item *it,
		       const struct img_dicom_facts *f)
{
	static const struct {
		unsigned note;
		const char *text;
	} texts[] = {
		{ IMG_NOTE_NO_META, "no-meta: no file meta information, "
				    "encoding guessed" },
		{ IMG_NOTE_WRONG_SYNTAX,
		  "wrong-syntax: encoded otherwise than declared" },
		{ IMG_NOTE_NATIVE_PIXELS,
		  "native-pixels: not compressed as declared" },
		{ IMG_NOTE_BAD_VR, "bad-vr: unknown value representation" },
		{ IMG_NOTE_STRAY_DELIMITER, "stray-delimiter: delimiter "
					    "without a beginning" },
		{ IMG_NOTE_META_IN_DATA,
		  "meta-in-data: group 0002 inside the data set" },
		{ IMG_NOTE_ACTIVE_PREAMBLE,
		  "active-preamble: begins like a program or an archive" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (f->notes & texts[i].note)
			item_warn(a, it, "%s", texts[i].text);
	if (f->notes & IMG_NOTE_TRAILING)
		item_warn(a, it, "trailing-bytes: %llu after the last element",
			  (unsigned long long)f->trailing);
}

static void warn_charset(struct arena *a, struct item *it, unsigned notes)
{
	if (notes & IMG_CHARSET_UNKNOWN)
		item_warn(a, it,
			  "charset-unknown: SpecificCharacterSet has a "
			  "term that is not defined");
	if (notes & IMG_CHARSET_IS_UTF8)
		item_warn(a, it,
			  "charset-wrong: declared otherwise, but the "
			  "bytes are UTF-8");
	if (notes & IMG_CHARSET_IS_GBK)
		item_warn(a, it,
			  "charset-wrong: declared otherwise, but the "
			  "bytes are GBK");
	if (notes & IMG_CHARSET_REPLACED)
		item_warn(a, it,
			  "charset-damaged: some characters could not "
			  "be decoded");
}

static int check_uid(struct arena *a, struct item *it, int field,
		     struct img_err *err)
{
	size_t n;
	const char *keyword = img_catalog_fields(&n)[field].keyword;
	const char *uid = it->in.field[field];

	if (!uid || !*uid) {
		item_warn(a, it, "no-uid: %s is absent or empty", keyword);
		return 0;
	}
	if (strlen(uid) >= IMG_UID_MAX)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: %s longer than 64 characters", it->path,
				   keyword);
	if (!img_uid_ok(uid))
		item_warn(a, it, "bad-uid: %s is no valid UID", keyword);
	return 0;
}

static int check_identity(struct examiner *x, struct arena *a, struct item *it,
			  const struct img_dicom_pick *v, struct img_err *err)
{
	const struct img_charset ascii = { 0 };
	const char **sop = &it->in.field[wanted.sop];
	const char **sop_class = &it->in.field[wanted.sop_class];
	unsigned notes = 0;

	if (!*sop || !**sop) {
		if (take(x, a, &ascii, find(v, META_INSTANCE), "UI", sop,
			 &notes, err) < 0)
			return -1;
		if (*sop && **sop)
			item_warn(a, it,
				  "no-uid: SOPInstanceUID is only in "
				  "the file meta information");
	}
	if (!*sop_class || !**sop_class)
		if (take(x, a, &ascii, find(v, META_CLASS), "UI", sop_class,
			 &notes, err) < 0)
			return -1;
	if (!*sop || !**sop)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: no SOPInstanceUID (0008,0018)",
				   it->path);
	if (check_uid(a, it, wanted.sop, err) < 0 ||
	    check_uid(a, it, wanted.sop_class, err) < 0 ||
	    check_uid(a, it, wanted.series, err) < 0)
		return -1;
	return check_uid(a, it, wanted.study, err);
}

static bool is_dicomdir(const struct img_dicom_pick *v)
{
	const struct img_dicom_pick *m = find(v, META_CLASS);

	if (m->present && m->p && m->length >= sizeof(MEDIA_DIR) - 1 &&
	    memcmp(m->p, MEDIA_DIR, sizeof(MEDIA_DIR) - 1) == 0)
		return m->length == sizeof(MEDIA_DIR) - 1 ||
		       m->p[sizeof(MEDIA_DIR) - 1] == '\0' ||
		       m->p[sizeof(MEDIA_DIR) - 1] == ' ';
	return find(v, DIR_FIRST)->present;
}

int describe(struct examiner *x, struct arena *a, struct item *it,
	     bool *dicomdir, struct img_err *err)
{
	struct img_dicom_pick v[IMG_FIELDS_MAX + 4];
	const struct img_dicom_facts *facts;
	struct img_charset cs;
	unsigned notes;
	size_t n;
	const struct img_field *fields = img_catalog_fields(&n);

	pthread_once(&once, make_wanted);
	if (img_dicom_pick(x->reader, wanted.tag, wanted.n, v, err) < 0)
		return -1;
	if (is_dicomdir(v)) {
		/* An image is not passed over for what its head says. */
		if (!find(v, DIR_FIRST)->present && find(v, SOP)->present)
			return img_err_set(err, IMG_E_MALFORMED,
					   "%s: file meta information of a "
					   "DICOMDIR before another object",
					   it->path);
		*dicomdir = true;
		return 0;
	}
	img_charset_parse(&cs, find(v, CHARSET)->p,
			  find(v, CHARSET)->p ? find(v, CHARSET)->length : 0);
	notes = cs.notes;
	for (size_t i = 0; i < wanted.n; i++)
		if (wanted.field[i] >= 0 &&
		    take(x, a, &cs, &v[i], fields[wanted.field[i]].vr,
			 &it->in.field[wanted.field[i]], &notes, err) < 0)
			return -1;
	facts = img_dicom_facts(x->reader);
	it->in.field[wanted.syntax] = arena_text(
		a, facts->transfer_syntax, strlen(facts->transfer_syntax));
	if (!it->in.field[wanted.syntax])
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	if (check_identity(x, a, it, v, err) < 0)
		return -1;
	warn_notes(a, it, facts);
	warn_charset(a, it, notes);
	return 0;
}
