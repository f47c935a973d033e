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
	struct img_buf all;
	size_t n;
	int rc;

	img_buf_init(&all, 1024);
	rc = img_net_read_secrets(file, &all, err);
	n = all.len;
	while (n > 0 && (all.data[n - 1] == '\n' || all.data[n - 1] == '\r'))
		n--;
	if (rc == 0)
		rc = img_buf_add(out, all.data, n, err);
	if (all.data)
		explicit_bzero(all.data, all.room);
	img_buf_release(&all);
	return rc;
}
