/* synced - copies files into a folder, durably, one by one: each is synced
   under a name of its own, gets its name, and the folder is synced, before the
   next.  What a disk takes for that is the least that a listener can take that
   gives each object a file before it answers.

	synced FOLDER FILE ... */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void copy(int folder, const char *path)
{
	static char block[1 << 20];
	const char *slash = strrchr(path, '/'),
		   *name = slash ? slash + 1 : path;
	char under[64], as[512];
	int in = open(path, O_RDONLY | O_CLOEXEC), out;
	ssize_t n;

	snprintf(under, sizeof(under), ".%ld", (long)getpid());
	snprintf(as, sizeof(as), "%s.%ld", name, (long)getpid());
	out = openat(folder, under, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		     0600);
	if (in < 0 || out < 0)
		err(1, "%s", path);
	while ((n = read(in, block, sizeof(block))) > 0) {
		if (write(out, block, (size_t)n) != n)
			err(1, "%s", as);
	}
	if (n < 0 || fdatasync(out) < 0 ||
	    renameat(folder, under, folder, as) < 0 || fsync(folder) < 0)
		err(1, "%s", as);
	close(in);
	close(out);
}

int main(int argc, char **argv)
{
	int folder;

	if (argc < 3)
		errx(64, "usage: synced FOLDER FILE ...");
	folder = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		err(1, "%s", argv[1]);
	for (int i = 2; i < argc; i++)
		copy(folder, argv[i]);
	return 0;
}
