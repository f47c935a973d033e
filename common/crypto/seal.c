/* seal.c - notes that only a trustee can read (crypto_box_seal). */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/crypto.h"

_Static_assert(IMG_SEAL_PUBLIC == crypto_box_PUBLICKEYBYTES, "size of a key");

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

static int read_key(const char *file, bool secret, uint8_t *p,
		    struct img_err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc = -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		img_err_sys(err, "%s", file);
	else if (!S_ISREG(st.st_mode) || st.st_size != IMG_SEAL_PUBLIC)
		img_err_set(err, IMG_E_USAGE, "%s: not a key file (%d bytes)",
			    file, IMG_SEAL_PUBLIC);
	else if (secret && (st.st_mode & (S_IRWXG | S_IRWXO)))
		img_err_set(err, IMG_E_DENIED,
			    "%s: others may use this key; chmod 600 it", file);
	else if (img_read_full(fd, p, IMG_SEAL_PUBLIC) != IMG_SEAL_PUBLIC)
		img_err_set(err, IMG_E_IO, "%s: cannot be read", file);
	else
		rc = 0;
	if (fd >= 0)
		close(fd);
	return rc;
}

int img_seal_make(const char *file, struct img_err *err)
{
	uint8_t *secret = sodium_malloc(crypto_box_SECRETKEYBYTES);
	uint8_t public[IMG_SEAL_PUBLIC];
	char name[IMG_PATH_MAX];
	int rc = -1;

	if (!secret)
		return img_err_set(err, IMG_E_NOMEM, "no locked memory");
	crypto_box_keypair(public, secret);
	if (snprintf(name, sizeof(name), "%s.pub", file) >= (int)sizeof(name))
		img_err_set(err, IMG_E_LIMIT, "%.100s...: too long", file);
	else if (write_new(file, 0600, secret, crypto_box_SECRETKEYBYTES,
			   err) == 0) {
		rc = write_new(name, 0644, public, sizeof(public), err);
		if (rc < 0)
			unlink(file);
	}
	sodium_free(secret);
	return rc;
}

int img_seal_public(const char *file, uint8_t public[IMG_SEAL_PUBLIC],
		    struct img_err *err)
{
	return read_key(file, false, public, err);
}

int img_seal(const uint8_t public[IMG_SEAL_PUBLIC], const void *p, size_t n,
	     struct img_buf *out, struct img_err *err)
{
	const int variant = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
	size_t boxed = n + crypto_box_SEALBYTES;
	size_t text = sodium_base64_ENCODED_LEN(boxed, variant);
	struct img_buf box;
	int rc = -1;

	img_buf_init(&box, IMG_SEAL_MAX * 2);
	if (n > IMG_SEAL_MAX)
		img_err_set(err, IMG_E_LIMIT, "too much to seal");
	else if (img_buf_grow(&box, boxed, err) == 0 &&
		 img_buf_grow(out, text, err) == 0) {
		crypto_box_seal((uint8_t *)box.data, p, n, public);
		sodium_bin2base64(out->data + out->len, text,
				  (uint8_t *)box.data, boxed, variant);
		out->len += text - 1;
		rc = img_buf_putc(out, '\n', err);
	}
	img_buf_release(&box);
	return rc;
}

int img_unseal(const char *secret_file, const char *line, size_t n,
	       struct img_buf *out, struct img_err *err)
{
	uint8_t *secret = sodium_malloc(crypto_box_SECRETKEYBYTES);
	uint8_t public[IMG_SEAL_PUBLIC];
	struct img_buf box;
	size_t boxed = 0;
	int rc = -1;

	img_buf_init(&box, IMG_SEAL_MAX * 2);
	if (!secret || img_buf_grow(&box, n + 1, err) < 0 ||
	    read_key(secret_file, true, secret, err) < 0)
		goto out;
	crypto_scalarmult_base(public, secret);
	if (sodium_base642bin((uint8_t *)box.data, n, line, n, NULL, &boxed,
			      NULL,
			      sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0 ||
	    boxed < crypto_box_SEALBYTES || img_buf_grow(out, boxed, err) < 0 ||
	    crypto_box_seal_open((uint8_t *)out->data + out->len,
				 (uint8_t *)box.data, boxed, public,
				 secret) != 0) {
		img_err_set(err, IMG_E_DENIED,
			    "not sealed for this key, or damaged");
		goto out;
	}
	out->len += boxed - crypto_box_SEALBYTES;
	rc = 0;
out:
	if (!secret)
		img_err_set(err, IMG_E_NOMEM, "no locked memory");
	img_buf_release(&box);
	sodium_free(secret);
	return rc;
}
