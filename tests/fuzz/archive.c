/*
 * archive - fuzz target of the archive room: what a member is called, how much
 * comes out of it, and that the end is the end.
 *
 * The first byte says how the rest is read: 1 from a function and not from a
 * file, 2 without reading the members, 4 behind the 32 KiB that an ISO image
 * begins with, 8 the whole of it compressed by gzip; the rest: the size of the
 * pieces that the function gives.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "archive/archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM   (160 * 1024)
#define MEMBER (1 << 20)
#define TOTAL  (4 << 20)

static uint8_t input[ROOM], plain[ROOM];

struct pieces {
	size_t n, at, step;
};

static ssize_t piece(void *arg, const void **p, struct img_err *err)
{
	struct pieces *s = arg;
	size_t n = s->n - s->at < s->step ? s->n - s->at : s->step;

	(void)err;
	*p = input + s->at;
	s->at += n;
	return (ssize_t)n;
}

static void must(int truth)
{
	if (!truth)
		abort();
}

static size_t prepare(const uint8_t *data, size_t size, unsigned how)
{
	size_t n = how & 4 ? 32768 : 0, least = how & 4 ? 50000 : 0;
	uint8_t *to = how & 8 ? plain : input;
	static z_stream z;
	static bool begun;

	if (size > 100000)
		size = 100000;
	memset(to, 0, least);
	memcpy(to + n, data, size);
	n = n + size > least ? n + size : least;
	if (!(how & 8))
		return n;
	must(begun || deflateInit2(&z, 1, Z_DEFLATED, 31, 9,
				   Z_DEFAULT_STRATEGY) == Z_OK);
	begun = true;
	must(deflateReset(&z) == Z_OK);
	z.next_in = plain;
	z.avail_in = (uInt)n;
	z.next_out = input;
	z.avail_out = sizeof(input);
	must(deflate(&z, Z_FINISH) == Z_STREAM_END);
	return sizeof(input) - z.avail_out;
}

static void check_member(const struct img_member *m)
{
	size_t n = strlen(m->name);

	must(n > 0 || m->kind == IMG_MEMBER_REFUSED);
	must(n < IMG_PATH_MAX && img_utf8_ok(m->name, n));
	for (size_t i = 0; i < n; i++)
		must((uint8_t)m->name[i] >= 0x20 && m->name[i] != 0x7F &&
		     m->name[i] != '\\');
	must((m->refused != NULL) == (m->kind == IMG_MEMBER_REFUSED));
	if (m->kind == IMG_MEMBER_REFUSED)
		return;
	must(m->name[0] != '/' && strcmp(m->name, "..") != 0 &&
	     strncmp(m->name, "../", 3) != 0 && !strstr(m->name, "/../"));
	must(n < 3 || strcmp(m->name + n - 3, "/..") != 0);
}

static uint64_t read_member(struct img_archive *a, const struct img_member *m)
{
	struct img_err err = IMG_ERR_INIT;
	static uint8_t out[10000];
	uint64_t total = 0;
	const void *p;
	ssize_t n;

	do {
		n = total % 3 ? img_archive_read(a, out, 1 + total % 9999, &err)
			      : img_archive_block(a, &p, &err);
		must(n >= 0 || err.code != IMG_OK);
		if (n > 0)
			total += (uint64_t)n;
	} while (n > 0);
	must(total <= MEMBER);
	must(m->kind == IMG_MEMBER_FILE || (n == 0 && total == 0));
	must(n < 0 || m->kind != IMG_MEMBER_FILE || m->size == UINT64_MAX ||
	     m->size == total);
	return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct img_archive_limits limits = { 300, MEMBER, TOTAL, 0, NULL, 0 };
	struct img_err err = IMG_ERR_INIT;
	struct img_archive *a;
	struct img_member m;
	struct pieces s = { 0 };
	uint64_t total = 0;
	unsigned how;
	int fd = -1, rc;

	if (size < 1)
		return 0;
	/* The locale's file is read once. */
	must(img_archive_warm_up(&err) == 0);
	how = data[0];
	s.n = prepare(data + 1, size - 1, how);
	s.step = 1 + (size_t)(how >> 4) * 97 * (how >> 4);
	if (how & 1) {
		rc = img_archive_open_fn(&a, piece, &s, "f", &limits, &err);
	} else {
		fd = memfd_create("f", MFD_CLOEXEC);
		must(fd >= 0 && write(fd, input, s.n) == (ssize_t)s.n &&
		     lseek(fd, 0, SEEK_SET) == 0);
		rc = img_archive_open_fd(&a, fd, "f", &limits, &err);
	}
	must((rc == 0) == (err.code == IMG_OK));
	while (rc == 0 && (rc = img_archive_next(a, &m, &err)) > 0) {
		check_member(&m);
		if (!(how & 2))
			total += read_member(a, &m);
		must(total <= TOTAL);
		rc = 0;
	}
	must((rc < 0) == (err.code != IMG_OK));
	if (a)
		must(img_archive_next(a, &m, &err) == rc);
	img_archive_close(a);
	if (fd >= 0)
		close(fd);
	return 0;
}
