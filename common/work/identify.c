/*
 * identify.c - what is in files, however they are encoded.
 *
 * imgimport loads no codec: that costs time at each start, and none is needed
 * but for what has the UID of another object.  So imgverify is run, with the
 * paths on its standard input, and its records are read.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work/ingest_private.h"

extern char **environ;

/* The one beside us: of the same version. */
static bool find_verify(char out[IMG_PATH_MAX])
{
	static const char name[] = "/imgverify";
	ssize_t n = readlink("/proc/self/exe", out, IMG_PATH_MAX);
	char *slash;

	if (n <= 0 || n >= IMG_PATH_MAX)
		return false;
	out[n] = '\0';
	slash = strrchr(out, '/');
	if (!slash || slash + sizeof(name) > out + IMG_PATH_MAX)
		return false;
	memcpy(slash, name, sizeof(name));
	return access(out, X_OK) == 0;
}

bool identify_can(void)
{
	char path[IMG_PATH_MAX];

	return find_verify(path);
}

/* ---- the other process -------------------------------------------------- */

/* Paths with a NUL behind each, to be read from the start. */
static int put_paths(const struct identify *list, size_t n, struct img_err *err)
{
	int fd = memfd_create("paths", MFD_CLOEXEC);

	if (fd < 0)
		return img_err_sys(err, "memfd");
	for (size_t i = 0; i < n; i++)
		if (img_write_full(fd, list[i].path, strlen(list[i].path) + 1) <
		    0) {
			img_err_sys(err, "memfd");
			close(fd);
			return -1;
		}
	(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

static int start(int in, int out, pid_t *pid, struct img_err *err)
{
	char path[IMG_PATH_MAX], dash[] = "-", quiet[] = "-q0",
				 deep[] = "--deep";
	char *argv[] = { path, quiet, deep, dash, NULL };
	posix_spawn_file_actions_t fds;
	posix_spawnattr_t how;
	sigset_t none;
	int e;

	if (!find_verify(path))
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "imgverify is not beside this command");
	posix_spawn_file_actions_init(&fds);
	posix_spawn_file_actions_adddup2(&fds, in, 0);
	posix_spawn_file_actions_adddup2(&fds, out, 1);
	posix_spawn_file_actions_addopen(&fds, 2, "/dev/null", O_WRONLY, 0);
	/* Threads of ours have signals blocked. */
	sigemptyset(&none);
	posix_spawnattr_init(&how);
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
	e = posix_spawn(pid, path, &fds, &how, argv, environ);
	posix_spawnattr_destroy(&how);
	posix_spawn_file_actions_destroy(&fds);
	errno = e;
	return e ? img_err_sys(err, "%s", path) : 0;
}

/* ---- its records -------------------------------------------------------- */

static bool get_digest(const struct img_record *rec, const char *key,
		       uint8_t out[IMG_DIGEST_SIZE])
{
	const char *hex = img_json_get(rec->in, key);

	return hex && img_unhex(out, IMG_DIGEST_SIZE, hex);
}

/* Known is what was read whole, with all frames decoded or none to decode. */
static void take(struct identify *to, const struct img_record *rec)
{
	struct img_identity *id = &to->id;
	uint8_t digest[IMG_DIGEST_SIZE];
	uint64_t frames;

	/* A file in place may have been written anew since. */
	if (!rec->path || strcmp(rec->path, to->path) != 0 ||
	    !get_digest(rec, "digest", digest) ||
	    memcmp(digest, to->digest, sizeof(digest)) != 0 ||
	    !get_digest(rec, "data_digest", id->data))
		return;
	id->has_pixels = get_digest(rec, "pixel_digest", id->pixels);
	to->known = id->has_pixels ||
		    (img_json_get_u64(rec->in, "frames", &frames) && !frames);
}

/* Records come in the order of the paths. */
static size_t take_lines(struct identify *list, size_t n, size_t at,
			 struct img_buf *b)
{
	char *p = b->data, *end = b->data + b->len, *nl;

	while (at < n && p < end && (nl = memchr(p, '\n', (size_t)(end - p)))) {
		struct img_err bad = IMG_ERR_INIT;
		struct img_record rec;

		if (img_record_parse(&rec, p, (size_t)(nl - p), &bad) == 0) {
			take(&list[at], &rec);
			img_record_release(&rec);
		}
		at++;
		p = nl + 1;
	}
	memmove(b->data, p, (size_t)(end - p));
	b->len = (size_t)(end - p);
	return at;
}

/* Until it ends, or we are to stop. */
static void read_records(struct identify *list, size_t n, int fd,
			 bool (*stopped)(void *arg), void *arg)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf b;
	size_t at = 0;

	img_buf_init(&b, 2 * IMG_LINE_MAX);
	while (!stopped(arg)) {
		struct pollfd p = { fd, POLLIN, 0 };
		ssize_t got;

		if (poll(&p, 1, 200) == 0)
			continue;
		if (img_buf_grow(&b, 65536, &err) < 0)
			break;
		got = read(fd, b.data + b.len, 65536);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		b.len += (size_t)got;
		at = take_lines(list, n, at, &b);
	}
	img_buf_release(&b);
}

int identify(struct identify *list, size_t n, bool (*stopped)(void *arg),
	     void *arg, struct img_err *err)
{
	int in = put_paths(list, n, err), out[2] = { -1, -1 }, rc = -1, status;
	pid_t pid;

	if (in < 0)
		return -1;
	if (pipe2(out, O_CLOEXEC) < 0) {
		img_err_sys(err, "pipe");
		goto done;
	}
	rc = start(in, out[1], &pid, err);
	close(out[1]);
	if (rc < 0)
		goto done;
	read_records(list, n, out[0], stopped, arg);
	/* It only reads; asked to end, it would finish what it has in hand. */
	if (stopped(arg))
		(void)kill(pid, SIGKILL);
	close(out[0]);
	out[0] = -1;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
done:
	if (out[0] >= 0)
		close(out[0]);
	close(in);
	return rc;
}
