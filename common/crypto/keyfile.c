/* keyfile.c - keys in files: written once, and not readable by others. */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/keyfile.h"
#include "crypto/locked.h"

/* A key with a bit flipped is as good a key as any, and what is made with it
   fits nothing: so its digest follows it.  One that has none is taken, too. */
#define CHECK crypto_generichash_BYTES_MIN /* 16 */

static const struct {
	const char *use, *name;
} kinds[KEY_KINDS] = {
	[KEY_STUDY] = { "imgtools key file", "a key of --new-key" },
	[KEY_SECRET] = { "imgtools secret key file",
			 "the secret key of a pair" },
	[KEY_TRUSTEE] = { "imgtools public key file of a trustee",
			  "the public key of a trustee" },
	[KEY_SIGNER] = { "imgtools public key file of a signer",
			 "the public key of a signer" },
};

static bool is_public(enum key_kind kind)
{
	return kind == KEY_TRUSTEE || kind == KEY_SIGNER;
}

static void check_of(enum key_kind kind, const uint8_t *p, size_t n,
		     uint8_t out[CHECK])
{
	const char *use = kinds[kind].use;

	crypto_generichash(out, CHECK, p, n, (const uint8_t *)use, strlen(use));
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

static int put_key(int fd, const char *file, enum key_kind kind,
		   const uint8_t *p, size_t n, struct img_err *err)
{
	uint8_t check[CHECK];

	check_of(kind, p, n, check);
	if (img_write_full(fd, p, n) < 0 ||
	    img_write_full(fd, check, sizeof(check)) < 0)
		return img_err_sys(err, "%s", file);
	return img_sync_fd(fd, file, err);
}

int keyfile_write(const char *file, enum key_kind kind, const uint8_t *p,
		  size_t n, struct img_err *err)
{
	const mode_t mode = is_public(kind) ? 0644 : 0600;
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
	rc = put_key(fd, file, kind, p, n, err);
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

static int not_a_key(const char *file, size_t n, struct img_err *err)
{
	return img_err_set(err, IMG_E_USAGE, "%s: not a key file (%zu bytes)",
			   file, n);
}

static bool fits(enum key_kind kind, const uint8_t *p, size_t n,
		 const uint8_t check[CHECK])
{
	uint8_t want[CHECK];

	check_of(kind, p, n, want);
	return sodium_memcmp(check, want, CHECK) == 0;
}

/* To its end, which a pipe has when its writer says so.  *kind stays as it is
   where there is no digest. */
static int read_key(int fd, const char *file, uint8_t *p, size_t n,
		    enum key_kind *kind, struct img_err *err)
{
	uint8_t more[CHECK + 1];
	ssize_t got = img_read_or_signal(fd, p, n), over;

	over = got == (ssize_t)n ? img_read_or_signal(fd, more, sizeof(more))
				 : 0;
	if (got < 0 || over < 0)
		return img_err_sys(err, "%s", file);
	if ((size_t)got != n || (over != 0 && over != CHECK))
		return not_a_key(file, n, err);
	if (!over)
		return 0;
	*kind = 0;
	while (*kind < KEY_KINDS && !fits(*kind, p, n, more))
		(*kind)++;
	if (*kind == KEY_KINDS)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: damaged: it is not the key that was "
				   "made",
				   file);
	return 0;
}

static int read_any(enum key_kind *kind, const char *file, uint8_t *p, size_t n,
		    struct img_err *err)
{
	bool secret = !is_public(*kind);
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
		rc = read_key(fd, file, p, n, kind, err);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Both keys of a pair had the check of a study's key once.  A secret one that is
   none of a pair opens nothing; to a public one that is none, something would be
   sealed for ever. */
static bool is_old(const char *file, enum key_kind kind, enum key_kind want)
{
	size_t n = strlen(file);

	if (kind != KEY_STUDY)
		return false;
	return want == KEY_SECRET ||
	       (is_public(want) && n > 4 && strcmp(file + n - 4, ".pub") == 0);
}

int keyfile_read(const char *file, enum key_kind want, uint8_t *p, size_t n,
		 struct img_err *err)
{
	enum key_kind kind = want;

	if (read_any(&kind, file, p, n, err) < 0)
		return -1;
	if (kind == want || is_old(file, kind, want))
		return 0;
	sodium_memzero(p, n);
	if (kind == KEY_SECRET && is_public(want))
		return img_err_set(err, IMG_E_USAGE,
				   "%s: a secret key, and its public one is "
				   "wanted (%s.pub)",
				   file, file);
	return img_err_set(err, IMG_E_USAGE, "%s: %s, and %s is wanted", file,
			   kinds[kind].name, kinds[want].name);
}

/* Whether a secret key lies there that has no public one beside it.  A public
   one alone wants nothing: its secret one is kept elsewhere. */
static bool is_half(const char *file, const char *name, uint8_t *secret,
		    size_t n)
{
	struct img_err none = IMG_ERR_INIT;
	enum key_kind kind = KEY_STUDY; /* one without a digest is none */
	struct stat st;

	return stat(file, &st) == 0 && S_ISREG(st.st_mode) &&
	       access(name, F_OK) < 0 &&
	       read_any(&kind, file, secret, n, &none) == 0 &&
	       kind == KEY_SECRET;
}

/* Another one may have mended it between its two names. */
static bool is_there(const char *name, enum key_kind kind,
		     const uint8_t *public, size_t n)
{
	struct img_err none = IMG_ERR_INIT;
	uint8_t have[KEY_PUBLIC_MAX];

	return keyfile_read(name, kind, have, n, &none) == 0 &&
	       memcmp(have, public, n) == 0;
}

static int make_pair(const char *file, const char *name,
		     const struct key_pair *k, uint8_t *secret, uint8_t *public,
		     struct img_err *err)
{
	struct img_err bad = IMG_ERR_INIT;

	if (k->make(public, secret) != 0)
		return img_err_set(err, IMG_E_BUG, "no pair of keys");
	if (keyfile_write(file, KEY_SECRET, secret, k->secret, err) < 0)
		return -1;
	if (keyfile_write(name, k->kind, public, k->public, &bad) == 0 ||
	    is_there(name, k->kind, public, k->public))
		return 0;
	unlink(file);
	*err = bad;
	return -1;
}

/* Killed between its two names, a pair was left without its public key. */
static int mend(const char *name, const struct key_pair *k,
		const uint8_t *secret, uint8_t *public, struct img_err *err)
{
	if (k->derive(public, secret) != 0)
		return img_err_set(err, IMG_E_BUG, "no public key");
	return keyfile_write(name, k->kind, public, k->public, err);
}

int keyfile_pair(const char *file, const struct key_pair *k,
		 struct img_err *err)
{
	uint8_t *secret = locked_new(k->secret, err), public[KEY_PUBLIC_MAX];
	char name[IMG_PATH_MAX];
	int rc = -1;

	if (!secret)
		return -1;
	if (k->public > sizeof(public))
		img_err_set(err, IMG_E_BUG, "a long public key");
	else if ((size_t)snprintf(name, sizeof(name), "%s.pub", file) >=
		 sizeof(name))
		img_err_set(err, IMG_E_LIMIT, "%.100s...: too long", file);
	else if (is_half(file, name, secret, k->secret))
		rc = mend(name, k, secret, public, err);
	else
		rc = make_pair(file, name, k, secret, public, err);
	sodium_free(secret);
	return rc;
}
