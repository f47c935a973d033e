/* examine.c - what an input is: its bytes, its digest, what it says. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work/coerce.h"

#define TEXT_MAX 65536

int examiner_init(struct examiner *x, struct img_ingest *g, unsigned lane,
		  struct img_err *err)
{
	x->g = g;
	x->lane = lane;
	img_buf_init(&x->text, TEXT_MAX);
	x->buf = malloc(WHOLE + 1);
	x->reader = x->buf ? img_dicom_reader_new(err) : NULL;
	if (!x->buf)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	return x->reader ? 0 : -1;
}

void examiner_release(struct examiner *x)
{
	img_dicom_reader_free(x->reader);
	free(x->buf);
	img_buf_release(&x->text);
	x->reader = NULL;
	x->buf = NULL;
}

/* The name is said by the record and by the message's own subject. */
void item_fail(struct arena *a, struct item *it, enum outcome outcome,
	       const struct img_err *err)
{
	it->outcome = outcome;
	it->code = err->code;
	it->text = arena_text(a, err->text, strlen(err->text));
	if (!it->text)
		it->text = "out of memory";
}

void item_not_stored(struct arena *a, struct item *it,
		     const struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	if (strncmp(err->text, it->path, strlen(it->path)) == 0)
		why = *err;
	else
		img_err_set(&why, err->code, "%.200s: not stored: %.250s",
			    it->path, err->text);
	item_fail(a, it, FAILED, &why);
}

void item_warn(struct arena *a, struct item *it, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	char *s;

	if (it->warnings == IMG_RECORD_WARNINGS)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s = arena_text(a, text, strlen(text));
	if (s)
		it->warning[it->warnings++] = s;
}

/* ---- what it is ------------------------------------------------------- */

/* Images may be in these: they must not be passed over in silence. */
static bool is_unread(const uint8_t *p, size_t n)
{
	return (n >= 6 && memcmp(p, "7z\xbc\xaf\x27\x1c", 6) == 0) ||
	       (n >= 6 && memcmp(p, "Rar!\x1a\7", 6) == 0);
}

/* Not DICOM: a container, something to ignore, or a rejected one. */
void examine_other(struct arena *a, struct item *it, const uint8_t *p, size_t n)
{
	struct img_err err = IMG_ERR_INIT;
	/* Of a disc, what is not read begins with zeros. */
	const char *disc = n && !p[0] ? img_archive_foreign(p, n) : NULL;
	const char *why;

	if (n == 0 && !classify(it->name ? it->name : it->path, p, n))
		img_err_set(&err, IMG_E_TRUNCATED, "%s: empty file", it->path);
	else if (is_unread(p, n))
		img_err_set(&err, IMG_E_UNSUPPORTED,
			    "%s: archive of a kind that is not read", it->path);
	else if (img_archive_sniff(p, n) != IMG_ARCHIVE_NONE)
		it->outcome = DEFERRED;
	else if ((why = classify(it->name ? it->name : it->path, p, n))) {
		it->outcome = IGNORED;
		it->text = why;
		it->remember = true;
	} else if (disc) {
		img_err_set(&err, IMG_E_UNSUPPORTED,
			    "%s: %s, which is not read", it->path, disc);
	} else {
		img_err_set(&err, IMG_E_NOT_DICOM, "%s: not a DICOM file",
			    it->path);
	}
	if (err.code != IMG_OK) {
		item_fail(a, it, REJECTED, &err);
		it->remember = true;
	}
}

bool examine_is_ours(const struct img_err *err)
{
	return err->code == IMG_E_NOMEM || err->code == IMG_E_BUG ||
	       err->code == IMG_E_IO || err->code == IMG_E_BUSY ||
	       err->code == IMG_E_DENIED;
}

/* Parses what the reader was started on. */
int examine_parse(struct examiner *x, struct arena *a, struct item *it)
{
	struct img_err err = IMG_ERR_INIT;
	bool dicomdir = false;

	if (describe(x, a, it, &dicomdir, &err) < 0) {
		bool ours = examine_is_ours(&err);

		item_fail(a, it, ours ? FAILED : REJECTED, &err);
		it->remember = !ours;
		return -1;
	}
	if (dicomdir && it->member) { /* one that keep_disc did not keep */
		it->outcome = IGNORED;
		it->text = "DICOMDIR";
		it->remember = true;
		return -1;
	}
	if (dicomdir) {
		it->outcome = DEFERRED;
		it->seen_as = "dicomdir";
		/* With --set it may have been an object before. */
		it->remember = false;
		return -1;
	}
	it->outcome = OBJECT;
	it->remember = true;
	return 0;
}

/* ---- bytes in memory -------------------------------------------------- */

/* Whether the bytes go into the store: not those of a file in place. */
bool examine_copies(const struct examiner *x, const struct item *it)
{
	return !x->g->opts.dry_run && (it->member || !x->g->opts.in_place);
}

static int keep(struct examiner *x, struct item *it, const uint8_t *p, size_t n,
		struct img_err *err)
{
	enum img_fixity fixity;

	it->in.bytes = n;
	img_digest_of(it->in.digest, p, n);
	if (!examine_copies(x, it))
		return 0;
	/* What is there already is read again before it is relied on. */
	if (img_store_has(x->g->store, it->in.digest, n)) {
		if (img_store_verify(x->g->store, it->in.digest, false, &fixity,
				     err) < 0)
			return -1;
		if (fixity == IMG_INTACT)
			return 0;
	}
	return img_store_put(x->g->store, x->lane, p, n, &it->file, err);
}

static void examine_bytes(struct examiner *x, struct arena *a, struct item *it,
			  const uint8_t *p, size_t n)
{
	struct img_err err = IMG_ERR_INIT;

	if (img_dicom_start_mem(x->reader, p, n, it->path, NULL, &err) < 0) {
		item_fail(a, it, REJECTED, &err);
		it->remember = true;
		return;
	}
	if (examine_parse(x, a, it) < 0)
		return;
	if (keep(x, it, p, n, &err) < 0)
		item_not_stored(a, it, &err);
}

/* With --set the catalog and the store get the object as changed. */
static void examine_changed(struct examiner *x, struct arena *a,
			    struct item *it, const uint8_t *p, size_t n)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf out;

	/* A DICOMDIR is no object: it is not changed. */
	examine_bytes(x, a, it, p, n);
	if (it->outcome != OBJECT)
		return;
	if (x->g->store)
		img_store_drop(x->g->store, &it->file);
	memset(&it->in, 0, sizeof(it->in));
	it->warnings = 0;
	if (coerce(x, it->path, p, n, &out, &err) < 0)
		item_fail(a, it, examine_is_ours(&err) ? FAILED : REJECTED,
			  &err);
	else
		examine_bytes(x, a, it, (const uint8_t *)out.data, out.len);
	img_buf_release(&out);
}

void examine_mem(struct examiner *x, struct arena *a, struct item *it,
		 const uint8_t *p, size_t n)
{
	if (!img_dicom_looks_like(p, n))
		examine_other(a, it, p, n);
	else if (x->g->opts.n_set)
		examine_changed(x, a, it, p, n);
	else
		examine_bytes(x, a, it, p, n);
}

/* ---- files ------------------------------------------------------------ */

static bool changed(int fd, const struct stat *was)
{
	struct stat now;

	return fstat(fd, &now) < 0 || now.st_size != was->st_size ||
	       now.st_mtim.tv_sec != was->st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != was->st_mtim.tv_nsec;
}

static void fail_changed(struct examiner *x, struct arena *a, struct item *it)
{
	struct img_err err = IMG_ERR_INIT;

	img_err_set(&err, IMG_E_BUSY, "%s: changed while it was read",
		    it->path);
	if (x->g->store)
		img_store_drop(x->g->store, &it->file);
	item_fail(a, it, FAILED, &err);
	it->warnings = 0; /* they are about bytes that never were */
	it->remember = false;
}

void keep_aside(struct img_ingest *g, struct arena *a, struct item *it,
		const void *p, size_t n, int fd)
{
	struct img_err err = IMG_ERR_INIT;

	if (it->outcome == REJECTED && g->opts.quarantine && g->store &&
	    img_store_quarantine(g->store, p, n, fd, &err) < 0)
		item_warn(a, it, "not-quarantined: %s", err.text);
}

/* What an open file is; fd stays open. */
static void examine_fd(struct examiner *x, struct arena *a, struct item *it,
		       int fd, const struct stat *st)
{
	struct img_err err = IMG_ERR_INIT;
	ssize_t n = pread(fd, x->buf, WHOLE + 1, 0);

	/* One call is enough for a file of the size it is said to have. */
	if (n != st->st_size)
		n = img_pread_full(fd, x->buf, WHOLE + 1, 0);
	/* What an archive has before and behind it can be read. */
	if (n < 0 && errno == EIO) {
		n = img_pread_full(fd, x->buf, IMG_ARCHIVE_HEAD, 0);
		if (n == IMG_ARCHIVE_HEAD &&
		    img_archive_sniff(x->buf, (size_t)n) != IMG_ARCHIVE_NONE) {
			it->outcome = DEFERRED;
			return;
		}
		n = -1;
		errno = EIO;
	}
	if (n < 0) {
		img_err_sys(&err, "%s", it->path);
		item_fail(a, it, FAILED, &err);
		return;
	}
	if (n <= WHOLE)
		examine_mem(x, a, it, x->buf, (size_t)n);
	else
		examine_long(x, a, it, fd, st->st_size, WHOLE);
	if (changed(fd, st))
		fail_changed(x, a, it);
	keep_aside(x->g, a, it, NULL, 0, fd);
}

/* ---- a worker's whole job --------------------------------------------- */

void examine(struct examiner *x, struct chunk *c, struct item *it)
{
	struct img_err err = IMG_ERR_INIT;
	const char *path = it->path;
	struct stat st;
	int fd;

	if (it->data) {
		examine_mem(x, &c->arena, it, it->data, it->len);
		keep_aside(x->g, &c->arena, it, it->data, it->len, -1);
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		img_err_sys(&err, "%s", path);
		item_fail(&c->arena, it, FAILED, &err);
		if (fd >= 0)
			close(fd);
		return;
	}
	it->size = (uint64_t)st.st_size;
	it->inode = st.st_ino;
	it->device = st.st_dev;
	it->mtime_ns = mtime_of(&st);
	if (S_ISBLK(st.st_mode))
		it->outcome = DEFERRED;
	else
		examine_fd(x, &c->arena, it, fd, &st);
	close(fd);
}

void examine_known(struct examiner *x, struct chunk *c, struct item *it)
{
	const struct img_err oom = { IMG_E_NOMEM, "out of memory" };
	char place[CONTAINER_MAX];

	if (img_store_has(x->g->store, it->in.digest, it->in.bytes))
		return;
	memset(&it->in, 0, sizeof(it->in));
	if (x->g->opts.in_place) {
		snprintf(place, sizeof(place), "%s/%s", it->container,
			 it->name);
		it->in.place = arena_text(&c->arena, place, strlen(place));
		if (!it->in.place) {
			item_fail(&c->arena, it, FAILED, &oom);
			return;
		}
	}
	it->outcome = TO_EXAMINE;
	examine(x, c, it);
}
