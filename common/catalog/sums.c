/*
 * sums.c - a sum in the last 8 bytes of every page of catalog.db.
 *
 * SQLite's integrity check looks at its own structure only, and the sums of
 * rows at values: neither sees a bit that flips in an index, in the schema or
 * in what is unused.  So pages are given a sum when they are written into the
 * database file, in bytes that SQLite leaves to others (the reserved bytes of
 * a page, file format section 1.3.4).  A thin layer over the system's VFS does
 * it; pages in the log (-wal) have SQLite's own sums.  Whoever opens the file
 * without this layer can read it; what he writes has no sum.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "catalog/inside.h"

#define RESERVED 8
#define HEADER   100 /* of the file */
#define PAGE_MAX 65536
#define RETRIES  5
#define VFS_NAME "img"

struct sums_file {
	sqlite3_file base; /* must be first */
	bool main;         /* the database file itself */
	bool log;          /* its -wal */
	sqlite3_int64 end; /* of the log: no write up to here makes it grow */
	unsigned page;     /* its page size, with sums; 0: none, or unknown */
	uint8_t *buf;
	/* the system's file follows */
};

static sqlite3_vfs layer;
static sqlite3_vfs *below;

static sqlite3_file *file_below(sqlite3_file *f)
{
	return (sqlite3_file *)((struct sums_file *)f + 1);
}

/* ---- sums --------------------------------------------------------------- */

static uint64_t page_sum(const uint8_t *page, size_t size, uint64_t number)
{
	/* A page in the place of another is wrong, too. */
	return img_sum64(page, size - RESERVED) ^ number * 0x9E3779B97F4A7C15u;
}

static void put_sum(uint8_t *page, size_t size, uint64_t number)
{
	uint64_t sum = page_sum(page, size, number);

	for (int i = 0; i < RESERVED; i++)
		page[size - RESERVED + (size_t)i] = (uint8_t)(sum >> (8 * i));
}

static bool has_sum(const uint8_t *page, size_t size, uint64_t number)
{
	uint64_t sum = page_sum(page, size, number);

	for (int i = 0; i < RESERVED; i++)
		if (page[size - RESERVED + (size_t)i] !=
		    (uint8_t)(sum >> (8 * i)))
			return false;
	return true;
}

/* Page size from the header of the file, 0 if its pages have no sums. */
static unsigned page_size(const uint8_t *header)
{
	unsigned size = (unsigned)header[16] << 8 | header[17];

	if (memcmp(header, "SQLite format 3", 16) != 0 ||
	    header[20] != RESERVED)
		return 0;
	if (size == 1)
		size = PAGE_MAX;
	return size >= 512 && (size & (size - 1)) == 0 ? size : 0;
}

/* ---- the log ------------------------------------------------------------ */

#define LOG_BEGIN (64 * 1024)
#define LOG_MOST  (1024 * 1024)

/* A sync of a file that has grown waits for the journal of the file system.
   So the log grows in large steps: by zeros, which are no valid frames (file
   format section 4.1).  If there is no room for them, then not. */
static void grow_log(struct sums_file *s, sqlite3_file *to, sqlite3_int64 end)
{
	static const uint8_t zeros[LOG_BEGIN];
	sqlite3_int64 size, until;

	if (end <= s->end || to->pMethods->xFileSize(to, &size) != SQLITE_OK)
		return;
	s->end = size;
	if (end < size || size < LOG_BEGIN)
		return;
	until = size + (size < LOG_MOST ? size : LOG_MOST);
	for (; size + LOG_BEGIN <= until; size += LOG_BEGIN) {
		if (to->pMethods->xWrite(to, zeros, LOG_BEGIN, size) !=
		    SQLITE_OK)
			break;
		s->end = size + LOG_BEGIN;
	}
}

/* ---- the layer ---------------------------------------------------------- */

static int log_write(struct sums_file *s, const void *p, int n,
		     sqlite3_int64 at)
{
	sqlite3_file *to = file_below(&s->base);
	int rc = to->pMethods->xWrite(to, p, n, at);

	if (rc == SQLITE_OK)
		grow_log(s, to, at + n);
	return rc;
}

static int sums_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct sums_file *s = (struct sums_file *)f;
	sqlite3_file *to = file_below(f);

	if (s->log)
		return log_write(s, p, n, at);
	if (!s->main)
		return to->pMethods->xWrite(to, p, n, at);
	if (at == 0 && n >= HEADER)
		s->page = page_size(p);
	if (s->page == 0 || n != (int)s->page || at % s->page)
		return to->pMethods->xWrite(to, p, n, at);
	if (!s->buf)
		s->buf = malloc(PAGE_MAX);
	if (!s->buf)
		return SQLITE_IOERR_NOMEM;
	memcpy(s->buf, p, (size_t)n);
	put_sum(s->buf, s->page, (uint64_t)(at / s->page) + 1);
	return to->pMethods->xWrite(to, s->buf, n, at);
}

static int sums_close(sqlite3_file *f)
{
	struct sums_file *s = (struct sums_file *)f;
	sqlite3_file *to = file_below(f);

	free(s->buf);
	s->buf = NULL;
	return to->pMethods ? to->pMethods->xClose(to) : SQLITE_OK;
}

/* All else goes through. */
static int sums_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	f = file_below(f);
	return f->pMethods->xRead(f, p, n, at);
}

static int sums_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	((struct sums_file *)f)->end = 0;
	f = file_below(f);
	return f->pMethods->xTruncate(f, n);
}

static int sums_sync(sqlite3_file *f, int flags)
{
	f = file_below(f);
	return f->pMethods->xSync(f, flags);
}

static int sums_size(sqlite3_file *f, sqlite3_int64 *n)
{
	f = file_below(f);
	return f->pMethods->xFileSize(f, n);
}

static int sums_lock(sqlite3_file *f, int how)
{
	f = file_below(f);
	return f->pMethods->xLock(f, how);
}

static int sums_unlock(sqlite3_file *f, int how)
{
	f = file_below(f);
	return f->pMethods->xUnlock(f, how);
}

static int sums_reserved(sqlite3_file *f, int *out)
{
	f = file_below(f);
	return f->pMethods->xCheckReservedLock(f, out);
}

static int sums_control(sqlite3_file *f, int op, void *arg)
{
	f = file_below(f);
	return f->pMethods->xFileControl(f, op, arg);
}

static int sums_sector(sqlite3_file *f)
{
	f = file_below(f);
	return f->pMethods->xSectorSize(f);
}

static int sums_traits(sqlite3_file *f)
{
	f = file_below(f);
	return f->pMethods->xDeviceCharacteristics(f);
}

static int sums_shm_map(sqlite3_file *f, int page, int size, int extend,
			void volatile **out)
{
	f = file_below(f);
	return f->pMethods->xShmMap(f, page, size, extend, out);
}

static int sums_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	f = file_below(f);
	return f->pMethods->xShmLock(f, offset, n, flags);
}

static void sums_shm_barrier(sqlite3_file *f)
{
	f = file_below(f);
	f->pMethods->xShmBarrier(f);
}

static int sums_shm_unmap(sqlite3_file *f, int drop)
{
	f = file_below(f);
	return f->pMethods->xShmUnmap(f, drop);
}

/* Version 2: no memory mapping, which would pass us by. */
static const sqlite3_io_methods methods = { 2,
					    sums_close,
					    sums_read,
					    sums_write,
					    sums_truncate,
					    sums_sync,
					    sums_size,
					    sums_lock,
					    sums_unlock,
					    sums_reserved,
					    sums_control,
					    sums_sector,
					    sums_traits,
					    sums_shm_map,
					    sums_shm_lock,
					    sums_shm_barrier,
					    sums_shm_unmap,
					    NULL,
					    NULL };

static int sums_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f,
		     int flags, int *out)
{
	struct sums_file *s = (struct sums_file *)f;
	uint8_t header[HEADER];
	sqlite3_file *to = file_below(f);
	int rc;

	(void)vfs;
	memset(s, 0, sizeof(*s));
	to->pMethods = NULL;
	rc = below->xOpen(below, name, to, flags, out);
	if (rc != SQLITE_OK)
		return rc;
	s->base.pMethods = &methods;
	s->main = flags & SQLITE_OPEN_MAIN_DB;
	s->log = flags & SQLITE_OPEN_WAL;
	if (s->main && to->pMethods->xRead(to, header, HEADER, 0) == SQLITE_OK)
		s->page = page_size(header);
	return SQLITE_OK;
}

/* Threads may come here at once: the first makes it, under SQLite's lock. */
const char *img_catalog_vfs(void)
{
	sqlite3_mutex *m;

	if (sqlite3_initialize() != SQLITE_OK)
		return NULL;
	m = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP1);
	sqlite3_mutex_enter(m);
	if (!below) {
		below = sqlite3_vfs_find(NULL);
		if (below) {
			layer = *below;
			layer.pNext = NULL;
			layer.zName = VFS_NAME;
			layer.szOsFile =
				(int)sizeof(struct sums_file) + below->szOsFile;
			layer.xOpen = sums_open;
		}
	}
	sqlite3_mutex_leave(m);
	if (below && !sqlite3_vfs_find(VFS_NAME))
		sqlite3_vfs_register(&layer, 0);
	return below ? VFS_NAME : NULL;
}

void img_catalog_reserve(sqlite3 *db)
{
	int n = RESERVED;

	sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &n);
}

/* ---- checking ----------------------------------------------------------- */

/* A page that somebody writes just now is looked at again. */
static int page_ok(int fd, uint8_t *buf, unsigned size, uint64_t number,
		   int tries, const char *file, struct img_err *err)
{
	const struct timespec nap = { 0, 50 * 1000 * 1000 };
	off_t at = (off_t)((number - 1) * size);

	while (tries--) {
		ssize_t n = img_pread_full(fd, buf, size, at);

		if (n < 0)
			return img_err_sys(err, "%s", file);
		if (n == (ssize_t)size && has_sum(buf, size, number))
			return 1;
		if (tries)
			nanosleep(&nap, NULL);
	}
	return 0;
}

static bool log_is_empty(const char *file)
{
	char log[PATH_MAX];
	struct stat st;

	if (snprintf(log, sizeof(log), "%s-wal", file) >= (int)sizeof(log))
		return false;
	return stat(log, &st) == 0 ? st.st_size == 0 : errno == ENOENT;
}

/* How many pages the file must have, by its header (file format section
   1.3.7); 0 if that cannot be told, as when the log holds some of them. */
static uint64_t pages_due(const uint8_t *header, const char *file)
{
	const uint8_t *n = header + 28;

	if (memcmp(header + 24, header + 92, 4) != 0 || !log_is_empty(file))
		return 0;
	return (uint64_t)n[0] << 24 | (uint64_t)n[1] << 16 | n[2] << 8 | n[3];
}

static int check_pages(int fd, const char *file, unsigned size, uint64_t pages,
		       int tries,
		       int (*f)(void *arg, uint64_t page, struct img_err *err),
		       void *arg, struct img_err *err)
{
	uint8_t *buf = malloc(size);
	int rc = 1;

	if (!buf)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (uint64_t i = 1; i <= pages && rc >= 0; i++) {
		rc = page_ok(fd, buf, size, i, tries, file, err);
		if (rc == 0)
			rc = f(arg, i, err);
	}
	free(buf);
	return rc < 0 ? -1 : 0;
}

int img_catalog_check_file(const char *file, bool in_use,
			   int (*f)(void *arg, uint64_t page,
				    struct img_err *err),
			   void *arg, struct img_err *err)
{
	uint8_t header[HEADER];
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc = -1;
	uint64_t there;
	unsigned size;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		img_err_sys(err, "%s", file);
		goto out;
	}
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (st.st_size == 0) { /* all of it is still in the log */
		rc = log_is_empty(file) ? f(arg, 1, err) : 0;
		goto out;
	}
	memset(header, 0, sizeof(header));
	if (img_pread_full(fd, header, sizeof(header), 0) < 0) {
		img_err_sys(err, "%s", file);
		goto out;
	}
	size = page_size(header);
	if (size == 0) {
		rc = f(arg, 1, err);
		goto out;
	}
	there = ((uint64_t)st.st_size + size - 1) / size;
	rc = check_pages(fd, file, size, there, in_use ? RETRIES : 1, f, arg,
			 err);
	if (rc == 0 && there < pages_due(header, file))
		rc = f(arg, there + 1, err); /* the first that is not there */
out:
	if (fd >= 0)
		close(fd);
	return rc;
}

int img_catalog_check_pages(struct img_catalog *c,
			    int (*f)(void *arg, uint64_t page,
				     struct img_err *err),
			    void *arg, struct img_err *err)
{
	return c->summed ? img_catalog_check_file(c->file, true, f, arg, err)
			 : 0;
}
