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
 *
 * The layer also keeps what the system said when something failed: SQLite has
 * words of its own for it (sqlite3_system_errno knows nothing of commits), and
 * takes a disk that cannot be read for a damaged file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/inside.h"

#define RESERVED 8
#define PAGE_MAX 65536
#define VFS_NAME "img"

struct sums_file {
	sqlite3_file base; /* must be first */
	bool main;         /* the database file itself */
	bool log;          /* its -wal */
	bool temp;         /* has no name: a sort that is large */
	bool writes;       /* was opened for that */
	sqlite3_int64 end; /* of the log: no write up to here makes it grow */
	unsigned page;     /* its page size, with sums; 0: none, or unknown */
	uint8_t *buf;
	/* the system's file follows */
};

static sqlite3_vfs layer;
static sqlite3_vfs *below;

/* Of the last call that failed in this thread. */
static _Thread_local int last_errno;
static _Thread_local bool last_was_temp;

static sqlite3_file *file_below(sqlite3_file *f)
{
	return (sqlite3_file *)((struct sums_file *)f + 1);
}

/* ---- failures ----------------------------------------------------------- */

/* What a call below gave, whose errno is kept.  SQLite makes damage of
   SQLITE_IOERR_CORRUPTFS, which is but a read that met EIO. */
static int noted(const sqlite3_file *f, int rc)
{
	if (((rc & 0xFF) == SQLITE_IOERR && rc != SQLITE_IOERR_SHORT_READ) ||
	    (rc & 0xFF) == SQLITE_CANTOPEN || rc == SQLITE_FULL) {
		last_errno = rc == SQLITE_FULL ? ENOSPC : errno;
		last_was_temp = f && ((const struct sums_file *)f)->temp;
	}
	return rc == SQLITE_IOERR_CORRUPTFS ? SQLITE_IOERR_READ : rc;
}

/* The same for a lock; errno was 0 before.  One that cannot be had at all is
   not held by somebody else. */
static int lock_noted(const sqlite3_file *f, int rc)
{
	if (rc == SQLITE_BUSY && errno != 0 && errno != EAGAIN &&
	    errno != EACCES && errno != EBUSY && errno != EINTR &&
	    errno != ETIMEDOUT && errno != EDEADLK)
		rc = SQLITE_IOERR_LOCK;
	return noted(f, rc);
}

int img_catalog_errno(bool *temporary)
{
	*temporary = last_was_temp;
	return last_errno;
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

bool img_page_has_sum(const uint8_t *page, size_t size, uint64_t number)
{
	uint64_t sum = page_sum(page, size, number);

	for (int i = 0; i < RESERVED; i++)
		if (page[size - RESERVED + (size_t)i] !=
		    (uint8_t)(sum >> (8 * i)))
			return false;
	return true;
}

unsigned img_page_size(const uint8_t *header)
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
	return noted(&s->base, rc);
}

static int sums_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct sums_file *s = (struct sums_file *)f;
	sqlite3_file *to = file_below(f);

	if (s->log)
		return log_write(s, p, n, at);
	if (!s->main)
		return noted(f, to->pMethods->xWrite(to, p, n, at));
	if (at == 0 && n >= IMG_PAGE_HEADER)
		s->page = img_page_size(p);
	if (s->page == 0 || n != (int)s->page || at % s->page)
		return noted(f, to->pMethods->xWrite(to, p, n, at));
	if (!s->buf)
		s->buf = malloc(PAGE_MAX);
	if (!s->buf)
		return SQLITE_IOERR_NOMEM;
	memcpy(s->buf, p, (size_t)n);
	put_sum(s->buf, s->page, (uint64_t)(at / s->page) + 1);
	return noted(f, to->pMethods->xWrite(to, s->buf, n, at));
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
	sqlite3_file *to = file_below(f);

	return noted(f, to->pMethods->xRead(to, p, n, at));
}

static int sums_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	sqlite3_file *to = file_below(f);

	((struct sums_file *)f)->end = 0;
	return noted(f, to->pMethods->xTruncate(to, n));
}

static int sums_sync(sqlite3_file *f, int flags)
{
	sqlite3_file *to = file_below(f);

	return noted(f, to->pMethods->xSync(to, flags));
}

static int sums_size(sqlite3_file *f, sqlite3_int64 *n)
{
	sqlite3_file *to = file_below(f);

	return noted(f, to->pMethods->xFileSize(to, n));
}

static int sums_lock(sqlite3_file *f, int how)
{
	sqlite3_file *to = file_below(f);

	errno = 0;
	return lock_noted(f, to->pMethods->xLock(to, how));
}

static int sums_unlock(sqlite3_file *f, int how)
{
	sqlite3_file *to = file_below(f);

	return noted(f, to->pMethods->xUnlock(to, how));
}

static int sums_reserved(sqlite3_file *f, int *out)
{
	sqlite3_file *to = file_below(f);

	return noted(f, to->pMethods->xCheckReservedLock(to, out));
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
	sqlite3_file *to = file_below(f);
	int rc;

	errno = 0;
	rc = to->pMethods->xShmMap(to, page, size, extend, out);
	/* It may be read only, and was to be written. */
	if ((rc & 0xFF) == SQLITE_READONLY && errno != 0 &&
	    ((struct sums_file *)f)->writes)
		rc = SQLITE_IOERR_SHMOPEN;
	return noted(f, rc);
}

static int sums_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	sqlite3_file *to = file_below(f);

	errno = 0;
	return lock_noted(f, to->pMethods->xShmLock(to, offset, n, flags));
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

/* Not known, pages would be written without their sums. */
static int learn_page(struct sums_file *s)
{
	sqlite3_file *to = file_below(&s->base);
	uint8_t header[IMG_PAGE_HEADER];
	int rc = to->pMethods->xRead(to, header, IMG_PAGE_HEADER, 0);

	if (rc == SQLITE_OK)
		s->page = img_page_size(header);
	return rc == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : noted(&s->base, rc);
}

static int sums_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f,
		     int flags, int *out)
{
	struct sums_file *s = (struct sums_file *)f;
	sqlite3_file *to = file_below(f);
	int rc, got = 0;

	(void)vfs;
	memset(s, 0, sizeof(*s));
	to->pMethods = NULL;
	s->main = flags & SQLITE_OPEN_MAIN_DB;
	s->log = flags & SQLITE_OPEN_WAL;
	s->temp = !name;
	s->writes = flags & SQLITE_OPEN_READWRITE;
	errno = 0;
	rc = below->xOpen(below, name, to, flags, &got);
	/* SQLite falls back to reading, and forgets why. */
	if (s->writes && !(got & SQLITE_OPEN_READWRITE))
		noted(f, SQLITE_CANTOPEN);
	else
		noted(f, rc);
	s->writes = got & SQLITE_OPEN_READWRITE;
	if (rc == SQLITE_OK && s->main)
		rc = learn_page(s);
	if (rc != SQLITE_OK) {
		if (to->pMethods)
			to->pMethods->xClose(to);
		return rc;
	}
	s->base.pMethods = &methods;
	if (out)
		*out = got;
	return SQLITE_OK;
}

static int sums_full_path(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
	(void)vfs;
	return noted(NULL, below->xFullPathname(below, name, n, out));
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
			layer.xFullPathname = sums_full_path;
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
