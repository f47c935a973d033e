/* key.c - secret keys in locked memory, and keyed digests under them. */
#include <sodium.h>

#include "crypto/keyfile.h"
#include "crypto/locked.h"

#define MASTER   crypto_kdf_KEYBYTES /* 32 */
#define CONTEXT  "imganon1"
#define PASS_MIN 12
#define PASS_MAX 1023

struct img_key {
	uint8_t master[MASTER];
	uint8_t sub[IMG_KEY_USES][crypto_generichash_KEYBYTES];
};

static struct img_key *key_new(struct img_err *err)
{
	return locked_new(sizeof(struct img_key), err);
}

static void derive(struct img_key *k)
{
	for (uint64_t i = 0; i < IMG_KEY_USES; i++)
		crypto_kdf_derive_from_key(k->sub[i], sizeof(k->sub[i]), i + 1,
					   CONTEXT, k->master);
	sodium_mprotect_readonly(k);
}

void img_key_free(struct img_key *k)
{
	sodium_free(k);
}

int img_key_random(struct img_key **out, struct img_err *err)
{
	struct img_key *k = key_new(err);

	if (!k)
		return -1;
	randombytes_buf(k->master, MASTER);
	derive(k);
	*out = k;
	return 0;
}

int img_key_make(const char *file, struct img_err *err)
{
	struct img_key *k = key_new(err);
	int rc;

	if (!k)
		return -1;
	randombytes_buf(k->master, MASTER);
	rc = keyfile_write(file, KEY_STUDY, k->master, MASTER, err);
	img_key_free(k);
	return rc;
}

int img_key_load(struct img_key **out, const char *file, struct img_err *err)
{
	struct img_key *k = key_new(err);

	if (!k)
		return -1;
	if (keyfile_read(file, KEY_STUDY, k->master, MASTER, err) < 0) {
		img_key_free(k);
		return -1;
	}
	derive(k);
	*out = k;
	return 0;
}

/* The salt is the same everywhere, so that a passphrase gives one key on any
   machine; the cost of guessing is Argon2id's. */
static int stretch(struct img_key *k, const struct img_passphrase *pass,
		   struct img_err *err)
{
	static const uint8_t salt[crypto_pwhash_SALTBYTES] = "imganon, salt 1";

	if (crypto_pwhash(k->master, MASTER, pass->text, pass->n, salt,
			  crypto_pwhash_OPSLIMIT_MODERATE,
			  crypto_pwhash_MEMLIMIT_MODERATE,
			  crypto_pwhash_ALG_ARGON2ID13) != 0)
		return img_err_set(err, IMG_E_NOMEM,
				   "no memory to work on the passphrase");
	return 0;
}

int img_key_passphrase(struct img_key **out, int fd, struct img_err *err)
{
	struct img_key *k = key_new(err);
	struct img_passphrase *pass = NULL;
	int rc = -1;

	if (k && img_passphrase_read(&pass, fd, PASS_MIN, PASS_MAX, err) == 0)
		rc = stretch(k, pass, err);
	img_passphrase_free(pass);
	if (rc < 0) {
		img_key_free(k);
		return -1;
	}
	derive(k);
	*out = k;
	return 0;
}

int img_key_get(struct img_key **k, const char *file, int fd,
		struct img_err *err)
{
	if (file)
		return img_key_load(k, file, err);
	return fd >= 0 ? img_key_passphrase(k, fd, err)
		       : img_key_random(k, err);
}

void img_key_mac(const struct img_key *k, enum img_key_use use, uint8_t *out,
		 size_t n, const struct img_part *part, size_t parts)
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, k->sub[use], sizeof(k->sub[use]), n);
	for (size_t i = 0; i < parts; i++) {
		uint8_t size[8];

		/* Each with its length: no two lists give one stream. */
		for (unsigned b = 0; b < 8; b++)
			size[b] = (uint8_t)((uint64_t)part[i].n >> 8 * b);
		crypto_generichash_update(&st, size, sizeof(size));
		crypto_generichash_update(&st, part[i].p, part[i].n);
	}
	crypto_generichash_final(&st, out, n);
}
