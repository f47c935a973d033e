/*
 * blocklog - a disk whose every write and flush is written down, so that it
 * can lose its power at any moment afterwards.
 *
 *	blocklog serve FOLDER DISK LOG
 *		mounts a file system at FOLDER with the file disk, for a loop
 *		device, and the files out and acks, to which a program says what
 *		it has done; ends when FOLDER is unmounted
 *	blocklog count LOG
 *	blocklog said LOG
 *		how many records had come when something was said, one a line
 *	blocklog cut LOG DISK AT SEED OUT ACKS
 *		makes of DISK, a copy of the one served, what a power cut behind
 *		AT records leaves: all that was written before the last flush,
 *		and of what came after it some, in sectors of 4 KiB; and OUT and ACKS as
 *		far as they were heard.  SEED 0: all of it, in order
 *
 * It speaks the protocol of fuse(4) itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST (256u * 1024)
/* Disks write so much whole; ext4 relies on it for its superblock. */
#define SECTOR 4096

enum { ROOT = 1, DISK, OUT, ACKS, NODES };
static const char *const names[NODES] = { "", "", "disk", "out", "acks" };

/* A record of the log: what follows is n bytes, of writes only. */
struct entry {
	uint32_t node, flush;
	uint64_t at, n;
};

static int disk, fuse;
static FILE *log_file;
static uint64_t size[NODES];

static void die(const char *what)
{
	perror(what);
	exit(3);
}

/* ---- serving ------------------------------------------------------------ */

static void reply(const struct fuse_in_header *in, int error, const void *p,
		  size_t n)
{
	struct fuse_out_header h = { .len = (uint32_t)(sizeof(h) + n),
				     .error = -error,
				     .unique = in->unique };
	struct iovec v[2] = { { &h, sizeof(h) }, { (void *)(uintptr_t)p, n } };

	if (writev(fuse, v, p ? 2 : 1) < 0 && errno != ENOENT)
		die("reply");
}

static void fill(struct fuse_attr *a, uint64_t node)
{
	memset(a, 0, sizeof(*a));
	a->ino = node;
	a->size = node < NODES ? size[node] : 0;
	a->blocks = a->size / 512;
	a->mode = node == ROOT ? S_IFDIR | 0755 : S_IFREG | 0666;
	a->nlink = 1;
	a->blksize = 4096;
}

static void do_init(const struct fuse_in_header *in, const void *arg)
{
	const struct fuse_init_in *ask = arg;
	struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION,
				     .minor = FUSE_KERNEL_MINOR_VERSION,
				     .max_readahead = ask->max_readahead,
				     .flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES,
				     .max_write = MOST,
				     .max_pages = MOST / 4096 };

	reply(in, 0, &out, sizeof(out));
}

static void do_lookup(const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out out = { 0 };

	for (uint64_t i = DISK; i < NODES; i++)
		if (strcmp(names[i], name) == 0) {
			out.nodeid = i;
			fill(&out.attr, i);
			reply(in, 0, &out, sizeof(out));
			return;
		}
	reply(in, ENOENT, NULL, 0);
}

static void do_attr(const struct fuse_in_header *in)
{
	struct fuse_attr_out out = { 0 };

	fill(&out.attr, in->nodeid);
	reply(in, 0, &out, sizeof(out));
}

static void do_open(const struct fuse_in_header *in)
{
	struct fuse_open_out out = { 0 };

	out.open_flags =
		in->nodeid == DISK ? FOPEN_KEEP_CACHE : FOPEN_DIRECT_IO;
	reply(in, 0, &out, sizeof(out));
}

static void do_read(const struct fuse_in_header *in, const void *arg)
{
	static char block[MOST];
	const struct fuse_read_in *r = arg;
	ssize_t n = 0;

	if (in->nodeid == DISK)
		n = pread(disk, block, r->size < MOST ? r->size : MOST,
			  (off_t)r->offset);
	if (n < 0)
		reply(in, EIO, NULL, 0);
	else
		reply(in, 0, block, (size_t)n);
}

static void write_log(const struct entry *e, const void *p)
{
	if (fwrite(e, sizeof(*e), 1, log_file) != 1 ||
	    (e->n && fwrite(p, e->n, 1, log_file) != 1) ||
	    fflush(log_file) != 0)
		die("log");
}

static void do_write(const struct fuse_in_header *in, const void *arg)
{
	const struct fuse_write_in *w = arg;
	struct fuse_write_out out = { .size = w->size };
	struct entry e = { .node = (uint32_t)in->nodeid,
			   .at = w->offset,
			   .n = w->size };

	if (in->nodeid == DISK &&
	    pwrite(disk, w + 1, w->size, (off_t)w->offset) != (ssize_t)w->size)
		die("disk");
	write_log(&e, w + 1);
	if (in->nodeid != DISK)
		size[in->nodeid] += w->size;
	reply(in, 0, &out, sizeof(out));
}

static void do_flush(const struct fuse_in_header *in)
{
	struct entry e = { .node = DISK, .flush = 1 };

	if (in->nodeid == DISK)
		write_log(&e, NULL);
	reply(in, 0, NULL, 0);
}

static void answer(const struct fuse_in_header *in, const void *arg)
{
	struct fuse_statfs_out none = { 0 };

	switch (in->opcode) {
	case FUSE_INIT:
		do_init(in, arg);
		break;
	case FUSE_LOOKUP:
		do_lookup(in, arg);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		do_attr(in);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		do_open(in);
		break;
	case FUSE_READ:
		do_read(in, arg);
		break;
	case FUSE_READDIR:
		reply(in, 0, "", 0);
		break;
	case FUSE_WRITE:
		do_write(in, arg);
		break;
	case FUSE_FSYNC:
		do_flush(in);
		break;
	case FUSE_STATFS:
		reply(in, 0, &none, sizeof(none));
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_DESTROY:
		reply(in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		reply(in, ENOSYS, NULL, 0);
	}
}

static int serve(const char *folder, const char *disk_name, const char *log)
{
	static char block[MOST + 65536];
	char options[128];
	struct stat st;
	ssize_t n;

	disk = open(disk_name, O_RDWR | O_CLOEXEC);
	log_file = fopen(log, "we");
	fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (disk < 0 || !log_file || fuse < 0 || fstat(disk, &st) < 0)
		die(disk_name);
	size[DISK] = (uint64_t)st.st_size;
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fuse);
	if (mount("blocklog", folder, "fuse", MS_NOSUID | MS_NODEV, options) <
	    0)
		die(folder);
	for (;;) {
		n = read(fuse, block, sizeof(block));
		if (n >= (ssize_t)sizeof(struct fuse_in_header))
			answer((const void *)block,
			       block + sizeof(struct fuse_in_header));
		else if (n < 0 && errno == ENODEV)
			return 0; /* unmounted */
		else if (n < 0 && errno != EINTR && errno != EAGAIN &&
			 errno != ENOENT)
			die("fuse");
	}
}

/* ---- cutting ------------------------------------------------------------ */

static uint64_t state;

static uint64_t next(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % below;
}

static void put(int fd, const char *p, uint64_t n, uint64_t at)
{
	while (n) {
		ssize_t did = pwrite(fd, p, n, (off_t)at);

		if (did <= 0)
			die("write");
		p += did;
		n -= (uint64_t)did;
		at += (uint64_t)did;
	}
}

/* Of a write that no flush made certain: all of it, nothing, or some of its
   sectors. */
static void put_some(int fd, const char *p, uint64_t n, uint64_t at)
{
	uint64_t how = state ? next(8) : 0;

	if (how < 4)
		put(fd, p, n, at);
	for (uint64_t i = 0; how == 7 && i < n; i += SECTOR)
		if (next(2))
			put(fd, p + i, n - i < SECTOR ? n - i : SECTOR, at + i);
}

static bool get(FILE *f, struct entry *e, char *block)
{
	if (fread(e, sizeof(*e), 1, f) != 1)
		return false;
	if (e->n > MOST || (e->n && fread(block, e->n, 1, f) != 1))
		die("log");
	return true;
}

/* The number of the record behind the last flush before `at`. */
static uint64_t certain(FILE *f, uint64_t at)
{
	static char block[MOST];
	struct entry e;
	uint64_t last = 0;

	for (uint64_t i = 0; i < at && get(f, &e, block); i++)
		if (e.flush)
			last = i + 1;
	rewind(f);
	return last;
}

static int cut(char **argv)
{
	static char block[MOST];
	FILE *f = fopen(argv[0], "re");
	uint64_t at = strtoull(argv[2], NULL, 10), sure;
	int to[NODES] = { 0 };
	struct entry e;

	to[DISK] = open(argv[1], O_WRONLY | O_CLOEXEC);
	to[OUT] = open(argv[4], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	to[ACKS] =
		open(argv[5], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (!f || to[DISK] < 0 || to[OUT] < 0 || to[ACKS] < 0)
		die(argv[0]);
	state = strtoull(argv[3], NULL, 10) * 0x9E3779B97F4A7C15u;
	sure = certain(f, at);
	for (uint64_t i = 0; i < at && get(f, &e, block); i++) {
		if (e.node != DISK && e.node < NODES) {
			put(to[e.node], block, e.n, size[e.node]);
			size[e.node] += e.n;
		} else if (e.node == DISK && !e.flush) {
			if (i < sure)
				put(to[DISK], block, e.n, e.at);
			else
				put_some(to[DISK], block, e.n, e.at);
		}
	}
	fclose(f);
	return 0;
}

static int count(const char *log)
{
	static char block[MOST];
	FILE *f = fopen(log, "re");
	uint64_t n = 0, flushes = 0;
	struct entry e;

	if (!f)
		die(log);
	for (; get(f, &e, block); n++)
		flushes += e.flush;
	fclose(f);
	printf("%llu %llu\n", (unsigned long long)n,
	       (unsigned long long)flushes);
	return 0;
}

static int said(const char *log)
{
	static char block[MOST];
	FILE *f = fopen(log, "re");
	struct entry e;

	if (!f)
		die(log);
	for (uint64_t n = 1; get(f, &e, block); n++)
		if (e.node != DISK)
			printf("%llu\n", (unsigned long long)n);
	fclose(f);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2], argv[3], argv[4]);
	if (argc == 3 && strcmp(argv[1], "count") == 0)
		return count(argv[2]);
	if (argc == 3 && strcmp(argv[1], "said") == 0)
		return said(argv[2]);
	if (argc == 8 && strcmp(argv[1], "cut") == 0)
		return cut(argv + 2);
	return 64;
}
