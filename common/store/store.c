/* store.c - the archive's folder: layout, session, lock, list. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_private.h"

#define SESSION_NAME 16 /* hexadecimal digits */

/* A folder of the archive is one: a link could lead anywhere. */
static int open_folder(int at, const char *name)
{
	return openat(at, name,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int store_make_folder(struct img_store *s, int at, const char *name)
{
	int fd;

	if (mkdirat(at, name, 0700) < 0)
		return -1;
	fd = s->given ? open_folder(at, name) : -1;
	if (fd >= 0) {
		img_give(fd, s->dirfd, ".");
		close(fd);
	}
	return 0;
}

static int make_dir(struct img_store *s, int at, const char *name, bool *made,
		    struct img_err *err)
{
	if (store_make_folder(s, at, name) == 0)
		*made = true;
	else if (errno != EEXIST)
		return img_err_sys(err, "%s: %s", s->dir, name);
	return 0;
}

/* mkdir -p of the archive's folder, so that a first import just works. */
static int make_path(const char *dir, struct img_err *err)
{
	char path[IMG_PATH_MAX];
	size_t n = strlen(dir);

	if (n == 0 || n >= sizeof(path))
		return img_err_set(err, IMG_E_USAGE,
				   "archive: name empty or too long");
	memcpy(path, dir, n + 1);
	for (char *p = path + 1;; p++) {
		char was = *p;

		if (was != '/' && was != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return img_err_sys(err, "%s", path);
		*p = was;
		if (!was)
			return 0;
	}
}

/* 1, 0 there is none yet, -1. */
static int open_lock(struct img_store *s, struct img_err *err)
{
	s->lock = openat(s->dirfd, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (s->lock >= 0)
		return 1;
	return errno == ENOENT ? 0 : img_err_sys(err, "%s/lock", s->dir);
}

static int make_lock(struct img_store *s, struct img_err *err)
{
	s->lock = openat(s->dirfd, "lock",
			 O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			 0600);
	if (s->lock >= 0)
		img_give(s->lock, s->dirfd, ".");
	else if (errno == EEXIST) /* another process was faster */
		return open_lock(s, err) > 0 ? 0 : -1;
	return s->lock < 0 ? img_err_sys(err, "%s/lock", s->dir) : 0;
}

/* All shards are made at once, so that no parent needs a sync later.  The lock
   is made when that sync has succeeded: without it, one is due. */
static int make_layout(struct img_store *s, struct img_err *err)
{
	char shard[3];
	bool made = false;
	int locked;

	if (make_dir(s, s->dirfd, "objects", &made, err) < 0 ||
	    make_dir(s, s->dirfd, "tmp", &made, err) < 0 ||
	    make_dir(s, s->dirfd, "quarantine", &made, err) < 0)
		return -1;
	s->objects = open_folder(s->dirfd, "objects");
	if (s->objects < 0)
		return img_err_sys(err, "%s/objects", s->dir);
	if (faccessat(s->objects, "ff", F_OK, 0) < 0)
		for (unsigned i = 0; i < 256; i++) {
			snprintf(shard, sizeof(shard), "%02x", i);
			if (make_dir(s, s->objects, shard, &made, err) < 0)
				return -1;
		}
	locked = open_lock(s, err);
	if (locked < 0 || (locked && !made))
		return locked < 0 ? -1 : 0;
	if (syncfs(s->dirfd) < 0)
		return img_err_sys(err, "%s: sync", s->dir);
	return locked ? 0 : make_lock(s, err);
}

/* ---- tmp -------------------------------------------------------------- */

/* Whether a name is one that we give: the folder of an archive may have had
   a tmp before it became one, and what is in there is not ours. */
static bool is_hex(const char *name, size_t min, size_t max)
{
	size_t n = strspn(name, "0123456789abcdef");

	return n >= min && n <= max && !name[n];
}

static void remove_lane(int at, const char *name)
{
	int fd = open_folder(at, name);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d)))
		if (is_hex(e->d_name, 1, 8))
			unlinkat(fd, e->d_name, 0);
	closedir(d);
	unlinkat(at, name, AT_REMOVEDIR);
}

static void remove_session(int tmp, const char *name)
{
	char lane[4];
	int fd = open_folder(tmp, name);

	if (fd < 0)
		return;
	/* Somebody who still writes there holds the lock. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		for (unsigned i = 0; i < IMG_STORE_LANES; i++) {
			snprintf(lane, sizeof(lane), "%x", i);
			remove_lane(fd, lane);
		}
		unlinkat(tmp, name, AT_REMOVEDIR);
	}
	close(fd);
}

static void clean_tmp(int tmp)
{
	int fd = fcntl(tmp, F_DUPFD_CLOEXEC, 3);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d)))
		if (is_hex(e->d_name, SESSION_NAME, SESSION_NAME))
			remove_session(tmp, e->d_name);
	closedir(d);
}

static int make_session(struct img_store *s, struct img_err *err)
{
	uint8_t id[SESSION_NAME / 2];
	char lane[4];
	bool made;

	img_random(id, sizeof(id));
	img_hex(s->session_name, id, sizeof(id));
	if (mkdirat(s->tmp, s->session_name, 0700) < 0)
		return img_err_sys(err, "%s/tmp", s->dir);
	s->session = openat(s->tmp, s->session_name,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->session < 0 || flock(s->session, LOCK_EX | LOCK_NB) < 0)
		return img_err_sys(err, "%s/tmp", s->dir);
	for (unsigned i = 0; i < IMG_STORE_LANES; i++) {
		snprintf(lane, sizeof(lane), "%x", i);
		if (make_dir(s, s->session, lane, &made, err) < 0)
			return -1;
	}
	if (s->given)
		img_give(s->session, s->dirfd, ".");
	return 0;
}

/* Until its folder is locked, a process that cleans up may take it away. */
static int open_session(struct img_store *s, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	s->tmp = open_folder(s->dirfd, "tmp");
	if (s->tmp < 0)
		return img_err_sys(err, "%s/tmp", s->dir);
	clean_tmp(s->tmp);
	for (unsigned tries = 0; tries < 20; tries++) {
		img_err_clear(&why);
		if (make_session(s, &why) == 0)
			return 0;
		if (errno != ENOENT && errno != EWOULDBLOCK)
			break;
		if (s->session >= 0)
			close(s->session);
		s->session = -1;
	}
	return img_err_set(err, why.code, "%s", why.text);
}

/* ---- opening ---------------------------------------------------------- */

static int open_parts(struct img_store *s, enum img_mode mode,
		      struct img_err *err)
{
	struct stat st;

	/* Again where it leads: x/../y is y once there is an x. */
	if (mode == IMG_WRITE && (img_store_check_place(s->dir, err) < 0 ||
				  make_path(s->dir, err) < 0 ||
				  img_store_check_place(s->dir, err) < 0))
		return -1;
	s->dirfd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dirfd < 0 && errno == ENOENT)
		return img_err_set(err, IMG_E_IO, "%s: %s", s->dir,
				   mode == IMG_WRITE
					   ? "a symbolic link that leads "
					     "nowhere; is its disk mounted?"
					   : "no archive is there; imgimport "
					     "makes one");
	if (s->dirfd < 0 || fstat(s->dirfd, &st) < 0)
		return img_err_sys(err, "%s", s->dir);
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->given = geteuid() == 0 || (st.st_mode & S_ISGID);
	if (mode == IMG_WRITE)
		return make_layout(s, err) < 0 ? -1 : open_session(s, err);
	s->objects =
		openat(s->dirfd, "objects", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->objects < 0)
		return img_err_sys(err, "%s: not an archive: objects", s->dir);
	return 0;
}

int img_store_open(struct img_store **out, const char *dir, enum img_mode mode,
		   struct img_err *err)
{
	struct img_store *s;

	if (!*dir)
		return img_err_set(err, IMG_E_USAGE,
				   "no archive: give -C or set IMG_CATALOG");
	s = calloc(1, sizeof(*s));
	if (!s)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	s->dirfd = s->objects = s->tmp = s->session = s->lock = -1;
	s->dir = strdup(dir);
	if (!s->dir)
		img_err_set(err, IMG_E_NOMEM, "out of memory");
	if (!s->dir || open_parts(s, mode, err) < 0) {
		img_store_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

void img_store_close(struct img_store *s)
{
	const int fds[] = { s ? s->lock : -1, s ? s->tmp : -1,
			    s ? s->objects : -1, s ? s->dirfd : -1 };

	if (!s)
		return;
	store_syncer_free(s->syncer);
	if (s->session >= 0) {
		close(s->session);
		remove_session(s->tmp, s->session_name);
	}
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(s->dir);
	free(s);
}

bool img_store_is_dir(const struct img_store *s, uint64_t dev, uint64_t ino)
{
	return s->dev == dev && s->ino == ino;
}

int img_store_lock(struct img_store *s, int seconds, struct img_err *err)
{
	return img_lock(s->lock, true, seconds, s->dir, err);
}

void img_store_unlock(struct img_store *s)
{
	img_unlock(s->lock);
}

/* ---- listing ---------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_shard(struct img_store *s, const char *shard,
		      int (*f)(void *, const uint8_t *, const char *,
			       struct img_err *),
		      void *arg, bool *unread, struct img_err *err)
{
	struct dirent **names = NULL;
	char path[300];
	uint8_t digest[IMG_DIGEST_SIZE];
	int n = scandirat(s->objects, shard, &names, NULL, NULL), rc = 0;

	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0 && errno == ENOTDIR) {
		snprintf(path, sizeof(path), "objects/%s", shard);
		return f(arg, NULL, path, err);
	}
	if (n < 0) {
		*unread = true;
		return img_err_sys(err, "%s/objects/%s", s->dir, shard);
	}
	qsort(names, (size_t)n, sizeof(*names), compare_names);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		bool ok = strlen(name) == 64 && strncmp(name, shard, 2) == 0 &&
			  img_unhex(digest, sizeof(digest), name);

		snprintf(path, sizeof(path), "objects/%s/%s", shard, name);
		if (rc == 0 && strcmp(name, ".") != 0 &&
		    strcmp(name, "..") != 0)
			rc = f(arg, ok ? digest : NULL, path, err);
		free(names[i]);
	}
	free(names);
	return rc;
}

/* What lies beside the shards. */
static int list_strays(struct img_store *s,
		       int (*f)(void *, const uint8_t *, const char *,
				struct img_err *),
		       void *arg, struct img_err *err)
{
	struct dirent **names = NULL;
	char path[300];
	uint8_t byte;
	int n = scandirat(s->objects, ".", &names, NULL, NULL), rc = 0;

	if (n < 0)
		return img_err_sys(err, "%s/objects", s->dir);
	qsort(names, (size_t)n, sizeof(*names), compare_names);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		snprintf(path, sizeof(path), "objects/%s", name);
		if (rc == 0 && strcmp(name, ".") != 0 &&
		    strcmp(name, "..") != 0 &&
		    !(strlen(name) == 2 && img_unhex(&byte, 1, name)))
			rc = f(arg, NULL, path, err);
		free(names[i]);
	}
	free(names);
	return rc;
}

int img_store_each(struct img_store *s,
		   int (*f)(void *arg, const uint8_t *digest, const char *name,
			    struct img_err *err),
		   void *arg, struct img_err *err)
{
	char shard[3];
	int rc = 0;

	for (unsigned i = 0; i < 256; i++) {
		bool unread = false;

		snprintf(shard, sizeof(shard), "%02x", i);
		if (list_shard(s, shard, f, arg, &unread, err) < 0) {
			rc = -1;
			if (!unread)
				return -1;
		}
	}
	return list_strays(s, f, arg, err) < 0 ? -1 : rc;
}
