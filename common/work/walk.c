/* walk.c - operands and folders, streaming, in the order of names. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "work/ingest_private.h"

#define DEPTH_MAX 128
#define BLOCK     1024 /* names sorted together: memory stays bounded */

struct frame {
	struct frame *up;
	DIR *dir;
	char *path, *absolute;
	char *names[BLOCK];
	size_t n, next;
};

static int oom(struct img_err *err)
{
	return img_err_set(err, IMG_E_NOMEM, "out of memory");
}

static char *join(const char *dir, const char *name)
{
	size_t n = strlen(dir);
	char *p;

	if (asprintf(&p, "%s%s%s", dir, n && dir[n - 1] == '/' ? "" : "/",
		     name) < 0)
		return NULL;
	return p;
}

/* ---- single verdicts of the walker's own ------------------------------ */

static int add_ignored(struct img_ingest *g, const char *path,
		       const char *reason, struct img_err *err)
{
	struct item *it = item_new(g, err);

	if (!it)
		return -1;
	it->path = item_text(g, path);
	it->outcome = IGNORED;
	it->text = reason;
	return item_add(g, it, err);
}

static int add_failed(struct img_ingest *g, const char *path,
		      const struct img_err *why, struct img_err *err)
{
	struct item *it = item_new(g, err);

	if (!it)
		return -1;
	it->path = item_text(g, path);
	item_fail(&g->open->arena, it, FAILED, why);
	return item_add(g, it, err);
}

static int add_errno(struct img_ingest *g, const char *path,
		     struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	img_err_sys(&why, "%s", path);
	return add_failed(g, path, &why, err);
}

/* ---- folders taken with their DICOMDIR -------------------------------- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t sum_of(const char *container, const char *name)
{
	return img_sum64(container, strlen(container)) * 31 +
	       img_sum64(name, strlen(name));
}

/* Whether it was met on the walk of a DICOMDIR's folder and so has its
   record.  What came there since has none. */
static bool met_before(const struct img_ingest *g, const char *container,
		       const char *name)
{
	uint64_t key;

	if (!g->roots)
		return false;
	key = sum_of(container, name);
	for (const struct root *r = g->roots; r; r = r->next)
		if (r->files.len &&
		    bsearch(&key, r->files.data, r->files.len / sizeof(key),
			    sizeof(key), by_value))
			return true;
	return false;
}

/* Where there are too many, they get two records rather than none. */
static void note_met(struct img_ingest *g, const char *container,
		     const char *name)
{
	uint64_t key = sum_of(container, name);
	struct img_err ignored = IMG_ERR_INIT;

	if (g->root)
		(void)img_buf_add(&g->root->files, &key, sizeof(key), &ignored);
}

/* ---- files ------------------------------------------------------------ */

/* A mounted disc: the next one lies under the same path, its files at the
   same places with the same sizes, and with the same times where the writer
   gave none.  What was seen before says nothing about it. */
static bool is_disc(struct img_ingest *g, const char *path,
		    const struct stat *st)
{
	struct statfs fs;

	if (g->looked && g->device == st->st_dev)
		return g->disc;
	g->looked = true;
	g->device = st->st_dev;
	g->disc = statfs(path, &fs) == 0 && (fs.f_type == ISOFS_SUPER_MAGIC ||
					     fs.f_type == UDF_SUPER_MAGIC);
	return g->disc;
}

/* Whether what a former run has seen here may be taken as unchanged. */
static bool may_recall(struct img_ingest *g, const char *path,
		       const struct stat *st)
{
	return !g->opts.rehash && S_ISREG(st->st_mode) && !is_disc(g, path, st);
}

static int add_file(struct img_ingest *g, const char *path,
		    const char *container, const char *name,
		    const struct stat *st, struct img_err *err)
{
	struct item *it;
	char *place;
	int known;

	if (!g->rides && met_before(g, container, name))
		return 0;
	note_met(g, container, name);
	it = item_new(g, err);
	if (!it)
		return -1;
	g->walked++;
	it->path = item_text(g, path);
	it->container = item_text(g, container);
	it->name = item_text(g, name);
	it->size = (uint64_t)st->st_size;
	it->inode = st->st_ino;
	it->device = st->st_dev;
	it->mtime_ns = mtime_of(st);
	if (!it->path || !it->container || !it->name)
		return oom(err);
	known = may_recall(g, path, st) ? recall(g, it, err) : 0;
	if (known != 0)
		return known < 0 ? -1 : 0;
	if (g->opts.in_place) {
		place = join(container, name);
		it->in.place = place ? item_text(g, place) : NULL;
		free(place);
		if (!it->in.place)
			return oom(err);
	}
	return item_add(g, it, err);
}

/* With what the record that named it brought, if it is that DICOMDIR. */
static int add_met(struct img_ingest *g, const char *path,
		   const char *container, const char *name,
		   const struct stat *st, struct img_err *err)
{
	struct root *r = g->root;

	if (r && r->rides && strcmp(name, r->named) == 0 &&
	    strcmp(container, r->folder) == 0) {
		g->rides = r->rides;
		r->rides = NULL;
	}
	return add_file(g, path, container, name, st, err);
}

/* What is neither file nor folder. */
static const char *odd_kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFIFO:
		return "FIFO";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
		return "character device";
	case S_IFBLK:
		return "block device";
	default:
		return "not a file";
	}
}

/* ---- folders ---------------------------------------------------------- */

static void pop(struct frame **top)
{
	struct frame *f = *top;

	*top = f->up;
	if (f->dir)
		closedir(f->dir);
	for (size_t i = f->next; i < f->n; i++)
		free(f->names[i]);
	free(f->path);
	free(f->absolute);
	free(f);
}

/* Takes path and absolute. 1: pushed, 0: cannot be read (errno), -1. */
static int push_take(struct frame **top, int fd, char *path, char *absolute)
{
	struct frame *f = calloc(1, sizeof(*f));
	int e;

	if (!f || !path || !absolute || fd < 0 || !(f->dir = fdopendir(fd))) {
		e = errno;
		if (fd >= 0)
			close(fd);
		free(path);
		free(absolute);
		free(f);
		errno = e;
		return 0;
	}
	f->path = path;
	f->absolute = absolute;
	f->up = *top;
	*top = f;
	return 1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The next block of names; 0 at the end, -1 with errno. */
static int fill(struct frame *f)
{
	struct dirent *e;

	f->n = f->next = 0;
	errno = 0;
	while (f->n < BLOCK && (e = readdir(f->dir))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		f->names[f->n] = strdup(e->d_name);
		if (!f->names[f->n])
			return -1;
		f->n++;
	}
	if (f->n == 0)
		return errno ? -1 : 0;
	qsort(f->names, f->n, sizeof(f->names[0]), by_name);
	return 1;
}

static int enter(struct img_ingest *g, struct frame **top, unsigned *depth,
		 const char *name, char *path, const struct stat *st,
		 struct img_err *err)
{
	struct frame *f = *top;
	int fd;

	if (g->store && img_store_is_dir(g->store, st->st_dev, st->st_ino))
		return add_ignored(g, path, "the archive itself", err);
	if (*depth >= DEPTH_MAX) {
		struct img_err why = IMG_ERR_INIT;

		img_err_set(&why, IMG_E_LIMIT,
			    "%s: folders nested deeper than %d", path,
			    DEPTH_MAX);
		return add_failed(g, path, &why, err);
	}
	fd = openat(dirfd(f->dir), name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (!push_take(top, fd, strdup(path), join(f->absolute, name)))
		return add_errno(g, path, err);
	++*depth;
	return 0;
}

static int visit(struct img_ingest *g, struct frame **top, unsigned *depth,
		 const char *name, struct img_err *err)
{
	struct frame *f = *top;
	char *path = join(f->path, name);
	bool is_link = false;
	struct stat st;
	int rc;

	if (!path)
		return oom(err);
	rc = fstatat(dirfd(f->dir), name, &st, AT_SYMLINK_NOFOLLOW);
	if (rc == 0 && S_ISLNK(st.st_mode)) {
		is_link = true;
		rc = fstatat(dirfd(f->dir), name, &st, 0);
	}
	if (rc < 0)
		rc = add_errno(g, path, err);
	else if (S_ISDIR(st.st_mode) && is_link)
		rc = add_ignored(g, path, "symbolic link to a folder", err);
	else if (S_ISDIR(st.st_mode))
		rc = enter(g, top, depth, name, path, &st, err);
	else if (S_ISREG(st.st_mode))
		rc = add_met(g, path, f->absolute, name, &st, err);
	else
		rc = add_ignored(g, path, odd_kind(st.st_mode), err);
	free(path);
	return rc;
}

/* Whether it is the archive's folder or lies in there. */
static bool in_archive(const struct img_ingest *g, const char *absolute)
{
	size_t n = strlen(g->home);

	return n && strncmp(absolute, g->home, n) == 0 &&
	       (absolute[n] == '\0' || absolute[n] == '/');
}

static int walk_folder(struct img_ingest *g, const char *path,
		       const char *absolute, struct img_err *err)
{
	struct frame *top = NULL;
	unsigned depth = 1;
	int fd, rc = 0;

	if (in_archive(g, absolute))
		return add_ignored(g, path, "the archive itself", err);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!push_take(&top, fd, strdup(path), strdup(absolute)))
		return add_errno(g, path, err);
	if (g->rides) /* what lies in a folder has records of its own */
		data_give(g, strlen(g->rides));
	g->rides = NULL;
	while (top && rc == 0 && !must_stop(g)) {
		if (top->next < top->n) {
			char *name = top->names[top->next++];

			rc = visit(g, &top, &depth, name, err);
			free(name);
			continue;
		}
		rc = walk_deferred(g, false, err);
		if (rc == 0) {
			int more = fill(top);

			if (more < 0)
				rc = add_errno(g, top->path, err);
			if (more <= 0) {
				pop(&top);
				depth--;
			}
		}
	}
	while (top)
		pop(&top);
	return rc;
}

/* ---- operands --------------------------------------------------------- */

/* The folder of a DICOMDIR named as operand: what it lists is there, and so
   may be more than it lists. */
static int walk_disc(struct img_ingest *g, const char *path, char *absolute,
		     struct img_err *err)
{
	struct root *r = calloc(1, sizeof(*r));
	const char *base = img_path_base(path);
	char *folder = NULL;
	struct stat st;
	int rc = -1;

	if (r)
		snprintf(r->named, sizeof(r->named), "%s",
			 strrchr(absolute, '/') + 1);
	*strrchr(absolute, '/') = '\0';
	if (!*absolute)
		memcpy(absolute, "/", 2);
	/* Through a link: the disc is where it leads. */
	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		folder = strdup(absolute);
	else if (base == path)
		folder = strdup(".");
	else
		folder = strndup(
			path, base - path > 1 ? (size_t)(base - path) - 1 : 1);
	if (!r || !folder) {
		free(r);
		oom(err);
	} else {
		img_buf_init(&r->files, 32ul * 1024 * 1024);
		r->rides = g->rides;
		r->folder = absolute;
		g->rides = NULL;
		g->root = r;
		rc = walk_folder(g, folder, absolute, err);
		g->root = NULL;
		g->rides = r->rides; /* it was not met */
		if (r->files.len)
			qsort(r->files.data, r->files.len / sizeof(uint64_t),
			      sizeof(uint64_t), by_value);
		r->next = g->roots;
		g->roots = r;
	}
	free(folder);
	return rc;
}

static int walk_one(struct img_ingest *g, const char *path, char *absolute,
		    const struct stat *st, struct img_err *err)
{
	char *name = strrchr(absolute, '/');

	if (S_ISDIR(st->st_mode))
		return walk_folder(g, path, absolute, err);
	if (S_ISREG(st->st_mode) && strcasecmp(name + 1, "DICOMDIR") == 0)
		return walk_disc(g, path, absolute, err);
	*name = '\0';
	return add_file(g, path, name == absolute ? "/" : absolute, name + 1,
			st, err);
}

/* What is asked for by its name is not passed over. */
static int add_odd(struct img_ingest *g, const char *path, mode_t mode,
		   struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	img_err_set(&why, IMG_E_UNSUPPORTED,
		    "%s: %s; --from-tar is for streams", path, odd_kind(mode));
	return add_failed(g, path, &why, err);
}

int walk_path(struct img_ingest *g, const char *path, struct img_err *err)
{
	char absolute[PATH_MAX];
	struct stat st;

	if (stat(path, &st) < 0)
		return add_errno(g, path, err);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) &&
	    !S_ISBLK(st.st_mode))
		return add_odd(g, path, st.st_mode, err);
	if (!realpath(path, absolute))
		return add_errno(g, path, err);
	return walk_one(g, path, absolute, &st, err);
}

void walk_end(struct img_ingest *g)
{
	while (g->roots) {
		struct root *r = g->roots;

		g->roots = r->next;
		img_buf_release(&r->files);
		free(r);
	}
}
