/* open.c - opening the database, transactions. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "catalog/inside.h"

#define APPLICATION_ID 0x696D6763 /* "imgc" */
#define SCHEMA_VERSION 4
#define TEXT_MAX       (16 * 1024 * 1024)

/* Checkpoints come after some 16 MiB of log: about eight batches of 4,096
   instances.  The log is kept (see open_file) but cut to this size. */
static const char settings[] = "PRAGMA foreign_keys = ON;"
			       "PRAGMA cell_size_check = ON;"
			       "PRAGMA trusted_schema = OFF;"
			       "PRAGMA mmap_size = 0;"
			       "PRAGMA cache_size = -16384;"
			       "PRAGMA synchronous = FULL;";
static const char write_settings[] = "PRAGMA wal_autocheckpoint = 4000;"
				     "PRAGMA journal_size_limit = 33554432;";

/* ---- opening ---------------------------------------------------------- */

static int pragma(struct img_catalog *c, const char *sql, int64_t *out,
		  struct img_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = -1;

	if (sqlite3_prepare_v2(c->db, sql, -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW) {
		img_catalog_failed(c, "open", err);
		goto out;
	}
	*out = sqlite3_column_int64(st, 0);
	rc = 0;
out:
	sqlite3_finalize(st);
	return rc;
}

static int exec(struct img_catalog *c, const char *sql, const char *what,
		struct img_err *err)
{
	if (sqlite3_exec(c->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return img_catalog_failed(c, what, err);
	return 0;
}

static int versions(struct img_catalog *c, int64_t *app, int64_t *user,
		    struct img_err *err)
{
	if (pragma(c, "PRAGMA application_id", app, err) < 0)
		return -1;
	return pragma(c, "PRAGMA user_version", user, err);
}

static int check_version(struct img_catalog *c, struct img_err *err)
{
	int64_t app = 0, user = 0;

	if (versions(c, &app, &user, err) < 0)
		return -1;
	if (app == 0 && user == 0 && !c->may_be_new)
		return img_catalog_lost(c->file, err);
	if (app == 0 && user == 0)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: empty; the next import makes it, or "
				   "imgverify --rebuild if there was one",
				   c->file);
	if (app != APPLICATION_ID)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: not a catalog of imgtools", c->file);
	c->ledger = user >= 2;
	c->summed = user >= 3;
	if (user < 1 || user > SCHEMA_VERSION)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "%s: catalog version %lld, this is %d",
				   c->file, (long long)user, SCHEMA_VERSION);
	return img_catalog_check_schema(c, user, err);
}

/* A database of somebody else's has tables and no mark of ours. */
static int check_empty(struct img_catalog *c, struct img_err *err)
{
	int64_t n = 0, app = 0, user = 0;

	/* In this order: ours may be made just now, by another process. */
	if (pragma(c, "SELECT count(*) FROM sqlite_schema", &n, err) < 0 ||
	    versions(c, &app, &user, err) < 0)
		return -1;
	if (n == 0 || app || user)
		return 0;
	return img_err_set(err, IMG_E_MALFORMED,
			   "%s: not a catalog of imgtools", c->file);
}

/* Two processes may both find an empty file, or an old one: the second, in
   its turn, finds it made. */
static int make_schema(struct img_catalog *c, struct img_err *err)
{
	int64_t app = 0, user = 0;

	if (exec(c, "BEGIN IMMEDIATE", "create", err) < 0)
		return -1;
	if (versions(c, &app, &user, err) < 0)
		goto undo;
	if (app == 0 && user == 0) {
		if (check_empty(c, err) < 0 ||
		    exec(c, img_sql_schema, "create", err) < 0 ||
		    exec(c, "PRAGMA application_id = 0x696D6763", "create",
			 err) < 0)
			goto undo;
		app = APPLICATION_ID;
		user = 1;
	}
	if (app == APPLICATION_ID && user == 1 &&
	    exec(c, img_sql_upgrade_2, "upgrade", err) < 0)
		goto undo;
	if (app == APPLICATION_ID && user <= 2 &&
	    exec(c, img_sql_upgrade_3, "upgrade", err) < 0)
		goto undo;
	if (app == APPLICATION_ID && user <= 3 &&
	    (exec(c, img_sql_upgrade_4, "upgrade", err) < 0 ||
	     exec(c, "PRAGMA user_version = 4", "upgrade", err) < 0))
		goto undo;
	if (exec(c, "COMMIT", "create", err) == 0)
		return 0;
undo:
	sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

static void parent_of(const char *file, char dir[IMG_PATH_MAX])
{
	const char *slash = strrchr(file, '/');
	size_t n = slash ? (size_t)(slash - file) : 0;

	memcpy(dir, slash ? file : ".", n ? n : 1);
	dir[n ? n : 1] = '\0';
}

/* Made here and not by sqlite, which would let everybody read it. */
static int make_file(const char *file, struct img_err *err)
{
	int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0660);
	char dir[IMG_PATH_MAX];

	if (fd < 0 && errno == EEXIST)
		return 0;
	if (fd < 0)
		return img_err_sys(err, "%s", file);
	parent_of(file, dir);
	img_give(fd, AT_FDCWD, dir);
	if (img_close(&fd, file, err) < 0)
		return -1;
	/* The entry of a new file must survive a power cut too. */
	return img_sync_dir(dir, err);
}

/* sqlite would wait for the other end of a FIFO, deaf to signals. */
static int check_file(const char *file, struct img_err *err)
{
	struct stat sb;

	if (stat(file, &sb) < 0)
		return img_err_sys(err, "%s", file);
	if (!S_ISREG(sb.st_mode))
		return img_err_set(err, IMG_E_MALFORMED, "%s: not a file",
				   file);
	return 0;
}

/* It was opened for reading, as it cannot be written. */
static int refuse_read_only(struct img_catalog *c, struct img_err *err)
{
	bool temporary;

	errno = img_catalog_errno(&temporary);
	return img_err_sys(err, "%s", c->file);
}

static int open_db(struct img_catalog *c, const char *name, int flags,
		   struct img_err *err)
{
	static const int on[] = { SQLITE_DBCONFIG_DEFENSIVE };

	if (sqlite3_open_v2(name, &c->db,
			    flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
			    img_catalog_vfs()) != SQLITE_OK) {
		if (!c->db)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		return img_catalog_failed(c, "open", err);
	}
	if (flags & SQLITE_OPEN_READWRITE &&
	    sqlite3_db_readonly(c->db, "main") == 1)
		return refuse_read_only(c, err);
	img_catalog_be_patient(c);
	sqlite3_db_config(c->db, on[0], 1, (int *)NULL);
	return exec(c, settings, "open", err);
}

static int open_write(struct img_catalog *c, struct img_err *err)
{
	int64_t app = 0, user = 0;
	int keep = 1;

	if (make_file(c->file, err) < 0 || check_file(c->file, err) < 0 ||
	    open_db(c, c->file, SQLITE_OPEN_READWRITE, err) < 0)
		return -1;
	/* The log and its index stay when the last writer closes, so that
	   one who may not write in the folder can still read. */
	sqlite3_file_control(c->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
	if (versions(c, &app, &user, err) < 0)
		return -1;
	if (app == 0 && user == 0 && check_empty(c, err) < 0)
		return -1;
	if (app == 0 && user == 0 && !c->may_be_new)
		return img_catalog_lost(c->file, err);
	if (app == APPLICATION_ID && user >= 1 && user < SCHEMA_VERSION &&
	    img_catalog_check_schema(c, user, err) < 0)
		return -1;
	if (user == 0 || (app == APPLICATION_ID && user <= 2))
		img_catalog_reserve(c->db);
	if (app == 0 && user == 0 &&
	    exec(c, "PRAGMA journal_mode = WAL", "create", err) < 0)
		return -1;
	/* Makes every page anew, with room for its sum. */
	if (app == APPLICATION_ID && user >= 1 && user <= 2 &&
	    exec(c, "VACUUM", "upgrade", err) < 0)
		return -1;
	if ((user == 0 || (app == APPLICATION_ID && user <= 3)) &&
	    make_schema(c, err) < 0)
		return -1;
	if (exec(c, write_settings, "open", err) < 0)
		return -1;
	return check_version(c, err);
}

static int add_uri(struct img_buf *b, const char *file, struct img_err *err)
{
	if (img_buf_puts(b, "file:", err) < 0)
		return -1;
	for (; *file; file++) {
		int rc = strchr("?#%", *file)
				 ? img_buf_printf(b, err, "%%%02X", *file)
				 : img_buf_putc(b, *file, err);

		if (rc < 0)
			return -1;
	}
	return img_buf_puts(b, "?immutable=1", err);
}

/*
 * A folder that cannot be written and holds no log (a copy on read-only
 * media): sqlite needs to be told that nobody writes.  With a log in it,
 * that would hide what the log holds, so it stays an error.
 */
static int open_immutable(struct img_catalog *c, struct img_err *err)
{
	struct img_buf uri;
	int rc = -1;

	sqlite3_close(c->db);
	c->db = NULL;
	img_buf_init(&uri, 4 * IMG_PATH_MAX);
	if (add_uri(&uri, c->file, err) == 0 &&
	    open_db(c, img_buf_str(&uri),
		    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err) == 0)
		rc = check_version(c, err);
	img_buf_release(&uri);
	return rc;
}

/* Somebody may be making it just now. */
static int wait_for_schema(struct img_catalog *c, struct img_err *err)
{
	int64_t app = 0, user = 0;

	/* Two seconds in all. */
	for (long ms = 0; ms < 2048 && app == 0 && user == 0;
	     ms = ms ? 2 * ms : 1) {
		struct timespec nap = { ms / 1000, ms % 1000 * 1000000 };

		if (ms)
			nanosleep(&nap, NULL);
		if (versions(c, &app, &user, err) < 0)
			return -1;
	}
	return check_version(c, err);
}

/* Whether sqlite could not make the log's index: it needs to write there. */
static bool lacks_index(struct img_catalog *c)
{
	int rc = c->db ? sqlite3_errcode(c->db) & 0xFF : SQLITE_OK, e;
	bool temporary;

	if (rc != SQLITE_CANTOPEN)
		return rc == SQLITE_READONLY;
	e = img_catalog_errno(&temporary);
	return e == ENOENT || e == EACCES || e == EPERM || e == EROFS;
}

static int open_read(struct img_catalog *c, struct img_err *err)
{
	struct img_err first = IMG_ERR_INIT;

	if (access(c->file, R_OK) < 0 && errno == ENOENT)
		return img_err_set(err, IMG_E_IO,
				   "%s: no archive is there; imgimport makes "
				   "one",
				   c->file);
	if (access(c->file, R_OK) < 0)
		return img_err_sys(err, "%s", c->file);
	if (check_file(c->file, err) < 0)
		return -1;
	if (open_db(c, c->file, SQLITE_OPEN_READONLY, &first) == 0 &&
	    wait_for_schema(c, &first) == 0)
		return 0;
	if (lacks_index(c) && !img_catalog_has_wal(c->file))
		return open_immutable(c, err);
	if (lacks_index(c))
		return img_err_set(err, IMG_E_DENIED,
				   "%s: was not closed, and reading its log "
				   "takes the right to write in its folder",
				   c->file);
	return img_err_set(err, first.code, "%s", first.text);
}

static int open_any(struct img_catalog **out, const char *file,
		    enum img_mode mode, bool may_be_new, struct img_err *err)
{
	struct img_catalog *c;
	int rc;

	*out = NULL;
	if (strlen(file) >= sizeof(c->file) - 8)
		return img_err_set(err, IMG_E_LIMIT, "catalog: path too long");
	c = calloc(1, sizeof(*c));
	if (!c)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	memcpy(c->file, file, strlen(file) + 1);
	c->may_be_new = may_be_new;
	img_buf_init(&c->name_key, TEXT_MAX);
	img_buf_init(&c->name, TEXT_MAX);
	img_buf_init(&c->fold, TEXT_MAX);
	img_buf_init(&c->container_path, TEXT_MAX);
	img_buf_init(&c->lent, TEXT_MAX);
	rc = mode == IMG_WRITE ? open_write(c, err) : open_read(c, err);
	if (rc == 0)
		rc = img_catalog_functions(c, err);
	if (rc == 0 && stat(file, &c->sb) < 0)
		rc = img_err_sys(err, "%s", file);
	if (rc < 0) {
		img_catalog_close(c);
		return -1;
	}
	*out = c;
	return 0;
}

int img_catalog_open_file(struct img_catalog **c, const char *file,
			  enum img_mode mode, struct img_err *err)
{
	return open_any(c, file, mode, true, err);
}

int img_catalog_open(struct img_catalog **c, const char *dir,
		     enum img_mode mode, struct img_err *err)
{
	char file[IMG_PATH_MAX];
	bool is_old;

	*c = NULL;
	if (img_catalog_is_old(dir, &is_old, err) < 0 ||
	    img_path_join(file, sizeof(file), dir, "catalog.db", err) < 0)
		return -1;
	if (is_old && img_catalog_is_none(file))
		return img_catalog_lost(file, err);
	return open_any(c, file, mode, !is_old, err);
}

int img_catalog_hold(struct img_catalog *c, bool on, struct img_err *err)
{
	if (on == (sqlite3_get_autocommit(c->db) == 0))
		return 0;
	return exec(c, on ? "BEGIN" : "COMMIT", "hold", err);
}

/* A reader may be waiting for what its caller has locked. */
int img_catalog_settle(struct img_catalog *c, struct img_err *err)
{
	int rc;

	sqlite3_busy_handler(c->db, NULL, NULL);
	rc = exec(c, "PRAGMA wal_checkpoint(TRUNCATE)", "checkpoint", err);
	img_catalog_be_patient(c);
	return rc;
}

void img_catalog_close(struct img_catalog *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < IMG_SQL_COUNT; i++)
		sqlite3_finalize(c->st[i]);
	sqlite3_finalize(c->row_ok);
	sqlite3_close(c->db);
	img_buf_release(&c->name_key);
	img_buf_release(&c->name);
	img_buf_release(&c->fold);
	img_buf_release(&c->container_path);
	img_buf_release(&c->lent);
	free(c);
}

/* ---- transactions ----------------------------------------------------- */

void img_catalog_forget_rows(struct img_catalog *c)
{
	c->patient.id = c->study.id = c->series.id = 0;
}

/* What is known of the transaction; after a rollback and at a new one. */
static void forget(struct img_catalog *c)
{
	img_catalog_forget_rows(c);
	memset(c->next, 0, sizeof(c->next));
	c->container = 0;
	c->seq = 0;
}

int img_catalog_begin(struct img_catalog *c, struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_BEGIN, err);

	if (img_catalog_still_there(c, err) < 0 || !st ||
	    img_catalog_run(c, st, "begin", err) < 0)
		return -1;
	forget(c);
	img_time_now(c->now);
	c->begun = true;
	return 0;
}

int img_catalog_commit(struct img_catalog *c, struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_stmt(c, IMG_SQL_COMMIT, err);

	if (!st || img_catalog_save_seq(c, err) < 0 ||
	    img_catalog_run(c, st, "commit", err) < 0) {
		img_catalog_rollback(c);
		return -1;
	}
	c->begun = false;
	return 0;
}

void img_catalog_rollback(struct img_catalog *c)
{
	if (!c || !c->begun)
		return;
	c->begun = false;
	forget(c);
	if (!sqlite3_get_autocommit(c->db))
		sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
}
