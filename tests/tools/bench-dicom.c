/*
 * bench-dicom - headers a second: from memory, and from files.
 *
 * bench-dicom [-n rounds] file ...
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dicom/dicom.h"

/* What an importer wants to know of an object. */
static const uint32_t tags[] = {
	0x00020002, 0x00020003, 0x00020010, 0x00080005, 0x00080016, 0x00080018,
	0x00080020, 0x00080030, 0x00080050, 0x00080060, 0x00080090, 0x00081030,
	0x0008103E, 0x00100010, 0x00100020, 0x00100021, 0x00100030, 0x00100040,
	0x00180015, 0x0020000D, 0x0020000E, 0x00200010, 0x00200011, 0x00200013,
	0x00280008, 0x00280010, 0x00280011,
};
#define TAGS (sizeof(tags) / sizeof(tags[0]))

struct file {
	const char *path;
	uint8_t *data;
	size_t size;
};

static int load(struct file *f, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;

	f->path = path;
	if (fd >= 0 && fstat(fd, &st) == 0) {
		f->size = (size_t)st.st_size;
		f->data = malloc(f->size + 1);
		if (f->data &&
		    img_read_full(fd, f->data, f->size) == (ssize_t)f->size)
			rc = 0;
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

static unsigned long long pick_all(struct img_dicom_reader *r)
{
	struct img_dicom_pick out[TAGS];
	struct img_err err = IMG_ERR_INIT;

	if (img_dicom_pick(r, tags, TAGS, out, &err) < 0)
		return 0;
	return img_dicom_facts(r)->elements;
}

static unsigned long long from_memory(struct img_dicom_reader *r,
				      const struct file *f)
{
	struct img_err err = IMG_ERR_INIT;

	if (img_dicom_start_mem(r, f->data, f->size, f->path, NULL, &err) < 0)
		return 0;
	return pick_all(r);
}

static unsigned long long from_file(struct img_dicom_reader *r,
				    const struct file *f)
{
	struct img_err err = IMG_ERR_INIT;
	int fd = open(f->path, O_RDONLY | O_CLOEXEC);
	unsigned long long n = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	if (img_dicom_start_fd(r, fd, (uint64_t)st.st_size, f->path, NULL,
			       &err) == 0)
		n = pick_all(r);
	close(fd);
	return n;
}

static void measure(const char *what,
		    unsigned long long (*one)(struct img_dicom_reader *,
					      const struct file *),
		    struct img_dicom_reader *r, const struct file *files,
		    int count, long rounds)
{
	double begin = img_time_mono(), seconds;
	unsigned long long elements = 0;
	double n = (double)rounds * count;

	for (long i = 0; i < rounds; i++)
		for (int k = 0; k < count; k++)
			elements += one(r, &files[k]);
	seconds = img_time_mono() - begin;
	printf("%-8s %10.0f headers/s  %7.3f us/header  %6.1f ns/element  "
	       "%.0f elements each\n",
	       what, n / seconds, seconds / n * 1e6,
	       seconds / (double)(elements ? elements : 1) * 1e9,
	       (double)elements / n);
}

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_reader *r = img_dicom_reader_new(&err);
	long rounds = 1000;
	struct file *files;
	int opt, count;

	while ((opt = getopt(argc, argv, "n:")) != -1)
		rounds = opt == 'n' ? atol(optarg) : 0;
	count = argc - optind;
	files = calloc((size_t)count + 1, sizeof(*files));
	if (!r || !files || count == 0 || rounds <= 0)
		return 64;
	for (int i = 0; i < count; i++)
		if (load(&files[i], argv[optind + i]) < 0) {
			perror(argv[optind + i]);
			return 3;
		}
	measure("memory", from_memory, r, files, count, rounds);
	measure("file", from_file, r, files, count, rounds);
	for (int i = 0; i < count; i++)
		free(files[i].data);
	free(files);
	img_dicom_reader_free(r);
	return 0;
}
