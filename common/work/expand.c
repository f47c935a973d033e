/* expand.c - archives and discs: each member is an input. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "media/media.h"
#include "work/dicomdir.h"

#define NESTED_MAX 2 /* an archive in an archive, and no further */
#define NAME_MAX_  (2 * IMG_PATH_MAX + 32)

/* One outermost archive. */
struct expansion {
	struct img_ingest *g;
	const char *path; /* as records name it */
	const char *key;  /* where members are remembered; NULL: nowhere */
	uint64_t members; /* of nested ones, too */
	uint64_t absent;  /* listed in a DICOMDIR and not there */
};

/* An archive being read, and where it comes from when it is nested: bytes
   read already, then the rest of a member. */
struct nest {
	struct img_archive *a;
	char prefix[NAME_MAX_]; /* "outer.zip!/", "outer.zip!/inner.zip!/" */
	unsigned depth;
	struct img_archive *from;
	uint8_t *head, *block;
	size_t head_n;
	/* What a DICOMDIR in it is compared with. */
	struct names_set names;
	struct img_buf objects;
	struct disc *discs;
};

static void nest_init(struct nest *n)
{
	img_buf_init(&n->names.keys, 32ul * 1024 * 1024);
	img_buf_init(&n->objects, 4ul * 1024 * 1024);
}

static void nest_release(struct nest *n)
{
	img_archive_close(n->a);
	while (n->discs) {
		struct disc *d = n->discs;

		n->discs = d->next;
		free(d->path);
		free(d->name);
		free(d->prefix);
		img_buf_release(&d->bytes);
		free(d);
	}
	img_buf_release(&n->names.keys);
	img_buf_release(&n->objects);
	free(n->head);
	free(n->block);
}

/* The names of one member. */
struct names {
	char path[NAME_MAX_];
	char key[NAME_MAX_]; /* numbered, so that twins stay two */
};

static int name_member(struct expansion *e, const struct nest *n,
		       const struct img_member *m, struct names *out,
		       struct img_err *err)
{
	int path = snprintf(out->path, sizeof(out->path), "%s%s", n->prefix,
			    m->name);
	int key;

	e->members++;
	key = snprintf(out->key, sizeof(out->key), "%08llu/%s",
		       (unsigned long long)e->members,
		       out->path + strlen(e->path) + 2);
	if (path < 0 || (size_t)path >= sizeof(out->path) || key < 0 ||
	    (size_t)key >= sizeof(out->key))
		return img_err_set(err, IMG_E_LIMIT, "%.200s: name too long",
				   out->path);
	return 0;
}

static struct item *member_item(struct expansion *e, const struct names *names,
				struct img_err *err)
{
	struct item *it = item_new(e->g, err);

	if (!it)
		return NULL;
	it->path = item_text(e->g, names->path);
	it->member = true;
	if (e->key) {
		it->container = item_text(e->g, e->key);
		it->name = item_text(e->g, names->key);
	}
	if (!it->path || (e->key && (!it->container || !it->name))) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		return NULL;
	}
	return it;
}

/* What is wrong with it, if something is.  It is not remembered where that
   may be otherwise the next time: ceilings are options. */
static void end_with(struct expansion *e, struct item *it,
		     const struct img_err *why)
{
	bool ours = why->code == IMG_E_BUSY || why->code == IMG_E_IO ||
		    why->code == IMG_E_NOMEM;

	if (why->code == IMG_OK)
		return;
	item_fail(&e->g->open->arena, it, ours ? FAILED : REJECTED, why);
	if (ours || why->code == IMG_E_LIMIT)
		it->remember = false;
}

static int add_rejected(struct expansion *e, const struct names *names,
			const struct img_err *why, struct img_err *err)
{
	struct item *it = member_item(e, names, err);

	if (!it)
		return -1;
	it->remember = e->key != NULL;
	end_with(e, it, why);
	return item_add(e->g, it, err);
}

/* ---- archives in archives --------------------------------------------- */

static int walk_members(struct expansion *e, struct nest *n,
			struct img_err *why, struct img_err *err);

static ssize_t read_nested(void *arg, const void **p, struct img_err *err)
{
	struct nest *n = arg;
	size_t had = n->head_n;

	if (had) {
		*p = n->head;
		n->head_n = 0;
		return (ssize_t)had;
	}
	*p = n->block;
	return img_archive_read(n->from, n->block, WHOLE, err);
}

static int add_container(struct expansion *e, const struct names *names,
			 uint64_t members, const struct img_err *why,
			 struct img_err *err)
{
	struct item *it = member_item(e, names, err);
	char extra[64];

	if (!it)
		return -1;
	snprintf(extra, sizeof(extra), "\"members\":%llu",
		 (unsigned long long)members);
	it->extra = item_text(e->g, extra);
	it->outcome = IGNORED;
	it->text = "archive";
	it->remember = e->key != NULL;
	end_with(e, it, why);
	return item_add(e->g, it, err);
}

/* head: the member's first bytes, in the walker's buffer. */
static int nested(struct expansion *e, struct nest *outer,
		  const struct names *names, const uint8_t *head, size_t n,
		  struct img_err *err)
{
	struct nest *in = calloc(1, sizeof(*in));
	uint64_t before = e->members;
	struct img_err why = IMG_ERR_INIT;
	int rc = -1;

	if (!in || !(in->head = malloc(n)) || !(in->block = malloc(WHOLE))) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		goto out;
	}
	nest_init(in);
	memcpy(in->head, head, n);
	in->head_n = n;
	in->from = outer->a;
	in->depth = outer->depth + 1;
	snprintf(in->prefix, sizeof(in->prefix), "%.8000s!/", names->path);
	if (img_archive_open_fn(&in->a, read_nested, in, names->path,
				&e->g->opts.limits, &why) == 0 &&
	    walk_members(e, in, &why, err) < 0)
		goto out;
	rc = add_container(e, names, e->members - before, &why, err);
out:
	if (in)
		nest_release(in);
	free(in);
	return rc;
}

/* ---- members ---------------------------------------------------------- */

/* The member's bytes as an item of their own, for a worker. */
static int add_bytes(struct expansion *e, const struct names *names,
		     const uint8_t *p, size_t n, struct img_err *err)
{
	struct item *it;
	uint8_t *data = malloc(n ? n : 1);

	if (!data)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	memcpy(data, p, n);
	data_take(e->g, n);
	it = member_item(e, names, err);
	if (!it) {
		free(data);
		data_give(e->g, n);
		return -1;
	}
	it->data = data;
	it->len = it->size = n;
	return item_add(e->g, it, err);
}

static int add_stream(struct expansion *e, struct nest *n,
		      const struct names *names, size_t got,
		      struct img_err *err)
{
	struct examiner *x = &e->g->walker;
	struct item *it = member_item(e, names, err);

	if (!it)
		return -1;
	if (img_dicom_looks_like(x->buf, got))
		examine_stream(x, &e->g->open->arena, it, x->buf, got, n->a);
	else
		examine_mem(x, &e->g->open->arena, it, x->buf, got);
	return item_add(e->g, it, err);
}

/* By its name, or by the class that its file meta information gives. */
static bool is_dicomdir(const char *base, const uint8_t *p, size_t n)
{
	static const char class[] = "\2\0\2\0UI\24\0"
				    "1.2.840.10008.1.3.10";

	return img_media_name_match("DICOMDIR", base) ||
	       memmem(p, n < 1024 ? n : 1024, class, sizeof(class) - 1);
}

/* What those kept take up in memory; all of it when they are too many. */
static size_t discs_size(const struct nest *n)
{
	size_t size = 0, count = 0;

	for (const struct disc *d = n->discs; d; d = d->next, count++)
		size += d->bytes.len + sizeof(*d) + 3 * strlen(d->path);
	return count < DISCS_MAX && size < DISC_MAX ? size : DISC_MAX;
}

/* 1: kept for the end; 0: it is none, or too long to be kept. */
static int keep_disc(struct expansion *e, struct nest *n,
		     const struct img_member *m, const struct names *names,
		     ssize_t got, struct img_err *err)
{
	uint8_t *p = e->g->walker.buf;
	const char *base = img_path_base(m->name);
	struct img_err cut = IMG_ERR_INIT;
	size_t left = DISC_MAX - discs_size(n);
	struct disc *d;

	if (!img_dicom_looks_like(p, (size_t)got) || m->size > left ||
	    !is_dicomdir(base, p, (size_t)got))
		return 0;
	d = calloc(1, sizeof(*d));
	if (!d)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	d->next = n->discs;
	n->discs = d;
	img_buf_init(&d->bytes, left);
	d->container = e->key;
	d->path = strdup(names->path);
	d->name = strdup(names->key);
	d->prefix = strndup(m->name, (size_t)(base - m->name));
	if (!d->path || !d->name || !d->prefix)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	/* A cut one is judged by what could be read of it. */
	while (got > 0 && img_buf_add(&d->bytes, p, (size_t)got, &cut) == 0)
		got = img_archive_read(n->a, p, WHOLE, &cut);
	return 1;
}

/* Names are only evidence: that there are too many for it is no failure. */
static void note_name(struct nest *n, const char *name, const uint8_t *p,
		      size_t got)
{
	struct img_err ignored = IMG_ERR_INIT;

	(void)names_add(&n->names, name, &ignored);
	if (img_dicom_looks_like(p, got))
		(void)img_buf_add(&n->objects, name, strlen(name) + 1,
				  &ignored);
}

static int check_discs(struct expansion *e, struct nest *n, struct img_err *err)
{
	for (struct disc *d = n->discs; d; d = d->next)
		if (check_dicomdir_member(e->g, d, &n->names, &n->objects,
					  &e->absent, err) < 0)
			return -1;
	return 0;
}

static int take_member(struct expansion *e, struct nest *n,
		       const struct img_member *m, struct img_err *err)
{
	struct examiner *x = &e->g->walker;
	struct img_err why = IMG_ERR_INIT;
	struct names names;
	ssize_t got;
	int disc;

	if (name_member(e, n, m, &names, &why) < 0)
		return add_rejected(e, &names, &why, err);
	if (m->kind == IMG_MEMBER_REFUSED) {
		img_err_set(&why, IMG_E_REFUSED, "%s: %s", names.path,
			    m->refused);
		return add_rejected(e, &names, &why, err);
	}
	got = img_archive_read(n->a, x->buf, WHOLE + 1, &why);
	if (got < 0)
		return add_rejected(e, &names, &why, err);
	disc = keep_disc(e, n, m, &names, got, err);
	if (disc)
		return disc < 0 ? -1 : 0;
	note_name(n, m->name, x->buf, (size_t)got);
	if (img_archive_sniff(x->buf, (size_t)got) != IMG_ARCHIVE_NONE) {
		if (n->depth < NESTED_MAX)
			return nested(e, n, &names, x->buf, (size_t)got, err);
		img_err_set(&why, IMG_E_LIMIT,
			    "%s: archives nested deeper than %d", names.path,
			    NESTED_MAX);
		return add_rejected(e, &names, &why, err);
	}
	if (got <= WHOLE)
		return add_bytes(e, &names, x->buf, (size_t)got, err);
	return add_stream(e, n, &names, (size_t)got, err);
}

/* why: what ended the archive early; err: what ends the import. */
static int walk_members(struct expansion *e, struct nest *n,
			struct img_err *why, struct img_err *err)
{
	struct img_member m;
	int more = 0;

	while (!must_stop(e->g) && (more = img_archive_next(n->a, &m, why)) > 0)
		if (m.kind != IMG_MEMBER_FOLDER &&
		    take_member(e, n, &m, err) < 0)
			return -1;
	if (more > 0 || must_stop(e->g))
		img_err_set(why, IMG_E_BUSY, "%.*s: stopped by a signal",
			    (int)strlen(n->prefix) - 2, n->prefix);
	return check_discs(e, n, err);
}

/* ---- outermost archives ----------------------------------------------- */

static int expand(struct expansion *e, int fd, struct img_err *why,
		  struct img_err *err)
{
	struct nest *n = calloc(1, sizeof(*n));
	int rc = 0;

	if (!n)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	nest_init(n);
	n->depth = 1;
	snprintf(n->prefix, sizeof(n->prefix), "%s!/", e->path);
	if (img_archive_open_fd(&n->a, fd, e->path, &e->g->opts.limits, why) ==
	    0)
		rc = walk_members(e, n, why, err);
	nest_release(n);
	free(n);
	return rc;
}

static int add_archive(struct expansion *e, const struct deferred *d,
		       const struct img_err *why, struct img_err *err)
{
	struct item *it = item_new(e->g, err);
	char extra[64];

	if (!it)
		return -1;
	snprintf(extra, sizeof(extra), "\"members\":%llu",
		 (unsigned long long)e->members);
	it->path = item_text(e->g, e->path);
	it->extra = item_text(e->g, extra);
	it->outcome = IGNORED;
	it->text = "archive";
	if (d) {
		it->rides = d->rides ? item_text(e->g, d->rides) : NULL;
		it->container = item_text(e->g, d->container);
		it->name = item_text(e->g, d->name);
		it->size = d->size;
		it->inode = d->inode;
		it->device = d->device;
		it->mtime_ns = d->mtime_ns;
		it->seen_as = "expanded";
		/* What a disc lacks must be said each time.  A device is what
		   lies in it today. */
		it->remember = e->key && e->absent == 0;
	}
	end_with(e, it, why);
	return item_add(e->g, it, err);
}

/* Since a worker saw that it is an archive. */
static bool changed(int fd, const struct deferred *d)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return true;
	return S_ISREG(st.st_mode) &&
	       ((uint64_t)st.st_size != d->size || st.st_ino != d->inode ||
		(int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec !=
			d->mtime_ns);
}

int expand_archive(struct img_ingest *g, const struct deferred *d,
		   struct img_err *err)
{
	struct expansion e = { .g = g, .path = d->path };
	const struct item archive = { .container = d->container,
				      .name = d->name,
				      .size = d->size,
				      .inode = d->inode,
				      .mtime_ns = d->mtime_ns };
	struct img_err why = IMG_ERR_INIT;
	char key[CONTAINER_MAX];
	int fd = open(d->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int rc = 0;

	/* A device has no size of its own. */
	e.key = d->size && archive_key(&archive, key) ? key : NULL;
	if (fd < 0)
		img_err_sys(&why, "%s", d->path);
	else
		rc = expand(&e, fd, &why, err);
	if (rc == 0 && fd >= 0 && changed(fd, d)) {
		img_err_clear(&why);
		img_err_set(&why, IMG_E_BUSY, "%s: changed while it was read",
			    d->path);
	}
	if (fd >= 0)
		close(fd);
	return rc < 0 ? -1 : add_archive(&e, d, &why, err);
}

int expand_tar(struct img_ingest *g, int fd, const char *name,
	       struct img_err *err)
{
	struct expansion e = { .g = g, .path = name };
	struct img_err why = IMG_ERR_INIT;

	if (expand(&e, fd, &why, err) < 0)
		return -1;
	return add_archive(&e, NULL, &why, err);
}
