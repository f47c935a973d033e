/* dcmseeds - writes the small sample streams into a folder, as seeds for the
   fuzzer and as files for other tests.  dcmseeds folder [name ...] */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "../unit/dicom_samples.h"

static int write_sample(const char *dir, const struct sample *s)
{
	struct img_err err = IMG_ERR_INIT;
	char path[IMG_PATH_MAX];
	struct made m;
	int fd, rc = -1;

	if (img_path_join(path, sizeof(path), dir, s->name, &err) < 0)
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		perror(path);
		return -1;
	}
	sample_make(s, &m);
	if (img_write_full(fd, m.b.data, m.b.len) == 0)
		rc = 0;
	img_buf_release(&m.b);
	if (close(fd) < 0)
		rc = -1;
	return rc;
}

static bool wanted(const struct sample *s, int argc, char **argv)
{
	if (argc == 2)
		return !s->big;
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], s->name) == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	int bad = 0;

	if (argc < 2)
		return 64;
	for (size_t i = 0; i < SAMPLES; i++)
		if (wanted(&samples[i], argc, argv))
			bad += write_sample(argv[1], &samples[i]) < 0;
	return bad ? 2 : 0;
}
