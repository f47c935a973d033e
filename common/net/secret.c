/* secret.c - secrets come from files that nobody else can read. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/inside.h"

int img_net_read_secret(const char *file, struct img_buf *out,
			struct img_err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc = -1;
	char block[1024];
	struct stat sb;
	ssize_t n;

	if (fd < 0 || fstat(fd, &sb) < 0) {
		img_err_sys(err, "%s", file);
		goto out;
	}
	if (sb.st_mode & 077) {
		img_err_set(err, IMG_E_DENIED,
			    "%s: others can read it; make it mode 0600", file);
		goto out;
	}
	n = img_read_full(fd, block, sizeof(block));
	if (n < 0) {
		img_err_sys(err, "%s", file);
		goto out;
	}
	while (n > 0 && (block[n - 1] == '\n' || block[n - 1] == '\r'))
		n--;
	rc = img_buf_add(out, block, (size_t)n, err);
	explicit_bzero(block, sizeof(block));
out:
	if (fd >= 0)
		close(fd);
	return rc;
}
