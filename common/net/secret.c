/* secret.c - secrets come from files that nobody else can read. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/inside.h"

/* All of its room at once: a buffer that moves leaves a copy behind. */
static int read_all(int fd, const char *file, struct img_buf *out,
		    struct img_err *err)
{
	size_t most = out->max - out->len;
	ssize_t n, over = 0;
	char more;

	if (img_buf_grow(out, most, err) < 0)
		return -1;
	n = img_read_full(fd, out->data + out->len, most);
	if (n >= 0)
		out->len += (size_t)n;
	out->data[out->len] = '\0';
	if (n == (ssize_t)most)
		over = img_read_full(fd, &more, 1);
	explicit_bzero(&more, sizeof(more));
	if (n < 0 || over < 0)
		return img_err_sys(err, "%s", file);
	return over ? img_err_set(err, IMG_E_LIMIT, "over %zu bytes", out->max)
		    : 0;
}

int img_net_read_secrets(const char *file, struct img_buf *out,
			 struct img_err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc = -1;
	struct stat sb;

	if (fd < 0 || fstat(fd, &sb) < 0) {
		img_err_sys(err, "%s", file);
		goto out;
	}
	if (sb.st_mode & 077) {
		img_err_set(err, IMG_E_DENIED,
			    "%s: others can read it; make it mode 0600", file);
		goto out;
	}
	rc = read_all(fd, file, out, err);
out:
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

void img_net_release_secret(struct img_buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->room);
	img_buf_release(b);
}
