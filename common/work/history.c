/* history.c - the lines of the audit log that match. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jsonl/jsonl.h"
#include "work/atna.h"
#include "work/history.h"
#include "work/journal.h"

/* Members of a line, in their order. */
static const char *const names[] = { "n",    "time", "by",    "uid",   "act",
				     "from", "to",   "count", "digest" };
enum {
	H_N,
	H_TIME,
	H_BY,
	H_UID,
	H_ACT,
	H_FROM,
	H_TO,
	H_COUNT,
	H_DIGEST,
	H_ALL
};

struct key {
	int member;
	uint64_t low, high; /* of n */
	struct img_matcher *matcher;
};

struct history {
	const struct img_history_opts *opts;
	const struct img_ask_host *host;
	struct key *key;
	struct img_atna *atna;
	struct img_buf line;
	uint64_t read, found;
	bool over; /* the limit is reached, or the reader has gone */
};

/* The members of a line as text; NULL: none. */
struct cells {
	const char *text[H_ALL];
	char n[24], uid[24], count[24], digest[IMG_DIGEST_HEX];
};

static void fill(const struct img_audit_entry *e, struct cells *c)
{
	snprintf(c->n, sizeof(c->n), "%llu", (unsigned long long)e->n);
	snprintf(c->uid, sizeof(c->uid), "%llu", (unsigned long long)e->uid);
	snprintf(c->count, sizeof(c->count), "%llu",
		 (unsigned long long)e->count);
	img_hex(c->digest, e->digest, IMG_DIGEST_SIZE);
	c->text[H_N] = c->n;
	c->text[H_TIME] = e->time;
	c->text[H_BY] = e->by;
	c->text[H_UID] = c->uid;
	c->text[H_ACT] = e->act;
	c->text[H_FROM] = e->from;
	c->text[H_TO] = e->to;
	c->text[H_COUNT] = e->count ? c->count : NULL;
	c->text[H_DIGEST] = e->has_digest ? c->digest : NULL;
}

/* ---- keys --------------------------------------------------------------- */

/* 7, 7-, -7, 7-9 */
static int parse_range(const char *value, struct key *k, struct img_err *err)
{
	const char *dash = strchr(value, '-');
	char low[24];

	k->low = 0;
	k->high = UINT64_MAX;
	snprintf(low, sizeof(low), "%.*s",
		 dash ? (int)(dash - value) : (int)strlen(value), value);
	if ((*low && !img_parse_u64(low, UINT64_MAX, &k->low)) ||
	    (dash && dash[1] &&
	     !img_parse_u64(dash + 1, UINT64_MAX, &k->high)) ||
	    !*value || strcmp(value, "-") == 0)
		return img_err_set(err, IMG_E_USAGE,
				   "n=%.40s: neither a number nor a range of "
				   "two",
				   value);
	if (!dash)
		k->high = k->low;
	if (k->high < k->low)
		return img_err_set(err, IMG_E_USAGE,
				   "n: a range that ends before it begins");
	return 0;
}

static int parse_key(struct img_catalog *c, const char *text, struct key *k,
		     struct img_err *err)
{
	const char *equals = strchr(text, '=');
	struct img_field f = { .vr = "LO" };

	for (k->member = 0; equals && k->member < H_ALL; k->member++) {
		const char *name = names[k->member];

		if (strlen(name) == (size_t)(equals - text) &&
		    strncmp(name, text, strlen(name)) == 0)
			break;
	}
	if (!equals || k->member == H_ALL)
		return img_err_set(err, IMG_E_USAGE,
				   "%.60s: keys of the audit log are n, time, "
				   "by, uid, act, from, to, count and digest",
				   text);
	if (k->member == H_N)
		return parse_range(equals + 1, k, err);
	f.keyword = names[k->member];
	if (k->member == H_TIME)
		memcpy(f.vr, "DT", 3);
	return img_matcher_new(c, &f, equals + 1, &k->matcher, err);
}

/* 2026-11-21T22:10:22Z as DICOM writes it (PS3.5 6.2, DT). */
static void plain_time(const char *from, char to[IMG_TIME_MAX])
{
	size_t n = 0;

	for (; *from && n < IMG_TIME_MAX - 1; from++)
		if (*from >= '0' && *from <= '9')
			to[n++] = *from;
	to[n] = '\0';
}

static int matches(const struct history *h, const struct cells *c, uint64_t n,
		   struct img_err *err)
{
	char time[IMG_TIME_MAX];
	int rc = 1;

	for (size_t i = 0; rc == 1 && i < h->opts->keys; i++) {
		const struct key *k = &h->key[i];
		const char *value = c->text[k->member];

		if (k->member == H_TIME) {
			plain_time(value, time);
			value = time;
		}
		rc = k->matcher ? img_matcher_test(k->matcher, value, err)
				: n >= k->low && n <= k->high;
	}
	return rc;
}

/* ---- writing ------------------------------------------------------------ */

static int write_text(void *arg, const char *text, size_t n)
{
	const struct history *h = arg;

	return h->host->text(h->host->arg, text, n);
}

/* None of the values has a character that CSV (RFC 4180) would quote, but a
   peer's title may have a comma. */
static int write_csv(struct history *h, const char *const *cell,
		     struct img_err *err)
{
	img_buf_reset(&h->line);
	for (size_t i = 0; i < H_ALL; i++) {
		const char *v = cell[i] ? cell[i] : "";
		const char *quote = strchr(v, ',') ? "\"" : "";

		if (img_buf_printf(&h->line, err, "%s%s%s%s", quote, v, quote,
				   i + 1 < H_ALL ? "," : "\r\n") < 0)
			return -1;
	}
	return write_text(h, h->line.data, h->line.len);
}

static int write_titles(struct history *h, struct img_err *err)
{
	if (h->opts->count)
		return 0;
	if (h->opts->form == IMG_HISTORY_CSV)
		return write_csv(h, names, err);
	return h->opts->form == IMG_HISTORY_TABLE
		       ? h->host->row(h->host->arg, names, H_ALL, true)
		       : 0;
}

static int write_entry(struct history *h, const struct img_audit_entry *e,
		       struct cells *c, struct img_err *err)
{
	switch (h->opts->form) {
	case IMG_HISTORY_ATNA:
		return img_atna_add(h->atna, e, err);
	case IMG_HISTORY_CSV:
		return write_csv(h, c->text, err);
	case IMG_HISTORY_TABLE:
		for (size_t i = 0; i < H_ALL; i++)
			if (!c->text[i])
				c->text[i] = "";
		return h->host->row(h->host->arg, c->text, H_ALL, false);
	case IMG_HISTORY_JSONL:
		img_buf_reset(&h->line);
		if (img_buf_add(&h->line, e->text, e->text_n, err) < 0 ||
		    img_buf_putc(&h->line, '\n', err) < 0)
			return -1;
		return write_text(h, h->line.data, h->line.len);
	}
	return 0;
}

static int each(void *arg, const struct img_audit_entry *e, struct img_err *err)
{
	struct history *h = arg;
	struct cells c;
	int rc;

	h->read = e->n;
	if (h->over)
		return 0;
	fill(e, &c);
	rc = matches(h, &c, e->n, err);
	if (rc <= 0)
		return rc;
	h->found++;
	if (!h->opts->count && write_entry(h, e, &c, err) < 0) {
		h->over = true;
		return err->code == IMG_OK ? 0 : -1;
	}
	h->over = (h->opts->limit && h->found == h->opts->limit) ||
		  h->host->stopped(h->host->arg);
	return 0;
}

static int read_all(struct history *h, struct img_audit *a, struct img_err *err)
{
	struct img_err broken = IMG_ERR_INIT;
	int rc = write_titles(h, err);

	if (rc == 0)
		rc = img_audit_each(a, each, h, err);
	if (rc < 0)
		return -1;
	if (h->atna && img_atna_flush(h->atna, err) < 0)
		return err->code == IMG_OK ? 0 : -1;
	if (rc == 0) {
		img_err_set(&broken, IMG_E_MALFORMED,
			    "audit.log: broken behind line %llu "
			    "(imgverify --audit)",
			    (unsigned long long)h->read);
		h->host->trouble(h->host->arg, &broken);
	}
	if (!h->opts->count)
		return 0;
	img_buf_reset(&h->line);
	if (img_buf_printf(&h->line, err, "%llu\n",
			   (unsigned long long)h->found) < 0)
		return -1;
	(void)write_text(h, h->line.data, h->line.len);
	return 0;
}

int img_history(struct img_catalog *c, const struct img_history_opts *opts,
		const struct img_ask_host *host, uint64_t *found,
		struct img_err *err)
{
	const struct img_audit_line line = { .act = "audit-read" };
	struct history h = { .opts = opts, .host = host };
	struct img_audit *a = NULL;
	int rc = -1;

	img_buf_init(&h.line, IMG_LINE_MAX);
	h.key = calloc(opts->keys + 1, sizeof(*h.key));
	if (!h.key) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < opts->keys; i++)
		if (parse_key(c, opts->key[i], &h.key[i], err) < 0)
			goto out;
	if (img_journal_line(opts->dir, opts->by, &line, err) < 0 ||
	    img_audit_open(&a, opts->dir, opts->by, IMG_READ, err) < 0 ||
	    (opts->form == IMG_HISTORY_ATNA &&
	     img_atna_new(&h.atna, c, opts->dir, write_text, &h, err) < 0))
		goto out;
	rc = read_all(&h, a, err);
	*found = h.found;
out:
	for (size_t i = 0; h.key && i < opts->keys; i++)
		img_matcher_free(h.key[i].matcher);
	free(h.key);
	img_atna_free(h.atna);
	img_audit_close(a);
	img_buf_release(&h.line);
	return rc;
}
