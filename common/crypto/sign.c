/* sign.c - signatures that anybody can check (Ed25519). */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/crypto.h"

_Static_assert(IMG_SIGN_PUBLIC == crypto_sign_PUBLICKEYBYTES, "size of a key");
_Static_assert(IMG_SIGN_BYTES == crypto_sign_BYTES, "size of a signature");

static int write_new(const char *file, mode_t mode, const uint8_t *p, size_t n,
		     struct img_err *err)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	int rc = -1;

	if (fd < 0)
		return img_err_sys(err, "%s", file);
	if (img_write_full(fd, p, n) < 0)
		img_err_sys(err, "%s", file);
	else
		rc = img_sync_fd(fd, file, err);
	if (img_close(&fd, file, err) < 0)
		rc = -1;
	if (rc < 0)
		unlink(file);
	return rc;
}

static int read_key(const char *file, bool secret, uint8_t *p, size_t n,
		    struct img_err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc = -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		img_err_sys(err, "%s", file);
	else if (!S_ISREG(st.st_mode) || (size_t)st.st_size != n)
		img_err_set(err, IMG_E_USAGE, "%s: not a key file (%zu bytes)",
			    file, n);
	else if (secret && (st.st_mode & (S_IRWXG | S_IRWXO)))
		img_err_set(err, IMG_E_DENIED,
			    "%s: others may use this key; chmod 600 it", file);
	else if (img_read_full(fd, p, n) != (ssize_t)n)
		img_err_set(err, IMG_E_IO, "%s: cannot be read", file);
	else
		rc = 0;
	if (fd >= 0)
		close(fd);
	return rc;
}

int img_sign_make(const char *file, struct img_err *err)
{
	uint8_t *secret = sodium_malloc(crypto_sign_SECRETKEYBYTES);
	uint8_t public[IMG_SIGN_PUBLIC];
	char name[IMG_PATH_MAX];
	int rc = -1;

	if (!secret)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	crypto_sign_keypair(public, secret);
	if ((size_t)snprintf(name, sizeof(name), "%s.pub", file) >=
	    sizeof(name))
		img_err_set(err, IMG_E_LIMIT, "%.200s: name too long", file);
	else if (write_new(file, 0600, secret, crypto_sign_SECRETKEYBYTES,
			   err) == 0)
		rc = write_new(name, 0644, public, sizeof(public), err);
	sodium_free(secret);
	return rc;
}

int img_sign(const char *secret_file, const void *p, size_t n,
	     uint8_t signature[IMG_SIGN_BYTES], uint8_t public[IMG_SIGN_PUBLIC],
	     struct img_err *err)
{
	uint8_t *secret = sodium_malloc(crypto_sign_SECRETKEYBYTES);
	int rc = -1;

	if (!secret)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	if (read_key(secret_file, true, secret, crypto_sign_SECRETKEYBYTES,
		     err) == 0) {
		crypto_sign_detached(signature, NULL, p, n, secret);
		crypto_sign_ed25519_sk_to_pk(public, secret);
		rc = 0;
	}
	sodium_free(secret);
	return rc;
}

int img_sign_check(const char *public_file, const void *p, size_t n,
		   const uint8_t signature[IMG_SIGN_BYTES], bool *good,
		   struct img_err *err)
{
	uint8_t public[IMG_SIGN_PUBLIC];

	if (read_key(public_file, false, public, sizeof(public), err) < 0)
		return -1;
	*good = crypto_sign_verify_detached(signature, p, n, public) == 0;
	return 0;
}
