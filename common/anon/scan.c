/* scan.c - the first pass: who it is about, what to look for, what risk. */
#include <stdio.h>
#include <stdlib.h>

#include "anon/inside.h"

struct img_anon *img_anon_new(const struct img_anon_profile *p,
			      const struct img_key *key, struct img_err *err)
{
	struct img_anon *a = calloc(1, sizeof(*a));

	if (!a) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		return NULL;
	}
	a->memo = calloc(UID_MEMOS, sizeof(*a->memo));
	if (!a->memo) {
		free(a);
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		return NULL;
	}
	a->p = p;
	a->key = key;
	look_init(&a->look);
	img_buf_init(&a->text, 1 << 20);
	img_buf_init(&a->text2, 1 << 20);
	anon_content_init(a);
	a->trace = calloc(TRACE_MAX, sizeof(*a->trace));
	return a;
}

void img_anon_free(struct img_anon *a)
{
	if (!a)
		return;
	look_release(&a->look);
	img_buf_release(&a->text);
	img_buf_release(&a->text2);
	img_buf_release(&a->judged);
	free(a->trace);
	free(a->memo);
	free(a);
}

const struct img_anon_facts *img_anon_facts(const struct img_anon *a)
{
	return &a->facts;
}

const char *img_anon_reason(const struct img_anon *a)
{
	return a->reason[0] ? a->reason : NULL;
}

unsigned img_anon_weaker(const struct img_anon *a)
{
	return a->weaker;
}

bool img_anon_tells(const struct img_anon *a, const char *text)
{
	struct img_err full = IMG_ERR_INIT;
	size_t n = strlen(text);

	return look_finds(&a->look, (const uint8_t *)text, n, LOOK_ALL) ||
	       look_finds_spelt(&a->look, text, n, LOOK_ALL, &full);
}

/* ---- values of the object itself -------------------------------------- */

static void take(char *out, size_t size, const struct img_dicom_event *ev)
{
	const char *p = (const char *)ev->value;
	size_t n = p ? anon_trim(&p, ev->length) : 0;

	if (n >= size)
		n = size - 1;
	if (out[0])
		return;
	memcpy(out, p ? p : "", n);
	out[n] = '\0';
}

/* The first of several, as other programs take it. */
static void take_uid(char out[SUBJECT], const struct img_dicom_event *ev)
{
	size_t n;

	take(out, SUBJECT, ev);
	n = strcspn(out, "\\");
	while (n && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

/* Whether what was taken is all of the value, and not several. */
static bool is_one(const struct img_dicom_event *ev, const char *taken)
{
	const char *p = (const char *)ev->value;
	size_t n = p ? anon_trim(&p, ev->length) : 0;

	return n == strlen(taken) && !strchr(taken, '\\');
}

static void take_modality(struct img_anon *a, const struct img_dicom_event *ev)
{
	char text[IMG_UID_MAX] = "";

	take(text, sizeof(text), ev);
	if (strlen(text) < sizeof(a->facts.modality) &&
	    text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_")] == '\0')
		memcpy(a->facts.modality, text, strlen(text) + 1);
}

static void take_top(struct img_anon *a, const struct img_dicom_event *ev)
{
	switch (ev->tag) {
	case T_CHARSET:
		img_charset_parse(&a->charset,
				  ev->value ? ev->value : (void *)"",
				  ev->value ? ev->length : 0);
		break;
	case T_SOP_CLASS:
		take(a->sop_class, sizeof(a->sop_class), ev);
		break;
	case T_SOP:
		take(a->sop, sizeof(a->sop), ev);
		a->sops++;
		a->one_sop = is_one(ev, a->sop);
		break;
	case 0x00080060u:
		take_modality(a, ev);
		break;
	case T_NAME:
		take(a->name, sizeof(a->name), ev);
		break;
	case T_PATIENT_ID:
		take(a->id, sizeof(a->id), ev);
		break;
	case 0x00100021u:
		take(a->issuer, sizeof(a->issuer), ev);
		break;
	case T_STUDY:
		take_uid(a->study, ev);
		break;
	case T_SERIES:
		take_uid(a->series, ev);
		break;
	default:
		anon_take_risk(a, ev);
		break;
	}
}

/* ---- what may not be seen again --------------------------------------- */

/* Identifiers that stand for a person, an order or a stay. */
bool anon_is_id(uint32_t tag)
{
	switch (tag) {
	case T_ACCESSION:
	case T_PATIENT_ID:
	case T_STUDY_ID:
	case 0x00101000u: /* OtherPatientIDs */
	case 0x00101040u: /* PatientAddress */
	case 0x00101050u:
	case 0x00101090u: /* MedicalRecordLocator */
	case 0x00102154u: /* PatientTelephoneNumbers */
	case 0x00102155u:
	case 0x00120040u: /* ClinicalTrialSubjectID */
	case 0x00120042u: /* ClinicalTrialSubjectReadingID */
	case 0x00380010u: /* AdmissionID */
	case 0x00380060u: /* ServiceEpisodeID */
	case 0x00401001u: /* RequestedProcedureID */
	case 0x00401006u: /* order numbers */
	case 0x00401007u:
	case 0x00402006u:
	case 0x00402007u:
	case 0x00402016u:
	case 0x00402017u:
	case 0x00400009u: /* ScheduledProcedureStepID */
	case 0x00400253u: /* PerformedProcedureStepID */
		return true;
	default:
		return false;
	}
}

static int add_uids(struct img_anon *a, const char *p, size_t n, bool kept,
		    struct img_err *err)
{
	size_t from = 0;

	for (size_t i = 0; i <= n; i++) {
		const char *one = p + from;
		size_t k;

		if (i < n && p[i] != '\\')
			continue;
		k = anon_trim(&one, i - from);
		from = i + 1;
		if (k && !anon_uid_fixed(one, k) &&
		    look_add_uid(&a->look, one, k, kept, err) < 0)
			return -1;
	}
	return 0;
}

/* The bytes of an apostrophe, as of U+2019. */
static size_t apostrophe(const char *p, size_t n)
{
	if (*p == '\'' || *p == '`')
		return 1;
	if (n >= 2 && memcmp(p, "\xC2\xB4", 2) == 0)
		return 2;
	return n >= 3 && (memcmp(p, "\xE2\x80\x98", 3) == 0 ||
			  memcmp(p, "\xE2\x80\x99", 3) == 0)
		       ? 3
		       : 0;
}

/* What parts the words of a name becomes a space, but for what parts its groups;
   an apostrophe, too, or it is left out. */
static size_t part_words(char *p, size_t n, bool join)
{
	size_t k = 0, sign;

	for (size_t i = 0; i < n; i += sign ? sign : 1) {
		sign = apostrophe(p + i, n - i);
		if (sign && join)
			continue;
		p[k++] = sign || (p[i] &&
				  strchr("!\"#$%&()*+,-./:;<>?@[]^_{|}~\t",
					 p[i]))
				 ? ' '
				 : p[i];
	}
	return k;
}

/* As it is encoded, and as everybody writes it. */
static int add_name(struct img_anon *a, const struct img_dicom_event *ev,
		    struct img_err *err)
{
	const char *p = (const char *)ev->value;
	struct img_buf *text = &a->text, *joined = &a->text2;
	unsigned notes = 0;

	if (look_add_name(&a->look, p, ev->length, err) < 0)
		return -1;
	img_buf_reset(text);
	img_buf_reset(joined);
	if (img_charset_utf8(&a->charset, "PN", p, ev->length, text, &notes,
			     err) < 0 ||
	    img_buf_add(joined, img_buf_str(text), text->len, err) < 0)
		return -1;
	joined->len = part_words(joined->data, joined->len, true);
	text->len = part_words(text->data, text->len, false);
	if (look_add_name(&a->look, joined->data, joined->len, err) < 0 ||
	    look_add_name(&a->look, text->data, text->len, err) < 0)
		return -1;
	return look_add_spellings(&a->look, text->data, text->len, err);
}

/* The patient's own, as a patient and in a trial. */
static bool is_of_subject(uint32_t tag)
{
	return tag >> 16 == 0x0010 || tag >> 16 == 0x0012;
}

/* A serial number; a word in its place is none. */
static bool is_serial(const struct img_dicom_event *ev)
{
	if (ev->tag != 0x00181000u)
		return false;
	for (uint32_t i = 0; i < ev->length; i++)
		if (ev->value[i] >= '0' && ev->value[i] <= '9')
			return true;
	return false;
}

static int collect(struct img_anon *a, const struct img_dicom_event *ev,
		   struct img_err *err)
{
	struct ruling u;
	const char *p = (const char *)ev->value;

	if (ev->meta || !p || !ev->length || ev->tag >> 16 == 4)
		return 0;
	if ((ev->tag >> 16 & 1) && (ev->tag & 0xFFFF) >= 0x10 &&
	    (ev->tag & 0xFFFF) <= 0xFF)
		anon_creator_seen(a, ev);
	anon_rule(a, ev, &u);
	if (u.action == IMG_ACT_K && u.from != IMG_ANON_SAFE_PRIVATE)
		return strcmp(u.vr, "UI") == 0
			       ? add_uids(a, p, ev->length, true, err)
			       : 0;
	if (strcmp(u.vr, "PN") == 0)
		return add_name(a, ev, err);
	if (anon_is_id(ev->tag) || is_serial(ev))
		return look_add_id(&a->look,
				   is_of_subject(ev->tag) ? LOOK_SUBJECT
							  : LOOK_ID,
				   p, ev->length, err);
	if (u.action == IMG_ACT_NONE || u.safe)
		return u.action == IMG_ACT_U
			       ? add_uids(a, p, ev->length, false, err)
			       : 0;
	if (strcmp(u.vr, "DA") == 0 || strcmp(u.vr, "DT") == 0)
		return look_add_date(&a->look, p, ev->length, err);
	if (strcmp(u.vr, "UI") == 0)
		return add_uids(a, p, ev->length, false, err);
	return 0;
}

/* ---- the pass --------------------------------------------------------- */

static void start(struct img_anon *a)
{
	memset(&a->facts, 0, sizeof(a->facts));
	look_reset(&a->look);
	img_charset_parse(&a->charset, "", 0);
	a->charset_n = 0;
	a->reason[0] = a->name[0] = a->id[0] = a->issuer[0] = '\0';
	a->study[0] = a->series[0] = a->sop[0] = a->sop_class[0] = '\0';
	a->has_pixels = a->burned_in = a->not_burned_in = false;
	a->was_modified = a->label = false;
	a->risk = NULL;
	a->sops = 0;
	a->one_sop = false;
	memset(&a->pixels, 0, sizeof(a->pixels));
	a->high_bits = false;
	a->creators = a->traces = a->open = 0;
	img_buf_reset(&a->judged);
	anon_content_start(a);
	a->untraced = 0;
}

/* The syntax to write: the one that the bytes are really in. */
static int settle_syntax(struct img_anon *a, const struct img_dicom_facts *f,
			 const char *name, struct img_err *err)
{
	const char *ts = f->transfer_syntax;

	if (f->notes & IMG_NOTE_WRONG_SYNTAX) {
		if (f->encapsulated)
			return img_err_set(err, IMG_E_UNSUPPORTED,
					   "%s: compressed, and encoded "
					   "otherwise than declared",
					   name);
		ts = f->implicit ? "1.2.840.10008.1.2"
		     : f->big    ? "1.2.840.10008.1.2.2"
				 : "1.2.840.10008.1.2.1";
	}
	if (!img_uid_ok(ts))
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: no transfer syntax", name);
	memcpy(a->facts.syntax, ts, strlen(ts) + 1);
	return 0;
}

static void new_uid(const struct img_anon *a, const char *old,
		    char out[IMG_UID_MAX])
{
	out[0] = '\0';
	if ((a->p->options >> IMG_ANON_UIDS & 1) ||
	    anon_uid_fixed(old, strlen(old)))
		memcpy(out, old, strlen(old) + 1);
	else if (old[0])
		anon_uid(a, old, strlen(old), out);
}

static int identify(struct img_anon *a, const char *name, struct img_err *err)
{
	if (!img_uid_ok(a->sop_class) || !a->sop[0] || !a->one_sop ||
	    a->sops != 1)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: not one SOP class and instance", name);
	if ((a->p->options >> IMG_ANON_UIDS & 1) &&
	    (!img_uid_ok(a->sop) || (a->study[0] && !img_uid_ok(a->study)) ||
	     (a->series[0] && !img_uid_ok(a->series))))
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: its UIDs are none, and cannot be kept",
				   name);
	memcpy(a->facts.sop_class, a->sop_class, sizeof(a->sop_class));
	new_uid(a, a->study, a->facts.study);
	new_uid(a, a->series, a->facts.series);
	new_uid(a, a->sop, a->facts.sop);
	anon_subject(a);
	if (a->facts.modality[0] && img_anon_tells(a, a->facts.modality))
		a->facts.modality[0] = '\0';
	return 0;
}

int img_anon_scan(struct img_anon *a, struct img_dicom_reader *r,
		  const char *name, struct img_err *err)
{
	struct img_dicom_event ev;
	int more;

	start(a);
	while ((more = img_dicom_next(r, &ev, err)) > 0) {
		if (ev.kind == IMG_DICOM_END_ITEM)
			anon_creators_cut(a, ev.depth);
		if (ev.tag == T_RECORDS && ev.depth == 0)
			a->facts.directory = true;
		if (ev.tag >= T_FLOATS && ev.tag <= T_PIXELS && ev.depth == 0)
			a->has_pixels = true;
		anon_take_pixels(a, &ev);
		if (anon_judge_content(a, &ev, err) < 0)
			return -1;
		if (ev.kind == IMG_DICOM_SEQUENCE && ev.depth == 0)
			anon_take_risk(a, &ev);
		if (ev.kind != IMG_DICOM_ELEMENT)
			continue;
		if (ev.depth == 0 && !ev.meta)
			take_top(a, &ev);
		anon_charset_seen(a, &ev);
		if (collect(a, &ev, err) < 0)
			return -1;
	}
	if (more == 0 && a->facts.directory) {
		snprintf(a->reason, sizeof(a->reason),
			 "a DICOMDIR: make one of the new objects");
		return 0;
	}
	if (more < 0 || settle_syntax(a, img_dicom_facts(r), name, err) < 0 ||
	    identify(a, name, err) < 0)
		return -1;
	return anon_judge_pixels(a);
}
