/* expand.c - archives and discs: each member is an input. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work/dicomdir.h"
#include "work/members.h"

#define NESTED_MAX 2 /* an archive in an archive, and no further */
#define NAME_MAX_  (2 * IMG_PATH_MAX + 32)

/* One outermost archive. */
struct expansion {
	struct img_ingest *g;
	const char *path; /* as records name it */
	const char *key;  /* where members are remembered; NULL: nowhere */
	uint64_t members; /* of nested ones, too */
	uint64_t absent;  /* listed in a DICOMDIR and not there */
	struct img_members *in;
	bool secret;   /* the member is encrypted */
	uint8_t *data; /* the member's bytes, for whoever takes them */
};

/* An archive being read. */
struct nest {
	char prefix[NAME_MAX_]; /* "outer.zip!/", "outer.zip!/inner.zip!/" */
	unsigned depth;
	struct contents contents;
};

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
   may be otherwise the next time: ceilings and passphrases are options. */
static void end_with(struct expansion *e, struct item *it,
		     const struct img_err *why)
{
	bool ours = why->code == IMG_E_BUSY || why->code == IMG_E_IO ||
		    why->code == IMG_E_NOMEM;

	if (why->code == IMG_OK)
		return;
	item_fail(&e->g->open->arena, it, ours ? FAILED : REJECTED, why);
	if (ours || why->code == IMG_E_LIMIT || e->secret ||
	    (e->in && img_members_died(e->in)))
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

static int nested(struct expansion *e, const struct nest *outer,
		  const struct names *names, struct img_err *err)
{
	struct nest *in = calloc(1, sizeof(*in));
	uint64_t before = e->members;
	struct img_err why = IMG_ERR_INIT;
	int rc;

	if (!in)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	contents_init(&in->contents);
	in->depth = outer->depth + 1;
	snprintf(in->prefix, sizeof(in->prefix), "%.8000s!/", names->path);
	img_members_enter(e->in);
	rc = walk_members(e, in, &why, err);
	if (rc == 0)
		rc = add_container(e, names, e->members - before, &why, err);
	contents_release(&in->contents);
	free(in);
	return rc;
}

/* ---- members ---------------------------------------------------------- */

/* The member's bytes as an item of their own, for a worker. */
static int add_bytes(struct expansion *e, const struct names *names, size_t n,
		     struct img_err *err)
{
	struct item *it;

	data_take(e->g, n);
	it = member_item(e, names, err);
	if (!it) {
		data_give(e->g, n);
		return -1;
	}
	it->data = e->data;
	e->data = NULL;
	it->len = it->size = n;
	return item_add(e->g, it, err);
}

static int add_stream(struct expansion *e, const struct names *names,
		      size_t got, struct img_err *err)
{
	struct examiner *x = &e->g->walker;
	struct item *it = member_item(e, names, err);

	if (!it)
		return -1;
	if (img_dicom_looks_like(x->buf, got))
		examine_stream(x, &e->g->open->arena, it, x->buf, got, e->in);
	else
		examine_mem(x, &e->g->open->arena, it, x->buf, got);
	return item_add(e->g, it, err);
}

/* 1: kept for the end; 0: it is none, or too long to be kept. */
static int keep_disc(struct expansion *e, struct nest *n,
		     const struct img_member *m, const struct names *names,
		     const uint8_t *p, ssize_t got, struct img_err *err)
{
	struct img_err cut = IMG_ERR_INIT;
	struct disc *d = NULL;
	int rc = contents_disc(&n->contents, m, p, (size_t)got, &d, err);

	if (rc <= 0)
		return rc;
	d->container = e->key;
	d->path = strdup(names->path);
	d->name = strdup(names->key);
	if (!d->path || !d->name)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	/* A cut one is judged by what could be read of it. */
	while (got > 0 && img_buf_add(&d->bytes, p, (size_t)got, &cut) == 0) {
		p = e->g->walker.buf;
		got = img_members_read(e->in, e->g->walker.buf, WHOLE, &cut);
	}
	return 1;
}

/* Its first bytes, up to WHOLE + 1; into e->data when they are no more than
   WHOLE. */
static ssize_t read_unsized(struct expansion *e, size_t have, const uint8_t **p,
			    struct img_err *why)
{
	uint8_t *buf = e->g->walker.buf;
	ssize_t more =
		img_members_read(e->in, buf + have, WHOLE + 1 - have, why);
	size_t got = have + (size_t)more;

	*p = buf;
	if (more < 0)
		return -1;
	if (got > WHOLE)
		return (ssize_t)got;
	e->data = malloc(got + 1);
	if (!e->data)
		return img_err_set(why, IMG_E_NOMEM, "out of memory");
	*p = memcpy(e->data, buf, got);
	return (ssize_t)got;
}

static ssize_t read_member(struct expansion *e, const struct img_member *m,
			   const uint8_t **p, struct img_err *why)
{
	ssize_t got;

	if (m->size > WHOLE)
		return read_unsized(e, 0, p, why);
	*p = e->data = malloc((size_t)m->size + 1);
	if (!e->data)
		return img_err_set(why, IMG_E_NOMEM, "out of memory");
	got = img_members_read(e->in, e->data, (size_t)m->size + 1, why);
	if (got < 0 || (uint64_t)got <= m->size)
		return got;
	memcpy(e->g->walker.buf, e->data, (size_t)got); /* its size is a lie */
	free(e->data);
	e->data = NULL;
	return read_unsized(e, (size_t)got, p, why);
}

static int take_bytes(struct expansion *e, struct nest *n,
		      const struct img_member *m, const struct names *names,
		      struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	const uint8_t *p = NULL;
	ssize_t got = read_member(e, m, &p, &why);
	int disc;

	if (got < 0) /* and yet it is there */
		contents_note(&n->contents, m->name, NULL, 0);
	if (got < 0)
		return add_rejected(e, names, &why, err);
	if (img_members_is_archive(e->in)) {
		contents_note(&n->contents, m->name, p, (size_t)got);
		free(e->data);
		e->data = NULL;
		return nested(e, n, names, err);
	}
	disc = keep_disc(e, n, m, names, p, got, err);
	if (disc)
		return disc < 0 ? -1 : 0;
	contents_note(&n->contents, m->name, p, (size_t)got);
	if (img_archive_sniff(p, (size_t)got) != IMG_ARCHIVE_NONE) {
		img_err_set(&why, IMG_E_LIMIT,
			    "%s: archives nested deeper than %d", names->path,
			    NESTED_MAX);
		return add_rejected(e, names, &why, err);
	}
	return got <= WHOLE ? add_bytes(e, names, (size_t)got, err)
			    : add_stream(e, names, (size_t)got, err);
}

static int take_member(struct expansion *e, struct nest *n,
		       const struct img_member *m, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct names names;
	int rc;

	if (name_member(e, n, m, &names, &why) < 0)
		return add_rejected(e, &names, &why, err);
	if (m->kind == IMG_MEMBER_REFUSED) {
		img_err_set(&why, IMG_E_REFUSED, "%s: %s", names.path,
			    m->refused);
		return add_rejected(e, &names, &why, err);
	}
	e->secret = m->encrypted;
	rc = take_bytes(e, n, m, &names, err);
	e->secret = false;
	free(e->data);
	e->data = NULL;
	return rc;
}

/* why: what ended the archive early; err: what ends the import. */
static int walk_members(struct expansion *e, struct nest *n,
			struct img_err *why, struct img_err *err)
{
	struct img_member m;
	int more = 0;

	while (!must_stop(e->g) &&
	       (more = img_members_next(e->in, &m, why)) > 0)
		if (m.kind != IMG_MEMBER_FOLDER &&
		    take_member(e, n, &m, err) < 0)
			return -1;
	if (more > 0 || must_stop(e->g))
		img_err_set(why, IMG_E_BUSY, "%.*s: stopped by a signal",
			    (int)strlen(n->prefix) - 2, n->prefix);
	return contents_check(&n->contents, e->g, &e->absent, err);
}

/* ---- outermost archives ----------------------------------------------- */

static int expand(struct expansion *e, int fd, struct img_err *why,
		  struct img_err *err)
{
	struct nest *n = calloc(1, sizeof(*n));
	int rc = 0;

	if (!n)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	contents_init(&n->contents);
	n->depth = 1;
	snprintf(n->prefix, sizeof(n->prefix), "%s!/", e->path);
	if (img_members_open(&e->in, e->g->jail, fd, e->path,
			     &e->g->opts.limits, NESTED_MAX, why) == 0)
		rc = walk_members(e, n, why, err);
	contents_release(&n->contents);
	free(n);
	return rc;
}

static int add_archive(struct expansion *e, const struct deferred *d, int fd,
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
		/* What a disc lacks must be said each time. */
		it->remember = e->key && e->absent == 0;
	}
	end_with(e, it, why);
	if (fd >= 0 && e->key)
		keep_aside(e->g, &e->g->open->arena, it, NULL, 0, fd);
	return item_add(e->g, it, err);
}

/* Since a worker saw that it is an archive. */
static bool changed(int fd, const struct deferred *d)
{
	struct stat st;

	return fstat(fd, &st) < 0 ||
	       (S_ISREG(st.st_mode) &&
		((uint64_t)st.st_size != d->size || st.st_ino != d->inode ||
		 mtime_of(&st) != d->mtime_ns));
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
	if (rc == 0)
		rc = add_archive(&e, d, fd, &why, err);
	if (fd >= 0)
		close(fd);
	img_members_close(e.in);
	return rc;
}

int expand_tar(struct img_ingest *g, int fd, const char *name,
	       struct img_err *err)
{
	struct expansion e = { .g = g, .path = name };
	struct img_err why = IMG_ERR_INIT;
	int rc = expand(&e, fd, &why, err) < 0
			 ? -1
			 : add_archive(&e, NULL, -1, &why, err);

	img_members_close(e.in);
	return rc;
}
