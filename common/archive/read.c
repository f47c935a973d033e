/* read.c - the bytes of the current member, counted as they come out. */
#include <archive.h>
#include <string.h>

#include "archive/walk.h"

static const uint8_t zeros[64 * 1024];

/* Counts n more bytes, before they are delivered. */
static int count(struct img_archive *a, uint64_t n)
{
	if (n > a->limits.member - a->out) {
		img_err_set(&a->fault, IMG_E_LIMIT,
			    "%s!/%s: more than %llu bytes", a->name, a->member,
			    (unsigned long long)a->limits.member);
		return -1;
	}
	if (n > a->limits.total - a->total)
		img_err_set(&a->dead, IMG_E_LIMIT,
			    "%s: unpacks to more than %llu bytes", a->name,
			    (unsigned long long)a->limits.total);
	else if (img_archive_ratio_ok(a, a->total + n) == 0) {
		a->out += n;
		a->total += n;
		return 0;
	}
	a->fault = a->dead;
	return -1;
}

/* The next block of libarchive into a->hole, a->block and a->left. */
static int pull(struct img_archive *a)
{
	const void *p = NULL;
	size_t n = 0;
	int64_t at = 0;
	int rc = archive_read_data_block(a->la, &p, &n, &at);

	if (img_archive_bad(a, a->member, &a->fault) < 0)
		return -1;
	if (rc == ARCHIVE_EOF) {
		a->at_end = true;
		n = 0;
		/* a sparse tar may end with a hole */
		if (a->kind != IMG_ARCHIVE_TAR || at < (int64_t)a->out)
			at = (int64_t)a->out;
	} else if (rc != ARCHIVE_OK) {
		return img_archive_failed(a, a->member, &a->fault);
	}
	if (n == 0 && !a->at_end)
		return 0;
	if (at < 0 || (uint64_t)at < a->out)
		return img_err_set(&a->fault, IMG_E_MALFORMED,
				   "%s!/%s: blocks out of order", a->name,
				   a->member);
	a->hole = (uint64_t)at - a->out;
	a->block = p;
	a->left = n;
	return count(a, a->hole + n);
}

/* Makes sure that there is something to give: 1, 0 at the end, -1. */
static int ready(struct img_archive *a, struct img_err *err)
{
	while (a->fault.code == IMG_OK && !a->hole && !a->left) {
		if (a->at_end && a->declared != UINT64_MAX &&
		    a->out != a->declared)
			img_err_set(&a->fault, IMG_E_MALFORMED,
				    "%s!/%s: declares %llu bytes and holds "
				    "%llu",
				    a->name, a->member,
				    (unsigned long long)a->declared,
				    (unsigned long long)a->out);
		else if (a->at_end)
			return 0;
		else if (pull(a) < 0)
			a->hole = a->left = 0;
	}
	if (a->fault.code == IMG_OK)
		return 1;
	if (err->code == IMG_OK)
		*err = a->fault;
	return -1;
}

ssize_t img_archive_more(struct img_archive *a, const void **p,
			 struct img_err *err)
{
	size_t n;
	int rc = ready(a, err);

	if (rc <= 0)
		return rc;
	if (a->hole) {
		n = a->hole < sizeof(zeros) ? (size_t)a->hole : sizeof(zeros);
		*p = zeros;
		a->hole -= n;
	} else {
		n = a->left;
		*p = a->block;
		a->left = 0;
	}
	return (ssize_t)n;
}

ssize_t img_archive_block(struct img_archive *a, const void **p,
			  struct img_err *err)
{
	locale_t old;
	ssize_t n;

	if (!a->open)
		return 0;
	old = img_archive_locale(a);
	n = img_archive_more(a, p, err);
	uselocale(old);
	return n;
}

/* Copies up to n bytes of what is ready. */
static size_t copy(struct img_archive *a, void *to, size_t n)
{
	if (a->hole) {
		if (n > a->hole)
			n = (size_t)a->hole;
		memset(to, 0, n);
		a->hole -= n;
		return n;
	}
	if (n > a->left)
		n = a->left;
	memcpy(to, a->block, n);
	a->block += n;
	a->left -= n;
	return n;
}

ssize_t img_archive_read(struct img_archive *a, void *out, size_t n,
			 struct img_err *err)
{
	uint8_t *to = out;
	size_t done = 0;
	locale_t old;
	int rc = 1;

	if (!a->open)
		return 0;
	old = img_archive_locale(a);
	while (done < n && (rc = ready(a, err)) > 0)
		done += copy(a, to + done, n - done);
	uselocale(old);
	return rc < 0 ? -1 : (ssize_t)done;
}
