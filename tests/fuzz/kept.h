/* kept.h - a catalog that is open for longer than an input.  What it prepares
   is finalized for the caller only, and found when it is prepared again: SQLite
   prepares it anew by itself where the schema is another.  For one thread. */
#ifndef IMG_FUZZ_KEPT_H
#define IMG_FUZZ_KEPT_H

#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>

#include "catalog/inside.h"
#include "heap.h"

/* ---- what takes long and finds nothing -------------------------------- */

/* Nobody else has it open, so that there is nobody to lock out. */
int fcntl64(int fd, int what, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, what);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (what == F_SETLK || what == F_SETLKW)
		return 0;
	return (int)syscall(SYS_fcntl, fd, what, arg);
}

/* Nobody else is making it, so that waiting for him is of no use. */
int nanosleep(const struct timespec *t, struct timespec *left)
{
	(void)left;
	return gettid() == getpid()
		       ? 0
		       : clock_nanosleep(CLOCK_MONOTONIC, 0, t, NULL);
}

/* ---- statements ------------------------------------------------------- */

#define KEPT_DBS   2
#define KEPT_STMTS 128

static struct {
	sqlite3 *db[KEPT_DBS];
	struct {
		uint64_t sql;
		sqlite3 *db;
		sqlite3_stmt *st; /* NULL: free */
		bool used;        /* by the caller */
	} list[KEPT_STMTS];
} kept;

HEAP_PLAIN static inline bool kept_is(const sqlite3 *db)
{
	bool is = false;

	for (unsigned i = 0; i < KEPT_DBS; i++)
		is = is || (db && kept.db[i] == db);
	return is;
}

HEAP_PLAIN static inline uint64_t kept_hash(const char *sql)
{
	uint64_t h = 0xCBF29CE484222325u;

	for (; *sql; sql++)
		h = (h ^ (uint8_t)*sql) * 0x100000001B3u;
	return h;
}

/* What does something only when it is stepped. */
HEAP_PLAIN static inline bool kept_is_one(const sqlite3 *db, const char *sql)
{
	static const char *const begins[] = { "SELECT ", "WITH ",
					      "PRAGMA integrity_check",
					      "PRAGMA foreign_key_check" };

	for (unsigned i = 0; kept_is(db) && i < 4; i++) {
		size_t k = 0;

		while (begins[i][k] && begins[i][k] == sql[k])
			k++;
		if (!begins[i][k])
			return true;
	}
	return false;
}

/* In place of SQLite's. */
int sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **st,
		       const char **tail)
{
	static int (*prepare)(sqlite3 *, const char *, int, sqlite3_stmt **,
			      const char **);
	bool one = n < 0 && !tail && kept_is_one(db, sql);
	uint64_t hash = one ? kept_hash(sql) : 0;
	int rc;

	for (unsigned i = 0; one && i < KEPT_STMTS; i++)
		if (kept.list[i].sql == hash && kept.list[i].db == db &&
		    kept.list[i].st && !kept.list[i].used) {
			kept.list[i].used = true;
			*st = kept.list[i].st;
			return SQLITE_OK;
		}
	if (!prepare)
		*(void **)&prepare = dlsym(RTLD_NEXT, "sqlite3_prepare_v2");
	rc = prepare(db, sql, n, st, tail);
	for (unsigned i = 0; one && *st && i < KEPT_STMTS; i++)
		if (!kept.list[i].st) {
			kept.list[i].sql = hash;
			kept.list[i].db = db;
			kept.list[i].st = *st;
			kept.list[i].used = true;
			break;
		}
	return rc;
}

static int kept_finalize(sqlite3_stmt *st)
{
	static int (*finalize)(sqlite3_stmt *);

	if (!finalize)
		*(void **)&finalize = dlsym(RTLD_NEXT, "sqlite3_finalize");
	return finalize(st);
}

int sqlite3_finalize(sqlite3_stmt *st)
{
	for (unsigned i = 0; st && i < KEPT_STMTS; i++)
		if (kept.list[i].st == st) {
			int rc = sqlite3_reset(st);

			fuzz_must(kept.list[i].used, "finalized twice");
			if (!kept_is(kept.list[i].db)) {
				kept.list[i].st = NULL;
				return kept_finalize(st);
			}
			sqlite3_clear_bindings(st);
			kept.list[i].used = false;
			return rc;
		}
	return kept_finalize(st);
}

/* After an input: each has been finalized but those that a connection keeps
   itself, none goes on, and no page is remembered. */
static inline void kept_rest(sqlite3 *db, const sqlite3_stmt *own)
{
	sqlite3_stmt *st = NULL;

	for (unsigned i = 0; i < KEPT_STMTS; i++)
		fuzz_must(!kept.list[i].st || !kept.list[i].used ||
				  kept.list[i].db != db ||
				  kept.list[i].st == own,
			  "a statement is not finalized");
	while ((st = sqlite3_next_stmt(db, st)) != NULL)
		sqlite3_reset(st);
	fuzz_must(sqlite3_get_autocommit(db) &&
			  sqlite3_txn_state(db, NULL) == SQLITE_TXN_NONE,
		  "a transaction goes on");
	sqlite3_db_release_memory(db);
}

/* Before a connection is closed. */
static inline void kept_forget(const sqlite3 *db)
{
	for (unsigned i = 0; i < KEPT_DBS; i++)
		if (kept.db[i] == db)
			kept.db[i] = NULL;
	for (unsigned i = 0; i < KEPT_STMTS; i++)
		if (kept.list[i].st && kept.list[i].db == db &&
		    !kept.list[i].used) {
			kept_finalize(kept.list[i].st);
			kept.list[i].st = NULL;
		}
}

/* ---- catalogs --------------------------------------------------------- */

#define PLACE_PAGE 4096

/* A catalog: opened for an input, or kept open for many of them.  Where no page
   is damaged that opening has to read, it would be as the last one was. */
struct place {
	char folder[64], file[96];
	uint8_t *is;           /* what the file holds, NULL: not known */
	struct img_catalog *c; /* kept */
};

static inline void place_clean(const struct place *at, bool all)
{
	static const char *const ends[] = { "-wal", "-shm", "-journal", "" };
	char name[128];

	for (unsigned i = 0; i < (all ? 4 : 3); i++) {
		snprintf(name, sizeof(name), "%s%s", at->file, ends[i]);
		unlink(name);
	}
	if (all)
		rmdir(at->folder);
}

static inline void place_begin(struct place *at, const char *name)
{
	fuzz_folder(at->folder, name);
	snprintf(at->file, sizeof(at->file), "%s/catalog.db", at->folder);
}

/* Only what is another page. */
static inline void place_put(struct place *at, const uint8_t *p, size_t n)
{
	int fd = open(at->file, O_RDWR | O_CLOEXEC);
	bool ok = fd >= 0 && ftruncate(fd, (off_t)n) == 0;

	for (size_t i = 0; ok && i < n; i += PLACE_PAGE) {
		size_t few = n - i < PLACE_PAGE ? n - i : PLACE_PAGE;

		if (at->is && memcmp(at->is + i, p + i, few) == 0)
			continue;
		ok = pwrite(fd, p + i, few, (off_t)i) == (ssize_t)few;
		if (at->is)
			memcpy(at->is + i, p + i, few);
	}
	if (!ok) {
		perror(at->file);
		exit(3);
	}
	close(fd);
}

static inline void place_drop(struct place *at)
{
	if (!at->c)
		return;
	kept_forget(at->c->db);
	img_catalog_close(at->c);
	at->c = NULL;
	place_clean(at, false);
}

/* Opens what is to be kept, on a good file. */
static inline void place_keep(struct place *at, enum img_mode mode,
			      const uint8_t *p, size_t n)
{
	struct img_err err = IMG_ERR_INIT;

	if (at->c)
		return;
	place_put(at, p, n);
	if (img_catalog_open(&at->c, at->folder, mode, &err) < 0)
		fuzz_wrong("a catalog of our own", &err);
	kept.db[mode == IMG_WRITE] = at->c->db;
}

#endif
