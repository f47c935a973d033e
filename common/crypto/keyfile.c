/* keyfile.c - keys in files: written once, and not readable by others. */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/keyfile.h"

/* A key with a bit flipped is as good a key as any, and what is made with it
   fits nothing: so its digest follows it.  One that has none is taken, too. */
#define CHECK crypto_generichash_BYTES_MIN /* 16 */

static void check_of(const uint8_t *p, size_t n, uint8_t out[CHECK])
{
	static const unsigned char use[] = "imgtools key file";

	crypto_generichash(out, CHECK, p, n, use, sizeof(use) - 1);
}

/* The folder that the file is in. */
static void folder_of(const char *file, char dir[IMG_PATH_MAX])
{
	const char *slash = strrchr(file, '/');
	size_t n = slash ? (size_t)(slash - file) + 1 : 0;

	if (n >= IMG_PATH_MAX)
		n = 0;
	memcpy(dir, n ? file : ".", n ? n : 1);
	dir[n ? n : 1] = '\0';
}

/* A key has its name when it is whole: half of one would be in the way. */
static int name_it(int fd, const char *file, struct img_err *err)
{
	char self[64];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, AT_FDCWD, file, AT_SYMLINK_FOLLOW) < 0)
		return img_err_sys(err, "%s", file);
	return 0;
}

static int put_key(int fd, const char *file, const uint8_t *p, size_t n,
		   struct img_err *err)
{
	uint8_t check[CHECK];

	check_of(p, n, check);
	if (img_write_full(fd, p, n) < 0 ||
	    img_write_full(fd, check, sizeof(check)) < 0)
		return img_err_sys(err, "%s", file);
	return img_sync_fd(fd, file, err);
}

int keyfile_write(const char *file, mode_t mode, const uint8_t *p, size_t n,
		  struct img_err *err)
{
	const int flags = O_WRONLY | O_CLOEXEC;
	bool nameless, named = false;
	char dir[IMG_PATH_MAX];
	int fd, rc;

	folder_of(file, dir);
	fd = open(dir, flags | O_TMPFILE, mode);
	nameless = fd >= 0 && access("/proc/self/fd", X_OK) == 0;
	if (!nameless) { /* no such thing here */
		if (fd >= 0)
			close(fd);
		fd = open(file, flags | O_CREAT | O_EXCL, mode);
		if (fd < 0)
			return img_err_sys(err, "%s", file);
		named = true;
	}
	rc = put_key(fd, file, p, n, err);
	if (rc == 0 && nameless) {
		rc = name_it(fd, file, err);
		named = rc == 0;
	}
	if (img_close(&fd, file, err) < 0)
		rc = -1;
	/* What is made with a key that a power cut takes away fits nothing. */
	if (rc == 0)
		rc = img_sync_dir(dir, err);
	if (rc < 0 && named)
		unlink(file);
	return rc;
}

int keyfile_pair(const char *file,
		 int (*keypair)(unsigned char *public, unsigned char *secret),
		 size_t n, size_t public_n, struct img_err *err)
{
	uint8_t *secret = sodium_malloc(n), public[64];
	char name[IMG_PATH_MAX];
	int rc = -1;

	if (!secret)
		return img_err_set(err, IMG_E_NOMEM, "no locked memory");
	if (public_n > sizeof(public) || keypair(public, secret) != 0)
		img_err_set(err, IMG_E_BUG, "no pair of keys");
	else if ((size_t)snprintf(name, sizeof(name), "%s.pub", file) >=
		 sizeof(name))
		img_err_set(err, IMG_E_LIMIT, "%.100s...: too long", file);
	else if (keyfile_write(file, 0600, secret, n, err) == 0) {
		rc = keyfile_write(name, 0644, public, public_n, err);
		if (rc < 0)
			unlink(file);
	}
	sodium_free(secret);
	return rc;
}

static int not_a_key(const char *file, size_t n, struct img_err *err)
{
	return img_err_set(err, IMG_E_USAGE, "%s: not a key file (%zu bytes)",
			   file, n);
}

/* To its end, which a pipe has when its writer says so. */
static int read_key(int fd, const char *file, uint8_t *p, size_t n,
		    struct img_err *err)
{
	uint8_t more[CHECK + 1], check[CHECK];
	ssize_t got = img_read_or_signal(fd, p, n), over;

	over = got == (ssize_t)n ? img_read_or_signal(fd, more, sizeof(more))
				 : 0;
	if (got < 0 || over < 0)
		return img_err_sys(err, "%s", file);
	if ((size_t)got != n || (over != 0 && over != CHECK))
		return not_a_key(file, n, err);
	check_of(p, n, check);
	if (over && sodium_memcmp(more, check, CHECK) != 0)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: damaged: it is not the key that was "
				   "made",
				   file);
	return 0;
}

int keyfile_read(const char *file, bool secret, uint8_t *p, size_t n,
		 struct img_err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc = -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		img_err_sys(err, "%s", file);
	else if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
		rc = not_a_key(file, n, err);
	else if (secret && (st.st_mode & (S_IRWXG | S_IRWXO)))
		img_err_set(err, IMG_E_DENIED,
			    "%s: others may use this key; chmod 600 it", file);
	else
		rc = read_key(fd, file, p, n, err);
	if (fd >= 0)
		close(fd);
	return rc;
}
