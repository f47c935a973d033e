/* keyfile.c - keys in files: written once, and not readable by others. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/keyfile.h"

int keyfile_write(const char *file, mode_t mode, const uint8_t *p, size_t n,
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

int keyfile_read(const char *file, bool secret, uint8_t *p, size_t n,
		 struct img_err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc = -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		img_err_sys(err, "%s", file);
	else if (!S_ISREG(st.st_mode) || (size_t)st.st_size != n)
		img_err_set(err, IMG_E_USAGE, "%s: not a key file (%zu bytes)",
			    file, n);
	else if (secret && (st.st_mode & (S_IRWXG | S_IRWXO)))
		img_err_set(err, IMG_E_DENIED,
			    "%s: others may use this key; chmod 600 it", file);
	else if (img_read_full(fd, p, n) != (ssize_t)n)
		img_err_set(err, IMG_E_IO, "%s: cannot be read", file);
	else
		rc = 0;
	if (fd >= 0)
		close(fd);
	return rc;
}
