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
#include "kept.h"

#define INSTANCES 9
#define PAGES_MAX 64
#define KEPT_FOR  400 /* inputs */

static uint8_t *good;
static size_t size_good;

static struct place fresh, reads, writes;
static bool opens[PAGES_MAX]; /* pages that are read by opening */

static void must_work(int rc, const struct img_err *err)
{
	if (rc < 0)
		fuzz_wrong("a catalog of our own", err);
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
	must_work(img_catalog_open(&c, fresh.folder, IMG_WRITE, err), err);
	must_work(img_catalog_begin(c, err), err);
	for (unsigned i = 0; i < INSTANCES; i++)
		put(c, i, err);
	must_work(img_catalog_note_sent(c, &sent, err), err);
	must_work(img_catalog_note_audit(c, 9, head, err), err);
	must_work(img_catalog_commit(c, err), err);
	must_work(img_catalog_settle(c, err), err);
	img_catalog_close(c);
}

static void end(void)
{
	place_drop(&reads);
	place_drop(&writes);
	place_clean(&fresh, true);
	place_clean(&reads, true);
	place_clean(&writes, true);
}

/* Those of the schema. */
static void find_opens(struct img_err *err)
{
	struct img_catalog *c = NULL;
	sqlite3_stmt *st;
	unsigned n = 0;

	must_work(img_catalog_open(&c, fresh.folder, IMG_READ, err), err);
	st = img_catalog_prepare(c,
				 "SELECT pageno FROM dbstat('main')"
				 " WHERE name = 'sqlite_schema'",
				 err);
	while (st && img_catalog_step(c, st, "dbstat", err) == 1) {
		opens[(unsigned)sqlite3_column_int(st, 0) - 1] = true;
		n++;
	}
	sqlite3_finalize(st);
	fuzz_must(n > 1 && opens[0], "pages of the schema");
	img_catalog_close(c);
}

static void prepare(void)
{
	struct img_err err = IMG_ERR_INIT;
	struct stat st;
	int fd;

	if (good)
		return;
	heap_prepare();
	place_begin(&fresh, "catalog");
	place_begin(&reads, "catalog-r");
	place_begin(&writes, "catalog-w");
	must_work(img_crypto_init(&err), &err);
	make(&err);
	find_opens(&err);
	fd = open(fresh.file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		exit(3);
	size_good = (size_t)st.st_size;
	fuzz_must(size_good % PLACE_PAGE == 0 &&
			  size_good / PLACE_PAGE <= PAGES_MAX,
		  "another size of pages");
	good = malloc(size_good);
	reads.is = calloc(1, size_good);
	if (!good || !reads.is ||
	    img_read_full(fd, good, size_good) != (ssize_t)size_good)
		exit(3);
	close(fd);
	place_clean(&fresh, false);
	fuzz_file(reads.file, "", 0, 0600);
	fuzz_file(writes.file, "", 0, 0600);
	atexit(end);
}

/* ---- damage ----------------------------------------------------------- */

/* The sum of a page, as sums.c has it, where it is another. */
static void resum(uint8_t *p, size_t n, unsigned page)
{
	for (size_t at = 0; at + page <= n; at += page) {
		uint64_t sum;

		if (page == PLACE_PAGE && memcmp(p + at, good + at, page) == 0)
			continue;
		sum = img_sum64(p + at, page - 8) ^
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
		if (!o[i].study || !o[i].series || !o[i].sop || !o[i].added)
			fuzz_wrong("an object without a name", NULL);
	*(unsigned *)arg += (unsigned)n;
	return 0;
}

static int see(void *arg, const struct img_seen *s, struct img_err *err)
{
	(void)err;
	fuzz_must(s->name && s->status, "an input without a name");
	++*(unsigned *)arg;
	return 0;
}

/* Looked up once. */
static const char *const names[] = { "PatientName",  "StudyDate",
				     "SeriesNumber", "SOPInstanceUID",
				     "PatientID",    "Rows" };
static int field_of[6];

/* Every level, all fields, sorted; what is found, as a sum. */
static uint64_t ask(struct img_catalog *c, unsigned level, unsigned *n,
		    struct img_err *err)
{
	struct img_query_sort sort = { field_of[level], true };
	struct img_query_key key = { field_of[0], "test*" };
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

	for (int i = 0; i < IMG_F_COUNT && field_of[5] >= i; i++)
		fields[q.fields++] = i;
	/* Lower levels give no UIDs here. */
	if (level < IMG_IMAGE) {
		fields[0] = field_of[4];
		fields[1] = field_of[0];
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
static void write_to(struct img_catalog *c)
{
	struct img_err err = IMG_ERR_INIT;
	int rc = img_catalog_begin(c, &err);

	if (rc == 0) {
		struct img_instance in = { .bytes = 1, .digest = { 99 } };
		struct img_put out;

		in.field[IMG_F_PATIENT_ID] = "P0";
		in.field[IMG_F_STUDY] = "2.25.0";
		in.field[IMG_F_SERIES] = "2.25.0.0";
		in.field[IMG_F_SOP] = "2.25.7.77";
		rc = img_catalog_put(c, &in, IMG_KEEP, &out, &err);
		fuzz_verdict(rc, &err);
		if (rc == 0)
			rc = img_catalog_commit(c, &err);
		if (rc < 0)
			img_catalog_rollback(c);
	}
	fuzz_verdict(rc, &err);
}

static void write_fresh(void)
{
	struct img_catalog *c = NULL;
	struct img_err err = IMG_ERR_INIT;
	int rc = img_catalog_open(&c, fresh.folder, IMG_WRITE, &err);

	fuzz_verdict(rc, &err);
	if (rc == 0)
		write_to(c);
	img_catalog_close(c);
}

/* Written to, and with nothing left in its log; else it is kept no longer. */
static void write_kept(void)
{
	struct img_err err = IMG_ERR_INIT;
	char log[128];
	struct stat st, wal;
	int rc;

	write_to(writes.c);
	kept_rest(writes.c->db, writes.c->row_ok);
	rc = img_catalog_settle(writes.c, &err);
	fuzz_verdict(rc, &err);
	snprintf(log, sizeof(log), "%s-wal", writes.file);
	if (rc < 0 || stat(writes.file, &st) < 0 ||
	    (size_t)st.st_size != size_good ||
	    (stat(log, &wal) == 0 && wal.st_size > 0))
		place_drop(&writes);
}

/* ---- checking --------------------------------------------------------- */

static bool check_pages(const struct place *at, bool same)
{
	struct img_err err = IMG_ERR_INIT;
	unsigned pages = 0;
	int rc = img_catalog_check_file(at->file, false, count_page, &pages,
					&err);

	fuzz_verdict(rc, &err);
	fuzz_must(!same || (rc == 0 && pages == 0),
		  "a good page is said to be bad");
	return rc == 0 && pages == 0;
}

static void check(struct img_catalog *c, const struct answers *want, bool same,
		  bool summed, bool whole)
{
	struct img_err err = IMG_ERR_INIT;
	struct answers got;
	unsigned rows = 0;
	int rc = img_catalog_check(c, count_text, &rows, &err);

	fuzz_verdict(rc, &err);
	whole = whole && rc == 0 && rows == 0;
	if (read_all(c, &got) < 0)
		fuzz_must(!same, "a good catalog cannot be read");
	else if (whole && !summed && memcmp(&got, want, sizeof(got)) != 0)
		fuzz_wrong("another answer from what is said to be whole",
			   NULL);
}

static void check_fresh(const struct answers *want, bool same, bool summed)
{
	struct img_catalog *c = NULL;
	struct img_err err = IMG_ERR_INIT;
	bool whole = check_pages(&fresh, same);
	int rc = img_catalog_open(&c, fresh.folder, IMG_READ, &err);

	fuzz_verdict(rc, &err);
	fuzz_must(!same || rc == 0, "a good catalog is refused");
	if (rc == 0)
		check(c, want, same, summed, whole);
	img_catalog_close(c);
}

/* What has to be opened anew: all where a page is damaged that opening reads,
   and where the size is another. */
static bool is_fresh(const uint8_t *p, size_t n)
{
	bool is = n != size_good;

	for (size_t i = 0; !is && i < n; i += PLACE_PAGE)
		is = opens[i / PLACE_PAGE] &&
		     memcmp(p + i, good + i, PLACE_PAGE) != 0;
	return is;
}

static void run(const uint8_t *p, size_t n, unsigned how)
{
	static struct answers want;
	static bool asked;
	bool same = n == size_good && memcmp(p, good, n) == 0;

	if (!asked) {
		struct img_err err = IMG_ERR_INIT;

		for (unsigned i = 0; i < 6; i++)
			field_of[i] = img_query_field(names[i]);
		must_work(read_all(reads.c, &want), &err);
		kept_rest(reads.c->db, reads.c->row_ok);
		fuzz_must(want.n[3] == 8 && want.objects == INSTANCES &&
				  want.seen == 8,
			  "another catalog than was made");
		asked = true;
	}
	if (is_fresh(p, n)) {
		heap_check(false);
		place_put(&fresh, p, n);
		check_fresh(&want, same, how & 1);
		if (how & 2)
			write_fresh();
		place_clean(&fresh, false);
		heap_check(true);
		return;
	}
	place_put(&reads, p, n);
	check(reads.c, &want, same, how & 1, check_pages(&reads, same));
	kept_rest(reads.c->db, reads.c->row_ok);
	if (how & 2) {
		place_put(&writes, p, n);
		write_kept();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	unsigned how = fuzz_byte(&in);
	static size_t blocks;
	static unsigned count;
	static uint8_t *p;
	size_t n;

	prepare();
	if (!p)
		p = malloc(size_good);
	if (!p)
		return 0;
	/* What is kept is closed now and then, and memory looked for. */
	if (count++ % KEPT_FOR == 0) {
		place_drop(&reads);
		place_drop(&writes);
		fuzz_must(count == 1 || heap.blocks <= blocks,
			  "memory of SQLite's stays in use");
		blocks = heap.blocks;
	}
	place_keep(&reads, IMG_READ, good, size_good);
	place_keep(&writes, IMG_WRITE, good, size_good);
	memcpy(p, good, size_good);
	n = damage(&in, p, how);
	fuzz_fds(false);
	run(p, n, how);
	fuzz_fds(true);
	return 0;
}
