/* secret.c - secrets come from files that nobody else can read. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/inside.h"

int img_net_read_secrets(const char *file, struct img_buf *out,
			 struct img_err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc = -1;
	char block[4096];
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
	while ((n = img_read_full(fd, block, sizeof(block))) > 0)
		if (img_buf_add(out, block, (size_t)n, err) < 0)
			goto out;
	rc = n < 0 ? img_err_sys(err, "%s", file) : 0;
out:
	explicit_bzero(block, sizeof(block));
	if (fd >= 0)
		close(fd);
	return rc;
}

int img_net_read_secret(const char *file, struct img_buf *out,
			struct img_err *err)
{
	size_t from = out->len;

	if (img_net_read_secrets(file, out, err) < 0)
		return -1;
	while (out->len > from && (out->data[out->len - 1] == '\n' ||
				   out->data[out->len - 1] == '\r'))
		out->data[--out->len] = '\0';
	return 0;
}
