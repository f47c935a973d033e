/* lsarchive - walks an archive, reads every member, says what became of it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "archive/archive.h"

static ssize_t feed(void *arg, const void **p, struct img_err *err)
{
	static char buf[7777];
	ssize_t n = read(*(int *)arg, buf, sizeof(buf));

	*p = buf;
	return n < 0 ? img_err_sys(err, "feed") : n;
}

static void show(struct img_archive *a, const struct img_member *m, bool skip)
{
	static const char *const kinds[] = { "file", "folder", "refused" };
	struct img_err err = IMG_ERR_INIT;
	unsigned long long out = 0;
	uint32_t crc = 0;
	const void *p;
	ssize_t n = 0;

	while (!skip && (n = img_archive_block(a, &p, &err)) > 0) {
		crc = (uint32_t)crc32(crc, p, (unsigned)n);
		out += (unsigned long long)n;
	}
	printf("%s\t%s\t%s\t%llu\t%08x\t%s\n", kinds[m->kind], m->name,
	       m->refused ? m->refused : "-", out, crc,
	       n < 0 ? img_code_word(err.code) : "ok");
	if (n < 0)
		fprintf(stderr, "%s\n", err.text);
}

/* lsarchive [-s (stream)] [-k (skip data)] [-l member,total,ratio,members] */
int main(int argc, char **argv)
{
	struct img_archive_limits lim = { 0 };
	struct img_err err = IMG_ERR_INIT;
	bool stream = false, skip = false;
	struct img_archive *a;
	struct img_member m;
	unsigned long long v[4];
	int c, fd, rc;

	while ((c = getopt(argc, argv, "skl:")) != -1) {
		stream |= c == 's';
		skip |= c == 'k';
		if (c == 'l' && sscanf(optarg, "%llu,%llu,%llu,%llu", v, v + 1,
				       v + 2, v + 3) == 4)
			lim = (struct img_archive_limits){ v[3], v[0],
							   v[1], (unsigned)v[2],
							   NULL, 0 };
	}
	if (optind >= argc)
		return 64;
	fd = open(argv[optind], O_RDONLY);
	if (stream)
		rc = img_archive_open_fn(&a, feed, &fd, argv[optind], &lim,
					 &err);
	else
		rc = img_archive_open_fd(&a, fd, argv[optind], &lim, &err);
	while (rc >= 0 && (rc = img_archive_next(a, &m, &err)) > 0)
		show(a, &m, skip);
	if (rc < 0)
		printf("end\t%s\n", img_code_word(err.code));
	else
		printf("end\tok\n");
	if (rc < 0)
		fprintf(stderr, "%s\n", err.text);
	img_archive_close(a);
	return rc < 0 ? 2 : 0;
}
