/* export_nifti.c - the form nifti: dcm2niix makes files of each series. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/export_private.h"

#define SECONDS 1800
#define INPUTS  ".series" /* in the folder being made */
#define OUTPUTS ".nifti"

struct series {
	struct img_export *x;
	struct export_volume *v;
	size_t first, end; /* items */
	char stem[IMG_PATH_MAX];
	const char *shown; /* first file */
	uint32_t files;
	bool uneven, tilted;
};

static int write_block(void *arg, const void *p, size_t n, struct img_err *err)
{
	const int *fd = arg;

	return img_write_full(*fd, p, n) < 0 ? img_err_sys(err, "destination")
					     : 0;
}

/* What is no image would spoil the rest of the series. */
static int has_image(int fd, const struct export_item *it, struct img_err *err)
{
	const struct img_frames_facts *f;
	struct img_frames *frames;
	int rc = 0;

	if (img_frames_open(&frames, fd, it->name, err) < 0)
		return -1;
	f = img_frames_facts(frames);
	if (!f->has_pixels || f->frames == 0)
		rc = img_err_set(err, IMG_E_UNSUPPORTED,
				 "%s: no image that dcm2niix could take",
				 it->name);
	else
		rc = img_frames_check(f, it->name, err);
	img_frames_close(frames);
	return rc;
}

int export_nifti_try(struct export_item *it, int fd, struct img_err *err)
{
	return export_check(it, fd, err) < 0 ? -1 : has_image(fd, it, err);
}

/* Native, and under a name that says nothing. */
static int give(struct series *s, struct export_item *it, struct img_err *err)
{
	const struct img_ts *ts = img_ts_find(it->value[EX_TS]);
	char name[64];
	int from = export_source(s->x, it, err), to, rc;

	if (from < 0)
		return -1;
	snprintf(name, sizeof(name), INPUTS "/%08zu.dcm",
		 (size_t)(it - s->x->item));
	to = export_new_file(s->v->place.fd, name, err);
	rc = to < 0 || export_check(it, from, err) < 0
		     ? -1
		     : has_image(from, it, err);
	if (rc == 0 && (!ts || ts->kind != IMG_TS_NATIVE || ts->deflated)) {
		it->target = "1.2.840.10008.1.2.1";
		rc = export_convert(s->x, EXPORT_JOBS, it, from, to, err);
		memcpy(it->digest, it->source, sizeof(it->digest));
	} else if (rc == 0) {
		rc = export_read(from, it->name, NULL, write_block, &to, err);
	}
	close(from);
	if (to >= 0 && close(to) < 0 && rc >= 0)
		rc = img_err_sys(err, "destination");
	if (rc < 0)
		(void)unlinkat(s->v->place.fd, name, 0);
	return rc < 0 ? -1 : 0;
}

static int keep_stem(struct series *s, struct img_err *err)
{
	struct export_volume *v = s->v;
	const char **more;

	/* Doubled when it is full: at 1, 2, 4 ... */
	if ((v->stems & (v->stems - 1)) == 0) {
		more = reallocarray(v->stem, v->stems ? 2 * v->stems : 1,
				    sizeof(*more));
		if (!more)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		v->stem = more;
	}
	v->stem[v->stems] = export_text(s->x, s->stem, err);
	return v->stem[v->stems] ? (v->stems++, 0) : -1;
}

/* The folder of the layout, and the series' UID: as safe as any other value,
   since what a file has there may be no UID.  What is taken gets a number. */
static int make_stem(struct series *s, struct img_err *err)
{
	const struct export_item *it = &s->x->item[s->first];
	const char *slash = strrchr(it->out, '/');
	char uid[EXPORT_SAFE_NAME];
	int n = slash ? (int)(slash - it->out + 1) : 0;
	unsigned number = 1;
	bool taken;

	export_safe_name(
		it->value[EX_SERIES][0] ? it->value[EX_SERIES] : "series", uid);
	do {
		if (number < 2)
			snprintf(s->stem, sizeof(s->stem), "%.*s%s", n, it->out,
				 uid);
		else
			snprintf(s->stem, sizeof(s->stem), "%.*s%s-%u", n,
				 it->out, uid, number);
		number++;
		taken = false;
		for (size_t i = 0; !taken && i < s->v->stems; i++)
			taken = strcasecmp(s->v->stem[i], s->stem) == 0;
	} while (taken);
	return keep_stem(s, err);
}

/* Only these names tell where the slices did not fit into a grid. */
static void judge(struct series *s, const char *file)
{
	s->uneven |= strstr(file, "_Eq") != NULL;
	s->tilted |= strstr(file, "_Tilt") != NULL;
}

static void pass_on(const struct series *s, struct export_item *it)
{
	if (s->uneven)
		it->odd[0] = "uneven-slices: the distances between slices "
			     "differ, and the affine of a file without _Eq is "
			     "as if they did not";
	if (s->tilted)
		it->odd[1] = "tilted-slices: slices lie askew over each other, "
			     "and the affine of a file without _Tilt is not "
			     "theirs";
}

/* One file that dcm2niix has made, named "x<rest>". */
static int take(struct series *s, const char *file, struct img_err *err)
{
	char from[300], to[IMG_PATH_MAX + 300];
	struct export_sum sum;
	int fd, rc;

	snprintf(from, sizeof(from), OUTPUTS "/%s", file);
	snprintf(to, sizeof(to), "%s%s", s->stem, file + 1);
	fd = openat(s->v->place.fd, from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return img_err_sys(err, "destination");
	export_sum_init(&sum);
	rc = export_read(fd, s->x->item[s->first].name, &sum, NULL, NULL, err);
	export_set_time(fd, s->x->item[s->first].mtime);
	close(fd);
	if (rc == 0 && export_folders(s->v->place.fd, to, err) < 0)
		rc = -1;
	if (rc == 0 &&
	    img_rename_new(s->v->place.fd, from, s->v->place.fd, to) < 0)
		rc = img_err_sys(err, "destination");
	if (rc == 0)
		rc = export_wrote(s->x, s->v, to, &sum, err);
	export_sum_drop(&sum);
	/* The image, not what dcm2niix says of it. */
	if (rc == 0 && (!s->shown || img_path_has_ext(to, ".nii")))
		s->shown = export_text(s->x, to, err);
	s->files++;
	judge(s, file);
	return rc;
}

static int take_all(struct series *s, struct img_err *err)
{
	int fd = openat(s->v->place.fd, OUTPUTS,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int rc = 0;

	if (!d)
		return img_err_sys(err, "destination");
	while (rc == 0 && (errno = 0, e = readdir(d)) != NULL)
		if (e->d_name[0] == 'x')
			rc = take(s, e->d_name, err);
	if (rc == 0 && errno != 0)
		rc = img_err_sys(err, "destination");
	closedir(d);
	if (rc == 0 && s->files == 0)
		return img_err_set(err, IMG_E_UNSUPPORTED,
				   "dcm2niix made nothing of the series");
	return rc;
}

static int run(struct series *s, struct img_err *err)
{
	char in[64], out[64];
	const char *const argv[] = { "dcm2niix", "-b", "y",  "-ba", "y",
				     "-z",       "n",  "-f", "x",   "-o",
				     out,        in,   NULL };

	snprintf(in, sizeof(in), "/proc/%ld/fd/%d/" INPUTS, (long)getpid(),
		 s->v->place.fd);
	snprintf(out, sizeof(out), "/proc/%ld/fd/%d/" OUTPUTS, (long)getpid(),
		 s->v->place.fd);
	return export_run(s->x, argv, SECONDS, err);
}

static int convert(struct series *s, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	size_t given = 0;

	while (s->first < s->end && s->x->item[s->first].state != EX_WANTED)
		s->first++;
	if (s->first == s->end)
		return 0;
	if (make_stem(s, err) < 0)
		return -1;
	if (mkdirat(s->v->place.fd, INPUTS, 0700) < 0 ||
	    mkdirat(s->v->place.fd, OUTPUTS, 0700) < 0)
		return img_err_sys(err, "destination");
	for (size_t i = s->first; i < s->end; i++) {
		struct export_item *it = &s->x->item[i];

		img_err_clear(&why);
		if (it->state != EX_WANTED)
			continue;
		if (give(s, it, &why) == 0)
			given++;
		else if (export_is_general(it, &why))
			return img_err_set(err, why.code, "%s", why.text);
		else
			export_fail(s->x, EXPORT_JOBS, it, &why);
	}
	img_err_clear(&why);
	if (given && (run(s, &why) < 0 || take_all(s, &why) < 0) &&
	    export_is_general(&s->x->item[s->first], &why))
		return img_err_set(err, why.code, "%s", why.text);
	if (why.code != IMG_OK && export_stopped(s->x))
		return img_err_set(err, IMG_E_REFUSED, "stopped");
	for (size_t i = s->first; given && i < s->end; i++) {
		struct export_item *it = &s->x->item[i];

		if (it->state != EX_WANTED)
			continue;
		if (why.code != IMG_OK) {
			struct img_err own = IMG_ERR_INIT;

			img_err_set(&own, why.code, "%s: %s", it->name,
				    why.text);
			export_fail(s->x, EXPORT_JOBS, it, &own);
			continue;
		}
		it->state = EX_WRITTEN;
		it->proved = !s->x->opts.trust;
		it->files = s->files;
		it->shown = s->shown;
		pass_on(s, it);
		export_done(s->x, it);
	}
	export_remove_below(&s->v->place, INPUTS);
	export_remove_below(&s->v->place, OUTPUTS);
	return 0;
}

int export_nifti_items(struct img_export *x, struct export_volume *v,
		       struct img_err *err)
{
	size_t i = 0;

	while (i < x->items) {
		struct series s = { .x = x, .v = v, .first = i };
		const char *uid = x->item[i].value[EX_SERIES];

		while (i < x->items &&
		       strcmp(x->item[i].value[EX_SERIES], uid) == 0)
			i++;
		s.end = i;
		if (export_stopped(x))
			return img_err_set(err, IMG_E_REFUSED, "stopped");
		if (convert(&s, err) < 0)
			return -1;
	}
	export_sort_extras(v);
	return 0;
}
