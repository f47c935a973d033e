/* where.c - putting a query's text together, and matching (PS3.4 C.2.2.2). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/inside.h"

#define TEXT_MAX   (4 * 1024 * 1024)
#define VALUES_MAX 30000 /* sqlite's own limit is 32766 */

#define LIST_PART 400

const char *const img_table_of[] = { "patient", "study", "series", "instance" };
const char *const img_parent_of[] = { NULL, "patient", "study", "series" };

void img_where_init(struct img_where *w)
{
	memset(w, 0, sizeof(*w));
	img_buf_init(&w->text, TEXT_MAX);
}

void img_where_release(struct img_where *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->value[i]);
	free(w->value);
	img_buf_release(&w->text);
	img_where_init(w);
}

int img_where_puts(struct img_where *w, const char *sql, struct img_err *err)
{
	return img_buf_puts(&w->text, sql, err);
}

int img_where_and(struct img_where *w, struct img_err *err)
{
	const char *word = w->begun ? " AND " : " WHERE ";

	w->begun = true;
	return img_where_puts(w, word, err);
}

int img_where_param(struct img_where *w, const char *value, size_t n,
		    struct img_err *err)
{
	if (w->n == VALUES_MAX)
		return img_err_set(err, IMG_E_LIMIT, "over %d values",
				   VALUES_MAX);
	if (w->n == w->room) {
		size_t room = w->room ? 2 * w->room : 16;
		char **p = realloc(w->value, room * sizeof(*p));

		if (!p)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		w->value = p;
		w->room = room;
	}
	w->value[w->n] = strndup(value, n);
	if (!w->value[w->n])
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	return img_buf_printf(&w->text, err, ":p%zu", w->n++);
}

int img_where_from(struct img_where *w, enum img_level driver,
		   enum img_level top, enum img_level bottom,
		   struct img_err *err)
{
	/* CROSS JOIN: sqlite keeps this order.  It knows nothing of the
	   sizes of the tables, and would walk a million instances to find
	   one patient by name. */
	if (img_buf_printf(&w->text, err, " FROM %s", img_table_of[driver]) < 0)
		return -1;
	for (int i = (int)driver - 1; i >= (int)top; i--)
		if (img_buf_printf(
			    &w->text, err, " CROSS JOIN %s ON %s.id = %s.%s",
			    img_table_of[i], img_table_of[i],
			    img_table_of[i + 1], img_parent_of[i + 1]) < 0)
			return -1;
	for (int i = (int)driver + 1; i <= (int)bottom; i++)
		if (img_buf_printf(&w->text, err,
				   " CROSS JOIN %s ON %s.%s = %s.id",
				   img_table_of[i], img_table_of[i],
				   img_parent_of[i], img_table_of[i - 1]) < 0)
			return -1;
	return 0;
}

sqlite3_stmt *img_where_prepare(struct img_catalog *c,
				const struct img_where *w, struct img_err *err)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(c->db, img_buf_str(&w->text), -1, &st, NULL) !=
	    SQLITE_OK) {
		img_catalog_failed(c, "query", err);
		return NULL;
	}
	for (size_t i = 0; i < w->n; i++) {
		char name[24];

		snprintf(name, sizeof(name), ":p%zu", i);
		/* What cannot be copied would be NULL, and match nothing. */
		if (sqlite3_bind_text(
			    st, sqlite3_bind_parameter_index(st, name),
			    w->value[i], -1, SQLITE_TRANSIENT) != SQLITE_OK) {
			img_catalog_failed(c, "query", err);
			sqlite3_finalize(st);
			return NULL;
		}
	}
	return st;
}

/* ---- matching --------------------------------------------------------- */

static bool is_vr(const struct img_field *f, const char *vr)
{
	return strcmp(f->vr, vr) == 0;
}

static bool has_wildcard(const char *v, size_t n)
{
	return memchr(v, '*', n) || memchr(v, '?', n);
}

bool img_match_is_universal(const char *value)
{
	return value[strspn(value, "*")] == '\0';
}

/* For GLOB, where '[' would begin a set; between before and after. */
static int put_glob(struct img_where *w, const char *before, const char *v,
		    size_t n, const char *after, struct img_err *err)
{
	struct img_buf b;
	int rc;

	img_buf_init(&b, 40000); /* sqlite takes no longer pattern */
	rc = img_buf_puts(&b, before, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = v[i] == '[' ? img_buf_puts(&b, "[[]", err)
				 : img_buf_putc(&b, v[i], err);
	if (rc == 0 && img_buf_puts(&b, after, err) == 0)
		rc = img_where_param(w, img_buf_str(&b), b.len, err);
	img_buf_release(&b);
	return rc;
}

static int match_glob(struct img_where *w, const char *expr, const char *v,
		      size_t n, struct img_err *err)
{
	if (img_buf_printf(&w->text, err, "%s GLOB ", expr) < 0)
		return -1;
	return put_glob(w, "", v, n, "", err);
}

/* One of the values of a multi-valued attribute, or some in a row. */
static int match_within(struct img_where *w, const char *expr, const char *v,
			struct img_err *err)
{
	if (img_buf_printf(&w->text, err, "'\\' || %s || '\\' GLOB ", expr) < 0)
		return -1;
	return put_glob(w, "*\\", v, strlen(v), "\\*", err);
}

static int match_name(struct img_where *w, const char *expr, const char *v,
		      size_t n, struct img_err *err)
{
	char *text = strndup(v, n);
	struct img_buf key;
	int rc = -1;

	img_buf_init(&key, 65536);
	if (!text)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	if (img_catalog_name_key(text, &key, err) == 0 &&
	    img_buf_printf(&w->text, err, "img_name(%s, ", expr) == 0 &&
	    img_where_param(w, img_buf_str(&key), key.len, err) == 0)
		rc = img_where_puts(w, ")", err);
	img_buf_release(&key);
	free(text);
	return rc;
}

/* A bound that is less precise stands for all that begins with it: digits
   sort before '~'. */
static int match_range(struct img_where *w, const char *expr,
		       const struct img_field *f, const char *v, size_t n,
		       struct img_err *err)
{
	char from[IMG_WHEN_MAX] = "", to[IMG_WHEN_MAX] = "";
	size_t end;

	if (img_when_range(f, v, n, from, to, err) < 0)
		return -1;
	if (*from && (img_buf_printf(&w->text, err, "%s >= ", expr) < 0 ||
		      img_where_param(w, from, strlen(from), err) < 0))
		return -1;
	if (!*to)
		return 0;
	end = strlen(to);
	to[end] = '~';
	if (img_buf_printf(&w->text, err, "%s%s <= ", *from ? " AND " : "",
			   expr) < 0)
		return -1;
	return img_where_param(w, to, end + 1, err);
}

/* The SQL type of a number's VR; NULL where it is none. */
static const char *number_type(const struct img_field *f)
{
	if (is_vr(f, "DS") || is_vr(f, "FL") || is_vr(f, "FD"))
		return "REAL";
	if (is_vr(f, "IS") || is_vr(f, "US") || is_vr(f, "UL") ||
	    is_vr(f, "SS") || is_vr(f, "SL") || is_vr(f, "SV"))
		return "INTEGER";
	return NULL;
}

static bool is_number(const char *v, size_t n)
{
	size_t digits = 0;

	for (size_t i = 0; i < n; i++) {
		digits += isdigit((unsigned char)v[i]) != 0;
		if (!strchr("0123456789+-.eE", v[i]))
			return false;
	}
	return digits && n <= 32;
}

static int match_number(struct img_where *w, const char *expr, const char *type,
			const char *v, size_t n, struct img_err *err)
{
	if (img_buf_printf(&w->text, err, "%s <> '' AND CAST(%s AS %s) = CAST(",
			   expr, expr, type) < 0 ||
	    img_where_param(w, v, n, err) < 0)
		return -1;
	return img_buf_printf(&w->text, err, " AS %s)", type);
}

static int match_one(struct img_where *w, const char *expr,
		     const struct img_field *f, const char *v, size_t n,
		     struct img_err *err)
{
	if (n == 0) /* one of a list: nothing, not all without a value */
		return img_where_puts(w, "0", err);
	if (n == 2 && memcmp(v, "\"\"", 2) == 0) /* PS3.4 C.2.2.2.7 */
		return img_buf_printf(&w->text, err, "coalesce(%s, '') = ''",
				      expr);
	if (strspn(v, "*") >= n) /* also what has no value: C.2.2.2.3 */
		return img_where_puts(w, "1", err);
	if (is_vr(f, "PN"))
		return match_name(w, expr, v, n, err);
	if (has_wildcard(v, n))
		return match_glob(w, expr, v, n, err);
	if (is_vr(f, "DA") || is_vr(f, "TM") || is_vr(f, "DT"))
		return match_range(w, expr, f, v, n, err);
	if (number_type(f) && is_number(v, n))
		return match_number(w, expr, number_type(f), v, n, err);
	if (img_buf_printf(&w->text, err, "%s = ", expr) < 0)
		return -1;
	return img_where_param(w, v, n, err);
}

/* A list of values (PS3.4 C.2.2.2.2): any of them.  In parts, because SQLite
   takes a row of ORs for a tree that is as deep as they are many. */
static int match_list(struct img_where *w, const char *expr,
		      const struct img_field *f, const char *v,
		      struct img_err *err)
{
	const char *sep = "(";

	for (unsigned i = 1;; i++) {
		size_t n = strcspn(v, "\\");

		if (img_where_puts(w, sep, err) < 0 ||
		    match_one(w, expr, f, v, n, err) < 0)
			return -1;
		if (!v[n])
			return img_where_puts(w, ")", err);
		sep = i % LIST_PART ? " OR " : ") OR (";
		v += n + 1;
	}
}

static int match_uids(struct img_where *w, const char *expr, const char *v,
		      struct img_err *err)
{
	if (img_buf_printf(&w->text, err, "%s IN ", expr) < 0)
		return -1;
	for (const char *sep = "(";; sep = ", ") {
		size_t n = strcspn(v, "\\");

		if (img_where_puts(w, sep, err) < 0 ||
		    img_where_param(w, v, n, err) < 0)
			return -1;
		if (!v[n])
			return img_where_puts(w, ")", err);
		v += n + 1;
	}
}

int img_where_match(struct img_where *w, const char *expr,
		    const struct img_field *f, const char *value,
		    struct img_err *err)
{
	size_t n = strlen(value);
	int rc;

	if (img_where_puts(w, "(", err) < 0)
		return -1;
	if (strcmp(f->keyword, "ImageType") == 0 && strcmp(value, "\"\"") != 0)
		rc = match_within(w, expr, value, err);
	else if (is_vr(f, "UI") && !has_wildcard(value, n) &&
		 strcmp(value, "\"\"") != 0)
		rc = match_uids(w, expr, value, err);
	else
		rc = match_list(w, expr, f, value, err);
	return rc < 0 ? -1 : img_where_puts(w, ")", err);
}

/* ---- one value by itself ---------------------------------------------- */

struct img_matcher {
	struct img_catalog *c;
	sqlite3_stmt *st; /* NULL: anything matches */
	int value;        /* parameter */
	bool whole;       /* not several values with backslashes between */
};

int img_matcher_new(struct img_catalog *c, const struct img_field *f,
		    const char *value, struct img_matcher **out,
		    struct img_err *err)
{
	struct img_matcher *m = calloc(1, sizeof(*m));
	const char *expr = is_vr(f, "PN") ? "img_name_key(:v)" : ":v";
	struct img_where w;
	int rc = -1;

	*out = NULL;
	if (!m)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	m->c = c;
	m->whole = is_vr(f, "ST") || is_vr(f, "LT") || is_vr(f, "UT") ||
		   is_vr(f, "UR");
	img_where_init(&w);
	if (!img_match_is_universal(value)) {
		if (img_where_puts(&w, "SELECT ", err) < 0 ||
		    (m->whole
			     ? match_one(&w, expr, f, value, strlen(value), err)
			     : img_where_match(&w, expr, f, value, err)) < 0)
			goto out;
		m->st = img_where_prepare(c, &w, err);
		if (!m->st)
			goto out;
		m->value = sqlite3_bind_parameter_index(m->st, ":v");
	}
	*out = m;
	m = NULL;
	rc = 0;
out:
	img_matcher_free(m);
	img_where_release(&w);
	return rc;
}

static int test_one(struct img_matcher *m, const char *v, size_t n,
		    struct img_err *err)
{
	int rc;

	if (v)
		sqlite3_bind_text(m->st, m->value, v, (int)n, SQLITE_STATIC);
	else
		sqlite3_bind_null(m->st, m->value);
	rc = img_catalog_step(m->c, m->st, "match", err);
	if (rc == 1)
		rc = sqlite3_column_int(m->st, 0) != 0;
	sqlite3_reset(m->st);
	return rc;
}

/* Any of several values, PS3.4 C.2.2.3. */
int img_matcher_test(struct img_matcher *m, const char *value,
		     struct img_err *err)
{
	int rc = 0;

	if (!m->st)
		return 1;
	if (!value || m->whole)
		return test_one(m, value, value ? strlen(value) : 0, err);
	for (;;) {
		size_t n = strcspn(value, "\\");

		rc = test_one(m, value, n, err);
		if (rc || !value[n])
			return rc;
		value += n + 1;
	}
}

void img_matcher_free(struct img_matcher *m)
{
	if (!m)
		return;
	sqlite3_finalize(m->st);
	free(m);
}
