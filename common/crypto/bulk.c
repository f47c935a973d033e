/* bulk.c - digests of many bytes, by libgcrypt. */
#include <fcntl.h>
#include <gcrypt.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "crypto/crypto.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_ready;

/* It aborts where none is left to read the system's rules with. */
static bool has_descriptor(void)
{
	int fd = open("/", O_PATH | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Its AVX2 code is no faster than libsodium's; what is left is plain C.  No
   secret is given to it, so it needs no locked memory. */
static void start(void)
{
	if (!has_descriptor())
		return;
	(void)gcry_control(GCRYCTL_DISABLE_HWF, "intel-avx2", NULL);
	(void)gcry_check_version(NULL);
	(void)gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
	(void)gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	is_ready = true;
}

void img_bulk_prepare(void)
{
	pthread_once(&once, start);
}

/* Where rules of the system forbid it the algorithm (FIPS 140), libsodium has
   it still. */
void img_bulk_init(struct img_bulk *b)
{
	gcry_md_hd_t h = NULL;

	img_bulk_prepare();
	if (!is_ready || gcry_md_open(&h, GCRY_MD_BLAKE2B_256, 0) != 0)
		h = NULL;
	b->handle = h;
	if (!h)
		img_digest_init(&b->d);
}

void img_bulk_add(struct img_bulk *b, const void *p, size_t n)
{
	if (b->handle)
		gcry_md_write(b->handle, p, n);
	else
		img_digest_add(&b->d, p, n);
}

void img_bulk_end(struct img_bulk *b, uint8_t out[IMG_DIGEST_SIZE])
{
	if (!b->handle) {
		img_digest_end(&b->d, out);
		return;
	}
	memcpy(out, gcry_md_read(b->handle, GCRY_MD_BLAKE2B_256),
	       IMG_DIGEST_SIZE);
	img_bulk_drop(b);
}

void img_bulk_drop(struct img_bulk *b)
{
	if (b->handle)
		gcry_md_close(b->handle);
	b->handle = NULL;
}
