/* phantom-emit - elements, sequences and whole files, in PS3.5 encodings. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zlib.h>
#include "phantom.h"

static const char *const syntax_uid[] = { "1.2.840.10008.1.2.1",
					  "1.2.840.10008.1.2",
					  "1.2.840.10008.1.2.2",
					  "1.2.840.10008.1.2.1.99" };

void emit_init(struct emit *e)
{
	memset(e, 0, sizeof *e);
}

void emit_reset(struct emit *e)
{
	e->len = 0;
	e->n = e->depth = 0;
}

void emit_release(struct emit *e)
{
	free(e->data);
	emit_init(e);
}

static unsigned char *room(struct emit *e, size_t len)
{
	if (e->cap - e->len < len) {
		e->cap = e->len + len + 65536;
		e->data = realloc(e->data, e->cap);
		if (!e->data)
			fail("out of memory");
	}
	e->len += len;
	return e->data + e->len - len;
}

static void store(unsigned char *p, bool big, uint64_t value, unsigned size)
{
	unsigned i;

	for (i = 0; i < size; i++)
		p[big ? size - 1 - i : i] = (unsigned char)(value >> 8 * i);
}

static void number(struct emit *e, uint64_t value, unsigned size)
{
	store(room(e, size), e->syntax == BIG, value, size);
}

static void tag_out(struct emit *e, uint32_t tag)
{
	number(e, tag >> 16, 2);
	number(e, tag & 0xffff, 2);
}

/* An element of the first level begins: what came before it has its end. */
static void mark(struct emit *e, uint32_t tag)
{
	if (e->depth)
		return;
	if (e->n == sizeof e->chunk / sizeof e->chunk[0])
		fail("too many elements");
	if (e->n)
		e->chunk[e->n - 1].len = e->len - e->chunk[e->n - 1].at;
	e->chunk[e->n].tag = tag;
	e->chunk[e->n++].at = e->len;
}

/* PS3.5 7.1.2: these have a length of four bytes after two reserved ones. */
static bool is_long(const char *vr)
{
	return strstr("OB OD OF OL OV OW SQ SV UC UN UR UT UV", vr) != NULL;
}

static void head(struct emit *e, uint32_t tag, const char *vr, uint32_t len)
{
	mark(e, tag);
	tag_out(e, tag);
	if (e->syntax == IMPLICIT && tag >> 16 != 2) {
		number(e, len, 4);
		return;
	}
	memcpy(room(e, 2), vr, 2);
	if (is_long(vr)) {
		number(e, 0, 2);
		number(e, len, 4);
	} else {
		number(e, len, 2);
	}
}

void put_bytes(struct emit *e, uint32_t tag, const char *vr, const void *bytes,
	       size_t len)
{
	bool zero = strstr("UI OB UN", vr) != NULL;

	head(e, tag, vr, (uint32_t)(len + len % 2));
	if (len)
		memcpy(room(e, len), bytes, len);
	if (len % 2)
		*room(e, 1) = zero ? 0 : ' ';
}

void put(struct emit *e, uint32_t tag, const char *vr, const char *text)
{
	put_bytes(e, tag, vr, text, text ? strlen(text) : 0);
}

void putf(struct emit *e, uint32_t tag, const char *vr, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	put(e, tag, vr, text);
}

void put_us(struct emit *e, uint32_t tag, unsigned value)
{
	head(e, tag, "US", 2);
	number(e, value, 2);
}

void put_words(struct emit *e, uint32_t tag, const uint16_t *word, size_t n)
{
	size_t i;
	unsigned char *p;

	head(e, tag, "OW", (uint32_t)(n * 2));
	p = room(e, n * 2);
	for (i = 0; i < n; i++)
		store(p + i * 2, e->syntax == BIG, word[i], 2);
}

void begin_sq(struct emit *e, uint32_t tag)
{
	head(e, tag, "SQ", UINT32_MAX);
	e->depth++;
}

void begin_item(struct emit *e)
{
	tag_out(e, 0xfffee000);
	number(e, UINT32_MAX, 4);
}

void end_item(struct emit *e)
{
	tag_out(e, 0xfffee00d);
	number(e, 0, 4);
}

void end_sq(struct emit *e)
{
	tag_out(e, 0xfffee0dd);
	number(e, 0, 4);
	e->depth--;
}

void put_empty_sq(struct emit *e, uint32_t tag)
{
	head(e, tag, "SQ", 0);
}

void put_code(struct emit *e, uint32_t tag, const char *value,
	      const char *scheme, const char *meaning)
{
	begin_sq(e, tag);
	begin_item(e);
	put(e, 0x00080100, "SH", value);
	put(e, 0x00080102, "SH", scheme);
	put(e, 0x00080104, "LO", meaning);
	end_item(e);
	end_sq(e);
}

/* ---- what a user writes ------------------------------------------------- */

static unsigned width_of(const char *vr)
{
	static const char *const binary[] = {
		"US2", "SS2", "UL4", "SL4", "UV8",
		"SV8", "AT4", "FL4", "FD8", NULL
	};
	unsigned i;

	for (i = 0; binary[i]; i++)
		if (!memcmp(binary[i], vr, 2))
			return (unsigned)(binary[i][2] - '0');
	return 0;
}

static uint64_t binary_of(const char *vr, const char *text, char **end)
{
	double d;
	float f;
	uint32_t u32;
	uint64_t u64;

	if (!strcmp(vr, "FD")) {
		d = strtod(text, end);
		memcpy(&u64, &d, sizeof u64);
		return u64;
	}
	if (!strcmp(vr, "FL")) {
		f = strtof(text, end);
		memcpy(&u32, &f, sizeof u32);
		return u32;
	}
	return (uint64_t)strtoll(text, end, strcmp(vr, "AT") ? 0 : 16);
}

static bool put_binary(struct emit *e, uint32_t tag, const char *vr,
		       const char *text)
{
	unsigned n = 1, width = width_of(vr);
	const char *p;
	char *end = NULL;
	uint64_t value;

	for (p = text; *p; p++)
		n += *p == '\\';
	head(e, tag, vr, *text ? n * width : 0);
	for (p = text; *p; p = *end ? end + 1 : end) {
		value = binary_of(vr, p, &end);
		if (end == p || (*end && *end != '\\'))
			return false;
		if (!strcmp(vr, "AT"))
			tag_out(e, (uint32_t)value);
		else
			number(e, value, width);
	}
	return true;
}

static bool put_hex(struct emit *e, uint32_t tag, const char *vr,
		    const char *text)
{
	size_t n = 0;
	unsigned byte;
	int used;
	unsigned char *bytes = malloc(strlen(text) / 2 + 1);

	if (!bytes)
		fail("out of memory");
	for (; sscanf(text, "%2x%n", &byte, &used) == 1 && used == 2; text += 2)
		bytes[n++] = (unsigned char)byte;
	put_bytes(e, tag, vr, bytes, n);
	free(bytes);
	return !*text;
}

bool put_spec(struct emit *e, const char *spec)
{
	unsigned group, element;
	int used = 0;
	char vr[3];
	uint32_t tag;

	if (sscanf(spec, "%4x,%4x=%2[A-Z]:%n", &group, &element, vr, &used) <
		    3 ||
	    used == 0)
		return false;
	tag = (uint32_t)group << 16 | element;
	spec += used;
	if (width_of(vr))
		return put_binary(e, tag, vr, spec);
	if (!strcmp(vr, "UN") || vr[0] == 'O')
		return put_hex(e, tag, vr, spec);
	if (!strcmp(vr, "SQ")) {
		put_empty_sq(e, tag);
		return !*spec;
	}
	put(e, tag, vr, spec);
	return true;
}

void omit(struct emit *e, uint32_t tag)
{
	unsigned i, kept = 0;

	mark(e, UINT32_MAX);
	for (i = 0; i + 1 < e->n; i++)
		if (e->chunk[i].tag != tag)
			e->chunk[kept++] = e->chunk[i];
	e->chunk[kept] = e->chunk[e->n - 1];
	e->n = kept + 1;
}

/* ---- the file ----------------------------------------------------------- */

/* By tag; of several with one tag the last is left.  Insertion, because the
 * elements are nearly in order. */
static void sort(struct emit *e)
{
	unsigned i, j, kept = 0;
	struct chunk c;

	mark(e, UINT32_MAX);
	e->n--;
	for (i = 1; i < e->n; i++) {
		c = e->chunk[i];
		for (j = i; j && e->chunk[j - 1].tag > c.tag; j--)
			e->chunk[j] = e->chunk[j - 1];
		e->chunk[j] = c;
	}
	for (i = 0; i < e->n; i++) {
		if (i + 1 < e->n && e->chunk[i].tag == e->chunk[i + 1].tag)
			continue;
		if (e->chunk[i].tag != UINT32_MAX)
			e->chunk[kept++] = e->chunk[i];
	}
	e->n = kept;
}

/* The text of an element as it stands in the data set, for the meta header. */
static void find(const struct emit *e, uint32_t tag, char *text, size_t size)
{
	unsigned i;
	size_t len, skip = 8;

	text[0] = 0;
	for (i = 0; i < e->n; i++) {
		if (e->chunk[i].tag != tag)
			continue;
		len = e->chunk[i].len - skip;
		if (len >= size)
			len = size - 1;
		memcpy(text, e->data + e->chunk[i].at + skip, len);
		text[len] = 0;
	}
}

static void meta(const struct emit *e, struct emit *m)
{
	char uid[UID_MAX];
	size_t at;

	memset(room(m, 128), 0, 128);
	memcpy(room(m, 4), "DICM", 4);
	put_binary(m, 0x00020000, "UL", "0");
	at = m->len;
	put_bytes(m, 0x00020001, "OB", "\0\1", 2);
	find(e, 0x00080016, uid, sizeof uid);
	put(m, 0x00020002, "UI", uid);
	find(e, 0x00080018, uid, sizeof uid);
	put(m, 0x00020003, "UI", uid);
	put(m, 0x00020010, "UI",
	    e->syntax_uid ? e->syntax_uid : syntax_uid[e->syntax]);
	put(m, 0x00020012, "UI", uid_of(uid, "implementation"));
	put(m, 0x00020013, "SH", "IMGPHANTOM");
	store(m->data + at - 4, false, m->len - at, 4);
}

static void write_all(int fd, struct iovec *iov, int n, const char *path)
{
	ssize_t put_out;

	while (n > 0) {
		put_out = writev(fd, iov, n > 64 ? 64 : n);
		if (put_out < 0)
			fail("%s: %s", path, strerror(errno));
		while (n > 0 && (size_t)put_out >= iov->iov_len) {
			put_out -= (ssize_t)iov->iov_len;
			iov++;
			n--;
		}
		if (n > 0) {
			iov->iov_base = (char *)iov->iov_base + put_out;
			iov->iov_len -= (size_t)put_out;
		}
	}
}

/* PS3.5 A.5: a raw deflate stream, padded to an even length. */
static void deflated(struct emit *e, struct iovec *iov, int n)
{
	z_stream z = { 0 };
	size_t total = 0, size;
	unsigned char *out;
	int i;

	for (i = 0; i < n; i++)
		total += iov[i].iov_len;
	size = compressBound((uLong)total) + 64;
	out = calloc(1, size);
	if (!out || deflateInit2(&z, 6, Z_DEFLATED, -15, 8, 0) != Z_OK)
		fail("out of memory");
	z.next_out = out;
	z.avail_out = (uInt)size;
	for (i = 0; i < n; i++) {
		z.next_in = iov[i].iov_base;
		z.avail_in = (uInt)iov[i].iov_len;
		deflate(&z, i + 1 == n ? Z_FINISH : Z_NO_FLUSH);
	}
	deflateEnd(&z);
	free(e->data);
	e->data = out;
	e->cap = size;
	e->len = z.total_out + z.total_out % 2;
	iov[0].iov_base = out;
	iov[0].iov_len = e->len;
}

void emit_save(struct emit *e, const char *path)
{
	struct iovec iov[514];
	struct emit m;
	int fd, n = 1;
	unsigned i;
	bool to_stdout = !strcmp(path, "-");

	sort(e);
	emit_init(&m);
	if (!e->no_meta)
		meta(e, &m);
	iov[0].iov_base = m.data + (e->no_preamble && !e->no_meta ? 132 : 0);
	iov[0].iov_len = m.len - (e->no_preamble && !e->no_meta ? 132 : 0);
	for (i = 0; i < e->n; i++, n++) {
		iov[n].iov_base = e->data + e->chunk[i].at;
		iov[n].iov_len = e->chunk[i].len;
		if (n > 1 && (char *)iov[n - 1].iov_base + iov[n - 1].iov_len ==
				     iov[n].iov_base)
			iov[--n].iov_len += e->chunk[i].len;
	}
	if (e->syntax == DEFLATED && n > 1) {
		deflated(e, iov + 1, n - 1);
		n = 2;
	}
	fd = to_stdout ? 1 : open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	write_all(fd, iov, n, path);
	if (!to_stdout && close(fd) < 0)
		fail("%s: %s", path, strerror(errno));
	emit_release(&m);
}

/* FNV-1a of 128 bits, dressed as a UUID of version 8 (PS3.5 B.2). */
const char *uid_of(char uid[UID_MAX], const char *fmt, ...)
{
	const unsigned __int128 prime = ((unsigned __int128)1 << 88) + 0x13b;
	unsigned __int128 h = ((unsigned __int128)0x6c62272e07bb0142u << 64) |
			      0x62b821756295c58du;
	char name[256], digits[48], *p = digits + sizeof digits - 1;
	const char *c;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof name, fmt, ap);
	va_end(ap);
	for (c = name; *c; c++)
		h = (h ^ (unsigned char)*c) * prime;
	h &= ~((unsigned __int128)0xf << 76);
	h |= (unsigned __int128)8 << 76;
	h &= ~((unsigned __int128)3 << 62);
	h |= (unsigned __int128)2 << 62;
	*p = 0;
	for (; h; h /= 10)
		*--p = (char)('0' + (int)(h % 10));
	snprintf(uid, UID_MAX, "2.25.%s", p);
	return uid;
}
