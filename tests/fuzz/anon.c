/*
 * anon.c - fuzz target of the anon room: the whole filter.
 *
 * The first byte chooses options, the rest is an object; the first byte of its
 * preamble, from 80 on, chooses rules of the user, masks and a codec.  Whatever
 * comes in: no crash, no hang, and no bug of ours.  What the gate lets pass can
 * be read, says that it is de-identified, is named by the UIDs that were
 * announced and by none it had, has no attribute that has to go in any case,
 * no private one unless asked for, and nowhere in its
 * texts the PatientID or the PatientName of the input, if no rule kept them.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anon/anon.h"

#define OUT_MAX (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct img_dicom_limits limits = {
	.elements = 100000,
	.header = 4 << 20,
	.value = 65536,
	.inflated = 2 << 20,
};

#define RULES 4

static struct img_dicom_reader *reader;
static struct img_key *key;
static struct img_anon_rules *rules[RULES];
static struct img_buf out;
static char planted[2][80];

#define NAMED 8
static char names[NAMED][IMG_UID_MAX];
static unsigned named;

static void wrong(const char *what, uint32_t tag, const struct img_err *err)
{
	fprintf(stderr, "oracle: %s: (%04x,%04x) %s\n", what, tag >> 16,
		tag & 0xFFFF, err->text);
	abort();
}

/* ---- a codec ---------------------------------------------------------- */

static bool can(void *arg, const char *syntax)
{
	(void)arg;
	return strcmp(syntax, "1.2.840.10008.1.2") != 0;
}

static int begin(void *arg, const char *syntax, struct img_anon_coded *c,
		 struct img_err *err)
{
	(void)arg;
	(void)err;
	memcpy(c->syntax, syntax, strlen(syntax) + 1);
	c->frames = 2;
	c->samples = 3;
	c->allocated = c->stored = 8;
	c->high = 7;
	memcpy(c->photometric, "RGB", 4);
	return 0;
}

static int frame(void *arg, uint32_t i, struct img_dicom_writer *w,
		 struct img_err *err)
{
	const struct img_dicom_event ev = { .kind = IMG_DICOM_FRAGMENT,
					    .length = 5 };

	(void)arg;
	(void)i;
	return img_dicom_put(w, &ev, "frame", err);
}

static const struct img_anon_codec codec = { can, begin, frame, NULL };

/* ---- options ---------------------------------------------------------- */

static void prepare(void)
{
	static const char *const texts[RULES] = {
		"0008,xxxx keep\n0010,xxxx keep\n0018,xxxx keep\n"
		"0040,xxxx keep\n0042,xxxx keep\n0019,xx03 \"QZCREATOR\" "
		"keep\n",
		"xxxx,xxxx dummy\n0008,xxxx clean\n0010,xxxx clean\n"
		"0040,xxxx clean\n0019,xx03 \"QZCREATOR\" clean\n",
		"xxxx,xxxx empty\n0008,xxxx uid\n0019,xx03 \"QZCREATOR\" uid\n",
		"0008,xxxx uid\n0010,xxxx empty\n0040,xxxx dummy\n"
		"0020,xxxx remove\n0019,xx03 \"QZCREATOR\" dummy\n"
	};
	struct img_err err = IMG_ERR_INIT;

	for (unsigned i = 0; i < RULES && !rules[i]; i++)
		if (img_anon_rules_parse(&rules[i], "rules", texts[i],
					 strlen(texts[i]), &err) < 0)
			wrong("rules", i, &err);
	if (reader)
		return;
	reader = img_dicom_reader_new(&err);
	if (!reader || img_crypto_init(&err) < 0 ||
	    img_key_random(&key, &err) < 0)
		abort();
	img_buf_init(&out, OUT_MAX);
}

static int sink(void *arg, const void *p, size_t n, struct img_err *err)
{
	return img_buf_add(arg, p, n, err);
}

static void choose(struct img_anon_profile *p, uint8_t byte, uint8_t more)
{
	static const char *const options[] = {
		"retain-safe-private", "retain-device", "retain-institution",
		"retain-patient",      "modify-dates",  "clean-desc",
		"clean-graphics",      "clean-pixel"
	};
	struct img_err err = IMG_ERR_INIT;

	img_anon_profile_init(p);
	for (unsigned i = 0; i < 8; i++)
		if (byte >> i & 1 && img_anon_option(p, options[i], &err) < 0)
			wrong("option", i, &err);
	if (byte & 0x40)
		p->options |= 1u << IMG_ANON_CLEAN_STRUCT;
	if (!(byte & 0x80))
		p->pixels = IMG_PIXELS_KEEP;
	if (byte & more & 0x80 && more & 0x10)
		p->mask[p->masks++] = (struct img_rect){ 0, 0, 2, 3 };
	if (more & 0x80 && more & 0x20)
		p->rules = rules[more % RULES];
	if (img_anon_ready(p, &err) < 0)
		wrong("profile", 0, &err);
}

/* ---- what may not be seen --------------------------------------------- */

/* Long and of letters alone, so that it is nothing else by accident. */
static void take(char to[80], const struct img_dicom_event *ev)
{
	size_t n = 0;

	if (to[0] || !ev->value)
		return;
	while (n < ev->length && n < 79 && isalpha(ev->value[n]))
		n++;
	if (n < 8)
		return;
	for (size_t i = 0; i < n; i++)
		to[i] = (char)tolower(ev->value[i]);
	to[n] = '\0';
}

static bool holds(const struct img_dicom_event *ev, const char *what)
{
	size_t n = strlen(what);

	for (uint32_t i = 0; n && i + n <= ev->length; i++) {
		size_t k = 0;

		while (k < n && tolower(ev->value[i + k]) == what[k])
			k++;
		if (k == n)
			return true;
	}
	return false;
}

static bool is_text(const char *vr)
{
	static const char list[] = "AECSLOLTPNSHSTUCURUTUNOB";

	for (size_t i = 0; list[i]; i += 2)
		if (memcmp(list + i, vr, 2) == 0)
			return true;
	return false;
}

/* What names this object, from its top level; of the standard's nothing. */
static void take_uid(const struct img_dicom_event *ev)
{
	static const char standard[] = "1.2.840.10008.";
	uint32_t n = ev->value ? ev->length : 0;

	while (n && (!ev->value[n - 1] || ev->value[n - 1] == ' '))
		n--;
	if (named == NAMED || n < 8 || n >= IMG_UID_MAX ||
	    (n >= strlen(standard) &&
	     memcmp(ev->value, standard, strlen(standard)) == 0))
		return;
	memcpy(names[named], ev->value, n);
	names[named++][n] = '\0';
}

static bool is_name(uint32_t tag)
{
	return tag == 0x00080018u || tag == 0x0020000Du || tag == 0x0020000Eu ||
	       tag == 0x00200052u;
}

/* Names are another's where they name, or refer to what has them. */
static bool still_named(const struct img_dicom_event *ev)
{
	if (!ev->value || (!is_name(ev->tag) && ev->tag != 0x00081155u))
		return false;
	for (unsigned i = 0; i < named; i++) {
		size_t n = strlen(names[i]);

		if (ev->length >= n && memcmp(ev->value, names[i], n) == 0 &&
		    (ev->length == n || !ev->value[n] || ev->value[n] == ' '))
			return true;
	}
	return false;
}

/* Action X without any option that says otherwise (PS3.15 E.1-1):
   OtherPatientIDs, PatientAddress, PatientTelephoneNumbers,
   PhysiciansOfRecord. */
static bool has_to_go(uint32_t tag)
{
	return tag == 0x00101000u || tag == 0x00101040u || tag == 0x00102154u ||
	       tag == 0x00081048u;
}

/* ---- oracle ----------------------------------------------------------- */

static void check(const struct img_anon_profile *p,
		  const struct img_anon_facts *f)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_event ev;
	bool marked = false, told = false;
	int rc;

	if (img_dicom_start_mem(reader, out.data, out.len, "out", &limits,
				&err) < 0)
		wrong("cannot be read", 0, &err);
	while ((rc = img_dicom_next(reader, &ev, &err)) == 1) {
		if (ev.kind != IMG_DICOM_ELEMENT || ev.meta)
			continue;
		if ((ev.tag >> 16 & 1) && !p->rules &&
		    !(p->options >> IMG_ANON_SAFE_PRIVATE & 1))
			wrong("private", ev.tag, &err);
		if (ev.tag >> 16 == 4 || (ev.tag & 0xFFFF) == 0)
			wrong("should be gone", ev.tag, &err);
		if (!p->rules && has_to_go(ev.tag))
			wrong("should be gone", ev.tag, &err);
		if (!p->rules && still_named(&ev))
			wrong("names what it was", ev.tag, &err);
		if (ev.depth == 0 && ev.tag == 0x00120062u)
			marked = true;
		if (ev.depth == 0 && ev.tag == 0x00080018u && !told)
			told = ev.value && ev.length >= strlen(f->sop) &&
			       memcmp(ev.value, f->sop, strlen(f->sop)) == 0;
		if (!p->identity && ev.value && is_text(ev.vr) &&
		    ev.tag < 0x7FE00000u &&
		    (holds(&ev, planted[0]) || holds(&ev, planted[1])))
			wrong("identity", ev.tag, &err);
	}
	if (rc < 0)
		wrong("cannot be read", 0, &err);
	if (!marked || !told)
		wrong("not marked or named", 0, &err);
}

/* A pass of our own over the input; false if it cannot be read. */
static bool look(const uint8_t *data, size_t size)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_event ev;
	int rc = -1;

	planted[0][0] = planted[1][0] = '\0';
	named = 0;
	if (img_dicom_start_mem(reader, data, size, "in", &limits, &err) < 0)
		return false;
	while ((rc = img_dicom_next(reader, &ev, &err)) == 1) {
		if (ev.kind != IMG_DICOM_ELEMENT || ev.depth || ev.meta)
			continue;
		if (is_name(ev.tag))
			take_uid(&ev);
		if (ev.tag == 0x00100020u)
			take(planted[0], &ev);
		if (ev.tag == 0x00100010u)
			take(planted[1], &ev);
	}
	return rc == 0;
}

/* What the search leaves out on purpose: words that name nobody. */
static void leave_out(struct img_anon *a)
{
	for (unsigned i = 0; i < 2; i++)
		if (!img_anon_tells(a, planted[i]))
			planted[i][0] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct img_dicom_sink to = { sink, &out };
	struct img_err err = IMG_ERR_INIT;
	static struct img_anon_profile p;
	struct img_dicom_writer *w = NULL;
	struct img_anon *a;

	prepare();
	if (size < 2 || !look(data + 1, size - 1))
		return 0;
	choose(&p, data[0], data[1]);
	a = img_anon_new(&p, key, &err);
	if (a)
		img_anon_limits(a, &limits);
	if (a && data[1] & 0x80 && data[1] & 0x40)
		img_anon_use_codec(a, &codec);
	if (!a || img_dicom_start_mem(reader, data + 1, size - 1, "in", &limits,
				      &err) < 0)
		goto end;
	if (img_anon_scan(a, reader, "in", &err) <= 0)
		goto end;
	leave_out(a);
	img_buf_reset(&out);
	w = img_dicom_writer_new(&to, &err);
	if (!w ||
	    img_dicom_start_mem(reader, data + 1, size - 1, "in", &limits,
				&err) < 0 ||
	    img_anon_filter(a, reader, w, NULL, &err) < 0)
		goto end;
	if (img_dicom_start_mem(reader, out.data, out.len, "out", &limits,
				&err) < 0)
		wrong("cannot be read", 0, &err);
	if (img_anon_gate(a, reader, &err) > 0)
		check(&p, img_anon_facts(a));
	else if (err.code != IMG_OK)
		wrong("cannot be read", 0, &err);
end:
	limits.holds_items = NULL;
	if (err.code == IMG_E_BUG)
		wrong("bug", 0, &err);
	img_dicom_writer_free(w);
	img_anon_free(a);
	return 0;
}
