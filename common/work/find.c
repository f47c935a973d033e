/* find.c - rows of the catalog and what their objects' headers say. */
#include <stdlib.h>
#include <string.h>

#include "net/net.h"
#include "work/find.h"

#define MAX 96 /* keys, fields */

/* A key that only headers answer. */
struct probe_key {
	size_t path;
	struct img_matcher *matcher;
};

struct img_find {
	struct img_catalog *c;
	struct img_store *store;
	struct img_find_opts opts;
	char *peer; /* of not_sent_to, as the ledger has it */
	char *text; /* what keys and fields point into */
	/* the catalog's part */
	struct img_query q;
	struct img_query_key key[MAX];
	struct img_query_sort sort[MAX];
	int column[MAX];
	/* the headers' part */
	struct img_probe_path path[MAX];
	size_t paths;
	struct probe_key probe_key[MAX];
	size_t probe_keys;
	struct img_probe *probe;
	int extra; /* of key, or -1 - of probe_key; MAX: none */
	char *extra_value;
	/* fields as given */
	struct img_find_field field[MAX];
	size_t from[MAX]; /* column or path of a field */
	size_t fields;
	/* the run */
	struct img_rows *rows;
	struct img_row row;
	const char *value[MAX];
	uint64_t given;
};

/* ---- keywords --------------------------------------------------------- */

/* The catalog's field of a path that is one tag; -1. */
static int field_of(const struct img_probe_path *p)
{
	size_t n;
	const struct img_field *f = img_query_fields(&n);

	for (size_t i = 0; p->n == 1 && i < n; i++)
		if (f[i].tag == p->tag[0])
			return (int)i;
	return -1;
}

static int parse_name(const char *name, struct img_probe_path *p, int *field,
		      struct img_err *err)
{
	*field = img_query_field(name);
	if (*field >= 0)
		return 0;
	if (img_probe_parse(p, name)) {
		*field = field_of(p);
		return 0;
	}
	if (strcmp(p->vr, "SQ") == 0)
		return img_err_set(err, IMG_E_USAGE,
				   "%.64s: a sequence; name an attribute in "
				   "it, as in %.64s.CodeValue",
				   name, name);
	return img_err_set(err, IMG_E_USAGE,
			   "%.64s: neither the keyword of an attribute nor "
			   "its tag gggg,eeee nor a path of these",
			   name);
}

/* The number of a path among those to be read. */
static int add_path(struct img_find *f, const struct img_probe_path *p,
		    size_t *at, struct img_err *err)
{
	for (*at = 0; *at < f->paths; ++*at)
		if (f->path[*at].n == p->n &&
		    memcmp(f->path[*at].tag, p->tag, p->n * sizeof(*p->tag)) ==
			    0)
			return 0;
	if (f->paths == MAX)
		return img_err_set(err, IMG_E_USAGE, "over %d attributes", MAX);
	f->path[f->paths++] = *p;
	return 0;
}

static size_t add_column(struct img_find *f, int field)
{
	size_t i = 0;

	while (i < f->q.fields && f->column[i] != field)
		i++;
	if (i == f->q.fields)
		f->column[f->q.fields++] = field;
	return i;
}

static int add_field(struct img_find *f, const char *name, struct img_err *err)
{
	struct img_find_field *to = &f->field[f->fields];
	struct img_probe_path path;
	size_t n, at = 0;
	int field;

	if (parse_name(name, &path, &field, err) < 0)
		return -1;
	if (field < 0 && add_path(f, &path, &at, err) < 0)
		return -1;
	for (size_t i = 0; i < f->fields; i++)
		if (f->field[i].field == field &&
		    (field >= 0 || f->from[i] == at))
			return 0;
	if (f->fields == MAX)
		return img_err_set(err, IMG_E_USAGE, "over %d attributes", MAX);
	to->field = field;
	if (field >= 0) {
		const struct img_field *known = &img_query_fields(&n)[field];

		at = add_column(f, field);
		to->name = known->keyword;
		to->tag = &known->tag;
		to->tags = 1;
		memcpy(to->vr, known->vr, sizeof(to->vr));
	} else {
		to->name = f->path[at].name;
		to->tag = f->path[at].tag;
		to->tags = f->path[at].n;
		memcpy(to->vr, f->path[at].vr, sizeof(to->vr));
	}
	f->from[f->fields++] = at;
	return 0;
}

static int add_fields(struct img_find *f, const char *list, struct img_err *err)
{
	char name[600];

	while (*list) {
		size_t n = img_probe_span(list);

		if (n >= sizeof(name))
			return img_err_set(err, IMG_E_USAGE,
					   "%.64s...: no attribute", list);
		memcpy(name, list, n);
		name[n] = '\0';
		if (n && add_field(f, name, err) < 0)
			return -1;
		list += n + (list[n] == ',');
	}
	return 0;
}

/* ---- keys ------------------------------------------------------------- */

static int make_matcher(struct img_find *f, struct probe_key *k,
			const char *value, struct img_err *err)
{
	const struct img_probe_path *p = &f->path[k->path];
	struct img_field like = { p->name, p->tag[p->n - 1], "", IMG_IMAGE };

	memcpy(like.vr, p->vr, sizeof(like.vr));
	return img_matcher_new(f->c, &like, value, &k->matcher, err);
}

static int add_probe_key(struct img_find *f, const struct img_probe_path *p,
			 const char *value, struct img_err *err)
{
	struct probe_key *k = &f->probe_key[f->probe_keys];

	if (add_path(f, p, &k->path, err) < 0 ||
	    make_matcher(f, k, value, err) < 0)
		return -1;
	f->probe_keys++;
	return 0;
}

static int add_key(struct img_find *f, const char *name, const char *value,
		   struct img_err *err)
{
	struct img_probe_path path;
	int field;

	if (parse_name(name, &path, &field, err) < 0)
		return -1;
	if (field < 0)
		return add_probe_key(f, &path, value, err);
	f->key[f->q.keys].field = field;
	f->key[f->q.keys++].value = value;
	return 0;
}

/* Keys are fields, too, unless they are of a lower level and only select. */
static int show_key(struct img_find *f, const char *name, const char *value,
		    struct img_err *err)
{
	struct img_probe_path path;
	size_t n;
	int field;

	if (f->opts.fields || parse_name(name, &path, &field, err) < 0)
		return f->opts.fields ? 0 : -1;
	if (field >= 0 && *value &&
	    img_query_fields(&n)[field].level > f->opts.level)
		return 0;
	return add_field(f, name, err);
}

static int add_keys(struct img_find *f, struct img_err *err)
{
	char *p = f->text;

	for (size_t i = 0; i < f->opts.keys; i++) {
		char *eq, *key = p;

		p = stpcpy(p, f->opts.key[i]) + 1;
		eq = strchr(key, '=');
		if (!eq || eq == key)
			return img_err_set(err, IMG_E_USAGE,
					   "operand %zu: not Keyword=value",
					   i + 1);
		*eq = '\0';
		if (add_key(f, key, eq + 1, err) < 0 ||
		    show_key(f, key, eq + 1, err) < 0)
			return -1;
	}
	if (!f->opts.extra_key)
		return 0;
	f->extra = (int)f->q.keys;
	if (add_key(f, f->opts.extra_key, "", err) < 0 ||
	    show_key(f, f->opts.extra_key, "?", err) < 0)
		return -1;
	if (f->extra == (int)f->q.keys)
		f->extra = -(int)f->probe_keys;
	return 0;
}

int img_find_set_key(struct img_find *f, const char *value, struct img_err *err)
{
	char *copy = strdup(value);
	struct probe_key *k;

	if (!copy)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	free(f->extra_value);
	f->extra_value = copy;
	if (f->extra >= 0) {
		f->key[f->extra].value = copy;
		return 0;
	}
	k = &f->probe_key[-f->extra - 1];
	img_matcher_free(k->matcher);
	k->matcher = NULL;
	return make_matcher(f, k, copy, err);
}

static int add_sorts(struct img_find *f, struct img_err *err)
{
	for (size_t i = 0; i < f->opts.sorts; i++) {
		const char *name = f->opts.sort[i];
		struct img_probe_path path;
		bool down = *name == '-';
		int field;

		if (parse_name(name + down, &path, &field, err) < 0)
			return -1;
		if (field < 0)
			return img_err_set(err, IMG_E_USAGE,
					   "%s: the catalog cannot sort by it",
					   path.name);
		f->sort[f->q.sorts].field = field;
		f->sort[f->q.sorts++].descending = down;
	}
	return 0;
}

/* ---- making ----------------------------------------------------------- */

static int add_identity(struct img_find *f, struct img_err *err)
{
	static const char *const uids[] = {
		"PatientID,IssuerOfPatientID", "StudyInstanceUID",
		"StudyInstanceUID,SeriesInstanceUID",
		"StudyInstanceUID,SeriesInstanceUID,SOPInstanceUID"
	};

	return add_fields(f, uids[f->opts.level], err);
}

static int fill(struct img_find *f, struct img_err *err)
{
	const struct img_find_opts *o = &f->opts;
	size_t size = 1;

	if (o->keys + 1 > MAX || o->sorts > MAX)
		return img_err_set(err, IMG_E_USAGE, "over %d keys", MAX);
	for (size_t i = 0; i < o->keys; i++)
		size += strlen(o->key[i]) + 1;
	f->text = malloc(size);
	if (!f->text)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	if ((o->identity && add_identity(f, err) < 0) ||
	    add_fields(f, o->fields ? o->fields : o->defaults, err) < 0 ||
	    add_keys(f, err) < 0 || add_sorts(f, err) < 0)
		return -1;
	f->q.level = o->level;
	f->q.conflicts = o->conflicts;
	f->q.not_sent_to = f->peer;
	f->q.unchecked_since = o->unchecked_since;
	f->q.objects = o->level == IMG_IMAGE;
	/* With keys for headers the catalog cannot know when to stop. */
	f->q.limit = f->probe_keys ? 0 : o->limit;
	return 0;
}

int img_find_new(struct img_find **out, struct img_catalog *c, const char *dir,
		 const struct img_find_opts *opts, struct img_err *err)
{
	struct img_find *f = calloc(1, sizeof(*f));

	*out = NULL;
	if (!f)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	f->c = c;
	f->opts = *opts;
	f->extra = MAX;
	f->q.key = f->key;
	f->q.sort = f->sort;
	f->q.field = f->column;
	if ((opts->not_sent_to &&
	     (f->peer = img_peer_name(dir, opts->not_sent_to, err)) == NULL) ||
	    fill(f, err) < 0 ||
	    (f->paths &&
	     (img_probe_new(&f->probe, f->path, f->paths, err) < 0 ||
	      img_store_open(&f->store, dir, IMG_READ, err) < 0))) {
		img_find_free(f);
		return -1;
	}
	*out = f;
	return 0;
}

void img_find_free(struct img_find *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->probe_keys; i++)
		img_matcher_free(f->probe_key[i].matcher);
	img_rows_close(f->rows);
	img_probe_free(f->probe);
	img_store_close(f->store);
	free(f->extra_value);
	free(f->peer);
	free(f->text);
	free(f);
}

const struct img_find_field *img_find_fields(const struct img_find *f,
					     size_t *n)
{
	*n = f->fields;
	return f->field;
}

void img_find_within(struct img_find *f, enum img_level level, int64_t id)
{
	f->q.within_level = level;
	f->q.within = id;
}

/* ---- running ---------------------------------------------------------- */

int img_find_start(struct img_find *f, struct img_err *err)
{
	img_rows_close(f->rows);
	f->rows = NULL;
	f->given = 0;
	return img_catalog_query(f->c, &f->q, &f->rows, err);
}

/* 1: the object matches the keys for headers; 0: not, or unreadable. */
static int match_object(struct img_find *f, const uint8_t *digest,
			const char *place, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	if (img_probe_read(f->probe, f->store, digest, place, &why) < 0) {
		f->opts.trouble(f->opts.arg, &why);
		if (f->probe_keys)
			return 0;
		img_probe_clear(f->probe);
		return 1;
	}
	for (size_t i = 0; i < f->probe_keys; i++) {
		const struct probe_key *k = &f->probe_key[i];
		int rc = img_matcher_test(
			k->matcher, img_probe_value(f->probe, k->path), err);

		if (rc != 1)
			return rc;
	}
	return 1;
}

/* Looks for an object of the row that matches. */
static int match_below(struct img_find *f, struct img_err *err)
{
	struct img_scope scope = { .level = f->opts.level, .id = f->row.id };
	struct img_objects *o;
	struct img_object obj;
	int rc;

	if (img_catalog_expand(f->c, &scope, &o, err) < 0)
		return -1;
	while ((rc = img_objects_next(o, &obj, err)) == 1) {
		rc = match_object(f, obj.digest, obj.place, err);
		if (rc)
			break;
	}
	img_objects_close(o);
	return rc;
}

static int match_row(struct img_find *f, struct img_err *err)
{
	int rc;

	if (!f->paths)
		return 1;
	if (f->q.objects)
		rc = match_object(f, f->row.digest, f->row.place, err);
	else
		rc = match_below(f, err);
	return rc;
}

static void give(struct img_find *f)
{
	for (size_t i = 0; i < f->fields; i++) {
		if (f->field[i].field >= 0) {
			f->value[i] = f->row.value[f->from[i]];
			continue;
		}
		f->value[i] = img_probe_value(f->probe, f->from[i]);
		/* Where the dictionary leaves a choice, as US or SS. */
		memcpy(f->field[i].vr, img_probe_vr(f->probe, f->from[i]),
		       sizeof(f->field[i].vr));
	}
}

int img_find_next(struct img_find *f, struct img_found *out,
		  struct img_err *err)
{
	int rc = 0;

	if (f->opts.limit && f->given == f->opts.limit)
		return 0;
	while ((rc = img_rows_next(f->rows, &f->row, err)) == 1) {
		rc = match_row(f, err);
		if (rc)
			break;
	}
	if (rc != 1)
		return rc;
	give(f);
	memset(out, 0, sizeof(*out));
	out->level = f->opts.level;
	out->id = f->row.id;
	out->value = f->value;
	out->row = &f->row;
	f->given++;
	return 1;
}

int img_find_count(struct img_find *f, uint64_t *n, struct img_err *err)
{
	struct img_found found;
	int rc;

	if (!f->probe_keys)
		return img_catalog_count(f->c, &f->q, n, err);
	if (img_find_start(f, err) < 0)
		return -1;
	for (*n = 0; (rc = img_find_next(f, &found, err)) == 1; ++*n)
		;
	return rc;
}
