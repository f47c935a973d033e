/*
 * verify_same.c - are two objects the same?  Same bytes; the same data set in
 * another encoding; the same pixels with other attributes; or different ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work/verify_private.h"

#define DIFFERING 1000 /* attributes that are named */

struct side {
	const char *name;
	uint8_t digest[IMG_DIGEST_SIZE];
	struct deep deep;
	struct deep_out out;
};

/* The current object of an instance of the archive. */
static int open_object(struct img_verify *v, const char *uid,
		       struct img_err *err)
{
	const struct img_scope scope = { .level = IMG_IMAGE, .uid = uid };
	struct img_objects *all = NULL;
	struct img_object o;
	int rc, fd = -1;

	if (verify_named(v, uid, err) < 0 ||
	    img_catalog_expand(v->catalog, &scope, &all, err) < 0)
		return -1;
	rc = img_objects_next(all, &o, err);
	if (rc == 0)
		img_err_set(err, IMG_E_IO,
			    "%s: no file, and no image in the archive", uid);
	if (rc > 0 && o.place) {
		fd = open(o.place, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			img_err_sys(err, "%s", o.place);
	} else if (rc > 0) {
		fd = img_store_get(v->store, o.digest, err);
	}
	img_objects_close(all);
	return fd;
}

static int take_side(struct img_verify *v, struct side *s, struct img_err *err)
{
	struct verdict hash = { 0 };
	int rc = -1, fd = open(s->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		fd = errno == ENOENT ? open_object(v, s->name, err)
				     : img_err_sys(err, "%s", s->name);
	if (fd < 0)
		return -1;
	if (verify_digest_fd(fd, &hash, s->name, err) == 0)
		rc = verify_deep(v, &s->deep, fd, s->name, &s->out, err);
	memcpy(s->digest, hash.digest, sizeof(s->digest));
	close(fd);
	if (rc == 0 && !s->out.facts.complete)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: cannot be read to its end", s->name);
	return rc;
}

/* The attributes of one or the other, or not the same in both. */
static int put_differing(const struct side *a, const struct side *b,
			 struct img_buf *out, struct img_err *err)
{
	const struct img_check_part *p, *q;
	size_t n = img_check_parts(a->deep.check, &p), named = 0;
	size_t m = img_check_parts(b->deep.check, &q), i = 0, k = 0;
	char tag[12];

	if (img_json_key(out, "differing", err) < 0 ||
	    img_json_open(out, '[', err) < 0)
		return -1;
	while ((i < n || k < m) && named < DIFFERING) {
		uint32_t x = i < n ? p[i].tag : UINT32_MAX;
		uint32_t y = k < m ? q[k].tag : UINT32_MAX;
		bool same = x == y && memcmp(p[i].digest, q[k].digest,
					     IMG_DIGEST_SIZE) == 0;

		img_dict_format_tag(x < y ? x : y, tag);
		i += x <= y;
		k += y <= x;
		if (same)
			continue;
		named++;
		if (img_json_str(out, tag, strlen(tag), err) < 0)
			return -1;
	}
	return img_json_close(out, ']', err);
}

static const char *compare(const struct side *a, const struct side *b)
{
	const struct deep_out *x = &a->out, *y = &b->out;
	bool data = memcmp(x->facts.data, y->facts.data, IMG_DIGEST_SIZE) == 0;
	bool none = !x->facts.has_pixels && !y->facts.has_pixels;
	bool pixels = x->has_pixels && y->has_pixels &&
		      memcmp(x->pixels, y->pixels, IMG_DIGEST_SIZE) == 0;

	if (memcmp(a->digest, b->digest, IMG_DIGEST_SIZE) == 0)
		return "bytes";
	if (data && (pixels || none))
		return "data";
	/* Not to be decoded is not to be different. */
	if (x->facts.has_pixels && y->facts.has_pixels &&
	    (!x->has_pixels || !y->has_pixels))
		return "unknown";
	return pixels ? "pixels" : "nothing";
}

static int tell_same(struct img_verify *v, const struct side *a,
		     const struct side *b, struct img_err *err)
{
	const char *how = compare(a, b);
	bool same = *how == 'b' || *how == 'd';
	struct img_record rec;
	struct img_buf extra;
	int rc = -1;

	img_record_init(&rec);
	img_buf_init(&extra, VERIFY_EXTRA);
	rec.status = same ? "same" : "differs";
	rec.path = a->name;
	rec.sop = a->out.facts.sop[0] ? a->out.facts.sop : NULL;
	if (img_json_put(&extra, "other", b->name, err) < 0 ||
	    img_json_put(&extra, "same", how, err) < 0 ||
	    (!same && put_differing(a, b, &extra, err) < 0))
		goto out;
	rec.extra = extra.data;
	rc = verify_emit(v, &rec) < 0 ? img_err_set(err, IMG_E_IO, "stdout")
				      : 0;
out:
	img_buf_release(&extra);
	return rc;
}

int img_verify_same(struct img_verify *v, const char *a, const char *b,
		    struct img_err *err)
{
	struct side *s = calloc(2, sizeof(*s));
	int rc = -1;

	if (!s)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	s[0].name = a;
	s[1].name = b;
	for (int i = 0; i < 2; i++)
		img_buf_init(&s[i].out.extra, VERIFY_EXTRA);
	if (take_side(v, &s[0], err) == 0 && take_side(v, &s[1], err) == 0)
		rc = tell_same(v, &s[0], &s[1], err);
	for (int i = 0; i < 2; i++) {
		verify_deep_release(&s[i].deep);
		img_buf_release(&s[i].out.extra);
	}
	free(s);
	return rc;
}
