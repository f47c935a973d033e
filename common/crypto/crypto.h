/*
 * crypto.h - the only door to libsodium; and to nettle for SHA-256.
 *
 * Digests are BLAKE2b-256 (crypto_generichash, 32 bytes, no key): the name of
 * an object in the store, the link of the audit chain.  Sums are SipHash-2-4
 * with a published key: they find accidents in the catalog's rows, not
 * attackers.  Call img_crypto_init once before anything else.
 *
 * Secrets lie in locked memory, of which a child process has zeros; freeing it
 * wipes it.  A key is 32 such bytes, from which subkeys are derived
 * (crypto_kdf), one for each use; what is made with one says nothing about
 * another.  A key file is these bytes and nothing else, mode 0600.
 */
#ifndef IMG_CRYPTO_H
#define IMG_CRYPTO_H

#include "base/base.h"

#define IMG_DIGEST_SIZE 32
#define IMG_DIGEST_HEX  65 /* with its NUL */

/* Big enough and aligned for libsodium's state, so that no heap is needed. */
struct img_digest {
	_Alignas(64) unsigned char state[384];
};

int img_crypto_init(struct img_err *err);

void img_digest_init(struct img_digest *d);
void img_digest_add(struct img_digest *d, const void *p, size_t n);
void img_digest_end(struct img_digest *d, uint8_t out[IMG_DIGEST_SIZE]);
void img_digest_of(uint8_t out[IMG_DIGEST_SIZE], const void *p, size_t n);

/* The same digest, for many bytes: libgcrypt's plain C takes half the time of
   libsodium's AVX2 on recent processors.  Owns memory: each one that was begun
   has to be ended or dropped. */
struct img_bulk {
	void *handle; /* NULL: it is done by d */
	struct img_digest d;
};
void img_bulk_init(struct img_bulk *b);
void img_bulk_add(struct img_bulk *b, const void *p, size_t n);
void img_bulk_end(struct img_bulk *b, uint8_t out[IMG_DIGEST_SIZE]);
/* Without an answer; nothing to do if it was ended or is all zeros. */
void img_bulk_drop(struct img_bulk *b);
/* Looks about for what the processor can do, which a jail would not allow. */
void img_bulk_prepare(void);

/* SHA-256, for manifests that others check with their own tools.  Nettle's
   uses the processor's instructions for it where there are any. */
struct img_sha256 {
	_Alignas(16) unsigned char state[128];
};
void img_sha256_init(struct img_sha256 *d);
void img_sha256_add(struct img_sha256 *d, const void *p, size_t n);
void img_sha256_end(struct img_sha256 *d, uint8_t out[IMG_DIGEST_SIZE]);

/* 64-bit sum of n bytes (SipHash-2-4 under a fixed key). */
uint64_t img_sum64(const void *p, size_t n);
/* n bytes from the system's random source. */
void img_random(void *p, size_t n);

/* ---- keys ------------------------------------------------------------- */

enum img_key_use { IMG_KEY_UID, IMG_KEY_ID, IMG_KEY_DATE, IMG_KEY_DUMMY };
#define IMG_KEY_USES 4

struct img_key; /* free with img_key_free */

/* A new key file; IMG_E_IO if there is a file of this name already. */
int img_key_make(const char *file, struct img_err *err);
/* IMG_E_DENIED if group or others may do anything with the file. */
int img_key_load(struct img_key **k, const char *file, struct img_err *err);
/* From a passphrase of 12 bytes or more that is read from fd as below
   (Argon2id, the same on any machine). */
int img_key_passphrase(struct img_key **k, int fd, struct img_err *err);
/* A key that nobody will ever have again. */
int img_key_random(struct img_key **k, struct img_err *err);
void img_key_free(struct img_key *k);
/* From the file; else, where fd is not negative, from a passphrase; else a
   random one. */
int img_key_get(struct img_key **k, const char *file, int fd,
		struct img_err *err);

struct img_part {
	const void *p;
	size_t n;
};
/* BLAKE2b of the parts under the subkey, n bytes (16 to 64).  May be called
   by many threads at once. */
void img_key_mac(const struct img_key *k, enum img_key_use use, uint8_t *out,
		 size_t n, const struct img_part *part, size_t parts);

/* A passphrase, in locked memory. */
struct img_passphrase {
	size_t n;
	char text[]; /* n bytes and a NUL */
};
/* Reads fd, which the program was given, up to its end; newlines there do not
   count.  IMG_E_USAGE if it is
   shorter than least or longer than most bytes; a signal ends the reading.
   Free with img_passphrase_free, which wipes it. */
int img_passphrase_read(struct img_passphrase **p, int fd, size_t least,
			size_t most, struct img_err *err);
void img_passphrase_free(struct img_passphrase *p);

/* ---- sealed notes ----------------------------------------------------- */

#define IMG_SEAL_PUBLIC 32
#define IMG_SEAL_MAX    (256u * 1024)

/* A trustee's secret key in file, mode 0600, and the public one in file.pub;
   neither is overwritten.  Of a secret one that is alone, as a kill between the
   two leaves it, the public one is made. */
int img_seal_make(const char *file, struct img_err *err);
int img_seal_public(const char *file, uint8_t public[IMG_SEAL_PUBLIC],
		    struct img_err *err);
/* Appends a line of base64 that only the trustee can read; n at most
   IMG_SEAL_MAX. */
int img_seal(const uint8_t public[IMG_SEAL_PUBLIC], const void *p, size_t n,
	     struct img_buf *out, struct img_err *err);
struct img_trustee; /* who reads them; free with img_trustee_free */
int img_trustee_load(struct img_trustee **t, const char *secret_file,
		     struct img_err *err);
void img_trustee_free(struct img_trustee *t);
/* Appends what is in such a line (without its newline); IMG_E_DENIED if the
   key is another one or the line was changed. */
int img_unseal(const struct img_trustee *t, const char *line, size_t n,
	       struct img_buf *out, struct img_err *err);

/* ---- passcodes -------------------------------------------------------- */

#define IMG_PASSCODE_HASH 128 /* with its NUL */

/* What can be kept of one: Argon2id with a salt, printable; 64 MiB and a tenth
   of a second. */
int img_passcode_hash(char out[IMG_PASSCODE_HASH], const void *p, size_t n,
		      struct img_err *err);
/* Whether it is one that can be compared with. */
bool img_passcode_hash_ok(const char *hash);
bool img_passcode_is(const char *hash, const void *p, size_t n);

/* ---- signatures ------------------------------------------------------- */

#define IMG_SIGN_PUBLIC 32
#define IMG_SIGN_BYTES  64

/* A signer's secret key in file, mode 0600, and the public one in file.pub, as
   img_seal_make makes a trustee's. */
int img_sign_make(const char *file, struct img_err *err);
/* Whether it is one that can be used; nothing is said of a pipe, which can be
   read but once.  -1: it is none. */
int img_sign_try(const char *secret_file, struct img_err *err);
/* public: the key with which it can be checked. */
int img_sign(const char *secret_file, const void *p, size_t n,
	     uint8_t signature[IMG_SIGN_BYTES], uint8_t public[IMG_SIGN_PUBLIC],
	     struct img_err *err);
int img_sign_check(const char *public_file, const void *p, size_t n,
		   const uint8_t signature[IMG_SIGN_BYTES], bool *good,
		   struct img_err *err);

#endif
