/*
 * seal.c - fuzz target of what keys make and what is made of keys: sealed
 * lines, signatures, key files.
 *
 * The first byte says which.  Whatever comes in: no crash, a verdict.  What is
 * sealed comes out the same, with this key only; what was changed does not.  A
 * signature holds for what was signed, and for nothing else.  A key file has
 * the size of a key, maybe its check behind it, and nobody else may use it.
 */
#include "crypto/crypto.h"
#include "fuzz.h"

static char folder[64];
static char trustee[96], other[96], signer[96], public[112], key[96];
static uint8_t to[IMG_SEAL_PUBLIC];
static struct img_trustee *reads, *does_not;
static struct img_buf line, out;

static void must_work(int rc, const struct img_err *err)
{
	if (rc < 0)
		fuzz_wrong("our own key", err);
}

static void clean(void)
{
	static const char *const names[] = { trustee, other, signer, key };
	char name[128];

	for (unsigned i = 0; i < 4; i++) {
		unlink(names[i]);
		snprintf(name, sizeof(name), "%s.pub", names[i]);
		unlink(name);
	}
	rmdir(folder);
}

static void prepare(void)
{
	struct img_err err = IMG_ERR_INIT;

	if (line.max)
		return;
	img_buf_init(&line, 1 << 20);
	img_buf_init(&out, 1 << 20);
	must_work(img_crypto_init(&err), &err);
	fuzz_folder(folder, "seal");
	snprintf(trustee, sizeof(trustee), "%s/trustee", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	snprintf(signer, sizeof(signer), "%s/signer", folder);
	snprintf(key, sizeof(key), "%s/key", folder);
	snprintf(public, sizeof(public), "%s.pub", trustee);
	atexit(clean);
	must_work(img_seal_make(trustee, &err), &err);
	must_work(img_seal_make(other, &err), &err);
	must_work(img_sign_make(signer, &err), &err);
	must_work(img_seal_public(public, to, &err), &err);
	must_work(img_trustee_load(&reads, trustee, &err), &err);
	must_work(img_trustee_load(&does_not, other, &err), &err);
}

/* A line from anywhere: nobody can have sealed it. */
static void unseal_any(const struct fuzz_in *in)
{
	struct img_err err = IMG_ERR_INIT;
	int rc;

	img_buf_reset(&out);
	rc = img_unseal(reads, (const char *)in->p, in->n, &out, &err);
	fuzz_verdict(rc, &err);
	fuzz_must(rc < 0 && out.len == 0, "what nobody sealed was opened");
}

/* A note, sealed, and its line changed in a place or not. */
static void seal(struct fuzz_in *in)
{
	struct img_err err = IMG_ERR_INIT;
	unsigned at = fuzz_word(in), how = fuzz_byte(in);
	char was;

	img_buf_reset(&line);
	img_buf_reset(&out);
	must_work(img_seal(to, in->p, in->n, &line, &err), &err);
	fuzz_must(memchr(line.data, '\n', line.len) == line.data + line.len - 1,
		  "more than a line");
	must_work(img_unseal(reads, line.data, line.len - 1, &out, &err), &err);
	fuzz_must(out.len == in->n && out.data[out.len] == '\0' &&
			  (!in->n || memcmp(out.data, in->p, in->n) == 0),
		  "another note came out");
	img_buf_reset(&out);
	fuzz_must(img_unseal(does_not, line.data, line.len - 1, &out, &err) <
				  0 &&
			  out.len == 0,
		  "another key opens it");
	at %= (unsigned)line.len - 1;
	was = line.data[at];
	line.data[at] = (char)how;
	img_err_clear(&err);
	if (img_unseal(reads, line.data, line.len - 1, &out, &err) == 0)
		fuzz_must(was == (char)how, "a changed line is opened");
}

static void sign(struct fuzz_in *in)
{
	uint8_t signature[IMG_SIGN_BYTES], from[IMG_SIGN_PUBLIC];
	struct img_err err = IMG_ERR_INIT;
	unsigned at = fuzz_word(in), by = fuzz_byte(in);
	char name[128];
	bool is = false;

	snprintf(name, sizeof(name), "%s.pub", signer);
	must_work(img_sign(signer, in->p, in->n, signature, from, &err), &err);
	must_work(img_sign_check(name, in->p, in->n, signature, &is, &err),
		  &err);
	fuzz_must(is, "our own signature does not hold");
	signature[at % sizeof(signature)] ^= (uint8_t)by;
	must_work(img_sign_check(name, in->p, in->n, signature, &is, &err),
		  &err);
	fuzz_must(is == (by == 0), "a changed signature holds");
	signature[at % sizeof(signature)] ^= (uint8_t)by;
	must_work(img_sign_check(name, in->p, in->n ? in->n - 1 : 0, signature,
				 &is, &err),
		  &err);
	fuzz_must(is == (in->n == 0), "a signature of something else holds");
}

/* 16 bytes more must be the right ones. */
static bool as_key(int rc, size_t n, unsigned mode)
{
	bool own = !(mode & 077);

	return n == 48 ? rc < 0 || own : (rc == 0) == (n == 32 && own);
}

static void key_file(struct fuzz_in *in)
{
	struct img_err err = IMG_ERR_INIT;
	unsigned mode = fuzz_word(in) & 0777;
	struct img_trustee *t = NULL;
	struct img_key *k = NULL;
	int rc;

	/* Who tests as root may read what nobody may. */
	fuzz_file(key, in->p, in->n, mode | 0400);
	rc = img_key_load(&k, key, &err);
	fuzz_verdict(rc, &err);
	fuzz_must(as_key(rc, in->n, mode), "key file");
	img_key_free(k);
	img_err_clear(&err);
	rc = img_trustee_load(&t, key, &err);
	fuzz_verdict(rc, &err);
	fuzz_must(as_key(rc, in->n, mode), "trustee");
	if (rc == 0)
		img_trustee_free(t);
	img_err_clear(&err);
	rc = img_seal_public(key, to + 0, &err);
	fuzz_verdict(rc, &err);
	fuzz_must((rc == 0) == (in->n == IMG_SEAL_PUBLIC), "public key");
	img_err_clear(&err);
	must_work(img_seal_public(public, to, &err), &err);
	unlink(key);
}

/* A passphrase is worth its half second only now and then. */
static void short_pass(const struct fuzz_in *in)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_key *k = NULL;
	int p[2], rc;

	if (in->n >= 12 || pipe(p) < 0)
		return;
	if (in->n && write(p[1], in->p, in->n) < 0)
		exit(3);
	close(p[1]);
	rc = img_key_passphrase(&k, p[0], &err);
	close(p[0]);
	fuzz_verdict(rc, &err);
	fuzz_must(rc < 0, "a short passphrase is taken");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };

	prepare();
	fuzz_fds(false);
	switch (fuzz_byte(&in) % 5) {
	case 0:
		unseal_any(&in);
		break;
	case 1:
		seal(&in);
		break;
	case 2:
		sign(&in);
		break;
	case 3:
		key_file(&in);
		break;
	default:
		short_pass(&in);
	}
	fuzz_fds(true);
	return 0;
}
