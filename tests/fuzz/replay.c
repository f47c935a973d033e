/* replay.c - runs a fuzz target over files, for compilers without libFuzzer.
   Linked with one target; each operand is a file or a folder of files. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;
	uint8_t *data = NULL;
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0)
		data = malloc((size_t)st.st_size + 1);
	if (data && img_read_full(fd, data, (size_t)st.st_size) == st.st_size) {
		/* Said before, so that a crash is named. */
		fprintf(stderr, "replay: %s\n", path);
		LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
		rc = 0;
	} else {
		perror(path);
	}
	free(data);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int replay_all(const char *path, int *count)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int bad = 0;

	if (!dir) {
		(*count)++;
		return replay(path);
	}
	while ((entry = readdir(dir)) != NULL) {
		char name[IMG_PATH_MAX];
		struct img_err err = IMG_ERR_INIT;

		if (entry->d_name[0] == '.')
			continue;
		if (img_path_join(name, sizeof(name), path, entry->d_name,
				  &err) < 0 ||
		    replay(name) < 0)
			bad = -1;
		(*count)++;
	}
	closedir(dir);
	return bad;
}

int main(int argc, char **argv)
{
	int count = 0, bad = 0;

	for (int i = 1; i < argc; i++)
		if (replay_all(argv[i], &count) < 0)
			bad = 1;
	printf("%d inputs\n", count);
	return bad || count == 0 ? 2 : 0;
}
