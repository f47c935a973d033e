/* mkmedia - a file-set in a folder through the media room: -n tells the plan;
   -d makes the DICOMDIR without the files; else objects that need no change
   are copied, and the others dropped; of several volumes each has a folder,
   dest.1 and so on.  -c checks the folder instead. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/media.h"

static const char *dest;
static bool dry, look, no_files, verbose;
static char **names;

/* The folder of a volume. */
static const char *folder(const struct img_media_set *m, unsigned volume)
{
	static char path[256];

	if (img_media_volumes(m) == 1)
		return dest;
	snprintf(path, sizeof path, "%.200s.%u", dest, volume + 1);
	return path;
}

static void make_parents(char *path)
{
	for (char *c = strchr(path + 1, '/'); c; c = strchr(c + 1, '/')) {
		*c = '\0';
		mkdir(path, 0777);
		*c = '/';
	}
}

static int put(void *arg, const char *name, const void *p, size_t n,
	       struct img_err *err)
{
	char path[IMG_PATH_MAX];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", (const char *)arg, name);
	make_parents(path);
	f = fopen(path, "wb");
	if (!f || fwrite(p, 1, n, f) != n || fclose(f) != 0)
		return img_err_sys(err, "%s", path);
	return 0;
}

static void add(struct img_media_set *m, struct img_dicom_reader *r, char *name)
{
	struct img_err err = IMG_ERR_INIT;
	struct stat st;
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	size_t index;

	if (fd < 0 || fstat(fd, &st) != 0)
		img_err_sys(&err, "%s", name);
	else if (img_dicom_start_fd(r, fd, (uint64_t)st.st_size, name, NULL,
				    &err) == 0 &&
		 img_media_add(m, r, name, (uint64_t)st.st_size, &index,
			       &err) == 0)
		names[index] = name;
	if (err.code)
		printf("refused %s: %s\n", img_code_word(err.code), err.text);
	if (fd >= 0)
		close(fd);
}

static void copy(const struct img_media_item *item, const char *to_folder,
		 const char *name)
{
	struct img_err err = IMG_ERR_INIT;
	static char buf[1 << 22];
	FILE *f = fopen(name, "rb"), *to;
	char path[IMG_PATH_MAX];
	size_t n;

	snprintf(path, sizeof path, "%s/%s", to_folder, item->file_id);
	make_parents(path);
	to = fopen(path, "wb");
	while (f && to && (n = fread(buf, 1, sizeof buf, f)) > 0)
		fwrite(buf, 1, n, to);
	if (!f || !to || fclose(to) != 0)
		img_err_sys(&err, "%s", path);
	if (f)
		fclose(f);
	if (err.code)
		printf("%s\n", err.text);
}

static void tell(struct img_media_set *m, size_t i)
{
	static const char *const kinds[] = { "syntax", "meta", "vr",     "key",
					     "drop",   "mark", "differs" };
	struct img_media_item item;
	char tag[12];

	img_media_item(m, i, &item);
	if (item.refused)
		printf("refused %s: %s\n", img_code_word(item.why.code),
		       item.why.text);
	else
		printf("%u %s %s%s\n", item.volume, item.file_id, item.type,
		       item.rewrite ? " rewrite" : "");
	for (size_t k = 0; k < item.change_count; k++) {
		img_dict_format_tag(item.changes[k].tag, tag);
		printf("  %s %s%s%s%s%s\n", kinds[item.changes[k].kind], tag,
		       *item.changes[k].from ? " " : "", item.changes[k].from,
		       *item.changes[k].to ? " " : "", item.changes[k].to);
	}
	if (dry || item.refused)
		return;
	if (item.rewrite)
		img_media_drop(m, i);
	else if (!no_files)
		copy(&item, folder(m, item.volume), names[i]);
}

static struct img_media_check *check;
static struct img_dicom_reader *reader;

static int found(const struct img_media_finding *f, void *arg,
		 struct img_err *err)
{
	char tag[12] = "-";

	(void)arg;
	(void)err;
	if (f->tag)
		img_dict_format_tag(f->tag, tag);
	printf("%s %d %s %s %s\n", img_media_fault_word(f->fault),
	       (int)f->record, *f->path ? f->path : "-", tag, f->text);
	return 0;
}

static int visit(const char *path, const struct stat *st, int kind,
		 struct FTW *w)
{
	struct img_err err = IMG_ERR_INIT;
	const char *name = path + strlen(dest) + 1;
	char head[1024];
	ssize_t n;
	int fd;
	bool is;

	(void)w;
	if (kind != FTW_F)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = img_pread_full(fd, head, sizeof head, 0);
	is = n > 0 && img_dicom_looks_like(head, (size_t)n) &&
	     strcmp(name, "DICOMDIR") != 0;
	if (is)
		img_dicom_start_fd(reader, fd, (uint64_t)st->st_size, name,
				   &img_media_limits, &err);
	if (err.code == 0)
		img_media_check_file(check, name, is ? reader : NULL, &err);
	if (err.code == 0 && strcmp(name, "DICOMDIR") == 0 &&
	    img_dicom_start_fd(reader, fd, (uint64_t)st->st_size, name,
			       &img_media_limits, &err) == 0)
		img_media_check_dicomdir(check, reader, name, &err);
	if (err.code)
		printf("%s %s\n", img_code_word(err.code), err.text);
	close(fd);
	return 0;
}

static int check_folder(const char *profile)
{
	struct img_err err = IMG_ERR_INIT;
	int rc;

	check = img_media_check_new(profile, true, &err);
	if (!check)
		return 3;
	if (nftw(dest, visit, 16, FTW_PHYS) != 0)
		return 3;
	if (verbose)
		printf("file-set %s\n", img_media_check_id(check));
	rc = img_media_check_end(check, found, NULL, &err);
	img_media_check_free(check);
	return rc < 0 ? 3 : rc;
}

static bool options(int argc, char **argv, struct img_media_options *o)
{
	static const char *set[16];
	int c;

	o->set = set;
	while ((c = getopt(argc, argv, "cdvnp:i:f:s:t:wx:u")) >= 0) {
		if (c == 'n')
			dry = true;
		else if (c == 'c')
			look = true;
		else if (c == 'v')
			verbose = true;
		else if (c == 'd')
			no_files = true;
		else if (c == 'p')
			o->profile = optarg;
		else if (c == 'i')
			o->institution = optarg;
		else if (c == 'f')
			o->file_set_id = optarg;
		else if (c == 's' && o->set_count < 16)
			set[o->set_count++] = optarg;
		else if (c == 't')
			o->syntax = optarg;
		else if (c == 'w')
			o->web = true;
		else if (c == 'u')
			o->plain_vrs = true;
		else if (c != 'x' || !img_parse_size(optarg, &o->volume))
			return false;
	}
	return optind < argc;
}

/* Those that are named, by the plan. */
static int make(struct img_media_set *m, struct img_dicom_reader *r, int argc,
		char **argv, struct img_err *err)
{
	struct img_media_out out = { .put = put };

	for (int i = optind; i < argc; i++)
		add(m, r, argv[i]);
	if (img_media_settle(m, err) < 0)
		return -1;
	mkdir(dest, 0777);
	for (size_t i = 0; i < img_media_count(m); i++)
		tell(m, i);
	for (unsigned v = 0; !dry && v < img_media_volumes(m); v++) {
		out.arg = (void *)(uintptr_t)folder(m, v);
		if (img_media_dicomdir(m, v, NULL, &out, err) < 0 ||
		    img_media_pdi(m, v, &out, err) < 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct img_media_options o = { 0 };
	struct img_err err = IMG_ERR_INIT;
	struct img_media_set *m = NULL;
	int rc = 3;

	if (!options(argc, argv, &o))
		return 64;
	dest = argv[optind++];
	reader = img_dicom_reader_new(&err);
	if (look) {
		rc = check_folder(o.profile);
		img_dicom_reader_free(reader);
		return rc;
	}
	names = calloc((size_t)argc + 1, sizeof *names);
	m = img_media_new(&o, &err);
	if (m && names && make(m, reader, argc, argv, &err) == 0)
		rc = 0;
	else
		fprintf(stderr, "mkmedia: %s\n", err.text);
	img_media_free(m);
	img_dicom_reader_free(reader);
	free(names);
	return rc;
}
