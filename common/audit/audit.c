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
#define PEER_MAX  96
#define LINE      1024 /* longest line we write */

struct added {
	char act[ACT_MAX];
	char from[PEER_MAX]; /* plain text; empty: nobody */
	char to[PEER_MAX];
	uint64_t count;
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
	bool appended;             /* lines are in the file, and not durable, */
	off_t from;                /* from here on; */
	uint64_t n;                /* the number of the last one, */
	char head[IMG_DIGEST_HEX]; /* and its hash */
	bool foreign;              /* its end is none of ours */
	bool broken; /* a sync failed: what follows would hang in the air */
};

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
	if (mode == IMG_WRITE && st.st_size == 0)
		img_give(a->fd, AT_FDCWD, dir);
	if (mode == IMG_WRITE && lseek(a->fd, 0, SEEK_END) == 0 &&
	    img_sync_dir(dir, err) < 0)
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

/* No text that needs escapes. */
static void plain(char out[PEER_MAX], const char *text)
{
	snprintf(out, PEER_MAX, "%s", text ? text : "");
	for (char *s = out; *s; s++)
		if (*s < ' ' || *s > '~' || *s == '"' || *s == '\\')
			*s = '?';
}

int img_audit_add(struct img_audit *a, const struct img_audit_line *line,
		  struct img_err *err)
{
	struct added one = { .has_digest = line->digest != NULL,
			     .count = line->count };

	snprintf(one.act, sizeof(one.act), "%s", line->act);
	plain(one.from, line->from);
	plain(one.to, line->to);
	if (line->digest)
		memcpy(one.digest, line->digest, sizeof(one.digest));
	return img_buf_add(&a->added, &one, sizeof(one), err);
}

bool img_audit_is_foreign(const struct img_audit *a)
{
	return a->foreign;
}

size_t img_audit_added(const struct img_audit *a)
{
	return a->added.len / sizeof(struct added);
}

void img_audit_rollback(struct img_audit *a)
{
	img_buf_reset(&a->added);
	/* Nothing of a batch that failed may stay in the chain; what stays all
	   the same is a line too many. */
	if (a->appended && ftruncate(a->fd, a->from) < 0)
		a->broken = true;
	a->appended = false;
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

/* The last whole line of size bytes in block, which begin at from.  1 found,
   0 there is none among them. */
static int find_tail(struct tail *t, char *block, size_t size, off_t from)
{
	char *end = size ? memrchr(block, '\n', size) : NULL, *begin;

	t->size = end ? from + (end - block) + 1 : 0;
	if (!end)
		return !from;
	begin = memrchr(block, '\n', (size_t)(end - block));
	if (!begin && from)
		return 0;
	begin = begin ? begin + 1 : block;
	*end = '\0';
	if (sscanf(begin, "{\"n\":%lu,", &t->n) != 1 || t->n == 0)
		return 0;
	hash_line(t->prev, begin, (size_t)(end - begin));
	return 1;
}

/* A power cut may leave zeros in the place of lines that were on their way,
   up to the end of a block of the file system; so it is looked for twice. */
static int read_tail(struct img_audit *a, struct tail *t, struct img_err *err)
{
	static const size_t sizes[] = { 4 * (size_t)LINE, 128 * (size_t)LINE };
	char *block = NULL;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < 2; i++) {
		struct stat st;
		off_t from;
		ssize_t n;

		free(block);
		block = malloc(sizes[i]);
		if (!block)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		memset(t, 0, sizeof(*t));
		memset(t->prev, '0', IMG_DIGEST_HEX - 1);
		if (fstat(a->fd, &st) < 0) {
			rc = img_err_sys(err, "%s", a->file);
			break;
		}
		from = st.st_size - (off_t)sizes[i];
		from = from < 0 ? 0 : from;
		n = img_pread_full(a->fd, block, sizes[i], from);
		if (n < 0) {
			rc = img_err_sys(err, "%s", a->file);
			break;
		}
		rc = find_tail(t, block, (size_t)n, from);
		t->torn = t->size != st.st_size;
	}
	free(block);
	a->foreign = rc == 0;
	if (rc == 0)
		img_err_set(err, IMG_E_MALFORMED,
			    "%s: ends in a line that is not ours", a->file);
	return rc > 0 ? 0 : -1;
}

static int put_count(struct img_buf *b, uint64_t count, struct img_err *err)
{
	return count ? img_buf_printf(b, err, "\"count\":%llu,",
				      (unsigned long long)count)
		     : 0;
}

static int put_text(struct img_buf *b, const char *key, const char *text,
		    struct img_err *err)
{
	return *text ? img_buf_printf(b, err, "\"%s\":\"%s\",", key, text) : 0;
}

static int add_line(struct img_audit *a, struct tail *t, const char *now,
		    const struct added *one, struct img_err *err)
{
	struct img_buf *b = &a->out;
	char hex[IMG_DIGEST_HEX] = "";
	size_t begin = b->len;

	if (one->has_digest)
		img_hex(hex, one->digest, sizeof(one->digest));
	if (img_buf_printf(b, err,
			   "{\"n\":%llu,\"time\":\"%s\",\"by\":\"%s\","
			   "\"uid\":%u,",
			   (unsigned long long)++t->n, now, a->by,
			   a->uid) < 0 ||
	    put_text(b, "act", one->act, err) < 0 ||
	    put_text(b, "from", one->from, err) < 0 ||
	    put_text(b, "to", one->to, err) < 0 ||
	    put_count(b, one->count, err) < 0 ||
	    put_text(b, "digest", hex, err) < 0 ||
	    img_buf_printf(b, err, "\"prev\":\"%s\"}\n", t->prev) < 0)
		return -1;
	if (b->len - begin > LINE)
		return img_err_set(err, IMG_E_BUG, "audit line too long");
	hash_line(t->prev, b->data + begin, b->len - begin - 1);
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

/* Lines that were there are not: the chain says so from here on. */
static int tell_cut(struct img_audit *a, struct tail *t, const char *now,
		    const struct img_audit_keeper *k, struct img_err *err)
{
	struct added one = { .act = "cut" };
	char head[IMG_DIGEST_HEX];
	uint64_t lines;
	int known = k->known(k->arg, &lines, head, err);

	if (known < 0)
		return -1;
	if (!known || t->n > lines ||
	    (t->n == lines && strcmp(t->prev, head) == 0))
		return 0;
	one.count = lines - t->n;
	return add_line(a, t, now, &one, err);
}

static int append(struct img_audit *a, struct tail *t,
		  const struct img_audit_keeper *k, struct img_err *err)
{
	size_t n = img_audit_added(a);
	char now[IMG_TIME_MAX];

	img_time_now(now);
	img_buf_reset(&a->out);
	if (read_tail(a, t, err) < 0 || tell_cut(a, t, now, k, err) < 0 ||
	    cut_torn(a, t, now, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct added one;

		memcpy(&one, a->added.data + i * sizeof(one), sizeof(one));
		if (add_line(a, t, now, &one, err) < 0)
			return -1;
	}
	if (img_write_full(a->fd, a->out.data, a->out.len) == 0)
		return 0;
	img_err_sys(err, "%s", a->file);
	/* What stays all the same is cut by the next one. */
	if (ftruncate(a->fd, t->size) < 0)
		return -1;
	return -1;
}

int img_audit_append(struct img_audit *a, const struct img_audit_keeper *k,
		     struct img_err *err)
{
	struct tail t;
	int rc;

	if (img_audit_added(a) == 0)
		return 0;
	if (a->broken)
		rc = img_err_set(err, IMG_E_IO, "%s: an earlier sync failed",
				 a->file);
	else
		rc = append(a, &t, k, err);
	img_buf_reset(&a->added);
	if (rc < 0)
		return -1;
	if (!a->appended)
		a->from = t.size;
	a->appended = true;
	a->n = t.n;
	memcpy(a->head, t.prev, sizeof(a->head));
	return 0;
}

int img_audit_commit(struct img_audit *a, const struct img_audit_keeper *k,
		     struct img_err *err)
{
	if (img_audit_append(a, k, err) < 0) {
		img_audit_rollback(a);
		return -1;
	}
	if (!a->appended)
		return 0;
	a->appended = false;
	if (fdatasync(a->fd) < 0) {
		a->broken = true;
		return img_err_sys(err, "%s: sync", a->file);
	}
	return k->note(k->arg, a->n, a->head, err);
}

/* ---- reading ---------------------------------------------------------- */

struct walk {
	uint64_t n;
	char prev[IMG_DIGEST_HEX];
	const char *what;
	uint64_t at;         /* a line that is known, */
	const char *at_head; /* and its hash */
	bool verify;
	int (*f)(void *arg, const struct img_audit_entry *e,
		 struct img_err *err);
	void *arg;
};

static bool parse(const struct img_json *j, struct img_audit_entry *e)
{
	const char *hex = img_json_get(j, "digest");

	e->act = img_json_get(j, "act");
	e->by = img_json_get(j, "by");
	e->time = img_json_get(j, "time");
	e->from = img_json_get(j, "from");
	e->to = img_json_get(j, "to");
	e->has_digest = hex != NULL;
	(void)img_json_get_u64(j, "count", &e->count);
	return e->act && e->by && e->time && img_json_get_u64(j, "n", &e->n) &&
	       img_json_get_u64(j, "uid", &e->uid) &&
	       (!hex || img_unhex(e->digest, sizeof(e->digest), hex));
}

/* 1 good, 0 broken (w->what). */
static int check_line(struct walk *w, const struct img_json *j,
		      struct img_audit_entry *e)
{
	const char *prev = j ? img_json_get(j, "prev") : NULL;
	char hash[IMG_DIGEST_HEX];

	if (!prev || !parse(j, e)) {
		w->what = "not a line of this log";
		return 0;
	}
	hash_line(hash, e->text, e->text_n);
	if (strcmp(prev, w->prev) != 0)
		w->what = "does not follow the line before";
	else if (e->n != w->n + 1)
		w->what = "number out of order";
	else if (e->n == w->at && strcmp(hash, w->at_head) != 0)
		w->what = "not the line that the catalog knows";
	else if (w->verify && strcmp(e->act, "cut") == 0)
		w->what = "lines before it were cut off";
	if (w->what)
		return 0;
	memcpy(w->prev, hash, sizeof(hash));
	w->n++;
	return 1;
}

/* 1 good, 0 broken, -1. */
static int take_line(struct walk *w, const char *line, size_t n,
		     struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct img_json *j = img_json_parse(line, n, &why);
	struct img_audit_entry e = { .text = line, .text_n = n };
	int rc;

	if (why.code == IMG_E_NOMEM) /* which says nothing of the line */
		return img_err_set(err, why.code, "%s", why.text);
	rc = check_line(w, j, &e);
	if (rc == 1 && w->f && w->f(w->arg, &e, err) < 0)
		rc = -1;
	img_json_free(j);
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
			rc = take_line(w, line, n - 1, err);
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
	struct walk w = { .at = out->at,
			  .at_head = out->at_head,
			  .verify = true };

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
		   int (*f)(void *arg, const struct img_audit_entry *e,
			    struct img_err *err),
		   void *arg, struct img_err *err)
{
	struct walk w = { .f = f, .arg = arg };

	return walk(a, &w, err);
}
