/* probe.c - attributes by their path, out of objects' headers. */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/inputs.h"
#include "work/probe.h"

#define VALUE_MAX  65536u
#define TEXT_MAX   (900 * 1024) /* a record has at most 1 MiB */
#define PIXEL_DATA IMG_TAG(0x7FE0, 0x0000)

struct img_probe {
	const struct img_probe_path *path;
	size_t n;
	struct img_buf *value;
	char (*vr)[3]; /* of the value, as the object has it */
	struct img_dicom_reader *reader;
	bool past_pixels; /* a path is after them */
	/* while reading: by depth */
	uint32_t sequence[IMG_PROBE_DEPTH];
	struct img_charset charset[IMG_PROBE_DEPTH];
};

/* ---- paths ------------------------------------------------------------ */

/* A keyword, "gggg,eeee" or "(gggg,eeee)". */
static bool parse_tag(const char *s, size_t n, uint32_t *tag)
{
	char text[80];

	if (n > 2 && s[0] == '(' && s[n - 1] == ')') {
		s++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	return img_dict_parse_tag(text, tag);
}

/* Of what the dictionary does not know: a private creator (PS3.5 7.8.1). */
static const char *vr_of(uint32_t tag)
{
	bool creator = (tag >> 16 & 1) && (tag & 0xFFFF) >= 0x10 &&
		       (tag & 0xFFFF) <= 0xFF;

	return creator ? "LO" : "UN";
}

static void add_name(struct img_probe_path *p, const struct img_dict *d,
		     uint32_t tag)
{
	size_t len = strlen(p->name);
	const char *dot = len ? "." : "";

	if (d)
		snprintf(p->name + len, sizeof(p->name) - len, "%s%s", dot,
			 d->keyword);
	else
		snprintf(p->name + len, sizeof(p->name) - len, "%s%04x,%04x",
			 dot, tag >> 16, tag & 0xFFFF);
}

bool img_probe_parse(struct img_probe_path *p, const char *text)
{
	memset(p, 0, sizeof(*p));
	for (;;) {
		size_t n = strcspn(text, ".");
		const struct img_dict *d;
		uint32_t tag;

		if (p->n == IMG_PROBE_DEPTH || !parse_tag(text, n, &tag)) {
			p->vr[0] = '\0';
			return false;
		}
		d = img_dict_tag(tag);
		p->tag[p->n++] = tag;
		add_name(p, d, tag);
		memcpy(p->vr, d ? d->vr : vr_of(tag), 3);
		if (!text[n])
			break;
		text += n + 1;
	}
	return strcmp(p->vr, "SQ") != 0;
}

static bool is_hex4(const char *s)
{
	for (int i = 0; i < 4; i++)
		if (!isxdigit((unsigned char)s[i]))
			return false;
	return true;
}

size_t img_probe_span(const char *s)
{
	size_t n = 0;

	for (;;) {
		n += strcspn(s + n, ",");
		if (!s[n] || n < 4 || !is_hex4(s + n - 4) ||
		    !is_hex4(s + n + 1) || isxdigit((unsigned char)s[n + 5]) ||
		    (n > 4 && isalnum((unsigned char)s[n - 5])))
			return n;
		n++;
	}
}

/* ---- reading ---------------------------------------------------------- */

int img_probe_new(struct img_probe **out, const struct img_probe_path *paths,
		  size_t n, struct img_err *err)
{
	struct img_probe *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (p) {
		p->value = calloc(n + 1, sizeof(*p->value));
		p->vr = calloc(n + 1, sizeof(*p->vr));
	}
	if (!p || !p->value || !p->vr) {
		if (p)
			free(p->value);
		free(p);
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	}
	p->path = paths;
	p->n = n;
	for (size_t i = 0; i < n; i++) {
		img_buf_init(&p->value[i], TEXT_MAX);
		memcpy(p->vr[i], paths[i].vr, sizeof(p->vr[i]));
		p->past_pixels |= paths[i].tag[0] >= PIXEL_DATA;
	}
	p->reader = img_dicom_reader_new(err);
	if (!p->reader) {
		img_probe_free(p);
		return -1;
	}
	*out = p;
	return 0;
}

void img_probe_free(struct img_probe *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		img_buf_release(&p->value[i]);
	free(p->value);
	free(p->vr);
	img_dicom_reader_free(p->reader);
	free(p);
}

void img_probe_clear(struct img_probe *p)
{
	for (size_t i = 0; i < p->n; i++) {
		img_buf_reset(&p->value[i]);
		memcpy(p->vr[i], p->path[i].vr, sizeof(p->vr[i]));
	}
}

const char *img_probe_vr(const struct img_probe *p, size_t i)
{
	return p->vr[i];
}

const char *img_probe_value(const struct img_probe *p, size_t i)
{
	return p->value[i].len ? p->value[i].data : NULL;
}

/* Bytes of one number; 0 where it is text. */
static size_t number_size(const char vr[3])
{
	static const struct {
		char vr[3];
		uint8_t size;
	} sizes[] = { { "US", 2 }, { "SS", 2 }, { "UL", 4 },
		      { "SL", 4 }, { "FL", 4 }, { "AT", 4 },
		      { "UV", 8 }, { "SV", 8 }, { "FD", 8 } };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (strcmp(sizes[i].vr, vr) == 0)
			return sizes[i].size;
	return 0;
}

/* A tag is eight hexadecimal digits (PS3.18 F.2.3), as it is in a key. */
static void tag_text(char *text, size_t size)
{
	snprintf(text, size, "%08lX", strtoul(text, NULL, 10));
}

static int put_numbers(struct img_buf *b, const struct img_dicom_event *ev,
		       const char vr[3], const uint8_t *p, struct img_err *err)
{
	size_t size = number_size(vr);
	char text[40];

	for (size_t at = 0; at + size <= ev->length; at += size) {
		struct img_dicom_pick one = { .p = p + at,
					      .big = ev->big,
					      .present = true };

		one.length = (uint32_t)size;
		memcpy(one.vr, vr, 3);
		if (!img_dicom_number(&one, text, sizeof(text)))
			continue;
		if (strcmp(vr, "AT") == 0)
			tag_text(text, sizeof(text));
		if ((b->len && img_buf_putc(b, '\\', err) < 0) ||
		    img_buf_puts(b, text, err) < 0)
			return -1;
	}
	return 0;
}

static bool is_bytes(const char vr[3])
{
	return vr[0] == 'O' || strcmp(vr, "UN") == 0;
}

/* Private attributes of implicit VR are often text all the same. */
static bool looks_like_text(const uint8_t *p, size_t n)
{
	while (n && p[n - 1] == '\0')
		n--;
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 && !strchr("\t\n\f\r\033", p[i]))
			return false;
	return n > 0;
}

static void trim(struct img_buf *b, size_t from)
{
	size_t lead = 0;

	while (b->len > from &&
	       (b->data[b->len - 1] == ' ' || b->data[b->len - 1] == '\0'))
		b->len--;
	while (from + lead < b->len && b->data[from + lead] == ' ')
		lead++;
	memmove(b->data + from, b->data + from + lead, b->len - from - lead);
	b->len -= lead;
	b->data[b->len] = '\0';
}

static int put_text(struct img_buf *b, const struct img_charset *cs,
		    const char vr[3], const uint8_t *p, size_t n,
		    struct img_err *err)
{
	static const struct img_charset plain = { 0 };
	unsigned notes = 0;
	size_t from;

	if (b->len && img_buf_putc(b, '\\', err) < 0)
		return -1;
	from = b->len;
	if (!img_vr_is_text(vr) && strcmp(vr, "UN") != 0)
		cs = &plain;
	if (img_charset_utf8(cs, is_bytes(vr) ? "LO" : vr, p, n, b, &notes,
			     err) < 0)
		return -1;
	if (b->len > from)
		trim(b, from);
	if (b->len == from && from)
		b->data[--b->len] = '\0';
	return 0;
}

static int take(struct img_probe *p, size_t i, const struct img_dicom_event *ev,
		struct img_err *err)
{
	struct img_buf *b = &p->value[i];
	const char *vr = is_bytes(ev->vr) ? p->path[i].vr : ev->vr;
	const uint8_t *v = ev->value;
	int rc = 0;

	if (!v || !ev->length)
		return 0;
	memcpy(p->vr[i], vr, sizeof(p->vr[i]));
	if (number_size(vr))
		rc = put_numbers(b, ev, vr, v, err);
	else if (!is_bytes(vr) ||
		 (strcmp(vr, "UN") == 0 && looks_like_text(v, ev->length)))
		rc = put_text(b, &p->charset[ev->depth], vr, v, ev->length,
			      err);
	return rc;
}

static int element(struct img_probe *p, const struct img_dicom_event *ev,
		   struct img_err *err)
{
	if (ev->depth >= IMG_PROBE_DEPTH)
		return 0;
	if (ev->tag == IMG_TAG(0x0008, 0x0005))
		img_charset_parse(&p->charset[ev->depth], ev->value,
				  ev->value ? ev->length : 0);
	for (size_t i = 0; i < p->n; i++) {
		const struct img_probe_path *path = &p->path[i];

		if (path->n == ev->depth + 1 &&
		    path->tag[ev->depth] == ev->tag &&
		    memcmp(path->tag, p->sequence,
			   ev->depth * sizeof(*path->tag)) == 0 &&
		    take(p, i, ev, err) < 0)
			return -1;
	}
	return 0;
}

static int walk(struct img_probe *p, struct img_err *err)
{
	struct img_dicom_event ev;
	int rc;

	img_charset_parse(&p->charset[0], NULL, 0);
	while ((rc = img_dicom_next(p->reader, &ev, err)) == 1) {
		if (ev.depth == 0 && ev.tag >= PIXEL_DATA &&
		    ev.tag < 0xFFFE0000u && !p->past_pixels)
			return 0;
		if (ev.kind == IMG_DICOM_SEQUENCE && ev.depth < IMG_PROBE_DEPTH)
			p->sequence[ev.depth] = ev.tag;
		else if (ev.kind == IMG_DICOM_ITEM &&
			 ev.depth + 1 < IMG_PROBE_DEPTH)
			p->charset[ev.depth + 1] = p->charset[ev.depth];
		else if (ev.kind == IMG_DICOM_ELEMENT &&
			 element(p, &ev, err) < 0)
			return -1;
	}
	return rc;
}

int img_probe_read(struct img_probe *p, struct img_store *store,
		   const uint8_t digest[IMG_DIGEST_SIZE], const char *place,
		   struct img_err *err)
{
	static const struct img_dicom_limits limits = { .value = VALUE_MAX };
	char hex[IMG_DIGEST_HEX];
	const char *name = place ? place : hex;
	struct stat sb;
	int fd, rc = -1;

	img_probe_clear(p);
	img_hex(hex, digest, IMG_DIGEST_SIZE);
	fd = place ? open(place, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
		   : img_store_get(store, digest, err);
	if (fd < 0)
		return place ? img_err_sys(err, "%s", place) : -1;
	if (fstat(fd, &sb) < 0)
		img_err_sys(err, "%s", name);
	else if (!S_ISREG(sb.st_mode))
		img_err_set(err, IMG_E_IO, "%s: not a file", name);
	else if (img_dicom_start_fd(p->reader, fd, (uint64_t)sb.st_size, name,
				    &limits, err) == 0)
		rc = walk(p, err);
	else if (place)
		input_explain(fd, NULL, 0, err);
	close(fd);
	return rc;
}
