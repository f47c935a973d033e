/* dicomdir.c - a DICOMDIR is evidence of what should be there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jsonl/jsonl.h"
#include "media/media.h"
#include "work/dicomdir.h"
#include "work/folder.h"

#define ABSENT_MAX 20  /* told one by one */
#define NAMED_MAX  100 /* file names given in the record */

/* ---- sets of names ---------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool key_of(const char *name, uint64_t *key)
{
	char text[IMG_PATH_MAX];

	if (!img_media_key(name, text, sizeof(text)))
		return false;
	*key = img_sum64(text, strlen(text));
	return true;
}

int names_add(struct names_set *s, const char *name, struct img_err *err)
{
	uint64_t key;

	s->sorted = false;
	if (!key_of(name, &key))
		return 0;
	return img_buf_add(&s->keys, &key, sizeof(key), err);
}

static bool names_have(struct names_set *s, const char *name)
{
	uint64_t key;
	size_t n = s->keys.len / sizeof(key);

	if (!n || !key_of(name, &key))
		return false;
	if (!s->sorted)
		qsort(s->keys.data, n, sizeof(key), by_value);
	s->sorted = true;
	return bsearch(&key, s->keys.data, n, sizeof(key), by_value) != NULL;
}

/* ---- what is listed --------------------------------------------------- */

struct evidence {
	struct img_ingest *g;
	const char *path;
	int dirfd;               /* -1: in an archive */
	struct names_set *there; /* names of the folder or archive */
	const char *prefix; /* the DICOMDIR's folder in an archive, with '/' */
	struct names_set present; /* what is listed and there */
	uint64_t listed, absent, unlisted;
	struct img_buf absent_names, unlisted_names; /* JSON arrays */
};

static int name_it(struct img_buf *b, uint64_t n, const char *name,
		   struct img_err *err)
{
	size_t len = strlen(name);

	/* A byte takes six at most, and brackets must fit behind. */
	if (n > NAMED_MAX || b->max - b->len < 6 * len + 16)
		return 0;
	return img_json_str(b, name, len, err);
}

static int listed(const struct img_media_record *rec, void *arg,
		  struct img_err *err)
{
	struct evidence *e = arg;
	char path[IMG_PATH_MAX + IMG_MEDIA_ID_MAX];

	if (rec->inactive)
		return 0;
	e->listed++;
	snprintf(path, sizeof(path), "%.4095s%s", e->prefix ? e->prefix : "",
		 rec->file_id);
	if (!rec->refused && names_have(e->there, path))
		return names_add(&e->present, path, err);
	if (++e->absent <= ABSENT_MAX)
		e->g->host.absent(e->g->host.arg, e->path, rec->file_id, 1);
	return name_it(&e->absent_names, e->absent, rec->file_id, err);
}

/* The name is told from the DICOMDIR's folder on, as file IDs are. */
static int unlisted(struct evidence *e, const char *name, struct img_err *err)
{
	if (names_have(&e->present, name))
		return 0;
	e->unlisted++;
	return name_it(&e->unlisted_names, e->unlisted,
		       name + (e->prefix ? strlen(e->prefix) : 0), err);
}

/* ---- what is there and not listed: folders ---------------------------- */

/* What has gone meanwhile is none; -1 with errno. */
static int is_object(int at, const char *name)
{
	uint8_t head[1024];
	int fd = openat(at, name,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? 0 : -1;
	n = img_pread_full(fd, head, sizeof(head), 0);
	close(fd);
	return n < 0 ? -1 : n > 0 && img_dicom_looks_like(head, (size_t)n);
}

struct look {
	struct evidence *e;
	size_t root; /* length of the folder's path */
	int (*f)(struct evidence *e, const char *path, struct img_err *err);
};

static bool is_hidden(const char *path)
{
	return *path == '.' || strstr(path, "/.");
}

static bool is_link(int at, const char *path)
{
	struct stat st;

	return fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISLNK(st.st_mode);
}

/* Said with the path that the DICOMDIR was given with: skip is the length of
   the folder's own, which is none of the caller's. */
static int unread(const struct evidence *e, size_t skip,
		  const struct img_err *why, struct img_err *err)
{
	const char *slash = strrchr(e->path, '/');
	size_t n = strlen(why->text);

	return img_err_set(err, why->code, "%.*s%s",
			   slash ? (int)(slash + 1 - e->path) : 0, e->path,
			   why->text + (skip < n ? skip : n));
}

static int look_at(void *arg, const struct folder_entry *x, struct img_err *err)
{
	const struct look *l = arg;
	struct evidence *e = l->e;
	const char *path = x->path + l->root;

	path += *path == '/';
	if (must_stop(e->g))
		return img_err_set(err, IMG_E_BUSY, "%s: stopped by a signal",
				   e->path);
	e->g->compared++;
	/* A link to nothing is no file. */
	if (x->ignored || is_hidden(path) ||
	    (x->why && is_link(e->dirfd, path)))
		return 0;
	/* What lies in a folder that cannot be read is neither there nor
	   absent. */
	if (x->why)
		return unread(e, (size_t)(path - x->path), x->why, err);
	return l->f(e, path, err);
}

/* Calls f for every file below, with its path from the folder on. */
static int each_file(struct evidence *e, const char *folder,
		     int (*f)(struct evidence *e, const char *path,
			      struct img_err *err),
		     struct img_err *err)
{
	struct look l = { e, strlen(folder), f };

	return folder_each(folder, NULL, look_at, &l, err);
}

/* All names are read once: a look into the folders for each that is listed
   would take files times records. */
static int note_file(struct evidence *e, const char *path, struct img_err *err)
{
	return names_add(e->there, path, err);
}

/* A file that looks like an object and is not listed. */
static int find_unlisted(struct evidence *e, const char *path,
			 struct img_err *err)
{
	const char *slash = strrchr(path, '/');
	struct img_err why = IMG_ERR_INIT;
	int rc;

	if (img_media_name_match("DICOMDIR", slash ? slash + 1 : path))
		return 0;
	rc = is_object(e->dirfd, path);
	if (rc < 0) {
		img_err_sys(&why, "%s", path);
		return unread(e, 0, &why, err);
	}
	return rc ? unlisted(e, path, err) : 0;
}

/* Every DICOMDIR costs a look at all files below: a folder full of them must
   not take more time than the files are worth. */
static bool too_many(const struct img_ingest *g)
{
	return g->compared > 1000000 + 64 * g->walked;
}

/* ---- and in archives -------------------------------------------------- */

static int find_unlisted_members(struct evidence *e,
				 const struct img_buf *objects,
				 struct img_err *err)
{
	const char *p = img_buf_str(objects), *end = p + objects->len;

	size_t n = strlen(e->prefix);

	for (; p < end; p += strlen(p) + 1)
		if (strncmp(p, e->prefix, n) == 0 && unlisted(e, p, err) < 0)
			return -1;
	return 0;
}

/* ---- the record ------------------------------------------------------- */

static int add_count(struct img_buf *b, const char *key, uint64_t n,
		     const char *names_key, struct img_buf *names,
		     struct img_err *err)
{
	if (img_json_put_u64(b, key, n, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	if (img_json_close(names, ']', err) < 0 ||
	    img_json_key(b, names_key, err) < 0)
		return -1;
	return img_json_raw(b, names->data, err);
}

/* Not for what it holds: the next time may be another. */
static bool is_ours(enum img_code code)
{
	return code == IMG_E_BUSY || code == IMG_E_IO || code == IMG_E_DENIED ||
	       code == IMG_E_NOMEM;
}

static int add_record(struct evidence *e, const struct disc *d,
		      const char *rides, const struct img_err *why,
		      struct img_err *err)
{
	struct item *it = item_new(e->g, err);
	struct img_buf b;
	int rc = -1;

	if (e->absent > ABSENT_MAX)
		e->g->host.absent(e->g->host.arg, e->path, NULL,
				  e->absent - ABSENT_MAX);
	if (!it)
		return -1;
	img_buf_init(&b, IMG_LINE_MAX / 2);
	if (img_json_put_u64(&b, "listed", e->listed, err) < 0 ||
	    add_count(&b, "absent", e->absent, "absentFiles", &e->absent_names,
		      err) < 0 ||
	    add_count(&b, "unlisted", e->unlisted, "unlistedFiles",
		      &e->unlisted_names, err) < 0)
		goto out;
	it->path = item_text(e->g, e->path);
	it->extra = item_text(e->g, b.data);
	it->outcome = IGNORED;
	it->text = "DICOMDIR";
	it->rides = rides ? item_text(e->g, rides) : NULL;
	if (d && d->container) {
		it->container = item_text(e->g, d->container);
		it->name = item_text(e->g, d->name);
		it->remember = true;
	}
	if (why->code != IMG_OK)
		item_fail(&e->g->open->arena, it,
			  is_ours(why->code) ? FAILED : REJECTED, why);
	rc = item_add(e->g, it, err);
out:
	img_buf_release(&b);
	return rc;
}

static int begin(struct evidence *e, struct img_err *err)
{
	img_buf_init(&e->present.keys, 64ul * 1024 * 1024);
	img_buf_init(&e->absent_names, IMG_LINE_MAX / 4);
	img_buf_init(&e->unlisted_names, IMG_LINE_MAX / 4);
	if (img_json_open(&e->absent_names, '[', err) < 0)
		return -1;
	return img_json_open(&e->unlisted_names, '[', err);
}

static void end(struct evidence *e)
{
	img_buf_release(&e->present.keys);
	img_buf_release(&e->absent_names);
	img_buf_release(&e->unlisted_names);
}

int check_dicomdir(struct img_ingest *g, const struct deferred *d,
		   struct img_err *err)
{
	struct names_set there = { 0 };
	struct evidence e = {
		.g = g, .path = d->path, .dirfd = -1, .there = &there
	};
	struct img_dicom_reader *r = g->walker.reader;
	struct img_err why = IMG_ERR_INIT;
	int fd = open(d->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = -1;

	e.dirfd = open(d->container, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	img_buf_init(&there.keys, 32ul * 1024 * 1024);
	if (begin(&e, err) < 0)
		goto out;
	if (fd < 0 || e.dirfd < 0)
		img_err_sys(&why, "%s", d->path);
	else if (too_many(g))
		img_err_set(&why, IMG_E_LIMIT,
			    "%s: one of too many DICOMDIRs to be compared",
			    d->path);
	else if (each_file(&e, d->container, note_file, &why) == 0 &&
		 img_dicom_start_fd(r, fd, d->size, d->path, &img_media_limits,
				    &why) == 0 &&
		 img_media_each(r, d->path, false, listed, &e, &why) == 0)
		(void)each_file(&e, d->container, find_unlisted, &why);
	rc = add_record(&e, NULL, d->rides, &why, err);
out:
	end(&e);
	img_buf_release(&there.keys);
	if (fd >= 0)
		close(fd);
	if (e.dirfd >= 0)
		close(e.dirfd);
	return rc;
}

int check_dicomdir_member(struct img_ingest *g, const struct disc *d,
			  struct names_set *names,
			  const struct img_buf *objects, uint64_t *absent,
			  struct img_err *err)
{
	const char *path = d->path;
	struct evidence e = { .g = g,
			      .path = path,
			      .dirfd = -1,
			      .there = names,
			      .prefix = d->prefix };
	struct img_dicom_reader *r = g->walker.reader;
	struct img_err why = IMG_ERR_INIT;
	int rc = -1;

	if (begin(&e, err) == 0) {
		if (img_dicom_start_mem(r, d->bytes.data, d->bytes.len, path,
					&img_media_limits, &why) == 0 &&
		    img_media_each(r, path, false, listed, &e, &why) == 0)
			(void)find_unlisted_members(&e, objects, &why);
		rc = add_record(&e, d, NULL, &why, err);
	}
	*absent += e.absent;
	end(&e);
	return rc;
}
