/*
 * catalog.c - fuzz target of a damaged catalog.db.
 *
 * The first byte says how, the rest are changes to a good catalog: a place
 * (two bytes of it, times 8 and a digit) and bytes to put there.  1: the sums
 * of the pages are made good again, as by somebody who means it; 2: the rows
 * are written to as well; 4: the file is cut off at the last place.
 * Whatever comes in: no crash, no hang, a verdict.  A change is found by the
 * sums of the pages, and what is found in a catalog whose checks are content
 * is what was put in.
 */
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>

#include "catalog/inside.h"
#include "heap.h"

#define INSTANCES 9
#define PAGE_MAX  65536

static char folder[64], file[96];
static uint8_t *good;
static size_t size_good;

static void must_work(int rc, const struct img_err *err)
{
	if (rc < 0)
		fuzz_wrong("a catalog of our own", err);
}

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

/* ---- a good one ------------------------------------------------------- */

static void put(struct img_catalog *c, unsigned i, struct img_err *err)
{
	struct img_instance in = { .bytes = 100 + i,
				   .digest = { (uint8_t)i, 7 } };
	char study[32], series[32], sop[32], patient[8];
	struct img_put out;
	struct img_seen seen = { .container = "/disc",
				 .name = sop,
				 .status = "stored",
				 .instance = -1,
				 .object = -1 };

	snprintf(patient, sizeof(patient), "P%u", i / 6);
	snprintf(study, sizeof(study), "2.25.%u", i / 3);
	snprintf(series, sizeof(series), "2.25.%u.%u", i / 3, i / 2);
	/* The last two are a conflict. */
	snprintf(sop, sizeof(sop), "2.25.7.%u", i < 8 ? i : 7);
	in.field[img_catalog_field("PatientID")] = patient;
	in.field[img_catalog_field("PatientName")] = "Test^Synthetic";
	in.field[img_catalog_field("StudyInstanceUID")] = study;
	in.field[img_catalog_field("SeriesInstanceUID")] = series;
	in.field[img_catalog_field("SOPInstanceUID")] = sop;
	in.field[img_catalog_field("StudyDate")] = "20240102";
	in.field[img_catalog_field("Modality")] = "CT";
	must_work(img_catalog_put(c, &in, IMG_KEEP, &out, err), err);
	seen.instance = out.instance;
	seen.object = out.object;
	must_work(img_catalog_remember(c, &seen, err), err);
}

static void make(struct img_err *err)
{
	struct img_catalog *c = NULL;
	struct img_sent sent = { .peer = "PEER",
				 .sop = "2.25.7.1",
				 .digest = (const uint8_t[32]){ 1, 7 },
				 .status = "sent",
				 .proof = "response" };
	char head[IMG_DIGEST_HEX];

	memset(head, 'a', sizeof(head) - 1);
	head[IMG_DIGEST_HEX - 1] = '\0';
	must_work(img_catalog_open(&c, folder, IMG_WRITE, err), err);
	must_work(img_catalog_begin(c, err), err);
	for (unsigned i = 0; i < INSTANCES; i++)
		put(c, i, err);
	must_work(img_catalog_note_sent(c, &sent, err), err);
	must_work(img_catalog_note_audit(c, 9, head, err), err);
	must_work(img_catalog_commit(c, err), err);
	must_work(img_catalog_settle(c, err), err);
	img_catalog_close(c);
}

static void clean(void)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
	char name[128];

	for (unsigned i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s%s", file, ends[i]);
		unlink(name);
	}
	rmdir(folder);
}

static void prepare(void)
{
	struct img_err err = IMG_ERR_INIT;
	struct stat st;
	int fd;

	if (good)
		return;
	heap_prepare();
	fuzz_folder(folder, "catalog");
	snprintf(file, sizeof(file), "%s/catalog.db", folder);
	must_work(img_crypto_init(&err), &err);
	make(&err);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		exit(3);
	size_good = (size_t)st.st_size;
	good = malloc(size_good);
	if (!good || img_read_full(fd, good, size_good) != (ssize_t)size_good)
		exit(3);
	close(fd);
	clean();
}

/* ---- damage ----------------------------------------------------------- */

/* The sum of a page, as sums.c has it. */
static void resum(uint8_t *p, size_t n, unsigned page)
{
	for (size_t at = 0; at + page <= n; at += page) {
		uint64_t sum = img_sum64(p + at, page - 8) ^
			       (at / page + 1) * 0x9E3779B97F4A7C15u;

		for (unsigned i = 0; i < 8; i++)
			p[at + page - 8 + i] = (uint8_t)(sum >> 8 * i);
	}
}

static size_t damage(struct fuzz_in *in, uint8_t *p, unsigned how)
{
	unsigned page = (unsigned)p[16] << 8 | p[17];
	size_t n = size_good, at = 0;

	for (unsigned i = 0; in->n > 2 && i < 200; i++) {
		size_t word = fuzz_word(in), few = fuzz_byte(in);
		const uint8_t *bytes;

		at = (word * 8 + few / 32) % size_good;
		few = few % 32 + 1;
		bytes = fuzz_take(in, &few);
		for (size_t k = 0; k < few && at + k < size_good; k++)
			p[at + k] = bytes[k];
	}
	if (how & 4)
		n = at;
	if (how & 1 && page >= 512)
		resum(p, n, page);
	return n;
}

/* ---- reading ---------------------------------------------------------- */

static int count_text(void *arg, const char *what, int64_t instance,
		      struct img_err *err)
{
	(void)instance, (void)err;
	fuzz_must(what && *what, "nothing is told");
	++*(unsigned *)arg;
	return 0;
}

static int count_page(void *arg, uint64_t page, struct img_err *err)
{
	(void)page, (void)err;
	++*(unsigned *)arg;
	return 0;
}

static int count_objects(void *arg, const struct img_object *o, size_t n,
			 struct img_err *err)
{
	(void)err;
	for (size_t i = 0; i < n; i++)
		if (!o[i].sop)
			fuzz_wrong("an object without a name", NULL);
	*(unsigned *)arg += (unsigned)n;
	return 0;
}

static int see(void *arg, const struct img_seen *s, struct img_err *err)
{
	(void)err;
	*(unsigned *)arg += s->name && s->status;
	return 0;
}

/* Every level, all fields, sorted; what is found, as a sum. */
static uint64_t ask(struct img_catalog *c, unsigned level, unsigned *n,
		    struct img_err *err)
{
	static const char *const sorts[] = { "PatientName", "StudyDate",
					     "SeriesNumber", "SOPInstanceUID" };
	struct img_query_sort sort = { img_query_field(sorts[level]), true };
	struct img_query_key key = { img_query_field("PatientName"), "test*" };
	int fields[IMG_FIELDS_MAX];
	struct img_query q = { .level = (enum img_level)level,
			       .key = &key,
			       .keys = 1,
			       .sort = &sort,
			       .sorts = 1,
			       .field = fields,
			       .objects = level == IMG_IMAGE };
	struct img_digest d;
	uint8_t digest[IMG_DIGEST_SIZE];
	struct img_rows *r = NULL;
	struct img_row row;
	uint64_t sum;
	int rc;

	for (int i = 0; i < IMG_F_COUNT && img_query_field("Rows") >= i; i++)
		fields[q.fields++] = i;
	/* Lower levels give no UIDs here. */
	if (level < IMG_IMAGE) {
		fields[0] = img_query_field("PatientID");
		fields[1] = img_query_field("PatientName");
		q.fields = 2;
	}
	img_digest_init(&d);
	rc = img_catalog_query(c, &q, &r, err);
	while (rc == 0 && (rc = img_rows_next(r, &row, err)) == 1) {
		for (size_t i = 0; i < q.fields; i++)
			if (row.value[i])
				img_digest_add(&d, row.value[i],
					       strlen(row.value[i]) + 1);
		++*n;
		rc = 0;
	}
	fuzz_verdict(rc < 0 ? -1 : 0, err);
	img_rows_close(r);
	img_digest_end(&d, digest);
	memcpy(&sum, digest, sizeof(sum));
	return sum;
}

struct answers {
	uint64_t sum[4];
	unsigned n[4], objects, seen, expanded;
};

static int read_all(struct img_catalog *c, struct answers *a)
{
	const struct img_catalog_scope scope = { 0 };
	const struct img_scope all = { .level = IMG_STUDY, .uid = "2.25.1" };
	struct img_err err = IMG_ERR_INIT;
	struct img_objects *o = NULL;
	struct img_object one;
	enum img_level level;
	bool ok;
	int rc;

	memset(a, 0, sizeof(*a));
	for (unsigned i = 0; i < 4; i++) {
		a->sum[i] = ask(c, i, &a->n[i], &err);
		if (err.code)
			return -1;
	}
	rc = img_catalog_pages(c, &scope, count_objects, &a->objects, &err);
	fuzz_verdict(rc, &err);
	if (rc == 0)
		rc = img_catalog_seen_each(c, "/disc", see, &a->seen, &err);
	fuzz_verdict(rc, &err);
	if (rc == 0)
		rc = img_catalog_expand(c, &all, &o, &err);
	while (rc == 0 && (rc = img_objects_next(o, &one, &err)) == 1) {
		a->expanded++;
		rc = 0;
	}
	fuzz_verdict(rc < 0 ? -1 : 0, &err);
	img_objects_close(o);
	if (rc == 0)
		rc = img_catalog_level_of(c, "2.25.7.3", &level, &err);
	if (rc >= 0)
		rc = img_catalog_row_ok(c, 1, 0, &ok, &err);
	fuzz_verdict(rc < 0 ? -1 : 0, &err);
	return rc < 0 ? -1 : 0;
}

/* What an import does: it may fail, and that is all. */
static void write_to(void)
{
	struct img_catalog *c = NULL;
	struct img_err err = IMG_ERR_INIT;
	int rc = img_catalog_open(&c, folder, IMG_WRITE, &err);

	fuzz_verdict(rc, &err);
	if (rc < 0)
		return;
	rc = img_catalog_begin(c, &err);
	if (rc == 0) {
		struct img_instance in = { .bytes = 1, .digest = { 99 } };
		struct img_put out;

		in.field[img_catalog_field("PatientID")] = "P0";
		in.field[img_catalog_field("StudyInstanceUID")] = "2.25.0";
		in.field[img_catalog_field("SeriesInstanceUID")] = "2.25.0.0";
		in.field[img_catalog_field("SOPInstanceUID")] = "2.25.7.77";
		rc = img_catalog_put(c, &in, IMG_KEEP, &out, &err);
		fuzz_verdict(rc, &err);
		if (rc == 0)
			rc = img_catalog_commit(c, &err);
		if (rc < 0)
			img_catalog_rollback(c);
	}
	fuzz_verdict(rc, &err);
	img_catalog_close(c);
}

static void check(const struct answers *want, bool same, bool summed)
{
	struct img_catalog *c = NULL;
	struct img_err err = IMG_ERR_INIT;
	unsigned rows = 0, pages = 0;
	struct answers got;
	bool whole;
	int rc;

	rc = img_catalog_check_file(file, false, count_page, &pages, &err);
	fuzz_verdict(rc, &err);
	whole = rc == 0 && pages == 0;
	fuzz_must(!same || whole, "a good page is said to be bad");
	img_err_clear(&err);
	rc = img_catalog_open(&c, folder, IMG_READ, &err);
	fuzz_verdict(rc, &err);
	if (rc < 0) {
		fuzz_must(!same, "a good catalog is refused");
		return;
	}
	rc = img_catalog_check(c, count_text, &rows, &err);
	fuzz_verdict(rc, &err);
	whole = whole && rc == 0 && rows == 0;
	if (read_all(c, &got) < 0)
		fuzz_must(!same, "a good catalog cannot be read");
	else if (whole && !summed && memcmp(&got, want, sizeof(got)) != 0)
		fuzz_wrong("another answer from what is said to be whole",
			   NULL);
	img_catalog_close(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct answers want;
	static bool asked;
	struct fuzz_in in = { data, size };
	unsigned how = fuzz_byte(&in);
	static uint8_t *p;
	size_t n;
	bool same;

	prepare();
	if (!p)
		p = malloc(size_good);
	if (!p)
		return 0;
	memcpy(p, good, size_good);
	if (mkdir(folder, 0700) < 0)
		exit(3);
	if (!asked) {
		struct img_catalog *c = NULL;
		struct img_err err = IMG_ERR_INIT;

		fuzz_file(file, p, size_good, 0600);
		must_work(img_catalog_open(&c, folder, IMG_READ, &err), &err);
		must_work(read_all(c, &want), &err);
		img_catalog_close(c);
		fuzz_must(want.n[3] == 8 && want.objects == INSTANCES &&
				  want.seen == 8,
			  "another catalog than was made");
		asked = true;
	}
	n = damage(&in, p, how);
	same = n == size_good && memcmp(p, good, n) == 0;
	fuzz_file(file, p, n, 0600);
	fuzz_fds(false);
	heap_check(false);
	check(&want, same, how & 1);
	if (how & 2)
		write_to();
	heap_check(true);
	fuzz_fds(true);
	clean();
	return 0;
}
