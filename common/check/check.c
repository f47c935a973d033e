/* check.c - the checker: one event after the other, and what was found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/inside.h"

/* PS3.4 B.5: Media Storage Directory Storage. */
#define MEDIA_DIRECTORY "1.2.840.10008.1.3.10"

const struct img_dicom_limits img_check_limits = { .value = 65536 };

struct img_check *img_check_new(struct img_err *err)
{
	struct img_check *c = calloc(1, sizeof(*c));

	if (!c) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		return NULL;
	}
	img_buf_init(&c->text, 1024 * 1024);
	img_buf_init(&c->canon.text, 1024 * 1024);
	img_buf_init(&c->pixels.table, 256u * 1024 * 1024);
	return c;
}

void img_check_free(struct img_check *c)
{
	if (!c)
		return;
	img_buf_release(&c->text);
	img_buf_release(&c->canon.text);
	img_buf_release(&c->pixels.table);
	free(c->canon.part);
	free(c);
}

void img_check_start(struct img_check *c)
{
	c->findings = c->total = 0;
	memset(&c->facts, 0, sizeof(c->facts));
	c->meta_class[0] = c->meta_sop[0] = '\0';
	c->has_meta = false;
	c->depth = 0;
	img_charset_parse(&c->charset[0], "", 0);
	check_modules_start(&c->modules);
	check_pixels_start(&c->pixels);
	check_canon_start(&c->canon);
}

/* ---- findings ----------------------------------------------------------- */

static void add(struct img_check *c, bool error, const char *rule,
		const char *where, const char *text)
{
	struct img_finding *f;

	for (size_t i = 0; i < c->findings; i++)
		if (strcmp(c->finding[i].rule, rule) == 0 &&
		    strcmp(c->finding[i].where, where) == 0)
			return; /* the same in another item */
	c->total++;
	if (c->findings == IMG_FINDINGS_MAX) {
		if (!error) /* errors take the place of others */
			return;
		c->findings--;
	}
	f = &c->finding[c->findings++];
	f->error = error;
	f->rule = rule;
	snprintf(f->where, sizeof(f->where), "%s", where);
	snprintf(f->text, sizeof(f->text), "%s", text);
}

void img_check_add(struct img_check *c, bool error, const char *rule,
		   const char *where, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add(c, error, rule, where, text);
}

void check_found(struct img_check *c, bool error, const char *rule,
		 uint32_t tag, const char *fmt, ...)
{
	char text[256], where[64] = "", name[12];
	size_t at = 0;
	va_list ap;

	/* Of a deep place the end says more than the beginning. */
	for (unsigned i = c->depth > 3 ? c->depth - 3 : 0; i < c->depth; i++) {
		img_dict_format_tag(c->path[i], name);
		at += (size_t)snprintf(where + at, sizeof(where) - at, "%s/",
				       name);
	}
	img_dict_format_tag(tag, name);
	snprintf(where + at, sizeof(where) - at, "%s", name);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add(c, error, rule, where, text);
}

size_t img_check_findings(const struct img_check *c,
			  const struct img_finding **out, size_t *total)
{
	*out = c->finding;
	*total = c->total;
	return c->findings;
}

const struct img_check_facts *img_check_facts(const struct img_check *c)
{
	return &c->facts;
}

/* ---- identity ----------------------------------------------------------- */

static void keep_meta(struct img_check *c, const struct img_dicom_event *ev)
{
	c->has_meta = true;
	if (ev->tag == 0x00020002)
		(void)check_text(ev, c->meta_class, sizeof(c->meta_class));
	if (ev->tag == 0x00020003)
		(void)check_text(ev, c->meta_sop, sizeof(c->meta_sop));
}

static void keep_uid(struct img_check *c, const struct img_dicom_event *ev,
		     char *out)
{
	if (!check_text(ev, out, IMG_UID_MAX))
		out[0] = '\0';
	if (ev->length && !img_uid_ok(out))
		check_found(c, false, "uid", ev->tag,
			    "breaks the rules of PS3.5 9.1");
}

static void identity(struct img_check *c, const struct img_dicom_event *ev)
{
	struct img_check_facts *f = &c->facts;

	if (ev->tag == 0x00080016) {
		keep_uid(c, ev, f->sop_class);
		check_modules_class(c, f->sop_class);
	} else if (ev->tag == 0x00080018) {
		keep_uid(c, ev, f->sop);
	} else if (ev->tag == 0x0020000D) {
		keep_uid(c, ev, f->study);
	} else if (ev->tag == 0x0020000E) {
		keep_uid(c, ev, f->series);
	} else if (ev->tag == 0x00080060) {
		(void)check_text(ev, f->modality, sizeof(f->modality));
	}
}

static void check_identity(struct img_check *c)
{
	const struct img_check_facts *f = &c->facts;

	if (strcmp(c->meta_class, MEDIA_DIRECTORY) == 0)
		return; /* PS3.3 F.3: it has none of these */
	if (!f->sop[0])
		check_found(c, true, "no-uid", 0x00080018, "no SOPInstanceUID");
	if (!f->sop_class[0])
		check_found(c, true, "no-uid", 0x00080016, "no SOPClassUID");
	if (!f->study[0])
		check_found(c, false, "no-uid", 0x0020000D,
			    "no StudyInstanceUID");
	if (!f->series[0])
		check_found(c, false, "no-uid", 0x0020000E,
			    "no SeriesInstanceUID");
	if (c->meta_class[0] && f->sop_class[0] &&
	    strcmp(c->meta_class, f->sop_class) != 0)
		check_found(c, true, "meta", 0x00020002,
			    "not the SOPClassUID of the data set");
	if (c->meta_sop[0] && f->sop[0] && strcmp(c->meta_sop, f->sop) != 0)
		check_found(c, true, "meta", 0x00020003,
			    "not the SOPInstanceUID of the data set");
}

/* ---- events ------------------------------------------------------------- */

static void charset(struct img_check *c, const struct img_dicom_event *ev)
{
	struct img_charset *cs = &c->charset[ev->depth];

	if (!ev->value)
		return;
	img_charset_parse(cs, ev->value, ev->length);
	if (cs->notes & IMG_CHARSET_UNKNOWN)
		check_found(c, false, "charset-unknown", ev->tag,
			    "a term that is not defined");
}

static void element(struct img_check *c, const struct img_dicom_event *ev)
{
	bool empty = ev->length == 0;

	if (ev->meta) {
		keep_meta(c, ev);
		return;
	}
	if (ev->tag == 0x00080005)
		charset(c, ev);
	/* A value of padding alone is none. */
	if (!empty && ev->value && (ev->vr[0] != 'O' && ev->vr[0] != 'U')) {
		empty = true;
		for (uint32_t i = 0; i < ev->length && empty; i++)
			empty = ev->value[i] == ' ';
	}
	check_modules_element(c, ev->tag, ev->depth, empty);
	if (ev->depth == 0)
		identity(c, ev);
	if (ev->tag >> 16 != 0x7FE0)
		check_value(c, ev);
}

int img_check_event(struct img_check *c, struct img_dicom_reader *r,
		    const struct img_dicom_event *ev, struct img_err *err)
{
	c->depth = ev->depth < CHECK_DEPTH ? ev->depth : CHECK_DEPTH - 1;
	switch (ev->kind) {
	case IMG_DICOM_ELEMENT:
		element(c, ev);
		if (ev->meta)
			return 0;
		break;
	case IMG_DICOM_SEQUENCE:
	case IMG_DICOM_PIXELS:
		c->path[c->depth] = ev->tag;
		check_modules_element(c, ev->tag, ev->depth,
				      ev->kind == IMG_DICOM_SEQUENCE);
		break;
	case IMG_DICOM_ITEM:
		check_modules_item(c, c->depth);
		if (c->depth + 1 < CHECK_DEPTH)
			c->charset[c->depth + 1] = c->charset[c->depth];
		break;
	case IMG_DICOM_END_ITEM:
		c->depth++; /* it is about what lies inside */
		check_modules_end_item(c, c->depth - 1);
		c->depth--;
		break;
	case IMG_DICOM_END_SEQUENCE:
	case IMG_DICOM_FRAGMENT:
		break;
	}
	if (check_pixels_event(c, r, ev, err) < 0)
		return -1;
	return check_canon_event(c, r, ev, err);
}

/* ---- the end ------------------------------------------------------------ */

struct note {
	unsigned note;
	bool error;
	const char *rule, *text;
};

static const struct note notes[] = {
	{ IMG_NOTE_NO_PREAMBLE, false, "no-preamble", "no preamble" },
	{ IMG_NOTE_NO_META, false, "no-meta",
	  "no file meta information; the encoding was guessed" },
	{ IMG_NOTE_WRONG_SYNTAX, true, "wrong-syntax",
	  "encoded otherwise than declared" },
	{ IMG_NOTE_META_LENGTH, false, "meta-length",
	  "the length of the file meta information is wrong" },
	{ IMG_NOTE_ODD_LENGTH, false, "odd-length", "an odd length" },
	{ IMG_NOTE_ORDER, false, "order", "tags do not ascend" },
	{ IMG_NOTE_TRAILING, false, "trailing-bytes",
	  "bytes follow the last element" },
	{ IMG_NOTE_NATIVE_PIXELS, true, "native-pixels",
	  "not compressed although the transfer syntax says so" },
	{ IMG_NOTE_BAD_VR, false, "bad-vr", "a VR that PS3.5 does not know" },
	{ IMG_NOTE_STRAY_DELIMITER, false, "stray-delimiter",
	  "an item or sequence ends that did not begin" },
	{ IMG_NOTE_UNKNOWN_SYNTAX, false, "unknown-syntax",
	  "a transfer syntax that is not known" },
	{ IMG_NOTE_META_IN_DATA, true, "meta-in-data",
	  "file meta information inside the data set" },
	{ IMG_NOTE_ACTIVE_PREAMBLE, false, "active-preamble",
	  "the preamble begins like a program or an archive" },
};

int img_check_end(struct img_check *c, const struct img_dicom_facts *facts,
		  const struct img_err *why, struct img_err *err)
{
	c->depth = 0;
	if (!facts) {
		c->facts.parse_failed = true;
		add(c, true, img_code_word(why->code), "", why->text);
		return 0;
	}
	c->facts.complete = true;
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
		if (facts->notes & notes[i].note)
			add(c, notes[i].error, notes[i].rule, "",
			    notes[i].text);
	check_identity(c);
	check_pixels_end(c, facts);
	check_modules_end(c);
	return check_canon_end(c, err);
}
