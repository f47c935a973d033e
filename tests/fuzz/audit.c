/*
 * audit.c - fuzz target of the audit log.
 *
 * The first byte says whether the rest are the bytes of a log, or changes to a
 * good one: places, and bytes to put there, to take out or to cut off.
 * Whatever comes in: no crash, a verdict.  A log that is changed is broken,
 * given its newest line's hash; one that is not is whole.  What is appended
 * behind a torn line follows the lines before.
 */
#include "audit/audit.h"
#include "fuzz.h"

#define LINES 12

static char folder[64], file[96];
static struct img_buf good, bytes;
static char head[IMG_DIGEST_HEX];

static void must_work(int rc, const struct img_err *err)
{
	if (rc < 0)
		fuzz_wrong("a log of our own", err);
}

static void read_all(const char *path, struct img_buf *to)
{
	struct img_err err = IMG_ERR_INIT;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char block[4096];
	ssize_t n;

	img_buf_reset(to);
	while ((n = img_read_full(fd, block, sizeof(block))) > 0)
		must_work(img_buf_add(to, block, (size_t)n, &err), &err);
	close(fd);
}

/* ---- who keeps the newest line's hash --------------------------------- */

static int known(void *arg, uint64_t *lines, char out[IMG_DIGEST_HEX],
		 struct img_err *err)
{
	(void)arg, (void)lines, (void)out, (void)err;
	return 0;
}

static int note(void *arg, uint64_t lines, const char *newest,
		struct img_err *err)
{
	(void)err;
	*(uint64_t *)arg = lines;
	snprintf(head, sizeof(head), "%s", newest);
	return 0;
}

static uint64_t newest_line;
static const struct img_audit_keeper keeper = { known, note, &newest_line };

static void clean(void)
{
	unlink(file);
	rmdir(folder);
}

static void prepare(void)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_audit *a = NULL;
	uint8_t digest[IMG_DIGEST_SIZE] = { 1 };

	if (good.max)
		return;
	img_buf_init(&good, 1 << 20);
	img_buf_init(&bytes, 1 << 20);
	must_work(img_crypto_init(&err), &err);
	fuzz_folder(folder, "audit");
	snprintf(file, sizeof(file), "%s/audit.log", folder);
	must_work(img_audit_open(&a, folder, "fuzz", IMG_WRITE, &err), &err);
	for (unsigned i = 0; i < LINES; i++) {
		const struct img_audit_line line = {
			.act = i % 3 ? "stored" : "conflict",
			.digest = i % 4 ? digest : NULL,
			.from = i % 5 ? NULL : "PEER@10.0.0.1",
			.to = i % 7 ? NULL : "folder",
			.count = i % 6
		};

		digest[0] = (uint8_t)i;
		must_work(img_audit_add(a, &line, &err), &err);
		must_work(img_audit_commit(a, &keeper, &err), &err);
	}
	img_audit_close(a);
	read_all(file, &good);
	atexit(clean);
}

/* The file is made once: only what is in it is another. */
static void put_file(const struct img_buf *b)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)b->len) < 0 ||
	    img_write_full(fd, img_buf_str(b), b->len) < 0) {
		perror(file);
		exit(3);
	}
	close(fd);
}

/* ---- changes ---------------------------------------------------------- */

static void put(size_t at, const uint8_t *p, size_t n, bool over)
{
	struct img_err err = IMG_ERR_INIT;

	if (over && at + n <= bytes.len) {
		memcpy(bytes.data + at, p, n);
		return;
	}
	must_work(img_buf_grow(&bytes, n, &err), &err);
	memmove(bytes.data + at + n, bytes.data + at, bytes.len - at);
	memcpy(bytes.data + at, p, n);
	bytes.len += n;
}

static void change(struct fuzz_in *in)
{
	struct img_err err = IMG_ERR_INIT;

	must_work(img_buf_add(&bytes, good.data, good.len, &err), &err);
	for (unsigned i = 0; in->n && i < 40; i++) {
		unsigned how = fuzz_byte(in);
		size_t at = fuzz_word(in) % (bytes.len + 1);
		size_t n = how >> 3;
		const uint8_t *p;

		if (how % 8 == 7 && n == 31) {
			bytes.len = at;
		} else if (how % 8 == 6) { /* take out */
			n = n < bytes.len - at ? n : bytes.len - at;
			memmove(bytes.data + at, bytes.data + at + n,
				bytes.len - at - n);
			bytes.len -= n;
		} else if (how % 8 == 5) { /* what stands elsewhere */
			size_t from = fuzz_word(in) % (bytes.len + 1);

			n = n < bytes.len - from ? n : bytes.len - from;
			n = n < bytes.len - at ? n : bytes.len - at;
			memmove(bytes.data + at, bytes.data + from, n);
		} else {
			p = fuzz_take(in, &n);
			put(at, p, n, how & 1);
		}
	}
}

/* ---- reading ---------------------------------------------------------- */

static int count(void *arg, const struct img_audit_entry *e,
		 struct img_err *err)
{
	(void)err;
	fuzz_must(e->act && e->by && e->time, "a line without an act");
	++*(uint64_t *)arg;
	return 0;
}

static void check(struct img_audit *a, bool same)
{
	struct img_audit_check c = { .at = LINES };
	struct img_err err = IMG_ERR_INIT;
	uint64_t n = 0;
	int rc;

	memcpy(c.at_head, head, sizeof(head));
	rc = img_audit_verify(a, &c, &err);
	fuzz_verdict(rc, &err);
	fuzz_must(rc == 0 && (c.broken != 0) == (c.what != NULL), "no verdict");
	fuzz_must(c.broken == 0 || c.broken == c.lines + 1, "another line");
	if (same)
		fuzz_must(c.broken == 0 && c.lines == LINES &&
				  strcmp(c.head, head) == 0,
			  "a good log is broken");
	/* A whole log that was added to is whole. */
	if (!same && c.broken == 0)
		fuzz_must(bytes.len > good.len &&
				  memcmp(bytes.data, good.data, good.len) == 0,
			  "a changed log is whole");
	fuzz_verdict(img_audit_each(a, count, &n, &err) < 0 ? -1 : 0, &err);
	fuzz_must(n >= c.lines, "fewer lines than are good");
}

/* What an import does next. */
static void append(void)
{
	struct img_audit_check before = { 0 }, after = { 0 };
	struct img_err err = IMG_ERR_INIT, none = IMG_ERR_INIT;
	const struct img_audit_line line = { .act = "stored" };
	char kept[IMG_DIGEST_HEX];
	struct img_audit *a = NULL;
	int rc;

	memcpy(kept, head, sizeof(kept));
	must_work(img_audit_open(&a, folder, "fuzz", IMG_WRITE, &err), &err);
	must_work(img_audit_verify(a, &before, &err), &err);
	must_work(img_audit_add(a, &line, &err), &err);
	rc = img_audit_commit(a, &keeper, &err);
	memcpy(head, kept, sizeof(kept)); /* of the good one */
	fuzz_verdict(rc, &err);
	must_work(img_audit_verify(a, &after, &none), &none);
	if (rc == 0 && before.broken == 0)
		fuzz_must(after.broken == 0 && after.lines > before.lines,
			  "a whole log is broken by appending");
	fuzz_must(after.lines >= before.lines, "appending took lines away");
	img_audit_close(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct img_err err = IMG_ERR_INIT;
	struct img_audit *a = NULL;
	unsigned how = fuzz_byte(&in);
	bool same;

	prepare();
	fuzz_fds(false);
	img_buf_reset(&bytes);
	if (how & 1)
		must_work(img_buf_add(&bytes, in.p, in.n, &err), &err);
	else
		change(&in);
	same = bytes.len == good.len &&
	       memcmp(bytes.data, good.data, good.len) == 0;
	put_file(&bytes);
	must_work(img_audit_open(&a, folder, "fuzz", IMG_READ, &err), &err);
	check(a, same);
	img_audit_close(a);
	append();
	fuzz_fds(true);
	return 0;
}
