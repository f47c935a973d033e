/* seal.c - notes that only a trustee can read (crypto_box_seal). */
#include <ctype.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/keyfile.h"
#include "crypto/locked.h"

_Static_assert(IMG_SEAL_PUBLIC == crypto_box_PUBLICKEYBYTES, "size of a key");

struct img_trustee {
	uint8_t secret[crypto_box_SECRETKEYBYTES], public[IMG_SEAL_PUBLIC];
};

int img_seal_make(const char *file, struct img_err *err)
{
	static const struct key_pair pair = {
		KEY_TRUSTEE, crypto_box_SECRETKEYBYTES, IMG_SEAL_PUBLIC,
		crypto_box_keypair, crypto_scalarmult_base
	};

	return keyfile_pair(file, &pair, err);
}

int img_seal_public(const char *file, uint8_t public[IMG_SEAL_PUBLIC],
		    struct img_err *err)
{
	return keyfile_read(file, KEY_TRUSTEE, public, IMG_SEAL_PUBLIC, err);
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

int img_trustee_load(struct img_trustee **out, const char *secret_file,
		     struct img_err *err)
{
	struct img_trustee *t = locked_new(sizeof(*t), err);

	if (!t)
		return -1;
	if (keyfile_read(secret_file, KEY_SECRET, t->secret, sizeof(t->secret),
			 err) < 0) {
		img_trustee_free(t);
		return -1;
	}
	crypto_scalarmult_base(t->public, t->secret);
	*out = t;
	return 0;
}

void img_trustee_free(struct img_trustee *t)
{
	sodium_free(t);
}

/* libsodium takes bytes beyond ASCII for a '/'. */
static bool is_base64(const char *p, size_t n)
{
	while (n && *p > 0 && (isalnum(*p) || *p == '+' || *p == '/')) {
		p++;
		n--;
	}
	return n == 0;
}

int img_unseal(const struct img_trustee *t, const char *line, size_t n,
	       struct img_buf *out, struct img_err *err)
{
	struct img_buf box;
	size_t boxed = 0;
	int rc = -1;

	img_buf_init(&box, IMG_SEAL_MAX * 2);
	if (img_buf_grow(&box, n + 1, err) < 0)
		goto out;
	if (!is_base64(line, n) ||
	    sodium_base642bin((uint8_t *)box.data, n, line, n, NULL, &boxed,
			      NULL,
			      sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0 ||
	    boxed < crypto_box_SEALBYTES || img_buf_grow(out, boxed, err) < 0 ||
	    crypto_box_seal_open((uint8_t *)out->data + out->len,
				 (uint8_t *)box.data, boxed, t->public,
				 t->secret) != 0) {
		img_err_set(err, IMG_E_DENIED,
			    "not sealed for this key, or damaged");
		goto out;
	}
	out->len += boxed - crypto_box_SEALBYTES;
	out->data[out->len] = '\0';
	rc = 0;
out:
	img_buf_release(&box);
	return rc;
}
