/*
 * verify_sign.c - a signed statement on objects that are intact: a Merkle root
 * over their digests, how many there are, the head of the audit log.  Who has
 * the public key and the objects can check it anywhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "work/verify_private.h"

#define STATEMENT_MAX 65536

/* From verify_emit. */
int verify_collect(struct img_verify *v, const struct img_record *rec,
		   struct img_err *err)
{
	uint8_t digest[IMG_DIGEST_SIZE];

	if (!v->collect || !rec->status)
		return 0;
	if (strcmp(rec->status, "intact") != 0 || !rec->digest ||
	    !img_unhex(digest, sizeof(digest), rec->digest)) {
		v->unfit++;
		return 0;
	}
	return img_buf_add(&v->leaves, digest, sizeof(digest), err);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, IMG_DIGEST_SIZE);
}

/* The same object twice is one. */
static size_t sort_leaves(uint8_t *leaf, size_t n)
{
	size_t kept = 0;

	qsort(leaf, n, IMG_DIGEST_SIZE, by_bytes);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 ||
		    memcmp(leaf + (kept - 1) * IMG_DIGEST_SIZE,
			   leaf + i * IMG_DIGEST_SIZE, IMG_DIGEST_SIZE) != 0)
			memmove(leaf + kept++ * IMG_DIGEST_SIZE,
				leaf + i * IMG_DIGEST_SIZE, IMG_DIGEST_SIZE);
	return kept;
}

static void hash(uint8_t kind, const uint8_t *p, size_t n,
		 uint8_t out[IMG_DIGEST_SIZE])
{
	struct img_digest d;

	img_digest_init(&d);
	img_digest_add(&d, &kind, 1); /* a leaf is never taken for a node */
	img_digest_add(&d, p, n);
	img_digest_end(&d, out);
}

/* Pairs are hashed level by level; one left over goes up as it is. */
static void merkle(uint8_t *leaf, size_t n, uint8_t root[IMG_DIGEST_SIZE])
{
	for (size_t i = 0; i < n; i++)
		hash(0, leaf + i * IMG_DIGEST_SIZE, IMG_DIGEST_SIZE,
		     leaf + i * IMG_DIGEST_SIZE);
	while (n > 1) {
		for (size_t i = 0; i + 1 < n; i += 2)
			hash(1, leaf + i * IMG_DIGEST_SIZE, 2 * IMG_DIGEST_SIZE,
			     leaf + i / 2 * IMG_DIGEST_SIZE);
		if (n & 1)
			memmove(leaf + n / 2 * IMG_DIGEST_SIZE,
				leaf + (n - 1) * IMG_DIGEST_SIZE,
				IMG_DIGEST_SIZE);
		n = (n + 1) / 2;
	}
	memcpy(root, leaf, IMG_DIGEST_SIZE);
}

static int root_of(struct img_verify *v, char root[IMG_DIGEST_HEX], size_t *n,
		   struct img_err *err)
{
	uint8_t bytes[IMG_DIGEST_SIZE];

	*n = v->leaves.len / IMG_DIGEST_SIZE;
	if (*n == 0)
		return img_err_set(err, IMG_E_REFUSED,
				   "nothing intact to sign or to compare");
	*n = sort_leaves((uint8_t *)v->leaves.data, *n);
	merkle((uint8_t *)v->leaves.data, *n, bytes);
	img_hex(root, bytes, sizeof(bytes));
	return 0;
}

/* The head of the audit log, where there is an archive. */
static void audit_head(struct img_verify *v, struct img_audit_check *out)
{
	struct img_err none = IMG_ERR_INIT;
	struct img_audit *a = NULL;

	memset(out, 0, sizeof(*out));
	if (v->catalog &&
	    img_audit_open(&a, v->opts.dir, "imgverify", IMG_READ, &none) == 0)
		(void)img_audit_verify(a, out, &none);
	img_audit_close(a);
}

/* The bytes that are signed: the statement's members in their order. */
static int message(struct img_buf *b, const char *root, uint64_t objects,
		   uint64_t lines, const char *head, const char *at,
		   struct img_err *err)
{
	return img_buf_printf(b, err,
			      "imgverify statement 1\nroot %s\nobjects %llu\n"
			      "audit %llu %s\nat %s\n",
			      root, (unsigned long long)objects,
			      (unsigned long long)lines, head, at);
}

static int write_signed(struct img_verify *v, uint64_t n, struct img_err *err)
{
	const struct img_audit_line line = { .act = "signed", .count = n };

	return img_journal_line(v->opts.dir, "imgverify", &line, err) < 0 ? -1
									  : 0;
}

static int sign(struct img_verify *v, struct img_err *err)
{
	uint8_t signature[IMG_SIGN_BYTES], public[IMG_SIGN_PUBLIC];
	char root[IMG_DIGEST_HEX], sig[2 * IMG_SIGN_BYTES + 1];
	char pub[2 * IMG_SIGN_PUBLIC + 1], at[IMG_TIME_MAX], extra[1024];
	struct img_audit_check audit;
	struct img_record rec;
	struct img_buf b;
	size_t n;
	int rc = -1;

	if (v->unfit)
		return img_err_set(err, IMG_E_REFUSED,
				   "%llu are not intact, or could not be "
				   "looked at: nothing is signed",
				   (unsigned long long)v->unfit);
	img_buf_init(&b, STATEMENT_MAX);
	img_time_now(at);
	audit_head(v, &audit);
	if (root_of(v, root, &n, err) < 0 ||
	    message(&b, root, n, audit.lines, audit.head, at, err) < 0 ||
	    img_sign(v->opts.sign, b.data, b.len, signature, public, err) < 0)
		goto out;
	img_hex(sig, signature, sizeof(signature));
	img_hex(pub, public, sizeof(public));
	snprintf(extra, sizeof(extra),
		 "\"root\":\"%s\",\"objects\":%zu,\"lines\":%llu,"
		 "\"head\":\"%s\",\"at\":\"%s\",\"signer\":\"%s\","
		 "\"signature\":\"%s\"",
		 root, n, (unsigned long long)audit.lines, audit.head, at, pub,
		 sig);
	if (v->catalog && write_signed(v, n, err) < 0)
		goto out;
	v->collect = false;
	img_record_init(&rec);
	rec.status = "signed";
	rec.extra = extra;
	rc = verify_emit(v, &rec) < 0 ? img_err_set(err, IMG_E_IO, "stdout")
				      : 0;
out:
	img_buf_release(&b);
	return rc;
}

int img_verify_new_key(const char *file, struct img_err *err)
{
	return img_crypto_init(err) < 0 ? -1 : img_sign_make(file, err);
}

/* ---- checking ----------------------------------------------------------- */

/* The last line of the file that has a signature: what imgverify printed may
   have been kept whole.  Of a line that is too long no part is a statement. */
static struct img_json *last_signed(FILE *f, char *line)
{
	struct img_json *found = NULL, *j;
	struct img_err bad = IMG_ERR_INIT;

	while (fgets(line, IMG_LINE_MAX, f)) {
		j = img_json_parse(line, strlen(line), &bad);
		if (j && img_json_get(j, "signature")) {
			img_json_free(found);
			found = j;
		} else {
			img_json_free(j);
		}
	}
	return found;
}

static struct img_json *read_statement(const char *file, struct img_err *err)
{
	struct img_json *found = NULL;
	FILE *f = fopen(file, "re");
	char *line = malloc(IMG_LINE_MAX);

	if (!f)
		img_err_sys(err, "%s", file);
	else if (!line)
		img_err_set(err, IMG_E_NOMEM, "out of memory");
	else if (!(found = last_signed(f, line)))
		img_err_set(err, IMG_E_MALFORMED, "%s: no signed statement",
			    file);
	free(line);
	if (f)
		fclose(f);
	return found;
}

/* Whether it is signed with the key; *good. */
static int check_signature(struct img_verify *v, bool *good,
			   struct img_err *err)
{
	const struct img_json *j = v->statement;
	const char *root = img_json_get(j, "root");
	const char *head = img_json_get(j, "head"), *at = img_json_get(j, "at");
	uint8_t signature[IMG_SIGN_BYTES] = { 0 };
	uint64_t objects = 0, lines = 0;
	struct img_buf b;
	int rc = -1;
	bool whole = root && head && at &&
		     img_json_get_u64(j, "objects", &objects) &&
		     img_json_get_u64(j, "lines", &lines) &&
		     img_unhex(signature, sizeof(signature),
			       img_json_get(j, "signature"));

	img_buf_init(&b, STATEMENT_MAX);
	if (message(&b, whole ? root : "", objects, lines, whole ? head : "",
		    whole ? at : "", err) == 0 &&
	    img_sign_check(v->opts.signed_by, b.data, b.len, signature, good,
			   err) == 0)
		rc = 0;
	img_buf_release(&b);
	*good &= whole;
	return rc;
}

static int tell(struct img_verify *v, const char *why, struct img_err *err)
{
	struct img_record rec;

	v->collect = false;
	img_record_init(&rec);
	rec.status = why ? "differs" : "same";
	rec.path = v->opts.statement;
	rec.reason = why;
	return verify_emit(v, &rec) < 0 ? img_err_set(err, IMG_E_IO, "stdout")
					: 0;
}

static int compare(struct img_verify *v, struct img_err *err)
{
	const char *why = "these are not the objects that were signed";
	uint64_t objects = 0;
	char have[IMG_DIGEST_HEX];
	size_t n;

	if (v->unfit) /* is more than was signed */
		return tell(v, why, err);
	if (root_of(v, have, &n, err) < 0)
		return -1;
	if (strcmp(have, img_json_get(v->statement, "root")) == 0 &&
	    img_json_get_u64(v->statement, "objects", &objects) && n == objects)
		why = NULL;
	return tell(v, why, err);
}

/* ---- first and last ------------------------------------------------------ */

int img_verify_statement_begin(struct img_verify *v, struct img_err *err)
{
	bool good = false;

	v->collect = v->opts.sign || v->opts.signed_by;
	if (v->opts.sign)
		return img_sign_try(v->opts.sign, err);
	if (!v->opts.signed_by)
		return 0;
	v->statement = read_statement(v->opts.statement, err);
	if (!v->statement || check_signature(v, &good, err) < 0)
		return -1;
	if (good)
		return 0;
	return tell(v,
		    "the signature is not of this key, or the statement was "
		    "changed",
		    err) < 0
		       ? -1
		       : 1;
}

int img_verify_statement(struct img_verify *v, uint64_t failed,
			 struct img_err *err)
{
	if (v->unfit < failed)
		v->unfit = failed;
	if (v->opts.sign)
		return sign(v, err);
	return v->opts.signed_by ? compare(v, err) : 0;
}
