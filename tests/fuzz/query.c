/*
 * query.c - fuzz target of the query language: keys, dates, wildcards, names,
 * sorting, as SQL.
 *
 * The first byte is a level and options, then come lines of "Keyword=value";
 * a line without '=' is a field to give, with '-' or '+' first one to sort by.
 * Whatever comes in: no crash; a key is taken or wrong usage, never an error of
 * SQLite.  What is counted is what is found, in pieces as in one go, and each
 * key by itself finds just the rows whose value our matcher takes.
 */
#include <ftw.h>

#include "kept.h"
#include "store/store.h"
#include "work/find.h"

#define KEYS   6
#define BLOCKS 1000 /* that SQLite may keep: twice what it needs */

static struct img_catalog *cat;
static char folder[64];

/* ---- a catalog -------------------------------------------------------- */

static const struct {
	const char *const *values;
} rows[] = {
#define ROW(...)                                                               \
	{                                                                      \
		(const char *const[])                                          \
		{                                                              \
			__VA_ARGS__, NULL                                      \
		}                                                              \
	}
#define A                                                                      \
	"PatientID=A", "PatientName=Müller^Jürgen^Test",                       \
		"PatientBirthDate=19700131", "StudyInstanceUID=2.25.1",        \
		"StudyDate=20240115", "StudyTime=0930", "AccessionNumber=A1",  \
		"StudyDescription=CT [head]", "SeriesInstanceUID=2.25.1.1",    \
		"Modality=CT", "SeriesNumber=2"
	ROW(A, "SOPInstanceUID=2.25.1.1.1", "InstanceNumber=10",
	    "ImageType=ORIGINAL\\PRIMARY\\AXIAL", "Rows=512",
	    "ContentDate=20240115"),
	ROW(A, "SOPInstanceUID=2.25.1.1.2", "InstanceNumber=9",
	    "ImageType=DERIVED\\SECONDARY", "Rows=256"),
	ROW("PatientID=B", "PatientName=Yamada^Tarou=山田^太郎=やまだ^たろう",
	    "StudyInstanceUID=2.25.2", "StudyDate=20250630",
	    "StudyTime=120000.5", "SeriesInstanceUID=2.25.2.1", "Modality=MR",
	    "SOPInstanceUID=2.25.2.1.1", "InstanceNumber=-1",
	    "AcquisitionDateTime=20250630120000.25+0100"),
	ROW("PatientID=b%_*", "PatientName=O'Neil^\"; --",
	    "StudyInstanceUID=2.25.3", "StudyDate=19991231",
	    "SeriesInstanceUID=2.25.3.1", "SeriesNumber=1e2",
	    "SOPInstanceUID=2.25.3.1.1", "Rows=+7", "StudyDescription=a\\b'c"),
	ROW("StudyInstanceUID=2.25.4", "SeriesInstanceUID=2.25.4.1",
	    "SOPInstanceUID=2.25.4.1.1"),
};

static void put(unsigned i, struct img_err *err)
{
	struct img_instance in = { .bytes = i, .digest = { (uint8_t)i } };
	struct img_put out;
	char name[64];

	for (unsigned k = 0; rows[i].values[k]; k++) {
		const char *s = rows[i].values[k], *eq = strchr(s, '=');

		snprintf(name, sizeof(name), "%.*s", (int)(eq - s), s);
		in.field[img_catalog_field(name)] = eq + 1;
	}
	if (img_catalog_put(cat, &in, IMG_KEEP, &out, err) < 0)
		fuzz_wrong("put", err);
}

static int drop(const char *path, const struct stat *st, int kind,
		struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static void clean(void)
{
	nftw(folder, drop, 16, FTW_DEPTH | FTW_PHYS);
}

static void prepare(void)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_store *store = NULL;

	if (cat)
		return;
	heap_prepare();
	fuzz_folder(folder, "query");
	if (img_crypto_init(&err) < 0 ||
	    img_store_open(&store, folder, IMG_WRITE, &err) < 0 ||
	    img_catalog_open(&cat, folder, IMG_WRITE, &err) < 0 ||
	    img_catalog_begin(cat, &err) < 0)
		fuzz_wrong("catalog", &err);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		put(i, &err);
	if (img_catalog_commit(cat, &err) < 0)
		fuzz_wrong("catalog", &err);
	img_store_close(store);
	atexit(clean);
}

/* ---- the question ----------------------------------------------------- */

struct question {
	enum img_level level;
	char *line[KEYS], *sort[KEYS];
	size_t keys, sorts;
	char fields[512];
	bool conflicts;
	uint64_t limit;
};

static void read_question(struct question *q, struct fuzz_in *in, char *text)
{
	unsigned how = fuzz_byte(in);
	char *save = NULL;

	memset(q, 0, sizeof(*q));
	q->level = (enum img_level)(how & 3);
	q->conflicts = how & 4 && q->level == IMG_IMAGE;
	q->limit = how & 8 ? how >> 4 : 0;
	for (char *s = strtok_r(text, "\n", &save); s;
	     s = strtok_r(NULL, "\n", &save)) {
		if (strchr(s, '=')) {
			if (q->keys < KEYS)
				q->line[q->keys++] = s;
		} else if (*s == '-' || *s == '+') {
			if (q->sorts < KEYS)
				q->sort[q->sorts++] = s + (*s == '+');
		} else if (strlen(q->fields) + strlen(s) + 2 <
			   sizeof(q->fields)) {
			if (*q->fields)
				strcat(q->fields, ",");
			strcat(q->fields, s);
		}
	}
}

static void trouble(void *arg, const struct img_err *err)
{
	(void)arg;
	fuzz_verdict(-1, err);
}

/* All of imgquery's way; the headers of the objects are not there. */
static void ask_all(const struct question *q)
{
	const struct img_find_opts o = {
		.level = q->level,
		.key = (const char *const *)q->line,
		.keys = q->keys,
		.fields = *q->fields ? q->fields : NULL,
		.defaults = "PatientID",
		.sort = (const char *const *)q->sort,
		.sorts = q->sorts,
		.limit = q->limit,
		.conflicts = q->conflicts,
		.trouble = trouble,
	};
	struct img_err err = IMG_ERR_INIT;
	struct img_find *f = NULL;
	struct img_found found;
	uint64_t n = 0, counted = 0;
	int rc = img_find_new(&f, cat, folder, &o, &err);

	fuzz_verdict(rc, &err);
	fuzz_must(rc == 0 || err.code == IMG_E_USAGE || err.code == IMG_E_LIMIT,
		  err.text);
	if (rc < 0) {
		img_find_free(f);
		return;
	}
	rc = img_find_start(f, &err);
	while (rc == 0 && (rc = img_find_next(f, &found, &err)) == 1) {
		n++;
		rc = 0;
	}
	fuzz_verdict(rc < 0 ? -1 : 0, &err);
	fuzz_must(rc == 0 || err.code == IMG_E_USAGE || err.code == IMG_E_LIMIT,
		  err.text);
	if (rc == 0 && img_find_count(f, &counted, &err) == 0)
		fuzz_must(counted == n, "counts otherwise than it finds");
	img_find_free(f);
}

/* ---- one key, against the matcher ------------------------------------- */

static unsigned run(const struct img_query *q, bool match[8],
		    struct img_matcher *m, struct img_err *err)
{
	struct img_rows *r = NULL;
	struct img_row row;
	unsigned n = 0;
	int rc;

	if (img_catalog_query(cat, q, &r, err) < 0)
		fuzz_wrong("a query that was taken before", err);
	while ((rc = img_rows_next(r, &row, err)) == 1) {
		fuzz_must(row.id > 0 && row.id < 8, "a row that is not there");
		if (!m) {
			match[row.id] = true;
		} else {
			rc = img_matcher_test(m, row.value[0], err);
			fuzz_verdict(rc < 0 ? -1 : 0, err);
			match[row.id] = rc == 1;
		}
		n++;
	}
	if (rc < 0)
		fuzz_wrong("rows", err);
	img_rows_close(r);
	return n;
}

static void compare(const char *keyword, const char *value)
{
	int field = img_query_field(keyword);
	struct img_query_key key = { field, value };
	struct img_query q = {
		.key = &key, .keys = 1, .field = &field, .fields = 1
	};
	const struct img_field *f;
	struct img_err err = IMG_ERR_INIT;
	struct img_matcher *m = NULL;
	bool sql[8] = { 0 }, alone[8] = { 0 };
	uint64_t counted = 0;
	unsigned n;
	size_t all;

	if (field < 0)
		return;
	f = &img_query_fields(&all)[field];
	q.level = f->level;
	/* The derived ones, and several values in one, are matched each. */
	if (field >= (int)(all - 8) || strcmp(f->keyword, "ImageType") == 0)
		return;
	if (img_catalog_count(cat, &q, &counted, &err) < 0) {
		fuzz_verdict(-1, &err);
		fuzz_must(err.code == IMG_E_USAGE || err.code == IMG_E_LIMIT,
			  err.text);
		return;
	}
	n = run(&q, sql, NULL, &err);
	fuzz_must(n == counted, "counts otherwise than it finds");
	if (img_matcher_new(cat, f, value, &m, &err) < 0)
		fuzz_wrong("a matcher of what the catalog takes", &err);
	q.keys = 0;
	run(&q, alone, m, &err);
	img_matcher_free(m);
	/* Values with a backslash are several to the matcher. */
	for (unsigned i = 0; i < 8; i++)
		if (sql[i] != alone[i] && strcmp(keyword, "StudyDescription"))
			fuzz_wrong("SQL and matcher differ", NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	char *text, *copy;
	struct question q;

	prepare();
	if (size < 2 || memchr(data + 1, '\0', size - 1))
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	copy = text ? strdup(text) : NULL;
	/* What comes from a command line is UTF-8, or refused as usage. */
	if (copy) {
		char *save = NULL;

		read_question(&q, &in, text);
		ask_all(&q);
		for (char *s = strtok_r(copy, "\n", &save); s;
		     s = strtok_r(NULL, "\n", &save)) {
			char *eq = strchr(s, '=');

			if (eq) {
				*eq = '\0';
				compare(s, eq + 1);
			}
		}
	}
	free(text);
	free(copy);
	sqlite3_db_release_memory(cat->db);
	fuzz_must(heap.blocks < BLOCKS, "memory of SQLite's stays in use");
	return 0;
}
