/*
 * rot - flips single bits of an archive and of a disc's manifest, one after
 * the other, and asks whether each is found by the checks of imgverify; one
 * time in ten the file is cut off somewhere instead.
 *
 *	rot N SEED ARCHIVE [DISC]
 *
 * Of twenty flips nine are in objects, seven in catalog.db, three in
 * audit.log and one in MANIFEST.TXT (behind its first line, a comment).
 * Prints the counts; 1 if one was not found.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit.h"
#include "catalog/catalog.h"
#include "store/store.h"
#include "work/verify.h"

static uint64_t state;
static const char *archive, *disc;
static struct img_verify *media;
static uint64_t told, audit_at;
static char audit_head[IMG_DIGEST_HEX];
static struct img_audit *audit;
static glob_t objects;

static uint64_t next(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % below;
}

static int emit(void *arg, const struct img_record *rec)
{
	(void)arg;
	told += rec->status && strcmp(rec->status, "intact") != 0;
	return 0;
}

static void progress(void *arg, uint64_t items, uint64_t bytes)
{
	(void)arg;
	(void)items;
	(void)bytes;
}

static bool stopped(void *arg)
{
	(void)arg;
	return false;
}

static int page(void *arg, uint64_t number, struct img_err *err)
{
	(void)arg;
	(void)number;
	(void)err;
	told++;
	return 0;
}

static bool object_found(const char *file)
{
	struct img_err err = IMG_ERR_INIT;
	uint8_t digest[IMG_DIGEST_SIZE];
	enum img_fixity fixity;

	return img_unhex(digest, sizeof(digest), img_path_base(file)) &&
	       img_store_verify_path(file, digest, false, &fixity, &err) == 0 &&
	       fixity == IMG_DAMAGED;
}

static bool audit_found(void)
{
	struct img_audit_check check = { .at = audit_at };
	struct img_err err = IMG_ERR_INIT;

	memcpy(check.at_head, audit_head, sizeof(audit_head));
	return img_audit_verify(audit, &check, &err) == 0 && check.broken;
}

static bool found(int what, const char *file)
{
	struct img_err err = IMG_ERR_INIT;

	told = 0;
	if (what == 0)
		return object_found(file);
	if (what == 1)
		return img_catalog_check_file(file, false, page, NULL, &err) <
			       0 ||
		       told;
	if (what == 2)
		return audit_found();
	return img_verify_media(media, disc, NULL, &err) < 0 || told;
}

static uint64_t cuts;

static void put(int fd, const void *p, size_t n, uint64_t at)
{
	if (pwrite(fd, p, n, (off_t)at) != (ssize_t)n)
		exit(3);
}

/* A file that ends before its end, taken back afterwards. */
static bool cut(int what, const char *file, int fd, uint64_t size,
		uint64_t first)
{
	uint64_t at = first + next(size - first);
	uint8_t *rest;
	bool yes;

	if (what == 1 && next(4) == 0)
		at -= at % 4096; /* no page is cut, some are gone */
	rest = malloc(size - at);
	if (!rest ||
	    pread(fd, rest, size - at, (off_t)at) != (ssize_t)(size - at) ||
	    ftruncate(fd, (off_t)at) < 0)
		exit(3);
	yes = found(what, file);
	put(fd, rest, size - at, at);
	free(rest);
	cuts++;
	if (!yes)
		printf("not found: %s cut at %llu of %llu\n", file,
		       (unsigned long long)at, (unsigned long long)size);
	return yes;
}

/* One flip, taken back afterwards. */
static bool flip(int what, const char *file, int fd, uint64_t size,
		 uint64_t first)
{
	uint64_t at = first + next(size - first);
	unsigned bit = (unsigned)next(8);
	uint8_t byte, bad;
	bool yes;

	if (pread(fd, &byte, 1, (off_t)at) != 1)
		exit(3);
	bad = byte ^ (uint8_t)(1u << bit);
	put(fd, &bad, 1, at);
	yes = found(what, file);
	put(fd, &byte, 1, at);
	if (!yes)
		printf("not found: %s byte %llu bit %u\n", file,
		       (unsigned long long)at, bit);
	return yes;
}

static bool harm(int what, const char *file)
{
	int fd = open(file, O_RDWR | O_CLOEXEC);
	/* The first line of a manifest is a comment. */
	uint64_t first = what == 3 ? 64 : 0, size;
	struct stat st;
	bool yes;

	if (fd < 0 || fstat(fd, &st) < 0) {
		perror(file);
		exit(3);
	}
	size = (uint64_t)st.st_size;
	yes = next(10) == 0 ? cut(what, file, fd, size, first)
			    : flip(what, file, fd, size, first);
	close(fd);
	return yes;
}

static void prepare(char names[3][IMG_PATH_MAX])
{
	static const struct img_verify_host host = { emit, progress, stopped,
						     NULL };
	struct img_verify_opts opts = { .dir = archive, .no_frames = true };
	struct img_err err = IMG_ERR_INIT;
	struct img_catalog *c = NULL;
	char pattern[IMG_PATH_MAX];

	snprintf(names[0], IMG_PATH_MAX, "%s/catalog.db", archive);
	snprintf(names[1], IMG_PATH_MAX, "%s/audit.log", archive);
	snprintf(names[2], IMG_PATH_MAX, "%s/MANIFEST.TXT", disc ? disc : "");
	snprintf(pattern, sizeof(pattern), "%s/objects/*/*", archive);
	if (img_crypto_init(&err) < 0 ||
	    img_catalog_open(&c, archive, IMG_WRITE, &err) < 0 ||
	    img_catalog_settle(c, &err) < 0 ||
	    img_catalog_audit(c, &audit_at, audit_head, &err) != 1 ||
	    img_audit_open(&audit, archive, "rot", IMG_READ, &err) < 0 ||
	    img_verify_open(&media, &opts, &host, &err) < 0 ||
	    glob(pattern, 0, NULL, &objects) != 0) {
		fprintf(stderr, "rot: %s\n", err.text);
		exit(3);
	}
	img_catalog_close(c);
	for (size_t i = 0; i < objects.gl_pathc; i++)
		chmod(objects.gl_pathv[i], 0600);
}

int main(int argc, char **argv)
{
	static const char *const words[] = { "objects", "catalog", "audit",
					     "manifest" };
	static char names[3][IMG_PATH_MAX];
	uint64_t n, seed, done[4] = { 0 }, missed = 0;

	if (argc < 4 || !img_parse_u64(argv[1], UINT32_MAX, &n) ||
	    !img_parse_u64(argv[2], UINT32_MAX, &seed))
		return 64;
	state = seed * 0x9E3779B97F4A7C15u + 1;
	archive = argv[3];
	disc = argc > 4 ? argv[4] : NULL;
	prepare(names);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t turn = i % 20;
		int what = turn < 9 ? 0 : turn < 16 ? 1 : turn < 19 ? 2 : 3;
		const char *file;

		if (what == 3 && !disc)
			what = 0;
		file = what ? names[what - 1]
			    : objects.gl_pathv[next(objects.gl_pathc)];
		done[what]++;
		missed += !harm(what, file);
	}
	for (int i = 0; i < 4; i++)
		printf("%s %llu\n", words[i], (unsigned long long)done[i]);
	printf("of them cut off %llu\n", (unsigned long long)cuts);
	printf("not found %llu\n", (unsigned long long)missed);
	img_verify_close(media);
	img_audit_close(audit);
	globfree(&objects);
	return missed ? 1 : 0;
}
