/* locked.c - memory for secrets, and a passphrase read into it. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypto/locked.h"

#define ALIGN 16 /* sodium_malloc gives it to what is a multiple of it */
#define MORE  3  /* the end of its line, CR LF at most, and a byte too many */

/* A child process has zeros in its place: a jail that is opened later knows no
   secret. */
static void keep_from_children(void *p, size_t n)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = (uintptr_t)p & ~(page - 1);

	/* Where the kernel has no such thing they have what they had. */
	(void)madvise((void *)from, (uintptr_t)p + n - from, MADV_WIPEONFORK);
}

void *locked_new(size_t n, struct img_err *err)
{
	void *p;

	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	p = sodium_malloc(n);
	if (p)
		keep_from_children(p, n);
	else
		img_err_set(err, IMG_E_NOMEM, "no locked memory for a secret");
	return p;
}

/* What the program has opened closes when it is run, so that it cannot be what
   it was given. */
static ssize_t read_given(int fd, char *text, size_t room)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags >= 0 && flags & FD_CLOEXEC)
		errno = EBADF;
	return flags < 0 || flags & FD_CLOEXEC
		       ? -1
		       : img_read_or_signal(fd, text, room);
}

int img_passphrase_read(struct img_passphrase **out, int fd, size_t least,
			size_t most, struct img_err *err)
{
	const size_t room = most + MORE;
	struct img_passphrase *p = locked_new(sizeof(*p) + room, err);
	bool whole;
	ssize_t n;

	if (!p)
		return -1;
	n = read_given(fd, p->text, room);
	if (n < 0) {
		img_err_sys(err, "descriptor %d", fd);
		goto fail;
	}
	whole = (size_t)n < room;
	while (n > 0 && (p->text[n - 1] == '\n' || p->text[n - 1] == '\r'))
		n--;
	if (!whole || (size_t)n < least || (size_t)n > most) {
		img_err_set(err, IMG_E_USAGE,
			    "a passphrase has %zu to %zu bytes", least, most);
		goto fail;
	}
	p->text[n] = '\0';
	p->n = (size_t)n;
	*out = p;
	return 0;
fail:
	img_passphrase_free(p);
	return -1;
}

void img_passphrase_free(struct img_passphrase *p)
{
	sodium_free(p);
}
