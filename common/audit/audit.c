/* audit.c - the hash-chained log. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit.h"
#include "jsonl/jsonl.h"

#define ADDED_MAX (64 * 1024 * 1024)
#define ACT_MAX   24
#define FROM_MAX  96
#define LINE      1024 /* longest line we write */

struct added {
	char act[ACT_MAX];
	char from[FROM_MAX]; /* plain text; empty: nobody */
	bool has_digest;
	uint8_t digest[IMG_DIGEST_SIZE];
};

struct img_audit {
	int fd;
	char *file;
	char *by;
	unsigned uid;
	struct img_buf added; /* of struct added */
	struct img_buf out;
	uint64_t head_n;
	char head[IMG_DIGEST_HEX];
	bool broken; /* a sync failed: what follows would hang in the air */
};

/* The entry of a new log must survive a power cut, too. */
static int sync_dir(const char *dir, struct img_err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return img_err_sys(err, "%s", dir);
	rc = img_sync_fd(fd, dir, err);
	close(fd);
	return rc;
}

int img_audit_open(struct img_audit **out, const char *dir, const char *by,
		   enum img_mode mode, struct img_err *err)
{
	int flags = mode == IMG_WRITE ? O_RDWR | O_APPEND | O_CREAT : O_RDONLY;
	struct img_audit *a = calloc(1, sizeof(*a));
	char path[IMG_PATH_MAX];
	struct stat st;

	if (!a)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	a->fd = -1;
	a->uid = (unsigned)getuid();
	img_buf_init(&a->added, ADDED_MAX);
	img_buf_init(&a->out, ADDED_MAX);
	if (img_path_join(path, sizeof(path), dir, "audit.log", err) < 0)
		goto fail;
	a->file = strdup(path);
	a->by = strdup(by);
	if (!a->file || !a->by) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		goto fail;
	}
	/* O_NONBLOCK: a FIFO in its place must not hang us. */
	a->fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (a->fd < 0 || fstat(a->fd, &st) < 0) {
		img_err_sys(err, "%s", path);
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		img_err_set(err, IMG_E_MALFORMED, "%s: not a file", path);
		goto fail;
	}
	if (mode == IMG_WRITE && lseek(a->fd, 0, SEEK_END) == 0 &&
	    sync_dir(dir, err) < 0)
		goto fail;
	*out = a;
	return 0;
fail:
	img_audit_close(a);
	return -1;
}

void img_audit_close(struct img_audit *a)
{
	if (!a)
		return;
	if (a->fd >= 0)
		close(a->fd);
	img_buf_release(&a->added);
	img_buf_release(&a->out);
	free(a->file);
	free(a->by);
	free(a);
}

int img_audit_add_from(struct img_audit *a, const char *act,
		       const uint8_t *digest, const char *from,
		       struct img_err *err)
{
	struct added one = { .has_digest = digest != NULL };

	snprintf(one.act, sizeof(one.act), "%s", act);
	snprintf(one.from, sizeof(one.from), "%s", from ? from : "");
	for (char *s = one.from; *s; s++) /* no text that needs escapes */
		if (*s < ' ' || *s > '~' || *s == '"' || *s == '\\')
			*s = '?';
	if (digest)
		memcpy(one.digest, digest, sizeof(one.digest));
	return img_buf_add(&a->added, &one, sizeof(one), err);
}

int img_audit_add(struct img_audit *a, const char *act, const uint8_t *digest,
		  struct img_err *err)
{
	return img_audit_add_from(a, act, digest, NULL, err);
}

void img_audit_rollback(struct img_audit *a)
{
	img_buf_reset(&a->added);
}

/* ---- appending -------------------------------------------------------- */

struct tail {
	off_t size; /* end of the last whole line */
	uint64_t n; /* its number; 0: the log is empty */
	char prev[IMG_DIGEST_HEX];
	bool torn; /* bytes without a newline follow */
};

static void hash_line(char hex[IMG_DIGEST_HEX], const char *line, size_t n)
{
	uint8_t digest[IMG_DIGEST_SIZE];

	img_digest_of(digest, line, n);
	img_hex(hex, digest, sizeof(digest));
}

/* The last whole line within the last bytes of the file. */
static int read_tail(struct img_audit *a, struct tail *t, struct img_err *err)
{
	char block[4 * LINE], *end, *begin;
	struct stat st;
	off_t from;
	ssize_t n;

	memset(t, 0, sizeof(*t));
	memset(t->prev, '0', IMG_DIGEST_HEX - 1);
	if (fstat(a->fd, &st) < 0)
		return img_err_sys(err, "%s", a->file);
	from = st.st_size > (off_t)sizeof(block)
		       ? st.st_size - (off_t)sizeof(block)
		       : 0;
	n = img_pread_full(a->fd, block, sizeof(block), from);
	if (n < 0)
		return img_err_sys(err, "%s", a->file);
	end = n ? memrchr(block, '\n', (size_t)n) : NULL;
	if (!end && from)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: ends in a line that is not ours",
				   a->file);
	t->size = end ? from + (end - block) + 1 : 0;
	t->torn = t->size != st.st_size;
	if (!end)
		return 0;
	begin = memrchr(block, '\n', (size_t)(end - block));
	begin = begin ? begin + 1 : block;
	*end = '\0';
	if (sscanf(begin, "{\"n\":%lu,", &t->n) != 1 || t->n == 0)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: ends in a line that is not ours",
				   a->file);
	hash_line(t->prev, begin, (size_t)(end - begin));
	return 0;
}

static int add_line(struct img_audit *a, struct tail *t, const char *now,
		    const struct added *one, struct img_err *err)
{
	size_t begin = a->out.len;
	char hex[IMG_DIGEST_HEX], line[LINE];
	int n;

	img_hex(hex, one->digest, sizeof(one->digest));
	n = snprintf(line, sizeof(line),
		     "{\"n\":%lu,\"time\":\"%s\",\"by\":\"%s\",\"uid\":%u,"
		     "\"act\":\"%s\",%s%s%s%s%s%s\"prev\":\"%s\"}\n",
		     ++t->n, now, a->by, a->uid, one->act,
		     *one->from ? "\"from\":\"" : "", one->from,
		     *one->from ? "\"," : "",
		     one->has_digest ? "\"digest\":\"" : "",
		     one->has_digest ? hex : "", one->has_digest ? "\"," : "",
		     t->prev);
	if (n < 0 || (size_t)n >= sizeof(line))
		return img_err_set(err, IMG_E_BUG, "audit line too long");
	if (img_buf_add(&a->out, line, (size_t)n, err) < 0)
		return -1;
	hash_line(t->prev, a->out.data + begin, (size_t)n - 1);
	return 0;
}

static int cut_torn(struct img_audit *a, struct tail *t, const char *now,
		    struct img_err *err)
{
	const struct added one = { .act = "recovered" };

	if (!t->torn)
		return 0;
	if (ftruncate(a->fd, t->size) < 0)
		return img_err_sys(err, "%s", a->file);
	return add_line(a, t, now, &one, err);
}

int img_audit_commit(struct img_audit *a, struct img_err *err)
{
	size_t n = a->added.len / sizeof(struct added);
	char now[IMG_TIME_MAX];
	struct tail t;
	int rc = -1;

	if (n == 0)
		return 0;
	if (a->broken) {
		img_audit_rollback(a);
		return img_err_set(err, IMG_E_IO, "%s: an earlier sync failed",
				   a->file);
	}
	img_time_now(now);
	img_buf_reset(&a->out);
	if (read_tail(a, &t, err) < 0 || cut_torn(a, &t, now, err) < 0)
		goto out;
	for (size_t i = 0; i < n; i++) {
		struct added one;

		memcpy(&one, a->added.data + i * sizeof(one), sizeof(one));
		if (add_line(a, &t, now, &one, err) < 0)
			goto out;
	}
	if (img_write_full(a->fd, a->out.data, a->out.len) < 0) {
		img_err_sys(err, "%s", a->file);
		/* Nothing of a batch that failed may stay in the chain. */
		if (ftruncate(a->fd, t.size) < 0)
			goto out;
		goto out;
	}
	if (fdatasync(a->fd) < 0) {
		a->broken = true;
		img_err_sys(err, "%s: sync", a->file);
		goto out;
	}
	a->head_n = t.n;
	memcpy(a->head, t.prev, sizeof(a->head));
	rc = 0;
out:
	img_buf_reset(&a->added);
	return rc;
}

bool img_audit_head(const struct img_audit *a, uint64_t *lines,
		    char head[IMG_DIGEST_HEX])
{
	*lines = a->head_n;
	memcpy(head, a->head, IMG_DIGEST_HEX);
	return a->head_n > 0;
}

/* ---- reading ---------------------------------------------------------- */

struct walk {
	uint64_t n;
	char prev[IMG_DIGEST_HEX];
	const char *what;
	uint64_t at;         /* a line that is known, */
	const char *at_head; /* and its hash */
	int (*f)(void *arg, const char *act, const uint8_t *digest,
		 struct img_err *err);
	void *arg;
};

/* 1 good, 0 broken (w->what), -1 f failed. */
static int check_line(struct walk *w, const char *line, size_t n,
		      struct img_err *err)
{
	struct img_err ignore = IMG_ERR_INIT;
	struct img_json *j = img_json_parse(line, n, &ignore);
	const char *prev = j ? img_json_get(j, "prev") : NULL;
	const char *act = j ? img_json_get(j, "act") : NULL;
	const char *hex = j ? img_json_get(j, "digest") : NULL;
	uint8_t digest[IMG_DIGEST_SIZE];
	uint64_t number;
	int rc = 0;

	if (!j || !act || !prev || !img_json_get_u64(j, "n", &number) ||
	    (hex && !img_unhex(digest, sizeof(digest), hex)))
		w->what = "not a line of this log";
	else if (strcmp(prev, w->prev) != 0)
		w->what = "does not follow the line before";
	else if (number != w->n + 1)
		w->what = "number out of order";
	else
		rc = 1;
	if (rc == 1 && w->f && w->f(w->arg, act, hex ? digest : NULL, err) < 0)
		rc = -1;
	img_json_free(j);
	if (rc == 1) {
		hash_line(w->prev, line, n);
		w->n++;
	}
	if (rc == 1 && w->n == w->at && strcmp(w->prev, w->at_head) != 0) {
		w->what = "not the line that the catalog knows";
		w->n--;
		return 0;
	}
	return rc;
}

static int walk(struct img_audit *a, struct walk *w, struct img_err *err)
{
	int fd = fcntl(a->fd, F_DUPFD_CLOEXEC, 3), rc = 1;
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
	char line[LINE + 2];

	memset(w->prev, '0', IMG_DIGEST_HEX - 1);
	w->prev[IMG_DIGEST_HEX - 1] = '\0';
	if (!in) {
		if (fd >= 0)
			close(fd);
		return img_err_sys(err, "%s", a->file);
	}
	rewind(in);
	while (rc == 1 && fgets(line, sizeof(line), in)) {
		size_t n = strlen(line);

		/* A NUL in it ends it early, without a newline. */
		if (!n || line[n - 1] != '\n' || n > LINE) {
			w->what = "cut off, or not a line of this log";
			rc = 0;
		} else {
			rc = check_line(w, line, n - 1, err);
		}
	}
	if (rc == 1 && ferror(in))
		rc = img_err_sys(err, "%s", a->file);
	fclose(in);
	return rc;
}

int img_audit_verify(struct img_audit *a, struct img_audit_check *out,
		     struct img_err *err)
{
	struct walk w = { .at = out->at, .at_head = out->at_head };

	if (walk(a, &w, err) < 0)
		return -1;
	if (!w.what && w.n < w.at)
		w.what = "the newest lines are gone";
	out->lines = w.n;
	out->what = w.what;
	out->broken = w.what ? w.n + 1 : 0;
	memcpy(out->head, w.prev, sizeof(out->head));
	return 0;
}

int img_audit_each(struct img_audit *a,
		   int (*f)(void *arg, const char *act, const uint8_t *digest,
			    struct img_err *err),
		   void *arg, struct img_err *err)
{
	struct walk w = { .f = f, .arg = arg };

	return walk(a, &w, err) < 0 ? -1 : 0;
}
